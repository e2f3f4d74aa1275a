"""Cold: hours outside, homes without heating, warm places; what they do to people and to decisions."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safepassage.agents.civilians import Injury, Status
from safepassage.agents.parties import Mode
from safepassage.agents.rules import cold
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.harm.cold import NOBODY
from safepassage.model.harm.cold_books import ColdHarm
from safepassage.model.results.metrics import values_of
from safepassage.model.results.outcomes import OUTCOMES
from safepassage.model.results.run_folder import RunFolder
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.scenario import InvalidScenario, load
from safepassage.model.story import Watch

HOUR_S, DAY_S = 3600.0, 86400.0
WINTER = {
    "weather.source": "a test", "weather.monthly_mean_c": [-10.0] * 12, "run.start": "2024-01-10T06:00",
    "shelling.sources": [], "orders": [], "run.step_s": 3600.0, "behaviour.coefficients.baseline_per_day": 0.0,
    "behaviour.loss_shock.gas_per_day": 0.0, "behaviour.loss_shock.power_per_day": 0.0,
}  # fmt: skip
NO_GAS = [{"utility": "gas", "at_h": 2}]
SCHOOL = {"name": "School", "latitude_deg": 45.0, "longitude_deg": -33.0, "capacity": 200, "reach_m": 5000}


def town(**keys):
    return EvacuationModel("tiny_town", **{**WINTER, **keys})


def lacking_by_small_steps(indoor_c, towards_c, hours, cooling_h, needed_c, n=20_000):
    """Return the degree-hours below what is needed, summed over small steps: the slow and plain twin."""
    total, step_h = 0.0, hours / n
    for k in range(n):
        now_c = towards_c + (indoor_c - towards_c) * np.exp(-(k + 0.5) * step_h / cooling_h)
        total += max(0.0, needed_c - now_c) * step_h
    return total


@pytest.mark.parametrize(
    "case",
    [(20, -7, 48, 40, 18), (20, 19, 48, 40, 18), (5, 30, 48, 40, 18), (5, 10, 12, 40, 18), (18, 18, 5, 40, 18),
     (20, 18, 100, 3, 18)],
    ids=["cools through", "stays warm", "warms through", "stays cold", "as needed", "never quite below"],
)  # fmt: skip
def test_what_a_home_lacks_agrees_with_a_sum_over_small_steps(case):
    assert float(cold.lacking_degree_h(*case)) == pytest.approx(lacking_by_small_steps(*case), rel=1e-3, abs=1e-6)


def test_a_home_without_heating_has_lost_63_percent_of_the_difference_after_the_cooling_time():
    assert float(cold.cooled_c(20.0, -10.0, 40.0, 40.0)) == pytest.approx(-10 + 30 / np.e)


@settings(max_examples=40, deadline=None)
@given(st.floats(-30, 25), st.floats(-40, 25), st.floats(0, 20), st.floats(0.01, 300), st.floats(1, 200))
def test_a_home_lacks_no_more_in_warmer_air_nor_when_it_was_warmer_before(indoor, towards, more, hours, cooling_h):
    colder = cold.lacking_degree_h(indoor, towards, hours, cooling_h, 18.0)
    assert cold.lacking_degree_h(indoor, towards + more, hours, cooling_h, 18.0) <= colder + 1e-6
    assert cold.lacking_degree_h(indoor + more, towards, hours, cooling_h, 18.0) <= colder + 1e-6


def outside_by_minutes(person, from_s, since_s, until_s, spared_s, factor, rate, is_cold, step_s):
    """Return (dose, hours in the cold) of a person, summed over minutes: the slow and plain twin of `outside`."""
    dose = cold_h = 0.0
    for minute in np.arange(from_s[person], until_s, 60.0):
        row = int((minute + 30.0) // step_s)
        cold_h += is_cold[row] / 60.0
        if minute >= since_s[person] + spared_s:
            dose += factor[person] * rate[row] / 60.0
    return dose, cold_h


def test_time_outside_agrees_with_a_sum_over_minutes():
    rng = np.random.default_rng(3)
    rate, is_cold = rng.random(30), rng.integers(0, 2, 30).astype(float)
    tables = (np.concatenate(([0.0], np.cumsum(column))) for column in (rate, is_cold))
    n = 8
    charged_s = rng.integers(0, 900, n) * 60.0
    since_s, factor = charged_s - rng.integers(0, 40, n) * 60.0, rng.random(n)
    until_s, person, before_s = 1500 * 60.0, np.arange(0, n, 2), charged_s.copy()
    dose, cold_h = np.zeros(n), np.zeros(n)
    cold.outside(dose, cold_h, person, charged_s, since_s, until_s, 1800.0, factor, *tables, HOUR_S)
    for i in range(n):
        wanted = outside_by_minutes(i, before_s, since_s, until_s, 1800.0, factor, rate, is_cold, HOUR_S)
        assert (dose[i], cold_h[i]) == pytest.approx(wanted if i in person else (0.0, 0.0))
    assert (charged_s[person] == until_s).all()


def places_by_hand(n, person, first, near, room):
    """Return who gets which place: the plain twin of `take_places`."""
    place, left = dict.fromkeys(range(n), -1), list(room)
    for k, one in enumerate(person):
        for choice in near[first[k] : first[k + 1]]:
            if left[choice] > 0:
                left[choice] -= 1
                place[one] = choice
                break
    return [place[one] for one in range(n)]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_places_are_given_out_as_by_hand_and_one_more_takes_nobodys_away(seed):
    rng = np.random.default_rng(seed)
    n, n_places = 12, 4
    person = rng.permutation(n)[:9]
    near = [rng.permutation(n_places)[: rng.integers(0, n_places + 1)] for _ in person]
    room = rng.integers(0, 4, n_places)
    served = []
    for without in (0, None):  # place 0 is the one more
        kept = [row[row != without] for row in near]
        first = np.concatenate(([0], np.cumsum([len(row) for row in kept])))
        flat = np.concatenate([*kept, np.empty(0)]).astype(np.int64)
        place = np.full(n, -1, np.int64)
        cold.take_places(place, person, first, flat, room.copy())
        assert place.tolist() == places_by_hand(n, person, first, flat, room)
        served.append(place >= 0)
    assert (served[0] <= served[1]).all()


def test_homes_that_the_gas_heats_cool_as_computed_by_hand_and_the_others_stay_warm():
    model = town(**{"damage.utility_losses": NO_GAS, "run.duration_h": 42.0, "cold.homes.cooling_h": 40.0}).run()
    winter, h = model.under_fire.winter, model.households
    assert winter.indoors.temperature_c[0] == pytest.approx(-7 + 27 * np.exp(-1), abs=0.02)
    assert (winter.indoors.temperature_c[1] == 20.0).all()
    days = model.recorder.tables()["cold_days"].to_pandas()
    assert days["n_homes_without_heat"].max() == (winter.heated_by == 0).sum()
    assert days["coldest_home_c"].min() == winter.indoors.temperature_c[0].min()
    assert model.information.lacks_c[winter.heated_by == 0] == pytest.approx(18 - (-7 + 27 / np.e), abs=0.02)
    assert (model.information.lacks_c[winter.heated_by != 0] == 0).all()
    assert 0.5 < (winter.heated_by == 0).mean() < 0.7 and len(h) == winter.heated_by.size


def test_the_danger_of_old_people_at_home_is_their_death_rate_times_the_degrees_that_are_lacking():
    model = town(**{"damage.utility_losses": [{"utility": "gas", "at_h": 0}], "run.duration_h": 48.0}).run()
    winter, people = model.under_fire.winter, model.people
    lacked = float(cold.lacking_degree_h(20.0, -7.0, 48.0, 40.0, 18.0))
    for age, per_year in ((70, 0.035), (80, 0.09), (55, 0.013), (30, 0.0)):
        rows = np.flatnonzero((abs(people.age - age) <= 3) & (winter.heated_by[people.household] == 0))
        assert rows.size
        assert winter.dose[rows] == pytest.approx(per_year / (365.25 * 24) * 0.0215 * lacked, rel=0.01)


def test_mild_days_and_heat_that_works_harm_nobody():
    summer = {"weather.monthly_mean_c": [9.0] * 12, "damage.utility_losses": NO_GAS, "run.duration_h": 48.0}
    assert str(town(**summer).run().under_fire.winter.expected) == "0.0"
    assert town(**{"run.duration_h": 48.0}).run().under_fire.winter.expected == 0.0


ORDERED = {
    "orders": [{"issued_h": 1, "compliance": 1.0}], "population.p_car": 0.0, "run.duration_h": 12.0,
    "run.step_s": 300.0, "behaviour.channels.phone.reach": 1.0, "behaviour.channels.phone.trust": 1.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def walkers():
    """Return a run in which a town walks out at -10 degrees."""
    return town(**ORDERED).run()


def test_hours_outdoors_in_the_cold_are_those_of_the_table_of_exposure(walkers):
    days, exposure = (walkers.recorder.tables()[name].to_pandas() for name in ("cold_days", "exposure"))
    outdoors = exposure.loc[exposure["protection"] == "OUTDOORS", "exposure_person_h"].sum()
    assert outdoors > 100
    assert days["cold_outside_person_h"].sum() == pytest.approx(outdoors, rel=1e-6)


def test_the_danger_outside_is_the_rate_at_that_wind_chill_times_the_hours_after_the_first_half(walkers):
    winter, people = walkers.under_fire.winter, walkers.people
    there = np.isfinite(walkers.parties.arrival_time_s) & (walkers.parties.mode == Mode.WALK)
    way_s = np.subtract(walkers.parties.arrival_time_s, walkers.households.departure_time_s, where=there,
                        out=np.zeros(there.size))  # fmt: skip
    party = int(way_s.argmax())
    person = np.flatnonzero(people.household == party)
    gone_h, there_h = walkers.households.departure_time_s[party] / 3600, walkers.parties.arrival_time_s[party] / 3600
    feels = winter.weather.feels_c
    hours = np.arange(gone_h + 0.5 + 0.005, there_h, 0.01)
    rates = 8e-6 * 1.64 ** ((-5 - feels[hours.astype(int)]) / 5)
    expected = rates.sum() * 0.01 * np.where(people.age[person] >= 65, 3.0, 1.0)
    assert there_h - gone_h > 0.6
    assert winter.dose[person] == pytest.approx(expected, rel=0.12)  # to the minute in which they left and arrived


def test_casualties_of_cold_are_told_apart_from_those_of_shelling_and_the_dead_stay_counted(tmp_path):
    keys = {**ORDERED, "cold.outside.per_person_h": 0.05, "run.duration_h": 4.0}
    model = town(**keys).run()
    winter, people = model.under_fire.winter, model.people
    dead = winter.harm == ColdHarm.DEAD
    assert dead.sum() > 5 and (winter.harm == ColdHarm.ILL).sum() > dead.sum()
    assert (people.status[dead] == Status.DEAD).all() and (people.injury == Injury.NONE).all()
    values = values_of(RunFolder(model.save(tmp_path)))
    assert values["casualties"] == 0 and values["dead"] == values["cold_deaths"] == dead.sum()
    assert Status.DEAD.words == OUTCOMES["dead"].words == "dead", "of whatever"
    assert values["cold_casualties"] == (winter.harm > 0).sum()
    spread = np.sqrt(values["cold_casualties_expected"])
    assert abs(values["cold_casualties"] - values["cold_casualties_expected"]) < 4 * spread
    model.population.check(model.n_parties_on_streets)


@pytest.mark.parametrize("seed", [1, 2])
def test_warmer_days_shorter_outages_and_more_warm_places_never_raise_anybodys_danger(seed):
    """Paths and times are the same: nobody leaves, and a harm of one in a million takes nobody out of the run."""
    base = {"run.duration_h": 60.0, "run.seed": seed, "cold.homes.deaths_rise_per_c": 1e-6}
    at = [{"utility": "gas", "at_h": 2, "restored_h": 40}, {"utility": "power", "at_h": 9}]
    small = {**SCHOOL, "capacity": 40}
    near = {**small, "name": "Hall", "longitude_deg": -32.995, "share_of_day": 0.8}
    runs = [
        town(**{**base, "damage.utility_losses": losses, "weather.monthly_mean_c": [mean] * 12, "warm_places": places})
        for losses, mean, places in (
            (at, -10.0, []), (at, -10.0, [small]), (at, -10.0, [small, near]), (at, -6.0, [small, near]),
            ([{**at[0], "restored_h": 20}, {**at[1], "at_h": 30}], -6.0, [small, near]),
        )
    ]  # fmt: skip
    doses = [run.run().under_fire.winter.dose for run in runs]
    assert doses[0].max() > 0
    for before, after in pairwise(doses):
        assert (after <= before + 1e-15).all() and after.sum() < before.sum()


def test_warm_places_take_the_old_first_as_many_as_they_hold_and_only_those_in_reach():
    keys = {"damage.utility_losses": [{"utility": "gas", "at_h": 0}], "run.duration_h": 30.0}
    model = town(**keys, warm_places=[{**SCHOOL, "capacity": 60, "reach_m": 600}]).run()
    winter, people, h = model.under_fire.winter, model.people, model.households
    inside = winter.place >= 0
    x_m, y_m = model.streets.project(-33.0, 45.0)
    away_m = np.hypot(h.home_x_m - x_m, h.home_y_m - y_m)[people.household]
    wants = (winter.heated_by[people.household] == 0) & (away_m <= 600)
    assert inside.sum() == min(60, wants.sum()) and not (inside & ~wants).any()
    if (wants & (people.age >= 65)).sum() >= 60:
        assert (people.age[inside] >= 65).all()
    assert model.recorder.tables()["cold_days"].to_pandas()["n_people_in_warm_places"].max() == inside.sum()


def test_a_warm_place_at_a_pickup_point_keeps_those_who_wait_out_of_the_cold():
    stop = {"name": "Square", "latitude_deg": 45.0, "longitude_deg": -33.0, "indoors": False}
    keys = {**ORDERED, "services.pickup_points": [stop], "movement.walk_out_limit_m": 0.0, "run.duration_h": 6.0,
            "services.fleets": [{"name": "Bus", "n_vehicles": 1, "seats": 10}]}  # fmt: skip
    cold_hours = [
        town(**keys, warm_places=places).run().under_fire.winter.books.outside_person_h.sum()
        for places in ([], [{**SCHOOL, "warms_stops_within_m": 300}])
    ]
    assert cold_hours[1] < 0.6 * cold_hours[0]


def test_homes_are_dry_when_what_was_stored_is_used_up_and_a_water_point_keeps_them_from_it():
    keys = {"damage.utility_losses": [{"utility": "water", "at_h": 5}], "run.duration_h": 80.0}
    dry = town(**keys).run()
    assert dry.information.is_dry.all()
    assert dry.recorder.tables()["cold_days"].to_pandas()["n_homes_without_water"].tolist()[:3] == [0, 0, 0]
    assert not town(**keys, warm_places=[{**SCHOOL, "is_heated": False}]).run().information.is_dry.any()
    assert town(**{**keys, "run.duration_h": 76.0}).run().information.is_dry.sum() == 0


def test_cold_homes_make_people_leave_only_by_the_coefficient_and_warm_places_keep_some_back():
    keys = {"damage.utility_losses": [{"utility": "gas", "at_h": 0}], "run.duration_h": 72.0,
            "behaviour.coefficients.baseline_per_day": 0.1}  # fmt: skip
    place = {**SCHOOL, "capacity": 3000, "share_of_day": 1.0}
    runs = [
        town(**keys, **{"behaviour.coefficients.cold_home": weight}, warm_places=places).run()
        for weight, places in ((0.0, []), (2.0, []), (2.0, [place]))
    ]
    decided = [np.isfinite(run.households.decision_time_s).sum() for run in runs]
    assert decided[0] < decided[1] and decided[2] == decided[0]
    moved = np.isfinite(runs[1].households.decision_time_s) & ~np.isfinite(runs[0].households.decision_time_s)
    assert (runs[1].under_fire.winter.heated_by[moved] == 0).all()


def test_a_loss_of_gas_shocks_on_cold_days_whatever_the_month_and_not_on_mild_ones():
    keys = {"damage.utility_losses": [{"utility": "gas", "at_h": 1}], "run.duration_h": 48.0,
            "behaviour.loss_shock.gas_per_day": 0.34}  # fmt: skip
    july = {"run.start": "2024-07-10T06:00"}
    cold_july, mild_january = town(**{**keys, **july}).run(), town(**{**keys, "weather.monthly_mean_c": [9] * 12}).run()
    assert np.isfinite(cold_july.households.decision_time_s).sum() > 50
    assert np.isfinite(mild_january.households.decision_time_s).sum() == 0


def test_nobody_is_looked_at_between_hours_while_all_are_at_home():
    model = town(**{"damage.utility_losses": NO_GAS, "run.duration_h": 30.0})
    model.step()
    winter = model.under_fire.winter
    assert winter.next_s == winter.weather.days.start_s[1] > 10 * HOUR_S
    assert winter.look(model.time_s) is NOBODY


def test_results_do_not_depend_on_the_step():
    doses = [
        town(**{**ORDERED, "run.step_s": step_s, "run.duration_h": 3.0}).run().under_fire.winter.dose
        for step_s in (60.0, 1800.0)
    ]
    np.testing.assert_array_equal(*doses)


def test_a_run_goes_on_from_its_state_bit_for_bit(tmp_path):
    keys = {**ORDERED, "damage.utility_losses": NO_GAS, "run.duration_h": 5.0, "warm_places": [SCHOOL]}
    whole, halved = town(**keys).run(), town(**keys)
    while halved.time_s < 3 * HOUR_S:
        halved.step()
    later = EvacuationModel.from_state(halved.save_state(tmp_path / "half")).run()
    np.testing.assert_array_equal(later.under_fire.winter.dose, whole.under_fire.winter.dose)
    assert later.recorder.tables()["cold_days"].equals(whole.recorder.tables()["cold_days"])


@pytest.mark.parametrize(
    ("places", "said"),
    [
        ([SCHOOL, SCHOOL], "'School' is named twice"),
        ([{**SCHOOL, "opens_h": 5, "closes_h": 5}], "closes_h = 5 is not after opens_h = 5"),
        ([{**SCHOOL, "node": "7"}], "say where in one way"),
    ],
    ids=["twice", "closed", "two places"],
)
def test_warm_places_that_cannot_be_are_refused(places, said):
    with pytest.raises(InvalidScenario) as refused:
        load("tiny_town", {"warm_places": places})
    assert said in str(refused.value)


def test_a_warm_place_off_the_map_is_refused_with_its_key():
    with pytest.raises(ScenarioError, match=r"warm_places\.0.*nearest street"):
        town(warm_places=[{**SCHOOL, "latitude_deg": 50.0}])


def test_a_household_tells_when_its_heating_went_how_cold_it_is_and_whom_the_cold_killed():
    keys = {"damage.utility_losses": [{"utility": "gas", "at_h": 1, "restored_h": 60}], "run.duration_h": 72.0,
            "cold.homes.deaths_rise_per_c": 1.0, "cold.homes.deaths_per_year": (0.5, 1, 1)}  # fmt: skip
    model = town(**keys, warm_places=[{**SCHOOL, "capacity": 2000, "opens_h": 30, "share_of_day": 0.1}])
    hit = int(np.argmax(model.under_fire.winter.heated_by == 0))
    watches = [Watch(model, household) for household in (hit, int(np.argmax(model.under_fire.winter.heated_by == 2)))]
    while model.running:
        model.step()
        for watch in watches:
            watch.look(model)
    told = [" ".join(line.text for line in watch.lines) for watch in watches]
    for part in ("Their heating is out.", "find room in a warm place", "degrees in their home", "works again"):
        assert part in told[0] and part not in told[1]
    dead = np.flatnonzero(model.under_fire.winter.harm == ColdHarm.DEAD)
    assert dead.size and (model.people.age[dead] >= 50).all()
    watch = Watch(model, int(model.people.household[dead[0]]))
    watch.look(model)
    assert f"The {model.people.age[dead[0]]}-year-old: killed by cold." in [line.text for line in watch.lines]


def test_a_household_tells_how_cold_its_home_is_not_how_cold_it_feels_to_those_who_warm_themselves_elsewhere():
    told = []
    for places in ([], [{**SCHOOL, "capacity": 2000, "has_water": False}]):
        model = town(**{"damage.utility_losses": NO_GAS, "run.duration_h": 48.0}, warm_places=places)
        watch = Watch(model, int(np.argmax(model.under_fire.winter.heated_by == 0)))
        while model.running:
            model.step()
            watch.look(model)
        told.append([line.text for line in watch.lines if "degrees in their home" in line.text])
    assert len(told[0]) == 1 and told[0] == told[1]


def test_a_warm_place_in_a_run_without_weather_is_named_in_the_report():
    said = "warm_places: the scenario has no weather"
    assert any(said in line for line in EvacuationModel("tiny_town", warm_places=[SCHOOL]).report())
    assert not any(said in line for line in town(warm_places=[SCHOOL]).report())
