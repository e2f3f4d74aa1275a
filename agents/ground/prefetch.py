"""Ask for memory before it is needed.

The kernels of movement jump from street to street in the order of time, so that nearly every record comes from far
away in memory. Asking for those of the next few events at once lets the processor wait for them side by side.
"""

from typing import Any

from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic

from safepassage.agents.ground.arrays import Records

LINE_BYTES = 64
"""Length of a line of the cache; records are aligned to it."""


@intrinsic
def prefetch(typing_context: Any, array: Records, index: int, line: int) -> Any:
    """Ask for one line (0, 1, ...) of array[index], to be read or written soon; any index is safe, nothing changes.

    array: C-contiguous, 1-D, or 2-D (index then counts elements from its start). typing_context: given by numba.
    """

    def generate(context, builder, signature, args):
        rows = context.make_array(signature.args[0])(context, builder, args[0])
        row = context.cast(builder, args[1], signature.args[1], types.int64)
        line = context.cast(builder, args[2], signature.args[2], types.int64)
        byte = ir.IntType(8).as_pointer()
        offset = builder.add(builder.mul(row, rows.itemsize), builder.mul(line, line.type(LINE_BYTES)))
        address = builder.gep(builder.bitcast(rows.data, byte), [offset])
        flag = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, flag, flag, flag])
        ask = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch")
        builder.call(ask, [address, flag(0), flag(3), flag(1)])  # to read, keep, data
        return context.get_dummy_value()

    return types.void(array, index, line), generate


def _nothing(array: Records, index: int, line: int) -> None:
    """Do nothing: kernels that run as plain Python, for a debugger, need nothing fetched early."""


if config.DISABLE_JIT:
    prefetch = _nothing
