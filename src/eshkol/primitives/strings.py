"""Strings: making them, their parts, their case, their conversion to lists, vectors and numbers.

Positions count characters (code points) from 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eshkol.base.errors import OutOfRange
from eshkol.datum.number_text import number_text
from eshkol.datum.pairs import scheme_list
from eshkol.datum.values import UNSPECIFIED, Char, MutableString, Unspecified, Vector
from eshkol.primitives.arguments import (
    char_argument,
    index_argument,
    is_tracer,
    list_argument,
    position_argument,
    procedure_argument,
    range_arguments,
    size_argument,
    string_argument,
)
from eshkol.primitives.calling import callee
from eshkol.primitives.chars import char_of, declare_orders
from eshkol.primitives.declare import load, primitive
from eshkol.primitives.lists import List
from eshkol.primitives.numbers import PLAIN, not_a_number, shown_number
from eshkol.primitives.operations import Number
from eshkol.primitives.vectors import vector_copy

_STRINGS = (str, MutableString)

_ELEMENT = "eshkol.xla.chosen_elements:element"


def part(who: str, string: Any, start: Any, end: Any) -> str:
    """The characters of ``string`` from ``start`` to before ``end`` (None: its end)."""
    text = string_argument(who, string)
    first, last = range_arguments(who, start, end, len(text), "string")
    return text[first:last]


def joined_chars(who: str, chars: Any) -> str:
    """The string of an iterable of chars."""
    return "".join([char_argument(who, char).value for char in chars])


@primitive("string?")
def is_string(value: Any) -> bool:
    """Whether the value is a string. Example: ``(string? "a")`` ⇒ ``#t``."""
    return value.__class__ in _STRINGS or isinstance(value, str)


@primitive("string")
def make_string_of(*chars: Char) -> MutableString:
    """A new string of the chars. Example: ``(string #\\a #\\b)`` ⇒ ``"ab"``."""
    return MutableString(joined_chars("string", chars))


@primitive("make-string")
def make_string(length: int, char: Char = Char(" ")) -> MutableString:  # noqa: B008
    r"""A new string of ``length`` times the same char.

    Example: ``(make-string 3 #\a)`` ⇒ ``"aaa"``.
    """
    character = char_argument("make-string", char).value
    return MutableString(character * size_argument("make-string", length))


@primitive("string-length")
def string_length(string: str) -> int:
    """The number of characters. Example: ``(string-length "λx")`` ⇒ ``2``."""
    return len(string_argument("string-length", string))


@primitive("string-ref")
def string_ref(string: str, k: int) -> Char:
    """The char at position ``k``.

    Raises:
        OutOfRange: there is none.

    Example: ``(string-ref "abc" 1)`` ⇒ ``#\\b``.
    """
    if string.__class__ in _STRINGS and k.__class__ is int and 0 <= k < len(string):
        return char_of(string[k])
    text = string_argument("string-ref", string)
    if is_tracer(k):
        return load(_ELEMENT)("string-ref", [char_of(part) for part in text], k)
    return char_of(text[position_argument("string-ref", k, len(text), "string")])


@primitive("substring")
def substring(string: str, start: int, end: Any = None) -> str:
    """The characters from ``start`` to before ``end``.

    Example: ``(substring "hello" 1 3)`` ⇒ ``"el"``.
    """
    return part("substring", string, start, end)


@primitive("string-copy")
def string_copy(string: str, start: int = 0, end: Any = None) -> MutableString:
    """A new string of the characters from ``start`` to before ``end``; it can be changed.

    Example: ``(let ((s (string-copy "cat"))) (string-set! s 0 #\\b) s)`` ⇒ ``"bat"``.
    """
    return MutableString(part("string-copy", string, start, end))


@primitive("string-head")
def string_head(string: str, end: int) -> str:
    """The first ``end`` characters. Example: ``(string-head "hello" 2)`` ⇒ ``"he"``."""
    return part("string-head", string, 0, end)


@primitive("string-tail")
def string_tail(string: str, start: int) -> str:
    """The characters from ``start`` on. Example: ``(string-tail "hello" 2)`` ⇒ ``"llo"``."""
    return part("string-tail", string, start, None)


@primitive("string-append")
def string_append(*strings: str) -> str:
    """All strings in one.

    Raises:
        WrongType: an argument is not a string; numbers need ``number->string``.

    Example: ``(string-append "ab" "c")`` ⇒ ``"abc"``.
    """
    try:
        return "".join(strings)
    except TypeError:
        return "".join(map(_appended, strings))


def _appended(value: Any) -> str:
    if isinstance(value, str | MutableString):
        return str(value)
    return string_argument("string-append", value)


@primitive("string->list")
def string_to_list(string: str, start: int = 0, end: Any = None) -> List:
    """The list of the chars. Example: ``(string->list "ab")`` ⇒ ``(#\\a #\\b)``."""
    return scheme_list(char_items(string, start, end))


def char_items(string: str, start: int = 0, end: Any = None) -> list[Char]:
    """The elements of ``(string->list string start end)``."""
    return list(map(char_of, part("string->list", string, start, end)))


