"""Streets, exits and shelters closed on purpose."""

import numpy as np
import pytest
from drawn_streets import no_control

from safepassage.agents.parties import Mode
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.settings.authorities import Closures
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.scenario import load
from safepassage.model.town.closures import ClosedOnPurpose


def tiny(**closures):
    return EvacuationModel("tiny_town", **{"closures": closures, "run.duration_h": 2, "shelling.sources": []})


def test_an_exit_closed_on_purpose_lets_nobody_out_and_opens_when_said():
    closed = tiny(exits=[{"name": "North road"}]).run()
    assert closed.routes[0].n_persons == 0 and closed.routes[1].n_persons > 0
    reopened = tiny(exits=[{"name": "North road", "until_h": 1}]).run()
    assert reopened.routes[0].n_persons > 0


def test_a_street_is_closed_in_both_directions_between_the_moments_given():
    streets = EvacuationModel("tiny_town").streets
    link = int(np.flatnonzero(streets.drivable)[0])
    ends = [streets.node_id[streets.link_upstream[link]], streets.node_id[streets.link_downstream[link]]]
    settings = Closures(streets=[{"between": ends, "from_h": 1, "until_h": 2, "walkers_pass": True}])
    closed = ClosedOnPurpose(settings, streets, (), no_control(streets))
    n_closed = []
    for time_s in (0.0, 3599.0, 3600.0, 7199.0, 7200.0):
        closed.advance(time_s)
        n_closed.append(int(closed.cars.sum()))
    n = streets.names.links_between(ends).size
    assert n >= 1 and n_closed == [0, 0, n, n, 0]
    assert not closed.walkers.any()


def test_cars_do_not_enter_a_street_closed_on_purpose():
    model = tiny()
    link = int(np.argmax(model.run().movement.driving.view.n_left))
    streets = model.streets
    ends = [streets.node_id[streets.link_upstream[link]], streets.node_id[streets.link_downstream[link]]]
    shut = tiny(streets=[{"between": ends}])
    assert not shut.movement.car_open[link]
    assert shut.run().movement.driving.view.n_left[link] == 0


def test_what_does_not_exist_is_refused_by_name():
    for kind, entry in (("exits", {"name": "West road"}), ("shelters", {"name": "School"}), ("streets", {"name": "x"})):
        with pytest.raises(ScenarioError, match=rf"closures\.{kind}\[0\]"):
            tiny(**{kind: [entry]})


def test_a_plan_may_close_things(tmp_path):
    plan = tmp_path / "shut.yaml"
    plan.write_text("closures:\n  exits: [{name: North road, from_h: 0.5}]\n")
    scenario = load("tiny_town", plan=plan)
    assert scenario.closures.exits[0].from_h == 0.5


def test_nothing_closed_changes_nothing():
    model = EvacuationModel("tiny_town")
    assert model.movement.ways.of[Mode.CAR].exit_open.all() and not model.surroundings.closed.cars.any()


def test_a_route_says_whether_its_exit_is_open_now():
    model = EvacuationModel("tiny_town", **{"closures.exits": [{"name": "North road", "from_h": 0.2, "until_h": 0.5}]})
    north, south = model.routes
    seen = []
    while model.time_s < 2400.0:
        model.step()
        seen.append((model.time_s, north.is_open))
        assert north.is_open == north.is_open_to_cars == north.is_open_to_walkers and south.is_open
    assert all(is_open == (not 720.0 <= time_s < 1800.0) for time_s, is_open in seen)
