"""The built-in procedures under the names that Python gives them: ``ek.tensor_sum``.

A Scheme name is spelled so that Python can read it: ``train-epoch`` is ``train_epoch``, ``tensor?``
is ``is_tensor``, ``set-x!`` is ``set_x``, ``string<?`` is ``is_string_less``, ``+`` is ``add``.
What the package itself defines goes before: ``ek.jit`` takes Scheme text too.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from eshkol.datum.spelling import python_name
from eshkol.primitives.catalogue import CONSTANTS, builtin_namespace
from eshkol.runtime.boundary import bounded

OPERATORS = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}
COMPARISONS = {
    "=": "equal",
    "<": "less",
    ">": "greater",
    "<=": "less-equal",
    ">=": "greater-equal",
}
_COMPARISON = re.compile(r"(.*?)([<>]=?|=)\?")


def spelling_of(name: str) -> str:
    """The Python spelling of a built-in name, before clashes are settled.

    Example:
        >>> [spelling_of(name) for name in ("+", "<=", "string<?", "tensor?", "->python")]
        ['add', 'less_equal', 'is_string_less', 'is_tensor', 'to_python']
    """
    words = OPERATORS.get(name) or COMPARISONS.get(name)
    compared = _COMPARISON.fullmatch(name)
    if compared:
        words = f"{compared[1]}-{COMPARISONS[compared[2]]}?"
    return python_name(words or name).lstrip("_")


def spellings(names: Iterable[str]) -> dict[str, str]:
    """Scheme names by their Python spelling.

    Where ``x`` and ``x!`` would have one spelling, the one that changes its argument gets an
    underscore behind it. Names that begin with a digit have none.

    Example:
        >>> spellings(["tensor-set!", "tensor-set", "set-car!", "1+"])
        {'tensor_set_': 'tensor-set!', 'tensor_set': 'tensor-set', 'set_car': 'set-car!'}
    """
    names = list(names)
    plain = {spelling_of(name) for name in names if not name.endswith("!")}
    found = {}
    for name in names:
        spelling = spelling_of(name)
        if name.endswith("!") and spelling in plain:
            spelling += "_"
        if spelling.isidentifier():
            found[spelling] = name
    return found


@functools.cache
def builtin_spellings() -> dict[str, str]:
    """The Scheme name of every built-in procedure or constant, by its Python spelling.

    A name that a part of the package has is followed by an underscore: ``runtime_``.
    """
    names = [name for name in builtin_namespace() if CONSTANTS.get(name, name) is not None]
    parts = {path.stem for path in Path(__file__).parents[1].iterdir()}
    found = spellings(names)
    return {spelling + "_" * (spelling in parts): name for spelling, name in found.items()}


@functools.cache
def builtin(spelling: str) -> Any:
    """The built-in procedure or constant of that Python spelling.

    A procedure is the one of Scheme programs; its errors are told as those of the other functions
    of the package.

    Raises:
        KeyError: there is none.

    Example:
        >>> builtin("is_tensor")(5)
        False
    """
    value = builtin_namespace()[builtin_spellings()[spelling]]
    if not callable(value):
        return value
    procedure = bounded(value)
    procedure.__name__ = procedure.__qualname__ = spelling
    procedure.__module__ = "eshkol"
    return procedure
