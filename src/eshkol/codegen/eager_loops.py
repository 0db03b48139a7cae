"""Loops of the eager dialect: Python ``while`` and ``for`` statements.

What is expected of variables that a loop doesn't change is asked once before it, and the loop is
had twice. A loop whose trips make closures over its variables runs its body as a Python function,
so that each trip has bindings of its own.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from eshkol.base.spans import Span
from eshkol.codegen import python as py
from eshkol.codegen.counting import Counted, counted, last_step, mentions, numbers
from eshkol.codegen.emitter import RETURN, Assign, Destination, Effect, Emitter, Return, Unit
from eshkol.codegen.held_lists import accumulated, grown
from eshkol.codegen.kinds import Kinds
from eshkol.codegen.numbering import begin_run, count_trip, load_hidden, may_lead_to_draw
from eshkol.codegen.traversals import append
from eshkol.core.free import free_variables
from eshkol.core.nodes import (
    Const,
    Continue,
    If,
    Label,
    Lambda,
    Let,
    Letrec,
    LocalRef,
    Loop,
    Node,
    Sequence,
    Variable,
)
from eshkol.core.surroundings import trip_names
from eshkol.core.walk import bound_variables, children, everything


@dataclass
class Running:
    """A loop being emitted.

    ``depth`` counts the Python ``while`` statements around, in this Python function, or is None
    if the body is a function of its own. ``jumps`` are outer loops that its trips go on with.
    ``counter`` is the variable that the ``for`` statement assigns, ``trip`` the hidden ones that
    tell the trip, if the loop has any.
    """

    node: Loop
    depth: int
    is_function: bool = False
    jumps: set[Label] = field(default_factory=set)
    is_flagged: bool = False
    counter: Variable | None = None
    trip: tuple[str, str] | None = None


@dataclass(frozen=True)
class Leave(Destination):
    """The value goes to another destination, and the innermost ``while`` is left."""

    inner: Destination


@dataclass(frozen=True)
class Exit(Destination):
    """The value leaves a loop body that is a Python function: ``return (0, value)``."""


EmitTail = Callable[[Node, Destination], None]


class LoopEmitter(Emitter):
    """Emits what an eager function is made of, loops included.

    Attributes:
        running: the loops around, the outermost first.
        depth: how many Python loops are around.
        is_procedure: whether a Python ``return`` here returns from a procedure.
        kinds: what is known of variables.
        sequences: variables that hold a Python list in place of a Scheme list.
        accumulators: variables that hold a Python list that is a Scheme list in reverse.
        is_on_ints: whether it is a second function, which is only given ints.
        owner: what the hidden variables of loops tell the procedure by.
        nest: for each loop of the procedure around, the hidden variables that tell its trip.
    """

    def __init__(self, unit: Unit, counter: list[int] | None = None) -> None:
        super().__init__(unit, counter)
        self.running: list[Running] = []
        self.depth = 0
        self.is_procedure = False
        self.kinds = Kinds(self.is_primitive)
        self.sequences: set[Variable] = set()
        self.accumulators: set[Variable] = set()
        self.is_on_ints = False
        self.owner = ""
        self.nest: list[tuple[str, str] | None] = []

    @contextmanager
    def standing_in(self, owner: str) -> Iterator[None]:
        """What is emitted in this block is the body of a procedure that stands in this function."""
        saved = self.owner, self.nest
        self.owner, self.nest = owner, []
        try:
            yield
        finally:
            self.owner, self.nest = saved

    def _trip_of(self, node: Loop) -> tuple[str, str] | None:
        """The hidden variables of a loop that is met; None if it can't draw."""
        is_needed = not self.is_on_ints and may_lead_to_draw(node, self.is_primitive)
        return trip_names(self.owner, len(self.nest) + 1) if is_needed else None

    @contextmanager
    def _inside(self, trip: tuple[str, str] | None) -> Iterator[None]:
        """What is emitted in this block stands in a loop."""
        self.nest.append(trip)
        try:
            yield
        finally:
            self.nest.pop()

    def _known_trips(self, span: Span) -> list[ast.stmt]:
        """Statements for a Python function in loops."""
        return load_hidden(span, [name for trip in self.nest if trip is not None for name in trip])

    def tail_by_kinds(self, body: Node, destination: Destination) -> None:
        """``body``, twice if it pays: where variables hold what is expected, and where not."""
        raise NotImplementedError

    def deliver(self, node: Node, destination: Destination) -> None:
        if isinstance(destination, Exit):
            value = py.tuple_of(node.span, [py.constant(node.span, 0), self.expression(node)])
            self.add(py.returns(node.span, value))
            return
        if isinstance(destination, Leave):
            super().deliver(node, destination.inner)
            self.add(py.at(node.span, ast.Break()))
            return
        super().deliver(node, destination)

    def loop(self, node: Loop, destination: Destination) -> None:
        if _makes_closures_over_its_trips(node):
            self._loop_with_function(node, destination)
            return
        if isinstance(destination, Return | Exit) or not _has_tail_loop(node.body):
            self._while(node, destination)
            return
        self._loop_in_function(node, destination)

    def _while(self, node: Loop, destination: Destination) -> None:
        self.accumulators |= accumulated(node, self.is_primitive)
        self._assign_variables(node, list(node.values), fresh=True)
        trip = self._trip_of(node)
        if trip is not None:
            self.block += begin_run(node.span, trip)
        with self._inside(trip):
            self._entered(node, destination)

    def _entered(self, node: Loop, destination: Destination) -> None:
        """The loop, whose variables are assigned already."""
        self.kinds.enter(node)
        expected = self.kinds.worth_asking(node.body).items()
        asked = {variable: kind for variable, kind in expected if variable not in node.variables}
        if not asked:
            self._statement(node, destination, self.tail_by_kinds)
            return
        known = dict(self.kinds.known)
        self.kinds.known.update(asked)
        self.kinds.enter(node)
        fast, _ = self.in_block(lambda: self._statement(node, destination, self.tail_by_kinds))
        self.kinds.known = known
        generic, _ = self.in_block(lambda: self._statement(node, destination, self.tail))
        self.add(py.at(node.span, ast.If(self.are_of(node.span, asked), fast, generic)))

    def are_of(self, span: Span, kinds: dict[Variable, str]) -> ast.expr:
        """The test that variables are of these kinds."""
        tests = [
            py.is_identical(
                span, py.class_of(span, py.load(span, self.name(v))), py.load(span, kind)
            )
            for v, kind in kinds.items()
        ]
        return tests[0] if len(tests) == 1 else py.at(span, ast.BoolOp(ast.And(), tests))

    def _statement(self, node: Loop, destination: Destination, emit_trip: EmitTail) -> None:
        """The Python statement that is the loop."""
        count = counted(node, self.kinds, self.is_primitive)
        counter = None if count is None else count.variable
        state = Running(node, self.depth + 1, counter=counter, trip=self.nest[-1])
        inner = destination if isinstance(destination, Return | Exit) else Leave(destination)
        trip = node.body if count is None else count.trip
        self.running.append(state)
        saved, self.depth = self.depth, self.depth + 1
        body, _ = self.in_block(lambda: emit_trip(trip, inner))
        self.depth = saved
        self.running.pop()
        if state.is_flagged:
            off = py.constant(node.span, False)
            body.insert(0, py.assign(node.span, self._flag(node.label), off))
        if count is None:
            self.add(py.at(node.span, ast.While(py.constant(node.span, True), body, [])))
        else:
            self._for(count, body, destination)
        self._after_loop(node.span, state)

    def _for(self, count: Counted, body: list[ast.stmt], destination: Destination) -> None:
        name, limit = self.name(count.variable), self.expression(count.limit)

        def end() -> None:
            if mentions(count.ending, count.variable):
                self.add(last_step(count, name, limit))
            self.tail(count.ending, destination)

        ending, _ = self.in_block(end)
        target = py.store(count.span, name)
        values = numbers(count, name, limit)
        self.add(py.at(count.span, ast.For(target, values, body, ending)))

    def _after_loop(self, span: Span, state: Running) -> None:
        """Pass on jumps to loops further out than the one this loop stands in."""
        for label in sorted(state.jumps, key=lambda label: label.name):
            outer = self._find(label)
            if outer.depth < self.depth:
                flag = py.load(span, self._flag(label))
                self.add(py.at(span, ast.If(flag, [py.at(span, ast.Break())], [])))
                self.running[-1].jumps.add(label)

    def _find(self, label: Label) -> Running:
        return next(state for state in reversed(self.running) if state.node.label is label)

    def _flag(self, label: Label) -> str:
        return f" jump to {label.name}"

    def _assign_variables(self, node: Loop, values: list[Node], fresh: bool = False) -> None:
        """Assign the loop's variables, all values being computed first."""
        counter = None if fresh else self._find(node.label).counter
        pairs = [
            (variable, value)
            for variable, value in zip(node.variables, values, strict=True)
            if not self._holds(variable, value) and variable is not counter
        ]
        span = node.span
        names: list[str] = []
        expressions: list[ast.expr] = []
        grown_lists: list[tuple[Variable, ast.expr]] = []
        for (variable, _), items in zip(pairs, self._values(pairs), strict=True):
            if variable not in self.accumulators:
                names.append(self.name(variable))
                expressions += items
            elif fresh:
                names.append(self.name(variable))
                expressions.append(py.at(span, ast.List([], py.LOAD)))
            else:
                grown_lists += [(variable, item) for item in reversed(items)]
        for variable, item in grown_lists:
            self.add(append(span, self.name(variable), item))
        if len(names) == 1:
            self.add(py.assign(span, names[0], expressions[0]))
        elif names:
            self.add(py.assign_all(span, names, py.tuple_of(span, expressions)))

    def _values(self, pairs: list[tuple[Variable, Node]]) -> list[list[ast.expr]]:
        """What each variable gets: its value, or what is consed to its list.

        If lists grow, which they do first, everything else is computed before.
        """
        parts = [self._parts(variable, value) for variable, value in pairs]
        values = self.expressions([node for nodes in parts for node in nodes])
        if any(variable in self.accumulators for variable, _ in pairs):
            nodes = [node for group in parts for node in group]
            values = [
                value if isinstance(node, Const | LocalRef) else self.keep(node.span, value)
                for node, value in zip(nodes, values, strict=True)
            ]
        rest = iter(values)
        return [[next(rest) for _ in nodes] for nodes in parts]

    def _parts(self, variable: Variable, value: Node) -> list[Node]:
        items = None
        if variable in self.accumulators:
            items = grown(value, variable, self.is_primitive)
        return [value] if items is None else items

    def _holds(self, variable: Variable, value: Node) -> bool:
        """Whether the Python variable of ``variable`` holds ``value`` already."""
        return isinstance(value, LocalRef) and self.name(value.variable) == self.name(variable)

    def go_on(self, node: Continue) -> None:
        state = self._find(node.label)
        inside = self.running[self.running.index(state) + 1 :]
        if state.is_function or any(other.is_function for other in inside):
            self._return_arguments(node)
            return
        self._assign_variables(state.node, list(node.arguments))
        if state.trip is not None:
            self.add(count_trip(node.span, state.trip))
        if state.depth == self.depth:
            self.add(py.at(node.span, ast.Continue()))
            return
        if state.depth < self.depth - 1:
            self.running[-1].jumps.add(node.label)
            self._raise_flag(node.span, state)
        self.add(py.at(node.span, ast.Break()))

    def _raise_flag(self, span: Span, state: Running) -> None:
        """Remember that the next trip of an outer loop is to come."""
        state.is_flagged = True
        flag = self._flag(state.node.label)
        self.add(py.assign(span, flag, py.constant(span, True)))

    def _return_arguments(self, node: Continue) -> None:
        """From a loop body that is a function: ``return (which loop, values)``."""
        number = self._number(node.label)
        values = py.tuple_of(node.span, self.expressions(node.arguments))
        pair = py.tuple_of(node.span, [py.constant(node.span, number), values])
        self.add(py.returns(node.span, pair))

    def _number(self, label: Label) -> int:
        """Loops around, numbered from 1, the outermost first."""
        return 1 + self.running.index(self._find(label))

    def _loop_in_function(self, node: Loop, destination: Destination) -> None:
        """A loop with loops in its tail, inside an expression: they return its value."""
        name = self.temporary()
        saved = self.running, self.depth, self.is_procedure
        self.running, self.depth, self.is_procedure = [], 0, False
        body, _ = self.in_block(lambda: self._while(node, RETURN))
        self.running, self.depth, self.is_procedure = saved
        body = self._known_trips(node.span) + body
        held = [
            self.name(variable)
            for variable, value in zip(node.variables, node.values, strict=True)
            if self._holds(variable, value)
        ]
        self.add(py.define(node.span, name, py.arguments(node.span, held), body))
        arguments = [py.load(node.span, variable) for variable in held]
        self._give(node.span, py.call(node.span, name, *arguments), destination)

    def _give(self, span: Span, value: ast.expr, destination: Destination) -> None:
        """Give a Python value to ``destination``, leaving an enclosing ``while``."""
        if isinstance(destination, Return):
            self.add(py.returns(span, value))
        elif isinstance(destination, Exit):
            self.add(py.returns(span, py.tuple_of(span, [py.constant(span, 0), value])))
        elif isinstance(destination, Leave):
            self._give(span, value, destination.inner)
            self.add(py.at(span, ast.Break()))
        elif isinstance(destination, Assign):
            self.add(py.assign(span, destination.name, value))
        else:
            assert isinstance(destination, Effect)
            self.add(py.at(span, ast.Expr(value)))

    def _loop_with_function(self, node: Loop, destination: Destination) -> None:
        """A loop whose body is a Python function that says how to go on."""
        span = node.span
        function, which, values = self.temporary(), self.temporary(), self.temporary()
        names = [self.name(variable) for variable in node.variables]
        hidden = self._trip_of(node)
        state = Running(node, self.depth + 1, is_function=True, trip=hidden)
        self.running.append(state)
        number = self._number(node.label)
        saved, self.depth = self.depth, 0
        with self._inside(hidden):
            body, _ = self.in_block(lambda: self.tail(node.body, Exit()))
            body = self._known_trips(span) + body
        self.depth = saved
        self.add(py.define(span, function, py.arguments(span, names), body))
        self.running.pop()
        start = py.tuple_of(span, self.expressions(node.values))
        self.add(py.assign(span, values, start))
        if hidden is not None:
            self.block += begin_run(span, hidden)
        starred = py.at(span, ast.Starred(py.load(span, values), py.LOAD))
        trip = py.assign_all(span, [which, values], py.call(span, function, starred))
        driver = Running(node, self.depth + 1)
        leave, _ = self.in_block(lambda: self._leave(driver, destination, which, values))
        compare = ast.Compare(py.load(span, which), [ast.NotEq()], [py.constant(span, number)])
        again = py.at(span, ast.If(py.at(span, compare), leave, []))
        counting = [] if hidden is None else [count_trip(span, hidden)]
        statements = [trip, again, *counting]
        self.add(py.at(span, ast.While(py.constant(span, True), statements, [])))
        self._after_loop(span, driver)

    def _leave(self, driver: Running, destination: Destination, which: str, values: str) -> None:
        """After a trip that doesn't go on: with an outer loop, or with the value."""
        node = driver.node
        span = node.span
        outer_labels = {
            part.label
            for part in everything(node.body)
            if isinstance(part, Continue) and part.label is not node.label
        }
        for state in self.running:
            if state.node.label in outer_labels:
                self._jump_out(driver, state, which, values)
        is_return = isinstance(destination, Return | Exit)
        self._give(span, py.load(span, values), destination if is_return else Leave(destination))

    def _jump_out(self, driver: Running, state: Running, which: str, values: str) -> None:
        span = driver.node.span
        number = self._number(state.node.label)
        compare = ast.Compare(py.load(span, which), [ast.Eq()], [py.constant(span, number)])

        def jump() -> None:
            inside = self.running[self.running.index(state) :]
            if any(other.is_function for other in inside):
                pair = [py.load(span, which), py.load(span, values)]
                self.add(py.returns(span, py.tuple_of(span, pair)))
                return
            names = [self.name(variable) for variable in state.node.variables]
            if names:
                self.add(py.assign_all(span, names, py.load(span, values)))
            if state.trip is not None:
                self.add(count_trip(span, state.trip))
            if state.depth < self.depth:
                driver.jumps.add(state.node.label)
                self._raise_flag(span, state)
            self.add(py.at(span, ast.Break()))

        block, _ = self.in_block(jump)
        self.add(py.at(span, ast.If(py.at(span, compare), block, [])))


def _has_tail_loop(node: Node) -> bool:
    """Whether a loop stands in tail position of ``node``."""
    match node:
        case Loop():
            return True
        case If():
            return _has_tail_loop(node.then) or _has_tail_loop(node.otherwise)
        case Let() | Letrec():
            return _has_tail_loop(node.body)
        case Sequence():
            return _has_tail_loop(node.steps[-1])
    return False


def _makes_closures_over_its_trips(node: Loop) -> bool:
    """Whether some procedure made in the loop captures a variable bound in the loop."""
    bound = set(node.variables)
    procedures = []
    stack: list[Node] = [node.body]
    while stack:
        part = stack.pop()
        if isinstance(part, Lambda):
            procedures.append(part)
            continue
        bound.update(bound_variables(part))
        stack.extend(children(part))
    return any(bound.intersection(free_variables(procedure)) for procedure in procedures)
