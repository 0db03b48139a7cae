"""JSON (RFC 8259): data as text.

=============  =============================================
JSON           Scheme
=============  =============================================
object         hash table with strings as keys
array          list, or vector; a vector is written as an array too
string         string
number         exact integer, or real if it has a fraction
true, false    ``#t``, ``#f``
null           the empty list, as in Eshkol's programs in C++
=============  =============================================

``[]`` is the empty list too, unless arrays are read as vectors.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from eshkol.base.errors import BadValue, EshkolError, ReadError
from eshkol.datum.equality import is_array
from eshkol.datum.pairs import NIL, Pair, is_list, scheme_list
from eshkol.datum.symbols import Symbol
from eshkol.datum.values import UNSPECIFIED, Char, HashTable, MutableString, Unspecified, Vector
from eshkol.datum.write import is_cyclic, short_string
from eshkol.primitives.arguments import (
    index_argument,
    is_tracer,
    is_witness,
    list_argument,
    position_argument,
    size_argument,
    string_argument,
    table_argument,
    wrong_type,
)
from eshkol.primitives.calling import check_eager
from eshkol.primitives.declare import primitive
from eshkol.primitives.file_system import read_file, write_file


@primitive("json-parse", "string->json", "json->scheme")
def parse_json(text: str, *, vectors: Any = False) -> Any:
    """The value that a JSON text stands for.

    Args:
        vectors: whether arrays are given as vectors; then writing the value gives the same data.

    Raises:
        ReadError: the text is no JSON.

    Example: ``(json-parse "[1, 2.5, null, \\"a\\"]")`` ⇒ ``(1 2.5 () "a")``.
    """
    import json

    source = string_argument("json-parse", text)
    array = scheme_list if vectors is False else Vector

    def table(pairs: list[tuple[str, Any]]) -> HashTable:
        result = HashTable()
        for key, value in pairs:
            result[key] = _scheme(value, array)
        return result

    try:
        value = json.loads(source, object_pairs_hook=table, parse_constant=_reject)
    except json.JSONDecodeError as error:
        message = f"{error.msg[:1].lower()}{error.msg[1:]}"
        place = f"line {error.lineno}, column {error.colno}"
        raise ReadError(f"json-parse: {message} at {place}") from None
    except RecursionError:
        raise BadValue("json-parse: the text nests too deep") from None
    return _scheme(value, array)


def _reject(constant: str) -> Any:
    raise ReadError(f"json-parse: {constant} is no JSON number")


def _scheme(value: Any, array: Callable[[list[Any]], Any]) -> Any:
    """A value of Python's ``json`` as Scheme's; ``array`` makes an array of its elements."""
    if value is None:
        return NIL
    return array([_scheme(item, array) for item in value]) if isinstance(value, list) else value


@primitive("json-stringify", "json->string", "scheme->json", "alist->json")
def write_json(value: Any, *, indent: Any = False) -> str:
    """The JSON text of a value.

    Args:
        value: of the kinds in the table of :func:`parse_json`; association lists whose keys are
            strings or symbols are objects, other lists arrays; symbols and chars are strings;
            a tensor is an array of arrays.
        indent: how many spaces each level is indented by; ``#f``: all on one line.

    Raises:
        WrongType: the value, or a part of it, has no JSON text. BadValue: it contains itself, or a
            number that is not finite.

    Example: ``(json-stringify '((a . 1) (b . #(#t ()))))`` ⇒
    ``"{\\"a\\":1,\\"b\\":[true,null]}"``.
    """
    import json

    if is_cyclic(value):
        raise BadValue(f"json-stringify: {short_string(value)} contains itself")
    width = None if indent is False else size_argument("json-stringify", indent)
    separators = (",", ":") if width is None else None
    return json.dumps(_python(value), indent=width, separators=separators, ensure_ascii=False)


def _python(value: Any) -> Any:
    """A value as Python's ``json`` takes it."""
    kind = value.__class__
    if kind in (bool, int, str):
        return value
    if kind is float or kind is Fraction:
        return _finite(float(value))
    if value is NIL:
        return None
    if kind in (Symbol, MutableString, Char):
        return value.name if kind is Symbol else value.value if kind is Char else str(value)
    if isinstance(value, HashTable):
        return {_key(key): _python(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_python(item) for item in value]
    if kind is Pair and is_list(value):
        return _of_list(list(value))
    if is_tracer(value) or is_witness(value):
        check_eager("json-stringify")
    if is_array(value):
        return _python(value.tolist())
    raise _no_json(value)


def _of_list(items: list[Any]) -> Any:
    if all(item.__class__ is Pair and _is_key(item.car) for item in items):
        return {_key(entry.car): _python(entry.cdr) for entry in items}
    return [_python(item) for item in items]


def _is_key(value: Any) -> bool:
    return isinstance(value, str | MutableString | Symbol)


def _key(key: Any) -> str:
    if _is_key(key):
        return key.name if isinstance(key, Symbol) else str(key)
    raise wrong_type("json-stringify", "keys that are strings or symbols", key)


def _finite(number: float) -> float:
    if math.isfinite(number):
        return number
    raise BadValue(
        f"json-stringify: JSON has no number {short_string(number)}",
        hint="write '() in its place, which is null",
    )


def _no_json(value: Any) -> EshkolError:
    return wrong_type(
        "json-stringify",
        "a value that JSON can hold",
        value,
        "numbers, strings, booleans, '(), vectors, lists and hash tables",
    )


@primitive("json-read-file", "json-parse-file")
def read_json_file(path: str, *, vectors: Any = False) -> Any:
    """The value of the JSON text in a file; see ``json-parse``.

    Example: ``(json-write-file "config.json" '(("rate" . 0.1))) (json-read-file
    "config.json")`` ⇒ ``#<hash-table ("rate" 0.1)>``.
    """
    return parse_json(read_file(path), vectors=vectors)


@primitive("json-get")
def json_get(table: HashTable, key: Any, default: Any = False) -> Any:
    """The value under a key of a JSON object, else the default; keys may be symbols.

    Example: ``(json-get (json-parse "{\\"a\\": 1}") "a")`` ⇒ ``1``.
    """
    return table_argument("json-get", table).get(_key(key), default)


@primitive("json-get-in")
def json_get_in(value: Any, path: Any, default: Any = False) -> Any:
    """What is found in JSON data by following keys of objects and positions in arrays.

    Example: ``(json-get-in (json-parse "{\\"a\\": [1, 2]}") '("a" 1))`` ⇒ ``2``.
    """
    for step in list_argument("json-get-in", path):
        if isinstance(value, HashTable):
            value = value.get(_key(step), default)
        else:
            items = value if isinstance(value, list) else list_argument("json-get-in", value)
            if not 0 <= index_argument("json-get-in", step) < len(items):
                return default
            value = items[step]
    return value


@primitive("json-array-ref")
def json_array_ref(array: Any, k: int) -> Any:
    """Element ``k`` of a JSON array.

    Example: ``(json-array-ref (json-parse "[1, 2, 3]") 1)`` ⇒ ``2``.
    """
    items = array if isinstance(array, list) else list_argument("json-array-ref", array)
    return items[position_argument("json-array-ref", k, len(items), "array")]


@primitive("json-write-file", "alist-write-json")
def write_json_file(path: str, value: Any, *, indent: Any = 2) -> Unspecified:
    r"""Make a file of the JSON text of a value.

    Example: ``(json-write-file "config.json" '(("rate" . 0.1)) #:indent #f) (read-file
    "config.json")`` ⇒ ``"{\"rate\":0.1}\n"``.
    """
    write_file(path, write_json(value, indent=indent) + "\n")
    return UNSPECIFIED
