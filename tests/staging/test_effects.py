"""Output and errors of compiled programs happen when they run: in order, once, where taken."""

from __future__ import annotations

import pytest
from staged_sessions import assert_at_rest, compiles, value

from eshkol.base.errors import BadValue, EshkolError, SchemeError, StagingError, WrongType
from eshkol.session import Session
from eshkol.xla.host_calls import HostCall


@pytest.fixture
def session() -> Session:
    return Session()


OUTPUT = [
    ("straight", '(display "x=") (display x) (newline) x', "2.0", "x=2.0\n"),
    ("formatted", '(printf "~a and ~s~%" x "q") (write "s") (write-string "t") x', "2.0", None),
    ("a format for a port", """(format #t "~a " x) (if (> x 5) (format #t "large")) x""",
     "2.0", "2.0 "),
    ("data", "(displayln (list x 'a \"b\" #t 3)) x", "2.0", "(2.0 a b #t 3)\n"),
    ("then", '(if (> x 0) (display "pos") (display "neg")) x', "2.0", "pos"),
    ("else", '(if (> x 0) (display "pos") (display "neg")) x', "-2.0", "neg"),
    ("short loop", "(do ((i 0 (+ i 1))) ((= i 3) x) (display i) (display (* i x)))", "2.0", None),
    ("long loop", "(do ((i 0 (+ i 1))) ((= i 20) x) (display i) (newline))", "2.0", None),
    ("traced loop", "(let loop ((y x)) (if (> y 50) y (begin (displayln y) (loop (* 2 y)))))",
     "10.0", "10.0\n20.0\n40.0\n"),
    ("early exit", """(let loop ((i 0)) (display i)
        (cond ((> i 30) -1) ((> (* i i) x) i) (else (loop (+ i 1)))))""", "10.0", "01234"),
    ("nested", """(do ((i 0 (+ i 1))) ((= i 12) x)
        (when (> (* i x) 15) (display i) (display " ")))""", "2.0", "8 9 10 11 "),
    ("for-each", "(for-each displayln (list x 2 3)) x", "2.0", "2.0\n2\n3\n"),
    ("a renamed primitive", "(let ((show display)) (show x) (show x)) x", "2.0", "2.02.0"),
    ("exact", "(display 3) (display 1/2) x", "2.0", "31/2"),
    ("gradient", "(gradient (lambda (y) (displayln y) (* y y)) x)", "3.0", "3.0\n"),
    ("digits in a gradient", """(gradient (lambda (t)
        (printf "%.2f " (tensor-sum t)) (tensor-sum t)) (* x (ones 2))) x""", "3.0", "6.00 "),
]  # fmt: skip


@pytest.mark.parametrize(("name", "body", "x", "expected"), OUTPUT, ids=lambda v: str(v)[:12])
def test_output_is_that_of_eager_code_once_for_each_call(
    session: Session, capsys, name: str, body: str, x: str, expected: str | None
) -> None:
    session.evaluate(f"(define (f x) {body}) (define j (jit f))")
    if expected is None:
        session.evaluate(f"(f {x})")
        expected = capsys.readouterr().out
    with compiles(1):
        for _ in range(2):
            session.evaluate(f"(j {x})")
            assert capsys.readouterr().out == expected


LANES = [
    ("(displayln x)", "1.0\n2.0\n3.0\n"),
    ("(if (> x 1.5) (displayln x))", "2.0\n3.0\n"),
    ("(if (> x 1.5) (if (< x 2.5) (displayln x)) (display 'small))", "small2.0\n"),
    ("(let loop ((y x)) (if (< y 5) (begin (displayln y) (loop (* y 2)))))", None),
    ("(let loop ((y x)) (cond ((> y 5) y) (else (displayln y) (loop (* y 2)))))", None),
]


