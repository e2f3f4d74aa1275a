"""Arguments and options that several commands share."""

from typing import Annotated

import typer

from safepassage.model.settings.errors import ScenarioError

ScenarioArgument = Annotated[str, typer.Argument(help="Name of a shipped scenario, or a path to a scenario file.")]


SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a key, e.g. run.duration_h=3. Repeat for more."),
]


PlanOption = Annotated[str | None, typer.Option(help="Plan to lay over the scenario: a name or a path.")]


def _changes(pairs: list[str] | None) -> dict:
    if not pairs:
        return {}
    from safepassage.model.settings.files.yaml_file import read_value

    changes = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise ScenarioError(f"--set {pair}: write it as key.path=value, for example run.duration_h=3.")
        changes[key] = read_value(value, f"--set {pair}")
    return changes
