"""One household's story in plain language: what it knew, its odds, what it did and why.

The run is repeated from its manifest, with the same seed and so the same bits, while that household is watched.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from safepassage.agents.civilians import Injury, Status
from safepassage.agents.households import Cause
from safepassage.agents.parties import Mode
from safepassage.model.behaviour.covariates import Covariate
from safepassage.model.clock import local_time
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.results.run_folder import RunFolder, file_digest
from safepassage.model.rules import RuleError, Rules, rules_of
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.files.portable import files_in, name_of
from safepassage.model.settings.scenario import Scenario, Source, validated

TOLD_FROM_C = 8.0
"""How many degrees a home must lack before that is told. Assumption."""


@dataclass(frozen=True)
class Line:
    """One sentence of a story and its moment."""

    moment: datetime
    """Local date and time; an hour comes twice when the clocks go back."""
    text: str
    time_s: float
    """Since the start of the run."""


def scenario_of(run: RunFolder) -> Scenario:
    """Return the scenario of a finished run, with all defaults as they were; raises ScenarioError if a file is gone."""
    keys = {**run.manifest["scenario"], "run": {**run.manifest["scenario"]["run"], "seed": run.manifest["seed"]}}
    folder = run.path.resolve()
    scenario = validated(Source(str(run.path / "manifest.json"), folder, keys))
    inputs = run.manifest.get("inputs", {})
    for path in files_in(scenario):
        if file_digest(path) != inputs.get(name_of(path, folder)):
            raise ScenarioError(
                f"{path}: this is not the file that the run in {run.path} was made with. Put that file there, or run "
                "the scenario again."
            )
    return scenario


def repeat(run: RunFolder, rules: Rules | str | Path | None = None, **changes: Any) -> EvacuationModel:
    """Return the model of a finished run at its start: same scenario, same seed, same rules.

    rules: those that the run was made with, if it had some of the user's own; a manifest names them, and never brings
    code along. changes: keys, such as run.record_positions_every_s, that leave what happens as it is. Raises RuleError.
    """
    given, wanted = rules_of(rules).described(), run.manifest.get("rules", {})
    if given != wanted:
        names = ", ".join(f"{kind}: {one['name']} of {one['file']}" for kind, one in wanted.items()) or "none"
        raise RuleError(
            f"{run.path}: the run was made with these rules of the user's own: {names}. Repeat it from Python and pass "
            "them with the argument rules; those given differ."
        )
    scenario = scenario_of(run)
    return EvacuationModel(scenario.override(changes) if changes else scenario, rules=rules_of(rules))


class Watch:
    """Looks at one household after each step and puts what is new into sentences."""

    def __init__(self, model: EvacuationModel, household: int) -> None:
        if not 0 <= household < len(model.households):
            raise ScenarioError(
                f"there is no household {household}; they are numbered 0 to {len(model.households) - 1}."
            )
        self.model, self.h = model, household
        first = model.households.first_person
        self.members = slice(int(first[household]), int(first[household + 1]))
        self.lines: list[Line] = []
        self._seen: set = set()
        self._last_odds = 0.0
        self._looked_s = 0.0
        self._status = model.people.status[self.members].copy()
        self._injury = model.people.injury[self.members].copy()
        self._home = (False, False, 0)
        self._introduce()

    def _say(self, time_s: float, text: str) -> None:
        settings = self.model.settings
        moment = local_time(settings.run.start, time_s, settings.shelling.time_zone)
        self.lines.append(Line(moment, text, float(time_s)))

    def _once(self, key: tuple[str, int], time_s: float, text: str) -> None:
        if key not in self._seen:
            self._seen.add(key)
            self._say(time_s, text)

    def _introduce(self):
        model, h = self.model, self.h
        ages = ", ".join(str(age) for age in model.people.age[self.members])
        zone = model.zones.name[model.households.zone[h]]
        car = "a car" if model.households.has_car[h] else "no car"
        kind = f"Their readiness to leave is {model.households.readiness[h]:.2g} times the pre-war mean."
        if model.households.institution[h] >= 0:
            name = model.settings.institutions[model.households.institution[h]].name
            kind = f"They are in {name}, which leaves when it is brought out."
        elif model.households.stays_behind[h]:
            kind = "They keep the home until the rest of the family has left."
        n = self.members.stop - self.members.start
        who = "One person lives" if n == 1 else f"{n} people live"
        ages = f"aged {ages}" if n == 1 else f"aged {' and '.join(ages.rsplit(', ', 1))}"
        self._say(0.0, f"{who} in zone {zone}, {ages}, with {car}. {kind}".strip())

    def look(self, model: EvacuationModel) -> None:
        """Note what is new for the household since the last step."""
        self._hear()
        self._weigh()
        self._act()
        self._suffer()
        self._freeze()
        self._looked_s = model.time_s

    def _hear(self):
        model, h = self.model, self.h
        for told in model.information.told:
            heard_s, force = float(told.believed_s[h]), told.order.force.value
            whom = "the" if told.addressed[h] else "that others have a"
            if heard_s <= model.time_s:
                self._once(("order", told.number), heard_s, f"Heard and believed {whom} {force} order to leave.")

    def _weigh(self):
        model, h = self.model, self.h
        if model.households.cause[h] != Cause.NONE or model.households.stays_behind[h]:
            return
        odds = float(-np.expm1(-model.households.leaving_rate_per_day[h]))
        if odds > 1.5 * self._last_odds or odds < 0.5 * self._last_odds:
            self._last_odds = odds
            parts = model.decision.coefficients * model.information.covariates[:, h]
            strongest = [k for k in np.argsort(-np.abs(parts)) if abs(parts[k]) > 0.05][:4]
            reasons = "; ".join(
                f"{Covariate(k).told(float(model.information.covariates[k, h]))} (odds x {np.exp(parts[k]):.2g})"
                for k in strongest
            )
            if model.decision.threat.is_front:
                distance_km, approach = model.decision.threat.front(model.time_s)
                front = f"the front {distance_km:.1f} km from the middle of the town"
                nearer = f", {approach:.1f} km a week nearer" if approach > 0.05 else ""
                reasons = f"{front}{nearer}" + (f"; {reasons}" if reasons else "")
            self._say(
                model.time_s,
                f"Chance of deciding to leave within a day: {_percent(odds)}. What matters most: "
                f"{reasons or 'nothing yet'}.",
            )

    def _act(self):
        model, h = self.model, self.h
        cause = Cause(int(model.households.cause[h]))
        decided_s = model.households.decision_time_s[h]
        if cause != Cause.NONE and decided_s <= model.time_s:
            self._once(("decided", decided_s), decided_s, f"Decided to leave because of {cause.words}.")
        together_s = float(model.departures.day_places.together_s[h])
        if together_s <= model.time_s:
            waited = model.departures.day_places.waited_s[h] / 60.0
            self._once(
                ("together", 0), together_s, f"All of them are together, after {waited:.0f} minutes of fetching."
            )
        status = model.people.status[self.members]
        changed = np.flatnonzero(status != self._status)
        if changed.size:
            self._say_status(Status(int(status[changed[0]])))
        self._status = status.copy()

    def _say_status(self, status: Status) -> None:
        model, h = self.model, self.h
        mode = Mode(int(model.parties.mode[h])).words
        departure_s, arrival_s = model.households.departure_time_s[h], model.parties.arrival_time_s[h]
        if status == Status.TRAVELLING and departure_s >= self._looked_s:
            self._say(departure_s, f"Set out {mode}.")
        elif status == Status.TRAVELLING:
            self._say(model.time_s, f"They go on {mode}.")
        elif status == Status.SAFE and np.isfinite(arrival_s):
            place = f" by {model.streets.exit_name[model.parties.exit[h]]}" if model.parties.exit[h] >= 0 else ""
            self._say(arrival_s, f"Out of the area{place}, {mode}.")
        elif status == Status.STRANDED:
            self._say(model.time_s, "They want to leave, and know of no way out.")
        elif status == Status.WAITING:
            self._say(model.time_s, "They wait for a seat.")
        elif status == Status.SHELTERING:
            self._once(("shelter", 0), model.time_s, "They go to a shelter when they hear impacts.")

    def _suffer(self):
        people = self.model.people
        injury = people.injury[self.members]
        for k in np.flatnonzero(injury != self._injury):
            age, hurt = people.age[self.members][k], Injury(int(injury[k]))
            self._say(people.injury_time_s[self.members][k], f"The {age}-year-old: {hurt.words}.")
        self._injury = injury.copy()

    def _freeze(self):
        """Say what cold does to them: heating that goes and comes, water, a warm place, and harm."""
        winter = self.model.under_fire.winter
        if winter is None:
            return
        lacks_c, is_dry = winter.lacks_at_home_c()[self.h], self.model.information.is_dry[self.h]
        n_warm = int((winter.place[self.members] >= 0).sum())
        state = (bool(winter.is_without_heat()[self.h]), bool(is_dry), n_warm)
        if state != self._home:
            without_heat, dry, warm = (
                now if now != before else None for now, before in zip(state, self._home, strict=True)
            )
            told = {True: "Their heating is out.", False: "Their heating works again."}.get(without_heat, "")
            told += {True: " They have no water left.", False: " They have water again."}.get(dry, "")
            told += f" {warm} of them find room in a warm place." if warm else ""
            if told:
                self._say(self.model.time_s, told.strip())
            self._home = state
        if lacks_c >= TOLD_FROM_C:
            self._once(("cold", 0), self.model.time_s, f"It is {winter.settings.homes.needed_c - lacks_c:.0f} degrees "
                       "in their home.")  # fmt: skip
        for person in np.flatnonzero(winter.harm[self.members] > 0) + self.members.start:
            age, what = self.model.people.age[person], "killed" if winter.harm[person] > 1 else "made ill"
            at_s = float(winter.harm_time_s[person])
            self._once(("frozen", int(person)), at_s, f"The {age}-year-old: {what} by cold.")


def _percent(odds: float) -> str:
    """Return a chance as text; one that is not 0 is never told as 0."""
    return "0%" if odds == 0 else "less than 0.01%" if odds < 0.0001 else f"{odds:.2%}"


def tell(
    run: RunFolder, household: int, on_step: Callable[..., None] | None = None, rules: Rules | str | Path | None = None
) -> list[Line]:
    """Return the story of one household of a finished run, in order of time.

    on_step: called with the model after each step. rules: of the user's own, if the run had some. Raises ScenarioError
    if there is no such household, or if the run does not come out as recorded (another version of the code or of its
    data).
    """
    model = repeat(run, rules)
    watch = Watch(model, household)
    while model.running and model.time_s < run.manifest["simulated_s"]:
        model.step()
        watch.look(model)
        if on_step is not None:
            on_step(model)
    persons = run.frame("persons").loc[watch.members.start : watch.members.stop - 1]
    recorded = [f"{status} at {age}" for status, age in zip(persons["status"], persons["age"], strict=True)]
    ends = zip(model.people.status[watch.members], model.people.age[watch.members], strict=True)
    found = [f"{Status(int(code)).name} at {age}" for code, age in ends]
    if found != recorded:
        raise ScenarioError(
            f"{run.path}: the household ends as {found}, recorded is {recorded}; the run was made by another version "
            f"({run.manifest['versions'].get('safepassage')}). Run the scenario again."
        )
    reason = run.frame("persons").loc[watch.members.start, "reason"]
    watch.lines.append(Line(model.clock, f"At the end: {reason}.", model.time_s))
    return sorted(watch.lines, key=lambda line: line.time_s)
