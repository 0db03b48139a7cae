"""Scheme from Python: evaluate, compile, differentiate and map, and what crosses the border."""

from __future__ import annotations

import inspect
import math
import pickle
import subprocess
import sys
import threading
import traceback
from fractions import Fraction
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import eshkol as ek
from eshkol.datum.write import write_string

PACKAGE = str(Path(ek.__file__).parent)
HERE = Path(__file__).resolve()


@pytest.fixture
def session():
    return ek.Session()


def scheme(text):
    """The value of a program in a session of its own."""
    return ek.Session().evaluate(text)


def our_frames(error):
    """The frames of Eshkol in the traceback of an error."""
    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    return [file for file in files if file.startswith(PACKAGE) and not file.endswith(".esk")]


# ---- eval and load

VALUES = [
    ("(+ 1 2)", 3, int),
    ("(/ 1 3)", Fraction(1, 3), Fraction),
    ("(/ 1.0 4)", 0.25, float),
    ("(sqrt -4)", 2j, complex),
    ("#t", True, bool),
    ('"text"', "text", str),
    ("(vector 1 2)", [1, 2], list),
    ("(zeros 2)", [0.0, 0.0], jax.Array),
]


@pytest.mark.parametrize("text, value, kind", VALUES)
def test_values_that_python_knows(session, text, value, kind):
    result = ek.eval(text, session=session)
    assert isinstance(result, kind)
    assert list(result) == value if kind in (list, jax.Array) else result == value


def test_the_value_is_that_of_the_last_form(session):
    assert ek.eval("1 (define x 2) (* x 3)", session=session) == 6
    assert ek.eval("x", session=session) == 2
    assert write_string(ek.eval("", session=session)) == "#<unspecified>"


def test_names_are_seen_and_leave_nothing_behind(session):
    ek.eval("(define x 1) (define (f) x)", session=session)
    assert write_string(ek.eval("(list x (f))", session=session, x=5)) == "(5 1)"
    assert ek.eval("(define y (* 2 x)) y", session=session, x=5) == 10
    assert ek.eval("x", session=session) == 1
    with pytest.raises(ek.UnboundVariable, match="y is not defined"):
        ek.eval("y", session=session)


NAMES = {
    "with underscores": ("(list learning_rate learning-rate)", {"learning_rate": 1}, "(1 1)"),
    "a procedure": ("(f 1 2)", {"f": max}, "2"),
    "a primitive's name": ("(car 1)", {"car": str}, '"1"'),
    "a core form's name": ("(if 1 2 3)", {"if": lambda *x: sum(x)}, "6"),
    "in a procedure": ("((lambda (y) (+ x y)) 1)", {"x": 2}, "3"),
    "in a definition": ("(define (f y) (+ x y)) (f 1)", {"x": 2}, "3"),
    "the last definition": ("(define x 1) (define (f) x)", {"z": 0}, None),
    "assigned": ("(set! x (+ x 1)) x", {"x": 2}, "3"),
    "in a macro": (
        "(define-syntax m (syntax-rules () ((_ a) (list a x)))) (let ((x 1)) (m x))",
        {"x": 2},
        "(1 2)",
    ),
    "with imports": ("(import (prefix (scheme base) b:)) (b:car x)", {"x": scheme("'(7)")}, "7"),
    "no program": ("", {"x": 2}, "#<unspecified>"),
}


@pytest.mark.parametrize("title", NAMES)
def test_names(session, title):
    text, names, value = NAMES[title]
    result = ek.eval(text, session=session, **names)
    assert callable(result) if value is None else write_string(result) == value


def test_sessions_know_nothing_of_each_other():
    one, two = ek.Session(), ek.Session()
    one.evaluate("(define x 1) (define-syntax m (syntax-rules () ((_) x))) (define (car y) x)")
    with pytest.raises(ek.UnboundVariable):
        two.evaluate("x")
    with pytest.raises(ek.UnboundVariable):
        two.evaluate("(m)")
    assert two.evaluate("(car '(5))") == 5
    two.evaluate("(define x 2)")
    assert one.evaluate("(list x (m) (car 0))").__class__ is scheme("'(1)").__class__
    assert write_string(one.evaluate("(list x (m) (car 0))")) == "(1 1 1)"


def test_the_default_session_is_one():
    ek.eval("(define from-default-session 1)")
    assert ek.eval("from-default-session") == 1
    with pytest.raises(ek.UnboundVariable):
        ek.eval("from-default-session", session=ek.Session())


def test_load(tmp_path, session):
    path = tmp_path / "program.esk"
    path.write_text("(define x 2)\n(* x 3)")
    assert ek.load(path, session=session) == 6
    assert ek.load(str(path), session=session) == 6
    assert session.get("x") == 2


LOAD_ERRORS = {
    "missing": (None, ek.FileProblem, "there is no such file"),
    "no text": (b"\xff", ek.FileProblem, "expected UTF-8 text"),
    "not well-formed": (b"(a", ek.IncompleteInput, "program.esk:1:1: this `(` is never closed"),
    "an error": (b"\n (car 1)", ek.WrongType, "program.esk:2:2: car: expected a pair"),
}


