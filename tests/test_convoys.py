"""Convoys, escorts, shifts, fuel, breakdowns and least service of fleets; checkpoints; what all of it costs."""

import numpy as np
import pytest
from service_towns import ADULT, DRIVE_S, POINT, check, fleet, tables, town, town_of

from safepassage.agents.vehicles import Task
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.results.metrics import values_of
from safepassage.model.results.run_folder import RunFolder
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.scenario import InvalidScenario

FORTY = [[ADULT]] * 40
SQUARE_AND_END = (POINT, {"name": "End", "node": "end"})
FRONT = {"front.distances": [{"day": "2024-08-01", "distance_km": 5}], "front.crossfire_casualties_per_person_h": 0,
         "drones.strikes_per_vehicle_minute": 0.5, "drones.p_casualty_per_strike": 1e-9}  # fmt: skip
"""A front from which drones come that hurt nobody in fact: what is to be expected is counted all the same."""


def run(persons=FORTY, points=(POINT,), n=1, run_changes=None, **changes):
    return town(town_of(persons), [fleet(n_vehicles=n, **changes)], points, **(run_changes or {})).run()


def test_vehicles_of_a_convoy_leave_together_at_its_moments_and_drive_at_its_speed():
    together = run(n=3, seats=12, convoys={"every_s": 1800, "speed_km_h": 18})
    runs = tables(together)["services"]
    left_s = runs["end_s"] - 2 * DRIVE_S  # a kilometre at half the speed of the road
    assert len(runs) == 4 and (left_s.round() % 1800 <= 30).all()  # behind each other by the headway of buses
    first = np.sort(runs["end_s"].to_numpy())[:3]
    assert np.ptp(first) < 30 and (runs["start_s"] % 1800 == 0).all()
    check(together)


def test_without_convoys_a_vehicle_leaves_when_it_is_ready():
    runs = tables(run(n=3, seats=12))["services"]
    assert (runs["start_s"] % 1800 != 0).any()


def test_an_escort_lowers_strikes_by_its_factor_and_hurts_nobody_more():
    expected, crews = [], []
    for factor in (1.0, 0.5, 0.0):
        model = run(run_changes=FRONT, convoys={"strike_factor": factor})
        expected.append(model.under_fire.harm.expected.mean)
        crews.append(sum(vehicle.expected_crew_casualties for vehicle in model.services.vehicles))
    assert expected[1] == pytest.approx(expected[0] / 2) and expected[0] > 0 and expected[2] == 0
    assert crews[1] == pytest.approx(crews[0] / 2) and crews[2] == 0


@pytest.mark.parametrize("seed", [1, 2])
def test_with_ways_and_times_fixed_neither_escort_nor_nets_raise_what_anybody_may_expect(seed):
    streets = ["Main Street", "Town Bridge", "Market Street"]
    keys = {"front": {"distances": [{"day": "2024-08-01", "distance_km": 4}], "crossfire_casualties_per_person_h": 0},
            "shelling.sources": [], "drones.strikes_per_vehicle_minute": 0.5, "drones.strikes_per_walker_minute": 0.2,
            "drones.p_casualty_per_strike": 1e-9, "run.seed": seed, "run.duration_h": 2, "run.step_s": 300,
            "services.pickup_points": [{"name": "Hall", "latitude_deg": 45.0, "longitude_deg": -33.0}]}  # fmt: skip
    found = []
    for factor, nets in ((1.0, []), (0.5, []), (0.5, [{"streets": streets, "factor": 0.3}])):
        one = {"name": "Bus", "n_vehicles": 2, "seats": 40, "convoys": {"strike_factor": factor}}
        model = EvacuationModel("tiny_town", **keys, **{"services.fleets": [one], "drones.nets": nets}).run()
        of_crews = [vehicle.expected_crew_casualties for vehicle in model.services.vehicles]
        found.append(np.append(1.0 - model.under_fire.harm.expected._p_unhurt, of_crews))
    assert (found[1] <= found[0] + 1e-15).all() and (found[2] <= found[1] + 1e-15).all()
    assert found[2].sum() < found[1].sum() < found[0].sum()


def test_a_crew_that_has_worked_its_hours_rests_before_it_is_sent_out_again():
    model = run([[ADULT]] * 60, hub_time_s=600, shifts={"work_h": 0.5, "rest_h": 2})
    start_s = tables(model)["services"]["start_s"].to_numpy()
    gap_s = np.diff(start_s)
    assert len(start_s) == 6 and (gap_s > 1.4 * 3600).any()
    first, again = start_s[0], start_s[np.argmax(gap_s) + 1]
    assert again == pytest.approx(first + 2.5 * 3600, abs=60)


