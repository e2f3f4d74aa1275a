"""Fields, words, room and colours of the page in a real browser."""

import pytest
from browsing import PAINTED, button, click_on_map, close_north_exit, drawer, set_field

from safepassage.experiments.reports.answer.language import Language

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
    page.get_by_text(say("close exit {name}", name="North road")).wait_for()
    page.get_by_text(say("not reviewed"), exact=True).wait_for()
    counters = page.locator(".sp-count span").all_inner_texts()
    assert "" not in counters and say("dead") in counters
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


def test_a_changed_slider_counts_after_reset_and_a_wrong_value_is_explained(server, open_page):
    page = open_page(server.url)
    set_field(page, "run.seed", "banana")
    problem = page.locator(".sp-bad")
    problem.wait_for()
    assert "integer" in problem.inner_text()
    field = page.locator('[id="f-run.seed"]')
    assert field.input_value() == "banana"
    assert field.evaluate("(e) => getComputedStyle(e).borderTopColor") == problem.evaluate(
        "(e) => getComputedStyle(e).color"
    )
    set_field(page, "run.seed", "1")  # as it was
    problem.wait_for(state="detached")
    set_field(page, "run.seed", "7")
    page.get_by_role("button", name="Start again with these").click()
    page.wait_for_function("window.safepassage.towns[0].seed === 7")
    set_field(page, "orders.0.compliance", "1.5")
    problem.wait_for()
    assert "less than or equal to 1" in problem.inner_text()
    assert server.tracebacks() == []
