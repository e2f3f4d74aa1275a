"""Four questions as plans to fill in: an earlier order, more buses, a road closed or opened, more shelters.

A question is a plan file of its own: what the left map runs, changed in one place. Its values can be edited on
the page, and the right map answers the question under the same shells.
"""

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from safepassage.app.told.saying import Told, told_in
from safepassage.experiments.reports.answer.language import Language
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.files.whole import write_whole

QUESTIONS = {
    "earlier_order": "Order earlier",
    "more_buses": "More buses",
    "other_road": "Close or open a road",
    "more_shelters": "Open shelters",
}
EARLIER_SHARE = 0.5
"""An order comes earlier by this share of its time after the start. Assumption, to be edited."""
FIRST_BUSES = {"n_vehicles": 10, "seats": 50}
FIRST_ROOM = 300
"""Buses where there are none, and people that a new shelter holds. Assumptions, to be edited."""
EDITABLE = {
    "orders": {"issued_h": ("Given", "h"), "compliance": ("How many do as told", ""), "zones": ("Zones", "")},
    "services.reinforcements": {"n_vehicles": ("How many vehicles", ""), "at_h": ("From when on", "h")},
    "services.fleets": {"n_vehicles": ("How many vehicles", ""), "seats": ("Seats of each", "")},
    "closures.streets": {"from_h": ("Closed from", "h"), "until_h": ("Open again", "h")},
    "shelters.places": {"capacity": ("How many people it holds", "")},
}
"""What of a plan can be edited: key and words of each value, with its unit, by the list that it stands in."""


class Question:
    """One question that is asked on the page: a plan, its file, and what of it can be edited."""

    def __init__(self, name: str, plan: dict, folder: Path) -> None:
        """name: of `QUESTIONS`. plan: its keys. folder: that plans are saved to; no plan there is written over."""
        self.name = name
        self.plan = plan
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(1, 10_000):
            self.path = folder / f"{name}_{number}.yaml"
            try:
                open(self.path, "x", encoding="utf-8").close()
                break
            except FileExistsError:
                continue
        self.plan["name"] = self.path.stem
        self.write()

    def write(self) -> None:
        """Write the plan to its file."""
        content = yaml.safe_dump(self.plan, sort_keys=False, allow_unicode=True)
        write_whole(self.path, b"# Asked on the page of `safepassage explore`.\n" + content.encode())

    def change(self, path: str, value: Any) -> None:
        """Set a value; empty: leave it out. path: as `fields` names it."""
        *parents, row, key = path.split(".")
        entry = _list_at(self.plan, ".".join(parents))[int(row)]
        if key == "zones":
            value = [name for name in value if name] or None
        if value is None or value == "":
            entry.pop(key, None)
        else:
            entry[key] = value

    def drop(self, path: str) -> None:
        """Leave an entry out. path: list and row."""
        parent, row = path.rsplit(".", 1)
        _list_at(self.plan, parent).pop(int(row))

    def items(self, say: Language) -> list[dict]:
        """Return what can be edited, entry by entry, as the page shows it."""
        found = []
        for parent, keys in EDITABLE.items():
            for row, entry in enumerate(_list_at(self.plan, parent)):
                fields = [
                    {"path": f"{parent}.{row}.{key}", "key": key, "label": say(label), "unit": unit and say(unit),
                     "value": entry.get(key)}
                    for key, (label, unit) in keys.items()
                    if key in entry or key in ("zones", "until_h")
                ]  # fmt: skip
                if parent == "orders" and "issued" in entry:
                    issued = {"key": "issued", "label": say("Given"), "unit": "", "value": str(entry["issued"])}
                    fields.insert(0, {"path": f"{parent}.{row}.issued", **issued})
                title = told_in(say, _title(parent, row, entry))
                found.append({"path": f"{parent}.{row}", "title": title, "fields": fields})
        return found


def _title(parent: str, row: int, entry: dict) -> Told | str:
    if parent == "orders":
        return Told("Order {n}", {"n": row + 1})
    if parent == "services.reinforcements":
        return Told("More vehicles for {fleet}", {"fleet": entry["fleet"]})
    if parent == "closures.streets":
        return Told("Street {name}", {"name": entry.get("name") or " to ".join(entry.get("between", ()))})
    return str(entry.get("name", ""))


def asked(name: str, model: Any, plan: dict, picked: Sequence[str] = ()) -> dict:
    """Return the keys of a plan that asks a question of a running model.

    name: of `QUESTIONS`. plan: keys of the plan that runs, with what was done. picked: the two ends of the street that
    was picked on the map, if any.
    """
    keys = deepcopy(plan)
    {"earlier_order": _earlier, "more_buses": _more_buses, "more_shelters": _more_shelters}.get(
        name, lambda model, keys: _other_road(model, keys, picked)
    )(model, keys)
    keys["title"] = f"{QUESTIONS[name]}: {model.settings.title}"
    return keys


def _given(model: Any, keys: dict, dotted: str) -> list:
    """Return a list of a plan to be changed: what the plan says, else what the scenario says."""
    at, given = keys, model.settings.source.keys
    *parents, last = dotted.split(".")
    for part in parents:
        at = at.setdefault(part, {})
        given = given.get(part) or {}
    return at.setdefault(last, deepcopy(list(given.get(last) or [])))


