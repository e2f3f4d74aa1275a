"""What a plan moves is what the roads can carry: exits, merges, cut-off parts, and no trace of a file's order."""

from pathlib import Path

import numpy as np
import pytest
from drawn_streets import both, compile_at, graph_of, link, saved, settings

from safepassage.agents.civilians import Status
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.movement.driving import Driving
from safepassage.model.movement.routing import Routes
from safepassage.model.movement.ways import LEAST_CHANGE
from safepassage.model.results.exit_queues import delivered
from safepassage.model.settings.scenario import load
from safepassage.model.streets.build import compile_streets
from safepassage.model.streets.classes import lane_flow_per_s, street_class
from safepassage.model.streets.reading.graphml import read_graph

TINY_TOWN = Path(__file__).parents[1] / "scenarios/networks/tiny_town.graphml"


@pytest.mark.parametrize("per_h", [600, 1200, 1700])
def test_an_exit_delivers_what_it_states(per_h):
    graph = graph_of(both("a", "b", maxspeed="50", lanes="4") + both("b", "c", maxspeed="50", lanes="4"))
    exits = [{"node": "c", "flow_capacity_per_s": per_h / 3600}]
    streets, _ = compile_streets(graph, settings(exits=exits, junction_factor={"residential": 1.0}))
    routes = Routes(streets.n_nodes, streets.link_upstream, streets.link_downstream)
    routes.set_class(0, streets.length_m, streets.drivable, streets.exit_node)
    driving = Driving.on_streets(streets)
    driving.set_next_link(routes.next_link)
    driving.add(np.arange(3000), streets.node_id.index("a"), np.linspace(0, 1000, 3000))
    arrived_s = driving.advance(2400.0).time_s
    assert ((arrived_s >= 600) & (arrived_s < 2400)).sum() / 1800 * 3600 == pytest.approx(per_h, rel=0.01)


@pytest.mark.parametrize("highway", ["primary", "residential"])
def test_two_crossing_streams_share_the_time_of_one(highway):
    nodes = {"w": (-500, 0), "e": (500, 0), "s": (0, -500), "n": (0, 500), "m": (0, 0)}
    edges = [("w", "m"), ("m", "e"), ("s", "m"), ("m", "n")]
    graph = graph_of([(u, v, {"highway": highway, "oneway": "True", "maxspeed": "50"}) for u, v in edges], nodes)
    streets, _ = compile_streets(graph, settings(exits=[{"node": "e"}, {"node": "n"}], exit_flow_per_lane_per_s=1.0))
    of = {edge: link(streets, *edge) for edge in edges}
    driving = Driving.on_streets(streets)
    west_east, south_north = [of["w", "m"], of["m", "e"]], [of["s", "m"], of["m", "n"]]
    for k, (start, path) in enumerate((("w", west_east), ("s", south_north))):
        ids = np.arange(1500) + 1500 * k
        driving.add(ids, streets.node_id.index(start), np.linspace(0, 1700, 1500), paths=[path] * 1500)
    driving.advance(600.0)
    before = driving.view.n_left
    driving.advance(1800.0)
    flow_per_s = (driving.view.n_left - before)[[of["w", "m"], of["s", "m"]]] / 1200.0
    one = lane_flow_per_s(50 / 3.6)
    assert flow_per_s.sum() == pytest.approx(one * min(1.0, 2 * street_class(highway).junction_factor), rel=0.01)
    assert flow_per_s[0] == pytest.approx(flow_per_s[1], rel=0.02)


