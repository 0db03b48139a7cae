"""The forms on tensors, a row for each: what gives the same in NumPy or SciPy, and what it takes.

A row is a name, a reference and the arguments of some calls. The first call is the usual one; an
argument that is a tuple is a list. What else is asked of every row stands in ``test_form_laws.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

REAL, NUMBERS, ALL, FLOATS, COMPLEX = "fib", "fic", "fibc", "f", "fc"
"""Kinds of dtypes: floats, integers, booleans, complex numbers."""


class Form(NamedTuple):
    """A form.

    Attributes:
        name: its Scheme name.
        reference: what gives the same, of the same arguments.
        calls: the arguments of calls, and options.
        kinds: of which dtypes the floating arguments may be; others are refused.
        smooth: whether it has slopes that are finite differences.
        odd: whether it takes infinities and NaN as the reference does.
        axes: whether its last argument in the first call is an axis: ``one``, or ``many``.
        fast: how many of the calls are made by the fast tests.
        view: what is compared of the result, where the result itself is not unique.
        staged: whether it may be part of a compiled program.
    """

    name: str
    reference: Callable[..., Any]
    calls: list[tuple[tuple[Any, ...], Mapping[str, Any]]]
    kinds: str = ALL
    smooth: bool = True
    odd: bool = True
    axes: str = ""
    fast: int = 2
    view: Callable[..., Any] = lambda result: result
    staged: bool = True


def c(*arguments: Any, **options: Any) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    return arguments, MappingProxyType(options)


RANDOM = np.random.default_rng(7)


def anywhere(*shape: int) -> np.ndarray:
    """Numbers without ties, off the kinks at whole and half numbers."""
    count = int(np.prod(shape))
    places = RANDOM.permutation(count) - count // 2
    return (places * 0.37 + 0.13).reshape(shape)


def positive(*shape: int) -> np.ndarray:
    return np.abs(anywhere(*shape)) + 0.21


def inside(*shape: int) -> np.ndarray:
    """Numbers between -1 and 1."""
    return np.tanh(anywhere(*shape) / 2)


def above(*shape: int) -> np.ndarray:
    return positive(*shape) + 1


V, M, T = anywhere(4), anywhere(2, 3), anywhere(2, 3, 4)
RISING = np.sort(V)
N, ROW, COLUMN = anywhere(2, 3) + 0.05, anywhere(3), anywhere(2, 1)
ONE = np.array(0.13)
EMPTY, NONE, FLAT = np.zeros((0, 3)), np.zeros((3, 0)), np.zeros(0)


# ---- element by element


def unary(
    name: str, reference: Any, make: Callable[..., Any] = anywhere, fewer: int = 0, **how: Any
) -> Form:
    calls = [c(make(2, 3)), c(EMPTY), c(make(4)), c(make(2, 1, 3)), c(make(1).reshape(())), c(FLAT)]
    return Form(name, reference, calls[: len(calls) - fewer], **how)


def erf(x: Any) -> Any:
    from scipy import special

    return special.erf(x)


STEPS = {"smooth": False}
UNARY = [
    unary("floor", np.floor, kinds=REAL, **STEPS),
    unary("ceiling", np.ceil, kinds=REAL, **STEPS),
    unary("truncate", np.trunc, kinds=REAL, **STEPS),
    unary("round", np.round, kinds=REAL, **STEPS),
    unary("abs", np.abs),
    unary("exact", np.trunc, kinds=REAL, odd=False, fewer=2, **STEPS),
    unary("inexact", lambda x: x * 1.0),
    unary("exp", np.exp),
    unary("sin", np.sin),
    unary("cos", np.cos),
    unary("tan", np.tan),
    unary("asin", np.arcsin, inside),
    unary("acos", np.arccos, inside),
    unary("atan", np.arctan),
    unary("sinh", np.sinh),
    unary("cosh", np.cosh),
    unary("tanh", np.tanh),
    unary("asinh", np.arcsinh),
    unary("acosh", np.arccosh, above),
    unary("atanh", np.arctanh, inside),
    unary("sqrt", np.sqrt, positive),
    unary("log", np.log, positive),
    unary("log1p", np.log1p, positive),
    unary("expm1", np.expm1),
    unary("erf", erf, kinds=REAL),
    unary("sign", np.sign, **STEPS),
    unary("reciprocal", lambda x: np.divide(1.0, x), above),
    unary("negative", np.negative),
    unary("square", np.square),
    unary("rsqrt", lambda x: 1 / np.sqrt(x), positive),
    unary("tensor-abs", np.abs),
    unary("tensor-square", np.square),
    unary("tensor-exp", np.exp),
    unary("tensor-log", np.log, positive),
    unary("tensor-sqrt", np.sqrt, positive),
    unary("tensor-sin", np.sin),
    unary("tensor-cos", np.cos),
    unary("tensor-tanh", np.tanh),
    unary("real-part", np.real, smooth=False),
    unary("imag-part", np.imag, smooth=False),
    unary("magnitude", np.abs),
    unary("conjugate", np.conj),
    unary("angle", np.angle, smooth=False),
    unary("logical-not", np.logical_not, **STEPS),
    unary("nan?", np.isnan, **STEPS),
    unary("finite?", np.isfinite, **STEPS),
    unary("infinite?", np.isinf, **STEPS),
    unary("zero?", lambda x: x == 0, **STEPS),
    unary("positive?", lambda x: x > 0, kinds=REAL, **STEPS),
    unary("negative?", lambda x: x < 0, kinds=REAL, **STEPS),
    unary("odd?", lambda x: np.mod(x, 2) == 1, kinds="ib", **STEPS),
    unary("even?", lambda x: np.mod(x, 2) == 0, kinds="ib", **STEPS),
]


def binary(
    name: str,
    reference: Any,
    make: Callable[..., Any] = anywhere,
    second: Callable[..., Any] | None = None,
    **how: Any,
) -> Form:
    other = second or make
    shapes = [((2, 3), (3,)), ((0, 3), (3,)), ((2, 1), (1, 3)), ((), (2, 3)), ((2, 1, 3), (4, 1)),
              ((2, 0), (1,))]  # fmt: skip
    # No element is the other's, where a choice between them has two slopes.
    calls = [c(make(*a), other(*b) + 0.05) for a, b in shapes]
    return Form(name, reference, calls, **how)


def rectangular(x: Any, y: Any) -> Any:
    z = np.zeros(np.broadcast_shapes(x.shape, y.shape), np.complex128)
    z.real, z.imag = x, y
    return z


BINARY = [
    binary("+", np.add),
    binary("-", np.subtract),
    binary("*", np.multiply),
    binary("/", np.divide, anywhere, above),
    binary("max", np.maximum, kinds=REAL),
    binary("make-rectangular", rectangular, kinds=REAL, smooth=False),
    binary("make-polar", lambda r, a: rectangular(r * np.cos(a), r * np.sin(a)), kinds=REAL,
           smooth=False),
    binary("min", np.minimum, kinds=REAL),
    binary("expt", np.power, positive, anywhere, kinds=COMPLEX),
    binary("tensor-add", np.add),
    binary("tensor-sub", np.subtract),
    binary("tensor-mul", np.multiply),
    binary("tensor-div", np.divide, anywhere, above),
    binary("tensor-pow", np.power, positive, anywhere, kinds=COMPLEX),
    binary("tensor-maximum", np.maximum, kinds=REAL),
    binary("tensor-minimum", np.minimum, kinds=REAL),
    binary("atan2", np.arctan2, kinds=REAL),
    binary("modulo", np.mod, anywhere, above, kinds=REAL),
    binary("remainder", np.fmod, anywhere, above, kinds=REAL),
    binary("quotient", lambda x, y: np.trunc(x / y), anywhere, above, kinds=REAL, **STEPS),
    binary("floor-quotient", np.floor_divide, anywhere, above, kinds=REAL, **STEPS),
    *[
        binary(name, reference, kinds=kinds, **STEPS)
        for names, reference, kinds in [
            ("= tensor-eq", np.equal, ALL),
            ("tensor-ne", np.not_equal, ALL),
            ("< tensor-lt", np.less, REAL),
            ("> tensor-gt", np.greater, REAL),
            ("<= tensor-le", np.less_equal, REAL),
            (">= tensor-ge", np.greater_equal, REAL),
            ("logical-and", np.logical_and, ALL),
            ("logical-or", np.logical_or, ALL),
            ("logical-xor", np.logical_xor, ALL),
            ("isclose", np.isclose, ALL),
        ]
        for name in names.split()
    ],
    Form("allclose", np.allclose, [c(M, M + 1e-9), c(EMPTY, EMPTY), c(M, N)], **STEPS),
    Form("where", np.where, [c(M > 0, M, ROW), c(EMPTY > 0, EMPTY, 1.0), c(ROW > 0, M, N)]),
    Form("clip", np.clip, [c(M, -0.3, 0.4), c(EMPTY, 0.0, 1.0), c(M, ROW - 1, ROW + 1)],
         kinds="fi"),
    Form("tensor-cast", lambda x, _: np.trunc(np.real(x)), [c(M, "int32"), c(EMPTY, "int32")],
         smooth=False, odd=False),
]  # fmt: skip


# ---- special functions


def chance(*shape: int) -> np.ndarray:
    return 0.5 + inside(*shape) / 2.1


def special(name: str) -> Any:
    """SciPy's function of this name."""

    def reference(*arguments: Any) -> Any:
        from scipy import special

        return getattr(special, name)(*arguments)

    return reference


