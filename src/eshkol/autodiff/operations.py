"""All operations on numbers by name: the smooth ones, those with kinks, those with jumps.

Operations with kinks or jumps (``max``, ``floor``) choose by plain values and need no rule. Every
operation takes plain numbers and Differentiables in any mix.
"""

from __future__ import annotations

from typing import Any

from eshkol.autodiff import plain, rules
from eshkol.autodiff.perturbations import primal, refuse, settled
from eshkol.autodiff.plain import EXACT, PLAIN, negate
from eshkol.autodiff.rules import Operation, Rule
from eshkol.base.errors import ArityError, InternalError

add, subtract = rules.ADD.operation, rules.SUBTRACT.operation
multiply, divide = rules.MULTIPLY.operation, rules.DIVIDE.operation
inexact = rules.INEXACT.operation


def real_primals(name: str, *arguments: Any) -> tuple[Any, ...]:
    """The plain values of ``arguments``, all of them real numbers."""
    values = tuple(map(primal, arguments))
    for value in values:
        if value.__class__ not in PLAIN or value.__class__ is complex:
            refuse(name, arguments, "a real number")
    return values


def absolute(x: Any) -> Any:
    """``|x|``; its slope at zero is 0, the middle of the slopes on both sides."""
    (value,) = real_primals("abs", x)
    if value == 0:
        return abs(value)
    return negate(x) if value < 0 else x


def maximum(x: Any, y: Any) -> Any:
    """The greater argument, the first one of two equal ones; inexact if either is."""
    a, b = real_primals("max", x, y)
    return _chosen(x if a >= b or a != a else y, a, b)


def minimum(x: Any, y: Any) -> Any:
    """The lesser argument, the first one of two equal ones; inexact if either is."""
    a, b = real_primals("min", x, y)
    return _chosen(x if a <= b or a != a else y, a, b)


def _chosen(choice: Any, a: Any, b: Any) -> Any:
    if a.__class__ is b.__class__ or (a.__class__ in EXACT and b.__class__ in EXACT):
        return choice
    return inexact(choice)


def real_part(x: Any) -> Any:
    """The real part of a number."""
    if primal(x).__class__ is not complex:
        return x
    return x.real if x.__class__ is complex else settled(x).part(real_part)


def imaginary_part(x: Any) -> Any:
    """The imaginary part of a number; exact zero of a real one."""
    if primal(x).__class__ is not complex:
        return 0
    return x.imag if x.__class__ is complex else settled(x).part(imaginary_part)


def complex_of(x: Any, y: Any) -> Any:
    """The complex number of two real parts."""
    return add(x, multiply(1j, y))


def magnitude(x: Any) -> Any:
    """The distance from zero in the complex plane."""
    if primal(x).__class__ is not complex:
        return absolute(x)
    a, b = real_part(x), imaginary_part(x)
    return rules.sqrt(add(multiply(a, a), multiply(b, b)))


def angle(x: Any) -> Any:
    """The angle in the complex plane."""
    return _angle(imaginary_part(x), real_part(x))


def constant_between_jumps(name: str, value_of: Operation) -> Operation:
    """An operation whose derivative is zero wherever it has one: of the plain values alone."""

    def operation(*arguments: Any) -> Any:
        return value_of(*real_primals(name, *arguments))

    return operation


_sign_of_reals = constant_between_jumps("sign", plain.sign)


def _sign(x: Any) -> Any:
    return plain.sign(x) if x.__class__ is complex else _sign_of_reals(x)


def _logarithm(x: Any, base: Any = None) -> Any:
    return rules.log(x) if base is None else divide(rules.log(x), rules.log(base))


def _arctangent(y: Any, x: Any = None) -> Any:
    return rules.ATAN.operation(y) if x is None else _angle(y, x)


def _angle(y: Any, x: Any) -> Any:
    real_primals("atan", y, x)
    return rules.ATAN2.operation(y, x)


def _of_reals(rule: Rule) -> Operation:
    def operation(*arguments: Any) -> Any:
        real_primals(rule.name, *arguments)
        return rule.operation(*arguments)

    return operation


