"""The staged dialect: ``if`` and loops call the staging runtime with thunks and variables.

Every control structure becomes a call of the runtime with Python functions for its parts, so the
runtime can decide between following a known condition, unrolling, and a structured JAX primitive.
Procedures that are made inside stay eager functions: a procedure is one value, whichever dialect
made it, and is looked up in its staged dialect where it is called.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from eshkol.base.spans import Span
from eshkol.codegen import python as py
from eshkol.codegen.emitter import RETURN, Assign, Destination, Emitter, Return, Unit
from eshkol.codegen.numbering import hidden_variables, load_hidden
from eshkol.codegen.truth import as_test
from eshkol.core.free import free_variables
from eshkol.core.nodes import (
    BoxRef,
    BoxSet,
    Call,
    Const,
    Continue,
    Define,
    GlobalRef,
    If,
    Label,
    Lambda,
    Let,
    Letrec,
    LocalRef,
    Loop,
    MakeBox,
    Node,
    Sequence,
    SetGlobal,
    Variable,
)
from eshkol.core.walk import children, everything

_MUTATORS = (
    "set-car! set-cdr! list-set! sort! vector-set! vector-fill! vector-copy! vector-sort! "
    "hash-set! hash-remove! hash-clear! hash-update! hash-table-set! hash-table-delete! "
    "hash-table-clear! hash-table-update! hash-table-update!/default"
).split()
_OUTPUT = (
    "display write newline displayln writeln printf print write-string write-char write-simple "
    "write-shared flush flush-output flush-output-port"
).split()

EFFECTS = (
    dict.fromkeys(_MUTATORS, " mutate")
    | dict.fromkeys(_OUTPUT, " output")
    | {"assert": " check", "format": " formatted"}
)
"""Primitives with effects, and the functions of the staging runtime that call them."""


IsPrimitive = Callable[[Node], bool]
"""Whether a node is the name of a primitive that the program has not redefined."""


@dataclass(frozen=True)
class Step:
    """A loop around, in whose body this function stands.

    A *plain* step always goes on, and returns the tuple of the next values. Another step returns
    ``again(values)`` or ``done(value)``; ``again(values, step)`` if it has a name: where it goes
    down a structure, which part is next may depend on a traced condition.
    """

    label: Label
    is_plain: bool
    name: str | None = None


class StagedEmitter(Emitter):
    """Emits the staged function of a procedure.

    Attributes:
        steps: the loops in whose steps it stands.
        trips: the hidden variables of all loops around (``numbering``).
    """

    def __init__(
        self,
        unit: Unit,
        counter: list[int] | None = None,
        steps: tuple[Step, ...] = (),
        trips: tuple[Variable, ...] = (),
    ) -> None:
        super().__init__(unit, counter)
        self.steps = steps
        self.trips = trips

    def function(self, node: Lambda, name: str) -> ast.FunctionDef:
        """The staged Python function of a procedure."""
        self.hidden = frozenset(map(self.name, free_variables(node)))
        self.prologue(node)
        self.tail(node.body, RETURN)
        return py.define(node.span, name, self.parameter_list(node), self.block)

    # ---- references and calls

    def global_reference(self, node: GlobalRef) -> ast.expr:
        value = self.load_global(node)
        if node.name in self.unit.primitives or node.name.startswith(" "):
            return value
        namespace = py.load(node.span, " namespace")
        return py.call(
            node.span, " read_global", namespace, py.constant(node.span, node.name), value
        )

    def callee(self, node: Call, procedure: ast.expr) -> ast.expr:
        if self.is_primitive(node.procedure) or _is_hidden(node.procedure):
            return procedure
        return py.call(node.procedure.span, " staged", procedure)

    def call(self, node: Call) -> ast.expr:
        """A call; primitives with effects go through the staging runtime."""
        runtime = None
        if self.is_primitive(node.procedure):
            assert isinstance(node.procedure, GlobalRef)
            runtime = EFFECTS.get(node.procedure.name)
        result = super().call(node)
        if runtime is None and self._may_look(node):
            assert isinstance(result, ast.Call) and isinstance(node.procedure, GlobalRef)
            name = py.constant(node.procedure.span, node.procedure.name)
            result.args[:0] = [name, result.func]
            result.func = py.load(node.procedure.span, " call_primitive")
        elif runtime is not None:
            assert isinstance(result, ast.Call)
            result.args.insert(0, result.func)
            result.func = py.load(node.procedure.span, runtime)
        return result

    def _may_look(self, node: Call) -> bool:
        """Whether a primitive is called with something that may be one of several kinds."""
        is_known = all(isinstance(argument, Const) for argument in node.arguments)
        is_primitive = self.is_primitive(node.procedure) or (
            isinstance(node.procedure, GlobalRef) and node.procedure.name == " eqv?"
        )
        return is_primitive and not node.keywords and not is_known

    def set_box(self, node: BoxSet) -> None:
        value = self.expression(node.value)
        box = py.load(node.span, self.name(node.variable))
        name = py.constant(node.span, node.variable.name)
        self.add(py.at(node.span, ast.Expr(py.call(node.span, " set_box", box, value, name))))

    def make_box(self, node: MakeBox) -> ast.expr:
        return py.call(node.span, " make_box", self.expression(node.value))

    def set_global(self, node: Define | SetGlobal, value: ast.expr) -> ast.expr:
        namespace = py.load(node.span, " namespace")
        name = py.constant(node.span, node.name)
        return py.call(node.span, " set_top_level", namespace, name, value)

    # ---- functions inside

    def _inner(self, steps: tuple[Step, ...] = ()) -> StagedEmitter:
        return StagedEmitter(self.unit, self.counter, steps, self.trips)

    def _branch(self, node: Node, steps: tuple[Step, ...]) -> ast.expr:
        """A Python function without parameters for ``node``."""
        return self._part(node, (), steps)

    def _part(
        self,
        node: Node,
        variables: tuple[Variable, ...],
        steps: tuple[Step, ...] = (),
        name: str | None = None,
    ) -> ast.expr:
        """A Python function of ``variables`` for ``node``; it knows itself if it has a name."""
        inner = self._inner(steps)
        inner.block += load_hidden(node.span, map(self.name, self.trips))
        inner.trips += hidden_variables(variables)
        inner.tail(node, RETURN)
        names = [self.name(variable) for variable in variables]
        parameters = py.arguments(node.span, names)
        if name is None and len(inner.block) == 1 and isinstance(inner.block[0], ast.Return):
            assert inner.block[0].value is not None
            return py.at(node.span, ast.Lambda(parameters, inner.block[0].value))
        name = name or self.temporary()
        self.add(py.define(node.span, name, parameters, inner.block))
        return py.load(node.span, name)

    # ---- conditionals

    def conditional(self, node: If) -> ast.expr:
        return self._staged_if(node, ())

    def conditional_tail(self, node: If, destination: Destination) -> None:
        if isinstance(destination, Return):
            self.add(py.returns(node.span, self._staged_if(node, self.steps)))
        elif isinstance(destination, Assign):
            value = self._staged_if(node, ())
            self.add(py.assign(node.span, destination.name, value))
        else:
            self.add(py.at(node.span, ast.Expr(self._staged_if(node, ()))))

    def _staged_if(self, node: If, steps: tuple[Step, ...]) -> ast.expr:
        asked = self.expression(as_test(node.test, self.is_primitive))
        test = py.call(node.test.span, " condition", asked)
        then = self._branch(node.then, steps)
        otherwise = self._branch(node.otherwise, steps)
        return py.call(node.span, " staged_if", test, then, otherwise)

    # ---- tails and loops

    def deliver(self, node: Node, destination: Destination) -> None:
        if isinstance(destination, Return) and self.steps:
            value = self._as_steps(node.span, self.expression(node), self.steps)
            self.add(py.returns(node.span, value))
        else:
            super().deliver(node, destination)

    def _as_steps(self, span: Span, value: ast.expr, steps: tuple[Step, ...]) -> ast.expr:
        """A value that leaves all of ``steps``, the outermost first."""
        for step in steps:
            if not step.is_plain:
                value = py.call(span, " done", value)
        return value

    def go_on(self, node: Continue) -> None:
        index = next(i for i, step in enumerate(self.steps) if step.label is node.label)
        step = self.steps[index]
        value = py.tuple_of(node.span, self.expressions(node.arguments))
        if not step.is_plain:
            own = [] if step.name is None else [py.load(node.span, step.name)]
            value = py.call(node.span, " again", value, *own)
        value = self._as_steps(node.span, value, self.steps[index + 1 :])
        self.add(py.returns(node.span, value))

    def loop(self, node: Loop, destination: Destination) -> None:
        outer = self.steps if isinstance(destination, Return) else ()
        shape = _while_shape(node, self.is_primitive)
        if shape is None:
            self._general_loop(node, destination, outer)
            return
        test, done, step, leaves_when = shape
        names = [self.name(variable) for variable in node.variables]
        values = py.tuple_of(node.span, self.expressions(node.values))
        test_part = self._part(as_test(test, self.is_primitive), node.variables)
        if isinstance(test_part, ast.Lambda):
            test_part.body = py.call(test.span, " condition", test_part.body)
        step_part = self._part(step, node.variables, (*outer, Step(node.label, True)))
        result = py.call(
            node.span,
            " staged_while",
            self._site(node),
            values,
            test_part,
            step_part,
            py.constant(node.span, leaves_when),
            self._count(node, test),
        )
        if names:
            self.add(py.assign_all(node.span, names, result))
        else:
            self.add(py.at(node.span, ast.Expr(result)))
        around, self.trips = self.trips, (*self.trips, *hidden_variables(node.variables))
        self.tail(done, destination)
        self.trips = around

    def _general_loop(self, node: Loop, destination: Destination, outer: tuple[Step, ...]) -> None:
        values = py.tuple_of(node.span, self.expressions(node.values))
        name = self.temporary() if _goes_down(node) else None
        step = self._part(node.body, node.variables, (*outer, Step(node.label, False, name)), name)
        result = py.call(node.span, " staged_loop", self._site(node), values, step)
        if isinstance(destination, Return):
            self.add(py.returns(node.span, result))
        elif isinstance(destination, Assign):
            self.add(py.assign(node.span, destination.name, result))
        else:
            self.add(py.at(node.span, ast.Expr(result)))

    def _site(self, node: Loop) -> ast.expr:
        """What the runtime needs to speak of this loop: its name and its variables' names."""
        words = [node.label.name, *(variable.name for variable in node.variables)]
        return py.tuple_of(node.span, [py.constant(node.span, word) for word in words])

    def _count(self, node: Loop, test: Node) -> ast.expr:
        """How a counting loop counts, as ``(index, comparison, bound, step)``, or None.

        The last two are thunks.
        """
        found = _counting(self, node, test)
        if found is None:
            return py.constant(node.span, None)
        index, comparison, bound, step = found
        parts = [
            py.constant(node.span, index),
            py.constant(node.span, comparison),
            self._part(bound, ()),
            self._part(step, ()),
        ]
        return py.tuple_of(node.span, parts)


