"""Derivatives that programs give themselves: on numbers, on tensors, compiled, nested, in lanes."""

from __future__ import annotations

import math

import jax
import numpy as np
import pytest
from staged_sessions import assert_at_rest, compiles

from eshkol.base.errors import EshkolError, ShapeError, StagingError, WrongType
from eshkol.session import Session


@pytest.fixture
def session() -> Session:
    return Session()


def number(session: Session, text: str) -> float:
    return float(session.evaluate(text))


# ---- right rules change nothing: the procedure under test is x³ y + sin x, with each kind of rule

PLAIN = "(define (f x y) (+ (* x x x y) (sin x)))"

RULED = {
    "custom-gradient": """
(define (f0 x y) (+ (* x x x y) (sin x)))
(define f (custom-gradient f0
  (lambda (g v x y) (list (* g (+ (* 3 x x y) (cos x))) (* g x x x)))))""",
    "custom-vjp": """
(define f (custom-vjp
  (lambda (x y) (values (+ (* x x x y) (sin x)) (list (+ (* 3 x x y) (cos x)) (* x x x))))
  (lambda (slopes g) (map (lambda (slope) (* g slope)) slopes))))""",
    "custom-jvp": """
(define (f0 x y) (+ (* x x x y) (sin x)))
(define f (custom-jvp f0
  (lambda (x y dx dy) (+ (* dx (+ (* 3 x x y) (cos x))) (* x x x dy)))))""",
}

USES = {
    "value": "(list (f 0.5 2.0))",
    "gradient": "(gradient f 0.5 2.0)",
    "one argument moves": "(list (derivative (lambda (x) (f x 2.0)) 0.5))",
    "both are the same": "(list (derivative (lambda (x) (f x x)) 0.5))",
    "jvp": "(jvp f #(0.5 2.0) #(1.0 3.0))",
    "vjp": "(cadr (vjp f #(0.5 2.0) 2.0))",
    "second, forward over forward":
        "(list ((derivative (derivative (lambda (x) (f x (* x x))))) 0.5))",
    "second, reverse over reverse":
        "(gradient (lambda (x y) (vref (gradient f x y) 0)) 0.5 2.0)",
    "second, forward over reverse": "(hvp f #(0.5 2.0) #(1.0 3.0))",
    "second, reverse over forward":
        "(gradient (lambda (x y) (derivative (lambda (z) (f z y)) x)) 0.5 2.0)",
    "third": "(list (derivative-n (lambda (x) (f x x)) 0.5 3))",
    "series": "(taylor (lambda (x) (f x 2.0)) 0.5 5)",
    "hessian": "(vector->list (apply vector-append (vector->list (hessian f 0.5 2.0))))",
}  # fmt: skip


def flat(value: object) -> list[float]:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, int | float):
        return [float(value)]
    return [number for part in value for number in flat(part)]  # type: ignore[attr-defined]


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("kind", RULED)
def test_a_right_rule_changes_no_derivative_of_numbers(
    session: Session, kind: str, use: str
) -> None:
    session.evaluate(PLAIN)
    expected = flat(session.evaluate(USES[use]))
    other = Session()
    other.evaluate(RULED[kind])
    assert flat(other.evaluate(USES[use])) == pytest.approx(expected, rel=1e-12)


STAGED = {
    "value": "(f x y)",
    "gradient": "(gradient f x y)",
    "jvp": "(jvp f (list x y) (list 1.0 3.0))",
    "hessian": "(hessian f x y)",
    "forward twice": "(derivative (derivative (lambda (x) (f x (* x x)))) x)",
    "forward in reverse": "(gradient (lambda (x y) (derivative (lambda (z) (f z y)) x)) x y)",
    "third": "(derivative-n (lambda (x) (f x y)) x 3)",
    "in a loop": "(gradient (lambda (x) (do ((i 0 (+ i 1)) (z x (* 0.7 (f z y)))) ((= i 9) z))) x)",
    "in a while loop": "(gradient (lambda (x) (do ((z x (f z 0.5))) ((> z 2.0) z))) x)",
    "in a branch": "(gradient (lambda (x) (if (> y 0) (f x 2.0) x)) x)",
    "in lanes": "(tensor-sum ((vmap (lambda (t) (gradient (lambda (t) (f t y)) t))) (tensor x y)))",
}


