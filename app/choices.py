"""What is chosen in the fields of one tab: scenario, plan, a plan to compare with, values; checked before any run."""

from pathlib import Path
from typing import Any

from safepassage.app import controls
from safepassage.app.actions import is_lever
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.files.yaml_file import read_value
from safepassage.model.settings.scenario import InvalidScenario, Scenario, find, load, shipped

AS_GIVEN, ALONE = "no plan", "no comparison"


class Choices:
    """The chosen scenario, plan and values. Wrong ones are explained and kept out of the run."""

    def __init__(self, scenario: str, plan: str | None = None, folder: Path | None = None):
        """folder: that plans are saved to from the page, of any tab; None: plans are not saved."""
        self.name, self.plan = scenario, plan or AS_GIVEN
        self.compare = ALONE
        self.overrides: dict[str, Any] = {}
        self.problems: dict[str, str] = {}
        self._tried: dict[str, Any] = {}
        self.last_good = load(scenario, plan=plan)
        self._checked = self.last_good
        self.is_changed = False
        self._suited: dict[tuple, bool] = {}
        self._last_chosen = (self.name, self.plan, self.compare, {})
        self._given = [name for name in (scenario,) if name not in shipped()]
        self._given_plan = plan
        self._folder = folder
        self.on_change = None

    def scenarios(self) -> list[str]:
        """Return what can be chosen: what was given, and what is shipped."""
        return [*self._given, *shipped()]

    def plans(self) -> list[str]:
        """Return the plans of the scenario: in its folder, given, and saved from the page."""
        folder = find(self.name).resolve().parent / "plans"
        found = [path.stem for path in sorted(folder.glob("*.yaml")) if self._suits(path)]
        given = [self._given_plan] if self._given_plan and self._given_plan not in found else []
        saved = sorted(self._folder.glob("*.yaml")) if self._folder is not None else []
        return [*found, *given, *(str(path) for path in saved if str(path) not in given and self._suits(path))]

    def _suits(self, path: Path) -> bool:
        """Return whether a plan can be laid over the scenario; plans of other scenarios lie in the same folder."""
        key = (self.name, str(path), path.stat().st_mtime_ns)
        if key not in self._suited:
            try:
                load(self.name, plan=str(path))
                self._suited[key] = True
            except ScenarioError:
                self._suited[key] = False
        return self._suited[key]

    def chosen(self) -> dict:
        """Return what is chosen, as a journal keeps it."""
        return {"name": self.name, "plan": self.plan, "compare": self.compare, "overrides": dict(self.overrides)}

    def unlevered(self) -> dict:
        """Return the values chosen that no plan may change."""
        return {key: value for key, value in self.overrides.items() if not is_lever(key)}

    def take_over(self, chosen: dict):
        """Choose what a journal kept; raises ScenarioError, and changes nothing, if it cannot be chosen any more."""
        before = (self.name, self.plan, self.compare, self.overrides)
        name, plan, compare = (str(chosen.get(key)) for key in ("name", "plan", "compare"))
        try:
            if name not in self.scenarios():
                raise ScenarioError(f"the scenario {name} is not offered here.")
            self.name = name
            if plan not in (offered := [AS_GIVEN, *self.plans()]) or compare not in [ALONE, *offered]:
                raise ScenarioError("a plan that was chosen is gone.")
            self.plan, self.compare, self.overrides = plan, compare, dict(chosen.get("overrides") or {})
            self._check()
        except ScenarioError:
            self.name, self.plan, self.compare, self.overrides = before
            raise

    def groups(self) -> list[dict]:
        """Return the fields with their values, for the page."""
        return controls.groups(self._checked)

    def tried(self) -> dict[str, Any]:
        """Return the values that were wrong, by field: they stay there to be put right."""
        return {key: value for key, value in self._tried.items() if key in self.problems}

    def choose(self, kind: str, value: str):
        """Choose a scenario, a plan, or a plan to compare with, of those that are offered."""
        plans = [AS_GIVEN, *self.plans()]
        offered = {"scenario": self.scenarios(), "plan": plans, "compare": [ALONE, *plans]}
        if value not in offered.get(kind, ()):
            self.problems = {kind: "This cannot be chosen. Choose one of those in the list."}
            return
        before = (self.name, self.plan, self.compare, self.overrides)
        if kind == "scenario":
            self.name, self.plan, self.compare, self.overrides = value, AS_GIVEN, ALONE, {}
            self._given_plan = None
        elif kind == "plan":
            self.plan = value
        else:
            self.compare = value
        try:
            self._check()
        except ScenarioError as error:
            self.name, self.plan, self.compare, self.overrides = before
            self.problems = {kind: str(error)}

    def compare_with(self, plan: str):
        """Choose a plan to compare with, by its path; raises ScenarioError if it does not suit."""
        load(self.name, self.overrides, plan)
        self.compare = plan
        self._check()

    def change(self, key: str, value: Any):
        """Set a value; text is read as YAML. A wrong one is explained beside its field and not used."""
        if not any(key in listed for listed in controls.GROUPS.values()):
            self.problems = {**self.problems, "run": "This value is not among the fields of the page."}
            return
        self._tried[key] = value
        if isinstance(value, str):
            try:
                value = read_value(value, key) if value.strip() else None
            except ScenarioError as error:
                self.problems = {**self.problems, key: str(error)}
                return
        if value is None and key not in self.overrides:
            self.problems = {**self.problems, key: "Give a value."}
            return
        before = dict(self.overrides)
        self.overrides[key] = value
        others = {wrong: text for wrong, text in self.problems.items() if wrong in self._tried and wrong != key}
        try:
            self._check()
            self.problems = others
        except InvalidScenario as error:
            self.overrides = before
            mine = [p for p in error.problems if p.key == key] or list(error.problems)
            text = "; ".join(f"{p.found + ': ' if p.found else ''}{p.change}" for p in mine)
            self.problems = {**self.problems, key: text}
        except ScenarioError as error:
            self.overrides = before
            self.problems = {**self.problems, key: str(error)}

    def _check(self):
        self._checked = load(self.name, self.overrides, self._plan_file(self.plan))
        if self.compare != ALONE:
            load(self.name, self.overrides, self._plan_file(self.compare))
        self.problems = {}
        self.is_changed = True

    @staticmethod
    def _plan_file(plan: str) -> str | None:
        return None if plan in (AS_GIVEN, ALONE) else plan

    def scenario(self) -> Scenario:
        """Return what the next run is of."""
        return self._checked

    def rival(self) -> Scenario | None:
        """Return the scenario under the plan to compare with, or None."""
        return None if self.compare == ALONE else load(self.name, self.overrides, self._plan_file(self.compare))

    def refuse(self, error: ScenarioError):
        """Note that the scenario could not be built; the last good one is chosen again."""
        self.problems = {"run": f"{error} The previous run was started again."}
        self.name, self.plan, self.compare, overrides = self._last_chosen
        self.overrides, self._checked = dict(overrides), self.last_good

    def started(self, scenario: Scenario):
        """Note what runs now."""
        self.last_good, self.is_changed = scenario, False
        self._last_chosen = (self.name, self.plan, self.compare, dict(self.overrides))
        self.tell()

    def tell(self):
        """Let the page show what has changed here."""
        if self.on_change is not None:
            self.on_change()
