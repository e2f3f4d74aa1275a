"""Which keys of a scenario could have mattered before a moment, and until when two scenarios have the same past."""

from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

from safepassage.model.clock import local_time
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.scenario import Scenario

CURFEW_AHEAD_S = 2 * 86400.0
"""People held by a curfew look ahead to its end and to the beginning of the next: a change of it matters this long
before (s)."""
NAMES_ONLY = ("name", "title", "notice", "plan")
"""Keys of a scenario that no result depends on."""


def refuse_changes_of_the_past(before: Scenario, after: Scenario, time_s: float) -> None:
    """Raise ScenarioError, naming every key, if the second scenario would have gone otherwise before a moment."""
    keys = changed_keys(before, after, time_s)
    if keys:
        raise ScenarioError(
            "\n".join(
                f"{key}: the plan changes what happened before {time_s / 3600:g} h, when the state was saved. Branch "
                "from an earlier state, or run the plan from its start."
                for key in keys
            )
        )


def changed_keys(before: Scenario, after: Scenario, time_s: float) -> list[str]:
    """Return the keys by which the second scenario would have gone otherwise before a moment, in order."""
    return sorted({key for key, *_ in _differences(_past(before, time_s), _past(after, time_s), ())})


def common_until_s(one: Scenario, other: Scenario) -> float:
    """Return the last end of a step before which two scenarios go the same way (s); 0: they differ from the start."""
    step_s = one.run.step_s
    n_steps = int(one.run.duration_h * 3600.0 / step_s)
    n_common = bisect_left(range(1, n_steps + 1), True, key=lambda n: bool(changed_keys(one, other, n * step_s)))
    return n_common * step_s


def _past(scenario: Scenario, time_s: float) -> dict:
    """Return the keys of a scenario that could have mattered before a moment."""
    keys = {key: value for key, value in scenario.model_dump(mode="json").items() if key not in NAMES_ONLY}
    issued = zip(scenario.orders, keys["orders"], strict=True)
    keys["orders"] = {  # what waits for a trigger may have come at any time
        str(i): kept
        for i, (order, kept) in enumerate(issued)
        if order.after is not None or scenario.issued_s(order) < time_s
    }
    for kind, closed in keys["closures"].items():
        keys["closures"][kind] = {str(i): one for i, one in enumerate(closed) if one["from_h"] * 3600 < time_s}
        for one in keys["closures"][kind].values():
            if one["until_h"] is not None and one["until_h"] * 3600 >= time_s:
                one["until_h"] = None
    ahead = local_time(scenario.run.start, time_s + CURFEW_AHEAD_S, scenario.shelling.time_zone).date().isoformat()
    windows = [one for one in keys["curfew"]["windows"] if (one["first_day"] or "") <= ahead]
    for one in windows:
        if one["last_day"] is not None and one["last_day"] >= ahead:
            one["last_day"] = None
    keys["curfew"]["windows"] = windows
    return keys


def _differences(one: Any, other: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one.keys() | other.keys():
            yield from _differences(one.get(key), other.get(key), (*path, key))
    elif one != other:
        yield ".".join(path), one, other
