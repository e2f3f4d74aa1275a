"""One self-contained HTML file for a run, a sweep, a comparison or another study: results and what they rest on."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader

from safepassage.experiments.reports.answer.language import Language
from safepassage.experiments.reports.parts import Page, Part, ShownTable, shown
from safepassage.experiments.reports.sources import assumed
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.files.whole import write_whole


def report(folder: Path | str, out: Path | str | None = None, *, language: str = "en") -> Path:
    """Write the report of what is in a folder and return its path; default `report.html` there, numbered if taken.

    language: of the answer page of a comparison, en or uk; everything else is told in English.
    Raises ScenarioError if the folder holds nothing that can be reported.
    """
    folder = Path(folder)
    is_comparison = (folder / "comparison.json").is_file()
    if language != "en" and not is_comparison:
        raise ScenarioError(f"--language {language}: only the report of a comparison is translated; leave it out.")
    page = page_of(folder)
    content = (render_answer(folder, page, Language(language)) if is_comparison else render(page)).encode()
    wish = Path(out) if out else folder / "report.html"
    for number in range(1, 100_000):
        path = wish if number == 1 else wish.with_name(f"{wish.stem}-{number}{wish.suffix}")
        if not os.path.lexists(path):
            write_whole(path, content)
            return path
    raise ScenarioError(f"{wish}: there is no free name beside it; name another file with --out.")


def page_of(folder: Path) -> Page:
    """Return what is to be shown of a folder, whatever is in it."""
    from safepassage.experiments.reports import pages

    makers = {
        "comparison.json": pages.comparison_page,
        "calibration.json": pages.calibration_page,
        "optimisation.json": pages.optimisation_page,
        "sensitivity-*.json": pages.sampled_page,
        "robustness-*.json": pages.sampled_page,
        "results.parquet": pages.sweep_page,
        "persons.parquet": pages.run_page,
    }
    for pattern, make in makers.items():
        if sorted(folder.glob(pattern)):
            with _whole(folder):
                return make(folder)
    if (folder / "study.json").is_file():
        raise ScenarioError(f"{folder}: this study is not finished; repeat its command, then ask for the report.")
    raise ScenarioError(
        f"{folder}: there is nothing to report; name the folder of a run, a sweep, a comparison or another study."
    )


@contextmanager
def _whole(folder: Path) -> Iterator[None]:
    """Turn what a damaged file of a folder raises into a ScenarioError that says so."""
    try:
        yield
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ScenarioError(
            f"{folder}: a file there is incomplete or damaged ({type(error).__name__}: {error}). Repeat the command "
            "that made it."
        ) from error


def render(page: Page) -> str:
    """Return the page as one HTML file."""
    return _environment().get_template("report.html.j2").render(**_shown(page))


def render_answer(folder: Path, page: Page, say: Language) -> str:
    """Return the answer page of a comparison as one HTML file, what is reported of it in full folded below.

    page: what is reported in full.
    """
    from safepassage.experiments.reports.answer.page import answer_of

    template = _environment().get_template("answer/answer.html.j2")
    with _whole(folder):
        answer = answer_of(folder, say)
    return template.render(answer=answer, say=say, **_shown(page))


def _environment() -> Environment:
    def source(name: str) -> str:
        return files("safepassage.experiments.reports").joinpath(name).read_text(encoding="utf-8")

    return Environment(autoescape=True, trim_blocks=True, loader=FunctionLoader(source))


def _shown(page: Page) -> dict[str, Any]:
    """Return what the templates show of a page."""
    towns = {scenario["name"]: scenario for scenario in reversed(page.scenarios)}
    sections = [*page.sections, *_plans(page.scenarios), *map(_assumptions, reversed(towns.values()))]
    sections.append(_versions(page.versions))
    return {
        "kind": page.kind, "title": page.title, "notice": page.notice, "facts": page.facts, "warnings": page.warnings,
        "sections": sections, "version": page.versions.get("safepassage", ""),
    }  # fmt: skip


def _plans(scenarios: list[dict[str, Any]]) -> list[Part]:
    rows = []
    for scenario in scenarios:
        first = next(one for one in scenarios if one["name"] == scenario["name"])
        before, after = ({row.key: row.value for row in assumed(one)} for one in (first, scenario))
        rows += [
            [scenario["plan"] or "none", key, shown(after.get(key), key), shown(before.get(key), key)]
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
        cells = [[row.key, shown(row.value, row.key), row.meaning] for row in part]
        title = f"{section} ({len(part)} values, {len(changed)} set, {sum(r.is_assumption for r in part)} assumptions)"
        tables.append(
            ShownTable(["key", "value", "unit, source or assumption"], cells, title, changed=changed, folded=True)
        )
    return Part(f"Scenario {scenario['name']}: values, sources and assumptions", text, tables=tables)


def _versions(versions: dict[str, str]) -> Part:
    table = ShownTable(["package", "version"], [[name, str(value)] for name, value in versions.items()])
    return Part("Versions", "Code and packages that the numbers come from.", tables=[table])
