"""Fourier transforms, windows, convolution and filters, against NumPy and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
from tensor_laws import SCHEME, Case, check_slopes, check_staged, check_value, ids, largest_of_each

from eshkol.base.errors import EshkolError
from eshkol.datum.pairs import Pair
from eshkol.datum.symbols import intern
from eshkol.datum.write import write_string
from eshkol.session import Session

RANDOM = np.random.default_rng(5)


def random(*shape):
    return RANDOM.normal(size=shape)


X, SHORT, M = random(12), random(5), random(3, 8)
HALF = np.fft.rfft(X)
B, A = scipy.signal.butter(3, 0.3)


def c(name, *arguments, expected):
    return Case(name, arguments, expected)


CASES = [
    c("fft", X, expected=np.fft.fft(X)),
    c("fft", X, 7, expected=np.fft.fft(X, 7)),
    c("fft", M, 10, 0, expected=np.fft.fft(M, 10, 0)),
    c("ifft", M, expected=np.fft.ifft(M)),
    c("rfft", M, expected=np.fft.rfft(M)),
    c("rfft", X[:11], expected=np.fft.rfft(X[:11])),
    c("irfft", HALF, expected=X),
    c("irfft", np.fft.rfft(X[:11]), 11, expected=X[:11]),
    c("fft2", M, expected=np.fft.fft2(M)),
    c("ifft2", M, expected=np.fft.ifft2(M)),
    c("fftshift", M, expected=np.fft.fftshift(M)),
    c("ifftshift", X[:11], expected=np.fft.ifftshift(X[:11])),
    *[c("convolve", X, SHORT, intern(mode), expected=np.convolve(X, SHORT, mode))
      for mode in ("full", "same", "valid")],
    c("convolve", M, M[:2, :3], expected=scipy.signal.convolve(M, M[:2, :3])),
    c("fast-convolve", X, SHORT, expected=np.convolve(X, SHORT)),
    c("fir-filter", SHORT, X, expected=scipy.signal.lfilter(SHORT, 1, X)),
    c("fir-filter", SHORT, M, expected=scipy.signal.lfilter(SHORT, 1, M)),
    c("iir-filter", B, A, X, expected=scipy.signal.lfilter(B, A, X)),
    c("iir-filter", B, 2 * A, M, expected=scipy.signal.lfilter(B, 2 * A, M)),
    c("iir-filter", SHORT, A[:2], X, expected=scipy.signal.lfilter(SHORT, A[:2], X)),
    c("iir-filter", np.array([3.0]), np.array([2.0]), X, expected=1.5 * X),
    c("apply-window", M, np.hanning(8), expected=M * np.hanning(8)),
    c("real-part", HALF, expected=HALF.real),
    c("imag-part", HALF, expected=HALF.imag),
    c("angle", HALF, expected=np.angle(HALF)),
    c("magnitude", HALF, expected=abs(HALF)),
    c("conjugate", HALF, expected=HALF.conj()),
]  # fmt: skip
LARGEST = largest_of_each(CASES)


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_values(case):
    check_value(case, "float32")


@pytest.mark.parametrize("case", LARGEST, ids=ids(LARGEST))
def test_doubles_and_staged(case):
    check_value(case, "float64")
    check_staged(case)


REAL = [case for case in LARGEST if not np.iscomplexobj(case.expected)]


@pytest.mark.parametrize("case", REAL, ids=ids(REAL))
def test_slopes(case):
    check_slopes(case)


@pytest.mark.parametrize("length", [0, 1, 2, 7, 8])
def test_windows(length):
    for name, reference in [
        ("hamming", np.hamming),
        ("hann", np.hanning),
        ("blackman", np.blackman),
    ]:
        window = SCHEME[f"{name}-window"](length)
        assert window.dtype == "float32"
        np.testing.assert_allclose(window, reference(length), atol=1e-6)
    np.testing.assert_allclose(
        SCHEME["kaiser-window"](length, 5.0), np.kaiser(length, 5), atol=1e-6
    )


@pytest.mark.parametrize("count", [1, 4, 7])
def test_frequencies(count):
    np.testing.assert_allclose(SCHEME["fftfreq"](count, 0.1), np.fft.fftfreq(count, 0.1), rtol=1e-6)
    np.testing.assert_allclose(SCHEME["rfftfreq"](count), np.fft.rfftfreq(count), rtol=1e-6)


@pytest.mark.parametrize("order", [1, 2, 3, 6])
@pytest.mark.parametrize("cutoff", [0.1, 0.5, 0.8])
def test_butterworth(order, cutoff):
    for name, kind in [("lowpass", "low"), ("highpass", "high")]:
        designed = SCHEME[f"butterworth-{name}"](order, cutoff)
        b, a = scipy.signal.butter(order, cutoff, kind)
        np.testing.assert_allclose(designed.car, b, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(designed.cdr, a, rtol=1e-4, atol=1e-5)
        found = SCHEME["frequency-response"](designed.car, designed.cdr, 9)
        _, wanted = scipy.signal.freqz(b, a, np.linspace(0, np.pi, 9))
        np.testing.assert_allclose(found.car, abs(wanted), atol=5e-3)
    low, high = SCHEME["butterworth-bandpass"](order, 0.05, cutoff)
    assert isinstance(low, Pair)
    np.testing.assert_allclose(low.car, SCHEME["butterworth-lowpass"](order, cutoff).car)
    np.testing.assert_allclose(high.car, SCHEME["butterworth-highpass"](order, 0.05).car)


PROGRAMS = [
    ("(require signal.filters) (convolve #(1 2 3) #(1 1))", "#(1.0 3.0 5.0 3.0)"),
    ("(real-part (ifft (fft #(1 2 3))))", "#(1.0 2.0 3.0)"),
    ("(tensor-dtype (fft (tensor 1 2 #:dtype 'bfloat16)))", "complex64"),
    ("(tensor-shape (fir-filter #(1) (zeros 0 4)))", "(0 4)"),
    ("(magnitude (fft #(3)))", "#(3.0)"),
    ("(list (conjugate 1+2i) (conjugate 3))", "(1-2i 3)"),
    ("(let ((f (butterworth-lowpass 2 0.5))) (tensor-shape (iir-filter (car f) (cdr f) (ones 9))))",
     "(9)"),
]  # fmt: skip


@pytest.mark.parametrize(("program", "expected"), PROGRAMS, ids=range(len(PROGRAMS)))
def test_programs(program, expected):
    assert write_string(Session().evaluate(program)) == expected


BAD = [
    ("(fft 5)", "fft: expected a tensor of rank 1 or more, got 5"),
    ("(fft #(1 2) 0)", "fft: expected a length of at least 1"),
    ("(fft #())", "fft: expected a length of at least 1, got f32[0]"),
    ("(fft #(1 2) 2 1)", "fft: axis 1 is out of range"),
    ("(rfft (fft #(1 2)))", "rfft: expected real numbers, got c64[2]"),
    ("(irfft (fft #(1)))", "irfft: expected a length of at least 1, got 0"),
    ("(fft2 #(1))", "fft2: expected a matrix that is not empty, got f32[1]"),
    ("(fftfreq 0)", "fftfreq: expected a length of at least 1, got 0"),
    ("(hann-window -1)", "hann-window: expected a length of at least 0, got -1"),
    ("(kaiser-window 3 'a)", "kaiser-window: expected a number, got a"),
    ("(kaiser-window 3)", "kaiser-window takes 2 arguments, got 1"),
    ("(hann-window 3 4)", "hann-window takes 1 argument, got 2"),
    ("(apply-window #(1 2) #(1))", "apply-window: the window f32[1] does not fit"),
    ("(convolve #(1 2) #())", "convolve: f32[2] and f32[0] have no convolution"),
    ("(convolve #(1 2) #(1) 'most)", "convolve: expected 'full, 'same or 'valid, got most"),
    ("(fir-filter 1 #(1))", "fir-filter: expected coefficients, got 1"),
    ("(butterworth-lowpass 2 1.5)",
     "butterworth-lowpass: expected a cutoff between 0 and 1, got 1.5"),
    ("(butterworth-lowpass 0 0.5)", "butterworth-lowpass: expected an order of at least 1, got 0"),
    ("(butterworth-bandpass 2 0.5 0.2)", "butterworth-bandpass: 0.5 is not below 0.2"),
    ("(frequency-response #(1) #(1) 0)",
     "frequency-response: expected at least 1 frequency, got 0"),
]  # fmt: skip


@pytest.mark.parametrize(("program", "message"), BAD, ids=range(len(BAD)))
def test_bad_calls(program, message):
    with pytest.raises(EshkolError) as caught:
        Session().evaluate(program)
    assert message in str(caught.value)
