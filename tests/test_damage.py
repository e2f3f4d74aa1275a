from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as given_settings
from hypothesis import strategies as st
from pydantic import ValidationError

from safepassage.model.hazard.impacts import Impacts
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.damage import Damage as DamageSettings
from safepassage.model.streets.naming import StreetNames
from safepassage.model.town.clearing import ClearingCrews
from safepassage.model.town.damage import Damage


def impacts_at(x_m, y_m, size, time_s=None):
    n = len(x_m)
    time_s = np.arange(n, dtype=np.float64) if time_s is None else np.asarray(time_s, dtype=np.float64)
    rows = np.arange(n, dtype=np.int32)
    return Impacts(time_s, np.asarray(x_m, float), np.asarray(y_m, float), np.asarray(size, np.int8), rows)


def streets_in_a_row(n=3, classes=("residential",), width_m=6.0, is_bridge=(), names=None):
    """Return n two-way streets of 100 m, end to end along the x axis: links 2 i (east) and 2 i + 1 (west)."""
    street = np.repeat(np.arange(n), 2)
    upstream = np.array([[i, i + 1] for i in range(n)]).ravel()
    downstream = np.array([[i + 1, i] for i in range(n)]).ravel()
    node_id = tuple(f"n{i}" for i in range(n + 1))
    link_name = tuple(names[s] if names else f"Street {s}" for s in street)
    return SimpleNamespace(
        node_id=node_id,
        link_upstream=upstream.astype(np.int32),
        link_downstream=downstream.astype(np.int32),
        link_street=street.astype(np.int32),
        length_m=np.full(2 * n, 100.0),
        n_lanes=np.ones(2 * n),
        carriageway_width_m=np.full(2 * n, width_m),
        drivable=np.ones(2 * n, bool),
        walkable=np.ones(2 * n, bool),
        is_bridge=np.isin(street, is_bridge),
        highway=np.zeros(2 * n, np.int16),
        highway_names=classes,
        link_name=link_name,
        names=StreetNames(link_name, node_id, upstream, downstream),
        geometry_first=np.arange(2 * n + 1) * 2,
        geometry_x_m=np.column_stack([upstream, downstream]).ravel() * 100.0,
        geometry_y_m=np.zeros(4 * n),
    )


def certain(**changes):
    """Return settings under which every building near an impact of size L falls, long side along the street."""
    values = {
        "debris": {"p_collapse": (0, 0, 1), "share_parallel": 1, "default_setback_m": 4, "setback_m": {}},
        "passing": {"crater_width_m": (0, 0, 0)},
        "bridges": {"p_lost": (0, 0, 1)},
    }
    for key, value in changes.items():
        section, _, field = key.partition("__")
        values.setdefault(section, {})
        if field:
            values[section][field] = value
        else:
            values[section] = value
    return DamageSettings.model_validate(values)


def state(damage):
    names = ("residual_width_m", "residual_walk_width_m", "capacity_factor", "walk_capacity_factor")
    return [getattr(damage, name).copy() for name in (*names, "is_open_car", "is_open_walk")]


@pytest.mark.parametrize(
    ("height_m", "left_m", "left_to_walk_m", "car", "walk"),
    [
        (6.0, 6.0, 10.0, True, True),
        (7.5, 5.0, 9.0, True, True),
        (12.0, 2.0, 6.0, False, True),
        (21.0, 0.0, 0.0, False, False),
    ],
)
def test_debris_reaches_two_thirds_of_the_height_from_the_building_line(height_m, left_m, left_to_walk_m, car, walk):
    # 6 m of carriageway and a setback of 4 m on either side: 14 m between the buildings.
    settings = certain(debris__building_height_m={"residential": height_m})
    damage = Damage(settings, 1, streets_in_a_row())
    changes = damage.apply(impacts_at([150.0], [12.0], [2]), 0, 1)
    assert changes.links.tolist() == [2, 3]
    assert damage.residual_width_m[[2, 3]] == pytest.approx(left_m)
    assert damage.residual_walk_width_m[2] == pytest.approx(left_to_walk_m)
    assert damage.capacity_factor[2] == pytest.approx(left_m / 6 if car else 0.0)
    assert (damage.is_open_car[2], damage.is_open_walk[2]) == (car, walk)
    assert damage.capacity_factor[[0, 1, 4, 5]].tolist() == [1.0] * 4


def test_half_of_the_height_counts_for_a_building_with_its_short_side_to_the_street():
    settings = certain(debris__building_height_m={"residential": 12.0}, debris__share_parallel=0)
    damage = Damage(settings, 1, streets_in_a_row())
    damage.apply(impacts_at([150.0], [12.0], [2]), 0, 1)
    assert damage.residual_width_m[2] == pytest.approx(6.0 - (12 / 2 - 4))


