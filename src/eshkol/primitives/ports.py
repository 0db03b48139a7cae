"""Ports: what they are, those that are current, and those made of strings and bytevectors.

A port is one of :mod:`eshkol.datum.ports`, or any Python stream.
"""

from __future__ import annotations

import io
import sys
import weakref
from collections.abc import Callable
from typing import Any

from eshkol.base.errors import BadValue
from eshkol.datum.ports import InputPort, OutputPort
from eshkol.datum.ports import Port as SchemePort
from eshkol.datum.values import EOF, UNSPECIFIED, Unspecified
from eshkol.datum.write import short_string
from eshkol.primitives.arguments import procedure_argument, string_argument, wrong_type
from eshkol.primitives.bytevectors import Bytevector, bytes_argument
from eshkol.primitives.calling import callee, check_eager
from eshkol.primitives.declare import primitive
from eshkol.primitives.dynamic import Procedure
from eshkol.primitives.parameters import Key, parameterize

Port = Any
"""A port of ours, or a Python stream."""


# ---- those that are current

_STANDARD_INPUT = InputPort(lambda: sys.stdin, "standard input")


def _current(name: str, standard: Callable[[], Port], documentation: str) -> Procedure:
    """Declare the parameter ``name``, whose value is ``standard()`` where nothing binds it."""
    key = Key(None, None)

    def parameter() -> Port:
        port = key.bound()[0]
        return standard() if port is None else port

    parameter.__doc__ = documentation
    parameter.eshkol_parameter = key  # type: ignore[attr-defined]
    return primitive(name)(parameter)


current_input_port = _current(
    "current-input-port",
    lambda: _STANDARD_INPUT,
    "The port that is read where none is given, a parameter: at first the standard input. "
    "Example: ``(input-port? (current-input-port))`` ⇒ ``#t``.",
)
current_output_port = _current(
    "current-output-port",
    lambda: sys.stdout,
    "The port that is written to where none is given, a parameter: at first the standard output. "
    "Example: ``(let ((port (open-output-string))) (parameterize ((current-output-port port)) "
    '(display \'hi)) (get-output-string port))`` ⇒ ``"hi"``.',
)
current_error_port = _current(
    "current-error-port",
    lambda: sys.stderr,
    "The port for errors and warnings, a parameter: at first the standard error output. "
    "Example: ``(output-port? (current-error-port))`` ⇒ ``#t``.",
)


def with_port(parameter: Procedure, port: Port, procedure: Procedure) -> Any:
    """What ``procedure`` gives when it is called while ``port`` is the current one."""
    return parameterize(procedure, parameter, port)


# ---- arguments

_WRAPPED: weakref.WeakKeyDictionary[Any, InputPort] = weakref.WeakKeyDictionary()
"""The ports that Python streams are read through."""


def input_argument(who: str, port: Port, is_binary: bool = False) -> InputPort:
    """``port``, or the current one in place of None, if it can be read."""
    check_eager(who)
    if port is None:
        port = current_input_port()
    if not isinstance(port, InputPort):
        port = _wrapped(who, port)
    _check_use(who, port, is_binary)
    return port


def _wrapped(who: str, stream: Any) -> InputPort:
    if not _reads(stream) or isinstance(stream, SchemePort):
        raise wrong_type(who, "an input port", stream)
    if stream not in _WRAPPED:
        reference = weakref.ref(stream)
        name = str(getattr(stream, "name", "stream"))
        _WRAPPED[stream] = InputPort(reference, name, not _is_text(stream))
    return _WRAPPED[stream]


def output_argument(who: str, port: Port, is_binary: bool = False) -> Any:
    """What to write to: ``port``, or the current one in place of None."""
    if port is None or port is True:
        port = current_output_port()
    if isinstance(port, OutputPort):
        _check_use(who, port, is_binary)
    elif not hasattr(port, "write") or isinstance(port, SchemePort):
        raise wrong_type(who, "an output port", port)
    elif isinstance(port, io.RawIOBase | io.BufferedIOBase) != is_binary:
        raise wrong_type(who, f"a {'binary' if is_binary else 'textual'} port", port)
    return port


