"""The reader: every class of literal, spans, errors with their positions, and round trips."""

from __future__ import annotations

import cmath
import math
import re
import time
from fractions import Fraction

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from eshkol.base import sources
from eshkol.base.errors import IncompleteInput, ReadError
from eshkol.base.spans import Span
from eshkol.datum.equality import is_equal, is_eqv
from eshkol.datum.pairs import NIL, cons, scheme_list
from eshkol.datum.symbols import intern
from eshkol.datum.values import EOF, Char, Vector
from eshkol.datum.write import shared_string, write_string
from eshkol.reader import Reader, parse_number, read_all
from eshkol.syntax.objects import Dotted, Keyword, Syntax, VectorForm, to_datum

RANDOM = settings(deadline=None)
NAN, INF = math.nan, math.inf


def read_one(text: str):
    """The only datum in ``text``."""
    (form,) = read_all(text)
    return to_datum(form)


def written(text: str) -> list[str]:
    """Every datum in ``text`` as ``write`` shows it."""
    return [write_string(to_datum(form)) for form in read_all(text)]


# Numbers

NUMBERS = [
    ("0", 0),
    ("-0", 0),
    ("+5", 5),
    ("007", 7),
    ("123456789012345678901234567890", 123456789012345678901234567890),
    ("1/2", Fraction(1, 2)),
    ("-6/4", Fraction(-3, 2)),
    ("+4/2", 2),
    ("1.5", 1.5),
    ("1.", 1.0),
    (".5", 0.5),
    ("-.5", -0.5),
    ("-0.0", -0.0),
    ("1e3", 1000.0),
    ("1E3", 1000.0),
    ("1.5e-3", 0.0015),
    (".5e+1", 5.0),
    ("1e400", INF),
    ("1e-400", 0.0),
    ("+inf.0", INF),
    ("-inf.0", -INF),
    ("+nan.0", NAN),
    ("-nan.0", NAN),
    ("+INF.0", INF),
    ("+i", 1j),
    ("-i", complex(0, -1)),
    ("3+4i", 3 + 4j),
    ("3-i", complex(3, -1)),
    ("1/2-1/4i", complex(0.5, -0.25)),
    ("1.5e1+.5i", complex(15, 0.5)),
    ("-0.0+1i", complex(-0.0, 1)),
    ("+inf.0-nan.0i", complex(INF, NAN)),
    ("-inf.0i", complex(0, -INF)),
    ("+inf.0+inf.0i", complex(INF, INF)),
    ("+1.0I", 1j),
    ("7+0i", 7),
    ("1/2-0i", Fraction(1, 2)),
    ("7+0.0i", complex(7, 0)),
    ("2@0", 2),
    ("0@1", 0),
    ("1@2", cmath.rect(1, 2)),
    ("-1.5@-1/2", cmath.rect(-1.5, -0.5)),
    ("#e1.5", Fraction(3, 2)),
    ("#e-.25", Fraction(-1, 4)),
    ("#e1e3", 1000),
    ("#e1.50e1", 15),
    ("#e1e-3", Fraction(1, 1000)),
    ("#e1/2", Fraction(1, 2)),
    ("#e7+0i", 7),
    ("#i1/2", 0.5),
    ("#i5", 5.0),
    ("#I2.5", 2.5),
    ("#i1+2i", 1 + 2j),
    ("#b101", 5),
    ("#B-101/10", Fraction(-5, 2)),
    ("#o17", 15),
    ("#d19", 19),
    ("#d1.5", 1.5),
    ("#xff", 255),
    ("#XFF", 255),
    ("#x-fF/2", Fraction(-255, 2)),
    ("#xe1", 0xE1),
    ("#x1+ai", 1 + 10j),
    ("#b+i", 1j),
    ("#x+inf.0", INF),
    ("#e#x10", 16),
    ("#x#e10", 16),
    ("#x#i10", 16.0),
    ("#i#b1/10", 0.5),
]


def same_number(a, b) -> bool:
    if isinstance(a, complex) and isinstance(b, complex):
        return is_eqv(a.real, b.real) and is_eqv(a.imag, b.imag)
    return is_eqv(a, b)


@pytest.mark.parametrize(("text", "expected"), NUMBERS)
def test_numbers(text, expected):
    assert same_number(parse_number(text), expected)
    assert same_number(read_one(text), expected)
    assert same_number(read_one(f"({text})").car, expected)


