"""What authorities do while a run goes on: triggers that they wait for, and what they close. Protective levers."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, model_validator

from safepassage.model.settings.base import ClockTime, NamedStreet, Section
from safepassage.model.settings.damage import NamedUtility
from safepassage.model.settings.population import Share

_Hours = Annotated[float, Field(ge=0)]

CONDITIONS = (
    "after", "front_within_km", "impacts_per_day", "street_lost", "utility_lost", "share_left_below",
)  # fmt: skip
"""Keys of a trigger of which it needs at least one; all that are given must hold at one moment."""

AFTER = Field(None, examples=["front near"])
"""Field of something that waits for a trigger, named by its name."""


class Trigger(Section):
    """Something that authorities wait for. Orders, closures, curfew windows and reinforcements may name it.

    Authorities look at every whole hour of the run. A trigger acts once: after `known_after_h` and `lead_time_h`, even
    if what it waited for has passed by then.
    """

    name: str = Field(min_length=1)
    """Name, different from every other trigger's."""
    zones: tuple[str, ...] | None = None
    """Names of the zones that front, impacts, utilities and residents are looked at in; default: all of them."""
    after: str | None = None
    """Another trigger, which must have acted before."""
    front_within_km: float | None = None
    """The front is no farther than this from the nearest home in `zones` (km), as officials count from the edge of a
    town."""
    impacts_per_day: float | None = Field(None, gt=0)
    """At least so many impacts fell within the outlines of `zones` in the 24 hours before (1/day)."""
    street_lost: NamedStreet | None = Field(None, examples=[{"name": "Bridge Street"}])
    """Debris, craters, a lost bridge or a dated loss close a link of this street to cars."""
    utility_lost: NamedUtility | None = Field(None, examples=["power"])
    """This does not work in at least one of `zones`."""
    share_left_below: Share | None = None
    """Fewer than this share of those who lived in `zones` at the start are still in the area."""
    known_after_h: _Hours = 6.0
    """Time until authorities know (h). Assumption: reports of the day come in by the evening."""
    lead_time_h: _Hours = 0.0
    """Time from then until they act: to decide, to find crews and vehicles (h). Assumption: none."""
    at_time: ClockTime | None = None
    """They act when clocks show this for the first time after that; default: at once."""

    @model_validator(mode="after")
    def _something_to_wait_for(self):
        if all(getattr(self, name) is None for name in CONDITIONS):
            raise ValueError(f"trigger {self.name!r} waits for nothing; give at least one of {', '.join(CONDITIONS)}")
        return self


def refuse_unclear(triggers: tuple[Trigger, ...], named: list[tuple[str, str]]) -> None:
    """Raise ValueError for two triggers of one name, a name that none has, and triggers that wait for each other.

    triggers: those of a scenario. named: (key, name of a trigger) of everything else that waits for one.
    """
    known = {trigger.name: trigger for trigger in triggers}
    names = [trigger.name for trigger in triggers]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"{twice[0]!r} is the name of two triggers; give each a different name")
    chained = [(f"triggers.{row}.after", one.after) for row, one in enumerate(triggers) if one.after is not None]
    for key, name in (*named, *chained):
        if name not in known:
            there = ", ".join(known) or "none; name some under `triggers`"
            raise ValueError(f"{key} = {name!r}: there is no such trigger; there are {there}")
    for trigger in triggers:
        path, at = [trigger.name], trigger
        while at.after is not None:
            at = known[at.after]
            path.append(at.name)
            if at.name in path[:-1]:
                raise ValueError(f"triggers wait for each other and can never act: {' after '.join(path)}")


class Closed(Section):
    """Something closed from one moment to another."""

    from_h: _Hours = 0.0
    """From when it is closed (h after the start of the run)."""
    until_h: _Hours | None = None
    """When it opens again (h after the start of the run); default: not within the run."""
    closes_after: str | None = AFTER
    """Name of a trigger: it closes when that acts, instead of at `from_h`."""
    opens_after: str | None = AFTER
    """Name of a trigger: it opens when that acts, instead of at `until_h`."""

    def moments_s(self, acts_s: Mapping[str, float]) -> tuple[float, float]:
        """Return when it closes and when it opens (s); inf: never, as things stand.

        acts_s: by name, when each trigger acts of which it is known (s).
        """
        from_s, until_s = self.from_h * 3600.0, float("inf") if self.until_h is None else self.until_h * 3600.0
        if self.closes_after is not None:
            from_s = acts_s.get(self.closes_after, float("inf"))
        if self.opens_after is not None:
            until_s = acts_s.get(self.opens_after, float("inf"))
        return from_s, until_s

    @model_validator(mode="after")
    def _in_order(self):
        if self.closes_after is not None and self.from_h > 0:
            raise ValueError("say when it closes in one way: from_h or closes_after")
        if self.opens_after is not None and self.until_h is not None:
            raise ValueError("say when it opens in one way: until_h or opens_after")
        if self.until_h is not None and self.until_h <= self.from_h:
            raise ValueError(f"until_h = {self.until_h} is not after from_h = {self.from_h}")
        return self


