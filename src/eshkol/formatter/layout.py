"""The tree to text: indentation, spaces, empty lines, and line breaks where a line is too long.

Line breaks that the author made are kept; those that are added are such that they would be kept
too, so formatting twice changes nothing more: every decision looks only at what a line break can't
change, or asks for line breaks that are there the second time.
"""

from __future__ import annotations

from eshkol.base.errors import InternalError
from eshkol.formatter.concrete import UNKNOWN, Atom, Comment, Group, Piece, parse, words
from eshkol.formatter.styles import header_of
from eshkol.reader.parser import read_all
from eshkol.runtime.process import allow_deep_recursion

WIDTH = 100
"""How long a line may be, comments at its end aside."""

MOST_BLANK_LINES = 2
"""How many empty lines may stand between top-level forms; one inside them."""

_COMMENT_GAP = 2
"""How many spaces stand before a comment behind code that had none, or no room, in the source."""


def format_text(text: str, file: str = "<text>") -> str:
    """``text`` laid out anew: the same data, the same comments.

    Args:
        text: a program.
        file: the name shown in positions of errors.

    Raises:
        ReadError: ``text`` is not well-formed.

    Example:
        >>> print(format_text("(define (f x)\\n(* x\\nx))"), end="")
        (define (f x)
          (* x
             x))
    """
    allow_deep_recursion()
    read_all(text, file)
    pieces = parse(text, file)
    writer = _Writer()
    for piece in pieces:
        _write_top(writer, piece)
    result = writer.text()
    if list(words(parse(result, file))) != list(words(pieces)):
        raise InternalError(f"{file}: formatting would change the program")
    return result


def _write_top(writer: _Writer, piece: Piece) -> None:
    trails = isinstance(piece, Comment) and not piece.starts_line
    if not writer.is_empty and not trails:
        writer.newline(0, min(piece.blank_lines, MOST_BLANK_LINES))
    elif not writer.is_empty and isinstance(piece, Comment) and not piece.ends_line:
        writer.put(" ")
    _write(writer, piece, 0, False)


class _Writer:
    """Lines that grow.

    Attributes:
        column: where the next character goes.
    """

    def __init__(self) -> None:
        self._lines: list[list[str]] = [[]]
        self._comments: dict[int, Comment] = {}
        self.column = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing is written yet."""
        return self._lines == [[]]

    @property
    def height(self) -> int:
        """The number of lines so far."""
        return len(self._lines)

    def put(self, text: str) -> None:
        """Write ``text``, which may have line ends of its own."""
        first, *rest = text.split("\n")
        self._lines[-1].append(first)
        self._lines += [[line] for line in rest]
        self.column = len(rest[-1]) if rest else self.column + len(first)

    def newline(self, column: int, blank_lines: int = 0) -> None:
        """Go on in a line below, at ``column``."""
        self._lines += [[] for _ in range(blank_lines)]
        self._lines.append([" " * column])
        self.column = column

    def trail(self, comment: Comment) -> None:
        """Put a comment at the end of this line, which :meth:`text` aligns with its neighbours."""
        self._comments[self.height - 1] = comment
        self.column += _COMMENT_GAP + len(comment.text)

    def text(self) -> str:
        """All that was written."""
        lines = ["".join(parts) for parts in self._lines]
        for run in _runs(sorted(self._comments)):
            columns = {self._comments[number].column for number in run}
            widest = max(len(lines[number]) for number in run)
            is_aligned = len(run) > 1 and len(columns) == 1
            common = max(columns) if max(columns) > widest else widest + _COMMENT_GAP
            for number in run:
                comment = self._comments[number]
                own = len(lines[number]) + (comment.gap or _COMMENT_GAP)
                lines[number] = lines[number].ljust(common if is_aligned else own) + comment.text
        content = "\n".join(lines)
        return f"{content}\n" if content else ""


def _runs(numbers: list[int]) -> list[list[int]]:
    """``numbers`` in runs of successive ones."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs


def _write(writer: _Writer, piece: Piece, closers: int, is_data: bool) -> None:
    """Write a piece where the writer is.

    Args:
        closers: how many closing parentheses follow it on its last line.
        is_data: whether it is quoted.
    """
    if isinstance(piece, Group):
        _write_group(writer, piece, closers, is_data)
    elif isinstance(piece, Comment) and piece.ends_line and not piece.starts_line:
        writer.trail(piece)
    else:
        assert isinstance(piece, Atom | Comment)
        writer.put(piece.text)


def _write_group(writer: _Writer, group: Group, closers: int, is_data: bool) -> None:
    is_data = _is_data_inside(group, is_data)
    form = _Form(group, writer.column, closers + len(group.closer), is_data)
    form.add_breaks()
    writer.put(group.opener)
    must_break = False
    for index, item in enumerate(group.items):
        trails = isinstance(item, Comment) and item.ends_line and not item.starts_line
        if index and not trails:
            if form.breaks[index] or must_break:
                writer.newline(form.column_of(index), min(item.blank_lines, 1))
            else:
                writer.put(" ")
        if index == form.second:
            form.note_second(writer.column, form.breaks[index] or must_break)
        height = writer.height
        is_last = index == len(group.items) - 1
        if index == 0 and isinstance(item, Comment) and item.ends_line:
            writer.trail(item)
        else:
            _write(writer, item, form.closers if is_last else 0, is_data)
        must_break = writer.height > height or (isinstance(item, Comment) and item.ends_line)
    if group.items and isinstance(last := group.items[-1], Comment) and last.ends_line:
        writer.newline(form.column_of(len(group.items)))
    writer.put(group.closer)


