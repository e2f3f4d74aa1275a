"""Streets, exits and shelters closed on purpose, by those who manage the evacuation: protective levers."""

from typing import Annotated

from pydantic import Field, model_validator

from safepassage.model.settings.base import NamedStreet, Section

_Hours = Annotated[float, Field(ge=0)]


class _Closed(Section):
    """Something closed from one moment to another."""

    from_h: _Hours = 0.0
    """From when it is closed (h after the start of the run)."""
    until_h: _Hours | None = None
    """When it opens again (h after the start of the run); default: not within the run."""

    @model_validator(mode="after")
    def _in_order(self):
        if self.until_h is not None and self.until_h <= self.from_h:
            raise ValueError(f"until_h = {self.until_h} is not after from_h = {self.from_h}")
        return self


class ClosedStreet(NamedStreet, _Closed):
    """A street that nobody may enter; who is on it may leave it."""

    walkers_pass: bool = False
    """Whether people on foot may still enter."""


class ClosedExit(_Closed):
    """An exit that nobody may leave by."""

    name: str
    """Name of the exit."""


class ClosedShelter(_Closed):
    """A shelter that lets nobody in; who is inside comes out at the next look."""

    name: str
    """Name of the shelter."""


class Contraflow(NamedStreet, _Closed):
    """A two-way street whose lanes into the town serve the way out: closed to cars the one way, wider the other.

    `between` two nodes: the way out is from the first to the second. By `name`: on each piece it is the way whose end
    is nearer to an exit by car. Every piece must be open to cars both ways.
    """


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
