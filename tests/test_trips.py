import doctest

import numpy as np
import pandas as pd
import pytest

from safepassage.experiments.traffic import trips as module
from safepassage.experiments.traffic.trips import simulate_trips
from safepassage.model.settings.base import ScenarioError


def links(**change):
    """A road from a by b to c, and a longer way round from b by d to c."""
    columns = {
        "link": ["ab", "bc", "bd", "dc"],
        "upstream": ["a", "b", "b", "d"],
        "downstream": ["b", "c", "d", "c"],
        "length_m": [1000.0, 1000.0, 1000.0, 1000.0],
        "free_flow_speed_m_s": [20.0, 20.0, 20.0, 20.0],
        "jam_density_per_m": 0.2,
    }
    return pd.DataFrame(columns | change)


def trips(n=10, **change):
    columns = {"departure_time_s": np.arange(n) * 10.0, "origin": "a", "destination": "c"} | change
    return pd.DataFrame(columns, index=range(n))


def routed(path):
    return pd.DataFrame({"departure_time_s": [0.0], "origin": "a", "path": [path]})


def test_tables_in_and_entry_and_exit_times_out():
    results = simulate_trips(links(), trips(2, trip=["x", "y"]), end_s=1000)
    assert results.trips.loc["y", "arrival_time_s"] == pytest.approx(110.0)
    assert results.trips["delay_s"].abs().max() < 1e-9
    rows = results.crossings.set_index(["trip", "link"])
    assert rows.loc[("y", "bc"), "entry_time_s"] == pytest.approx(60.0)
    assert rows.loc[("y", "bc"), "exit_time_s"] == pytest.approx(110.0)
    assert results.links["n_left"].tolist() == [2, 2, 0, 0]
    assert results.links.loc["bc", "mean_travel_time_s"] == pytest.approx(50.0)


def test_a_mapping_of_columns_and_numbered_nodes_do_as_well():
    road = {"upstream": [4], "downstream": [9], "length_m": [100.0], "free_flow_speed_m_s": [10.0]}
    results = simulate_trips(road, {"departure_time_s": [5.0], "origin": [4], "destination": [9]}, end_s=100)
    assert results.trips["arrival_time_s"].tolist() == [15.0]


def test_paths_are_kept_though_they_are_longer():
    results = simulate_trips(links(), trips(1, path=[["ab", "bd", "dc"]]).drop(columns="destination"), end_s=1000)
    assert results.trips["travel_time_s"].tolist() == pytest.approx([150.0])


def test_what_can_happen_to_a_trip_is_counted():
    table = pd.concat(
        [
            trips(1),
            trips(1, origin="c", destination="a"),
            trips(1, departure_time_s=5000.0),
            trips(1, departure_time_s=950.0),
        ]
    )
    results = simulate_trips(links(), table, end_s=1000)
    assert results.trips["outcome"].tolist() == ["arrived", "no route", "not departed", "under way"]
    crowd = simulate_trips(links(), trips(50, departure_time_s=0.0), end_s=10.0)
    assert crowd.trips["outcome"].value_counts().to_dict() == {"waiting": 42, "under way": 8}
    assert np.isnan(crowd.crossings["exit_time_s"]).sum() == 8


def test_a_trip_to_where_it_starts_arrives_at_once():
    results = simulate_trips(links(), trips(1, destination="a"), end_s=1000)
    assert results.trips["travel_time_s"].tolist() == [0.0]


def test_curves_count_those_past_a_place_and_give_flow_and_density():
    results = simulate_trips(links(), trips(200, departure_time_s=np.arange(200) * 2.0), end_s=300)
    assert results.n_past("ab", 0.0, 100.0) == 51
    assert results.n_past("ab", 500.0, 100.0) == 38
    assert results.n_past("ab", 1000.0, 100.0) == 26
    assert results.flow_per_s("ab", 300.0, 100.0, 200.0) == pytest.approx(0.5)
    assert results.density_per_m("ab", 0.0, 1000.0, 200.0) == pytest.approx(0.025)
    assert results.n_past("bd", 0.0, 100.0) == 0


def test_rerouting_on_seen_times_relieves_a_bottleneck_and_late_news_less_so():
    road = links(flow_capacity_per_s=[np.inf, 0.2, np.inf, np.inf])
    many = trips(800, departure_time_s=np.arange(800) * 1.25)
    runs = [
        simulate_trips(road, many, end_s=10_000, **how)
        for how in ({}, {"reroute_every_s": 30}, {"reroute_every_s": 30, "information_delay_s": 400})
    ]
    fixed_s, fresh_s, late_s = (run.mean_travel_time_s for run in runs)
    assert fresh_s < 0.25 * fixed_s
    assert fresh_s < late_s < fixed_s
    assert runs[0].links.loc["bd", "n_left"] == 0


def test_an_exit_of_the_network_may_have_a_capacity():
    results = simulate_trips(
        links(), trips(100, departure_time_s=0.0), end_s=2000, sink_flow_capacity_per_s={"c": 0.1}, record=False
    )
    assert results.trips["arrival_time_s"].max() == pytest.approx(100.0 + 99 * 10.0)
    assert results.crossings is None


