import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from service_towns import ADULT, ASSISTED, town_of

from safepassage.agents.civilians import Civilian, Injury, Protection, Status
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


def test_no_shells_no_harm():
    model = town(**QUIET, **SHORT).run()
    assert (model.people.injury == Injury.NONE).all() and model.recorder.n_by_status[Status.DEAD] == 0


def test_more_protection_never_raises_casualties():
    harsh = {
        "shelling.sources": [{"kind": "process", "share_near_people": 1, "events_per_day": 6000}],
        "run.duration_h": 0.5,
        "orders": [],
    }
    weak, strong = (
        town(**harsh, **{"harm.protection.upper_floor": upper, "harm.protection.inner_room": upper}).run()
        for upper in (1.0, 0.1)
    )
    assert (strong.people.injury <= weak.people.injury).all()
    assert (strong.people.injury < weak.people.injury).any()


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


def test_those_cut_off_at_home_take_cover_like_all_others():
    closed = {"closures.exits": [{"name": "North road"}, {"name": "South road"}]}
    model = town(**closed, **{"harm.casualty_scale": 0.0, "run.duration_h": 12})
    n_alerted = n_upstairs = 0
    while model.running:
        model.step()
        people = model.people
        heard_s = model.time_s - model.households.last_heard_s[people.household]
        alerted = (people.status == Status.STRANDED) & (heard_s < model.settings.harm.rooms.alert_duration_s)
        n_alerted += int(alerted.sum())
        n_upstairs += int((alerted & (people.protection == Protection.UPPER_FLOOR)).sum())
    assert n_alerted > 1000 and n_upstairs < 0.2 * n_alerted  # 0.8 heed alerts, and some live elsewhere


def test_who_queues_at_home_for_a_full_street_is_hit_by_what_falls_there(tmp_path):
    path = town_of([[ADULT]] * 300, n_cars=300)
    jam = {"streets.exits": [{"name": "West", "node": "exit", "flow_capacity_per_s": 0.001}], "run.duration_h": 1.05}
    homes = EvacuationModel(path, **jam).households
    x_m, y_m = homes.home_x_m[0], homes.home_y_m[0]
    (tmp_path / "one.csv").write_text(f"time,x_m,y_m,size\n2024-08-01T07:00,{x_m},{y_m},L\n")
    model = EvacuationModel(
        path, **jam, **{"shelling.sources": [{"kind": "recorded", "file": str(tmp_path / "one.csv")}]}
    )
    while model.time_s < 3600:
        model.step()
    waits = model.population.setting_out(np.arange(300), model.movement.link_of)
    model.step()
    hurt = model.people.injury[waits] != Injury.NONE  # one person each
    assert waits.size > 100 and 0.8 < hurt.mean() < 1.0


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


NEAR_FRONT = {
    "front.distances": [{"day": "2024-08-01", "distance_km": 6.0}],
    "front.closes_to_vehicles_within_km": 0.0,
    "front.closes_to_walkers_within_km": 0.0,
    "front.crossfire_reach_km": 0.1,
}


def test_drones_over_roads_harm_those_on_the_way_and_nobody_at_home():
    model = town(**QUIET, **NEAR_FRONT, **{"drones.strikes_per_vehicle_minute": 0.5, "drones.reach_km": 12.0}).run()
    hurt = model.people.injury != Injury.NONE
    by_car = np.isin(model.parties.mode, (Mode.CAR, Mode.LIFT)) | model.parties.left_car
    drove = by_car[model.people.household]
    assert hurt.sum() > 10 and not hurt[~drove].any()


def test_nets_over_a_street_spare_those_who_use_it():
    drones = {"drones.strikes_per_vehicle_minute": 0.5, "drones.reach_km": 12.0}
    names = sorted({name for name in town().streets.link_name if name})
    bare = town(**QUIET, **NEAR_FRONT, **drones).run()
    under = town(**QUIET, **NEAR_FRONT, **drones, **{"drones.nets": [{"streets": names, "factor": 0.0}]}).run()
    assert (under.people.injury <= bare.people.injury).all()
    assert (under.people.injury != Injury.NONE).sum() < (bare.people.injury != Injury.NONE).sum()


def test_crossfire_reaches_people_at_home_near_the_front_only():
    front = {**NEAR_FRONT, "front.crossfire_reach_km": 7.0, "front.crossfire_casualties_per_person_h": 2.0}
    near = town(**QUIET, **front, orders=[]).run()
    far = town(**QUIET, **NEAR_FRONT, orders=[]).run()
    assert (near.people.injury != Injury.NONE).sum() > 10 and (far.people.injury == Injury.NONE).all()


