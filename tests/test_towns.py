"""The model of leaving over many towns: data, form, fit and what `safepassage verify towns` prints."""

import importlib
import os
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import gammaincinv
from typer.testing import CliRunner

from safepassage.cli.main import app
from safepassage.experiments.fits import towns_fit, towns_given, towns_simulated, towns_validation
from safepassage.experiments.fits.towns import APPROACH_OVER_D, COUNTS, QUOTED, WAR, TownSeries, data_folder, read_towns
from safepassage.experiments.fits.towns_old import share_old
from safepassage.model.behaviour.leaving import (
    Frailty,
    approach_km_per_week,
    gamma_quantiles,
    share_left,
    threat_per_day,
)
from safepassage.model.decisions_only import DecisionsOnly
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.scenario import load, shipped

FULL = pytest.mark.skipif("SAFEPASSAGE_DATA" not in os.environ, reason="the full front series may not be shipped; set "
                          "SAFEPASSAGE_DATA")  # fmt: skip


def made_town(name, parameters, *, share=0.8, days=200, seed=0):
    """Return a town that leaves exactly as the model says, the front coming in from 25 km."""
    chance = np.random.default_rng(seed)
    distance = np.maximum(25 - np.cumsum(chance.uniform(0, 0.25, days)), 0.0)
    before = np.concatenate([np.full(56, distance[0]), distance])[:days]
    at = np.arange(20, days, 20)
    start = pd.Timestamp("2024-01-01")
    town = TownSeries(
        town=name, scope="city", prewar=50_000.0, prewar_date=WAR, first_count=50_000 * share, first_date=start,
        dates=tuple(start + pd.Timedelta(days=int(d)) for d in at), day=at, low=np.zeros(at.size),
        high=np.zeros(at.size), distance_km=distance, approach_km_per_week=approach_km_per_week(distance, before, 56),
        is_quoted=False,
    )  # fmt: skip
    counted = towns_fit.forecast(town, parameters)
    town.low[:], town.high[:] = counted, counted
    return town


def test_the_threat_is_half_at_its_reach_and_grows_with_the_approach():
    at_reach = threat_per_day(10.0, 0.0, 0.03, 1.4, 10.0, 2.5)
    assert at_reach == pytest.approx(0.015)
    assert threat_per_day(10.0, 1.1, 0.03, 1.4, 10.0, 2.5) == pytest.approx(0.5 * (0.03 + 1.4 * 1.1 / 11))
    assert threat_per_day(-3.0, 0.0, 0.03, 1.4, 10.0, 2.5) == threat_per_day(0.0, 0.0, 0.03, 1.4, 10.0, 2.5)


@given(st.floats(0, 40), st.floats(0, 40), st.floats(0, 3))
def test_a_nearer_front_never_threatens_less(one, other, approach):
    far, near = max(one, other), min(one, other)
    assert threat_per_day(near, approach, 0.03, 1.4, 10.0, 2.5) >= threat_per_day(far, approach, 0.03, 1.4, 10.0, 2.5)


def test_a_front_that_stands_or_goes_back_does_not_approach():
    assert approach_km_per_week(np.array([8.0, 9.0, 6.0]), np.array([8.0, 5.0, 10.0]), 56).tolist() == [0.0, 0.0, 0.5]


def test_a_town_that_is_part_emptied_goes_on_along_the_curve_of_the_whole_town():
    doses = np.linspace(0, 5, 11)
    whole = share_left(doses + 3.0, 1.0, 1.0)
    assert share_left(doses, share_left(3.0, 1.0, 1.0), 1.0) == pytest.approx(whole)


@pytest.mark.parametrize("ratio", [1.0, 1 / 3, 1 / 8])
def test_groups_that_differ_thin_out_together_as_one_gamma_frailty(ratio):
    frailty = Frailty([1.0, ratio], [0.783, 0.217], 1.0)
    doses = np.array([0.5, 1, 4, 9, 19])
    assert frailty.left(doses) @ frailty.weight == pytest.approx(1 / (1 + doses), rel=0.06)


