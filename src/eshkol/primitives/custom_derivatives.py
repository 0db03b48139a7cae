"""Derivatives that a program gives itself: ``custom-gradient`` and its kin, ``stop-gradient``.

On numbers the rules are those of room ``autodiff``; where tensors or traced values take part they
become primitives of JAX.
"""

from __future__ import annotations

import sys
from typing import Any

from eshkol import autodiff
from eshkol.autodiff.custom import Custom, apply_custom, carries_derivatives
from eshkol.autodiff.structures import flatten, unflatten
from eshkol.base.errors import WrongType
from eshkol.datum.equality import is_array
from eshkol.datum.pairs import NIL, Pair
from eshkol.datum.values import MultipleValues, Vector
from eshkol.datum.write import short_string
from eshkol.primitives.calling import callee
from eshkol.primitives.declare import load, primitive
from eshkol.primitives.points import Procedure, check_procedure, name_of, named

XLA = "eshkol.xla.custom_derivatives:"


@primitive("stop-gradient")
def stop_gradient(value):
    """The value itself, which counts as a constant for derivatives of all kinds and orders.

    Args:
        value: a number, a tensor, or any structure or closure that holds some.

    Returns:
        An equal value.

    Example: ``(gradient (lambda (x) (* x (stop-gradient x))) 3.0)`` ⇒ ``3.0``;
    ``(derivative (lambda (x) (+ (* x x) (car (stop-gradient (list x))))) 2)`` ⇒ ``4``.
    """
    if value.__class__ in (int, float):
        return value
    try:
        numbers, structure = flatten(value)
    except autodiff.NeedsTensors:
        return load(XLA + "stop_gradient")(value)
    if not carries_derivatives(numbers):
        return value
    return unflatten(structure, list(map(autodiff.primal, numbers)))


@primitive("custom-gradient")
def custom_gradient(function, backward):
    """A procedure whose derivative with respect to its arguments a rule gives, backwards.

    Args:
        function: computes the value.
        backward: called with ``(factor value argument …)``, where the factor is the derivative,
            with respect to the value, of what is differentiated; gives the derivative with
            respect to the argument, or a list of them for several arguments. ``#f`` stands for
            none, a number for all elements of a tensor.

    Returns:
        The procedure. It has derivatives of all kinds and orders: forwards, the rule is transposed,
        for which it counts as linear in the factor. What ``function`` captures is differentiated
        as usual.

    Raises:
        WrongType: where the rule gives something else than the arguments are.
        ShapeError: where it gives a tensor of another shape.

    Example:
        ``(gradient (custom-gradient (lambda (x) (* x x)) (lambda (g y x) (* 10 g))) 3.0)``
        ⇒ ``10.0``.
    """
    who = "custom-gradient"
    check_procedure(who, function)
    check_procedure(who, backward)

    def pull(arguments: tuple[Any, ...], value: Any, residuals: Any, factor: Any) -> list[Any]:
        given = callee(backward)(factor, value, *arguments)
        return gradients_of(who, given, len(arguments))

    def ruled(*arguments: Any) -> Any:
        def forward(*own: Any) -> tuple[Any, Any]:
            return callee(function)(*own), None

        return _apply(who, forward, None, pull, arguments)

    ruled.eshkol_operand = function  # type: ignore[attr-defined]
    return named(ruled, name_of(function))


@primitive("custom-vjp")
def custom_vjp(forward, backward):
    """A procedure whose derivative a rule gives, backwards, from what the way forwards kept.

    Args:
        forward: gives ``(values value residuals)``, or a list of both; the residuals are anything
            that the rule needs.
        backward: called with ``(residuals factor)``; gives what the rule of ``custom-gradient``
            does.

    Returns:
        The procedure, which gives the value, as for ``custom-gradient``.

    Raises:
        WrongType: where the procedures give something else.

    Example:
        ``(define sine (custom-vjp (lambda (x) (values (sin x) (cos x)))
        (lambda (slope g) (* g slope)))) (gradient sine 0.0)`` ⇒ ``1.0``.
    """
    who = "custom-vjp"
    check_procedure(who, forward)
    check_procedure(who, backward)

    def ruled(*arguments: Any) -> Any:
        def both(*own: Any) -> tuple[Any, Any]:
            return _pair(who, callee(forward)(*own))

        def pull(arguments: tuple[Any, ...], value: Any, residuals: Any, factor: Any) -> Any:
            given = callee(backward)(residuals, factor)
            return gradients_of(who, given, len(arguments))

        return _apply(who, both, None, pull, arguments)

    ruled.eshkol_operand = forward  # type: ignore[attr-defined]
    return named(ruled, name_of(forward))