@pytest.mark.parametrize("title", LOAD_ERRORS)
def test_load_errors(tmp_path, title):
    data, kind, message = LOAD_ERRORS[title]
    path = tmp_path / "program.esk"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(kind) as caught:
        ek.load(path, session=ek.Session())
    assert message in str(caught.value)
    assert not our_frames(caught.value)


# ---- jit


def documented(x, learning_rate=0.1, *rest):
    """Scales.

    (list (* learning-rate x) (length rest))"""


def loop(n, x):
    """(let loop ((i 0) (s 0))
    (if (< i n) (loop (+ i 1) (+ s x)) s))"""


def factorial(n):
    """(if (< n 2) 1 (* n (factorial (- n 1))))"""


def several(x):
    """(define y (* 2 x)) (define (f z) (+ y z)) (f x)"""


JITTED = {
    "a lambda": ("(lambda (x) (* x x))", {}, (3.0,), 9.0),
    "a definition": ("(define (f x) (* x x))", {}, (3.0,), 9.0),
    "several forms": ("(define k 2) (define (f x) (* k x))", {}, (3.0,), 6.0),
    "a value after definitions": ("(define (f x) x) (lambda (x) (+ (f x) 1))", {}, (3.0,), 4.0),
    "a free name": ("(lambda (x) (+ x offset))", {"offset": 1.5}, (2.0,), 3.5),
    "a free tensor": (
        "(lambda (x) (tensor-sum (* w x)))",
        {"w": np.ones(3, np.float32)},
        (2.0,),
        6.0,
    ),
    "free names in several forms": (
        "(define (g x) (* k x)) (define (f x) (g (g x)))",
        {"k": 3.0},
        (1.0,),
        9.0,
    ),
    "a free procedure": ("(lambda (x) (f x))", {"f": scheme("(lambda (x) (* 5 x))")}, (2.0,), 10.0),
    "a closure": (scheme("(let ((w 3.0)) (lambda (x) (* w x)))"), {}, (2.0,), 6.0),
    "a primitive": (scheme("tanh"), {}, (0.5,), math.tanh(0.5)),
    "a Python function": (lambda x: jnp.sin(x) + 1, {}, (1.0,), math.sin(1.0) + 1),
    "a function of jax": (jnp.cosh, {}, (1.0,), math.cosh(1.0)),
    "a docstring": (several, {}, (3.0,), 9.0),
    "a docstring's loop": (loop, {}, (4, 2.5), 10.0),
    "a docstring that calls itself": (factorial, {}, (5,), 120),
    "a traced condition": ("(lambda (x) (if (> x 0) (* x x) (- x)))", {}, (-3.0,), 3.0),
}


@pytest.mark.parametrize("title", JITTED)
def test_jit(title):
    function, names, arguments, value = JITTED[title]
    jitted = ek.jit(function, session=ek.Session(), **names)
    for _ in range(2):
        assert float(jitted(*arguments)) == pytest.approx(value, rel=1e-12)


def test_jit_of_what_is_jitted():
    jitted = ek.jit("(lambda (x) (* 2 x))")
    assert ek.jit(jitted) is jitted


def test_jit_as_a_decorator():
    @ek.jit
    def plain(x):
        """(* 2 x)"""

    @ek.jit(w=np.full(2, 3, np.float32))
    def with_names(x, scale=2.0):
        """(tensor-sum (* scale w x))"""

    @ek.jit
    def python(x):
        return jnp.sum(x) + 1

    assert float(plain(3.0)) == 6.0
    assert float(with_names(1.0)) == 12.0
    assert float(with_names(1.0, scale=1.0)) == float(with_names(1.0, 1.0)) == 6.0
    assert float(python(np.ones(3, np.float32))) == 4.0


def test_jit_keeps_what_is_known_of_a_function():
    jitted = ek.jit(documented)
    assert jitted.__name__ == "documented"
    assert jitted.__doc__ == documented.__doc__
    assert jitted.__module__ == __name__
    assert jitted.__wrapped__ is documented
    assert str(inspect.signature(jitted)) == "(x, learning_rate=0.1, *rest)"
    assert write_string(jitted(2.0)) == "(0.2 0)"
    assert write_string(jitted(2.0, 3.0, 1.0, 1.0)) == "(6.0 2)"
    assert write_string(jitted(2.0, learning_rate=5.0)) == "(10.0 0)"


def test_jit_keeps_what_is_known_of_a_procedure():
    jitted = ek.jit('(define (scale x (by 2)) "Scale it." (* by x))', session=ek.Session())
    assert (jitted.__name__, jitted.__doc__) == ("scale", "Scale it.")
    assert str(inspect.signature(jitted)) == "(x, by=2)"


def test_free_names_come_from_the_session(session):
    session.evaluate("(define k 2.0) (define (g x) (* k x))")
    jitted = ek.jit("(lambda (x) (g x))", session=session)
    assert float(jitted(3.0)) == 6.0
    session.define("k", 5.0)
    assert float(jitted(3.0)) == 15.0
    session.evaluate("(define (g x) (- x))")
    assert float(jitted(3.0)) == -3.0


