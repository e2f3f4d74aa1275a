"""The way of a household as lines on the map: the one gone since somebody looks at it, and the one planned."""

from itertools import pairwise
from typing import Any

import numpy as np

from safepassage.agents.parties import Mode
from safepassage.app.scenes.town import Frame
from safepassage.experiments.reports.answer.language import Language
from safepassage.model.movement.routing import Routes


class Trails:
    """Keeps the way of the few households that are looked at, step by step, and reads on from the tables of ways."""

    def __init__(self, model: Any, frame: Frame) -> None:
        self._model, self._frame = model, frame
        self._gone: dict[int, list[int]] = {}
        self._ahead: dict[int, list[int]] = {}

    def watch(self, households: list[int]) -> None:
        """Keep the way of these from now on, and of no others."""
        self._gone = {row: self._gone.get(row, []) for row in households}
        self._ahead = {row: self._ahead[row] for row in households if row in self._ahead}
        self.note()

    def note(self) -> None:
        """Note on which links those who are watched have come since the last step."""
        for row, gone in self._gone.items():
            link = self._link_of(row)
            if link >= 0 and (not gone or gone[-1] != link):
                ahead = self._ahead.get(row, [])
                gone += ahead[: ahead.index(link) + 1] if link in ahead else [link]
                self._ahead[row] = self.planned(row)[1:]
            elif link < 0 and gone and np.isfinite(self._model.parties.arrival_time_s[row]):
                gone += self._ahead.pop(row, [])

    def planned(self, row: int) -> list[int]:
        """Return the links from where a household is, that one first, to where the table that it follows leads.

        Of one at home: the way it would take, by car if it has one. Nothing changes in the model: a table that is out
        of date is built aside. Empty: it goes nowhere by itself, or knows no way.
        """
        model, movement = self._model, self._model.movement
        if np.isfinite(model.parties.arrival_time_s[row]):
            return []
        mover = int(movement.carrier[row])
        ids = np.array([mover])
        for mode, view in ((Mode.CAR, movement.driving.view), (Mode.WALK, movement.walking.view)):
            link, table = int(view.link_of(ids)[0]), int(view.table_of(ids)[0])
            if link >= 0:
                on = self._on(mode, table, int(model.streets.link_downstream[link])) if table >= 0 else []
                return [link, *on]
            if table >= 0:
                node = movement.walking.view.node_of(ids) if mode == Mode.WALK else self._start(mode, row)
                return self._on(mode, table, int(node[0]))
        households = model.households
        if model.parties.is_on_way[row] or not (households.has_car[row] or households.can_walk[row]):
            return []
        mode = Mode.CAR if households.has_car[row] else Mode.WALK
        return self._on(mode, 0, int(self._start(mode, row)[0]))

    def lines(self, row: int) -> dict:
        """Return the ways of a household as the map draws them: x, y in turn on the scale of the browser."""
        gone, ahead = self._gone.get(row, []), self.planned(row)
        here = self._here(row)
        return {
            "gone": self._drawn(gone, here, is_before=True) if gone else [],
            "ahead": self._drawn(ahead, here if ahead and ahead[0] == self._link_of(row) else None, is_before=False),
        }

    def told(self, row: int, say: Language) -> list[list[str]]:
        """Return the ways of a household in words."""
        streets, ahead = self._model.streets, self.planned(row)
        lines = []
        if gone := self._gone.get(row, []):
            km = say.number(float(self._length_m(gone)) / 1000, 1)
            lines.append([say("way so far, since you look at it"), say("{km} km", km=km)])
        if ahead:
            km = say.number(float(self._length_m(ahead)) / 1000, 1)
            at = np.flatnonzero(streets.exit_node == streets.link_downstream[ahead[-1]])
            to = streets.exit_name[at[0]] if at.size else None
            label = say("way ahead") if self._model.parties.is_on_way[row] else say("way that it would take")
            lines.append([label, say("{km} km, to {exit}", km=km, exit=to) if to else say("{km} km", km=km)])
        return lines

    def _length_m(self, links: list[int]) -> float:
        return float(self._model.streets.length_m[links].sum())

    def _link_of(self, row: int) -> int:
        return int(self._model.movement.link_of(np.array([row]))[0])

    def _start(self, mode: Mode, row: int) -> Any:
        return self._model.movement.ways.start_node(mode, self._model.households.home_node[[row]])

    def _on(self, mode: Mode, table: int, node: int) -> list[int]:
        ways = self._model.movement.ways.of[mode]
        if not ways.stale[table] and ways.is_known[table, node]:
            return ways.routes.path(table, node)
        streets = self._model.streets
        aside = Routes(streets.node_x_m.size, streets.link_upstream, streets.link_downstream, 1, streets.link_key)
        ways.build_aside(table, aside)
        return aside.path(0, node)

    def _here(self, row: int) -> tuple[float, float] | None:
        """Return where a household is on its link now (m); None: on none."""
        x_m, y_m = self._model.movement.place(np.array([row]))
        return (float(x_m[0]), float(y_m[0])) if np.isfinite(x_m[0]) and self._link_of(row) >= 0 else None

    def _drawn(self, links: list[int], here: tuple[float, float] | None, *, is_before: bool) -> list[int]:
        """Return the line along links; of the last (is_before) or first of them only the part up to, or from, here."""
        streets = self._model.streets
        parts = []
        for k, link in enumerate(links):
            if link >= streets.n_town_links:
                continue
            first, last = streets.geometry_first[link], streets.geometry_first[link + 1]
            xy = np.column_stack((streets.geometry_x_m[first:last], streets.geometry_y_m[first:last]))
            if here is not None and k == (len(links) - 1 if is_before else 0):
                xy = cut(xy, here, is_before=is_before)
            parts.append(xy)
        if not parts:
            return []
        return self._frame.scale(*np.concatenate(parts).T).ravel().tolist()


