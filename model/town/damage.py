"""What breaks: streets closed or narrowed, bridges lost, homes and shelters destroyed, crews that clear.

Debris reaches c * H into a street from the side of a building of height H that falls (Adv. Civil Eng. 2020:7034517,
table 7); if the reaches from both sides meet, nothing is left (J. Risk Financial Manag. 2017 10(3):14). Each side of
a street keeps the farthest reach; a crater takes its own width; the narrowest place counts, debris or crater.

What falls is keyed (event, street), so that no plan changes it; only crews and dates do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from safepassage.agents.ground.arrays import Floats, Ints, rising
from safepassage.agents.ground.nearby import grid_of_links, grid_of_points, links_within, points_within
from safepassage.model.draws import Keys, Stream, uniforms_for
from safepassage.model.hazard.impacts import Impacts
from safepassage.model.settings.damage import Damage as DamageSettings
from safepassage.model.streets.streets import Streets
from safepassage.model.town.clearing import ClearingCrews

_NO_LINKS = np.empty(0, np.int32)
_DEBRIS, _BRIDGE, _HOME, _SHELTER = range(4)
"""Which of the numbers of `Stream.DAMAGE` serves what."""


@dataclass(frozen=True)
class Changes:
    """What changed: rows, int32, rising."""

    links: np.ndarray
    """Links whose state changed; the same street's two directions together."""
    homes: np.ndarray
    """Homes (households) that became unfit to live in."""
    shelters: np.ndarray
    """Shelters that were closed."""


class Hits(NamedTuple):
    """What impacts do to streets, sorted by event."""

    event: np.ndarray
    street: np.ndarray
    debris_m: np.ndarray
    """Reach of the debris from the building line; 0 if nothing falls."""
    side: np.ndarray
    """Side of the street that it comes from, 0 or 1."""
    crater_m: np.ndarray
    """Width of a crater in the carriageway; 0 if none."""
    length_m: np.ndarray
    """Length of street to clear."""
    bridge_falls: np.ndarray


class DatedLoss(NamedTuple):
    """A loss from one moment to another."""

    at_s: float
    until_s: float
    """inf: not within the run."""
    rows: np.ndarray
    """Streets."""
    lanes_left: float
    walkers_pass: bool


