"""Python functions that staged programs call.

They find what plain JAX has: numbers that widen no tensor, and, if they are given nothing of 64
bits, tensors of 32 bits where they name no dtype, although 64-bit ones exist in the program.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from eshkol.base import sources
from eshkol.primitives.declare import load


def is_foreign(function: Any) -> bool:
    """Whether a callable that is no procedure of a program is none of this package either."""
    while isinstance(function, types.MethodType | functools.partial):
        function = function.__func__ if hasattr(function, "__func__") else function.func
    if isinstance(function, types.FunctionType):
        file = function.__code__.co_filename
        return not (sources.is_library(file) or sources.is_source(file))
    kind = function if isinstance(function, type) else type(function)
    return not kind.__module__.startswith("eshkol.")


def python_call(function: Callable[..., Any]) -> Callable[..., Any]:
    """A Python function as a staged program calls it."""

    def call(*arguments: Any, **options: Any) -> Any:
        is_narrow = not _numbers("needs_wide")((arguments, options))
        given, taken = _numbers("given"), _numbers("taken")
        with _numbers("dtypes_of_python")() if is_narrow else nullcontext():
            positional = map(given, arguments)
            named = {name: given(value) for name, value in options.items()}
            return taken(function(*positional, **named))

    return call


def _numbers(name: str) -> Any:
    return load(f"eshkol.xla.python_numbers:{name}")
