"""The page in a real browser, end to end. Skips, saying why, where there is no browser."""

import http.client
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from processes import LIMIT_S, free_port, is_listened_on, wait_for

sys.path.append(str(Path(__file__).parent.parent))

from benchmarks.page_monkey import Monkey
from safepassage.experiments.reports.answer.language import Language
from safepassage.model.evacuation import EvacuationModel

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra `test`)")
pytest.importorskip("solara", reason="solara is not installed (extra `app`)")

CHROMIUM = os.environ.get("SAFEPASSAGE_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no chromium or google-chrome on the path: apt install chromium")
PAINTED = "window.safepassage && window.safepassage.nPainted > 0"
STILL_MS = 500
STANDS_STILL = """(() => {
    const before = window.wasShown;
    window.wasShown = window.safepassage.frames[0].time_s;
    return window.wasShown === before;
})()"""


class Server:
    """`safepassage explore` in a process of its own."""

    def __init__(self, folder, what, *options):
        port = free_port()
        self.folder, self.log = folder, folder / "server.log"
        command = [sys.executable, "-m", "safepassage.cli.main", "explore", str(what), "--no-browser", *options]
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [*command, "--port", str(port)], cwd=folder, stdout=log, stderr=subprocess.STDOUT
            )
        self.port = port
        try:
            wait_for(lambda: is_listened_on(port), self.process)
        except AssertionError as error:
            self.process.kill()
            raise AssertionError(self.log.read_text(encoding="utf-8")) from error
        self.url = re.search(r"http://\S+", self.log.read_text(encoding="utf-8"))[0]

    def tracebacks(self):
        return re.findall(r"Traceback[\s\S]{0,2000}", self.log.read_text(encoding="utf-8"))

    def stop(self):
        self.process.terminate()
        self.process.wait(LIMIT_S)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("page"), "tiny_town")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with playwright.sync_playwright() as driver:
        context = driver.chromium.launch_persistent_context(
            str(tmp_path_factory.mktemp("profile")), executable_path=CHROMIUM, headless=True,
            viewport={"width": 1500, "height": 1000},
        )  # fmt: skip
        context.set_default_timeout(1000 * LIMIT_S)
        yield context
        context.close()


