"""Reception: who of those out looks for a bed, to which place they go first, and what became of them at each moment.

What happens there changes nothing in the town, so it is looked up only when a row of results is kept: it follows from
who came out when, and is the same however often it is looked at.
"""

import math
from typing import Any

import numpy as np

from safepassage.agents.civilians import Status
from safepassage.agents.ground.arrays import Ints
from safepassage.agents.parties import Mode
from safepassage.model.draws import Stream, keys_of, uniforms_for
from safepassage.model.people.population import Entry, Ledger, Population
from safepassage.model.reception.beds import HAS_CHILDREN, KINDS, NEEDS_HELP, NOWHERE, Beds
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.levers.reception import ComesBy, ReceptionPlace
from safepassage.model.settings.levers.reception import Reception as Settings
from safepassage.model.streets.streets import Streets

DETOUR, SPEED_KM_H = 1.3, 60.0
"""Length of a way against the straight line, and speed on it, where a place is given in degrees. Assumption."""
FARTHEST_M = 1_500_000.0
"""A place farther than this from an exit is taken for a mistake: Ukraine is 1,300 km wide. Assumption."""
USUAL_WAY_H = 0.5
"""Way to a place of which nothing is said (h). Assumption."""
BY_ROAD = {Mode.CAR: ComesBy.CAR, Mode.LIFT: ComesBy.CAR, Mode.BUS: ComesBy.BUS, Mode.TRAIN: ComesBy.TRAIN}
"""How people come to a reception place, by their mode; on foot otherwise."""


