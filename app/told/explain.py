"""What is at a place of the map: what it is, what it knows, and why it does what it does."""

import numpy as np

from safepassage.agents.civilians import Injury, Protection, Status
from safepassage.agents.ground.nearby import grid_of_links, links_within
from safepassage.agents.parties import Mode
from safepassage.agents.vehicles import Task
from safepassage.app.actions import in_zone
from safepassage.app.scenes.scene import LiveScene
from safepassage.app.told.households import tell_household
from safepassage.app.told.saying import persons
from safepassage.app.told.trails import Trails
from safepassage.experiments.reports.answer.language import ENGLISH, Language
from safepassage.model.clock import local_time
from safepassage.model.results.trajectories import whereabouts
from safepassage.model.streets.zones import zone_of


class Explainer:
    """Answers clicks on one scene."""

    def __init__(self, scene: LiveScene, say: Language = ENGLISH):
        """say: the language of the answers; may be changed at any time."""
        self.scene, self.model, self.say = scene, scene.model, say
        self.trails = Trails(scene.model, scene.frame)
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
            self._zone_at(x_m, y_m, can_act),
        )

    def _mark(self, x_m, y_m):
        return {"xy": self.scene.frame.scale([x_m], [y_m])[0].tolist()}

    def clock(self, time_s: float) -> str:
        """Return a moment in words."""
        if not np.isfinite(time_s):
            return self.say("not planned")
        settings = self.model.settings
        return self.say.moment_of_week(local_time(settings.run.start, time_s, settings.shelling.time_zone))

    def _exit_at(self, x_m, y_m, reach_m, can_act):
        streets, model = self.model.streets, self.model
        ex_m, ey_m = streets.node_x_m[streets.exit_node], streets.node_y_m[streets.exit_node]
        row = nearest(ex_m, ey_m, x_m, y_m, reach_m)
        if row is None:
            return None
        route, closed = model.routes[row], bool(model.surroundings.closed.exits[row])
        say = self.say
        lost = not any(model.movement.ways.of[mode].exit_open[row] for mode in (Mode.CAR, Mode.WALK))
        lines = [
            [say("out so far"), persons(route.n_persons, say)],
            [say("of them on foot"), say.number(route.n_walkers, 0)],
            [say("cars out"), say.number(route.n_cars, 0)],
            [say("carries at most"), say("{n} cars/h", n=say.number(3600 * route.flow_capacity_per_s, 0))],
            [say("on its last kilometre"), say("{n} cars", n=say.number(self.scene.cars_at_exits()[row], 0))],
            [say("state"), say("closed on purpose") if closed else say("lost to the front") if lost else say("open")],
        ]
        label = say("Open this exit again") if closed else say("Close this exit")
        acts = [{"label": label, "kind": "exit", "name": route.name, "close": not closed}] if can_act else []
        return {
            "title": say("Exit: {name}", name=route.name),
            "lines": lines,
            "actions": acts,
            "mark": self._mark(ex_m[row], ey_m[row]),
        }

    def _shelter_at(self, x_m, y_m, reach_m, can_act):
        shelters = self.model.surroundings.shelters
        row = nearest(shelters.x_m, shelters.y_m, x_m, y_m, reach_m)
        if row is None:
            return None
        say, closed, name = self.say, bool(self.model.surroundings.closed.shelters[row]), shelters.name[row]
        is_lost = not shelters.is_open[row] and not closed
        state = say("destroyed") if is_lost else say("closed on purpose") if closed else say("open")
        inside, room = (say.number(values[row], 0) for values in (shelters.n_inside, shelters.capacity))
        lines = [[say("inside"), say("{n} of {capacity}", n=inside, capacity=room)], [say("state"), state]]
        label = say("Open this shelter again") if closed else say("Close this shelter")
        acts = [{"label": label, "kind": "shelter", "name": name, "close": not closed}]
        acts = acts if can_act and not is_lost else []
        mark = self._mark(shelters.x_m[row], shelters.y_m[row])
        return {"title": say("Shelter: {name}", name=name), "lines": lines, "actions": acts, "mark": mark}

    def _stop_at(self, x_m, y_m, reach_m, can_act):
        services = self.model.services
        stops = services.stops[: services.n_fixed]
        row = nearest([s.x_m for s in stops], [s.y_m for s in stops], x_m, y_m, reach_m)
        if row is None:
            return None
        stop, is_point = stops[row], row < services.n_points
        coming = [v for v in services.vehicles if v.task == Task.TO_STOP and v.target == row]
        here = [v for v in services.vehicles if v.task == Task.BOARDING and v.target == row and not v.is_at_home]
        say = self.say
        lines = [
            [say("waiting now"), persons(stop.n_waiting, say)],
            [say("boarded so far"), persons(stop.n_boarded, say)],
            [say("they wait"), say("indoors") if stop.protection == Protection.INNER_ROOM else say("outdoors")],
            [say("state"), say("open") if stop.is_open(self.model.time_s) else say("closed at this hour")],
        ]
        if is_point:
            lines.append([say("boarding here"), say("{n} vehicles", n=len(here))])
            lines.append([say("on their way here"), say("{n} vehicles", n=len(coming))])
        fleets = [fleet.settings.name for fleet in services.fleets if not fleet.by_door]
        acts = [
            {
                "label": say("One more in {fleet}, from here", fleet=name),
                "kind": "buses",
                "fleet": name,
                "n": 1,
                "at": stop.name,
            }
            for name in fleets
            if can_act and is_point
        ]
        title = say("Pickup point: {name}", name=stop.name) if is_point else say("Station: {name}", name=stop.name)
        return {
            "title": title,
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
        say, highway = self.say, self.say(streets.highway_names[streets.highway[lead]].replace("_", " "))
        number = say.number
        drives = streets.drivable[both]
        there = {"cars": number(cars, 0), "walkers": number(walkers, 0)}
        passed = {"cars": number(drivers.n_left[both].sum(), 0), "walkers": number(on_foot.n_left[both].sum(), 0)}
        lanes = say.exact(streets.n_lanes[both].sum())
        speed_km_h = 3.6 * float(streets.free_flow_speed_m_s[both].max())
        lines = [
            [say("kind"), say("{kind}, bridge", kind=highway) if streets.is_bridge[both].any() else highway],
            [say("length"), say("{length} m", length=number(streets.length_m[lead], 0))],
            [say("lanes"), say("{n}, one way", n=lanes) if drives.sum() == 1 else lanes],
            [say("free flow"), say("{n} km/h", n=number(speed_km_h, 0)) if drives.any() else say("on foot only")],
            [say("now on it"), say("{cars} cars, {walkers} parties on foot", **there)],
            [say("passed so far"), say("{cars} cars, {walkers} on foot", **passed)],
            [say("lost to queues"), say("{n} vehicle-hours", n=number(drivers.delay_s[both].sum() / 3600, 1))],
            [say("cars"), self._way(both, movement.car_open[both].any(), drives.any(), "cars")],
            [say("on foot"), self._way(both, movement.walk_open[both].any(), streets.walkable[both].any(), "walkers")],
        ]
        rubble_m = model.surroundings.damage.crews.left_m(int(model.surroundings.damage.street[lead]))
        if rubble_m > 0:
            lines.append([say("rubble"), self._rubble(lead, rubble_m)])
        closed = bool(model.surroundings.closed.cars[both].any())
        ends = [streets.node_id[streets.link_upstream[lead]], streets.node_id[streets.link_downstream[lead]]]
        acts = self._clearing(lead, ends) if can_act and rubble_m > 0 else []
        if can_act:
            label = say("Open this street again") if closed else say("Close this street")
            acts.append({"label": label, "kind": "street", "between": ends, "close": not closed})
            if not closed:
                acts.append(
                    {
                        "label": say("Close it to cars only"),
                        "kind": "street",
                        "between": ends,
                        "close": True,
                        "walkers_pass": True,
                    }
                )
        name = streets.link_name[lead] or say("street without a name")
        return {"title": name, "lines": lines, "actions": acts, "mark": {"street": int(street)}}

    def _rubble(self, link: int, rubble_m: float) -> str:
        damage = self.model.surroundings.damage
        crew_h = rubble_m * damage.crews.seconds_per_m / 3600.0
        ends_s = damage.crews.ends_s(int(damage.street[link]))
        if np.isfinite(ends_s):
            until = self.clock(ends_s)
            return self.say("{length} m left; a crew is there, until {moment}", length=f"{rubble_m:.0f}", moment=until)
        hours = self.say.number(crew_h, 1)
        return self.say("{length} m: {n} h of work for one crew; no crew is there", length=f"{rubble_m:.0f}", n=hours)

    def _clearing(self, link: int, ends: list[str]) -> list[dict]:
        """Return what can be asked of crews for a street under rubble that none is at."""
        crews, street = self.model.surroundings.damage.crews, int(self.model.surroundings.damage.street[link])
        if np.isfinite(crews.ends_s(street)):
            return []
        say, work_h = self.say, self.say.number(crews.left_m(street) * crews.seconds_per_m / 3600.0, 1)
        asks = {say("Clear it first ({n} h of a crew's work)", n=work_h): 0} if crews.n else {}
        asks[say("Call in a crew for it ({n} h of a crew's work)", n=work_h)] = 1
        return [
            {"label": label, "kind": "clear", "between": ends, "n_more_crews": n_more} for label, n_more in asks.items()
        ]

    def _way(self, both, is_open, ever, who) -> str:
        """Return in words whether cars or walkers get through a street, and if not, why not and until when."""
        say = self.say
        if not ever:
            return say("never")
        surroundings = self.model.surroundings
        damage = surroundings.damage
        by_cars = who == "cars"
        width_m = (damage.residual_width_m if by_cars else damage.residual_walk_width_m)[both].min()
        if is_open:
            factor = (damage.capacity_factor if by_cars else damage.walk_capacity_factor)[both].min()
            wide = {"width": say.number(width_m, 1), "share": say.share(factor, 0)}
            return say("open, {width} m wide: {share} of its flow left", **wide) if factor < 1 else say("open")
        if getattr(surroundings.closed, who)[both].any():
            return say("closed on purpose")
        if (damage.is_open_car if by_cars else damage.is_open_walk)[both].any():
            return say("closed: too near to the front")
        is_bridge_lost = damage.bridge_lost[damage.street[both[0]]]
        width = say.number(width_m, 1)
        opens_s = float(damage.opens_at_s(both[:1])[0])
        why = (
            say("closed: the bridge is lost")
            if is_bridge_lost
            else say("closed: damage leaves {width} m of its width", width=width)
        )
        return say("{why}; clear at {moment}", why=why, moment=self.clock(opens_s)) if np.isfinite(opens_s) else why

    def _party_at(self, x_m, y_m, reach_m):
        say = self.say
        party, px_m, py_m, mode = whereabouts(self.model)
        row = nearest(px_m, py_m, x_m, y_m, reach_m)
        if row is None:
            return None
        if mode[row] == Mode.BUS:
            vehicle = self.model.services.vehicles[party[row] - len(self.model.households)]
            seats = say("{n} of {capacity}", n=vehicle.seats.n_taken, capacity=vehicle.seats.n)
            lines = [
                [say("fleet"), vehicle.fleet],
                [say("what it does"), say(vehicle.task.words)],
                [say("seats taken"), seats],
            ]
            return {"title": vehicle.name, "lines": lines, "actions": [], "mark": self._mark(px_m[row], py_m[row])}
        return self.party(int(party[row])) | {"mark": self._mark(px_m[row], py_m[row])}

    def party(self, household: int) -> dict:
        """Return what is known of a household that travels or has travelled, with the place where it is as the mark."""
        say, row = self.say, np.array([household])
        how = say(Mode(int(self.model.parties.mode[household])).words)
        members = persons(int(self.model.households.n_members[household]), say)
        title = say("Household {n}, {how}: {people}", n=household, how=how, people=members)
        answer = tell_household(self, household, title) | {"party": household}
        if np.isfinite(self.model.parties.arrival_time_s[household]):
            return answer
        link = self.model.movement.link_of(row)[0]
        name = self.model.streets.link_name[link] if link >= 0 else ""
        street = say("at a junction") if link < 0 else name or say("street without a name")
        answer["lines"].insert(0, [say("where"), street])
        place_m = [float(at_m[0]) for at_m in self.model.movement.place(row)]
        return answer | ({"mark": self._mark(*place_m)} if np.isfinite(place_m).all() else {})

    def _home_at(self, x_m, y_m, reach_m):
        households = self.model.households
        row = nearest(households.home_x_m, households.home_y_m, x_m, y_m, reach_m)
        if row is None:
            return None
        return self.household(row)

    def household(self, row: int) -> dict:
        """Return what is known of a household, with its home as the mark."""
        households = self.model.households
        members = persons(int(households.n_members[row]), self.say)
        answer = tell_household(self, row, self.say("Household {n}: home of {people}", n=row, people=members))
        return {**answer, "mark": self._mark(households.home_x_m[row], households.home_y_m[row])}

    def _zone_at(self, x_m, y_m, can_act):
        model, people = self.model, self.model.people
        zone = int(zone_of(np.array([x_m]), np.array([y_m]), list(model.zones.outline))[0])
        if zone < 0:
            return None
        say, home = self.say, people.household
        mine = model.households.zone[home] == zone
        counted = {
            say("residents"): mine,
            say("have set out"): mine & (model.parties.mode != Mode.NONE)[home],
            say(Status.SAFE.words): mine & (people.status == Status.SAFE),
            say("hurt so far"): mine & (people.injury != Injury.NONE),
        }
        lines = [[what, persons(int(rows.sum()), say)] for what, rows in counted.items()]
        name = model.zones.name[zone]
        within = in_zone(model, name)
        lines.append([say("streets in it"), say.number(len(within["streets"]), 0)])
        if within["exits"]:
            lines.append([say("exits in it"), ", ".join(one["name"] for one in within["exits"])])
        acts = self._closing_of(name, within) if can_act else []
        return {"title": say("Zone: {name}", name=name), "zone": name, "lines": lines, "actions": acts}

    def _closing_of(self, zone: str, within: dict) -> list[dict]:
        """Return what can be closed or opened of a zone: its streets, to all or to cars, and its exits."""
        say, closed = self.say, self.model.surroundings.closed
        acts = []
        if within["streets"]:
            streets = {"kind": "zone", "name": zone, "what": "streets"}
            acts.append({**streets, "label": say("Close its streets to cars"), "close": True, "walkers_pass": True})
            acts.append({**streets, "label": say("Close its streets"), "close": True})
            if closed.cars.any():
                acts.append({**streets, "label": say("Open its streets again"), "close": False})
        if within["exits"]:
            exits = {"kind": "zone", "name": zone, "what": "exits"}
            acts.append({**exits, "label": say("Close its exits"), "close": True})
            if closed.exits.any():
                acts.append({**exits, "label": say("Open its exits again"), "close": False})
        return acts


def all_of(*answers: dict | None) -> dict:
    """Return the first of the answers, the others under `also`; empty if there is none."""
    first, *others = [answer for answer in answers if answer] or [{}]
    return first | {"also": others} if first else {}


def nearest(there_x_m, there_y_m, x_m, y_m, reach_m) -> int | None:
    """Return the row of the nearest place within reach, or None.

    there_x_m, there_y_m: the places (m). x_m, y_m: the place asked about (m). reach_m: how far from it (m).
    """
    if len(there_x_m) == 0:
        return None
    away_m = np.hypot(np.asarray(there_x_m) - x_m, np.asarray(there_y_m) - y_m)
    row = int(np.argmin(away_m))
    return row if away_m[row] <= reach_m else None
