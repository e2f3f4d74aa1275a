"""Time the page of `safepassage explore` in a headless Chromium on the same machine, and the same model without it.

The model is first run by itself, twice, in processes that draw nothing, so caches are warm. The server is started as
users start it. First paint is from the browser's navigation to its first drawn picture. Play is pressed and the run is
watched to its end, or for as long as asked. A state is what the model sends after a step; a picture is what the browser
draws, of a state or of movers on their way between two. Own work is the processor time of the server's process beyond
that of the model alone. Then the page is started again and played until so many steps have passed, and what server
and tab hold is compared; and, if asked, a seeded monkey clicks for some minutes.
"""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks.page_monkey import play_about

PROBE = """(() => { const s = window.safepassage;
    return [performance.now() / 1000, s.nDrawn, s.nPainted, s.frames[0].time_s, s.frames[0].step_ms, s.drawMs]; })()"""
POLL_S = 0.25
LONG_MS = 3_600_000
"""No run of the page takes longer than this (ms)."""
RATE = """new Promise((done) => { let n = 0; const began = performance.now();
    const next = () => { n += 1; const s = (performance.now() - began) / 1000; if (s < 1) requestAnimationFrame(next);
        else done(n / s); }; requestAnimationFrame(next); })"""
FLAGS = ["--js-flags=--expose-gc", "--enable-precise-memory-info"]

ALONE = """
import json, sys, time
from safepassage.model.evacuation import EvacuationModel
model, most = EvacuationModel(sys.argv[1]), float(sys.argv[2])
n, wall, cpu = 0, time.perf_counter(), time.process_time()
while model.running and time.perf_counter() - wall < most:
    model.step()
    n += 1
print(json.dumps([n, time.perf_counter() - wall, time.process_time() - cpu]))
"""


def missing() -> str | None:
    """Return why the page cannot be measured here, or None."""
    try:
        import playwright.sync_api  # noqa: F401
        import psutil  # noqa: F401
        import solara  # noqa: F401
    except ImportError as error:
        return f'{error.name} is not installed: pip install "safepassage[app,test]".'
    return None if _chromium() else "there is no chromium or google-chrome on the path: apt install chromium."


def _chromium() -> str | None:
    return os.environ.get("SAFEPASSAGE_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


def measure_page(scenario: str, play_s: float, step_s: float, *, n_steps: int = 0, monkey_min: float = 0.0) -> dict:
    """Return what one showing of the page took.

    scenario: name or path. play_s: longest that the first run is watched (s). step_s: simulated time of one step (s).
    n_steps: steps over which what is held is compared; 0: not at all. monkey_min: minutes of random clicks.
    """
    alone = [sys.executable, "-c", ALONE, scenario, str(play_s)]
    for _ in range(2):  # the first compiles what is not in numba's cache, as the page's server would not
        n, wall_s, cpu_s = json.loads(subprocess.run(alone, capture_output=True, text=True, check=True).stdout)
    found = {"alone_wall_ms": 1e3 * wall_s / n, "alone_cpu_ms": 1e3 * cpu_s / n}
    began = time.perf_counter()
    with _server(scenario) as (server, url, log), _tab() as (tab, browser, faults):
        found["start_s"] = log["listened_s"] - began
        tab.goto(url, wait_until="commit")
        tab.wait_for_function("window.safepassage && window.safepassage.nPainted > 0", polling="raf")
        found["first_paint_s"] = tab.evaluate("performance.now() / 1000")
        found["display_per_s"] = tab.evaluate(RATE)
        play(tab)
        found |= _watch(tab, server, browser, play_s, step_s)
        own_ms = (found["server_cpu_ms"] - found["alone_cpu_ms"]) * found["n_steps"]
        found["own_ms"] = own_ms / max(found["n_states"], 1)
        found["own_picture_ms"] = own_ms / max(found["pictures_per_s"] * found["played_s"], 1)
        if n_steps:
            found |= _growth(tab, server, n_steps, step_s)
        if monkey_min:
            found["n_clicks"] = play_about(tab, seed=20241001, minutes=monkey_min)
        found["monkey_min"] = monkey_min
        found["n_errors"], found["n_foreign"] = len(faults["errors"]), len(faults["foreign"])
        found["n_tracebacks"] = log["text"]().count("Traceback")
        for line in (*faults["errors"], *faults["foreign"]):
            print(f"in the browser: {line}", file=sys.stderr)
    return found


def play(tab) -> None:
    """Press Play, at full speed."""
    tab.get_by_label("Speed", exact=True).select_option("as fast as it can")
    tab.get_by_role("button", name="Play", exact=True).click()
    tab.wait_for_function("safepassage.frames[0].time_s > 0", polling="raf")


def _watch(tab, server, browser, play_s, step_s):
    """Follow the run as it plays, to its end or for play_s; return rates between the first look and the last."""
    looks, cpu_s, end_s = [], [], tab.evaluate("safepassage.towns[0].duration_s")
    metrics = tab.context.new_cdp_session(tab)
    metrics.send("Performance.enable")
    busy_s = [_main_thread_s(metrics)]
    peak_mb = 0.0
    while not looks or (looks[-1][3] < end_s and looks[-1][0] - looks[0][0] < play_s):
        looks.append(tab.evaluate(PROBE))
        cpu_s.append((_cpu_s(server), _cpu_s(browser)))
        peak_mb = max(peak_mb, server.memory_info().rss / 1e6)
        tab.wait_for_timeout(1000 * POLL_S)
    busy_s.append(_main_thread_s(metrics))
    (t0, n0, p0, s0, _, d0), (t1, n1, p1, s1, _, d1) = looks[0], looks[-1]
    n_steps, n_pictures, n_states = (s1 - s0) / step_s, n1 - n0, p1 - p0
    server_s, browser_s = (b - a for a, b in zip(cpu_s[0], cpu_s[-1], strict=True))
    rates = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in zip(looks, looks[4:], strict=False)]
    return {
        "played_s": t1 - t0, "n_steps": n_steps, "n_states": n_states, "pictures_per_s": n_pictures / (t1 - t0),
        "slowest_per_s": min(rates, default=n_pictures / (t1 - t0)), "states_per_s": n_states / (t1 - t0),
        "steps_per_s": n_steps / (t1 - t0), "simulated_per_s": (s1 - s0) / (t1 - t0),
        "step_wall_ms": median(look[4] for look in looks), "server_cpu_ms": 1e3 * server_s / n_steps,
        "browser_cpu_ms": 1e3 * browser_s / n_pictures, "draw_ms": (d1 - d0) / n_pictures,
        "main_thread_ms": 1e3 * (busy_s[1] - busy_s[0]) / n_pictures, "peak_mb": peak_mb,
    }  # fmt: skip


