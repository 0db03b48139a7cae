"""Errors for people: Python's own complaints about compiled code in the language's words.

Compiled code runs as Python, so an unbound variable arrives as ``NameError`` and a wrong number of
arguments as ``TypeError``. :func:`explain` turns such errors, raised at a Scheme form, into the
errors of ``base.errors``; :func:`user_traceback` drops the frames that are not the user's.
"""

from __future__ import annotations

import difflib
import itertools
import os
import re
import types
from collections.abc import Callable
from typing import Any

from eshkol.base import sources
from eshkol.base.errors import (
    EshkolError,
    ExpandError,
    IncompleteInput,
    ReadError,
    TooDeep,
    UnboundVariable,
    excerpt,
    remarks,
)
from eshkol.base.sources import PACKAGE
from eshkol.base.spans import Span
from eshkol.runtime.boundary import Boundary as Boundary
from eshkol.runtime.calls import explain_call, explain_callback
from eshkol.runtime.device_errors import explain_memory, explain_missing_doubles
from eshkol.runtime.donations import explain_deleted
from eshkol.runtime.foreign import (
    ASKING,
    LIBRARIES,
    MACHINE,
    asks_for_value,
    entries,
    outlives_trace,
    refused_by_library,
)
from eshkol.runtime.hints import meant
from eshkol.runtime.procedures import procedure_of_code
from eshkol.runtime.tracebacks import SHOWN, entry_at

_RAISING = (os.path.join("primitives", "conditions.py"), os.path.join("cek", "conditions.py"))
"""The modules that raise what programs give to ``raise``."""


def wants_full_traceback() -> bool:
    """Whether ``ESHKOL_TRACEBACK=full`` asks for Python's and our own frames."""
    return os.environ.get("ESHKOL_TRACEBACK", "") == "full"


def raise_explained(error: Exception, traceback: types.TracebackType | None) -> None:
    """Raise what ``error`` is to the user; return if that is the error itself, made ready.

    A ``with`` statement that then lets the error go on adds no frame to its traceback.
    """
    explained = explain(error)
    if wants_full_traceback() or _is_own_bug(explained):
        if explained is not error:
            raise explained from error
        return
    if isinstance(explained, EshkolError):
        explained.__cause__ = None
        explained.__suppress_context__ = True
        _drop_notes(explained)
    if isinstance(explained, ReadError | ExpandError):
        _place(explained)
    explained.__traceback__ = user_traceback(traceback)
    if explained is not error:
        raise explained from None


def tell_place(error: Exception) -> None:
    """Tell an error of the program where it is; Python's own are explained first.

    Raises:
        EshkolError: what the error is to the user, if that is another.
    """
    if isinstance(error, RecursionError) or getattr(error, "is_told", False):
        return  # looked at in each frame that it leaves, it would take forever
    explained = explain(error)
    is_told = True
    if isinstance(explained, EshkolError) and explained._span is None:
        span = explained.span
        # In a library it is not yet known which form of the program has called.
        is_told = span is None or not sources.is_library(span.file)
        explained._span = span if is_told else None
    explained.is_told = is_told  # type: ignore[attr-defined]
    if explained is not error and error.__traceback__ is not None:
        raise explained.with_traceback(error.__traceback__.tb_next) from None


def _drop_notes(error: EshkolError) -> None:
    """Take away what JAX adds to an error about frames of its own, which are not shown."""
    notes = getattr(error, "__notes__", None)
    if notes:
        notes[:] = [note for note in notes if "JAX_TRACEBACK_FILTERING" not in note]


def _place(error: ReadError | ExpandError) -> None:
    """Tell Python where in a file a syntax error is, in the attributes by which it shows one."""
    span = error.span
    if span is None:
        return
    text = sources.line(span.file, span.line)
    end = span.end_column if span.end_line == span.line else len(text)
    error.filename, error.lineno, error.end_lineno = span.file, span.line, span.line
    error.offset, error.end_offset = span.column + 1, max(end, span.column + 1) + 1
    error.text = text
    error.msg = "\n".join([error.message, *remarks(error)])