def test_new_values_of_names_compile_nothing():
    traces = []

    def note(x):
        traces.append(x)
        return x

    for k in (1.0, 2.0, 3.0):
        assert float(ek.jit("(lambda (x) (note (* k x)))", k=k, note=note)(2.0)) == 2 * k
    assert len(traces) == 1


JIT_ERRORS = {
    "no procedure": (5, ek.WrongType, "jit: expected a procedure or Scheme text, got 5"),
    "text without a procedure": ("(+ 1 2)", ek.WrongType, "this gives 3"),
    "empty text": ("", ek.WrongType, "expected Scheme text that gives a procedure"),
    "text that does not end": ("(lambda (x)", ek.IncompleteInput, "this `(` is never closed"),
    "text that does not fit": ("(lambda)", ek.ExpandError, "lambda: parameters is missing"),
    "a free name that is not there": ("(f 1)", ek.UnboundVariable, "f is not defined"),
}


@pytest.mark.parametrize("title", JIT_ERRORS)
def test_jit_errors(title):
    function, kind, message = JIT_ERRORS[title]
    with pytest.raises(kind) as caught:
        ek.jit(function, session=ek.Session())
    assert message in str(caught.value)
    assert not our_frames(caught.value)


def test_a_lambda_that_gives_none():
    assert ek.jit(lambda x: None)(1.0) is None


def test_names_for_what_has_none():
    with pytest.raises(ek.BadValue, match="jit: w, b given by name, but only Scheme text has"):
        ek.jit(lambda x: x, w=1, b=2)


@pytest.mark.parametrize("name", ["static_argnums", "static_argnames", "donate_argnums"])
@pytest.mark.parametrize("function", ["(lambda (x) x)", lambda x: x, None])
def test_options_of_other_names(name, function):
    with pytest.raises(ek.BadValue, match=f"no option {name}\n  say {name.split('_')[0]}="):
        ek.jit(function, **{name: 0})


def test_a_function_without_a_body():
    def empty(x):
        pass

    with pytest.raises(ek.BadValue, match="empty has neither a body nor a docstring"):
        ek.jit(empty)

    def prose(x):
        """Just words"""

    with pytest.raises(ek.UnboundVariable, match="Just is not defined"):
        ek.jit(prose)(1.0)


SIGNATURES = {
    "def f(x, **more):": "jit: a Scheme body can't take \\*\\*more",
    "def f(*rest, y):": "jit: a Scheme body can't take y after \\*rest",
    "def f(*, x=1, y):": "jit: the parameter y of a Scheme body needs a default",
}


@pytest.mark.parametrize("head", SIGNATURES)
def test_signatures_that_a_body_cannot_have(head):
    scope = {}
    exec(f"{head}\n    '''(+ 1 2)'''", scope)
    with pytest.raises(ek.BadValue, match=SIGNATURES[head]):
        ek.jit(scope["f"])


def test_keyword_parameters_of_a_docstring():
    @ek.jit
    def f(x, *, step_size=2.0):
        """(* x step-size)"""

    assert float(f(3.0)) == 6.0
    assert float(f(3.0, step_size=3.0)) == 9.0


# ---- positions in docstrings


def wrong_form(x):
    """Some words (in parentheses).

    (let ((y))
      x)
    """


def wrong_name(x):
    """(+ x λ
    (undefined-here x))"""


def unclosed(x):
    """(+ x
    (* 2 x)"""


def raw(x):
    r"""(string-length "\n"
    (car x))"""


def line_of(function, text):
    lines, start = inspect.getsourcelines(function)
    return start + next(number for number, line in enumerate(lines) if text in line)


POSITIONS = {
    "a form": (wrong_form, "(let ((y))", "((y))", ek.ExpandError, "let: value is missing"),
    "an argument": (wrong_name, "(+ x λ", "λ", ek.UnboundVariable, "λ is not defined"),
    "the end": (unclosed, '"""(+ x', "(+ x", ek.IncompleteInput, "this `(` is never closed"),
    "an escape": (raw, "(car x))", "(car x)", ek.WrongType, "car: expected a pair, got i64[]"),
}


@pytest.mark.parametrize("title", POSITIONS)
def test_positions_in_docstrings(title):
    function, text, part, kind, message = POSITIONS[title]
    with pytest.raises(kind) as caught:
        ek.jit(function)(5)
    span = caught.value.span
    line = line_of(function, text)
    source = HERE.read_text(encoding="utf-8").splitlines()[line - 1]
    column = source.index(part) + (1 if title == "a form" else 0)
    assert (span.line, span.column) == (line, column)
    assert f"test_api.py[{function.__name__}]:{line}:{column + 1}: {message}" in str(caught.value)
    assert source in str(caught.value)
    assert not our_frames(caught.value)


def test_positions_where_there_is_no_file():
    scope = {}
    exec("def f(x):\n    '''(+ x\n    (car x))'''", scope)
    with pytest.raises(ek.WrongType) as caught:
        ek.jit(scope["f"])(5)
    # Python 3.13 takes the indentation away from the docstrings it compiles.
    column = 1 if sys.version_info >= (3, 13) else 5
    assert f"[f]:2:{column}: car: expected a pair" in str(caught.value)


# ---- derivatives

