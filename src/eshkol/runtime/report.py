"""Errors for people: Python's own complaints about compiled code in the language's words.

Compiled code runs as Python, so an unbound variable arrives as ``NameError`` and a wrong number of
arguments as ``TypeError``. :func:`explain` turns such errors, raised at a Scheme form, into the
errors of ``base.errors``; :func:`user_traceback` drops the frames that are not the user's.
"""

from __future__ import annotations

import difflib
import inspect
import os
import re
import sysconfig
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eshkol.base import sources
from eshkol.base.errors import (
    ArityError,
    EshkolError,
    ExpandError,
    IncompleteInput,
    NotAProcedure,
    ReadError,
    TooDeep,
    UnboundVariable,
    excerpt,
)
from eshkol.base.spans import Span
from eshkol.datum.write import short_string
from eshkol.primitives.declare import count_text, usage_text
from eshkol.reader.parser import read_all
from eshkol.runtime.boundary import Boundary as Boundary
from eshkol.syntax.objects import Keyword, Syntax, to_datum

_PACKAGE = str(Path(__file__).resolve().parent.parent) + os.sep
_LIBRARIES = tuple(
    str(Path(sysconfig.get_paths()["purelib"]) / name) + os.sep
    for name in ("jax", "jaxlib", "numpy", "optax")
)


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
    trail = [f"  in the expansion of {name}, used at {use}" for name, use in error.trail]
    hint = [f"  {line}" for line in error.hint.splitlines()]
    error.msg = "\n".join([error.message, *trail, *hint])


def _is_own_bug(error: Exception) -> bool:
    """Whether an error that is no user error was raised by Eshkol's own code."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    if isinstance(error, EshkolError | RecursionError) or traceback is None:
        return False
    file = traceback.tb_frame.f_code.co_filename
    return file.startswith(_PACKAGE) and not sources.is_source(file)


def user_traceback(traceback: types.TracebackType | None) -> types.TracebackType | None:
    """``traceback`` without the frames of Eshkol itself and of the libraries under it."""
    kept = []
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        is_ours = file.startswith(_PACKAGE) and not file.endswith(".esk")
        if not is_ours and not file.startswith(_LIBRARIES):
            kept.append(traceback)
        traceback = traceback.tb_next
    result = None
    for entry in reversed(kept):
        result = types.TracebackType(result, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return result


# ---- explaining


def explain(error: Exception) -> Exception:
    """The error in the language's own terms, if it was raised at a Scheme form."""
    if isinstance(error, EshkolError):
        return error
    if isinstance(error, RecursionError):
        return _too_deep(error)
    place = _innermost(error)
    if place is None:
        return error
    frame, span = place
    for kind, explainer in _EXPLAINERS:
        if isinstance(error, kind):
            explained = explainer(error, frame, span)
            if explained is not None:
                return explained.with_traceback(error.__traceback__)
    return error


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


def unbound(name: str, variables: dict[str, Any], span: Span | None) -> UnboundVariable:
    """The error for a variable that has no value, with a suggestion of a similar name."""
    known = [key for key in variables if not key.startswith((" ", "__"))]
    known += [key for key in variables.get("__builtins__", ()) if not key.startswith(" ")]
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    hint = f"did you mean {close[0]}?" if close else f"to define it: (define {name} …)"
    return UnboundVariable(f"{name} is not defined", span=span, hint=hint)


def _form(span: Span) -> Syntax | None:
    """The form that a span covers, read again from the source."""
    try:
        forms = read_all(sources.text_of(span), "<form>")
    except EshkolError:
        return None
    return forms[0] if len(forms) == 1 and forms[0].is_list and forms[0].datum else None


def _operator(span: Span, frame: types.FrameType) -> tuple[str, Any]:
    """The text of a call's operator and its value, if it is a variable with a known value."""
    form = _form(span)
    if form is None:
        return "", None
    head = form.parts[0]
    text = short_string(to_datum(head))
    if not head.is_identifier:
        return text, None if head.is_list else head.datum
    from eshkol.primitives.declare import PRIMITIVES

    if head.name in frame.f_globals:
        return text, frame.f_globals[head.name]
    primitive = PRIMITIVES.get(head.name)
    local = head.name.replace("-", "_")
    return text, frame.f_locals.get(local, primitive.function if primitive else None)


def _explain_type(error: Exception, frame: types.FrameType, span: Span) -> EshkolError | None:
    text = str(error)
    operator, value = _operator(span, frame)
    found = re.match(r"'(.+)' object is not callable", text)
    if found:
        what = found.group(1) if value is None else short_string(value)
        subject = f"{operator} is {what}, which" if operator and operator != what else what
        return NotAProcedure(
            f"{subject} is not a procedure" if subject == what else f"{subject} can't be called",
            span=span,
            hint="the first thing inside parentheses is called; data is quoted: '(1 2 3)",
        )
    if re.search(r"positional argument|required|unexpected keyword|multiple values", text):
        return _explain_arity(text, operator, value, span)
    return None


def _explain_arity(text: str, operator: str, value: Any, span: Span) -> EshkolError:
    name = operator or text.partition("(")[0]
    unknown = re.search(r"unexpected keyword argument '(.+?)'", text)
    form = _form(span)
    given = _argument_count(form) if form is not None else None
    if callable(value):
        try:
            signature = inspect.signature(value)
        except (TypeError, ValueError):
            return ArityError(f"{name}: {text.partition(') ')[2]}", span=span)
        hint = f"use: {usage_text(name, signature)}"
        if unknown:
            keyword = unknown.group(1).replace("_", "-")
            return ArityError(f"{name} has no argument #:{keyword}", span=span, hint=hint)
        came = "another number" if given is None else str(given)
        message = f"{name} takes {count_text(signature)}, got {came}"
        return ArityError(message, span=span, hint=hint)
    return ArityError(f"{name}: wrong number of arguments: {text.partition(') ')[2]}", span=span)


def _argument_count(form: Syntax) -> int:
    parts = form.parts[1:]
    keywords = sum(isinstance(part.datum, Keyword) for part in parts)
    return len(parts) - 2 * keywords


def _too_deep(error: RecursionError) -> Exception:
    """Too deep a recursion of the program, wherever Python noticed it."""
    span = sources.span_of_traceback(error.__traceback__)
    if span is None:
        return error
    return TooDeep(
        "the recursion is too deep",
        span=span,
        hint="is there a base case that ends it? a call in tail position takes no room",
    ).with_traceback(error.__traceback__)


_Explainer = Callable[[Exception, types.FrameType, Span], EshkolError | None]
_EXPLAINERS: tuple[tuple[type[Exception], _Explainer], ...] = (
    (NameError, _explain_name),
    (TypeError, _explain_type),
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
    frames = []
    traceback = error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if sources.is_source(code.co_filename):
            span = sources.span_at(code, traceback.tb_lasti)
            if span is not None:
                frames.append((code.co_name, span))
        traceback = traceback.tb_next
    lines = [f"  called from {_in(name)}{span}" for name, span in reversed(frames[:-1])]
    if len(lines) > MAX_CALLERS:
        left_out = len(lines) - MAX_CALLERS
        lines[MAX_CALLERS // 2 : -MAX_CALLERS // 2] = [f"  … {left_out} more calls …"]
    return lines


def _in(name: str) -> str:
    return "" if name.startswith("<") else f"{name}, "
