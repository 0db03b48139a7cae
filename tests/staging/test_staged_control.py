"""Conditionals and loops in compiled programs: what they become, and what they do."""

from __future__ import annotations

import re

import jax
import jax.extend.core
import pytest
from staged_sessions import assert_at_rest, compiles, value

from eshkol.base.errors import EshkolError
from eshkol.session import Session
from eshkol.xla import counted_loops


@pytest.fixture
def session() -> Session:
    return Session()


def primitives(session: Session, program: str, *arguments: float) -> list[str]:
    """The names of the operations of a compiled program, those inside of others included."""
    compiled = session.evaluate(program)
    jaxpr = jax.make_jaxpr(compiled)(*arguments)
    found: list[str] = []
    _collect(jaxpr.jaxpr, found)
    return found


def _collect(jaxpr: jax.extend.core.Jaxpr, found: list[str]) -> None:
    for equation in jaxpr.eqns:
        found.append(equation.primitive.name)
        for parameter in jax.tree.leaves(
            list(equation.params.values()),
            is_leaf=lambda x: isinstance(x, jax.extend.core.ClosedJaxpr | jax.extend.core.Jaxpr),
        ):
            inner = getattr(parameter, "jaxpr", parameter)
            if isinstance(inner, jax.extend.core.Jaxpr):
                _collect(inner, found)


SUM = "(jit (lambda (x) (do ((i 0 (+ i 1)) (s 0 (+ s (sin (* x i))))) ((= i {n}) s))))"

