import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from scipy import stats
from studies import Here, digest, invented, keys

from safepassage.experiments.reports.sweep_table import NO_BREAK, in_words, sweep_table
from safepassage.experiments.runs.executors import local, on_dask
from safepassage.experiments.runs.run import Record, run_key, scenario_digest
from safepassage.experiments.runs.store import Store
from safepassage.experiments.runs.worker import do
from safepassage.experiments.sweeps.study import study_of
from safepassage.experiments.sweeps.study_folder import open_study
from safepassage.experiments.sweeps.sweep import half_width, run_sweep, sweep_of
from safepassage.model.results.outcomes import OUTCOMES
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.files.code import code_digest
from safepassage.model.settings.scenario import load


def test_the_same_study_gives_the_same_bytes_whoever_runs_it_and_in_whatever_order(tmp_path):
    pytest.importorskip("dask.distributed")
    study = study_of(keys())
    run_sweep(study, tmp_path / "forwards", Here())
    run_sweep(study, tmp_path / "backwards", Here(newest_first=True))
    with local(2) as executor:
        run_sweep(study, tmp_path / "processes", executor)
    with on_dask("local", 2) as executor:
        run_sweep(study, tmp_path / "dask", executor)
    assert len({digest(tmp_path / name) for name in ("forwards", "backwards", "processes", "dask")}) == 1


def test_a_sweep_is_read_back_with_units_and_its_timings_apart(tmp_path):
    folder = run_sweep(study_of(keys(outcomes=["dead", "ete90"], tables=["timeseries"])), tmp_path / "out", Here())
    frame = open_study(tmp_path / "out").frame()
    assert list(frame)[:6] == ["point", "scenario", "plan", "harm.casualty_scale", "replication", "seed"]
    assert list(frame)[-2:] == ["dead", "ete90"] and len(frame) == 6
    assert folder.units()["dead"] == "people" and folder.units()["ete90"] == "h"
    assert "safe" in folder.frame(()) and "safe" not in frame and folder.factors == ["harm.casualty_scale"]
    assert (folder.timings()["run_s"] > 0).all() and not any("run_s" in name for name in folder.frame(()))
    assert len(folder.table("timeseries").groupby(["point", "replication"])) == 6
    with pytest.raises(ScenarioError, match="kept: timeseries"):
        folder.table("persons")


def test_what_is_finished_is_not_run_again_and_more_replications_are_added(tmp_path):
    first, second, third = Here(), Here(), Here()
    run_sweep(study_of(keys()), tmp_path, first)
    run_sweep(study_of(keys()), tmp_path, second)
    folder = run_sweep(study_of(keys(replications=5)), tmp_path, third)
    assert len(first.tags) == 6 and len(second.tags) == 0 and len(third.tags) == 4
    assert len(folder.frame()) == 10
    run_sweep(study_of(keys(replications=5)), tmp_path / "new", Here())
    assert digest(tmp_path) == digest(tmp_path / "new")


def test_two_points_that_are_the_same_scenario_are_run_once_and_told_twice(tmp_path):
    executor = Here()
    folder = run_sweep(study_of(keys(factors={"harm.casualty_scale": {"list": [1.0, "1"]}})), tmp_path, executor)
    assert len(executor.tags) == 3 and folder.frame().point.tolist() == [0, 0, 0, 1, 1, 1]


def test_partial_results_can_be_read_while_it_runs(tmp_path):
    seen = []

    def on_progress(progress):
        seen.append((progress.n_finished, len(open_study(tmp_path).frame())))

    run_sweep(study_of(keys()), tmp_path, Here(answer=invented(float)), on_progress)
    assert seen == [(n, n) for n in range(7)]


