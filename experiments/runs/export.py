"""What leaves a run for other programs: maps and tables, aggregated; rows of persons only if somebody asks for them.

A count of 1 to 9 people in a zone is withheld, and so is the next smallest count of that zone if it alone would tell
the first by difference.
"""

import csv
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from pyproj import CRS

from safepassage.model.feature_tables import gis
from safepassage.model.results.map_tables import read_rings
from safepassage.model.results.run_folder import RunFolder
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.scenario import Scenario
from safepassage.model.streets.projection import WGS84, transformer

LEAST_CELL = 10
"""Counts of people below this are withheld (the usual least cell of statistics offices). Assumption."""
PERSONAL = ("persons", "trips", "tracks", "vehicle_tracks", "waiting", "service_trips", "households")
"""Tables with a row for a person, a party or a vehicle: they leave only by --individual."""
WARNING = (
    "Rows of persons, homes and times are in this export. Whoever has it can tell who was where: keep it from "
    "everybody who could harm them."
)


@dataclass(eq=False)
class Layer:
    """A table for export; geometry: shapely, in degrees, or None where it has none."""

    name: str
    frame: pd.DataFrame
    geometry: np.ndarray | None
    kind: str = ""
    """LineString, Polygon, Point; empty without a geometry."""


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
        return [_matsim(run, out), WARNING]
    if to == "ro-crate":
        return [_crate(run, out, individual=individual), *([WARNING] if individual else [])]
    layers, told = layers_of(run, individual=individual)
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
    layers.append(Layer("exits", _hidden(exits.drop(columns=["x_m", "y_m"])), at, "Point"))
    impacts = run.frame("impacts")
    if len(impacts):
        table = pd.DataFrame({"time": [f"{start + timedelta(seconds=s):%Y-%m-%dT%H:%M:%S}" for s in impacts["time_s"]],
                              "time_s": impacts["time_s"], "size": impacts["size"]})  # fmt: skip
        layers.append(Layer("impacts", table, shapely.points(degrees(impacts["x_m"], impacts["y_m"])), "Point"))
    layers.append(Layer("timeseries", run.frame("timeseries"), None))
    told = [
        f"Counts of fewer than {LEAST_CELL} people or cars in a zone, on a street or at an exit are withheld (empty)."
    ]
    if individual:
        persons = run.frame("persons")
        homes = shapely.points(degrees(persons["home_x_m"], persons["home_y_m"]))
        layers.append(Layer("persons", persons.drop(columns=["home_x_m", "home_y_m"]), homes, "Point"))
        layers.append(Layer("trips", run.frame("trips"), None))
    return layers, told


def _scenario(run: RunFolder) -> Scenario:
    return Scenario.model_validate(run.manifest["scenario"], context={"folder": run.path, "may_be_gone": True})


