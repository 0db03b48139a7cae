"""Random numbers from distributions other than the uniform and the normal one.

The parameters come first, numbers or tensors that broadcast together, then the sizes of the
result. Without sizes the result has the shape of the parameters: of numbers it is a number, or with
``#:dtype`` a tensor of rank 0. Draws
come from the stream that ``rng-seed`` begins. Samplers of floats are differentiable by their
parameters.
"""

from __future__ import annotations

from typing import Any

from eshkol.primitives.declare import tensor_primitive
from eshkol.primitives.tensors import Dtype, Sizes, Tensor

_AT = "eshkol.xla.distributions:"
_OF_CLASSES = "eshkol.xla.class_draws:"
_OF_VECTORS = "eshkol.xla.vector_draws:"


@tensor_primitive("random-exponential", at=_AT + "exponential")
def exponential(rate: Any = 1.0, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """Of density ``rate exp(-rate x)``, mean 1/rate.

    Example: ``(with-rng 7 (random-exponential 2.0 3))`` ⇒ ``#(0.5621706 0.8748572 0.25042668)``.
    """


@tensor_primitive("random-gamma", at=_AT + "gamma")
def gamma(shape: Any, scale: Any = 1.0, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """Of density ∝ ``x^(shape-1) exp(-x/scale)``, mean shape · scale.

    Example: ``(tensor-shape (random-gamma 2.0 1.0 10))`` ⇒ ``(10)``.
    """


@tensor_primitive("beta", "random-beta", at=_AT + "beta")
def beta(a: Any, b: Any, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """Of density ∝ ``x^(a-1) (1-x)^(b-1)`` from 0 to 1.

    Example: ``(tensor-shape (beta 2.0 5.0 10))`` ⇒ ``(10)``.
    """


@tensor_primitive("random-laplace", at=_AT + "laplace")
def laplace(location: Any = 0.0, scale: Any = 1.0, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """Of density ∝ ``exp(-|x - location| / scale)``.

    Example: ``(with-rng 7 (random-laplace 0 1 3))`` ⇒ ``#(-0.43119413 -1.0565673 0.23829086)``.
    """


@tensor_primitive("random-cauchy", at=_AT + "cauchy")
def cauchy(location: Any = 0.0, scale: Any = 1.0, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """Cauchy's distribution, which has no mean.

    Example: ``(with-rng 7 (random-cauchy 0 1 3))`` ⇒ ``#(0.6133785 1.6454713 -0.34593678)``.
    """


@tensor_primitive("random-gumbel", at=_AT + "gumbel")
def gumbel(location: Any = 0.0, scale: Any = 1.0, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """Of distribution ``exp(-exp(-(x - location)/scale))``.

    Example: ``(with-rng 7 (random-gumbel 0 1 3))`` ⇒ ``#(0.9343409 1.6557596 0.07102556)``.
    """


@tensor_primitive("random-logistic", at=_AT + "logistic")
def logistic(location: Any = 0.0, scale: Any = 1.0, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """Of distribution ``sigmoid((x - location)/scale)``.

    Example: ``(with-rng 7 (random-logistic 0 1 3))`` ⇒ ``#(0.7314966 1.5587674 -0.43058473)``.
    """


@tensor_primitive("random-student-t", at=_AT + "student_t")
def student_t(freedom: Any, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """Student's t with degrees of freedom.

    Example: ``(tensor-shape (random-student-t 4.0 10))`` ⇒ ``(10)``.
    """


@tensor_primitive("random-chi-square", at=_AT + "chi_square")
def chi_square(freedom: Any, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """The sum of so many squares of normal numbers.

    Example: ``(tensor-shape (random-chi-square 3 10))`` ⇒ ``(10)``.
    """


@tensor_primitive("random-f", at=_AT + "f_ratio")
def f_ratio(numerator: Any, denominator: Any, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """The F distribution with two degrees of freedom.

    Example: ``(tensor-shape (random-f 3 8 10))`` ⇒ ``(10)``.
    """


@tensor_primitive("random-lognormal", at=_AT + "lognormal")
def lognormal(mean: Any = 0.0, deviation: Any = 1.0, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """e to the power of a normal number.

    Example: ``(with-rng 7 (random-lognormal 0 0.5 3))`` ⇒ ``#(1.2549136 1.5993246 0.87417775)``.
    """


@tensor_primitive("random-weibull", at=_AT + "weibull")
def weibull(shape: Any, scale: Any = 1.0, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """Of distribution ``1 - exp(-(x/scale)^shape)``.

    Example: ``(with-rng 7 (random-weibull 1.5 1.0 3))`` ⇒ ``#(1.0812649 1.4520384 0.6306771)``.
    """


@tensor_primitive("random-pareto", at=_AT + "pareto")
def pareto(shape: Any, scale: Any = 1.0, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """Of distribution ``1 - (scale/x)^shape`` from scale on.

    Example: ``(with-rng 7 (random-pareto 3.0 1.0 3))`` ⇒ ``#(1.454672 1.7918313 1.1816965)``.
    """


@tensor_primitive("random-rayleigh", at=_AT + "rayleigh")
def rayleigh(scale: Any = 1.0, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """The length of a normal vector in the plane.

    Example: ``(with-rng 7 (random-rayleigh 1.0 3))`` ⇒ ``#(0.8863912 0.61797565 1.3648722)``.
    """


@tensor_primitive("random-maxwell", at=_AT + "maxwell")
def maxwell(scale: Any = 1.0, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """The length of a normal vector in space.

    Example: ``(with-rng 7 (random-maxwell 1.0 3))`` ⇒ ``#(1.0773089 0.8322233 2.41544)``.
    """


@tensor_primitive("random-double-sided-maxwell", at=_AT + "double_sided_maxwell")
def double_sided_maxwell(
    location: Any = 0.0, scale: Any = 1.0, *sizes: Sizes, dtype: Dtype = None
) -> Any:
    """Maxwell's distribution to both sides of a location.

    Example: ``(tensor-shape (random-double-sided-maxwell 0 1 10))`` ⇒ ``(10)``.
    """


@tensor_primitive("random-generalized-normal", at=_AT + "generalized_normal")
def generalized_normal(
    power: Any, location: Any = 0.0, scale: Any = 1.0, *sizes: Sizes, dtype: Dtype = None
) -> Any:
    """Of density ∝ ``exp(-|(x - location)/scale|^power)``: 1 is Laplace's, 2 a normal one.

    Example: ``(tensor-shape (random-generalized-normal 1.5 0 1 10))`` ⇒ ``(10)``.
    """


@tensor_primitive("random-log-gamma", "random-loggamma", at=_AT + "log_gamma")
def log_gamma(shape: Any, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """The logarithm of a number from the gamma distribution, precise for small shapes too.

    Example: ``(tensor-shape (random-log-gamma 0.1 10))`` ⇒ ``(10)``.
    """


@tensor_primitive("random-wald", at=_AT + "wald")
def wald(mean: Any = 1.0, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """The inverse Gaussian distribution of shape 1.

    Example: ``(tensor-shape (random-wald 2.0 10))`` ⇒ ``(10)``.
    """


@tensor_primitive("random-truncated-normal", at=_AT + "truncated_normal")
def truncated_normal(
    low: Any, high: Any, mean: Any = 0.0, deviation: Any = 1.0, *sizes: Sizes, dtype: Dtype = None
) -> Any:
    """Normal numbers from low to high, of which either may be infinite.

    Example: ``(with-rng 7 (random-truncated-normal -2 2 0 1 3))`` ⇒ ``#(0.43209818 0.8828275
    -0.25642762)``.
    """


@tensor_primitive("random-triangular", at=_AT + "triangular")
def triangular(low: Any, mode: Any, high: Any, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """Of a density that rises from low to mode and falls to high.

    Example: ``(with-rng 7 (random-triangular 0 1 3 3))`` ⇒ ``#(1.603863 1.9787549 1.0931493)``.
    """


@tensor_primitive("random-poisson", at=_AT + "poisson")
def poisson(rate: Any, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """How many events happen where ``rate`` do on average.

    A tensor has int32, which hold counts up to 2147483647; ``#:dtype 'int64`` has greater ones.

    Example: ``(tensor-shape (random-poisson 4 10))`` ⇒ ``(10)``.
    """


@tensor_primitive("random-geometric", at=_AT + "geometric")
def geometric(probability: Any, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """How many trials it takes to succeed, from 1 on.

    Example: ``(with-rng 7 (random-geometric 0.2 5))`` ⇒ ``#(2 1 5 4 8)``.
    """


@tensor_primitive("random-binomial", at=_AT + "binomial")
def binomial(trials: Any, probability: Any, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """How many of the trials succeed: integers.

    Example: ``(tensor-shape (random-binomial 10 0.5 20))`` ⇒ ``(20)``.
    """


@tensor_primitive("random-rademacher", at=_AT + "rademacher")
def rademacher(*sizes: Sizes, dtype: Dtype = None) -> Any:
    """-1 or 1. Example: ``(with-rng 7 (random-rademacher 5))`` ⇒ ``#(1 1 -1 -1 1)``."""


@tensor_primitive("categorical", "random-categorical", at=_OF_CLASSES + "categorical")
def categorical(weights: Tensor, *sizes: Sizes) -> Any:
    """The number of a class, chosen by the weights along the last axis.

    Args:
        weights: at least 0 and not all 0; they need not add up to 1.

    Example: ``(categorical #(0 1 0))`` ⇒ ``1``; ``(categorical #(0.2 0.8) 10)``.
    """


@tensor_primitive("random-multinomial", at=_OF_CLASSES + "multinomial")
def multinomial(trials: int, weights: Tensor, *sizes: Sizes) -> Tensor:
    """How often each class comes in so many trials: int32, the classes along the last axis.

    Args:
        trials: how many.
        weights: of the classes, as for ``categorical``.

    Example: ``(tensor-sum (random-multinomial 20 #(1 2 1)))`` ⇒ ``20``;
    ``(tensor-shape (random-multinomial 20 #(1 2 1) 5))`` ⇒ ``(5 3)``.
    """


@tensor_primitive("random-choice", at=_OF_CLASSES + "choice")
def choice(values: Any, *sizes: Sizes, weights: Any = None, replace: bool = True) -> Any:
    """Elements of a list, vector or tensor, or integers below a count, at random.

    Args:
        values: what is chosen from; of a tensor, its rows.
        sizes: how many; one element if left out. Of a list or vector a vector is made, or with
            several sizes vectors of vectors; in compiled code a tensor, if they are numbers.
        weights: of each element; equal ones if left out.
        replace: whether an element may come twice.

    Example: ``(random-choice '(a a))`` ⇒ ``a``; ``(random-choice 10 3 #:replace #f)``.
    """


@tensor_primitive("random-dirichlet", at=_OF_CLASSES + "dirichlet")
def dirichlet(concentration: Tensor, *sizes: Sizes, dtype: Dtype = None) -> Tensor:
    """Probabilities of classes, along the last axis, that add up to 1.

    Example: ``(tensor-shape (random-dirichlet #(1 1 1) 5))`` ⇒ ``(5 3)``.
    """


@tensor_primitive("random-multivariate-normal", at=_OF_VECTORS + "multivariate_normal")
def multivariate_normal(
    mean: Tensor, covariance: Tensor, *sizes: Sizes, dtype: Dtype = None
) -> Tensor:
    """Vectors of a normal distribution with a mean [n] and covariances [n, n].

    Covariances of variables that depend on one another have no inverse, and need none.

    Raises:
        BadValue: the matrix is not symmetric, or has a negative eigenvalue. In compiled code that
            doesn't know it the draws are NaN.

    Example: ``(tensor-shape (random-multivariate-normal #(0 0) (eye 2) 5))`` ⇒ ``(5 2)``.
    """


@tensor_primitive("random-ball", at=_OF_VECTORS + "ball")
def ball(dimension: int, *sizes: Sizes, order: Any = 2, dtype: Dtype = None) -> Tensor:
    """Points evenly from the unit ball, along the last axis.

    Args:
        dimension: of the points.
        sizes: how many of them.
        order: p of the p-norm whose ball it is: 1 a cross-polytope, 2 the usual ball.

    Example: ``(tensor-shape (random-ball 3 10))`` ⇒ ``(10 3)``;
    ``(<= (norm (random-ball 2)) 1)`` ⇒ ``#t``.
    """


@tensor_primitive("random-orthogonal", at=_OF_VECTORS + "orthogonal")
def orthogonal(size: int, *sizes: Sizes, dtype: Dtype = None) -> Tensor:
    """Orthogonal matrices, evenly from all of a size (Haar's measure; Stewart 1980).

    Example: ``(let ((q (random-orthogonal 3))) (allclose (matmul q (transpose q)) (eye 3) 1e-5
    1e-5))`` ⇒ ``#t``.
    """


@tensor_primitive("random-bits", at=_AT + "bits")
def bits(*sizes: Sizes) -> Tensor:
    """Random bits, 32 in each element of a tensor of uint32.

    Example: ``(tensor-dtype (random-bits 4))`` ⇒ ``uint32``.
    """


@tensor_primitive("random-tensor", at=_AT + "random_tensor")
def random_tensor(*arguments: Any, dtype: Dtype = None) -> Tensor:
    """A tensor of random numbers: evenly from [0, 1), or from a distribution with a name.

    ``(random-tensor size …)``, ``(random-tensor shape)`` or ``(random-tensor shape distribution
    parameters)``, where the parameters are one list, or stand one by one. The names are those of
    the procedures without ``random-``: ``'normal``, ``'gamma``, ``'bernoulli``, ``'int`` … What is
    left out of the parameters is what it is there.

    Raises:
        ArityError: a parameter that has no default is left out, or there are too many.

    Example: ``(tensor-shape (random-tensor '(2 3) 'normal '(0 0.1)))`` ⇒ ``(2 3)``;
    ``(random-tensor '(3) 'bernoulli '(1))`` ⇒ ``#(1.0 1.0 1.0)``.
    """
