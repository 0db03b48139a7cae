"""The equations of a jaxpr and the forms of the program that they come from."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

from jax import lax

from eshkol.base import sources
from eshkol.base.sources import PACKAGE
from eshkol.base.spans import Span
from eshkol.core.nodes import Lambda
from eshkol.runtime.foreign import LIBRARIES
from eshkol.xla._compat import ClosedJaxpr, Jaxpr

_LIBRARY = os.path.dirname(os.path.dirname(os.path.abspath(sources.__file__))) + os.sep

Shown = Callable[[str], bool]
"""Whether forms of a file are shown to the user."""


def is_program(file: str) -> bool:
    """Whether a file is the user's: a Scheme source that is not one of the language's own."""
    return sources.is_source(file) and not file.startswith(_LIBRARY)


def shown_files(main: Lambda | None) -> Shown:
    """The files of the user's program, and that of the procedure that is looked at."""
    own = "" if main is None else main.span.file
    return lambda file: is_program(file) or (file == own and sources.is_source(file))


class Positions:
    """Finds forms by code objects and instructions, and remembers them.

    Args:
        is_shown: whether forms of a file count; where they don't, the form that calls does.
        outermost: the code of the function that had the program traced: forms that call it don't
            belong to the program.
    """

    def __init__(self, is_shown: Shown = is_program, outermost: CodeType | None = None) -> None:
        self.is_shown = is_shown
        self.outermost = outermost
        self._spans: dict[tuple[CodeType, int], Span | None] = {}
        self._codes: dict[CodeType, bool] = {}

    def counts(self, code: CodeType) -> bool:
        """Whether ``code`` belongs to a file whose forms count."""
        known = self._codes.get(code)
        if known is None:
            known = self._codes[code] = self.is_shown(code.co_filename)
        return known

    def at(self, code: CodeType, instruction: int) -> Span | None:
        """The form of an instruction."""
        key = code, instruction
        if key not in self._spans:
            self._spans[key] = sources.span_at(code, instruction)
        return self._spans[key]

    def of_frame(self, frame: Any) -> Span | None:
        """The innermost form that counts, from a frame outwards."""
        while frame is not None and frame.f_code is not self.outermost:
            if self.counts(frame.f_code):
                return self.at(frame.f_code, frame.f_lasti)
            frame = frame.f_back
        return None

    def of_equation(self, equation: Any) -> Span | None:
        """The form that an equation was traced at."""
        return self._innermost(equation, self.counts)

    def of_python(self, equation: Any) -> Span | None:
        """The expression of a Python function that an equation was traced at."""
        return self._innermost(equation, _is_users)

    def _innermost(self, equation: Any, counts: Callable[[CodeType], bool]) -> Span | None:
        traceback = equation.source_info.traceback
        if traceback is None:
            return None
        for code, instruction in zip(*traceback.raw_frames(), strict=True):
            if code is self.outermost:
                break
            if counts(code):
                return self.at(code, instruction)
        return None


def _is_users(code: CodeType) -> bool:
    """Whether a Python function belongs neither to us nor to a library under us."""
    return not code.co_filename.startswith((PACKAGE, *LIBRARIES))


def is_backward(equation: Any) -> bool:
    """Whether an equation belongs to the backward pass of a derivative."""
    return "transpose" in str(equation.source_info.name_stack)


def is_derived(equation: Any) -> bool:
    """Whether an equation, or those inside of it, belong to a derivative."""
    return "jvp" in str(equation.source_info.name_stack)


def is_of_rule(equation: Any) -> bool:
    """Whether the rule of a derivative made an equation that belongs to one, such as the
    ``0.5 / (sqrt x)`` of ``(sqrt x)``, rather than the procedure that is differentiated.

    The Python functions tell that were running: the rule binds its primitives inside of JAX's
    differentiation; in a jaxpr that is differentiated as a whole only those that bound the
    primitive which has the rule are known.
    """
    traceback = equation.source_info.traceback
    if traceback is None:
        return False
    codes = traceback.raw_frames()[0]
    binding = next((i for i, code in enumerate(codes) if code.co_name == "bind"), None)
    if binding is None or binding + 1 >= len(codes):
        return False
    binder = codes[binding + 1]
    if binder.co_filename.endswith(_DIFFERENTIATION):
        return False
    if any(code.co_filename.endswith(_DIFFERENTIATION) for code in codes[binding + 1 :]):
        return True
    bound = binder.co_name.removeprefix("_")
    return bound != equation.primitive.name and hasattr(lax, f"{bound}_p")


_DIFFERENTIATION = os.path.join("interpreters", "ad.py")


def inner_jaxprs(equation: Any) -> Iterator[tuple[str, Jaxpr]]:
    """The jaxprs among the parameters of an equation, and the names of the parameters."""
    for name, value in equation.params.items():
        for each in value if isinstance(value, tuple | list) else (value,):
            if isinstance(each, ClosedJaxpr):
                yield name, each.jaxpr
            elif isinstance(each, Jaxpr):
                yield name, each
