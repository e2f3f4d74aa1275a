import timeit
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from service_towns import (
    ADULT,
    AMBULANCES,
    ASSISTED,
    CHILD,
    DRIVE_S,
    POINT,
    check,
    digests,
    fleet,
    run,
    tables,
    town,
    town_of,
)

from safepassage.agents.civilians import Mobility, Protection, Status
from safepassage.agents.parties import Mode
from safepassage.agents.vehicles import Seats
from safepassage.model.results import metrics
from safepassage.model.results import run_folder as results
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.scenario import LEVERS, load

OPENS_S = 1800.0


def test_one_bus_of_ten_seats_takes_35_people_in_four_runs_at_the_times_of_its_cycle():
    model = run(town(town_of([[ADULT]] * 35), [fleet()]))
    runs = tables(model)["services"]
    cycle_s = DRIVE_S + 10 * 10.0 + DRIVE_S + 3600.0
    start_s = OPENS_S + cycle_s * np.arange(4)
    assert runs.n_boarded.tolist() == [10, 10, 10, 5]
    assert runs.start_s.to_numpy() == pytest.approx(start_s)
    assert runs.end_s.to_numpy() == pytest.approx(start_s + 2 * DRIVE_S + 10.0 * runs.n_boarded)
    assert (tables(model)["persons"].reason == "out of the area by bus").all()
    assert runs.exit.tolist() == ["West"] * 4


@pytest.mark.parametrize("step_s", [30.0, 150.0])
def test_runs_do_not_depend_on_the_step(step_s):
    path = town_of([[ADULT]] * 35)
    first, second = (tables(town(path, [fleet()], **{"run.step_s": s}).run())["services"] for s in (60.0, step_s))
    assert first.equals(second)


def test_without_services_there_is_nothing_to_pay_and_no_table():
    model = town(town_of([[ADULT]] * 3), points=()).run()
    assert model.services.is_empty and "services" not in model.recorder.tables()
    assert (model.people.status == Status.WAITING).all()
    reason = tables(model)["persons"].reason
    assert (reason == "waiting for a seat: no car, too far to walk").all()


def test_people_within_the_limit_walk_out_if_nothing_comes():
    path = town_of([[ADULT]] * 3)
    near, far = (town(path, points=(), **{"movement.walk_out_limit_m": m}).run() for m in (1000.1, 999.0))
    assert (near.people.status == Status.SAFE).all() and (far.people.status == Status.WAITING).all()


def test_people_within_the_limit_walk_out_when_they_have_waited_too_long_for_a_seat():
    path, patience = town_of([[ADULT]] * 35, node="end"), {"services.patience_s": 2 * 3600.0}
    near, far = (run(town(path, [fleet()], **patience | {"movement.walk_out_limit_m": m})) for m in (1500.0, 999.0))
    assert (near.people.status == Status.SAFE).all() and (far.people.status == Status.SAFE).all()
    assert tables(far)["services"].n_boarded.sum() == 35
    persons, n_by_bus = tables(near)["persons"], tables(near)["services"].n_boarded.sum()
    assert (
        n_by_bus == (persons.reason == "out of the area by bus").sum() == 20
    )  # at 6:30 and 7:37; the next comes at 8:44
    left_s = near.parties.arrival_time_s[(persons.reason != "out of the area by bus").to_numpy()]
    assert (left_s > 2 * 3600.0).all() and (left_s < 3 * 3600.0).all()


OLD = (70, "unimpaired")
FIRST_CLAIM = {"movement.walk_out_limit_m": 3000.0, "movement.walk_out_limit_slow_m": 500.0}
"""Adults can walk out of the road town, the old cannot."""


def test_room_at_a_stop_goes_to_those_who_cannot_walk_out_before_those_who_can():
    path, points = town_of([[ADULT]] * 12 + [[OLD]] * 6), [POINT | {"room": 6}]
    persons = tables(run(town(path, [fleet()], points, **FIRST_CLAIM)))["persons"]
    assert (persons.reason[12:] == "out of the area by bus").all() and (
        persons.reason[:12] == "out of the area on foot"
    ).all()
    assert persons.safe_time_s[:12].max() < 1800 < persons.safe_time_s[12:].min()


