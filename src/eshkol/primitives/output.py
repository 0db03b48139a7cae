"""Showing values on the current output port, or on another; writing bytes."""

from __future__ import annotations

from typing import Any

from eshkol.datum.values import UNSPECIFIED, Char, Unspecified
from eshkol.datum.write import display_string, shared_string, write_string
from eshkol.primitives.arguments import (
    char_argument,
    procedure_argument,
    range_arguments,
    string_argument,
    wrong_type,
)
from eshkol.primitives.bytevectors import Bytevector, byte_argument, bytes_part
from eshkol.primitives.calling import callee, check_eager
from eshkol.primitives.declare import primitive
from eshkol.primitives.ports import (
    Port,
    current_output_port,
    open_output_string,
    output_argument,
)
from eshkol.primitives.redirection import shown_by


def emit(who: str, text: str, port: Port = None) -> Unspecified:
    """Write ``text`` to a port, which is the current one unless it is given."""
    output_argument(who, port).write(text)
    return UNSPECIFIED


@primitive("display")
def display(value: Any, port: Port = None) -> Unspecified:
    """Show a value as people read it: strings and chars as they are.

    Example: ``(with-output-to-string (lambda () (display '("a" 1.0))))`` ⇒ ``"(a 1.0)"``.
    """
    return emit("display", display_string(value), port)


@primitive("write", "write-simple")
def write(value: Any, port: Port = None) -> Unspecified:
    r"""Show a value as the reader reads it.

    Example: ``(with-output-to-string (lambda () (write '("a" 1.0))))`` ⇒ ``"(\"a\" 1.0)"``.
    """
    return emit("write", write_string(value), port)


@primitive("write-shared")
def write_shared(value: Any, port: Port = None) -> Unspecified:
    """Show a value as ``write`` does, with labels on every part that occurs twice.

    Example: ``(with-output-to-string (lambda () (let ((x (list 1))) (write-shared (list x
    x)))))`` ⇒ ``"(#0=(1) #0#)"``.
    """
    return emit("write-shared", shared_string(value), port)


@primitive("newline")
def newline(port: Port = None) -> Unspecified:
    r"""End the line. Example: ``(with-output-to-string newline)`` ⇒ ``"\n"``."""
    return emit("newline", "\n", port)


@primitive("displayln", "print", "println")
def display_line(*values: Any) -> Unspecified:
    r"""Show the values as ``display`` does, with spaces between them, and end the line.

    Example: ``(with-output-to-string (lambda () (displayln "x is" 5)))`` ⇒ ``"x is 5\n"``.
    """
    return emit("displayln", " ".join(map(display_string, values)) + "\n")


@primitive("writeln")
def write_line(value: Any, port: Port = None) -> Unspecified:
    r"""Show a value as ``write`` does and end the line.

    Example: ``(with-output-to-string (lambda () (writeln "a")))`` ⇒ ``"\"a\"\n"``.
    """
    return emit("writeln", write_string(value) + "\n", port)


@primitive("write-string")
def write_text(string: str, port: Port = None, start: int = 0, end: Any = None) -> Unspecified:
    """Show the characters of a string from ``start`` to before ``end``.

    Example: ``(with-output-to-string (lambda () (write-string "hello" (current-output-port) 1
    3)))`` ⇒ ``"el"``.
    """
    text = string_argument("write-string", string)
    first, last = range_arguments("write-string", start, end, len(text), "string")
    return emit("write-string", text[first:last], port)


@primitive("write-char")
def write_char(char: Char, port: Port = None) -> Unspecified:
    r"""Show a char. Example: ``(with-output-to-string (lambda () (write-char #\a)))`` ⇒ ``"a"``."""
    return emit("write-char", char_argument("write-char", char).value, port)


@primitive("with-output-to-string")
def with_output_to_string(thunk: Any) -> str:
    """What is shown on the current output port while a procedure of no arguments runs.

    What Python's own ``print`` shows meanwhile is part of it.

    Example: ``(with-output-to-string (lambda () (display 5)))`` ⇒ ``"5"``.
    """
    check_eager("with-output-to-string")
    return shown_by(callee(procedure_argument("with-output-to-string", thunk)))


@primitive("call-with-output-string", "with-output-string")
def call_with_output_string(procedure: Any) -> str:
    """What a procedure shows on the port that it is called with.

    Example: ``(call-with-output-string (lambda (port) (write 'a port)))`` ⇒ ``"a"``.
    """
    check_eager("call-with-output-string")
    port = open_output_string()
    callee(procedure_argument("call-with-output-string", procedure))(port)
    return port.content


@primitive("flush-output", "flush-output-port", "flush")
def flush_output(port: Port = None) -> Unspecified:
    """Send on what was written so far.

    Example: ``(let ((port (open-output-string))) (write 'a port) (flush-output port)
    (get-output-string port))`` ⇒ ``"a"``.
    """
    target = current_output_port() if port is None else port
    if not hasattr(target, "flush"):
        raise wrong_type("flush-output", "an output port", port)
    target.flush()
    return UNSPECIFIED


@primitive("write-u8")
def write_byte(byte: int, port: Port = None) -> Unspecified:
    """Write a byte to a binary port.

    Example: ``(let ((port (open-output-bytevector))) (write-u8 7 port) (get-output-bytevector
    port))`` ⇒ ``#u8(7)``.
    """
    check_eager("write-u8")
    data = bytes([byte_argument("write-u8", byte)])
    output_argument("write-u8", port, is_binary=True).write(data)
    return UNSPECIFIED


@primitive("write-bytevector")
def write_bytevector(
    bytevector: Bytevector, port: Port = None, start: int = 0, end: Any = None
) -> Unspecified:
    """Write the bytes from ``start`` to before ``end`` to a binary port.

    Example: ``(let ((port (open-output-bytevector))) (write-bytevector #u8(1 2 3) port 1)
    (get-output-bytevector port))`` ⇒ ``#u8(2 3)``.
    """
    check_eager("write-bytevector")
    data = bytes_part("write-bytevector", bytevector, start, end)
    output_argument("write-bytevector", port, is_binary=True).write(data)
    return UNSPECIFIED