def test_a_side_keeps_its_farthest_reach_and_both_sides_add_up():
    settings = certain(debris__building_height_m={"residential": 9.0})
    damage = Damage(settings, 1, streets_in_a_row())
    n = 40
    damage.apply(impacts_at([150.0] * n, [12.0] * n, [2] * n), 0, n)
    assert damage.debris_reach_m[1] == pytest.approx([6.0, 6.0])
    assert damage.residual_width_m[2] == pytest.approx(6.0 - 2 - 2)


def test_sides_and_orientation_of_what_falls_come_in_the_shares_set():
    n = 4000
    settings = certain(debris__p_collapse=(0, 0, 0.3), debris__share_parallel=0.25)
    damage = Damage(settings, 9, streets_in_a_row(1))
    impacts = impacts_at([50.0] * n, [8.0] * n, [2] * n)
    hits = damage._draw_hits(impacts)
    assert hits.event.size / n == pytest.approx(0.3, abs=0.03)
    assert hits.side.mean() == pytest.approx(0.5, abs=0.06)
    assert (hits.debris_m > 5).mean() == pytest.approx(0.25, abs=0.05)


def test_a_crater_takes_its_width_only_if_the_impact_is_on_the_carriageway():
    settings = certain(debris__p_collapse=(0, 0, 0), passing__crater_width_m=(0, 0, 2))
    damage = Damage(settings, 1, streets_in_a_row())
    assert damage.apply(impacts_at([150.0], [4.1], [2]), 0, 1).links.size == 0
    assert damage.apply(impacts_at([150.0], [3.9], [2]), 0, 1).links.tolist() == [2, 3]
    assert damage.residual_width_m[2] == pytest.approx(4.0)
    assert damage.capacity_factor[2] == pytest.approx(4 / 6)


def test_the_narrowest_place_counts_where_debris_and_a_crater_lie_on_one_street():
    settings = certain(debris__building_height_m={"residential": 9.0}, passing__crater_width_m=(0, 1.5, 0))
    damage = Damage(settings, 1, streets_in_a_row())
    damage.apply(impacts_at([120.0, 180.0], [12.0, 0.0], [2, 1]), 0, 2)
    assert damage.residual_width_m[2] == pytest.approx(6.0 - 2.0)
    assert damage.residual_walk_width_m[2] == pytest.approx(14.0 - 6.0)


def test_a_later_smaller_fall_does_not_shorten_the_reach_of_an_earlier_one():
    settings = certain(debris__building_height_m={"residential": 12.0}, debris__share_parallel=0.5)
    for seed in range(5):
        damage = Damage(settings, seed, streets_in_a_row())
        reach_m = np.zeros(2)
        impacts = impacts_at([150.0] * 20, [12.0] * 20, [2] * 20)
        for k in range(20):
            damage.apply(impacts, k, k + 1)
            assert (damage.debris_reach_m[1] >= reach_m).all()
            reach_m = damage.debris_reach_m[1].copy()
        assert reach_m == pytest.approx([8.0, 8.0])


def test_no_building_falls_onto_a_bridge():
    damage = Damage(certain(bridges__p_lost=(0, 0, 0)), 1, streets_in_a_row(is_bridge=[1]))
    assert damage.apply(impacts_at([150.0], [7.0], [2]), 0, 1).links.size == 0


def test_small_impacts_and_impacts_far_away_break_nothing():
    damage = Damage(DamageSettings(), 1, streets_in_a_row(), home_x_m=[150.0], home_y_m=[40.0])
    before = state(damage)
    impacts = impacts_at([150.0, 150.0, 1e6], [40.0, 200.0, 0.0], [0, 2, 2])
    changes = damage.apply(impacts, 0, 3)
    assert changes.links.size == changes.homes.size == 0
    assert all((a == b).all() for a, b in zip(before, state(damage), strict=True))


def test_a_bridge_that_is_hit_closes_for_everyone_and_no_crew_brings_it_back():
    settings = certain(crews__n_crews=3)
    damage = Damage(settings, 1, streets_in_a_row(is_bridge=[1]))
    damage.apply(impacts_at([150.0], [10.0], [2]), 0, 1)
    damage.advance(1e7)
    assert not damage.is_open_car[[2, 3]].any() and not damage.is_open_walk[[2, 3]].any()
    assert damage.opens_at_s([2, 4]).tolist() == [np.inf, 0.0]
    assert damage.is_open_car[[0, 1, 4, 5]].all()


