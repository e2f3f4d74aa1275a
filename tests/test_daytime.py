"""By day: children at school, adults at work; households that fetch them, and an old relative, before they leave."""

from datetime import datetime, time

import numpy as np
import pytest

from safepassage.agents.civilians import Injury, Protection, Status
from safepassage.agents.households import Cause
from safepassage.agents.parties import Mode
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.people.pupils import hours_of
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.levers.daytime import Work
from safepassage.model.settings.run import Run
from safepassage.model.settings.scenario import InvalidScenario, load
from safepassage.model.story import Watch

HOUR_S = 3600.0
SCHOOL = {"name": "School", "latitude_deg": 45.004, "longitude_deg": -33.0}
DAY = {  # a Thursday
    "run.start": "2024-09-05T09:00", "run.duration_h": 6.0, "run.step_s": 300.0, "shelling.sources": [], "orders": [],
    "behaviour.coefficients.baseline_per_day": 0.0,
}  # fmt: skip
ORDER = {
    "behaviour.channels.phone.reach": 1.0, "behaviour.channels.phone.trust": 1.0, "behaviour.preparation_median_s": 600,
    "movement.lifts.share": 0.0,
}  # fmt: skip


def town(at_h=1.0, schools=(SCHOOL,), **keys):
    orders = [{"issued_h": at_h, "compliance": 1.0}] if at_h is not None else []
    return EvacuationModel("tiny_town", **{**DAY, **ORDER, "orders": orders, "daytime.schools": list(schools), **keys})


def pupils_by_household(model):
    """Return for each household the rows of its pupils."""
    rows = np.flatnonzero(model.population.pupils.school >= 0)
    return {int(h): rows[model.people.household[rows] == h] for h in np.unique(model.people.household[rows])}


@pytest.fixture(scope="module")
def morning():
    """Return a run in which everybody is ordered out at 10:00, with what was seen whenever somebody set out."""
    model, seen = town(), []
    set_out = model.population.set_out

    def watched(households, mode, now_s):
        departs_s = set_out(households, mode, now_s)
        missing = np.array([model.departures.day_places.is_without_child(households[k : k + 1], departs_s[k])[0]
                            for k in range(households.size)])  # fmt: skip
        seen.extend(zip(households.tolist(), missing.tolist(), departs_s.tolist(), strict=True))
        return departs_s

    model.population.set_out = watched
    while model.running:
        model.step()
        model.population.check(model.n_parties_on_streets)
        assert model.recorder.n_by_status.sum() == 2000
    return model, seen


def test_children_of_school_age_are_at_school_while_it_is_open_and_at_home_before_and_after():
    model = town(at_h=None)
    pupils, people = model.population.pupils, model.people
    of_age = (people.age >= 6) & (people.age <= 17)
    assert ((pupils.school == 0) == of_age).all() and of_age.sum() > 100
    for at_h, is_there in ((-1.0, False), (0.0, True), (4.9, True), (5.0, False)):
        assert (pupils.those_at_school(at_h * HOUR_S).size == of_age.sum()) == is_there


def test_school_is_out_on_weekends_and_holidays_and_all_year_if_holidays_last_all_year():
    week = Run(start=datetime(2024, 9, 5), duration_h=24 * 7)
    hours = hours_of(Work(from_time=time(8), until_time=time(14)), week, "UTC")
    assert (hours.start_s[:6] / HOUR_S).tolist() == [-16, 8, 32, 104, 128, 152]
    year = {"first_day": "2024-01-01", "last_day": "2024-12-31"}
    model = town(schools=[{**SCHOOL, "holidays": [year]}])
    assert model.population.pupils.hours[0].start_s.size == 0
    plain = town(schools=[])
    model.run(), plain.run()
    np.testing.assert_array_equal(model.households.departure_time_s, plain.households.departure_time_s)
    np.testing.assert_array_equal(model.parties.arrival_time_s, plain.parties.arrival_time_s)


def test_nobody_sets_out_without_a_child_and_all_are_fetched(morning):
    model, seen = morning
    assert len(seen) > 400 and not any(missing for _, missing, _ in seen)
    table = model.recorder.tables()["schools"].to_pandas().iloc[0]
    left = np.array([h for h, _, _ in seen])
    of_these = np.isin(model.people.household[model.population.pupils.school >= 0], left)
    assert table.n_pupils == (model.population.pupils.school >= 0).sum()
    assert table.n_fetched_or_sent_home >= of_these.sum() > 100


