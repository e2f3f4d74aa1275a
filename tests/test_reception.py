"""Reception: beds beyond the exits, ways onward, who waits without one; known answers and properties."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safepassage.experiments.reports.pages import _beds
from safepassage.model.draws import Stream
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.pictures.curves import pictures_of
from safepassage.model.reception.beds import HAS_CHILDREN, Beds, Stay
from safepassage.model.results.metrics import values_of
from safepassage.model.results.run_folder import RunFolder, open_run
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.levers.reception import OnwardTransport, ReceptionPlace
from safepassage.model.settings.scenario import InvalidScenario, load

H = 3600.0
HALL = {"name": "Hall", "beds": 30, "road_h": 0.1,
        "onward": [{"to": "School", "by": "bus", "seats": 20, "every_h": 0.25, "journey_h": 0.5},
                   {"to": "School", "by": "car", "journey_h": 0.2}]}  # fmt: skip
SCHOOL = {"name": "School", "beds": 300, "comes_by": []}
TOWN = {"run.duration_h": 3, "reception.places": [HALL, SCHOOL], "reception.share_by_car": 0.5}


def place(name, beds, *onward, **more):
    return ReceptionPlace(name=name, beds=beds, onward=onward, **more)


def by(kind, to, **more):
    return OnwardTransport(to=to, by=kind, **({"seats": 10} if kind != "car" and "seats" not in more else {}), **more)


def engine(*places, n=40, kind=0):
    return Beds(places, np.linspace(0, 0.9, n), np.full(n, kind, np.int8))


def come(beds, n, time_h=0.0, to=0, drives=False, first=0):
    beds.advance(time_h * H)
    beds.come(np.arange(first, first + n), time_h * H, to, 0.0, drives)
    beds.advance(time_h * H)


def test_beds_are_given_first_come_first_served_and_the_rest_waits():
    beds = engine(place("A", 3))
    come(beds, 2)
    come(beds, 4, time_h=1, first=2)
    assert (beds.stay[:3] == Stay.IN_BED).all() and (beds.stay[3:6] == Stay.WAITING).all()
    assert beds.first_full_s[0] == H and beds.n_came[0] == 6
    assert beds.waited_person_h(3 * H)[0] == pytest.approx(6.0)


def test_a_bus_takes_as_many_on_as_it_has_seats_and_the_next_place_has_beds():
    beds = engine(place("A", 0, by("bus", "B", seats=4, first_h=1, every_h=2, journey_h=0.5)), place("B", 6))
    come(beds, 10)
    beds.advance(1.0 * H)
    assert beds.n_by_stay[Stay.COMING, 1] == 4 and beds.n_by_stay[Stay.WAITING, 0] == 6
    beds.advance(1.5 * H)
    assert beds.n_by_stay[Stay.IN_BED, 1] == 4
    beds.advance(9.0 * H)
    assert beds.n_by_stay[Stay.IN_BED, 1] == 6 and beds.n_by_stay[Stay.WAITING, 0] == 4, "two beds for the second bus"
    assert beds.n_sent_onward[0] == 6 and beds.first_full_s[1] == 3 * H


def test_a_bus_is_not_missed_if_somebody_reaches_a_bed_just_as_it_leaves():
    """Every 1.1 h, as long as the journey: the sum of four is rounded up, and that bus once left without anybody."""
    beds = engine(place("A", 1, by("bus", "B", seats=1, first_h=1.1, every_h=1.1, journey_h=1.1)), place("B", 50))
    come(beds, 8)
    sent = []
    for run in range(7):
        beds.advance((1.1 * (run + 1) + 0.01) * H)
        sent.append(int(beds.n_sent_onward[0]))
    assert sent == [1, 2, 3, 4, 5, 6, 7]


def test_whoever_has_a_car_drives_on_at_once_and_the_others_wait():
    beds = engine(place("A", 1, by("car", "B", journey_h=2)), place("B", 5))
    come(beds, 3)
    come(beds, 3, time_h=0.5, drives=True, first=3)
    assert beds.n_by_stay[Stay.WAITING, 0] == 2 and beds.n_by_stay[Stay.COMING, 1] == 3
    beds.advance(2.5 * H)
    assert beds.n_by_stay[Stay.IN_BED].tolist() == [1, 3, 0]


def test_nobody_gets_a_bed_before_a_place_opens_and_none_at_all_if_that_is_after_the_run():
    beds = engine(place("A", 2, opens_h=5), place("B", 2, opens_h=1e6))
    come(beds, 1)
    come(beds, 1, to=1, first=1)
    assert beds.n_by_stay[Stay.WAITING].tolist() == [1, 1, 0]
    beds.advance(48 * H)
    assert beds.stay[0] == Stay.IN_BED and beds.stay[1] == Stay.WAITING
    assert beds.waited_person_h(48 * H)[:2] == pytest.approx([5, 48])


def test_a_bed_is_free_again_when_the_stay_is_over_or_somebody_goes_home():
    beds = engine(place("A", 1, stay_h=10))
    come(beds, 3)
    beds.advance(10 * H)
    assert beds.stay[:3].tolist() == [Stay.OWN, Stay.IN_BED, Stay.WAITING]
    beds.advance(12 * H)
    beds.leave(np.array([1]), 12 * H)
    assert beds.stay[:3].tolist() == [Stay.OWN, Stay.NOT_OUT, Stay.IN_BED]
    beds.advance(100 * H)
    assert beds.n_free[0] == 1 and beds.n_by_stay[Stay.OWN].sum() == 2


def test_a_place_for_families_takes_nobody_else():
    beds = engine(place("A", 0, by("bus", "B")), place("B", 9, takes="families_with_children"))
    come(beds, 3)
    family = engine(place("A", 0, by("bus", "B")), place("B", 9, takes="families_with_children"), kind=HAS_CHILDREN)
    come(family, 3)
    for one in (beds, family):
        one.advance(24 * H)
    assert beds.n_by_stay[Stay.WAITING, 0] == 3 and family.n_by_stay[Stay.IN_BED, 1] == 3


NAMES = "ABC"
onward = st.tuples(st.sampled_from(["bus", "train", "car"]), st.sampled_from(NAMES), st.sampled_from([1, 3]),
                   st.sampled_from([0.5, 3.0]), st.sampled_from([0.0, 1.0]))  # fmt: skip
town = st.lists(
    st.tuples(st.integers(0, 6), st.sampled_from([0.0, 4.0]), st.lists(onward, max_size=2)), min_size=3, max_size=3
)
arrivals = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 2), st.booleans()), min_size=1, max_size=25)


def places_of(drawn, stay_h=None):
    found = []
    for name, (n_beds, opens_h, ways) in zip(NAMES, drawn, strict=True):
        onward = [by(kind, to, every_h=every, journey_h=journey, **({} if kind == "car" else {"seats": seats}))
                  for kind, to, seats, every, journey in ways if to != name]  # fmt: skip
        found.append(place(name, n_beds, *onward, opens_h=opens_h, stay_h=stay_h))
    return found


def run_through(places, drawn, until_h, cuts=()):
    beds = Beds(tuple(places), np.linspace(0, 0.9, len(drawn)), np.zeros(len(drawn), np.int8))
    moments = sorted([(time_h, 0, row) for row, (time_h, *_) in enumerate(drawn)] + [(cut, 1, -1) for cut in cuts])
    for time_h, is_cut, row in moments:
        beds.advance(time_h * H)
        if not is_cut:
            beds.come(np.array([row]), time_h * H, drawn[row][1], 600.0, drawn[row][2])
    beds.advance(until_h * H)
    return beds


@settings(max_examples=150, deadline=None)
@given(town, arrivals, st.integers(0, 2), st.sampled_from([1, 3]), st.sampled_from([1, 5, 12]))
def test_more_beds_never_reduce_beds_used(drawn, who, where, more, until_h):
    """For whatever ways onward: with the same people at the same moments and beds kept until the end."""
    places = places_of(drawn)
    more_places = [one.model_copy(update={"beds": one.beds + more * (row == where)}) for row, one in enumerate(places)]
    few, many = (run_through(one, who, until_h) for one in (places, more_places))
    used = [sum(p.beds for p in one.places) - int(one.n_free.sum()) for one in (few, many)]
    assert used[0] <= used[1] <= used[0] + more
    assert few.n_got_bed.sum() <= many.n_got_bed.sum()


@settings(max_examples=60, deadline=None)
@given(town, arrivals, st.lists(st.integers(0, 12), max_size=6), st.sampled_from([None, 2.0]))
def test_what_happens_does_not_depend_on_when_it_is_looked_at(drawn, who, cuts, stay_h):
    places = places_of(drawn, stay_h)
    once, often = run_through(places, who, 12), run_through(places, who, 12, cuts)
    assert (once.stay == often.stay).all() and (once.place == often.place).all()
    assert once.waited_person_h(12 * H) == pytest.approx(often.waited_person_h(12 * H))


@settings(max_examples=60, deadline=None)
@given(town, arrivals, st.sampled_from([None, 2.0]))
def test_everybody_is_in_one_place_and_no_bed_is_given_twice(drawn, who, stay_h):
    beds = run_through(places_of(drawn, stay_h), who, 12)
    assert beds.n_by_stay.sum() == len(who) and (beds.n_by_stay >= 0).all() and (beds.n_free >= 0).all()
    for row, one in enumerate(beds.places):
        kept = np.sum((beds.place == row) & [beds._has_bed(k) for k in range(len(who))])
        assert kept == one.beds - beds.n_free[row]
    assert beds.n_by_stay.tolist() == [
        [int(((beds.stay == stay) & (beds.place == row)).sum()) if stay else 0 for row in (0, 1, 2, -1)]
        for stay in Stay
    ]


def test_one_place_agrees_with_a_naive_count_minute_by_minute():
    rng = np.random.default_rng(3)
    came_min = np.sort(rng.integers(0, 600, 60))
    beds = Beds((place("A", 12, stay_h=2),), np.linspace(0, 0.9, 60), np.zeros(60, np.int8))
    for k, minute in enumerate(came_min.tolist()):
        beds.advance(minute * 60.0)
        beds.come(np.array([k]), minute * 60.0, 0, 0.0, False)
    beds.advance(600 * 60.0)
    free, waiting, ends, person_min = 12, 0, [], 0
    for minute in range(601):
        free += ends.count(minute)
        waiting += int((came_min == minute).sum())
        taken = min(free, waiting)
        ends += [minute + 120] * taken
        free, waiting = free - taken, waiting - taken
        person_min += waiting if minute < 600 else 0
    assert beds.n_by_stay[Stay.WAITING, 0] == waiting and beds.n_free[0] == free
    assert beds.waited_person_h(600 * 60.0)[0] == pytest.approx(person_min / 60)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Return Tiny Town with a hall and a school, run for three hours, and its folder."""
    model = EvacuationModel("tiny_town", **TOWN).run()
    return model, open_run(model.save(tmp_path_factory.mktemp("runs")))


