"""Harm: who is injured by an impact, how badly, and when the untreated die. Kernels over arrays.

The risk-distance curve is generic: three abstract size classes and one fitted scalar f, no weapon catalogue.

    p(casualty | event, d, protection) = min(1, f * factor[protection] * p0) / (1 + (d / d50)**k)

and 0 beyond the reach: log-logistic in the distance, with a d50 as much wider than stated that the cut loses no harm
(`Harm.widening`); defaults and their sources are in
`model/settings/harm.py`.

One number u per (event, person) decides everything that one event does to one person:

    FATAL    if u < p * share_fatal
    SERIOUS  if u < p * (share_fatal + share_serious)
    LIGHT    if u < p,  else unhurt

Given a casualty, u / p is uniform, so the shares hold exactly; and since p only multiplies the three bounds,
more protection under the same numbers never injures anybody more severely. Events act one after the other,
each with its own number: two overlapping events leave a person unhurt with probability (1 - p1)(1 - p2).
"""

import numpy as np

from safepassage.agents.civilians import Injury, Protection
from safepassage.agents.compiled import kernel, lean_kernel
from safepassage.agents.ground.arrays import Bools, Floats, Ints

_NONE, _LIGHT, _SERIOUS, _FATAL = (np.int8(i) for i in Injury)
_INNER_ROOM, _BASEMENT = np.int8(Protection.INNER_ROOM), np.int8(Protection.BASEMENT)


@kernel
def risk(distance_m: float, d50_m: float, n_d50_reach: float, steepness: float, p_at_centre: float) -> float:
    """Return the probability that one event injures one person at a distance; see the module's first lines.

    p_at_centre: min(1, f * factor * p0). n_d50_reach: the curve is cut to zero beyond this many d50. distance_m:
    distance from the impact (m). d50_m: distance at which half of the harm at the centre remains (m), by size.
    steepness: exponent of the risk-distance curve.
    """
    if distance_m > n_d50_reach * d50_m:
        return 0.0
    return p_at_centre / (1.0 + (distance_m / d50_m) ** steepness)


@kernel
def severity(u: float, p: float, share_fatal: float, share_serious: float) -> np.int8:
    """Return the injury of a person with the number u who becomes a casualty with probability p (u < p).

    share_fatal: share of casualties who die at once. share_serious: share of casualties who are seriously injured.
    """
    if u >= p:
        return _NONE
    if u < p * share_fatal:
        return _FATAL
    if u < p * (share_fatal + share_serious):
        return _SERIOUS
    return _LIGHT


@kernel
def people_at(
    event: Ints, place: Ints, distance_m: Floats, first_person: Ints, is_present: Bools
) -> tuple[Ints, Ints, Floats]:
    """Return (event, person, distance_m) for the people present at the places found near each event.

    event, place, distance_m: pairs from `nearby.points_within`; a place is a household, or any people in a
    row. first_person: int32[n_places + 1], place h holds the people first_person[h]..first_person[h + 1].
    is_present: bool per person: alive and at that place now.
    """
    n = 0
    for i in range(place.size):
        for person in range(first_person[place[i]], first_person[place[i] + 1]):
            n += is_present[person]
    found_event = np.empty(n, dtype=np.int32)
    found_person = np.empty(n, dtype=np.int32)
    found_distance_m = np.empty(n)
    n = 0
    for i in range(place.size):
        for person in range(first_person[place[i]], first_person[place[i] + 1]):
            if is_present[person]:
                found_event[n] = event[i]
                found_person[n] = person
                found_distance_m[n] = distance_m[i]
                n += 1
    return found_event, found_person, found_distance_m


@kernel
def risks(
    p: Floats,
    event: Ints,
    person: Ints,
    distance_m: Floats,
    event_size: Ints,
    protection: Ints,
    protection_factor: Floats,
    casualty_scale: float,
    p_at_centre: float,
    d50_m: Floats,
    n_d50_reach: float,
    steepness: float,
) -> None:
    """Write the probability that each pair (event, person) is a casualty. Writes p, float64 per pair.

    distance_m: distance from the impact (m). event indexes event_size, int8 of Size. protection: int8 of Protection,
    per person. protection_factor: share of harm that gets through, by Protection. casualty_scale: the fitted factor of
    all harm. p_at_centre: probability of a casualty at the centre, outdoors. d50_m: distance at which half of the harm
    at the centre remains (m), by size. n_d50_reach: reach of the curve in units of d50. steepness: exponent of the
    risk-distance curve.
    """
    for i in range(person.size):
        p_centre = min(1.0, casualty_scale * protection_factor[protection[person[i]]] * p_at_centre)
        p[i] = risk(distance_m[i], d50_m[event_size[event[i]]], n_d50_reach, steepness, p_centre)


