"""Numbers of staged programs as Python functions are given them, and as they come back.

A traced number of 64 bits widens no tensor, as a number of Python's doesn't. An exact integer or
boolean that is traced and known (:mod:`eshkol.xla.witness`) becomes a :class:`KnownTracer`, which
is a tracer to JAX. Python's operators on those give more of them; what asks for the value of one
(a shape, a ``range``, an ``if``) gets it, and makes it static.
"""

from __future__ import annotations

import functools
import operator
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np
from jax import lax

from eshkol.xla._compat import (
    ExplicitX64Mode,
    enable_x64,
    explicit_x64_dtypes,
    must_be_concrete,
)
from eshkol.xla.dtypes import BOOL, FLOAT64, INT32, INT64, WIDE, wide
from eshkol.xla.tensors import Tracer
from eshkol.xla.witness import Witness


@contextmanager
def dtypes_of_python() -> Iterator[None]:
    """A context in which dtypes that are not named have the bits that the process asks for."""
    with enable_x64(enable_x64.get_global()), explicit_x64_dtypes(ExplicitX64Mode.ALLOW):
        yield


def needs_wide(values: Any) -> bool:
    """Whether a traced value of 64 bits is in ``values``.

    The derivatives of JAX's functions have constants of 32 bits where 64-bit numbers are off.
    """
    return any(isinstance(x, Tracer) and x.dtype in WIDE for x in jax.tree.leaves(values))


def given(value: Any) -> Any:
    """An argument of a Python function. Containers stay the ones they are if nothing changes."""
    return _replaced(value, lambda leaf: leaf.__class__ is Witness or _is_strong(leaf), _given)


def taken(value: Any) -> Any:
    """A result of a Python function, in which tracers have dtypes like any other."""
    return _replaced(value, lambda leaf: isinstance(leaf, Tracer) and leaf.weak_type, _taken)


def _replaced(value: Any, test: Callable[[Any], bool], by: Callable[[Any], Any]) -> Any:
    leaves, structure = jax.tree.flatten(value)
    if not any(map(test, leaves)):
        return value
    return jax.tree.unflatten(structure, [by(leaf) if test(leaf) else leaf for leaf in leaves])


def _is_strong(leaf: Any) -> bool:
    is_number = isinstance(leaf, Tracer) and leaf.shape == () and leaf.dtype in WIDE
    return is_number and not leaf.weak_type


def _given(leaf: Any) -> Any:
    return known_tracer(leaf) if leaf.__class__ is Witness else _weak(leaf)


def _taken(leaf: Any) -> Any:
    if isinstance(leaf, KnownTracer):
        return leaf.witness
    with wide():
        return lax.convert_element_type(leaf, leaf.dtype)


def _weak(number: Any, dtype: np.dtype | None = None) -> Any:
    dtype = dtype or number.dtype
    if number.weak_type and number.dtype == dtype:
        return number
    return lax.convert_element_type_p.bind(number, new_dtype=dtype, weak_type=True, sharding=None)


class KnownTracer:
    """What tracers whose values are known have in common.

    Attributes:
        witness: the number.
    """

    witness: Witness

    def __repr__(self) -> str:
        return f"#<traced {self.witness.known!r}>"

    def __hash__(self) -> int:
        return hash(self.witness)

    def __format__(self, form: str) -> str:
        return format(self.witness.item(), form)

    def __bool__(self) -> bool:
        return bool(self.witness)

    def __float__(self) -> float:
        return float(self.witness)

    def to_concrete_value(self) -> Any:
        """The value for functions of JAX that can't do without it; to others it is traced."""
        return self.item() if must_be_concrete(sys._getframe(1)) else None

    def item(self) -> Any:
        """The value, which becomes static."""
        return self.witness.item()

    __index__ = __int__ = item


def known_tracer(witness: Witness) -> Any:
    """The tracer of an exact integer or boolean that knows its value.

    JAX's functions find an integer of the bits that they have for Python's.
    """
    tracer = _weak(witness.__eshkol_traced__, _dtype_for_python(witness.known))
    if not isinstance(tracer, Tracer):
        return tracer
    known: Any = object.__new__(_class_of(type(tracer)))
    for kind in type(tracer).__mro__:
        for name in getattr(kind, "__slots__", ()):
            if name != "__weakref__" and hasattr(tracer, name):
                object.__setattr__(known, name, getattr(tracer, name))
    known.witness = witness
    return known


def _dtype_for_python(number: int | bool) -> np.dtype:
    if number.__class__ is bool:
        return BOOL
    is_narrow = -(2**31) <= number < 2**31 and not enable_x64.value
    return INT32 if is_narrow else INT64


@functools.cache
def _class_of(kind: type) -> type:
    return type(f"Known{kind.__name__}", (KnownTracer, kind), {})


# ---- Python's operators


def _applied(operation: Callable[..., Any], *operands: Any) -> Any:
    """What an operator gives for operands of which at least one is a known tracer."""
    witnesses: list[Any] = [x.witness if isinstance(x, KnownTracer) else x for x in operands]
    if not all(x.__class__ in (int, bool, Witness) for x in witnesses):
        dtype = FLOAT64 if float in map(type, operands) else None
        return operation(*(_plain(x, dtype) for x in operands))
    with wide():
        known = operation(*(x.known if x.__class__ is Witness else x for x in witnesses))
        if known.__class__ not in (int, bool) or not -(2**63) <= known < 2**63:
            return operation(*map(_plain, operands))
        kind = INT64 if known.__class__ is int else None
        tracer = operation(*(_operand(x, kind) for x in witnesses))
    sources = frozenset().union(*(x.sources for x in witnesses if x.__class__ is Witness))
    return known_tracer(Witness(known, tracer, sources))


def _applied_by_value(operation: Callable[..., Any], x: Any, y: Any) -> Any:
    """The same of an operator for which the value of an exact second operand matters."""
    if isinstance(x, KnownTracer | int):
        y = y.item() if isinstance(y, KnownTracer) else y
        if not isinstance(x, KnownTracer):
            return operation(x, y)
    return _applied(operation, x, y)


def _plain(value: Any, dtype: np.dtype | None = None) -> Any:
    if not isinstance(value, KnownTracer):
        return value
    return _weak(value.witness.__eshkol_traced__, dtype)


def _operand(value: Any, kind: np.dtype | None) -> Any:
    """A number in an operation whose result is a 64-bit integer if ``kind`` says so."""
    if value.__class__ is not Witness:
        return value if kind is None else kind.type(value)
    tracer = value.__eshkol_traced__
    return tracer if kind is None else tracer.astype(kind)


def _inverted(value: Any) -> Any:
    return not value if value.__class__ is bool else ~value


def _install(name: str, apply: Callable[..., Any], operation: Callable[..., Any]) -> None:
    def forward(self: KnownTracer, *others: Any) -> Any:
        return apply(operation, self, *others)

    def reflected(self: KnownTracer, other: Any) -> Any:
        return apply(operation, other, self)

    setattr(KnownTracer, f"__{name}__", forward)
    setattr(KnownTracer, f"__r{name}__", reflected)


for _name in "add sub mul truediv and or xor neg pos abs lt le gt ge eq ne".split():
    _install(_name, _applied, getattr(operator, f"__{_name}__"))
for _name in "floordiv mod pow lshift rshift".split():
    _install(_name, _applied_by_value, getattr(operator, f"__{_name}__"))
_install("invert", _applied, _inverted)
_install("divmod", lambda _, x, y: (x // y, x % y), divmod)
