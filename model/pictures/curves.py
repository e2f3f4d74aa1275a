"""Pictures of a finished run, from its tables alone: one function per picture, each returning a matplotlib Figure."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from safepassage.agents.civilians import Injury, Protection, Status
from safepassage.agents.parties import Mode
from safepassage.model.pictures import palette, style
from safepassage.model.pictures.beds import beds_over_time
from safepassage.model.pictures.bottlenecks import delay_by_street
from safepassage.model.pictures.left_behind import left_behind
from safepassage.model.pictures.map import map_of_run
from safepassage.model.results.metrics import summary, warning_s
from safepassage.model.results.run_folder import RunFolder

__all__ = [
    "beds_over_time",
    "casualties_exposure",
    "delay_by_street",
    "departures",
    "draw_all",
    "evacuation_curve",
    "exits_per_hour",
    "left_behind",
    "map_of_run",
    "pictures_of",
    "queues_at_exits",
]

EXIT_COLOURS = (
    palette.BLUE, palette.ORANGE, palette.GREEN, palette.PURPLE, palette.SKY, palette.VERMILION, palette.YELLOW,
)  # fmt: skip
"""From the busiest exit down; the exits after these share a grey."""
MAX_EXITS = 12
"""Exits listed by name, the busiest first."""


def draw_all(run: RunFolder, folder: Path | str) -> list[Path]:
    """Write all pictures of a run as PNG files to a folder and return their paths; nothing is overwritten."""
    return [style.save_new(draw(run), Path(folder) / f"{name}.png") for name, draw in pictures_of(run).items()]


def pictures_of(run: RunFolder) -> dict[str, Callable[[RunFolder], Figure]]:
    """Return the pictures that can be drawn of a run, by name: those for which it has the table."""
    return {name: draw for name, draw in PICTURES.items() if name not in NEEDS or run.has(NEEDS[name])}


def evacuation_curve(run: RunFolder) -> Figure:
    """Return stacked areas: how many people have which status over clock time."""
    figure = style.new_figure(run, "Who is where: people by status over time")
    axes = figure.add_subplot()
    draw_status_stack(axes, run)
    _mark_moments(axes, run)
    style.stack_legend(
        axes, loc="upper left", bbox_to_anchor=(1.01, 1.0), labelspacing=0.9, title="at the end of the run",
        title_fontsize=10, alignment="left",
    )  # fmt: skip
    return figure


def draw_status_stack(axes: Axes, run: RunFolder, max_ticks: int = 9) -> None:
    """Draw people by status over clock time as stacked areas, labelled with the numbers at the end."""
    series = run.frame("timeseries")
    time = style.clock(run, series["time_s"])
    n_residents = int(series[[f"n_{status.name.lower()}" for status in Status]].iloc[0].sum())
    statuses = [status for status in palette.in_order(Status) if series[f"n_{status.name.lower()}"].any()]
    counts = [series[f"n_{status.name.lower()}"].to_numpy() for status in statuses]
    labels = [
        f"{status.words}\n{count[-1]:,} ({style.percent(count[-1] / n_residents)})"
        for status, count in zip(statuses, counts, strict=True)
    ]
    fills = [palette.colour_of(status) for status in statuses]
    axes.stackplot(time, counts, labels=labels, colors=fills, edgecolor="white", linewidth=0.4)
    style.clock_axis(axes, run, max_ticks)
    style.tidy(axes)
    axes.set_ylim(0, n_residents)
    style.count_axis(axes.yaxis, f"people (of {n_residents:,} residents)")


def _mark_moments(axes: Axes, run: RunFolder) -> None:
    """Mark the first order and the moment when 90 % of those leaving are out, where there are such moments."""
    warned_s, end_s = warning_s(run), run.manifest["simulated_s"]
    is_ordered = bool(run.manifest["scenario"].get("orders")) and run.manifest["warning_time_s"] < end_s
    ete90_h = {measure.name: measure.value for measure in summary(run)}.get("ete90", np.nan)
    moments = []
    if is_ordered:
        moments.append((warned_s, "first order", 0.985))
    if np.isfinite(ete90_h):
        after = f" {ete90_h:.1f} h after the order" if is_ordered else ""
        moments.append((warned_s + 3600 * ete90_h, f"90% of those leaving are out{after}", 0.93))
    for time_s, text, height in moments:
        if not 0 <= time_s <= end_s:
            continue
        at: Any = style.clock(run, time_s)
        is_late = time_s > 0.6 * end_s
        axes.axvline(at, color=palette.INK, linestyle=(0, (4, 3)), linewidth=1.2, zorder=6)
        axes.annotate(
            text, (at, height), (-6 if is_late else 6, 0), xycoords=("data", "axes fraction"),
            textcoords="offset points", ha="right" if is_late else "left", va="top", fontsize=10, zorder=7,
            bbox={"facecolor": "white", "alpha": 0.85, "edgecolor": "none", "pad": 1.5},
        )  # fmt: skip


def departures(run: RunFolder) -> Figure:
    """Return departures and arrivals by mode: cumulative above, per time bin below."""
    trips = run.frame("trips")
    modes = [mode for mode in palette.in_order(Mode) if (trips["mode"] == mode.name).any()]
    figure = style.new_figure(run, "Setting out and arriving, by mode", 8.0)
    if not modes:
        axes = figure.add_subplot()
        style.clock_axis(axes, run)
        style.tidy(axes)
        axes.set_yticks([0])
        style.say(axes, "Nobody set out within the run.")
        return figure
    total, rate = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    for mode in modes:
        _draw_mode(total, rate, run, trips[trips["mode"] == mode.name], mode.words, palette.colour_of(mode))
    for axes in (total, rate):
        style.tidy(axes)
        axes.set_ylim(bottom=0)
        style.clock_axis(axes, run)
    style.count_axis(total.yaxis, "people, cumulative")
    style.count_axis(rate.yaxis, f"people per {style.bin_name(style.bin_s(run))}")
    total.set_xlabel("")
    total.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, fontsize=10)
    return figure


def _draw_mode(total: Axes, rate: Axes, run: RunFolder, trips: pd.DataFrame, label: str, colour: str) -> None:
    """Draw departures (solid) and arrivals (dashed) of the trips of one mode into the two panels."""
    width_s, end_s = style.bin_s(run), run.manifest["simulated_s"]
    edges = np.unique(np.append(np.arange(0, end_s, width_s), end_s))
    time = style.clock(run, edges)
    for column, word, line in (("departure_time_s", "set out", "-"), ("arrival_time_s", Status.SAFE.words, "--")):
        happened = trips[column] <= end_s
        counts, _ = np.histogram(trips[column][happened], edges, weights=trips["n_persons"][happened])
        text = f"{word} {label} ({counts.sum():,.0f})"
        total.plot(time, np.append(0, counts.cumsum()), color=colour, linestyle=line, linewidth=2.2, label=text)
        rate.stairs(counts, time, color=colour, linestyle=line, linewidth=1.6)


def casualties_exposure(run: RunFolder) -> Figure:
    """Return casualties by severity over time, and person-hours spent in the area by protection."""
    figure = style.new_figure(run, "Casualties, and how well people were protected", 6.2)
    left, right = figure.subplots(1, 2, width_ratios=[3, 2])
    _draw_casualties(left, run)
    hours = run.frame("exposure").groupby("protection")["exposure_person_h"].sum()
    places = [place for place in palette.in_order(Protection) if hours.get(place.name, 0) > 0]
    values = [float(hours[place.name]) for place in places]
    fills = [palette.colour_of(place) for place in places]
    right.barh([place.words for place in places], values, color=fills, edgecolor=palette.QUIET, linewidth=0.5)
    write_values(right, values, [f"{value:,.0f} ({style.percent(value / sum(values))})" for value in values])
    right.invert_yaxis()
    right.set_title("Time in the area, by protection", loc="left", fontsize=12)
    style.tidy(right, "x")
    style.count_axis(right.xaxis, "person-hours", max_ticks=5)
    return figure


def _draw_casualties(axes: Axes, run: RunFolder) -> None:
    series, persons = run.frame("timeseries"), len(run.frame("persons"))
    time = style.clock(run, series["time_s"])
    levels = palette.in_order(Injury)
    counts = [series[f"n_injury_{level.name.lower()}"].to_numpy() for level in levels]
    final = sum(int(count[-1]) for count in counts)
    labels = [f"{level.words}: {count[-1]:,}" for level, count in zip(levels, counts, strict=True)]
    fills = [palette.colour_of(level) for level in levels]
    axes.stackplot(time, counts, labels=labels, colors=fills, step="post", edgecolor="white", linewidth=0.3, zorder=3)
    highest = _draw_expected(axes, run)
    axes.set_ylim(0, max(1.35 * max(final, highest), 1))
    n_impacts = len(run.frame("impacts"))
    share = f"Casualties: {final:,}, {1000 * final / persons:.2f} per 1,000 residents" if final else "Casualties: none"
    axes.set_title(f"{share}; {n_impacts:,} impact{'s' * (n_impacts != 1)}", loc="left", fontsize=12)
    style.clock_axis(axes, run, max_ticks=7)
    style.tidy(axes)
    style.count_axis(axes.yaxis, "people hurt, cumulative")
    if final or highest:
        style.stack_legend(axes, loc="upper left")
    else:
        style.say(axes, "Nobody was hurt in this run." if n_impacts else "Nothing fell on the area in this run.")


def _draw_expected(axes: Axes, run: RunFolder) -> float:
    """Draw how many were to be expected where people were when shells fell, under the areas; return the band's top."""
    if not run.has("casualties"):  # a run of an earlier version
        return 0.0
    table = run.frame("casualties")
    last, time = table.iloc[-1], style.clock(run, table["time_s"])
    low, high = table["n_hurt_low"], table["n_hurt_high"]
    if not last["n_hurt_high"]:
        return 0.0
    label = f"95% range of chance: {last['n_hurt_low']:,.0f} to {last['n_hurt_high']:,.0f}"
    axes.fill_between(time, low, high, step="post", color=palette.TEAL, alpha=0.18, linewidth=0, zorder=1, label=label)
    for edge in (low, high):
        axes.step(time, edge, where="post", color=palette.TEAL, linewidth=0.9, linestyle=(0, (2, 2)), zorder=4)
    axes.step(time, table["n_hurt_expected"], where="post", color="white", linewidth=4, zorder=4)
    axes.step(time, table["n_hurt_expected"], where="post", color=palette.TEAL, linewidth=2, zorder=5,
              label=f"expected where people were: {last['n_hurt_expected']:,.1f}")  # fmt: skip
    return float(last["n_hurt_high"])


