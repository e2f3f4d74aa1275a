"""Households and people placed on the streets: margins met by zone, everything else drawn by person and household.

Every draw is keyed by the zone's name, the household within it and the person within the household, so what one zone
or family adds changes nobody in another.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from safepassage.agents.civilians import Injury, Mobility, People, Protection, Status
from safepassage.agents.ground.arrays import Bools, Floats, Ints, order_of
from safepassage.agents.households import Cause, Households
from safepassage.agents.rules.walking_speeds import free_speed_m_s
from safepassage.model.draws import Keys, Stream, digests, keys_of, members_of, uniforms_for
from safepassage.model.memory import BYTES, Need, refuse_needs
from safepassage.model.people import demography
from safepassage.model.people.demography import ADULT_AGE, LIFESPAN, OLD_AGE, AgeSex
from safepassage.model.people.families import old_apart, split
from safepassage.model.people.given import Given, read_given
from safepassage.model.people.homes import homes
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.population import Population
from safepassage.model.streets.streets import Streets
from safepassage.model.streets.zones import Zones

LONE_OLD, HEAD, OTHER_ADULT, CHILD = range(4)
"""Kinds of place in a household, filled in this order."""


def synthesise(settings: Population, zones: Zones, streets: Streets, seed: int) -> tuple[Households, People, list[str]]:
    """Return households, people and what had to be mended, one sentence each.

    Residents by zone are met exactly; ages, sexes and household sizes to about one person or household in each zone
    (systematic sampling); what the user's own tables say is used unchanged.

    settings: the scenario's section `Population`. zones: parts of the town, with outlines and streets. streets: those
    of the model. seed: seed of the run, from which all chance is drawn.
    """
    zone_key = digests(zones.name)
    given = read_given(settings, zones, streets, seed)
    if given is None:
        size, zone = household_sizes(demography.size_shares(settings), zones.residents, zone_key, seed)
        given = Given(size, zone)
    size, zone = given.size, given.zone
    if settings.households_file or settings.persons_file:
        change = "Give fewer people, or use a larger machine."
        place = str(settings.households_file or settings.persons_file)
        refuse_needs([Need(place, int(size.sum()), "people", BYTES["person"], change)])
    keys = Keys(index_within(zone).astype(np.uint32) if given.key is None else given.key, zone_key[zone])
    household = np.repeat(np.arange(size.size, dtype=np.int32), size)
    person_keys = Keys(keys.number[household], members_of(keys.place[household], index_within(household)))

    def draw(stream, index=0):
        return uniforms_for(seed, stream, person_keys, index=index)

    age, is_female = _ages_and_sexes(settings, given, household, draw, zone_key, seed)
    _somebody_of_age(settings, size, age, given.age is not None)
    mobility = given.mobility
    if mobility is None:
        mobility = _mobility(settings, age, is_female, draw(Stream.PERSON, 3))
    n_people, first = age.size, np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
    node, x_m, y_m, notes = given.node, given.x_m, given.y_m, list[str]()
    if node is None or x_m is None or y_m is None:
        node, x_m, y_m, notes = homes(settings, zones, streets, zone, keys, seed)
    people = People(
        household=household,
        age=age,
        is_female=is_female,
        mobility=mobility,
        free_speed_m_s=free_speed_m_s(age, is_female, mobility, draw(Stream.WALKING_SPEED)),
        status=np.full(n_people, Status.HOME, np.int8),
        protection=np.full(n_people, Protection.UPPER_FLOOR, np.int8),
        injury=np.full(n_people, Injury.NONE, np.int8),
        injury_time_s=np.full(n_people, np.inf),
        death_time_s=np.full(n_people, np.inf),
        care_time_s=np.full(n_people, np.inf),
        key=person_keys.number,
        place_key=person_keys.place,
    )
    has_car = given.has_car
    if has_car is None:
        lone_old = (size == 1) & (age[first[:-1]] >= OLD_AGE)
        has_car = uniforms_for(seed, Stream.CAR, keys) < demography.p_car(settings, size, lone_old)
    households = Households(
        first_person=first,
        home_node=node,
        home_x_m=x_m,
        home_y_m=y_m,
        zone=zone,
        has_car=has_car,
        has_children=np.minimum.reduceat(age, first[:-1]) < ADULT_AGE,
        cause=np.full(size.size, Cause.NONE, np.int8),
        decision_time_s=np.full(size.size, np.inf),
        departure_time_s=np.full(size.size, np.inf),
        family=np.arange(size.size, dtype=np.int32),
        key=keys.number,
        place_key=keys.place,
    )
    if settings.p_split:
        u_family = uniforms_for(seed, Stream.HOUSEHOLD, keys, index=3)
        households, people = split(households, people, settings.p_split, u_family, draw(Stream.PERSON, 5))
    if settings.p_old_decide_alone:
        u_person = uniforms_for(seed, Stream.PERSON, keys_of(people), index=9)
        households, people = old_apart(households, people, settings.p_old_decide_alone, u_person)
    return households, people, notes


def index_within(group: np.ndarray) -> np.ndarray:
    """Return the number of each row among those of its group, in their order, from 0; int64."""
    step = np.diff(group)
    if (step >= 0).all():
        first = np.append(0, np.flatnonzero(step) + 1)
        return np.arange(group.size) - np.repeat(first, np.diff(first, append=group.size))
    order = np.argsort(group, kind="stable")
    index = np.empty(group.size, np.int64)
    index[order] = index_within(group[order])
    return index


def _rank_within(group: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Return the rank of u among the rows of each group, from 0; int64."""
    order = order_of(group + u)
    rank = np.empty(group.size, np.int64)
    rank[order] = index_within(group[order])
    return rank


