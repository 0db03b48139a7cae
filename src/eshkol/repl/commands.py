"""The commands of a session, which begin with a comma."""

from __future__ import annotations

import difflib
import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from eshkol.base.errors import FileProblem
from eshkol.repl import inspection
from eshkol.repl.documentation import documentation, matching_names, summary
from eshkol.runtime.boundary import Boundary
from eshkol.syntax.objects import Syntax

if TYPE_CHECKING:
    from eshkol.repl.loop import Repl

MOST_NAMES = 60
"""How many names ``,apropos`` shows."""


class Leave(Exception):
    """The person asked to leave."""


class Command(NamedTuple):
    """A command.

    Attributes:
        argument: what it takes, in capitals; in brackets if that may be left out.
        summary: what it does in a few words.
        example: a use of it.
        action: its function, of the session and the argument.
    """

    argument: str
    summary: str
    example: str
    action: Callable[[Repl, str], None]

    def accepts(self, argument: str) -> bool:
        """Whether it can do something with this argument, or with none."""
        return self.argument.startswith("[") or bool(argument) == bool(self.argument)


def run_command(repl: Repl, text: str) -> None:
    """Do what ``text``, which begins with a comma, asks for; say so if it makes no sense."""
    name, _, argument = text[1:].strip().partition(" ")
    name, newline, more = name.partition("\n")
    argument = f"{more} {argument}".strip() if newline else argument.strip()
    command = _find(name)
    if command is None:
        close = difflib.get_close_matches(name, COMMANDS, n=1)
        guess = f" Did you mean ,{close[0]}?" if close else ""
        print(f"There is no command ,{name}; ,help lists them.{guess}", file=sys.stderr)
    elif not COMMANDS[command].accepts(argument):
        made = COMMANDS[command]
        print(f"use: ,{command} {made.argument}".rstrip(), file=sys.stderr)
        if made.argument:
            print(f"for example: {made.example}", file=sys.stderr)
    else:
        COMMANDS[command].action(repl, argument)


def _find(name: str) -> str | None:
    """The command of this name, or the only one that begins like this."""
    if name in COMMANDS:
        return name
    found = [command for command in COMMANDS if name and command.startswith(name)]
    return found[0] if len(found) == 1 else None


# ---- the session


def _help(repl: Repl, argument: str) -> None:
    if argument:
        name = _find(argument.removeprefix(","))
        if name is None:
            print(f"There is no command ,{argument.removeprefix(',')}.", file=sys.stderr)
            return
        command = COMMANDS[name]
        print(f",{name} {command.argument}".rstrip())
        print(f"{command.summary[0].upper()}{command.summary[1:]}.")
        print(f"For example: {command.example}")
        return
    print("Enter a form to see its value; a form may go over several lines.")
    for name, command in COMMANDS.items():
        print(f"  {f',{name} {command.argument}':<16}{command.summary}")
    print("A command may be shortened: ,q is ,quit.")


def _quit(repl: Repl, argument: str) -> None:
    raise Leave


def _time(repl: Repl, argument: str) -> None:
    start = time.perf_counter()
    values = list(repl.values(argument))
    for value in values:
        # A tensor may still be on its way: what is timed is its being there.
        getattr(value, "block_until_ready", lambda: None)()
    elapsed = time.perf_counter() - start
    repl.show(values)
    print(f"; {duration(elapsed)}")


def duration(seconds: float) -> str:
    """A duration in the unit that suits it.

    Example:
        >>> duration(0.00123), duration(2.0)
        ('1.23 ms', '2.00 s')
    """
    for unit, scale in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= scale:
            return f"{seconds / scale:.2f} {unit}"
    return f"{seconds / 1e-6:.2f} µs"


def _load(repl: Repl, argument: str) -> None:
    path = os.path.expanduser(argument.strip('"'))
    if not os.path.exists(path) and os.path.exists(f"{path}.esk"):
        path += ".esk"
    repl.loaded = path
    repl.session.load(path)
    print(f"; loaded {path}")


def _reload(repl: Repl, argument: str) -> None:
    if repl.loaded is None:
        raise FileProblem("nothing is loaded yet", hint="to load a file: ,load FILE")
    _load(repl, repl.loaded)


# ---- names


def _doc(repl: Repl, argument: str) -> None:
    print(documentation(repl.session, argument))


def _apropos(repl: Repl, argument: str) -> None:
    names = matching_names(repl.session, argument)
    if not names:
        print(f"No name contains {argument}.")
    width = max((len(name) for name in names[:MOST_NAMES]), default=0) + 2
    for name in names[:MOST_NAMES]:
        print(f"  {name:<{width}}{summary(repl.session, name)}".rstrip())
    if len(names) > MOST_NAMES:
        print(f"  … and {len(names) - MOST_NAMES} more")


# ---- what becomes of a form


def _about_form(show: Callable[[Any, Syntax], str]) -> Callable[[Repl, str], None]:
    """A command that shows something of each form of its argument."""

    def action(repl: Repl, argument: str) -> None:
        for form in repl.read(argument):
            with Boundary():
                text = show(repl.session, form)
            print(text)

    return action


def _jaxpr(repl: Repl, argument: str) -> None:
    for form in repl.read(argument):
        with Boundary():
            text = inspection.jaxpr(repl.session, form)
        print(text)


def _step(repl: Repl, argument: str) -> None:
    forms = repl.read(argument)
    with Boundary():
        steps, error = inspection.steps(repl.session, forms)
        print("\n".join(steps) if steps else "; no macro is used here")
        if error is not None:
            raise error


COMMANDS = {
    "help": Command("[COMMAND]", "show this list, or more about a command", ",help time", _help),
    "doc": Command("NAME", "show what is known about a name", ",doc tensor-sum", _doc),
    "apropos": Command("TEXT", "list the names that contain a text", ",apropos string", _apropos),
    "expand": Command(
        "FORM",
        "show a form without macros",
        ",expand (when #t 1)",
        _about_form(inspection.expanded),
    ),
    "step": Command("FORM", "show each macro use on the way", ",step (-> 1 (+ 2))", _step),
    "core": Command(
        "FORM",
        "show the Core of a form, as it is compiled",
        ",core (let loop ((i 0)) (loop (+ i 1)))",
        _about_form(inspection.core),
    ),
    "python": Command(
        "FORM",
        "show the Python that a form becomes",
        ",python (define (f x) (* x x))",
        _about_form(inspection.python),
    ),
    "jaxpr": Command("CALL", "show the jaxpr of a compiled call", ",jaxpr (exp 1.0)", _jaxpr),
    "time": Command("FORM", "show the value of a form and the time it took", ",time (f 1)", _time),
    "load": Command("FILE", "run a file in this session", ",load model.esk", _load),
    "reload": Command("", "run the file loaded last again", ",reload", _reload),
    "quit": Command("", "leave (also Ctrl-D)", ",quit", _quit),
}
"""The commands by name."""
