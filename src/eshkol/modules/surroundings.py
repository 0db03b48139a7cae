"""What a program sees of the world while it is expanded: libraries, and files that it includes.

A program that is kept compiled is good only as long as it would see the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from eshkol.base import sources
from eshkol.base.errors import ExpandError, FileProblem
from eshkol.modules.cache import source_hash
from eshkol.modules.texts import decode, read_bytes

if TYPE_CHECKING:
    from eshkol.core.nodes import Node
    from eshkol.syntax.objects import Syntax

IsLibrary = Callable[[tuple[str, ...], str], bool]
"""Whether a program in a directory finds a library of this name."""

DEEPEST = 100
"""How many files may include one another."""


class Fact(NamedTuple):
    """Something that was seen: whether there is a library, or the hash of a file's contents."""

    kind: str
    name: Any
    directory: str
    value: Any


class Surroundings:
    """Answers the questions of an expander, and remembers the answers.

    Args:
        is_library: tells whether there is a library.
        run: evaluates the Core of a form, in the namespace of the program.

    Attributes:
        facts: what was seen so far.
    """

    def __init__(self, is_library: IsLibrary, run: Callable[[Node], Any]) -> None:
        self.is_library = is_library
        self.run = run
        self.facts: list[Fact] = []

    def has_library(self, name: tuple[str, ...], syntax: Syntax) -> bool:
        """Whether there is a library of this name, as the program at ``syntax`` sees it."""
        directory = directory_of(syntax)
        found = self.is_library(name, directory)
        self.facts.append(Fact("library", name, directory, found))
        return found

    def read_included(self, name: Syntax, fold_case: bool) -> list[Syntax]:
        """The forms of the file that a string names, relative to the file it stands in.

        Raises:
            ExpandError: if there is no such file.
            ReadError: if it holds no well-formed data.
        """
        from eshkol.reader.parser import read_all

        path = os.path.join(directory_of(name), name.datum)
        try:
            source = read_bytes(path)
            text = decode(path, source)
        except FileProblem as problem:
            raise ExpandError(
                f"include: {problem.message}", span=name.span, trail=name.trail
            ) from None
        self.facts.append(Fact("file", path, "", source_hash(source)))
        if len(self.facts) > DEEPEST and _times(self.facts, path) > DEEPEST:
            raise ExpandError(f"include: {path} includes itself", span=name.span)
        sources.note_included(path)
        return read_all(text, path, fold_case=fold_case)

    def evaluate_early(self, node: Node) -> Any:
        """The value of an expression or definition, which runs before the program does."""
        return self.run(node)


def _times(facts: Iterable[Fact], path: str) -> int:
    return sum(fact.name == path for fact in facts)


def is_python_module(words: tuple[str, ...]) -> bool:
    """Whether Python has a module of this name, which is not imported for that."""
    from importlib.util import find_spec

    try:
        return find_spec(".".join(words)) is not None
    except (ImportError, ValueError):
        return False


def directory_of(syntax: Syntax) -> str:
    """Where the file is that a syntax object comes from; the current directory if from none."""
    file = syntax.span.file
    return "" if file.startswith("<") else os.path.dirname(file)


def still_hold(facts: Iterable[tuple[Any, ...]], is_library: IsLibrary) -> bool:
    """Whether a program would see now what it saw then."""
    for kind, name, directory, value in facts:
        if kind == "library":
            if is_library(name, directory) != value:
                return False
            continue
        try:
            source = read_bytes(name)
        except FileProblem:
            return False
        if source_hash(source) != value:
            return False
    return True
