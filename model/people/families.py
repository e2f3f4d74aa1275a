"""Families that split: one adult stays behind when the rest leave, and decides later, alone."""

from dataclasses import fields

import numpy as np

from safepassage.agents.civilians import Mobility, People
from safepassage.agents.households import Households
from safepassage.model.draws import members_of
from safepassage.model.people.demography import ADULT_AGE


def split(
    households: Households, people: People, p_split: float, u_family: np.ndarray, u_person: np.ndarray
) -> tuple[Households, People]:
    """Return (households, people) in which an adult of each splitting family is a household of one, in the same home.

    u_family, u_person: a number in [0, 1) for each. Families with children and two adults or more split if their
    number is below p_split, so a higher share splits the same families and others. The adult is drawn among those who
    need no assistance, if there are any. The rest keep row and car; the new households stand behind all others, and
    `family` of both is the row of the rest.
    """
    first = households.first_person
    is_adult = people.age >= ADULT_AGE
    can = households.has_children & (np.add.reduceat(is_adult.astype(np.int64), first[:-1]) >= 2)
    rows = np.flatnonzero(can & (u_family < p_split))
    if rows.size == 0:
        return households, people
    rank = np.where(is_adult, u_person + 2.0 * (people.mobility == Mobility.NEEDS_ASSISTANCE), 4.0)
    order = np.lexsort((rank, people.household))
    stays = order[first[rows]]
    is_staying = np.zeros(len(people), np.bool_)
    is_staying[stays] = True
    moved = np.concatenate((np.flatnonzero(~is_staying), stays))
    people = People(**{f.name: getattr(people, f.name)[moved] for f in fields(People)})
    n_members = households.n_members
    n_members[rows] -= 1
    n_members = np.concatenate((n_members, np.ones(rows.size, np.int64)))
    people.household = np.repeat(np.arange(n_members.size, dtype=np.int32), n_members)
    columns = {f.name: getattr(households, f.name) for f in fields(Households) if f.init and f.name != "first_person"}
    columns = {name: np.concatenate((column, column[rows])) for name, column in columns.items()}
    columns["has_car"][len(households) :] = False
    columns["has_children"][len(households) :] = False
    columns["place_key"][len(households) :] = members_of(
        columns["place_key"][len(households) :], np.full(rows.size, -2)
    )
    return Households(np.concatenate(([0], np.cumsum(n_members))).astype(np.int64), **columns), people


class StayingBehind:
    """Adults who keep the home: while the rest of their family is there, neither orders nor impacts move them."""

    def __init__(self, households: Households) -> None:
        self._stays_behind = households.stays_behind
        self._rows = np.flatnonzero(households.family != np.arange(len(households)))
        self._family = households.family[self._rows]
        self._stays_behind[self._rows] = True

    @property
    def n(self) -> int:
        """How many households are still held back by their family."""
        return self._rows.size

    def release(self, is_gone: np.ndarray) -> None:
        """Let those decide for themselves whose family has left; is_gone: bool[n_households]."""
        free = is_gone[self._family]
        if free.any():
            self._stays_behind[self._rows[free]] = False
            self._rows, self._family = self._rows[~free], self._family[~free]
