"""The board in the browser: map, clock and charts on canvases, fed one binary picture at a time.

The pump never touches reactive state, so a picture never starts a render. A picture is sent when a step is done or
when the browser says that it has drawn the last one, whichever is later: the model runs as fast as it can and the
browser shows what it can take.
"""

import json
import threading
from collections.abc import Callable
from functools import wraps
from importlib.resources import files
from time import monotonic

import traitlets
from ipyvue import VueTemplate

from safepassage.agents.civilians import Injury, Protection, Status
from safepassage.app.scenes.frames import join, pack
from safepassage.app.scenes.scene import KIND_COLOURS, ROW_COLUMNS, Kind
from safepassage.experiments.reports.answer.language import Language
from safepassage.model.pictures.palette import BROWN, CHANGE, GREEN, PURPLE, RED, TEAL, WINE, colour_of, in_order

LOST_AFTER_S = 10.0
"""If the page has not answered for this long (s), the model pauses until it does."""
SHORT = {
    Status.PREPARING: "preparing", Status.WAITING: "waiting", Status.STRANDED: "cut off", Status.SAFE: "out",
}  # fmt: skip
"""Words of the counters, where there is little room; the whole words are shown under the pointer."""
LANGUAGES_NAMED = {"en": "English", "uk": "Українська"}
COLOURS = {
    "exit": GREEN, "shelter": PURPLE, "stop": BROWN, "impact": WINE, "front": "#8B0000", "expected": TEAL,
    "injured": RED, "mark": "#E6007E",
}  # fmt: skip
"""Colours of what the page shows besides statuses, places, injuries and parties. An exit is green like those who are
out, a shelter like those inside, a stop like its buses, an injured person like serious injuries."""
MAP_PARTS = ("texts.js", "frame.js", "looks.js", "ground.js", "motion.js", "density.js", "map.js")
PARTS = (*MAP_PARTS, "charts.js", "time.js", "board.js")


def style() -> str:
    """Return the style sheet of the page, with the colours of what it shows."""
    named = " ".join(f"--c-{name}: {colour};" for name, colour in COLOURS.items())
    return f":root {{ {named} }}\n{template('page.css')}"


def template(name: str, parts: tuple[str, ...] = ()) -> str:
    """Return a Vue template of the folder `web` with the scripts it asks for put in."""
    folder = files("safepassage.app") / "web"
    scripts = "\n".join(
        [vocabulary() if parts else "", *((folder / part).read_text(encoding="utf-8") for part in parts)]
    )
    return (folder / name).read_text(encoding="utf-8").replace("/* scripts */", scripts)


def vocabulary() -> str:
    """Return constants of the page's scripts: where a chart's row holds what, words and colours of its members.

    JOURNEY: statuses in the order in which people come to them, which is that of the enum.
    """
    starts = {"time": "time_s", "status": f"n_{Status(0).name.lower()}", "injury": "n_light",
              "exposure": f"exposure_{Protection(0).name.lower()}", "byCar": "n_out_by_car", "onFoot": "n_out_on_foot",
              "expected": "n_hurt_expected"}  # fmt: skip
    row = {name: ROW_COLUMNS.index(column) for name, column in starts.items()} | {"exits": len(ROW_COLUMNS)}
    kinds = {"STATUS": Status, "PLACE": Protection, "INJURY": Injury}
    movers = [[kind.words, KIND_COLOURS[kind]] for kind in Kind]
    lists = {name: [[int(m), m.words, colour_of(m)] for m in in_order(kind)] for name, kind in kinds.items()}
    journey = [int(status) for status in Status if status != Status.DEAD]
    said = {
        "ROW": row,
        "COLOURS": COLOURS,
        "CHANGE": CHANGE,
        "SHORT": {int(status): words for status, words in SHORT.items()},
        "KINDS": movers,
        **lists,
        "JOURNEY": journey,
        "DEAD": int(Status.DEAD),
        "COLUMNS": ROW_COLUMNS,
    }
    return "\n".join(f"const {name} = {json.dumps(value)};" for name, value in said.items())


def when_ready(handle: Callable) -> Callable:
    """Return a handler that is deaf while there is no run that the browser could mean."""

    @wraps(handle)
    def handled(board, data):
        if board._session.is_ready:
            handle(board, data)

    return handled


def packed_language(say: Language) -> dict:
    """Return a language as the browser takes it."""
    return {"code": say.code, "is_reviewed": say.is_reviewed, "words": say.texts}


