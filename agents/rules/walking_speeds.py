"""Free walking speeds by age, sex and mobility, and factors on stairs."""

import numpy as np

from safepassage.agents.ground.arrays import Bools, Floats, Ints

AGE_LIMITS = np.array([30, 50])
"""First age of the second and of the third group (years): under 30, 30 to 50, over 50."""
LEAST_SPEED_M_S = np.array(
    [
        [[1.11, 0.97, 0.84], [0.64, 0.64, 0.64], [0.55, 0.55, 0.55]],
        [[0.93, 0.71, 0.56], [0.43, 0.43, 0.43], [0.37, 0.37, 0.37]],
    ]
)
"""[man, woman][Mobility][age group]: lower end of the uniform range (m/s). IMO MSC.1/Circ.1533 (2016), Annex 3, table
3.4. The circular gives impaired mobility for people over 50 alone: "mobility impaired (1)" is taken for SLOW and
"(2)" for NEEDS_ASSISTANCE at every age (assumption: impairment, not age, then sets the speed)."""
GREATEST_SPEED_M_S = np.array(
    [
        [[1.85, 1.62, 1.40], [1.06, 1.06, 1.06], [0.91, 0.91, 0.91]],
        [[1.55, 1.19, 0.94], [0.71, 0.71, 0.71], [0.61, 0.61, 0.61]],
    ]
)
"""As LEAST_SPEED_M_S: upper end of the range (m/s)."""
CARRIED_BELOW_AGE = 3
"""Younger children are carried or pushed (years). Assumption."""
CARRYING_SPEED_M_S = 0.85 * 1.34
"""Pace of a grown-up who carries a small child (m/s): 0.8 to 0.9 of the free speed of Weidmann (1993). Assumption."""
SMALL_CHILD_BELOW_AGE = 7
"""Children who walk, but slowly and not far, are younger than this (years)."""
SMALL_CHILD_SPEED_M_S = 0.69, 1.33
"""Ends of their range (m/s): children of 3 and 4 on the flat, Najmanova and Ronchi (2017, An experimental data-set on
pre-school children evacuation); taken for all up to 6 (assumption). Older ones go as those under 30: the circular has
no figures for them."""
STAIRS_UP_FACTOR = 0.610 / 1.34
"""Horizontal speed upstairs / speed on the flat: Weidmann (1993), 0.610 m/s."""
STAIRS_DOWN_FACTOR = 0.694 / 1.34
"""Horizontal speed downstairs / speed on the flat: Weidmann (1993), 0.694 m/s."""


def free_speed_m_s(age: Ints, is_female: Bools, mobility: Ints, u: Floats) -> Floats:
    """Return each person's free speed on the flat (m/s): the share u (0 to 1) of the way through the group's range.

    Of a child that is carried, the pace of whoever carries it.

    age: years, of each person. is_female: bool, of each person. mobility: int8 of Mobility, of each person.
    """
    age, u = np.asarray(age), np.asarray(u)
    group = AGE_LIMITS.searchsorted(np.arange(age.max(initial=0) + 1), side="right")
    n_mobilities, n_groups = LEAST_SPEED_M_S.shape[1:]
    row = (np.asarray(is_female) * n_mobilities + np.asarray(mobility)) * n_groups + group[age]
    speed_m_s = (GREATEST_SPEED_M_S - LEAST_SPEED_M_S).take(row)
    speed_m_s *= u
    speed_m_s += LEAST_SPEED_M_S.take(row)
    small = np.flatnonzero(age < SMALL_CHILD_BELOW_AGE)
    least_m_s, greatest_m_s = SMALL_CHILD_SPEED_M_S
    speed_m_s[small] = np.minimum(speed_m_s[small], least_m_s + (greatest_m_s - least_m_s) * u[small])
    speed_m_s[small[age[small] < CARRIED_BELOW_AGE]] = CARRYING_SPEED_M_S
    return speed_m_s
