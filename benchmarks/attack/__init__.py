"""Hostile input and extreme runs, without end if asked for: `python -m benchmarks attack --minutes N`.

Each attack makes one trial at a time from a random generator that it is given, so that a trial can be repeated by its
kind and number.
"""

from benchmarks.attack.extremes import ExtremeRuns
from benchmarks.attack.files import Graphs, Tables
from benchmarks.attack.folders import RunFolders, StudyFolders
from benchmarks.attack.loop import Attack, Counts, attack
from benchmarks.attack.scenarios import Scenarios
from benchmarks.attack.sweeps import FullDisks, Kills

ATTACKS: dict[str, type[Attack]] = {
    "scenarios": Scenarios,
    "graphs": Graphs,
    "tables": Tables,
    "folders": RunFolders,
    "studies": StudyFolders,
    "extremes": ExtremeRuns,
    "disks": FullDisks,
    "kills": Kills,
}

__all__ = ["ATTACKS", "Attack", "Counts", "attack"]
