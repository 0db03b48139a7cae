"""The grammar of the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Action = Callable[[argparse.Namespace], int]

ENGINES = ("python", "cek")
"""What can run a program."""

_EXAMPLES = {
    "": """
examples:
  eshkol                              talk to a session
  eshkol run program.esk              run a program
  eshkol eval '(+ 1 2)'               print 3
  eshkol check src/ && eshkol fmt src/

Without a command it starts a session (repl). ESHKOL_PATH lists directories with libraries;
ESHKOL_TRACEBACK=full shows Python's view of an error.
""",
    "run": """
examples:
  eshkol run train.esk --epochs 3     (command-line) gives ("train.esk" "--epochs" "3")
  eshkol run --x64 program.esk        with tensors of float64
  eshkol run -I ../lib program.esk    find libraries there too
  echo '(display 42)' | eshkol run -
""",
    "eval": """
examples:
  eshkol eval '(define x 5)' '(* x x)'
  eshkol eval "(gradient (lambda (x) (* x x)) 3.0)"
  eshkol eval - < expressions.esk
""",
    "repl": """
examples:
  eshkol repl                         ,help lists what can be asked
  eshkol repl --quiet < expressions.esk
""",
    "expand": """
examples:
  eshkol expand program.esk           the program without macros
  eshkol expand --steps program.esk   one macro use after the other
""",
    "check": """
examples:
  eshkol check program.esk            one line for each problem, as compilers print them
  eshkol check --strict src/ tests/   warnings count as errors
  eshkol check --format json - < program.esk
""",
    "fmt": """
examples:
  eshkol fmt program.esk src/         lay these files out, and all .esk files under src/
  eshkol fmt --check .                status 1 if a file is not formatted
  eshkol fmt --diff program.esk       show what would change
  eshkol fmt - < program.esk          standard input to standard output
""",
    "store": """
examples:
  eshkol store                        where compiled programs are kept, and how many
  eshkol store clear                  remove them all

ESHKOL_STORE_DIR names the directory, ESHKOL_STORE_SIZE how much it may hold (such as 500M);
ESHKOL_STORE=off keeps nothing and uses nothing.
""",
}


def parser(actions: Mapping[str, Action], first: str = "") -> argparse.ArgumentParser:
    """The parser of the command line.

    Args:
        actions: what each command does, by name; the parsed options have it as ``action``.
        first: the first word of the command line. If it is a command, the parser knows no other:
            making them all would take longer than many a program.
    """
    result = argparse.ArgumentParser(
        prog="eshkol",
        description="A Scheme for machine learning inside Python.",
        epilog=_EXAMPLES[""],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument("--version", action=_Version, help="print the versions and leave")
    _add_session_options(result, is_outer=True)
    result.set_defaults(action=actions["repl"])
    commands = result.add_subparsers(title="commands", metavar="COMMAND")

    def command(
        name: str, summary: str, has_session: bool = False
    ) -> argparse.ArgumentParser | None:
        if first in actions and name != first:
            return None
        made = commands.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            epilog=_EXAMPLES[name],
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        made.set_defaults(action=actions[name])
        if has_session:
            _add_session_options(made, is_outer=False)
        return made

    if run := command("run", "run a program", has_session=True):
        run.add_argument("file", metavar="FILE", help="a Scheme source, or - for standard input")
        run.add_argument("arguments", metavar="ARG", nargs=argparse.REMAINDER, help="its arguments")
    if evaluate := command("eval", "print what expressions give", has_session=True):
        what = "an expression, or - for standard input"
        evaluate.add_argument("expressions", metavar="EXPR", nargs="+", help=what)
    command("repl", "start a session", has_session=True)
    _add_tools(command)
    return result


def _add_tools(command: Callable[..., argparse.ArgumentParser | None]) -> None:
    """The commands that look at programs without running them."""
    if expand := command("expand", "print a program with its macros expanded"):
        expand.add_argument("file", metavar="FILE", help="a Scheme source, or - for standard input")
        expand.add_argument("--steps", action="store_true", help="show every macro use on the way")
        _add_path(expand, is_outer=False)

    if check := command("check", "report what is wrong with programs without running them"):
        _add_files(check)
        check.add_argument("--format", choices=("gcc", "json"), default="gcc", help="default: gcc")
        check.add_argument("--strict", action="store_true", help="warnings set the status to 1 too")
        _add_path(check, is_outer=False)

    if formatting := command("fmt", "lay programs out"):
        _add_files(formatting)
        formatting.add_argument(
            "--check", action="store_true", help="write nothing; 1 if not formatted"
        )
        formatting.add_argument(
            "--diff", action="store_true", help="write nothing; show what changes"
        )

    if store := command("store", "tell what is kept of compiled programs, or remove it"):
        store.add_argument("what", choices=("info", "clear"), nargs="?", default="info")


def _add_files(command: argparse.ArgumentParser) -> None:
    what = "a Scheme source, a directory of them, or - for standard input"
    command.add_argument("files", metavar="FILE", nargs="+", help=what)


def _add_session_options(command: argparse.ArgumentParser, is_outer: bool) -> None:
    """The options of a session; they may stand before the name of a command, or behind it."""
    command.add_argument(
        "--x64",
        action="store_true",
        default=_default(is_outer, False),
        help="tensors are float64 unless asked otherwise (also: ESHKOL_X64=1)",
    )
    command.add_argument(
        "--checked",
        action="store_true",
        default=_default(is_outer, False),
        help="what tensors and compiled code compute is checked: indices, division by zero, "
        "overflow of integers, NaN (also: ESHKOL_CHECKED=1)",
    )
    command.add_argument(
        "--native-floats",
        action="store_true",
        default=_default(is_outer, False),
        help="show numbers as native Eshkol does: 1 for 1.0, 1e+21 for 1e21",
    )
    command.add_argument(
        "--interpolate",
        action="store_true",
        default=_default(is_outer, False),
        help='"x=~{x}" in a program holds the value of x',
    )
    command.add_argument(
        "--native",
        action="store_true",
        default=_default(is_outer, False),
        help="as native Eshkol: --x64 --native-floats --interpolate",
    )
    command.add_argument(
        "--engine",
        choices=ENGINES,
        default=_default(is_outer, None),
        help="run compiled code, or the plain evaluator whose continuations can be entered again; "
        "default: what each program needs (also: ESHKOL_ENGINE)",
    )
    command.add_argument(
        "--no-store",
        action="store_true",
        default=_default(is_outer, False),
        help="neither use compiled programs of earlier processes nor keep any "
        "(also: ESHKOL_STORE=off)",
    )
    command.add_argument(
        "-q",
        "--quiet",
        action="store_true",
        default=_default(is_outer, False),
        help="no greeting, no progress bars; eval prints no values",
    )
    _add_path(command, is_outer)


def _add_path(command: argparse.ArgumentParser, is_outer: bool) -> None:
    command.add_argument(
        "-I",
        dest="inner_path" if not is_outer else "path",
        metavar="PATH",
        action="append",
        default=[],
        help="find libraries in this directory too (also: ESHKOL_PATH)",
    )


def _default(is_outer: bool, value: Any) -> Any:
    """A command leaves alone what the words before it have set."""
    return value if is_outer else argparse.SUPPRESS


class _Version(argparse.Action):
    """Prints the versions that a report of a bug should tell, without importing anything heavy."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None) -> None:
        super().__init__(option_strings, dest=argparse.SUPPRESS, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version

        python = sys.version.split()[0]
        print(f"eshkol {version('eshkol')} (jax {version('jax')}, Python {python})")
        parser.exit()
