"""Rumours and false all-clears, who comes back and why, and those who rent: options, off by default."""

import numpy as np
import pytest

from safepassage.model.behaviour.covariates import Covariate
from safepassage.model.decisions_only import DecisionsOnly
from safepassage.model.settings.behaviour import Saying
from safepassage.model.settings.scenario import InvalidScenario, load

DAY_S = 86400.0
KEYS = {"shelling.sources": [], "behaviour.coefficients.baseline_per_day": 0.3, "orders": [], "run.duration_h": 96.0,
        "behaviour.decide_every_s": 3600.0, "behaviour.coefficients.unwarned": 0.0}  # fmt: skip
EVERYBODY = {"reach": 1.0, "trust": 1.0, "delay_median_s": 1.0}


def made(**keys):
    return DecisionsOnly(load("tiny_town", {**KEYS, **keys}))


def rumour(says, **keys):
    return {"behaviour.rumours": [{"says": says, "issued_h": 24.0, **keys}]}


def n_decided(run, from_d, until_d):
    decided_s = run.households.decision_time_s
    return int(((decided_s > from_d * DAY_S) & (decided_s <= until_d * DAY_S)).sum())


def test_while_a_false_all_clear_is_believed_fewer_decide_to_leave_and_before_it_as_many():
    plain, told = made().run(), made(**rumour("all_clear", **EVERYBODY, lasts_d=1.0)).run()
    assert n_decided(told, 0, 1) == n_decided(plain, 0, 1) > 50
    assert 0.3 < n_decided(told, 1, 2) / n_decided(plain, 1, 2) < 0.65
    assert n_decided(told, 2, 4) > n_decided(plain, 2, 4)  # more of them are still there


def test_a_false_order_counts_like_one_that_is_believed_until_it_is_seen_to_be_false():
    keys = {"behaviour.coefficients.unwarned": -2.0, **rumour("leave", **EVERYBODY, lasts_d=1.0)}
    run = made(**keys).run()
    share = run.information.share_warned(1.5 * DAY_S, 2.5 * DAY_S)
    assert share == pytest.approx(0.5, abs=0.001)
    assert n_decided(run, 1, 2) > 3 * n_decided(run, 0, 1) and n_decided(run, 2, 3) < n_decided(run, 1, 2) / 3


def test_a_rumour_goes_from_neighbour_to_neighbour_among_those_who_believe_it():
    run = made(**rumour("leave", reach=0.05, trust=0.5, lasts_d=3.0)).run()
    (spreading,) = run.information.rumoured(Saying.LEAVE)
    believes = np.isfinite(spreading.believed_s)
    assert not believes[spreading.is_deaf].any()
    assert believes[~spreading.is_deaf].mean() > 0.3 and 0.4 < spreading.is_deaf.mean() < 0.6


def test_who_believes_a_false_all_clear_comes_back_under_fire_and_others_do_not():
    run = made(**rumour("all_clear", reach=0.3, trust=1.0, lasts_d=9.0), **{"behaviour.return_per_day": 50.0}).run()
    run.households.last_heard_s[:] = 95 * 3600.0
    believes = run.information.believes_all_clear(4 * DAY_S)
    back = run.decision.who_return(3.9 * DAY_S, 4 * DAY_S, np.full(believes.size, DAY_S))
    assert 0.9 * believes.sum() < back.size < believes.size and believes[back].all()


def test_who_cannot_pay_any_longer_comes_back_whether_it_is_quiet_or_not():
    run = made(**{"behaviour.return_without_means_per_day": 50.0, "behaviour.savings_last_d": 2.0}).run()
    run.households.last_heard_s[:] = 95 * 3600.0
    has_means = run.information.covariates[Covariate.NO_DESTINATION] == 0
    n = has_means.size
    assert run.decision.who_return(3.9 * DAY_S, 4 * DAY_S, np.full(n, 3 * DAY_S)).size == 0
    back = run.decision.who_return(3.9 * DAY_S, 4 * DAY_S, np.full(n, DAY_S))
    assert not has_means[back].any() and back.size > 0.9 * (~has_means).sum()


def test_tenants_leave_sooner_if_a_scenario_says_so_and_the_town_as_a_whole_does_not():
    plain, ready = made().run(), made(**{"behaviour.coefficients.renter": 1.0, "behaviour.p_renting": 0.4}).run()
    rents = ready.information.covariates[Covariate.RENTER] > 0
    assert 0.35 < rents.mean() < 0.45
    gone = ready.households.decision_time_s < 2 * DAY_S
    assert gone[rents].mean() > 1.3 * gone[~rents].mean()
    assert n_decided(ready, 0, 2) == pytest.approx(n_decided(plain, 0, 2), rel=0.15)


def test_a_rumour_needs_its_words_and_a_moment():
    with pytest.raises(InvalidScenario, match="says"):
        made(**{"behaviour.rumours": [{"issued_h": 1.0}]})
    with pytest.raises(InvalidScenario, match="say when in one way"):
        made(**{"behaviour.rumours": [{"says": "leave"}]})
