"""One picture of the map as bytes, as the browser reads it (web/frame.js)."""

from dataclasses import dataclass, field

import numpy as np

HEAD = np.dtype([
    ("seq", "<u4"), ("epoch", "<u4"), ("time_s", "<f8"), ("step_ms", "<f4"), ("n_rows", "<u4"), ("row_width", "<u4"),
    ("n_closed", "<u4"), ("n_exits", "<u4"), ("n_shelters", "<u4"), ("n_points", "<u4"), ("n_impacts", "<u4"),
    ("n_front", "<u4"), ("homes_side", "<u4"),
])  # fmt: skip
"""Head of a picture, 56 bytes; the arrays follow in the order of Picture, 4-byte numbers first."""


@dataclass
class Picture:
    """What is drawn at one moment."""

    time_s: float
    step_ms: float
    rows: np.ndarray
    """float32[n, width]: rows of the charts not sent before."""
    closed: np.ndarray = field(default_factory=lambda: np.empty((0, 1), "<u4"))
    """Streets closed to cars, times 2; plus 1 if closed to walkers too."""
    exits: np.ndarray = field(default_factory=lambda: np.empty((0, 3), "<u4"))
    """Persons out so far, cars on the last kilometre, 1 if open."""
    shelters: np.ndarray = field(default_factory=lambda: np.empty((0, 2), "<u4"))
    """Persons inside, 1 if open."""
    points: np.ndarray = field(default_factory=lambda: np.empty((0, 2), "<u2"))
    impacts: np.ndarray = field(default_factory=lambda: np.empty((0, 4), "<u2"))
    """x, y, age as a share of the time for which it is shown, size."""
    front: np.ndarray = field(default_factory=lambda: np.empty((0, 2), "<u2"))
    """Points of lines and of an arrow, as `scene.FrontLines` gives them."""
    homes: np.ndarray = field(default_factory=lambda: np.empty(0, np.uint8))
    """Share of the fullest cell, square of cells row by row from the south; empty: as before."""
    party: np.ndarray = field(default_factory=lambda: np.empty(0, "<u4"))
    """Number of the party of each point, by which the browser knows it again in the next picture."""
    kind: np.ndarray = field(default_factory=lambda: np.empty(0, np.uint8))
    """Kind of each point, `Kind`."""


def pack(picture: Picture, seq: int, epoch: int) -> bytes:
    """Return a picture as bytes."""
    head = np.zeros(1, HEAD)
    n_rows, width = picture.rows.shape
    head[0] = (
        seq, epoch, picture.time_s, picture.step_ms, n_rows, width, picture.closed.size, len(picture.exits),
        len(picture.shelters), len(picture.points), len(picture.impacts), len(picture.front),
        round(picture.homes.size**0.5),
    )  # fmt: skip
    arrays = (
        picture.rows.astype("<f4"), picture.closed.astype("<u4"), picture.exits.astype("<u4"),
        picture.shelters.astype("<u4"), picture.party.astype("<u4"), picture.points.astype("<u2"),
        picture.impacts.astype("<u2"), picture.front.astype("<u2"), picture.homes.astype(np.uint8),
        picture.kind.astype(np.uint8),
    )  # fmt: skip
    return head.tobytes() + b"".join(array.tobytes() for array in arrays)


def join(pictures: list[bytes]) -> bytes:
    """Return several pictures as one message: how many, the length of each, then each from a multiple of 8 bytes."""
    padded = [data + bytes(-len(data) % 8) for data in pictures]
    lengths = np.array([len(padded), *(len(data) for data in padded)], "<u4")
    head = lengths.tobytes()
    return head + bytes(-len(head) % 8) + b"".join(padded)