def _list_at(keys: dict, dotted: str) -> list:
    at: Any = keys
    for part in dotted.split("."):
        at = at.get(part, {}) if isinstance(at, dict) else {}
    return at if isinstance(at, list) else []


def _earlier(model: Any, keys: dict) -> None:
    orders = _given(model, keys, "orders")
    if not orders:
        orders.append({"issued_h": 0.0, "compliance": 0.66})
    for written, order in zip(orders, model.settings.orders, strict=False):
        if order.after is None:
            hours = model.settings.issued_s(order) / 3600.0
            written.pop("issued", None)
            written["issued_h"] = round(hours * (1.0 - EARLIER_SHARE), 3)


def _more_buses(model: Any, keys: dict) -> None:
    fleets = model.settings.services.fleets
    if fleets:
        more = _given(model, keys, "services.reinforcements")
        more += [{"fleet": one.name, "n_vehicles": max(1, one.n_vehicles), "at_h": 0.0} for one in fleets]
        return
    _given(model, keys, "services.pickup_points").append({"name": "Middle", "node": _middle(model)[0]})
    _given(model, keys, "services.fleets").append({"name": "Buses", **FIRST_BUSES})


def _other_road(model: Any, keys: dict, picked: Sequence[str]) -> None:
    streets, closed = model.streets, _given(model, keys, "closures.streets")
    ends = [str(end) for end in picked]
    if not ends:
        passed = model.movement.driving.view.n_left[: streets.n_town_links]
        busy = int(np.argmax(np.where(streets.drivable[: streets.n_town_links], passed, -1)))
        ends = [streets.node_id[streets.link_upstream[busy]], streets.node_id[streets.link_downstream[busy]]]
    same = [one for one in closed if set(one.get("between", ())) == set(ends)]
    if same:
        closed.remove(same[0])
    else:
        closed.append({"between": ends, "from_h": 0.0})


def _more_shelters(model: Any, keys: dict) -> None:
    shut = _given(model, keys, "closures.shelters")
    if shut:
        shut.clear()
        return
    keys["closures"].pop("shelters")
    if not keys["closures"]:
        keys.pop("closures")
    node = _middle(model)[1]
    place = {"x_m": round(float(model.streets.node_x_m[node]), 1), "y_m": round(float(model.streets.node_y_m[node]), 1)}
    _given(model, keys, "shelters.places").append({"name": "New shelter", "capacity": FIRST_ROOM, **place})


def _middle(model: Any) -> tuple[str, int]:
    """Return the node, by id and number, that is nearest to the middle of the homes and that cars reach."""
    streets, homes = model.streets, model.households
    x_m, y_m = float(np.mean(homes.home_x_m)), float(np.mean(homes.home_y_m))
    nodes = np.unique(streets.link_downstream[: streets.n_town_links][streets.drivable[: streets.n_town_links]])
    if nodes.size == 0:
        raise ScenarioError("no street of this town is open to cars.")
    away_m = np.hypot(streets.node_x_m[nodes] - x_m, streets.node_y_m[nodes] - y_m)
    node = int(nodes[np.argmin(away_m)])
    return streets.node_id[node], node


class Asker:
    """What is asked in one tab: the plan to fill in, beside what runs."""

    def __init__(self, folder: Path) -> None:
        """folder: that plans are saved to."""
        self._folder = folder
        self.question: Question | None = None

    def ask(self, name: str, session: Any, picked: Sequence[str]) -> None:
        """Fill in a question and choose it as the plan beside; one about roads grows by the street picked.

        name: of `QUESTIONS`. session: the tab. picked: the two ends of the street picked, if any.
        """
        choices = session.choices
        if name not in QUESTIONS or not session.is_ready or session.is_recorded:
            return
        goes_on = name == "other_road" and self.question is not None and self.question.name == name and bool(picked)
        plan = self.question.plan if goes_on and self.question else session.run.actions[0].plan("")
        try:
            keys = asked(name, session.model, plan, picked)
            if goes_on and self.question:
                self.question.plan = keys | {"name": self.question.path.stem}
                self.question.write()
            else:
                self.question = Question(name, keys, self._folder)
            choices.compare_with(str(self.question.path))
        except (ScenarioError, OSError) as error:
            choices.problems = {"question": str(error)}

    def change(self, data: dict, choices: Any) -> None:
        """Change or drop what the page names. data: path and value, or path and drop. choices: of the tab."""
        if self.question is None:
            return
        before = deepcopy(self.question.plan)
        try:
            if data.get("drop"):
                self.question.drop(str(data["path"]))
            else:
                self.question.change(str(data["path"]), data.get("value"))
            self.question.write()
            choices.compare_with(str(self.question.path))
        except (ScenarioError, OSError, LookupError, ValueError) as error:
            self.question.plan = before
            self.question.write()
            choices.problems = {"question": str(error)}

    def told(self, say: Language) -> dict:
        """Return what is asked, as the page shows it; empty: nothing."""
        if self.question is None:
            return {}
        return {"label": say(QUESTIONS[self.question.name]), "items": self.question.items(say)}
