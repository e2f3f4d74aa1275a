"""Files of layers that other programs open: GeoPackage with styles for QGIS, GeoParquet, CSV, GeoJSON for kepler.gl."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from pyproj import CRS

from safepassage.experiments.runs.csv_files import csv_bytes
from safepassage.experiments.runs.qgis_styles import STYLES, layer_styles
from safepassage.model.inputs.feature_tables import gis
from safepassage.model.streets.projection import WGS84


@dataclass(eq=False)
class Layer:
    """A table for export; geometry: shapely, in degrees, or None where it has none."""

    name: str
    frame: pd.DataFrame
    geometry: np.ndarray | None
    kind: str = ""
    """LineString, Polygon, Point; empty without a geometry."""


def _plain(column: pd.Series) -> pd.Series:
    return (
        column.astype("float64")
        if str(column.dtype) == "Int64"
        else column.map(lambda one: one if isinstance(one, str) or np.isscalar(one) else str(one))
    )


def write_geopackage(layers: list[Layer], out: Path) -> None:
    """Write layers into one GeoPackage with the styles by which QGIS draws them; the styles as .qml beside it too."""
    ogr = gis(f"{out}: a GeoPackage", "pyogrio")
    for number, one in enumerate(layers):
        fields = [_plain(one.frame[name]).to_numpy() for name in one.frame]
        fields = [np.array([str(x) for x in column], object) if column.dtype == object else column for column in fields]
        geometry = None if one.geometry is None else np.array(shapely.to_wkb(one.geometry), object)
        ogr.raw.write(
            out, geometry, fields, list(map(str, one.frame.columns)), crs=WGS84 if one.kind else None, driver="GPKG",
            geometry_type=one.kind or None, layer=one.name, append=number > 0,
        )  # fmt: skip
    styles = layer_styles([one.name for one in layers])
    columns = [np.array(values, bool if name == "useAsDefault" else object) for name, values in styles.items()]
    ogr.raw.write(
        out, None, columns, list(styles), driver="GPKG", geometry_type=None, layer="layer_styles", append=True
    )
    for name in styles["f_table_name"]:
        out.with_name(f"{out.stem}_{name}.qml").write_text(STYLES[name](), encoding="utf-8")


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
        (out / f"{one.name}.csv").write_bytes(csv_bytes(frame))


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
