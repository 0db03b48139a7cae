"""Dtypes: the default, their names, and which one a result has."""

from __future__ import annotations

import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eshkol.base.config import CONFIG, TENSOR_DTYPES
from eshkol.base.errors import BadValue
from eshkol.datum.symbols import intern
from eshkol.primitives.catalogue import builtin_namespace
from eshkol.xla import elementwise as e
from eshkol.xla.creation import zeros
from eshkol.xla.dtypes import parse_dtype, result_dtype, wide

SCHEME = builtin_namespace()


def array(dtype: str, *shape: int) -> jax.Array:
    with wide():
        return jnp.ones(shape, dtype)


SCALAR_FLOAT, SCALAR_INT = array("float64"), array("int64")

RESULTS = [
    # scalars alone are doubles or 64-bit integers
    ((1.5, 2), "float64"),
    ((1, 2), "int64"),
    ((SCALAR_FLOAT, SCALAR_INT), "float64"),
    ((SCALAR_INT, SCALAR_INT), "int64"),
    ((SCALAR_INT, 2.5), "float64"),
    # a scalar never widens a tensor
    ((0.1, array("float32", 3)), "float32"),
    ((0.1, array("bfloat16", 3)), "bfloat16"),
    ((0.1, array("float16", 3)), "float16"),
    ((SCALAR_FLOAT, array("float32", 3)), "float32"),
    ((SCALAR_FLOAT, array("bfloat16")), "bfloat16"),
    ((SCALAR_FLOAT, array("float32")), "float32"),
    ((2, array("float32", 3)), "float32"),
    ((SCALAR_INT, array("float32", 3)), "float32"),
    # integers: a whole scalar keeps them, a real one lifts them to floats
    ((2, array("int32", 3)), "int32"),
    ((SCALAR_INT, array("int32", 3)), "int32"),
    ((SCALAR_INT, array("int32")), "int32"),
    ((0.5, array("int32", 3)), "float32"),
    ((SCALAR_FLOAT, array("int32", 3)), "float32"),
    ((SCALAR_FLOAT, array("int32")), "float64"),
    ((2, array("uint8", 3)), "uint8"),
    # tensors with tensors
    ((array("int32", 3), array("float32", 3)), "float32"),
    ((array("int64", 3), array("float32", 3)), "float32"),
    ((array("int32", 3), array("bfloat16", 3)), "bfloat16"),
    ((array("bfloat16", 3), array("float32", 3)), "float32"),
    ((array("float64", 3), array("float32", 3)), "float64"),
    ((array("float32"), array("bfloat16", 3)), "float32"),
    # truth values count
    ((array("bool", 3), array("bool", 3)), "int32"),
    ((array("bool", 3), 0.5), "float32"),
    ((array("bool", 3), array("float32", 3)), "float32"),
    # complex numbers
    ((1j, array("float32", 3)), "complex64"),
    ((1j, array("float64", 3)), "complex128"),
    ((1j, 2.0), "complex128"),
]


@pytest.mark.parametrize("x64", [False, True])
@pytest.mark.parametrize(("values", "dtype"), RESULTS)
def test_result_dtype(values, dtype, x64):
    with jax.enable_x64(x64):
        assert result_dtype(values) == jnp.dtype(dtype)
        assert result_dtype(values[::-1]) == jnp.dtype(dtype)
        assert e.add(*values).dtype == jnp.dtype(dtype)
        assert e.multiply(*values[::-1]).dtype == jnp.dtype(dtype)


@pytest.mark.parametrize(("values", "dtype"), RESULTS)
def test_result_dtype_while_tracing(values, dtype):
    arrays = [v for v in values if hasattr(v, "dtype")]

    def program(*traced):
        rest = iter(traced)
        return e.add(*(next(rest) if hasattr(v, "dtype") else v for v in values))

    with wide():
        assert jax.jit(program)(*arrays).dtype == jnp.dtype(dtype)