def _hidden(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table without its small counts of people and of cars with people in them."""
    table = table.copy()
    for name in ("n_vehicles", "n_cars", "n_walkers", "n_walking_persons", "n_persons"):
        if name in table:
            counts = table[name].astype("Int64")
            table[name] = counts.mask((counts > 0) & (counts < LEAST_CELL))
    return table


def _streets(run: RunFolder, degrees: Callable[..., np.ndarray]) -> Layer:
    """Return the streets with what moved on them, and when they were closed."""
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
    lines = np.array([shapely.LineString(degrees(x, y)) for x, y in zip(links["x_m"], links["y_m"], strict=True)])
    table = _hidden(links.drop(columns=["x_m", "y_m"]))
    table["closures"] = ["; ".join(closed.get(int(link), [])) for link in table["link"]]
    return Layer("streets", table, lines, "LineString")


def _zones(run: RunFolder, degrees: Callable[..., np.ndarray]) -> list[Layer]:
    """Return the zones with their residents by status at the end."""
    persons = run.frame("persons")
    counts = pd.crosstab(persons["zone"].astype(str), persons["status"].astype(str))
    counts = withheld(counts).add_prefix("n_").reset_index()
    rings: dict[str, list[Any]] = {}
    for name, ring in read_rings(run):
        rings.setdefault(str(name), []).append(shapely.Polygon(degrees(ring[:, 0], ring[:, 1])))
    outlines = np.array([shapely.union_all(rings.get(name, [shapely.Polygon()])) for name in counts["zone"]], object)
    outlines = np.array(
        [shapely.MultiPolygon([one] if one.geom_type == "Polygon" else one) for one in outlines], object
    )
    return [Layer("zones", counts, outlines, "MultiPolygon")]


def withheld(counts: pd.DataFrame) -> pd.DataFrame:
    """Return counts (rows: zones) in which none from 1 to 9 can be read, nor be told from the others of its row."""
    found = counts.astype("Int64")
    values = counts.to_numpy()
    hidden = (values > 0) & (values < LEAST_CELL)
    for row in np.flatnonzero(hidden.sum(axis=1) == 1):
        others = np.flatnonzero(~hidden[row] & (values[row] > 0))
        if others.size:
            hidden[row, others[np.argmin(values[row, others])]] = True
    return found.mask(hidden)


def _plain(column: pd.Series) -> pd.Series:
    return (
        column.astype("float64")
        if str(column.dtype) == "Int64"
        else column.map(lambda one: one if isinstance(one, str) or np.isscalar(one) else str(one))
    )


def write_geopackage(layers: list[Layer], out: Path) -> None:
    """Write layers into one GeoPackage, with a QGIS style (.qml) for streets beside it."""
    ogr = gis(f"{out}: a GeoPackage", "pyogrio")
    for number, one in enumerate(layers):
        fields = [_plain(one.frame[name]).to_numpy() for name in one.frame]
        fields = [np.array([str(x) for x in column], object) if column.dtype == object else column for column in fields]
        if one.geometry is None:
            geometry, kind = np.full(len(one.frame), None, object), "Unknown"
        else:
            geometry, kind = np.array(shapely.to_wkb(one.geometry), object), one.kind
        ogr.raw.write(
            out, geometry, fields, list(map(str, one.frame.columns)), crs=WGS84, driver="GPKG", geometry_type=kind,
            layer=one.name, append=number > 0,
        )  # fmt: skip
    out.with_name(f"{out.stem}_streets.qml").write_text(_qgis_style(), encoding="utf-8")


def _qgis_style() -> str:
    """Return a QGIS style that draws streets as wide and dark as cars lost time on them."""
    steps = ((0, 0.1, "#c3c9cf", 0.2), (0.1, 1, "#fdbb84", 0.5), (1, 10, "#e34a33", 0.9), (10, 1e9, "#7f0000", 1.4))
    ranges = "".join(
        f'<range lower="{low}" upper="{high}" symbol="{i}" label="{low:g} to {high:g} vehicle-hours" render="true"/>'
        for i, (low, high, _, _) in enumerate(steps)
    )
    symbols = "".join(
        f'<symbol type="line" name="{i}"><layer class="SimpleLine"><Option type="Map">'
        f'<Option name="line_color" value="{colour}" type="QString"/>'
        f'<Option name="line_width" value="{width}" type="QString"/></Option></layer></symbol>'
        for i, (_, _, colour, width) in enumerate(steps)
    )
    return (
        '<!DOCTYPE qgis><qgis version="3.28" styleCategories="Symbology"><renderer-v2 type="graduatedSymbol" '
        f'attr="delay_vehicle_h"><ranges>{ranges}</ranges><symbols>{symbols}</symbols></renderer-v2></qgis>\n'
    )


def write_geoparquet(layers: list[Layer], out: Path) -> None:
    """Write each layer as a GeoParquet file (version 1.0.0) into a folder."""
    out.mkdir(parents=True)
    for one in layers:
        table = pa.Table.from_pandas(
            pd.DataFrame({name: _plain(one.frame[name]) for name in one.frame}), preserve_index=False
        )
        if one.geometry is not None:
            table = table.append_column("geometry", pa.array(shapely.to_wkb(one.geometry), pa.binary()))
            column = {"encoding": "WKB", "geometry_types": [one.kind], "crs": CRS(WGS84).to_json_dict()}
            said = {"version": "1.0.0", "primary_column": "geometry", "columns": {"geometry": column}}
            table = table.replace_schema_metadata({"geo": json.dumps(said)})
        pq.write_table(table, out / f"{one.name}.parquet")


def write_csv(layers: list[Layer], out: Path) -> None:
    """Write each layer as a CSV file, geometries as WKT, into a folder."""
    out.mkdir(parents=True)
    for one in layers:
        frame = one.frame.copy()
        if one.geometry is not None:
            frame["geometry"] = shapely.to_wkt(one.geometry, rounding_precision=7)
        frame.to_csv(out / f"{one.name}.csv", index=False, quoting=csv.QUOTE_MINIMAL)


def write_kepler(layers: list[Layer], out: Path) -> None:
    """Write each layer with a geometry as GeoJSON, as kepler.gl opens it, into a folder."""
    out.mkdir(parents=True)
    for one in layers:
        if one.geometry is None:
            continue
        rows = json.loads(one.frame.to_json(orient="records"))
        features = [{"type": "Feature", "geometry": json.loads(shapely.to_geojson(geometry)), "properties": row}
                    for geometry, row in zip(one.geometry, rows, strict=True)]  # fmt: skip
        text = json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)
        (out / f"{one.name}.geojson").write_text(text, encoding="utf-8")


WRITERS: dict[str, Callable[[list[Layer], Path], None]] = {
    "gpkg": write_geopackage, "geoparquet": write_geoparquet, "csv": write_csv, "kepler": write_kepler,
}  # fmt: skip


def _matsim(run: RunFolder, out: Path) -> str:
    """Write departures and arrivals of parties as MATSim reads events (XML, in order of time)."""
    from xml.sax.saxutils import quoteattr

    nodes = run.frame("exits").set_index("exit")["node"].astype(str)
    events = []
    for row in run.frame("trips").itertuples():
        who, mode = f"party{row.party}", "walk" if str(row.mode).lower() == "walk" else "car"
        events.append((row.departure_time_s, "departure", who, mode, str(row.home_node)))
        if np.isfinite(row.arrival_time_s):
            events.append((row.arrival_time_s, "arrival", who, mode, nodes.get(row.exit, "")))
    text = io.StringIO()
    text.write('<?xml version="1.0" encoding="utf-8"?>\n<events version="1.0">\n')
    for time_s, kind, who, mode, place in sorted(events):
        text.write(f'  <event time="{time_s:.1f}" type="{kind}" person={quoteattr(who)} link={quoteattr(place)} '
                   f'legMode="{mode}"/>\n')  # fmt: skip
    text.write("</events>\n")
    out.write_text(text.getvalue(), encoding="utf-8")
    return f"{out}: {len(events):,} events of {len(run.frame('trips')):,} parties; links are named by their node."


def _crate(run: RunFolder, out: Path, *, individual: bool) -> str:
    """Write the folder of a run as an archive with RO-Crate 1.1 metadata; personal tables stay out."""
    if out.suffix != ".zip":
        raise ScenarioError(f"{out}: an archive ends in .zip; name it so.")
    files = sorted(
        path for path in run.path.iterdir()
        if path.suffix in (".parquet", ".png", ".json", ".html") and (individual or path.stem not in PERSONAL)
    )  # fmt: skip
    scenario = _scenario(run)
    about = {"@id": "ro-crate-metadata.json", "@type": "CreativeWork", "about": {"@id": "./"},
             "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"}}  # fmt: skip
    root = {"@id": "./", "@type": "Dataset", "name": scenario.title, "description": scenario.notice or scenario.title,
            "hasPart": [{"@id": path.name} for path in files]}  # fmt: skip
    parts = [{"@id": path.name, "@type": "File", "contentSize": str(path.stat().st_size)} for path in files]
    metadata = {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": [about, root, *parts]}
    with zipfile.ZipFile(out, "x", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.write(path, path.name)
        archive.writestr("ro-crate-metadata.json", json.dumps(metadata, indent=2, ensure_ascii=False))
    return f"{out}: {len(files)} files of the run, with RO-Crate metadata."
