"""When two values are the same, and booleans."""

from __future__ import annotations

from typing import Any

from eshkol.autodiff import primal
from eshkol.datum.equality import is_array, is_equal, is_eqv
from eshkol.datum.pairs import EmptyList, scheme_list
from eshkol.datum.symbols import Symbol
from eshkol.primitives.arguments import (
    KNOWN,
    boolean_array,
    is_number_array,
    is_tracer,
    is_witness,
    wrong_type,
)
from eshkol.primitives.comparison import Truth, equal_to
from eshkol.primitives.declare import load, primitive
from eshkol.primitives.numbers import is_exact, is_number

_RULES = "eshkol.xla.sameness:"

_COMPARED = frozenset({int, str, Symbol, EmptyList})
"""Classes whose values are ``equal?`` when Python's ``==`` holds."""


def same(a: Any, b: Any) -> Truth:
    """``eqv?``; of a number or a boolean that is traced, a traced truth value."""
    if a is b:
        return True
    if a.__class__ in KNOWN and b.__class__ in KNOWN:
        return a.__class__ is b.__class__ and is_eqv(a, b)
    if _is_traced(a) or _is_traced(b):
        if is_number(a) and is_number(b) and is_exact(a) == is_exact(b):
            return equal_to(a, b) if is_exact(a) else load(_RULES + "same")(primal(a), primal(b))
        if is_boolean(a) and is_boolean(b):
            return load(_RULES + "same_truths")(a, b)
        return False
    return is_eqv(primal(a), primal(b))


def alike(a: Any, b: Any) -> Truth:
    """``equal?``; of what holds numbers or tensors that are traced, a traced truth value."""
    if a.__class__ in KNOWN and b.__class__ in KNOWN:
        if a.__class__ is not b.__class__:
            return False
        if a.__class__ in _COMPARED:
            return a == b
    elif _is_special(a) or _is_special(b):
        return _alike_specially(a, b)
    truths: list[Truth] = []

    def compare(a: Any, b: Any) -> bool | None:
        if not (_is_special(a) or _is_special(b)):
            return None
        truth = _alike_specially(a, b)
        if truth is True or truth is False:
            return truth
        truths.append(truth)
        return True

    if not is_equal(a, b, compare):
        return False
    return load(_RULES + "all_of")(truths) if truths else True


def _alike_specially(a: Any, b: Any) -> Truth:
    """``equal?`` of two values of which one is traced or carries derivatives."""
    if is_array(a) and is_array(b) and a.shape and a.shape == b.shape:
        return a is b or load(_RULES + "same_elements")(a, b)
    return same(a, b)


def _is_special(value: Any) -> bool:
    """Whether ``value`` is traced or carries derivatives."""
    if value.__class__ in KNOWN:
        return False
    return _is_traced(value) or primal(value) is not value


def _is_traced(value: Any) -> bool:
    return is_tracer(value) or is_witness(value)


@primitive("eq?", "eqv?")
def is_same(a: Any, b: Any) -> Truth:
    """Whether two values are the same object, or numbers of the same value and exactness, or the
    same char.

    Here ``eq?`` of numbers and chars is ``eqv?``, as R7RS allows.

    Example: ``(eqv? 2 2)`` ⇒ ``#t``; ``(eqv? 2 2.0)`` ⇒ ``#f``; ``(eqv? "a" "a")`` is unspecified.
    """
    return a is b or same(a, b)


@primitive("equal?")
def is_alike(a: Any, b: Any) -> Truth:
    """Whether two values have the same structure and contents.

    Example: ``(equal? '(1 "a") (list 1 "a"))`` ⇒ ``#t``; ``(equal? 2 2.0)`` ⇒ ``#f``.
    """
    return a is b or alike(a, b)


def logical_not(value: Any) -> Truth:
    """``not``; of a tensor that is one truth value, such a tensor."""
    if value is False:
        return True
    if not is_array(value):
        return False
    if is_number_array(value):
        return False
    return load("eshkol.xla.selection:logical_not")(boolean_array("not", value))


@primitive("not")
def is_false(value: Any) -> Truth:
    """Whether the value is ``#f``; of a tensor that is one truth value, its negation.

    Raises:
        WrongType: a tensor that can't be a condition; for each element use ``logical-not``.

    Example: ``(not 0)`` ⇒ ``#f``.
    """
    return value is False if value.__class__ in KNOWN else logical_not(value)


@primitive("boolean?")
def is_boolean(value: Any) -> bool:
    """Whether the value is ``#t``, ``#f`` or a rank-0 tensor of booleans.

    Example: ``(boolean? #f)`` ⇒ ``#t``; ``(boolean? '())`` ⇒ ``#f``.
    """
    if is_array(value):
        return value.shape == () and str(value.dtype) == "bool"
    return value is True or value is False


@primitive("boolean=?")
def are_same_booleans(boolean: Any, *booleans: Any) -> Truth:
    """Whether the booleans are all the same. Example: ``(boolean=? #t #t)`` ⇒ ``#t``."""
    for value in (boolean, *booleans):
        if not is_boolean(value):
            raise wrong_type("boolean=?", "a boolean", value)
    if any(map(_is_traced, (boolean, *booleans))):
        return alike(scheme_list([boolean] * len(booleans)), scheme_list(booleans))
    return all(bool(value) == bool(boolean) for value in booleans)