def _check_use(who: str, port: SchemePort, is_binary: bool) -> None:
    if port.is_binary != is_binary:
        raise wrong_type(who, f"a {'binary' if is_binary else 'textual'} port", port)
    if not port.is_open:
        raise BadValue(f"{who}: the port is closed: {short_string(port)}")


def _reads(value: Any) -> bool:
    return isinstance(value, InputPort) or _can(value, "readable")


def _writes(value: Any) -> bool:
    return isinstance(value, OutputPort) or _can(value, "writable")


def _can(stream: Any, name: str) -> bool:
    test = getattr(stream, name, None)
    try:
        return test is not None and not isinstance(stream, type) and bool(test())
    except ValueError:  # the stream is closed
        return True


def _is_text(stream: Any) -> bool:
    return not isinstance(stream, io.RawIOBase | io.BufferedIOBase)


# ---- kinds


@primitive("port?")
def is_port(value: Any) -> bool:
    """Whether the value is a port. Example: ``(port? (open-input-string "a"))`` ⇒ ``#t``."""
    return _reads(value) or _writes(value)


@primitive("input-port?")
def is_input_port(value: Any) -> bool:
    """Whether the value is a port that is read.

    Example: ``(input-port? (open-input-string "a"))`` ⇒ ``#t``.
    """
    return _reads(value)


@primitive("output-port?")
def is_output_port(value: Any) -> bool:
    """Whether the value is a port that is written to.

    Example: ``(output-port? (open-input-string "a"))`` ⇒ ``#f``.
    """
    return _writes(value)


@primitive("textual-port?")
def is_textual_port(value: Any) -> bool:
    """Whether the value is a port that carries text.

    Example: ``(textual-port? (open-input-string "a"))`` ⇒ ``#t``.
    """
    if isinstance(value, SchemePort):
        return not value.is_binary
    return is_port(value) and _is_text(value)


@primitive("binary-port?")
def is_binary_port(value: Any) -> bool:
    """Whether the value is a port that carries bytes.

    Example: ``(binary-port? (open-input-bytevector #u8(1)))`` ⇒ ``#t``.
    """
    if isinstance(value, SchemePort):
        return value.is_binary
    return is_port(value) and not _is_text(value)


def _is_open(port: Port) -> bool:
    return port.is_open if isinstance(port, SchemePort) else not port.closed


@primitive("input-port-open?")
def is_input_port_open(port: Port) -> bool:
    """Whether the input port has not been closed.

    Example: ``(let ((port (open-input-string "a"))) (close-port port) (input-port-open? port))``
    ⇒ ``#f``.
    """
    if _reads(port):
        return _is_open(port)
    raise wrong_type("input-port-open?", "an input port", port)


@primitive("output-port-open?")
def is_output_port_open(port: Port) -> bool:
    """Whether the output port has not been closed.

    Example: ``(output-port-open? (open-output-string))`` ⇒ ``#t``.
    """
    if _writes(port):
        return _is_open(port)
    raise wrong_type("output-port-open?", "an output port", port)


# ---- closing


@primitive("close-port")
def close_port(port: Port) -> Unspecified:
    """Close a port: what was written is sent on, and it can't be used any more.

    Example: ``(let ((port (open-input-string "a"))) (close-port port) (input-port-open? port))``
    ⇒ ``#f``.
    """
    if not is_port(port):
        raise wrong_type("close-port", "a port", port)
    port.close()
    return UNSPECIFIED


@primitive("close-input-port")
def close_input_port(port: Port) -> Unspecified:
    """Close an input port.

    Example: ``(let ((port (open-input-string "a"))) (close-input-port port) (input-port-open?
    port))`` ⇒ ``#f``.
    """
    if not _reads(port):
        raise wrong_type("close-input-port", "an input port", port)
    port.close()
    return UNSPECIFIED


@primitive("close-output-port")
def close_output_port(port: Port) -> Unspecified:
    """Close an output port: what was written is sent on.

    Example: ``(let ((port (open-output-string))) (close-output-port port) (output-port-open?
    port))`` ⇒ ``#f``.
    """
    if not _writes(port):
        raise wrong_type("close-output-port", "an output port", port)
    port.close()
    return UNSPECIFIED


