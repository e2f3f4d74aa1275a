"""The page answers only those who have its address with the token, and only to its own name and its own page."""

import json
import socket

import pytest

from safepassage.app.actions import MOST_VEHICLES, Actions
from safepassage.app.choices import ALONE, Choices
from safepassage.app.guard import LOOPBACK, Guard, names_of, new_token
from safepassage.cli.explore import _serve
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.scenario import InvalidScenario, load

PORT, RIGHT = 8765, "right"
OURS = "127.0.0.1:8765"


def guard():
    async def answered(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    return Guard(answered, hosts=LOOPBACK, port=PORT, token=RIGHT)


def asked(host=OURS, origin=None, query="", cookie=None, kind="http"):
    headers = [(b"host", host.encode())]
    headers += [(b"origin", origin.encode())] if origin else []
    headers += [(b"cookie", cookie.encode())] if cookie else []
    return {"type": kind, "headers": headers, "query_string": query.encode(), "path": "/"}


@pytest.mark.parametrize("request_", [
    asked(query="token=right"), asked(cookie="safepassage-8765=right"),
    asked(host="localhost:8765", cookie="other=1; safepassage-8765=right"),
    asked(origin="http://127.0.0.1:8765", cookie="safepassage-8765=right", kind="websocket"),
])  # fmt: skip
def test_the_page_itself_is_answered(request_):
    assert guard().refusal(request_) == ""


@pytest.mark.parametrize(("request_", "why"), [
    (asked(), "token"), (asked(query="token=wrong"), "token"), (asked(query="token="), "token"),
    (asked(cookie="safepassage-9999=right"), "token"), (asked(query="token=\xff"), "token"),
    (asked(kind="websocket"), "token"),
    (asked(host="evil.example:8765", query="token=right"), "name"),
    (asked(host="127.0.0.1", query="token=right"), "name"),
    (asked(origin="http://evil.example", query="token=right", kind="websocket"), "another web page"),
    (asked(origin="null", cookie="safepassage-8765=right", kind="websocket"), "another web page"),
    (asked(origin="http://127.0.0.1:9999", cookie="safepassage-8765=right"), "another web page"),
])  # fmt: skip
def test_others_are_refused_with_the_reason(request_, why):
    assert why in guard().refusal(request_)


def test_two_hosts_in_one_request_are_refused():
    request = asked(query="token=right")
    request["headers"].append((b"host", b"evil.example"))
    assert "name" in guard().refusal(request)


def test_tokens_differ_and_are_long():
    assert len({new_token() for _ in range(100)}) == 100
    assert len(new_token()) >= 32


def test_an_address_of_the_network_has_its_own_name_only():
    assert names_of("192.0.2.7") == ("192.0.2.7",)
    assert names_of("127.0.0.1") == LOOPBACK


def test_no_page_is_told_of_on_a_port_that_another_listens_on():
    pytest.importorskip("uvicorn", reason="uvicorn is not installed (extra `app`)")
    told = []
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(SystemExit):
            _serve(None, "127.0.0.1", other.getsockname()[1], [lambda: told.append("the page")])
    assert told == []


def test_a_foreign_page_cannot_choose_a_file_or_a_key_that_the_page_does_not_show(tmp_path):
    secret = tmp_path / "secret.yaml"
    secret.write_text("password: hunter2\n")
    choices = Choices("tiny_town")
    for kind in ("scenario", "plan", "compare"):
        choices.choose(kind, str(secret))
        assert "hunter2" not in json.dumps(choices.problems) and "password" not in json.dumps(choices.problems)
        assert "Choose one of those in the list" in choices.problems[kind]
    choices.change("streets.network", str(secret))
    assert choices.overrides == {} and "not among the fields" in choices.problems["run"]
    assert (choices.name, choices.compare) == ("tiny_town", ALONE)


def test_what_would_fill_the_machine_is_refused():
    actions = Actions(
        EvacuationModel("coquimbo", plan="buses", **{"run.duration_h": 0.1, "population.residents": 2000})
    )
    fleet = actions.model.settings.services.fleets[0].name
    with pytest.raises(ScenarioError, match="at most 2,000 more"):
        actions.do({"kind": "buses", "fleet": fleet, "n": 1_000_000_000})
    actions.do({"kind": "buses", "fleet": fleet, "n": MOST_VEHICLES})
    with pytest.raises(ScenarioError, match="at most 0 more"):
        actions.do({"kind": "buses", "fleet": fleet, "n": 1})


def test_an_order_that_is_clicked_twice_is_one():
    actions = Actions(EvacuationModel("tiny_town", **{"run.duration_h": 0.1}))
    before = len(actions.orders)
    actions.do({"kind": "order", "compliance": 0.5})
    with pytest.raises(ScenarioError, match="Let time pass"):
        actions.do({"kind": "order", "compliance": 0.5})
    assert len(actions.orders) == before + 1


def test_an_exit_whose_closing_is_clicked_twice_is_closed_once_and_can_be_opened_again():
    actions = Actions(EvacuationModel("tiny_town"))
    close = {"kind": "exit", "name": "North road", "close": True}
    actions.do(close)
    with pytest.raises(ScenarioError, match="already been closed, from the next step on"):
        actions.do(close)
    assert len(actions.log) == len(actions.closures["exits"]) == 1
    actions.do({**close, "close": False})
    assert actions.closures["exits"] == []
    actions.do(close)
    assert len(actions.closures["exits"]) == 1
    streets = actions.model.streets
    ends = [str(streets.node_id[node[0]]) for node in (streets.link_upstream, streets.link_downstream)]
    actions.do({"kind": "street", "between": ends, "close": True})
    with pytest.raises(ScenarioError, match="already been closed"):
        actions.do({"kind": "street", "between": ends[::-1], "close": True})


def test_plans_of_another_scenario_are_not_offered_and_are_refused_by_name():
    assert {"buses", "more_seats", "door_to_door"} & set(Choices("tiny_town").plans()) == set()
    assert "buses" in Choices("coquimbo").plans() and "more_seats" not in Choices("coquimbo").plans()
    with pytest.raises(InvalidScenario, match="this plan is not for tiny_town"):
        load("tiny_town", plan="door_to_door")


@pytest.mark.parametrize(
    ("named", "fits"), [("tiny_town", True), ("[a, tiny_town]", True), ("[a]", False), ("3", False)]
)
def test_a_plan_may_name_the_scenarios_that_it_is_for(tmp_path, named, fits):
    path = tmp_path / "p.yaml"
    path.write_text(f"name: p\nscenario: {named}\norders: []\n")
    if fits:
        assert load("tiny_town", plan=path).plan == "p"
    else:
        with pytest.raises(InvalidScenario, match="scenario"):
            load("tiny_town", plan=path)
