"""Slow, obvious twins of the kernels of model/hazard/drones.py."""

import math


def number_of_strikes(expected, u):
    """Return the smallest n with P(Poisson(expected) <= n) > u."""
    n = 0
    while sum(math.exp(-expected) * expected**k / math.factorial(k) for k in range(n + 1)) <= u:
        n += 1
    return n