def test_everybody_who_is_out_is_counted_once_at_each_moment(ran):
    _, run = ran
    table = run.frame("reception")
    columns = ["n_in_bed", "n_coming", "n_waiting", "n_own_arrangement"]
    assert table.groupby("time_s")[columns].sum().sum(axis=1).tolist() == run.frame("timeseries")["n_safe"].tolist()
    assert table["n_in_bed"].max() > 0 and table["n_waiting"].max() > 0 and table["n_own_arrangement"].max() > 0


def test_outcomes_are_those_of_the_tables(ran):
    _, run = ran
    found, last = values_of(run), run.frame("reception").groupby("place")[["n_in_bed", "n_waiting"]].last()
    assert found["beds_used"] >= last["n_in_bed"].sum() and found["without_bed"] == last["n_waiting"].sum()
    assert found["first_place_full"] * H == run.frame("reception_places")["first_full_s"].min()
    assert found["sent_onward"] > 0 and found["given_bed"] == found["beds_used"]


def test_the_page_of_a_run_has_its_reception_places_and_that_of_a_run_without_them_has_none(ran):
    _, run = ran
    (table,) = _beds(run)[0].tables
    assert [row[:2] for row in table.rows] == [["Hall", "30"], ["School", "300"]]
    without = RunFolder(run.path.parent)
    assert _beds(without) == [] and "reception" not in pictures_of(without) and "reception" in pictures_of(run)


