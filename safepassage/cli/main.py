"""The command `safepassage`: thin; every command calls one function of the package and shows what it returns."""

import errno
import os
import signal
import sys
import textwrap
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from safepassage.cli import questions, reference, sweeps, towns
from safepassage.cli.explore import explore
from safepassage.cli.options import PlanOption, ScenarioArgument, SetOption, _changes
from safepassage.cli.printed import PlainConsole, styled
from safepassage.collector import at_rest
from safepassage.model.settings.errors import ScenarioError
from safepassage.model.settings.files.texts import visible

if TYPE_CHECKING:
    from safepassage.model.results.run_folder import RunFolder

app = typer.Typer(
    help="Civilian evacuation under shelling, simulated street by street.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
towns.mount(app)
reference.mount(app)
sweeps.mount(app)
app.add_typer(questions.analysis_app)
console = PlainConsole()


class Verified(StrEnum):
    """What `verify` compares with known values."""

    CASES = "cases"
    TOWNS = "towns"


def main() -> None:
    """Run the command line; a user's mistake ends with one clear message and exit code 2."""
    os.environ["PYTHONSAFEPATH"] = "1"  # no process that is started here runs modules of the folder we are in
    warnings.showwarning = _note
    try:
        _refuse_settings_beside()
        app()
    except ScenarioError as error:
        _refuse(str(error).splitlines())
    except RuntimeError as error:
        if "no locator available" not in str(error):  # numba's words
            raise
        _refuse(
            [
                "compiling: neither the folder of the package nor your home can be written to, so compiled code "
                "cannot be kept. Set NUMBA_CACHE_DIR to a folder that you can write to, such as /tmp/numba."
            ]
        )
    except OSError as error:
        if error.filename is None and error.errno != errno.ENOSPC:
            raise
        _refuse([f"{error.filename or 'writing'}: {error.strerror}. Correct the path, or choose another one."])


SETTINGS_BESIDE = {
    ".numba_config.yaml": "numba takes settings from it, among them a folder whose compiled code is run",
    "matplotlibrc": "matplotlib takes settings from it, among them programs that draw texts",
}
"""Files that libraries read from the folder that a command is started in, and why that is refused."""


def _refuse_settings_beside() -> None:
    """Raise ScenarioError if the folder we are in, which may come from others, holds settings of a library."""
    for name, why in SETTINGS_BESIDE.items():
        if os.path.lexists(name):
            raise ScenarioError(
                f"{name} lies in the folder that the command is started in, and {why}. If it is yours, take it where "
                "the library looks for settings of a user; else start the command in another folder."
            )


def _note(message, category, *_):
    """Show a warning without the place in the code that raised it."""
    print(f"note: {visible(message)}", file=sys.stderr)


def _refuse(problems: list[str]) -> None:
    count = f" ({len(problems)} problems)" if len(problems) > 1 else ""
    print(f"error{count}:", file=sys.stderr)
    for problem in problems:
        print(f"  {visible(problem)}", file=sys.stderr)
    sys.exit(2)


@contextmanager
def _ended_by_ctrl_c(bar):
    """Let Ctrl-C end the process at once: a KeyboardInterrupt within a call back from the compiler would be lost."""

    def end(*_):
        bar.stop()
        os._exit(128 + signal.SIGINT)

    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:  # ignored, or somebody else's
        yield
        return
    signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@app.command()
def scenarios() -> None:
    """List the scenarios that come with the package."""
    from safepassage.model.settings.scenario import load, shipped

    table = Table("name", "question", "what to know", box=None, header_style="bold")
    for name, path in shipped().items():
        scenario = load(path)
        table.add_row(name, scenario.title, scenario.notice)
    console.print(table)


@app.command()
def validate(scenario: ScenarioArgument, plan: PlanOption = None, set_: SetOption = None) -> None:
    """Check a scenario file, and all files it names, without running it; every mistake is listed."""
    from safepassage.cli.overview import overview
    from safepassage.model.settings.scenario import load

    loaded = load(scenario, _changes(set_), plan)
    for line in overview(loaded):
        console.print(line)
    console.print(styled((f"{scenario} is valid.", "green")))


@app.command()
def run(
    scenario: Annotated[
        str | None, typer.Argument(help="Name of a shipped scenario, or a path to a scenario file; none with --from.")
    ] = None,
    plan: PlanOption = None,
    set_: SetOption = None,
    seed: Annotated[int | None, typer.Option(help="Seed, instead of run.seed.")] = None,
    out: Annotated[Path, typer.Option(help="Folder in which the folder of the run is made.")] = Path("runs"),
    save_at: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TIME", help="Save the state this long after the start, such as 10d, 36h or 90min. Repeat for more."
        ),
    ] = None,
    from_: Annotated[
        Path | None,
        typer.Option("--from", metavar="STATE", help="Continue from a saved state, with another plan if given."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only the run's folder.")] = False,
) -> None:
    """Run a scenario, or go on from a saved state; write its tables and print the results."""
    with at_rest(stays=True):
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        from safepassage.agents.civilians import Status
        from safepassage.cli.first_run import compiling_told
        from safepassage.cli.run_table import exits_table, run_table
        from safepassage.cli.states import States, to_run
        from safepassage.model.evacuation import EvacuationModel
        from safepassage.model.results.metrics import summary
        from safepassage.model.results.run_folder import check_writable, open_run

    changes = _changes(set_)
    if seed is not None:
        changes["run.seed"] = seed
    loaded = to_run(scenario, from_, plan, changes)
    check_writable(out)
    states = States(save_at, loaded, out)
    if not quiet:
        plan_name = f"\nPlan: {loaded.plan}" if loaded.plan else ""
        console.print(styled((loaded.title, "bold"), f"{plan_name}\n{loaded.notice}"))
    bar = Progress(
        TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeRemainingColumn(),
        console=console, transient=True, disable=quiet,
    )  # fmt: skip
    with bar, _ended_by_ctrl_c(bar):
        task = bar.add_task("building the town", total=loaded.run.duration_h * 3600)
        told = compiling_told(console, quiet=quiet)
        model = EvacuationModel(loaded) if from_ is None else EvacuationModel.from_state(from_, plan)
        states.check(model.time_s)
        if from_ is not None and not quiet:
            console.print(
                f"Going on from the state at {model.clock:%d %b %H:%M}, {model.time_s / 3600:g} h after the start."
            )

        def on_step(model):
            n_safe = model.recorder.n_by_status[Status.SAFE]
            bar.update(task, completed=model.time_s, description=f"{model.clock:%d %b %H:%M}, {n_safe:,} safe")
            states.save_if_due(model)

        model.run(on_step=on_step)
    folder = model.save(out)
    if quiet:
        print(folder)
        return
    for line in model.report():
        console.print(styled(("note:", "yellow"), f" {line}"))
    finished = open_run(folder)
    console.print(run_table(summary(finished)))
    console.print(exits_table(finished.frame("exits")))
    timing = model.timings_s
    for path in states.saved:
        console.print(f"state saved: {path}", soft_wrap=True)
    told()
    console.print(
        f"built in {timing['build']:.1f} s, ran in {timing['run']:.1f} s; tables in {folder}",
        soft_wrap=True,
    )


@app.command()
def story(
    run_folder: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    household: Annotated[int, typer.Option(help="Number of the household, as in the table of persons.")],
) -> None:
    """Tell one household's story: what it knew, its odds, what it did and why."""
    from safepassage.model.results.run_folder import open_run
    from safepassage.model.story import tell

    run = open_run(run_folder)
    with console.status("repeating the run and watching the household"):
        lines = tell(run, household)
    for line in lines:
        console.print(styled((f"{line.moment:%d %b %H:%M}", "bold"), f"  {line.text}"))


@app.command()
def plot(
    run_folder: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    out: Annotated[Path | None, typer.Option(help="Folder for the pictures; default: the run's folder.")] = None,
    animation: Annotated[
        Path | None,
        typer.Option(help="Write a moving picture instead: NAME.gif, or NAME.mp4 where ffmpeg is installed."),
    ] = None,
    frames: Annotated[int, typer.Option(min=2, help="Frames of the moving picture, shown at 12 a second.")] = 180,
) -> None:
    """Draw map and curves of a finished run as PNG files, or the run as a moving picture."""
    from safepassage.model.pictures.curves import draw_all
    from safepassage.model.results.run_folder import open_run

    finished = open_run(run_folder)
    if animation is not None:
        console.print(_animate(finished, animation, frames), soft_wrap=True)
        return
    for path in draw_all(finished, out or run_folder):
        console.print(path, soft_wrap=True)


def _animate(finished: "RunFolder", path: Path, n_frames: int) -> Path:
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from safepassage.model.pictures.animation import animate

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        again = bar.add_task("where people were", total=finished.manifest["simulated_s"])
        drawn = bar.add_task("drawing", total=n_frames)

        def on_frame(done: int, of: int) -> None:
            bar.update(again, visible=False)
            bar.update(drawn, completed=done)

        return animate(
            finished, path, n_frames, on_frame=on_frame, on_step=lambda model: bar.update(again, completed=model.time_s)
        )


app.command()(explore)


@app.command("fit-harm")
def fit_harm_command(
    run_folders: Annotated[
        list[Path] | None,
        typer.Argument(help="Folders of finished runs, such as seeds of one scenario; without: the towns' records"),
    ] = None,
) -> None:
    """Fit harm to recorded casualties: of several towns by distance to the front, or those at the distance of runs."""
    if not run_folders:
        from safepassage.experiments.fits import casualties_by_town

        for line in casualties_by_town.table_or_refusal():
            print(line)
        return
    from safepassage.experiments.fits.casualty_scale import fit_harm, lines
    from safepassage.model.results.run_folder import open_run

    for line in lines(fit_harm([open_run(folder) for folder in run_folders]), len(run_folders)):
        console.print(line)


@app.command()
def verify(
    what: Annotated[
        Verified, typer.Argument(help="cases: published known answers; towns: residents reported in twelve towns")
    ] = Verified.CASES,
    runs: Annotated[
        int,
        typer.Option(
            min=0, help="Runs of the simulator's decisions in each town, besides the formula; 20 take minutes."
        ),
    ] = 0,
    counts: Annotated[
        Path | None,
        typer.Option(help="towns: your own counts instead: date, place, residents (docs/validation_towns.md)."),
    ] = None,
    front: Annotated[
        Path | None, typer.Option(help="towns: the front for your counts: date and a column PLACE_km for each place.")
    ] = None,
) -> None:
    """Compare results with known values: published cases, or towns that were not used to fit the model of leaving."""
    if (counts is None) != (front is None) or (counts is not None and what != Verified.TOWNS):
        raise ScenarioError("verify: --counts and --front go together, and with `towns`. Give both, or neither.")
    if what == Verified.TOWNS:
        from safepassage.experiments.fits import towns_validation

        made = towns_validation.table(runs)
        if counts is not None and front is not None:
            made = towns_validation.given_table(counts, front, runs)
        for line in made:
            print(line, flush=True)
        return
    from safepassage.experiments.verification.cases import all_cases
    from safepassage.experiments.verification.checks import Observed

    checked = failed = skipped = 0
    show = _check_rows(console.width)
    console.print(show("quantity", "expected", "found", "allowed"), "verdict", sep="")
    for case in all_cases():
        console.print(styled((case.name, "bold"), "  ", (case.source, "dim")))
        if case.skipped:
            skipped += 1
            console.print(styled("  ", ("skipped", "yellow"), f": {case.skipped}"))
            continue
        for check in case.run():
            if isinstance(check, Observed):
                row = show(check.quantity, f"{check.reported:.5g}", f"{check.found:.5g}", "reported")
                console.print(f"{row}{100 * check.error:+.0f} %")
                continue
            checked, failed = checked + 1, failed + (not check.passed)
            verdict = ("as expected", "green") if check.passed else ("DIFFERS", "red")
            allowed = f"{check.tolerance:.3g}" if check.expected == 0 else f"{100 * check.tolerance:.3g} %"
            row = show(check.quantity, f"{check.expected:g}", f"{check.found:g}", allowed)
            console.print(styled(row, verdict))
    console.print(f"{checked - failed} of {checked} numbers as expected; {skipped} cases skipped.")
    if failed:
        console.print(styled((f"{failed} numbers differ from what was published.", "red")))
        raise typer.Exit(1)


def _check_rows(width: int) -> Callable[[str, str, str, str], str]:
    """Return what lays out a row of `verify` up to its verdict, within so many columns; long quantities are wrapped."""
    wide = min(max(width - 45, 15), 66)

    def row(quantity: str, *numbers: str) -> str:
        first, *more = reversed(textwrap.wrap(quantity, wide - 1) or [""])
        lines = [f"  {one}" for one in reversed(more)]
        lines.append(f"  {first:<{wide}}" + "".join(f"{one:<10}" for one in numbers))
        return "\n".join(lines)

    return row


if __name__ == "__main__":
    main()
