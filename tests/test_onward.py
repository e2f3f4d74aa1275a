"""Exits lead somewhere: roads that lead on, what they hold up, and who is safe when."""

import numpy as np
import pytest
from drawn_streets import both, graph_of, link, settings
from pydantic import ValidationError

from safepassage.agents.civilians import Status
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.movement.driving import Driving
from safepassage.model.movement.routing import Routes
from safepassage.model.streets.build import compile_streets

NORTH = {"name": "North road", "latitude_deg": 45.011242, "longitude_deg": -33.002289}
SOUTH = {"name": "South road", "latitude_deg": 44.989658, "longitude_deg": -32.987918}
LEG = {"to": "Far Town", "length_km": 30.0, "speed_km_h": 60.0}


def road_out(**exit_keys):
    graph = graph_of(both("a", "b", maxspeed="50") + both("b", "c", maxspeed="50"))
    return compile_streets(graph, settings(exits=[{"node": "c", "name": "way out", **exit_keys}]))[0]


def drive_out(streets, n, until_s):
    routes = Routes(streets.n_nodes, streets.link_upstream, streets.link_downstream)
    routes.set_class(0, streets.length_m / streets.free_flow_speed_m_s, streets.drivable, streets.exit_end_node)
    driving = Driving.on_streets(streets)
    driving.set_next_link(routes.next_link)
    driving.add(np.arange(n), streets.node_id.index("b"), np.arange(n, dtype=float))
    return driving.advance(until_s).time_s


def test_an_onward_road_takes_its_time_beyond_the_exit():
    near, far = drive_out(road_out(), 1, 1e5), drive_out(road_out(onward=[LEG]), 1, 1e5)
    assert far[0] - near[0] == pytest.approx(1800.0, abs=1.0)


def test_an_exit_with_an_onward_road_delivers_what_it_states():
    arrived_s = drive_out(road_out(onward=[LEG], flow_capacity_per_s=0.2), 3000, 9000.0)
    assert ((arrived_s > 3000) & (arrived_s < 8000)).sum() / 5000 == pytest.approx(0.2, rel=0.01)


def test_a_checkpoint_on_the_way_is_a_queue_that_is_served_at_its_rate():
    legs = [LEG | {"to": "Bridge", "checkpoint_per_h": 232.0}, LEG]
    arrived_s = drive_out(road_out(onward=legs), 900, 40_000.0)
    assert np.diff(arrived_s)[20:].mean() == pytest.approx(3600 / 232, rel=0.01)


def test_the_links_of_onward_roads_come_after_those_of_the_town_and_lead_away():
    streets = road_out(onward=[LEG])
    assert streets.n_town_links == 4 and streets.n_links > 15 and streets.n_town_nodes == 3
    assert streets.length_m[4:].sum() == pytest.approx(30_000) and streets.length_m[4:].max() <= 2000.0
    away_m = streets.node_x_m[streets.exit_end_node[0]] - streets.node_x_m[streets.exit_node[0]]
    assert away_m == pytest.approx(30_000, rel=1e-6)
    assert (streets.flow_capacity_per_s[link(streets, "b", "c")] > 0) and streets.drivable[4:].all()
    assert streets.nearest_node(*(streets.node_x_m[-1:], streets.node_y_m[-1:]))[0][0] < 3, "nobody lives there"


def test_an_onward_road_of_no_length_is_refused_with_its_place():
    with pytest.raises(ValidationError, match=r"exits\.0\.onward\.0\.length_km"):
        settings(exits=[{"node": "c", "onward": [LEG | {"length_km": 0}]}])


@pytest.fixture(scope="module")
def led_on():
    changes = {"streets.exits": [NORTH, SOUTH], "streets.onward": [LEG], "run.duration_h": 4}
    return EvacuationModel("tiny_town", **changes).run(), EvacuationModel("tiny_town", **{"run.duration_h": 4}).run()


def test_people_leave_the_town_before_they_are_safe(led_on):
    far, near = led_on
    some, others = (model.recorder.tables()["timeseries"].to_pandas() for model in (far, near))
    assert (some.n_left_town >= some.n_safe).all() and (some.n_left_town > some.n_safe).any()
    assert (others.n_left_town == others.n_safe).all()
    both_safe = np.isfinite(far.parties.arrival_time_s) & np.isfinite(near.parties.arrival_time_s)
    late_s = far.parties.arrival_time_s[both_safe] - near.parties.arrival_time_s[both_safe]
    assert both_safe.sum() > 100 and late_s.min() > 1700.0


def test_walkers_are_driven_on_from_the_edge_and_count_as_walkers(led_on):
    far, near = led_on
    assert sum(route.n_walkers for route in near.routes) > 100
    assert sum(route.n_walkers for route in far.routes) > 0.8 * sum(route.n_walkers for route in near.routes)
    assert abs((far.people.status == Status.SAFE).sum() - (near.people.status == Status.SAFE).sum()) < 100


def test_the_tables_tell_town_and_onward_roads_apart(led_on):
    tables = led_on[0].recorder.tables()
    links, onward = (tables[name].to_pandas() for name in ("links", "onward_roads"))
    assert len(links) == led_on[0].streets.n_town_links and set(onward.highway) == {"onward"}
    assert onward.n_vehicles.max() > 50
