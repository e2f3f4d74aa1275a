"""What leaves a run for other programs: maps and tables, aggregated; rows of persons only if somebody asks for them.

A count of 1 to 9 people in a zone is withheld, and so is the next smallest count of that zone if it alone would tell
the first by difference.
"""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from safepassage.experiments.runs.archives import write_crate, write_matsim_events
from safepassage.experiments.runs.withheld import LEAST_CELL, withheld, without_small_counts
from safepassage.experiments.runs.writers import WRITERS, Layer
from safepassage.model.results.map_tables import read_rings
from safepassage.model.results.run_folder import RunFolder
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.scenario import Scenario
from safepassage.model.streets.projection import WGS84, transformer

NEAR_M = 100.0
"""An impact counts to a street that it falls this near. Assumption: within reach of most fragments."""
ONE_BY_ONE = {
    "trips": None,
    "services": None,
    "vehicles": None,
    "trajectories": ("x_m", "y_m"),
    "stops": ("x_m", "y_m"),
}
"""Tables of parties, vehicles, their convoys and positions, and their columns of place."""
WARNING = (
    "Rows of persons, homes and times are in this export. Whoever has it can tell who was where: keep it from "
    "everybody who could harm them."
)


def export(run: RunFolder, to: str, out: Path, *, individual: bool = False) -> list[str]:
    """Write a run for another program; return what was written and withheld, one sentence each.

    to: gpkg, geoparquet, csv, kepler, matsim-events or ro-crate. out: file (gpkg, matsim-events, ro-crate) or folder;
    never written over. individual: rows of persons and parties too. Raises ScenarioError.
    """
    out = Path(out)
    if out.exists():
        raise ScenarioError(f"{out}: this is there already; export to another name.")
    if to == "matsim-events":
        if not individual:
            raise ScenarioError("export: events of MATSim are rows of single parties. Add --individual if you may.")
        return [write_matsim_events(run, out), WARNING]
    if to == "ro-crate":
        return [write_crate(run, out, individual=individual), *([WARNING] if individual else [])]
    layers, told = layers_of(run, individual=individual)
    for one in layers:  # a time that never came is inf in a run, and nothing elsewhere
        one.frame = one.frame.replace([np.inf, -np.inf], np.nan)
    WRITERS[to](layers, out)
    return [f"{out}: {', '.join(f'{len(one.frame):,} rows of {one.name}' for one in layers)}.", *told,
            *([WARNING] if individual else [])]  # fmt: skip


def layers_of(run: RunFolder, *, individual: bool = False) -> tuple[list[Layer], list[str]]:
    """Return the layers of a run, and what was withheld. individual: those of persons and parties too."""
    to_degrees = transformer(run.manifest["crs"], WGS84)

    def degrees(x_m: Any, y_m: Any) -> np.ndarray:
        return np.column_stack(to_degrees(np.asarray(x_m, float), np.asarray(y_m, float)))

    start = pd.Timestamp(_scenario(run).run.start)
    layers = [_streets(run, degrees), *_zones(run, degrees)]
    exits = run.frame("exits")
    at = shapely.points(degrees(exits["x_m"], exits["y_m"]))
    layers.append(Layer("exits", without_small_counts("exits", exits.drop(columns=["x_m", "y_m"])), at, "Point"))
    impacts = run.frame("impacts")
    if len(impacts):
        table = pd.DataFrame({"time": [f"{start + timedelta(seconds=s):%Y-%m-%dT%H:%M:%S}" for s in impacts["time_s"]],
                              "time_s": impacts["time_s"], "size": impacts["size"]})  # fmt: skip
        layers.append(Layer("impacts", table, shapely.points(degrees(impacts["x_m"], impacts["y_m"])), "Point"))
    layers.append(Layer("timeseries", without_small_counts("timeseries", run.frame("timeseries")), None))
    told = [
        f"Counts of fewer than {LEAST_CELL} people or cars are withheld (empty): of zones, streets, exits, by time."
    ]
    if individual:
        persons = run.frame("persons")
        homes = shapely.points(degrees(persons["home_x_m"], persons["home_y_m"]))
        layers.append(Layer("persons", persons.drop(columns=["home_x_m", "home_y_m"]), homes, "Point"))
        for name, place in ONE_BY_ONE.items():
            if run.has(name):
                rows = run.frame(name)
                at = shapely.points(degrees(rows[place[0]], rows[place[1]])) if place and len(rows) else None
                layers.append(Layer(name, rows.drop(columns=list(place or ())), at, "Point" if at is not None else ""))
    return layers, told


def _scenario(run: RunFolder) -> Scenario:
    return Scenario.model_validate(run.manifest["scenario"], context={"folder": run.path, "may_be_gone": True})


def _streets(run: RunFolder, degrees: Callable[..., np.ndarray]) -> Layer:
    """Return the streets with what moved on them and for how long, what fell near, and when they were closed."""
    links = run.frame("links")
    closed: dict[int, list[str]] = {}
    for row in run.frame("street_changes").itertuples():
        state = (
            "closed"
            if row.is_closed_to_cars and row.is_closed_to_walkers
            else (
                "closed to cars"
                if row.is_closed_to_cars
                else "closed to walkers"
                if row.is_closed_to_walkers
                else "open"
            )
        )
        closed.setdefault(int(row.link), []).append(f"{row.time_s / 3600:.2f} h {state}")
    courses = np.array([shapely.LineString(np.column_stack(xy)) for xy in zip(links["x_m"], links["y_m"], strict=True)])
    impacts = run.frame("impacts")
    near, _ = shapely.STRtree(courses).query(shapely.points(impacts["x_m"], impacts["y_m"]), "dwithin", NEAR_M)[::-1]
    lines = np.array([shapely.LineString(degrees(x, y)) for x, y in zip(links["x_m"], links["y_m"], strict=True)])
    table = without_small_counts("links", links.drop(columns=["x_m", "y_m"]))
    table[f"impacts_within_{NEAR_M:.0f}_m"] = np.bincount(near, minlength=len(links))
    table["closures"] = ["; ".join(closed.get(int(link), [])) for link in table["link"]]
    return Layer("streets", table, lines, "LineString")


def _zones(run: RunFolder, degrees: Callable[..., np.ndarray]) -> list[Layer]:
    """Return the zones with their residents by status at the end."""
    persons = run.frame("persons")
    counts = pd.crosstab(persons["zone"].astype(str), persons["status"].astype(str))
    counts = withheld(counts.rename(columns=str.lower)).add_prefix("n_").reset_index()
    rings: dict[str, list[Any]] = {}
    for name, ring in read_rings(run):
        rings.setdefault(str(name), []).append(shapely.Polygon(degrees(ring[:, 0], ring[:, 1])))
    outlines = np.array([shapely.union_all(rings.get(name, [shapely.Polygon()])) for name in counts["zone"]], object)
    outlines = np.array(
        [shapely.MultiPolygon([one] if one.geom_type == "Polygon" else one) for one in outlines], object
    )
    return [Layer("zones", counts, outlines, "MultiPolygon")]
