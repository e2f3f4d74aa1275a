"""The maps in a real browser: what is shown, told and picked there, on one map and on two."""

import re

import yaml
from browsing import PAINTED, button, click_on_map, close_north_exit, drawer, pause, play, set_field, until_at


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


AT_ONCE = """(names) => { const all = [...document.querySelectorAll("button")];
  for (const name of names) all.find((one) => one.innerText.endsWith(name)).click(); }"""
"""Press buttons one right after the other, before the server can answer."""


def test_the_answer_to_an_act_leaves_the_drawer_that_was_opened_meanwhile(server, open_page):
    page = open_page(server.url)
    click_on_map(page, "m.town.exits[0].xy")
    page.get_by_role("button", name="Close this exit").wait_for()
    page.evaluate(AT_ONCE, ["Close this exit", "Act"])
    page.locator("[aria-live]", has_text="Done").wait_for(state="attached")
    assert button(page, "Act").get_attribute("aria-pressed") == "true"
    assert page.get_by_text("close exit North road").is_visible()


def test_two_plans_run_side_by_side(server, open_page):
    page = open_page(server.url)
    drawer(page, "Ask")
    page.get_by_label("Beside it, under the same shells").select_option("no plan")
    page.get_by_role("button", name="Start again with these").click()
    page.wait_for_function("window.safepassage.maps.length === 2")
    page.locator(".sp-legend summary").click() if not page.locator(".sp-legend[open]").count() else None
    legend, right = (page.locator(one).bounding_box() for one in (".sp-legend", ".sp-map >> nth=1"))
    assert legend["y"] >= right["y"] + right["height"] - 1, "the legend lies beneath both maps and covers neither"
    play(page, "10 min a second")
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
