"""Drones over roads and crossfire: charged along the way, exact in time, one luck for those in one vehicle."""

import numpy as np
import pytest
from service_towns import ADULT, fleet, run, tables, town, town_of

from safepassage.agents.civilians import Injury, Protection, Status
from safepassage.agents.vehicles import Task
from safepassage.model.draws import Keys, Stream
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.harm.road_fire import _Process
from safepassage.model.movement.driving import Driving
from safepassage.model.movement.walking import Walking

DRONES = {
    "front.distances": [{"day": "2024-08-01", "distance_km": 6.0}],
    "front.closes_to_vehicles_within_km": 0.0,
    "front.closes_to_walkers_within_km": 0.0,
    "front.crossfire_reach_km": 0.1,
    "drones.strikes_per_vehicle_minute": 0.3,
    "drones.strikes_per_walker_minute": 0.1,
    "drones.reach_km": 100.0,
    "shelling.sources": [],
}
MILD = {**DRONES, "drones.strikes_per_vehicle_minute": 0.02, "drones.strikes_per_walker_minute": 0.01}
CROSSFIRE = {"front.crossfire_reach_km": 20.0, "front.crossfire_casualties_per_person_h": 0.05}


def expected(model):
    return model.under_fire.harm.expected.mean


def jammed(until):
    """Drive 40 cars through three links, the last of which lets few out, in strides that end at some times."""
    driving = Driving(
        upstream=[0, 1, 2], downstream=[1, 2, 3], length_m=[400.0, 300.0, 500.0], free_flow_speed_m_s=10.0,
        flow_capacity_per_s=[1.0, 1.0, 0.1], n_vehicles=40, record=True,
    )  # fmt: skip
    driving.set_danger([1e-3, 2e-3, 5e-4], [1e-4, 0.0, 3e-4], 0.5)
    driving.add(np.arange(40), 0, np.linspace(0.0, 60.0, 40), paths=[[0, 1, 2]] * 40)
    total = np.zeros((2, 40))
    for time_s in until:
        driving.advance(time_s)
        cars, doses = driving.take_doses()
        total[:, cars] += doses
    return driving, total


def test_cars_go_through_the_danger_of_each_moment_on_each_link_moving_or_standing():
    driving, (strikes, crossfire) = jammed([1000.0])
    naive = np.zeros((2, 40))
    crossed = driving.crossings()
    free_s, rate, fire = np.array([40.0, 30.0, 50.0]), np.array([1e-3, 2e-3, 5e-4]), np.array([1e-4, 0.0, 3e-4])
    for car, link, entry_s, exit_s in zip(crossed.id, crossed.link, crossed.entry_s, crossed.exit_s, strict=True):
        moving_s = min(free_s[link], exit_s - entry_s)
        naive[0, car] += rate[link] * (moving_s + 0.5 * (exit_s - entry_s - moving_s))
        naive[1, car] += fire[link] * (exit_s - entry_s)
    assert len(crossed.id) == 120 and (naive[0] > 0.04 + 0.06 + 0.025).any(), "some stood in the queue"
    assert strikes == pytest.approx(naive[0]) and crossfire == pytest.approx(naive[1])


@pytest.mark.parametrize("stride_s", [7.0, 60.0, 333.0])
def test_danger_gone_through_does_not_depend_on_the_strides(stride_s):
    whole = jammed([1000.0])[1]
    parts = jammed([*np.arange(stride_s, 1000.0, stride_s), 1000.0])[1]
    assert parts == pytest.approx(whole, rel=1e-9)


def test_walkers_go_through_danger_for_as_long_as_they_are_on_a_link():
    walking = Walking(3, [0, 1], [1, 2], [0, 1], [100.0, 200.0], [3.0, 3.0], 2)
    walking.set_danger([1e-3, 2e-3], [0.0, 1e-3])
    walking.set_next_link([[0, 1, -2]])
    walking.add([0, 1], [0, 0], [0.0, 50.0], [1.0, 2.0])
    total = np.zeros((2, 2))
    for time_s in (30.0, 111.0, 1000.0):
        walking.advance(time_s)
        parties, doses = walking.take_doses()
        total[:, parties] += doses
    pace = 1.0  # next to nobody on 300 m2 and more
    assert total[0] == pytest.approx([1e-3 * 100 / pace + 2e-3 * 200 / pace, (1e-3 * 100 + 2e-3 * 200) / 2], rel=2e-3)
    assert total[1] == pytest.approx([0.2, 0.1], rel=2e-3)


