"""Institutions: hospitals, care homes and prisons, who is in them, and when they are brought out in batches.

`institutions` says who is there, which no plan may change; `institutions_leave` is the lever.
"""

from enum import StrEnum

from pydantic import Field, model_validator

from safepassage.model.settings.authorities import AFTER
from safepassage.model.settings.base import Section
from safepassage.model.settings.population import Share
from safepassage.model.settings.services import Place


class InstitutionKind(StrEnum):
    """What an institution is; sets the ages of its residents and how many need assistance."""

    HOSPITAL = "hospital"
    CARE_HOME = "care_home"
    PRISON = "prison"


AGES = {
    InstitutionKind.HOSPITAL: (18, 90), InstitutionKind.CARE_HOME: (65, 95), InstitutionKind.PRISON: (18, 65),
}  # fmt: skip
"""Youngest and oldest resident by kind (years); all ages between are equally likely. Assumption."""
ASSISTED = {InstitutionKind.HOSPITAL: 0.5, InstitutionKind.CARE_HOME: 0.7, InstitutionKind.PRISON: 0.02}
"""Share of the residents who need assistance to move, by kind. Assumption."""
HOME = [{"name": "Care home", "kind": "care_home", "node": "12", "n_residents": 60, "n_staff": 10}]
"""A list of one institution, as an example."""
LEAVES = [{"name": "Care home", "at_h": 24, "every_s": 1800, "beds": 40}]
"""A list of one evacuation of an institution, as an example."""


class Institution(Place):
    """A place where people live or lie together. They are residents besides those of the zones.

    They leave in batches with staff, when `institutions_leave` says so, fetched at the door by fleets that serve
    `door_to_door`; nothing else moves them. Their chance is drawn by the institution's name.
    """

    name: str = Field(min_length=1)
    """Name, different from every other institution's."""
    kind: InstitutionKind
    """What it is."""
    n_residents: int = Field(gt=0, le=100_000)
    """Patients, residents or prisoners."""
    n_staff: int = Field(0, ge=0, le=100_000)
    """Staff who stay with them, shared out over the batches."""
    batch_size: int = Field(4, ge=1, le=100)
    """Residents who leave together, in one vehicle; it must have seats for them and their staff. Assumption: what an
    armoured van takes."""
    share_assisted: Share | None = None
    """Share of the residents who need assistance; each takes a wheelchair or stretcher place
    (`services.fleets.N.wheelchair_places`) or two seats. Default: 0.5 in a hospital, 0.7 in a care home, 0.02 in a
    prison. Assumption."""

    @property
    def p_assisted(self) -> float:
        """Share of the residents who need assistance."""
        return ASSISTED[self.kind] if self.share_assisted is None else self.share_assisted


class InstitutionLeaves(Section):
    """An institution is brought out: a protective lever."""

    name: str
    """Name of the institution."""
    at_h: float | None = Field(None, ge=0)
    """When the first batch is ready (h after the start of the run); give this or `after`."""
    after: str | None = AFTER
    """Name of a trigger: the first batch is ready when that acts."""
    every_s: float = Field(1800.0, ge=0)
    """From one batch that is ready to the next (s). Assumption."""
    beds: int | None = Field(None, ge=0)
    """Beds at the receiving end; residents beyond them stay. Default: one for each."""
    comes_first: bool = True
    """Whether vehicles fetch its batches before everybody else who waits to be fetched."""

    @model_validator(mode="after")
    def _one_moment(self):
        if (self.at_h is None) == (self.after is None):
            raise ValueError("say when in one way: at_h (h after the start of the run) or after (a trigger)")
        return self


def refuse_unclear(institutions: tuple[Institution, ...], leaves: tuple[InstitutionLeaves, ...]) -> None:
    """Raise ValueError for two institutions of one name, for two evacuations of one, and for one of none that is there.

    A plan that brings out an institution may be laid over a scenario that has none: it then does nothing, and the
    report says so. institutions: those of the scenario. leaves: which are brought out.
    """
    names = [one.name for one in institutions]
    for what, given in (("institutions", names), ("institutions_leave", [one.name for one in leaves])):
        twice = [name for name in given if given.count(name) > 1]
        if twice:
            raise ValueError(f"{what}: {twice[0]!r} is named twice; keep one entry")
    for row, one in enumerate(leaves):
        if names and one.name not in names:
            there = ", ".join(names)
            raise ValueError(f"institutions_leave.{row}.name = {one.name!r}: no such institution; there are {there}")
