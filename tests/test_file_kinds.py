"""What files may say, told by `safepassage keys` and checked by a JSON Schema."""

import copy
import json

import pytest
from typer.testing import CliRunner

from safepassage.cli.main import app
from safepassage.experiments.file_kinds import FILE_KINDS, schema_of
from safepassage.experiments.questions.calibrate import load_calibration
from safepassage.experiments.questions.optimise import load_optimisation
from safepassage.experiments.sweeps.study import load_study
from safepassage.model.settings.scenario import read_keys, shipped

jsonschema = pytest.importorskip("jsonschema", reason="the extra app, which brings jsonschema, is not installed")
FOLDER = shipped()["tiny_town"].parent
FILES = {
    "scenario": sorted(FOLDER.glob("*.yaml")),
    "plan": sorted(FOLDER.glob("plans/*.yaml")),
    "study": [FOLDER / "studies/tiny_town_orders.yaml"],
    "optimisation": [FOLDER / "studies/tiny_town_sirens.yaml"],
    "calibration": [FOLDER / "studies/pokrovsk_calibration.yaml"],
}


def as_json(path):
    return json.loads(json.dumps(read_keys(path).keys, default=str))


@pytest.mark.parametrize(("kind", "path"), [(kind, path) for kind, paths in FILES.items() for path in paths])
def test_every_shipped_file_fits_the_schema_of_its_kind(kind, path):
    mistakes = jsonschema.Draft202012Validator(schema_of(kind)).iter_errors(as_json(path))
    assert [one.message for one in mistakes] == []


@pytest.mark.parametrize("kind", FILE_KINDS)
def test_the_schema_finds_a_misspelt_key(kind):
    keys = copy.deepcopy(as_json(FILES[kind][0]))
    keys["durattion"] = 3
    with pytest.raises(jsonschema.ValidationError, match="durattion"):
        jsonschema.validate(keys, schema_of(kind))


def test_the_schema_of_a_plan_has_no_hazard():
    with pytest.raises(jsonschema.ValidationError, match="shelling"):
        jsonschema.validate({"shelling": {}}, schema_of("plan"))
    with pytest.raises(jsonschema.ValidationError, match="network"):
        jsonschema.validate({"streets": {"network": "other.graphml"}}, schema_of("plan"))


def test_the_shipped_files_of_each_kind_can_be_used():
    assert load_study(FILES["study"][0]).scenario == "tiny_town"
    assert load_optimisation(FILES["optimisation"][0]).n_trials == 30
    assert load_calibration(FILES["calibration"][0]).scenario == "pokrovsk"


def test_keys_are_found_by_name_and_by_what_they_mean():
    runner = CliRunner()
    by_name = runner.invoke(app, ["keys", "walking_distance_m"]).output
    assert "shelters.walking_distance_m: number from 0 (m); default: 400" in by_name
    assert "five minutes" in by_name
    assert "shelters.share_who_go" in runner.invoke(app, ["keys", "without a basement that go"]).output
    assert "shelling" not in runner.invoke(app, ["keys", "--of", "plan", "events_per_day"]).output
    assert json.loads(runner.invoke(app, ["schema", "plan"]).output) == schema_of("plan")


@pytest.mark.parametrize(
    ("pattern", "brings"),
    [("shelters.walkin_distance", "Did you mean shelters.walking_distance_m"), ("ordre", "Did you mean orders?"),
     ("nonsense", "Sections: name, title")],
)  # fmt: skip
def test_a_key_that_is_not_there_brings_those_that_are_near_or_the_sections(pattern, brings):
    assert brings in str(CliRunner().invoke(app, ["keys", pattern]).exception)
