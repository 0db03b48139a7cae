"""What an input can go on with."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable

_WORD = re.compile(r"[^\s()\[\]{}\"';`,]*$")
_COMMAND = re.compile(r"\s*(,[^\s()]*)$")
_FILE = re.compile(r"\s*,\s*lo?a?d?\s+\"?(.*)$", re.DOTALL)
_STRING = re.compile(r"\((?:load|include|import)\s+\"([^\"]*)$")
_SYMBOL = re.compile(r"[^\s()\[\]{}\"';`,#0-9.][^\s()\[\]{}\"';`,]*")


def completions(
    before: str, whole: str, names: Callable[[], Iterable[str]]
) -> tuple[int, list[str]]:
    """What the word before the cursor can become.

    Args:
        before: the input before the cursor.
        whole: all of the input; its own words are offered too.
        names: gives the names in scope, and the commands with their commas.

    Returns:
        The offset in ``before`` of what is replaced, and the candidates in order.

    Example:
        >>> completions("(ca", "(ca", lambda: ["car", "cdr", ",quit"])
        (1, ['car'])
    """
    file = _FILE.match(before) or _STRING.search(before)
    if file:
        return _file_names(file.start(1), file[1])
    command = _COMMAND.match(before)
    word = command[1] if command else _WORD.search(before)[0]  # type: ignore[index]
    start = len(before) - len(word)
    if not word:
        return start, []
    rest = before[:start] + " " + whole[len(before) :]
    offered = {name for name in names() if name.startswith(",") == bool(command)}
    if not command:
        offered.update(_SYMBOL.findall(rest))
    return start, sorted(name for name in offered if name.startswith(word) and name != word)


def _file_names(start: int, text: str) -> tuple[int, list[str]]:
    """Scheme files and directories whose paths begin with ``text``."""
    folder, prefix = os.path.split(text)
    try:
        entries = sorted(os.scandir(os.path.expanduser(folder) or "."), key=lambda e: e.name)
    except OSError:
        return start, []
    found = []
    for entry in entries:
        hidden = entry.name.startswith(".") and not prefix.startswith(".")
        if entry.name.startswith(prefix) and not hidden:
            if entry.is_dir():
                found.append(entry.name + os.sep)
            elif entry.name.endswith(".esk"):
                found.append(entry.name)
    return start + len(text) - len(prefix), found
