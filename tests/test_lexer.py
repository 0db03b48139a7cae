"""Colours: what Pygments makes of programs."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.token import (
    Comment,
    Error,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Whitespace,
)

import eshkol
from eshkol.base.errors import ReadError
from eshkol.expand.forms import CORE_FORMS
from eshkol.formatter.concrete import Atom, Group, parse
from eshkol.formatter.concrete import Comment as CommentPiece
from eshkol.highlight import EshkolLexer
from eshkol.highlight.names import primitives
from eshkol.reader import read_all

ROOT = Path(eshkol.__file__).parents[2]
FILES = [
    *(ROOT / "examples").glob("*.esk"),
    *(ROOT / "src").rglob("*.esk"),
    *(ROOT / "benchmarks").glob("*.esk"),
]


def tokens(text):
    return [(kind, value) for _, kind, value in EshkolLexer().get_tokens_unprocessed(text)]


def kinds(text):
    return [kind for kind, _ in tokens(text) if kind is not Whitespace]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("if", Keyword),
        ("define", Keyword),
        ("define-whatever", Keyword),
        ("else", Keyword),
        ("car", Name.Builtin),
        ("tensor-sum", Name.Builtin),
        ("+", Name.Builtin),
        ("my-own-name", Name),
        ("λ", Name),
        ("->", Keyword),
        ("|a b|", Name.Variable),
        ("#:key", Name.Attribute),
        ("#0=", Name.Label),
        ("#0#", Name.Label),
        ("1", Number),
        ("-2.5e3", Number),
        ("1/3", Number),
        ("+inf.0", Number),
        ("1+2i", Number),
        ("#xFF", Number),
        ("#t", Keyword.Constant),
        ("#false", Keyword.Constant),
        ("#\\a", String.Char),
        ("#\\(", String.Char),
        ("#\\newline", String.Char),
        ('"""a "quoted" word"""', String.Doc),
        ("; note", Comment.Single),
        ("#;", Comment.Special),
        ("#!fold-case", Comment.Preproc),
        ("#!/usr/bin/env eshkol", Comment.Hashbang),
        ("(", Punctuation),
        ("#u8(", Punctuation),
        ("'", Operator),
        (",@", Operator),
        ("...", Operator),
    ],
)
def test_a_token(text, kind):
    assert tokens(text) == [(kind, text)]


def test_definitions():
    assert kinds("(define x 5)")[2] is Name.Variable
    assert kinds("(define (f x) 5)")[3] is Name.Function
    assert kinds("(define ((f x) y) 5)")[3:5] == [Name.Function, Name]
    assert kinds("(define-syntax swap! 5)")[1:3] == [Keyword, Name.Variable]
    assert kinds("(defined x)")[1:3] == [Name, Name]
    assert kinds("(define")[1] is Keyword


def test_strings_and_comments():
    assert kinds(r'"a\n\x41;b"') == [
        String.Double,
        String.Double,
        String.Escape,
        String.Escape,
        String.Double,
        String.Double,
    ]
    assert set(kinds("#| a #| b |# c |#")) == {Comment.Multiline}
    assert kinds("#| a |# x")[-1] is Name
    assert kinds('"; no comment" x')[-1] is Name


def test_every_form_and_primitive_is_known():
    spelled = [name for name in CORE_FORMS if len(tokens(name)) == 1]
    assert len(spelled) > 40
    assert {kinds(name)[0] for name in spelled} <= {Keyword, Operator}
    spelled = [name for name in primitives() if len(tokens(name)) == 1]
    assert len(spelled) > 400
    assert {kinds(name)[0] for name in spelled} <= {Name.Builtin, Keyword}


def spelled_by_reader(text):
    """The atoms, comments and parentheses of a text, as the reader has them."""
    stack = list(reversed(parse(text)))
    while stack:
        piece = stack.pop()
        if isinstance(piece, Group):
            yield "open", piece.opener
            stack += reversed(piece.items)
        else:
            assert isinstance(piece, Atom | CommentPiece)
            yield ("atom" if isinstance(piece, Atom) else "comment"), piece.text


def _is_word(kind, value):
    is_word = kind in Name or kind in Keyword or kind in Number or kind is Operator
    return is_word and value not in ("'", "`", ",", ",@", ".")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_agrees_with_the_reader(path):
    text = path.read_text(encoding="utf-8")
    found = tokens(text)
    assert "".join(value for _, value in found) == text
    assert Error not in {kind for kind, _ in found}
    words = [value for kind, value in found if _is_word(kind, value)]
    read = [word for kind, word in spelled_by_reader(text) if kind == "atom"]
    assert words == [
        word for word in read if word != "." and word[0] != '"' and not word.startswith("#\\")
    ]


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="(a b)[]\"\\;#|'`,@:!.0+λ\n\tdefine u8", max_size=60))
def test_any_text_is_coloured_whole(text):
    assert "".join(value for _, value in tokens(text)) == text
    try:
        read_all(text, "<test>")
    except ReadError:
        return
    assert Error not in {kind for kind, _ in tokens(text)}


def test_the_plug_in_is_declared():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    target = settings["project"]["entry-points"]["pygments.lexers"]["eshkol"]
    module, _, name = target.partition(":")
    assert getattr(__import__(module, fromlist=[name]), name) is EshkolLexer
    assert EshkolLexer.aliases == ["eshkol", "esk"]
    assert EshkolLexer.filenames == ["*.esk"]


def test_html():
    html = highlight("(define (f x) (car x))", EshkolLexer(), HtmlFormatter())
    assert '<span class="k">define</span>' in html
    assert '<span class="nf">f</span>' in html
    assert '<span class="nb">car</span>' in html