def _main_thread_s(metrics) -> float:
    """Return how long the page's main thread has been busy so far (s)."""
    return next(m["value"] for m in metrics.send("Performance.getMetrics")["metrics"] if m["name"] == "TaskDuration")


def _growth(tab, server, n_steps, step_s):
    """Return how much more server and tab hold after so many more steps (MB).

    The run that was watched is played to its end; then as many runs more as it takes, the last to its end too. Of a run
    that has more steps than that, its own later moments are compared.
    """
    end_s = tab.evaluate("safepassage.towns[0].duration_s")
    is_long = end_s / step_s > n_steps + 100
    if is_long:
        _start_again(tab)
    _play_until(tab, 100 * step_s if is_long else end_s)
    held, done = [_held_mb(tab, server)], 0.0
    while done < n_steps:
        if not is_long:
            _start_again(tab)
        began_s = tab.evaluate("safepassage.frames[0].time_s")
        _play_until(tab, min(end_s, began_s + n_steps * step_s))
        done += (tab.evaluate("safepassage.frames[0].time_s") - began_s) / step_s
    held.append(_held_mb(tab, server))
    server_mb, tab_mb = (b - a for a, b in zip(*held, strict=True))
    return {"grown_server_mb": server_mb, "grown_tab_mb": tab_mb, "grown_over": done}


def _start_again(tab):
    tab.evaluate("safepassage.play({ what: 'pause' }); safepassage.restart()")
    tab.wait_for_function("safepassage.frames[0]?.time_s === 0 && !safepassage.building.stage", timeout=LONG_MS)


def _play_until(tab, time_s):
    if tab.evaluate("safepassage.frames[0].time_s") < time_s and not tab.evaluate("safepassage.player.playing"):
        play(tab)
    tab.wait_for_function(f"safepassage.frames[0].time_s >= {time_s}", timeout=LONG_MS)
    tab.evaluate("safepassage.play({ what: 'pause' })")
    tab.wait_for_function("safepassage.player.playing === false")


def _held_mb(tab, server) -> tuple[float, float]:
    """Return what the server's process and the tab's scripts hold (MB)."""
    tab.evaluate("window.gc()")
    return server.memory_info().rss / 1e6, tab.evaluate("performance.memory.usedJSHeapSize") / 1e6


def _cpu_s(process) -> float:
    """Return the processor time of a process and those that it has started and that live (s)."""
    total = 0.0
    for one in (process, *process.children(recursive=True)):
        times = one.cpu_times()
        total += times.user + times.system
    return total


