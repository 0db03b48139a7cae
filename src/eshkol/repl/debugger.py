"""The prompt of a breakpoint: where the program stands, its variables, and expressions of them."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

from eshkol.api.programs import evaluate_with
from eshkol.base.errors import SchemeError, excerpt
from eshkol.base.frames import running_forms, visible_variables
from eshkol.base.spans import Span
from eshkol.datum.values import UNSPECIFIED
from eshkol.datum.write import short_string, write_string
from eshkol.runtime.report import report
from eshkol.session import default_session

PROMPT = "break> "

HELP = """\
  an expression   its value; local variables are visible
  ,variables      the local variables and their values
  ,where          the forms that are running
  ,python         go on in Python's debugger (not in compiled code)
  ,continue       go on; so does the end of the input
  ,quit           end the program
Commands can be shortened to their first letter."""


class Prompt:
    """One stop at a breakpoint.

    Args:
        label: what the breakpoint is called; None for nothing.
        forms: the procedures that are running and the forms they are at, innermost first.
        variables: the local variables by their names.
        namespace: the top-level variables, or None for those of the default session.
        frame: of the form, where Python's debugger can go on there.
    """

    def __init__(
        self,
        label: Any,
        forms: list[tuple[str, Span]],
        variables: dict[str, Any],
        namespace: Any,
        frame: FrameType | None = None,
    ) -> None:
        self.label = label
        self.forms = forms
        self.variables = variables
        session = getattr(namespace, "session", None)
        self.session = default_session() if session is None else session
        self.frame = frame

    def run(self) -> None:
        """Show the place and do what the input says, until it says to go on.

        Raises:
            SchemeError: if it says to end the program.
        """
        print(self._title())
        if self.forms:
            print(*excerpt(self.forms[0][1]), sep="\n")
        self._show_variables()
        while True:
            sys.stdout.flush()
            try:
                text = input(PROMPT).strip()
            except EOFError:
                print()
                return
            if self._is_last(text):
                return

    def _title(self) -> str:
        words = "breakpoint" if self.label is None else f"breakpoint {short_string(self.label)}"
        if not self.forms:
            return words
        name, span = self.forms[0]
        inside = "" if name.startswith("<") else f", in {name}"
        return f"{words} at {span}{inside}"

    def _is_last(self, text: str) -> bool:
        """Do what one line says; whether the program goes on then."""
        if not text.startswith(","):
            if text:
                self._evaluate(text)
            return False
        letter = text[1:2]
        if letter == "v":
            self._show_variables()
        elif letter == "w":
            for name, span in self.forms:
                print(f"  {span} {'' if name.startswith('<') else name}".rstrip())
        elif letter == "q":
            place = self.forms[0][1] if self.forms else None
            error = SchemeError("the program was ended at a breakpoint")
            error._span = place
            raise error
        elif letter == "p" and self.frame is not None:
            import pdb

            pdb.Pdb().set_trace(self.frame)
            return True
        elif letter == "c":
            return True
        else:
            print(HELP)
        return False

    def _show_variables(self) -> None:
        for name, value in self.variables.items():
            print(f"  {name.replace('_', '-')} = {short_string(value)}")

    def _evaluate(self, text: str) -> None:
        try:
            value = evaluate_with(self.session, text, self.variables)
        except Exception as error:
            print(report(error))
            return
        if value is not UNSPECIFIED:
            print(write_string(value))


def stop(label: Any, frame: FrameType | None) -> None:
    """Open the prompt at the form of ``frame``, in eager code."""
    namespace = None if frame is None else frame.f_globals.get(" namespace")
    Prompt(label, running_forms(frame), visible_variables(frame), namespace, frame).run()
