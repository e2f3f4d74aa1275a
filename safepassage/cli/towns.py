"""Commands about towns: `init` begins one, `network describe` and `fit-front` read data, `export` hands a run on."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from safepassage.cli.printed import PlainConsole, styled
from safepassage.model.settings.errors import ScenarioError

console = PlainConsole()
network_app = typer.Typer(help="Street networks: what a file holds.", no_args_is_help=True)

MAPS = "OpenStreetMap extract (.osm.pbf, .osm, .osm.gz), GraphML, or tables of nodes and edges (.gpkg, .parquet)."
FileOption = Annotated[Path | None, typer.Option()]


class Target(StrEnum):
    """What `export` writes."""

    GPKG = "gpkg"
    GEOPARQUET = "geoparquet"
    CSV = "csv"
    KEPLER = "kepler"
    MATSIM_EVENTS = "matsim-events"
    RO_CRATE = "ro-crate"


def mount(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(init)
    app.command("export")(export_run)
    app.command("fit-front")(fit_front)
    app.add_typer(network_app, name="network")


def init(
    source: Annotated[Path, typer.Argument(help=MAPS)],
    out: Annotated[Path, typer.Option(help="Folder of the town; it is created, and never overwritten.")],
    residents: Annotated[int | None, typer.Option(min=1, help="Total residents; counts are scaled to it.")] = None,
    zones: Annotated[Path | None, typer.Option(help="Zones, with or without counts, in any polygon format.")] = None,
    population: Annotated[Path | None, typer.Option(help="GeoTIFF of residents, such as WorldPop's.")] = None,
    boundary: Annotated[
        Path | None, typer.Option(help="Polygon within which the town lies; roads across it are exits.")
    ] = None,
    zone_name: Annotated[str, typer.Option(help="Property of a zone that names it; default: found.")] = "",
    zone_residents: Annotated[str, typer.Option(help="Property with a zone's residents; default: found.")] = "",
    walkways: Annotated[bool, typer.Option("--walkways", help="Keep paths, steps, service roads, tracks too.")] = False,
    accept_exits: Annotated[
        bool,
        typer.Option("--accept-exits", help="Accept all exits found, doubtful ones too, after looking at them."),
    ] = False,
    time_zone: Annotated[str, typer.Option(help="Such as Europe/Kyiv; default: that of the place.")] = "",
    start: Annotated[datetime | None, typer.Option(help="When the run begins, local time.")] = None,
) -> None:
    """Begin a town from a map file: streets, exits, zones, buildings, a scenario with each choice explained, a map."""
    from safepassage.model.maps.town import Wishes, begin_town
    from safepassage.model.settings.scenario import load

    _check_files(source, zones, population, boundary)
    given = {} if start is None else {"start": start}
    wishes = Wishes(
        residents, zones, population, boundary, zone_name, zone_residents, walkways, accept_exits, time_zone, **given
    )
    with console.status("reading the map"):
        begun = begin_town(source, out, wishes)
    load(begun.scenario)
    for line in begun.told:
        console.print(line)
    console.print(styled((f"{begun.scenario} is written.", "green"), " Next: look at map.png, then"), soft_wrap=True)
    console.print(f"  safepassage validate {begun.scenario}\n  safepassage run {begun.scenario}", soft_wrap=True)


def export_run(
    run_folder: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    to: Annotated[Target, typer.Option(help="Program or format it is for.")],
    out: Annotated[Path, typer.Option(help="File (gpkg, matsim-events, ro-crate) or folder; never overwritten.")],
    individual: Annotated[
        bool, typer.Option("--individual", help="Also rows of persons, homes and times; only if this endangers nobody.")
    ] = False,
) -> None:
    """Write a run for other programs: counts by street and zone, those of fewer than ten people withheld."""
    from safepassage.experiments.runs.export import export
    from safepassage.model.results.run_folder import open_run

    for line in export(open_run(run_folder), to.value, out, individual=individual):
        console.print(line, soft_wrap=True)


def fit_front(
    folder: Annotated[Path, typer.Argument(help="Folder that holds front_distance_daily.csv.")],
    all_forms: Annotated[bool, typer.Option("--all-forms", help="Also judge every form that was tried.")] = False,
) -> None:
    """Fit how a front moves (front.process) to the dated fronts of towns, and foretell each town from the others."""
    from safepassage.experiments.fits.front_process import lines

    for line in lines(folder, all_forms=all_forms):
        console.print(line, soft_wrap=True)


def _check_files(*paths: Path | None) -> None:
    from safepassage.model.settings.files.portable import file_of

    for path in paths:
        if path is not None and not file_of(path).is_file():
            raise ScenarioError(f"{file_of(path)}: there is no such file. Correct the path.")


@network_app.command()
def describe(
    file: Annotated[Path, typer.Argument(help=MAPS)],
    map_: Annotated[Path | None, typer.Option("--map", help="PNG to draw the map to; default: none is drawn.")] = None,
    walkways: Annotated[bool, typer.Option("--walkways", help="Keep paths, steps, service roads, tracks too.")] = False,
) -> None:
    """Print what a street network holds, what was filled in and dropped, and the exits that `init` would take."""
    from safepassage.model.maps.read import read_map
    from safepassage.model.maps.report import describe_town

    _check_files(file)
    town = read_map(file, with_walkways=walkways)
    report = describe_town(file, town)
    console.print(report)
    if map_ is None:
        return
    if map_.exists():
        raise ScenarioError(f"{map_}: a file of this name already exists, so no map is drawn; name another with --map.")
    report.draw(map_)
    console.print(f"map: {map_}", soft_wrap=True)
