"""Tables with a geometry in each row: CSV with WKT or points, GeoParquet, and what GDAL reads (GeoPackage, Shapefile).

Each reader takes the path, which errors name, the kinds of geometry that are looked for, and a list to which it adds
what is doubtful. It returns the coordinate system (None: degrees) and a list of (geometry, properties), the geometry a
shapely one, None, or the text of what is wrong with it.
"""

import json
import re
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from safepassage.model.inputs.parquet_files import read_bounded
from safepassage.model.inputs.tables import read_csv, refuse_doubles
from safepassage.model.inputs.text_files import MOST_BYTES, read_text
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.files.portable import LAYER, file_of

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


def read_csv_map(path: Path, kinds: Sequence[str], notes: list[str]) -> Rows:
    """Return the rows of a CSV file with a column of WKT, or of longitude and latitude.

    No rows (None): it is GeoJSON, one feature a line, under the name of a table, as Microsoft's footprints are. path:
    the file, which errors name.
    """
    if read_text(path)[:200].lstrip().startswith("{"):
        return None, None
    frame, _ = read_csv(path)
    names = [str(name).strip().lower() for name in frame.columns]
    refuse_doubles(path, names)
    by_name = dict(zip(names, frame.columns, strict=True))
    crs = None
    column = next((by_name[name] for name in GEOMETRY_COLUMNS if name in by_name), None)
    if column is not None:
        crs = _stated_system(frame[column], path)
        geometries = [_of_text(text) for text in frame[column]]
        used = [column]
    else:
        used = [next((by_name[n] for n in names if n in by_name), None) for names in (LONGITUDES, LATITUDES)]
        if None in used:
            raise ScenarioError(
                f"{path}: no column holds a geometry; the columns are {', '.join(map(str, frame.columns))[:300]}. Name "
                "one geometry (WKT), or two longitude and latitude."
            )
        geometries = [_point(*pair) for pair in zip(*(frame[name] for name in used), strict=True)]
    kept = [name for name in frame.columns if name and name not in used]
    values = {name: _numbers_where_all_are(frame[name]) for name in kept}
    return crs, [(each, {str(name): column[row] for name, column in values.items()})
                  for row, each in enumerate(geometries)]  # fmt: skip


def read_geoparquet(path: Path, kinds: Sequence[str], notes: list[str]) -> Rows:
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
        _of_text(one) if isinstance(one, str) else _read(shapely.from_wkb, one) if one is not None else None
        for one in rows
    ]
    return crs, list(zip(geometries, _records(frame), strict=True))


def read_with_gdal(path: Path, kinds: Sequence[str], notes: list[str]) -> Rows:
    """Return the rows of a layer of a GeoPackage, Shapefile (zipped or not) or FlatGeobuf. path: which errors name."""
    import shapely

    file, (_, _, wanted) = file_of(path), str(path).partition(LAYER)
    name = checked(file)
    ogr = gis(f"{path}: a file of this kind", "pyogrio")
    try:
        layers = {str(layer): kind for layer, kind in ogr.list_layers(name) if kind is not None}
        layer = _chosen(path, wanted, layers, kinds)
        meta, _, geometry, fields = ogr.raw.read(name, layer=layer)
        frame = pd.DataFrame(dict(zip(meta["fields"], fields, strict=True)), index=range(len(geometry)))
    except ScenarioError:
        raise
    except (ogr.errors.DataSourceError, ogr.errors.DataLayerError, ogr.errors.FeatureError, ogr.errors.GeometryError,
            ogr.errors.FieldError, ogr.errors.CRSError, ValueError, RuntimeError, UnicodeError) as error:  # fmt: skip
        beside = " A Shapefile needs its .shx and .dbf beside it." if file.suffix.lower() in (".shp", ".zip") else ""
        raise ScenarioError(
            f"{path}: this file cannot be read ({' '.join(str(error).split())[:200]}).{beside} Export it again."
        ) from None
    if meta["crs"] is None:
        notes.append(
            f"{file.name}: nothing in it says which coordinate system it has (a Shapefile's .prj does); its "
            "coordinates were taken for longitude and latitude (WGS 84)."
        )
    if not len(frame.columns) and file.suffix.lower() in (".shp", ".zip"):
        raise ScenarioError(f"{path}: it has no table of properties: put its .dbf beside the .shp. Export it again.")
    _doubt_letters(file, frame, notes)
    geometries = [None if one is None else _read(shapely.from_wkb, one) for one in geometry]
    return meta["crs"], list(zip(geometries, _records(frame), strict=True))


def layers_of(path: Path) -> list[str]:
    """Return the names of the layers of a file. Raises ScenarioError, naming the path, if it cannot be read."""
    ogr = gis(f"{path}: a file of this kind", "pyogrio")
    try:
        return [str(name) for name, _ in ogr.list_layers(path)]
    except (ogr.errors.DataSourceError, ogr.errors.DataLayerError, ValueError, RuntimeError) as error:
        raise ScenarioError(
            f"{path}: this file cannot be read ({' '.join(str(error).split())[:120]}). Export it again."
        ) from None


