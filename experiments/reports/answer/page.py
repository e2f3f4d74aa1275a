"""What stands on the answer page of a comparison, in one language."""

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from safepassage.experiments.outcomes.over_time import AT
from safepassage.experiments.questions.compare import BASELINE, Comparison, open_comparison
from safepassage.experiments.questions.paired import ENOUGH_RUNS, Difference
from safepassage.experiments.reports.answer.language import Language
from safepassage.experiments.reports.answer.maps import FEW_RESIDENTS, Legend, Maps, read_maps
from safepassage.experiments.reports.answer.over_front import over_front
from safepassage.experiments.reports.answer.sentences import conclusions, end, moment, named
from safepassage.experiments.reports.answer.tables import Cell, Table
from safepassage.experiments.reports.answer.turning import turning
from safepassage.experiments.reports.differences import digits_of, in_natural_unit
from safepassage.experiments.reports.sources import assumed
from safepassage.model.results.outcomes import GROUPS, OUTCOMES, Direction, Outcome
from safepassage.model.settings.scenario import shipped

FEW_PLANS = 3
"""Plans, the baseline among them, up to which each has room for all that can be told; with more, less is told."""
MOMENTS = 3
"""Round moments of the run at which people out are told, besides its end."""
CHANGES = ("safe", "left_behind", "casualties", "dead", "cold_casualties_expected", "out25", "out50", "out75",
           "exposure_person_h", "exposure_unprotected_person_h", "vehicle_delay")  # fmt: skip
WHO = ("under_18", "65_and_over", "no_car", "needs_assistance")
COSTS = (
    "service_runs",
    "seats_offered",
    "boarded",
    "seat_hours_offered",
    "seat_hours_used",
    "crew_hours",
    "crew_exposure",
    "crew_casualties_expected",
    "crew_casualties_per_1000",
)
"""What a plan costs; the words of each say what is counted."""
WORDS = {
    "vehicle_delay": "time lost by vehicles in queues",
    "seat_hours_offered": "seat-hours offered",
    "crew_hours": "crew-hours on runs, up to where they leave the area",
    "crew_exposure": "crew-hours in the endangered area",
}
"""Words of outcomes that differ from those of the vocabulary, which stands in longer tables."""


@dataclass(frozen=True)
class Picture:
    """A map with what is written below it."""

    data: str
    caption: str
    note: str = ""


@dataclass(frozen=True)
class PictureRow:
    """Maps side by side with their legends: colour and text of each class."""

    title: str
    pictures: list[Picture]
    legends: list[list[tuple[str, str]]]


@dataclass(frozen=True)
class Answer:
    """What the template shows."""

    title: str
    notice: str
    facts: str
    sentences: list[str]
    warnings: list[str]
    changes: Table
    who: Table
    costs: Table | None
    over_front: Table | None
    maps: list[PictureRow]
    turning: Table | None
    turning_note: str
    method: list[str]
    n_columns: int
    """Maps side by side."""
    flows: bool
    """The second sheet begins where the first ends, since with several plans the tables take more than one."""


def answer_of(folder: Path, say: Language) -> Answer:
    """Return the answer page of a finished comparison. Raises ScenarioError."""
    found = open_comparison(folder)
    manifest = json.loads((folder / "comparison.json").read_text(encoding="utf-8"))
    maps = read_maps(folder, found.plans)
    turned, note = turning(folder, found, say)
    plans = ", ".join(named(found, plan, say) for plan in found.plans[1:])
    facts = say(
        "Scenario {name}; from {start} to {end}; plans {plans}, each against no plan.", name=found.scenario["name"],
        start=say.day(found.run.start), end=end(found, say), plans=plans,
    )  # fmt: skip
    few = found.n_replications < ENOUGH_RUNS
    return Answer(
        title=found.scenario["title"],
        notice=found.scenario.get("notice", ""),
        facts=facts,
        sentences=conclusions(found, say),
        warnings=[say("Only {n} pairs of runs: a figure to be reported needs 50 or more (IMO MSC.1/Circ.1533).",
                      n=found.n_replications)] if few else [],
        changes=_changes(found, say),
        who=_who(found, say),
        costs=_costs(found, say),
        over_front=over_front(found, say),
        maps=_maps(maps, found, say),
        turning=turned,
        turning_note=note,
        method=_method(found, manifest, maps, say),
        n_columns=max(len(found.plans), 3),
        flows=len(found.plans) > 2,
    )  # fmt: skip


