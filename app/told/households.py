"""Says of a household what it knows, and why it does what it does."""

from typing import Any

import numpy as np

from safepassage.agents.civilians import Injury, Mobility, Status
from safepassage.agents.households import Cause
from safepassage.experiments.reports.answer.language import Language
from safepassage.model.behaviour.covariates import Covariate
from safepassage.model.results.reasons import staying

NO_ROAD = "No road that it knows of is open to its car: it waits for news of one."
TOO_FAR = "It has no car, and the way is too far to walk: it waits for a seat."
CANNOT_WALK = "It has no car, and one of its members cannot walk far: it waits for a seat."
NO_WAY = "It knows no way out: the streets or exits that it knows of are closed."
KEEPS_HOME = "This household keeps the home until the rest of the family has left."
CHANCE = "With what it knows now, it would decide to within a day with a chance of {chance}."


def chance_told(chance: float, say: Language) -> str:
    """Return a chance as a percentage; one too small for two digits after the point as less than the least."""
    least = 0.0001
    return say("less than {share}", share=say.share(least, 2)) if 0 < chance < least else say.share(chance, 2)


def tell_household(explainer: Any, row: int, title: str) -> dict:
    """Return what is known of a household. explainer: of its scene. row: of the household. title: of the answer."""
    return HouseholdTeller(explainer).tell(row, title)


class HouseholdTeller:
    """Tells one household of a model, in the language of an explainer."""

    def __init__(self, explainer: Any) -> None:
        self.model, self.say, self._clock = explainer.model, explainer.say, explainer.clock
        self._trails = explainer.trails

    def tell(self, row: int, title: str) -> dict:
        """Return what is known of a household, and why it does what it does."""
        model, households, people = self.model, self.model.households, self.model.people
        members = range(int(households.first_person[row]), int(households.first_person[row + 1]))
        say = self.say
        car = say("yes") if households.has_car[row] else say("no")
        lines = [[say("zone"), model.zones.name[households.zone[row]]], [say("car"), car]]
        for i in members:
            parts = [say("{n} years", n=people.age[i])]
            if people.mobility[i] != Mobility.UNIMPAIRED:
                parts.append(say(Mobility(people.mobility[i]).words))
            parts.append(say(Status(people.status[i]).words))
            if people.injury[i] != Injury.NONE and people.status[i] != Status.DEAD:
                parts.append(say(Injury(people.injury[i]).words))
            lines.append([say("woman") if people.is_female[i] else say("man"), ", ".join(parts)])
        if np.isfinite(households.decision_time_s[row]):
            lines.append([say("decided"), self._clock(households.decision_time_s[row])])
            lines.append([say("sets out"), self._clock(households.departure_time_s[row])])
        if np.isfinite(model.parties.arrival_time_s[row]):
            lines.append([say("safe since"), self._clock(model.parties.arrival_time_s[row])])
        lines += self._trails.told(row, say) + self._knows(row)
        answer = {"title": title, "text": self._why(row, members), "lines": lines, "actions": []}
        return answer | {"household": row, "way": self._trails.lines(row)}

    def _why(self, row: int, members: range) -> str:
        say, model, households = self.say, self.model, self.model.households
        status = {Status(s) for s in model.people.status[members.start : members.stop]}
        cause = Cause(households.cause[row])
        text = say("This household leaves because of {cause}.", cause=say(cause.words))
        if cause == Cause.NONE:
            why = next(words for words, rows in staying(model).items() if rows[row])
            text = say("This household has not decided to leave ({why}).", why=say(why))
        if Status.WAITING in status:
            if households.has_car[row] and not model.parties.left_car[row]:
                return f"{text} {say(NO_ROAD)}"
            return f"{text} {say(TOO_FAR if model.households.can_walk[row] else CANNOT_WALK)}"
        if Status.STRANDED in status:
            return f"{text} {say(NO_WAY)}"
        if cause == Cause.NONE and households.stays_behind[row]:
            return say(KEEPS_HOME)
        if cause == Cause.NONE:
            chance = -np.expm1(-model.households.leaving_rate_per_day[row])
            return f"{text} {say(CHANCE, chance=chance_told(chance, say))}"
        return text

    def _knows(self, row: int) -> list[list[str]]:
        weights = self.model.decision.coefficients
        values = self.model.information.covariates[:, row]
        rate = self.model.households.leaving_rate_per_day[row]
        say, readiness = self.say, self.say.number(self.model.households.readiness[row], 2)
        lines = [[say("would decide within a day"), chance_told(-np.expm1(-rate), say)]]
        lines.append([say("readiness, relative to the pre-war mean"), readiness])
        threat = self.model.decision.threat
        if threat.is_front:
            distance_km, approach = threat.front(self.model.time_s)
            said = say(
                "{km} km away, {approach} km a week nearer",
                km=say.number(distance_km, 1),
                approach=say.number(approach, 1),
            )
            lines.append([say("the front"), said])
        for covariate in Covariate:
            value = float(values[covariate])
            if value != 0:
                odds = say.number(np.exp(weights[covariate] * value), 2)
                lines.append([say(covariate.words, value=value), say("odds times {n}", n=odds)])
        return lines