class ClosedStreet(NamedStreet, Closed):
    """A street that nobody may enter; who is on it may leave it."""

    walkers_pass: bool = False
    """Whether people on foot may still enter."""


class ClosedExit(Closed):
    """An exit that nobody may leave by."""

    name: str
    """Name of the exit."""


class ClosedShelter(Closed):
    """A shelter that lets nobody in; who is inside comes out at the next look."""

    name: str
    """Name of the shelter."""


class Contraflow(NamedStreet, Closed):
    """A two-way street whose lanes into the town serve the way out: closed to cars the one way, wider the other.

    `between` two nodes: the way out is from the first to the second. By `name`: on each piece it is the way whose end
    is nearer to an exit by car. Every piece must be open to cars both ways.
    """


class Police(Closed):
    """Police direct the traffic at a junction: each stream in turn, for as long as it needs.

    So the streams that are there share all of the time, and signals count for nothing, dark or lit. That changes from
    one to the other take no time is an assumption: officers hold each for minutes.
    """

    node: str | None = None
    """Id of the junction's node; give this or `crossing`."""
    crossing: tuple[str, str] | None = None
    """Names of two streets, in letters of any case: every junction at which both meet."""
    favours: str | None = None
    """Name of a street that comes first; by default each has time in proportion to streets.junction_factor."""
    favoured_share: Share = 0.67
    """Share of the time of that street while others wait. Assumption."""

    @model_validator(mode="after")
    def _one_junction(self):
        if (self.node is None) == (self.crossing is None):
            raise ValueError("say where in exactly one way: node (its id) or crossing (names of two streets)")
        if not 0 < self.favoured_share < 1:
            raise ValueError(f"favoured_share = {self.favoured_share:g} must be above 0 and below 1")
        return self


class Checkpoint(Closed):
    """A place on a road where every vehicle is stopped and looked at, one after another; a queue builds before it."""

    exit: str | None = None
    """Name of an exit: it stands on each road that leads to it; give this or `between`."""
    between: tuple[str, str] | None = None
    """Ids of two nodes: it stands at the end of the link from the first to the second."""
    inspect_s: float = Field(15.5, gt=0)
    """Time for one vehicle (s). 15.5: 232 vehicles an hour passed the checkpoint of the Lachin road on 29 September
    2023. Filtration takes minutes for each (assumption)."""
    n_bays: int = Field(1, ge=1)
    """Vehicles that are looked at side by side."""

    @model_validator(mode="after")
    def _one_place(self):
        if (self.exit is None) == (self.between is None):
            raise ValueError("say where in exactly one way: exit (its name) or between (ids of two nodes)")
        return self


class Closures(Section):
    """What is closed on purpose, and when. Known as fast as any closed street or exit is."""

    streets: tuple[ClosedStreet, ...] = Field((), examples=[[{"name": "Main Street", "from_h": 2}]])
    """Streets; none by default."""
    exits: tuple[ClosedExit, ...] = ()
    """Exits; none by default."""
    shelters: tuple[ClosedShelter, ...] = ()
    """Shelters; none by default."""
    contraflow: tuple[Contraflow, ...] = Field((), examples=[[{"name": "Main Street", "from_h": 1, "until_h": 6}]])
    """Streets all of whose lanes lead out; none by default. An exit then lets out streets.exit_flow_per_lane_per_s for
    each lane that leads to it, unless its capacity is stated. Evacuations reached 800 to 1,000 vehicles an hour and
    lane with it against 600 without (Louisiana, trid.trb.org/view.aspx?id=1093433)."""
    checkpoints: tuple[Checkpoint, ...] = Field((), examples=[[{"exit": "North road", "inspect_s": 60, "n_bays": 2}]])
    """Checkpoints; none by default. `closes_after` and `opens_after` name the triggers with which they come and go."""
    police: tuple[Police, ...] = Field((), examples=[[{"crossing": ["Main Street", "Ring Road"], "from_h": 1}]])
    """Junctions at which police direct the traffic; none by default. `closes_after` and `opens_after` name the triggers
    with which they come and go."""
