"""The zones of a town that is begun: from a total, from zones with counts, or from a raster of residents."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from safepassage.model.inputs.tables import doubles_of
from safepassage.model.inputs.vectors import POLYGONS, Feature, read_features
from safepassage.model.settings.base import ScenarioError
from safepassage.model.streets.placing import cure_of_far
from safepassage.model.streets.raster import SQUARE_M, counted, hull, read_residents, squares
from safepassage.model.streets.streets import Streets
from safepassage.model.streets.zones import FARTHEST_STREET_M, number_of_residents, scaled, zone_name

NAMES = ("zone_id", "name", "zone", "id", "code", "district", "adm3_name", "adm4_name")
COUNTS = ("population", "residents", "pop", "inhabitants", "persons", "n_persons", "total", "pop_total", "einwohner")
"""Names that zones and their residents usually have, in letters of any case."""


@dataclass(eq=False)
class TownZones:
    """Zones of a town in degrees, with whole numbers of residents, and how they came about."""

    outlines: list[Any]
    names: list[str]
    residents: np.ndarray
    told: list[str] = field(default_factory=list)

    def as_geojson(self) -> dict[str, Any]:
        """Return them as a FeatureCollection."""
        features = [
            {"type": "Feature", "properties": {"zone_id": name, "population": int(n)},
             "geometry": shapely.geometry.mapping(shapely.set_precision(outline, 1e-7))}
            for outline, name, n in zip(self.outlines, self.names, self.residents, strict=True)
        ]  # fmt: skip
        return {"type": "FeatureCollection", "features": features}


def town_zones(
    streets: Streets,
    boundary: Any,
    total: int | None,
    zones: Path | None,
    raster: Path | None,
    columns: tuple[str, str],
) -> TownZones:
    """Return the zones of a town.

    streets: those of the model. boundary: of the town (shapely, degrees), or None. total: residents in all, to which
    counts are scaled. zones: file of zones. raster: GeoTIFF of residents. columns: names of the zones' properties for
    their name and residents, "" if they are to be found. Raises ScenarioError if nothing tells how many people there
    are.
    """
    if zones is None and raster is None and total is None:
        raise ScenarioError(
            "nothing says how many people live there: give --residents NUMBER, --zones FILE with counts, or "
            "--population RASTER."
        )
    if zones is not None:
        return _of_file(streets, zones, total, raster, columns)
    if raster is not None:
        return _of_raster(streets, boundary, total, raster)
    assert total is not None
    outline, what = (
        (boundary, "the boundary given") if boundary is not None else (hull(streets), "the hull of the streets")
    )
    told = f"One zone was made, from {what}, with the {total:,} residents that --residents states."
    return TownZones([outline], ["town"], np.array([total]), [told])


def _of_file(
    streets: Streets, path: Path, total: int | None, raster: Path | None, columns: tuple[str, str]
) -> TownZones:
    features, told = read_features(path, POLYGONS, "zone")
    features = [one for one in features if one.geometry is not None]
    if not features:
        raise ScenarioError(f"{path}: no zone has an outline. Draw at least one.")
    has = list(features[0].properties)
    by_lower = {name.lower(): name for name in has}
    name_of, count_of = (
        wanted or next((by_lower[one] for one in usual if one in by_lower), None)
        for wanted, usual in zip(columns, (NAMES, COUNTS), strict=True)
    )
    for option, wanted in (("--zone-name", name_of), ("--zone-residents", count_of)):
        if wanted is not None and wanted not in has:
            raise ScenarioError(
                f"{path}: no property is named {wanted!r} ({option}); there are {', '.join(has)[:300]}."
            )
    names = [
        zone_name(one.properties.get(name_of), one.place) if name_of else f"zone {one.number + 1}" for one in features
    ]
    twice = doubles_of(names)
    if twice:
        raise ScenarioError(
            f"{path}: more than one zone is named {twice[0]!r}. Name another property with --zone-name: "
            f"{', '.join(has)[:300]}."
        )
    outlines = [one.geometry for one in features]
    told.append(f"{len(names)} zones from {path.name}, named by {name_of or 'their number'}.")
    if raster is not None:
        counts, how = counted(outlines, read_residents(raster, shapely.total_bounds(outlines))), raster.name
    elif count_of is not None:
        counts, how = _numbers(features, count_of), f"the property {count_of}"
    elif total is not None:
        counts, how = _street_m(streets, outlines), "the length of the streets in each"
    else:
        raise ScenarioError(
            f"{path}: no property tells the residents of a zone ({', '.join(has)[:300]}). Name it with "
            "--zone-residents, or give --residents or --population."
        )
    return _finished(streets, TownZones(outlines, names, counts, told), total, how, path)


def _numbers(features: list[Feature], count_of: str) -> np.ndarray:
    return np.array([number_of_residents(one.properties.get(count_of), one.place, count_of) for one in features])


def _street_m(streets: Streets, outlines: list[Any]) -> np.ndarray:
    metres = np.zeros(len(outlines))
    middle = [(node[streets.link_upstream] + node[streets.link_downstream]) / 2
              for node in (streets.node_x_m, streets.node_y_m)]  # fmt: skip
    for row, outline in enumerate(outlines):
        inside = shapely.contains_xy(streets.project_shape(outline), *middle)
        metres[row] = streets.length_m[inside].sum()
    return metres


def _of_raster(streets: Streets, boundary: Any, total: int | None, path: Path) -> TownZones:
    """Return squares of a kilometre, cut along the town's outline, with the residents of a raster."""
    town = boundary if boundary is not None else hull(streets)
    names, outlines = squares(streets, town)
    told = [f"Zones are squares of {SQUARE_M / 1000:g} km, cut along the town's outline; none were given (--zones)."]
    counts = counted(outlines, read_residents(path, town.bounds))
    return _finished(streets, TownZones(outlines, names, counts, told), total, path.name, path)


