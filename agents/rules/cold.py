"""Cold: what hours outside and days in unheated homes add to the danger of people, and who finds room in warm places.

Danger adds up to a sum of rates over time; somebody comes to harm when it reaches a threshold of their own, -log(u).
"""

import numpy as np

from safepassage.agents.compiled import kernel
from safepassage.agents.ground.arrays import Floats, Ints


@kernel
def outside(
    dose: Floats, cold_h: Floats, person: Ints, charged_s: Floats, since_s: Floats, until_s: float, spared_s: float,
    factor: Floats, summed_rate: Floats, summed_cold_h: Floats, step_s: float,
) -> None:  # fmt: skip
    """Add what people have gone through outside up to a moment. Writes dose, cold_h (both by person) and charged_s.

    person: rows, int64. charged_s: until when each has been counted (s), by person. since_s: when each came outside
    (s), by person; the first spared_s from it harm nobody. factor: by person, of the rate. summed_rate, summed_cold_h:
    the rate and the hours in the cold from the start to the begin of each step of step_s, one entry more at the end.
    until_s: the moment (s).
    """
    last = summed_rate.size - 1
    for i in person:
        from_s = charged_s[i]
        if until_s <= from_s:
            continue
        harmed_from_s = max(from_s, since_s[i] + spared_s)
        for which in range(2):
            begin_s = from_s if which == 0 else harmed_from_s
            total = 0.0
            if until_s > begin_s:
                table = summed_cold_h if which == 0 else summed_rate
                for sign in range(2):
                    at = (until_s if sign == 0 else begin_s) / step_s
                    row = min(int(at), last - 1)
                    value = table[row] + (table[row + 1] - table[row]) * min(at - row, 1.0)
                    total += value if sign == 0 else -value
            if which == 0:
                cold_h[i] += total
            else:
                dose[i] += factor[i] * max(total, 0.0)
        charged_s[i] = until_s


@kernel
def take_places(place: Ints, person: Ints, first: Ints, near: Ints, room: Ints) -> None:
    """Give people, in their order, the nearest place with room. Writes place (by person, -1: none) and room.

    person: rows, int64, in the order in which they are served. near: places in reach of each, nearest first; those of
    person[k] are near[first[k]:first[k + 1]]. room: people whom each place can still take. A place more, or more
    room, never takes anybody's place away: whoever was served is served, whoever comes later finds no less.
    """
    for k in range(person.size):
        place[person[k]] = -1
        for j in range(first[k], first[k + 1]):
            if room[near[j]] > 0:
                room[near[j]] -= 1
                place[person[k]] = near[j]
                break


def cooled_c(indoor_c: Floats, towards_c: Floats | float, hours: float, cooling_h: float) -> Floats:
    """Return indoor temperatures after some hours without heating (degrees), by exponential approach.

    indoor_c: at first. towards_c: what they approach. cooling_h: time in which the difference falls to 1/e (h).
    """
    return towards_c + (indoor_c - towards_c) * np.exp(-hours / cooling_h)


def lacking_degree_h(
    indoor_c: Floats, towards_c: Floats | float, hours: float, cooling_h: float, needed_c: float
) -> Floats:
    """Return the degree-hours below a needed temperature in that time: the integral of what is lacking.

    indoor_c, towards_c, hours, cooling_h: as of `cooled_c`. needed_c: what homes need (degrees).
    """
    indoor_c, towards_c = np.broadcast_arrays(np.asarray(indoor_c, float), np.asarray(towards_c, float))
    end_c = cooled_c(indoor_c, towards_c, hours, cooling_h)
    gap = indoor_c - towards_c

    def whole(from_h: Floats | float, until_h: Floats | float) -> Floats:
        """Return the integral of needed_c less indoors from one hour to another."""
        faded = cooling_h * (np.exp(-np.asarray(from_h) / cooling_h) - np.exp(-np.asarray(until_h) / cooling_h))
        return (needed_c - towards_c) * (np.asarray(until_h) - from_h) - gap * faded

    with np.errstate(divide="ignore", invalid="ignore"):
        crosses_h = -cooling_h * np.log((needed_c - towards_c) / gap)
    crosses_h = np.clip(np.nan_to_num(crosses_h, nan=0.0, posinf=hours, neginf=0.0), 0.0, hours)
    starts, ends = indoor_c < needed_c, end_c < needed_c
    found = np.where(starts & ends, whole(0.0, hours), 0.0)
    found = np.where(~starts & ends, whole(crosses_h, hours), found)
    found = np.where(starts & ~ends, whole(0.0, crosses_h), found)
    return np.maximum(found, 0.0)
