"""Signals: Fourier transforms, windows, convolution, digital filters.

Signals lie along the last axis, and of several all are treated alike. 16-bit floats compute in
float32.
"""

from __future__ import annotations

from typing import Any

from eshkol.datum.pairs import Pair
from eshkol.primitives.declare import tensor_primitive
from eshkol.primitives.tensors import Dtype, Tensor

_FOURIER = "eshkol.xla.fourier:"
_FILTERS = "eshkol.xla.filters:"


@tensor_primitive("fft", at=_FOURIER + "fft")
def fft(tensor: Tensor, count: Any = None, axis: int = -1) -> Tensor:
    """The discrete Fourier transform ``X[k] = Σ x[n] exp(-2πi kn/N)``, complex.

    Args:
        tensor: signals of any length, real or complex.
        count: N; the signals are cut off or filled up with zeros to that length.
        axis: along which the signals lie.

    Example: ``(fft #(1 2 3 4))`` ⇒ ``#(10.0+0.0i -2.0+2.0i -2.0+0.0i -2.0-2.0i)``.
    """


@tensor_primitive("ifft", at=_FOURIER + "ifft")
def ifft(tensor: Tensor, count: Any = None, axis: int = -1) -> Tensor:
    """The inverse of ``fft``. Example: ``(real-part (ifft (fft #(1 2))))`` ⇒ ``#(1.0 2.0)``."""


@tensor_primitive("rfft", at=_FOURIER + "rfft")
def rfft(tensor: Tensor, count: Any = None, axis: int = -1) -> Tensor:
    """The first half of the ``fft`` of real signals, N/2 + 1 numbers, which tells the rest.

    Example: ``(tensor-shape (rfft (ones 8)))`` ⇒ ``(5)``.
    """


@tensor_primitive("irfft", at=_FOURIER + "irfft")
def irfft(tensor: Tensor, count: Any = None, axis: int = -1) -> Tensor:
    """The inverse of ``rfft``, real; ``count`` says the length if it is odd.

    Example: ``(irfft (rfft #(1 2 3 4)))`` ⇒ ``#(1.0 2.0 3.0 4.0)``.
    """


@tensor_primitive("fft2", at=_FOURIER + "fft2")
def fft2(tensor: Tensor) -> Tensor:
    """The Fourier transform along the last two axes. Example: ``(tensor-shape (fft2 (eye 2)))`` ⇒
    ``(2 2)``.
    """


@tensor_primitive("ifft2", at=_FOURIER + "ifft2")
def ifft2(tensor: Tensor) -> Tensor:
    """The inverse of ``fft2``.

    Example: ``(real-part (ifft2 (fft2 #(#(1 2) #(3 4)))))`` ⇒ ``#((1.0 2.0) (3.0 4.0))``.
    """


@tensor_primitive("fftfreq", at=_FOURIER + "fft_frequencies")
def fftfreq(count: int, spacing: Any = 1.0, *, dtype: Dtype = None) -> Tensor:
    """The frequencies of the numbers of an ``fft``, in cycles per unit of the spacing.

    Example: ``(fftfreq 4)`` ⇒ ``#(0.0 0.25 -0.5 -0.25)``.
    """


@tensor_primitive("rfftfreq", at=_FOURIER + "rfft_frequencies")
def rfftfreq(count: int, spacing: Any = 1.0, *, dtype: Dtype = None) -> Tensor:
    """The frequencies of the numbers of an ``rfft``. Example: ``(rfftfreq 4)`` ⇒
    ``#(0.0 0.25 0.5)``.
    """


@tensor_primitive("fftshift", at=_FOURIER + "shift")
def fftshift(tensor: Tensor, axis: Any = None) -> Tensor:
    """The frequency 0 in the middle. Example: ``(fftshift #(0 1 -2 -1))`` ⇒
    ``#(-2.0 -1.0 0.0 1.0)``.
    """


@tensor_primitive("ifftshift", at=_FOURIER + "unshift")
def ifftshift(tensor: Tensor, axis: Any = None) -> Tensor:
    """The inverse of ``fftshift``.

    Example: ``(ifftshift (fftshift #(0 1 2 3 4)))`` ⇒ ``#(0.0 1.0 2.0 3.0 4.0)``.
    """


@tensor_primitive("hamming-window", at=_FILTERS + "hamming")
def hamming_window(length: int, *, dtype: Dtype = None) -> Tensor:
    """``0.54 - 0.46 cos(2πn/(N-1))``. Example: ``(hamming-window 3)`` ⇒ ``#(0.08 1.0 0.08)``."""


@tensor_primitive("hann-window", at=_FILTERS + "hann")
def hann_window(length: int, *, dtype: Dtype = None) -> Tensor:
    """``0.5 - 0.5 cos(2πn/(N-1))``. Example: ``(hann-window 3)`` ⇒ ``#(0.0 1.0 0.0)``."""


