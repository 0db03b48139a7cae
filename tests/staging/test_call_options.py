"""What is said in advance of a compiled procedure: static and donated arguments, devices."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from staged_sessions import assert_at_rest, compiles, value

import eshkol as ek
from eshkol.base.errors import BadValue, Donated, OutOfRange, StagingError, WrongType
from eshkol.session import Session
from eshkol.xla.programs import CompilationWarning


@pytest.fixture
def session() -> Session:
    return Session()


# ---- static arguments

STATIC = {
    # option, first argument, an equal one, another one
    "an index": ("0", "3", "3", "4"),
    "an index from the end": ("-2", "3", "3", "4"),
    "a symbol": ("'n", "3", "3", "4"),
    "a string": ('"n"', "3", "3", "4"),
    "a list": ("'(n)", "3", "3", "4"),
    "a vector": ("#(0)", "3", "3", "4"),
    "a real": ("0", "1.5", "1.5", "2.5"),
    "a negative zero": ("0", "0.0", "0.0", "-0.0"),
    "a rational": ("0", "1/2", "2/4", "1/3"),
    "a text": ("0", '"relu"', '(string-append "re" "lu")', '"tanh"'),
    "a name": ("0", "'relu", "'relu", "'tanh"),
    "a list of numbers": ("0", "'(2 3)", "(list 2 3)", "'(2 4)"),
    "a nest": ("0", "'((2 3) (a . 1.5))", "(list (list 2 3) (cons 'a 1.5))", "'((2 3) (a . 1))"),
    "a truth value": ("0", "#t", "#t", "#f"),
    "nothing": ("0", "'()", "'()", "#f"),
}


@pytest.mark.parametrize("case", STATIC)
def test_static_arguments_are_compiled_in_by_content(session: Session, case: str) -> None:
    option, first, same, other = STATIC[case]
    session.evaluate(f"(define f (jit (lambda (n x) (list n x)) #:static {option}))")
    with compiles(1):
        assert value(session, f"(equal? (list {first} 2.0) (f {first} 2.0))")
        assert value(session, f"(equal? (list {same} 3.0) (f {same} 3.0))")
    with compiles(1):
        assert value(session, f"(equal? (list {other} 2.0) (f {other} 2.0))")
    with compiles(0):
        for text in (first, other) * 4:
            assert value(session, f"(equal? (list {text} 2.0) (f {text} 2.0))")


def test_a_static_argument_is_known_where_the_program_is_compiled(session: Session) -> None:
    session.evaluate("""
        (define f (jit (lambda (steps rate x)
          (if (> rate 0.5) (* x (ones steps)) (list x))) #:static '(steps rate)))""")
    assert value(session, "(f 2 0.75 3.0)") == [3.0, 3.0]
    assert str(session.evaluate("(f 2 0.25 3.0)")) == "(3.0)"


def test_a_static_list_can_be_changed_afterwards(session: Session) -> None:
    session.evaluate("(define l (list 2 3)) (define f (jit (lambda (l) (zeros l)) #:static 0))")
    assert value(session, "(tensor-shape (f l))").cdr.car == 3
    assert value(session, "(set-car! (cdr l) 5) (tensor-shape (f l))").cdr.car == 5
    assert value(session, "(tensor-shape (f '(2 3)))").cdr.car == 3


def test_a_static_keyword_argument(session: Session) -> None:
    session.evaluate("""
        (define (f x #:size (size 2) #:by-name (name "a")) (if (equal? name "a") (ones size) x))
        (define g (jit f #:static '(size by-name)))""")
    with compiles(1):
        assert value(session, "(g 1.0 #:size 3)") == [1.0] * 3
        assert value(session, "(g 2.0 #:size 3)") == [1.0] * 3
    assert value(session, "(g 1.0)") == [1.0] * 2
    assert value(session, '(g 1.0 #:by-name "b")') == 1.0


@dataclasses.dataclass(frozen=True)
class Shape:
    """A value of a Python program that says what it is equal to."""

    rows: int
    columns: int


def test_all_further_arguments_are_static_by_the_name_of_the_parameter(session: Session) -> None:
    session.evaluate("(define f (jit (lambda (x . sizes) (* x (ones sizes))) #:static 'sizes))")
    with compiles(1):
        assert value(session, "(f 2.0 2 1)") == [[2.0], [2.0]]
        assert value(session, "(f 3.0 2 1)") == [[3.0], [3.0]]
    assert value(session, "(f 3.0 2)") == [3.0, 3.0]
    named = ek.jit(lambda x, *sizes: x * jnp.ones(sizes), static="sizes")
    assert named(2.0, 2, 3).shape == (2, 3)
    with pytest.raises(BadValue, match=r"argument 1 of .* can't be both static and donated"):
        session.evaluate("(jit (lambda (x . w) x) #:static 'w #:donate 1)")


def test_static_python_values_are_equal_by_their_own_equality() -> None:
    compiled = ek.jit(lambda shape, x: x * jnp.ones((shape.rows, shape.columns)), static=0)
    with compiles(1):
        assert compiled(Shape(2, 3), 1.5).shape == (2, 3)
        assert compiled(Shape(2, 3), 2.5).shape == (2, 3)
    with compiles(1):
        assert compiled(Shape(3, 3), 1.5).shape == (3, 3)


def test_static_arguments_of_python_functions_by_position_and_by_name() -> None:
    @ek.jit(static=("size", "mode"))
    def resized(x: Any, size: int = 2, *, mode: str = "ones") -> Any:
        return x * (jnp.ones(size) if mode == "ones" else jnp.zeros(size))

    assert resized(2.0).tolist() == [2.0, 2.0]
    assert resized(2.0, 3).tolist() == [2.0] * 3
    assert resized(2.0, size=3).tolist() == [2.0] * 3
    assert resized(2.0, mode="zeros").tolist() == [0.0, 0.0]
    with compiles(0):
        assert resized(3.0, size=3).tolist() == [3.0] * 3


def test_static_arguments_within_a_compiled_procedure(session: Session) -> None:
    session.evaluate("""
        (define inner (jit (lambda (n x) (* x (ones n))) #:static 'n))
        (define outer (jit (lambda (n x) (tensor-sum (inner n x)))))""")
    assert [value(session, f"(outer {n} 2.0)") for n in (2, 3, 2)] == [4.0, 6.0, 4.0]
    with pytest.raises(StagingError, match="a static argument must be known"):
        session.evaluate("((jit (lambda (x) (inner x 1.0))) 2.0)")
    assert_at_rest()


# ---- wrong options

WRONG = [
    ("#:static 'k", BadValue, r"jit: static: there is no parameter k in \(lambda \(n x\) …\)"),
    ("#:static 2", OutOfRange, r"jit: static: there is no argument 2 in \(lambda \(n x\) …\)"),
    ("#:static -3", OutOfRange, "there is no argument -3"),
    ("#:donate '(0 9)", OutOfRange, "jit: donate: there is no argument 9"),
    ("#:static 1.5", WrongType, "expected the index or name of an argument"),
    ("#:static #t", WrongType, "expected the index or name of an argument"),
    ("#:static 'n #:donate '(x n)", BadValue, "argument 0 of .* can't be both static and donated"),
    ("#:device 'abacus", BadValue, r"jit: there is no device abacus(.|\n)*there are: .*cpu:0"),
    ('#:device "cpu:99"', BadValue, "there is no device cpu:99"),
    ("#:device 99", BadValue, "there is no device 99"),
    ('#:device "c p u"', BadValue, 'expected a device such as "cpu"'),
    ("#:device 1.5", WrongType, "device: expected a name"),
    ("#:backend 'abacus", BadValue, "there is no device abacus"),
    ("#:device 'cpu #:backend 'tpu", BadValue, "the device cpu is not on the backend tpu"),
]


@pytest.mark.parametrize(("options", "kind", "message"), WRONG)
def test_wrong_options(session: Session, options: str, kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        session.evaluate(f"(jit (lambda (n x) x) {options})")


def test_a_tensor_is_not_static(session: Session) -> None:
    with pytest.raises(WrongType, match=r"a tensor can't be: got f32\[3\]"):
        session.evaluate("((jit (lambda (x) x) #:static 0) (ones 3))")
    with pytest.raises(WrongType, match="part of the compiled program"):
        session.evaluate("((jit (lambda (x) x) #:static 0) (list 1 (ones 3)))")


# ---- donation

STEP = "(define step (jit (lambda (w x) (- w (* x w))) #:donate 'w))"

READERS = {
    # what is run after (step w 0.5), the variable that the error names
    "arithmetic": ("(+ w 1)", "w"),
    "a reduction": ("(tensor-sum (* 2 w))", "w"),
    "an element": ("(tensor-ref w 0)", "w"),
    "a comparison": ("(equal? w (ones 3))", "w"),
    "a conversion": ("(tensor->list w)", "w"),
    "the same call": ("(step w 0.5)", "w"),
    "another compiled call": ("((jit (lambda (x) (* 2 x))) w)", "w"),
    "a procedure": ("(define (predict x) (* x w)) (predict 2.0)", "w"),
    "a compiled procedure": ("(define (predict x) (* x w)) ((jit predict) 2.0)", "w"),
    "a gradient": ("(gradient (lambda (x) (tensor-sum (* x w))) (ones 3))", "w"),
    "another variable of it": ("(define v w) (+ v 1)", "v"),
    "a local variable": ("(let ((v w)) (let ((u 1)) (+ u v)))", "v"),
    "an element of a list": ("(define l (list 1 w)) (step (cadr l) 0.5)", "l.1"),
    "a gradient at it": ("(gradient (lambda (w) (tensor-sum (* w w))) w)", "w"),
    "a closure": ("(define f (let ((k w)) (lambda (x) (* k x)))) ((jit f) 1.0)", "f.k"),
}


@pytest.mark.parametrize("case", READERS)
def test_a_donated_variable_is_not_read(session: Session, case: str) -> None:
    program, name = READERS[case]
    session.evaluate(f"{STEP} (define w (ones 3)) (define new (step w 0.5))")
    assert value(session, "new") == [0.5] * 3
    with pytest.raises(Donated) as caught:
        session.evaluate(program)
    text = str(caught.value)
    assert f"{name} was donated to a compiled call" in text
    assert "(step w 0.5), <input" in text
    assert "leave it out of #:donate" in text
    assert isinstance(caught.value, RuntimeError)
    assert value(session, "new") == [0.5] * 3


def test_how_to_keep_a_donated_variable(session: Session) -> None:
    session.evaluate(f"{STEP} (define w (ones 3))")
    for _ in range(20):
        session.evaluate("(set! w (step w 0.5))")
    np.testing.assert_allclose(value(session, "w"), [0.5**20] * 3)
    with pytest.raises(Donated, match=r"as in \(set! w \(step w 0.5\)\)"):
        session.evaluate("(step w 0.5) (* 2 w)")


def test_the_advice_fits_the_variable(session: Session) -> None:
    session.evaluate(f"{STEP} (define w (ones 3)) (step w 0.5) (define (report v) (tensor-sum v))")
    with pytest.raises(Donated, match="v was donated") as caught:
        session.evaluate("(report w)")
    assert "keep what the call gives, or leave it out" in str(caught.value)


def test_a_donated_tensor_is_shown_as_one(session: Session, capsys: Any) -> None:
    session.evaluate(f"{STEP} (define w (ones 3)) (step w 0.5) (display (list w 1))")
    assert capsys.readouterr().out == "(#<donated tensor f32[3]> 1)"


def test_donated_tensors_in_structures(session: Session) -> None:
    session.evaluate("""
        (define (make) (let ((weight (ones 3)) (rate 0.5)) (lambda (x) (* rate weight x))))
        (define update (jit (lambda (model state x) (list model (map (lambda (s) (* s x)) state)))
                            #:donate '(model state)))
        (define model (make)) (define state (list (ones 3) (ones 2)))
        (define result (update model state 3.0))""")
    assert value(session, "((car result) 2.0)") == [1.0] * 3
    assert value(session, "(cadr (cadr result))") == [3.0] * 2
    with pytest.raises(Donated, match=r"weight was donated"):
        session.evaluate("(model 2.0)")
    with pytest.raises(Donated, match=r"state(\.0)? was donated"):
        session.evaluate("(+ 1 (car state))")
    for _ in range(20):
        session.evaluate("(set! result (update (car result) (cadr result) 1.0))")
    assert value(session, "(cadr (cadr result))") == [3.0] * 2


def test_a_tensor_that_is_given_twice_is_donated_once(session: Session) -> None:
    session.evaluate("(define f (jit (lambda (x y) (+ x (* 2 y))) #:donate 0)) (define a (ones 2))")
    assert value(session, "(f a a)") == [3.0, 3.0]
    with pytest.raises(Donated, match="a was donated"):
        session.evaluate("(+ a 1)")
    session.evaluate("(define both (jit (lambda (x y) (list (+ x y) (- x y))) #:donate '(0 1)))")
    assert value(session, "(let ((b (ones 2))) (car (both b b)))") == [2.0, 2.0]


def test_a_donation_that_has_no_use_is_told_and_still_one(session: Session) -> None:
    session.evaluate("(define f (jit (lambda (x) (tensor-sum x)) #:donate 0)) (define a (ones 4))")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert value(session, "(f a)") == 4.0
    (warning,) = caught
    assert warning.category is CompilationWarning
    assert "x (f32[4]) is donated, but no result has that shape and dtype" in str(warning.message)
    with pytest.raises(Donated, match="a was donated"):
        session.evaluate("(+ a 1)")


def test_nothing_is_donated_where_the_call_is_part_of_a_larger_program(session: Session) -> None:
    session.evaluate(
        f"{STEP} (define (loss w) (tensor-sum (* w (step w 0.5)))) (define w (ones 3))"
    )
    np.testing.assert_allclose(value(session, "((jit loss) w)"), 1.5)
    np.testing.assert_allclose(value(session, "(gradient loss w)"), [1.0] * 3)
    np.testing.assert_allclose(value(session, "(* 2 w)"), [2.0] * 3)


def test_the_call_fails_before_anything_is_donated(session: Session) -> None:
    session.evaluate("(define f (jit (lambda (w) (matmul w (ones 5))) #:donate 0))")
    session.evaluate("(define w (ones 3))")
    with pytest.raises(ek.EshkolError):
        session.evaluate("(f w)")
    assert value(session, "(* 2 w)") == [2.0] * 3


def test_a_call_that_fails_when_it_runs_is_named_by_who_reads_what_it_has_taken(
    session: Session,
) -> None:
    session.evaluate("""
        (define step (jit (lambda (w x) (if (< x 0) (error "negative" x) (* x w))) #:donate 'w))
        (define w (ones 3)) (guard (e (#t e)) (step w -1.0))""")
    with pytest.raises(Donated, match=r"(?s)w was donated.*\(step w -1.0\), <input"):
        session.evaluate("(tensor-sum w)")


def test_donation_from_python() -> None:
    step = ek.jit("(lambda (w x) (- w (* x w)))", donate="w")
    weights = jnp.ones(3)
    kept = step(weights, 0.5)
    assert weights.is_deleted()
    with pytest.raises(Donated, match="weights was donated to a compiled call"):
        step(weights, 0.5)
    with pytest.raises(Donated, match=r"kept = step\(weights, 0.5\)"):
        ek.jit("(lambda (x) (* 2 x))")(weights)
    assert kept.tolist() == [0.5] * 3
    array = np.ones(1024, np.float32)
    step(array, jnp.ones(1024))
    assert array.tolist() == [1.0] * 1024


# ---- devices


def test_where_a_program_runs(session: Session) -> None:
    session.evaluate("(define f (jit (lambda (x y) (* x y)) #:device 'cpu))")
    result = session.evaluate("(f (ones 3) 2.0)")
    assert result.devices() == {jax.devices("cpu")[0]}
    assert value(session, "((jit (lambda () (ones 2)) #:backend 'cpu))") == [1.0, 1.0]
    assert value(session, "((jit (lambda (x) (* 2 x)) #:device 0) (ones 2))") == [2.0, 2.0]
    device = jax.devices("cpu")[0]
    assert ek.jit("(lambda (x) (* 2 x))", device=device)(jnp.ones(2)).tolist() == [2.0, 2.0]


SEVERAL = """
import jax, numpy as np, eshkol as ek
device = jax.devices()[2]
f = ek.jit("(lambda (x y) (* 2 x y))", device="cpu:2")
for x in (np.ones(3, np.float32), jax.device_put(np.ones(3, np.float32), jax.devices()[1])):
    for y in (2.0, 3, jax.numpy.ones(3)):
        result = f(x, y)
        assert result.devices() == {device}, result.devices()
assert ek.jit("(lambda () (ones 3))", device="cpu:1")().devices() == {jax.devices()[1]}
ek.eval("(define w (ones 3)) (define g (jit (lambda (x) (* x w)) #:device \\"cpu:3\\"))")
assert ek.eval("(g 2.0)").devices() == {jax.devices()[3]}
assert float(ek.eval("((gradient (lambda (x) (tensor-sum (g x)))) 2.0)")) == 3.0
assert float(ek.eval("((jit (lambda (x) (tensor-sum (g x)))) 2.0)")) == 6.0
try:
    ek.jit("(lambda (x) x)", device="cpu:4")
except ek.BadValue as error:
    assert "there are: cpu:0, cpu:1, cpu:2, cpu:3" in str(error), error
else:
    raise AssertionError
mesh = jax.make_mesh((4,), ("rows",), axis_types=(jax.sharding.AxisType.Explicit,))
rows = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("rows"))
table = jax.device_put(np.arange(24, dtype=np.float32).reshape(8, 3), rows)
for program, expected in (
    ("(lambda (x) (if (> (tensor-sum x) 5.0) (* 2 x) (- x)))", 2 * np.asarray(table)),
    ("(vmap (lambda (row) (if (> (tensor-ref row 0) 5.0) (* 2 row) row)))",
     np.asarray(table) * (1 + (np.arange(8) > 1))[:, None]),
):
    result = ek.jit(program)(table)
    assert result.sharding.spec[0] == "rows", result.sharding
    np.testing.assert_array_equal(np.asarray(result), expected)
print("held")
"""


def test_where_a_program_runs_of_several_devices() -> None:
    flags = "--xla_force_host_platform_device_count=4"
    environment = {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    result = subprocess.run(
        [sys.executable, "-c", SEVERAL], capture_output=True, text=True, env=environment
    )
    assert (result.stdout, result.returncode) == ("held\n", 0), result.stderr


REFUSALS = [
    "UNIMPLEMENTED: While rewriting computation to not contain X64 element types, XLA encountered "
    "an HLO for which this rewriting is not implemented: %b = s64[4]{0} bitcast-convert(%c)",
    "INVALID_ARGUMENT: 64-bit data types are not yet supported on the TPU driver API.",
    "INVALID_ARGUMENT: Element type C128 is not supported on TPU.",
    "UNKNOWN: <unknown>:0: error: 'func.func' op One or more function input/output data types are "
    "not supported.",
]


def refuse(message: str) -> None:
    """What a device without 64-bit numbers does."""
    raise jax.errors.JaxRuntimeError(message)


@pytest.mark.parametrize("message", REFUSALS)
def test_a_device_without_doubles_is_told_of_at_the_form(session: Session, message: str) -> None:
    session.define("compute", lambda x: refuse(message))
    with pytest.raises(StagingError, match="this device has no 64-bit numbers") as caught:
        session.evaluate("(define (f x)\n  (+ 1 (compute x)))\n(f 2.0)")
    assert caught.value.span is not None
    assert (caught.value.span.line, caught.value.span.column) == (2, 7)
    assert "make tensors of them" in str(caught.value)


def test_other_refusals_of_a_device_stay_what_they_are(session: Session) -> None:
    session.define("compute", lambda x: refuse("INTERNAL: Failed to launch a kernel"))
    with pytest.raises(jax.errors.JaxRuntimeError, match="Failed to launch"):
        session.evaluate("(compute 2.0)")
