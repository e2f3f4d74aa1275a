"""What a run leaves behind: counts over time while it runs, and the full tables at its end."""

from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from mesa.datacollection import DataCollector

from safepassage.agents.civilians import Injury, Mobility, Protection, Status
from safepassage.agents.ground.arrays import Floats
from safepassage.agents.parties import Mode
from safepassage.agents.rules.tally import nobody_counted, recount
from safepassage.model.harm.expected_casualties import band
from safepassage.model.hazard.impacts import Size
from safepassage.model.reception.reception import Reception
from safepassage.model.reception.tables import reception_tables
from safepassage.model.results import columns
from safepassage.model.results.exit_queues import ExitQueues, delivered, swings_told
from safepassage.model.results.map_tables import PlacesOverTime, map_tables
from safepassage.model.results.reasons import reasons
from safepassage.model.results.service_tables import (
    cold_tables,
    institution_table,
    school_table,
    service_tables,
    truce_table,
)
from safepassage.model.results.trajectories import Trajectories


def names(enum: Any, codes: np.ndarray) -> pa.Array:
    """Return codes of an enum as a dictionary-encoded column of its names."""
    return pa.DictionaryArray.from_arrays(codes.astype(np.int8), [member.name for member in enum]).cast("string")


def count(status: Status, model: Any) -> int:
    """Return the number of people of one status; with functools.partial, a reporter that can be pickled."""
    return int(model.recorder.n_by_status[status])


class StatusCounts(DataCollector):
    """Mesa's collector with the number of people of each status after each step, by the status's name."""

    def __init__(self) -> None:
        super().__init__(model_reporters={status.name.lower(): partial(count, status) for status in Status})

    @property
    def counts_only(self) -> bool:
        """Whether nobody has added a reporter, or collects in a way of their own."""
        if type(self).collect is not StatusCounts.collect or "collect" in vars(self):
            return False
        return len(self.model_reporters) == len(Status) and not (self.agent_reporters or self.agenttype_reporters)

    def collect(self, model: Any) -> None:
        """Add the numbers at the end of the present step."""
        if not self.counts_only:
            super().collect(model)
            return
        if hasattr(self, "_collection_steps"):  # Mesa 3.5 and later
            self._collection_steps.append(model.time)
        for values, n in zip(self.model_vars.values(), model.recorder.n_by_status_at(model.stepped_s), strict=True):
            values.append(n)


