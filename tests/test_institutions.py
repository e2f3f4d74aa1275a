"""Institutions: who is in them, that they change nobody else, and how they are brought out in batches."""

import numpy as np
import pytest

from safepassage.agents.civilians import Mobility, Status
from safepassage.agents.vehicles import Task
from safepassage.model.draws import digest
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.results.metrics import values_of
from safepassage.model.results.run_folder import RunFolder
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.scenario import InvalidScenario, load

HOUR_S = 3600.0
HOME = {"name": "Care home", "kind": "care_home", "latitude_deg": 45.002, "longitude_deg": -33.002, "n_residents": 18,
        "n_staff": 4}  # fmt: skip
WARD = {"name": "Ward", "kind": "hospital", "latitude_deg": 45.004, "longitude_deg": -33.0, "n_residents": 8}
VANS = {"services.fleets": [{"name": "Vans", "n_vehicles": 3, "seats": 10, "serves": "door_to_door",
                             "hub_time_s": 600}]}  # fmt: skip
LEAVES = [{"name": "Care home", "at_h": 0.5, "every_s": 300}]
CALM = {"shelling.sources": [], "run.step_s": 300}


def tiny(**keys):
    return EvacuationModel("tiny_town", **{"institutions": [HOME], **CALM, **keys})


def test_an_institution_has_its_residents_and_staff_in_batches_at_its_place():
    model = tiny()
    h, people = model.households, model.people
    rows = np.flatnonzero(h.institution == 0)
    inside = np.isin(people.household, rows)
    assert len(people) == 2000 + 22 and inside.sum() == 22 and rows.tolist() == list(range(len(h) - 5, len(h)))
    assert h.n_members[rows].tolist() == [5, 5, 5, 5, 2]
    assert np.ptp(h.home_x_m[rows]) == 0 and not h.has_car[rows].any() and not h.can_walk[rows].any()
    old = people.age[inside] >= 65
    assert old.sum() == 18 and (people.mobility[inside][~old] == Mobility.UNIMPAIRED).all()
    assert 5 <= (people.mobility[inside] == Mobility.NEEDS_ASSISTANCE).sum() <= 17
    model.population.check(0)


def test_an_institution_changes_nobody_else_and_another_institution_changes_none_of_it():
    split = {"population.p_split": 0.5}
    town, one, two = tiny(institutions=[], **split), tiny(**split), tiny(institutions=[WARD, HOME], **split)
    assert town.households.stays_behind.any()
    n, n_people = len(town.households), len(town.people)
    for column in ("readiness", "leaving_threshold", "preparation_s", "has_car", "key", "keeps_curfew", "stays_behind"):
        np.testing.assert_array_equal(getattr(one.households, column)[:n], getattr(town.households, column))
    for column in ("age", "mobility", "free_speed_m_s"):
        np.testing.assert_array_equal(getattr(one.people, column)[:n_people], getattr(town.people, column))
        alone, beside = (m.people for m in (one, two))
        of_home = [m.households.institution[m.people.household] == row for m, row in ((one, 0), (two, 1))]
        np.testing.assert_array_equal(getattr(alone, column)[of_home[0]], getattr(beside, column)[of_home[1]])
    assert set(one.households.place_key[n:]) == {digest("institution", "Care home")}
    town.run(), one.run()
    np.testing.assert_array_equal(one.households.decision_time_s[:n], town.households.decision_time_s)
    np.testing.assert_array_equal(one.parties.arrival_time_s[:n], town.parties.arrival_time_s)


def test_nothing_moves_an_institution_that_is_not_brought_out(tmp_path):
    keys = {"behaviour.p_leave_after_impact": 1.0, "orders": [{"issued_h": 0, "compliance": 1.0}], **VANS}
    model = tiny(**keys, **{"shelling.sources": load("tiny_town").shelling.model_dump(mode="json")["sources"]}).run()
    inside = model.households.institution[model.people.household] == 0
    assert np.isin(model.people.status[inside], (Status.HOME, Status.SHELTERING, Status.DEAD)).all()
    assert values_of(RunFolder(model.save(tmp_path)))["in_institutions"] >= 15
    reasons = model.recorder.tables()["persons"].to_pandas().loc[inside, "reason"]
    assert reasons.str.contains("institution").mean() > 0.7


@pytest.fixture(scope="module")
def brought_out() -> EvacuationModel:
    """Return a run in which the care home is brought out by three vans."""
    return tiny(institutions_leave=LEAVES, **VANS).run()


