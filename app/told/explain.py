"""What is at a place of the map: what it is, what it knows, and why it does what it does."""

import numpy as np

from safepassage.agents.civilians import Injury, Mobility, Protection, Status
from safepassage.agents.ground.nearby import grid_of_links, links_within
from safepassage.agents.households import Cause
from safepassage.agents.parties import Mode
from safepassage.agents.vehicles import Task
from safepassage.app.scenes.scene import LiveScene
from safepassage.model.behaviour.covariates import Covariate
from safepassage.model.clock import local_time
from safepassage.model.results.reasons import staying
from safepassage.model.results.trajectories import whereabouts
from safepassage.model.streets.zones import zone_of


class Explainer:
    """Answers clicks on one scene."""

    def __init__(self, scene: LiveScene, n: int = 0):
        self.scene, self.model, self.n = scene, scene.model, n
        streets = self.model.streets
        self._grid = grid_of_links(streets.geometry_first, streets.geometry_x_m, streets.geometry_y_m, cell_m=100.0)

    def at(self, x: float, y: float, reach: float, *, can_act: bool) -> dict:
        """Return everything at a place, as the page shows it; empty if nothing is near.

        What stands still comes before what moves; all but the first are under `also`. x, y: on the scale of the map in
        the browser, uint16. reach: how far from the place, on the same scale. can_act: whether the planner may act.
        """
        frame = self.scene.frame
        metre = frame.side_m / 65535
        x_m, y_m, reach_m = frame.west_m + x * metre, frame.south_m + y * metre, reach * metre
        return all_of(
            self._exit_at(x_m, y_m, 1.3 * reach_m, can_act),
            self._shelter_at(x_m, y_m, reach_m, can_act),
            self._stop_at(x_m, y_m, reach_m, can_act),
            self._street_at(x_m, y_m, reach_m, can_act),
            self._party_at(x_m, y_m, 0.6 * reach_m),
            self._home_at(x_m, y_m, 1.2 * reach_m),
            self._zone_at(x_m, y_m),
        )

    def _mark(self, x_m, y_m):
        return {"xy": self.scene.frame.scale([x_m], [y_m])[0].tolist()}

    def _clock(self, time_s: float) -> str:
        if not np.isfinite(time_s):
            return "not planned"
        settings = self.model.settings
        return f"{local_time(settings.run.start, time_s, settings.shelling.time_zone):%a %d %b, %H:%M}"

    def _exit_at(self, x_m, y_m, reach_m, can_act):
        streets, model = self.model.streets, self.model
        ex_m, ey_m = streets.node_x_m[streets.exit_node], streets.node_y_m[streets.exit_node]
        row = nearest(ex_m, ey_m, x_m, y_m, reach_m)
        if row is None:
            return None
        route, closed = model.routes[row], bool(model.surroundings.closed.exits[row])
        lost = not any(model.movement.ways.of[mode].exit_open[row] for mode in (Mode.CAR, Mode.WALK))
        lines = [
            ["out so far", f"{route.n_persons:,} people"],
            ["of them on foot", f"{route.n_walkers:,}"],
            ["cars out", f"{route.n_cars:,}"],
            ["carries at most", f"{3600 * route.flow_capacity_per_s:,.0f} cars/h"],
            ["on its last kilometre", f"{self.scene.cars_at_exits()[row]:,} cars"],
            ["state", "closed on purpose" if closed else "lost to the front" if lost else "open"],
        ]
        label = "Open this exit again" if closed else "Close this exit"
        acts = [{"label": label, "kind": "exit", "name": route.name, "close": not closed}] if can_act else []
        return {
            "title": f"Exit: {route.name}",
            "lines": lines,
            "actions": acts,
            "mark": self._mark(ex_m[row], ey_m[row]),
        }

    def _shelter_at(self, x_m, y_m, reach_m, can_act):
        shelters = self.model.surroundings.shelters
        row = nearest(shelters.x_m, shelters.y_m, x_m, y_m, reach_m)
        if row is None:
            return None
        closed, name = bool(self.model.surroundings.closed.shelters[row]), shelters.name[row]
        state = "open" if shelters.is_open[row] else "closed on purpose" if closed else "destroyed"
        lines = [["inside", f"{shelters.n_inside[row]:,} of {shelters.capacity[row]:,}"], ["state", state]]
        label = "Open this shelter again" if closed else "Close this shelter"
        acts = [{"label": label, "kind": "shelter", "name": name, "close": not closed}]
        acts = acts if can_act and state != "destroyed" else []
        mark = self._mark(shelters.x_m[row], shelters.y_m[row])
        return {"title": f"Shelter: {name}", "lines": lines, "actions": acts, "mark": mark}

    def _stop_at(self, x_m, y_m, reach_m, can_act):
        services = self.model.services
        stops = services.stops[: services.n_fixed]
        row = nearest([s.x_m for s in stops], [s.y_m for s in stops], x_m, y_m, reach_m)
        if row is None:
            return None
        stop, is_point = stops[row], row < services.n_points
        coming = [v for v in services.vehicles if v.task == Task.TO_STOP and v.target == row]
        here = [v for v in services.vehicles if v.task == Task.BOARDING and v.target == row and not v.is_at_home]
        lines = [
            ["waiting now", persons(stop.n_waiting)],
            ["boarded so far", persons(stop.n_boarded)],
            ["they wait", "indoors" if stop.protection == Protection.INNER_ROOM else "outdoors"],
            ["state", "open" if stop.is_open(self.model.time_s) else "closed at this hour"],
        ]
        if is_point:
            lines += [["boarding here", f"{len(here)} vehicles"], ["on their way here", f"{len(coming)} vehicles"]]
        fleets = [fleet.settings.name for fleet in services.fleets if not fleet.by_door]
        acts = [
            {"label": f"One more in {name}, from here", "kind": "buses", "fleet": name, "n": 1, "at": stop.name}
            for name in fleets
            if can_act and is_point
        ]
        what = "Pickup point" if is_point else "Station"
        return {
            "title": f"{what}: {stop.name}",
            "lines": lines,
            "actions": acts,
            "mark": self._mark(stop.x_m, stop.y_m),
        }

    def _street_at(self, x_m, y_m, reach_m, can_act):
        _, links, away_m = links_within(self._grid, x_m, y_m, reach_m)
        if links.size == 0:
            return None
        model, streets, movement = self.model, self.model.streets, self.model.movement
        drivers, on_foot = movement.driving.view, movement.walking.view
        street = streets.link_street[links[int(np.argmin(away_m))]]
        both = np.flatnonzero(streets.link_street == street)
        lead = both[0]
        cars = int((drivers.n_entered - drivers.n_left)[both].sum())
        walkers = sum(len(on_foot.occupants(link)) for link in both)
        highway = streets.highway_names[streets.highway[lead]].replace("_", " ")
        drives = streets.drivable[both]
        speed_km_h = 3.6 * float(streets.free_flow_speed_m_s[both].max())
        lines = [
            ["kind", f"{highway}{', bridge' if streets.is_bridge[both].any() else ''}"],
            ["length", f"{streets.length_m[lead]:,.0f} m"],
            ["lanes", f"{streets.n_lanes[both].sum():g}{', one way' if drives.sum() == 1 else ''}"],
            ["free flow", f"{speed_km_h:.0f} km/h" if drives.any() else "on foot only"],
            ["now on it", f"{cars:,} cars, {walkers:,} parties on foot"],
            ["passed so far", f"{drivers.n_left[both].sum():,} cars, {on_foot.n_left[both].sum():,} on foot"],
            ["lost to queues", f"{drivers.delay_s[both].sum() / 3600:,.1f} vehicle-hours"],
            ["cars", self._way(both, movement.car_open[both].any(), drives.any(), "cars")],
            ["on foot", self._way(both, movement.walk_open[both].any(), streets.walkable[both].any(), "walkers")],
        ]
        rubble_m = model.surroundings.damage.crews.left_m(int(model.surroundings.damage.street[lead]))
        if rubble_m > 0:
            lines.append(["rubble", self._rubble(lead, rubble_m)])
        closed = bool(model.surroundings.closed.cars[both].any())
        ends = [streets.node_id[streets.link_upstream[lead]], streets.node_id[streets.link_downstream[lead]]]
        acts = self._clearing(lead, ends) if can_act and rubble_m > 0 else []
        if can_act:
            label = "Open this street again" if closed else "Close this street"
            acts.append({"label": label, "kind": "street", "between": ends, "close": not closed})
            if not closed:
                acts.append(
                    {
                        "label": "Close it to cars only",
                        "kind": "street",
                        "between": ends,
                        "close": True,
                        "walkers_pass": True,
                    }
                )
        name = streets.link_name[lead] or "street without a name"
        return {"title": name, "lines": lines, "actions": acts, "mark": {"street": int(street)}}

    def _rubble(self, link: int, rubble_m: float) -> str:
        damage = self.model.surroundings.damage
        crew_h = rubble_m * damage.crews.seconds_per_m / 3600.0
        ends_s = damage.crews.ends_s(int(damage.street[link]))
        if np.isfinite(ends_s):
            return f"{rubble_m:.0f} m left; a crew is there, until {self._clock(ends_s)}"
        return f"{rubble_m:.0f} m: {crew_h:.1f} h of work for one crew; no crew is there"

    def _clearing(self, link: int, ends: list[str]) -> list[dict]:
        """Return what can be asked of crews for a street under rubble that none is at."""
        crews, street = self.model.surroundings.damage.crews, int(self.model.surroundings.damage.street[link])
        if np.isfinite(crews.ends_s(street)):
            return []
        work = f"{crews.left_m(street) * crews.seconds_per_m / 3600.0:.1f} h of a crew's work"
        asks = {f"Clear it first ({work})": 0} if crews.n else {}
        asks[f"Call in a crew for it ({work})"] = 1
        return [
            {"label": label, "kind": "clear", "between": ends, "n_more_crews": n_more} for label, n_more in asks.items()
        ]

    def _way(self, both, is_open, ever, who) -> str:
        """Return in words whether cars or walkers get through a street, and if not, why not and until when."""
        if not ever:
            return "never"
        surroundings = self.model.surroundings
        damage = surroundings.damage
        by_cars = who == "cars"
        width_m = (damage.residual_width_m if by_cars else damage.residual_walk_width_m)[both].min()
        if is_open:
            factor = (damage.capacity_factor if by_cars else damage.walk_capacity_factor)[both].min()
            return f"open, {width_m:.1f} m wide: {factor:.0%} of its flow left" if factor < 1 else "open"
        if getattr(surroundings.closed, who)[both].any():
            return "closed on purpose"
        if (damage.is_open_car if by_cars else damage.is_open_walk)[both].any():
            return "closed: too near to the front"
        is_bridge_lost = damage.bridge_lost[damage.street[both[0]]]
        why = "the bridge is lost" if is_bridge_lost else f"damage leaves {width_m:.1f} m of its width"
        opens_s = float(damage.opens_at_s(both[:1])[0])
        return f"closed: {why}" + (f"; clear at {self._clock(opens_s)}" if np.isfinite(opens_s) else "")

    def _party_at(self, x_m, y_m, reach_m):
        party, px_m, py_m, mode = whereabouts(self.model)
        row = nearest(px_m, py_m, x_m, y_m, reach_m)
        if row is None:
            return None
        if mode[row] == Mode.BUS:
            vehicle = self.model.services.vehicles[party[row] - len(self.model.households)]
            task = vehicle.task.name.lower().replace("_", " ")
            lines = [
                ["fleet", vehicle.fleet],
                ["does", task],
                ["seats taken", f"{vehicle.seats.n_taken} of {vehicle.seats.n}"],
            ]
            return {"title": vehicle.name, "lines": lines, "actions": [], "mark": self._mark(px_m[row], py_m[row])}
        how = Mode(int(mode[row])).words
        household = int(party[row])
        members = persons(self.model.households.n_members[household])
        answer = self._household(household, f"Household {household}, {how}: {members}")
        link = self.model.movement.link_of(party[row : row + 1])[0]
        street = "at a junction" if link < 0 else self.model.streets.link_name[link] or "a street without a name"
        answer["lines"].insert(0, ["where", street])
        return {**answer, "mark": self._mark(px_m[row], py_m[row])}

    def _home_at(self, x_m, y_m, reach_m):
        households = self.model.households
        row = nearest(households.home_x_m, households.home_y_m, x_m, y_m, reach_m)
        if row is None:
            return None
        return self.household(row)

    def household(self, row: int) -> dict:
        """Return what is known of a household, with its home as the mark."""
        households = self.model.households
        answer = self._household(row, f"Household {row}: home of {persons(households.n_members[row])}")
        return {**answer, "mark": self._mark(households.home_x_m[row], households.home_y_m[row])}

    def _zone_at(self, x_m, y_m):
        model, people = self.model, self.model.people
        zone = int(zone_of(np.array([x_m]), np.array([y_m]), list(model.zones.outline))[0])
        if zone < 0:
            return None
        home = people.household
        mine = model.households.zone[home] == zone
        lines = [
            ["residents", persons(int(mine.sum()))],
            ["have set out", persons(int((mine & (model.parties.mode != Mode.NONE)[home]).sum()))],
            [Status.SAFE.words, persons(int((mine & (people.status == Status.SAFE)).sum()))],
            ["hurt so far", persons(int((mine & (people.injury != Injury.NONE)).sum()))],
        ]
        return {"title": f"Zone: {model.zones.name[zone]}", "lines": lines, "actions": []}

    def _household(self, row: int, title: str) -> dict:
        model, households, people = self.model, self.model.households, self.model.people
        members = range(int(households.first_person[row]), int(households.first_person[row + 1]))
        lines = [["zone", model.zones.name[households.zone[row]]], ["car", "yes" if households.has_car[row] else "no"]]
        for i in members:
            parts = [f"{people.age[i]} years"]
            if people.mobility[i] != Mobility.UNIMPAIRED:
                parts.append(Mobility(people.mobility[i]).words)
            parts.append(Status(people.status[i]).words)
            if people.injury[i] != Injury.NONE and people.status[i] != Status.DEAD:
                parts.append(Injury(people.injury[i]).words)
            lines.append(["woman" if people.is_female[i] else "man", ", ".join(parts)])
        if np.isfinite(households.decision_time_s[row]):
            lines.append(["decided", self._clock(households.decision_time_s[row])])
            lines.append(["sets out", self._clock(households.departure_time_s[row])])
        if np.isfinite(model.parties.arrival_time_s[row]):
            lines.append(["safe since", self._clock(model.parties.arrival_time_s[row])])
        return {"title": title, "text": self._why(row, members), "lines": lines + self._knows(row), "actions": []}

    def _why(self, row: int, members: range) -> str:
        model, households = self.model, self.model.households
        status = {Status(s) for s in model.people.status[members.start : members.stop]}
        cause = Cause(households.cause[row])
        text = f"This household leaves because of {cause.words}."
        if cause == Cause.NONE:
            why = next(words for words, rows in staying(model).items() if rows[row])
            text = f"This household has not decided to leave ({why})."
        if Status.WAITING in status:
            if households.has_car[row] and not model.parties.left_car[row]:
                return text + " No road that it knows of is open to its car: it waits for news of one."
            why = (
                "the way is too far to walk" if model.households.can_walk[row] else "one of its members cannot walk far"
            )
            return text + f" It has no car, and {why}: it waits for a seat."
        if Status.STRANDED in status:
            return text + " It knows no way out: the streets or exits that it knows of are closed."
        if cause == Cause.NONE and households.stays_behind[row]:
            return "This household keeps the home until the rest of the family has left."
        if cause == Cause.NONE:
            chance = -np.expm1(-model.households.leaving_rate_per_day[row])
            return f"{text} With what it knows now, it would decide to within a day with a chance of {chance:.1%}."
        return text

    def _knows(self, row: int) -> list[list[str]]:
        weights = self.model.decision.coefficients
        values = self.model.information.covariates[:, row]
        rate = self.model.households.leaving_rate_per_day[row]
        lines = [["would decide within a day", f"{-np.expm1(-rate):.2%}"]]
        lines.append(["readiness, relative to the pre-war mean", f"{self.model.households.readiness[row]:.2f}"])
        threat = self.model.decision.threat
        if threat.is_front:
            distance_km, approach = threat.front(self.model.time_s)
            lines.append(["the front", f"{distance_km:.1f} km away, {approach:.1f} km a week nearer"])
        for covariate in Covariate:
            value = float(values[covariate])
            if value != 0:
                lines.append([covariate.told(value), f"odds times {np.exp(weights[covariate] * value):.2f}"])
        return lines


def all_of(*answers: dict | None) -> dict:
    """Return the first of the answers, the others under `also`; empty if there is none."""
    first, *others = [answer for answer in answers if answer] or [{}]
    return first | {"also": others} if first else {}


def persons(n: int) -> str:
    """Return a number of people in words."""
    return "1 person" if n == 1 else f"{n:,} people"


def nearest(there_x_m, there_y_m, x_m, y_m, reach_m) -> int | None:
    """Return the row of the nearest place within reach, or None.

    there_x_m, there_y_m: the places (m). x_m, y_m: the place asked about (m). reach_m: how far from it (m).
    """
    if len(there_x_m) == 0:
        return None
    away_m = np.hypot(np.asarray(there_x_m) - x_m, np.asarray(there_y_m) - y_m)
    row = int(np.argmin(away_m))
    return row if away_m[row] <= reach_m else None
