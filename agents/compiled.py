"""How kernels are compiled: what Python calls and what only kernels call.

A part is called by kernels alone. It has no entry for Python, and a process that calls one from Python dies: making
that entry, which unpacks every array of a crowd, takes a quarter of the time that compiling takes. Neither has an
entry for C, which nobody calls.
"""

import os
from collections.abc import Callable
from types import ModuleType
from typing import Any

from numba import njit

_ALWAYS = {"cache": True, "nogil": True, "no_cfunc_wrapper": True}
_PART = {**_ALWAYS, "no_cpython_wrapper": True}
_NO_COUNT = {"error_model": "numpy", "_nrt": False}

kernel = njit(**_ALWAYS)
part = njit(**_PART)

# Nothing is allocated inside, so references need not be counted: counting takes nine tenths of the time of a kernel
# that hands many arrays on.
lean_kernel = njit(**_ALWAYS, **_NO_COUNT)
lean_part = njit(**_PART, **_NO_COUNT)
inlined_part = njit(**_PART, **_NO_COUNT, forceinline=True)


def calls_kernels_of(*modules: ModuleType) -> Callable[[Any], Any]:
    """Return a decorator of a kernel that calls kernels of other files: if one of them changes, it is compiled anew.

    numba's cache itself looks only at the file in which a kernel stands.
    """

    def mark(kernel: Any) -> Any:
        file = getattr(getattr(kernel, "_cache", None), "_cache_file", None)
        if file is not None:
            states = [os.stat(str(module.__file__)) for module in modules]
            file._source_stamp = (file._source_stamp, *((one.st_mtime, one.st_size) for one in states))
        return kernel

    return mark


def called_with_one_set_of_types(kernel: Any) -> Callable[..., Any]:
    """Return a function that calls a kernel whose arguments have the same types whenever it is called.

    numba looks up the types of all arguments at each call, which for some forty arrays takes six times as long as
    handing them over; here it does so at the first call. Only for arguments that are made in one place: of arrays of
    another dtype or layout nobody would notice it.
    """
    hand_over: Callable[..., Any] | None = None

    def call(*arguments: Any) -> Any:
        nonlocal hand_over
        if hand_over is not None:
            return hand_over(*arguments)
        result = kernel(*arguments)
        is_compiled = hasattr(kernel, "get_overload")
        hand_over = kernel.get_overload(tuple(map(kernel.typeof_pyval, arguments))) if is_compiled else kernel
        return result

    return call