@kernel
def injure(
    injury: Ints,
    injured_at_s: Floats,
    outcome: Ints,
    person: Ints,
    u: Floats,
    p: Floats,
    time_s: Floats,
    share_fatal: float,
    share_serious: float,
) -> int:
    """Injure people with given probabilities and return how many got worse. Writes injury, injured_at_s, outcome.

    person, u, p, time_s: one row per exposure to an event, a drone over the road or crossfire, in order of time: who
    is exposed, the number in [0, 1) that belongs to (event, person), the probability of becoming a casualty, and when.
    injury (int8), injured_at_s (float64, when the present injury was received): per person. outcome (int8): per row,
    the injury that this exposure left the person with, NONE if it changed nothing. Injuries do not add up: the worst
    counts. The dead (injury FATAL) are not harmed again. share_fatal: share of casualties who die at once.
    share_serious: share of casualties who are seriously injured.
    """
    n_worse = 0
    for i in range(person.size):
        who = person[i]
        outcome[i] = _NONE
        harm = severity(u[i], p[i], share_fatal, share_serious)
        if harm > injury[who]:
            injury[who] = harm
            injured_at_s[who] = time_s[i]
            outcome[i] = harm
            n_worse += 1
    return n_worse


@kernel
def add_exposures(p_unhurt: Floats, moments: Floats, person: Ints, p: Floats) -> None:
    """Let people be exposed once more to harm with probability p each. Writes p_unhurt, moments.

    p_unhurt: float64 per person, the probability that none of their exposures has hurt them. moments: float64[2], mean
    and variance of the number of people hurt: the sums of 1 - p_unhurt and of p_unhurt * (1 - p_unhurt).
    """
    for i in range(person.size):
        before = p_unhurt[person[i]]
        after = before * (1.0 - p[i])
        p_unhurt[person[i]] = after
        moments[0] += before - after
        moments[1] += after * (1.0 - after) - before * (1.0 - before)


@kernel
def p_death_with_care_after(
    delay_s: float, p_death_with_care: float, p_death_without_care: float, care_in_vain_after_s: float
) -> float:
    """Return the share of the seriously injured who die if care begins after a delay (s, infinity: never).

    Log-linear between the two shares: p_with * (p_without / p_with) ** min(1, delay / care_in_vain_after).

    delay_s: time until care (s). p_death_with_care: probability that a seriously injured person who is cared for at
    once dies. p_death_without_care: probability that a seriously injured person dies without care.
    care_in_vain_after_s: delay after which care changes nothing (s).
    """
    share = min(1.0, delay_s / care_in_vain_after_s)
    return p_death_with_care * (p_death_without_care / p_death_with_care) ** share


@kernel
def death_times(
    death_s: Floats,
    injured_at_s: Floats,
    care_at_s: Floats,
    u: Floats,
    p_death_with_care: float,
    p_death_without_care: float,
    care_in_vain_after_s: float,
    mean_untreated_s: float,
) -> None:
    """Write when each seriously injured person dies (s), infinity if not. Writes death_s.

    u: one number per person, the same whenever this is asked again, so that care beginning sooner or later (care_at_s,
    infinity: none so far) changes the fate of exactly those whom it can change. The person dies if u < P(care_at_s -
    injured_at_s), with P of `p_death_with_care_after`; after a time with exponential distribution, -mean_untreated_s *
    log(1 - u / p_death_without_care), or at the last moment when care would have saved this person, if that is later:
    nobody is saved who was dead when care began. p_death_with_care: probability that a seriously injured person who is
    cared for at once dies. care_in_vain_after_s: delay after which care changes nothing (s).
    """
    log_ratio = np.log(p_death_without_care / p_death_with_care)
    for i in range(death_s.size):
        death_s[i] = np.inf
        delay_s = max(0.0, care_at_s[i] - injured_at_s[i])
        if u[i] < p_death_with_care_after(delay_s, p_death_with_care, p_death_without_care, care_in_vain_after_s):
            after_s = -mean_untreated_s * np.log1p(-u[i] / p_death_without_care)
            if u[i] > p_death_with_care:
                after_s = max(after_s, care_in_vain_after_s * np.log(u[i] / p_death_with_care) / log_ratio)
            death_s[i] = injured_at_s[i] + after_s


