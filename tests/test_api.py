"""Scheme from Python: evaluate, load and compile, and what crosses the border."""

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
import pytest

import eshkol as ek
from eshkol.datum.write import write_string
from programs import our_frames
from programs import value as scheme

HERE = Path(__file__).resolve()


@pytest.fixture
def session():
    return ek.Session()


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
    "vmap": lambda f: ek.vmap(f)(np.ones((2, 3), np.float32)),
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