def test_a_lone_stream_has_all_the_time_of_its_junction():
    nodes = {"w": (-500, 0), "e": (500, 0), "s": (0, -500), "n": (0, 500), "m": (0, 0)}
    edges = both("w", "m", maxspeed="50") + both("m", "e", maxspeed="50") + both("s", "m") + both("m", "n")
    streets, _ = compile_at(graph_of(edges, nodes), exit_node="e", exit_flow_per_lane_per_s=1.0)
    driving = Driving.on_streets(streets)
    path = [link(streets, "w", "m"), link(streets, "m", "e")]
    driving.add(np.arange(1500), streets.node_id.index("w"), np.linspace(0, 1700, 1500), paths=[path] * 1500)
    driving.advance(600.0)
    before = driving.view.n_left
    driving.advance(1800.0)
    assert (driving.view.n_left - before)[path[0]] / 1200.0 == pytest.approx(lane_flow_per_s(50 / 3.6), rel=0.01)


def test_who_crosses_whom_at_a_side_road_and_at_a_merge():
    nodes = {"w": (-500, 0), "e": (500, 0), "s": (0, -500), "m": (0, 0)}
    side_road, _ = compile_at(graph_of(both("w", "m") + both("m", "e") + both("s", "m"), nodes), exit_node="e")
    crossed = {up: crossed_by(side_road, link(side_road, up, "m")) for up in "wes"}
    assert crossed == {"w": {"s"}, "e": {"s"}, "s": {"w", "e"}} or crossed == {"w": {"s"}, "e": set(), "s": {"w"}}
    one_way = [("w", "m", {"oneway": "True"}), ("s", "m", {"oneway": "True"}), ("m", "e", {"oneway": "True"})]
    merge, _ = compile_at(graph_of(one_way, nodes), exit_node="e")
    assert crossed_by(merge, link(merge, "w", "m")) == crossed_by(merge, link(merge, "s", "m")) == set()


def crossed_by(streets, link):
    found = streets.junctions.link[streets.junctions.first[link] : streets.junctions.first[link + 1]]
    return {streets.node_id[up] for up in streets.link_upstream[found]}


def test_homes_that_join_a_full_street_take_half_of_it():
    driving = Driving(
        upstream=[0, 1], downstream=[1, 2], length_m=[300.0, 300.0], free_flow_speed_m_s=14.0,
        flow_capacity_per_s=[0.2, 0.2], record=True,
    )  # fmt: skip
    driving.add(np.arange(1000), 0, np.arange(1000.0), paths=[[0, 1]] * 1000)
    driving.add(np.arange(1000, 2000), 1, np.arange(1000.0), paths=[[1]] * 1000)
    driving.advance(3000)
    crossed = driving.crossings()
    late = (crossed.link == 1) & (crossed.exit_s > 1000)
    assert (crossed.id[late] >= 1000).mean() == pytest.approx(0.5, abs=0.02)


@pytest.fixture(scope="module")
def town_without_bridge(tmp_path_factory):
    graph = read_graph(TINY_TOWN)
    bridges = [(u, v, k) for u, v, k, d in graph.edges(keys=True, data=True) if d.get("bridge") == "yes"]
    graph.remove_edges_from(bridges)
    path = saved(tmp_path_factory.mktemp("town"), graph)
    north = {"name": "North road", "latitude_deg": 45.011242, "longitude_deg": -33.002289}
    changes = {"streets.network": path, "streets.exits": [north], "run.duration_h": 3}
    return EvacuationModel("tiny_town", **changes).run()


def test_a_part_of_town_cut_off_by_water_keeps_its_people_and_strands_them(town_without_bridge):
    model = town_without_bridge
    people, households = model.people, model.households
    south = model.zones.name.index("3")
    lives_south = households.zone[people.household] == south
    cut_off = model.streets.node_part[households.home_node] != model.streets.node_part[model.streets.exit_node[0]]
    assert lives_south.sum() > 300 and cut_off[people.household][lives_south].all()
    assert not (people.status[lives_south] == Status.SAFE).any()
    assert (people.status[lives_south] == Status.STRANDED).sum() > 200
    assert any("has no way out" in line for line in model.report())


