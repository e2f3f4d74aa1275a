from datetime import date, datetime
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from safepassage.model.clock import epoch_s
from safepassage.model.hazard.front import LineFront
from safepassage.model.hazard.impacts import Area
from safepassage.model.hazard.process import Grid, expected_background, simulate
from safepassage.model.hazard.shelling import shell
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.shelling import Shelling, ShellingProcess

WIDE = Area(0.0, 0.0, 40_000.0, 40_000.0)
KYIV = "Europe/Kyiv"
START_S = epoch_s(datetime(2024, 8, 1), KYIV)
DAY_S = 86400.0
FLAT = (1.0,) * 24


def simulated(n_days=20, seed=11, front=None, area=WIDE, **changes):
    """Return a process, its events of the run's days and which of them are background."""
    process = ShellingProcess(
        **{"events_per_day": 1000, "share_near_people": 1.0, "front_reach_km": 5.0, "day_profile": FLAT, **changes}
    )
    events = simulate(process, area, START_S, START_S + n_days * DAY_S, seed, KYIV, front=front)
    return process, events


def during(events, n_days):
    return (events.time_s >= START_S) & (events.time_s < START_S + n_days * DAY_S)


def test_the_number_of_events_is_the_background_over_one_minus_the_branching_ratio():
    for ratio in (0.0, 0.3, 0.7):
        _, events = simulated(branching_ratio=ratio, events_per_day=None, background_per_km2_day=0.5, warm_up_h=48)
        mean = 0.5 * 1600 * 20 / (1 - ratio)
        # variance of a cluster process: mean * (1 / (1 - ratio))**2, Hawkes and Oakes 1974
        assert abs(during(events, 20).sum() - mean) < 4 * np.sqrt(mean) / (1 - ratio)


def test_events_per_day_counts_aftershocks_too():
    _, events = simulated(branching_ratio=0.5, events_per_day=1000)
    assert during(events, 20).sum() == pytest.approx(20_000, abs=4 * np.sqrt(20_000) * 2)


def test_clusters_have_the_sizes_of_the_branching_law():
    _, events = simulated(branching_ratio=0.5)
    n_in_cluster = np.bincount(events.cluster)
    # total progeny of a Poisson branching process: Borel distribution, mean 1/(1-n), variance n/(1-n)**3
    assert n_in_cluster.mean() == pytest.approx(2, abs=4 * np.sqrt(4 / n_in_cluster.size))
    expected = n_in_cluster.size * np.exp(-0.5 * np.arange(1, 4)) * [1, 0.5, 3 * 0.25 / 2]
    found = [(n_in_cluster == n).sum() for n in (1, 2, 3)]
    assert stats.chisquare([*found, n_in_cluster.size - sum(found)],
                           [*expected, n_in_cluster.size - expected.sum()]).pvalue > 0.001  # fmt: skip


def pairs_of_two(events):
    """Return rows of the first and of the second event of clusters that have just these two."""
    pairs = np.flatnonzero(np.bincount(events.cluster) == 2)
    rows = np.flatnonzero(np.isin(events.cluster, pairs))
    rows = rows[np.lexsort((events.time_s[rows], events.cluster[rows]))]
    return rows[::2], rows[1::2]


def test_the_delay_of_an_aftershock_is_exponential_with_the_mean_stated():
    _, events = simulated(decay_h=2.0)
    first, second = pairs_of_two(events)
    delay_h = (events.time_s[second] - events.time_s[first]) / 3600
    assert first.size > 1000
    assert delay_h.mean() == pytest.approx(2.0, abs=4 * 2.0 / np.sqrt(first.size))
    assert stats.kstest(delay_h, "expon", args=(0, 2.0)).pvalue > 0.001


