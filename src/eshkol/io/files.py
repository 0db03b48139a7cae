"""Paths, the bytes of files, and what the operating system says about them."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Any

from eshkol.base.errors import FileProblem, StagingError, WrongType
from eshkol.datum.pairs import EmptyList, Pair
from eshkol.datum.write import short_string

_REMEDIES = {
    errno.ENOENT: "check the spelling of the path, and that its directory exists",
    errno.EACCES: "check the permissions of the file and of its directory",
    errno.EPERM: "check the permissions of the file and of its directory",
    errno.EISDIR: "name a file, not a directory",
    errno.ENOTDIR: "a part of the path that should be a directory is a file",
    errno.ENOSPC: "make room on the disk, or write to another one",
    errno.EDQUOT: "your quota on this disk is used up: make room, or write to another one",
    errno.EROFS: "this file system is read-only: write to another one",
    errno.ENAMETOOLONG: "choose a shorter name",
}

_FOUND = {
    errno.EISDIR: "a directory",
    errno.ENOTDIR: "a file where the path needs a directory",
}
"""What is there instead of a file that can be read, where the system's words name no thing."""


def path_argument(who: str, value: Any) -> Path:
    """``value`` as a path; ``who`` is the procedure that an error names.

    Raises:
        WrongType: it is neither a string nor an ``os.PathLike``.
        FileProblem: it is empty or contains a NUL character.
    """
    if not isinstance(value, str | os.PathLike):
        raise WrongType(f"{who}: expected a path (a string), got {short_string(value)}")
    text = os.fspath(value)
    if isinstance(text, bytes):
        text = os.fsdecode(text)
    if not text or "\0" in text:
        raise FileProblem(f"{who}: expected the path of a file, got {short_string(text)}")
    return Path(text)


def host_array(who: str, value: Any) -> Any:
    """``value`` (a tensor, or anything NumPy takes) as a NumPy array in host memory.

    Raises:
        StagingError: it is the tracer of a program that is being staged.
        WrongType: it is no tensor.
    """
    import numpy as np

    if is_tracer(value):
        raise StagingError(
            f"{who}: the numbers of {short_string(value)} are not known while staging",
            hint="call it outside of jit, grad and vmap, with the tensors that they return",
        )
    try:
        array = np.asarray(_nested_lists(value))
    except (TypeError, ValueError):
        array = np.asarray(None)
    if array.dtype.kind in "OUSMmV" and not _is_extension_float(array.dtype):
        raise WrongType(f"{who}: expected a tensor, got {short_string(value)}")
    return array


def _nested_lists(value: Any) -> Any:
    if isinstance(value, list | tuple | Pair | EmptyList):
        return [_nested_lists(item) for item in value]
    return value


def is_tracer(value: Any) -> bool:
    """Whether ``value`` stands for a tensor in a program that JAX is tracing; imports nothing."""
    jax = sys.modules.get("jax")
    return jax is not None and isinstance(value, jax.core.Tracer)


def _is_extension_float(dtype: Any) -> bool:
    return dtype.type.__module__.partition(".")[0] == "ml_dtypes"


def read_bytes(who: str, path: Path, what: str) -> bytes:
    """The whole content of the file ``path``, which should be ``what`` (``"an IDX file"``).

    Raises:
        FileProblem: it can't be read; the message names the path and what was expected.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        found = _FOUND.get(error.errno or 0) or _reason(error)
        raise FileProblem(
            f"{who}: expected {what} at {path}, found {found}", hint=_remedy(error)
        ) from None


def os_problem(beginning: str, error: OSError) -> FileProblem:
    """A user error that begins with ``beginning`` and ends with what the system said."""
    return FileProblem(f"{beginning} {_reason(error)}", hint=_remedy(error))


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _remedy(error: OSError) -> str:
    return _REMEDIES.get(error.errno or 0, "")
