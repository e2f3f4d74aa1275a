"""The page in a real browser, end to end: runs, tabs, memory, what is kept and what is refused."""

import http.client
import json
import sys
from pathlib import Path

import pytest
import yaml
from browsing import STILL_MS, Server, button, click_on_map, close_north_exit, drawer, pause, play, shown_s, until_at
from processes import LIMIT_S

sys.path.append(str(Path(__file__).parent.parent))

from benchmarks.page_monkey import Monkey
from safepassage.model.evacuation import EvacuationModel


def answer(server, path="/", **headers):
    """Return status and headers of what the server answers to a request."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=LIMIT_S)
    connection.request("GET", path, headers={"Host": f"127.0.0.1:{server.port}"} | headers)
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status, response.headers


def test_the_address_without_its_token_and_other_names_get_no_answer(server):
    with_token = "/" + server.url.split("/")[-1]
    assert answer(server)[0] == 403
    assert answer(server, with_token, Host=f"evil.example:{server.port}")[0] == 403
    assert answer(server, with_token, Origin="http://evil.example")[0] == 403
    status, headers = answer(server, with_token)
    assert status == 200 and headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    ours = next(one for one in headers.get_all("Set-Cookie") if one.startswith("safepassage"))
    assert "HttpOnly" in ours and "SameSite=Strict" in ours


def test_a_socket_from_another_page_is_refused(server):
    client = pytest.importorskip("websockets.sync.client", reason="websockets is not installed")
    exceptions = pytest.importorskip("websockets.exceptions")
    address = f"ws://127.0.0.1:{server.port}/jupyter/api/kernels/1/channels?session_id=1"
    cookie = {"Cookie": f"safepassage-{server.port}={server.url.split('=')[-1]}"}
    for origin, headers in ((None, {}), ("http://evil.example", cookie), ("http://evil.example", {})):
        with pytest.raises(exceptions.InvalidStatus, match="403"), client.connect(
            address, origin=origin, additional_headers=headers
        ):  # fmt: skip
            pass


def test_it_plays_pauses_steps_and_starts_again(server, open_page):
    page = open_page(server.url)
    assert page.title() == "Safepassage: tiny_town"
    assert shown_s(page) == 0
    play(page, "10 min a second")
    until_at(page, 600)
    stopped = pause(page)
    page.wait_for_timeout(STILL_MS)
    assert shown_s(page) == stopped
    button(page, "Step: advance one step").click()
    until_at(page, stopped + 60)
    assert shown_s(page) == stopped + 60
    button(page, "Reset: start again with the values chosen").click()
    page.wait_for_function("window.safepassage.frames[0]?.time_s === 0")
    assert server.tracebacks() == []


def test_figures_still_owed_when_the_page_starts_again_are_let_go(server, open_page):
    page = open_page(server.url)
    button(page, "Step: advance one step").click()
    until_at(page, 60)
    owed = "s.shown = -1; s.lastText = performance.now(); s.paint()"
    page.evaluate(f"(() => {{ const s = window.safepassage; {owed}; s.frames = []; }})()")
    page.wait_for_timeout(400)
    assert page.faults == []


def test_what_is_done_on_the_map_becomes_a_plan(server, open_page):
    page = open_page(server.url)
    close_north_exit(page)
    page.get_by_role("button", name="Issue the order now").click()
    page.get_by_text("close exit North road").wait_for()
    button(page, "Step: advance one step").click()
    page.wait_for_function("window.safepassage.frames[0]?.exits[2] === 0")
    page.get_by_label("Name of the plan").fill("shut north")
    page.get_by_role("button", name="Save as a plan").click()
    page.get_by_text("Saved.").wait_for()
    plan = yaml.safe_load((server.folder / "plans" / "shut_north.yaml").read_text())
    assert plan["closures"]["exits"] == [{"name": "North road", "from_h": round(60 / 3600, 9)}]
    assert len(plan["orders"]) == 2
    assert server.tracebacks() == []


def test_two_tabs_do_not_disturb_each_other(server, open_page):
    one, two = open_page(server.url), open_page(server.url)
    one.bring_to_front()
    button(one, "Play").click()
    until_at(one, 300)
    pause(one)
    assert shown_s(two) == 0
    two.bring_to_front()
    button(two, "Step: advance one step").click()
    until_at(two, 60)
    assert shown_s(two) == 60 and shown_s(one) >= 300


def test_memory_is_steady_over_500_steps(server, open_page):
    page = open_page(server.url)
    play(page)
    until_at(page, 100 * 60)
    first = memory(server, page)
    for _ in range(2):
        button(page, "Reset: start again with the values chosen").click()
        page.wait_for_function("window.safepassage.frames[0]?.time_s === 0")
        play(page)
        until_at(page, 200 * 60)
    server_mb, browser_mb = (b - a for a, b in zip(first, memory(server, page), strict=True))
    assert server_mb < 60 and browser_mb < 5, (server_mb, browser_mb)
    assert server.tracebacks() == []


def memory(server, page):
    """Return what the server and the tab hold (MB)."""
    psutil = pytest.importorskip("psutil")
    devtools = page.context.new_cdp_session(page)
    for _ in range(2):
        devtools.send("HeapProfiler.collectGarbage")
    heap = devtools.send("Runtime.getHeapUsage")["usedSize"] / 1e6
    return psutil.Process(server.process.pid).memory_info().rss / 1e6, heap


def test_a_recorded_run_is_played_from_its_tables(tmp_path, open_page):
    folder = EvacuationModel("tiny_town", **{"run.duration_h": 2}).run().save(tmp_path / "runs")
    server = Server(tmp_path, folder)
    try:
        page = open_page(server.url)
        page.get_by_label("Moment shown").fill("3600")
        until_at(page, 3600)
        counts = page.evaluate("safepassage.counts[0].status")
        assert sum(counts) == 2000
        manifest = json.loads((folder / "manifest.json").read_text())
        assert page.evaluate("safepassage.towns[0].seed") == manifest["seed"]
        play(page)
        until_at(page, 4200)
        assert server.tracebacks() == []
    finally:
        server.stop()


def test_an_act_can_be_undone_and_time_goes_back_on_the_bar(server, open_page):
    page = open_page(server.url)
    close_north_exit(page)
    page.get_by_role("button", name="Undo: ").click()
    page.get_by_role("button", name="Undo: ").wait_for(state="detached")
    page.evaluate("window.safepassage.go_to(1800)")
    until_at(page, 1800)
    drawer(page, "Log")
    page.locator(".sp-log li").first.wait_for()
    page.get_by_label("Moment shown").fill("600")
    page.wait_for_function("window.safepassage.frames[0]?.time_s === 600 && window.safepassage.player.to_s === null")
    assert page.evaluate("window.safepassage.frames[0].exits[2]") == 1
    assert server.tracebacks() == []


def test_work_goes_on_after_a_reload_and_reset_asks_first(server, open_page):
    page = open_page(server.url)
    page.on("dialog", lambda dialog: dialog.accept())
    click_on_map(page, "m.town.exits[0].xy")
    page.get_by_role("button", name="Close this exit").click()
    button(page, "Step: advance one step").click()
    page.wait_for_function("window.safepassage.frames[0]?.exits[2] === 0")
    page.reload()
    page.get_by_role("button", name="Go on there").click()
    page.wait_for_function("window.safepassage.frames[0]?.exits[2] === 0")
    button(page, "Reset: start again with the values chosen").click()
    page.get_by_role("button", name="Start again", exact=True).click()
    page.wait_for_function("window.safepassage.frames[0]?.time_s === 0")
    page.get_by_role("button", name="Leave it").click()
    assert server.tracebacks() == []


def test_nothing_but_the_address_is_printed_at_start(server):
    lines = server.log.read_text(encoding="utf-8").splitlines()
    assert [line.split(" ", 3)[:2] for line in lines] == [["The", "page"], ["Plans", "that"]]


def test_no_click_and_no_key_however_random_breaks_the_page(server, open_page):
    page = open_page(server.url)
    page.on("dialog", lambda dialog: dialog.accept())
    monkey = Monkey(page, seed=20241001)
    for _ in range(60):
        monkey.act()
    page.evaluate("window.safepassage.play({ what: 'pause' })")
    page.wait_for_function("window.safepassage.player.playing === false && window.safepassage.frames.length > 0")
    button(page, "Charts").evaluate("(e) => e.click()")
    assert server.tracebacks() == []