def queues_at_exits(run: RunFolder) -> Figure:
    """Return the number of cars on the last kilometre before each exit over time."""
    exits = run.frame("exits").sort_values("n_persons", ascending=False, kind="stable")
    colours = dict(zip(exits["exit"], EXIT_COLOURS, strict=False))
    figure = style.new_figure(run, "Cars near the exits, moving or queuing", 5.6)
    axes = figure.add_subplot()
    table = run.frame("exit_states").pivot(index="time_s", columns="exit", values="n_cars_last_km")
    time = style.clock(run, table.index)
    for name, colour in colours.items():
        label = f"{name} (at most {table[name].max():,})"
        axes.plot(time, table[name], color=colour, linewidth=2, label=label)
    if len(exits) > len(colours):
        rest = table[[name for name in exits["exit"] if name not in colours]].sum(axis=1)
        label = f"the other {len(exits) - len(colours)} exits together (at most {rest.max():,})"
        axes.plot(time, rest, color=palette.GREY, linewidth=2, linestyle="--", label=label)
    style.clock_axis(axes, run)
    style.tidy(axes)
    style.count_axis(axes.yaxis, "cars on the last kilometre")
    axes.set_ylim(0, max(1.08 * float(table.to_numpy().max(initial=0)), 1))
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, fontsize=10)
    if not table.to_numpy().any():
        style.say(axes, "No car came to an exit within the run.")
    return figure


