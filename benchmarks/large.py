"""A synthetic city as large as Kyiv: 3,000,000 people on 50,000 junctions, ordered out under hypothetical shelling.

The streets are those of `benchmarks/city.py` with a secondary road every eighth block, written as OSMnx would save them
and read as any scenario is.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.city import City, make_city
from safepassage.experiments.runs.limits import ONE_THREAD

M_PER_DEGREE = 111_195.0
LATITUDE_DEG, LONGITUDE_DEG = 45.0, -33.0
"""Centre of the city, in the open Atlantic."""
HEADER = ["people", "nodes", "links", "build (s)", "run (s)", "processor (s)", "people out", "link crossings",
          "peak (GB)"]  # fmt: skip

CHILD = """
import json, resource, sys, time
from safepassage.model.evacuation import EvacuationModel
changes = json.loads(sys.argv[2])
began, cpu = time.perf_counter(), time.process_time()
model = EvacuationModel(sys.argv[1], **changes)
built = time.perf_counter()
model.run()
print(json.dumps({
    "people": len(model.people), "nodes": model.streets.n_nodes, "links": model.streets.n_links,
    "build_s": built - began, "run_s": time.perf_counter() - built, "cpu_s": time.process_time() - cpu,
    "n_out": sum(route.n_persons for route in model.routes), "crossings": model.movement.driving.view.n_crossings,
    "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
}))
"""


def write_scenario(folder: Path, n_nodes: int, n_people: int, duration_h: float, seed: int = 1) -> Path:
    """Write streets and scenario of a city into a folder and return the path of the scenario.

    folder: where they are written. n_nodes: junctions. n_people: residents. duration_h: length of the run (h). seed: of
    the city.
    """
    city = make_city(n_nodes, 1, seed)
    (folder / "city.graphml").write_text(_graphml(city))
    (folder / "zone.geojson").write_text(json.dumps(_zone(n_people)))
    exits = [{"name": f"Exit {k + 1}", "node": str(node)} for k, node in enumerate(city.exit_node.tolist())]
    scenario = {
        "name": "metropolis", "title": "A city of millions is ordered out",
        "run": {"start": "2024-08-01T06:00", "duration_h": duration_h, "step_s": 60, "seed": seed},
        "streets": {"network": "city.graphml", "exits": exits},
        "population": {"zones": "zone.geojson"},
        "orders": [{"issued_h": 0.5, "compliance": 0.8}],
        "shelling": {"time_zone": "Atlantic/Azores", "sources": [{"kind": "process", "events_per_day": 400}]},
    }  # fmt: skip
    path = folder / "metropolis.yaml"
    path.write_text(json.dumps(scenario))
    return path


def _zone(n_people: int) -> dict:
    """Return the whole city as one zone."""
    ring = [
        [LONGITUDE_DEG + 0.4 * x, LATITUDE_DEG + 0.4 * y] for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))
    ]
    properties = {"zone_id": "City", "population": n_people}
    feature = {"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    return {"type": "FeatureCollection", "features": [feature]}


def _graphml(city: City) -> str:
    """Return the streets of a city as GraphML, as OSMnx saves it."""
    import networkx as nx
    import numpy as np

    graph = nx.MultiDiGraph(crs="epsg:4326", simplified="True")
    x_m, y_m = city.node_x_m - city.node_x_m.mean(), city.node_y_m - city.node_y_m.mean()
    longitude = LONGITUDE_DEG + x_m / (M_PER_DEGREE * np.cos(np.deg2rad(LATITUDE_DEG)))
    latitude = LATITUDE_DEG + y_m / M_PER_DEGREE
    for node, (x, y) in enumerate(zip(longitude.tolist(), latitude.tolist(), strict=True)):
        graph.add_node(str(node), x=x, y=y)
    fast = city.speed_m_s > city.speed_m_s.min()
    links = zip(city.link_upstream.tolist(), city.link_downstream.tolist(), city.length_m.tolist(), fast.tolist(),
                strict=True)  # fmt: skip
    for up, down, length_m, is_fast in links:
        highway = "secondary" if is_fast else "residential"
        graph.add_edge(str(up), str(down), osmid=f"{up}-{down}", highway=highway, length=length_m, oneway="False")
    return "\n".join(nx.generate_graphml(graph))


def time_city(n_people: int, n_nodes: int, duration_h: float) -> dict:
    """Return what one process with one thread found: sizes, seconds, people out, peak memory (GB)."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_scenario(Path(folder), n_nodes, n_people, duration_h)
        command = [sys.executable, "-c", CHILD, str(path), "{}"]
        done = subprocess.run(command, env={**os.environ, **ONE_THREAD}, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def row_of(found: dict) -> list[str]:
    """Return what was found as a row under HEADER."""
    counts = [f"{found[name]:,}" for name in ("people", "nodes", "links")]
    times = [f"{found[name]:.1f}" for name in ("build_s", "run_s", "cpu_s")]
    return [*counts, *times, f"{found['n_out']:,}", f"{found['crossings']:,}", f"{found['peak_gb']:.2f}"]