def household_sizes(shares: np.ndarray, residents: np.ndarray, zone_key: np.ndarray, seed: int) -> tuple[Ints, Ints]:
    """Return size and zone of each household, zone after zone; in every zone the sizes add up to its residents.

    Their numbers follow the shares to within one household of each size, but for one more household where the
    residents would not come out (systematic sampling).

    zone_key: digest of each zone's name. seed: seed of the run, from which all chance is drawn.
    """
    persons = np.arange(1, shares.size + 1)
    rows = np.arange(residents.size)
    u_number, u_size = (_by_zone(seed, Stream.HOUSEHOLD, zone_key, index) for index in (1, 2))
    n_households = np.floor(residents / (shares @ persons) + u_number)
    ladder = np.floor(n_households[:, None] * np.cumsum(shares) / shares.sum() + u_size[:, None] + 1e-9)
    counts = np.diff(ladder, axis=1, prepend=0).astype(np.int64)
    for zone in np.flatnonzero(counts @ persons != residents):
        _come_out(counts[zone], int(residents[zone]))
    zone = np.repeat(rows, counts.sum(axis=1)).astype(np.int32)
    size = np.repeat(np.tile(persons, rows.size), counts.ravel()).astype(np.int64)
    u = uniforms_for(seed, Stream.HOUSEHOLD, Keys(index_within(zone), zone_key[zone]))
    return size[order_of(zone + u)], zone


def _by_zone(seed: int, stream: Stream, zone_key: np.ndarray, index: int) -> np.ndarray:
    """Return one number in [0, 1) for each zone; tick 1: not those of its first household or person."""
    return uniforms_for(seed, stream, Keys(np.zeros(zone_key.size), zone_key), tick=1, index=index)


def _come_out(counts: np.ndarray, residents: int) -> None:
    """Change the numbers of households of 1, 2, 3, ... persons as little as needed to house all. Writes counts."""
    persons = np.arange(1, counts.size + 1)
    while short := residents - int(counts @ persons):
        if short > 0:
            counts[min(short, counts.size) - 1] += 1
            continue
        fits = np.flatnonzero((counts > 0) & (persons <= -short))
        if fits.size:
            counts[fits[-1]] -= 1
        else:
            smallest = int(np.flatnonzero(counts)[0])
            counts[smallest] -= 1
            counts[smallest + short] += 1


def _ages_and_sexes(
    settings: Population, given: Given, household: np.ndarray, draw: Callable[..., Any], zone_key: np.ndarray, seed: int
) -> tuple[Ints, Bools]:
    """Return age and sex of each person; those that the tables leave open meet the margins.

    household: of each person. draw: function (stream, index) -> a number for each person.
    """
    if given.age is not None and given.is_female is not None:
        return given.age, given.is_female
    shares = demography.age_sex(settings)
    if given.age is not None:
        p_female = shares.share[1] / np.maximum(shares.share.sum(axis=0), 1e-300)
        return given.age, draw(Stream.PERSON, 1) < p_female[given.age]
    # persons of one zone stand side by side for a while, whatever the order of a user's table
    order = np.argsort(given.zone[household], kind="stable")
    age, is_female = np.empty(order.size, np.int16), np.empty(order.size, np.bool_)
    household = household[order]
    zone = given.zone[household]
    keys = Keys(index_within(zone), zone_key[zone])
    u_place, u_pool, u_fill, u_taken, u_grown = (
        uniforms_for(seed, Stream.PERSON, keys, index=index) for index in (0, 2, 6, 7, 8)
    )
    n_households = np.bincount(given.zone, minlength=zone_key.size)
    pool_age, pool_female = _pool(shares, keys, zone, n_households, _by_zone(seed, Stream.PERSON, zone_key, 4), u_grown)
    u_lone_old = _by_zone(seed, Stream.HOUSEHOLD, zone_key, 4)
    place = _places(settings, given.size[household], household, zone, pool_age, u_place, u_lone_old)
    to_fill = order_of(zone * 4 + place + u_fill)
    kind = _pool_kinds(zone, pool_age, place, u_pool, zone_key.size)
    taken = order_of(zone * 4 + kind + u_taken)
    age[order[to_fill]], is_female[order[to_fill]] = pool_age[taken], pool_female[taken]
    if given.is_female is not None:
        return age, given.is_female
    return age, is_female