def test_who_could_walk_takes_a_seat_that_is_left_over_and_sooner_out():
    path = town_of([[ADULT]] * 12 + [[OLD]] * 6, node="end")
    ready = fleet(hours=[{"from_time": "00:00", "until_time": "23:59"}])
    model = run(town(path, [ready], [{"name": "End", "node": "end"}], **FIRST_CLAIM))
    persons = tables(model)["persons"]
    first = tables(model)["services"].iloc[0]
    assert first.n_boarded == 10 and (persons.safe_time_s[12:] == first.end_s).all()
    assert (persons.reason[:12] == "out of the area by bus").sum() >= 4 and (
        persons.reason[:12] == "out of the area on foot"
    ).sum() >= 4


def test_who_could_walk_does_not_wait_for_a_train_or_for_a_vehicle_to_their_door():
    train = {"name": "Station", "node": "square", "seats": 50, "departures": ["09:00"]}
    vans = fleet(name="Vans", n_vehicles=1, seats=8, serves="door_to_door")
    people = [[ADULT]] * 8 + [[OLD]] * 4
    by_train, by_van = (
        tables(run(town(town_of(people), fleets, (), **more, **FIRST_CLAIM)))["persons"]
        for fleets, more in (([], {"services.trains": [train]}), ([vans], {}))
    )
    for persons in (by_train, by_van):
        assert (persons.reason[:8] == "out of the area on foot").all() and persons.safe_time_s[:8].max() < 1800
        assert np.isfinite(persons.safe_time_s[8:]).all() and persons.safe_time_s[8:].min() > 1800


def test_the_old_wait_on_at_a_stop_from_which_adults_walk_out():
    path = town_of([[ADULT]] * 15 + [[OLD]] * 15, node="end")
    limits = {"movement.walk_out_limit_m": 1500.0, "movement.walk_out_limit_slow_m": 500.0}
    persons = tables(run(town(path, [fleet()], **limits, **{"services.patience_s": 600.0})))["persons"]
    assert (
        persons.reason[:15] == "out of the area on foot"
    ).sum() >= 14  # one comes too late to lose patience before the bus
    assert (persons.reason[15:] == "out of the area by bus").all()


def test_people_walk_to_a_stop_in_reach_and_no_farther():
    path = town_of([[ADULT]] * 4, node="end")
    near, far = (town(path, [fleet()], **{"services.walk_reach_m": m}).run() for m in (1000.1, 999.0))
    assert (near.people.status == Status.SAFE).all()
    assert (far.people.status == Status.WAITING).all() and (far.parties.stop < 0).all()


def test_a_bus_waits_for_more_people_until_it_is_full_or_its_time_is_up():
    path = town_of([[ADULT]] * 5)
    runs = tables(town(path, [fleet(dwell_s=900)]).run())["services"]
    assert runs.end_s[0] == pytest.approx(OPENS_S + DRIVE_S + 900.0 + DRIVE_S)


TWO_POINTS = (POINT, {"name": "End", "node": "end"})


@pytest.mark.parametrize(
    ("dispatch", "first"), [("longest_queue", "end"), ("nearest", "square"), ("longest_wait", "end")]
)
def test_vehicles_go_where_the_rule_of_dispatch_sends_them(dispatch, first):
    """Three households at the end of the road, the first of which is ready before all others; one at the square."""
    nodes = ("end", "end", "end", "square")
    path = town_of([[ADULT]] * 4, node=nodes)
    depot = {"hours": [{"from_time": "07:00", "until_time": "18:00"}], "depot": {"node": "exit"}}
    model = town(path, [fleet(seats=2, dispatch=dispatch, hub_time_s=60, **depot)], TWO_POINTS)
    run(model)
    arrived_s = model.parties.arrival_time_s
    if dispatch == "longest_wait":
        first = nodes[int(np.argmin(model.households.departure_time_s))]
    is_first = np.array(nodes) == first
    assert arrived_s[is_first].min() == arrived_s.min() and np.isfinite(arrived_s).all()
    assert first == "square" or arrived_s[~is_first].min() > arrived_s.min()


def test_a_vehicle_with_free_seats_goes_on_to_the_next_stop():
    path = town_of([[ADULT]] * 4, node=("end", "end", "end", "square"))
    runs = tables(town(path, [fleet()], TWO_POINTS).run())["services"]
    assert runs.n_pickups.tolist() == [2] and runs.n_boarded.tolist() == [4]
    soonest_s = 2 * DRIVE_S + 30.0 + DRIVE_S + 10.0 + DRIVE_S
    assert soonest_s <= runs.end_s[0] - runs.start_s[0] <= soonest_s + 2 * 60.0


