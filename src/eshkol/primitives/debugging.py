"""Looking into programs: ``explain``, ``blame``, ``debug-print`` and ``breakpoint``."""

from __future__ import annotations

import string
import sys
from fractions import Fraction
from typing import Any

from eshkol.autodiff import primal
from eshkol.base.errors import BadValue
from eshkol.base.frames import scheme_frame
from eshkol.datum.values import UNSPECIFIED, MutableString
from eshkol.datum.variables import value_of
from eshkol.datum.write import display_string, short_string
from eshkol.primitives.calling import DIALECT
from eshkol.primitives.declare import load, primitive, tensor_primitive
from eshkol.primitives.output import emit

_HINT = (
    '(debug-print "x is {} and y {y:.3f}" x #:y y) fills the braces in; a label without braces '
    "comes before the values"
)


@primitive("debug-print")
def debug_print(label: Any, *values: Any, **named: Any) -> Any:
    """Show a line with values, in eager and in compiled code, where it prints as the program runs.

    In compiled code the line appears whenever the form is reached, with the values of that run;
    under ``vmap`` once for each lane, in a gradient once, on the way forward. Lines come in the
    order of the program.

    Args:
        label: a text. Its ``{}``, ``{0}``, ``{name}`` are filled with the values, numbers also by
            Python's format: ``{:.3f}``. A text without braces, or any other value, comes before
            the values.
        values: anything.
        named: values of ``{name}``.

    Returns:
        The last of the values, so that any form can be wrapped where it stands; without values
        the unspecified value.

    Raises:
        BadValue: if the braces and the values don't fit.

    Example: ``(* 2 (debug-print "x is {}" 3))`` ⇒ ``6``; it shows ``x is 3``.
    """
    template = _template(label, values, named)
    if _is_traced((values, named)):
        load("eshkol.xla.debugging:print_later")(template, label, *values, **named)
    else:
        show_values(template, label, *values, **named)
    return values[-1] if values else UNSPECIFIED


def _is_traced(values: Any) -> bool:
    """Whether there are values that only a run of the compiled program will have."""
    if DIALECT.resolve is not None:
        return True
    return "jax" in sys.modules and load("eshkol.xla.debugging:is_traced")(values)


def _template(label: Any, values: tuple[Any, ...], named: dict[str, Any]) -> str:
    """The label if it is a text with braces, which must fit the values; else nothing."""
    text = display_string(label) if isinstance(label, str | MutableString) else ""
    if "{" not in text:
        if named:
            shown = next(iter(named)).replace("_", "-")
            raise BadValue(f"debug-print: the label has no place for #:{shown}", hint=_HINT)
        return ""
    try:
        fields = [field for _, field, _, _ in string.Formatter().parse(text) if field is not None]
    except ValueError:
        raise BadValue("debug-print: the braces of the label don't match", hint=_HINT) from None
    for field in filter(None, fields):
        if field.replace("-", "_") not in named and not _is_index(field, values):
            raise BadValue(f"debug-print: there is no value for {{{field}}}", hint=_HINT)
    count = fields.count("")
    if count and any(field.isdigit() for field in fields):
        raise BadValue("debug-print: places are numbered all or not at all", hint=_HINT)
    if count > len(values) or (not count and values and not any(map(str.isdigit, fields))):
        s = "s" * (count != 1)
        raise BadValue(f"debug-print: {count} place{s} for {len(values)} values", hint=_HINT)
    _fill(text, _Sample, values, named)
    return text


def _is_index(field: str, values: tuple[Any, ...]) -> bool:
    return field.isdigit() and int(field) < len(values)


class _Shown:
    """A value in a template."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __format__(self, form: str) -> str:
        """The value as ``display`` shows it, or its numbers in Python's format."""
        number = _plain_number(self.value) if form else None
        if hasattr(number, "shape"):
            import numpy as np

            written: Any = {"all": lambda number: format(number, form)}
            return np.array2string(np.asarray(number), formatter=written)
        return format(display_string(self.value) if number is None else number, form)


def _plain_number(value: Any) -> Any:
    """The number or array that Python's formats are for; None if it is neither."""
    value = primal(value_of(value))
    if isinstance(value, Fraction):
        return float(value)
    return value if isinstance(value, int | float | complex) or hasattr(value, "shape") else None


class _Sample(_Shown):
    """A value in a template, of which only its kind may be known yet.

    Raises:
        BadValue: where it is formatted, if what it is has no such format.
    """

    def __format__(self, form: str) -> str:
        value = _plain_number(self.value)
        if hasattr(value, "dtype"):
            value = {"b": True, "i": 1, "u": 1, "c": 1j}.get(value.dtype.kind, 1.5)
        try:
            return format("" if value is None else value, form)
        except ValueError:
            shown = "a text" if value is None else f"a number like {short_string(value)}"
            raise BadValue(
                f"debug-print: {{:{form}}} is no format of {shown}",
                hint="the formats are Python's: {:.3f} or {:10.2e} for numbers, {:d} for exact "
                "integers, {:>10} for all else",
            ) from None


