import json
import threading

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safepassage.model.evacuation import EvacuationModel
from safepassage.model.results import columns, run_folder
from safepassage.model.results.manifest import Manifest
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.run import LONGEST_H

COLUMNS = {"time_s": np.array([0.0, 60.0]), "n_safe": np.array([1, 2]), "zone": ["a", None]}
UNITLESS_FLOATS = {"exits.used_share"}
"""Columns of floats that are shares or plain numbers."""


@pytest.fixture(scope="module")
def tables():
    return EvacuationModel("tiny_town", **{"run.duration_h": 1.0}).run().recorder.tables()


def simple():
    return {"one": columns.table(COLUMNS), "two": columns.table({"x_m": np.arange(5.0)})}


# --- written whole or not at all ------------------------------------------------------------------------------------


def test_a_run_comes_back_as_it_was_written(tmp_path):
    folder = run_folder.write_run(tmp_path / "runs" / "town", simple(), {"seed": 3})
    run = run_folder.RunFolder(folder)
    assert folder == tmp_path / "runs" / "town" and run.manifest["seed"] == 3
    assert run.frame("one")["n_safe"].tolist() == [1, 2]
    assert run.units("one") == {"time_s": "s", "n_safe": "1", "zone": ""}
    assert sorted(p.name for p in folder.iterdir()) == ["manifest.json", "one.parquet", "two.parquet"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), MemoryError()])
def test_a_crash_in_the_middle_leaves_nothing(tmp_path, monkeypatch, error):
    n_written = []

    def fail_at_the_second(*args, write=pq.write_table, **kwargs):
        if n_written:
            raise error
        n_written.append(1)
        write(*args, **kwargs)

    monkeypatch.setattr(run_folder.pq, "write_table", fail_at_the_second)
    with pytest.raises(ScenarioError if isinstance(error, OSError) else type(error)):
        run_folder.write_run(tmp_path / "town", simple(), {})
    assert n_written and list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path):
    first = run_folder.write_run(tmp_path / "town", simple(), {"seed": 1})
    before = {p.name: p.read_bytes() for p in first.iterdir()}
    second = run_folder.write_run(tmp_path / "town", simple(), {"seed": 2})
    assert second.name == "town-2" and run_folder.RunFolder(second).manifest["seed"] == 2
    assert {p.name: p.read_bytes() for p in first.iterdir()} == before


def test_a_file_of_the_name_is_left_alone(tmp_path):
    (tmp_path / "town").write_text("mine")
    assert run_folder.write_run(tmp_path / "town", simple(), {}).name == "town-2"
    assert (tmp_path / "town").read_text() == "mine"


def test_writers_at_the_same_moment_get_a_folder_each(tmp_path):
    start, written = threading.Barrier(8), []

    def write(seed):
        start.wait()
        written.append((seed, run_folder.write_run(tmp_path / "town", simple(), {"seed": seed})))

    threads = [threading.Thread(target=write, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({folder for _, folder in written}) == 8 == len(list(tmp_path.iterdir()))
    for seed, folder in written:
        run = run_folder.RunFolder(folder)
        assert run.manifest["seed"] == seed and len(run.frame("two")) == 5


def test_a_folder_that_takes_no_files_is_known_beforehand(tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ScenarioError, match="nothing can be written there"):
            run_folder.check_writable(folder)
        with pytest.raises(ScenarioError, match="could not be written"):
            run_folder.write_run(folder / "town", simple(), {})
    run_folder.check_writable(tmp_path / "new" / "below")
    assert list((tmp_path / "new" / "below").iterdir()) == []


def test_what_is_not_a_run_is_refused(tmp_path):
    with pytest.raises(ScenarioError, match="this is not a run"):
        run_folder.open_run(tmp_path)
    for text, message in (("{", "not a manifest"), ("[]", "not a manifest"), ('{"schema_version": 0}', "schema 0")):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(ScenarioError, match=message):
            run_folder.open_run(tmp_path)


def test_a_table_that_is_not_there_or_damaged_is_named(tmp_path):
    run = run_folder.RunFolder(run_folder.write_run(tmp_path / "town", simple(), {}))
    with pytest.raises(ScenarioError, match="no table 'three'; there are one, two"):
        run.frame("three")
    (run.path / "two.parquet").write_bytes((run.path / "two.parquet").read_bytes()[:40])
    with pytest.raises(ScenarioError, match=r"two\.parquet: this table cannot be read"):
        run.frame("two")


def test_the_manifest_holds_what_repeats_a_run(tmp_path):
    manifest = json.loads((EvacuationModel("tiny_town").save(tmp_path) / "manifest.json").read_text())
    assert {"scenario", "seed", "versions", "inputs", "digests", "timings_s", "schema_version"} <= set(manifest)
    assert {"tiny_town.graphml", "tiny_town_zones.geojson"} <= {name.rsplit("/")[-1] for name in manifest["inputs"]}
    assert {"python", "safepassage", "mesa", "numba", "numpy", "commit"} <= set(manifest["versions"])


# --- digests --------------------------------------------------------------------------------------------------------


def test_a_digest_is_of_the_values_and_not_of_the_file(tmp_path, tables):
    for name, table in tables.items():
        expected = columns.digest(table)
        for compression, rows in (("zstd", 100), ("none", 1_000_000)):
            pq.write_table(table, tmp_path / "t.parquet", compression=compression, row_group_size=rows)
            assert columns.digest(pq.read_table(tmp_path / "t.parquet")) == expected, name
        assert columns.digest(table.replace_schema_metadata({"written": "yesterday"})) == expected
        n = len(table) // 2
        assert columns.digest(pa.concat_tables([table.slice(0, n), table.slice(n)])) == expected


def test_a_run_written_twice_has_the_digests_of_its_tables(tmp_path, tables):
    folder = run_folder.write_run(tmp_path / "town", tables, {})
    recorded = run_folder.RunFolder(folder).manifest["digests"]
    assert recorded == {name: columns.digest(pq.read_table(folder / f"{name}.parquet")) for name in tables}


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=20), st.data())
def test_any_changed_value_changes_the_digest(values, data):
    changed = list(values)
    at = data.draw(st.integers(0, len(values) - 1))
    changed[at] = np.nextafter(changed[at], -np.inf if changed[at] > 0 else np.inf)
    first, second = (columns.digest(columns.table({"x_m": np.array(v)})) for v in (values, changed))
    assert first != second


