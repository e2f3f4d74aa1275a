"""The table that `safepassage run` ends with: measures in words, for people who read one run."""

from math import isnan

from rich.table import Table

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


def run_table(measures) -> Table:
    """Return a table of a run's measures, grouped, narrow enough for 80 columns."""
    n_residents = next((m.value for m in measures if m.name == "residents"), 0)
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column(justify="right", style="dim")
    heading = None
    for measure in measures:
        if measure.name == "evacuated_share":
            continue  # stands beside those out of the area
        if heading != (heading := _heading(measure)):
            table.add_row(f"[bold]{heading}[/bold]")
        share = _percent(measure.value / n_residents) if measure.unit == "persons" and n_residents else ""
        table.add_row(f"  {_words(measure)}", shown(measure), share)
    return table


def shown(measure) -> str:
    """Return a measure's value as text: counts with thousands, hours as 3 h 05 min, nan as not reached."""
    if isnan(measure.value):
        return "not reached in this run"
    if measure.unit == "h":
        minutes = round(measure.value * 60)
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{measure.value:,.0f}" if abs(measure.value) >= 10 or measure.unit == "persons" else f"{measure.value:.3g}"


def _heading(measure) -> str:
    if measure.unit == "h":
        return "Time from the first order until out"
    if measure.unit == "persons":
        return "People at the end of the run"
    return {"person-hours": "Exposure, in person-hours", "vehicle-hours": "Delay, in vehicle-hours"}.get(
        measure.unit, "Other"
    )


def _words(measure) -> str:
    if measure.unit == "h" and measure.name.startswith("ete"):
        share = measure.name.removeprefix("ete")
        return f"{share} % of those leaving (ETE{share})" if share != "100" else "all of those leaving (ETE100)"
    return NAMES.get(measure.name, measure.name.replace("_", " "))


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 or share == 0 else f"{share:.2%}"
