"""Datum labels: ``#0=datum`` names a datum, ``#0#`` stands for it (R7RS section 2.4).

A label in code is an abbreviation: each reference gives the labelled syntax again. Where identity
can be seen, in quoted data and in data that contains itself, the labelled syntax becomes one plain
Scheme datum, an atom to all who take syntax apart.
"""

from __future__ import annotations

from typing import Any

from eshkol.base.errors import ReadError
from eshkol.base.spans import Span
from eshkol.datum.pairs import NIL, Pair
from eshkol.datum.values import Vector
from eshkol.syntax.objects import Syntax, to_datum


class Placeholder:
    """Stands for a labelled datum inside itself until it has been read."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: Any = self


class Labels:
    """The labels of one outermost datum."""

    def __init__(self) -> None:
        self._known: dict[int, Syntax | Placeholder] = {}
        self.inner_references = 0

    def open(self, number: int, span: Span, is_data: bool) -> Label:
        """The label ``#number=`` at ``span``, whose datum comes next."""
        if number in self._known:
            raise ReadError(f"the label `#{number}=` is used twice in one datum", span=span)
        placeholder = self._known[number] = Placeholder()
        return Label(number, span, self, placeholder, is_data)

    def refer(self, number: int, span: Span) -> Syntax:
        """What ``#number#`` at ``span`` stands for."""
        target = self._known.get(number)
        if target is None:
            hint = f"a label is defined, earlier in the same datum, as #{number}=datum"
            raise ReadError(f"`#{number}#` refers to no label", span=span, hint=hint)
        if isinstance(target, Placeholder):
            self.inner_references += 1
            return Syntax(target, span)
        return Syntax(target.datum, span)

    def define(self, number: int, target: Syntax) -> None:
        """Let ``#number#`` stand for ``target`` from now on."""
        self._known[number] = target


class Label:
    """A label that waits for its datum."""

    __slots__ = ("_is_data", "_labels", "_number", "_placeholder", "_references", "opener", "span")
    takes_one = True

    def __init__(
        self, number: int, span: Span, labels: Labels, placeholder: Placeholder, is_data: bool
    ) -> None:
        self.opener = f"#{number}="
        self.span = span
        self._number = number
        self._labels = labels
        self._placeholder = placeholder
        self._is_data = is_data
        self._references = labels.inner_references

    def finish(self, datum: Syntax) -> Syntax:
        """The datum, which the label names from now on."""
        if datum.datum is self._placeholder:
            message = f"`{self.opener}` labels nothing but its own reference"
            raise ReadError(message, span=self.span.to(datum.span))
        is_circular = self._labels.inner_references > self._references
        if is_circular or self._is_data:
            value = self._placeholder.value = to_datum(datum)
            if is_circular:
                fill(value)
            if value is not NIL:
                datum = Syntax(value, datum.span)
        self._labels.define(self._number, datum)
        return datum


def fill(root: Any) -> None:
    """Put the values of the placeholders whose values are known in their places in ``root``."""
    seen: set[int] = set()
    stack = [root]
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if node.__class__ is Pair:
            node.car, node.cdr = _value(node.car), _value(node.cdr)
            stack += (node.car, node.cdr)
        elif node.__class__ is Vector:
            node[:] = map(_value, node)
            stack += node


def _value(part: Any) -> Any:
    return part.value if part.__class__ is Placeholder else part
