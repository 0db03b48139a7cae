"""Convolution and pooling, against PyTorch."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as functional

from eshkol.base.errors import BadValue, ShapeError, WrongType
from eshkol.datum.pairs import scheme_list
from eshkol.datum.symbols import intern
from eshkol.datum.values import Vector
from eshkol.primitives.catalogue import builtin_namespace
from eshkol.xla.dtypes import wide

SCHEME = builtin_namespace()
RNG = np.random.default_rng(0)
L = scheme_list
NHWC = intern("NHWC")


def random(*shape):
    return RNG.normal(size=shape).astype("float32")


IMAGES, KERNEL = random(2, 4, 9, 8), random(6, 4, 3, 3)


@pytest.mark.parametrize(
    ("stride", "padding", "options", "reference"),
    [
        (1, 0, {}, {}),
        (1, intern("valid"), {}, {}),
        (2, 1, {}, {"stride": 2, "padding": 1}),
        (L([2, 1]), L([0, 2]), {}, {"stride": (2, 1), "padding": (0, 2)}),
        (1, intern("same"), {}, {"padding": "same"}),
        (1, "SAME", {"dilation": 2}, {"padding": "same", "dilation": 2}),
        (1, 0, {"dilation": L([1, 2])}, {"dilation": (1, 2)}),
    ],
)
def test_convolution(stride, padding, options, reference):
    wanted = functional.conv2d(torch.tensor(IMAGES), torch.tensor(KERNEL), **reference).numpy()
    result = SCHEME["convolution"](IMAGES, KERNEL, stride, padding, **options)
    np.testing.assert_allclose(result, wanted, rtol=1e-4, atol=1e-4)

    last = SCHEME["convolution"](
        IMAGES.transpose(0, 2, 3, 1),
        KERNEL.transpose(2, 3, 1, 0),
        stride,
        padding,
        layout=NHWC,
        **options,
    )
    np.testing.assert_allclose(last, wanted.transpose(0, 2, 3, 1), rtol=1e-4, atol=1e-4)


def test_groups():
    kernel = random(6, 2, 3, 3)
    wanted = functional.conv2d(torch.tensor(IMAGES), torch.tensor(kernel), groups=2).numpy()
    result = SCHEME["convolution"](IMAGES, kernel, groups=2)
    np.testing.assert_allclose(result, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("image", "kernel", "reference"),
    [
        ((2, 3, 10), (5, 3, 4), functional.conv1d),
        ((2, 3, 5, 6, 7), (4, 3, 2, 3, 2), functional.conv3d),
    ],
)
def test_other_numbers_of_axes(image, kernel, reference):
    x, w = random(*image), random(*kernel)
    wanted = reference(torch.tensor(x), torch.tensor(w)).numpy()
    np.testing.assert_allclose(SCHEME["convolution"](x, w), wanted, rtol=1e-4, atol=1e-4)


def test_one_image_without_a_batch():
    batch = SCHEME["convolution"](IMAGES, KERNEL)
    single = SCHEME["convolution"](IMAGES[0], KERNEL)
    np.testing.assert_allclose(single, batch[0], rtol=1e-5, atol=1e-5)


def test_a_matrix_and_a_matrix():
    picture = np.arange(9.0).reshape(3, 3)
    result = SCHEME["convolution"](picture, Vector([Vector([1, 0]), Vector([0, 1])]), 1)
    assert result.tolist() == [[4, 6], [10, 12]]


def test_same_padding_with_strides_is_tensorflows():
    result = SCHEME["convolution"](IMAGES, KERNEL, 2, intern("same"))
    wanted = jax.lax.conv_general_dilated(IMAGES, KERNEL, (2, 2), "SAME")
    np.testing.assert_allclose(result, wanted, rtol=1e-4, atol=1e-4)


def test_gradients_of_a_convolution():
    def program(x, w):
        return jnp.sum(SCHEME["convolution"](x, w, 2, 1) ** 2)

    x, w = (torch.tensor(v, requires_grad=True) for v in (IMAGES, KERNEL))
    (functional.conv2d(x, w, stride=2, padding=1) ** 2).sum().backward()
    by_x, by_w = jax.grad(program, (0, 1))(IMAGES, KERNEL)
    np.testing.assert_allclose(by_x, x.grad, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(by_w, w.grad, rtol=1e-3, atol=1e-3)


def test_a_convolution_keeps_narrow_dtypes():
    x, w = (jnp.asarray(v, "bfloat16") for v in (IMAGES, KERNEL))
    assert SCHEME["convolution"](x, w).dtype == jnp.bfloat16
    with wide():
        assert SCHEME["convolution"](x.astype("float64"), w).dtype == np.float64


POOLS = [
    (2, None, 0),
    (3, 2, 1),
    (3, 1, 0),
    (L([2, 3]), L([1, 2]), 0),
    (5, 2, 2),
    (7, 1, 3),
]


def plain(value):
    return tuple(value) if not isinstance(value, int | type(None)) else value


@pytest.mark.parametrize(("size", "stride", "padding"), POOLS)
def test_max_pool(size, stride, padding):
    x = torch.tensor(IMAGES, requires_grad=True)
    wanted = functional.max_pool2d(x, plain(size), plain(stride), padding)
    result = SCHEME["max-pool"](IMAGES, size, stride, padding)
    np.testing.assert_array_equal(result, wanted.detach())
    last = SCHEME["max-pool"](IMAGES.transpose(0, 2, 3, 1), size, stride, padding, layout=NHWC)
    np.testing.assert_array_equal(last, wanted.detach().permute(0, 2, 3, 1))

    (wanted**2).sum().backward()
    gradient = jax.grad(lambda v: jnp.sum(SCHEME["max-pool"](v, size, stride, padding) ** 2))
    np.testing.assert_allclose(gradient(IMAGES), x.grad, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("size", "stride", "padding"), POOLS)
def test_avg_pool(size, stride, padding):
    x = torch.tensor(IMAGES, requires_grad=True)
    wanted = functional.avg_pool2d(x, plain(size), plain(stride), padding)
    result = SCHEME["avg-pool"](IMAGES, size, stride, padding)
    np.testing.assert_allclose(result, wanted.detach(), rtol=1e-5, atol=1e-6)

    (wanted**2).sum().backward()
    gradient = jax.grad(lambda v: jnp.sum(SCHEME["avg-pool"](v, size, stride, padding) ** 2))
    np.testing.assert_allclose(gradient(IMAGES), x.grad, rtol=1e-4, atol=1e-5)


def test_the_first_of_equal_elements_gets_the_gradient():
    ties = jnp.ones((1, 1, 2, 2))
    gradient = jax.grad(lambda x: jnp.sum(SCHEME["max-pool"](x, 2)))(ties)
    assert gradient.reshape(-1).tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize("place", range(4))
def test_not_a_number_wins_a_window(place):
    window = jnp.arange(4.0).at[place].set(jnp.nan).reshape(2, 2)
    assert np.isnan(SCHEME["max-pool"](window, 2)).all()


def test_pools_of_matrices_and_single_images():
    matrix = np.arange(16.0, dtype="float32").reshape(4, 4)
    assert SCHEME["max-pool"](matrix, 2).tolist() == [[5, 7], [13, 15]]
    assert SCHEME["avg-pool"](matrix, 2).tolist() == [[2.5, 4.5], [10.5, 12.5]]
    np.testing.assert_array_equal(
        SCHEME["max-pool"](IMAGES[0], 2), SCHEME["max-pool"](IMAGES, 2)[0]
    )
    np.testing.assert_array_equal(
        SCHEME["max-pool"](IMAGES[0].transpose(1, 2, 0), 2, layout=NHWC),
        SCHEME["max-pool"](IMAGES, 2)[0].transpose(1, 2, 0),
    )


def test_global_mean():
    np.testing.assert_allclose(
        SCHEME["global-avg-pool"](IMAGES), IMAGES.mean((2, 3)), rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(
        SCHEME["global-avg-pool"](IMAGES, layout=NHWC), IMAGES.mean((1, 2)), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize(
    ("name", "arguments", "options", "error", "message"),
    [
        (
            "convolution",
            (IMAGES, random(6, 3, 3, 3)),
            {},
            ShapeError,
            "has 4 channels and the .* 3",
        ),
        ("convolution", (IMAGES, KERNEL), {"groups": 3}, ShapeError, "takes 4 in each of 3 groups"),
        ("convolution", (IMAGES, random(3, 2, 3, 3)), {"groups": 2}, ShapeError, "do not divide 3"),
        ("convolution", (IMAGES, random(6, 4, 3)), {}, ShapeError, "convolution: ranks differ"),
        ("convolution", (IMAGES, random(6, 4, 9, 9)), {}, ShapeError, "a window of 9 does not fit"),
        ("convolution", (IMAGES, KERNEL, 0), {}, BadValue, "expected a stride of at least 1"),
        ("convolution", (IMAGES, KERNEL, L([1, 1, 1])), {}, BadValue, "or a list of 2"),
        ("convolution", (IMAGES, KERNEL, 1, "full"), {}, BadValue, "'same, 'valid or a number"),
        ("convolution", (IMAGES, KERNEL, 1, L([1])), {}, BadValue, "expected a padding for 2 axes"),
        ("convolution", (IMAGES, KERNEL), {"layout": "CHWN"}, BadValue, "layout NCHW or NHWC"),
        ("convolution", ("a", KERNEL), {}, WrongType, "convolution: expected a tensor"),
        ("max-pool", (IMAGES, 20), {}, ShapeError, "max-pool: a window of 20 does not fit into 9"),
        ("max-pool", (random(3), 1), {}, ShapeError, "max-pool: expected images"),
        ("avg-pool", (IMAGES, 0), {}, BadValue, "avg-pool: expected a window of at least 1"),
        ("avg-pool", (IMAGES, 1.5), {}, WrongType, "expected an exact integer as window, got 1.5"),
    ],
)
def test_bad_arguments(name, arguments, options, error, message):
    with pytest.raises(error, match=message):
        SCHEME[name](*arguments, **options)
