"""What could turn a comparison over: the assumptions that its answer hangs on most, varied under every plan.

Each assumption is tried at both ends of its range with a few pairs of runs; the two that move the difference in people
out most are then run with as many pairs as a conclusion takes. How far each moves the difference in casualties is noted
beside that, from the same runs. Hazards are only ever sampled, stronger and weaker: no
place of harm is among what is varied, and nothing is searched.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from safepassage.experiments.questions.compare import BASELINE, Comparison, open_comparison
from safepassage.experiments.questions.paired import difference
from safepassage.experiments.questions.refusal import refuse_targets
from safepassage.experiments.questions.sensitivity import MAIN_INDEX
from safepassage.experiments.runs.kept_runs import KeptRuns, seeds_of
from safepassage.experiments.runs.run import Task, scenario_digest
from safepassage.model.results.manifest import read_json
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.files.code import code_digest
from safepassage.model.settings.files.whole import write_whole
from safepassage.model.settings.scenario import Scenario, Source, validated

KIND = "turn_over"
FILE = "turn_over.json"
TRIED_PAIRS = 5
"""Pairs with which each assumption is tried at each end of its range. Assumption: enough to rank what moves most."""
N_VARIED = 2
"""Assumptions that are then run with all pairs."""
OUTCOME, HARM = "safe", "casualties"


@dataclass(frozen=True)
class Assumption:
    """Something a scenario assumes, and how far off it may be."""

    key: str
    """Dotted key; a * stands for each entry of a list."""
    words: str
    low: float
    high: float
    """Ends of the range: values, or factors on the value that the scenario has."""
    is_factor: bool = False

    def at(self, value: float, end: float) -> float:
        """Return the value at an end of the range."""
        return value * end if self.is_factor else end


ASSUMPTIONS = (
    # Range of population.p_car as its field states it (Donetsk oblast: 132-179 cars per 1,000 residents).
    Assumption("population.p_car", "share of households with a car", 0.25, 0.55),
    # Phased orders: about 0.66 (Appl. Sci. 2023 13:5194); a fifth either way is an assumption.
    Assumption("orders.*.compliance", "share of households that obey an order", 0.45, 0.85),
    # A median of preparation half or twice as long: assumption.
    Assumption("behaviour.preparation_median_s", "time to prepare", 0.5, 2.0, is_factor=True),
    # A town's own factor: standard deviation of its logarithm 0.38 between twelve towns, 90 % of them within these.
    Assumption("behaviour.leaving.threat_factor", "answer to the threat of the front", 0.54, 1.87, is_factor=True),
    # A checkpoint passed 230 cars an hour where 600 is assumed; with contraflow 1,000 (as its field states).
    Assumption("streets.exit_flow_per_lane_per_s", "cars that an exit lets out", 0.4, 1.6, is_factor=True),
    # Shelling half or twice as strong: assumption.
    Assumption("shelling.sources.*.events_per_day", "strength of the shelling", 0.5, 2.0, is_factor=True),
    Assumption(
        "shelling.sources.*.background_per_km2_day", "strength of the shelling by area", 0.5, 2.0, is_factor=True
    ),
)
"""What is tried unless a sensitivity study says what matters."""


def turn_over(
    folder: Path | str,
    *,
    executor,
    pairs: int,
    study: Path | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Vary what a finished comparison assumes, write what came out to its `turn_over.json` and return it.

    folder: of the comparison. executor: carries out the runs. pairs: of the runs at each end of the two assumptions.
    study: folder of a sensitivity analysis that says which two matter and how far they go; without it, ASSUMPTIONS are
    tried. on_progress(n_done, n_wanted) is called as runs finish. Raises ScenarioError.
    """
    folder = Path(folder)
    found = open_comparison(folder)
    if not 2 <= pairs <= found.n_replications:
        raise ScenarioError(
            f"--turn-over {pairs}: give 2 to {found.n_replications} pairs; the comparison has no more to stand beside."
        )
    variants = _variants(folder, found)
    known = _present(ASSUMPTIONS, variants) if study is None else _of_study(study, variants)
    identity = {
        "name": found.scenario["name"], "kind": KIND, "code": code_digest(),
        "scenarios": {name: scenario_digest(variant) for name, variant in variants.items()},
    }  # fmt: skip
    with KeptRuns(folder / KIND, identity, executor, on_progress) as runs:
        tried = [
            (one, *(_moved(one, variants, found, runs, outcome) for outcome in (OUTCOME, HARM)))
            for one in (known if study is None else ())
        ]
        chosen = [one for one, *_ in sorted(tried, key=lambda row: -row[1])] if tried else known
        rows = [_row(one, variants, found, runs, pairs) for one in chosen[:N_VARIED]]
    result = {
        "kind": KIND, "outcome": OUTCOME, "pairs": pairs, "study": None if study is None else str(study.name),
        "tried": [{"key": one.key, "words": one.words, "moves": out, "moves_casualties": hurt}
                  for one, out, hurt in tried],
        "tried_pairs": TRIED_PAIRS,
        "as_stated": {plan: _told(found.values(plan, OUTCOME)[:pairs], found.values(BASELINE, OUTCOME)[:pairs])
                      for plan in found.plans[1:]},
        "rows": rows,
    }  # fmt: skip
    write_whole(folder / FILE, json.dumps(result, indent=1).encode() + b"\n")
    return result


