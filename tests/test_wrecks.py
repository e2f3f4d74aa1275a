"""Cars that people leave stand in a lane until they are cleared."""

import numpy as np
import pytest
from service_towns import ADULT, CHILD, check, tables, town, town_of
from test_hurt_on_foot import hurt

from safepassage.agents.civilians import Injury, Status
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


def on_the_road(persons):
    """Return the model of a household that has just come onto the street with its car, and the link that it is on."""
    model = town(town_of([persons], n_cars=1, node="end"), points=())
    while (link := int(model.movement.driving.view.link_of(np.array([0]))[0])) < 0:
        model.step()
    return model, link


def is_blocked(model, link):
    """Return whether a vehicle stands in a lane of a street with one."""
    whole_per_s = model.streets.flow_capacity_per_s[link]
    return model.movement.driving.flow_capacity_per_s[link] == pytest.approx(0.35 * whole_per_s)


def test_a_car_in_which_all_are_killed_stands_in_a_lane():
    model, link = on_the_road([ADULT, CHILD])
    for person in (0, 1):
        hurt(model, person, Injury.FATAL)
    model.step()
    check(model)
    assert (model.people.status == Status.DEAD).all() and model.n_parties_on_streets == 0
    assert is_blocked(model, link)


def test_a_car_goes_on_as_long_as_somebody_in_it_can_drive():
    model, link = on_the_road([ADULT, ADULT])
    hurt(model, 0)
    assert model.parties.mode[0] == Mode.CAR and not is_blocked(model, link)


def test_who_can_walk_but_not_drive_gets_out_of_a_struck_car_and_walks_on():
    model, link = on_the_road([ADULT, (16, "unimpaired"), (16, "unimpaired")])
    hurt(model, 0, Injury.FATAL)
    check(model)
    assert model.parties.mode[0] == Mode.WALK and model.parties.left_car[0] and is_blocked(model, link)
    model.run()
    assert model.people.status.tolist() == [Status.DEAD, Status.SAFE, Status.SAFE]


def test_who_can_neither_drive_nor_walk_waits_beside_the_car_until_others_help():
    model, link = on_the_road([ADULT])
    hurt(model, 0)
    check(model)
    assert model.people.status[0] == Status.WAITING and is_blocked(model, link)
    assert tables(model)["persons"].reason[0] == "waiting at roadside 1, nobody to drive"
