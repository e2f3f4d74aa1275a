"""Truces and corridors: what does not fall, when a truce is violated, who leaves by slots, gathers and turns back."""

import csv
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import shapely

from safepassage.agents.civilians import Protection, Status
from safepassage.agents.parties import Mode
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.results.metrics import values_of
from safepassage.model.results.run_folder import RunFolder
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.levers.truces import TruceKeeping
from safepassage.model.settings.scenario import InvalidScenario

HOUR_S = 3600.0
MIDDLE = {"latitude_deg": 45.0, "longitude_deg": -33.0}
TRUCE = {"name": "Corridor", "from_time": "08:00", "until_time": "10:00", "n_slots": 4, "gather_before_s": 1800}
BY_CAR = {**TRUCE, "assembly": MIDDLE}
TOLD = [{"issued_h": 0.25, "compliance": 0.8, "truce": "Corridor"}]
NEAR = {"distances": [{"day": "2024-08-01", "distance_km": 0.5}]}


def tiny(truces, p_violated=0.0, **keys):
    settings = {"truces": truces, "truce_keeping.p_violated": p_violated, "run.step_s": 300, **keys}
    return EvacuationModel("tiny_town", **settings)


@pytest.fixture(scope="module")
def kept() -> EvacuationModel:
    """Return a run in which people left under a truce that was kept."""
    return tiny([BY_CAR], orders=TOLD).run()


@pytest.fixture(scope="module")
def broken() -> EvacuationModel:
    """Return the same run with the truce violated, and everybody turning back who can."""
    return tiny([BY_CAR], 1.0, orders=TOLD, **{"truce_keeping.p_turn_back": 1.0}).run()


def test_a_truce_leaves_every_draw_of_the_hazard_as_it_is_and_only_keeps_impacts_from_falling():
    without, with_truce = tiny([]), tiny([TRUCE])
    for column in ("time_s", "x_m", "y_m", "size", "cluster"):
        np.testing.assert_array_equal(getattr(without.impacts, column), getattr(with_truce.impacts, column))
    within = (without.impacts.time_s >= 2 * HOUR_S) & (without.impacts.time_s < 4 * HOUR_S)
    np.testing.assert_array_equal(with_truce.impacts.is_suspended, within)
    assert 0 < within.sum() < within.size
    with_truce.run()
    n = int((~within).sum())
    assert (
        with_truce.recorder.tables()["impacts"].num_rows
        == n
        == with_truce.recorder.tables()["timeseries"]["n_impacts_so_far"][-1].as_py()
    )


def test_a_truce_holds_only_in_its_zones_and_along_its_streets():
    model = tiny([])
    name = next(name for name in model.streets.link_name if name)
    zone = model.zones.name[0]
    by_zone, by_street = tiny([{**TRUCE, "zones": [zone]}]), tiny([{**TRUCE, "streets": [name], "within_m": 100}])
    within = by_zone.impacts.between(2 * HOUR_S, 4 * HOUR_S)
    inside = shapely.contains_xy(model.zones.outline[0], by_zone.impacts.x_m[within], by_zone.impacts.y_m[within])
    np.testing.assert_array_equal(by_zone.impacts.is_suspended[within], inside)
    assert 0 < inside.sum() < inside.size
    spared = by_street.truces.spares_links(3 * HOUR_S)
    named = np.array([one == name for one in by_street.streets.link_name])
    assert spared[named].all() and not spared.all()
    assert not by_street.truces.spares_links(5 * HOUR_S).any()


def test_whatever_truces_are_called_and_wherever_they_hold_the_same_days_are_violated():
    one = tiny([TRUCE], 0.5, **{"run.duration_h": 480})
    other = tiny([{**TRUCE, "name": "Other", "from_time": "09:00", "zones": [one.zones.name[0]]}], 0.5,
                 **{"run.duration_h": 480})  # fmt: skip
    is_broken = [[np.isfinite(window.broken_s) for window in model.truces.windows] for model in (one, other)]
    assert is_broken[0] == is_broken[1] and 0 < sum(is_broken[0]) < 20
    for window in one.truces.windows:
        assert window.broken_s == np.inf or window.start_s <= window.broken_s < window.end_s


