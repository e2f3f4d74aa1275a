"""The small maps of an answer page: who is left where, where cars were held up. No text is drawn into them."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from safepassage.experiments.outcomes.by_place import DELAYS, LEFT, STREETS
from safepassage.model.pictures import bottlenecks, map
from safepassage.model.pictures.palette import CHANGE
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.files.texts import as_written

LEFT_COLOURS = ("#FBE3C0", "#F6B76B", "#E5832F", "#B34F12", "#642607")
FEW_RESIDENTS = 10
"""Cells with fewer residents in the mean are not shown: they would point at households."""
WIDTH_IN, DPI, TALLEST = 3.2, 160, 1.15


@dataclass(frozen=True)
class Legend:
    """A class of a map: colour, and the ends of its values; None: open."""

    colour: str
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Maps:
    """What the maps of a comparison are drawn from."""

    left: pd.DataFrame
    delays: pd.DataFrame
    streets: pd.DataFrame
    plans: tuple[str, ...]

    @property
    def cell_m(self) -> float:
        """Side of the cells (m)."""
        return float(self.left["cell_m"].iloc[0])

    @property
    def bar_m(self) -> float:
        """Length of the bar on every map (m): round, about a fifth of the width."""
        width_m = np.ptp(np.concatenate(self.streets["x_m"].to_numpy())) / 5
        power = 10 ** np.floor(np.log10(width_m))
        return float(max(step * power for step in (1, 2, 5) if step * power <= width_m))

    def left_classes(self) -> list[Legend]:
        """Return the classes of people left in a cell, the same for all plans."""
        bounds = map.flow_bounds(max(float(self._cells()["n_left"].max()), 1.0))
        return _classes(bounds, LEFT_COLOURS)

    def change_classes(self) -> list[Legend]:
        """Return the classes of the change of people left in a cell, from far fewer to far more."""
        most = max(float(self._cells()["change"].abs().max()), 1.0)
        far, little = _round(0.4 * most), _round(0.1 * most)
        ends = [None, -far, -little, little, far, None]
        return [Legend(CHANGE[i], ends[i], ends[i + 1]) for i in range(5)]

    def delay_classes(self) -> list[Legend]:
        """Return the classes of delay on a street, the same for all plans; none if nothing was lost."""
        most = float(self.delays["delay_vehicle_h"].max()) if len(self.delays) else 0.0
        return _classes(map.flow_bounds(most), bottlenecks.COLOURS) if most >= 1.0 else []

    def delay_h(self, plan: str) -> np.ndarray:
        """Return the mean vehicle-hours lost on each street under a plan."""
        mine = self.delays[self.delays["plan"] == plan]
        delay_h = np.zeros(len(self.streets))
        delay_h[mine["street"].to_numpy()] = mine["delay_vehicle_h"].to_numpy()
        return delay_h

    def worst(self, plan: str) -> list[tuple[str, float]]:
        """Return the three streets with most delay under a plan and what was lost there (vehicle-hours)."""
        found = bottlenecks.worst_streets(self.streets.assign(delay_vehicle_h=self.delay_h(plan)))
        return [(row.name, float(row.delay_vehicle_h)) for row in found.head(3).itertuples(index=False)]

    def draw_left(self, plan: str) -> str:
        """Return the map of who is left under a plan: a PNG picture, base64."""
        cells, classes = self._cells(plan), self.left_classes()
        level = np.searchsorted([one.low for one in classes], cells["n_left"], side="right") - 1
        shown = level >= 0
        return self._draw(cells[shown], [classes[i].colour for i in level[shown]])

    def draw_change(self, plan: str) -> str:
        """Return the map of how many more or fewer are left than without a plan; framed: clear."""
        cells, classes = self._cells(plan), self.change_classes()
        level = np.searchsorted([one.high for one in classes[:-1]], cells["change"], side="right")
        return self._draw(cells, [classes[i].colour for i in level], cells["is_clear"].to_numpy(bool))

    def draw_delays(self, plan: str) -> str:
        """Return the map of the streets where cars were held up under a plan."""
        figure, axes = self._new()
        classes = self.delay_classes()
        if classes:
            bounds = [int(one.low or 0) for one in classes]
            map.draw_classes(axes, self.streets, self.delay_h(plan), bottlenecks.COLOURS, bottlenecks.WIDTHS,
                             bounds=bounds, are_counts=False)  # fmt: skip
        return _png(figure)

    def _cells(self, plan: str | None = None) -> pd.DataFrame:
        cells = self.left if plan is None else self.left[self.left["plan"] == plan]
        return cells[cells["n_residents"] >= FEW_RESIDENTS]

    def _draw(self, cells: pd.DataFrame, colours: list[str], framed: np.ndarray | None = None) -> str:
        figure, axes = self._new()
        half_m = self.cell_m / 2
        squares = [Rectangle((x - half_m, y - half_m), 2 * half_m, 2 * half_m)
                   for x, y in zip(cells["cell_x_m"], cells["cell_y_m"], strict=True)]  # fmt: skip
        axes.add_collection(
            PatchCollection(squares, facecolors=colours, edgecolors="white", linewidths=0.7, alpha=0.85, zorder=3)
        )
        frames = [] if framed is None else [squares[i] for i in np.flatnonzero(framed)]
        axes.add_collection(PatchCollection(frames, facecolors="none", edgecolors="black", linewidths=1.1, zorder=4))
        return _png(figure)

    def _new(self):
        """Return a figure with the streets in grey and a bar of a round length; nothing is written."""
        x, y = (np.concatenate(self.streets[name].to_numpy()) for name in ("x_m", "y_m"))
        shape = float(np.clip(np.ptp(y) / max(np.ptp(x), 1.0), 0.4, TALLEST))
        figure = Figure(figsize=(WIDTH_IN, WIDTH_IN * shape + 0.12), dpi=DPI, facecolor="white")
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_aspect("equal")
        axes.set_axis_off()
        map.draw_quiet_streets(axes, self.streets)
        axes.margins(0.02)
        axes.autoscale_view()
        left, right = axes.get_xlim()
        bottom, top = axes.get_ylim()
        axes.set_ylim(bottom - 0.05 * (top - bottom), top)
        at = bottom - 0.03 * (top - bottom)
        axes.plot([right - self.bar_m, right], [at, at], color="black", linewidth=2, solid_capstyle="butt", zorder=9)
        axes.set_xlim(left, right)
        return figure, axes


def read_maps(folder: Path, plans: tuple[str, ...]) -> Maps:
    """Return what the maps of a comparison are drawn from. Raises ScenarioError if it kept nothing by place."""
    missing = [name for name in (LEFT, DELAYS, STREETS) if not (folder / f"{name}.parquet").is_file()]
    if missing:
        raise ScenarioError(
            f"{folder}: this comparison was made by an earlier version, which kept nothing by place. Repeat its "
            "command with another --out."
        )
    left, delays, streets = (pq.read_table(folder / f"{name}.parquet").to_pandas() for name in (LEFT, DELAYS, STREETS))
    return Maps(left, delays, streets, plans)


def _classes(bounds: list[int], colours: tuple[str, ...]) -> list[Legend]:
    """Return up to five classes by their lower bounds; with fewer of them, the last colours."""
    skip = len(colours) - len(bounds)
    ends = [*bounds[1:], None]
    return [Legend(colours[skip + i], low, high) for i, (low, high) in enumerate(zip(bounds, ends, strict=True))]


def _round(value: float) -> float:
    power = 10.0 ** np.floor(np.log10(value))
    return float(max(step * power for step in (1, 2, 5) if step * power <= value))


def _png(figure: Figure) -> str:
    content = io.BytesIO()
    with as_written(figure):
        figure.savefig(content, format="png")
    return base64.b64encode(content.getvalue()).decode()
