"""Parties on foot with an injured member: carried at a walk, waiting by the road for help or a ride."""

import numpy as np
import pytest
from service_towns import ADULT, CHILD, check, fleet, tables, town, town_of

from safepassage.agents.civilians import Injury, Status
from safepassage.model.evacuation import EvacuationModel

ON_FOOT = {"movement.walk_out_limit_m": 10_000, "harm.p_death_without_care": 0.0001, "harm.p_death_with_care": 0.0001}
NO_BUS = {"points": ()}


def on_the_way(persons, fleets=(), **changes):
    """Return the model of a household that has walked for a while on its way of 2 km, and its speed."""
    where = {} if fleets else NO_BUS
    model = town(town_of([persons], node="end"), list(fleets), **where, **ON_FOOT | changes)
    while model.movement.link_of(np.array([0]))[0] < 0:
        model.step()
    for _ in range(5):
        model.step()
    return model, float(model.parties.free_speed_m_s[0])


def hurt(model, person, injury=Injury.SERIOUS):
    """Injure one person, as an impact now would."""
    model.people.injury[person], model.people.injury_time_s[person] = injury, model.time_s
    model.under_fire.note_when_they_die(np.array([person], np.int32))
    model.services.attend(np.array([person]), model.time_s)


def to_go_m(model):
    """Return how far the household still has to walk (m)."""
    link, along_m = model.movement.walking.view.position(np.array([0]))
    is_first = model.streets.link_upstream[link[0]] == model.households.home_node[0]
    return float(model.streets.length_m[link[0]] - along_m[0]) + (1000.0 if is_first else 0.0)


@pytest.mark.parametrize(("injury", "factor"), [(Injury.LIGHT, 0.7), (Injury.SERIOUS, 0.4)])
def test_who_carries_somebody_or_is_hurt_lightly_arrives_as_much_later_as_they_walk_slower(injury, factor):
    model, _ = on_the_way([ADULT] * 3)
    slowest = int(np.argmin(model.people.free_speed_m_s))
    speed_m_s = {
        Injury.LIGHT: factor * float(model.people.free_speed_m_s[slowest]),
        Injury.SERIOUS: factor * float(np.delete(model.people.free_speed_m_s, slowest).min()),
    }[injury]
    due_s = model.time_s + to_go_m(model) / speed_m_s
    hurt(model, slowest, injury)
    model.run()
    assert model.parties.arrival_time_s[0] == pytest.approx(due_s, abs=1.0)


def test_who_cannot_carry_their_own_wait_by_the_road_until_others_help():
    model, speed_m_s = on_the_way([ADULT, CHILD])
    hurt(model, 0)
    check(model)
    assert model.people.status.tolist() == [Status.WAITING] * 2 and model.n_parties_on_streets == 0
    assert tables(model)["persons"].reason.tolist() == ["waiting at roadside 1, somebody hurt"] * 2
    since_s = model.time_s
    model.run()
    arrived_s = model.parties.arrival_time_s[0]
    assert since_s + 1800.0 < arrived_s - 1000.0 / (0.4 * speed_m_s) and np.isfinite(arrived_s)


def test_a_bus_takes_up_those_who_wait_by_the_road():
    model, _ = on_the_way([ADULT, CHILD], [fleet(hours=[])], **{"harm.help_after_s": 1e9})
    hurt(model, 0)
    model.run()
    assert tables(model)["persons"].reason.tolist() == ["out of the area by bus"] * 2


def test_when_the_injured_die_by_the_road_the_others_go_on():
    model, _ = on_the_way([ADULT, ADULT], **{"harm.help_after_s": 1e9})
    hurt(model, 0)
    for _ in range(10):
        model.step()
    assert (model.parties.stop[0]) >= 0
    model.people.death_time_s[0] = model.time_s
    model.look_again()
    model.run()
    assert model.people.status.tolist() == [Status.DEAD, Status.SAFE]


def test_a_household_with_somebody_to_carry_and_nobody_to_do_it_does_not_set_out_for_a_stop():
    model = town(town_of([[ADULT]] * 3), [fleet()], **ON_FOOT)
    hurt(model, 0)
    model.run()
    assert (model.people.status == Status.SAFE).tolist() == [False, True, True]


def test_a_run_goes_on_from_a_saved_state_with_people_who_wait_by_the_road(tmp_path):
    model, _ = on_the_way([ADULT, CHILD])
    hurt(model, 0)
    model.save_state(tmp_path / "state.npz")
    again = EvacuationModel.from_state(tmp_path / "state.npz")
    for one in (model, again):
        one.run()
    assert again.parties.arrival_time_s[0] == model.parties.arrival_time_s[0] < np.inf
