"""Commands that ask runs a question: compare, bounds, sensitivity, robustness, calibrate, optimise, report."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.table import Table

from safepassage.cli.printed import PlainConsole, styled
from safepassage.model.settings.errors import ScenarioError

if TYPE_CHECKING:
    import pandas as pd

    from safepassage.experiments.questions.compare import Comparison
    from safepassage.experiments.reports.parts import ShownTable

analysis_app = typer.Typer()
console = PlainConsole() if PlainConsole().is_terminal else PlainConsole(width=150)

WorkersOption = Annotated[int | None, typer.Option(help="Processes to run in; default: one per core.", min=1)]
DaskOption = Annotated[str | None, typer.Option(help="Address of a Dask scheduler, or `local`.", metavar="ADDRESS")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a key of the scenario. Repeat for more."),
]


@contextmanager
def _many_runs(description: str, workers: int | None, dask: str | None) -> Iterator[dict[str, Any]]:
    """Give what every study runs with: the executor, and on_progress(n_done, n_wanted), which moves a bar."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from safepassage.experiments.runs.executors import local, on_dask

    bar = Progress(
        TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=PlainConsole(stderr=True), transient=True,
    )  # fmt: skip
    with on_dask(dask, workers) if dask else local(workers) as executor, bar:
        task = bar.add_task(description, total=None)
        yield {
            "executor": executor,
            "on_progress": lambda n_done, n_wanted: bar.update(task, completed=n_done, total=n_wanted),
        }


def print_frame(frame: "pd.DataFrame") -> None:
    """Print a frame as a table, the first 200 rows of it; where it is too wide, in parts below each other."""
    from safepassage.experiments.reports.parts import frame_table

    shown = frame_table(frame)
    for columns in _in_parts([_width(shown, k) for k in range(len(shown.columns))], console.width):
        table = Table(box=None, header_style="bold")
        for k in columns:
            name = shown.columns[k]
            table.add_column(
                name,
                justify="right" if name in shown.numbers else "left",
                min_width=min(_width(shown, k), console.width),
            )
        for row in shown.rows:
            table.add_row(*(row[k] for k in columns))
        console.print(table)


def _width(shown: "ShownTable", k: int) -> int:
    """Return how many characters a column needs: its longest cell, or the longest word of its heading."""
    cells = (cell for row in shown.rows for cell in [row[k]])
    heading = max(map(len, shown.columns[k].split(" ")), default=0)
    return max([heading, *(max(map(len, cell.split("\n"))) for cell in cells)])


def _in_parts(widths: list[int], most: int) -> list[list[int]]:
    """Return the columns of each part of a table, so that each part is wide enough; all begin with the first column.

    widths: of the columns. most: characters of a line.
    """
    gap = 2
    parts: list[list[int]] = [[0]] if widths else []
    taken = sum(widths[:1]) + gap
    for k in range(1, len(widths)):
        if taken + widths[k] + gap > most and len(parts[-1]) > 1:
            parts.append([0])
            taken = widths[0] + gap
        parts[-1].append(k)
        taken += widths[k] + gap
    return parts


def _print_notes(notes: list[str]) -> None:
    for note in notes:
        console.print(styled(("note:", "yellow"), f" {note}"))


