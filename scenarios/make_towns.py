"""Write `towns/`: a scenario for each town whose officials quoted how far away the front was.

    python scenarios/make_towns.py

Each is SCHEMATIC: Tiny Town's streets, with the front, the first count, the residents before the war and the days of
the town (tables/towns_front_quoted.csv, tables/towns_residents_reported.csv, with their sources). `safepassage verify
towns` scores the same towns on the daily series of the front, which is not shipped.
"""

from pathlib import Path

import yaml

from safepassage.experiments.fits.towns import TownSeries, read_towns
from safepassage.experiments.fits.towns_simulated import STREETS, keys_of
from safepassage.model.settings.scenario import shipped

HERE = Path(__file__).parent
FOLDER = HERE / "towns"
MOST_PEOPLE = 2000
"""Residents simulated at most: as many as Tiny Town's streets have homes for."""
LAST_H = 36_000.0
"""Longest run that a scenario may have (h)."""
PATHS = ("streets.network", "population.zones")


def file_of(town: TownSeries) -> str:
    """Return the name of a town's scenario.

    town: a town and scope, such as city or hromada.
    """
    return f"{town.town}_{town.scope}".lower().replace(" ", "_").replace("-", "_")


def text_of(town: TownSeries) -> str:
    """Return the scenario of a town as YAML, with what a reader must know first.

    town: a town and scope with the distances that officials quoted.
    """
    keys = yaml.safe_load(shipped()[STREETS].read_text(encoding="utf-8"))
    n = int(min(town.first_count, MOST_PEOPLE))
    sample = f"{n:,} of the {town.first_count:,.0f} people counted on {town.first_date:%d %B %Y} are simulated. "
    keys |= {
        "name": file_of(town),
        "title": f"{town.town} ({town.scope}), schematic: who leaves as the front comes nearer?",
        "notice": f"SCHEMATIC: the streets are invented and are not those of {town.town}. {sample}"
        "Distances of the front are those that officials quoted.",
    }
    keys["streets"].pop("background", None)  # the river of another town
    for dotted, value in {**keys_of(town), "population.residents": n, "run.step_s": 3600}.items():
        _set(keys, dotted, value)
    keys["run"]["duration_h"] = min(keys["run"]["duration_h"], LAST_H)
    for dotted in PATHS:
        section, key = dotted.split(".")
        keys[section][key] = f"../{keys[section][key]}"
    about = f"# {town.town} ({town.scope}), SCHEMATIC. Made by make_towns.py; change that, not this file.\n"
    return about + yaml.safe_dump(keys, sort_keys=False, allow_unicode=True, width=110)


def _set(keys: dict, dotted: str, value: object) -> None:
    *parents, last = dotted.split(".")
    at = keys
    for part in parents:
        at = at.setdefault(part, {})
    at[last] = value


def main() -> None:
    """Write the scenarios of all quoted towns."""
    FOLDER.mkdir(exist_ok=True)
    for town in read_towns(None):
        (FOLDER / f"{file_of(town)}.yaml").write_text(text_of(town), encoding="utf-8")


if __name__ == "__main__":
    main()
