import numpy as np
import pytest

from safepassage.model.movement.driving import Driving
from safepassage.model.settings.base import ScenarioError


def road(n=2, **options):
    """A road of n links of 1,000 m from node 0 to node n; everyone goes to its end."""
    given = {"length_m": 1000.0, "free_flow_speed_m_s": 20.0, "jam_density_per_m": 0.2, "record": True} | options
    driving = Driving(upstream=np.arange(n), downstream=np.arange(1, n + 1), **given)
    driving.set_next_link([[*range(n), -2]])
    return driving


def fork(**options):
    """Link 0 from node 0 to 1, then link 1 or link 2 to node 2."""
    given = {"length_m": 1000.0, "free_flow_speed_m_s": 20.0, "jam_density_per_m": 0.2} | options
    return Driving(upstream=[0, 1, 1], downstream=[1, 2, 2], **given)


def ring(n=3, length_m=10.0):
    """One-way links round a ring of n nodes."""
    return Driving(
        upstream=np.arange(n), downstream=(np.arange(n) + 1) % n, length_m=length_m, free_flow_speed_m_s=10.0,
        jam_density_per_m=0.1,
    )  # fmt: skip


def test_a_lone_vehicle_needs_length_over_speed():
    driving = road()
    driving.add([7], 0, 3.0)
    arrivals = driving.advance(200)
    assert arrivals.id.tolist() == [7]
    assert arrivals.time_s == pytest.approx([103.0])
    assert arrivals.node.tolist() == [2]


def test_a_slow_vehicle_holds_up_those_behind_it():
    driving = road()
    driving.add([0], 0, 0.0, max_speed_m_s=10.0)
    driving.add([1], 0, 5.0)
    arrivals = driving.advance(300)
    assert arrivals.id.tolist() == [0, 1]
    assert arrivals.time_s == pytest.approx([200.0, 201.5])  # 1 / (w kj) + 1 / (v kj) at 10 m/s


def test_a_bus_takes_the_time_and_the_room_of_its_car_units():
    driving = road(1, length_m=20.0)
    driving.add([0], 0, 0.0, size=3)
    driving.add([1, 2], 0, 0.0)
    driving.advance(50)
    entries = driving.crossings()
    # 3 x 1.25 s after the bus; room for one car beside it (storage 4), the next when the bus's room is back
    assert entries.entry_s == pytest.approx([0.0, 3.75, 5.0])
    full = road(1, length_m=20.0, flow_capacity_per_s=0.05)
    full.add([0], 0, 0.0, size=3)
    full.add([1, 2], 0, 0.0)
    full.advance(100)
    assert full.crossings().entry_s[:3] == pytest.approx([0.0, 3.75, 1.0 + 20.0 / 5.0])


def test_a_vehicle_longer_than_a_link_may_enter_it_when_it_is_empty():
    driving = road(3, length_m=[100.0, 5.0, 100.0])
    driving.add([0, 1], 0, 0.0, size=[1, 3])
    assert driving.advance(100).id.tolist() == [0, 1]


def test_a_path_is_driven_link_by_link_and_ends_where_it_ends():
    driving = fork(record=True)
    driving.add([0, 1], 0, [0.0, 10.0], paths=[[0, 2], [0]])
    arrivals = driving.advance(500)
    assert arrivals.node.tolist() == [1, 2]
    assert sorted(zip(driving.crossings().id.tolist(), driving.crossings().link.tolist(), strict=True)) == [
        (0, 0), (0, 2), (1, 0),
    ]  # fmt: skip


def test_a_new_table_turns_those_who_wait_at_a_node():
    driving = fork()
    driving.set_next_link([[0, 1, -2]])
    driving.set_open([1], is_open=False)
    driving.add([0, 1], 0, [0.0, 1.0])
    driving.advance(100)
    assert driving.view.at_closed_links()[0].tolist() == [0]
    assert driving.view.at_closed_links()[1].tolist() == [1]
    driving.set_next_link([[0, 2, -2]])
    arrivals = driving.advance(300)
    assert arrivals.id.tolist() == [0, 1]
    assert arrivals.time_s[0] == pytest.approx(150.0)
    assert driving.view.n_entered.tolist() == [2, 0, 2]