def _is_hidden(node: Node) -> bool:
    return isinstance(node, GlobalRef) and node.name.startswith(" ")


def _while_shape(node: Loop, is_primitive: IsPrimitive) -> tuple[Node, Node, Node, bool] | None:
    """``(test, what comes after, trip, value of the test that leaves)`` of a while-like loop."""
    body = node.body
    if not isinstance(body, If):
        return None
    if _asks_for_structure(body.test, node):
        if not isinstance(body.test, Call) or _ways_on(body, node.label) > 1:
            return None
    elif _takes_rests(node):
        return None
    if not _continues(body.then, node.label) and _always_continues(body.otherwise, node.label):
        return body.test, body.then, body.otherwise, True
    if not _continues(body.otherwise, node.label) and _always_continues(body.then, node.label):
        return body.test, body.otherwise, body.then, False
    return _exits_shape(node, is_primitive)


def _ways_on(node: Node, label: Label) -> int:
    """In how many places a loop goes on."""
    return sum(isinstance(part, Continue) and part.label is label for part in everything(node))


def _asks_for_structure(test: Node, loop: Loop) -> bool:
    """Whether a test asks for the structure of a loop variable.

    A loop that goes down a list and may end before has several ends, for lists that differ.
    """
    return any(
        isinstance(part, Call)
        and isinstance(part.procedure, GlobalRef)
        and part.procedure.name in STRUCTURAL
        and any(isinstance(a, LocalRef) and a.variable in loop.variables for a in part.arguments)
        for part in everything(test)
    )


