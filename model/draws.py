"""The only source of chance: counter-based random numbers, keyed by (seed, stream, entity, tick).

A number depends on its key alone. Thread count, order of evaluation and other people's fate change nothing, so
two plans under one seed see the same shells and the same people.

Philox 4x32-10 after Salmon, Moraes, Dror and Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3",
SC'11, doi 10.1145/2063384.2063405; checked against the known answers that its authors published (Random123).
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, unique
from typing import Any

import numpy as np
import numpy.typing as npt

from safepassage.agents.civilians import People
from safepassage.agents.compiled import inlined_part, kernel
from safepassage.agents.ground.arrays import Floats, Ints
from safepassage.agents.households import Households


@unique
class Stream(IntEnum):
    """A use of chance. Numbers are part of every result: append, never renumber."""

    HOUSEHOLD = 1
    PERSON = 2
    HOME = 3
    CAR = 4
    COMPLIANCE = 5
    PREPARATION = 6
    REACTION = 7
    SHELLING = 8
    INJURY = 9
    DAMAGE = 10
    WALKING_SPEED = 11
    DEATH = 12
    AFTERSHOCK = 13
    PLACE = 14
    DRONE = 15
    CURFEW = 16
    SHELTER = 17
    SERVICE = 19
    CROSSFIRE = 20
    LEAVE = 21
    NEWS = 22
    GOSSIP = 23
    RETURN = 24
    ROAD_NEWS = 25
    OWN_HAZARD = 26
    READINESS = 27
    FIRE = 28
    ALERT = 29
    TRUCE = 30
    CORRIDOR = 31
    BREAKDOWN = 32
    LIFT = 33
    FRONT = 34
    FRONT_WAY = 35
    COLD = 36
    SCHOOL = 37
    RECEPTION = 40


@dataclass(frozen=True, eq=False)
class Keys:
    """What draws are keyed by where entities have names: the number of each and the digest of the place it is in.

    A household is named by its zone and its number or id there, a person by household and number in it. Whatever
    stands beside them in a file, or comes and goes there, changes none of these.
    """

    number: np.ndarray
    """uint32: number within its place, or digest of an id."""
    place: np.ndarray
    """uint32: digest of the place's name."""

    def __getitem__(self, rows: Ints) -> "Keys":
        return Keys(self.number[rows], self.place[rows])


def keys_of(rows: People | Households) -> Keys:
    """Return the keys of households or people from their columns `key` and `place_key`."""
    return Keys(rows.key, rows.place_key)


def digest(*names: Any) -> int:
    """Return 32 bits that stand for names or numbers, in their order."""
    text = "|".join(map(str, names))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "little")


def digests(names: Iterable[Any]) -> Ints:
    """Return the digest of each of several names, uint32."""
    return np.array([digest(name) for name in names], np.uint32)


def members_of(place: np.ndarray, member: np.ndarray) -> np.ndarray:
    """Return the digest of the place of each member of a household, uint32: its own for each number in it.

    place: uint32, of their household; member: number of each person in it, from 0. Mixed as by MurmurHash3's finish.
    """
    mixed = place ^ ((member.astype(np.uint32) + np.uint32(1)) * np.uint32(_WEYL_0))
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        mixed = (mixed ^ (mixed >> np.uint32(shift))) * np.uint32(factor)
    return mixed ^ (mixed >> np.uint32(16))


_MULTIPLIER_0 = np.uint64(0xD2511F53)
_MULTIPLIER_1 = np.uint64(0xCD9E8D57)
_WEYL_0 = np.uint32(0x9E3779B9)
_WEYL_1 = np.uint32(0xBB67AE85)
_LOW_32 = np.uint64(0xFFFFFFFF)
_SHIFT_32 = np.uint64(32)


@inlined_part
def _round(c0, c1, c2, c3, k0, k1):
    """Return counter and key after one round of Philox 4x32; sums of keys are taken modulo 2**32."""
    p0, p1 = _MULTIPLIER_0 * np.uint64(c0), _MULTIPLIER_1 * np.uint64(c2)
    high_0, high_1 = np.uint32(p0 >> _SHIFT_32), np.uint32(p1 >> _SHIFT_32)
    next_k0 = np.uint32((np.uint64(k0) + np.uint64(_WEYL_0)) & _LOW_32)
    next_k1 = np.uint32((np.uint64(k1) + np.uint64(_WEYL_1)) & _LOW_32)
    low_0, low_1 = np.uint32(p0 & _LOW_32), np.uint32(p1 & _LOW_32)
    return high_1 ^ c1 ^ k0, low_1, high_0 ^ c3 ^ k1, low_0, next_k0, next_k1


