"""Where people are by day: children at school, adults at work; whom a household fetches before it leaves.

`daytime` says who is where, which no plan may change; `daytime.send_home` is the lever.
"""

from datetime import time

from pydantic import Field, model_validator

from safepassage.model.settings.authorities import AFTER
from safepassage.model.settings.base import ClockTime, DayRange, Section
from safepassage.model.settings.population import Share
from safepassage.model.settings.services import Place

SCHOOLS = [{"name": "School 4", "node": "12"}]
"""A list of one school, as an example."""
SENT_HOME = [{"name": "School 4", "at_h": 3}]
"""A list of one school that sends its children home, as an example."""


class WorkingDays(Section):
    """Hours of the same days of each week."""

    from_time: ClockTime
    """Local time at which it begins."""
    until_time: ClockTime
    """Local time at which it ends, on the same day."""
    weekdays: tuple[int, ...] = (1, 2, 3, 4, 5)
    """Days of the week, 1 (Monday) to 7 (Sunday). Assumption: Monday to Friday."""
    holidays: tuple[DayRange, ...] = Field((), examples=[[{"first_day": "2024-10-28", "last_day": "2024-11-03"}]])
    """Days on which there is none."""

    @model_validator(mode="after")
    def _within_a_day(self):
        if self.until_time <= self.from_time:
            raise ValueError(
                f"until_time = {self.until_time:%H:%M} is not after from_time = {self.from_time:%H:%M}; it ends on the "
                "day on which it begins"
            )
        wrong = [day for day in self.weekdays if not 1 <= day <= 7]
        if wrong:
            raise ValueError(f"weekdays holds {wrong[0]}; give numbers from 1 (Monday) to 7 (Sunday)")
        return self


class School(WorkingDays, Place):
    """A school: its pupils are there while it is open, and at home otherwise."""

    name: str = Field(min_length=1)
    """Name, different from every other school's."""
    from_time: ClockTime = time(8, 30)
    """Local time at which it begins. Assumption."""
    until_time: ClockTime = time(14, 0)
    """Local time at which it ends, on the same day. Assumption."""
    zones: tuple[str, ...] | None = None
    """Zones whose children go there; default: all. Of several schools a child goes to the nearest."""
    youngest: int = Field(6, ge=0, le=25)
    """Youngest pupils (years): school age in Ukraine."""
    oldest: int = Field(17, ge=0, le=25)
    """Oldest pupils (years): the same."""
    share: Share = 1.0
    """Share of the children of that age who go there, drawn once. Lower it where lessons are on the screen."""
    has_shelter: bool = False
    """Whether pupils sit in a cellar (as `basement`); else in inner rooms."""

    @model_validator(mode="after")
    def _ages(self):
        if self.oldest < self.youngest:
            raise ValueError(f"oldest = {self.oldest} is below youngest = {self.youngest}; swap them")
        return self


class Work(WorkingDays):
    """Adults who are at work by day and come home before their household leaves. Under fire they count as at home."""

    share: Share = 0.0
    """Share of the people of 18 to 64 who work away from home, drawn once. 0: nobody. In a town near the front perhaps
    0.35 (assumption)."""
    from_time: ClockTime = time(9, 0)
    """Local time at which it begins. Assumption."""
    until_time: ClockTime = time(18, 0)
    """Local time at which it ends, on the same day. Assumption."""
    return_median_s: float = Field(1800.0, gt=0, le=86400)
    """Median time from the moment their household means to leave until they are home (s); exponential. Assumption."""


class SendsHome(Section):
    """A school that sends its pupils home, and stays closed: a protective lever."""

    name: str
    """Name of the school."""
    at_h: float | None = Field(None, ge=0)
    """When the first batch leaves (h after the start of the run); give this or `after`."""
    after: str | None = AFTER
    """Name of a trigger: the first batch leaves when that acts."""
    batch_size: int = Field(30, ge=1, le=10_000)
    """Pupils of a batch. Assumption: a class."""
    every_s: float = Field(600.0, ge=0, le=86400)
    """From one batch to the next (s). Assumption."""

    @model_validator(mode="after")
    def _one_moment(self):
        if (self.at_h is None) == (self.after is None):
            raise ValueError("say when in one way: at_h (h after the start of the run) or after (a trigger)")
        return self


class Daytime(Section):
    """Who is where by day, and who is fetched. Off unless there are schools, work or relatives."""

    schools: tuple[School, ...] = Field((), examples=[SCHOOLS])
    """Schools. Parents who mean to leave fetch their children first; nobody leaves without them."""
    pickup_s: float = Field(300.0, ge=0, le=86400)
    """Time at the school until the children are found and ready (s). Assumption."""
    ask_again_s: float = Field(900.0, gt=0, le=86400)
    """Where no way to the school is open, or nobody can go, the household waits and looks again after this time (s); at
    the latest when school is over. Assumption."""
    work: Work = Work()
    """Adults at work."""
    share_with_relative: Share = 0.0
    """Share of the people of 65 and over who live alone, without a car, whom a household with a car in
    `relative_reach_m` fetches before it leaves, if they have not left. 0: none. Assumption."""
    relative_reach_m: float = Field(3000.0, ge=0, le=100_000)
    """How far away from them at most it lives (m). Assumption."""
    send_home: tuple[SendsHome, ...] = Field((), examples=[SENT_HOME])
    """Schools that send their pupils home."""


def refuse_unclear(daytime: Daytime) -> None:
    """Raise ValueError for two schools of one name, and for one that is to send children home and is not there.

    A plan may name schools over a scenario that has none: it then does nothing, and the report says so.
    """
    names = [one.name for one in daytime.schools]
    for what, given in (("daytime.schools", names), ("daytime.send_home", [one.name for one in daytime.send_home])):
        twice = [name for name in given if given.count(name) > 1]
        if twice:
            raise ValueError(f"{what}: {twice[0]!r} is named twice; keep one entry")
    for row, one in enumerate(daytime.send_home):
        if names and one.name not in names:
            raise ValueError(
                f"daytime.send_home.{row}.name = {one.name!r}: no such school; there are {', '.join(names)}"
            )