def _is_own_bug(error: Exception) -> bool:
    """Whether an error that is no user error was raised by Eshkol's own code."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    if isinstance(error, EshkolError | RecursionError) or traceback is None:
        return False
    file = traceback.tb_frame.f_code.co_filename
    is_ours = file.startswith(PACKAGE) and not sources.is_source(file)
    return is_ours and not file.endswith(_RAISING)


def user_traceback(traceback: types.TracebackType | None) -> types.TracebackType | None:
    """``traceback`` without the frames of Eshkol itself and of the libraries under it."""
    kept = []
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if not file.startswith((PACKAGE, *LIBRARIES)):
            kept.append(traceback)
        traceback = traceback.tb_next
    result = None
    for entry in reversed(kept):
        frame = entry.tb_frame
        span = sources.span_at(frame.f_code, entry.tb_lasti) if _is_included(entry) else None
        if span is not None:
            result = entry_at(frame.f_code.co_name, span, frame.f_globals, result)
        else:
            result = types.TracebackType(result, frame, entry.tb_lasti, entry.tb_lineno)
    return result


def _is_included(entry: types.TracebackType) -> bool:
    """Whether the form was included from another file than that of its frame's code."""
    number = entry.tb_lineno
    return number is not None and number >= sources.LINES


# ---- explaining


def explain(error: Exception) -> Exception:
    """The error in the language's own terms, if it was raised at a Scheme form."""
    if isinstance(error, EshkolError):
        return error
    if isinstance(error, RecursionError):
        return _too_deep(error)
    if type(error).__name__ in ASKING:
        return asks_for_value(error)
    if type(error).__name__ == "UnexpectedTracerError":
        return outlives_trace(error)
    for told in (explain_deleted(error), explain_missing_doubles(error), explain_memory(error)):
        if told is not None:
            return told.with_traceback(error.__traceback__)
    place = _innermost(error)
    if place is None:
        of_callback = _explained_callback(error)
        return refused_by_library(error) if of_callback is error else of_callback
    frame, span = place
    for kind, explainer in _EXPLAINERS:
        if isinstance(error, kind):
            explained = explainer(error, frame, span)
            if explained is not None:
                if sources.is_library(span.file):
                    explained._span = None  # the traceback has the program's form
                return explained.with_traceback(error.__traceback__)
    return refused_by_library(error)


