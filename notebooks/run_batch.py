"""A batch to change: Tiny Town under early and late orders, twice: Mesa's way, and this project's.

    python notebooks/run_batch.py

Keys are the dotted names of a scenario; `safepassage validate SCENARIO --set KEY=VALUE` says whether one is right.
"""

import os

import mesa
import pandas as pd

from safepassage import EvacuationModel
from safepassage.experiments.sweeps.batch import run_batch

FAST = bool(os.environ.get("SAFEPASSAGE_NOTEBOOK_FAST"))
"""Set this variable to 1 for a few short runs, as the tests do."""
SEEDS = range(1, 3) if FAST else range(1, 21)
HOURS = 1 if FAST else 4
FACTORS = {"orders.0.issued_h": [0.0, 0.5, 1.0], "population.p_car": [0.4] if FAST else [0.2, 0.4, 0.6]}


def mesas_way() -> pd.DataFrame:
    """Return one row per run, from the model's data collector; every key is a parameter of the model.

    number_processes=None uses all cores. The rows tell of the end of each run.
    """
    rows = mesa.batch_run(
        EvacuationModel,
        parameters={"scenario": "tiny_town", "run.seed": list(SEEDS), "run.duration_h": HOURS, **FACTORS},
        number_processes=1,
        max_steps=100_000,
        display_progress=False,
    )
    return pd.DataFrame(rows)


def our_way() -> pd.DataFrame:
    """Return one row per run with every measure of `safepassage run`; `out="runs/batch"` keeps them as Parquet.

    Runs on all cores, may be interrupted and called again, and reads like one table.
    """
    return run_batch("tiny_town", seeds=SEEDS, factors={"run.duration_h": [HOURS], **FACTORS})


if __name__ == "__main__":
    print("Mesa's batch_run: people out, mean over the seeds")
    print(mesas_way().groupby(list(FACTORS))["safe"].mean().unstack(), "\n")
    print("run_batch: people out at the end, mean over the seeds")
    print(our_way().groupby(list(FACTORS))["safe"].mean().unstack())