@pytest.mark.parametrize(("body", "expected"), LANES)
@pytest.mark.parametrize("mapped", ["(vmap f)", "(jit (vmap f))", "(vmap (jit f))"])
def test_in_each_lane_what_it_does_itself(
    session: Session, capsys, mapped: str, body: str, expected: str | None
) -> None:
    session.evaluate(f"(define (f x) {body} (* 2 x))")
    if expected is None:
        for x in (1.0, 2.0, 3.0):
            session.evaluate(f"(f {x})")
        expected = capsys.readouterr().out
    session.evaluate(f"({mapped} (tensor '(1.0 2.0 3.0)))")
    assert sorted(capsys.readouterr().out.split()) == sorted(expected.split())


FAILURES = [
    # body, a good argument, a bad argument, the message, the form
    ('(if (< x 0) (error "negative:" x) (sqrt x))', "4.0", "-4.0", "negative: -4.0", "(error"),
    ("(if (< x 0) (error 'root \"negative\" x 5) x)", "4.0", "-4.0", "root: negative -4.0 5",
     "(error"),
    ('(when (< x 0) (error "negative")) (* 2 x)', "4.0", "-4.0", "negative", "(error"),
    ('(assert (> x 0) "positive, got" x) (* 2 x)', "4.0", "-4.0", "positive, got -4.0", "(assert"),
    ("(assert (> x 0)) x", "4.0", "-4.0", "assertion failed", "(assert"),
    ('(cond ((> x 1) (* 2 x)) ((> x 0) x) (else (error "no case")))', "4.0", "-4.0", "no case",
     "(error"),
    ('(let loop ((i 0) (s x)) (if (= i 20) s (begin (if (> s 50) (error "big" i s))'
     " (loop (+ i 1) (+ s 1)))))", "4.0", "40.0", "big 11 51.0", "(error"),
    ('(let loop ((s x)) (if (> s 50) s (begin (if (= s 9) (error "nine" s)) (loop (+ s 1)))))',
     "10.0", "4.0", "nine 9.0", "(error"),
    ('(let loop ((s x)) (cond ((> s 50) s) ((= s 9) (error "nine" s)) (else (loop (+ s 1)))))',
     "10.0", "4.0", "nine 9.0", "(error"),
    ('(if (> x 0) (list x (zeros 2)) (error "no list"))', "4.0", "-4.0", "no list", "(error"),
    ('(if (> x 0) "text" (error "no text"))', "4.0", "-4.0", "no text", "(error"),
    ('(define (check y) (if (< y 0) (error "inner" y) y)) (+ (check x) 1)', "4.0", "-4.0",
     "inner -4.0", "(error"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "good", "bad", "message", "form"), FAILURES, ids=lambda v: str(v)[:24]
)
def test_an_error_is_raised_where_and_when_it_happens(
    session: Session, body: str, good: str, bad: str, message: str, form: str
) -> None:
    session.evaluate(f"(define (f x) {body})\n(define j (jit f))", "program.esk")
    expected = str(session.evaluate(f"(f {good})"))
    with compiles(1):
        assert str(session.evaluate(f"(j {good})")) == expected
        for _ in range(2):
            with pytest.raises(SchemeError) as caught:
                session.evaluate(f"(j {bad})")
            assert message in caught.value.message
            span = caught.value.span
            assert span is not None and span.file == "program.esk"
            assert f"(define (f x) {body})"[span.column :].startswith(form)
            with pytest.raises(SchemeError) as eager:
                session.evaluate(f"(f {bad})")
            assert eager.value.message == caught.value.message
        assert str(session.evaluate(f"(j {good})")) == expected
    assert_at_rest()


FAILING_OUTPUT = [
    # output that fails, the class of its error, words of the message
    ('(printf "%d" x)', WrongType, "<input .*>:1:18: printf: %d expects an integer, got 2.5"),
    ("(display x closed)", BadValue, "<input .*>:1:18: display: the port is closed"),
    ("(display x full)", OSError, "no space left"),
    ("(display x stopped)", KeyboardInterrupt, "^$"),
]


