"""Air-raid alerts before impacts: cover is taken, shelters fill, buses hold; from a record or drawn; a lever."""

import os

import numpy as np
import pandas as pd
import pytest
from service_towns import ADULT, fleet, town, town_of

from safepassage.agents.civilians import Protection
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.hazard.alerts import alerts_of
from safepassage.model.hazard.impacts import Impacts
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.scenario import LEVERS, Scenario
from safepassage.model.settings.shelters import AirRaidAlerts

DATA = os.environ.get("SAFEPASSAGE_DATA")
needs_data = pytest.mark.skipif(not DATA, reason="SAFEPASSAGE_DATA names no folder with the record of alerts")
STAY = {"orders": [], "run.duration_h": 24, "behaviour.p_leave_after_impact": 0.0,
        "behaviour.coefficients.baseline_per_day": 0.0}  # fmt: skip


def expected(seed=1, **changes):
    model = EvacuationModel("tiny_town", **{**STAY, **changes, "run.seed": seed}).run()
    return model, model.under_fire.harm.expected.mean


def test_alerts_that_sound_in_time_lower_the_expected_casualties_and_change_no_impact():
    apart = {"shelling.sources.0.events_per_day": 80, "shelling.sources.0.branching_ratio": 0.0}
    (silent, before), (warned, after) = expected(**apart), expected(**apart, **{"alerts.warning_s": 120.0})
    assert np.array_equal(silent.impacts.time_s, warned.impacts.time_s)
    assert np.array_equal(silent.impacts.x_m, warned.impacts.x_m)
    assert warned.under_fire.alert_s.size > 40 and after < 0.9 * before


def test_most_drawn_alerts_are_followed_by_nothing_and_are_as_many_a_day_as_stated_by_the_hours_of_the_record():
    hours, n_days, run = [], 150, Scenario.model_fields["run"].annotation
    for seed in range(4):
        when = run(start="2024-02-01T00:00", duration_h=24.0 * n_days)
        start_s, end_s = alerts_of(AirRaidAlerts(warning_s=60.0), Impacts.none(), when, seed, "UTC")
        assert (end_s - start_s == pytest.approx(2616.0)) and (np.diff(start_s) >= 0).all()
        hours.append((start_s // 3600 % 24).astype(int))
    n = np.bincount(np.concatenate(hours), minlength=24)
    assert n.sum() / (4 * n_days) == pytest.approx(5.4, rel=0.05) and n[9] > 1.8 * n[6]
    assert alerts_of(AirRaidAlerts(warning_s=60.0, false_per_day=0.0), Impacts.none(), when, 1, "UTC")[0].size == 0
    assert alerts_of(AirRaidAlerts(), Impacts.none(), when, 1, "UTC")[0].size == 0
    longer = run(start="2024-02-01T00:00", duration_h=24.0 * n_days + 50)
    again_s = alerts_of(AirRaidAlerts(warning_s=60.0), Impacts.none(), longer, 3, "UTC")[0]
    assert np.array_equal(again_s[again_s < 24 * 3600.0 * n_days], start_s)


@needs_data
def test_false_alarms_are_as_many_as_the_record_of_alerts_less_the_events_reported():
    alerts = pd.read_csv(f"{DATA}/conflict/air_raid_alerts_donetsk_2022_2024.csv")
    moments = (pd.to_datetime(alerts[k]) for k in ("started_utc", "finished_utc"))
    start, end = ((at - pd.Timestamp(0, tz="UTC")).dt.total_seconds().to_numpy() for at in moments)
    order = np.argsort(start, kind="stable")
    before = np.maximum.accumulate(np.concatenate(([-np.inf], end[order][:-1])))
    per_day = (start[order] > before).sum() / ((end.max() - start.min()) / 86400)
    events = pd.read_csv(f"{DATA}/conflict/viina_pokrovsk_raion_monthly.csv")
    here = events[(events.hromada == "Pokrovska") & events.month.between("2022-05", "2023-09")]
    reported = here.events.sum() / (len(here) * 365.25 / 12)
    assert AirRaidAlerts().false_per_day == pytest.approx(per_day - reported, abs=0.05)
    assert AirRaidAlerts().false_duration_s == pytest.approx(60 * alerts.duration_min.median())


def test_a_longer_reach_never_raises_the_expected_casualties():
    found = [expected(**{"alerts.warning_s": 120.0, "alerts.reach": reach})[1] for reach in (0.0, 0.5, 1.0)]
    assert found[0] >= found[1] >= found[2] and found[0] > found[2]
    assert found[0] == pytest.approx(expected()[1])


def test_expected_casualties_with_alerts_do_not_depend_on_the_step():
    keys = {"alerts.warning_s": 90.0, "run.duration_h": 6}
    found = [expected(**keys, **{"run.step_s": step_s})[1] for step_s in (15.0, 60.0, 600.0)]
    assert found == pytest.approx([found[0]] * 3, rel=1e-9)


def recorded(tmp_path, rows):
    path = tmp_path / "alerts.csv"
    path.write_text("started_utc,finished_utc\n" + "\n".join(",".join(row) for row in rows) + "\n")
    return {"alerts.file": str(path), "alerts.reach": 1.0, "harm.rooms.share_who_heed_alerts": 1.0,
            "harm.rooms.alert_duration_s": 600.0, "shelling.sources": []}  # fmt: skip


def test_people_stay_in_cover_from_a_moment_after_a_recorded_alert_until_it_ends(tmp_path):
    keys = recorded(tmp_path, [("2024-08-01T06:30:00Z", "2024-08-01T07:30:00Z")])
    model = EvacuationModel("tiny_town", **STAY, **keys)
    in_cover = {}
    while model.time_s < 2 * 3600:
        model.step()
        person = np.arange(len(model.people), dtype=np.int32)
        model.under_fire.cover.protect(person, model.time_s)
        in_cover[model.time_s] = np.isin(model.people.protection, (Protection.BASEMENT, Protection.INNER_ROOM)).mean()
    assert in_cover[1800.0] < 0.6 and in_cover[1860.0] == in_cover[5340.0] == 1.0 and in_cover[5460.0] < 0.6


def test_buses_that_stand_wait_after_an_alert():
    left_s = []
    for sounds in (False, True):
        model = town(town_of([[ADULT]] * 10), [fleet(dwell_s=600, seats=20)], **{"harm.rooms.lull_patience_s": 1e12})
        bus = model.services.vehicles[0]
        while not bus.seats.aboard:
            model.step()
        if sounds:
            model.under_fire.vehicles.sound(model.time_s + 540.0)
            bus.lull_wanted_s = 1800.0
        while bus.node >= 0:
            model.step()
        left_s.append(model.time_s)
    assert left_s[1] > left_s[0] + 1200.0


def test_alerts_are_a_lever_and_a_wrong_file_is_told_by_line(tmp_path):
    assert "alerts" in LEVERS
    keys = recorded(tmp_path, [("2024-08-01T06:30:00Z", "2024-08-01T06:20:00Z")])
    with pytest.raises(ScenarioError, match="line 2: the alert ends before it starts"):
        EvacuationModel("tiny_town", **keys)


@needs_data
def test_the_record_of_donetsk_oblast_is_read():
    keys = {"alerts.file": f"{DATA}/conflict/air_raid_alerts_donetsk_2022_2024.csv", "run.start": "2023-01-10T00:00"}
    model = EvacuationModel("tiny_town", **STAY, **keys)
    assert 1 <= model.under_fire.alert_s.size < 30
