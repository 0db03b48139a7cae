"""Arithmetic on other kinds of numbers: ones that carry derivatives, arrays, witnesses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scheme_calls import call, run, shown

from eshkol import autodiff
from eshkol.base.errors import EshkolError, ShapeError, StagingError
from eshkol.datum.values import Vector
from eshkol.primitives import arithmetic, comparison

SMOOTH = ["sin", "cos", "tan", "exp", "log", "sqrt", "atan", "asin", "acos", "sinh", "cosh", "tanh"]


class Witness:
    """A traced exact integer whose value is known: what the staging runtime passes around."""

    def __init__(self, value: int) -> None:
        self.value = value
        self.asked = False
        self.__eshkol_traced__ = np.int32(value)

    def __index__(self) -> int:
        self.asked = True
        return self.value


DERIVATIVES = [
    ("(lambda (x) (+ x 1))", 2.0, 1.0),
    ("(lambda (x) (- x))", 2.0, -1.0),
    ("(lambda (x) (* x x x))", 2, 12),
    ("(lambda (x) (/ 1 x))", 2, "-1/4"),
    ("(lambda (x) (square x))", 3, 6),
    ("(lambda (x) (expt x 5))", 1, 5),
    ("(lambda (x) (exact->inexact x))", 2.0, 1.0),
    ("(lambda (x) (max x 1))", 2.0, 1.0),
    ("(lambda (x) (min x 1))", 2.0, 0),
    ("(lambda (x) (abs x))", -2.0, -1.0),
    ("(lambda (x) (if (> x 1) (* 3 x) x))", 2.0, 3.0),
    ("(lambda (x) (apply + (map (lambda (k) (* k x)) '(1 2 3))))", 2.0, 6.0),
    ("(lambda (x) (fold + 0 (map (lambda (k) (* k x)) '(1 2 3))))", 2.0, 6.0),
    ("(lambda (x) (vector-ref (* x #(1 2 3)) 2))", 2.0, 3.0),
    ("(lambda (x) (vector-ref (+ (vector x 1) (vector x x)) 0))", 2.0, 2.0),
    ("(lambda (x) (floor x))", 2.5, 0),
    ("(lambda (x) (modulo x 2))", 5.5, 1.0),
]


@pytest.mark.parametrize(("source", "point", "slope"), DERIVATIVES)
def test_derivatives_pass_through_primitives(source: str, point: float, slope: object) -> None:
    result = autodiff.derivative(run(source), point)
    assert result == (run(slope) if isinstance(slope, str) else slope)


@pytest.mark.parametrize(
    "name",
    "sin cos tan exp log sqrt atan asin acos sinh cosh tanh asinh atanh".split(),
)
def test_elementary_derivatives_against_differences(name: str) -> None:
    def function(x: object) -> object:
        return call(name, x)

    h = 1e-6
    slope = (function(0.3 + h) - function(0.3 - h)) / (2 * h)
    assert autodiff.derivative(function, 0.3) == pytest.approx(slope, rel=1e-8)


def test_predicates_look_at_the_plain_value() -> None:
    seen: dict[str, object] = {}

    def function(x: object) -> object:
        for name in ("number?", "real?", "zero?", "positive?", "integer?", "exact?", "even?"):
            seen[name] = call(name, x)
        return x

    autodiff.derivative(function, 2.0)
    expected = {"zero?": False, "positive?": True, "integer?": True, "exact?": False}
    assert seen == {"number?": True, "real?": True, "even?": True, **expected}


def test_vectors_of_unequal_lengths() -> None:
    with pytest.raises(ShapeError, match=r"\+: vectors of lengths 2 and 3 do not fit together"):
        call("+", Vector([1, 2]), Vector([1, 2, 3]))


def test_rank_0_arrays_are_numbers() -> None:
    whole, real, truth = np.array(3), np.array(2.5, "float32"), np.array(True)
    assert call("number?", whole) and call("number?", real) and not call("number?", truth)
    assert call("exact?", whole) and not call("exact?", real)
    assert call("integer?", whole) and not call("integer?", real)
    assert call("boolean?", truth) and not call("boolean?", whole)
    assert call("list-ref", run("'(a b c d)"), whole) is run("'d")
    assert call("number->string", whole) == "3"
    assert not call("number?", np.zeros(2))


def test_witnesses_are_exact_integers() -> None:
    witness = Witness(1)
    assert call("number?", witness) and call("exact?", witness) and call("integer?", witness)
    assert not witness.asked
    assert call("list-ref", run("'(a b c)"), witness) is run("'b")
    assert witness.asked


def test_a_hash_table_key_makes_a_witness_static() -> None:
    table = call("make-hash-table")
    call("hash-set!", table, Witness(3), "three")
    assert call("hash-ref", table, 3) == "three"


MIXED = [(np.float32([1, 2]), 1.5), (2, np.float32([1, 2])), (np.float32(3), np.int32(2))]


@pytest.mark.parametrize(("a", "b"), MIXED)
def test_arrays_go_to_the_tensor_rules(a: object, b: object) -> None:
    pairs = {
        "add": np.add,
        "subtract": np.subtract,
        "multiply": np.multiply,
        "divide": np.divide,
    }
    for name, reference in pairs.items():
        result = getattr(arithmetic, name)(a, b)
        np.testing.assert_allclose(np.asarray(result), reference(a, b), rtol=1e-6)
    for name in ("less", "greater", "less_equal", "greater_equal"):
        result = getattr(comparison, name)(a, b)
        np.testing.assert_array_equal(np.asarray(result), getattr(np, name)(a, b))
    np.testing.assert_array_equal(np.asarray(comparison.equal_to(a, b)), np.equal(a, b))


UNARY = "sin cos tan exp log sqrt atan asin acos sinh cosh tanh abs floor ceiling round truncate"


@pytest.mark.parametrize("name", UNARY.split())
def test_elementary_functions_of_arrays(name: str) -> None:
    array = np.float32([0.25, 0.5])
    expected = [float(call(name, float(x))) for x in array]
    np.testing.assert_allclose(np.asarray(call(name, array)), expected, rtol=1e-6)


BINARY = "max min expt atan quotient remainder modulo floor-quotient"


@pytest.mark.parametrize("name", BINARY.split())
def test_binary_functions_of_arrays(name: str) -> None:
    xs, ys = np.float32([5.5, -7.0]), np.float32([2.0, 3.0])
    expected = [float(call(name, float(x), float(y))) for x, y in zip(xs, ys, strict=True)]
    np.testing.assert_allclose(np.asarray(call(name, xs, ys)), expected, rtol=1e-6)


def test_chains_and_predicates_of_arrays() -> None:
    xs = np.float32([0.0, 1.0, 2.0])
    np.testing.assert_array_equal(np.asarray(call("<", -1, xs, 1.5)), [True, True, False])
    np.testing.assert_array_equal(np.asarray(call("zero?", xs)), [True, False, False])
    np.testing.assert_array_equal(np.asarray(call("positive?", xs)), [False, True, True])
    np.testing.assert_array_equal(np.asarray(call("even?", xs)), [True, False, True])
    np.testing.assert_array_equal(np.asarray(call("nan?", xs)), [False] * 3)
    np.testing.assert_array_equal(np.asarray(call("finite?", xs + np.float32("inf"))), [False] * 3)
    assert bool(call("not", np.array(False))) is True


def test_inexact_vectors_become_tensors() -> None:
    result = call("+", Vector([1.0, 2.0]), Vector([3, 4]))
    assert str(result.dtype) == "float32"
    np.testing.assert_array_equal(np.asarray(result), [4.0, 6.0])


def test_truth_of_arrays_in_conditions() -> None:
    def positive(x: object) -> object:
        return call(">", x, 0)

    kept = call("filter", positive, run("(list a b)", a=np.float32(1), b=np.float32(-1)))
    assert call("length", kept) == 1
    with pytest.raises(EshkolError, match="expected a single truth value"):
        call("filter", lambda x: np.zeros(2), run("'(1)"))
    with pytest.raises(EshkolError, match="not: expected a single truth value"):
        call("not", np.float32(1))


def test_vector_procedures_take_tensors() -> None:
    tensor = np.arange(6, dtype="float32").reshape(3, 2)
    assert call("vector?", tensor) and not call("vector?", np.float32(1))
    assert call("vector-length", tensor) == 3
    np.testing.assert_array_equal(np.asarray(call("vector-ref", tensor, 1)), [2, 3])
    total = call("apply", run("+"), call("vector->list", np.float32([1, 2, 3])))
    assert float(total) == 6.0
    assert shown("(vector-length (vector-map (lambda (x) x) t))", t=tensor) == "3"


def _traced(procedure: Callable[[Any], Any], argument: Any) -> Any:
    """What ``procedure`` gives while JAX traces it on ``argument``."""
    import jax

    return jax.jit(procedure)(argument)


REFUSALS = [
    ("(hash-ref (make-hash-table) x)", "hash-ref: expected a key that is known while tracing"),
    ("(hash-set! (make-hash-table) (list x) 1)", "hash-set!: expected a key that is known"),
    ("(filter (lambda (y) (> x y)) '(1))", "must decide by .*, which is known only when"),
]


@pytest.mark.parametrize(("expression", "message"), REFUSALS)
def test_what_can_not_be_known_while_tracing(expression: str, message: str) -> None:
    with pytest.raises(StagingError, match=message):
        _traced(lambda x: run(expression, x=x), np.int32(1))


TRACED = [
    ("(eqv? x 3)", np.int32(3), True),
    ("(equal? x 3.0)", np.int32(3), False),
    ("(equal? (list x) '(3))", np.int32(3), True),
    ("(not (> x 1))", np.float32(0), True),
    ("(zero? x)", np.float32(0), True),
    ("(integer? x)", np.float32(2.5), False),
    ("(odd? x)", np.int32(3), True),
    ("(vector-ref #(10 20 30) x)", np.int32(2), 30),
    ("(* 2 (sqrt x))", np.float32(16), 8),
    ("(exact (floor x))", np.float32(2.5), 2),
    ("(log x 2)", np.float32(8), 3),
]


@pytest.mark.parametrize(("expression", "argument", "expected"), TRACED)
def test_what_is_computed_while_tracing(expression: str, argument: Any, expected: object) -> None:
    result = _traced(lambda x: run(expression, x=x), argument)
    assert np.asarray(result).item() == pytest.approx(expected, rel=1e-6)
