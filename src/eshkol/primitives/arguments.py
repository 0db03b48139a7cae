"""Checks of arguments that all families of primitives share.

Each ``…_argument(who, value)`` gives the value back in the form the primitive works on, or raises
the error that names the primitive ``who``, what it expected and what came.
"""

from __future__ import annotations

import inspect
import itertools
import operator
import sys
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from types import FrameType
from typing import Any

from eshkol.autodiff import Differentiable
from eshkol.base.errors import EshkolError, OutOfRange, StagingError, WrongType
from eshkol.datum.equality import Undecided, is_array
from eshkol.datum.pairs import NIL, EmptyList, Pair, is_list, scheme_list
from eshkol.datum.symbols import Symbol
from eshkol.datum.values import Char, HashTable, MultipleValues, MutableString, Vector
from eshkol.datum.variables import TensorVariable
from eshkol.datum.write import short_string
from eshkol.primitives.declare import load

KNOWN = frozenset(
    {int, float, bool, str, complex, Fraction, Symbol, Char, Pair, EmptyList, Vector, HashTable}
)
"""Classes of values that are never traced themselves, asked first because it is quick."""

_NO_ITEMS = (str, bytes, bytearray, Vector, HashTable, MutableString, MultipleValues, type)
"""Classes of values that are no lists although Python iterates over them."""

_UNGUARDED = 1 << 16
"""How many pairs are followed before asking whether the chain is circular."""


def wrong_type(who: str, expected: str, value: Any, hint: str = "") -> EshkolError:
    """The error ``<who>: expected <expected>, got <value>``; the question which value this is."""
    if isinstance(value, Undecided):
        return _which(value)
    if not hint and is_array(value):
        hint = _hint_for_tensor(expected, value)
    is_whole = expected.startswith(("an exact", "an order", "an index"))
    if not hint and is_whole and isinstance(value, Differentiable):
        hint = "it carries a derivative, which is lost here: (stop-gradient x) is the number alone"
    return WrongType(f"{who}: expected {expected}, got {short_string(value)}", hint=hint)


def _which(value: Undecided) -> EshkolError:
    problem: EshkolError = load("eshkol.xla.unions:Open")(value)
    return problem


def _hint_for_tensor(expected: str, value: Any) -> str:
    """How to come from a tensor to what was expected; nothing where there is no way."""
    if value.shape and expected.startswith(("a pair", "a list", "a non-empty list")):
        return "a tensor becomes a list with tensor->list; its elements: (tensor-ref t i)"
    if not value.shape and expected.startswith(("a pair", "a list", "a non-empty list")):
        return "it is a number; a list of it alone: (list x)"
    is_text = expected.startswith(("a string", "a char", "a symbol"))
    if is_text and (is_tracer(value) or is_witness(value)):
        return (
            "it is known only when the compiled program runs: give it back, and make text of it "
            "where the compiled procedure is called"
        )
    return 'to make text of it: (format "~a" x)' if is_text else ""


def is_witness(value: Any) -> bool:
    """Whether ``value`` is an exact integer that is known and traced at the same time."""
    return hasattr(value, "__eshkol_traced__")


def is_tracer(value: Any) -> bool:
    """Whether ``value`` stands for a tensor that is not computed yet; loads nothing."""
    jax = sys.modules.get("jax")
    return jax is not None and isinstance(value, jax.core.Tracer)


def is_true(value: Any) -> bool:
    """Whether ``value`` counts as true where a primitive decides by it.

    A rank-0 boolean array counts by its value; any other array is an error, as it is in ``if``.
    """
    if value is True or value is False:
        return value
    if isinstance(value, Undecided):
        return is_true(value.decided())
    return truth_of_array(value) if is_array(value) else True


def truth_of_array(value: Any) -> bool:
    """The truth of a rank-0 boolean array whose value is known.

    Raises:
        NeedsStaging: it isn't, and an eager body that has called can start again, staged.
        StagingError: it isn't.
    """
    if is_number_array(value):
        return True
    boolean_array("if", value)
    try:
        return bool(value)
    except TypeError:
        load("eshkol.runtime.dialects:restart_caller")(sys._getframe())
        raise _undecided(value) from None


def _undecided(value: Any) -> StagingError:
    """The error of the primitive that runs, which asks whether the traced ``value`` is true."""
    from eshkol.primitives.declare import PRIMITIVES

    frame: FrameType | None = sys._getframe(1)
    names = {_code_of(known.function): known.name for known in PRIMITIVES.values()}
    while frame is not None and frame.f_code not in names:
        frame = frame.f_back
    who = "a primitive" if frame is None else names[frame.f_code]
    return StagingError(
        f"{who}: must decide by {short_string(value)}, which is known only when the program runs",
        hint=_UNDECIDED.get(who, "select with where, or move the decision into an if"),
    )


_UNDECIDED = {
    "sort": "tensors are sorted by tensor-sort, and argsort gives the order",
    **dict.fromkeys(
        "any every filter find list-index remove partition delete remove-duplicates take-while "
        "drop-while".split(),
        "JAX's own transformations trace what Python runs: compile with ek.jit, which decides when "
        "the program runs",
    ),
    "list-sort": "tensors are sorted by tensor-sort, and argsort gives the order",
}
"""What to do instead, by the primitive that can't decide."""


