"""Homes whose people do not all leave together: old people who decide for themselves, adults who keep the home."""

from dataclasses import fields

import numpy as np

from safepassage.agents.civilians import Mobility, People
from safepassage.agents.households import Households
from safepassage.model.draws import members_of
from safepassage.model.people.demography import ADULT_AGE, OLD_AGE

_KEEPS_HOME, _OLD = -2, -3
"""Numbers of members that nobody has, by which the draws of those set apart are keyed."""


def split(
    households: Households, people: People, p_split: float, u_family: np.ndarray, u_person: np.ndarray
) -> tuple[Households, People]:
    """Return (households, people) in which an adult of each splitting family is a household of one, in the same home.

    u_family, u_person: a number in [0, 1) for each. Families with children and two adults or more split if their
    number is below p_split, so a higher share splits the same families and others. The adult is drawn among those who
    need no assistance, if there are any, and keeps the home until the rest have left.
    """
    first = households.first_person
    is_adult = people.age >= ADULT_AGE
    can = households.has_children & (np.add.reduceat(is_adult.astype(np.int64), first[:-1]) >= 2)
    rows = np.flatnonzero(can & (u_family < p_split))
    rank = np.where(is_adult, u_person + 2.0 * (people.mobility == Mobility.NEEDS_ASSISTANCE), 4.0)
    order = np.lexsort((rank, people.household))
    n = len(households)
    households, people = _set_apart(households, people, order[first[rows]], _KEEPS_HOME)
    households.stays_behind[n:] = True
    return households, people


def old_apart(
    households: Households, people: People, p_apart: float, u_person: np.ndarray
) -> tuple[Households, People]:
    """Return (households, people) in which old people who decide for themselves are households, in the same home.

    Those of 65 and over who live with a younger adult do so if their number u_person in [0, 1) is below p_apart, so a
    higher share takes the same people and others; an old couple who both do decide together. Children and at least one
    younger adult stay with the rest.
    """
    has_younger = np.add.reduceat((people.age >= ADULT_AGE) & (people.age < OLD_AGE), households.first_person[:-1]) > 0
    is_apart = (people.age >= OLD_AGE) & has_younger[people.household] & (u_person < p_apart)
    return _set_apart(households, people, np.flatnonzero(is_apart), _OLD)


def _set_apart(households: Households, people: People, persons: np.ndarray, member: int) -> tuple[Households, People]:
    """Return (households, people) in which persons are households of their own, one for each that they come from.

    persons: rows of people, in the order of their households. member: by which the draws of the new ones are keyed.
    The rest keep row and car; the new ones stand behind all others, and `family` of both is the row of the rest.
    """
    if persons.size == 0:
        return households, people
    rows, n_apart = np.unique(people.household[persons], return_counts=True)
    is_apart = np.zeros(len(people), np.bool_)
    is_apart[persons] = True
    moved = np.concatenate((np.flatnonzero(~is_apart), persons))
    people = People(**{f.name: getattr(people, f.name)[moved] for f in fields(People)})
    n_members = households.n_members
    n_members[rows] -= n_apart
    n_members = np.concatenate((n_members, n_apart))
    people.household = np.repeat(np.arange(n_members.size, dtype=np.int32), n_members)
    columns = {f.name: getattr(households, f.name) for f in fields(Households) if f.init and f.name != "first_person"}
    columns = {name: np.concatenate((column, column[rows])) for name, column in columns.items()}
    n = len(households)
    columns["has_car"][n:] = False
    columns["has_children"][n:] = False
    columns["place_key"][n:] = members_of(columns["place_key"][n:], np.full(rows.size, member))
    apart = Households(np.concatenate(([0], np.cumsum(n_members))).astype(np.int64), **columns)
    apart.stays_behind[:n] = households.stays_behind
    return apart, people


class StayingBehind:
    """Adults who keep the home: while the rest of their family is there, neither orders nor impacts move them."""

    def __init__(self, households: Households) -> None:
        self._stays_behind = households.stays_behind
        self._rows = np.flatnonzero(households.stays_behind)
        self._family = households.family[self._rows]

    @property
    def n(self) -> int:
        """How many households are still held back by their family."""
        return self._rows.size

    def release(self, is_gone: np.ndarray) -> np.ndarray:
        """Let those decide for themselves whose family has left; return them. is_gone: bool[n_households]."""
        free = is_gone[self._family]
        freed = self._rows[free]
        self._stays_behind[freed] = False
        self._rows, self._family = self._rows[~free], self._family[~free]
        return freed
