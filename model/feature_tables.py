"""Tables with a geometry in each row: CSV with WKT or points, GeoParquet, and what GDAL reads (GeoPackage, Shapefile).

Each reader returns the coordinate system (None: degrees) and a list of (geometry, properties), the geometry a shapely
one, None, or the text of what is wrong with it.
"""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from safepassage.model.parquet_files import read_bounded
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.files.portable import LAYER, file_of
from safepassage.model.tables import read_csv
from safepassage.model.text_files import MOST_BYTES, read_text

Rows = tuple[Any, list[tuple[Any, dict[str, Any]]] | None]
GEOMETRY_COLUMNS = ("geometry", "wkt", "geom", "the_geom", "wkt_geom", "footprint")
LONGITUDES, LATITUDES = ("longitude", "longitude_deg", "lon", "lng", "x"), ("latitude", "latitude_deg", "lat", "y")
BEGINNINGS = {".gpkg": b"SQLite format 3\0", ".shp": b"\x00\x00\x27\x0a", ".fgb": b"fgb", ".zip": b"PK"}
"""How files of each kind begin: GDAL would open any file, even one that points to other places."""


def gis(what: str, package: str) -> Any:
    """Return a package of the extra `gis`; raises ScenarioError, saying what it is needed for, if it is not there."""
    import importlib

    try:
        return importlib.import_module(package)
    except ImportError:
        raise ScenarioError(
            f'{what} needs the package {package.split(".")[0]}: pip install "safepassage[gis]".'
        ) from None


def read_csv_map(path: Path) -> Rows:
    """Return the rows of a CSV file with a column of WKT, or of longitude and latitude.

    No rows (None): it is GeoJSON, one feature a line, under the name of a table, as Microsoft's footprints are. path:
    the file, which errors name.
    """
    if read_text(path)[:200].lstrip().startswith("{"):
        return None, None
    frame, _ = read_csv(path)
    by_name = {str(name).strip().lower(): name for name in frame.columns}
    column = next((by_name[name] for name in GEOMETRY_COLUMNS if name in by_name), None)
    if column is not None:
        geometries = [_of_wkt(text) for text in frame[column]]
        used = [column]
    else:
        used = [next((by_name[n] for n in names if n in by_name), None) for names in (LONGITUDES, LATITUDES)]
        if None in used:
            raise ScenarioError(
                f"{path}: no column holds a geometry; the columns are {', '.join(map(str, frame.columns))[:300]}. Name "
                "one geometry (WKT), or two longitude and latitude."
            )
        geometries = [_point(*pair) for pair in zip(*(frame[name] for name in used), strict=True)]
    values = {name: _numbers_where_all_are(frame[name]) for name in frame.columns if name not in used}
    return None, [(each, {str(name): column[row] for name, column in values.items()})
                  for row, each in enumerate(geometries)]  # fmt: skip


def read_geoparquet(path: Path) -> Rows:
    """Return the rows of a GeoParquet file; WKB, or WKT, in degrees if it does not say. path: which errors name."""
    import pyarrow as pa
    import shapely

    try:
        table = read_bounded(path)
    except ScenarioError:
        raise
    except (ValueError, OSError, pa.ArrowException) as error:
        raise ScenarioError(f"{path}: this is not a Parquet file: {' '.join(str(error).split())[:200]}.") from None
    crs, column = None, None
    try:
        said = json.loads((table.schema.metadata or {}).get(b"geo", b"{}"))
        column = said.get("primary_column")
        of_column = said.get("columns", {}).get(column, {})
        crs = of_column.get("crs")
        encoding = of_column.get("encoding", "WKB")
    except (ValueError, AttributeError):
        raise ScenarioError(f"{path}: its geo metadata cannot be read. Write the file again with GeoPandas.") from None
    if column is None:
        column = next((name for name in table.column_names if name.lower() in GEOMETRY_COLUMNS), None)
    if column not in table.column_names or encoding != "WKB":
        raise ScenarioError(
            f"{path}: there is no column of WKB geometries (columns: {', '.join(table.column_names)[:300]}; encoding: "
            f"{encoding}). Write the file again with GeoPandas."
        )
    frame = table.drop_columns([column]).to_pandas()
    rows = table.column(column).to_pylist()
    geometries = [
        _of_wkt(one) if isinstance(one, str) else _read(shapely.from_wkb, one) if one is not None else None
        for one in rows
    ]
    return crs, list(zip(geometries, _records(frame), strict=True))


