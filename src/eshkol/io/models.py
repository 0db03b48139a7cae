"""Models in files: the tensors of a closure or structure, named by their variables."""

from __future__ import annotations

from typing import Any

from eshkol.base.errors import WrongType
from eshkol.datum.pairs import cons, scheme_list
from eshkol.datum.values import UNSPECIFIED
from eshkol.datum.write import short_string
from eshkol.io.weights import load_tensors, match_tensors, save_tensors
from eshkol.xla.leaf_names import leaf_names
from eshkol.xla.transforms import is_inexact
from eshkol.xla.trees import BUFFERS, flatten, unflatten


def named_parameters(who: str, model: Any) -> dict[str, Any]:
    """The inexact tensors of a model, and its buffers, by the variables that lead to them."""
    leaves, _ = flatten(model)
    found = {
        name: leaf
        for name, leaf in zip(leaf_names(model), leaves, strict=True)
        if is_inexact(leaf) or id(leaf) in BUFFERS
    }
    if not found:
        raise WrongType(
            f"{who}: {short_string(model)} holds no tensors",
            hint="a model is a closure over tensors, or a structure of such",
        )
    return found


def model_parameters(model: Any) -> Any:
    """The association list of names and tensors of a model."""
    pairs = named_parameters("model-parameters", model).items()
    return scheme_list([cons(name, tensor) for name, tensor in pairs])


def save_weights(path: Any, model: Any) -> Any:
    """Write the tensors of a model to a safetensors file; either argument may come first."""
    path, model = _path_first(path, model)
    tensors = named_parameters("save-weights", model)
    name = getattr(model, "__name__", type(model).__name__)
    save_tensors(path, tensors, {"format": "eshkol", "model": name}, who="save-weights")
    return UNSPECIFIED


def load_weights(path: Any, model: Any) -> Any:
    """The model with its tensors replaced by those of a safetensors file."""
    path, model = _path_first(path, model)
    parameters = named_parameters("load-weights", model)
    loaded, _ = load_tensors(path, who="load-weights")
    expected = {name: (tuple(t.shape), str(t.dtype)) for name, t in parameters.items()}
    match_tensors(path, loaded, expected)
    leaves, structure = flatten(model)
    replaced = [
        _as_array(loaded[name]) if name in parameters else leaf
        for name, leaf in zip(leaf_names(model), leaves, strict=True)
    ]
    return unflatten(structure, replaced)


def _as_array(array: Any) -> Any:
    from eshkol.xla.tensors import as_tensor

    return as_tensor(array, "load-weights", array.dtype)


def _path_first(first: Any, second: Any) -> tuple[Any, Any]:
    return (second, first) if isinstance(second, str) else (first, second)