def exits_per_hour(run: RunFolder) -> Figure:
    """Return the flow of people out of the area by exit over time, and how many left there by car and on foot."""
    exits = run.frame("exits").sort_values("n_persons", ascending=False, kind="stable")
    colours = dict(zip(exits["exit"], EXIT_COLOURS, strict=False))
    figure = style.new_figure(run, "Where people leave the area", 5.6 + 0.32 * min(len(exits), MAX_EXITS))
    above, below = figure.subplots(2, 1, height_ratios=[3.2, 0.6 + 0.3 * min(len(exits), MAX_EXITS)])
    _draw_outflow(above, run, colours, list(exits["exit"]))
    shown = exits.head(MAX_EXITS)
    rows = np.arange(len(shown))
    walkers, by_car = shown["n_walkers"].to_numpy(), (shown["n_persons"] - shown["n_walkers"]).to_numpy()
    colour = [colours.get(name, palette.GREY) for name in shown["exit"]]
    below.barh(rows, by_car, color=colour, edgecolor=colour, height=0.7)
    below.barh(rows, walkers, left=by_car, color="white", edgecolor=colour, height=0.7, hatch="////")
    write_values(below, shown["n_persons"].to_list(), [f"{value:,}" for value in shown["n_persons"]])
    below.set_yticks(rows, shown["exit"], fontsize=10)
    below.invert_yaxis()
    which = f" (the {len(shown)} busiest of {len(exits)} exits)" if len(exits) > len(shown) else ""
    below.set_title(f"People out by the end of the run{which}: solid by car, hatched on foot", loc="left", fontsize=12)
    style.tidy(below, "x")
    style.count_axis(below.xaxis, "people")
    return figure