@primitive("call-with-port")
def call_with_port(port: Port, procedure: Any) -> Any:
    """What the procedure gives for the port, which is closed when it has returned.

    Example: ``(call-with-port (open-input-string "ab") read-char)`` ⇒ ``#\\a``.
    """
    if not is_port(port):
        raise wrong_type("call-with-port", "a port", port)
    result = callee(procedure_argument("call-with-port", procedure))(port)
    port.close()
    return result


# ---- strings and bytevectors


class Accumulator(OutputPort):
    """A port that keeps what is written to it, also when it is closed."""

    __slots__ = ()

    def __init__(self, is_binary: bool) -> None:
        stream = io.BytesIO() if is_binary else io.StringIO()
        super().__init__(stream, "bytevector" if is_binary else "string", is_binary)

    def close(self) -> None:
        """Let nothing more be written."""
        self.is_open = False

    @property
    def content(self) -> Any:
        """All that was written."""
        return self.stream.getvalue()


@primitive("open-input-string")
def open_input_string(string: str) -> InputPort:
    """A port that gives the characters of a string.

    Example: ``(read-line (open-input-string "one\\ntwo"))`` ⇒ ``"one"``.
    """
    return InputPort(None, "string", content=string_argument("open-input-string", string))


@primitive("open-output-string")
def open_output_string() -> Accumulator:
    """A port that keeps the text written to it, for ``get-output-string``.

    Example: ``(let ((port (open-output-string))) (write 'a port) (get-output-string port))`` ⇒
    ``"a"``.
    """
    return Accumulator(is_binary=False)


@primitive("get-output-string")
def get_output_string(port: Port) -> str:
    """The text that was written to a port of ``open-output-string``.

    Example: ``(let ((p (open-output-string))) (write 'a p) (get-output-string p))`` ⇒ ``"a"``.
    """
    return _content("get-output-string", port, "open-output-string", is_binary=False)


@primitive("open-input-bytevector")
def open_input_bytevector(bytevector: Bytevector) -> InputPort:
    """A port that gives the bytes of a bytevector.

    Example: ``(read-u8 (open-input-bytevector #u8(7 8)))`` ⇒ ``7``.
    """
    data = bytes(bytes_argument("open-input-bytevector", bytevector))
    return InputPort(None, "bytevector", is_binary=True, content=data)


@primitive("open-output-bytevector")
def open_output_bytevector() -> Accumulator:
    """A port that keeps the bytes written to it, for ``get-output-bytevector``.

    Example: ``(let ((port (open-output-bytevector))) (write-u8 7 port) (get-output-bytevector
    port))`` ⇒ ``#u8(7)``.
    """
    return Accumulator(is_binary=True)


@primitive("get-output-bytevector")
def get_output_bytevector(port: Port) -> Bytevector:
    """The bytes that were written to a port of ``open-output-bytevector``.

    Example: ``(let ((port (open-output-bytevector))) (write-bytevector #u8(1 2) port)
    (get-output-bytevector port))`` ⇒ ``#u8(1 2)``.
    """
    content = _content("get-output-bytevector", port, "open-output-bytevector", is_binary=True)
    return bytearray(content)


def _content(who: str, port: Port, maker: str, is_binary: bool) -> Any:
    check_eager(who)
    if isinstance(port, Accumulator) and port.is_binary == is_binary:
        return port.content
    if isinstance(port, io.StringIO) and not is_binary:
        return port.getvalue()
    raise wrong_type(who, f"a port of {maker}", port)


# ---- the end


@primitive("eof-object", "eof")
def eof_object() -> Any:
    """The object that stands for the end of what is read. Example: ``(eof-object? (eof-object))``
    ⇒ ``#t``.
    """
    return EOF


@primitive("eof-object?")
def is_eof_object(value: Any) -> bool:
    """Whether the value is the one that stands for the end of what is read.

    Example: ``(eof-object? (read-char (open-input-string "")))`` ⇒ ``#t``.
    """
    return value is EOF