def _takes_rests(loop: Loop) -> bool:
    """Whether a trip may go on with the rest of a list that a loop variable holds."""
    return any(
        isinstance(part, Continue)
        and part.label is loop.label
        and any(map(_is_rest, part.arguments, loop.variables))
        for part in everything(loop.body)
    )


def _is_rest(node: Node, variable: Variable) -> bool:
    return (
        isinstance(node, Call)
        and isinstance(node.procedure, GlobalRef)
        and node.procedure.name in ("cdr", "cddr")
        and any(
            isinstance(argument, LocalRef) and argument.variable is variable
            for argument in node.arguments
        )
    )


STRUCTURAL = "null? pair? list? vector? symbol? string? number? boolean? procedure?".split()
"""Predicates of what is known of a value while a program is compiled."""


def _goes_down(loop: Loop) -> bool:
    """Whether a loop goes down a structure: it asks what a loop variable is."""
    return any(
        isinstance(part, If) and _asks_for_structure(part.test, loop)
        for part in everything(loop.body)
    )


def _exits_shape(node: Loop, is_primitive: IsPrimitive) -> tuple[Node, Node, Node, bool] | None:
    """The same of a loop with several exits, one tested after the other before anything is done.

    Which of them was taken is asked once more after the loop, so the tests must be pure.
    """
    exits: list[tuple[If, Node]] = []
    rest = node.body
    while isinstance(rest, If) and _is_pure_test(rest.test, is_primitive):
        if _asks_for_structure(rest.test, node):
            return None
        if not _continues(rest.then, node.label):
            exits.append((rest, rest.then))
            rest = rest.otherwise
        elif not _continues(rest.otherwise, node.label):
            exits.append((rest, rest.otherwise))
            rest = rest.then
        else:
            break
    if len(exits) < 2 or not _always_continues(rest, node.label):
        return None
    span = node.body.span
    leaves: Node = Const(span, False)
    done = exits[-1][1]
    for index, (choice, value) in reversed(list(enumerate(exits))):
        leaves = _choice_of(choice, value, Const(span, True), leaves)
        if index < len(exits) - 1:
            done = _choice_of(choice, value, value, done)
    return leaves, done, rest, True


