"""Text to a tree that keeps what the reader drops: comments, line breaks, spellings.

The tokens are the reader's own, so the tree can't disagree with it about where a datum ends; the
comments are found between them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from eshkol.datum.spelling import PLAIN, SPACES
from eshkol.reader.lexer import CLOSE, END, LABEL, OPEN, PREFIX, Lexer

UNKNOWN = math.inf
"""The width of what can't stand on one line."""

_CLOSERS = {"(": ")", "[": "]"}
_TRIVIA = re.compile(
    rf"(?P<space>[{SPACES}]+)|(?P<line>;[^\n]*|\A\#!(?:/|(?!{PLAIN}))[^\n]*)"
    rf"|(?P<block>\#\|)|(?P<directive>\#!{PLAIN}*)"
)
_EDGE = re.compile(r"#\||\|#")


class Piece:
    """Part of a text.

    Attributes:
        starts_line: whether it is the first on its line.
        blank_lines: how many empty lines stand before it.
        flat: its width on one line; :data:`UNKNOWN` if it goes over several.
        first: the width of its first line.
        joined: its width if it were put on one line; :data:`UNKNOWN` if it can't be.
    """

    __slots__ = ("blank_lines", "first", "flat", "joined", "starts_line")
    is_datum = True

    def __init__(self, starts_line: bool, blank_lines: int) -> None:
        self.starts_line = starts_line
        self.blank_lines = blank_lines
        self.flat: float = 0
        self.joined: float = 0
        self.first = 0

    def _has_text(self, text: str) -> None:
        line, newline, _ = text.partition("\n")
        self.first = len(line)
        self.flat = self.joined = UNKNOWN if newline else len(line)


class Atom(Piece):
    """An atom, or the dot of a dotted list."""

    __slots__ = ("text",)

    def __init__(self, text: str, starts_line: bool, blank_lines: int) -> None:
        super().__init__(starts_line, blank_lines)
        self.text = text
        self._has_text(text)


class Comment(Piece):
    """A comment or a directive of the reader.

    Attributes:
        ends_line: whether nothing can follow it on its line.
        column: where it stands in the source.
        gap: how many spaces stand between it and what is before it on the line.
    """

    __slots__ = ("column", "ends_line", "gap", "text")
    is_datum = False

    def __init__(self, text: str, ends_line: bool, starts_line: bool, blank_lines: int) -> None:
        super().__init__(starts_line, blank_lines)
        self.column = self.gap = 0
        self.text = text.rstrip() if ends_line else text
        self.ends_line = ends_line
        self._has_text(self.text)
        if ends_line:
            self.flat = self.joined = UNKNOWN


class Group(Piece):
    """What stands between parentheses, or behind a prefix such as a quote.

    Attributes:
        opener: the parenthesis with what belongs to it (``#u8(``), or the prefix.
        closer: the closing parenthesis; empty behind a prefix.
        items: the pieces inside.
    """

    __slots__ = ("closer", "items", "opener")

    def __init__(self, opener: str, closer: str, starts_line: bool, blank_lines: int) -> None:
        super().__init__(starts_line, blank_lines)
        self.opener = opener
        self.closer = closer
        self.items: list[Piece] = []

    @property
    def is_datum(self) -> bool:  # type: ignore[override]
        """Whether it is not commented out."""
        return self.opener != "#;"

    @property
    def head(self) -> str:
        """The text of the first datum if that is an atom; empty otherwise."""
        first = next((item for item in self.items if item.is_datum), None)
        return first.text if isinstance(first, Atom) else ""

    def finish(self) -> None:
        """Measure it, now that all is inside."""
        items = self.items
        if self.opener == "," and items and getattr(items[0], "text", "").startswith("@"):
            self.opener = ", "
        edges = len(self.opener) + len(self.closer)
        spaces = max(0, len(items) - 1)
        self.joined = edges + spaces + sum(item.joined for item in items)
        self.flat = edges + spaces + sum(item.flat for item in items)
        self.first = len(self.opener)
        for index, item in enumerate(items):
            if index and item.starts_line:
                self.flat = UNKNOWN
                return
            self.first += item.first + (index > 0)
            if item.flat == UNKNOWN:
                return
        self.first += len(self.closer)


def parse(text: str, file: str = "<text>") -> list[Piece]:
    """The pieces of a text that is well-formed, in order.

    Example:
        >>> [type(piece).__name__ for piece in parse("(a) ; b")]
        ['Group', 'Comment']
    """
    root = Group("", "", True, 0)
    stack = [root]
    for kind, piece in _pieces(Lexer(text, file)):
        if kind is CLOSE:
            done: Piece = stack.pop()
            _finish(done)
        elif isinstance(piece, Group):
            stack.append(piece)
            continue
        else:
            done = piece
        stack[-1].items.append(done)
        while not stack[-1].closer and len(stack) > 1 and done.is_datum:
            done = stack.pop()
            _finish(done)
            stack[-1].items.append(done)
    return root.items


def _finish(piece: Piece) -> None:
    assert isinstance(piece, Group)
    piece.finish()


def _pieces(lexer: Lexer) -> Iterator[tuple[str, Piece]]:
    """The pieces as they begin, each with the kind of its token."""
    text = lexer.text
    starts = [0, *(found.end() for found in re.finditer("\n", text))]
    end = 0
    for kind, _, span in lexer.tokens():
        start = starts[span.line - 1] + span.column
        newlines = 0 if end else 1
        for comment, newlines in _comments(text, end, start):  # noqa: B007 - the last one counts
            if comment is not None:
                yield "comment", comment
        end = lexer.position
        if kind is END:
            return
        place = newlines > 0, max(0, newlines - 1)
        word = text[start:end]
        if kind is OPEN:
            yield kind, Group(word, _CLOSERS[word[-1]], *place)
        elif kind in (PREFIX, LABEL):
            yield kind, Group(word, "", *place)
        else:
            yield kind, Atom(word, *place)


def _comments(text: str, start: int, end: int) -> Iterator[tuple[Comment | None, int]]:
    """The comments between two offsets, each with the number of newlines behind it so far.

    What comes last is None, with the newlines before ``end``.
    """
    newlines = 0 if start else 1
    spaces = 0
    while start < end:
        found = _TRIVIA.match(text, start)
        assert found is not None
        kind, stop = found.lastgroup, found.end()
        if kind == "space":
            newlines += found[0].count("\n")
            spaces = len(found[0])
        else:
            if kind == "block":
                stop = _block_end(text, start)
            place = newlines > 0, max(0, newlines - 1)
            comment = Comment(text[start:stop], kind == "line", *place)
            comment.column = start - text.rfind("\n", 0, start) - 1
            comment.gap = 0 if comment.starts_line else spaces
            yield comment, 0
            newlines = spaces = 0
        start = stop
    yield None, newlines


def _block_end(text: str, start: int) -> int:
    depth = 0
    for edge in _EDGE.finditer(text, start):
        depth += 1 if edge[0] == "#|" else -1
        if depth == 0:
            return edge.end()
    return len(text)


def words(pieces: list[Piece]) -> Iterator[str]:
    """All tokens and comments in order: what formatting must not change."""
    stack: list[Piece | str] = list(reversed(pieces))
    while stack:
        piece = stack.pop()
        if isinstance(piece, str):
            yield piece
        elif isinstance(piece, Group):
            yield piece.opener.strip()
            stack += [piece.closer, *reversed(piece.items)]
        else:
            yield piece.text  # type: ignore[attr-defined]
