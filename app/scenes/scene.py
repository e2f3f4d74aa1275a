"""A running model as the map shows it: who is where now, what is closed, what has fallen; and a row for the charts."""

import numpy as np

from safepassage.agents.civilians import Injury, Protection, Status
from safepassage.agents.parties import Mode, Mover
from safepassage.agents.words import Worded
from safepassage.app.scenes.frames import Picture
from safepassage.app.scenes.layers import Layers
from safepassage.app.scenes.town import FULL, Frame, describe, lead_links, pack_streets
from safepassage.model.harm.expected_casualties import band
from safepassage.model.pictures.palette import BLUE, BROWN, ORANGE, SLATE, VERMILION
from safepassage.model.results.trajectories import whereabouts, who_stands

SHOWN_S = 6 * 3600.0
"""How long an impact is shown, fading (s)."""
HOME_CELLS = 180
"""Number of cells along a side of the map in which people at home are shown."""
FRONT_EVERY_S = 3600.0
FRONT_KM = (0, 2, 5, 10, 15, 20, 30)
"""Distances from the front at which lines are drawn, the front itself among them (km)."""
MOST_ROWS = 3000
"""Rows kept for the charts in one run; long runs keep fewer than one a step."""
ROW_COLUMNS = (
    "time_s", *(f"n_{s.name.lower()}" for s in Status), "n_light", "n_serious", "n_fatal",
    *(f"exposure_{p.name.lower()}" for p in Protection), "n_out_by_car", "n_out_on_foot",
    "n_hurt_expected", "n_hurt_low", "n_hurt_high",
)  # fmt: skip
"""Columns of the charts before those of the exits: persons out of each, then cars at each."""


class Kind(Worded):
    """How a party is drawn."""

    CAR = 0, "cars moving"
    CAR_STANDING = 1, "cars standing in a queue"
    WALK = 2, "on foot"
    CUT_OFF = 3, Status.STRANDED.words
    BUS = 4, "buses"


KIND_COLOURS = {
    Kind.CAR: BLUE, Kind.CAR_STANDING: SLATE, Kind.WALK: ORANGE, Kind.CUT_OFF: VERMILION, Kind.BUS: BROWN,
}  # fmt: skip


_BY_MOVER = {
    Mover.NOTHING: (Kind.WALK, Kind.CUT_OFF), Mover.WALKERS: (Kind.WALK, Kind.CUT_OFF),
    Mover.VEHICLES: (Kind.CAR, Kind.CAR_STANDING), Mover.SERVICES: (Kind.BUS, Kind.BUS),
}  # fmt: skip
KINDS = np.array([_BY_MOVER[mode.mover] for mode in Mode], np.uint8).T
"""Kind by whether a party stands, and its Mode."""


