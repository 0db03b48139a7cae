"""Tensors and models in files: safetensors, or NumPy's where a path ends in .npy or .npz.

Their rules are in the room ``io``, which is imported when one is first called. A file is written
whole or not at all, and reading one runs no code.
"""

from __future__ import annotations

from typing import Any

from eshkol.datum.pairs import Pair
from eshkol.primitives.declare import tensor_primitive
from eshkol.primitives.tensors import Tensor

_AT = "eshkol.io.tensor_files:"


@tensor_primitive("tensor-save", at=_AT + "tensor_save")
def tensor_save(path: Any, tensor: Any) -> bool:
    """Write a tensor to a file; path and tensor may stand in either order. Gives ``#t``.

    Raises:
        FileProblem: the file can't be written.

    Example: ``(tensor-save "weights.safetensors" (ones 2)) (tensor-load
    "weights.safetensors")`` ⇒ ``#(1.0 1.0)``.
    """


@tensor_primitive("tensor-load", at=_AT + "tensor_load")
def tensor_load(path: Any) -> Tensor:
    """The tensor in a file, with the shape and dtype it was saved with.

    Raises:
        FileProblem: there is no such file, or it does not hold one tensor.

    Example: ``(tensor-save "weights.npy" (ones 2)) (tensor-load "weights.npy")`` ⇒
    ``#(1.0 1.0)``.
    """


@tensor_primitive("model-save", at=_AT + "model_save")
def model_save(path: Any, model: Any) -> bool:
    """Write named tensors to a file. Gives ``#t``.

    Args:
        path: it may stand first or second.
        model: an association list of names, which are strings or symbols, and tensors; or a
            model, whose tensors are named by its variables as for ``save-weights``.

    Raises:
        FileProblem: the file can't be written.

    Example: ``(model-save "model.safetensors" (list (cons "w" (ones 2)) (cons "b" (zeros
    1)))) (map car (model-load "model.safetensors"))`` ⇒ ``("w" "b")``.
    """


@tensor_primitive("model-load", at=_AT + "model_load")
def model_load(path: Any) -> Pair:
    """The association list of names (strings) and tensors in a file, in the order of saving.

    Raises:
        FileProblem: there is no such file, or it is damaged or of another kind.

    Example: ``(model-save "model.safetensors" (list (cons "w" (ones 2)))) (cdr (assoc "w"
    (model-load "model.safetensors")))`` ⇒ ``#(1.0 1.0)``.
    """
