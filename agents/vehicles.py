"""Services as Mesa agents: vehicles that carry people out, stops where people wait for them, ambulances."""

from dataclasses import dataclass, field
from typing import Any

from mesa.agent import Agent

from safepassage.agents.civilians import Protection
from safepassage.agents.rows.rows import RowModel
from safepassage.agents.words import Worded

NOBODY = -1


class Task(Worded):
    """What a service vehicle does now."""

    IDLE = 0, "waits for something to do"
    """Stands at its node, off the road, with nothing to do."""
    TO_STOP = 1, "drives to a stop"
    TO_HOME = 2, "drives to a home"
    BOARDING = 3, "takes people up"
    """Stands at a stop or a home and takes people up."""
    TO_EXIT = 4, "drives out"
    AWAY = 5, "is beyond the exits"
    """Beyond the exits: drives to the hub, unloads, and comes back or waits there until it is needed."""
    TO_CALL = 6, "drives to a call"
    TREATING = 7, "treats somebody"
    TO_BASE = 8, "drives to its base"
    LOST = 9, "is lost"


IDLE, TO_STOP, TO_HOME, BOARDING, TO_EXIT, AWAY, TO_CALL, TREATING, TO_BASE, LOST = Task
"""The tasks by names of their own, for what asks often: a look-up in an enum takes three times as long."""


@dataclass
class Seats:
    """Seats of a vehicle or train, and who sits in them."""

    n: int
    """Ordinary seats."""
    n_places: int
    """Places for people who need assistance; beyond them such a person takes two ordinary seats."""
    n_taken: int = 0
    n_places_taken: int = 0
    aboard: list[int] = field(default_factory=list)
    """Households."""

    @property
    def n_free(self) -> int:
        """Ordinary seats that are free."""
        return self.n - self.n_taken

    def fits(self, n_persons: int, n_assisted: int) -> bool:
        """Return whether a household fits whole."""
        return self._wanted(n_persons, n_assisted)[0] <= self.n_free

    def take(self, household: int, n_persons: int, n_assisted: int) -> bool:
        """Let a household aboard if it fits whole; return whether it did."""
        seats, places = self._wanted(n_persons, n_assisted)
        if seats > self.n_free:
            return False
        self.aboard.append(household)
        self.n_taken += seats
        self.n_places_taken += places
        return True

    def empty(self) -> list[int]:
        """Let all out and return the households that were aboard."""
        aboard, self.aboard = self.aboard, []
        self.n_taken = self.n_places_taken = 0
        return aboard

    def _wanted(self, n_persons, n_assisted):
        places = min(n_assisted, self.n_places - self.n_places_taken)
        return n_persons - n_assisted + 2 * (n_assisted - places), places


@dataclass
class Run:
    """One run of a vehicle, from when it was sent out until it left the area."""

    start_s: float
    n_pickups: int = 0
    n_boarded: int = 0
    n_assisted: int = 0
    exit: int = -1
    end_s: float = float("inf")


class PickupPoint(Agent):
    """A stop: a pickup point, a station, or a place by the road where people wait for help."""

    def __init__(
        self,
        model: RowModel,
        row: int,
        name: str,
        node: int,
        place: tuple[float, float],
        protection: Protection,
        hours: Any = None,
        room: float = float("inf"),
    ) -> None:
        """row: of the stop; node: where people arrive on foot; place: x_m, y_m; room: people it takes.

        model: the model that it belongs to. name: what it is called. protection: what protects people who wait there.
        hours: `OpenHours` in which it is open; None: always.
        """
        super().__init__(model)
        self.row, self.name, self.node, self.protection = row, name, node, protection
        self.x_m, self.y_m = place
        self.hours, self.room = hours, room
        self.has_medics = False
        """Care of the seriously injured begins here."""
        self.is_by_road = False
        """By the road, where people wait for help: beside a vehicle that broke down, or with somebody hurt on foot."""
        self.is_assembly = False
        """A place of assembly, where people stand in their own cars and wait for a slot, not for a seat."""
        self.is_station = False
        """Trains leave from it."""
        self.car_node = node
        """Where vehicles stop."""
        self.sent_to_s = 0.0
        """When a vehicle was sent here last; the start of the run, if none was (s)."""
        self.waiting: list[int] = []
        """Households that wait here."""
        self.n_waiting = 0
        """People who wait here."""
        self.waits: list[tuple[float, int]] = []
        """(time waited in s, people) of each household that has boarded; `board` adds to it."""
        self.n_boarded = 0
        """People who have boarded here."""

    @property
    def is_for_fleets(self) -> bool:
        """Whether those who wait here wait for vehicles of fleets."""
        return not (self.is_station or self.is_assembly)

    def is_open(self, time_s: float) -> bool:
        """Return whether people may come to it at a time (s)."""
        return self.hours is None or self.hours.is_open(time_s)

    def board(self, waited_s: float, n: int) -> None:
        """Note that a household of n people boards that has waited for so long (s)."""
        self.waits.append((waited_s, n))
        self.n_boarded += n


