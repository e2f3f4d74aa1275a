"""What the report shows of each kind of folder."""

import json
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from safepassage.experiments.questions.paired import ENOUGH_RUNS
from safepassage.experiments.reports.parts import Page, Part, ShownTable, frame_table, picture_file, picture_of
from safepassage.model.results.manifest import read_json
from safepassage.model.results.outcomes import outcome_of
from safepassage.model.results.words import in_words, with_unit, words_of
from safepassage.model.settings.base import ScenarioError

CAPTIONS = {
    "map": "Where people went, and what fell on the town",
    "delays": "Where cars were held up: delay by street",
    "evacuation": "People by status over time",
    "departures": "Setting out and arriving, by mode",
    "casualties_exposure": "Casualties and exposure",
    "left_behind": "Who is left behind",
    "exits": "People out by exit",
    "queues": "Queues at the exits",
    "reception": "Beds for those who are out",
}


def run_page(folder: Path) -> Page:
    """Return the page of one run."""
    from safepassage.model.pictures.curves import pictures_of
    from safepassage.model.results.metrics import by_group, fairness, summary
    from safepassage.model.results.run_folder import open_run

    run = open_run(folder)
    manifest, scenario = run.manifest, run.manifest["scenario"]
    measures: dict[str, list[list[str]]] = {}
    for heading, *cells in in_words(summary(run)):
        measures.setdefault(heading, []).append(cells)
    tables = [_measures_table(heading, rows) for heading, rows in measures.items()]
    pictures = [
        picture_of(draw(run), CAPTIONS.get(name, name.replace("_", " "))) for name, draw in pictures_of(run).items()
    ]
    sections = [
        Part(
            "Results",
            "One run is one draw of chance. Compare plans over many runs before you rely on a number.",
            tables=tables,
        ),
        Part("Pictures", pictures=pictures),
        Part(
            "Roads",
            "Exits: what each is said to let out, what it delivered, and how much of it was used.",
            tables=[_exits_table(run.frame("exits")), _bottlenecks_table(run.frame("links"))],
        ),
        *_beds(run),
        Part("How each group fared", tables=[_groups_table(by_group(run)), _fairness_table(fairness(run))]),
    ]
    if manifest.get("report"):
        notes = ShownTable(
            ["what was repaired, assumed or left out when the town was built"], [[n] for n in manifest["report"]]
        )
        sections.append(Part("Notes on the town", tables=[notes]))
    digests = [[name, digest] for name, digest in {**manifest.get("inputs", {}), **manifest.get("digests", {})}.items()]
    sections.append(Part("Digests", "SHA-256 of inputs and tables.", tables=[
        ShownTable(["file or table", "SHA-256"], digests, "inputs and tables", folded=True)]))  # fmt: skip
    facts = [
        *_facts(scenario), ("seed", str(manifest["seed"])), ("impacts", f"{len(run.frame('impacts')):,}"),
    ]  # fmt: skip
    if manifest["simulated_s"] < scenario["run"]["duration_h"] * 3600:
        facts.append(("ended after", _span(manifest["simulated_s"] / 3600)))
    return Page(
        "One run", scenario["title"], scenario.get("notice", ""), facts, sections, [scenario], manifest["versions"]
    )


def _measures_table(heading: str, rows: list[list[str]]) -> ShownTable:
    n_columns = 3 if any(share for *_, share in rows) else 2
    return ShownTable(
        ["", "value", "share"][:n_columns], [row[:n_columns] for row in rows], heading, {"value", "share"}
    )


def _exits_table(exits: pd.DataFrame) -> ShownTable:
    names = ["exit", "people out", "cars out", "stated, cars/h", "delivered in its best hour, cars/h",
             "used from the first car to the last"]  # fmt: skip
    rows = [
        [row.exit, f"{row.n_persons:,}", f"{row.n_cars:,}", f"{row.flow_capacity_per_s * 3600:,.0f}",
         f"{row.delivered_per_s * 3600:,.0f}", "no cars" if np.isnan(row.used_share) else f"{row.used_share:.0%}"]
        for row in exits.sort_values("n_persons", ascending=False, kind="stable").itertuples()
    ]  # fmt: skip
    return ShownTable(names, rows, "Exits", set(names[1:]))


