"""What eager code knows of numbers before it runs: which variables hold ints, which floats.

A variable never changes after assignment conversion, so what it is bound to says what it holds;
loop variables hold ints if they start as ints and every trip gives ints. Where the variables that
a body computes with are unknown, it is worth asking once whether they are ints, and to have the
body twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from eshkol.core.nodes import (
    Call,
    Const,
    Continue,
    GlobalRef,
    If,
    Lambda,
    Let,
    Letrec,
    LocalRef,
    Loop,
    Node,
    Sequence,
    Variable,
)
from eshkol.core.walk import bound_variables, children, everything

INT, FLOAT = " int", " float"
"""Kinds are the hidden names of the Python classes."""

CLOSED = frozenset("+ - *".split())
"""Operations that give an int for ints and a float for floats."""

COMPARED = frozenset("= < > <= >=".split())

INTEGER_RESULT = frozenset("quotient remainder modulo".split())

DIVIDED = INTEGER_RESULT | {"/"}

EXACT_IN_FLOATS = 2**53

ROUNDS = 4
"""How often what is expected of some variables may tell what to expect of others."""

MOST_LEVELS = 10
"""It is asked of every expression what is known of it, so not the whole of it is looked at."""

MOST_NODES = 150
"""A body of more nodes is not had twice."""


class Kinds:
    """What is known of variables while one Python function is emitted."""

    def __init__(self, is_primitive: Callable[[Node], bool]) -> None:
        self.known: dict[Variable, str] = {}
        self._is_primitive = is_primitive

    def of(self, node: Node, within: int = MOST_LEVELS) -> str | None:
        """The kind of the value of ``node``; None if it is not known.

        Args:
            node: an expression.
            within: how many expressions inside one another are looked at.
        """
        if not within:
            return None
        match node:
            case Const():
                return kind_of_constant(node)
            case LocalRef():
                return self.known.get(node.variable)
            case If():
                then = self.of(node.then, within - 1)
                same = then is not None and then == self.of(node.otherwise, within - 1)
                return then if same else None
            case Let() | Letrec():
                return self.of(node.body, within - 1)
            case Sequence():
                return self.of(node.steps[-1], within - 1)
            case Call(procedure=GlobalRef(name=name), arguments=(left, right)):
                if self._is_primitive(node.procedure):
                    return self._of_operation(name, left, right, within - 1)
        return None

    def _of_operation(self, name: str, left: Node, right: Node, within: int) -> str | None:
        if name not in CLOSED and name not in DIVIDED:
            return None
        kinds = {self.of(left, within), self.of(right, within)}
        if kinds == {INT}:
            return None if name == "/" else INT
        if name not in INTEGER_RESULT and FLOAT in kinds and None not in kinds:
            return FLOAT
        return None

    def bind(self, variable: Variable, value: Node) -> None:
        """Note what a variable is bound to."""
        self.note(variable, self.of(value))

    def note(self, variable: Variable, kind: str | None) -> None:
        """Note what a variable holds; None if that is not known."""
        if kind is None:
            self.known.pop(variable, None)
        else:
            self.known[variable] = kind

    def enter(self, loop: Loop) -> None:
        """Find out what the variables of a loop hold in every trip."""
        kinds = {
            variable: self.of(value)
            for variable, value in zip(loop.variables, loop.values, strict=True)
        }
        settled = False
        while not settled:
            for variable, kind in kinds.items():
                self.note(variable, kind)
            self._note_inner(loop.body)
            settled = True
            for trip in _trips(loop):
                for variable, value in zip(loop.variables, trip.arguments, strict=True):
                    if kinds[variable] is not None and self.of(value) != kinds[variable]:
                        kinds[variable] = None
                        settled = False

    def _note_inner(self, node: Node) -> None:
        """Note what the variables bound in ``node`` hold, those of its procedures left out."""
        match node:
            case Lambda():
                return
            case Let() | Letrec():
                for variable, value in zip(node.variables, node.values, strict=True):
                    self._note_inner(value)
                    self.bind(variable, value)
                self._note_inner(node.body)
            case Loop():
                for value in node.values:
                    self._note_inner(value)
                self.enter(node)
            case _:
                for child in children(node):
                    self._note_inner(child)

    def worth_asking(self, body: Node) -> dict[Variable, str]:
        """The variables of which it pays to ask what they hold before ``body``, and what.

        A variable that meets an int is expected to hold one, likewise a float; variables that
        meet are expected to hold the same.
        """
        if not _is_small(body):
            return {}
        saved = dict(self.known)
        bound = {v for part in everything(body) for v in bound_variables(part)}
        operations = list(self._computed(body))
        expected: dict[Variable, str] = {}
        rejected: set[Variable] = set()
        for _ in range(ROUNDS):
            self._note_inner(body)
            for pair in operations:
                for node, other in (pair, pair[::-1]):
                    kind = self.of(other)
                    if kind is None or not isinstance(node, LocalRef) or node.variable in bound:
                        continue
                    if node.variable in saved or (
                        is_small_constant(other) and node.variable in expected
                    ):
                        continue
                    if expected.setdefault(node.variable, kind) != kind:
                        rejected.add(node.variable)
                    else:
                        self.known[node.variable] = kind
        self.known = saved
        asked = {v: kind for v, kind in expected.items() if v not in rejected}
        return asked if len(asked) < len(operations) else {}

    def _computed(self, body: Node) -> Iterator[tuple[Node, Node]]:
        """The operands of arithmetic and comparisons in ``body``."""
        stack = [body]
        while stack:
            node = stack.pop()
            match node:
                case Call(procedure=GlobalRef(name=name), arguments=(left, right)):
                    is_computed = name in CLOSED or name in COMPARED or name in DIVIDED
                    if is_computed and self._is_primitive(node.procedure):
                        yield left, right
            stack.extend(children(node))


def kind_of_constant(node: Const) -> str | None:
    """The kind of a constant; an int that no float equals has none, since it mixes with none."""
    if node.value.__class__ is int:
        return INT
    return FLOAT if node.value.__class__ is float else None


def is_small_constant(node: Node) -> bool:
    """Whether ``node`` is an exact constant that can be added to every int and every float."""
    return (
        isinstance(node, Const)
        and node.value.__class__ is int
        and abs(node.value) < EXACT_IN_FLOATS
    )


def _trips(loop: Loop) -> Iterator[Continue]:
    """Where the loop goes on."""
    stack: list[Node] = [loop.body]
    while stack:
        node = stack.pop()
        if isinstance(node, Continue) and node.label is loop.label:
            yield node
        stack.extend(children(node))


def _is_small(body: Node) -> bool:
    """Whether ``body`` may be had twice: it makes no procedures, has no loops, and is short."""
    count = 0
    stack = [body]
    while stack:
        node = stack.pop()
        count += 1
        if isinstance(node, Lambda | Loop) or count > MOST_NODES:
            return False
        stack.extend(children(node))
    return True
