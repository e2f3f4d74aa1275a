"""Fit what people do to what was seen of them: likelihood-free, with posterior, predictive bands and scores.

    name: tiny_fit
    scenario: tiny_town
    series: tiny_series.csv
    parameters:
      behaviour.preparation_median_s: {range: [600, 14400], log: true}
      orders.0.compliance: {range: [0.2, 1.0]}
    n_particles: 100
    n_generations: 6

The distance between a run and the observations is the root mean square of (simulated - observed) / sd over the rows
whose `use` is fit; 1 means: as near as the observations are known. Rows whose `use` is judge are never looked at while
fitting: the runs that fit end with the last row of use fit. The scores are told for both.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pydantic import Field

from safepassage.experiments.outcomes.of_decisions import SERIES
from safepassage.experiments.outcomes.over_time import fine_grid, series_from
from safepassage.experiments.questions.abc_smc import Posterior, infer
from safepassage.experiments.questions.observed import DERIVED, OF_GROUPS, Observed, read_observed
from safepassage.experiments.questions.refusal import refuse_harmful, refuse_to_fit_harm
from safepassage.experiments.runs.csv_files import csv_bytes
from safepassage.experiments.runs.kept_runs import KeptRuns
from safepassage.experiments.runs.run import Base, Task, scenario_digest
from safepassage.experiments.runs.store import write_table
from safepassage.experiments.sweeps.question_file import QuestionFile, source_of
from safepassage.experiments.sweeps.study import Factor
from safepassage.model.clock import local_time
from safepassage.model.results.run_folder import file_digest, versions
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.files.code import code_digest
from safepassage.model.settings.files.portable import as_kept
from safepassage.model.settings.files.whole import write_whole
from safepassage.model.settings.scenario import Scenario, validated

KIND = "calibration"
ENOUGH_PARTICLES = 30
"""Particles of equal weight below which a 5th or 95th percentile rests on one or two. Assumption."""


class Calibration(QuestionFile):
    """What is fitted to what."""

    plan: str = "none"
    """Plan laid over it; none: the scenario without a plan."""
    series: Path
    """CSV file of dated values; see experiments/questions/observed.py."""
    columns: dict[str, str] = Field({})
    """Column of the file -> series, of a file that has a column for each series: {residents: n_remaining}."""
    sd_share: Annotated[float, Field(gt=0)] | None = None
    """Standard deviation of a value as share of it, where the file gives none. Default: 5 % of the largest value of
    the series."""
    decisions_only: bool = False
    """Run decisions without streets, seats and impacts, by the code and the draws of the full model: some fifty times
    faster. Who has set out then counts as gone; the series are n_remaining, n_remaining:GROUP and n_safe."""
    sample: Annotated[int, Field(gt=0)] | None = None
    """Residents simulated, fewer than the town has, to save time; what is counted is scaled to the town. Seats and
    roads are not: they must not be short. Default: all residents."""
    parameters: dict[str, Factor] = Field(min_length=1)
    """Dotted scenario key -> what is believed beforehand: a range, or a distribution."""
    n_particles: Annotated[int, Field(ge=10)] = 100
    """Particles of each generation."""
    n_generations: Annotated[int, Field(ge=1)] = 6
    """Generations at most; each halves the distance allowed, roughly."""
    stop_at_distance: Annotated[float, Field(ge=0)] = 0.0
    """Stop once the distance allowed is below this."""
    stop_at_acceptance: Annotated[float, Field(ge=0, lt=1)] = 0.03
    """Stop once fewer proposals than this share are accepted."""
    max_runs: Annotated[int, Field(ge=10, le=1_000_000)] = 20_000
    """Stop after the generation in which so many runs are reached."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 1
    """Fixes all proposals and all runs."""

    def base(self, *, is_sample: bool = True) -> Base:
        """Return the scenario with plan and overrides, of the sample if there is one. Raises ScenarioError."""
        changes = dict(self.overrides)
        if is_sample and self.sample:
            changes["population.residents"] = self.sample
        return Base(self.under(self.plan, changes), self.scenario, self.plan, changes)

    def observed(self, known: set[str]) -> Observed:
        """Return the observations; known: columns that the time series of a run have. Raises ScenarioError."""
        scenario = self.base().scenario
        observed = read_observed(
            self._source.folder / self.series, scenario.run.start, scenario.run.duration_h, known,
            time_zone=scenario.shelling.time_zone, columns=self.columns, sd_share=self.sd_share,
        )  # fmt: skip
        refuse_to_fit_harm(dict.fromkeys(observed.series[observed.is_fit]))
        for name in observed.names:
            if self.decisions_only and name not in ("n_remaining", *OF_GROUPS, *SERIES):
                raise ScenarioError(
                    f"{self._source.folder / self.series}: a run of decisions only has no series {name}. Fit "
                    "n_remaining, or set decisions_only to false."
                )
        return observed


