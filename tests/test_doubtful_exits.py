"""Exits that were only found, and what speaks against them."""

import networkx as nx
import pytest

from safepassage.model.settings.streets import StreetSettings
from safepassage.model.streets.build import compile_streets
from safepassage.model.streets.ways_out.doubts import doubts_of_exits


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