SHAPES = [
    # program, the operations it has, those it has not
    (SUM.format(n=1000), {"scan"}, {"loop"}),
    (SUM.format(n=9), {"scan"}, {"loop"}),
    (SUM.format(n=8), set(), {"scan", "loop"}),
    ("(jit (lambda (x) (let loop ((y x)) (if (> y 9) y (loop (* 2 y))))))", {"loop"}, {"scan"}),
    ("(jit (lambda (x) (if (> x 0) (sin x) (cos x))))", {"select_n"}, {"cond", "loop"}),
    ("(jit (lambda (x) (if (> x 0) (fold + x (iota 40)) x)))", {"cond"}, {"loop"}),
    ("(jit (lambda (x) (if (> x 0) x 0.0)))", {"select_n"}, {"cond"}),
    ("(jit (lambda (x) (if (> 1 0) (sin x) (cos x))))", {"sin"}, {"cond", "cos", "select_n"}),
    ("(jit (lambda (x) (do ((i 0 (+ i 1)) (s 0 (+ s i))) ((= i 50) (* s x)))))", {"mul"},
     {"scan", "loop"}),
    ("(jit (lambda (x) (let ((n (+ 10 10))) (do ((i n (- i 1)) (s x (* 2 s))) ((= i 0) s)))))",
     {"scan"}, {"loop"}),
    ("(jit (lambda (x) (let loop ((i 0) (y x)) (if (< i 30) (loop (+ i 2) (sin y)) y))))",
     {"scan"}, {"loop"}),
    ("(jit (lambda (x) (let loop ((t 0.0) (y x)) (if (< t 30.0) (loop (+ t 1.0) (sin y)) y))))",
     {"scan"}, {"loop"}),
    ("(jit (lambda (x) (let loop ((t 0.0) (y x)) (if (< t 1e12) (loop (+ t 1.0) (sin y)) y))))",
     {"loop"}, {"scan"}),
    ("(jit (lambda (x) (do ((i 0 (+ i 1)) (s x (do ((j 0 (+ j 1)) (t s (sin t))) ((= j 20) t))))"
     " ((= i 20) s))))", {"scan"}, {"loop"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("program", "has", "lacks"),
    SHAPES,
    ids=lambda v: v if isinstance(v, str) else " ".join(sorted(v)),
)
def test_what_a_loop_or_condition_becomes(
    session: Session, program: str, has: set[str], lacks: set[str]
) -> None:
    found = primitives(session, program, 1.5)
    assert has <= set(found)
    assert not lacks & set(found)
    if "scan" in has:
        assert found.count("sin") + found.count("mul") <= 4


LOOPS = {
    "a sum from an exact zero": "(do ((i 0 (+ i 1)) (s 0 (+ s (* i x)))) ((= i 20) s))",
    "a sum of tensors from zero": "(do ((i 0 (+ i 1)) (s 0 (+ s (* i (ones 2))))) ((= i 20) s))",
    "exact becomes real": "(let loop ((n 1)) (if (> n x) n (loop (* n 1.5))))",
    "two variables that cross": "(do ((i 0 (+ i 1)) (a 0 b) (b x (+ a b))) ((= i 12) (list a b)))",
    "downwards": "(do ((i 15 (- i 1)) (s x (+ s i))) ((= i 0) s))",
    "by threes": "(do ((i 0 (+ i 3)) (s x (+ s i))) ((>= i 40) (list i s)))",
    "up to a double": "(do ((i 0 (+ i 3)) (s x (+ s i))) ((>= i 40.5) (list i s)))",
    "never entered": "(do ((i 5 (+ i 1)) (s x (+ s i))) ((>= i 5) s))",
    "counter as a result": "(let loop ((i 0) (y x)) (if (< y 1000) (loop (+ i 1) (* y y)) i))",
    "several exits": """(let loop ((i 0)) (cond ((> i 40) -1) ((> (* i i) x) i)
        ((= i 33) (- i)) (else (loop (+ i 1)))))""",
    "exits of one kind": """(let loop ((i 0) (s x)) (cond ((> s 70) (list s i))
        ((= i 90) (list x i)) (else (loop (+ i 1) (+ s i)))))""",
    "a loop inside a traced loop": """(let outer ((i 0) (s 0)) (if (> s 500) (list i s)
        (outer (+ i 1) (let inner ((j 0) (t s)) (if (> j i) t (inner (+ j 1) (+ t x)))))))""",
    "a triangle": """(do ((i 0 (+ i 1)) (s 0.0
        (do ((j 0 (+ j 1)) (t s (+ t (* x j)))) ((= j i) t)))) ((= i 12) s))""",
    "a loop that sets a variable": """(let ((n 0)) (do ((i 0 (+ i 1))) ((= i 30) n)
        (set! n (+ n (* x i)))))""",
    "a traced loop that sets": """(let ((n 0)) (let loop ((y x)) (if (> y 99) (list y n)
        (begin (set! n (+ n 1)) (loop (* y 3))))))""",
    "a loop that writes a vector": """(let ((v (vector 0 1.0 0))) (do ((i 0 (+ i 1)))
        ((= i 30) (vector->list v)) (vector-set! v 1 (+ (vector-ref v 1) x))
        (vector-set! v 2 i)))""",
    "a loop that writes a pair": """(let ((p (list 0 0))) (let loop ((i 0)) (if (< i x)
        (begin (set-car! p (+ i (car p))) (loop (+ i 1))) p)))""",
    "a loop that writes a table": """(let ((h (make-hash-table))) (hash-set! h 'n 0) (let loop
        ((i 0)) (if (< i x) (begin (hash-set! h 'n (+ i (hash-ref h 'n))) (loop (+ i 1)))
        (hash-ref h 'n))))""",
    "a condition that sets": """(let ((a 1) (b x)) (if (> x 5) (begin (set! a (* 2 x)) (set! b 0))
        (set! b 7)) (list a b))""",
    "a list as a variable": "(let loop ((p (list 0 x))) (if (> (car p) 99) p"
    " (loop (list (+ (car p) (cadr p)) (cadr p)))))",
    "a list that grows a known number of times": "(do ((i 0 (+ i 1)) (l '() (cons (* i x) l)))"
    " ((= i 12) l))",
    "a tensor that grows": "(do ((i 0 (+ i 1)) (t (ones 1) (concatenate (list t (* x t)))))"
    " ((= i 4) t))",
    "a counter that indexes a list": "(do ((i 0 (+ i 1)) (s x (* s (list-ref '(1 2 3 4 5 6 7 8 9 1)"
    " i)))) ((= i 10) s))",
    "a closure called in a loop": """(let ((f (lambda (y) (* 1.5 y)))) (let loop ((y x))
        (if (> y 99) y (loop (f y)))))""",
    "a closure over a loop variable": """(let loop ((i 0) (y x)) (if (> y 99) y
        (loop (+ i 1) ((lambda (z) (+ z i 1)) y))))""",
    "a loop in a branch": "(if (> x 3) (let loop ((y x)) (if (> y 99) y (loop (* 2 y)))) (- x))",
    "trips of two kinds": """(let loop ((y x)) (cond ((> y 99) y) ((> y 20) (loop (* 3 y)))
        (else (loop (+ y 1)))))""",
    "and, or, not": "(list (and (> x 0) (< x 5)) (or (< x 0) (> x 5)) (not (> x 1)))",
    "case": "(case (if (> x 3) 1 2) ((1) (* x 10)) ((2) (- x)) (else 0.0))",
    "min and max of a loop": """(do ((i 0 (+ i 1)) (lo x (min lo (sin (* i x))))
        (hi x (max hi (cos i)))) ((= i 20) (list lo hi)))""",
}  # fmt: skip


@pytest.mark.parametrize("name", LOOPS)
def test_compiled_is_eager(session: Session, name: str) -> None:
    session.evaluate(f"(define (f x) {LOOPS[name]}) (define j (jit f))")
    for x in ("2.5", "7.0"):
        with compiles(1 if x == "2.5" else 0):
            staged = session.evaluate(f"(j {x})")
        eager = session.evaluate(f"(f {x})")
        numbers = [re.findall(r"#t|#f|-?[0-9.]+(?:e[-+]?\d+)?", shown(v)) for v in (staged, eager)]
        assert len(numbers[0]) == len(numbers[1])
        for a, b in zip(*numbers, strict=True):
            assert a == b or float(a) == pytest.approx(float(b), rel=1e-6, abs=1e-9)


def shown(result: object) -> str:
    from eshkol.datum.write import write_string

    return write_string(result)


CHANGES = [
    ("(let loop ((vec (ones 2))) (if (> (tensor-sum vec) x) vec"
     " (loop (concatenate (list vec vec)))))",
     r"variable vec changes from f32\[2\] to f32\[4\]"),
    ("(let loop ((i 0) (items '())) (if (< i x) (loop (+ i 1) (cons i items)) items))",
     r"variable items changes from \(\) to a list of 1"),
    ("(let ((total 0)) (let loop ((i 0)) (if (< i x) (begin (set! total (list i)) (loop (+ i 1)))"
     " total)))", "changes from"),
    ("(let loop ((i 0) (state '(a))) (if (< i x) (loop (+ i 1) 2.5) state))",
     "variable state changes from a list of 1 to 2.5"),
    ("(let grow ((x x) (k (lambda (v) v))) (if (> x 99) (k x) (grow (* 2 x) (lambda (v) (k v)))))",
     "variable k is of another kind after each trip"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "words"), CHANGES)
def test_a_change_of_shape_names_the_variable(session: Session, body: str, words: str) -> None:
    with pytest.raises(EshkolError, match=words) as caught:
        session.evaluate(f"((jit (lambda (x) {body})) 10.0)")
    assert caught.value.span is not None
    assert_at_rest()


def test_a_mismatch_of_branches_points_at_the_form(session: Session) -> None:
    text = "((jit (lambda (x)\n  (+ 1 (if (> x 0)\n     (zeros 2)\n     (zeros 3))))) 1.0)"
    with pytest.raises(EshkolError, match=r"branches give f32\[2\] and f32\[3\]") as caught:
        session.evaluate(text)
    assert caught.value.span is not None
    assert caught.value.span.line == 2
    assert "(zeros 2)" in str(caught.value)
    assert "(zeros 3)" in str(caught.value)


def test_derivatives_of_counting_loops(session: Session) -> None:
    session.evaluate("(define (f x) (do ((i 0 (+ i 1)) (s x (* s x))) ((= i 20) s)))")
    for program in ("(gradient f 1.1)", "((jit (gradient f)) 1.1)", "((gradient (jit f)) 1.1)"):
        assert value(session, program) == pytest.approx(21 * 1.1**20)


COUNTED = {
    "a double": "(let loop ((t 0.0) (y x)) (if (< t 30.5) (loop (+ t 1.5) (* 1.01 (+ y t))) y))",
    "up to a double": "(do ((i 0 (+ i 1)) (y x (* 1.01 y))) ((>= i 30.0) (* i y)))",
    "down to a number": "(do ((t 30.0 (- t 1.0)) (y x (sin (+ y t)))) ((= t 0.0) (+ t y)))",
    "what becomes something else": """(do ((t 0.0 (+ t 1.0)) (y x (if (symbol? y) x 'none)))
        ((= t 30.0) (if (symbol? y) 0.0 (* 2 y))))""",
}


@pytest.mark.parametrize("name", COUNTED)
def test_loops_with_more_trips_than_are_counted(
    session: Session, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counted_loops, "MOST_COUNTED", 10)
    program = f"(lambda (x) {COUNTED[name]})"
    assert "loop" in primitives(session, f"(jit {program})", 1.5)
    for text in ("({} 1.5)", "(gradient {} 1.5)"):
        expected = value(session, text.format(program))
        assert value(session, text.format(f"(jit {program})")) == pytest.approx(expected)