@contextmanager
def _server(scenario: str):
    """`safepassage explore` on a free port: (its process, its address, when it listened and what it has printed)."""
    import psutil

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    what = str(Path(scenario).resolve()) if Path(scenario).exists() else scenario
    command = [sys.executable, "-m", "safepassage.cli.main", "explore", what, "--no-browser", "--port", str(port)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        environment = os.environ | {"SAFEPASSAGE_TOKEN": (token := secrets.token_urlsafe())}
        with open(path, "w", encoding="utf-8") as log:
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment, cwd=folder)
        try:
            while socket.socket().connect_ex(("127.0.0.1", port)):
                if process.poll() is not None:
                    raise RuntimeError(path.read_text(encoding="utf-8"))
                time.sleep(0.02)
            told = {"listened_s": time.perf_counter(), "text": lambda: path.read_text(encoding="utf-8")}
            yield psutil.Process(process.pid), f"http://127.0.0.1:{port}/?token={token}", told
        finally:
            process.terminate()
            process.wait(20)


@contextmanager
def _tab():
    """An empty tab of a headless browser: (the tab, the browser's process, errors and foreign requests so far)."""
    import psutil
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=_chromium(), headless=True, args=FLAGS)
        main = next(p for p in psutil.Process().children(recursive=True) if "chrom" in p.name())
        while "chrom" in main.parent().name():
            main = main.parent()
        faults: dict[str, list[str]] = {"errors": [], "foreign": []}
        tab = browser.new_page(viewport={"width": 1500, "height": 1000})
        tab.on("console", lambda said: faults["errors"].append(said.text) if said.type == "error" else None)
        tab.on("pageerror", lambda error: faults["errors"].append(str(error)))
        tab.on("request", lambda asked: faults["foreign"].append(asked.url) if is_foreign(asked.url) else None)
        tab.on("dialog", lambda dialog: dialog.accept())
        try:
            yield tab, main, faults
        finally:
            browser.close()


def is_foreign(url: str) -> bool:
    """Return whether an address is not of this machine."""
    return not url.startswith(("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:", "about:"))


HEADER = ["quantity", "median", "must be", "of each look"]
ROWS = {
    "start_s": ("from the command to a server that listens (s)", "{:.1f}", "at most 5"),
    "first_paint_s": ("from navigation to the first picture (s)", "{:.2f}", "at most 3"),
    "pictures_per_s": ("pictures drawn per second", "{:.1f}", "at least 30"),
    "slowest_per_s": ("the same in the slowest second", "{:.1f}", "at least 20"),
    "display_per_s": ("pictures that this browser could show per second, drawing none", "{:.1f}", ""),
    "states_per_s": ("states of the model sent per second", "{:.1f}", ""),
    "steps_per_s": ("steps of the model per second, pauses for saved states included", "{:.1f}", ""),
    "simulated_per_s": ("simulated seconds per second", "{:,.0f}", ""),
    "step_wall_ms": ("the model's step while the page draws (ms)", "{:.1f}", ""),
    "alone_wall_ms": ("the model's step without a page (ms)", "{:.1f}", ""),
    "server_cpu_ms": ("the server's processor per step, all of it (ms)", "{:.1f}", ""),
    "alone_cpu_ms": ("processor per step without a page (ms)", "{:.1f}", ""),
    "own_ms": ("the server's own processor, beside the model, per state sent (ms)", "{:.1f}", "at most 6"),
    "own_picture_ms": ("the same per picture drawn (ms)", "{:.1f}", "at most 6"),
    "draw_ms": ("the browser's drawing of the maps per picture (ms)", "{:.1f}", ""),
    "main_thread_ms": ("the browser's main thread per picture, all of it (ms)", "{:.1f}", ""),
    "browser_cpu_ms": ("the browser's processor per picture, all processes (ms)", "{:.1f}", ""),
    "peak_mb": ("the server's peak memory in the first run (MB)", "{:.0f}", ""),
    "played_s": ("watched for (s)", "{:.1f}", ""),
    "grown_over": ("steps over which memory is compared", "{:.0f}", "2000"),
    "grown_server_mb": ("the server holds more after them (MB)", "{:.0f}", "about 0"),
    "grown_tab_mb": ("the tab holds more after them (MB)", "{:.1f}", "about 0"),
    "monkey_min": ("minutes of random clicks, keys and moves (option --monkey-min)", "{:.0f}", "20"),
    "n_clicks": ("clicks, keys and moves in them", "{:.0f}", ""),
    "n_errors": ("errors on the browser's console", "{:.0f}", "0"),
    "n_tracebacks": ("tracebacks of the server", "{:.0f}", "0"),
    "n_foreign": ("requests to other machines", "{:.0f}", "0"),
}


def rows_of(looks: list[dict]) -> list[list[str]]:
    """Return the table: what, median over the looks, what issue 18 demands, each look; what was not measured is out."""
    rows = []
    for name, (title, form, must) in ROWS.items():
        values = [look[name] for look in looks if name in look]
        if values:
            rows.append([title, form.format(median(values)), must, ", ".join(form.format(value) for value in values)])
    return rows
