"""Trains: when they leave, who has taken a seat on which, who gets aboard."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from safepassage.agents.civilians import Protection
from safepassage.agents.parties import Mode
from safepassage.agents.vehicles import NOBODY, PickupPoint, Run, Seats, TrainLine
from safepassage.model.clock import epoch_s
from safepassage.model.services.riders import INF, Riders
from safepassage.model.settings.services import Train

BOARDING_CLOSES_S = 300.0
"""People count on a train only if they can be at the station this long before it leaves (s). Assumption."""


def departures_s(train: Train, run: Any, time_zone: str) -> list[float]:
    """Return when the trains of a line leave within a run and the two days after it (s after the start)."""
    zone = ZoneInfo(time_zone)
    start_s = epoch_s(run.start, time_zone)
    first = datetime.fromtimestamp(start_s, zone).date()
    last = datetime.fromtimestamp(start_s + run.duration_h * 3600.0, zone).date() + timedelta(days=2)
    day, last = train.first_day or first, min(train.last_day or last, last)
    found = []
    while day <= last:
        for clock in train.departures:
            found.append(datetime.combine(day, clock, zone).timestamp() - start_s)
        day += timedelta(days=train.every_n_days)
    return sorted(time_s for time_s in found if time_s >= 0)


class Trains:
    """Lines from stations; people take a seat before they set out, and come in time for their train."""

    def __init__(self, settings: tuple[Any, ...], first_stop: int, run: Run, time_zone: str, riders: Riders) -> None:
        """settings: `Train` of each line; their stations are stops from first_stop on.

        run: start and length of the run. time_zone: name of the zone of local times, such as Europe/Kyiv. riders:
        households that wait for seats or are aboard.
        """
        self.riders, self.settings = riders, settings
        self._timetable_s = [departures_s(train, run, time_zone) for train in settings]
        self.lines = []
        for row, train in enumerate(settings):
            times_s = self._timetable_s[row] if train.begins_after is None else []
            self.lines.append(TrainLine(train.name, first_stop + row, times_s, _seats(train, times_s), train.early_s))
        self.booked: dict[int, tuple[TrainLine, int]] = {}
        """Line and number of the train on which a household has seats."""
        self._followed: list[tuple[float, str]] = []
        self.next_s = self._next_s()

    def book(
        self, household: int, stop: int, now_s: float, walk_s: float, until_s: float, set_out_by: Callable[..., Any]
    ) -> float | None:
        """Give a household seats on the first train from a station; return when it sets out, None: no such train.

        until_s: no train later than this. set_out_by: function (wanted time, latest time) -> a time at which the
        household may set out, None if there is none. stop: the station. now_s: the present (s). walk_s: time that the
        way to the station takes (s).
        """
        size = self.riders.size(household)
        for line in self.lines:
            if line.stop != stop:
                continue
            for number in range(len(line.runs), len(line.departures_s)):
                leaves_s = line.departures_s[number]
                if leaves_s > until_s:
                    break
                latest_s = leaves_s - walk_s - BOARDING_CLOSES_S
                if latest_s < now_s or not line.seats[number].fits(*size):
                    continue
                at_s = set_out_by(max(now_s, leaves_s - line.early_s - walk_s), latest_s)
                if at_s is not None and line.seats[number].take(household, *size):
                    self.booked[household] = (line, number)
                    return at_s
        return None

    def follow(self, trigger: str, at_s: float) -> None:
        """Let lines begin or end with a trigger, by its name, once the moment has come when it acts (s)."""
        if any(trigger in (train.begins_after, train.ends_after) for train in self.settings):
            self._followed = sorted([*self._followed, (at_s, trigger)])
            self.next_s = self._next_s()

    def _begin_and_end(self, at_s: float, trigger: str) -> None:
        for train, line, times_s in zip(self.settings, self.lines, self._timetable_s, strict=True):
            if train.begins_after == trigger:
                line.departures_s = [time_s for time_s in times_s if time_s >= at_s]
                line.seats = _seats(train, line.departures_s)
            if train.ends_after == trigger:
                line.departures_s = [time_s for time_s in line.departures_s if time_s < at_s]
                del line.seats[len(line.departures_s) :]
                n_left = len(line.departures_s)
                late = [h for h, (of, number) in self.booked.items() if of is line and number >= n_left]
                for household in late:
                    del self.booked[household]

    def _next_s(self) -> float:
        """Return when the next train leaves or the next line begins or ends (s); inf: never."""
        moments_s = [line.next_s for line in self.lines] + [at_s for at_s, _ in self._followed[:1]]
        return min(moments_s, default=INF)

    def act(self, stops: list[PickupPoint], until_s: float) -> None:
        """Let the trains leave, and lines begin and end, that are due before a time."""
        while self.next_s < until_s:
            if self._followed and self._followed[0][0] <= self.next_s:
                self._begin_and_end(*self._followed.pop(0))
            else:
                line = min(self.lines, key=lambda line: line.next_s)
                self._leave(line, stops[line.stop])
            self.next_s = self._next_s()

    def _leave(self, line: TrainLine, stop: PickupPoint) -> None:
        number, time_s = len(line.runs), line.next_s
        promised = line.seats[number]
        seats = Seats(promised.n, promised.n_places)
        run = Run(time_s, n_pickups=1, end_s=time_s)
        if stop.waiting:
            first = set(promised.aboard)
            run.n_boarded, run.n_assisted, _ = self.riders.board(
                stop, seats, Mode.TRAIN, NOBODY, Protection.VEHICLE, time_s, time_s, first
            )
        aboard = np.array(seats.aboard, np.int64)
        if aboard.size:
            self.riders.population.arrive(aboard, np.full(aboard.size, time_s), np.full(aboard.size, -1, np.int32))
        for household in {*promised.aboard, *seats.aboard}:
            self.booked.pop(household, None)
        line.runs.append(run)


def _seats(train: Train, times_s: list[float]) -> list[Seats]:
    """Return the seats of each train of a line, none taken."""
    return [Seats(train.seats, train.wheelchair_places) for _ in times_s]
