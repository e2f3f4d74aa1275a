from statistics import median
from time import perf_counter

import numpy as np
import pytest
from mesa import Model
from service_towns import ADULT, ASSISTED, fleet, town, town_of

from safepassage.agents.civilians import Civilian, Injury, Status
from safepassage.agents.households import Household
from safepassage.agents.rules import tally
from safepassage.agents.vehicles import Run, Task
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.results import columns
from safepassage.model.results.recorder import StatusCounts
from safepassage.model.services.services import Services
from safepassage.model.settings.behaviour import Order

CALM = {"orders": [], "shelling.sources": [], "run.step_s": 600, "run.duration_h": 48}
SHELTERS = [{"name": "School", "x_m": 499887.0, "y_m": 4983209.0, "capacity": 200}]
FEW_SHELLS = [{"kind": "process", "share_near_people": 1, "events_per_day": 30}]
EVENTFUL = {
    "shelling": {"shelling.sources": FEW_SHELLS, "orders": [], "behaviour.return_per_day": 0.3},
    "shelters": {"shelling.sources": FEW_SHELLS, "shelters.places": SHELTERS, "shelters.walking_distance_m": 1500.0},
    "closures": {
        "shelling.sources": FEW_SHELLS, "damage.crews.n_crews": 2,
        "closures.exits": [{"name": "North road", "from_h": 3.0, "until_h": 30.0}],
    },
    "front": {
        "shelling.sources": FEW_SHELLS, "front.closes_to_vehicles_within_km": 0.0,
        "front.distances": [{"day": "2024-08-01", "distance_km": 5.0}, {"day": "2024-08-02", "distance_km": 4.0}],
        "front.closes_to_walkers_within_km": 0.0, "drones.reach_km": 9.0,
    },
    "curfew": {
        "shelling.sources": FEW_SHELLS, "behaviour.coefficients.baseline_per_day": 2.0, "curfew.compliance": 0.8,
        "curfew.windows": [{"first_day": "2024-08-01", "from_time": "14:00", "until_time": "11:00"}],
    },
}  # fmt: skip


def digests(model):
    return {name: columns.digest(table) for name, table in model.recorder.tables().items()}


def by_steps_of_everything(model):
    """Run a model in which every minute does all that a minute can do, the slow twin of the agenda."""
    model.turn._quiet_until_s = lambda next_s, until_s: -np.inf
    model.turn._n_minutes = lambda next_s, until_s: 0
    model.turn._let_leave = lambda minute_s, others_s: False
    return model.run()


@pytest.mark.parametrize("what", EVENTFUL)
def test_time_passed_in_quiet_leaves_what_stepping_through_everything_leaves(what):
    changes = {"run.duration_h": 36, "run.step_s": 300, **EVENTFUL[what]}
    quick, slow = (EvacuationModel("tiny_town", **changes) for _ in range(2))
    n_quiet, passes = [], quick.turn.pass_time
    quick.turn.pass_time = lambda until_s: (n_quiet.append(until_s), passes(until_s))
    assert digests(quick.run()) == digests(by_steps_of_everything(slow))
    assert quick.resident_s == slow.resident_s
    assert len(n_quiet) > 20


def seen_by_mesa(model):
    return model.steps, model.tick, model.time_s, model.resident_s, model.datacollector.model_vars


@pytest.mark.parametrize("what", EVENTFUL)
def test_a_run_ahead_of_its_steps_leaves_what_stepping_leaves(what):
    changes = {"run.duration_h": 36.05, "run.step_s": 300, "run.record_every_s": 7200, **EVENTFUL[what]}
    ahead, stepped = (EvacuationModel("tiny_town", **changes) for _ in range(2))
    n_ahead, take = [], ahead.turn.take
    ahead.turn.take = lambda until_s: (take(until_s), n_ahead.append(ahead.time_s > ahead.stepped_s))[0]
    assert digests(ahead.run()) == digests(stepped.run(on_step=lambda model: None))
    assert seen_by_mesa(ahead) == seen_by_mesa(stepped)
    assert sum(n_ahead) > 20