def test_as_many_windows_are_violated_as_the_chance_says():
    windows = tiny([TRUCE], 0.3, **{"run.duration_h": 24 * 1000, "shelling.sources": []}).truces.windows
    share = np.mean([np.isfinite(window.broken_s) for window in windows])
    assert len(windows) == 1000 and abs(share - 0.3) < 0.05


def test_fewer_violations_never_raise_expected_casualties_with_paths_and_times_fixed():
    nobody_reacts = {"behaviour.p_leave_after_impact": 0, "harm.rooms.hearing_distance_m": 0,
                     "front": NEAR, "run.step_s": 600, "truce_keeping.p_turn_back": 0,
                     "drones.strikes_per_vehicle_minute": 0.02}  # fmt: skip
    for seed in (1, 2):
        expected = []
        for truces, p in (([BY_CAR], 0.0), ([BY_CAR], 0.4), ([BY_CAR], 1.0)):
            model = tiny(truces, p, orders=TOLD, **{**nobody_reacts, "run.seed": seed}).run()
            expected.append(model.under_fire.harm.expected.mean)
        assert expected[0] <= expected[1] + 1e-9 and expected[1] <= expected[2] + 1e-9
    assert expected[0] < expected[2]


def test_who_obeys_leaves_in_a_slot_of_the_window_and_not_before(kept):
    under = kept.departures.corridors.truce_of(np.arange(len(kept.households))) == 0
    drove = under & (kept.parties.mode == Mode.CAR)
    left_s = kept.households.departure_time_s[drove]
    told = kept.information.told[0]
    assert drove.sum() > 100 and told.believed_s[drove].min() < HOUR_S
    is_late = left_s > 3 * HOUR_S  # ready after the last slot of the only window
    assert set(np.round(left_s[~is_late] % 1800)) == {0} and left_s.min() == 1.5 * HOUR_S
    assert set(left_s[~is_late]) == {1.5 * HOUR_S + 1800 * k for k in range(4)} and is_late.mean() < 0.3


def test_who_gathers_by_car_stands_at_the_place_of_assembly_and_is_exposed_there():
    model = tiny([BY_CAR], orders=TOLD)
    seen = []

    def look(model):
        stop = next(stop for stop in model.services.stops if stop.is_assembly)
        if stop.waiting:
            x_m, y_m = stop.x_m, stop.y_m
            near = model.under_fire.whereabouts.people_near(x_m, y_m, 1.0, model.time_s).person
            gathered = np.isin(model.people.household, stop.waiting)
            assert gathered[near].sum() == stop.n_waiting == gathered.sum()
            assert (model.people.protection[gathered] == Protection.VEHICLE).all()
            seen.append(stop.n_waiting)

    model.run(on_step=look)
    assert max(seen) > 50 and not next(stop for stop in model.services.stops if stop.is_assembly).waiting


def test_people_turn_back_when_the_truce_is_violated_and_leave_in_the_next_window(broken):
    corridors = broken.departures.corridors
    assert corridors.n_turned_back[0] > 0
    at_s = broken.truces.windows[0].broken_s
    home = np.isfinite(broken.households.decision_time_s) & broken.population.is_at_home()
    assert (broken.households.departure_time_s[home] >= at_s).all() and home.sum() > 0
    again = tiny([BY_CAR], 1.0, orders=TOLD, **{"truce_keeping.p_turn_back": 1.0, "run.duration_h": 34, "run.seed": 1})
    is_kept = [window.broken_s == np.inf for window in again.truces.windows]
    assert is_kept == [False, False]
    again.run()
    assert corridors.n_set_out.sum() < again.departures.corridors.n_set_out.sum()


def test_nobody_is_lost_or_in_two_places_when_a_truce_is_violated(broken):
    broken.population.check(broken.n_parties_on_streets)
    assert Counter(broken.people.status.tolist()).total() == 2000