@tensor_primitive("blackman-window", at=_FILTERS + "blackman")
def blackman_window(length: int, *, dtype: Dtype = None) -> Tensor:
    """``0.42 - 0.5 cos(2πn/(N-1)) + 0.08 cos(4πn/(N-1))``.

    Example: ``(tensor-max (blackman-window 5))`` ⇒ ``1.0``.
    """


@tensor_primitive("kaiser-window", at=_FILTERS + "kaiser")
def kaiser_window(length: int, beta: Any, *, dtype: Dtype = None) -> Tensor:
    """``I₀(β √(1 - (2n/(N-1) - 1)²)) / I₀(β)`` (Kaiser 1974).

    Example: ``(kaiser-window 3 0)`` ⇒ ``#(1.0 1.0 1.0)``.
    """


@tensor_primitive("apply-window", at=_FILTERS + "apply_window")
def apply_window(signals: Tensor, window: Tensor) -> Tensor:
    """Signals times a window. Example: ``(apply-window #(1 2 3) (hann-window 3))`` ⇒
    ``#(0.0 2.0 0.0)``.
    """


@tensor_primitive("convolve", at=_FILTERS + "convolve")
def convolve(first: Tensor, second: Tensor, mode: Any = "full") -> Tensor:
    """``Σ a[k] b[n - k]``, of tensors of one rank.

    Args:
        mode: ``'full``; ``'same``, the middle part of the first one's size; or ``'valid``, where
            they overlap wholly.

    Example: ``(convolve #(1 2 3) #(1 1))`` ⇒ ``#(1.0 3.0 5.0 3.0)``.
    """


@tensor_primitive("fast-convolve", at=_FILTERS + "fast_convolve")
def fast_convolve(first: Tensor, second: Tensor, mode: Any = "full") -> Tensor:
    """``convolve`` through Fourier transforms, faster for long signals.

    Example: ``(fast-convolve #(1 2 3) #(0 1))`` ⇒ ``#(0.0 1.0 2.0 3.0)``.
    """


@tensor_primitive("fir-filter", at=_FILTERS + "fir")
def fir_filter(coefficients: Tensor, signals: Tensor) -> Tensor:
    """``y[n] = Σ b[k] x[n - k]``. Example: ``(fir-filter #(0.5 0.5) #(2 4 6))`` ⇒
    ``#(1.0 3.0 5.0)``.
    """


@tensor_primitive("iir-filter", at=_FILTERS + "iir")
def iir_filter(numerator: Tensor, denominator: Tensor, signals: Tensor) -> Tensor:
    """``a[0] y[n] = Σ b[k] x[n - k] - Σ a[k] y[n - k]``, k from 1 on in the second sum.

    Example: ``(iir-filter #(1) #(1 -0.5) #(1 0 0))`` ⇒ ``#(1.0 0.5 0.25)``.
    """


@tensor_primitive("butterworth-lowpass", at=_FILTERS + "lowpass")
def butterworth_lowpass(order: int, cutoff: Any) -> Pair:
    """The pair ``(b . a)`` of Butterworth's filter that lets low frequencies pass.

    Args:
        order: from 1 on; in float32, above 6 or so, give the signal to two filters of half the
            order.
        cutoff: where half the power passes; 1 is half the rate at which the signal was taken.

    Example: ``(butterworth-lowpass 1 0.5)`` ⇒ ``(#(0.5 0.5) . #(1.0 0.0))``.
    """


@tensor_primitive("butterworth-highpass", at=_FILTERS + "highpass")
def butterworth_highpass(order: int, cutoff: Any) -> Pair:
    """The pair ``(b . a)`` of Butterworth's filter that lets high frequencies pass.

    Example: ``(car (butterworth-highpass 1 0.5))`` ⇒ ``#(0.5 -0.5)``.
    """


@tensor_primitive("butterworth-bandpass", at=_FILTERS + "bandpass")
def butterworth_bandpass(order: int, low: Any, high: Any) -> Pair:
    """The list of the low-pass filter at ``high`` and the high-pass filter at ``low``, each a pair
    ``(b . a)``, to be applied one after the other.

    Example: ``(length (butterworth-bandpass 2 0.2 0.4))`` ⇒ ``2``.
    """


@tensor_primitive("frequency-response", at=_FILTERS + "frequency_response")
def frequency_response(numerator: Tensor, denominator: Tensor, count: int = 512) -> Pair:
    """The pair of magnitudes and phases of a filter at ``count`` frequencies from 0 to half the
    rate.

    Example: ``(car (frequency-response #(1 1) #(2) 2))`` ⇒ ``#(1.0 0.0)``.
    """
