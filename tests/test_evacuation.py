import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from service_towns import ADULT, ASSISTED, town_of

from safepassage.agents.civilians import Civilian, Status
from safepassage.agents.households import Cause, Household
from safepassage.agents.parties import Mode
from safepassage.agents.routes import EvacuationRoute
from safepassage.agents.rules import decide
from safepassage.agents.shelling import ShellingEvent
from safepassage.cli.overview import overview
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.people.population import PopulationError
from safepassage.model.results import columns, run_folder
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.scenario import Scenario, load

QUIET = {"shelling.sources": []}
SHORT = {"run.duration_h": 1.5}


def town(**changes):
    return EvacuationModel("tiny_town", **changes)


def digests(model):
    return {name: columns.digest(table) for name, table in model.recorder.tables().items()}


@pytest.fixture(scope="module")
def finished():
    return town().run()


def test_everybody_has_exactly_one_status_at_every_step():
    model = town(**SHORT)
    while model.running:
        model.step()
        assert model.recorder.n_by_status.sum() == 2000
        model.population.check(model.movement.n_moving)


def test_a_person_who_travels_without_a_party_is_noticed():
    model = town(**SHORT)
    model.people.status[3] = Status.TRAVELLING
    with pytest.raises(PopulationError):
        model.population.check(model.movement.n_moving)


def test_everybody_has_a_reason_at_the_end(finished):
    persons = finished.recorder.tables()["persons"].to_pandas()
    assert persons.reason.notna().all()
    by_car = persons[persons.reason == "out of the area by car"]
    assert len(by_car) > 100 and (by_car.status == "SAFE").all() and by_car.has_car.all()
    stayers = persons[persons.reason.str.startswith("staying: ")]
    assert len(stayers) and (stayers.decision_time_s > finished.time_s).all()


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    first, again, other = (digests(town(rng=seed, **SHORT).run()) for seed in (3, 3, 4))
    assert first == again
    assert first["persons"] != other["persons"] and first["impacts"] != other["impacts"]


@pytest.mark.parametrize("threads", ["1", "2"])
def test_results_do_not_depend_on_the_number_of_threads(threads, finished):
    code = (
        "from safepassage.model.evacuation import EvacuationModel; from safepassage.model.results import columns;"
        "m = EvacuationModel('tiny_town').run();"
        "print({n: columns.digest(t) for n, t in m.recorder.tables().items()})"
    )
    env = {**os.environ, "NUMBA_NUM_THREADS": threads}
    out = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout
    assert out.strip() == str(digests(finished))


def test_a_step_half_as_long_changes_no_departure_and_no_arrival():
    long, short = (town(**QUIET, **{"run.step_s": step_s}).run() for step_s in (60.0, 30.0))
    assert (long.households.departure_time_s == short.households.departure_time_s).all()
    assert (long.parties.arrival_time_s == short.parties.arrival_time_s).all()


def test_two_plans_see_the_same_shells_and_the_same_people():
    early, late = (town(**SHORT, **{"orders.0.issued_h": at}) for at in (0.0, 1.0))
    assert (early.impacts.time_s == late.impacts.time_s).all() and (early.impacts.x_m == late.impacts.x_m).all()
    assert (early.people.age == late.people.age).all()
    assert (early.households.home_x_m == late.households.home_x_m).all()


def test_closing_a_street_that_nobody_uses_changes_no_bit(finished):
    links = finished.recorder.tables()["links"].to_pandas()
    streets = finished.streets
    used = links.n_vehicles.to_numpy() + links.n_walking_persons.to_numpy() > 0
    used_street = np.bincount(streets.link_street, used) > 0
    touched = np.isfinite(finished.surroundings.closed_time_s)
    free = [k for k in range(streets.n_links) if not used_street[streets.link_street[k]] and not touched[k]]
    ends = [streets.node_id[streets.link_upstream[free[0]]], streets.node_id[streets.link_downstream[free[0]]]]
    closed = town(**{"damage.dated_losses": [{"at_h": 0.1, "between": ends}]}).run()
    assert not closed.movement.car_open[free[0]] and finished.movement.car_open[free[0]]
    before, after = digests(finished), digests(closed)
    for name in ("persons", "trips", "impacts", "exits", "exposure"):
        assert before[name] == after[name]