def test_an_order_at_ten_costs_the_way_to_school_and_back_and_one_at_six_in_the_evening_nothing(morning):
    """By hand: metres over the speed of the adult there, of the slowest child back, five minutes at the school."""
    model, seen = morning
    evening = town(at_h=9.0, **{"run.duration_h": 13.0}).run()
    departs_s = {h: at_s for h, _, at_s in seen}
    places, people, h = model.departures.day_places, model.people, model.households
    checked = 0
    for household, its in pupils_by_household(model).items():
        ready_s = h.decision_time_s[household] + h.preparation_s[household]
        if household not in departs_s or ready_s < HOUR_S or ready_s >= 5 * HOUR_S:
            continue
        rows = np.arange(h.first_person[household], h.first_person[household + 1])
        able = rows[(people.age[rows] >= 18) & (people.mobility[rows] != 2)]
        if able.size != 1:  # who goes is drawn
            continue
        there_m, back_m = places._way(household, 0, Mode.WALK)
        speed, slow = people.free_speed_m_s[able[0]], people.free_speed_m_s[its].min()
        on_foot_s = there_m / speed + back_m / min(speed, slow)
        by_car_s = sum(places._way(household, 0, Mode.CAR)) if h.has_car[household] else np.inf
        assert departs_s[household] == pytest.approx(ready_s + min(on_foot_s, by_car_s) + 300.0, abs=1e-6)
        checked += 1
    assert checked > 10
    assert evening.departures.day_places.waited_s.sum() == 0
    waited_h = places.waited_s.sum() / HOUR_S
    assert model.recorder.tables()["schools"].to_pandas()["waited_for_pupils_h"].iloc[0] == pytest.approx(waited_h)


def test_without_daytime_and_with_empty_daytime_nothing_moves():
    plain, empty = (EvacuationModel("tiny_town", **{"run.duration_h": 1.0, **keys}).run()
                    for keys in ({}, {"daytime.pickup_s": 60}))  # fmt: skip
    np.testing.assert_array_equal(plain.parties.arrival_time_s, empty.parties.arrival_time_s)
    assert "schools" not in plain.recorder.tables()


def test_a_household_that_cannot_reach_the_school_waits_until_it_is_over():
    """The bridge is out, and the school is across the river."""
    school = {**SCHOOL, "latitude_deg": 45.008}
    model = town(schools=[school], **{"run.duration_h": 7.0})
    ways, its = model.departures.day_places, pupils_by_household(model)
    for mode in (Mode.CAR, Mode.WALK):
        model.movement.ways.of[mode].is_open[:] = False
    cut = next(h for h in its if np.isinf(ways._way(h, 0, Mode.WALK)[0]))
    model.households.departure_time_s[cut] = HOUR_S
    assert ways.gather(np.array([cut]), HOUR_S).size == 0
    assert model.households.departure_time_s[cut] == HOUR_S + 900.0
    model.households.departure_time_s[cut] = 4.9 * HOUR_S
    assert ways.gather(np.array([cut]), 4.9 * HOUR_S).size == 0
    assert model.households.departure_time_s[cut] == 5 * HOUR_S
    assert ways.gather(np.array([cut]), 5 * HOUR_S).tolist() == [cut]


def test_where_no_adult_is_at_home_somebody_first_comes_from_work_or_the_children_come_home_by_themselves():
    model = town(at_h=None, **{"daytime.work.share": 1.0, "daytime.work.from_time": "08:00"})
    places, people, h = model.departures.day_places, model.people, model.households
    household, its = next((one, rows) for one, rows in pupils_by_household(model).items()
                          if not places._works[h.first_person[one]: h.first_person[one + 1]].all()
                          and places._works[people.household == one].sum() == 1
                          and (people.age[people.household == one] >= 18).sum() == 1)  # fmt: skip
    h.departure_time_s[household] = HOUR_S
    assert places.gather(np.array([household]), HOUR_S).size == 0
    worker = np.flatnonzero((people.household == household) & places._works)[0]
    there, back = places._way(household, 0, Mode.WALK)
    speed = people.free_speed_m_s[worker]
    trip_s = there / speed + back / min(speed, people.free_speed_m_s[its].min())
    if h.has_car[household]:
        trip_s = min(trip_s, sum(places._way(household, 0, Mode.CAR)))
    expected = HOUR_S + places._return_s[worker] + 300.0 + trip_s
    assert h.departure_time_s[household] == pytest.approx(expected)
    people.age[people.household == household] = 10  # nobody can go
    alone = town(at_h=None)
    rows = alone.people.household == household
    alone.people.age[rows] = 10
    alone.households.departure_time_s[household] = HOUR_S
    assert alone.departures.day_places.gather(np.array([household]), HOUR_S).size == 0
    assert alone.households.departure_time_s[household] == HOUR_S + 900.0


