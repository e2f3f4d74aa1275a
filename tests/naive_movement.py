"""The slow, obvious twin of agents/rules/by_minutes.py: each of the two movers is asked for every look."""

import numpy as np

DANGERS = ("strikes", "crossfire")


class SlowTwin:
    """Moves the cars and walkers of a movement from look to look, and tells them of each other by NumPy."""

    def __init__(self, movement):
        self.movement, self.now = movement, movement.shared_streets.now
        self.n_meetings, self.is_coupled = 0, False
        self.is_calm = False
        """Whether the last minute ended without anybody in danger, and with nobody who stands."""
        self.speed_m_s, self.taken_m = self.now.links["free_speed_m_s"].copy(), np.zeros(self.now.streets.size)

    def is_needed(self):
        view = self.movement.driving.view, self.movement.walking.view
        return self.now.links.size > 0 and (all(one.n_under_way for one in view) or self.is_coupled)

    def next_s(self):
        """When the two are told of each other next."""
        return (self.n_meetings + 1) * self.now.meetings["every_s"][0]

    def next_look_s(self):
        movement = self.movement
        next_s = min(self.next_s() if self.is_needed() else np.inf, movement.pace.next_s)
        is_any = movement.driving.view.n_under_way or movement.ways.is_queue_believed
        return min(next_s, movement.queue_news.looks["next_s"].min()) if is_any else next_s

    def tell(self):
        self.n_meetings += 1
        links, streets, meetings = self.now.links, self.now.streets, self.now.meetings[0]
        free_m_s, taken_m = links["free_speed_m_s"], np.zeros(streets.size)
        speed_m_s = free_m_s
        driving, walking = self.movement.driving, self.movement.walking
        if driving.view.n_under_way and walking.view.n_under_way:
            n = walking.view.n_on_street[streets["street"]][links["row"]]
            free = 1.0 - n / links["area_m2"] / meetings["follow_density_per_m2"]
            pace_m_s = np.minimum(meetings["car_speed_m_s"], free_m_s)
            speed_m_s = np.where(n > 0, pace_m_s + (free_m_s - pace_m_s) * np.maximum(free, 0.0), free_m_s)
            each_m = driving.view.n_on_link[links["link"]] * links["car_area_m2"] / links["length_m"]
            taken_m = np.bincount(links["row"], np.minimum(each_m, links["most_taken_m"]), streets.size)
        for k in np.flatnonzero(speed_m_s != self.speed_m_s).tolist():
            driving.set_free_flow_speed([links["link"][k]], speed_m_s[[k]])
        for s in np.flatnonzero(taken_m != self.taken_m).tolist():
            walking.set_street(streets["street"][[s]], taken_width_m=taken_m[[s]])
        self.speed_m_s, self.taken_m = speed_m_s.copy(), taken_m
        self.is_coupled = bool((speed_m_s != free_m_s).any() or taken_m.any())

    def advance(self, until_s):
        """Return (party, time) of who arrived: between one look and the next cars before walkers."""
        movement = self.movement
        if movement.n_moving == 0 and not movement.ways.is_queue_believed and not self.is_needed():
            return movement.advance(until_s).party.tolist()  # nothing is done, so that no pace is set either
        movement.pace.set(movement.time_s)
        self.n_meetings = max(self.n_meetings, int(movement.time_s / self.now.meetings["every_s"][0]))
        movement.queue_news.skip_to(movement.time_s)
        looks_s, cars, walkers = [], [], []
        while (next_s := self.next_look_s()) <= until_s:
            cars += _listed(movement.driving.advance(next_s))
            looks_s.append(next_s)
            movement.time_s = next_s
            if movement.pace.next_s == next_s:
                walkers += _listed(movement.walking.advance(next_s))
                movement.pace.set(next_s)
            if self.next_s() == next_s and self.is_needed():
                walkers += _listed(movement.walking.advance(next_s))
                if self.is_needed():
                    self.tell()
            news = movement.queue_news
            tables = [int(look["table"]) for look in news.looks if look["next_s"] <= next_s]
            news.skip_to(next_s)
            if tables:
                movement.ways.see_queues(tables)
        movement.time_s = until_s
        cars += _listed(movement.driving.advance(until_s))
        walkers += _listed(movement.walking.advance(until_s))
        found = []
        for begin_s, end_s in zip([-np.inf, *looks_s], [*looks_s, np.inf], strict=True):
            found += [one for some in (cars, walkers) for one in some if begin_s <= one[1] < end_s]
        return found

    def go_on_by_minutes(self, until_s):
        """Move all minute by minute to a time, or to the end of the first minute in which something happens."""
        driving, walking = self.movement.driving, self.movement.walking
        while self.movement.time_s < until_s:
            found = self.advance(self.movement.time_s + 60.0)
            driving.suffer()
            walking.suffer()
            doses = (
                mover[name] for mover in (driving._traffic.doses, walking._on_foot.crowd.doses) for name in DANGERS
            )
            stand = (driving.view.standing()[0], walking.view.without_route(), walking.view.at_closed_links()[0])
            self.is_calm = not (any(each.any() for each in doses) or any(each.size for each in stand))
            if found or not self.is_calm:
                return found
        return []


def _listed(arrivals):
    return list(zip(arrivals.id.tolist(), arrivals.time_s.tolist(), strict=True))