@inlined_part
def _five_rounds(c0, c1, c2, c3, k0, k1):
    """Return counter and key after five rounds. They are no loop, so that the compiler works on many draws at once."""
    return _round(*_round(*_round(*_round(*_round(c0, c1, c2, c3, k0, k1)))))


@inlined_part
def _words(c0, c1, c2, c3, k0, k1):
    """Return what philox does."""
    counter = np.uint32(c0), np.uint32(c1), np.uint32(c2), np.uint32(c3)
    c0, c1, c2, c3, _, _ = _five_rounds(*_five_rounds(*counter, np.uint32(k0), np.uint32(k1)))
    return c0, c1, c2, c3


@kernel
def philox(c0: int, c1: int, c2: int, c3: int, k0: int, k1: int) -> tuple[np.uint32, np.uint32, np.uint32, np.uint32]:
    """Return the four 32-bit words of Philox 4x32-10 for a counter (c0..c3) and a key (k0, k1).

    c1, c2: parts of the counter.
    """
    return _words(c0, c1, c2, c3, k0, k1)


@kernel
def _fill_uniforms(u, seed_low, seed_high, stream, tick, entity, place, index):
    """Write into u[i] in [0, 1), 53 bits, the number that belongs to entity[i] of place[i] at tick[i].

    place, tick: one for each entity, or one for all.
    """
    if tick.size == 1:
        tick = np.full(u.size, tick[0])
    if place.size == 1:
        place = np.full(u.size, place[0])
    for i in range(u.size):
        w0, w1, _, _ = _words(entity[i], tick[i], stream, index ^ place[i], seed_low, seed_high)
        u[i] = (np.float64(w0 >> np.uint32(5)) * 67108864.0 + np.float64(w1 >> np.uint32(6))) / 9007199254740992.0


def uniforms_for(
    seed: int, stream: Stream, entity: "npt.ArrayLike | Keys", tick: Ints | int = 0, index: int = 0
) -> Floats:
    """Return one number in [0, 1) for each entity, float64.

    seed: 0 to 2**64 - 1. entity: `Keys`, or whole numbers from 0; any order. tick: when (step, event or day number),
    one for all or one for each. index: which of several numbers that one entity needs at one tick. stream: which use
    of chance.
    """
    number, place = (entity.number, entity.place) if isinstance(entity, Keys) else (entity, np.uint32(0))
    entity = np.ascontiguousarray(number, dtype=np.uint32)
    place, tick = (np.ascontiguousarray(np.atleast_1d(one), dtype=np.uint32) for one in (place, tick))
    if not {place.size, tick.size} <= {1, entity.size}:
        raise ValueError(
            f"draws for {entity.size} entities with {place.size} places and {tick.size} ticks; give 1 or all"
        )
    u = np.empty(entity.size)
    seed = int(seed)
    _fill_uniforms(
        u,
        np.uint32(seed & 0xFFFFFFFF),
        np.uint32((seed >> 32) & 0xFFFFFFFF),
        np.uint32(stream),
        tick,
        entity,
        place,
        np.uint32(index),
    )
    return u


def uniforms(seed: int, stream: Stream, n: int, tick: int = 0, index: int = 0) -> Floats:
    """Return one number in [0, 1) for each of the entities 0..n-1, float64.

    seed: seed of the run, from which all chance is drawn. stream: which use of chance. tick: which moment or copy the
    draw is for. index: which of several draws of one use.
    """
    return uniforms_for(seed, stream, np.arange(n, dtype=np.uint32), tick, index)


def generator(seed: int, stream: Stream) -> np.random.Generator:
    """Return NumPy's generator for a stream of its own: for rules of a user's own, which draw as they like."""
    return np.random.Generator(np.random.Philox(key=[seed % 2**64, int(stream)]))
