"""Tail calls take no room, however they are made; other calls nest deep."""

from __future__ import annotations

import sys

import pytest

from eshkol.base.errors import TooDeep
from eshkol.session import Session

CALLS = 30_000
"""More than Python's stack would hold of what a test's loop leaves on it, if it left anything."""

TAIL_CALLS = {
    "mutual": """
        (define (even n) (if (= n 0) 'done (odd (- n 1))))
        (define (odd n) (if (= n 0) 'done (even (- n 1))))
        (define (f n) (even n))""",
    "of three": """
        (define (a n) (if (= n 0) 'done (b (- n 1))))
        (define (b n) (if (= n 0) 'done (c (- n 1))))
        (define (c n) (if (= n 0) 'done (a (- n 1))))
        (define (f n) (a n))""",
    "of an argument": """
        (define (go next n) (if (= n 0) 'done (next next (- n 1))))
        (define (f n) (go go n))""",
    "of a procedure in a list": """
        (define table (list (lambda (n) (step n))))
        (define (step n) (if (= n 0) 'done ((car table) (- n 1))))
        (define (f n) (step n))""",
    "through apply": "(define (f n) (if (= n 0) 'done (apply f (list (- n 1)))))",
    "through apply of apply": """
        (define (f n) (if (= n 0) 'done (apply apply (list f (list (- n 1))))))""",
    "of the consumer of values": """
        (define (f n)
          (if (= n 0)
              'done
              (call-with-values (lambda () (values n 1)) (lambda (a b) (f (- a b))))))""",
    "of the receiver of a continuation": """
        (define (f n) (if (= n 0) 'done (call/cc (lambda (k) (f (- n 1))))))""",
    "of a receiver under another name": """
        (define capture call/cc)
        (define (f n) (if (= n 0) 'done (capture (lambda (k) (f (- n 1))))))""",
    "of a receiver through apply": """
        (define (f n) (if (= n 0) 'done (apply call/cc (list (lambda (k) (f (- n 1)))))))""",
    "in let/cc": "(define (f n) (if (= n 0) 'done (let/ec k (f (- n 1)))))",
    "that keep the first continuation": """
        (define (g n k) (if (= n 0) (k 'done) (call/cc (lambda (j) (g (- n 1) (or k j))))))
        (define (f n) (g n #f))""",
    "behind =>": """
        (define (a n) (cond ((= n 0) 'done) ((- n 1) => b)))
        (define (b n) (case n ((0) 'done) (else => a)))
        (define (f n) (a n))""",
    "in a clause of guard": """
        (define (f n)
          (cond ((= n 0) 'done)
                ((even? n) (guard (e (#t (f (- n 1)))) (raise 'x)))
                (else
                 (guard (e ((assq 'a e) => (lambda (p) (f (- n 1))))) (raise '((a . 1)))))))""",
    "of local procedures": """
        (define (f n)
          (define (even n) (if (= n 0) 'done (odd (- n 1))))
          (define (odd n) (if (= n 0) 'done (even (- n 1))))
          (even n))""",
    "of an assigned variable": """
        (define (f n)
          (let ((go #f))
            (set! go (lambda (n) (if (= n 0) 'done (go (- n 1)))))
            (go n)))""",
    "in cond, case, and, or, when, let and do": """
        (define (a n) (cond ((= n 0) 'done) (else (b n))))
        (define (b n) (case n ((-1) 'never) (else (c n))))
        (define (c n) (and #t (d n)))
        (define (d n) (or #f (e n)))
        (define (e n) (when #t (g n)))
        (define (g n) (let ((m n)) (let* ((k m)) (letrec ((j k)) (h n)))))
        (define (h n) (do ((i 0 (+ i 1))) ((= i 1) (a (- n 1)))))
        (define (f n) (a n))""",
    "with rest and optional arguments": """
        (define (a n (m 1) . rest) (if (= n 0) 'done (b (- n m) 5)))
        (define (b n . rest) (a n))
        (define (f n) (a n))""",
    "with keyword arguments": """
        (define (a n step) (if (= n 0) 'done (b #:n (- n step))))
        (define (b n) (a n #:step 1))
        (define (f n) (b n))""",
    "in continuation-passing style": """
        (define (count n k) (if (= n 0) (k 0) (count (- n 1) (lambda (v) (k (+ v 1))))))
        (define (f n) (if (= (count n (lambda (v) v)) n) 'done 'wrong))""",
    "of a state machine that calls others in between": """
        (define (square x) (* x x))
        (define (a n) (if (= n 0) 'done (if (< (square n) 0) 'never (b (- n 1)))))
        (define (b n) (if (= n 0) 'done (begin (map square '(1 2)) (a (- n 1)))))
        (define (f n) (a n))""",
}


