"""Python programs that hand Scheme procedures to JAX; threads; and the x64 flag."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from staged_sessions import assert_at_rest, compiles

import eshkol as ek
from eshkol.codegen.eager import DECIDING
from eshkol.datum.pairs import cons, scheme_list
from eshkol.datum.values import HashTable, Vector
from eshkol.primitives.declare import PRIMITIVES
from eshkol.session import Session
from rows import one_in


@pytest.fixture
def session() -> Session:
    return Session()


SMOOTH = "(lambda (x) (if (> x 0) (* x x) (- x)))"
SEARCHING = "(lambda (x) (* x (find (lambda (k) (> (* k x) 0)) (list -1.0 x))))"
LANES = np.array([1.0, -2.0, 3.0], np.float32)

TRANSFORMATIONS: dict[str, tuple[Any, Any]] = {
    "jit": (lambda f: jax.jit(f)(3.0), 9.0),
    "jit of the other branch": (lambda f: jax.jit(f)(-3.0), 3.0),
    "vmap": (lambda f: jax.vmap(f)(LANES), [1.0, 2.0, 9.0]),
    "jit of vmap": (lambda f: jax.jit(jax.vmap(f))(LANES), [1.0, 2.0, 9.0]),
    "grad": (lambda f: jax.grad(f)(3.0), 6.0),
    "jit of grad": (lambda f: jax.jit(jax.grad(f))(3.0), 6.0),
    "grad of jit": (lambda f: jax.grad(jax.jit(f))(3.0), 6.0),
    "vmap of grad": (lambda f: jax.vmap(jax.grad(f))(LANES), [2.0, -1.0, 6.0]),
    "hessian": (lambda f: jax.hessian(f)(3.0), 2.0),
    "jacfwd": (lambda f: jax.jacfwd(f)(3.0), 6.0),
    "jacobian": (lambda f: jax.jacobian(jax.vmap(f))(LANES), np.diag([2.0, -1.0, 6.0])),
    "checkpoint": (lambda f: jax.grad(jax.checkpoint(f))(3.0), 6.0),
    "jvp": (lambda f: jax.jvp(f, (3.0,), (1.0,))[1], 6.0),
    "scan": (lambda f: lax.scan(lambda c, x: (f(c), f(x)), 2.0, LANES)[1], [1.0, 2.0, 9.0]),
    "while_loop": (lambda f: lax.while_loop(lambda x: x < 99, f, 3.0), 6561.0),
    "cond": (lambda f: lax.cond(True, f, f, -3.0), 3.0),
    "map": (lambda f: lax.map(f, LANES), [1.0, 2.0, 9.0]),
    "fori_loop": (lambda f: lax.fori_loop(0, 2, lambda i, x: f(x), 3.0), 81.0),
    "switch": (lambda f: lax.switch(1, [f, f], 3.0), 9.0),
}


@pytest.mark.parametrize("program", [SMOOTH, SEARCHING], ids=["if", "find"])
@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_a_procedure_starts_again_staged_where_jax_traces_it(
    session: Session, name: str, program: str
) -> None:
    run, expected = TRANSFORMATIONS[name]
    np.testing.assert_allclose(run(session.evaluate(program)), expected, rtol=1e-6)
    assert_at_rest()


RESTARTED = [
    ("(lambda (x) (let loop ((x x) (n 0)) (if (> x 100) n (loop (* 2 x) (+ n 1)))))", 3.0, 6),
    ("(define (helper x) (if (> x 0) x (- x))) (lambda (x) (+ 1 (helper x)))", -3.0, 4.0),
    ("(lambda (x) (and (> x 0) (< x 5)))", 3.0, True),
    ("(lambda (x) (case x ((1) 10) ((2) 20) (else 30)))", 2, 20),
    ("(lambda (x) (let ((n 0)) (set! n (+ n 1)) (if (> x 0) (set! n (* n 10))) n))", 2.0, 10),
    ("(lambda (x) (let ((v (vector 1 2))) (if (> x 0) (vector-set! v 0 x)) (vector-ref v 0)))",
     2.0, 2.0),
    ("(define (f x . rest) (if (> x 0) (apply + x rest) x)) (lambda (x) (f x 1 2))", 2.0, 5.0),
    ("(define (f x (y 2.5)) (if (> x 0) (* x y) x)) f", 2.0, 5.0),
    ("(define k 4.0) (lambda (x) (if (> x k) x k))", 2.0, 4.0),
    ("(define (f x) (if (> x 0) (list x) #f)) (lambda (x) (if (pair? (f x)) 1.0 2.0))", 2.0, 1.0),
    ("(define f (jit (lambda (x) (if (> x 0) 'up 'down)))) (lambda (x) (if (eq? (f x) 'up) x 9.0))",
     2.0, 2.0),
    ("""(define (f x) (let ((l (list (if (> x 0) x 1.0) 7.0))) (set-cdr! (cdr l) l) l))
        (lambda (x) (caddr (f x)))""", 2.0, 2.0),
    ("(define (f x) (if (> x 9) 'up 'down)) (lambda (x) (case (f x) ((up) x) (else 7.0)))",
     2.0, 7.0),
    ("""(define (f x) (if (> x 0) (list x) #f))
        (define (g x k) (let ((u (f x))) (k (if u (car u) 9.0))))
        (lambda (x) (g x (lambda (y) (* 2 y))))""", 2.0, 4.0),
    ("""(lambda (x) (let ((n 0))
          (define (count!) (set! n (+ n 1)) (if (> x 0) x 1.0))
          (count!) (count!) n))""", 2.0, 2),
    ("""(define (bump! v x) (vector-set! v 0 (+ (vector-ref v 0) 1)) (if (> x 0) x 1.0))
        (lambda (x) (let ((v (vector 0))) (bump! v x) (vector-ref v 0)))""", 2.0, 1),
    ("""(lambda (x) (let ((depth 0) (visits 0))
          (call/ec (lambda (k)
            (dynamic-wind
              (lambda () (set! depth (+ depth 1)) (set! visits (+ visits 1)))
              (lambda () (if (> x 0) (k 1)))
              (lambda () (set! depth (- depth 1))))))
          (+ depth (* 10 visits))))""", 2.0, 10),
    ("""(define (root x) (if (< x 0) (raise 'negative) (sqrt x)))
        (lambda (x) (guard (e ((symbol? e) -1.0)) (+ 1 (root x))))""", 4.0, 3.0),
    ("""(define (kept x) (filter (lambda (y) (< y x)) '(1.0 2.0 3.0)))
        (lambda (x) (apply + (kept x)))""", 2.5, 3.0),
    *((f"""(lambda (x)
          (let ((i (exact (floor x))) (h (make-hash-table)))
            (hash-set! h 1 5.0) (hash-set! h 2 6.0) (hash-set! h '(1 2) 7.0)
            {body}))""", x, expected) for body, x, expected in [
        ("(* x (hash-table-ref h i))", 2.5, 15.0),
        ("(hash-table-ref h (list 1 i))", 2.5, 7.0),
        ("(begin (hash-set! h i x) (+ (hash-ref h 1) (hash-ref h 2)))", 2.5, 7.5),
        ("(begin (hash-update! h i (lambda (y) (* x y)) 0.0) (hash-ref h 2))", 2.5, 15.0),
    ]),
    *((f"(lambda (x) {body})", x, expected) for body, x, expected in [
        ("(any (lambda (y) (> (* x y) 4.0)) '(1.0 2.0))", 3.0, True),
        ("(every (lambda (y) (> (* x y) 4.0)) '(1.0 2.0))", 3.0, False),
        ("(* x (find (lambda (y) (> (* x y) 4.0)) '(1.0 2.0 5.0)))", 3.0, 6.0),
        ("(* x (car (find-tail (lambda (y) (> y x)) '(1.0 2.0 5.0))))", 3.0, 15.0),
        ("(vector-ref #(1.0 2.0) (list-index (lambda (y) (> y x)) '(1.0 2.0)))", 1.5, 2.0),
        ("(count (lambda (y) (> y x)) '(1.0 2.0 3.0))", 1.5, 2),
        ("(length (car (partition (lambda (y) (> y x)) (list 1.0 2.0))))", 1.5, 1),
        ("(apply + (remove (lambda (y) (> y x)) '(1.0 2.0 3.0)))", 2.5, 3.0),
        ("(apply + (filter-map (lambda (y) (and (> y x) (* x y))) '(1.0 2.0 3.0)))", 1.5, 7.5),
        ("(apply + (take-while (lambda (y) (< y x)) '(1.0 2.0 3.0)))", 2.5, 3.0),
        ("(apply + (drop-while (lambda (y) (< y x)) '(1.0 2.0 3.0)))", 2.5, 3.0),
        ("(length (member x '(1.0 3.0 2.0)))", 3.0, 2),
        ("(cdr (assoc x '((1.0 . 2.0) (3.0 . 4.0))))", 3.0, 4.0),
        ("(length (delete x '(1.0 3.0 2.0)))", 3.0, 2),
        ("(length (delete-duplicates (list x 3.0 2.0)))", 3.0, 2),
        ("(cadr (sort (list x 2.0 9.0) <))", 3.0, 3.0),
        ("(let ((v (vector x 2.0 9.0))) (sort! v <) (vector-ref v 0))", 3.0, 2.0),
        ("(apply + (map (lambda (y) (length (memv y (list x 2.0)))) (list 2.0 x)))", 3.0, 3),
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("program", "x", "expected"), RESTARTED)
def test_what_a_restarted_procedure_computes(
    session: Session, program: str, x: float, expected: Any
) -> None:
    procedure = session.evaluate(program)
    assert np.asarray(jax.jit(procedure)(x)).item() == pytest.approx(expected)
    assert_at_rest()


DRAWS = [
    "(random)",
    "(random-normal 0 1)",
    "(random-poisson 4.0)",
    "(random-exponential 2.0)",
    "(random-int 0 100)",
    "(categorical #(0.2 0.3 0.5))",
    "(random-uniform '(3) #:dtype 'float64)",
    "(do ((i 0 (+ i 1)) (s 0.0 (+ s (random)))) ((= i 12) s))",
]


@pytest.mark.parametrize("draw", one_in(4, DRAWS))
def test_draws_with_a_key_are_the_same_in_programs_of_jax(session: Session, draw: str) -> None:
    drawn = session.evaluate(f"(lambda (k) (with-rng k {draw}))")
    keys = jax.random.split(jax.random.key(4), 2)
    expected = [np.asarray(drawn(key)) for key in keys]
    np.testing.assert_allclose(jax.jit(drawn)(keys[0]), expected[0], rtol=1e-12)
    np.testing.assert_allclose(
        lax.scan(lambda c, k: (c, drawn(k)), 0, keys)[1], expected, rtol=1e-12
    )
    np.testing.assert_allclose(ek.jit(lambda ks: lax.map(drawn, ks))(keys), expected, rtol=1e-12)
    np.testing.assert_allclose(jax.vmap(drawn)(keys), expected, rtol=1e-12)
    assert_at_rest()


def test_scheme_data_are_pytrees(session: Session) -> None:
    body = session.evaluate("(lambda (c x) (list (if (> c 2) (+ c x) (* c 2)) (* c x)))")
    assert [float(x) for x in jax.tree.leaves(jax.jit(body)(3.0, 2.0))] == [5.0, 6.0]
    body = session.evaluate("(lambda (c x) (values (if (> c 2) (+ c x) (* c 2)) (* c x)))")
    # The newest JAX asks for a Python tuple here.
    pair, numbers = (lambda c, x: tuple(body(c, x))), np.arange(3, dtype=np.float32)
    carry, products = lax.scan(pair, np.float32(1), numbers)
    assert (float(carry), products.tolist()) == (6.0, [0.0, 2.0, 8.0])
    table = HashTable()
    table["k"] = 3.0
    data = scheme_list([1.0, Vector([2.0, cons(4.0, 5.0)]), table])
    leaves, tree = jax.tree.flatten(data)
    assert leaves == [1.0, 2.0, 4.0, 5.0, 3.0]
    assert repr(jax.tree.unflatten(tree, leaves)) == repr(data)
    doubled = jax.jit(lambda d: jax.tree.map(lambda x: 2 * x, d))(data)
    assert float(doubled.cdr.car[1].cdr) == 10.0


def test_an_error_in_a_traced_procedure_is_the_users(session: Session) -> None:
    for body in ("(car x)", "(zeros 2)"):
        text = f"(lambda (x) (if (> x 0) {body} x))"
        procedure = session.evaluate(text)
        for _ in range(2):
            with pytest.raises(TypeError, match=r"expected a pair|branches give"):
                jax.jit(procedure)(1.0)
            assert_at_rest()


@pytest.mark.parametrize("transform", [jax.jit, ek.jit, jax.vmap])
def test_python_code_is_given_values_of_one_kind(session: Session, transform: Any) -> None:
    make = session.evaluate("(lambda (x) (if (> x 0) (list x x) #f))")
    ask = session.evaluate("(lambda (u) (if (pair? u) 1.0 2.0))")
    with pytest.raises(ek.StagingError, match=r"(?s)one of several kinds.*\n  compile with ek.jit"):
        transform(lambda x: ask(make(x)))(np.ones(3) if transform is jax.vmap else 1.0)
    choose = session.evaluate("(lambda (x) (if (> x 0) sin cos))")
    assert jax.jit(lambda x: choose(x)(x))(0.0) == 1.0
    assert_at_rest()


@pytest.mark.parametrize("transform", [jax.jit, jax.vmap])
def test_jax_is_given_values_of_one_kind(session: Session, transform: Any) -> None:
    procedure = session.evaluate("(lambda (x) (if (> x 0) (list x x) 'none))")
    with pytest.raises(ek.StagingError, match=r"(?s)one of several kinds.*\n  compile with ek.jit"):
        transform(procedure)(np.ones(3) if transform is jax.vmap else 1.0)
    assert_at_rest()


def test_a_primitive_that_python_calls_says_what_decides_when_the_program_runs(
    session: Session,
) -> None:
    partition, length = session.get("partition"), session.get("length")

    def count_above(x: Any) -> Any:
        return length(partition(lambda y: y > x, scheme_list([1.0, 2.0])).car)

    with pytest.raises(ek.StagingError, match=r"partition: must decide by(.|\n)*with ek\.jit"):
        jax.jit(count_above)(1.5)
    assert_at_rest()


def test_procedures_of_primitives_that_decide_are_prepared_to_start_again() -> None:
    assert PRIMITIVES.keys() >= DECIDING


def test_a_procedure_that_a_program_chooses_is_called_from_python(session: Session) -> None:
    text = "(lambda (x) (if (> x 0) (lambda (y) (* x y)) (lambda (y) (+ x y))))"
    chosen = session.evaluate(text)
    compiled = jax.jit(lambda x: chosen(x)(3.0))
    assert [float(compiled(2.0)), float(compiled(-2.0))] == [6.0, 1.0]


PYTHON_BODIES = {
    "x if x > 0 else -x": "bool[]",
    "x * int(x)": "f32[]",
    "np.sin(x)": "f32[]",
    "[x] * range(5)[jnp.argmax(x)]": "i32[]",
}


@pytest.mark.parametrize("body", PYTHON_BODIES)
def test_python_code_that_asks_for_a_traced_value_is_told_where(body: str, tmp_path: Path) -> None:
    file = tmp_path / "model.py"
    imports = "import numpy as np, jax.numpy as jnp, eshkol as ek"
    file.write_text(f"{imports}\ndef model(x):\n    return {body}\n")
    names: dict[str, Any] = {}
    exec(compile(file.read_text(), str(file), "exec"), names)
    with pytest.raises(ek.StagingError, match="model: Python asks for the value") as caught:
        ek.jit(names["model"])(jnp.float32(2.0))
    message = str(caught.value)
    assert message.startswith(f"{file}:3:") and f"a traced {PYTHON_BODIES[body]}" in message
    assert "jax.numpy.where" in message
    assert_at_rest()


@pytest.mark.parametrize("call", [ek.integrate, lambda f, *x: ek.jit(f)(*x[:1])])
def test_a_function_of_numpy_is_no_procedure(call: Any) -> None:
    with pytest.raises(ek.StagingError, match=r"Python asks for the value of a traced f64\[\]"):
        call(np.sin, 0.0, 1.0)
    assert_at_rest()


@pytest.mark.parametrize("array", [np.array(["a", "b"]), np.array([1, None], dtype=object)])
def test_arrays_of_no_numbers_are_refused(array: np.ndarray) -> None:
    with pytest.raises(ek.WrongType, match=r"expected a tensor of numbers(.|\n)*array\.tolist"):
        ek.jit("(lambda (x) x)")(array)
    assert_at_rest()


# ---- threads


def _together(work: list[Any]) -> list[Any]:
    """The results of procedures that run at the same time, or the errors they raise."""
    results: list[Any] = [None] * len(work)
    start = threading.Barrier(len(work))

    def run(index: int) -> None:
        start.wait()
        try:
            results[index] = work[index]()
        except Exception as error:
            results[index] = error

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(work))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


LOOP = "(do ((i 0 (+ i 1)) (s 0.0 (+ s (if (> x i) x (* 2 x))))) ((= i 30) s))"


def test_threads_compile_programs_at_the_same_time(session: Session) -> None:
    session.evaluate(f"(define (f x) {LOOP})")
    texts = [f"((jit (lambda (x) (* {k}.25 (f x)))) {k}.5)" for k in range(6)]
    results = _together([lambda text=text: float(session.evaluate(text)) for text in texts])
    eager = [float(session.evaluate(f"(* {k}.25 (f {k}.5))")) for k in range(6)]
    assert results == pytest.approx(eager)
    assert_at_rest()


def test_threads_call_one_program_at_the_same_time(session: Session) -> None:
    session.evaluate(f"(define (f x) {LOOP}) (define j (jit f))")
    jitted, eager = session.get("j"), session.get("f")
    with compiles(1):
        results = _together([lambda k=k: float(jitted(k + 0.5)) for k in range(8)])
    assert results == pytest.approx([eager(k + 0.5) for k in range(8)])


def test_an_error_in_one_thread_is_that_threads_own(session: Session) -> None:
    session.evaluate('(define j (jit (lambda (x) (if (< x 0) (error "negative:" x) (* x 2)))))')
    jitted = session.get("j")
    results = _together([lambda x=x: float(jitted(x)) for x in (1.0, -1.0, 2.0, -2.0)])
    assert [str(r.message) if isinstance(r, Exception) else r for r in results] == [
        2.0,
        "error: negative: -1.0",
        4.0,
        "error: negative: -2.0",
    ]


# ---- the x64 flag

DTYPES = """
import warnings
warnings.simplefilter("error")
from eshkol.session import Session
import jax
s = Session()
for text in '''{programs}'''.strip().splitlines():
    results = s.evaluate(f"((jit (lambda (x t n) (list {{text}}))) 1.5 (ones 3) 2)")
    print(text, "=>", *[getattr(r, "dtype", type(r).__name__) for r in results])
"""

PROGRAMS = """
(+ x 1) (* x n) (- n) (/ n 3) (sqrt n) (exp x) (expt x 2) (expt n 2) (abs n) (floor x) (exact x)
(+ t x) (* t n) (+ t 1) (/ t 3) (- t) (sin t) (max t x) (expt t 2) (square t) (exp t)
(tensor-sum t) (tensor-mean t) (argmax t) (tensor-max t) (softmax t) (relu t) (matmul t t)
(zeros 2) (ones 2) (arange 3) (arange 3.0) (eye 2) (tensor '(1 2)) (tensor 1.5) (linspace 0 1 3)
(reshape t 3 1) (transpose (ones 2 3)) (concatenate (list t t)) (stack (list t t)) (one-hot n 4)
(> x 1) (= n 2) (> t 0) (where (> t 0) t x) (if (> x 1) x n) (if (> x 1) t (* 2 t))
"""

LONGER = """
(random) (randn 2) (rand 2) (random-int 0 5) (random-int 0 5 2) (bernoulli 0.5) (random-normal)
(random-permutation 4) (dropout-mask t 0.5) (he-normal '(2 2)) (shuffle t)
(do ((i 0 (+ i 1)) (s 0 (+ s x))) ((= i 20) s)) (do ((i 0 (+ i 1)) (s t (+ s i))) ((= i 20) s))
(let loop ((y x) (k 0)) (if (> y 99) k (loop (* y 2) (+ k 1)))) ((vmap (lambda (y) (* y x))) t)
(gradient (lambda (y) (* y y x)) x) (gradient (lambda (y) (tensor-sum (* y y x))) t)
(derivative sin x) (cross-entropy-loss (ones 2 3) (tensor '(0 1) #:dtype 'int32))
"""


@pytest.mark.parametrize(
    "programs",
    [pytest.param(PROGRAMS, id="short"), pytest.param(LONGER, id="long", marks=pytest.mark.slow)],
)
def test_no_dtype_depends_on_the_x64_flag(programs: str) -> None:
    outputs = []
    for flag in ("0", "1"):
        environment = {**os.environ, "JAX_ENABLE_X64": flag}
        run = subprocess.run(
            [sys.executable, "-c", DTYPES.format(programs=programs)],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )
        assert run.returncode == 0, run.stderr[-2000:]
        outputs.append(run.stdout)
    assert outputs[0] == outputs[1]
    assert outputs[0].count("=>") == len(programs.strip().splitlines())


def test_arrays_of_numpy_leave_branches_and_loops(session: Session) -> None:
    session.define("a", np.ones(3, np.float32))
    session.define("b", np.zeros(3, np.float32))
    choice = session.evaluate("(lambda (x) (if (> x 0) a b))")
    loop = "(lambda (x) (let loop ((y x) (v a)) (if (> y 10) v (loop (* 2 y) b))))"
    assert jax.jit(choice)(1.0).tolist() == [1.0] * 3
    assert jax.vmap(choice)(np.array([1.0, -1.0])).tolist() == [[1.0] * 3, [0.0] * 3]
    assert jax.jit(session.evaluate(loop))(1.0).tolist() == [0.0] * 3


def test_a_refused_result_leaves_no_trace_open(session: Session) -> None:
    symbol = session.evaluate("(lambda (x) (if (> x 0) 'a 'b))")
    with pytest.raises(TypeError, match="one of several kinds"):
        jax.jit(symbol)(1.0)
    assert float(jnp.sin(np.float32(0.0))) == 0.0


def test_the_flag_stays_what_it_was(session: Session) -> None:
    session.evaluate("((jit (lambda (x) (* x (random)))) 2.0)")
    assert not jax.config.jax_enable_x64
    assert jnp.asarray(1.5).dtype == np.float32