def test_the_readiness_of_a_part_emptied_town_has_the_mean_and_spread_that_its_emptying_left():
    u = (np.arange(100_000) + 0.5) / 100_000
    z = Frailty([1.0], [1.0], 1.0).drawn(np.zeros(u.size, int), u, 0.2)
    assert z.mean() == pytest.approx(0.2, rel=1e-3) and z.var() / z.mean() ** 2 == pytest.approx(1.0, rel=0.01)


def test_quantiles_of_readiness_are_kept_for_the_next_run_and_nobody_can_write_to_them():
    u = np.linspace(0.0, 0.999, 50)
    first, again = gamma_quantiles(1.3, u), gamma_quantiles(1.3, u.copy())
    assert (first == gammaincinv(1.3, u)).all() and (again == first).all() and not again.flags.writeable


def test_only_families_with_children_have_a_readiness_under_a_compulsory_order():
    households = EvacuationModel("tiny_town", **{"run.duration_h": 1}).households
    ready = households.ordered_readiness
    assert not ready[~households.has_children].any() and (ready[households.has_children] > 0).all()
    assert ready[households.has_children].mean() == pytest.approx(1.0, rel=0.25)


def test_the_old_are_most_of_the_last_who_are_left():
    assert share_old([0.98, 0.12, 0.05]) == pytest.approx([0.22, 0.69, 0.77], abs=0.015)


def test_known_parameters_are_recovered_from_towns_made_with_them():
    truth = np.log([0.03, 1.2, 11.0])
    towns = [made_town(name, truth, share=share, seed=k) for k, (name, share) in enumerate(
        zip("abcd", (0.9, 0.6, 0.3, 0.8), strict=True))]  # fmt: skip
    assert towns_fit.fit(towns) == pytest.approx(truth, abs=0.03)


def test_a_town_that_is_left_out_changes_nothing_of_its_own_forecast():
    truth = np.log([0.03, 1.2, 11.0])
    towns = [made_town(name, truth, seed=k) for k, name in enumerate("abc")]
    odd = made_town("c", truth + 1.0, seed=2)
    one, other = (towns_fit.leave_one_town_out(list(used))[1]["c"] for used in (towns, [*towns[:2], odd]))
    assert one == pytest.approx(other, abs=0.02)


def test_conflicting_reports_are_an_interval_without_error_inside():
    low, high = np.array([100.0, 100, 100]), np.array([120.0, 120, 120])
    assert towns_fit.relative_difference(np.array([80.0, 110, 150]), low, high) == pytest.approx([0.2, 0, 0.25])


def test_quoted_distances_give_towns_without_the_full_series_and_no_others():
    towns = read_towns(None)
    assert {t.town for t in towns} == {"Huliaipole", "Lyman", "Myrnohrad", "Orikhiv", "Pokrovsk"}
    assert all(t.is_quoted for t in towns)
    pokrovsk = next(t for t in towns if t.town == "Pokrovsk")
    assert pokrovsk.distance_km[0] == pytest.approx(14.5)


def test_every_row_of_the_counts_is_within_its_own_bounds_and_every_scored_town_has_its_size():
    counts = pd.read_csv(COUNTS)
    told = counts.dropna(subset=["residents_low"])
    assert (told.residents_low <= told.residents_high).all() and (counts.date_low <= counts.date_high).all()
    scored = counts[counts.role.isin(["start", "score"])]
    assert scored.prewar.notna().all() and scored.town.nunique() == 12
    assert (pd.read_csv(QUOTED).eval("km_low <= km_high")).all()


def test_without_the_data_the_command_shows_what_officials_quoted_and_says_so(monkeypatch):
    monkeypatch.delenv("SAFEPASSAGE_DATA", raising=False)
    shown = CliRunner().invoke(app, ["verify", "towns"]).stdout.splitlines()
    assert "SAFEPASSAGE_DATA is not set" in shown[0] and shown[-1].startswith("leave-one-town-out: not done")
    assert any("Pokrovsk, city: first count 48,000" in line for line in shown)


