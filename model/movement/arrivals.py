"""Who left the area, when, where and how."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np


@dataclass(frozen=True)
class Arrivals:
    """Parties that left the area."""

    party: np.ndarray
    time_s: np.ndarray
    node: np.ndarray
    mode: np.ndarray

    def __len__(self) -> int:
        return self.party.size

    def only(self, mask: np.ndarray) -> "Arrivals":
        """Return some of them."""
        return Arrivals(*(getattr(self, f.name)[mask] for f in fields(self)))

    @classmethod
    def joined(cls, parts: Sequence["Arrivals"]) -> "Arrivals":
        """Return several of them as one."""
        return cls(*(np.concatenate([getattr(a, f.name) for a in parts]) for f in fields(cls)))


NOBODY = Arrivals(np.empty(0, np.int32), np.empty(0), np.empty(0, np.int32), np.empty(0, np.int8))
