"""Names for the types of arrays in signatures; the docstring of a function gives their shapes and units."""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer]
"""Whole numbers of any width: rows, counts, codes of an enum."""
Bools = npt.NDArray[np.bool_]
Records = npt.NDArray[Any]
"""Of a structured type: each entry has fields."""
