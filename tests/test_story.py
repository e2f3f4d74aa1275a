import pytest
from service_towns import ADULT, POINT, fleet, town_of

from safepassage.model.evacuation import EvacuationModel
from safepassage.model.results.reasons import WEIGHED
from safepassage.model.results.run_folder import open_run
from safepassage.model.settings.base import ScenarioError
from safepassage.model.story import tell


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return open_run(EvacuationModel("tiny_town", **{"run.duration_h": 3}).run().save(tmp_path_factory.mktemp("runs")))


def household_where(run, **wanted):
    persons = run.frame("persons")
    for name, value in wanted.items():
        persons = persons[persons[name] == value]
    return int(persons.household.iloc[0]), persons.iloc[0]


def test_a_household_that_drove_out_heard_decided_set_out_and_arrived_in_this_order(run):
    household, person = household_where(run, reason="out of the area by car")
    story = tell(run, household)
    text = " ".join(line.text for line in story)
    marks = [
        text.index(words)
        for words in ("live in", "Decided to leave", "Set out by car", "Out of the area", "At the end")
    ]
    assert marks == sorted(marks)
    assert [line.moment for line in story] == sorted(line.moment for line in story)
    arrival = next(line for line in story if line.text.startswith("Out of the area"))
    assert (arrival.moment - story[0].moment).total_seconds() == pytest.approx(person.safe_time_s, abs=1)


def test_who_takes_a_bus_at_a_stop_walks_waits_and_goes_on_in_this_order(tmp_path):
    changes = {"services.pickup_points": [POINT], "services.fleets": [fleet()]}
    run = open_run(EvacuationModel(town_of([[ADULT]], node="end"), **changes).run().save(tmp_path))
    texts = [line.text for line in tell(run, 0)]
    marks = [
        texts.index(words)
        for words in (
            "Set out on foot.",
            "They wait for a seat.",
            "They go on by bus.",
            "Out of the area by West, by bus.",
        )
    ]
    assert marks == sorted(marks)


def test_a_household_that_stays_tells_why(run):
    household, _ = household_where(run, reason=WEIGHED)
    story = tell(run, household)
    assert "times the pre-war mean" in story[0].text
    assert not any("Decided" in line.text for line in story)


def test_odds_come_with_what_counts(run):
    household, _ = household_where(run, has_car=False, status="HOME")
    assert any("(odds x" in line.text for line in tell(run, household))


def test_an_unknown_household_is_refused(run):
    with pytest.raises(ScenarioError, match="no household 5000"):
        tell(run, 5000)


def test_a_run_that_does_not_come_out_again_is_not_told(run, tmp_path):
    import json
    import shutil

    copy = tmp_path / "other"
    shutil.copytree(run.path, copy)
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["seed"] = 77
    (copy / "manifest.json").write_text(json.dumps(manifest))
    household, _ = household_where(run, reason="out of the area by car")
    with pytest.raises(ScenarioError, match="Run the scenario again"):
        tell(open_run(copy), household)
