import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safepassage.cli.run_table import run_table
from safepassage.model.results import metrics
from safepassage.model.results.dictionary import TABLES
from safepassage.model.results.outcomes import OUTCOMES
from safepassage.model.results.words import shown

HOUR_S = 3600.0


class Run:
    """A finished run of ten people, written by hand."""

    manifest = {"warning_time_s": HOUR_S, "simulated_s": 6 * HOUR_S}  # noqa: RUF012
    tables = {  # noqa: RUF012
        "persons": pd.DataFrame(
            {
                "status": ["SAFE"] * 4 + ["TRAVELLING", "STRANDED", "HOME", "HOME", "SHELTERING", "DEAD"],
                "injury": ["NONE", "LIGHT", "NONE", "NONE", "SERIOUS", "NONE", "LIGHT", "NONE", "NONE", "FATAL"],
                "mobility": ["UNIMPAIRED"] * 5 + ["SLOW"] * 4 + ["NEEDS_ASSISTANCE"],
                "age": [5, 30, 30, 30, 17, 65, 70, 40, 40, 80],
                "has_car": [True] * 4 + [False] * 6,
                "injury_time_s": [np.inf] * 9 + [HOUR_S],
                "safe_time_s": [2 * HOUR_S, 3 * HOUR_S, 4 * HOUR_S, 5 * HOUR_S] + [np.inf] * 6,
            }
        ),
        "exposure": pd.DataFrame(
            {"protection": ["OUTDOORS", "OUTDOORS", "BASEMENT"], "exposure_person_h": [1.5, 2.5, 8.0]}
        ),
        "links": pd.DataFrame({"delay_vehicle_h": [0.5, 0.25]}),
    }

    def has(self, name):
        return name in self.tables

    def frame(self, name):
        return (
            self.tables[name] if name in self.tables else pd.DataFrame(columns=list(TABLES[name].columns), dtype=float)
        )


def values():
    return {measure.name: measure.value for measure in metrics.summary(Run())}


def test_half_of_four_are_out_when_the_second_arrives():
    safe_s = np.array([400.0, np.inf, 100.0, 300.0, 200.0])
    assert metrics.evacuation_time_s(safe_s, 4, 0.5) == 200
    assert metrics.evacuation_time_s(safe_s, 4, 0.51) == 300
    assert metrics.evacuation_time_s(safe_s, 4, 1.0) == 400
    assert metrics.evacuation_time_s(safe_s, 4, 1.0, warning_s=50) == 350


def test_a_share_that_has_not_arrived_has_no_time():
    assert math.isnan(metrics.evacuation_time_s(np.array([100.0, np.inf]), 2, 1.0))
    assert math.isnan(metrics.evacuation_time_s(np.array([np.inf]), 0, 0.9))


def test_those_out_before_the_warning_make_no_negative_time():
    assert metrics.evacuation_time_s(np.array([100.0, 200.0]), 2, 0.5, warning_s=150) == 0


def test_without_a_warning_within_the_run_times_count_from_its_start():
    run = Run()
    run.manifest = {"warning_time_s": 7 * HOUR_S, "simulated_s": 6 * HOUR_S}
    found = {measure.name: measure.value for measure in metrics.summary(run)}
    assert found["ete50"] == pytest.approx(4.0)
    has_car, status = [True, True, False, False, True, True, *[False] * 4], ["SAFE"] * 4 + ["HOME"] * 6
    persons = Run.tables["persons"].assign(has_car=has_car, status=status, injury_time_s=np.inf)
    run.tables = {"persons": persons}
    fairness = {measure.name: measure.value for measure in metrics.fairness(run)}
    assert fairness["t90_ratio_no_car"] == pytest.approx(5.0 / 3.0)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50), st.floats(0.01, 1), st.floats(0.01, 1))
def test_a_larger_share_is_never_out_earlier(arrivals, one, other):
    safe_s = np.array(arrivals)
    less, more = (metrics.evacuation_time_s(safe_s, safe_s.size, share) for share in sorted((one, other)))
    assert safe_s.min() <= less <= more <= safe_s.max()


def test_the_summary_counts_everybody_once():
    found = values()
    assert found["residents"] == 10
    states = ("safe", "travelling", "preparing", "waiting", "stranded", "sheltering", "home", "dead")
    assert [found[state] for state in states] == [4, 1, 0, 0, 1, 1, 2, 1]
    assert found["evacuated_share"] == 0.4
    assert (found["injured_light"], found["injured_serious"]) == (2, 1)


def test_times_run_from_the_first_order_over_those_who_leave():
    found = values()  # six leave: four safe, one travelling, one stranded
    assert found["ete50"] == pytest.approx(3.0)
    assert all(math.isnan(found[name]) for name in ("ete90", "ete95", "ete100"))


def test_exposure_and_delay_are_sums_of_their_tables():
    found = values()
    assert found["exposure_outdoors"] == 4.0 and found["exposure_basement"] == 8.0
    assert "exposure_shelter" not in found and metrics.values_of(Run())["exposure_shelter"] == 0
    assert found["vehicle_delay"] == 0.75


def test_each_group_fares_as_its_persons_do():
    groups = metrics.by_group(Run()).set_index("group")
    with_car, without = groups.loc["household with a car"], groups.loc["household without a car"]
    assert (with_car.n_persons, with_car.evacuated_share, with_car.median_arrival_h) == (4, 1.0, 3.5)
    assert (without.n_persons, without.evacuated_share) == (6, 0.0) and math.isnan(without.median_arrival_h)
    assert with_car.casualties_per_1000 == 250 and without.casualties_per_1000 == 500
    assert groups.loc["under 18"].n_persons == 2 and groups.loc["65 and over"].n_persons == 3
    assert groups.loc["needs assistance"].casualties_per_1000 == 1000


def test_a_group_without_members_is_left_out():
    run = Run()
    run.tables = {"persons": Run.tables["persons"].assign(mobility="UNIMPAIRED", age=30)}
    groups = set(metrics.by_group(run)["group"])
    assert "under 18" not in groups and "walks slowly" not in groups and "walks unimpaired" in groups


@pytest.mark.parametrize(
    ("value", "name", "text"),
    [
        (258660, "residents", "258,660"),
        (3.0833, "ete90", "3 h 05 min"),
        (1.9999, "ete90", "2 h 00 min"),
        (60.0, "ete90", "2.5 days"),
        (float("nan"), "ete90", "not reached in this run"),
        (139384.12, "exposure_outdoors", "139,384"),
        (0.0831, "vehicle_delay", "0.083"),
    ],
)
def test_a_measure_is_shown_as_a_planner_would_write_it(value, name, text):
    assert shown(OUTCOMES[name], value) == text


def test_seats_that_nobody_could_take_are_said_to_have_had_no_passengers_rather_than_to_be_late():
    for name in ("seats_used_share", "wait_longest"):
        assert shown(OUTCOMES[name], float("nan")) == "nobody boarded"


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_of_a_run_fits_the_screen_and_names_things_in_words(width):
    from rich.console import Console

    console = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(run_table(metrics.summary(Run())))
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= width and not any("_" in line for line in lines)
    assert sum("not reached in this run" in line for line in lines) == 3
    assert any("out of the area" in line and "40.0%" in line for line in lines)


def test_the_time_of_a_share_of_the_residents_counts_everybody_and_from_the_start():
    found = values()
    assert (found["out10"], found["out25"]) == (2.0, 4.0)
    assert not {"out50", "out75", "out90"} & set(found)  # four of ten are out
