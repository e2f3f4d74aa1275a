"""A map of the streets: classes, exits, scale bar."""

import numpy as np

from safepassage.model.street_defaults import street_class

_STYLES = (
    # most major rank in the group, label, colour, line width (points)
    (0, "motorway, trunk", "#b2182b", 2.4),
    (2, "primary", "#e08214", 1.9),
    (3, "secondary", "#d9b429", 1.5),
    (4, "tertiary", "#8c96a0", 1.1),
    (5, "other streets", "#c3c9cf", 0.6),
    (9, "paths, steps, tracks", "#8fbf9a", 0.5),
)
_CREDIT = "© OpenStreetMap contributors (ODbL)"


def draw_map(streets, path_png, title=None, attribution=None):
    """Write a PNG map of the streets by class with the exits named.

    attribution: whose data it is; give OSM_ATTRIBUTION for OpenStreetMap.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width_m, height_m = np.ptp(streets.geometry_x_m), np.ptp(streets.geometry_y_m)
    scale = 10 / max(width_m, height_m, 1.0)
    size_in = (min(max(width_m * scale, 6.0), 12.0) + 0.4, min(max(height_m * scale, 6.0), 11.0) + 0.9)
    figure = Figure(figsize=size_in, dpi=130, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_aspect("equal")
    axes.set_axis_off()
    axes.margins(0.06)
    draw_streets(axes, streets)
    _draw_exits(axes, streets)
    axes.legend(loc="upper left", bbox_to_anchor=(0, 0), ncols=4, frameon=False, fontsize=8, borderaxespad=0.2)
    draw_scale_bar(axes, streets)
    if title:
        axes.set_title(title, loc="left", fontsize=12, fontweight="bold")
    if attribution:
        figure.text(0.995, 0.004, attribution, ha="right", va="bottom", fontsize=7, color="#555555")
    figure.savefig(path_png)


OSM_ATTRIBUTION = _CREDIT
"""The line that OpenStreetMap's licence asks for under every map."""


def draw_streets(axes, streets):
    """Draw every street once on matplotlib axes, minor classes below major ones, one line style per group of classes."""
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


def _draw_exits(axes, streets):
    """Mark the exits and name them, labels towards the middle of the map and apart from each other."""
    x, y = streets.node_x_m[streets.exit_node], streets.node_y_m[streets.exit_node]
    axes.plot(x, y, linestyle="none", marker="D", markersize=7, color="#1b3a6b", markeredgecolor="white", zorder=20)
    left, right = axes.get_xlim()
    bottom, top = axes.get_ylim()
    gap = (top - bottom) / 38
    placed = []
    for i in np.argsort(-y):
        is_right = x[i] > (left + right) / 2
        label_y = min(max(y[i], bottom + gap), top - gap)
        for other_right, other_y in placed:
            if other_right == is_right and abs(label_y - other_y) < gap:
                label_y = other_y - gap
        placed.append((is_right, label_y))
        label_x = x[i] + (right - left) * (-0.02 if is_right else 0.02)
        axes.annotate(
            streets.exit_name[i],
            (x[i], y[i]),
            (label_x, label_y),
            ha="right" if is_right else "left",
            va="center",
            fontsize=8.5,
            color="#1b3a6b",
            zorder=21,
            bbox={"facecolor": "white", "alpha": 0.85, "edgecolor": "none", "pad": 1.5},
            arrowprops={"arrowstyle": "-", "color": "#1b3a6b", "linewidth": 0.6, "shrinkA": 0, "shrinkB": 2},
        )


def draw_scale_bar(axes, streets):
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
