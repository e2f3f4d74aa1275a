"""Short rounds of the attacks of `python -m benchmarks attack`: every input is used, or refused with a message."""

import random
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parent.parent))

from benchmarks.attack import ATTACKS, attack, mutate
from benchmarks.attack.extremes import ConservationError, check_parties, check_seats, watched
from benchmarks.attack.files import TABLES, Tables
from benchmarks.attack.loop import Attack
from benchmarks.attack.sameness import OTHERWISE, digests
from benchmarks.attack.scenarios import SHORT, Scenarios
from safepassage.agents.civilians import Injury, Status
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.settings.errors import ScenarioError
from safepassage.model.settings.files.keys import keys
from safepassage.model.settings.scenario import load

TRIALS = {"scenarios": 100, "graphs": 20, "tables": 60, "folders": 30, "studies": 40, "extremes": 6}
TRIALS |= {"disks": 5, "kills": 1}
NOTHING_IS_REFUSED = ("extremes", "disks", "kills")


@pytest.mark.parametrize("kind", list(ATTACKS))
def test_hostile_input_is_used_or_refused_and_extreme_runs_lose_nobody(kind):
    counts = attack({kind: ATTACKS[kind]}, seconds=600.0, most=TRIALS[kind])[kind]
    assert not counts.found, counts.first
    assert counts.n == TRIALS[kind] and counts.n_used > 0 and counts.n_used + counts.n_refused == counts.n
    assert kind in NOTHING_IS_REFUSED or counts.n_refused > 0


def test_a_fault_is_told_with_the_number_that_repeats_it():
    class Faulty(Attack):
        def trial(self, chance, folder):
            if chance.random() < 0.5:
                raise ScenarioError("no")
            raise KeyError("x")

    counts = attack({"faulty": Faulty}, seconds=60.0, first=3, most=20)["faulty"]
    (kind,) = counts.found
    number, text = counts.first[kind]
    assert kind.startswith("KeyError") and counts.found[kind] + counts.n_refused == 20 and "KeyError: 'x'" in text
    again = attack({"faulty": Faulty}, seconds=60.0, first=number, most=1)["faulty"]
    assert again.found[kind] == 1


def test_a_trial_that_does_not_end_is_told_as_a_hang(monkeypatch):
    from benchmarks.attack import loop

    class Endless(Attack):
        def trial(self, chance, folder):
            while True:
                pass

    if not hasattr(loop.signal, "setitimer"):
        pytest.skip("this system has no alarm")
    monkeypatch.setattr(loop, "HANG_S", 0.2)
    counts = attack({"endless": Endless}, seconds=60.0, most=1)["endless"]
    assert [kind.split()[0] for kind in counts.found] == ["Hang"]


@pytest.mark.parametrize("fault", ["raised", "dead unhurt", "early", "twice aboard", "too many", "two places"])
def test_what_looks_after_people_sees_each_fault(fault):
    stop = {"name": "School", "latitude_deg": 45.0, "longitude_deg": -33.0}
    fleet = {"name": "Buses", "n_vehicles": 2, "seats": 50}
    changes = {"services.pickup_points": [stop], "services.fleets": [fleet], "shelling.sources": []}
    model = EvacuationModel("tiny_town", **changes, **{"run.duration_h": 0.1, "population.residents": 200})
    one, other = model.services.vehicles
    check_seats(model), check_parties(model)
    if fault in ("raised", "dead unhurt"):
        step = model.step

        def wrong_step():
            step()
            if fault == "raised":
                model.recorder.n_by_status[Status.DEAD] += 1
            else:
                model.people.status[0], model.people.injury[0] = Status.DEAD, Injury.NONE
                model.recorder.n_by_status[:] = np.bincount(model.people.status, minlength=len(Status))

        model.step = wrong_step
        with pytest.raises(ConservationError):
            watched(model)
        return
    if fault == "early":
        model.parties.arrival_time_s[0], model.households.departure_time_s[0] = 1.0, 2.0
        with pytest.raises(ConservationError, match="before leaving"):
            check_parties(model)
        return
    one.seats.aboard.append(0)
    if fault == "twice aboard":
        other.seats.aboard.append(0)
    elif fault == "too many":
        one.seats.n_taken = 51
    else:
        model.services.stops[0].waiting.append(0)
    with pytest.raises(ConservationError):
        check_seats(model)


def test_the_bits_of_a_run_do_not_depend_on_threads_hash_seed_language_time_zone_or_folder(tmp_path):
    folder = tmp_path / "a folder, à côté"
    folder.mkdir()
    env = {key: value for changes in OTHERWISE.values() for key, value in changes.items()}
    assert digests({}, tmp_path) == digests(env, folder)


@pytest.mark.parametrize("name", list(TABLES))
def test_the_tables_that_are_changed_are_right_before(tmp_path, name):
    Tables(tmp_path).use(name, TABLES[name][0].encode(), tmp_path)


def test_the_town_with_everything_says_something_in_every_section_and_runs(tmp_path):
    path = tmp_path / "town.yaml"
    path.write_text(Scenarios(tmp_path).texts[1], encoding="utf-8")
    scenario = load(path, SHORT)
    said = set(scenario.model_dump(exclude_unset=True))
    unsaid = {key.name.split(".")[0] for key in keys()} - said - {"movement", "harm", "notice", "plan"}
    assert not unsaid, "give these sections in benchmarks/attack/busy_town.yaml, so that their keys are tried too"
    EvacuationModel(scenario).run()


def test_a_trial_does_not_change_what_later_trials_are_made_of():
    chance, before = random.Random(1), repr(mutate.NASTY)
    for _ in range(3000):
        whole = {"a": [{"b": 1}], "c": mutate.value(chance)}
        for _ in range(3):
            mutate.nested(chance, whole)
    assert repr(mutate.NASTY) == before
