"""Writes the reference from the code: keys, tables, outcomes, commands, file layouts, and what commands print.

Sphinx calls `write_all` before it looks for pages (conf.py). Pages are written only when they change, so that a second
build is quick. Nothing in docs/reference/ is written by hand or kept in the repository.
"""

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from inspect import Parameter, getdoc, signature
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import docstrings
import pyarrow as pa
from typer import Typer
from typer.models import OptionInfo

from safepassage.model.settings.files.keys import Key, Part, parts

ROOT = Path(__file__).parent.parent
RULES = (
    "agents/rules", "model/behaviour", "model/harm", "model/hazard", "model/movement", "model/movement/news",
    "model/people", "model/reception", "model/services", "model/town",
)  # fmt: skip
"""Folders whose modules hold the rules of the model."""
IN_WORDS = {"none": "nothing", "required": "none, the file must say"}


def write_all(folder: Path) -> list[Path]:
    """Write every page of the reference into a folder; return the pages."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_write(folder / f"{name}.md", page()) for name, page in PAGES.items()]


def _write(path: Path, text: str) -> Path:
    text = text.rstrip() + "\n"
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
    return path


def _page(title: str, *paragraphs: str) -> str:
    return "\n\n".join([f"# {title}", *paragraphs])


def _table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def _code(text: str) -> str:
    return f"`` {text} ``" if "`" in text else f"`{text}`"


# Keys of scenarios and of study files


def scenario_page() -> str:
    """Return the page of every key of a scenario."""
    from safepassage.model.settings.scenario import LEVERS

    return _page(
        "Keys of a scenario",
        "A scenario is one YAML file. Every key that it may hold is listed here, section by section. An unknown key is "
        "an error, and so is a value outside its limits; `safepassage validate FILE` lists all mistakes at once.",
        "Keys are written with dots here and on the command line (`--set run.duration_h=3`). In the file, each dot is "
        "one level of indentation. `*` stands for the number of an entry of a list, counted from 0: "
        "`orders.0.compliance` is the compliance of the first order. Paths are relative to the scenario file.",
        "A **plan** is a file of the same form that holds only what protects people: "
        f"{', '.join(map(_code, LEVERS))}. A list in a plan replaces the whole list of the scenario.",
        *_parts(parts()),
    )


def studies_page() -> str:
    """Return the page of the files that ask many runs one question."""
    from safepassage.experiments.questions.calibrate import Calibration
    from safepassage.experiments.questions.optimise import Optimisation
    from safepassage.experiments.sweeps.study import Study

    kinds = {
        "Study file": (Study, "`safepassage sweep`, `sensitivity` and `robustness` read it."),
        "Optimisation file": (Optimisation, "`safepassage optimise` reads it."),
        "Calibration file": (Calibration, "`safepassage calibrate` reads it."),
    }
    found = [
        "Each of these files is YAML and is checked as a whole before anything runs: an unknown key, a factor outside "
        "its limits or a plan that does not exist is told with file and line. What a file asks for is kept with the "
        "results, so that an interrupted study goes on when its command is repeated.",
    ]
    for title, (model, use) in kinds.items():
        example = docstrings.first_code(docstrings.of_module(model.__module__))
        found += [f"## {title}", use, f"```yaml\n{example}\n```", *_parts(parts(model), is_indexed=False, level=3)]
    observed = docstrings.of_module("safepassage.experiments.questions.observed")
    found += ["## Observations that a calibration is fitted to", docstrings.as_markdown(observed)]
    return _page("Study, optimisation and calibration files", *found)


def _parts(found: Sequence[Part], *, is_indexed: bool = True, level: int = 2) -> list[str]:
    text, seen = [], set()
    for part in found:
        heading = _code(part.name) if part.name else "Top of the file"
        if part.kind:
            heading += f" of kind `{part.kind}`"
        text += [f"{'#' * level} {heading}", part.meaning]
        for key in part.keys:
            text.append(_key(key, is_indexed=is_indexed and key.name not in seen))
            seen.add(key.name)
    return text


def _key(key: Key, *, is_indexed: bool) -> str:
    last, value = key.name.split(".")[-1], key.example
    if len(value) > 110:
        value = value[:100].rsplit(", ", 1)[0] + ", ..."
    lines = [
        f"```{{confval}} {key.name}",
        f":type: {key.type}{f', unit {key.unit}' if key.unit not in ('', '1') else ''}",
        f":default: {IN_WORDS.get(key.default) or _code(key.default)}",
        *([] if is_indexed else [":no-index:"]),
        "",
        key.meaning or "Which of the known kinds this entry is.",
        *(["", f"Source: {key.source}"] if key.source and key.source != key.meaning else []),
        "",
        f"Example: {_code(f'{last}: {value}')}",
        "```",
    ]
    return "\n".join(lines)


# Tables and outcomes of a run


def tables_page() -> str:
    """Return the page of every table and column that a run leaves."""
    from safepassage.model.results.dictionary import TABLES

    types = types_of_columns()
    found = [
        "`safepassage run` writes a folder: `manifest.json` (the scenario with every default, seed, versions of all "
        "packages, digests of the files read and of the tables written, notes and timings) and the tables below, each "
        "a Parquet file of its name. Units stand in the name of a column and in the metadata of its field. Times are "
        "seconds after the start of the run; places are metres in the plane of the map, whose projection the manifest "
        "names (`crs`).",
        '```python\nfrom safepassage import open_run\nrun = open_run("runs/tiny_town-seed1")\n'
        'persons = run.frame("persons")      # a pandas frame\nrun.units("persons")["age"]         # years\n```',
    ]
    for name, described in TABLES.items():
        rows = []
        for column, words in described.columns.items():
            kind, unit = types.get((name, column), ("", ""))
            rows.append((_code(column), kind, unit, words))
        found += [f"## {_code(name)}", described.row, _table(("column", "type", "unit", "meaning"), rows)]
    return _page("Tables of a run", *found)


def types_of_columns() -> dict[tuple[str, str], tuple[str, str]]:
    """Return (table, column or its pattern) -> (type, unit), as short runs that have every table write them."""
    from fnmatch import fnmatchcase

    from safepassage.model.evacuation import EvacuationModel
    from safepassage.model.results.dictionary import TABLES

    shelter = {"name": "School", "capacity": 300, "longitude_deg": -33.0, "latitude_deg": 45.0}
    ward = {"name": "Ward", "kind": "hospital", "longitude_deg": -33.0, "latitude_deg": 45.0, "n_residents": 4}
    with_all = {"shelters.places": [shelter], "truces": [{"name": "Day and night"}], "institutions": [ward],
                "reception.places": [{"name": "Hall", "beds": 9}],
                "daytime.schools": [{"name": "School", "latitude_deg": 45.0, "longitude_deg": -33.0}],
                "weather": {"source": "none", "monthly_mean_c": [0] * 12}}  # fmt: skip
    runs = (
        ("tiny_town", {"run.duration_h": 0.1, "run.record_positions_every_s": 60, **with_all}),
        ("pokrovsk", {"run.duration_h": 1.0, "run.step_s": 3600.0, "population.residents": 2000}),
    )
    found = {("front", "area_wkb"): ("bytes", "")}
    for scenario, changes in runs:
        for table, content in EvacuationModel(scenario, **changes).run().recorder.tables().items():
            for field in content.schema:
                pattern = next(name for name in TABLES[table].columns if fnmatchcase(field.name, name))
                found[table, pattern] = _type_in_words(field.type), field.metadata[b"unit"].decode()
    return found


def _type_in_words(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return f"list of {_type_in_words(kind.value_type)}"
    return {"double": "float64", "float": "float32", "string": "text", "binary": "bytes"}.get(str(kind), str(kind))


def outcomes_page() -> str:
    """Return the page of every outcome: words, unit, and which way is better."""
    from safepassage.model.results.outcomes import BY_GROUP, GROUPS, OUTCOMES, Panel, outcome_of

    found = [
        "An outcome is one number of a run, computed from its tables alone. Sweeps, comparisons, searches and reports "
        "know outcomes by these names. The direction says which way is better for people; a search may not ask for the "
        "other.",
    ]
    for panel in Panel:
        chosen = [outcome for outcome in OUTCOMES.values() if outcome.panel == panel]
        rows = [
            (_code(one.name), one.words, one.unit, one.direction, "yes" if one.is_compared else "") for one in chosen
        ]
        found += [f"## {panel}", _table(("outcome", "meaning", "unit", "direction", "plans are compared by it"), rows)]
    by_group = [outcome_of(f"{name}:{next(iter(GROUPS))}") for name in BY_GROUP]
    found += [
        "## Outcomes of a group",
        "These are told for each group that has members, as `NAME:GROUP`: `left_behind:no_car`.",
        _table(
            ("outcome", "unit", "direction"),
            [(_code(name), one.unit, one.direction) for name, one in zip(BY_GROUP, by_group, strict=True) if one],
        ),
        _table(("group", "who"), [(_code(group), words) for group, words in GROUPS.items()]),
        "## Times and percentiles",
        "A study can keep an outcome that is a column of the time series at a time: `n_safe@3600` is the number of "
        "people out 3,600 s after the start. An objective of a search is a mean, or with `p05.` or `p95.` before its "
        "name that percentile over the runs.",
    ]
    return _page("Outcomes", *found)


# Commands


def commands_page() -> str:
    """Return the page of every command with its arguments and options."""
    found = [
        "`safepassage COMMAND --help` prints the same. A mistake of the user ends with one clear message and exit code "
        "2; an interrupted study goes on when its command is repeated.",
    ]
    for name, function in commands():
        rows = [_parameter(one) for one in signature(function, eval_str=True).parameters.values()]
        found += [f"## {_code(f'safepassage {name}')}", getdoc(function) or ""]
        if rows:
            found.append(_table(("argument or option", "type", "default", "meaning"), rows))
    return _page("Commands", *found)


def _parameter(one: Parameter) -> tuple[str, str, str, str]:
    kind, told = get_args(one.annotation)[:2]
    is_option = isinstance(told, OptionInfo)
    stated = [*map(str, (told.default, *(told.param_decls or ())))]  # within Annotated the first name stands as default
    flags = [word for word in stated if word.startswith("-")] or [f"--{one.name.replace('_', '-')}"]
    words = flags if is_option else [one.name.upper()]
    is_required, is_flag = one.default is Parameter.empty, kind is bool
    default = "required" if is_required else "" if one.default is None or is_flag else _code(str(one.default))
    names = {int: "whole number", float: "number", str: "text", Path: "path", bool: "flag"}
    types = [names[base] for base in names if base in (kind, *get_args(kind), *map(_inner, get_args(kind)))]
    types += [f"one of {', '.join(map(_code, get_args(kind)))}"] if get_origin(kind) is Literal else []
    many = ", any number of times" if any(get_origin(part) is list for part in (kind, *get_args(kind))) else ""
    return ", ".join(map(_code, words)), " or ".join(types) + many, default, told.help or ""


def _inner(kind: Any) -> Any:
    return next(iter(get_args(kind)), None)


def commands() -> list[tuple[str, Callable]]:
    """Return (name, function) of every command of the command line, those of groups with the group's name first."""
    from safepassage.cli.main import app

    def walk(group: Typer, before: str) -> Iterator[tuple[str, Callable]]:
        for one in group.registered_commands:
            yield before + (one.name or one.callback.__name__.replace("_", "-")), one.callback
        for one in group.registered_groups:
            yield from walk(one.typer_instance, f"{before}{one.name} " if isinstance(one.name, str) else before)

    return sorted(walk(app, ""), key=lambda pair: pair[0])


