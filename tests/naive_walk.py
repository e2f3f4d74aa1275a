"""Walkers moved in tiny steps of time, rule after rule: the slow twin of agents/rules/walk.py."""

import math


class NaivePerson:
    def __init__(self, row, node, departure_s, speed_m_s, n_persons, table):
        self.row, self.node, self.departure_s, self.speed_m_s = row, node, departure_s, speed_m_s
        self.n_persons, self.table = n_persons, table
        self.link, self.to_go_m, self.stage, self.since_s = None, 0.0, "due", departure_s
        self.arrived_s = None


def pace(n_persons, area_m2):
    if n_persons == 0:
        return 1.0
    return max(1 - math.exp(-1.913 * (area_m2 / n_persons - 1 / 5.4)), 0.01)


def walk(up, down, street, length_m, width_m, next_link, exit_capacity_per_s, people, step_s, end_s):
    """Move people until end_s; width by street; exit_capacity_per_s by node. Writes people."""
    n_streets = max(street) + 1
    length_of = {s: length_m[link] for link, s in enumerate(street)}
    area = [length_of[s] * width_m[s] for s in range(n_streets)]
    gate_free_s = [0.0] * len(up)
    entry_free_s = [0.0] * n_streets
    exit_free_s = dict.fromkeys(exit_capacity_per_s, 0.0)
    for k in range(int(end_s / step_s)):
        time_s = k * step_s
        on = [[p for p in people if p.link is not None and street[p.link] == s] for s in range(n_streets)]
        n_on = [sum(p.n_persons for p in those) for those in on]
        for person in people:
            if person.stage == "due" and person.departure_s <= time_s:
                person.stage = "wants"
            elif person.stage == "walks":
                person.to_go_m -= person.speed_m_s * pace(n_on[street[person.link]], area[street[person.link]]) * step_s
                if person.to_go_m <= 0:
                    person.stage, person.since_s = "gate", time_s
        for person in sorted((p for p in people if p.stage == "gate"), key=lambda p: (p.since_s, p.row)):
            if gate_free_s[person.link] <= time_s:
                gate_free_s[person.link] = time_s + person.n_persons / (1.225 * width_m[street[person.link]])
                person.node, person.stage, person.since_s = down[person.link], "wants", time_s
        refused = set()
        for person in sorted((p for p in people if p.stage == "wants"), key=lambda p: (p.since_s, p.row)):
            link = next_link[person.table][person.node]
            place = ("exit", person.node) if link == -2 else ("street", street[link])
            if place in refused:
                continue
            s = None if link == -2 else street[link]
            free_s = exit_free_s.get(person.node, 0.0) if link == -2 else entry_free_s[s]
            if free_s > time_s or (s is not None and n_on[s] >= 5.4 * area[s]):
                refused.add(place)
                continue
            if person.link is not None:
                n_on[street[person.link]] -= person.n_persons
                on[street[person.link]].remove(person)
            if link == -2:
                person.link, person.stage, person.arrived_s = None, "arrived", time_s
                if person.node in exit_capacity_per_s:
                    exit_free_s[person.node] = time_s + person.n_persons / exit_capacity_per_s[person.node]
                continue
            person.link, person.to_go_m, person.stage = link, length_m[link], "walks"
            n_on[s] += person.n_persons
            on[s].append(person)
            flow_per_s = 1.225 * width_m[s]
            if n_on[s] > 1.75 * area[s]:
                speeds = sum(p.n_persons * p.speed_m_s for p in on[s])
                flow_per_s = min(flow_per_s, speeds * pace(n_on[s], area[s]) / length_m[link])
            entry_free_s[s] = time_s + person.n_persons / flow_per_s
