"""A recorded run, played from its tables: nothing is computed anew."""

import json
from datetime import datetime
from pathlib import Path

import numpy as np
from mesa import Model

from safepassage.agents.civilians import Protection, Status
from safepassage.app.explain import persons
from safepassage.app.frames import Picture
from safepassage.app.scene import HOME_CELLS, SHOWN_S, Kind
from safepassage.app.town import LEVELS, Frame, curfew_periods
from safepassage.model.config import Scenario
from safepassage.model.hazard import Size
from safepassage.model.results import open_run
from safepassage.model.settings.front import Curfew
from safepassage.model.settings.run import Run
from safepassage.model.street_defaults import street_class
from safepassage.model.street_history import StreetHistory

STEPS = 720
"""Pictures that a recorded run is played in, unless its steps are longer."""


class Replay(Model):
    """A recorded run as Mesa's visualiser plays it; `time_s` may be set to any moment."""

    def __init__(self, session=None, **kwargs):
        super().__init__()
        self.session = session
        self.scene = session.recording
        self.scene.model = self
        self.time_s, self.duration_s = 0.0, self.scene.duration_s
        self.step_s = max(self.scene.settings["run"]["step_s"], self.duration_s / STEPS)
        self.scenes = [self.scene]
        session.begin(self)

    def step(self):
        """Show the next moment."""
        if not self.session.pump.wait_until_watched(lambda: self.session.is_closed):
            self.running = False
            return
        with self.session.pump.busy:
            self.time_s = min(self.time_s + self.step_s, self.duration_s)
            self.running = self.time_s < self.duration_s
            self.session.stepped()

    def show(self, time_s: float):
        """Go to a moment."""
        with self.session.pump.busy:
            self.time_s = min(max(time_s, 0.0), self.duration_s)
            self.session.pump.offer()


