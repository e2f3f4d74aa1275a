"""How a fleet works: convoys that leave together, shifts, fuel for so many runs, breakdowns, least service; when more
vehicles join it."""

import numpy as np

from safepassage.agents.vehicles import AWAY, LOST, TO_EXIT, TO_HOME, TO_STOP, PickupPoint, ServiceVehicle
from safepassage.model.clock import SAME_MOMENT_S
from safepassage.model.draws import Stream, uniforms_for
from safepassage.model.harm.vehicles import names_as_keys
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.services import Fleet, Reinforcement

ON_THE_ROAD = (TO_EXIT, TO_STOP, TO_HOME)


def has_nothing_to_decide(vehicle: ServiceVehicle) -> bool:
    """Return whether a vehicle goes on as it is as long as nobody waits: on its way, or at its depot out of cover."""
    is_under_way = vehicle.task in ON_THE_ROAD or vehicle.task in (AWAY, LOST)
    return is_under_way or (vehicle.is_at_depot and vehicle.waits_for_lull_since_s == np.inf)


class WorkRules:
    """The rules of one fleet; nothing of them binds a fleet whose settings name none."""

    def __init__(self, settings: Fleet, seed: int) -> None:
        """settings: the fleet as the scenario states it. seed: of the run."""
        self.settings, self._seed = settings, seed

    @property
    def speed_m_s(self) -> float:
        """Highest speed of its vehicles (m/s); inf: that of the road."""
        return np.inf if self.settings.convoys is None else self.settings.convoys.speed_km_h / 3.6

    def sets_out_s(self, ready_s: float) -> float:
        """Return when a vehicle that is ready at a moment leaves (s): with the next convoy, if there are convoys."""
        if self.settings.convoys is None:
            return ready_s
        every_s = self.settings.convoys.every_s
        return float(np.ceil((ready_s - SAME_MOMENT_S) / every_s) * every_s)

    def may_be_sent(self, vehicle: ServiceVehicle, vehicles: list[ServiceVehicle], time_s: float) -> bool:
        """Return whether a vehicle may begin a run: its crew is not to rest, and there is fuel.

        vehicles: all of the fleet. time_s: when it would set out (s).
        """
        if vehicle.run is not None:
            return True
        limit = self.settings.n_runs_fuelled
        if limit is not None and sum(len(each.runs) for each in vehicles) >= limit:
            return False
        shifts = self.settings.shifts
        return shifts is None or not shifts.work_h * 3600.0 < time_s - vehicle.shift_from_s < self._shift_and_rest_s

    @property
    def _shift_and_rest_s(self) -> float:
        assert self.settings.shifts is not None
        return (self.settings.shifts.work_h + self.settings.shifts.rest_h) * 3600.0

    def begin_run(self, vehicle: ServiceVehicle, time_s: float) -> None:
        """Note that a vehicle begins a run at a moment (s)."""
        if self.settings.shifts is not None and time_s - vehicle.shift_from_s >= self._shift_and_rest_s:
            vehicle.shift_from_s = time_s

    def is_due(self, stop: PickupPoint, now_s: float) -> bool:
        """Return whether no vehicle has been sent to a stop for too long by the least service; now_s: present (s)."""
        within_s = self.settings.serve_each_within_s
        return within_s is not None and now_s - stop.sent_to_s > within_s

    def on_road(self, vehicles: list[ServiceVehicle]) -> list[ServiceVehicle]:
        """Return the vehicles that are on the road and may break down."""
        if self.settings.breakdowns_per_100_h == 0.0:
            return []
        return [each for each in vehicles if each.node < 0 and each.task in ON_THE_ROAD]

    def break_down(self, vehicles: list[ServiceVehicle], for_s: float) -> list[ServiceVehicle]:
        """Let vehicles be on the road for some more time (s); return those that break down in it.

        The hours that each lasts are exponential, by a number that belongs to its name.
        """
        rate_per_s, on_road = self.settings.breakdowns_per_100_h / 100.0 / 3600.0, self.on_road(vehicles)
        if not on_road:
            return []
        lasts_s = -np.log1p(-uniforms_for(self._seed, Stream.BREAKDOWN, names_as_keys(on_road))) / rate_per_s
        broken = []
        for each, until_s in zip(on_road, lasts_s.tolist(), strict=True):
            each.driven_s += for_s
            if each.driven_s >= until_s:
                broken.append(each)
        return broken


class Reinforcements:
    """Those that have yet to come, in order of time; those of one moment in the order in which they are named."""

    def __init__(self, settings: tuple[Reinforcement, ...]) -> None:
        self._waiting = [one for one in settings if one.at_h is None]
        self._due: list[Reinforcement] = []
        self.next_s = np.inf
        """When the next come (s); inf: none."""
        self._expect([one for one in settings if one.at_h is not None])

    def act(self, trigger: str, at_s: float) -> None:
        """Expect those that wait for a trigger, by its name, at the moment when it acts (s)."""
        ready = {"at_h": at_s / 3600.0, "after": None}
        here = [one.model_copy(update=ready) for one in self._waiting if one.after == trigger]
        self._expect([*self._due, *here])

    def add(self, settings: Reinforcement, fleets: list[str]) -> None:
        """Take in one more; raises ScenarioError if there is no such fleet."""
        if settings.fleet not in fleets:
            there = ", ".join(fleets) or "none: the scenario has no buses (`services.fleets`)"
            raise ScenarioError(f"there is no fleet {settings.fleet!r}; the fleets are {there}.")
        self._expect([*self._due, settings])

    def _expect(self, due: list[Reinforcement]) -> None:
        """Let those come that are due, in order of time."""
        self._due = sorted(due, key=_at_s)
        self.next_s = _at_s(self._due[0]) - SAME_MOMENT_S if self._due else np.inf

    def come(self, time_s: float) -> list[Reinforcement]:
        """Return those that come at a time or before; each once."""
        n = sum(_at_s(one) <= time_s + SAME_MOMENT_S for one in self._due)
        here = self._due[:n]
        self._expect(self._due[n:])
        return here


def _at_s(one: Reinforcement) -> float:
    """Return when vehicles join whose moment is known (s)."""
    assert one.at_h is not None
    return one.at_h * 3600.0
