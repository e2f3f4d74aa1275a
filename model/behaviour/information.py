"""What households know and when: orders heard from channels and from neighbours, impacts remembered, seats in reach."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from safepassage.agents.civilians import People
from safepassage.agents.ground.arrays import Ints
from safepassage.agents.households import Households
from safepassage.model.behaviour.covariates import Covariate, Known, fill
from safepassage.model.clock import epoch_s
from safepassage.model.draws import Stream, keys_of, uniforms_for
from safepassage.model.people.demography import ADULT_AGE, OLD_AGE
from safepassage.model.settings.behaviour import Audience, Behaviour, Channel, Force, Order, Rumour, Saying
from safepassage.model.settings.run import Run
from safepassage.model.streets.streets import Streets

TALK_EVERY_S = 1800.0
"""Orders go from neighbour to neighbour in steps of this length, at whatever pace households decide (s)."""
RUMOURS_FROM = 2**24
"""Rumours are numbered from here on, orders from 0: by these numbers chance is drawn."""
CHANNELS = ("siren", "phone", "door_to_door")


@dataclass(eq=False)
class Spreading:
    """A message that goes from neighbour to neighbour, and who has come to believe it."""

    number: int
    """By which chance is drawn: of orders their place in the scenario's list."""
    believed_s: np.ndarray
    """float64[n]: when each household believes it (s), whomever it addresses; inf: not so far."""
    is_spreading: bool = field(default=True, kw_only=True)
    """Whether anybody may still hear of it from neighbours."""
    lasts_s: float = field(default=np.inf, kw_only=True)
    """How long each believes it (s)."""
    is_deaf: np.ndarray | None = field(default=None, kw_only=True)
    """bool[n]: who never believes it; None: nobody."""

    def believe_at(self, time_s: float) -> np.ndarray:
        """Return who believes it at a time (s), bool[n]."""
        return (self.believed_s <= time_s) & (time_s < self.believed_s + self.lasts_s)

    def share_between(self, from_s: float, until_s: float, before_s: np.ndarray) -> np.ndarray:
        """Return for which share of a time (s) each believes it, what comes after `before_s` left out; float64[n]."""
        end_s = np.minimum(np.minimum(self.believed_s + self.lasts_s, before_s), until_s)
        return np.maximum(end_s - np.maximum(self.believed_s, from_s), 0.0) / (until_s - from_s)


