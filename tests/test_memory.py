"""What a scenario or a file would take of memory is told before it is taken, with the key and what to change."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from safepassage.model import memory
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.hazard.impacts import Area
from safepassage.model.hazard.records import replay
from safepassage.model.inputs.geojson import read_collection
from safepassage.model.inputs.parquet_files import read_bounded
from safepassage.model.inputs.tables import read_csv
from safepassage.model.memory import Need, refuse_needs
from safepassage.model.settings.errors import ScenarioError
from safepassage.model.settings.shelling import RecordedShelling
from safepassage.model.state.state_file import saved
from safepassage.model.streets.reading.graphml import read_graph

POINT = {"name": "School", "latitude_deg": 45.0, "longitude_deg": -33.0}
FLEET = {"name": "Buses", "n_vehicles": 300_000_000, "seats": 50}


@pytest.fixture
def little(monkeypatch):
    """So little is free that a town of 2,000 fits, and no more."""
    monkeypatch.setattr(memory, "free_bytes", lambda: 20_000_000)


@pytest.mark.parametrize(
    ("key", "changes"),
    [
        ("population.residents", {"population.residents": 900_000_000}),
        ("run.step_s", {"run.step_s": 1e-6, "run.record_every_s": 300}),
        ("run.record_every_s", {"run.step_s": 0.5, "run.record_every_s": 1e-6}),
        ("services.ambulances.n", {"services.ambulances.n": 300_000_000}),
        ("services.fleets.0.n_vehicles", {"services.fleets": [{**FLEET, "serves": "door_to_door"}]}),
        ("services.fleets.0.n_vehicles", {"services.pickup_points": [POINT], "services.fleets": [FLEET]}),
        ("shelling.sources.0.cell_m", {"shelling.sources.0.warm_up_h": 2400, "shelling.sources.0.cell_m": 5}),
        ("shelling.sources.0.warm_up_h", {"shelling.sources.0.warm_up_h": 200_000}),
        ("shelling.sources.0", {"shelling.sources.0.events_per_day": 300_000}),
    ],
)
def test_a_number_that_asks_for_more_memory_than_is_free_is_refused_with_its_key(little, key, changes):
    with pytest.raises(ScenarioError, match=rf"^{key}: .* GiB of memory.* are free\. [A-Z]"):
        EvacuationModel("tiny_town", **changes)


def test_more_vehicles_that_come_later_count_as_well(little):
    later = [{"fleet": "Buses", "n_vehicles": 300_000_000, "at_h": 1}]
    changes = {"services.fleets": [{**FLEET, "n_vehicles": 1}], "services.pickup_points": [POINT]}
    with pytest.raises(ScenarioError, match=r"^services\.fleets\.0\.n_vehicles: .*reinforcements"):
        EvacuationModel("tiny_town", **changes, **{"services.reinforcements": later})


def test_people_of_a_table_are_counted_before_they_are_made(little, tmp_path):
    table = tmp_path / "households.csv"
    table.write_text(
        "household,n_persons,longitude_deg,latitude_deg\n" + "".join(f"h{i},1000,-33,45\n" for i in range(200))
    )
    with pytest.raises(ScenarioError, match=r"households\.csv: 200,000 people need"):
        EvacuationModel("tiny_town", **{"population.households_file": str(table)})


def test_copies_of_recorded_events_are_counted_before_they_are_made(little, tmp_path):
    table = tmp_path / "events.csv"
    table.write_text("time,x_m,y_m,n_events\n2024-08-01T06:00Z,1,1,1000\n")
    settings = RecordedShelling(file=table, n_repeats=2000, first_day="2024-08-01", last_day="2024-08-01")
    with pytest.raises(ScenarioError, match=r"^shelling\.sources\.3\.n_repeats: 2,000,000 copies of events"):
        replay(settings, Area(0, 0, 10, 10), 1, "UTC", source_number=3)


def test_files_are_refused_once_it_is_known_what_they_unpack_to(little, tmp_path):
    content = {
        "many.csv": ("a,b\n" + "1,2\n" * 200_000, read_csv),
        "many.geojson": ("[" + "1," * 200_000 + "1]", read_collection),
        "many.graphml": (" " * 2_000_000, read_graph),
    }
    for name, (text, read) in content.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(ScenarioError, match=rf"{name}: [\d,]+ (cells|values|bytes) of .* need about"):
            read(tmp_path / name)


def test_a_short_parquet_file_that_unpacks_to_much_is_refused(little, tmp_path):
    long = pa.array(["x" * 10_000])
    rows = pa.DictionaryArray.from_arrays(np.zeros(100_000, np.int32), long)
    pq.write_table(pa.table({"name": rows}), tmp_path / "bomb.parquet", store_schema=False)
    assert (tmp_path / "bomb.parquet").stat().st_size < 5_000
    with pytest.raises(ScenarioError, match=r"bomb\.parquet: this needs about 0\.9 GiB"):
        read_bounded(tmp_path / "bomb.parquet")


def test_a_parquet_file_that_fits_is_read_as_it_is(tmp_path):
    table = pa.table({"name": ["a", "bb", None] * 50, "n": range(150), "parts": [[1.0], [], None] * 50})
    pq.write_table(table, tmp_path / "t.parquet")
    assert read_bounded(tmp_path / "t.parquet").equals(table)


def test_a_state_that_unpacks_to_much_is_refused(little, tmp_path):
    np.savez_compressed(tmp_path / "state.npz", header=np.zeros(3_000_000))
    with pytest.raises(ScenarioError, match=r"state\.npz: this needs about"):
        saved(tmp_path / "state.npz")


def test_needs_are_added_up_and_the_greatest_is_named(monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda: 2**30)
    needs = [Need("a", 6, "cups", 2**27, "Wash fewer."), Need("b", 7, "pots", 2**27, "Cook less.")]
    for one in needs:
        refuse_needs([one])
    with pytest.raises(
        ScenarioError, match=r"^b: 7 pots need about 0\.9 GiB of memory \(1\.6 GiB with everything else\), and"
    ):
        refuse_needs(needs)


def test_where_the_system_does_not_tell_what_is_free_nothing_is_refused(monkeypatch):
    too_much = [Need("a", 1e30, "cups", 1, "Wash fewer.")]
    monkeypatch.setattr(memory, "free_bytes", lambda: 2**40)
    with pytest.raises(ScenarioError, match="cups"):
        refuse_needs(too_much)
    monkeypatch.setattr(memory, "free_bytes", lambda: None)
    assert refuse_needs(too_much) is None


def test_the_limit_of_the_process_counts_where_it_is_lower_than_what_the_machine_has():
    resource = pytest.importorskip("resource")
    program = (
        "import resource; from safepassage.model.memory import free_bytes; before = free_bytes();"
        f"resource.setrlimit(resource.RLIMIT_AS, (2**32, {resource.RLIM_INFINITY}));"
        "print(before, free_bytes())"
    )
    printed = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    before, after = map(int, map(float, printed.split()))
    assert 0 < after <= min(2**32, before)
