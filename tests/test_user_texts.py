"""What users wrote is shown as they wrote it: no brackets, dollars, tags or escape characters mean anything."""

import csv
import io
import json
import shlex
import subprocess
import sys

import pandas as pd
import pytest
from matplotlib.figure import Figure
from rich.table import Table
from studies import keys

from safepassage.cli import main as cli
from safepassage.cli.printed import PlainConsole, styled
from safepassage.experiments.reports.parts import Page, Part, ShownTable, picture_of
from safepassage.experiments.reports.report import render
from safepassage.experiments.runs.csv_files import csv_bytes
from safepassage.experiments.runs.run import Base, Point
from safepassage.experiments.sweeps.study import study_of
from safepassage.model.pictures.curves import draw_all
from safepassage.model.results.run_folder import open_run
from safepassage.model.settings.errors import ScenarioError
from safepassage.model.settings.scenario import load

HOSTILE = "[/bold] :bomb: [link=x]y[/link] $x_{$ <script>alert(1)</script> \\"
"""Marks of rich, of emoji, of formulas, of HTML, and a stray backslash."""
ESCAPES = "\x1b]0;owned\x07\x1b[31m\x9b2J\r\u202e\u200f\u200b\ufeff"


@pytest.mark.parametrize("show", [lambda text: text, lambda text: styled((text, "bold")), lambda text: _table(text)])
def test_brackets_names_of_emoji_and_control_characters_are_printed_as_text(show, capsys):
    PlainConsole(width=300, force_terminal=False).print(show(HOSTILE + ESCAPES))
    told = capsys.readouterr().out
    assert HOSTILE in told and not set(ESCAPES) & set(told) & set("\x1b\x07\x9b\r\u202e\u200f\u200b\ufeff")
    assert r"\x1b]0;owned\x07" in told and r"\u202e" in told


def _table(text):
    table = Table(text, title=text)
    table.add_row(text)
    return table


def test_a_run_with_such_a_title_and_such_names_is_printed_and_drawn(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(cli, "console", PlainConsole(width=200, force_terminal=False))
    exits = json.dumps([{"name": HOSTILE, "latitude_deg": 45.011242, "longitude_deg": -33.002289}])
    words = ["safepassage", "run", "tiny_town", "--out", str(tmp_path), "--set", "run.duration_h=0.25"]
    words += ["--set", f"title={json.dumps(HOSTILE)}", "--set", f"notice={json.dumps(HOSTILE)}"]
    monkeypatch.setattr(sys, "argv", [*words, "--set", f"streets.exits={exits}"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    told = capsys.readouterr().out
    assert not ended.value.code and told.count(HOSTILE) >= 2
    run = open_run(tmp_path / "tiny_town-seed1")
    assert run.frame("exits")["exit"].tolist() == [HOSTILE]
    assert len(draw_all(run, tmp_path / "pictures")) > 3


def test_a_message_spells_out_what_a_terminal_would_obey(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["safepassage", "run", f"no{ESCAPES}where"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    told = capsys.readouterr().err
    assert ended.value.code == 2 and r"no\x1b]0;owned\x07" in told and "\x1b" not in told


def test_a_dollar_in_a_picture_is_a_dollar():
    figure = Figure()
    axes = figure.subplots()
    axes.bar(["$a_{", "b$$"], [1, 2])
    axes.set_title("$x_{$")
    assert picture_of(figure, "").data


def test_tags_in_a_report_are_text():
    table = ShownTable([HOSTILE], [[HOSTILE]], HOSTILE)
    versions, scenario = {HOSTILE: HOSTILE}, load("tiny_town").model_dump(mode="json")
    scenario["title"] = HOSTILE
    page = Page(HOSTILE, HOSTILE, HOSTILE, [(HOSTILE, HOSTILE)], [Part(HOSTILE, HOSTILE, [], [table])], [scenario],
                versions, [HOSTILE])  # fmt: skip
    written = render(page)
    assert "<script>alert" not in written and "&lt;script&gt;alert(1)" in written


def test_no_text_is_a_formula_where_a_spreadsheet_opens_a_table():
    names = ["=cmd|' /C calc'!A0", "+1+1", "-x", "@SUM(A1)", "\t=1", "-2.5", "Main Street", None]
    frame = pd.DataFrame({"=plan": names, "n": range(len(names)), "exit": pd.Categorical(names)})
    header, *rows = csv.reader(io.StringIO(csv_bytes(frame).decode()))
    assert header == ["'=plan", "n", "exit"] and [row[0] for row in rows] == [row[2] for row in rows]
    assert [row[0] for row in rows] == [f"'{name}" for name in names[:5]] + ["-2.5", "Main Street", ""]


@pytest.mark.parametrize(
    "value", ["a b; touch owned", "$(touch owned)", "`touch owned`", "it's", '"', "\N{SNOWMAN}", "-x"]
)
def test_the_command_that_repeats_a_run_keeps_every_word_whole(value, tmp_path):
    base = Base(load("tiny_town"), value, value, {"title": value})
    command = Point(0, base, {"notice": value}).command(1)
    show = f"{sys.executable} -c 'import sys; print(ascii(sys.argv[1:]))' {command}"
    told = subprocess.run(["bash", "-c", show], capture_output=True, text=True, cwd=tmp_path, check=True).stdout
    words = eval(told)
    assert (
        words == shlex.split(command) and words[2].removeprefix("./") == value and words[4].removeprefix("./") == value
    )
    assert load("tiny_town", cli._changes([words[6], words[8]])).title == value and not list(tmp_path.iterdir())


def test_a_name_too_long_for_a_file_is_refused():
    with pytest.raises(ScenarioError, match="at most 60 characters"):
        load("tiny_town", {"name": "a" * 300})
    with pytest.raises(ScenarioError, match="at most 60 characters"):
        study_of(keys(name="a" * 300))