@pytest.mark.parametrize("use", STAGED)
@pytest.mark.parametrize("kind", RULED)
def test_a_right_rule_changes_no_derivative_of_compiled_code(
    session: Session, kind: str, use: str
) -> None:
    call = f"((jit (lambda (x y) {STAGED[use]})) 0.5 2.0)"
    session.evaluate(PLAIN)
    expected = flat(session.evaluate(call))
    other = Session()
    other.evaluate(RULED[kind])
    assert flat(other.evaluate(call)) == pytest.approx(expected, rel=1e-6)
    assert_at_rest()


@pytest.mark.parametrize("kind", RULED)
@pytest.mark.parametrize(
    "use",
    [
        "(gradient (lambda (a b) (tensor-sum (f a b))) t u)",
        "(jacobian (lambda (t) (f t u)) t)",
        "(hessian (lambda (t) (tensor-sum (f t u))) t)",
        "(cadr (jvp (lambda (t) (f t u)) t u))",
        "(hvp (lambda (t) (tensor-sum (f t u))) t u)",
        "((vmap (lambda (a b) (gradient (lambda (a) (f a b)) a))) t u)",
        "((vmap (lambda (a) (gradient (lambda (b) (f a b)) (tensor-ref u 1)))) t)",
        "(gradient (lambda (s) (tensor-sum ((vmap (lambda (a) (f a s))) t))) (tensor-ref u 1))",
    ],
)
def test_a_right_rule_changes_no_derivative_of_tensors(kind: str, use: str) -> None:
    use = use.replace(
        "(lambda (a b) (tensor-sum (f a b))) t u", "(lambda (a) (tensor-sum (f a u))) t"
    )
    results = []
    points = "(define t (tensor 0.5 1.0 1.5)) (define u (tensor 2.0 1.0 0.0))"
    for definition in (PLAIN, RULED[kind]):
        session = Session()
        session.evaluate(f"{definition} {points}")
        results.append(np.asarray(session.evaluate(use)))
        compiled = session.evaluate(f"((jit (lambda (t u) {use})) t u)")
        np.testing.assert_allclose(np.asarray(compiled), results[-1], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(results[1], results[0], rtol=1e-5, atol=1e-6)


# ---- examples of JAX's documentation


def test_the_logarithm_of_one_plus_an_exponential_is_stable(session: Session) -> None:
    """https://docs.jax.dev/en/latest/notebooks/Custom_derivative_rules_for_Python_code.html"""
    session.evaluate("""
(define (unstable x) (log (+ 1 (exp x))))
(define log1pexp
  (custom-jvp unstable (lambda (x dx) (* dx (- 1 (/ 1 (+ 1 (exp x))))))))""")
    assert number(session, "((jit (lambda (x) (gradient log1pexp x))) 3.0)") == pytest.approx(
        1 / (1 + math.exp(-3))
    )
    assert number(session, "((jit (lambda (x) (gradient log1pexp x))) 800.0)") == 1.0
    assert math.isnan(number(session, "((jit (lambda (x) (gradient unstable x))) 800.0)"))
    assert session.evaluate("((vmap (lambda (x) (gradient log1pexp x))) (tensor 0.0 100.0))"
                            ).tolist() == [0.5, 1.0]  # fmt: skip


CLIP = """
(define (clip-gradient low high)
  (custom-gradient (lambda (x) x) (lambda (g y x) (clip g low high))))
(define (f x) (* 30 ((clip-gradient -2.0 2.0) x)))"""


@pytest.mark.parametrize(
    "call",
    ["(gradient f 1.0)", "((jit (lambda (x) (gradient f x))) 1.0)",
     "(tensor-sum ((vmap (lambda (x) (gradient f x))) (ones 1)))"],
)  # fmt: skip
def test_gradients_are_clipped_by_a_rule_that_is_not_linear(session: Session, call: str) -> None:
    session.evaluate(CLIP)
    assert number(session, call) == 2.0
    # Forwards the rule counts as linear: it does not clip at zero.
    assert number(session, "(derivative f 1.0)") == 30.0
    assert number(session, "((jit (lambda (x) (derivative f x))) 1.0)") == 30.0


FIXED_POINT = """
(define (iterate f a start)
  (let loop ((x start)) (let ((y (f a x))) (if (> (abs (- x y)) 1e-13) (loop y) y))))
(define (fixed-point f)
  (custom-vjp
    (lambda (a start) (let ((x (iterate f a start))) (values x (list a x))))
    (lambda (residuals factor)
      (let* ((a (car residuals)) (x (cadr residuals)) (back (vjp (lambda (x) (f a x)) x)))
        (list ((cadr (vjp (lambda (a) (f a x)) a))
               (iterate (lambda (u z) (+ u ((cadr back) z))) factor factor))
              #f)))))
(define (root a) ((fixed-point (lambda (a x) (* 0.5 (+ x (/ a x))))) a 1.0))"""


@pytest.mark.parametrize(
    ("call", "expected"),
    [("(root 2.0)", math.sqrt(2)), ("(gradient root 2.0)", 0.5 / math.sqrt(2)),
     ("(gradient (lambda (a) (gradient root a)) 2.0)", -0.25 * 2**-1.5)],
)  # fmt: skip
def test_the_derivative_of_a_fixed_point_is_implicit(
    session: Session, call: str, expected: float
) -> None:
    session.evaluate(FIXED_POINT)
    assert number(session, call) == pytest.approx(expected, rel=1e-9)
    point = "2.0" if "2.0)" in call else ""
    staged = call.replace(point, "a")
    assert number(session, f"((jit (lambda (a) {staged})) 2.0)") == pytest.approx(
        expected, rel=1e-9
    )


# ---- what a rule is not asked for


def test_what_the_procedure_captures_is_differentiated_as_usual(session: Session) -> None:
    session.evaluate(
        "(define (ten w) (custom-gradient (lambda (x) (* w x)) (lambda (g y x) (* 10 g))))"
    )
    assert session.evaluate("(gradient (lambda (w) ((ten w) 3)) 5)") == 3
    assert session.evaluate("(gradient (lambda (w) ((ten w) w)) 5)") == 15
    assert session.evaluate("(derivative (lambda (w) ((ten w) w)) 5)") == 15
    for derivative in ("gradient", "derivative"):
        assert (
            number(session, f"((jit (lambda (w) ({derivative} (lambda (w) ((ten w) w)) w))) 5.0)")
            == 15.0
        )
    model = "(gradient (lambda (f x) (tensor-sum (f x))) (ten (tensor 1.0 2.0)) (tensor 3.0 4.0))"
    # The gradient of a closure is a closure: its captured weights are the gradient.
    assert flat(session.evaluate(f"({model} (ones 2))")) == [3.0, 4.0]


def test_structures_go_in_and_out(session: Session) -> None:
    session.evaluate("""
(define f (custom-gradient
  (lambda (p k) (list (* k (car p)) (vref (cadr p) 0)))
  (lambda (g v p k) (list (list (* 7 (car g)) (vector (* 9 (cadr g)))) #f))))""")
    program = "(gradient (lambda (p) (let ((v (f p 2))) (+ (car v) (cadr v)))) (list 1.0 #(2.0)))"
    assert flat(session.evaluate(program)) == [7.0, 9.0]
    compiled = (
        "((jit (lambda (x) (gradient (lambda (p) (apply + (f p 2))) (list x (vector x))))) 1.5)"
    )
    assert flat(session.evaluate(compiled)) == [7.0, 9.0]


def test_an_equal_rule_compiles_nothing(session: Session) -> None:
    call = (
        "((jit (lambda (x) (gradient (custom-gradient sin (lambda (g y x) (* g (cos x)))) x))) {})"
    )
    with compiles(1):
        for x in (0.5, 1.5, 2.5):
            assert number(session, call.format(x)) == pytest.approx(math.cos(x))


def test_writes_and_draws_of_the_procedure_happen(session: Session) -> None:
    program = """
((jit (lambda (x)
  (let* ((count 0.0)
         (f (custom-gradient (lambda (x) (set! count (+ count x)) (* x count)) (lambda (g y x) g)))
         (value (+ (f x) (f x))))
    (list value count)))) 2.0)"""
    assert flat(session.evaluate(program)) == [12.0, 4.0]
    draw = "(define (f) ((custom-gradient (lambda (x) (* x (random))) (lambda (g y x) g)) 1.0))"
    eager = flat(session.evaluate(f"{draw} (rng-seed 3) (list (f) (f))"))
    assert flat(session.evaluate("(rng-seed 3) ((jit (lambda () (list (f) (f)))))")) == eager


def test_python_sees_the_rules(session: Session) -> None:
    session.evaluate(CLIP)
    f = session.evaluate("f")
    assert float(jax.grad(f)(1.0)) == 2.0
    assert float(jax.jit(jax.grad(f))(1.0)) == 2.0
    assert jax.vmap(jax.grad(f))(np.ones(2, np.float32)).tolist() == [2.0, 2.0]


# ---- wrong rules

WRONG = [
    # definition of the rule, how it is used, error, what it says
    ("(custom-gradient (lambda (x y) (* x y)) (lambda (g v x y) g))", "(gradient f 1.0 2.0)",
     WrongType, "a list of 2 derivatives, one for each argument, got 1"),
    ("(custom-gradient (lambda (x) x) (lambda (g v x) (list g g)))", "(gradient f 1.0)",
     WrongType, "the rule gives (1 1) for the gradient, which has 1 number"),
    ("(custom-gradient (lambda (x) x) (lambda (g v x) \"a\"))", "(gradient f 1.0)",
     WrongType, "the rule gives \"a\" for the gradient, which has 1 number"),
    ("(custom-gradient (lambda (x) x) (lambda (g v x) (ones 3)))",
     "(gradient (lambda (t) (tensor-sum (f t))) (ones 2))",
     ShapeError, "the rule gives f32[3] for the gradient, which is f32[2]"),
    ("(custom-jvp (lambda (x) x) (lambda (x dx) (ones 3)))", "(jacobian f (ones 2))",
     ShapeError, "the rule gives f32[3] for the direction of the value, which is f32[2]"),
    ("(custom-jvp (lambda (x) (vector x x)) (lambda (x dx) dx))", "(derivative f 1.0)",
     WrongType, "the rule gives 1 for the direction of the value, which has 2 numbers"),
    ("(custom-vjp (lambda (x) x) (lambda (r g) g))", "(gradient f 1.0)",
     WrongType, "expected a forward procedure that gives (values value residuals), got 1.0"),
    ("(let ((n 0)) (custom-gradient (lambda (x) x) (lambda (g v x) (set! n g) g)))",
     "((jit (lambda (x) (let* ((n 0.0) (f (custom-gradient (lambda (x) x)"
     " (lambda (g v x) (set! n g) g)))) (gradient f x)))) 1.0)",
     StagingError, "the rule changes what was made outside of it"),
    ("(custom-gradient 5 car)", "f", WrongType, "custom-gradient: expected a procedure, got 5"),
]  # fmt: skip


@pytest.mark.parametrize(("definition", "use", "kind", "words"), WRONG)
def test_a_wrong_rule_is_told(
    session: Session, definition: str, use: str, kind: type[EshkolError], words: str
) -> None:
    with pytest.raises(kind) as caught:
        session.evaluate(f"(define f {definition}) {use}")
    assert words in str(caught.value)
    assert "<input" in str(caught.value)
    assert_at_rest()


# ---- stop-gradient

STOPPED = [
    ("(gradient (lambda (x) (* x (stop-gradient x))) 3)", [3]),
    ("(derivative (lambda (x) (* x (stop-gradient x))) 3.0)", [3.0]),
    ("((derivative (derivative (lambda (x) (* x x (stop-gradient x))))) 3)", [6]),
    ("(gradient (lambda (x) (apply + (stop-gradient (list x x)))) 3)", [0]),
    ("(gradient (lambda (v) (vref (stop-gradient (vector (vref v 0))) 0)) #(2))", [0]),
    ("(gradient (lambda (t) (tensor-sum (* t (stop-gradient t)))) (tensor 1.0 2.0))", [1.0, 2.0]),
    ("((jit (lambda (x) (gradient (lambda (x) (* x (cadr (stop-gradient (list 1 x))))) x))) 3.0)",
     [3.0]),
    ("((vmap (lambda (x) (gradient (lambda (x) (* x (stop-gradient x))) x))) (tensor 1.0 2.0))",
     [1.0, 2.0]),
    ("(gradient (lambda (w) (let ((f (lambda (x) (* w x)))) (tensor-sum (+ (f 2.0)"
     " ((stop-gradient f) 5.0))))) (ones 2))", [2.0, 2.0]),
    ("(gradient (lambda (w) (let ((f (lambda (x) (* w x)))) (+ (f 2.0) ((stop-gradient f) 5.0))))"
     " 1.0)", [2.0]),
]  # fmt: skip


@pytest.mark.parametrize(("program", "expected"), STOPPED)
def test_stopped_values_are_constants(
    session: Session, program: str, expected: list[float]
) -> None:
    assert flat(session.evaluate(program)) == expected


# ---- remat

DEEP = "(lambda (x) (sin (sin (sin (sin x)))))"


def jaxpr_of_gradient(session: Session, definition: str) -> str:
    session.evaluate(f"(define f {definition})")
    gradient = session.evaluate("(jit (lambda (t) (gradient (lambda (t) (tensor-sum (f t))) t)))")
    return str(jax.make_jaxpr(gradient)(np.ones((3, 3), np.float32)))


@pytest.mark.parametrize(
    ("definition", "name", "times"),
    [
        (DEEP, " sin ", 4),
        (f"(remat {DEEP})", " sin ", 7),
        (f"(remat {DEEP} #:policy 'everything)", " sin ", 4),
        ("(remat (lambda (x) (sin (checkpoint-name (sin (sin x)) 'a))) #:policy '(names a))",
         " sin ", 4),
        ("(remat (lambda (x) (exp (matmul x (sin x)))))", "dot_general", 4),
        ("(remat (lambda (x) (exp (matmul x (sin x)))) #:policy 'dots)", "dot_general", 3),
        ("(remat (lambda (x) (exp (matmul x (sin x)))) #:policy 'dots-with-no-batch-dims)",
         "dot_general", 3),
        ("(checkpoint-sequential (list sin (lambda (x) (sin (sin x)))))", " sin ", 4),
        ("(lambda (x) (checkpoint-segment (lambda () (sin (sin x)))))", " sin ", 3),
    ],
)  # fmt: skip
def test_what_is_not_kept_is_computed_again(
    session: Session, definition: str, name: str, times: int
) -> None:
    assert jaxpr_of_gradient(session, definition).count(name) == times


@pytest.mark.parametrize(
    "program",
    [
        "(gradient (lambda (x) ({} x)) 0.5)",
        "(derivative {} 0.5)",
        "((jit (lambda (x) (gradient {} x))) 0.5)",
        "((jit (lambda (x) (derivative (derivative {}) x))) 0.5)",
        "(gradient (lambda (t) (tensor-sum ({} t))) (tensor 0.5 1.0))",
        "((vmap (lambda (x) (gradient {} x))) (tensor 0.5 1.0))",
        "((jit (lambda (x) (gradient (lambda (x) (do ((i 0 (+ i 1)) (y x ({} y))) ((= i 30) y)))"
        " x))) 0.5)",
        "((jit (lambda (x) (gradient (lambda (x) (do ((y x ({} y))) ((< y 0.2) y))) x))) 0.5)",
        "(let ((w (tensor 1.0 2.0))) (gradient (lambda (w) (tensor-sum"
        " ((remat (lambda (x) ({} (* w x)))) 0.5))) w))",
        "(hessian (lambda (t) (tensor-sum ({} t))) (tensor 0.5 1.0))",
    ],
)
def test_rematerialisation_changes_no_result(session: Session, program: str) -> None:
    plain = flat(session.evaluate(program.format(DEEP)))
    for wrapped in (f"(remat {DEEP})", f"(remat {DEEP} #:policy 'dots)"):
        assert flat(session.evaluate(program.format(wrapped))) == pytest.approx(plain, rel=1e-6)


def test_a_rematerialised_layer_is_a_model(session: Session) -> None:
    session.evaluate("""
(define (layer w) (remat (lambda (x) (tanh (matmul x w)))))
(define (loss model x) (tensor-sum (square (model x))))
(define partial (gradient loss (layer (eye 2)) (tensor 1.0 2.0)))""")
    gradient = session.evaluate("(gradient (lambda (w) (loss (layer w) (tensor 1.0 2.0))) (eye 2))")
    session.evaluate("(define (same model) (gradient loss model (tensor 1.0 2.0)))")
    import eshkol as ek

    (leaf,) = jax.tree.leaves(ek.tree(session.evaluate("partial")))
    np.testing.assert_allclose(leaf, gradient, rtol=1e-6)


def test_an_unknown_policy_is_told(session: Session) -> None:
    with pytest.raises(EshkolError, match="remat: unknown policy some") as caught:
        session.evaluate("(remat sin #:policy 'some)")
    assert "nothing everything dots dots-with-no-batch-dims" in str(caught.value)
