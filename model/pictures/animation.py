"""A run as a moving picture: people move, impacts fade, streets close and open, from the tables of the run.

Where people are on their way is in a table only if the scenario asks for it (`run.record_positions_every_s`); otherwise
the run is repeated from its manifest, with the same seed and so the same bits, to see where they are.
"""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D
from PIL import Image

from safepassage.agents.parties import Mover, moved_by
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.pictures import palette, style
from safepassage.model.pictures.curves import draw_status_stack
from safepassage.model.pictures.map import draw_quiet_streets, draw_scale_below, polylines
from safepassage.model.results.columns import digest
from safepassage.model.results.map_tables import one_per_street
from safepassage.model.results.run_folder import RunFolder, program
from safepassage.model.results.street_history import StreetHistory
from safepassage.model.rules import Rules
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.files.texts import as_written
from safepassage.model.story import repeat

FADE_SHARE, FADE_S = 1 / 12, 6 * 3600.0
"""An impact fades to 37 % of its strength in this share of the run, or in this many seconds if that is less, but never
below FAINT."""
FAINT = 0.15
MANY_IMPACTS = 300
"""With more impacts than this, all are drawn smaller, and the old ones fainter than FAINT."""
STANDING_M_S = 1.0
"""A car slower than this since the last picture is drawn as standing (m/s), as on the page."""
MOVERS = {
    "on foot": (palette.ORANGE, 2.4),
    "cars moving": (palette.BLUE, 2.4),
    "cars standing in a queue": (palette.SLATE, 2.4),
    "buses": (palette.BROWN, 4.5),
}
"""Colour and diameter (points) of those on the way, by what they are, from the lowest layer up; dots shrink where they
are more than MANY at a time."""
MANY = 4000


def animate(
    run: RunFolder,
    path: Path | str,
    n_frames: int = 180,
    frames_per_s: float = 12.0,
    on_frame: Callable[[int, int], None] | None = None,
    on_step: Callable[[EvacuationModel], None] | None = None,
    rules: Rules | str | Path | None = None,
) -> Path:
    """Write a moving picture of a run as GIF or MP4 and return its path; if the name is taken, a number is added.

    path: ending in .gif, or in .mp4 where the program ffmpeg is installed. on_frame: called with the number of frames
    done and of all, for a progress bar; on_step: with the model after each step, if the run is repeated; rules: of the
    user's own, if it had some. Raises ScenarioError if it then does not come out as recorded. n_frames: number of
    pictures. frames_per_s: pictures shown in a second.
    """
    path = Path(path)
    if path.suffix not in (".gif", ".mp4"):
        raise ScenarioError(f"{path}: a moving picture ends in .gif or .mp4; change the name.")
    if path.suffix == ".mp4" and program("ffmpeg") is None:
        raise ScenarioError(
            f"{path}: MP4 needs the program ffmpeg, which is not installed. Install it or write a .gif."
        )
    write = _write_gif if path.suffix == ".gif" else _write_mp4
    with style.open_new(path) as opened:
        target = Path(opened.name)
    try:
        places = places_of(run, float(run.manifest["simulated_s"]) / max(n_frames - 1, 1), on_step, rules)
        write(_counted(Scene(run, places).frames(n_frames), n_frames, on_frame), target, frames_per_s)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return target


def places_of(
    run: RunFolder,
    every_s: float,
    on_step: Callable[[EvacuationModel], None] | None = None,
    rules: Rules | str | Path | None = None,
) -> pd.DataFrame:
    """Return where all who were on their way were over time, as the table `trajectories`: recorded, or by a new run.

    every_s: time between two rows of a party (s), if the run is repeated. on_step: called after each step.
    rules: of the user's own, if the run had some.
    """
    if run.has("trajectories"):
        return run.frame("trajectories")
    model = repeat(run, rules, **{"run.record_positions_every_s": every_s})
    while model.running and model.time_s < run.manifest["simulated_s"]:
        model.step()
        if on_step:
            on_step(model)
    tables = model.recorder.tables()
    if digest(tables["timeseries"]) != run.manifest["digests"]["timeseries"]:
        raise ScenarioError(
            f"{run.path}: repeated to see where people are, the run differs from the recorded one: it was "
            f"made by another version ({run.manifest['versions'].get('safepassage')}) or from other files. Run the "
            f"scenario again, with --set run.record_positions_every_s={every_s:.0f}."
        )
    return tables["trajectories"].to_pandas()


def _counted(
    frames: Iterator[np.ndarray], n_frames: int, on_frame: Callable[[int, int], None] | None
) -> Iterator[np.ndarray]:
    for number, frame in enumerate(frames, start=1):
        yield frame
        if on_frame:
            on_frame(number, n_frames)


def _write_gif(frames: Iterator[np.ndarray], path: Path, frames_per_s: float) -> None:
    palette = _palette()
    images = (Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames)
    first = next(images)
    duration_ms = round(1000 / frames_per_s)
    first.save(path, format="GIF", save_all=True, append_images=images, duration=duration_ms, loop=0)