class Board(VueTemplate):
    """Map, clock, charts and what is known about the place clicked, in one component."""

    template = traitlets.Unicode(template("board.vue", PARTS)).tag(sync=True)
    towns = traitlets.List().tag(sync=True)
    streets = traitlets.Bytes(b"").tag(sync=True)
    frame = traitlets.Bytes(b"").tag(sync=True)
    picked = traitlets.Dict(allow_none=True).tag(sync=True)
    acts = traitlets.Dict().tag(sync=True)
    player = traitlets.Dict().tag(sync=True)
    happened = traitlets.List().tag(sync=True)
    result = traitlets.Dict().tag(sync=True)
    exported = traitlets.Unicode("").tag(sync=True)
    found = traitlets.List().tag(sync=True)
    layers = traitlets.List().tag(sync=True)
    offer = traitlets.Dict().tag(sync=True)
    building = traitlets.Dict().tag(sync=True)
    language = traitlets.Dict().tag(sync=True)
    difference = traitlets.Dict().tag(sync=True)
    languages = traitlets.List([list(pair) for pair in LANGUAGES_NAMED.items()]).tag(sync=True)

    def __init__(self, session=None, **kwargs):
        self._session = session
        super().__init__(language=packed_language(session.say), **kwargs)

    def vue_ack(self, seq):
        """Note that the browser has drawn a picture, or lives; 0: it has just opened."""
        self._session.pump.ack(int(seq))

    @when_ready
    def vue_pick(self, data):
        """Say what is at a place of the map."""
        self._session.pick(data)

    @when_ready
    def vue_act(self, data):
        """Do what the planner asks for."""
        self._session.act(data)

    def vue_hello(self, data):
        """Know the tab again after a reload, and the language that was chosen in this browser."""
        self._session.hello(str(data.get("tab")))
        self._session.speak(str(data.get("language")))

    def vue_choose_language(self, code):
        """Say everything in another language."""
        self._session.speak(str(code))

    @when_ready
    def vue_answer(self, go_on):
        """Go on with what was done before, or leave it."""
        self._session.answer(go_on=bool(go_on))

    def vue_play(self, data):
        """Play, pause, step, choose a speed, start again."""
        session, what = self._session, str(data.get("what"))
        if session.building.is_under_way:
            return
        if what == "restart":
            session.restart()
        elif session.run is None:
            return
        elif what == "speed":
            session.player.set_speed(str(data.get("speed")))
        elif what in ("play", "pause", "step"):
            getattr(session.player, what)()

    @when_ready
    def vue_compare(self, data):
        """Begin or stop a comparison under many seeds."""
        if data.get("stop"):
            self._session.comparer.stop()
        else:
            self._session.compare(min(max(int(data.get("seeds", 50)), 2), 1000))

    @when_ready
    def vue_export_run(self, which):
        """Save the tables of the run."""
        self._session.export_run(int(which))

    @when_ready
    def vue_show_layer(self, name):
        """Colour the streets by delay or danger, or not at all."""
        self._session.overlay("layer", str(name))

    @when_ready
    def vue_show_difference(self, is_on):
        """Show where more or fewer are left on the right map, on one map; or both maps again."""
        self._session.overlay("difference", bool(is_on))

    @when_ready
    def vue_find(self, text):
        """Show where a household lives, by its number."""
        self._session.find_household(str(text))

    @when_ready
    def vue_go_to(self, time_s):
        """Show another moment."""
        self._session.go_to(float(time_s))


class Pump:
    """Sends pictures to one board, one at a time."""

    def __init__(self):
        self._lock = threading.Lock()
        self._board = None
        self._busy = threading.RLock()
        self._scenes = ()
        self._epoch = 0
        self._seq = self._acked = 0
        self._sent = None
        self._n_rows: list[int] = []
        self._seen_s = monotonic()
        self._alive = threading.Event()
        self._alive.set()
        self.step_ms = 0.0

    @property
    def busy(self) -> threading.RLock:
        """Held by whoever changes or reads the model."""
        return self._busy

    def attach(self, board: Board):
        """Send pictures to this board from now on."""
        self._board = board
        self.show(self._scenes)

    def show(self, scenes):
        """Show other scenes: the towns first, then their pictures from the beginning."""
        with self._lock:
            self._scenes = tuple(scenes)
            self._epoch += 1
            self._n_rows = [0] * len(self._scenes)
            self._sent = None
            self._seq = self._acked = 0
            board = self._board
        if board is None or not self._scenes:
            return
        described = [scene.town() for scene in self._scenes]
        board.streets = described[0][1]
        board.towns = [town | {"epoch": self._epoch} for town, _ in described]
        board.picked = {}
        self.offer()

    def offer(self):
        """Send a picture of the present if the last one has been drawn; called by whoever holds the model."""
        with self._lock:
            now = [scene.model.time_s for scene in self._scenes]
            if self._board is None or not now or now == self._sent or self._acked < self._seq:
                return
            is_new = self._sent is None
            self._seq += 1
            pictures = []
            for k, scene in enumerate(self._scenes):
                picture = scene.picture(self._n_rows[k], self.step_ms, is_new=is_new)
                self._n_rows[k] += len(picture.rows)
                pictures.append(pack(picture, self._seq, self._epoch))
            self._sent = now
            data = join(pictures)
        self._board.frame = data

    def again(self):
        """Draw the present anew although its time has not changed."""
        with self._lock:
            self._sent = [] if self._sent is not None else None
        with self._busy:
            self.offer()

    def ack(self, seq: int):
        """Note what the browser has drawn; send the next picture if the model rests."""
        self._seen_s = monotonic()
        self._alive.set()
        self._acked = max(self._acked, min(seq, self._seq))
        if self._busy.acquire(blocking=False):
            try:
                self.offer()
            finally:
                self._busy.release()

    def wait_until_watched(self, is_closed) -> bool:
        """Block while nobody watches; return whether the page is still there. is_closed: asked now and then."""
        while not is_closed():
            if self._board is None or monotonic() - self._seen_s < LOST_AFTER_S:
                return True
            self._alive.clear()
            if monotonic() - self._seen_s >= LOST_AFTER_S:
                self._alive.wait(5.0)
        return False
