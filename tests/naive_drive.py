"""The slow, obvious twin of agents/rules/drive.py: plain lists, one global list of what could happen next, no calendar.

At every moment it looks at every arm and every supply anew, finds the earliest thing that can happen and does it.
"""

import math

INF = math.inf


class NaiveDriving:
    """Same rules as Driving for cars and buses on next-link tables; links are dicts of lists."""

    def __init__(self, upstream, downstream, length_m, speed_m_s, jam_density_per_m, wave_m_s, capacity_per_s, n_nodes):
        self.links = []
        self.n = len(upstream)
        for i in range(self.n):
            u, k, w = speed_m_s[i], jam_density_per_m, wave_m_s
            most = u * w * k / (u + w)
            out = min(most, capacity_per_s[i])
            self.links.append(
                {
                    "end": int(downstream[i]),
                    "free_s": length_m[i] / u,
                    "wave_s": length_m[i] / w,
                    "in_s": 1 / most,
                    "length_m": length_m[i],
                    "speed_m_s": u,
                    "gap_s": lambda v, k=k, w=w: 1 / (w * k) + 1 / (v * k),  # 1 / q behind a vehicle of speed v
                    "slow_m_s": INF,  # of the slow vehicle that the last to leave was or followed
                    "out_s": 1 / out,
                    "storage": max(1, math.ceil(k * length_m[i] - 1e-6)),
                    "on": [],  # (vehicle, entry, ready), first in front
                    "freeing": [],  # (time, size)
                    "next_exit": 0.0,
                    "next_entry": 0.0,
                    "clock": 0.0,
                    "look_again": None,  # when too little room was found
                }
            )
        self.arms = [{"weight": 1 / link["out_s"]} for link in self.links]
        self.arms += [{"weight": 1 / link["out_s"]} for link in self.links]
        self.crossed_by = [[] for _ in range(self.n)]  # (link, stage) of those that cross each
        self.share = [1.0] * self.n
        for arm in self.arms:
            arm.update(waits_for=None, since=0.0, tag=0.0, tag_of=None)
        self.queues = [[] for _ in range(self.n)]
        self.size, self.table, self.origin, self.speed_m_s = {}, {}, {}, {}
        self.departures, self.next_link = [], None
        self.crossings, self.arrivals = [], []
        self.now = 0.0

    def add(self, vehicle, origin, departure_s, table=0, size=1, speed_m_s=INF):
        self.size[vehicle], self.table[vehicle], self.origin[vehicle] = size, table, origin
        self.speed_m_s[vehicle] = speed_m_s
        self.departures.append((departure_s, vehicle))
        self.departures.sort()

    def first(self, arm):
        """Return (vehicle, when it can go on) of the first in an arm."""
        if arm >= self.n:
            return (self.queues[arm - self.n][0], 0.0) if self.queues[arm - self.n] else (None, INF)
        link = self.links[arm]
        if not link["on"]:
            return None, INF
        vehicle, _, ready = link["on"][0]
        return vehicle, max(ready, link["next_exit"])

    def target(self, arm, vehicle):
        return arm - self.n if arm >= self.n else int(self.next_link[self.table[vehicle]][self.links[arm]["end"]])

    def opens(self, m, size, now):
        link = self.links[m]
        pending = sorted(f for f in link["freeing"] if f[0] > now)
        used = sum(self.size[v] for v, _, _ in link["on"]) + sum(s for _, s in pending)
        time = max(now, link["next_entry"])
        for freed_at, freed in pending:
            if used + size <= link["storage"] or used == 0:
                break
            time, used = max(time, freed_at), used - freed
        return time if used + size <= link["storage"] or used == 0 else INF

    def waiting(self, m):
        return [a for a, arm in enumerate(self.arms) if arm["waits_for"] == m]

    def step(self, until):
        """Do the earliest thing that can happen before until; return whether there was one."""
        options = []
        if self.departures:
            options.append((max(self.departures[0][0], self.now), -1, "depart"))
        for a, arm in enumerate(self.arms):
            if arm["waits_for"] is None and a < self.n:
                ready = self.first(a)[1]
                options.append((max(ready, self.now), a, "ask"))
        for m in range(self.n):
            if self.waiting(m):
                again = self.links[m]["look_again"]
                options.append((self.opens(m, 1, self.now) if again is None else again, 2 * self.n + m, "serve"))
        if not options or min(options)[0] >= until:
            return False
        time, index, what = min(options)
        self.now = time
        if what == "depart":
            vehicle = self.departures.pop(0)[1]
            m = int(self.next_link[self.table[vehicle]][self.origin[vehicle]])
            self.queues[m].append(vehicle)
            if len(self.queues[m]) == 1:
                self.ask(self.n + m)
        elif what == "ask":
            self.ask(index)
        else:
            self.serve(index - 2 * self.n)
        return True

    def ask(self, a):
        vehicle, _ = self.first(a)
        m = self.target(a, vehicle)
        if m < 0:
            self.move(a, None)
        elif not self.waiting(m) and self.opens(m, self.size[vehicle], self.now) == self.now:
            self.move(a, m)
        else:
            self.join(a, m)

    def join(self, a, m):
        arm = self.arms[a]
        clock = self.links[m]["clock"]
        arm["tag"] = max(arm["tag"], clock) if arm["tag_of"] == m else clock
        arm.update(tag_of=m, waits_for=m, since=self.now)
        self.look_anew(m)

    def look_anew(self, m):
        """If too little room was found and none was to come, look again: somebody came to wait, or left."""
        if self.links[m]["look_again"] == INF:
            self.links[m]["look_again"] = self.opens(m, 1, self.now)

    def serve(self, m):
        a = min(self.waiting(m), key=lambda a: (self.arms[a]["tag"], self.arms[a]["since"], a))
        size = self.size[self.first(a)[0]]
        if self.opens(m, size, self.now) > self.now:
            self.links[m]["look_again"] = min((t for t, _ in self.links[m]["freeing"] if t > self.now), default=INF)
            return
        self.links[m]["look_again"] = None
        self.links[m]["clock"] = self.arms[a]["tag"]
        self.arms[a]["tag"] += size / self.arms[a]["weight"]
        self.arms[a]["waits_for"] = None
        self.move(a, m)

    def move(self, a, m):
        if a < self.n:
            link = self.links[a]
            vehicle, entry, ready = link["on"].pop(0)
            self.crossings.append((vehicle, a, entry, self.now))
            follows = ready < self.now == link["next_exit"]
            slow_m_s = link["slow_m_s"] if follows else INF
            if (ready == self.now or slow_m_s < INF) and self.speed_m_s[vehicle] < min(link["speed_m_s"], slow_m_s):
                slow_m_s = self.speed_m_s[vehicle]
            link["slow_m_s"] = slow_m_s
            headway_s = link["out_s"] if slow_m_s == INF else max(link["out_s"], link["gap_s"](slow_m_s))
            link["next_exit"] = self.now + self.size[vehicle] * headway_s / self.green(a)
            link["has_run"] = True
            link["freeing"].append((self.now + link["wave_s"], self.size[vehicle]))
            self.look_anew(a)
        else:
            vehicle = self.queues[a - self.n].pop(0)
        if m is None:
            self.arrivals.append((vehicle, self.now))
        else:
            link = self.links[m]
            link["next_entry"] = self.now + self.size[vehicle] * link["in_s"]
            own_s = link["length_m"] / self.speed_m_s[vehicle]
            link["on"].append((vehicle, self.now, self.now + max(link["free_s"], own_s)))
        if a >= self.n and self.queues[a - self.n]:
            self.join(a, a - self.n)

    def green(self, a):
        """Return the share of the junction's time for an arm, given the stages that run now."""
        runs = {}
        for other, stage in self.crossed_by[a]:
            if self.links[other].get("has_run") and self.links[other]["next_exit"] >= self.now:
                runs.setdefault(stage, self.share[other])
        return self.share[a] / max(1.0, self.share[a] + sum(runs.values())) if runs else 1.0

    def advance(self, until):
        while self.step(until):
            pass
        self.now = until
