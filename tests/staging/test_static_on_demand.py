"""What decides whether an exact integer is compiled in: its use, not an annotation."""

from __future__ import annotations

import math
import warnings

import pytest
from staged_sessions import compiles, value

from eshkol.base.errors import SchemeError
from eshkol.session import Session
from eshkol.xla.programs import CompilationWarning
from programs import shown, table
from rows import one_in


@pytest.fixture
def session() -> Session:
    session = Session()
    session.evaluate("(define (table k v) (let ((h (make-hash-table))) (hash-set! h k v) h))")
    return session


USES = {
    "a shape": "(tensor-sum (ones {n}))",
    "a size of reshape": "(reshape (arange 24.0) {n} 2 -1)",
    "an axis": "(tensor-shape (tensor-sum (ones 5 6 7 8) {n}))",
    "an index of a list": "(list-ref '(10 11 12 13) {n})",
    "an index of a vector": "(vector-ref (vector 10.0 11.0 12.0 13.0) {n})",
    "a trip count": "(do ((i 0 (+ i 1)) (s 0.0 (+ s x))) ((= i {n}) s))",
    "a key of a table": "(hash-ref (table 2 20.0) {n} 5.0)",
    "the length of a list": "(length (make-list {n} 0))",
    "what a filter keeps": "(tensor-sum (zeros (length (filter (lambda (i) (> i {n})) (iota 5)))))",
    "what is removed": "(tensor-sum (list->tensor (delete {n} (iota 5))))",
    "what is left of repetitions": "(tensor-sum (list->tensor (delete-duplicates (list 1 {n}))))",
}

WAYS = {
    "itself": "n",
    "abs": "(abs (- n))",
    "negate": "(- (- n))",
    "+": "(- (+ n 5) 5)",
    "*": "(quotient (* n 6) 6)",
    "min": "(min n 100)",
    "max": "(max n -100)",
    "modulo": "(modulo n 10)",
    "expt": "(quotient (expt n 2) n)",
    "if": "(if (> n 0) n 1)",
    "a loop": "(let loop ((i 0)) (if (< i n) (loop (+ i 1)) i))",
    "a list": "(cadr (list 0 n))",
    "a closure": "((lambda () n))",
    "exact-integer?": "(if (exact-integer? n) n 0)",
}


@pytest.mark.parametrize("use", USES)
def test_a_use_of_the_value_compiles_for_each_value(session: Session, use: str) -> None:
    session.evaluate(f"(define (f n x) {USES[use].format(n='n')}) (define j (jit f))")
    for n in (1, 2, 3):
        with compiles(1):
            staged = value(session, f"(j {n} 2.0)")
        assert str(staged) == str(value(session, f"(f {n} 2.0)"))
        with compiles(0):
            assert str(value(session, f"(j {n} 2.0)")) == str(staged)


@pytest.mark.parametrize("way", WAYS)
def test_the_value_is_known_through_arithmetic(session: Session, way: str) -> None:
    session.evaluate(f"(define j (jit (lambda (n) (zeros {WAYS[way]}))))")
    for n in (3, 4):
        with compiles(1):
            assert len(value(session, f"(j {n})")) == n
    with compiles(0):
        assert len(value(session, "(j 3)")) == 3


PLACES = {
    "a captured variable": ("(define (j n) (jit (lambda () (ones n))))", "((j {n}))"),
    "a global": ("(define n 0) (define j (jit (lambda () (ones n))))", "(set! n {n}) (j)"),
    "an element of a list": ("(define j (jit (lambda (l) (ones (car l)))))", "(j (list {n} 5))"),
    "an element of a vector": (
        "(define j (jit (lambda (v) (ones (vector-ref v 1)))))",
        "(j (vector 5 {n}))",
    ),
    "an entry of a table": (
        "(define j (jit (lambda (h) (ones (hash-ref h 'n)))))",
        "(j (table 'n {n}))",
    ),
    "a global list": (
        "(define l (list 1 1)) (define j (jit (lambda () (ones (cadr l)))))",
        "(set-car! (cdr l) {n}) (j)",
    ),
    "a captured closure": (
        "(define (make n) (lambda () n)) (define (j g) (jit (lambda () (ones (g)))))",
        "((j (make {n})))",
    ),
    "an inner jit": (
        "(define i (jit (lambda (n) (ones n)))) (define j (jit (lambda (n) (i n))))",
        "(j {n})",
    ),
}


@pytest.mark.parametrize("place", PLACES)
def test_wherever_the_integer_comes_from(session: Session, place: str) -> None:
    definition, call = PLACES[place]
    session.evaluate(definition)
    for n in (3, 4, 3):
        assert len(value(session, call.format(n=n))) == n
    with compiles(0):
        assert len(value(session, call.format(n=4))) == 4


