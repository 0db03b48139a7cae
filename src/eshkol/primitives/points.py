"""Where derivatives are taken: what the arguments of a differential operator mean.

A point is a number, a tensor, or any structure that holds some. Several numbers are a vector of
them. A vector or list of numbers is spread over the parameters of a procedure that takes so many,
one of anything else, and a tensor of rank 1, over those of a procedure that can't be called with
fewer; any other procedure is given the whole point.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from eshkol import autodiff
from eshkol.autodiff.structures import Shape, flatten, unflatten
from eshkol.base.errors import ArityError, ShapeError, WrongType
from eshkol.datum.equality import is_array
from eshkol.datum.pairs import NIL, Pair, spine
from eshkol.datum.values import Vector
from eshkol.datum.write import short_string
from eshkol.primitives.calling import callee, transparent
from eshkol.primitives.declare import load

Procedure = Callable[..., Any]


def check_procedure(who: str, function: Any) -> None:
    """Raise WrongType unless ``function`` can be called."""
    if not callable(function):
        raise WrongType(f"{who}: expected a procedure, got {short_string(function)}")


def is_number(value: Any) -> bool:
    """Whether ``value`` is a number of the host; one that carries derivatives is."""
    return value.__class__ is not bool and (
        isinstance(value, int | float | Fraction | complex | autodiff.Differentiable)
    )


def is_scalar(value: Any) -> bool:
    """Whether ``value`` is a number; a tensor of rank 0 is one."""
    if is_array(value):
        return value.shape == () and str(value.dtype) != "bool"
    return is_number(value)


def is_number_sequence(value: Any) -> bool:
    """Whether ``value`` is a vector or list of one or more numbers."""
    return isinstance(value, Vector | Pair) and len(value) > 0 and all(map(is_scalar, value))


def _elements(value: Any) -> Sequence[Any]:
    """The elements of a vector or list, Scheme's or Python's; none of anything else."""
    if value.__class__ is Pair:
        items, tail = spine(value)
        return items if tail is NIL else ()
    return value if value.__class__ in (Vector, list, tuple) else ()


def takes_apart(function: Procedure, count: int) -> bool:
    """Whether ``function`` is given ``count`` numbers as so many arguments instead of as one.

    It is if it can take so many and does not take exactly one, or one and then any others.
    """
    least, most = _counts(function)
    return least != 1 and least <= count and (most is None or count <= most)


def needs_all(function: Procedure, count: int) -> bool:
    """Whether ``function`` can't be called with less than ``count`` arguments, two or more."""
    return count > 1 and _counts(function)[0] == count


def _counts(function: Procedure) -> tuple[int, int | None]:
    """How many arguments a procedure takes: at least, and at most; None for any number."""
    function = getattr(function, "eshkol_operand", function)
    code = getattr(function, "__code__", None)
    if code is not None and not function.__dict__:
        least = code.co_argcount - len(function.__defaults__ or ())
        return least, None if code.co_flags & inspect.CO_VARARGS else code.co_argcount
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 1, 1
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    takes_rest = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    least = sum(p.default is p.empty for p in positional)
    return least, None if takes_rest else len(positional)


class Point(NamedTuple):
    """Where a derivative is taken.

    Attributes:
        value: the number, tensor or structure.
        function: the procedure as one of that value.
        spread: the procedure as one of the elements of the value, if that is how it is called.
    """

    value: Any
    function: Procedure
    spread: Procedure | None = None

    def taken_apart(self) -> tuple[Procedure, list[Any], Shape]:
        """The procedure as one of host numbers, those numbers, and the structure of the point.

        Raises:
            NeedsTensors: the point holds a tensor or a closure.
        """
        numbers, structure = flatten(self.value)
        direct = self.function if structure is None else self.spread
        if direct is not None:
            return autodiff.foreign(direct), numbers, structure

        def of_numbers(*parts: Any) -> Any:
            return self.function(unflatten(structure, parts))

        return autodiff.foreign(of_numbers), numbers, structure


