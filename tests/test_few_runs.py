"""What users of studies are told: plans that do not fit, levels given twice, few runs, wide tables, bad addresses."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from studies import keys, sweep, write_study

from safepassage.cli.printed import PlainConsole
from safepassage.experiments.questions.compare import compare
from safepassage.experiments.questions.optimise import Optimised, optimisation_of
from safepassage.experiments.questions.robustness import Robustness
from safepassage.experiments.runs.kept_runs import InThisProcess
from safepassage.experiments.sweeps.study import study_of
from safepassage.model.settings.errors import ScenarioError
from safepassage.model.settings.scenario import Source

FAR = "name: far\ntitle: Far\nservices: {pickup_points: [{name: x, latitude_deg: 10, longitude_deg: 10}]}\n"


def test_a_plan_of_another_town_is_refused_by_its_name_after_one_run_of_it(tmp_path):
    (tmp_path / "far.yaml").write_text(FAR)
    (tmp_path / "near.yaml").write_text("name: near\ntitle: Near\norders: [{issued_h: 0.1, compliance: 0.9}]\n")
    calls = []

    class Counted(InThisProcess):
        def submit(self, function, tag, item):
            calls.append(item.scenario.plan)
            super().submit(function, tag, item)

    plans, changes = [tmp_path / "near.yaml", tmp_path / "far.yaml"], {"run.duration_h": 0.02}
    with pytest.raises(ScenarioError, match=r"^compare: the plan 'far' cannot be run: services: stop 'x': .*away"):
        compare("tiny_town", plans, out=tmp_path / "out", executor=Counted(), replications=30, changes=changes)
    assert len(calls) == 3 and calls.count("far") == 1


@pytest.mark.parametrize(
    ("factor", "message"),
    [
        ({"list": [1.0, 4.0, 1.0]}, r"the level 1\.0 is there twice; give each level once"),
        ({"grid": {"low": 1, "high": 3, "n": 5}, "whole": True}, "the 5 levels of the grid are only 3"),
    ],
)
def test_a_level_given_twice_is_said(factor, message):
    with pytest.raises(ScenarioError, match=message):
        study_of(keys(factors={"harm.casualty_scale": factor}))


def _robustness(n_futures: int, n_replications: int) -> Robustness:
    values = pd.DataFrame({"none": np.arange(n_futures, dtype=float), "buses": 1.0})
    return Robustness("safe", "persons", True, "", {}, ("none", "buses"), pd.DataFrame(), values, 1.0, n_replications)


def test_robustness_warns_of_few_runs_and_of_few_futures():
    few, worst = _robustness(8, 3).warnings()
    assert "Only 8 futures x 3 replications" in few and "50 runs or more" in few
    assert worst.startswith("The worst tenth of 8 futures is 1 of them") and "sample 50 futures" in worst
    assert len(_robustness(30, 3).warnings()) == 1 and _robustness(50, 1).warnings() == []


def test_optimisation_warns_of_few_runs(tmp_path):
    wanted = {
        "name": "o", "scenario": "tiny_town", "levers": {"services.ambulances.n": {"list": [0, 3]}},
        "objectives": {"casualties": "minimise"},
    }  # fmt: skip
    for n, is_few in ((20, True), (50, False)):
        one = optimisation_of(Source(None, tmp_path, {**wanted, "replications": n}))
        notes = Optimised(one, {}, pd.DataFrame()).warnings()
        assert bool(notes) == is_few and all(f"Only {n} runs behind each trial" in note for note in notes)


@pytest.mark.parametrize("width", [40, 70, 150])
def test_a_wide_table_is_printed_whole_in_parts_below_each_other(monkeypatch, width):
    from safepassage.cli import questions

    names = [f"some.key_named_{letter}" for letter in "abcdefghijkl"]
    frame = pd.DataFrame({"plan": ["none", "a plan with a name"], **{name: [1.25, 123456.0] for name in names}})
    console = PlainConsole(width=width, record=True, file=open(os.devnull, "w"))  # noqa: SIM115 (the console closes it)
    monkeypatch.setattr(questions, "console", console)
    questions.print_frame(frame)
    told = console.export_text()
    assert all(told.count(name) == 1 for name in names) and told.count("123,456") == 12 and "…" not in told
    assert max(map(len, told.splitlines())) <= width


def test_a_table_that_fits_is_one_table(monkeypatch):
    from safepassage.cli.questions import _in_parts

    assert _in_parts([5, 5, 5], 80) == [[0, 1, 2]] and _in_parts([], 80) == []
    assert _in_parts([5, 60, 60, 5], 80) == [[0, 1], [0, 2, 3]]
    assert _in_parts([5, 200, 5], 80) == [[0, 1], [0, 2]]


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("nonsense", "this is not the address of a scheduler"),
        ("http://a:b", "this is not the address of a scheduler"),
        ("tls://127.0.0.1:9", "the keys for this scheduler cannot be used (no key is named)"),
    ],
)
def test_a_bad_address_of_dask_is_one_message_and_nothing_else(tmp_path, address, message):
    pytest.importorskip("dask.distributed")
    done = sweep(write_study(tmp_path), tmp_path / "out", "--dask", address)
    lines = done.stderr.strip().splitlines()
    assert done.returncode == 2 and lines[0] == "error:" and len(lines) == 2 and message in lines[1]


def test_where_nothing_can_be_kept_of_compiling_a_message_says_what_to_do(tmp_path):
    """Numba finds no folder that it may write to; who may write anywhere cannot have that otherwise."""
    program = (
        "import numba.core.caching as caching; caching.CacheImpl._locator_classes = []\n"
        "from safepassage.cli.main import main; main()"
    )
    words = [sys.executable, "-c", program, "run", "tiny_town", "--out", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
    assert "Set NUMBA_CACHE_DIR to a folder that you can write to" in done.stderr
