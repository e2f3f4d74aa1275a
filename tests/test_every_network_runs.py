"""Every street network at hand, an hour of evacuation in each, with a zone made up to cover it."""

import json
import os
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import yaml

from safepassage.agents.civilians import Status
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.settings.scenario import load, shipped
from safepassage.model.settings.streets import StreetSettings
from safepassage.model.streets.build import compile_streets
from safepassage.model.streets.reading.graphml import read_graph


def networks():
    """Return the networks of the data folder, if one is given, and those shipped."""
    folder = os.environ.get("SAFEPASSAGE_DATA")
    ours = sorted((shipped()["tiny_town"].parent / "networks").glob("*.graphml*"))
    given = sorted(Path(folder, "networks").glob("*.graphml")) if folder else []
    given = [path for path in given if path.stem not in {network.name.split(".")[0] for network in ours}]
    missing = pytest.mark.skip(reason="SAFEPASSAGE_DATA does not name the folder of development data")
    others = [pytest.param(path, id=path.stem) for path in given] or [pytest.param(None, marks=missing)]
    return [pytest.param(path, id=path.name.split(".")[0]) for path in ours] + others


def written(folder: Path, network: Path, residents: int = 2000) -> Path:
    """Write a scenario in which people live all over a network and are ordered out at once; return its file."""
    streets, _ = compile_streets(read_graph(network), StreetSettings(network=network))
    longitude, latitude = streets.unproject(streets.node_x_m, streets.node_y_m)
    (west, east), (south, north) = ((c.min() - 0.001, c.max() + 0.001) for c in (longitude, latitude))
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    zone = {
        "type": "Feature",
        "properties": {"name": "all", "population": residents},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    (folder / "zones.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [zone]}))
    keys = {
        "name": "made_up",
        "title": "Does it run?",
        "run": {"start": "2024-08-01T06:00", "duration_h": 1},
        "streets": {"network": str(network)},
        "population": {"zones": "zones.geojson", "zone_name_property": "name"},
        "orders": [{"issued_h": 0, "compliance": 1.0}],
        "shelling": {"sources": [{"kind": "process", "share_near_people": 1, "events_per_day": 400}]},
    }
    path = folder / "town.yaml"
    path.write_text(yaml.safe_dump(keys))
    return path


def runs_for_an_hour(path: Path) -> EvacuationModel:
    model = EvacuationModel(load(path))
    n = len(model.people)
    while model.running:
        model.step()
        assert model.recorder.n_by_status.sum() == n
        assert (model.recorder.n_by_status >= 0).all()
    model.population.check(model.n_parties_on_streets)
    assert model.recorder.n_by_status[Status.TRAVELLING] + model.recorder.n_by_status[Status.SAFE] > 0.02 * n
    tables = model.recorder.tables()
    assert tables["exits"].num_rows == len(model.streets.exit_name) >= 1
    assert len(tables["persons"]) == n == 2000
    return model


@pytest.mark.parametrize("network", networks())
def test_an_hour_passes_on_every_network_and_people_set_out(network, tmp_path):
    runs_for_an_hour(written(tmp_path, network))


def test_an_hour_passes_on_a_ring_road_without_natural_exit(tmp_path):
    graph, n = nx.MultiDiGraph(crs="EPSG:4326"), 48
    for i in range(n):
        angle = 2 * np.pi * i / n
        graph.add_node(str(i), x=24.0 + 0.04 * np.cos(angle), y=45.0 + 0.03 * np.sin(angle))
    graph.add_node("middle", x=24.0, y=45.0)
    pairs = [(str(i), str((i + 1) % n)) for i in range(n)] + [(str(i), "middle") for i in range(0, n, 8)]
    for upstream, downstream in pairs:
        graph.add_edge(upstream, downstream, highway="primary")
        graph.add_edge(downstream, upstream, highway="primary")
    nx.write_graphml(graph, tmp_path / "ring.graphml")
    model = runs_for_an_hour(written(tmp_path, tmp_path / "ring.graphml"))
    assert any("outermost" in line for line in model.report())


def test_an_hour_passes_on_streets_with_no_attributes_at_all(tmp_path):
    graph = nx.MultiDiGraph(crs="EPSG:4326")
    for i in range(8):
        for j in range(8):
            graph.add_node(f"{i},{j}", x=24.0 + 0.002 * i, y=45.0 + 0.0015 * j)
    for i, j in np.ndindex(8, 8):
        for other in ((i + 1, j), (i, j + 1)):
            if max(other) < 8:
                graph.add_edge(f"{i},{j}", f"{other[0]},{other[1]}")
                graph.add_edge(f"{other[0]},{other[1]}", f"{i},{j}")
    nx.write_graphml(graph, tmp_path / "bare.graphml")
    runs_for_an_hour(written(tmp_path, tmp_path / "bare.graphml"))


def test_an_exit_that_only_walkers_reach_lets_out_walkers_and_no_car(tmp_path):
    graph = nx.MultiDiGraph(crs="EPSG:4326")
    for i in range(6):
        graph.add_node(str(i), x=24.0 + 0.002 * i, y=45.0)
    for i in range(5):
        highway = "footway" if i == 4 else "residential"
        graph.add_edge(str(i), str(i + 1), highway=highway)
        graph.add_edge(str(i + 1), str(i), highway=highway)
    nx.write_graphml(graph, tmp_path / "path.graphml")
    path = written(tmp_path, tmp_path / "path.graphml")
    keys = yaml.safe_load(path.read_text())
    keys["streets"]["exits"] = [{"name": "footpath", "node": "5"}]
    path.write_text(yaml.safe_dump(keys))
    model = runs_for_an_hour(path)
    (exit_,) = model.routes
    assert exit_.n_cars == 0 and exit_.n_walkers == exit_.n_persons > 100
