"""Signals, dark signals and police at junctions."""

from pathlib import Path

import numpy as np
import pytest
from drawn_streets import graph_of, link, settings

from safepassage.model.evacuation import EvacuationModel
from safepassage.model.maps.read import read_map
from safepassage.model.maps.save import as_graphml
from safepassage.model.movement.movement import Movement
from safepassage.model.settings.authorities import Closures
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.movement import Movement as MovementSettings
from safepassage.model.settings.streets import Signals
from safepassage.model.streets.build import compile_streets
from safepassage.model.streets.classes import lane_flow_per_s
from safepassage.model.streets.reading.graphml import read_graph
from safepassage.model.town.closures import ClosedOnPurpose
from safepassage.model.town.junction_control import JunctionControl

HELSINKI = Path(__file__).parents[1] / "scenarios/networks/helsinki_centre.osm.pbf"
PLACES = {"w": (-900, 0), "e": (900, 0), "s": (0, -900), "n": (0, 900), "m": (0, 0)}
ONE = lane_flow_per_s(50 / 3.6)
"""Saturation flow of one lane at 50 km/h (vehicles/s)."""
POWER, NO_POWER = np.zeros(1, np.bool_), np.ones(1, np.bool_)


def cross(*, lit=False, places=PLACES, turn=False, **keys):
    """Return the streets of two one-way roads that cross at m; with signals there in the file, if lit."""
    roads = [("w", "m", "East Road"), ("m", "e", "East Road"), ("s", "m", "North Road"), ("m", "n", "North Road")]
    edges = [(u, v, {"name": name, "highway": "primary", "oneway": "True", "maxspeed": "50"}) for u, v, name in roads]
    graph = graph_of(edges[::-1] if turn else edges, places)
    if lit:
        graph.nodes["m"]["highway"] = "traffic_signals"
    given = settings(exits=[{"node": "e"}, {"node": "n"}], exit_flow_per_lane_per_s=1.0, **keys)
    return compile_streets(graph, given)[0]


def control_of(streets, **signals):
    return JunctionControl(Signals(**signals), streets, np.zeros(streets.n_links, np.int32))


def flows(streets, control, power=POWER, police=(), streams=("w", "s"), changes=()):
    """Return the flows of the streams from w and from s over m (vehicles/s), 900 s into a saturated hour."""
    movement = Movement(MovementSettings(), streets, 0)
    ways = {"w": ("w", "m", "e"), "s": ("s", "m", "n")}
    for k, stream in enumerate(streams):
        a, b, c = ways[stream]
        path = [link(streets, a, b), link(streets, b, c)]
        ids = np.arange(3000) + 3000 * k
        movement.driving.add(ids, streets.node_id.index(a), np.zeros(3000), paths=[path] * 3000)
    closed = ClosedOnPurpose(Closures(police=police), streets, (), control)
    closed.advance(0.0)
    found = control.look(power, closed.policed)
    if found is not None:
        movement.set_junctions(found.is_shared, found.share, found.flow_factor)
    for from_s, power_then in changes:
        movement.driving.advance(from_s)
        found = control.look(power_then, closed.policed)
        movement.set_junctions(found.is_shared, found.share, found.flow_factor)
    into = [link(streets, "w", "m"), link(streets, "s", "m")]
    since_s = movement.driving.time_s + 900.0
    movement.driving.advance(since_s)
    before = movement.driving.view.n_left[into]
    movement.driving.advance(since_s + 3600.0)
    return (movement.driving.view.n_left[into] - before) / 3600.0


def test_signals_let_each_stream_pass_its_green_share_of_saturation_whoever_else_comes():
    green = [{"node": "m", "street": "east road", "share": 0.6}, {"node": "m", "from_node": "s", "share": 0.3}]
    streets = cross(lit=True)
    assert flows(streets, control_of(streets, green=green)) == pytest.approx([0.6 * ONE, 0.3 * ONE], rel=0.01)
    alone = flows(streets, control_of(streets, green=green), streams=("w",))
    assert alone == pytest.approx([0.6 * ONE, 0.0], rel=0.01)


def test_green_that_is_not_given_is_shared_by_class_less_the_time_of_changes():
    streets = cross(lit=True)
    each = ONE * (1 - 2 * 4 / 80) / 2
    assert flows(streets, control_of(streets, cycle_s=80)) == pytest.approx([each, each], rel=0.01)
    one_given = control_of(streets, cycle_s=80, green=[{"node": "m", "from_node": "w", "share": 0.7}])
    assert flows(streets, one_given) == pytest.approx([0.7 * ONE, 0.2 * ONE], rel=0.01)


def test_signals_of_the_file_count_only_if_they_are_wanted():
    streets = cross(lit=True)
    assert streets.signal_node == ("m",)
    assert control_of(streets, of_file=False).look(POWER, ()) is None
    assert flows(streets, control_of(streets, of_file=False)).sum() == pytest.approx(ONE, rel=0.01)


def test_dark_signals_are_an_all_way_stop():
    streets = cross(lit=True)
    dark = flows(streets, control_of(streets), NO_POWER)
    assert dark == pytest.approx([1 / 7.8, 1 / 7.8], rel=0.01)
    alone = flows(streets, control_of(streets), NO_POWER, streams=("s",))
    assert alone == pytest.approx([0.0, 1 / 3.9], rel=0.01)


