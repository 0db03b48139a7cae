"""Python functions that staged programs call.

They find what plain JAX has: tensors of 32 bits where they name no dtype, although the program
around them has 64-bit numbers, and numbers that widen no tensor.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eshkol.base import sources
from eshkol.primitives.declare import load

_NUMBERS = "eshkol.xla.python_numbers"
_PACKAGE = f"{Path(__file__).parent.parent}/"


def is_foreign(function: Any) -> bool:
    """Whether a callable that is no procedure of a program is none of this package either."""
    while isinstance(function, types.MethodType | functools.partial):
        function = function.__func__ if hasattr(function, "__func__") else function.func
    if isinstance(function, types.FunctionType):
        file = function.__code__.co_filename
        return not (file.startswith(_PACKAGE) or sources.is_source(file))
    kind = function if isinstance(function, type) else type(function)
    return not kind.__module__.startswith("eshkol.")


def python_call(function: Callable[..., Any]) -> Callable[..., Any]:
    """A Python function as a staged program calls it."""

    def call(*arguments: Any, **options: Any) -> Any:
        given, taken = load(f"{_NUMBERS}:given"), load(f"{_NUMBERS}:taken")
        with load(f"{_NUMBERS}:dtypes_of_python")():
            positional = map(given, arguments)
            named = {name: given(value) for name, value in options.items()}
            return taken(function(*positional, **named))

    return call
