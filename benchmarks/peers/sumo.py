"""SUMO's mesoscopic model (eclipse-sumo on PyPI): the same streets as plain XML, the same routes.

Its headways are set to the same triangular diagram as far as its options allow: 1 s and 5 m a vehicle give
the same capacity and the same storage. All else is its default; so vehicles blocked for 300 s are teleported,
and counted.
"""

import os
import subprocess
import tempfile
import time
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from benchmarks.city import JAM_DENSITY_PER_M, WAVE_SPEED_M_S, City
from benchmarks.peers import Outcome, version_of

HEADWAY_S = 1 / (WAVE_SPEED_M_S * JAM_DENSITY_PER_M)


def version() -> str | None:
    """Return the installed version, None if there is none."""
    return version_of("eclipse-sumo")


def _program(name):
    import sumo

    return str(Path(sumo.SUMO_HOME) / "bin" / name)


def run(city: City, *, same_headways: bool = True) -> Outcome:
    """Drive everyone out; the time is SUMO's own figure for its loop, without loading the streets."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        _write_streets(city, folder)
        _write_trips(city, folder / "trips.rou.xml")
        subprocess.run(
            [_program("netconvert"), "-n", folder / "city.nod.xml", "-e", folder / "city.edg.xml", "-o",
             folder / "city.net.xml", "--no-turnarounds", "--no-internal-links", "--no-warnings"],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        command = [
            _program("sumo"),
            "-n",
            folder / "city.net.xml",
            "-r",
            folder / "trips.rou.xml",
            "--mesosim",
        ]
        for tau in ("tauff", "taufj", "taujf", "taujj") if same_headways else ():
            command += [f"--meso-{tau}", HEADWAY_S]
        command += ["--statistic-output", folder / "statistics.xml", "--duration-log.statistics",
                    "--no-step-log", "--no-warnings", "--xml-validation", "never"]  # fmt: skip
        started = time.perf_counter()
        process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - started
        if status:
            raise RuntimeError(f"sumo ended with status {status}")
        found = ElementTree.parse(folder / "statistics.xml").getroot()
    trips, clock = found.find("vehicleTripStatistics").attrib, found.find("performance").attrib
    loop_s = float(clock.get("clockDuration", wall_s))
    return Outcome(
        wall_s=loop_s,
        cpu_s=(usage.ru_utime + usage.ru_stime) * min(1.0, loop_s / wall_s),
        n_completed=int(trips["count"]),
        mean_travel_time_s=float(trips["duration"]) + float(trips["departDelay"]),
        clearance_s=float(clock["end"]),
        n_teleports=int(found.find("teleports").get("total")),
        peak_mb=usage.ru_maxrss / 1024,
    )


def _write_streets(city, folder):
    with open(folder / "city.nod.xml", "w") as file:
        file.write("<nodes>\n")
        for i, (x, y) in enumerate(zip(city.node_x_m, city.node_y_m, strict=True)):
            file.write(f'<node id="{i}" x="{x:.3f}" y="{y:.3f}" type="priority"/>\n')
        file.write("</nodes>\n")
    with open(folder / "city.edg.xml", "w") as file:
        file.write("<edges>\n")
        for i in range(city.length_m.size):
            file.write(
                f'<edge id="{i}" from="{city.link_upstream[i]}" to="{city.link_downstream[i]}" numLanes="1" '
                f'speed="{city.speed_m_s[i]}" length="{city.length_m[i]:.3f}"/>\n'
            )
        file.write("</edges>\n")


def _write_trips(city, path):
    with open(path, "w") as file:
        room_m = 1 / JAM_DENSITY_PER_M
        file.write(
            f'<routes>\n<vType id="car" length="{room_m / 2}" minGap="{room_m / 2}" tau="1" sigma="0" '
            'speedFactor="1" speedDev="0"/>\n'
        )
        for origin in np.unique(city.trip_origin):
            file.write(f'<route id="r{origin}" edges="{" ".join(map(str, city.path(origin)))}"/>\n')
        for i, (origin, departure_s) in enumerate(zip(city.trip_origin, city.trip_departure_s, strict=True)):
            how = f'type="car" route="r{origin}" departSpeed="max"'
            file.write(f'<vehicle id="{i}" depart="{departure_s:.2f}" {how}/>\n')
        file.write("</routes>\n")
