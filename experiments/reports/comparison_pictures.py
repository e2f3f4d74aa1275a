"""Pictures of comparisons: what each plan changes, when people are out, how sure it is."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from safepassage.experiments.questions.compare import BASELINE, Comparison
from safepassage.experiments.questions.paired import Difference
from safepassage.experiments.reports.differences import change, in_natural_unit, interval, share
from safepassage.model.clock import epoch_s
from safepassage.model.pictures import palette, style
from safepassage.model.results.outcomes import Direction, Outcome
from safepassage.model.settings.files.texts import as_written
from safepassage.model.settings.run import Run

PLAN_COLOURS = (palette.BLUE, palette.VERMILION, palette.GREEN, palette.PURPLE, palette.ORANGE, palette.SKY)
MARKERS = "osD^vP"
BAND_FROM = 3
"""Fewest replications that a band is drawn for."""


def new_figure(scenario: Mapping, heading: str, footer: str, height_in: float) -> Figure:
    """Return a figure with heading, the scenario's question, and notice and footer below; axes follow.

    height_in: height of the figure (inches).
    """
    figure = Figure(figsize=(style.WIDTH_IN, height_in), dpi=style.DPI, facecolor="white")
    FigureCanvasAgg(figure)
    left = 0.15 / style.WIDTH_IN
    question = textwrap.wrap(scenario["title"], 150)
    notes = textwrap.wrap(f"{scenario.get('notice', '').strip()} {footer}".strip(), 195)
    figure.text(left, 1 - 0.14 / height_in, heading, va="top", fontsize=16, fontweight="bold", color=palette.INK)
    figure.text(left, 1 - 0.47 / height_in, "\n".join(question), va="top", fontsize=11, color=palette.QUIET)
    figure.text(left, 0.08 / height_in, "\n".join(notes), va="bottom", fontsize=8, color=palette.QUIET)
    top, bottom = 0.55 + 0.2 * len(question), 0.16 + 0.15 * len(notes)
    area = (0.005, bottom / height_in, 0.99, 1 - (top + bottom) / height_in)
    figure.set_layout_engine("constrained", rect=area, h_pad=0.08, w_pad=0.06)
    return figure


def replace(figure: Figure, path: Path) -> Path:
    """Write a picture of a study's own folder, whole or not at all, and return its path."""
    import io

    from safepassage.model.settings.files.whole import write_whole

    content = io.BytesIO()
    with as_written(figure):
        figure.savefig(content, format="png")
    write_whole(path, content.getvalue())
    return path


def draw_comparison(comparison: Comparison, folder: Path | str) -> list[Path]:
    """Write the pictures of a comparison to its folder and return their paths."""
    return [replace(draw(comparison), Path(folder) / f"{name}.png") for name, draw in PICTURES.items()]


def plan_colours(comparison: Comparison) -> dict[str, str]:
    """Return a colour for each plan; the baseline is grey."""
    plans = comparison.plans[1:]
    return {BASELINE: palette.GREY} | {p: PLAN_COLOURS[i % len(PLAN_COLOURS)] for i, p in enumerate(plans)}


def _footer(comparison: Comparison, marks: str) -> str:
    """Return what stands below a picture: what was run, what the marks mean, and whether that was too little."""
    text = (
        f"{comparison.n_replications:,} replications of each plan under common random numbers: the same shells and the "
        "same people."
    )
    return " ".join([text, marks, *comparison.few_replications()])


def differences(comparison: Comparison) -> Figure:
    """Return what each plan changes against the baseline: a panel for each kind of outcome, 95 % intervals."""
    panels = panels_of(comparison)
    n_rows = [len(outcomes) for _, outcomes in panels]
    n_plans = len(comparison.plans) - 1
    height_in = 1.9 + sum(0.62 + n * max(0.30, 0.21 * n_plans + 0.08) for n in n_rows)
    heading = "What each plan changes" if n_plans > 1 else f"What plan {comparison.plans[1]} changes"
    marks = (
        "Bars: 95% intervals of the mean paired difference. Hollow: not clear, since the interval holds zero or so "
        "wide a spread takes more pairs."
    )
    footer = " ".join([_footer(comparison, marks), *comparison.late_times(), *_unchanged(comparison)])
    figure = new_figure(comparison.scenario, f"{heading}, against no plan", footer, height_in)
    ratios = [n * max(0.30, 0.21 * n_plans + 0.08) + 0.1 for n in n_rows]
    grid = figure.subplots(len(panels), 1, height_ratios=ratios, squeeze=False)[:, 0]
    for axes, (title, outcomes) in zip(grid, panels, strict=True):
        _draw_panel(axes, comparison, title, outcomes)
    handles, labels = grid[0].get_legend_handles_labels()
    if n_plans > 1:
        figure.legend(handles, labels, loc="upper right", ncols=min(n_plans, 5), frameon=False, fontsize=10.5)
    return figure


