"""``eshkol fmt``: lay files out, tell which ones are not, or show what would change."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable
from pathlib import Path

from eshkol.base.errors import EshkolError
from eshkol.commands.files import Text, named_files, read_text
from eshkol.formatter import format_text
from eshkol.io.atomic import write_bytes


def format_files(names: Iterable[str], *, check: bool = False, diff: bool = False) -> int:
    """Format each file in place; standard input to standard output.

    Args:
        names: files, directories, or ``-``.
        check: write nothing, and tell which files would change.
        diff: write nothing, and show what would change.

    Returns:
        1 if a file can't be formatted or, with ``check``, is not formatted; otherwise 0.
    """
    status = 0
    for name in named_files(names):
        try:
            text = read_text(name)
            result = _like(text.content, format_text(text.content, text.file))
        except EshkolError as error:
            sys.stdout.flush()
            print(error, file=sys.stderr)
            status = 1
            continue
        is_changed = result != text.content
        if diff:
            sys.stdout.writelines(_difference(text, result))
        if check and is_changed:
            print(f"{text.file}: not formatted", file=sys.stderr)
            status = 1
        if not check and not diff:
            _put(text, result, is_changed)
    return status


def _like(source: str, result: str) -> str:
    """``result`` with the line ends of ``source``."""
    first, newline, _ = source.partition("\n")
    return result.replace("\n", "\r\n") if newline and first.endswith("\r") else result


def _put(text: Text, result: str, is_changed: bool) -> None:
    if text.path is None:
        sys.stdout.write(result)
    elif is_changed:
        write_bytes("fmt", Path(text.path), result.encode())
        print(f"formatted {text.file}")


def _difference(text: Text, result: str) -> Iterable[str]:
    """What would change, as lines of a unified diff."""
    old, new = text.content.splitlines(keepends=True), result.splitlines(keepends=True)
    for line in difflib.unified_diff(old, new, text.file, f"{text.file} (formatted)"):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
