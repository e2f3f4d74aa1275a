"""A town on one straight road, for known answers: the exit, 1 km to the square, 1 km to the end of the road."""

import json
import tempfile
from pathlib import Path

import networkx as nx

from safepassage.model.evacuation import EvacuationModel
from safepassage.model.results import columns
from safepassage.model.settings.scenario import load

KM_DEG = 0.012676
"""A kilometre east at 45 degrees north, about; lengths of streets are given in metres."""
DRIVE_S = 100.0
"""From one node to the next at 36 km/h."""
ADULT, ASSISTED, CHILD = (40, "unimpaired"), (70, "needs assistance"), (8, "unimpaired")
AMBULANCES = {"services.ambulances.n": 1, "services.ambulances.base": {"node": "exit"}}
POINT = {"name": "Square", "node": "square"}
PROMPT = {
    "siren": {"reach": 1.0, "delay_median_s": 0.01},
    "phone": {"reach": 0.0, "delay_median_s": 60.0},
    "door_to_door": {"reach": 0.0, "delay_median_s": 60.0},
}


def write_town(folder, persons, node="square", n_cars=0):
    """Write a town to a folder and return the scenario's path.

    persons: for each household a list of (age, mobility). node: where all live, or where each does.
    """
    graph = nx.MultiDiGraph(crs="epsg:4326")
    for k, name in enumerate(("exit", "square", "end")):
        graph.add_node(name, x=3.0 + k * KM_DEG, y=45.0, street_count=2)
    tags = {"highway": "primary", "maxspeed": "36", "lanes": "2", "length": 1000.0, "oneway": False}
    for k, (a, b) in enumerate((("exit", "square"), ("square", "end"))):
        graph.add_edge(a, b, osmid=k, **tags)
        graph.add_edge(b, a, osmid=k, **tags)
    nx.write_graphml(graph, folder / "town.graphml")
    ring = [[2.99, 44.99], [3.05, 44.99], [3.05, 45.01], [2.99, 45.01], [2.99, 44.99]]
    zone = {"type": "Feature", "properties": {"zone_id": "town", "population": 1},
            "geometry": {"type": "Polygon", "coordinates": [ring]}}  # fmt: skip
    (folder / "zones.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [zone]}))
    nodes = [node] * len(persons) if isinstance(node, str) else node
    rows = [f"{h},{nodes[h]},{str(h < n_cars).lower()}" for h in range(len(persons))]
    (folder / "households.csv").write_text("household,node,has_car\n" + "\n".join(rows) + "\n")
    rows = [f"{h},{age},{mobility}" for h, members in enumerate(persons) for age, mobility in members]
    (folder / "persons.csv").write_text("household,age,mobility\n" + "\n".join(rows) + "\n")
    (folder / "town.yaml").write_text(
        json.dumps(
            {
                "name": "road_town",
                "title": "Who gets a seat?",
                "run": {"start": "2024-08-01T06:00", "duration_h": 8},
                "streets": {"network": "town.graphml", "exits": [{"name": "West", "node": "exit"}]},
                "population": {
                    "zones": "zones.geojson", "households_file": "households.csv", "persons_file": "persons.csv",
                },
                "orders": [{"issued_h": 0, "compliance": 1.0}],
                "shelling": {"time_zone": "UTC", "sources": []},
                "movement": {"walk_out_limit_m": 0},
                "behaviour": {
                    "preparation_median_s": 60, "preparation_spread": 0.01,
                    "channels": PROMPT,
                },
            }
        )
    )  # fmt: skip
    return folder / "town.yaml"


_FOLDER = tempfile.TemporaryDirectory(prefix="service_towns")
_MADE = {}


def town_of(persons, **where):
    """Return the scenario's path of a town made of households, written once for each list of them."""
    key = repr((persons, where))
    if key not in _MADE:
        folder = Path(_FOLDER.name) / str(len(_MADE))
        folder.mkdir()
        _MADE[key] = write_town(folder, persons, **where)
    return _MADE[key]


def fleet(**changes):
    """Return the settings of a fleet of one bus with ten seats that starts at half past six and never dwells."""
    hours = [{"from_time": "06:30", "until_time": "18:00"}]
    return {"name": "Bus", "n_vehicles": 1, "seats": 10, "dwell_s": 0, "hours": hours} | changes


def town(path, fleets=(), points=(POINT,), **changes):
    """Return the model of a town with services."""
    services = {"services.fleets": list(fleets), "services.pickup_points": list(points)}
    return EvacuationModel(load(path, services | changes))


def tables(model):
    """Return the tables of a run as frames."""
    return {name: table.to_pandas() for name, table in model.recorder.tables().items()}


def digests(model):
    """Return the digests of the tables of a run."""
    return {name: columns.digest(table) for name, table in model.recorder.tables().items()}


def check(model):
    """Everybody has one place, no seat holds two people, and the queues hold those who wait."""
    model.population.check(model.n_parties_on_streets)
    services = model.services
    for vehicle in services.vehicles:
        seats = vehicle.seats
        persons = sum(services.riders.size(h)[0] for h in seats.aboard)
        assert 0 <= seats.n_taken <= seats.n and 0 <= seats.n_places_taken <= seats.n_places
        assert persons <= seats.n + seats.n_places
        assert all(model.parties.vehicle[h] == vehicle.row for h in seats.aboard)
    for stop in services.stops:
        assert stop.n_waiting == sum(services.riders.size(h)[0] for h in stop.waiting)
        assert all(model.parties.stop[h] == stop.row for h in stop.waiting)


def run(model):
    """Step to the end and check the books after each step."""
    while model.running:
        model.step()
        check(model)
    return model
