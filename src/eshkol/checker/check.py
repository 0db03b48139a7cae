"""All checks of one program."""

from __future__ import annotations

from eshkol.checker.calls import wrong_calls
from eshkol.checker.expansion import CheckedProgram
from eshkol.checker.problems import Problem
from eshkol.checker.variables import early_uses, unbound_names, unused_variables
from eshkol.modules.registry import Registry
from eshkol.syntax.objects import Syntax


def check_text(text: str, file: str = "<text>") -> list[Problem]:
    """What is wrong with a program, which is not run, in the order of its text.

    Errors are what the reader or the expander refuse, names that have no value, and calls of known
    procedures with the wrong number of arguments. Warnings are variables that are never used, or
    used before they are defined.

    Args:
        text: the program.
        file: its name, beside which libraries are looked for.

    Example:
        >>> [problem.message for problem in check_text("(define (f x) (g x)) (f 1 2)")]
        ['g is not defined', 'f takes 1 argument, got 2']
    """
    known: Registry[CheckedProgram] = Registry()
    program = CheckedProgram("__main__", known)
    forms = program.add(text, file)
    problems = dict.fromkeys(_problems(program, forms, file))
    return sorted(problems, key=lambda problem: (problem.span[1:], problem.severity))


def _problems(program: CheckedProgram, forms: list[Syntax], file: str) -> list[Problem]:
    """The problems of a program and of the libraries that its text defines."""
    found = [
        *program.problems,
        *unbound_names(program),
        *wrong_calls(program),
        *early_uses(program),
        *unused_variables(program, forms),
    ]
    for part in program.parts:
        found += _problems(part, forms, file)
    return [problem for problem in found if problem.span.file == file]
