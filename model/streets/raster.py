"""Rasters of residents (GeoTIFF), such as WorldPop's and the Global Human Settlement Layer's: persons in each cell."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from safepassage.model.inputs.feature_tables import gis
from safepassage.model.settings.base import ScenarioError
from safepassage.model.streets.projection import WGS84, transformer
from safepassage.model.streets.streets import Streets

BESIDE_STREETS_M = 200.0
"""A town without an outline of its own reaches this far beyond the hull of the streets. Assumption."""
SQUARE_M = 1000.0
"""Side of the squares that a raster is gathered in. Assumption."""
RASTERS = (".tif", ".tiff")
"""Ends of the names of rasters."""
MOST_PERSONS = 1_000_000_000
"""Persons about one town; more are no persons. Assumption."""
MOST_CELLS = 25_000_000
"""Cells about one town: at 100 m a square of 500 km. Assumption."""
PARTS = 5
"""A cell counts as so many by so many points, so that a zone gets its share of the cells along its edge."""


@dataclass(frozen=True, eq=False)
class Residents:
    """Persons at points, parts of the cells of a raster."""

    longitude: np.ndarray
    latitude: np.ndarray
    persons: np.ndarray


def read_residents(path: Path, box: tuple[float, float, float, float]) -> Residents:
    """Return the persons of a raster within a box (west, south, east, north, degrees); cells without data have none.

    Raises ScenarioError for a file that is no raster, has no coordinate system, or has nobody there. path: the file,
    which errors name.
    """
    rasterio = gis(f"{path}: a raster of residents", "rasterio")
    from pyproj import Transformer
    from rasterio.errors import CRSError, RasterioError, WindowError
    from rasterio.warp import transform_bounds
    from rasterio.windows import Window, from_bounds

    try:
        with rasterio.open(path, driver="GTiff") as raster:
            if raster.crs is None:
                raise ScenarioError(f"{path}: this raster states no coordinate system. Write it again with one.")
            if raster.count != 1:
                raise ScenarioError(
                    f"{path}: this raster has {raster.count} bands. Write the one of residents into a file of its own "
                    "(gdal_translate -b 1)."
                )
            if raster.transform.e > 0 or raster.transform.b or raster.transform.d:
                raise ScenarioError(
                    f"{path}: the rows of this raster do not run from north to south. Write it again with gdalwarp."
                )
            if np.issubdtype(np.dtype(raster.dtypes[0]), np.complexfloating):
                raise ScenarioError(f"{path}: the cells of this raster are complex numbers. Give persons per cell.")
            bounds = transform_bounds("EPSG:4326", raster.crs, *box)
            (top, bottom), (left, right) = from_bounds(*bounds, transform=raster.transform).toranges()
            rows = max(int(np.floor(top)), 0), min(int(np.ceil(bottom)), raster.height)
            columns = max(int(np.floor(left)), 0), min(int(np.ceil(right)), raster.width)
            window = Window.from_slices(rows, columns)
            if window.width * window.height > MOST_CELLS:
                raise ScenarioError(f"{path}: more than {MOST_CELLS:,} cells cover the town. Use larger cells.")
            cells = raster.read(1, window=window, masked=True).filled(0).astype(np.float64)
            affine = raster.window_transform(window)
            to_degrees = Transformer.from_crs(raster.crs.to_wkt(), WGS84, always_xy=True).transform
    except (RasterioError, CRSError, WindowError, OSError, ValueError) as error:
        if isinstance(error, ScenarioError):
            raise
        raise ScenarioError(
            f"{path}: no residents of the town can be read from this raster ({' '.join(str(error).split())[:120]}). "
            "Give a GeoTIFF of persons per cell that covers the town."
        ) from None
    cells[~np.isfinite(cells) | (cells < 0)] = 0.0
    row, column = np.nonzero(cells)
    if cells.sum() >= MOST_PERSONS:
        raise ScenarioError(
            f"{path}: the cells of this raster in and around the town hold {cells.max():.3g} persons and less. Give "
            "persons in each cell, and state what stands where there are no data."
        )
    if row.size == 0:
        raise ScenarioError(f"{path}: the cells of this raster in and around the town hold no residents. Give another.")
    part = (np.arange(PARTS) + 0.5) / PARTS
    down, across = (grid.ravel() for grid in np.meshgrid(part, part, indexing="ij"))
    at, below = (column[:, None] + across).ravel(), (row[:, None] + down).ravel()
    x, y = affine.a * at + affine.b * below + affine.c, affine.d * at + affine.e * below + affine.f
    longitude, latitude = to_degrees(x, y)
    return Residents(np.asarray(longitude), np.asarray(latitude), np.repeat(cells[row, column] / PARTS**2, PARTS**2))


def hull(streets: Streets) -> Any:
    """Return the hull of the streets and a little more, in degrees."""
    points = np.column_stack((streets.geometry_x_m, streets.geometry_y_m))
    return _to_degrees(streets, shapely.convex_hull(shapely.multipoints(points)).buffer(BESIDE_STREETS_M))


def squares(streets: Streets, town: Any) -> tuple[list[str], list[Any]]:
    """Return name and outline (degrees) of the squares of a kilometre of a town, cut along its outline (degrees)."""
    in_plane = streets.project_shape(town)
    west, south, east, north = in_plane.bounds
    names, outlines = [], []
    for row, y in enumerate(np.arange(south, north, SQUARE_M)):
        for column, x in enumerate(np.arange(west, east, SQUARE_M)):
            part = shapely.box(x, y, x + SQUARE_M, y + SQUARE_M).intersection(in_plane)
            areas = [one for one in shapely.get_parts(part) if one.geom_type == "Polygon" and one.area > 1.0]
            if areas:
                outlines.append(_to_degrees(streets, shapely.MultiPolygon(areas) if len(areas) > 1 else areas[0]))
                names.append(f"row {row + 1} column {column + 1}")
    return names, outlines


def counted(outlines: list[Any], cells: Residents) -> np.ndarray:
    """Return the persons in each outline; a point in several, or on a border, counts once, to the first."""
    counts, is_free = np.zeros(len(outlines)), np.ones(cells.persons.size, np.bool_)
    for row, outline in enumerate(outlines):
        shapely.prepare(outline)
        here = is_free & shapely.intersects_xy(outline, cells.longitude, cells.latitude)
        counts[row] = cells.persons[here].sum()
        is_free &= ~here
    return counts


def _to_degrees(streets: Streets, outline: Any) -> Any:
    back = transformer(streets.crs, WGS84)
    return shapely.transform(outline, lambda xy: np.column_stack(back(xy[:, 0], xy[:, 1])))
