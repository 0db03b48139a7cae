"""Single tensors and association lists of tensors in files.

They are safetensors files, or NumPy's where the path ends in ``.npy`` or ``.npz``. None of these
formats can hold code. What a file is, is found by its first bytes when it is read.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eshkol.base.errors import BadValue, FileProblem, WrongType
from eshkol.datum.pairs import NIL, Pair, cons, scheme_list
from eshkol.datum.symbols import Symbol
from eshkol.datum.write import short_string
from eshkol.io.atomic import write_bytes
from eshkol.io.files import host_array, path_argument, read_bytes
from eshkol.io.models import named_parameters
from eshkol.io.weights import load_tensors, save_tensors

_NPY, _NPZ = b"\x93NUMPY", b"PK"
_ONE = "tensor"
"""The name of the tensor in a safetensors file that holds one tensor."""


def _path_first(who: str, first: Any, second: Any) -> tuple[Path, Any]:
    """The path, which is a string or path object, and the other argument."""
    is_second = isinstance(second, str | Path) and not isinstance(first, str | Path)
    path, value = (second, first) if is_second else (first, second)
    return path_argument(who, path), value


def tensor_save(first: Any, second: Any) -> bool:
    """Write one tensor; the path may come first or second."""
    who = "tensor-save"
    path, value = _path_first(who, first, second)
    _save(who, path, {_ONE: _array(who, value)})
    return True


def tensor_load(path: Any) -> Any:
    """The tensor in a file that holds one."""
    who = "tensor-load"
    found = _load(who, path_argument(who, path))
    if len(found) != 1:
        raise FileProblem(
            f"{who}: expected one tensor at {path}, found {len(found)}",
            hint="read all of them with model-load",
        )
    return _tensor(who, next(iter(found.values())))


def model_save(first: Any, second: Any) -> bool:
    """Write an association list of names and tensors, or the tensors of a model."""
    who = "model-save"
    path, model = _path_first(who, first, second)
    entries = _entries(who, model)
    _save(who, path, {name: _array(who, value) for name, value in entries.items()})
    return True


def model_load(path: Any) -> Any:
    """The association list of names (strings) and tensors in a file."""
    who = "model-load"
    found = _load(who, path_argument(who, path))
    return scheme_list([cons(name, _tensor(who, array)) for name, array in found.items()])


def _entries(who: str, model: Any) -> dict[str, Any]:
    if not _is_association_list(model):
        return named_parameters(who, model)
    entries = {_name(who, pair.car): pair.cdr for pair in model}
    if len(entries) < len(list(model)):
        raise BadValue(f"{who}: a name occurs twice in {short_string(model)}")
    return entries


def _is_association_list(value: Any) -> bool:
    if value is NIL:
        return True
    return isinstance(value, Pair) and isinstance(value.car, Pair)


def _name(who: str, name: Any) -> str:
    if isinstance(name, str | Symbol):
        return name.name if isinstance(name, Symbol) else str(name)
    raise WrongType(f"{who}: expected a string or symbol as a name, got {short_string(name)}")


def _array(who: str, value: Any) -> Any:
    """A tensor in host memory; vectors and lists of numbers have the default float dtype."""
    from eshkol.xla.tensors import as_tensor

    is_array = hasattr(value, "dtype")
    return host_array(who, value if is_array else as_tensor(value, who))


def _tensor(who: str, array: Any) -> Any:
    from eshkol.xla.tensors import as_tensor

    return as_tensor(array, who, array.dtype)


def _save(who: str, path: Path, arrays: Mapping[str, Any]) -> None:
    if path.suffix not in (".npy", ".npz"):
        # The format sorts tensors, so their order is kept beside them.
        save_tensors(path, arrays, {"order": json.dumps(list(arrays))}, who)
        return
    import numpy as np

    content = io.BytesIO()
    if any(array.dtype.kind == "V" for array in arrays.values()):
        raise WrongType(f"{who}: a {path.suffix} file can't hold bfloat16", hint="tensor-cast it")
    if path.suffix == ".npz":
        np.savez(content, allow_pickle=False, **arrays)
    elif len(arrays) == 1:
        np.save(content, next(iter(arrays.values())), allow_pickle=False)
    else:
        raise BadValue(f"{who}: a .npy file holds one tensor, got {len(arrays)}")
    write_bytes(who, path, content.getvalue())


def _load(who: str, path: Path) -> dict[str, Any]:
    content = read_bytes(who, path, "a file of tensors")
    if content.startswith((_NPY, _NPZ)):
        return _from_numpy(who, path, content)
    arrays, metadata = load_tensors(path, who)
    return {name: arrays[name] for name in _order(metadata, arrays)}


def _order(metadata: Mapping[str, str], arrays: Mapping[str, Any]) -> list[str]:
    """The names as they were saved; files of others say nothing of it, or something else."""
    try:
        order = json.loads(metadata.get("order", ""))
    except ValueError:
        order = None
    known = isinstance(order, list) and len(order) == len(arrays)
    return order if known and all(name in arrays for name in order) else list(arrays)


def _from_numpy(who: str, path: Path, content: bytes) -> dict[str, Any]:
    import zipfile

    import numpy as np

    try:
        found = np.load(io.BytesIO(content), allow_pickle=False)
        return {_ONE: found} if isinstance(found, np.ndarray) else dict(found)
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile):
        raise FileProblem(
            f"{who}: expected a file of tensors at {path}, found a damaged one, or one of objects",
            hint="files of pickled objects, as torch.save writes, are not read: they can run code",
        ) from None