def test_a_school_that_sends_its_pupils_home_does_so_in_batches_and_saves_their_families_the_way():
    sends = [{"name": "School", "at_h": 0.5, "batch_size": 50, "every_s": 600}]
    model, plain = (town(**{"daytime.send_home": lever}) for lever in (sends, []))
    pupils = model.population.pupils
    free_s = np.sort(pupils.free_s[pupils.school >= 0])
    assert free_s[0] > 0.5 * HOUR_S and np.isfinite(free_s).all()
    assert free_s[-1] >= 0.5 * HOUR_S + 600 * ((free_s.size - 1) // 50)
    model.run(), plain.run()
    waited = [run.departures.day_places.waited_s.sum() for run in (model, plain)]
    assert waited[0] < waited[1]


def test_shells_on_the_school_hit_the_pupils_there_in_its_rooms_and_shells_on_their_homes_do_not():
    model = town(at_h=None, schools=[{**SCHOOL, "has_shelter": True}])
    pupils, people, now_s = model.population.pupils, model.people, HOUR_S
    at = float(pupils.x_m[0]), float(pupils.y_m[0])
    near = model.under_fire.whereabouts.people_near(*at, 1.0, now_s).person
    there = pupils.those_at_school(now_s)
    assert np.isin(there, near).all() and (np.bincount(near) <= 1).all()
    assert (pupils.protection(people.protection, now_s)[there] == Protection.BASEMENT).all()
    far = there[np.argmax(np.hypot(*(getattr(model.households, f"home_{c}_m")[people.household[there]] - at[k]
                                     for k, c in enumerate("xy"))))]  # fmt: skip
    home = people.household[far]
    here = model.households.home_x_m[home], model.households.home_y_m[home]
    assert far not in model.under_fire.whereabouts.people_near(*map(float, here), 1.0, now_s).person
    assert far in model.under_fire.whereabouts.people_near(*map(float, here), 1.0, 6 * HOUR_S).person
    model.movement.time_s = now_s
    assert model.under_fire.whereabouts.place_of(int(far)) == at


def test_a_wounded_pupil_whom_no_ambulance_reaches_is_looked_for_each_minute_since_school_begins_and_ends():
    model = town(at_h=None, **{"services.ambulances.n": 1})
    people, ambulances = model.people, model.services.ambulances
    model.step()
    model.movement.ways.of[Mode.CAR].road_news.meet(np.arange(model.streets.n_links), model.time_s)
    model.movement.talk()
    pupils = people.household[model.population.pupils.school >= 0]
    without = np.flatnonzero(~np.isin(people.household, pupils))[0]
    for person, is_each_minute in ((without, False), (np.flatnonzero(model.population.pupils.school >= 0)[0], True)):
        people.injury[person], people.injury_time_s[person] = Injury.SERIOUS, model.time_s
        ambulances.call(np.array([person]))
        ambulances.act(model.time_s)
        assert (ambulances.next_s == -np.inf) == is_each_minute


def test_guests_do_not_ride_off_with_neighbours_while_a_child_of_theirs_is_at_school():
    model = town(**{"movement.lifts.share": 1.0, "movement.lifts.reach_m": 500.0}).run()
    rode = np.flatnonzero(model.parties.mode == Mode.LIFT)
    pupils = model.population.pupils
    with_pupils = [h for h in rode.tolist() if (pupils.school[model.people.household == h] >= 0).any()]
    assert rode.size > 10 and with_pupils
    for household in with_pupils:
        free_s = pupils.free_s[(model.people.household == household) & (pupils.school >= 0)]
        departs_s = model.households.departure_time_s[household]
        assert (free_s <= departs_s).all() or departs_s >= 5 * HOUR_S


def test_an_old_relative_is_fetched_by_car_and_leaves_together_with_those_who_fetch():
    keys = {"daytime.share_with_relative": 1.0, "population.p_car": 0.6, "run.duration_h": 4.0}
    model = town(schools=[], **keys)
    hosts = np.flatnonzero(model.departures.day_places.relative >= 0)
    assert hosts.size > 20
    model.run()
    relative = model.departures.day_places.relative[hosts]
    rode = model.parties.rides_with[relative] == hosts
    out = np.isfinite(model.parties.arrival_time_s[hosts]) & (model.parties.mode[relative] == Mode.LIFT)
    assert out.sum() > 10 or rode.sum() > 10
    np.testing.assert_array_equal(model.parties.arrival_time_s[relative[out]], model.parties.arrival_time_s[hosts[out]])
    assert (model.departures.day_places.waited_s[hosts[out]] >= 300.0).all()
    assert (model.households.cause[relative[out]] != Cause.NONE).all()
    model.population.check(model.n_parties_on_streets)


def test_a_run_with_schools_goes_on_from_its_state_bit_for_bit(tmp_path):
    whole, halved = town(**{"run.duration_h": 3.0}).run(), town(**{"run.duration_h": 3.0})
    while halved.time_s < 1.4 * HOUR_S:
        halved.step()
    later = EvacuationModel.from_state(halved.save_state(tmp_path / "half")).run()
    np.testing.assert_array_equal(later.parties.arrival_time_s, whole.parties.arrival_time_s)
    np.testing.assert_array_equal(later.people.status, whole.people.status)
    assert (whole.people.status == Status.SAFE).any()


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"daytime.schools": [SCHOOL, SCHOOL]}, "'School' is named twice"),
        ({"daytime.schools": [{**SCHOOL, "until_time": "08:00"}]}, "until_time = 08:00 is not after from_time = 08:30"),
        ({"daytime.schools": [{**SCHOOL, "weekdays": [0]}]}, "weekdays holds 0"),
        ({"daytime.schools": [{**SCHOOL, "youngest": 9, "oldest": 6}]}, "oldest = 6 is below youngest = 9"),
        ({"daytime.schools": [SCHOOL], "daytime.send_home": [{"name": "Scool", "at_h": 1}]}, "no such school"),
        ({"daytime.send_home": [{"name": "School"}]}, "say when in one way"),
        ({"daytime.work.share": 2}, "less than or equal to 1"),
    ],
    ids=["twice", "backwards", "weekday", "ages", "misspelt", "no moment", "share"],
)
def test_schools_and_work_that_cannot_be_are_refused_with_key_and_change(keys, said):
    with pytest.raises(InvalidScenario) as refused:
        load("tiny_town", keys)
    assert said in str(refused.value)