def _pool(
    shares: AgeSex, keys: Keys, zone: np.ndarray, n_households: np.ndarray, offset: np.ndarray, u_grown: Floats
) -> tuple[Ints, Bools]:
    """Return ages and sexes of the persons of each zone, before they are divided over its households.

    Systematic sampling: one point in each n-th part of the cumulated shares, so that every run of neighbouring cells
    is met to within one person. Where a zone has fewer people of age than households, its oldest children become
    people of age. keys: of the persons, numbered within their zones; offset: a number for each zone; u_grown: for
    each person.
    """
    n_people = np.bincount(zone, minlength=n_households.size)
    cells = shares.share[::-1].ravel()
    cell = _cell(cells, (keys.number + offset[zone]) / n_people[zone])
    age, is_female = (cell % LIFESPAN).astype(np.int16), cell < LIFESPAN
    is_child = age < ADULT_AGE
    spare = n_people - n_households
    too_many = np.bincount(zone, is_child, n_people.size) > spare
    if too_many.any():
        rows = np.flatnonzero(is_child & too_many[zone])
        oldest_last = _rank_within(zone[rows], age[rows] / LIFESPAN)
        grown = rows[oldest_last >= spare[zone[rows]]]
        of_age = np.where(np.arange(cells.size) % LIFESPAN >= ADULT_AGE, cells, 0.0)
        age[grown] = (_cell(of_age, u_grown[grown]) % LIFESPAN).astype(np.int16) if of_age.any() else ADULT_AGE
    return age, is_female


def _cell(weight: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Return the cell in which a point from 0 to 1 of the cumulated weights lies."""
    ladder = np.cumsum(weight)
    last = int(np.flatnonzero(weight)[-1])
    return np.minimum(np.searchsorted(ladder, point * ladder[-1], side="right"), last)


def _places(
    settings: Population, size: Ints, household: Ints, zone: Ints, pool_age: Ints, u: Floats, u_lone_old: Floats
) -> np.ndarray:
    """Return the kind of each place: one head in every household, children and lone old people spread at random.

    u: a number for each person; u_lone_old: for each zone.
    """
    n_zones = u_lone_old.size
    is_head = np.concatenate(([True], np.diff(household) != 0))
    place = np.where(is_head, HEAD, OTHER_ADULT)
    n_children = np.bincount(zone, pool_age < ADULT_AGE, n_zones)
    others = np.flatnonzero(~is_head)
    children = others[_rank_within(zone[others], u[others]) < n_children[zone[others]]]
    place[children] = CHILD
    has_child = np.zeros(household.max() + 1, np.bool_)
    has_child[household[children]] = True
    place[is_head & (size > 1) & ~has_child[household]] = OTHER_ADULT
    alone = np.flatnonzero(size == 1)
    n_old = np.bincount(zone, pool_age >= OLD_AGE, n_zones)
    wanted = np.floor(settings.p_lone_person_is_65_or_over * np.bincount(zone[alone], minlength=n_zones) + u_lone_old)
    n_lone_old = np.minimum(wanted, n_old)
    place[alone[_rank_within(zone[alone], u[alone]) < n_lone_old[zone[alone]]]] = LONE_OLD
    return place


def _pool_kinds(zone: Ints, pool_age: Ints, place: Ints, u: Floats, n_zones: int) -> np.ndarray:
    """Return the kind of place for which each person is meant: heads of families and the young alone first."""
    group = np.digitize(pool_age, (ADULT_AGE, OLD_AGE))
    rank = _rank_within(zone * 3 + group, u)
    n_lone_old = np.bincount(zone[place == LONE_OLD], minlength=n_zones)[zone]
    n_heads = np.bincount(zone[place == HEAD], minlength=n_zones)[zone]
    return np.select(
        [group == 0, (group == 2) & (rank < n_lone_old), (group == 1) & (rank < n_heads)],
        [CHILD, LONE_OLD, HEAD],
        OTHER_ADULT,
    )


def _mobility(settings: Population, age: np.ndarray, is_female: np.ndarray, u: np.ndarray) -> np.ndarray:
    p = demography.p_mobility(settings)
    key = is_female * demography.LIFESPAN + age
    mobility = np.full(age.size, Mobility.UNIMPAIRED, np.int8)
    mobility[u < (p[Mobility.NEEDS_ASSISTANCE] + p[Mobility.SLOW]).take(key)] = Mobility.SLOW
    mobility[u < p[Mobility.NEEDS_ASSISTANCE].take(key)] = Mobility.NEEDS_ASSISTANCE
    return mobility


def _somebody_of_age(settings: Population, size: np.ndarray, age: np.ndarray, is_given: bool) -> None:
    first = np.concatenate(([0], np.cumsum(size)))[:-1]
    alone = np.flatnonzero(np.maximum.reduceat(age, first) < ADULT_AGE) if is_given else np.empty(0)
    if alone.size:
        raise ScenarioError(
            f"{settings.persons_file}: nobody of {ADULT_AGE} or over lives in {alone.size:,} of the households (first: "
            f"household {alone[0] + 1}, {size[alone[0]]} persons). Add an adult or join it with another household."
        )