def load_calibration(path: Path | str) -> Calibration:
    """Return the Calibration of a YAML file, checked whole. Raises InvalidScenario, ScenarioError, Refused."""
    source = source_of(path, "calibration")
    calibration = Calibration.of(source)
    refuse_harmful(searched_keys=calibration.parameters, levers_only=False)
    base = calibration.base()
    for key, factor in calibration.parameters.items():
        for u in (0.0, 1.0):
            validated(base.scenario.source.with_changes({key: factor.at(u)}, source.place(("parameters", key))))
    return calibration


@dataclass(frozen=True)
class Calibrated:
    """What a calibration found."""

    calibration: Calibration
    scenario: dict[str, Any]
    observed: Observed
    posterior: Posterior
    predicted: np.ndarray
    """What the particles of the last generation say to the end of the run, shape (particles, values): at the
    observations, then each series at the times `at_s`."""
    at_s: np.ndarray
    """Times of the predictive curves (s after the start)."""

    @property
    def names(self) -> list[str]:
        """Dotted keys of the parameters."""
        return list(self.calibration.parameters)

    def values(self, *, last: bool = True) -> pd.DataFrame:
        """Return the particles with their parameters' values, of the last generation or of all."""
        frame = (self.posterior.last if last else self.posterior.particles).copy()
        for name, factor in self.calibration.parameters.items():
            frame[name] = [factor.at(u) for u in frame[name]]
        return frame.reset_index(drop=True)

    def table(self) -> pd.DataFrame:
        """Return a row per parameter: value in the scenario, mean, sd, 5th, 50th and 95th percentile, prior's too."""
        frame, rows = self.values(), []
        weight = frame["weight"].to_numpy()
        for name, factor in self.calibration.parameters.items():
            x = frame[name].to_numpy(float)
            mean = float(np.average(x, weights=weight))
            low, middle, high = weighted_quantiles(x, weight, [0.05, 0.5, 0.95])
            rows.append(
                {"parameter": name, "in_scenario": _value(self.scenario, name), "p05": low, "p50": middle, "p95": high,
                 "mean": mean, "sd": float(np.sqrt(np.average((x - mean) ** 2, weights=weight))),
                 "prior_p05": factor.at(0.05), "prior_p95": factor.at(0.95)}
            )  # fmt: skip
        return pd.DataFrame(rows)

    def predictive(self) -> pd.DataFrame:
        """Return posterior predictive bands: series, time_s, and the 5th, 25th, 50th, 75th and 95th percentile."""
        weight, rows = self.posterior.last["weight"].to_numpy(), []
        columns = iter(self.predicted.T[self.observed.time_s.size :])
        for name in self.observed.names:
            for time_s in self.at_s:
                q = weighted_quantiles(next(columns), weight, [0.05, 0.25, 0.5, 0.75, 0.95])
                rows.append(
                    {"series": name, "time_s": time_s, **dict(zip(("p05", "p25", "p50", "p75", "p95"), q, strict=True))}
                )
        return pd.DataFrame(rows)

    def observations(self) -> pd.DataFrame:
        """Return a row per observation: what was seen, median and 90 % band predicted, whether it lies within.

        The band holds the observation's own sd.
        """
        weight, seen = self.posterior.last["weight"].to_numpy(), self.observed
        said = self.predicted[:, : seen.time_s.size]
        reported = said + np.random.default_rng(self.calibration.seed).normal(size=said.shape) * seen.sd
        middle = np.array([weighted_quantiles(x, weight, [0.5])[0] for x in said.T])
        low, high = np.array([weighted_quantiles(x, weight, [0.05, 0.95]) for x in reported.T]).T
        start, zone = datetime.fromisoformat(self.scenario["run"]["start"]), self.scenario["shelling"]["time_zone"]
        when = [f"{local_time(start, time_s, zone):%Y-%m-%d %H:%M}" for time_s in seen.time_s]
        return pd.DataFrame(
            {"series": seen.series, "when": when,
             "use": np.where(seen.is_fit, "fit", "judge"), "observed": seen.value, "sd": seen.sd, "p05": low,
             "p50": middle, "p95": high, "is_within": (low <= seen.value) & (seen.value <= high)}
        )  # fmt: skip

    def warnings(self) -> list[str]:
        """Return what a reader must know before using the numbers."""
        last = self.posterior.generations.iloc[-1]
        if last["n_effective"] >= ENOUGH_PARTICLES:
            return []
        return [
            f"The last generation has an effective sample size of {last['n_effective']:.0f} particles: intervals are "
            "rough. Raise n_particles."
        ]

    def scores(self) -> pd.DataFrame:
        """Return how well the posterior says what was seen, by series and use.

        mean_abs_relative: mean of |median - observed| / observed; rms_in_sd: root mean square in standard deviations;
        coverage_90: share of the observations within the 90 % band.
        """
        frame = self.observations()
        off = (frame["p50"] - frame["observed"]).abs()
        frame["relative"] = off / np.maximum(frame["observed"].abs(), frame["sd"])
        frame["squared"] = (off / frame["sd"]) ** 2
        found = frame.groupby(["series", "use"], sort=False).agg(
            n_values=("observed", "size"), mean_abs_relative=("relative", "mean"), rms_in_sd=("squared", "mean"),
            coverage_90=("is_within", "mean"),
        )  # fmt: skip
        found["rms_in_sd"] **= 0.5
        return found.reset_index().sort_values(["series", "use"], ignore_index=True)


