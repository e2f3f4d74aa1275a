"""Records of walkers and of the streets they walk on: what the kernels in agents/rules/walk.py read and write."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np

ARRIVED, NO_ROUTE = -2, -1
"""Values of a next-link table beside link indices."""


class Stage(IntEnum):
    """Where a party stands on its way."""

    AWAY = 0
    DUE = 1
    WALKING = 2
    AT_GATE = 3
    AT_ENTRY = 4
    HELD = 5


class Event(IntEnum):
    """What happens next on a street."""

    REACHES_END = 0
    PASSES_GATE = 1
    ENTERS = 2
    CHANGES_PLACES = 3


WALKER = np.dtype(
    [("speed_m_s", "f8"), ("target_s", "f8"), ("link", "i4"), ("node", "i4"), ("wanted", "i4"), ("table", "i4"),
     ("n_persons", "i4"), ("stage", "i4"), ("behind", "i4"), ("to_64_bytes", "i4", 5)],
    align=True,
)  # fmt: skip
"""A party. target_s: of its street's clock, while it walks; link: -1 at a node; node: where it set out, or the last
gate it passed; wanted: link that it waits for, or sets out on; table: row of the next-link table; behind: who stands
behind it in a queue."""
RANK = np.dtype([("target_s", "f8"), ("walker", "i4"), ("link", "i4")])
"""One of those who walk on a street: when it reaches the end of its link. The first rank of a block is not used by a
walker but has the street (walker) and the number of ranks (link)."""
LINK = np.dtype(
    [("length_m", "f8"), ("gate_free_s", "f8"), ("n_entered", "i8"), ("n_left", "i8"), ("upstream", "i4"),
     ("downstream", "i4"), ("street", "i4"), ("first", "i4"), ("last", "i4"), ("is_open", "i4"), ("to_64_bytes", "i8")],
    align=True,
)  # fmt: skip
"""One direction of a street. first, last: queue at the gate; n_entered, n_left: persons."""
STREET = np.dtype(
    [("progress_s", "f8"), ("updated_s", "f8"), ("pace", "f8"), ("entry_free_s", "f8"), ("area_m2", "f8"),
     ("flow_capacity_per_s", "f8"), ("speed_factor", "f8"), ("speed_sum_m_s", "f8"), ("length_m", "f8"),
     ("swap_s", "f8"), ("n_persons", "i4"), ("next_event", "i4"), ("begin", "i4"), ("end", "i4"), ("block", "i4"),
     ("block_end", "i4"), ("first", "i4"), ("last", "i4"), ("n_at_gates", "i4"), ("link_a", "i4"), ("link_b", "i4"),
     ("to_128_bytes", "i4")],
    align=True,
)  # fmt: skip
"""A street, or the way out at an exit (area_m2: infinite). begin, end: ranks of those who walk on it, within its
block (-1: none); first, last: queue of those who wait to enter."""
TURN = np.dtype([("next_s", "f8"), ("slot", "i8"), ("slot_next", "i4")], align=True)
"""When a street has its next event, and where it stands on the event wheel (-1: nowhere). Kept small and apart from
STREET, because the wheel looks at many."""
CLOCK = np.dtype(
    [("slots_per_s", "f8"), ("slot", "i8"), ("n_scheduled", "i8"), ("n_departed", "i8"), ("n_arrived", "i8"),
     ("n_ranks_used", "i8"), ("unharmed_s", "f8")]
)  # fmt: skip
"""slots_per_s: of the event wheel, a power of two, so that slot numbers are exact. unharmed_s: when everybody's danger
was counted last by minutes and nobody had a dose."""
RULES = np.dtype(
    [("gamma_per_m2", "f8"), ("jam_density_per_m2", "f8"), ("critical_density_per_m2", "f8"), ("least_pace", "f8"),
     ("swap_after_s", "f8"), ("specific_flow_per_m_s", "f8"), ("least_width_m", "f8")]
)  # fmt: skip


DANGER = np.dtype([("strikes_per_s", "f8"), ("crossfire_per_s", "f8")])
"""What time on a link costs on foot: strikes and crossfire."""
DOSE = np.dtype([("since_s", "f8"), ("strikes", "f8"), ("crossfire", "f8")])
"""Danger that a party has gone through on links since it was last read; since_s: time up to which it is counted."""


class Crowd(NamedTuple):
    """All that the kernels read and write; record arrays, one row each."""

    walkers: np.ndarray
    ranks: np.ndarray
    links: np.ndarray
    streets: np.ndarray
    """Streets, then exits with a flow capacity, then one row whose queue holds those who have no way on."""
    turns: np.ndarray
    """As streets."""
    slots: np.ndarray
    """First street of each slot of the event wheel; -1: none."""
    clock: np.ndarray
    rules: np.ndarray
    next_link: np.ndarray
    exit_street: np.ndarray
    """Row in streets of the way out at a node; -1: people leave without hindrance."""
    arrived: np.ndarray
    """Those who have arrived and have not been taken note of yet: the first clock.n_arrived of these three."""
    arrived_s: np.ndarray
    arrived_node: np.ndarray
    dangers: np.ndarray
    """DANGER[n_links], or none."""
    doses: np.ndarray
    """DOSE by party."""
    ring: np.ndarray
    """int32[3, n]: scratch of the search for parties that can change places."""
