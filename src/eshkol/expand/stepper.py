"""What macros make of a program, step by step.

Each use of a macro is one step, from the form to what the macro gave for it, in the order in which
the expander comes to them: a form before its parts. The forms of the language that are made of
others, such as ``match``, are steps too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from eshkol.base.spans import Span
from eshkol.core.nodes import Node
from eshkol.datum.write import write_string
from eshkol.expand.expander import Expander
from eshkol.expand.scopes import Macro, resolve
from eshkol.syntax.objects import Syntax, to_datum


class Step(NamedTuple):
    """The use of a macro.

    Attributes:
        macro: its name.
        before: the use, as data.
        after: what the macro gave for it, as data.
        span: where the use is, or what it comes from.
    """

    macro: str
    before: Any
    after: Any
    span: Span

    def __str__(self) -> str:
        return f"{self.macro}: {write_string(self.before)}\n  → {write_string(self.after)}"


def expand_in_steps(
    expander: Expander, forms: Iterable[Syntax]
) -> tuple[list[Step], list[Node], Exception | None]:
    """Expand top-level forms as they come from the reader, and note each use of a macro.

    Args:
        expander: what the forms define stays known to it.
        forms: the program.

    Returns:
        The steps, the Core, and the error that the expansion ended with, if it did.

    Example:
        >>> from eshkol.session import Session
        >>> from eshkol.reader import read_all
        >>> steps, _, _ = expand_in_steps(Session().expander, read_all("(-> x f (g 1))"))
        >>> print(steps[0])
        ->: (-> x f (g 1))
          → (g (f x) 1)
    """
    steps: list[Step] = []

    def note(macro: str, before: Syntax, after: Syntax) -> None:
        steps.append(Step(macro, to_datum(before), to_datum(after), before.span))

    expander.note_step = note
    try:
        return steps, expander.expand_program(forms), None
    except Exception as error:
        return steps, [], error
    finally:
        expander.note_step = None


def print_steps(expander: Expander, forms: Iterable[Syntax]) -> None:
    """Expand a program and print its steps.

    Raises:
        EshkolError: that the expansion ended with, after the steps before it are printed.
    """
    steps, _, error = expand_in_steps(expander, forms)
    for step in steps:
        print(f"{step.span}: {step}")
    if not steps and error is None:
        print("; no macro is used here")
    if error is not None:
        raise error


def expand_once(expander: Expander, form: Syntax) -> Syntax:
    """``form``, part of the expander's module, after one use of the macro at its head, if any."""
    head = form.parts[0] if form.is_list and form.datum else form
    binding = resolve(head) if head.is_identifier and head is not form else None
    return expander.apply_macro(binding, form) if isinstance(binding, Macro) else form


def expand_fully(expander: Expander, form: Syntax) -> Syntax:
    """``form``, part of the expander's module, until no macro stands at its head."""
    return form if form.is_identifier else expander.expand_head(form)[0]