def _choice_of(choice: If, value: Node, at_exit: Node, otherwise: Node) -> Node:
    """``choice`` with other branches: ``at_exit`` for ``value``."""
    if choice.then is value:
        return If(choice.span, choice.test, at_exit, otherwise)
    return If(choice.span, choice.test, otherwise, at_exit)


def _is_pure_test(node: Node, is_primitive: IsPrimitive) -> bool:
    """Whether a test may be evaluated twice: it is made of arithmetic on variables."""
    match node:
        case Const() | LocalRef() | BoxRef() | GlobalRef():
            return True
        case If() | Let():
            return all(_is_pure_test(child, is_primitive) for child in children(node))
        case Call(procedure=GlobalRef(name=name), keywords=()):
            return (
                name in _PURE_TESTS
                and is_primitive(node.procedure)
                and all(_is_pure_test(argument, is_primitive) for argument in node.arguments)
            )
    return False


_PURE_TESTS = frozenset(
    """
    = < > <= >= + - * / abs min max not zero? positive? negative? even? odd? square sqrt exp log sin
    cos tanh quotient remainder modulo eq? eqv? null? pair? car cdr cadr length vector-length
    vector-ref tensor-length tensor-ref tensor-max tensor-min tensor-sum norm 1+ -1+ add1 sub1
    """.split()
)


def _continues(node: Node, label: Label) -> bool:
    return any(isinstance(part, Continue) and part.label is label for part in everything(node))


def _always_continues(node: Node, label: Label) -> bool:
    """Whether every tail of ``node`` goes on with the loop ``label``."""
    match node:
        case Continue():
            return node.label is label
        case If():
            return _always_continues(node.then, label) and _always_continues(node.otherwise, label)
        case Let() | Letrec():
            return _always_continues(node.body, label)
        case Sequence():
            return _always_continues(node.steps[-1], label)
        case Loop():
            return _always_leaves_to(node.body, node.label, label)
    return False