def test_a_batched_scalar_does_not_widen():
    with wide():
        rates = jnp.asarray([0.1, 0.2])
        rows = jax.vmap(lambda rate: e.multiply(rate, jnp.ones(3, "float32")))(rates)
    assert rows.dtype == np.float32


def test_division_and_roots_of_integers_are_floats():
    assert e.divide(array("int32", 3), 2).dtype == np.float32
    assert e.divide(array("int32", 3), array("int32", 3)).dtype == np.float32
    assert e.sqrt(array("int32", 3)).dtype == np.float32
    assert e.sqrt(array("int32")).dtype == np.float64
    assert e.divide(3, 2).dtype == np.float64


@given(st.sampled_from(TENSOR_DTYPES))
def test_the_default_follows_the_configuration(name):
    with CONFIG.precision(name):
        assert zeros(2).dtype.name == name
        assert e.multiply(array("int32", 2), 0.5).dtype.name == name
    assert zeros(2).dtype.name == "float32"


def test_precision_is_of_one_thread():
    seen = []
    with CONFIG.precision("float64"):
        thread = threading.Thread(target=lambda: seen.append(CONFIG.tensor_dtype))
        thread.start()
        thread.join()
    assert seen == ["float32"]


def test_assigning_the_default_holds_for_all_threads():
    seen = []
    CONFIG.tensor_dtype = "bfloat16"
    try:
        thread = threading.Thread(target=lambda: seen.append(CONFIG.tensor_dtype))
        thread.start()
        thread.join()
    finally:
        CONFIG.tensor_dtype = "float32"
    assert seen == ["bfloat16"]


def test_an_unknown_default_is_refused():
    with pytest.raises(BadValue, match="tensor-dtype: expected one of float32"):
        CONFIG.tensor_dtype = "int32"


def test_there_are_no_other_settings():
    with pytest.raises(AttributeError, match="no setting x64: they are tensor_dtype, checked"):
        CONFIG.x64 = True


@pytest.mark.parametrize(
    ("option", "dtype"),
    [
        (intern("float32"), "float32"),
        ("f64", "float64"),
        ("bf16", "bfloat16"),
        (intern("i8"), "int8"),
        ("bool", "bool"),
        (np.float64, "float64"),
        (jnp.bfloat16, "bfloat16"),
    ],
)
def test_dtype_names(option, dtype):
    assert parse_dtype(option, "zeros") == jnp.dtype(dtype)


@pytest.mark.parametrize("option", ["float31", intern("int"), 3.5])
def test_unknown_dtype_names(option):
    with pytest.raises(BadValue, match="zeros: unknown dtype"):
        parse_dtype(option, "zeros")


def test_the_process_wide_flag_is_never_set():
    with CONFIG.precision("float64"):
        assert zeros(3).dtype == np.float64
    assert not jax.config.jax_enable_x64


@pytest.mark.parametrize("name", ["tensor-sum", "tensor-prod", "cumsum", "cumprod"])
@pytest.mark.parametrize(
    ("dtype", "wider"), [("int8", "int32"), ("int16", "int32"), ("uint8", "uint32")]
)
def test_narrow_integers_add_up_in_wider_ones(name, dtype, wider):
    values = np.array([3] + [1] * 300 + [100, 100], dtype)
    found = np.asarray(SCHEME[name](values))
    reference = {"sum": np.sum, "prod": np.prod, "cumsum": np.cumsum, "cumprod": np.cumprod}
    np.testing.assert_array_equal(found, reference[name.removeprefix("tensor-")](values))
    assert found.dtype == wider


@pytest.mark.filterwarnings("error")
def test_casts_say_nothing_on_standard_error():
    with wide():
        numbers = jnp.array([0, 2j, 1 - 3j])
    assert SCHEME["tensor-cast"](numbers, "float32").tolist() == [0, 0, 1]
    assert SCHEME["tensor-cast"](numbers, "bool").tolist() == [False, True, True]
    assert jax.jit(lambda z: SCHEME["tensor-cast"](z, "int32"))(numbers).tolist() == [0, 0, 1]
    assert SCHEME["tensor"](1e10, dtype="float16").tolist() == [np.inf]