def point_of(who: str, function: Procedure, arguments: Sequence[Any]) -> Point:
    """The point that the arguments of an operator give.

    Raises:
        WrongType: they hold nothing that can be differentiated.
    """
    if len(arguments) == 1:
        (value,) = arguments
        elements = _elements(value)
        if is_array(value) and len(value.shape) == 1 and needs_all(function, value.shape[0]):
            given = callee(function)
            return Point(value, lambda tensor: given(*tensor))
        if not elements or not all(map(is_scalar, elements)):
            given = callee(function)
            is_spread = needs_all(function, len(elements))
            return Point(value, (lambda parts: given(*parts)) if is_spread else given)
        if not takes_apart(function, len(elements)):
            return Point(value, callee(function))
    elif all(map(is_scalar, arguments)):
        value = Vector(arguments)
    else:
        raise WrongType(
            f"{who}: expected one point or several numbers, got "
            + " and ".join(map(short_string, arguments)),
            hint="put tensors into a list: its elements are differentiated together",
        )
    spread = callee(function)
    return Point(value, lambda parts: spread(*parts), spread)


XLA = "eshkol.xla.calculus:"
"""Where the rules for tensors are."""


def on_host_or_not(who: str, point: Point, host: Procedure, *rest: Any) -> Any:
    """``host`` of a procedure of numbers, the numbers and the structure of a point.

    If a tensor turns up, the tensor rule of ``who`` takes its place, which is also given ``rest``.
    """
    try:
        with autodiff.attempt():
            function, numbers, structure = point.taken_apart()
            check_numbers(who, point.value, numbers)
            return host(function, numbers, structure)
    except autodiff.NeedsTensors:
        rule = load(XLA + who.replace("-", "_"))
        return rule(who, point.function, point.value, *rest)


def check_numbers(who: str, value: Any, numbers: Sequence[Any]) -> None:
    """Raise WrongType if there are no numbers in the point ``value``."""
    if not numbers:
        raise nothing_to_differentiate(who, value)


def nothing_to_differentiate(who: str, value: Any) -> WrongType:
    """The error for a point without numbers."""
    return WrongType(
        f"{who}: nothing to differentiate in {short_string(value)}",
        hint="the point is a number, a tensor, or a structure or closure that holds "
        "inexact tensors",
    )


def not_one_number(who: str, value: Any) -> WrongType:
    """The error for a point of a procedure of one number that is something else."""
    is_several = isinstance(value, Vector | Pair)
    hint = "use gradient or jacobian for a procedure of several numbers" if is_several else ""
    return WrongType(f"{who}: expected a number, got {short_string(value)}", hint=hint)


def field_error(who: str, components: int, dimensions: int) -> ShapeError:
    """The error for a vector field whose value has not as many components as its point."""
    return ShapeError(
        f"{who}: expected a vector field, with as many components as the point, "
        f"got {components} at a point of {dimensions}"
    )


def missing(who: str, usage: str) -> ArityError:
    """The error for an operator that was given a point and not what goes with it."""
    return ArityError(f"{who} takes 1 or 3 arguments, got 2", hint=f"use: {usage}")


def curried(operator: Procedure, function: Procedure, options: dict[str, Any]) -> Procedure:
    """The procedure that takes the derivative of ``function`` where it is called."""

    def taken(*arguments: Any, **keywords: Any) -> Any:
        return operator(_with_keywords(function, keywords), *arguments, **options)

    taken.eshkol_operand = function  # type: ignore[attr-defined]
    return named(taken, f"{operator.__name__} of {name_of(function)}")


def _with_keywords(function: Procedure, keywords: dict[str, Any]) -> Procedure:
    """``function``, called with these keyword arguments."""
    if not keywords:
        return function

    def called(*arguments: Any) -> Any:
        return callee(function)(*arguments, **keywords)

    called.eshkol_operand = function  # type: ignore[attr-defined]
    return named(called, name_of(function))


def name_of(function: Procedure) -> str:
    """The name of a procedure, for people."""
    return getattr(function, "__name__", "procedure")


def named(function: Procedure, name: str) -> Procedure:
    """``function`` under another name; what it captured is seen through it."""
    function.__name__ = function.__qualname__ = name
    return transparent(function)


def value_and_partials(
    who: str, function: Procedure, numbers: Sequence[Any], has_aux: bool
) -> tuple[Any, list[Any]]:
    """The value of a procedure of numbers, with what it gives beside it, and its derivatives."""
    if not has_aux:
        return autodiff.value_and_gradient(function, numbers)
    return autodiff.value_aux_and_gradient(lambda *given: split_aux(who, function(*given)), numbers)


def split_aux(who: str, value: Any) -> tuple[Any, Any]:
    """The two parts of what a procedure gives with ``#:has-aux``."""
    if isinstance(value, Pair | Vector | tuple | list) and len(value) == 2:
        first, second = value
        return first, second
    raise WrongType(
        f"{who}: with #:has-aux the procedure gives a list (value aux), got {short_string(value)}"
    )