# Recorded events


def events_page() -> str:
    """Return the page of the layouts of recorded events."""
    from safepassage.model.hazard import counts, layouts

    rows = [(_code(column), meaning) for column, meaning in layouts.PLAIN_COLUMNS.items()]
    return _page(
        "Tables of recorded events",
        "A source of `kind: recorded` in `shelling.sources` replays a CSV file. Its key `layout` says whose columns "
        "the file has.",
        "## Layout `plain`: our own",
        "Time and two columns of place are needed; the others may be left out.",
        _table(("column", "what it holds"), rows),
        "```\ntime,longitude,latitude,size\n2024-08-20T14:05,37.181,48.283,M\n2024-08-20T14:05,37.182,48.284,\n```",
        "## Layouts `acled`, `viina` and `ucdp`",
        "Exports of ACLED, VIINA 2 and UCDP GED are read as they are published. Taken are, unless "
        "`event_types` says otherwise:",
        _table(
            ("layout", "what is taken"),
            [
                ("`acled`", f"`sub_event_type`: {', '.join(layouts.ACLED_TYPES)}"),
                ("`viina`", f"rows where one of {', '.join(map(_code, layouts.VIINA_TYPES))} is set"),
                ("`ucdp`", "all events"),
            ],
        ),
        "VIINA 1, which has a row for each report, is read as well: reports of one day and place are one event.",
        "## Layout `hdx`: counts by week or month and district",
        "Tables of counts, as HDX and ACLED publish them where single events are not given. Columns may have other "
        "names; letters may be of any case. Each event is drawn within its period, and within the outline of its "
        "district if {confval}`shelling.sources.*.districts` gives one, else about the middle that the table states.",
        _table(
            ("column", "names that are known"),
            [
                ("count", ", ".join(map(_code, counts.COUNTS))),
                ("time", f"{_code(counts.WEEKS[0])}; `month` and `year`; {' and '.join(map(_code, counts.ENDS[0]))}"),
                ("district", ", ".join(map(_code, counts.DISTRICTS))),
                ("middle", " or ".join(", ".join(map(_code, pair)) for pair in counts.MIDDLES)),
                ("kind", "`sub_event_type`, else `event_type`"),
            ],
        ),
        "```\nweek,admin2,admin2_pcode,sub_event_type,events\n2024-08-17,Pokrovskyi,UA1416,Air/drone strike,42\n```",
        "How well the place of an event is known (`exact`, `settlement`, `district`) is read from the export. An event "
        "known to its settlement or district only is drawn within "
        "{confval}`shelling.sources.*.settlement_radius_m` or {confval}`shelling.sources.*.district_radius_m`.",
    )