def test_closing_a_link_lets_those_on_it_leave_and_nobody_in():
    driving = fork()
    driving.set_next_link([[0, 1, -2]])
    driving.add([0, 1], 0, [0.0, 40.0])
    driving.advance(60)
    driving.set_open([1], is_open=False)
    assert driving.advance(200).id.tolist() == [0]
    driving.set_open([1], is_open=True)
    assert driving.advance(300).time_s == pytest.approx([250.0])


def test_without_a_route_vehicles_stand_and_are_named_at_home_and_on_the_road():
    driving = fork()
    driving.set_next_link([[0, -1, -2], [-1, -1, -2]])
    driving.add([3, 4], 0, 0.0, table=[0, 1])
    driving.advance(100)
    assert driving.view.without_route().tolist() == [3, 4]
    driving.set_next_link([[0, 1, -2], [0, 1, -2]])
    arrivals = driving.advance(300)
    assert arrivals.id.tolist() == [3, 4]
    assert arrivals.time_s == pytest.approx([150.0, 200.0])
    assert driving.view.without_route().size == 0


def test_a_vehicle_may_change_its_table_on_the_way():
    driving = fork()
    driving.set_next_link([[0, 1, -2], [0, 2, -2]])
    driving.add([0], 0, 0.0)
    driving.advance(20)
    driving.set_table([0], 1)
    driving.advance(200)
    assert driving.view.n_entered.tolist() == [1, 0, 1]


def test_setting_the_same_table_again_changes_no_bit():
    found = []
    for again in (False, True):
        driving = road(2, flow_capacity_per_s=[0.4, 0.3], record=False)
        driving.add(np.arange(300), 0, np.arange(300) * 1.1)
        times_s = []
        for until_s in np.arange(50, 2001, 50):
            times_s += driving.advance(until_s).time_s.tolist()
            if again:
                driving.set_next_link([[0, 1, -2]])
        found.append(times_s)
    assert found[0] == found[1]
    assert len(found[0]) > 250


def test_gridlock_is_found_named_and_undone_by_taking_a_vehicle_off():
    driving = ring()
    # everyone wants two links on: each link holds one vehicle, and each waits for the next
    driving.add([0, 1, 2], [0, 1, 2], 0.0, paths=[[0, 1], [1, 2], [2, 0]])
    driving.advance(1000)
    assert driving.view.gridlocks() == [[0, 1, 2]]
    assert driving.view.n_left.tolist() == [0, 0, 0]
    driving.withdraw([1])
    assert driving.view.gridlocks() == []
    arrivals = driving.advance(2000)
    assert sorted(arrivals.id.tolist()) == [0, 2]
    # room comes back length / w = 2 s after the car has been taken off, and again after each exit; then 1 s of driving
    assert arrivals.time_s == pytest.approx([1003.0, 1005.0])


def test_a_full_link_that_can_still_empty_is_no_gridlock():
    driving = road(3, flow_capacity_per_s=[np.inf, 0.01, np.inf], length_m=50.0)
    driving.add(np.arange(40), 0, 0.0)
    driving.advance(300)
    assert driving.view.gridlocks() == []


def test_vehicles_can_be_taken_off_before_they_leave_while_they_queue_and_on_the_road():
    driving = road(1, flow_capacity_per_s=0.1)
    driving.add(np.arange(6), 0, [0.0, 0.0, 0.0, 0.0, 0.0, 900.0])
    driving.advance(2.0)
    assert driving.view.occupants(0).tolist() == [0, 1]
    assert driving.view.n_queued.tolist() == [3]
    driving.withdraw([0, 2, 4, 5])
    assert driving.view.n_under_way == 2
    arrivals = driving.advance(2000)
    assert arrivals.id.tolist() == [1, 3]
    assert driving.view.n_entered.tolist() == [3]
    assert driving.view.n_left.tolist() == [3]
    assert driving.view.n_under_way == 0


