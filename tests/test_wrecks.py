"""Cars that people leave stand in a lane until they are cleared."""

import numpy as np
import pytest

from safepassage.agents.parties import Mode
from safepassage.model.evacuation import EvacuationModel


def test_a_car_that_is_left_takes_a_lane_until_it_is_cleared():
    model = EvacuationModel("tiny_town")
    movement, streets = model.movement, model.streets
    movement.advance(10.0)
    party = np.array([0])
    movement.set_out(Mode.CAR, party, model.households.home_node[party], 10.0, np.ones(1), np.ones(1))
    movement.advance(13.0)
    link = int(movement.driving.view.link_of(party)[0])
    before_per_s = movement.driving.flow_capacity_per_s[link]
    movement.leave_cars(party, np.ones(1, np.int64), np.ones(1))
    left = max(1.0 - 1.0 / streets.n_lanes[link], 0.35)
    assert movement.driving.flow_capacity_per_s[link] == pytest.approx(left * before_per_s)
    movement.advance(13.0 + model.settings.movement.wreck_stands_s)
    movement.talk()
    assert movement.driving.flow_capacity_per_s[link] == pytest.approx(before_per_s)


def test_damage_and_a_car_left_standing_narrow_a_street_together():
    model = EvacuationModel("tiny_town")
    movement = model.movement
    link = int(np.flatnonzero(model.streets.drivable & (model.streets.n_lanes == 1))[0])
    whole_per_s = movement.driving.flow_capacity_per_s[link]
    movement._leave_standing(np.array([link]))
    factor = np.ones(model.streets.n_links)
    factor[link] = 0.5
    movement.set_capacity(factor, np.ones(model.streets.n_links))
    assert movement.driving.flow_capacity_per_s[link] == pytest.approx(0.5 * 0.35 * whole_per_s)
