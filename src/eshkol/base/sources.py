"""The texts that programs come from, and where a Python traceback points in them.

Every text that is read is registered under its file name, so that Python's own tools (tracebacks,
``pdb``, ``inspect``) can show its lines, and so that an error can find the user's form.
"""

from __future__ import annotations

import io
import linecache
import os
from types import CodeType, TracebackType

from eshkol.base.spans import Span

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
"""The directory of Eshkol's own files."""

_texts: dict[str, str] = {}
_expansions: dict[str, dict[Span, str]] = {}
_included: set[str] = set()
_inclusions: dict[str, list[str]] = {}

LINES = 1 << 22
"""Code that was compiled from several files has the lines of the first one under their numbers,
those of file ``i`` that it includes under their numbers plus ``i * LINES``."""


def register(name: str, text: str) -> None:
    """Make ``text`` the source known under the file name ``name``."""
    _texts[name] = text
    _expansions.pop(name, None)
    lines = io.StringIO(text, newline=None).readlines()  # unlike splitlines(), "\f" ends no line
    linecache.cache[name] = (len(text), None, lines, name)


def register_file(name: str) -> None:
    """Announce that ``name`` is a Scheme file whose text can be read when it is needed."""
    _texts.setdefault(name, "")


def is_source(name: str) -> bool:
    """Whether ``name`` is the file name of a registered Scheme source."""
    return name in _texts


def is_library(name: str) -> bool:
    """Whether ``name`` is the name of a file, of Scheme or Python, that is a part of Eshkol."""
    return name.startswith(PACKAGE)


def line(name: str, number: int) -> str:
    """Line ``number`` (from 1) of the source ``name`` without its newline; empty if unknown."""
    return linecache.getline(name, number).rstrip("\r\n")


def text_of(span: Span) -> str:
    """The source text that ``span`` covers; empty if the source is unknown."""
    if span.line == span.end_line:
        return line(span.file, span.line)[span.column : span.end_column]
    first = line(span.file, span.line)[span.column :]
    middle = [line(span.file, number) for number in range(span.line + 1, span.end_line)]
    last = line(span.file, span.end_line)[: span.end_column]
    return "\n".join([first, *middle, last])


LONGEST_FORM = 40
"""How many characters of a form a message shows in a line."""


def source_and_line(span: Span) -> str:
    """The source of a form on one line, shortened, and where it is."""
    text = " ".join(text_of(span).split())
    short = text if len(text) <= LONGEST_FORM else text[: LONGEST_FORM - 1] + "…"
    return f"{short} in line {span.line}"


def note_expansion(span: Span, macro: str) -> None:
    """Remember that the form at ``span`` is a use of a macro: what it became has its span too."""
    _expansions.setdefault(span.file, {})[span] = macro


def macro_at(span: Span) -> str:
    """The macro that the form at ``span`` is a use of; empty if it is none."""
    return _expansions.get(span.file, {}).get(span, "")


def expansions_in(name: str) -> dict[Span, str]:
    """The macros used in the source ``name`` by the spans of their uses."""
    return _expansions.get(name, {})


# ---- files that include others


def has_inclusions() -> bool:
    """Whether any file includes another one."""
    return bool(_included)


def note_included(file: str) -> None:
    """Remember that programs have forms of a file that others include."""
    _included.add(file)


def note_inclusion(name: str, included: str) -> int:
    """Remember that code from ``name`` has forms of another file; what is added to its lines."""
    files = _inclusions.setdefault(name, [])
    if included not in files:
        files.append(included)
    return (1 + files.index(included)) * LINES


def inclusions_in(name: str) -> tuple[str, ...]:
    """The files that code from ``name`` has forms of, in order."""
    return tuple(_inclusions.get(name, ()))


def restore_inclusions(name: str, files: tuple[str, ...]) -> bool:
    """Know the included files of code that was compiled earlier.

    Returns:
        Whether their lines mean the same as those of other code from ``name``.
    """
    known = _inclusions.setdefault(name, []) if files else []
    if known[: len(files)] != list(files[: len(known)]):
        return False
    known += files[len(known) :]
    for file in files:
        register_file(file)
        note_included(file)
    return True


def place_of(code: CodeType, number: int) -> tuple[str, int]:
    """The file and the line that a line number of ``code`` stands for."""
    if number < LINES:
        return code.co_filename, number
    return _inclusions[code.co_filename][number // LINES - 1], number % LINES


# ---- where code points


def byte_column(file: str, number: int, column: int) -> int:
    """The UTF-8 byte offset of a character column in a line."""
    if column == 0:
        return 0
    content = line(file, number)
    return column if content.isascii() else len(content[:column].encode())


def _column(file: str, number: int, byte_offset: int) -> int:
    """The character column of a UTF-8 byte offset in a line."""
    content = line(file, number)
    if content.isascii():
        return byte_offset
    return len(content.encode()[:byte_offset].decode(errors="ignore"))


def span_at(code: CodeType, instruction: int) -> Span | None:
    """The span of the instruction at byte offset ``instruction`` of ``code``, if it has one."""
    if instruction < 0:
        return None
    for index, position in enumerate(code.co_positions()):
        if index == instruction // 2:
            start, end, column, end_column = position
            if start is None or end is None or column is None or end_column is None:
                return None
            return _span(code, start, column, end, end_column)
    return None


def _span(code: CodeType, start: int, column: int, end: int, end_column: int) -> Span:
    file, start = place_of(code, start)
    end %= LINES
    return Span(file, start, _column(file, start, column), end, _column(file, end, end_column))


def span_of_code(code: CodeType) -> Span | None:
    """The smallest span that holds all that ``code`` was compiled from."""
    starts, ends = [], []
    for start, end, column, end_column in code.co_positions():
        if start is None or end is None or column is None or end_column is None:
            continue
        if (start, column) != (end, end_column):
            starts.append((start, column))
            ends.append((end, end_column))
    if not starts:
        return None
    first = min(starts)
    last = max(end for end in ends if end[0] // LINES == first[0] // LINES)
    return _span(code, *first, *last)


def span_of_traceback(traceback: TracebackType | None) -> Span | None:
    """The innermost Scheme form that was running when ``traceback`` was made.

    Forms of our own libraries count only where no other form was running.
    """
    entries = []
    while traceback is not None:
        if is_source(traceback.tb_frame.f_code.co_filename):
            entries.append(traceback)
        traceback = traceback.tb_next
    in_library = None
    for entry in reversed(entries):
        span = span_at(entry.tb_frame.f_code, entry.tb_lasti)
        if span is not None and not is_library(span.file):
            return span
        in_library = in_library or span
    return in_library
