"""Care, the injured on foot, vehicles that are hit and draws by name, measured in whole runs of Tiny Town."""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from safepassage.agents.civilians import Injury, Status
from safepassage.agents.rules.harm import p_death_with_care_after
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.settings.scenario import load

QUIET: dict[str, Any] = {"shelling.sources": [], "run.step_s": 600}
SOON_S = 1800.0


def rows(n_seeds: int) -> Iterator[list[str]]:
    """Yield what was measured, each as a row of texts: what, found, beside. n_seeds: runs of each."""
    yield from _care(n_seeds)
    yield from _on_foot(n_seeds)
    yield _vehicles(n_seeds)
    yield from _names()


def _hurt(model: EvacuationModel, person: np.ndarray) -> None:
    """Injure people seriously, as an impact now would."""
    people = model.people
    people.injury[person], people.injury_time_s[person] = Injury.SERIOUS, model.time_s
    model.under_fire.note_when_they_die(person.astype(np.int32))
    model.services.attend(person, model.time_s)


def _on_the_way(model: EvacuationModel, until_h: float) -> np.ndarray:
    """Let a model run until a time; return the households that are then on the streets."""
    while model.time_s < until_h * 3600.0:
        model.step()
    households = np.arange(len(model.households))
    return households[model.movement.link_of(households) >= 0]


def _care(n_seeds: int) -> Iterator[list[str]]:
    """Hurt one of every household of several on the way: those out soon die as care on arrival lets them."""
    for n_ambulances in (0, 20):
        died, out, due = 0, 0, 0.0
        for seed in range(1, n_seeds + 1):
            keys = QUIET | {"run.duration_h": 30, "services.ambulances.n": n_ambulances}
            model = EvacuationModel("tiny_town", rng=seed, **keys)
            hurt: dict[int, float] = {}
            while model.time_s < 3 * 3600.0:
                way = _on_the_way(model, model.time_s / 3600.0 + 1 / 6)
                person = model.households.first_person[way[model.households.n_members[way] > 1]]
                person = person[~np.isin(person, list(hurt))]
                _hurt(model, person)
                hurt |= dict.fromkeys(person.tolist(), model.time_s)
            person, from_s = np.array(list(hurt)), np.array(list(hurt.values()))
            harm = model.settings.harm
            model.run()
            late_s = model.parties.arrival_time_s[model.people.household[person]] - from_s
            soon = person[late_s < SOON_S]
            out += soon.size
            died += int((model.people.status[soon] == Status.DEAD).sum())
            due += sum(
                p_death_with_care_after(
                    delay_s, harm.p_death_with_care, harm.p_death_without_care, harm.care_in_vain_after_h * 3600.0
                )
                for delay_s in late_s[late_s < SOON_S]
            )
        yield [
            f"4. seriously injured on the way, out within 30 min, {n_ambulances} ambulances: died",
            f"{died} of {out}: {died / out:.1%}",
            f"{due / out:.1%} by the delay of each; 17 % without care",
        ]


def _on_foot(n_seeds: int) -> Iterator[list[str]]:
    """Hurt one of every third household on foot: they arrive later than in the run in which nobody is hurt."""
    later, together, waits, delays = 0, 0, 0, []
    for seed in range(1, n_seeds + 1):
        keys = QUIET | {"run.duration_h": 8, "population.p_car": 0.0, "population.p_car_lone_65": 0.0}
        keys |= {"harm.p_death_without_care": 1e-4, "harm.p_death_with_care": 1e-4, "movement.walk_out_limit_m": 10_000}
        pair = []
        for is_hurt in (False, True):
            model = EvacuationModel("tiny_town", rng=seed, **keys)
            way = _on_the_way(model, 1.0)
            way = way[(model.households.n_members[way] > 1)][::3]
            if is_hurt:
                _hurt(model, model.households.first_person[way])
            pair.append(model.run().parties.arrival_time_s[way])
        both = np.isfinite(pair[0]) & np.isfinite(pair[1])
        together += int(np.isfinite(pair[0]).sum())
        waits += int((np.isfinite(pair[0]) & ~np.isfinite(pair[1])).sum())
        delay_s = (pair[1] - pair[0])[both]
        later += int((delay_s > 1.0).sum())
        delays.append(delay_s)
    minutes = np.concatenate(delays) / 60.0
    yield [
        "5. walking households of several with one seriously injured: arrive later, or not",
        f"{later} + {waits} of {together}",
        f"median {np.median(minutes):.0f} min later, a tenth more than {np.quantile(minutes, 0.9):.0f} min",
    ]


