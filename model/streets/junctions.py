"""Which streams cross at a junction: the ways into a node that cannot be used at the same time.

Cars keep to one side of the road, so that each street has a place where it comes in and a place where it goes out,
side by side. Two ways into a node cross if a way on of one and a way on of the other do, drawn as chords of a circle
round the node; joining the same street is no crossing (the street shares its room out itself), nor is turning off.
Opposite arms run together: those who turn across oncoming traffic find gaps. Arms that run together are a stage, and
the stages that have traffic share the junction's time.
"""

from dataclasses import dataclass

import numpy as np

from safepassage.agents.compiled import kernel, part
from safepassage.agents.ground.arrays import Bools, Floats, Ints

OPPOSITE_RAD = np.deg2rad(45)
"""Arms whose directions differ by 180 degrees give or take this are opposite. Assumption."""
BESIDE_RAD = 1e-3
"""Angle between where a street comes in and where it goes out, seen from the node: any small one."""


@dataclass(frozen=True)
class Junctions:
    """For each link, those into the same node that cross it."""

    first: np.ndarray
    """Links that cross link i are `link[first[i]:first[i + 1]]`, stage by stage; int64[n_links + 1]."""
    link: np.ndarray
    stage: np.ndarray
    """Stage of each, int32: counted within the node."""
    share: np.ndarray
    """Of each link: share of the junction's time that it takes while others cross; float64[n_links]."""


def junctions_of(
    upstream: Ints, downstream: Ints, reverse: Ints, drivable: Bools, is_exit: Bools, in_rad: Floats, out_rad: Floats,
    share: Floats, *, drives_on_the_right: bool = True,
) -> Junctions:  # fmt: skip
    """Return the Junctions of links. Nothing crosses at an exit: who reaches it leaves.

    upstream, downstream: node at which each link begins and ends. reverse: link of the same street the other way.
    drivable: bool per link. is_exit: bool per node. in_rad, out_rad: direction in which each link comes in at its end
    and sets out at its beginning (rad). share: see `Junctions`. drives_on_the_right: whether cars keep to the right.
    """
    into = np.flatnonzero(drivable & ~is_exit[downstream])
    into = into[np.argsort(downstream[into], kind="stable")]
    out = np.flatnonzero(drivable)
    out = out[np.argsort(upstream[out], kind="stable")]
    nodes = np.arange(is_exit.size + 1)
    into_first = np.searchsorted(downstream[into], nodes)
    out_first = np.searchsorted(upstream[out], nodes)
    side_rad = BESIDE_RAD if drives_on_the_right else -BESIDE_RAD
    of, crossing, stage = _crossings(into, into_first, out, out_first, in_rad, out_rad, reverse, side_rad, OPPOSITE_RAD)
    order = np.lexsort((crossing, stage, of))
    counts = np.bincount(of, minlength=upstream.size)
    first_of = np.concatenate(([0], np.cumsum(counts)))
    return Junctions(first_of, crossing[order].astype(np.int32), stage[order].astype(np.int32), share)


@kernel
def _cross(a, b, c, d):
    """Return whether the chords a-b and c-d of a circle cross; angles (rad). Chords with an end in common do not."""
    turn = 2 * np.pi
    b, c, d = (b - a) % turn, (c - a) % turn, (d - a) % turn
    near = 1e-9
    if abs(c - b) < near or abs(d - b) < near or min(c, turn - c) < near or min(d, turn - d) < near:
        return False
    return (c < b) != (d < b)


@part
def _stages(stage, arms, in_rad, opposite_rad):
    """Write the stage of each way into one node: opposite ones run together, each the nearest to straight ahead."""
    n = 0
    for i in range(arms.size):
        stage[i] = -1
    for i in range(arms.size):
        if stage[i] >= 0:
            continue
        stage[i] = n
        best, other = opposite_rad, -1
        for j in range(i + 1, arms.size):
            off = abs(abs((in_rad[arms[i]] - in_rad[arms[j]]) % (2 * np.pi)) - np.pi)
            if stage[j] < 0 and off < best:
                best, other = off, j
        if other >= 0:
            stage[other] = n
        n += 1


@kernel
def _crossings(into, into_first, out, out_first, in_rad, out_rad, reverse, side_rad, opposite_rad):
    """Return (link, link that crosses it, stage of the latter) of all pairs."""
    n_pairs = 0
    for node in range(into_first.size - 1):
        n = into_first[node + 1] - into_first[node]
        n_pairs += n * (n - 1)
    of, crossing, of_stage = np.empty(n_pairs, np.int64), np.empty(n_pairs, np.int64), np.empty(n_pairs, np.int64)
    n_found = 0
    for node in range(into_first.size - 1):
        arms = into[into_first[node] : into_first[node + 1]]
        ways = out[out_first[node] : out_first[node + 1]]
        stage = np.empty(arms.size, np.int64)
        _stages(stage, arms, in_rad, opposite_rad)
        for i in range(arms.size):
            for j in range(i + 1, arms.size):
                if stage[i] == stage[j]:
                    continue
                found = False
                for p in ways:
                    for q in ways:
                        if p != reverse[arms[i]] and q != reverse[arms[j]] and not found:
                            found = _cross(
                                in_rad[arms[i]] + side_rad, out_rad[p] - side_rad,
                                in_rad[arms[j]] + side_rad, out_rad[q] - side_rad,
                            )  # fmt: skip
                if found:
                    of[n_found], crossing[n_found], of_stage[n_found] = arms[i], arms[j], stage[j]
                    of[n_found + 1], crossing[n_found + 1], of_stage[n_found + 1] = arms[j], arms[i], stage[i]
                    n_found += 2
    return of[:n_found], crossing[:n_found], of_stage[:n_found]
