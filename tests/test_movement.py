import numpy as np
from test_shared_streets import N_WALKERS, crowd, road

from safepassage.agents.parties import Mode
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.results import columns


def test_people_in_cars_without_a_way_out_leave_them_after_their_patience_and_walk_on():
    movement = crowd(road(), n_walkers=0, n_cars=5, patience_s=120.0)
    cars = N_WALKERS + np.arange(5)
    movement.advance(110.0)
    movement.ways.set_exits(for_cars=np.array([False]), for_walkers=np.array([True]))
    given_up, out = {}, []
    for until_s in np.arange(120.0, 600.0, 10.0):
        out.append(movement.advance(until_s))
        movement.talk()
        who = movement.who_give_up()
        if who.size:
            walking, at_home = movement.leave_cars(who, np.ones(who.size, np.int64), np.full(who.size, 1.34))
            given_up |= dict.fromkeys(walking.tolist(), until_s)
            given_up |= dict.fromkeys(at_home.tolist(), until_s)
            if at_home.size:
                movement.walking.add(at_home, 0, until_s, 1.34)
    assert sorted(given_up) == cars.tolist()
    assert min(given_up.values()) >= 110.0 + 120.0
    out.append(movement.advance(3000.0))
    assert sorted(np.concatenate([a.party for a in out]).tolist()) == cars.tolist()
    assert (np.concatenate([a.mode for a in out]) == Mode.WALK).all()
    assert movement.n_moving == 0


def test_those_near_a_place_are_found_by_car_and_on_foot_and_nobody_else():
    movement = crowd(road(), n_walkers=20, n_cars=3)
    movement.advance(115.0)
    streets = movement.streets
    middle_m = [(streets.node_x_m[k] + streets.node_x_m[k + 1]) / 2 for k in (0, 1)]
    near = movement.parties_near(middle_m[0], streets.node_y_m[0], 20.0)[0]
    everybody = np.concatenate([np.arange(20), N_WALKERS + np.arange(3)])
    link = movement.link_of(everybody)
    on_first = everybody[(link >= 0) & (streets.link_street[link] == streets.link_street[0])]
    assert sorted(near.tolist()) == sorted(on_first.tolist())
    assert near.size >= 3
    assert movement.parties_near(middle_m[0], streets.node_y_m[0] + 5000.0, 20.0)[0].size == 0


def test_the_way_on_foot_is_as_long_as_the_table_has_it_that_was_built_for_somebody_who_asked():
    ways = crowd(road(), n_walkers=0, n_cars=0).ways
    on_foot, start = ways.of[Mode.WALK], np.array([0])
    before_m, is_exit = ways.walk_m(start)[0], on_foot.exit_open
    for is_open, way_m in ((~is_exit, np.inf), (is_exit, before_m)):
        on_foot.set_exits(is_open)
        assert ways.has_way_out(Mode.WALK, start)[0] == (way_m < np.inf)
        assert ways.walk_m(start)[0] == way_m
    assert before_m > 0


def test_a_movement_without_movers_keeps_the_time_and_finds_nobody():
    movement = crowd(road(), n_walkers=0, n_cars=0)
    assert len(movement.advance(1e6)) == 0
    assert movement.time_s == movement.driving.time_s == movement.walking.time_s == 1e6
    assert movement.who_give_up().size == 0
    movement.set_out(Mode.WALK, np.array([0]), np.array([0]), 1e6 + 5.0, np.array([1]), np.array([1.34]))
    assert len(movement.advance(1e6 + 3600.0)) == 1


def test_tables_that_nobody_follows_are_built_when_somebody_does_and_are_then_what_they_would_have_been():
    one, other = (EvacuationModel("tiny_town", **{"run.duration_h": 1.5, "shelling.sources": []}) for _ in range(2))
    n_built = []
    for model in (one, other):
        cars, n_built_by = model.movement.ways.of[Mode.CAR], []
        cars._build = lambda tables, wanted, b=cars._build, n=n_built_by: (n.extend(tables), b(tables, wanted))
        n_built.append(n_built_by)
    everywhere = np.ones_like(other.movement.ways.cars.nodes)
    other.movement.driving.view.choices = lambda tables, has_choice: (tables.copy(), everywhere)
    cars = other.movement.ways.cars
    cars.freshen = lambda tables, nodes=None, freshen=cars.freshen: freshen(tables)
    for model in (one, other):
        model.run()
    assert 0 < len(n_built[0]) < len(n_built[1])
    for name, table in one.recorder.tables().items():
        assert columns.digest(table) == columns.digest(other.recorder.tables()[name]), name
