from functools import reduce

import numpy as np
import pandas as pd
import pytest
import yaml

from safepassage.experiments.questions.calibrate import calibrate, load_calibration, weighted_quantiles
from safepassage.experiments.questions.observed import read_observed
from safepassage.experiments.questions.refusal import Refused
from safepassage.experiments.runs.kept_runs import InThisProcess
from safepassage.model.decisions_only import DecisionsOnly
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.scenario import load, shipped

pytest.importorskip("pyabc", reason="calibration needs pyABC, the extra `calibrate`")
from safepassage.experiments.questions.abc_smc import infer

TRUTH = 0.7
SHORT = {"run.duration_h": 1.0, "run.step_s": 300, "behaviour.preparation_median_s": 600}
KEYS = {
    "name": "fit",
    "scenario": "tiny_town",
    "overrides": SHORT,
    "series": "seen.csv",
    "parameters": {"orders.0.compliance": {"range": [0.1, 1.0]}},
    "n_particles": 10,
    "n_generations": 2,
}


def write(folder, series=None, **changes):
    if series is None:
        model = EvacuationModel("tiny_town", rng=99, **{**SHORT, "orders.0.compliance": TRUTH}).run()
        n_safe = model.recorder.tables()["timeseries"].to_pandas().set_index("time_s")["n_safe"]
        uses = {1800: "fit", 2700: "fit", 3600: "judge"}
        rows = [f"{at / 3600},n_safe,{n_safe[at]},{use},15" for at, use in uses.items()]
        series = "\n".join(["time_h,series,value,use,sd", *rows]) + "\n"
    (folder / "seen.csv").write_text(series)
    path = folder / "fit.yaml"
    path.write_text(yaml.safe_dump({**KEYS, **changes}, sort_keys=False))
    return path


def gaussian(parameters, seeds):
    drawn = [p["a"] + 0.1 * np.random.default_rng(s).normal() for p, s in zip(parameters, seeds, strict=True)]
    return [abs(y - 0.5) for y in drawn]


def run_gaussian(**changes):
    asked = {"n_particles": 100, "n_generations": 5, "seed": 3, "batch": 50}
    return infer(["a"], gaussian, **{**asked, **changes})


def test_the_posterior_of_a_normal_mean_is_found():
    last = run_gaussian().last
    mean = np.average(last["a"], weights=last["weight"])
    sd = np.sqrt(np.average((last["a"] - mean) ** 2, weights=last["weight"]))
    assert mean == pytest.approx(0.5, abs=0.05)
    assert sd == pytest.approx(0.1, abs=0.03)


def test_the_posterior_does_not_depend_on_how_many_are_simulated_at_once():
    one, other = (run_gaussian(n_particles=30, n_generations=3, batch=batch).particles for batch in (1, 64))
    assert one.equals(other)


def test_the_allowed_distance_falls_from_generation_to_generation():
    threshold = run_gaussian(n_particles=50).generations["threshold"].to_numpy()
    assert (np.diff(threshold) < 0).all()


def test_inference_leaves_the_global_random_state_as_it_was():
    np.random.seed(5)
    expected = np.random.random()
    np.random.seed(5)
    run_gaussian(n_particles=10, n_generations=1)
    assert np.random.random() == expected


def test_a_known_compliance_is_recovered_and_what_was_kept_back_is_foretold(tmp_path):
    found = calibrate(load_calibration(write(tmp_path)), out=tmp_path / "out", executor=InThisProcess())
    row = found.table().iloc[0]
    assert row["p05"] <= TRUTH <= row["p95"]
    assert row["p95"] - row["p05"] < 0.6 * (row["prior_p95"] - row["prior_p05"])
    judged = found.scores().set_index("use").loc["judge"]
    assert judged["mean_abs_relative"] < 0.15
    again = InThisProcess()
    again.submit = None  # whoever runs anything again fails
    repeated = calibrate(load_calibration(tmp_path / "fit.yaml"), out=tmp_path / "out", executor=again)
    assert repeated.posterior.particles.equals(found.posterior.particles)


def test_a_known_compliance_is_recovered_by_decisions_alone_and_their_runs_are_kept(tmp_path):
    truth = DecisionsOnly(load("tiny_town", {**SHORT, "orders.0.compliance": TRUTH}), seed=99).run()
    left = truth.left([1800.0, 2700.0, 3600.0])
    rows = [
        f"{h},n_remaining,{n},{use},15" for h, n, use in zip((0.5, 0.75, 1), left, ("fit", "fit", "judge"), strict=True)
    ]
    series = "\n".join(["time_h,series,value,use,sd", *rows]) + "\n"
    study = load_calibration(write(tmp_path, series, decisions_only=True, n_particles=20, n_generations=3))
    found = calibrate(study, out=tmp_path / "out", executor=InThisProcess())
    row = found.table().iloc[0]
    assert row["p05"] <= TRUTH <= row["p95"] and row["p95"] - row["p05"] < 0.3
    assert found.scores().set_index("use").loc["judge", "mean_abs_relative"] < 0.05
    again = InThisProcess()
    again.submit = None  # whoever runs anything again fails
    repeated = calibrate(study, out=tmp_path / "out", executor=again)
    assert repeated.posterior.particles.equals(found.posterior.particles)


def test_decisions_alone_are_not_asked_for_what_they_do_not_have(tmp_path):
    series = "time_h,series,value,use\n1,n_remaining,1900,fit\n1,n_casualties,2,judge\n"
    with pytest.raises(ScenarioError, match="decisions only has no series n_casualties"):
        calibrate(load_calibration(write(tmp_path, series, decisions_only=True)), out=tmp_path / "out", executor=None)


