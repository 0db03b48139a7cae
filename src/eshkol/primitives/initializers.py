"""Initial weights: new random tensors whose spread follows from their shape.

A unit takes *fan-in* numbers and gives *fan-out*. In a shape ``(in out)``, or ``(h w in out)`` of a
convolution kernel, fan-in is the size of the axis ``in`` times those of the window, and fan-out
likewise; ``#:layout 'OIHW`` says where the axes are in another order. Shapes are lists.
"""

from __future__ import annotations

from typing import Any

from eshkol.primitives.declare import tensor_primitive
from eshkol.primitives.tensors import Dtype, Sizes, Tensor

_AT = "eshkol.xla.initializers:"


@tensor_primitive("xavier-uniform", "glorot-uniform", at=_AT + "xavier_uniform")
def xavier_uniform(*shape: Sizes, layout: Any = None, dtype: Dtype = None) -> Tensor:
    """Evenly from ±√(6 / (fan-in + fan-out)) (Glorot and Bengio 2010).

    Example: ``(tensor-shape (xavier-uniform '(784 128)))`` ⇒ ``(784 128)``.
    """


@tensor_primitive("xavier-normal", "glorot-normal", at=_AT + "xavier_normal")
def xavier_normal(*shape: Sizes, layout: Any = None, dtype: Dtype = None) -> Tensor:
    """Normal with variance 2 / (fan-in + fan-out), cut off at two deviations of the uncut one
    (Glorot and Bengio 2010).

    Example: ``(tensor-shape (xavier-normal '(784 128)))`` ⇒ ``(784 128)``.
    """


@tensor_primitive("he-uniform", "kaiming-uniform", at=_AT + "he_uniform")
def he_uniform(*shape: Sizes, layout: Any = None, dtype: Dtype = None) -> Tensor:
    """Evenly from ±√(6 / fan-in), for layers before a relu (He et al. 2015).

    Example: ``(tensor-shape (he-uniform '(3 3 16 32)))`` ⇒ ``(3 3 16 32)``.
    """


@tensor_primitive("he-normal", "kaiming-normal", at=_AT + "he_normal")
def he_normal(*shape: Sizes, layout: Any = None, dtype: Dtype = None) -> Tensor:
    """Normal with variance 2 / fan-in, cut off at two deviations of the uncut one, for layers
    before a relu (He et al. 2015).

    Example: ``(tensor-shape (he-normal '(3 3 16 32)))`` ⇒ ``(3 3 16 32)``.
    """


@tensor_primitive("lecun-uniform", at=_AT + "lecun_uniform")
def lecun_uniform(*shape: Sizes, layout: Any = None, dtype: Dtype = None) -> Tensor:
    """Evenly from ±√(3 / fan-in) (LeCun et al. 1998).

    Example: ``(tensor-shape (lecun-uniform '(784 128)))`` ⇒ ``(784 128)``.
    """


@tensor_primitive("lecun-normal", at=_AT + "lecun_normal")
def lecun_normal(*shape: Sizes, layout: Any = None, dtype: Dtype = None) -> Tensor:
    """Normal with variance 1 / fan-in, cut off at two deviations of the uncut one (LeCun et al.
    1998).

    Example: ``(tensor-shape (lecun-normal '(784 128)))`` ⇒ ``(784 128)``.
    """


@tensor_primitive("uniform-init", at=_AT + "uniform_init")
def uniform_init(shape: Sizes, low: Any = 0.0, high: Any = 1.0, *, dtype: Dtype = None) -> Tensor:
    """Evenly from [low, high).

    Example: ``(with-rng 7 (uniform-init '(3) -0.1 0.1))`` ⇒ ``#(0.03502672 0.06523528
    -0.021202661)``.
    """


@tensor_primitive("normal-init", at=_AT + "normal_init")
def normal_init(
    shape: Sizes, mean: Any = 0.0, deviation: Any = 1.0, *, dtype: Dtype = None
) -> Tensor:
    """From a normal distribution.

    Example: ``(with-rng 7 (normal-init '(3) 0 0.02))`` ⇒ ``#(0.00908267 0.018783255
    -0.0053788624)``.
    """


@tensor_primitive("constant-init", at=_AT + "constant_init")
def constant_init(shape: Sizes, value: Any = 0.0, *, dtype: Dtype = None) -> Tensor:
    """The same number everywhere. Example: ``(constant-init '(3) 0.1)`` ⇒ ``#(0.1 0.1 0.1)``."""


@tensor_primitive("orthogonal-init", at=_AT + "orthogonal_init")
def orthogonal_init(shape: Sizes, scale: Any = 1.0, *, dtype: Dtype = None) -> Tensor:
    """Rows, or columns if these are fewer, orthonormal: the last axis against all others together.

    Source: Saxe et al. 2014.

    Example: ``(let ((q (orthogonal-init '(3 2)))) (allclose (matmul (transpose q) q) (eye 2) 1e-5
    1e-5))`` ⇒ ``#t``.
    """
