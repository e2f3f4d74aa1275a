"""The map of a finished run's bottlenecks: how long cars were held up on each street."""

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from safepassage.model.pictures import map, palette, style
from safepassage.model.results.map_tables import one_per_street
from safepassage.model.results.run_folder import RunFolder

COLOURS = ("#FFD92F", "#FDAE3D", "#F1692A", "#BD1F1F", "#5E0B15")
"""From little delay to much; light to dark also without colour."""
WIDTHS = (1.6, 2.2, 3.0, 4.0, 5.2)
MOST_NAMED = 8
"""Streets that the legend names, those with most delay first."""
LEAST_SHARE = 0.01
"""A street with less than this share of all delay is not named."""


def delay_by_street(run: RunFolder) -> Figure:
    """Return a map: streets in grey, those where cars lost time in colour, the worst with numbers, and the exits."""
    links = one_per_street(run.frame("links"))
    figure, axes, side = map.new_map(run, links, "Where cars were held up: delay by street")
    delay_h = links["delay_vehicle_h"].to_numpy()
    beyond_h = float(run.frame("onward_roads")["delay_vehicle_h"].sum()) if run.has("onward_roads") else 0.0
    _draw_delay(axes, links, delay_h)
    axes.margins(0.05)
    axes.autoscale_view()
    _draw_worst(axes, links, delay_h, beyond_h)
    _draw_exits(axes, run.frame("exits"))
    map.draw_scale_below(axes)
    map.draw_north(axes)
    map.draw_legend(axes, side)
    return figure


def _draw_delay(axes: Axes, links: pd.DataFrame, delay_h: np.ndarray) -> None:
    axes.plot([], [], linestyle="none", label=f"{map.HEADING}Time lost on a street (vehicle-hours)")
    if delay_h.max(initial=0.0) < 1.0:
        axes.plot([], [], linestyle="none", label=f"less than one on any street, {delay_h.sum():.2g} in all")
        return
    bounds = map.flow_bounds(float(delay_h.max()))
    map.draw_classes(axes, links, delay_h, COLOURS, WIDTHS, bounds=bounds, are_counts=False)


def worst_streets(links: pd.DataFrame) -> pd.DataFrame:
    """Return the streets with most delay: name, delay_vehicle_h, share of all, and the row of the worst link of each.

    links: one row per link or street. Links of one name are one street; one without a name stands for itself.
    """
    links = links.reset_index(drop=True)
    unnamed = "unnamed " + links["highway"].str.replace("_", " ") + " from " + links["upstream"] + " to "
    unnamed += links["downstream"]
    name = links["name"].where(links["name"] != "", unnamed)
    total_h = links["delay_vehicle_h"].sum()
    by_name = links.groupby(name)["delay_vehicle_h"]
    found = pd.DataFrame({"delay_vehicle_h": by_name.sum(), "row": by_name.idxmax()}).rename_axis("name").reset_index()
    found["share"] = found["delay_vehicle_h"] / max(total_h, 1e-9)
    found = found.sort_values("delay_vehicle_h", ascending=False, kind="stable")
    return found[(found["share"] >= LEAST_SHARE) & (found["delay_vehicle_h"] >= 1.0)].head(MOST_NAMED)


def _draw_worst(axes: Axes, links: pd.DataFrame, delay_h: np.ndarray, beyond_h: float) -> None:
    """Mark the worst place of the worst streets with numbers; the legend names them."""
    worst, lines = worst_streets(links), map.polylines(links)
    marks: list[np.ndarray] = []
    total = f"{map.HEADING}Where most of {delay_h.sum():,.0f} vehicle-hours were lost"
    if len(worst):
        axes.plot([], [], linestyle="none", label=textwrap.fill(total, 36))
    for number, street in enumerate(worst.itertuples(), start=1):
        line = lines[street.row]
        place = np.mean(line[[0, -1]], axis=0) if len(line) == 2 else line[len(line) // 2]
        mark = _free_place(place, marks, 0.03 * float(np.ptp(axes.get_ylim())))
        marks.append(mark)
        axes.plot(*zip(place, mark, strict=True), color="black", linewidth=1.0, zorder=19)
        name = textwrap.fill(f"{street.name}: {street.delay_vehicle_h:,.0f} ({style.percent(street.share)})", 32)
        axes.plot(*mark, linestyle="none", marker="o", markersize=14, color="white", markeredgecolor="black",
                  zorder=20, label=f"{number}  {name}")  # fmt: skip
        axes.annotate(
            str(number), (mark[0], mark[1]), ha="center", va="center_baseline", fontsize=9, fontweight="bold", zorder=21
        )
    if beyond_h >= 1.0:
        axes.plot([], [], linestyle="none", label=f"{map.HEADING}On the roads beyond the exits")
        axes.plot([], [], linestyle="none", label=f"{beyond_h:,.0f} vehicle-hours (not on the map)")


def _free_place(place: np.ndarray, taken: list[np.ndarray], apart_m: float) -> np.ndarray:
    """Return the place, or the nearest of some around it that is apart from all those taken."""
    around = [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1), (2, 0), (-2, 0), (0, 2), (0, -2)]
    tried = [place + apart_m * np.array(step) for step in around]
    return next((at for at in tried if all(np.hypot(*(at - other)) >= 0.99 * apart_m for other in taken)), place)


def _draw_exits(axes: Axes, exits: pd.DataFrame) -> None:
    axes.plot([], [], linestyle="none", label=f"{map.HEADING}Exits")
    axes.plot(exits["x_m"], exits["y_m"], linestyle="none", marker="s", markersize=10, color=palette.GREEN,
              markeredgecolor="white", zorder=18, label="ways out, as on the map of flows")  # fmt: skip
