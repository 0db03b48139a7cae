"""Finding what is wrong with a program without running it.

``problems`` (what is found), ``recovery`` (reading on after an error), ``expansion`` (expanding on
after an error, and the libraries that are imported), ``calls`` (arity) and ``variables`` (names
without a value, and values without a use). :func:`check_text` is the whole of it.
"""

from eshkol.checker.check import check_text
from eshkol.checker.problems import Problem

__all__ = ["Problem", "check_text"]
