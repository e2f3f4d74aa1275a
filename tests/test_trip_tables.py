import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safepassage.experiments.traffic.trip_tables import (
    FOOT_M,
    MILE_M,
    read_gmns_links,
    read_gmns_trips,
    read_tntp_flows,
    read_tntp_links,
    read_tntp_trips,
    spread_trips,
)
from safepassage.experiments.traffic.trips import simulate_trips
from safepassage.model.settings.base import ScenarioError

NET = """<NUMBER OF ZONES> 2
<END OF METADATA>

~\tinit_node\tterm_node\tcapacity\tlength\tfree_flow_time\tb\tpower\tspeed\ttoll\tlink_type\t;
\t1\t2\t1800\t3\t2\t0.15\t4\t0\t0\t1\t;
\t2\t1\t900\t1.5\t3\t0.15\t4\t0\t0\t1\t;
"""
TRIPS = """<NUMBER OF ZONES> 3
<TOTAL OD FLOW> 9.0
<END OF METADATA>

Origin 1
    1 :  0.0;   2 : 4.0;
    3 :  2.5;
Origin \t2
    1 :  2.5;
"""
LINKS = """link_id,from_node_id,to_node_id,directed,length,free_speed,lanes,capacity,allowed_uses
a,1,2,TRUE,0.5,30,2,900,"AUTO, BIKE"
b,2,3,FALSE,0.25,20,1,,
c,3,1,TRUE,0.25,20,1,800,WALK
d,3,1,TRUE,0.25,20,0,800,AUTO
"""
LINKS_HEAD = "link_id,from_node_id,to_node_id,directed,length,free_speed,lanes\n"
needs_data = pytest.mark.skipif(
    "SAFEPASSAGE_DATA" not in os.environ, reason="the TNTP networks may not be shipped; set SAFEPASSAGE_DATA"
)


def file_with(folder, text, name="table"):
    path = folder / name
    path.write_text(text)
    return path


def data(name):
    return Path(os.environ["SAFEPASSAGE_DATA"]) / "benchmarks" / name


def test_tntp_links_come_in_si_units(tmp_path):
    links = read_tntp_links(file_with(tmp_path, NET), length_unit_m=1000)
    assert links["upstream"].tolist() == [1, 2]
    assert links["downstream"].tolist() == [2, 1]
    assert links["length_m"].tolist() == [3000, 1500]
    assert links["free_flow_speed_m_s"].tolist() == pytest.approx([3000 / 120, 1500 / 180])
    assert links["flow_capacity_per_s"].tolist() == pytest.approx([0.5, 0.25])


def test_tntp_trips_keep_every_cell_that_is_not_zero(tmp_path):
    demand = read_tntp_trips(file_with(tmp_path, TRIPS))
    assert demand.to_numpy().tolist() == [[1, 2, 4], [1, 3, 2.5], [2, 1, 2.5]]


def test_gmns_links_of_cars_come_once_for_each_direction(tmp_path):
    text = LINKS.replace("20,1,,", "20,1,700,")
    links = read_gmns_links(file_with(tmp_path, text), length_unit_m=MILE_M, speed_unit_m_s=MILE_M / 3600)
    assert links[["link", "upstream", "downstream"]].to_numpy().tolist() == [["a", 1, 2], ["b", 2, 3], ["b back", 3, 2]]
    assert links["length_m"].tolist() == pytest.approx([804.672, 402.336, 402.336])
    assert links["free_flow_speed_m_s"].tolist() == pytest.approx([13.4112, 8.9408, 8.9408])
    assert links["flow_capacity_per_s"].tolist() == pytest.approx([0.5, 700 / 3600, 700 / 3600])


