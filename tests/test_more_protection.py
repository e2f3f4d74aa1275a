"""With paths, places and times held fixed, more protection never raises the casualties to be expected of anybody."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from safepassage.agents.civilians import Injury, Protection
from safepassage.agents.rules import harm as kernels
from safepassage.agents.shelters import Shelters
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.harm.expected_casualties import ExpectedCasualties
from safepassage.model.hazard.alerts import alerts_of
from safepassage.model.hazard.impacts import Impacts
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.harm import COVER, Harm, ProtectionFactors
from safepassage.model.settings.shelters import AirRaidAlerts

ONLY_LIGHT = {"harm.serious_share": 0.0, "harm.death_share": 0.0, "harm.light_speed_factor": 1.0}
"""Nobody dies or walks more slowly, so that paths are the same whatever harm is done."""
STAY = {
    "orders": [], "behaviour.coefficients.baseline_per_day": 0.0, "behaviour.p_leave_after_impact": 0.0,
    "behaviour.lost_homes.share_who_leave": 0.0, "population.p_needs_assistance_65": 0.0,
    "population.p_needs_assistance_under_65": 0.0,
}  # fmt: skip
CLUSTERS = {"shelling.sources.0.events_per_day": 900, "shelling.sources.0.decay_h": 0.1,
            "shelling.sources.0.branching_ratio": 0.95}  # fmt: skip
FEW = settings(deadline=None, max_examples=2)
SHARE = st.floats(0.0, 1.0)


def of_each_person(**keys):
    """Return the probability of each person to be hurt in a run, given where they were."""
    model = EvacuationModel("tiny_town", **ONLY_LIGHT, **{"run.step_s": 600.0} | keys).run()
    return 1.0 - model.under_fire.harm.expected._p_unhurt


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.floats(0.0, 200.0), st.integers(0, 2), SHARE, SHARE, SHARE),
        min_size=1, max_size=30,
    ),
    st.floats(0.1, 5.0),
)  # fmt: skip
def test_in_the_kernels_a_smaller_factor_hurts_nobody_more_and_is_expected_to_hurt_fewer(exposures, scale):
    person, distance_m, size, factor, share, u = (np.array(column) for column in zip(*exposures, strict=True))
    person, event, harm, found = person.astype(np.int32), np.arange(person.size, dtype=np.int32), Harm(), []
    for factors in (factor, factor * share):
        p = np.empty(person.size)
        for i in range(person.size):  # each exposure in a room of its own factor
            rooms = np.full(4, 0, np.int8)
            kernels.risks(
                p[i : i + 1], event[i : i + 1], person[i : i + 1], distance_m[i : i + 1], size.astype(np.int8), rooms,
                factors[i : i + 1], scale, harm.p_at_centre, harm.d50_within_reach_m, 6.0, harm.steepness,
            )  # fmt: skip
        expected, injury, at_s = ExpectedCasualties(4), np.zeros(4, np.int8), np.full(4, np.inf)
        expected.add(person, p)
        kernels.injure(injury, at_s, np.empty(person.size, np.int8), person, u, p, event.astype(float), 0.15, 0.3)
        found.append((expected._p_unhurt, expected.mean, injury))
    (unhurt, mean, injury), (unhurt_with, mean_with, injury_with) = found
    assert (unhurt_with >= unhurt).all() and mean_with <= mean + 1e-12
    assert (injury_with <= injury).all() and injury.max() <= Injury.FATAL


TIMES = st.lists(st.floats(0.0, 20_000.0), max_size=12)


@settings(deadline=None)
@given(TIMES, TIMES, st.floats(0.0, 5000.0), st.sampled_from(list(Protection)[2:5]), st.booleans())
@example([5000.0], [], 1800.0, Protection.UPPER_FLOOR, False)
def test_in_the_rooms_alerts_a_basement_and_heed_never_leave_anybody_in_a_worse_room(
    impacts, false_alarms, warning_s, usual, has_basement
):
    factor = ProtectionFactors().by_protection
    more_impacts = sorted(impacts)
    alerts = [(max(0.0, t - warning_s), t + 60.0) for t in more_impacts] + [(t, t + 2616.0) for t in false_alarms]

    def rooms(warned, basement, heeds):
        from_s, last_s, found = np.full(1, -np.inf), np.full(1, -np.inf), []
        events = [(t, 1, t) for t in more_impacts] + [(start, 0, end) for start, end in warned]
        for t, is_impact, end in sorted(events):
            if is_impact:
                room = np.empty(1, np.int8)
                kernels.seek_protection(
                    room, np.array([0]), np.array([0]), from_s, last_s, np.array([basement]),
                    np.array([usual], np.int8), np.array([heeds]), t, 20.0, 1800.0,
                )  # fmt: skip
                found.append(factor[room[0]])
            kernels.hear_impact(from_s, last_s, np.array([0]), t, 1800.0)
            last_s[0] = last_s[0] if is_impact else max(last_s[0], end - 1800.0)
        return np.array(found)

    heard = rooms([], has_basement, True)
    assert (rooms(alerts, has_basement, True) <= heard).all()
    assert (rooms(alerts, True, True) <= rooms(alerts, has_basement, True)).all()
    assert (heard <= rooms([], has_basement, False)).all()


@pytest.mark.parametrize("warning_s", [120.0, 2400.0])
def test_air_raid_alerts_hurt_nobody_more_who_stays_whatever_their_warning(warning_s):
    keys = STAY | {"run.duration_h": 4.0, "shelling.sources.0.events_per_day": 150,
                   "shelling.sources.0.branching_ratio": 0.0}  # fmt: skip
    without, warned = of_each_person(**keys), of_each_person(**keys, **{"alerts.warning_s": warning_s})
    assert (warned <= without + 1e-12).all()
    assert warned.sum() < 0.9 * without.sum()


@settings(deadline=None)
@given(st.floats(7000.0, 13_000.0), st.floats(30.0, 6000.0))
@example(9000.0, 2400.0)  # an alert ended with the impact that it announced: a long one let people out just then
def test_who_heeds_an_alert_is_in_cover_when_what_it_announces_falls(at_s, warning_s):
    one = Impacts(np.array([at_s]), np.zeros(1), np.zeros(1), np.zeros(1, np.int8), np.zeros(1, np.int32))
    alerts = AirRaidAlerts(warning_s=warning_s, share_warned=1.0, false_per_day=0.0)
    (start_s,), (end_s,) = alerts_of(alerts, one, TOWN.settings.run, 1, "UTC")
    cover, homes = TOWN.under_fire.cover, TOWN.households
    homes.last_heard_s[:] = homes.alert_from_s[:] = -np.inf
    cover.sound(np.arange(len(homes)), start_s, end_s)
    for _ in range(2):  # when it falls, and long after its reaction
        at_home = np.flatnonzero(TOWN.people.household > 0)
        cover.protect(at_home, at_s)
        heeds = at_home[cover._is_obedient[at_home]]
        assert (TOWN.people.protection[heeds] >= Protection.INNER_ROOM).all()
        cover.hear(np.arange(1, len(homes)), at_s)


@FEW
@given(st.integers(0, 2**20), SHARE, SHARE)
@example(3, 0.2, 0.8)
def test_basements_and_heed_hurt_nobody_more_who_stays(seed, few, more):
    few, more = sorted((few, more))
    keys = STAY | CLUSTERS | {"run.duration_h": 2.0, "run.seed": seed}
    for key in ("harm.rooms.share_with_basement", "harm.rooms.share_who_heed_alerts"):
        assert (of_each_person(**keys, **{key: more}) <= of_each_person(**keys, **{key: few}) + 1e-12).all()


NEAR = {"front.distances": [{"day": "2024-08-01", "distance_km": 1.0}], "front.crossfire_casualties_per_person_h": 0.02,
        "drones.strikes_per_vehicle_minute": 0.02, "drones.strikes_per_walker_minute": 0.01,
        "alerts.warning_s": 300.0}  # fmt: skip


@FEW
@given(st.integers(0, 2**20), st.lists(SHARE, min_size=5, max_size=5))
@example(2, [0.5] * 5)
def test_better_rooms_cars_and_shelters_hurt_nobody_more_in_a_town_that_leaves(seed, shares):
    usual, worst = ProtectionFactors(), 1.0
    better = {"harm.protection.vehicle": shares[4]}
    for room, share in zip(COVER[1:], shares[:4], strict=True):  # each place protects more than the one before
        worst = min(worst, getattr(usual, room) * share)
        better[f"harm.protection.{room}"] = worst
    homes = EvacuationModel("tiny_town", **{"shelling.sources": []}).households
    middle = {"x_m": float(np.median(homes.home_x_m)), "y_m": float(np.median(homes.home_y_m))}
    keys = CLUSTERS | NEAR | {"run.duration_h": 1.5, "run.seed": seed, "harm.protection.armoured": 0.0}
    keys |= {"shelters.places": [{"name": "School", "capacity": 300} | middle]}
    assert (of_each_person(**keys, **better) <= of_each_person(**keys) + 1e-12).all()


def test_nets_hurt_nobody_more_who_takes_the_same_ways():
    streets = ["Main Street", "Market Street", "Orchard Street", "Chapel Lane", "Town Bridge"]
    keys, nets = NEAR | {"run.duration_h": 2.0}, [{"streets": streets[:2], "factor": 0.5}]
    without, few, all_of_them = (
        of_each_person(**keys, **{"drones.nets": some})
        for some in ([], nets, [*nets, {"streets": streets, "factor": 0.1}])
    )
    assert (few <= without + 1e-12).all() and (all_of_them <= few + 1e-12).all()
    assert all_of_them.sum() < few.sum() < without.sum()


@settings(deadline=None)
@given(st.integers(0, 2**20), st.lists(st.integers(0, 8), min_size=3, max_size=3), st.integers(0, 2))
def test_with_more_beds_whoever_had_one_has_one_no_farther_away(seed, beds, which):
    chance = np.random.default_rng(seed)
    x_m, y_m = chance.uniform(0, 1000, (2, 20))
    places, away = chance.uniform(0, 1000, (2, 3)), []
    for more in (0, 2):
        beds[which] += more
        shelters = Shelters.empty(["A", "B", "C"], *places, beds)
        found = shelters.admit(np.arange(20), x_m, y_m, np.ones(20, np.int32), 500.0)
        at_m = np.hypot(x_m - places[0][found], y_m - places[1][found])
        away.append(np.where(found >= 0, at_m, np.inf))
    assert (away[1] <= away[0]).all()


@settings(deadline=None)
@given(st.lists(st.floats(0.0, 3000.0), min_size=2, max_size=2), st.floats(0.0, 4000.0))
def test_a_shorter_way_to_cover_protects_no_later(ways_s, at_s):
    model = TOWN
    cover, homes, factor = model.under_fire.cover, model.households, ProtectionFactors().by_protection
    person, found = np.arange(homes.first_person[1]), []
    for way_s in sorted(ways_s):
        homes.left_for_shelter_s[0], homes.in_shelter_from_s[0] = 100.0, 100.0 + way_s
        cover.protect(person, at_s)
        found.append((factor[model.people.protection[0]], cover.weighted_s(person, 0.0, at_s, factor)[0]))
    assert found[0][0] <= found[1][0] and found[0][1] <= found[1][1] + 1e-9


TOWN = EvacuationModel("tiny_town", **STAY, **{"shelling.sources": []})
TOWN.households.shelter[0] = 0
TOWN.population.go_to_shelter(np.array([0]))


@pytest.mark.parametrize(("better", "worse"), [("basement", "inner_room"), ("armoured", "vehicle")])
def test_a_place_to_which_people_go_for_cover_may_not_protect_less_than_the_one_they_leave(better, worse):
    with pytest.raises(ScenarioError, match=f"{better} = 0.9 lets more harm through than {worse}"):
        EvacuationModel("tiny_town", **{f"harm.protection.{better}": 0.9, f"harm.protection.{worse}": 0.2})


def test_a_household_that_heeds_no_alert_is_not_held_back_by_one():
    cover, homes = TOWN.under_fire.cover, TOWN.households
    rows = np.array([5, 6])
    homes.lull_wanted_s[rows] = [0.0, 300.0]
    homes.departure_time_s[rows] = 1000.0
    cover.sound(rows, 990.0, 990.0 + 3600.0)
    assert cover.free_to_leave(rows, 1000.0).tolist() == [5]
