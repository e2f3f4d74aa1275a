"""Fires that impacts start: off by default, the same under every plan; they spread to close homes and fill streets."""

import numpy as np
import pytest

from safepassage.model.draws import Keys
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.hazard.impacts import Impacts
from safepassage.model.settings.damage import Fires as FireSettings
from safepassage.model.town.fires import Fires

BURNING = {
    "fires.p_ignite": [0.1, 0.5, 0.9],
    "shelling.sources.0.events_per_day": 10_000,
    "shelling.sources.0.size_shares": [0, 0, 1],
    "run.duration_h": 2,
}


def row_of_homes(n, apart_m, streets, **settings):
    """Return the fires of a row of homes, of which the first burns from time 0 on."""
    given = {"p_ignite": (1.0, 1.0, 1.0), "ignite_within_m": (1.0, 1.0, 1.0), "spread_m": 1.5 * apart_m}
    keys = Keys(np.arange(n, dtype=np.uint32), np.zeros(n, np.uint32))
    x_m = streets.node_x_m[0] + np.arange(n) * apart_m
    fires = Fires(FireSettings(**given | settings), 1, streets, x_m, np.full(n, streets.node_y_m[0]), keys)
    here = Impacts(np.zeros(1), x_m[:1], np.full(1, streets.node_y_m[0]), np.zeros(1, np.int8), np.zeros(1, np.int32))
    fires.strike(here, 0)
    return fires


@pytest.fixture(scope="module")
def streets():
    return EvacuationModel("tiny_town", **{"run.duration_h": 1}).streets


def test_a_fire_that_always_spreads_goes_from_home_to_home_along_the_row_and_never_without(streets):
    fires = row_of_homes(20, 5.0, streets, p_spread=1.0, spread_after_s=60.0)
    fires.advance(20_000.0)
    assert np.isfinite(fires.burns_from_s).all() and (np.diff(fires.burns_from_s) >= 0).all()
    assert 19 * 20.0 < fires.burns_from_s[-1] < 19 * 180.0
    alone = row_of_homes(20, 5.0, streets, p_spread=0.0)
    alone.advance(20_000.0)
    assert np.flatnonzero(np.isfinite(alone.burns_from_s)).tolist() == [0]


def test_streets_are_in_smoke_while_a_home_near_them_burns_and_clear_after(streets):
    fires = row_of_homes(1, 5.0, streets, burn_s=3600.0)
    assert fires.advance(0.0) and fires.in_smoke.any() and fires.next_s == 3600.0
    assert not fires.advance(3599.0) and fires.in_smoke.any()
    assert fires.advance(3600.0) and not fires.in_smoke.any()


def test_burnt_homes_are_lost_and_their_people_move_and_streets_close():
    model = EvacuationModel("tiny_town", **BURNING).run()
    burnt = np.isfinite(model.surroundings.fires.burns_from_s)
    assert burnt.sum() > 10 and model.households.has_lost_home[burnt].all()
    assert model.surroundings.fires.in_smoke.any()
    assert not model.movement.car_open[model.surroundings.fires.in_smoke].any()


def test_fires_are_the_same_under_every_plan_and_step():
    orders = {"orders": [{"issued_h": 0.0, "compliance": 1.0}]}
    one, other, coarse = (
        EvacuationModel("tiny_town", **BURNING, **more).run().surroundings.fires.burns_from_s
        for more in ({}, orders, {"run.step_s": 900.0})
    )
    assert np.array_equal(one, other) and np.array_equal(one, coarse)


def test_without_a_chance_to_ignite_there_are_no_fires():
    model = EvacuationModel("tiny_town", **{"run.duration_h": 1})
    assert not model.surroundings.fires.is_active and model.surroundings.fires.next_s == np.inf
