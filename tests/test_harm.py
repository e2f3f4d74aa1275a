from itertools import pairwise

import naive_harm as naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as given_settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.integrate import trapezoid

from safepassage.agents.civilians import Injury, Protection
from safepassage.agents.rules import harm as kernels
from safepassage.model.draws import Stream, uniforms, uniforms_for
from safepassage.model.harm.injuries import HarmByImpacts, Pairs, rooms_at_home
from safepassage.model.hazard.impacts import Impacts
from safepassage.model.settings.harm import Harm, Rooms

NOBODY = np.empty(0, dtype=np.int32)


def impacts_at(x_m, y_m, size, time_s=None):
    n = len(x_m)
    time_s = np.arange(n, dtype=np.float64) if time_s is None else np.asarray(time_s, dtype=np.float64)
    rows = np.arange(n, dtype=np.int32)
    return Impacts(time_s, np.asarray(x_m, float), np.asarray(y_m, float), np.asarray(size, np.int8), rows)


def town(n_households, n_impacts, seed=5, side_m=400.0):
    """Return (home_x_m, home_y_m, first_person, impacts, protection) of a small dense place."""
    rng = np.random.default_rng(seed)
    home_x_m, home_y_m = rng.uniform(0, side_m, (2, n_households))
    first_person = np.concatenate([[0], np.cumsum(rng.integers(1, 5, n_households))])
    impacts = impacts_at(*rng.uniform(0, side_m, (2, n_impacts)), rng.integers(0, 3, n_impacts))
    protection = rng.integers(0, len(Protection), first_person[-1]).astype(np.int8)
    return home_x_m, home_y_m, first_person, impacts, protection


def strike(harm, impacts, protection, portions=1, is_present=None):
    """Return (injury, injured_at_s) after all impacts, handed over in portions."""
    n = protection.size
    injury, injured_at_s = np.zeros(n, np.int8), np.full(n, np.inf)
    is_present = np.ones(n, dtype=bool) if is_present is None else is_present
    edges = np.linspace(0, impacts.time_s.size, portions + 1).astype(int)
    for first, last in pairwise(edges):
        pairs = harm.people_at_home_near(impacts, first, last, is_present)
        harm.injure(injury, injured_at_s, impacts, pairs, protection)
    return injury, injured_at_s


@pytest.mark.parametrize("size", [0, 1, 2])
def test_half_of_the_risk_at_the_impact_is_left_at_d50_and_none_beyond_six(size):
    d50_m = Harm().d50_m[size]
    assert kernels.risk(0.0, d50_m, 6.0, 3.0, 0.9) == 0.9
    assert kernels.risk(d50_m, d50_m, 6.0, 3.0, 0.9) == pytest.approx(0.45)
    assert kernels.risk(6 * d50_m, d50_m, 6.0, 3.0, 0.9) == pytest.approx(0.9 / 217)
    assert kernels.risk(6.001 * d50_m, d50_m, 6.0, 3.0, 0.9) == 0.0


@given_settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.05, 5.0))
def test_the_kernel_agrees_with_comparing_every_event_with_every_person(seed, casualty_scale):
    home_x_m, home_y_m, first_person, impacts, protection = town(12, 15, seed, side_m=150.0)
    settings = Harm(casualty_scale=casualty_scale)
    harm = HarmByImpacts(settings, seed, home_x_m, home_y_m, first_person)
    injury, injured_at_s = strike(harm, impacts, protection)
    home = np.repeat(np.arange(12), np.diff(first_person))
    u = [uniforms(seed, Stream.INJURY, protection.size, tick=e) for e in range(15)]
    events = zip(impacts.time_s, impacts.x_m, impacts.y_m, impacts.size, strict=True)
    factor = settings.protection.by_protection[protection]
    expected = naive.injure(events, home_x_m[home], home_y_m[home], factor, u, settings)
    assert injury.tolist() == expected[0]
    assert injured_at_s.tolist() == expected[1]
    pairs = harm.people_at_home_near(impacts, 0, 15, np.ones(protection.size, dtype=bool))
    mean = np.bincount(pairs.person, harm.risks(impacts, pairs, protection), protection.size)
    for i, h in enumerate(home):
        away_m = np.hypot(impacts.x_m - home_x_m[h], impacts.y_m - home_y_m[h])
        p = [naive.p_casualty(d, size, factor[i], settings) for d, size in zip(away_m, impacts.size, strict=True)]
        assert mean[i] == pytest.approx(sum(p))