class ServiceVehicle(Agent):
    """A bus or an armoured pickup of a fleet, or an ambulance."""

    def __init__(
        self,
        model: RowModel,
        row: int,
        name: str,
        fleet: str,
        seats: Seats,
        protection: Protection,
        *,
        table: int = NOBODY,
        car_units: int = 1,
        n_crew: int = 1,
    ) -> None:
        """row: of the vehicle; table: row of the next-link tables that is its own, -1: none.

        model: the model that it belongs to. name: what it is called. seats: its seats. protection: what protects those
        aboard. car_units: how much room it takes, in cars. n_crew: people who work on it.
        """
        super().__init__(model)
        self.row, self.name, self.fleet, self.table = row, name, fleet, table
        self.seats, self.protection, self.car_units, self.n_crew = seats, protection, car_units, n_crew
        self.task, self.node, self.target = Task.AWAY, NOBODY, NOBODY
        """What it does; node where it stands, -1: on the road or away; row of the stop, household or person."""
        self.depot = NOBODY
        """Node of its depot, where it stands when it is not needed; -1: beyond the exits."""
        self.is_at_home = False
        """Boards at a home, not at a stop."""
        self.ready_s = 0.0
        """When it has finished at its place: people are aboard or treated, or it is back from the hub (s)."""
        self.arrived_s = 0.0
        self.entered_s = 0.0
        self.hours_in_area = self.expected_crew_casualties = 0.0
        self.stuck_since_s = float("inf")
        self.last_heard_s, self.lull_wanted_s = float("-inf"), 0.0
        """When its crew last heard an impact where it stands, and for how long it must then be quiet to go on (s)."""
        self.waits_for_lull_since_s = float("inf")
        """Since when its crew is in cover (s); inf: it is not."""
        self.from_node = NOBODY
        """Where it set out last, or by which exit it left."""
        self.has_found = False
        """Whether an ambulance has found the one it was called to, alive and seriously injured."""
        self.strike_factor = 1.0
        """Factor on the rate of drone strikes on it: below 1 under escort."""
        self.shift_from_s = float("-inf")
        """When it was first sent out since its crew rested (s)."""
        self.driven_s = 0.0
        """How long it has been on the road, for breakdowns (s)."""
        self.run: Any = None
        """The `Run` that it is on; None at its depot."""
        self.runs: list[Run] = []

    @property
    def is_at_depot(self) -> bool:
        """Whether it stands at its depot, with its crew in the building."""
        return self.task == IDLE and self.node == self.depot

    def leave_area(self, time_s: float) -> None:
        """Note that it is out of the area, and for how long its crew was in it."""
        self.hours_in_area = self.hours_so_far(time_s)

    def hours_so_far(self, time_s: float) -> float:
        """Return how long its crew has been in the area (h)."""
        inside = self.task not in (AWAY, LOST) and not self.is_at_depot
        return self.hours_in_area + (max(0.0, time_s - self.entered_s) / 3600.0 if inside else 0.0)


@dataclass
class ServiceAgents:
    """The stops and the vehicles of a run, each in order of row; both lists only grow."""

    stops: list[PickupPoint] = field(default_factory=list)
    vehicles: list[ServiceVehicle] = field(default_factory=list)


@dataclass
class TrainLine:
    """Trains from one station: when they leave, and who has a seat on which."""

    name: str
    stop: int
    departures_s: list[float]
    seats: list[Seats]
    """By departure: seats promised."""
    early_s: float
    runs: list[Run] = field(default_factory=list)
    """Trains that have left."""

    @property
    def next_s(self) -> float:
        """When the next train leaves (s); inf: no more."""
        return self.departures_s[len(self.runs)] if len(self.runs) < len(self.departures_s) else float("inf")