def _draw_outflow(axes: Axes, run: RunFolder, colours: dict[str, str], names: list[str]) -> None:
    """Draw stacked columns of people per hour by exit; exits without a colour of their own are joined in grey."""
    series = run.frame("timeseries")
    width_s, end_s = outflow_bin_s(run), run.manifest["simulated_s"]
    edges = np.unique(np.append(np.arange(0, end_s, width_s), end_s))
    out = {name: (series[f"n_out_by_{name}"].to_numpy(), colours[name]) for name in names if name in colours}
    if len(names) > len(out):
        out["other exits"] = (series[[f"n_out_by_{name}" for name in names[len(out) :]]].sum(axis=1), palette.GREY)
    lower = np.zeros(edges.size - 1)
    time = style.clock(run, edges)
    for total, colour in out.values():
        per_hour = np.diff(np.interp(edges, series["time_s"], total)) / np.diff(edges) * 3600
        axes.bar(
            time[:-1], per_hour, np.diff(time), lower, align="edge", color=colour, edgecolor="white", linewidth=0.3
        )
        lower += per_hour
    style.clock_axis(axes, run)
    style.tidy(axes)
    style.count_axis(axes.yaxis, "people out per hour")
    axes.set_ylim(0, max(lower.max() * 1.08, 1))
    bins = style.bin_name(width_s)
    others = f"; grey: the other {len(names) - len(colours)} exits" if len(names) > len(colours) else ""
    axes.set_title(f"Out per hour, mean of each {bins}, by exit (colours as below{others})", loc="left", fontsize=12)
    if not lower.any():
        style.say(axes, "Nobody left the area within the run.")


def outflow_bin_s(run: RunFolder) -> float:
    """Return the width of the columns of people out (s): as suits the run, and no narrower than what was recorded."""
    recorded_s = float(run.manifest["scenario"]["run"]["record_every_s"])
    return float(np.ceil(style.bin_s(run) / recorded_s - 1e-9)) * recorded_s


def write_values(axes: Axes, values: list[float], texts: list[str]) -> None:
    """Write each bar's value at its end and leave room for it."""
    largest = max([*values, 0])
    axes.set_xlim(0, (largest or 1) * (1.1 + 0.022 * max(map(len, texts), default=0)))
    for row, (value, text) in enumerate(zip(values, texts, strict=True)):
        axes.annotate(
            text, (value, row), (4, 0), textcoords="offset points", va="center", fontsize=10, color=palette.INK
        )


PICTURES: dict[str, Callable[[RunFolder], Figure]] = {
    "map": map_of_run,
    "delays": delay_by_street,
    "evacuation": evacuation_curve,
    "departures": departures,
    "casualties_exposure": casualties_exposure,
    "left_behind": left_behind,
    "exits": exits_per_hour,
    "queues": queues_at_exits,
    "reception": beds_over_time,
}
"""What `draw_all` draws: name of the file and function."""
NEEDS = {"queues": "exit_states", "reception": "reception"}
"""Pictures of what not every run has, with the table from which they are drawn."""
