"""The picture of those left behind: which groups, for which reasons, where in town."""

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import PercentFormatter

from safepassage.model.pictures import palette, style
from safepassage.model.pictures.map import draw_quiet_streets, draw_scale_below
from safepassage.model.results.metrics import by_group
from safepassage.model.results.run_folder import RunFolder

MIN_PERSONS = 10
"""Cells of the map with fewer residents are not shown: a share of so few says nothing, and points at households."""


def left_behind(run: RunFolder) -> Figure:
    """Return the share out of the area by group, the reasons of those who are not, and a map of the share by homes."""
    persons = run.frame("persons")
    is_safe = (persons["status"] == "SAFE").to_numpy()
    figure = style.new_figure(run, f"Who is not out, and why: {np.sum(~is_safe):,} of {len(persons):,} residents", 9.2)
    left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=[1.1, 1])[0]
    n_reasons = persons.loc[~is_safe, "reason"].nunique()
    groups, reasons = left.subplots(2, 1, height_ratios=[7, max(7, 1.2 * n_reasons)])
    _draw_groups(groups, run, is_safe.mean())
    _draw_reasons(reasons, persons[~is_safe])
    _draw_homes(right, run, persons, is_safe)
    return figure


def _draw_groups(axes: Axes, run: RunFolder, share_of_all: float) -> None:
    groups = by_group(run)
    rows = np.arange(len(groups))
    axes.barh(rows, groups["evacuated_share"], color=palette.GREEN, height=0.7)
    axes.barh(rows, 1 - groups["evacuated_share"], left=groups["evacuated_share"], color=palette.PALE, height=0.7)
    for row, (share, n) in enumerate(zip(groups["evacuated_share"], groups["n_persons"], strict=True)):
        text = f"{style.percent(share)} of {n:,}"
        axes.annotate(text, (1, row), (6, 0), textcoords="offset points", va="center", fontsize=9.5)
    axes.axvline(share_of_all, color=palette.INK, linewidth=1.4, linestyle=(0, (4, 3)))
    axes.set_yticks(rows, groups["group"].str.replace("mobility ", "mobility: "))
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.set_title(f"Out of the area, by group (dashed: all, {style.percent(share_of_all)})", loc="left", fontsize=12)
    style.tidy(axes, "x")
    axes.set_xlabel("share of the group's people")


def _draw_reasons(axes: Axes, left: pd.DataFrame) -> None:
    axes.set_title("Why the others are not out", loc="left", fontsize=12)
    counts = left["reason"].value_counts()
    if counts.empty:
        axes.set_axis_off()
        style.say(axes, "Everybody is out.")
        return
    rows = np.arange(len(counts))
    axes.barh(rows, counts.to_numpy(), color=palette.VERMILION, height=0.7)
    axes.set_xlim(0, counts.max() * 1.3)
    for row, n in enumerate(counts):
        text = f"{n:,} ({style.percent(n / len(left))})"
        axes.annotate(text, (n, row), (4, 0), textcoords="offset points", va="center", fontsize=9.5)
    axes.set_yticks(rows, ["\n".join(textwrap.wrap(text, 34)) for text in counts.index])
    axes.invert_yaxis()
    style.tidy(axes, "x")
    axes.tick_params(axis="y", labelsize=8.5)
    style.count_axis(axes.xaxis, "people not out at the end of the run", max_ticks=4)


def _draw_homes(figure: SubFigure, run: RunFolder, persons: pd.DataFrame, is_safe: np.ndarray) -> None:
    """Draw hexagons by the share of their residents who are out; cells of few residents are left out."""
    axes = figure.add_subplot()
    draw_quiet_streets(axes, run.frame("links"))
    x, y = persons["home_x_m"].to_numpy(), persons["home_y_m"].to_numpy()
    cells = axes.hexbin(
        x, y, C=is_safe, reduce_C_function=np.mean, mincnt=MIN_PERSONS, gridsize=_cells_across(x, y), cmap="viridis",
        vmin=0, vmax=1, alpha=0.8, linewidths=0.3, edgecolors="white", zorder=5,
    )  # fmt: skip
    axes.set_aspect("equal", anchor="N")
    axes.set_axis_off()
    axes.autoscale_view()
    draw_scale_below(axes)
    axes.set_title("Out of the area, by home", loc="left", fontsize=12)
    bar = figure.colorbar(cells, ax=axes, orientation="horizontal", shrink=0.7, aspect=35, pad=0.02)
    bar.ax.xaxis.set_major_formatter(PercentFormatter(1))
    bar.set_label(f"share of residents who are out (cells of {MIN_PERSONS} residents or more)")


def _cells_across(x: np.ndarray, y: np.ndarray) -> tuple[int, int]:
    """Return how many hexagons lie across the homes and along them: about 40 people or more in a usual cell."""
    width, height = max(np.ptp(x), 1.0), max(np.ptp(y), 1.0)
    across = np.clip(np.sqrt(x.size / 40 * width / height), 8, 34)
    return max(int(across), 2), max(int(across * height / width / np.sqrt(3)), 2)
