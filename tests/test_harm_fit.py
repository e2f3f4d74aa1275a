import numpy as np
import pytest

from safepassage.experiments.fits.casualty_scale import fit_harm, lines
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.results.run_folder import open_run
from safepassage.model.settings.base import ScenarioError

UNDER_FIRE = {
    "run.duration_h": 8.0,
    "run.step_s": 600.0,
    "orders": [],
    "behaviour.coefficients.baseline_per_day": 0.0,
    "behaviour.p_leave_after_impact": 0.0,
    "shelling.sources": [{"kind": "process", "share_near_people": 1, "events_per_day": 4000}],
}


def run_with(tmp_path, casualty_scale, **changes):
    model = EvacuationModel("tiny_town", **{**UNDER_FIRE, "harm.casualty_scale": casualty_scale, **changes}).run()
    return model, open_run(model.save(tmp_path))


def test_the_expected_rate_is_the_one_that_comes_out(tmp_path):
    model, run = run_with(tmp_path, 0.3)
    fit = fit_harm([run])
    found = 1000 * (model.people.injury > 0).sum() / fit.resident_months
    assert fit.resident_months == pytest.approx(2000 / 30.4375 / 3, rel=0.05)
    assert found == pytest.approx(fit.expected_at_present, rel=0.2)


def test_the_scale_fitted_brings_the_recorded_rate(tmp_path):
    _, run = run_with(tmp_path, 1.0)
    fit = fit_harm([run])
    assert fit.casualty_scale.low < fit.casualty_scale.value < fit.casualty_scale.high
    again = fit_harm([run_with(tmp_path, fit.casualty_scale.value)[1]])
    assert again.expected_at_present == pytest.approx(fit.recorded.value, rel=0.05)


def test_several_runs_are_taken_together_and_runs_of_other_harm_are_refused(tmp_path):
    runs = [run_with(tmp_path, 1.0, **{"run.seed": seed, "run.duration_h": 3.0})[1] for seed in (1, 2, 3)]
    each, both = [fit_harm([run]) for run in runs], fit_harm(runs)
    assert both.n_impacts == sum(one.n_impacts for one in each)
    assert both.resident_months == pytest.approx(sum(one.resident_months for one in each))
    mean = np.average([one.expected_at_present for one in each], weights=[one.resident_months for one in each])
    assert both.expected_at_present == pytest.approx(mean, rel=0.02)
    other = run_with(tmp_path, 0.5, **{"run.duration_h": 0.5})[1]
    with pytest.raises(ScenarioError, match="same harm"):
        fit_harm([runs[0], other])


def test_a_run_in_which_nothing_fell_is_refused(tmp_path):
    _, run = run_with(tmp_path, 1.0, **{"shelling.sources": [], "run.duration_h": 0.5})
    with pytest.raises(ScenarioError, match="nothing fell"):
        fit_harm([run])


NEAR = {"front.distances": [{"day": "2024-08-01", "distance_km": 2.0}], "front.bearing_deg": 90.0}


def test_a_run_with_a_front_is_held_against_towns_at_its_own_distance(tmp_path):
    short = {"run.duration_h": 1.0}
    near = fit_harm([run_with(tmp_path, 1.0, **short, **NEAR)[1]])
    away = fit_harm([run_with(tmp_path, 1.0, **short, **NEAR | {"front.distances.0.distance_km": 25.0})[1]])
    none = fit_harm([run_with(tmp_path, 1.0, **short)[1]])
    mean_km, least_km, most_km = near.own.distance_km
    assert least_km < mean_km < most_km and mean_km == pytest.approx(2.0, abs=0.3)
    # shelling at the front line 1.9 per 1,000 resident-months, less by e over 11 km; crossfire to 3 km only
    assert near.recorded.value == pytest.approx(1.86 * np.exp(-mean_km / 11.0), rel=0.07)
    assert away.recorded.value == pytest.approx(1.86 * np.exp(-away.own.distance_km[0] / 11.0), rel=0.07)
    assert near.recorded.low < near.recorded.value / 2.5 and near.recorded.high > 2.5 * near.recorded.value
    assert near.own.crossfire.low < near.own.crossfire_of_run < near.own.crossfire.high
    assert away.own.crossfire.value == away.own.crossfire_of_run == 0.0
    assert none.own is None and "Toretsk and Bakhmut taken together" in lines(none, 1)[0]
    told = "\n".join(lines(away, 1))
    assert "km from the front in the mean" in told and "extrapolated" in told and "above that range" in told
    assert "crossfire there" in "\n".join(lines(near, 1)) and "crossfire" not in told


def test_runs_of_different_fronts_are_not_taken_together(tmp_path):
    runs = [run_with(tmp_path, 1.0, **{"run.duration_h": 0.5}, **more)[1] for more in ({}, NEAR)]
    with pytest.raises(ScenarioError, match="its front is not that of"):
        fit_harm(runs)
