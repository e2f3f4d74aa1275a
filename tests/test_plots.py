import shutil
from datetime import datetime
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib import dates
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from safepassage.model.evacuation import EvacuationModel
from safepassage.model.pictures import bottlenecks, curves, left_behind, map, style
from safepassage.model.results.map_tables import one_per_street
from safepassage.model.results.run_folder import RunFolder, open_run

ONE_EXIT = [{"name": "South road", "latitude_deg": 44.989658, "longitude_deg": -32.987918}]


HALL = {"reception.places": [{"name": "Hall", "beds": 20, "road_h": 0.1}], "reception.share_by_car": 0.5}
"""Beds for those who are out, so that their picture is drawn too."""


@pytest.fixture(scope="module")
def model():
    return EvacuationModel("tiny_town", **{"run.duration_h": 1.5, **HALL}).run()


@pytest.fixture(scope="module")
def run(model, tmp_path_factory):
    return open_run(model.save(tmp_path_factory.mktemp("runs")))


@pytest.fixture(scope="module")
def quiet_run(tmp_path_factory):
    """Five minutes in which nothing falls, nobody moves, and one exit is open."""
    changes = {"run.duration_h": 5 / 60, "shelling.sources": [], "streets.exits": ONE_EXIT, **HALL}
    return open_run(EvacuationModel("tiny_town", **changes).run().save(tmp_path_factory.mktemp("quiet")))


class Changed(RunFolder):
    """A run with tables replaced."""

    def __init__(self, run, **tables):
        super().__init__(run.path)
        object.__setattr__(self, "tables", tables)

    def frame(self, name):
        return self.tables[name] if name in self.tables else super().frame(name)


def texts(figure):
    """Return everything that is written in a figure, titles and legends too."""
    figure.draw_without_rendering()
    found = [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]
    return "\n".join(found)


def lines_of(axes, zorder):
    return [c for c in axes.collections if isinstance(c, LineCollection) and c.zorder == zorder]


def test_the_stack_of_statuses_adds_up_to_all_residents_at_every_time(run):
    axes = curves.evacuation_curve(run).axes[0]
    highest = max(area.get_paths()[0].vertices[:, 1].max() for area in axes.collections)
    top = axes.collections[-1].get_paths()[0].vertices
    assert highest == 2000
    assert axes.get_ylim() == (0, 2000)
    at_the_end = top[np.isclose(top[:, 0], axes.get_xlim()[1])]
    assert at_the_end[:, 1].max() == 2000


def test_the_evacuation_curve_names_how_many_are_out_at_the_end(run):
    n_safe = (run.frame("persons")["status"] == "SAFE").sum()
    assert n_safe > 0
    assert f"out of the area\n{n_safe:,} (" in texts(curves.evacuation_curve(run))


def test_the_time_when_nine_in_ten_are_out_is_marked_only_if_it_came(run):
    persons = run.frame("persons")
    assert "90% of those leaving" not in texts(curves.evacuation_curve(run))
    all_out = persons.assign(status="SAFE", safe_time_s=np.linspace(1000, 5000, len(persons)))
    expected_h = (np.sort(all_out["safe_time_s"])[1799] - run.manifest["warning_time_s"]) / 3600
    written = texts(curves.evacuation_curve(Changed(run, persons=all_out)))
    assert f"90% of those leaving are out {expected_h:.1f} h after the order" in written


def test_the_map_has_as_many_lines_as_the_town_has_streets(model, run):
    streets = curves.map_of_run(run).axes[0]
    quiet = lines_of(streets, zorder=1)
    assert sum(len(lines.get_segments()) for lines in quiet) == np.unique(model.streets.link_street).size


def test_the_map_colours_each_street_that_somebody_passed(run):
    links = one_per_street(run.frame("links"))
    n_used = ((links["n_vehicles"] + links["n_walking_persons"]) > 0).sum()
    flows = [c for c in curves.map_of_run(run).axes[0].collections if 2 <= c.zorder < 3]
    assert n_used > 20
    assert sum(len(lines.get_segments()) for lines in flows) == n_used


def test_both_directions_of_a_street_are_added_up(run):
    links = run.frame("links")
    joined = one_per_street(links)
    assert len(joined) < len(links)
    assert joined["n_vehicles"].sum() == links["n_vehicles"].sum()
    assert joined["n_walking_persons"].sum() == links["n_walking_persons"].sum()


