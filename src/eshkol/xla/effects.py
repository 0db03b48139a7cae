"""Effects of staged programs: output and errors happen when the compiled program runs, in order.

Both are callbacks of the compiled program. ``vmap`` turns a branch into code that runs for every
lane, so a callback also gets whether the branches and trips around it are really taken
(:func:`under`).
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import jax

from eshkol.base.errors import (
    DivideByZero,
    EmptyList,
    EshkolError,
    MissingKey,
    OutOfRange,
    Raised,
    SchemeError,
    StagingError,
)
from eshkol.base.frames import scheme_frame, span_of_frame
from eshkol.codegen.staged import EFFECTS
from eshkol.datum.values import UNSPECIFIED
from eshkol.datum.write import write_string
from eshkol.primitives.catalogue import builtin_namespace
from eshkol.primitives.conditions import raised_object
from eshkol.xla.host_calls import DEEDS, RAISED, Deed, Given, HostCall, RunTimeFailure
from eshkol.xla.trees import TENSOR, flatten
from eshkol.xla.truth import conjunction
from eshkol.xla.witness import tracer_of

Complaint = Callable[..., EshkolError]
"""What makes an error of the values that are its cause; a ``HostFunction`` has a name."""


class Path(threading.local):
    """The way to the code that is being traced in this thread.

    Attributes:
        conditions: thunks that give whether each traced branch or trip around is taken.
        is_muted: whether effects are left out, since they happen elsewhere.
        left_out: whether one was.
        may_fail: whether the program being traced can end with an error when it runs.
        seen: how many effects were traced that people see: output, and stops.
    """

    def __init__(self) -> None:
        self.conditions: list[Callable[[], Any]] = []
        self.is_muted = False
        self.left_out = False
        self.may_fail = False
        self.seen = 0


PATH = Path()


@contextmanager
def under(condition: Callable[[], Any]) -> Iterator[None]:
    """Effects in this block happen only if ``condition()``, a traced truth value, holds."""
    saved = PATH.conditions
    PATH.conditions = [*saved, condition]
    try:
        yield
    finally:
        PATH.conditions = saved


@contextmanager
def muted() -> Iterator[Path]:
    """Effects in this block are left out; ``left_out`` tells then whether there were any."""
    saved = PATH.is_muted
    PATH.is_muted, PATH.left_out = True, False
    try:
        yield PATH
    finally:
        PATH.is_muted = saved


@contextmanager
def own_path() -> Iterator[Path]:
    """This block traces a program of its own."""
    saved = PATH.conditions, PATH.is_muted, PATH.may_fail
    PATH.conditions, PATH.is_muted, PATH.may_fail = [], False, False
    try:
        yield PATH
    finally:
        PATH.conditions, PATH.is_muted, PATH.may_fail = saved


def trip_condition(condition: Callable[[], Any]) -> Callable[[], Any]:
    """A condition for :func:`under` that says whether a trip of a loop is made."""
    condition.eshkol_trip = True  # type: ignore[attr-defined]
    return condition


def is_reached() -> Any:
    """Whether the branches around are taken, up to the loop around; True if there are none.

    Under ``vmap`` a lane computes the branches that it doesn't take, too. A loop there must not
    run: for that lane it may have no end. Lanes in a trip that they don't make are the business of
    the loop around.
    """
    result: Any = True
    for condition in reversed(PATH.conditions):
        if hasattr(condition, "eshkol_trip"):
            break
        result = conjunction(result, condition())
    return result


def is_taken() -> Any:
    """Whether the program gets here: the conditions of the branches and trips around hold."""
    result: Any = True
    for condition in PATH.conditions:
        result = conjunction(result, condition())
    return result


def call_back(do: Deed | Callable[[Any], None], value: Any, may_fail: bool = False) -> None:
    """Do something with the value when the compiled program runs.

    Args:
        do: what; a function from the value to nothing if it can't be told in data.
        value: any structure; its traced leaves are those of the run.
        may_fail: whether the program has to be waited for.
    """
    PATH.may_fail = PATH.may_fail or may_fail
    if PATH.is_muted:
        PATH.left_out = True
        return
    leaves, structure = flatten(value)
    shown: list[Any] = []
    given: list[Any] = []
    for leaf in map(tracer_of, leaves):
        is_traced = isinstance(leaf, jax.core.Tracer)
        shown.append(Given(len(given)) if is_traced else leaf)
        if is_traced:
            given.append(leaf)
    call = HostCall(do, structure, shown, has_condition=True)
    jax.debug.callback(call, is_taken(), *given, ordered=True)


def output(primitive: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Call an output primitive when the compiled program runs, with the values it then has."""
    PATH.seen += 1
    span = span_of_frame(scheme_frame())
    call_back(Deed("output", primitive, span), (arguments, options))
    return UNSPECIFIED


def _do_output(deed: Deed, value: Any) -> None:
    arguments, options = value
    deed.details(*arguments, **options)


# ---- errors


def fail(error: SchemeError) -> None:
    """Raise ``error`` when the compiled program runs, with the values that it then has."""
    PATH.may_fail = True
    head, shown_irritants = _shown(error)
    is_continuable = error.is_continuable if isinstance(error, Raised) else None
    details = error.condition_message, head, shown_irritants, error.hint, is_continuable
    span = error.span or span_of_frame(scheme_frame())
    call_back(Deed("raise", details, span), tuple(error.irritants))


