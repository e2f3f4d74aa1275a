import numpy as np
import pytest

from safepassage.agents.civilians import Status
from safepassage.agents.parties import Mode
from safepassage.model.evacuation import EvacuationModel

QUIET = {"shelling.sources": [], "orders": [], "run.duration_h": 8, "movement.patience_s": 120}


def block(streets):
    """Return four links that go round a block."""
    out = [np.flatnonzero((streets.link_upstream == node) & streets.drivable) for node in range(streets.n_nodes)]
    for a in range(streets.n_links):
        for b in out[streets.link_downstream[a]]:
            for c in out[streets.link_downstream[b]]:
                for d in out[streets.link_downstream[c]]:
                    nodes = streets.link_upstream[[a, b, c, d]]
                    if streets.link_downstream[d] == nodes[0] and np.unique(nodes).size == 4:
                        return [int(a), int(b), int(c), int(d)]
    raise AssertionError("no block")


def fill(model, round_):
    """Let people with cars set out from the corners, each to drive three sides of the block and then out of town."""
    streets, movement = model.streets, model.movement
    room = movement.driving.jam_density_per_m[round_] * streets.length_m[round_]
    n = 4 * (int(room.max()) + 3)
    party = np.flatnonzero(model.households.has_car & model.households.can_walk)[:n]
    assert party.size == n
    paths = []
    for k in range(n):
        sides = [round_[(k + i) % 4] for i in range(3)]
        movement.ways.freshen(0)
        paths.append(sides + movement.ways.car_routes.path(0, streets.link_downstream[sides[-1]]))
    model.households.departure_time_s[party] = model.time_s
    movement.driving.add(party, streets.link_upstream[round_][np.arange(n) % 4], model.time_s, paths=paths)
    model.population.set_out(party, Mode.CAR, model.time_s)
    return party


@pytest.fixture(scope="module")
def town():
    model = EvacuationModel("tiny_town", **QUIET)
    round_ = block(model.streets)
    party = fill(model, round_)
    n_people = len(model.people)
    left_s = None
    while model.running and not np.isfinite(model.parties.arrival_time_s[party]).all():
        model.step()
        assert model.recorder.n_by_status.sum() == n_people
        model.population.check(model.movement.n_moving)
        if left_s is None and model.parties.left_car.any():
            left_s = model.time_s
    return model, round_, party, left_s


def test_cars_that_spill_back_round_a_block_are_a_gridlock_with_its_links_named(town):
    model, round_, _, _ = town
    found_s, ring = model.movement.gridlocks.rings[0]
    assert sorted(ring) == sorted(round_)
    assert found_s < 1800.0
    first = model.movement.gridlocks.report()[0]
    assert "gridlock" in first
    assert all(model.streets.node_id[node] in first for node in model.streets.link_upstream[round_])


def test_the_table_of_links_says_which_were_part_of_a_gridlock_and_since_when(town):
    model, round_, _, _ = town
    since_s = model.recorder.tables()["links"].column("gridlock_time_s").to_numpy()
    assert (since_s[round_] == model.movement.gridlocks.rings[0][0]).all()
    assert np.isinf(np.delete(since_s, round_)).all()


def test_people_leave_the_first_cars_after_their_patience_and_everybody_gets_out(town):
    model, _, party, left_s = town
    found_s = model.movement.gridlocks.rings[0][0]
    assert found_s + 120.0 <= left_s <= found_s + 180.0
    left_car = model.parties.left_car[party]
    assert 0 < left_car.sum() < party.size
    assert np.isfinite(model.parties.arrival_time_s[party]).all()
    person = np.isin(model.people.household, party)
    assert (model.people.status[person] == Status.SAFE).all()
    assert model.movement.n_moving == 0
    assert model.movement.driving.view.gridlocks() == []


def test_a_town_without_gridlocks_reports_none():
    model = EvacuationModel("tiny_town", **QUIET | {"run.duration_h": 0.1}).run()
    assert model.movement.gridlocks.report() == []
    assert np.isinf(model.movement.gridlocks.first_s).all()