class Watched(EvacuationModel):
    """A model of a user's own that notes the time after each step."""

    def step(self):
        super().step()
        self.seen_s = [*getattr(self, "seen_s", []), self.time_s]


def test_whoever_looks_after_each_step_sees_the_end_of_it():
    changes, seen_s = {**CALM, "run.duration_h": 2, "run.record_every_s": 7200}, []
    reported = EvacuationModel("tiny_town", **changes)
    reported.datacollector._new_model_reporter("clock_s", lambda model: model.time_s)
    EvacuationModel("tiny_town", **changes).run(on_step=lambda model: seen_s.append(model.time_s))
    assert seen_s == [600.0 * (k + 1) for k in range(12)]
    assert Watched("tiny_town", **changes).run().seen_s == seen_s
    assert reported.run().datacollector.model_vars["clock_s"] == seen_s


class NotesPlaces(StatusCounts):
    """A collector of a user's own."""

    def collect(self, model):
        super().collect(model)
        self.seen_s = [*getattr(self, "seen_s", []), model.time_s]


@pytest.mark.parametrize("how", ["collector", "step set on the model", "collect set on the collector"])
def test_whatever_a_user_puts_in_sees_the_end_of_each_step(how):
    model, seen_s = EvacuationModel("tiny_town", **{**CALM, "run.duration_h": 2, "run.record_every_s": 7200}), []
    step, collect = model.step, model.datacollector.collect
    if how == "collector":
        model.datacollector = NotesPlaces()
    elif how == "step set on the model":
        model.step = lambda: (step(), seen_s.append(model.time_s))
    else:
        model.datacollector.collect = lambda model: (collect(model), seen_s.append(model.time_s))
    model.run()
    assert (seen_s or model.datacollector.seen_s) == [600.0 * (k + 1) for k in range(12)]


@pytest.mark.skipif(not hasattr(Model, "schedule_event"), reason="Mesa has events from 3.5 on")
def test_an_event_of_mesas_between_steps_sees_the_end_of_the_step_before():
    model, seen_s = EvacuationModel("tiny_town", **{**CALM, "run.duration_h": 2, "run.record_every_s": 7200}), []

    def look():
        seen_s.append(model.time_s)

    model.schedule_event(look, at=5.5)
    model.run()
    assert seen_s == [3000.0]


def test_a_step_that_was_interrupted_is_taken_to_its_end():
    changes = {**CALM, "run.duration_h": 2, "run.record_every_s": 600}
    whole, model = (EvacuationModel("tiny_town", **changes) for _ in range(2))
    take = model.turn.take
    turns = iter(range(10_000))

    def interrupted(until_s):
        if next(turns) in (5, 9):
            raise KeyboardInterrupt
        return take(until_s)

    model.turn.take = interrupted
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            model.run()
    assert digests(model.run()) == digests(whole.run())
    assert model.datacollector.model_vars == whole.datacollector.model_vars


class LookEachMinute(Services):
    """Services that look each minute at all there is, the slow twin of those that wait until something changes."""

    next_s = -np.inf

    def take_turn(self, now_s):
        self.wake()
        super().take_turn(now_s)


SQUARE = {"latitude_deg": 45.0, "longitude_deg": -33.0}
SERVED = {
    "run.duration_h": 6, "run.step_s": 300, "population.residents": 500, "population.p_car": 0.2,
    "movement.walk_out_limit_m": 0, "harm.casualty_scale": 1.0,
    "shelling.sources": [{"kind": "process", "share_near_people": 1, "events_per_day": 1500}],
    "services.ambulances": {"n": 3, "base": SQUARE, "treat_time_s": 600},
    "services.pickup_points": [{"name": "Square", **SQUARE}],
    "services.trains": [{"name": "Station", "latitude_deg": 45.004, "longitude_deg": -33.0, "seats": 90,
                         "departures": ["10:30"]}],
    "services.reinforcements": [{"fleet": "Buses", "n_vehicles": 1, "at_h": 2}],
    "damage.crews.n_crews": 2,
}  # fmt: skip
FLEETS = {
    "plain": {"seats": 12},
    "few seats and dwell": {"seats": 9, "dwell_s": 900, "wheelchair_places": 1, "dispatch": "longest_wait"},
    "convoys": {"seats": 12, "convoys": {"every_s": 1800}, "dispatch": "nearest", "serve_each_within_s": 3600},
    "shifts and breakdowns": {"seats": 9, "shifts": {"work_h": 1, "rest_h": 1.5}, "breakdowns_per_100_h": 20},
}


