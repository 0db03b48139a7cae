"""What the parser is inside of: one frame for each datum that has been begun."""

from __future__ import annotations

from typing import Any

from eshkol.base.errors import ReadError
from eshkol.base.spans import Span
from eshkol.datum.spelling import PREFIXES
from eshkol.datum.symbols import intern
from eshkol.syntax.objects import Dotted, Syntax, VectorForm

CLOSER = {"(": ")", "[": "]"}


class Frame:
    """A list, vector or bytevector that is open.

    Attributes:
        opener: the text that opened it.
        span: where that text is.
        items: the data read so far.
        add: takes the next datum.
        takes_one: whether the next datum completes it (false here, true for prefixes).
    """

    __slots__ = ("add", "dot", "first", "items", "opener", "span", "tail")
    takes_one = False

    def __init__(self, opener: str, span: Span, items: list[Syntax] | None = None) -> None:
        self.opener = opener
        self.span = span
        self.items: list[Syntax] = [] if items is None else items
        self.first = len(self.items)  # where its own items begin
        self.add: Any = self.items.append
        self.dot: Span | None = None
        self.tail: Syntax | None = None

    @property
    def closer(self) -> str:
        """The parenthesis that closes it."""
        return CLOSER[self.opener[-1]]

    def read_dot(self, span: Span) -> None:
        """A dot: the next datum is the tail."""
        if self.opener not in CLOSER:
            raise ReadError(f"`.` has no meaning inside `{self.opener}`", span=span)
        if self.dot:
            raise ReadError("a second `.` in a list", span=span)
        if len(self.items) == self.first:
            hint = "a pair is written (a . b)"
            raise ReadError("`.` needs a datum before it", span=span, hint=hint)
        self.dot = span
        self.add = self._set_tail

    def _set_tail(self, datum: Syntax) -> None:
        if self.tail is not None:
            message = f"expected `{self.closer}` after the one datum that may follow `.`"
            raise ReadError(message, span=datum.span)
        self.tail = datum

    def complete(self, end: Span) -> Syntax:
        """The datum, now that the parenthesis at ``end`` closes it."""
        span = self.span.to(end)
        items = tuple(self.items)
        if self.opener in CLOSER:
            return Syntax(self._with_tail(items) if self.dot else items, span)
        if self.opener.startswith("#u8"):
            return Syntax(bytes(map(_byte, items)), span)
        return Syntax(VectorForm(items), span)

    def _with_tail(self, items: tuple[Syntax, ...]) -> Any:
        tail = self.checked_tail()
        rest = tail.datum
        if type(rest) is tuple:
            return (*items, *rest)
        if isinstance(rest, Dotted):
            return Dotted((*items, *rest.items), rest.tail)
        return Dotted(items, tail)

    def checked_tail(self) -> Syntax:
        """The tail, of which there must be one after a dot."""
        if self.tail is None:
            raise ReadError("`.` must be followed by a datum", span=self.dot)
        return self.tail


def _byte(item: Syntax) -> int:
    value = item.datum
    if value.__class__ is int and 0 <= value <= 255:
        return value
    raise ReadError("a bytevector holds exact integers from 0 to 255 only", span=item.span)


class Spliced(Frame):
    """A list behind a dot: ``(a . (b c))`` is ``(a b c)``.

    It adds to the items of the list around it, so that a chain of dots costs no more than a list.
    """

    __slots__ = ()

    def __init__(self, opener: str, span: Span, around: Frame) -> None:
        super().__init__(opener, span, around.items)

    def complete(self, end: Span) -> Syntax:
        """What is left to be the tail of the list around it."""
        return self.checked_tail() if self.dot else Syntax((), self.span.to(end))


class Prefix:
    """A quote that waits for its datum; ``#;`` drops it."""

    __slots__ = ("opener", "span")
    takes_one = True

    def __init__(self, opener: str, span: Span) -> None:
        self.opener = opener
        self.span = span

    def finish(self, datum: Syntax) -> Syntax | None:
        """The datum with its prefix; None if it is commented out."""
        if self.opener == "#;":
            return None
        name = Syntax(intern(PREFIXES[self.opener]), self.span)
        return Syntax((name, datum), self.span.to(datum.span))
