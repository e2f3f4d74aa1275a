"""Air-raid alerts before impacts: cover is taken, shelters fill, buses hold; from a record or drawn; a lever."""

import os

import numpy as np
import pytest
from service_towns import ADULT, fleet, town, town_of

from safepassage.agents.civilians import Protection
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.scenario import LEVERS

DATA = os.environ.get("SAFEPASSAGE_DATA")
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


@pytest.mark.skipif(not DATA, reason="SAFEPASSAGE_DATA names no folder with the record of alerts")
def test_the_record_of_donetsk_oblast_is_read():
    keys = {"alerts.file": f"{DATA}/conflict/air_raid_alerts_donetsk_2022_2024.csv", "run.start": "2023-01-10T00:00"}
    model = EvacuationModel("tiny_town", **STAY, **keys)
    assert 1 <= model.under_fire.alert_s.size < 30
