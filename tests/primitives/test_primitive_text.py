"""Strings, chars, and what is shown."""

from __future__ import annotations

import io
import math
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scheme_calls import call, rows, run, shown

from eshkol.datum.pairs import scheme_list
from eshkol.datum.values import Char
from eshkol.primitives import control

ROWS = r"""
(string? "a") ⇒ #t
(string? #\a) ⇒ #f
(string #\a #\b) ⇒ "ab"
(make-string 3 #\a) ⇒ "aaa"
(make-string 2) ⇒ "  "
(string-length "λx") ⇒ 2
(string-ref "abc" 1) ⇒ #\b
(substring "hello" 1 3) ⇒ "el"
(substring "hello" 2) ⇒ "llo"
(string-copy "hello" 1) ⇒ "ello"
(string-head "hello" 2) ⇒ "he"
(string-tail "hello" 2) ⇒ "llo"
(string-append) ⇒ ""
(string-append "ab" "" "c") ⇒ "abc"
(string->list "abc" 1) ⇒ (#\b #\c)
(list->string '(#\a #\b)) ⇒ "ab"
(string->vector "ab") ⇒ #(#\a #\b)
(vector->string #(#\a #\b #\c) 1) ⇒ "bc"
(string-upcase "aß") ⇒ "ASS"
(string-downcase "AbC") ⇒ "abc"
(string-foldcase "STRASSE") ⇒ "strasse"
(string-reverse "abc") ⇒ "cba"
(string=? "a" "a" "a") ⇒ #t
(string=? "a" "b") ⇒ #f
(string<? "a" "b" "c") ⇒ #t
(string<? "a" "B") ⇒ #f
(string-ci<? "a" "B") ⇒ #t
(string-ci=? "Straße" "STRASSE") ⇒ #t
(string>? "b" "a") ⇒ #t
(string<=? "a" "a") ⇒ #t
(string>=? "a" "b") ⇒ #f
(string-null? "") ⇒ #t
(string-null? " ") ⇒ #f
(string-index "hello" #\l) ⇒ 2
(string-index "hello" #\l 3) ⇒ 3
(string-index "hello" char-numeric?) ⇒ #f
(string-rindex "hello" #\l) ⇒ 3
(string-contains "hello" "ll") ⇒ #t
(string-contains "hello" "xx") ⇒ #f
(string-search-forward "l" "hello" 3) ⇒ 3
(string-search-forward "z" "hello") ⇒ #f
(string-search-backward "l" "hello" 5) ⇒ 4
(string-search-all "aa" "aaa") ⇒ (0 1)
(string-prefix? "he" "hello") ⇒ #t
(string-suffix? "lo" "hello") ⇒ #t
(string-suffix? "he" "hello") ⇒ #f
(string-split "a,b,,c" ",") ⇒ ("a" "b" "" "c")
(string-split "a,b" #\,) ⇒ ("a" "b")
(string-split " a  b ") ⇒ ("a" "b")
(string-join '("a" "b") ", ") ⇒ "a, b"
(string-join '("a" "b")) ⇒ "a b"
(string-join '() ",") ⇒ ""
(string-join '("a" "b") #\-) ⇒ "a-b"
(string-trim "  a b ") ⇒ "a b"
(string-trim-left "  a ") ⇒ "a "
(string-trim-right "  a ") ⇒ "  a"
(string-trim "xxaxx" #\x) ⇒ "a"
(string-trim "12a3" char-numeric?) ⇒ "a"
(string-replace "banana" "an" "AN") ⇒ "bANANa"
(string-pad-left "42" 5) ⇒ "   42"
(string-pad-left "12345" 3) ⇒ "345"
(string-pad-left "42" 4 #\0) ⇒ "0042"
(string-pad-right "42" 4) ⇒ "42  "
(string-pad-right "12345" 3) ⇒ "123"
(string-count "banana" #\a) ⇒ 3
(string-map char-upcase "abc") ⇒ "ABC"
(string-map (lambda (a b) b) "abc" "xy") ⇒ "xy"
(char? #\a) ⇒ #t
(char? "a") ⇒ #f
(char->integer #\A) ⇒ 65
(integer->char 955) ⇒ #\λ
(char-upcase #\a) ⇒ #\A
(char-upcase #\ß) ⇒ #\ß
(char-downcase #\A) ⇒ #\a
(char-foldcase #\A) ⇒ #\a
(char-alphabetic? #\λ) ⇒ #t
(char-alphabetic? #\1) ⇒ #f
(char-numeric? #\7) ⇒ #t
(char-whitespace? #\space) ⇒ #t
(char-whitespace? #\a) ⇒ #f
(char-upper-case? #\A) ⇒ #t
(char-lower-case? #\A) ⇒ #f
(digit-value #\7) ⇒ 7
(digit-value #\٣) ⇒ 3
(digit-value #\a) ⇒ #f
(char=? #\a #\a) ⇒ #t
(char<? #\a #\b #\c) ⇒ #t
(char-ci=? #\a #\A) ⇒ #t
(char>? #\a #\b) ⇒ #f
(format "~a and ~s" "x" "y") ⇒ "x and \"y\""
(format "~a" '(1 "a")) ⇒ "(1 a)"
(format #f "~d" 42) ⇒ "42"
(format "~x ~o ~b" 255 8 5) ⇒ "ff 10 101"
(format "~5a|~5d|" "ab" 42) ⇒ "ab   |   42|"
(format "~,2f ~8,3f" 3.14159 2.71828) ⇒ "3.14    2.718"
(format "~f" 1/2) ⇒ "0.5"
(format "~,2e" 12345.678) ⇒ "1.23e+04"
(with-output-to-string (lambda () (display "a"))) ⇒ "a"
(call-with-output-string (lambda (port) (write 'a port))) ⇒ "a"
(format "~~ ~c~%" #\a) ⇒ "~ a\n"
"""


