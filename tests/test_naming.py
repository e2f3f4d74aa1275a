import numpy as np
import pytest

from safepassage.model.settings.base import NamedStreet, ScenarioError
from safepassage.model.streets.naming import StreetNames

NAMES = StreetNames(["Main Street", "Main Street", "Straße", "", None], list("abc"), [0, 1, 1, 2, 0], [1, 0, 2, 1, 2])


def test_a_name_is_found_whatever_the_case_of_its_letters():
    assert NAMES.links_called("main STREET").tolist() == [0, 1]
    assert NAMES.links_called("STRASSE").tolist() == [2]


def test_a_street_between_two_nodes_has_both_directions_whichever_node_comes_first():
    for nodes in (("b", "c"), ("c", "b")):
        assert NAMES.links_between(nodes).tolist() == [2, 3]
    assert NAMES.links_between(("a", "z")).size == 0


def test_a_street_without_a_name_is_not_found_by_an_empty_one():
    assert NAMES.links_called("").size == 0


def test_a_street_that_is_not_there_is_told_with_the_place_of_the_setting():
    with pytest.raises(ScenarioError, match=r"closures\.streets\[0\]: no street is called 'Nowhere'"):
        NAMES.demand(NamedStreet(name="Nowhere"), "closures.streets[0]")
    with pytest.raises(ScenarioError, match="no street joins the nodes 'a' and 'z'"):
        NAMES.demand(NamedStreet(between=("a", "z")), "here")


def test_a_section_names_a_street_in_exactly_one_way():
    for wrong in ({}, {"name": "x", "between": ("a", "b")}):
        with pytest.raises(ValueError, match="exactly one way"):
            NamedStreet(**wrong)


def test_all_links_of_a_network_are_found_by_their_names():
    from safepassage.model.evacuation import EvacuationModel

    streets = EvacuationModel("tiny_town", **{"run.duration_h": 1}).streets
    names = streets.names
    for name in {name for name in streets.link_name if name}:
        expected = [k for k, other in enumerate(streets.link_name) if other == name]
        np.testing.assert_array_equal(names.links_called(name.upper()), expected)


def test_a_street_of_several_names_is_found_by_each_of_them_and_by_all():
    names = StreetNames(["Town Bridge / Quay Street", "Quay Street", "Café  Road"])
    assert names.links_called("Town Bridge").tolist() == [0]
    assert names.links_called("quay street").tolist() == [0, 1]
    assert names.links_called("Town Bridge / Quay Street").tolist() == [0]
    assert names.links_called("Cafe\N{COMBINING ACUTE ACCENT} road").tolist() == [2]
