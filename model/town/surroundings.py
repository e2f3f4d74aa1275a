"""The state of the town: what impacts and the front leave open of streets and exits."""

import numpy as np

from safepassage.agents.ground.arrays import Floats
from safepassage.agents.households import Households
from safepassage.model.draws import digests, keys_of
from safepassage.model.hazard.front import AreaFront, LineFront, LinksNearFront, front_of
from safepassage.model.hazard.impacts import Area, Impacts
from safepassage.model.hazard.weather import Weather
from safepassage.model.maps.background import read_background
from safepassage.model.movement.movement import Movement
from safepassage.model.settings.damage import Utility
from safepassage.model.settings.scenario import Scenario
from safepassage.model.streets.streets import Streets
from safepassage.model.streets.zones import Zones
from safepassage.model.town.buildings import heights_along_links
from safepassage.model.town.closures import ClosedOnPurpose
from safepassage.model.town.contraflow import exit_capacity_per_s
from safepassage.model.town.damage import Changes, Damage
from safepassage.model.town.fires import Fires
from safepassage.model.town.junction_control import JunctionControl
from safepassage.model.town.shelters import build_shelters
from safepassage.model.town.utilities import Utilities

FRONT_EVERY_S = 3600.0
"""The front is looked at once an hour: it moves by hundreds of metres a day."""


