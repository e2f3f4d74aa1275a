"""What households know and when: orders heard, impacts remembered, the front as reported, who has left, what works."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from safepassage.agents.civilians import Mobility, People
from safepassage.agents.ground.arrays import Ints
from safepassage.agents.households import Households
from safepassage.model.behaviour.covariates import Covariate, Known, fill
from safepassage.model.clock import epoch_s
from safepassage.model.draws import Stream, keys_of, uniforms_for
from safepassage.model.people.demography import OLD_AGE
from safepassage.model.settings.behaviour import Audience, Behaviour, Channel, Force, Order
from safepassage.model.settings.damage import Utility
from safepassage.model.settings.run import Run
from safepassage.model.streets.streets import Streets

NEIGHBOUR_CELL_M = 80.0
"""Neighbours are those in the 5 by 5 cells of this side about a home: within about 200 m (SOURCES 4)."""
CHANNELS = ("siren", "phone", "door_to_door")


class Information:
    """Columns of what each household knows; `covariates` is what it weighs, float32[n_covariates, n_households]."""

    def __init__(
        self,
        settings: Behaviour,
        run: Run,
        time_zone: str,
        streets: Streets,
        households: Households,
        people: People,
        seed: int,
    ) -> None:
        """settings: the scenario's section `Behaviour`. run: start and length of the run. time_zone: of local times.

        streets: those of the model. households, people: their columns. seed: of the run, for all chance.
        """
        self.settings, self.run, self.seed, self.households = settings, run, seed, households
        self._start_s = epoch_s(run.start, time_zone)
        self._time_zone = time_zone
        n, self._keys = len(households), keys_of(households)
        self.covariates = np.zeros((len(Covariate), n), np.float32)
        first = households.first_person
        self._needs_assistance = np.logical_or.reduceat(people.mobility == Mobility.NEEDS_ASSISTANCE, first[:-1])
        self._is_lone_old = (households.n_members == 1) & (people.age[first[:-1]] >= OLD_AGE)
        self._has_destination = uniforms_for(seed, Stream.HOUSEHOLD, self._keys, tick=2**31) < settings.p_destination
        self.heard_s: list[np.ndarray] = []
        """For each order sent out, when each household believes it (s); inf: not yet, or not addressed."""
        self._orders: list[Order] = []
        self._number: list[int] = []
        self._issued: list[tuple[float, np.ndarray]] = []
        self._memory_s = 0.0
        self._n_talks = 0
        self.look_again()
        self._link = (streets.link_upstream, streets.link_downstream)
        self._n_at_node = np.bincount(households.home_node, minlength=streets.n_nodes)
        west_m, south_m = households.home_x_m.min(), households.home_y_m.min()
        column = ((households.home_x_m - west_m) / NEIGHBOUR_CELL_M).astype(np.int64)
        row = ((households.home_y_m - south_m) / NEIGHBOUR_CELL_M).astype(np.int64)
        self._shape = (int(row.max()) + 5, int(column.max()) + 5)
        self._cell = (row + 2) * self._shape[1] + column + 2
        self._n_near = self._sum_near(np.ones(n))
        self.look(0.0, None, np.zeros((len(Utility), n), np.bool_), np.zeros(n, np.bool_), seats=False)

    def announce(
        self, number: int, order: Order, addressed: np.ndarray, issued_s: float, phone_works: np.ndarray
    ) -> np.ndarray:
        """Send an order out by all channels; return when each household addressed believes it (s), inf: not so far.

        number: the order's place in the scenario's list, by which chance is drawn: another order, or one moved in
        time, changes nothing of this one. addressed: bool[n]; phone_works: bool[n], whether phones work at home now.
        issued_s: when it is issued (s).
        """
        channels = self.settings.channels
        heard_s = np.full(addressed.size, np.inf)
        for index, name in enumerate(CHANNELS):
            channel: Channel = getattr(channels, name)
            u_reach, u_delay, u_trust = (
                uniforms_for(self.seed, Stream.NEWS, self._keys, tick=number, index=3 * index + k) for k in range(3)
            )
            sent_s = self._after_outages(channel, issued_s)
            delay_s = -np.log1p(-u_delay) * channel.delay_median_s / np.log(2)
            reached = addressed & (u_reach < channel.reach) & (u_trust < channel.trust)
            if name == "phone":
                reached &= phone_works
            heard_s = np.where(reached, np.minimum(heard_s, sent_s + delay_s), heard_s)
        self._orders.append(order)
        self._number.append(number)
        self.heard_s.append(heard_s)
        self._issued.append((issued_s, addressed))
        return heard_s

    def _after_outages(self, channel: Channel, time_s: float) -> float:
        for period in sorted(channel.outages, key=lambda period: period.start):
            start_s, end_s = (epoch_s(m, self._time_zone) - self._start_s for m in (period.start, period.end))
            if start_s <= time_s < end_s:
                time_s = end_s
        return time_s

    def gossip(self, from_s: float, until_s: float) -> Iterator[Any] | Iterator[tuple[Order, Ints]]:
        """Let orders spread from household to household along the streets; yield (order, rows that hear it now)."""
        self._n_talks += 1
        rate = self.settings.channels.word_of_mouth_per_day * (until_s - from_s) / 86400.0
        told = zip(self._number, self._orders, self.heard_s, self._issued, strict=True)
        for number, order, heard_s, (_, addressed) in told:
            ignorant = np.flatnonzero(addressed & (heard_s > until_s))
            if ignorant.size == 0 or rate == 0:
                continue
            share = self._share_knowing(heard_s <= from_s)[self.households.home_node[ignorant]]
            u = uniforms_for(self.seed, Stream.GOSSIP, self._keys[ignorant], tick=self._n_talks, index=number)
            hears = ignorant[u < -np.expm1(-rate * share)]
            if hears.size:
                heard_s[hears] = until_s
                yield order, hears

    def _share_knowing(self, knows: np.ndarray) -> np.ndarray:
        """Return by node the share of households at it and at the ends of its streets that know."""
        n_nodes = self._n_at_node.size
        n_know = np.bincount(self.households.home_node, knows, n_nodes)
        upstream, downstream = self._link
        around_know = n_know + np.bincount(downstream, n_know[upstream], n_nodes)
        around = self._n_at_node + np.bincount(downstream, self._n_at_node[upstream], n_nodes)
        return around_know / np.maximum(around, 1)

    def hear_impacts(self, home: np.ndarray, time_s: float) -> None:
        """Add impacts to the memory of the households that heard them; home: a row for each impact heard."""
        self._forget(time_s)
        np.add.at(self.households.impacts_remembered, home, 1.0)

    def _forget(self, time_s: float) -> None:
        days = (time_s - self._memory_s) / 86400.0
        self.households.impacts_remembered *= 0.5 ** (days / self.settings.memory_half_life_d)
        self._memory_s = time_s

    def look_again(self) -> None:
        """Take nothing for unchanged at the next look."""
        self._seen_s = -np.inf
        self._seen_gone: np.ndarray | None = None
        self._seen_lost: np.ndarray | None = None
        self._seen_seats: bool | None = None

    def look(self, time_s: float, front_km: np.ndarray | None, lost: np.ndarray, is_gone: np.ndarray,
             seats: bool) -> bool:  # fmt: skip
        """Bring the covariates up to date; return whether there was anything new to look at.

        front_km: distance of each home to the front as reported, or None. lost: bool[utility, n], what does not work
        at each home. is_gone: bool[n], households that have left. seats: whether seats out of town are on offer.
        time_s: the moment (s).
        """
        is_gone_anew = self._seen_gone is None or not np.array_equal(is_gone, self._seen_gone)
        if not (is_gone_anew or self._is_news(time_s, front_km, lost, seats)):
            return False
        self._seen_s, self._seen_lost, self._seen_seats = time_s, lost, seats
        if is_gone_anew:
            self._seen_gone = is_gone.copy()
            self._neighbours_gone = self._sum_near(is_gone.astype(float)) / np.maximum(self._n_near, 1.0)
        self._forget(time_s)
        believed_s: dict[Force, list[np.ndarray]] = {force: [] for force in Force}
        for heard_s, order in zip(self.heard_s, self._orders, strict=True):
            believed_s[order.force].append(heard_s)
        known = Known(
            households=self.households,
            time_s=time_s,
            front_km=front_km,
            believed_s=believed_s,
            lost=lost,
            neighbours_gone=self._neighbours_gone,
            seats=seats,
            needs_assistance=self._needs_assistance,
            is_lone_old=self._is_lone_old,
            has_destination=self._has_destination,
        )
        fill(self.covariates, known)
        return True

    def _is_news(self, time_s: float, front_km: np.ndarray | None, lost: np.ndarray, seats: bool) -> bool:
        """Return whether something may have changed since the last look but for who has left."""
        if front_km is not None or lost is not self._seen_lost or seats != self._seen_seats:
            return True
        heard = any(((self._seen_s < heard_s) & (heard_s <= time_s)).any() for heard_s in self.heard_s)
        return heard or bool(self.households.impacts_remembered.any())

    def _sum_near(self, values: np.ndarray) -> np.ndarray:
        """Return for each household the sum of values over those in the 5 by 5 cells about its home."""
        grid = np.bincount(self._cell, values, self._shape[0] * self._shape[1]).reshape(self._shape)
        total = np.pad(grid.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
        row, column = np.divmod(self._cell, self._shape[1])
        low_r, high_r = np.maximum(row - 2, 0), np.minimum(row + 3, self._shape[0])
        low_c, high_c = np.maximum(column - 2, 0), np.minimum(column + 3, self._shape[1])
        return total[high_r, high_c] - total[low_r, high_c] - total[high_r, low_c] + total[low_r, low_c]


def addressed_by(order: Order, households: Households, zone_names: tuple[str, ...]) -> np.ndarray:
    """Return which households an order addresses, bool[n]; zones must be among the names."""
    addressed = np.ones(len(households), np.bool_)
    if order.zones is not None:
        addressed &= np.isin(households.zone, [zone_names.index(name) for name in order.zones])
    if order.audience == Audience.FAMILIES_WITH_CHILDREN:
        addressed &= households.has_children
    return addressed