def _fill(template: str, kind: type[_Shown], values: tuple[Any, ...], named: dict[str, Any]) -> str:
    """The template with its braces filled in by values of a kind."""
    fields = {name.replace("_", "-"): kind(value) for name, value in named.items()}
    fields |= {name: kind(value) for name, value in named.items()}
    return template.format(*map(kind, values), **fields)


def show_values(template: str, label: Any, *values: Any, **named: Any) -> None:
    """Print the line of a ``debug-print`` whose label is this template, or none if it is empty."""
    if template:
        text = _fill(template, _Shown, values, named)
    else:
        text = " ".join(map(display_string, (label, *values)))
    emit("debug-print", text + "\n")


# ---- explanations


@tensor_primitive("explain", at="eshkol.xla.explanation:explain")
def explain(function, *arguments, **options):
    """How a call of a procedure is compiled: its source with notes in the margin.

    For each form it tells whether it was traced or known when the program was compiled, whether
    a conditional became a choice at run time or was followed, and whether a loop was unrolled (how
    often), compiled once for a known number of trips, or ends by a traced test; which arguments
    became static, and the forms that need their values; what the last compilation of a jitted
    procedure was caused by, and whether this call would compile again; and what share of the
    operations each line has, by an estimate. Nothing is compiled or run.

    Args:
        function: a jitted procedure, or another one, which is explained as if it were jitted.
        arguments: of the call.
        options: keyword arguments of the call.

    Returns:
        An explanation, which prints as text, or as coloured source in a notebook. For programs
        there is ``explanation-notes``.

    Raises:
        StagingError: while a program is compiled; any error of the procedure.

    Example: ``(map cadr (explanation-notes (explain (lambda (x) (if (> x 0) x 1.0)) 2.0)))`` ⇒
        ``("(if (> x 0) x 1.0)")``.
    """


@tensor_primitive("explanation-notes", at="eshkol.xla.explanation:notes_of")
def explanation_notes(explanation):
    """The notes of an explanation as a list of ``(kind form line words)``, by place.

    The kinds are ``followed``, ``unused``, ``cond``, ``select`` and ``agreed`` of conditionals;
    ``unrolled``, ``scan`` and ``loop`` of loops; ``static`` and ``counter`` of forms that need the
    value of an argument or of a loop's counter; ``stack``, ``vmap`` and ``gradient``.

    Example: ``(caar (explanation-notes (explain (lambda (x) (if (> x 0) x 1.0)) 2.0)))`` ⇒
        ``select``.
    """


# ---- numbers that are not finite


@tensor_primitive("blame", at="eshkol.xla.blame:blame")
def blame(function, *arguments, **options):
    """The form that made the first NaN or infinity in the value of a call.

    The call is computed as compiled code would, with a look at every result. A number that is not
    finite counts if it reaches the value of the call: what ``where`` leaves out does not. To look
    at the backward pass, blame the gradient: ``(blame (gradient loss) model)``.

    Args:
        function: a jitted procedure, or another one.
        arguments: of the call.
        options: keyword arguments of the call.

    Returns:
        What was found. It prints as the form with carets, whether it happened in the forward or
        the backward pass, in which trips of the loops around, and the ranges of the numbers that
        went in and came out. ``blamed-form`` gives the text of the form.

    Raises:
        StagingError: while a program is compiled; any error of the procedure.

    Example: ``(blamed-form (blame (lambda (x) (* 2 (log (- x 3)))) 3.0))`` ⇒ ``"(log (- x 3))"``.
    """


@tensor_primitive("blamed-form", at="eshkol.xla.blame:form_of")
def blamed_form(found):
    """The text of the form that ``blame`` has found; ``#f`` if there is none.

    Example: ``(blamed-form (blame sqrt 4.0))`` ⇒ ``#f``.
    """


# ---- breakpoints


@primitive("breakpoint")
def breakpoint(label: Any = None) -> Any:
    """Stop here and look around, in eager and in compiled code.

    A prompt opens that shows the form and the local variables, and evaluates expressions in which
    they are visible. ``,continue`` goes on, ``,quit`` ends the program, ``,help`` tells more. In
    compiled code it opens when the program gets there, with the values of that run; under
    ``vmap`` once for each lane. At the end of the input the program goes on.

    Args:
        label: what the prompt shows beside the place; nothing if left out.
    """
    frame = scheme_frame(sys._getframe(1))
    if DIALECT.resolve is not None:
        load("eshkol.xla.debugging:stop_later")(label, frame)
    else:
        load("eshkol.repl.debugger:stop")(label, frame)
    return UNSPECIFIED