def test_names_types_and_order_of_columns_count():
    one = columns.digest(columns.table({"x_m": np.array([1.0]), "y_m": np.array([2.0])}))
    for other in (
        {"y_m": np.array([1.0]), "x_m": np.array([2.0])},
        {"x_m": np.array([1], np.float32), "y_m": np.array([2.0])},
        {"y_m": np.array([2.0]), "x_m": np.array([1.0])},
    ):
        assert columns.digest(columns.table(other)) != one


# --- units ----------------------------------------------------------------------------------------------------------


def test_every_column_of_floats_has_a_unit(tables):
    without = {
        f"{name}.{field.name}"
        for name, table in tables.items()
        for field in table.schema
        if (pa.types.is_floating(field.type) or pa.types.is_list(field.type)) and not field.metadata[b"unit"]
    }
    assert without == UNITLESS_FLOATS


def test_every_column_of_counts_is_named_as_one(tables):
    codes = {"person", "household", "family", "party", "link", "cluster", "age", "thing"}
    unnamed = {
        f"{name}.{field.name}"
        for name, table in tables.items()
        for field in table.schema
        if pa.types.is_integer(field.type) and not field.name.startswith("n_") and field.name not in codes
    }
    assert unnamed == set()


@pytest.mark.parametrize(
    ("column", "unit"),
    [
        ("time_s", "s"),
        ("x_m", "m"),
        ("free_flow_speed_m_s", "m/s"),
        ("flow_capacity_per_s", "1/s"),
        ("exposure_person_h", "person-hours"),
        ("delay_vehicle_h", "vehicle-hours"),
        ("median_arrival_h", "h"),
        ("n_persons", "1"),
        ("n_out_by_gate_s", "1"),
        ("zone", ""),
    ],
)
def test_the_unit_is_read_off_the_name(column, unit):
    assert columns.unit_of(column) == unit


def test_the_unit_is_kept_in_the_file(tmp_path, tables):
    run = run_folder.RunFolder(run_folder.write_run(tmp_path / "town", tables, {}))
    assert run.units("persons")["safe_time_s"] == "s" and run.units("links")["x_m"] == "m"
    assert isinstance(run.frame("persons"), pd.DataFrame)


def test_a_table_is_made_once_and_only_when_it_is_asked_for():
    made = []

    def columns_of(name):
        return lambda: made.append(name) or {"n_people": np.arange(3)}

    tables = columns.Tables({"persons": columns_of("persons"), "links": columns_of("links")})
    assert list(tables) == ["persons", "links"] and "links" in tables and made == []
    assert tables["links"] is tables["links"] and made == ["links"]
    assert {name: table.num_rows for name, table in tables.items()} == {"persons": 3, "links": 3}


def test_the_manifest_of_the_longest_run_can_be_read():
    known = {"schema_version": 1, "scenario": {}, "seed": 1, "warning_time_s": 0.0, "versions": {}, "digests": {}}
    assert Manifest.model_validate(known | {"simulated_s": LONGEST_H * 3600.0}).simulated_s == LONGEST_H * 3600.0
