"""Institutions as group quarters: batches of residents with staff, behind all households, keyed by the name."""

from dataclasses import fields

import numpy as np
import shapely

from safepassage.agents.civilians import Injury, Mobility, People, Protection, Status
from safepassage.agents.ground.arrays import counted
from safepassage.agents.households import Cause, Households
from safepassage.agents.rules.walking_speeds import free_speed_m_s
from safepassage.model.draws import Keys, Stream, digest, members_of, uniforms_for
from safepassage.model.settings.levers.institutions import AGES, Institution
from safepassage.model.streets.placing import node_of
from safepassage.model.streets.streets import Streets
from safepassage.model.streets.zones import Zones, zone_of

STAFF_AGES = (20, 60)
"""Youngest and oldest of the staff (years). Assumption."""


def with_institutions(
    institutions: tuple[Institution, ...], zones: Zones, streets: Streets, households: Households, people: People,
    seed: int,
) -> tuple[Households, People, list[str]]:  # fmt: skip
    """Return households and people with the batches of institutions behind them, and what is doubtful of those.

    All others stay as they were. zones, streets: those of the town. seed: of the run, from which all chance is drawn.
    Raises ScenarioError for an institution that is not on the streets.
    """
    notes = []
    for row, one in enumerate(institutions):
        node = node_of(one, streets, f"institutions.{row}")
        zone, is_inside = _zone_of(node, zones, streets)
        if not is_inside:
            notes.append(
                f"institutions.{row}: {one.name!r} stands in no zone. It hears the orders for the nearest one, "
                f"{zones.name[zone]}, and loses power with it."
            )
        batches, persons = _batches(one, node, zone, streets, seed, len(households))
        households, people = _joined(households, batches), _joined(people, persons)
        households.institution[-len(batches) :] = row
    return households, people, notes


def _zone_of(node: int, zones: Zones, streets: Streets) -> tuple[int, bool]:
    """Return the zone in which a node lies, or the nearest, and whether it lies in it."""
    x_m, y_m = streets.node_x_m[node : node + 1], streets.node_y_m[node : node + 1]
    zone = int(zone_of(x_m, y_m, list(zones.outline))[0])
    if zone >= 0:
        return zone, True
    return int(np.argmin(shapely.distance(zones.outline, shapely.points(x_m, y_m)))), False


def _batches(
    one: Institution, node: int, zone: int, streets: Streets, seed: int, n_before: int
) -> tuple[Households, People]:
    n = -(-one.n_residents // one.batch_size)
    n_residents = np.bincount(np.arange(one.n_residents) // one.batch_size, minlength=n)
    n_staff = np.bincount(np.arange(one.n_staff) % n, minlength=n)
    size = n_residents + n_staff
    batch, number = counted(size)
    is_staff = number >= n_residents[batch]
    place = np.full(n, digest("institution", one.name), np.uint32)
    keys = Keys(np.arange(n, dtype=np.uint32), place)
    person_keys = Keys(keys.number[batch], members_of(place[batch], number))
    u = [uniforms_for(seed, Stream.PERSON, person_keys, index=index) for index in range(3)]
    youngest, oldest = (
        np.where(is_staff, of_staff, own) for of_staff, own in zip(STAFF_AGES, AGES[one.kind], strict=True)
    )
    age = (youngest + np.floor(u[0] * (oldest - youngest + 1))).astype(np.int16)
    is_female = u[1] < 0.5
    needs = ~is_staff & (u[2] < one.p_assisted)
    mobility = np.where(needs, Mobility.NEEDS_ASSISTANCE, Mobility.UNIMPAIRED).astype(np.int8)
    u_speed = uniforms_for(seed, Stream.WALKING_SPEED, person_keys)
    n_people = age.size
    people = People(
        household=(n_before + batch).astype(np.int32), age=age, is_female=is_female, mobility=mobility,
        free_speed_m_s=free_speed_m_s(age, is_female, mobility, u_speed),
        status=np.full(n_people, Status.HOME, np.int8), protection=np.full(n_people, Protection.UPPER_FLOOR, np.int8),
        injury=np.full(n_people, Injury.NONE, np.int8), injury_time_s=np.full(n_people, np.inf),
        death_time_s=np.full(n_people, np.inf), care_time_s=np.full(n_people, np.inf),
        key=person_keys.number, place_key=person_keys.place,
    )  # fmt: skip
    x_m, y_m = float(streets.node_x_m[node]), float(streets.node_y_m[node])
    batches = Households(
        first_person=np.concatenate(([0], np.cumsum(size))).astype(np.int64),
        home_node=np.full(n, node, np.int32), home_x_m=np.full(n, x_m), home_y_m=np.full(n, y_m),
        zone=np.full(n, zone, np.int32), has_car=np.zeros(n, np.bool_), has_children=np.zeros(n, np.bool_),
        cause=np.full(n, Cause.NONE, np.int8), decision_time_s=np.full(n, np.inf), departure_time_s=np.full(n, np.inf),
        family=np.arange(n_before, n_before + n, dtype=np.int32), key=keys.number, place_key=keys.place,
    )  # fmt: skip
    return batches, people


def _joined(one, other):
    """Return rows with others behind them."""
    if isinstance(one, People):
        return People(
            **{f.name: np.concatenate((getattr(one, f.name), getattr(other, f.name))) for f in fields(People)}
        )
    names = [f.name for f in fields(Households) if f.init and f.name != "first_person"]
    first = np.concatenate((one.first_person, one.first_person[-1] + other.first_person[1:]))
    joined = Households(first, **{name: np.concatenate((getattr(one, name), getattr(other, name))) for name in names})
    joined.institution[: len(one)], joined.stays_behind[: len(one)] = one.institution, one.stays_behind
    return joined