def test_the_map_says_where_a_street_was_closed_and_how_many_left_by_each_exit(run):
    links = run.frame("links")
    street = links["upstream"].iloc[0], links["downstream"].iloc[0]
    is_it = [set(street) == {a, b} for a, b in zip(links["upstream"], links["downstream"], strict=True)]
    closed = links.assign(closed_time_s=np.where(is_it, 60.0, np.inf))
    written = texts(curves.map_of_run(Changed(run, links=closed)))
    assert "1 street" in written
    for row in run.frame("exits").itertuples():
        assert f"{row.exit}: {row.n_persons:,}" in written


def test_every_impact_of_a_run_is_drawn_and_counted_by_size(run):
    impacts = run.frame("impacts").head(3).copy()
    x, y = run.frame("exits")[["x_m", "y_m"]].mean()
    impacts["x_m"], impacts["y_m"], impacts["size"] = [x, x, x + 400], y, ["L", "L", "S"]
    written = texts(curves.map_of_run(Changed(run, impacts=impacts)))
    assert "Impacts: 3" in written and "large: 2" in written and "small: 1" in written


@pytest.mark.parametrize(
    ("most", "bounds"),
    [(1, [1]), (4, [1, 2]), (230, [1, 2, 20, 50, 100]), (23_000, [1, 200, 2000, 5000, 10_000])],
)
def test_flow_classes_are_round_numbers_that_fan_out(most, bounds):
    assert map.flow_bounds(most) == bounds


def test_departure_curves_end_at_the_people_who_set_out_by_each_mode(run):
    trips = run.frame("trips")
    axes = curves.departures(run).axes[0]
    end_s = run.manifest["simulated_s"]
    for mode, label in (("CAR", "set out by car"), ("WALK", "set out on foot")):
        expected = trips[(trips["mode"] == mode) & (trips["departure_time_s"] <= end_s)]["n_persons"].sum()
        (curve,) = [line for line in axes.lines if line.get_label().startswith(label)]
        assert expected > 0
        assert curve.get_ydata()[-1] == expected
        assert np.all(np.diff(curve.get_ydata()) >= 0)


def test_bars_of_exposure_add_up_to_all_person_hours(run):
    bars = curves.casualties_exposure(run).axes[1].patches
    assert sum(bar.get_width() for bar in bars) == pytest.approx(run.frame("exposure")["exposure_person_h"].sum())


def test_casualties_in_the_picture_are_those_of_the_table(run):
    persons = run.frame("persons")
    n_hurt = (persons["injury"] != "NONE").sum()
    written = texts(curves.casualties_exposure(run))
    assert (f"Casualties: {n_hurt:,}," if n_hurt else "Casualties: none") in written


def test_reasons_shown_are_those_of_everybody_not_out(run):
    persons = run.frame("persons")
    left = persons[persons["status"] != "SAFE"]
    figure = curves.left_behind(run)
    reasons = figure.subfigs[0].axes[1]
    assert sum(bar.get_width() for bar in reasons.patches) == len(left)
    assert f"{len(left):,} of 2,000 residents" in texts(figure)


def test_no_cell_of_the_map_of_homes_stands_for_few_people(run):
    persons = run.frame("persons")
    few = persons[persons["zone"] == persons["zone"].iloc[0]].head(left_behind.MIN_PERSONS - 1)
    cells = curves.left_behind(Changed(run, persons=few)).subfigs[1].axes[0].collections[-1]
    assert np.ma.masked_invalid(cells.get_array()).count() == 0


def test_columns_by_exit_hold_everybody_who_left(run):
    figure = curves.exits_per_hour(run)
    series = run.frame("timeseries")
    hours = [bar.get_height() * bar.get_width() * 24 for bar in figure.axes[0].patches]
    assert sum(hours) == pytest.approx(series.filter(like="n_out_by_").iloc[-1].sum())


@pytest.mark.parametrize(("simulated_s", "every_s", "width_s"), [(3600, 300, 300), (3600, 20, 60), (5400, 600, 1200)])
def test_columns_of_people_out_are_no_narrower_than_what_was_recorded(run, simulated_s, every_s, width_s):
    scenario = run.manifest["scenario"]
    scenario = scenario | {"run": scenario["run"] | {"record_every_s": every_s}}
    recorded = RunFolder(run.path)
    recorded.__dict__["manifest"] = run.manifest | {"scenario": scenario, "simulated_s": simulated_s}
    assert curves.outflow_bin_s(recorded) == width_s


