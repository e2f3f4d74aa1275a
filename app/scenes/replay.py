"""A recorded run, played from its tables: nothing is computed anew."""

import json
from datetime import datetime
from pathlib import Path

import numpy as np

from safepassage.agents.civilians import Protection, Status
from safepassage.app.scenes.frames import Picture
from safepassage.app.scenes.layers import kinds_of, names_of
from safepassage.app.scenes.marks import counted
from safepassage.app.scenes.scene import HOME_CELLS, KINDS, SHOWN_S, FrontLines
from safepassage.app.scenes.town import LEVELS, Frame, beneath, curfew_periods, outlines, shelters_and_stops
from safepassage.model.hazard.impacts import Size
from safepassage.model.results.map_tables import States, read_background_of, read_front, read_rings
from safepassage.model.results.run_folder import open_run
from safepassage.model.results.street_history import StreetHistory
from safepassage.model.settings.front import Curfew
from safepassage.model.settings.run import Run
from safepassage.model.settings.scenario import Scenario
from safepassage.model.streets.classes import street_class

STEPS = 720
"""Pictures that a recorded run is played in, unless its steps are longer."""


class Replay:
    """A recorded run that is played; `time_s` may be set to any moment. It can be asked what a `LiveRun` is asked."""

    is_recorded = True
    step_ms = 0.0

    def __init__(self, recording: "Recording"):
        self.recording = recording
        recording.model = self
        self.time_s, self.duration_s = 0.0, recording.duration_s
        self.step_s = max(recording.settings["run"]["step_s"], self.duration_s / STEPS)
        self.scenes, self.models, self.actions, self.acts, self.logs, self.lapsed = [recording], [], [], [], [], []

    @property
    def is_over(self) -> bool:
        """Whether the end is reached."""
        return self.time_s >= self.duration_s

    def step(self) -> None:
        """Show the next moment."""
        self.time_s = min(self.time_s + self.step_s, self.duration_s)

    def back_to(self, time_s: float) -> None:
        """Show a moment."""
        self.time_s = min(max(time_s, 0.0), self.duration_s)

    def described_acts(self) -> list[dict]:
        """Return no acts: what is recorded cannot be changed."""
        return []

    def close(self) -> None:
        """Nothing to let go of."""


