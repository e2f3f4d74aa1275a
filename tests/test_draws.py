import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from safepassage.model import draws
from safepassage.model.draws import Stream

ALL = 0xFFFFFFFF


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((ALL, ALL, ALL, ALL), (ALL, ALL), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_gives_the_known_answers_of_its_authors(counter, key, expected):
    words = draws.philox(*(np.uint32(w) for w in counter), *(np.uint32(w) for w in key))
    assert tuple(int(w) for w in words) == expected


@settings(deadline=None)  # the first example loads the kernel
@given(st.integers(0, 2**64 - 1), st.permutations(range(12)), st.integers(0, 2**32 - 1))
def test_a_number_does_not_depend_on_the_order_or_on_who_else_draws(seed, order, tick):
    all_at_once = draws.uniforms(seed, Stream.INJURY, 12, tick)
    assert (draws.uniforms_for(seed, Stream.INJURY, order, tick) == all_at_once[order]).all()
    assert draws.uniforms_for(seed, Stream.INJURY, [order[0]], tick)[0] == all_at_once[order[0]]


def test_each_use_of_chance_has_a_stream_of_its_own():
    numbers = [member.value for member in Stream.__members__.values()]
    assert len(set(numbers)) == len(numbers)


def test_numbers_are_uniform_and_streams_ticks_and_seeds_are_unrelated():
    base = draws.uniforms(7, Stream.HOME, 20_000)
    assert stats.kstest(base, "uniform").pvalue > 0.001
    assert base.min() >= 0 and base.max() < 1
    others = [
        draws.uniforms(7, Stream.CAR, 20_000),
        draws.uniforms(7, Stream.HOME, 20_000, tick=1),
        draws.uniforms(7, Stream.HOME, 20_000, index=1),
        draws.uniforms(8, Stream.HOME, 20_000),
        draws.uniforms(7 + 2**32, Stream.HOME, 20_000),
    ]
    for other in others:
        assert abs(np.corrcoef(base, other)[0, 1]) < 0.03


def test_each_entity_may_have_a_tick_of_its_own():
    pairs = draws.uniforms_for(3, Stream.INJURY, [5, 5, 6], tick=[0, 9, 9])
    assert pairs[0] == draws.uniforms_for(3, Stream.INJURY, [5], tick=0)[0]
    assert (pairs[1:] == draws.uniforms_for(3, Stream.INJURY, [5, 6], tick=9)).all()
