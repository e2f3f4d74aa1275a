"""Harm, cover and what people do about it, in whole runs of towns under fire."""

import numpy as np
import pytest
from service_towns import ADULT, town_of

from safepassage.agents.civilians import Injury, Protection, Status
from safepassage.agents.parties import Mode
from safepassage.model.evacuation import EvacuationModel

QUIET = {"shelling.sources": []}
SHORT = {"run.duration_h": 1.5}
NEAR_FRONT = {
    "front.distances": [{"day": "2024-08-01", "distance_km": 6.0}],
    "front.closes_to_vehicles_within_km": 0.0,
    "front.closes_to_walkers_within_km": 0.0,
    "front.crossfire_reach_km": 0.1,
}


def town(**changes):
    return EvacuationModel("tiny_town", **changes)


def shelter_at(model, capacity):
    x_m, y_m = float(np.median(model.households.home_x_m)), float(np.median(model.households.home_y_m))
    return {"shelters.places": [{"name": "School", "capacity": capacity, "x_m": x_m, "y_m": y_m}]}


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
