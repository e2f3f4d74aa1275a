"""Time the page of `safepassage explore` in a headless Chromium on the same machine, and the same model without it.

The server is the one that users start. First paint is from the browser's navigation to its first drawn picture. Then
Play is pressed and the run is watched to its end, or for as long as asked: pictures that the browser has drawn, steps
that the model has taken, processor time of the server's process (model, pictures, sockets: all of it) and of the
browser's. The same steps are then taken by the same model in a process of its own that draws nothing.
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

PROBE = "[performance.now() / 1000, safepassage.nPainted, safepassage.frames[0].time_s, safepassage.frames[0].step_ms]"
POLL_S = 0.25

ALONE = """
import json, sys, time
from safepassage.model.evacuation import EvacuationModel
model, n = EvacuationModel(sys.argv[1]), int(sys.argv[2])
wall, cpu = time.perf_counter(), time.process_time()
for _ in range(n):
    model.step()
print(json.dumps([time.perf_counter() - wall, time.process_time() - cpu]))
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


def measure_page(scenario: str, play_s: float, step_s: float) -> dict:
    """Return what one showing of the page took. scenario: name or path. step_s: simulated time of one step (s)."""
    began = time.perf_counter()
    with _server(scenario) as (server, url), _tab() as (tab, browser):
        found = {"start_s": time.perf_counter() - began}
        tab.goto(url, wait_until="commit")
        tab.wait_for_function("window.safepassage && window.safepassage.nPainted > 0", polling="raf")
        found["first_paint_s"] = tab.evaluate("performance.now() / 1000")
        tab.get_by_label("Speed", exact=True).select_option("as fast as it can")
        tab.get_by_role("button", name="Play", exact=True).click()
        tab.wait_for_function("safepassage.frames[0].time_s > 0", polling="raf")
        found |= _watch(tab, server, browser, play_s, step_s)
    alone = [sys.executable, "-c", ALONE, scenario, str(found["last_step"])]
    done = subprocess.run(alone, capture_output=True, text=True, check=True)
    wall_s, cpu_s = json.loads(done.stdout)
    found["alone_wall_ms"], found["alone_cpu_ms"] = (1e3 * s / found["last_step"] for s in (wall_s, cpu_s))
    found["cpu_ratio"] = found["server_cpu_ms"] / found["alone_cpu_ms"]
    return found


def _watch(tab, server, browser, play_s, step_s):
    """Follow the run as it plays, to its end or for play_s; return rates between the first look and the last."""
    looks, cpu_s, end_s = [], [], tab.evaluate("safepassage.towns[0].duration_s")
    peak_mb = 0.0
    while not looks or (looks[-1][2] < end_s and looks[-1][0] - looks[0][0] < play_s):
        looks.append(tab.evaluate(PROBE))
        cpu_s.append((_cpu_s(server), _cpu_s(browser)))
        peak_mb = max(peak_mb, server.memory_info().rss / 1e6)
        tab.wait_for_timeout(1000 * POLL_S)
    (t0, n0, s0, _), (t1, n1, s1, _) = looks[0], looks[-1]
    n_steps, n_frames = (s1 - s0) / step_s, n1 - n0
    server_s, browser_s = (b - a for a, b in zip(cpu_s[0], cpu_s[-1], strict=True))
    rates = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in zip(looks, looks[4:], strict=False)]
    return {
        "played_s": t1 - t0, "last_step": round(s1 / step_s), "frames_per_s": n_frames / (t1 - t0),
        "slowest_frames_per_s": min(rates, default=n_frames / (t1 - t0)), "steps_per_s": n_steps / (t1 - t0),
        "step_wall_ms": median(look[3] for look in looks), "server_cpu_ms": 1e3 * server_s / n_steps,
        "browser_cpu_ms": 1e3 * browser_s / n_frames, "peak_mb": peak_mb,
    }  # fmt: skip


def _cpu_s(process) -> float:
    """Return the processor time of a process and those that it has started and that live (s)."""
    total = 0.0
    for one in (process, *process.children(recursive=True)):
        times = one.cpu_times()
        total += times.user + times.system
    return total


@contextmanager
def _server(scenario: str):
    """`safepassage explore` on a free port: (its process, its address)."""
    import psutil

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    what = str(Path(scenario).resolve()) if Path(scenario).exists() else scenario
    command = [sys.executable, "-m", "safepassage.cli.main", "explore", what, "--no-browser", "--port", str(port)]
    with tempfile.TemporaryDirectory() as folder, open(Path(folder) / "log", "w+", encoding="utf-8") as log:
        environment = os.environ | {"SAFEPASSAGE_TOKEN": (token := secrets.token_urlsafe())}
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment, cwd=folder)
        try:
            while socket.socket().connect_ex(("127.0.0.1", port)):
                if process.poll() is not None:
                    log.seek(0)
                    raise RuntimeError(log.read())
                time.sleep(0.05)
            yield psutil.Process(process.pid), f"http://127.0.0.1:{port}/?token={token}"
        finally:
            process.terminate()
            process.wait(20)


@contextmanager
def _tab():
    """An empty tab of a headless browser: (the tab, the browser's process)."""
    import psutil
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=_chromium(), headless=True)
        main = next(p for p in psutil.Process().children(recursive=True) if "chrom" in p.name())
        while "chrom" in main.parent().name():
            main = main.parent()
        try:
            yield browser.new_page(viewport={"width": 1500, "height": 1000}), main
        finally:
            browser.close()


HEADER = ["quantity", "median", "of each look"]
ROWS = {
    "start_s": ("from the command to a server that listens (s)", "{:.1f}"),
    "first_paint_s": ("from navigation to the first picture (s)", "{:.2f}"),
    "frames_per_s": ("pictures drawn per second", "{:.1f}"),
    "slowest_frames_per_s": ("the same in the slowest second", "{:.1f}"),
    "steps_per_s": ("steps of the model per second, pauses for saved states included", "{:.1f}"),
    "step_wall_ms": ("the model's step while the page draws (ms)", "{:.1f}"),
    "alone_wall_ms": ("the model's step without a page (ms)", "{:.1f}"),
    "server_cpu_ms": ("the server's processor per step, all of it (ms)", "{:.1f}"),
    "alone_cpu_ms": ("processor per step without a page (ms)", "{:.1f}"),
    "cpu_ratio": ("the ratio of these two", "{:.2f}"),
    "browser_cpu_ms": ("the browser's processor per picture (ms)", "{:.1f}"),
    "peak_mb": ("the server's peak memory (MB)", "{:.0f}"),
    "played_s": ("watched for (s)", "{:.1f}"),
}


def rows_of(looks: list[dict]) -> list[list[str]]:
    """Return the table: what, median over the looks, each look."""
    rows = []
    for name, (title, form) in ROWS.items():
        values = [look[name] for look in looks]
        rows.append([title, form.format(median(values)), ", ".join(form.format(value) for value in values)])
    return rows
