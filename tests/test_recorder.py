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


def test_zones_add_up_to_the_persons(frames):
    zones, persons = frames["zones"].set_index("zone"), frames["persons"]
    assert zones.n_residents.to_dict() == persons.groupby("zone").size().to_dict()
    assert zones.n_safe.sum() == (persons.status == "SAFE").sum()
    n_safe = persons[persons.status == "SAFE"].groupby("zone").size()
    assert (zones.n_safe.loc[n_safe.index] == n_safe).all()


def test_impacts_are_those_that_fell_during_the_run_in_order(frames, model):
    impacts = frames["impacts"]
    assert len(impacts) == frames["timeseries"].n_impacts_so_far.iloc[-1] > 0
    assert impacts.time_s.is_monotonic_increasing and impacts.time_s.between(0, model.duration_s).all()
    assert set(impacts["size"]) <= {"S", "M", "L"}


def test_cars_that_passed_an_exit_passed_a_link_into_it(frames):
    links, exits = frames["links"], frames["exits"]
    for row in exits.itertuples():
        assert links[links.downstream == row.node].n_vehicles.sum() >= row.n_cars


def test_a_run_stopped_half_way_has_tables_up_to_there():
    model = EvacuationModel("tiny_town", **{"run.duration_h": 3.0})
    for _ in range(30):
        model.step()
    tables = model.recorder.tables()
    assert tables["timeseries"].to_pandas().time_s.max() <= 1800
    assert all(time_s < 1800 for time_s in tables["impacts"]["time_s"].to_pylist())


def test_heavy_shelling_was_heavy_enough_for_these_tests_to_mean_something():
    assert (run(**FIERCE).people.status == Status.DEAD).sum() >= 10
