"""The progress bar of a sweep: runs done, rate, time left."""

import contextlib

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text


class _Rate(ProgressColumn):
    """Runs per second, or per minute or hour if fewer."""

    def render(self, task) -> Text:
        per_s = task.finished_speed or task.speed
        if not per_s:
            return Text("")
        for factor, unit in ((1, "s"), (60, "min"), (3600, "h")):
            if per_s * factor >= 1 or unit == "h":
                return Text(f"{per_s * factor:.1f} runs/{unit}")


@contextlib.contextmanager
def shown(console: Console):
    """Show a bar while the block runs; yields the function to call with a sweep's Progress."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, refresh_per_second=2, speed_estimate_period=120) as bar:
        task = bar.add_task("runs", total=None)
        offset = []

        def on_progress(progress):
            if not offset:
                offset.append(progress.n_found)
                if progress.n_found:
                    bar.console.print(f"{progress.n_found:,} runs are finished already", highlight=False)
            failed = f", {progress.n_failed:,} failed" if progress.n_failed else ""
            bar.update(
                task,
                total=progress.n_planned - offset[0],
                completed=progress.n_finished + progress.n_failed - offset[0],
                description=f"runs{failed}",
            )

        yield on_progress
