"""What the equations of a jaxpr cost: an estimate of operations on numbers and of memory traffic.

An operation on one pair of numbers counts 1, whatever it is, as in XLA's own analysis; a matrix
product of ``[m, k]`` and ``[k, n]`` counts ``2 m n k``. Bytes are those of all operands and
results, as if nothing were fused.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from eshkol.primitives.quadrature import NODES as QUADRATURE_NODES
from eshkol.xla.equations import inner_jaxprs


@dataclass
class Cost:
    """Operations and bytes; ``is_open`` if loops whose number of trips is unknown count once."""

    flops: float = 0.0
    bytes: float = 0.0
    is_open: bool = False

    def add(self, other: Cost, times: float = 1) -> None:
        """Add another cost so many times."""
        self.flops += times * other.flops
        self.bytes += times * other.bytes
        self.is_open = self.is_open or other.is_open


_FREE = frozenset(
    "broadcast_in_dim reshape squeeze expand_dims transpose convert_element_type slice "
    "dynamic_slice dynamic_update_slice gather concatenate pad rev iota copy copy_p "
    "bitcast_convert_type stop_gradient device_put split real imag debug_callback pure_callback "
    "io_callback optimization_barrier random_wrap random_unwrap name_p create_token".split()
)
"""Equations that move numbers and compute nothing."""


def _size(variable: Any) -> int:
    return math.prod(getattr(variable.aval, "shape", ()))


def _bytes(variable: Any) -> int:
    dtype = getattr(variable.aval, "dtype", None)
    return _size(variable) * getattr(dtype, "itemsize", 0)


def _product(equation: Any) -> float:
    (contracted, _), _ = equation.params["dimension_numbers"]
    shape = equation.invars[0].aval.shape
    return 2.0 * _size(equation.outvars[0]) * math.prod(shape[axis] for axis in contracted)


def _convolution(equation: Any) -> float:
    numbers = equation.params["dimension_numbers"]
    kernel = equation.invars[1].aval.shape
    inputs = kernel[numbers.rhs_spec[1]]
    window = math.prod(kernel[axis] for axis in numbers.rhs_spec[2:])
    return 2.0 * _size(equation.outvars[0]) * inputs * window


def _sort(equation: Any) -> float:
    size = _size(equation.invars[0])
    length = equation.invars[0].aval.shape[equation.params["dimension"]]
    return size * max(1.0, math.log2(max(length, 1)))


def _fourier(equation: Any) -> float:
    size = max(_size(equation.invars[0]), _size(equation.outvars[0]))
    return 5.0 * size * math.log2(max(2, math.prod(equation.params["fft_lengths"])))


def _of_matrices(factor: float) -> Callable[[Any], float]:
    """``factor m n min(m, n)`` operations for each matrix."""

    def count(equation: Any) -> float:
        *lanes, rows, columns = equation.invars[0].aval.shape
        return factor * math.prod(lanes) * rows * columns * min(rows, columns)

    return count


def _inputs(equation: Any) -> float:
    return float(sum(_size(variable) for variable in equation.invars[:1]))


_COUNTS: dict[str, Callable[[Any], float]] = {
    "dot_general": _product,
    "conv_general_dilated": _convolution,
    "sort": _sort,
    "top_k": _inputs,
    "fft": _fourier,
    "cholesky": _of_matrices(1 / 3),
    "lu": _of_matrices(2 / 3),
    "qr": _of_matrices(2.0),
    "geqrf": _of_matrices(2.0),
    "householder_product": _of_matrices(2.0),
    "triangular_solve": lambda equation: float(
        _size(equation.outvars[0]) * equation.invars[0].aval.shape[-1]
    ),
    "eigh": _of_matrices(9.0),
    "eig": _of_matrices(25.0),
    "svd": _of_matrices(14.0),
    "scatter-add": lambda equation: float(_size(equation.invars[2])),
    "scatter": lambda equation: 0.0,
}

_REDUCTIONS = ("reduce_", "cum", "arg")

_DERIVATIVE_FACTORS = {"loop_tangent": 2.0, "loop_adjoint": 3.0, "loop_curvature": 5.0}
"""A trip of a loop's derivative against a trip of the loop."""


def own_cost(equation: Any) -> Cost:
    """The cost of an equation without those inside of it."""
    name = equation.primitive.name
    size = float(max((_size(variable) for variable in equation.outvars), default=0))
    if name in _COUNTS:
        flops = _COUNTS[name](equation)
    elif name in _FREE:
        flops = 0.0
    elif name.startswith(_REDUCTIONS):
        flops = _inputs(equation)
    else:
        flops = size
    variables = [*equation.invars, *equation.outvars]
    return Cost(flops, float(sum(map(_bytes, variables))))


Tell = Callable[[Any, Cost], None]


def cost_of(jaxpr: Any, tell: Tell, times: float = 1, is_open: bool = False) -> Cost:
    """The cost of a jaxpr; of the branches of a conditional, the dearest counts.

    Args:
        jaxpr: any, not closed.
        tell: is told each equation and its cost in all its trips.
        times: how often the jaxpr is computed.
        is_open: whether that is in each of an unknown number of trips.
    """
    total = Cost()
    for equation in jaxpr.eqns:
        inner = list(inner_jaxprs(equation))
        if not inner or equation.primitive.name in _COUNTS:
            cost = Cost(0.0, 0.0, is_open)
            cost.add(own_cost(equation), times)
            tell(equation, cost)
            total.add(cost)
        else:
            total.add(_cost_inside(equation, inner, tell, times, is_open))
    return total


def _cost_inside(
    equation: Any, inner: list[tuple[str, Any]], tell: Tell, times: float, is_open: bool
) -> Cost:
    name, total = equation.primitive.name, Cost()
    if name == "cond":
        costs = [cost_of(jaxpr, tell, times, is_open) for _, jaxpr in inner]
        return max(costs, key=lambda cost: (cost.flops, cost.bytes))
    if name == "scan":
        times *= equation.params["length"]
    if name == "integral":
        times *= len(QUADRATURE_NODES)
    is_loop = name in ("while", "integral") or name.startswith("loop")
    times *= _DERIVATIVE_FACTORS.get(name, 1.0)
    wanted = [jaxpr for parameter, jaxpr in inner if parameter not in _NOT_RUN]
    for jaxpr in wanted:
        total.add(cost_of(jaxpr, tell, times, is_open or is_loop))
    return total


_NOT_RUN = frozenset("guarded_jaxpr jvp_jaxpr_fun jvp_jaxpr_thunk fwd_jaxpr_thunk bwd".split())
"""Parameters with jaxprs that only derivatives run."""


# ---- in words

_PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def amount(number: float, unit: str) -> str:
    """A number with a prefix of the unit.

    Example:
        >>> amount(1234567, "FLOP"), amount(12, "B")
        ('1.23 MFLOP', '12 B')
    """
    for size, prefix in _PREFIXES:
        if number >= size:
            return f"{number / size:.3g} {prefix}{unit}"
    return f"{number:.0f} {unit}"
