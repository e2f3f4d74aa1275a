"""Measure a month of 2,000 impacts a day over a town of 60,000: harm and damage on one core.

    python benchmarks/harm_month.py

Prints the median of three runs in steps of a minute, in seconds of one core, compilation excluded.
"""

from itertools import pairwise
from statistics import median
from time import process_time
from types import SimpleNamespace

import numpy as np

from safepassage.agents.civilians import Injury
from safepassage.model.harm.injuries import HarmByImpacts
from safepassage.model.hazard.impacts import Impacts
from safepassage.model.settings.damage import Damage as DamageSettings
from safepassage.model.settings.harm import Harm
from safepassage.model.town.damage import Damage

SIDE_M, STREET_M, DAYS, PER_DAY, N_HOMES = 5500.0, 100.0, 30, 2000, 24_000
"""A square of 30 km2, about the area of Pokrovsk, with a street every 100 m."""


def town(rng):
    """Return (home_x_m, home_y_m, first_person, protection)."""
    home_x_m, home_y_m = rng.uniform(0, SIDE_M, (2, N_HOMES))
    first_person = np.concatenate([[0], np.cumsum(rng.integers(1, 5, N_HOMES))])
    return home_x_m, home_y_m, first_person, rng.integers(2, 5, first_person[-1]).astype(np.int8)


def month_of_impacts(rng):
    """Return impacts at random places and times; sizes S, M, L in shares 0.5, 0.4, 0.1."""
    n = DAYS * PER_DAY
    time_s = np.sort(rng.uniform(0, DAYS * 86400, n))
    size = rng.choice(3, n, p=[0.5, 0.4, 0.1]).astype(np.int8)
    return Impacts(time_s, *rng.uniform(0, SIDE_M, (2, n)), size, np.arange(n, dtype=np.int32))


def grid_of_streets():
    """Return one-way streets along a square grid, as far as `Damage` reads them."""
    n = int(SIDE_M / STREET_M) + 1
    node = np.arange(n * n).reshape(n, n)
    upstream = np.concatenate([node[:, :-1].ravel(), node[:-1].ravel()])
    downstream = np.concatenate([node[:, 1:].ravel(), node[1:].ravel()])
    x_m, y_m = (node % n).ravel() * STREET_M, (node // n).ravel() * STREET_M
    n_links = upstream.size
    ends = np.column_stack([upstream, downstream]).ravel()
    return SimpleNamespace(
        node_id=tuple(str(i) for i in range(n * n)), link_upstream=upstream, link_downstream=downstream,
        link_street=np.arange(n_links), n_lanes=np.ones(n_links), carriageway_width_m=np.full(n_links, 6.0),
        drivable=np.ones(n_links, bool), walkable=np.ones(n_links, bool), is_bridge=np.zeros(n_links, bool),
        highway=np.zeros(n_links, np.int16), highway_names=("residential",), link_name=("",) * n_links,
        geometry_first=np.arange(n_links + 1) * 2, geometry_x_m=x_m[ends], geometry_y_m=y_m[ends],
    )  # fmt: skip


def time_harm(impacts, town_columns, edges):
    """Return (seconds, people within reach, casualties) of a month of harm."""
    *homes, first_person, protection = town_columns
    harm = HarmByImpacts(Harm(casualty_scale=0.02), 1, *homes, first_person)
    injury, injured_at_s = np.zeros(protection.size, np.int8), np.full(protection.size, np.inf)
    is_present = np.ones(protection.size, bool)
    n_pairs = 0
    began = process_time()
    for first, last in edges:
        pairs = harm.people_at_home_near(impacts, first, last, is_present)
        casualties = harm.injure(injury, injured_at_s, impacts, pairs, protection)
        is_present[casualties.person[casualties.injury == Injury.FATAL]] = False
        n_pairs += pairs.person.size
    return process_time() - began, n_pairs, int((injury > 0).sum())


def time_damage(impacts, town_columns, streets, edges):
    """Return (seconds, closed links, homes lost) of a month of damage with four crews.

    impacts: Impacts of the month. town_columns: as `town` returns them. streets: as `grid_of_streets` returns them.
    edges: pairs of the first impact of each step and the one after its last.
    """
    settings = DamageSettings(crews={"n_crews": 4})
    damage = Damage(settings, 1, streets, town_columns[0], town_columns[1])
    began = process_time()
    for first, last in edges:
        damage.apply(impacts, first, last)
    return process_time() - began, int((~damage.is_open_car).sum()), int(damage.home_lost.sum())


def main():
    """Print the timings."""
    rng = np.random.default_rng(1)
    columns, impacts, streets = town(rng), month_of_impacts(rng), grid_of_streets()
    cuts = np.searchsorted(impacts.time_s, np.arange(0, DAYS * 86400 + 1, 60))
    edges = [(first, last) for first, last in pairwise(cuts) if last > first]
    time_harm(impacts, columns, edges[:50])
    time_damage(impacts, columns, streets, edges[:50])
    harms = [time_harm(impacts, columns, edges) for _ in range(3)]
    damages = [time_damage(impacts, columns, streets, edges) for _ in range(3)]
    print(f"{columns[2][-1]} people, {impacts.time_s.size} impacts, {len(edges)} steps with impacts, {DAYS} days")
    print(f"harm:   {median(h[0] for h in harms):.2f} s ({harms[0][1]} people in reach, {harms[0][2]} casualties)")
    print(f"damage: {median(d[0] for d in damages):.2f} s ({damages[0][1]} links closed, {damages[0][2]} homes lost)")


if __name__ == "__main__":
    main()
