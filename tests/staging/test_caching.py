"""What compiles and what does not: programs are found again by what they mean."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from staged_sessions import XLA, assert_at_rest, compiles, value

from eshkol.base.errors import StagingError
from eshkol.session import Session
from eshkol.xla import programs


@pytest.fixture
def session() -> Session:
    session = Session()
    session.evaluate("(define (table k v) (let ((h (make-hash-table))) (hash-set! h k v) h))")
    return session


def test_a_thousand_equal_definitions_compile_once(session: Session) -> None:
    definition = "(define (f x) (let ((y (* x x))) (if (> y 4.5) (- y x) (+ y 0.625))))"
    with compiles(1):
        for _ in range(1000):
            session.evaluate(definition)
            session.evaluate("((jit f) 3.0)")


def test_a_lambda_made_again_in_a_loop_compiles_once(session: Session) -> None:
    with compiles(1):
        result = value(
            session,
            """(do ((i 0 (+ i 1)) (s 0.0 (+ s ((jit (lambda (x) (* 0.8125 x))) 2.0))))
                   ((= i 50) s))""",
        )
    assert result == pytest.approx(81.25)


LANES = {
    "loop": "(vmap newton)",
    "gradient": "(vmap (gradient newton))",
    "recursion": "(vmap depth)",
    "counted loop": "(vmap (lambda (x) (do ((i 0 (+ i 1)) (y x (sin y))) ((= i 100) y))))",
    "elements": "(lambda (v) (tensor-apply v newton))",
    "slope": "(lambda (v) (gradient (lambda (v) (tensor-sum ((vmap newton) v))) v))",
    "what lanes share": "(lambda (v) ((vmap (lambda (x) (newton (* x shared)))) v))",
    "draws": "(lambda (v) (with-rng 3 ((vmap (lambda (x) (newton (+ x (random))))) v)))",
}


@pytest.mark.parametrize("name", LANES)
def test_lanes_of_what_loops_compile_once_in_eager_code(session: Session, name: str) -> None:
    session.evaluate("""
        (define shared 1.5)
        (define (newton x)
          (let loop ((y x)) (if (< (abs (- (* y y) x)) 1e-4) y (loop (* 0.5 (+ y (/ x y)))))))
        (define (depth x) (if (< x 1.0) x (+ 1.0 (depth (/ x 2)))))
        (define v (tensor 1.5 2.5 0.25))
        (define w (* 2 v))""")
    first, second = (value(session, f"({LANES[name]} v)") for _ in range(2))
    assert second == first
    before = XLA.count
    session.evaluate("(define shared 2.5)")
    others = value(session, f"({LANES[name]} w)")
    assert XLA.count == before
    np.testing.assert_allclose(others, value(session, f"((jit {LANES[name]}) w)"), 1e-6)


SHOWN = {
    "before": ('(display "a") (newton x)', "a"),
    "after": ('(let ((y (newton x))) (display "b") y)', "b"),
    "thunks": (
        """(dynamic-wind (lambda () 0) (lambda () (newton x)) (lambda () (display "c")))""",
        "c",
    ),
}


@pytest.mark.parametrize("name", SHOWN)
def test_what_lanes_show_is_shown_once(
    session: Session, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    body, shown = SHOWN[name]
    session.evaluate(f"""
        (define (newton x) (let loop ((y x)) (if (> y 10.0) y (loop (* y 2)))))
        (define (f x) {body})""")
    for _ in range(2):
        assert value(session, "((vmap f) (tensor 1.0 2.0 6.0))") == [16.0, 16.0, 12.0]
        assert capsys.readouterr().out == shown
    assert_at_rest()


def test_lanes_that_jit_refuses_are_computed_as_they_are(session: Session) -> None:
    asked = []

    def host(array: np.ndarray) -> float:
        asked.append(float(np.asarray(array)[0]))
        return asked[-1]

    session.define("host", host)
    session.evaluate("""
        (define scale (tensor 2.0))
        (define (f x) (* (host scale) (let loop ((y x)) (if (> y 10.0) y (loop (* y 2))))))""")
    for _ in range(3):
        assert value(session, "((vmap f) (tensor 1.0 2.0 6.0))") == [32.0, 32.0, 24.0]
    with pytest.raises(StagingError, match="asks for a value that is traced"):
        session.evaluate("((jit (vmap f)) (tensor 1.0 2.0 6.0))")
    assert_at_rest()


SAME_MEANING = [
    ("(define (f x) (* x 2.25))", "(define (f other) (* other 2.25))"),
    ("(define (f x) (let ((a 1.5)) (+ a x)))", "(define (f y) (let ((b 1.5)) (+ b y)))"),
    ("(define (f x) (+ x 7.25))", "\n\n(define (f x)\n  (+ x   7.25)) ; elsewhere"),
    ("(define (f x) (+ x 8.25))", '(define (f x) "Adds." (+ x 8.25))'),
    ("(define f (lambda (x) (+ x 9.25)))", "(define (f x) (+ x 9.25))"),
    (
        "(define (f x) (let loop ((i 0) (s x)) (if (= i 9) s (loop (+ i 1) (* s 1.125)))))",
        "(define (f x) (let again ((n 0) (t x)) (if (= n 9) t (again (+ n 1) (* t 1.125)))))",
    ),
    ("(define (f x) (cond ((> x 1.75) x) (else 0.0)))", "(define (f x) (if (> x 1.75) x 0.0))"),
    ("(define (g x) (* x 3.5)) (define (f x) (g x))", "(define (g y) (* y 3.5))"),
]


@pytest.mark.parametrize(("first", "second"), SAME_MEANING)
def test_what_means_the_same_is_not_compiled_again(
    session: Session, first: str, second: str
) -> None:
    session.evaluate(first)
    before = value(session, "((jit f) 3.0)")
    with compiles(0):
        session.evaluate(second)
        assert value(session, "((jit f) 3.0)") == before


OTHER_MEANING = [
    ("(define (f x) (* x 2.75))", "(define (f x) (* x 2.875))", 3.0 * 2.875),
    ("(define (f x) (- x 2.75))", "(define (f x) (- 2.75 x))", 2.75 - 3.0),
    ("(define (g x) (* x 4.5)) (define (f x) (g x))", "(define (g x) (+ x 4.5))", 7.5),
    ("(define (f x (y 1.5)) (* x y))", "(define (f x (y 2.5)) (* x y))", 7.5),
    ("(define (f x) (if (> x 5.5) x 0.0))", "(define (f x) (if (> 5.5 x) x 0.0))", 3.0),
    ("(define (f x) (+ x 1.25))", "(define (f x) (let ((+ -)) (+ x 1.25)))", 1.75),
    ("(define (f x) (abs (- x)))", "(define (abs x) (* 100.0 x))", -300.0),
]


@pytest.mark.parametrize(("first", "second", "expected"), OTHER_MEANING)
def test_another_meaning_is_never_stale(
    session: Session, first: str, second: str, expected: float
) -> None:
    session.evaluate(first)
    session.evaluate("(define compiled (jit f)) (compiled 3.0)")
    session.evaluate(second)
    if "(f" in second:
        session.evaluate("(define compiled (jit f))")
    assert value(session, "(compiled 3.0)") == pytest.approx(expected)


CHANGES = [
    # definition of v, use of it, change, result of (f 3.0) after the change, compilations
    ("2.0", "(* x v)", "(set! v 4.0)", 12.0, 0),
    ("2.0", "(* x v)", "(define v 4.0)", 12.0, 0),
    ("2", "(* x v)", "(set! v 4)", 12.0, 0),
    ("2.0", "(* x v)", "(set! v 4)", 12.0, 1),
    ("1/2", "(* x v)", "(set! v 1/4)", 0.75, 1),
    ("(ones 2)", "(* x v)", "(set! v (* 2 v))", [6.0, 6.0], 0),
    ("(ones 2)", "(* x v)", "(set! v (ones 3))", [3.0] * 3, 1),
    ('"add"', '(if (equal? v "add") (+ x 1) (- x 1))', '(set! v "subtract")', 2.0, 1),
    ("'add", "(if (eq? v 'add) (+ x 1) (- x 1))", "(set! v 'subtract)", 2.0, 1),
    ("(list 1.0 2.0)", "(* x (cadr v))", "(set-car! (cdr v) 5.0)", 15.0, 0),
    ("(list 1.0 2.0)", "(* x (cadr v))", "(set! v (list 1.0 6.0))", 18.0, 0),
    ("(list 1.0)", "(apply + x v)", "(set! v (list 1.0 6.0))", 10.0, 1),
    ("(list 1.0)", "(apply + x v)", "(set-cdr! v (list 6.0))", 10.0, 1),
    ("(vector 1.0 2.0)", "(* x (vector-ref v 1))", "(vector-set! v 1 5.0)", 15.0, 0),
    ("(vector 1.0 2)", "(* x (vector-ref v 1))", "(vector-set! v 1 5)", 15.0, 0),
    ("(table 'a 2.0)", "(* x (hash-ref v 'a))", "(hash-set! v 'a 5.0)", 15.0, 0),
    ("(table 'a 2.0)", "(* x (hash-count v))", "(hash-set! v 'b 5.0)", 6.0, 1),
    ("(list (vector 1.0))", "(* x (vector-ref (car v) 0))", "(vector-set! (car v) 0 7.0)", 21.0, 0),
    ("((lambda (k) (lambda (x) (* k x))) 2.0)", "(v x)", "(set! v (lambda (x) (+ x 5)))", 8.0, 1),
    ("sin", "(- (v x) (v x))", "(set! v (lambda (x) x))", 0.0, 1),
    ("#t", "(if v (+ x 1) (list x))", "(set! v #f)", None, 1),
]


@pytest.mark.parametrize(("first", "use", "change", "expected", "count"), CHANGES)
def test_a_global_is_never_stale(
    session: Session, first: str, use: str, change: str, expected: float, count: int
) -> None:
    session.evaluate(f"(define v {first}) (define f (jit (lambda (x) {use})))")
    session.evaluate("(f 3.0) (f 3.0)")
    session.evaluate(change)
    with compiles(count):
        result = value(session, "(f 3.0)")
    if expected is not None:
        assert result == pytest.approx(expected)
    assert value(session, "(equal? (f 3.0) (f 3.0))") is True


def test_a_new_closure_of_the_same_code_in_a_global_compiles_nothing(session: Session) -> None:
    session.evaluate("(define (adder k) (lambda (x) (+ x k)))")
    session.evaluate("(define add (adder 1.5)) (define f (jit (lambda (x) (add x)))) (f 3.0)")
    with compiles(0):
        assert value(session, "(set! add (adder 2.5)) (f 3.0)") == 5.5


def test_a_change_deep_in_what_is_reached(session: Session) -> None:
    session.evaluate("(define k 2.0) (define (h x) (* k x)) (define (g x) (h x))")
    session.evaluate("(define f (jit (lambda (x) (g x))))")
    assert value(session, "(f 3.0)") == 6.0
    assert value(session, "(set! k 5.0) (f 3.0)") == 15.0
    assert value(session, "(define (h x) (- x k)) (f 3.0)") == -2.0
    assert value(session, "(set! k 1.0) (f 3.0)") == 2.0


def test_what_was_not_yet_defined_when_jit_was_called(session: Session) -> None:
    session.evaluate("(define f (jit (lambda (x) (later x))))")
    with pytest.raises(NameError, match="later is not defined"):
        session.evaluate("(f 1.0)")
    assert value(session, "(define (later x) (* 3 x)) (f 1.0)") == 3.0


def test_captured_variables_are_never_stale(session: Session) -> None:
    session.evaluate("""
        (define v (vector 1.0))
        (define through-vector (let ((w v)) (jit (lambda (x) (* x (vector-ref w 0))))))
        (define box (let ((n 1.0))
          (list (jit (lambda (x) (* x n))) (lambda (m) (set! n m)))))""")
    assert value(session, "(through-vector 2.0)") == 2.0
    assert value(session, "(vector-set! v 0 7.0) (through-vector 2.0)") == 14.0
    assert value(session, "((car box) 2.0)") == 2.0
    with compiles(0):
        assert value(session, "((cadr box) 5.0) ((car box) 2.0)") == 10.0


def test_a_new_learning_rate_compiles_nothing(session: Session) -> None:
    session.evaluate("(define (step rate) (jit (lambda (w) (- w (* rate w)))))")
    session.evaluate("((step 0.5) (ones 4))")
    with compiles(0):
        for rate in (0.25, 0.125, 1e-3):
            assert value(session, f"((step {rate}) (ones 4))") == pytest.approx([1 - rate] * 4)


def test_sessions_with_equal_code_keep_their_own_variables() -> None:
    sessions = [Session(), Session()]
    for number, session in enumerate(sessions):
        session.evaluate(f"(define k {number + 1}.0) (define f (jit (lambda (x) (* k x))))")
    assert [value(session, "(f 10.0)") for session in sessions] == [10.0, 20.0]


def test_a_reloaded_module_compiles_nothing(tmp_path) -> None:
    path = tmp_path / "squares.esk"
    path.write_text("(define (f x) (* x x 1.0625))")
    session = Session()
    session.load(path)
    session.evaluate("((jit f) 3.0)")
    with compiles(0):
        session.load(path)
        assert value(session, "((jit f) 3.0)") == 9.5625


# ---- how many are kept


def test_programs_not_asked_for_longest_are_forgotten(session, monkeypatch) -> None:
    monkeypatch.setattr(programs, "PROGRAMS", table := programs.ProgramTable())
    monkeypatch.setattr("eshkol.xla.jit.PROGRAMS", table)
    monkeypatch.setattr(programs, "MOST_PROGRAMS", 3)

    def run(factor: int) -> None:
        session.evaluate(f"(define (f x) (* x {factor}.21875)) ((jit f) 1.0)")

    for factor in (1, 2, 3, 1, 4):
        run(factor)
    assert (len(table), table.compilations) == (3, 4)
    run(1)
    run(3)
    assert table.compilations == 4
    run(2)
    assert (len(table), table.compilations) == (3, 5)


def test_a_program_in_use_works_when_it_is_forgotten(session, monkeypatch) -> None:
    monkeypatch.setattr(programs, "MOST_PROGRAMS", 1)
    session.evaluate("(define f (jit (lambda (x) (* x 5.21875)))) (f 1.0)")
    session.evaluate("((jit (lambda (x) (* x 6.21875))) 1.0)")
    with compiles(0):
        assert value(session, "(f 2.0)") == 10.4375
        assert value(session, "(f 3.0)") == 15.65625


def test_functions_for_many_static_values_are_forgotten(session, monkeypatch) -> None:
    monkeypatch.setattr(programs, "MOST_VARIANTS", 2)
    session.evaluate("(define f (jit (lambda (n) (tensor-sum (ones n)))))")
    assert [value(session, f"(f {n})") for n in (1, 2, 3, 2, 3)] == [1.0, 2.0, 3.0, 2.0, 3.0]
    with compiles(1):
        assert [value(session, f"(f {n})") for n in (2, 3, 1)] == [2.0, 3.0, 1.0]


def test_what_is_defined_anew_is_forgotten(session: Session) -> None:
    def counted() -> int:
        gc.collect()
        return len(gc.get_objects())

    for count in (3, 20):
        before = counted()
        for _ in range(count):
            session.evaluate("(define (g x) (* x 7.21875)) (define f (jit (lambda (x) (g x))))")
            session.evaluate("(f 1.0)")
    assert counted() - before < 20 * 10


@pytest.mark.parametrize("text", ["(randn 2)", "(define f (jit (lambda (x) (* 2 x)))) (f 1.0)"])
def test_a_session_that_nobody_uses_is_forgotten(text: str) -> None:
    session = Session()
    session.evaluate(text)
    namespace = weakref.ref(session.namespace)
    del session
    programs.PROGRAMS.clear()
    gc.collect()
    assert namespace() is None