@pytest.mark.parametrize("kind", FLEETS)
def test_services_that_wait_until_something_changes_do_what_they_do_if_they_look_each_minute(kind):
    buses = {"name": "Buses", "n_vehicles": 2, "hub_time_s": 900, **FLEETS[kind]}
    vans = {"name": "Vans", "n_vehicles": 2, "seats": 9, "serves": "door_to_door", "depot": SQUARE, "hub_time_s": 900}
    quick, slow = (EvacuationModel("tiny_town", **SERVED, **{"services.fleets": [buses, vans]}) for _ in range(2))
    n_looks, act = [], quick.services.act
    quick.services.act = lambda now_s: (n_looks.append(now_s), act(now_s))
    slow.services.__class__ = LookEachMinute
    assert digests(quick.run()) == digests(slow.run())
    runs = quick.recorder.tables()["services"].to_pandas()
    assert set(runs.fleet) == {"Buses", "Vans", "train", "ambulances"} and (runs.n_boarded > 0).any()
    assert quick.services.ambulances.waits_s and len(n_looks) < 6 * 60


def test_who_asks_for_a_seat_while_every_vehicle_is_beyond_the_exits_is_looked_at_once_one_is_back():
    model = town(town_of([[ADULT]] * 8), [fleet(serves="door_to_door")], orders=[])
    model.step()
    services, ready_s = model.services, model.time_s + 5000.0
    for vehicle in services.vehicles:
        vehicle.ready_s = ready_s
    services.wake()
    services.act(model.time_s)
    assert services.next_s == np.inf
    services.riders.request(np.arange(2), model.time_s)
    assert services.next_s == ready_s - 60.0
    services.riders.withdraw_request(0)
    assert services.next_s == ready_s - 60.0


@pytest.mark.parametrize("n_left", [0, 2])
def test_a_bus_that_leaves_a_stop_calls_for_others_only_if_somebody_waits_there(n_left):
    model = town(town_of([[ADULT]] * (3 + n_left)), [fleet(seats=4)], orders=[])
    model.step()
    services = model.services
    bus, stop = services.vehicles[0], services.stops[0]
    bus.task, bus.node, bus.target, bus.run = Task.BOARDING, stop.car_node, stop.row, Run(model.time_s)
    bus.arrived_s = bus.ready_s = model.time_s
    bus.seats.take(0, 1, 0)
    for household in range(3, 3 + n_left):
        services.riders.wait(stop, household, model.time_s + 3600.0)  # too late for this bus
    services.wake()
    n_calls = services.riders.n_calls[False]
    services.act(model.time_s)
    assert bus.task == Task.TO_EXIT and bus.seats.n_free == 3
    assert (services.riders.n_calls[False] > n_calls) == (n_left > 0)


def test_services_wait_for_their_hours_in_quiet_and_lose_nobody():
    persons = [[ADULT]] * 30 + [[ADULT, ASSISTED]] * 4
    late = [{"from_time": "10:30", "until_time": "11:30"}]
    vans = fleet(name="Vans", serves="door_to_door", hours=late)
    models = [town(town_of(persons), [fleet(hours=late), vans], **{"run.duration_h": 12}) for _ in range(2)]
    n_quiet, passes = [], models[0].turn.pass_time
    models[0].turn.pass_time = lambda until_s: (n_quiet.append(until_s), passes(until_s))
    assert digests(models[0].run()) == digests(by_steps_of_everything(models[1]))
    assert len(n_quiet) > 100 and (models[0].people.status == Status.SAFE).any()


def test_an_idle_step_does_nothing_and_takes_microseconds():
    model = EvacuationModel("tiny_town", **CALM)
    for _ in range(20):
        model.step()
    model.recorder._next_s = model.decision.next_s = np.inf
    model.turn.live = None
    took_s = []
    for _ in range(200):
        began = perf_counter()
        model.step()
        took_s.append(perf_counter() - began)
    assert median(took_s) < 200e-6  # measured: 14 microseconds on one idle core