def _always_leaves_to(node: Node, own: Label, label: Label) -> bool:
    """Whether every tail of an inner loop's body goes on with it or with ``label``."""
    match node:
        case Continue():
            return node.label in (own, label)
        case If():
            return _always_leaves_to(node.then, own, label) and _always_leaves_to(
                node.otherwise, own, label
            )
        case Let() | Letrec():
            return _always_leaves_to(node.body, own, label)
        case Sequence():
            return _always_leaves_to(node.steps[-1], own, label)
    return False


# ---- counting loops

_FLIPPED = {"=": "=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}

_PURE = frozenset(
    """+ - * quotient max min 1+ -1+
    length vector-length tensor-length string-length dataset-size""".split()
)


def _counting(emitter: StagedEmitter, node: Loop, test: Node) -> tuple[int, str, Node, Node] | None:
    """The counter of a loop, the comparison ``(comparison counter bound)``, bound and step."""
    if not isinstance(test, Call) or len(test.arguments) != 2:
        return None
    if not emitter.is_primitive(test.procedure):
        return None
    assert isinstance(test.procedure, GlobalRef)
    comparison = test.procedure.name
    if comparison not in _FLIPPED:
        return None
    for counter, bound, name in (
        (test.arguments[0], test.arguments[1], comparison),
        (test.arguments[1], test.arguments[0], _FLIPPED[comparison]),
    ):
        if not isinstance(counter, LocalRef) or counter.variable not in node.variables:
            continue
        index = node.variables.index(counter.variable)
        step = _step_of(emitter, node, index)
        if step is not None and _is_invariant(emitter, bound, node):
            return index, name, bound, step
    return None


def _step_of(emitter: StagedEmitter, node: Loop, index: int) -> Node | None:
    """What every trip adds to a variable, if that is one constant or variable."""
    steps = [
        _increment(emitter, part.arguments[index], node.variables[index])
        for part in everything(node.body)
        if isinstance(part, Continue) and part.label is node.label
    ]
    first = steps[0] if steps else None
    if first is None or any(step is None or step[1:] != first[1:] for step in steps):
        return None
    step = first[0]
    return step if _is_invariant(emitter, step, node) else None


def _increment(
    emitter: StagedEmitter, node: Node, variable: Variable
) -> tuple[Node, bool, Any] | None:
    """What is added to a variable, whether it is subtracted, and what tells it from others."""
    if not isinstance(node, Call) or not emitter.is_primitive(node.procedure):
        return None
    assert isinstance(node.procedure, GlobalRef)
    name, arguments = node.procedure.name, node.arguments

    def is_counter(part: Node) -> bool:
        return isinstance(part, LocalRef) and part.variable is variable

    if len(arguments) == 1 and is_counter(arguments[0]):
        by_one = {"1+": 1, "add1": 1, "-1+": -1, "sub1": -1}.get(name)
        return None if by_one is None else (Const(node.span, by_one), False, by_one)
    if len(arguments) != 2 or name not in ("+", "-"):
        return None
    if is_counter(arguments[0]):
        amount = arguments[1]
    elif is_counter(arguments[1]) and name == "+":
        amount = arguments[0]
    else:
        return None
    what = _told_by(amount)
    if what is None:
        return None
    if name == "+":
        return amount, False, what
    return Call(node.span, node.procedure, (amount,)), True, what


def _told_by(node: Node) -> Any:
    """What tells a number or a variable from others; None for anything else."""
    if isinstance(node, Const) and node.value.__class__ in (int, float):
        return node.value
    return node.variable if isinstance(node, LocalRef) else None


def _is_invariant(emitter: StagedEmitter, node: Node, loop: Loop) -> bool:
    """Whether ``node`` has one value during the whole loop and no effect."""
    match node:
        case Const() | GlobalRef():
            return True
        case LocalRef():
            return not free_variables(node).keys() & set(loop.variables)
        case Call() if emitter.is_primitive(node.procedure) and not node.keywords:
            assert isinstance(node.procedure, GlobalRef)
            return node.procedure.name in _PURE and all(
                _is_invariant(emitter, child, loop) for child in children(node)
            )
    return False
