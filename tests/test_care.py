"""Care begins on reaching safety, at a stop with medics or in an ambulance, and the sooner the fewer die."""

import numpy as np
import pytest
from service_towns import ADULT, fleet, town, town_of

from safepassage.agents.civilians import Injury, Status
from safepassage.agents.rules import harm as kernels

LONG = {"run.duration_h": 40, "run.step_s": 600.0}


def hurt_now(model, every=1):
    """Injure everybody, or every second, third or later person, seriously now; return whom: bool[n]."""
    people = model.people
    rows = np.arange(0, len(people), every, dtype=np.int32)
    people.injury[rows], people.injury_time_s[rows] = Injury.SERIOUS, model.time_s
    model.under_fire.note_when_they_die(rows)
    return np.arange(len(people)) % every == 0


def p_death(model, delay_s):
    h = model.settings.harm
    vain_s = h.care_in_vain_after_h * 3600.0
    return np.mean(
        [kernels.p_death_with_care_after(d, h.p_death_with_care, h.p_death_without_care, vain_s) for d in delay_s]
    )


def test_the_seriously_injured_who_soon_reach_safety_die_as_rarely_as_care_at_that_time_lets_them():
    model = town(town_of([[ADULT, ADULT]] * 500, n_cars=500), **LONG)
    hurt = hurt_now(model, every=2)  # one of two: the other can drive
    model.run()
    arrived_s = model.parties.arrival_time_s[model.people.household]
    soon = hurt & (arrived_s < 1800.0)
    n, dead = soon.sum(), (model.people.status[soon] == Status.DEAD).mean()
    p = p_death(model, arrived_s[soon])
    # without care in safety it was 0.17, with or without ambulances
    assert n > 250 and p < 0.06 and dead == pytest.approx(p, abs=4 * np.sqrt(p / n))
    saved = soon & (model.people.status == Status.SAFE)
    assert (model.people.care_time_s[saved] == arrived_s[saved]).all()


def test_care_begins_at_a_stop_with_medics_and_nowhere_else():
    path = town_of([[ADULT]] * 600)
    died = []
    for has_medics in (False, True):
        stop = {"name": "Stop", "node": "end", "has_medics": has_medics}
        keys = LONG | {"services.pickup_points": [stop], "services.patience_s": 200_000.0}
        model = town(path, [fleet(hours=[{"from_time": "23:00", "until_time": "23:30"}])], **keys)
        while (model.parties.stop >= 0).sum() < 500 and model.running:
            model.step()
        hurt_now(model)
        model.run()
        died.append((model.people.status == Status.DEAD).mean())
    assert died[0] > 0.12 and died[1] < 0.08


def test_care_that_comes_later_never_replaces_care_that_has_begun():
    model = town(town_of([[ADULT]] * 50, n_cars=50), **LONG)
    hurt_now(model)
    everybody = np.arange(50)
    model.under_fire.give_care(everybody, 600.0)
    soon = model.people.death_time_s.copy()
    model.under_fire.give_care(everybody, 9000.0)
    assert np.array_equal(model.people.death_time_s, soon) and (model.people.care_time_s == 600.0).all()


def test_where_few_teams_receive_the_injured_care_begins_in_order_of_arrival_and_more_die():
    path, died = town_of([[ADULT, ADULT]] * 200, n_cars=200), []
    for n_teams in (None, 3):
        model = town(path, **LONG, **{"services.receiving.n_teams": n_teams})
        hurt_now(model, every=2)
        model.run()
        died.append(int((model.people.status == Status.DEAD).sum()))
        begun_s = np.sort(model.people.care_time_s[np.isfinite(model.people.care_time_s)])
        if n_teams:
            assert (begun_s[n_teams:] - begun_s[:-n_teams] >= 3600.0 - 1e-6).all()
    assert died[1] > died[0] + 10
