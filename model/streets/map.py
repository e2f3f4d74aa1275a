"""A map of the streets: classes, exits, scale bar."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from safepassage.model.settings.files.texts import as_written, visible
from safepassage.model.streets.classes import street_class
from safepassage.model.streets.streets import Streets

_STYLES = (
    # most major rank in the group, label, colour, line width (points)
    (0, "motorway, trunk", "#b2182b", 2.4),
    (2, "primary", "#e08214", 1.9),
    (3, "secondary", "#d9b429", 1.5),
    (4, "tertiary", "#8c96a0", 1.1),
    (5, "other streets", "#c3c9cf", 0.6),
    (9, "paths, steps, tracks", "#8fbf9a", 0.5),
)
OSM_ATTRIBUTION = "© OpenStreetMap contributors (ODbL)"
"""The line that OpenStreetMap's licence asks for under every map."""

_EXIT_COLOUR = "#1b3a6b"


GROUND_COLOURS = {"green": "#dcebd3", "water": "#b9dcea", "railway": "#6f6f6f"}


def draw_map(
    streets: Streets, path_png: Path, title: str | None = None, attribution: str | None = None, background: Any = ()
) -> None:
    """Write a PNG map of the streets by class with the exits named.

    attribution: whose data it is; give OSM_ATTRIBUTION for OpenStreetMap. path_png: the picture to write. title:
    heading of the picture. background: things beneath the streets, as `read_background` gives them.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width_m, height_m = np.ptp(streets.geometry_x_m), np.ptp(streets.geometry_y_m)
    longer_m = max(width_m, height_m, 1.0)
    width_in, height_in = (max(10 * d / longer_m, 6.0) for d in (width_m, height_m))
    above_in, below_in = (0.45 if title else 0.1), 0.75
    figure = Figure(figsize=(width_in, height_in + above_in + below_in), dpi=130, facecolor="white")
    FigureCanvasAgg(figure)
    full_in = figure.get_figheight()
    axes = figure.add_axes((0, below_in / full_in, 1, height_in / full_in))
    axes.set_axis_off()
    axes.margins(0.06)
    draw_streets(axes, streets)
    draw_background(axes, background)
    axes.set_aspect("equal", adjustable="datalim")
    draw_exits(axes, streets)
    draw_scale_bar(axes)
    figure.legend(*axes.get_legend_handles_labels(), loc="lower left", ncols=4, frameon=False, fontsize=8)
    if title:
        figure.text(0.015, 1 - 0.1 / full_in, title, va="top", fontsize=12, fontweight="bold")
    if attribution:
        figure.text(0.99, 0.1 / full_in, attribution, ha="right", va="bottom", fontsize=7, color="#555555")
    with as_written(figure):
        figure.savefig(path_png)


def draw_background(axes: Axes, things: Any) -> None:
    """Draw water, green, railways and names of places beneath the streets on matplotlib axes, whose limits stay."""
    from matplotlib.collections import LineCollection, PathCollection
    from matplotlib.path import Path as Outline
    from matplotlib.patheffects import withStroke

    for row, (kind, colour) in enumerate(GROUND_COLOURS.items()):
        found = [thing for thing in things if thing.kind == kind]
        areas = [Outline.make_compound_path(*(Outline(part, closed=True) for part in thing.parts))
                 for thing in found if thing.is_area]  # fmt: skip
        lines = [part for thing in found if not thing.is_area for part in thing.parts if len(part) > 1]
        layer = 0.2 + 0.1 * row
        if areas:
            axes.add_collection(
                PathCollection(areas, facecolors=colour, edgecolors="none", zorder=layer), autolim=False
            )
        if lines:
            width = 1.2 if kind == "railway" else 2.0
            axes.add_collection(LineCollection(lines, colors=colour, linewidths=width, zorder=layer), autolim=False)
    for thing in things:
        if thing.kind == "place":
            x_m, y_m = thing.parts[0][0]
            axes.text(x_m, y_m, visible(thing.name), color="#4b4b4b", fontsize=8, ha="center", va="center",
                      clip_on=True, zorder=15, path_effects=[withStroke(linewidth=2, foreground="white")])  # fmt: skip


def draw_streets(axes: Axes, streets: Streets) -> None:
    """Draw every street once on matplotlib axes, minor classes below major ones."""
    from matplotlib.collections import LineCollection

    _, one_link = np.unique(streets.link_street, return_index=True)
    rank = np.array([street_class(name).rank for name in streets.highway_names])[streets.highway[one_link]]
    lower = np.array([style[0] for style in _STYLES])
    group = np.searchsorted(lower, rank, side="right") - 1
    for i, (_, label, colour, width) in reversed(list(enumerate(_STYLES))):
        lines = [np.column_stack(streets.polyline(link)) for link in one_link[group == i]]
        if lines:
            axes.add_collection(
                LineCollection(lines, colors=colour, linewidths=width, label=label, zorder=10 - i, capstyle="round")
            )
    axes.autoscale_view()


def draw_exits(axes: Axes, streets: Streets) -> None:
    """Mark the exits on matplotlib axes and name them, each label at the nearest free place beside its exit."""
    x, y = streets.node_x_m[streets.exit_node], streets.node_y_m[streets.exit_node]
    axes.plot(x, y, "D", markersize=7, color=_EXIT_COLOUR, markeredgecolor="white", zorder=20, label="exit")
    from matplotlib.text import Text

    figure: Any = axes.figure
    with as_written(figure):
        figure.draw_without_rendering()
        renderer = figure.canvas.get_renderer()
        points = axes.transData.transform(np.column_stack((x, y)))
        taken = [(px - 8, py - 8, px + 8, py + 8) for px, py in points]
        frame = axes.get_window_extent(renderer)
        for i in np.argsort(-y, kind="stable"):
            label = axes.annotate(
                visible(streets.exit_name[i]),
                (x[i], y[i]),
                (0, 0),
                textcoords="offset points",
                fontsize=8.5,
                color=_EXIT_COLOUR,
                zorder=21,
                bbox={"facecolor": "white", "alpha": 0.85, "edgecolor": "none", "pad": 1.5},
                arrowprops={"arrowstyle": "-", "color": _EXIT_COLOUR, "linewidth": 0.7, "shrinkA": 0, "shrinkB": 3},
            )
            size = Text.get_window_extent(label, renderer)
            corner = _free_place(points[i], size.width + 8, size.height + 8, taken, frame)
            taken.append((*corner, corner[0] + size.width + 8, corner[1] + size.height + 8))
            label.set_position(tuple((corner + 4 - points[i]) * 72 / figure.dpi))


def _free_place(point, width, height, taken, frame):
    """Return the lower left corner, nearest to a point, of a box inside the frame that covers nothing taken (pixels).

    Tries eight sides at growing distances; if nothing is free, the box lies beside the point.
    """
    for distance in range(12, 400, 14):
        for dx, dy in ((1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1), (0, 1), (0, -1)):
            x = point[0] + dx * distance + (dx - 1) / 2 * width
            y = point[1] + dy * distance + (dy - 1) / 2 * height
            inside = frame.x0 <= x and x + width <= frame.x1 and frame.y0 <= y and y + height <= frame.y1
            free = all(x + width <= t[0] or x >= t[2] or y + height <= t[1] or y >= t[3] for t in taken)
            if inside and free:
                return np.array((x, y))
    return np.array((point[0] + 12, point[1] - height / 2))


def draw_scale_bar(axes: Axes) -> None:
    """Draw a bar of a round length, about a fifth of the map's width, in the lower right corner."""
    left, right = axes.get_xlim()
    bottom, top = axes.get_ylim()
    target_m = (right - left) / 5
    power = 10 ** np.floor(np.log10(target_m))
    bar_m = max(step * power for step in (1, 2, 5) if step * power <= target_m)
    text = f"{bar_m / 1000:g} km" if bar_m >= 1000 else f"{bar_m:g} m"
    x, y = right - bar_m - 0.02 * (right - left), bottom + 0.015 * (top - bottom)
    axes.plot([x, x + bar_m], [y, y], color="black", linewidth=2.5, solid_capstyle="butt", zorder=22)
    axes.text(x + bar_m / 2, y + 0.008 * (top - bottom), text, ha="center", va="bottom", fontsize=8, zorder=22)
