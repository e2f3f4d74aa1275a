"""What records of several towns say of shelling and crossfire; what falls near people; edge and middle of a town."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from safepassage.experiments.fits import at_own_distance, shelling_reach
from safepassage.experiments.fits import casualties_by_town as towns
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.hazard.front import front_of
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.front import Front
from safepassage.model.settings.harm import Harm
from safepassage.model.settings.shelling import ShellingProcess

DATA = os.environ.get("SAFEPASSAGE_DATA")
needs_data = pytest.mark.skipif(not DATA, reason="SAFEPASSAGE_DATA names no folder with the front series")
FEW = {"run.duration_h": 24, "orders": [], "shelling.sources.0.events_per_day": 3000}


@needs_data
def test_the_defaults_are_what_the_towns_give():
    fit = towns.fit_towns(Path(DATA) / "conflict")
    harm, process = Harm(), ShellingProcess(events_per_day=1.0)
    assert towns.crossfire_per_person_h(fit, harm).value == pytest.approx(
        Front().crossfire_casualties_per_person_h, rel=0.05
    )
    assert towns.share_near_people(harm, process).value == pytest.approx(process.share_near_people, rel=0.05)
    at_front = towns.events_per_km2_day(fit, harm, process)
    source = EvacuationModel("pokrovsk", **{"run.duration_h": 1}).settings.shelling.sources[0]
    in_all = source.background_per_km2_day * source.share_near_people / (1 - source.branching_ratio)
    assert at_front.low < in_all < at_front.high and in_all == pytest.approx(at_front.value, rel=0.05)


@needs_data
def test_rows_of_use_for_the_fit_are_met_within_a_factor_of_two_and_a_half_and_short_rows_take_no_part():
    fit = towns.fit_towns(Path(DATA) / "conflict")
    used = fit.rows[fit.rows.use == "fit"]
    assert set(used.town) == {"Avdiivka", "Bakhmut", "Toretsk", "Kherson"}
    assert np.abs(np.log(used.recorded / used.expected)).max() < np.log(2.5)
    shipped = pd.read_csv(at_own_distance.DRAWN)[["shelling", "crossfire"]].to_numpy()
    assert shipped == pytest.approx(fit.drawn, rel=1e-3)
    assert np.median(shipped[:, 0]) == pytest.approx(fit.shelling.value, rel=0.05)
    assert fit.shelling.high / fit.shelling.low > 2 and fit.crossfire.high / fit.crossfire.low > 5


@needs_data
def test_the_default_reach_of_shelling_is_what_the_reports_give():
    rows = shelling_reach.reports_by_distance(Path(DATA) / "conflict")
    found = shelling_reach.reach_km(rows)
    assert (len(rows), rows.hromada.nunique()) == (291, 21)
    assert found.low < found.value < found.high
    assert found.value == pytest.approx(ShellingProcess.model_fields["front_reach_km"].default, rel=0.05)


def test_the_reach_of_made_reports_is_found():
    chance, rows = np.random.default_rng(3), []
    for hromada in range(30):
        distance_km = chance.uniform(1, 40, 15)
        mean = 0.4 * 300 * np.exp(-distance_km / 8.0) * chance.gamma(4.0, 0.25, 15)
        rows.append(pd.DataFrame({"hromada": str(hromada), "distance_km": distance_km,
                                  "n_reports": chance.poisson(mean).astype(float), "area_km2": 300.0}))  # fmt: skip
    found = shelling_reach.reach_km(pd.concat(rows))
    assert found.low < 8.0 < found.high and found.value == pytest.approx(8.0, rel=0.1)


def test_a_row_of_a_few_days_or_without_injured_may_not_be_fitted(tmp_path, monkeypatch):
    text = towns.TABLE.read_text().replace(",1.8,check,Mandrych", ",1.8,fit,Mandrych")
    (tmp_path / "rows.csv").write_text(text)
    monkeypatch.setattr(towns, "TABLE", tmp_path / "rows.csv")
    with pytest.raises(ScenarioError, match="Orikhiv"):
        towns.read_rows()


def test_without_the_front_series_the_fit_says_what_it_needs(monkeypatch):
    monkeypatch.delenv("SAFEPASSAGE_DATA", raising=False)
    with pytest.raises(ScenarioError, match="SAFEPASSAGE_DATA"):
        towns.table_or_refusal()


def test_expected_casualties_of_a_run_are_those_of_the_closed_form_of_the_fit():
    harm = Harm()
    density, n = 2000.0, 400_000
    rng = np.random.default_rng(1)
    side_m = np.sqrt(n / density) * 1000
    from safepassage.model.harm.injuries import HarmByImpacts
    from safepassage.model.hazard.impacts import Impacts

    x_m, y_m = rng.uniform(0, side_m, (2, n))
    by = HarmByImpacts(harm, 1, x_m, y_m, np.arange(n + 1))
    k = 4000
    size = rng.choice(3, k, p=(0.6, 0.3, 0.1)).astype(np.int8)
    at = rng.uniform(300, side_m - 300, (2, k))
    impacts = Impacts(np.zeros(k), *at, size, np.arange(k, dtype=np.int32))
    pairs = by.people_at_home_near(impacts, 0, k, np.ones(n, np.bool_))
    each = by.risks(impacts, pairs, np.zeros(n, np.int8)).sum() / k
    assert each == pytest.approx(density * towns.area_per_event_km2(harm, (0.6, 0.3, 0.1)), rel=0.05)


def test_the_share_near_people_falls_near_them_and_the_others_on_open_ground_where_they_are_heard():
    counts, casualties = [], []
    for share in (1.0, 0.1):
        model = EvacuationModel("tiny_town", **FEW, **{"shelling.sources.0.share_near_people": share}).run()
        impacts, area = model.impacts, model.area
        near = area.is_built_up(impacts.x_m, impacts.y_m, 300.0)
        counts.append((len(impacts), near.mean()))
        casualties.append(model.under_fire.harm.expected.mean)
    assert counts[0][1] > 0.85 and 0.05 < counts[1][1] < 0.35
    assert counts[1][0] > 0.8 * counts[0][0] and casualties[1] < 0.35 * casualties[0]


def test_those_near_people_are_a_part_of_those_that_fall_there_with_a_larger_share():
    few, many = (
        EvacuationModel(
            "tiny_town",
            **FEW,
            **{"shelling.sources.0.share_near_people": share, "shelling.sources.0.branching_ratio": 0.0},
        ).impacts
        for share in (0.3, 1.0)
    )
    at = {(round(x, 6), round(y, 6)) for x, y in zip(many.x_m, many.y_m, strict=True)}
    same = [(round(x, 6), round(y, 6)) in at for x, y in zip(few.x_m, few.y_m, strict=True)]
    assert 0.25 < np.mean(same) < 0.35


def test_coquimbo_is_within_the_recorded_range_and_tiny_town_says_that_it_is_not():
    rates = {}
    for name in ("coquimbo", "tiny_town"):
        model = EvacuationModel(name, **{"run.duration_h": 2 if name == "coquimbo" else 4}).run()
        rates[name] = 1000 * model.under_fire.harm.expected.mean / (model.resident_s / 3600.0 / 730.5)
        assert any("resident-months" in line for line in model.report()) == (name == "tiny_town")
    assert rates["coquimbo"] < 15.0 < rates["tiny_town"]


def test_a_distance_from_the_edge_is_longer_from_the_middle_by_the_town_between():
    model = EvacuationModel("tiny_town", **{"run.duration_h": 1})
    run = model.settings.run
    for from_edge in (False, True):
        front = Front(distances=({"day": "2024-08-01", "distance_km": 2.0},), bearing_deg=90.0,
                      counted_from="edge" if from_edge else "reference")  # fmt: skip
        line = front_of(front, model.area, run, "UTC")
        lived = model.area.lived_along_m
        nearest_km = line.distance_km(lived[:, 0], lived[:, 1], 0.0).min()
        assert nearest_km == pytest.approx(2.0) if from_edge else nearest_km < 2.0
