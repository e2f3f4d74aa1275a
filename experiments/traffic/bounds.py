"""How soon the cars of a run could be out at best, whoever chose their ways: two bounds, beside what the run did.

Both bounds take the cars that set out in the run, each from where and when it did, and the streets and exits of the
scenario. Both leave out what can only slow cars down: junctions, room on the streets, damage, closures, wrecks, people
on foot and service vehicles. So no plan of routes, and no traffic control, can have more cars out by any moment.

- The capacity bound: every car drives its fastest way alone; then all exits together let out what they state.
- The best routes: the flow that has most cars out by each moment, with the same links (earliest arrival flow: Gale
  1959; with several sources: Baumann and Skutella 2009, Mathematics of Operations Research 34). It is found as a
  largest flow through copies of the streets, one for each period. A moment at a node is counted as the arrival that
  it would bring on an empty road, so that the fastest ways take no period at all, and what a detour costs is rounded
  down; what a street lets out in a period is rounded up to whole cars. So it is a bound still, and the nearer the
  fewer cars are rounded.

What lies between the best routes and the run is the price of selfish routes, late news and whatever else held cars up.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csgraph, csr_array

from safepassage.agents.ground.arrays import Floats, Ints
from safepassage.agents.parties import Mode
from safepassage.model.results.run_folder import RunFolder
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.scenario import Scenario
from safepassage.model.story import scenario_of
from safepassage.model.streets.build import load_streets
from safepassage.model.streets.streets import Streets, seconds_out
from safepassage.model.town.contraflow import exit_capacity_per_s, lanes_factor, ways_out

N_PERIODS = 48
"""Periods that the time until the end is cut into. More of them cost time and bring the bound nearer to the run."""
LEAST_LOOKS = 12
"""Moments at which the largest flow is asked for at least, after every period at most; between two of them the bound
is what the exits let out from the one on, or what is out by the next."""
WORK = 4_000_000
"""Copies of links that all these largest flows may have together: some 20 s of computing."""
MARGIN_S = 1e-6
"""Times that differ by less than this are the same (s)."""


@dataclass(frozen=True)
class Cars:
    """Cars that set out in a run and could come out: where, when, and when they were out."""

    node: Ints
    departure_s: Floats
    out_s: Floats
    """inf: not within the run."""


@dataclass(frozen=True)
class Bounds:
    """What was possible for the cars of a run at best, and what the run did."""

    cars: Cars
    end_s: float
    """End of the run (s)."""
    n_without_way: int
    """Cars that set out where no street leads out."""
    earliest_s: Floats
    """When each car could be out if it were alone, sorted (s)."""
    capacity_out_s: Floats
    """The j-th car that is out cannot be out before entry j, by the capacity of the exits (s)."""
    look_s: Floats
    """Moments at which the largest flow is known (s), rising."""
    n_by_look: Floats
    """Most cars that can be out by each of them."""
    arrivals_per_s: float
    """Most cars that can be out per second, by the last link or the exit that each comes through."""
    exits: tuple[str, ...]
    """Names of the exits that cars may leave by."""
    unused: tuple[str, ...]
    """Those of them by which no car left in the run."""

    @property
    def n_cars(self) -> int:
        """Number of cars."""
        return self.cars.departure_s.size

    def most_out(self, time_s: Floats, *, by_capacity_only: bool = False) -> Floats:
        """Return the most cars that can be out by each of some times (s)."""
        time_s = np.asarray(time_s, float)
        most = np.searchsorted(self.capacity_out_s, time_s + MARGIN_S, side="right").astype(float)
        if by_capacity_only or self.look_s.size == 0:
            return most
        after = np.searchsorted(self.look_s, time_s + MARGIN_S, side="right")
        counts = np.append(self.n_by_look, self.n_cars)
        before_s, before = np.append(0.0, self.look_s)[after], np.append(0.0, self.n_by_look)[after]
        since_s = np.maximum(time_s - before_s, 0.0)
        let_out = before + self.arrivals_per_s * since_s + len(self.exits)
        return np.minimum(most, np.minimum(counts[after], np.where(after > 0, let_out, np.inf)))

    def soonest_s(self, n: int, *, by_capacity_only: bool = False) -> float:
        """Return a time before which n cars cannot be out (s)."""
        first_s = float(self.capacity_out_s[n - 1])
        if by_capacity_only:
            return first_s
        last_s = max(first_s, float(self.look_s[-1]))
        time_s = np.linspace(first_s, last_s, 4001)
        enough = np.flatnonzero(self.most_out(time_s) >= n)
        return float(time_s[max(enough[0] - 1, 0)]) if enough.size else last_s

    def least_vehicle_h(self, *, by_capacity_only: bool = False) -> float:
        """Return the fewest hours that all cars together spend until they are out or the run ends."""
        still_s = np.maximum(0.0, self.end_s - self.cars.departure_s).sum()
        steps = (self.capacity_out_s, self.look_s, np.linspace(0.0, self.end_s, 4001))
        time_s = np.unique(np.concatenate(steps).clip(0.0, self.end_s))
        just_before_s = time_s[1:] - 2.0 * MARGIN_S
        out = self.most_out(just_before_s, by_capacity_only=by_capacity_only)
        return float(still_s - (out * np.diff(time_s)).sum()) / 3600.0

    @property
    def vehicle_h(self) -> float:
        """Hours that all cars together spent in the run until they were out or it ended."""
        return float((np.minimum(self.cars.out_s, self.end_s) - self.cars.departure_s).clip(0).sum()) / 3600.0

    @property
    def holds(self) -> bool:
        """Whether the run never had more cars out than the bounds allow."""
        out_s = np.sort(self.cars.out_s[np.isfinite(self.cars.out_s)])
        return bool((np.arange(1, out_s.size + 1) <= self.most_out(out_s) + MARGIN_S).all())

    def rows(self) -> list[tuple[str, float, float, float]]:
        """Return (what, capacity bound, best routes, this run), a row each; nan: not within the run."""
        out_s = np.sort(self.cars.out_s)
        found: list[tuple[str, float, float, float]] = []
        at_end = np.array([self.end_s])
        n_out = int(np.isfinite(out_s).sum())
        alone, best = (float(self.most_out(at_end, by_capacity_only=only)[0]) for only in (True, False))
        found.append(("cars out by the end of the run", alone, best, float(n_out)))
        for share, words in ((0.5, "half of the cars out"), (0.9, "90 % of the cars out"), (1.0, "all cars out")):
            n = int(np.ceil(share * self.n_cars))
            alone, best = (self.soonest_s(n, by_capacity_only=only) / 3600.0 for only in (True, False))
            run_h = float(out_s[n - 1]) / 3600.0 if np.isfinite(out_s[n - 1]) else float("nan")
            found.append((f"{words} (h)", alone, best, run_h))
        alone, best = (self.least_vehicle_h(by_capacity_only=only) for only in (True, False))
        found.append(("time from setting out to being out, within the run (vehicle-h)", alone, best, self.vehicle_h))
        return found

    @property
    def price(self) -> float:
        """Time that cars spent in the run, as a multiple of what it could be at best; nan: they could need none."""
        least = self.least_vehicle_h()
        return self.vehicle_h / least if least > 0 else float("nan")


def told(found: Bounds) -> list[str]:
    """Return what the bounds of a run say, one sentence each."""
    said = []
    if not found.holds:
        said.append(
            "The run had more cars out than the bounds allow: this is a mistake of the program. Please report it."
        )
    if np.isfinite(found.price):
        said.append(
            "Price of selfish routes, and of all else that held cars up: from setting out until they were out cars "
            f"took {found.price:.2f} times as long as with the best routes. Near 1, better routes can hardly help. If "
            "the exits are little used, more exits cannot help either: only other times of leaving can."
        )
    if found.unused:
        said.append(
            f"No car left by {', '.join(found.unused)} in the run; the bounds use every exit, whatever danger lies on "
            "the way. With --used-exits they leave out those that nobody used."
        )
    if found.n_without_way:
        said.append(f"Left out: {found.n_without_way:,} cars that set out where no street leads out of the town.")
    return said


def bounds_of(run: RunFolder, n_periods: int = N_PERIODS, *, used_exits: bool = False) -> Bounds:
    """Return the bounds for the cars of a finished run; raises ScenarioError if none set out, or a file is gone.

    n_periods: that the time until the end is cut into. used_exits: leave out the exits by which no car left in the run.
    """
    scenario = scenario_of(run)
    streets = _at_widest(load_streets(scenario.streets)[0], scenario)
    cars = _cars(run, streets)
    if cars.departure_s.size == 0:
        raise ScenarioError(f"{run.path}: nobody set out by car in this run, so there is nothing to compare.")
    exits = run.frame("exits")
    unused = tuple(exits["exit"][(exits["n_cars"] == 0) & (exits["flow_capacity_per_s"] > 0)])
    if used_exits:
        streets, unused = _with_exits(streets, [name not in unused for name in streets.exit_name]), ()
    return replace(bounds(streets, cars, float(run.manifest["simulated_s"]), n_periods), unused=unused)


def _at_widest(streets: Streets, scenario: Scenario) -> Streets:
    """Return the streets with all contraflow of a scenario, as if it held all the time."""
    flows, names = scenario.closures.contraflow, streets.names
    if not flows:
        return streets
    turned = [ways_out(flow, streets, names, f"closures.contraflow[{i}]") for i, flow in enumerate(flows)]
    factor = lanes_factor(turned, streets)
    exits_per_s = exit_capacity_per_s(streets, scenario.streets, factor)
    return replace(
        streets, flow_capacity_per_s=streets.flow_capacity_per_s * factor, exit_flow_capacity_per_s=exits_per_s
    )


def _with_exits(streets: Streets, kept: list[bool]) -> Streets:
    columns = ("exit_node", "exit_end_node", "exit_flow_capacity_per_s")
    names = tuple(name for name, is_kept in zip(streets.exit_name, kept, strict=True) if is_kept)
    return replace(streets, exit_name=names, **{column: getattr(streets, column)[kept] for column in columns})


def _cars(run: RunFolder, streets: Streets) -> Cars:
    trips = run.frame("trips")
    trips = trips[(trips["mode"] == Mode.CAR.name) | trips["left_car"].astype(bool)]
    row = {name: i for i, name in enumerate(streets.node_id)}
    node = np.array([row[name] for name in trips["home_node"]], dtype=np.int64)
    by_car = (trips["mode"] == Mode.CAR.name).to_numpy()
    out_s = np.where(by_car & trips["exit"].notna().to_numpy(), trips["arrival_time_s"].to_numpy(float), np.inf)
    return Cars(streets.nearest_usable(streets.drivable)[node], trips["departure_time_s"].to_numpy(float), out_s)


def bounds(streets: Streets, cars: Cars, end_s: float, n_periods: int = N_PERIODS) -> Bounds:
    """Return the bounds for some cars on some streets until a time (s).

    cars: where and when each sets out, and when it was out. end_s: end of the time looked at (s). n_periods: that it is
    cut into.
    """
    left_s = seconds_out(streets)
    has_way = np.isfinite(left_s[cars.node])
    some = Cars(cars.node[has_way], cars.departure_s[has_way], cars.out_s[has_way])
    earliest_s = np.sort(some.departure_s + left_s[some.node])
    per_s = streets.exit_flow_capacity_per_s[streets.exit_flow_capacity_per_s > 0]
    exits = tuple(np.array(streets.exit_name)[streets.exit_flow_capacity_per_s > 0].tolist())
    capacity_out_s = _through_exits(earliest_s, float(per_s.sum()), per_s.size)
    last_s = max(end_s, float(capacity_out_s[-1]) if capacity_out_s.size else 0.0)
    looks = _looks(streets, some, left_s, last_s, n_periods)
    return Bounds(
        some, end_s, int((~has_way).sum()), earliest_s, capacity_out_s, *looks, _arrivals_per_s(streets), exits, ()
    )


def _arrivals_per_s(streets: Streets) -> float:
    """Return how many cars can be out per second at most: what exits let out, or the ends of their onward roads."""
    into_per_s = np.bincount(streets.link_downstream, streets.flow_capacity_per_s * streets.drivable, streets.n_nodes)
    is_limit = (streets.exit_end_node == streets.exit_node) & (streets.exit_flow_capacity_per_s > 0)
    return float(np.where(is_limit, streets.exit_flow_capacity_per_s, into_per_s[streets.exit_end_node]).sum())


def _through_exits(earliest_s: Floats, per_s: float, n_exits: int) -> Floats:
    """Return when the j-th car can be out if exits together let out per_s; each lets a car out at once when idle."""
    step_s = np.arange(earliest_s.size) / per_s
    queued_s = np.maximum.accumulate(earliest_s - step_s) + step_s
    behind = max(n_exits - 1, 0)
    return np.maximum(
        earliest_s, np.append(np.full(min(behind, earliest_s.size), -np.inf), queued_s)[: earliest_s.size]
    )


def _looks(streets: Streets, cars: Cars, left_s: Floats, last_s: float, n_periods: int) -> tuple[Floats, Floats]:
    """Return (times, most cars out by them): the largest flows through copies of the streets."""
    begin_s = float((cars.departure_s + left_s[cars.node]).min()) if cars.node.size else 0.0
    period_s = max(last_s - begin_s, 1.0) / n_periods
    per_s = streets.exit_flow_capacity_per_s[streets.exit_flow_capacity_per_s > 0]
    if per_s.size:  # a whole number of cars of the narrowest exit: nothing is rounded there
        period_s = float(np.ceil(period_s * per_s.min() - MARGIN_S) / per_s.min())
    copies = _Copies(streets, cars, left_s, begin_s, period_s)
    n_looks = int(np.clip(2 * WORK // (n_periods * max(copies.up.size, 1)), LEAST_LOOKS, n_periods))
    number = np.unique(np.linspace(0, n_periods, n_looks + 1).astype(int))[1:]
    most = [copies.most_out(n) for n in number.tolist()]
    while most[-1] < cars.node.size and number[-1] < 8 * n_periods:  # not all are out in that time: look further on
        number = np.append(number, number[-1] + n_periods // 2)
        most.append(copies.most_out(int(number[-1])))
    return begin_s + period_s * number, np.array(most, float)


class _Copies:
    """The streets of cars in copies, one for each period; whole numbers of cars."""

    def __init__(self, streets: Streets, cars: Cars, left_s: Floats, begin_s: float, period_s: float) -> None:
        self.n_nodes, self.n_cars, self.period_s = streets.n_nodes, cars.node.size, period_s
        up, down = streets.link_upstream.astype(np.int64), streets.link_downstream.astype(np.int64)
        used = streets.drivable & np.isfinite(left_s[up]) & np.isfinite(left_s[down])
        self.up, self.down = up[used], down[used]
        free_s = streets.length_m[used] / streets.free_flow_speed_m_s[used]
        self.shift = np.floor((free_s + left_s[self.down] - left_s[self.up]) / period_s + 1e-9).astype(np.int64)
        self.most = self._whole(streets.flow_capacity_per_s[used])
        self.exit_end = streets.exit_end_node.astype(np.int64)
        is_gate = streets.exit_end_node == streets.exit_node
        capacity_per_s = np.where(is_gate & (streets.exit_flow_capacity_per_s > 0), streets.exit_flow_capacity_per_s, 0)
        self.exit_most = np.where(is_gate & (capacity_per_s > 0), self._whole(capacity_per_s), cars.node.size)
        period = np.floor((cars.departure_s + left_s[cars.node] - begin_s) / period_s + 1e-9).astype(np.int64)
        self.starts, self.n_starting = np.unique(period * self.n_nodes + cars.node, return_counts=True)

    def _whole(self, per_s: Floats) -> Ints:
        """Return the most cars that pass within any period, at one each 1 / per_s."""
        return np.ceil(per_s * self.period_s - 1e-9).clip(0, self.n_cars).astype(np.int64)

    def most_out(self, n_periods: int) -> int:
        """Return the most cars that can be out within the first periods."""
        n, layers = self.n_nodes, np.arange(n_periods)[:, None]
        source, sink = n * n_periods, n * n_periods + 1
        starts = self.starts < source
        fits = layers + self.shift < n_periods
        by_road = (layers * n + self.up)[fits], ((layers + self.shift) * n + self.down)[fits]
        stay = np.arange(n * (n_periods - 1))
        out = (layers * n + self.exit_end).ravel()
        tail = np.concatenate((by_road[0], stay, self.starts[starts] * 0 + source, out))
        head = np.concatenate((by_road[1], stay + n, self.starts[starts], out * 0 + sink))
        most = np.concatenate((
            np.broadcast_to(self.most, fits.shape)[fits], stay * 0 + self.n_cars, self.n_starting[starts],
            np.tile(self.exit_most, n_periods),
        ))  # fmt: skip
        network = csr_array((most.astype(np.int32), (tail, head)), shape=(sink + 1, sink + 1))  # parallel ones add up
        return int(csgraph.maximum_flow(network, source, sink).flow_value)
