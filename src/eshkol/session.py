"""A session: a namespace, its expander, and the way from text to values.

This is the only place that ties the rooms together and owns what changes.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from eshkol.base.errors import FileProblem
from eshkol.base.spans import Span
from eshkol.codegen.unit import compile_program
from eshkol.datum.values import UNSPECIFIED
from eshkol.expand.expander import Expander
from eshkol.expand.forms import CORE_FORMS as CORE_FORMS
from eshkol.reader.parser import read_all
from eshkol.runtime.namespace import Namespace
from eshkol.runtime.procedures import finish_code
from eshkol.runtime.report import Boundary, report
from eshkol.runtime.support import builtins
from eshkol.syntax.objects import Syntax

__all__ = ["Session", "default_session", "report"]

_inputs = itertools.count(1)

RECURSION_LIMIT = 10_000
"""How deep Python may nest calls at least; recursion of programs needs more than Python's 1,000."""


@cache
def shared_builtins() -> dict[str, Any]:
    """The builtins that all namespaces share."""
    return builtins()


class Session:
    """Evaluates programs in a namespace of its own.

    Args:
        name: the name of the namespace, as Python modules have one.

    Example:
        >>> Session().evaluate("(define (square x) (* x x)) (square 7)")
        49
    """

    def __init__(self, name: str = "__main__") -> None:
        sys.setrecursionlimit(max(sys.getrecursionlimit(), RECURSION_LIMIT))
        self.namespace = Namespace(name, shared_builtins())
        self.expander = Expander()

    def evaluate(self, text: str, file: str | None = None) -> Any:
        """The value of the last form of ``text``.

        Args:
            text: a program.
            file: what errors call the text; a fresh name if left out.

        Raises:
            EshkolError: of the class that fits, pointing at the form at fault.
            IncompleteInput: if the text stops too early.
        """
        name = file or f"<input {next(_inputs)}>"
        with Boundary():
            return self.evaluate_forms(read_all(text, name), name)

    def evaluate_forms(self, forms: Iterable[Syntax], file: str) -> Any:
        """The value of the last of ``forms``, which come from the reader."""
        code, unit = self.compile_forms(list(forms), file)
        return self.run(code, unit)

    def compile_forms(self, forms: list[Syntax], file: str) -> tuple[Any, Any]:
        """Expand and compile forms; macros they define stay known to the session."""
        nodes = self.expander.expand_program(forms)
        span = forms[0].span.to(forms[-1].span) if forms else Span(file, 1, 0, 1, 0)
        defined = self.namespace.variables
        primitives = [name for name in self.namespace.builtins if name not in defined]
        return compile_program(nodes, span, primitives)

    def run(self, code: Any, unit: Any) -> Any:
        """Run a compiled program in this session's namespace."""
        variables = self.namespace.variables
        variables.update(unit.hidden_globals())
        return _function(finish_code(code, unit), variables)()

    def load(self, path: str | Path) -> Any:
        """Evaluate a file; the value of its last form.

        Raises:
            FileProblem: if the file is missing or no UTF-8 text.
            EshkolError: for an error in the program.
        """
        with Boundary():
            text = read_source(path)
            return self.evaluate_forms(read_all(text, str(path)), str(path))

    def get(self, name: str) -> Any:
        """The value of a variable or primitive."""
        return self.namespace.get(name)

    def define(self, name: str, value: Any) -> None:
        """Define a variable from Python."""
        self.namespace.define(name, value)


def _function(code: Any, variables: dict[str, Any]) -> Any:
    import types

    return types.FunctionType(code, variables)


def read_source(path: str | Path) -> str:
    """The text of a Scheme file.

    Raises:
        FileProblem: naming the path and what is wrong with it.
    """
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise FileProblem(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise FileProblem(f"{path}: expected a Scheme file, it is a directory") from None
    except OSError as error:
        raise FileProblem(f"{path}: can't be read: {error.strerror}") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileProblem(f"{path}: expected UTF-8 text, byte {error.start} is not UTF-8") from None


@cache
def default_session() -> Session:
    """The session behind ``ek.eval`` and ``ek.load``."""
    return Session()


def is_unspecified(value: Any) -> bool:
    """Whether a value is the one that a REPL does not print."""
    return value is UNSPECIFIED
