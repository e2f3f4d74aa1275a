"""The reference pages hold every key, table, column and command that the code has, and are the same when made again."""

import sys
from pathlib import Path

import pytest

from safepassage.experiments.questions.calibrate import Calibration
from safepassage.experiments.questions.optimise import Optimisation
from safepassage.experiments.sweeps.study import Study
from safepassage.model.hazard.layouts import PLAIN_COLUMNS
from safepassage.model.results.dictionary import TABLES
from safepassage.model.results.outcomes import GROUPS, OUTCOMES
from safepassage.model.settings.files.keys import keys

sys.path.insert(0, str(Path(__file__).parent.parent / "docs"))

import docstrings
import reference_pages


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> dict[str, str]:
    """Return name -> text of every page of the reference."""
    pages = reference_pages.write_all(tmp_path_factory.mktemp("reference"))
    return {path.stem: path.read_text(encoding="utf-8") for path in pages}


def test_every_key_of_a_scenario_is_in_the_reference_with_default_and_example(written):
    for key in keys():
        entry = written["scenario"].split(f"{{confval}} {key.name}\n", 1)[1].split("```", 1)[0]
        assert ":type: " in entry and ":default: " in entry and "\nExample: " in entry, key.name
        assert key.source in entry, key.name


@pytest.mark.parametrize("model", [Study, Optimisation, Calibration])
def test_every_key_of_a_study_file_is_in_the_reference(written, model):
    for key in keys(model):
        assert f"{{confval}} {key.name}\n" in written["studies"]


def test_every_column_of_every_table_is_in_the_reference_with_its_type(written):
    for table, described in TABLES.items():
        part = written["tables"].split(f"\n## `{table}`\n", 1)[1].split("\n## ", 1)[0]
        for column in described.columns:
            row = next(line for line in part.splitlines() if line.startswith(f"| `{column}` |"))
            assert row.split(" | ")[1], f"{table}.{column} has no type"


def test_every_outcome_is_in_the_reference_with_unit_and_direction(written):
    for name, outcome in OUTCOMES.items():
        row = next(line for line in written["outcomes"].splitlines() if line.startswith(f"| `{name}` |"))
        assert f"| {outcome.unit} | {outcome.direction} |" in row
    for group in GROUPS:
        assert f"| `{group}` |" in written["outcomes"]


def test_every_command_and_option_is_in_the_reference(written):
    names = [name for name, _ in reference_pages.commands()]
    assert {"run", "compare", "network describe", "verify"} <= set(names)
    for name in names:
        assert f"## `safepassage {name}`" in written["commands"]
    for option in ("`--set`", "`--quiet`, `-q`", "`--no-browser`", "`--map`", "`SCENARIO`", "`--dry-run`"):
        assert option in written["commands"]


def test_every_column_of_a_table_of_events_is_in_the_reference(written):
    for column in PLAIN_COLUMNS:
        assert f"| `{column}` |" in written["events"]


def test_a_page_that_has_not_changed_is_left_alone(tmp_path):
    path = tmp_path / "page.md"
    reference_pages._write(path, "text")
    before = path.stat().st_mtime_ns
    reference_pages._write(path, "text\n")
    assert path.stat().st_mtime_ns == before


def test_every_module_with_a_rule_is_named_in_the_odd_description():
    root = Path(__file__).parent.parent
    text = (root / "docs" / "odd" / "submodels.md").read_text(encoding="utf-8")
    missing = [
        f"{folder}/{path.name}"
        for folder in reference_pages.RULES
        for path in sorted((root / folder).glob("*.py"))
        if path.name != "__init__.py" and path.name not in text
    ]
    assert not missing, f"say in docs/odd/submodels.md what these are for: {missing}"


def test_every_state_variable_of_people_says_what_it_is(written):
    assert "| `injury_time_s` | float64: when the person was hurt (s); inf: unhurt. |" in written["state_variables"]
    silent = [line for line in written["state_variables"].splitlines() if line.endswith("|  |")]
    assert not silent


def test_arguments_described_in_a_docstring_become_fields():
    def function(scenario, *, rng=None):
        """Do it."""

    lines = ["scenario: name or path. rng: seed,", "instead of run.seed.", "", "Raises ScenarioError."]
    docstrings.arguments_as_fields(None, "function", "name", function, None, lines)
    assert [line for line in lines if line] == [
        ":param scenario: name or path.",
        ":param rng: seed, instead of run.seed.",
        "Raises ScenarioError.",
    ]