def test_reception_changes_nothing_in_the_town(ran):
    model, _ = ran
    without = EvacuationModel("tiny_town", **{"run.duration_h": 3}).run()
    assert without.recorder.tables()["timeseries"] == model.recorder.tables()["timeseries"]
    assert without.population.ledger is None and "reception" not in without.recorder.tables()


def test_adding_a_place_changes_nobodys_draws(ran):
    model, _ = ran
    more = [{"name": "Tent", "beds": 5, "comes_by": []}, *TOWN["reception.places"]]
    with_tent = EvacuationModel("tiny_town", **{**TOWN, "reception.places": more})
    one, other = model.recorder.reception, with_tent.recorder.reception
    assert (one._u_seeks == other._u_seeks).all() and (one._order == other._order).all()
    with_tent.run()
    assert (other.beds.stay == one.beds.stay).all(), "nobody goes to the tent, so nobody does anything else"
    assert Stream.RECEPTION == 40


def test_more_beds_in_the_town_serve_more_people_out_at_the_same_moments(ran):
    model, _ = ran
    used = []
    for n_beds in (0, 30, 200, 5000):
        hall = {**HALL, "beds": n_beds}
        more = EvacuationModel("tiny_town", **{**TOWN, "reception.places": [hall, SCHOOL]}).run()
        beds = more.recorder.reception.beds
        used.append(n_beds + 300 - int(beds.n_free.sum()))
        assert beds.n_by_stay[Stay.OWN].sum() == model.recorder.reception.beds.n_by_stay[Stay.OWN].sum()
    assert all(fewer <= more for fewer, more in pairwise(used)) and used[-1] > used[0]