SPECIAL = [
    unary("gamma", special("gamma"), positive, kinds=REAL, odd=False),
    unary("log-gamma", special("gammaln"), positive, kinds=REAL, odd=False),
    unary("digamma", special("digamma"), positive, kinds=REAL),
    unary("erfc", special("erfc"), kinds=REAL),
    unary("erfinv", special("erfinv"), inside, kinds=REAL),
    unary("ndtr", special("ndtr"), kinds=REAL),
    unary("log-ndtr", special("log_ndtr"), kinds=REAL),
    unary("ndtri", special("ndtri"), chance, kinds=REAL),
    unary("logit", special("logit"), chance, kinds=REAL),
    unary("bessel-i0", special("i0"), kinds=REAL),
    unary("bessel-i0e", special("i0e"), kinds=REAL),
    unary("bessel-i1", special("i1"), kinds=REAL),
    unary("bessel-i1e", special("i1e"), kinds=REAL),
    unary("cbrt", np.cbrt, kinds=REAL),
    unary("exp2", np.exp2),
    unary("log2", np.log2, positive),
    unary("log10", np.log10, positive),
    unary("sinc", np.sinc, odd=False),
    binary("hypot", np.hypot, kinds=REAL),
    binary("logaddexp", np.logaddexp, kinds=REAL),
    binary("xlogy", special("xlogy"), anywhere, positive, kinds=REAL),
    binary("xlog1py", special("xlog1py"), anywhere, positive, kinds=REAL),
    binary("log-beta", special("betaln"), positive, kinds=REAL, odd=False),
    binary("gammainc", special("gammainc"), positive, kinds=REAL, odd=False),
    binary("gammaincc", special("gammaincc"), positive, kinds=REAL, odd=False),
    Form("polygamma", special("polygamma"), [c(2, positive(2, 3)), c(1, EMPTY), c(1, positive(4))],
         kinds="fi", odd=False),
    Form("betainc", special("betainc"),
         [c(2, 3, chance(2, 3)), c(2, 3, EMPTY), c(0.5, 1.5, chance(4))], kinds="fi"),
]  # fmt: skip