@FULL
def test_left_out_towns_are_foretold_better_than_by_the_simple_rules(monkeypatch):
    monkeypatch.setattr(towns_validation, "N_DRAWS", 200)
    towns = read_towns(data_folder())
    assert len({t.town for t in towns}) == 12 and sum(t.day.size for t in towns) == 58
    judged = towns_validation.judge(towns, n_bootstrap=3)
    model = towns_validation.by_town(judged, lambda town: town.model)
    assert model.mean() <= 0.25 and np.median(model) <= 0.20
    for rule in towns_validation.RULES:
        simple = towns_validation.by_town(judged, lambda town, rule=rule: town.rules[rule])
        assert (model < simple).sum() >= 8
    *_, last = towns_validation._scores(judged)
    form = (
        r"leave-one-town-out: model ARD mean \d\.\d\d median \d\.\d\d, best simple rule \d\.\d\d, band coverage \d+ %"
    )
    assert re.fullmatch(form, last)


@FULL
def test_the_shipped_values_are_those_of_the_fit_to_all_towns():
    assert np.exp(towns_fit.fit(read_towns(data_folder()))) == pytest.approx(np.exp(towns_validation.SHIPPED), rel=0.02)


@FULL
def test_rows_inside_occupied_ground_are_scored_only_when_asked_for():
    n = [sum(t.day.size for t in read_towns(data_folder(), with_rows_inside=inside)) for inside in (False, True)]
    assert n[1] > n[0]


def approaching():
    """A town of which 0.6 are left when the front comes from 16 to 8 km in eighty days and stands."""
    km = np.concatenate([np.linspace(16.0, 8.0, 81), np.full(40, 8.0)])
    before = np.concatenate([np.full(APPROACH_OVER_D, 16.0), km])[: km.size]
    start, day = pd.Timestamp("2024-01-01"), np.array([40, 80, 120])
    return TownSeries(
        town="Nowhere", scope="city", prewar=5000.0, prewar_date=WAR, first_count=3000.0, first_date=start,
        dates=tuple(start + pd.Timedelta(days=int(at)) for at in day), day=day, low=np.ones(3), high=np.ones(3),
        distance_km=km, approach_km_per_week=approach_km_per_week(km, before, APPROACH_OVER_D), is_quoted=False,
    )  # fmt: skip


def test_decisions_of_the_simulator_empty_a_town_as_the_formula_says():
    town, shipped = approaching(), np.array(towns_validation.SHIPPED)
    found = np.mean([towns_simulated.run(town, shipped, 1.0, town.first_count, seed)[0] for seed in range(6)], axis=0)
    assert found == pytest.approx(towns_fit.forecast(town, shipped), rel=0.06)


def test_the_old_are_left_in_a_town_that_empties():
    town = approaching()
    share = towns_simulated.run(town, np.array(towns_validation.SHIPPED), 1.0, town.first_count, 1)[1]
    assert share_old(0.6) < share[0] < share[-1]


def test_groups_that_differ_thin_out_together_as_the_town_does_from_any_share_on():
    ratio, weight = np.array([0.1, 0.4, 1.0, 2.0]), np.array([0.2, 0.2, 0.4, 0.2])
    for share in (1.0, 0.8, 0.3):
        frailty = Frailty(ratio, weight, 1.0)
        u = (np.arange(2000) + 0.5) / 2000
        z = [frailty.drawn(np.full(u.size, group), u, share) for group in range(4)]
        for dose in (0.2, 1.0, 3.0):
            left = sum(w * np.exp(-dose * of_group).mean() for w, of_group in zip(weight, z, strict=True))
            assert left == pytest.approx(1.0 / (1.0 + share * dose), rel=0.06), (share, dose)


def test_the_command_shows_runs_of_the_simulator_beside_the_formula():
    towns = [town for town in read_towns(None) if town.town == "Myrnohrad"]
    shown = [
        towns_validation.Judged(town, towns_fit.forecast(town, towns_validation.SHIPPED), None, {},
                                np.array([towns_validation.SHIPPED]), (0.38, 0.26))
        for town in towns
    ]  # fmt: skip
    lines = list(towns_simulated.lines(shown, 3))
    assert len(lines) == 5 + sum(1 + town.day.size for town in towns)
    assert re.search(r"simulator, leave-one-town-out: ARD mean \d\.\d\d median", lines[-2])