class Reception:
    """The reception places of a run, and everybody who is out."""

    def __init__(self, settings: Settings, population: Population, streets: Streets, seed: int) -> None:
        """Raises ScenarioError for a place behind an exit that the town does not have.

        settings: the scenario's section `reception`. population: everybody. streets: with the exits. seed: of the run.
        """
        self.settings, self.population = settings, population
        self.is_empty = not settings.places
        if self.is_empty:
            return
        self._refuse_unknown_exits(streets)
        population.ledger = []
        h, people = population.households, population.people
        keys = keys_of(h)
        self._u_seeks = uniforms_for(seed, Stream.RECEPTION, keys)
        self._order = uniforms_for(seed, Stream.RECEPTION, keys, index=1)
        kind = h.has_children * HAS_CHILDREN + h.needs_help * NEEDS_HELP
        self._kind = kind.astype(np.int8)
        self.beds = Beds(settings.places, self._order[people.household], self._kind[people.household])
        self._choices = self._first_places(streets)
        self._rows: list[tuple[float, Any]] = []

    def _refuse_unknown_exits(self, streets: Streets) -> None:
        for row, place in enumerate(self.settings.places):
            for name in place.exits:
                if name not in streets.exit_name:
                    there = ", ".join(streets.exit_name) or "none"
                    raise ScenarioError(
                        f"reception.places.{row}.exits: {place.name!r} is to lie behind {name!r}, and there is no such "
                        f"exit. There are {there}. Correct the name, or leave `exits` out: it then lies behind all."
                    )

    def _first_places(self, streets: Streets) -> dict[tuple[int, str, int], tuple[int, float]]:
        """Return (row of the exit, how they come, kind of household) -> (place reached first, way there in s)."""
        found = {}
        for exit_row in range(-1, len(streets.exit_name)):
            for by in ComesBy:
                for kind in range(4):
                    ways = [
                        (_way_s(place, streets, exit_row, by), place.name, row)
                        for row, place in enumerate(self.settings.places)
                        if by in place.comes_by and kind in KINDS[place.takes]
                        and (exit_row < 0 or not place.exits or streets.exit_name[exit_row] in place.exits)
                    ]  # fmt: skip
                    way_s, _, row = min(ways, default=(0.0, "", NOWHERE))
                    found[exit_row, str(by), kind] = (row, way_s)
        return found

    def advance(self, until_s: float) -> None:
        """Let everything happen that is due up to a time, this included (s)."""
        ledger = self.population.ledger or []
        self.population.ledger = []
        moments = [(float(time_s), int(entry.what), number, k)
                   for number, entry in enumerate(ledger) for k, time_s in enumerate(entry.time_s)]  # fmt: skip
        h, household_of = self.population.households, self.population.people.household

        def rank(moment: tuple[float, int, int, int]) -> tuple[float, int, float]:
            time_s, what, number, k = moment
            row = int(ledger[number].row[k])
            return time_s, what, float(self._order[household_of[row] if what == Ledger.DIED else row])

        for time_s, what, number, k in sorted(moments, key=rank):
            entry, row = ledger[number], int(ledger[number].row[k])
            self.beds.advance(time_s)
            if what == Ledger.CAME_OUT:
                self._come(row, entry, k)
                continue
            person = np.array([row]) if what == Ledger.DIED else np.arange(h.first_person[row], h.first_person[row + 1])
            self.beds.leave(person[self.beds.stay[person] > 0], time_s)
        self.beds.advance(until_s)

    def _come(self, household: int, entry: Entry, k: int) -> None:
        time_s, mode, exit_row = float(entry.time_s[k]), Mode(int(entry.mode[k])), int(entry.exit[k])
        person = self._alive(household, time_s)
        by = BY_ROAD.get(mode, ComesBy.ON_FOOT)
        share = self.settings.share_by_car if by == ComesBy.CAR else self.settings.share_fetched
        if self._u_seeks[household] >= share:
            self.beds.settle(person, time_s)
            return
        place, way_s = self._choices[exit_row, str(by), int(self._kind[household])]
        self.beds.come(person, time_s, place, way_s, mode == Mode.CAR)

    def _alive(self, household: int, time_s: float) -> Ints:
        """Return the members of a household who are alive at a time (s)."""
        first, people = self.population.households.first_person, self.population.people
        person = np.arange(first[household], first[household + 1])
        return person[(people.status[person] != Status.DEAD) | (people.death_time_s[person] > time_s)]

    def record(self, time_s: float) -> None:
        """Bring all up to the present and keep it (s)."""
        if not self.is_empty:
            self.advance(time_s)
            beds = self.beds
            self._rows.append((time_s, (beds.n_by_stay.copy(), beds.n_free.copy(), beds.is_open.copy(),
                                        beds.n_got_bed.copy(), beds.n_sent_onward.copy())))  # fmt: skip

    @property
    def rows(self) -> list[tuple[float, Any]]:
        """(moment in s, (people by Stay and place, beds free, open, beds given, sent on)) of each row kept."""
        return self._rows

    def report(self) -> list[str]:
        """Return a sentence for each place that has no way on, or to which nobody comes first."""
        if self.is_empty:
            return []
        reached = {place for place, _ in self._choices.values()}
        sent_to = {way.to for place in self.settings.places for way in place.onward}
        unreached = [
            f"reception.places.{row}: nobody comes to {place.name!r}: another place is reached as soon by everybody it "
            "takes, and none sends people on to it. Give that one an `onward` way to it."
            for row, place in enumerate(self.settings.places)
            if row not in reached and place.name not in sent_to
        ]
        return unreached + [
            f"reception.places.{row}: {place.name!r} has no way onward, so whoever finds it full waits there without a "
            "bed. Give it `onward` if there is one."
            for row, place in enumerate(self.settings.places)
            if place.comes_by and not place.onward
        ]


def _way_s(place: ReceptionPlace, streets: Streets, exit_row: int, by: ComesBy) -> float:
    """Return the time of the way to a place from the end of an exit's road, or from the departure of a train (s)."""
    if by == ComesBy.TRAIN:
        return place.rail_h * 3600.0
    if place.road_h is not None or place.latitude_deg is None or place.longitude_deg is None or exit_row < 0:
        return (USUAL_WAY_H if place.road_h is None else place.road_h) * 3600.0
    x_m, y_m = streets.project(place.longitude_deg, place.latitude_deg)
    end = int(streets.exit_end_node[exit_row])
    away_m = math.hypot(float(x_m) - streets.node_x_m[end], float(y_m) - streets.node_y_m[end])
    if not away_m <= FARTHEST_M:
        raise ScenarioError(
            f"reception.places: {place.name!r} at longitude_deg {place.longitude_deg:g}, latitude_deg "
            f"{place.latitude_deg:g} is more than {FARTHEST_M / 1000:,.0f} km from the exit "
            f"{streets.exit_name[exit_row]}. Correct the degrees (longitude and latitude may be swapped), or give "
            "`road_h` instead."
        )
    return DETOUR * away_m / 1000.0 / SPEED_KM_H * 3600.0