@pytest.mark.parametrize("earlier_h", [0.0, 0.2])
def test_an_earlier_order_never_lets_fewer_people_out_by_any_time(earlier_h):
    early, late = (town(**QUIET, **{"orders.0.issued_h": at}).run() for at in (earlier_h, 0.5))
    n_early, n_late = (np.array(m.recorder.tables()["timeseries"]["n_safe"]) for m in (early, late))
    assert (n_early >= n_late).all() and (n_early > n_late).any()


def test_nobody_is_faster_than_free_flow():
    model = town(**QUIET).run()
    party = np.flatnonzero((model.parties.mode == Mode.CAR) & np.isfinite(model.parties.arrival_time_s))
    trip_s = model.parties.arrival_time_s[party] - model.households.departure_time_s[party]
    start = model.movement.ways.start_node(Mode.CAR, model.households.home_node[party])
    model.movement.ways.car_routes.set_class(
        0, model.movement.ways.free_flow_time_s, model.streets.drivable, model.streets.exit_node
    )
    assert party.size > 50 and (trip_s >= model.movement.ways.car_routes.cost_to_go_s[0, start] - 1e-6).all()


def test_a_front_that_takes_the_exits_strands_people_and_counts_them():
    front = {
        "front.distances": [{"day": "2024-08-01", "distance_km": -20.0}],
        "front.closes_to_walkers_within_km": 50.0,
        "front.closes_to_vehicles_within_km": 50.0,
    }
    model = town(**QUIET, **front).run()
    assert not model.movement.ways.of[Mode.WALK].exit_open.any()
    assert model.recorder.n_by_status[Status.SAFE] == 0 and model.recorder.n_by_status[Status.STRANDED] > 500


def test_a_curfew_holds_back_those_who_keep_it():
    window = {"first_day": "2024-07-31", "from_time": "20:00", "until_time": "08:00"}
    model = town(**QUIET, **{"curfew.windows": [window], "curfew.compliance": 1.0, "shelling.time_zone": "UTC"}).run()
    left = model.households.departure_time_s[model.parties.mode != Mode.NONE]
    assert left.size > 100 and (left >= 2 * 3600).all()


def test_those_who_waited_leave_between_two_curfews_however_long_their_turns_would_take():
    window = {"first_day": "2024-07-31", "from_time": "07:00", "until_time": "06:30"}
    hours = {"curfew.windows": [window], "curfew.compliance": 1.0, "curfew.stagger_s": 7200.0, "run.duration_h": 26}
    model = town(**QUIET, **hours, **{"shelling.time_zone": "UTC", "run.step_s": 600.0}).run()
    left = model.households.departure_time_s[model.parties.mode != Mode.NONE]
    assert left.size > 400 and model.curfew.may_move(left).all()
    was_ready = (model.households.decision_time_s < 12 * 3600) & model.households.has_car
    assert was_ready.sum() > 100 and np.isfinite(model.parties.arrival_time_s[was_ready]).all()


def test_a_household_of_which_nobody_lives_never_sets_out():
    fire = {"shelling.sources.0.events_per_day": 20000, "harm.casualty_scale": 50.0}
    model = town(**fire)
    while model.running:
        model.step()
        is_alive = model.people.status != Status.DEAD
        n_alive = np.bincount(model.people.household, is_alive, len(model.households))
        assert not (model.parties.is_on_way & (n_alive == 0)).any()
    assert (n_alive == 0).sum() > 4


def test_who_cannot_walk_takes_the_car_once_its_road_is_open_again_with_no_service_to_ask():
    path = town_of([[ADULT, ASSISTED], [ADULT]], n_cars=2)
    closed = {"between": ["exit", "square"], "walkers_pass": True, "until_h": 1.0}
    too_far = {"movement.walk_out_limit_m": 0.0}
    model = EvacuationModel(path, **{"closures.streets": [closed], "run.duration_h": 2}, **too_far).run()
    arrived_s = model.parties.arrival_time_s
    assert (arrived_s > 3600).all() and (arrived_s < 2 * 3600).all()
    assert (model.parties.mode == Mode.CAR).all()


