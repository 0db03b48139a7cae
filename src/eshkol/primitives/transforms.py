"""Derivatives, batching and compilation as primitives: ``gradient``, ``vmap``, ``jit`` …

Where no tensor takes part, derivatives are the host's (room ``autodiff``) and load no JAX; when a
tensor turns up while the procedure runs, it is run again under JAX.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from eshkol import autodiff
from eshkol.base.errors import BadValue, WrongType
from eshkol.datum.equality import is_array
from eshkol.datum.pairs import Pair, scheme_list
from eshkol.datum.values import Vector
from eshkol.datum.write import short_string
from eshkol.primitives.arguments import index_argument
from eshkol.primitives.calling import callee, transparent
from eshkol.primitives.declare import load, primitive

Procedure = Callable[..., Any]


def _check_procedure(who: str, function: Any) -> None:
    if not callable(function):
        raise WrongType(f"{who}: expected a procedure, got {short_string(function)}")


def _is_number(value: Any) -> bool:
    return value.__class__ is not bool and (
        isinstance(value, int | float | Fraction | autodiff.Differentiable)
    )


def _is_scalar(value: Any) -> bool:
    """Whether ``value`` is a number; a tensor of rank 0 is one."""
    if is_array(value):
        return value.shape == () and str(value.dtype) != "bool"
    return _is_number(value)


def _is_number_sequence(value: Any) -> bool:
    return isinstance(value, Vector | Pair) and len(value) > 0 and all(map(_is_scalar, value))


def _parameter_count(function: Procedure) -> int | None:
    """How many arguments a procedure takes; None if that is not fixed."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return None
    return sum(p.default is p.empty for p in parameters)


@primitive("derivative", "D")
def derivative(function, x=None):
    """The derivative of a procedure of one number.

    Args:
        function: a procedure of one number that gives a number, or a vector or list of numbers.
        x: where. Exact at an exact point if the procedure is. Without it, the result is the
            procedure that computes the derivative.

    Returns:
        A number, or the structure that the procedure gives with the derivative of each number.

    Example:
        (derivative (lambda (x) (* x x)) 3)    ; 6
        ((derivative sin) 0.0)                 ; 1.0
    """
    _check_procedure("derivative", function)
    if x is None:
        return _named(lambda x: derivative(function, x), f"derivative of {_name(function)}")
    if _is_number(x):
        try:
            return autodiff.derivative(autodiff.foreign(callee(function)), x)
        except autodiff.NeedsTensors:
            pass
    elif not is_array(x):
        raise WrongType(f"derivative: expected a number, got {short_string(x)}")
    return load("eshkol.xla.transforms:derivative")(function, x)


@primitive("gradient")
def gradient(function, *points, wrt=0):
    """The gradient of a procedure that gives one number.

    Args:
        function: the procedure.
        points: its arguments. One point: a number, a tensor, a vector or list of numbers, or any
            structure or closure that holds inexact tensors. A vector of numbers is spread over
            the parameters of a procedure that takes several. Several numbers: all are
            differentiated. Otherwise the first is differentiated and the rest are data.
            Without points, the result is the procedure that computes the gradient.
        wrt: the index of the argument to differentiate, where the rest are data.

    Returns:
        What the point is, with the partial derivative in place of each number or inexact tensor;
        for several numbers, a vector of partial derivatives.

    Example:
        (gradient (lambda (x y) (* x y)) 3.0 4.0)    ; #(4.0 3.0)
    """
    _check_procedure("gradient", function)
    if not points:
        return _named(
            lambda *points: gradient(function, *points, wrt=wrt), f"gradient of {_name(function)}"
        )
    return _value_and_gradient("gradient", function, points, wrt, False)[1]


@primitive("value-and-gradient")
def value_and_gradient(function, *points, wrt=0, has_aux=False):
    """The value of a procedure and its gradient, as a list of two.

    Args:
        function: the procedure; with ``has_aux`` it gives a list ``(value aux)``.
        points: as for ``gradient``.
        wrt: as for ``gradient``.
        has_aux: whether the procedure gives something beside its value.

    Returns:
        ``(value gradient)``; with ``has_aux``, ``((value aux) gradient)``.

    Example:
        (value-and-gradient (lambda (x) (* x x)) 3.0)    ; (9.0 6.0)
    """
    _check_procedure("value-and-gradient", function)
    if not points:
        return _named(
            lambda *points: value_and_gradient(function, *points, wrt=wrt, has_aux=has_aux),
            f"value and gradient of {_name(function)}",
        )
    has_aux = has_aux is not False
    value, partials = _value_and_gradient("value-and-gradient", function, points, wrt, has_aux)
    return scheme_list([scheme_list(value) if has_aux else value, partials])


