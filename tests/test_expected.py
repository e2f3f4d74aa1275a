"""Casualties to be expected of exposures, the band around them, and the tables that show them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safepassage.model.evacuation import EvacuationModel
from safepassage.model.harm.expected_casualties import ExpectedCasualties, band

FIERCE = {"run.duration_h": 2.0, "shelling.sources.0.events_per_day": 12_000, "harm.casualty_scale": 10.0}
EXPOSURES = st.lists(st.tuples(st.integers(0, 4), st.floats(0.0, 1.0)), max_size=40)


@settings(deadline=None)  # the first example loads the kernel
@given(EXPOSURES)
def test_mean_and_variance_are_those_of_a_sum_of_independent_zeros_and_ones(exposures):
    expected = ExpectedCasualties(5)
    for person, p in exposures:
        expected.add(np.array([person], np.int32), np.array([p]))
    unhurt = [np.prod([1 - p for who, p in exposures if who == person]) for person in range(5)]
    assert expected.mean == pytest.approx(sum(1 - q for q in unhurt), abs=1e-9)
    assert expected.variance == pytest.approx(sum(q * (1 - q) for q in unhurt), abs=1e-9)


@given(st.lists(st.floats(0.0, 0.5), min_size=1, max_size=40))
def test_the_band_is_as_wide_as_chance_needs_and_hardly_wider(ps):
    chance = np.array([1.0])
    for p in ps:
        chance = np.convolve(chance, [1 - p, p])
    low, high = band(sum(ps), sum(p * (1 - p) for p in ps))
    inside = chance[int(low[0]) : int(high[0]) + 1].sum()
    assert inside >= 0.93
    assert chance[int(low[0]) + 1 : int(high[0])].sum() <= 0.97


def test_nothing_fallen_is_nobody_expected():
    assert [float(edge[0]) for edge in band(0.0, 0.0)] == [0.0, 0.0]


def test_over_many_seeds_as_many_are_hurt_as_expected_and_the_band_holds_them():
    scores, inside = [], []
    for seed in range(25):
        model = EvacuationModel("tiny_town", rng=seed, **FIERCE | {"run.duration_h": 1.0}).run()
        last = model.recorder.tables()["casualties"].to_pandas().iloc[-1]
        expected = model.recorder.expected_casualties
        scores.append((last.n_hurt - expected.mean) / np.sqrt(expected.variance))
        inside.append(last.n_hurt_low <= last.n_hurt <= last.n_hurt_high)
    assert abs(np.mean(scores)) < 3 / np.sqrt(len(scores))
    assert 0.6 < np.std(scores) < 1.5
    assert np.mean(inside) >= 0.8


def test_the_tables_of_casualties_exits_and_streets_agree_with_the_others():
    model = EvacuationModel("tiny_town", **FIERCE | {"closures.exits": [{"name": "North road", "from_h": 1.0}]}).run()
    frames = {name: table.to_pandas() for name, table in model.recorder.tables().items()}
    series, hurt, exits = frames["timeseries"], frames["casualties"], frames["exit_states"]
    by_injury = series[["n_injury_light", "n_injury_serious", "n_injury_fatal"]].sum(axis=1)
    assert (hurt.n_hurt == by_injury).all() and (hurt.time_s == series.time_s).all()
    assert (np.diff(hurt.n_hurt_expected) >= 0).all() and (hurt.n_hurt_low <= hurt.n_hurt_high).all()
    assert exits.n_cars_last_km.max() > 0
    north = exits[exits.exit == "North road"]
    assert (north.cars_pass == (north.time_s < 3600)).all() and exits[exits.exit != "North road"].cars_pass.all()
    closed = np.zeros(model.streets.n_links, bool)
    changes = frames["street_changes"]
    n_closed = []
    for time_s in series.time_s:
        now = changes[changes.time_s <= time_s]
        closed[now.link] = now.is_closed_to_cars
        n_closed.append(closed.sum())
    assert n_closed == series.n_links_closed.tolist() and max(n_closed) > 0


def test_a_run_far_outside_the_recorded_range_says_so_and_one_within_it_does_not():
    for scale, said in ((1.0, True), (0.01, False)):
        model = EvacuationModel("tiny_town", **{"harm.casualty_scale": scale}).run()
        lines = [line for line in model.report() if line.startswith("harm:")]
        assert bool(lines) == said
        if said:
            assert "share_near_people" in lines[0] and "1 to 15 were recorded" in lines[0]
