"""Formatting programs: what it looks like, and the laws that it keeps."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import eshkol
from eshkol.base.errors import IncompleteInput, ReadError
from eshkol.datum.write import write_string
from eshkol.expand.forms import CORE_FORMS
from eshkol.formatter import WIDTH, format_text, indentation
from eshkol.formatter.styles import header_length
from eshkol.reader import read_all
from eshkol.syntax.objects import to_datum

ROOT = Path(eshkol.__file__).parents[2]
FILES = sorted(
    path
    for folder in ("src", "examples", "benchmarks", "tests")
    for path in (ROOT / folder).rglob("*.esk")
)


OWN = [path for path in FILES if "tests" not in path.relative_to(ROOT).parts]


@pytest.mark.parametrize("path", OWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_our_own_programs_are_formatted(path):
    text = path.read_text(encoding="utf-8")
    assert format_text(text, str(path)) == text


def test_what_nests_deeper_than_a_line_is_wide():
    for opening in ("(", "(f ", "'(", "#(", "(lambda (x) ", "(x . ("):
        closing = ")" * opening.count("(") if "lambda" not in opening else ")"
        formatted(opening * 150 + "x" + closing * 150)


def data(text):
    return [write_string(to_datum(form)) for form in read_all(text, "<test>")]


def formatted(text):
    """The formatted text, after a look at the laws."""
    result = format_text(text)
    assert data(result) == data(text)
    assert format_text(result) == result
    assert result == "" or result.endswith("\n")
    return result


# What it looks like: a row is what is given and what comes of it, separated by a line of dashes.

LAYOUTS = """
(define   (f x)
    (* x
  x)
  )
----
(define (f x)
  (* x
     x))
====
(define (f x) (display x)
(newline))
----
(define (f x)
  (display x)
  (newline))
====
(let ((x 1) (y 2)) (+ x y))
----
(let ((x 1) (y 2)) (+ x y))
====
(let loop ((i 0)
(j 1))
(loop (+ i 1) j))
----
(let loop ((i 0)
           (j 1))
  (loop (+ i 1) j))
