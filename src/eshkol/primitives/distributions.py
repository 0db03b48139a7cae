"""Random numbers from distributions other than the uniform and the normal one.

The parameters come first, numbers or tensors that broadcast together, then the sizes of the
result. Without sizes the result has the shape of the parameters: of numbers it is a number. Draws
come from the stream that ``rng-seed`` begins. Samplers of floats are differentiable by their
parameters.
"""

from __future__ import annotations

from typing import Any

from eshkol.primitives.declare import tensor_primitive
from eshkol.primitives.tensors import Dtype, Sizes, Tensor

_AT = "eshkol.xla.distributions:"


@tensor_primitive("random-exponential", at=_AT + "exponential")
def exponential(rate: Any = 1.0, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """Of density ``rate exp(-rate x)``, mean 1/rate. Example: ``(random-exponential 2.0 10)``."""


@tensor_primitive("random-gamma", at=_AT + "gamma")
def gamma(shape: Any, scale: Any = 1.0, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """Of density ∝ ``x^(shape-1) exp(-x/scale)``, mean shape · scale.

    Example: ``(random-gamma 2.0 1.0 10)``.
    """


@tensor_primitive("beta", "random-beta", at=_AT + "beta")
def beta(a: Any, b: Any, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """Of density ∝ ``x^(a-1) (1-x)^(b-1)`` from 0 to 1. Example: ``(beta 2.0 5.0)``."""


@tensor_primitive("random-laplace", at=_AT + "laplace")
def laplace(location: Any = 0.0, scale: Any = 1.0, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """Of density ∝ ``exp(-|x - location| / scale)``. Example: ``(random-laplace 0 1 10)``."""


@tensor_primitive("random-cauchy", at=_AT + "cauchy")
def cauchy(location: Any = 0.0, scale: Any = 1.0, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """Cauchy's distribution, which has no mean. Example: ``(random-cauchy 0 1 10)``."""


@tensor_primitive("random-gumbel", at=_AT + "gumbel")
def gumbel(location: Any = 0.0, scale: Any = 1.0, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """Of distribution ``exp(-exp(-(x - location)/scale))``. Example: ``(random-gumbel 0 1 10)``."""


@tensor_primitive("random-logistic", at=_AT + "logistic")
def logistic(location: Any = 0.0, scale: Any = 1.0, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """Of distribution ``sigmoid((x - location)/scale)``. Example: ``(random-logistic 0 1 10)``."""


@tensor_primitive("random-student-t", at=_AT + "student_t")
def student_t(freedom: Any, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """Student's t with degrees of freedom. Example: ``(random-student-t 4.0 10)``."""


@tensor_primitive("random-chi-square", at=_AT + "chi_square")
def chi_square(freedom: Any, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """The sum of so many squares of normal numbers. Example: ``(random-chi-square 3 10)``."""


@tensor_primitive("random-f", at=_AT + "f_ratio")
def f_ratio(numerator: Any, denominator: Any, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """The F distribution with two degrees of freedom. Example: ``(random-f 3 8 10)``."""


@tensor_primitive("random-lognormal", at=_AT + "lognormal")
def lognormal(mean: Any = 0.0, deviation: Any = 1.0, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """e to the power of a normal number. Example: ``(random-lognormal 0 0.5 10)``."""


@tensor_primitive("random-weibull", at=_AT + "weibull")
def weibull(shape: Any, scale: Any = 1.0, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """Of distribution ``1 - exp(-(x/scale)^shape)``. Example: ``(random-weibull 1.5 1.0 10)``."""


@tensor_primitive("random-pareto", at=_AT + "pareto")
def pareto(shape: Any, scale: Any = 1.0, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """Of distribution ``1 - (scale/x)^shape`` from scale on. Example: ``(random-pareto 3.0)``."""


@tensor_primitive("random-rayleigh", at=_AT + "rayleigh")
def rayleigh(scale: Any = 1.0, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """The length of a normal vector in the plane. Example: ``(random-rayleigh 1.0 10)``."""


@tensor_primitive("random-maxwell", at=_AT + "maxwell")
def maxwell(scale: Any = 1.0, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """The length of a normal vector in space. Example: ``(random-maxwell 1.0 10)``."""


@tensor_primitive("random-wald", at=_AT + "wald")
def wald(mean: Any = 1.0, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """The inverse Gaussian distribution of shape 1. Example: ``(random-wald 2.0 10)``."""


@tensor_primitive("random-truncated-normal", at=_AT + "truncated_normal")
def truncated_normal(
    low: Any, high: Any, mean: Any = 0.0, deviation: Any = 1.0, *sizes: Sizes, dtype: Dtype = None
) -> Any:
    """Normal numbers from low to high. Example: ``(random-truncated-normal -2 2 0 1 10)``."""


@tensor_primitive("random-triangular", at=_AT + "triangular")
def triangular(low: Any, mode: Any, high: Any, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """Of a density that rises from low to mode and falls to high.

    Example: ``(random-triangular 0 1 3 10)``.
    """


@tensor_primitive("random-poisson", at=_AT + "poisson")
def poisson(rate: Any, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """How many events happen where ``rate`` do on average. Example: ``(random-poisson 4 10)``."""


@tensor_primitive("random-geometric", at=_AT + "geometric")
def geometric(probability: Any, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """How many trials it takes to succeed, from 1 on. Example: ``(random-geometric 0.2 10)``."""


@tensor_primitive("random-binomial", at=_AT + "binomial")
def binomial(trials: Any, probability: Any, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """How many of the trials succeed: integers. Example: ``(random-binomial 10 0.5 20)``."""


@tensor_primitive("random-rademacher", at=_AT + "rademacher")
def rademacher(*sizes: Sizes, dtype: Dtype = None) -> Any:
    """-1 or 1. Example: ``(random-rademacher 10)``."""


@tensor_primitive("categorical", "random-categorical", at=_AT + "categorical")
def categorical(weights: Tensor, *sizes: Sizes) -> Any:
    """The number of a class, chosen by the weights along the last axis.

    Args:
        weights: at least 0 and not all 0; they need not add up to 1.

    Example: ``(categorical #(0 1 0))`` ⇒ ``1``; ``(categorical #(0.2 0.8) 10)``.
    """


@tensor_primitive("random-choice", at=_AT + "choice")
def choice(values: Any, *sizes: Sizes, weights: Any = None, replace: bool = True) -> Any:
    """Elements of a list, vector or tensor, or integers below a count, at random.

    Args:
        values: what is chosen from; of a tensor, its rows.
        sizes: how many; one element if left out. Of a list or vector a vector is made.
        weights: of each element; equal ones if left out.
        replace: whether an element may come twice.

    Example: ``(random-choice '(a a))`` ⇒ ``a``; ``(random-choice 10 3 #:replace #f)``.
    """


@tensor_primitive("random-dirichlet", at=_AT + "dirichlet")
def dirichlet(concentration: Tensor, *sizes: Sizes, dtype: Dtype = None) -> Tensor:
    """Probabilities of classes, along the last axis, that add up to 1.

    Example: ``(random-dirichlet #(1 1 1) 5)`` has shape (5 3).
    """


@tensor_primitive("random-multivariate-normal", at=_AT + "multivariate_normal")
def multivariate_normal(
    mean: Tensor, covariance: Tensor, *sizes: Sizes, dtype: Dtype = None
) -> Tensor:
    """Vectors of a normal distribution with a mean [n] and covariances [n, n].

    Example: ``(random-multivariate-normal #(0 0) (eye 2) 5)`` has shape (5 2).
    """


@tensor_primitive("random-tensor", at=_AT + "random_tensor")
def random_tensor(*arguments: Any, dtype: Dtype = None) -> Tensor:
    """A tensor of random numbers: evenly from [0, 1), or from a distribution with a name.

    ``(random-tensor size …)``, ``(random-tensor shape)`` or ``(random-tensor shape distribution
    parameters)``, where the parameters are one list, or stand one by one.

    Example: ``(tensor-shape (random-tensor '(2 3) 'normal '(0 0.1)))`` ⇒ ``(2 3)``.
    """
