"""Operations on integers, one by one against Python's, which have bits without end."""

from __future__ import annotations

import math
import operator

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensor_laws import SCHEME

from eshkol.session import Session
from eshkol.xla.dtypes import wide

BITS = {"uint8": 8, "int16": 16, "int32": 32, "int64": 64}


def shifted(a: int, n: int) -> int:
    return a << n if n >= 0 else a >> -n


def magnitude(a: int) -> int:
    return ~a if a < 0 else a


BINARY = {
    "bitwise-and": operator.and_,
    "bitwise-ior": operator.or_,
    "bitwise-xor": operator.xor,
    "gcd": math.gcd,
    "lcm": math.lcm,
}
UNARY = {
    "bitwise-not": operator.invert,
    "bit-count": lambda a: magnitude(a).bit_count(),
    "integer-length": lambda a: magnitude(a).bit_length(),
}
INTEGERS = [0, 1, -1, 2, 3, -8, 12, 18, 97, -100, 127, -128, 255, 30_000, -30_000, 2**31 - 1]
COUNTS = [0, 1, -1, 5, -5, 31, -31, 63, -63, 64, -64, 100, -100]


def array(values, dtype):
    with wide():
        return jnp.asarray([wrapped(value, dtype) for value in values], dtype)


def wrapped(value, dtype):
    """What the dtype keeps of an integer."""
    bits = BITS[dtype]
    low = value & (1 << bits) - 1
    return low - (1 << bits) if dtype[0] == "i" and low >> bits - 1 else low


def agrees(form, of_plain, dtype, *rows):
    """A form on tensors, eager and compiled, is the operation on each row of integers."""
    operands = [array(column, dtype) for column in zip(*rows, strict=True)]
    rows = zip(*(np.asarray(x).tolist() for x in operands), strict=True)
    expected = [wrapped(of_plain(*row), dtype) for row in rows]
    for function in (form, jax.jit(form)):
        with wide():
            result = function(*operands)
        assert result.dtype == dtype
        assert np.asarray(result).tolist() == expected


@pytest.mark.parametrize("dtype", BITS)
@pytest.mark.parametrize("name", BINARY)
def test_two_integers(name, dtype):
    if name == "lcm":  # it may be larger than the dtype
        pairs = [(a, b) for a in INTEGERS for b in INTEGERS if abs(a * b) < 2 ** (BITS[dtype] - 1)]
    else:
        pairs = [(a, b) for a in INTEGERS for b in INTEGERS]
    agrees(SCHEME[name], BINARY[name], dtype, *pairs)


@pytest.mark.parametrize("dtype", BITS)
@pytest.mark.parametrize("name", UNARY)
def test_one_integer(name, dtype):
    agrees(SCHEME[name], UNARY[name], dtype, *[(a,) for a in INTEGERS])


@pytest.mark.parametrize("dtype", BITS)
@pytest.mark.parametrize("name", [name for name in BINARY if name.startswith("bitwise")])
def test_one_operand_stays_what_it_is(name, dtype):
    agrees(SCHEME[name], lambda a: a, dtype, *[(a,) for a in INTEGERS])


@pytest.mark.parametrize("dtype", BITS)
def test_shifts(dtype):
    for count in COUNTS:
        agrees(
            lambda x, n=count: SCHEME["arithmetic-shift"](x, n),
            lambda a, n=count: shifted(a, n),
            dtype,
            *[(a,) for a in INTEGERS],
        )
    counts = [n for n in COUNTS if dtype[0] == "i" or n >= 0]
    rows = [(a, n) for a in INTEGERS for n in counts]
    agrees(SCHEME["arithmetic-shift"], shifted, dtype, *rows)


SESSION = Session()
ROOT = SESSION.evaluate(
    "(jit (lambda (a b) (call-with-values (lambda () (exact-integer-sqrt (+ a b))) list)))"
)


@given(st.integers(0, 2**63 - 1) | st.integers(0, 3_037_000_499).map(lambda r: r * r))
@settings(max_examples=100, deadline=None)
def test_whole_square_roots(number):
    a = number // 2
    root, rest = (int(part) for part in ROOT(a, number - a))
    assert root == math.isqrt(number)
    assert rest == number - root * root


def test_divisors_of_floats_that_are_not_whole_are_nan():
    for name in ("gcd", "lcm"):
        result = SCHEME[name](jnp.asarray([12.0, 6.5, jnp.inf]), 8)
        assert np.isnan(np.asarray(result)).tolist() == [False, True, True]