class Failing:
    """A stream to which nothing can be written."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def write(self, text: str) -> None:
        raise self.error


@pytest.mark.parametrize(("form", "kind", "words"), FAILING_OUTPUT)
def test_output_that_fails_is_the_error_of_eager_code(
    session: Session, capsys, form: str, kind: type[BaseException], words: str
) -> None:
    session.evaluate("(define closed (open-output-string)) (close-port closed)")
    session.define("full", Failing(OSError("no space left")))
    session.define("stopped", Failing(KeyboardInterrupt()))
    f = session.evaluate(f"(jit (lambda (x) {form} (* 2 x)))")
    for _ in range(20):
        with pytest.raises(kind, match=words):
            f(2.5)
    assert capsys.readouterr().err == ""
    assert_at_rest()


def test_ctrl_c_while_jax_is_about_to_call_back(session: Session, monkeypatch, capsys) -> None:
    f = session.evaluate("(jit (lambda (x) (display x) (* 2 x)))")
    f(2.5)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(HostCall, "__call__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        f(3.5)
    monkeypatch.undo()
    assert f(4.5) == 9.0
    assert capsys.readouterr() == ("2.54.5", "")


def test_output_stops_at_the_error(session: Session, capsys) -> None:
    session.evaluate("""(define j (jit (lambda (x)
      (display "before") (if (< x 0) (begin (display "in") (error "stop")))
      (display "after") x)))""")
    session.evaluate("(j 1.0)")
    assert capsys.readouterr().out == "beforeafter"
    with pytest.raises(SchemeError, match="stop"):
        session.evaluate("(j -1.0)")
    assert capsys.readouterr().out == "beforein"


def test_an_error_that_always_happens_shows_the_values(session: Session) -> None:
    with pytest.raises(SchemeError, match=r"always 2\.5 3"):
        session.evaluate('((jit (lambda (x n) (error "always" x n))) 2.5 3)')
    with pytest.raises(SchemeError, match="known"):
        session.evaluate('((jit (lambda (x) (error "known" 1))) 2.5)')


@pytest.mark.parametrize("mapped", ["(vmap f)", "(jit (vmap f))", "(vmap (jit f))"])
def test_lanes_that_do_not_raise_do_not_raise(session: Session, mapped: str) -> None:
    session.evaluate('(define (f x) (if (< x 0) (error "negative:" x) (* 2 x)))')
    assert value(session, f"({mapped} (tensor '(1.0 2.0)))") == [2.0, 4.0]
    with pytest.raises(SchemeError, match=r"negative: -2\.0"):
        session.evaluate(f"({mapped} (tensor '(1.0 -2.0)))")
    assert_at_rest()


def test_errors_and_derivatives(session: Session) -> None:
    session.evaluate('(define j (jit (lambda (x) (if (< x 0) (error "negative") (* x x)))))')
    assert value(session, "((gradient j) 3.0)") == 6.0
    assert value(session, "((jit (gradient j)) 3.0)") == 6.0
    for program in ("((gradient j) -3.0)", "((jit (gradient j)) -3.0)", "((jit j) -3.0)"):
        with pytest.raises(SchemeError, match="negative"):
            session.evaluate(program)
    assert_at_rest()


def test_an_exact_argument_that_is_checked_is_not_compiled_in(session: Session) -> None:
    session.evaluate('(define j (jit (lambda (n) (assert (> n 0) "positive" n) (* 2 n))))')
    with compiles(1):
        assert [value(session, f"(j {n})") for n in (1, 2, 3)] == [2, 4, 6]
        with pytest.raises(SchemeError, match="positive -1"):
            session.evaluate("(j -1)")


REFUSED = [
    # a program, the class of its error, words of the message
    ("(define n 0) ((jit (lambda (x) (set! n x))) 1.0)", StagingError, "top-level variable n"),
    ("(let ((total 0)) ((jit (lambda (x) (set! total x))) 1.0))", StagingError, "total belongs"),
    ("(define v (vector 1)) ((jit (lambda (w) (vector-set! w 0 2))) v)", StagingError, "given to"),
    ("(define l (list 1)) ((jit (lambda () (set-car! l 2))))", StagingError, "given to"),
    ("(define h (make-hash-table)) ((jit (lambda () (hash-set! h 1 2))))", StagingError, "given"),
    ("((jit (lambda (x) (if (> x 0) (zeros 2) (zeros 3)))) 1.0)", StagingError, "f32.2. and f32"),
    ("((jit (lambda (x) (vector-ref (vector 1 2) 5))) 1.0)", EshkolError, "index 5"),
    ("((jit (lambda (x) (matmul x x))) (ones 2 3))", EshkolError, "matmul"),
    ("((jit (lambda (x) (undefined-name x))) 1.0)", EshkolError, "undefined-name"),
    ('((jit (lambda (x) (+ x "a"))) 1.0)', EshkolError, "expected a number"),
    ("((jit (lambda (x) (if x 1 2))) (ones 2))", EshkolError, "condition"),
    pytest.param("((jit (lambda (x) (let loop () (loop)))) 1.0)", StagingError, "trips",
                 marks=pytest.mark.slow),
    ("((vmap (lambda (x) (car x))) (ones 2))", EshkolError, "car"),
    ("((gradient (lambda (x) (zeros 2))) (ones 2))", EshkolError, "one number"),
    ("((jit (lambda (x) (do ((i 0 (+ i 1))) ((= i 20)) (car x)))) 1.0)", EshkolError, "car"),
    ("((jit (lambda (x) (if (> x 0) (car x) 1))) 1.0)", EshkolError, "car"),
    ("((jit (lambda (x) (let f ((y x)) (if (> y 9) y (f (car y)))))) 1.0)", EshkolError, "car"),
    ("((jit (lambda (x) x)))", EshkolError, "argument"),
    ("((jit (lambda (x) (call-with-rng 1 (lambda () (car x))))) 1.0)", EshkolError, "car"),
]  # fmt: skip


@pytest.mark.parametrize(("program", "kind", "words"), REFUSED, ids=lambda v: str(v)[:40])
def test_an_error_leaves_nothing_behind(
    session: Session, program: str, kind: type[EshkolError], words: str
) -> None:
    for _ in range(2):
        with pytest.raises(kind, match=words) as caught:
            session.evaluate(program)
        assert caught.value.span is not None
        assert_at_rest()


def test_an_unspecified_value_unifies_with_any_other(session: Session) -> None:
    for body in ("(when (> x 0) 5)", "(cond ((> x 0) 1) ((< x -9) (list 2)))", "(if (> x 0) 'a)"):
        session.evaluate(f"(define (f x) {body})")
        for x in (1.0, -1.0):
            assert session.evaluate(f"((jit f) {x})") == session.evaluate(f"(f {x})")


MOVED = [
    # definitions, and what fails at (assert …) after these stand elsewhere
    ("(define (g x)\n (assert (> x 0)) x)\n(define f (jit (lambda (x) (+ 1 (g x)))))", "(f -1.0)"),
    ("(define (g x)\n (assert (> x 0)) x)\n(define f (jit (lambda (x) (g x))))", "(f (ones 2))"),
    ("(define h (jit (lambda (k x) (k x))))\n"
     "(define (f) (h (lambda (x)\n (assert (> x 0)) x) -1.0))", "(f)"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "call"), MOVED)
def test_an_error_points_at_the_form_where_it_stands_now(
    session: Session, text: str, call: str
) -> None:
    found = []
    for lines in (0, 2, 5):
        session.evaluate("\n" * lines + text, "program.esk")
        with pytest.raises(EshkolError) as caught:
            session.evaluate(call)
        assert "(assert (> x 0))" in str(caught.value)
        span = caught.value.span
        assert span is not None
        found.append((span.file, span.line - lines, span.column))
    assert found[0] == found[1] == found[2]