@primitive("list->string")
def list_to_string(chars: List) -> str:
    """The string of a list of chars. Example: ``(list->string '(#\\a #\\b))`` ⇒ ``"ab"``."""
    return string_of_chars(list_argument("list->string", chars))


def string_of_chars(chars: list[Any]) -> str:
    """``(list->string chars)`` of the elements of a list."""
    return joined_chars("list->string", chars)


@primitive("string->vector")
def string_to_vector(string: str, start: int = 0, end: Any = None) -> Vector:
    """The vector of the chars. Example: ``(string->vector "ab")`` ⇒ ``#(#\\a #\\b)``."""
    return Vector(map(char_of, part("string->vector", string, start, end)))


@primitive("vector->string")
def vector_to_string(chars: Vector, start: int = 0, end: Any = None) -> str:
    """The string of a vector of chars. Example: ``(vector->string #(#\\a #\\b))`` ⇒ ``"ab"``."""
    return joined_chars("vector->string", vector_copy(chars, start, end))


def _conversion_primitive(name: str, convert: Callable[[str], str], documentation: str) -> None:
    def conversion(string: str) -> str:
        return convert(string_argument(name, string))

    conversion.__doc__ = documentation
    primitive(name)(conversion)


_conversion_primitive(
    "string-upcase",
    str.upper,
    'The string in upper case. Example: ``(string-upcase "aß")`` ⇒ ``"ASS"``.',
)
_conversion_primitive(
    "string-downcase",
    str.lower,
    'The string in lower case. Example: ``(string-downcase "Ab")`` ⇒ ``"ab"``.',
)
_conversion_primitive(
    "string-foldcase",
    str.casefold,
    "What is the same for strings that differ in case alone. "
    'Example: ``(string-foldcase "Straße")`` ⇒ ``"strasse"``.',
)
_conversion_primitive(
    "string-reverse",
    lambda text: text[::-1],
    'The characters in reverse order. Example: ``(string-reverse "abc")`` ⇒ ``"cba"``.',
)

declare_orders("string", string_argument, str.casefold, '"{}"')


@primitive("string-null?")
def is_empty_string(string: str) -> bool:
    """Whether a string has no characters. Example: ``(string-null? "")`` ⇒ ``#t``."""
    return not string_argument("string-null?", string)


@primitive("string-map")
def string_map(procedure: Any, string: str, *strings: str) -> str:
    """The string of the chars that the procedure gives for each char.

    With several strings it is called with one char of each, up to the end of the shortest.

    Example: ``(string-map char-upcase "abc")`` ⇒ ``"ABC"``.
    """
    return joined_chars("string-map", _char_results("string-map", procedure, string, strings))


@primitive("string-for-each")
def string_for_each(procedure: Any, string: str, *strings: str) -> Unspecified:
    """Call the procedure on each char, or on corresponding chars of several strings.

    Example: ``(let ((codes '())) (string-for-each (lambda (c) (set! codes (cons (char->integer c)
    codes))) "ab") codes)`` ⇒ ``(98 97)``.
    """
    for _ in _char_results("string-for-each", procedure, string, strings):
        pass
    return UNSPECIFIED


def _char_results(who: str, procedure: Any, string: Any, strings: tuple[Any, ...]) -> Any:
    call = callee(procedure_argument(who, procedure))
    texts = [string_argument(who, each) for each in (string, *strings)]
    return (call(*map(char_of, row)) for row in zip(*texts, strict=False))


def _radix(who: str, radix: Any) -> int:
    number = index_argument(who, radix)
    if 2 <= number <= 36:
        return number
    raise OutOfRange(f"{who}: expected a radix from 2 to 36, got {number}")


_SHORT = 10**18
"""Below it, Python's text of an integer is the language's."""


@primitive("number->string")
def number_to_string(number: Number, radix: int = 10) -> str:
    """The shortest text that reads back as the number.

    An inexact number in a radix other than 10 is a fraction with the prefix ``#i``.

    Example: ``(number->string 255 16)`` ⇒ ``"ff"``; ``(number->string 0.1)`` ⇒ ``"0.1"``;
    ``(number->string 0.5 2)`` ⇒ ``"#i1/10"``.
    """
    if number.__class__ is int and radix == 10 and -_SHORT < number < _SHORT:
        return str(number)
    base = _radix("number->string", radix)
    value = shown_number("number->string", number)
    if value.__class__ in PLAIN:
        return number_text(value, base)
    raise not_a_number("number->string", number)


@primitive("string->number")
def string_to_number(string: str, radix: int = 10) -> Any:
    """The number that a string spells, else ``#f``.

    Example: ``(string->number "1e3")`` ⇒ ``1000.0``; ``(string->number "ff" 16)`` ⇒ ``255``;
    ``(string->number "abc")`` ⇒ ``#f``.
    """
    base = _radix("string->number", radix)
    from eshkol.reader.numbers import parse_number

    number = parse_number(string_argument("string->number", string), base)
    return False if number is None else number