def test_a_process_has_as_many_events_as_its_danger_and_the_same_however_it_is_cut():
    n = 4000
    keys = Keys(np.arange(n, dtype=np.uint32), np.zeros(n, np.uint32))
    rows, danger = np.arange(n), np.full(n, 1.5)
    whole, parts = (_Process(3, Stream.DRONE, keys) for _ in range(2))
    for _ in whole.go_through(rows, danger):
        pass
    for share in (0.1, 0.5, 0.4):
        for _, _, when in parts.go_through(rows, share * danger):
            assert ((when > 0) & (when <= 1)).all()
    assert np.array_equal(whole.n, parts.n)
    assert whole.n.mean() == pytest.approx(1.5, abs=4 * np.sqrt(1.5 / n))
    assert whole.n.var() == pytest.approx(1.5, rel=0.1), "Poisson: variance as the mean"


@pytest.mark.parametrize("danger", [MILD, {**DRONES, **CROSSFIRE}])
def test_the_same_harm_is_expected_on_an_open_road_at_any_step(danger):
    path = town_of([[ADULT, ADULT]] * 30, n_cars=30)
    by_step = [
        expected(run(town(path, **danger, **{"run.step_s": step_s, "run.duration_h": 2})))
        for step_s in (15.0, 60.0, 600.0, 900.0, 1800.0)
    ]
    # where a party stood at the end of a step counted for all of it: 600 s gave half of it, 1,800 s nothing
    assert by_step[0] > 0.5 and by_step == pytest.approx([by_step[0]] * 5, rel=0.01)


def test_the_same_harm_is_expected_in_a_town_with_jams_at_any_step():
    by_step, keys = [], {**MILD, "behaviour.decide_every_s": 1800.0, "run.duration_h": 8.0}
    for step_s in (60.0, 600.0, 900.0, 1800.0):
        runs = [EvacuationModel("tiny_town", **keys, **{"run.step_s": step_s, "run.seed": k}).run() for k in (1, 2)]
        by_step.append(np.mean([expected(model) for model in runs]))
    assert by_step[0] > 50 and by_step == pytest.approx([by_step[0]] * 4, rel=0.01)


def test_somebody_is_hurt_as_often_as_expected_and_more_protection_hurts_fewer():
    models = [
        EvacuationModel("tiny_town", **{**MILD, **CROSSFIRE}, **more).run()
        for more in ({}, {"harm.protection.vehicle": 0.5, "harm.protection.inner_room": 0.1})
    ]
    n_hurt = [(m.people.injury != Injury.NONE).sum() for m in models]
    spread = np.sqrt(models[0].under_fire.harm.expected.variance)
    assert expected(models[0]) > 50 and n_hurt[0] == pytest.approx(expected(models[0]), abs=4 * spread)
    assert expected(models[1]) < expected(models[0]) and n_hurt[1] < n_hurt[0]


def test_people_in_one_car_share_its_luck():
    path = town_of([[ADULT, ADULT]] * 300, n_cars=300)
    model = run(town(path, **DRONES, **{"run.duration_h": 3}))
    hurt = (model.people.injury != Injury.NONE).reshape(-1, 2)
    both, one = hurt.all(axis=1).mean(), hurt.mean()
    assert 0.05 < one < 0.95 and both > 1.3 * one**2


def test_a_party_has_the_same_luck_whoever_else_is_on_the_road():
    few, many = (run(town(town_of([[ADULT, ADULT]] * n, n_cars=n), **DRONES, **{"run.duration_h": 3})) for n in (5, 6))
    fire = [m.under_fire.road_fire._strikes for m in (few, many)]
    assert np.array_equal(fire[0]._next[fire[0].n == 0], fire[1]._next[:5][fire[0].n == 0])
    assert few.households.key.tolist() == many.households.key[:5].tolist()


