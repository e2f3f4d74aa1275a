"""The weather of a run: temperatures by day, wind chill, sun, and the pace of walkers in the dark and on snow."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from safepassage.agents.parties import Mode
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.hazard.sun import sun_day
from safepassage.model.hazard.weather import Weather, monthly, wind_chill_c
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.run import Run
from safepassage.model.settings.scenario import InvalidScenario, load
from safepassage.model.settings.weather import Weather as WeatherSettings

COLD = {"source": "a test", "monthly_mean_c": [-10.0] * 12}
CALM = {"shelling.sources": [], "orders": [], "run.start": "2024-01-10T06:00"}


class Middle:
    """Streets of which only the middle is asked for."""

    node_x_m = node_y_m = np.zeros(1)

    def unproject(self, x_m, y_m):
        """Return longitude and latitude of Kyiv."""
        return 30.52, 50.45


def weather(run=None, zone="Europe/Kyiv", **settings):
    return Weather(WeatherSettings(**(COLD | settings)), run or Run(), zone, Middle())


def clock(seconds, zone):
    return datetime.fromtimestamp(seconds, ZoneInfo(zone))


@pytest.mark.parametrize(
    ("day", "place", "zone", "rises", "sets"),
    [
        (date(2024, 6, 21), (51.5, -0.13), "Europe/London", "04:43", "21:22"),
        (date(2024, 12, 21), (50.45, 30.52), "Europe/Kyiv", "07:56", "15:56"),
        (date(2024, 3, 20), (0.0, 0.0), "UTC", "06:04", "18:11"),
        (date(2024, 12, 21), (-33.87, 151.21), "Australia/Sydney", "05:41", "20:05"),
    ],
    ids=["London", "Kyiv", "equator", "Sydney"],
)
def test_the_sun_rises_and_sets_when_almanacs_say(day, place, zone, rises, sets):
    sun = sun_day(day, *place, zone)
    for seconds, told in ((sun.noon_s - sun.half_day_s, rises), (sun.noon_s + sun.half_day_s, sets)):
        expected = datetime.combine(day, datetime.strptime(told, "%H:%M").time(), ZoneInfo(zone)).timestamp()
        assert abs(seconds - expected) < 180
        assert clock(seconds, zone).date() == day


@pytest.mark.parametrize("latitude", [69.6, 90.0, -69.6, -90.0])
def test_beyond_the_polar_circles_the_sun_does_not_set_in_summer_and_does_not_rise_in_winter(latitude):
    summer, winter = date(2024, 6, 21), date(2024, 12, 21)
    summer, winter = (summer, winter) if latitude > 0 else (winter, summer)
    bright, dim = (sun_day(day, latitude, 20.0, "UTC") for day in (summer, winter))
    assert bright.half_day_s == pytest.approx(43200) and bright.half_light_s == pytest.approx(43200)
    assert dim.half_day_s == 0 and not bright.rises and not dim.rises
    if abs(latitude) == 90:
        assert dim.half_light_s == 0


def test_in_the_polar_night_it_is_always_dark_and_on_the_polar_day_never():
    for start, is_dark in ((datetime(2024, 12, 20), True), (datetime(2024, 6, 20), False)):
        found = weather(Run(start=start, duration_h=72), zone="UTC", latitude_deg=89.0, longitude_deg=0.0)
        assert found.dark.hold(np.arange(0.0, 72 * 3600.0, 900.0)).all() == is_dark
        assert found.dark.hold(np.arange(0.0, 72 * 3600.0, 900.0)).any() == is_dark


def test_the_night_lasts_from_the_end_of_one_twilight_to_the_begin_of_the_next():
    found = weather(Run(start=datetime(2024, 12, 20, 12), duration_h=48))
    sun = found.days.sun
    begin, end = sun[0].noon_s + sun[0].half_light_s, sun[1].noon_s - sun[1].half_light_s
    row = int(np.searchsorted(found.dark.start_s, 0.0))
    assert found.dark.start_s[row] == pytest.approx(begin - found.start_s)
    assert found.dark.end_s[row] == pytest.approx(end - found.start_s)
    assert 14.0 < (end - begin) / 3600 < 15.0


def test_wind_chill_is_the_published_index_and_never_above_the_temperature():
    for temperature, wind_km_h, told in ((-10, 30, -20), (-25, 30, -39), (0, 20, -5), (-40, 80, -67)):
        assert wind_chill_c(temperature, wind_km_h / 3.6) == pytest.approx(told, abs=0.6)
    grid = np.meshgrid(np.linspace(-70, 60, 53), np.linspace(0, 60, 41))
    assert (wind_chill_c(*grid) <= grid[0] + 1e-9).all()
    assert (np.diff(wind_chill_c(*grid), axis=1) > 0).all(), "warmer air never feels colder"


def test_months_meet_in_the_middle_and_the_last_goes_over_into_the_first():
    means = tuple(float(month) for month in range(1, 13))
    assert monthly(means, date(2024, 3, 15)) == 3.0
    assert monthly(means, date(2024, 3, 30)) == pytest.approx(3.5, abs=0.02)
    assert 1.0 < monthly(means, date(2024, 12, 31)) < 12.0
    assert monthly(means, date(2025, 1, 1)) == pytest.approx(12 - 11 * 16 / 30.4)


def test_days_of_a_file_take_precedence_over_months_and_bring_wind_and_snow(tmp_path):
    path = tmp_path / "days.csv"
    path.write_text("date,mean_c,wind_m_s,snow\n2024-08-01,-3,9,ice\n02.08.2024,4,1,\n", encoding="utf-8")
    found = weather(Run(duration_h=60), file=path, monthly_mean_c=[20.0] * 12)
    assert found.days.mean_c.tolist() == [-3, 4, 20] and found.days.wind_m_s.tolist() == [9, 1, 5]
    assert found.walking_factor(12 * 3600.0 - 6 * 3600.0) == 0.86 and found.walking_factor(86400.0) == 1.0


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("2024-07-30,1\n2024-07-31,1\n", "2024-08-01 is a day of the run, and not in the file, which goes from 2024"),
        ("2024-08-01,-400\n", "mean_c = '-400'; give a number from -70 to 60"),
        ("2024-08-01,nan\n", "mean_c = 'nan'; give a number"),
        ("2024-08-01,1e300\n", "mean_c = '1e300'; give a number from -70 to 60"),
        ("8/1/2024,3\n", "between slashes the day may come first or second"),
        ("2024-08-01,3\n2024-08-01,4\n", "this day is there twice"),
    ],
    ids=["other days", "too cold", "nan", "too warm", "slashes", "twice"],
)
def test_a_file_of_days_that_cannot_be_used_is_refused_with_line_and_change(tmp_path, rows, said):
    path = tmp_path / "days.csv"
    path.write_text("date,mean_c\n" + rows, encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"days\.csv") as refused:
        weather(file=path, monthly_mean_c=())
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"weather.monthly_mean_c": [1, 2, 3]}, "has 3 numbers; give 12"),
        ({"weather.monthly_mean_c": [-400] + [0] * 11, "weather.source": "x"}, "greater than or equal to -70"),
        ({"weather.monthly_mean_c": [float("nan")] + [0] * 11, "weather.source": "x"}, "finite number"),
        ({"weather.monthly_mean_c": [1e300] + [0] * 11, "weather.source": "x"}, "less than or equal to 60"),
        ({"weather.monthly_mean_c": [0] * 12}, "say in `source` where the temperatures come from"),
        ({"weather.latitude_deg": 91, "weather.longitude_deg": 0}, "less than or equal to 90"),
        ({"weather.latitude_deg": 9}, "give latitude_deg together with longitude_deg"),
        ({"weather.snow": [{"first_day": "2024-02-01", "last_day": "2024-01-01"}]}, "swap them"),
        ({"cold.homes.heated_c": 10}, "heated_c = 10 is below needed_c = 18"),
        ({"cold.homes.share_gas": 0.9, "cold.homes.share_power": 0.3}, "add up to 1.2"),
    ],
    ids=["three months", "-400", "nan", "1e300", "no source", "latitude", "half a place", "snow", "heated", "shares"],
)
def test_weather_that_cannot_be_is_refused_with_key_value_and_change(keys, said):
    with pytest.raises(InvalidScenario) as refused:
        load("tiny_town", keys)
    assert said in str(refused.value)


def walked_s(start, **keys):
    """Return how long one party walks on a plain day, by when it sets out."""
    model = EvacuationModel("tiny_town", **CALM, **{f"weather.{key}": value for key, value in (COLD | keys).items()})
    party, node = np.array([0], np.int32), model.households.home_node[:1]
    model.surroundings.tell(model.movement, 0.0)
    model.movement.advance(start)
    model.movement.set_out(Mode.WALK, party, node, start, np.array([1]), np.array([1.34]))
    arrived = model.movement.advance(start + 12 * 3600.0)
    return float(arrived.time_s[0]) - start


def test_walking_takes_longer_in_the_dark_on_snow_and_on_ice_by_exactly_their_factors():
    noon_s, night_s = 6 * 3600.0, 16 * 3600.0
    snow = {"first_day": "2024-01-01", "last_day": "2024-02-01"}
    by_day = walked_s(noon_s)
    assert walked_s(night_s) == pytest.approx(by_day / 0.9)
    assert walked_s(noon_s, snow=[snow]) == pytest.approx(by_day / 0.93)
    assert walked_s(night_s, snow=[{**snow, "is_ice": True}]) == pytest.approx(by_day / (0.9 * 0.86))


def test_whoever_walks_into_the_night_goes_slower_from_nightfall_on():
    model = EvacuationModel("tiny_town", **CALM, **{f"weather.{key}": value for key, value in COLD.items()})
    falls_s = model.surroundings.weather.dark.next_open_s(6 * 3600.0)
    by_day = walked_s(6 * 3600.0)
    assert walked_s(falls_s - 600.0) == pytest.approx(600.0 + (by_day - 600.0) / 0.9)


def test_a_run_without_weather_has_no_pace_but_one_and_no_tables_of_cold():
    model = EvacuationModel("tiny_town", **{"run.duration_h": 0.1})
    assert model.under_fire.winter is None and model.movement.pace.next_s == np.inf
    assert "cold_days" not in model.recorder.tables()
