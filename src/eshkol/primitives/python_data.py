"""Python's data in Scheme programs: items, iteration, dictionaries and the like, conversion.

Values cross between the languages as they are; :func:`to_python` and :func:`to_scheme` convert
data where a program asks for it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import Any

from eshkol.base.errors import MissingKey, OutOfRange, WrongType
from eshkol.datum.equality import is_array
from eshkol.datum.pairs import NIL, Pair, cons, is_list, scheme_list, spine
from eshkol.datum.symbols import Symbol
from eshkol.datum.values import (
    EOF,
    UNSPECIFIED,
    Char,
    HashTable,
    MultipleValues,
    MutableString,
    Unspecified,
    Vector,
)
from eshkol.datum.write import short_string
from eshkol.primitives.arguments import (
    host_scalar,
    index_argument,
    list_argument,
    procedure_argument,
    python_items,
    similar_key,
    wrong_type,
)
from eshkol.primitives.calling import callee
from eshkol.primitives.declare import PRIMITIVES, primitive
from eshkol.primitives.lists import List

_ABSENT: Any = object()


def is_from_python_code(error: BaseException) -> bool:
    """Whether an error came from a function written in Python, and not at once from what we did."""
    traceback = error.__traceback__
    return traceback is not None and traceback.tb_next is not None


# ---- items


@primitive("ref", "py-ref")
def ref(value: Any, *keys: Any, default: Any = _ABSENT) -> Any:
    """What a collection holds under a key or at an index: Python's ``value[key]``.

    Args:
        value: a list, vector, string, hash table, tensor or any Python object with items.
        keys: the key; several make the tuple that Python's ``value[i, j]`` gives. An index may be
            negative, and counts from the end; a part is asked for with ``py-slice``.
        default: what is given where there is no such item.

    Raises:
        MissingKey: there is no such key, and no default.
        OutOfRange: the index is out of range, and there is no default.

    Example: ``(ref '(a b c) -1)`` ⇒ ``c``; ``(ref (py-dict #:a 1) "a")`` ⇒ ``1``.
    """
    try:
        return _item("ref", value, _key(keys))
    except (MissingKey, OutOfRange):
        if default is _ABSENT:
            raise
        return default


def _key(keys: tuple[Any, ...]) -> Any:
    plain = tuple(str(key) if key.__class__ is MutableString else key for key in keys)
    return plain[0] if len(plain) == 1 else plain


def _item(who: str, value: Any, key: Any) -> Any:
    if value.__class__ is Pair or value is NIL:
        return _at(who, list_argument(who, value), key, scheme_list)
    if isinstance(value, str | MutableString):
        found = _at(who, str(value), key, str)
        return Char(found) if key.__class__ is not slice else found
    if isinstance(value, Vector):
        return _at(who, value, key, Vector)
    if is_array(value):
        _check_indices(who, value, key)
    return host_scalar(_python_item(who, value, key))


def _check_indices(who: str, tensor: Any, key: Any) -> None:
    """Complain of an index out of range, which JAX would move into it."""
    for index, size in zip(key if key.__class__ is tuple else (key,), tensor.shape, strict=False):
        if index.__class__ is int and not -size <= index < size:
            raise OutOfRange(f"{who}: index {index} is out of range for {short_string(tensor)}")


def _at(who: str, items: Sequence[Any], key: Any, collect: Callable[[Any], Any]) -> Any:
    """An element of Scheme's data, or a part of it."""
    if key.__class__ is slice:
        return collect(items[key])
    index = index_argument(who, key)
    if -len(items) <= index < len(items):
        return items[index]
    raise OutOfRange(f"{who}: index {index} is out of range for {len(items)} elements")


def _python_item(who: str, value: Any, key: Any) -> Any:
    if not hasattr(value, "__getitem__") and not hasattr(value, "__class_getitem__"):
        raise wrong_type(who, "a collection", value)
    try:
        return value[key]
    except (LookupError, TypeError) as error:
        if isinstance(value, HashTable) and isinstance(error, KeyError):
            raise _missing_key(who, value, key) from None
        if is_from_python_code(error):
            raise
        raise _bad_key(who, value, key, error) from None


def _bad_key(who: str, value: Any, key: Any, error: Exception) -> Exception:
    if isinstance(error, KeyError):
        return _missing_key(who, value, key)
    if isinstance(error, IndexError):
        shown = short_string(key)
        return OutOfRange(f"{who}: index {shown} is out of range for {short_string(value)}")
    return WrongType(f"{who}: {short_string(key)} is no key of {short_string(value)}")


def _missing_key(who: str, value: Any, key: Any) -> MissingKey:
    hint = similar_key(key, value) or "give one with #:default value"
    return MissingKey(f"{who}: there is no key {short_string(key)}", hint=hint)


@primitive("set-ref!", "py-set!")
def set_ref(value: Any, *keys_and_item: Any) -> Unspecified:
    """Put an item into a collection: Python's ``value[key] = item``.

    Raises:
        WrongType: the collection can't be changed.
        OutOfRange: there is no such index.

    Example: ``(let ((v (vector 1 2))) (set-ref! v -1 'x) v)`` ⇒ ``#(1 x)``.
    """
    if len(keys_and_item) < 2:
        raise wrong_type("set-ref!", "a key and an item", scheme_list(keys_and_item))
    *keys, item = keys_and_item
    key = _key(tuple(keys))
    if value.__class__ is Pair:
        PRIMITIVES["list-set!"].function(value, key, item)
    elif value.__class__ is MutableString:
        PRIMITIVES["string-set!"].function(value, key, item)
    else:
        _change("set-ref!", operator.setitem, value, key, item)
    return UNSPECIFIED


@primitive("delete-ref!", "py-delete!")
def delete_ref(value: Any, key: Any) -> Unspecified:
    """Take an item out of a collection: Python's ``del value[key]``.

    Raises:
        MissingKey: there is none.

    Example: ``(let ((d (py-dict #:a 1))) (delete-ref! d "a") (py-length d))`` ⇒ ``0``.
    """
    _change("delete-ref!", operator.delitem, value, _key((key,)))
    return UNSPECIFIED


def _change(who: str, change: Callable[..., None], value: Any, key: Any, *item: Any) -> None:
    needs = f"__{change.__name__}__"
    is_jax = is_array(value) and not hasattr(value, "__array_interface__")
    if is_jax or not hasattr(value, needs):
        hint = "a tensor with a changed element: tensor-set!" if is_array(value) else ""
        raise wrong_type(who, "a collection that can be changed", value, hint)
    try:
        change(value, key, *item)
    except (LookupError, TypeError) as error:
        if is_from_python_code(error):
            raise
        raise _bad_key(who, value, key, error) from None


@primitive("py-slice")
def py_slice(start: Any, stop: Any = _ABSENT, step: Any = None) -> slice:
    """A part of a collection for ``ref``: Python's ``start:stop:step``.

    ``#f`` or ``None`` leaves a bound out; one argument alone is the end.

    Example: ``(ref '(a b c d) (py-slice 1 3))`` ⇒ ``(b c)``;
        ``(ref "abc" (py-slice #f #f -1))`` ⇒ ``"cba"``.
    """
    start, stop = (None, start) if stop is _ABSENT else (start, stop)
    return slice(*(None if bound is False else bound for bound in (start, stop, step)))


@primitive("py-length")
def py_length(value: Any) -> int:
    """How many items a collection of either language has: Python's ``len``.

    Example: ``(py-length (py-tuple 1 2 3))`` ⇒ ``3``.
    """
    try:
        return len(value)
    except TypeError:
        raise wrong_type("py-length", "a collection", value) from None


@primitive("py-contains?")
def py_contains(value: Any, item: Any) -> bool:
    """Whether a collection contains an item: Python's ``item in value``.

    Example: ``(py-contains? (py-set 1 2) 2)`` ⇒ ``#t``.
    """
    try:
        return _key((item,)) in value
    except TypeError:
        raise wrong_type("py-contains?", "a collection", value) from None


# ---- iteration


@primitive("py->list")
def py_to_list(iterable: Any) -> List:
    """The list of all that a Python iterable gives.

    Example: ``(py->list (py-tuple 1 2))`` ⇒ ``(1 2)``.
    """
    return scheme_list([host_scalar(item) for item in _iterator("py->list", iterable)])


@primitive("py-iter")
def py_iter(iterable: Any) -> Iterator[Any]:
    """An iterator over an iterable, for ``py-next``.

    Example: ``(py-next (py-iter '(1 2)))`` ⇒ ``1``.
    """
    return _iterator("py-iter", iterable)


@primitive("py-next")
def py_next(iterator: Iterator[Any], default: Any = EOF) -> Any:
    """The next value of an iterator; ``default``, or the end-of-file object, if there is none.

    Example: ``(let ((it (py-iter '(1)))) (py-next it) (eof-object? (py-next it)))`` ⇒ ``#t``.
    """
    if not hasattr(iterator, "__next__"):
        raise wrong_type("py-next", "an iterator", iterator, "make one with py-iter")
    return host_scalar(next(iterator, default))


@primitive("py-iterator")
def py_iterator(producer: Any) -> Iterator[Any]:
    """The Python iterator over what a procedure of no arguments gives, one call a value.

    It ends where the procedure gives the end-of-file object.

    Example: ``(py->list (py-iterator (let ((n 0)) (lambda () (set! n (+ n 1))
        (if (< n 3) n (eof-object))))))`` ⇒ ``(1 2)``.
    """
    produce = callee(procedure_argument("py-iterator", producer))

    def values() -> Iterator[Any]:
        while (value := produce()) is not EOF:
            yield value

    return values()


def _iterator(who: str, iterable: Any) -> Iterator[Any]:
    try:
        return iter(iterable)
    except TypeError:
        raise wrong_type(who, "something to iterate over", iterable) from None


# ---- Python's own data


@primitive("py-list")
def py_list(*items: Any) -> list[Any]:
    """A Python list. Example: ``(vector-ref (py-list 1 2) 0)`` ⇒ ``1``."""
    return list(items)


@primitive("py-tuple")
def py_tuple(*items: Any) -> tuple[Any, ...]:
    """A Python tuple. Example: ``(ref (py-tuple 1 2) 1)`` ⇒ ``2``."""
    return items


@primitive("py-set")
def py_set(*items: Any) -> set[Any]:
    """A Python set. Example: ``(py-length (py-set 1 2 2))`` ⇒ ``2``."""
    return {_key((item,)) for item in items}


@primitive("py-dict")
def py_dict(*entries: Any, **options: Any) -> dict[Any, Any]:
    """A Python dictionary of pairs and keyword arguments.

    Args:
        entries: pairs ``(key . value)``.
        options: values by the names of keywords.

    Example: ``(ref (py-dict '("x" . 1) #:y 2) "y")`` ⇒ ``2``.
    """
    for entry in entries:
        if entry.__class__ is not Pair:
            raise wrong_type("py-dict", "a pair (key . value)", entry)
    return {_key((entry.car,)): entry.cdr for entry in entries} | options


@primitive("none?")
def is_none(value: Any) -> bool:
    """Whether the value is Python's ``None``. Example: ``(none? None)`` ⇒ ``#t``."""
    return value is None


@primitive("dict?")
def is_dict(value: Any) -> bool:
    """Whether the value is a Python dictionary or another mapping.

    Example: ``(dict? (py-dict '(a . 1)))`` ⇒ ``#t``.
    """
    return isinstance(value, Mapping)


@primitive("dict-ref")
def dict_ref(mapping: Any, key: Any, default: Any = _ABSENT) -> Any:
    """The value under a key of a Python dictionary, else the default.

    Raises:
        MissingKey: there is no such key, and no default.

    Example: ``(dict-ref (py-dict #:a 1) "b" 'none)`` ⇒ ``none``.
    """
    entries, plain = _mapping("dict-ref", mapping), _key((key,))
    if default is not _ABSENT and plain not in entries:
        return default
    return host_scalar(_python_item("dict-ref", entries, plain))


@primitive("dict-set!")
def dict_set(mapping: Any, key: Any, value: Any) -> Unspecified:
    """Store a value under a key of a Python dictionary.

    Example: ``(let ((d (py-dict))) (dict-set! d "a" 1) (dict-ref d "a"))`` ⇒ ``1``.
    """
    return set_ref(_mapping("dict-set!", mapping), key, value)


@primitive("dict->alist")
def dict_to_association_list(mapping: Any) -> List:
    """The list of pairs of key and value of a Python dictionary.

    Example: ``(dict->alist (py-dict #:a 1 #:b 2))`` ⇒ ``(("a" . 1) ("b" . 2))``.
    """
    entries = _mapping("dict->alist", mapping).items()
    return scheme_list([cons(key, value) for key, value in entries])


def _mapping(who: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return value
    hint = "a hash table is used with hash-ref" if isinstance(value, HashTable) else ""
    raise wrong_type(who, "a Python dictionary", value, hint)


@primitive("py-type")
def py_type(value: Any) -> type:
    """The Python class of a value.

    Example: ``(attribute (py-type 1.5) '__name__)`` ⇒ ``"float"``.
    """
    return type(value)


@primitive("py-instance?")
def is_instance(value: Any, *classes: Any) -> bool:
    """Whether a value is of one of these Python classes.

    Example: ``(py-instance? 1 (py-type 2))`` ⇒ ``#t``.
    """
    for kind in classes:
        if not isinstance(kind, type):
            raise wrong_type("py-instance?", "a Python class", kind)
    return isinstance(value, classes)


# ---- conversion


@primitive("->python")
def to_python(value: Any) -> Any:
    """Scheme data as Python data, all the way down.

    Lists and vectors become lists, hash tables dictionaries, symbols, chars and changeable strings
    strings, other pairs and multiple values tuples, the unspecified value ``None``.

    Example: ``(.-__name__ (py-type (ref (->python '(a #(b))) 1)))`` ⇒ ``"list"``.
    """
    kind = value.__class__
    if kind is Symbol:
        return value.name
    if kind is MutableString or kind is Char:
        return str(value) if kind is MutableString else value.value
    if kind is Pair or value is NIL:
        items, tail = (list_argument("->python", value), NIL) if is_list(value) else _chain(value)
        converted = [to_python(item) for item in items]
        return converted if tail is NIL else (*converted, to_python(tail))
    if isinstance(value, list):
        return [to_python(item) for item in value]
    if isinstance(value, HashTable | dict):
        return {to_python(key): to_python(item) for key, item in value.items()}
    if kind is tuple or kind is MultipleValues:
        return tuple(map(to_python, value))
    return None if value is UNSPECIFIED else value


def _chain(value: Pair) -> tuple[list[Any], Any]:
    seen = set()
    rest: Any = value
    while rest.__class__ is Pair:
        if id(rest) in seen:
            raise WrongType("->python: expected a list that ends, got a circular list")
        seen.add(id(rest))
        rest = rest.cdr
    return spine(value)


@primitive("python->scheme")
def to_scheme(value: Any) -> Any:
    """Python data as Scheme data, all the way down.

    Lists, tuples, sets and ranges become lists, dictionaries hash tables and NumPy's scalars
    numbers; everything else is what it is.

    Example: ``(python->scheme (py-list 1 (py-tuple 2 3)))`` ⇒ ``(1 (2 3))``.
    """
    if isinstance(value, Mapping):
        table = HashTable()
        for key, item in value.items():
            table[to_scheme(key)] = to_scheme(item)
        return table
    is_sequence = isinstance(value, list | tuple | range | Set) or (
        value.__class__.__module__ == "collections" and python_items(value) is not None
    )
    if is_sequence and not isinstance(value, Vector | Char | MultipleValues):
        return scheme_list([to_scheme(item) for item in value])
    return host_scalar(value)