def test_only_the_arguments_whose_values_are_used_become_static(session: Session) -> None:
    session.evaluate("(define j (jit (lambda (n m x) (* m x (tensor-sum (ones n))))))")
    with compiles(1):
        assert value(session, "(j 3 5 2.0)") == 30.0
    with compiles(0):
        assert value(session, "(j 3 6 2.0)") == 36.0
        assert value(session, "(j 3 7 4.0)") == 84.0
    with compiles(1):
        assert value(session, "(j 2 7 4.0)") == 56.0


COMPUTED_WITH = [
    "(* n x)",
    "(+ n n)",
    "(if (> n 3) (* 2 x) x)",
    "(max n 3)",
    "(* x (square n))",
    "(let loop ((v x)) (if (< v n) (loop (+ v 1)) v))",
    "(list n (- n) (quotient n 2) (modulo n 3))",
    "(* (arange 3.0) n)",
    "(if (= n 2) 1 0)",
]


@pytest.mark.parametrize("body", COMPUTED_WITH)
def test_a_value_only_computed_with_never_compiles_again(session: Session, body: str) -> None:
    session.evaluate(f"(define (f n x) {body}) (define j (jit f)) (j 1 2.0)")
    with compiles(0):
        for n in (2, 5, 9):
            staged, eager = (value(session, f"({name} {n} 2.0)") for name in ("j", "f"))
            assert str(staged) == str(eager) or staged == pytest.approx(eager)


@pytest.mark.parametrize(
    "call",
    [
        "((jit (repeat 3 sin)) 1.0)",
        "((jit (lambda (x n) ((repeat n sin) x))) 1.0 3)",
        "(car (value-and-gradient (jit (repeat 3 sin)) 1.0))",
        "((jit (lambda (x) ((car (list (repeat 3 sin))) x))) 1.0)",
    ],
)
def test_a_number_that_decides_which_procedures_there_are_is_compiled_in(
    session: Session, call: str
) -> None:
    session.evaluate("""
        (define (repeat n f)
          (if (= n 0) (lambda (x) x) (lambda (x) ((repeat (- n 1) f) (f x)))))""")
    assert float(value(session, call)) == pytest.approx(math.sin(math.sin(math.sin(1.0))))


@pytest.mark.slow
@pytest.mark.parametrize("looks", ["trace", "explain", "blame"])
def test_what_looks_at_a_program_follows_such_numbers_too(session: Session, looks: str) -> None:
    session.evaluate("""
        (define (repeat n f)
          (if (= n 0) (lambda (x) x) (lambda (x) ((repeat (- n 1) f) (f x)))))""")
    assert session.evaluate(f"({looks} (jit (lambda (x n) ((repeat n sin) x))) 1.0 2)")
    assert session.evaluate(f"({looks} (repeat 2 sin) 1.0)")


def test_booleans_are_known_where_they_must_be(session: Session) -> None:
    session.evaluate("(define select (jit (lambda (b x) (if b (* 2 x) (+ 1 x)))))")
    with compiles(1):
        assert [value(session, f"(select {b} 3.0)") for b in ("#t", "#f")] == [6.0, 4.0]
    session.evaluate("(define shape (jit (lambda (b) (ones (if b 2 3)))))")
    with compiles(2):
        assert [len(value(session, f"(shape {b})")) for b in ("#t", "#f", "#t")] == [2, 3, 2]
    session.evaluate("(define kind (jit (lambda (b x) (if b x (list x)))))")
    assert str(session.evaluate("(kind #f 1.0)")) == "(1.0)"
    assert value(session, "(kind #t 1.0)") == 1.0


def test_an_integer_beyond_64_bits_is_an_error_or_static(session: Session) -> None:
    with pytest.raises(ValueError, match="64 bits"):
        session.evaluate("((jit (lambda (n x) (* x (* n n)))) 10000000000 1.0)")


@pytest.mark.parametrize(
    ("definition", "call", "named"),
    [
        ("(define (f n) (zeros n))", "((jit f) {n})", "f: .* of n,"),
        ("(define (f x n) (zeros n))", "((jit f) 1.0 {n})", "f: .* of n,"),
        ("(define (f l) (zeros (cadr l)))", "((jit f) (list 1.0 {n}))", "f: .* of l.1,"),
        ("(define k 0) (define (f) (zeros k))", "(set! k {n}) ((jit f))", "f: .* of k,"),
        ("(define (make size) (lambda () (zeros size)))", "((jit (make {n})))", "of size,"),
    ],
)
def test_many_values_warn_once_and_name_the_argument(
    session: Session, definition: str, call: str, named: str
) -> None:
    session.evaluate(definition)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for n in range(1, 22):
            session.evaluate(call.format(n=n))
    messages = [str(w.message) for w in caught if w.category is CompilationWarning]
    assert len(messages) == 1
    with pytest.warns(CompilationWarning, match=named):
        warnings.warn(messages[0], CompilationWarning, stacklevel=1)


# ---- numbers of trips, of which there are many

