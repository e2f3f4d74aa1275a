"""Rows that are known not to be negative.

An index below zero counts from the end of an array, so numba asks of each index whether it is, at each access. The
kernels of movement go from record to record by indices that never are; not asking saves them an eighth of the time.
"""

from typing import Any

from llvmlite import ir
from numba import config, types
from numba.extending import intrinsic


@intrinsic
def row(typing_context: Any, index: int) -> Any:
    """Return an index as int64 that is known not to be negative. It must not be, and less than 2**32.

    typing_context: given by numba.
    """
    if not isinstance(index, types.Integer):
        return None

    def generate(context, builder, signature, args):
        low = context.cast(builder, args[0], signature.args[0], types.uint32)
        return builder.zext(low, ir.IntType(64))

    return types.int64(index), generate


def _itself(index: int) -> int:
    """Return an index: kernels that run as plain Python, for a debugger, gain nothing by it."""
    return index


if config.DISABLE_JIT:
    row = _itself
