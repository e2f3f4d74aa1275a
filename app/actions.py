"""What the planner does while the model runs, and the plan file that makes a run do the same again.

Orders, buses and work on rubble count from the moment at which they are asked for. A closure holds from the end of the
step that follows, as it would if the scenario had named that moment: so `safepassage run --plan` gives the same tables,
bit for bit.
"""

import shlex
from copy import copy, deepcopy
from pathlib import Path

import shapely
import yaml
from pydantic import ValidationError

from safepassage.app.told.log import order_told
from safepassage.app.told.saying import Told
from safepassage.model.settings.authorities import Closures
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.behaviour import Order
from safepassage.model.settings.damage import ClearingOrder
from safepassage.model.settings.files.texts import file_stem
from safepassage.model.settings.scenario import LEVERS, load, shipped
from safepassage.model.settings.services import Place, Reinforcement

NAME_CHARACTERS = 80
"""Characters of a plan's name that its file name keeps; file systems refuse names longer than 255."""
MOST_ACTS = 1000
MOST_VEHICLES = 2000
MOST_CREWS = 200
"""Limits on what one page can ask for: actions, vehicles added in all, crews called in at once. Assumptions: more than
a town has, and as much as a page can show."""
DONE = {
    "street": ("open street {name}", "close street {name}"),
    "exit": ("open exit {name}", "close exit {name}"),
    "shelter": ("open shelter {name}", "close shelter {name}"),
}
OF_ZONE = {
    "streets": ("open streets of zone {name}", "close streets of zone {name}"),
    "exits": ("open exits of zone {name}", "close exits of zone {name}"),
}
"""Words of opening and closing."""
KINDS = {"street": "streets", "exit": "exits", "shelter": "shelters"}


