"""Says what is at a place of a recorded run's map at the moment shown, from its tables."""

from datetime import datetime

import numpy as np
import shapely

from safepassage.agents.civilians import Status
from safepassage.agents.ground.nearby import grid_of_links, links_within
from safepassage.agents.parties import Mode
from safepassage.app.scenes.replay import Recording
from safepassage.app.told.explain import all_of, nearest, persons
from safepassage.model.clock import local_time


class ReplayExplainer:
    """Answers clicks on a recorded run."""

    def __init__(self, recording: Recording):
        self.recording = recording
        self._grid = grid_of_links(recording.first_point, recording.x_m, recording.y_m, cell_m=100.0)
        self._start = datetime.fromisoformat(recording.settings["run"]["start"])
        self._zone = recording.settings["shelling"]["time_zone"]

    def at(self, x: float, y: float, reach: float, *, can_act: bool) -> dict:
        """Return everything at a place, as `Explainer.at` does; empty if nothing is near. x, y: on the scale of the map
        in the browser, uint16. reach: how far from the place, on the same scale. can_act: not used, since nothing of a
        finished run can be changed.
        """
        frame = self.recording.frame
        metre = frame.side_m / 65535
        here = frame.west_m + x * metre, frame.south_m + y * metre
        reach_m = reach * metre
        found = (
            self._exit_at(*here, 1.3 * reach_m), self._shelter_at(*here, reach_m), self._stop_at(*here, reach_m),
            self._street_at(*here, reach_m), self._party_at(*here, 0.6 * reach_m), self._home_at(*here, 1.2 * reach_m),
            self._zone_at(*here),
        )  # fmt: skip
        return all_of(*(answer and answer | {"actions": []} for answer in found))

    @property
    def _now_s(self) -> float:
        return self.recording.model.time_s

    def _as_of(self, time_s: float) -> str:
        return f"As recorded on {self._clock(time_s)}."

    def _clock(self, time_s: float) -> str:
        return f"{local_time(self._start, time_s, self._zone):%a %d %b, %H:%M}"

    def _mark(self, x_m, y_m) -> dict:
        return {"xy": self.recording.frame.scale([x_m], [y_m])[0].tolist()}

    def _place(self, table, x_m, y_m, reach_m):
        """Return row number and row of the nearest place of a table within reach; None: none, or no table."""
        row = None if table is None else nearest(table["x_m"], table["y_m"], x_m, y_m, reach_m)
        return (None, None) if row is None else (row, table.iloc[row])

    def _exit_at(self, x_m, y_m, reach_m):
        row, found = self._place(self.recording.exits, x_m, y_m, reach_m)
        if found is None:
            return None
        n_out, n_cars, is_open = self.recording.exits_at(self._now_s)[row]
        lines = [
            ["out so far", persons(n_out)],
            ["on its last kilometre", f"{n_cars:,} cars"],
            ["state", "open" if is_open else "closed"],
            ["out by the end", persons(found.n_persons)],
            ["of them on foot", f"{found.n_walkers:,}"],
            ["cars out by the end", f"{found.n_cars:,}"],
        ]
        text = self._as_of(self.recording.recorded_s(self._now_s))
        return {"title": f"Exit: {found.exit}", "text": text, "lines": lines, "mark": self._mark(found.x_m, found.y_m)}

    def _shelter_at(self, x_m, y_m, reach_m):
        row, found = self._place(self.recording.shelters, x_m, y_m, reach_m)
        if found is None:
            return None
        state = self.recording.shelter_states.at(self._now_s).iloc[row]
        lines = [
            ["inside", f"{state.n_inside:,} of {found.capacity:,}"],
            ["state", "open" if state.is_open else "closed or destroyed"],
        ]
        return {
            "title": f"Shelter: {found.shelter}",
            "text": self._as_of(state.time_s),
            "lines": lines,
            "mark": self._mark(found.x_m, found.y_m),
        }

    def _stop_at(self, x_m, y_m, reach_m):
        row, found = self._place(self.recording.stops, x_m, y_m, reach_m)
        if found is None:
            return None
        is_point = row < len((self.recording.settings.get("services") or {}).get("pickup_points") or ())
        what = "Pickup point" if is_point else "Station"
        answer = {"title": f"{what}: {found.stop}", "lines": [], "mark": self._mark(found.x_m, found.y_m)}
        if self.recording.stop_states is not None:
            state = self.recording.stop_states.at(self._now_s).iloc[row]
            answer["text"] = self._as_of(state.time_s)
            answer["lines"] = [
                ["waiting", persons(state.n_waiting)],
                ["boarded so far", persons(state.n_boarded)],
                ["state", "open" if state.is_open else "closed at this hour"],
            ]
        answer["lines"] += [["boarded by the end", persons(int(found.n_boarded))],
                            ["waiting at the end", persons(int(found.n_waiting))]]  # fmt: skip
        if found.n_boarded:
            waits = [["half waited less than", found.median_wait_s], ["longest wait", found.max_wait_s]]
            answer["lines"] += [[what, f"{wait_s / 3600:.1f} h"] for what, wait_s in waits]
        return answer

    def _street_at(self, x_m, y_m, reach_m):
        _, links, away_m = links_within(self._grid, x_m, y_m, reach_m)
        if links.size == 0:
            return None
        link = int(links[int(np.argmin(away_m))])
        found = self.recording.links.iloc[link]
        closed = self.recording.streets.closed_at(self._now_s)[link]
        to_whom = [who for who, is_closed in zip(("cars", "walkers"), closed, strict=True) if is_closed]
        closed_h = found.closed_time_s / 3600
        lines = [
            ["kind", found.highway.replace("_", " ")],
            ["length", f"{found.length_m:,.0f} m"],
            ["now", f"closed to {' and '.join(to_whom)}" if to_whom else "open"],
            ["first closed to cars", "never" if np.isinf(closed_h) else f"{closed_h:.1f} h after the start"],
            ["passed by the end", f"{found.n_vehicles:,} cars, {found.n_walking_persons:,} on foot"],
            ["lost to queues", f"{found.delay_vehicle_h:,.1f} vehicle-hours"],
        ]
        return {"title": found["name"] or "street without a name", "lines": lines, "mark": {"street": link}}

    def _party_at(self, x_m, y_m, reach_m):
        recording = self.recording
        if recording.parties is None:
            return None
        there = recording.parties.iloc[recording.party_rows(self._now_s)]
        _, found = self._place(there, x_m, y_m, reach_m)
        if found is None:
            return None
        mark, party = self._mark(found.x_m, found.y_m), int(found.party)
        if found["mode"] == Mode.BUS:
            vehicle = recording.run.frame("vehicles").iloc[party - recording.home_x_m.size]
            lines = [["fleet", vehicle.fleet], ["boarded by the end", persons(vehicle.n_boarded)]]
            return {"title": vehicle.vehicle, "text": self._as_of(found.time_s), "lines": lines, "mark": mark}
        how = Mode(int(found["mode"])).words
        return self._household(party, f"Household {party}, {how}:") | {"mark": mark}

    def _home_at(self, x_m, y_m, reach_m):
        recording = self.recording
        row = nearest(recording.home_x_m, recording.home_y_m, x_m, y_m, reach_m)
        if row is None:
            return None
        return self._household(row, f"Household {row}: home of") | {
            "mark": self._mark(recording.home_x_m[row], recording.home_y_m[row])
        }

    def _household(self, row: int, what: str) -> dict:
        people = self.recording.persons[self.recording.persons["household"] == row]
        lines = [["zone", str(people["zone"].iloc[0])], ["car", "yes" if people["has_car"].iloc[0] else "no"]]
        lines += [[f"{'woman' if one.is_female else 'man'}, {one.age}", one.reason] for one in people.itertuples()]
        moments = {"decided": "decision_time_s", "set out": "departure_time_s", "safe since": "safe_time_s"}
        for words, column in moments.items():
            if np.isfinite(time_s := people[column].min()) and time_s <= self.recording.duration_s:
                lines.append([words, self._clock(time_s)])
        return {"title": f"{what} {persons(len(people))}", "text": "At the end of the run:", "lines": lines}

    def _zone_at(self, x_m, y_m):
        rings = self.recording.rings
        name = next((name for name, ring in rings if shapely.contains_xy(shapely.Polygon(ring), x_m, y_m)), None)
        if name is None:
            return None
        people, now_s = self.recording.persons, self._now_s
        people = people[people["zone"] == name]
        set_out = self.recording.left_s[people["household"].to_numpy()] <= now_s
        lines = [
            ["residents", persons(len(people))],
            ["have set out", persons(int(set_out.sum()))],
            [Status.SAFE.words, persons(int((people["safe_time_s"] <= now_s).sum()))],
            ["hurt so far", persons(int((people["injury_time_s"] <= now_s).sum()))],
        ]
        return {"title": f"Zone: {name}", "text": self._as_of(now_s), "lines": lines}