def test_drivers_who_turn_round_come_home_by_the_streets_and_keep_their_plan():
    truce = {**BY_CAR, "n_slots": 1, "gather_before_s": 0, "from_time": "06:30", "until_time": "06:40"}
    model = tiny([truce], 1.0, orders=[{"issued_h": 0, "compliance": 1.0, "truce": "Corridor"}],
                 **{"truce_keeping.p_turn_back": 1.0, "behaviour.preparation_median_s": 60, "run.duration_h": 25,
                    "shelling.sources": [], "streets.speed_factor": 0.1})  # fmt: skip
    bound = np.zeros(len(model.households), np.bool_)

    def look(model):
        bound[:] |= model.parties.is_bound_home

    while model.time_s < 2 * HOUR_S:
        model.step()
        look(model)
    came = bound & ~model.parties.is_on_way & np.isinf(model.parties.arrival_time_s)
    assert came.any() and set(model.households.departure_time_s[came]) == {24.5 * HOUR_S}
    assert (model.people.status[np.isin(model.people.household, np.flatnonzero(came))] < Status.TRAVELLING).all()


def test_the_table_and_the_report_say_what_became_of_each_window(kept, broken, tmp_path):
    for model, word in ((kept, "was kept"), (broken, "was violated")):
        assert any(f"Truce 'Corridor': the window of 2024-08-01 08:00 {word}" in line for line in model.report())
        found = values_of(RunFolder(model.save(tmp_path)))
        assert found["gathered"] > 0 and (found["turned_back"] > 0) == (model is broken)
    row = kept.recorder.tables()["truces"].to_pylist()[0]
    assert row["n_suspended"] == kept.impacts.is_suspended.sum() and row["broken_s"] == np.inf


def test_a_run_gone_on_with_from_its_state_meets_the_same_violation(broken, tmp_path):
    model = tiny([BY_CAR], 1.0, orders=TOLD, **{"truce_keeping.p_turn_back": 1.0})
    while model.time_s < 2 * HOUR_S:
        model.step()
    again = EvacuationModel.from_state(model.save_state(tmp_path / "state.npz")).run()
    np.testing.assert_array_equal(again.people.status, broken.people.status)
    np.testing.assert_array_equal(again.departures.corridors.n_turned_back, broken.departures.corridors.n_turned_back)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"truces": [TRUCE, TRUCE]}, "the name of two truces"),
        ({"truces": [TRUCE], "orders": [{"issued_h": 0, "truce": "Peace"}]}, r"orders\.0\.truce = 'Peace'"),
        ({"truces": [{**TRUCE, "zones": ["Nowhere"]}]}, r"truces\.0\.zones: there is no zone 'Nowhere'"),
        ({"truces": [{**TRUCE, "streets": ["No Such Street"]}]}, r"truces\.0\.streets: no street"),
        ({"truces": [{**TRUCE, "assembly": {"node": "nowhere"}}]}, r"truces\.0\.assembly: there is no node"),
    ],
)
def test_truces_that_cannot_be_meant_are_refused_by_their_place(keys, message):
    with pytest.raises((InvalidScenario, ScenarioError), match=message):
        EvacuationModel("tiny_town", **keys)


def test_the_chance_of_a_violation_is_that_of_the_counts_of_2022():
    if "SAFEPASSAGE_DATA" not in os.environ:
        pytest.skip("SAFEPASSAGE_DATA does not name the folder of the shared data")
    path = Path(os.environ["SAFEPASSAGE_DATA"]) / "conflict" / "humanitarian_corridors_2022_counts.csv"
    n: Counter = Counter()
    with open(path, encoding="utf-8") as opened:
        for row in csv.DictReader(opened):
            n[row["status_result"]] += int(row["corridors"])
    failed = n["unsuccessful/disrupted"] + n["disputed"]
    assert (n.total(), n["successful"], failed) == (282, 125, 12)
    assert TruceKeeping().p_violated == pytest.approx(failed / (failed + n["successful"]), abs=0.005)
