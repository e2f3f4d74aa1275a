"""The outcomes of a run as people read them: words, values as text, headings."""

from collections.abc import Iterator
from math import isnan

from safepassage.model.results.metrics import Measure
from safepassage.model.results.outcomes import Outcome, Panel, outcome_of

LONG_H = 48.0
"""Times longer than this are told in days."""

_HAS_SHARE = (Panel.PEOPLE, Panel.HARM)
"""Panels whose numbers of people are told as a share of the residents, too."""

_ONE_UNIT = (Panel.EXPOSURE, Panel.ROADS)
"""Panels whose heading states the unit of all their numbers."""


def in_words(measures: list[Measure]) -> Iterator[tuple[str, str, str, str]]:
    """Yield heading, words, value and share of the residents of each measure of a run, in their order."""
    n_residents = next((m.value for m in measures if m.name == "residents"), 0)
    for measure in measures:
        if measure.name == "evacuated_share":
            continue  # stands beside those out of the area
        outcome = measure.outcome
        of_residents = outcome.unit == "people" and n_residents and outcome.panel in _HAS_SHARE
        share = _percent(measure.value / n_residents) if of_residents else ""
        in_unit = outcome.panel in _ONE_UNIT
        heading = f"{outcome.panel}, in {outcome.unit}" if in_unit else str(outcome.panel)
        yield heading, outcome.words if in_unit else with_unit(outcome), shown(outcome, measure.value), share


def with_unit(outcome: Outcome) -> str:
    """Return an outcome's words and its unit, unless it counts people or its value shows the unit."""
    is_told = outcome.unit in ("people", "h", "1") or outcome.unit in outcome.words
    return outcome.words if is_told else f"{outcome.words} ({outcome.unit})"


def words_of(name: str) -> str:
    """Return the words of an outcome by its name; the name itself if there is no such outcome."""
    outcome = outcome_of(name)
    return name if outcome is None else outcome.words


def shown(outcome: Outcome, value: float) -> str:
    """Return the value of an outcome as text: counts with thousands, hours as 3 h 05 min or 4.2 days, nan in words."""
    if isnan(value):
        return "nobody boarded" if outcome.panel == Panel.SERVICES else "not reached in this run"
    if outcome.unit == "h":
        minutes = round(value * 60)
        if value > LONG_H:
            return f"{value / 24:.1f} days"
        return f"{minutes // 60} h {minutes % 60:02d} min"
    if outcome.unit == "1":
        return _percent(value)
    is_whole = abs(value) >= 10 or value == int(value)
    return f"{value:,.0f}" if is_whole else f"{value:.2g}"


def _percent(share: float) -> str:
    if 0 < share < 0.0001:
        return "<0.01%"
    return f"{share:.1%}" if share >= 0.001 or share == 0 else f"{share:.2%}"
