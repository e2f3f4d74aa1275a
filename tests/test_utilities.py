import numpy as np
import pytest
from pydantic import ValidationError

from safepassage.model.hazard.impacts import Impacts
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.damage import Damage, Utility
from safepassage.model.town.utilities import Utilities

ZONES = ("centre", "north")


def impact(time_s, x_m, size=2):
    n = len(time_s)
    rows = np.arange(n, dtype=np.int32)
    return Impacts(np.array(time_s, float), np.array(x_m, float), np.zeros(n), np.full(n, size, np.int8), rows)


def test_services_fail_and_come_back_on_the_dates_given_in_the_zones_given():
    losses = ({"utility": "gas", "at_h": 2, "zones": ("north",), "restored_h": 5}, {"utility": "power", "at_h": 3})
    utilities = Utilities(Damage(utility_losses=losses), 1, ZONES)
    assert not utilities.advance(7199.0)
    assert utilities.advance(7200.0)
    assert np.argwhere(utilities.is_lost).tolist() == [[Utility.GAS, 1]]
    assert utilities.advance(3 * 3600.0)
    assert utilities.is_lost[Utility.POWER].all()
    assert utilities.advance(5 * 3600.0)
    assert np.argwhere(utilities.is_lost).tolist() == [[Utility.POWER, 0], [Utility.POWER, 1]]


def test_a_service_works_again_only_when_every_loss_is_over():
    losses = ({"utility": "water", "at_h": 1, "restored_h": 4}, {"utility": "water", "at_h": 2, "restored_h": 3})
    utilities = Utilities(Damage(utility_losses=losses), 1, ZONES)
    assert utilities.advance(3.5 * 3600) and utilities.is_lost[Utility.WATER].all()
    assert utilities.advance(4 * 3600) and not utilities.is_lost.any()


def test_an_impact_on_a_site_cuts_the_zones_that_depend_on_it_until_repaired():
    site = {"utility": "power", "x_m": 0, "y_m": 0, "p_lost": (0, 0, 1), "repair_h": 10, "zones": ("centre",)}
    utilities = Utilities(Damage(utility_sites=(site,)), 1, ZONES)
    impacts = impact([100.0, 200.0, 300.0], [31.0, 30.0, 0.0])
    assert not utilities.apply(impacts, 0, 1)
    assert utilities.apply(impacts, 1, 3)
    assert np.argwhere(utilities.is_lost).tolist() == [[Utility.POWER, 0]]
    # The second hit finds the site out already, so the repair is not put off.
    assert utilities.advance(200.0 + 36_000) and not utilities.is_lost.any()
    assert not utilities.apply(impact([90_000.0], [0.0], size=0), 0, 1)
    assert utilities.apply(impact([95_000.0], [0.0]), 0, 1), "once repaired, it can be lost again"


def test_a_site_without_a_repair_stays_out():
    site = {"utility": "phone", "x_m": 0, "y_m": 0, "p_lost": (0, 0, 1)}
    utilities = Utilities(Damage(utility_sites=(site,)), 1, ZONES)
    utilities.apply(impact([100.0], [0.0]), 0, 1)
    utilities.advance(1e9)
    assert utilities.is_lost[Utility.PHONE].all()


def test_an_unknown_zone_or_service_is_refused_with_those_that_exist():
    with pytest.raises(ScenarioError, match=r"utility_losses\[0\]: no zone is called 'south'.*centre, north"):
        Utilities(Damage(utility_losses=({"utility": "gas", "at_h": 1, "zones": ("south",)},)), 1, ZONES)
    with pytest.raises(ValidationError, match="write one of power, gas"):
        Damage(utility_losses=({"utility": "steam", "at_h": 1},))
