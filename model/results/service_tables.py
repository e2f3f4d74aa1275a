"""Tables of what services did: runs of vehicles and trains, stops, crews; and of truces, institutions and cold."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from safepassage.agents.vehicles import PickupPoint, Task


def service_tables(model: Any) -> dict[str, Callable[[], dict]]:
    """Return what makes the columns of the tables `services`, `stops`, `vehicles`; empty without services."""
    if model.services.is_empty:
        return {}
    return {"services": partial(_runs, model), "stops": partial(_stops, model), "vehicles": partial(_vehicles, model)}


def truce_table(model: Any) -> dict[str, Callable[[], dict]]:
    """Return what makes the columns of the table `truces`; nothing in a run without windows of truces."""
    return {"truces": partial(_truces, model)} if model.truces.windows else {}


def institution_table(model: Any) -> dict[str, Callable[[], dict]]:
    """Return what makes the columns of the table `institutions`; nothing in a run without them."""
    return {"institutions": model.departures.institutions.table} if model.settings.institutions else {}


def school_table(model: Any) -> dict[str, Callable[[], dict]]:
    """Return what makes the columns of the table `schools`; nothing in a run without them."""
    if model.population.pupils is None:
        return {}
    return {"schools": lambda: model.departures.day_places.table(model.time_s)}


def cold_tables(model: Any) -> dict[str, Callable[[], dict]]:
    """Return what makes the columns of the tables `cold_days` and `cold_casualties`; nothing without weather."""
    winter = model.under_fire.winter
    if winter is None:
        return {}
    return {
        "cold_days": lambda: winter.books.days(winter, model.time_s),
        "cold_casualties": lambda: winter.books.casualties(winter),
    }


def _truces(model: Any) -> dict:
    windows, corridors = model.truces.windows, model.departures.corridors
    return {
        "truce": pa.array([model.truces.settings[one.truce].name for one in windows], pa.string()),
        "start_s": np.array([one.start_s for one in windows], np.float64),
        "end_s": np.array([one.end_s for one in windows], np.float64),
        "broken_s": np.array([one.broken_s if one.broken_s < model.time_s else np.inf for one in windows], np.float64),
        "n_suspended": model.truces.n_suspended_by(model.impacts, model.time_s),
        "n_set_out": corridors.n_set_out,
        "n_turned_back": corridors.n_turned_back,
        "gathered_person_h": corridors.gathered_person_h(model.time_s),
    }


def _runs(model: Any) -> dict:
    """Return one row for each run, of a vehicle from when it was sent out, of a train at its departure."""
    services = model.services
    rows = [(v.name, v.fleet, v.seats.n, run) for v in services.vehicles for run in v.runs]
    rows += [(line.name, "train", line.seats[0].n, run) for line in services.trains.lines for run in line.runs]
    exits = [*model.streets.exit_name, None]
    return {
        "vehicle": pa.array([name for name, *_ in rows], pa.string()),
        "fleet": pa.array([fleet for _, fleet, *_ in rows], pa.string()),
        "start_s": np.array([run.start_s for *_, run in rows], np.float64),
        "n_pickups": np.array([run.n_pickups for *_, run in rows], np.int64),
        "n_boarded": np.array([run.n_boarded for *_, run in rows], np.int64),
        "n_assisted": np.array([run.n_assisted for *_, run in rows], np.int64),
        "n_seats": np.array([seats for _, _, seats, _ in rows], np.int64),
        "exit": pa.array([exits[run.exit] for *_, run in rows], pa.string()),
        "end_s": np.array([run.end_s for *_, run in rows], np.float64),
    }


def _stops(model: Any) -> dict:
    stops = model.services.stops
    waits = [_waits(model, stop) for stop in stops]
    return {
        "stop": pa.array([stop.name for stop in stops], pa.string()),
        "x_m": np.array([stop.x_m for stop in stops], np.float64),
        "y_m": np.array([stop.y_m for stop in stops], np.float64),
        "protection": pa.array([stop.protection.name for stop in stops], pa.string()),
        "n_boarded": np.array([stop.n_boarded for stop in stops], np.int64),
        "n_waiting": np.array([stop.n_waiting for stop in stops], np.int64),
        "median_wait_s": np.array([median for median, *_ in waits], np.float64),
        "max_wait_s": np.array([longest for _, longest, _ in waits], np.float64),
        "waiting_person_h": np.array([hours for *_, hours in waits], np.float64),
    }


def _waits(model: Any, stop: PickupPoint) -> tuple[float, float, float]:
    """Return median and longest wait of the people who boarded (s), and person-hours of all who waited, so far."""
    riders = model.services.riders
    still = [(model.time_s - float(riders.households.waiting_since_s[h]), riders.size(h)[0]) for h in stop.waiting]
    hours = sum(wait_s * n for wait_s, n in (*stop.waits, *still)) / 3600.0
    if not stop.waits:
        return float("nan"), float("nan"), hours
    wait_s, n = (np.array(column) for column in zip(*stop.waits, strict=True))
    each_s = np.repeat(wait_s, n.astype(np.int64))
    return float(np.median(each_s)) if each_s.size else float("nan"), float(wait_s.max()), hours


def _vehicles(model: Any) -> dict:
    vehicles = model.services.vehicles
    hours = [v.hours_so_far(model.time_s) for v in vehicles]
    crew = np.array([v.n_crew for v in vehicles], np.int64)
    return {
        "vehicle": pa.array([v.name for v in vehicles], pa.string()),
        "fleet": pa.array([v.fleet for v in vehicles], pa.string()),
        "n_seats": np.array([v.seats.n for v in vehicles], np.int64),
        "n_runs": np.array([len(v.runs) for v in vehicles], np.int64),
        "n_boarded": np.array([sum(run.n_boarded for run in v.runs) for v in vehicles], np.int64),
        "n_crew": crew,
        "crew_person_h": crew * np.array(hours, np.float64),
        "n_crew_casualties_expected": np.array([v.expected_crew_casualties for v in vehicles], np.float64),
        "is_lost": np.array([v.task == Task.LOST for v in vehicles], np.bool_),
    }