class Recording:
    """The tables of a run as the map shows them at any moment."""

    def __init__(self, folder: Path | str):
        self.run = open_run(folder)
        self.settings = self.run.manifest["scenario"]
        self.duration_s = float(self.run.manifest["simulated_s"])
        self.model: Replay | None = None
        self.links = self.run.frame("links")
        x, y = (np.concatenate(self.links[name].to_numpy()) for name in ("x_m", "y_m"))
        self._first = np.concatenate(([0], np.cumsum([len(points) for points in self.links["x_m"]])))
        self.exits = self.run.frame("exits")
        self._streets = StreetHistory(self.run)
        self._lead = first_links(self.links)
        self._read_exits()
        self.impacts = self.run.frame("impacts")
        self.persons = self.run.frame("persons")
        homes = self.persons.groupby("household", sort=True).first()
        self.home_x_m, self.home_y_m = homes["home_x_m"].to_numpy(), homes["home_y_m"].to_numpy()
        self.frame = Frame.around(np.concatenate((x, self.home_x_m)), np.concatenate((y, self.home_y_m)))
        self._xy = self.frame.scale(x, y)
        self.trips = self.run.frame("trips").sort_values("arrival_time_s", kind="stable")
        self._arrival_s = self.trips["arrival_time_s"].to_numpy(float)
        self._read_homes(homes)
        self._read_impacts()
        self._read_places()
        services = self.settings.get("services") or {}
        n_stops = sum(len(services.get(kind) or ()) for kind in ("pickup_points", "trains"))
        self.stops = self.run.frame("stops").iloc[:n_stops] if self.run.has("stops") else None
        self.rows = self._chart_rows()
        self._homes_s = -np.inf

    def _read_homes(self, homes):
        n = self.persons.groupby("household", sort=True).size().to_numpy()
        place = self.frame.scale(self.home_x_m, self.home_y_m).astype(np.int64) * HOME_CELLS >> 16
        trips = self.run.frame("trips").set_index("party")["departure_time_s"]
        self.left_s = trips.reindex(homes.index).fillna(np.inf).to_numpy(float)
        self._cell, self._n = place[:, 1] * HOME_CELLS + place[:, 0], n.astype(float)
        self._most = max(1.0, np.bincount(self._cell, self._n, HOME_CELLS**2).max())

    def _read_exits(self):
        """Read the cars at exits and which of them were open when; earlier versions did not record them."""
        names = list(self.exits["exit"])
        n_rows = len(self.run.frame("timeseries"))
        self._n_cars, self._exit_open = np.full((n_rows, len(names)), np.nan), np.ones((n_rows, len(names)), bool)
        if self.run.has("exit_states"):
            states = self.run.frame("exit_states")
            self._n_cars = states["n_cars_last_km"].to_numpy(float).reshape(n_rows, -1)
            self._exit_open = (states["cars_pass"] | states["walkers_pass"]).to_numpy(bool).reshape(n_rows, -1)

    def _read_impacts(self):
        self._impact_s = self.impacts["time_s"].to_numpy(float)
        self._impact_xy = self.frame.scale(self.impacts["x_m"], self.impacts["y_m"])
        self._impact_size = np.array([Size[name] for name in self.impacts["size"]], np.int64)

    def _read_places(self):
        """Read where parties were, if the run has recorded it."""
        self._place_s = np.empty(0)
        if not (self.run.path / "trajectories.parquet").is_file():
            return
        places = self.run.frame("trajectories")
        self._place_s, self._place_first = np.unique(places["time_s"].to_numpy(), return_index=True)
        self._place_first = np.append(self._place_first, len(places))
        self._place_xy = self.frame.scale(places["x_m"], places["y_m"])
        by_mode = np.array([Kind.WALK, Kind.WALK, Kind.CAR, Kind.BUS, Kind.BUS], np.uint8)
        self._place_kind = by_mode[places["mode"].to_numpy()]

    def _chart_rows(self) -> np.ndarray:
        """Return the rows of the charts, float32[n, width]; what the tables do not hold is nan."""
        table = self.run.frame("timeseries")
        time_s = table["time_s"].to_numpy(float)
        dt_h = np.diff(time_s, prepend=0.0) / 3600.0
        columns = [time_s, *(table[f"n_{s.name.lower()}"] for s in Status)]
        columns += [table[f"n_injury_{name}"] for name in ("light", "serious", "fatal")]
        for place in Protection:
            present = table[f"n_{place.name.lower()}_at_risk"].to_numpy(float)
            columns.append(np.cumsum(np.concatenate(([0.0], present[:-1])) * dt_h))
        for on_foot in (False, True):
            mine = (self.trips["mode"] == "WALK").to_numpy() == on_foot
            n = np.concatenate(([0], np.cumsum(self.trips["n_persons"].to_numpy()[mine])))
            columns.append(n[np.searchsorted(self._arrival_s[mine], time_s, side="right")])
        columns += self._expected(time_s.size)
        columns += [table[f"n_out_by_{name}"] for name in self.exits["exit"]]
        return np.column_stack([*columns, self._n_cars]).astype(np.float32)

    def _expected(self, n: int) -> list[np.ndarray]:
        if not self.run.has("casualties"):
            return [np.full(n, np.nan)] * 3
        table = self.run.frame("casualties")
        return [table[f"n_hurt_{name}"].to_numpy(float) for name in ("expected", "low", "high")]

    def note_row(self):
        """Nothing to note: the rows are there."""

    def town(self) -> tuple[dict, bytes]:
        """Return the description of the town and its streets."""
        n = len(self.links)
        rank = np.array([street_class(name).rank for name in self.links["highway"]])
        level = np.searchsorted(LEVELS, rank, side="right").astype(np.uint8)
        head = np.concatenate(([n, self._first[-1]], self._first)).astype("<u4")
        settings, node = self.settings, self.links["upstream"]
        start = datetime.fromisoformat(settings["run"]["start"]).replace(tzinfo=None)
        described = {
            "name": settings["name"], "title": settings["title"], "notice": settings.get("notice", "").strip(),
            "plan": settings.get("plan", ""), "start": start.isoformat(),
            "time_zone": settings["shelling"].get("time_zone", ""), "duration_s": self.duration_s,
            "step_s": settings["run"]["step_s"], "curfew": self._curfew(), "side_m": self.frame.side_m,
            "n_people": len(self.persons), "seed": self.run.manifest["seed"],
            "shelters": self._described_stops(), "zones": [], "fleets": [],
            "exits": [
                {"name": row.exit, "xy": self.frame.scale([row.x_m], [row.y_m])[0].tolist()}
                for row in self.exits.itertuples()
            ],
            "is_osm": bool(np.mean([name.isdigit() and len(name) >= 6 for name in node]) > 0.5),
            "is_replay": True, "has_places": bool(self._place_s.size),
        }  # fmt: skip
        return described, head.tobytes() + self._xy.tobytes() + level.tobytes()

    def _described_stops(self) -> list[dict]:
        """Return the pickup points and stations; how many wait there over time is not recorded."""
        if self.stops is None:
            return []
        xy = self.frame.scale(self.stops["x_m"], self.stops["y_m"]).tolist()
        return [
            {"name": name, "xy": place, "capacity": 100, "is_stop": True}
            for name, place in zip(self.stops["stop"], xy, strict=True)
        ]

    def _curfew(self):
        run = Run.model_validate(self.settings["run"])
        curfew = Curfew.model_validate(json.loads(json.dumps(self.settings.get("curfew") or {})))
        zone = self.settings["shelling"].get("time_zone", "UTC")
        return curfew_periods(Scenario.model_construct(run=run, curfew=curfew, shelling=_Zone(zone)))

    def picture(self, first_row: int, step_ms: float, *, is_new: bool) -> Picture:
        """Return what is drawn at the moment shown."""
        now_s = self.model.time_s
        first, last = np.searchsorted(self._impact_s, (now_s - SHOWN_S, now_s))
        rows = slice(int(first), int(last))
        age = (now_s - self._impact_s[rows]) / SHOWN_S * 65535
        points, kind = self._places(now_s)
        return Picture(
            time_s=now_s, step_ms=step_ms, rows=self.rows[first_row:], closed=self._closed(now_s),
            exits=self._exits(now_s), points=points, kind=kind,
            shelters=np.tile([0, 1], (0 if self.stops is None else len(self.stops), 1)),
            impacts=np.column_stack((self._impact_xy[rows], age.astype(np.int64), self._impact_size[rows])),
            homes=self._homes(now_s, is_new),
        )  # fmt: skip

    def _closed(self, now_s: float):
        """Return the streets closed now, each by the first of its links, times 2; plus 1 if closed to walkers."""
        closed = self._streets.closed_at(now_s)
        streets = np.unique(self._lead[closed.any(axis=1)])
        no_walkers = np.isin(streets, self._lead[closed[:, 1]])
        return (2 * streets + no_walkers).reshape(-1, 1)

    def _exits(self, now_s: float):
        row = max(0, int(np.searchsorted(self.rows[:, 0], now_s, side="right")) - 1)
        n = len(self.exits)
        first = self.rows.shape[1] - 2 * n
        n_out, n_cars = self.rows[row, first : first + n], np.nan_to_num(self._n_cars[row])
        return np.column_stack((n_out.astype(np.int64), n_cars.astype(np.int64), self._exit_open[row]))

    def _places(self, now_s: float):
        if self._place_s.size == 0:
            return np.empty((0, 2)), np.empty(0, np.uint8)
        at = max(0, int(np.searchsorted(self._place_s, now_s, side="right")) - 1)
        rows = slice(int(self._place_first[at]), int(self._place_first[at + 1]))
        return self._place_xy[rows], self._place_kind[rows]

    def _homes(self, now_s: float, is_new: bool):
        if not is_new and abs(now_s - self._homes_s) < 600.0:
            return np.empty(0, np.uint8)
        self._homes_s = now_s
        present = np.bincount(self._cell, self._n * (self.left_s > now_s), HOME_CELLS**2)
        return np.ceil(np.sqrt(present / self._most) * 255)

    def at(self, x: float, y: float, reach: float, *, can_act: bool) -> dict:
        """Return what is nearest to a place: an exit, a home or a street, as the tables tell of it at the run's end."""
        here = np.array([x, y])
        exits = self.frame.scale(self.exits["x_m"], self.exits["y_m"]).astype(float)
        row = int(np.argmin(np.hypot(*(exits - here).T)))
        if np.hypot(*(exits[row] - here)) < 1.3 * reach:
            found = self.exits.iloc[row]
            lines = [["out in all", f"{found.n_persons:,} people"], ["of them on foot", f"{found.n_walkers:,}"],
                     ["cars out", f"{found.n_cars:,}"]]  # fmt: skip
            return {"title": f"Exit: {found.exit}", "lines": lines, "actions": [], "mark": {"xy": exits[row].tolist()}}
        if self.stops is not None and len(self.stops):
            stops = self.frame.scale(self.stops["x_m"], self.stops["y_m"]).astype(float)
            row = int(np.argmin(np.hypot(*(stops - here).T)))
            if np.hypot(*(stops[row] - here)) < reach:
                return self._stop(row) | {"mark": {"xy": stops[row].tolist()}}
        away = np.hypot(*(self._xy.astype(float) - here).T)
        point = int(np.argmin(away))
        homes = self.frame.scale(self.home_x_m, self.home_y_m).astype(float)
        home = int(np.argmin(np.hypot(*(homes - here).T)))
        if np.hypot(*(homes[home] - here)) < min(reach, away[point]):
            return self._home(home) | {"mark": {"xy": homes[home].tolist()}}
        if away[point] > 6 * reach:
            return {}
        link = int(np.searchsorted(self._first, point, side="right")) - 1
        found = self.links.iloc[link]
        closed_h = found.closed_time_s / 3600
        closed = "never" if np.isinf(closed_h) else f"{closed_h:.1f} h after the start"
        lines = [["kind", found.highway.replace("_", " ")], ["length", f"{found.length_m:,.0f} m"],
                 ["passed in all", f"{found.n_vehicles:,} cars, {found.n_walking_persons:,} on foot"],
                 ["lost to queues", f"{found.delay_vehicle_h:,.1f} vehicle-hours"],
                 ["closed to cars", closed]]  # fmt: skip
        return {
            "title": found["name"] or "street without a name",
            "lines": lines,
            "actions": [],
            "mark": {"street": link},
        }

    def _stop(self, row: int) -> dict:
        stop = self.stops.iloc[row]
        lines = [["boarded in all", persons(int(stop.n_boarded))], ["waiting at the end", persons(int(stop.n_waiting))]]
        if stop.n_boarded:
            waits = [["half waited less than", stop.median_wait_s], ["longest wait", stop.max_wait_s]]
            lines += [[what, f"{wait_s / 3600:.1f} h"] for what, wait_s in waits]
        return {"title": f"Stop: {stop.stop}", "lines": lines, "actions": []}

    def _home(self, row: int) -> dict:
        people = self.persons[self.persons["household"] == row]
        lines = [["zone", str(people["zone"].iloc[0])], ["car", "yes" if people["has_car"].iloc[0] else "no"]]
        lines += [[f"{'woman' if one.is_female else 'man'}, {one.age}", one.reason] for one in people.itertuples()]
        return {
            "title": f"Home of {persons(len(people))}",
            "text": "At the end of the run:",
            "lines": lines,
            "actions": [],
        }


def first_links(links) -> np.ndarray:
    """Return for each link the first link of its street: itself, or the one that runs the other way."""
    ends = np.sort(links[["upstream", "downstream"]].to_numpy(str), axis=1)
    middle = [round(float(np.sum(x) + np.sum(y)), 1) for x, y in zip(links["x_m"], links["y_m"], strict=True)]
    first: dict[tuple, int] = {}
    return np.array(
        [first.setdefault((*pair, at), row) for row, (pair, at) in enumerate(zip(ends.tolist(), middle, strict=True))]
    )


class _Zone:
    """What `curfew_periods` asks of shelling."""

    def __init__(self, time_zone: str):
        self.time_zone = time_zone
