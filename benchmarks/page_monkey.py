"""A seeded monkey before the page: clicks, keys, turns of the wheel, leaps in time, each run the same."""

import random
import time

CLICK_ONE = """(share) => {
  const all = [...document.querySelectorAll(".sp-board button, .sp-board summary, .sp-fields summary")]
    .filter((e) => e.getClientRects().length && !e.textContent.includes("seeds"));
  if (all.length) all[Math.floor(share * all.length)].click();
}"""
"""Clicks one of what can be clicked now, but not on fifty runs, which take longer than the rest together."""
CHOOSE_ONE = """([share, option]) => {
  const all = [...document.querySelectorAll(".sp-board select")]
    .filter((e) => e.getClientRects().length && !e.multiple);
  if (!all.length) return;
  const one = all[Math.floor(share * all.length)];
  one.selectedIndex = Math.floor(option * one.options.length);
  one.dispatchEvent(new Event("change", { bubbles: true }));
}"""
KEYS = [" ", ".", "Escape", "Tab", "Enter", "ArrowLeft", "ArrowUp", "+", "-", "0"]
LEAST, MOST = -60, 20000
"""Moments that it goes to (s): one before the start, one beyond the end of a short run."""


class Monkey:
    """Does one thing after another to a page of `safepassage explore`."""

    def __init__(self, page, seed: int) -> None:
        """page: of playwright."""
        self.page, self._chance = page, random.Random(seed)
        self.n_done = 0

    def act(self) -> None:
        """Do one thing: what it is depends on the seed and on how many it did."""
        chance, page = self._chance, self.page
        what, u, v = chance.random(), chance.random(), chance.random()
        self.n_done += 1
        if what < 0.3:
            x, y = self._on_map(u, v)
            page.mouse.click(x, y)
        elif what < 0.38:
            page.mouse.move(*self._on_map(u, v))
            page.mouse.wheel(0, chance.choice([-600, -100, 100, 600]))
        elif what < 0.5:
            page.keyboard.press(chance.choice(KEYS))
        elif what < 0.58:
            page.evaluate(f"window.safepassage.go_to({chance.randint(LEAST, MOST)})")
        elif what < 0.7:
            page.evaluate(CHOOSE_ONE, [u, v])
        else:
            page.evaluate(CLICK_ONE, u)

    def _on_map(self, u: float, v: float) -> tuple[float, float]:
        box = self.page.evaluate(
            "(() => { const e = document.querySelector('.sp-over'), b = e && e.getBoundingClientRect();"
            " return b ? [b.left, b.top, b.width, b.height] : [0, 0, 400, 300] })()"
        )
        return box[0] + u * box[2], box[1] + v * box[3]


def play_about(page, seed: int, minutes: float) -> int:
    """Let a monkey play for some minutes; return how many things it did."""
    monkey, until = Monkey(page, seed), time.monotonic() + 60 * minutes
    while time.monotonic() < until:
        monkey.act()
        page.wait_for_timeout(50)
    return monkey.n_done