class Actions:
    """Acts on one model and keeps what was done as keys of a plan."""

    def __init__(self, model):
        self.model = model
        self.orders = deepcopy(list(model.settings.source.keys.get("orders") or []))
        given = model.settings.source.keys.get("closures") or {}
        self.closures = {kind: deepcopy(list(given.get(kind) or [])) for kind in Closures.model_fields}
        self.clearing = deepcopy(_at(model.settings.source.keys, "damage.crews.orders") or [])
        self.buses = deepcopy(_at(model.settings.source.keys, "services.reinforcements") or [])
        self.log: list[str] = []
        self._last = Told("")

    def over(self, model) -> "Actions":
        """Return what was done so far as done in another model, which has it in its state."""
        same = copy(self)
        same.model = model
        for name in ("orders", "closures", "clearing", "buses", "log"):
            setattr(same, name, deepcopy(getattr(self, name)))
        return same

    def do(self, data: dict) -> Told:
        """Do what the page asks for and return it in words; raises ScenarioError if it cannot be done."""
        if self.model.time_s >= self.model.duration_s:
            raise ScenarioError(
                "the run is over, so this would have no effect. Press Reset and act before the run ends."
            )
        if len(self.log) >= MOST_ACTS:
            raise ScenarioError(
                f"{MOST_ACTS:,} actions were taken in this run, and that is the most it accepts. Press Reset."
            )
        if data.get("kind") == "order":
            self.order(data)
        elif data.get("kind") in KINDS:
            self.close(data)
        elif data.get("kind") == "zone":
            self.close_zone(data)
        elif data.get("kind") == "clear":
            self.clear(data)
        elif data.get("kind") == "buses":
            self.add_buses(data)
        else:
            raise ScenarioError(f"there is no action {data.get('kind')!r}.")
        return self._last

    def order(self, data: dict):
        """Issue an order now."""
        keys = {"issued_h": self._now_h(), "compliance": float(data.get("compliance", 0.66))}
        keys |= {name: str(data[name]) for name in ("force", "audience") if data.get(name)}
        if data.get("zones"):
            keys["zones"] = [str(zone) for zone in data["zones"]]
        order = _checked(Order, keys, "order")
        if keys in self.orders:
            raise ScenarioError("the same order was issued at this moment. Let time pass before you repeat it.")
        self.model.issue(order)
        self.orders.append(keys)
        ordered, share = order_told(order.force.value, order.zones), f"{order.compliance:.0%}"
        self._keep(Told("{order} ({share} do as told)", {"order": ordered, "share": share}))

    def clear(self, data: dict):
        """Let crews clear a street before all others; with more of them, if asked."""
        keys = {"at_h": self._now_h(), "between": [str(node) for node in data["between"]]}
        if data.get("n_more_crews"):
            keys["n_more_crews"] = int(data["n_more_crews"])
        order = _checked(ClearingOrder, keys, "clearing")
        if order.n_more_crews > MOST_CREWS:
            raise ScenarioError(f"{order.n_more_crews:,} more crews: at most {MOST_CREWS} can be called in at once.")
        if keys in self.clearing:
            raise ScenarioError("crews have already been told, at this moment, to clear this street first.")
        damage = self.model.surroundings.damage
        if damage.crews.n + order.n_more_crews == 0:
            raise ScenarioError("there is no crew to clear it. Call one in with the order.")
        damage.order_clearing(order)
        self.clearing.append(keys)
        text = "clear street {name} first, more crews: {n}" if order.n_more_crews else "clear street {name} first"
        self._keep(Told(text, {"name": self._street_name(keys), "n": order.n_more_crews}))

    def add_buses(self, data: dict):
        """Let vehicles join a fleet now: beyond the exits, as its others, or at a pickup point."""
        keys = {"fleet": str(data.get("fleet", "")), "n_vehicles": data.get("n"), "at_h": self._now_h()}
        if data.get("at"):
            keys["depot"] = self._place_of_stop(str(data["at"]))
        more = _checked(Reinforcement, keys, "buses")
        n_so_far = sum(int(one["n_vehicles"]) for one in self.buses)
        if more.n_vehicles + n_so_far > MOST_VEHICLES:
            left = MOST_VEHICLES - n_so_far
            raise ScenarioError(f"{more.n_vehicles:,} more vehicles: at most {left:,} more can be added on the page.")
        if self.model.services.is_empty:
            raise ScenarioError(
                "this scenario has no buses to add to. Give it a fleet and a pickup point (`services`)."
            )
        self.model.services.expect(more)
        self.buses.append(keys)
        text = "{n} more in {fleet}, from {stop}" if data.get("at") else "{n} more in {fleet}"
        self._keep(Told(text, {"n": more.n_vehicles, "fleet": more.fleet, "stop": str(data.get("at"))}))

    def _place_of_stop(self, name: str) -> dict:
        """Return where a pickup point is, as keys of a scenario."""
        for point in self.model.settings.services.pickup_points:
            if point.name == name:
                return point.model_dump(include=set(Place.model_fields), exclude_none=True)
        raise ScenarioError(f"there is no pickup point {name!r}.")

    def close_zone(self, data: dict):
        """Close or open the streets within a zone, or the exits there, from the end of the next step."""
        name, kind = str(data["name"]), str(data["what"])
        within = in_zone(self.model, name)
        if kind not in within:
            raise ScenarioError(f"the {kind} of a zone cannot be closed, only its streets or its exits.")
        changed, at_h = deepcopy(self.closures), self._next_h()
        for entry in within[kind]:
            is_shut = any(_is_same(given, entry) and _lasts(given, at_h) for given in changed[kind])
            if data["close"] and not is_shut:
                changed[kind].append(self._closing(entry, data, at_h))
            elif is_shut and not data["close"]:
                self._open(changed[kind], entry, at_h)
        if changed == self.closures:
            raise ScenarioError(f"there is nothing more to {'close' if data['close'] else 'open'} in zone {name!r}.")
        self._change(changed)
        to_cars = bool(data["close"] and kind == "streets" and data.get("walkers_pass"))
        text = "close streets of zone {name} to cars" if to_cars else OF_ZONE[kind][int(bool(data["close"]))]
        self._keep(Told(text, {"name": name}))

    def close(self, data: dict):
        """Close or open a street, exit or shelter from the end of the next step."""
        kind = KINDS[data["kind"]]
        entry = {"between": [str(n) for n in data["between"]]} if kind == "streets" else {"name": str(data["name"])}
        changed, at_h = deepcopy(self.closures), self._next_h()
        if data["close"]:
            closing = self._closing(entry, data, at_h)
            if any(_is_same(given, entry) and {**given, **entry} == closing for given in changed[kind]):
                raise ScenarioError("it has already been closed, from the next step on. Press Step or Play.")
            changed[kind].append(closing)
        else:
            self._open(changed[kind], entry, at_h)
        self._change(changed)
        name = self._street_name(entry) if kind == "streets" else entry["name"]
        to_cars = bool(data["close"] and data.get("walkers_pass"))
        text = "close street {name} to cars" if to_cars else DONE[data["kind"]][int(bool(data["close"]))]
        self._keep(Told(text, {"name": name}))

    @staticmethod
    def _closing(entry: dict, data: dict, at_h: float) -> dict:
        passing = {"walkers_pass": True} if data.get("walkers_pass") and "between" in entry else {}
        return {**entry, **passing, "from_h": at_h}

    def _change(self, closures: dict):
        self.model.surroundings.closed.change(Closures.model_validate(closures))
        self.closures = closures

    def _open(self, entries: list[dict], entry: dict, at_h: float):
        """End what keeps a thing closed; raises ScenarioError if a street is closed by its name and not by its ends."""
        found = False
        for given in list(entries):
            if _is_same(given, entry) and _lasts(given, at_h):
                found = True
                if given.get("from_h", 0.0) >= at_h:
                    entries.remove(given)
                else:
                    given["until_h"] = at_h
        if not found:
            raise ScenarioError("this street is closed under its name by the plan; change the plan to open it.")

    def _street_name(self, entry: dict) -> str | Told:
        names = self.model.streets.names
        links = names.links_between(entry["between"])
        return names.name_of(int(links[0])) or Told("without a name") if links.size else ""

    def _next_h(self) -> float:
        model = self.model
        return round(min(model.time_s + model.settings.run.step_s, model.duration_s) / 3600.0, 9)

    def _now_h(self) -> float:
        return hours_not_before(self.model.time_s)

    def _keep(self, text: Told):
        self._last = text
        self.log.append(f"{self.model.clock:%d %b %H:%M} {text}")
        changes = {"orders": self.orders}
        changes |= {"damage.crews.orders": self.clearing} if self.clearing else {}
        changes |= {"services.reinforcements": self.buses} if self.buses else {}
        changes |= {f"closures.{kind}": entries for kind, entries in self.closures.items() if entries}
        self.model.settings = self.model.settings.override(changes)

    def plan(self, name: str) -> dict:
        """Return the keys of a plan that does all this: every lever that differs from the scenario file."""
        scenario = self.model.settings
        base = load(scenario.source.path).source.keys
        keys: dict = {
            "name": name,
            "scenario": scenario.name,
            "title": f"Acted on the page in {scenario.name}: {'; '.join(self.log)}",
        }
        for lever in LEVERS:
            now, before = _at(scenario.source.keys, lever), _at(base, lever)
            if now is not None and now != before:
                at = keys
                *parents, last = lever.split(".")
                for part in parents:
                    at = at.setdefault(part, {})
                at[last] = now
        return keys

    def has_levers(self) -> bool:
        """Return whether anything differs from the scenario file, by a plan, a field or what was done."""
        return bool({*self.plan("")} - {"name", "scenario", "title"})

    def save(self, name: str, folder: Path, overrides: dict) -> tuple[Path, str]:
        """Write the plan into a folder, never over another; return its path and the command that runs it again."""
        plain = "".join(c if c.isalnum() and c.isascii() else "_" for c in name.lower()).strip("_")
        clean = file_stem(plain[:NAME_CHARACTERS] or "plan")
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(1, 10_000):
            path = folder / (f"{clean}.yaml" if number == 1 else f"{clean}_{number}.yaml")
            try:
                with open(path, "x", encoding="utf-8") as opened:
                    opened.write(
                        "# Done on the page of `safepassage explore`; run it again with `safepassage run --plan`.\n"
                    )
                    yaml.safe_dump(self.plan(path.stem), opened, sort_keys=False, allow_unicode=True)
                break
            except FileExistsError:
                continue
        source = name_shipped(self.model.settings.source.path)
        others = {key: value for key, value in overrides.items() if not is_lever(key)}
        sets = [part for key, value in others.items() for part in ("--set", f"{key}={value}")]
        return path, shlex.join(["safepassage", "run", str(source), "--plan", str(path), *sets])


