from pathlib import Path

import pytest
import yaml

from safepassage.model.settings import scenario as scenario_module
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.scenario import InvalidScenario, load

SHIPPED = scenario_module.shipped()["tiny_town"]


def written(tmp_path, changes=None, text=None):
    """Write a copy of tiny_town with some keys changed, its files named by full path; return its path."""
    keys = yaml.safe_load(SHIPPED.read_text())
    keys["streets"]["network"] = str(SHIPPED.parent / keys["streets"]["network"])
    keys["streets"]["background"] = str(SHIPPED.parent / keys["streets"]["background"])
    keys["population"]["zones"] = str(SHIPPED.parent / keys["population"]["zones"])
    for dotted, value in (changes or {}).items():
        at = keys
        *sections, last = dotted.split(".")
        for section in sections:
            at = at.setdefault(section, {})
        at[last] = value
    path = tmp_path / "town.yaml"
    path.write_text(text if text is not None else yaml.safe_dump(keys))
    return path


def problems_of(path, **kwargs):
    with pytest.raises(InvalidScenario) as caught:
        load(path, **kwargs)
    return {problem.key: problem for problem in caught.value.problems}


def test_every_shipped_scenario_is_valid_and_named_like_its_file():
    for name, path in scenario_module.shipped().items():
        assert load(path).name == name


def test_ten_different_mistakes_are_ten_problems_in_one_report(tmp_path):
    path = written(
        tmp_path,
        {
            "name": "Tiny Town!",
            "run.duration_h": -4,
            "run.sead": 1,
            "run.start": "yesterday",
            "streets.network": "nowhere.graphml",
            "population.p_car": 1.4,
            "population.household_size_shares": [0.5, 0.2],
            "orders": [{"issued_h": 1, "compliance": "most"}],
            "shelling": {"sources": [{"kind": "process", "share_near_people": 1, "events_per_day": -1}]},
            "movement": "fast",
        },
    )
    found = problems_of(path)
    assert set(found) == {
        "name",
        "run.duration_h",
        "run.sead",
        "run.start",
        "streets.network",
        "population.p_car",
        "population.household_size_shares",
        "orders.0.compliance",
        "shelling.sources.0.events_per_day",
        "movement",
    }
    assert len(found) == 10


def test_a_problem_names_file_line_value_and_change(tmp_path):
    path = written(tmp_path, text=written(tmp_path).read_text().replace("duration_h: 4", "duration_h: -4"))
    (problem,) = problems_of(path).values()
    line = path.read_text().splitlines().index("  duration_h: -4") + 1
    assert problem.place == f"{path}:{line}"
    assert problem.found == "-4"
    assert "greater than 0" in problem.change


def test_a_misspelt_key_is_refused_with_the_key_that_was_meant(tmp_path):
    problem = problems_of(written(tmp_path, {"run.duraton_h": 3}))["run.duraton_h"]
    assert "did you mean duration_h?" in problem.change


@pytest.mark.parametrize(
    ("key", "meant"), [("order.0.issued_h", "orders"), ("shelling.source.0.kind", "shelling.sources")]
)
def test_a_misspelt_list_is_refused_with_the_list_that_was_meant(key, meant):
    assert problems_of(SHIPPED, overrides={key: 1})[key].change == f"unknown key; did you mean {meant}?"