def _code_of(function: Any) -> Any:
    return getattr(inspect.unwrap(function), "__code__", None)


def is_number_array(value: Any) -> bool:
    """Whether an array stands for a number of the language: a scalar has rank 0 and 64 bits."""
    return value.shape == () and str(value.dtype) in ("float64", "int64")


def boolean_array(who: str, value: Any) -> Any:
    """``value``, an array that may be a condition: of booleans, and of rank 0."""
    if str(value.dtype) == "bool" and value.shape == ():
        return value
    if str(value.dtype) == "bool":
        hint = "element by element: where, logical-not; to reduce: tensor-all, tensor-any"
    else:
        hint = "a number is not a condition: compare it, as in (> x 0)"
    raise wrong_type(who, "a single truth value", value, hint)


def index_argument(who: str, value: Any, expected: str = "an exact integer") -> int:
    """``value`` as a Python integer; rank-0 integer arrays and witnesses are accepted."""
    if value.__class__ is int:
        return value
    if value.__class__ is not bool:
        try:
            return operator.index(value)
        except TypeError:
            pass
    if is_tracer(value):
        raise StagingError(
            f"{who}: expected {expected} that is known while tracing, got {short_string(value)}",
            hint="it is computed from a tensor, which is known only when the program runs;\n"
            "compute it from exact integers or shapes, or index a tensor: tensor-ref",
        )
    hint = "" if value.__class__ is not float else f"make it exact: (exact {value!r})"
    raise wrong_type(who, expected, value, hint)


def size_argument(who: str, value: Any) -> int:
    """``value`` as a length: an exact integer ≥ 0."""
    size = index_argument(who, value, "an exact non-negative integer")
    if size < 0:
        raise OutOfRange(f"{who}: expected an exact non-negative integer, got {size}")
    return size


def position_argument(who: str, value: Any, length: int, kind: str) -> int:
    """``value`` as an index into something of ``length`` elements, ``kind`` in words."""
    index = index_argument(who, value)
    if 0 <= index < length:
        return index
    raise no_such_position(who, index, length, kind)


def no_such_position(who: str, index: int, length: int, kind: str) -> EshkolError:
    """The error for an index that something of ``length`` elements, ``kind`` in words, has not."""
    return OutOfRange(
        f"{who}: index {index} is out of range for a {kind} of length {length}",
        hint=f"the indices are 0 to {length - 1}" if length else f"the {kind} is empty",
    )


def similar_key(key: Any, keys: Iterable[Any]) -> str:
    """A hint at the key that is spelled as ``key``, or nearly so; nothing if there is none."""
    import difflib

    if not isinstance(key, _SPELLED):
        return ""
    known = {_spelling(each): each for each in keys if isinstance(each, _SPELLED)}
    close = difflib.get_close_matches(_spelling(key), known, n=1)
    if not close:
        return ""
    meant = known[close[0]]
    quote = "'" if isinstance(meant, Symbol) else ""
    return f"did you mean {quote}{short_string(meant)}?"


_SPELLED = (str, Symbol, MutableString)


def _spelling(key: Any) -> str:
    return key.name if isinstance(key, Symbol) else str(key)


def range_arguments(who: str, start: Any, end: Any, length: int, kind: str) -> tuple[int, int]:
    """``start`` and ``end`` (None: the end) as a part of something of ``length`` elements."""
    first = index_argument(who, start)
    last = length if end is None else index_argument(who, end)
    if 0 <= first <= last <= length:
        return first, last
    if not 0 <= first <= length:
        raise _no_such_end(who, f"start {first}", length, kind)
    if last < first:
        raise OutOfRange(
            f"{who}: end {last} lies before start {first}",
            hint="first the start, then the end, which is not included",
        )
    raise _no_such_end(who, f"end {last}", length, kind)


def _no_such_end(who: str, bound: str, length: int, kind: str) -> EshkolError:
    return OutOfRange(
        f"{who}: {bound} is out of range for a {kind} of length {length}",
        hint=f"start and end are 0 to {length}; the end is not included",
    )


def _checked(kind: type, expected: str, hint: str = "") -> Callable[[str, Any], Any]:
    def argument(who: str, value: Any) -> Any:
        if isinstance(value, kind):
            return value
        raise wrong_type(who, expected, value, hint)

    argument.__doc__ = f"``value`` if it is {expected}."
    return argument


symbol_argument: Callable[[str, Any], Symbol] = _checked(Symbol, "a symbol")
char_argument: Callable[[str, Any], Char] = _checked(Char, "a char")


def table_argument(who: str, value: Any) -> HashTable:
    """``value`` if it is a hash table."""
    if isinstance(value, HashTable):
        return value
    hint = "make one with (make-hash-table)"
    if isinstance(value, dict):
        hint = "of a Python dictionary: dict-ref, dict-set!, dict->alist; python->scheme copies it"
    raise wrong_type(who, "a hash table", value, hint)