def weighted_quantiles(values: np.ndarray, weight: np.ndarray, shares: list[float]) -> list[float]:
    """Return quantiles of a weighted sample: where the cumulative weight, counted to the middle, reaches each share."""
    order = np.argsort(values, kind="stable")
    middle = np.cumsum(weight[order]) - weight[order] / 2
    return np.interp(shares, middle / weight.sum(), values[order]).tolist()


def calibrate(
    calibration: Calibration, *, out: Path | str, executor, on_progress: Callable[[int, int], None] | None = None
) -> Calibrated:
    """Fit, or go on fitting, and write posterior, predictive bands and scores to `out`.

    calibration: what is asked. executor: carries out the runs. Runs that fit end with the last row used to fit; those
    that predict go on to the end of the scenario's run. on_progress(n_done, n_wanted) counts particles accepted and
    predicted. Raises ScenarioError.
    """
    refuse_harmful(searched_keys=calibration.parameters, levers_only=False)  # also what was put together without a file
    base = calibration.base()
    known, scale = _town(calibration, base.scenario)
    observed = calibration.observed(known)
    at_s = np.array(fine_grid(base.scenario.run.duration_h, 60))
    fit, n = observed.is_fit, calibration.n_particles
    n_wanted = (calibration.n_generations + 1) * n
    tell = on_progress or (lambda n_done, n_wanted: None)
    until_h = min(base.scenario.run.duration_h, max(1, math.ceil(observed.time_s[fit].max() / 3600)))
    out = Path(out)
    with KeptRuns(out, _identity(calibration, base), executor) as runs:

        def values(particles: list[dict[str, float]], seeds: list[int], duration_h: float) -> np.ndarray:
            ends = base.scenario.override({"run.duration_h": duration_h})
            kept_s = tuple(sorted({*at_s.tolist(), *observed.time_s.tolist()}))
            tasks = [
                Task(
                    _set(calibration, ends, u),
                    seed,
                    at_s=kept_s,
                    columns=observed.columns,
                    decisions_only=calibration.decisions_only,
                )
                for u, seed in zip(particles, seeds, strict=True)
            ]
            return np.array([scale * _values(outcomes, observed, at_s) for outcomes in runs.outcomes(tasks)])

        def distances(particles: list[dict[str, float]], seeds: list[int]) -> list[float]:
            if not particles:
                return []
            off = (values(particles, seeds, until_h)[:, : fit.size] - observed.value) / observed.sd
            return np.sqrt(np.mean(off[:, fit] ** 2, axis=1)).tolist()

        posterior = infer(
            list(calibration.parameters), distances, n_particles=n, n_generations=calibration.n_generations,
            seed=calibration.seed, batch=2 * executor.capacity, stop_at_distance=calibration.stop_at_distance,
            stop_at_acceptance=calibration.stop_at_acceptance, max_simulations=calibration.max_runs,
            on_generation=lambda t, n_accepted, n_particles: tell(t * n_particles + n_accepted, n_wanted),
        )  # fmt: skip
        runs.on_progress = lambda n_done, _: tell(n_wanted - n + n_done, n_wanted)
        particles = posterior.last[list(calibration.parameters)].to_dict("records")
        predicted = values(particles, posterior.last["seed"].tolist(), base.scenario.run.duration_h)
    found = Calibrated(calibration, as_kept(base.scenario, Path(out)), observed, posterior, predicted, at_s)
    _write(found, out)
    return found


