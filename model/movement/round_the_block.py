"""A second process compiles the kernels of movement by letting a few cars and walkers go round a block."""

from typing import Any

import numpy as np

from safepassage.agents.ground.records import records
from safepassage.agents.rules import by_minutes, drive
from safepassage.agents.rules.by_minutes import MEETINGS, SHARED_LINK, SHARED_STREET, Shared
from safepassage.agents.rules.drive_state import LOOK, SIGHT
from safepassage.model.movement.driving import Driving
from safepassage.model.movement.walking import Walking


def go_round_the_block() -> None:
    """Let two cars and two walkers move on one street there and back, so that the kernels of every run are kept."""
    upstream, downstream, both = np.array([0, 1]), np.array([1, 0]), np.array([0, 1])
    table, length_m = np.array([[0, drive.ARRIVED]], np.int32), np.array([50.0, 50.0])
    cars = Driving(
        upstream=upstream, downstream=downstream, length_m=length_m, free_flow_speed_m_s=length_m / 5, n_vehicles=2
    )
    walkers = Walking(2, upstream, downstream, np.array([0, 0]), length_m, length_m / 10, 2)
    movers: tuple[Any, ...] = (cars, walkers)
    for mode in movers:
        mode.set_next_link(table)
    cars.add(both, np.zeros(2, np.int64), both.astype(np.float64))
    walkers.add(both, np.zeros(2, np.int64), both.astype(np.float64), 1.3)
    for mode in movers:
        mode.advance(2.0)
        mode.advance(100.0)
    no_tables = np.zeros(0, np.bool_)
    nobody_looks = np.zeros(2, np.bool_), records(0, LOOK), records(0, SIGHT), no_tables, no_tables, False
    nothing: Any = Shared
    none = records(0, SHARED_LINK), records(0, SHARED_STREET), records(1, MEETINGS, every_s=60.0)
    shared = nothing(*none, np.zeros(0, np.int64), np.zeros(0))
    times_s = cars.time_s, walkers.time_s, 120.0
    by_minutes.advance(*cars.state(), *walkers.state(), shared, *nobody_looks, *times_s, False, True)