def test_no_run_begins_without_fuel():
    assert len(tables(run())["services"]) == 4
    assert len(tables(run(n_runs_fuelled=3))["services"]) == 3
    assert len(tables(run(n_runs_fuelled=0))["services"]) == 0


def test_a_vehicle_that_breaks_down_is_lost_and_a_higher_rate_breaks_it_no_later():
    gone_s = []
    for rate in (0.0, 300.0, 3000.0):
        model = town(town_of(FORTY), [fleet(n_vehicles=2, breakdowns_per_100_h=rate)])
        lost = []
        model.run(on_step=lambda m, lost=lost: lost.append(sum(v.task == Task.LOST for v in m.services.vehicles)))
        check(model)
        gone_s.append(lost)
    assert max(gone_s[0]) == 0 and max(gone_s[2]) == 2
    assert (np.array(gone_s[2]) >= gone_s[1]).all()


def test_a_stop_to_which_nothing_has_come_for_too_long_comes_before_a_longer_queue():
    persons, nodes = [[ADULT]] * 44, ["end"] * 4 + ["square"] * 40
    first = []
    for within_s in (None, 5400):
        bus = fleet(seats=8, serve_each_within_s=within_s)
        model = town(town_of(persons, node=nodes), [bus], SQUARE_AND_END, **{"services.walk_reach_m": 100}).run()
        waits = {stop.name: min((wait for wait, _ in stop.waits), default=np.inf) for stop in model.services.stops}
        first.append(waits["End"])
    assert first[1] < first[0]


def test_a_checkpoint_lets_one_vehicle_after_another_through_while_it_stands():
    model = town(town_of(FORTY, n_cars=40), **{"closures.checkpoints": [{"exit": "West", "inspect_s": 60}]}).run()
    out_s = np.sort(model.parties.arrival_time_s)
    assert np.diff(out_s[:40]).min() > 59.9
    freely = town(
        town_of(FORTY, n_cars=40), **{"closures.checkpoints": [{"exit": "West", "inspect_s": 60, "n_bays": 4}]}
    )
    assert np.diff(np.sort(freely.run().parties.arrival_time_s)).min() > 14.9
    lifted = {"closures.checkpoints": [{"between": ["square", "exit"], "inspect_s": 600, "until_h": 0.5}]}
    until_s = np.sort(town(town_of(FORTY, n_cars=40), **lifted).run().parties.arrival_time_s)
    assert (until_s < 1800).sum() <= 4 and until_s.max() < 1800 + 40 * 10


def test_a_trigger_may_let_a_checkpoint_come():
    trigger = {"name": "first", "share_left_below": 0.9, "known_after_h": 0}
    keys = {
        "triggers": [trigger],
        "closures.checkpoints": [{"exit": "West", "inspect_s": 900, "closes_after": "first"}],
    }
    model = town(town_of(FORTY, n_cars=40), **keys).run()
    assert np.isfinite(model.movement.checkpoint_per_s).any()


def test_a_run_says_what_seats_and_crews_cost(tmp_path):
    model = run(n=2, n_crew=3, run_changes=FRONT)
    found, runs = values_of(RunFolder(model.save(tmp_path))), tables(model)["services"]
    hours = ((runs["end_s"] - runs["start_s"]) / 3600).sum()
    assert found["seat_hours_offered"] == pytest.approx(10 * hours)
    assert found["crew_hours"] == pytest.approx(3 * hours)
    expected = sum(vehicle.expected_crew_casualties for vehicle in model.services.vehicles)
    assert found["crew_casualties_per_1000"] == pytest.approx(1000 * expected / 40) and expected > 0


@pytest.mark.parametrize(
    ("checkpoint", "message"),
    [
        ({"exit": "East"}, r"closures\.checkpoints\[0\]\.exit: there is no 'East'; there are West"),
        ({"between": ["square", "nowhere"]}, r"closures\.checkpoints\[0\]\.between: no street joins"),
        ({}, "exactly one way: exit"),
        ({"exit": "West", "inspect_s": 0}, "greater than 0"),
    ],
)
def test_a_checkpoint_that_stands_nowhere_is_refused_by_its_place(checkpoint, message):
    with pytest.raises((InvalidScenario, ScenarioError), match=message):
        town(town_of(FORTY, n_cars=40), **{"closures.checkpoints": [checkpoint]})


def test_a_fleet_that_makes_no_run_costs_no_crew_hours(tmp_path):
    closed = fleet(hours=[{"from_time": "23:00", "until_time": "23:30"}])
    found = values_of(RunFolder(town(town_of([[ADULT]]), [closed]).run().save(tmp_path)))
    assert found["service_runs"] == found["crew_hours"] == found["seat_hours_offered"] == 0
