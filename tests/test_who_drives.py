"""Only who can drive drives, and nobody walks farther than they can in a day."""

import numpy as np
import pytest

from safepassage.agents.civilians import Injury, Mobility, Status
from safepassage.agents.parties import ASSISTED, HURT, Mode
from safepassage.agents.rules.walking_speeds import free_speed_m_s
from safepassage.model.evacuation import EvacuationModel


def set_out_by_car(change):
    model = EvacuationModel("tiny_town", **{"run.duration_h": 3})
    change(model.people)
    model.look_again()
    model.run()
    return int(((model.parties.mode == Mode.CAR) & np.isfinite(model.parties.arrival_time_s)).sum())


def counts_of(people, members):
    """Return (living, assisted, with a driver, slow, hurt) of one household, member by member."""
    living = [i for i in members if people.status[i] != Status.DEAD]
    assisted = [i for i in living if people.mobility[i] == Mobility.NEEDS_ASSISTANCE]
    drivers = [i for i in living if i not in assisted and people.age[i] >= 18 and people.injury[i] < Injury.SERIOUS]
    slow = [i for i in living if people.age[i] >= 65 or people.age[i] < 7 or people.mobility[i] != 0]
    hurt = [i for i in members if people.injury[i] != Injury.NONE and people.status[i] != Status.SAFE]
    return len(living), len(assisted), len(drivers) > 0, len(slow) > 0, len(hurt) > 0


def test_what_households_can_do_is_what_their_members_can_do_one_by_one():
    model, chance = EvacuationModel("tiny_town"), np.random.default_rng(3)
    people, population, first = model.people, model.population, model.households.first_person
    for column, codes in ((people.injury, Injury), (people.status, Status), (people.mobility, Mobility)):
        column[:] = chance.integers(0, len(codes), column.size)
    rows = chance.permutation(len(model.households))[:400]
    found = zip(
        population.n_living(rows), population.count_members(rows)[ASSISTED], population.has_driver(rows),
        population.walks_slowly(rows), population.count_members(rows)[HURT] > 0, strict=True,
    )  # fmt: skip
    sizes = [tuple(counts_of(people, range(first[row], first[row + 1]))[:2]) for row in rows]
    assert [model.services.riders.size(row) for row in rows.tolist()] == sizes
    assert list(found) == [counts_of(people, range(first[row], first[row + 1])) for row in rows]


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
