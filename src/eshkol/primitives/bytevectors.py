"""Bytevectors: bytes that can be changed, and literals ``#u8(…)`` that can't."""

from __future__ import annotations

from typing import Any

from eshkol.base.errors import BadValue, OutOfRange, WrongType
from eshkol.datum.pairs import scheme_list
from eshkol.datum.values import UNSPECIFIED, Unspecified
from eshkol.datum.write import short_string
from eshkol.primitives.arguments import (
    index_argument,
    list_argument,
    position_argument,
    range_arguments,
    size_argument,
    wrong_type,
)
from eshkol.primitives.calling import check_eager
from eshkol.primitives.declare import primitive
from eshkol.primitives.strings import part

Bytevector = Any
"""Python's ``bytearray``, or ``bytes``, which can't be changed."""


def bytes_argument(who: str, value: Any) -> bytes | bytearray:
    """``value`` if it is a bytevector."""
    if isinstance(value, bytes | bytearray):
        return value
    raise wrong_type(who, "a bytevector", value)


def mutable_bytes(who: str, value: Any) -> bytearray:
    """``value`` if it is a bytevector that can be changed."""
    check_eager(who)
    if value.__class__ is bytearray:
        return value
    if isinstance(value, bytes):
        raise WrongType(
            f"{who}: this bytevector can't be changed: {short_string(value)}",
            hint="change a copy of it: (bytevector-copy b)",
        )
    raise wrong_type(who, "a bytevector", value)


def byte_argument(who: str, value: Any) -> int:
    """``value`` if it is a byte."""
    byte = index_argument(who, value, "a byte, an exact integer from 0 to 255")
    if 0 <= byte <= 255:
        return byte
    raise OutOfRange(f"{who}: expected a byte from 0 to 255, got {byte}")


def bytes_part(who: str, value: Any, start: Any, end: Any) -> bytes | bytearray:
    """The bytes of a bytevector from ``start`` to before ``end`` (None: its end)."""
    data = bytes_argument(who, value)
    first, last = range_arguments(who, start, end, len(data), "bytevector")
    return data[first:last]


@primitive("bytevector?")
def is_bytevector(value: Any) -> bool:
    """Whether the value is a bytevector. Example: ``(bytevector? #u8(1 2))`` ⇒ ``#t``."""
    return isinstance(value, bytes | bytearray)


@primitive("bytevector")
def make_bytevector_of(*items: int) -> Bytevector:
    """A new bytevector of the bytes. Example: ``(bytevector 1 3 5)`` ⇒ ``#u8(1 3 5)``."""
    return bytearray([byte_argument("bytevector", item) for item in items])


@primitive("make-bytevector")
def make_bytevector(length: int, byte: int = 0) -> Bytevector:
    """A new bytevector of ``length`` times the same byte.

    Example: ``(make-bytevector 2 12)`` ⇒ ``#u8(12 12)``.
    """
    fill = byte_argument("make-bytevector", byte)
    return bytearray([fill]) * size_argument("make-bytevector", length)


@primitive("bytevector-length")
def bytevector_length(bytevector: Bytevector) -> int:
    """The number of bytes. Example: ``(bytevector-length #u8(1 2))`` ⇒ ``2``."""
    return len(bytes_argument("bytevector-length", bytevector))


@primitive("bytevector-u8-ref")
def bytevector_ref(bytevector: Bytevector, k: int) -> int:
    """Byte ``k``, from 0.

    Raises:
        OutOfRange: there is none.

    Example: ``(bytevector-u8-ref #u8(1 1 2 3 5 8 13 21) 5)`` ⇒ ``8``.
    """
    data = bytes_argument("bytevector-u8-ref", bytevector)
    return data[position_argument("bytevector-u8-ref", k, len(data), "bytevector")]


@primitive("bytevector-u8-set!")
def bytevector_set(bytevector: Bytevector, k: int, byte: int) -> Unspecified:
    """Replace byte ``k``.

    Raises:
        WrongType: the bytevector is a literal.

    Example: ``(let ((b (bytevector 1 2 3))) (bytevector-u8-set! b 1 9) b)`` ⇒ ``#u8(1 9 3)``.
    """
    data = mutable_bytes("bytevector-u8-set!", bytevector)
    position = position_argument("bytevector-u8-set!", k, len(data), "bytevector")
    data[position] = byte_argument("bytevector-u8-set!", byte)
    return UNSPECIFIED


