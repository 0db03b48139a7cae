"""Element-by-element arithmetic on Scheme vectors that need no tensor.

Vectors of exact numbers stay vectors of exact numbers, and vectors that hold derivative-carrying
numbers stay on the host. Shapes broadcast as NumPy's do: aligned at the innermost axis.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eshkol.autodiff import Differentiable
from eshkol.autodiff.plain import EXACT, PLAIN
from eshkol.base.errors import ShapeError
from eshkol.datum.values import Vector
from eshkol.validated.enclosures import Enclosure

_EXACT, _INEXACT, _CARRYING, _OTHER = range(4)


def _content(value: Any) -> int:
    """The most demanding kind of element in ``value``, which may be a vector or a number."""
    if isinstance(value, Vector):
        return max(map(_content, value), default=_EXACT)
    if value.__class__ in EXACT:
        return _EXACT
    if value.__class__ in PLAIN:
        return _INEXACT
    return _CARRYING if isinstance(value, Differentiable | Enclosure) else _OTHER


def stays_on_host(*values: Any) -> bool:
    """Whether these numbers and vectors are computed here rather than as tensors."""
    if not any(isinstance(value, Vector) for value in values):
        return False
    return max(map(_content, values)) in (_EXACT, _CARRYING)


def _depth(value: Any) -> int:
    depth = 0
    while isinstance(value, Vector):
        depth += 1
        value = value[0] if value else None
    return depth


def map_elements(who: str, binary: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    """``binary`` on the elements of ``a`` and ``b``, which may be vectors of vectors.

    Raises:
        ShapeError: two axes of different lengths, neither of length 1, meet.
    """
    depth_a, depth_b = _depth(a), _depth(b)
    if depth_a == depth_b == 0:
        return binary(a, b)
    if depth_a > depth_b:
        return Vector(map_elements(who, binary, x, b) for x in a)
    if depth_b > depth_a:
        return Vector(map_elements(who, binary, a, y) for y in b)
    count = len(b) if len(a) == 1 else len(a)
    if len(b) not in (1, count):
        raise ShapeError(
            f"{who}: vectors of lengths {len(a)} and {len(b)} do not fit together",
            hint="element-by-element arithmetic needs equal lengths (or length 1)",
        )
    xs = a * count if len(a) == 1 else a
    ys = b * count if len(b) == 1 else b
    return Vector(map_elements(who, binary, x, y) for x, y in zip(xs, ys, strict=True))
