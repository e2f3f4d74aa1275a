"""Checks that a table is one that runs write: its columns, rows that differ, numbers with a unit, nan and inf."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from safepassage.model.results.columns import unit_of
from safepassage.model.results.dictionary import TABLES
from safepassage.model.settings.errors import ScenarioError

FRONT = "front"
"""The table of which columns are there depends on how the front is given."""
NEVER_EMPTY = ("persons", "timeseries", "zones", "links", "exits", "exposure")
"""Tables that have a row in every run."""

ONE_ROW_EACH = {
    "timeseries": ["time_s"],
    "exits": ["exit"],
    "exit_states": ["time_s", "exit"],
    "links": ["link"],
    "onward_roads": ["link"],
    "persons": ["person"],
    "shelter_states": ["time_s", "shelter"],
    "trips": ["party"],
    "vehicles": ["vehicle"],
    "zones": ["zone"],
}
"""Table -> columns of which no two rows hold the same values."""


def no_numbers(found: pa.Table, name: str) -> dict[str, str]:
    """Return the columns of a table that hold nan or inf where its description gives these no meaning: name -> which.

    found: the table. name: of the table; one that is not described has no such columns.
    """
    columns = TABLES[name].columns if name in TABLES else {}
    wrong = {}
    for field in found.schema if columns else ():
        values = found[field.name].combine_chunks()
        values = values.flatten() if pa.types.is_list(field.type) else values
        if pa.types.is_floating(values.type):
            numbers, said = values.to_numpy(zero_copy_only=False), columns.get(field.name, "")
            for what, is_so in (("nan", np.isnan), ("inf", np.isinf)):
                if f"{what}:" not in said and is_so(numbers).any():
                    wrong[field.name] = what
    return wrong


def refuse_other_columns(found: pa.Table, name: str, path: Path) -> None:
    """Raise ScenarioError unless a table is one that runs write. path: of its file, which the message names."""
    described = TABLES.get(name)
    wanted = [] if described is None or name == FRONT else [one for one in described.columns if "*" not in one]
    wrong = [one for one in wanted if one not in found.column_names]
    for field in found.schema if described is not None else ():
        is_list = pa.types.is_list(field.type) and field.name in ("x_m", "y_m")
        kind = field.type.value_type if is_list else field.type
        is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
        is_odd = pa.types.is_null(kind) or pa.types.is_nested(kind) or (is_number and found[field.name].null_count)
        if is_odd or (unit_of(field.name) and not is_number):
            wrong.append(field.name)
    if name in NEVER_EMPTY and found.num_rows == 0:
        raise ScenarioError(f"{path}: this table of a run has no rows. Run the scenario again.")
    if not wrong:
        wrong.extend(no_numbers(found, name))
    if not wrong and name in ONE_ROW_EACH:
        keys = ONE_ROW_EACH[name]
        if found.group_by(keys).aggregate([]).num_rows < found.num_rows:
            raise ScenarioError(
                f"{path}: two rows of this table have the same {' and '.join(keys)}, which a run never writes. Take "
                "the folder from where it was made, or run the scenario again."
            )
    if wrong:
        raise ScenarioError(
            f"{path}: column {wrong[0]!r} is not there, or holds something else than a run writes. Take the folder "
            "from where it was made, or run the scenario again."
        )
