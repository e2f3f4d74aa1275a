"""The same seed gives the same bits, whatever the threads, the folder, the language, the clock and the caches are."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

RUN = """
import json, sys
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.results.columns import digest
changes = {"run.duration_h": 1, "population.residents": 1500, "services.ambulances.n": 1, "population.p_car": 0.5}
model = EvacuationModel("tiny_town", **changes).run()
print(json.dumps({name: digest(table) for name, table in model.recorder.tables().items()}, sort_keys=True))
"""
OTHERWISE: dict[str, dict[str, str]] = {
    "two threads": {"NUMBA_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"},
    "another hash seed": {"PYTHONHASHSEED": "12345"},
    "another language": {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "PYTHONUTF8": "0"},
    "another time zone": {"TZ": "Pacific/Chatham"},
    "another folder": {},
    "fresh caches": {},
}
"""Circumstance -> the environment variables that set it."""


def digests(env: dict[str, str], folder: Path) -> str:
    """Return the digests of the tables of a short run in a process of its own."""
    whole = {**os.environ, "NUMBA_NUM_THREADS": "1", "PYTHONHASHSEED": "0", **env}
    done = subprocess.run(
        [sys.executable, "-c", RUN], capture_output=True, text=True, env=whole, cwd=folder, check=True
    )
    return done.stdout


def differences(names: list[str]) -> list[str]:
    """Return the circumstances under which a run gives other results."""
    with tempfile.TemporaryDirectory() as top:
        folder, cache = Path(top) / "a folder, à côté", Path(top) / "cache"
        folder.mkdir()
        expected, found = digests({}, Path(top)), []
        for name in names:
            env = OTHERWISE[name] | ({"NUMBA_CACHE_DIR": str(cache)} if name == "fresh caches" else {})
            if digests(env, folder if name == "another folder" else Path(top)) != expected:
                found.append(name)
    return found