def test_the_room_of_a_vehicle_taken_off_comes_back_with_the_wave():
    driving = road(1, length_m=25.0, flow_capacity_per_s=0.001)
    driving.add(np.arange(6), 0, 0.0)
    driving.advance(100.0)
    assert driving.view.occupants(0).size == 5
    driving.withdraw([2])
    driving.advance(104.9)
    assert driving.view.occupants(0).tolist() == [1, 3, 4] or driving.view.occupants(0).size == 4
    driving.advance(105.1)
    assert driving.view.occupants(0)[-1] == 5


def test_an_id_can_be_used_again_after_arrival_or_withdrawal():
    driving = road()
    driving.add([0, 1], 0, [0.0, 500.0])
    driving.advance(200)
    driving.withdraw([1])
    driving.add([0, 1], 1, [200.0, 500.0])
    assert driving.advance(1000).time_s == pytest.approx([250.0, 550.0])


def test_an_end_without_flow_capacity_lets_nobody_out_from_the_first_on():
    driving = road(1, flow_capacity_per_s=0.0)
    driving.add([0, 1], 0, 0.0)
    assert driving.advance(1000.0).id.size == 0
    driving.set_flow_capacity([0], 1.0)
    assert driving.advance(2000.0).id.tolist() == [0, 1]


def test_who_is_withdrawn_before_the_start_and_added_again_starts_at_the_new_time_only():
    driving = road()
    driving.add([0], 0, 100.0)
    driving.withdraw([0])
    driving.add([0], 0, 300.0)
    assert driving.advance(1000.0).time_s.tolist() == [400.0]


def test_flow_capacity_can_fall_to_nothing_and_come_back():
    driving = road(2)
    driving.add(np.arange(100), 0, np.arange(100) * 2.0)
    driving.advance(100.5)
    driving.set_flow_capacity([0], 0.0)
    driving.advance(200.0)
    n = driving.view.n_left[0]
    driving.advance(300.0)
    assert driving.view.n_left[0] == n
    driving.set_flow_capacity([0], 0.25)
    driving.advance(340.0)
    assert driving.view.n_left[0] == n + 10
    assert driving.advance(2000.0).id.size + n >= 99


def test_free_flow_speed_changes_for_those_who_enter_later():
    driving = road(1)
    driving.add([0, 1], 0, [0.0, 20.0])
    driving.advance(10.0)
    driving.set_free_flow_speed([0], 10.0)
    assert driving.advance(500.0).time_s == pytest.approx([50.0, 120.0])


def test_positions_follow_free_flow_and_queue_at_jam_spacing():
    driving = road(1, flow_capacity_per_s=0.01)
    driving.add(np.arange(4), 0, [0.0, 10.0, 20.0, 500.0])
    driving.advance(30.0)
    link, distance_m = driving.view.position([0, 1, 2, 3])
    assert link.tolist() == [0, 0, 0, -1]
    assert distance_m[:3] == pytest.approx([600.0, 400.0, 200.0])
    assert np.isnan(distance_m[3])
    assert driving.view.position([2], 35.0)[1] == pytest.approx([300.0])
    driving.advance(99.0)
    assert driving.view.position([1, 2])[1] == pytest.approx([1000.0, 995.0])
    assert driving.view.occupants(0).tolist() == [1, 2]


def test_a_link_with_a_queue_is_expected_to_take_as_long_as_the_queue():
    driving = road(2, flow_capacity_per_s=[0.4, np.inf])
    driving.add(np.arange(300), 0, np.arange(300) * 1.25)
    assert driving.view.link_time_s() == pytest.approx([50.0, 50.0])
    driving.advance(250.0)
    expected_s = driving.view.link_time_s()[0]
    entered = driving.view.n_entered[0]
    driving.advance(2000.0)
    rows = driving.crossings()
    found_s = (rows.exit_s - rows.entry_s)[(rows.id == entered) & (rows.link == 0)]
    assert found_s == pytest.approx(expected_s, rel=0.03)


def test_exits_of_the_network_have_a_capacity_shared_by_the_arms():
    driving = Driving(
        upstream=[0, 1], downstream=[2, 2], length_m=100.0, free_flow_speed_m_s=10.0, jam_density_per_m=0.2,
        sink_flow_capacity_per_s=[np.inf, np.inf, 0.1],
    )  # fmt: skip
    driving.set_next_link([[0, 1, -2]])
    driving.add(np.arange(40), np.arange(40) % 2, 0.0)
    arrivals = driving.advance(210.0)
    assert arrivals.time_s == pytest.approx(10.0 + 10.0 * np.arange(20))
    assert np.bincount(arrivals.id % 2).tolist() == [10, 10]


