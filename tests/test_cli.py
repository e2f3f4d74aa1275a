"""Every command of the command line once, and every mistake a user is likely to make."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import networkx as nx
import psutil
import pytest
import yaml
from processes import LIMIT_S, wait_for

from safepassage.cli import main as cli
from safepassage.cli.printed import PlainConsole
from safepassage.model.results import run_folder
from safepassage.model.settings.scenario import shipped

TINY = shipped()["tiny_town"]
SHORT = ("--set", "run.duration_h=0.5")


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """Return a function that runs the command line in an empty folder: arguments -> (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "console", PlainConsole(width=100, force_terminal=False))

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["safepassage", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        shown = capsys.readouterr()
        return ended.value.code or 0, shown.out, shown.err

    return call


@pytest.fixture
def refused(command):
    """Return a function that runs the command line and returns its one message about a mistake."""

    def call(*arguments):
        code, _, error = command(*arguments)
        assert code == 2 and "Traceback" not in error, error
        return error

    return call


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    from safepassage.model.evacuation import EvacuationModel

    return EvacuationModel("tiny_town", **{"run.duration_h": 1.0}).run().save(tmp_path_factory.mktemp("runs"))


def scenario(folder: Path, **sections) -> Path:
    """Write tiny_town with some keys of its sections changed, files named by full path; return the file."""
    keys = yaml.safe_load(TINY.read_text(encoding="utf-8"))
    keys["streets"]["network"] = str(TINY.parent / keys["streets"]["network"])
    keys["streets"]["background"] = str(TINY.parent / keys["streets"]["background"])
    keys["population"]["zones"] = str(TINY.parent / keys["population"]["zones"])
    for section, changes in sections.items():
        keys[section] = {**keys.get(section, {}), **changes} if isinstance(changes, dict) else changes
    path = folder / "town.yaml"
    path.write_text(yaml.safe_dump(keys), encoding="utf-8")
    return path


# --- what works -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [60, 80, 200])
def test_rows_of_verify_fit_their_terminal_and_lose_no_word(width):
    quantity = "cars that leave the last link in the second quarter of an hour of the second hour (1/h)"
    row = cli._check_rows(width)(quantity, "12345.6", "12345.7", "2.5 %") + "as expected"
    assert max(map(len, row.splitlines())) <= width
    assert " ".join(row.split()) == f"{quantity} 12345.6 12345.7 2.5 % as expected"


def test_run_writes_a_run_and_prints_its_measures_in_words(command):
    code, out, _ = command("run", "tiny_town", *SHORT, "--out", "here", "--seed", "7")
    assert code == 0
    run = run_folder.open_run(Path("here/tiny_town-seed7"))
    assert run.manifest["seed"] == 7 and run.manifest["simulated_s"] == 1800
    for words in ("residents", "2,000", "cut off, no way out", "not reached in this run", "person-hours"):
        assert words in out
    assert "North road" in out and "stated" in out and "best hour" in out
    assert max(len(line) for line in out.splitlines() if "tables in" not in line) <= 100


def test_a_quiet_run_prints_its_folder_and_nothing_else(command):
    code, out, _ = command("run", "tiny_town", *SHORT, "--quiet")
    assert (code, out.strip()) == (0, "runs/tiny_town-seed1")


def test_a_second_run_does_not_touch_the_first(command):
    folders = [command("run", "tiny_town", *SHORT, "--quiet")[1].strip() for _ in range(2)]
    assert folders == ["runs/tiny_town-seed1", "runs/tiny_town-seed1-2"]
    digests = [run_folder.open_run(folder).manifest["digests"] for folder in folders]
    assert digests[0] == digests[1]


def test_every_shipped_scenario_is_listed(command):
    code, out, _ = command("scenarios")
    assert code == 0 and all(name in out for name in shipped())


def test_validate_says_what_a_scenario_holds(command):
    code, out, _ = command("validate", "tiny_town")
    assert code == 0
    assert "2,000 in" in out and "tiny_town is valid." in out


def test_plot_writes_pictures_beside_the_tables_or_elsewhere(command, finished, tmp_path):
    code, out, _ = command("plot", finished, "--out", tmp_path / "pictures")
    assert code == 0
    pictures = sorted((tmp_path / "pictures").glob("*.png"))
    assert len(pictures) >= 3 and sorted(map(Path, out.splitlines())) == pictures


def test_bounds_compares_a_run_with_what_was_possible(command, finished):
    code, out, _ = command("bounds", finished)
    assert code == 0 and "best routes" in out and "Price of selfish routes" in out and "mistake" not in out


def test_story_tells_what_a_household_did(command, finished):
    code, out, _ = command("story", finished, "--household", "5")
    assert code == 0 and "At the end:" in out


def test_describe_prints_tables_and_draws_the_map(command):
    code, out, _ = command("network", "describe", TINY.parent / "networks" / "tiny_town.graphml", "--map", "map.png")
    assert code == 0 and "By class" in out and "Exits" in out
    assert Path("map.png").read_bytes().startswith(b"\x89PNG")


def test_without_a_command_the_help_lists_the_commands(command):
    _, out, error = command()
    for name in ("run", "plot", "scenarios", "validate", "network", "story", "verify"):
        assert name in out + error


# --- what a user gets wrong -----------------------------------------------------------------------------------------


def test_ten_mistakes_are_ten_lines(refused, tmp_path):
    path = scenario(
        tmp_path,
        name="Tiny Town!",
        run={"duration_h": -4, "sead": 1, "start": "yesterday"},
        streets={"network": "nowhere.graphml"},
        population={"p_car": 1.4, "household_size_shares": [0.5, 0.2]},
        orders=[{"issued_h": 1, "compliance": "most"}],
        shelling={"sources": [{"kind": "process", "share_near_people": 1, "events_per_day": -1}]},
        movement="fast",
    )
    for command in ("validate", "run"):
        heading, *problems = refused(command, path).splitlines()
        assert heading == "error (10 problems):" and len(problems) == 10
        assert all(str(path) in problem for problem in problems)


MISTAKES = {
    "no such scenario": (("run", "tiny_twon"), "Did you mean tiny_town"),
    "a folder for a scenario": (("run", "."), "no such file"),
    "--set without =": (("run", "tiny_town", "--set", "run.duration_h"), "key.path=value"),
    "--set without a key": (("run", "tiny_town", "--set", "=3"), "key.path=value"),
    "--set of no YAML": (("run", "tiny_town", "--set", "run.seed=[1"), "quote the text"),
    "--set of an unknown key": (("run", "tiny_town", "--set", "run.sead=1"), "did you mean seed?"),
    "--set of text for a number": (("run", "tiny_town", "--set", "run.duration_h=long"), "valid number"),
    "a negative seed": (("run", "tiny_town", "--seed", "-1"), "run.seed"),
    "no such plan": (("run", "tiny_town", "--plan", "nope"), "no such plan"),
    "a run folder that is none": (("plot", "."), "this is not a run"),
    "a story of no run": (("story", "nowhere", "--household", "1"), "this is not a run"),
    "a fit to no run": (("fit-harm", "."), "this is not a run"),
    "a network that is not there": (("network", "describe", "nope.graphml"), "no such file"),
    "an order for a zone that is not there": (
        ("validate", "tiny_town", "--set", "orders=[{issued_h: 1, compliance: 0.5, zones: [Mars]}]"),
        "no zone 'Mars'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_on_the_command_line_is_one_clear_message(mistake, refused):
    arguments, message = MISTAKES[mistake]
    error = refused(*arguments)
    assert message in error and len(error.splitlines()) == 2


@pytest.mark.parametrize("content", ["", "hello", "<html></html>", TINY.read_text(encoding="utf-8")])
def test_a_graphml_that_is_none_is_named(content, refused, tmp_path):
    (tmp_path / "streets.graphml").write_text(content, encoding="utf-8")
    path = scenario(tmp_path, streets={"network": "streets.graphml"})
    for arguments in (("validate", path), ("run", path), ("network", "describe", "streets.graphml")):
        assert "streets.graphml: this is not a GraphML file" in refused(*arguments)


def test_a_missing_network_is_named_with_the_line_that_asks_for_it(refused, tmp_path):
    path = scenario(tmp_path, streets={"network": "nowhere.graphml"})
    error = refused("run", path)
    assert f"{path}:" in error and f"no file {tmp_path / 'nowhere.graphml'}" in error


def street_graph(*edges) -> nx.MultiDiGraph:
    graph = nx.MultiDiGraph(crs="EPSG:4326")
    for edge in edges:
        for node in edge[:2]:
            graph.add_node(node, x=-33.0 + 0.004 * (ord(node) - 97), y=45.0)
        graph.add_edge(edge[0], edge[1], highway=edge[2], oneway=str(len(edge) > 3))
    return graph


def test_an_exit_that_nobody_can_reach_is_named(refused, tmp_path):
    edges = [("a", "b", "residential"), ("b", "a", "residential"), ("c", "b", "motorway", "one way")]
    nx.write_graphml(street_graph(*edges), tmp_path / "streets.graphml")
    path = scenario(tmp_path, streets={"network": "streets.graphml", "exits": [{"name": "Gate", "node": "c"}]})
    assert "exit 'Gate' (node c) cannot be reached" in refused("run", path)


def test_an_exit_is_named_that_is_not_in_the_network_or_far_from_it(refused, tmp_path):
    path = scenario(tmp_path, streets={"exits": [{"name": "Gate", "node": "nope"}]})
    assert "(Gate): node 'nope' is not in the network" in refused("run", path)
    path = scenario(tmp_path, streets={"exits": [{"name": "Gate", "latitude_deg": 10, "longitude_deg": 10}]})
    assert "nearest street is" in refused("run", path)


def test_a_network_without_streets_is_refused(refused, tmp_path):
    graph = street_graph(("a", "b", "residential"))
    graph.remove_edge("a", "b")
    nx.write_graphml(graph, tmp_path / "streets.graphml")
    assert "has no edges" in refused("run", scenario(tmp_path, streets={"network": "streets.graphml", "exits": []}))


def test_a_network_in_which_no_exit_is_wanted_or_found_is_refused(refused, tmp_path):
    path = scenario(tmp_path, streets={"exits": [], "border_exits": {"n_exits": 0}})
    assert "exits" in refused("run", path)


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "[1, 2]", '{"type": "FeatureCollection"}', "\x00\x01"])
def test_zones_that_are_no_geojson_are_named(content, refused, tmp_path):
    (tmp_path / "zones.geojson").write_text(content, encoding="utf-8")
    error = refused("run", scenario(tmp_path, population={"zones": "zones.geojson"}))
    assert re.search(r"zones\.geojson.*: this is not (GeoJSON|a GeoJSON|text)", error)


def test_a_plan_that_changes_the_hazard_is_refused(refused, tmp_path):
    (tmp_path / "plan.yaml").write_text("name: worse\nshelling: {sources: []}\n", encoding="utf-8")
    assert "only what protects people" in refused("run", "tiny_town", "--plan", "plan.yaml")


def test_a_folder_that_takes_no_files_is_named_before_anything_is_run(refused, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert "nothing can be written there" in refused("run", "tiny_town", "--out", tmp_path / "file")
    assert "nothing can be written there" in refused("run", "tiny_town", "--out", "/proc/nowhere")


def test_pictures_that_cannot_be_written_are_one_clear_message(refused, finished, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert str(tmp_path / "file") in refused("plot", finished, "--out", tmp_path / "file")
    network = TINY.parent / "networks" / "tiny_town.graphml"
    assert "nowhere" in refused("network", "describe", network, "--map", tmp_path / "nowhere" / "map.png")


def test_a_map_is_never_drawn_over_another_file(refused, tmp_path):
    (tmp_path / "map.png").write_text("mine", encoding="utf-8")
    network = TINY.parent / "networks" / "tiny_town.graphml"
    assert "already" in refused("network", "describe", network, "--map", "map.png")
    assert (tmp_path / "map.png").read_text(encoding="utf-8") == "mine"


def test_a_full_disk_is_one_clear_message_and_leaves_no_half_run(refused, monkeypatch, tmp_path):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run_folder.pq, "write_table", full)
    assert "No space left on device" in refused("run", "tiny_town", *SHORT, "--out", tmp_path / "runs")
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_run_whose_tables_are_damaged_is_one_clear_message(refused, finished, tmp_path):
    import shutil

    copy = shutil.copytree(finished, tmp_path / "copy")
    (copy / "timeseries.parquet").write_bytes(b"PAR1")
    assert "cannot be read" in refused("plot", copy, "--out", tmp_path / "pictures")
    (copy / "manifest.json").write_text("{", encoding="utf-8")
    assert "not a manifest" in refused("plot", copy)


@pytest.mark.parametrize("kernels", ["compiled before", "being compiled"])
def test_ctrl_c_ends_a_run_without_a_trace(tmp_path, kernels):
    started = [sys.executable, "-m", "safepassage.cli.main", "run", "tiny_town", "--set", "run.duration_h=700"]
    cache = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")} if kernels == "being compiled" else {}
    process = subprocess.Popen(
        [*started, "--set", "run.step_s=5"], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        env={**os.environ, **cache, "COLUMNS": "80"}, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background shell ignores it
    )  # fmt: skip
    try:
        wait_for((tmp_path / "runs").exists, process)
        if cache:
            wait_for(lambda: list((tmp_path / "cache").rglob("*.nbc")), process)
        else:
            cpu_s = psutil.Process(process.pid).cpu_times().user
            wait_for(lambda: psutil.Process(process.pid).cpu_times().user > cpu_s + 1.0, process)
        process.send_signal(signal.SIGINT)
        error = process.communicate(timeout=LIMIT_S)[1]
    finally:
        process.kill()
    assert process.returncode == 130 and "Traceback" not in error, error
    assert list((tmp_path / "runs").iterdir()) == []