def _do_raise(deed: Deed, irritants: Any) -> None:
    text, head, shown_irritants, hint, is_continuable = deed.details
    raised: SchemeError
    if is_continuable is None:
        shown = head + " ".join(map(write_string, irritants[shown_irritants:]))
        raised = SchemeError(text, irritants, shown)
    else:
        raised = raised_object(irritants[0])
        raised.is_continuable = is_continuable
    raised.hint = hint
    _raise_at(deed, raised)


AWAITED = OutOfRange, MissingKey, EmptyList, DivideByZero
"""Complaints of values that are right elsewhere: they matter only if the program gets there."""


def fail_alike(error: EshkolError) -> None:
    """Raise an error like ``error`` when the compiled program runs."""
    details = type(error).__name__, error.message, error.label, error.hint
    call_back(Deed("repeat", details, error.span), (), may_fail=True)


def _do_repeat(deed: Deed, _: Any) -> None:
    kind, message, label, hint = deed.details
    kinds = {each.__name__: each for each in AWAITED}
    _raise_at(deed, kinds[kind](message, label=label, hint=hint))


def fail_with(build: Complaint, *values: Any) -> None:
    """Raise ``build(*values)`` when the compiled program runs, with the values that they then have.

    The error is reported at the form that is being traced.
    """
    call_back(Deed("complain", build, span_of_frame(scheme_frame())), values, may_fail=True)


def failing(build: Complaint) -> HostCall:
    """What raises ``build(value)`` when the compiled program runs and calls it with an array.

    The error is reported at the form that is being traced.
    """
    deed = Deed("complain", build, span_of_frame(scheme_frame()))
    return HostCall(deed, ("tuple", None, (TENSOR,)), [Given(0)], has_condition=False)


def _do_complain(deed: Deed, values: Any) -> None:
    _raise_at(deed, deed.details(*values))


DEEDS.update(output=_do_output, complain=_do_complain, repeat=_do_repeat)
DEEDS["raise"] = _do_raise


def _raise_at(deed: Deed, error: EshkolError) -> NoReturn:
    error._span = deed.span
    raise error


def _shown(error: SchemeError) -> tuple[str, int]:
    """How the message of an error begins, and from which on it shows the irritants."""
    for first in (0, 1):
        words = " ".join(map(write_string, error.irritants[first:]))
        if error.message.endswith(words):
            return error.message.removesuffix(words), first
    return error.message, len(error.irritants)


_INTERRUPTED = re.compile(r"^KeyboardInterrupt\b", re.MULTILINE)


@contextmanager
def failures() -> Iterator[None]:
    """Errors that compiled programs raise in this block, as errors of the user's program.

    So is Ctrl-C, which may have been pressed while JAX was about to call back.
    """
    try:
        yield
    except (jax.errors.JaxRuntimeError, RunTimeFailure) as problem:
        found = re.search(r"\(failure (\d+) of a compiled program\)", str(problem))
        raised = RAISED.pop(int(found.group(1)), None) if found else None
        if raised is None:
            if _INTERRUPTED.search(str(problem)):
                raise KeyboardInterrupt from None
            check_has_doubles(problem)
            raise
        raise raised from None


@contextmanager
def completed() -> Iterator[None]:
    """What is computed in this block has ended without a failure if it can fail.

    The backward pass of a derivative that no program contains is computed by JAX itself.
    """
    saved, PATH.may_fail = PATH.may_fail, False
    with failures():
        try:
            yield
            if PATH.may_fail:
                jax.effects_barrier()
        finally:
            PATH.may_fail = PATH.may_fail or saved


_NO_DOUBLES = re.compile(
    r"(f64|float64|double).*(unsupported|not supported|unimplemented)|"
    r"(unsupported|not supported|unimplemented).*(f64|float64|double)",
    re.I,
)


def check_has_doubles(problem: Exception) -> None:
    """Raise an error in our words if ``problem`` is that the device has no float64.

    Raises:
        StagingError: saying what to do.
    """
    if _NO_DOUBLES.search(str(problem)):
        raise StagingError(
            f"this device ({jax.default_backend()}) has no float64, the dtype of numbers that are "
            "no tensors",
            hint="compute with tensors, which are float32, instead of inexact numbers; or on the "
            "CPU: (jit f #:device 'cpu)",
        ) from None


def settle(result: Any) -> None:
    """Wait until a program that can fail has ended."""
    if not any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(result)):
        jax.block_until_ready(result)
        jax.effects_barrier()


def _is_no_failure(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, RunTimeFailure | KeyboardInterrupt)


# JAX logs whatever a callback raises; what the user sees is the error itself.
logging.getLogger("jax._src.debugging").addFilter(_is_no_failure)


# ---- effects of primitives that are passed around


def _with_effects(runtime: Callable[..., Any], primitive: Any) -> Callable[..., Any]:
    def staged_primitive(*arguments: Any, **options: Any) -> Any:
        return runtime(primitive, *arguments, **options)

    staged_primitive.__name__ = primitive.__name__
    return staged_primitive


def install(runtimes: dict[str, Callable[..., Any]]) -> None:
    """Let ``staged`` find what stands for each primitive with effects in staged code.

    Args:
        runtimes: the functions of the staging runtime by their hidden names.
    """
    known = builtin_namespace()
    for name, hidden in EFFECTS.items():
        function: Any = known.get(name)
        if function is not None:
            function.eshkol_staged = _with_effects(runtimes[hidden], function)
