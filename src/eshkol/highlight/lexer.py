"""The Pygments lexer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar

from pygments.lexer import RegexLexer, bygroups, default
from pygments.token import (
    Comment,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Text,
    Token,
    Whitespace,
)

from eshkol.datum.spelling import PLAIN, SPACES
from eshkol.highlight.names import forms, primitives
from eshkol.reader.numbers import parse_number

_SPACE = rf"[{SPACES}]+"
_DEFINED = Token.Name.Defined
"""A word that a definition names; it becomes a function or a variable."""


class EshkolLexer(RegexLexer):
    """Eshkol for Pygments, and so for Sphinx, Jupyter, LaTeX and terminals.

    Forms and primitives are known by the tables of the language itself.

    Example:
        >>> tokens = EshkolLexer().get_tokens("(define x 5)")
        >>> [str(kind) for kind, text in tokens if text == "define"]
        ['Token.Keyword']
    """

    name = "Eshkol"
    url = "https://pypi.org/project/eshkol/"
    aliases: ClassVar[list[str]] = ["eshkol", "esk"]
    filenames: ClassVar[list[str]] = ["*.esk"]
    mimetypes: ClassVar[list[str]] = ["text/x-eshkol"]
    flags = re.DOTALL

    tokens: ClassVar[dict[str, list[Any]]] = {
        "root": [
            (rf"\A#!(?:/|(?!{PLAIN}))[^\n]*", Comment.Hashbang),
            (_SPACE, Whitespace),
            (r";[^\n]*", Comment.Single),
            (r"#\|", Comment.Multiline, "comment"),
            (rf"#!{PLAIN}*", Comment.Preproc),
            (r"#;", Comment.Special),
            (r'""".*?(?:"""|\Z)', String.Doc),
            (r'"', String.Double, "string"),
            (rf"#\\(?:{PLAIN}+|.)", String.Char),
            (r"#(?:[uU]8)?[(\[]", Punctuation),
            (r"#[0-9]+[=#]", Name.Label),
            (rf"#:{PLAIN}+", Name.Attribute),
            (r"'|`|,@?", Operator),
            (
                rf"([(\[])((?:{_SPACE})?)(define(?:-{PLAIN}+)?(?!{PLAIN}))((?:{_SPACE})?)([(\[]*)({PLAIN}*)",
                bygroups(Punctuation, Whitespace, Token.Word, Whitespace, Punctuation, _DEFINED),
            ),
            (r"[()\[\]]", Punctuation),
            (r"\|[^|\\]*(?:\\.[^|\\]*)*\|", Name.Variable),
            (rf"{PLAIN}+", Token.Word),
            (r".", Text),
        ],
        "comment": [
            (r"[^#|]+", Comment.Multiline),
            (r"#\|", Comment.Multiline, "#push"),
            (r"\|#", Comment.Multiline, "#pop"),
            (r"[#|]", Comment.Multiline),
        ],
        "string": [
            (r'[^"\\]+', String.Double),
            (r"\\(?:[xX][0-9a-fA-F]+;|.)", String.Escape),
            (r'"', String.Double, "#pop"),
            default("#pop"),
        ],
    }

    def get_tokens_unprocessed(self, text: str, stack: Any = ("root",)) -> Iterator[Any]:
        """The tokens, each with its offset and its kind."""
        previous = ""
        for offset, kind, value in super().get_tokens_unprocessed(text, stack):
            if kind is Token.Word:
                kind = word_kind(value)
            elif kind is _DEFINED:
                kind = Name.Function if previous[-1:] in ("(", "[") else Name.Variable
            previous = value if value else previous
            if value:
                yield offset, kind, value

    @staticmethod
    def analyse_text(text: str) -> float:
        """How likely ``text`` is Eshkol and no other Lisp; other Schemes look alike."""
        return 0.05 if re.search(r"^\(define[ -]", text, re.MULTILINE) else 0.0


def word_kind(word: str) -> Any:
    """The kind of a token that is a number, a symbol, or a word that begins with ``#``.

    Example:
        >>> str(word_kind("1/2")), str(word_kind("if")), str(word_kind("car"))
        ('Token.Literal.Number', 'Token.Keyword', 'Token.Name.Builtin')
    """
    if word[0] == "#" and word[1:].lower() in ("t", "f", "true", "false"):
        return Keyword.Constant
    if word[0] in "#+-.0123456789" and parse_number(word) is not None:
        return Number
    if word in forms() or word == "else" or word.startswith("define-"):
        return Keyword
    if word in ("...", "_", ".", "=>"):
        return Operator
    return Name.Builtin if word in primitives() else Name