@given_settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 8.0), st.floats(0.0, 1.0))
def test_more_protection_never_injures_anybody_more_severely_under_the_same_numbers(seed, casualty_scale, share):
    home_x_m, home_y_m, first_person, impacts, protection = town(30, 25, seed, side_m=200.0)
    settings = Harm(casualty_scale=casualty_scale)
    harm = HarmByImpacts(settings, seed, home_x_m, home_y_m, first_person)
    factor = settings.protection.by_protection
    other = np.random.default_rng(seed).integers(0, len(Protection), protection.size).astype(np.int8)
    moves = (np.random.default_rng(seed + 1).random(protection.size) < share) & (factor[other] <= factor[protection])
    safer = np.where(moves, other, protection).astype(np.int8)
    before, after = strike(harm, impacts, protection)[0], strike(harm, impacts, safer)[0]
    assert (after <= before).all()
    pairs = harm.people_at_home_near(impacts, 0, impacts.time_s.size, np.ones(protection.size, dtype=bool))
    assert (harm.risks(impacts, pairs, safer) <= harm.risks(impacts, pairs, protection)).all()


def test_the_same_harm_comes_out_in_whatever_portions_events_are_handed_over():
    home_x_m, home_y_m, first_person, impacts, protection = town(200, 60)
    harm = HarmByImpacts(Harm(), 3, home_x_m, home_y_m, first_person)
    whole, split = strike(harm, impacts, protection), strike(harm, impacts, protection, portions=60)
    assert (whole[0] > 0).any()
    assert (whole[0] == split[0]).all() and (whole[1] == split[1]).all()


def test_nobody_else_s_presence_changes_what_happens_to_a_person():
    home_x_m, home_y_m, first_person, impacts, protection = town(200, 60)
    harm = HarmByImpacts(Harm(), 3, home_x_m, home_y_m, first_person)
    stays = np.random.default_rng(0).random(protection.size) < 0.5
    everyone, half = strike(harm, impacts, protection)[0], strike(harm, impacts, protection, is_present=stays)[0]
    assert (half[stays] == everyone[stays]).all()
    assert (half[~stays] == 0).all()
    assert everyone[~stays].any()


def test_overlapping_events_leave_a_person_unhurt_with_the_product_of_their_chances():
    n = 15_000
    settings = Harm(casualty_scale=0.5)
    harm = HarmByImpacts(settings, 11, [0.0], [0.0], [0, n])
    impacts = impacts_at([5.0, 0.0, -20.0], [0.0, 12.0, 0.0], [0, 1, 2])
    injury = strike(harm, impacts, np.zeros(n, np.int8))[0]
    p = [naive.p_casualty(d, size, 1.0, settings) for d, size in ((5.0, 0), (12.0, 1), (20.0, 2))]
    unhurt = np.prod(1 - np.array(p))
    assert (injury == Injury.NONE).mean() == pytest.approx(unhurt, abs=4 * np.sqrt(unhurt * (1 - unhurt) / n))


def test_deaths_at_once_and_of_untreated_injuries_add_up_to_the_share_of_the_record():
    n = 40_000
    harm = HarmByImpacts(Harm(), 2, [0.0], [0.0], [0, n])
    injury, injured_at_s = strike(harm, impacts_at([0.0], [0.0], [2]), np.zeros(n, np.int8))
    n_casualties = (injury > 0).sum()
    assert n_casualties / n == pytest.approx(0.9, abs=0.006)
    serious = np.flatnonzero(injury == Injury.SERIOUS)
    die_later = np.isfinite(harm.death_times_s(serious, injured_at_s[serious], np.full(serious.size, np.inf)))
    assert ((injury == Injury.FATAL).sum() + die_later.sum()) / n_casualties == pytest.approx(0.20, abs=0.009)
    assert serious.size / (injury[injury != Injury.FATAL] > 0).sum() == pytest.approx(0.37, abs=0.011)