def _headings(found: Comparison, say: Language) -> list[str]:
    return ["", say("no plan"), *(say("{plan}: difference", plan=plan) for plan in found.plans[1:])]


def _changes(found: Comparison, say: Language) -> Table:
    rows = []
    n_moments = MOMENTS if len(found.plans) <= FEW_PLANS else 1
    for time_s in found.moments_s[-n_moments:]:
        outcome = Outcome(f"n_safe{AT}{time_s:.0f}", "", "people", Direction.MORE, OUTCOMES["safe"].panel)
        words = say("out of the area by {moment}", moment=moment(found, time_s, say))
        rows.append(_row(found, outcome, words, say))
    for name in CHANGES:
        if name == "vehicle_delay" and max(found.values(plan, name).mean() for plan in found.plans) < 1.0:
            continue  # less than an hour in all
        if name not in found.frame or not any(_is_told(found, name, plan) for plan in found.plans[1:]):
            continue
        words = say("out of the area by {moment}", moment=end(found, say)) if name == "safe" else _words(name, say)
        rows.append(_row(found, OUTCOMES[name], words, say))
    return Table(_headings(found, say), rows)


def _is_told(found: Comparison, name: str, plan: str) -> bool:
    one = found.difference(OUTCOMES[name], plan)
    return one.n_pairs > 0 and not one.is_seldom_reached


def _words(name: str, say: Language) -> str:
    return say(WORDS.get(name, OUTCOMES[name].words))


def _row(found: Comparison, outcome: Outcome, words: str, say: Language) -> list[Cell]:
    first, base = in_natural_unit(found, outcome, found.plans[1], BASELINE)
    label = words if first.unit == "people" or outcome.name in COSTS else f"{words}, {say(first.unit)}"
    cells = [Cell(label), Cell(say.number(base.baseline_mean))]
    for plan in found.plans[1:]:
        _, one = in_natural_unit(found, outcome, plan, BASELINE)
        cells.append(_difference(one, outcome, say))
    return cells


def _difference(one: Difference, outcome: Outcome, say: Language) -> Cell:
    """Return a difference with its interval and in how many futures the plan does better."""
    if one.n_pairs == 0 or one.is_seldom_reached:
        return Cell(say("not reached"))
    if one.p_equal == 1:
        return Cell(say("the same in every pair"))
    if not np.isfinite(one.low):
        return Cell(say.signed(one.mean))
    digits = digits_of(one.low, one.high)
    mean, low, high = (say.signed(value, digits) for value in (one.mean, one.low, one.high))
    text = f"{mean} ({say('{low} to {high}', low=low, high=high)})"
    note = ""
    if outcome.direction in (Direction.MORE, Direction.LESS):
        note = say("better in {n_so} of {n}", n_so=round(one.p_better * one.n_pairs), n=one.n_pairs)
    return Cell(text, one.is_clear, note)


def _who(found: Comparison, say: Language) -> Table:
    """Return who is left behind: of each group how many there are, and how many fewer or more are left by plan."""
    columns = ["", say("live there"), say("left behind, no plan"), *_headings(found, say)[2:]]
    rows = []
    for group in WHO:
        name = f"left_behind:{group}"
        outcome = next((one for one in found.outcomes if one.name == name), None)
        if outcome is None:
            continue
        n = float(found.values(BASELINE, f"n_persons:{group}").mean())
        left = float(found.values(BASELINE, name).mean())
        share = say.percent(left / n) if n else ""
        rows.append(
            [Cell(say(GROUPS[group])), Cell(say.number(round(n))), Cell(say.number(left), note=share)]
            + [_difference(found.difference(outcome, plan), outcome, say) for plan in found.plans[1:]]
        )
    return Table(columns, rows)


def _costs(found: Comparison, say: Language) -> Table | None:
    """Return what plans cost in seats and crews; None if no plan has any."""
    rows = [
        _row(found, OUTCOMES[name], _words(name, say), say)
        for name in COSTS
        if any(np.nan_to_num(found.values(plan, name)).any() for plan in found.plans)
        and any(_is_told(found, name, plan) for plan in found.plans[1:])
    ]
    return Table(_headings(found, say), rows) if rows else None


