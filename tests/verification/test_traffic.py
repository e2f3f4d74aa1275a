"""One named test for each published case of vehicles; `safepassage verify` prints the same cases as a table."""

import re

from safepassage.experiments.verification import traffic


def holds(run):
    missed = [check for check in run() if not check.passed]
    assert not missed, "; ".join(f"{c.quantity}: {c.found:g} instead of {c.expected:g}" for c in missed)
    return True


def test_one_link_in_free_flow_takes_50_s_per_trip():
    assert holds(traffic.one_link)


def test_a_saturated_link_carries_its_flow_capacity_at_critical_density():
    assert holds(traffic.one_link_saturated)


def test_two_links_in_free_flow_add_up():
    assert holds(traffic.two_links)


def test_a_slower_link_is_a_bottleneck_with_a_queue_before_it():
    assert holds(traffic.slow_link)


def test_the_tail_of_a_queue_runs_back_at_the_speed_of_the_shock_wave():
    assert holds(traffic.shock_wave)


def test_the_flow_capacity_of_a_link_s_end_delays_by_31_s():
    assert holds(traffic.exit_capacity)


def test_a_node_s_capacity_delays_as_much():
    assert holds(traffic.node_capacity)


def test_a_link_of_lower_jam_density_is_a_bottleneck():
    assert holds(traffic.jam_density)


def test_a_queue_spills_back_over_links_and_dissolves():
    assert holds(traffic.spillback)


def test_cumulative_curves_hold_the_travel_times():
    assert holds(traffic.curves)


def test_a_merge_below_capacity_holds_nobody_up():
    assert holds(traffic.free_merge)


def test_a_congested_merge_is_fair_to_both_arms():
    assert holds(traffic.fair_merge)


def test_four_arms_share_a_merge_in_proportion_to_their_capacities():
    assert holds(traffic.proportional_merge)


def test_a_diverge_is_first_in_first_out():
    assert holds(traffic.diverge)


def test_nobody_overtakes_a_slow_vehicle_and_a_gap_goes_with_its_speed():
    assert holds(traffic.moving_bottleneck)


def test_two_equal_routes_are_used_equally():
    assert holds(traffic.two_routes)


def test_no_vehicle_is_lost():
    assert holds(traffic.conservation)


def test_results_do_not_depend_on_how_often_one_looks():
    assert holds(traffic.split_steps)


def test_every_case_of_the_table_has_a_test_of_its_name():
    tests = [name for name in globals() if name.startswith("test_")]
    for case in traffic.CASES:
        assert "test_" + re.sub(r"[^a-z0-9]+", "_", case.name.lower()).strip("_") in tests