@pytest.mark.parametrize(
    ("care_after_h", "share"), [(0.0, 0.04), (1.25, np.sqrt(0.04 * 0.17)), (2.5, 0.17), (np.inf, 0.17)]
)
def test_the_share_of_the_seriously_injured_who_die_follows_the_delay_of_care(care_after_h, share):
    n = 10_000
    harm = HarmByImpacts(Harm(), 4, [0.0], [0.0], [0, n])
    injured_at_s = np.full(n, 500.0)
    death_s = harm.death_times_s(np.arange(n), injured_at_s, injured_at_s + care_after_h * 3600)
    assert np.isfinite(death_s).mean() == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / n))
    assert (death_s >= injured_at_s).all()


@given_settings(max_examples=50, deadline=None)
@given(
    st.floats(0.001, 0.5),
    st.floats(0.0, 1.0),
    st.floats(0.1, 10),
    st.floats(0.1, 20),
    st.floats(0, 12),
    st.floats(0, 12),
)
def test_care_saves_nobody_who_was_dead_and_earlier_care_never_kills(p_with, rest, vain_h, mean_h, care_h, later_h):
    p_without = p_with + rest * (0.95 - p_with)
    u = np.linspace(0, 0.999, 400)
    death_h = {}
    for care in (care_h, care_h + later_h, np.inf):
        death_h[care] = np.empty(u.size)
        at_s = np.full(u.size, care * 3600)
        kernels.death_times(death_h[care], np.zeros(u.size), at_s, u, p_with, p_without, vain_h * 3600, mean_h * 3600)
        death_h[care] /= 3600
    untreated = death_h[np.inf]
    for care in (care_h, care_h + later_h):
        saved = np.isinf(death_h[care]) & np.isfinite(untreated)
        assert (untreated[saved] >= care - 1e-9).all()
        assert (death_h[care][~saved] == untreated[~saved]).all()
    assert not (np.isinf(death_h[care_h + later_h]) & np.isfinite(death_h[care_h])).any()


def test_the_untreated_die_at_exponential_times():
    n = 20_000
    harm = HarmByImpacts(Harm(mean_untreated_survival_h=6.0), 4, [0.0], [0.0], [0, n])
    death_h = harm.death_times_s(np.arange(n), np.zeros(n), np.full(n, np.inf)) / 3600
    after_h = death_h[np.isfinite(death_h)]
    assert after_h.mean() == pytest.approx(6.0, abs=4 * 6 / np.sqrt(after_h.size))
    assert (after_h > 6.0).mean() == pytest.approx(np.exp(-1), abs=0.03)


def test_a_worse_injury_replaces_a_lesser_one_and_the_dead_are_left_alone():
    injury, injured_at_s = np.array([1, 2, 3], np.int8), np.array([1.0, 2.0, 3.0])
    outcome, who = np.full(3, 9, np.int8), np.arange(3, dtype=np.int32)
    u, p, time_s = np.array([0.9 * 0.2, 0.9 * 0.2, 0.0]), np.full(3, 0.9), np.full(3, 50.0)
    n = kernels.injure(injury, injured_at_s, outcome, who, u, p, time_s, 0.1, 0.3)
    assert n == 1
    assert injury.tolist() == [Injury.SERIOUS, Injury.SERIOUS, Injury.FATAL]
    assert injured_at_s.tolist() == [50.0, 2.0, 3.0]
    assert outcome.tolist() == [Injury.SERIOUS, Injury.NONE, Injury.NONE]


