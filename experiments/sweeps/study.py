"""Study files: which scenario and plans, which factors vary over what, how many runs, what is looked at.

    name: early_or_late
    scenario: tiny_town
    plans: [none, buses]
    factors:
      orders.0.issued_h: {list: [0.0, 0.5, 1.0]}
      shelling.sources.0.events_per_day: {range: [100, 400]}
      behaviour.p_destination: {distribution: beta, parameters: {a: 2, b: 18}}
    design: {kind: latin_hypercube, n: 100}
    replications: 50
    outcomes: [safe, dead, ete90]
    stopping: {outcome: safe, ci_half_width: 10, min_replications: 20}

Every design point sees the same seeds (common random numbers): differences between points are differences of factors.
"""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from safepassage.experiments.questions.refusal import refuse_targets
from safepassage.experiments.runs.run import Base
from safepassage.experiments.sweeps.question_file import QuestionFile, source_of
from safepassage.model.settings.base import Section
from safepassage.model.settings.scenario import InvalidScenario, Source, validated

MOST_RUNS = 1_000_000
"""A design of more runs is refused: a mistake, or a study for another tool."""


class Grid(Section):
    """Evenly spaced levels."""

    low: float
    """First level."""
    high: float
    """Last level."""
    n: Annotated[int, Field(ge=2)]
    """How many levels."""

    @model_validator(mode="after")
    def _not_empty(self):
        if self.high <= self.low:
            raise ValueError(f"the grid from {self.low:g} to {self.high:g} is empty: high must exceed low")
        return self