def test_paths_are_taken_from_the_folder_of_the_scenario(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load(SHIPPED).streets.network == (SHIPPED.parent / "networks" / "tiny_town.graphml").resolve()


def test_overrides_are_validated_like_the_file(tmp_path):
    scenario = load(SHIPPED, {"run.duration_h": 2, "orders.0.compliance": 0.5})
    assert (scenario.run.duration_h, scenario.orders[0].compliance) == (2, 0.5)
    assert scenario.override({"run.seed": 9}).run.seed == 9
    assert problems_of(SHIPPED, overrides={"run.duration_h": 0})["run.duration_h"].place == "--set"
    assert "no entry 7" in problems_of(SHIPPED, overrides={"orders.7.compliance": 0.5})["orders.7.compliance"].change
    assert problems_of(SHIPPED, overrides={"warm_places": "School"})["warm_places"].change == "should be a list"


def test_the_scenario_that_is_overridden_does_not_change():
    scenario = load(SHIPPED)
    scenario.override({"run.seed": 99})
    assert load(SHIPPED).run == scenario.run


def plan_file(tmp_path, keys):
    path = tmp_path / "plan.yaml"
    path.write_text(yaml.safe_dump(keys))
    return path


def test_a_plan_changes_what_protects_people_and_nothing_else(tmp_path):
    plan = plan_file(tmp_path, {"name": "early", "orders": [{"issued_h": 0, "compliance": 1.0}]})
    scenario = load(SHIPPED, plan=plan)
    assert (scenario.plan, scenario.orders[0].compliance) == ("early", 1.0)
    plan = plan_file(tmp_path, {"name": "less", "shelling": {"sources": []}})
    assert "only what protects people" in problems_of(SHIPPED, plan=plan)["shelling.sources"].change


def test_a_mistake_in_a_plan_is_placed_in_the_plan(tmp_path):
    plan = plan_file(tmp_path, {"name": "odd", "orders": [{"issued_h": -1}]})
    assert problems_of(SHIPPED, plan=plan)["orders.0.issued_h"].place == f"{plan}:3"


@pytest.mark.parametrize("text", ["a: [1", "just words", "- 1\n- 2"])
def test_a_file_that_is_not_a_scenario_is_one_clear_message(tmp_path, text):
    with pytest.raises(ScenarioError, match=r"town\.yaml"):
        load(written(tmp_path, text=text))


def test_a_name_that_is_not_shipped_is_refused_with_the_names_that_are():
    with pytest.raises(ScenarioError, match="Did you mean tiny_town"):
        load("tiny_twon")


def test_every_default_is_explained():
    undocumented, sections = [], [scenario_module.Scenario]
    for section in sections:  # grows meanwhile
        for key, field in section.model_fields.items():
            sections += [part for part in scenario_module.models_in(field.annotation) if part not in sections]
            if section is not scenario_module.Scenario and not is_explained(key, field):
                undocumented.append(f"{section.__name__}.{key}")
    assert undocumented == [] and len(sections) > 30


def is_explained(key, field):
    return field.is_required() or key == "kind" or (field.description or "").strip()


def test_scenarios_survive_pickling(tmp_path):
    import pickle

    scenario = load(SHIPPED, {"run.seed": 5})
    again = pickle.loads(pickle.dumps(scenario))
    assert again == scenario
    assert again.override({"run.seed": 6}).run.seed == 6
    assert isinstance(again.streets.network, Path)


@pytest.mark.parametrize(
    ("issued", "hours"),
    [
        ("2024-10-26T12:00", 6.0),
        ("2024-10-27T12:00", 31.0),  # clocks went back in the night
        ("2024-10-26T12:00:00+00:00", 9.0),  # 15:00 in Kyiv
        ("2024-10-25T12:00", 0.0),
    ],
)
def test_an_order_comes_at_its_local_hour_whatever_the_clocks_do(issued, hours):
    changes = {"orders": [{"issued": issued}], "run.start": "2024-10-26T06:00", "shelling.time_zone": "Europe/Kyiv"}
    scenario = load("tiny_town", changes)
    assert scenario.issued_s(scenario.orders[0]) == hours * 3600


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [("run.duration_h", True, "duration_h is true"), ("run.start", "9999-12-31T23:00", "the year is 9999"),
     ("run.start", "0001-01-01T00:00", "the year is 1;"), ("alerts.warning_s", 1e60, "larger than anything"),
     ("alerts.warning_s", "1e60", "larger than anything"),
     ("front.distances", [{"day": "9999-12-31", "distance_km": 1}], "the year is 9999"),
     ("population.residents", 10**60, "larger than anything")],
)  # fmt: skip
def test_what_nobody_can_mean_is_refused_before_anything_is_built(key, value, words):
    with pytest.raises(ScenarioError, match=words):
        load("tiny_town").override({key: value})