def test_a_file_that_would_have_people_hurt_fitted_is_refused_before_anything_runs(tmp_path):
    series = "time_h,series,value,use\n1,n_remaining,1900,fit\n1,n_dead,2000,fit\n"
    with pytest.raises(Refused, match="n_dead: to fit what people do to a number of people hurt"):
        calibrate(load_calibration(write(tmp_path, series)), out=tmp_path / "out", executor=None)
    assert not (tmp_path / "out").exists()


def test_what_is_kept_back_to_judge_by_changes_nothing_that_is_fitted(tmp_path):
    rows = "time_h,series,value,use,sd\n0.5,n_safe,100,fit,50\n1,n_safe,{judge},judge,50\n"
    posteriors = []
    for judge in (300, 1900):
        folder = tmp_path / str(judge)
        folder.mkdir()
        loaded = load_calibration(write(folder, rows.format(judge=judge), n_generations=1))
        posteriors.append(calibrate(loaded, out=folder / "out", executor=InThisProcess()).posterior.particles)
    assert posteriors[0].equals(posteriors[1])


def test_a_sample_is_scaled_to_the_town_and_told_apart_by_group(tmp_path):
    rows = "time_h,everybody,children,use\n0,2000,360,fit\n1,1500,300,judge\n"
    columns = {"everybody": "n_remaining", "children": "n_remaining:under_18"}
    asked = {"columns": columns, "sd_share": 0.1, "sample": 500, "n_generations": 1}
    found = calibrate(load_calibration(write(tmp_path, rows, **asked)), out=tmp_path / "out", executor=InThisProcess())
    rows = found.observations().set_index(["series", "use"])
    assert rows.loc[("n_remaining", "fit"), "p50"] == 2000
    assert rows.loc[("n_remaining:under_18", "fit"), "p50"] == pytest.approx(360, rel=0.15)
    assert rows.loc[("n_remaining:under_18", "fit"), "sd"] == 36
    assert rows.loc[("n_remaining", "judge"), "p50"] < 2000


def test_the_shipped_study_of_pokrovsk_is_checked_and_runs(tmp_path):
    folder = shipped()["pokrovsk"].parent
    study = load_calibration(folder / "studies" / "pokrovsk_calibration.yaml")
    series = pd.read_csv(folder / "tables" / "pokrovsk_residents_reported.csv")
    seen = study.observed(set())
    assert seen.is_fit.sum() == 2 * (series["use"] == "fit").sum()
    assert seen.time_s[seen.is_fit].max() == (36 * 24 + 12) * 3600  # noon of 6 September
    scenario = study.base().scenario
    for key, factor in study.parameters.items():
        value = reduce(getattr, key.split("."), scenario)
        assert factor.at(0) <= value <= factor.at(1), key

    series[series["date"] <= "2024-08-09"].to_csv(tmp_path / "seen.csv")
    keys = yaml.safe_load((folder / "studies" / "pokrovsk_calibration.yaml").read_text())
    keys |= {"series": "seen.csv", "sample": 100, "n_particles": 10, "n_generations": 1}
    keys["overrides"] = {"run.duration_h": 216}
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(keys))
    found = calibrate(load_calibration(tmp_path / "tiny.yaml"), out=tmp_path / "out", executor=InThisProcess())
    assert found.table()["p50"].notna().all() and len(found.observations()) == 2
    assert found.observations()["p50"].iloc[0] == pytest.approx(48_000, rel=0.1)


def test_weighted_quantiles_of_equal_weights_are_the_middle_of_the_ranks():
    values = np.array([3.0, 1.0, 2.0])
    assert weighted_quantiles(values, np.ones(3), [0.5]) == [2.0]
    assert weighted_quantiles(values, np.array([1.0, 0.0, 0.0]), [0.1, 0.9])[1] == 3.0


@pytest.mark.parametrize(
    ("series", "message"),
    [
        ("time_h,value,use\n1,2,fit\n", "needed are series, value, use"),
        ("time_h,series,value,use\n1,n_saef,2,fit\n", "there is no such series"),
        ("time_h,series,value,use\n9,n_safe,2,fit\n", "the run lasts 1 h"),
        ("time_h,series,value,use\n1,n_safe,two,fit\n", "write a number"),
        ("time_h,series,value,use\n1,n_safe,2,train\n", "write fit or judge"),
        ("time_h,series,value,use\n1,n_safe,2,judge\n", "no row is used to fit"),
        ("date,series,value,use\nyesterday,n_safe,2,fit\n", "write it as 2024-08-31"),
    ],
)
def test_each_mistake_in_a_series_is_told(series, message, tmp_path):
    calibration = load_calibration(write(tmp_path, series))
    with pytest.raises(ScenarioError, match=message):
        calibrate(calibration, out=tmp_path / "out", executor=None)


def test_dates_are_counted_from_the_start_of_the_run(tmp_path):
    (tmp_path / "s.csv").write_text("date,series,value,use\n2024-08-01T07:30,n_remaining,5,fit\n")
    start = EvacuationModel("tiny_town").settings.run.start
    found = read_observed(tmp_path / "s.csv", start, 4, {"n_safe"})
    assert found.time_s.tolist() == [5400]
    assert "n_home" in found.columns


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"parameters": {"shelling.sources.0.events_per_day": {"range": [1, 2]}}}, "a search over a hazard is refused"),
        ({"parameters": {"behaviour.p_destinations": {"range": [0, 1]}}}, "did you mean p_destination"),
        ({"parameters": {}}, "parameters"),
        ({"n_particle": 5}, "did you mean n_particles"),
    ],
)
def test_each_mistake_in_a_calibration_is_told(changes, message, tmp_path):
    with pytest.raises(ScenarioError, match=message):
        load_calibration(write(tmp_path, "time_h,series,value,use\n1,n_safe,2,fit\n", **changes))
