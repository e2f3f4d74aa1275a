"""What several files of tests share: the page's server, and tabs of a real browser; without one they skip."""

import os
import shutil

import pytest
from browsing import PAINTED, Server, outside
from processes import LIMIT_S

CHROMIUM = os.environ.get("SAFEPASSAGE_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("page"), "tiny_town")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra `test`)")
    if not CHROMIUM:
        pytest.skip("no chromium or google-chrome on the path: apt install chromium")
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
    faults = []
    for page in opened:
        faults += page.faults
        page.evaluate("try { localStorage.clear() } catch (error) { }")  # the next test begins in English
        page.close()
    assert faults == []
