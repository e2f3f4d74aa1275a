import numpy as np
import pytest
from service_towns import ADULT, fleet, run, tables, town, town_of

from safepassage.agents.civilians import Injury, Status
from safepassage.agents.parties import Mode
from safepassage.agents.vehicles import Task
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.settings.scenario import load

DRONES = {
    "front.distances": [{"day": "2024-08-01", "distance_km": 6.0}],
    "front.closes_to_vehicles_within_km": 0.0,
    "front.closes_to_walkers_within_km": 0.0,
    "front.crossfire_reach_km": 0.1,
    "drones.strikes_per_vehicle_minute": 0.3,
    "drones.strikes_per_walker_minute": 0.1,
    "drones.reach_km": 100.0,
}
N = 600


def strike(model, step):
    fire = model.under_fire
    return fire.road_fire.strike(model.population, model.movement, fire.vehicles, model.time_s, 60.0, step)


@pytest.fixture(scope="module")
def under_way():
    """Return a town with people on the road, and who is hurt (bool) in each of N steps of 60 s that begin afresh."""
    model = EvacuationModel("tiny_town", **DRONES, **{"shelling.sources": [], "run.duration_h": 2.0})
    while model.movement.n_moving < 30:
        model.step()
    people, hurt = model.people, np.zeros((N, len(model.people)), np.bool_)
    for step in range(N):
        people.injury[:], people.injury_time_s[:] = Injury.NONE, np.inf
        rows = model.under_fire.road_fire.strike(
            model.population, model.movement, model.under_fire.vehicles, model.time_s, 60.0, step
        )
        hurt[step, rows] = True
    people.injury[:], people.injury_time_s[:] = Injury.NONE, np.inf
    return model, hurt


def p_alone(model):
    """Return the probability that each person is hurt in 60 s if exposed alone to the rate times the share harmed."""
    link = np.concatenate([model.movement.link_of(np.arange(len(model.households)))])[model.people.household]
    drives = (model.parties.mode == Mode.CAR)[model.people.household]
    near = 1 - model.surroundings.links_near_front.distance_km(model.time_s)[link] / 100.0
    stands = model.movement.driving.is_standing(np.arange(len(model.households)))[model.people.household]
    rate = np.where(drives, np.where(stands, 0.3 * 0.5, 0.3), 0.1) * near
    return np.where(link >= 0, -np.expm1(-rate * 0.4), 0.0)


def test_everybody_on_the_road_is_harmed_as_often_as_if_exposed_alone(under_way):
    model, hurt = under_way
    p = p_alone(model)
    for mode in (Mode.CAR, Mode.WALK):
        of_mode = (p > 0) & (model.parties.mode == mode)[model.people.household]
        expected, spread = N * p[of_mode].sum(), np.sqrt(5 * N * (p * (1 - p))[of_mode].sum())
        assert expected > 100 and hurt[:, of_mode].sum() == pytest.approx(expected, abs=4 * spread)
    assert not hurt[:, p == 0].any()


def test_vehicles_that_stand_are_struck_by_their_factor_as_often():
    exits = [exit_.model_copy(update={"flow_capacity_per_s": 0.005}) for exit_ in load("tiny_town").streets.exits]
    narrow = {"streets.exits": exits, "shelling.sources": [], "drones.halted_factor": 0.0}
    narrow["behaviour.preparation_median_s"] = 600.0
    model = EvacuationModel("tiny_town", **DRONES, **narrow)
    cars = np.arange(len(model.households))
    while model.time_s < 2400.0:
        model.step()
    stands = model.movement.driving.is_standing(cars)
    moves = ~stands & (model.movement.driving.link_of(cars) >= 0)
    struck = np.zeros(cars.size, np.int64)
    for step in range(300):
        model.people.injury[:] = Injury.NONE
        road_fire = model.under_fire.road_fire
        rows = road_fire.strike(model.population, model.movement, model.under_fire.vehicles, model.time_s, 60.0, step)
        struck[model.people.household[rows]] += 1
    assert stands.sum() > 20 and moves.sum() > 3 and not struck[stands].any() and (struck[moves] > 0).mean() > 0.9


def test_people_in_one_car_share_its_luck_and_those_in_different_cars_do_not(under_way):
    model, hurt = under_way
    first, p = model.households.first_person[:-1], p_alone(model)
    cars = np.flatnonzero((p[first] > 0) & (model.households.n_members > 1) & (model.parties.mode == Mode.CAR))
    one, other, stranger = hurt[:, first[cars]], hurt[:, first[cars] + 1], hurt[:, first[np.roll(cars, 1)]]
    n, p = one.size, p[first[cars]].mean()
    # two together: one minus those left alone by neither; a strike spares both with (1 - 0.4)^2
    mean = -np.log1p(-p) / 0.4
    both = 1 - 2 * np.exp(-mean * 0.4) + np.exp(-mean * (1 - 0.6**2))
    assert (one & other).mean() == pytest.approx(both, abs=4 * np.sqrt(both / n))
    assert (one & stranger).mean() == pytest.approx(p * p, abs=4 * np.sqrt(p * p / n)) and both > 2 * p * p


def test_a_party_has_the_same_luck_whoever_else_is_on_the_road(under_way):
    model, hurt = under_way
    on_way = np.flatnonzero(model.parties.is_on_way)
    others = on_way[::2]
    model.parties.is_on_way[others] = False
    for step in range(50):
        model.people.injury[:] = Injury.NONE
        road_fire = model.under_fire.road_fire
        rows = road_fire.strike(model.population, model.movement, model.under_fire.vehicles, model.time_s, 60.0, step)
        expected = np.flatnonzero(hurt[step] & ~np.isin(model.people.household, others))
        assert sorted(rows) == expected.tolist()
    model.parties.is_on_way[others] = True
    model.people.injury[:] = Injury.NONE


def test_one_strike_on_a_bus_is_felt_by_all_aboard_and_puts_it_out_of_action():
    sure = {**DRONES, "drones.strikes_per_vehicle_minute": 20.0, "drones.p_casualty_per_strike": 1.0}
    model = run(town(town_of([[ADULT]] * 6), [fleet()], **sure))
    bus = model.services.vehicles[0]
    assert bus.task == Task.LOST and tables(model)["vehicles"].n_crew_casualties_expected[0] > 1
    calm = run(town(town_of([[ADULT]] * 6), [fleet()], **{**sure, "drones.p_casualty_per_strike": 0.0}))
    assert calm.services.vehicles[0].task != Task.LOST and (calm.people.status == Status.SAFE).all()
    model = town(town_of([[ADULT]] * 6), [fleet()], **DRONES)
    while not (model.services.vehicles[0].seats.aboard and model.movement.link_of(np.array([0]))[0] >= 0):
        model.step()
    model.under_fire.road_fire.drones = model.settings.drones.model_copy(update={"p_casualty_per_strike": 1.0})
    n_hurt = set()
    for step in range(200):
        model.people.injury[:] = Injury.NONE
        rows = model.under_fire.road_fire.strike(
            model.population, model.movement, model.under_fire.vehicles, model.time_s, 60.0, step
        )
        n_hurt.add(rows.size)
    assert n_hurt == {0, 6}
