"""Line editing on a terminal: history, several lines, matching parentheses, completion, colour."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from eshkol.repl.sources import CONTINUATION, PROMPT, is_complete

_SYMBOL = re.compile(r"[^\s()\[\]{}\"';`,]+$")
_OPENING = {"(": ")", "[": "]"}


def state_directory() -> Path:
    """Where this user's programs keep their state: ``$XDG_STATE_HOME/eshkol`` and its like."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    else:
        base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser() / "eshkol"


def indentation(text: str) -> int:
    """The column at which the line after ``text`` begins: two more than the innermost open paren.

    Example:
        >>> indentation("(define (f x)")
        2
    """
    opened: list[int] = []
    column = 0
    for token in re.finditer(r'"(?:[^"\\]|\\.)*"?|;[^\n]*|#\\.|[^"]', text, re.DOTALL):
        piece = token.group()
        if piece in _OPENING:
            opened.append(column)
        elif piece in _OPENING.values() and opened:
            opened.pop()
        newline = piece.rfind("\n")
        column = column + len(piece) if newline < 0 else len(piece) - newline - 1
    return opened[-1] + 2 if opened else 0


class Terminal:
    """Input from a person at a terminal, edited with prompt_toolkit.

    Enter ends the input when its forms are complete, and begins a new line otherwise. The history
    is kept in the user's state directory, where that can be written to.

    Args:
        names: a function without arguments that gives the names to complete.
    """

    greeting = True

    def __init__(self, names: Callable[[], Iterable[str]]) -> None:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.layout.processors import HighlightMatchingBracketProcessor
        from prompt_toolkit.lexers import PygmentsLexer
        from pygments.lexers.lisp import SchemeLexer

        self._session: Any = PromptSession(
            PROMPT,
            history=_history(),
            lexer=PygmentsLexer(SchemeLexer),
            completer=_completer(names),
            complete_while_typing=False,
            multiline=True,
            prompt_continuation=CONTINUATION,
            key_bindings=_key_bindings(),
            input_processors=[HighlightMatchingBracketProcessor(chars="()[]")],
            include_default_pygments_style=True,
        )

    def read(self) -> str:
        return self._session.prompt()


def _history() -> Any:
    from prompt_toolkit.history import FileHistory, InMemoryHistory

    path = state_directory() / "history"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("ab").close()
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(path))


def _completer(names: Callable[[], Iterable[str]]) -> Any:
    from prompt_toolkit.completion import Completer, Completion

    class Names(Completer):
        def get_completions(self, document: Any, event: Any) -> Iterable[Any]:
            match = _SYMBOL.search(document.text_before_cursor)
            if match:
                word = match.group()
                for name in sorted(name for name in names() if name.startswith(word)):
                    yield Completion(name, start_position=-len(word))

    return Names()


def _key_bindings() -> Any:
    from prompt_toolkit.key_binding import KeyBindings

    bindings = KeyBindings()

    @bindings.add("enter")
    def _(event: Any) -> None:
        buffer = event.current_buffer
        if is_complete(buffer.text):
            buffer.validate_and_handle()
        else:
            buffer.insert_text("\n" + " " * indentation(buffer.document.text_before_cursor))

    return bindings
