"""The table that `safepassage run` ends with."""

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
