"""Streets as tables of nodes and edges, as OSMnx and GIS programs save them: GeoPackage, GeoParquet."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from safepassage.model.inputs import feature_tables
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.files.portable import LAYER
from safepassage.model.streets.streets import SIGNALS

if TYPE_CHECKING:
    import networkx as nx

TABLE_FORMATS = (".gpkg", ".parquet", ".geoparquet")
FROM, TO = ("u", "from", "from_node_id", "source", "a_node"), ("v", "to", "to_node_id", "target", "b_node")
EDGE_LAYERS, NODE_LAYERS = ("edges", "links", "streets", "roads"), ("nodes", "junctions")
NODE_IDS = ("osmid", "node_id", "id", "node", "index")
TWO_WAY = ("both", "two-way", "no", "false", "0")


def read_graph_tables(path: Path) -> "nx.MultiDiGraph":
    """Return the street graph in a GeoPackage with edges (and nodes), or in NAME_edges.parquet (and _nodes.parquet).

    Edges have u and v (or from and to); without a table of nodes their ends are those of the lines. Raises
    ScenarioError for other tables. path: the file, which errors name.
    """
    import networkx as nx
    from shapely import from_wkt

    if path.suffix.lower() == ".gpkg":
        feature_tables.checked(path)
        layers = feature_tables.layers_of(path)
        edges_name, nodes_name = (
            next((one for one in layers if one.lower() in names), None) for names in (EDGE_LAYERS, NODE_LAYERS)
        )
        if edges_name is None and len(layers) == 1:
            edges_name = layers[0]
        if edges_name is None:
            raise ScenarioError(f"{path}: no layer is named edges or links; the layers are {', '.join(layers)[:300]}.")
        crs, edges = feature_tables.read_with_gdal(Path(f"{path}{LAYER}{edges_name}"), (), [])
        nodes = feature_tables.read_with_gdal(Path(f"{path}{LAYER}{nodes_name}"), (), [])[1] if nodes_name else None
    else:
        crs, edges = feature_tables.read_geoparquet(path, (), [])
        beside = path.with_name(path.name.replace("edges", "nodes"))
        nodes = feature_tables.read_geoparquet(beside, (), [])[1] if beside != path and beside.is_file() else None
    graph = nx.MultiDiGraph(crs=_crs_text(crs))
    for geometry, row in nodes or ():
        name = _first(row, NODE_IDS)
        if name is None or geometry is None or isinstance(geometry, str) or geometry.geom_type != "Point":
            raise ScenarioError(f"{path}: a node has no id or no point (columns: {', '.join(row)[:200]}).")
        signals = {"highway": SIGNALS} if SIGNALS in str(row.get("highway")) else {}
        graph.add_node(_text(name), x=geometry.x, y=geometry.y, **signals)
    for number, (geometry, row) in enumerate(edges or ()):
        _add(graph, geometry, row, f"{path}: edge {number}")
    for u, v, data in list(graph.edges(data=True)):
        if str(data.get("oneway", "")).lower() in TWO_WAY and not graph.has_edge(v, u):
            line = from_wkt(data["geometry"]).reverse().wkt if "geometry" in data else None
            graph.add_edge(v, u, **{**data, **({"geometry": line} if line else {})})
    return graph


def _add(graph: "nx.MultiDiGraph", geometry: Any, row: dict[str, Any], place: str) -> None:
    lower = {name.lower(): value for name, value in row.items()}
    u, v = _first(lower, FROM), _first(lower, TO)
    if u is None or v is None:
        raise ScenarioError(f"{place} has no u and v (or from and to); its columns are {', '.join(row)[:300]}.")
    if isinstance(geometry, str):
        raise ScenarioError(f"{place}: its geometry cannot be read ({geometry}).")
    u, v = _text(u), _text(v)
    if geometry is not None and geometry.geom_type == "MultiLineString" and len(geometry.geoms) == 1:
        geometry = geometry.geoms[0]
    if geometry is not None and geometry.geom_type == "LineString" and not geometry.is_empty:
        for node, (x, y, *_) in ((u, geometry.coords[0]), (v, geometry.coords[-1])):
            if node not in graph or "x" not in graph.nodes[node]:
                graph.add_node(node, x=x, y=y)
        begins = graph.nodes[u]["x"], graph.nodes[u]["y"]
        if _far(geometry.coords[0], begins) and not _far(geometry.coords[-1], begins):
            geometry = geometry.reverse()
        lower["geometry"] = geometry.wkt
    said = {name: _text(value) for name, value in lower.items() if value is not None and name not in ("u", "v", "key")}
    graph.add_edge(u, v, **said)


def _far(place: Any, other: Any) -> bool:
    return bool(np.hypot(place[0] - other[0], place[1] - other[1]) > 1e-9 * (1 + abs(place[0]) + abs(place[1])))


def _first(row: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((row[name] for name in names if row.get(name) is not None), None)


def _text(value: Any) -> str:
    if isinstance(value, float) and value == int(value):
        value = int(value)
    return str(value.tolist() if isinstance(value, np.ndarray) else value)


def _crs_text(crs: Any) -> str:
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    if crs is None:
        return "EPSG:4326"
    try:
        return CRS.from_user_input(crs).to_string()
    except CRSError:
        return str(crs)[:200]