def panels_of(comparison: Comparison) -> list[tuple[str, list[Outcome]]]:
    """Return title and outcomes of each panel: those of one panel and one unit, in the order of the vocabulary."""
    panels: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in comparison.all_outcomes():
        first, _ = in_natural_unit(comparison, outcome, comparison.plans[1], BASELINE)
        found = [comparison.difference(outcome, plan) for plan in comparison.plans[1:]]
        if any(map(_is_told, found)) and not all(one.p_equal == 1 for one in found):
            panels.setdefault((outcome.panel, first.unit), []).append(outcome)
    return [(_panel_title(panel, unit, outcomes), outcomes) for (panel, unit), outcomes in panels.items()]


def _unchanged(comparison: Comparison) -> list[str]:
    """Return a sentence that names what no plan changes in any pair, which has no panel."""
    same = [
        outcome.words for outcome in comparison.all_outcomes()
        if all(comparison.difference(outcome, plan).p_equal == 1 for plan in comparison.plans[1:])
    ]  # fmt: skip
    return [f"The same in every pair: {'; '.join(same)}."] if same else []


def _is_told(found: Difference) -> bool:
    return bool(found.n_pairs) and not found.is_seldom_reached


def _panel_title(panel: str, unit: str, outcomes: list[Outcome]) -> str:
    shaded = "; shaded: better" if any(o.direction != Direction.NEUTRAL for o in outcomes) else ""
    return f"{panel} ({unit}{shaded})"


def _draw_panel(axes, comparison: Comparison, title: str, outcomes: list[Outcome]):
    """Draw point and interval of each outcome and plan, the numbers at the right, the better side shaded."""
    plans, colours = comparison.plans[1:], plan_colours(comparison)
    offset = np.linspace(-0.28, 0.28, len(plans)) if len(plans) > 1 else [0.0]
    ends = [0.0]
    for k, plan in enumerate(plans):
        for row, outcome in enumerate(outcomes):
            _, found = in_natural_unit(comparison, outcome, plan, BASELINE)
            at = row + offset[k]
            label = plan if row == 0 else None
            if not _is_told(found):
                axes.text(0, at, "  not reached in most pairs", va="center", fontsize=8.5, color=palette.QUIET)
                axes.plot([], [], marker=MARKERS[k % 6], color=colours[plan], linestyle="none", label=label)
                continue
            low, high = (found.low, found.high) if np.isfinite(found.low) else (found.mean, found.mean)
            ends += [low, high]
            axes.plot([low, high], [at, at], color=colours[plan], linewidth=2.2, solid_capstyle="butt")
            axes.plot(found.mean, at, marker=MARKERS[k % 6], color=colours[plan], markersize=5.5, linestyle="none",
                      label=label, markerfacecolor=colours[plan] if found.is_clear else "white")  # fmt: skip
            axes.annotate(
                _numbers(found), (1.0, at), (6, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
                va="center", fontsize=8.5, annotation_clip=False,
                color=colours[plan] if len(plans) > 1 else palette.INK,
            )  # fmt: skip
    _frame_panel(axes, title, outcomes, min(ends), max(ends))


def _frame_panel(axes, title: str, outcomes: list[Outcome], lowest: float, highest: float):
    pad = 0.06 * ((highest - lowest) or 1.0)
    lowest, highest = lowest - pad, highest + pad
    axes.set_xlim(lowest, highest)
    for row, outcome in enumerate(outcomes):
        if outcome.direction != Direction.NEUTRAL:
            better = (0, highest) if outcome.more_is_better else (lowest, 0)
            axes.fill_between(better, row - 0.5, row + 0.5, color=palette.GREEN, alpha=0.08, linewidth=0)
    axes.axvline(0, color=palette.INK, linewidth=1)
    axes.set_yticks(range(len(outcomes)), [o.words for o in outcomes])
    axes.set_ylim(len(outcomes) - 0.45, -0.55)
    axes.set_title(title, loc="left", fontsize=11.5)
    style.tidy(axes, "x")
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(_tick))


def _tick(value: float, _position: int = 0) -> str:
    return "0" if value == 0 else f"{value:+,g}".replace("-", "\N{MINUS SIGN}")


def _numbers(found: Difference) -> str:
    better = "" if np.isnan(found.p_better) else f", better in {style.percent(found.p_better)}"
    same = f", same in {style.percent(found.p_equal)}" if found.p_equal > 0 else ""
    return f"{change(found)}{f' ({interval(found)})' if interval(found) else ' (one pair)'}{better}{same}"


