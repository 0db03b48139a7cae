"""Perturbations: what keeps nested derivatives apart.

A *perturbation* is one variable point of one derivative that is being taken. Each has a *tag*, an
integer greater than those of all perturbations begun before it, so of two that are nested the
inner one has the greater tag. A Differentiable number belongs to one perturbation; its parts
(coefficients, partials) are plain numbers or Differentiables of lesser tags. An operation on
several numbers is done by the perturbation of the greatest tag, for which all others are
constants (Siskind and Pearlmutter, "Nesting
forward-mode AD in a functional framework", 2008).

When its derivative has been taken, a perturbation is over, and numbers that the program kept from
it (a loss stored in a variable, say) count as the plain values that they have.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from eshkol.autodiff.plain import PLAIN
from eshkol.base.errors import InternalError, WrongType
from eshkol.datum.equality import is_array
from eshkol.datum.pairs import Pair

TAGGED: set[type] = set()
"""The classes of Differentiable numbers (see ``numbers``)."""

OPEN: set[int] = set()
"""The tags of the perturbations that are not over."""

_tags = itertools.count(1)


class NeedsTensors(Exception):
    """A number under a host derivative reached an operation on tensors.

    Whoever takes the derivative catches it, and takes the derivative through JAX instead.
    """


class NeedsForward(Exception):
    """An operation has no reverse mode: it takes complex numbers apart.

    Whoever goes through the tape of this tag catches it, and goes forward instead.
    """

    def __init__(self, tag: int) -> None:
        super().__init__(tag)
        self.tag = tag


_REFUSED = ("<class 'eshkol.autodiff.", "'TapeNode'", "'Taylor'")
"""How errors of other libraries call numbers that carry derivatives."""


def foreign(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function``, which asks for tensors where a function of JAX or NumPy refuses a number that
    carries a derivative."""

    def call(*arguments: Any, **options: Any) -> Any:
        try:
            return function(*arguments, **options)
        except TypeError as error:
            if any(name in str(error) for name in _REFUSED):
                raise NeedsTensors from None
            raise

    return call


@contextmanager
def perturbation() -> Iterator[int]:
    """A new perturbation, open while the ``with`` block runs; gives its tag."""
    tag = next(_tags)
    OPEN.add(tag)
    try:
        yield tag
    finally:
        OPEN.discard(tag)


def primal(value: Any) -> Any:
    """``value`` without the derivatives it carries; anything but a Differentiable as it is.

    Example:
        >>> primal(2.0)
        2.0
    """
    while value.__class__ in TAGGED:
        value = value.value
    return value


def settled(value: Any) -> Any:
    """``value`` without the derivatives of perturbations that are over."""
    while value.__class__ in TAGGED and value.tag not in OPEN:
        value = value.value
    return value


def contains_differentiable(value: Any) -> bool:
    """Whether ``value`` is a Differentiable or a vector, list or tuple that contains one."""
    pending, seen = [value], set()
    while pending:
        item = pending.pop()
        if item.__class__ in TAGGED:
            return True
        if item.__class__ is not Pair and not isinstance(item, list | tuple):
            continue
        if id(item) not in seen:
            seen.add(id(item))
            pending.extend((item.cdr, item.car) if item.__class__ is Pair else item)
    return False


def refuse(name: str, arguments: tuple[Any, ...], expected: str = "a number") -> NoReturn:
    """Raise what fits the first argument that is not a number.

    Raises:
        NeedsTensors: it is an array, or a vector or list that counts as one.
        WrongType: it is anything else.
    """
    from eshkol.datum.write import short_string

    for argument in arguments:
        kind = primal(argument).__class__
        if kind in PLAIN and not (kind is complex and expected != "a number"):
            continue
        shown = short_string(argument)
        if is_array(argument) or kind in (Pair, tuple) or isinstance(argument, list):
            raise NeedsTensors(f"{name}: a number under differentiation met {shown}")
        raise WrongType(f"{name}: expected {expected}, got {shown}")
    raise InternalError(f"{name} refused arguments that are {expected} each")
