"""The short ways of calls with numbers and structures: they do what the general way does."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from staged_sessions import compiles, value
from test_caching import CHANGES

from eshkol.session import Session

OFTEN = 9
"""After so many calls there is a way."""


@pytest.fixture
def session() -> Session:
    session = Session()
    session.evaluate("(define (table k v) (let ((h (make-hash-table))) (hash-set! h k v) h))")
    return session


def ways(session: Session, name: str) -> list[Any]:
    return session.get(name).eshkol_jit.ways


CALLS = {
    # the parameters and body, arguments by the number of the call
    "a real": ("(x) (* 2 x)", lambda i: f"{i}.5"),
    "an exact integer": ("(n x) (* n x)", lambda i: f"{i} 2.5"),
    "a static integer": ("(n x) (* x (ones (+ 1 (modulo n 2))))", lambda i: f"{i % 2} 2.5"),
    "a truth value": ("(b x) (if b x (- x))", lambda i: f"{'#t' if i % 2 else '#f'} 2.5"),
    "a real and tensors": ("(x y k) (+ (* k x) y)", lambda i: f"(ones 2) (ones 2) {i}.5"),
    "a list": ("(l x) (* (car l) (cadr l) x)", lambda i: f"(list {i}.5 {i}) 2.0"),
    "a result of several parts": ("(n x) (list n x (* n x))", lambda i: f"{i} 2.5"),
    "a closure": ("(f x) (f x)", lambda i: f"(let ((k {i}.5)) (lambda (x) (* k x))) 2.0"),
    "numbers of other kinds": ("(x) (* 2 x)", lambda i: f"{i}" if i % 2 else f"{i}.5"),
    "a keyword": ("(x #:k (k 2.0)) (* k x)", lambda i: f"2.0 #:k {i}.5"),
    "keywords in any order": (
        "(x #:b (b 1.0) #:a (a 1.0)) (- (* a x) b)",
        lambda i: f"2.0 #:b {i}.5 #:a 3" if i % 2 else f"2.0 #:a {i} #:b 1.5",
    ),
    "a keyword that a way uses itself": (
        "(x #:target k #:result n) (* k x n)",
        lambda i: f"2.0 #:target {i}.5 #:result 2.0",
    ),
    "shapes that differ": ("(x k) (* k x)", lambda i: f"(ones {1 + i % 3}) {i}.5"),
}


@pytest.mark.parametrize("case", CALLS)
def test_a_way_gives_what_the_procedure_gives(session: Session, case: str) -> None:
    body, arguments = CALLS[case]
    session.evaluate(f"(define (f {body[1:]}) (define j (jit f))")
    for number in range(20):
        staged = session.evaluate(f"(j {arguments(number)})")
        session.define("staged", staged)
        session.define("eager", session.evaluate(f"(f {arguments(number)})"))
        assert value(session, '(equal? (format #f "~a" staged) (format #f "~a" eager))'), number
    state = session.get("j").eshkol_jit
    if "way uses" not in case:
        assert state.keyword_ways if "keyword" in case else state.ways
    with compiles(0):
        for number in range(20):
            session.evaluate(f"(j {arguments(number)})")


FRONTS = {
    "a captured real": "(define f (let ((k 2.5)) (jit (lambda (l) (* k (car l))))))",
    "a top-level real": "(define k 2.5) (define f (jit (lambda (l) (* k (car l)))))",
    "a captured integer": "(define f (let ((k 3)) (jit (lambda (l) (* k (car l))))))",
    "the rate of an optimizer": """(define rule (adam 0.01))
      (define f (jit (lambda (l) (car (optimizer-update rule l l (optimizer-init rule l))))))""",
}


@pytest.mark.parametrize("text", FRONTS.values(), ids=FRONTS)
def test_a_way_calls_the_program_that_is_there(session: Session, text: str) -> None:
    session.evaluate(text)
    with compiles(1):
        for _ in range(OFTEN):
            session.evaluate("(f (list (ones 2)))")
    assert ways(session, "f")


@pytest.mark.parametrize(("first", "use", "change", "expected", "count"), CHANGES)
def test_a_way_is_never_stale(
    session: Session, first: str, use: str, change: str, expected: float, count: int
) -> None:
    session.evaluate(f"(define v {first}) (define f (jit (lambda (x) {use})))")
    for _ in range(OFTEN):
        session.evaluate("(f 3.0)")
    session.evaluate(change)
    with compiles(count):
        result = value(session, "(f 3.0)")
    if expected is not None:
        assert result == pytest.approx(expected)
    for _ in range(OFTEN):
        assert value(session, "(equal? (f 3.0) (f 3.0))") is True


def test_a_shape_that_needs_the_value_of_an_integer(session: Session) -> None:
    session.evaluate("""
        (define f (jit (lambda (n x)
          (if (= (car (tensor-shape x)) 3) (ones n) (* n x)))))""")
    for number in range(OFTEN):
        assert value(session, f"(f {number} (ones 2))") == [number, number]
    assert ways(session, "f")
    for number in (4, 5, 4):
        assert value(session, f"(f {number} (ones 3))") == [1.0] * number
    for number in range(OFTEN):
        assert value(session, f"(f {number} (ones 2))") == [number, number]
        assert value(session, f"(f {number % 3 + 1} (ones 3))") == [1.0] * (number % 3 + 1)


def test_an_integer_beyond_64_bits_is_no_way(session: Session) -> None:
    session.evaluate("(define f (jit (lambda (n x) (* n x))))")
    for number in range(OFTEN):
        session.evaluate(f"(f {number} 2.0)")
    assert value(session, "(f 100000000000000000000 2.0)") == 2e20
    assert value(session, "(f 3 2.0)") == 6.0


def test_a_way_is_not_taken_inside_of_a_larger_program(session: Session) -> None:
    session.evaluate("(define k 2.0) (define inner (jit (lambda (x) (* k x))))")
    for _ in range(OFTEN):
        session.evaluate("(inner 3.0)")
    session.evaluate("(define outer (jit (lambda (y) (+ y (inner 3.0)))))")
    assert value(session, "(outer 1.0)") == 7.0
    with compiles(0):
        assert value(session, "(set! k 5.0) (outer 1.0)") == 16.0
    assert value(session, "(gradient (lambda (x) (* x (inner x))) 3.0)") == 30.0


def test_random_numbers_on_a_way(session: Session) -> None:
    session.evaluate("(define (f x) (* x (random))) (define j (jit f))")
    session.evaluate("(rng-seed 5)")
    drawn = [value(session, "(f 2.0)") for _ in range(12)]
    session.evaluate("(rng-seed 5)")
    np.testing.assert_allclose([value(session, "(j 2.0)") for _ in range(12)], drawn, rtol=1e-12)
    assert ways(session, "j")


def test_a_way_of_keywords_is_never_stale(session: Session) -> None:
    session.evaluate("(define v 2.0) (define f (jit (lambda (x #:k (k 1.0)) (* v k x))))")
    for number in range(OFTEN):
        assert value(session, f"(f 3.0 #:k {number}.0)") == 6.0 * number
    assert session.get("f").eshkol_jit.keyword_ways
    assert value(session, "(set! v 5.0) (f 3.0 #:k 2.0)") == 30.0
    with pytest.raises(TypeError, match="no keyword argument #:z"):
        session.evaluate("(f 3.0 #:z 2.0)")


def test_a_way_in_many_threads(session: Session) -> None:
    session.evaluate("(define k 2.0) (define f (jit (lambda (x n) (list (* k x) n))))")
    compiled = session.get("f")
    wrong: list[Any] = []

    def work(start: int) -> None:
        for number in range(start, start + 200):
            result = compiled(float(number), number)
            if (float(result.car), int(result.cdr.car)) != (2.0 * number, number):
                wrong.append((number, result))

    threads = [threading.Thread(target=work, args=(1000 * index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert ways(session, "f")