def test_the_shipped_towns_are_what_their_script_writes_and_run(monkeypatch):
    folder = shipped()["tiny_town"].parent
    if not (folder / "make_towns.py").is_file():
        pytest.skip("scenarios/make_towns.py is not installed")
    monkeypatch.syspath_prepend(str(folder))
    make_towns = importlib.import_module("make_towns")
    towns = {make_towns.file_of(town): town for town in read_towns(None)}
    files = {path.stem: path for path in (folder / "towns").glob("*.yaml")}
    assert files.keys() == towns.keys() and len(files) >= 5
    for name, path in files.items():
        assert path.read_text(encoding="utf-8") == make_towns.text_of(towns[name]), "run scenarios/make_towns.py"
        made = DecisionsOnly(load(path, {"run.duration_h": 24 * 30})).run()
        left = made.left(np.array([86400.0 * 29]))[0]
        assert 0 < left < len(made.people)


def given(folder, counts, front):
    """Return the paths of a user's two tables, written to a folder."""
    paths = folder / "counts.csv", folder / "front.csv"
    for path, text in zip(paths, (counts, front), strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


def test_a_town_that_a_user_gives_is_forecast_from_its_first_count_and_its_front(tmp_path, monkeypatch):
    monkeypatch.delenv("SAFEPASSAGE_DATA", raising=False)
    town = made_town("Vilne", towns_fit.SHIPPED)
    days = pd.date_range("2024-01-01", periods=town.distance_km.size)
    front = "date,vilne_km\n2023-11-06,25\n" + "".join(
        f"{day:%Y-%m-%d},{km}\n" for day, km in zip(days, town.distance_km, strict=True))  # fmt: skip
    rows = "".join(f"{day:%Y-%m-%d},Vilne,{n},\n" for day, n in zip(town.dates, town.low, strict=True))
    counts = f"date,place,residents,prewar\n2024-01-01,Vilne,40000,50000\n{rows}2024-02-01,Elsewhere,7,\n"
    counts_path, front_path = given(tmp_path, counts, front)
    options = ["verify", "towns", "--counts", str(counts_path), "--front", str(front_path)]
    shown = CliRunner().invoke(app, options).stdout.splitlines()
    assert "Elsewhere, : left out: no count up to 2022-02-24" in "\n".join(shown)
    score = re.fullmatch(
        r"towns given: model ARD mean (.*) median .*, best simple rule (.*), band coverage 100 %", shown[-1]
    )
    assert float(score[1]) < 0.02 and float(score[2]) > 0.3


def test_mistakes_in_the_tables_of_a_given_town_are_named_with_their_line(tmp_path):
    paths = given(tmp_path, "date,place,residents\n2024-13-01,X,5\n2024-02-01,X,many\n", "date,x_km\n2024-01-01,4\n")
    with pytest.raises(ScenarioError, match=r"line 2: date = '2024-13-01'.*\n.*line 3: residents = 'many'"):
        towns_given.read_given(*paths)
    paths = given(tmp_path, "date,place,residents\n2024-01-01,X,5\n", "date,x_km\n2024-01-01,near\n")
    with pytest.raises(ScenarioError, match="line 2: x_km = 'near'"):
        towns_given.read_given(*paths)


def test_a_river_that_is_not_being_crossed_keeps_people_in_a_given_town(tmp_path):
    front = "date,x_km\n2023-01-01,2\n2024-12-01,2\n"
    found = []
    for river in ("yes", ""):
        counts = f"date,place,residents,prewar,across_a_river\n2024-01-01,X,900,1000,{river}\n2024-06-01,X,5,,\n"
        towns, _ = towns_given.read_given(*given(tmp_path, counts, front))
        found.append(towns_fit.forecast(towns[0], towns_fit.SHIPPED)[0])
    assert found[0] > 800 and found[1] < 250


@FULL
def test_a_given_town_that_is_one_of_the_twelve_is_left_out_of_the_fit_and_the_shipped_draws_are_those_of_the_fit():
    towns = read_towns(data_folder())
    names = sorted({town.town for town in towns})
    toretsk = next(town for town in towns if town.town == "Toretsk")
    ((point, *_),) = towns_given.fits_for([toretsk], data_folder(), 1).values()
    assert point == pytest.approx(towns_fit.fit([town for town in towns if town.town != "Toretsk"]), abs=0.01)
    drawn = towns_fit.bootstrap(towns, names, towns_fit.fit(towns), 2, seed=5)
    assert np.exp(drawn) == pytest.approx(pd.read_csv(towns_given.DRAWN, usecols=[0, 1, 2]).to_numpy()[:2], rel=0.02)