@analysis_app.command()
def compare(
    scenario: Annotated[str, typer.Argument(help="Name of a shipped scenario, or a path to a scenario file.")],
    plan: Annotated[
        list[str] | None,
        typer.Option(help="Plan to compare with the scenario without a plan: a name or a path. Repeat for more."),
    ] = None,
    replications: Annotated[int, typer.Option(help="Number of seeds; every plan is run under each of them.")] = 200,
    workers: WorkersOption = None,
    dask: DaskOption = None,
    set_: SetOption = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the comparison; default: runs/compare-NAMES.")] = None,
) -> None:
    """Compare plans under the same shells and with the same people; tables and pictures of the differences."""
    from safepassage.cli.options import _changes
    from safepassage.experiments.questions.compare import compare as compare_plans
    from safepassage.experiments.questions.compare import plans_of

    changes = _changes(set_)
    variants = plans_of(scenario, plan or [], changes)
    base = next(iter(variants.values()))
    folder = out or Path("runs") / "-".join(["compare", base.name, *list(variants)[1:]])
    console.print(styled((base.title, "bold"), f"\n{base.notice}"))
    with _many_runs(f"{len(variants)} plans", workers, dask) as running:  # the workers start while the rest is imported
        from safepassage.experiments.reports.answer.language import ENGLISH
        from safepassage.experiments.reports.answer.sentences import conclusions
        from safepassage.experiments.reports.comparison_pictures import draw_comparison

        found = compare_plans(scenario, plan or [], out=folder, replications=replications, changes=changes, **running)
    for one, other in found.pairs():
        _print_differences(found, one, other)
    console.print()
    for sentence in conclusions(found, ENGLISH):
        console.print(styled((sentence, "bold")))
    _print_futures(found)
    pictures = draw_comparison(found, folder)
    _print_notes(found.warnings())
    console.print(f"tables and {len(pictures)} pictures in {folder}", soft_wrap=True)


def _print_differences(found: "Comparison", plan: str, other: str) -> None:
    from dataclasses import astuple

    from safepassage.experiments.reports.differences import told

    console.print(
        styled("\n", (plan, "bold"), " against ", (other, "bold"), f", {found.n_replications:,} replications each")
    )
    headings = (f"{other}\nmean", "\np95", f"{plan}\nmean", "\np95", "mean\ndifference", "95%\ninterval",
                "better\nin", "same\nin", "pairs", "runs if\nunpaired")  # fmt: skip
    table = Table("", box=None, header_style="bold", pad_edge=False)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for outcome in found.all_outcomes():
        table.add_row(*astuple(told(found, outcome, plan, other)))
    console.print(table)


def _print_futures(found: "Comparison") -> None:
    """Print in which futures of the front plans help, if it does not move the same way in all of them."""
    from safepassage.experiments.reports.answer.language import ENGLISH
    from safepassage.experiments.reports.answer.over_front import over_front

    shown = over_front(found, ENGLISH)
    if shown is None:
        return
    table = Table(*shown.columns, box=None, header_style="bold", pad_edge=False)
    for row in shown.rows:
        table.add_row(*(f"{cell.text}; {cell.note}" if cell.note else cell.text for cell in row))
    console.print()
    console.print(table)