def test_gmns_zones_become_the_first_node_that_names_them(tmp_path):
    trips = file_with(tmp_path, "o_zone_id,d_zone_id,volume\n7,8,3\n8,7,0\n8,8,1\n")
    nodes = file_with(tmp_path, "node_id,x_coord,y_coord,zone_id\n100,0,0,7\n101,0,0,\n102,1,0,8\n103,1,1,8\n", "node")
    assert read_gmns_trips(trips, nodes).to_numpy().tolist() == [[100, 102, 3], [102, 102, 1]]
    assert read_gmns_trips(trips).to_numpy().tolist() == [[7, 8, 3], [8, 8, 1]]


def test_what_is_read_can_be_run_as_it_is(tmp_path):
    links = read_tntp_links(file_with(tmp_path, NET), length_unit_m=1000)
    demand = read_tntp_trips(file_with(tmp_path, TRIPS, "trips"))
    trips = spread_trips(demand[demand["destination"] < 3], end_s=600)
    found = simulate_trips(links, trips, end_s=3600)
    assert found.n_arrived == len(trips) == 6
    assert found.mean_travel_time_s == pytest.approx((4 * 120 + 2 * 180) / 6)


def test_both_directions_of_a_gmns_link_can_be_driven(tmp_path):
    text = LINKS_HEAD + "1,1,2,FALSE,100,10,1\n"
    links = read_gmns_links(file_with(tmp_path, text), length_unit_m=1.0, speed_unit_m_s=1.0)
    trips = {"departure_time_s": [0.0, 0.0], "origin": [1, 2], "destination": [2, 1]}
    found = simulate_trips(links, trips, end_s=60)
    assert found.links["n_left"].to_dict() == {1: 1, "1 back": 1}


@given(st.lists(st.floats(0, 50), min_size=1, max_size=20), st.floats(0.01, 1))
def test_spreading_keeps_the_total_to_one_vehicle_and_the_times_inside(volumes, share):
    import pandas as pd

    demand = pd.DataFrame({"origin": 1, "destination": range(len(volumes)), "volume": volumes})
    trips = spread_trips(demand, start_s=100, end_s=700, share=share)
    assert abs(len(trips) - share * sum(volumes)) < 1 + 1e-6
    assert trips["departure_time_s"].between(100, 700).all()
    assert trips["departure_time_s"].is_monotonic_increasing


def test_departures_of_one_pair_are_evenly_spaced(tmp_path):
    demand = read_tntp_trips(file_with(tmp_path, TRIPS)).head(1)
    assert spread_trips(demand, start_s=0, end_s=400)["departure_time_s"].tolist() == [50, 150, 250, 350]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (NET.replace("\t1800\t3\t2\t", "\t1800\t-3\t2\t"), "row 1, from 1 to 2, has length_m = -3000.0"),
        (NET.replace("\t900\t", "\t0\t"), "row 2, from 2 to 1, has flow_capacity_per_s = 0.0"),
        (NET.replace("\t3\t2\t", "\t3\t0\t"), "has free_flow_speed_m_s = 0.0"),
        (NET.replace("\t900\t", "\tx\t"), "line 6"),
        (NET.replace("\t0.15\t4\t0\t0\t1\t;", "\t;", 1), "line 5 has 5 values for 10 columns"),
        (NET.replace("capacity", "width"), "no column capacity"),
        (NET.split("\t1\t2")[0], "no link found"),
    ],
)
def test_a_link_that_cannot_be_is_an_error_that_names_it(tmp_path, text, message):
    with pytest.raises(ScenarioError, match=message):
        read_tntp_links(file_with(tmp_path, text), length_unit_m=1000)


def test_all_links_that_cannot_be_are_told_at_once(tmp_path):
    wrong = NET.replace("\t1800\t3\t2\t", "\t1800\t-3\t2\t").replace("\t900\t", "\t0\t")
    with pytest.raises(ScenarioError, match=r"(?s)row 1.*has length_m = -3000.0.*row 2.*flow_capacity_per_s = 0.0"):
        read_tntp_links(file_with(tmp_path, wrong), length_unit_m=1000)
    unreadable = NET.replace("\t1800\t", "\tmany\t").replace("\t900\t", "\tx\t")
    with pytest.raises(ScenarioError, match=r"(?s)line 5 has .*'many'.*line 6 has .*'x'"):
        read_tntp_links(file_with(tmp_path, unreadable), length_unit_m=1000)


