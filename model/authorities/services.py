"""Services that wait for a trigger: trains that begin or end, hours of stops, fleets and ambulances."""

from collections.abc import Mapping
from typing import Any

from safepassage.model.clock import open_hours


def follow(services: Any, trigger: str, acts_s: Mapping[str, float]) -> None:
    """Let happen at its moment what waits for a trigger: vehicles join, hours begin or end, trains begin or end.

    services: of the run. trigger: its name. acts_s: by name, when each trigger acts of which authorities know (s).
    """
    services.reinforcements.act(trigger, acts_s[trigger])
    services.trains.follow(trigger, acts_s[trigger])
    settings, scenario = services.settings, services.model.settings
    at_work = (
        *zip(services.stops, settings.pickup_points, strict=False),
        *zip(services.fleets, settings.fleets, strict=True),
        (services.ambulances, settings.ambulances),
    )
    for work, stated in at_work:
        if any(trigger in (one.after, one.ends_after) for one in stated.hours):
            work.hours = open_hours(stated.hours, scenario.run, scenario.shelling.time_zone, acts_s)