GRADIENTS = {
    "text": ("(lambda (x) (* x x x))", (2.0,), 0, 12.0),
    "exact": ("(lambda (x) (* x x x))", (2,), 0, 12),
    "a fraction": ("(lambda (x) (* x x))", (Fraction(1, 3),), 0, Fraction(2, 3)),
    "the second argument": ("(lambda (x y) (* x x y))", (3.0, 2.0), 1, 9.0),
    "the last argument": ("(lambda (x y) (* x x y))", (3.0, 2.0), -1, 9.0),
    "two arguments": ("(lambda (x y) (* x x y))", (3.0, 2.0), (0, 1), (12.0, 9.0)),
    "one argument of a list": ("(lambda (x y) (* x x y))", (3.0, 2.0), [1], (9.0,)),
    "through a loop": (
        "(lambda (x n) (do ((i 0 (+ i 1)) (p 1 (* p x))) ((= i n) p)))",
        (2.0, 3),
        0,
        12.0,
    ),
    "through a branch": ("(lambda (x) (if (> x 0) (* x x) 0))", (3.0,), 0, 6.0),
    "a tensor": (
        "(lambda (x) (tensor-sum (* x x)))",
        (np.array([1, 2], np.float32),),
        0,
        np.array([2, 4], np.float32),
    ),
    "a vector": (
        "(lambda (v) (* (vector-ref v 0) (vector-ref v 1)))",
        (scheme("(vector 2.0 3.0)"),),
        0,
        [3.0, 2.0],
    ),
    "a list": ("(lambda (p) (* (car p) (cadr p)))", (scheme("(list 2.0 3.0)"),), 0, "(3.0 2.0)"),
    "a Python function": (lambda x: jnp.sum(x**3), (np.array([1.0, 2.0]),), 0, np.array([3, 12.0])),
    "a dictionary": (lambda p: p["a"] * p["b"], ({"a": 2.0, "b": 3.0},), 0, {"a": 3.0, "b": 2.0}),
    "a jitted procedure": (ek.jit("(lambda (x) (* x x x))"), (2.0,), 0, 12.0),
    "a gradient": (ek.grad("(lambda (x) (* x x x))"), (2.0,), 0, 12.0),
    "a primitive": (scheme("sin"), (0.5,), 0, math.cos(0.5)),
}


def same(result, value):
    if isinstance(value, str):
        return write_string(result) == value
    if isinstance(value, np.ndarray):
        return np.allclose(result, value, rtol=1e-6)
    if isinstance(value, dict):
        return result.keys() == value.keys() and all(same(result[k], value[k]) for k in value)
    if isinstance(value, tuple):
        return isinstance(result, tuple) and all(map(same, result, value))
    return result == pytest.approx(value)


@pytest.mark.parametrize("title", GRADIENTS)
def test_grad(title):
    function, arguments, argnums, value = GRADIENTS[title]
    assert same(ek.grad(function, argnums)(*arguments), value)
    run = ek.value_and_grad(function, argnums)
    procedure = scheme(function) if isinstance(function, str) else function
    result, gradient = run(*arguments)
    assert same(gradient, value)
    assert float(result) == pytest.approx(float(procedure(*arguments)))


@pytest.mark.parametrize(
    "title", [t for t, row in GRADIENTS.items() if row[1][0].__class__ is float]
)
def test_jit_of_grad_is_grad(title):
    function, arguments, argnums, value = GRADIENTS[title]
    jitted = ek.jit(ek.grad(function, argnums))
    assert np.allclose(np.asarray(jitted(*arguments)), value)


def test_exact_gradients_are_exact():
    assert ek.grad("(lambda (x) (* x x x))")(2).__class__ is int
    assert ek.grad("(lambda (x) (/ x 3))")(Fraction(1, 2)) == Fraction(1, 3)


def test_grad_of_keyword_arguments():
    assert ek.grad("(define (f x (y 5.0)) (* x x y))")(3.0) == 30.0
    assert ek.grad("(define (f x (y 5.0)) (* x x y))")(3.0, y=2.0) == 12.0


def test_grad_with_more_results():
    gradient, more = ek.grad("(lambda (x) (list (* x x) 'more))", has_aux=True)(3.0)
    assert (gradient, str(more)) == (6.0, "more")
    (value, more), gradient = ek.value_and_grad(lambda x: (x * x, {"x": x}), has_aux=True)(3.0)
    assert (float(value), float(more["x"]), float(gradient)) == (9.0, 3.0, 6.0)


def test_grad_of_a_model():
    make = scheme("(define (make w b) (lambda (x) (+ (* w x) b))) make")
    model = make(np.ones(2, np.float32), np.zeros(2, np.float32))
    gradient = ek.grad("(lambda (model x) (tensor-sum (model x)))")(model, 3.0)
    assert callable(gradient)
    assert np.allclose(gradient(1.0), [4, 4])  # 3 for each weight, 1 for each bias
    assert np.allclose(jax.tree.leaves(ek.tree(gradient)), [[1, 1], [3, 3]])  # b and w