def test_a_saved_run_goes_on_with_the_same_beds(ran, tmp_path):
    model, _ = ran
    half = EvacuationModel("tiny_town", **TOWN)
    while half.time_s < 1.5 * H:
        half.step()
    half.save_state(tmp_path / "state.npz")
    again = EvacuationModel.from_state(tmp_path / "state.npz").run()
    assert again.recorder.tables()["reception"] == model.recorder.tables()["reception"]


@pytest.mark.parametrize(("change", "words"), [
    ({"beds": -1}, "reception.places.0.beds = -1: should be greater than or equal to 0"),
    ({"beds": float("nan")}, "reception.places.0.beds = nan"),
    ({"beds": 1e300}, "larger than anything here can be"),
    ({"beds": 1.5}, "reception.places.0.beds = 1.5"),
    ({"opens_h": -1}, "reception.places.0.opens_h = -1"),
    ({"onward": [{"to": "Hall", "by": "car"}]}, "a place sends nobody on to itself"),
    ({"onward": [{"to": "Nowhere", "by": "car"}]}, "places.0.onward.0.to = 'Nowhere': there is no such place"),
    ({"onward": [{"to": "School", "by": "bus"}]}, "give seats to a bus or train"),
    ({"onward": [{"to": "School", "by": "bus", "seats": 5, "every_h": 1e-300}]}, "every_h = 1e-300"),
    ({"name": "School"}, "'School' is the name of two reception places"),
    ({"latitude_deg": 48.0}, "give latitude_deg together with longitude_deg"),
    ({"bedz": 5}, "did you mean beds?"),
], ids=["less", "nan", "huge", "half", "opens", "itself", "unknown", "seats", "often", "twice", "where", "typo"]
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_key_value_and_change(change, words):
    with pytest.raises(InvalidScenario) as error:
        load("tiny_town", {"reception.places": [{**HALL, **change}, SCHOOL]})
    assert words in str(error.value) and "--set" in str(error.value)


def test_a_place_behind_no_exit_of_the_town_is_refused_with_those_that_there_are():
    with pytest.raises(ScenarioError, match=r"reception\.places\.0\.exits: 'Hall' is to lie behind 'Moon'.*There are "):
        EvacuationModel("tiny_town", **{"reception.places": [{**HALL, "exits": ["Moon"]}, SCHOOL]})


def test_a_place_at_the_other_end_of_the_earth_is_refused_with_its_degrees():
    far = {"name": "Hall", "beds": 5, "longitude_deg": 45.0, "latitude_deg": -33.0}
    with pytest.raises(ScenarioError, match="'Hall' at longitude_deg 45, latitude_deg -33 is more than 1,500 km"):
        EvacuationModel("tiny_town", **{"reception.places": [far]})


def test_the_report_names_a_place_to_which_nobody_comes():
    """Of two places as near, everybody comes to one: they do not know which is full."""
    town = EvacuationModel("tiny_town", **{"reception.places": [{"name": "B", "beds": 5}, {"name": "A", "beds": 5}]})
    (line,) = [line for line in town.report() if "nobody comes to" in line]
    assert line.startswith("reception.places.0: nobody comes to 'B'")


def test_a_plan_may_change_places_and_not_who_looks_for_a_bed(tmp_path):
    plan = tmp_path / "plan.yaml"
    plan.write_text("name: beds\nreception:\n  places:\n    - {name: Hall, beds: 4}\n", encoding="utf-8")
    assert load("tiny_town", plan=plan).reception.places[0].beds == 4
    plan.write_text("name: beds\nreception:\n  share_by_car: 0.0\n", encoding="utf-8")
    with pytest.raises(InvalidScenario, match="a plan changes only what protects people"):
        load("tiny_town", plan=plan)


def test_a_place_without_a_way_onward_is_named_in_the_report(ran):
    model, _ = ran
    town = EvacuationModel("tiny_town", **{"reception.places": [{**SCHOOL, "comes_by": ["car"]}]})
    assert any("'School' has no way onward" in line for line in town.report())
    assert not any("no way onward" in line for line in model.report())