def _finished(streets: Streets, zones: TownZones, total: int | None, how: str, path: Path) -> TownZones:
    """Return zones with whole numbers of residents, without those that nobody lives in or no street is near.

    how: what the residents were taken from. path: the file that errors name.
    """
    middle = shapely.points(*((node[streets.link_upstream] + node[streets.link_downstream]) / 2
                              for node in (streets.node_x_m, streets.node_y_m)))  # fmt: skip
    tree = shapely.STRtree(middle)
    is_near = [tree.query(streets.project_shape(outline), "dwithin", FARTHEST_STREET_M).size > 0
               for outline in zones.outlines]  # fmt: skip
    kept = np.flatnonzero(np.array(is_near) & (zones.residents > 0))
    if kept.size == 0:
        here = np.flatnonzero(zones.residents > 0)
        if not here.size:
            raise ScenarioError(
                f"{path}: by {how}, nobody lives in any zone. Give other zones, or a total (--residents)."
            )
        x, y = shapely.get_coordinates(shapely.centroid(streets.project_shape(zones.outlines[here[0]])))[0]
        away_m = streets.nearest_node(x, y)[1][0]
        raise ScenarioError(
            f"{path}: by {how}, nobody lives near the streets: zone {zones.names[here[0]]!r} is "
            f"{away_m / 1000:,.1f} km away{cure_of_far(streets, x, y)}"
        )
    lost = zones.residents.sum() - zones.residents[kept].sum()
    told = [*zones.told, f"Their residents: by {how}, {zones.residents[kept].sum():,.0f} in total."]
    if len(kept) < len(zones.names):
        told.append(
            f"{len(zones.names) - len(kept)} zones without residents, or with no street within "
            f"{FARTHEST_STREET_M / 1000:g} km, are left out, and {lost:,.0f} people with them."
        )
    if total is not None:
        told.append(f"They are scaled to the {total:,} that --residents states.")
    if zones.residents[kept].sum() < 1 and total is None:
        raise ScenarioError(f"{path}: by {how}, less than one person lives there. Give a total with --residents.")
    residents = scaled(zones.residents[kept].astype(np.float64), total)
    return TownZones([zones.outlines[i] for i in kept], [zones.names[i] for i in kept], residents, told)
