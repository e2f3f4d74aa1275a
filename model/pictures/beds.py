"""The picture of reception: who of those out is in a bed, on the way to one, or waits without one, over time."""

import textwrap

import numpy as np
from matplotlib.figure import Figure

from safepassage.model.pictures import palette, style
from safepassage.model.results.run_folder import RunFolder

COLOURS = (palette.BLUE, palette.GREEN, palette.PURPLE, palette.ORANGE, palette.SKY, palette.YELLOW)
"""Places from the fullest down; the places after these share a grey."""


def beds_over_time(run: RunFolder) -> Figure:
    """Return stacked areas: people in beds by place, on the way to one, waiting without one; a line for all beds."""
    table, places = run.frame("reception"), run.frame("reception_places")
    time = style.clock(run, table["time_s"].unique())
    n_places = len(places)

    def over_time(column: str) -> np.ndarray:
        return table[column].to_numpy().reshape(-1, n_places)

    figure = style.new_figure(run, "Beds for those who are out")
    axes = figure.add_subplot()
    in_bed, by_end = over_time("n_in_bed"), over_time("n_in_bed")[-1]
    named = [row for row in np.argsort(-over_time("n_in_bed").max(axis=0), kind="stable") if in_bed[:, row].any()]
    counts = [in_bed[:, row] for row in named[: len(COLOURS)]]
    labels = [
        f"in a bed in {places['place'][row]}\n{by_end[row]:,} of {places['n_beds'][row]:,}" for row in named
    ]  # fmt: skip
    colours = list(COLOURS[: len(counts)])
    if len(named) > len(COLOURS):
        rest = in_bed[:, named[len(COLOURS) :]].sum(axis=1)
        labels = [*labels[: len(COLOURS)], f"in a bed in other places\n{rest[-1]:,}"]
        counts, colours = [*counts, rest], [*colours, palette.GREY]
    for words, column, colour in (
        ("on the way to a place", "n_coming", palette.PALE),
        ("waiting without a bed", "n_waiting", palette.VERMILION),
    ):
        counts.append(over_time(column).sum(axis=1))
        labels.append(f"{words}\n{counts[-1][-1]:,}")
        colours.append(colour)
    axes.stackplot(
        time, counts, labels=[_filled(one) for one in labels], colors=colours, edgecolor="white", linewidth=0.4
    )
    beds = (over_time("is_open")[:, :-1] * places["n_beds"].to_numpy()[:-1]).sum(axis=1)
    axes.step(time, beds, where="post", color=palette.INK, linestyle=(0, (4, 3)), linewidth=1.2,
              label=f"beds in open places\n{beds[-1]:,}")  # fmt: skip
    style.clock_axis(axes, run, 9)
    style.tidy(axes)
    axes.set_ylim(bottom=0, top=max(1.0, 1.15 * float(np.sum(counts, axis=0).max())))
    n_own = over_time("n_own_arrangement")[-1].sum()
    style.count_axis(axes.yaxis, f"people ({n_own:,} more are out and found something of their own)")
    style.stack_legend(
        axes, loc="upper left", bbox_to_anchor=(1.01, 1.0), labelspacing=0.9, title="at the end of the run",
        title_fontsize=10, alignment="left",
    )  # fmt: skip
    return figure


def _filled(label: str) -> str:
    first, last = label.split("\n")
    return f"{textwrap.fill(first, 28)}\n{last}"
