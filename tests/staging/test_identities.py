"""Vectors of which it is traced which are the same: random programs that exchange and change them.

Three rows are variables, elements of a vector and elements of a list. Statements choose rows by
traced conditions and indices, store them somewhere else and change them; at the end all is read.
"""

from __future__ import annotations

import random

import pytest

from eshkol.session import Session

FAST, ALL = 4, 60
NAMES = ("a", "b", "c")
CONDITIONS = ("(> x 0)", "(> y 0)", "(> x y)", "(> (* x y) 0)")
POINTS = ("1. 2.", "-1. 2.", "3. -2.", "-3. -4.")


class Program:
    """A random program as text."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        statements = [self.statement() for _ in range(self.random.randrange(3, 8))]
        self.text = f"""
        (define (f x y)
          (let* ((a (vector 1. 2.)) (b (vector 3. 4.)) (c (vector 5. 6.))
                 (m (vector a b c)) (l (list c a b)))
            {" ".join(statements)}
            (map vector->list
                 (list a b c (vector-ref m 0) (vector-ref m 1) (vector-ref m 2)
                       (list-ref l 0) (list-ref l 1) (list-ref l 2)))))"""

    def condition(self) -> str:
        return self.random.choice(CONDITIONS)

    def index(self, size: int) -> str:
        first, second = self.random.randrange(size), self.random.randrange(size)
        return self.random.choice([f"{first}", f"(if {self.condition()} {first} {second})"])

    def row(self, depth: int = 0) -> str:
        kinds = ["name", "name", "vector", "list", "new"] + ["if", "entry"] * (depth < 2)
        match self.random.choice(kinds):
            case "vector":
                return f"(vector-ref m {self.index(3)})"
            case "list":
                return f"(list-ref l {self.index(3)})"
            case "new":
                return f"(vector {self.random.randrange(9)}. {self.random.randrange(9)}.)"
            case "if":
                return f"(if {self.condition()} {self.row(depth + 1)} {self.row(depth + 1)})"
            case "entry":
                rows = f"(cons 0 {self.row(depth + 1)}) (cons 1 {self.row(depth + 1)})"
                return f"(cdr (assv {self.index(2)} (list {rows})))"
            case _:
                return self.random.choice(NAMES)

    def number(self) -> str:
        row = self.row()
        return self.random.choice(
            ["7.", f"(+ x (vector-ref {row} 1))", f"(vector-ref {row} {self.index(2)})"]
        )

    def statement(self, depth: int = 0) -> str:
        kinds = ["change", "change", "store", "assign", "exchange", "list"]
        match self.random.choice(kinds + ["if", "loop"] * (depth < 2)):
            case "change":
                return f"(vector-set! {self.row()} {self.index(2)} {self.number()})"
            case "store":
                return f"(vector-set! m {self.index(3)} {self.row()})"
            case "assign":
                return f"(set! {self.random.choice(NAMES)} {self.row()})"
            case "exchange":
                i, j = self.index(3), self.index(3)
                return (
                    f"(let ((row (vector-ref m {i})))"
                    f" (vector-set! m {i} (vector-ref m {j})) (vector-set! m {j} row))"
                )
            case "list":
                return f"(list-set! l {self.random.randrange(3)} {self.row()})"
            case "if":
                steps = f"{self.statement(depth + 1)} {self.statement(depth + 1)}"
                return f"(if {self.condition()} (begin {steps}) {self.statement(depth + 1)})"
            case _:
                return f"(do ((q 0 (+ q 1))) ((= q 2)) {self.statement(depth + 1)})"


@pytest.mark.parametrize(
    "seed",
    [pytest.param(seed, marks=() if seed < FAST else pytest.mark.slow) for seed in range(ALL)],
)
def test_a_change_is_seen_by_whatever_holds_the_vector(seed: int) -> None:
    program = Program(seed)
    session = Session()
    session.evaluate(program.text)
    session.evaluate("(define g (jit f))")
    for point in POINTS:
        expected = session.evaluate(f"(f {point})")
        for row, same in zip(expected, session.evaluate(f"(g {point})"), strict=True):
            assert [float(x) for x in same] == pytest.approx(list(row)), program.text
