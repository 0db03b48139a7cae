"""Variables: places for one tensor each, which procedures share.

A tensor never changes. A variable holds another one after an update, and whoever has the variable
sees it. What makes and assigns variables is in room ``xla``, which is where tensors are.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterator
from typing import Any


class Home(threading.local):
    """Where variables are made in this thread: what stands for the program being compiled."""

    token: Any = None


HOME = Home()


class TensorVariable:
    """A place that holds a tensor of one shape and dtype.

    Attributes:
        tensor: what it holds.
        is_buffer: whether it is not trained as a part of a model.
        home: the program being compiled that it belongs to, if it does to any.
    """

    __slots__ = ("__weakref__", "home", "is_buffer", "tensor")

    def __init__(self, tensor: Any, is_buffer: bool = False) -> None:
        self.tensor = tensor
        self.is_buffer = is_buffer
        self.home = HOME.token

    @property
    def value(self) -> Any:
        """The tensor that it holds; what is assigned keeps its shape and dtype."""
        return self.tensor

    @value.setter
    def value(self, value: Any) -> None:
        importlib.import_module("eshkol.xla.variables").assign("variable-set!", self, value)

    def __jax_array__(self) -> Any:
        return self.tensor

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        import numpy as np

        return np.array(self.tensor, dtype) if copy else np.asarray(self.tensor, dtype)

    def __scheme_parts__(self) -> Iterator[Any]:
        from eshkol.datum.write import Text

        yield Text("#<variable ")
        yield self.tensor
        yield Text(">")

    def __repr__(self) -> str:
        from eshkol.datum.write import write_string

        return write_string(self)


def value_of(value: Any) -> Any:
    """What a variable holds; anything else as it is.

    Example:
        >>> value_of(TensorVariable(1.5)), value_of(2)
        (1.5, 2)
    """
    return value.tensor if value.__class__ is TensorVariable else value


def holds_variable(values: Any) -> bool:
    """Whether one of ``values`` is a variable."""
    return any(value.__class__ is TensorVariable for value in values)
