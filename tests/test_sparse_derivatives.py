"""Sparse Jacobians and Hessians are the dense ones, with the entries and products they should."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse

from eshkol.session import Session
from eshkol.xla import sparse_derivatives
from eshkol.xla.sparse_derivatives import _colours, _members, _transposed
from eshkol.xla.sparsity import rows_of

N = 6
V = np.linspace(0.4, 1.7, N)

FIELDS = {
    "(* v (sin v))": (N, 1),
    "(- (* 2 v) (roll v 1) (roll v -1))": (3 * N, 3),
    "(- (tensor-slice v 1 6) (square (tensor-slice v 0 5)))": (2 * (N - 1), 2),
    "(cumsum (exp v))": (N * (N + 1) // 2, N),
    "(* v (tensor-sum v))": (N * N, N),
    "(vector (* (vref v 0) (vref v 5)) (vref v 2) 3.0)": (3, 1),
    "(matmul (tensor '((1 0 0 2 0 0) (0 3 0 0 0 1))) v)": (4, 1),
    "(tensor-flip (where (> v 1) (log v) (* v v)))": (N, 1),
    "(reshape (matmul (reshape v '(2 3)) (transpose (reshape v '(2 3)))) '(4))": (18, 3),
    "(+ (floor v) (stop-gradient v))": (0, 0),
    "(tensor-map (lambda (x) (if (> x 1) (* x x) 0)) v)": (N, 1),
    "(gather v #(0 0 3))": (3, 1),
    "(tensor-sort v)": (N * N, N),
    "(concatenate (list (relu v) (tensor-slice v 0 1)))": (N + 1, 1),
    "(let loop ((i 0) (y v)) (if (< i 40) (loop (+ i 1) (* y 0.9)) y))": (N, 1),
    "(let loop ((y v)) (if (< (tensor-sum y) 50) (loop (* y y 1.7)) y))": None,
    "(softmax v)": (N * N, N),
    "(maximum (tensor-slice v 0 3) (tensor-slice v 3 6))": (N, 1),
    "(tensor-max v)": (N, 1),
    "((custom-jvp (lambda (x) (round x)) (lambda (x dx) dx)) v)": None,
}
# Compiled, which is one compilation where eager operations would be many.
TEMPLATE = (
    "(define (f v) {body}) ((jit (lambda (p) (list (sparse-jacobian f p) (jacobian f p)))) p)"
)


def dense(matrix):
    rows, columns, values, shape = matrix
    array = scipy.sparse.coo_array(
        (np.asarray(values), (np.asarray(rows), np.asarray(columns))), tuple(map(int, shape))
    )
    return array.toarray()


SLOW = "tensor-sort softmax maximum tensor-max concatenate tensor-flip gather".split()
JACOBIANS = [
    pytest.param(body, marks=[pytest.mark.slow] if body[1:].split()[0] in SLOW else [])
    for body in FIELDS
]


@pytest.mark.parametrize("body", JACOBIANS)
def test_jacobians(body, monkeypatch):
    session = Session()
    session.define("p", jnp.asarray(V, "float32"))
    products = []
    for name in ("_by_rows", "_by_columns"):
        known = getattr(sparse_derivatives, name)
        monkeypatch.setattr(
            sparse_derivatives,
            name,
            lambda *given, known=known: (products.append(max(given[3], default=0)), known(*given))[
                1
            ],
        )
    matrix, whole = session.evaluate(TEMPLATE.format(body=body))
    found = dense(matrix)
    np.testing.assert_allclose(found, np.asarray(whole).reshape(found.shape), rtol=2e-6, atol=1e-6)
    if FIELDS[body] is not None:
        assert (len(matrix.car), products[0]) == FIELDS[body]


FUNCTIONS = {
    "(tensor-sum (expt v 3))": (N, 1),
    "(tensor-sum (* (tensor-slice v 1 6) (exp (tensor-slice v 0 5))))": (N - 1 + 2 * (N - 1), 3),
    "(* (vref v 0) (vref v 1) (vref v 4))": (6, 3),
    "(square (tensor-sum v))": (N * N, N),
    "(tensor-sum v)": (0, 0),
    "(logsumexp v)": (N * N, N),
}


@pytest.mark.parametrize("body", FUNCTIONS)
def test_hessians(body):
    session = Session()
    session.define("p", jnp.asarray(V, "float32"))
    matrix, whole = session.evaluate(
        f"(define (f v) {body}) ((jit (lambda (p) (list (sparse-hessian f p) (hessian f p)))) p)"
    )
    np.testing.assert_allclose(dense(matrix), np.asarray(whole), rtol=2e-6, atol=1e-6)
    rows, columns, _, _ = matrix
    pattern = [0] * N
    for row, column in zip(np.asarray(rows), np.asarray(columns), strict=True):
        pattern[row] |= 1 << int(column)
    assert (len(rows), max(_colours(pattern, N))) == FUNCTIONS[body]


POINTS = """
(sparse-jacobian (lambda (x y) (vector (* x x) y (sin x))) 2.0 3.0)
 ⇒ (#(0 1 2) #(0 1 0) #(4.0 1.0 -0.4161468365471424) (3 2))
(sparse-jacobian (lambda (p) (list (car p) (* (cadr p) (cadr p)))) (list 1.0 (tensor 2.0 3.0)))
 ⇒ (#(0 1 2) #(0 1 2) #(1.0 4.0 6.0) (3 3))
(sparse-jacobian square 3.0) ⇒ (#(0) #(0) #(6.0) (1 1))
((sparse-jacobian square) (tensor 1.0 2.0)) ⇒ (#(0 1) #(0 1) #(2.0 4.0) (2 2))
(sparse-hessian (lambda (v) (* (vref v 0) (vref v 1))) #(2.0 3.0 4.0))
 ⇒ (#(0 1) #(1 0) #(1.0 1.0) (3 3))
(sparse->dense (sparse-hessian (lambda (x y) (* x x y)) 2.0 3.0)) ⇒ #((6.0 4.0) (4.0 0.0))
((jit (lambda (v) (sparse->dense (sparse-jacobian square v)))) (tensor 1.0 2.0))
 ⇒ #((2.0 0.0) (0.0 4.0))
(define (f v) (caddr (sparse-jacobian square v)))
(gradient (lambda (v) (tensor-sum (f v))) (tensor 1.0 2.0)) ⇒ #(2.0 2.0)
(define s (sparse-jacobian square (zeros 2)))
(caddr (sparse-jacobian square (tensor 1.0 2.0) #:sparsity s)) ⇒ #(2.0 4.0)
(caddr (sparse-jacobian square (tensor 1.0 2.0) #:sparsity '((0 1) (0 1)))) ⇒ #(2.0 4.0)
"""


def rows(text):
    program = ""
    for line in text.strip().splitlines():
        program += line
        if " ⇒ " in line:
            yield tuple(program.split(" ⇒ "))
            program = ""


@pytest.mark.parametrize("program, expected", list(rows(POINTS)))
def test_points(program, expected):
    from eshkol.datum.write import write_string

    assert write_string(Session().evaluate(program)) == expected


def test_a_long_band_takes_three_products():
    session = Session()
    session.define("p", jnp.ones(2000))
    session.evaluate("(define (f v) (- (* v v v) (roll v 1) (roll v -1)))")
    row_numbers, columns, _, shape = session.evaluate("(sparse-jacobian f p)")
    assert len(row_numbers) == 6000 and list(shape) == [2000, 2000]
    pattern = [0] * 2000
    for row, column in zip(
        np.asarray(row_numbers).tolist(), np.asarray(columns).tolist(), strict=True
    ):
        pattern[row] |= 1 << column
    assert max(_colours(_transposed(pattern, 2000))) <= 5


@pytest.mark.parametrize("seed", range(20))
def test_lines_of_one_colour_do_not_meet(seed):
    draw = np.random.default_rng(seed)
    matrix = draw.random((12, 15)) < 0.15
    lines = [sum(1 << int(k) for k in np.flatnonzero(row)) for row in matrix]
    colours = _colours(lines, 15)
    for colour in range(1, max(colours) + 1):
        group = [line for line, own in zip(lines, colours, strict=True) if own == colour]
        assert group and sum(group) == _union(group)
    assert all((colour == 0) == (line == 0) for line, colour in zip(lines, colours, strict=True))
    assert [list(_members(line)) for line in lines] == [np.flatnonzero(r).tolist() for r in matrix]


def _union(group):
    total = 0
    for line in group:
        total |= line
    return total


PROGRAMS = {
    "scan": lambda v: jax.lax.scan(lambda c, x: (c + x, c * x), 0.0, v)[1],
    "scan backwards": lambda v: jax.lax.scan(lambda c, x: (c * x, c), 1.0, v, reverse=True)[1],
    "while": lambda v: jax.lax.while_loop(
        lambda s: s[0] < 3, lambda s: (s[0] + 1, s[1] * 2), (0, v)
    )[1],
    "fori": lambda v: jax.lax.fori_loop(0, 4, lambda i, s: s.at[i].mul(v[i + 1]), v),
    "scatter": lambda v: jnp.zeros(4).at[jnp.array([1, 1, 3])].add(v[:3]),
    "dynamic": lambda v: jax.lax.dynamic_slice(v, (jnp.argmax(v) * 0 + 1,), (3,)),
    "pad": lambda v: jnp.pad(v, 2)[::-1],
    "cond": lambda v: jax.lax.cond(v[0] > 0, lambda u: u[::-1], lambda u: u * 2, v),
    "masked": lambda v: v * jnp.array([0.0, 1, 0, 1, 0, 0]),
    "batched product": lambda v: jnp.einsum("bi,bj->bij", v.reshape(2, 3), v.reshape(2, 3)).ravel(),
    "convolution": lambda v: jnp.convolve(v, jnp.array([1.0, 2.0]), mode="same"),
    "checkpoint": lambda v: jax.checkpoint(jnp.sin)(v),
    "straight through": lambda v: v + jax.lax.stop_gradient(jnp.round(v) - v),
    "fft": lambda v: jnp.abs(jnp.fft.rfft(v)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_patterns_hold_the_jacobian(name):
    program = PROGRAMS[name]
    pattern = rows_of(program, jnp.asarray(V))
    matrix = np.asarray(jax.jit(jax.jacfwd(program))(jnp.asarray(V)))
    inside = np.array([[(row >> k) & 1 for k in range(N)] for row in pattern], bool)
    assert inside.shape == matrix.shape and not matrix[~inside].any()
    if name not in ("while", "cond", "dynamic", "convolution", "fft", "fori"):
        assert (matrix[inside] != 0).all()


@pytest.mark.parametrize(
    "call",
    [
        "(sparse-jacobian (lambda (v) (* 2 v)) (zeros 0))",
        "(sparse-jacobian (lambda (v) (zeros 0)) (ones 2))",
        "(sparse-hessian (lambda (v) (tensor-sum (* v v))) (zeros 0))",
    ],
)
def test_matrices_without_entries(call):
    found = Session().evaluate(f"(let ((s {call})) (cons (sparse->dense s) (cdr (cdddr s))))")
    assert found.car.size == 0


def test_dense_matrices_without_entries():
    zeros = Session().evaluate("(sparse->dense (list #() #() #() '(2 3)))")
    assert zeros.tolist() == [[0, 0, 0], [0, 0, 0]]
