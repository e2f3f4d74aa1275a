"""Table columns with their units, and the digest of a table."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

SCHEMA_VERSION = 1


UNITS = {
    "_s": "s",
    "_m": "m",
    "_km": "km",
    "_h": "h",
    "_rad": "rad",
    "_c": "degrees Celsius",
    "_m_s": "m/s",
    "_per_s": "1/s",
    "_person_h": "person-hours",
    "_vehicle_h": "vehicle-hours",
    "age": "years",
}
"""Unit by the end of a column's name, longest match first; `n_` counts; the rest are names, codes or shares."""


def unit_of(column: str) -> str:
    """Return the unit of a column, read off its name; "1" for counts; "" for names and codes."""
    if column.startswith("n_"):
        return "1"
    endings = [ending for ending in UNITS if column.endswith(ending)]
    return UNITS[max(endings, key=len)] if endings else ""


def digest(table: pa.Table) -> str:
    """Return the SHA-256 of a table's columns: names, types and values, whatever the file they stand in."""
    sink = hashlib.sha256()
    for name in table.column_names:
        column = table.column(name).combine_chunks()
        if pa.types.is_list(column.type):  # Parquet names the items otherwise than Arrow does
            column = column.cast(pa.list_(column.type.value_type))
        sink.update(f"{name}:{column.type};{len(column)};".encode())
        batch = pa.record_batch([column], names=[name])
        sink.update(batch.serialize().to_pybytes())
    return sink.hexdigest()


def table(columns: dict[str, Any]) -> pa.Table:
    """Return an Arrow table of named columns, each with its unit in the field's metadata."""
    arrays = {name: values if isinstance(values, pa.Array) else pa.array(values) for name, values in columns.items()}
    schema = pa.schema(
        [pa.field(name, array.type, metadata={"unit": unit_of(name)}) for name, array in arrays.items()],
        metadata={"schema_version": str(SCHEMA_VERSION)},
    )
    return pa.table(list(arrays.values()), schema=schema)


class Tables(Mapping):
    """Arrow tables by name, each made of its columns when it is first asked for: a sweep needs few of them."""

    def __init__(self, columns_of: dict[str, Callable[[], dict[str, Any]]]) -> None:
        """columns_of: name of the table -> function that returns its columns."""
        self._columns_of = columns_of
        self._made: dict[str, pa.Table] = {}

    def __getitem__(self, name: str) -> pa.Table:
        if name not in self._made:
            self._made[name] = table(self._columns_of[name]())
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._columns_of

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns_of)

    def __len__(self) -> int:
        return len(self._columns_of)


def as_lists(first: np.ndarray, values: np.ndarray) -> pa.ListArray:
    """Return a list column: row i holds values[first[i]:first[i + 1]]."""
    return pa.ListArray.from_arrays(pa.array(first.astype(np.int32)), pa.array(values))
