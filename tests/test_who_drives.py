"""Only who can drive drives, and nobody walks farther than they can in a day."""

import numpy as np
import pytest

from safepassage.agents.civilians import Injury, Mobility
from safepassage.agents.parties import Mode
from safepassage.agents.rules.walking_speeds import free_speed_m_s
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


def test_a_household_with_somebody_old_or_a_small_child_walks_less_far_than_others():
    model = EvacuationModel("tiny_town")
    households = np.arange(len(model.households))
    slow = model.population.walks_slowly(households)
    first = model.households.first_person[:-1]
    for of_age in (model.people.age >= 65, model.people.age < 7):
        assert slow[np.logical_or.reduceat(of_age, first)].all()
    assert not slow.all()
    assert model.settings.movement.walk_out_limit_slow_m < model.settings.movement.walk_out_limit_m


def test_small_children_are_slow_and_those_under_three_are_carried():
    age = np.array([2, 2, 5, 5, 12, 12])
    none, half = np.zeros(6, np.int64), np.array([0.0, 1.0] * 3)
    speed_m_s = free_speed_m_s(age, none, none, half)
    assert speed_m_s == pytest.approx([0.85 * 1.34] * 2 + [0.69, 1.33] + [1.11, 1.85])
    assert free_speed_m_s(age, none, np.full(6, int(Mobility.SLOW)), half)[2:4] == pytest.approx([0.64, 1.06])