def test_half_of_the_impacts_fall_within_the_spread_and_no_direction_is_preferred():
    _, events = simulated(spread_m=150.0)
    first, second = pairs_of_two(events)
    east, north = events.x_m[second] - events.x_m[first], events.y_m[second] - events.y_m[first]
    share = (np.hypot(east, north) <= 150.0).mean()
    assert share == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(first.size))
    for offset in (east, north):
        assert stats.kstest(offset, stats.norm(0, 150.0 / 1.17741).cdf).pvalue > 0.001
    assert abs(np.corrcoef(east, north)[0, 1]) < 4 / np.sqrt(first.size)


def test_the_day_profile_is_recovered_by_local_hour():
    profile = tuple(0.0 if h < 6 else float(h) for h in range(24))
    _, events = simulated(branching_ratio=0.0, day_profile=profile, n_days=40)
    hour = np.array([datetime.fromtimestamp(t, ZoneInfo(KYIV)).hour for t in events.time_s])
    counts = np.bincount(hour, minlength=24)
    assert counts[:6].sum() == 0
    expected = np.array(profile[6:]) / sum(profile) * counts.sum()
    assert stats.chisquare(counts[6:], expected).pvalue > 0.001


def test_the_background_is_uniform_where_nothing_says_otherwise():
    _, events = simulated(branching_ratio=0.0)
    assert stats.kstest(events.x_m / 40_000, "uniform").pvalue > 0.001
    assert stats.kstest(events.y_m / 40_000, "uniform").pvalue > 0.001


def east_front(km_a_day=0.0):
    """Return a front that starts at the eastern edge, 20 km from the centre, and comes nearer."""
    seconds = np.array([0.0, 30 * DAY_S])
    return LineFront(seconds, 20.0 - km_a_day * seconds / DAY_S, 20_000.0, 20_000.0, np.pi / 2)


def test_the_background_falls_by_a_factor_e_over_the_reach_of_the_front():
    _, events = simulated(branching_ratio=0.0, front=east_front(), front_reach_km=5.0)
    distance_km = 40.0 - events.x_m / 1000
    counts = np.histogram(distance_km, bins=[0, 5, 10, 15, 20])[0]
    expected = np.exp(-np.arange(4)) * (1 - np.exp(-1)) / (1 - np.exp(-8)) * distance_km.size
    assert (np.abs(counts - expected) < 4 * np.sqrt(expected)).all()


def test_an_approaching_front_raises_a_rate_given_per_area_and_only_moves_one_given_per_day():
    changes = {"branching_ratio": 0.0, "front": east_front(1.0), "n_days": 10}
    _, per_area = simulated(events_per_day=None, background_per_km2_day=5.0, **changes)
    _, per_day = simulated(**changes)
    for events, rises in ((per_area, True), (per_day, False)):
        first, last = during(events, 2).sum(), during(events, 10).sum() - during(events, 8).sum()
        assert (last > 1.5 * first) == rises
    late = during(per_day, 10) & ~during(per_day, 8)
    assert per_day.x_m[late].mean() < per_day.x_m[during(per_day, 2)].mean() - 1000


def test_zones_get_their_weight_times_their_share_of_the_area():
    zones = [{"west": 0, "south": 0, "east": 20_000, "north": 40_000, "weight": 3.0}]
    _, events = simulated(branching_ratio=0.0, zones=zones)
    share = (events.x_m < 20_000).mean()
    assert share == pytest.approx(0.75, abs=4 * np.sqrt(0.75 * 0.25 / events.x_m.size))


