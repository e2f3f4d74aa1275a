"""The picture of a sweep: an outcome against each factor."""

import textwrap
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from safepassage.experiments.questions.paired import confidence_interval
from safepassage.experiments.reports.comparison_pictures import PLAN_COLOURS, new_figure
from safepassage.experiments.reports.sweep_table import in_words
from safepassage.model.pictures import style
from safepassage.model.results.outcomes import Outcome

MOST_FACTORS = 6


def sweep_picture(head: Mapping, frame: pd.DataFrame, factors: list[str], outcome: Outcome) -> Figure:
    """Return an outcome's mean at each point of the design against each factor that varies, plans apart.

    head: title and notice; frame: results, a row per run; factors: those that vary; without any, the points stand side
    by side.
    """
    name = outcome.name
    shown = factors[:MOST_FACTORS] or ["point"]
    n_columns = min(3, len(shown))
    n_rows = -(-len(shown) // n_columns)
    footer = "Dots: mean over replications; bars: 95% intervals of the mean, where there are few points."
    figure = new_figure(head, outcome.words[:1].upper() + outcome.words[1:], footer, 1.9 + 3.7 * n_rows)
    grid = figure.subplots(n_rows, n_columns, squeeze=False, sharey=True).ravel()
    points = frame.groupby(["point", "plan"], as_index=False)
    means = points[name].mean().merge(frame.drop_duplicates("point")[list({"point", *shown})], on="point")
    half = points[name].agg(_half_width)[name].to_numpy() if len(means) <= 60 else None
    for axes, factor in zip(grid, shown, strict=False):
        _draw(axes, means, half, factor, name)
    for axes in grid[len(shown) :]:
        axes.set_axis_off()
    for axes in grid[::n_columns]:
        axes.set_ylabel(outcome.unit)
        axes.set_ylim(bottom=0 if (means[name] >= 0).all() and axes.get_ylim()[0] < 0 else None)
    if means["plan"].nunique() > 1:
        grid[0].legend(frameon=False, fontsize=9)
    return figure


def _half_width(values: pd.Series) -> float:
    low, high, _ = confidence_interval(values.dropna().to_numpy(float))
    return (high - low) / 2


def _draw(axes, means: pd.DataFrame, half: np.ndarray | None, name: str, outcome: str):
    x = means[name]
    is_number = pd.api.types.is_numeric_dtype(x) and x.dtype != bool
    labels = None if is_number else list(dict.fromkeys(x.astype(str)))
    at = x.to_numpy(float) if is_number else np.array([labels.index(text) for text in x.astype(str)], float)
    for k, (plan, part) in enumerate(means.groupby("plan")):
        rows = part.index.to_numpy()
        colour = PLAN_COLOURS[k % len(PLAN_COLOURS)]
        bars = None if half is None else np.nan_to_num(half[rows])
        axes.errorbar(at[rows], part[outcome], yerr=bars, fmt="o", color=colour, markersize=4.5, elinewidth=1.1,
                      alpha=0.8, label=plan or "none")  # fmt: skip
    if labels:
        axes.set_xticks(range(len(labels)), [text[:24] for text in labels])
    else:
        axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,g}"))
    axes.set_xlabel("\n".join([*textwrap.wrap(in_words(name), 44), name]), fontsize=9)
    style.tidy(axes, "both")