def test_names_of_derivatives():
    f = scheme('(define (area r) "Of a circle." (* pi r r)) area')
    assert ek.grad(f).__name__ == ek.value_and_grad(f).__name__ == ek.vmap(f).__name__ == "area"
    assert ek.grad(f).__doc__ == "The gradient of area."
    assert str(inspect.signature(ek.grad(f))) == "(r)"


GRAD_ERRORS = {
    "an index too many": (lambda f: ek.grad(f, 2)(1.0, 2.0), "argnums has 2, there are 2 arg"),
    "an index too few": (lambda f: ek.grad(f, -3)(1.0, 2.0), "argnums has -3, there are 2 arg"),
    "a word": (lambda f: ek.grad(f, "x"), "expected an index or several as argnums, got 'x'"),
    "nothing": (lambda f: ek.grad(f, ()), r"expected an index or several as argnums, got \(\)"),
    "a truth value": (lambda f: ek.grad(f, True), "expected an index or several"),
    "no procedure": (lambda f: ek.grad(1), "grad: expected a procedure or Scheme text, got 1"),
    "no number": (lambda f: ek.grad(f)("a", 1.0), 'grad: nothing to differentiate in "a"'),
    "no second number": (
        lambda f: ek.grad(f, (0, 1))(1.0, "a"),
        'grad: nothing to differentiate in "a"',
    ),
    "a tensor as result": (
        lambda f: ek.grad(f)(np.ones(3, np.float32), 1.0),
        r"grad is defined for procedures that give one number, got f32\[3\]",
    ),
    "too few arguments": (lambda f: ek.grad(f)(1.0), "f takes 2 arguments, got 1"),
    "too many arguments": (lambda f: ek.grad(f)(1.0, 2.0, 3.0), "f takes 2 arguments, got 3"),
    "too many for tensors": (
        lambda f: ek.value_and_grad(f)(np.ones(3, np.float32), 2.0, 3.0),
        "f takes 2 arguments, got 3",
    ),
    "an unknown keyword": (lambda f: ek.grad(f)(1.0, z=2.0), "f has no keyword argument #:z"),
}


@pytest.mark.parametrize("title", GRAD_ERRORS)
def test_grad_errors(title):
    run, message = GRAD_ERRORS[title]
    with pytest.raises(ek.EshkolError, match=message) as caught:
        run(scheme("(define (f x y) (* x y)) f"))
    assert not our_frames(caught.value)


# ---- vmap

X = np.arange(6, dtype=np.float32).reshape(2, 3)

MAPPED = {
    "rows": ("(lambda (x) (tensor-sum x))", (X,), {}, X.sum(1)),
    "columns": ("(lambda (x) (tensor-sum x))", (X,), {"in_axes": 1}, X.sum(0)),
    "from behind": ("(lambda (x) (tensor-sum x))", (X,), {"in_axes": -1}, X.sum(0)),
    "one axis for each": ("(lambda (x y) (* x y))", (X, X.T), {"in_axes": (0, 1)}, X * X),
    "not all": ("(lambda (x y) (* x y))", (X, X[0]), {"in_axes": (0, None)}, X * X[0]),
    "axes of the parts of a dictionary": (
        lambda p: p["x"] * p["y"],
        ({"x": X, "y": X[0]},),
        {"in_axes": ({"x": 0, "y": None},)},
        X * X[0],
    ),
    "numbers are the same": ("(lambda (x y) (* x y))", (X, 2.0), {}, X * 2),
    "where the result goes": ("(lambda (x) (* 2 x))", (X,), {"out_axes": 1}, 2 * X.T),
    "a traced condition": (
        "(lambda (x) (if (> x 1) x (- x)))",
        (X[0],),
        {},
        np.array([0, -1, 2], np.float32),
    ),
    "a loop that ends when it will": (
        "(lambda (x) (let loop ((x x)) (if (< x 10) (loop (+ x 4)) x)))",
        (X[1],),
        {},
        np.array([11, 12, 13], np.float32),
    ),
    "a Python function": (lambda x: jnp.cumsum(x), (X,), {}, X.cumsum(1)),
    "a gradient": (ek.grad("(lambda (x) (* x x x))"), (X[0],), {}, 3 * X[0] ** 2),
    "a jitted procedure": (ek.jit("(lambda (x) (tensor-sum x))"), (X,), {}, X.sum(1)),
    "twice": (ek.vmap("(lambda (x) (* x x))"), (X,), {}, X * X),
}


@pytest.mark.parametrize("title", MAPPED)
def test_vmap(title):
    function, arguments, options, value = MAPPED[title]
    mapped = ek.vmap(function, **options)
    assert np.allclose(mapped(*arguments), value)
    assert np.allclose(ek.jit(mapped)(*arguments), value)


def test_vmap_of_keyword_arguments():
    mapped = ek.vmap("(lambda (x y) (tensor-sum (* x y)))")
    assert np.allclose(mapped(X, y=X), (X * X).sum(1))


