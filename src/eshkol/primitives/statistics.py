"""Statistics of tensors beside mean and variance: covariances, quantiles, counts, histograms."""

from __future__ import annotations

from typing import Any

from eshkol.datum.pairs import Pair
from eshkol.primitives.declare import tensor_primitive
from eshkol.primitives.tensor_reductions import Axis
from eshkol.primitives.tensors import Tensor

_AT = "eshkol.xla.statistics:"


@tensor_primitive("tensor-cov", "covariance", at=_AT + "covariance")
def covariance(first: Tensor, second: Tensor | None = None, *, correction: int = 0) -> Tensor:
    """The covariance of two variables; of one matrix, the matrix of covariances of its rows.

    Args:
        first, second: observations of two variables; or a matrix with a row for each variable.
        correction: what is taken off the number of observations to divide by: 0 as of a whole
            population, 1 as of a sample.

    Example: ``(tensor-cov #(1 2 3) #(2 4 6) #:correction 1)`` ⇒ ``2.0``.
    """


@tensor_primitive("tensor-corrcoef", "correlation", at=_AT + "correlation")
def correlation(first: Tensor, second: Tensor | None = None) -> Tensor:
    """Pearson's correlation of two variables; of one matrix, that of each two of its rows.

    A variable that is constant has none: the result is not-a-number.

    Example: ``(tensor-corrcoef #(1 2 3) #(6 4 2))`` ⇒ ``-1.0``.
    """


@tensor_primitive("tensor-median", "median", at=_AT + "median")
def median(tensor: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """The element in the middle, or the mean of the two there. Example: ``(median #(9 1 2))`` ⇒
    ``2.0``.
    """


@tensor_primitive("tensor-quantile", "quantile", at=_AT + "quantile")
def quantile(
    tensor: Tensor,
    fraction: Any,
    axis: Axis = None,
    *,
    keepdims: bool = False,
    method: Any = "linear",
) -> Tensor:
    """The number below which a fraction of the elements lies.

    Args:
        fraction: from 0 to 1, or a list of such, whose axis then comes first.
        method: what lies between two elements: ``linear``, ``lower``, ``higher``, ``nearest``,
            ``midpoint`` (Hyndman and Fan 1996, number 7, and its roundings).

    Example: ``(tensor-quantile #(1 2 3 4 5) 0.25)`` ⇒ ``2.0``.
    """


@tensor_primitive("tensor-percentile", "percentile", at=_AT + "percentile")
def percentile(
    tensor: Tensor,
    percents: Any,
    axis: Axis = None,
    *,
    keepdims: bool = False,
    method: Any = "linear",
) -> Tensor:
    """``tensor-quantile`` with percents. Example: ``(percentile #(1 2 3 4 5) 25)`` ⇒ ``2.0``."""


@tensor_primitive("count-nonzero", at=_AT + "count_nonzero")
def count_nonzero(tensor: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """How many elements are true, or not 0 (int32). Example: ``(count-nonzero #(1 0 2))`` ⇒
    ``2``.
    """


@tensor_primitive("bincount", at=_AT + "bincount")
def bincount(values: Tensor, length: int | None = None, *, weights: Any = None) -> Tensor:
    """How often each integer from 0 on occurs, or the sum of the weights that stand beside it.

    Args:
        values: integers of at least 0, of any shape.
        length: how many integers are counted, which compiled code must say; up to the largest one
            if left out.

    Example: ``(bincount '(0 2 2))`` ⇒ ``#(1 0 2)``.
    """


@tensor_primitive("histogram", at=_AT + "histogram")
def histogram(values: Tensor, bins: int = 10, low: Any = None, high: Any = None) -> Pair:
    """The list of how many values lie in each of ``bins`` equal bins, and of their bounds.

    Args:
        low, high: where the first bin begins and the last ends; values beyond are not counted. The
            smallest and largest value if left out. The last bin includes its end.

    Example: ``(histogram #(0 1 2 4) 2)`` ⇒ ``(#(2 2) #(0.0 2.0 4.0))``.
    """


@tensor_primitive("searchsorted", at=_AT + "search_sorted")
def search_sorted(ordered: Tensor, values: Tensor, *, side: Any = "left") -> Tensor:
    """The index (int32) at which each value would be put into a rising tensor of rank 1.

    Args:
        side: ``'left`` of equal elements, or ``'right``.

    Example: ``(searchsorted #(1 3 5) #(0 3 9))`` ⇒ ``#(0 1 3)``.
    """


@tensor_primitive("tensor-diff", at=_AT + "differences")
def differences(tensor: Tensor, axis: int = -1) -> Tensor:
    """What each element is more than the one before it. Example: ``(tensor-diff #(1 4 9))`` ⇒
    ``#(3.0 5.0)``.
    """


@tensor_primitive("interp", at=_AT + "interpolate")
def interp(x: Tensor, places: Tensor, values: Tensor) -> Tensor:
    """The values at ``x`` of the lines between points; beyond the ends those of the ends.

    Args:
        places, values: the points, as tensors of rank 1; the places rise.

    Example: ``(interp #(0.5 9) #(0 1 3) #(0 10 20))`` ⇒ ``#(5.0 20.0)``.
    """


@tensor_primitive("trapezoid", at=_AT + "trapezoid")
def trapezoid(tensor: Tensor, places: Any = None, *, axis: int = -1) -> Tensor:
    """The integral along an axis of the lines between values.

    Args:
        places: where the values are: a tensor of rank 1, or how far each is from the one before;
            1 if left out.

    Example: ``(trapezoid #(1 2 3))`` ⇒ ``4.0``; ``(trapezoid #(1 2 3) #(0 1 5))`` ⇒ ``11.5``.
    """
