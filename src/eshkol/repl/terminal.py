"""Line editing on a terminal: history, several lines, matching parentheses, completion, colour."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from eshkol.formatter.unfinished import indentation
from eshkol.repl.completion import completions
from eshkol.repl.sources import CONTINUATION, PROMPT, is_complete


def state_directory() -> Path:
    """Where this user's programs keep their state: ``$XDG_STATE_HOME/eshkol`` and its like."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    else:
        base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser() / "eshkol"


class Terminal:
    """Input from a person at a terminal, edited with prompt_toolkit.

    Enter ends the input when its forms are complete and nothing comes behind the cursor; otherwise
    it begins a new line, indented as the formatter would. Alt-Enter always begins a line. Tab
    indents at the start of a line and completes elsewhere. The history is kept in the user's state
    directory, where that can be written to.

    Args:
        names: a function without arguments that gives the names to complete.
    """

    greeting = True

    def __init__(self, names: Callable[[], Iterable[str]]) -> None:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.layout.processors import HighlightMatchingBracketProcessor
        from prompt_toolkit.lexers import PygmentsLexer

        from eshkol.highlight import EshkolLexer

        self._session: Any = PromptSession(
            PROMPT,
            history=_history(),
            lexer=PygmentsLexer(EshkolLexer, sync_from_start=True),
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
            start, found = completions(document.text_before_cursor, document.text, names)
            for name in found:
                yield Completion(name, start_position=start - len(document.text_before_cursor))

    return Names()


def _key_bindings() -> Any:
    from prompt_toolkit.application import get_app
    from prompt_toolkit.filters import Condition, has_completions
    from prompt_toolkit.key_binding import KeyBindings

    bindings = KeyBindings()

    @Condition
    def at_line_start() -> bool:
        return not get_app().current_buffer.document.current_line_before_cursor.strip()

    @bindings.add("enter")
    def _(event: Any) -> None:
        buffer = event.current_buffer
        is_at_end = not buffer.document.text_after_cursor.strip()
        if is_complete(buffer.text) and (is_at_end or "\n" not in buffer.text):
            buffer.validate_and_handle()
        else:
            _new_line(buffer)

    @bindings.add("escape", "enter")
    def _(event: Any) -> None:
        _new_line(event.current_buffer)

    @bindings.add("tab", filter=at_line_start & ~has_completions)
    def _(event: Any) -> None:
        _indent(event.current_buffer)

    return bindings


def _new_line(buffer: Any) -> None:
    buffer.insert_text("\n" + " " * indentation(buffer.document.text_before_cursor))


def _indent(buffer: Any) -> None:
    """Indent the line of the cursor, which stands before its text."""
    document = buffer.document
    before = document.text_before_cursor
    above = before[: len(before) - len(document.current_line_before_cursor)]
    after = document.current_line_after_cursor
    buffer.delete_before_cursor(len(document.current_line_before_cursor))
    buffer.delete(len(after) - len(after.lstrip(" ")))
    buffer.insert_text(" " * indentation(above))