def test_halving_or_doubling_the_age_of_news_hardly_moves_a_town():
    delay_h, last_h = [], []
    exits = [
        {"name": "North road", "latitude_deg": 45.011242, "longitude_deg": -33.002289, "flow_capacity_per_s": 0.006},
        {"name": "South road", "latitude_deg": 44.989658, "longitude_deg": -32.987918, "flow_capacity_per_s": 0.006},
    ]
    for age_s in (300.0, 600.0, 1200.0):
        changes = {"movement.congestion_news_delay_s": age_s, "streets.exits": exits, "run.duration_h": 3.5}
        model = EvacuationModel("tiny_town", **changes).run()
        arrived_s = np.sort(model.parties.arrival_time_s[np.isfinite(model.parties.arrival_time_s)])
        delay_h.append(model.movement.driving.view.delay_s.sum() / 3600)
        last_h.append(arrived_s[int(0.9 * arrived_s.size)] / 3600)
    assert delay_h[1] > 20, "there are long queues"
    assert delay_h == pytest.approx([delay_h[1]] * 3, rel=0.1)
    assert last_h == pytest.approx([last_h[1]] * 3, rel=0.1)


def test_people_keep_away_from_the_front_if_they_mind_danger():
    chosen = {}
    exits = [exit_.model_copy(update={"onward": ()}) for exit_ in load("pokrovsk").streets.exits]
    short = {"run.duration_h": 1, "streets.exits": exits}
    for aversion in (0.0, 100.0):
        model = EvacuationModel("pokrovsk", **{"movement.risk_aversion": aversion}, **short)
        chosen[aversion] = exits_of_nodes(model)
    nearer = {}
    for aversion, (exit_row, model) in chosen.items():
        away_km = model.surroundings.front.distance_km(model.streets.node_x_m, model.streets.node_y_m, 0.0)
        nearer[aversion] = (away_km[model.streets.exit_node[exit_row]] < away_km).mean()
    assert nearer[100.0] < 0.8 * nearer[0.0]
    flat = EvacuationModel("pokrovsk", **{"movement.danger_fades_km": 1e6}, **short)
    assert np.array_equal(exits_of_nodes(flat)[0], chosen[0.0][0])


def test_danger_is_perceived_anew_as_soon_as_it_has_changed_by_enough():
    ways, chance = EvacuationModel("tiny_town", **{"run.duration_h": 1}).movement.ways, np.random.default_rng(1)
    away_km, perceived, n_changes = chance.uniform(0.0, 12.0, ways.danger.size), ways.danger, 0
    for step_km in chance.normal(0.0, 0.05, 400):
        away_km = np.maximum(away_km + step_km, 0.0)
        danger = 3.0 * np.exp(-away_km / 5.0)
        if np.abs(danger - perceived).max() > LEAST_CHANGE * (1.0 + perceived.max()):
            perceived, n_changes = danger, n_changes + 1
        ways.see_front(away_km, 3.0, 5.0)
        np.testing.assert_array_equal(ways.danger, perceived)
    assert 20 < n_changes < 200


def exits_of_nodes(model):
    """Return the exit that drivers who set out at each node make for, and the model."""
    movement = model.movement
    row = np.full(model.streets.n_nodes, -1)
    for node in range(model.streets.n_nodes):
        movement.ways.freshen(0)
        path = movement.ways.car_routes.path(0, node)
        end = model.streets.link_downstream[path[-1]] if path else node
        row[node] = model.exit_of_node[int(end)]
    return row, model


def test_what_an_exit_delivered_and_how_much_of_it_was_used_is_told():
    """A car each 2 s for two hours by an exit of 0.5/s, one each 8 s for half an hour by another; none by the third."""
    time_s = np.concatenate([np.arange(0.0, 7200.0, 2.0), np.arange(0.0, 1800.0, 8.0)])
    row = np.repeat([0, 1], [3600, 225])
    best_per_s, used_share = delivered(row, time_s, np.array([0.5, 0.5, 0.5]))
    assert best_per_s == pytest.approx([0.5, 225 / 3600, 0.0])
    assert used_share[:2] == pytest.approx([1.0, 0.25]) and np.isnan(used_share[2])