VMAP_ERRORS = {
    "no axis": (lambda f: ek.vmap(f)(1.0), "vmap: no argument has an axis to map over"),
    "an axis too many": (lambda f: ek.vmap(f, 5)(X), r"vmap: f32\[2,3\] has no axis 5 to map over"),
    "sizes": (
        lambda f: ek.vmap("(lambda (x y) x)")(X, X.T),
        "vmap: the mapped axes have different sizes: 2, 3",
    ),
    "a number of axes": (lambda f: ek.vmap(f, (0, 0))(X), "axes for 1 arguments"),
    "no such axes": (lambda f: ek.vmap(f, "a"), "as in_axes, got 'a'"),
    "nothing mapped": (lambda f: ek.vmap(f, None), "as in_axes, got None"),
    "axes of parts": (
        lambda f: ek.vmap(f, ((0, 0),))(X),
        "have not the structure of what they are",
    ),
    "a strange result axis": (lambda f: ek.vmap(f, 0, "a")(X), "an exact integer as axis, got"),
    "a result axis too many": (lambda f: ek.vmap(f, 0, 5)(X), r"f32\[2,3\] have no axis 5"),
    "no result axis": (lambda f: ek.vmap(f, 0, None)(X), "every result has an axis of calls"),
    "no procedure": (lambda f: ek.vmap(None), "vmap: expected a procedure or Scheme text, got"),
    "too many arguments": (lambda f: ek.vmap(f)(X, X), "f takes 1 argument, got 2"),
}


@pytest.mark.parametrize("title", VMAP_ERRORS)
def test_vmap_errors(title):
    run, message = VMAP_ERRORS[title]
    with pytest.raises(ek.EshkolError, match=message) as caught:
        run(scheme("(define (f x) x) f"))
    assert not our_frames(caught.value)


# ---- closures as pytrees


@pytest.fixture
def model():
    make = scheme("(define (make w b rate) (lambda (x) (+ (* rate w x) b))) make")
    return make(np.array([1, 2], np.float32), np.array([3, 4], np.float32), 0.5)


def test_tree(model):
    tree = ek.tree(model)
    paths, _ = jax.tree_util.tree_flatten_with_path(tree)
    assert {jax.tree_util.keystr(path): leaf.tolist() for path, leaf in paths} == {
        ".b": [3, 4],
        ".w": [1, 2],
    }
    assert np.allclose(tree(2.0), model(2.0))
    assert np.allclose(tree.value(2.0), [4, 6])


def test_tree_map_makes_a_closure_again(model):
    doubled = jax.tree.map(lambda leaf: 2 * leaf, ek.tree(model))
    assert np.allclose(doubled(2.0), [8, 12])
    assert np.allclose(doubled.value(2.0), [8, 12])
    assert np.allclose(model(2.0), [4, 6])


def test_tree_through_transformations_of_jax(model):
    tree = ek.tree(model)

    def loss(tree, x):
        return jnp.sum(tree(x) ** 2)

    expected = float(jnp.sum(model(3.0) ** 2))
    assert float(jax.jit(loss)(tree, 3.0)) == pytest.approx(expected)
    gradient = jax.grad(loss)(tree, 3.0)
    assert np.allclose(jax.tree.leaves(gradient)[0], 2 * model(3.0))
    twice = jax.jit(jax.grad(loss))(tree, 3.0)
    assert np.allclose(jax.tree.leaves(twice)[0], jax.tree.leaves(gradient)[0])
    stacked = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), tree)
    assert jax.vmap(lambda t: t(3.0))(stacked).shape == (2, 2)


def test_tree_is_trained_by_optax(model):
    tree = ek.tree(model)
    optimizer = optax.adam(0.1)
    state = optimizer.init(tree)

    traces = []

    @jax.jit
    def step(tree, state):
        traces.append(tree)
        loss, gradient = jax.value_and_grad(lambda t: jnp.sum(t(1.0) ** 2))(tree)
        updates, state = optimizer.update(gradient, state)
        return optax.apply_updates(tree, updates), state, loss

    losses = []
    for _ in range(60):
        tree, state, loss = step(tree, state)
        losses.append(float(loss))
    assert losses[-1] < losses[0] / 20
    assert len(traces) == 1


# ---- procedures in the hands of JAX

HANDED = {
    "arithmetic": ("(lambda (x) (+ (* x x) 1))", lambda x: x * x + 1),
    "a branch": ("(lambda (x) (if (> x 1) (* x x) (- x)))", lambda x: x * x if x > 1 else -x),
    "several branches": (
        "(lambda (x) (cond ((< x 0) 0.0) ((< x 2) (sin x)) (else (exp x))))",
        lambda x: 0.0 if x < 0 else math.sin(x) if x < 2 else math.exp(x),
    ),
    "and, or": ("(lambda (x) (if (and (> x 0) (< x 2)) x 9.0))", lambda x: x if 0 < x < 2 else 9),
    "a loop of known length": (
        "(lambda (x) (do ((i 0 (+ i 1)) (s 0 (+ s (* x i)))) ((= i 5) s)))",
        lambda x: 10 * x,
    ),
    "a procedure that calls another": (
        "(define (g y) (if (> y 2) y 2.0)) (define (f x) (* 3 (g x))) f",
        lambda x: 3 * max(x, 2),
    ),
    "a branch in a called procedure": (
        "(define (clip y) (if (> y 1) 1.0 y)) (lambda (x) (+ (clip x) (clip (- x))))",
        lambda x: min(x, 1) + min(-x, 1),
    ),
    "a closure that assigns": (
        "(let ((k 2.0)) (lambda (x) (let ((y 1.0)) (when (> x 1) (set! y k)) (* y x))))",
        lambda x: 2 * x if x > 1 else x,
    ),
    "higher-order": (
        "(lambda (x) (fold-left + 0 (map (lambda (k) (if (> x k) x k)) '(1.0 2.0))))",
        lambda x: max(x, 1) + max(x, 2),
    ),
    "an argument with a default": ("(lambda (x (y 3.0)) (if (> x y) x y))", lambda x: max(x, 3)),
}
POINTS = np.array([-1.5, 0.5, 1.5, 2.5], np.float32)


