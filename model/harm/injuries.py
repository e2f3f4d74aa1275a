"""Draws keyed numbers for the people near each impact and calls the kernels of `agents/rules/harm.py`.

Each event has its own number per person, keyed (event, person): where others are, how often this is asked and
in what portions change nothing, and only people near an event cost anything.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from safepassage.agents.civilians import Injury, Protection
from safepassage.agents.ground.arrays import Bools, Floats, Ints
from safepassage.agents.ground.nearby import grid_of_points, points_within
from safepassage.agents.rules import harm as kernels
from safepassage.model.draws import Keys, Stream, uniforms_for
from safepassage.model.harm.expected_casualties import ExpectedCasualties
from safepassage.model.hazard.impacts import Impacts
from safepassage.model.settings.harm import Harm, Rooms


class Pairs(NamedTuple):
    """People within reach of events, sorted by event."""

    event: np.ndarray
    """int32: row of the event in the impacts table."""
    person: np.ndarray
    """int32"""
    distance_m: np.ndarray
    """float64"""


@dataclass(frozen=True)
class Casualties:
    """People whom events left worse off than they were, in order of time."""

    event: np.ndarray
    """int32: row of the event in the impacts table."""
    person: np.ndarray
    """int32"""
    injury: np.ndarray
    """int8 of Injury: what the event left them with."""
    distance_m: np.ndarray
    """float64: from the impact (m)."""


class HarmByImpacts:
    """Finds the people near impacts and injures them."""

    def __init__(
        self,
        settings: Harm,
        seed: int,
        home_x_m: Floats,
        home_y_m: Floats,
        first_person: Ints,
        person_keys: Keys | None = None,
    ) -> None:
        """settings: `settings.harm.Harm`; first_person: people of household h are first_person[h]..[h + 1].

        person_keys: `Keys` of the people, by which their chance is drawn; default: their rows. seed: seed of the run,
        from which all chance is drawn. home_x_m, home_y_m: place of each home (m).
        """
        self.settings = settings
        self.seed = seed
        self.first_person = np.ascontiguousarray(first_person, dtype=np.int64)
        self.reach_m = settings.reach_m
        self.homes = grid_of_points(home_x_m, home_y_m, cell_m=max(25.0, float(self.reach_m[1])))
        self._curve = (
            float(settings.casualty_scale), float(settings.p_at_centre), settings.d50_within_reach_m,
            settings.n_d50_reach / settings.widening, float(settings.steepness),
        )  # fmt: skip
        self._factor = settings.protection.by_protection
        n_people = int(self.first_person[-1])
        self._keys = np.arange(n_people) if person_keys is None else person_keys
        self.expected = ExpectedCasualties(n_people)

    def people_at_home_near(self, impacts: Impacts, first: int, last: int, is_present: Bools) -> Pairs:
        """Return the people at home within reach of the impacts first..last (rows of the impacts table).

        is_present: bool per person: alive and at home now.
        """
        reach_m = self.reach_m[impacts.size[first:last]]
        near = points_within(self.homes, impacts.x_m[first:last], impacts.y_m[first:last], reach_m)
        event, person, distance_m = kernels.people_at(*near, self.first_person, is_present)
        return Pairs(event + np.int32(first), person, distance_m)

    def risks(self, impacts: Impacts, pairs: Pairs, protection: Ints) -> Floats:
        """Return the probability that each pair is a casualty, float64.

        impacts: what falls in the run. protection: int8 of Protection, of each person.
        """
        p = np.empty(pairs.person.size)
        kernels.risks(p, *pairs, impacts.size, protection, self._factor, *self._curve)
        return p

    def injure(
        self,
        injury: Ints,
        injured_at_s: Floats,
        impacts: Impacts,
        pairs: Pairs,
        protection: Ints,
        aboard: tuple[Ints, Keys] | None = None,
    ) -> Casualties:
        """Injure the people of the pairs, event after event. Writes injury (int8), injured_at_s (float64).

        impacts: what falls in the run. protection: int8 of Protection, of each person. aboard: rows of the pairs whose
        person is in a vehicle, and the key of the vehicle of each; None: nobody is.
        """
        p = self.risks(impacts, pairs, protection)
        self.expected.add(pairs.person, p)
        u = uniforms_for(self.seed, Stream.INJURY, self._keys[pairs.person], tick=pairs.event)
        if aboard is not None and aboard[0].size:
            rows, keys = aboard
            u[rows] = self._with_the_luck_of_vehicles(pairs.person[rows], pairs.event[rows], keys, u[rows], p[rows])
        outcome = self._injure(injury, injured_at_s, pairs.person, u, p, impacts.time_s[pairs.event])
        worse = np.flatnonzero(outcome != Injury.NONE)
        event, person, distance_m = (column[worse] for column in pairs)
        return Casualties(event, person, outcome[worse], distance_m)

    def _with_the_luck_of_vehicles(self, person, event, vehicle, u, p):
        """Return numbers for people aboard vehicles of which the hits go together: u < p by the vehicle's number.

        Each is uniform as before. How badly somebody is hurt stays their own: u / p is a number of theirs.
        """
        own = self._keys[person]
        shares = uniforms_for(self.seed, Stream.INJURY, own, tick=event, index=2) < self.settings.share_of_vehicle_luck
        hit = np.where(shares, vehicle_numbers(self.seed, vehicle, event), u)
        return np.where(hit < p, p * uniforms_for(self.seed, Stream.INJURY, own, tick=event, index=3), hit)

    def injure_at(
        self, injury: Ints, injured_at_s: Floats, person: Ints, p: Floats, time_s: Floats, stream: Stream, tick: Ints
    ) -> np.ndarray:
        """Injure people with given probabilities; return those left worse off, int32. Writes injury, injured_at_s.

        person: rows, int32; p: of becoming a casualty; time_s: when; stream, tick: key each person's draw.
        """
        person = np.asarray(person, dtype=np.int32)
        if person.size == 0:
            return person
        u = uniforms_for(self.seed, stream, self._keys[person], tick=tick, index=1)
        at_s = np.asarray(time_s, dtype=np.float64)
        outcome = self._injure(injury, injured_at_s, person, u, np.asarray(p, dtype=np.float64), at_s)
        return person[outcome != Injury.NONE]

    def _injure(self, injury, injured_at_s, person, u, p, time_s):
        """Return what each exposure left the person with, int8 of Injury. Writes injury, injured_at_s."""
        outcome = np.empty(person.size, dtype=np.int8)
        shares = self.settings.share_fatal, self.settings.share_serious
        kernels.injure(injury, injured_at_s, outcome, person, u, p, time_s, *shares)
        return outcome

    def death_times_s(self, person: Ints, injured_at_s: Floats, care_at_s: Floats) -> Floats:
        """Return when each of the seriously injured dies (s), infinity if not; care_at_s infinity: none so far."""
        death_s = np.empty(len(person))
        settings = self.settings
        kernels.death_times(
            death_s, np.asarray(injured_at_s, dtype=np.float64), np.asarray(care_at_s, dtype=np.float64),
            uniforms_for(self.seed, Stream.DEATH, self._keys[person]), settings.p_death_with_care,
            settings.p_death_without_care, settings.care_in_vain_after_h * 3600.0,
            settings.mean_untreated_survival_h * 3600.0,
        )  # fmt: skip
        return death_s


def vehicle_numbers(seed: int, vehicle: Keys, event: Ints | int) -> Floats:
    """Return the number in [0, 1) that belongs to each vehicle and event: it is put out of action if it is low."""
    return uniforms_for(seed, Stream.SERVICE, vehicle, tick=event)


def rooms_at_home(
    rooms: Rooms, seed: int, household: Ints, household_keys: Ints | Keys, person_keys: Ints | Keys
) -> tuple[Ints, Bools, Bools]:
    """Return (usual_room, is_obedient, has_basement) for `agents.harm.seek_protection`.

    rooms: `settings.harm.Rooms`. household: int32 per person. household_keys, person_keys: by which their chance is
    drawn. usual_room: int8 of Protection and is_obedient: bool, per person; has_basement: bool per household. seed:
    seed of the run, from which all chance is drawn.
    """
    has_basement = uniforms_for(seed, Stream.SHELTER, household_keys, index=0) < rooms.share_with_basement
    lives_there = uniforms_for(seed, Stream.SHELTER, household_keys, index=1) < rooms.share_usually_basement
    is_inner = uniforms_for(seed, Stream.SHELTER, person_keys, index=2) < rooms.share_usually_inner_room
    usual_room = np.where(is_inner, Protection.INNER_ROOM, Protection.UPPER_FLOOR).astype(np.int8)
    usual_room[(has_basement & lives_there)[household]] = Protection.BASEMENT
    heeds_alerts = uniforms_for(seed, Stream.SHELTER, person_keys, index=3) < rooms.share_who_heed_alerts
    return usual_room, heeds_alerts, has_basement


def lulls_wanted_s(rooms: Rooms, seed: int, household_keys: Keys) -> Floats:
    """Return how long it must have been quiet for each household to leave its cover (s); log-normal."""
    z = ndtri(np.clip(uniforms_for(seed, Stream.SHELTER, household_keys, index=5), 1e-12, 1 - 1e-12))
    return rooms.lull_median_s * np.exp(rooms.lull_spread * z)
