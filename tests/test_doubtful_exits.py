"""Exits that were only found, and what speaks against them."""

import html
from pathlib import Path

import networkx as nx
import pytest
from drawn_streets import crossing
from typer.testing import CliRunner

from safepassage.cli.main import app
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.maps.read import map_of
from safepassage.model.maps.report import describe
from safepassage.model.maps.town import Wishes, begin_town
from safepassage.model.maps.town_exits import exits_of_town
from safepassage.model.settings.scenario import load
from safepassage.model.settings.streets import StreetSettings
from safepassage.model.streets.build import compile_streets
from safepassage.model.streets.ways_out.doubts import doubts_of_exits

HELSINKI = Path(__file__).parents[1] / "scenarios/networks/helsinki_centre.osm.pbf"


def town(exit_node, extra=()):
    """A grid of 5 x 5 streets, 400 m apart, a main road out to the east, and more streets."""
    graph = nx.MultiDiGraph(crs="EPSG:32637")

    def street(a, b, highway):
        for up, down in ((a, b), (b, a)):
            for name, (x_m, y_m) in ((up, places[up]), (down, places[down])):
                graph.add_node(name, x=400_000.0 + x_m, y=5_300_000.0 + y_m)
            length_m = sum((p - q) ** 2 for p, q in zip(places[up], places[down], strict=True)) ** 0.5
            graph.add_edge(up, down, highway=highway, length=str(length_m), oneway="False")

    places = {f"{i}{j}": (400.0 * i, 400.0 * j) for i in range(5) for j in range(5)}
    places |= {"east": (2600.0, 800.0), "pier": (1600.0, 2000.0), "shore": (1200.0, 1700.0)}
    for i in range(5):
        for j in range(4):
            street(f"{i}{j}", f"{i}{j + 1}", "residential")
            street(f"{j}{i}", f"{j + 1}{i}", "residential")
    street("42", "east", "primary")
    for a, b, highway in extra:
        street(a, b, highway)
    exits = [{"node": exit_node, "name": "way out"}]
    return compile_streets(graph, StreetSettings.model_validate({"network": __file__, "exits": exits}))[0]


@pytest.mark.parametrize(
    ("exit_node", "extra", "word"),
    [
        ("22", (), "inside the outline"),
        ("pier", [("44", "pier", "residential")], "dead end"),
        ("44", (), "ring"),
        ("shore", [("44", "shore", "primary")], "along the edge"),
    ],
)
def test_an_exit_that_may_be_none_is_doubted_for_a_reason(exit_node, extra, word):
    (doubts,) = doubts_of_exits(town(exit_node, extra))
    assert any(word in doubt for doubt in doubts)


def test_a_main_road_that_leads_outwards_is_not_doubted():
    assert doubts_of_exits(town("east")) == [()]


def test_an_exit_in_a_tunnel_is_taken_but_doubted_and_the_others_are_not():
    graph = crossing()
    for u, v, data in graph.edges(data=True):
        graph.nodes[u].pop("cut", None)
        if {u, v} == {"4,2", "E"}:
            data["tunnel"] = "yes"
        data["maxspeed"] = "50"
    for end in "WESN":
        graph.nodes[end]["cut"] = "yes"
    found = {one.node: one.doubt for one in exits_of_town(map_of(graph)).exits}
    assert set(found) == set("WESN") and "tunnel" in found.pop("E") and not any(found.values())


def test_describe_takes_the_exits_that_init_writes_and_draws_only_where_it_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    begun = begin_town(HELSINKI, tmp_path / "town", Wishes(residents=2000))
    written = load(begun.scenario).streets.exits
    report = describe(HELSINKI)
    assert len(written) > 5 and report.streets.exit_name == tuple(one.name for one in written)
    assert [report.streets.node_id[node] for node in report.streets.exit_node] == [one.node for one in written]
    result = CliRunner().invoke(app, ["network", "describe", str(HELSINKI)])
    assert result.exit_code == 0 and list(tmp_path.iterdir()) == [tmp_path / "town"]


def test_a_run_with_doubtful_exits_names_each_in_its_summary_and_report(tmp_path):
    changes = {
        "run.duration_h": 0.1,
        "streets.exits.0.confirmed": False,
        "streets.exits.0.doubt": "the sea lies beyond it",
    }
    changes["streets.exits.0.doubt"] = "the sea lies beyond it"
    run = EvacuationModel("tiny_town", **changes).run().save(tmp_path)
    named = "Exit 'North road' was only found and may be none: the sea lies beyond it"
    result = CliRunner().invoke(app, ["report", str(run)])
    assert result.exit_code == 0
    page = " ".join(html.unescape(next(run.glob("*.html")).read_text(encoding="utf-8")).split())
    assert named in page
    settings = [word for key, value in changes.items() for word in ("--set", f"{key}={value}")]
    told = CliRunner().invoke(app, ["run", "tiny_town", *settings, "--out", str(tmp_path)])
    assert named in " ".join((told.stdout + told.stderr).split())