def test_all_trips_and_links_that_are_no_numbers_are_told_at_once(tmp_path):
    trips = "o_zone_id,d_zone_id,volume\n1,2,many\n1,3,4\n1,4,-\n"
    with pytest.raises(ScenarioError, match=r"(?s)line 2: volume = 'many'; give a number.*line 4: volume = '-'"):
        read_gmns_trips(file_with(tmp_path, trips))
    with pytest.raises(ScenarioError, match=r"(?s)from 1 to 2 there are -1 trips.*from 1 to 4 there are -3 trips"):
        read_gmns_trips(file_with(tmp_path, trips.replace("many", "-1").replace("-\n", "-3\n")))
    head = "link_id,from_node_id,to_node_id,directed,length,free_speed,lanes\n"
    rows = "a,1,2,1,long,30,1\nb,2,3,1,100,fast,1\n"
    with pytest.raises(ScenarioError, match=r"(?s)line 2: length = 'long'.*line 3: free_speed = 'fast'"):
        read_gmns_links(file_with(tmp_path, head + rows), length_unit_m=1, speed_unit_m_s=1)


def test_what_a_table_lacks_is_named(tmp_path):
    with pytest.raises(ScenarioError, match="no column volume"):
        read_gmns_trips(file_with(tmp_path, "o_zone_id,d_zone_id\n1,2\n"))
    with pytest.raises(ScenarioError, match="there is no file"):
        read_tntp_trips(tmp_path / "missing")
    with pytest.raises(ScenarioError, match=r"-1\.0 trips"):
        read_tntp_trips(file_with(tmp_path, TRIPS.replace("4.0", "-1.0")))
    with pytest.raises(ScenarioError, match="before any line 'Origin'"):
        read_tntp_trips(file_with(tmp_path, TRIPS.replace("Origin 1", "")))
    with pytest.raises(ScenarioError, match="link b, from 2 to 3, has flow_capacity_per_s = nan"):
        read_gmns_links(file_with(tmp_path, LINKS), length_unit_m=1, speed_unit_m_s=1)
    nodes = file_with(tmp_path, "node_id,zone_id\n100,7\n", "node")
    with pytest.raises(ScenarioError, match="zone_id = 9"):
        read_gmns_trips(file_with(tmp_path, "o_zone_id,d_zone_id,volume\n9,7,3\n"), nodes)


@needs_data
@pytest.mark.parametrize(
    ("network", "unit_m", "n_links", "total"),
    [
        ("SiouxFalls", 1000.0, 76, 360_600.0),
        ("Anaheim", FOOT_M, 914, 104_694.4),
        ("EMA", MILE_M, 258, 65_576.37543100001),
    ],
)
def test_published_networks_are_read_whole(network, unit_m, n_links, total):
    links = read_tntp_links(data(f"{network}_net.tntp"), length_unit_m=unit_m)
    demand = read_tntp_trips(data(f"{network}_trips.tntp"))
    assert len(links) == n_links
    assert demand["volume"].sum() == pytest.approx(total)
    nodes = set(links["upstream"]) | set(links["downstream"])
    assert nodes >= set(demand["origin"]) | set(demand["destination"])


