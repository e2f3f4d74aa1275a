import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from safepassage.agents.civilians import Injury, Protection, Status
from safepassage.agents.rules.tally import nobody_counted, recount


def counted_afresh(status, injury, protection, group, n_groups):
    """The slow, obvious twin: count everybody."""
    at_risk = np.zeros((len(Protection), n_groups))
    for s, p, g in zip(status, protection, group, strict=True):
        if s not in (Status.SAFE, Status.DEAD):
            at_risk[p, g] += 1
    return [int((status == s).sum()) for s in Status], [int((injury == i).sum()) for i in Injury], at_risk


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.lists(st.integers(0, 9), max_size=12), max_size=6))
def test_counting_those_who_changed_gives_what_counting_everybody_gives(seed, changes):
    rng = np.random.default_rng(seed)
    first = np.concatenate(([0], np.cumsum(rng.integers(1, 4, 10))))
    n, n_groups = int(first[-1]), 3
    group = rng.integers(0, n_groups, n)
    people = [rng.integers(0, len(kind), n).astype(np.int8) for kind in (Status, Injury, Protection)]
    counts = np.zeros(len(Status), np.int64), np.zeros(len(Injury), np.int64), np.zeros((len(Protection), n_groups))
    since_s, been_so_s, at_risk = np.zeros_like(counts[2]), np.zeros_like(counts[2]), np.zeros_like(counts[2])
    counted = nobody_counted(n)
    for hour, rows in enumerate([list(range(10)), *changes], start=1):
        been_so_s += at_risk * 3600.0
        if counted[0, 0] >= 0:
            for row in rows:
                members = slice(first[row], first[row + 1])
                for column, kind in zip(people, (Status, Injury, Protection), strict=True):
                    column[members] = rng.integers(0, len(kind), first[row + 1] - first[row])
        recount(*counts, since_s, counted, np.array(rows, np.int64), first, *people, group, hour * 3600.0)
        by_status, by_injury, at_risk = counted_afresh(*people, group, n_groups)
        assert counts[0].tolist() == by_status and counts[1].tolist() == by_injury
        assert np.array_equal(counts[2], at_risk)
        assert np.array_equal(counts[2] * hour * 3600.0 - since_s, been_so_s)