NO_NUMBERS = (
    "",
    "+",
    "-",
    ".",
    "...",
    "1+",
    "-1+",
    "->x",
    "1_000",
    "1e",
    "e1",
    "1/-2",
    "1/2.5",
    "1/2e3",
    "1.2.3",
    "+inf",
    "inf.0",
    "-nan",
    "i",
    "1i",
    "1+2",
    "1+2ii",
    "+5i+1",
    "1@",
    "0x10",
    "1f0",
    "１２",
    "٣",
    "#",
    "#x",
    "#xg",
    "#b2",
    "#o8",
    "#x1.5",
    "#x#x1",
    "#e#i1",
    "#q1",
    " 1",
    "1 ",
    "1\n",
    "nan",
    "infinity",
    "+ınf.0",
)


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_spells_no_number(text):
    assert parse_number(text) is None


@pytest.mark.parametrize(
    "text", [text for text in NO_NUMBERS if text.strip() == text and text.strip(".#")[:1].isalnum()]
)
def test_what_looks_like_a_number_is_a_symbol_unless_it_has_a_prefix(text):
    if text.startswith("#"):
        with pytest.raises(ReadError, match="is not known"):
            read_all(text)
    else:
        assert read_one(text) is intern(text)


@pytest.mark.parametrize("text", ["1/0", "-1/0", "#i1/0", "1/0+2i", "#e+inf.0", "#e1+2i", "#e1@2"])
def test_numerals_without_a_number(text):
    assert parse_number(text) is None
    with pytest.raises(ReadError, match="stands for no number") as caught:
        read_all(f"(x {text})")
    assert caught.value.span == Span("<text>", 1, 3, 1, 3 + len(text))


def test_an_exact_number_too_large_to_build_is_refused_at_once():
    start = time.perf_counter()
    for text in ("#e1e999999999", "#e1e-999999999", "#e1e99999999999999999999"):
        assert parse_number(text) is None
    assert time.perf_counter() - start < 1
    assert parse_number("#e1e5000") == 10**5000


def test_integers_have_no_limit_of_digits():
    assert read_one("1" + "0" * 10_000) == 10**10_000
    assert read_one("-1" + "0" * 10_000 + "/3") == Fraction(-(10**10_000), 3)
    assert read_one("#i1" + "0" * 10_000) == INF
    assert read_one("#i-1" + "0" * 10_000 + "/3") == -INF


@pytest.mark.parametrize(
    ("text", "radix", "expected"),
    [
        ("ff", 16, 255),
        ("-101", 2, -5),
        ("17/2", 8, Fraction(15, 2)),
        ("zz", 36, 35 * 37),
        ("Zz/2", 36, Fraction(35 * 37, 2)),
        ("12", 3, 5),
        ("13", 3, None),
        ("1/0", 3, None),
        ("1.5", 16, None),
        ("1.5", 3, None),
        ("#d10", 2, 10),
        ("#x10", 2, 16),
        ("9", 8, None),
    ],
)
def test_numbers_in_a_given_radix(text, radix, expected):
    assert is_eqv(parse_number(text, radix), expected)


@RANDOM
@given(st.floats())
def test_floats_read_as_python_reads_them(value):
    assume(math.isfinite(value))
    assert is_eqv(parse_number(repr(value)), value)
    assert is_eqv(parse_number(f"#e{value!r}"), read_one(str(Fraction(repr(value)))))


@RANDOM
@given(st.integers(), st.sampled_from([("#b", "b"), ("#o", "o"), ("#x", "x"), ("#X", "X")]))
def test_integers_read_in_any_radix(value, radix):
    prefix, code = radix
    assert read_one(f"{prefix}{value:{code}}") == value


@RANDOM
@given(st.text(alphabet="0123456789+-./einfa@#x ", max_size=12))
def test_any_text_is_a_number_or_none(text):
    assert parse_number(text) is None or isinstance(
        parse_number(text), int | float | complex | Fraction
    )


# Booleans, characters, strings


