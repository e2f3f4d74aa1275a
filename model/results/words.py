"""The measures of a run in words, for people who read one run."""

from collections.abc import Iterator
from math import isnan

NAMES = {
    "safe": "safe: out of the area",
    "travelling": "on the way",
    "preparing": "decided to leave, not yet set out",
    "waiting": "waiting for a seat or for the road",
    "stranded": "stranded: want to leave, no way out",
    "sheltering": "in a shelter",
    "home": "staying: at home",
    "dead": "killed, or died of injuries",
    "injured_light": "lightly injured, living",
    "injured_serious": "seriously injured, living",
    "exposure_upper_floor": "at home, upper floor",
    "exposure_inner_room": "at home, inner room",
    "exposure_vehicle": "in an unarmoured vehicle",
    "exposure_armoured": "in an armoured vehicle",
    "exposure_basement": "in a basement",
    "exposure_shelter": "in a shelter",
    "exposure_outdoors": "outdoors",
    "vehicle_delay": "lost by vehicles in queues",
}
"""Words for a measure's name; a measure not listed here is shown by its name."""

SERVICE_NAMES = {
    "service_runs": "runs of vehicles and trains",
    "seats_offered": "seats offered",
    "boarded": "people aboard",
    "seats_used_share": "share of seats used",
    "waiting_at_stops": "people waiting at stops at the end",
    "wait_longest": "longest wait at a stop",
    "crew_exposure": "person-hours of crews in the area",
    "crew_casualties_expected": "casualties to be expected among crews",
    "vehicles_lost": "vehicles lost",
}
"""The same for buses, trains and ambulances."""


def in_words(measures) -> Iterator[tuple[str, str, str, str]]:
    """Yield heading, words, value and share of residents of each measure of a run, in their order."""
    n_residents = next((m.value for m in measures if m.name == "residents"), 0)
    for measure in measures:
        if measure.name == "evacuated_share":
            continue  # stands beside those out of the area
        of_residents = measure.unit == "persons" and n_residents and not _is_of_services(measure)
        share = _percent(measure.value / n_residents) if of_residents else ""
        yield _heading(measure), _words(measure), shown(measure), share


def shown(measure) -> str:
    """Return a measure's value as text: counts with thousands, hours as 3 h 05 min, nan in words."""
    if isnan(measure.value):
        return "nobody boarded" if _is_of_services(measure) else "not reached in this run"
    if measure.unit == "h":
        minutes = round(measure.value * 60)
        return f"{minutes // 60} h {minutes % 60:02d} min"
    if measure.unit == "1":
        return _percent(measure.value)
    is_whole = abs(measure.value) >= 10 or measure.value == int(measure.value)
    return f"{measure.value:,.0f}" if is_whole else f"{measure.value:.2g}"


def _is_of_services(measure) -> bool:
    return measure.name in SERVICE_NAMES or measure.name.startswith("waiting_")


def _heading(measure) -> str:
    if _is_of_services(measure):
        return "Buses, trains and other services"
    return {
        "h": "Time from the first order until out",
        "persons": "People at the end of the run",
        "person-hours": "Exposure, in person-hours",
        "vehicle-hours": "Delay, in vehicle-hours",
    }.get(measure.unit, "Other")


def _words(measure) -> str:
    name = measure.name
    if name.startswith("ete"):
        share = name.removeprefix("ete")
        return f"{share} % of those leaving (ETE{share})" if share != "100" else "all of those leaving (ETE100)"
    if name.startswith("waiting_") and measure.unit == "person-hours":
        return f"person-hours of waiting, {name.removeprefix('waiting_').replace('_', ' ')}"
    return {**NAMES, **SERVICE_NAMES}.get(name, name.replace("_", " "))


def _percent(share: float) -> str:
    if 0 < share < 0.0001:
        return "<0.01%"
    return f"{share:.1%}" if share >= 0.001 or share == 0 else f"{share:.2%}"