class Damage:
    """State of streets, homes and shelters. Per link: widths left, capacity factors, who may pass."""

    def __init__(
        self,
        settings: DamageSettings,
        seed: int,
        streets: Streets,
        home_x_m: npt.NDArray[Any] | Sequence[float] = (),
        home_y_m: npt.NDArray[Any] | Sequence[float] = (),
        shelter_x_m: npt.NDArray[Any] | Sequence[float] = (),
        shelter_y_m: npt.NDArray[Any] | Sequence[float] = (),
        zone_of_link: list[str] | None = None,
        building_height_m: Floats | None = None,
        home_keys: Keys | None = None,
        shelter_keys: Ints | None = None,
    ) -> None:
        """settings: `settings.damage.Damage`. zone_of_link: name of the zone of each link, if heights go by zone.

        building_height_m: height of the buildings along each link, nan where not known; goes before zone and class.
        home_keys, shelter_keys: by which the chance of each is drawn, see `draws.uniforms_for`; default: their rows.
        seed: seed of the run, from which all chance is drawn. home_x_m, home_y_m: place of each home (m). shelter_x_m,
        shelter_y_m: place of each shelter (m).
        """
        self.settings = settings
        self.seed = seed
        self.time_s = 0.0
        first_link, self.street = np.unique(streets.link_street, return_index=True, return_inverse=True)[1:]
        self.street = self.street.reshape(-1)
        n = self.n_streets = first_link.size
        self._by_street = np.argsort(self.street, kind="stable").astype(np.int32)
        """Links of the first street, those of the second, and so on."""
        self._n_links_of = np.bincount(self.street, minlength=n)
        self._links_from = np.cumsum(self._n_links_of) - self._n_links_of
        self._lay_out(streets, first_link)
        self._raise_buildings(streets, first_link, zone_of_link, building_height_m)
        self.debris_reach_m = np.zeros((n, 2))
        """float64[n_streets, 2]: farthest debris from either side's building line."""
        self.crater_width_m = np.zeros(n)
        self.bridge_lost = np.zeros(n, dtype=bool)
        self._lanes_left = np.full(n, np.inf)
        self._walkers_pass = np.ones(n, dtype=bool)
        self.home_lost = np.zeros(len(home_x_m), dtype=bool)
        self._home_keys: Keys | Ints = np.arange(len(home_x_m)) if home_keys is None else home_keys
        self.shelter_lost = np.zeros(len(shelter_x_m), dtype=bool)
        self._shelter_keys: Keys | Ints = np.arange(len(shelter_x_m)) if shelter_keys is None else shelter_keys
        self._homes = grid_of_points(home_x_m, home_y_m, cell_m=25.0)
        self._shelters = grid_of_points(shelter_x_m, shelter_y_m, cell_m=25.0)
        self._names = streets.names
        ranks = np.full(n, len(settings.crews.priority), dtype=np.int64)
        for rank, name in reversed(list(enumerate(settings.crews.priority))):
            ranks[self.street[self._names.demand_called(name, "damage.crews.priority")]] = rank
        self.crews: ClearingCrews = ClearingCrews(settings.crews.n_crews, settings.crews.clearing_m_per_h, ranks)
        self._dated = self._dated_losses()
        self._dates_s = sorted({at_s for loss in self._dated for at_s in (loss.at_s, loss.until_s)} - {np.inf})
        orders = [self._order(one, f"damage.crews.orders[{i}]") for i, one in enumerate(settings.crews.orders)]
        self._orders = sorted((one for one in orders if one[0] < np.inf), key=lambda order: order[0])
        self._impacts = None
        self.next_s = np.inf
        """When the next date or order comes or a crew is done (s); inf: never, as things stand."""
        self._expect()
        self._refresh(np.arange(n))

    def _lay_out(self, streets, first_link):
        """Set the widths and state arrays of undamaged streets."""
        debris = self.settings.debris
        setback_m = [debris.setback_m.get(name, debris.default_setback_m) for name in streets.highway_names]
        self._setback_m = np.array(setback_m, np.float64)[streets.highway[first_link]]
        self._carriageway_m = np.asarray(streets.carriageway_width_m, dtype=np.float64)[first_link]
        self._open_m = self._carriageway_m + 2 * self._setback_m
        self._n_lanes = np.bincount(self.street, weights=streets.n_lanes, minlength=first_link.size)
        self._is_bridge = np.bincount(self.street, weights=streets.is_bridge, minlength=first_link.size) > 0
        self._drivable = np.asarray(streets.drivable, dtype=bool)
        self._walkable = np.asarray(streets.walkable, dtype=bool)
        n = self.street.size
        self.residual_width_m, self.residual_walk_width_m = np.zeros(n), np.zeros(n)
        self.capacity_factor, self.walk_capacity_factor = np.ones(n), np.ones(n)
        self.is_open_car, self.is_open_walk = self._drivable.copy(), self._walkable.copy()
        from_point, n_points = streets.geometry_first[first_link], np.diff(streets.geometry_first)[first_link]
        first = np.append(0, np.cumsum(n_points))
        points = np.arange(first[-1]) + np.repeat(from_point - first[:-1], n_points)
        bridges, passing = self.settings.bridges, self.settings.passing
        farthest_m = np.max([debris.distance_m, bridges.hit_distance_m, passing.crater_width_m], axis=0)
        self._reach_m = self._open_m.max() / 2 + farthest_m
        """float64[3]: distance from a street's line beyond which an impact of each size does nothing to it."""
        self._grid = grid_of_links(first, streets.geometry_x_m[points], streets.geometry_y_m[points], cell_m=50.0)

    def _raise_buildings(self, streets, first_link, zone_of_link, building_height_m):
        """Set the height of the buildings along each street: as measured, by zone or by class; none on bridges."""
        debris = self.settings.debris
        names = streets.highway_names
        height_m = [debris.building_height_m.get(name, debris.default_building_height_m) for name in names]
        self.building_height_m = np.array(height_m, np.float64)[streets.highway[first_link]]
        if zone_of_link is not None and debris.zone_building_height_m:
            zones = [zone_of_link[k] for k in first_link]
            of_zone = [debris.zone_building_height_m.get(zone, np.nan) for zone in zones]
            self.building_height_m = np.where(np.isnan(of_zone), self.building_height_m, of_zone)
        if building_height_m is not None:
            measured_m = np.asarray(building_height_m, dtype=np.float64)[first_link]
            self.building_height_m = np.where(np.isnan(measured_m), self.building_height_m, measured_m)
        self.building_height_m[self._is_bridge] = 0.0

    def _rows_of(self, one, what):
        """Return the rows of the streets that a setting names, by `name` or `between`."""
        return np.unique(self.street[self._names.demand(one, what)])

    def _order(self, order, what):
        """Return when it is given (s; inf: once a trigger acts), the rows of its streets and the crews called in."""
        at_s = order.at_h * 3600.0 if order.after is None else np.inf
        return at_s, self._rows_of(order, what).tolist(), order.n_more_crews

    def follow(self, trigger: str, at_s: float) -> None:
        """Let orders be given that wait for a trigger, by its name, at the moment when it acts (s)."""
        for order in self.settings.crews.orders:
            if order.after == trigger:
                self.order_clearing(order.model_copy(update={"at_h": at_s / 3600.0, "after": None}))

    def order_clearing(self, order: Any) -> None:
        """Take a `settings.damage.ClearingOrder` that the scenario does not have; raises ScenarioError if it cannot."""
        self._orders = sorted([*self._orders, self._order(order, "clearing")], key=lambda known: known[0])
        self._expect()

    def _dated_losses(self):
        losses = []
        for i, loss in enumerate(self.settings.dated_losses):
            rows = self._rows_of(loss, f"damage.dated_losses[{i}]")
            until_s = np.inf if loss.restored_h is None else loss.restored_h * 3600.0
            losses.append(DatedLoss(loss.at_h * 3600.0, until_s, rows, loss.lanes_left, loss.walkers_pass))
        return losses

    def _come_to(self, date_s):
        """Bring lanes and walkers' ways to the dated losses in force at a date, the worst of each street; return the
        streets whose losses begin or end then."""
        for loss in self._dated:
            self._lanes_left[loss.rows], self._walkers_pass[loss.rows] = np.inf, True
        for loss in self._dated:
            if loss.at_s <= date_s < loss.until_s:
                self._lanes_left[loss.rows] = np.minimum(self._lanes_left[loss.rows], loss.lanes_left)
                self._walkers_pass[loss.rows] &= loss.walkers_pass or loss.lanes_left > 0
        return [row for loss in self._dated if date_s in (loss.at_s, loss.until_s) for row in loss.rows.tolist()]

    def _expect(self) -> None:
        """Work out when something changes next of itself, once anything has changed by which it may be another time."""
        date_s = self._dates_s[0] if self._dates_s else np.inf
        self.next_s = min(date_s, self._orders[0][0] if self._orders else np.inf, self.crews.next_end_s)

    def advance(self, time_s: float) -> Ints:
        """Let dates come and crews work until a time; return the links that changed, int32, rising."""
        if time_s < self.time_s:
            raise ValueError(f"damage cannot go back from {self.time_s} s to {time_s} s; give times that rise")
        if time_s < self.next_s:
            self.time_s = time_s
            self.crews.advance(time_s)
            return _NO_LINKS
        changed = []
        while self._dates_s and self._dates_s[0] <= time_s:
            changed += self._come_to(self._dates_s.pop(0))
        for _, street in self._clear(time_s):
            self.debris_reach_m[street] = 0.0
            self.crater_width_m[street] = 0.0
            changed.append(street)
        self.time_s = time_s
        self._expect()
        return self._refresh(changed)

    def _clear(self, time_s):
        """Let orders be given and crews work until a time; return (time_s, street) of the streets cleared."""
        cleared = []
        while self._orders and self._orders[0][0] <= time_s:
            at_s, rows, n_more_crews = self._orders.pop(0)
            cleared += self.crews.advance(at_s)
            for row in reversed(rows):
                self.crews.put_first(row)
            self.crews.call_in(n_more_crews)
        return cleared + self.crews.advance(time_s)

    def apply(self, impacts: Impacts, first: int, last: int) -> Changes:
        """Let the impacts first..last (rows of the impacts table) break what they break; return the `Changes`.

        Impacts may come in any portions, but in order of time; crews and dates are advanced to each that does harm.
        """
        if impacts is not self._impacts:
            self._foresee(impacts)
        links, touched = [], []
        hits = self._hits
        for i in range(*_rows_between(hits.event, first, last)):
            time_s, street = float(impacts.time_s[hits.event[i]]), int(hits.street[i])
            links.append(self.advance(time_s))
            reach_m = self.debris_reach_m[street]
            reach_m[hits.side[i]] = max(reach_m[hits.side[i]], hits.debris_m[i])
            self.crater_width_m[street] = max(self.crater_width_m[street], hits.crater_m[i])
            self.bridge_lost[street] |= hits.bridge_falls[i]
            if hits.length_m[i] > 0:
                self.crews.add(street, float(hits.length_m[i]), time_s)
                self._expect()
            touched.append(street)
        links.append(self._refresh(touched))
        lost = [_mark(is_lost, event, row, first, last) for is_lost, event, row in self._building_losses]
        return Changes(np.unique(np.concatenate(links)) if touched else links[0], *lost)

    def _foresee(self, impacts):
        """Draw once, for all impacts of a run, what they would break: it depends on no plan and on no state."""
        self._impacts = impacts
        self._hits = self._draw_hits(impacts)
        self._building_losses = [
            (self.home_lost, *self._draw_losses(impacts, self._homes, self._home_keys, "home", _HOME)),
            (self.shelter_lost, *self._draw_losses(impacts, self._shelters, self._shelter_keys, "shelter", _SHELTER)),
        ]

    def _draw_hits(self, impacts):
        """Return the `Hits` of all impacts on streets."""
        debris, passing, bridges = self.settings.debris, self.settings.passing, self.settings.bridges
        event, street, distance_m = links_within(self._grid, impacts.x_m, impacts.y_m, self._reach_m[impacts.size])
        size = impacts.size[event]
        p = np.array(debris.p_collapse)[size]
        near_buildings = np.abs(distance_m - self._open_m[street] / 2) <= np.array(debris.distance_m)[size]
        p = np.where(near_buildings & (self.building_height_m[street] > 0), p, 0.0)
        half_m = self._carriageway_m[street] / 2
        p_bridge = np.array(bridges.p_lost)[size]
        hits_bridge = self._is_bridge[street] & (distance_m <= half_m + np.array(bridges.hit_distance_m)[size])
        p_bridge = np.where(hits_bridge, p_bridge, 0.0)
        crater_m = np.array(passing.crater_width_m)[size]
        crater_m = np.where(distance_m <= half_m + crater_m / 2, crater_m, 0.0)
        at_risk = (p > 0) | (p_bridge > 0) | (crater_m > 0)
        event, street, p, p_bridge, crater_m = (a[at_risk] for a in (event, street, p, p_bridge, crater_m))
        u = uniforms_for(self.seed, Stream.DAMAGE, street, tick=event, index=_DEBRIS)
        falls = u < p
        # Given a collapse, u / p is uniform: its halves give the side, and the rest which way the building stands.
        twice = 2 * np.divide(u, p, out=np.zeros_like(u), where=falls)
        side = (twice >= 1).astype(np.int64)
        share = np.where(twice - side < debris.share_parallel, debris.reach_parallel, debris.reach_perpendicular)
        debris_m = np.where(falls, share * self.building_height_m[street], 0.0)
        bridge_falls = uniforms_for(self.seed, Stream.DAMAGE, street, tick=event, index=_BRIDGE) < p_bridge
        length_m = np.where(debris_m > 0, debris.heap_length_m, 0.0)
        length_m += np.where(crater_m > 0, np.array(passing.crater_length_m)[impacts.size[event]], 0.0)
        hit = (debris_m > 0) | (crater_m > 0) | bridge_falls
        return Hits(*(a[hit] for a in (event, street, debris_m, side, crater_m, length_m, bridge_falls)))

    def _draw_losses(self, impacts, grid, keys, kind, index):
        """Return (event, building) of all impacts that would destroy a building."""
        distance_m = np.array(getattr(self.settings.buildings, f"{kind}_distance_m"))[impacts.size]
        event, building, _ = points_within(grid, impacts.x_m, impacts.y_m, distance_m)
        p = np.array(getattr(self.settings.buildings, f"p_{kind}_lost"))[impacts.size[event]]
        at_risk = p > 0
        event, building = event[at_risk], building[at_risk]
        lost = uniforms_for(self.seed, Stream.DAMAGE, keys[building], tick=event, index=index) < p[at_risk]
        return event[lost], building[lost]

    def _refresh(self, rows):
        """Work out the state of the links of some streets anew; return those links, int32, rising."""
        if len(rows) == 0:
            return _NO_LINKS
        rows = rising(np.array(rows, np.int64))
        n_links = self._n_links_of[rows]
        from_row = self._links_from[rows] - (np.cumsum(n_links) - n_links)
        links = np.sort(self._by_street[np.arange(n_links.sum()) + np.repeat(from_row, n_links)])
        row = self.street[links]
        passing = self.settings.passing
        reach_m, crater_m = self.debris_reach_m[row], self.crater_width_m[row]
        on_carriageway_m = np.maximum(reach_m - self._setback_m[row, None], 0.0).sum(axis=1)
        lost_m = np.maximum(on_carriageway_m, crater_m)
        lost_walk_m = np.maximum(reach_m.sum(axis=1), crater_m)
        width_m = np.maximum(self._carriageway_m[row] - lost_m, 0.0)
        walk_m = np.maximum(self._open_m[row] - lost_walk_m, 0.0)
        stands = ~self.bridge_lost[row]
        lanes_left = self._lanes_left[row]
        car = stands & (lanes_left > 0) & ((lost_m == 0) | (width_m >= passing.least_car_width_m))
        walk = stands & ((lanes_left > 0) | self._walkers_pass[row])
        walk &= (lost_walk_m == 0) | (walk_m >= passing.least_walk_width_m)
        self.is_open_car[links] = car & self._drivable[links]
        self.is_open_walk[links] = walk & self._walkable[links]
        self.residual_width_m[links] = np.where(stands, width_m, 0.0)
        self.residual_walk_width_m[links] = np.where(stands, walk_m, 0.0)
        lanes = lanes_left / np.maximum(self._n_lanes[row], 1e-9)
        share = np.divide(width_m, self._carriageway_m[row], out=np.ones(row.size), where=lost_m > 0)
        walk_share = np.divide(walk_m, self._open_m[row], out=np.ones(row.size), where=lost_walk_m > 0)
        self.capacity_factor[links] = np.where(car, np.minimum(lanes, share), 0.0)
        self.walk_capacity_factor[links] = np.where(walk, walk_share, 0.0)
        return links.astype(np.int32)

    def opens_at_s(self, links: range | list[int]) -> Floats:
        """Return when damaged links will be clear as things stand (s): 0 if nothing lies there, infinity if no crew
        is there yet, a bridge is lost or no date of restoration is set.
        """
        rows = self.street[np.asarray(links, dtype=np.int64)]
        opens_s = np.zeros(rows.size)
        for i, row in enumerate(rows):
            if self.bridge_lost[row]:
                opens_s[i] = np.inf
                continue
            if self.debris_reach_m[row].any() or self.crater_width_m[row] > 0:
                opens_s[i] = self.crews.ends_s(int(row))
            if np.isfinite(self._lanes_left[row]):
                in_force = [loss for loss in self._dated if loss.at_s <= self.time_s < loss.until_s]
                opens_s[i] = max(opens_s[i], *(loss.until_s for loss in in_force if row in loss.rows))
        return opens_s


def _rows_between(event, first, last):
    """Return the first row of the impacts first..last, and that after their last, in a column of impacts that rises."""
    return event.searchsorted(np.array((first, last), event.dtype)).tolist()


def _mark(is_lost, event, building, first, last):
    """Mark the buildings that the impacts first..last destroy in is_lost; return those newly lost, int32, rising."""
    begin, end = _rows_between(event, first, last)
    lost = rising(building[begin:end])
    lost = lost[~is_lost[lost]]
    is_lost[lost] = True
    return lost