@pytest.mark.parametrize(
    ("text", "expected"),
    [("#t", True), ("#f", False), ("#true", True), ("#false", False), ("#T", True), ("#FALSE", 0)],
)
def test_booleans(text, expected):
    assert read_one(text) is bool(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"#\a", "a"),
        (r"#\A", "A"),
        (r"#\1", "1"),
        (r"#\x", "x"),
        (r"#\(", "("),
        (r"#\)", ")"),
        (r"#\;", ";"),
        (r"#\"", '"'),
        (r"#\'", "'"),
        (r"#\#", "#"),
        (r"#\|", "|"),
        (r"#\\", "\\"),
        (r"#\ ", " "),
        ("#\\\n", "\n"),
        (r"#\λ", "λ"),
        (r"#\😀", "😀"),
        (r"#\alarm", "\a"),
        (r"#\backspace", "\b"),
        (r"#\delete", "\x7f"),
        (r"#\escape", "\x1b"),
        (r"#\newline", "\n"),
        (r"#\null", "\0"),
        (r"#\return", "\r"),
        (r"#\space", " "),
        (r"#\tab", "\t"),
        (r"#\x41", "A"),
        (r"#\x3BB", "λ"),
        (r"#\X3bb", "λ"),
        (r"#\x0", "\0"),
        (r"#\x10ffff", "\U0010ffff"),
        (r"#\x0000041", "A"),
    ],
)
def test_characters(text, expected):
    assert read_one(text) == Char(expected)
    assert read_one(f"({text})") == scheme_list([Char(expected)])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('""', ""),
        ('"plain"', "plain"),
        ('"two\nlines"', "two\nlines"),
        ('"a;b(c"', "a;b(c"),
        (r'"\a\b\t\n\r\"\\\|"', '\a\b\t\n\r"\\|'),
        (r'"\x41;\x3bb;\X42;"', "AλB"),
        (r'"\x1F600;"', "😀"),
        ('"one \\\n    line"', "one line"),
        ('"one \\  \t\n\t line"', "one line"),
        ('"a\\\n\nb"', "a\nb"),
        ('"λ→"', "λ→"),
        ('"""raw \\n "quoted" text"""', 'raw \\n "quoted" text'),
        ('"""first\n  second\n"""', "first\n  second\n"),
        ('""""""', ""),
        ('"""a""b"""', 'a""b'),
    ],
)
def test_strings(text, expected):
    assert read_one(text) == expected


def test_strings_may_touch_other_data():
    assert written('("a""b"c(d)"e")') == ['("a" "b" c (d) "e")']
    assert written('"" ""') == ['""', '""']


# Symbols and keywords


SYMBOLS = """a set-car! list->vector <=? a.b +soup+ V17a q ... + - ->x -x +x .x ..x +.x -- +-
1+ -1+ 0:10 : :key 10: a:b λ naïve-é _ / * = <> a#b @x %d $x &rest ^ ~ ? ! 日本"""


@pytest.mark.parametrize("name", SYMBOLS.split())
def test_symbols(name):
    assert read_one(name) is intern(name)
    assert read_one(f"({name})").car is intern(name)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("|a b|", "a b"),
        ("||", ""),
        ("|(|", "("),
        (r"|a\|b|", "a|b"),
        (r"|\x41;\t\\|", "A\t\\"),
        ("|two\nlines|", "two\nlines"),
        ("|1|", "1"),
        ("|;|", ";"),
    ],
)
def test_symbols_between_bars(text, name):
    assert read_one(text) is intern(name)


def test_symbols_differ_in_case():
    assert read_one("ABC") is intern("ABC")


def test_case_folding_is_switched_on_and_off():
    text = r"ABC #!fold-case ABC Straße |ABC| #\SPACE #\A #:KEY #!no-fold-case ABC"
    assert written(text) == ["ABC", "abc", "strasse", "ABC", r"#\space", r"#\A", "#:key", "ABC"]


def test_keywords():
    assert read_one("#:keep-dims") == Keyword("keep-dims")
    assert read_one("(f #:axis -1)") == scheme_list([intern("f"), Keyword("axis"), -1])


