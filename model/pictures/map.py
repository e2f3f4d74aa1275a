"""The map of a finished run: streets, flow, impacts, closures and exits."""

import textwrap
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from safepassage.model.pictures import palette, style
from safepassage.model.results.map_tables import one_per_street, read_background_of
from safepassage.model.results.run_folder import RunFolder
from safepassage.model.streets.classes import street_class
from safepassage.model.streets.map import draw_background, draw_scale_bar

FLOW_COLOURS = ("#A6CDE8", "#56A0D3", "#0072B2", "#084A80", "#041F3D")
FLOW_WIDTHS = (0.9, 1.5, 2.3, 3.3, 4.6)
MAX_EXITS = 12
"""Exits that the legend names, the busiest first."""
HEADING = "§ "
"""Begins a label that is a heading of the legend; not drawn."""


def map_of_run(run: RunFolder) -> Figure:
    """Return a map: streets in grey, how many passed in blue, impacts by size, closed streets, exits with numbers."""
    links = one_per_street(run.frame("links"))
    figure, axes, side = new_map(run, links, "Where people went, and what fell on the town")
    _draw_flow(axes, links)
    _draw_closures(axes, links)
    _draw_impacts(axes, run.frame("impacts"))
    axes.margins(0.05)
    axes.autoscale_view()
    _draw_exits(axes, run.frame("exits"))
    draw_scale_below(axes)
    draw_north(axes)
    draw_legend(axes, side)
    return figure


def new_map(run: RunFolder, links: pd.DataFrame, question: str) -> tuple[Figure, Axes, Axes]:
    """Return a figure with the streets of a run in grey, and axes at its side for the legend.

    links: one row per street. question: what the picture answers.
    """
    x = np.concatenate(links["x_m"].to_numpy())
    y = np.concatenate(links["y_m"].to_numpy())
    height_in = float(np.clip(8.6 * np.ptp(y) / max(np.ptp(x), 1.0), 6.0, 9.0)) + 1.4
    credit = style.street_credit(run, links["upstream"].to_numpy())
    figure = style.new_figure(run, question, height_in, credit)
    axes, side = figure.subplots(1, 2, width_ratios=[2.6, 1])
    side.set_axis_off()
    axes.set_aspect("equal")
    axes.set_axis_off()
    draw_quiet_streets(axes, links)
    draw_background(axes, read_background_of(run))
    return figure, axes, side


def draw_scale_below(axes: Axes) -> None:
    """Draw the scale bar below the streets: make room for it first."""
    bottom, top = axes.get_ylim()
    axes.set_ylim(bottom - 0.05 * (top - bottom), top)
    draw_scale_bar(axes)


def polylines(links: pd.DataFrame) -> list[np.ndarray]:
    """Return the course of each row as an array of points, shape (n, 2), in metres."""
    return [np.column_stack(pair) for pair in zip(links["x_m"], links["y_m"], strict=True)]


def draw_quiet_streets(axes: Axes, links: pd.DataFrame) -> None:
    """Draw all streets in greys, main ones darker and wider."""
    rank = links["highway"].map({name: street_class(name).rank for name in links["highway"].unique()}).to_numpy()
    level = np.searchsorted([2, 4, 5, 9], rank, side="right")
    colours = np.array(["#8C8C8C", "#A6A6A6", "#B8B8B8", "#D2D2D2", "#DDE3DD"])[level]
    widths = np.array([1.8, 1.3, 0.9, 0.6, 0.4])[level]
    axes.add_collection(LineCollection(polylines(links), colors=colours, linewidths=widths, zorder=1, capstyle="round"))
    axes.autoscale_view()


def flow_bounds(most: float) -> list[int]:
    """Return the lower bounds of up to five classes of flow, round numbers that fan out up to the largest flow."""
    bounds = [1]
    for share in (0.02, 0.1, 0.25, 0.5):
        target = max(most * share, 1.0)
        power = 10 ** np.floor(np.log10(target))
        bound = int(max(step * power for step in (1, 2, 5) if step * power <= target))
        if bound > bounds[-1]:
            bounds.append(bound)
    return bounds


def _draw_flow(axes: Axes, links: pd.DataFrame) -> None:
    n_passed = (links["n_vehicles"] + links["n_walking_persons"]).to_numpy()
    axes.plot([], [], linestyle="none", label=f"{HEADING}Cars and people on foot passed")
    if not n_passed.any():
        axes.plot([], [], linestyle="none", label="nobody moved")
        return
    draw_classes(axes, links, n_passed, FLOW_COLOURS, FLOW_WIDTHS, bounds=flow_bounds(n_passed.max()), are_counts=True)


