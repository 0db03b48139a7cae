"""The command ``eshkol``: run a file, evaluate expressions, or talk to a session.

The exit status is 0, or 1 after an error in the program, 2 for a wrong command line, 130 after
Ctrl-C, 141 if nobody reads the output any more; ``(exit n)`` and an integer that ``main`` returns
set it too.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from eshkol.base.config import CONFIG
from eshkol.train import close_progress

if TYPE_CHECKING:
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
    options = _parser().parse_args(arguments)
    if options.x64 or os.environ.get("ESHKOL_X64", "0") not in ("", "0"):
        CONFIG.tensor_dtype = "float64"
    return _guarded(lambda: options.action(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="eshkol",
        description="A Scheme for machine learning inside Python.",
        epilog="Without a command it starts a session (repl).",
    )
    parser.add_argument("--version", action=_Version, help="print the versions and leave")
    wide = argparse.ArgumentParser(add_help=False)
    wide.add_argument(
        "--x64",
        action="store_true",
        default=argparse.SUPPRESS,
        help="tensors are float64 unless asked otherwise (also: ESHKOL_X64=1)",
    )
    wide.add_argument(
        "--engine",
        choices=("python", "cek"),
        default=argparse.SUPPRESS,
        help="run compiled code, or the plain evaluator whose continuations can be entered again; "
        "default: what each program needs (also: ESHKOL_ENGINE)",
    )
    parser.add_argument("--x64", action="store_true", help=wide._actions[0].help)
    parser.add_argument("--engine", choices=("python", "cek"), help=wide._actions[1].help)
    parser.set_defaults(action=_repl)
    commands = parser.add_subparsers(title="commands", metavar="")

    run = commands.add_parser("run", parents=[wide], help="run a program")
    run.add_argument("file", metavar="FILE", help="a Scheme source, or - for standard input")
    run.add_argument("arguments", metavar="ARG", nargs=argparse.REMAINDER, help="its arguments")
    run.set_defaults(action=_run)

    evaluate = commands.add_parser("eval", parents=[wide], help="print what expressions give")
    evaluate.add_argument("expressions", metavar="EXPR", nargs="+", help="a Scheme expression")
    evaluate.set_defaults(action=_eval)

    repl = commands.add_parser("repl", parents=[wide], help="start a session")
    repl.set_defaults(action=_repl)
    return parser


class _Version(argparse.Action):
    """Prints the versions that a report of a bug should tell, without importing anything heavy."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None) -> None:
        super().__init__(option_strings, dest=argparse.SUPPRESS, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version

        python = sys.version.split()[0]
        print(f"eshkol {version('eshkol')} (jax {version('jax')}, Python {python})")
        parser.exit()


def _run(options: argparse.Namespace) -> int:
    session = _session(options, [options.file, *options.arguments])
    if options.file == "-":
        session.evaluate(sys.stdin.read(), file="<stdin>")
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
    from eshkol.datum.values import UNSPECIFIED
    from eshkol.datum.write import write_string

    session = _session(options, [])
    for expression in options.expressions:
        value = session.evaluate(expression)
        if value is not UNSPECIFIED:
            print(write_string(value))
    return 0


def _repl(options: argparse.Namespace) -> int:
    from eshkol.repl import Repl

    return Repl(_session(options, [])).run()


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
