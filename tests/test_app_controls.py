"""Fields of the page, read off the schema; choices checked before any run."""

import pytest

from safepassage.app import controls
from safepassage.app.choices import AS_GIVEN, Choices
from safepassage.app.session import Session
from safepassage.model.settings.scenario import load, shipped

SCENARIO = load("tiny_town")
PLANS = shipped()["tiny_town"].parent / "plans"


def test_unit_range_default_and_help_come_from_the_schema():
    field = controls.read(SCENARIO, "behaviour.preparation_median_s")
    assert (field.label, field.unit, field.kind, field.low, field.default) == (
        "How long people take to get ready",
        "s",
        "slider",
        0,
        3600,
    )
    assert field.high >= 2 * field.value and "Assumption" in field.help
    share = controls.read(SCENARIO, "behaviour.p_destination")
    assert (share.low, share.high, share.step) == (0, 1, 0.01)


def test_every_field_shown_exists_and_lies_within_its_range():
    shown = [field for group in controls.groups(SCENARIO) for field in group["fields"]]
    assert len(shown) > 20
    for field in shown:
        assert field["help"], field["key"]
        if field["kind"] == "slider":
            assert field["low"] <= field["value"] <= field["high"], field["key"]
            assert 0 < field["step"] <= (field["high"] - field["low"]), field["key"]


def test_the_scale_of_casualties_has_a_slider():
    assert "harm.casualty_scale" in [field["key"] for group in controls.groups(SCENARIO) for field in group["fields"]]


def test_a_field_whose_key_no_scenario_can_have_is_an_error(monkeypatch):
    monkeypatch.setitem(controls.GROUPS, "The run", ("run.sed",))
    controls.check_keys.cache_clear()
    with pytest.raises(ValueError, match=r"no scenario has the key 'run\.sed'"):
        controls.groups(SCENARIO)
    controls.check_keys.cache_clear()


def test_labels_are_plain_words_that_tell_fields_apart():
    labels = [field["label"] for group in controls.groups(SCENARIO) for field in group["fields"]]
    assert len(set(labels)) == len(labels)
    assert {"How many do as told", "How many hear the sirens"} <= set(labels)


def test_keys_that_a_scenario_does_not_have_are_left_out():
    assert controls.read(SCENARIO, "orders.9.compliance") is None
    assert controls.read(SCENARIO, "shelling.sources") is None


@pytest.mark.parametrize("step", [0.000013, 0.013, 0.5, 1.0, 7.0, 99.0, 1000.0, 3e300])
def test_steps_are_round_and_not_too_coarse(step):
    assert step / 2.6 <= controls._round_step(step) <= step * 1.001


@pytest.mark.parametrize("value", [".inf", "-.inf", ".nan", "1e999", "1.0e+308", "1.0e-300"])
def test_no_number_however_large_or_small_hangs_the_fields(value):
    choices = Choices("tiny_town")
    choices.change("behaviour.preparation_median_s", value)
    assert ("behaviour.preparation_median_s" in choices.problems) == (value != "1.0e-300")
    fields = {field["key"]: field for group in choices.groups() for field in group["fields"]}
    field = fields["behaviour.preparation_median_s"]
    assert field["low"] <= field["value"] <= field["high"] and field["step"] > 0


def test_a_wrong_value_is_explained_and_the_run_keeps_the_last_good_one():
    choices = Choices("tiny_town")
    choices.change("behaviour.p_destination", "0.2")
    choices.change("behaviour.p_destination", "7")
    assert "less than or equal to 1" in choices.problems["behaviour.p_destination"]
    assert choices.scenario().behaviour.p_destination == 0.2
    choices.change("run.seed", "12:::[")
    assert choices.scenario().run.seed == 1
    assert choices.tried() == {"behaviour.p_destination": "7", "run.seed": "12:::["}, "both stand there to be put right"
    choices.change("run.seed", 5)
    assert choices.scenario().run.seed == 5 and list(choices.problems) == ["behaviour.p_destination"]
    choices.change("behaviour.p_destination", "0.2")
    assert choices.problems == {} and choices.tried() == {}


def test_another_scenario_brings_its_own_values():
    choices = Choices("tiny_town")
    choices.change("run.seed", 5)
    choices.choose("scenario", "coquimbo")
    assert choices.scenario().name == "coquimbo" and choices.scenario().run.seed == 1 and choices.plan == AS_GIVEN


def test_a_plan_that_does_not_suit_is_refused_with_its_reason(tmp_path, monkeypatch):
    bad = tmp_path / "bad.yaml"
    bad.write_text("population: {p_car: 1}\n")
    choices = Choices("tiny_town")
    monkeypatch.setattr(choices, "plans", lambda: [str(bad)])
    choices.choose("plan", str(bad))
    assert "a plan changes only what protects people" in choices.problems["plan"]
    assert choices.plan == AS_GIVEN


def test_after_a_plan_that_cannot_be_built_the_fields_say_what_runs(tmp_path, monkeypatch):
    far = tmp_path / "far.yaml"
    far.write_text((PLANS / "buses.yaml").read_text().replace("scenario: coquimbo", "scenario: tiny_town"))
    session = Session("tiny_town")
    monkeypatch.setattr(session.choices, "plans", lambda: [str(far)])
    session.start()
    session.choices.change("run.seed", 5)
    session.start()
    session.choices.choose("plan", str(far))
    session.choices.change("run.seed", 6)
    session.start()
    choices = session.choices
    assert "nearest street" in choices.problems["run"]
    assert (choices.plan, choices.overrides, session.model.seed) == (AS_GIVEN, {"run.seed": 5}, 5)
    choices.change("run.seed", 7)
    session.start()
    assert session.model.seed == 7 and choices.problems == {}