def test_a_school_of_an_unknown_zone_or_off_the_map_is_refused_with_its_key():
    with pytest.raises(ScenarioError, match=r"daytime\.schools\.0\.zones: no zone is called 'Nowhere'"):
        town(schools=[{**SCHOOL, "zones": ["Nowhere"]}])
    with pytest.raises(ScenarioError, match=r"daytime\.schools\.0.*nearest street"):
        town(schools=[{**SCHOOL, "latitude_deg": 50.0}])


def test_children_of_one_zone_may_go_to_a_school_in_another():
    model = town(at_h=None)
    name = model.zones.name[0]
    other = town(at_h=None, schools=[{**SCHOOL, "zones": [name]}])
    its = other.population.pupils.school >= 0
    assert 0 < its.sum() < (model.population.pupils.school >= 0).sum()
    assert (other.households.zone[other.people.household[its]] == 0).all()


def test_a_household_tells_that_it_fetched_its_children():
    model = town(**{"run.duration_h": 3.0})
    watches = [Watch(model, household) for household in list(pupils_by_household(model))[:12]]
    while model.running:
        model.step()
        for watch in watches:
            watch.look(model)
    told = [" ".join(line.text for line in watch.lines) for watch in watches]
    waited = [model.departures.day_places.waited_s[watch.h] > 0 for watch in watches]
    assert [("All of them are together" in text) for text in told] == waited and any(waited)