# Compound data


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("()", "()"),
        ("(1 2 3)", "(1 2 3)"),
        ("[1 (2) [3]]", "(1 (2) (3))"),
        ("(1 . 2)", "(1 . 2)"),
        ("(1 2 . 3)", "(1 2 . 3)"),
        ("(1 . (2 3))", "(1 2 3)"),
        ("(1 . (2 . (3 . ())))", "(1 2 3)"),
        ("(1 . (2 . (3 . 4)))", "(1 2 3 . 4)"),
        ("(1 . [2 . [3]])", "(1 2 3)"),
        ("(1 . ())", "(1)"),
        ("(1 . #(2))", "(1 . #(2))"),
        ("(1 . 'a)", "(1 quote a)"),
        ("(1 . '(2 . 3))", "(1 quote (2 . 3))"),
        ("(1 .5)", "(1 0.5)"),
        ("(1 .a)", "(1 .a)"),
        ("#()", "#()"),
        ("#(1 #(2) (3 . 4))", "#(1 #(2) (3 . 4))"),
        ("#[1 2]", "#(1 2)"),
        ("#u8()", "#u8()"),
        ("#u8(0 255 #x10)", "#u8(0 255 16)"),
        ("#U8(1)", "#u8(1)"),
        ("'a", "'a"),
        ("''a", "''a"),
        ("' a", "'a"),
        ("`(a ,b ,@c)", "`(a ,b ,@c)"),
        ("'()", "'()"),
        ("(quote a)", "'a"),
        ("(a'b)", "(a 'b)"),
        ("(a,b`c,@d)", "(a ,b `c ,@d)"),
        (", @a", ", @a"),
        ("'#(a)", "'#(a)"),
    ],
)
def test_compound_data(text, expected):
    assert written(text) == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("  \n\t", []),
        ("; comment", []),
        ("a ; comment\nb;comment\n;\n;;\nc", ["a", "b", "c"]),
        ("#| block |# a", ["a"]),
        ("a#|| b", ["a#", "||", "b"]),
        ("(a #| b #| c |# d |# e)", ["(a e)"]),
        ("#|| a ||# b", ["b"]),
        ("#| ; |# a", ["a"]),
        ('#| " |# a', ["a"]),
        ("#;a b", ["b"]),
        ("#; (a b) c", ["c"]),
        ("#;#;a b c", ["c"]),
        ("(a #;b)", ["(a)"]),
        ("(#;a)", ["()"]),
        ("(a . #;b c)", ["(a . c)"]),
        ("(a . b #;c)", ["(a . b)"]),
        ("'#;a b", ["'b"]),
        ("#;'a b", ["b"]),
        ("#;#|x|#a b", ["b"]),
        ("a #;b", ["a"]),
        ("a\f\u00a0\u2003b", ["a", "b"]),
        ("#!/usr/bin/env eshkol\na", ["a"]),
        ("#! /usr/bin/eshkol", []),
    ],
)
def test_comments_and_spaces(text, expected):
    assert written(text) == expected


# Datum labels


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'(#0=(a) #0#)", "'(#0=(a) #0#)"),
        ("(quote (#0=(a) . #0#))", "'(#0=(a) . #0#)"),
        ("'#0=(a . #0#)", "'#0=(a . #0#)"),
        ("'#7=(a #7#)", "'#0=(a #0#)"),
        ("#0=#(1 #0#)", "#0=#(1 #0#)"),
        ("'#0=(a #1=(b #0# . #1#))", "'#0=(a #1=(b #0# . #1#))"),
        ("'(#0=(a #1=(b #0#)) #1#)", "'(#0=(a #1=(b #0#)) #1#)"),
        ("(#0=(a #1=(b #0#)) #1#)", "(#0=(a #1=(b #0#)) #1#)"),
        ('(#0="s" #0#)', '(#0="s" #0#)'.replace("#0=", "").replace("#0#", '"s"')),
        ("(#0=() #0#)", "(() ())"),
        ("'(#0=() . #0#)", "'(())"),
        ("#u8(#0=1 #0#)", "#u8(1 1)"),
        ("(#0=a . #0#)", "(a . a)"),
    ],
)
def test_datum_labels(text, expected):
    (form,) = read_all(text)
    assert shared_string(to_datum(form)) == expected


def test_a_label_in_code_repeats_the_code():
    (form,) = read_all("(begin #0=(f x) #0#)")
    _, first, second = form.parts
    assert first.is_list and second.is_list
    assert [part.name for part in second.parts] == ["f", "x"]
    assert (second.span.column, second.span.end_column) == (16, 19)


def test_labels_preserve_identity_in_data():
    datum = to_datum(Reader("(#0=(a) #0#)", is_data=True).read())
    assert datum.car is datum.cdr.car


def test_a_label_names_a_datum_within_one_outermost_datum():
    assert written("'#0=a '#0=b") == ["'a", "'b"]
    with pytest.raises(ReadError, match="refers to no label"):
        read_all("'#0=a #0#")


# Spans


def spans(form: Syntax) -> list[tuple[str, str]]:
    """Each part of ``form`` as written, with the text that its span covers."""
    found = [(write_string(to_datum(form)), sources.text_of(form.span))]
    content = form.content
    if type(content) is tuple:
        inner = list(content)
    elif isinstance(content, Dotted):
        inner = [*content.items, content.tail]
    else:
        inner = list(content.items) if isinstance(content, VectorForm) else []
    return found + [pair for part in inner for pair in spans(part)]