@pytest.mark.parametrize("title", HANDED)
def test_jax_jit(title):
    text, reference = HANDED[title]
    jitted = jax.jit(scheme(text))
    for x in POINTS:
        assert float(jitted(x)) == pytest.approx(reference(float(x)), rel=1e-6)


@pytest.mark.parametrize("title", HANDED)
def test_jax_vmap(title):
    text, reference = HANDED[title]
    expected = [reference(float(x)) for x in POINTS]
    f = scheme(text)
    assert np.allclose(jax.vmap(f)(POINTS), expected, rtol=1e-6)
    assert np.allclose(jax.jit(jax.vmap(f))(POINTS), expected, rtol=1e-6)
    assert np.allclose(jax.vmap(ek.jit(f))(POINTS), expected, rtol=1e-6)


@pytest.mark.parametrize("title", HANDED)
def test_jax_grad(title):
    text, reference = HANDED[title]
    f = scheme(text)
    for x in map(float, POINTS):
        step = 1e-5
        slope = (reference(x + step) - reference(x - step)) / (2 * step)
        for gradient in (jax.grad(f), jax.jit(jax.grad(f)), jax.grad(ek.jit(f)), ek.grad(f)):
            assert float(gradient(x)) == pytest.approx(slope, rel=1e-3, abs=1e-5)


def test_jax_takes_procedures_for_its_own_control_flow():
    bigger = scheme("(lambda (x) (* 2 x))")
    smaller = scheme("(lambda (x) (if (> x 10) x (/ x 2)))")
    test = scheme("(lambda (x) (< x 100.0))")
    assert float(jax.jit(lambda x: jax.lax.cond(x > 0, bigger, smaller, x))(3.0)) == 6.0
    assert float(jax.lax.while_loop(test, bigger, 1.0)) == 128.0
    assert float(jax.lax.fori_loop(0, 3, lambda i, x: bigger(x), 1.0)) == 8.0
    assert np.allclose(jax.lax.map(smaller, POINTS), POINTS / 2)


def test_jax_makes_static_what_python_says():
    f = scheme("(define (power x n) (if (= n 0) 1 (* x (power x (- n 1))))) power")
    assert float(jax.jit(f, static_argnums=1)(2.0, 10)) == 1024.0


def test_an_error_in_the_hands_of_jax():
    f = scheme("(define (f x w)\n  (if (> (tensor-sum x) 0)\n      (matmul x w)\n      x)) f")
    with pytest.raises(ek.ShapeError) as caught:
        jax.jit(f)(np.ones((2, 3), np.float32), np.ones((2, 3), np.float32))
    assert ":3:7: matmul: inner sizes differ" in str(caught.value)
    shown = "".join(traceback.format_exception(caught.value))
    assert "NeedsStaging" not in shown
    assert "During handling" not in shown


# ---- errors that cross the border


def refuse(x):
    try:
        raise KeyError("the cause")
    except KeyError as error:
        raise ValueError("refused") from error


CROSSINGS = {
    "eval": lambda f: ek.eval("(+ 1 (f 5))", f=f),
    "a procedure": lambda f: scheme("(lambda (f) (+ 1 (f 5)))")(f),
    "map": lambda f: ek.eval("(map f '(1 2))", f=f),
    "grad": lambda f: ek.grad(ek.eval("(lambda (x) (* x (f x)))", f=f))(1.0),
    "jit": lambda f: ek.jit("(lambda (x) (f x))", f=f)(1.0),
    "vmap": lambda f: ek.vmap(f)(X),
}


@pytest.mark.parametrize("title", CROSSINGS)
def test_a_python_error_crosses_as_it_is(title):
    with pytest.raises(ValueError, match="refused") as caught:
        CROSSINGS[title](refuse)
    assert caught.value.__class__ is ValueError
    assert isinstance(caught.value.__cause__, KeyError)
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert names[-1] == "refuse"
    if title not in ("a procedure",):
        assert not our_frames(caught.value)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_is_no_error_crosses_too(kind):
    def leave(x):
        raise kind

    with pytest.raises(kind):
        ek.eval("(f 1)", f=leave)


def test_a_python_type_error_is_not_taken_for_the_program_s():
    def broken(x):
        return len(x) + None

    with pytest.raises(TypeError, match="has no len") as caught:
        ek.eval("(f 1)", f=broken)
    assert caught.value.__class__ is TypeError