def _beds(run: Any) -> list[Part]:
    """Return the part on reception places; none in a run without them."""
    if not run.has("reception_places"):
        return []
    names = ["place", "beds", "used", "came there", "given a bed", "sent on", "waiting without a bed", "full after, h"]
    rows = [
        [row.place or "none takes them", f"{row.n_beds:,}", f"{row.n_beds_used:,}", f"{row.n_came:,}",
         f"{row.n_given_bed:,}", f"{row.n_sent_onward:,}", f"{row.n_waiting:,}",
         f"{row.first_full_s / 3600:,.1f}" if np.isfinite(row.first_full_s) else "not full"]
        for row in run.frame("reception_places").fillna({"place": ""}).itertuples() if row.place or row.n_waiting
    ]  # fmt: skip
    told = "Where those went who are out, and who of them waits for a bed; all others found something of their own."
    return [Part("Beds", told, tables=[ShownTable(names, rows, "Reception places", set(names[1:]))])]


def _bottlenecks_table(links: pd.DataFrame) -> ShownTable:
    from safepassage.model.pictures.bottlenecks import worst_streets

    rows = [[row.name, f"{row.delay_vehicle_h:,.0f}", f"{row.share:.0%}"]
            for row in worst_streets(links).itertuples(index=False)]  # fmt: skip
    names = ["street", "vehicle-hours lost", "of all"]
    return ShownTable(
        names, rows or [["no street lost a whole vehicle-hour", "", ""]], "Where cars lost most time", set(names[1:])
    )


def _groups_table(groups: pd.DataFrame) -> ShownTable:
    names = ["group", "people", "out of the area", "hurt or killed per 1,000", "median hours until out"]
    rows = [
        [row.group, f"{row.n_persons:,}", f"{row.evacuated_share:.0%}", f"{row.casualties_per_1000:,.1f}",
         "nobody is out" if np.isnan(row.median_arrival_h) else f"{row.median_arrival_h:,.1f}"]
        for row in groups.itertuples()
    ]  # fmt: skip
    return ShownTable(names, rows, "By group", set(names[1:]))


def _fairness_table(measures) -> ShownTable:
    rows = [
        [m.meaning, "nothing to compare" if np.isnan(m.value) else f"{m.value:,.2f}{' h' * (m.unit == 'h')}"]
        for m in measures
    ]
    return ShownTable(["", "value"], rows, "Inequality of danger and delay (ratios: 1 is equal)", {"value"})


def comparison_page(folder: Path) -> Page:
    """Return the page of a comparison of plans."""
    from safepassage.experiments.questions.compare import open_comparison
    from safepassage.experiments.reports.answer.language import ENGLISH
    from safepassage.experiments.reports.answer.sentences import conclusions
    from safepassage.experiments.reports.comparison_pictures import PICTURES
    from safepassage.experiments.reports.differences import told

    manifest, found = _manifest(folder / "comparison.json"), open_comparison(folder)
    captions = {
        "differences": "What each plan changes against no plan, under the same shells",
        "safe": "People out over time, and the gain",
        "distributions": "How the gain is spread over the replications",
    }
    tables = []
    for plan, other in found.pairs():
        rows = [list(astuple(told(found, outcome, plan, other))) for outcome in found.all_outcomes()]
        columns = ["", f"{other} mean", f"{other} p95", f"{plan} mean", f"{plan} p95", "difference", "95% interval",
                   "better in", "same in", "pairs", "runs needed if unpaired"]  # fmt: skip
        tables.append(ShownTable(columns, rows, f"{plan} against {other}", numbers=set(columns[1:])))
    sections = [
        Part("In short", " ".join(conclusions(found, ENGLISH))),
        Part("What the plans change", pictures=[picture_of(draw(found), captions[n]) for n, draw in PICTURES.items()]),
        Part(
            "Differences",
            "Mean and 95th percentile of each plan; mean paired difference with its 95 % interval; in how many "
            "replications the plan does better or the same; the pairs that it rests on, and in how many runs of each "
            "of the two plans a time was not reached; how many replications of each plan an unpaired comparison would "
            "have needed for an interval as narrow.",
            tables=tables,
        ),
    ]
    facts = [
        *_facts(manifest["scenario"]),
        ("plans", ", ".join(found.plans)),
        ("replications", f"{found.n_replications:,}"),
    ]
    page = _page("Comparison of plans", manifest, facts, sections)
    page.scenarios = [{**manifest["scenario"], **keys, "plan": name} for name, keys in manifest["plan_keys"].items()]
    return page


