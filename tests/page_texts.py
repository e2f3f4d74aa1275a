"""Every text that the answer page and the page of `safepassage explore` may show in a language."""

import ast
import re
import string
from importlib.resources import files
from pathlib import Path

from safepassage.agents.civilians import Injury, Mobility, Protection, Status
from safepassage.agents.households import Cause
from safepassage.agents.parties import Mode
from safepassage.agents.vehicles import Task
from safepassage.app import actions, controls, questions
from safepassage.app.choices import ALONE, AS_GIVEN
from safepassage.app.map import SHORT
from safepassage.app.player import FASTEST, SPEEDS_S
from safepassage.app.scenes.layers import LAYERS
from safepassage.app.scenes.scene import Kind
from safepassage.app.told import households, log
from safepassage.experiments.questions.compare import LATE
from safepassage.experiments.questions.futures import THIRDS
from safepassage.experiments.questions.turn_over import ASSUMPTIONS
from safepassage.experiments.reports.answer import page
from safepassage.model.behaviour.covariates import Covariate
from safepassage.model.results import reasons
from safepassage.model.results.outcomes import GROUPS, OUTCOMES
from safepassage.model.streets.classes import STREET_CLASSES

ANSWER = Path(str(files("safepassage.experiments.reports.answer")))
APP = Path(str(files("safepassage.app")))
SAID = re.compile(r"""(?<![\w.])(?:t\(|title: |unit: |line\()(?:"((?:[^"\\]|\\.)*)"|'([^']*)')""")
"""A text in the scripts and templates of the page: handed to `t`, or kept to be handed to it."""


def said_in(path):
    """Return the texts that a module of Python hands to `say` or keeps to be said later."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and _name(node.func) in ("say", "Told") and node.args:
            found |= _constants(node.args[0])
        if isinstance(node, ast.Assign) and _name(node.targets[0]) == "text":
            found |= _constants(node.value)
    return {text for text in found if isinstance(text, str) and text}


def _constants(node):
    """Return the texts that an expression may be: a text, or one of two."""
    if isinstance(node, ast.IfExp):
        return _constants(node.body) | _constants(node.orelse)
    return {node.value} if isinstance(node, ast.Constant) else set()


def _name(function):
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def texts_of_the_answer():
    """Return the texts of the answer page: those in the code, and those of the vocabularies."""
    found = set(re.findall(r'say\("([^"]+)"\)', (ANSWER / "answer.html.j2").read_text(encoding="utf-8")))
    for path in ANSWER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "say":
                found |= {one.value for one in node.args if isinstance(one, ast.Constant)}
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in ("text", "framed"):
                found |= {node.value.value} if isinstance(node.value, ast.Constant) else set()
    outcomes = [OUTCOMES[name] for name in (*page.CHANGES, *page.COSTS)]
    found |= {page.WORDS.get(one.name, one.words) for one in outcomes} | {"days"}
    found |= {OUTCOMES[name].unit for name in page.CHANGES} - {"people"}
    found |= set(THIRDS)
    return found | {GROUPS[name] for name in page.WHO} | {one.words for one in ASSUMPTIONS}


def texts_of_explore():
    """Return the texts of the page of `safepassage explore`."""
    found = set()
    for path in (APP / "web").iterdir():
        found |= {a or b for a, b in SAID.findall(path.read_text(encoding="utf-8")) if a or b}
    for path in APP.rglob("*.py"):
        found |= said_in(path)
    for kind in (Status, Protection, Injury, Mobility, Cause, Mode, Task, Kind, Covariate):
        found |= {member.words for member in kind}
    found |= set(LAYERS.values()) | {FASTEST, *SPEEDS_S, AS_GIVEN, ALONE, *SHORT.values(), "injured so far"}
    found |= {"water", "green", "railway"} | {"exit", "pickup point", "shelter", "zone", "street", "home"}
    found |= {name.replace("_", " ") for name in STREET_CLASSES}
    found |= {reasons.NO_ORDER, reasons.NEVER_HEARD, reasons.NOT_BELIEVED, reasons.WEIGHED}
    found |= {getattr(households, name) for name in vars(households) if name.isupper()}
    found |= {*log.TO_ALL.values(), *log.TO_ZONES.values(), *log.SHUT, *log.OPEN_AGAIN}
    found |= {
        text for pair in (*actions.DONE.values(), *actions.OF_ZONE.values(), *log.OPENED.values()) for text in pair
    }
    in_table = [one for one in OUTCOMES.values() if one.is_compared]
    found |= {one.words for one in in_table} | {one.unit for one in in_table} - {"1", "people"} | {"days", LATE}
    found |= set(GROUPS.values()) | set(questions.QUESTIONS.values())
    found |= {label for keys in questions.EDITABLE.values() for label, _ in keys.values()}
    found |= set(controls.GROUPS) | set(controls.LABELS.values())
    return found | {controls.unit_of(key.rsplit(".", 1)[-1]) for key in controls.LABELS} - {""}


def fields(text):
    """Return the names of the fields of a text."""
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name)
