"""How kernels are compiled: what Python calls and what only kernels call.

A part is called by kernels alone. It has no entry for Python, and a process that calls one from Python dies: making
that entry, which unpacks every array of a crowd, takes a quarter of the time that compiling takes. Neither has an
entry for C, which nobody calls.
"""

import contextlib
import glob
import hashlib
import os
from collections.abc import Callable
from types import ModuleType
from typing import Any

from numba import njit
from numba.core.caching import IndexDataCacheFile

_ALWAYS = {"cache": True, "nogil": True, "no_cfunc_wrapper": True}
_PART = {**_ALWAYS, "no_cpython_wrapper": True}
_NO_COUNT = {"error_model": "numpy", "_nrt": False}


class _KeptFiles(IndexDataCacheFile):
    """The files in which a kernel's machine code is kept, each named by what it was compiled from.

    numba numbers them, and writes the index, which says that all are up to date, before the code. After a change of
    the kernel or of numba, whoever reads between the two writes, or after a first one that was broken off, would run
    the machine code of before the change. Here the code is written first, under a name that only the same version of
    numba, source and types lead to.
    """

    def save(self, key: Any, data: Any) -> None:
        """Write machine code, then say in the index that it is there; remove what was compiled before a change."""
        made_from = repr((self._version, self._source_stamp, key))
        name = self._data_name(int(hashlib.sha256(made_from.encode()).hexdigest()[:12], 16))
        kept = self._load_index()
        self._save_data(name, data)
        self._save_index({**kept, key: name})
        if not kept:
            for path in glob.glob(glob.escape(self._index_path.removesuffix("nbi")) + "*.nbc"):
                if os.path.basename(path) != name:
                    with contextlib.suppress(OSError):  # another process has removed it, or reads it on Windows
                        os.remove(path)


def _kept(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return a decorator: numba's njit with these options, whose machine code is kept in files of ours."""

    def mark(function: Callable[..., Any]) -> Any:
        kernel = njit(**options)(function)
        cache: Any = getattr(kernel, "_cache", None)  # none where the user told numba not to compile
        if hasattr(cache, "_cache_file"):
            cache._cache_file = _KeptFiles(cache.cache_path, cache._impl.filename_base, cache._cache_file._source_stamp)
        return kernel

    return mark


kernel = _kept(**_ALWAYS)
part = _kept(**_PART)

# Nothing is allocated inside, so references need not be counted: counting takes nine tenths of the time of a kernel
# that hands many arrays on.
lean_kernel = _kept(**_ALWAYS, **_NO_COUNT)
lean_part = _kept(**_PART, **_NO_COUNT)
inlined_part = _kept(**_PART, **_NO_COUNT, forceinline=True)


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
