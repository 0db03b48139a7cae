"""JSON (RFC 8259): data as text.

=============  =============================================
JSON           Scheme
=============  =============================================
object         hash table with strings as keys
array          vector (a list is written as an array too)
string         string
number         exact integer, or real if it has a fraction
true, false    ``#t``, ``#f``
null           the symbol ``null``
=============  =============================================
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from eshkol.base.errors import BadValue, EshkolError, ReadError
from eshkol.datum.equality import is_array
from eshkol.datum.pairs import NIL, Pair, is_list
from eshkol.datum.symbols import Symbol, intern
from eshkol.datum.values import UNSPECIFIED, Char, HashTable, MutableString, Unspecified, Vector
from eshkol.datum.write import is_cyclic, short_string
from eshkol.primitives.arguments import (
    is_tracer,
    is_witness,
    size_argument,
    string_argument,
    wrong_type,
)
from eshkol.primitives.calling import check_eager
from eshkol.primitives.declare import primitive
from eshkol.primitives.file_system import read_file, write_file

NULL = intern("null")


@primitive("json-parse", "string->json", "json->scheme")
def parse_json(text: str) -> Any:
    """The value that a JSON text stands for.

    Raises:
        ReadError: the text is no JSON.

    Example: ``(json-parse "[1, 2.5, null, \\"a\\"]")`` ⇒ ``#(1 2.5 null "a")``.
    """
    import json

    source = string_argument("json-parse", text)
    try:
        value = json.loads(source, object_pairs_hook=_table, parse_constant=_reject)
    except json.JSONDecodeError as error:
        message = f"{error.msg[:1].lower()}{error.msg[1:]}"
        place = f"line {error.lineno}, column {error.colno}"
        raise ReadError(f"json-parse: {message} at {place}") from None
    except RecursionError:
        raise BadValue("json-parse: the text nests too deep") from None
    return _scheme(value)


def _table(pairs: list[tuple[str, Any]]) -> HashTable:
    table = HashTable()
    for key, value in pairs:
        table[key] = _scheme(value)
    return table


def _reject(constant: str) -> Any:
    raise ReadError(f"json-parse: {constant} is no JSON number")


def _scheme(value: Any) -> Any:
    if value is None:
        return NULL
    return Vector(map(_scheme, value)) if isinstance(value, list) else value


@primitive("json-stringify", "json->string", "scheme->json")
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

    Example: ``(json-stringify '((a . 1) (b . #(#t null))))`` ⇒
    ``"{\\"a\\": 1, \\"b\\": [true, null]}"``.
    """
    import json

    if is_cyclic(value):
        raise BadValue(f"json-stringify: {short_string(value)} contains itself")
    width = None if indent is False else size_argument("json-stringify", indent)
    return json.dumps(_python(value), indent=width, ensure_ascii=False)


def _python(value: Any) -> Any:
    """A value as Python's ``json`` takes it."""
    kind = value.__class__
    if kind in (bool, int, str):
        return value
    if kind is float or kind is Fraction:
        return _finite(float(value))
    if value is NULL:
        return None
    if kind in (Symbol, MutableString, Char):
        return value.name if kind is Symbol else value.value if kind is Char else str(value)
    if isinstance(value, HashTable):
        return {_key(key): _python(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_python(item) for item in value]
    if kind is Pair and is_list(value):
        return _of_list(list(value))
    if value is NIL:
        return []
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
        hint="write 'null in its place",
    )


def _no_json(value: Any) -> EshkolError:
    return wrong_type(
        "json-stringify",
        "a value that JSON can hold",
        value,
        "numbers, strings, booleans, 'null, vectors, lists and hash tables",
    )


@primitive("json-read-file", "json-parse-file")
def read_json_file(path: str) -> Any:
    """The value of the JSON text in a file."""
    return parse_json(read_file(path))


@primitive("json-write-file")
def write_json_file(path: str, value: Any, *, indent: Any = 2) -> Unspecified:
    """Make a file of the JSON text of a value."""
    write_file(path, write_json(value, indent=indent) + "\n")
    return UNSPECIFIED
