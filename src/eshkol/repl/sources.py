"""Where a session's input comes from, and when it is complete."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from typing import Protocol

from eshkol.base.errors import EshkolError, IncompleteInput
from eshkol.reader import read_all

PROMPT = "> "
CONTINUATION = "  "

WITH_FORMS = frozenset(["core", "expand", "jaxpr", "python", "step", "time"])
"""The commands that take forms, which may go over several lines."""


class Source(Protocol):
    """Gives one input after the other."""

    greeting: bool
    """Whether a person is there to be greeted."""

    def read(self) -> str:
        """The next input: whole forms, or all that was left before the end.

        Raises:
            EOFError: there is no more.
            KeyboardInterrupt: the person cancelled it.
        """


def is_complete(text: str) -> bool:
    """Whether ``text`` is whole forms, or so wrong that more input can't mend it.

    Example:
        >>> is_complete("(car '(1 2))"), is_complete("(car"), is_complete(")")
        (True, False, True)
    """
    if text.lstrip().startswith(","):
        command, _, text = text.lstrip()[1:].partition(" ")
        if command not in WITH_FORMS:
            return True
    try:
        read_all(text, "<input>")
    except IncompleteInput:
        return False
    except EshkolError:
        return True
    return True


class Lines:
    """Input line by line from standard input: a pipe, a file, or a terminal that can't be edited.

    Args:
        prompting: show a prompt before each line.
    """

    def __init__(self, prompting: bool) -> None:
        self.greeting = prompting

    def read(self) -> str:
        text = self._line(PROMPT)
        while not is_complete(text):
            try:
                text += self._line(CONTINUATION)
            except EOFError:
                break
        return text

    def _line(self, prompt: str) -> str:
        if self.greeting:
            print(prompt, end="", flush=True)
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line


def standard_source(names: Callable[[], Iterable[str]]) -> Source:
    """The best source for this process: an editor on a terminal, lines elsewhere.

    Args:
        names: a function without arguments that gives the names to complete.
    """
    interactive = sys.stdin.isatty() and sys.stdout.isatty()
    if not interactive or os.environ.get("TERM", "dumb") in ("dumb", "unknown", ""):
        return Lines(prompting=sys.stdin.isatty())
    from eshkol.repl.terminal import Terminal

    try:
        return Terminal(names)
    except ImportError:  # prompt_toolkit or Pygments is not installed
        return Lines(prompting=True)