def test_people_on_the_road_are_harmed_by_the_same_numbers_as_at_home():
    n = 500
    harm = HarmByImpacts(Harm(), 8, [0.0], [0.0], [0, n])
    impacts = impacts_at([3.0, 5000.0], [4.0, 0.0], [1, 2])
    at_home = strike(harm, impacts, np.zeros(n, np.int8))[0]
    pairs = Pairs(np.zeros(n, np.int32), np.arange(n, dtype=np.int32), np.full(n, 5.0))
    injury = np.zeros(n, np.int8)
    casualties = harm.injure(injury, np.full(n, np.inf), impacts, pairs, np.zeros(n, np.int8))
    assert (injury == at_home).all()
    assert (casualties.person == np.flatnonzero(injury)).all()
    assert (casualties.injury == injury[injury > 0]).all() and (casualties.distance_m == 5.0).all()


def test_people_are_injured_with_the_probability_given_at_the_time_given():
    n = 15_000
    injury, at_s, when_s = np.zeros(n, np.int8), np.full(n, np.inf), np.linspace(0.0, 77.0, n)
    harm = HarmByImpacts(Harm(), 3, [0.0], [0.0], [0, n])
    worse = harm.injure_at(injury, at_s, np.arange(n), np.full(n, 0.1), when_s, Stream.CROSSFIRE, 5)
    assert (injury > 0).mean() == pytest.approx(0.1, abs=4 * np.sqrt(0.1 / n))
    assert (worse == np.flatnonzero(injury)).all()
    assert (at_s[worse] == when_s[worse]).all() and np.isinf(at_s[injury == 0]).all()
    more = np.zeros(n, np.int8)
    harm.injure_at(more, at_s, np.arange(n), np.full(n, 0.4), when_s, Stream.CROSSFIRE, 5)
    assert (more >= injury).all() and (more > injury).any()


def test_an_alert_sends_people_to_the_basement_or_inner_room_when_they_have_heard_it_and_ends():
    household = np.array([0, 0, 1, 1], np.int32)
    usual = np.full(4, Protection.UPPER_FLOOR, np.int8)
    protection = usual.copy()
    from_s, heard_s, has_basement = np.full(2, np.inf), np.full(2, -np.inf), np.array([True, False])
    for time_s in (100.0, 130.0):
        kernels.hear_impact(from_s, heard_s, np.array([0, 1]), time_s, 60.0)
    assert from_s.tolist() == [100.0, 100.0] and heard_s.tolist() == [130.0, 130.0]
    at_home, obeys = np.array([0, 1, 2]), np.array([True, False, True, True])
    rooms = [Protection.BASEMENT, Protection.UPPER_FLOOR, Protection.INNER_ROOM, Protection.UPPER_FLOOR]
    for time_s, expected in ((119.9, usual.tolist()), (120.0, rooms), (189.9, rooms), (190.0, usual.tolist())):
        kernels.seek_protection(
            protection, at_home, household, from_s, heard_s, has_basement, usual, obeys, time_s, 20.0, 60.0
        )
        assert protection.tolist() == expected, time_s
    kernels.hear_impact(from_s, heard_s, np.array([1]), 200.0, 60.0)
    assert from_s.tolist() == [100.0, 200.0], "the second alert is a new one"


def test_an_alert_never_moves_anybody_to_a_worse_place():
    protection = np.array([Protection.BASEMENT], np.int8)
    one, now_s = np.ones(1, dtype=bool), np.zeros(1)
    usual, rows = protection.copy(), np.zeros(1, np.int32)
    kernels.seek_protection(protection, rows, rows, now_s, now_s, ~one, usual, one, 1.0, 0.0, 9.0)
    assert protection[0] == Protection.BASEMENT


def test_a_party_carries_its_injured_if_it_can_and_waits_if_it_cannot():
    first_person = np.array([0, 2, 5, 7, 8])
    injury = np.array([0, 1, 2, 0, 0, 2, 0, 3], np.int8)
    speed_m_s = np.array([1.3, 1.0, 1.3, 1.2, 1.0, 1.3, 1.3, 1.3])
    party_speed_m_s = np.empty(4)
    kernels.party_walking_speeds(party_speed_m_s, first_person, speed_m_s, injury, np.ones(8, bool), 0.7, 0.4, 2)
    assert party_speed_m_s == pytest.approx([0.7, 0.4, 0.0, 0.0])