====
(do ((i 0 (+ i 1)))
((= i 3) 'done)
(display i))
----
(do ((i 0 (+ i 1)))
    ((= i 3) 'done)
  (display i))
====
(if (f x)
(begin (g)
(h))
'no)
----
(if (f x)
    (begin
      (g)
      (h))
    'no)
====
(cond ((assq x table) =>
cdr)
[else
#f])
----
(cond ((assq x table) =>
       cdr)
      [else
       #f])
====
(match x
((a b) (list a
b))
(_ #f))
----
(match x
  ((a b) (list a
               b))
  (_ #f))
====
(define-record-type point (make-point x y) point?
(x point-x)
(y point-y))
----
(define-record-type point
  (make-point x y)
  point?
  (x point-x)
  (y point-y))
====
(guard (e (#t (display "x")
'b)) (f 1)
(g 2))
----
(guard (e (#t (display "x")
              'b))
  (f 1)
  (g 2))
====
(case-lambda ((x) 1)
((x y) 2))
----
(case-lambda
  ((x) 1)
  ((x y) 2))
====
(define-syntax swap!
(syntax-rules ()
((_ a b)
(let ((t a)) (set! a b) (set! b t)))))
----
(define-syntax swap!
  (syntax-rules ()
    ((_ a b)
     (let ((t a)) (set! a b) (set! b t)))))
====
(with-exception-handler (lambda (e)
'e)
(lambda () (f)))
----
(with-exception-handler (lambda (e)
                          'e)
  (lambda () (f)))
====
(f
a
  b)
----
(f
 a
 b)
====
'(let ((x 1))
y)
----
'(let ((x 1))
  y)
====
`(let ((x ,y))
,@body)
----
`(let ((x ,y))
   ,@body)
====
#(1 2
3)
----
#(1 2
  3)
====
(tensor-sum x #:axis 0 #:keep-dims
#t)
----
(tensor-sum x #:axis 0 #:keep-dims
            #t)
====
(f "a
   b" c)
----
(f "a
   b"
   c)
====
1 2 (f)
----
1
2
(f)
====
; one

;; two



(f)   ; three
#| four |# (g)
----
; one

;; two


(f)   ; three
#| four |#
(g)
====
(let ((a 1)   ; first
(bb 22)) ; second

; third
(f a ; fourth
) ; fifth
)
----
(let ((a 1)   ; first
      (bb 22)) ; second

  ; third
  (f a ; fourth
     ) ; fifth
  )
====
(list 1      ; aligned
      22222  ; with
      3)     ; care
----
(list 1      ; aligned
      22222  ; with
      3)     ; care
====
(list 1   ; aligned
222       ; before
    3)    ; and after
----
(list 1   ; aligned
      222 ; before
      3)  ; and after
====
(list 1 ; aligned
222     ; before, where it no longer fits
3)      ; after
----
(list 1    ; aligned
      222  ; before, where it no longer fits
      3)   ; after
====
(f 1);close
----
(f 1)  ;close
====
#;(left
out) (kept #;here
too)
----
#;(left
   out)
(kept #;here
      too)
====
#!/usr/bin/env eshkol
#!fold-case
(F)
----
#!/usr/bin/env eshkol
#!fold-case
(F)
====
'#0=(a . #0#) (a
. b)
----
'#0=(a . #0#)
(a
 . b)
====
(a , @b)
----
(a , @b)
====
(
f x
)
----
(f x)
"""


@pytest.mark.parametrize(
    "row", LAYOUTS.strip("\n").split("\n====\n"), ids=lambda row: row.splitlines()[0]
)
def test_layouts(row):
    given, _, expected = row.partition("\n----\n")
    assert formatted(given) == expected.rstrip("\n") + "\n"


@pytest.mark.parametrize(("text", "result"), [("", ""), ("\n\n", ""), ("; a", "; a\n")])
def test_almost_nothing(text, result):
    assert formatted(text) == result


def test_line_ends_and_byte_order_marks():
    assert formatted("\ufeff(f\r\nx)\r\n") == "(f\n x)\n"


# Long lines


def widths(text):
    return [len(line) for line in text.splitlines()]


WORDS = " ".join(f"word{number}" for number in range(40))
CALL = " ".join(f"(procedure-{number} argument-{number})" for number in range(5))


@pytest.mark.parametrize(
    "text",
    [
        f"'({WORDS})",
        f"(list {WORDS})",
        f"#({WORDS})",
        f"(some-procedure {CALL})",
        f"(define (f x) {CALL})",
        f"(define x '({WORDS}))",
        f"(let (({CALL} 1)) {CALL})",
        f"(if {CALL} (f (g {CALL}) x))",
        f"(define (f {WORDS}) (list (list (list {WORDS}))))",
        f"(f #:key ({WORDS}) #:other ({CALL}))",
        f"(cond (({WORDS}) ({CALL})) (else ({CALL})))",
        f"`(a ,(f {WORDS}) ,@(map g (list {CALL})))",
    ],
)
def test_long_lines_are_broken(text):
    assert max(widths(text)) > WIDTH
    assert max(widths(formatted(text))) <= WIDTH


def test_what_fits_stays_on_its_line():
    body = "x" * (WIDTH - len("(define (f) )"))
    assert formatted(f"(define (f) {body})") == f"(define (f) {body})\n"
    assert formatted(f"(define (f) {body}x)") == f"(define (f)\n  {body}x)\n"


def test_what_can_not_be_broken_stays():
    text = f'(display "{"x" * 200}")\n'
    assert formatted(text) == text


def test_a_comment_at_the_end_makes_no_line_too_long():
    text = f"(f x)  ; {'x' * 200}\n"
    assert formatted(text) == text


def test_deep_nesting():
    depth = 10_000
    text = "(f " * depth + ")" * depth
    assert data(format_text(text)) == data(text)


# Laws


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_laws_on_a_file(path):
    formatted(path.read_text(encoding="utf-8"))


COMMENTS = (" ; note\n", "\n;; note\n", ";\n", " #| a |# ", "\n#| a\nb |#\n", " #;skipped ")
SPACES = (" ", " ", " ", "  ", "\n", "\n", "\n\n", "\n\n\n\n", "\t", "\f")
GAPS = st.sampled_from([*SPACES, *COMMENTS, " #;(skipped ; too\n) "])
ATOMS = st.sampled_from(
    "x y lambda define let if begin do cond list -> #t #\\a #\\( 1 -2.5 1/3 +inf.0 #x1F ... "
    '"a" "a\nb" "a ; b" "" |x\\ y| |;| @x #:key #u8(1) word-that-is-rather-long-for-a-word '
    "another-word-that-is-even-longer-than-the-one-before".split(" ")
)
SHAPES = ("({})", "[{}]", "#({})", "'{0}", "`{0}", ",{0}", ",@{0}", "#;{0}")


@st.composite
def sources(draw, depth=4):
    """A datum, or several where that is allowed, as text with gaps."""
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return draw(ATOMS)
    shape = draw(st.sampled_from(SHAPES))
    if "{}" not in shape:
        inner = draw(sources(depth=depth - 1))
        text = shape.format(draw(st.sampled_from(["", " ", "\n", " ; note\n"])) + inner)
        return text + " kept" if shape.startswith("#;") else text
    parts = draw(st.lists(sources(depth=depth - 1), max_size=6))
    text = "".join(part + draw(GAPS) for part in parts)
    return shape.format(draw(st.sampled_from(["", "\n", " ; note\n"])) + text)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(sources(), GAPS), max_size=4))
def test_the_laws_on_random_programs(parts):
    text = "".join(part + gap for part, gap in parts)
    try:
        read_all(text, "<random>")
    except ReadError:
        with pytest.raises(ReadError):
            format_text(text)
    else:
        formatted(text)


@settings(max_examples=80, deadline=None)
@given(st.lists(sources(depth=6), min_size=1, max_size=3))
def test_the_laws_on_random_programs_on_one_line(parts):
    text = " ".join(part.replace(" ; note\n", " ").replace("\n", " ") for part in parts)
    text = text.replace("; ", " ").replace(";\f", " ")
    try:
        read_all(text, "<random>")
    except ReadError:
        return
    formatted(text)


@pytest.mark.parametrize(
    ("text", "error"), [("(f", IncompleteInput), (")", ReadError), ('"', IncompleteInput)]
)
def test_malformed_texts_are_refused(text, error):
    with pytest.raises(error):
        format_text(text)


# Styles


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("define", 1),
        ("define-whatever", 1),
        ("lambda", 1),
        ("when", 1),
        ("let*", 1),
        ("do", 2),
        ("begin", 0),
        ("with-my-thing", 1),
        ("if", None),
        ("cond", None),
        ("list", None),
        ("letter", None),
    ],
)
def test_headers(name, header):
    assert header_length(name) == header


def test_forms_with_a_body_are_indented_as_such():
    binders = [name for name in CORE_FORMS if name.startswith(("let", "define", "with-"))]
    assert len(binders) > 8
    assert [name for name in binders if header_length(name) is None] == []


# Where the next line begins


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("", 0),
        ("(f)", 0),
        ("(", 1),
        ("(f", 1),
        ("(f a", 3),
        ("(f a\n   b", 3),
        ("(define (f x)", 2),
        ("(define (f", 9),
        ("(let loop ((i 0)", 11),
        ("(let loop ((i 0))", 2),
        ("(let loop", 4),
        ("(do ((i 0 (+ i 1)))", 4),
        ("(if (f x)", 4),
        ("(cond ((f x) 1)", 6),
        ("'(define x", 2),
        ("#(1 2", 2),
        ("((lambda (x) x)", 1),
        ("(f (g a) [h", 10),
        ('(f ")" ; (\n', 3),
        ("(f #\\( ", 3),
        ('(f "open', 0),
        ("(f #| open", 0),
        ("(f {", 1),
        (")) (f a", 6),
        ("(λ é", 3),
    ],
)
def test_indentation(text, column):
    assert indentation(text) == column


def test_indentation_agrees_with_formatting():
    for path in FILES[:4]:
        text = format_text(path.read_text(encoding="utf-8"))
        lines = text.split("\n")
        for number, line in enumerate(lines):
            before = "\n".join(lines[:number])
            stripped = line.lstrip(" ")
            if stripped and stripped[0] not in ";)" and '"' not in before[before.rfind("\n(") :]:
                assert indentation(before) == len(line) - len(stripped), f"{path}:{number + 1}"