def test_each_part_knows_its_text():
    text = '\n(define (f  x) ; two\n  \'(a . #(1.50 "s\n t")) `,@y\n#u8(1  2) #\\λ)'
    (form,) = read_all(text, "spans.esk")
    assert spans(form)[1:] == [
        ("define", "define"),
        ("(f x)", "(f  x)"),
        ("f", "f"),
        ("x", "x"),
        ('\'(a . #(1.5 "s\\n t"))', '\'(a . #(1.50 "s\n t"))'),
        ("quote", "'"),
        ('(a . #(1.5 "s\\n t"))', '(a . #(1.50 "s\n t"))'),
        ("a", "a"),
        ('#(1.5 "s\\n t")', '#(1.50 "s\n t")'),
        ("1.5", "1.50"),
        ('"s\\n t"', '"s\n t"'),
        ("`,@y", "`,@y"),
        ("quasiquote", "`"),
        (",@y", ",@y"),
        ("unquote-splicing", ",@"),
        ("y", "y"),
        ("#u8(1 2)", "#u8(1  2)"),
        (r"#\λ", r"#\λ"),
    ]
    assert form.span == Span("spans.esk", 2, 0, 5, 14)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b", [(1, 0, 1, 1), (1, 2, 1, 3)]),
        ("λλ b", [(1, 0, 1, 2), (1, 3, 1, 4)]),
        ("\ufeffa", [(1, 0, 1, 1)]),
        ("a\r\nb\r\n\r\nc", [(1, 0, 1, 1), (2, 0, 2, 1), (4, 0, 4, 1)]),
        ("a\rb", [(1, 0, 1, 1), (2, 0, 2, 1)]),
        ("\fa\n\u2028b", [(1, 1, 1, 2), (2, 1, 2, 2)]),
        ("#|\n\n|# a\n b", [(3, 3, 3, 4), (4, 1, 4, 2)]),
        ('"a\r\nb" c', [(1, 0, 2, 2), (2, 3, 2, 4)]),
        ('"""\n\n""" c', [(1, 0, 3, 3), (3, 4, 3, 5)]),
        ("|a\nb| c", [(1, 0, 2, 2), (2, 3, 2, 4)]),
        ("(\n)\n(\n)", [(1, 0, 2, 1), (3, 0, 4, 1)]),
        ("#\\\nx", [(1, 0, 2, 0), (2, 0, 2, 1)]),
        ("'\n a", [(1, 0, 2, 2)]),
        ("#!/bin/x\na", [(2, 0, 2, 1)]),
    ],
)
def test_spans_count_lines_and_characters(text, expected):
    assert [tuple(form.span[1:]) for form in read_all(text)] == expected


def test_line_ends_in_strings_are_newlines():
    assert read_one('"a\r\nb\rc"') == "a\nb\nc"
    assert read_one('"a\\\r\n  b"') == "ab"


def test_the_source_is_registered():
    read_all("(car\f\r\n 'x)", "registered.esk")
    assert sources.is_source("registered.esk")
    assert sources.line("registered.esk", 2) == " 'x)"


# Reading datum by datum


def test_a_reader_gives_one_datum_at_a_time():
    reader = Reader("a (b\nc) ; end")
    assert reader.position == 0
    assert to_datum(reader.read()) is intern("a")
    assert reader.position == 1
    second = reader.read()
    assert write_string(to_datum(second)) == "(b c)"
    assert reader.text[reader.position :] == " ; end"
    assert reader.read() is EOF
    assert reader.read() is EOF


def test_a_reader_reports_only_what_it_has_reached():
    reader = Reader("a ) b")
    assert to_datum(reader.read()) is intern("a")
    with pytest.raises(ReadError, match="no list is open"):
        reader.read()
    assert reader.read() is EOF


# Errors

UNCLOSED = "`)` is missing at the end"

