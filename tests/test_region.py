"""The shipped region: four towns, one road west, one hub; with a twentieth of its people and of its exits' flow."""

import numpy as np
import pytest
import yaml

from safepassage.model.evacuation import EvacuationModel
from safepassage.model.settings.scenario import find, load

TWENTIETH = {"population.residents": 5_800, "run.duration_h": 108, "streets.exit_flow_per_lane_per_s": 30 / 3600}
TOWNS = {"Pokrovsk", "Myrnohrad", "Dobropillia", "Kostiantynivka"}


def run_of(plan=None):
    model = EvacuationModel("pokrovsk_region", plan=plan, **TWENTIETH).run()
    return model, model.recorder.tables()


@pytest.fixture(scope="module")
def at_once():
    return run_of()


@pytest.fixture(scope="module")
def staged():
    return run_of("region_staged")


def town_of(zones):
    return zones.str.split(" ").str[0]


def test_people_of_every_town_leave_by_the_one_road_west(at_once):
    _, tables = at_once
    persons, exits = tables["persons"].to_pandas(), tables["exits"].to_pandas()
    out = persons[np.isfinite(persons["safe_time_s"])]
    assert list(exits["exit"]) == ["Road west"]
    by_train = tables["trips"].to_pandas().query("mode == 'TRAIN'")
    assert exits["n_persons"].sum() == len(out) - by_train["n_persons"][np.isfinite(by_train["arrival_time_s"])].sum()
    share = out.groupby(town_of(out["zone"])).size() / persons.groupby(town_of(persons["zone"])).size()
    assert set(share.index) == TOWNS and share.min() > 0.2, share


def test_the_road_into_pokrovsk_from_each_side_carries_the_cars_of_the_towns_behind_it(at_once):
    _, tables = at_once
    links, trips = tables["links"].to_pandas(), tables["trips"].to_pandas()
    carried = links.groupby("name")["n_vehicles"].max()
    cars = trips[(trips["mode"] == "CAR") & np.isfinite(trips["arrival_time_s"])].merge(
        tables["persons"].to_pandas().drop_duplicates("household")[["household", "zone"]],
        left_on="party", right_on="household",
    )  # fmt: skip
    n = cars.groupby(town_of(cars["zone"])).size()
    assert carried["Kostiantynivka road"] >= n["Kostiantynivka"]
    assert carried["Myrnohrad road"] >= n["Kostiantynivka"] + 0.9 * n["Myrnohrad"]
    assert carried["Dobropillia road"] >= n["Dobropillia"]
    assert carried["Road west"] >= n.sum()


def test_the_shared_road_queues_when_all_leave_at_once_and_less_when_towns_are_ordered_out_in_turn(at_once, staged):
    delay_h = [float(tables["links"].to_pandas()["delay_vehicle_h"].sum()) for _, tables in (at_once, staged)]
    queue = [int(tables["exit_states"].to_pandas()["n_cars_last_km"].max()) for _, tables in (at_once, staged)]
    assert delay_h[0] > 100 and delay_h[1] < 0.2 * delay_h[0], delay_h
    assert queue[1] < queue[0], queue


def test_staged_orders_move_people_later_than_orders_all_at_once(at_once, staged):
    """What lessens the queue has a price: those whose turn comes last are in the town for longer."""
    out = [tables["persons"].to_pandas()["safe_time_s"].to_numpy() <= 96 * 3600.0 for _, tables in (at_once, staged)]
    assert out[1].sum() < out[0].sum()


def test_everybody_of_the_region_is_somewhere_at_each_moment(at_once):
    model, tables = at_once
    series, reception = tables["timeseries"].to_pandas(), tables["reception"].to_pandas()
    status = [name for name in series if name in {"n_home", "n_preparing", "n_waiting", "n_travelling", "n_sheltering",
                                                  "n_stranded", "n_safe", "n_dead"}]  # fmt: skip
    assert (series[status].sum(axis=1) == len(model.people)).all()
    stays = reception.groupby("time_s")[["n_in_bed", "n_coming", "n_waiting", "n_own_arrangement"]].sum().sum(axis=1)
    assert stays.tolist() == series["n_safe"].tolist()
    assert reception["n_waiting"].max() > 0, "people wait for a bed"


def test_the_plan_with_more_beds_changes_reception_places_alone():
    base, plan = load("pokrovsk_region"), load("pokrovsk_region", plan="region_beds")
    assert sum(one.beds for one in plan.reception.places) > sum(one.beds for one in base.reception.places)
    same = plan.model_copy(update={"plan": base.plan, "reception": base.reception})
    assert same.model_dump() == base.model_dump()


def test_the_scenario_says_that_it_is_schematic_and_a_question():
    text = yaml.safe_load(find("pokrovsk_region").read_text(encoding="utf-8"))
    assert "SCHEMATIC" in text["notice"] and "not history" in text["notice"]
