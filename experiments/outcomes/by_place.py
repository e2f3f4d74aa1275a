"""Outcomes by place: who is left in each cell of the map, how long vehicles were held up on each street."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from safepassage.agents.civilians import Status
from safepassage.experiments.questions.paired import is_clear_by_t
from safepassage.model.results.map_tables import one_per_street

LEFT, DELAYS, STREETS = "left_by_cell", "delay_by_street", "streets_drawn"
CELLS_ALONG = 48
"""Cells of a run along the longer side of the map; those of a comparison are joined until they hold enough people."""
LEAST_RESIDENTS = 40
"""Residents that the cells of a comparison have in the mean, at least: a share of few says nothing, and points at
households. Assumption, as for the map of homes of one run."""
LEAST_DELAY_H = 0.01
"""A street where a run loses less is left out of its table (vehicle-hours)."""


def cell_size_m(links: pd.DataFrame) -> float:
    """Return the side of the cells (m): a round length, the same in all runs on the same streets."""
    x, y = (np.concatenate(links[name].to_numpy()) for name in ("x_m", "y_m"))
    wanted = max(np.ptp(x), np.ptp(y), 1.0) / CELLS_ALONG
    power = 10.0 ** np.floor(np.log10(wanted))
    return float(min(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= wanted))


def left_by_cell(run) -> pa.Table:
    """Return by cell of homes: residents, and those of them who are alive and not out at the end of a run."""
    persons, size_m = run.frame("persons"), cell_size_m(run.frame("links"))
    is_left = ~persons["status"].isin([Status.SAFE.name, Status.DEAD.name])
    cells = pd.DataFrame(
        {
            "cell_x_m": (np.floor(persons["home_x_m"] / size_m) + 0.5) * size_m,
            "cell_y_m": (np.floor(persons["home_y_m"] / size_m) + 0.5) * size_m,
            "n_residents": 1, "n_left": is_left.astype(int),
        }
    )  # fmt: skip
    found = cells.groupby(["cell_x_m", "cell_y_m"], as_index=False).sum()
    return pa.Table.from_pandas(found.assign(cell_m=size_m), preserve_index=False)


def delay_by_street(run) -> pa.Table:
    """Return the streets where a run lost time, as rows of `streets_drawn`, and the vehicle-hours lost."""
    delay_h = one_per_street(run.frame("links"))["delay_vehicle_h"].to_numpy(float)
    rows = np.flatnonzero(delay_h >= LEAST_DELAY_H)
    return pa.table({"street": rows.astype(np.int32), "delay_vehicle_h": delay_h[rows]})


def streets_drawn(run) -> pa.Table:
    """Return one row per street: its name, class and course."""
    streets = one_per_street(run.frame("links"))[["upstream", "downstream", "name", "highway", "x_m", "y_m"]]
    return pa.Table.from_pandas(streets, preserve_index=False)


TABLES: dict[str, Callable] = {LEFT: left_by_cell, DELAYS: delay_by_street, STREETS: streets_drawn}
"""Tables that a study can keep of a run besides those that the run itself writes: name -> function of the run."""


def means_by_place(folder: Path, keys: Mapping[str, Sequence[str]]) -> dict[str, pa.Table]:
    """Return the tables of a comparison by place, each the mean over its runs.

    folder: of the kept tables. keys: plan -> keys of its runs, the baseline first, pairs in the same order.
    """
    plans = list(keys)
    first = keys[plans[0]][0]
    left = pd.concat([_of_runs(folder / LEFT, plan, keys[plan]) for plan in plans])
    delays = pd.concat([_of_runs(folder / DELAYS, plan, keys[plan]) for plan in plans])
    n = len(keys[plans[0]])
    delays = delays.groupby(["plan", "street"], sort=False, as_index=False)["delay_vehicle_h"].sum()
    delays["delay_vehicle_h"] /= n
    return {
        LEFT: pa.Table.from_pandas(_left(left, plans, n), preserve_index=False),
        DELAYS: pa.Table.from_pandas(delays, preserve_index=False),
        STREETS: pq.read_table(folder / STREETS / f"{first}.parquet"),
    }


def _of_runs(folder: Path, plan: str, keys: Sequence[str]) -> pd.DataFrame:
    frames = [pq.read_table(folder / f"{key}.parquet").to_pandas().assign(pair=k) for k, key in enumerate(keys)]
    return pd.concat(frames).assign(plan=plan)


def _left(left: pd.DataFrame, plans: Sequence[str], n: int) -> pd.DataFrame:
    """Return by plan and cell: mean residents and mean left, the mean difference to the first plan, is it clear."""
    left = _joined(left, n)
    cell_m = float(left["cell_m"].iloc[0])
    cells = left.groupby(["cell_x_m", "cell_y_m"]).ngroup().to_numpy()
    places = left.assign(cell=cells).drop_duplicates("cell").sort_values("cell")[["cell_x_m", "cell_y_m"]]
    counts = {}
    for plan in plans:
        mine = (left["plan"] == plan).to_numpy()
        for name in ("n_residents", "n_left"):
            grid = np.zeros((n, len(places)))
            grid[left["pair"].to_numpy()[mine], cells[mine]] = left[name].to_numpy()[mine]
            counts[plan, name] = grid
    parts = []
    for plan in plans:
        change = counts[plan, "n_left"] - counts[plans[0], "n_left"]
        parts.append(
            places.assign(
                plan=plan, cell_m=cell_m, n_residents=counts[plan, "n_residents"].mean(axis=0),
                n_left=counts[plan, "n_left"].mean(axis=0), change=change.mean(axis=0),
                is_clear=[is_clear_by_t(column) for column in change.T],
            )
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _joined(left: pd.DataFrame, n: int) -> pd.DataFrame:
    """Return the cells joined to squares of 1, 2, 3, ... of them aside, until they hold enough residents in the mean.

    left: cells of the runs of all plans. n: runs of each plan.
    """
    size_m = float(left["cell_m"].iloc[0])
    for aside in range(1, CELLS_ALONG + 1):
        side_m = aside * size_m
        x, y = ((np.floor(left[name] / side_m) + 0.5) * side_m for name in ("cell_x_m", "cell_y_m"))
        joined = left.assign(cell_x_m=x, cell_y_m=y, cell_m=side_m)
        places = joined.groupby(["cell_x_m", "cell_y_m"])["n_residents"].sum() / (n * joined["plan"].nunique())
        if places.mean() >= LEAST_RESIDENTS:
            break
    by = ["plan", "pair", "cell_m", "cell_x_m", "cell_y_m"]
    return joined.groupby(by, sort=False, as_index=False)[["n_residents", "n_left"]].sum()
