"""Reading: characters, lines, bytes, and data, from a port or the current one."""

from __future__ import annotations

import functools
import re
from typing import Any

from eshkol.base.errors import IncompleteInput, ReadError
from eshkol.datum.pairs import scheme_list
from eshkol.datum.values import EOF
from eshkol.primitives.arguments import range_arguments, size_argument
from eshkol.primitives.bytevectors import Bytevector, mutable_bytes
from eshkol.primitives.chars import char_of
from eshkol.primitives.declare import primitive
from eshkol.primitives.ports import Port, input_argument


@primitive("read-char")
def read_char(port: Port = None) -> Any:
    """The next char, or the end-of-file object.

    Example: ``(read-char (open-input-string "abc"))`` ⇒ ``#\\a``.
    """
    return _char(input_argument("read-char", port).take(1))


@primitive("peek-char")
def peek_char(port: Port = None) -> Any:
    r"""The next char, which stays to be read, or the end-of-file object.

    Example: ``(let ((port (open-input-string "ab"))) (list (peek-char port) (read-char port)))``
    ⇒ ``(#\a #\a)``.
    """
    return _char(input_argument("peek-char", port).peek(1))


def _char(text: str) -> Any:
    return char_of(text) if text else EOF


@primitive("char-ready?")
def is_char_ready(port: Port = None) -> bool:
    """Whether a char, or the end, can be read without waiting.

    Example: ``(char-ready? (open-input-string "a"))`` ⇒ ``#t``.
    """
    return input_argument("char-ready?", port).is_ready


@primitive("read-line")
def read_line(port: Port = None) -> Any:
    """The text up to the end of the line, which is read too; or the end-of-file object.

    Example: ``(read-line (open-input-string "abc\\ndef"))`` ⇒ ``"abc"``.
    """
    line = input_argument("read-line", port).line()
    return EOF if line is None else line


@primitive("read-string")
def read_string(count: int, port: Port = None) -> Any:
    """The next ``count`` characters, fewer before the end; or the end-of-file object.

    Example: ``(read-string 2 (open-input-string "abc"))`` ⇒ ``"ab"``.
    """
    size = size_argument("read-string", count)
    return (input_argument("read-string", port).take(size) if size else "") or _end(size, "")


def _end(size: int, nothing: Any) -> Any:
    """What reading ``size`` things gives where nothing is left."""
    return EOF if size else nothing


@primitive("read-lines")
def read_lines(port: Port = None) -> Any:
    """The list of all lines that are left.

    Example: ``(read-lines (open-input-string "a\\nb\\n"))`` ⇒ ``("a" "b")``.
    """
    source = input_argument("read-lines", port)
    lines = []
    while (line := source.line()) is not None:
        lines.append(line)
    return scheme_list(lines)


@primitive("read-all", "port->string")
def read_all_text(port: Port = None) -> str:
    """All the text that is left.

    Example: ``(port->string (open-input-string "ab"))`` ⇒ ``"ab"``.
    """
    return input_argument("read-all", port).rest()


# ---- bytes


@primitive("read-u8")
def read_byte(port: Port = None) -> Any:
    """The next byte, or the end-of-file object.

    Example: ``(read-u8 (open-input-bytevector #u8(7 8)))`` ⇒ ``7``.
    """
    return _byte(input_argument("read-u8", port, is_binary=True).take(1))


@primitive("peek-u8")
def peek_byte(port: Port = None) -> Any:
    """The next byte, which stays to be read, or the end-of-file object.

    Example: ``(let ((port (open-input-bytevector #u8(7 8)))) (list (peek-u8 port) (read-u8
    port)))`` ⇒ ``(7 7)``.
    """
    return _byte(input_argument("peek-u8", port, is_binary=True).peek(1))


def _byte(data: bytes) -> Any:
    return data[0] if data else EOF


@primitive("u8-ready?")
def is_byte_ready(port: Port = None) -> bool:
    """Whether a byte, or the end, can be read without waiting.

    Example: ``(u8-ready? (open-input-bytevector #u8(7)))`` ⇒ ``#t``.
    """
    return input_argument("u8-ready?", port, is_binary=True).is_ready


@primitive("read-bytevector")
def read_bytevector(count: int, port: Port = None) -> Any:
    """A bytevector of the next ``count`` bytes, fewer before the end; or the end-of-file object.

    Example: ``(read-bytevector 2 (open-input-bytevector #u8(1 2 3)))`` ⇒ ``#u8(1 2)``.
    """
    size = size_argument("read-bytevector", count)
    data = input_argument("read-bytevector", port, is_binary=True).take(size)
    return bytearray(data) if data else _end(size, bytearray())


@primitive("read-bytevector!")
def read_bytevector_into(
    bytevector: Bytevector, port: Port = None, start: int = 0, end: Any = None
) -> Any:
    """Fill a bytevector from ``start`` to before ``end`` with the next bytes.

    Returns:
        How many bytes were read, or the end-of-file object if there are no more.

    Example: ``(let ((b (bytevector 0 0 0))) (list (read-bytevector! b (open-input-bytevector
    #u8(7 8))) b))`` ⇒ ``(2 #u8(7 8 0))``.
    """
    target = mutable_bytes("read-bytevector!", bytevector)
    first, last = range_arguments("read-bytevector!", start, end, len(target), "bytevector")
    data = input_argument("read-bytevector!", port, is_binary=True).take(last - first)
    target[first : first + len(data)] = data
    return len(data) or _end(last - first, 0)


# ---- data


@primitive("read")
def read(port: Port = None) -> Any:
    """The next datum, or the end-of-file object.

    Raises:
        ReadError: the text is no datum, or ends within one.

    Example: ``(read (open-input-string "(a . b) c"))`` ⇒ ``(a . b)``.
    """
    source = input_argument("read", port)
    datum, source.folds_case = source.scan(functools.partial(_datum, source.folds_case))
    return datum


def _datum(folds_case: bool, text: str, more: bool) -> tuple[Any, int]:
    """The first datum in ``text`` and how many characters it takes; -1 if it needs more text.

    With the datum comes whether directives in the text let the next one be read with its case
    folded.
    """
    from eshkol.reader import Reader
    from eshkol.syntax.objects import Syntax, to_datum

    reader = Reader(text, "<port>", fold_case=folds_case, is_data=True)
    try:
        form = reader.read()
    except ReadError as error:
        is_cut = isinstance(error, IncompleteInput) or reader.position >= len(reader.text)
        if more and is_cut:
            return None, -1
        hint = "" if isinstance(error, IncompleteInput) else error.hint
        raise ReadError(f"read: {error.message}", hint=hint) from None
    if more and (form is EOF or reader.position >= len(reader.text)):
        return None, -1
    datum = to_datum(form) if isinstance(form, Syntax) else form
    return (datum, reader.folds_case), _offset(text, reader.position)


def _offset(text: str, position: int) -> int:
    """Where the reader's ``position``, which counts ``\\r\\n`` as one character, is in ``text``."""
    for found in re.finditer("\r\n", text) if "\r" in text else ():
        if found.start() >= position:
            break
        position += 1
    return position + text.startswith("\ufeff")
