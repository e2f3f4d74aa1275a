"""Households that come back from safety drive in by the streets, outside the curfew, and are home when they arrive."""

import numpy as np
import pytest

from safepassage.agents.civilians import Status
from safepassage.agents.parties import Mode
from safepassage.model.evacuation import EvacuationModel

KEYS = {
    "orders": [{"issued_h": 0.0, "compliance": 1.0}],
    "shelling.sources": [],
    "run.duration_h": 7.0,
    "behaviour.decide_every_s": 1800.0,
    "behaviour.preparation_median_s": 600.0,
    "behaviour.quiet_after_d": 0.125,
    "behaviour.return_per_day": 4.0,
    "curfew.windows": [{"first_day": "2024-08-01", "from_time": "09:30", "until_time": "11:00"}],
    "curfew.compliance": 1.0,
    "shelling.time_zone": "UTC",
}
CURFEW_S = 3.5 * 3600, 5 * 3600


@pytest.fixture(scope="module")
def watched():
    """A town whose people come back, and of each step which households drove home, and whether on a link."""
    model, steps = EvacuationModel("tiny_town", **KEYS), []
    while model.running:
        model.step()
        bound = np.flatnonzero(model.parties.is_bound_home)
        model.population.check(model.n_parties_on_streets)
        steps.append((model.time_s, bound, model.movement.link_of(bound), model.people.status.copy()))
    return model, steps


def test_those_who_return_are_on_the_streets_before_they_are_home(watched):
    model, steps = watched
    back = np.flatnonzero(model.departures.way_home.just_home(0.0))
    seen = np.unique(np.concatenate([bound for _, bound, _, _ in steps]))
    assert back.size > 60 and np.isin(seen, back).mean() > 0.9
    assert sum((link >= 0).sum() for _, _, link, _ in steps) > 50
    first = model.households.first_person[:-1]
    for _, bound, _, status in steps:
        assert np.isin(status[first[bound]], (Status.TRAVELLING, Status.DEAD)).all()


def test_nobody_who_keeps_the_curfew_drives_home_during_it(watched):
    _, steps = watched
    in_it = [bound.size for time_s, bound, _, _ in steps if CURFEW_S[0] + 900 < time_s < CURFEW_S[1]]
    after = [bound.size for time_s, bound, _, _ in steps if CURFEW_S[1] <= time_s]
    assert sum(in_it) == 0 and sum(after) > 50


def test_who_has_come_home_may_leave_again(watched):
    model, _ = watched
    back = model.departures.way_home.just_home(0.0)
    assert np.isinf(model.households.decision_time_s[back]).any()
    assert (model.parties.mode[back & np.isinf(model.households.departure_time_s)] == Mode.NONE).all()


def test_who_finds_no_way_home_stays_in_safety(watched):
    model, _ = watched
    away = np.flatnonzero(np.isfinite(model.parties.arrival_time_s))[:5]
    model.movement.ways.of[Mode.CAR].exit_open[:] = False
    model.departures.way_home.plan(away, model.time_s + 3600.0)
    model.departures.way_home.set_out(model.time_s + 3600.0, model.time_s + 7200.0)
    assert np.isfinite(model.parties.arrival_time_s[away]).all() and not model.parties.is_bound_home[away].any()
