"""Colours for programs, in the form that Pygments knows.

``lexer`` (the Pygments lexer, also its plug-in) and ``names`` (what the names of the language are).
"""

from eshkol.highlight.lexer import EshkolLexer

__all__ = ["EshkolLexer"]