def read_with_gdal(path: Path) -> Rows:
    """Return the rows of a layer of a GeoPackage, Shapefile (zipped or not) or FlatGeobuf. path: which errors name."""
    import shapely

    file, (_, _, wanted) = file_of(path), str(path).partition(LAYER)
    name = checked(file)
    ogr = gis(f"{path}: a file of this kind", "pyogrio")
    try:
        layers = [str(layer) for layer, kind in ogr.list_layers(name) if kind is not None]
        layer = _chosen(path, wanted, layers)
        meta, _, geometry, fields = ogr.raw.read(name, layer=layer)
        frame = pd.DataFrame(dict(zip(meta["fields"], fields, strict=True)), index=range(len(geometry)))
    except ScenarioError:
        raise
    except (ogr.errors.DataSourceError, ogr.errors.DataLayerError, ogr.errors.FeatureError, ogr.errors.GeometryError,
            ogr.errors.FieldError, ogr.errors.CRSError, ValueError, RuntimeError, UnicodeError) as error:  # fmt: skip
        raise ScenarioError(
            f"{path}: this file cannot be read ({' '.join(str(error).split())[:200]}). A Shapefile needs its .shx and "
            ".dbf beside it. Export it again."
        ) from None
    geometries = [None if one is None else _read(shapely.from_wkb, one) for one in geometry]
    return meta["crs"], list(zip(geometries, _records(frame), strict=True))


READERS: dict[str, Callable[[Path], Rows]] = {
    ".csv": read_csv_map, ".tsv": read_csv_map, ".parquet": read_geoparquet, ".geoparquet": read_geoparquet,
    ".gpkg": read_with_gdal, ".shp": read_with_gdal, ".fgb": read_with_gdal, ".zip": read_with_gdal,
}  # fmt: skip
"""Reader by the end of a file's name."""


def checked(file: Path) -> str:
    """Return how GDAL names a file; raises ScenarioError if it is too large, or not what its name says."""
    suffix = file.suffix.lower()
    try:
        with open(file, "rb") as opened:
            beginning = opened.read(16)
    except OSError as error:
        raise ScenarioError(f"{file}: this file cannot be read ({error.strerror}). Give another one.") from None
    if not beginning.startswith(BEGINNINGS[suffix]):
        raise ScenarioError(f"{file}: this is not a {suffix} file, although its name says so. Export it again.")
    if file.stat().st_size > MOST_BYTES:
        raise ScenarioError(
            f"{file}: this file is larger than {MOST_BYTES:,} bytes. Cut it to the area of the streets."
        )
    if suffix != ".zip":
        return str(file)
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            shapes = [one.filename for one in members if one.filename.lower().endswith(".shp")]
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise ScenarioError(f"{file}: this archive cannot be read ({str(error)[:80]}). Pack it again.") from None
    if sum(one.file_size for one in members) > MOST_BYTES:
        raise ScenarioError(f"{file}: this file is larger than {MOST_BYTES:,} bytes when it is unpacked. Cut it.")
    if len(shapes) != 1:
        raise ScenarioError(f"{file}: the archive holds {len(shapes)} Shapefiles; pack one, with its .dbf, .shx, .prj.")
    return f"/vsizip/{file.resolve()}/{shapes[0]}"


def _chosen(path: Path, wanted: str, layers: list[str]) -> str:
    if wanted and wanted not in layers:
        raise ScenarioError(f"{path}: there is no layer {wanted!r}; the layers are {', '.join(layers)[:500]}.")
    if not wanted and len(layers) != 1:
        raise ScenarioError(
            f"{path}: the file has {len(layers)} layers with a geometry: {', '.join(layers)[:500]}. Name one: "
            f"{file_of(path).name}{LAYER}NAME."
        )
    return wanted or layers[0]


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return each row as a dict of plain values; None where nothing stands."""
    columns = {str(name): [_plain(value) for value in frame[name].tolist()] for name in frame.columns}
    return [{name: values[row] for name, values in columns.items()} for row in range(len(frame))]


def _plain(value: Any) -> Any:
    if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return None
    return value.item() if isinstance(value, np.generic) else value


def _numbers_where_all_are(column: pd.Series) -> list[Any]:
    """Return a column of text as numbers if every value is one and none loses leading zeros, else as it is."""
    texts = column.tolist()
    said = [text for text in texts if text]
    if not said or any(len(text) > 1 and text[0] == "0" and text[1] != "." for text in said):
        return texts
    try:
        numbers = {text: float(text) for text in said}
    except ValueError:
        return texts
    return [None if not text else int(numbers[text]) if text.lstrip("-").isdigit() else numbers[text] for text in texts]


def _of_wkt(text: str | None) -> Any:
    import shapely

    if not text or not text.strip():
        return None
    return _read(shapely.from_wkt, text.rpartition(";")[2])


def _read(reader: Callable[[Any], Any], given: Any) -> Any:
    """Return the geometry that text or bytes stand for, or the text of what is wrong with them."""
    import shapely

    try:
        return reader(given)
    except (shapely.errors.ShapelyError, TypeError, ValueError, UnicodeError) as error:
        return " ".join(str(error).split())[:80]


def _point(longitude: str, latitude: str) -> Any:
    import shapely

    if not longitude and not latitude:
        return None
    try:
        return shapely.Point(float(longitude), float(latitude))
    except ValueError:
        return f"longitude {longitude[:20]!r}, latitude {latitude[:20]!r}"
