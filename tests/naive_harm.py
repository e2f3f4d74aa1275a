"""Slow, obvious twins of agents/rules/harm.py and agents/ground/nearby.py: every event against every row."""

import math


def points_within(x_m, y_m, event_x_m, event_y_m, reach_m):
    """Return {(event, point): distance_m} of all pairs within reach."""
    found = {}
    for e in range(len(event_x_m)):
        for i in range(len(x_m)):
            distance_m = math.hypot(x_m[i] - event_x_m[e], y_m[i] - event_y_m[e])
            if distance_m <= reach_m[e]:
                found[e, i] = distance_m
    return found


def distance_to_polyline_m(x_m, y_m, xs_m, ys_m):
    """Return the distance from a place to a polyline, segment by segment with the angle at each end."""
    best = math.inf
    for ax, ay, bx, by in zip(xs_m[:-1], ys_m[:-1], xs_m[1:], ys_m[1:], strict=True):
        length = math.hypot(bx - ax, by - ay)
        ends = min(math.hypot(x_m - ax, y_m - ay), math.hypot(x_m - bx, y_m - by))
        if length > 0:
            along = ((x_m - ax) * (bx - ax) + (y_m - ay) * (by - ay)) / length
            if 0 <= along <= length:
                ends = min(ends, abs((bx - ax) * (y_m - ay) - (by - ay) * (x_m - ax)) / length)
        best = min(best, ends)
    return best


def p_casualty(distance_m, size, factor, settings):
    """Return the probability that one event harms one person."""
    d50_m = settings.d50_within_reach_m[size]
    if distance_m > settings.reach_m[size]:
        return 0.0
    p_at_centre = min(1.0, settings.casualty_scale * factor * settings.p_at_centre)
    return p_at_centre / (1 + (distance_m / d50_m) ** settings.steepness)


def injure(events, people_x_m, people_y_m, factor, u, settings):
    """Return (injury, injured_at_s) of each person after all events in order of time.

    events: (time_s, x_m, y_m, size); u[event][person]: the number of each pair. Injuries: 0 none to 3 fatal.
    """
    n = len(people_x_m)
    injury, injured_at_s = [0] * n, [math.inf] * n
    for e, (time_s, x_m, y_m, size) in enumerate(events):
        for i in range(n):
            p = p_casualty(math.hypot(people_x_m[i] - x_m, people_y_m[i] - y_m), size, factor[i], settings)
            harm = 0
            if u[e][i] < p * settings.share_fatal:
                harm = 3
            elif u[e][i] < p * (settings.share_fatal + settings.share_serious):
                harm = 2
            elif u[e][i] < p:
                harm = 1
            if harm > injury[i]:
                injury[i], injured_at_s[i] = harm, time_s
    return injury, injured_at_s
