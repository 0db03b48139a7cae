"""The command ``eshkol``: run a file, evaluate expressions, talk to a session, look at programs.

The exit status is 0, or 1 after an error in the program, 2 for a wrong command line, 130 after
Ctrl-C, 141 if nobody reads the output any more; ``(exit n)`` and an integer that ``main`` returns
set it too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from eshkol.base.config import CONFIG, OFF
from eshkol.commands.arguments import ENGINES, parser
from eshkol.commands.files import STANDARD_INPUT, read_text
from eshkol.datum.number_text import FLOAT_FORMAT
from eshkol.runtime.process import collect_seldom
from eshkol.train import close_progress

if TYPE_CHECKING:
    import argparse

    from eshkol.session import Session

INTERRUPTED = 130
BROKEN_PIPE = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says and return the exit status.

    Args:
        arguments: the words after ``eshkol``; left out, those that the process was started with.

    Example:
        >>> main(["eval", "(+ 1 2)"])
        3
        0
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    grammar = parser(_ACTIONS, words[0] if words else "")
    if words and words[0] not in _ACTIONS and os.path.isfile(words[0]):
        grammar.error(f"{words[0]} is no command; to run the file: eshkol run {words[0]}")
    options = grammar.parse_args(words)
    engine = os.environ.get("ESHKOL_ENGINE") or "python"
    if engine not in ENGINES:
        grammar.error(f"ESHKOL_ENGINE is {engine!r} (choose from {', '.join(ENGINES)})")
    _configure(options)
    return _guarded(lambda: options.action(options))


def _configure(options: argparse.Namespace) -> None:
    """Set what holds for the whole process."""
    collect_seldom()
    if options.x64 or options.native or os.environ.get("ESHKOL_X64", "0") not in ("", "0"):
        CONFIG.tensor_dtype = "float64"
    if options.checked or os.environ.get("ESHKOL_CHECKED", "0").lower() not in ("", *OFF):
        CONFIG.checked = True
    if options.native_floats or options.native:
        FLOAT_FORMAT.name = "native"
    CONFIG.interpolate = options.interpolate or options.native
    CONFIG.quiet = options.quiet
    CONFIG.owns_process = True
    if options.no_store:
        CONFIG.store = False
    places = [*options.path, *getattr(options, "inner_path", ())]
    if places:
        outer = filter(None, [os.environ.get("ESHKOL_PATH")])
        os.environ["ESHKOL_PATH"] = os.pathsep.join([*places, *outer])


def _run(options: argparse.Namespace) -> int:
    session = _session(options, [options.file, *options.arguments])
    if options.file == STANDARD_INPUT:
        text = read_text(options.file)
        session.evaluate(text.content, file=text.file)
    else:
        session.load(options.file)
    return _status_of_main(session.namespace.variables.get("main"))


def _status_of_main(procedure: Any) -> int:
    """Call the program's ``main``, if it is a procedure that takes no arguments."""
    if not callable(procedure) or not _takes_nothing(procedure):
        return 0
    from eshkol.datum.equality import scalar

    result = scalar(procedure())
    return result if result.__class__ is int else 0


def _takes_nothing(procedure: Callable[..., Any]) -> bool:
    import inspect

    try:
        inspect.signature(procedure).bind()
    except (TypeError, ValueError):
        return False
    return True


def _eval(options: argparse.Namespace) -> int:
    from eshkol.datum.values import UNSPECIFIED, MultipleValues
    from eshkol.datum.write import write_string

    session = _session(options, [])
    for expression in options.expressions:
        is_file = expression == STANDARD_INPUT
        text = read_text(expression).content if is_file else expression
        value = session.evaluate(text, file="<stdin>" if is_file else None)
        for each in value if isinstance(value, MultipleValues) else [value]:
            if each is not UNSPECIFIED and not options.quiet:
                print(write_string(each))
    return 0


def _repl(options: argparse.Namespace) -> int:
    from eshkol.repl import Repl

    return Repl(_session(options, []), quiet=options.quiet).run()


def _expand(options: argparse.Namespace) -> int:
    from eshkol.commands.expansion import print_expansion

    return print_expansion(options.file, steps=options.steps)


def _check(options: argparse.Namespace) -> int:
    from eshkol.commands.checking import check_files

    return check_files(options.files, form=options.format, strict=options.strict)


def _format(options: argparse.Namespace) -> int:
    from eshkol.commands.formatting import format_files

    return format_files(options.files, check=options.check, diff=options.diff)


def _store(options: argparse.Namespace) -> int:
    from eshkol.commands.storing import clear_store, show_store

    return clear_store() if options.what == "clear" else show_store()


_ACTIONS = {
    "run": _run,
    "eval": _eval,
    "repl": _repl,
    "expand": _expand,
    "check": _check,
    "fmt": _format,
    "store": _store,
}
"""What each command does."""


def _session(options: argparse.Namespace, words: list[str]) -> Session:
    """A new session; ``words`` is what ``(command-line)`` will give."""
    from eshkol.primitives import control
    from eshkol.session import Session

    control.COMMAND_LINE[:] = words
    return Session(engine=options.engine)


def _guarded(action: Callable[[], int]) -> int:
    """The status of ``action``; whatever it raises is told to the person and becomes a status."""
    try:
        try:
            return action()
        finally:
            if sys.stdout is not None:  # it is None where the process was started without one
                sys.stdout.flush()
    except KeyboardInterrupt:
        close_progress()
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The interpreter would flush standard output once more at exit, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except Exception as error:
        from eshkol.runtime.report import report

        close_progress()
        print(report(error), file=sys.stderr)
        return 1