TRIPS = {
    "up": "(lambda (n x) (do ((i 0 (+ i 1)) (x x (* 1.01 x))) ((= i n) x)))",
    "down": "(lambda (n x) (let loop ((i n) (x x)) (if (= i 0) x (loop (- i 1) (* 1.01 x)))))",
    "of an inner loop": """(lambda (n x)
        (do ((i 0 (+ i 1)) (x x (do ((j 0 (+ j 1)) (x x (+ x 0.5))) ((= j i) x)))) ((= i n) x)))""",
    "of a loop and of numbers that it draws": """(lambda (n x)
        (with-rng 7 (do ((i 0 (+ i 1)) (x x (+ x (random)))) ((= i n) x))))""",
    "of a derivative's loop": """(lambda (n x)
        (derivative (lambda (x) (do ((i 0 (+ i 1)) (x x (sin x))) ((= i n) x))) x))""",
    "of a loop that assigns": """(lambda (n x)
        (let ((s 0.0)) (do ((i 0 (+ i 1))) ((= i n) s) (set! s (+ s (* i x))))))""",
    "of two loops": """(lambda (n x)
        (+ (do ((i 0 (+ i 1)) (x x (* 1.01 x))) ((= i n) x))
           (do ((i n (- i 1)) (s 0 (+ s i))) ((= i 0) s))))""",
}


@pytest.mark.parametrize("name", one_in(2, TRIPS))
def test_many_numbers_of_trips_share_one_program(session: Session, name: str) -> None:
    session.evaluate(f"(define f {TRIPS[name]}) (define g (jit f))")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for n in [*range(16), 20, 3]:
            assert value(session, f"(g {n} 2.0)") == pytest.approx(value(session, f"(f {n} 2.0)"))
        assert "had many values" in str(session.evaluate("(explain g 20 2.0)"))
        for n in (30, 5, 77):
            expected = pytest.approx(value(session, f"(f {n} 2.0)"))
            with compiles(0):
                assert value(session, f"(g {n} 2.0)") == expected


NEEDED = {
    "a shape": "(lambda (n x) (do ((i 0 (+ i 1)) (s x (+ s (tensor-sum (ones n))))) ((= i n) s)))",
    "a list": "(lambda (n x) (do ((i 0 (+ i 1)) (l '() (cons x l))) ((= i n) (apply + l))))",
    "an index of a list": """(lambda (n x)
        (let ((s (do ((i 0 (+ i 1)) (s x (+ s 1))) ((= i n) s)))) (* s (list-ref (iota 50) n))))""",
}


@pytest.mark.parametrize("name", NEEDED)
def test_a_number_of_trips_that_is_needed_stays_known(session: Session, name: str) -> None:
    session.evaluate(f"(define f {NEEDED[name]}) (define g (jit f))")
    with pytest.warns(CompilationWarning, match="16 different values of n,") as caught:
        for n in range(20):
            assert value(session, f"(g {n} 2.0)") == pytest.approx(value(session, f"(f {n} 2.0)"))
    assert len(caught) == 1


def test_an_error_of_a_program_for_all_numbers_of_trips_is_the_programs(session: Session) -> None:
    session.evaluate("""
        (define (f n x)
          (do ((i 0 (+ i 1)) (x x (if (> x 100) (error "too large" x) (* 1.1 x)))) ((= i n) x)))
        (define g (jit f))""")
    for n in range(18):
        value(session, f"(g {n} 2.0)")
    for n in (30, 80, 30):
        if n == 80:
            with pytest.raises(SchemeError, match="too large"):
                session.evaluate("(g 80 2.0)")
        else:
            assert value(session, f"(g {n} 2.0)") == pytest.approx(2.0 * 1.1**n)


LONG = 10**22


@table(
    f"""
((jit (lambda (n) (list (+ n 1) (* n 2.0)))) {LONG}) ⇒ ({LONG + 1} 2e22)

(define n {LONG}) ((jit (lambda (x) (* x n))) 2.0) ⇒ 2e22

(define f (jit (lambda (n) (list n)))) (list (f 3) (f 4) (f {LONG}) (f 5) (f {LONG + 1}))
⇒ ((3) (4) ({LONG}) (5) ({LONG + 1}))

((jit (lambda (x) (list (if (> x 0) {LONG} 5) (if (> x 0) {LONG} x) (if (> x 0) {LONG} 'a)))) 1.0)
⇒ (1e22 1e22 {LONG})

((jit (lambda (x) (let loop ((i 0.0) (n {LONG})) (if (< i x) (loop (+ i 1) (* n 2)) n)))) 3.0)
⇒ 8e22

((jit (lambda (x) (list-ref (list 1 {LONG}) (if (> x 0) 1 0)))) 1.0) ⇒ 1e22

(let ((n {LONG})) (gradient (lambda (x) (* x n (tensor-sum (ones 2)))) 2.0)) ⇒ 2e22

(gradient (lambda (x) (tensor-sum (* x #(1 2)))) {LONG}) ⇒ 3.0
"""
)
def test_an_integer_of_more_than_64_bits_is_compiled_in(program: str, expected: str) -> None:
    assert shown(program) == expected
