"""Small counts of people, which could tell who somebody is: they are withheld from whatever leaves a run."""

import numpy as np
import pandas as pd

from safepassage.agents.civilians import Injury, Protection, Status

LEAST_CELL = 10
"""Counts of people below this are withheld (the usual least cell of statistics offices). Assumption."""
AGGREGATED = ("timeseries", "casualties", "exit_states", "street_changes", "links", "onward_roads", "impacts", "exits",
              "exposure", "zones", "zone_outlines", "front", "shelters", "shelter_states")  # fmt: skip
"""Tables without a row for a person, a party or a vehicle: the others leave only by --individual."""
NOT_PEOPLE = ("n_impacts_so_far", "n_links_closed")
"""Counts of other things than people and the cars that they are in."""
GROUPS = (
    [f"n_{one.name.lower()}" for one in Status],
    [f"n_injury_{one.name.lower()}" for one in Injury],
    [f"n_{one.name.lower()}_at_risk" for one in Protection],
)
"""Columns that add up to a number that is known: one withheld alone could be told from the others."""


def withheld(counts: pd.DataFrame) -> pd.DataFrame:
    """Return counts (rows: zones) in which none from 1 to 9 can be read, nor be told from the others of its row."""
    found = counts.astype("Int64")
    values = counts.to_numpy()
    hidden = (values > 0) & (values < LEAST_CELL)
    for row in np.flatnonzero(hidden.sum(axis=1) == 1):
        others = np.flatnonzero(~hidden[row] & (values[row] > 0))
        if others.size:
            hidden[row, others[np.argmin(values[row, others])]] = True
    return found.mask(hidden)


def without_small_counts(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """Return an aggregated table without its small counts of people, and of cars with people in them.

    name: of the table. What was summed over few people, and the hours spent by kind of person and zone, go as well.
    """
    if name == "exposure":
        return table.groupby("protection", as_index=False, sort=False)["exposure_person_h"].sum()
    table = table.copy()
    groups = [[column for column in group if column in table] for group in GROUPS]
    if name == "zones":
        groups = [[column for column in table if column.startswith("n_")]]
    for group in filter(None, groups):
        table[group] = withheld(table[group])
    done = {column for group in groups for column in group}
    for column in table.columns:
        if column.startswith("n_") and column not in done | set(NOT_PEOPLE) and table[column].dtype.kind in "iu":
            counts = table[column].astype("Int64")
            table[column] = counts.mask((counts > 0) & (counts < LEAST_CELL))
    _withhold_what_tells(table)
    return table


def _withhold_what_tells(table: pd.DataFrame) -> None:
    """Withhold what a count that is withheld could be worked out from."""
    if "delay_vehicle_h" in table:
        few = table["n_vehicles"].isna()
        for column in ("delay_vehicle_h", "time_vehicle_h"):
            table[column] = table[column].mask(few)
    if "n_left_town" in table:
        table["n_left_town"] = table["n_left_town"].mask(table["n_safe"].isna())
    if "delivered_per_s" in table:
        few = table["n_cars"].isna() | (table["delivered_per_s"] * 3600.0 < LEAST_CELL)
        for column in ("delivered_per_s", "used_share"):
            table[column] = table[column].mask(few & (table[column] > 0))
        in_cars = table["n_persons"] - table["n_walkers"]
        table["n_walkers"] = table["n_walkers"].mask((in_cars > 0) & (in_cars < LEAST_CELL))