def test_one_strike_on_a_bus_is_felt_by_all_aboard_and_puts_it_out_of_action():
    sure = {**DRONES, "drones.strikes_per_vehicle_minute": 20.0, "drones.p_casualty_per_strike": 1.0}
    model = run(town(town_of([[ADULT]] * 6), [fleet()], **sure))
    bus = model.services.vehicles[0]
    assert bus.task == Task.LOST and tables(model)["vehicles"].n_crew_casualties_expected[0] > 1
    calm = run(town(town_of([[ADULT]] * 6), [fleet()], **{**sure, "drones.p_casualty_per_strike": 0.0}))
    assert calm.services.vehicles[0].task != Task.LOST and (calm.people.status == Status.SAFE).all()
    harmless = {**sure, "drones.strikes_per_walker_minute": 0.0, "drones.p_casualty_per_strike": 0.0}
    model = town(town_of([[ADULT]] * 6), [fleet()], **harmless)
    bus, of_bus = model.services.vehicles[0], np.array([0])
    while model.running and not (len(bus.seats.aboard) == 6 and model.movement.link_of(of_bus)[0] >= 0):
        model.step()
    model.under_fire.road_fire.drones = model.settings.drones.model_copy(update={"p_casualty_per_strike": 1.0})
    model.step()
    assert (model.people.injury != Injury.NONE).all(), "all six were aboard"


def test_people_at_stops_are_under_crossfire_and_better_off_indoors():
    path = town_of([[ADULT]] * 200)
    by_place = []
    for indoors in (False, True):
        stop = {"name": "Stop", "node": "end", "indoors": indoors}
        nearly_full = fleet(hub_time_s=36_000.0)
        no_drones = {"drones.strikes_per_vehicle_minute": 0.0, "drones.strikes_per_walker_minute": 0.0}
        keys = {**DRONES, **CROSSFIRE, **no_drones, "services.pickup_points": [stop]}
        model = town(path, [nearly_full], **keys)
        while (model.parties.stop >= 0).sum() < 100 and model.running:
            model.step()
        before = expected(model)
        for _ in range(60):
            model.step()
        assert (model.parties.stop >= 0).sum() > 20
        by_place.append(expected(model) - before)
    assert by_place[0] > 1.0 and by_place[1] < 0.6 * by_place[0]


def test_crossfire_at_home_goes_by_the_room_of_each_moment():
    stay = {"orders": [], "behaviour.coefficients.baseline_per_day": 0.0, "behaviour.leaving.threat_factor": 0.0}
    stay |= {"behaviour.p_leave_after_impact": 0.0, "run.duration_h": 2.0, "harm.rooms.share_with_basement": 1.0}
    stay |= {"harm.rooms.share_who_heed_alerts": 1.0, "harm.rooms.share_usually_basement": 0.0}
    stay |= {"harm.rooms.share_usually_inner_room": 0.0, "harm.rooms.alert_duration_s": 900.0}
    means = []
    for step_s in (15.0, 60.0, 1800.0):
        model = EvacuationModel("tiny_town", **{**DRONES, **CROSSFIRE}, **stay, **{"run.step_s": step_s})
        cover, rows = model.under_fire.cover, np.arange(len(model.households))
        model.under_fire.road_fire.next_stop_s(0.0)
        cover.hear(rows, 0.0)
        weighted_s = []
        for first_s in np.arange(0.0, 3600.0, step_s):
            if first_s <= 400.0 < first_s + step_s:
                cover.hear(rows, 400.0)
            factor = model.settings.harm.protection.by_protection
            weighted_s.append(cover.weighted_s(np.arange(5), first_s, first_s + step_s, factor))
        means.append(np.sum(weighted_s, axis=0))
    # heard at 0 and 400 s: in the basement from 20 to 1,300 s, upstairs for the rest of the hour
    assert np.array(means) == pytest.approx(1280 * 0.1 + 2320 * 0.5)
    assert Protection.BASEMENT == 4
