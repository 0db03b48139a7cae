"""The forms of statistics, linear algebra and signals, and those that make tensors, a row for each.

The others, and what a row is, stand in ``forms.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from forms import (
    EMPTY,
    FLAT,
    FLOATS,
    NO_IDS,
    NONE,
    NUMBERS,
    ONE,
    REAL,
    ROW,
    STEPS,
    Form,
    M,
    N,
    T,
    V,
    anywhere,
    c,
)  # fmt: skip

# ---- statistics


def histogram(x: Any, bins: int = 10, low: Any = None, high: Any = None) -> Any:
    bounds = None if low is None else (low, high)
    return list(np.histogram(x, bins, bounds))


def covariance(x: Any, y: Any = None) -> Any:
    both = x if y is None else np.stack([x.reshape(-1), y.reshape(-1)])
    result = np.cov(both, bias=True)
    return result if y is None else result[0, 1]


def correlation(x: Any, y: Any = None) -> Any:
    both = x if y is None else np.stack([x.reshape(-1), y.reshape(-1)])
    result = np.corrcoef(both)
    return result if y is None else result[0, 1]


STATISTICS = [
    Form("tensor-cov", covariance, [c(M), c(M, N), c(V, V)]),
    Form("tensor-corrcoef", correlation, [c(T[0]), c(M, N), c(V, V)]),
    Form("histogram", histogram, [c(M, 3, -1.0, 1.0), c(FLAT, 2, 0.0, 1.0), c(V, 3, -2.0, 2.1)],
         smooth=False, odd=False, kinds=REAL),
    Form("bincount", np.bincount, [c(np.int32([0, 2, 2])), c(np.int32([1]))], staged=False,
         smooth=False),
    Form("searchsorted", np.searchsorted, [c(np.sort(V), M), c(FLAT, ROW), c(np.sort(V), EMPTY)],
         smooth=False, odd=False, kinds=REAL),
]  # fmt: skip


# ---- linear algebra


def square(*shape: int) -> np.ndarray:
    return anywhere(*shape) / 3 + 3 * np.eye(shape[-1])


def definite(*shape: int) -> np.ndarray:
    x = anywhere(*shape) / 3
    return x @ np.swapaxes(x, -1, -2) + np.eye(shape[-1])


A, AA, P, PP = square(3, 3), square(2, 3, 3), definite(3, 3), definite(2, 2, 2)
TALL, WIDE = anywhere(4, 2) + 3 * np.eye(4, 2), anywhere(2, 4) + 3 * np.eye(2, 4)
NO, NO_STACK = np.zeros((0, 0)), np.zeros((0, 3, 3))


def solved(a: Any, b: Any) -> Any:
    return np.linalg.solve(a, b[..., None])[..., 0] if b.ndim == 1 else np.linalg.solve(a, b)


def of_lower(a: Any, b: Any, transpose: bool = False, unit_diagonal: bool = False, **_: Any) -> Any:
    a = np.tril(a, -1) + np.eye(a.shape[-1]) if unit_diagonal else np.tril(a)
    return np.linalg.solve(np.swapaxes(a, -1, -2) if transpose else a, b)


def solved_by_steps(a: Any, b: Any, _: float) -> Any:
    return np.linalg.solve(a, b)


def least_squares(a: Any, b: Any) -> Any:
    return np.linalg.lstsq(a, b, rcond=None)[0]


def expm(x: Any) -> Any:
    from scipy import linalg

    return linalg.expm(x)


def rebuilt_lu(x: Any) -> Any:
    from scipy import linalg

    return [np.abs(np.diagonal(linalg.lu(x)[2], axis1=-2, axis2=-1))]


def lu_pivots(result: Any) -> Any:
    return [np.abs(np.diagonal(np.asarray(result.car), axis1=-2, axis2=-1))]


def singular_values(x: Any) -> Any:
    return [np.linalg.svd(x, compute_uv=False)]


def largest_eigenvalue(x: Any, *_: Any) -> Any:
    values = np.linalg.eigvals(x)
    return [values[np.argmax(np.abs(values))]]


def eigenvalues(x: Any) -> Any:
    return [np.sort_complex(np.linalg.eigvals(x))]


def item(number: int, change: Any = lambda x: x) -> Any:
    return lambda result: [change(np.asarray(list(result)[number]))]


HARD = {"odd": False}
LINEAR_ALGEBRA = [
    Form("matmul", np.matmul, [c(M, A), c(EMPTY, A), c(NONE, EMPTY), c(AA, A), c(M, ROW),
                               c(ROW, A), c(ROW, ROW), c(T[:, :, :3], AA)], fast=3),
    Form("tensor-dot", np.dot, [c(ROW, ROW), c(FLAT, FLAT), c(M, A), c(M, ROW)]),
    Form("batch-matmul", np.matmul, [c(AA, AA), c(NO_STACK, NO_STACK),
         c(T, AA[:, :1, :1] + T[:, :1].swapaxes(1, 2))]),
    Form("outer", np.outer, [c(ROW, V), c(FLAT, V), c(M, V)]),
    Form("einsum", np.einsum, [c("ij,kj->ik", M, A), c("ij,jk->ik", EMPTY, A), c("ii", A),
                               c("bij,bjk->bik", AA, AA), c("...i->...", T), c("ij->ji", M)],
         **HARD),
    Form("tensordot", np.tensordot, [c(M, A, 1), c(EMPTY, A, 1), c(M, N, 2),
                                     c(T, M, ((0, 1), (0, 1))), c(M, N, 0)], **HARD),
    Form("diagonal", lambda x: np.diag(x) if x.ndim == 1 else np.diagonal(x, 0, -2, -1),
         [c(A), c(EMPTY), c(V), c(AA), c(FLAT)]),
    Form("trace", lambda x: np.trace(x, 0, -2, -1), [c(A), c(NO), c(AA), c(M)]),
    Form("tensor-det", np.linalg.det, [c(A), c(NO), c(AA), c(NO_STACK)], **HARD),
    Form("slogdet", lambda x: list(np.linalg.slogdet(x)), [c(A), c(NO), c(AA)], **HARD),
    Form("tensor-inverse", np.linalg.inv, [c(A), c(NO), c(AA), c(NO_STACK)], kinds=NUMBERS, **HARD),
    Form("tensor-solve", solved, [c(A, ROW), c(NO, FLAT), c(A, M.T), c(AA, ROW)], kinds=NUMBERS,
         **HARD),
    Form("solve-triangular", lambda a, b: np.linalg.solve(np.triu(a), b), [c(A, ROW), c(AA, A)],
         kinds=NUMBERS, **HARD),
    Form("solve-triangular", of_lower, [
        c(A, ROW, lower=True), c(A, M.T, lower=True, transpose=True),
        c(AA, AA, lower=True, unit_diagonal=True), c(NO, FLAT, lower=True)], kinds=NUMBERS, **HARD),
    Form("cholesky-solve", lambda a, b: np.linalg.solve(np.tril(a) @ np.tril(a).conj().swapaxes(
        -1, -2), b), [c(A, ROW), c(NO, FLAT), c(A, M.T), c(AA, A)], kinds=NUMBERS, **HARD),
    Form("tensor-lstsq", least_squares, [c(TALL, V), c(WIDE, V[:2]), c(TALL, T[0].T)],
         kinds=NUMBERS, **HARD),
    Form("pinv", np.linalg.pinv, [c(TALL), c(EMPTY), c(WIDE), c(NONE)], kinds=NUMBERS, **HARD),
    Form("tensor-cholesky", np.linalg.cholesky, [c(P), c(NO), c(PP)], kinds=FLOATS, **HARD),
    Form("tensor-qr", lambda x: [np.abs(np.linalg.qr(x)[1])], [c(A), c(EMPTY), c(TALL), c(WIDE)],
         view=item(1, np.abs), **HARD),
    Form("tensor-svd", singular_values, [c(A), c(EMPTY), c(TALL), c(WIDE), c(NONE)],
         view=item(1), **HARD),
    Form("tensor-lu", rebuilt_lu, [c(A), c(AA)], view=lu_pivots, **HARD),
    Form("tensor-eigh", lambda x: [np.linalg.eigvalsh(x)], [c(P), c(NO), c(PP)], view=item(0),
         kinds=FLOATS, **HARD),
    Form("tensor-eig", eigenvalues, [c(A), c(NO)], view=item(0, np.sort_complex), smooth=False,
         **HARD),
    Form("matrix-rank", np.linalg.matrix_rank, [c(A), c(TALL), c(AA)], smooth=False, **HARD),
    Form("condition-number", np.linalg.cond, [c(A), c(TALL), c(AA)], kinds=NUMBERS, **HARD),
    Form("matrix-power", np.linalg.matrix_power, [c(A, 3), c(NO, 2), c(A, 0),
         c(AA, -2)], kinds=NUMBERS, **HARD),
    Form("expm", expm, [c(A), c(NO_STACK), c(AA / 9)], **HARD),
    Form("kron", np.kron, [c(M, A), c(EMPTY, A), c(ROW, V), c(ONE, M)], **HARD),
    Form("cross", np.cross, [c(ROW, M), c(EMPTY, ROW), c(ROW, ROW)], **HARD),
    Form("power-iteration", largest_eigenvalue, [c(P @ P), c(P, 200)], view=item(0), kinds=FLOATS,
         smooth=False, **HARD),
    Form("conjugate-gradient-solve", solved_by_steps, [c(P, ROW, 1e-12),
         c(P, -ROW, 0.0)], kinds=FLOATS,
         smooth=False, **HARD),
]  # fmt: skip


# ---- signals


def lfilter(b: Any, a: Any, x: Any) -> Any:
    from scipy import signal

    return signal.lfilter(1.0 * b, a, x) if x.size else x


def response(b: Any, a: Any, count: int = 512) -> Any:
    from scipy import signal

    values = signal.freqz(b, a, np.linspace(0, np.pi, count))[1]
    return [np.abs(values), np.cos(np.angle(values)), np.sin(np.angle(values))]


def around(result: Any) -> Any:
    """Magnitudes, and phases as points on a circle, where π is -π."""
    return [result.car, np.cos(result.cdr), np.sin(result.cdr)]


def butterworth(kind: str) -> Any:
    def design(count: int, *cutoffs: float) -> Any:
        from scipy import signal

        if kind == "band":
            return [part for f in (signal.butter(count, cutoffs[1], "low"),
                                   signal.butter(count, cutoffs[0],
         "high")) for part in f]  # fmt: skip
        return list(signal.butter(count, cutoffs[0], kind))

    return design


def transform(operation: Any) -> Any:
    return lambda x, count=None, axis=-1: operation(x, count, axis)


def convolved(x: Any, y: Any, mode: str = "full") -> Any:
    from scipy import signal

    return signal.convolve(x, y, mode, method="direct")


LONG, SHORT, HIGH, BROAD = anywhere(6), anywhere(3), anywhere(3, 2), anywhere(2, 4)
SIGNALS = [
    Form("fft", transform(np.fft.fft), [c(M, None, -1), c(EMPTY), c(T, 5, 1), c(V), c(V, 2, 0)],
         axes="one", **HARD),
    Form("ifft", transform(np.fft.ifft), [c(M, None, -1), c(EMPTY), c(T, 2, 0), c(V)], axes="one",
         **HARD),
    Form("rfft", transform(np.fft.rfft), [c(M, None, -1), c(EMPTY), c(T, 3, 1)], axes="one",
         kinds=REAL, **HARD),
    Form("irfft", transform(np.fft.irfft), [c(M, 4, -1), c(EMPTY), c(T, None, 1), c(M, 3, 0)],
         axes="one", **HARD),
    Form("fft2", np.fft.fft2, [c(M), c(np.zeros((0, 2, 3))), c(T)], **HARD),
    Form("ifft2", np.fft.ifft2, [c(M), c(np.zeros((0, 2, 3))), c(T)], **HARD),
    Form("fftshift", np.fft.fftshift, [c(M, -1), c(EMPTY), c(T), c(T, (0, 2))], axes="many"),
    Form("ifftshift", np.fft.ifftshift, [c(M, -1), c(EMPTY), c(T), c(V, 0)], axes="many"),
    Form("apply-window", np.multiply, [c(M, ROW), c(EMPTY, ROW), c(V, V)]),
    Form("convolve", convolved, [c(LONG, SHORT), c(SHORT, LONG), c(LONG, SHORT, "same"),
                                 c(SHORT, LONG, "same"), c(LONG, SHORT, "valid"), c(HIGH, BROAD),
                                 c(HIGH, BROAD, "same")], **HARD),
    Form("fast-convolve", convolved, [c(LONG, SHORT), c(LONG, SHORT, "same"),
                                      c(SHORT, LONG, "same"), c(LONG, SHORT, "valid"),
                                      c(HIGH, BROAD), c(HIGH, BROAD, "same")], **HARD),
    Form("fir-filter", lambda b, x: lfilter(b, [1.0], x), [c(SHORT, LONG), c(SHORT, NONE),
                                                           c(SHORT, T)], **HARD),
    Form("iir-filter", lfilter, [c(SHORT, np.array([2.0, 0.5]), LONG),
                                 c(SHORT, np.array([1.0, 0.3, 0.1]), T)], **HARD),
    Form("frequency-response", response, [c(SHORT, np.array([2.0, 0.5]), 5)], view=around,
         kinds=FLOATS, **HARD),
]  # fmt: skip


# ---- made of numbers


def filled(shape: Any, value: Any = 0.0) -> Any:
    return np.full(shape, value)


def shaped(make: Any) -> Any:
    return lambda *sizes: make(sizes[0] if sizes and isinstance(sizes[0], tuple) else sizes)


def hot(labels: Any, classes: int) -> Any:
    return (np.asarray(labels)[..., None] == np.arange(classes)).astype(float)


def tensor_of(*values: Any) -> Any:
    if isinstance(values[0], tuple | np.ndarray):
        return np.array(values[0], float)
    return np.array([1.0, 2.0, 3.0, 4.0]).reshape(2, 2) if len(values) == 6 else np.array(values)


MADE = [
    Form("zeros", shaped(np.zeros), [c(2, 3), c((0, 3)), c(), c((2, 0))]),
    Form("ones", shaped(np.ones), [c(2, 3), c((0, 3)), c(), c(4)]),
    Form("full", filled, [c((2, 3), 1.5), c((0, 3), 2.0), c(3, 0.5)]),
    Form("tensor-fill", lambda value, shape: filled(shape, value), [c(1.5, (2, 3)), c(2.0, 0)]),
    Form("eye", np.eye, [c(3), c(0), c(2, 4), c(4, 0)]),
    Form("arange", np.arange, [c(0.0, 1.0, 0.25), c(0), c(5), c(2, 7), c(7, 2, -2), c(3, 1)]),
    Form("linspace", np.linspace, [c(0, 1, 5), c(0, 1, 0), c(1, -1, 1), c(2.0, 3.0)]),
    Form("logspace", np.logspace, [c(0, 2, 3), c(0, 1, 0)]),
    Form("tensor", tensor_of, [c(((1, 2), (3, 4))), c(2, 2, 1.0, 2.0, 3.0, 4.0), c(1.0, 2.0)]),
    Form("matrix", lambda r, k, *v: np.reshape(v, (r, k)), [c(2, 2, 1.0, 2.0, 3.0, 4.0),
                                                            c(1, 2, 3, 4)]),
    Form("one-hot", hot, [c(np.int32([0, 2]), 3), c(NO_IDS, 3), c(np.int32([[1]]), 2),
                          c(np.int32([1, -1, 9]), 2), c(np.int32([0]), 0)]),
    Form("fftfreq", np.fft.fftfreq, [c(5), c(4, 0.5), c(1)]),
    Form("rfftfreq", np.fft.rfftfreq, [c(5), c(4, 0.5), c(1)]),
    Form("hamming-window", np.hamming, [c(5), c(0), c(1)]),
    Form("hann-window", np.hanning, [c(5), c(0), c(1)]),
    Form("blackman-window", np.blackman, [c(5), c(0), c(1)]),
    Form("kaiser-window", np.kaiser, [c(5, 3.0), c(0, 1), c(1, 2)]),
]  # fmt: skip
MADE = [form._replace(smooth=False, odd=False, kinds=FLOATS) for form in MADE]

LIKE = [
    Form("zeros-like", np.zeros_like, [c(M), c(EMPTY), c(ONE)], **STEPS),
    Form("ones-like", np.ones_like, [c(M), c(EMPTY), c(ONE)], **STEPS),
    Form("full-like", np.full_like, [c(M, 2), c(EMPTY, 2)], kinds="fic", **STEPS),
]
DESIGNS = [
    Form("butterworth-lowpass", butterworth("low"), [c(3, 0.3), c(1, 0.7)]),
    Form("butterworth-highpass", butterworth("high"), [c(3, 0.3), c(2, 0.7)]),
    Form("butterworth-bandpass", butterworth("band"), [c(2, 0.2, 0.6)]),
]
DESIGNS = [form._replace(smooth=False, odd=False, kinds=FLOATS) for form in DESIGNS]

FORMS_OF_MATRICES = [*STATISTICS, *LINEAR_ALGEBRA, *SIGNALS, *MADE, *LIKE, *DESIGNS]
