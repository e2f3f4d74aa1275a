"""Outcomes by place: cells hold everybody, streets all delay, and a comparison tells the means over its runs."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from safepassage.experiments.outcomes.by_place import (
    DELAYS,
    LEAST_DELAY_H,
    LEAST_RESIDENTS,
    LEFT,
    STREETS,
    delay_by_street,
    left_by_cell,
    means_by_place,
    streets_drawn,
)  # fmt: skip
from safepassage.experiments.outcomes.of_run import RunInMemory
from safepassage.experiments.runs.run import manifest_of
from safepassage.model.evacuation import EvacuationModel


@pytest.fixture(scope="module")
def run():
    model = EvacuationModel("tiny_town", **{"run.duration_h": 1.5, "population.p_car": 0.9}).run()
    return RunInMemory(model.recorder.tables(), manifest_of(model))


def test_the_cells_of_a_run_hold_all_residents_and_all_who_are_left(run):
    cells, persons = left_by_cell(run).to_pandas(), run.frame("persons")
    assert cells["n_residents"].sum() == len(persons)
    assert cells["n_left"].sum() == (~persons["status"].isin(["SAFE", "DEAD"])).sum() > 0
    x, y, half_m = persons["home_x_m"], persons["home_y_m"], cells["cell_m"].iloc[0] / 2
    row = cells.iloc[int(cells["n_residents"].argmax())]
    inside = (x - row["cell_x_m"]).between(-half_m, half_m) & (y - row["cell_y_m"]).between(-half_m, half_m)
    assert inside.sum() == row["n_residents"]


def test_the_streets_of_a_run_hold_all_delay_but_what_is_too_little_to_tell(run):
    told, all_h = delay_by_street(run).to_pandas(), run.frame("links")["delay_vehicle_h"].sum()
    streets = streets_drawn(run)
    left_out_h = all_h - told["delay_vehicle_h"].sum()
    assert len(told) and 0 <= left_out_h <= LEAST_DELAY_H * streets.num_rows
    assert told["street"].max() < streets.num_rows


def test_a_comparison_by_place_tells_means_over_its_runs_and_which_differences_are_clear(tmp_path):
    def cells(left):
        return pa.table({
            "cell_x_m": [50.0, 250.0], "cell_y_m": [50.0, 50.0], "n_residents": [60, 80], "n_left": left,
            "cell_m": [100.0, 100.0],
        })  # fmt: skip

    keys = {plan: [f"{plan}{k}" for k in range(20)] for plan in ("baseline", "early")}
    for k in range(20):
        for plan, left in (("baseline", [40, 50]), ("early", [30 + k % 3, 50 + (-1) ** k])):
            for name, table in (
                (LEFT, cells(left)),
                (DELAYS, pa.table({"street": [3], "delay_vehicle_h": [float(k)]})),
                (STREETS, pa.table({"name": ["Main Street"]})),
            ):
                (tmp_path / name).mkdir(exist_ok=True)
                pq.write_table(table, tmp_path / name / f"{plan}{k}.parquet")
    found = means_by_place(tmp_path, keys)
    left = found[LEFT].to_pandas().set_index(["plan", "cell_x_m"])
    assert left.loc[("baseline", 50.0), "n_left"] == 40 and left.loc[("baseline", 250.0), "n_residents"] == 80
    changes = [(k % 3) - 10 for k in range(20)]
    assert left.loc[("early", 50.0), "change"] == pytest.approx(np.mean(changes))
    assert left["is_clear"].to_dict() == {
        ("baseline", 50.0): False, ("baseline", 250.0): False, ("early", 50.0): True, ("early", 250.0): False,
    }  # fmt: skip
    assert found[DELAYS].to_pandas()["delay_vehicle_h"].tolist() == [9.5, 9.5]
    assert found[STREETS].num_rows == 1


def test_cells_of_few_residents_are_joined_until_they_hold_enough(tmp_path):
    n = 12
    x, y = (part.ravel() * 10.0 + 5.0 for part in np.meshgrid(np.arange(n), np.arange(n)))
    table = pa.table({"cell_x_m": x, "cell_y_m": y, "n_residents": [3] * n * n, "n_left": [1] * n * n,
                      "cell_m": [10.0] * n * n})  # fmt: skip
    keys = {plan: [f"{plan}{k}" for k in range(2)] for plan in ("baseline", "early")}
    for key in (*keys["baseline"], *keys["early"]):
        for name, content in ((LEFT, table), (DELAYS, pa.table({"street": [0], "delay_vehicle_h": [1.0]})),
                              (STREETS, pa.table({"name": ["a"]}))):  # fmt: skip
            (tmp_path / name).mkdir(exist_ok=True)
            pq.write_table(content, tmp_path / name / f"{key}.parquet")
    left: pd.DataFrame = means_by_place(tmp_path, keys)[LEFT].to_pandas()
    assert set(left["cell_m"]) == {40.0} and len(left) == 2 * 9
    assert set(left["n_residents"]) == {48.0} and left["n_residents"].min() >= LEAST_RESIDENTS
    assert set(left["n_left"]) == {16.0}