def _vehicles(n_seeds: int) -> list[str]:
    """Count how often two people of one car are hurt by one impact, beside what shared and separate luck give."""
    both, shared, apart = 0, 0.0, 0.0
    keys: dict[str, Any] = {"shelling.sources.0.events_per_day": 40_000, "harm.casualty_scale": 2.0, "run.step_s": 600,
                            "harm.rooms.lull_median_s": 0.0, "behaviour.decide_every_s": 600}  # fmt: skip
    for seed in range(1, n_seeds + 1):
        model = EvacuationModel("tiny_town", rng=seed, **keys, **{"run.duration_h": 1.0})
        harm, seen = model.under_fire.harm, []

        def injure(injury, injured_at_s, impacts, pairs, protection, aboard=None, harm=harm, seen=seen):
            unhurt = injury[pairs.person] == Injury.NONE
            found = type(harm).injure(harm, injury, injured_at_s, impacts, pairs, protection, aboard)
            if aboard is not None:
                kept = unhurt[aboard[0]]
                at, vehicle = aboard[0][kept], aboard[1][kept]
                hit = np.isin(pairs.person[at], found.person)
                key = vehicle.number.astype(np.int64) << 32 | vehicle.place
                seen.append((key, hit, harm.risks(impacts, pairs, protection)[at]))
            return found

        harm.injure = injure  # type: ignore[method-assign]
        model.run()
        share = model.settings.harm.share_of_vehicle_luck**2
        for key, hit, p in seen:
            for vehicle in np.unique(key):
                aboard = np.flatnonzero(key == vehicle)
                n_pairs = aboard.size * (aboard.size - 1) / 2
                n_hit = int(hit[aboard].sum())
                both += n_hit * (n_hit - 1) // 2
                shared += n_pairs * float(share * p[aboard[0]] + (1 - share) * p[aboard[0]] ** 2)
                apart += n_pairs * float(p[aboard[0]] ** 2)
    return [
        "11. two people of one car hurt by one impact",
        f"{both} times",
        f"{shared:.0f} by the luck that they share, {apart:.0f} if each had their own",
    ]


def _names() -> Iterator[list[str]]:
    """Add residents, a zone and families that split; count who else changes."""
    town = json.loads(load("tiny_town").population.zones.read_text(encoding="utf-8"))
    before = EvacuationModel("tiny_town")
    with TemporaryDirectory(prefix="harm_rows") as folder:
        path = Path(folder) / "zones.geojson"
        town["features"][-1]["properties"]["population"] += 10
        path.write_text(json.dumps(town), encoding="utf-8")
        more = EvacuationModel("tiny_town", **{"population.zones": str(path)})
        yield ["12. ten more residents of one zone: others with another threshold", *_others(before, more, "last")]
        town["features"][-1]["properties"]["population"] -= 10
        outline = [[[-33.0095, 44.9975], [-32.99, 44.9975], [-32.99, 45.0], [-33.0095, 45.0], [-33.0095, 44.9975]]]
        added = {"zone_id": 99, "name": "Added", "population": 10}
        town["features"].insert(0, {"type": "Feature", "properties": added,
                                    "geometry": {"type": "Polygon", "coordinates": outline}})  # fmt: skip
        path.write_text(json.dumps(town), encoding="utf-8")
        more = EvacuationModel("tiny_town", **{"population.zones": str(path)})
        yield ["12. a zone inserted first: others with another home, age or threshold", *_others(before, more, "first")]
    split = EvacuationModel("tiny_town", **{"population.p_split": 0.02})
    row = {(int(k), int(p)): i for i, (k, p) in enumerate(zip(before.people.key, before.people.place_key, strict=True))}
    rows_before = [row[int(k), int(p)] for k, p in zip(split.people.key, split.people.place_key, strict=True)]
    moved = before.people.household[rows_before] != split.people.household
    changed = before.people.age[rows_before] != split.people.age
    room = before.population.usual_room[rows_before] != split.population.usual_room
    families = split.households.family[split.people.household]
    of_split = np.isin(families, split.households.family[len(before.households) :])
    yield [
        "12. p_split 0.02: persons in another household, age or room",
        f"{moved.sum()}, {changed.sum()}, {room.sum()} of {moved.size:,}",
        f"outside the families that split: {(moved & ~of_split).sum()}, {(changed & ~of_split).sum()}, "
        f"{(room & ~of_split).sum()}",
    ]


def _others(before: EvacuationModel, after: EvacuationModel, changed: str) -> list[str]:
    """Return how many households of the zones that were not changed differ, and of how many."""
    names = before.zones.name[:-1] if changed == "last" else before.zones.name
    n_changed, n = 0, 0
    for name in names:
        found = []
        for model in (before, after):
            homes, people = model.households, model.people
            here = np.flatnonzero(homes.zone == model.zones.name.index(name))
            found.append([homes.home_x_m[here], homes.home_y_m[here], homes.leaving_threshold[here],
                          people.age[homes.first_person[here]]])  # fmt: skip
        n += found[0][0].size
        same = np.logical_and.reduce([a == b for a, b in zip(*found, strict=True)])
        n_changed += int((~same).sum())
    return [f"{n_changed} of {n:,} households", "0 if draws hang on names"]