def test_power_that_comes_back_gives_the_signals_back():
    streets = cross(lit=True)
    back = flows(streets, control_of(streets), changes=[(1200.0, NO_POWER), (2400.0, POWER)])
    assert back == pytest.approx(flows(streets, control_of(streets)), rel=0.01)


@pytest.mark.parametrize("where", [{"node": "m"}, {"crossing": ["NORTH ROAD", "East Road"]}])
def test_police_give_a_dark_junction_its_saturation_flow_back(where):
    streets = cross(lit=True)
    both_flow = flows(streets, control_of(streets), NO_POWER, [where])
    assert both_flow == pytest.approx([ONE / 2, ONE / 2], rel=0.01)
    alone = flows(streets, control_of(streets), NO_POWER, [where], streams=("w",))
    assert alone == pytest.approx([ONE, 0.0], rel=0.01)


def test_police_can_let_one_street_go_first():
    streets = cross()
    favoured = flows(
        streets, control_of(streets), police=[{"node": "m", "favours": "east road", "favoured_share": 0.8}]
    )
    assert favoured == pytest.approx([0.8 * ONE, 0.2 * ONE], rel=0.01)


def test_mirrored_and_listed_otherwise_the_junction_passes_the_same():
    mirrored = {name: (-x, y) for name, (x, y) in PLACES.items()}
    found = []
    for keys in ({}, {"turn": True}, {"places": mirrored}):
        streets = cross(lit=True, **keys)
        found.append(flows(streets, control_of(streets), NO_POWER).tolist())
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize(
    ("signals", "message"),
    [
        ({"nodes": ["x"]}, r"streets.signals.nodes\[0\]: the network has no node 'x'"),
        ({"nodes": ["w"]}, r"streets.signals.nodes\[0\]: no streams of cars cross at node w"),
        ({"nodes": ["e"]}, r"streets.signals.nodes\[0\]: no streams of cars cross at node e"),
        ({"green": [{"node": "m", "street": "Moon Road", "share": 0.5}]}, r"green\[0\]: node m: 'Moon Road' does"),
        ({"green": [{"node": "m", "from_node": "n", "share": 0.5}]}, r"green\[0\]: node m: no way in comes"),
        ({"green": [{"node": "m", "from_node": "s", "share": 0.95}]}, r"signals.green\[0\]: green times of 0.95 and"),
        ({"nodes": ["m"], "cycle_s": 5}, r"streets.signals.lost_s: green times of 0 and changes leave nothing"),
    ],
)  # fmt: skip
def test_signals_that_cannot_be_are_refused_with_their_place(signals, message):
    with pytest.raises(ScenarioError, match=message):
        control_of(cross(), **signals)


@pytest.mark.parametrize(
    ("police", "message"),
    [
        ({"node": "x"}, r"closures.police\[0\]: the network has no node 'x'"),
        ({"node": "n"}, r"closures.police\[0\]: no streams of cars cross at node n"),
        ({"crossing": ["East Road", "Moon Road"]}, r"closures.police\[0\]: no street is called 'Moon Road'"),
        ({"node": "m", "favours": "Moon Road"}, r"closures.police\[0\]: no street is called 'Moon Road'"),
    ],
)
def test_police_at_no_junction_are_refused_with_their_place(police, message):
    streets = cross()
    with pytest.raises(ScenarioError, match=message):
        ClosedOnPurpose(Closures(police=[police]), streets, (), control_of(streets))


def test_a_plan_sends_police_once_power_is_lost_and_the_junction_passes_all_again():
    changes = {
        "run.duration_h": 2.5,
        "streets.signals.nodes": ["9"],
        "damage.utility_losses": [{"at_h": 0.5, "utility": "power"}],
        "triggers": [{"name": "dark", "utility_lost": "power", "known_after_h": 1}],
        "closures.police": [{"node": "9", "closes_after": "dark"}],
    }
    model = EvacuationModel("tiny_town", **changes)
    streets = model.streets
    ways = np.flatnonzero(streets.drivable & (streets.link_downstream == streets.node_id.index("9")))
    share = {}
    for hour in (0.4, 1.0, 2.5):
        while model.time_s < hour * 3600.0:
            model.step()
        flow_per_s = model.movement.driving.flow_capacity_per_s
        share[hour] = (flow_per_s / np.where(streets.drivable, streets.flow_capacity_per_s, 1.0))[ways].min()
    assert 0 < share[0.4] < 0.5 and share[1.0] == pytest.approx(1 / 3.9 / streets.flow_capacity_per_s[ways].max())
    assert share[2.5] == 1.0
    assert any("1 junction has traffic signals" in said for said in model.report())


def test_signals_of_an_openstreetmap_extract_come_with_the_streets(tmp_path):
    town = read_map(HELSINKI)
    marked = {node for node, data in town.graph.nodes(data=True) if data.get("highway") == "traffic_signals"}
    network = tmp_path / "network.graphml.gz"
    network.write_bytes(as_graphml(town.graph))
    given = settings(border_exits={"n_exits": 2})
    streets = compile_streets(read_graph(network), given)[0]
    assert len(marked) >= 5 and set(streets.signal_node) == marked
