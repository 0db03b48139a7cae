"""Ports that are files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eshkol.base.errors import FileProblem
from eshkol.datum.ports import InputPort, OutputPort
from eshkol.datum.write import short_string
from eshkol.primitives.arguments import procedure_argument, string_argument
from eshkol.primitives.calling import callee, check_eager
from eshkol.primitives.declare import primitive
from eshkol.primitives.ports import (
    close_port,
    current_input_port,
    current_output_port,
    with_port,
)


def path_argument(who: str, value: Any) -> str:
    """``value`` as the path of a file: a string, or what Python takes for a path."""
    if hasattr(value, "__fspath__"):
        return str(value)
    return string_argument(who, value)


def file_problem(who: str, path: str, error: Exception) -> FileProblem:
    """The error for a file that the system has trouble with."""
    reason = getattr(error, "strerror", None) or str(error)
    return FileProblem(f"{who}: {reason[:1].lower()}{reason[1:]}: {short_string(path)}")


def _open(who: str, path: Any, mode: str) -> tuple[Any, str]:
    """The Python stream of a file, and its path."""
    check_eager(who)
    file = path_argument(who, path)
    text: dict[str, Any] = (
        {} if "b" in mode else {"encoding": "utf-8", "newline": None if mode == "r" else ""}
    )
    try:
        return open(file, mode, **text), file
    except (OSError, ValueError) as error:
        raise file_problem(who, file, error) from None


@primitive("open-input-file")
def open_input_file(path: str) -> InputPort:
    """A port that reads a file of UTF-8 text.

    Raises:
        FileProblem: the file is missing or unreadable.

    Example: ``(write-file "notes.txt" "one two") (let* ((port (open-input-file
    "notes.txt")) (word (read port))) (close-port port) word)`` ⇒ ``one``.
    """
    return InputPort(*_open("open-input-file", path, "r"))


@primitive("open-binary-input-file")
def open_binary_input_file(path: str) -> InputPort:
    """A port that reads the bytes of a file.

    Example: ``(write-file "data.bin" #u8(7 8)) (let* ((port (open-binary-input-file
    "data.bin")) (byte (read-u8 port))) (close-port port) byte)`` ⇒ ``7``.
    """
    return InputPort(*_open("open-binary-input-file", path, "rb"), is_binary=True)


@primitive("open-output-file")
def open_output_file(path: str, append: Any = False) -> OutputPort:
    """A port that writes text to a file in UTF-8; what the file holds is lost.

    Args:
        append: ``#t`` or ``'append``: what is written is added to the end of the file instead.

    Example: ``(let ((port (open-output-file "notes.txt"))) (write '(a 1) port) (close-port port)
    (read-file "notes.txt"))`` ⇒ ``"(a 1)"``.
    """
    mode = "w" if append is False else "a"
    return OutputPort(*_open("open-output-file", path, mode))


@primitive("open-append-file", "open-file-append")
def open_append_file(path: str) -> OutputPort:
    """A port that adds text to the end of a file.

    Example: ``(write-file "notes.txt" "one") (let ((port (open-append-file "notes.txt")))
    (display " two" port) (close-port port) (read-file "notes.txt"))`` ⇒ ``"one two"``.
    """
    return OutputPort(*_open("open-append-file", path, "a"))


@primitive("open-binary-output-file")
def open_binary_output_file(path: str) -> OutputPort:
    """A port that writes bytes to a file; what the file holds is lost.

    Example: ``(let ((port (open-binary-output-file "data.bin"))) (write-u8 7 port) (close-port
    port) (read-file-bytes "data.bin"))`` ⇒ ``#u8(7)``.
    """
    return OutputPort(*_open("open-binary-output-file", path, "wb"), is_binary=True)


def _with_file(who: str, open_file: Callable[[Any], Any], path: Any, procedure: Any) -> Any:
    call = callee(procedure_argument(who, procedure))
    port = open_file(path)
    result = call(port)
    close_port(port)
    return result


@primitive("call-with-input-file")
def call_with_input_file(path: str, procedure: Any) -> Any:
    """What the procedure gives for a port that reads the file, which is closed afterwards.

    Example: ``(write-file "notes.txt" "(1 2)") (call-with-input-file "notes.txt" read)``
    ⇒ ``(1 2)``.
    """
    return _with_file("call-with-input-file", open_input_file, path, procedure)


@primitive("call-with-output-file")
def call_with_output_file(path: str, procedure: Any) -> Any:
    """What the procedure gives for a port that writes the file, which is closed afterwards.

    Example: ``(call-with-output-file "notes.txt" (lambda (port) (write '(1 2) port)))
    (read-file "notes.txt")`` ⇒ ``"(1 2)"``.
    """
    return _with_file("call-with-output-file", open_output_file, path, procedure)


@primitive("with-input-from-file")
def with_input_from_file(path: str, thunk: Any) -> Any:
    """What a procedure of no arguments gives while a file is the current input port.

    Example: ``(write-file "notes.txt" "(1 2)") (with-input-from-file "notes.txt" read)``
    ⇒ ``(1 2)``.
    """
    call = callee(procedure_argument("with-input-from-file", thunk))
    port = open_input_file(path)
    result = with_port(current_input_port, port, call)
    close_port(port)
    return result


@primitive("with-output-to-file")
def with_output_to_file(path: str, thunk: Any) -> Any:
    """What a procedure of no arguments gives while a file is the current output port.

    Example: ``(with-output-to-file "notes.txt" (lambda () (display "hi"))) (read-file
    "notes.txt")`` ⇒ ``"hi"``.
    """
    call = callee(procedure_argument("with-output-to-file", thunk))
    port = open_output_file(path)
    result = with_port(current_output_port, port, call)
    close_port(port)
    return result


@primitive("with-input-from-string")
def with_input_from_string(string: str, thunk: Any) -> Any:
    """What a procedure of no arguments gives while a string is the current input port.

    Example: ``(with-input-from-string "(a b)" read)`` ⇒ ``(a b)``.
    """
    call = callee(procedure_argument("with-input-from-string", thunk))
    text = string_argument("with-input-from-string", string)
    return with_port(current_input_port, InputPort(None, "string", content=text), call)


@primitive("call-with-input-string")
def call_with_input_string(string: str, procedure: Any) -> Any:
    """What the procedure gives for a port that reads a string.

    Example: ``(call-with-input-string "(a b)" read)`` ⇒ ``(a b)``.
    """
    call = callee(procedure_argument("call-with-input-string", procedure))
    text = string_argument("call-with-input-string", string)
    return call(InputPort(None, "string", content=text))
