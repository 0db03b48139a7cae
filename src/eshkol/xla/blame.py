"""``blame``: the form, trip and pass that made the first NaN or infinity of a result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from eshkol.base import sources
from eshkol.base.errors import EshkolError, WrongType, excerpt
from eshkol.base.spans import Span
from eshkol.datum.write import short_string, write_string
from eshkol.primitives.calling import check_eager
from eshkol.reader import read_all
from eshkol.syntax.objects import to_datum
from eshkol.xla.compilations import leaf_labels
from eshkol.xla.dtypes import wide
from eshkol.xla.equations import Positions, inner_jaxprs, is_backward, shown_files
from eshkol.xla.jit import Jitted, main_procedure
from eshkol.xla.notes import told_to
from eshkol.xla.origins import Origin, Place, Search, Trip, is_bad
from eshkol.xla.silence import silenced
from eshkol.xla.staging_record import Heard
from eshkol.xla.tensors import describe


@dataclass(frozen=True)
class Operand:
    """A value that went into the operation, or came out of it.

    Attributes:
        label: the text of the argument; empty if it is not known.
        type: dtype and shape, ``f32[3]``.
        least: the least finite number, None if there is none.
        greatest: the greatest finite number, None if there is none.
        bad: how many numbers are not finite.
        size: how many numbers it has.
        first_bad: the index of the first of those.
    """

    label: str
    type: str
    least: float | None
    greatest: float | None
    bad: int
    size: int
    first_bad: tuple[int, ...] | None


@dataclass(repr=False)
class Blame:
    """What made the first number of a result that is not finite. It prints as text.

    Attributes:
        name: of the procedure.
        found: whether a result is not finite because of a form or an argument.
        kind: ``NaN`` or ``Inf``; empty if nothing was found.
        span: the form, or expression of a Python function, that made it; None for an argument.
        label: the argument that brought it; empty for a form.
        phase: the pass: ``forward``, ``backward``, or ``derivative`` of a derivative that goes
            forward.
        operation: the name of the JAX primitive that the form became.
        trips: of the loops around, the outermost first.
        operands: what the operation was given.
        results: what it gave.
        nan_span: the form that made a NaN of an infinity, if one did.
        inner_span: the form of a library that the form led to, if it did.
    """

    name: str
    found: bool = False
    kind: str = ""
    span: Span | None = None
    label: str = ""
    phase: str = ""
    operation: str = ""
    trips: tuple[Trip, ...] = ()
    operands: Sequence[Operand] = ()
    results: Sequence[Operand] = ()
    nan_span: Span | None = None
    inner_span: Span | None = None

    @property
    def source(self) -> str:
        """The text of the form; empty if there is none."""
        return "" if self.span is None else sources.text_of(self.span)

    @property
    def line(self) -> int | None:
        """The line on which the form begins."""
        return None if self.span is None else self.span.line

    def __str__(self) -> str:
        return "\n".join(_text(self))

    __repr__ = __scheme_report__ = __str__


def blame(function: Any, *arguments: Any, **options: Any) -> Blame:
    """What made the first NaN or infinity in the value of a call.

    Args:
        function: a jitted procedure, or one that is not; its gradient, to look at both passes.
        arguments: of the call.
        options: of the call.

    Raises:
        WrongType: if ``function`` can't be called.
        StagingError: while a program is compiled.
    """
    check_eager("blame")
    if not callable(function):
        raise WrongType(f"blame: expected a procedure, got {short_string(function)}")
    jitted = getattr(function, "eshkol_jit", None) or Jitted(function)
    entry, leaves = jitted.entry(arguments, options)
    positions = Positions(shown_files(main_procedure(jitted)), blame.__code__)
    program = entry.renewed()
    heard = Heard(positions)
    with told_to(heard):
        jaxpr, arrays = program.traced([*jitted.front, *entry.lifted, *leaves])
    labels = leaf_labels(program.procedure, program.reach, program.arguments)
    with wide():
        search = Search(positions, heard.unrolled, has_backward_pass(jaxpr.jaxpr))
        given = [jnp.asarray(array) for array in arrays]
        known = [
            _brought(search, labels[index], value) if any(is_bad(value)) else None
            for index, value in enumerate(given)
        ]
        values, origins = search.closed(silenced(jaxpr), given, known, Place())
        found = [origin for origin in origins if origin is not None]
        if not found:
            return Blame(jitted.name)
        has_nan = any(is_bad(value)[1] for value in values)
        return _blame(jitted.name, min(found, key=lambda origin: origin.order), has_nan)


def form_of(found: Any) -> Any:
    """The text of the form that was found; false if there is none."""
    if not isinstance(found, Blame):
        raise WrongType(
            f"blamed-form: expected what blame gives, got {short_string(found)}",
            hint="(blame procedure argument …) gives it",
        )
    return found.source or False


def has_backward_pass(jaxpr: Any) -> bool:
    """Whether a program goes backwards anywhere."""
    return any(
        is_backward(equation)
        or equation.primitive.name in ("loop_adjoint", "loop_curvature")
        or any(has_backward_pass(inner) for _, inner in inner_jaxprs(equation))
        for equation in jaxpr.eqns
    )


def _brought(search: Search, label: str, value: Any) -> Origin:
    """The origin of an argument that is not finite."""
    return Origin(
        search.order(), None, "", label, is_nan=is_bad(value)[1], values=lambda: ([], [value])
    )


def _blame(name: str, origin: Origin, has_nan: bool) -> Blame:
    """What is told of an origin; ``has_nan``: whether the value of the call holds a NaN."""
    operands, results = origin.values()
    is_nan = origin.is_nan
    if not has_nan and any(np.isinf(np.asarray(value)).any() for value in results):
        is_nan = False  # it made both, of which the infinity came through
    labels = _labels(origin, operands)
    return Blame(
        name,
        True,
        "NaN" if is_nan else "Inf",
        origin.span,
        origin.label,
        origin.phase,
        origin.operation,
        origin.trips,
        [_operand(label, value) for label, value in zip(labels, operands, strict=True)],
        [_operand("", value) for value in results],
        origin.nan_span,
        origin.inner_span,
    )


def _operand(label: str, value: Any) -> Operand:
    array = np.asarray(value)
    words = describe(value) if hasattr(value, "dtype") else describe(jnp.asarray(value))
    numbers = array.astype(np.float64) if array.dtype.kind not in "fciub" else array
    if numbers.dtype.kind not in "fiu":
        return Operand(label, words, None, None, 0, array.size, None)
    finite = numbers[np.isfinite(numbers)]
    wrong = np.argwhere(~np.isfinite(numbers))
    first = tuple(int(index) for index in wrong[0]) if len(wrong) else None
    least, greatest = (finite.min().item(), finite.max().item()) if finite.size else (None, None)
    return Operand(label, words, least, greatest, len(wrong), array.size, first)


def _labels(origin: Origin, operands: Sequence[Any]) -> list[str]:
    """The texts of the arguments of the form, where the operation has the same."""
    unknown = [""] * len(operands)
    span = origin.inner_span or origin.span
    if span is None or origin.phase != "forward" or not origin.are_arguments:
        return unknown
    try:
        (form,) = read_all(sources.text_of(span), "<form>")
    except (EshkolError, ValueError):
        return unknown
    parts = form.parts[1:] if form.is_list else ()
    if len(parts) != len(operands):
        return unknown
    for part, value in zip(parts, operands, strict=True):
        number = part.datum
        is_number = number.__class__ in (int, float)
        if is_number and not (np.shape(value) == () and float(np.asarray(value)) == number):
            return unknown  # the operation takes them in another order
    return [write_string(to_datum(part)) for part in parts]


# ---- in words


def _text(found: Blame) -> Iterator[str]:
    if not found.found:
        yield f"{found.name}: no form made a NaN or an infinity that reaches the result"
        return
    thing = {"NaN": "a NaN", "Inf": "an infinity"}[found.kind]
    if found.label:
        yield f"{found.name}: {found.label} holds {thing} already"
    else:
        by = "made" if found.span is None else f"{found.span}: {_short(found.span)} made"
        where = "derivative" if found.phase == "derivative" else f"{found.phase} pass"
        yield f"{by} {thing} in the {where}"
        yield from excerpt(found.span) if found.span else ()
    if found.inner_span is not None:
        yield f"  by {_short(found.inner_span)} at {found.inner_span}"
    for trip in found.trips:
        of = f" of {trip.total:,}" if trip.total else ""
        where = f" of {_short(trip.span)} in line {trip.span.line}" if trip.span else ""
        yield f"  in trip {trip.number:,}{of}{where}"
    width = max((len(each.label) for each in found.operands), default=0)
    for each in found.operands:
        yield f"  from {each.label:<{width}} {_words(each)}".replace("from  ", "from ")
    for each in found.results:
        yield f"  {'it is' if found.label else 'gave'} {_words(each)}"
    if found.nan_span is not None:
        yield f"  which became a NaN in {_short(found.nan_span)} in line {found.nan_span.line}"


def _short(span: Span) -> str:
    words = " ".join(sources.text_of(span).split())
    return words if len(words) <= LONGEST else words[: LONGEST - 1] + "…"


LONGEST = 40
"""So many characters of a form are shown in a line."""


def _words(each: Operand) -> str:
    words = [each.type]
    if each.least is not None and each.least == each.greatest:
        words.append(f"{each.least:.6g}")
    elif each.least is not None:
        words.append(f"from {each.least:.6g} to {each.greatest:.6g}")
    if each.bad and each.size > 1:
        words.append(f"{each.bad:,} of {each.size:,} not finite, the first at {each.first_bad}")
    elif each.bad:
        words.append("not finite")
    return ", ".join(words)