def _palette() -> Image.Image:
    """Return one palette for all frames, so that what stays takes no space: tints of our colours, and white."""
    colours = np.array(
        [to_rgb(colour) for colour in (*palette.PALETTE, palette.WINE, palette.BROWN, palette.SLATE, palette.QUIET)]
    )
    tints = np.linspace(0, 0.93, 255 // len(colours))[:, None, None]
    tinted = (colours * (1 - tints) + tints).reshape(-1, 3)
    values = np.round(255 * np.vstack([tinted, np.ones((256 - len(tinted), 3))])).astype(np.uint8)
    image = Image.new("P", (1, 1))
    image.putpalette(values.tobytes())
    return image


def _write_mp4(frames: Iterator[np.ndarray], path: Path, frames_per_s: float) -> None:
    first = next(frames)
    height, width = (size - size % 2 for size in first.shape[:2])
    command = [
        program("ffmpeg") or "",
        "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}",
        "-r", f"{frames_per_s}", "-i", "-", "-pix_fmt", "yuv420p", f"file:{path}",
    ]  # fmt: skip
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as ffmpeg:
        assert ffmpeg.stdin is not None
        ffmpeg.stdin.write(first[:height, :width].tobytes())
        for frame in frames:
            ffmpeg.stdin.write(frame[:height, :width].tobytes())
        _, complaint = ffmpeg.communicate()
    if ffmpeg.returncode:
        raise ScenarioError(f"{path}: ffmpeg failed: {complaint.decode(errors='replace').strip()}. Write a .gif.")


class Scene:
    """Map and status curve of a run; what changes is drawn anew over a picture of what stays."""

    def __init__(self, run: RunFolder, places: pd.DataFrame) -> None:
        """places: as `places_of` returns them."""
        self.run = run
        self._read_places(places)
        self.end_s = float(run.manifest["simulated_s"])
        links, self.exits = one_per_street(run.frame("links")), run.frame("exits")
        self.series = run.frame("timeseries")
        credit = style.street_credit(run, links["upstream"].to_numpy())
        self.figure = style.new_figure(run, "The evacuation over time", 7.0, credit)
        self.figure.set_dpi(100)
        grid = self.figure.add_gridspec(4, 2, width_ratios=[1.3, 1], height_ratios=[0.55, 0.85, 2.9, 1.7])
        self.map, self.stack = self.figure.add_subplot(grid[:, 0]), self.figure.add_subplot(grid[2, 1])
        self.words, key, legend = (self.figure.add_subplot(grid[row, 1]) for row in (0, 1, 3))
        self.map.set_aspect("equal")
        for axes in (self.map, self.words, key, legend):
            axes.set_axis_off()
        draw_quiet_streets(self.map, links)
        self.map.margins(0.06)
        draw_scale_below(self.map)
        draw_status_stack(self.stack, run, max_ticks=6)
        entries = style.stack_entries(self.stack)
        labels = [entry.replace("\n", ": ") for entry in entries]
        legend.legend(
            entries.values(), labels, loc="upper left", frameon=False, fontsize=9, labelspacing=0.35, borderpad=0,
            title="at the end of the run", title_fontsize=9, alignment="left",
        )  # fmt: skip
        self._add_what_changes()
        self._explain(key)

    def _explain(self, axes):
        """Write the legend of what moves and changes on the map."""
        dots = {name: colour for name, (colour, _) in MOVERS.items() if name in self._seen}
        dots |= {"impact, fading": palette.WINE, "exit, grows with people out": palette.GREEN}
        entries = {name: Line2D([], [], linestyle="none", marker="o", markersize=7, markeredgewidth=0, color=colour)
                   for name, colour in dots.items()}  # fmt: skip
        if self.streets.links.size:
            entries["closed street"] = Line2D([], [], color=palette.BLACK, linewidth=3.5)
        axes.legend(
            entries.values(),
            entries,
            loc="upper left",
            ncols=2,
            frameon=False,
            fontsize=9,
            labelspacing=0.35,
            borderpad=0,
        )

    def _read_places(self, places: pd.DataFrame) -> None:
        """Sort the places of parties by moment, and tell cars that stand from those that move."""
        places = places.sort_values("time_s", kind="stable")
        mode, self._place_xy = places["mode"].to_numpy(), places[["x_m", "y_m"]].to_numpy(float)
        before = places.groupby("party", sort=False)[["x_m", "y_m", "time_s"]].shift()
        moved_m = np.hypot(places["x_m"] - before["x_m"], places["y_m"] - before["y_m"])
        stands = (moved_m < STANDING_M_S * (places["time_s"] - before["time_s"])).to_numpy()
        names = list(MOVERS)
        car = np.where(stands, names.index("cars standing in a queue"), names.index("cars moving"))
        walks, drives = moved_by(Mover.WALKERS, mode), moved_by(Mover.VEHICLES, mode)
        self._kind = np.select([walks, drives], [names.index("on foot"), car], names.index("buses"))
        self._moments_s, first = np.unique(places["time_s"].to_numpy(), return_index=True)
        self._first = np.append(first, len(places))
        self._seen = {names[kind] for kind in np.unique(self._kind)}

    def _add_what_changes(self):
        impacts, links = self.run.frame("impacts"), self.run.frame("links")
        self.streets = StreetHistory(self.run)
        self.impact_time_s = impacts["time_s"].to_numpy()
        diameter = impacts["size"].map({name: size for name, (_, size) in style.SIZE_STYLE.items()})
        limits = self.map.axis()
        shrink = min(1.0, MANY_IMPACTS / max(len(impacts), 1)) ** 0.5
        area = (max(shrink, 0.5) * diameter.to_numpy(float)) ** 2
        self.impacts = self.map.scatter(impacts["x_m"], impacts["y_m"], s=area, linewidths=0, zorder=6)
        self.closures = LineCollection(polylines(links.iloc[self.streets.links]), linewidths=3.5, zorder=7)
        self.map.add_collection(self.closures)
        self.outflow = self.map.scatter(self.exits["x_m"], self.exits["y_m"], color=palette.GREEN, alpha=0.75, zorder=8)
        self.map.axis(limits)
        most = max(np.diff(self._first).max(initial=0), MANY)
        shrink = max(0.45, (MANY / most) ** 0.5)
        self.movers = {
            name: self.map.plot([], [], linestyle="none", marker="o", markersize=shrink * size, markeredgewidth=0,
                                color=colour, zorder=5)[0]
            for name, (colour, size) in MOVERS.items()
        }  # fmt: skip
        self.clock = self.words.text(0, 1, "", va="top", fontsize=13, linespacing=1.3)
        self.future = self.stack.axvspan(*style.clock(self.run, [0, self.end_s]), color="white", alpha=0.8, zorder=8)
        self.now = self.stack.axvline(style.clock(self.run, 0), color=palette.INK, linewidth=1.5, zorder=9)
        self.changing = [
            *self.movers.values(),
            self.impacts,
            self.closures,
            self.outflow,
            self.clock,
            self.future,
            self.now,
        ]
        for artist in self.changing:
            artist.set_animated(True)

    def set_time(self, time_s: float) -> None:
        """Bring all that changes to a moment of the run (s)."""
        age_s = time_s - self.impact_time_s
        fade_s = max(min(FADE_SHARE * self.end_s, FADE_S), self.end_s / 120)
        faint = FAINT * min(1.0, MANY_IMPACTS / max(age_s.size, 1)) ** 2
        strength = faint + (1 - faint) * np.exp(-np.maximum(age_s, 0) / fade_s)
        self.impacts.set_facecolor(_with_alpha(palette.WINE, np.where(age_s < 0, 0, strength)))
        self._set_places(time_s)
        closed = self.streets.closed_at(time_s).any(axis=1)[self.streets.links]
        self.closures.set_color(_with_alpha(palette.BLACK, closed.astype(float)))
        out = [np.interp(time_s, self.series["time_s"], self.series[f"n_out_by_{name}"]) for name in self.exits["exit"]]
        largest = max(self.exits["n_persons"].max(), 1)
        self.outflow.set_sizes(30 + 1200 * np.array(out) / largest)
        now = style.clock(self.run, time_s)
        n_safe = np.interp(time_s, self.series["time_s"], self.series["n_safe"])
        n_fallen = int((age_s >= 0).sum())
        hurt = self.series[["n_injury_light", "n_injury_serious", "n_injury_fatal"]].sum(axis=1)
        n_hurt = hurt.iloc[max(0, int(np.searchsorted(self.series["time_s"], time_s, side="right")) - 1)]
        text = f"{style.local(self.run, time_s):%a %d %b %Y, %H:%M}\n{n_safe:,.0f} out, {n_hurt:,} hurt, "
        self.clock.set_text(text + f"{n_fallen:,} impact{'s' * (n_fallen != 1)} so far")
        self.now.set_xdata([now, now])
        left, right = self.stack.get_xlim()
        self.future.set_x(left + (right - left) * time_s / self.end_s)
        self.future.set_width((right - left) * (1 - time_s / self.end_s))

    def _set_places(self, time_s: float) -> None:
        """Show everybody where they were at the moment recorded last."""
        at = int(np.searchsorted(self._moments_s, time_s + 1e-3, side="right")) - 1
        rows = slice(self._first[at], self._first[at + 1]) if at >= 0 else slice(0)
        for kind, artist in enumerate(self.movers.values()):
            artist.set_data(*self._place_xy[rows][self._kind[rows] == kind].T)

    def frames(self, n_frames: int) -> Iterator[np.ndarray]:
        """Yield pictures evenly over the run: uint8, shape (height, width, 3)."""
        canvas = self.figure.canvas
        assert isinstance(canvas, FigureCanvasAgg)
        with as_written(self.figure):
            canvas.draw()
        background = canvas.copy_from_bbox(self.figure.bbox)
        for time_s in np.linspace(0, self.end_s, n_frames):
            self.set_time(time_s)
            canvas.restore_region(background)
            for artist in self.changing:
                artist.axes.draw_artist(artist)
            yield np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _with_alpha(colour: str, alpha: np.ndarray) -> np.ndarray:
    return np.column_stack([np.tile(to_rgb(colour), (alpha.size, 1)), alpha])
