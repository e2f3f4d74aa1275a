"""The tables of a run agree with each other and with the model."""

import numpy as np
import pytest

from safepassage.agents.civilians import Injury, Protection, Status
from safepassage.model.evacuation import EvacuationModel

FIERCE = {"run.duration_h": 3.0, "shelling.sources.0.events_per_day": 6000, "harm.casualty_scale": 10.0}


def run(**changes):
    return EvacuationModel("tiny_town", **changes).run()


@pytest.fixture(scope="module", params=["as shipped", "under heavy shelling"])
def model(request):
    return run(**(FIERCE if request.param == "under heavy shelling" else {"run.duration_h": 3.0}))


@pytest.fixture(scope="module")
def frames(model):
    return {name: table.to_pandas() for name, table in model.recorder.tables().items()}


def test_every_row_of_the_time_series_adds_up_to_the_residents(frames, model):
    series = frames["timeseries"]
    n = len(model.people)
    assert (series[[f"n_{s.name.lower()}" for s in Status]].sum(axis=1) == n).all()
    n_injury = series[[f"n_injury_{i.name.lower()}" for i in Injury]].sum(axis=1)
    assert (n_injury == n).all()
    n_at_risk = series[[f"n_{p.name.lower()}_at_risk" for p in Protection]].sum(axis=1)
    assert (n_at_risk == n - series.n_safe - series.n_dead).all()


def test_the_last_row_of_the_time_series_is_the_table_of_persons(frames):
    last = frames["timeseries"].iloc[-1]
    for status in Status:
        assert last[f"n_{status.name.lower()}"] == (frames["persons"].status == status.name).sum()
    for injury in Injury:
        assert last[f"n_injury_{injury.name.lower()}"] == (frames["persons"].injury == injury.name).sum()


def test_the_time_series_starts_at_0_ends_with_the_run_and_is_evenly_spaced(frames, model):
    time_s = frames["timeseries"].time_s.to_numpy()
    assert time_s[0] == 0 and time_s[-1] == model.duration_s
    assert np.unique(np.diff(time_s)).tolist() == [model.settings.run.record_every_s]


def test_exits_count_those_who_were_alive_when_they_left(frames):
    persons, exits, last = frames["persons"], frames["exits"], frames["timeseries"].iloc[-1]
    for row in exits.itertuples():
        assert last[f"n_out_by_{row.exit}"] == row.n_persons
    n_safe = (persons.status == "SAFE").sum()
    died_later = (persons.status == "DEAD").sum()
    assert n_safe <= exits.n_persons.sum() <= n_safe + died_later
    assert (exits.n_walkers <= exits.n_persons).all() and (exits.n_cars >= 0).all()


def test_the_dead_are_a_status_and_an_injury_at_once_and_arrive_nowhere(frames):
    persons = frames["persons"]
    dead = persons[persons.status == "DEAD"]
    assert (dead.injury == "FATAL").all() and np.isinf(dead.safe_time_s).all()
    assert np.isfinite(persons[persons.injury != "NONE"].injury_time_s).all()
    assert np.isinf(persons[persons.injury == "NONE"].injury_time_s).all()


def test_the_safe_and_no_others_have_an_arrival_after_their_departure_after_their_decision(frames):
    persons = frames["persons"]
    safe = persons[persons.status == "SAFE"]
    assert len(safe) > 100
    assert np.isfinite(persons.safe_time_s).tolist() == (persons.status == "SAFE").tolist()
    assert (safe.departure_time_s < safe.safe_time_s).all()
    assert (safe.decision_time_s <= safe.departure_time_s).all()


def test_trips_that_arrived_carry_the_safe(frames):
    trips, persons = frames["trips"], frames["persons"]
    arrived = trips[np.isfinite(trips.arrival_time_s)]
    safe_homes = persons[persons.status == "SAFE"].household.unique()
    assert set(safe_homes) <= set(arrived.party)
    assert arrived.exit.notna().all() and trips[np.isinf(trips.arrival_time_s)].exit.isna().all()
    members = persons.groupby("household").size()
    assert (trips.n_persons.to_numpy() == members.loc[trips.party].to_numpy()).all()


def test_exposure_adds_up_to_the_time_spent_in_the_area(frames, model):
    exposure_person_h = frames["exposure"].exposure_person_h.sum()
    n, hours = len(model.people), model.duration_s / 3600
    safe = frames["persons"].safe_time_s.to_numpy()
    spent_h = (np.minimum(safe, model.duration_s) / 3600).sum()
    late_h = n * model.settings.run.step_s / 3600
    dead_h = (frames["persons"].status == "DEAD").sum() * hours
    assert spent_h - dead_h - 1e-6 <= exposure_person_h <= spent_h + late_h


def test_the_time_that_people_spend_in_the_area_does_not_depend_on_how_time_is_cut():
    calm = {"shelling.sources": [], "orders": [], "run.duration_h": 2}
    fine, coarse = run(**calm, **{"run.step_s": 7}), run(**calm, **{"run.step_s": 600})
    np.testing.assert_array_equal(fine.recorder.exposure_person_h, coarse.recorder.exposure_person_h)
    assert fine.resident_s == coarse.resident_s == 2 * 3600 * len(fine.people)