def test_a_run_that_fails_stops_no_other_and_is_tried_again(tmp_path):
    def answer(task):
        if task.seed == 2:
            return do(b"not a pickle")
        return invented(float)(task)

    folder = run_sweep(study_of(keys()), tmp_path, Here(answer=answer))
    assert folder.frame().seed.tolist() == [1, 3, 1, 3]
    first = folder.failures()[0]
    assert first["seed"] == 2 and "Traceback" in first["traceback"]
    assert first["command"].endswith("--set harm.casualty_scale=1.0 --seed 2")
    again = Here(answer=invented(float))
    folder = run_sweep(study_of(keys()), tmp_path, again)
    assert len(again.tags) == 2 and not folder.failures() and len(folder.frame()) == 6


def test_a_point_stops_when_its_mean_is_known_well_enough(tmp_path):
    rule = {"outcome": "safe", "ci_half_width": 0.75, "min_replications": 4, "every": 2}
    value = dict(enumerate(stats.norm(10, 1).rvs(40, random_state=3), 1))
    expected = next(n for n in range(4, 41, 2) if half_width([value[s] for s in range(1, n + 1)]) <= 0.75)
    frames = []
    for name, newest_first in (("a", False), ("b", True)):
        executor = Here(newest_first, invented(value.get))
        study = study_of(keys(replications=40, stopping=rule, factors=None))
        frames.append(run_sweep(study, tmp_path / name, executor).frame())
    assert 4 < expected < 40 and len(frames[0]) == expected
    assert frames[0].equals(frames[1])
    again = Here(answer=invented(value.get))
    run_sweep(study, tmp_path / "a", again)
    assert again.tags == []


def test_the_half_width_is_that_of_students_t():
    values = [1.0, 2.0, 4.0, 9.0]
    low, high = stats.t.interval(0.9, 3, loc=4.0, scale=stats.sem(values))
    assert half_width(values, 0.9) == pytest.approx((high - low) / 2)
    assert half_width([3.0]) == np.inf


