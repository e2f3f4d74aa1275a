"""Pictures of sensitivity and robustness: which factors matter, how sure that is, how plans do in many futures."""

import textwrap
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from safepassage.experiments.questions.robustness import Robustness
from safepassage.experiments.questions.sensitivity import MAIN_INDEX, Sensitivity
from safepassage.experiments.reports.comparison_pictures import MARKERS, PLAN_COLOURS, new_figure
from safepassage.model.pictures import palette, style
from safepassage.model.results.words import words_of
from safepassage.model.settings.files.texts import file_stem

LINES = (*PLAN_COLOURS, palette.YELLOW, palette.BLACK)
INDEX_LABELS = {
    "mu_star": "mean absolute effect of a step (mu*)",
    "total": "total share of variance, with interactions",
    "first_order": "share of variance by itself",
}


def sensitivity_picture(found: Sensitivity) -> Figure:
    """Return the indices by factor, and how they settle as the design grows."""
    final = found.final()
    names = list(final.index)
    footer = (
        f"{found.n} {'trajectories' if found.method == 'morris' else 'base samples'}, "
        f"{found.n_replications} replications of each point under common random numbers. Bars: 95% intervals. "
        f"{found.verdict()}"
    )
    title = (
        f"Which factors change it most: {words_of(found.outcome)} ({'Morris' if found.method == 'morris' else 'Sobol'})"
    )
    figure = new_figure({**found.scenario, "title": found.title}, title, footer, 3.6 + 0.42 * max(len(names), 4))
    left, right = figure.subplots(1, 2, width_ratios=[1.15, 1])
    (_morris if found.method == "morris" else _sobol)(left, final, found)
    _convergence(right, found, names)
    return figure


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def label(key: str, width: int = 30) -> str:
    """Return a dotted key in lines no longer than a width, where it can be broken."""
    return "\n".join(textwrap.wrap(key.replace(".", ". "), width)).replace(". ", ".")


def _sobol(axes, final, found):
    rows = np.arange(len(final))
    for offset, index, colour in ((-0.2, "total", palette.BLUE), (0.2, "first_order", palette.ORANGE)):
        value, half = final[("value", index)].to_numpy(), final[("half_width", index)].to_numpy()
        axes.barh(rows + offset, value, 0.36, color=colour, label=INDEX_LABELS[index])
        axes.errorbar(value, rows + offset, xerr=half, fmt="none", ecolor=palette.INK, elinewidth=1.2, capsize=2.5)
    axes.set_xlim(left=min(0, axes.get_xlim()[0]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:.0%}"))
    axes.set_xlabel("share of the outcome's variance")
    _factors_axis(axes, final)


def _morris(axes, final, found):
    rows = np.arange(len(final))
    value, half = final[("value", "mu_star")].to_numpy(), final[("half_width", "mu_star")].to_numpy()
    axes.barh(rows, value, 0.6, color=palette.BLUE, label=INDEX_LABELS["mu_star"])
    axes.errorbar(value, rows, xerr=half, fmt="none", ecolor=palette.INK, elinewidth=1.2, capsize=2.5)
    axes.plot(final[("value", "sigma")], rows, "D", color=palette.ORANGE, markersize=6, linestyle="none",
              label="spread of the effects (sigma): interactions, curvature")  # fmt: skip
    mu = final[("value", "mu")].to_numpy()
    for row, (m, v, h) in enumerate(zip(mu, value, half, strict=True)):
        text = "raises it" if m > 0.9 * v > 0 else "lowers it" if -m > 0.9 * v > 0 else "both ways" if v else ""
        axes.annotate(
            text, (v + h, row), (5, 0), textcoords="offset points", va="center", fontsize=9, color=palette.QUIET
        )
    axes.set_xlim(0, 1.25 * max((value + half).max(), final[("value", "sigma")].max(), 1e-9))
    axes.set_xlabel(f"effect of a factor's whole range on {words_of(found.outcome)} ({found.unit})")
    _factors_axis(axes, final)


def _factors_axis(axes, final):
    axes.set_yticks(np.arange(len(final)), [label(name) for name in final.index])
    axes.invert_yaxis()
    style.tidy(axes, "x")
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.legend(frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)


def _convergence(axes, found: Sensitivity, names: list[str]):
    main = MAIN_INDEX[found.method]
    part = found.indices[found.indices["index"] == main]
    for k, name in enumerate(names[: len(LINES)]):
        rows = part[part["factor"] == name].sort_values("n")
        x, y, half = rows["n_runs"].to_numpy(), rows["value"].to_numpy(), np.nan_to_num(rows["half_width"].to_numpy())
        axes.plot(x, y, color=LINES[k], marker=MARKERS[k % 6], markersize=4, linewidth=1.6, label=name)
        axes.fill_between(x, y - half, y + half, color=LINES[k], alpha=0.13, linewidth=0)
    axes.set_title("How the index settles as runs are added", loc="left", fontsize=12)
    axes.set_xlabel("runs")
    axes.set_ylabel(INDEX_LABELS[main])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.0f}"))
    final = part[part["n"] == found.n]
    top = (final["value"] + final["half_width"]).max()
    axes.set_ylim(min(0, (final["value"] - final["half_width"]).min()), 1.3 * top or 1)
    style.tidy(axes)
    axes.legend(frameon=False, fontsize=8, loc="upper right")


def robustness_picture(found: Robustness) -> Figure:
    """Return how each plan does over the futures, and its regret: how far it falls short of the best plan there."""
    footer = (
        f"{len(found.futures):,} futures sampled from {', '.join(found.futures.columns)}; {found.n_replications} "
        "replications of each under common random numbers, the same futures for every plan."
    )
    side = "more" if found.more_is_better else "less"
    title = (
        f"{_capital(words_of(found.outcome))} in many futures: {found.most_robust()} has the smallest maximum regret"
    )
    figure = new_figure({**found.scenario, "title": found.title}, title, footer, 6.6)
    left, right = figure.subplots(1, 2, sharey=True)
    table, regret = found.table().set_index("plan"), found.regret
    share = (np.arange(len(found.values)) + 1) / len(found.values)
    for k, plan in enumerate(found.plans):
        colour = palette.GREY if plan == "none" else LINES[k % len(LINES)]
        row = table.loc[plan]
        left.step(np.sort(found.values[plan]), share, where="post", color=colour, linewidth=2,
                  label=f"{plan}: worst tenth {row['worst_decile_mean']:,.1f}, "
                        f"good enough in {style.percent(row['good_enough_share'])}")  # fmt: skip
        best = f"best in {style.percent(row['best_share'])}"
        right.step(np.sort(regret[plan]), share, where="post", color=colour, linewidth=2,
                   label=f"{plan}: greatest {row['max_regret']:,.1f}, {best}")  # fmt: skip
    if found.threshold is not None:
        left.axvline(found.threshold, color=palette.INK, linewidth=1, linestyle=(0, (4, 3)))
    left.set_xlabel(f"{words_of(found.outcome)} ({found.unit}; {side} is better; dashed: good enough)")
    right.set_xlabel(f"regret: short of the best plan in the same future ({found.unit})")
    left.set_ylabel("share of futures up to this value")
    for axes in (left, right):
        axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:.0%}"))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,g}"))
        axes.set_ylim(0, 1.005)
        style.tidy(axes, "both")
        axes.legend(frameon=False, fontsize=9.5, loc="lower left", bbox_to_anchor=(0, 1))
    return figure


def picture_path(folder: Path | str, kind: str, *names: str) -> Path:
    """Return where a picture goes."""
    return Path(folder) / f"{file_stem(kind, *names)}.png"
