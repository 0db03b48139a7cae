"""Laying programs out as Scheme programmers do, without changing what they say.

``concrete`` (text to a tree that keeps comments and line breaks), ``styles`` (how each form is
indented), ``layout`` (the tree to text again), ``unfinished`` (where the line after an
unfinished text begins, for editors) and ``expanded`` (Core as a program).
"""

from eshkol.formatter.layout import WIDTH, format_text
from eshkol.formatter.unfinished import indentation

__all__ = ["WIDTH", "format_text", "indentation"]