def calibration_page(folder: Path) -> Page:
    """Return the page of a calibration."""
    manifest = _manifest(folder / "calibration.json")
    captions = {
        "posterior": "Parameters, before and after",
        "predictive": "Observed values, and what the fitted model predicts",
    }
    titles = {
        "parameters": "Parameters: value in the scenario, median and 90% interval found",
        "observations": "Observed and predicted: median and 90% band",
        "scores": "Scores, fitted and kept back",
        "generations": "Generations",
    }
    tables = [frame_table(pd.read_csv(folder / f"{name}.csv"), title) for name, title in titles.items()]
    text = (
        "Rows with use fit were fitted; rows with use judge are only scored. Scores: mean of |median - observed| / "
        "observed; root mean square, in standard deviations of the observations; share of the observations within "
        "their 90% band."
    )
    sections = [Part("What the observations say", text, _pictures(folder, captions), tables)]
    settings = manifest["calibration"]
    facts = [
        *_facts(manifest["scenario"]),
        ("observations", str(settings["series"])),
        ("particles", str(settings["n_particles"])),
    ]
    return _page("Calibration", manifest, facts, sections, settings.get("title"))


def optimisation_page(folder: Path) -> Page:
    """Return the page of a search over protective levers."""
    manifest = _manifest(folder / "optimisation.json")
    text = "Only protective levers were searched; hazards were sampled. Trial -1 is the unchanged scenario."
    trials = pd.read_csv(folder / "trials.csv")
    best = trials[trials["is_pareto"] | (trials["trial"] < 0)].drop(columns="is_pareto")
    sections = [
        Part("Plans that no other plan beats", text, _pictures(folder, {"pareto": "Trials by their aims"}),
             [frame_table(best), frame_table(trials, "All trials", folded=True)]),
    ]  # fmt: skip
    settings = manifest["optimisation"]
    aims = ", ".join(f"{direction} {name}" for name, direction in settings["objectives"].items())
    facts = [*_facts(manifest["scenario"]), ("aims", aims), ("trials", str(manifest["n_trials"]))]
    return _page("Search for a better plan", manifest, facts, sections, settings.get("title"))


def sampled_page(folder: Path) -> Page:
    """Return the page of sensitivity and robustness analyses."""
    sections, manifest = [], {}
    for path in sorted([*folder.glob("sensitivity-*.json"), *folder.glob("robustness-*.json")]):
        manifest = _manifest(path)
        name = f"{manifest.get('method', 'robustness')}: {words_of(manifest['outcome'])}"
        text = manifest.get("verdict") or f"Smallest maximum regret: {manifest['most_robust']}."
        table = frame_table(pd.read_csv(path.with_suffix(".csv")), "Numbers", folded="verdict" in manifest)
        sections.append(Part(name.capitalize(), text, _pictures(folder, {path.stem: name}), [table]))
    study = manifest["study"]
    factors = [
        [key, json.dumps({k: v for k, v in f.items() if v not in (None, {}, False)})]
        for key, f in study["factors"].items()
    ]
    sections.append(Part("Factors", tables=[ShownTable(["key", "varied over"], factors)]))
    facts = [*_facts(manifest["scenario"]), ("replications", str(manifest["replications"]))]
    page = _page(
        "Sensitivity" if "verdict" in manifest else "Robustness", manifest, facts, sections, study.get("title")
    )
    page.warnings = []
    return page