def in_zone(model, name: str) -> dict[str, list[dict]]:
    """Return the streets whose middle lies in a zone, and the exits there, as a plan names them."""
    streets, zones = model.streets, model.zones
    if name not in zones.name:
        raise ScenarioError(f"there is no zone {name!r}.")
    zone = zones.name.index(name)
    links = zones.links[zone][zones.links[zone] < streets.n_town_links]
    ends = [(streets.node_id[streets.link_upstream[k]], streets.node_id[streets.link_downstream[k]]) for k in links]
    x_m, y_m = streets.node_x_m[streets.exit_node], streets.node_y_m[streets.exit_node]
    is_in = shapely.intersects_xy(zones.outline[zone], x_m, y_m)
    exits = [{"name": each} for each, here in zip(streets.exit_name, is_in, strict=True) if here]
    once = {frozenset(pair): pair for pair in ends}.values()  # both directions of a street are one
    return {"streets": [{"between": list(pair)} for pair in once], "exits": exits}


def _is_same(given: dict, entry: dict) -> bool:
    if "between" in entry:
        return set(given.get("between", ())) == set(entry["between"])
    return given.get("name") == entry["name"]


def _lasts(given: dict, at_h: float) -> bool:
    return given.get("until_h") is None or given["until_h"] > at_h


def name_shipped(path) -> str:
    """Return the name of a shipped scenario's file, by which a command asks for it; of another file its path."""
    return next((name for name, file in shipped().items() if Path(file) == Path(path)), str(path))


def hours_not_before(time_s: float) -> float:
    """Return hours that, turned into seconds again, are not before a time."""
    hours = round(time_s / 3600.0, 9)
    while hours * 3600.0 < time_s:
        hours = round(hours + 1e-9, 9)
    return hours


def _checked(section: type, keys: dict, what: str):
    """Return the section that keys describe; raises ScenarioError if they describe none."""
    try:
        return section.model_validate(keys)
    except ValidationError as error:
        first = error.errors()[0]
        raise ScenarioError(f"{what}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def is_lever(key: str) -> bool:
    """Return whether a plan may change a key."""
    return any((key + ".").startswith(lever + ".") for lever in LEVERS)


def _at(keys: dict, dotted: str):
    for part in dotted.split("."):
        if not isinstance(keys, dict) or part not in keys:
            return None
        keys = keys[part]
    return keys
