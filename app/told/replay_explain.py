"""Says what is at a place of a recorded run's map at the moment shown, from its tables."""

from datetime import datetime

import numpy as np
import shapely

from safepassage.agents.civilians import Status
from safepassage.agents.ground.nearby import grid_of_links, links_within
from safepassage.agents.parties import Mode
from safepassage.app.scenes.replay import Recording
from safepassage.app.told.explain import all_of, nearest
from safepassage.app.told.saying import clock_h, persons
from safepassage.app.told.trails import RecordedTrails
from safepassage.experiments.reports.answer.language import ENGLISH, Language
from safepassage.model.clock import local_time


class ReplayExplainer:
    """Answers clicks on a recorded run."""

    def __init__(self, recording: Recording, say: Language = ENGLISH):
        self.recording, self.say = recording, say
        self.trails = RecordedTrails(recording)
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
        return self.say("As recorded on {moment}.", moment=self._clock(time_s))

    def _clock(self, time_s: float) -> str:
        return self.say.moment_of_week(local_time(self._start, time_s, self._zone))

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
        say = self.say
        n_out, n_cars, is_open = self.recording.exits_at(self._now_s)[row]
        lines = [
            [say("out so far"), persons(n_out, say)],
            [say("on its last kilometre"), say("{n} cars", n=say.number(n_cars, 0))],
            [say("state"), say("open") if is_open else say("closed")],
            [say("out by the end"), persons(found.n_persons, say)],
            [say("of them on foot"), say.number(found.n_walkers, 0)],
            [say("cars out by the end"), say.number(found.n_cars, 0)],
        ]
        text = self._as_of(self.recording.recorded_s(self._now_s))
        title, mark = say("Exit: {name}", name=found.exit), self._mark(found.x_m, found.y_m)
        return {"title": title, "text": text, "lines": lines, "mark": mark}

    def _shelter_at(self, x_m, y_m, reach_m):
        row, found = self._place(self.recording.shelters, x_m, y_m, reach_m)
        if found is None:
            return None
        state = self.recording.shelter_states.at(self._now_s).iloc[row]
        say = self.say
        inside, room = say.number(state.n_inside, 0), say.number(found.capacity, 0)
        lines = [
            [say("inside"), say("{n} of {capacity}", n=inside, capacity=room)],
            [say("state"), say("open") if state.is_open else say("closed or destroyed")],
        ]
        return {
            "title": say("Shelter: {name}", name=found.shelter),
            "text": self._as_of(state.time_s),
            "lines": lines,
            "mark": self._mark(found.x_m, found.y_m),
        }

    def _stop_at(self, x_m, y_m, reach_m):
        row, found = self._place(self.recording.stops, x_m, y_m, reach_m)
        if found is None:
            return None
        is_point = row < len((self.recording.settings.get("services") or {}).get("pickup_points") or ())
        say = self.say
        title = say("Pickup point: {name}", name=found.stop) if is_point else say("Station: {name}", name=found.stop)
        answer = {"title": title, "lines": [], "mark": self._mark(found.x_m, found.y_m)}
        if self.recording.stop_states is not None:
            state = self.recording.stop_states.at(self._now_s).iloc[row]
            answer["text"] = self._as_of(state.time_s)
            answer["lines"] = [
                [say("waiting now"), persons(state.n_waiting, say)],
                [say("boarded so far"), persons(state.n_boarded, say)],
                [say("state"), say("open") if state.is_open else say("closed at this hour")],
            ]
        answer["lines"] += [[say("boarded by the end"), persons(int(found.n_boarded), say)],
                            [say("waiting at the end"), persons(int(found.n_waiting), say)]]  # fmt: skip
        if found.n_boarded:
            waits = [[say("half waited less than"), found.median_wait_s], [say("longest wait"), found.max_wait_s]]
            answer["lines"] += [[what, clock_h(wait_s / 3600, say)] for what, wait_s in waits]
        return answer

    def _street_at(self, x_m, y_m, reach_m):
        _, links, away_m = links_within(self._grid, x_m, y_m, reach_m)
        if links.size == 0:
            return None
        link = int(links[int(np.argmin(away_m))])
        found = self.recording.links.iloc[link]
        closed = self.recording.streets.closed_at(self._now_s)[link]
        say, number, closed_h = self.say, self.say.number, found.closed_time_s / 3600
        state = [[say("open"), say("closed to walkers")], [say("closed to cars"), say("closed to cars and walkers")]]
        passed = {"cars": number(found.n_vehicles, 0), "walkers": number(found.n_walking_persons, 0)}
        first = say("never") if np.isinf(closed_h) else say("{n} h after the start", n=number(closed_h, 1))
        lines = [
            [say("kind"), say(found.highway.replace("_", " "))],
            [say("length"), say("{length} m", length=number(found.length_m, 0))],
            [say("now"), state[int(closed[0])][int(closed[1])]],
            [say("first closed to cars"), first],
            [say("passed by the end"), say("{cars} cars, {walkers} on foot", **passed)],
            [say("lost to queues"), say("{n} vehicle-hours", n=number(found.delay_vehicle_h, 1))],
        ]
        return {"title": found["name"] or say("street without a name"), "lines": lines, "mark": {"street": link}}

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
            lines = [[self.say("fleet"), vehicle.fleet]]
            lines.append([self.say("boarded by the end"), persons(vehicle.n_boarded, self.say)])
            return {"title": vehicle.vehicle, "text": self._as_of(found.time_s), "lines": lines, "mark": mark}
        return self._party(party, int(found["mode"])) | {"mark": mark}

    def party(self, household: int) -> dict:
        """Return what is known of a household that was under way, and where it was seen last."""
        rows = self.trails.so_far(household)
        last = self.recording.parties.iloc[rows[-1]]
        return self._party(household, int(last["mode"])) | {"mark": self._mark(last.x_m, last.y_m)}

    def _party(self, party: int, mode: int) -> dict:
        how = self.say(Mode(mode).words)
        people = persons(self._n_members(party), self.say)
        title = self.say("Household {n}, {how}: {people}", n=party, how=how, people=people)
        return self._household(party, title) | {"party": party}

    def _home_at(self, x_m, y_m, reach_m):
        recording = self.recording
        row = nearest(recording.home_x_m, recording.home_y_m, x_m, y_m, reach_m)
        if row is None:
            return None
        people = persons(self._n_members(row), self.say)
        return self._household(row, self.say("Household {n}: home of {people}", n=row, people=people)) | {
            "mark": self._mark(recording.home_x_m[row], recording.home_y_m[row])
        }

    def _n_members(self, household: int) -> int:
        return int((self.recording.persons["household"] == household).sum())

    def _household(self, row: int, title: str) -> dict:
        say = self.say
        people = self.recording.persons[self.recording.persons["household"] == row]
        car = say("yes") if people["has_car"].iloc[0] else say("no")
        lines = [[say("zone"), str(people["zone"].iloc[0])], [say("car"), car]]
        for one in people.itertuples():
            who = say("woman, {age}", age=one.age) if one.is_female else say("man, {age}", age=one.age)
            lines.append([who, say.known(one.reason)])
        moments = {
            say("decided"): "decision_time_s",
            say("set out"): "departure_time_s",
            say("safe since"): "safe_time_s",
        }
        for words, column in moments.items():
            if np.isfinite(time_s := people[column].min()) and time_s <= self.recording.duration_s:
                lines.append([words, self._clock(time_s)])
        told = {"title": title, "text": say("At the end of the run:"), "lines": lines}
        return told | {"household": row, "way": self.trails.lines(row)}

    def _zone_at(self, x_m, y_m):
        rings = self.recording.rings
        name = next((name for name, ring in rings if shapely.contains_xy(shapely.Polygon(ring), x_m, y_m)), None)
        if name is None:
            return None
        say, people, now_s = self.say, self.recording.persons, self._now_s
        people = people[people["zone"] == name]
        set_out = self.recording.left_s[people["household"].to_numpy()] <= now_s
        lines = [
            [say("residents"), persons(len(people), say)],
            [say("have set out"), persons(int(set_out.sum()), say)],
            [say(Status.SAFE.words), persons(int((people["safe_time_s"] <= now_s).sum()), say)],
            [say("hurt so far"), persons(int((people["injury_time_s"] <= now_s).sum()), say)],
        ]
        return {"title": say("Zone: {name}", name=name), "text": self._as_of(now_s), "lines": lines}