@pytest.mark.parametrize(
    ("road", "table", "words"),
    [
        (links(length_m=[1.0, -5.0, 1.0, 1.0]), trips(), "link bc has length_m = -5"),
        (links(free_flow_speed_m_s=0.0), trips(), "link ab has free_flow_speed_m_s = 0"),
        (links(flow_capacity_per_s=[1.0, 1.0, 0.0, 1.0]), trips(), "link bd has flow_capacity_per_s = 0"),
        (links(length_m="far"), trips(), "link ab has length_m = 'far'"),
        (links(link=["ab", "ab", "bd", "dc"]), trips(), "link ab occurs twice"),
        (links().drop(columns="length_m"), trips(), "no column length_m"),
        (links(), trips(origin="q"), "origin 'q'"),
        (links(), trips(departure_time_s=-1.0), "trip 0 has departure_time_s = -1"),
        (links(), trips(departure_time_s=np.nan), "trip 0 has departure_time_s = nan"),
        (links(), trips().drop(columns="destination"), "neither a column destination nor a column path"),
        (links(), routed(["ab", "zz"]), "path of trip 0"),
        (links(), routed(["ab", "dc"]), "give links that follow each other"),
        (links(), trips(size=0), "trip 0 has size = 0"),
        (links(), trips(max_speed_m_s=-3.0), "max_speed_m_s = -3"),
        (links(length_m=[1.0, np.inf, 1.0, 1.0]), trips(), "link bc has length_m = inf; it must be a finite number"),
        (links(n_lanes=np.inf), trips(), "link ab has n_lanes = inf"),
        (links(link=["ab", None, "bd", "dc"]), trips(), "row 1 of the links table has no label"),
        (links(upstream=["a", np.nan, "b", "d"]), trips(), "link bc has no upstream node"),
        ({"upstream": ["a"], "downstream": ["b", "c"]}, trips(), "do not make a table"),
        (links(), trips(size=2.5), "trip 0 has size = 2.5; it must be a whole number"),
        (links(), trips(size="bus"), "trip 0 has size = 'bus'"),
        (links(), trips(2, trip=["x", "x"]), "trip x occurs twice"),
        (links(), routed("ab"), "give a list of link labels"),
        (links(), routed(["bc"]), "link 'bc', which starts at 'b', from 'a'"),
        (links(), trips(1, path=[["ab"]]), "both a column destination and a column path"),
    ],
)
def test_tables_that_cannot_be_are_refused_by_name(road, table, words):
    with pytest.raises(ScenarioError, match=words):
        simulate_trips(road, table, end_s=100)


@pytest.mark.parametrize(
    "option",
    [
        {"end_s": np.inf},
        {"end_s": "noon"},
        {"reroute_every_s": 0},
        {"reroute_every_s": np.nan},
        {"information_delay_s": -1},
        {"perception_spread": np.nan},
        {"n_perceptions": 0},
    ],
)
def test_options_that_cannot_be_are_refused_by_name(option):
    with pytest.raises(ScenarioError, match=f"got {next(iter(option))} = "):
        simulate_trips(links(), trips(), **({"end_s": 100} | option))


def test_the_curve_at_the_upstream_end_counts_all_who_entered_a_full_link():
    road = links(length_m=[1000.0, 103.0, 1000.0, 1000.0], flow_capacity_per_s=[1.0, 0.01, 1.0, 1.0])
    results = simulate_trips(road, trips(60, departure_time_s=0.0), end_s=400)
    on_it = results.links.loc["bc", "n_entered"] - results.links.loc["bc", "n_left"]
    assert on_it == 21
    assert results.n_past("bc", 0.0, 400.0) == results.links.loc["bc", "n_entered"]
    assert results.n_past("bc", 103.0, 400.0) == results.links.loc["bc", "n_left"]


def test_a_gridlock_is_told_with_its_links():
    ring = {"link": ["ab", "bc", "ca"], "upstream": list("abc"), "downstream": list("bca")}
    ring |= {"length_m": 20.0, "free_flow_speed_m_s": 10.0}
    paths = [["ab", "bc", "ca"], ["bc", "ca", "ab"], ["ca", "ab", "bc"]] * 10
    table = pd.DataFrame({"departure_time_s": 0.0, "origin": [path[0][0] for path in paths], "path": paths})
    results = simulate_trips(pd.DataFrame(ring), table, end_s=3600)
    assert [sorted(links) for links in results.gridlocks] == [["ab", "bc", "ca"]]
    assert results.trips["outcome"].value_counts().to_dict() == {"waiting": 21, "under way": 9}
    assert simulate_trips(pd.DataFrame(ring), table[:1], end_s=3600).gridlocks == []


def test_the_example_at_the_head_of_the_module_runs_as_written():
    found = doctest.testmod(module)
    assert found.attempted >= 6
    assert found.failed == 0
