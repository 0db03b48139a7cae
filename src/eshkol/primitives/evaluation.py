"""Programs as data: ``eval``, ``load`` and the environments they run in (R7RS 6.12).

Their rules tie the whole system together; they are in the room ``api``.
"""

from __future__ import annotations

from typing import Any

from eshkol.primitives.declare import load, primitive, tensor_primitive

_AT = "eshkol.api.environments:"


@primitive("eval")
def evaluate(expression: Any, environment: Any = None) -> Any:
    """The value of an expression, or what a definition does, given as a datum.

    Args:
        environment: where it is evaluated; left out, where the program itself is.

    Example:
        ``(eval '(* 7 3))`` ⇒ ``21``;
        ``(eval '(fold cons '() '(1 2)) (environment '(srfi 1)))`` ⇒ ``(2 1)``.
    """
    program = load(_AT + "program_of")(expression, environment)
    return program()


@tensor_primitive("environment", at=_AT + "environment")
def _environment(*sets: Any) -> Any:
    """A new environment in which import sets, given as data, are imported.

    Example: ``(eval '(b:+ 1 2) (environment '(prefix (scheme base) b:)))`` ⇒ ``3``.
    """


@tensor_primitive("interaction-environment", "the-environment", at=_AT + "interaction_environment")
def _interaction_environment() -> Any:
    """The environment of the program itself: what is defined in it stays.

    Example: ``(eval '(define answer 42) (interaction-environment)) answer`` ⇒ ``42``.
    """


@tensor_primitive("scheme-report-environment", at=_AT + "report_environment")
def _report_environment(version: Any) -> Any:
    """A new environment with what the report of version 5 or 7 defines.

    Example: ``(eval '(+ 1 2) (scheme-report-environment 7))`` ⇒ ``3``.
    """


@tensor_primitive("null-environment", at=_AT + "report_environment")
def _null_environment(version: Any) -> Any:
    """A new environment for the syntax of the report of version 5 or 7.

    Example: ``(eval '(if #t 1 2) (null-environment 7))`` ⇒ ``1``.
    """


@tensor_primitive("macroexpand", at="eshkol.api.expansion:macroexpand")
def _macroexpand(form: Any, environment: Any = None) -> Any:
    """A form, given as a datum, with the macro at its head expanded until none stands there.

    Example: ``(macroexpand '(-> x f (g 1)))`` ⇒ ``(g (f x) 1)``.
    """


@tensor_primitive("macroexpand-1", at="eshkol.api.expansion:macroexpand_1")
def _macroexpand_1(form: Any, environment: Any = None) -> Any:
    """A form, given as a datum, with the macro at its head expanded once.

    Example: ``(macroexpand-1 '(the real x))`` ⇒ ``x``.
    """


@tensor_primitive("load", at=_AT + "load")
def _load(path: Any, environment: Any = None) -> Any:
    """Evaluate the forms of a file in an environment; the value is unspecified.

    Args:
        path: a string; looked for beside the program and where libraries are.
        environment: left out, where the program itself is.

    Raises:
        FileProblem: the file is missing.

    Example: ``(write-file "area.esk" "(define (area r) (* r r))") (load "area.esk") (area
    3)`` ⇒ ``9``.
    """