def test_an_empty_hour_costs_next_to_nothing_and_what_is_due_later_still_happens():
    driving = road()
    driving.add([0], 0, 1e6)
    before = driving.view.n_crossings
    assert driving.advance(999_000.0).id.size == 0
    assert driving.view.n_crossings == before
    assert driving.advance(1_001_000.0).time_s == pytest.approx([1e6 + 100.0])


def test_the_log_grows_as_needed_and_no_crossing_is_lost():
    driving = road()
    driving._traffic.log = driving._traffic.log[:3].copy()
    driving.add(np.arange(50), 0, np.arange(50) * 3.0)
    driving.advance(1000.0)
    rows = driving.crossings()
    assert sorted(zip(rows.id.tolist(), rows.link.tolist(), strict=True)) == [(i, k) for i in range(50) for k in (0, 1)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"length_m": [10.0, 0.0]}, "link 1 has length_m = 0.0"),
        ({"free_flow_speed_m_s": -1.0}, "link 0 has free_flow_speed_m_s = -1.0"),
        ({"jam_density_per_m": np.nan}, "jam_density_per_m = nan"),
        ({"flow_capacity_per_s": -0.1}, "flow_capacity_per_s = -0.1"),
        ({"n_nodes": 2}, "nodes 0..1"),
    ],
)
def test_links_that_cannot_be_are_refused_by_name(change, words):
    with pytest.raises(ScenarioError, match=words):
        road(2, **change)


def test_vehicles_that_cannot_be_are_refused():
    driving = road()
    driving.advance(10.0)
    with pytest.raises(ScenarioError, match="Depart then or later"):
        driving.add([0], 0, 5.0)
    with pytest.raises(ScenarioError, match="origin is node"):
        driving.add([0], 9, 20.0)
    with pytest.raises(ScenarioError, match="from node 1"):
        driving.add([0], 1, 20.0, paths=[[0]])
    with pytest.raises(ScenarioError, match="size 0"):
        driving.add([0], 0, 20.0, size=0)
    driving.add([0], 0, 20.0)
    with pytest.raises(ScenarioError, match="vehicle 0 is under way"):
        driving.add([0], 0, 20.0)
    with pytest.raises(ScenarioError, match="cannot advance to 3 s"):
        driving.advance(3)
    with pytest.raises(ScenarioError, match="does not start"):
        driving.set_next_link([[1, 0, -2]])


def test_what_happens_at_the_same_time_happens_in_the_order_of_links():
    driving = Driving(
        upstream=np.arange(20), downstream=np.arange(20, 40), length_m=100.0, free_flow_speed_m_s=10.0, record=True
    )
    driving.set_next_link([[*range(20), *[-2] * 20]])
    driving.add(np.arange(20)[::-1], np.arange(20), 0.0)
    arrivals = driving.advance(100.0)
    assert arrivals.time_s.tolist() == [10.0] * 20
    assert driving.crossings().link.tolist() == list(range(20))


def test_an_arm_that_serves_two_roads_gains_no_turns_by_it():
    """Arms 0 and 1 (equal) meet before road 2; every other car of arm 0 turns off to road 3, which is free."""
    driving = Driving(
        upstream=[0, 1, 2, 2], downstream=[2, 2, 3, 4], length_m=500.0, free_flow_speed_m_s=20.0,
        flow_capacity_per_s=[9.0, 9.0, 0.2, 9.0], record=True,
    )  # fmt: skip
    ways = [[0, 2] if i % 2 else [0, 3] for i in range(600)] + [[1, 2]] * 600
    driving.add(np.arange(1200), np.repeat([0, 1], 600), np.tile(np.arange(600) * 3.0, 2), paths=ways)
    driving.advance(1800.0)
    rows = driving.crossings()
    on_2 = rows.id[(rows.link == 2) & (rows.exit_s > 900.0)]
    assert abs((on_2 < 600).mean() - 0.5) < 0.02
