"""Procedures of numbers whose derivatives are given by rules of their own.

A rule is a linear map, given forwards (a *push*, from directions of the arguments to the direction
of the value) or backwards (a *pull*, from factors of the value to factors of the arguments). Each
mode of differentiation needs one of the two, and either is the gradient of the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from eshkol.autodiff.operators import value_and_gradient
from eshkol.autodiff.perturbations import OPEN, TAGGED, settled
from eshkol.autodiff.plain import add, divide, multiply
from eshkol.autodiff.structures import flatten, flatten_result, unflatten
from eshkol.autodiff.tape import Tape, TapeNode
from eshkol.autodiff.taylor import Taylor
from eshkol.base.errors import WrongType

Function = Callable[..., Any]
Number = Any
Row = list[Number]


class Custom(NamedTuple):
    """A procedure and its rule.

    Attributes:
        who: the primitive that made it, for errors.
        function: gives a number or a structure of numbers.
        push: gives the numbers of the value's direction for ``(arguments, directions)``, the
            latter in the structure of the former; or None.
        pull: gives a number for each number of the arguments for ``(arguments, value,
            factors)``; or None.
    """

    who: str
    function: Function
    push: Callable[[tuple[Any, ...], tuple[Any, ...]], Row] | None
    pull: Callable[[tuple[Any, ...], Any, Any], Row] | None


def carries_derivatives(numbers: Sequence[Number]) -> bool:
    """Whether some of ``numbers`` belongs to a derivative that is being taken."""
    return any(number.__class__ in TAGGED and number.tag in OPEN for number in numbers)


def apply_custom(custom: Custom, arguments: tuple[Any, ...]) -> Any:
    """The value of the procedure; the numbers in it carry the derivatives of its rule.

    What the procedure captures is differentiated as usual.

    Raises:
        NeedsTensors: an argument, or what the procedure gives, holds a tensor or a procedure.

    Example:
        >>> double = Custom("custom-gradient", abs, None, lambda xs, value, factor: [2 * factor])
        >>> value_and_gradient(lambda x: apply_custom(double, (x,)), [-3])
        (3, [2])
    """
    numbers, structure = flatten(arguments)
    tags = [number.tag for number in numbers if number.__class__ in TAGGED]
    if not tags:
        return custom.function(*arguments)
    tag = max(tags)
    moving = [_is_of(number, tag) for number in numbers]
    first = numbers[moving.index(True)]
    if isinstance(first, Taylor):
        return _forward(custom, first, numbers, structure)
    return _backward(custom, first.tape, numbers, structure, arguments)


def _is_of(number: Number, tag: int) -> bool:
    return number.__class__ in TAGGED and number.tag == tag


# ---- forwards


def _forward(custom: Custom, model: Taylor, numbers: Row, structure: Any) -> Any:
    """The Taylor series of the value, whose derivative the rule gives in one order less."""
    tag, order = model.tag, model.order
    series = [x.coefficients if _is_of(x, tag) else (x,) for x in numbers]
    points = unflatten(structure, [listed[0] for listed in series])
    value = apply_custom(custom, points)
    if tag not in OPEN:
        return value
    results, result_structure = flatten_result(custom.who, value)
    shorter = unflatten(structure, [_series(tag, order - 1, x[:order]) for x in series])
    slopes = [
        _series(tag, order - 1, [multiply(k, c) for k, c in enumerate(x)][1:] or [0])
        for x in series
    ]
    found = as_many(custom, push(custom, shorter, slopes, structure), len(results))
    moved = []
    for result, slope in zip(results, found, strict=True):
        slope = settled(slope)
        terms = slope.coefficients if _is_of(slope, tag) else (slope,)
        rest = [divide(c, k + 1) if k else c for k, c in enumerate(terms)]
        own = Taylor(tag, order, (0, *rest[:order]))
        moved.append(add(result, own))
    return unflatten(result_structure, moved)


def _series(tag: int, order: int, coefficients: Sequence[Number]) -> Number:
    """The number with these coefficients; the first two of a series are always listed."""
    if not order:
        return coefficients[0]
    return Taylor(tag, order, (*coefficients, 0) if len(coefficients) == 1 else tuple(coefficients))


def push(custom: Custom, arguments: tuple[Any, ...], directions: Row, structure: Any) -> Row:
    """The direction of the value's numbers for directions of the arguments' numbers."""
    if custom.push is not None:
        return custom.push(arguments, unflatten(structure, directions))
    pull = custom.pull
    assert pull is not None
    value = apply_custom(custom, arguments)
    results, result_structure = flatten_result(custom.who, value)

    def weighed(*factors: Number) -> Number:
        return _dot(pull(arguments, value, unflatten(result_structure, factors)), directions)

    return value_and_gradient(weighed, [0] * len(results))[1]


def as_many(custom: Custom, found: Row, count: int) -> Row:
    """The numbers that a rule gives for the direction of a value of ``count`` numbers."""
    if len(found) == count:
        return found
    numbers = f"{count} number{'s' * (count != 1)}"
    raise WrongType(
        f"{custom.who}: the rule gives {len(found)} for the direction of the value, "
        f"which has {numbers}"
    )


def _dot(row: Row, other: Row) -> Number:
    total: Any = 0
    for x, y in zip(row, other, strict=True):
        total = add(total, multiply(x, y))
    return total


# ---- backwards


def _backward(
    custom: Custom, tape: Tape, numbers: Row, structure: Any, arguments: tuple[Any, ...]
) -> Any:
    """The value, as nodes of ``tape``; going back there calls the rule."""
    points = [x.value if _is_of(x, tape.tag) else x for x in numbers]
    origins = [x.place if _is_of(x, tape.tag) else None for x in numbers]
    inner = unflatten(structure, points)
    value = apply_custom(custom, inner)
    if tape.steps is None:
        return value
    results, result_structure = flatten_result(custom.who, value)
    lowered = [x.value if x.__class__ is TapeNode and x.tape is tape else x for x in results]

    def pulled(factors: Row) -> Row:
        if custom.pull is not None:
            own = unflatten(result_structure, lowered)
            return custom.pull(inner, own, unflatten(result_structure, factors))
        return _transposed(custom, inner, structure, len(numbers), factors)

    nodes = tape.record_call(pulled, origins, len(results))
    moved = [add(result, node) for result, node in zip(results, nodes, strict=True)]
    return unflatten(result_structure, moved)


def _transposed(
    custom: Custom, arguments: tuple[Any, ...], structure: Any, count: int, factors: Row
) -> Row:
    def weighed(*directions: Number) -> Number:
        moved = push(custom, arguments, list(directions), structure)
        return _dot(as_many(custom, moved, len(factors)), factors)

    return value_and_gradient(weighed, [0] * count)[1]