def test_many_exits_are_joined_and_the_busiest_are_named(run):
    n = 30
    exits = run.frame("exits").iloc[[0] * n].assign(exit=[f"exit {i}" for i in range(n)], n_persons=range(n))
    series = run.frame("timeseries").assign(**{f"n_out_by_exit {i}": np.linspace(0, i, 19) for i in range(n)})
    written = texts(curves.exits_per_hour(Changed(run, exits=exits, timeseries=series)))
    assert "the 12 busiest of 30 exits" in written and "exit 29" in written and "exit 3\n" not in written


def test_hours_of_curfew_are_shaded(run):
    window = {"first_day": "2024-08-01", "from_time": "06:30", "until_time": "07:00"}
    scenario = run.manifest["scenario"] | {"curfew": {"windows": [window]}}
    under_curfew = RunFolder(run.path)
    under_curfew.__dict__["manifest"] = run.manifest | {"scenario": scenario}
    (shade,) = curves.departures(under_curfew).axes[1].findobj(lambda artist: artist.get_label() == "curfew")
    minutes = shade.get_path().transformed(shade.get_patch_transform()).get_extents().width * 24 * 60
    assert minutes == pytest.approx(30)


def test_a_run_in_which_nothing_happens_says_so(quiet_run):
    assert "Nobody set out within the run." in texts(curves.departures(quiet_run))
    assert "Nothing fell on the area in this run." in texts(curves.casualties_exposure(quiet_run))
    assert "Nobody left the area within the run." in texts(curves.exits_per_hour(quiet_run))
    assert "nobody moved" in texts(curves.map_of_run(quiet_run))


def test_all_pictures_of_a_quiet_run_are_drawn(quiet_run, tmp_path):
    paths = curves.draw_all(quiet_run, tmp_path)
    assert [path.name for path in paths] == [f"{name}.png" for name in curves.PICTURES]
    assert all(path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size > 10_000 for path in paths)


def test_a_picture_never_overwrites_a_file(run, tmp_path):
    (tmp_path / "map.png").write_text("mine")
    figure = curves.map_of_run(run)
    assert style.save_new(figure, tmp_path / "map.png").name == "map-2.png"
    assert style.save_new(figure, tmp_path / "map.png").name == "map-3.png"
    assert (tmp_path / "map.png").read_text() == "mine"


def test_every_picture_carries_title_notice_seed_and_units(run):
    for draw in curves.PICTURES.values():
        written = texts(draw(run))
        assert "Tiny Town is ordered out" in written and "An invented town" in written.replace("\n", " ")
        assert "seed\u00a01" in written
    assert "person-hours" in texts(curves.casualties_exposure(run))


def test_streets_of_openstreetmap_are_credited_and_invented_ones_are_not(run):
    assert "OpenStreetMap" in style.street_credit(run, np.array(["5440776302", "3952853893"]))
    assert style.street_credit(run, np.array(["0", "1", "12"])) == "Streets: tiny_town.graphml."


def test_openstreetmap_is_credited_once_where_the_notice_names_it(run):
    named = SimpleNamespace(manifest={"scenario": {**run.manifest["scenario"], "notice": "(c) OpenStreetMap"}})
    assert "OpenStreetMap" not in style.street_credit(named, np.array(["5440776302", "3952853893"]))


@pytest.mark.parametrize(
    ("zone", "shown"),
    [("Europe/Kyiv", "Europe/Kyiv"), ("Etc/GMT-2", "UTC+2"), ("Etc/GMT+5", "UTC-5"), ("Etc/GMT", "Etc/GMT")],
)
def test_zones_without_summer_time_are_shown_as_hours_ahead(zone, shown):
    assert style.zone_name(SimpleNamespace(manifest={"scenario": {"shelling": {"time_zone": zone}}})) == shown


