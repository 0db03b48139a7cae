"""Settings of the process: the dtype that tensors have by default, whether progress is shown."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from eshkol.base.errors import BadValue

TENSOR_DTYPES = ("float32", "float64", "bfloat16", "float16")


class Config:
    """The settings of this process, with overrides for one thread and a dynamic extent.

    Attributes:
        tensor_dtype: the name of the dtype of tensors that do not ask for one; ``"float32"`` at
            first. Assigning it holds for every thread.
        interpolate: whether ``~{expression}`` in a string of a program stands for the value; False
            at first. A text says so for itself by ``#!interpolate``.
        quiet: whether progress bars stay invisible; False at first.

    Example:
        >>> CONFIG.tensor_dtype
        'float32'
    """

    def __init__(self) -> None:
        self.quiet = False
        self.interpolate = False
        self._tensor_dtype = "float32"
        self._override = threading.local()

    @property
    def tensor_dtype(self) -> str:
        return getattr(self._override, "tensor_dtype", None) or self._tensor_dtype

    @tensor_dtype.setter
    def tensor_dtype(self, name: str) -> None:
        self._tensor_dtype = _checked(name)

    @contextmanager
    def precision(self, name: str) -> Iterator[None]:
        """Within the ``with`` block, in this thread, ``name`` is the tensor dtype.

        Example:
            >>> with CONFIG.precision("float64"):
            ...     CONFIG.tensor_dtype
            'float64'
        """
        outer = getattr(self._override, "tensor_dtype", None)
        self._override.tensor_dtype = _checked(name)
        try:
            yield
        finally:
            self._override.tensor_dtype = outer


def _checked(name: str) -> str:
    if name not in TENSOR_DTYPES:
        raise BadValue(
            f"tensor-dtype: expected one of {', '.join(TENSOR_DTYPES)}, got {name!r}",
            hint="tensors are of floating point by default; ask for integers with #:dtype",
        )
    return name


CONFIG = Config()
