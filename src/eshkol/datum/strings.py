"""Strings that can be changed; all others are Python's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class MutableString:
    """A Scheme string whose characters can be replaced: what ``string-copy`` makes.

    It counts as its text wherever only that matters: it is ``==`` to a Python string of the same
    characters, and ``str`` gives one.

    Args:
        text: its characters to begin with.

    Example:
        >>> string = MutableString("cat")
        >>> string.replace(0, "b")
        >>> str(string), string == "bat"
        ('bat', True)
    """

    __slots__ = ("__weakref__", "_characters", "_text")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, text: str = "") -> None:
        self._text: str | None = text
        self._characters: list[str] | None = None

    def replace(self, start: int, text: str) -> None:
        """Replace the characters from position ``start`` on, which must exist, by those of text."""
        if self._characters is None:
            self._characters = list(self._text or "")
        self._characters[start : start + len(text)] = text
        self._text = None

    def __str__(self) -> str:
        if self._text is None:
            self._text = "".join(self._characters or ())
        return self._text

    def __fspath__(self) -> str:
        return str(self)

    def __len__(self) -> int:
        return len(self._text if self._characters is None else self._characters)  # type: ignore[arg-type]

    def __getitem__(self, index: Any) -> str:
        if self._characters is not None and index.__class__ is int:
            return self._characters[index]
        return str(self)[index]

    def __iter__(self) -> Iterator[str]:
        return iter(str(self))

    def __contains__(self, text: str) -> bool:
        return str(text) in str(self)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, MutableString | str):
            return str(self) == str(other)
        return NotImplemented

    def __repr__(self) -> str:
        return repr(str(self))

    def __format__(self, specification: str) -> str:
        return format(str(self), specification)

    def __reduce__(self) -> Any:
        return MutableString, (str(self),)