def _doubt_letters(file: Path, frame: pd.DataFrame, notes: list[str]) -> None:
    """Note if letters of a Shapefile other than those of English may have been read wrongly."""
    if file.suffix.lower() != ".shp" or any(file.with_suffix(end).exists() for end in (".cpg", ".CPG")):
        return
    texts = (text for name in frame for text in frame[name] if isinstance(text, str))
    strange = next((text for text in texts if not text.isascii()), None)
    if strange is not None:
        notes.append(
            f"{file.name}: no .cpg beside it says how its letters are written; one text was read as {strange[:40]!r}. "
            "If that is wrong, write the encoding into a file .cpg (such as CP1251), or export it again."
        )


READERS: dict[str, Callable[[Path, Sequence[str], list[str]], Rows]] = {
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
            names = [one.filename for one in members if not one.is_dir() and "__MACOSX" not in one.filename]
            shapes = [name for name in names if name.lower().endswith(".shp")]
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise ScenarioError(f"{file}: this archive cannot be read ({str(error)[:80]}). Pack it again.") from None
    if sum(one.file_size for one in members) > MOST_BYTES:
        raise ScenarioError(f"{file}: this file is larger than {MOST_BYTES:,} bytes when it is unpacked. Cut it.")
    if len(shapes) != 1:
        raise ScenarioError(
            f"{file}: the archive holds {len(shapes)} Shapefiles ({', '.join(names)[:200] or 'it is empty'}). Pack "
            "one, with its .dbf, .shx, .prj; unpack files of other kinds and give them as they are."
        )
    return f"/vsizip/{file.resolve()}/{shapes[0]}"


def _chosen(path: Path, wanted: str, layers: dict[str, str], kinds: Sequence[str]) -> str:
    """Return the layer that is named, else the only one, else the only one of the kinds that are looked for."""
    if wanted and wanted not in layers:
        raise ScenarioError(f"{path}: there is no layer {wanted!r}; the layers are {', '.join(layers)[:500]}.")
    fit = [name for name, kind in layers.items() if kind.partition(" ")[0] in kinds] if len(layers) > 1 else [*layers]
    if not layers:
        raise ScenarioError(f"{path}: there is no layer with a geometry in it. Export it again.")
    if not wanted and len(fit) != 1:
        raise ScenarioError(
            f"{path}: the file has {len(layers)} layers with a geometry: {', '.join(layers)[:500]}. Name one: "
            f"{file_of(path).name}{LAYER}NAME."
        )
    return wanted or fit[0]


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
    broken = [text for text in said if "." in text]
    if len(broken) < len(said) and any(broken) and all(re.fullmatch(r"[1-9]\d{0,2}\.\d{3}", text) for text in broken):
        return texts  # 950 and 1.200: the mark may group digits, and whoever reads a number of people asks
    try:
        numbers = {text: float(text) for text in said}
    except ValueError:
        return texts
    return [None if not text else int(numbers[text]) if text.lstrip("-").isdigit() else numbers[text] for text in texts]


def _stated_system(column: pd.Series, path: Path) -> str | None:
    """Return the coordinate system that the geometries of a column name (SRID=25832;POINT...); None: they do not."""
    systems = sorted({found.group(1) for text in column if (found := re.match(r"\s*SRID\s*=\s*(\d+)\s*;", text, re.I))})
    if len(systems) > 1:
        raise ScenarioError(f"{path}: its geometries have the systems {', '.join(systems)[:200]}. Export them in one.")
    return f"EPSG:{systems[0]}" if systems else None


def _of_text(text: str | None) -> Any:
    """Return the geometry of a cell: WKT, WKB in hexadecimal digits, or GeoJSON; None if it is empty."""
    import shapely
    from shapely.geometry import shape

    text = (text or "").strip()
    if not text:
        return None
    if text.startswith("{"):
        return _read(lambda given: shape(json.loads(given)), text)
    if re.fullmatch(r"0[01][0-9A-Fa-f]{8,}", text):
        return _read(shapely.from_wkb, text)
    return _read(shapely.from_wkt, text.rpartition(";")[2])


def _read(reader: Callable[[Any], Any], given: Any) -> Any:
    """Return the geometry that text or bytes stand for, or the text of what is wrong with them."""
    import shapely

    try:
        return reader(given)
    except (shapely.errors.ShapelyError, TypeError, ValueError, KeyError, IndexError, AttributeError,
            NotImplementedError) as error:  # fmt: skip
        return " ".join(str(error).split())[:80]


def _point(longitude: str, latitude: str) -> Any:
    import shapely

    if not longitude and not latitude:
        return None
    try:
        return shapely.Point(_coordinate(longitude), _coordinate(latitude))
    except ValueError:
        return f"longitude {longitude[:20]!r}, latitude {latitude[:20]!r}"


def _coordinate(text: str) -> float:
    """Return a coordinate; a comma in it is a decimal one, as nobody groups the digits of degrees."""
    return float(text.strip().replace("\u2212", "-").replace(",", "."))