@primitive("custom-jvp")
def custom_jvp(function, tangent):
    """A procedure whose derivative with respect to its arguments a rule gives, forwards.

    Args:
        function: computes the value.
        tangent: called with the arguments and then their directions, as many; gives the direction
            of the value, and is linear in those of the arguments.

    Returns:
        The procedure. It has derivatives of all kinds and orders: backwards, the rule is
        transposed. What ``function`` captures is differentiated as usual.

    Raises:
        WrongType: where the rule gives something else than the value is.
        ShapeError: where it gives a tensor of another shape.

    Example:
        ``(define f (custom-jvp (lambda (x y) (* x y)) (lambda (x y dx dy) (* 10 dx))))
        (gradient f 3.0 4.0)`` ⇒ ``#(10.0 0.0)``.
    """
    who = "custom-jvp"
    check_procedure(who, function)
    check_procedure(who, tangent)

    def push(arguments: tuple[Any, ...], directions: tuple[Any, ...]) -> Any:
        return callee(tangent)(*arguments, *directions)

    def ruled(*arguments: Any) -> Any:
        def forward(*own: Any) -> tuple[Any, Any]:
            return callee(function)(*own), None

        return _apply(who, forward, push, None, arguments)

    ruled.eshkol_operand = function  # type: ignore[attr-defined]
    return named(ruled, name_of(function))


# ---- calls


def _apply(
    who: str,
    forward: Procedure,
    push: Procedure | None,
    pull: Procedure | None,
    arguments: tuple[Any, ...],
) -> Any:
    """Call a procedure with a rule, on numbers or traced."""
    try:
        numbers, _ = flatten(arguments)
        if carries_derivatives(numbers):
            return apply_custom(_of_numbers(who, forward, push, pull), arguments)
    except autodiff.NeedsTensors:
        if "eshkol.xla" not in sys.modules or _holds_differentiable(arguments):
            raise
    if "eshkol.xla" not in sys.modules:
        return forward(*arguments)[0]
    return load(XLA + "apply_custom")(who, forward, push, pull, arguments)


def _holds_differentiable(arguments: tuple[Any, ...]) -> bool:
    return autodiff.contains_differentiable(arguments)


def _of_numbers(
    who: str, forward: Procedure, push: Procedure | None, pull: Procedure | None
) -> Custom:
    """The rule of procedures as one of numbers."""

    def function(*arguments: Any) -> Any:
        return forward(*arguments)[0]

    def push_numbers(arguments: tuple[Any, ...], directions: tuple[Any, ...]) -> list[Any]:
        assert push is not None
        return _numbers_like(who, "the direction of the value", push(arguments, directions), None)

    def pull_numbers(arguments: tuple[Any, ...], value: Any, factor: Any) -> list[Any]:
        assert pull is not None
        residuals = forward(*arguments)[1]
        given = pull(arguments, value, residuals, factor)
        found = []
        for part, argument in zip(given, arguments, strict=True):
            found += _numbers_like(who, "the gradient", part, argument)
        return found

    return Custom(
        who,
        function,
        None if push is None else push_numbers,
        None if pull is None else pull_numbers,
    )


def _numbers_like(who: str, what: str, given: Any, model: Any) -> list[Any]:
    """The numbers that a rule gives, as many as ``model`` has."""
    wanted = None if model is None else len(flatten(model)[0])
    if given is False and wanted is not None:
        return [0] * wanted
    numbers, _ = flatten(given)
    if wanted is not None and len(numbers) != wanted:
        raise WrongType(
            f"{who}: the rule gives {short_string(given)} for {what}, which has {wanted} "
            f"number{'s' * (wanted != 1)}"
        )
    return numbers


def gradients_of(who: str, given: Any, count: int) -> list[Any]:
    """What a rule gives for each of ``count`` arguments.

    Raises:
        WrongType: if there are several arguments and it gives no list of so many.
    """
    if count == 1:
        return [given]
    if isinstance(given, Pair | Vector | MultipleValues | tuple) or given is NIL:
        parts = list(given)
        if len(parts) == count:
            return parts
    if is_array(given) and given.shape[:1] == (count,):
        return [given[index] for index in range(count)]
    raise WrongType(
        f"{who}: expected a rule that gives a list of {count} derivatives, one for each argument, "
        f"got {short_string(given)}",
        hint="#f stands for an argument without one",
    )


def _pair(who: str, value: Any) -> tuple[Any, Any]:
    """The value and the residuals that a forward procedure gives."""
    if isinstance(value, Pair | Vector | MultipleValues | tuple):
        parts = list(value)
        if len(parts) == 2:
            return parts[0], parts[1]
    raise WrongType(
        f"{who}: expected a forward procedure that gives (values value residuals), "
        f"got {short_string(value)}"
    )