ERRORS = [
    # text, column from and to (of line 1), message
    ("a ) b", 2, 3, "unexpected `)`: no list is open here"),
    ("]", 0, 1, "unexpected `]`: no list is open here"),
    ("(a]", 2, 3, "`]` closes a list that `(` opened at <text>:1:1"),
    ("x [a (b])", 7, 8, "`]` closes a list that `(` opened at <text>:1:6"),
    ("#(a]", 3, 4, "`]` closes a list that `#(` opened at <text>:1:1"),
    ("{a}", 0, 1, "`{` is not used here"),
    ("a}", 1, 2, "`}` is not used here"),
    ("a . b", 2, 3, "`.` outside of a list"),
    ("( . a)", 2, 3, "`.` needs a datum before it"),
    ("(a . ( . b))", 7, 8, "`.` needs a datum before it"),
    ("(a . )", 3, 4, "`.` must be followed by a datum"),
    ("(a . (b . ))", 8, 9, "`.` must be followed by a datum"),
    ("(a . b c)", 7, 8, "expected `)` after the one datum that may follow `.`"),
    ("[a . (b) c]", 9, 10, "expected `]` after the one datum that may follow `.`"),
    ("(a . b . c)", 7, 8, "a second `.` in a list"),
    ("(a . . b)", 5, 6, "a second `.` in a list"),
    ("#(a . b)", 4, 5, "`.` has no meaning inside `#(`"),
    ("#u8(1 . 2)", 6, 7, "`.` has no meaning inside `#u8(`"),
    ("(a ')", 4, 5, "`'` must be followed by a datum, but `)` comes"),
    ("(a #;)", 5, 6, "`#;` must be followed by a datum, but `)` comes"),
    ("(a ,@ . b)", 6, 7, "`,@` must be followed by a datum, but `.` comes"),
    ("#u8(1 256)", 6, 9, "a bytevector holds exact integers from 0 to 255 only"),
    ("#u8(-1)", 4, 6, "a bytevector holds exact integers from 0 to 255 only"),
    ("#u8(1.0)", 4, 7, "a bytevector holds exact integers from 0 to 255 only"),
    ("#u8(#t)", 4, 6, "a bytevector holds exact integers from 0 to 255 only"),
    ('"ab\\qc"', 3, 5, "unknown escape `\\q`"),
    ('"a\\x;"', 2, 4, "unknown escape `\\x`"),
    ('"a\\x41"', 2, 4, "unknown escape `\\x`"),
    ('"a\\ b"', 2, 4, "unknown escape `\\ `"),
    ("|a\\q|", 2, 4, "unknown escape `\\q`"),
    ('"\\x110000;"', 1, 10, "no character has the number x110000"),
    ('"\\xd800;"', 1, 8, "no character has the number xd800"),
    ("#\\xDFFF", 0, 7, "no character has the number xDFFF"),
    ("#\\x" + "9" * 5000, 0, 5003, "no character has the number x999999999999"),
    ("#\\spac", 0, 6, "unknown character name `#\\spac`"),
    ("#\\SPACE", 0, 7, "unknown character name `#\\SPACE`"),
    ("#\\e\u0301", 0, 4, "unknown character name `#\\e\u0301`"),
    ("(#tru)", 1, 5, "`#tru` is not known"),
    ("#<eof>", 0, 6, "`#<eof>` is not known"),
    ("#x", 0, 2, "`#x` is not known"),
    ("#'a", 0, 2, "`#'` begins nothing that is known"),
    ("(a #)", 3, 5, "`#)` begins nothing that is known"),
    ("#", 0, 1, "`#` begins nothing that is known"),
    ("#!eval", 0, 6, "unknown directive `#!eval`"),
    (" #!/bin/sh", 1, 10, "unknown directive `#!/bin/sh`"),
    ("(a #0#)", 3, 6, "`#0#` refers to no label"),
    ("#0=#0#", 0, 6, "`#0=` labels nothing but its own reference"),
    ("(#0=a #0=b)", 6, 9, "the label `#0=` is used twice in one datum"),
    ("(#0=)", 4, 5, "`#0=` must be followed by a datum, but `)` comes"),
    ("#1234567890=a", 0, 12, "a datum label with too many digits"),
    ("1/0", 0, 3, "`1/0` stands for no number"),
    ("(+ #e+nan.0 1)", 3, 11, "`#e+nan.0` stands for no number"),
    ("a\0", 1, 2, "unexpected character U+0000 (a control character)"),
    ("(a \x1b[31m)", 3, 4, "unexpected character U+001B (a control character)"),
    ("a\u200bb", 1, 2, "unexpected character U+200B (zero width space)"),
    ("a \u202e b", 2, 3, "unexpected character U+202E (right-to-left override)"),
    ("a \ufeff b", 2, 3, "unexpected character U+FEFF (zero width no-break space)"),
    ("(display “hi”)", 9, 10, "typographic quote `“`"),
    ("(list ‘a)", 6, 7, "typographic quote `‘`"),
    ('"a\0b"', 2, 3, "the character U+0000 in a text"),
    ('"""a\0b"""', 4, 5, "the character U+0000 in a text"),
    ("|a\ud800b|", 2, 3, "the character U+D800 in a text"),
    ("#\\\0", 2, 3, "the character U+0000 in a text"),
]