def _maps(maps: Maps, found: Comparison, say: Language) -> list[PictureRow]:
    plans = found.plans
    name = {BASELINE: say("no plan")}
    size = say("{length} m", length=say.number(maps.cell_m))
    left = [Picture(maps.draw_left(plan), name.get(plan, plan)) for plan in plans]
    change = [
        Picture(maps.draw_change(plan), say("{plan}: difference (framed: clear)", plan=plan)) for plan in plans[1:]
    ]
    left_title = say("Who is left where: people not out at the end, in squares of {size}", size=size)
    change_title = say("Where fewer or more are left than without a plan, in the same squares")
    left_legend = [("", say("people left:")), *_legend(maps.left_classes(), say)]
    change_legend = [("", say("difference:")), *_legend(maps.change_classes(), say, signed=True)]
    delays = maps.delay_classes()
    held_up = [
        Picture(maps.draw_delays(plan), name.get(plan, plan),
                "; ".join(f"{street}: {say.number(hours)}" for street, hours in maps.worst(plan)))
        for plan in plans
    ]  # fmt: skip
    of_delays = PictureRow(
        say("Where cars are held up: vehicle-hours lost by street"), held_up if delays else [],
        [_legend(delays, say) or [("", say("less than one vehicle-hour on any street, under every plan"))]],
    )  # fmt: skip
    if len(change) == 1:
        return [PictureRow(left_title, [*left, *change], [left_legend, change_legend]), of_delays]
    return [PictureRow(left_title, left, [left_legend]), PictureRow(change_title, change, [change_legend]), of_delays]


def _legend(classes: list[Legend], say: Language, *, signed: bool = False) -> list[tuple[str, str]]:
    write = say.signed if signed else say.number
    found = []
    for one in classes:
        if one.low is None:
            text = say("{high} or lower", high=write(one.high))
        elif one.high is None:
            text = say("{low} or more", low=write(one.low))
        else:
            text = say("{low} to {high}", low=write(one.low), high=write(one.high))
        found.append((one.colour, text))
    return found


def exploring(found: Comparison) -> str | None:
    """Return the command that opens a shipped scenario, with its first plan if that is shipped too; else None."""
    name, plan = found.scenario["name"], found.plans[1]
    if name not in shipped():
        return None
    is_shipped = (shipped()[name].parent / "plans" / f"{plan}.yaml").is_file()
    return shlex.join(["safepassage", "explore", name, *(["--plan", plan] if is_shipped else [])])


def _method(found: Comparison, manifest: dict[str, Any], maps: Maps, say: Language) -> list[str]:
    values = assumed(found.scenario)
    of_maps = say(
        "Maps: north is up; the bar is {bar} m long; squares where fewer than {few} people live are not shown; all "
        "numbers are means over the runs.", bar=say.number(maps.bar_m), few=FEW_RESIDENTS,
    )  # fmt: skip
    lines = [
        say(
            "Every plan was run {n} times, from seed {seed} on, and compared pair by pair with no plan: the same "
            "people, the same shells, the same luck, so that only the plan differs. In brackets: the interval that "
            "holds the mean difference with 95 % certainty, as far as chance goes.",
            n=found.n_replications, seed=found.run.seed,
        ),
        say(
            "In bold: clear, that is, the interval leaves out zero and there are as many pairs as the spread and the "
            "skewness of the differences take (Lehr 1992; Cochran 1977; 20 where all go the same way). In grey: not "
            "clear."
        ),
        of_maps,
        say(
            "This is a model, not a forecast. Where and when shells fall is drawn, never known; people may act "
            "otherwise than those of earlier evacuations; {n} values stand behind it, {n_assumed} of them assumptions, "
            "all listed in the file of this page. It knows nothing that the scenario does not say, such as the weather "
            "or the roads beyond the exits. Decide with those who know the town.",
            n=say.number(len(values)), n_assumed=say.number(sum(one.is_assumption for one in values)),
        ),
        say("Made by safepassage {version}, a tool for protecting civilians.",
            version=manifest["versions"].get("safepassage", "")),
    ]  # fmt: skip
    if (command := exploring(found)) is not None:
        lines.append(say("To watch it, act in it and ask further: {command}", command=command))
    if not say.is_reviewed:
        lines.append(say("No native speaker has reviewed the texts of this page yet."))
    return lines