def _from_two(operation: Operation, one: Operation) -> Operation:
    """An operation of one or more arguments from those of one and of two, from the left."""

    def fold(x: Any, *rest: Any) -> Any:
        if not rest:
            return one(x)
        for y in rest:
            x = operation(x, y)
        return x

    return fold


def _itself(x: Any) -> Any:
    return x


_NAMED: dict[tuple[str, ...], Operation] = {
    ("add", "+"): _from_two(add, _itself),
    ("subtract", "-"): _from_two(subtract, rules.NEGATE.operation),
    ("multiply", "*"): _from_two(multiply, _itself),
    ("divide", "/"): _from_two(divide, lambda x: divide(1, x)),
    ("negate",): rules.NEGATE.operation,
    ("reciprocal",): lambda x: divide(1, x),
    ("square",): lambda x: multiply(x, x),
    ("power", "expt", "pow"): rules.power,
    ("sqrt",): rules.sqrt,
    ("exp",): rules.exp,
    ("expm1",): rules.EXPM1.operation,
    ("log",): _logarithm,
    ("log1p",): rules.LOG1P.operation,
    ("sin",): rules.sin,
    ("cos",): rules.cos,
    ("tan",): rules.TAN.operation,
    ("asin",): rules.ASIN.operation,
    ("acos",): rules.ACOS.operation,
    ("atan",): _arctangent,
    ("atan2",): _angle,
    ("sinh",): rules.sinh,
    ("cosh",): rules.cosh,
    ("tanh",): rules.TANH.operation,
    ("asinh",): rules.ASINH.operation,
    ("acosh",): rules.ACOSH.operation,
    ("atanh",): rules.ATANH.operation,
    ("sigmoid",): rules.SIGMOID.operation,
    ("erf",): _of_reals(rules.ERF),
    ("abs",): absolute,
    ("magnitude",): magnitude,
    ("real-part",): real_part,
    ("imag-part",): imaginary_part,
    ("angle",): angle,
    ("make-rectangular",): complex_of,
    ("max",): _from_two(maximum, _itself),
    ("min",): _from_two(minimum, _itself),
    ("modulo", "floor-remainder"): _of_reals(rules.MODULO),
    ("remainder", "truncate-remainder"): _of_reals(rules.REMAINDER),
    ("quotient", "truncate-quotient"): constant_between_jumps("quotient", plain.quotient),
    ("floor-quotient",): constant_between_jumps("floor-quotient", plain.floor_quotient),
    ("floor",): constant_between_jumps("floor", plain.floor),
    ("ceiling",): constant_between_jumps("ceiling", plain.ceiling),
    ("round",): constant_between_jumps("round", plain.nearest),
    ("truncate",): constant_between_jumps("truncate", plain.truncate),
    ("sign",): _sign,
    ("exact->inexact", "inexact"): inexact,
    ("inexact->exact", "exact"): rules.EXACTLY.operation,
    ("stop-gradient",): primal,
}

OPERATIONS = {name: operation for names, operation in _NAMED.items() for name in names}
"""Every operation by its Scheme name and by its English one."""


def apply(name: str, *arguments: Any) -> Any:
    """The operation ``name`` on plain numbers and Differentiables in any mix.

    Args:
        name: a Scheme name (``"+"``, ``"expt"``, ``"exact->inexact"``) or the English one
            (``"add"``, ``"power"``).
        arguments: as many as the Scheme procedure takes.

    Raises:
        WrongType: an argument is not a number. NeedsTensors: it is an array or a vector.
        DivideByZero: exact division by zero.

    Example:
        >>> apply("divide", 1, 3)
        Fraction(1, 3)
    """
    operation = OPERATIONS.get(name)
    if operation is None:
        raise InternalError(f"no operation on numbers is called {name!r}")
    try:
        return operation(*arguments)
    except TypeError as error:
        traceback = error.__traceback__
        if traceback is not None and traceback.tb_next is None:
            raise ArityError(f"{name}: cannot take {len(arguments)} arguments") from None
        raise
