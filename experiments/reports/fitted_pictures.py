"""Pictures of calibrations and searches: posterior, predictive bands against what was seen, plans that none beats."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from safepassage.experiments.questions.calibrate import Calibrated
from safepassage.experiments.questions.optimise import Optimised
from safepassage.experiments.reports.comparison_pictures import clock, clock_axis, new_figure
from safepassage.experiments.reports.sampled_pictures import label
from safepassage.model.pictures import palette, style
from safepassage.model.results.words import words_of
from safepassage.model.settings.run import Run

MOST_PARAMETERS = 6
"""Parameters shown against each other."""


def posterior_picture(found: Calibrated) -> Figure:
    """Return what is believed of each parameter before and after, and of each pair of them after."""
    names = found.names[:MOST_PARAMETERS]
    generations = found.posterior.generations
    footer = (
        f"{len(found.posterior.last)} particles of generation {len(generations)}, "
        f"{generations['n_simulations'].sum():,} runs; distance allowed {generations['threshold'].iloc[-1]:.2f} "
        "standard deviations. Line: 5th to 95th "
        "percentile, dot: median; grey: prior; dashed: value in the scenario."
    )
    n = len(names)
    figure = new_figure(
        _head(found, found.calibration),
        "What the observations say about the parameters",
        footer,
        2.2 + 2.6 * max(n, 1.3),
    )
    grid = figure.subplots(n, n, squeeze=False)
    frame, table = found.values(), found.table().set_index("parameter")
    weight = frame["weight"].to_numpy()
    for row, below in enumerate(names):
        for column, left in enumerate(names):
            axes = grid[row, column]
            if column > row:
                axes.set_axis_off()
            elif column == row:
                _marginal(axes, found, below, frame[below].to_numpy(float), weight, table.loc[below])
            else:
                size = 12 + 900 * weight / weight.sum() / max(1, 30 / len(frame))
                axes.scatter(frame[left], frame[below], s=size, color=palette.BLUE, alpha=0.45, linewidth=0)
                _limits(axes, found, left, below)
                style.tidy(axes, "both")
            if row == n - 1:
                axes.set_xlabel(label(left, 34), fontsize=9.5)
            if column == 0 and row > 0:
                axes.set_ylabel(label(below, 26), fontsize=9.5)
            if found.calibration.parameters[left].log:
                axes.set_xscale("log")
                axes.xaxis.set_minor_formatter(FuncFormatter(lambda v, _: ""))
            else:
                axes.xaxis.set_major_locator(MaxNLocator(4))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,g}"))
            if column < row and found.calibration.parameters[below].log:
                axes.set_yscale("log")
    return figure


def _head(found, asked) -> dict:
    """Return what stands above a picture: the study's own title where it has one."""
    return {**found.scenario, "title": asked.title or found.scenario["title"]}


def _limits(axes, found: Calibrated, x: str, y: str):
    parameters = found.calibration.parameters
    axes.set_xlim(parameters[x].at(0.0), parameters[x].at(1.0))
    axes.set_ylim(parameters[y].at(0.0), parameters[y].at(1.0))


def _marginal(axes, found: Calibrated, name: str, x: np.ndarray, weight: np.ndarray, row):
    factor = found.calibration.parameters[name]
    low, high = factor.at(0.0), factor.at(1.0)
    edges = np.geomspace(low, high, 25) if factor.log else np.linspace(low, high, 25)
    prior = np.array([factor.at(u) for u in (np.arange(4000) + 0.5) / 4000])
    axes.hist(prior, edges, weights=np.full(prior.size, 1 / prior.size), color=palette.PALE)
    axes.hist(x, edges, weights=weight / weight.sum(), color=palette.BLUE, alpha=0.8)
    height = axes.get_ylim()[1]
    axes.plot([row["p05"], row["p95"]], [height * 1.06] * 2, color=palette.INK, linewidth=2)
    axes.plot(row["p50"], height * 1.06, "o", color=palette.INK, markersize=5)
    axes.axvline(row["in_scenario"], color=palette.VERMILION, linewidth=1.4, linestyle=(0, (4, 3)))
    axes.set_ylim(0, height * 1.25)
    axes.set_xlim(low, high)
    axes.set_yticks([])
    style.tidy(axes, "x")
    axes.spines["left"].set_visible(False)
    text = f"{_number(row['p50'])} ({_number(row['p05'])} to {_number(row['p95'])})"
    axes.set_title(f"{label(name, 24)}\n{text}", fontsize=9, loc="left")


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"