@dataclass(eq=False)
class Told(Spreading):
    """One order that has gone out, and who has come to know of it."""

    order: Order
    addressed: np.ndarray
    """bool[n]"""
    reached_s: np.ndarray
    """float64[n]: when a channel brings it to each household, whether it believes it or not (s); inf: none does."""
    persuaded_s: np.ndarray
    """float64[n]: when people at its door persuade a household that it addresses (s); inf: they do not."""

    @property
    def heard_s(self) -> np.ndarray:
        """When each household that it addresses believes it (s), inf: not so far."""
        return np.where(self.addressed, self.believed_s, np.inf)


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
        is_adult, is_old = people.age >= ADULT_AGE, people.age >= OLD_AGE
        n_adults = np.add.reduceat(is_adult, first[:-1], dtype=np.float64)
        self._share_old = np.add.reduceat(is_old, first[:-1], dtype=np.float64) / np.maximum(n_adults, 1.0)
        is_alone = (households.n_members == 1) & (np.bincount(households.family, minlength=n)[households.family] == 1)
        self._is_lone_old = is_alone & is_old[first[:-1]]
        self._has_destination = uniforms_for(seed, Stream.HOUSEHOLD, self._keys, tick=2**31) < settings.p_destination
        self._is_renter = uniforms_for(seed, Stream.HOUSEHOLD, self._keys, tick=2**31 + 1) < settings.p_renting
        self.told: list[Told] = []
        """Orders sent out so far."""
        self.rumours = [self._let_loose(row, rumour) for row, rumour in enumerate(settings.rumours)]
        """False messages of the scenario, in its order."""
        self.warned_s = np.full(n, np.inf)
        """When each household first believed an order that addresses it (s); inf: not so far."""
        self.compelled_s = np.full(n, np.inf)
        """The same of compulsory orders."""
        self.lacks_c, self.is_dry = np.zeros(n), np.zeros(n, np.bool_)
        """By household: degrees that its home lacks, float64, and whether its stored water is used up, bool."""
        self.time_s = self._memory_s = 0.0
        self._n_talks = 0
        self._n_nodes = streets.n_nodes
        self._link = (streets.link_upstream, streets.link_downstream)
        self._talks = households.institution < 0
        n_at_node = np.bincount(households.home_node[self._talks], minlength=streets.n_nodes)
        around = n_at_node + np.bincount(streets.link_downstream, n_at_node[streets.link_upstream], streets.n_nodes)
        self._n_others = np.maximum(around[households.home_node] - 1, 1)
        self.look(0.0, np.zeros(n), is_front=False, is_first=True)

    def announce(
        self, number: int, order: Order, addressed: np.ndarray, issued_s: float, phone_works: np.ndarray
    ) -> Told:
        """Send an order out by all channels; return it as `Told`.

        Everybody may hear of it, those whom it addresses may do as told. number: the order's place in the scenario's
        list, by which chance is drawn: another order, or one moved in time, changes nothing of this one. addressed:
        bool[n]; phone_works: bool[n], whether phones work at home now. issued_s: when it is issued (s).
        """
        channels, n = self.settings.channels, addressed.size
        believed_s, reached_s, persuaded_s = (np.full(n, np.inf) for _ in range(3))
        for index, name in enumerate(CHANNELS):
            channel: Channel = getattr(channels, name)
            u_reach, u_delay, u_trust = (
                uniforms_for(self.seed, Stream.NEWS, self._keys, tick=number, index=3 * index + k) for k in range(3)
            )
            heard_s = self._after_outages(channel, issued_s) - np.log1p(-u_delay) * channel.delay_median_s / np.log(2)
            reached = u_reach < channel.reach
            if name == "phone":
                reached &= phone_works
            if name == "door_to_door":
                u_persuade = uniforms_for(self.seed, Stream.NEWS, self._keys, tick=number, index=3 * len(CHANNELS))
                persuaded_s[:] = np.where(
                    reached & addressed & (u_persuade < channels.door_to_door.p_persuaded), heard_s, np.inf
                )
            reached_s = np.where(reached, np.minimum(reached_s, heard_s), reached_s)
            believes = reached & (u_trust < channel.trust)
            believed_s = np.where(believes, np.minimum(believed_s, heard_s), believed_s)
        told = Told(number, believed_s, order, addressed, reached_s, persuaded_s)
        self.told.append(told)
        self._note(told)
        return told

    def _let_loose(self, row: int, rumour: Rumour) -> Spreading:
        """Let a rumour reach those who hear it at first hand; row: its place in the scenario's list."""
        u_reach, u_delay, u_trust = (
            uniforms_for(self.seed, Stream.NEWS, self._keys, tick=RUMOURS_FROM + row, index=index) for index in range(3)
        )
        starts_s = rumour.issued_s(self.run.start, self._time_zone)
        heard_s = starts_s - np.log1p(-u_delay) * rumour.delay_median_s / np.log(2)
        is_deaf = u_trust >= rumour.trust
        believed_s = np.where((u_reach < rumour.reach) & ~is_deaf, heard_s, np.inf)
        return Spreading(RUMOURS_FROM + row, believed_s, lasts_s=rumour.lasts_d * 86400.0, is_deaf=is_deaf)

    def rumoured(self, saying: Saying) -> list[Spreading]:
        """Return the rumours that say one thing."""
        said = zip(self.rumours, self.settings.rumours, strict=True)
        return [spreading for spreading, rumour in said if rumour.says == saying]

    def believes_all_clear(self, time_s: float) -> np.ndarray:
        """Return which households believe a false all-clear at a time (s), bool[n]."""
        believes = np.zeros(len(self.households), np.bool_)
        for rumour in self.rumoured(Saying.ALL_CLEAR):
            believes |= rumour.believe_at(time_s)
        return believes

    def share_warned(self, from_s: float, until_s: float) -> np.ndarray:
        """Return for which share of a time (s) each believed an order, or a rumour of one; float64[n], or of no size:
        there is neither."""
        if not (self.told or self.rumours):
            return np.empty(0)
        share = np.clip((until_s - self.warned_s) / (until_s - from_s), 0.0, 1.0)
        for rumour in self.rumoured(Saying.LEAVE):
            share += rumour.share_between(from_s, until_s, self.warned_s)
        return np.minimum(share, 1.0)

    def share_compelled(self, from_s: float, until_s: float) -> np.ndarray:
        """Return for which share of a time (s) each believed a compulsory order; float64[n], or of no size: there is
        no order."""
        if not self.told:
            return np.empty(0)
        return np.clip((until_s - self.compelled_s) / (until_s - from_s), 0.0, 1.0)

    def _note(self, told: Told) -> None:
        """Bring up to date when households first believed an order, and a compulsory one."""
        heard_s = told.heard_s
        np.minimum(self.warned_s, heard_s, out=self.warned_s)
        if told.order.force == Force.COMPULSORY:
            np.minimum(self.compelled_s, heard_s, out=self.compelled_s)

    def _after_outages(self, channel: Channel, time_s: float) -> float:
        for period in sorted(channel.outages, key=lambda period: period.start):
            start_s, end_s = (epoch_s(m, self._time_zone) - self._start_s for m in (period.start, period.end))
            if start_s <= time_s < end_s:
                time_s = end_s
        return time_s

    def talk(self, until_s: float) -> Iterator[tuple[Told, Ints]]:
        """Let orders spread along the streets up to a time (s); yield (told, rows of those who hear it now)."""
        while (self._n_talks + 1) * TALK_EVERY_S <= until_s:
            from_s = self._n_talks * TALK_EVERY_S
            self._n_talks += 1
            for rumour in self.rumours:
                self._hear_from_neighbours(rumour, from_s)
            for told in self.told:
                rows = self._hear_from_neighbours(told, from_s)
                if rows.size:
                    self._note(told)
                    yield told, rows

    def _hear_from_neighbours(self, told: Spreading, from_s: float) -> np.ndarray:
        """Let a message pass between neighbours for one step; return those who hear of it. Chance depends on the step,
        not on who decides."""
        rate = self.settings.channels.word_of_mouth_per_day / 86400.0
        none = np.empty(0, np.int64)
        if not told.is_spreading or rate == 0:
            return none
        may_learn = told.believed_s > from_s
        ignorant = np.flatnonzero(may_learn if told.is_deaf is None else may_learn & ~told.is_deaf)
        n_know = self._n_knowing(told.believe_at(from_s))[self.households.home_node[ignorant]]
        ignorant, n_know = ignorant[n_know > 0], n_know[n_know > 0]
        if ignorant.size == 0:
            told.is_spreading = bool((told.believed_s[np.isfinite(told.believed_s)] > from_s).any())
            return none
        u = uniforms_for(self.seed, Stream.GOSSIP, self._keys[ignorant], tick=self._n_talks, index=told.number)
        hears_s = from_s - np.log1p(-u) / (rate * n_know / self._n_others[ignorant])
        hears = hears_s <= np.minimum(from_s + TALK_EVERY_S, told.believed_s[ignorant])
        told.believed_s[ignorant[hears]] = hears_s[hears]
        return ignorant[hears]

    def _n_knowing(self, knows: np.ndarray) -> np.ndarray:
        """Return by node how many households at it and at the ends of its streets know."""
        n_nodes = self._n_nodes
        n_know = np.bincount(self.households.home_node, knows & self._talks, n_nodes)
        upstream, downstream = self._link
        return n_know + np.bincount(downstream, n_know[upstream], n_nodes)

    def hear_impacts(self, home: np.ndarray, time_s: float) -> None:
        """Add impacts to the memory of the households that heard them; home: a row for each impact heard."""
        self._forget(time_s)
        np.add.at(self.households.impacts_remembered, home, 1.0)

    def _forget(self, time_s: float) -> None:
        days = (time_s - self._memory_s) / 86400.0
        self.households.impacts_remembered *= 0.5 ** (days / self.settings.memory_half_life_d)
        self._memory_s = time_s

    def look(self, time_s: float, share_without_seat: np.ndarray, *, is_front: bool, is_first: bool = False) -> None:
        """Bring the covariates up to date; is_first: those too that last.

        time_s: the moment (s). share_without_seat: float64[n], of those without a car in reach of the same stops.
        is_front: whether there is a front, whose threat holds what falls on the town as a whole.
        """
        self.time_s = time_s
        self._forget(time_s)
        remembered = self.households.impacts_remembered
        n_repeated = np.zeros(remembered.size)
        for told in self.told:
            n_repeated += (told.addressed & (told.believed_s <= time_s)) * (1.0 if told.order.zones is None else 2.0)
        if self.told:
            n_repeated = np.maximum(n_repeated - 1.0, 0.0)
        known = Known(
            households=self.households,
            time_s=time_s,
            mean_impacts=float(remembered[self._talks].mean()) if is_front else 0.0,
            warned_s=self.warned_s,
            n_repeated=n_repeated,
            share_without_seat=share_without_seat,
            share_old=self._share_old,
            is_lone_old=self._is_lone_old,
            has_destination=self._has_destination,
            is_renter=self._is_renter,
            believes_all_clear=self.believes_all_clear(time_s),
            lacks_c=self.lacks_c,
            is_dry=self.is_dry,
        )
        fill(self.covariates, known, is_first=is_first)


def addressed_by(order: Order, households: Households, zone_names: tuple[str, ...]) -> np.ndarray:
    """Return which households an order addresses, bool[n]; zones must be among the names."""
    addressed = np.ones(len(households), np.bool_)
    if order.zones is not None:
        addressed &= np.isin(households.zone, [zone_names.index(name) for name in order.zones])
    if order.audience == Audience.FAMILIES_WITH_CHILDREN:
        addressed &= households.has_children
    return addressed