def test_a_folder_of_another_study_and_a_folder_of_anything_are_refused(tmp_path):
    run_sweep(study_of(keys()), tmp_path / "out", Here(answer=invented(float)))
    with pytest.raises(ScenarioError, match="another study, 'short': it differs in factors"):
        run_sweep(study_of(keys(factors={"harm.casualty_scale": {"list": [2.0]}})), tmp_path / "out", Here())
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.docx").write_text("years of work")
    with pytest.raises(ScenarioError, match="has files in it but no study"):
        run_sweep(study_of(keys()), tmp_path / "mine", Here())
    with pytest.raises(ScenarioError, match="not a study"):
        open_study(tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.docx"]


def test_two_sweeps_do_not_write_into_one_folder(tmp_path):
    store = Store(tmp_path)
    store.open_for_writing(sweep_of(study_of(keys())).identity, {})
    code = (
        f"from safepassage.experiments.runs.store import Store; Store({str(tmp_path)!r}).open_for_writing({{}}, {{}})"
    )
    second = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "another sweep is writing here" in second.stderr
    store.close()


def test_a_worker_with_other_code_is_refused(tmp_path):
    def answer(task):
        return Record({"safe": 1.0}, {"safe": "persons"}, {}, {"host": "far"}, "0" * 64)

    with pytest.raises(ScenarioError, match="the worker on far runs different code"):
        run_sweep(study_of(keys()), tmp_path, Here(answer=answer))


def test_an_unknown_outcome_is_told_after_the_first_run_and_with_what_there_is(tmp_path):
    with pytest.raises(ScenarioError, match="no outcome 'happiness'; there are residents, safe"):
        run_sweep(study_of(keys(outcomes=["happiness"])), tmp_path, Here())


def test_the_key_of_a_run_depends_on_content_alone(tmp_path):
    town = load("tiny_town")
    digest = scenario_digest(town)
    assert digest == scenario_digest(town.override({"run.seed": 99}))
    assert digest != scenario_digest(town.override({"harm.casualty_scale": 2.0}))
    assert run_key(digest, 1) != run_key(digest, 2)
    moved = tmp_path / "zones.geojson"
    moved.write_bytes(town.population.zones.read_bytes())
    assert digest == scenario_digest(town.override({"population.zones": str(moved)}))
    moved.write_bytes(moved.read_bytes() + b" ")
    assert digest != scenario_digest(town.override({"population.zones": str(moved)}))


def test_compacting_changes_nothing_that_is_read(tmp_path):
    store = Store(tmp_path)
    store.open_for_writing({"name": "x"}, {})
    for seed in range(5):
        outcomes = {"a": float(seed), **({"exposure_shelter": 2.0} if seed == 3 else {}), "ete": float("nan")}
        units = dict.fromkeys(outcomes, "h")
        store.put(f"{seed}" * 64, seed, Record(outcomes, units, {}, {"all": 0.5, "host": "h"}, ""))
        if seed == 2:
            store.compact()
    before = store.runs()
    store.compact()
    assert store.runs().equals(before) or store.runs().to_pandas().equals(before.to_pandas())
    frame = store.runs().to_pandas()
    assert frame.exposure_shelter.tolist() == [0, 0, 0, 2, 0] and frame.ete.isna().all()
    assert len(store.keys()) == 5 and not list((tmp_path / "runs").glob("*/*.json"))


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="the peak of memory is read from /proc")
def test_five_thousand_runs_are_read_back_and_cost_the_parent_little_memory(tmp_path):
    code = f"""
import sys
sys.path.insert(0, {os.path.dirname(__file__)!r})
from studies import Here, keys
from safepassage.experiments.runs.run import Record
from safepassage.model.settings.files.code import code_digest
from safepassage.experiments.sweeps.study import study_of
from safepassage.experiments.sweeps.sweep import run_sweep

names = [f"outcome_{{i}}" for i in range(60)]

def answer(task):
    outcomes, units = dict.fromkeys(names, float(task.seed)), dict.fromkeys(names, "persons")
    return Record(outcomes, units, {{}}, {{"all": 0.1}}, code_digest())

def sweep(n_points, name):
    factors, design = {{"harm.casualty_scale": {{"range": [1, 2]}}}}, {{"kind": "latin_hypercube", "n": n_points}}
    study = study_of(keys(factors=factors, design=design, replications=10))
    n = len(run_sweep(study, {str(tmp_path)!r} + "/" + name, Here(answer=answer)).frame(()))
    # ru_maxrss counts what the process was before exec, the whole of pytest; the high-water mark of /proc does not
    return n, next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024

print(*sweep(10, "few"), *sweep(500, "many"))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    n_few, few_mib, n_many, many_mib = map(float, done.stdout.split())
    assert (n_few, n_many) == (100, 5000) and many_mib - few_mib < 150


def test_study_json_tells_code_versions_and_seeds(tmp_path):
    run_sweep(study_of(keys()), tmp_path, Here(answer=invented(float)))
    written = json.loads((tmp_path / "study.json").read_text())
    assert written["code"] == code_digest() and written["seeds"] == [1, 2, 3] and "numpy" in written["versions"]
    assert pq.read_schema(tmp_path / "results.parquet").names[0] == "point"


def test_a_sweep_prints_its_result_in_words_and_units():
    frame = pd.DataFrame(
        {"point": [0, 0, 1, 1], "plan": "", "shelling.sources.0.decay_h": [1.0, 1.0, 2.0, 2.0],
         "dead": [1.0, 3.0, 4.0, 4.0], "ete90": [1.5, np.nan, np.nan, np.nan]}
    )  # fmt: skip
    shown = sweep_table(frame, ["shelling.sources.0.decay_h"], ["dead", "ete90"])
    assert list(shown) == [
        "point", "plan", "shelling.sources.0.decay_h (h)", "runs", OUTCOMES["dead"].words,
        "until 90% of those leaving are out (ETE90) (h)",
    ]  # fmt: skip
    assert shown.iloc[0, -1].replace(NO_BREAK, " ") == "1.5 (1 of 2 runs)"
    assert shown.iloc[1, -2].replace(NO_BREAK, " ") == "4 ± 0"
    assert in_words("shelling.sources.0.decay_h") == "Mean time from an event to one it sets off (h)"