def _variants(folder: Path, found: Comparison) -> dict[str, Scenario]:
    """Return the scenario of each plan as the comparison kept it."""
    plan_keys = read_json(folder / "comparison.json")["plan_keys"]
    return {
        name: validated(
            Source(
                str(folder / "comparison.json"), folder.resolve(), {**found.scenario, **plan_keys[name], "plan": name}
            )
        )
        for name in found.plans
    }


def _present(known: Sequence[Assumption], variants: Mapping[str, Scenario]) -> list[Assumption]:
    """Return the assumptions that these scenarios rest on: keys that are set in each of them, and count there."""
    return [one for one in known if all(_values(variant, one.key) for variant in variants.values())]


def _values(scenario: Scenario, key: str) -> dict[str, float]:
    """Return the dotted keys that a key with * stands for and their values, where they are numbers above 0."""
    found = _leaves(scenario.model_dump(mode="json"), key.split("."))
    return {name: float(value) for name, value in found if isinstance(value, int | float) and value > 0}


def _leaves(at: Any, path: Sequence[str], before: str = "") -> Iterator[tuple[str, Any]]:
    if not path:
        yield before[:-1], at
    elif path[0] == "*" and isinstance(at, list):
        for number, part in enumerate(at):
            yield from _leaves(part, path[1:], f"{before}{number}.")
    elif isinstance(at, dict) and path[0] in at:
        yield from _leaves(at[path[0]], path[1:], f"{before}{path[0]}.")


def _of_study(study: Path, variants: Mapping[str, Scenario]) -> list[Assumption]:
    """Return the factors of a sensitivity analysis of this outcome that matter most and have a range, in order."""
    paths = {method: study / f"sensitivity-{method}-{OUTCOME}.json" for method in MAIN_INDEX}
    method = next((one for one in ("sobol", "morris") if paths[one].is_file()), None)
    if method is None:
        raise ScenarioError(
            f"{study}: there is no sensitivity analysis of {OUTCOME!r} here. Make one with `safepassage sensitivity "
            f"STUDY --outcome {OUTCOME} --out {study}`, or leave --study out."
        )
    import pandas as pd

    path = paths[method]
    factors = read_json(path)["study"]["factors"]
    table = pd.read_csv(path.with_suffix(".csv"))
    last = table[(table["n"] == table["n"].max()) & (table["index"] == MAIN_INDEX[method])]
    ranked = last.sort_values("value", ascending=False, kind="stable")["factor"]
    found = [Assumption(key, key, *factors[key]["range"]) for key in ranked if factors.get(key, {}).get("range")]
    usable = _present(found, variants)
    if not usable:
        raise ScenarioError(f"{path}: none of its factors has a range and a value in the scenario of the comparison.")
    refuse_targets({one.key: (one.low, one.high) for one in usable})
    return usable


def _moved(one: Assumption, variants: Mapping[str, Scenario], found: Comparison, runs: KeptRuns, outcome: str) -> float:
    """Return how far the mean difference of any plan in an outcome moves between the ends of an assumption."""
    n = min(TRIED_PAIRS, found.n_replications)
    low, high = (_outcomes(one, end, variants, found, runs, n, outcome) for end in (one.low, one.high))
    return max(
        abs(float(np.mean((high[plan] - high[BASELINE]) - (low[plan] - low[BASELINE])))) for plan in found.plans[1:]
    )


def _row(one: Assumption, variants: Mapping, found: Comparison, runs: KeptRuns, pairs: int) -> dict[str, Any]:
    """Return an assumption at both ends with all pairs: by end its values and the difference of each plan."""
    ends = []
    for end in (one.low, one.high):
        values = _outcomes(one, end, variants, found, runs, pairs)
        stated = list(_values(variants[BASELINE], one.key).values())
        ends.append(
            {
                "value": one.at(stated[0], end), "factor": end if one.is_factor else None,
                "plans": {plan: _told(values[plan], values[BASELINE]) for plan in found.plans[1:]},
            }
        )  # fmt: skip
    return {"words": one.words, "key": one.key, "stated": stated[0], "ends": ends}


def _outcomes(
    one: Assumption, end: float, variants: Mapping, found: Comparison, runs: KeptRuns, n: int, outcome: str = OUTCOME
) -> dict[str, np.ndarray]:
    """Return by plan an outcome of n runs with an assumption at an end of its range."""
    tasks = []
    for variant in variants.values():
        changes = {key: one.at(value, end) for key, value in _values(variant, one.key).items()}
        scenario = validated(variant.source.with_changes(changes, f"turn-over: {one.key}"))
        tasks += [Task(scenario, seed) for seed in seeds_of(found.run.seed, n)]
    outcomes = np.array([float(row[outcome]) for row in runs.outcomes(tasks)]).reshape(len(variants), n)
    return dict(zip(variants, outcomes, strict=True))


def _told(plan: np.ndarray, baseline: np.ndarray) -> dict[str, Any]:
    one = difference(plan, baseline, more_is_better=True)
    return {"mean": one.mean, "low": one.low, "high": one.high, "is_clear": one.is_clear, "n_pairs": one.n_pairs}
