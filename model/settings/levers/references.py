"""Names by which parts of a scenario refer to each other: triggers, truces, institutions, schools, warm places."""

from typing import Any

from safepassage.model.settings.authorities import refuse_unclear as refuse_triggers
from safepassage.model.settings.levers.daytime import refuse_unclear as refuse_daytime
from safepassage.model.settings.levers.institutions import refuse_unclear as refuse_institutions
from safepassage.model.settings.levers.truces import refuse_unclear as refuse_truces
from safepassage.model.settings.levers.warm_places import refuse_unclear as refuse_warm_places
from safepassage.model.settings.services import waiting_for_triggers


def refuse_unclear(scenario: Any) -> None:
    """Raise ValueError for a name that is used and not there, or there twice; scenario: a `Scenario` being checked."""
    waiting = [(f"orders.{row}.after", order.after) for row, order in enumerate(scenario.orders)]
    for kind in ("streets", "exits", "shelters", "contraflow", "checkpoints", "police"):
        for row, closed in enumerate(getattr(scenario.closures, kind)):
            waiting.append((f"closures.{kind}.{row}.closes_after", closed.closes_after))
            waiting.append((f"closures.{kind}.{row}.opens_after", closed.opens_after))
    waiting += [(f"curfew.windows.{row}.after", window.after) for row, window in enumerate(scenario.curfew.windows)]
    waiting += waiting_for_triggers(scenario.services)
    orders = enumerate(scenario.damage.crews.orders)
    waiting += [(f"damage.crews.orders.{row}.after", one.after) for row, one in orders]
    waiting += [(f"institutions_leave.{row}.after", one.after) for row, one in enumerate(scenario.institutions_leave)]
    waiting += [(f"daytime.send_home.{row}.after", one.after) for row, one in enumerate(scenario.daytime.send_home)]
    refuse_daytime(scenario.daytime)
    refuse_institutions(scenario.institutions, scenario.institutions_leave)
    refuse_triggers(scenario.triggers, [(key, name) for key, name in waiting if name is not None])
    obeyed = [(f"orders.{row}.truce", one.truce) for row, one in enumerate(scenario.orders)]
    refuse_truces(scenario.truces, [(key, name) for key, name in obeyed if name is not None])
    refuse_warm_places(scenario.warm_places)
