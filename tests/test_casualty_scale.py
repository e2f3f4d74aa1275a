import numpy as np
import pytest

from safepassage.agents.civilians import Protection
from safepassage.model.harm.casualty_scale import (
    Estimate,
    expected_rate,
    fit_casualty_scale,
    reached_residents,
    read_recorded_rates,
    recorded_rate,
    resident_months,
)
from safepassage.model.harm.injuries import HarmByImpacts
from safepassage.model.hazard.impacts import Impacts
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.harm import Harm

OUTDOORS = np.eye(len(Protection))[Protection.OUTDOORS]
MONTH_S = 365.25 / 12 * 86400


def random_town(n_homes=2000, n_impacts=400, seed=3):
    rng = np.random.default_rng(seed)
    x_m, y_m = rng.uniform(0, 1500, (2, n_homes))
    n_people = rng.integers(1, 5, n_homes)
    event_x_m, event_y_m = rng.uniform(0, 1500, (2, n_impacts))
    size = rng.integers(0, 3, n_impacts).astype(np.int8)
    time_s = np.sort(rng.uniform(0, MONTH_S, n_impacts))
    return x_m, y_m, n_people, Impacts(time_s, event_x_m, event_y_m, size, np.arange(n_impacts, dtype=np.int32))


def test_the_recorded_rate_is_one_to_two_casualties_per_1000_resident_months():
    table = read_recorded_rates()
    assert dict(zip(table.place, table.casualties / table.n_months, strict=True)) == {
        "Toretsk": pytest.approx(25.03, abs=0.01),
        "Bakhmut": pytest.approx(33.67, abs=0.01),
    }
    rate = recorded_rate(table)
    # All casualties over all resident-months, residents at the middle of 10,000 to 25,000 on a log scale.
    assert rate.value == pytest.approx(1000 * (726 + 505) / ((29 + 15) * np.sqrt(10_000 * 25_000)))
    assert 0.9 < rate.low < 1.1 and 1 < rate.value < 2 and rate.high < 3.5


def test_more_records_narrow_the_interval_only_down_to_what_is_unknown_about_residents():
    table = read_recorded_rates().iloc[[0]]
    wide = recorded_rate(table.assign(casualties=20))
    narrow = recorded_rate(table.assign(casualties=2_000_000))
    assert wide.high / wide.low > narrow.high / narrow.low
    assert narrow.high / narrow.value == pytest.approx(np.exp(1.96 * np.log(2.5) / np.sqrt(12)), rel=1e-3)


def test_a_linear_rate_gives_target_over_rate_with_the_interval_of_the_target():
    fit = fit_casualty_scale(40.0, Estimate(1.6, 0.8, 3.2))
    assert (fit.value, fit.low, fit.high) == pytest.approx((0.04, 0.02, 0.08))


def test_a_saturating_rate_is_solved_for_the_scalar_that_meets_the_target():
    fit = fit_casualty_scale(lambda f: 50 * (1 - np.exp(-3 * f)), Estimate(2.0, 1.0, 4.0))
    for f, rate in ((fit.value, 2.0), (fit.low, 1.0), (fit.high, 4.0)):
        assert f == pytest.approx(-np.log(1 - rate / 50) / 3, rel=1e-9)


def test_error_of_the_simulated_rate_widens_the_interval():
    target = Estimate(2.0, 1.0, 4.0)
    plain, noisy = fit_casualty_scale(10.0, target), fit_casualty_scale(10.0, target, relative_error=0.5)
    assert noisy.value == plain.value
    assert noisy.low < plain.low and noisy.high > plain.high
    assert np.log(noisy.high / noisy.value) == pytest.approx(np.hypot(np.log(2), 0.98))


def test_a_rate_out_of_reach_is_refused_with_the_reason():
    with pytest.raises(ValueError, match="too few events reach people"):
        fit_casualty_scale(lambda f: 0.5 * min(1.0, f), Estimate(2.0, 1.0, 3.0))


@pytest.mark.parametrize("casualty_scale", [0.01, 0.5, 3.0])
def test_the_expected_rate_is_the_sum_of_the_chances_of_everyone(casualty_scale):
    x_m, y_m, n_people, impacts = random_town()
    settings = Harm(casualty_scale=casualty_scale)
    n = n_people.sum()
    harm = HarmByImpacts(settings, 1, x_m, y_m, np.concatenate([[0], np.cumsum(n_people)]))
    pairs = harm.people_at_home_near(impacts, 0, 400, np.ones(n, bool))
    reached = reached_residents(settings, impacts, x_m, y_m, n_people, n_at_once=37)
    for state in (Protection.OUTDOORS, Protection.BASEMENT):
        expected = harm.risks(impacts, pairs, np.full(n, state, np.int8)).sum()
        rate = expected_rate(settings, reached, resident_months(n, MONTH_S), np.eye(len(Protection))[state])
        assert rate(casualty_scale) == pytest.approx(1000 * expected / n)


def test_a_town_simulated_with_the_fitted_scalar_has_the_recorded_number_of_casualties():
    x_m, y_m, n_people, impacts = random_town()
    n = int(n_people.sum())
    target = Estimate(25.0, 20.0, 30.0)
    reached = reached_residents(Harm(), impacts, x_m, y_m, n_people)
    fit = fit_casualty_scale(expected_rate(Harm(), reached, resident_months(n, MONTH_S), OUTDOORS), target)
    first_person = np.concatenate([[0], np.cumsum(n_people)])
    n_casualties = []
    for seed in range(30):
        harm = HarmByImpacts(Harm(casualty_scale=fit.value), seed, x_m, y_m, first_person)
        pairs = harm.people_at_home_near(impacts, 0, 400, np.ones(n, bool))
        injury = np.zeros(n, np.int8)
        harm.injure(injury, np.full(n, np.inf), impacts, pairs, np.zeros(n, np.int8))
        n_casualties.append((injury > 0).sum())
    wanted = target.value * n / 1000
    # A person harmed twice counts once, so the simulated mean lies a little below, by less than 2 %.
    assert np.mean(n_casualties) == pytest.approx(wanted, abs=0.02 * wanted + 4 * np.sqrt(wanted / 30))


def test_shares_of_protection_that_do_not_sum_to_one_are_refused():
    with pytest.raises(ValueError, match="7 shares of 0 or more that sum to 1"):
        expected_rate(Harm(), 1.0, 1.0, np.full(7, 0.2))


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("n_months", 0, "row 2 has n_months = 0"),
        ("casualties", "many", "row 2 has casualties = many"),
        ("residents_high", 1, "below residents_low"),
        ("source", None, "no column 'source'"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_with_the_row_and_the_change(tmp_path, column, value, words):
    table = read_recorded_rates().astype(object)
    table = table.drop(columns=column) if value is None else table.assign(**{column: value})
    table.to_csv(tmp_path / "rates.csv", index=False)
    with pytest.raises(ScenarioError, match=words):
        read_recorded_rates(tmp_path / "rates.csv")


def test_an_empty_table_is_refused(tmp_path):
    read_recorded_rates().iloc[:0].to_csv(tmp_path / "rates.csv", index=False)
    with pytest.raises(ScenarioError, match="no rows"):
        read_recorded_rates(tmp_path / "rates.csv")
