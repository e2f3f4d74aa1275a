"""Parquet files from others, read only once it is known that they fit into memory: a short file may unpack to much."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from safepassage.model.memory import refuse_if_too_large

CHANGE = "This table was not written by safepassage, or needs a larger machine."


def read_bounded(path: Path) -> pa.Table:
    """Return the table of a Parquet file. Raises ScenarioError if it would not fit into memory, else what pyarrow does.

    path: the file, which errors name.
    """
    with pq.ParquetFile(path, memory_map=False) as opened:
        about = opened.metadata
        # what is said of single columns is not asked for: where it is damaged, pyarrow ends the process
        unpacked = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))
        size = max(unpacked, 8 * about.num_rows * about.num_columns)
        refuse_if_too_large(size, str(path), CHANGE)
        texts = [field.name for field in opened.schema_arrow if _is_text(field.type)]
    if texts:
        refuse_if_too_large(size + sum(_sizes(path, texts)), str(path), CHANGE)
    with pq.ParquetFile(path, memory_map=False) as opened:
        return opened.read()


def _is_text(kind: pa.DataType) -> bool:
    return any(is_one(kind) for is_one in (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary))


def _sizes(path: Path, names: list[str]) -> Iterator[int]:
    """Yield the bytes of columns of texts once each text stands in each of its rows; they are read as codes."""
    with pq.ParquetFile(path, memory_map=False, read_dictionary=names) as opened:
        for group in range(opened.num_row_groups):
            for name in names:
                for part in opened.read_row_group(group, [name]).column(name).chunks:
                    if isinstance(part, pa.DictionaryArray):
                        lengths = pc.binary_length(part.dictionary).cast(pa.int64())
                        yield pc.sum(lengths.take(part.indices)).as_py() or 0
                    else:
                        yield part.nbytes
