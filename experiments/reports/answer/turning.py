"""What could turn the answer over, as a table: the assumptions that matter most, at both ends of their range."""

from pathlib import Path
from typing import Any

from safepassage.experiments.questions.compare import Comparison
from safepassage.experiments.questions.turn_over import FILE
from safepassage.experiments.reports.answer.language import Language
from safepassage.experiments.reports.answer.tables import Cell, Table
from safepassage.experiments.reports.differences import digits_of
from safepassage.model.results.manifest import read_json


def turning(folder: Path, found: Comparison, say: Language) -> tuple[Table | None, str]:
    """Return the table of what could turn the answer over, and what is to be said of it; no table if not examined."""
    if not (folder / FILE).is_file():
        text = (
            "Not examined. “safepassage report FOLDER --turn-over {n}” varies what this answer assumes, and says here "
            "which two assumptions it hangs on most."
        )
        return None, say(text, n=found.n_replications)
    known = read_json(folder / FILE)
    plans = found.plans[1:]
    columns = ["", *(say("{plan}: more people out", plan=plan) for plan in plans)]
    rows = [[Cell(say("as stated")), *(_cell(known["as_stated"][plan], say) for plan in plans)]]
    for one in known["rows"]:
        for end in one["ends"]:
            rows.append([Cell(_what(one, end, say)), *(_cell(end["plans"][plan], say) for plan in plans)])
    return Table(columns, rows), f"{_how(known, say)} {_verdict(known, plans, say)}"


def _what(one: dict[str, Any], end: dict[str, Any], say: Language) -> str:
    words = say(one["words"]) if one["words"] != one["key"] else one["key"]
    if end["factor"] is not None:
        return say("{what}: {factor} times as much", what=words, factor=say.exact(end["factor"]))
    return say("{what}: {value} instead of {stated}", what=words, value=say.exact(end["value"]),
               stated=say.exact(one["stated"]))  # fmt: skip


def _cell(one: dict[str, Any], say: Language) -> Cell:
    digits = digits_of(one["low"], one["high"])
    mean, low, high = (say.signed(one[name], digits) for name in ("mean", "low", "high"))
    return Cell(f"{mean} ({say('{low} to {high}', low=low, high=high)})", one["is_clear"])


def _how(known: dict[str, Any], say: Language) -> str:
    if known["study"] is not None:
        text = "The assumptions that people out depend on most by the sensitivity study {study}; {n} pairs at each end."
        return say(text, study=known["study"], n=known["pairs"])
    text = (
        "Of {n_tried} assumptions, tried at both ends of their range with {n_few} pairs each, these move the "
        "difference in people out most; then run with {n} pairs at each end."
    )
    how = say(text, n_tried=len(known["tried"]), n_few=known["tried_pairs"], n=known["pairs"])
    most = max(known["tried"], key=lambda one: one["moves_casualties"], default=None)
    if most is None or most["moves_casualties"] == 0:
        return how
    text = "The difference in casualties moves most with: {what} (by {n} between the ends)."
    return f"{how} {say(text, what=say(most['words']), n=say.number(most['moves_casualties']))}"


def _verdict(known: dict[str, Any], plans: tuple[str, ...], say: Language) -> str:
    """Return in a sentence by plan whether what is stated holds at every end."""
    found = []
    for plan in plans:
        stated = known["as_stated"][plan]
        ends = [end["plans"][plan] for one in known["rows"] for end in one["ends"]]
        if not stated["is_clear"]:
            text = "Plan {plan}: no clear difference as stated."
        elif all(end["is_clear"] and end["mean"] * stated["mean"] > 0 for end in ends):
            text = "Plan {plan}: the difference has the same sign at every end, and is clear."
        elif all(end["mean"] * stated["mean"] > 0 for end in ends):
            text = "Plan {plan}: the difference has the same sign at every end, but is not clear at all of them."
        else:
            text = "Plan {plan}: at one of these ends the difference turns over or vanishes."
        found.append(say(text, plan=plan))
    return " ".join(found)
