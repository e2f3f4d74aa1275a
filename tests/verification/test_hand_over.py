from safepassage.experiments.verification import assignment, hand_over, route_choice, sioux_falls
from safepassage.experiments.verification.cases import all_cases


def test_nobody_is_lost_between_car_and_feet():
    assert [check for check in hand_over.leave_the_cars() if not check.passed] == []


def test_two_routes_come_to_their_dynamic_user_equilibrium_with_fresh_and_with_old_news():
    checks = route_choice.equilibrium()
    assert len(checks) == 4 and [check for check in checks if not check.passed] == []


def test_cases_whose_data_are_not_shipped_are_skipped_with_a_reason(monkeypatch):
    monkeypatch.delenv("SAFEPASSAGE_DATA", raising=False)
    skipped = [case for case in all_cases() if case.skipped]
    not_shipped = (*sioux_falls.CASES, *assignment.NOT_SHIPPED_CASES)
    assert [case.name for case in skipped] == [case.name for case in not_shipped]
    assert all("SAFEPASSAGE_DATA" in case.skipped for case in skipped)
    monkeypatch.setenv("SAFEPASSAGE_DATA", "somewhere")
    assert not any(case.skipped for case in all_cases())
