"""`run --save-at` and `run --from`: when to save a state, where to, and what to go on with."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safepassage.model.settings.errors import ScenarioError

if TYPE_CHECKING:
    from safepassage.model.settings.scenario import Scenario

SECONDS = {"d": 86400.0, "h": 3600.0, "min": 60.0, "s": 1.0}


def seconds(text: str) -> float:
    """Return a length of time such as 10d, 36h, 90min or 30s in seconds."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(d|h|min|s)", text.strip())
    if found is None:
        raise ScenarioError(f"--save-at {text}: write a number and d, h, min or s, such as 10d, 36h or 90min.")
    return float(found[1]) * SECONDS[found[2]]


def to_run(scenario: str | None, state: Path | None, plan: str | None, changes: dict[str, Any]) -> "Scenario":
    """Return the scenario to run, of a file or name or of a saved state, with a plan and changes of keys."""
    from safepassage.model.settings.scenario import load
    from safepassage.model.state.state_file import saved

    if state is None:
        if scenario is None:
            raise ScenarioError("run: name a scenario, such as tiny_town, or a saved state with --from.")
        return load(scenario, changes, plan)
    if scenario is not None:
        raise ScenarioError(f"run {scenario} --from {state}: the state contains its scenario; leave out {scenario}.")
    if changes:
        raise ScenarioError(
            f"--from {state}: {', '.join(changes)} cannot be changed while a run goes on; give a plan that differs "
            "from then on, or run the scenario from its start."
        )
    return saved(state).scenario(plan)


class States:
    """Saves the state of a run at the moments asked for."""

    def __init__(self, save_at: list[str] | None, scenario: "Scenario", out: Path) -> None:
        """Raises ScenarioError for a moment that is no length of time, lies beyond the run, or was saved before."""
        self.saved: list[Path] = []
        plan = "" if scenario.plan == type(scenario).model_fields["plan"].default else f"-{scenario.plan}"
        name = f"{scenario.name}{plan}-seed{scenario.run.seed}"
        due = {seconds(text): Path(out) / f"{name}-at-{text.strip()}.npz" for text in save_at or []}
        self._due = sorted(due.items())
        for time_s, path in self._due:
            if not 0 < time_s < scenario.run.duration_h * 3600:
                raise ScenarioError(
                    f"--save-at {time_s / 3600:g}h: the run goes from 0 to {scenario.run.duration_h:g} h; give "
                    "a time within it."
                )
            if path.exists():
                raise ScenarioError(f"{path}: this state has been saved before; move it away, or choose another --out.")

    def check(self, time_s: float) -> None:
        """Raise ScenarioError if a moment to save at is over when the run begins or goes on."""
        for due_s, _ in self._due:
            if due_s <= time_s:
                raise ScenarioError(
                    f"--save-at {due_s / 3600:g}h: the saved state is from {time_s / 3600:g} h; give a later time."
                )

    def save_if_due(self, model: Any) -> None:
        """Save the state at the first step that ends at or after a moment asked for."""
        while self._due and self._due[0][0] <= model.time_s:
            self.saved.append(model.save_state(self._due.pop(0)[1]))