class Recording:
    """The tables of a run as the map shows them at any moment."""

    def __init__(self, folder: Path | str):
        self.run = open_run(folder)
        self.settings = self.run.manifest["scenario"]
        self.duration_s = float(self.run.manifest["simulated_s"])
        self.model: Replay | None = None
        self.links = self.run.frame("links")
        self.x_m, self.y_m = (np.concatenate(self.links[name].to_numpy()) for name in ("x_m", "y_m"))
        self.first_point = np.concatenate(([0], np.cumsum([len(points) for points in self.links["x_m"]])))
        self.exits = self.run.frame("exits")
        self.streets = StreetHistory(self.run)
        self._lead = first_links(self.links)
        self._read_exits()
        self.impacts = self.run.frame("impacts")
        self.persons = self.run.frame("persons")
        homes = self.persons.groupby("household", sort=True).first()
        self.home_x_m, self.home_y_m = homes["home_x_m"].to_numpy(), homes["home_y_m"].to_numpy()
        self.frame = Frame.around(np.concatenate((self.x_m, self.home_x_m)), np.concatenate((self.y_m, self.home_y_m)))
        self.trips = self.run.frame("trips").sort_values("arrival_time_s", kind="stable")
        self._arrival_s = self.trips["arrival_time_s"].to_numpy(float)
        self._read_homes(homes)
        self._read_impacts()
        self._read_parties()
        self._read_shelters_and_stops()
        self.rings = read_rings(self.run)
        self._front = FrontLines(read_front(self.run), self.frame)
        self.rows = self._chart_rows()
        self._homes_s = -np.inf

    def _read_homes(self, homes):
        n = self.persons.groupby("household", sort=True).size().to_numpy()
        place = self.frame.scale(self.home_x_m, self.home_y_m).astype(np.int64) * HOME_CELLS >> 16
        trips = self.run.frame("trips").set_index("party")["departure_time_s"]
        self.left_s = trips.reindex(homes.index).fillna(np.inf).to_numpy(float)
        self._nobody_left_s = self.left_s
        if "death_time_s" in self.persons:  # earlier versions did not keep it
            last_s = self.persons.groupby("household", sort=True)["death_time_s"].max().to_numpy(float)
            self._nobody_left_s = np.minimum(self.left_s, last_s)
        self._cell, self._n = place[:, 1] * HOME_CELLS + place[:, 0], n.astype(float)
        self._most = max(1.0, np.bincount(self._cell, self._n, HOME_CELLS**2).max())

    def _read_exits(self):
        """Read who left by which exit, the cars at it and when it was open; earlier versions lack the latter two."""
        names, series = list(self.exits["exit"]), self.run.frame("timeseries")
        n_rows, self._row_s = len(series), series["time_s"].to_numpy(float)
        self._n_out = series[[f"n_out_by_{name}" for name in names]].to_numpy(np.int64)
        self._n_cars, self._exit_open = np.full((n_rows, len(names)), np.nan), np.ones((n_rows, len(names)), bool)
        if self.run.has("exit_states"):
            states = self.run.frame("exit_states")
            self._n_cars = states["n_cars_last_km"].to_numpy(float).reshape(n_rows, -1)
            self._exit_open = (states["cars_pass"] | states["walkers_pass"]).to_numpy(bool).reshape(n_rows, -1)

    def _read_shelters_and_stops(self):
        """Read where they are and who was there when; earlier versions recorded the places of stops alone."""
        run, services = self.run, self.settings.get("services") or {}
        n_stops = sum(len(services.get(kind) or ()) for kind in ("pickup_points", "trains"))
        self.stops = run.frame("stops").iloc[:n_stops] if run.has("stops") else None
        self.shelters = run.frame("shelters") if run.has("shelters") else None
        self.stop_states = self.shelter_states = None
        if run.has("stop_states"):
            self.stop_states = States(run.frame("stop_states"), n_stops)
        if run.has("shelter_states"):
            self.shelter_states = States(run.frame("shelter_states"), len(self.shelters))

    def _read_impacts(self):
        self._impact_s = self.impacts["time_s"].to_numpy(float)
        self._impact_xy = self.frame.scale(self.impacts["x_m"], self.impacts["y_m"])
        self._impact_size = np.array([Size[name] for name in self.impacts["size"]], np.int64)

    def _read_parties(self):
        """Read where parties were, if the run has recorded it."""
        self._place_s, self.parties = np.empty(0), None
        if not self.run.has("trajectories"):
            return
        places = self.parties = self.run.frame("trajectories")
        self._place_s, self._place_first = np.unique(places["time_s"].to_numpy(), return_index=True)
        self._place_first = np.append(self._place_first, len(places))
        self._place_xy = self.frame.scale(places["x_m"], places["y_m"])
        self._place_kind = KINDS[places["stands"].to_numpy(int), places["mode"].to_numpy()]
        step_s, every_s = (self.settings["run"][name] for name in ("step_s", "record_positions_every_s"))
        self._places_hold_s = np.ceil(every_s / step_s) * step_s

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
        head = np.concatenate(([n, self.first_point[-1]], self.first_point)).astype("<u4")
        settings, node = self.settings, self.links["upstream"]
        start = datetime.fromisoformat(settings["run"]["start"]).replace(tzinfo=None)
        described = {
            "name": settings["name"], "title": settings["title"], "notice": settings.get("notice", "").strip(),
            "plan": settings.get("plan", ""), "start": start.isoformat(),
            "time_zone": settings["shelling"].get("time_zone", ""), "duration_s": self.duration_s,
            "step_s": settings["run"]["step_s"], "curfew": self._curfew(), "side_m": self.frame.side_m,
            "n_people": len(self.persons), "seed": self.run.manifest["seed"],
            "shelters": self._described_places(), "fleets": [],
            "background": beneath(self.frame, read_background_of(self.run)),
            "zones": outlines(
                self.frame, dict.fromkeys(name for name, _ in self.rings), self.rings,
                self.persons["zone"].astype(str).value_counts().to_dict(),
            ),
            "exits": [
                {"name": row.exit, "xy": self.frame.scale([row.x_m], [row.y_m])[0].tolist()}
                for row in self.exits.itertuples()
            ],
            **names_of(list(self.links.get("name", [""] * n)), range(n)), **kinds_of(list(self.links["highway"])),
            "marks": {"orders": [], "closures": [], "front": [], "impacts": counted(self._impact_s, self.duration_s)},
            "is_osm": bool(np.mean([name.isdigit() and len(name) >= 6 for name in node]) > 0.5),
            "is_replay": True, "has_places": bool(self._place_s.size),
        }  # fmt: skip
        return described, head.tobytes() + self.frame.scale(self.x_m, self.y_m).tobytes() + level.tobytes()

    def _described_places(self) -> list[dict]:
        shelters = () if self.shelters is None else self.shelters[["shelter", "x_m", "y_m", "capacity"]]
        stops = () if self.stops is None else self.stops[["stop", "x_m", "y_m"]]
        rows = (table.itertuples(index=False) if len(table) else () for table in (shelters, stops))
        return shelters_and_stops(self.frame, *rows)

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
        points, kind, party = self._places(now_s)
        return Picture(
            time_s=now_s, step_ms=step_ms, rows=self.rows[first_row:], closed=self._closed(now_s),
            exits=self.exits_at(now_s), points=points, kind=kind, party=party,
            shelters=self._shelters(now_s), front=self._front.at(now_s),
            impacts=np.column_stack((self._impact_xy[rows], age.astype(np.int64), self._impact_size[rows])),
            homes=self._homes(now_s, is_new),
        )  # fmt: skip

    def _closed(self, now_s: float):
        """Return the streets closed now, each by the first of its links, times 2; plus 1 if closed to walkers."""
        closed = self.streets.closed_at(now_s)
        streets = np.unique(self._lead[closed.any(axis=1)])
        no_walkers = np.isin(streets, self._lead[closed[:, 1]])
        return (2 * streets + no_walkers).reshape(-1, 1)

    def _row_at(self, now_s: float) -> int:
        return max(0, int(np.searchsorted(self._row_s, now_s, side="right")) - 1)

    def recorded_s(self, now_s: float) -> float:
        """Return the last recorded moment that is not after a moment (s)."""
        return float(self._row_s[self._row_at(now_s)])

    def exits_at(self, now_s: float) -> np.ndarray:
        """Return persons out so far, cars on the last kilometre and 1 if open, a row for each exit."""
        row = self._row_at(now_s)
        n_cars = np.nan_to_num(self._n_cars[row]).astype(np.int64)
        return np.column_stack((self._n_out[row], n_cars, self._exit_open[row]))

    def _shelters(self, now_s: float) -> np.ndarray:
        """Return who is in shelters and at stops, and 1 if open; nobody at stops if it was not recorded."""
        parts = [np.empty((0, 2), np.int64)]
        if self.shelter_states is not None:
            parts.append(self.shelter_states.at(now_s)[["n_inside", "is_open"]].to_numpy(np.int64))
        if self.stop_states is not None:
            parts.append(self.stop_states.at(now_s)[["n_waiting", "is_open"]].to_numpy(np.int64))
        elif self.stops is not None:
            parts.append(np.tile([0, 1], (len(self.stops), 1)))
        return np.concatenate(parts)

    def party_rows(self, now_s: float) -> slice:
        """Return the rows of the parties' places at the last moment recorded; at some of them nobody was under way."""
        at = int(np.searchsorted(self._place_s, now_s, side="right")) - 1
        if at < 0 or now_s - self._place_s[at] >= self._places_hold_s:
            return slice(0, 0)
        return slice(int(self._place_first[at]), int(self._place_first[at + 1]))

    def _places(self, now_s: float):
        if self.parties is None:
            return np.empty((0, 2)), np.empty(0, np.uint8), np.empty(0, np.uint32)
        rows = self.party_rows(now_s)
        return self._place_xy[rows], self._place_kind[rows], self.parties["party"].to_numpy()[rows]

    def _homes(self, now_s: float, is_new: bool):
        if not is_new and abs(now_s - self._homes_s) < 600.0:
            return np.empty(0, np.uint8)
        self._homes_s = now_s
        present = np.bincount(self._cell, self._n * (self._nobody_left_s > now_s), HOME_CELLS**2)
        return np.ceil(np.sqrt(present / self._most) * 255)


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