class Factor(Section):
    """What one scenario key is set to; exactly one of grid, list, range, distribution."""

    grid: Grid | None = None
    """Evenly spaced levels: {low: 0, high: 1, n: 5}."""
    list: tuple[Any, ...] | None = Field(None, min_length=1)
    """The values themselves."""
    range: tuple[float, float] | None = None
    """Any value between two, each as likely as another."""
    log: bool = False
    """With range: any value between two, each ratio as likely as another."""
    distribution: str | None = None
    """Name of a distribution of scipy.stats, with its parameters in `parameters`."""
    parameters: dict[str, float] = Field({})
    """Parameters of the distribution, as scipy.stats names them: {a: 2, b: 18}, {loc: 0, scale: 1}."""
    whole: bool = False
    """Round values to whole numbers."""

    @model_validator(mode="after")
    def _usable(self):
        given = [name for name in ("grid", "list", "range", "distribution") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of grid, list, range and distribution; found {given or 'none'}")
        twice = [value for k, value in enumerate(self.list or ()) if value in self.list[:k]]
        if twice:
            raise ValueError(f"the level {twice[0]!r} is there twice; give each level once")
        if self.grid is not None and len(self.levels or ()) < self.grid.n:
            raise ValueError(
                f"rounded to whole numbers, the {self.grid.n} levels of the grid are only {len(self.levels or ())}; "
                "give fewer"
            )
        if self.range is not None and not self.range[0] < self.range[1]:
            raise ValueError(f"the range from {self.range[0]:g} to {self.range[1]:g} is empty: write [low, high]")
        if self.log and (self.range is None or self.range[0] <= 0):
            raise ValueError("log goes with a range of positive numbers")
        if self.distribution is not None:
            self._frozen()
        elif self.parameters:
            raise ValueError("parameters go with a distribution")
        return self

    @property
    def levels(self) -> tuple | None:
        """The values of a grid or a list; None if any value of an interval may be drawn."""
        if self.grid is not None:
            found = np.linspace(self.grid.low, self.grid.high, self.grid.n).tolist()
            return tuple(dict.fromkeys(round(value) if self.whole else value for value in found))
        return self.list

    def at(self, u: float) -> Any:
        """Return the value at a quantile u in [0, 1]."""
        if self.levels is not None:
            return self.levels[min(int(u * len(self.levels)), len(self.levels) - 1)]
        if self.range is not None:
            low, high = self.range
            value = low * (high / low) ** u if self.log else low + u * (high - low)
        else:
            value = float(self._frozen().ppf(min(max(u, TAIL), 1 - TAIL)))
        return round(value) if self.whole else value

    def _frozen(self):
        from scipy import stats

        kinds = {
            name for name in dir(stats) if isinstance(getattr(stats, name), stats.rv_continuous | stats.rv_discrete)
        }
        if self.distribution not in kinds:
            close = difflib.get_close_matches(self.distribution, kinds, n=1)
            hint = f"did you mean {close[0]}?" if close else "see the continuous distributions of scipy.stats"
            raise ValueError(f"scipy.stats has no distribution {self.distribution!r}; {hint}")
        kind = getattr(stats, self.distribution)
        shapes = [name.strip() for name in (kind.shapes or "").split(",") if name.strip()]
        known = [*shapes, "loc", *(["scale"] if isinstance(kind, stats.rv_continuous) else [])]
        wrong = [name for name in self.parameters if name not in known]
        missing = [name for name in shapes if name not in self.parameters]
        if wrong or missing:
            raise ValueError(f"the parameters of {self.distribution} are {', '.join(known)}; found {self.parameters}")
        frozen = kind(**self.parameters)
        if not np.isfinite(frozen.ppf(0.5)):
            raise ValueError(f"{self.distribution} has no values for {self.parameters}; see scipy.stats")
        return frozen


TAIL = 0.001
"""Distributions are drawn between these quantiles: designs that visit the ends stay finite."""


class Design(Section):
    """Which combinations of the factors are run."""

    kind: Literal["grid", "latin_hypercube", "sobol", "morris"] = "grid"
    """grid: every combination of levels. latin_hypercube: n points that cover each factor evenly (McKay, Beckman,
    Conover 1979). sobol: n * (factors + 2) points for Sobol indices (Saltelli 2002). morris: n trajectories of
    factors + 1 points for elementary effects (Morris 1991)."""
    n: Annotated[int, Field(ge=1)] | None = None
    """Points, base samples or trajectories; not for a grid."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 1
    """Fixes the points of the design."""
    second_order: bool = False
    """sobol: also the points for indices of pairs, n * (2 factors + 2) in all."""
    n_levels: Annotated[int, Field(ge=2)] = 4
    """morris: levels of each factor, an even number."""

    @model_validator(mode="after")
    def _usable(self):
        if self.kind == "grid" and self.n is not None:
            raise ValueError("a grid has as many points as its levels give; leave n out")
        if self.kind != "grid" and self.n is None:
            raise ValueError(f"{self.kind} needs n, the number of points to draw")
        if self.kind == "sobol" and self.n & (self.n - 1):
            raise ValueError(f"n is {self.n}; Sobol sequences are balanced for powers of 2, such as 64 or 128")
        if self.kind == "morris" and self.n_levels % 2:
            raise ValueError(f"n_levels is {self.n_levels}; Morris's step needs an even number, such as 4")
        return self


class Stopping(Section):
    """Stop each design point once the mean of an outcome is known well enough."""

    outcome: str
    """Name of the outcome."""
    ci_half_width: Annotated[float, Field(gt=0)]
    """Half the width of the confidence interval of its mean to reach, in the outcome's unit."""
    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.95
    """Confidence of the interval."""
    min_replications: Annotated[int, Field(ge=3)] = 10
    """Replications before the first look."""
    every: Annotated[int, Field(ge=1)] = 5
    """Replications between two looks. The rule looks at whole groups only, so that it does not depend on which run
    happens to end first."""


class Study(QuestionFile):
    """Many runs for one question."""

    plans: tuple[str, ...] = Field(("none",), min_length=1)
    """Plans to lay over the scenario, names or paths; `none`: the scenario without a plan."""
    factors: dict[str, Factor] = Field({})
    """Dotted scenario key -> what it is set to."""
    design: Design = Design()
    """Which combinations are run."""
    replications: Annotated[int, Field(ge=1)] = 50
    """Runs of each design point; the most, if there is a stopping rule. IMO asks for at least 50."""
    first_seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    """Replication r has seed first_seed + r, at every design point."""
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**64)], ...] | None = None
    """The seeds themselves, instead of first_seed and replications."""
    outcomes: tuple[str, ...] = ()
    """Outcomes to show; empty: all. All are kept in any case."""
    tables: tuple[str, ...] = ()
    """Tables of each run to keep besides, such as timeseries."""
    stopping: Stopping | None = None
    """When to stop before all replications are done."""

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, keys):
        if isinstance(keys, Mapping) and isinstance(keys.get("design"), str):
            keys = {**keys, "design": {"kind": keys["design"]}}
        return keys

    @model_validator(mode="after")
    def _consistent(self):
        if self.seeds is not None and len(set(self.seeds)) < len(self.seeds):
            raise ValueError("seeds holds a seed twice; each replication needs its own")
        if self.design.kind == "grid":
            loose = [key for key, factor in self.factors.items() if factor.levels is None]
            if loose:
                raise ValueError(
                    f"a grid needs levels, and {', '.join(loose)} has none: give grid or list, or choose points "
                    "that are drawn, such as design: {kind: latin_hypercube, n: 100} (morris or sobol for sensitivity)"
                )
        elif not self.factors:
            raise ValueError(f"design {self.design.kind} needs factors; add some, or leave design out")
        if "run.seed" in self.factors:
            raise ValueError("run.seed cannot be a factor: replications and first_seed choose the seeds")
        if self.stopping and self.stopping.min_replications > len(self.all_seeds):
            raise ValueError(
                f"stopping.min_replications is {self.stopping.min_replications}, more than the "
                f"{len(self.all_seeds)} replications"
            )
        return self

    @property
    def all_seeds(self) -> tuple[int, ...]:
        """Seed of each replication, the same for every design point."""
        if self.seeds is not None:
            return self.seeds
        return tuple(range(self.first_seed, self.first_seed + self.replications))

    def bases(self) -> list[Base]:
        """Return the scenario under each plan, with the overrides. Raises InvalidScenario, ScenarioError."""
        return [
            Base(self.under(name), self.beside(self.scenario), self.named(name), self.overrides) for name in self.plans
        ]


