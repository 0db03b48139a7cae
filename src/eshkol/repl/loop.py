"""What a session does with an input."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable
from typing import Any

from eshkol.datum.values import UNSPECIFIED, MultipleValues
from eshkol.datum.write import write_string
from eshkol.expand.forms import CORE_FORMS
from eshkol.reader import read_all
from eshkol.repl.commands import COMMANDS, Leave, run_command
from eshkol.repl.sources import Source, standard_source
from eshkol.runtime.report import Boundary, report
from eshkol.session import Session
from eshkol.syntax.objects import Syntax
from eshkol.train import close_progress


class Repl:
    """A loop that reads forms, evaluates them and prints their values.

    An error is printed and the loop goes on. The unspecified value is not printed.

    Args:
        session: where the forms are evaluated.
        source: where they come from; left out, an editor on a terminal and standard input
            elsewhere.
        quiet: no greeting.

    Attributes:
        loaded: the file that was loaded last.
    """

    def __init__(
        self, session: Session, source: Source | None = None, *, quiet: bool = False
    ) -> None:
        self.quiet = quiet
        self.session = session
        self.source = standard_source(self.names) if source is None else source
        self.loaded: str | None = None
        self._numbers = itertools.count(1)

    def names(self) -> set[str]:
        """Everything that can be completed: variables, primitives, forms and commands."""
        commands = (f",{name}" for name in COMMANDS)
        defined = self.session.expander.defined
        return {*self.session.namespace.names(), *CORE_FORMS, *defined, *commands}

    def run(self) -> int:
        """Go on until the input ends; the exit status."""
        if self.source.greeting and not self.quiet:
            print("Eshkol. Leave with Ctrl-D; ,help tells more.")
        while True:
            try:
                self.enter(self.source.read())
            except KeyboardInterrupt:
                continue
            except (EOFError, Leave):
                return 0

    def enter(self, text: str) -> None:
        """Do what one input says: a command, or forms to evaluate."""
        try:
            if text.lstrip().startswith(","):
                run_command(self, text.strip())
            else:
                self.show(self.values(text))
            sys.stdout.flush()
        except KeyboardInterrupt:
            close_progress()
            print("interrupted", file=sys.stderr)
        except (Leave, BrokenPipeError):
            raise
        except Exception as error:
            close_progress()
            sys.stdout.flush()
            print(report(error), file=sys.stderr)

    def read(self, text: str) -> list[Syntax]:
        """The forms of an input, which gets a name of its own."""
        with Boundary():
            return read_all(text, f"<input {next(self._numbers)}>")

    def values(self, text: str) -> Iterable[Any]:
        """The value of each form in ``text``, evaluated when it is asked for."""
        for form in self.read(text):
            with Boundary():
                value = self.session.evaluate_forms([form], form.span.file)
            yield value

    def show(self, values: Iterable[Any]) -> None:
        """Print values, one in a line; nothing for the unspecified one, nor for none."""
        for value in values:
            for each in value if isinstance(value, MultipleValues) else [value]:
                if each is not UNSPECIFIED:
                    print(write_string(each))