def test_times_are_shown_on_the_clock_of_the_scenario_also_after_the_clocks_go_back():
    scenario = {
        "run": {"start": "2024-10-27T00:00:00", "duration_h": 8.0},
        "shelling": {"time_zone": "Europe/Kyiv"},
    }
    run = SimpleNamespace(manifest={"scenario": scenario, "simulated_s": 8 * 3600.0})
    assert style.local(run, 8 * 3600.0) == datetime(2024, 10, 27, 7, 0)
    axes = Figure().subplots()
    style.clock_axis(axes, run)
    drawn = dates.date2num(style.clock(run, [0.0, 8 * 3600.0]))
    shown = dates.num2date(drawn, axes.xaxis.get_major_locator().tz)
    assert [f"{moment:%d %H:%M}" for moment in shown] == ["27 00:00", "27 07:00"]


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0%"), (0.0001, "<1%"), (0.5, "50%"), (0.9999, ">99%"), (1, "100%"), (0.005, "<1%")]
)
def test_a_share_is_rounded_to_nothing_or_to_all_only_if_it_is(share, text):
    assert style.percent(share) == text


def test_the_band_of_expected_casualties_is_drawn_with_its_numbers(tmp_path):
    fierce = {"run.duration_h": 1.0, "shelling.sources.0.events_per_day": 4000, "harm.casualty_scale": 5.0}
    run = open_run(EvacuationModel("tiny_town", **fierce).run().save(tmp_path))
    last = run.frame("casualties").iloc[-1]
    figure = curves.casualties_exposure(run)
    written = texts(figure)
    assert f"95% range of chance: {last.n_hurt_low:,.0f} to {last.n_hurt_high:,.0f}" in written
    assert f"expected where people were: {last.n_hurt_expected:,.1f}" in written
    assert figure.axes[0].get_ylim()[1] >= last.n_hurt_high > 1


def test_queues_at_exits_are_those_of_the_table(run):
    figure = curves.queues_at_exits(run)
    states = run.frame("exit_states")
    drawn = {line.get_label().split(" (")[0]: line.get_ydata() for line in figure.axes[0].get_lines()}
    for name in run.frame("exits")["exit"]:
        np.testing.assert_array_equal(drawn[name], states[states["exit"] == name]["n_cars_last_km"])


def test_a_run_recorded_before_these_tables_were_kept_is_still_drawn(run, tmp_path):
    folder = tmp_path / "old"
    shutil.copytree(run.path, folder)
    for name in ("street_changes", "exit_states", "casualties"):
        (folder / f"{name}.parquet").unlink()
    (folder / "reception.parquet").unlink()
    names = {path.stem for path in curves.draw_all(open_run(folder), tmp_path / "pictures")}
    assert names == set(curves.PICTURES) - {"queues", "reception"}


def test_the_picture_of_beds_says_what_the_table_says_at_the_end(run):
    last = run.frame("reception").groupby("place", dropna=False).last()
    written = texts(curves.beds_over_time(run))
    assert f"{last['n_in_bed'].sum():,} of 20" in written and last["n_in_bed"].sum() > 0
    assert f"waiting without a bed\n{last['n_waiting'].sum():,}" in written
    assert f"{last['n_own_arrangement'].sum():,} more are out" in written


def one_link(**columns):
    """Return a table of links as a run writes it, some columns changed."""
    links = {"upstream": ["a", "b", "c"], "downstream": ["b", "c", "d"], "name": ["Long Road", "Long Road", ""],
             "highway": ["primary"] * 3, "delay_vehicle_h": [30.0, 50.0, 20.0]}  # fmt: skip
    return pd.DataFrame(links | columns)


def test_the_worst_streets_are_added_up_by_name_and_stand_where_most_was_lost():
    worst = bottlenecks.worst_streets(one_link())
    assert worst["name"].tolist() == ["Long Road", "unnamed primary from c to d"]
    assert worst["delay_vehicle_h"].tolist() == [80.0, 20.0] and worst["share"].tolist() == [0.8, 0.2]
    assert worst["row"].tolist() == [1, 2]


def test_streets_without_delay_are_not_named():
    assert bottlenecks.worst_streets(one_link(delay_vehicle_h=[0.0, 0.0, 0.0])).empty


def test_the_map_of_delay_names_the_street_where_most_was_lost(run):
    links = run.frame("links").assign(delay_vehicle_h=0.0)
    row = links.index[links["name"] != ""][0]
    links.loc[row, "delay_vehicle_h"] = 120.0
    written = texts(bottlenecks.delay_by_street(Changed(run, links=links)))
    assert f"{links.loc[row, 'name']}: 120 (100%)" in written.replace("\n", " ")


def test_the_map_of_delay_says_so_if_nothing_was_lost(quiet_run):
    assert "less than one on any street, 0 in all" in texts(bottlenecks.delay_by_street(quiet_run))
