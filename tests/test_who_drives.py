"""Only who can drive drives, and nobody walks farther than they can in a day."""

import numpy as np

from safepassage.agents.civilians import Injury, Mobility
from safepassage.agents.parties import Mode
from safepassage.model.evacuation import EvacuationModel


def set_out_by_car(change):
    model = EvacuationModel("tiny_town", **{"run.duration_h": 3})
    change(model.people)
    model.look_again()
    model.run()
    return int(((model.parties.mode == Mode.CAR) & np.isfinite(model.parties.arrival_time_s)).sum())


def injure(people):
    people.injury[:] = Injury.SERIOUS


def need_help(people):
    people.mobility[:] = Mobility.NEEDS_ASSISTANCE


def test_a_household_without_anybody_fit_to_drive_does_not_drive():
    assert set_out_by_car(lambda people: None) > 100
    assert set_out_by_car(need_help) == 0
    assert set_out_by_car(injure) == 0


def test_a_household_with_somebody_old_walks_less_far_than_others():
    model = EvacuationModel("tiny_town")
    households = np.arange(len(model.households))
    slow = model.population.walks_slowly(households)
    first = model.households.first_person[:-1]
    old = np.logical_or.reduceat(model.people.age >= 65, first)
    assert slow[old].all() and not slow.all()
    assert model.settings.movement.walk_out_limit_slow_m < model.settings.movement.walk_out_limit_m
