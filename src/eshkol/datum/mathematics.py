"""Lists that are meant as mathematics: a notebook shows them as formulas.

An expression is a list like any other. Which lists are results of symbolic computation is noted
beside them, so that data that merely looks like a formula stays data.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

_MEANT: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
_WRITERS: list[Callable[[Any], str]] = []


def mean_mathematics(pair: Any, writer: Callable[[Any], str]) -> Any:
    """``pair``, from now on a formula, whose LaTeX ``writer`` gives."""
    _WRITERS[:] = [writer]
    _MEANT[id(pair)] = pair
    return pair


def formula_of(pair: Any) -> str | None:
    """The LaTeX of a list that is meant as a formula; None for another one."""
    if _MEANT.get(id(pair)) is not pair:
        return None
    return f"$\\displaystyle {_WRITERS[0](pair)}$"