# ---- over axes


def over_axes(name: str, reference: Any, *front: Any, empty: bool = True, **how: Any) -> Form:
    """A reduction: of all, over one axis from either end, over several; axes kept or dropped."""
    calls = [
        c(M, *front, -1, keepdims=True),
        c(T, *front, (0, -1)),
        c(M, *front),
        c(NONE if empty else EMPTY, *front, 0 if not empty else -1)
        if empty
        else c(EMPTY, *front, -1),
        c(T, *front, 1),
        c(T, *front, -2, keepdims=True),
        c(T, *front, (2, 1, 0), keepdims=True),
        c(V, *front, 0),
        c(V.reshape(2, 2), *front, keepdims=True),
    ]
    how = {"axes": "many", "fast": 4, **how}
    return Form(name, reference, calls, **how)


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    from scipy import special

    return special.logsumexp(x, axis=axis, keepdims=keepdims)


def norm(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.sqrt(np.sum(np.abs(x) ** 2, axis=axis, keepdims=keepdims))


def indices_of(find: Any) -> Any:
    return lambda x, axis=None, keepdims=False: find(x, axis=axis, keepdims=keepdims)


def index_form(name: str, find: Any) -> Form:
    calls = [c(M, -1, keepdims=True), c(M), c(T, 1), c(T, -2, keepdims=True), c(V, 0)]
    return Form(name, indices_of(find), calls, axes="one", kinds=REAL, smooth=False)


def running(name: str, reference: Any, **how: Any) -> Form:
    calls = [c(M, -1), c(EMPTY, 0), c(M), c(T, 1), c(T, -3), c(V, 0), c(NONE, 1)]
    return Form(name, reference, calls, axes="one", **how)


def accumulate(operation: Any) -> Any:
    def reference(x: Any, axis: Any = None) -> Any:
        return operation.accumulate(x.reshape(-1) if axis is None else x, axis or 0)

    return reference


SOME = {"empty": False}
REDUCTIONS = [
    over_axes("tensor-sum", np.sum),
    over_axes("tensor-prod", np.prod),
    over_axes("sum", np.sum),
    over_axes("prod", np.prod),
    over_axes("tensor-mean", np.mean, **SOME),
    over_axes("mean", np.mean, **SOME),
    over_axes("tensor-max", np.max, kinds=REAL, **SOME),
    over_axes("tensor-min", np.min, kinds=REAL, **SOME),
    over_axes("tensor-var", np.var, **SOME),
    over_axes("tensor-std", np.std, **SOME),
    over_axes("tensor-all", np.all, **STEPS),
    over_axes("tensor-any", np.any, **STEPS),
    over_axes("logsumexp", logsumexp, kinds=REAL, **SOME),
    over_axes("norm", norm),
    over_axes("count-nonzero", np.count_nonzero, **STEPS),
    over_axes("tensor-median", np.median, kinds=REAL, **SOME),
    over_axes("tensor-quantile", np.quantile, 0.3, kinds=REAL, **SOME),
    over_axes("tensor-percentile", np.percentile, 30.0, kinds=REAL, **SOME),
    index_form("tensor-argmax", np.argmax),
    index_form("tensor-argmin", np.argmin),
    running("cumsum", np.cumsum),
    running("cumprod", np.cumprod),
    running("cummax", accumulate(np.maximum), kinds=REAL),
    running("cummin", accumulate(np.minimum), kinds=REAL),
    running("cumlogsumexp", accumulate(np.logaddexp), kinds=REAL),
]


# ---- shapes


def permuted(x: Any, *axes: Any) -> Any:
    if len(axes) == 2:
        return np.swapaxes(x, *axes)
    return np.transpose(x, axes[0] if axes else None)


def padded(x: Any, width: Any, value: Any = 0) -> Any:
    return np.pad(x, width, constant_values=value)


def pieces(x: Any, size: Any, axis: int = 0) -> Any:
    at = np.cumsum(size)[:-1] if isinstance(size, tuple) else range(size, x.shape[axis], size)
    return np.split(x, list(at), axis)


def reshaped(x: Any, *sizes: Any) -> Any:
    return np.reshape(x, sizes[0] if isinstance(sizes[0], tuple) else sizes)


def trapezoid(y: Any, x: Any = 1.0, axis: int = -1) -> Any:
    return np.trapezoid(y, dx=x, axis=axis) if np.ndim(x) == 0 else np.trapezoid(y, x, axis=axis)


SHAPES = [
    Form("reshape", reshaped, [c(M, 3, -1), c(EMPTY, 3, 0), c(T, (4, 6)), c(ONE, (1, 1))]),
    Form("flatten", np.ravel, [c(M), c(EMPTY), c(T), c(V), c(ONE)]),
    Form("transpose", permuted, [c(M), c(NONE), c(T, (2, 0, 1)), c(T, -1, 0), c(V)]),
    Form("permute", permuted, [c(T, (1, -1, 0)), c(EMPTY, (1, 0))]),
    Form("swap-axes", np.swapaxes, [c(M, 0, -1), c(EMPTY, 0, 1), c(T, 1, 2)], axes="one"),
    Form("move-axis", np.moveaxis, [c(M, 0, -1), c(EMPTY, 1, 0), c(T, -1, 0)], axes="one"),
    Form("squeeze", np.squeeze, [c(COLUMN, -1), c(np.zeros((1, 0)), 0), c(COLUMN), c(M),
                                 c(anywhere(1, 2, 1), (0, -1))], axes="many"),
    Form("unsqueeze", np.expand_dims, [c(M, -1), c(EMPTY, 0), c(M, (0, -2)), c(ONE, 0)]),
    Form("concatenate", np.concatenate, [c((M, N), -1), c((EMPTY, M), 0), c((M, M, N)),
                                         c((T, T), 1), c((FLAT, FLAT), 0)], axes="one"),
    Form("stack", np.stack, [c((M, N), -1), c((EMPTY, EMPTY), 1), c((M, N)), c((V, V), 0)],
         axes="one"),
    Form("split", pieces, [c(M, (1, 2), -1), c(EMPTY, (0, 0), 0), c(T, 2, 2), c(V, 3),
                           c(V, 9, -1)], axes="one"),
    Form("tensor-split", np.array_split, [c(M, 2, -1), c(EMPTY, 2, 0), c(V, 3), c(T, 5, 1)],
         axes="one"),
    Form("broadcast-to", np.broadcast_to, [c(ROW, (2, 3)), c(EMPTY, (2, 0, 3)),
         c(COLUMN, (0, 2, 3)),
                                           c(ONE, (2, 2))]),
    Form("tensor-broadcast", np.broadcast_to, [c(ROW, (2, 3)), c(np.zeros((1, 3)), (0, 3))]),
    Form("broadcast-tensors", np.broadcast_arrays, [c(COLUMN, ROW), c(EMPTY, ROW),
         c(ONE, M, T[:, :1, :3])]),
    Form("tile", np.tile, [c(M, (2, 1)), c(EMPTY, 2), c(M, 0), c(V, (2, 2)), c(T, 2)]),
    Form("repeat", np.repeat, [c(M, 2, -1), c(EMPTY, 2, 1), c(M, 0, 0), c(M, 3), c(T, 2, 1),
                                c(M, (2, 0, 1), -1), c(V, (0, 1, 0, 2))], axes="one"),
    Form("tensor-flip", np.flip, [c(M, -1), c(EMPTY, 0), c(M), c(T, (0, 2))], axes="many"),
    Form("roll", np.roll, [c(M, 1, -1), c(EMPTY, 1, 0), c(M, -2), c(T, 5, 1), c(V, 0, 0),
                            c(T, (1, -2), (0, 2)), c(T, 1, (0, -1))], axes="one"),
    Form("pad", padded, [c(M, 1, 1), c(EMPTY, 1), c(T, ((0, 1), (2, 0), (1, 1))), c(M, 0)]),
    Form("tril", np.tril, [c(M), c(EMPTY), c(T, 1), c(M, -1), c(NONE, 2)]),
    Form("triu", np.triu, [c(M), c(EMPTY), c(T, -1), c(M, 5)]),
    Form("meshgrid", lambda *x: np.meshgrid(*x, indexing="ij"), [c(ROW, V), c(FLAT, ROW), c(V)]),
    Form("vander", np.vander, [c(ROW), c(FLAT), c(V, 2), c(V, 0)]),
    Form("interp", np.interp,
         [c(M, RISING, V), c(EMPTY, RISING, V), c(0.4, ROW[:1], ROW[:1])], kinds="fi", odd=False),
    Form("trapezoid", trapezoid, [c(M), c(EMPTY, axis=-1), c(T, 0.5, axis=1), c(M, RISING[:3]),
         c(NONE)]),
    Form("tensor-diff", lambda x, axis=-1: np.diff(x, axis=axis), [c(M, -1), c(EMPTY, 0), c(T, 1),
                                                                  c(V), c(anywhere(1), 0)],
         axes="one", kinds=NUMBERS),
    Form("tensor-shape", np.shape, [c(M), c(EMPTY), c(ONE)], smooth=False),
    Form("tensor-rank", np.ndim, [c(M), c(EMPTY), c(ONE)], smooth=False),
    Form("tensor-size", np.size, [c(M), c(EMPTY), c(ONE)], smooth=False),
    Form("tensor-dtype", lambda x: [], [c(M), c(EMPTY)], smooth=False, view=lambda result: []),
    Form("list->tensor", np.stack, [c((ROW, ROW)), c((EMPTY, EMPTY)),
         c(M)], kinds=FLOATS, smooth=False),
    Form("tensor->list", lambda x: list(x.reshape(-1)), [c(M), c(EMPTY), c(T), c(ONE)],
         staged=False, smooth=False),
    Form("tensor->vector", lambda x: list(x.reshape(-1)), [c(M), c(EMPTY), c(T), c(ONE)],
         staged=False, smooth=False),
]  # fmt: skip


# ---- elements


def topk(x: Any, count: int, axis: int = -1) -> Any:
    places = order(x, axis, descending=True).take(range(count), axis)
    return [np.take_along_axis(x, places, axis), places]


def falling(x: Any, axis: int = -1, descending: bool = False) -> Any:
    return np.flip(np.sort(x, axis), axis) if descending else np.sort(x, axis)


def order(x: Any, axis: int = -1, descending: bool = False) -> Any:
    if not descending:
        return np.argsort(x, axis, stable=True)
    last = x.shape[axis] - 1
    return np.flip(last - np.argsort(np.flip(x, axis), axis, stable=True), axis)


def element(x: Any, *places: Any) -> Any:
    return x[places[0] if places and isinstance(places[0], tuple) else places]


def flat_element(x: Any, *places: Any) -> Any:
    return x.reshape(-1)[places[0]] if isinstance(places[0], int) else x[places[0]]


def replaced(x: Any, *places_and_value: Any) -> Any:
    *places, value = places_and_value
    result = x.copy()
    if places and isinstance(places[0], tuple):
        places = eval(f"np.s_[{', '.join(map(str, places[0]))},]", {"np": np})
    result[tuple(places)] = value
    return result


def part(x: Any, *bounds: Any) -> Any:
    if isinstance(bounds[0], tuple):
        return eval(f"x[{', '.join(map(str, bounds[0]))}]", {"x": x})
    return x[slice(*bounds)]


def block(x: Any, starts: Any, sizes: Any) -> Any:
    return x[tuple(slice(a, a + b) for a, b in zip(starts, sizes, strict=True))]


def put(x: Any, indices: Any, values: Any, axis: int = 0) -> Any:
    result = x.copy()
    result[(slice(None),) * axis + (indices,)] = values
    return result


def put_in(x: Any, where: Any, values: Any, mode: str) -> Any:
    result = x.copy()
    combine = {"add": np.add, "multiply": np.multiply, "min": np.minimum, "max": np.maximum}[mode]
    combine.at(result, where, np.asarray(values).astype(x.dtype))
    return result


def combine_at(x: Any, indices: Any, values: Any, axis: int = 0, mode: str = "add") -> Any:
    return put_in(x, (slice(None),) * axis + (indices,), values, mode)


def combine_at_tuples(x: Any, places: Any, values: Any, mode: str = "add") -> Any:
    return put_in(x, tuple(np.moveaxis(places, -1, 0)), values, mode)


def at_tuples(x: Any, places: Any) -> Any:
    return x[tuple(np.moveaxis(places, -1, 0))]


def put_at_tuples(x: Any, places: Any, values: Any) -> Any:
    result = x.copy()
    result[tuple(np.moveaxis(places, -1, 0))] = values
    return result


IDS, NO_IDS = np.int32([2, 0, -1]), np.zeros(0, "int32")
PAIRS = np.int32([[1, 2], [0, 0]])
TWICE, THREE_COLUMNS = np.int32([1, 0, 1]), anywhere(2, 3) + 0.2
ELEMENTS = [
    Form("tensor-sort", falling, [c(M, -1), c(EMPTY, 0), c(T, 1), c(V), c(V, 0, descending=True),
                                  c(NONE, 1)], axes="one", fast=5, kinds=REAL),
    Form("argsort", order, [c(M, -1), c(EMPTY, 0), c(T, 1), c(V), c(V, 0, descending=True)],
         axes="one", fast=5, smooth=False, kinds=REAL),
    Form("topk", topk, [c(M, 2, -1), c(EMPTY, 0, 0), c(T, 1, 1), c(V, 4), c(V, 0, 0)], axes="one",
         kinds="fi"),
    Form("unique", lambda x: np.unique(x), [c(M), c(EMPTY), c(np.float64([2, 1, 2, 0, 1]))],
         smooth=False, odd=False, staged=False, fast=3),
    Form("nonzero", np.nonzero, [c(M), c(EMPTY), c(np.float64([0, 1, 0, 2]))], smooth=False,
         staged=False),
    Form("boolean-mask", lambda x, mask: x[mask], [c(M, M > 0), c(EMPTY, EMPTY > 0),
                                                   c(M, np.array([True, False]))], staged=False,
         smooth=False),
    Form("tensor-get", element, [c(M, 1), c(T, 1, 2), c(T, (0, 1, 3)), c(NONE, 2), c(M)]),
    Form("tensor-ref", flat_element, [c(M, 4), c(T, (1, 2)), c(V, 3)]),
    Form("tensor-set", replaced, [c(M, 1, 2, 1.0), c(M, ("1:", "::-2"), 1.0), c(NONE, 1, FLAT),
                                  c(M, 0, ROW), c(M, (":", 1), 1.0), c(M, (-1,), 1.0),
                                  c(M, (0, -2), 1.0)]),
    Form("slice", part, [c(M, 0, 1), c(EMPTY, 0, 0), c(T, ("0:1", ":", "::-2")), c(V, -3, -1),
                         c(T, (1, "::-1", "1:9"))], fast=3),
    Form("dynamic-slice", block, [c(M, (0, 1), (2, 2)), c(EMPTY, (0, 1), (0, 2))]),
    Form("gather", lambda x, i, axis=0: np.take(x, i, axis), [
        c(M, IDS, -1), c(EMPTY, IDS, 1), c(M, NO_IDS, 0), c(T, np.int32([[0, 1]]), 1),
        c(V, np.int32(2))], axes="one", fast=3),
    Form("take-along-axis", np.take_along_axis, [c(M, np.int32([[2], [0]]), -1),
                                                 c(EMPTY, np.zeros((0, 2), "int32"), 1),
                                                 c(M, np.int32([[1, 0, 1]]), 0)], axes="one"),
    Form("scatter", put, [c(M, np.int32([0]), COLUMN, 1), c(EMPTY, NO_IDS, EMPTY, 0),
                          c(T, np.int32([2, 0]), 1.0, 1), c(M, np.int32([-1]), ROW[None], 0)]),
    Form("scatter", combine_at, [c(M, TWICE, THREE_COLUMNS, 1, mode="multiply"),
                                 c(T, TWICE[:2], 1.5, 0, mode="multiply"),
                                 c(M, TWICE, THREE_COLUMNS, 1, mode="add"),
                                 c(EMPTY, NO_IDS, EMPTY, 0, mode="multiply")], kinds=NUMBERS),
    Form("scatter", combine_at, [c(V, TWICE, V[:3], mode="max"), c(V, TWICE, V[:3], mode="min")],
         kinds="fi"),
    Form("scatter-nd", combine_at_tuples, [c(M, PAIRS[[0, 1, 0]], V[:3], mode="multiply"),
                                           c(M, PAIRS[[0, 1, 0], :1], M[[1, 0, 1]],
                                             mode="multiply"),
                                           c(M, PAIRS, V[:2], mode="add")], kinds=NUMBERS),
    Form("gather-nd", at_tuples, [c(M, PAIRS), c(EMPTY, np.zeros((0, 2), "int32")),
                                  c(T, PAIRS), c(M, PAIRS[:, :1])]),
    Form("scatter-nd", put_at_tuples, [c(M, PAIRS, V[:2]),
         c(EMPTY, np.zeros((0, 1), "int32"), EMPTY),
                                       c(T, PAIRS, 0.0)]),
]  # fmt: skip


FORMS_OF_ELEMENTS = [*UNARY, *BINARY, *SPECIAL, *REDUCTIONS, *SHAPES, *ELEMENTS]

ELSEWHERE = {
    "tensor-apply": "tensors/test_statistics.py",
    "tensor-apply-indexed": "tensors/test_statistics.py",
    "tensor-reduce": "tensors/test_statistics.py",
    "tensor-reduce-all": "tensors/test_statistics.py",
}
"""Forms that take procedures, and where their rows are."""
