"""`python -m benchmarks COMMAND`, from the top of the clone: model, large, movement, scaling, walkers and others."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from benchmarks.city import City, make_city
from benchmarks.measure import HEADER, measure, report, rows_of

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)

Repeats = Annotated[int, typer.Option(min=1, help="Runs of each; medians are reported.")]
Seed = Annotated[int, typer.Option(help="Seed of the city and its trips.")]
Limit = Annotated[float, typer.Option(help="Longest that one run may take (s).")]
PEERS = "ours,sumo,uxsim-cpp,mesa"
SWEPT = 4
"""Runs of pokrovsk in the sweep that `model` times; what 100 take is projected from them."""


def _tell(city: City) -> str:
    size = f"{city.trip_origin.size:,} trips, {city.node_x_m.size:,} nodes"
    return f"{size}, {city.n_crossings:,} link crossings"


@app.command()
def movement(
    vehicles: int = 10_000,
    nodes: int = 1_000,
    peers: Annotated[str, typer.Option(help="Of ours, sumo, sumo-defaults, uxsim, uxsim-cpp, mesa.")] = PEERS,
    repeats: Repeats = 3,
    seed: Seed = 1,
    limit_s: Limit = 1800.0,
) -> None:
    """Empty the same city with this project and its peers; tell time, memory, ratios and what each found.

    UXsim's C++ engine takes 15 to over 20 GB at 10,000 nodes and 10,000 vehicles, and its Python engine takes
    hours; hence the smaller default.
    """
    city = make_city(nodes, vehicles, seed)
    found = measure(city, peers.split(","), repeats, limit_s)
    raw = [asdict(one) for one in found]
    report(f"movement-{vehicles}-vehicles-{nodes}-nodes", f"Cars: {_tell(city)}", HEADER, rows_of(found), raw)


@app.command()
def walkers(walkers: int = 100_000, nodes: int = 10_000, repeats: Repeats = 3, seed: Seed = 1) -> None:
    """Empty the city on foot with this project."""
    city = make_city(nodes, walkers, seed)
    found = measure(city, ["walkers"], repeats, 1800.0)
    raw = [asdict(one) for one in found]
    report(f"walkers-{walkers}-walkers-{nodes}-nodes", f"Walkers: {_tell(city)}", HEADER, rows_of(found), raw)


CASES = [(10_000, 10_000), (100_000, 10_000), (1_000_000, 10_000), (100_000, 1_000), (100_000, 50_000)]


@app.command()
def scaling(repeats: Repeats = 3, seed: Seed = 1, largest: int = 1_000_000) -> None:
    """Time this project alone from 10,000 to 1,000,000 vehicles and 1,000 to 50,000 nodes.

    Tells processor time per link crossing and the slope of its log against log crossings: 1 if cost is in proportion.
    """
    rows, raw, crossings, seconds = [], [], [], []
    for n_vehicles, n_nodes in CASES:
        if n_vehicles > largest:
            continue
        city = make_city(n_nodes, n_vehicles, seed)
        (ours,) = measure(city, ["ours"], repeats, 1800.0)
        raw.append({"vehicles": n_vehicles, "nodes": n_nodes, "crossings": city.n_crossings, **asdict(ours)})
        size = [f"{n_vehicles:,}", f"{n_nodes:,}", f"{city.n_crossings:,}"]
        if not ours.runs:
            rows.append([*size, "-", "-", "-", "-", "-", ours.note])
            continue
        wall_s, cpu_s = ours.median("wall_s"), ours.median("cpu_s")
        crossings.append(city.n_crossings)
        seconds.append(cpu_s)
        per_crossing_ns = cpu_s / city.n_crossings * 1e9
        size += [f"{wall_s:.3f}", f"{cpu_s:.3f}", f"{per_crossing_ns:.0f}", f"{ours.median('peak_mb'):.0f}"]
        rows.append([*size, f"{ours.median('n_completed'):.0f}", ours.note])
    title = "This project alone"
    if len(seconds) > 1:
        slope = np.polyfit(np.log(crossings), np.log(seconds), 1)[0]
        title += f": log-log slope of processor time against link crossings {slope:.2f}"
    header = ["vehicles", "nodes", "link crossings", "simulation (s)", "processor (s)", "ns per crossing"]
    header += ["peak (MB)", "out", "note"]
    report("scaling", title, header, rows, raw)


@app.command()
def sweep(
    scenario: Annotated[str, typer.Argument(help="Shipped scenario, or a scenario file.")] = "tiny_town",
    runs: Annotated[int, typer.Option(min=1, help="Runs of each sweep.")] = 1000,
    workers: Annotated[int | None, typer.Option(min=1, help="Workers; default: one per core.")] = None,
    loop: Annotated[int, typer.Option(min=1, help="Runs of each plain loop, at most those of half a minute.")] = 50,
    executors: Annotated[str, typer.Option(help="Of local, dask.")] = "local,dask",
    plan: Annotated[str | None, typer.Option(help="Plan laid over the scenario.")] = None,
    change: Annotated[list[str] | None, typer.Option("--set", help="KEY=VALUE: a key of the scenario changed.")] = None,
    project: Annotated[
        int | None, typer.Option(help="Project the time of this many runs; default: those of --runs.")
    ] = None,
    repeats: Repeats = 1,
) -> None:
    """Time sweeps over local processes and Dask against the ideal: workers / time of one warm run.

    `sweep pokrovsk --runs 6 --project 100 --executors local`: what 100 runs of the whole of Pokrovsk take, from six.
    """
    from benchmarks.sweep import Case, header, rows_of, time_round
    from safepassage.experiments.runs.executors import n_cores
    from safepassage.model.settings.files.yaml_file import read_value

    changes = {key: read_value(value, key) for key, _, value in (one.partition("=") for one in change or [])}
    case, workers, kinds = Case(scenario, plan, changes), workers or n_cores(), executors.split(",")
    projected = max(project or runs, runs)
    rounds = [time_round(case, runs, loop, workers, kinds, projected) for _ in range(repeats)]
    one_run_s = np.median([one["one_run_s"] for one in rounds])
    what = ", ".join([Path(scenario).stem, *([plan] if plan else []), *(change or [])])
    title = f"Sweeps of {runs:,} runs of {what}, {workers} workers; one run {one_run_s:.3f} s"
    titles, name = header(projected), f"sweep-{Path(scenario).stem}-{runs}-runs"
    report(name, title, titles, rows_of(rounds, kinds), rounds)


@app.command()
def keeping(
    runs: Annotated[int, typer.Option(min=1, help="Runs of the sweep, none of them carried out.")] = 10_000,
    outcomes: Annotated[int, typer.Option(min=1, help="Outcomes of each run.")] = 60,
    repeats: Repeats = 3,
) -> None:
    """Time and memory of the parent of a sweep, and of reading it back; results are invented, no model runs."""
    from benchmarks.sweep import KEPT_HEADER, time_keeping

    rounds = [time_keeping(runs, outcomes) for _ in range(repeats)]
    sweep_s, read_s, peak_mib, kept_mb = (
        np.median([one[name] for one in rounds]) for name in ("sweep_s", "read_s", "peak_mib", "kept_mb")
    )
    row = [
        f"{runs:,}",
        f"{outcomes}",
        f"{sweep_s / runs * 1e3:.2f}",
        f"{read_s:.2f}",
        f"{peak_mib:.0f}",
        f"{kept_mb:.1f}",
    ]
    title = f"The parent of a sweep of {runs:,} runs with invented results"
    report(f"keeping-{runs}-runs", title, KEPT_HEADER, [row], rounds)


@app.command()
def model(
    repeats: Repeats = 3,
    large: Annotated[bool, typer.Option("--large", help="Also a million people on the streets of coquimbo.")] = False,
    seed: Seed = 1,
) -> None:
    """Time whole runs on one core as multiples of the traffic kernel; where their time goes; cold and warm starts."""
    from statistics import median

    from benchmarks import model as whole

    cases = {**whole.CASES, **(whole.LARGE if large else {})}
    city, kernel, rounds = make_city(10_000, 100_000, seed), [], {case: [] for case in cases}
    for _ in range(repeats):
        kernel += measure(city, ["ours"], 1, 1800.0)
        for case, (name, changes) in cases.items():
            rounds[case].append(whole.time_case(name, changes))
    kernel_s = median(run["cpu_s"] for one in kernel for run in one.runs)
    rows = [whole.row_of(case, found, kernel_s) for case, found in rounds.items()]
    raw = [{"kernel_s": kernel_s, "rounds": rounds}]
    title = f"Whole runs; the kernel takes {kernel_s:.3f} s of processor time for 100,000 vehicles on 10,000 nodes"
    report("model", title, whole.HEADER, rows, raw)
    idle_us = [one["idle_step_us"] for found in rounds.values() for one in found if "idle_step_us" in one]
    typer.echo(whole.with_limit("a step in which nothing is due (microseconds)", median(idle_us)))
    year = "a quiet year of 2,000 people"
    typer.echo(whole.with_limit(f"{year} (s)", median(one["run_s"] for one in rounds[year])))
    for case in ("coquimbo, 6 h", "pokrovsk, 69 days"):
        rooms = whole.time_case(*cases[case], stages=True)["rooms"]
        typer.echo(f"{case}, under a profiler: {whole.stages_of(rooms)}")
    for case, found in rounds.items():
        us = median(one["run_s"] / max(one["n_events"], 1) for one in found) * 1e6
        typer.echo(f"{case}: {us:.1f} microseconds per impact, departure and link crossing of a vehicle")
    starts = whole.time_starts(repeats)
    for what in starts[0]:
        typer.echo(whole.with_limit(f"{what} (s)", median(one[what] for one in starts)))
    more_s = median(one["first run of tiny_town"] - one["warm run of tiny_town"] for one in starts)
    typer.echo(whole.with_limit("first run of tiny_town, more than a warm one (s)", more_s))
    _sweep_and_twin(seed)


def _sweep_and_twin(seed: int) -> None:
    """Tell how many runs of pokrovsk an hour a sweep on all cores makes, and what one evacuation takes in pure Mesa."""
    from benchmarks.sweep import Case, time_round
    from safepassage.experiments.runs.executors import n_cores

    one = time_round(Case("pokrovsk"), SWEPT, 1, n_cores(), ["local"], 100)
    per_hour = 3600 * 100 / one["local_projected_s"]
    typer.echo(f"a sweep of pokrovsk on {n_cores()} cores: {per_hour:,.0f} runs an hour, projected from {SWEPT} runs")
    city = make_city(1_000, 5_000, seed)
    ours, mesa = measure(city, ["ours", "mesa"], 1, 1800.0)
    if not mesa.runs:
        typer.echo(f"5,000 vehicles on 1,000 nodes in pure Mesa: {mesa.note}")
        return
    times = ours.median("cpu_s"), mesa.median("cpu_s")
    typer.echo(f"5,000 vehicles on 1,000 nodes: {times[0]:.3f} s of processor time, in pure Mesa {times[1]:.1f} s")


@app.command()
def large(
    people: Annotated[int, typer.Option(min=1000, help="Residents.")] = 3_000_000,
    nodes: Annotated[int, typer.Option(min=1000, help="Junctions; 50000 is the size of Kyiv.")] = 50_000,
    duration_h: Annotated[float, typer.Option(min=1, help="Length of the run.")] = 24.0,
    repeats: Annotated[int, typer.Option(min=1, help="Runs; the reader takes the medians.")] = 1,
) -> None:
    """Run the whole model on a synthetic city of millions, one thread: time, processor time and memory."""
    from benchmarks.large import HEADER, row_of, time_city

    found = [time_city(people, nodes, duration_h) for _ in range(repeats)]
    title = f"{people:,} people on {nodes:,} junctions for {duration_h:g} h"
    report(f"large-{people}-people-{nodes}-nodes", title, HEADER, [row_of(one) for one in found], found)


@app.command()
def protection(
    scenario: Annotated[str, typer.Argument(help="tiny_town, or another town: protections of any town.")] = "tiny_town",
    pairs: Annotated[int, typer.Option(min=1, help="Pairs of runs, each of one seed, for each protection.")] = 20,
    only: Annotated[str, typer.Option(help="Part of the name of the protections to measure; default: all.")] = "",
) -> None:
    """Tell what each protection does to expected casualties in a town under heavy fire, with 95 % intervals."""
    from benchmarks.protection import HEADER, NOBODY_LEAVES, measure, row_of

    towns = {"leaves": ("people leave", {}), "stays": ("nobody leaves", NOBODY_LEAVES)}
    for name, (town, changes) in towns.items():
        found = dict(measure(scenario, pairs, {"run.step_s": 600, **changes}, only))
        title = f"{Path(scenario).stem}, {town}: expected casualties by {pairs} pairs of runs"
        rows = [row_of(what, one, pairs) for what, one in found.items()]
        report(f"protection-{Path(scenario).stem}-{name}", title, HEADER, rows, found)


@app.command("levers")
def levers_command(
    pairs: Annotated[int, typer.Option(min=2, help="Pairs of runs, each of one seed, for each lever.")] = 20,
    only: Annotated[str, typer.Option(help="Part of the name of the levers to measure; default: all.")] = "",
) -> None:
    """Tell what each lever of planners does to expected casualties and people out in Tiny Town under heavy fire."""
    from benchmarks.levers import HEADER, measure, row_of

    found = list(measure(pairs, {"run.step_s": 600}, only))
    rows = [row_of(*one, pairs) for one in found]
    raw = [[name, asdict(hurt), asdict(out)] for name, hurt, out in found]
    report("levers", f"Levers in Tiny Town under heavy fire, {pairs} pairs of runs", HEADER, rows, raw)


@app.command()
def harm(seeds: Annotated[int, typer.Option(min=1, help="Runs of each measurement.")] = 10) -> None:
    """Tell how the injured fare in Tiny Town: care, on foot, in one car; and whom a change of the town changes."""
    from benchmarks.harm_rows import rows

    found = list(rows(seeds))
    report("harm", f"Harm and care in Tiny Town, {seeds} seeds", ["measured", "found", "beside"], found, found)


@app.command()
def siege(draws: Annotated[int, typer.Option(min=1, help="Draws of each pair tried.")] = 120) -> None:
    """Fit the districts of a siege to the western half of Mariupol; needs the data that SAFEPASSAGE_DATA names."""
    from safepassage.experiments.fits.siege_districts import lines
    from safepassage.experiments.fits.towns import data_folder

    if (folder := data_folder()) is None:
        raise typer.BadParameter("SAFEPASSAGE_DATA names no folder with the buildings of Mariupol")
    for line in lines(folder.parent, draws):
        typer.echo(line)


@app.command()
def page(
    scenario: Annotated[str, typer.Argument(help="Shipped scenario, or a scenario file.")] = "coquimbo",
    play_s: Annotated[float, typer.Option(min=1, help="Longest that the run is watched (s).")] = 60.0,
    repeats: Repeats = 1,
    steps: Annotated[int, typer.Option(min=0, help="Steps over which memory is compared; 0: not at all.")] = 2000,
    monkey_min: Annotated[float, typer.Option(min=0, help="Minutes of seeded random clicks.")] = 0.0,
) -> None:
    """Open the page in a headless browser and play: first paint, pictures per second, cost, memory, errors."""
    from benchmarks.page import HEADER, measure_page, missing, rows_of
    from safepassage.model.settings.scenario import load

    if reason := missing():
        typer.echo(f"skipped: {reason}")
        return
    step_s, name = load(scenario).run.step_s, Path(scenario).stem
    looks = [measure_page(scenario, play_s, step_s, n_steps=steps, monkey_min=monkey_min) for _ in range(repeats)]
    report(f"page-{name}", f"The page of {name}, headless Chromium beside its server", HEADER, rows_of(looks), looks)


@app.command()
def attack(
    minutes: Annotated[float, typer.Option(min=0.01, help="How long to go on.")] = 10.0,
    kinds: Annotated[
        str,
        typer.Option(
            help="Of scenarios, graphs, tables, folders, studies, extremes, disks, kills; default: all but kills."
        ),
    ] = "",
    first: Annotated[int, typer.Option(help="Number of the first trial; the same numbers make the same trials.")] = 0,
    most: Annotated[int | None, typer.Option(help="Trials of each kind at most.")] = None,
    memory_gib: Annotated[float, typer.Option(help="Memory that all trials may take beyond what is taken now.")] = 2.0,
    sameness: Annotated[bool, typer.Option(help="Also compare runs under other circumstances.")] = False,
) -> None:
    """Give hostile scenarios, graphs, tables and folders, and extreme runs, to the model; tell what came of it.

    A trial should be used or refused with a message: whatever else happens is told with its number and traceback.
    """
    from benchmarks.attack import ATTACKS
    from benchmarks.attack import attack as carry_out
    from benchmarks.attack.loop import Teller, limit_memory
    from benchmarks.attack.sameness import OTHERWISE, differences

    chosen = kinds.split(",") if kinds else [name for name in ATTACKS if name != "kills"]
    if "kills" not in chosen:  # its workers and threads are many, and would have to share what one process may take
        limit_memory(int(memory_gib * 2**30))
    counts = carry_out({name: ATTACKS[name] for name in chosen}, minutes * 60.0, first, most, Teller())
    rows = [
        [
            name,
            f"{one.n:,}",
            f"{one.n_used:,}",
            f"{one.n_refused:,}",
            f"{sum(one.found.values()):,}",
            f"{one.longest_s:.1f}",
        ]
        for name, one in counts.items()
    ]
    header = ["trials of", "n", "used", "refused", "faults", "longest (s)"]
    raw = {name: {"n": one.n, "faults": dict(one.found)} for name, one in counts.items()}
    report("attack", f"Trials from number {first}", header, rows, raw)
    for name, one in counts.items():
        for kind, times in one.found.most_common():
            number, text = one.first[kind]
            typer.echo(f"\n{times} times: {kind}; first: --kinds {name} --first {number} --most 1\n{text}")
    if sameness:
        typer.echo(f"results differ with: {', '.join(differences(list(OTHERWISE))) or 'nothing'}")


app(prog_name="python -m benchmarks")
