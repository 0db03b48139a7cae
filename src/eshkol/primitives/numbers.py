"""What is a number here, and how the kinds of numbers go into one another.

A *plain* number is one of Python's own: ``int`` and ``Fraction`` are exact, ``float`` and
``complex`` inexact. Beside them stand the host's derivative-carrying numbers
(:class:`~eshkol.autodiff.Differentiable`), rank-0 arrays, and witnesses.
"""

from __future__ import annotations

from typing import Any

from eshkol.autodiff import Differentiable, primal
from eshkol.autodiff.plain import EXACT, PLAIN
from eshkol.base.errors import StagingError
from eshkol.datum.equality import is_array
from eshkol.datum.pairs import NIL, Pair
from eshkol.datum.symbols import Symbol
from eshkol.datum.tensor_text import concrete
from eshkol.datum.values import UNSPECIFIED, Char, MutableString, Vector
from eshkol.datum.variables import TensorVariable
from eshkol.datum.write import short_string
from eshkol.primitives.arguments import is_tracer, is_witness, wrong_type
from eshkol.validated.enclosures import Enclosure

REAL = PLAIN - {complex}


def known(value: Any) -> Any:
    """``value`` as a plain number if it stands for one whose value is known, else ``value``.

    The value of a Differentiable is its primal; of a concrete rank-0 array, its element; of a
    witness, the integer (which makes it static).
    """
    if value.__class__ in PLAIN:
        return value
    if isinstance(value, Differentiable):
        return known(primal(value))
    if is_witness(value):
        return value.__index__()
    if is_array(value) and value.shape == () and not is_tracer(value):
        item = value.item()
        return item if item.__class__ in PLAIN else value
    return value


def shown_number(who: str, value: Any) -> Any:
    """``value`` as a plain number if it can be shown now as one, else ``value``.

    Unlike ``known`` it leaves out what tensors carry of a derivative, which no text has.

    Raises:
        StagingError: it is a number, but known only when the compiled program runs.
    """
    number = known(value)
    if not is_tracer(number) or number.shape != ():
        return number
    elements = concrete(number)
    if elements is None:
        raise not_known_yet(who, number)
    return known(elements)


def not_known_yet(who: str, value: Any) -> StagingError:
    """The error for making text of what only the compiled program will know."""
    return StagingError(
        f"{who}: the value of {short_string(value)} is not known while staging",
        hint="give it back, and make text of it where the compiled procedure is called;\n"
        "display, printf and error show it when the program runs",
    )


_NEVER_NUMBERS = frozenset([Pair, Symbol, str, MutableString, bool, Vector, Char, type(NIL)])


def is_number(value: Any) -> bool:
    """Whether ``value`` is a Scheme number: rank-0 arrays of numbers are."""
    kind = value.__class__
    if kind in PLAIN:
        return True
    if kind in _NEVER_NUMBERS:
        return False
    if is_array(value):
        return value.shape == () and str(value.dtype) != "bool"
    if isinstance(value, Enclosure):
        return value.is_number()
    return isinstance(value, Differentiable) or is_witness(value)


def is_exact(value: Any) -> bool:
    """Whether the number ``value`` is exact; arrays decide by their dtype."""
    if isinstance(value, Differentiable):
        value = primal(value)
    if is_array(value):
        return str(value.dtype).startswith(("int", "uint"))
    return value.__class__ in EXACT or is_witness(value)


def is_host_number(value: Any) -> bool:
    """Whether ``value`` is a plain number or one that carries derivatives."""
    return value.__class__ in PLAIN or isinstance(value, Differentiable)


def is_tensor_like(value: Any) -> bool:
    """Whether tensor rules take ``value``: arrays, witnesses, vectors and lists."""
    kind = value.__class__
    return (
        kind is Pair
        or kind is tuple
        or isinstance(value, list)
        or is_array(value)
        or is_witness(value)
        or kind is TensorVariable
    )


def not_a_number(who: str, value: Any, expected: str = "a number") -> Exception:
    """The error for ``value`` where a number is wanted, with a hint for the usual slips."""
    return wrong_type(who, expected, value, _hint(who, value))


def _hint(who: str, value: Any) -> str:
    if isinstance(value, str | MutableString):
        if who == "+":
            return "to join strings: (string-append a b)"
        return "to read a number from a string: (string->number s)"
    if isinstance(value, bool):
        return "truth values are no numbers: (if flag 1 0)"
    if isinstance(value, Char):
        return "the code of a char: (char->integer c)"
    if value is UNSPECIFIED:
        return (
            "the form that gave this value returns nothing, as an if or cond without else does "
            "where no test holds"
        )
    if value is NIL:
        return "the empty list is not zero"
    if callable(value):
        return "this is the procedure itself: call it by putting it in parentheses"
    if isinstance(value, Vector | Pair):
        return "apply it to each element with map or vector-map"
    return ""


def real_argument(who: str, value: Any) -> Any:
    """``value`` as a plain real number whose value is known."""
    number = known(value)
    if number.__class__ in REAL:
        return number
    raise not_known(who, value, "a real number")


def not_known(who: str, value: Any, expected: str) -> Exception:
    """The error for ``value`` where a number is wanted whose value is known."""
    if is_tracer(value) and value.shape == ():
        return StagingError(
            f"{who}: expected {expected} that is known while tracing, got {short_string(value)}",
            hint="its value is known only when the compiled program runs: do this outside of it",
        )
    return not_a_number(who, value, expected)
