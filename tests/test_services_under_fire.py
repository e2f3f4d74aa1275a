import numpy as np
import pytest
from service_towns import ADULT, AMBULANCES, ASSISTED, DRIVE_S, check, fleet, run, tables, town, town_of

from safepassage.agents.civilians import Injury, Status
from safepassage.agents.parties import Mode
from safepassage.agents.vehicles import Task


def test_the_books_balance_under_fire_with_vehicles_lost():
    path = town_of([[ADULT, ASSISTED]] * 6 + [[ADULT]] * 20)
    fleets = [fleet(n_vehicles=3), fleet(name="Vans", serves="door_to_door", n_vehicles=2)]
    heavy = {
        "shelling.sources": [{"kind": "process", "share_near_people": 1, "events_per_day": 40_000}],
        "harm.casualty_scale": 1.0,
    }
    model = run(town(path, fleets, **heavy, **{"run.duration_h": 3}))
    assert any(v.task == Task.LOST for v in model.services.vehicles)
    vehicles = tables(model)["vehicles"]
    assert (vehicles.n_crew_casualties_expected > 0).any() and (vehicles.crew_person_h > 0).any()
    assert tables(model)["persons"].reason.notna().all()


def test_a_bus_that_is_lost_lets_people_walk_on_and_others_wait_beside_it():
    people = [[ADULT]] * 3 + [[ASSISTED]]
    model = town(town_of(people), [fleet(), fleet(name="Vans", serves="door_to_door", hub_time_s=60)])
    bus = model.services.vehicles[1]
    while not (bus.seats.aboard and model.movement.driving.view.link_of([len(model.households) + bus.row])[0] >= 0):
        model.step()
    model.services.lose([bus], model.time_s)
    check(model)
    assert bus.task == Task.LOST and bus.name + ", broken down" in [s.name for s in model.services.stops]
    persons = tables(model)["persons"]
    assert (persons.reason == "waiting at Vans 1, broken down").sum() == 1
    run(model)
    assert (model.people.status == Status.SAFE).all()


def test_people_get_off_a_bus_that_cannot_go_on_and_walk_those_who_cannot_stay_aboard():
    closed = {"between": ["exit", "square"], "from_h": 0.54, "until_h": 3.0, "walkers_pass": True}
    path = town_of([[ADULT]] * 3 + [[ASSISTED]], node="end")
    vans = fleet(serves="door_to_door")
    changes = {"closures.streets": [closed], "movement.patience_s": 900}
    model = run(town(path, [vans], **changes))
    persons = tables(model)["persons"]
    assert persons.reason.tolist() == ["out of the area on foot"] * 3 + ["out of the area by bus"]
    assert persons.safe_time_s[3] > 3 * 3600 > persons.safe_time_s[0]


def test_nothing_is_sent_to_where_there_is_no_way_out_until_it_opens():
    closed = {"between": ["exit", "square"], "from_h": 0.0, "until_h": 3.0}
    inside = {"depot": {"node": "end"}}
    model = run(town(town_of([[ADULT]] * 5), [fleet(**inside)], **{"closures.streets": [closed]}))
    assert (model.people.status == Status.SAFE).all() and model.parties.arrival_time_s.min() > 3 * 3600
    assert tables(model)["services"].n_boarded.tolist() == [5]


def test_impacts_harm_those_who_wait_at_stops_and_those_aboard():
    model = town(town_of([[ADULT]] * 10), [fleet()])
    while not model.services.vehicles[0].seats.aboard:
        model.step()
    vehicle = model.services.vehicles[0]
    whereabouts = model.under_fire.whereabouts
    near = whereabouts.people_near(*whereabouts.place_of_vehicle(vehicle), 50.0, model.time_s)
    assert set(vehicle.seats.aboard) <= set(near.person.tolist()) and near.vehicle.tolist() == [0]
    assert (near.distance_m[np.isin(near.person, vehicle.seats.aboard)] == 0).all()


def hurt(model, n):
    """Injure the first n people seriously, as an impact now would; return when they would die without care."""
    people = model.people
    people.injury[:n], people.injury_time_s[:n] = Injury.SERIOUS, model.time_s
    model.under_fire.note_when_they_die(np.arange(n))
    model.services.attend(np.arange(n), model.time_s)
    return people.death_time_s[:n].copy()


def test_an_ambulance_comes_by_road_and_care_can_only_save():
    path = town_of([[ADULT]] * 60)
    alone, helped = (town(path, points=(), orders=[], **changes) for changes in ({}, AMBULANCES))
    n_saved = []
    for model in (alone, helped):
        model.step()
        untreated_s = hurt(model, 60)
        model.run()
        dead = model.people.status == Status.DEAD
        assert (np.isfinite(untreated_s) | ~dead).all()
        n_saved.append(int(np.isfinite(untreated_s).sum() - dead.sum()))
    assert n_saved[0] <= n_saved[1]
    care_s = helped.services.ambulances.waits_s
    assert care_s[0] == pytest.approx(60.0 + DRIVE_S, abs=61.0) and len(care_s) > 3


