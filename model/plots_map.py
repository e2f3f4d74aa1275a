"""The map of a finished run: streets, flow, impacts, closures and exits."""

import numpy as np
import pandas as pd
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from safepassage.model import plot_style as style
from safepassage.model.network_map import draw_scale_bar
from safepassage.model.results import RunFolder
from safepassage.model.street_defaults import street_class

FLOW_COLOURS = ("#A6CDE8", "#56A0D3", "#0072B2", "#084A80", "#041F3D")
FLOW_WIDTHS = (0.9, 1.5, 2.3, 3.3, 4.6)


def map_of_run(run: RunFolder) -> Figure:
    """Return a map: streets in grey, how many passed in blue, impacts by size, closed streets, exits with numbers."""
    links = one_per_street(run.frame("links"))
    x = np.concatenate(links["x_m"].to_numpy())
    y = np.concatenate(links["y_m"].to_numpy())
    height_in = float(np.clip(8.6 * np.ptp(y) / max(np.ptp(x), 1.0), 6.0, 11.0)) + 1.4
    figure = style.new_figure(run, "Streets, flow, impacts and exits", height_in)
    axes = figure.add_subplot()
    axes.set_aspect("equal")
    axes.set_axis_off()
    draw_quiet_streets(axes, links)
    _draw_flow(axes, links)
    _draw_closures(axes, links)
    _draw_impacts(axes, run.frame("impacts"), (x.min(), x.max()), (y.min(), y.max()))
    axes.margins(0.05)
    axes.autoscale_view()
    _draw_exits(axes, run.frame("exits"))
    draw_scale_bar(axes, None)
    _draw_north(axes)
    credit = style.street_credit(run, links["upstream"].to_numpy())
    axes.text(0, -0.005, credit, transform=axes.transAxes, fontsize=8, color=style.QUIET, ha="left", va="top")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, fontsize=10, labelspacing=0.7)
    return figure


def one_per_street(links: pd.DataFrame) -> pd.DataFrame:
    """Return one row per street: its two directions joined, their counts added up, the earlier closure kept."""
    names = pd.unique(pd.concat([links["upstream"], links["downstream"]]))
    code = pd.Series(np.arange(names.size), index=names)
    ends = np.sort(np.column_stack([code[links["upstream"]], code[links["downstream"]]]), axis=1)
    middle = [np.round(np.sum(xs) + np.sum(ys), 1) for xs, ys in zip(links["x_m"], links["y_m"], strict=True)]
    keyed = links.assign(_a=ends[:, 0], _b=ends[:, 1], _middle=middle)
    how = dict.fromkeys(("upstream", "highway", "x_m", "y_m"), "first")
    how |= {"n_vehicles": "sum", "n_walking_parties": "sum", "closed_time_s": "min"}
    return keyed.groupby(["_a", "_b", "_middle"], sort=False).agg(how).reset_index(drop=True)


def polylines(links: pd.DataFrame) -> list[np.ndarray]:
    """Return the course of each row as an array of points, shape (n, 2), in metres."""
    return [np.column_stack(pair) for pair in zip(links["x_m"], links["y_m"], strict=True)]


def draw_quiet_streets(axes, links: pd.DataFrame):
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


def _draw_flow(axes, links: pd.DataFrame):
    n_passed = (links["n_vehicles"] + links["n_walking_parties"]).to_numpy()
    axes.plot([], [], linestyle="none", label="cars and walking groups passed")
    if not n_passed.any():
        axes.plot([], [], linestyle="none", label="  nobody moved")
        return
    bounds = flow_bounds(n_passed.max())
    level = np.searchsorted(bounds, n_passed, side="right") - 1
    lines = polylines(links)
    skip = len(FLOW_COLOURS) - len(bounds)
    for i, bound in enumerate(bounds):
        upper = f" to {bounds[i + 1] - 1:,}" if i + 1 < len(bounds) else " and more"
        if i + 1 < len(bounds) and bounds[i + 1] - 1 == bound:
            upper = ""
        chosen = [lines[row] for row in np.flatnonzero(level == i)]
        axes.add_collection(
            LineCollection(
                chosen, colors=FLOW_COLOURS[skip + i], linewidths=FLOW_WIDTHS[skip + i], zorder=2 + 0.1 * i,
                capstyle="round", label=f"{bound:,}{upper}",
            )
        )  # fmt: skip