def _value_and_gradient(
    who: str, function: Procedure, points: Sequence[Any], wrt: int, has_aux: bool
) -> tuple[Any, Any]:
    wrt = index_argument(who, wrt)
    if not 0 <= wrt < len(points):
        raise BadValue(f"{who}: #:wrt is {wrt}, there are {len(points)} arguments")
    if all(map(_is_scalar, points)) and len(points) > 1 and wrt == 0:
        return _of_numbers(who, function, list(points), Vector, has_aux)
    if len(points) == 1 and _is_number_sequence(points[0]):
        return _of_sequence(who, function, points[0], has_aux)
    if len(points) == 1 and _is_number(points[0]):
        value, partials = _of_numbers(who, function, [points[0]], list, has_aux)
        return value, partials[0]
    run = load("eshkol.xla.transforms:value_and_gradient")
    return run(who, function, list(points), wrt, has_aux)


def _of_sequence(who: str, function: Procedure, point: Any, has_aux: bool) -> tuple[Any, Any]:
    """At a vector or list of numbers: spread over the parameters, or passed whole."""
    make = Vector if isinstance(point, Vector) else scheme_list
    numbers = list(point)
    if _parameter_count(function) == len(numbers) != 1:
        return _of_numbers(who, function, numbers, make, has_aux)

    def whole(*parts: Any) -> Any:
        return callee(function)(make(parts))

    return _of_numbers(who, whole, numbers, make, has_aux)


def _of_numbers(
    who: str, function: Procedure, numbers: list[Any], make: Procedure, has_aux: bool
) -> tuple[Any, Any]:
    """By the host's reverse mode; by JAX if tensors turn up."""
    if not has_aux and all(map(_is_number, numbers)):
        try:
            called = autodiff.foreign(callee(function))
            value, partials = autodiff.value_and_gradient(called, numbers)
            return value, make(partials)
        except autodiff.NeedsTensors:
            pass

    def spread(parts: Any) -> Any:
        return callee(function)(*parts)

    run = load("eshkol.xla.transforms:value_and_gradient")
    value, partials = run(who, spread, [tuple(numbers)], 0, has_aux)
    return value, make(partials)


@primitive("vmap")
def vmap(function, in_axes=None, out_axes=0):
    """The procedure that maps ``function`` over an axis of its arguments, all calls at once.

    Args:
        function: a procedure of one example.
        in_axes: the axis of each argument: one exact integer for all, or a list with ``#f`` for
            an argument that is the same for every call. Default: the first axis of all.
        out_axes: where the mapped axis goes in the results; default 0.

    Example:
        ((vmap (lambda (x) (tensor-sum (* x x)))) (ones 3 4))    ; #(4.0 4.0 4.0)
    """
    _check_procedure("vmap", function)

    def mapped(*arguments):
        run = load("eshkol.xla.transforms:vmap")
        return run(function, arguments, in_axes, out_axes)

    return _named(mapped, f"vmap of {_name(function)}")


@primitive("jit", "jit-compile")
def jit(function):
    """The procedure that computes what ``function`` computes, compiled by XLA.

    Tensors and reals, in arguments, in captured variables and in top-level variables, are inputs
    of the compiled program: new values compile nothing, nor does an equal procedure made again.
    An exact integer is an input too, unless its value decides a shape, an axis or a number of
    trips; then each new value is compiled once.

    Args:
        function: a procedure or Python callable.

    Example:
        (define f (jit (lambda (x) (* x x))))
        (f 3.0)    ; 9.0
    """
    _check_procedure("jit", function)
    return load("eshkol.xla.jit:jit")(function)


def _name(function: Procedure) -> str:
    return getattr(function, "__name__", "procedure")


def _named(function: Procedure, name: str) -> Procedure:
    function.__name__ = function.__qualname__ = name
    return transparent(function)
