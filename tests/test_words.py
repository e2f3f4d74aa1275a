"""One vocabulary: what every member and every outcome is called, which way it is better, where it stands."""

import re
from pathlib import Path

import numpy as np
import pytest

import safepassage.agents
import safepassage.app
import safepassage.model
from safepassage import EvacuationModel
from safepassage.agents.civilians import Injury, Mobility, Protection, Status
from safepassage.agents.households import Cause
from safepassage.agents.parties import Mode
from safepassage.agents.words import Worded
from safepassage.experiments.outcomes.of_run import RunInMemory, outcomes_of, units_of
from safepassage.experiments.runs.run import Task, carry_out, manifest_of
from safepassage.model.behaviour.covariates import VALUES, Covariate, coefficient_vector
from safepassage.model.pictures.palette import GREY, colour_of, in_order
from safepassage.model.results.outcomes import BY_GROUP, GROUPS, NAMES, OUTCOMES, Direction, Panel, outcome_of
from safepassage.model.settings.behaviour import Coefficients
from safepassage.model.settings.scenario import load

SHORT = {"run.duration_h": 0.25}


@pytest.mark.parametrize("kind", [Status, Protection, Injury, Mobility, Cause, Covariate, Mode])
def test_every_member_has_words_that_no_other_of_its_kind_has(kind):
    words = [member.words for member in kind]
    assert all(re.fullmatch(r"[^A-Z_]+[^.]", text) for text in words)
    assert len(set(words)) == len(words)


def test_a_member_without_words_is_an_error():
    with pytest.raises(TypeError):
        Worded("Kind", {"ONE": 1})


def test_arrays_take_a_member_for_its_number():
    modes = np.array([Mode.WALK, Mode.CAR, Mode.WALK], np.int8)
    assert (modes == Mode.WALK).tolist() == [True, False, True]
    assert (modes[0] < Mode.CAR) and (modes + Mode.CAR).dtype == (modes + np.int64(2)).dtype


def test_every_covariate_has_its_value_and_its_coefficient_and_every_coefficient_its_covariate():
    assert set(VALUES) == set(Covariate)
    assert {covariate.key for covariate in Covariate} == set(Coefficients.model_fields) - {"baseline_per_day"}
    settings = Coefficients(impacts=0.25, lone_old=-0.5)
    assert coefficient_vector(settings)[[Covariate.IMPACTS, Covariate.LONE_OLD]].tolist() == [0.25, -0.5]


@pytest.mark.parametrize("kind", [Status, Protection, Injury, Mode])
def test_every_member_that_pictures_show_has_a_colour_of_its_own(kind):
    drawn = in_order(kind)
    assert set(kind) - set(drawn) <= {kind(0)}  # NONE alone is never drawn
    shades = [colour_of(member) for member in drawn]
    assert GREY not in shades and len(set(shades)) == len(shades)


def test_every_outcome_has_words_unit_direction_and_panel():
    for outcome in OUTCOMES.values():
        assert outcome.words and outcome.unit, outcome
        assert isinstance(outcome.direction, Direction) and isinstance(outcome.panel, Panel), outcome
    for status in set(Status) - {Status.DEAD}:
        assert OUTCOMES[status.name.lower()].words == status.words
    for place in Protection:
        assert place.words in OUTCOMES[f"exposure_{place.name.lower()}"].words


def test_a_run_has_every_outcome_of_the_vocabulary_and_no_other():
    weather = {"weather": {"source": "none", "monthly_mean_c": [0] * 12}}  # else no outcomes of cold
    model = EvacuationModel(load("tiny_town", SHORT | weather)).run()
    found = outcomes_of(RunInMemory(model.recorder.tables(), manifest_of(model)))
    assert set(found) == set(NAMES)
    of_nobody = ("h", "1", "per 1,000 people", "km", "days")
    assert all(np.isfinite(value) or outcome_of(name).unit in of_nobody for name, value in found.items())


def test_a_sweep_and_a_comparison_give_the_same_names_to_the_same_values():
    scenario = load("tiny_town", SHORT)
    of_sweep = carry_out(Task(scenario, 3)).outcomes
    of_comparison = carry_out(Task(scenario, 3, at_s=(900.0,), columns=("n_safe", "n_remaining:under_18"))).outcomes
    assert set(of_comparison) - set(of_sweep) == {"n_safe@900", "n_remaining:under_18@900"}
    assert all(np.array_equal(of_comparison[name], value, equal_nan=True) for name, value in of_sweep.items())
    assert of_comparison["n_safe@900"] == of_sweep["safe"]


def test_a_name_with_group_time_or_statistic_keeps_its_direction():
    for name in ("p95.left_behind:no_car", "mean_left_behind", "n_dead@3600", "casualties_per_1000:under_18"):
        assert outcome_of(name).direction == Direction.LESS, name
    assert "household without a car" in outcome_of("left_behind:no_car").words
    assert outcome_of("n_boarded").direction == Direction.MORE
    assert outcome_of("left_behind:nobody") is None and outcome_of("drop.table") is None


def test_units_of_outcomes_by_group_are_those_of_the_whole():
    names = [f"{name}:{group}" for name in BY_GROUP for group in GROUPS]
    assert set(units_of(names).values()) == {"people", "1", "h", "per 1,000 people"}


def test_the_words_of_a_status_place_or_injury_are_written_nowhere_else():
    texts = {m.words for kind in (Status, Protection, Injury) for m in kind if len(m.words) > 12}
    for package in (safepassage.agents, safepassage.model, safepassage.app):
        folder = Path(package.__file__).parent
        for path in [*folder.rglob("*.py"), *folder.rglob("*.js")]:
            written = path.read_text(encoding="utf-8")
            found = [text for text in texts if f'"{text}"' in written]
            assert path.name == "civilians.py" or not found, (path, found)
