"""Which plans no other beats, when there are several aims."""

from collections.abc import Mapping

import numpy as np
import pandas as pd


def is_pareto(frame: pd.DataFrame, objectives: Mapping[str, str]) -> np.ndarray:
    """Return which trials no other beats: at least as good in every aim and better in one.

    frame: a row for each trial. objectives: aim -> minimise or maximise.
    """
    signs = np.array([1.0 if direction == "minimise" else -1.0 for direction in objectives.values()])
    values = frame[list(objectives)].to_numpy(float) * signs
    no_worse = (values[:, None] <= values[None]).all(axis=2)
    better = (values[:, None] < values[None]).any(axis=2)
    return ~(no_worse & better).any(axis=0)