class Recorder:
    """Counts people by status and protection at every step, keeps a row each record_every_s, checks the books."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.n_by_status = np.zeros(len(Status), np.int64)
        self.n_by_injury = np.zeros(len(Injury), np.int64)
        self._n_present = np.zeros((len(Protection), len(Mobility) * len(model.zones.name)))
        self._since_s = np.zeros_like(self._n_present)
        """See `recount`. If times are whole seconds, it does not matter into how many turns time is cut."""
        people = model.people
        zone = model.households.zone[people.household].astype(np.int64)
        self._group = people.mobility.astype(np.int64) * len(model.zones.name) + zone
        self._counted = nobody_counted(len(people))
        self._rows: list[tuple] = []
        self.expected_casualties = model.under_fire.harm.expected
        self._expected_rows: list[tuple[float, float]] = []
        self.exit_queues = ExitQueues(model.streets, model.movement.driving)
        self._exit_rows: list[tuple] = []
        self.places = PlacesOverTime(model)
        self.reception = Reception(model.settings.reception, model.population, model.streets, model.seed)
        self._is_checked, self._n_on_streets = False, 0
        self._is_as_last_row = False
        """Whether nothing has happened since the last row was kept."""
        self.n_inside = 0
        """Living people who are not in safety."""
        self._counted_s = 0.0
        self._statuses = self._statuses_before = self.n_by_status.tolist()
        """n_by_status since people were last counted, at `_counted_s`, and until then."""
        self._next_s = 0.0
        self.trajectories = Trajectories(model, model.settings.run.record_positions_every_s)

    @property
    def exposure_person_h(self) -> Floats:
        """Hours that people have spent in the area, by protection, mobility and zone; float64."""
        exposure_person_s = self._n_present * self.model.time_s - self._since_s
        return exposure_person_s.reshape(len(Protection), len(Mobility), -1) / 3600.0

    def count(self, time_s: float) -> None:
        """Count people anew as they are at a moment (s), if anything has changed with anybody."""
        model, people = self.model, self.model.people
        if model.population.is_touched:
            self._is_checked = self._is_as_last_row = False
            recount(
                self.n_by_status, self.n_by_injury, self._n_present, self._since_s, self._counted,
                model.population.take_touched(), model.households.first_person, people.status, people.injury,
                people.protection, self._group, time_s,
            )  # fmt: skip
            if time_s > self._counted_s:
                self._statuses_before, self._counted_s = self._statuses, time_s
            self._statuses = self.n_by_status.tolist()
            self.n_inside = sum(self._statuses[: Status.SAFE])

    def n_by_status_at(self, time_s: float) -> list[int]:
        """Return how many people of each status there are, or were before they were last counted anew.

        time_s: the present, or a moment since they were counted the time before that (s).
        """
        return self._statuses if time_s >= self._counted_s else self._statuses_before

    @property
    def next_s(self) -> float:
        """Nothing is kept before this, at the end of a step (s)."""
        return min(self._next_s, self.trajectories.next_s)

    def record(self, *, was_quiet: bool = False) -> None:
        """Count people and keep a row if it is time.

        was_quiet: whether nothing has happened since the last call but that time has passed.
        """
        model = self.model
        self._is_as_last_row &= was_quiet
        if model.time_s > model.stepped_s:
            return
        self.count(model.time_s)
        self.trajectories.record()
        if model.time_s >= self._next_s or model.time_s >= model.duration_s:
            self._next_s += model.settings.run.record_every_s
            if self._is_as_last_row:
                self._rows.append((model.time_s, *self._rows[-1][1:]))
                self._expected_rows.append(self._expected_rows[-1])
                self._exit_rows.append(self._exit_rows[-1])
            else:
                self._check_books()
                self._rows.append(self._row())
                self._expected_rows.append((self.expected_casualties.mean, self.expected_casualties.variance))
                self._exit_rows.append((self.exit_queues.n_cars(), model.movement.ways.of[Mode.CAR].exit_open.copy(),
                                        model.movement.ways.of[Mode.WALK].exit_open.copy()))  # fmt: skip
                self._is_as_last_row = True
            self.places.record(model.time_s)
            self.reception.record(model.time_s)

    def _check_books(self):
        """Raise PopulationError unless the books balance; they do still if nobody has been touched since they did."""
        n_on_streets = self.model.n_parties_on_streets
        if not self._is_checked or n_on_streets != self._n_on_streets:
            self.model.population.check(n_on_streets)
            self._is_checked, self._n_on_streets = True, n_on_streets

    def _row(self) -> tuple:
        model = self.model
        return (
            model.time_s,
            *self.n_by_status.tolist(),
            *self.n_by_injury.tolist(),
            *self._n_present.sum(axis=1).tolist(),
            model.movement.driving.view.n_under_way,
            model.movement.walking.view.n_under_way,
            model.impacts.n_fallen(model.time_s),
            int((model.streets.drivable & ~model.movement.car_open).sum()),
            self._n_left_town(),
            *(route.n_persons for route in model.routes),
        )

    def _n_left_town(self) -> int:
        """Return the number of living people who are safe or on an onward road, on their way to safety."""
        model = self.model
        n_beyond = 0
        if model.streets.n_links > model.streets.n_town_links:
            party = np.flatnonzero(model.parties.is_on_way)
            n_beyond = int(model.population.n_living(party[model.movement.is_beyond_town(party)]).sum())
        return int(self.n_by_status[Status.SAFE]) + n_beyond

    def report(self) -> list[str]:
        """Return what a reader should know of how cars left and of the reception places, one sentence each."""
        parties, by_car = self.model.parties, self.model.parties.mode == Mode.CAR
        out_s = np.where(parties.exit >= 0, parties.arrival_time_s, np.inf)[by_car]
        departure_s = self.model.households.departure_time_s[by_car]
        swings = swings_told(self.model.streets.exit_name, parties.exit[by_car], departure_s, out_s)
        return [*swings, *self.reception.report()]

    def tables(self) -> columns.Tables:
        """Return all tables of the run, each column with its unit; each as the run stands when it is first read."""
        return columns.Tables(
            {
                "timeseries": self._timeseries,
                "casualties": self._casualties,
                "exit_states": self._exit_states,
                "street_changes": self.model.surroundings.street_changes,
                "persons": self._persons,
                "trips": self._trips,
                "links": self._links,
                "onward_roads": self._onward_roads,
                "impacts": self._impacts,
                "exits": self._exits,
                "exposure": self._exposure,
                "zones": self._zones,
                **map_tables(self.model),
                **self.places.tables(),
                **self.trajectories.tables(),
                **reception_tables(self.reception, self.model.time_s),
                **service_tables(self.model),
                **truce_table(self.model),
                **institution_table(self.model),
                **cold_tables(self.model),
                **school_table(self.model),
            }
        )

    def _timeseries(self):
        columns = ["time_s", *(f"n_{s.name.lower()}" for s in Status), *(f"n_injury_{i.name.lower()}" for i in Injury)]
        columns += [f"n_{p.name.lower()}_at_risk" for p in Protection]
        columns += ["n_vehicles_on_way", "n_walking_parties_on_way", "n_impacts_so_far", "n_links_closed"]
        columns += ["n_left_town"]
        columns += [f"n_out_by_{name}" for name in self.model.streets.exit_name]
        return dict(zip(columns, map(np.array, zip(*self._rows, strict=True)), strict=True))

    def _casualties(self):
        """Return people hurt so far, and how many were to be expected of their exposures, with a 95 % band."""
        mean, variance = np.array(self._expected_rows).reshape(-1, 2).T
        low, high = band(mean, variance)
        by_injury = np.array([row[1 + len(Status) :][: len(Injury)] for row in self._rows], np.int64)
        return {
            "time_s": np.array([row[0] for row in self._rows]),
            "n_hurt": by_injury[:, Injury.LIGHT :].sum(axis=1),
            "n_hurt_expected": mean,
            "n_hurt_low": low,
            "n_hurt_high": high,
        }

    def _exit_states(self):
        """Return the cars on the last kilometre before each exit and whether it is open, a row for each exit."""
        exits, n = self.model.streets.exit_name, len(self._rows)
        queues, for_cars, for_walkers = (np.array(part).reshape(-1) for part in zip(*self._exit_rows, strict=True))
        return {
            "time_s": np.repeat([row[0] for row in self._rows], len(exits)),
            "exit": pa.array([*exits] * n, pa.string()),
            "n_cars_last_km": queues,
            "cars_pass": for_cars,
            "walkers_pass": for_walkers,
        }

    def _persons(self):
        model, people, households = self.model, self.model.people, self.model.households
        home = people.household
        safe_s = np.where(people.status == Status.SAFE, model.parties.arrival_time_s[home], np.inf)
        return {
            "person": np.arange(len(people), dtype=np.int32),
            "household": home,
            "family": households.family[home],
            "zone": pa.array(model.zones.name).take(pa.array(households.zone[home])),
            "age": people.age,
            "is_female": people.is_female,
            "mobility": names(Mobility, people.mobility),
            "has_car": households.has_car[home],
            "home_x_m": households.home_x_m[home],
            "home_y_m": households.home_y_m[home],
            "status": names(Status, people.status),
            "reason": reasons(model),
            "protection": names(Protection, people.protection),
            "injury": names(Injury, people.injury),
            "injury_time_s": people.injury_time_s,
            "death_time_s": np.where(people.status == Status.DEAD, people.death_time_s, np.inf),
            "decision_time_s": households.decision_time_s[home],
            "departure_time_s": households.departure_time_s[home],
            "safe_time_s": safe_s,
        }

    def _trips(self):
        model, parties, households = self.model, self.model.parties, self.model.households
        party = np.flatnonzero(parties.mode != Mode.NONE)
        exits = pa.array([*model.streets.exit_name, None])
        return {
            "party": party.astype(np.int32),
            "mode": names(Mode, parties.mode[party]),
            "left_car": parties.left_car[party],
            "n_persons": households.n_members[party].astype(np.int32),
            "home_node": pa.array(model.streets.node_id).take(pa.array(households.home_node[party])),
            "departure_time_s": households.departure_time_s[party],
            "arrival_time_s": parties.arrival_time_s[party],
            "exit": exits.take(pa.array(np.where(parties.exit[party] < 0, len(exits) - 1, parties.exit[party]))),
        }

    def _links(self):
        return self._links_between(0, self.model.streets.n_town_links)

    def _onward_roads(self):
        streets = self.model.streets
        return self._links_between(streets.n_town_links, streets.n_links)

    def _links_between(self, begin: int, end: int) -> dict[str, Any]:
        model, streets, some = self.model, self.model.streets, slice(begin, end)
        node = pa.array(streets.node_id)
        first = streets.geometry_first[begin : end + 1]
        points = slice(first[0], first[-1])
        return {
            "link": np.arange(begin, end, dtype=np.int32),
            "upstream": node.take(pa.array(streets.link_upstream[some])),
            "downstream": node.take(pa.array(streets.link_downstream[some])),
            "name": pa.array(streets.link_name[some], pa.string()),
            "highway": pa.array(streets.highway_names).take(pa.array(streets.highway[some])),
            "length_m": streets.length_m[some],
            "n_vehicles": model.movement.driving.view.n_left[some],
            "n_walking_persons": model.movement.walking.view.n_left[some],
            "time_vehicle_h": self._time_on_links_s(some) / 3600.0,
            "delay_vehicle_h": model.movement.driving.view.delay_s[some] / 3600.0,
            "closed_time_s": model.surroundings.closed_time_s[some],
            "gridlock_time_s": model.movement.gridlocks.first_s[some],
            "x_m": columns.as_lists(first - first[0], streets.geometry_x_m[points]),
            "y_m": columns.as_lists(first - first[0], streets.geometry_y_m[points]),
        }

    def _time_on_links_s(self, some: slice) -> np.ndarray:
        """Return the time that the vehicles which have left each link spent on it (s): free flow and delay."""
        streets, driving = self.model.streets, self.model.movement.driving.view
        free_flow_s = streets.length_m[some] / streets.free_flow_speed_m_s[some]
        return driving.n_left[some] * free_flow_s + driving.delay_s[some]

    def _impacts(self):
        fallen = self.model.impacts.that_fell(self.model.time_s)
        return {
            "time_s": fallen.time_s,
            "x_m": fallen.x_m,
            "y_m": fallen.y_m,
            "size": names(Size, fallen.size),
            "cluster": fallen.cluster,
        }

    def _exits(self):
        model, streets, parties = self.model, self.model.streets, self.model.parties
        by_car = (parties.mode == Mode.CAR) & np.isfinite(parties.arrival_time_s) & (parties.exit >= 0)
        cars = parties.exit[by_car], parties.arrival_time_s[by_car]
        delivered_per_s, used_share = delivered(*cars, streets.exit_flow_capacity_per_s)
        return {
            "exit": pa.array(streets.exit_name),
            "node": pa.array(streets.node_id).take(pa.array(streets.exit_node)),
            "x_m": streets.node_x_m[streets.exit_node],
            "y_m": streets.node_y_m[streets.exit_node],
            "flow_capacity_per_s": streets.exit_flow_capacity_per_s,
            "delivered_per_s": delivered_per_s,
            "used_share": used_share,
            "n_cars": np.array([route.n_cars for route in model.routes], np.int64),
            "n_walkers": np.array([route.n_walkers for route in model.routes], np.int64),
            "n_persons": np.array([route.n_persons for route in model.routes], np.int64),
        }

    def _exposure(self):
        protection, mobility, zone = np.indices(self.exposure_person_h.shape).reshape(3, -1)
        return {
            "protection": names(Protection, protection),
            "mobility": names(Mobility, mobility),
            "zone": pa.array(self.model.zones.name).take(pa.array(zone)),
            "exposure_person_h": self.exposure_person_h.ravel(),
        }

    def _zones(self):
        model = self.model
        n_safe = np.bincount(
            model.households.zone[model.people.household[model.people.status == Status.SAFE]],
            minlength=len(model.zones.name),
        )
        n_residents = np.bincount(model.households.zone, model.households.n_members, len(model.zones.name))
        return {"zone": pa.array(model.zones.name), "n_residents": n_residents.astype(np.int64), "n_safe": n_safe}
