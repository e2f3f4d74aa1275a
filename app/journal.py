"""The journal of each tab on disk: what was chosen and done, so that it can be lived again after a reload or Reset."""

import json
import re
from pathlib import Path
from typing import Any

from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.files.whole import write_whole

FOLDER = "journal"
"""Below the folder of the plans."""
FORMAT = 1
NAME = re.compile(r"[A-Za-z0-9-]{8,64}")
MOST_BYTES = 4_000_000
"""A journal larger than this was not written by the page."""


class Journal:
    """Writes what one tab has chosen and done; reads it again."""

    def __init__(self, plans: Path) -> None:
        self.folder = plans / FOLDER
        self._tab = ""

    def name(self, tab: str) -> None:
        """Name the tab, as the browser does when it opens; another spelling than the page's own is ignored."""
        if NAME.fullmatch(tab):
            self._tab = tab

    def _path(self, before_reset: bool) -> Path | None:
        return self.folder / f"{self._tab}{'.reset' * before_reset}.json" if self._tab else None

    def write(self, chosen: dict, time_s: float, acts: list[dict], *, before_reset: bool = False) -> None:
        """Write what was chosen and done, over what was written before.

        time_s: the present of the run (s). acts: what was done. before_reset: write it as what a Reset put aside. A
        folder that cannot be written to costs the journal, never the run.
        """
        path = self._path(before_reset)
        if path is None:
            return
        try:
            content = {"format": FORMAT, "chosen": chosen, "time_s": time_s, "acts": acts}
            write_whole(path, json.dumps(content, ensure_ascii=False, indent=1).encode())
        except OSError:
            return

    def drop(self, *, before_reset: bool = False) -> None:
        """Remove what was written: there is nothing to go on with."""
        path = self._path(before_reset)
        if path is not None:
            path.unlink(missing_ok=True)

    def read(self, *, before_reset: bool = False) -> dict | None:
        """Return what was written for this tab; None: nothing, or nothing that can be used."""
        path = self._path(before_reset)
        try:
            if path is None or not path.is_file() or path.stat().st_size > MOST_BYTES:
                return None
            found = json.loads(path.read_text(encoding="utf-8"))
            return found if _is_whole(found) else None
        except (OSError, ValueError):
            return None


class Offers:
    """What of a journal one tab is offered to go on with, after a reload or a Reset, until it answers."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.open: dict | None = None
        """The journal offered; None: nothing is."""
        self._is_reset = False

    def after_reload(self) -> None:
        """Offer what was done before the page was loaded again, else what a Reset put aside that nobody answered."""
        self.open, self._is_reset = self.journal.read(), False
        if self.open is None:
            self.open, self._is_reset = self.journal.read(before_reset=True), True

    def after_reset(self, had_acts: bool) -> None:
        """Offer what a Reset put aside. had_acts: whether anything was done before it."""
        self.journal.drop()
        if not had_acts:
            self.journal.drop(before_reset=True)
        self.open, self._is_reset = self.journal.read(before_reset=True), True

    def take(self) -> dict | None:
        """Return what is offered, answered from now on."""
        found, self.open = self.open, None
        return found

    def told(self) -> dict:
        """Return the offer as the page shows it; empty: there is none."""
        if self.open is None:
            return {}
        told = {"is_reset": self._is_reset, "scenario": str(self.open["chosen"].get("name"))}
        return told | {"n": len(self.open["acts"]), "time_s": self.open["time_s"]}


def _is_whole(found: Any) -> bool:
    """Return whether a file read holds a journal of this version."""
    keys = ("time_s", "which", "data", "text")
    return (
        isinstance(found, dict)
        and found.get("format") == FORMAT
        and isinstance(found.get("chosen"), dict)
        and isinstance(found.get("time_s"), int | float)
        and isinstance(found.get("acts"), list)
        and all(isinstance(act, dict) and set(keys) <= set(act) for act in found["acts"])
    )


def acts_of(found: dict) -> list[dict]:
    """Return the acts of a journal in the form in which a run takes them over; raises ScenarioError if it cannot."""
    try:
        return [
            {"time_s": float(a["time_s"]), "which": int(a["which"]), "data": dict(a["data"]), "text": str(a["text"])}
            for a in found["acts"]
        ]
    except (TypeError, ValueError) as error:
        raise ScenarioError(f"the journal cannot be read ({error}). Start afresh.") from None