def _identity(calibration: Calibration, base: Base) -> dict[str, Any]:
    """Return what makes this calibration itself; how long it goes on does not."""
    changeable = {"plan", "n_generations", "stop_at_distance", "stop_at_acceptance", "max_runs", "title"}
    return {
        **calibration.model_dump(mode="json", exclude=changeable), "kind": KIND, "code": code_digest(),
        "scenario": scenario_digest(base.scenario),
        "series": file_digest(calibration.source.folder / calibration.series),
    }  # fmt: skip


def _set(calibration: Calibration, scenario: Scenario, u: dict[str, float]) -> Scenario:
    changes = {key: factor.at(u[key]) for key, factor in calibration.parameters.items()}
    return validated(scenario.source.with_changes(changes, calibration.source.place(("parameters",))))


def _value(scenario: dict[str, Any], key: str) -> float:
    """Return the number that stands at a dotted key; nan if there is none."""
    at: Any = scenario
    for part in key.split("."):
        at = at[int(part)] if isinstance(at, list) else at[part]
    return math.nan if at is None else float(at)


def _town(calibration: Calibration, scenario: Scenario) -> tuple[set[str], float]:
    """Return the columns that the time series of a run have, and residents of the town per resident simulated."""
    from safepassage.model.evacuation import EvacuationModel

    model = EvacuationModel(scenario)
    columns = set(model.recorder.tables()["timeseries"].column_names) - {"time_s"}
    if calibration.sample is None:
        return columns, 1.0
    town = EvacuationModel(calibration.base(is_sample=False).scenario)
    return columns, town.people.status.size / model.people.status.size


def _values(outcomes: dict[str, float], observed: Observed, at_s: np.ndarray) -> np.ndarray:
    """Return a run's values at the observations, then each series on the grid."""
    curve = {
        name: lambda times, name=name: sum(series_from(outcomes, c, times) for c in DERIVED.get(name, (name,)))
        for name in observed.names
    }
    points = [curve[name]([time_s])[0] for name, time_s in zip(observed.series, observed.time_s, strict=True)]
    return np.concatenate([points, *(curve[name](at_s) for name in observed.names)])


def _write(found: Calibrated, out: Path):
    for name, frame in {
        "posterior": found.values(last=False), "generations": found.posterior.generations,
        "predictive": found.predictive(), "scores": found.scores(), "parameters": found.table(),
        "observations": found.observations(),
    }.items():  # fmt: skip
        write_table(out / f"{name}.parquet", pa.Table.from_pandas(frame, preserve_index=False))
        write_whole(out / f"{name}.csv", csv_bytes(frame))
    manifest = {
        "kind": KIND, "calibration": found.calibration.model_dump(mode="json"), "scenario": found.scenario,
        "parameters": found.table().to_dict("records"), "scores": found.scores().to_dict("records"),
        "generations": found.posterior.generations.to_dict("records"), "warnings": found.warnings(),
        "versions": versions(),
    }  # fmt: skip
    write_whole(out / "calibration.json", json.dumps(manifest, indent=1, default=str).encode() + b"\n")