def test_people_whom_the_last_bus_left_behind_go_home_and_come_again_the_next_day():
    hours = [{"from_time": "06:30", "until_time": "07:30"}]
    changes = {"run.duration_h": 30, "run.step_s": 300}
    model = town(town_of([[ADULT]] * 15), [fleet(hours=hours)], **changes)
    at_noon = None
    while model.running:
        model.step()
        check(model)
        if model.time_s == 6 * 3600:
            at_noon = model.recorder.n_by_status.copy(), model.services.stops[0].n_waiting
    assert at_noon[0][Status.SAFE] == 10 and at_noon[0][Status.WAITING] == 5 and at_noon[1] == 0
    assert (model.people.status == Status.SAFE).all() and (
        tables(model)["persons"].reason == "out of the area by bus"
    ).all()


def test_a_pickup_point_takes_no_more_people_than_it_has_room_for():
    model = town(town_of([[ADULT]] * 30), [fleet(hub_time_s=60)], points=(POINT | {"room": 7},))
    most = 0
    while model.running:
        model.step()
        most = max(most, model.services.stops[0].n_waiting)
    assert most == 7 and (model.people.status == Status.SAFE).all()


def test_households_know_for_how_many_of_them_there_are_seats_in_reach():
    three = town_of([[ADULT]] * 3)
    assert town(three, [fleet()]).services.seats_in_reach.share_without(0.0).tolist() == [0.0] * 3
    train = TRAIN | {"seats": 2, "departures": ["09:00"]}
    by_train = town(three, points=(), **{"services.trains": [train]}).services.seats_in_reach
    assert by_train.share_without(0.0).tolist() == pytest.approx([1 / 3] * 3)
    assert town(three).services.seats_in_reach.share_without(0.0).tolist() == [1.0] * 3


def test_a_fleet_that_takes_no_time_has_a_seat_for_whoever_is_near_and_for_nobody_else():
    at_once = fleet(hub_time_s=0, dwell_s=0)
    two = town_of([[ADULT], [ADULT]], node=["square", "end"])
    seats = town(two, [at_once], **{"services.walk_reach_m": 500}).services.seats_in_reach
    assert seats.share_without(0.0).tolist() == [0.0, 1.0]


def test_a_plan_may_change_services(tmp_path):
    plan = tmp_path / "more.yaml"
    plan.write_text("name: more\nservices: {fleets: [{name: Bus, n_vehicles: 5, seats: 30}]}\n")
    path = town_of([[ADULT]] * 3)
    text = load(path, {"services.pickup_points": [POINT]}, plan=plan)
    assert text.services.fleets[0].n_vehicles == 5 and "services" in LEVERS


def test_an_hour_in_which_nobody_waits_costs_microseconds():
    fleets = [fleet(n_vehicles=6), fleet(name="Vans", serves="door_to_door", n_vehicles=8)]
    model = town(town_of([[ADULT]]), fleets, **AMBULANCES)
    per_act_s = min(timeit.repeat(lambda: model.services.act(0.0), number=200, repeat=5)) / 200
    assert per_act_s < 200e-6


def test_a_person_beyond_the_wheelchair_places_takes_two_seats_and_90_s():
    seats = Seats(4, 1)
    assert seats.take(0, 2, 2) and (seats.n_taken, seats.n_places_taken) == (2, 1)
    assert not seats.fits(2, 1) and seats.take(1, 1, 1) and seats.n_free == 0


def test_assisted_people_board_in_90_s_each_into_wheelchair_places_first():
    path = town_of([[ADULT, ASSISTED]] * 3)
    runs = tables(run(town(path, [fleet(seats=5, wheelchair_places=2)])))["services"]
    assert (runs.n_boarded.tolist() == [6] and runs.n_assisted.tolist() == [3]) or runs.n_boarded.tolist() == [4, 2]
    first_s = runs.end_s[0] - runs.start_s[0] - 2 * DRIVE_S
    assert first_s == pytest.approx(10.0 * runs.n_boarded[0] / 2 + 90.0 * runs.n_assisted[0])


