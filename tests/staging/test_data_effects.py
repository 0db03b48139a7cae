"""What compiled programs can't do to strings, bytevectors, ports and files is an error there."""

from __future__ import annotations

import pytest

from eshkol.base.errors import StagingError
from eshkol.session import Session


@pytest.mark.parametrize(
    "body",
    [
        "(string-set! (make-string 2) 0 #\\a)",
        "(string-fill! (make-string 2) #\\a)",
        '(string-copy! (make-string 2) 0 "a")',
        "(bytevector-u8-set! (bytevector 1) 0 2)",
        "(bytevector-fill! (bytevector 1) 2)",
        "(get-output-string (open-output-string))",
        "(with-output-to-string (lambda () (display x)))",
        "(call-with-output-string (lambda (p) (display x p)))",
        '(read-line (open-input-string "a"))',
        '(read (open-input-string "a"))',
        "(write-u8 1 (open-output-bytevector))",
        "(open-output-file path)",
        '(write-file path "a")',
        '(if (> x 0.0) (write-file path "a"))',
        "(delete-file path)",
        "(make-directory path)",
        "(sleep 0)",
        "(current-jiffy)",
        "(current-second)",
        "(current-seconds)",
        "(current-milliseconds)",
        "(real-time)",
        "(runtime)",
        "(time-ns)",
        "(seconds->string)",
        '(setenv "ESHKOL_TEST" "1")',
        "(json-stringify (vector x))",
    ],
)
def test_effects_on_data(body, tmp_path):
    session = Session()
    session.define("path", str(tmp_path / "file"))
    with pytest.raises(StagingError, match="can't be done in compiled code") as caught:
        session.evaluate(f"((jit (lambda (x) {body} (* 2.0 x))) 3.0)")
    assert caught.value.hint == "do it where the compiled procedure is called"
    assert caught.value.span is not None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('(string-length (string-append "ab" (make-string 2)))', 12.0),
        ("(bytevector-u8-ref #u8(1 2 3) 1)", 6.0),
        ('(string->number "4")', 12.0),
        ("(length (read-args '(1 2)))", 6.0),
        ('(length (json-parse "[1, 2]"))', 6.0),
    ],
)
def test_data_that_is_known_is_used_as_it_is(body, expected):
    session = Session()
    session.evaluate("(define (read-args x) x)")
    assert float(session.evaluate(f"((jit (lambda (x) (* x {body}))) 3.0)")) == expected


@pytest.mark.parametrize(
    ("made", "change", "use"),
    [
        ('(string-copy "1")', "(string-set! data 0 #\\2)", "(string->number data)"),
        ("(bytevector 1)", "(bytevector-u8-set! data 0 2)", "(bytevector-u8-ref data 0)"),
        ("(alist->hash-table '((a . 1)) eqv?)", "(hash-set! data 'a 2)", "(hash-ref data 'a)"),
    ],
)
def test_data_that_has_changed_is_not_used_as_it_was(made, change, use):
    session = Session()
    session.evaluate(f"(define data {made}) (define f (jit (lambda (x) (* x {use}))))")
    session.evaluate(f"(define g (let ((data data)) (jit (lambda (x) (* x {use})))))")
    assert list(map(float, session.evaluate("(list (f 3.0) (g 3.0))"))) == [3.0, 3.0]
    session.evaluate(change)
    assert list(map(float, session.evaluate("(list (f 3.0) (g 3.0))"))) == [6.0, 6.0]


def test_data_comes_out_of_compiled_code_as_it_went_in():
    session = Session()
    session.evaluate("(define f (jit (lambda (s b x) (list s b (* x 2.0)))))")
    session.evaluate('(define out (f (string-copy "ab") (bytevector 1) 3.0))')
    session.evaluate("(string-set! (car out) 0 #\\x) (bytevector-u8-set! (cadr out) 0 9)")
    assert session.evaluate("(list (car out) (cadr out))") == session.evaluate('(list "xb" #u8(9))')