def draw_classes(
    axes: Axes,
    links: pd.DataFrame,
    value: np.ndarray,
    colours: Sequence[str],
    widths: Sequence[float],
    *,
    bounds: Sequence[int],
    are_counts: bool,
) -> None:
    """Draw the streets of value 1 and more in up to five classes, each with its label in the legend.

    axes: of the map. links: one row per street. value: of each street, float64[n_links]. colours, widths: of the
    classes, rising; with fewer classes the last of them. bounds: the least value of each class (flow_bounds).
    are_counts: the values are whole numbers, so that a class ends one below the next.
    """
    level = np.searchsorted(bounds, value, side="right") - 1
    lines, skip = polylines(links), len(colours) - len(bounds)
    for i, bound in enumerate(bounds):
        last = bounds[i + 1] - are_counts if i + 1 < len(bounds) else None
        upper = " and more" if last is None else "" if last == bound else f" to {last:,}"
        axes.add_collection(
            LineCollection(
                [lines[row] for row in np.flatnonzero(level == i)], colors=colours[skip + i],
                linewidths=widths[skip + i], zorder=2 + 0.1 * i, capstyle="round", label=f"{bound:,}{upper}",
            )
        )  # fmt: skip


def _draw_closures(axes: Axes, links: pd.DataFrame) -> None:
    closed = links[np.isfinite(links["closed_time_s"])]
    if closed.empty:
        return
    label = f"{len(closed):,} {'street' if len(closed) == 1 else 'streets'}"
    axes.plot([], [], linestyle="none", label=f"{HEADING}Closed during the run")
    axes.add_collection(LineCollection(polylines(closed), colors=palette.PURPLE, linewidths=4.0, zorder=4))
    middle = np.array(
        [np.mean(line[[0, -1]], axis=0) if len(line) == 2 else line[len(line) // 2] for line in polylines(closed)]
    )
    axes.plot(*middle.T, linestyle="none", marker="X", markersize=11, color=palette.PURPLE, markeredgecolor="black",
              zorder=8, label=label)  # fmt: skip


def _draw_impacts(axes: Axes, impacts: pd.DataFrame) -> None:
    """Draw all impacts of the run as circles by size."""
    alpha = float(np.clip(0.75 - len(impacts) / 4000, 0.15, 0.75))
    axes.plot([], [], linestyle="none", label=f"{HEADING}Impacts: {len(impacts):,}")
    for name, (label, diameter) in reversed(style.SIZE_STYLE.items()):
        part = impacts[impacts["size"] == name]
        if not part.empty:
            axes.plot(part["x_m"], part["y_m"], linestyle="none", marker="o", markersize=diameter, alpha=alpha,
                      color=palette.ORANGE, markeredgecolor=palette.VERMILION, markeredgewidth=1.0, zorder=6,
                      label=f"{label}: {len(part):,}")  # fmt: skip


def _draw_exits(axes: Axes, exits: pd.DataFrame) -> None:
    """Mark the exits with numbers, the busiest first; the legend says how many left by each."""
    exits = exits.sort_values("n_persons", ascending=False, kind="stable")
    axes.plot([], [], linestyle="none", label=f"{HEADING}Exits, and people out by each")
    for number, row in enumerate(exits.itertuples(), start=1):
        name = textwrap.fill(f"{row.exit}: {row.n_persons:,}", 32)
        axes.plot(
            row.x_m, row.y_m, linestyle="none", marker="o", markersize=14, color=palette.GREEN, markeredgecolor="white",
            zorder=20, label=f"{number}  {name}" if number <= MAX_EXITS else None,
        )  # fmt: skip
        axes.annotate(str(number), (row.x_m, row.y_m), ha="center", va="center_baseline", fontsize=9, color="white",
                      fontweight="bold", zorder=21)  # fmt: skip
    if len(exits) > MAX_EXITS:
        rest = int(exits["n_persons"].iloc[MAX_EXITS:].sum())
        axes.plot([], [], linestyle="none", label=f"{len(exits) - MAX_EXITS} other exits: {rest:,}")


def draw_legend(axes: Axes, side: Axes) -> None:
    """Write the legend of the map into the axes at its side, headings in bold."""
    handles, labels = axes.get_legend_handles_labels()
    labels = [f"\n{label}" if label.startswith(HEADING) and row else label for row, label in enumerate(labels)]
    legend = side.legend(
        handles, [label.replace(HEADING, "") for label in labels], loc="upper left", frameon=False, fontsize=10,
        labelspacing=0.6, borderpad=0, borderaxespad=0,
    )  # fmt: skip
    for text, label in zip(legend.get_texts(), labels, strict=True):
        if HEADING in label:
            text.set_fontweight("bold")


def draw_north(axes: Axes) -> None:
    """Draw an arrow that points north."""
    axes.annotate(
        "N", (0.985, 0.16), (0.985, 0.07), xycoords="axes fraction", textcoords="axes fraction", ha="center",
        va="center", fontsize=11, fontweight="bold", zorder=22, annotation_clip=False,
        arrowprops={"arrowstyle": "-|>", "color": "black", "linewidth": 1.4},
    )  # fmt: skip