class Surroundings:
    """Damage and front over the same streets: together they say who may pass where, and tell the movement."""

    def __init__(
        self, scenario: Scenario, streets: Streets, area: Area, zones: Zones, households: Households, seed: int
    ) -> None:
        """scenario: what is simulated. area: the map. zones: parts of the
        town, with outlines and streets. households: columns of the households. seed: seed of the run, from
        which all chance is drawn.
        """
        self.streets, self._streets_settings = streets, scenario.streets
        self.background = read_background(scenario.streets.background, streets)
        zone_of_link = [zones.name[z] if z >= 0 else "" for z in zones.link_zone]
        self.shelters = build_shelters(scenario.shelters, streets)
        self.junction_control = JunctionControl(scenario.streets.signals, streets, zones.link_zone)
        self.closed = ClosedOnPurpose(scenario.closures, streets, self.shelters.name, self.junction_control)
        heights_m, self._notes = _building_heights(scenario, streets)
        self.damage = Damage(
            scenario.damage,
            seed,
            streets,
            households.home_x_m,
            households.home_y_m,
            self.shelters.x_m,
            self.shelters.y_m,
            zone_of_link,
            heights_m,
            home_keys=keys_of(households),
            shelter_keys=digests(self.shelters.name),
        )
        homes = households.home_x_m, households.home_y_m
        self.fires = Fires(scenario.fires, seed, streets, *homes, keys_of(households))
        self.front = front_of(scenario.front, area, scenario.run, scenario.shelling.time_zone)
        drones_km = scenario.drones.strikes_within_km
        self.links_near_front = LinksNearFront(self.front, scenario.front, streets, drones_km) if self.front else None
        self.utilities = Utilities(scenario.damage, seed, zones.name)
        run, time_zone = scenario.run, scenario.shelling.time_zone
        stated = scenario.weather.is_stated
        self.weather = Weather(scenario.weather, run, time_zone, streets) if stated else None
        self._idle = () if stated or not scenario.warm_places else (
            "warm_places: the scenario has no weather, so no home is cold, and they help nobody. State `weather`.",
        )  # fmt: skip
        self.homes_to_front = self.front.over(households.home_x_m, households.home_y_m) if self.front else None
        self._perceives = scenario.movement
        self._links_to_front = self.front.over(*_middles(streets)) if self.front else None
        self._home_zone, self._phones_lost = households.zone, np.zeros(len(zones.name), np.bool_)
        self._lost_at_homes: tuple[np.ndarray, np.ndarray] | None = None
        self._front_news_delay_s = scenario.behaviour.front_news_delay_d * 86400.0
        self._safe_beyond_km = scenario.front.safe_beyond_km
        self._duration_s = scenario.run.duration_h * 3600.0
        self._next_front_s = 0.0 if self.front else np.inf
        self._lost_to_front = (np.zeros(streets.n_links, np.bool_), np.zeros(streets.n_links, np.bool_))
        self.exits_lost = (np.zeros(streets.exit_node.size, np.bool_),) * 2
        self.closed_time_s = np.full(streets.n_links, np.inf)
        self._changes: list[tuple] = []
        self.is_changed = self._are_utilities_changed = True
        self._has_front_moved = False

    def utilities_lost(self, zone: np.ndarray) -> np.ndarray:
        """Return what does not work at homes, by zone of each: bool[utility, n]; the same array until it changes."""
        state = self.utilities.is_lost
        if self._lost_at_homes is None or not np.array_equal(state, self._lost_at_homes[0]):
            self._lost_at_homes = state, state[:, zone]
        return self._lost_at_homes[1]

    @property
    def report(self) -> tuple[str, ...]:
        """What was repaired or left out of the data of buildings and front, and which exits end within its reach."""
        near = (*self.front.report, *self._exits_in_reach(self.front)) if self.front else ()
        return (*self._notes, *self._idle, *self.junction_control.report, *near)

    def _exits_in_reach(self, front: LineFront | AreaFront) -> list[str]:
        """Return a sentence for each exit whose end the front comes too near to in the run."""
        streets, end_s, said = self.streets, self._duration_s, []
        ends = front.over(streets.node_x_m[streets.exit_end_node], streets.node_y_m[streets.exit_end_node])
        times_s = np.arange(0.0, end_s + 86400.0, 86400.0).clip(max=end_s)
        nearest_km = np.min([ends.distance_km(float(time_s)) for time_s in times_s], axis=0)
        for name, away_km in zip(streets.exit_name, nearest_km, strict=True):
            if away_km < self._safe_beyond_km:
                where = f"comes to within {away_km:.1f} km of" if away_km > 0 else "reaches"
                said.append(
                    f"Exit {name!r} does not end in safety: the front {where} the place where people count as safe "
                    f"(front.safe_beyond_km is {self._safe_beyond_km:g}). Give it an onward road that leads farther."
                )
        return said

    @property
    def next_s(self) -> float:
        """Nothing of the town changes of itself before this (s)."""
        of_all = self.damage.next_s, self.utilities.next_s, self.closed.next_s, self.fires.next_s, self._next_front_s
        return min(of_all)

    @property
    def has_news(self) -> bool:
        """Whether anything has changed that `tell` has yet to tell."""
        return self.is_changed or self._are_utilities_changed

    def advance(self, time_s: float) -> None:
        """Let dates come, crews work and the front move until a time."""
        self.is_changed |= self.damage.advance(time_s).size > 0
        self._are_utilities_changed |= self.utilities.advance(time_s)
        self.is_changed |= self.closed.advance(time_s)
        self.is_changed |= self.fires.advance(time_s)
        if time_s >= self._next_front_s:
            assert self.links_near_front is not None
            self._next_front_s = time_s + FRONT_EVERY_S
            before = *self._lost_to_front, *self.exits_lost
            self._lost_to_front = self.links_near_front.links_closed(time_s)
            self.exits_lost = self.links_near_front.exits_lost(time_s)
            now = *self._lost_to_front, *self.exits_lost
            self.is_changed |= any(was.tobytes() != lost.tobytes() for was, lost in zip(before, now, strict=True))
            self._has_front_moved = True

    def strike(self, impacts: Impacts, first: int, last: int) -> Changes:
        """Let the impacts first..last break what they break; return the Changes: links, homes, shelters."""
        changes = self.damage.apply(impacts, first, last)
        self._are_utilities_changed |= self.utilities.apply(impacts, first, last)
        self.is_changed |= changes.links.size > 0
        for k in range(first, last):
            self.fires.strike(impacts, k)
        return changes

    def tell(self, movement: Movement, time_s: float) -> None:
        """Hand what has changed to the movement: what is open, which phones work, how people see the danger."""
        if self.is_changed or self._are_utilities_changed:
            self._tell_utilities(movement)
        if self.is_changed:
            self._tell_streets(movement, time_s)
        if self._has_front_moved:
            self._tell_danger(movement, time_s)

    def _tell_utilities(self, movement: Movement) -> None:
        """Tell which phones work, and how junctions are held without power."""
        self._are_utilities_changed = False
        phones_lost = self.utilities.is_lost[Utility.PHONE]
        if (phones_lost != self._phones_lost).any():
            self._phones_lost = phones_lost.copy()
            movement.set_phones(~phones_lost[self._home_zone])
        movement.pace.weather = self.weather
        control = self.junction_control.look(self.utilities.is_lost[Utility.POWER], self.closed.policed)
        if control is not None:
            movement.set_junctions(control.is_shared, control.share, control.flow_factor)

    def _tell_streets(self, movement: Movement, time_s: float) -> None:
        """Tell what of the streets and exits is open, and how wide. time_s: the present (s)."""
        self.is_changed, self._has_front_moved = False, True
        cars, walkers = self._lost_to_front
        no_smoke = ~self.fires.in_smoke
        car_open = self.damage.is_open_car & ~cars & ~self.closed.cars & no_smoke
        walk_open = self.damage.is_open_walk & ~walkers & ~self.closed.walkers & no_smoke
        closed = ~car_open & self.streets.drivable
        self.closed_time_s[closed & np.isinf(self.closed_time_s)] = time_s
        town = slice(0, self.streets.n_town_links)
        changed = np.flatnonzero(((car_open != movement.car_open) | (walk_open != movement.walk_open))[town])
        if changed.size:
            no_cars, no_walkers = closed, ~walk_open & self.streets.walkable
            self._changes.append((np.full(changed.size, time_s), changed, no_cars[changed], no_walkers[changed]))
        movement.set_streets(car_open, walk_open)
        lanes_factor = self.closed.lanes_factor
        if (lanes_factor != movement.lanes_factor).any():
            movement.set_lanes(lanes_factor, exit_capacity_per_s(self.streets, self._streets_settings, lanes_factor))
        if (self.closed.checkpoint_per_s != movement.checkpoint_per_s).any():
            movement.set_checkpoints(self.closed.checkpoint_per_s)
        movement.set_capacity(self.damage.capacity_factor, self.damage.walk_capacity_factor)
        movement.ways.set_exits(*(~lost & ~self.closed.exits for lost in self.exits_lost))
        self.shelters.is_open[:] = ~self.damage.shelter_lost & ~self.closed.shelters

    def _tell_danger(self, movement: Movement, time_s: float) -> None:
        """Tell how people see the danger of the front, as far as they have heard of it by a time (s)."""
        self._has_front_moved = False
        if self._links_to_front is not None and self._perceives.risk_aversion > 0:
            away_km = self._links_to_front.distance_km(max(0.0, time_s - self._front_news_delay_s))
            perceived_by = self._perceives.risk_aversion, self._perceives.danger_fades_km
            movement.ways.see_front(np.maximum(away_km, 0.0), *perceived_by)

    def street_changes(self) -> dict[str, np.ndarray]:
        """Return every closing and reopening of a link so far, in order of time: columns by name.

        A link that no car, or nobody on foot, may ever enter is not counted as closed to them.
        """
        empty = (np.empty(0), np.empty(0, np.int64), np.empty(0, np.bool_), np.empty(0, np.bool_))
        time_s, link, no_cars, no_walkers = (np.concatenate(parts) for parts in zip(empty, *self._changes, strict=True))
        link = link.astype(np.int32)
        return {"time_s": time_s, "link": link, "is_closed_to_cars": no_cars, "is_closed_to_walkers": no_walkers}


def _middles(streets: Streets) -> tuple[Floats, Floats]:
    """Return (x_m, y_m) halfway between the ends of each link."""
    up, down = streets.link_upstream, streets.link_downstream
    return (
        (streets.node_x_m[up] + streets.node_x_m[down]) / 2,
        (streets.node_y_m[up] + streets.node_y_m[down]) / 2,
    )


def _building_heights(scenario: Scenario, streets: Streets) -> tuple[Floats | None, tuple[str, ...]]:
    """Return the height of the buildings along each link from footprints (m); None: by class and zone; and notes."""
    if scenario.damage.debris.footprints is None:
        return None, ()
    return heights_along_links(scenario.damage.debris.footprints, streets)
