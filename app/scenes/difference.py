"""Where more or fewer people are left on the right map than on the left: one map instead of two."""

from typing import Any

import numpy as np

from safepassage.agents.civilians import Status

N_CELLS = 24
"""Squares along a side of the map."""
FEW_RESIDENTS = 10
"""Squares with fewer residents are not shown: they would point at households, as on the answer page."""


def squares(left: Any, right: Any) -> dict:
    """Return the change of people left in each square, of two scenes of one town, as the page draws it.

    People are left who live and are not out of the area; they count where their home is. `change` is int32, row by row
    from the south; a square of few residents holds `none`. `bounds`: the ends of the classes, from far fewer to far
    more.
    """
    n_left, n_residents = _counts(left)
    change = _counts(right)[0] - n_left
    shown = n_residents >= FEW_RESIDENTS
    most = max(int(np.abs(change[shown]).max(initial=0)), 1)
    far, little = max(_round(0.4 * most), 2), max(_round(0.1 * most), 1)
    packed = np.where(shown, change, NONE).astype("<i4")
    return {"n": N_CELLS, "none": NONE, "change": packed.tobytes(), "bounds": [-far, -little, little, far],
            "left": int(n_left.sum()), "right": int(n_left.sum() + change.sum())}  # fmt: skip


NONE = -(2**31)


def _counts(scene: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the people left and the residents of each square."""
    model, home = scene.model, scene.model.people.household
    place = scene.frame.scale(model.households.home_x_m, model.households.home_y_m).astype(np.int64) * N_CELLS >> 16
    cell = (place[:, 1] * N_CELLS + place[:, 0])[home]
    status = model.people.status
    is_left = (status != Status.SAFE) & (status != Status.DEAD)
    return np.bincount(cell[is_left], minlength=N_CELLS**2), np.bincount(cell, minlength=N_CELLS**2)


def _round(value: float) -> int:
    """Return the round number (1, 2 or 5 times a power of ten) not above a value."""
    power = 10 ** int(np.floor(np.log10(max(value, 1.0))))
    return int(max(step * power for step in (1, 2, 5) if step * power <= max(value, 1.0)))
