"""What a session does with an input, and the commands that begin with a comma."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from eshkol.datum.values import UNSPECIFIED
from eshkol.datum.write import write_string
from eshkol.expand.expander import CORE_SCOPE
from eshkol.expand.forms import CORE_FORMS
from eshkol.expand.scopes import CoreForm, Macro
from eshkol.primitives.declare import PRIMITIVES, usage_text
from eshkol.reader import read_all
from eshkol.repl.sources import Source, standard_source
from eshkol.runtime.report import Boundary, report
from eshkol.session import Session
from eshkol.train import close_progress


class Leave(Exception):
    """The person asked to leave."""


class Command(NamedTuple):
    """A command: what it takes, what it does in a few words, and its function."""

    argument: str
    summary: str
    action: Callable[[Repl, str], None]


class Repl:
    """A loop that reads forms, evaluates them and prints their values.

    An error is printed and the loop goes on. The unspecified value is not printed.

    Args:
        session: where the forms are evaluated.
        source: where they come from; left out, an editor on a terminal and standard input
            elsewhere.
        quiet: no greeting.
    """

    def __init__(
        self, session: Session, source: Source | None = None, *, quiet: bool = False
    ) -> None:
        self.quiet = quiet
        self.session = session
        self.source = standard_source(self.names) if source is None else source
        self._numbers = itertools.count(1)

    def names(self) -> set[str]:
        """Everything that can be completed: variables, primitives, forms and commands."""
        commands = (f",{name}" for name in COMMANDS)
        return {*self.session.namespace.names(), *CORE_FORMS, *commands}

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
                self._command(text.strip())
            else:
                self._show(self._values(text))
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

    def _values(self, text: str) -> Iterable[Any]:
        """The value of each form in ``text``, evaluated when it is asked for."""
        name = f"<input {next(self._numbers)}>"
        with Boundary():
            forms = read_all(text, name)
        for form in forms:
            with Boundary():
                value = self.session.evaluate_forms([form], name)
            yield value

    def _show(self, values: Iterable[Any]) -> None:
        for value in values:
            if value is not UNSPECIFIED:
                print(write_string(value))

    def _command(self, text: str) -> None:
        name, _, argument = text[1:].partition(" ")
        command = COMMANDS.get(name)
        if command is None:
            print(f"There is no command ,{name}; ,help lists them.", file=sys.stderr)
        elif bool(argument.strip()) != bool(command.argument):
            print(f"use: ,{name} {command.argument}".rstrip(), file=sys.stderr)
        else:
            command.action(self, argument.strip())

    def _help(self, argument: str) -> None:
        print("Enter a form to see its value; a form may go over several lines.")
        for name, command in COMMANDS.items():
            print(f"  {f',{name} {command.argument}':<14}{command.summary}")

    def _quit(self, argument: str) -> None:
        raise Leave

    def _time(self, argument: str) -> None:
        start = time.perf_counter()
        values = list(self._values(argument))
        for value in values:
            # A tensor may still be on its way: what is timed is its being there.
            getattr(value, "block_until_ready", lambda: None)()
        elapsed = time.perf_counter() - start
        self._show(values)
        print(f"; {_duration(elapsed)}")

    def _doc(self, argument: str) -> None:
        if argument in PRIMITIVES and not self.session.namespace.is_defined(argument):
            primitive = PRIMITIVES[argument]
            print(usage_text(argument, primitive.signature))
            print(primitive.documentation)
        elif argument in CORE_FORMS:
            print(_form_usage(argument))
            print("A form of the language.")
        else:
            print(_documentation(argument, self.session.get(argument)))


COMMANDS = {
    "help": Command("", "show this list", Repl._help),
    "quit": Command("", "leave (also Ctrl-D)", Repl._quit),
    "time": Command("EXPR", "show the value of an expression and the time it took", Repl._time),
    "doc": Command("NAME", "show what is known about a name", Repl._doc),
}
"""The commands by name."""


def _form_usage(name: str) -> str:
    """The grammar of a core form."""
    entries = (entry for _, entry in CORE_SCOPE.bindings[name])
    usage = next(entry.usage for entry in entries if isinstance(entry, CoreForm | Macro))
    return usage.replace(":id", "")


def _documentation(name: str, value: Any) -> str:
    """What a variable holds: a procedure's docstring, or the value."""
    if callable(value):
        return getattr(value, "__doc__", None) or f"{name} is a procedure without a docstring."
    return f"{name} is {write_string(value)}"


def _duration(seconds: float) -> str:
    """A duration in the unit that suits it.

    Example:
        >>> _duration(0.00123), _duration(2.0)
        ('1.23 ms', '2.00 s')
    """
    for unit, scale in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= scale:
            return f"{seconds / scale:.2f} {unit}"
    return f"{seconds / 1e-6:.2f} µs"
