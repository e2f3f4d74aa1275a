"""Runs the commands and functions whose figures stand in the pages on verification and validation.

A run of ten weeks takes a while, so figures are made anew only when the code or a shipped scenario has changed: the
first line of each file is a digest of both.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, time
from pathlib import Path

import numpy as np
import pandas as pd

from safepassage import EvacuationModel, load
from safepassage.agents.civilians import Injury, Status
from safepassage.model.harm.casualty_scale import read_recorded_rates, recorded_rate
from safepassage.model.settings.files.code import code_digest
from safepassage.model.settings.scenario import shipped

SEEDS = (1, 2, 3)
HOURS_PER_MONTH = 365.25 / 12 * 24


def print_all(folder: Path) -> None:
    """Write the output of `safepassage verify` and the comparison with what was reported into a folder."""
    for name, make in (("verify.txt", verification), ("validation_results.md", validation)):
        _keep(folder / name, make)


def _keep(path: Path, make: Callable[[], str]) -> None:
    first = f"% {_digest()}"
    if not path.is_file() or path.read_text(encoding="utf-8").splitlines()[0] != first:
        path.write_text(f"{first}\n{make()}", encoding="utf-8")


def _digest() -> str:
    """Return a digest of the code of agents and model, of this file and of the shipped scenarios."""
    sink = hashlib.sha256(code_digest().encode())
    for path in (Path(__file__), *shipped().values()):
        sink.update(path.read_bytes())
    return sink.hexdigest()[:16]


def verification() -> str:
    """Return what `safepassage verify` prints."""
    command = [sys.executable, "-m", "safepassage.cli.main", "verify"]
    found = subprocess.run(command, env={**os.environ, "COLUMNS": "110"}, capture_output=True, text=True, check=True)
    return found.stdout


def validation() -> str:
    """Return the comparison of the shipped Pokrovsk with what was reported, as Markdown."""
    scenario = load("pokrovsk", {"run.step_s": 1800.0})
    reported = pd.read_csv(scenario.source.folder / "tables" / "pokrovsk_residents_reported.csv")
    models = [EvacuationModel(scenario, rng=seed).run() for seed in SEEDS]
    left = remaining(models, scenario.run.start, reported["date"])
    return "\n\n".join([_left_text(reported, left), _casualties_text(models)])


def remaining(models: Sequence[EvacuationModel], start: datetime, days: Sequence[str]) -> pd.DataFrame:
    """Return residents and children in the area, alive, at noon of each day (ISO dates): means over finished models."""
    at_s = [(datetime.combine(datetime.fromisoformat(day), time(12)) - start).total_seconds() for day in days]
    found = []
    for model in models:
        persons = model.recorder.tables()["persons"].to_pandas()
        dead = (persons["status"] == Status.DEAD.name).to_numpy()
        gone_s = np.where(dead, persons["injury_time_s"], persons["safe_time_s"])
        is_child = (persons["age"] < 18).to_numpy()
        found.append([((gone_s > moment).sum(), ((gone_s > moment) & is_child).sum()) for moment in at_s])
    return pd.DataFrame(np.mean(found, axis=0), columns=["residents", "children"])


def _left_text(reported: pd.DataFrame, left: pd.DataFrame) -> str:
    rows = []
    for who in ("residents", "children"):
        for row, value in zip(reported.to_dict("records"), left[who], strict=True):
            share = value / row[who] - 1
            rows.append(f"| {who} | {row['date']} | {row['use']} | {row[who]:,.0f} | {value:,.0f} | {share:+.0%} |")
    scores = []
    for use in ("fit", "judge"):
        here = (reported["use"] == use).to_numpy()
        for who in ("residents", "children"):
            error = (left[who][here] - reported[who][here]).abs().sum() / reported[who][here].sum()
            scores.append(f"| {who} | {use} | {here.sum()} | {error:.2f} |")
    return "\n".join(
        [
            "## Residents and children of Pokrovsk, as shipped",
            "",
            f"`safepassage run pokrovsk --set run.step_s=1800 --seed N` for seeds {', '.join(map(str, SEEDS))}: people "
            "in the area and alive at noon of each day, mean over the seeds, beside what officials reported "
            "(`scenarios/tables/pokrovsk_residents_reported.csv`, each row with its source). The values are those of "
            "twelve towns, of which Pokrovsk is one, so no row is new to them. The use of a row is that in an earlier "
            "fit to Pokrovsk alone: rows with use `judge` were kept out of it.",
            "",
            "| who | date | use | reported | simulated | difference |",
            "| --- | --- | --- | ---: | ---: | ---: |",
            *rows,
            "",
            "The averaged relative difference is the sum of absolute differences over the sum of what was reported "
            "(Groen 2016):",
            "",
            "| who | rows | number | averaged relative difference |",
            "| --- | --- | ---: | ---: |",
            *scores,
        ]
    )


def _casualties_text(models: Sequence[EvacuationModel]) -> str:
    rates = []
    for model in models:
        months = model.recorder.exposure_person_h.sum() / HOURS_PER_MONTH
        rates.append(1000 * int((model.people.injury != Injury.NONE).sum()) / months)
    recorded = recorded_rate(read_recorded_rates())
    return "\n".join(
        [
            "## Casualties",
            "",
            "People hurt or killed per 1,000 resident-months. How lethal an impact is follows from the literature, and "
            "how much falls near people from other towns ([what harm means here](harm.md)).",
            "",
            "| | per 1,000 resident-months |",
            "| --- | --- |",
            f"| recorded in two towns | {recorded.value:.2f} ({recorded.low:.2f} to {recorded.high:.2f}) |",
            f"| simulated, seeds {', '.join(map(str, SEEDS))} | {', '.join(f'{rate:.2f}' for rate in rates)} |",
        ]
    )
