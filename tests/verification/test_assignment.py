import os

import pytest

from safepassage.experiments.verification import assignment


def missed(case):
    checks = case.run()
    assert checks
    return [check for check in checks if not check.passed]


def test_a_link_more_costs_everybody_time_in_braess_s_network():
    assert [missed(case) for case in assignment.CASES] == [[]]


@pytest.mark.skipif("SAFEPASSAGE_DATA" not in os.environ, reason="the towns may not be shipped; set SAFEPASSAGE_DATA")
@pytest.mark.parametrize("case", assignment.NOT_SHIPPED_CASES, ids=lambda case: case.name)
def test_routes_reach_the_best_known_user_equilibrium_of_a_town(case):
    assert missed(case) == []