class LiveScene:
    """Draws a model that runs; reads it, never changes it."""

    def __init__(self, model):
        self.model = model
        streets, households = model.streets, model.households
        self.frame = Frame.around(
            np.concatenate((streets.geometry_x_m[: streets.geometry_first[streets.n_town_links]], households.home_x_m)),
            np.concatenate((streets.geometry_y_m[: streets.geometry_first[streets.n_town_links]], households.home_y_m)),
        )
        self.layers = Layers(model, lead_links(streets.link_street[: streets.n_town_links]))
        self.lead = lead_links(streets.link_street[: streets.n_town_links])
        place = self.frame.scale(households.home_x_m, households.home_y_m).astype(np.int64) * HOME_CELLS >> 16
        self._home_cell = place[:, 1] * HOME_CELLS + place[:, 0]
        self._n_members = households.n_members.astype(np.float64)
        self._most_in_cell = max(1.0, self._residents().max())
        self._stops = model.services.stops[: model.services.n_fixed]
        self._row_every_s = model.duration_s / MOST_ROWS
        self._homes_s = -np.inf
        self._front = FrontLines(model.surroundings.front, self.frame)
        self.rows: list[list[float]] = []
        self.note_row()

    def town(self) -> tuple[dict, bytes]:
        """Return the description of the town and its streets."""
        return describe(self.model, self.frame), pack_streets(self.frame, self.model.streets)

    def note_row(self):
        """Keep a row of the charts for the present, if the last one is old enough."""
        model = self.model
        if self.rows and model.running and model.time_s - self.rows[-1][0] < 0.99 * self._row_every_s:
            return
        by_injury = model.recorder.n_by_injury
        routes, expected = model.routes, model.recorder.expected_casualties
        self.rows.append(
            [
                model.time_s,
                *model.recorder.n_by_status.tolist(),
                *(int(by_injury[i]) for i in (Injury.LIGHT, Injury.SERIOUS, Injury.FATAL)),
                *model.recorder.exposure_person_h.sum(axis=(1, 2)).tolist(),
                sum(route.n_persons - route.n_walkers for route in routes),
                sum(route.n_walkers for route in routes),
                expected.mean,
                *(float(edge[0]) for edge in band(expected.mean, expected.variance)),
                *(route.n_persons for route in routes),
                *self.cars_at_exits().tolist(),
            ]
        )

    def cars_at_exits(self) -> np.ndarray:
        """Return the number of cars on the last kilometre before each exit."""
        return self.model.recorder.exit_queues.n_cars()

    def picture(self, first_row: int, step_ms: float, *, is_new: bool) -> Picture:
        """Return what is drawn now. first_row: rows of the charts before it have been sent. is_new: send everything."""
        model = self.model
        points, kind, party = self._movers()
        if is_new:
            self._homes_s = -np.inf
        return Picture(
            time_s=model.time_s,
            step_ms=step_ms,
            rows=np.array(self.rows[first_row:], np.float32).reshape(-1, len(self.rows[0])),
            closed=self._closed(),
            exits=self._exits(),
            shelters=self._shelters(),
            points=points,
            kind=kind,
            party=party,
            impacts=self._impacts(),
            front=self._front.at(model.time_s),
            homes=self._homes(),
        )

    def _movers(self):
        """Return the place on the map, the kind and the number of each party on the streets."""
        party, x_m, y_m, mode = whereabouts(self.model)
        return self.frame.scale(x_m, y_m), KINDS[who_stands(self.model, party, mode).astype(int), mode], party

    def _closed(self):
        streets, movement = self.model.streets, self.model.movement
        closed = streets.drivable & ~movement.car_open
        no_walk = streets.walkable & ~movement.walk_open
        closed[streets.n_town_links :] = no_walk[streets.n_town_links :] = False
        street = np.unique(streets.link_street[closed | no_walk])
        on_foot_too = np.isin(street, streets.link_street[no_walk])
        return (street.astype(np.int64) * 2 + on_foot_too).reshape(-1, 1)

    def _exits(self):
        model = self.model
        is_open = model.movement.ways.of[Mode.CAR].exit_open | model.movement.ways.of[Mode.WALK].exit_open
        return np.column_stack(([route.n_persons for route in model.routes], self.cars_at_exits(), is_open))

    def _shelters(self):
        shelters, now_s = self.model.surroundings.shelters, self.model.time_s
        rows = list(zip(shelters.n_inside.tolist(), shelters.is_open.tolist(), strict=True))
        rows += [(stop.n_waiting, stop.is_open(now_s)) for stop in self._stops]
        return np.array(rows, np.int64).reshape(-1, 2)

    def _impacts(self):
        impacts, now_s = self.model.impacts, self.model.time_s
        rows = np.arange(len(impacts))[impacts.between(now_s - SHOWN_S, now_s)]
        rows = rows[impacts.falls[rows]]
        age = (now_s - impacts.time_s[rows]) / SHOWN_S * 65535
        xy = self.frame.scale(impacts.x_m[rows], impacts.y_m[rows])
        return np.column_stack((xy, age.astype(np.int64), impacts.size[rows]))

    def _residents(self):
        stays = self.model.population.is_at_home()
        return np.bincount(self._home_cell, self._n_members * stays, HOME_CELLS**2)

    def _homes(self):
        if self.model.time_s - self._homes_s < 600.0:
            return np.empty(0, np.uint8)
        self._homes_s = self.model.time_s
        return np.ceil(np.sqrt(self._residents() / self._most_in_cell) * 255)


class FrontLines:
    """Lines of equal distance from a front, drawn anew at each full hour since the start; none if there is no front."""

    def __init__(self, front, frame: Frame):
        self._frame, self._drawn_s, self._xy = frame, None, np.empty((0, 2))
        at = np.linspace(0.001, 0.999, 61) * frame.side_m  # off the edges, whose 65535 ends lines
        self._x_m, self._y_m = np.meshgrid(frame.west_m + at, frame.south_m + at)
        self._points = front.over(self._x_m.ravel(), self._y_m.ravel()) if front is not None else None

    def at(self, time_s: float) -> np.ndarray:
        """Return the lines for the hour of a moment: those of FRONT_KM that cross the map, and an arrow.

        Each line is followed by (10 * km, 65535). An arrow of two points, from the middle towards a front that is not
        on the map, is followed by (10 * km from the middle, 65534).
        """
        hour_s = time_s // FRONT_EVERY_S * FRONT_EVERY_S
        if self._points is not None and hour_s != self._drawn_s:
            self._drawn_s, self._xy = hour_s, self._lines(self._points.distance_km(hour_s).reshape(self._x_m.shape))
        return self._xy

    def _lines(self, distance_km: np.ndarray) -> np.ndarray:
        from contourpy import contour_generator

        frame, x_m, y_m = self._frame, self._x_m, self._y_m
        contours, parts = contour_generator(x_m, y_m, distance_km), [np.empty((0, 2))]
        for km in FRONT_KM:
            parts += [part for line in contours.lines(km) for part in (frame.scale(*line.T), [[10 * km, FULL]])]
        if distance_km.min() > 0:
            down, right = (slope[30, 30] for slope in np.gradient(distance_km))
            towards_m = 0.4 * frame.side_m * np.array([-right, -down]) / max(np.hypot(right, down), 1e-9)
            arrow = frame.scale(x_m[30, 30] + [0.0, towards_m[0]], y_m[30, 30] + [0.0, towards_m[1]])
            parts += [arrow, [[10 * distance_km[30, 30], FULL - 1]]]
        return np.concatenate(parts)
