"""The sources that a command line names."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from eshkol.modules.finding import SUFFIX
from eshkol.modules.texts import decode, read_bytes

STANDARD_INPUT = "-"


class Text(NamedTuple):
    """A source.

    Attributes:
        file: what messages call it.
        path: where it is; None for standard input.
        content: its text.
    """

    file: str
    path: str | None
    content: str


def read_text(name: str) -> Text:
    """The source that a command line calls ``name``; ``-`` is standard input.

    Raises:
        FileProblem: if it is missing or no UTF-8 text.
    """
    if name == STANDARD_INPUT:
        return Text("<stdin>", None, decode("<stdin>", sys.stdin.buffer.read()))
    return Text(name, name, decode(name, read_bytes(name)))


def named_files(names: Iterable[str]) -> Iterator[str]:
    """``names``, with directories replaced by the Scheme files under them.

    Directories whose names begin with a dot are passed over.
    """
    for name in names:
        if name != STANDARD_INPUT and os.path.isdir(name):
            yield from sorted(_files_under(name))
        else:
            yield name


def _files_under(directory: str) -> Iterator[str]:
    for folder, folders, files in os.walk(directory):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if name.endswith(SUFFIX) and not name.startswith("."):
                yield os.path.normpath(os.path.join(folder, name))
