"""Ports: where text or bytes come from, and where they go.

Python's own streams serve as ports too; these classes add what streams lack: looking at what comes
next, and knowing whether they are open.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from eshkol.base.errors import BadValue

_GLANCE = 1024
"""How many characters are scanned at first; more, where they are not enough."""

_LINE_END = re.compile(r"\r\n|\r|\n")


class Port:
    """What all ports have.

    Args:
        stream: the Python stream behind it, or a function that gives it; None if there is none.
        name: what it is called when it is shown.
        is_binary: whether it carries bytes rather than text.

    Attributes:
        is_open: whether it has not been closed.
    """

    __slots__ = ("__weakref__", "_stream", "is_binary", "is_open", "name")
    direction = "port"

    def __init__(self, stream: Any, name: str, is_binary: bool = False) -> None:
        self._stream = stream
        self.name = name
        self.is_binary = is_binary
        self.is_open = True

    @property
    def stream(self) -> Any:
        """The Python stream behind the port."""
        return self._stream() if callable(self._stream) else self._stream

    def close(self) -> None:
        """Close the port, and the stream behind it."""
        if self.is_open:
            self.is_open = False
            if self._stream is not None and not callable(self._stream):
                self._stream.close()

    def __repr__(self) -> str:
        kind = "binary " if self.is_binary else ""
        return f"#<{kind}{self.direction} {self.name}>"


class InputPort(Port):
    """A port that is read.

    What has been fetched from the stream and not been read yet waits in a buffer.

    Args:
        content: text or bytes that are read before those of the stream.

    Attributes:
        folds_case: whether data are read from it as ``#!fold-case`` says.

    Example:
        >>> port = InputPort(None, "example", content="one\\ntwo")
        >>> port.peek(1), port.line(), port.take(5), port.take(1)
        ('o', 'one', 'two', '')
    """

    __slots__ = ("_buffer", "_position", "folds_case")
    direction = "input-port"

    def __init__(
        self, stream: Any, name: str, is_binary: bool = False, content: Any = None
    ) -> None:
        super().__init__(stream, name, is_binary)
        self._buffer: Any = content if content is not None else (b"" if is_binary else "")
        self._position = 0
        self.folds_case = False

    def _fetch(self, count: int = 0) -> bool:
        """Get the next line from the stream, or ``count`` more; whether there was more."""
        stream = self.stream
        if stream is None:
            return False
        try:
            more = stream.read(count) if count else stream.readline()
        except UnicodeDecodeError as error:
            raise BadValue(f"{self.name} is no UTF-8 text: {error.reason}") from None
        self._buffer = self._buffer[self._position :] + more
        self._position = 0
        return bool(more)

    @property
    def is_ready(self) -> bool:
        """Whether reading would not wait."""
        return self._position < len(self._buffer) or _has_input(self.stream)

    def peek(self, count: int) -> Any:
        """The next ``count`` characters or bytes, fewer at the end, which stay to be read."""
        while (missing := count - len(self._buffer) + self._position) > 0:
            if not self._fetch(missing if missing > 1 else 0):
                break
        return self._buffer[self._position : self._position + count]

    def take(self, count: int) -> Any:
        """The next ``count`` characters or bytes, fewer at the end."""
        taken = self.peek(count)
        self._position += len(taken)
        return taken

    def line(self) -> str | None:
        """The characters before the next end of a line, which is read too; None at the end."""
        if not self.peek(1):
            return None
        while (found := _LINE_END.search(self._buffer, self._position)) is None:
            if not self._fetch():
                return self.take(len(self._buffer) - self._position)
        line = self._buffer[self._position : found.start()]
        self._position = found.end()
        return line

    def rest(self) -> Any:
        """All that is left."""
        while self._fetch(-1):
            pass
        return self.take(len(self._buffer) - self._position)

    def scan(self, scanner: Callable[[str, bool], tuple[Any, int]]) -> Any:
        """What ``scanner`` makes of the text that comes next.

        Args:
            scanner: called with some of the text, and whether more may follow it. It returns a
                value and how many characters it has used; fewer than 0: it needs more text.
        """
        size = _GLANCE
        more = True
        while True:
            text = self._buffer[self._position : self._position + size]
            is_part = self._position + size < len(self._buffer)
            value, used = scanner(text, is_part or more)
            if used >= 0:
                self._position += used
                return value
            if is_part:
                size *= 2
            else:
                more = self._fetch()
                size = max(size, len(self._buffer) - self._position)


def _has_input(stream: Any) -> bool:
    """Whether a stream has something to read, or its end, at once; True if nobody can tell."""
    import select

    try:
        return bool(select.select([stream], [], [], 0)[0])
    except (OSError, TypeError, ValueError):
        return True


class OutputPort(Port):
    """A port that is written to.

    Example:
        >>> import io
        >>> port = OutputPort(io.StringIO(), "example")
        >>> port.write("text")
        >>> port.stream.getvalue()
        'text'
    """

    __slots__ = ()
    direction = "output-port"

    def write(self, data: Any) -> None:
        """Send text, or bytes to a binary port."""
        self.stream.write(data)

    def flush(self) -> None:
        """Send on what was written so far."""
        self.stream.flush()