def test_an_overpass_loses_lanes_and_then_all_of_them_on_the_dates_given():
    losses = ({"at_h": 5.0, "name": "street 1", "lanes_left": 1}, {"at_h": 22.5, "between": ("n2", "n1")})
    losses += ({"at_h": 1.0, "name": "Street 2", "lanes_left": 3},)
    losses += ({"at_h": 30.0, "name": "Street 0", "restored_h": 31.0, "walkers_pass": True},)
    damage = Damage(DamageSettings(dated_losses=losses), 1, streets_in_a_row())
    assert damage.advance(5 * 3600 - 1).tolist() == [4, 5]
    assert damage.capacity_factor[4] == 1.0
    assert damage.advance(5 * 3600).tolist() == [2, 3]
    assert damage.capacity_factor[2] == 0.5 and damage.is_open_car[2]
    damage.advance(22.5 * 3600)
    assert damage.capacity_factor[2] == 0.0 and not damage.is_open_car[3] and not damage.is_open_walk[2]
    damage.advance(30 * 3600)
    assert not damage.is_open_car[0] and damage.is_open_walk[0]
    assert damage.opens_at_s([0, 2]).tolist() == [31 * 3600, np.inf]
    assert damage.advance(40 * 3600).tolist() == [0, 1]
    assert damage.is_open_car[0] and damage.capacity_factor[0] == 1.0


def test_of_two_dated_losses_of_one_street_the_worse_counts_and_one_that_is_made_good_leaves_the_other():
    losses = ({"at_h": 0.0, "name": "street 1", "restored_h": 4.0}, {"at_h": 1.0, "name": "street 1", "lanes_left": 1})
    losses += ({"at_h": 2.0, "name": "street 1", "restored_h": 3.0, "walkers_pass": True},)
    damage = Damage(DamageSettings(dated_losses=losses), 1, streets_in_a_row())
    for hour in (0, 1, 2, 3):
        damage.advance(hour * 3600)
        assert not damage.is_open_car[2] and not damage.is_open_walk[2]
    assert damage.opens_at_s([2]).tolist() == [np.inf]
    assert damage.advance(4 * 3600).tolist() == [2, 3]
    assert damage.is_open_car[2] and damage.is_open_walk[2] and damage.capacity_factor[2] == 0.5


def test_a_crew_reopens_a_street_after_length_over_rate():
    settings = certain(debris__building_height_m={"residential": 21.0}, crews={"n_crews": 1, "clearing_m_per_h": 10})
    damage = Damage(settings, 1, streets_in_a_row())
    damage.apply(impacts_at([50.0, 250.0], [12.0, 12.0], [2, 2], [600.0, 700.0]), 0, 2)
    assert damage.opens_at_s([0, 4]).tolist() == [600 + 2 * 3600, np.inf]
    assert damage.advance(600 + 2 * 3600 - 1).size == 0
    assert damage.advance(600 + 2 * 3600).tolist() == [0, 1]
    assert damage.is_open_car[0] and damage.capacity_factor[0] == 1.0 and damage.residual_width_m[0] == 6.0
    assert damage.opens_at_s([4]).tolist() == [600 + 4 * 3600]
    damage.advance(600 + 4 * 3600)
    assert damage.is_open_car.all()


def test_streets_on_the_priority_list_are_cleared_first():
    crews = {"n_crews": 1, "clearing_m_per_h": 10, "priority": ("street 2",)}
    damage = Damage(certain(crews=crews), 1, streets_in_a_row())
    damage.apply(impacts_at([50.0, 150.0, 250.0], [12.0] * 3, [2] * 3, [1.0, 2.0, 3.0]), 0, 3)
    damage.advance(2 * 3600 + 10.0)
    assert np.isinf(damage.opens_at_s([2])[0])
    assert damage.opens_at_s([4])[0] == pytest.approx(1 + 4 * 3600)


@given_settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 12))
def test_damage_does_not_depend_on_how_time_is_cut_into_steps(seed, portions):
    rng = np.random.default_rng(seed)
    n = 40
    impacts = impacts_at(rng.uniform(0, 300, n), rng.uniform(-20, 20, n), rng.integers(0, 3, n),
                         np.sort(rng.uniform(0, 20_000, n)))  # fmt: skip
    settings = certain(crews__n_crews=2, passing__crater_width_m=(0.5, 2, 6), debris__p_collapse=(0, 0.2, 0.8))
    homes = rng.uniform(-30, 300, (2, 20))
    whole, split = (Damage(settings, seed, streets_in_a_row(), *homes, [100.0], [5.0]) for _ in range(2))
    whole.apply(impacts, 0, n)
    whole.advance(25_000.0)
    cuts = np.linspace(0, 25_000, portions + 1)[1:]
    first = 0
    for cut in cuts:
        last = int(np.searchsorted(impacts.time_s, cut))
        split.apply(impacts, first, last)
        split.advance(cut)
        first = last
    assert all((a == b).all() for a, b in zip(state(whole), state(split), strict=True))
    assert (whole.home_lost == split.home_lost).all() and (whole.shelter_lost == split.shelter_lost).all()
    assert (whole.opens_at_s(range(6)) == split.opens_at_s(range(6))).all()