def test_nothing_on_the_agenda_is_later_than_what_happens():
    model = EvacuationModel("tiny_town", **{**CALM, "shelling.sources": FEW_SHELLS, "run.step_s": 60})
    n_fallen = 0
    while model.time_s < 12 * 3600:
        next_s, before = model.next_s, model.people.protection.copy()
        model.step()
        if next_s > model.time_s and model.decision.next_s > model.time_s:
            assert model.turn.next_row == n_fallen and (model.people.protection == before).all()
        n_fallen = model.turn.next_row
    assert n_fallen > 3


def test_what_is_written_through_handles_is_seen_by_the_next_step():
    model = EvacuationModel("tiny_town", **CALM)
    for _ in range(3):
        model.step()
    household = next(h for h in model.agents_by_type[Household] if h.has_car)
    household.departure_time_s = model.time_s + 700.0
    someone = model.agents_by_type[Civilian][1999]
    someone.injury, someone.death_time_s = Injury.SERIOUS, model.time_s + 1300.0
    model.step()
    assert model.recorder.n_by_injury[Injury.SERIOUS] == 1
    model.step()
    assert model.parties.is_on_way[household.row] or np.isfinite(model.parties.arrival_time_s[household.row])
    model.step()
    assert someone.status == Status.DEAD and model.recorder.n_by_status[Status.DEAD] == 1


def test_what_is_written_into_a_set_of_agents_is_counted_by_the_next_step():
    model = EvacuationModel("tiny_town", **CALM)
    model.step()
    model.agents_by_type[Civilian].select(lambda person: person.age > 70).set("injury", Injury.LIGHT)
    model.step()
    assert model.recorder.n_by_injury[Injury.LIGHT] == (model.people.age > 70).sum() > 0


def test_an_order_given_while_all_is_quiet_is_on_the_agenda_at_once():
    model = EvacuationModel("tiny_town", **CALM)
    for _ in range(10):
        model.step()
    model.issue(Order(issued_h=model.time_s / 3600, compliance=1.0))
    assert model.next_s <= model.time_s
    for _ in range(20):
        model.step()
    assert model.recorder.n_by_status[Status.HOME] < 700


def test_the_books_are_checked_as_a_person_after_the_other_would_check_them():
    rng = np.random.default_rng(4)
    for _ in range(200):
        n, first = 4, np.array([0, 2, 3, 5, 6])
        on_way, stop, vehicle = rng.random(n) < 0.5, rng.integers(-1, 1, n), rng.integers(-1, 1, n)
        arrival_s, status = np.where(rng.random(n) < 0.3, 9.0, np.inf), rng.integers(0, 8, 6).astype(np.int8)
        rides = np.where(rng.random(n) < 0.2, 0, -1).astype(np.int32)
        places = stop.astype(np.int32), vehicle.astype(np.int32), rides
        household = np.repeat(np.arange(n, dtype=np.int32), np.diff(first))
        found = tally.count_wrong(on_way, *places, arrival_s, household, status)
        expected = [0, 0, 0, 0]
        for p in range(n):
            at_stop, aboard = stop[p] >= 0, vehicle[p] >= 0 or rides[p] >= 0
            expected[tally.IN_TWO_PLACES] += ((at_stop or aboard) and not on_way[p]) or (at_stop and aboard)
            expected[tally.ON_STREETS] += on_way[p] and not at_stop and not aboard
            for s in map(Status, status[first[p] : first[p + 1]]):
                expected[tally.OUTSIDE] += s == Status.TRAVELLING and not on_way[p]
                right = {Status.TRAVELLING, Status.STRANDED, Status.DEAD} | ({Status.WAITING} if at_stop else set())
                arrived = np.isfinite(arrival_s[p]) and s not in (Status.SAFE, Status.DEAD)
                expected[tally.WRONG_STATUS] += (on_way[p] and s not in right) or arrived
        assert found.tolist() == expected