@analysis_app.command()
def bounds(
    what: Annotated[
        str, typer.Argument(help="Name of a shipped scenario, a path to a scenario file, or the folder of a run.")
    ],
    plan: Annotated[str | None, typer.Option(help="Plan to lay over the scenario: a name or a path.")] = None,
    set_: SetOption = None,
    out: Annotated[Path, typer.Option(help="Folder in which the folder of the run is made.")] = Path("runs"),
    periods: Annotated[
        int, typer.Option(min=4, help="Periods of the best routes: more of them take longer and tell more.")
    ] = 48,
    used_exits: Annotated[
        bool, typer.Option("--used-exits", help="Leave out the exits by which no car left in the run.")
    ] = False,
) -> None:
    """Show how soon the cars could be out at best: by the exits alone, and with the best routes, beside the run."""
    from safepassage.experiments.traffic.bounds import bounds_of, told
    from safepassage.model.results.run_folder import check_writable, open_run

    folder = Path(what)
    if not (folder / "manifest.json").is_file():
        from safepassage.cli.options import _changes
        from safepassage.model.evacuation import EvacuationModel
        from safepassage.model.settings.scenario import load

        check_writable(out)
        scenario = load(what, _changes(set_), plan)
        with console.status("running the scenario"):
            folder = EvacuationModel(scenario).run().save(out)
    elif plan or set_:
        raise ScenarioError(f"{what}: this is a finished run; --plan and --set are for a scenario. Leave them out.")
    with console.status("looking for the best routes"):
        found = bounds_of(open_run(folder), periods, used_exits=used_exits)
    table = Table("", "exits alone", "best routes", "this run", box=None, header_style="bold", pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for words, *values in found.rows():
        table.add_row(words, *(_number(value) for value in values))
    console.print(table)
    for sentence in told(found):
        console.print(sentence)
    console.print(f"{found.n_cars:,} cars that set out in the run in {folder}", soft_wrap=True)


def _number(value: float) -> str:
    """Return a number of cars or hours as text."""
    if value != value:
        return "not in the run"
    return f"{value:,.0f}" if value == int(value) or value >= 1000 else f"{value:,.3f}"


StudyArgument = Annotated[Path, typer.Argument(help="Study file (YAML): scenario, plans, factors with ranges.")]
OutOption = Annotated[Path, typer.Option(help="Folder of the results; an interrupted analysis continues there.")]


@analysis_app.command()
def sensitivity(
    study: StudyArgument,
    outcome: Annotated[str, typer.Option(help="Outcome to explain, such as safe, casualties, left_behind.")],
    out: OutOption,
    method: Annotated[
        Literal["morris", "sobol"],
        typer.Option(help="morris (screening, few runs) or sobol (shares of variance, many)."),
    ] = "morris",
    n: Annotated[int | None, typer.Option(help="Trajectories (morris) or base samples, a power of 2 (sobol).")] = None,
    workers: WorkersOption = None,
    dask: DaskOption = None,
) -> None:
    """Find which factors change an outcome most, and whether there are enough runs to say so."""
    from safepassage.experiments.questions.sensitivity import KIND
    from safepassage.experiments.questions.sensitivity import sensitivity as analyse
    from safepassage.experiments.reports.comparison_pictures import replace
    from safepassage.experiments.reports.sampled_pictures import picture_path, sensitivity_picture
    from safepassage.experiments.sweeps.study import load_study

    loaded = load_study(study)
    with _many_runs(f"{method}, {outcome}", workers, dask) as running:
        found = analyse(loaded, outcome, method=method, out=out, n=n, **running)
    final = found.final()
    both = final["value"].map("{:,.3g}".format) + final["half_width"].map(" ± {:,.2g}".format).replace(" ± nan", "")
    console.print(f"{outcome}{f' ({found.unit})' * bool(found.unit)}, ± half of the 95 % interval")
    print_frame(both.rename_axis("factor").reset_index())
    console.print(found.verdict())
    path = replace(sensitivity_picture(found), picture_path(out, KIND, method, outcome))
    console.print(f"tables in {out}, picture {path}", soft_wrap=True)


@analysis_app.command()
def robustness(
    study: StudyArgument,
    outcome: Annotated[str, typer.Option(help="Outcome by which plans are compared, such as safe or casualties.")],
    out: OutOption,
    n: Annotated[int | None, typer.Option(help="Futures to sample; default: the study's design.")] = None,
    good_enough: Annotated[
        float | None, typer.Option(help="Value of the outcome that is good enough; default: the first plan's median.")
    ] = None,
    workers: WorkersOption = None,
    dask: DaskOption = None,
) -> None:
    """Compare a study's plans over many futures: worst tenth, regret, share of futures that are good enough."""
    from safepassage.experiments.questions.robustness import KIND
    from safepassage.experiments.questions.robustness import robustness as weigh
    from safepassage.experiments.reports.comparison_pictures import replace
    from safepassage.experiments.reports.sampled_pictures import picture_path, robustness_picture
    from safepassage.experiments.sweeps.study import load_study

    loaded = load_study(study)
    with _many_runs(f"{len(loaded.plans)} plans", workers, dask) as running:
        found = weigh(loaded, outcome, out=out, n=n, good_enough=good_enough, **running)
    print_frame(found.table())
    console.print(
        styled("smallest maximum regret: ", (found.most_robust(), "bold"), f" (good enough: {found.threshold:,.1f})")
    )
    _print_notes(found.warnings())
    path = replace(robustness_picture(found), picture_path(out, KIND, outcome))
    console.print(f"tables in {out}, picture {path}", soft_wrap=True)


@analysis_app.command()
def calibrate(
    calibration: Annotated[Path, typer.Argument(help="Calibration file (YAML): scenario, series, parameters.")],
    out: OutOption,
    workers: WorkersOption = None,
    dask: DaskOption = None,
) -> None:
    """Fit how people behave to dated observations: posterior, predictive bands, scores on values not used."""
    from safepassage.experiments.questions.calibrate import calibrate as fit
    from safepassage.experiments.questions.calibrate import load_calibration
    from safepassage.experiments.reports.comparison_pictures import replace
    from safepassage.experiments.reports.fitted_pictures import posterior_picture, predictive_picture

    loaded = load_calibration(calibration)
    with _many_runs("fitting", workers, dask) as running:
        found = fit(loaded, out=out, **running)
    for frame in (found.table(), found.observations(), found.scores()):
        print_frame(frame)
    _print_notes(found.warnings())
    replace(posterior_picture(found), out / "posterior.png")
    replace(predictive_picture(found), out / "predictive.png")
    console.print(f"tables and pictures in {out}", soft_wrap=True)


@analysis_app.command()
def optimise(
    search: Annotated[Path, typer.Argument(help="Optimisation file (YAML): scenario, levers, objectives.")],
    out: OutOption,
    workers: WorkersOption = None,
    dask: DaskOption = None,
) -> None:
    """Search protective levers for the best plans. A search for harm is refused."""
    from safepassage.experiments.questions.optimise import load_optimisation
    from safepassage.experiments.questions.optimise import optimise as search_plans
    from safepassage.experiments.reports.comparison_pictures import replace
    from safepassage.experiments.reports.fitted_pictures import pareto_picture

    wanted = load_optimisation(search)
    with _many_runs("trials", workers, dask) as running:
        found = search_plans(wanted, out=out, **running)
    print_frame(found.trials[found.trials["is_pareto"] | (found.trials["trial"] < 0)].drop(columns="is_pareto"))
    _print_notes(found.warnings())
    replace(pareto_picture(found), out / "pareto.png")
    console.print(f"Trial -1 is the unchanged scenario. Trials, plans and a picture are in {out}.", soft_wrap=True)


@analysis_app.command()
def report(
    folder: Annotated[Path, typer.Argument(help="Folder of a run, a sweep, a comparison or another study.")],
    out: Annotated[Path | None, typer.Option(help="HTML file; default: report.html in the folder.")] = None,
    language: Annotated[
        Literal["en", "uk"], typer.Option(help="Language of the answer page of a comparison: English or Ukrainian.")
    ] = "en",
    turn_over: Annotated[
        int | None,
        typer.Option(
            help="Vary what a comparison assumes, with so many pairs of runs at each end, and say on the answer page "
            "which two assumptions matter most.", metavar="PAIRS",
        ),
    ] = None,
    study: Annotated[
        Path | None, typer.Option(help="Folder of a sensitivity analysis that says what --turn-over varies.")
    ] = None,
    workers: WorkersOption = None,
    dask: DaskOption = None,
) -> None:  # fmt: skip
    """Write one self-contained HTML file: tables, pictures, scenario, sources and assumptions, versions.

    Of a comparison: an answer of two printed pages, and all else folded below it.
    """
    from safepassage.experiments.reports.report import report as write_report

    if turn_over is not None:
        from safepassage.experiments.questions.turn_over import turn_over as vary

        with _many_runs("assumptions", workers, dask) as running:
            vary(folder, pairs=turn_over, study=study, **running)
    elif study is not None:
        raise ScenarioError("--study says what --turn-over varies; give both.")
    console.print(write_report(folder, out, language=language), soft_wrap=True)
