"""Every table and column that a run leaves is described, with its unit, and nothing is described that no run has."""

from fnmatch import fnmatchcase

import pytest

from safepassage.model.evacuation import EvacuationModel
from safepassage.model.results.dictionary import TABLES

SHELTER = {"name": "School", "capacity": 300, "longitude_deg": -33.0, "latitude_deg": 45.0}
WARD = {"name": "Ward", "kind": "hospital", "longitude_deg": -33.0, "latitude_deg": 45.0, "n_residents": 4}
COLD = {"source": "none", "monthly_mean_c": [0] * 12}
WITH_ALL = {
    "shelters.places": [SHELTER], "truces": [{"name": "Day and night"}], "institutions": [WARD], "weather": COLD,
    "reception.places": [{"name": "Hall", "beds": 9}],
    "daytime.schools": [{"name": "School", "latitude_deg": 45.0, "longitude_deg": -33.0}],
}  # fmt: skip
"""Added to the invented town, so that the tables of shelters, truces, institutions, beds and cold are there."""


@pytest.fixture(scope="module")
def columns() -> dict[str, set[str]]:
    """Return the columns of every table of three short runs that have everything between them."""
    runs = (
        ("tiny_town", {"run.duration_h": 0.1, "run.record_positions_every_s": 60, **WITH_ALL}),
        ("pokrovsk", {"run.duration_h": 1.0, "run.step_s": 3600.0, "population.residents": 2000}),
    )
    found: dict[str, set[str]] = {}
    for name, changes in runs:
        for table, content in EvacuationModel(name, **changes).run().recorder.tables().items():
            found.setdefault(table, set()).update(content.column_names)
    return found


def test_every_table_of_a_run_is_described_and_no_other(columns):
    assert set(columns) == set(TABLES)


def test_every_column_of_a_run_is_described(columns):
    silent = [f"{table}.{name}" for table, names in columns.items() for name in names
              if TABLES[table].meaning(name) is None]  # fmt: skip
    assert not silent, f"describe them in model/results/dictionary.py: {silent}"


def test_no_column_is_described_that_no_run_has(columns):
    left = {
        f"{table}.{pattern}"
        for table, described in TABLES.items()
        for pattern in described.columns
        if not any(fnmatchcase(name, pattern) for name in columns[table])
    }
    assert left == {"front.area_wkb"}, "the front of the shipped scenarios is a distance"