def _draw_closures(axes, links: pd.DataFrame):
    closed = links[np.isfinite(links["closed_time_s"])]
    if closed.empty:
        return
    label = f"closed during the run: {len(closed):,} {'street' if len(closed) == 1 else 'streets'}"
    axes.add_collection(LineCollection(polylines(closed), colors=style.BLACK, linewidths=2.2, zorder=4))
    middle = np.array(
        [np.mean(line[[0, -1]], axis=0) if len(line) == 2 else line[len(line) // 2] for line in polylines(closed)]
    )
    axes.plot(*middle.T, linestyle="none", marker="X", markersize=9, color=style.BLACK, markeredgecolor="white",
              zorder=8, label=label)  # fmt: skip


def _draw_impacts(axes, impacts: pd.DataFrame, x_range: tuple, y_range: tuple):
    """Draw impacts as circles by size; those beyond the streets are counted in the legend."""
    inside = impacts["x_m"].between(*x_range) & impacts["y_m"].between(*y_range)
    alpha = float(np.clip(0.75 - len(impacts) / 4000, 0.15, 0.75))
    beyond = f", {int((~inside).sum()):,} beyond the map" if (~inside).any() else ""
    axes.plot([], [], linestyle="none", label=f"impacts: {len(impacts):,}{beyond}")
    for name, (label, diameter) in reversed(style.SIZE_STYLE.items()):
        part = impacts[inside & (impacts["size"] == name)]
        if not part.empty:
            axes.plot(part["x_m"], part["y_m"], linestyle="none", marker="o", markersize=diameter, alpha=alpha,
                      color=style.ORANGE, markeredgecolor=style.VERMILION, markeredgewidth=1.0, zorder=6,
                      label=f"{label}: {len(part):,}")  # fmt: skip


def _draw_exits(axes, exits: pd.DataFrame):
    """Mark the exits and say how many left there, labels towards the middle of the map and apart from each other."""
    axes.plot(exits["x_m"], exits["y_m"], linestyle="none", marker="D", markersize=9, color=style.GREEN,
              markeredgecolor="white", zorder=20, label="exits, with the number of people out")  # fmt: skip
    left, right = axes.get_xlim()
    bottom, top = axes.get_ylim()
    gap = (top - bottom) / 24
    placed = {True: [], False: []}
    for row in exits.sort_values("y_m", ascending=False).itertuples():
        is_right = row.x_m > (left + right) / 2
        label_y = min(max(row.y_m, bottom + gap), top - gap)
        for other_y in placed[is_right]:
            if abs(label_y - other_y) < gap:
                label_y = other_y - gap
        placed[is_right].append(label_y)
        label_x = row.x_m + (right - left) * (-0.03 if is_right else 0.03)
        axes.annotate(
            f"{row.exit}: {row.n_persons:,}", (row.x_m, row.y_m), (label_x, label_y),
            ha="right" if is_right else "left", va="center", fontsize=10, color="#00573F", zorder=21,
            bbox={"facecolor": "white", "alpha": 0.9, "edgecolor": "none", "pad": 1.5},
            arrowprops={"arrowstyle": "-", "color": "#00573F", "linewidth": 0.8, "shrinkA": 0, "shrinkB": 2},
        )  # fmt: skip


def _draw_north(axes):
    axes.annotate(
        "N", (0.985, 0.16), (0.985, 0.07), xycoords="axes fraction", textcoords="axes fraction", ha="center",
        va="center", fontsize=11, fontweight="bold", zorder=22, annotation_clip=False,
        arrowprops={"arrowstyle": "-|>", "color": "black", "linewidth": 1.4},
    )  # fmt: skip