@pytest.mark.parametrize("name", TAIL_CALLS)
def test_tail_calls_take_no_room(name: str) -> None:
    session = Session()
    session.evaluate(TAIL_CALLS[name])
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(CALLS // 3)
    try:
        assert session.evaluate(f"(f {CALLS})") == session.evaluate("'done")
    finally:
        sys.setrecursionlimit(limit)


ESCAPES = {
    "the last of many": (
        "(define (f n k) (if (= n 0) (k 7) (call/cc (lambda (j) (f (- n 1) j)))))",
        "(+ 1 (f 20000 #f))",
    ),
    "the first of many": (
        "(define (f n k) (if (= n 0) (k 7) (call/cc (lambda (j) (f (- n 1) (or k j))))))",
        "(+ 1 (f 20000 #f))",
    ),
    "one whose frame is thrown away": (
        """(define (f n k)
             (if (= n 0) (k 7) (call/cc (lambda (j) (f (- n 1) (if (= n 15000) j k))))))""",
        "(+ 1 (f 20000 #f))",
    ),
    "one outside": (
        "(define (f n k) (if (= n 0) (k 8) (call/cc (lambda (j) (f (- n 1) k)))))",
        "(call/cc (lambda (k) (+ 1 (f 20000 k))))",
    ),
    "one out of a dynamic extent": (
        """(define path '())
           (define (note x) (lambda () (set! path (cons x path))))
           (define (f n k) (if (= n 0) (k 5) (call/cc (lambda (j) (f (- n 1) (or k j))))))""",
        """(let ((value (dynamic-wind (note 'in) (lambda () (+ 1 (f 20000 #f))) (note 'out))))
             (+ value (length path)))""",
    ),
    "to one of many waiting calls": (
        """(define (f n k) (if (= n 0) (k 1) (call/cc (lambda (j) (f (- n 1) (or k j))))))
           (define (g n) (if (= n 0) 0 (+ (f 3000 #f) (g (- n 1)))))""",
        "(g 8)",
    ),
}


@pytest.mark.parametrize("name", ESCAPES)
@pytest.mark.parametrize("engine", ["python", "cek"])
def test_continuations_of_tail_calls(name: str, engine: str) -> None:
    program, call = ESCAPES[name]
    assert Session(engine=engine).evaluate(program + call) == 8


def test_a_continuation_whose_frame_was_thrown_away_ends_with_the_one_that_is_left() -> None:
    session = Session(engine="python")
    session.evaluate("""
        (define kept #f)
        (define (f n) (if (= n 0) 'done (call/cc (lambda (k) (if (= n 9000) (set! kept k))
                                                             (f (- n 1))))))
        (f 10000)""")
    with pytest.raises(ValueError, match="its call/cc has ended"):
        session.evaluate("(kept 1)")


@pytest.mark.parametrize("engine", ["python", "cek"])
def test_eval_is_a_tail_call(engine: str) -> None:
    session = Session(engine=engine)
    session.evaluate("(define (f n) (if (= n 0) 'done (eval (list 'f (- n 1)))))")
    limit = sys.getrecursionlimit()
    # Of the three frames of each of the 5,000 calls, those of 3,000 calls may stand: 2,000 between
    # two looks at the stack, and 1,000 that a look leaves.
    sys.setrecursionlimit(10_000)
    try:
        assert session.evaluate("(f 5000)") == session.evaluate("'done")
    finally:
        sys.setrecursionlimit(limit)


def test_a_million_of_them() -> None:
    session = Session()
    session.evaluate(TAIL_CALLS["mutual"])
    assert session.evaluate("(f 1000000)") == session.evaluate("'done")


NESTED_CALLS = {
    "a sum": ("(define (f n) (if (= n 0) 0 (+ 1 (f (- n 1)))))", "(f 100000)", 100_000),
    "a list": (
        "(define (f n) (if (= n 0) '() (cons n (f (- n 1)))))",
        "(length (f 100000))",
        100_000,
    ),
    "through map": (
        "(define (f n) (if (= n 0) 0 (+ 1 (car (map f (list (- n 1)))))))",
        "(f 40000)",
        40_000,
    ),
    "above tail calls": (
        """(define (even n) (if (= n 0) 0 (odd (- n 1))))
           (define (odd n) (if (= n 0) 0 (even (- n 1))))
           (define (f n) (if (= n 0) (even 10000) (+ 1 (f (- n 1)))))""",
        "(f 50000)",
        50_000,
    ),
}


@pytest.mark.parametrize("name", NESTED_CALLS)
def test_other_calls_nest_deep(name: str) -> None:
    program, call, expected = NESTED_CALLS[name]
    assert Session().evaluate(program + call) == expected


ENDLESS = {
    "itself": "(define (f x) (+ 1 (f x)))",
    "through apply": "(define (f x) (+ 1 (apply f (list x))))",
    "through map": "(define (f x) (car (map f (list x))))",
    "through sort": "(define (f x) (sort (list 2 1) (lambda (a b) (f x))))",
}


@pytest.mark.parametrize("name", ENDLESS)
def test_endless_recursion_is_an_error(name: str) -> None:
    session = Session()
    session.evaluate(ENDLESS[name])
    with pytest.raises(TooDeep, match="the recursion is too deep"):
        session.evaluate("(f 1)")
    assert session.evaluate("(+ 1 2)") == 3


def test_a_recursion_past_its_base_case_is_told_at_its_call() -> None:
    session = Session(engine="python")
    with pytest.raises(TooDeep) as caught:
        session.evaluate("(define (f n) (if (= n 0) 1 (* n (f (- n 1))))) (f 2.5)", file="f.esk")
    assert str(caught.value).startswith("f.esk:1:34: the recursion is too deep")


@pytest.mark.parametrize("call", ["((jit f) 1.0)", "((vmap f) (ones 2))", "(gradient f (ones 2))"])
def test_endless_recursion_that_is_traced_is_an_error_soon(call: str) -> None:
    """JAX takes long to look at a long traceback, so only its ends get there."""
    session = Session()
    session.evaluate("(define (f x) (+ 1 (f x)))")
    with pytest.raises(TooDeep, match="the recursion is too deep") as caught:
        session.evaluate(call)
    assert len(caught.traceback) < 1_000


def test_an_error_after_many_tail_calls_is_where_it_is() -> None:
    session = Session()
    session.evaluate("""
        (define (even n) (if (= n 0) (car 5) (odd (- n 1))))
        (define (odd n) (if (= n 0) 0 (even (- n 1))))""")
    with pytest.raises(TypeError, match="car: expected a pair, got 5"):
        session.evaluate("(even 10000)")


@pytest.mark.parametrize("count", [1, 4999, 5000, 5001, 12345])
def test_wrong_calls_after_many_tail_calls(count: int) -> None:
    session = Session()
    session.evaluate("""
        (define (a n) (if (= n 0) (b) (b (- n 1))))
        (define (b n) (if (= n 0) (a) (a (- n 1))))""")
    with pytest.raises(TypeError, match="takes 1 argument, got 0"):
        session.evaluate(f"(a {count})")