# Limits


def limits_page() -> str:
    """Return the page of what is refused for its size, and of what things take of memory."""
    from safepassage.model import memory
    from safepassage.model.hazard import process, records
    from safepassage.model.inputs import text_files
    from safepassage.model.results import trajectories
    from safepassage.model.settings.files import yaml_file

    limits = [
        ("bytes of a YAML file", yaml_file.MOST_BYTES),
        ("values of a YAML file, each repeated by an alias counted again", yaml_file.MOST_VALUES),
        ("sections and lists within each other in a YAML file", yaml_file.MOST_DEPTH),
        ("bytes of any other file, after unpacking", text_files.MOST_BYTES),
        ("events of a table of reports", records.MOST_EVENTS),
        ("background events of a process in one hour", process.MOST_PER_HOUR),
        ("hours of a run and its warm-up", process.HOURS_OF_KEYS),
        ("squares of a process", process.MOST_SQUARES),
        ("rows of the table `trajectories`; recording stops there", trajectories.MOST_ROWS),
    ]
    return _page(
        "Limits",
        "What comes from others may be wrong or ill meant, and what is typed may have a digit too many. Therefore size "
        "is looked at before anything of that size is built: what is beyond these limits is refused, and so is what "
        "would need more memory than is free on the machine, in the container or under the limit of the process. The "
        "message names the key or file, how many of what it asks for, the memory, and what to change.",
        "## Numbers that are refused wherever it runs",
        _table(("of what", "most"), [(what, f"{most:,}") for what, most in limits]),
        "## Memory",
        "Before a town is built, the needs of {confval}`population.residents`, {confval}`run.step_s`, "
        "{confval}`run.record_every_s`, of stops, vehicles and ambulances are added up; each vehicle that drives to "
        "single doors has a table of routes of its own (16 bytes a link and 20 a node). A process is looked at when "
        "its rate is known: events, and squares times days. Copies of recorded events, people of tables, and files "
        "once they are unpacked are looked at when they are counted. One of each is taken for so much:",
        _table(("one", "bytes"), [(name.replace("_", " "), f"{most:,}") for name, most in memory.BYTES.items()]),
        memory.MEASURED,
    )