@needs_data
@pytest.mark.parametrize("network", ["SiouxFalls", "Anaheim"])
def test_best_known_flows_belong_to_the_links_and_conserve_the_demand(network):
    flows = read_tntp_flows(data(f"{network}_flow.tntp"))
    links = read_tntp_links(data(f"{network}_net.tntp"), length_unit_m=1.0)
    pairs = set(zip(links["upstream"], links["downstream"], strict=True))
    assert set(zip(flows["upstream"], flows["downstream"], strict=True)) == pairs
    demand = read_tntp_trips(data(f"{network}_trips.tntp"))
    nodes = np.arange(1, max(max(pair) for pair in pairs) + 1)

    def by(table, column):
        return table.groupby(column)["volume"].sum().reindex(nodes, fill_value=0.0)

    net = by(flows, "upstream") - by(flows, "downstream")
    between = demand[demand["origin"] != demand["destination"]]
    assert np.abs(net - by(between, "origin") + by(between, "destination")).max() < 1.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LINKS_HEAD + "1,,2,1,1,1,1\n", "line 2: from_node_id"),
        (LINKS_HEAD + "1,1,2,maybe,1,1,1\n", "line 2: directed = 'maybe'"),
        (LINKS_HEAD + "1,1,2,,1,1,1\n", "line 2: directed"),
        (LINKS_HEAD + "1,1,2,1,1,1,1,9\n", "8 values under 7 columns"),
        ("", "the file is empty"),
    ],
)
def test_a_gmns_table_that_would_be_misread_is_refused(tmp_path, text, message):
    path = tmp_path / "link.csv"
    path.write_text(text)
    with pytest.raises(ScenarioError, match=message):
        read_gmns_links(path, length_unit_m=1.0, speed_unit_m_s=1.0)


@pytest.mark.parametrize("node", ["nan", "2.5"])
def test_a_tntp_node_that_is_no_whole_number_is_refused(tmp_path, node):
    path = tmp_path / "x.tntp"
    path.write_text(f"Origin 1\n {node} : 5;\n")
    with pytest.raises(ScenarioError, match=f"row 1 has destination = {node}"):
        read_tntp_trips(path)
    path.write_text(f"~ init_node term_node capacity length free_flow_time ;\n1 {node} 10 1 1 ;\n")
    with pytest.raises(ScenarioError, match=f"row 1 has term_node = {node}"):
        read_tntp_links(path, length_unit_m=1.0)


def test_a_demand_without_trips_is_empty(tmp_path):
    path = tmp_path / "none"
    path.write_text("")
    assert len(read_tntp_trips(path)) == 0
    path.write_text("o_zone_id,d_zone_id,volume\n")
    assert len(read_gmns_trips(path)) == 0


@pytest.mark.parametrize("uses", ["drive", '"auto;bike;walk"', "all_autos", "passenger_car", "cars", ""])
def test_a_link_is_for_cars_by_any_usual_word(tmp_path, uses):
    path = tmp_path / "link.csv"
    path.write_text(f"{LINKS_HEAD.strip()},allowed_uses\n1,1,2,1,100,50,1,{uses}\n")
    assert len(read_gmns_links(path, length_unit_m=1.0, speed_unit_m_s=1.0)) == 1


def test_links_that_no_car_may_use_are_left_out_with_a_warning(tmp_path):
    path = tmp_path / "link.csv"
    path.write_text(f"{LINKS_HEAD.strip()},allowed_uses\n1,1,2,1,100,50,1,truck\n2,1,2,1,100,50,1,car\n")
    with pytest.warns(UserWarning, match="1 links are left out, since allowed_uses names no car: truck"):
        assert read_gmns_links(path, length_unit_m=1.0, speed_unit_m_s=1.0)["link"].tolist() == [2]


def test_flows_are_read_with_and_without_a_header_and_none_at_all_is_refused(tmp_path):
    path, rows = tmp_path / "flow.tntp", "1 2 10.0 3.5\n2 3 20.0 4.5\n"
    for header in ("From To Volume Cost\n", ""):
        path.write_text(header + rows)
        assert read_tntp_flows(path)["volume"].tolist() == [10.0, 20.0]
    path.write_text("From To Volume Cost\n")
    with pytest.raises(ScenarioError, match="there is no flow in it"):
        read_tntp_flows(path)