@pytest.mark.parametrize(("text", "start", "end", "message"), ERRORS)
def test_malformed_text(text, start, end, message):
    with pytest.raises(ReadError) as caught:
        read_all(f"\n\n{text}\n")
    error = caught.value
    assert error.message == message.replace("<text>:1", "<text>:3")
    assert error.span == Span("<text>", 3, start, 3, end)
    assert not isinstance(error, IncompleteInput)
    assert isinstance(error, SyntaxError)


INCOMPLETE = [
    # text, line, column from and to, message, a part of the hint
    ("(", 1, 0, 1, "this `(` is never closed", "`)` is missing at the end, <text>:1:2"),
    ("(a (b) c", 1, 0, 1, "this `(` is never closed", UNCLOSED),
    ("(a [b", 1, 3, 4, "this `[` is never closed", "`])` is missing at the end"),
    ("(a #(b", 1, 3, 5, "this `#(` is never closed", "`))` is missing at the end"),
    ("#u8(1", 1, 0, 4, "this `#u8(` is never closed", UNCLOSED),
    ("(a . b", 1, 0, 1, "this `(` is never closed", UNCLOSED),
    ("(a . ", 1, 0, 1, "this `(` is never closed", UNCLOSED),
    ("(a '(b", 1, 4, 5, "this `(` is never closed", "`))` is missing at the end"),
    ("(" * 20, 1, 19, 20, "this `(` is never closed", "`))))))))))))…` is missing"),
    ("(f\n  (g\n\n(h)", 2, 2, 3, "this `(` is never closed", "or before <text>:4:1"),
    ('x "ab', 1, 2, 3, "this string is never closed", 'a `"` is missing'),
    ('"ab\\"', 1, 0, 1, "this string is never closed", 'a `"` is missing'),
    ('"ab\\', 1, 0, 1, "this string is never closed", 'a `"` is missing'),
    ('"""ab""', 1, 0, 1, "this string is never closed", 'a `"` is missing'),
    ("a |b", 1, 2, 3, "this `|` is never closed", "another `|` is missing"),
    ("a #| b #| c |#", 1, 2, 4, "this `#|` is never closed", "`|#` is missing"),
    ("'", 1, 0, 1, "`'` is followed by no datum", ""),
    ("(a ,@", 1, 3, 5, "`,@` is followed by no datum", ""),
    ("a #;", 1, 2, 4, "`#;` is followed by no datum", ""),
    ("#;#;a", 1, 0, 2, "`#;` is followed by no datum", ""),
    ("#0=", 1, 0, 3, "`#0=` is followed by no datum", ""),
    ("#\\", 1, 0, 2, "`#\\` is followed by no character", ""),
]


@pytest.mark.parametrize(("text", "line", "start", "end", "message", "hint"), INCOMPLETE)
def test_text_that_stops_too_early(text, line, start, end, message, hint):
    with pytest.raises(IncompleteInput) as caught:
        read_all(text)
    error = caught.value
    assert error.message == message
    assert error.span == Span("<text>", line, start, line, end)
    assert hint in error.hint


def test_an_error_shows_the_line():
    with pytest.raises(ReadError) as caught:
        read_all("(define x\n  (list 1 2]))", "shown.esk")
    assert str(caught.value).splitlines() == [
        "shown.esk:2:12: `]` closes a list that `(` opened at shown.esk:2:3",
        "  2 |   (list 1 2]))",
        "    |            ^",
        "  `)` is expected here",
    ]


PROGRAM = r"""#!/usr/bin/env eshkol
(define (square x)   ; a comment (
  "doc \"string\"
   of two lines"
  #| block #| nested |# |#
  (* x x))
(define-syntax swap!
  (syntax-rules () [(_ a b) (let ((t a)) (set! a b) (set! b t))]))
'(1 1/2 .5 -1e3 +inf.0 3+4i #xFF #e1.5 #t #false #\a #\space #\x41 |a b| #:key 0:10)
`(list ,x ,@(y . z) #(1 2) #u8(1 2)) #;(ignored form)
(quote #0=(a . #0#)) '''raw'''
""".replace("'''", '"""')


def test_each_prefix_of_lines_is_complete_or_may_be_completed():
    lines = PROGRAM.splitlines(keepends=True)
    outcomes = []
    for count in range(len(lines) + 1):
        try:
            outcomes.append(len(read_all("".join(lines[:count]))))
        except IncompleteInput:
            outcomes.append("more")
    more = "more"
    assert outcomes == [0, 0, more, more, more, more, 1, more, 2, 3, 4, 6]


