import pytest

from safepassage.experiments.verification import junctions


@pytest.mark.parametrize("case", junctions.CASES, ids=lambda case: case.name)
def test_narrow_places_merges_crossings_and_exits_give_their_known_answers(case):
    checks = case.run()
    assert checks and [check for check in checks if not check.passed] == []