def string_argument(who: str, value: Any) -> str:
    """The text of ``value``, a string that can be changed or one that can't."""
    if isinstance(value, str):
        return value
    if value.__class__ is MutableString:
        return str(value)
    raise wrong_type(who, "a string", value, _text_of(value))


def _text_of(value: Any) -> str:
    """How to make a string of a value that is none."""
    if is_tracer(value):
        return ""
    for kind, conversion in _CONVERSIONS.items():
        if isinstance(value, kind) and value.__class__ is not bool:
            return f"make a string of it: {conversion}"
    return ""


_CONVERSIONS: dict[Any, str] = {
    Char: "(string c)",
    Symbol: "(symbol->string s)",
    int | float | Fraction: "(number->string n)",
    object: '(format "~a" x)',
}


def vector_argument(who: str, value: Any) -> list[Any]:
    """``value`` if it is a Scheme vector (or a Python list)."""
    if isinstance(value, list):
        return value
    hint = ""
    if value.__class__ is Pair or value is NIL:
        hint = "convert with list->vector"
    elif has_python_items(value):
        hint = OF_A_CONTAINER
    raise wrong_type(who, "a vector", value, hint)


def procedure_argument(who: str, value: Any) -> Callable[..., Any]:
    """``value`` if it can be called."""
    if callable(value):
        return value
    raise wrong_type(who, "a procedure", value)


def list_argument(who: str, value: Any) -> list[Any]:
    """The elements of the proper list ``value`` as a Python list."""
    items: list[Any] = []
    rest = value
    add = items.append
    for _ in range(_UNGUARDED // 4):  # four at a time take two thirds of the time
        if rest.__class__ is not Pair:
            break
        add(rest.car)
        rest = rest.cdr
        if rest.__class__ is not Pair:
            break
        add(rest.car)
        rest = rest.cdr
        if rest.__class__ is not Pair:
            break
        add(rest.car)
        rest = rest.cdr
        if rest.__class__ is not Pair:
            break
        add(rest.car)
        rest = rest.cdr
    if rest.__class__ is Pair and is_list(rest):
        while rest is not NIL:
            add(rest.car)
            rest = rest.cdr
    if rest is NIL:
        return items
    others = python_items(value)
    if others is None:
        raise not_a_list(who, value)
    return list(others)


def elements_argument(who: str, value: Any) -> Iterable[Any]:
    """The elements of a proper list; those of a Python iterable, one by one as they are asked for.

    A data loader, a generator or an open file is thus read no further than it is used. The
    elements of a tensor are its rows, along the first axis.
    """
    others = None if value.__class__ is Pair else python_items(value)
    if others is None and is_array(value):
        return load("eshkol.xla.traversals:tensor_rows")(who, value)
    return list_argument(who, value) if others is None else others


OF_A_CONTAINER = "an item of a Python container: (ref items 0); a list of all: (py->list items)"


def has_python_items(value: Any) -> bool:
    """Whether ``value`` is a Python iterable that is no Scheme value."""
    kind = value.__class__
    if kind in KNOWN or isinstance(value, _NO_ITEMS) or is_array(value):
        return False
    return hasattr(kind, "__iter__")


def python_items(value: Any) -> Iterator[Any] | None:
    """An iterator over a Python iterable that is no Scheme value; None for anything else."""
    return iter(value) if has_python_items(value) else None


def foreign_list(who: str, value: Any, most: int | None = None) -> Any:
    """The elements of a Python iterable as a list, where no list was found.

    Args:
        most: how many of them are wanted; all, if left out.

    Raises:
        WrongType: it is something else.
    """
    others = python_items(value)
    if others is None:
        raise not_a_list(who, value)
    return scheme_list(list(itertools.islice(others, most)))


def host_scalar(value: Any) -> Any:
    """A NumPy scalar as the number or truth value it is, a variable as the tensor that it holds.

    Anything else is given back as it is.
    """
    if value.__class__.__module__ == "numpy" and is_array(value) and not hasattr(value, "__len__"):
        return value.item()
    return value.tensor if value.__class__ is TensorVariable else value


def not_a_list(who: str, value: Any) -> EshkolError:
    """The error for ``value`` where a proper list is wanted."""
    if value.__class__ is not Pair:
        return wrong_type(who, "a list", value, _other_sequence(value))
    rest = value.cdr
    seen = {id(value)}
    while rest.__class__ is Pair and id(rest) not in seen:
        seen.add(id(rest))
        rest = rest.cdr
    if rest.__class__ is Pair:
        return WrongType(f"{who}: expected a list that ends, got a circular list")
    if isinstance(rest, Undecided):
        return _which(rest)
    tail = short_string(rest)
    return wrong_type(who, "a proper list", value, f"its last tail is {tail} instead of ()")


def _other_sequence(value: Any) -> str:
    if isinstance(value, Vector):
        return "a vector becomes a list with vector->list"
    if isinstance(value, str | MutableString):
        return "a string becomes a list of chars with string->list"
    if isinstance(value, HashTable):
        return "a hash table becomes a list of pairs with hash->list"
    if is_array(value):
        return "a tensor becomes a list with tensor->list"
    if has_python_items(value):
        return OF_A_CONTAINER
    return ""