def test_families_under_a_compulsory_order_board_first_then_those_who_need_help():
    people = [[ADULT]] * 6 + [[ADULT, ASSISTED]] * 2 + [[ADULT, CHILD]] * 2
    orders = [{"issued_h": 0, "compliance": 1.0}]
    orders += [{"issued_h": 0, "compliance": 1.0, "force": "compulsory", "audience": "families_with_children"}]
    model = run(town(town_of(people), [fleet(seats=4, wheelchair_places=1)], orders=orders))
    arrived_s = model.parties.arrival_time_s
    assert arrived_s[8:].max() < arrived_s[6:8].min() <= arrived_s[6:8].max() <= arrived_s[:6].min()


def test_seats_for_less_than_the_largest_household_are_refused():
    with pytest.raises(ScenarioError, match=r"services.fleets.0 \(Bus\): seats = 2, but the largest household takes 4"):
        town(town_of([[ADULT, ADULT, ASSISTED]]), [fleet(seats=2)])


def test_two_stops_of_one_name_and_a_fleet_without_stops_are_refused():
    path = town_of([[ADULT]])
    with pytest.raises(ScenarioError, match="'Square' is the name of two stops"):
        town(path, [fleet()], points=(POINT, POINT))
    with pytest.raises(ScenarioError, match="serves pickup points and there are none"):
        town(path, [fleet()], points=())
    with pytest.raises(ScenarioError, match="there is no node 'nowhere'"):
        town(path, [fleet()], points=({"name": "Square", "node": "nowhere"},))


def test_door_to_door_reaches_those_who_cannot_walk():
    path = town_of([[ASSISTED]] * 4 + [[ADULT]] * 2, node="end")
    vans = fleet(name="Vans", seats=4, serves="door_to_door", kind="armoured")
    model = run(town(path, [fleet(), vans]))
    persons = tables(model)["persons"]
    assert (persons.status == "SAFE").all()
    runs = tables(model)["services"]
    assert runs[runs.fleet == "Vans"].n_assisted.sum() == 4 and runs[runs.fleet == "Bus"].n_boarded.sum() == 2
    without = town(path, [fleet()]).run()
    assert (without.people.status[:4] == Status.WAITING).all() and (without.people.status[4:] == Status.SAFE).all()


def test_passengers_are_protected_by_their_vehicle_and_those_who_wait_by_their_stop():
    seen = set()
    vans = fleet(name="Vans", seats=4, serves="door_to_door", kind="armoured")
    model = town(town_of([[ADULT]] * 3 + [[ASSISTED]]), [fleet(), vans], points=(POINT | {"indoors": False},))
    while model.running:
        model.step()
        for h in np.flatnonzero((model.parties.vehicle >= 0) | (model.parties.stop >= 0)):
            place = "stop" if model.parties.stop[h] >= 0 else model.services.vehicles[model.parties.vehicle[h]].fleet
            seen.add((place, Protection(int(model.people.protection[h])), Status(int(model.people.status[h]))))
    assert seen == {
        ("stop", Protection.OUTDOORS, Status.WAITING),
        ("Bus", Protection.VEHICLE, Status.TRAVELLING),
        ("Vans", Protection.ARMOURED, Status.TRAVELLING),
    }


TRAIN = {"name": "Station", "node": "square", "seats": 10, "departures": ["09:00", "11:00"]}


def test_a_train_takes_as_many_as_it_has_seats_and_people_come_an_hour_before():
    model = run(town(town_of([[ADULT]] * 25), points=(), **{"services.trains": [TRAIN]}))
    runs = tables(model)["services"]
    assert runs.start_s.tolist() == [3 * 3600.0, 5 * 3600.0] and runs.n_boarded.tolist() == [10, 10]
    safe = model.people.status == Status.SAFE
    assert safe.sum() == 20 and (model.parties.mode[safe] == Mode.TRAIN).all()
    assert model.households.departure_time_s[safe[: len(model.households)]].min() >= 2 * 3600.0
    reason = tables(model)["persons"].reason
    assert (reason == "out of the area by train").sum() == 20 and (reason == "waiting at home for the train").sum() == 5
    assert tables(model)["stops"].max_wait_s[0] <= 3600.0 + 60.0


def test_no_train_leaves_after_the_last_day():
    path = town_of([[ADULT]] * 25)
    later = TRAIN | {"last_day": "2024-07-31"}
    model = run(town(path, points=(), **{"services.trains": [later]}))
    assert len(tables(model)["services"]) == 0 and (model.people.status == Status.WAITING).all()


