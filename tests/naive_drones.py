"""Slow, obvious twins of the kernels of model/drones.py."""

import math


def add_expected_strikes(expected, party, link, moving_s, halted_s, rate_per_s, halted_factor, party_factor):
    for p, k, moving, halted in zip(party, link, moving_s, halted_s, strict=True):
        expected[p] += rate_per_s[k] * (moving + halted_factor * halted) * party_factor[p]


def number_of_strikes(expected, u):
    """Return the smallest n with P(Poisson(expected) <= n) > u."""
    n = 0
    while sum(math.exp(-expected) * expected**k / math.factorial(k) for k in range(n + 1)) <= u:
        n += 1
    return n
