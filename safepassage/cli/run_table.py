"""The tables that `safepassage run` ends with."""

import pandas as pd
from rich.table import Table

from safepassage.cli.printed import styled
from safepassage.model.results.metrics import Measure
from safepassage.model.results.words import in_words


def run_table(measures: list[Measure]) -> Table:
    """Return a table of a run's measures, grouped, narrow enough for 80 columns."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column(justify="right", style="dim")
    before = None
    for heading, words, value, share in in_words(measures):
        if heading != before:
            table.add_row(styled((heading, "bold")))
        table.add_row(f"  {words}", value, share)
        before = heading
    return table


MOST_EXITS = 12
"""Exits that are shown, those by which most people left first."""


def exits_table(exits: pd.DataFrame) -> Table:
    """Return a table of what exits were said to let out, what they delivered and how much of it was used.

    exits: the table of a run.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("exits")
    for heading in ("people", "cars", "cars/h\nstated", "cars/h in\nbest hour", "used*"):
        table.add_column(heading, justify="right")
    shown = exits.sort_values("n_persons", ascending=False, kind="stable").head(MOST_EXITS)
    for row in shown.itertuples():
        used = "" if pd.isna(row.used_share) else f"{row.used_share:.0%}"
        rates = (f"{3600 * per_s:,.0f}" for per_s in (row.flow_capacity_per_s, row.delivered_per_s))
        table.add_row(f"  {row.exit}", f"{row.n_persons:,}", f"{row.n_cars:,}", *rates, used)
    table.caption = "* of what is stated, from its first car to its last"
    table.caption_justify = "left"
    return table