@pytest.fixture
def open_page(browser):
    """Return a function that opens a tab and notes all that must not happen in it."""
    opened = []

    def open_one(url, *, is_page=True):
        page = browser.new_page()
        page.faults = []
        page.on("console", lambda message: page.faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.on("request", lambda request: page.faults.append(f"asked {request.url}") if outside(request.url) else None)
        page.goto(url)
        if is_page:
            page.wait_for_function(PAINTED)
        opened.append(page)
        return page

    yield open_one
    for page in opened:
        assert page.faults == []
        page.close()


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


def outside(url):
    return not url.startswith(("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:"))


def shown_s(page):
    return page.evaluate("window.safepassage.frames[0]?.time_s")


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def until_at(page, time_s):
    page.wait_for_function(f"window.safepassage.frames[0]?.time_s >= {time_s}")


def drawer(page, name):
    """Open a drawer, if it is not open."""
    opener = button(page, name)
    if opener.get_attribute("aria-pressed") != "true":
        opener.click()


def close_north_exit(page):
    """Close the first exit on the map, and open the drawer in which acts stand."""
    click_on_map(page, "m.town.exits[0].xy")
    page.get_by_role("button", name="Close this exit").click()
    drawer(page, "Act")


def play(page):
    """Press Play, at full speed."""
    page.get_by_label("Speed", exact=True).select_option("as fast as it can")
    button(page, "Play").click()


def set_field(page, key, value):
    """Write a value into a field of the scenario."""
    drawer(page, "Ask")
    field = page.locator(f'[id="f-{key}"]')
    if not field.is_visible():
        page.get_by_text("The run", exact=True).click()
    field.fill(value)
    field.press("Enter")


def pause(page):
    """Press Pause; return the time shown once it stands still (s)."""
    button(page, "Pause").click()
    button(page, "Play").wait_for()
    page.wait_for_function(STANDS_STILL, polling=STILL_MS)
    return shown_s(page)


def click_on_map(page, place, which=0):
    """Click where `place`, an expression of the map m, stands."""
    x, y = page.evaluate(
        f"(() => {{ const m = window.safepassage.maps[{which}], p = {place}; return [m.px(p[0]), m.py(p[1])] }})()"
    )
    box = page.locator(".sp-over").nth(which).bounding_box()
    page.mouse.click(box["x"] + x, box["y"] + y)


def test_it_plays_pauses_steps_and_starts_again(server, open_page):
    page = open_page(server.url)
    assert page.title() == "Safepassage: tiny_town"
    assert shown_s(page) == 0
    play(page)
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


def test_a_changed_slider_counts_after_reset_and_a_wrong_value_is_explained(server, open_page):
    page = open_page(server.url)
    set_field(page, "run.seed", "banana")
    problem = page.locator(".sp-bad")
    problem.wait_for()
    assert "integer" in problem.inner_text()
    set_field(page, "run.seed", "7")
    page.get_by_role("button", name="Start again with these").click()
    page.wait_for_function("window.safepassage.towns[0].seed === 7")
    set_field(page, "orders.0.compliance", "1.5")
    problem.wait_for()
    assert "less than or equal to 1" in problem.inner_text()
    assert server.tracebacks() == []


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


FAINT = """() => {
  const rgb = (text) => (text.match(/[0-9.]+/g) || []).map(Number);
  const lum = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => { for (let e = element; e; e = e.parentElement) {
    const c = rgb(getComputedStyle(e).backgroundColor); if (c.length === 3 || c[3] > 0.99) return c; }
    return [255, 255, 255]; };
  const faint = [];
  for (const e of document.querySelectorAll(".sp-board *, .sp-fields *")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.getClientRects().length || e.closest("svg, canvas, option")) continue;
    const style = getComputedStyle(e), a = lum(rgb(style.color)), b = lum(ground(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), size = parseFloat(style.fontSize);
    const enough = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
    if (ratio < enough) faint.push(`${e.textContent.trim().slice(0, 30)}: ${ratio.toFixed(1)}`);
  }
  return faint;
}"""
"""Texts whose contrast is under that of WCAG 2.2, success criterion 1.4.3 (AA)."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_in_both_themes(server, open_page, scheme):
    page = open_page("about:blank", is_page=False)
    page.emulate_media(color_scheme=scheme)
    page.goto(server.url)
    page.wait_for_function(PAINTED)
    click_on_map(page, "m.town.exits[0].xy")
    page.get_by_role("button", name="Close this exit").wait_for()
    assert page.evaluate(FAINT) == []
    assert page.evaluate("getComputedStyle(document.querySelector('.v-application')).backgroundColor") == {
        "light": "rgb(255, 255, 255)", "dark": "rgb(18, 18, 18)"}[scheme]  # fmt: skip


def test_a_click_tells_what_a_street_is(server, open_page):
    page = open_page(server.url)
    ends = "s.xy[2 * a] + s.xy[2 * a + 2], s.xy[2 * a + 1] + s.xy[2 * a + 3]"
    place = f"(() => {{ const s = m.streets, a = s.first[5]; return [{ends}].map((v) => v / 2) }})()"
    click_on_map(page, place)
    page.get_by_text("now on it").or_(page.get_by_text("would decide within a day")).first.wait_for()
    assert server.tracebacks() == []


def test_what_is_told_of_a_place_follows_the_time_and_the_end_is_said(server, open_page):
    page = open_page(server.url)
    set_field(page, "run.duration_h", "1")
    page.get_by_role("button", name="Start again with these").click()
    page.wait_for_function("window.safepassage.towns[0].duration_s === 3600")
    click_on_map(page, "m.town.exits[0].xy")
    out = page.locator("dd").first
    assert out.inner_text() == "0 people"
    play(page)
    page.get_by_text("The run is over.").wait_for()
    page.wait_for_function("document.querySelector('.sp-card dd').innerText !== '0 people'")
    assert page.get_by_role("button", name="Close this exit").count() == 0
    drawer(page, "Act")
    assert page.get_by_role("button", name="Issue the order now").is_disabled()
    assert server.tracebacks() == []


def test_two_plans_run_side_by_side(server, open_page):
    page = open_page(server.url)
    drawer(page, "Ask")
    page.get_by_label("Beside it, under the same shells").select_option("no plan")
    page.get_by_role("button", name="Start again with these").click()
    page.wait_for_function("window.safepassage.maps.length === 2")
    page.locator(".sp-legend summary").click() if not page.locator(".sp-legend[open]").count() else None
    legend, right = (page.locator(one).bounding_box() for one in (".sp-legend", ".sp-map >> nth=1"))
    assert legend["y"] >= right["y"] + right["height"] - 1, "the legend lies beneath both maps and covers neither"
    play(page)
    until_at(page, 1200)
    pause(page)
    same = page.evaluate("JSON.stringify(safepassage.counts[0]) === JSON.stringify(safepassage.counts[1])")
    assert same, "the same plan twice must come out the same"
    assert server.tracebacks() == []


def test_what_is_done_on_the_right_map_goes_into_its_own_plan(server, open_page):
    page = open_page(server.url)
    drawer(page, "Ask")
    page.get_by_label("Beside it, under the same shells").select_option("no plan")
    page.get_by_role("button", name="Start again with these").click()
    page.wait_for_function("window.safepassage.maps.length === 2")
    click_on_map(page, "m.town.exits[0].xy", which=1)
    page.locator(".sp-on", has_text="right map").wait_for()
    page.get_by_role("button", name="Close this exit").click()
    drawer(page, "Act")
    page.get_by_text("close exit North road").wait_for()
    page.get_by_label("right: no plan").check()
    page.get_by_role("button", name="Issue the order now").click()
    page.get_by_text("voluntary order to all zones").wait_for()
    button(page, "Step: advance one step").click()
    page.wait_for_function("window.safepassage.frames[1]?.exits[2] === 0")
    assert page.evaluate("window.safepassage.frames[0].exits[2]") == 1
    page.get_by_label("Name of the plan of the right map").fill("right one")
    page.get_by_role("button", name="Save as a plan").click()
    page.get_by_text("Saved.").wait_for()
    plan = yaml.safe_load((server.folder / "plans" / "right_one.yaml").read_text())
    assert [one["name"] for one in plan["closures"]["exits"]] == ["North road"] and len(plan["orders"]) == 2
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


def test_the_page_fills_one_screen_and_only_the_drawer_scrolls(server, open_page):
    page = open_page(server.url)
    for width, height in ((1366, 768), (1024, 768)):
        page.set_viewport_size({"width": width, "height": height})
        for name in ("Ask", "Act", "Who", "Log", "Charts"):
            drawer(page, name)
            assert page.evaluate("document.documentElement.scrollHeight") <= height
            inside = (
                "(e) => { const b = e.getBoundingClientRect(); return b.width > 150 && b.bottom <= innerHeight + 1 }"
            )
            for part in (".sp-map", ".sp-key-charts figure:last-of-type .sp-chart"):
                assert page.locator(part).first.evaluate(inside), (width, name, part)
    page.set_viewport_size({"width": 1500, "height": 1000})


HIDDEN_EXITS = """() => {
  const map = window.safepassage.maps[0], over = map.over, at = over.getBoundingClientRect();
  const shown = (e) => document.elementFromPoint(at.left + map.px(e.xy[0]), at.top + map.py(e.xy[1]) - 3) === over;
  return map.town.exits.filter((e) => !shown(e)).map((e) => e.name);
}"""
"""Exits over which something else lies."""


def test_neither_the_legend_nor_a_drawer_hides_an_exit_of_the_whole_town(server, open_page):
    page = open_page(server.url)
    for width, height in ((1366, 768), (1024, 768)):
        page.set_viewport_size({"width": width, "height": height})
        page.reload()  # a narrow window opens with its legend closed
        page.wait_for_function(PAINTED)
        for name in ("Ask", "Log"):
            drawer(page, name)
            page.wait_for_timeout(300)
            assert page.evaluate(HIDDEN_EXITS) == [], (width, name)
        button(page, "Log").click()
        page.wait_for_timeout(300)
        assert page.evaluate(HIDDEN_EXITS) == [], width
    close_north_exit(page)
    button(page, "Reset: start again with the values chosen").click()
    page.get_by_role("button", name="Keep on").click()  # of a question that no drawer covers
    page.set_viewport_size({"width": 1500, "height": 1000})


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


CROWD = """(n) => {
  const m = window.safepassage.maps[0], f = { ...m.frame, n, points: new Uint16Array(2 * n), kind: new Uint8Array(n) };
  f.party = new Uint32Array(n).map((_, i) => i);
  for (let i = 0; i < n; i++) {
    f.points[2 * i] = 20000 + (i * 7919) % 25000;
    f.points[2 * i + 1] = 20000 + (i * 104729) % 25000;
  }
  m.frame = f; m.from = null; m.draw();
  return [m.isDense(), m.isDense() ? m.denseScale() : []];
}"""
"""Draws so many movers; returns whether as density, and the numbers of its scale."""


def test_two_hundred_thousand_movers_are_dots_and_a_million_is_density_with_a_scale(server, open_page):
    page = open_page(server.url)
    assert page.evaluate(CROWD, 200_000) == [False, []]
    is_dense, scale = page.evaluate(CROWD, 1_000_000)
    assert is_dense and scale[-1] >= 100 and scale == sorted(scale) and len(scale) >= 3


RIVER = """(() => {
  const m = window.safepassage.maps[0], p = m.town.background[0].parts[0];
  const x = Math.round(m.px(p[4])), y = Math.round(m.py(p[5]));
  return [...m.c.getImageData(x * m.ratio, y * m.ratio, 1, 1).data].slice(0, 3);
})()"""
"""Colour of a point of the river: red, green, blue."""


def test_the_river_lies_beneath_the_streets_and_can_be_switched_off(server, open_page):
    page = open_page(server.url)
    river = page.evaluate(RIVER)
    assert river[2] - river[0] > 30, "blue"
    legend = page.locator(".sp-legend")
    assert (
        legend.locator("span", has_text="water").count() == 1
        and legend.locator("span", has_text="railway").count() == 0
    )
    page.get_by_label("water, green, railway").uncheck()
    page.wait_for_function(f"{RIVER}[2] - {RIVER}[0] < 10")
    assert legend.locator("span", has_text="water").count() == 0


def test_a_place_is_found_by_its_name_and_streets_are_coloured_by_danger(server, open_page):
    page = open_page(server.url)
    page.evaluate("window.safepassage.go_to(3600)")
    until_at(page, 3600)
    search = page.get_by_label("Find a street, zone, exit or household on the map")
    for text, title in (("South", "Exit: South road"), ("household 12", "Household 12:")):
        search.fill(text)
        search.press("Enter")
        page.locator(".sp-card h2", has_text=title).wait_for()
    page.get_by_label("Colour streets by").select_option("danger")
    page.wait_for_function("window.safepassage.maps[0].layer && Math.max(...window.safepassage.maps[0].layer) === 255")
    assert server.tracebacks() == []


IN_ENGLISH = """() => {
  const words = window.safepassage.language.words, found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode.textContent.trim(), e = walk.currentNode.parentElement;
    if (words[text] && words[text] !== text && !e.closest("[lang=en], script, style")) found.push(text);
  }
  for (const name of ["title", "aria-label", "placeholder"])
    for (const e of document.querySelectorAll(`.sp-board [${name}]`)) {
      const text = e.getAttribute(name);
      if (words[text] && words[text] !== text) found.push(text);
    }
  return found;
}"""
"""Texts that stand there in English although the catalogue has them in the language chosen."""
CUT_OFF = """() => [...document.querySelectorAll(".sp-board button, .sp-fields button, .sp-legend span, .sp-count span")
  ]  .filter((e) => e.getClientRects().length && !e.classList.contains("sp-notice"))
  .filter((e) => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== "inline")
  .map((e) => e.textContent.trim())"""
"""Words that do not fit into what holds them."""


def test_the_page_speaks_ukrainian_and_longer_words_find_room(server, open_page):
    page = open_page(server.url)
    close_north_exit(page)
    page.get_by_label("Language").select_option("uk")
    say = Language("uk")
    page.get_by_role("button", name=say("Play")).wait_for()
    assert page.get_by_text(say("close exit {name}", name="North road")).is_visible()
    assert page.get_by_text(say("not reviewed"), exact=True).is_visible()
    for width, height in ((1024, 768), (1366, 768)):
        page.set_viewport_size({"width": width, "height": height})
        for number in range(page.locator(".sp-rail button").count()):
            page.locator(".sp-rail button").nth(number).click()
            page.wait_for_timeout(60)
            assert page.evaluate(IN_ENGLISH) == []
            assert page.evaluate(CUT_OFF) == [], (width, number)
    page.set_viewport_size({"width": 1500, "height": 1000})
    page.reload()
    page.get_by_role("button", name=say("Leave it")).click()
    page.locator(".sp-language").select_option("en")
    button(page, "Play").wait_for()
    assert server.tracebacks() == []


GROUND = "(e) => [...e.getContext('2d').getImageData(e.width - 2, e.height - 2, 1, 1).data].slice(0, 3)"


def test_charts_follow_the_theme_and_every_colour_stands_out_or_has_an_edge(server, open_page):
    page = open_page(server.url)
    for scheme, ground in (("light", [255, 255, 255]), ("dark", [30, 30, 30])):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(300)
        chart = page.locator(".sp-key-charts canvas").first
        assert chart.evaluate(GROUND) == ground
        colours = chart.evaluate("(e) => getComputedStyle(e).getPropertyValue('--sp-quiet')")
        ratio = contrast(colours.strip(), "#{:02x}{:02x}{:02x}".format(*ground))
        assert ratio >= 4.5, (scheme, ratio)
    page.emulate_media(color_scheme="light")


def contrast(one, other):
    """Return the contrast of two colours (WCAG 2.2)."""

    def luminance(colour):
        values = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
        return sum(share * v for share, v in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def test_the_names_of_values_stand_behind_expert(server, open_page):
    page = open_page(server.url)
    drawer(page, "Ask")
    page.get_by_text("What is this?").first.click()
    key = page.locator(".sp-key").first
    assert key.is_hidden() and page.locator(".sp-fields label", has_text="How many do as told").count() == 1
    page.get_by_label("expert: show the names of the values in files").check()
    key.wait_for()
    assert key.inner_text() == "orders.0.issued_h"


def test_a_question_fills_a_plan_and_its_answer_is_shown_as_one_map_of_differences(server, open_page):
    page = open_page(server.url)
    drawer(page, "Ask")
    page.get_by_role("button", name="Order earlier").click()
    page.get_by_text("the plan of the right map").wait_for()
    page.get_by_role("button", name="Start again with these").click()
    page.wait_for_function("window.safepassage.maps.length === 2")
    page.evaluate("window.safepassage.go_to(3600)")
    until_at(page, 3600)
    view = page.evaluate("window.safepassage.maps[0].view.k")
    page.get_by_label("one map: where more or fewer are left").check()
    page.wait_for_function("window.safepassage.maps[0].difference")
    assert page.locator(".sp-map").nth(1).is_hidden()
    assert page.evaluate("window.safepassage.maps[0].view.k") >= view, "the hidden map must not shrink the view shared"
    assert page.evaluate("window.safepassage.maps[0].difference.right < window.safepassage.maps[0].difference.left")
    assert server.tracebacks() == []


def test_a_zone_clicked_on_the_map_is_put_on_the_order(server, open_page):
    page = open_page(server.url)
    click_on_map(page, "[m.town.zones[0].rings[0][0] + 900, m.town.zones[0].rings[0][1] + 900]")
    title = "Zone: " + page.evaluate("window.safepassage.towns[0].zones[0].name")
    page.locator(".sp-card h2, .sp-also button", has_text=title).first.wait_for()
    if page.locator(".sp-also button", has_text=title).count():
        page.locator(".sp-also button", has_text=title).click()
    page.get_by_role("button", name="Put this zone on the order").click()
    page.get_by_role("button", name="Issue the order now").click()
    name = page.evaluate("window.safepassage.towns[0].zones[0].name")
    page.get_by_text(f"Voluntary order to {name} (66% do as told)").wait_for()
    assert server.tracebacks() == []


TIP = """(at) => {
  const m = window.safepassage.maps[0], [x, y] = new Function("m", `return ${at}`)(m);
  return m.told(m.px(x), m.py(y)).split("\\n");
}"""
"""Lines of the tip at a place of the map."""


def test_what_is_under_the_pointer_is_told_with_its_numbers(server, open_page):
    page = open_page(server.url)
    exit_told = page.evaluate(TIP, "m.town.exits[0].xy")
    assert exit_told == ["Exit: North road, 0 out", "cars on its last kilometre: 0"]
    street = page.evaluate(TIP, "[...m.streets.xy.slice(2 * m.streets.first[99], 2 * m.streets.first[99] + 2)]")
    assert re.fullmatch(r"[a-z ]+, \d+ m long", street[1]) and len(street) == 2
    zone = page.evaluate(TIP, "[m.town.zones[0].rings[0][0] + 900, m.town.zones[0].rings[0][1] + 900]")
    residents = page.evaluate("window.safepassage.towns[0].zones[0].n")
    assert residents > 0 and zone[0].endswith(f"residents: {residents}")
