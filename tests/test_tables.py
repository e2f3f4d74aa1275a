import numpy as np
import pandas as pd
import pytest

from safepassage.model.inputs.tables import N_SHOWN, Table, read_table
from safepassage.model.settings.base import ScenarioError


def table(**columns):
    return Table("t.csv", pd.DataFrame(columns))


def test_what_is_right_passes_and_comes_out_as_numbers_codes_and_flags():
    read = table(n=["1", "2.5"], kind=["Slow_Walk", "fast"], car=["yes", "FALSE"])
    assert read.numbers("n", 0, 3).tolist() == [1.0, 2.5]
    assert read.choices("kind", {"slow walk": 7, "fast": 8}).tolist() == [7, 8]
    assert read.flags("car").tolist() == [True, False]
    read.check()


def test_every_mistake_is_told_at_once_with_row_column_value_and_change():
    read = table(n=["1", "many", "nan"], kind=["a", "b", "c"])
    numbers = read.numbers("n", 0, 10, whole=True)
    assert numbers[0] == 1 and np.isnan(numbers[1:]).all()
    assert read.known("kind", {"a": 0, "b": 1}, "there is no such kind").tolist() == [0, 1, -1]
    with pytest.raises(ScenarioError) as told:
        read.check()
    assert str(told.value).splitlines() == [
        "t.csv: row 2: n = 'many'; give a whole number from 0 to 10.",
        "t.csv: row 3: n = 'nan'; give a whole number from 0 to 10.",
        "t.csv: row 3: kind = 'c'; there is no such kind.",
    ]


def test_of_many_mistakes_of_a_kind_a_few_are_shown_and_the_others_counted():
    read = table(n=["x"] * 2000, kind=["y"] * 2000)
    read.numbers("n")
    read.choices("kind", {"a": 0})
    assert len(read.mistakes) == 2 * (N_SHOWN + 1)
    assert read.mistakes[N_SHOWN] == f"t.csv: {2000 - N_SHOWN:,} more rows have such a n."


def test_rows_are_called_as_the_caller_says():
    read = Table("t.csv", pd.DataFrame({"n": ["x"]}), rows=[17], row="line")
    read.numbers("n")
    assert read.mistakes == ["t.csv: line 17: n = 'x'; give a number."]


def test_all_columns_that_are_missing_are_named(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ScenarioError, match="no column 'c', 'd'; the columns are a, b"):
        read_table(path, ("a", "c", "d"))


def test_a_table_read_again_is_as_its_file_is_then_whatever_was_done_to_the_first(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a\n1\n", encoding="utf-8")
    first = read_table(path, ("a",))
    first.frame["a"] = 5
    assert read_table(path, ("a",))["a"].tolist() == ["1"]
    path.write_text("a\n1\n2\n", encoding="utf-8")
    assert read_table(path, ("a",))["a"].tolist() == ["1", "2"]
