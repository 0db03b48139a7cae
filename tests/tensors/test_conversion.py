"""What is taken as a tensor, and tensors as Scheme data."""

from __future__ import annotations

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eshkol.autodiff import NeedsTensors, derivative
from eshkol.base.errors import ShapeError, WrongType
from eshkol.datum.pairs import NIL, cons, scheme_list
from eshkol.datum.symbols import intern
from eshkol.datum.values import HashTable, Vector
from eshkol.primitives.catalogue import builtin_namespace
from eshkol.session import Session
from eshkol.xla.dtypes import wide
from eshkol.xla.tensors import as_tensor, describe

SCHEME = builtin_namespace()


class Known:
    """An exact integer that is known and traced at the same time."""

    shape = ()

    def __init__(self, value):
        self.value = value
        self.asked = False
        with wide():
            self.__eshkol_traced__ = jnp.asarray(value, "int64")

    def __index__(self):
        self.asked = True
        return self.value


@pytest.mark.parametrize("program", ["tensor-sum", "(jit (lambda (x) (* x 2)))"])
@pytest.mark.parametrize("value", [np.longdouble([1, 2]), np.longdouble(1), np.clongdouble([1j])])
def test_numbers_of_numpy_that_no_tensor_has(program, value):
    with pytest.raises(WrongType, match="a tensor has no numbers of NumPy's dtype") as caught:
        Session().evaluate(program)(value)
    assert "array.astype('" in caught.value.hint


@pytest.mark.parametrize(
    ("value", "dtype", "shape"),
    [
        (1.5, "float64", ()),
        (3, "int64", ()),
        (True, "bool", ()),
        (2j, "complex128", ()),
        (Fraction(1, 3), "float64", ()),
        (10**30, "float64", ()),
        (10**400, "float64", ()),
        (Vector([10**400, 1]), "float32", (2,)),
        (Vector([Fraction(10**400, 3), 2j]), "complex64", (2,)),
        (Vector([1, 2, 3]), "float32", (3,)),
        (scheme_list([1, Fraction(1, 2)]), "float32", (2,)),
        (Vector([Vector([1, 2]), scheme_list([3, 4])]), "float32", (2, 2)),
        ([[1.0, 2.0]], "float32", (1, 2)),
        (Vector([True, False]), "bool", (2,)),
        (Vector([1, 2j]), "complex64", (2,)),
        (NIL, "float32", (0,)),
        (Vector([]), "float32", (0,)),
        (np.ones(3), "float32", (3,)),
        (np.ones(3, "float16"), "float16", (3,)),
        (np.arange(3), "int64", (3,)),
        (np.arange(3, dtype="int32"), "int32", (3,)),
        (np.arange(3, dtype=">i4"), "int32", (3,)),
        (np.arange(3, dtype=">f8"), "float32", (3,)),
        (np.float64(2.5), "float64", ()),
        (np.float32(2.5), "float32", ()),
        (Vector([np.ones(2, "float32"), np.zeros(2, "float32")]), "float32", (2, 2)),
    ],
)
@pytest.mark.parametrize("x64", [False, True])
def test_as_tensor(value, dtype, shape, x64):
    with jax.enable_x64(x64):
        result = as_tensor(value, "test")
    assert result.dtype == jnp.dtype(dtype)
    assert result.shape == shape


def test_values_survive_the_conversion():
    nest = Vector([scheme_list([1, 2]), scheme_list([3, Fraction(9, 2)])])
    np.testing.assert_array_equal(as_tensor(nest, "test"), [[1, 2], [3, 4.5]])
    assert as_tensor(0.1, "test").item() == 0.1


def test_arrays_stay_what_they_are():
    array = jnp.ones(3)
    assert as_tensor(array, "test") is array


def test_a_nest_of_traced_numbers_is_stacked():
    def program(x, y):
        return as_tensor(Vector([Vector([x, 1.0]), Vector([y, 2])]), "test")

    result = jax.jit(program)(3.0, 4.0)
    np.testing.assert_array_equal(result, [[3, 1], [4, 2]])
    assert result.dtype == np.float32