def _innermost(error: Exception) -> tuple[types.FrameType, Span] | None:
    """The frame and span of a Scheme form, if the error was raised by Python at that form."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    if traceback is None:
        return None
    code = traceback.tb_frame.f_code
    span = sources.span_at(code, traceback.tb_lasti)
    if span is None or not sources.is_source(code.co_filename):
        return None
    return traceback.tb_frame, span


def _explained_callback(error: Exception) -> Exception:
    """The error of a procedure of the program that a primitive called with wrong arguments."""
    frames: list[types.FrameType] = []
    traceback = error.__traceback__ if isinstance(error, TypeError) else None
    caller = None if traceback is None else traceback.tb_frame.f_back
    place = None
    while traceback is not None:
        frame = traceback.tb_frame
        span = sources.span_at(frame.f_code, traceback.tb_lasti)
        if span is not None and sources.is_source(frame.f_code.co_filename):
            place, frames = (frame, span), []
        else:
            frames.insert(0, frame)
        traceback = traceback.tb_next
    # The error may be on its way out, so that handlers see it. A machine knows its forms itself.
    while place is None and caller is not None and not _is_of_machine(caller):
        span = sources.span_at(caller.f_code, caller.f_lasti)
        if span is not None and sources.is_source(caller.f_code.co_filename):
            place = caller, span
        else:
            frames.append(caller)
        caller = caller.f_back
    explained = explain_callback(error, frames, *place) if place else None
    return error if explained is None else explained.with_traceback(error.__traceback__)


def _is_of_machine(frame: types.FrameType) -> bool:
    return frame.f_code.co_filename.startswith(MACHINE)


def _explain_name(error: Exception, frame: types.FrameType, span: Span) -> EshkolError | None:
    name = getattr(error, "name", None)
    text = str(error)
    if name is None:
        found = re.search(r"variable '(.+?)'", text)
        name = found.group(1) if found else None
    if name is None:
        return None
    if "free variable" in text or isinstance(error, UnboundLocalError):
        shown = sources.text_of(span)
        shown = shown if re.fullmatch(r"[^\s()]+", shown) else name
        return UnboundVariable(
            f"{shown} is used before it has a value",
            span=span,
            hint="in a body, a definition can use only those before it (except inside a procedure)",
        )
    return unbound(name, frame.f_globals, span)


def unbound(
    name: str, variables: dict[str, Any], span: Span | None = None, who: str = ""
) -> UnboundVariable:
    """The error for a variable that has no value, with a suggestion of a similar name."""
    own = [key for key in variables if not key.startswith((" ", "__"))]
    standard = [key for key in variables.get("__builtins__", ()) if not key.startswith(" ")]
    hint = _similar(name, own) or meant(name) or _similar(name, standard)
    hint = hint or f"to define it: (define {name} …)"
    return UnboundVariable(f"{who}{name} is not defined", span=span, hint=hint)


_PREFIXES = ("", "tensor-", "random-")
"""What names here begin with where those of other libraries are the rest."""


def _similar(name: str, known: list[str]) -> str:
    """A hint at a name that is spelled almost so, or is what a dotted name ends with."""
    plain = name.rpartition(".")[2].replace("_", "-")
    close = [prefix + plain for prefix in _PREFIXES if prefix + plain in known]
    close = close or difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    return f"did you mean {close[0]}?" if close else ""


def _too_deep(error: RecursionError) -> Exception:
    """Too deep a recursion of the program, wherever Python noticed it."""
    places = (
        (span, entry.tb_frame.f_code)
        for entry in reversed(entries(error.__traceback__))
        if (span := sources.span_at(entry.tb_frame.f_code, entry.tb_lasti))
    )
    last = list(itertools.islice(places, 3))
    if not last:
        return error
    span = next((span for span, code in last if _may_be_call(span, code)), last[0][0])
    return TooDeep(
        "the recursion is too deep",
        span=span,
        hint="is there a base case that ends it? a call in tail position takes no room",
    ).with_traceback(error.__traceback__)


def _may_be_call(span: Span, code: types.CodeType) -> bool:
    """Whether Python was calling there, not reading a variable or entering a procedure."""
    procedure = procedure_of_code(code)
    is_whole = procedure is not None and procedure.node.span == span
    return not is_whole and sources.text_of(span).startswith(("(", "["))


_Explainer = Callable[[Exception, types.FrameType, Span], EshkolError | None]
_EXPLAINERS: tuple[tuple[type[Exception], _Explainer], ...] = (
    (NameError, _explain_name),
    (TypeError, explain_call),
)


# ---- rendering


def report(error: BaseException) -> str:
    """An error as text for a terminal: what happened, where, and who called.

    Example:
        >>> from eshkol.base.errors import WrongType
        >>> report(WrongType("car: expected a pair, got 5"))
        'car: expected a pair, got 5'
    """
    if wants_full_traceback():
        import traceback

        return "".join(traceback.format_exception(error)).rstrip()
    if isinstance(error, Exception):
        error = explain(error)
    callers = _callers(error)
    if isinstance(error, EshkolError):
        return "\n".join([str(error), *callers])
    span = sources.span_of_traceback(error.__traceback__)
    name = type(error).__name__
    head = f"{span}: {name}: {error}" if span else f"{name}: {error}"
    return "\n".join([head, *(excerpt(span) if span else []), *callers])


MAX_CALLERS = 8


def _callers(error: BaseException) -> list[str]:
    """The Scheme procedures that were being called, innermost first."""
    if isinstance(error, IncompleteInput):
        return []
    running = entries(error.__traceback__)
    left_out = max(0, len(running) - 2 * SHOWN)
    if left_out:
        del running[SHOWN:-SHOWN]
    frames = [
        (entry.tb_frame.f_code.co_name, span)
        for entry in running
        if (span := sources.span_at(entry.tb_frame.f_code, entry.tb_lasti))
    ]
    frames = [frame for frame in frames if not sources.is_library(frame[1].file)] or frames
    lines = [f"  called from {_in(name)}{span}" for name, span in reversed(frames[:-1])]
    if len(lines) > MAX_CALLERS:
        left_out += len(lines) - MAX_CALLERS
        lines[MAX_CALLERS // 2 : -MAX_CALLERS // 2] = [f"  … {left_out} more calls …"]
    return lines


def _in(name: str) -> str:
    return "" if name == "lambda" or name.startswith("<") else f"{name}, "