def test_who_waits_for_a_road_for_the_car_is_not_said_to_have_none():
    closed = {"between": ["exit", "square"], "walkers_pass": True}
    model = EvacuationModel(
        town_of([[ASSISTED], [ADULT]], n_cars=2), **{"closures.streets": [closed], "run.duration_h": 1}
    ).run()
    reasons = model.recorder.tables()["persons"].column("reason").to_pylist()
    assert reasons[0] == "waiting for a road: none known to be open to the car"


def test_a_closed_road_is_left_by_those_who_meet_it_and_known_to_all_later():
    model = town(**QUIET, **{"damage.dated_losses": [{"at_h": 1.0, "name": "Main Street"}]}).run()
    assert model.recorder.n_by_status[Status.SAFE] > 0
    news = model.movement.ways.of[Mode.CAR].road_news
    closed = ~model.movement.car_open & model.streets.drivable
    met = closed & (news.met_s < model.time_s - news.delay_s)
    assert met.any() and not news.is_believed_open[:, met].any()
    assert news.is_believed_open[:, closed & np.isinf(news.met_s)].all()


def test_a_compulsory_order_gives_families_with_children_a_rate_of_their_own():
    def decided(force):
        orders = [{"issued_h": 0, "force": force, "audience": "families_with_children", "compliance": 0.0}]
        keys = {**QUIET, "orders": orders, "behaviour.coefficients.baseline_per_day": 0.0}
        keys |= {"behaviour.channels.phone.delay_median_s": 1.0, "behaviour.channels.door_to_door.p_persuaded": 0.0}
        model = town(**keys, **{"behaviour.ordered_families.per_day": 50.0}).run()
        return np.isfinite(model.households.decision_time_s), model.households.has_children

    left, has_children = decided("compulsory")
    assert left.sum() > 50 and has_children[left].all()
    assert not decided("voluntary")[0].any()


def test_the_model_is_one_that_mesa_users_know(finished, monkeypatch):
    assert len(finished.agents_by_type[Civilian]) == 2000
    assert len(finished.agents_by_type[EvacuationRoute]) == 2
    assert set(finished.agents_by_type[ShellingEvent]) == set(finished.shelling_events)
    safe = finished.agents_by_type[Civilian].select(lambda c: c.status == Status.SAFE)
    assert len(safe) == finished.recorder.n_by_status[Status.SAFE]
    assert sum(route.n_persons for route in finished.agents_by_type[EvacuationRoute]) >= len(safe)
    frame = finished.datacollector.get_model_vars_dataframe()
    assert frame["safe"].iloc[-1] == len(safe) and len(frame) == finished.tick
    household = next(iter(finished.agents_by_type[Household]))
    monkeypatch.setattr(household, "home_x_m", 1.0)  # and back again: others read this run too
    assert finished.households.home_x_m[0] == 1.0


def test_a_run_is_saved_whole_and_never_over_another(tmp_path, finished):
    first, second = finished.save(tmp_path), finished.save(tmp_path)
    assert first != second and not list(tmp_path.glob(".*"))
    run = run_folder.open_run(second)
    assert run.manifest["digests"] == digests(finished)
    assert run.manifest["seed"] == 1 and run.manifest["scenario"]["name"] == "tiny_town"
    assert run.units("trips")["arrival_time_s"] == "s"


def test_preparing_a_scenario_tells_what_it_holds_and_runs_nothing():
    lines = overview(load("tiny_town"))
    assert any("2,000" in line for line in lines)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"orders": [{"issued_h": 0, "zones": ["Atlantis"]}]}, "no zone 'Atlantis'"),
        ({"population.residents_property": "inhabitants"}, "no property 'inhabitants'"),
        ({"damage.crews.priority": ["Nowhere Street"]}, "Nowhere Street"),
        ({"streets.exits": [{"node": "12345"}]}, "12345"),
    ],
)
def test_what_cannot_be_built_is_one_clear_message(changes, message):
    with pytest.raises(ScenarioError, match=message):
        town(**changes)


