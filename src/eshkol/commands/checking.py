"""``eshkol check``: what is wrong with files, for people, editors and programs."""

from __future__ import annotations

import json
from collections.abc import Iterable

from eshkol.base.errors import FileProblem
from eshkol.base.spans import Span
from eshkol.checker import Problem, check_text
from eshkol.checker.problems import ERROR
from eshkol.commands.files import STANDARD_INPUT, named_files, read_text


def check_files(names: Iterable[str], *, form: str = "gcc", strict: bool = False) -> int:
    """Print the problems of each file on standard output.

    Args:
        names: files, directories, or ``-``.
        form: ``"gcc"``, a line ``file:line:column: severity: message`` for each problem and each
            note to it; or ``"json"``, one list of objects.
        strict: warnings set the status too.

    Returns:
        1 if there are errors, else 0.
    """
    problems: list[Problem] = []
    for name in named_files(names):
        found = _problems_of(name)
        if form == "gcc":
            for problem in found:
                print(*problem.lines(), sep="\n")
        problems += found
    if form == "json":
        print(json.dumps([problem.as_data() for problem in problems], indent=1))
    return int(any(strict or problem.severity == ERROR for problem in problems))


def _problems_of(name: str) -> list[Problem]:
    try:
        text = read_text(name)
    except FileProblem as error:
        file = "<stdin>" if name == STANDARD_INPUT else name
        message = error.message.removeprefix(f"{file}: ")
        return [Problem(Span(file, 1, 0, 1, 0), ERROR, "file", message)]
    return check_text(text.content, text.file)
