"""``eqv?`` and ``equal?`` of numbers, booleans and tensors that are traced."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import lax

from eshkol.xla.rules import binary_rule, comparison_dtype
from eshkol.xla.tensors import as_tensor
from eshkol.xla.truth import conjunction
from eshkol.xla.witness import Witness, tracer_of


def _same(x: Any, y: Any) -> Any:
    """Whether elements are the same: NaN is itself, -0.0 is not 0.0."""
    if x.dtype.kind == "c":
        return _same(lax.real(x), lax.real(y)) & _same(lax.imag(x), lax.imag(y))
    if not jnp.issubdtype(x.dtype, jnp.floating):
        return lax.eq(x, y)
    equal = (x == y) & (jnp.signbit(x) == jnp.signbit(y))
    return equal | ((x != x) & (y != y))


_same_numbers = binary_rule("eqv?", _same, comparison_dtype)


def same(a: Any, b: Any) -> Any:
    """``(eqv? a b)`` of inexact numbers; a real number is never a complex one."""
    return _is_complex(a) == _is_complex(b) and _same_numbers(a, b)


def _is_complex(number: Any) -> bool:
    return as_tensor(number, "eqv?").dtype.kind == "c"


def same_truths(a: Any, b: Any) -> Any:
    """``(eqv? a b)`` of booleans, known or traced."""
    return lax.eq(as_tensor(a, "eqv?"), as_tensor(b, "eqv?"))


def same_elements(a: Any, b: Any) -> Any:
    """``(equal? a b)`` of tensors of one shape."""
    x, y = as_tensor(a, "equal?"), as_tensor(b, "equal?")
    return x.dtype == y.dtype and jnp.all(_same(x, y))


def all_of(truths: Sequence[Any]) -> Any:
    """The conjunction of conditions that are traced; it is known where all of them are."""
    traced = functools.reduce(conjunction, truths)
    if not all(truth.__class__ is Witness for truth in truths):
        return traced
    known = functools.reduce(operator.and_, [truth.known for truth in truths])
    sources = frozenset().union(*(truth.sources for truth in truths))
    return Witness(known, tracer_of(traced), sources)
