from pathlib import Path

import pytest

from safepassage.experiments.questions.calibrate import Calibration, calibrate
from safepassage.experiments.questions.optimise import Optimisation, optimise
from safepassage.experiments.questions.refusal import (
    HAZARDS,
    PLACES,
    Refused,
    refuse_harmful,
    refuse_targets,
    refuse_to_fit_harm,
)
from safepassage.experiments.questions.robustness import robustness
from safepassage.experiments.questions.sensitivity import sensitivity
from safepassage.experiments.sweeps.study import Study
from safepassage.experiments.sweeps.sweep import run_sweep
from safepassage.model.settings.scenario import InvalidScenario, Source, load
from safepassage.model.settings.shelling import ZoneWeight


@pytest.mark.parametrize(
    "name",
    [
        "dead",
        "casualties",
        "injured_serious",
        "exposure_outdoors",
        "mean_dead",
        "p95.dead",
        "n_dead",
        "stranded",
        "left_behind:no_car",
    ],
)  # fmt: skip
def test_to_maximise_harm_is_refused_and_to_minimise_it_is_not(name):
    with pytest.raises(Refused, match=f"{name}: to maximise it means to search for more harm"):
        refuse_harmful({name: "maximise"})
    refuse_harmful({name: "minimise"})


@pytest.mark.parametrize("name", ["safe", "evacuated_share", "n_safe@3600", "boarded", "n_boarded", "p05.boarded"])
def test_to_minimise_those_who_get_out_is_refused_and_to_maximise_them_is_not(name):
    with pytest.raises(Refused, match="fewer people out of danger"):
        refuse_harmful([(name, "minimise")])
    refuse_harmful([(name, "maximise")])


def test_a_minus_sign_does_not_hide_the_aim():
    for name in ("-dead", "--boarded", "-safe"):
        for aim in ("minimise", "maximise"):
            with pytest.raises(Refused, match="there is no outcome"):
                refuse_harmful({name: aim})


def test_by_group_harm_is_still_harm():
    with pytest.raises(Refused, match="more harm"):
        refuse_harmful({"casualties_per_1000:needs_assistance": "maximise"})


@pytest.mark.parametrize("aim", ["minimise", "maximise"])
@pytest.mark.parametrize("name", ["some_number", "people_carried", "dead:nobody"])
def test_an_outcome_that_is_in_no_vocabulary_is_neither_minimised_nor_maximised(name, aim):
    with pytest.raises(Refused, match="there is no outcome"):
        refuse_harmful({name: aim})


def test_a_cost_may_be_minimised_and_not_maximised():
    for name in ("seat_hours_used", "cost"):
        refuse_harmful({name: "minimise"})
        with pytest.raises(Refused, match="it is a cost"):
            refuse_harmful({name: "maximise"})


def test_seats_offered_say_nothing_of_people_and_may_be_searched_either_way():
    assert refuse_harmful([("seats_offered", "minimise"), ("seats_offered", "maximise")]) is None


@pytest.mark.parametrize("aim", ["minimise", "maximise"])
@pytest.mark.parametrize("name", ["sheltering", "n_sheltering@3600", "residents", "leavers_out90"])
def test_what_is_neither_better_nor_worse_for_people_is_no_aim(name, aim):
    with pytest.raises(Refused, match="no search may aim at it"):
        refuse_harmful({name: aim})


def test_a_direction_is_one_of_two_words():
    with pytest.raises(Refused, match="'up'"):
        refuse_harmful({"safe": "up"})


@pytest.mark.parametrize(
    "key",
    [
        "shelling.sources.0.events_per_day", "front.distances", "drones.strikes_per_vehicle_minute",
        "harm.casualty_scale", "damage.bridges.p_lost", "damage.dated_losses",
    ],
)  # fmt: skip
@pytest.mark.parametrize("levers_only", [True, False])
def test_no_search_turns_a_hazard_whatever_its_aim(key, levers_only):
    with pytest.raises(Refused, match="a search over a hazard is refused"):
        refuse_harmful({"dead": "minimise"}, [key], levers_only=levers_only)


def test_every_section_that_describes_danger_is_known_and_so_are_the_places_in_it():
    assert set(HAZARDS) >= {"shelling", "front", "drones", "harm", "damage"}
    assert {"shelling.sources.*.zones.*.west", "damage.dated_losses.*.name", "damage.utility_sites.*.x_m"} <= set(
        PLACES
    )


def test_levers_may_be_searched():
    keys = ["orders.0.issued_h", "damage.crews.n_crews", "drones.nets", "shelters.walking_distance_m", "curfew.windows"]
    assert refuse_harmful({"dead": "minimise", "safe": "maximise"}, keys) is None


def test_what_people_are_is_fitted_by_a_calibration_and_never_optimised():
    refuse_harmful({}, ["behaviour.p_destination"], levers_only=False)
    with pytest.raises(Refused, match="only what protects people"):
        refuse_harmful({}, ["behaviour.p_destination"])


def test_all_reasons_are_told_at_once():
    with pytest.raises(Refused) as refused:
        refuse_harmful({"dead": "maximise"}, ["harm.p_at_centre"])
    assert len(str(refused.value).splitlines()) == 2