def test_no_way_is_looked_for_to_those_who_cannot_be_reached_until_the_roads_change(monkeypatch):
    model = town(town_of([[ADULT]] * 60), points=(), orders=[], **AMBULANCES)
    model.step()
    hurt(model, 60)
    ways, asked = model.movement.ways, []
    news, links, aim = ways.of[Mode.CAR].road_news, np.arange(model.streets.n_links), ways.aim
    news.meet(links, model.time_s)
    model.movement.talk()
    monkeypatch.setattr(ways, "aim", lambda table, node, starts: (asked.append(node), aim(table, node, starts)))
    for _ in range(20):
        model.step()
    assert asked == [] and model.services.ambulances.waits_s == []
    news.change(links[:0], links, model.time_s - news.delay_s)
    model.movement.talk()
    model.step()
    assert any(vehicle.task != Task.IDLE for vehicle in model.services.ambulances.vehicles)


def test_ambulances_look_again_only_if_something_changes_with_those_whom_they_cannot_reach():
    model = town(town_of([[ADULT]] * 60), points=(), orders=[], **AMBULANCES)
    model.step()
    hurt(model, 3)
    model.movement.ways.of[Mode.CAR].road_news.meet(np.arange(model.streets.n_links), model.time_s)
    model.movement.talk()
    for _ in range(20):
        model.step()
    ambulances, of = model.services.ambulances, model.people.household
    assert ambulances.next_s > model.time_s
    model.population.touch(of[10:50])
    assert ambulances.next_s > model.time_s
    model.population.touch(of[1:2])
    assert ambulances.next_s <= model.time_s


@pytest.mark.parametrize("n_seats", [0, 3])
def test_an_ambulance_takes_a_patient_out_with_those_at_home_if_all_fit(n_seats):
    path = town_of([[ADULT, ADULT], [ADULT] * 5])
    model = town(path, points=(), orders=[], **AMBULANCES | {"services.ambulances.n_seats": n_seats})
    model.step()
    hurt(model, 1)
    hurt(model, 3)  # the first again, the second beside them, and one of five who do not fit
    run(model)
    status, patient = model.people.status, model.people.death_time_s == np.inf
    assert len(model.services.ambulances.waits_s) >= 1
    assert (status[:2][patient[:2]] == (Status.SAFE if n_seats else Status.HOME)).all() and patient[:2].any()
    assert (status[3:] == Status.HOME).all()  # the others of the five
    if n_seats:
        first = model.services.vehicles[0].runs[0]
        assert first.n_boarded == 2 and first.exit == 0


def test_an_ambulance_comes_back_by_the_exit_it_left_by_also_where_a_road_leads_on():
    leg = {"to": "Far Town", "length_km": 20.0, "speed_km_h": 60.0}
    leads_on = {"streets.exits": [{"name": "West", "node": "exit", "onward": [leg]}]}
    model = town(town_of([[ADULT]] * 3), points=(), orders=[], **AMBULANCES, **leads_on)
    model.step()
    hurt(model, 3)
    model.people.death_time_s[:3] = 1e9  # none dies before it comes
    run(model)
    assert (model.people.status == Status.SAFE).all() and len(model.services.ambulances.waits_s) == 3


def test_ambulances_wait_until_a_team_takes_over_their_patient():
    path, back_s = town_of([[ADULT]] * 4), []
    for teams in ({}, {"services.receiving.n_teams": 1, "services.receiving.treat_time_s": 7200.0}):
        model = town(path, points=(), orders=[], **AMBULANCES | teams | {"services.ambulances.n": 4})
        model.step()
        hurt(model, 4)
        took_over_s = {}
        while model.running:
            model.step()
            check(model)
            for v in model.services.vehicles:
                if v.task == Task.AWAY and np.isfinite(v.ready_s):
                    took_over_s[v.name] = v.ready_s - model.settings.services.ambulances.hub_time_s
        back_s.append(np.sort(list(took_over_s.values())))
        assert (model.people.status[model.people.death_time_s == np.inf] == Status.SAFE).all()
    at_once, in_turn = back_s
    assert at_once.size == in_turn.size >= 3 and np.ptp(at_once) < 60.0
    assert (np.diff(in_turn) >= 7200.0 - 1e-6).all()


def test_more_ambulances_save_no_fewer():
    path = town_of([[ADULT]] * 200)
    deaths = []
    for n in (1, 4, 16):
        model = town(path, points=(), orders=[], **AMBULANCES | {"services.ambulances.n": n})
        model.step()
        hurt(model, 200)
        model.run()
        deaths.append(int((model.people.status == Status.DEAD).sum()))
    assert deaths[0] >= deaths[1] >= deaths[2] and deaths[0] > deaths[2]
