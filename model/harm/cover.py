"""Shelter or go: where people at home are during an alert, and who walks to a shelter and back."""

import numpy as np

from safepassage.agents.civilians import Protection, Status
from safepassage.agents.ground.nearby import points_within
from safepassage.agents.parties import members
from safepassage.agents.rules import harm
from safepassage.agents.shelters import Shelters
from safepassage.model.draws import Stream, keys_of, uniforms_for
from safepassage.model.harm.injuries import rooms_at_home
from safepassage.model.hazard.impacts import Impacts
from safepassage.model.people.population import Population
from safepassage.model.settings.scenario import Scenario

NOWHERE = -1


class Cover:
    """Alerts at homes: people go to the safest room, or to a shelter with room within reach, and come back after."""

    def __init__(self, scenario: Scenario, population: Population, shelters: Shelters, homes, seed: int):
        """homes: grid over the homes."""
        self.settings, self.rooms = scenario.shelters, scenario.harm.rooms
        self.population, self.homes = population, homes
        households, people = population.households, population.people
        self.usual_room, self._is_obedient, households.has_basement[:] = rooms_at_home(
            self.rooms, seed, people.household, keys_of(households), keys_of(people)
        )
        people.protection[:] = self.usual_room
        population.usual_room = self.usual_room
        self.shelters = shelters
        households.goes_to_shelter[:] = (
            uniforms_for(seed, Stream.SHELTER, keys_of(households), index=4) < self.settings.share_who_go
        )
        self.households = households
        self._next_look_s = -np.inf

    def hear(self, impacts: Impacts, rows: slice):
        """Note at each home the impacts heard there: an alert begins or goes on."""
        x_m, y_m = impacts.x_m[rows], impacts.y_m[rows]
        event, home, _ = points_within(self.homes, x_m, y_m, self.rooms.hearing_distance_m)
        harm.hear_impacts(self.households.last_heard_s, event, home, impacts.time_s[rows])
        if home.size:
            self._next_look_s = -np.inf

    def take(self, time_s: float):
        """Move people at home to safety when an alert begins, and back when it ends."""
        if time_s < self._next_look_s:
            return
        people, households = self.population.people, self.households
        if len(self.shelters):
            self._walk_to_shelters(time_s)
        is_home = (people.status == Status.HOME) | (people.status == Status.PREPARING)
        waits = (people.status == Status.WAITING) | (people.status == Status.STRANDED)
        is_home |= waits & self.population.is_at_home()[people.household]
        harm.seek_protection(
            people.protection, people.household, households.last_heard_s, households.has_basement, is_home,
            self.usual_room, self._is_obedient, time_s, self.rooms.alert_duration_s,
        )  # fmt: skip
        self.population.is_changed = True
        ends_s = households.last_heard_s + self.rooms.alert_duration_s
        self._next_look_s = ends_s[ends_s > time_s].min(initial=np.inf)
        if (households.shelter >= 0).any():
            self._next_look_s = -np.inf

    def _walk_to_shelters(self, time_s: float):
        households, shelters = self.households, self.shelters
        alert = time_s - households.last_heard_s < self.rooms.alert_duration_s
        done = np.flatnonzero((households.shelter >= 0) & (~alert | ~shelters.is_open[households.shelter]))
        if done.size:
            shelters.let_out(households.shelter[done], households.n_members[done])
            households.shelter[done] = NOWHERE
            self.population.leave_shelter(done)
        wants = alert & (households.shelter == NOWHERE) & households.goes_to_shelter & ~households.has_basement
        wants = np.flatnonzero(wants & households.can_walk & self.population.is_at_home())
        if wants.size:
            self._go(wants, time_s)
        inside = np.flatnonzero((households.shelter >= 0) & (households.in_shelter_from_s <= time_s))
        person, _ = members(households.first_person, inside)
        people = self.population.people
        person = person[people.status[person] == Status.SHELTERING]
        people.protection[person] = Protection.SHELTER

    def _go(self, wants: np.ndarray, time_s: float):
        """Let households make for the nearest shelter with room."""
        households, shelters = self.households, self.shelters
        x_m, y_m = households.home_x_m[wants], households.home_y_m[wants]
        found = shelters.admit(wants, x_m, y_m, households.n_members[wants], self.settings.reach_m)
        goes, place = wants[found >= 0], found[found >= 0]
        households.shelter[goes] = place
        away_m = np.hypot(x_m[found >= 0] - shelters.x_m[place], y_m[found >= 0] - shelters.y_m[place])
        away_m *= self.settings.detour_factor
        households.in_shelter_from_s[goes] = time_s + away_m / self.population.parties.free_speed_m_s[goes]
        self.population.go_to_shelter(goes)

    def close(self, shelters: np.ndarray):
        """Close shelters that were destroyed; those inside come out at the next look."""
        self.shelters.is_open[shelters] = False
