"""The texts of Scheme files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from eshkol.base.errors import FileProblem

if TYPE_CHECKING:
    from eshkol.syntax.objects import Syntax


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """The contents of a Scheme file.

    Raises:
        FileProblem: naming the path and what is wrong with it.
    """
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        raise FileProblem(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise FileProblem(f"{path}: expected a Scheme file, it is a directory") from None
    except OSError as error:
        raise FileProblem(f"{path}: can't be read: {error.strerror}") from None


def decode(path: str | os.PathLike[str], source: bytes) -> str:
    """The text of a Scheme file with these contents.

    Raises:
        FileProblem: if it is no UTF-8 text.
    """
    try:
        return source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileProblem(f"{path}: expected UTF-8 text, byte {error.start} is not UTF-8") from None


def documentation_of(forms: list[Syntax]) -> str | None:
    """The string that a program begins with, if more follows."""
    first = forms[0].datum if len(forms) > 1 else None
    return first if isinstance(first, str) else None
