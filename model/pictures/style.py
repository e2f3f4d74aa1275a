"""What all pictures of a run share: colours, frame with title and notice, clock axis, files never overwritten."""

import textwrap
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import matplotlib.dates as mdates
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from safepassage.model.behaviour.curfew import curfew_hours
from safepassage.model.clock import epoch_s, local_time
from safepassage.model.pictures.palette import BLACK, INK, QUIET
from safepassage.model.results.run_folder import RunFolder
from safepassage.model.settings.files.texts import as_written
from safepassage.model.settings.front import Curfew

SIZE_STYLE = {"S": ("small", 3.2), "M": ("medium", 5.6), "L": ("large", 9.0)}
"""Label and diameter on the map (points) of an impact by size class."""

WIDTH_IN, DPI = 12.0, 150
CURFEW = "curfew"


def new_figure(run: RunFolder, heading: str, height_in: float = 7.0, credit: str = "") -> Figure:
    """Return a figure with heading, the scenario's question, and source, credit and notice below; axes follow.

    run: the finished run. height_in: height (inches).
    """
    figure = Figure(figsize=(WIDTH_IN, height_in), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    scenario = run.manifest["scenario"]
    left = 0.15 / WIDTH_IN
    question = textwrap.wrap(scenario["title"], 150)
    footer = textwrap.wrap(f"{source_line(run)} {credit}".strip(), 195)
    figure.text(left, 1 - 0.14 / height_in, heading, va="top", fontsize=16, fontweight="bold", color=INK)
    figure.text(left, 1 - 0.47 / height_in, "\n".join(question), va="top", fontsize=11, color=QUIET)
    figure.text(left, 0.08 / height_in, "\n".join(footer), va="bottom", fontsize=8, color=QUIET)
    top, bottom = 0.55 + 0.2 * len(question), 0.16 + 0.15 * len(footer)
    area = (0.005, bottom / height_in, 0.99, 1 - (top + bottom) / height_in)
    figure.set_layout_engine("constrained", rect=area, h_pad=0.08, w_pad=0.06)
    return figure


def source_line(run: RunFolder) -> str:
    """Return what stands below every picture: notice, run, streets and, where they are OpenStreetMap's, its credit."""
    manifest, scenario = run.manifest, run.manifest["scenario"]
    plan = f", plan {scenario['plan']}" if scenario.get("plan") else ""
    parts = [scenario.get("notice", "").strip()]
    parts.append(f"One run of safepassage {manifest['versions']['safepassage']}: {scenario['name']}{plan},")
    parts.append(f"seed\u00a0{manifest['seed']}; another seed gives other numbers.")
    return " ".join(part for part in parts if part)


def street_credit(run: RunFolder, node_ids: np.ndarray) -> str:
    """Return whose data the streets are: the file, and OpenStreetMap's credit where nodes carry its numbers.

    The scenario's notice stands beside it: where that names OpenStreetMap, this does not do so again.

    OSMnx keeps OpenStreetMap's node numbers, which have many digits; streets drawn by hand have short ones or names.
    """
    file = Path(run.manifest["scenario"]["streets"]["network"]).name
    is_osm = np.mean([name.isdigit() and len(name) >= 6 for name in node_ids]) > 0.5
    is_osm = is_osm and "openstreetmap" not in run.manifest["scenario"].get("notice", "").casefold()  # once will do
    return f"Streets: {file}{', © OpenStreetMap contributors (ODbL 1.0)' if is_osm else ''}."


def start(run: RunFolder) -> datetime:
    """Return the local date and time at which the run starts."""
    return datetime.fromisoformat(run.manifest["scenario"]["run"]["start"]).replace(tzinfo=None)


def zone(run: RunFolder) -> ZoneInfo:
    """Return the zone of the run's local times."""
    return ZoneInfo(run.manifest["scenario"]["shelling"].get("time_zone", "UTC"))


def zone_name(run: RunFolder) -> str:
    """Return the name of the zone of the run's local times: of one without summer time, hours ahead of UTC.

    Names of these zones have the sign the other way round, as POSIX has it: Etc/GMT-2 is two hours ahead.
    """
    name = zone(run).key
    hours = name.removeprefix("Etc/GMT")
    return f"UTC{-int(hours):+d}" if hours != name and hours[1:].isdigit() else name


def clock(run: RunFolder, time_s: npt.ArrayLike) -> np.ndarray:
    """Return times since the start of the run (s) as dates and times, datetime64 in UTC; axes show them as local."""
    begin = datetime.fromisoformat(run.manifest["scenario"]["run"]["start"])
    milliseconds = np.round(np.asarray(time_s, dtype=np.float64) * 1000).astype("timedelta64[ms]")
    return np.datetime64(round(epoch_s(begin, zone(run).key) * 1000), "ms") + milliseconds


def local(run: RunFolder, time_s: float) -> datetime:
    """Return the local date and time at a time after the start of the run (s)."""
    return local_time(datetime.fromisoformat(run.manifest["scenario"]["run"]["start"]), time_s, zone(run).key)


def clock_axis(axes: Axes, run: RunFolder, max_ticks: int = 9) -> None:
    """Turn the x axis into local clock time over the whole run and shade the hours of curfew."""
    begin, end = clock(run, [0.0, run.manifest["simulated_s"]])
    axes.set_xlim(begin, end)
    locator = mdates.AutoDateLocator(tz=zone(run), minticks=4, maxticks=max_ticks)
    formatter = mdates.ConciseDateFormatter(
        locator,
        tz=zone(run),
        formats=["%Y", "%b %Y", "%d %b", "%H:%M", "%H:%M", "%H:%M:%S"],
        zero_formats=["%Y", "%Y", "%b %Y", "%d %b", "%H:%M", "%H:%M"],
        show_offset=False,
    )
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(formatter)
    axes.set_xlabel(f"local time ({zone_name(run)}); the run starts on {start(run):%a %d %b %Y at %H:%M}")
    _shade_curfew(axes, run)


def _shade_curfew(axes: Axes, run: RunFolder) -> None:
    scenario = run.manifest["scenario"]
    settings = Curfew.model_validate(scenario.get("curfew") or {})
    if not settings.windows:
        return
    hours = _Hours(start(run), scenario["run"]["duration_h"])
    curfew = curfew_hours(settings, hours, scenario["shelling"].get("time_zone", "UTC"))
    end_s, label = run.manifest["simulated_s"], CURFEW
    for from_s, until_s in zip(curfew.start_s, curfew.end_s, strict=True):
        if until_s > 0 and from_s < end_s:
            axes.axvspan(*clock(run, [max(from_s, 0), min(until_s, end_s)]), facecolor=BLACK, alpha=0.10, zorder=4,
                         linewidth=0, label=label)  # fmt: skip
            label = None


class _Hours:
    """What `curfew_hours` asks of a run's settings."""

    def __init__(self, begin: datetime, duration_h: float) -> None:
        self.start, self.duration_h = begin, duration_h


def bin_s(run: RunFolder) -> float:
    """Return the width of time bins that suits the length of the run (s): 15 minutes for runs of hours."""
    hours = run.manifest["simulated_s"] / 3600
    return 60.0 if hours <= 1 else 900.0 if hours <= 24 else 3600.0 if hours <= 24 * 7 else 86400.0


def bin_name(width_s: float) -> str:
    """Return the width of a time bin in words."""
    known = {60.0: "minute", 3600.0: "hour", 86400.0: "day"}
    return known.get(width_s) or (f"{width_s / 60:g} min" if width_s < 3600 else f"{width_s / 3600:g} h")


def count_axis(axis: Axis, unit: str, max_ticks: int = 7) -> None:
    """Give an axis of whole numbers thousands separators and its unit."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axis.set_major_locator(MaxNLocator(nbins=max_ticks, integer=True, steps=[1, 2, 2.5, 5, 10]))
    axis.set_label_text(unit)


def tidy(axes: Axes, grid: Literal["both", "x", "y"] = "y") -> None:
    """Take away what does not inform: upper and right frame, tick marks; lay a faint grid."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis=grid, color="#E6E6E6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelsize=10, pad=5)


def percent(share: float) -> str:
    """Return a share as a whole percentage; 0 % and 100 % are kept for none and all."""
    text = f"{share:.0%}"
    if text == "0%" and share > 0:
        return "<1%"
    return ">99%" if text == "100%" and share < 1 else text


def stack_entries(axes: Axes) -> dict:
    """Return handles by label of stacked areas in the order of the stack, from the top down; the curfew comes last."""
    entries = dict(zip(*axes.get_legend_handles_labels()[::-1], strict=True))
    names = [name for name in list(entries)[::-1] if name != CURFEW]
    return {name: entries[name] for name in [*names, *(name for name in entries if name == CURFEW)]}


def stack_legend(axes: Axes, **options: Any) -> None:
    """Draw the legend of stacked areas in the order of the stack."""
    entries = stack_entries(axes)
    axes.legend(entries.values(), entries, frameon=False, fontsize=10, **options)


def say(axes: Axes, text: str) -> None:
    """Write a finding in the middle of a panel whose curve would show nothing."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", fontsize=12, color=QUIET, zorder=9)


def save_new(figure: Figure, path: Path) -> Path:
    """Write a figure to a PNG file and return its path; if the name is taken, a number is added."""
    with open_new(path) as opened, as_written(figure):
        figure.savefig(opened, format="png")
    return Path(opened.name)


def open_new(path: Path) -> Any:
    """Return a binary file opened for writing under a name that nobody has; if it is taken, a number is added."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for number in range(1, 100_000):
        target = path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
        try:
            return open(target, "xb")
        except FileExistsError:
            continue
    raise FileExistsError(f"no free name beside {path}")
