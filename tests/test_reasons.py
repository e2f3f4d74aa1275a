"""Why those who stay do so: no order, not heard, not believed, weighed; each household in one."""

import numpy as np
import pytest

from safepassage.model.evacuation import EvacuationModel
from safepassage.model.results.reasons import NEVER_HEARD, NO_ORDER, NOT_BELIEVED, WEIGHED, staying

QUIET = {
    "run.duration_h": 2, "run.step_s": 600, "shelling.sources": [], "behaviour.channels.word_of_mouth_per_day": 0.0,
    "behaviour.channels.siren": {"reach": 0.0}, "behaviour.channels.door_to_door": {"reach": 0.0},
}  # fmt: skip
ORDER = {"issued_h": 0, "compliance": 0.0}


def told(reach=1.0, trust=1.0, orders=(ORDER,)):
    phone = {"reach": reach, "trust": trust, "delay_median_s": 1.0}
    return EvacuationModel("tiny_town", **QUIET, **{"behaviour.channels.phone": phone, "orders": list(orders)}).run()


def share(model, words):
    return staying(model)[words].mean()


@pytest.mark.parametrize(("case", "words"), [
    ({"orders": ()}, NO_ORDER), ({"reach": 0.0}, NEVER_HEARD), ({"trust": 0.0}, NOT_BELIEVED), ({}, WEIGHED),
])  # fmt: skip
def test_a_household_stays_for_the_reason_that_the_channels_leave_it(case, words):
    model = told(**case)
    assert share(model, words) == 1.0
    left = model.recorder.tables()["persons"].to_pandas()
    left = left[left["status"] == "HOME"]
    assert len(left) > 500 and set(left["reason"]) == {words}


def test_the_shares_are_those_of_reach_and_trust():
    model = told(reach=0.6, trust=0.5)
    n = len(model.households)
    assert share(model, NEVER_HEARD) == pytest.approx(0.4, abs=4 * np.sqrt(0.24 / n))
    assert share(model, NOT_BELIEVED) == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / n))
    assert share(model, WEIGHED) == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / n))


def test_each_household_has_one_reason_at_any_moment():
    model = EvacuationModel("tiny_town", rng=3)
    for _ in range(40):
        model.step()
        assert (np.sum(list(staying(model).values()), axis=0) == 1).all()