def test_crews_change_nothing_of_what_falls():
    rng = np.random.default_rng(4)
    impacts = impacts_at(rng.uniform(0, 300, 200), rng.uniform(-20, 20, 200), rng.integers(0, 3, 200))
    idle, busy = (Damage(DamageSettings(crews={"n_crews": n}), 7, streets_in_a_row()) for n in (0, 3))
    fell = []
    for damage in (idle, busy):
        damage.apply(impacts, 0, 200)
        fell.append(damage._hits)
    assert fell[0].event.size > 10
    assert all((a == b).all() for a, b in zip(*fell, strict=True))
    assert (busy.debris_reach_m <= idle.debris_reach_m).all()


def test_the_links_reported_as_changed_are_those_that_did():
    rng = np.random.default_rng(3)
    impacts = impacts_at(rng.uniform(0, 300, 30), rng.uniform(-15, 15, 30), [2] * 30)
    damage = Damage(certain(debris__p_collapse=(0, 0, 0.3)), 2, streets_in_a_row())
    for k in range(30):
        before = np.array(state(damage))
        changes = damage.apply(impacts, k, k + 1)
        differs = np.flatnonzero((before != np.array(state(damage))).any(axis=0))
        assert set(differs.tolist()) <= set(changes.links.tolist())


def test_homes_and_shelters_near_an_impact_are_lost_in_the_shares_set():
    n = 3000
    x_m = np.arange(n) * 100.0
    settings = DamageSettings(buildings={"p_home_lost": (0, 0.3, 0.6), "p_shelter_lost": (0, 0.02, 0.1)})
    damage = Damage(settings, 6, streets_in_a_row(), x_m, np.full(n, 900.0), x_m, np.full(n, 900.0))
    changes = damage.apply(impacts_at(x_m, np.full(n, 905.0), [2] * n), 0, n)
    assert damage.home_lost.mean() == pytest.approx(0.6, abs=0.03)
    assert damage.shelter_lost.mean() == pytest.approx(0.1, abs=0.02)
    assert (changes.homes == np.flatnonzero(damage.home_lost)).all()
    assert (changes.shelters == np.flatnonzero(damage.shelter_lost)).all()
    again = damage.apply(impacts_at(x_m, np.full(n, 905.0), [2] * n, np.full(n, 1e6)), 0, n)
    assert again.homes.size == 0, "what is lost already is not lost again"


def test_heights_go_by_measurement_then_zone_then_class():
    settings = certain(debris__zone_building_height_m={"centre": 20.0}, debris__building_height_m={"residential": 9.0})
    zones = ["centre", "centre", "edge", "edge", "edge", "edge"]
    measured = [np.nan] * 4 + [33.0, 33.0]
    damage = Damage(settings, 1, streets_in_a_row(), zone_of_link=zones, building_height_m=measured)
    assert damage.building_height_m.tolist() == [20.0, 9.0, 33.0]


def test_crews_finish_what_falls_on_a_street_while_they_are_there():
    crews = ClearingCrews(1, 10.0, np.zeros(3, int))
    crews.add(0, 10.0, 0.0)
    crews.advance(1800.0)
    crews.add(0, 5.0, 1800.0)
    assert crews.advance(3600.0) == []
    assert crews.advance(9000.0) == [(5400.0, 0)]
    crews.advance(10_000.0)
    crews.add(2, 10.0, 10_000.0)
    assert crews.ends_s(2) == 13_600.0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dated_losses": ({"at_h": 1.0, "name": "Nowhere"},)}, r"dated_losses\[0\].*'Nowhere'"),
        ({"dated_losses": ({"at_h": 1.0, "between": ("n0", "n3")},)}, "no street joins the nodes 'n0' and 'n3'"),
        ({"crews": {"priority": ("Nowhere",)}}, "priority: no street is called 'Nowhere'"),
    ],
)
def test_places_that_the_map_does_not_have_are_refused_by_name(change, words):
    with pytest.raises(ScenarioError, match=words):
        Damage(DamageSettings(**change), 1, streets_in_a_row())


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        ({"at_h": 1.0}, "exactly one way"),
        ({"at_h": 1.0, "name": "a", "between": ("b", "c")}, "exactly one way"),
        ({"at_h": 2.0, "name": "a", "restored_h": 1.0}, "is not after"),
    ],
)
def test_a_dated_loss_that_makes_no_sense_is_refused(loss, words):
    with pytest.raises(ValidationError, match=words):
        DamageSettings(dated_losses=(loss,))


def test_time_does_not_run_backwards():
    damage = Damage(certain(), 1, streets_in_a_row())
    damage.advance(100.0)
    with pytest.raises(ValueError, match="give times that rise"):
        damage.advance(99.0)
    with pytest.raises(ValueError, match="give times that rise"):
        damage.apply(impacts_at([150.0], [12.0], [2], [50.0]), 0, 1)