# What the ODD description takes from the code


def state_variables_page() -> str:
    """Return tables of the state variables of persons, households and parties, as their classes describe them."""
    found = []
    for path, name, what in (
        ("agents/civilians.py", "People", "persons"),
        ("agents/households.py", "Households", "households"),
        ("agents/parties.py", "Parties", "parties"),
    ):
        rows = [(_code(column), words) for column, words in docstrings.columns_of(ROOT / path, name).items()]
        found += [f"### State variables of {what} (`{path}`)", _table(("variable", "type, meaning, unit"), rows)]
    return "\n\n".join(found)


def rules_page() -> str:
    """Return the first lines of every module that holds a rule of the model, room by room."""
    found = ["What each module says of itself: the rule, its formula, its source, its assumptions."]
    for folder in RULES:
        found.append(f"## {_code(folder)}")
        for path in sorted((ROOT / folder).glob("*.py")):
            text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            if path.name != "__init__.py":
                found += [f"### {_code(f'{folder}/{path.name}')}", docstrings.as_markdown(text)]
    return _page("The rules in the words of the code", *found)


PAGES: dict[str, Callable[[], str]] = {
    "scenario": scenario_page,
    "tables": tables_page,
    "outcomes": outcomes_page,
    "commands": commands_page,
    "studies": studies_page,
    "events": events_page,
    "limits": limits_page,
    "state_variables": state_variables_page,
    "rules": rules_page,
}
"""Page of the reference -> what writes it."""
