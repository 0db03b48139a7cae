"""Built-in procedures from Python: ``ek.tensor_sum``, ``ek.is_tensor``, ``help``, completion."""

from __future__ import annotations

import inspect
import pickle
import pydoc
import subprocess
import sys
import traceback
from fractions import Fraction
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

import eshkol as ek
from eshkol.api.names import builtin, builtin_spellings
from eshkol.primitives.catalogue import builtin_namespace
from eshkol.primitives.declare import PRIMITIVES

SPELLINGS = {
    "tensor-sum": "tensor_sum",
    "tensor?": "is_tensor",
    "set-car!": "set_car",
    "string->number": "string_to_number",
    "+": "add",
    ">=": "greater_equal",
    "char-ci<?": "is_char_ci_less",
    "tensor-set": "tensor_set",
    "tensor-set!": "tensor_set_",
    "call/cc": "call_cc",
    "not": "not_",
    "runtime": "runtime_",
    "->python": "to_python",
    "pi": "pi",
}


@pytest.mark.parametrize("name, spelling", SPELLINGS.items())
def test_spellings(name, spelling):
    assert builtin_spellings()[spelling] == name


def test_every_builtin_procedure_can_be_reached():
    without = {"1+", "-1+", "1-", "None"}
    assert builtin_namespace().keys() - builtin_spellings().values() == without
    assert {PRIMITIVES[name].function for name in without - {"None"}} == {
        PRIMITIVES["add1"].function,
        PRIMITIVES["sub1"].function,
    }
    names = dir(ek)
    for spelling in builtin_spellings():
        assert spelling in names
        assert getattr(ek, spelling) is not None


def test_the_package_itself_goes_before():
    assert ek.jit("(lambda (x) x)")(2.0) == 2.0
    assert ek.trace.__module__ == "eshkol.api.diagnosis"
    assert inspect.ismodule(ek.runtime)


def test_help_and_signatures():
    shown = pydoc.render_doc(ek.tensor_sum, renderer=pydoc.plaintext)
    assert "tensor_sum(tensor: 'Tensor', axis: 'Axis' = None, *, keepdims" in shown
    assert "The sum over an axis" in shown
    for spelling, name in builtin_spellings().items():
        value = builtin(spelling)
        if callable(value):
            assert inspect.signature(value) == PRIMITIVES[name].signature, name
            assert inspect.getdoc(value) == PRIMITIVES[name].documentation, name


def test_completion_in_ipython():
    from IPython.core.completer import provisionalcompleter
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    try:
        shell.user_ns["ek"] = ek
        with provisionalcompleter():
            found = {c.text for c in shell.Completer.completions("ek.tensor_arg", 13)}
    finally:
        InteractiveShell.clear_instance()
    assert {"tensor_argmax", "tensor_argmin"} <= {text.removeprefix("ek.") for text in found}


def test_nothing_heavy_is_loaded():
    program = (
        "import sys, inspect, eshkol as ek\n"
        "assert 'eshkol.primitives.catalogue' not in sys.modules\n"
        "dir(ek), inspect.signature(ek.tensor_sum), ek.tensor_sum.__doc__\n"
        "assert ek.list(1, 2).car == 1 and ek.derivative(lambda x: x * x, 3) == 6\n"
        "print(sorted({'jax', 'numpy', 'numba'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ("[]\n", "")


def cube(x):
    return x * x * x


CALLS = [
    (lambda: ek.add(1, 2, 0.5), 3.5),
    (lambda: ek.tensor_sum(np.ones((2, 3)), 0, keepdims=True), [[2.0, 2.0, 2.0]]),
    (lambda: ek.matmul(np.eye(2), jnp.ones((2, 1))), [[1.0], [1.0]]),
    (lambda: ek.softmax([0.0, 0.0]), [0.5, 0.5]),
    (lambda: ek.where(np.array([True, False]), 1.0, 2.0), [1.0, 2.0]),
    (lambda: ek.derivative(cube, Fraction(1, 2)), Fraction(3, 4)),
    (lambda: ek.derivative(cube)(2), 12),
    (lambda: ek.derivative(ek.exp, 0.0), 1.0),
    (lambda: ek.gradient(lambda x, y: x * y, 2.0, 3.0), [3.0, 2.0]),
    (lambda: ek.gradient(lambda v: ek.tensor_sum(v * v), jnp.ones(2)), [2.0, 2.0]),
    (lambda: ek.jacobian(lambda v: v * v, np.array([1.0, 2.0])), [[2.0, 0.0], [0.0, 4.0]]),
    (lambda: ek.hessian(lambda v: v[0] ** 2 * v[1], np.array([2.0, 3.0])), [[6, 4], [4, 0]]),
    (lambda: ek.laplacian(lambda v: v[0] ** 2 + v[1] ** 2, np.ones(2)), 4.0),
    (lambda: ek.divergence(lambda v: v * v, np.array([3.0, 4.0])), 14.0),
    (lambda: ek.derivative_n(cube, 2, 3), 6),
    (lambda: list(ek.taylor(cube, 1, 3)), [1, 3, 3, 1]),
    (lambda: ek.directional_derivative(lambda v: v[0] * v[1], np.ones(2), np.eye(2)[0]), 1.0),
    (lambda: ek.eval("(map f '(1 2))", f=ek.add1).car, 2),
    (lambda: ek.grad(ek.sin)(0.0), 1.0),
    (lambda: ek.jit("(lambda (x) (f x))", f=ek.square)(3.0), 9.0),
]


@pytest.mark.parametrize("number", range(len(CALLS)))
def test_calls(number):
    call, expected = CALLS[number]
    np.testing.assert_allclose(np.asarray(call(), float), np.asarray(expected, float), rtol=1e-6)


@pytest.mark.parametrize(
    "call, kind, message",
    [
        (lambda: ek.car(5), ek.WrongType, "car: expected a pair, got 5"),
        (lambda: ek.tensor_sum(np.ones(3), 1), ek.OutOfRange, "tensor-sum: axis 1 is out of range"),
        (lambda: ek.exp(), TypeError, r"exp\(\) missing 1 required positional argument"),
        (lambda: ek.tensor_summ, AttributeError, "has no attribute 'tensor_summ'"),
    ],
)
def test_mistakes(call, kind, message):
    with pytest.raises(kind, match=message) as caught:
        call()
    if caught.errisinstance(ek.EshkolError):
        files = [frame.filename for frame in traceback.extract_tb(caught.value.__traceback__)]
        assert not [file for file in files if Path(ek.__file__).parent in Path(file).parents]


def test_procedures_are_pickled_by_name():
    assert pickle.loads(pickle.dumps(ek.tensor_sum)) is ek.tensor_sum