def predictive_picture(found: Calibrated) -> Figure:
    """Return what the fitted model says of each series over time, against what was seen, fitted or kept back."""
    seen, bands, scores = found.observed, found.predictive(), found.scores()
    run, zone = Run.model_validate(found.scenario["run"]), found.scenario["shelling"]["time_zone"]
    judged = bool((~seen.is_fit).any())
    footer = (
        "Bands: 50% and 90% of the posterior predictive distribution; bars: two standard deviations of the observation."
    )
    footer += (
        " Open circles: kept back to judge the fit." if judged else " No observations were kept back to judge the fit."
    )
    figure = new_figure(
        _head(found, found.calibration),
        "The fitted model and the observations",
        footer,
        2.4 + 3.4 * len(seen.names),
    )
    for axes, name in zip(figure.subplots(len(seen.names), 1, squeeze=False)[:, 0], seen.names, strict=True):
        part = bands[bands["series"] == name]
        x = clock(run, zone, part["time_s"])
        axes.fill_between(x, part["p05"], part["p95"], color=palette.BLUE, alpha=0.18, linewidth=0, label="90% band")
        axes.fill_between(x, part["p25"], part["p75"], color=palette.BLUE, alpha=0.3, linewidth=0, label="50% band")
        axes.plot(x, part["p50"], color=palette.BLUE, linewidth=2, label="median")
        for use, mask, face in (("used to fit", seen.is_fit, palette.VERMILION), ("kept back", ~seen.is_fit, "white")):
            chosen = mask & (seen.series == name)
            if chosen.any():
                axes.errorbar(
                    clock(run, zone, seen.time_s[chosen]), seen.value[chosen], yerr=2 * seen.sd[chosen], fmt="o",
                    color=palette.VERMILION, markerfacecolor=face, markersize=6.5, elinewidth=1.2, capsize=2.5,
                    label=use, zorder=6,
                )  # fmt: skip
        lines = [
            f"{row['use']}: {row['mean_abs_relative']:.0%} off on average, {row['coverage_90']:.0%} within the 90% band"
            for row in scores[scores["series"] == name].to_dict("records")
        ]
        axes.set_title(f"{words_of(name)} ({'; '.join(lines)})", loc="left", fontsize=11.5)
        clock_axis(axes, run, zone, x)
        axes.set_ylim(bottom=0)
        style.tidy(axes)
        style.count_axis(axes.yaxis, "people")
        axes.legend(frameon=False, fontsize=9.5)
    return figure


def pareto_picture(found: Optimised) -> Figure:
    """Return the trials by their first two aims, the third by colour; a cross marks the unchanged scenario."""
    aims = list(found.wanted.objectives)
    trials, pareto = found.trials[found.trials["trial"] >= 0], found.pareto
    now = found.trials[found.trials["trial"] < 0]
    wanted = found.wanted
    footer = (
        f"{len(trials)} trials, {wanted.replications} replications in each of {max(1, wanted.n_futures)} futures, the "
        "same shells for every trial. Only protective levers are searched."
    )
    figure = new_figure(_head(found, wanted), "Plans that no other tried plan beats", footer, 6.8)
    left, right = figure.subplots(1, 2, width_ratios=[1.6, 1])
    second = aims[1] if len(aims) > 1 else None
    y_of = (lambda f: f[second]) if second else (lambda f: f["trial"])
    left.scatter(trials[aims[0]], y_of(trials), s=28, color=palette.PALE, label="tried", zorder=2)
    if len(aims) > 2:
        dots = left.scatter(pareto[aims[0]], y_of(pareto), s=70, c=pareto[aims[2]], cmap="viridis", edgecolor="white",
                            zorder=4, label="no other trial beats it")  # fmt: skip
        figure.colorbar(dots, ax=left, location="bottom", shrink=0.7, aspect=40, label=_aim_label(aims[2], wanted))
    else:
        left.scatter(
            pareto[aims[0]],
            y_of(pareto),
            s=70,
            color=palette.BLUE,
            edgecolor="white",
            label="no other trial beats it",
            zorder=4,
        )
    left.scatter(
        now[aims[0]],
        y_of(now) if second else [0],
        marker="X",
        s=110,
        color=palette.VERMILION,
        label="the unchanged scenario",
        zorder=5,
    )
    for row in pareto.head(12).to_dict("records"):
        left.annotate(f"{row['trial']}", (row[aims[0]], row[second] if second else row["trial"]), (6, 4),
                      textcoords="offset points", fontsize=8.5)  # fmt: skip
    left.set_xlabel(_aim_label(aims[0], wanted))
    left.set_ylabel(_aim_label(second, wanted) if second else "trial")
    left.legend(frameon=False, fontsize=9.5)
    style.tidy(left, "both")
    _levers(right, found)
    return figure


def _aim_label(name: str, wanted) -> str:
    better = "less" if wanted.objectives[name] == "minimise" else "more"
    return f"{words_of(name)} ({better} is better)"


def _levers(axes, found: Optimised):
    """Draw where in its range each lever stands in the plans that none beats."""
    levers = found.wanted.turned
    for row, key in enumerate(levers):
        factor = found.wanted.levers.get(key)
        values = found.pareto[key].to_list()
        levels = list(found.wanted.choices[key]) if factor is None else factor.levels
        if levels is not None:
            at = [list(levels).index(value) / max(len(levels) - 1, 1) for value in values]
            ends = levels[0], levels[-1]
        else:
            ends = factor.range
            at = [(value - ends[0]) / (ends[1] - ends[0]) for value in values]
        axes.plot([0, 1], [row, row], color=palette.PALE, linewidth=5, solid_capstyle="round", zorder=1)
        axes.plot(at, [row] * len(at), "o", color=palette.BLUE, markersize=8, alpha=0.5, zorder=3)
        for x, end, side in ((0, ends[0], "left"), (1, ends[1], "right")):
            text = f"{end:g}" if isinstance(end, int | float) else str(end)
            axes.annotate(
                text, (x, row), (0, -15), textcoords="offset points", ha=side, fontsize=8.5, color=palette.QUIET
            )
        axes.annotate(key, (0, row), (0, 9), textcoords="offset points", fontsize=9.5)
    axes.set_ylim(len(levers) - 0.4, -0.6)
    axes.set_xlim(-0.04, 1.04)
    axes.set_axis_off()
    axes.set_title("Where their levers stand", loc="left", fontsize=12)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
