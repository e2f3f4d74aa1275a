"""Mistakes that are easily made are told with their cure."""

import pytest
from typer.testing import CliRunner

from safepassage.cli.main import app
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.scenario import load


def plan(tmp_path, text):
    (tmp_path / "plan.yaml").write_text(f"name: p\n{text}")
    return tmp_path / "plan.yaml"


def test_an_order_after_the_end_of_the_run_is_told():
    told = EvacuationModel(load("tiny_town", {"orders.0.issued_h": 9})).report()
    assert any("orders[0] is issued 9.0 h after the start; the run ends after 4 h" in line for line in told)
    assert not any("nobody would hear of it" in line for line in EvacuationModel("tiny_town").report())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("orderss: [{issued_h: 1}]", "orderss: unknown key; did you mean orders"),
        ("behaviour: {chanels: {siren: {reach: 1}}}", "did you mean behaviour.channels"),
        ("streets: {exit: []}", r"did you mean streets\.exits"),
        ("shelling: {sources: []}", "a plan changes only what protects people"),
    ],
)
def test_a_misspelt_key_of_a_plan_brings_the_right_one(tmp_path, text, words):
    with pytest.raises(ScenarioError, match=words):
        load("tiny_town", plan=plan(tmp_path, text))


def test_exits_with_latitude_and_longitude_exchanged_are_told_so():
    exits = [{"name": "North", "latitude_deg": -33.002289, "longitude_deg": 45.011242}]
    with pytest.raises(ScenarioError, match="latitude_deg and longitude_deg are swapped"):
        EvacuationModel(load("tiny_town", {"streets.exits": exits}))
    exits = [{"name": "North", "latitude_deg": 10.0, "longitude_deg": 20.0}]
    with pytest.raises(ScenarioError, match="Correct the place, or use a network that reaches it"):
        EvacuationModel(load("tiny_town", {"streets.exits": exits}))


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("streets.exits", [{"node": 12}], r"streets\.exits\.0\.node = 12: .* put it into quotes: '12'"),
        ("orders", [{"issued_h": 1, "zones": [1]}], r"orders\.0\.zones\.0 = 1: .* put it into quotes: '1'"),
    ],
)
def test_ids_and_zones_by_number_are_told_to_be_quoted(key, value, words):
    with pytest.raises(ScenarioError, match=words):
        load("tiny_town", {key: value})


def test_the_printout_of_a_run_names_its_plan(tmp_path):
    path = plan(tmp_path, "orders: [{issued_h: 0.1}]")
    arguments = ["run", "tiny_town", "--plan", str(path), "--set", "run.duration_h=0.2", "--out", str(tmp_path)]
    assert "Plan: p" in CliRunner().invoke(app, arguments).output
