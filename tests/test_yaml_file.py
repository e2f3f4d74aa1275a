"""What users write in YAML is read as it is meant, or refused with the line and what to write instead."""

import random
import time

import pytest
import yaml

from safepassage.experiments.questions.calibrate import load_calibration
from safepassage.experiments.questions.optimise import load_optimisation
from safepassage.experiments.sweeps.study import load_study
from safepassage.model.settings.errors import ScenarioError
from safepassage.model.settings.files.yaml_file import MOST_BYTES, read_value, read_yaml
from safepassage.model.settings.scenario import load, read_keys, shipped

TINY = shipped()["tiny_town"]


@pytest.fixture
def file(tmp_path):
    """Return a function that writes a file of the given text or bytes."""

    def write(content, name="file.yaml"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


REFUSED = {
    "a: 1\nb: 2\na: 3\n": r":3: the key 'a' appears twice, first on line 1",
    "a:\n  - {b: 1, b: 2}\n": r":2: the key 'b' appears twice, first on line 2",
    "a: 010\n": r":1: 010 would be read as a number in base 8; write 10",
    "a: !!bool x\n": r":1: x is neither true nor false",
    "a: !!float x\n": r":1: x is no number",
    "a: !!int x\n": r":1: x is not a whole number",
    "a: !!timestamp x\n": r":1: x is no date",
    "a: 2024-13-45\n": r":1: 2024-13-45 is no date",
    "a: !!python/object/apply:os.system [ls]\n": r":1: .*is a kind of value that is not used here",
    "a: !odd x\n": r":1: '!odd' is a kind of value that is not used here",
    "a: !!set {x, y}\n": r":1: .*is a kind of value that is not used here",
    "a: " + "9" * 5000 + "\n": r":1: this number has more than 40 digits",
    "a: " + "[" * 500 + "]" * 500 + "\n": r":1: more than 40 lists and sections are nested here",
    "a: &x [*x]\n": r":1: \*x refers to an anchor that is not defined before it",
    "a: *y\n": r":1: \*y refers to an anchor that is not defined before it",
    "? [a, b]\n: 1\n": r":1: a list, a section or a repetition stands where a key should",
    "a: 1\n---\nb: 2\n": r":2: a second document starts here",
    'a: "\\e[31m"\n': r":1: the text holds the character U\+001B, which is invisible",
    'a: "\\u202e"\n': r":1: the text holds the character U\+202E",
    "a: [1\nb: 2\n": r":2: this is not YAML",
    "a:\n\t- 1\n": r":2: this is not YAML",
    b"a: 1\nb: \xff\n": r":2: this file is not UTF-8 text",
    "- 1\n": r"must be a list of `key: value` lines; found list",
    "": r"found NoneType",
}


@pytest.mark.parametrize("content", REFUSED, ids=lambda content: repr(content[:24]))
def test_what_would_be_read_otherwise_than_it_is_meant_is_refused_with_its_line(file, content):
    with pytest.raises(ScenarioError, match=REFUSED[content]):
        read_keys(file(content))


def test_aliases_of_aliases_are_refused_at_once(file):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    began = time.process_time()
    with pytest.raises(ScenarioError, match="more than 100,000 values, repeated ones counted"):
        read_keys(file("\n".join(lines)))
    assert time.process_time() - began < 10


def test_a_file_too_large_is_refused_before_it_is_read(file):
    with pytest.raises(ScenarioError, match="larger than 500,000 bytes"):
        read_keys(file(b"#" * (MOST_BYTES + 1)))


def test_what_is_left_is_read_as_the_yaml_library_reads_it():
    for path in [*shipped().values(), *TINY.parent.glob("plans/*.yaml"), *TINY.parent.glob("studies/*.yaml")]:
        text = path.read_text(encoding="utf-8")
        found, places = read_yaml(path)
        theirs = yaml.load(text, yaml.SafeLoader)
        assert _plain(found) == _plain(theirs)
        line = int(places[("name",)].rsplit(":", 1)[1])
        assert text.splitlines()[line - 1].startswith("name:")


def _plain(value):
    """Return a value with the times of day that YAML takes for numbers to the base 60 as the file has them."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return f"{value // 60}:{value % 60:02}" if isinstance(value, int) and 600 <= value < 1440 else value


def test_repeated_parts_are_copies_and_merged_sections_yield_to_what_is_written(file):
    found, _ = read_yaml(file("a: &one {x: [1, 2], y: 1}\nb: *one\nc:\n  <<: *one\n  y: 3\n"))
    assert found == {"a": {"x": [1, 2], "y": 1}, "b": {"x": [1, 2], "y": 1}, "c": {"x": [1, 2], "y": 3}}
    assert found["a"]["x"] is not found["b"]["x"] and found["a"]["x"] is not found["c"]["x"]


def test_a_mark_of_byte_order_and_other_line_ends_change_nothing(file):
    text = "a: 1\nb: [2, 3]\n"
    assert read_yaml(file(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()))[0] == {"a": 1, "b": [2, 3]}


def test_a_length_of_time_written_as_a_clock_is_refused_and_a_time_of_the_day_is_read():
    with pytest.raises(ScenarioError, match=r"issued_h = '1:30': .*one number, 1\.5 for an hour and a half"):
        load(TINY, {"orders.0.issued_h": read_value("1:30", "--set")})
    hours = [{"first_day": "2024-08-01", "from_time": read_value("22:00", ""), "until_time": "05:00"}]
    assert load(TINY, {"curfew.windows": hours}).curfew.windows[0].from_time.hour == 22


@pytest.mark.parametrize("start", [20240801, 20240801.0, "20240801", "1722499200"])
def test_a_number_where_a_date_belongs_is_refused(start):
    with pytest.raises(ScenarioError, match=r"run\.start = .*is a number; write a date as 2024-08-19"):
        load(TINY, {"run.start": start})


@pytest.mark.parametrize("read", [load, load_study, load_calibration, load_optimisation])
def test_every_kind_of_file_is_read_by_the_same_reader(file, read):
    with pytest.raises(ScenarioError, match=r"file\.yaml:2: the key 'name' appears twice"):
        read(file("name: a\nname: b\n"))


@pytest.mark.parametrize("value", ["!!binary x", "[", "a: b: c", "*x", "010", "\x1b"])
def test_a_wrong_value_of_the_command_line_is_one_message(value):
    with pytest.raises(ScenarioError, match=r"^--set a\.b"):
        read_value(value, f"--set a.b={value}"[:9])


@pytest.mark.parametrize("dotted", ["--5", "\N{SUPERSCRIPT TWO}", "run.--1.x", "orders.99999999999.issued_h", "."])
def test_an_odd_key_of_the_command_line_is_one_message(dotted):
    with pytest.raises(ScenarioError):
        load(TINY, {dotted: 1})


def test_mutated_scenarios_are_read_or_refused():
    chance, text = random.Random(19), TINY.read_text(encoding="utf-8")
    pieces = [
        "&a ",
        "*a",
        "!!int ",
        "[",
        "]",
        "{",
        "}",
        "- ",
        ": ",
        "\n",
        '"',
        "'",
        "010",
        "1:30",
        "<<: ",
        "---\n",
        "\t",
        "~",
    ]
    outcomes = {"read": 0, "refused": 0}
    for _ in range(300):
        changed = text
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(changed))
            changed = changed[:at] + chance.choice(pieces) + changed[at + chance.choice([0, 0, 1, 5, 40]) :]
        try:
            read_value(changed, "town.yaml")
            outcomes["read"] += 1
        except ScenarioError:
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 20
