"""The node classes of Core.

A program is a tree of frozen nodes, each with the span of the form it came from. Variables are
objects compared by identity, so names never clash. ``SetLocal`` occurs before assignment
conversion only; ``MakeBox``, ``BoxRef`` and ``BoxSet`` after it only; ``Loop`` and ``Continue``
come from loop recognition.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eshkol.base.spans import Span


class Variable:
    """A local variable; its name is for people."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


class Formal(Variable):
    """A variable whose value comes from the caller of a procedure."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """What all Core nodes have."""

    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Const(Node):
    """A constant, quoted data included."""

    value: Any


@dataclass(frozen=True, slots=True, eq=False)
class LocalRef(Node):
    """The value of a local variable."""

    variable: Variable


@dataclass(frozen=True, slots=True, eq=False)
class GlobalRef(Node):
    """The value of a top-level variable or a primitive."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Parameter:
    """A parameter; one with a default is optional, its default evaluated at each call.

    One with a keyword is given by that name only; such come last.
    """

    variable: Variable
    default: Node | None = None
    keyword: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Lambda(Node):
    """A procedure."""

    name: str
    parameters: tuple[Parameter, ...]
    rest: Variable | None
    body: Node
    documentation: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Let(Node):
    """Bind variables, whose values are computed outside their scope, in ``body``."""

    variables: tuple[Variable, ...]
    values: tuple[Node, ...]
    body: Node


@dataclass(frozen=True, slots=True, eq=False)
class Letrec(Node):
    """``letrec*``: bind variables in order, each value in the scope of all of them."""

    variables: tuple[Variable, ...]
    values: tuple[Node, ...]
    body: Node


@dataclass(frozen=True, slots=True, eq=False)
class If(Node):
    """A conditional."""

    test: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True, eq=False)
class Sequence(Node):
    """Evaluate all, give the value of the last (at least one)."""

    steps: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Call(Node):
    """Call a procedure with positional and keyword arguments."""

    procedure: Node
    arguments: tuple[Node, ...]
    keywords: tuple[tuple[str, Node], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class SetLocal(Node):
    """Assign a local variable."""

    variable: Variable
    value: Node


@dataclass(frozen=True, slots=True, eq=False)
class SetGlobal(Node):
    """Assign a top-level variable that exists."""

    name: str
    value: Node


@dataclass(frozen=True, slots=True, eq=False)
class Define(Node):
    """Define a top-level variable (only at top level)."""

    name: str
    value: Node


@dataclass(frozen=True, slots=True, eq=False)
class MakeBox(Node):
    """A fresh box that holds a value."""

    value: Node


@dataclass(frozen=True, slots=True, eq=False)
class BoxRef(Node):
    """The value in the box that a variable holds."""

    variable: Variable


@dataclass(frozen=True, slots=True, eq=False)
class BoxSet(Node):
    """Put a value into the box that a variable holds."""

    variable: Variable
    value: Node


class Label:
    """Names a loop; ``Continue`` refers to it.

    Attributes:
        name: for people.
        is_procedure: whether the loop is all that a procedure does, which goes on with itself.
    """

    __slots__ = ("is_procedure", "name")

    def __init__(self, name: str, is_procedure: bool = False) -> None:
        self.name = name
        self.is_procedure = is_procedure

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, eq=False)
class Loop(Node):
    """Bind variables and evaluate ``body``, again whenever its tail is a ``Continue`` of it."""

    label: Label
    variables: tuple[Variable, ...]
    values: tuple[Node, ...]
    body: Node


@dataclass(frozen=True, slots=True, eq=False)
class Continue(Node):
    """Go on with the next trip of an enclosing loop (only in its tail position)."""

    label: Label
    arguments: tuple[Node, ...]
