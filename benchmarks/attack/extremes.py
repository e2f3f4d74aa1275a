"""Runs at the edge of what scenarios may say; every person is looked at after every step."""

import random
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.attack.loop import Attack
from safepassage.agents.civilians import Injury, Status
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.results.as_written import no_numbers
from safepassage.model.results.columns import Tables
from safepassage.model.settings.scenario import load

STOP = {"name": "School", "latitude_deg": 45.0, "longitude_deg": -33.0}
EDGES: dict[str, list[Any]] = {
    "run.step_s": [7, 60, 600, 3600],
    "run.duration_h": [0.3, 1, 3],
    "population.residents": [1, 7, 300, 3000],
    "population.p_car": [0, 0.5, 1],
    "population.p_split": [0, 1],
    "population.p_needs_assistance_65": [0, 0.7],
    "population.p_slow_65": [0, 0.3],
    "orders.0.compliance": [0, 1],
    "orders.0.issued_h": [0, 0.1],
    "shelling.sources.0.events_per_day": [0, 240, 20_000],
    "shelling.sources.0.spread_m": [1, 150, 5000],
    "harm.casualty_scale": [0, 1, 200],
    "movement.walk_out_limit_m": [0, 20_000],
    "movement.road_news_delay_s": [0, 7200],
    "behaviour.preparation_median_s": [1, 3600],
    "services.pickup_points": [(), ({**STOP, "room": 5},), (STOP, {**STOP, "name": "Church", "latitude_deg": 45.003})],
    "services.patience_s": [1, 7200],
    "services.ambulances.n": [0, 3],
    "curfew.windows": [(), ({"first_day": "2024-07-31", "from_time": "07:00", "until_time": "06:45"},)],
    "shelters.places": [(), ({**STOP, "capacity": 5},)],
    "drones.strikes_per_vehicle_minute": [0, 1],
    "drones.strikes_per_walker_minute": [0, 1],
    "front.distances": [(), ({"day": "2024-08-01", "distance_km": 2}, {"day": "2024-08-02", "distance_km": -4})],
}
"""Key -> values, some of them beyond what anybody would ask for."""
FLEETS = (
    {"name": "Buses", "n_vehicles": 3, "seats": 60, "wheelchair_places": 1, "hub_time_s": 60, "dwell_s": 30},
    {"name": "Vans", "n_vehicles": 4, "seats": 60, "serves": "door_to_door", "hub_time_s": 60, "kind": "armoured"},
)


class ConservationError(AssertionError):
    """Somebody is twice, nowhere, or somewhere they cannot be."""


class ExtremeRuns(Attack):
    """A run with many keys at their edges."""

    def trial(self, chance: random.Random, folder: Path) -> None:
        del folder
        changes = {key: chance.choice(values) for key, values in EDGES.items() if chance.random() < 0.5}
        if changes.get("services.pickup_points"):
            changes["services.fleets"] = [one for one in FLEETS if chance.random() < 0.7]
            if changes["services.fleets"] and chance.random() < 0.5:
                later = {"fleet": changes["services.fleets"][0]["name"], "n_vehicles": 2, "at_h": 0.2}
                changes["services.reinforcements"] = [later]
        changes["run.seed"] = chance.randrange(1000)
        watched(EvacuationModel(load("tiny_town", changes)))


def watched(model: EvacuationModel) -> EvacuationModel:
    """Run a model to its end; raise ConservationError as soon as anybody is not where one person can be."""
    n, was_safe, was_dead = len(model.people), None, None
    while model.running:
        model.step()
        people = model.people
        if len(people) != n or model.recorder.n_by_status.sum() != n:
            raise ConservationError("people were lost or made")
        counted = np.bincount(people.status, minlength=len(Status))
        if counted.size != len(Status) or (counted != model.recorder.n_by_status).any():
            raise ConservationError(f"counted {counted}, recorded {model.recorder.n_by_status}")
        safe, dead = people.status == Status.SAFE, people.status == Status.DEAD
        if was_dead is not None and (was_dead & ~dead).any():
            raise ConservationError("somebody who had died is alive")
        if was_safe is not None and (was_safe & ~safe & ~dead).any():
            raise ConservationError("somebody who was safe is not, and has not died")
        if (dead & (people.injury == Injury.NONE)).any() or (dead & (people.death_time_s > model.time_s + 1e-6)).any():
            raise ConservationError("somebody is dead unhurt, or before their time")
        was_safe, was_dead = safe, dead
        check_seats(model)
        check_parties(model)
    check_tables(model.recorder.tables())
    return model


def check_seats(model: EvacuationModel) -> None:
    """Raise ConservationError unless every household aboard sits in one vehicle only, and every vehicle has seats."""
    aboard = [household for vehicle in model.services.vehicles for household in vehicle.seats.aboard]
    if len(aboard) != len(set(aboard)):
        raise ConservationError("a household sits in two vehicles")
    for vehicle in model.services.vehicles:
        seats = vehicle.seats
        if not 0 <= seats.n_taken <= seats.n or not 0 <= seats.n_places_taken <= seats.n_places:
            raise ConservationError(f"{vehicle.name}: {seats.n_taken} of {seats.n} seats are taken")
        wrong = [one for one in seats.aboard if model.parties.vehicle[one] not in (vehicle.row, -1)]
        if wrong:
            raise ConservationError(f"{vehicle.name}: household {wrong[0]} is noted as aboard another")
    waiting = [household for stop in model.services.stops for household in stop.waiting]
    if len(waiting) != len(set(waiting)):
        raise ConservationError("a household waits at two stops")
    both = set(aboard) & set(waiting)
    if both:
        raise ConservationError(f"household {min(both)} waits at a stop and sits in a vehicle")


def check_parties(model: EvacuationModel) -> None:
    """Raise ConservationError if anybody arrives before they leave, or at a time to come."""
    arrival_s, departure_s = model.parties.arrival_time_s, model.households.departure_time_s
    there = np.isfinite(arrival_s)
    if np.isnan(arrival_s).any() or np.isnan(departure_s).any():
        raise ConservationError("a time is not a number")
    if (arrival_s[there] < departure_s[there] - 1e-6).any() or (arrival_s[there] > model.time_s + 1e-6).any():
        raise ConservationError("somebody arrives before leaving, or in the future")


def check_tables(tables: Tables) -> None:
    """Raise ConservationError if a table holds nan or inf where they mean nothing, or somebody twice."""
    for name, table in tables.items():
        for column, what in no_numbers(table, name).items():
            raise ConservationError(f"{name}.{column} holds {what}, which is given no meaning there")
    persons = tables["persons"].to_pandas()
    if ((persons.status == Status.SAFE.name) & np.isfinite(persons.death_time_s)).any():
        raise ConservationError("somebody is dead and safe")
    if persons.person.duplicated().any():
        raise ConservationError("somebody is there twice")
