"""When a run starts, how long it lasts, its time step and its seed."""

from datetime import datetime

from pydantic import Field

from safepassage.model.settings.base import Moment, Section

LONGEST_H = 24 * 1500
"""Longest run (h): somewhat more than four years. Assumption."""


class Run(Section):
    """The run: its clocks and its seed."""

    start: Moment = datetime(2024, 8, 1, 6, 0)
    """Local date and time at which the run starts. Assumption."""
    duration_h: float = Field(6.0, gt=0, le=LONGEST_H)
    """Length of the run (h). Assumption."""
    step_s: float = Field(60.0, gt=0, le=3600)
    """Length of one `model.step()` (s); movement is exact in time whatever its length."""
    record_every_s: float = Field(300.0, gt=0)
    """Time between two rows of the time series (s)."""
    record_positions_every_s: float | None = Field(None, gt=0)
    """Time between two rows of the table `trajectories`, where each party on the streets is (s); default: none is
    written. It takes 17 bytes per party and row, before compression; `safepassage explore RUN` draws it."""
    seed: int = Field(1, ge=0, lt=2**64)
    """Fixes all chance in the run: same seed, same bits."""