def test_the_ramp_is_linear_between_its_days():
    ramp = [{"day": date(2024, 8, 1), "factor": 0.0}, {"day": date(2024, 8, 11), "factor": 2.0}]
    _, events = simulated(branching_ratio=0.0, ramp=ramp, n_days=15)
    days = ((events.time_s - START_S) // DAY_S).astype(int)
    counts = np.bincount(days[days >= 0], minlength=15)
    expected = 1000 * np.array([*(np.arange(10) + 0.5) / 5, 2, 2, 2, 2, 2])
    assert (np.abs(counts - expected) < 4 * np.sqrt(expected)).all()


def test_where_one_day_gets_worse_the_background_of_other_days_keeps_its_bits():
    quiet, loud = (
        simulated(branching_ratio=0.0, ramp=[{"day": date(2024, 8, d), "factor": f} for d, f in points])[1]
        for points in (((1, 1), (5, 1), (6, 1), (7, 1)), ((1, 1), (5, 1), (6, 3), (7, 1)))
    )
    before = START_S + 4 * DAY_S
    assert np.array_equal(quiet.time_s[quiet.time_s < before], loud.time_s[loud.time_s < before])
    after = START_S + 7 * DAY_S
    assert np.array_equal(quiet.x_m[quiet.time_s > after], loud.x_m[loud.time_s > after])
    assert loud.time_s.size > quiet.time_s.size
    assert np.isin(quiet.time_s, loud.time_s).all()  # a higher rate adds events and takes none away


def test_sizes_have_their_shares():
    _, events = simulated(size_shares=(0.2, 0.5, 0.3))
    counts = np.bincount(events.size, minlength=3)
    assert stats.chisquare(counts, np.array([0.2, 0.5, 0.3]) * counts.sum()).pvalue > 0.001


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**64 - 1), st.floats(1, 60), st.floats(0, 0.9))
def test_the_end_of_the_run_never_changes_what_came_before(seed, hours, ratio):
    process = ShellingProcess(share_near_people=1.0, events_per_day=200, branching_ratio=ratio)
    area = Area(0, 0, 5000, 5000)
    short = simulate(process, area, START_S, START_S + hours * 3600, seed, KYIV)
    long = simulate(process, area, START_S, START_S + 80 * 3600, seed, KYIV)
    until = START_S + hours * 3600
    for name in ("time_s", "x_m", "y_m", "size"):
        a, b = (np.sort(getattr(e, name)[e.time_s < until]) for e in (short, long))
        assert np.array_equal(a, b)


def test_the_run_begins_amid_aftershocks_and_not_in_silence():
    def first_hour(warm_up_h):
        return sum(during(simulated(n_days=0.1, seed=s, warm_up_h=warm_up_h)[1], 1 / 24).sum() for s in range(30))

    expected = 30 * 1000 / 24
    assert first_hour(24) == pytest.approx(expected, abs=4 * np.sqrt(expected) * 2)
    assert first_hour(0) < 0.75 * expected


def test_squares_fill_the_map_exactly_and_a_rate_per_area_is_one_per_area():
    process = ShellingProcess(share_near_people=1.0, background_per_km2_day=24.0, cell_m=300, day_profile=FLAT)
    area = Area(100.0, 200.0, 1100.0, 950.0)
    grid = Grid(process, area)
    assert grid.n_east * grid.width_m == pytest.approx(1000) and grid.n_north * grid.height_m == pytest.approx(750)
    hours = np.arange(int(START_S // 3600), int(START_S // 3600) + 5)
    mean = expected_background(process, grid, hours, [grid.nearness(process, None)(0.0)] * 2, KYIV)
    np.testing.assert_allclose(mean, 0.75)


def test_errors_say_what_to_change():
    with pytest.raises(ScenarioError, match="Lower events_per_day"):
        simulated(events_per_day=2e6, n_days=0.2)
    with pytest.raises(ScenarioError, match="choose larger ones"):
        simulated(cell_m=0.5)
    nowhere = [{"west": 0, "south": 0, "east": 40_000, "north": 40_000, "weight": 0.0}]
    with pytest.raises(ScenarioError, match="Raise a weight"):
        simulated(zones=nowhere)


def test_a_month_of_two_thousand_events_a_day_is_sixty_thousand_events():
    settings_ = Shelling(sources=[{"kind": "process", "share_near_people": 1, "events_per_day": 2000}])
    run = SimpleNamespace(start=datetime(2024, 8, 1), duration_h=720)
    for seed in range(3):
        impacts = shell(settings_, Area(0, 0, 10_000, 8000), run, seed)
        assert 55_000 < len(impacts) + impacts.n_outside_area < 65_000