def test_people_live_in_the_rooms_that_the_settings_say():
    household = np.repeat(np.arange(5_000, dtype=np.int32), 2)
    usual, obeys, has_basement = rooms_at_home(
        Rooms(), 5, household, np.arange(household[-1] + 1), np.arange(household.size)
    )
    assert has_basement.mean() == pytest.approx(0.5, abs=0.03)
    assert (usual == Protection.BASEMENT).mean() == pytest.approx(0.05, abs=0.013)
    assert (usual == Protection.INNER_ROOM).mean() == pytest.approx(0.3 * 0.95, abs=0.02)
    assert obeys.mean() == pytest.approx(0.8, abs=0.017)
    assert has_basement[household[usual == Protection.BASEMENT]].all()


def test_a_fatality_needs_an_event_within_reach():
    home_x_m, home_y_m, first_person, _, protection = town(50, 1)
    harm = HarmByImpacts(Harm(casualty_scale=1e9), 1, home_x_m, home_y_m, first_person)
    far = impacts_at([400.0 + 240.1], [200.0], [2])
    assert not strike(harm, far, protection)[0].any()
    assert not strike(harm, Impacts.none(), protection)[0].any()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"p_death_with_care": 0.3}, "care must not raise"),
        ({"death_share": 0.01}, "raise death_share"),
        ({"d50_m": (0, 15, 40)}, "greater than 0"),
        ({"protection": {"cellar": 0.1}}, "Extra inputs"),
    ],
)
def test_settings_that_contradict_each_other_are_refused_with_the_change_to_make(change, words):
    with pytest.raises(ValidationError, match=words):
        Harm(**change)


def test_shares_of_severity_sum_to_the_death_share_by_default():
    settings = Harm()
    assert settings.share_fatal + settings.share_serious * settings.p_death_without_care == pytest.approx(0.20)
    assert settings.share_fatal + settings.share_serious * settings.p_death_with_care == pytest.approx(0.159, abs=5e-4)
    assert uniforms_for(1, Stream.INJURY, NOBODY).size == 0


@pytest.mark.parametrize(("steepness", "n_d50_reach"), [(3.0, 6.0), (2.5, 6.0), (4.0, 3.0)])
def test_the_cut_of_the_curve_loses_no_expected_harm(steepness, n_d50_reach):
    harm = Harm(steepness=steepness, n_d50_reach=n_d50_reach, casualty_scale=1.0)
    for size, d50_m in enumerate(harm.d50_m):
        r_m = np.linspace(0.0, harm.reach_m[size] * 1.01, 400_001)
        curve = harm.d50_within_reach_m[size], n_d50_reach / harm.widening, steepness, harm.p_at_centre
        p = np.array([kernels.risk(r, *curve) for r in r_m])
        kept = trapezoid(p * 2 * np.pi * r_m, r_m)
        # in closed form: 2 pi p0 d50^2 (pi / k) / sin(2 pi / k); cut at 6 d50 and not widened, 86 % of it for k = 3
        whole = 2 * np.pi * harm.p_at_centre * d50_m**2 * np.pi / steepness / np.sin(2 * np.pi / steepness)
        assert kept == pytest.approx(whole, rel=0.005)


def test_a_curve_without_an_end_to_its_harm_is_refused():
    with pytest.raises(ValidationError, match="greater than 2"):
        Harm(steepness=2.0)


@pytest.mark.parametrize(("steepness", "n_d50_reach"), [(3.0, 1e6), (100.0, 2.0), (1e18, 1e18)])
def test_a_curve_that_is_cut_where_nothing_is_left_is_not_widened(steepness, n_d50_reach):
    assert Harm(steepness=steepness, n_d50_reach=n_d50_reach).widening == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(("steepness", "n_d50_reach"), [(2.01, 6.0), (2.1, 2.0)])
def test_a_cut_within_which_no_curve_holds_all_harm_is_refused(steepness, n_d50_reach):
    with pytest.raises(ValueError, match="is too near for steepness"):
        Harm(steepness=steepness, n_d50_reach=n_d50_reach)
