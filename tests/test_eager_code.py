"""What eager code does in place, against the evaluator, which does nothing in place."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eshkol.base.errors import EshkolError
from eshkol.codegen.kinds import RESULTS
from eshkol.datum.symbols import Symbol
from eshkol.datum.values import HashTable, Vector
from eshkol.datum.write import write_string
from eshkol.runtime.procedures import ON_INTS
from eshkol.session import Session

CLASSES = {
    " int": int,
    " float": float,
    " str": str,
    " Symbol": Symbol,
    " HashTable": HashTable,
    " Vector": Vector,
}


def outcome(program: str, engine: str | None) -> tuple[str, ...]:
    """What a program gives and prints, or the first line of what is said about it."""
    session = Session() if engine is None else Session(engine=engine)
    session.evaluate("(define seen '()) (define (see x) (set! seen (cons x seen)) x)")
    try:
        value = write_string(session.evaluate(program))
    except EshkolError as error:
        value = type(error).__name__ + ": " + error.message
    return value, write_string(session.evaluate("seen"))


def agree(program: str) -> None:
    assert outcome(program, None) == outcome(program, "cek")


def programs() -> list[str]:
    lines = (Path(__file__).parent / "eager_programs.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("# ")]


@pytest.mark.parametrize("program", programs())
def test_a_program_in_place(program: str) -> None:
    agree(program)


ENDS = ["=", "<", ">", "<=", ">="]


@pytest.mark.parametrize("name", ENDS)
@given(st.integers(-3, 6), st.integers(-3, 6), st.sampled_from(["+", "-"]), st.booleans())
def test_counting(name: str, start: int, limit: int, step: str, flipped: bool) -> None:
    """A loop is left after twenty trips, so that those without end can be compared too."""
    test = f"({name} {limit} i)" if flipped else f"({name} i {limit})"
    agree(
        f"(let loop ((i {start}) (left 20)) "
        f"(if {test} (list i left) (if (= left 0) 'left (loop ({step} i 1) (- left 1)))))"
    )


EXAMPLES = {
    "string-append": '(string-append "a" (string-copy "b"))',
    "number->string": "(number->string 1.5)",
    "string-join": '(string-join (list "a" (string-copy "b")))',
    "substring": '(substring (string-copy "abc") 1 2)',
    "symbol->string": "(symbol->string 'a)",
    "string-length": '(string-length "abc")',
    "vector-length": "(vector-length #(1 2))",
    "length": "(length '(1 2))",
    "char->integer": "(char->integer #\\a)",
    "make-hash-table": "(make-hash-table)",
    "make-vector": "(make-vector 2 0.5)",
    "vector": "(vector 1.0 2.0)",
    "list->vector": "(list->vector '(1 2))",
}


@pytest.mark.parametrize("name", RESULTS)
def test_what_is_said_of_results_is_true(name: str) -> None:
    assert Session().evaluate(EXAMPLES[name]).__class__ is CLASSES[RESULTS[name]]


# ---- procedures of ints

INTS = {
    "fib": "(define (fib n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))",
    "tak": "(define (tak x y z) (if (not (< y x)) z"
    " (tak (tak (- x 1) y z) (tak (- y 1) z x) (tak (- z 1) x y))))",
    "ack": "(define (ack m n) (cond ((= m 0) (+ n 1)) ((= n 0) (ack (- m 1) 1))"
    " (else (ack (- m 1) (ack m (- n 1))))))",
    "e?": "(define (e? n) (if (= n 0) #t (o? (- n 1))))"
    " (define (o? n) (if (= n 0) #f (e? (- n 1))))",
    "gcd2": "(define (gcd2 a b) (if (= b 0) (abs a) (max 1 (gcd2 b (remainder a b)))))",
    "neg": '(define (neg n) (if (< n 0) (error "below" n) (+ 1 (neg (- n 2)))))',
}

CALLS = ["(fib 12)", "(fib 4.0)", "(fib 5/2)", "(fib #t)", "(fib 'a)", "(fib)", "(tak 6 4 2)"]
CALLS += ["(tak 6.0 4 2)", "(tak 6 4 2.5)", "(ack 2 3)", "(ack 1 2.0)", "(e? 1001)", "(e? 10.0)"]
CALLS += [
    "(o? 4)",
    "(gcd2 12 18)",
    "(gcd2 12.0 18)",
    "(gcd2 1 'b)",
    "(neg 4)",
    "(map fib (iota 9))",
]
CALLS += ["(fib 1 2)", "(fib (expt 2 0))"]


@pytest.mark.parametrize("call", CALLS)
def test_procedures_of_ints(call: str) -> None:
    agree(" ".join(INTS.values()) + call)


@pytest.mark.parametrize(
    ("redefinition", "call", "expected"),
    [
        (
            "(define calls 0) (define old fib)"
            " (set! fib (lambda (n) (set! calls (+ calls 1)) (old n)))",
            "(list (fib 5) calls)",
            "(5 15)",
        ),
        ("(define old fib) (define (fib n) 1)", "(old 5)", "2"),
        ("(define old e?) (define (o? n) 'other)", "(old 5)", "other"),
        ("(define old o?) (define (e? n) 'other)", "(list (old 5) (o? 1))", "(other other)"),
        ("(define old fib) (define fib fib)", "(old 10)", "55"),
        (
            "(define old fib) (define (fib n) (if (< n 2) 'x (old n)))",
            "(guard (e (#t 'no)) (old 5))",
            "no",
        ),
    ],
)
@pytest.mark.parametrize("engine", [None, "cek"])
def test_a_procedure_of_ints_that_is_defined_anew(
    redefinition: str, call: str, expected: str, engine: str | None
) -> None:
    session = Session() if engine is None else Session(engine=engine)
    for definition in INTS.values():
        session.evaluate(definition)
    session.evaluate("(list (fib 5) (e? 5))")
    session.evaluate(redefinition)
    assert write_string(session.evaluate(call)) == expected


def test_a_procedure_of_ints_in_a_module_is_defined_anew(tmp_path: Any) -> None:
    path = tmp_path / "numbers.esk"
    path.write_text(INTS["fib"])
    for _ in range(2):  # compiled, then kept compiled
        session = Session()
        session.evaluate(f'(load "{path}") (define old fib)')
        assert session.evaluate("(fib 10)") == 55
        assert session.evaluate("(define (fib n) 1) (old 10)") == 2


def test_a_procedure_of_ints_that_is_loaded_again_stays_one(tmp_path: Any) -> None:
    path = tmp_path / "numbers.esk"
    path.write_text(INTS["fib"] + INTS["e?"])
    session = Session()
    for _ in range(3):
        session.evaluate(f'(load "{path}")')
    hidden = [f for name, f in session.namespace.variables.items() if name.startswith(ON_INTS)]
    assert len(hidden) == 3
    for function in hidden:
        assert any(name.startswith(ON_INTS) for name in function.__code__.co_names)


@given(
    st.lists(st.sampled_from([0, 1, -2, 5, 2.5, Fraction(1, 2), True, "a"]), min_size=2, max_size=2)
)
def test_ints_and_others(values: list[Any]) -> None:
    first, second = map(write_string, values)
    agree(
        "(define (f a b) (if (<= a 0) b (+ (f (- a 1) (+ b 1)) (f (- a 2) (* b 2)))))"
        f"(f {first} {second})"
    )


def test_errors_of_procedures_of_ints_point_at_the_form() -> None:
    session = Session()
    session.evaluate(
        "(define (f n)\n  (if (= n 0)\n      (quotient 1 n)\n      (+ 1 (f (- n 1)))))"
    )
    with pytest.raises(EshkolError) as caught:
        session.evaluate("(f 3)")
    assert "(quotient 1 n)" in str(caught.value)


def test_shared_names_of_loops_and_procedures() -> None:
    """Loop variables take over parameters only where these are not needed any more."""
    for a, b in itertools.product(("x", "(+ x 1)"), ("x", "y")):
        agree(
            f"(define (f x y) (let loop ((i {a}) (j {b})) (if (> i 6) (list i j x) "
            "(loop (+ i 1) (+ j i))))) (f 1 2)"
        )


def test_a_procedure_in_place_is_a_function_again() -> None:
    """Its variables keep their names there, apart from the temporaries of that function."""
    session = Session()
    session.evaluate(
        "(define (f l) (map (lambda (x) (let ((y (+ x 1)) (z (vector-ref #(1 2 3) (abs x))))"
        " (list (if (number? y) y x) z (+ (* y (car (list z))) x)))) l))"
    )
    expected = write_string(session.evaluate("(f '(0 1 2))"))
    session.evaluate("(define (map f l) (if (null? l) l (cons (f (car l)) (map f (cdr l)))))")
    assert write_string(session.evaluate("(f '(0 1 2))")) == expected
