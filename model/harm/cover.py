"""Shelter or go: where people at home are during an alert, who walks to a shelter, when it is quiet enough to leave.

An alert begins when an impact is heard at a home and goes on until none has been heard for `alert_duration_s`. People
take cover a moment after they have heard the first: in the safest room, or in a shelter with room within reach. One
rule says when those leave who have decided to, whatever cover they are in: in a lull as long as their household wants
it, less the longer they have waited.
"""

import numpy as np
from scipy.special import wrightomega

from safepassage.agents.civilians import Protection, Status
from safepassage.agents.ground.arrays import Floats, Ints, united
from safepassage.agents.parties import members
from safepassage.agents.rules import harm
from safepassage.agents.shelters import Shelters
from safepassage.model.draws import Stream, keys_of, uniforms_for
from safepassage.model.harm.injuries import lulls_wanted_s, rooms_at_home
from safepassage.model.people.population import Population
from safepassage.model.settings.scenario import Scenario

NOWHERE = -1


def lull_over_s(
    last_heard_s: Floats | float, wanted_s: Floats | float, since_s: Floats | float, patience_s: float
) -> Floats:
    """Return when it has been quiet for long enough for somebody who waits (s): the one rule for all cover.

    It is the first time t at which t - last_heard_s >= wanted_s * 0.5 ** ((t - since_s) / patience_s), whenever one
    looks, if nothing more is heard. last_heard_s: when an impact was last heard (s). wanted_s: the lull wanted at first
    (s); it halves with each patience_s waited. since_s: since when it waits (s).

    With x = t - last_heard_s, x exp(r x) = wanted_s exp(r (since_s - last_heard_s)), r = log(2) / patience_s: solved by
    Lambert's function W (Corless et al. 1996, Advances in Computational Mathematics 5:329), here of a logarithm, which
    does not overflow (Wright's omega).
    """
    last_s, wanted_s, since_s = (np.asarray(each, np.float64) for each in (last_heard_s, wanted_s, since_s))
    r = np.log(2.0) / patience_s
    is_over = last_s + wanted_s <= since_s
    if is_over.all():
        return last_s + wanted_s
    quiet_s = np.where(is_over, 0.0, since_s - last_s)
    with np.errstate(divide="ignore"):  # the logarithm of no lull at all
        waits_s = wrightomega(np.log(r * wanted_s) + r * quiet_s) / r
    return last_s + np.where(is_over, wanted_s, waits_s)