@primitive("bytevector-fill!")
def bytevector_fill(
    bytevector: Bytevector, byte: int, start: int = 0, end: Any = None
) -> Unspecified:
    """Replace all bytes from ``start`` to before ``end`` by one.

    Example: ``(let ((b (bytevector 1 2 3))) (bytevector-fill! b 0 1) b)`` ⇒ ``#u8(1 0 0)``.
    """
    data = mutable_bytes("bytevector-fill!", bytevector)
    fill = byte_argument("bytevector-fill!", byte)
    first, last = range_arguments("bytevector-fill!", start, end, len(data), "bytevector")
    data[first:last] = bytes([fill]) * (last - first)
    return UNSPECIFIED


@primitive("bytevector-copy")
def bytevector_copy(bytevector: Bytevector, start: int = 0, end: Any = None) -> Bytevector:
    """A new bytevector of the bytes from ``start`` to before ``end``.

    Example: ``(bytevector-copy #u8(1 2 3 4 5) 2 4)`` ⇒ ``#u8(3 4)``.
    """
    return bytearray(bytes_part("bytevector-copy", bytevector, start, end))


@primitive("bytevector-copy!")
def bytevector_copy_into(
    target: Bytevector, at: int, source: Bytevector, start: int = 0, end: Any = None
) -> Unspecified:
    """Copy the bytes of ``source`` from ``start`` to before ``end`` into ``target`` at ``at``.

    The bytevectors may be the same one.

    Raises:
        OutOfRange: they do not fit.

    Example: ``(let ((b (bytevector 1 2 3))) (bytevector-copy! b 1 #u8(8 9)) b)`` ⇒ ``#u8(1 8
    9)``.
    """
    data = mutable_bytes("bytevector-copy!", target)
    copied = bytes_part("bytevector-copy!", source, start, end)
    position = index_argument("bytevector-copy!", at)
    if not 0 <= position <= len(data) - len(copied):
        raise OutOfRange(
            f"bytevector-copy!: {len(copied)} bytes at {position} do not fit in a bytevector of "
            f"length {len(data)}"
        )
    data[position : position + len(copied)] = copied
    return UNSPECIFIED


@primitive("bytevector-append")
def bytevector_append(*bytevectors: Bytevector) -> Bytevector:
    """A new bytevector of all bytes.

    Example: ``(bytevector-append #u8(0 1 2) #u8(3 4 5))`` ⇒ ``#u8(0 1 2 3 4 5)``.
    """
    return bytearray().join(bytes_argument("bytevector-append", each) for each in bytevectors)


@primitive("utf8->string")
def utf8_to_string(bytevector: Bytevector, start: int = 0, end: Any = None) -> str:
    """The string that the bytes from ``start`` to before ``end`` are in UTF-8.

    Raises:
        BadValue: the bytes are no UTF-8.

    Example: ``(utf8->string #u8(#x41))`` ⇒ ``"A"``.
    """
    data = bytes_part("utf8->string", bytevector, start, end)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadValue(
            f"utf8->string: byte {error.start} of {short_string(data)} is no UTF-8"
        ) from None


@primitive("string->utf8")
def string_to_utf8(string: str, start: int = 0, end: Any = None) -> Bytevector:
    """The bytes of the characters from ``start`` to before ``end`` in UTF-8.

    Example: ``(string->utf8 "λ")`` ⇒ ``#u8(206 187)``.
    """
    return bytearray(part("string->utf8", string, start, end).encode("utf-8", "surrogatepass"))


@primitive("bytevector->list")
def bytevector_to_list(bytevector: Bytevector, start: int = 0, end: Any = None) -> Any:
    """The list of the bytes. Example: ``(bytevector->list #u8(1 2))`` ⇒ ``(1 2)``."""
    return scheme_list(list(bytes_part("bytevector->list", bytevector, start, end)))


@primitive("list->bytevector")
def list_to_bytevector(items: Any) -> Bytevector:
    """The bytevector of a list of bytes. Example: ``(list->bytevector '(1 2))`` ⇒ ``#u8(1 2)``."""
    numbers = list_argument("list->bytevector", items)
    return bytearray([byte_argument("list->bytevector", item) for item in numbers])