def shelter_at(model, capacity):
    x_m, y_m = float(np.median(model.households.home_x_m)), float(np.median(model.households.home_y_m))
    return {"shelters.places": [{"name": "School", "capacity": capacity, "x_m": x_m, "y_m": y_m}]}


def test_a_shelter_takes_in_no_more_than_it_holds_and_lets_them_out_after_the_alert():
    loud = {
        "shelling.sources": [{"kind": "process", "share_near_people": 1, "events_per_day": 2000}],
        "orders": [],
        "run.duration_h": 1.0,
    }
    model = town(**loud, **shelter_at(town(), 60))
    most = 0
    while model.running:
        model.step()
        assert model.recorder.n_by_status[Status.SHELTERING] <= 60
        most = max(most, model.recorder.n_by_status[Status.SHELTERING])
    assert most > 50
    calm = town(**{**loud, "run.duration_h": 4.0, "harm.rooms.alert_duration_s": 60.0}, **shelter_at(town(), 60))
    calm.impacts.time_s[:] = np.sort(calm.impacts.time_s) / 8
    calm.run()
    inside = calm.people.status == Status.SHELTERING
    assert calm.households.has_lost_home[calm.people.household[inside]].all()
    assert calm.shelters.n_inside.sum() == inside.sum() < 10


def test_people_in_a_shelter_come_to_less_harm():
    loud = {
        "shelling.sources": [{"kind": "process", "share_near_people": 1, "events_per_day": 5000}],
        "orders": [],
        "run.duration_h": 4.0,
    }
    loud["harm.rooms.share_with_basement"] = 0.0
    without = town(**loud).run()
    with_one = town(**loud, **shelter_at(town(), 5000)).run()
    assert with_one.under_fire.harm.expected.mean < 0.95 * without.under_fire.harm.expected.mean


def test_people_come_back_when_it_has_been_quiet_and_may_leave_again():
    quiet = {**QUIET, "run.duration_h": 60.0, "run.step_s": 600.0, "behaviour.quiet_after_d": 1.0}
    stay_away = town(**quiet).run()
    come_back = town(**quiet, **{"behaviour.return_per_day": 1.0}).run()
    n_safe = np.array(come_back.recorder.tables()["timeseries"]["n_safe"])
    assert n_safe[-1] < 0.6 * n_safe.max() and n_safe.max() > 500
    assert stay_away.recorder.n_by_status[Status.SAFE] >= n_safe.max()
    early = np.array(come_back.recorder.tables()["timeseries"]["time_s"]) < 86400
    assert (np.diff(n_safe[early]) >= 0).all()


def test_nobody_comes_back_under_fire():
    noisy = {
        "run.duration_h": 72.0,
        "run.step_s": 600.0,
        "behaviour.quiet_after_d": 1.0,
        "behaviour.return_per_day": 5.0,
    }
    model = town(
        **noisy, **{"shelling.sources": [{"kind": "process", "share_near_people": 1, "events_per_day": 200}]}
    ).run()
    assert (np.diff(np.array(model.recorder.tables()["timeseries"]["n_safe"])) >= -3).all()


def test_the_injured_slow_their_party_and_need_carriers():
    model = town(**QUIET)
    first = model.households.first_person
    able = (model.people.age >= 18) & (model.people.mobility == 0)
    fit = [
        h for h in range(len(model.households)) if able[first[h] : first[h + 1]].all() and first[h + 1] - first[h] >= 3
    ]
    party = np.array(fit[:1])
    rows = slice(first[party[0]], first[party[0] + 1])
    whole = model.under_fire.walking_speeds(party)[0]
    assert whole == model.parties.free_speed_m_s[party[0]]
    model.people.injury[rows] = Injury.LIGHT
    assert model.under_fire.walking_speeds(party)[0] == pytest.approx(0.7 * whole)
    model.people.injury[rows] = Injury.NONE
    model.people.injury[rows.start] = Injury.SERIOUS
    assert 0 < model.under_fire.walking_speeds(party)[0] <= 0.4 * model.people.free_speed_m_s[rows].max()
    model.people.injury[rows] = Injury.SERIOUS
    assert model.under_fire.walking_speeds(party)[0] == 0


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
        decide.answer_order(*columns, yes, no, np.array([time_s]), prepares_s, 1.0, np.zeros(1))
        assert columns[1][0] == pytest.approx(decided_s)


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
