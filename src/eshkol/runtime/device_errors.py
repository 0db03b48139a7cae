"""What a device can't do, in the language's words: no 64-bit numbers, no more memory."""

from __future__ import annotations

import re

from eshkol.base import sources
from eshkol.base.errors import OutOfMemory, StagingError

_COMPLAINTS = re.compile(
    r"to not contain X64 element types"  # TPU, for operations that it can't take apart
    r"|64-bit data types are not yet supported"  # TPU drivers
    r"|Element type (F64|S64|U64|C128) is not supported"
    r"|function input/output data types are not supported"  # Metal
    r"|\b(f64|float64|fp64)\b.{0,80}\b(not (implemented|supported)|unsupported|unimplemented)"
    r"|\b(not (implemented|supported)|unsupported|unimplemented)\b.{0,80}\b(f64|float64|fp64)\b",
    re.IGNORECASE | re.DOTALL,
)

_RUNTIME_ERRORS = ("JaxRuntimeError", "XlaRuntimeError")
_BYTES = re.compile(r"(?:allocat\w*|Attempting to allocate) ([\d.]+ ?\w*)")


def explain_memory(error: Exception) -> OutOfMemory | None:
    """The error for a tensor that its device has no room for; None for any other."""
    text = str(error)
    if type(error).__name__ not in _RUNTIME_ERRORS or "RESOURCE_EXHAUSTED" not in text:
        return None
    size = _BYTES.search(text)
    return OutOfMemory(
        "the device has no memory left" + (f" for {size[1].rstrip('.')}" if size else ""),
        span=sources.span_of_traceback(error.__traceback__),
        hint="take smaller tensors or batches, or a narrower #:dtype",
    )


def explain_missing_doubles(error: Exception) -> StagingError | None:
    """The error for a program that its device has no 64-bit numbers for; None for any other."""
    if type(error).__name__ not in _RUNTIME_ERRORS:
        return None
    if not _COMPLAINTS.search(str(error)):
        return None
    return StagingError(
        "this device has no 64-bit numbers (float64, int64), which the program computes with",
        span=sources.span_of_traceback(error.__traceback__),
        hint="reals and exact integers are 64 bits wide: make tensors of them, which are float32, "
        "as in (tensor 0.5),\nor run on the processor: (jit f #:device 'cpu)",
    )
