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
fitting; the scores are told for both.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pydantic import Field, PrivateAttr, ValidationError

from safepassage.experiments.abc_smc import Posterior, infer
from safepassage.experiments.kept_runs import KeptRuns, Question
from safepassage.experiments.observed import DERIVED, Observed, read_observed
from safepassage.experiments.planner_outcomes import fine_grid, series_from
from safepassage.experiments.refusal import refuse_harmful
from safepassage.experiments.runs import Base, code_digest, scenario_digest
from safepassage.experiments.store import write_table, write_whole
from safepassage.experiments.study import NO_PLAN_WORDS, Factor
from safepassage.model import config
from safepassage.model.config import Scenario, Source, validated
from safepassage.model.results import file_digest, versions
from safepassage.model.settings.base import ScenarioError, Section

KIND = "calibration"


class Calibration(Section):
    """What is fitted to what."""

    name: str = Field(pattern=r"^[a-z0-9_]+$")
    """Short name: small letters, digits and underscores."""
    title: str = ""
    """What is asked, in one line."""
    scenario: str
    """Shipped scenario or scenario file; a relative path is taken from this file's folder."""
    plan: str = "none"
    """Plan laid over it; none: the scenario as it is."""
    overrides: dict[str, Any] = Field({})
    """Dotted scenario keys changed in all runs."""
    series: Path
    """CSV file of dated values; see experiments/observed.py."""
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

    _source: Source = PrivateAttr()

    @property
    def source(self) -> Source:
        """The keys as written, and where each stands."""
        return self._source

    def base(self) -> Base:
        """Return the scenario with plan and overrides. Raises InvalidScenario, ScenarioError."""
        plan = None if self.plan in NO_PLAN_WORDS else self._beside(self.plan)
        loaded = config.load(self._beside(self.scenario), self.overrides, plan)
        return Base(loaded, self.scenario, self.plan, self.overrides)

    def _beside(self, name: str) -> str:
        path = self._source.folder / name
        return str(path) if path.is_file() else name

    def observed(self, columns: set[str]) -> Observed:
        """Return the observations. Raises ScenarioError."""
        run = self.base().scenario.run
        return read_observed(self._source.folder / self.series, run.start, run.duration_h, columns)


def load_calibration(path: Path | str) -> Calibration:
    """Return the Calibration of a YAML file, checked whole. Raises InvalidScenario, ScenarioError, Refused."""
    path = Path(path)
    if not path.is_file():
        raise ScenarioError(f"{path}: there is no such calibration file.")
    source = config.read_keys(path)
    try:
        calibration = Calibration.model_validate(source.keys)
    except ValidationError as error:
        raise config.invalid(source, error, Calibration) from None
    calibration._source = source
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
        """Return one row per parameter: mean, standard deviation, 5th, 50th and 95th percentile, prior's too."""
        frame, rows = self.values(), []
        weight = frame["weight"].to_numpy()
        for name, factor in self.calibration.parameters.items():
            x = frame[name].to_numpy(float)
            mean = float(np.average(x, weights=weight))
            low, middle, high = weighted_quantiles(x, weight, [0.05, 0.5, 0.95])
            rows.append(
                {"parameter": name, "mean": mean, "sd": float(np.sqrt(np.average((x - mean) ** 2, weights=weight))),
                 "p05": low, "p50": middle, "p95": high, "prior_p05": factor.at(0.05), "prior_p95": factor.at(0.95)}
            )  # fmt: skip
        return pd.DataFrame(rows)

    def predictive(self) -> pd.DataFrame:
        """Return posterior predictive bands: series, time_s, and the 5th, 25th, 50th, 75th and 95th percentile."""
        weight, n_observed, rows = self.posterior.last["weight"].to_numpy(), self.observed.time_s.size, []
        data = self.posterior.data[self.posterior.is_last][:, n_observed:]
        for k, name in enumerate(self.observed.names):
            part = data[:, k * self.at_s.size : (k + 1) * self.at_s.size]
            for j, time_s in enumerate(self.at_s):
                q = weighted_quantiles(part[:, j], weight, [0.05, 0.25, 0.5, 0.75, 0.95])
                rows.append(
                    {"series": name, "time_s": time_s, **dict(zip(("p05", "p25", "p50", "p75", "p95"), q, strict=True))}
                )
        return pd.DataFrame(rows)

    def scores(self) -> pd.DataFrame:
        """Return how well the posterior says what was seen, by series and use.

        mean_abs_relative: mean of |median - observed| / observed; rms_in_sd: root mean square in standard deviations;
        coverage_90: share of the observations within the 90 % band (the observations' own sd included).
        """
        weight = self.posterior.last["weight"].to_numpy()
        data = self.posterior.data[self.posterior.is_last][:, : self.observed.time_s.size]
        seen, rows = self.observed, []
        noise = np.random.default_rng(self.calibration.seed).normal(size=data.shape) * seen.sd
        for name in seen.names:
            for use, mask in (("fit", seen.is_fit), ("judge", ~seen.is_fit)):
                chosen = np.flatnonzero((seen.series == name) & mask)
                if chosen.size == 0:
                    continue
                middle = np.array([weighted_quantiles(data[:, j], weight, [0.5])[0] for j in chosen])
                ends = np.array([weighted_quantiles((data + noise)[:, j], weight, [0.05, 0.95]) for j in chosen])
                value = seen.value[chosen]
                inside = (ends[:, 0] <= value) & (value <= ends[:, 1])
                off = np.abs(middle - value) / np.maximum(np.abs(value), seen.sd[chosen])
                rms = float(np.sqrt(np.mean(((middle - value) / seen.sd[chosen]) ** 2)))
                rows.append(
                    {"series": name, "use": use, "n_values": chosen.size, "mean_abs_relative": float(off.mean()),
                     "rms_in_sd": rms, "coverage_90": float(inside.mean())}
                )  # fmt: skip
        return pd.DataFrame(rows)