def test_rows_may_be_tensors():
    rows = scheme_list([jnp.ones(2), Vector([2, 3])])
    np.testing.assert_array_equal(as_tensor(rows, "test"), [[1, 1], [2, 3]])


def test_a_known_traced_integer_gives_its_tracer():
    known = Known(3)
    assert as_tensor(known, "test").item() == 3
    assert not known.asked
    assert SCHEME["zeros"](known).shape == (3,)
    assert known.asked


def test_numbers_under_differentiation_ask_for_tensors():
    with pytest.raises(NeedsTensors):
        derivative(lambda x: as_tensor(x, "test"), 1.0)
    with pytest.raises(NeedsTensors):
        derivative(lambda x: as_tensor(Vector([1.0, x]), "test"), 1.0)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ("abc", WrongType, 'relu: expected a tensor or a number, got "abc"'),
        (intern("x"), WrongType, "relu: expected a tensor or a number, got x"),
        (HashTable(), WrongType, "relu: expected a tensor or a number"),
        (Vector([1, "a"]), WrongType, 'relu: expected a tensor or a number, got "a"'),
        (Vector([1, True]), WrongType, "relu: expected numbers or booleans, got both"),
        (Vector([True, 1.5]), WrongType, "relu: expected numbers or booleans, got both"),
        (np.array(["a"]), WrongType, "relu: expected a tensor of numbers"),
        (np.array([None]), WrongType, "relu: expected a tensor of numbers"),
        (cons(1, 2), WrongType, "relu: expected a proper list"),
        (
            Vector([Vector([1, 2]), Vector([3])]),
            ShapeError,
            r"relu: rows of unequal shapes in .*: row 0 is \[2\] and row 1 is \[1\]",
        ),
        (Vector([1, Vector([3])]), ShapeError, "relu: rows of unequal shapes"),
    ],
)
def test_what_is_no_tensor(value, error, message):
    with pytest.raises(error, match=message):
        as_tensor(value, "relu")


def test_describe():
    assert describe(jnp.zeros((64, 785))) == "f32[64,785]"
    assert describe(np.zeros(3, "int64")) == "i64[3]"
    assert describe(jnp.zeros((), "bfloat16")) == "bf16[]"
    assert describe("text") == '"text"'


def test_tensor_to_scheme_data():
    tensor = jnp.asarray([[1.0, 2.0], [3.0, 4.0]])
    assert SCHEME["tensor->list"](tensor) == scheme_list(
        [scheme_list([1.0, 2.0]), scheme_list([3.0, 4.0])]
    )
    assert SCHEME["tensor->vector"](tensor) == Vector([Vector([1.0, 2.0]), Vector([3.0, 4.0])])
    assert isinstance(SCHEME["tensor->vector"](tensor), Vector)
    assert SCHEME["tensor->list"](jnp.asarray(2.5)) == 2.5
    assert SCHEME["tensor->list"](jnp.ones(2, "bfloat16")) == scheme_list([1.0, 1.0])


def test_a_traced_tensor_becomes_a_list_of_traced_numbers():
    def program(x):
        first, second = SCHEME["tensor->list"](x)
        return SCHEME["+"](first, second)

    assert jax.jit(program)(jnp.asarray([1.0, 2.0])) == 3.0


def test_information():
    tensor = jnp.zeros((2, 3), "int32")
    assert SCHEME["tensor-shape"](tensor) == scheme_list([2, 3])
    assert SCHEME["tensor-rank"](tensor) == 2
    assert SCHEME["tensor-size"](tensor) == SCHEME["tensor-length"](tensor) == 6
    assert SCHEME["tensor-dtype"](tensor) is intern("int32")
    assert SCHEME["tensor-shape"](3.5) is NIL
    assert [SCHEME["tensor?"](v) for v in (tensor, np.ones(2), jnp.ones(()), 1.0, Vector([1]))] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_cast():
    cast = SCHEME["tensor-cast"]
    assert cast(Vector([1.7, -1.7]), intern("int32")).tolist() == [1, -1]
    assert cast(jnp.ones(2), "f64").dtype == np.float64
    assert cast(jnp.asarray([0.0, 2.0]), "bool").tolist() == [False, True]
