"""Many seeds instead of one: the plans on the page, compared in the background with progress and intervals."""

import shlex
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from safepassage.experiments.reports.answer.language import ENGLISH, Language
from safepassage.experiments.runs.executors import local, n_cores
from safepassage.model.results.outcomes import GROUPS, OUTCOMES
from safepassage.model.settings.base import ScenarioError

if TYPE_CHECKING:
    from safepassage.experiments.questions.compare import Comparison

SEEDS = 50
"""Seeds offered: enough to tell a large difference, soon. A reported figure needs more (the result says how many)."""
FOLDER = "comparisons"
"""Below the folder of the plans."""


class Stopped(Exception):
    """The planner has stopped the comparison."""


class Comparer:
    """Runs one comparison of one tab at a time, in processes of their own that leave a core to the page."""

    def __init__(self, folder: Path, tell: Callable[[dict], None]) -> None:
        """folder: of the plans. tell: called with what the page shows, whenever it changes."""
        self._folder, self._tell = folder / FOLDER, tell
        self._thread: threading.Thread | None = None
        self._is_stopped = threading.Event()

    @property
    def is_running(self) -> bool:
        """Whether a comparison is under way."""
        return self._thread is not None and self._thread.is_alive()

    def start(
        self, scenario: str, plans: Sequence[dict], changes: dict, seeds: int = SEEDS, say: Language = ENGLISH
    ) -> None:
        """Begin to compare the scenario without plan with plans, given by their keys; raises ScenarioError.

        scenario: name or path. changes: keys of the scenario, for all plans. seeds: how many runs of each.
        say: the language in which its result is told.
        """
        if self.is_running:
            raise ScenarioError("a comparison is under way. Stop it first.")
        if not plans:
            raise ScenarioError("there is nothing to compare: choose a plan, or act on the page.")
        out = self._new_folder()
        files = []
        for keys in plans:
            path = out.parent / f"{out.name}-{keys['name']}.yaml"
            path.write_text(yaml.safe_dump(keys, sort_keys=False, allow_unicode=True), encoding="utf-8")
            files.append(str(path))
        given = [part for path in files for part in ("--plan", path)]
        sets = [part for key, value in changes.items() for part in ("--set", f"{key}={value}")]
        n = ["--replications", str(seeds)]
        command = shlex.join(["safepassage", "compare", scenario, *given, *n, *sets, "--out", str(out)])
        self._is_stopped.clear()
        self._tell({"running": True, "done": 0, "wanted": 0, "command": command})
        work = (scenario, files, changes, seeds, out, command, say)
        self._thread = threading.Thread(target=self._run, args=work, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Give up the comparison; the runs done are kept, and the command goes on with them."""
        self._is_stopped.set()

    def _new_folder(self) -> Path:
        for number in range(1, 10_000):
            out = self._folder / str(number)
            try:
                out.mkdir(parents=True)
                return out
            except FileExistsError:
                continue
        raise ScenarioError(f"{self._folder}: there are too many comparisons. Remove some.")

    def _run(
        self, scenario: str, files: list[str], changes: dict, seeds: int, out: Path, command: str, say: Language
    ) -> None:
        from safepassage.experiments.questions.compare import compare  # takes most of a second: not for who only looks

        shown: dict = {"running": False, "command": command}

        def on_progress(n_done: int, n_wanted: int) -> None:
            if self._is_stopped.is_set():
                raise Stopped
            self._tell({**shown, "running": True, "done": n_done, "wanted": n_wanted})

        try:
            with local(max(1, n_cores() - 1)) as executor:
                found = compare(
                    scenario, files, out=out, executor=executor, replications=seeds, changes=changes,
                    on_progress=on_progress,
                )  # fmt: skip
            self._tell({**shown, **described(found, say)})
        except Stopped:
            self._tell({**shown, "error": say("Stopped. The command goes on with the runs that are done.")})
        except Exception as error:  # whatever goes wrong in the background is told on the page
            self._tell({**shown, "error": str(error) or type(error).__name__})


def plans_in(shown: Sequence[Any]) -> list[dict]:
    """Return the keys of each plan that is shown, two that are the same once; none of maps without a plan.

    shown: `Actions` of each map.
    """
    plans: list[dict] = []
    for which, one in enumerate(shown):
        keys = one.plan(("left", "right")[which] if len(shown) > 1 else "as_shown")
        if one.has_levers() and not any(_same_levers(keys, other) for other in plans):
            plans.append(keys)
    return plans


def _same_levers(one: dict, other: dict) -> bool:
    return all(one.get(key) == other.get(key) for key in {*one, *other} - {"name", "title"})


def described(found: "Comparison", say: Language = ENGLISH) -> dict:
    """Return a comparison as the page shows it: conclusions, and a table for each pair of plans."""
    from safepassage.experiments.reports.answer.sentences import conclusions

    tables = [
        {"plan": plan, "other": other, "rows": [_row(found, one, plan, other, say) for one in found.all_outcomes()]}
        for plan, other in found.pairs()
    ]
    warnings = [say.known(line) for line in found.late_times()]
    if found.few_replications():
        text = "Only {n} pairs of runs: a figure to be reported needs 50 or more (IMO MSC.1/Circ.1533)."
        warnings.insert(0, say(text, n=found.n_replications))
    return {"n": found.n_replications, "said": conclusions(found, say), "tables": tables, "warnings": warnings}


def _row(found: "Comparison", outcome: Any, plan: str, other: str, say: Language) -> list[str]:
    """Return an outcome under two plans in words: what it is, the means, their difference and its interval."""
    from safepassage.experiments.reports.differences import digits_of, in_natural_unit

    outcome, one = in_natural_unit(found, outcome, plan, other)
    label = _label(found, outcome, say)
    if one.n_pairs == 0:
        return [label, say("not reached"), "", "", ""]
    if one.is_seldom_reached:
        return [label, "", "", "", ""]
    is_interval = bool(np.isfinite(one.low))
    digits = digits_of(one.low, one.high) if is_interval else digits_of(one.mean)
    low, high = (say.signed(value, digits) for value in (one.low, one.high)) if is_interval else ("", "")
    between = say("{low} to {high}", low=low, high=high) if is_interval else ""
    means = [say.number(one.baseline_mean), say.number(one.plan_mean)]
    return [label, *means, say.signed(one.mean, digits), between]


def _label(found: "Comparison", outcome: Any, say: Language) -> str:
    """Return what an outcome is, with its unit unless it counts people or its words have it."""
    from safepassage.experiments.outcomes.over_time import AT

    name, _, time_s = outcome.name.partition(AT)
    if time_s:
        return say("{what} by {moment}", what=say(OUTCOMES["safe"].words), moment=found.moment(float(time_s)))
    base, _, group = name.partition(":")
    words = say.known(outcome.words)
    if group in GROUPS and base in OUTCOMES:
        words = f"{say.known(OUTCOMES[base].words)}, {say.known(GROUPS[group])}"
    is_told = outcome.unit in ("people", "1") or outcome.unit in outcome.words
    return words if is_told else f"{words} ({say.known(outcome.unit)})"
