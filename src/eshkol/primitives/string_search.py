"""Searching, splitting, joining, trimming, padding and replacing in strings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eshkol.base.errors import BadValue
from eshkol.datum.pairs import scheme_list
from eshkol.datum.values import Char
from eshkol.primitives.arguments import (
    char_argument,
    is_true,
    list_argument,
    range_arguments,
    size_argument,
    string_argument,
    wrong_type,
)
from eshkol.primitives.calling import callee
from eshkol.primitives.chars import char_of
from eshkol.primitives.declare import primitive
from eshkol.primitives.lists import List

CharTest = Any
"""A char, or a predicate on chars."""


def char_test(who: str, criterion: CharTest) -> Callable[[str], bool]:
    """A test of one character by a char that it must be, or by a predicate."""
    if isinstance(criterion, Char):
        return criterion.value.__eq__
    if callable(criterion):
        call = callee(criterion)
        return lambda character: is_true(call(char_of(character)))
    raise wrong_type(who, "a char or a predicate on chars", criterion)


@primitive("string-index")
def string_index(string: str, criterion: CharTest, start: int = 0, end: Any = None) -> Any:
    """The position of the first char that is the given one or satisfies the predicate, else ``#f``.

    Example: ``(string-index "hello" #\\l)`` ⇒ ``2``.
    """
    text = string_argument("string-index", string)
    first, last = range_arguments("string-index", start, end, len(text), "string")
    test = char_test("string-index", criterion)
    return next((k for k in range(first, last) if test(text[k])), False)


@primitive("string-rindex")
def string_index_from_right(string: str, criterion: CharTest) -> Any:
    r"""The position of the last such char, else ``#f``.

    Example: ``(string-rindex "hello" #\l)`` ⇒ ``3``.
    """
    text = string_argument("string-rindex", string)
    test = char_test("string-rindex", criterion)
    return next((k for k in reversed(range(len(text))) if test(text[k])), False)


@primitive("string-contains", "string-contains?")
def string_contains(string: str, pattern: str) -> bool:
    """Whether the pattern occurs in the string; its position gives ``string-search-forward``.

    Example: ``(string-contains "hello" "ll")`` ⇒ ``#t``.
    """
    return string_argument("string-contains", pattern) in string_argument("string-contains", string)


@primitive("string-search-forward", "string-search")
def string_search_forward(pattern: str, string: str, start: int = 0) -> Any:
    """The position of the first occurrence of the pattern from ``start`` on, else ``#f``.

    Example: ``(string-search-forward "l" "hello" 3)`` ⇒ ``3``.
    """
    text = string_argument("string-search-forward", string)
    wanted = string_argument("string-search-forward", pattern)
    first, _ = range_arguments("string-search-forward", start, None, len(text), "string")
    position = text.find(wanted, first)
    return False if position < 0 else position


@primitive("string-search-backward")
def string_search_backward(pattern: str, string: str, end: Any = None) -> Any:
    """The position after the last occurrence of the pattern before ``end``, else ``#f``.

    Example: ``(string-search-backward "l" "hello" 5)`` ⇒ ``4``.
    """
    text = string_argument("string-search-backward", string)
    wanted = string_argument("string-search-backward", pattern)
    _, last = range_arguments("string-search-backward", 0, end, len(text), "string")
    position = text.rfind(wanted, 0, last)
    return False if position < 0 else position + len(wanted)


@primitive("string-search-all")
def string_search_all(pattern: str, string: str) -> List:
    """The positions of all occurrences. Example: ``(string-search-all "aa" "aaa")`` ⇒ ``(0 1)``."""
    text = string_argument("string-search-all", string)
    wanted = string_argument("string-search-all", pattern)
    return scheme_list([k for k in range(len(text) + 1) if text.startswith(wanted, k)])


@primitive("string-prefix?")
def is_prefix(prefix: str, string: str) -> bool:
    """Whether the string starts with the prefix.

    Example: ``(string-prefix? "he" "hello")`` ⇒ ``#t``.
    """
    return string_argument("string-prefix?", string).startswith(
        string_argument("string-prefix?", prefix)
    )


@primitive("string-suffix?")
def is_suffix(suffix: str, string: str) -> bool:
    """Whether the string ends with the suffix.

    Example: ``(string-suffix? "lo" "hello")`` ⇒ ``#t``.
    """
    return string_argument("string-suffix?", string).endswith(
        string_argument("string-suffix?", suffix)
    )


def _separator(who: str, value: Any) -> str:
    """A separator, which is a string or a char."""
    separator = value.value if isinstance(value, Char) else string_argument(who, value)
    if separator:
        return separator
    raise BadValue(f"{who}: the separator is empty", hint="into chars: (string->list s)")


@primitive("string-split", "string-split-ordered")
def string_split(string: str, separator: Any = None) -> List:
    """The parts between separators; without a separator, the words between white space.

    Args:
        separator: a string or a char.

    Example: ``(string-split "a,b,,c" ",")`` ⇒ ``("a" "b" "" "c")``.
    """
    text = string_argument("string-split", string)
    if separator is None:
        return scheme_list(text.split())
    return scheme_list(text.split(_separator("string-split", separator)))


@primitive("string-join")
def string_join(strings: List, separator: Any = " ") -> str:
    """The strings in one, with a separator between them.

    Args:
        separator: a string or a char.

    Example: ``(string-join '("a" "b") ", ")`` ⇒ ``"a, b"``.
    """
    return joined_texts(list_argument("string-join", strings), separator)


def joined_texts(strings: list[Any], separator: Any = " ") -> str:
    """``(string-join strings separator)`` of the elements of a list."""
    between = separator.value if isinstance(separator, Char) else separator
    between = string_argument("string-join", between)
    try:
        return between.join(strings)
    except TypeError:  # one of them is no string, or a string that can be changed
        return between.join([string_argument("string-join", text) for text in strings])


def _trimmed(who: str, string: Any, criterion: CharTest, left: bool, right: bool) -> str:
    text = string_argument(who, string)
    test = str.isspace if criterion is None else char_test(who, criterion)
    first, last = 0, len(text)
    while left and first < last and test(text[first]):
        first += 1
    while right and last > first and test(text[last - 1]):
        last -= 1
    return text[first:last]


@primitive("string-trim", "string-trim-both")
def string_trim(string: str, criterion: CharTest = None) -> str:
    """The string without white space at both ends, or without the chars of the criterion there.

    Args:
        criterion: a char, or a predicate that is true of what goes.

    Example: ``(string-trim "  a b ")`` ⇒ ``"a b"``.
    """
    return _trimmed("string-trim", string, criterion, True, True)


@primitive("string-trim-left")
def string_trim_left(string: str, criterion: CharTest = None) -> str:
    """The string without white space at its start.

    Example: ``(string-trim-left " a ")`` ⇒ ``"a "``.
    """
    return _trimmed("string-trim-left", string, criterion, True, False)


@primitive("string-trim-right")
def string_trim_right(string: str, criterion: CharTest = None) -> str:
    """The string without white space at its end.

    Example: ``(string-trim-right " a ")`` ⇒ ``" a"``.
    """
    return _trimmed("string-trim-right", string, criterion, False, True)


@primitive("string-replace")
def string_replace(string: str, old: str, new: str) -> str:
    """The string with every occurrence of ``old`` replaced by ``new``.

    Example: ``(string-replace "banana" "an" "AN")`` ⇒ ``"bANANa"``.
    """
    text = string_argument("string-replace", string)
    wanted = string_argument("string-replace", old)
    if not wanted:
        raise BadValue("string-replace: the string to replace is empty")
    return text.replace(wanted, string_argument("string-replace", new))


@primitive("string-pad-left", "string-pad")
def string_pad_left(string: str, length: int, char: Char = Char(" ")) -> str:  # noqa: B008
    """The string at the right of ``length`` characters; of a longer one, its last characters.

    Example: ``(string-pad-left "42" 5)`` ⇒ ``"   42"``.
    """
    text = string_argument("string-pad-left", string)
    size = size_argument("string-pad-left", length)
    padded = text.rjust(size, char_argument("string-pad-left", char).value)
    return padded[len(padded) - size :]


@primitive("string-pad-right")
def string_pad_right(string: str, length: int, char: Char = Char(" ")) -> str:  # noqa: B008
    """The string at the left of ``length`` characters; of a longer one, its first characters.

    Example: ``(string-pad-right "42" 5)`` ⇒ ``"42   "``.
    """
    text = string_argument("string-pad-right", string)
    size = size_argument("string-pad-right", length)
    return text.ljust(size, char_argument("string-pad-right", char).value)[:size]


@primitive("string-count")
def string_count(string: str, criterion: CharTest) -> int:
    r"""How many chars are the given one or satisfy the predicate.

    Example: ``(string-count "banana" #\a)`` ⇒ ``3``.
    """
    test = char_test("string-count", criterion)
    return sum(map(test, string_argument("string-count", string)))


@primitive("string-repeat")
def string_repeat(string: str, count: int) -> str:
    """The string ``count`` times. Example: ``(string-repeat "ab" 3)`` ⇒ ``"ababab"``."""
    return string_argument("string-repeat", string) * size_argument("string-repeat", count)


@primitive("string-starts-with?", "string-starts-with")
def starts_with(string: str, prefix: Any) -> bool:
    """Whether a string begins with another one, or with a char.

    Example: ``(string-starts-with? "hello" "he")`` ⇒ ``#t``.
    """
    text = string_argument("string-starts-with?", string)
    return text.startswith(_needle("string-starts-with?", prefix))


@primitive("string-ends-with?", "string-ends-with")
def ends_with(string: str, suffix: Any) -> bool:
    """Whether a string ends with another one, or with a char.

    Example: ``(string-ends-with? "hello" #\\o)`` ⇒ ``#t``.
    """
    text = string_argument("string-ends-with?", string)
    return text.endswith(_needle("string-ends-with?", suffix))


@primitive("string-find")
def string_find(string: str, wanted: Any) -> Any:
    """The position of the first occurrence of a string or char in a string, else ``#f``.

    Example: ``(string-find "hello" "l")`` ⇒ ``2``; ``(string-find "hello" "x")`` ⇒ ``#f``.
    """
    index = string_argument("string-find", string).find(_needle("string-find", wanted))
    return False if index < 0 else index


@primitive("string-last-index")
def string_last_index(string: str, wanted: Any) -> int:
    """The position of the last occurrence of a string or char in a string, else -1.

    Example: ``(string-last-index "a/b/c" "/")`` ⇒ ``3``.
    """
    text = string_argument("string-last-index", string)
    return text.rfind(_needle("string-last-index", wanted))


def _needle(who: str, value: Any) -> str:
    return value.value if isinstance(value, Char) else string_argument(who, value)
