"""One self-contained HTML file for a run, a sweep, a comparison or another study: results and what they rest on."""

import base64
import io
import json
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from safepassage.experiments.scenario_sources import assumed
from safepassage.experiments.store import write_whole
from safepassage.model.settings.base import ScenarioError

TEMPLATE = "report.html.j2"
MOST_ROWS = 200
"""Rows of a table that are shown."""


@dataclass
class ShownTable:
    """A table of the report; cells are text."""

    columns: list[str]
    rows: list[list[str]]
    title: str = ""
    numbers: set[str] = field(default_factory=set)
    """Columns set flush right."""
    changed: set[int] = field(default_factory=set)
    """Rows set in bold."""
    folded: bool = False


@dataclass
class Picture:
    """A PNG picture, base64."""

    caption: str
    data: str


@dataclass
class Part:
    """A section of the report."""

    title: str
    text: str = ""
    pictures: list[Picture] = field(default_factory=list)
    tables: list[ShownTable] = field(default_factory=list)


@dataclass
class Page:
    """What the template shows."""

    kind: str
    title: str
    notice: str
    facts: list[tuple[str, str]]
    sections: list[Part]
    scenarios: list[dict[str, Any]]
    """As a manifest holds them; the plans laid over one scenario come after it."""
    versions: dict[str, str]
    warnings: list[str] = field(default_factory=list)


def report(folder: Path | str, out: Path | str | None = None) -> Path:
    """Write the report of what is in a folder and return its path; default `report.html` there, numbered if taken.

    Raises ScenarioError if the folder holds nothing that can be reported.
    """
    folder = Path(folder)
    page = page_of(folder)
    content = render(page).encode()
    wish = Path(out) if out else folder / "report.html"
    for number in range(1, 100_000):
        path = wish if number == 1 else wish.with_name(f"{wish.stem}-{number}{wish.suffix}")
        if not path.exists():
            write_whole(path, content)
            return path
    raise ScenarioError(f"{wish}: there is no free name beside it; name another file with --out.")


def page_of(folder: Path) -> Page:
    """Return what is to be shown of a folder, whatever is in it."""
    from safepassage.experiments import report_pages

    makers = {
        "comparison.json": report_pages.comparison_page,
        "calibration.json": report_pages.calibration_page,
        "optimisation.json": report_pages.optimisation_page,
        "sensitivity-*.json": report_pages.sampled_page,
        "robustness-*.json": report_pages.sampled_page,
        "results.parquet": report_pages.sweep_page,
        "persons.parquet": report_pages.run_page,
    }
    for pattern, make in makers.items():
        if sorted(folder.glob(pattern)):
            return make(folder)
    if (folder / "study.json").is_file():
        raise ScenarioError(f"{folder}: this study is not finished; repeat its command, then ask for the report.")
    raise ScenarioError(
        f"{folder}: there is nothing to report; name the folder of a run, a sweep, a comparison or another study."
    )


def render(page: Page) -> str:
    """Return the page as one HTML file."""
    from jinja2 import Environment

    template = files("safepassage.experiments").joinpath(TEMPLATE).read_text(encoding="utf-8")
    towns = {scenario["name"]: scenario for scenario in reversed(page.scenarios)}
    sections = [*page.sections, *_plans(page.scenarios), *map(_assumptions, reversed(towns.values()))]
    sections.append(_versions(page.versions))
    return (
        Environment(autoescape=True, trim_blocks=True)
        .from_string(template)
        .render(
            kind=page.kind, title=page.title, notice=page.notice, facts=page.facts, warnings=page.warnings,
            sections=sections, version=page.versions.get("safepassage", ""),
        )
    )  # fmt: skip


def _plans(scenarios: list[dict[str, Any]]) -> list[Part]:
    rows = []
    for scenario in scenarios:
        first = next(one for one in scenarios if one["name"] == scenario["name"])
        before, after = ({row.key: row.value for row in assumed(one)} for one in (first, scenario))
        rows += [
            [scenario["plan"] or "none", key, shown(after.get(key)), shown(before.get(key))]
            for key in dict.fromkeys([*after, *before])
            if before.get(key) != after.get(key)
        ]
    table = ShownTable(["plan", "key", "value", "instead of"], rows)
    return [Part("The plans", "What each plan sets.", tables=[table])] if rows else []


def _assumptions(scenario: dict[str, Any]) -> Part:
    rows = assumed(scenario)
    n_assumed = sum(row.is_assumption for row in rows)
    text = (
        f"{len(rows)} values, each with its unit and source as the scenario's fields say; {n_assumed} of them are "
        "assumptions. Set by the scenario or plan: in bold; the others are defaults."
    )
    tables = []
    for section in dict.fromkeys(row.key.split(".")[0] for row in rows):
        part = [row for row in rows if row.key.split(".")[0] == section]
        changed = {i for i, row in enumerate(part) if not row.is_default}
        cells = [[row.key, shown(row.value), row.meaning] for row in part]
        title = f"{section} ({len(part)} values, {len(changed)} set, {sum(r.is_assumption for r in part)} assumptions)"
        tables.append(
            ShownTable(["key", "value", "unit, source or assumption"], cells, title, changed=changed, folded=True)
        )
    return Part(f"Scenario {scenario['name']}: values, sources and assumptions", text, tables=tables)


def _versions(versions: dict[str, str]) -> Part:
    table = ShownTable(["package", "version"], [[name, str(value)] for name, value in versions.items()])
    return Part("Versions", "Code and packages that the numbers come from.", tables=[table])


def shown(value: Any) -> str:
    """Return a value as a reader likes it: thousands separated, few digits, no more text than fits."""
    if value is None:
        return "\N{EM DASH}"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float | np.floating):
        if np.isnan(value):
            return "not reached"
        if np.isinf(value):
            return "\N{INFINITY}"
        return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:,.4g}"
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    text = json.dumps(value, default=str) if isinstance(value, dict | list | tuple) else str(value)
    return text if len(text) <= 300 else text[:297] + "..."


def frame_table(frame: pd.DataFrame, title: str = "", *, folded: bool = False) -> ShownTable:
    """Return a frame as a table, the first rows of it if it is long."""
    part = frame.head(MOST_ROWS)
    names = {c: str(c) if "." in str(c) else str(c).replace("_", " ") for c in part}  # keys of a scenario stay
    numbers = {names[c] for c in part if pd.api.types.is_numeric_dtype(part[c]) and part[c].dtype != bool}
    if len(frame) > MOST_ROWS:
        title = f"{title} (first {MOST_ROWS} of {len(frame):,} rows)".strip()
    rows = [[shown(value) for value in row] for row in part.itertuples(index=False, name=None)]
    return ShownTable(list(names.values()), rows, title, numbers, folded=folded)


def picture_of(figure, caption: str) -> Picture:
    """Return a matplotlib figure as a picture."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=110)
    return Picture(caption, base64.b64encode(content.getvalue()).decode())


def picture_file(path: Path, caption: str) -> Picture:
    """Return a PNG file as a picture."""
    return Picture(caption, base64.b64encode(path.read_bytes()).decode())
