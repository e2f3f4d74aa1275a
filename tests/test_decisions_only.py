"""Decisions without streets and seats: those of the full model, whatever the pace; what helps never hinders."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from service_towns import ADULT, fleet, town, town_of

from safepassage.model.decisions_only import DecisionsOnly
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.settings.scenario import load

NO_HARM = {"shelling.sources": [], "behaviour.coefficients.baseline_per_day": 0.2}
ORDERS = [{"issued_h": 3.3, "compliance": 0.2}, {"issued_h": 17.7, "force": "compulsory", "compliance": 0.2}]
CURFEW = {"first_day": "2024-08-01", "from_time": "15:00", "until_time": "11:00"}
TWO_DAYS = {"run.duration_h": 48.0, "run.step_s": 900.0, "orders": ORDERS}


@pytest.mark.parametrize("every_s", [900.0, 7200.0])
def test_without_streets_and_seats_every_household_decides_when_it_does_with_them(every_s):
    keys = {**NO_HARM, **TWO_DAYS, "population.p_old_decide_alone": 0.6, "behaviour.decide_every_s": every_s}
    full = EvacuationModel("tiny_town", **keys).run()
    alone = DecisionsOnly(load("tiny_town", keys)).run()
    assert np.isfinite(alone.households.decision_time_s).sum() > 400
    for column in ("decision_time_s", "cause"):
        assert np.array_equal(getattr(full.households, column), getattr(alone.households, column)), column


def test_adults_who_keep_the_home_decide_after_their_family_has_set_out():
    keys = {**NO_HARM, **TWO_DAYS, "population.p_split": 1.0, "behaviour.coefficients.baseline_per_day": 2.0}
    run = DecisionsOnly(load("tiny_town", keys)).run()
    households = run.households
    keeps = np.flatnonzero(households.family != np.arange(len(households)))
    decided = keeps[np.isfinite(households.decision_time_s[keeps])]
    assert decided.size > 20
    assert (households.decision_time_s[decided] > run.gone_s()[households.family[decided]]).all()


def test_how_many_decide_does_not_depend_on_how_often_they_look():
    found = []
    for every_s in (900.0, 21600.0):
        keys = {**TWO_DAYS, "behaviour.decide_every_s": every_s, "behaviour.coefficients.baseline_per_day": 0.2}
        keys |= {"run.duration_h": 30.0, "population.residents": 800}
        runs = (EvacuationModel("tiny_town", rng=seed, **keys).run() for seed in range(20))
        found.append([int((run.households.decision_time_s <= run.time_s).sum()) for run in runs])
    often, seldom = np.mean(found, axis=1)
    assert often > 100 and seldom == pytest.approx(often, rel=0.01)


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    early_h=st.floats(0.0, 20.0),
    later_h=st.floats(0.0, 20.0),
    other_h=st.none() | st.floats(0.0, 30.0),
    compliance=st.floats(0.0, 1.0),
    force=st.sampled_from(["voluntary", "compulsory"]),
    audience=st.sampled_from(["everyone", "families_with_children"]),
    every_s=st.sampled_from([900.0, 5400.0, 21600.0]),
    keeping=st.sampled_from([0.0, 0.95, 1.0]),
    p_split=st.sampled_from([0.0, 1.0]),
)
def test_with_ample_road_and_no_harm_an_earlier_order_never_reduces_those_who_have_set_out(
    seed, early_h, later_h, other_h, compliance, force, audience, every_s, keeping, p_split
):
    """With a curfew of twenty hours or without, alone or beside another order, families whole or split."""

    def gone_s(issued_h):
        orders = [{"issued_h": issued_h, "compliance": compliance, "force": force, "audience": audience}]
        orders += [] if other_h is None else [{"issued_h": other_h, "compliance": 0.3}]
        keys = {**NO_HARM, "run.duration_h": 40.0, "orders": orders, "behaviour.decide_every_s": every_s}
        keys |= {"curfew.windows": [CURFEW], "curfew.compliance": keeping, "population.p_split": p_split}
        return DecisionsOnly(load("tiny_town", keys), seed).run().gone_s()

    assert (gone_s(early_h) <= gone_s(early_h + later_h) + 1e-6).all()


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    n_people=st.integers(1, 60),
    seats=st.integers(1, 15),
    more=st.integers(1, 15),
    n_buses=st.integers(1, 2),
    more_buses=st.integers(0, 1),
)
def test_with_ample_road_and_no_harm_more_seats_never_reduce_riders(seed, n_people, seats, more, n_buses, more_buses):
    path = town_of([[ADULT]] * n_people)
    few, many = (
        town(path, [fleet(seats=s, n_vehicles=n)], **{"run.seed": seed, "run.step_s": 300.0}).run()
        for s, n in ((seats, n_buses), (seats + more, n_buses + more_buses))
    )
    n_riders = [int(np.isfinite(model.parties.arrival_time_s).sum()) for model in (few, many)]
    assert n_riders[0] <= n_riders[1]
