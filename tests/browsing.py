"""A page in a real browser, as tests use it: its server, and what a user does on it."""

import re
import subprocess
import sys

import pytest
from processes import LIMIT_S, free_port, wait_for

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
        pytest.importorskip("solara", reason="solara is not installed (extra `app`)")
        self.port = free_port()
        self.folder, self.log = folder, folder / "server.log"
        command = [sys.executable, "-m", "safepassage.cli.main", "explore", str(what), "--no-browser", *options]
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [*command, "--port", str(self.port)], cwd=folder, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            wait_for(self._address, self.process)
        except AssertionError as error:
            self.process.kill()
            raise AssertionError(self.log.read_text(encoding="utf-8")) from error
        self.url = self._address()[0]

    def _address(self):
        return re.search(r"http://\S+(?= )", self.log.read_text(encoding="utf-8"))

    def tracebacks(self):
        return re.findall(r"Traceback[\s\S]{0,2000}", self.log.read_text(encoding="utf-8"))

    def stop(self):
        self.process.terminate()
        self.process.wait(LIMIT_S)


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


def play(page, speed="as fast as it can"):
    """Press Play, at a speed; slower where the run must not end before the test goes on."""
    page.get_by_label("Speed", exact=True).select_option(speed)
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