def test_trains_run_every_so_many_days():
    rare = TRAIN | {"every_n_days": 2, "departures": ["09:00"]}
    changes = {"services.trains": [rare], "run.duration_h": 80, "run.step_s": 600, "services.book_ahead_h": 72}
    model = town(town_of([[ADULT]] * 25), points=(), **changes).run()
    runs = tables(model)["services"]
    assert runs.start_s.tolist() == [3 * 3600.0, 51 * 3600.0] and runs.n_boarded.tolist() == [10, 10]


def test_nobody_walks_to_a_train_during_the_curfew():
    curfew = {"first_day": "2024-07-01", "from_time": "07:00", "until_time": "08:50"}
    changes = {"curfew.windows": [curfew], "curfew.compliance": 1.0, "services.trains": [TRAIN]}
    model = run(town(town_of([[ADULT]] * 10, node="end"), points=(), **changes))
    left_s = model.households.departure_time_s
    assert not ((left_s >= 3600.0) & (left_s < 10200.0)).any()
    assert (model.people.status == Status.SAFE).all()


@settings(max_examples=12, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 4), min_size=5, max_size=25),
    n_vehicles=st.integers(1, 3),
    seats=st.integers(8, 14),
    places=st.integers(0, 2),
    dispatch=st.sampled_from(["longest_queue", "nearest", "longest_wait"]),
    by_door=st.booleans(),
)
def test_seats_are_never_exceeded_and_nobody_who_has_a_seat_in_reach_waits_for_ever(
    sizes, n_vehicles, seats, places, dispatch, by_door
):
    people = [[ADULT] * (n - 1) + [ASSISTED if h % 3 == 0 else ADULT] for h, n in enumerate(sizes)]
    fleets = [fleet(n_vehicles=n_vehicles, seats=seats, wheelchair_places=places, dispatch=dispatch, hub_time_s=600)]
    fleets += [fleet(name="Vans", seats=8, serves="door_to_door", hub_time_s=600)]
    points = (POINT, {"name": "End", "node": "end"})
    changes = {"orders": [{"issued_h": 0, "compliance": 1.0, "force": "compulsory"}]}
    model = run(town(town_of(people, node="end" if by_door else "square"), fleets, points, **changes))
    assert (model.people.status == Status.SAFE).all()


def test_more_buses_never_bring_fewer_people_out_by_any_time():
    path = town_of([[ADULT, ADULT]] * 15 + [[ADULT]] * 20 + [[OLD]] * 10)
    for walks in ({}, FIRST_CLAIM):
        models = (town(path, [fleet(n_vehicles=n)], [POINT | {"room": 15}], **walks) for n in (0, 1, 2, 4))
        out = [np.array(tables(model.run())["timeseries"].n_safe) for model in models]
        for fewer, more in pairwise(out):
            assert ((more >= fewer).all() and more[-1] > fewer[-1]) or more[-1] == 60


def test_the_same_seed_gives_the_same_bits():
    path = town_of([[ADULT, ASSISTED]] * 8 + [[ADULT]] * 20)
    fleets = [fleet(n_vehicles=2), fleet(name="Vans", serves="door_to_door")]
    shelling = {"shelling.sources": [{"kind": "process", "share_near_people": 1, "events_per_day": 2000}]}
    first, again = (digests(town(path, fleets, **shelling).run()) for _ in range(2))
    assert first == again


def test_measures_tell_seats_used_and_waits(tmp_path):
    model = town(town_of([[ADULT]] * 35), [fleet()]).run()
    found = {m.name: m.value for m in metrics.summary(results.open_run(model.save(tmp_path)))}
    assert found["boarded"] == 35 and found["seats_offered"] == 40 and found["seats_used_share"] == 35 / 40
    assert found["waiting_at_stops"] == 0 and found["wait_longest"] > 3
    assert found["crew_exposure"] == pytest.approx(2 * 4 * (2 * DRIVE_S + 87.5) / 3600)


def test_a_person_of_the_riders_knows_who_needs_assistance():
    model = town(town_of([[ADULT, ASSISTED]]), [fleet()])
    assert model.services.riders.size(0) == (2, 1)
    assert (model.people.mobility == Mobility.NEEDS_ASSISTANCE).sum() == 1
