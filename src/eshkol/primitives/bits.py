"""Exact integers as rows of bits, in two's complement without end (SRFI 151).

Tensors of integers have as many bits as their dtype, integers of compiled programs 64.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import reduce
from typing import Any

from eshkol.primitives.arguments import wrong_type
from eshkol.primitives.arithmetic import negate
from eshkol.primitives.declare import apply_rule, primitive
from eshkol.primitives.elements import map_elements, stays_on_host
from eshkol.primitives.integers import WHOLE_NUMBERS, is_odd
from eshkol.primitives.numbers import is_tensor_like
from eshkol.primitives.operations import Number
from eshkol.primitives.tensors import Tensor


def _unary(who: str, of_plain: Callable[[int], int], rule: str) -> Callable[[Number], Number]:
    def operation(number: Number) -> Number:
        if number.__class__ is int:
            return of_plain(number)
        if not is_tensor_like(number):
            raise wrong_type(who, "an exact integer", number)
        if stays_on_host(number):
            return map_elements(who, lambda x, _: operation(x), number, 0)
        return apply_rule(WHOLE_NUMBERS + rule, who, number)

    return operation


def _binary(
    who: str, of_plain: Callable[[int, int], int], rule: str
) -> Callable[[Number, Number], Number]:
    def operation(a: Number, b: Number) -> Number:
        if a.__class__ is int and b.__class__ is int:
            return of_plain(a, b)
        for value in (a, b):
            if not (value.__class__ is int or is_tensor_like(value)):
                raise wrong_type(who, "an exact integer", value)
        if stays_on_host(a, b):
            return map_elements(who, operation, a, b)
        return apply_rule(WHOLE_NUMBERS + rule, who, a, b)

    return operation


_not = _unary("bitwise-not", operator.invert, "bitwise_not")
_and = _binary("bitwise-and", operator.and_, "bitwise_and")
_or = _binary("bitwise-ior", operator.or_, "bitwise_or")
_xor = _binary("bitwise-xor", operator.xor, "bitwise_xor")


def _folded(
    operation: Callable[[Number, Number], Number], numbers: tuple[Number, ...], of_none: int
) -> Number:
    """The operation on all numbers, one after the other; one alone stays what it is."""
    if len(numbers) == 1:
        return _or(numbers[0], 0)
    return reduce(operation, numbers) if numbers else of_none


@primitive("bitwise-not")
def bitwise_not(number: Tensor) -> Tensor:
    """Each bit changed: ``-1 - number``. Example: ``(bitwise-not 10)`` ⇒ ``-11``."""
    return _not(number)


@primitive("bitwise-and")
def bitwise_and(*numbers: Tensor) -> Tensor:
    """The bits that all integers have; ``-1`` of none. Example: ``(bitwise-and 12 10)`` ⇒ ``8``."""
    return _folded(_and, numbers, -1)


@primitive("bitwise-ior", "bitwise-or")
def bitwise_or(*numbers: Tensor) -> Tensor:
    """The bits that one of the integers has. Example: ``(bitwise-ior 12 10)`` ⇒ ``14``."""
    return _folded(_or, numbers, 0)


@primitive("bitwise-xor")
def bitwise_xor(*numbers: Tensor) -> Tensor:
    """The bits that an odd number of the integers have.

    Example: ``(bitwise-xor 12 10)`` ⇒ ``6``; a step of Marsaglia's generator of random numbers
    (2003) is ``(let ((x 5)) (bitwise-xor x (arithmetic-shift x 13)))`` ⇒ ``40965``.
    """
    return _folded(_xor, numbers, 0)


def _shifted(number: int, count: int) -> int:
    return number << count if count >= 0 else number >> -count


_shift = _binary("arithmetic-shift", _shifted, "arithmetic_shift")


@primitive("arithmetic-shift", "ash")
def arithmetic_shift(number: Tensor, count: Tensor) -> Tensor:
    """An integer times two to the power ``count``, rounded down if that is negative.

    Bits that are shifted out of a tensor's dtype are lost.

    Example: ``(arithmetic-shift 5 2)`` ⇒ ``20``; ``(arithmetic-shift -5 -1)`` ⇒ ``-3``.
    """
    return _shift(number, count)


_count = _unary("bit-count", lambda n: (~n if n < 0 else n).bit_count(), "bit_count")
_length = _unary("integer-length", lambda n: (~n if n < 0 else n).bit_length(), "integer_length")


@primitive("bit-count")
def bit_count(number: Tensor) -> Tensor:
    """How many bits are 1; of a negative integer, how many are 0.

    Example: ``(bit-count 12)`` ⇒ ``2``; ``(bit-count -8)`` ⇒ ``3``.
    """
    return _count(number)


@primitive("integer-length")
def integer_length(number: Tensor) -> Tensor:
    """How many bits an integer needs beside its sign.

    Example: ``(integer-length 8)`` ⇒ ``4``; ``(integer-length -8)`` ⇒ ``3``.
    """
    return _length(number)


@primitive("bit-set?")
def is_bit_set(index: Tensor, number: Tensor) -> Any:
    """Whether the bit at ``index`` is 1, counted from 0, the lowest.

    Example: ``(bit-set? 1 10)`` ⇒ ``#t``.
    """
    return is_odd(_shift(number, negate(index)))