BUILTINS = {
    "(car 1)": TypeError,
    "(vector-ref (vector 1) 5)": IndexError,
    "undefined-name": NameError,
    "(if)": SyntaxError,
    "(quotient 1 0)": ZeroDivisionError,
    "((lambda (x) x))": TypeError,
    "(5 6)": TypeError,
    '(error "no" 1)': RuntimeError,
    "(define (f x) (+ 1 (f x))) (f 1)": RecursionError,
}


@pytest.mark.parametrize("text", BUILTINS)
def test_errors_are_what_python_would_catch(text):
    with pytest.raises(BUILTINS[text]) as caught:
        scheme(text)
    assert isinstance(caught.value, ek.EshkolError)
    assert caught.value.span is not None
    assert not our_frames(caught.value)


def test_a_session_goes_on_after_an_error(session):
    with pytest.raises(ek.WrongType):
        session.evaluate("(define x 1) (car x) (define y 2)")
    assert session.evaluate("x") == 1
    with pytest.raises(ek.UnboundVariable):
        session.evaluate("y")
    with pytest.raises(ek.IncompleteInput):
        session.evaluate("(define x 2")
    assert session.evaluate("x") == 1


# ---- procedures are Python functions


def test_a_procedure_is_a_python_function():
    f = scheme('(define (scale x (by 2) . rest) "Scale it." (list (* x by) rest)) scale')
    assert inspect.isfunction(f)
    assert (f.__name__, f.__doc__) == ("scale", "Scale it.")
    assert str(inspect.signature(f)) == "(x, by=2, *rest)"
    assert write_string(f(3)) == "(6 ())"
    assert write_string(f(3, by=4)) == "(12 ())"
    assert write_string(f(3, 1, 5, 6)) == "(3 (5 6))"
    assert list(map(scheme("(lambda (x) (* x x))"), range(4))) == [0, 1, 4, 9]
    assert sorted([3, 1, 2], key=scheme("(lambda (x) (- x))")) == [3, 2, 1]


def test_python_functions_are_procedures(session):
    session.define("py-max", max)
    assert session.evaluate("(py-max 1 5 3)") == 5
    assert session.evaluate("(procedure? py-max)") is True
    assert write_string(session.evaluate("(map py-max '(1 5) '(3 2))")) == "(3 5)"


def test_errors_can_be_pickled():
    with pytest.raises(ek.WrongType) as caught:
        scheme("(car 1)")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert copy.__class__ is ek.WrongType
    assert copy.message == "car: expected a pair, got 1"


# ---- threads


def in_threads(count, work):
    """Do the same in several threads at once; what each gave."""
    results, start = {}, threading.Barrier(count)

    def run(number):
        start.wait()
        try:
            results[number] = work(number)
        except BaseException as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=[number]) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [results[number] for number in range(count)]


def test_sessions_in_threads():
    text = "(define (f n) (if (< n 2) n (+ (f (- n 1)) (f (- n 2))))) (define k {}) (+ k (f 12))"
    assert in_threads(6, lambda i: ek.Session().evaluate(text.format(i))) == [
        144 + i for i in range(6)
    ]


def test_one_session_in_threads(session):
    def work(number):
        session.evaluate(f"(define (f{number} x) (+ x {number}))")
        return [session.evaluate(f"(f{number} {i})") for i in range(20)]

    assert in_threads(6, work) == [[number + i for i in range(20)] for number in range(6)]


def test_one_jitted_procedure_in_threads():
    jitted = ek.jit("(lambda (x) (if (> (tensor-sum x) 10) (* 2 x) x))")

    def work(number):
        return [float(jitted(np.full(number % 3 + 1, i, np.float32))[0]) for i in range(8)]

    sizes = [number % 3 + 1 for number in range(6)]
    expected = [[i * 2.0 if i * n > 10 else float(i) for i in range(8)] for n in sizes]
    assert in_threads(6, work) == expected


def test_staging_in_one_thread_is_not_seen_in_another():
    f = scheme("(define (f x) (if (> x 0) (* x x) (- x))) f")

    def work(number):
        if number % 2:
            return [f(x) for x in (-2, 3)] * 5
        return [
            round(float(jax.jit(lambda x, k=k: f(x))(x))) for k in range(5) for x in (-2.0, 3.0)
        ]

    assert in_threads(4, work) == [[2, 9] * 5] * 4


# ---- what importing costs


def test_the_public_names():
    code = (
        "import sys, eshkol as ek\n"
        "assert 'eshkol.api' not in sys.modules\n"
        "assert set(ek.__all__) <= set(dir(ek)), set(ek.__all__) - set(dir(ek))\n"
        "for name in [*ek.__all__, 'eval', 'nn']:\n"
        "    value = getattr(ek, name)\n"
        "    assert name == '__version__' or value.__doc__, name\n"
        "assert 'jax' not in sys.modules\n"
        "assert ek.eval('(+ 1 2)') == 3\n"
        "assert ek.grad('(lambda (x) (* x x))')(3.0) == 6.0\n"
        "assert 'jax' not in sys.modules\n"
        "from eshkol import *\n"
        "assert eval('1 + 1') == 2\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
    with pytest.raises(AttributeError, match="module 'eshkol' has no attribute 'nothing'"):
        _ = ek.nothing