@pytest.mark.parametrize(("expression", "expected"), rows(ROWS))
def test_value(expression: str, expected: str) -> None:
    assert shown(expression) == expected


PRINTED = [
    ('(display "a b")', "a b"),
    ('(display \'("a" #\\b 1.0 #t))', "(a b 1.0 #t)"),
    ('(write \'("a" #\\b 1.0 #t))', '("a" #\\b 1.0 #t)'),
    ("(newline)", "\n"),
    ('(displayln "x" 1)', "x 1\n"),
    ('(writeln "x")', '"x"\n'),
    ('(write-string "hello" (current-output-port) 1 3)', "el"),
    ("(write-char #\\λ)", "λ"),
    ('(format #t "~a~%" 5)', "5\n"),
    ('(printf "plain")', "plain"),
    ('(printf "~a: ~s~%" "k" "v")', 'k: "v"\n'),
    ('(printf "%d%% ~a" 5)', "5% ~a"),
    ('(printf "%s=%s" \'x "y")', "x=y"),
    ('(printf "%c%c" #\\a 98)', "ab"),
    ('(printf "%*d|%.*f" 5 42 2 3.14159)', "   42|3.14"),
    ('(printf "%ld %5.2lf" 7 1/3)', "7  0.33"),
    ("(write-shared '(1 2))", "(1 2)"),
]


@pytest.mark.parametrize(("expression", "expected"), PRINTED)
def test_output(expression: str, expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(expression)
    assert capsys.readouterr().out == expected


@pytest.mark.parametrize("directive", ["%d", "%5d", "%-5d|", "%05d", "%+d", "%x", "%X", "%o", "%i"])
@given(st.integers(0, 2**62))
def test_printf_of_integers_is_that_of_python(directive: str, number: int) -> None:
    assert _printed(directive, number) == directive % number


@pytest.mark.parametrize("directive", ["%f", "%.3f", "%e", "%.2e", "%g", "%10.4f", "%-8.1f|", "%G"])
@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_printf_of_reals_is_that_of_python(directive: str, number: float) -> None:
    assert _printed(directive, number) == directive % number


def _printed(template: str, *values: object) -> str:
    stream = io.StringIO()
    from unittest import mock

    with mock.patch("sys.stdout", stream):
        call("printf", template, *values)
    return stream.getvalue()


def test_output_goes_where_standard_output_is_now() -> None:
    assert _printed("%s", "here") == "here"
    stream = io.StringIO()
    call("display", "there", stream)
    call("flush-output", stream)
    assert stream.getvalue() == "there"
    assert hasattr(call("current-error-port"), "write")


TEXTS = st.text(max_size=12)


@given(TEXTS, TEXTS.filter(bool))
def test_split_and_join_are_inverse(text: str, separator: str) -> None:
    parts = call("string-split", text, separator)
    assert list(parts) == text.split(separator)
    assert call("string-join", parts, separator) == text


@given(TEXTS, st.integers(0, 12), st.integers(0, 12))
def test_substrings_against_slices(text: str, i: int, j: int) -> None:
    start, end = sorted((min(i, len(text)), min(j, len(text))))
    assert call("substring", text, start, end) == text[start:end]
    assert call("list->string", call("string->list", text, start, end)) == text[start:end]
    assert call("vector->string", call("string->vector", text), start, end) == text[start:end]


@given(TEXTS, TEXTS)
def test_string_orders_are_those_of_code_points(a: str, b: str) -> None:
    points_a, points_b = list(map(ord, a)), list(map(ord, b))
    assert call("string<?", a, b) == (points_a < points_b)
    assert call("string=?", a, b) == (a == b)
    assert call("string-ci=?", a, b) == (a.casefold() == b.casefold())


@given(st.characters(exclude_categories=["Cs"]))
def test_chars_and_code_points(character: str) -> None:
    char = Char(character)
    assert call("integer->char", call("char->integer", char)) == char
    assert call("digit-value", char) == unicodedata.decimal(character, False)
    assert len(call("char-upcase", char).value) == 1


def test_conversion_of_special_numbers_to_text() -> None:
    assert call("number->string", math.inf) == "+inf.0"
    assert call("string->number", "-inf.0") == -math.inf
    assert call("format", "~,1f", -math.inf) == "-inf"


def test_command_line_and_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "COMMAND_LINE", ["prog.esk", "--fast"])
    assert call("command-line") == scheme_list(["prog.esk", "--fast"])
    before = call("current-jiffy")
    assert call("current-jiffy") >= before
    assert call("jiffies-per-second") == 10**9
    assert abs(call("real-time") / 1000 - call("current-second")) < 1
    assert call("runtime") >= 0


def test_string_for_each_in_order() -> None:
    seen: list[object] = []
    call("string-for-each", lambda *row: seen.append(row), "abc", "xy")
    assert seen == [(Char("a"), Char("x")), (Char("b"), Char("y"))]