class Cover:
    """Alerts at homes: people go to the safest room, or to a shelter with room within reach, and come back after."""

    def __init__(self, scenario: Scenario, population: Population, shelters: Shelters, seed: int) -> None:
        """scenario: what is simulated. population: everybody, with households and parties. shelters: columns of
        the shelters. seed: seed of the run, from which all chance is drawn.
        """
        self.settings, self.rooms = scenario.shelters, scenario.harm.rooms
        self._reception_reach_m = scenario.behaviour.lost_homes.walk_reach_m
        self.population, self.shelters = population, shelters
        households, people, keys = population.households, population.people, keys_of(population.households)
        self.households = households
        self.usual_room, self._is_obedient, households.has_basement[:] = rooms_at_home(
            self.rooms, seed, people.household, keys, keys_of(people)
        )
        people.protection[:] = self.usual_room
        population.usual_room = self.usual_room
        households.goes_to_shelter[:] = uniforms_for(seed, Stream.SHELTER, keys, index=4) < self.settings.share_who_go
        heeds = self._is_obedient[households.first_person[:-1]]
        households.lull_wanted_s[:] = np.where(heeds, lulls_wanted_s(self.rooms, seed, keys), 0.0)
        self._next_look_s = self._next_release_s = np.inf
        self.counts = False
        """Whether the time that each household has been under alert is counted, see `weighted_s`."""
        self._heeded_s, self._counted_s = np.zeros(len(households)), np.zeros(len(households))
        self._watched: Ints = np.empty(0, np.int64)
        """Households that may not be in their usual rooms: all others are, as far as they are at home. Rising."""

    @property
    def next_s(self) -> float:
        """Nobody goes into cover or comes out of it before this, unless an impact is heard (s)."""
        return min(self._next_look_s, self._next_release_s)

    def look_again(self) -> None:
        """Find anew who is not in their usual rooms, after somebody has changed columns from outside."""
        self._watched = np.arange(len(self.households))
        self._next_look_s = self._next_release_s = -np.inf

    def hear(self, home: np.ndarray, time_s: float) -> None:
        """Let an impact be heard at homes, each once: an alert begins or goes on; some set out for a shelter."""
        if self.counts:
            self._count(home, time_s)
        harm.hear_impact(
            self.households.alert_from_s, self.households.last_heard_s, home, time_s, self.rooms.alert_duration_s
        )
        if home.size:
            self._watched = united(self._watched, home)
            self._next_look_s = min(self._next_look_s, time_s + self.rooms.reaction_s)
            if len(self.shelters):
                self._seek_shelter(home, time_s)

    def sound(self, home: np.ndarray, time_s: float, until_s: float) -> None:
        """Let an air-raid alert be heard at homes, as an impact is; those who heed it stay in cover until it ends.

        home: rows of households. time_s: when it sounds (s). until_s: when it ends (s).
        """
        self.hear(home, time_s)
        last_s = self.households.last_heard_s
        last_s[home] = np.maximum(last_s[home], until_s - self.rooms.alert_duration_s)

    def _seek_shelter(self, home: np.ndarray, time_s: float) -> None:
        households = self.households
        would_go = households.goes_to_shelter[home] & ~households.has_basement[home] & households.can_walk[home]
        would_go &= (households.shelter[home] == NOWHERE) & ~households.is_coming_home[home]
        wants = home[would_go].astype(np.int64)
        wants = wants[self.population.is_at_home(wants)]
        if wants.size == 0:
            return
        x_m, y_m = households.home_x_m[wants], households.home_y_m[wants]
        found = self.shelters.admit(wants, x_m, y_m, households.n_members[wants], self.settings.reach_m)
        goes = wants[found >= 0]
        self.households.shelter[goes] = found[found >= 0]
        self.households.left_for_shelter_s[goes] = time_s + self.rooms.reaction_s
        self.households.in_shelter_from_s[goes] = self.households.left_for_shelter_s[goes] + self._walk_s(goes)
        self.population.go_to_shelter(goes)
        self._next_release_s = min(self._next_release_s, time_s + self.rooms.alert_duration_s)

    def go_to_live(self, households: Ints, time_s: float) -> Ints:
        """Let households that lost their homes live in shelters that take them in; return which, -1: none has room.

        time_s: the moment (s).
        """
        h = self.households
        x_m, y_m = h.home_x_m[households], h.home_y_m[households]
        reach_m = self._reception_reach_m / self.settings.detour_factor
        found = self.shelters.admit(households, x_m, y_m, h.n_members[households], reach_m, to_live=True)
        goes = households[found >= 0]
        h.shelter[goes], h.left_for_shelter_s[goes] = found[found >= 0], time_s
        h.in_shelter_from_s[goes] = time_s + self._walk_s(goes)
        self._watched = np.union1d(self._watched, goes)
        self._next_look_s = min(self._next_look_s, time_s)
        self.population.go_to_shelter(goes)
        return found

    def _walk_s(self, household: np.ndarray) -> np.ndarray:
        """Return how long households walk between their homes and their shelters (s)."""
        households, place = self.households, self.households.shelter[household]
        away_m = np.hypot(
            households.home_x_m[household] - self.shelters.x_m[place],
            households.home_y_m[household] - self.shelters.y_m[place],
        )
        return away_m * self.settings.detour_factor / self.population.parties.free_speed_m_s[household]

    def take(self, time_s: float) -> None:
        """Bring everybody's cover up to a time: those whose alert is over come out, the others are where they went."""
        self.release(time_s)
        if time_s < self._next_look_s:
            return
        households, rooms, watched = self.households, self.rooms, self._watched
        self.protect(members(households.first_person, watched)[0], time_s)
        self.population.touch(watched)
        ends_s = households.last_heard_s[watched] + rooms.alert_duration_s
        changes_s = (
            households.alert_from_s[watched] + rooms.reaction_s, ends_s, households.left_for_shelter_s[watched],
            households.in_shelter_from_s[watched],
        )  # fmt: skip
        self._next_look_s = min(float(at_s[at_s > time_s].min(initial=np.inf)) for at_s in changes_s)
        is_out = (households.shelter[watched] >= 0) | households.is_coming_home[watched]
        self._watched = watched[(ends_s > time_s) | is_out]

    def release(self, time_s: float) -> None:
        """Bring those home from shelters whose alert is over by a time, or whose shelter has closed."""
        if time_s < self._next_release_s:
            return
        sheltered = np.flatnonzero(self.households.shelter >= 0)
        ends_s = self._alert_over_s(sheltered)
        is_over = (ends_s <= time_s) | ~self.shelters.is_open[self.households.shelter[sheltered]]
        self.come_out(sheltered[is_over])
        self._next_release_s = ends_s[~is_over].min(initial=np.inf)

    def _alert_over_s(self, sheltered: Ints) -> Floats:
        """Return when the alert ends for households in shelters (s); inf: they live there."""
        ends_s = self.households.last_heard_s[sheltered] + self.rooms.alert_duration_s
        return np.where(self._lives_in_shelter(sheltered), np.inf, ends_s)

    def _lives_in_shelter(self, households: Ints) -> np.ndarray:
        return self.households.has_lost_home[households] & (self.households.lives_with[households] < 0)

    def come_out(self, households: np.ndarray) -> None:
        """Let households out of their shelters."""
        if households.size:
            self.shelters.let_out(self.households.shelter[households], self.households.n_members[households])
            self.households.shelter[households] = NOWHERE
            self.households.left_for_shelter_s[households] = self.households.in_shelter_from_s[households] = np.inf
            self.population.leave_shelter(households)
            self._next_look_s = -np.inf

    def protect(self, person: np.ndarray, time_s: float) -> None:
        """Bring the protection of people at home and in shelters, among those given, up to a time. Writes it."""
        people, households = self.population.people, self.households
        household, status = people.household[person], people.status[person]
        shelters = status == Status.SHELTERING
        at_home = self.population.is_at_home(household) & (status != Status.DEAD) & ~shelters
        harm.seek_protection(
            people.protection, person[at_home], people.household, households.alert_from_s, households.last_heard_s,
            households.has_basement, self.usual_room, self._is_obedient, time_s, self.rooms.reaction_s,
            self.rooms.alert_duration_s,
        )  # fmt: skip
        outdoors = person[at_home & households.is_coming_home[household]]
        people.protection[outdoors] = Protection.OUTDOORS
        if shelters.any():
            person, household = person[shelters], household[shelters]
            inside = households.in_shelter_from_s[household] <= time_s
            on_way = households.left_for_shelter_s[household] <= time_s
            places = [Protection.SHELTER, Protection.OUTDOORS]
            people.protection[person] = np.select([inside, on_way], places, self.usual_room[person])

    def _count(self, household: Ints | slice, until_s: float) -> None:
        """Count how long households have been in cover for an alert until a time."""
        households, rooms = self.households, self.rooms
        starts_s = np.maximum(households.alert_from_s[household] + rooms.reaction_s, self._counted_s[household])
        ends_s = np.minimum(households.last_heard_s[household] + rooms.alert_duration_s, until_s)
        self._heeded_s[household] += np.maximum(0.0, ends_s - starts_s)
        self._counted_s[household] = until_s

    def weighted_s(self, person: np.ndarray, from_s: float, until_s: float, factor: np.ndarray) -> np.ndarray:
        """Return the time that people at home or in shelters have spent, each moment times its room's factor (s).

        person: rows in rising order; factor: by `Protection`. Reads and clears what was counted since from_s. until_s:
        end of the time looked at (s).
        """
        people, households = self.population.people, self.households
        everybody = slice(None)
        self._counted_s = np.maximum(self._counted_s, from_s)
        self._count(everybody, until_s)
        household, usual = people.household[person], factor[self.usual_room[person]]
        safest = np.where(households.has_basement[household], Protection.BASEMENT, Protection.INNER_ROOM)
        safest = factor[np.maximum(safest, self.usual_room[person])]
        heeded_s = np.where(self._is_obedient[person], self._heeded_s[household], 0.0)
        self._heeded_s[everybody] = 0.0
        weighted_s = heeded_s * safest + (until_s - from_s - heeded_s) * usual
        shelters = people.status[person] == Status.SHELTERING
        if shelters.any():
            left_s, inside_s = households.left_for_shelter_s[household], households.in_shelter_from_s[household]
            outside_s = np.maximum(0.0, np.minimum(until_s, inside_s) - np.maximum(from_s, left_s))
            inside_s = np.maximum(0.0, until_s - np.maximum(from_s, inside_s))
            before_s = until_s - from_s - outside_s - inside_s
            away_s = outside_s * factor[Protection.OUTDOORS] + inside_s * factor[Protection.SHELTER]
            weighted_s = np.where(shelters, away_s + before_s * usual, weighted_s)
        return weighted_s

    def walked(self, household: np.ndarray, time_s: float) -> np.ndarray:
        """Return which share of the way to their shelters households have walked by a time, float64."""
        left_s, inside_s = self.households.left_for_shelter_s[household], self.households.in_shelter_from_s[household]
        return np.clip((time_s - left_s) / np.maximum(inside_s - left_s, 1e-9), 0.0, 1.0)

    def free_to_leave(self, due: np.ndarray, now_s: float) -> np.ndarray:
        """Return those of the households due to leave for whom it is quiet enough; the others look again later.

        A household goes once nothing has been heard for the lull it wants, which halves with each `lull_patience_s`
        that it has waited; who wants no lull heeds no alert either. Whoever is in a shelter walks home first, outdoors,
        and then goes, at the latest when the alert is over: then all come home, and who decides later must not set out
        sooner. Writes departure_time_s of those held back.
        """
        households = self.households
        if harm.let_go(
            due, households.departure_time_s, households.waits_for_lull_since_s, households.last_heard_s,
            households.lull_wanted_s, households.shelter, households.is_coming_home, now_s,
        ):  # fmt: skip
            return due
        planned_s = np.maximum(households.departure_time_s[due], now_s)
        since_s = np.minimum(households.waits_for_lull_since_s[due], planned_s)
        heard_s, wanted_s = households.last_heard_s[due], households.lull_wanted_s[due]
        quiet_s = lull_over_s(heard_s, wanted_s, since_s, self.rooms.lull_patience_s)
        waits = (quiet_s > planned_s) & (wanted_s > 0) & ~households.is_coming_home[due]
        inside = ~waits & (households.shelter[due] >= 0)
        if waits.any() or inside.any():
            over_s = self._alert_over_s(due[inside])  # by then all others are home
            home_s = np.maximum(np.minimum(planned_s[inside] + self._walk_s(due[inside]), over_s), planned_s[inside])
            households.departure_time_s[due[inside]] = home_s
            households.departure_time_s[due[waits]] = quiet_s[waits]
            self.come_out(due[inside])
            self.population.plans_changed(due[waits | inside])
        households.is_coming_home[due] = inside
        households.waits_for_lull_since_s[due] = np.where(waits, since_s, np.inf)
        return due[~waits & ~inside]

    def close(self, shelters: np.ndarray) -> None:
        """Close shelters that were destroyed; those inside come out at the next look."""
        self.shelters.is_open[shelters] = False
        if shelters.size:
            self._next_release_s = -np.inf
