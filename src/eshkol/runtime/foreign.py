"""Errors of Python functions that programs call: they say what is wrong in words of their own.

A function of Python that is given a traced value asks for its value, or refuses it; a value that
was kept by one is used when its trace is over. JAX says so in terms of its insides.
"""

from __future__ import annotations

import os
import re
import sysconfig
import types
from pathlib import Path

from eshkol.base import sources
from eshkol.base.errors import BadValue, EshkolError, OutOfRange, StagingError, WrongType
from eshkol.base.sources import PACKAGE
from eshkol.base.spans import Span
from eshkol.datum.tensor_text import dtype_text
from eshkol.datum.write import short_string
from eshkol.runtime.calls import site_of

_TENSOR_RULES = PACKAGE + "xla" + os.sep
MACHINE = PACKAGE + "cek" + os.sep
LIBRARIES = tuple(
    str(Path(sysconfig.get_paths()["purelib"]) / name) + os.sep
    for name in ("jax", "jaxlib", "numpy", "optax")
)


def entries(traceback: types.TracebackType | None) -> list[types.TracebackType]:
    """The entries of a traceback that are the program's, outermost first."""
    found = []
    while traceback is not None:
        if sources.is_source(traceback.tb_frame.f_code.co_filename):
            found.append(traceback)
        traceback = traceback.tb_next
    return found


ASKING = frozenset(
    f"{kind}Error"
    for kind in "TracerArrayConversion TracerBoolConversion TracerIntegerConversion "
    "ConcretizationType".split()
)
"""JAX's errors for who asks a tracer for its value."""


_TRACEABLE = (
    "in compiled programs and derivatives of tensors, compute with the language's own procedures,\n"
    "or with functions that JAX can trace"
)


_NOT_OF_NUMPY = (
    "NumPy's functions take no traced values: give that of jax.numpy, as jax.numpy.sin for\n"
    'numpy.sin, or a Scheme procedure, as ek.eval("sin")'
)

_COMPILED_PYTHON = (
    "Python's if, while, int() and float() need a value, which a traced one has not: take "
    "jax.numpy.where\nor jax.lax.cond; or write the function in Scheme, whose if and loops are "
    'compiled,\nas in ek.jit("(lambda (x) (if (> x 0) x (- x)))")'
)


def asks_for_value(error: Exception) -> Exception:
    """The error of a Python function that was given a traced value, by a program or by ``jit``."""
    place, frames = _call_of_python(error)
    if place is None:
        return _asked_by_python(error, frames)
    given = _traced_in(frames) or _type_in(error)
    given = f": {given}" if given else ""
    return StagingError(
        f"{_operator(place)}a Python function asks for a value that is traced{given}",
        span=place[1],
        hint=_TRACEABLE,
    ).with_traceback(error.__traceback__)


def _asked_by_python(error: Exception, frames: list[types.FrameType]) -> Exception:
    """The error of a Python function that no form of a program has called."""
    traceback, place = error.__traceback__, None
    while traceback is not None:
        frame = traceback.tb_frame
        if not frame.f_code.co_filename.startswith((PACKAGE, *LIBRARIES)):
            place = frame, sources.span_at(frame.f_code, traceback.tb_lasti)
        traceback = traceback.tb_next
    given = _type_in(error) or _traced_in([*([place[0]] if place else []), *frames])
    asked = f"Python asks for the value of a traced {given}"
    if place is None or place[1] is None:
        # A function of NumPy's own, which has no frame, was given in place of a procedure.
        return StagingError(
            f"a function that was given to be called: {asked}", hint=_NOT_OF_NUMPY
        ).with_traceback(error.__traceback__)
    return StagingError(
        f"{place[0].f_code.co_name}: {asked}", span=place[1], hint=_COMPILED_PYTHON
    ).with_traceback(error.__traceback__)


def _call_of_python(
    error: Exception,
) -> tuple[tuple[types.FrameType, Span] | None, list[types.FrameType]]:
    """The innermost form of the program, if it called Python, and the frames of what it called."""
    place: tuple[types.FrameType, Span] | None = None
    frames: list[types.FrameType] = []
    traceback = error.__traceback__
    while traceback is not None:
        frame = traceback.tb_frame
        file = frame.f_code.co_filename
        if sources.is_source(file) and (span := sources.span_at(frame.f_code, traceback.tb_lasti)):
            place, frames = (frame, span), []
        elif file.startswith(_TENSOR_RULES):
            place = None
        else:
            frames.append(frame)
        traceback = traceback.tb_next
    return place, frames


def _operator(place: tuple[types.FrameType, Span]) -> str:
    """How a message begins that is about the call at ``place``."""
    who = site_of(*place).operator
    return "" if who in ("", "lambda", "define") else f"{who}: "  # a tail call stands there


def _traced_in(frames: list[types.FrameType]) -> str:
    """The first traced value that frames hold, for a message; empty if they hold none."""
    for frame in frames:
        for value in frame.f_locals.values():
            if type(value).__name__.endswith("Tracer") and hasattr(value, "dtype"):
                return short_string(value)
    return ""


def _type_in(error: Exception) -> str:
    """The type of a traced value that an error of JAX speaks of, as messages show it."""
    found = re.search(r"\b((?:float|int|uint|complex|bool|bfloat)\d*)(\[[\d,]*\])", str(error))
    return f"{dtype_text(found.group(1))}{found.group(2)}" if found else ""


def outlives_trace(error: Exception) -> Exception:
    """The error of using a value that a trace left behind."""
    own = entries(error.__traceback__)
    spans = [sources.span_at(entry.tb_frame.f_code, entry.tb_lasti) for entry in own]
    place = next(
        ((e.tb_frame, span) for e, span in zip(own[::-1], spans[::-1], strict=True) if span),
        None,
    )
    if place is None:
        return error
    return StagingError(
        f"{_operator(place)}the traced value {_type_in(error)} is used after the compiled "
        "procedure or derivative that it belongs to",
        span=place[1],
        hint="let the procedure return it, instead of keeping it in a variable or a container",
    ).with_traceback(error.__traceback__)


_REFUSED: dict[type[Exception], type[EshkolError]] = {
    TypeError: WrongType,
    ValueError: BadValue,
    IndexError: OutOfRange,
}
"""Errors of NumPy and JAX that say what is wrong with what they were given."""


def refused_by_library(error: Exception) -> Exception:
    """The error of a function of NumPy or JAX that the program called."""
    if type(error) not in _REFUSED:
        return error
    place, frames = _call_of_python(error)
    frames = [frame for frame in frames if not frame.f_code.co_filename.startswith(PACKAGE)]
    files = [frame.f_code.co_filename for frame in frames]
    is_staged = _is_staged(error)
    if place is None or not all(file.startswith(LIBRARIES) for file in files):
        return error
    if not files and not is_staged:
        return error
    text = str(error).partition("\n")[0].partition(" (Tip:")[0].rstrip(".")
    return _REFUSED[type(error)](
        f"{_operator(place)}{text}",
        span=place[1],
        hint=f"a Python function says so, and was given traced values; {_TRACEABLE}"
        if is_staged
        else "a Python function says so: look it up in its own documentation",
    ).with_traceback(error.__traceback__)


def _is_staged(error: Exception) -> bool:
    """Whether the error comes out of a program that was being traced."""
    traceback = error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if code.co_name == "staging" and code.co_filename.startswith(_TENSOR_RULES):
            return True
        traceback = traceback.tb_next
    return False
