"""Changing strings in place: those that ``string-copy``, ``make-string`` and ``string`` made."""

from __future__ import annotations

from typing import Any

from eshkol.base.errors import OutOfRange, WrongType
from eshkol.datum.values import UNSPECIFIED, Char, MutableString, Unspecified
from eshkol.datum.write import short_string
from eshkol.primitives.arguments import (
    char_argument,
    index_argument,
    position_argument,
    range_arguments,
    wrong_type,
)
from eshkol.primitives.calling import check_eager
from eshkol.primitives.declare import primitive
from eshkol.primitives.strings import part


def _mutable(who: str, value: Any) -> MutableString:
    """``value`` if it is a string that can be changed."""
    check_eager(who)
    if value.__class__ is MutableString:
        return value
    if isinstance(value, str):
        raise WrongType(
            f"{who}: this string can't be changed: {short_string(value)}",
            hint="change a copy of it: (string-copy s)",
        )
    raise wrong_type(who, "a string that can be changed", value)


@primitive("string-set!")
def string_set(string: MutableString, k: int, char: Char) -> Unspecified:
    """Replace the char at position ``k``.

    Raises:
        WrongType: the string is a literal, or another that can't be changed.

    Example: ``(let ((s (make-string 3 #\\*))) (string-set! s 0 #\\?) s)`` ⇒ ``"?**"``.
    """
    target = _mutable("string-set!", string)
    position = position_argument("string-set!", k, len(target), "string")
    target.replace(position, char_argument("string-set!", char).value)
    return UNSPECIFIED


@primitive("string-fill!")
def string_fill(string: MutableString, char: Char, start: int = 0, end: Any = None) -> Unspecified:
    """Replace all chars from ``start`` to before ``end`` by one.

    Example: ``(let ((s (string-copy "abcd"))) (string-fill! s #\\- 1 3) s)`` ⇒ ``"a--d"``.
    """
    target = _mutable("string-fill!", string)
    character = char_argument("string-fill!", char).value
    first, last = range_arguments("string-fill!", start, end, len(target), "string")
    target.replace(first, character * (last - first))
    return UNSPECIFIED


@primitive("string-copy!")
def string_copy_into(
    target: MutableString, at: int, source: str, start: int = 0, end: Any = None
) -> Unspecified:
    """Copy the chars of ``source`` from ``start`` to before ``end`` into ``target`` at ``at``.

    The strings may be the same one.

    Raises:
        OutOfRange: they do not fit.

    Example: ``(let ((s (string-copy "abcde"))) (string-copy! s 1 "12345" 0 2) s)`` ⇒ ``"a12de"``.
    """
    string = _mutable("string-copy!", target)
    text = part("string-copy!", source, start, end)
    position = index_argument("string-copy!", at)
    if not 0 <= position <= len(string) - len(text):
        raise OutOfRange(
            f"string-copy!: {len(text)} chars at {position} do not fit in a string of length "
            f"{len(string)}"
        )
    string.replace(position, text)
    return UNSPECIFIED