def weighted_quantiles(values: np.ndarray, weight: np.ndarray, shares: list[float]) -> list[float]:
    """Return quantiles of a weighted sample: where the cumulative weight, counted to the middle, reaches each share."""
    order = np.argsort(values, kind="stable")
    middle = np.cumsum(weight[order]) - weight[order] / 2
    return np.interp(shares, middle / weight.sum(), values[order]).tolist()


def calibrate(
    calibration: Calibration, *, out: Path | str, executor, on_progress: Callable[[int, int, int], None] | None = None
) -> Calibrated:
    """Fit, or go on fitting, and write posterior, predictive bands and scores to `out`.

    on_progress(generation, n_accepted, n_particles) is called as it goes on. Raises ScenarioError.
    """
    base = calibration.base()
    observed = calibration.observed(_series_columns(base.scenario))
    at_s = np.array(fine_grid(base.scenario.run.duration_h, 60))
    kept_s = tuple(sorted({*at_s.tolist(), *observed.time_s.tolist()}))
    keys = calibration.model_dump(mode="json")
    changeable = ("n_generations", "stop_at_distance", "stop_at_acceptance", "max_runs", "title")
    identity = {
        **{key: value for key, value in keys.items() if key not in changeable}, "kind": KIND, "code": code_digest(),
        "scenario": scenario_digest(base.scenario),
        "series": file_digest(calibration.source.folder / calibration.series),
    }  # fmt: skip
    seen, fit = observed, observed.is_fit
    out = Path(out)
    with KeptRuns(out, identity, executor) as runs:

        def simulate(parameters: list[dict[str, float]], seeds: list[int]) -> list[np.ndarray]:
            questions = [
                Question(_set(calibration, base.scenario, one), seed, kept_s, observed.columns)
                for one, seed in zip(parameters, seeds, strict=True)
            ]
            return [_data(outcomes, observed, at_s) for outcomes in runs.outcomes(questions)]

        posterior = infer(
            list(calibration.parameters), simulate,
            lambda y: float(np.sqrt(np.mean(((y[: fit.size] - seen.value) / seen.sd)[fit] ** 2))),
            n_particles=calibration.n_particles, n_generations=calibration.n_generations, seed=calibration.seed,
            batch=2 * executor.capacity, stop_at_distance=calibration.stop_at_distance,
            stop_at_acceptance=calibration.stop_at_acceptance, max_simulations=calibration.max_runs,
            on_generation=on_progress,
        )  # fmt: skip
    found = Calibrated(calibration, base.scenario.model_dump(mode="json"), observed, posterior, at_s)
    _write(found, out)
    return found


def _set(calibration: Calibration, scenario: Scenario, u: dict[str, float]) -> Scenario:
    changes = {key: factor.at(u[key]) for key, factor in calibration.parameters.items()}
    return validated(scenario.source.with_changes(changes, calibration.source.place(("parameters",))))


def _series_columns(scenario: Scenario) -> set[str]:
    """Return the names of the columns that the time series of a run have."""
    from safepassage.model.evacuation import EvacuationModel

    return set(EvacuationModel(scenario).recorder.tables()["timeseries"].column_names) - {"time_s"}


def _data(outcomes: dict[str, float], observed: Observed, at_s: np.ndarray) -> np.ndarray:
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
    }.items():  # fmt: skip
        write_table(out / f"{name}.parquet", pa.Table.from_pandas(frame, preserve_index=False))
        write_whole(out / f"{name}.csv", frame.to_csv(index=False).encode())
    manifest = {
        "kind": KIND, "calibration": found.calibration.model_dump(mode="json"), "scenario": found.scenario,
        "parameters": found.table().to_dict("records"), "scores": found.scores().to_dict("records"),
        "generations": found.posterior.generations.to_dict("records"), "warnings": [], "versions": versions(),
    }  # fmt: skip
    write_whole(out / "calibration.json", json.dumps(manifest, indent=1, default=str).encode() + b"\n")