def load_study(path: Path | str) -> Study:
    """Return the Study of a YAML file, checked whole: its keys, its scenario and plans, each factor's ends.

    Raises InvalidScenario with every mistake: file, line, key, value, change; ScenarioError if it cannot be read.
    """
    return study_of(source_of(path, "study"))


def study_of(source: Source | Mapping[str, Any]) -> Study:
    """Return the Study of keys, from a file's Source or a plain mapping; raises like load_study."""
    if not isinstance(source, Source):
        source = Source("study", Path.cwd(), dict(source), {})
    study = Study.of(source)
    _check_factors(study)
    return study


def refuse_targets_of(study: Study) -> None:
    """Raise Refused if a factor would move the places where harm lands.

    Whatever runs a study asks here, also one that was put together without a file.
    """
    refuse_targets({key: factor.levels or (factor.at(0), factor.at(1)) for key, factor in study.factors.items()})


def _check_factors(study: Study):
    """Set each factor by itself to its ends, so that a mistake is told with its own line, before anything runs."""
    base, problems = study.bases()[0], []
    refuse_targets_of(study)
    for key, factor in study.factors.items():
        for value in factor.levels or (factor.at(0.0), factor.at(1.0)):
            try:
                validated(base.scenario.source.with_changes({key: value}, study.place("factors", key)))
            except InvalidScenario as error:
                problems += error.problems
                break
    if problems:
        raise InvalidScenario(problems)
