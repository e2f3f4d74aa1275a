"""What has happened so far in a run, line by line: orders, impacts, streets, exits and shelters lost, vehicles lost."""

from copy import copy

import numpy as np

from safepassage.agents.parties import Mode
from safepassage.agents.vehicles import Task
from safepassage.app.told.saying import Told
from safepassage.experiments.reports.answer.language import ENGLISH, Language

MOST_EVENTS = 2000
"""Lines kept; of longer runs the oldest are dropped. Assumption: nobody reads more."""

TO_ALL = {"voluntary": "Voluntary order to all zones", "compulsory": "Compulsory order to all zones"}
TO_ZONES = {"voluntary": "Voluntary order to {zones}", "compulsory": "Compulsory order to {zones}"}
"""Words of an order by its force."""
OPENED = {
    "exit": ("Exit {name} is closed or lost", "Exit {name} opens"),
    "shelter": ("Shelter {name} is closed or lost", "Shelter {name} opens"),
}
"""Words of an exit or shelter that is not open any more, and of one that opens."""
SHUT = "{name} is closed to cars", "{n} streets are closed to cars, {name} among them"
OPEN_AGAIN = "{name} is open to cars again", "{n} streets are open to cars again, {name} among them"
"""Words of one street and of several."""


class EventLog:
    """Looks at a model after each step and notes what has changed since the last look; never changes it."""

    def __init__(self, model) -> None:
        self.model = model
        self.events: list[dict] = []
        self.n_noted = 0
        """Lines noted so far, those dropped among them."""
        self._last_s = model.time_s
        self._before = self._state()
        self._note_orders(-np.inf, model.time_s)

    def over(self, model) -> "EventLog":
        """Return what was noted so far as noted of another model, which is in the same state."""
        same = copy(self)
        same.model, same.events, same._before = model, list(self.events), dict(self._before)
        return same

    def look(self) -> None:
        """Note what has changed since the last look."""
        now = self._state()
        self._note_orders(self._last_s, self.model.time_s)
        self._note_impacts()
        for kind in ("exit", "shelter"):
            self._note_open(kind, self._before[kind], now[kind], self._places(kind))
        self._note_streets(self._before["street"], now["street"])
        self._note_vehicles(self._before["vehicle"], now["vehicle"])
        self._before, self._last_s = now, self.model.time_s
        del self.events[:-MOST_EVENTS]

    def _state(self) -> dict:
        model = self.model
        ways = model.movement.ways.of
        vehicles = model.services.vehicles
        return {
            "exit": ways[Mode.CAR].exit_open | ways[Mode.WALK].exit_open,
            "shelter": np.array(model.surroundings.shelters.is_open, bool),
            "street": model.movement.car_open[: model.streets.n_town_links].copy(),
            "vehicle": np.array([one.task == Task.LOST for one in vehicles], bool),
        }

    def _note(
        self, kind: str, text: Told, x_m: float | None = None, y_m: float | None = None, *, at_s: float = np.inf
    ) -> None:
        # an order is told with its own time, not that of the look by which it was found
        event = {"time_s": min(max(float(at_s), 0.0), self.model.time_s), "kind": kind, "text": text}
        self.n_noted += 1
        self.events.append(event if x_m is None else {**event, "x_m": float(x_m), "y_m": float(y_m)})

    def _note_orders(self, from_s: float, until_s: float) -> None:
        scenario, acts_s = self.model.settings, self.model.authorities.triggers.acts_s
        for name, at_s in acts_s.items():
            if from_s < at_s + 1e-6 <= until_s:
                self._note("trigger", Told("Trigger {name} acts", {"name": name}), at_s=at_s)
        for order in scenario.orders:
            issued_s = acts_s.get(order.after, np.inf) if order.after else scenario.issued_s(order)
            if from_s < issued_s + 1e-6 <= until_s:
                self._note("order", order_told(order.force.value, order.zones), at_s=issued_s)

    def _note_impacts(self) -> None:
        impacts = self.model.impacts
        rows = np.arange(len(impacts))[impacts.between(self._last_s, self.model.time_s)]
        rows = rows[impacts.falls[rows]]
        if rows.size:
            text = Told("An impact") if rows.size == 1 else Told("impacts: {n}", {"n": int(rows.size)})
            self._note("impact", text, impacts.x_m[rows[0]], impacts.y_m[rows[0]])

    def _places(self, kind: str) -> list[tuple[str, float, float]]:
        streets, shelters = self.model.streets, self.model.surroundings.shelters
        if kind == "shelter":
            return list(zip(shelters.name, shelters.x_m, shelters.y_m, strict=True))
        node = streets.exit_node
        return list(zip(streets.exit_name, streets.node_x_m[node], streets.node_y_m[node], strict=True))

    def _note_open(self, kind: str, before: np.ndarray, now: np.ndarray, places: list) -> None:
        for row in np.flatnonzero(before != now):
            name, x_m, y_m = places[row]
            self._note(kind, Told(OPENED[kind][int(now[row])], {"name": name}), x_m, y_m)

    def _note_streets(self, before: np.ndarray, now: np.ndarray) -> None:
        streets = self.model.streets
        for changed, (one, several) in ((before & ~now, SHUT), (~before & now, OPEN_AGAIN)):
            links = np.flatnonzero(changed)
            n = np.unique(streets.link_street[links]).size
            if n:
                name = streets.link_name[links[0]] or Told("street without a name")
                text = Told(one if n == 1 else several, {"n": int(n), "name": name})
                point = streets.geometry_first[links[0]]
                self._note("street", text, streets.geometry_x_m[point], streets.geometry_y_m[point])

    def _note_vehicles(self, before: np.ndarray, now: np.ndarray) -> None:
        for row in np.flatnonzero(now[: before.size] & ~before) if now.size >= before.size else ():
            self._note("vehicle", Told("{name} is lost", {"name": self.model.services.vehicles[row].name}))


def order_told(force: str, zones) -> Told:
    """Return an order in words. force: value of `Force`. zones: names, or None for all."""
    return Told(TO_ZONES[force], {"zones": ", ".join(zones)}) if zones else Told(TO_ALL[force])


def placed(event: dict, frame, say: Language = ENGLISH) -> dict:
    """Return an event as the page shows it: in a language, and on the scale of the map in the browser."""
    shown = {key: value for key, value in event.items() if key not in ("x_m", "y_m")}
    shown["text"] = event["text"].said(say)
    return shown | {"xy": frame.scale([event["x_m"]], [event["y_m"]])[0].tolist()} if "x_m" in event else shown
