"""A run as a moving picture: impacts fade, streets close, people get out, from the tables of the run.

The tables hold no positions of people on their way; what moves on the map is what they hold.
"""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from PIL import Image

from safepassage.model import plot_style as style
from safepassage.model.plots import draw_status_stack
from safepassage.model.plots_map import draw_quiet_streets, draw_scale_below, one_per_street, polylines
from safepassage.model.results import RunFolder
from safepassage.model.settings.base import ScenarioError

FADE_SHARE = 1 / 12
"""An impact fades to 37 % of its strength in this share of the run, and never below FAINT."""
FAINT = 0.15


def animate(
    run: RunFolder,
    path: Path | str,
    n_frames: int = 120,
    frames_per_s: float = 12.0,
    on_frame: Callable[[int, int], None] | None = None,
) -> Path:
    """Write a moving picture of a run as GIF or MP4 and return its path; if the name is taken, a number is added.

    path: ending in .gif, or in .mp4 where the program ffmpeg is installed. on_frame: called with the number of frames
    done and of all, for a progress bar.
    """
    path = Path(path)
    if path.suffix not in (".gif", ".mp4"):
        raise ScenarioError(f"{path}: a moving picture ends in .gif or .mp4; change the name.")
    if path.suffix == ".mp4" and not shutil.which("ffmpeg"):
        raise ScenarioError(
            f"{path}: MP4 needs the program ffmpeg, which is not installed. Install it or write a .gif."
        )
    write = _write_gif if path.suffix == ".gif" else _write_mp4
    with style.open_new(path) as opened:
        target = Path(opened.name)
    try:
        write(_counted(Scene(run).frames(n_frames), n_frames, on_frame), target, frames_per_s)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return target


def _counted(frames: Iterator[np.ndarray], n_frames: int, on_frame) -> Iterator[np.ndarray]:
    for number, frame in enumerate(frames, start=1):
        yield frame
        if on_frame:
            on_frame(number, n_frames)


def _write_gif(frames: Iterator[np.ndarray], path: Path, frames_per_s: float):
    palette = _palette()
    images = (Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames)
    first = next(images)
    duration_ms = round(1000 / frames_per_s)
    first.save(path, format="GIF", save_all=True, append_images=images, duration=duration_ms, loop=0)


