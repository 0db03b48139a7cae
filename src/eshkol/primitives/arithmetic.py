"""``+ - * /`` and what is built from them, exact where the numbers are.

``add``, ``subtract``, ``multiply`` and ``divide`` are the generic binary operations that compiled
code falls back on.
"""

from __future__ import annotations

from eshkol.autodiff import plain
from eshkol.autodiff.plain import PLAIN
from eshkol.primitives.declare import ARRAYS, called_as, primitive, tensor_rule
from eshkol.primitives.numbers import is_host_number, is_number, is_tensor_like, not_a_number
from eshkol.primitives.operations import TENSOR_RULES, Number, beyond_plain
from eshkol.validated.enclosures import Enclosure, enclosed

_CLOSED = frozenset({int, float})
"""Classes whose sum, difference and product are Python's and of the same class."""


def add(a: Number, b: Number) -> Number:
    """``(+ a b)``; of plain numbers, exact if both are.

    Example:
        >>> add(1, 0.5)
        1.5
    """
    if a.__class__ is b.__class__ and a.__class__ in _CLOSED:
        return a + b
    if a.__class__ in PLAIN and b.__class__ in PLAIN:
        return plain.add(a, b)
    return beyond_plain("+", "add", add, a, b)


def subtract(a: Number, b: Number) -> Number:
    """``(- a b)``; of plain numbers, exact if both are."""
    if a.__class__ is b.__class__ and a.__class__ in _CLOSED:
        return a - b
    if a.__class__ in PLAIN and b.__class__ in PLAIN:
        return plain.subtract(a, b)
    return beyond_plain("-", "subtract", subtract, a, b)


def multiply(a: Number, b: Number) -> Number:
    """``(* a b)``; of plain numbers, exact if both are."""
    if a.__class__ is b.__class__ and a.__class__ in _CLOSED:
        return a * b
    if a.__class__ in PLAIN and b.__class__ in PLAIN:
        return plain.multiply(a, b)
    return beyond_plain("*", "multiply", multiply, a, b)


def divide(a: Number, b: Number) -> Number:
    """``(/ a b)``: an exact rational if both are exact, else as IEEE 754 divides.

    Raises:
        DivideByZero: exact ``a`` divided by exact zero.

    Example:
        >>> divide(6, 3), divide(1, 0.0)
        (2, inf)
    """
    if a.__class__ in PLAIN and b.__class__ in PLAIN:
        return plain.divide(a, b)
    return beyond_plain("/", "divide", divide, a, b)


def negate(number: Number) -> Number:
    """``(- number)``; keeps the sign of a zero, as ``(- 0 number)`` would not."""
    if number.__class__ in ARRAYS:
        return tensor_rule(TENSOR_RULES + "negate", "-")(number)
    if is_host_number(number) or isinstance(number, Enclosure):
        return -number
    return multiply(-1, number)


def single(who: str, value: Number) -> Number:
    """``value``, the only argument of an operation that leaves a number as it is."""
    if value.__class__ in ARRAYS or isinstance(value, Enclosure):
        return value
    if is_number(value) or is_tensor_like(value):
        return value
    raise not_a_number(who, value)


@primitive("+")
def plus(*numbers: Number) -> Number:
    """The sum of the numbers, vectors or tensors; ``0`` of none.

    Exact numbers add exactly; one inexact number makes the sum inexact. Two vectors of exact
    numbers add to a vector; tensors broadcast.

    Raises:
        WrongType: an argument is not a number.
        ShapeError: lengths or shapes that do not fit.

    Example: ``(+ 1 1/2 0.5)`` ⇒ ``2.0``; ``(+ #(1 2) #(3 4))`` ⇒ ``#(4 6)``.
    """
    if len(numbers) == 2:
        return add(*numbers)
    if not numbers:
        return 0
    total = single("+", numbers[0])
    for number in numbers[1:]:
        total = add(total, number)
    return total


@primitive("*")
def times(*numbers: Number) -> Number:
    """The product of the numbers, vectors or tensors, element by element; ``1`` of none.

    Example: ``(* 2 1/2)`` ⇒ ``1``; ``(* 2 #(1 2 3))`` ⇒ ``#(2 4 6)``.
    """
    if len(numbers) == 2:
        return multiply(*numbers)
    if not numbers:
        return 1
    product = single("*", numbers[0])
    for number in numbers[1:]:
        product = multiply(product, number)
    return product


@primitive("-")
def minus(number: Number, *subtrahends: Number) -> Number:
    """The first number less all the others; of one number, its negation.

    Example: ``(- 10 1 2)`` ⇒ ``7``; ``(- 5)`` ⇒ ``-5``.
    """
    if not subtrahends:
        return negate(number if number.__class__ in ARRAYS else single("-", number))
    for subtrahend in subtrahends:
        number = subtract(number, subtrahend)
    return number


@primitive("/")
def over(number: Number, *divisors: Number) -> Number:
    """The first number divided by all the others; of one number, its reciprocal.

    Raises:
        DivideByZero: an exact number divided by exact zero.

    Example: ``(/ 1 2)`` ⇒ ``1/2``; ``(/ 1.0 0.0)`` ⇒ ``+inf.0``; ``(/ 4)`` ⇒ ``1/4``.
    """
    if not divisors:
        return divide(1, number)
    for divisor in divisors:
        number = divide(number, divisor)
    return number


@primitive("1+", "add1")
def increment(number: Number) -> Number:
    """The number plus one. Example: ``(1+ 4)`` ⇒ ``5``."""
    return add(number, 1)


@primitive("-1+", "sub1", "1-")
def decrement(number: Number) -> Number:
    """The number less one. Example: ``(-1+ 4)`` ⇒ ``3``."""
    return subtract(number, 1)


@primitive("square")
def square(number: Number) -> Number:
    """The number times itself. Example: ``(square 1/2)`` ⇒ ``1/4``."""
    if isinstance(number, Enclosure):
        return enclosed("square", "square", number)
    return called_as("square", multiply, number, number)


@primitive("cube")
def cube(number: Number) -> Number:
    """The third power of the number. Example: ``(cube 3)`` ⇒ ``27``."""
    if isinstance(number, Enclosure):
        return enclosed("cube", "power", number, 3)
    return multiply(multiply(number, number), number)