def test_a_sweep_may_vary_how_much_falls_but_not_where():
    refuse_targets({"shelling.sources.0.events_per_day": [10, 1000], "shelling.sources.0.spread_m": [50, 500]})
    refuse_targets({"damage.dated_losses.0.at_h": [1, 2], "front.bearing_deg": [0, 90]})
    for key, values in {
        "shelling.sources.0.zones.0.west": [37.1, 37.2],
        "damage.dated_losses.0.name": ["North Bridge", "South Bridge"],
        "damage.dated_losses.0.between": [["1", "2"], ["3", "4"]],
    }.items():
        with pytest.raises(Refused, match="search for targets"):
            refuse_targets({key: values})


def test_places_hidden_in_whole_lists_are_found():
    losses = [[{"at_h": 1, "name": "North Bridge"}], [{"at_h": 1, "name": "South Bridge"}]]
    with pytest.raises(Refused, match=r"damage\.dated_losses\.0\.name"):
        refuse_targets({"damage.dated_losses": losses})
    refuse_targets({"damage.dated_losses": [[], losses[0]]})


def test_places_are_found_in_sections_as_in_mappings_and_so_are_weights_of_zones_and_files_of_events():
    west, east = (
        ZoneWeight(west=a, south=45.0, east=a + 0.01, north=45.01, weight=2.0) for a in (-33.01, -33.0)
    )  # fmt: skip
    for key, values in {
        "shelling.sources.0.zones": [(west,), (east,)],
        "shelling.sources.0.zones.0": [west, east],
        "shelling.sources.0.zones.0.weight": [0.0, 5.0],
        "shelling.sources.0.file": ["north.csv", "south.csv"],
        "shelling.sources.0.districts": ["north.geojson", "south.geojson"],
    }.items():
        with pytest.raises(Refused, match="search for targets"):
            refuse_targets({key: values})
    refuse_targets({"shelling.sources.0.districts": [{"per_km2": 0.02, "radius_m": 500}, {"per_km2": 0.04}]})


@pytest.mark.parametrize("name", ["n_casualties", "n_dead", "n_injury_fatal", "n_hurt"])
def test_what_people_do_is_not_fitted_to_how_many_are_hurt(name):
    with pytest.raises(Refused, match="as much harm as the file says"):
        refuse_to_fit_harm(["n_remaining", name])
    refuse_to_fit_harm(["n_remaining", "n_safe"])


WHERE = {"list": ["north.csv", "south.csv"]}


def put_together(kind, **keys):
    """Return a study, search or calibration from its keys, without the checks of a file."""
    return kind.of(Source("by hand", Path.cwd(), {"name": "by_hand", "scenario": "tiny_town", **keys}))


@pytest.mark.parametrize("entry", ["sweep", "sensitivity", "robustness"])
def test_a_study_put_together_without_a_file_is_refused_all_the_same(entry, tmp_path):
    factors = {"shelling.sources.0.file": WHERE}
    study = put_together(Study, factors=factors, plans=["none", "order_at_once"])
    with pytest.raises(Refused, match="search for targets"):
        if entry == "sweep":
            run_sweep(study, tmp_path / "out", executor=None)
        elif entry == "sensitivity":
            sensitivity(study, "safe", method="morris", out=tmp_path / "out", executor=None)
        else:
            robustness(study, "safe", out=tmp_path / "out", executor=None)
    assert not (tmp_path / "out").exists()


SEARCH = {"levers": {"orders.0.issued_h": {"range": [0, 2]}}, "objectives": {"safe": "maximise"}}


@pytest.mark.parametrize(
    "changes",
    [
        {"objectives": {"casualties": "maximise"}},
        {"objectives": {"p95.casualties": "maximise"}},
        {"objectives": {"safe": "minimise"}},
        {"objectives": {"front_near_d": "minimise"}},
        {"objectives": {"front_at_end_km": "minimise"}},
        {"levers": {"front.process.speed_km_d": {"range": [0.01, 1]}}},
        {"levers": {"front.branch": {"list": ["slow", "fast"]}}},
        {"levers": {"truce_keeping.p_violated": {"range": [0, 1]}}},
        {"futures": {"shelling.sources.0.file": WHERE}},
    ],
    ids=lambda one: next(iter(next(iter(one.values())))),
)
def test_a_search_put_together_without_a_file_is_refused_all_the_same(changes, tmp_path):
    wanted = put_together(Optimisation, **(SEARCH | changes))
    with pytest.raises(Refused):
        optimise(wanted, out=tmp_path / "out", executor=None)
    assert not (tmp_path / "out").exists()


def test_a_calibration_put_together_without_a_file_fits_no_hazard(tmp_path):
    (tmp_path / "series.csv").write_text("series,date,value\nn_remaining,2024-08-01T08:00,100\n")
    parameters = {"front.process.speed_km_d": {"distribution": "uniform", "parameters": {"loc": 0.01, "scale": 1}}}
    wanted = put_together(Calibration, series=str(tmp_path / "series.csv"), parameters=parameters)
    with pytest.raises(Refused, match="search over a hazard is refused"):
        calibrate(wanted, out=tmp_path / "out", executor=None)


def test_a_plan_cannot_change_how_the_front_moves(tmp_path):
    plan = tmp_path / "nearer.yaml"
    plan.write_text("name: nearer\nfront: {process: {speed_km_d: 5}}\n")
    with pytest.raises(InvalidScenario, match="a plan changes only what protects people"):
        load("tiny_town", plan=plan)