def test_vans_fetch_the_batches_as_they_become_ready(brought_out):
    h = brought_out.households
    rows = np.flatnonzero(h.institution == 0)
    assert np.isfinite(brought_out.parties.arrival_time_s[rows]).all()
    assert (h.departure_time_s[rows] >= 0.5 * HOUR_S + 300 * np.arange(5)).all()
    row = brought_out.recorder.tables()["institutions"].to_pylist()[0]
    assert (row["n_residents"], row["n_staff"], row["n_out"], row["n_hurt"]) == (18, 4, 22, 0)
    assert row["last_out_s"] == brought_out.parties.arrival_time_s[rows].max()


def test_residents_are_no_more_than_the_beds_that_receive_them():
    for beds, n_batches in ((0, 0), (10, 2), (17, 4), (18, 5)):
        model = tiny(institutions_leave=[{**LEAVES[0], "beds": beds}], **VANS)
        planned = np.isfinite(model.households.departure_time_s[model.households.institution == 0])
        assert planned.tolist() == [True] * n_batches + [False] * (5 - n_batches)


def test_more_beds_never_reduce_those_who_are_out():
    out = []
    for beds in (8, 18):
        model = tiny(institutions_leave=[{**LEAVES[0], "beds": beds}], **VANS).run()
        out.append(np.isfinite(model.parties.arrival_time_s[model.households.institution == 0]))
    assert (out[0] <= out[1]).all() and out[0].sum() < out[1].sum()


def test_batches_that_come_first_are_fetched_before_households_that_have_waited_longer():
    last_s = []
    for comes_first in (True, False):
        leaves = [{**LEAVES[0], "comes_first": comes_first, "at_h": 2.0, "every_s": 0}]
        one_van = [{**VANS["services.fleets"][0], "n_vehicles": 1}]
        model = tiny(institutions_leave=leaves, **{"services.fleets": one_van, "movement.walk_out_limit_m": 0}).run()
        arrived_s = model.parties.arrival_time_s[model.households.institution == 0]
        last_s.append(np.sort(arrived_s)[0])
        assert any(vehicle.task != Task.LOST for vehicle in model.services.vehicles)
    assert last_s[0] < last_s[1]


def test_a_trigger_brings_an_institution_out():
    trigger = {"name": "gone", "share_left_below": 0.95, "known_after_h": 0}
    model = tiny(triggers=[trigger], institutions_leave=[{"name": "Care home", "after": "gone"}], **VANS).run()
    acts_s = model.authorities.triggers.acts_s["gone"]
    rows = np.flatnonzero(model.households.institution == 0)
    assert (model.households.decision_time_s[rows] == acts_s).all()
    assert np.isfinite(model.parties.arrival_time_s[rows]).any()


def test_a_plan_for_an_institution_that_a_scenario_without_any_lacks_does_nothing_and_says_so():
    model = tiny(institutions=[], institutions_leave=LEAVES)
    assert any("the scenario has no institutions, so nobody of 'Care home'" in line for line in model.report())


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"institutions": [HOME, HOME]}, "'Care home' is named twice"),
        ({"institutions_leave": [{"name": "School", "at_h": 1}]}, r"institutions_leave\.0\.name = 'School'"),
        ({"institutions_leave": [{"name": "Care home"}]}, "say when in one way"),
        ({"institutions_leave": [{"name": "Care home", "after": "x"}]}, r"institutions_leave\.0\.after = 'x'"),
        ({"institutions_leave": LEAVES}, "no fleet goes from door to door"),
        ({"institutions": [{**HOME, "latitude_deg": None, "longitude_deg": None, "node": "x"}]},
         r"institutions\.0: there is no node 'x'"),
        ({"institutions": [{**HOME, "batch_size": 18}], **VANS}, "the largest household takes"),
    ],
)  # fmt: skip
def test_institutions_that_cannot_be_meant_are_refused_by_their_place(keys, message):
    with pytest.raises((InvalidScenario, ScenarioError), match=message):
        tiny(**keys)


def test_an_institution_between_zones_belongs_to_the_nearest_and_the_run_says_so():
    model = tiny(institutions=[{**HOME, "latitude_deg": 45.0, "longitude_deg": -33.0}])
    said = [one for one in model.report() if "'Care home' stands in no zone" in one]
    assert len(said) == 1 and model.zones.name[model.households.zone[-1]] in said[0]
    assert not any("stands in no zone" in one for one in tiny().report())