@kernel
def seek_protection(
    protection: Ints,
    person: Ints,
    household: Ints,
    alert_from_s: Floats,
    last_heard_s: Floats,
    has_basement: Bools,
    usual_room: Ints,
    is_obedient: Bools,
    time_s: float,
    reaction_s: float,
    alert_s: float,
) -> None:
    """Bring the rooms of people at home up to a time: the safest during an alert, else the usual. Writes protection.

    person: rows of people at home; the other columns are per person, or per household for alert_from_s, last_heard_s
    and has_basement. An alert is heeded from reaction_s after its first impact was heard until alert_s after its last
    (-infinity: none yet). usual_room: Protection without an alert. is_obedient: does as an alert asks, which is to go
    to the basement if there is one, else to an inner room, and never to a place worse than the usual one. time_s: the
    moment (s).
    """
    for i in range(person.size):
        who = person[i]
        room = usual_room[who]
        h = household[who]
        if is_obedient[who] and alert_from_s[h] + reaction_s <= time_s and time_s < last_heard_s[h] + alert_s:
            room = max(room, _BASEMENT if has_basement[h] else _INNER_ROOM)
        protection[who] = room


@kernel
def hear_impact(alert_from_s: Floats, last_heard_s: Floats, home: Ints, time_s: float, alert_s: float) -> None:
    """Note at each home that hears an impact that an alert begins or goes on. Writes alert_from_s, last_heard_s.

    home: rows of households, each once; time_s: of the impact, not before those heard earlier. alert_s: how long an
    alert lasts after an impact (s).
    """
    for h in home:
        if time_s - last_heard_s[h] >= alert_s:
            alert_from_s[h] = time_s
        last_heard_s[h] = max(last_heard_s[h], time_s)


@lean_kernel
def let_go(
    due: Ints, departure_s: Floats, waits_since_s: Floats, last_heard_s: Floats, wanted_s: Floats, shelter: Ints,
    is_coming_home: Bools, now_s: float,
) -> bool:  # fmt: skip
    """Note that households that are due to leave no longer wait for a lull, if it is over for all and nobody is in a
    shelter; return whether. Writes waits_since_s and is_coming_home then.

    due: rows of households. departure_s: when each means to leave (s). waits_since_s: since when each waits for a lull
    (s); inf: it does not. last_heard_s: when it last heard an impact (s). wanted_s: the lull that it wants at first
    (s). shelter: row of its shelter; below 0: it is in none. is_coming_home: it is on the way from there. now_s: the
    present (s).
    """
    for h in due:
        since_s = min(waits_since_s[h], max(departure_s[h], now_s))
        if last_heard_s[h] + wanted_s[h] > since_s or shelter[h] >= 0:
            return False
    for h in due:
        is_coming_home[h], waits_since_s[h] = False, np.inf
    return True


@kernel
def party_walking_speeds(
    party_speed_m_s: Floats,
    first_person: Ints,
    speed_m_s: Floats,
    injury: Ints,
    is_able: Bools,
    light_factor: float,
    carrying_factor: float,
    n_carriers: int,
) -> None:
    """Write how fast each party walks once members are injured, 0 if it cannot. Writes party_speed_m_s.

    Party h is the people first_person[h]..first_person[h + 1]; speed_m_s: of each when unhurt; is_able: bool,
    an adult who needs no help. The lightly injured walk at light_factor of their speed. Each of the seriously
    injured is carried by n_carriers able members who are not seriously injured themselves; then the party
    moves at no more than carrying_factor of its slowest walker's speed. With too few to carry, it stays and
    waits for help. The dead are left out; a party of the dead has speed 0.

    injury: int8 of Injury, of each person.
    """
    for h in range(first_person.size - 1):
        slowest = np.inf
        n_able = 0
        n_carried = 0
        for i in range(first_person[h], first_person[h + 1]):
            if injury[i] == _SERIOUS:
                n_carried += 1
            elif injury[i] != _FATAL:
                slowest = min(slowest, speed_m_s[i] * (light_factor if injury[i] == _LIGHT else 1.0))
                n_able += is_able[i]
        if n_carried > 0:
            slowest *= carrying_factor
        party_speed_m_s[h] = slowest if n_able >= n_carriers * n_carried and slowest < np.inf else 0.0
