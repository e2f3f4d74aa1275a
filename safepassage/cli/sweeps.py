"""Commands of the command line that carry out many runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from safepassage.cli.printed import PlainConsole, styled

if TYPE_CHECKING:
    from safepassage.experiments.sweeps.study_folder import StudyFolder

console = PlainConsole()


def mount(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(sweep)


def sweep(
    study: Annotated[Path, typer.Argument(help="Study file (YAML).")],
    out: Annotated[Path, typer.Option(help="Folder of the results; an interrupted sweep continues there.")],
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; default: one per core.")] = None,
    dask: Annotated[str | None, typer.Option(help="Address of a Dask scheduler (tls://HOST:8786), or local.")] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Print how many runs, how much time and disk space the study needs; does one run to estimate them.",
        ),
    ] = False,
) -> None:
    """Run a study: factors x plans x replications into one table. Repeat the command to continue it."""
    from safepassage.experiments.sweeps.study import load_study

    loaded = load_study(study)
    if dry_run:
        from safepassage.experiments.sweeps.estimate import estimate

        for line in estimate(loaded, out, workers):
            console.print(line)
        return
    from safepassage.experiments.runs.executors import local, on_dask
    from safepassage.experiments.sweeps.progress import shown
    from safepassage.experiments.sweeps.sweep import carry_out_sweep, sweep_of

    planned = sweep_of(loaded)
    with on_dask(dask, workers) if dask else local(workers) as executor, shown(console) as on_progress:
        folder = carry_out_sweep(planned, out, executor, on_progress)
    failures = folder.failures()
    _print_table(folder)
    console.print(f"{len(folder.frame()):,} runs in {out}/results.parquet", soft_wrap=True)
    for failure in failures[:10]:
        last_line = failure["traceback"].strip().splitlines()[-1]
        console.print(styled(("failed:", "red"), f" {last_line}\n  repeat: {failure['command']}"), soft_wrap=True)
    if failures:
        told = styled((f"{len(failures)} runs failed", "red"), f"; tracebacks in {out}/failed.")
        console.print(told, soft_wrap=True)
        raise typer.Exit(1)


def _print_table(folder: "StudyFolder") -> None:
    from safepassage.cli.questions import print_frame
    from safepassage.experiments.reports.sweep_table import sweep_table

    frame = folder.frame()
    if not frame.empty:
        print_frame(sweep_table(frame, list(folder.factors), folder.description["outcomes"]))
