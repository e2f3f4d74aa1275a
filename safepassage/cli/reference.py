"""Reference on the command line: `keys` prints what files may say, `schema` what editors check them with."""

import difflib
import json
from enum import StrEnum
from typing import Annotated

import typer

from safepassage.cli.printed import PlainConsole, styled
from safepassage.model.settings.errors import ScenarioError

console = PlainConsole()


class FileKind(StrEnum):
    """Files that a user writes."""

    SCENARIO = "scenario"
    PLAN = "plan"
    STUDY = "study"
    OPTIMISATION = "optimisation"
    CALIBRATION = "calibration"


def mount(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(keys)
    app.command()(schema)


def keys(
    pattern: Annotated[str, typer.Argument(help="Part of a key's name or meaning, such as curfew; none: all.")] = "",
    of: Annotated[FileKind, typer.Option(help="Kind of file.")] = FileKind.SCENARIO,
) -> None:
    """Print the keys of a kind of file: type, unit, default, meaning, source and an example."""
    from safepassage.experiments.file_kinds import FILE_KINDS
    from safepassage.model.settings.files.keys import keys as keys_of
    from safepassage.model.settings.scenario import LEVERS

    known = keys_of(FILE_KINDS[of])
    if of == FileKind.PLAN:
        known = tuple(one for one in known if any(f"{one.name}.".startswith(f"{lever}.") for lever in LEVERS))
    wanted = pattern.lower()
    found = [one for one in known if wanted in one.name.lower()] or [
        one for one in known if wanted in one.meaning.lower()
    ]
    if not found:
        parts = {part: one.name for one in reversed(known) for part in (one.name, *one.name.split("."))}
        close = [parts[name] for name in difflib.get_close_matches(wanted, parts, n=3, cutoff=0.7)]
        sections = dict.fromkeys(one.name.split(".")[0] for one in known)
        hint = (
            f" Did you mean {', '.join(dict.fromkeys(close))}?" if close
            else f" Sections: {', '.join(sections)}. `safepassage keys` prints all."
        )  # fmt: skip
        raise ScenarioError(f"keys {pattern}: no key of a {of} has this in its name or its meaning.{hint}")
    for one in found:
        unit = f" ({one.unit})" if one.unit not in ("", "1") else ""
        console.print(styled((one.name, "bold"), f": {one.type}{unit}; default: {one.default}"), soft_wrap=True)
        for text in (one.meaning, one.source):
            if text:
                console.print(f"    {text}", soft_wrap=True)
        if one.example not in ("", one.default):
            console.print(f"    example: {one.example}", soft_wrap=True)


def schema(
    of: Annotated[FileKind, typer.Argument(help="Kind of file.")] = FileKind.SCENARIO,
) -> None:
    """Print the JSON Schema of a kind of file; an editor completes and checks a file that names it."""
    from safepassage.experiments.file_kinds import schema_of

    print(json.dumps(schema_of(of), indent=2, ensure_ascii=False))