class RecordedTrails:
    """The ways that a recorded run holds: places of parties by the table of trajectories, if it was written."""

    def __init__(self, recording: Any) -> None:
        self._recording = recording
        self._rows: dict[int, np.ndarray] = {}

    def watch(self, households: list[int]) -> None:
        """Look these up, and forget all others."""
        parties = self._recording.parties
        if parties is not None:
            column = parties["party"].to_numpy()
            self._rows = {row: np.flatnonzero(column == row) for row in households}

    def note(self) -> None:
        """Nothing to note: the table has it."""

    def so_far(self, row: int) -> np.ndarray:
        """Return the rows of the table that hold a household's places up to the moment shown."""
        rows = self._rows.get(row, np.empty(0, np.int64))
        return rows[self._recording.parties["time_s"].to_numpy()[rows] <= self._recording.model.time_s]

    def lines(self, row: int) -> dict:
        """Return the way of a household up to the moment shown, and that after it; straight between places kept."""
        if row not in self._rows:
            return {}
        rows, n_gone = self._rows[row], self.so_far(row).size
        xy = self._recording.frame.scale(*self._recording.parties.iloc[rows][["x_m", "y_m"]].to_numpy().T)
        return {"gone": xy[:n_gone].ravel().tolist(), "ahead": xy[max(n_gone - 1, 0) :].ravel().tolist()}


def cut(xy: np.ndarray, here: tuple[float, float], *, is_before: bool) -> np.ndarray:
    """Return the part of a line before, or after, the place on it that is nearest to here. xy, here: in metres."""
    best, at, place = np.inf, 0, xy[0]
    for k, (a, b) in enumerate(pairwise(xy)):
        along = np.clip(np.dot(np.subtract(here, a), b - a) / max(np.dot(b - a, b - a), 1e-9), 0.0, 1.0)
        spot = a + along * (b - a)
        away = float(np.hypot(*(spot - here)))
        if away < best:
            best, at, place = away, k, spot
    return np.vstack((xy[: at + 1], place)) if is_before else np.vstack((place, xy[at + 1 :]))