# Round trips and random text

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
ATOMS = (
    st.integers()
    | st.floats()
    | st.fractions().map(lambda value: value.numerator if value.denominator == 1 else value)
    | st.complex_numbers()
    | st.booleans()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    | st.builds(Char, st.characters(exclude_categories=["Cs"]))
    | st.builds(intern, NAMES)
    | st.builds(intern, st.text("abc+-.0123456789@/:#|\\ ei'", max_size=6))
    | st.binary(max_size=4)
    | st.just(NIL)
    | st.sampled_from([intern(name) for name in ("quote", "unquote", "unquote-splicing")])
)
DATA = st.recursive(
    ATOMS,
    lambda inner: (
        st.builds(Vector, st.lists(inner, max_size=4))
        | st.builds(scheme_list, st.lists(inner, max_size=4))
        | st.builds(cons, inner, inner)
    ),
    max_leaves=15,
)


@RANDOM
@given(DATA)
@example(complex(3, 0))
@example(complex(-0.0, -0.0))
@example(scheme_list([intern("unquote"), intern("@x")]))
def test_what_is_written_reads_back(value):
    text = write_string(value)
    assert is_equal(read_one(text), value)
    assert is_equal(read_one(f"#;{text} ({text} . {text})"), cons(value, value))


@RANDOM
@given(DATA)
def test_what_is_read_knows_its_text(value):
    (form,) = read_all(write_string(value), "text.esk")
    for part, text in spans(form):
        if text not in ("'", "`", ",", ",@"):
            assert written(text) == [part]


FRAGMENTS = r"""( ) [ ] { } ' ` , ,@ . ... | # #( #u8( #; #| |# ; #t #\ #\a #0= #0# #1= #1# " """
FRAGMENTS += r"""#!fold-case #x #e 1/2 1e5 +i -inf.0 1@2 abc λ \ \x41; “ \q"""
FRAGMENTS = [*FRAGMENTS.split(), *"\n \r\f\0\ufeff\ud800\u2028", '"""', "\r\n"]


@RANDOM
@given(st.text(max_size=40) | st.lists(st.sampled_from(FRAGMENTS)).map("".join))
def test_random_text_raises_nothing_but_read_errors(text):
    try:
        forms = read_all(text)
    except ReadError as error:
        assert error.span.file == "<text>"
        assert str(error)
    else:
        for form in forms:
            assert write_string(to_datum(form))


@RANDOM
@given(st.data())
def test_mutated_programs_raise_nothing_but_read_errors(data):
    text = PROGRAM
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 5)))
        text = text[:start] + data.draw(st.sampled_from(["", *FRAGMENTS])) + text[end:]
    try:
        forms = read_all(text)
    except ReadError as error:
        lines = len(re.findall(r"\r\n?|\n", text)) + 1
        assert 1 <= error.span.line <= error.span.end_line <= lines
    else:
        assert all(isinstance(form, Syntax) for form in forms)


# Size

DEPTH = 100_000


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("(" * DEPTH + ")" * DEPTH, "(" * DEPTH + ")" * DEPTH),
        ("#(" * DEPTH + ")" * DEPTH, "#(" * DEPTH + ")" * DEPTH),
        ("'" * DEPTH + "x", "'" * DEPTH + "x"),
        ("(a . " * DEPTH + "b" + ")" * DEPTH, "(" + "a " * DEPTH + ". b)"),
        ("#;" * DEPTH + "x " * (DEPTH + 1), "x"),
        ("#|" * DEPTH + "|#" * DEPTH + "x", "x"),
        ("[a " * DEPTH + "]" * DEPTH, "(a " * (DEPTH - 1) + "(a)" + ")" * (DEPTH - 1)),
    ],
    ids=["lists", "vectors", "quotes", "dots", "omitted", "comments", "brackets"],
)
def test_depth_is_limited_by_memory_only(text, shown):
    assert written(text) == [shown]


def test_deep_text_that_stops_is_incomplete():
    with pytest.raises(IncompleteInput):
        read_all("(" * DEPTH)
    with pytest.raises(IncompleteInput):
        read_all("'" * DEPTH)


def test_a_thousand_lines_are_read_quickly():
    line = "(define (step model rate) (map (lambda (w) (- w (* rate 0.5))) model)) ; ok\n"
    program = line * 1000
    times = []
    for _ in range(5):
        start = time.perf_counter()
        assert len(read_all(program)) == 1000
        times.append(time.perf_counter() - start)
    assert min(times) < 0.3, "it takes about 0.03 s where nothing else runs"