def test_models_of_a_batch_share_the_streets_and_nothing_else():
    one, two = town(**SHORT), town(**SHORT)
    assert one.streets is two.streets
    one.step()
    assert two.time_s == 0 and pickle.dumps(two.people.status.sum())


def test_the_name_scenario_is_left_to_mesa_whose_visualiser_refuses_another_class_there():
    model = EvacuationModel("tiny_town")
    assert isinstance(model.settings, Scenario) and not isinstance(getattr(model, "scenario", None), Scenario)


def test_an_order_that_has_yet_to_be_heard_keeps_nobody_from_deciding_before():
    def undecided():
        return np.full(1, Cause.ORDER, np.int8), np.array([36000.0]), np.array([39600.0])

    one, yes, no, prepares_s = np.zeros(1, np.int64), np.ones(1, np.bool_), np.zeros(1, np.bool_), np.array([60.0])
    for time_s, cause, decided_s in ((7200.0, Cause.IMPACT, 7200.0), (40000.0, Cause.ORDER, 36000.0)):
        columns = undecided()
        decide.react_to_impacts(*columns, one, np.array([time_s]), no, prepares_s, 0.5, np.zeros(1))
        assert (columns[0][0], columns[1][0], columns[2][0] - columns[1][0] in (60, 3600)) == (cause, decided_s, True)
        columns = undecided()
        until_s = 36000.0 if cause == Cause.ORDER else 9e3
        weighed, dose, threshold = np.zeros(1), np.full(1, until_s / 3600.0), np.array([time_s / 3600.0])  # one an hour
        decide.weigh(*columns, weighed, dose, threshold, yes, prepares_s, 0.0, until_s)
        assert columns[1][0] == pytest.approx(decided_s)
        columns = undecided()
        obeyed = np.full(1, -1, np.int32)
        decide.answer_order(*columns, obeyed, one, no, np.array([time_s]), prepares_s, 1.0, np.zeros(1), 3)
        assert columns[1][0] == pytest.approx(decided_s) and obeyed[0] == (3 if time_s < 36000.0 else -1)


def test_an_order_put_before_another_leaves_the_draws_of_the_other_as_they_were():
    first, second = {"issued_h": 0.25, "compliance": 0.8}, {"issued_h": 0.1, "compliance": 0.8}
    zone = EvacuationModel("tiny_town").zones.name[0]
    quiet = {"run.duration_h": 0.5, "behaviour.channels.word_of_mouth_per_day": 0.0}
    alone = town(**quiet, orders=[first]).run()
    both = town(**quiet, orders=[first, second | {"zones": [zone]}]).run()
    heard_alone = alone.information.told[0].heard_s
    heard_early, heard_late = (told.heard_s for told in both.information.told)
    assert np.array_equal(heard_alone, heard_late) and np.isfinite(heard_early).sum() > 50


@pytest.mark.parametrize(("start", "until"), [("2024-10-27T00:00", "07:00"), ("2024-03-31T00:00", "09:00")])
def test_the_clock_goes_with_summer_time_as_curfews_do(start, until):
    curfew = [{"first_day": start[:10], "from_time": "00:00", "until_time": until}]
    changes = {"run.start": start, "run.duration_h": 8.25, "run.step_s": 3600, "curfew.windows": curfew}
    model = town(**changes, **{"shelling.time_zone": "Europe/Kyiv"})
    while model.time_s < model.curfew.end_s[0]:
        model.step()
    assert f"{model.clock:%H:%M}" == until and model.time_s == 8 * 3600


def test_a_plan_beside_a_scenario_that_has_its_plan_already_is_an_error_and_not_dropped():
    with pytest.raises(ScenarioError, match=r"plan = buses: a Scenario has its plan already; give load\(name"):
        EvacuationModel(load("tiny_town"), plan="buses")
