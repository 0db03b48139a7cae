"""What compiled programs call in the host when they run: output, and the errors they raise.

A callback of a compiled program is a :class:`HostCall`: what is done, and the value that it is done
with, whose traced leaves are those of the run. It is data but for functions that have names, so a
process that finds the program in the store can make it again (``stored_calls``).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, NoReturn

from eshkol.base.errors import EshkolError
from eshkol.base.spans import Span
from eshkol.primitives.declare import load
from eshkol.xla.trees import Structure, unflatten

HOST_FUNCTIONS = {
    "debug-print": "eshkol.primitives.debugging:show_values",
    "derivative not found": "eshkol.primitives.integration:derivative_not_found",
    "divided by zero": "eshkol.xla.checks:divided_by_zero",
    "end not reached": "eshkol.primitives.differential_equations:not_reached",
    "index out of range": "eshkol.xla.checks:out_of_range",
    "integral not found": "eshkol.primitives.integration:not_found",
    "negative exponent": "eshkol.xla.checks:negative_exponent",
    "no integer": "eshkol.xla.checks:no_integer",
    "no sign change": "eshkol.primitives.implicit:no_sign_change",
    "not a number": "eshkol.xla.checks:not_a_number",
    "parameter outside": "eshkol.xla.draw_limits:outside_limit",
    "search not ended": "eshkol.primitives.implicit:search_not_ended",
    "too large": "eshkol.xla.checks:too_large",
}
"""The functions, beside primitives, that compiled programs may call."""


class HostFunction:
    """A function of ours that compiled programs may call, by the name that every process knows.

    Args:
        name: in ``HOST_FUNCTIONS``.
        known: the first arguments: texts and numbers.

    Raises:
        KeyError: there is no such function.
    """

    __slots__ = ("known", "name", "place")

    def __init__(self, name: str, *known: Any) -> None:
        self.name = name
        self.known = known
        self.place = HOST_FUNCTIONS[name]

    def __call__(self, *values: Any, **options: Any) -> Any:
        return load(self.place)(*self.known, *values, **options)


class Deed(NamedTuple):
    """Something that is done with a value.

    Attributes:
        kind: what, in ``DEEDS``.
        details: texts, numbers, primitives, host functions, and tuples of them.
        span: the form that asks for it.
    """

    kind: str
    details: Any
    span: Span | None = None

    def do(self, value: Any) -> None:
        DEEDS[self.kind](self, value)


DEEDS: dict[str, Callable[[Deed, Any], None]] = {}
"""What there is to do (see ``effects``)."""


class Given(NamedTuple):
    """A leaf that comes from the running program: the number of an argument."""

    number: int


# ---- errors


class RunTimeFailure(Exception):
    """Ends a compiled program; its text names the error that a callback has raised."""


_numbers = itertools.count(1)
RAISED: dict[int, BaseException] = {}
"""Errors of callbacks that have not been reported yet."""


def raise_when_run(error: BaseException) -> NoReturn:
    """End the running compiled program, whose caller then raises ``error``; for callbacks."""
    number = next(_numbers)
    RAISED[number] = error
    if isinstance(error, EshkolError):
        text = f"{error.span}: {error.message}" if error.span else error.message
    else:
        text = f"{type(error).__name__}: {error}"
    raise RunTimeFailure(f"{text} (failure {number} of a compiled program)")


# ---- callbacks


class HostCall:
    """A callback. An error that it raises ends the program, and is raised by who called that.

    Args:
        do: takes the value; of a :class:`Deed`, or of this process only.
        structure: of the value.
        leaves: of the value, known or :class:`Given`.
        has_condition: whether an argument in front tells if the program really gets here.
    """

    __slots__ = ("__weakref__", "deed", "do", "has_condition", "leaves", "structure")

    def __init__(
        self,
        do: Deed | Callable[[Any], None],
        structure: Structure,
        leaves: Sequence[Any],
        has_condition: bool,
    ) -> None:
        self.deed = do if isinstance(do, Deed) else None
        self.do = do.do if isinstance(do, Deed) else do
        self.structure = structure
        self.leaves = leaves
        self.has_condition = has_condition

    def __call__(self, *given: Any) -> None:
        if self.has_condition:
            is_taken, *given = given  # type: ignore[assignment]
            if not is_taken:
                return
        leaves = [given[x.number] if x.__class__ is Given else x for x in self.leaves]
        try:
            self.do(unflatten(self.structure, leaves))
        except BaseException as error:
            if self.deed and isinstance(error, EshkolError) and error._span is None:
                error._span = self.deed.span
            raise_when_run(error)