def people_out(comparison: Comparison) -> Figure:
    """Return people out over clock time, plan by plan, and the paired gain; bands hold 9 of 10 replications."""
    bands = "; bands: from the 5th to the 95th percentile of the replications"
    footer = _footer(comparison, f"Lines: mean{bands if comparison.n_replications >= BAND_FROM else ''}.")
    figure = new_figure(comparison.scenario, "People out of the area over time", footer, 8.2)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    time = clock(comparison.run, comparison.time_zone, comparison.at_s)
    base = comparison.series(BASELINE)
    for plan, colour in plan_colours(comparison).items():
        curves = comparison.series(plan)
        _band(above, time, curves, colour, f"{plan}: {curves[:, -1].mean():,.0f} out at the end")
        if plan != BASELINE:
            _band(below, time, curves - base, colour, plan)
    below.axhline(0, color=palette.INK, linewidth=1)
    clock_axis(below, comparison.run, comparison.time_zone, time)
    for axes, unit in ((above, "people out"), (below, "gain in people out")):
        style.tidy(axes)
        style.count_axis(axes.yaxis, unit)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}".replace("-", "\N{MINUS SIGN}")))
    above.set_ylim(bottom=0)
    above.legend(frameon=False, fontsize=10.5, loc="upper left")
    below.set_title("Gain against no plan, under the same shells", loc="left", fontsize=12)
    return figure


def _band(axes, time, curves: np.ndarray, colour: str, label: str):
    axes.plot(time, curves.mean(axis=0), color=colour, linewidth=2, label=label)
    if len(curves) >= BAND_FROM:
        axes.fill_between(time, *np.quantile(curves, [0.05, 0.95], axis=0), color=colour, alpha=0.2, linewidth=0)


def clock(run: Run, zone: str, time_s: Sequence[float]) -> np.ndarray:
    """Return times of a run (s after its start) as datetime64 in UTC; axes show them as local."""
    begin_ms = round(epoch_s(run.start, zone) * 1000)
    return np.datetime64(begin_ms, "ms") + (np.array(time_s) * 1000).astype("timedelta64[ms]")


def clock_axis(axes, run: Run, zone: str, time: np.ndarray):
    """Set the x axis of `axes` to the clock of a run in a time zone (`zone`), from the first time to the last."""
    import matplotlib.dates as mdates

    axes.set_xlim(time[0], time[-1])
    locator = mdates.AutoDateLocator(tz=zone, minticks=4, maxticks=9)
    axes.xaxis.set_major_locator(locator)
    formats = {"formats": ["%Y", "%b %Y", "%d %b", "%H:%M", "%H:%M", "%H:%M:%S"],
               "zero_formats": ["%Y", "%Y", "%b %Y", "%d %b", "%H:%M", "%H:%M"]}  # fmt: skip
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator, tz=zone, show_offset=False, **formats))
    axes.set_xlabel(f"local time ({zone}); the run starts on {run.start:%a %d %b %Y at %H:%M}")


def distributions(comparison: Comparison) -> Figure:
    """Return how each plan's paired gain is spread over the replications: people out, casualties averted."""
    shown = [o for o in comparison.outcomes if o.name in _GAIN]
    footer = _footer(comparison, "Curves: share of the replications that gain so much or more.")
    figure = new_figure(comparison.scenario, "How sure is the gain? Each replication compared with itself", footer, 5.6)
    for axes, outcome in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        sign = 1 if outcome.more_is_better else -1
        gains = {plan: sign * (comparison.values(plan, outcome.name) - comparison.values(BASELINE, outcome.name))
                 for plan in comparison.plans[1:]}  # fmt: skip
        for plan, gain in gains.items():
            found = comparison.difference(outcome, plan)
            better = f": better in {share(found.p_better)}" if found.n_pairs > 1 else ""
            better = ": the same in all" if found.p_equal == 1 else better
            axes.step(*reached(gain), where="pre", color=plan_colours(comparison)[plan], linewidth=2,
                      label=f"{plan}{better}")  # fmt: skip
        if not any(gain.any() for gain in gains.values()):
            axes.set_xlim(-1, 1)
            style.say(axes, "No plan changes this\nin any replication.")
        axes.axvline(0, color=palette.INK, linewidth=1)
        axes.set_ylim(0, 1)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
        style.tidy(axes, "both")
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}".replace("-", "\N{MINUS SIGN}")))
        axes.set_xlabel(f"{_GAIN[outcome.name]}, against no plan")
        axes.legend(frameon=False, fontsize=9.5, loc="lower left", bbox_to_anchor=(0, 1))
    figure.axes[0].set_ylabel("share of replications with this gain or more")
    return figure


def reached(gain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the curve "share of the replications with this gain or more" for steps that hold to their left.

    gain: (n,) gains of the replications. Returns two arrays (n + 1,): gains, and the share with at least the gain.
    """
    x = np.sort(gain)
    return np.r_[x, x[-1]], np.r_[1 - np.arange(x.size) / x.size, 0.0]


_GAIN = {
    "safe": "more people out",
    "casualties": "casualties averted",
    "exposure_person_h": "person-hours of danger averted",
}

PICTURES = {"differences": differences, "safe": people_out, "distributions": distributions}
"""What `draw_comparison` draws: name of the file and function."""