def _palette() -> Image.Image:
    """Return one palette for all frames, so that what stays takes no space: tints of our colours, and white."""
    colours = np.array([to_rgb(colour) for colour in (*style.PALETTE, style.QUIET)])
    tints = np.linspace(0, 0.93, 255 // len(colours))[:, None, None]
    tinted = (colours * (1 - tints) + tints).reshape(-1, 3)
    values = np.round(255 * np.vstack([tinted, np.ones((256 - len(tinted), 3))])).astype(np.uint8)
    image = Image.new("P", (1, 1))
    image.putpalette(values.tobytes())
    return image


def _write_mp4(frames: Iterator[np.ndarray], path: Path, frames_per_s: float):
    first = next(frames)
    height, width = (size - size % 2 for size in first.shape[:2])
    command = [
        "ffmpeg", "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}",
        "-r", f"{frames_per_s}", "-i", "-", "-pix_fmt", "yuv420p", str(path),
    ]  # fmt: skip
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as ffmpeg:
        ffmpeg.stdin.write(first[:height, :width].tobytes())
        for frame in frames:
            ffmpeg.stdin.write(frame[:height, :width].tobytes())
        _, complaint = ffmpeg.communicate()
    if ffmpeg.returncode:
        raise ScenarioError(f"{path}: ffmpeg failed: {complaint.decode(errors='replace').strip()}. Write a .gif.")


class Scene:
    """Map and status curve of a run; what changes is drawn anew over a picture of what stays."""

    def __init__(self, run: RunFolder):
        self.run = run
        self.end_s = float(run.manifest["simulated_s"])
        links, self.exits = one_per_street(run.frame("links")), run.frame("exits")
        self.series = run.frame("timeseries")
        credit = style.street_credit(run, links["upstream"].to_numpy())
        self.figure = style.new_figure(run, "The evacuation over time", 7.0, credit)
        self.figure.set_dpi(100)
        grid = self.figure.add_gridspec(3, 2, width_ratios=[1.15, 1], height_ratios=[1.2, 4.2, 1.9])
        self.map, self.stack = self.figure.add_subplot(grid[:, 0]), self.figure.add_subplot(grid[1, 1])
        self.words, legend = self.figure.add_subplot(grid[0, 1]), self.figure.add_subplot(grid[2, 1])
        self.map.set_aspect("equal")
        for axes in (self.map, self.words, legend):
            axes.set_axis_off()
        draw_quiet_streets(self.map, links)
        self.map.margins(0.06)
        draw_scale_below(self.map)
        draw_status_stack(self.stack, run, max_ticks=6)
        entries = style.stack_entries(self.stack)
        legend.legend(
            entries.values(), entries, loc="center", ncols=2, frameon=False, fontsize=10,
            title="at the end of the run", alignment="left",
        )  # fmt: skip
        self._add_what_changes(links)

    def _add_what_changes(self, links):
        impacts, closed = self.run.frame("impacts"), links[np.isfinite(links["closed_time_s"])]
        self.impact_time_s, self.closed_time_s = impacts["time_s"].to_numpy(), closed["closed_time_s"].to_numpy()
        diameter = impacts["size"].map({name: size for name, (_, size) in style.SIZE_STYLE.items()})
        limits = self.map.axis()
        self.impacts = self.map.scatter(impacts["x_m"], impacts["y_m"], s=diameter.to_numpy(float) ** 2, zorder=6)
        self.closures = LineCollection(polylines(closed), linewidths=4.0, zorder=7)
        self.map.add_collection(self.closures)
        self.outflow = self.map.scatter(self.exits["x_m"], self.exits["y_m"], color=style.GREEN, alpha=0.75, zorder=8)
        self.map.axis(limits)
        self.clock = self.words.text(0, 1, "", va="top", fontsize=13, linespacing=1.3)
        self.future = self.stack.axvspan(*style.clock(self.run, [0, self.end_s]), color="white", alpha=0.8, zorder=8)
        self.now = self.stack.axvline(style.clock(self.run, 0), color=style.INK, linewidth=1.5, zorder=9)
        self.changing = [self.impacts, self.closures, self.outflow, self.clock, self.future, self.now]
        for artist in self.changing:
            artist.set_animated(True)

    def set_time(self, time_s: float):
        """Bring all that changes to a moment of the run (s)."""
        age_s = time_s - self.impact_time_s
        strength = np.exp(-np.maximum(age_s, 0) / (FADE_SHARE * self.end_s))
        self.impacts.set_facecolor(_with_alpha(style.VERMILION, np.where(age_s < 0, 0, FAINT + (1 - FAINT) * strength)))
        self.closures.set_color(_with_alpha(style.PURPLE, (self.closed_time_s <= time_s).astype(float)))
        out = [np.interp(time_s, self.series["time_s"], self.series[f"n_out_by_{name}"]) for name in self.exits["exit"]]
        largest = max(self.exits["n_persons"].max(), 1)
        self.outflow.set_sizes(30 + 1200 * np.array(out) / largest)
        now = style.clock(self.run, time_s)
        n_safe = np.interp(time_s, self.series["time_s"], self.series["n_safe"])
        n_fallen, n_closed = int((age_s >= 0).sum()), int((self.closed_time_s <= time_s).sum())
        text = f"{now.item():%a %d %b %Y, %H:%M}\n{n_safe:,.0f} out, green by exit\n"
        text += f"{n_fallen:,} impact{'s' * (n_fallen != 1)}, red and fading"
        text += f"\nstreets closed, purple: {n_closed:,}" if n_closed else ""
        self.clock.set_text(text)
        self.now.set_xdata([now, now])
        left, right = self.stack.get_xlim()
        self.future.set_x(left + (right - left) * time_s / self.end_s)
        self.future.set_width((right - left) * (1 - time_s / self.end_s))

    def frames(self, n_frames: int) -> Iterator[np.ndarray]:
        """Yield pictures evenly over the run: uint8, shape (height, width, 3)."""
        canvas = self.figure.canvas
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