def _is_data_inside(group: Group, is_data: bool) -> bool:
    if group.opener in ("'", "`", ",", ", ", ",@"):
        return group.opener == "'"
    return is_data or group.head == "quote" or (group.opener[0] == "#" and group.closer != "")


class _Form:
    """Where the items of a group go.

    Attributes:
        breaks: for each item, whether it begins a line.
        second: the index of the second datum; -1 if there is none.
        closers: how many closing parentheses follow the last item.
    """

    def __init__(self, group: Group, column: int, closers: int, is_data: bool) -> None:
        self.group = group
        self.column = column
        self.closers = closers
        self.inner = column + len(group.opener)
        items = group.items
        self.breaks = [index > 0 and item.starts_line for index, item in enumerate(items)]
        self.ordinals = _ordinals(items)
        self.second = self.ordinals.index(1) if 1 in self.ordinals else -1
        self.is_plain = is_data or not group.head or not group.closer
        self._argument_column = self.inner
        if self.second >= 0 and not self.breaks[self.second]:
            self._argument_column = self.inner + len(group.head) + 1
        first_is_atom = self.second >= 0 and isinstance(items[self.second], Atom)
        self.header = None if self.is_plain else header_of(group.head, first_is_atom)

    def note_second(self, column: int, begins_line: bool) -> None:
        """The second datum stands at ``column``: others are aligned with it."""
        self._argument_column = self.inner if begins_line else column

    def column_of(self, index: int) -> int:
        """The column of an item that begins a line."""
        if self.header is not None:
            ordinal = self.ordinals[min(index, len(self.ordinals) - 1)]
            is_in_header = index < len(self.ordinals) and 0 < ordinal <= self.header
            return self.column + (4 if is_in_header and self._is_datum(index) else 2)
        if self.is_plain or index <= self.second:
            return self.inner
        return self._argument_column

    def _is_datum(self, index: int) -> bool:
        return self.group.items[index].is_datum

    def add_breaks(self) -> None:
        """Decide which items begin a line beside those that do already."""
        if self._overflows():
            self._break_all()
        if self.header is not None:
            self._break_body(self.header)

    def _break_body(self, header: int) -> None:
        """Of several forms in a body that takes several lines, each begins one."""
        body = [index for index, n in enumerate(self.ordinals) if n > header]
        body = [index for index in body if self._is_datum(index)]
        items = self.group.items
        takes_lines = any(self.breaks) or any(item.flat == UNKNOWN for item in items)
        if len(body) > 1 and takes_lines:
            self._break_before(body)

    def _break_before(self, indices: list[int]) -> None:
        for index in indices:
            if index > 0 and not self._belongs_to_previous(index):
                self.breaks[index] = True

    def _belongs_to_previous(self, index: int) -> bool:
        """Whether an item is the value of a keyword argument, or stands at a dot."""
        item, previous = self.group.items[index], self.group.items[index - 1]
        before = previous.text if isinstance(previous, Atom) else ""
        is_dot = isinstance(item, Atom) and item.text == "."
        return is_dot or before == "." or before.startswith("#:")

    def _overflows(self) -> bool:
        """Whether some item goes beyond the width with the breaks there are."""
        column = self.inner
        items = self.group.items
        must_break = False
        for index, item in enumerate(items):
            if isinstance(item, Comment):
                must_break = must_break or item.flat == UNKNOWN
                continue
            if self.breaks[index] or (must_break and index):
                column = self.column_of(index)
            elif index:
                column += 1
            room = WIDTH - (self.closers if index == len(items) - 1 else 0)
            if column + (item.first if item.flat == UNKNOWN else item.flat) > room:
                return True
            must_break = item.flat == UNKNOWN
            column += item.first
        return False

    def _break_all(self) -> None:
        """Break as the style of the form has it."""
        items = self.group.items
        data = [index for index, item in enumerate(items) if item.is_datum]
        first = 1 if self.is_plain else 2
        if self.header is not None:
            self._break_before([i for i in data if self.ordinals[i] > self.header])
            return
        if not self.is_plain and self._is_better_below():
            first = 1
        if all(isinstance(items[index], Atom) for index in data):
            if first == 1 and not self.is_plain:
                self._break_before([self.second])
            self._fill()
        else:
            self._break_before(data[first:])

    def _is_better_below(self) -> bool:
        """Whether the arguments fit below the name of the procedure and not beside it."""
        arguments = [
            item.joined + (self.closers if index == len(self.group.items) - 1 else 0)
            for index, item in enumerate(self.group.items)
            if self.ordinals[index] > 0 and item.joined != UNKNOWN
        ]
        widest = max(arguments, default=0)
        beside = self.inner + len(self.group.head) + 1
        return beside + widest > WIDTH >= self.inner + widest

    def _fill(self) -> None:
        """Put as many items on each line as fit."""
        items = self.group.items
        column = self.inner
        below = self.inner
        if not self.is_plain and self.second >= 0 and not self.breaks[self.second]:
            below += len(self.group.head) + 1
        for index, item in enumerate(items):
            room = WIDTH - (self.closers if index == len(items) - 1 else 0)
            if index and column + 1 + item.first > room and below <= column:
                self._break_before([index])
            if self.breaks[index]:
                column = below
            elif index:
                column += 1
            column += item.first


def _ordinals(items: list[Piece]) -> list[int]:
    """For each item how many data come before it, for a comment those up to it."""
    ordinals = []
    count = 0
    for item in items:
        ordinals.append(count)
        count += item.is_datum
    return ordinals