def sweep_page(folder: Path) -> Page:
    """Return the page of a sweep: each point of the design with the mean and interval of its outcomes."""
    from safepassage.experiments.reports.sweep_pictures import sweep_picture
    from safepassage.experiments.reports.sweep_table import outcome_names, sweep_table, telling
    from safepassage.experiments.sweeps.study_folder import StudyFolder

    study = StudyFolder(folder)
    about, frame, factors = study.description, study.frame(), list(study.factors)
    scenarios = about["scenarios"]
    notices = dict.fromkeys(one["notice"] for one in scenarios if one["notice"])
    head = {"title": about.get("title") or scenarios[0]["title"], "notice": " ".join(notices)}
    if frame.empty:
        raise ScenarioError(f"{folder}: no run of this sweep is finished yet.")
    outcomes = outcome_names(frame, factors)
    varied = [name for name in factors if frame[name].nunique() > 1]
    pictures = [
        picture_of(sweep_picture(head, frame, varied, outcome_of(o)), with_unit(outcome_of(o)))
        for o in telling(frame, outcomes)
    ]
    table = frame_table(sweep_table(frame, factors, about["outcomes"]))
    sections = [
        Part(
            "Results",
            "Mean over replications ± half the 95 % interval, for each point of the design. All outcomes of every run "
            "are in results.parquet; a study's `outcomes` say which stand here.",
            pictures,
            [table],
        )
    ]
    failures = study.failures()
    if failures:
        lines = [[f["traceback"].strip().splitlines()[-1], f.get("command", "")] for f in failures]
        sections.append(Part("Runs that failed", tables=[ShownTable(["error", "repeat with"], lines)]))
    n_least = int(frame.groupby("point").size().min())
    few = [
        f"Some points have only {n_least} replications: a reported figure needs {ENOUGH_RUNS} or more "
        "(IMO MSC.1/Circ.1533)."
    ]
    facts = [
        ("runs", f"{len(frame):,}"), ("points", f"{frame['point'].nunique():,}"),
        ("factors", ", ".join(factors) or "none"), *_facts(scenarios[0])[:3],
    ]  # fmt: skip
    return Page("Sweep", head["title"], head["notice"], facts, sections, scenarios, about["versions"],
                few if n_least < ENOUGH_RUNS else [])  # fmt: skip


def _page(kind: str, manifest: dict, facts: list, sections: list[Part], title: str | None = None) -> Page:
    scenario = manifest["scenario"]
    return Page(
        kind, title or scenario["title"], scenario.get("notice", ""), facts, sections, [scenario],
        manifest["versions"], list(manifest.get("warnings", [])),
    )  # fmt: skip


def _facts(scenario: dict[str, Any]) -> list[tuple[str, str]]:
    run, plan = scenario["run"], scenario.get("plan")
    facts = [
        ("scenario", scenario["name"]),
        ("starts", str(run["start"])[:16].replace("T", " ")),
        ("lasts", _span(run["duration_h"])),
    ]
    return [*facts, ("plan", plan)] if plan else facts


def _span(hours: float) -> str:
    return f"{hours / 24:,.4g} days" if hours > 72 else f"{hours:,.4g} h"


def _manifest(path: Path) -> dict:
    found = read_json(path)
    if not isinstance(found, dict):
        raise ScenarioError(f"{path}: this is not a manifest: it holds no keys. Repeat the command that made it.")
    return found


def _pictures(folder: Path, captions: dict[str, str]) -> list:
    return [picture_file(folder / f"{n}.png", c) for n, c in captions.items() if (folder / f"{n}.png").is_file()]
