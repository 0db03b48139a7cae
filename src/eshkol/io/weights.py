"""Named tensors in safetensors files: the weights of a model.

The format is https://huggingface.co/docs/safetensors: a header that names each tensor with its
type and shape, and their bytes. Reading it runs no code, unlike a pickle.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eshkol.base.errors import BadValue, FileProblem, WrongType
from eshkol.datum.tensor_text import dtype_text
from eshkol.io.atomic import write_bytes
from eshkol.io.files import host_array, path_argument, read_bytes

if TYPE_CHECKING:
    import numpy as np

DTYPES = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "U16": "uint16",
    "I16": "int16",
    "U32": "uint32",
    "I32": "int32",
    "U64": "uint64",
    "I64": "int64",
    "F16": "float16",
    "BF16": "bfloat16",
    "F32": "float32",
    "F64": "float64",
    "C64": "complex64",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
}
"""The NumPy (or ``ml_dtypes``) name of each element type, by its name in the file."""

_RESERVED = "__metadata__"
_WHAT = "a safetensors file"
_SHOWN = 8


def save_tensors(
    path: str | Path,
    tensors: Mapping[str, Any],
    metadata: Mapping[str, str] | None = None,
    who: str = "save-weights",
) -> None:
    """Write named tensors to ``path``, whole or not at all.

    Args:
        path: the file to create or replace.
        tensors: each tensor (JAX, NumPy, or nested lists of numbers) by its name.
        metadata: short texts to keep with them.
        who: the procedure that an error names.

    Raises:
        FileProblem: the file can't be written.
        WrongType: a tensor's element type has no place in the format.
        BadValue: a name or a metadata entry is not a string, or is reserved.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "w.safetensors"
        >>> save_tensors(path, {"w": [1.0, 2.0]}, {"model": "line"})
        >>> load_tensors(path)
        ({'w': array([1., 2.])}, {'model': 'line'})
    """
    from safetensors import SafetensorError
    from safetensors.numpy import save

    path = path_argument(who, path)
    arrays = {_checked_name(who, name): _storable(who, name, t) for name, t in tensors.items()}
    texts = dict(metadata or {})
    if not all(isinstance(text, str) for item in texts.items() for text in item):
        raise BadValue(f"{who}: expected metadata of strings, got {texts}")
    try:
        content = save(arrays, texts or None)
    except SafetensorError as error:
        raise BadValue(f"{who}: these tensors can't be saved: {error}") from None
    write_bytes(who, path, content)


def load_tensors(
    path: str | Path, who: str = "load-weights"
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The named tensors in the safetensors file at ``path``, and its metadata.

    Raises:
        FileProblem: the file is missing, damaged or of another kind; the message names the path
            and what was expected.
    """
    from safetensors import SafetensorError, deserialize

    path = path_argument(who, path)
    content = read_bytes(who, path, _WHAT)
    try:
        entries = deserialize(content)
        return {name: _array(entry) for name, entry in entries}, _metadata(content)
    except (SafetensorError, ValueError, KeyError, TypeError):
        raise FileProblem(
            f"{who}: expected {_WHAT} at {path}, found {_kind(content)}",
            hint="the file is damaged or of another kind: save it again with save-weights",
        ) from None


def match_tensors(
    path: str | Path,
    loaded: Mapping[str, Any],
    expected: Mapping[str, tuple[tuple[int, ...], Any]],
    who: str = "load-weights",
) -> None:
    """Check that the tensors of a file are those of a model.

    Args:
        path: the file they come from.
        loaded: its tensors by name.
        expected: the shape and element type (or its name) of each of the model's tensors by name.
        who: the procedure that an error names.

    Raises:
        FileProblem: names, shapes or types differ; one error lists all the differences.
    """
    found = {name: (tuple(t.shape), _dtype_name(t.dtype)) for name, t in loaded.items()}
    wanted = {name: (tuple(shape), _dtype_name(dtype)) for name, (shape, dtype) in expected.items()}
    missing = [name for name in wanted if name not in found]
    unknown = [name for name in found if name not in wanted]
    changed = [name for name in wanted if name in found and found[name] != wanted[name]]
    if not (missing or unknown or changed):
        return
    counts = {"missing": missing, "unknown": unknown, "of another shape or type": changed}
    summary = ", ".join(f"{len(names)} {what}" for what, names in counts.items() if names)
    lines = [f"missing in the file: {name}, {_described(wanted[name])}" for name in missing]
    lines += [f"unknown to the model: {name}, {_described(found[name])}" for name in unknown]
    lines += [
        f"{name} is {_described(found[name])} in the file, {_described(wanted[name])} in the model"
        for name in changed
    ]
    more = len(lines) - _SHOWN
    raise FileProblem(
        f"{who}: expected this model's {len(wanted)} tensors at {path}, "
        f"found a weights file of another model: {summary}",
        hint="\n".join(lines[:_SHOWN] + [f"and {more} more"] * (more > 0)),
    )


def _checked_name(who: str, name: Any) -> str:
    if isinstance(name, str) and name != _RESERVED:
        return name
    raise BadValue(f"{who}: expected a string other than {_RESERVED} as a name, got {name!r}")


def _storable(who: str, name: str, tensor: Any) -> np.ndarray:
    import numpy as np

    array = host_array(who, tensor)
    if array.dtype.name not in DTYPES.values():
        raise WrongType(
            f"{who}: {name} has elements of type {array.dtype.name}, which {_WHAT} can't hold",
            hint="tensor-cast changes the type of a tensor's elements",
        )
    return np.asarray(array, order="C")


def _array(entry: Mapping[str, Any]) -> np.ndarray:
    import numpy as np

    name = DTYPES[entry["dtype"]]
    if name.startswith(("bfloat", "float8")):
        import ml_dtypes

        dtype = np.dtype(getattr(ml_dtypes, name))
    else:
        dtype = np.dtype(name)
    shape = tuple(entry["shape"])
    if not entry["data"]:
        return np.zeros(shape, dtype)
    elements = np.frombuffer(entry["data"], dtype.newbyteorder("<"))
    return elements.reshape(shape).astype(dtype)


def _metadata(content: bytes) -> dict[str, str]:
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]).get(_RESERVED, {})


def _kind(content: bytes) -> str:
    """What ``content`` looks like, by the bytes that it begins with."""
    if not content:
        return "an empty file"
    known = {
        b"PK": "a zip archive, as torch.save and numpy.savez write",
        b"\x93NUMPY": "a NumPy array",
        b"\x89HDF": "an HDF5 file",
        b"\x1f\x8b": "a gzip file",
        b"\x80": "a pickle",
    }
    for magic, kind in known.items():
        if content.startswith(magic):
            return kind
    expected = _described_length(content)
    instead = "" if expected in (None, len(content)) else f" instead of {expected}"
    return f"a damaged or foreign one of {len(content)} bytes{instead}"


def _described_length(content: bytes) -> int | None:
    """How long the header says that the file is; None if it can't be read."""
    start = 8 + int.from_bytes(content[:8], "little")
    try:
        header = json.loads(content[8:start])
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != _RESERVED]
        return start + max(ends, default=0)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        return None


def _dtype_name(dtype: Any) -> str:
    return str(getattr(dtype, "name", dtype))


def _described(kind: tuple[tuple[int, ...], str]) -> str:
    shape, dtype = kind
    return f"{dtype_text(dtype)}[{','.join(map(str, shape))}]"
