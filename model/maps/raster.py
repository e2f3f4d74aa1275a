"""Rasters of residents (GeoTIFF), such as WorldPop's and the Global Human Settlement Layer's: persons in each cell."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from safepassage.model.feature_tables import gis
from safepassage.model.settings.base import ScenarioError
from safepassage.model.streets.projection import WGS84

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
    if row.size == 0:
        raise ScenarioError(f"{path}: the cells of this raster in and around the town hold no residents. Give another.")
    part = (np.arange(PARTS) + 0.5) / PARTS
    down, across = (grid.ravel() for grid in np.meshgrid(part, part, indexing="ij"))
    at, below = (column[:, None] + across).ravel(), (row[:, None] + down).ravel()
    x, y = affine.a * at + affine.b * below + affine.c, affine.d * at + affine.e * below + affine.f
    longitude, latitude = to_degrees(x, y)
    return Residents(np.asarray(longitude), np.asarray(latitude), np.repeat(cells[row, column] / PARTS**2, PARTS**2))
