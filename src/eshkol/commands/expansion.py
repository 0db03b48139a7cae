"""``eshkol expand``: a program as the compiler sees it, with no macros left."""

from __future__ import annotations

from eshkol.commands.files import read_text
from eshkol.formatter.expanded import program_text
from eshkol.reader import read_all
from eshkol.runtime.boundary import Boundary
from eshkol.session import Session


def print_expansion(name: str, *, steps: bool = False) -> int:
    """Print the fully expanded forms of a program, which is not run; libraries that it imports are.

    Args:
        name: its file, or ``-``.
        steps: print what each macro use on the way becomes.

    Returns:
        The exit status, 0.
    """
    text = read_text(name)
    session = Session()
    with Boundary():
        forms = read_all(text.content, text.file)
        if steps:
            from eshkol.expand.stepper import print_steps

            print_steps(session.expander, forms)
            return 0
        for node in session.expand_forms(forms, text.file)[0]:
            print(program_text(node))
    return 0
