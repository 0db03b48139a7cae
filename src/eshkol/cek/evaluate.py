"""The rules of the machine: what each node of Core means.

A rule takes the machine, the node and the environment. It gives the machine a value, or the next
node to evaluate, with a frame on the stack for what is to be done with its value. Nodes whose value
needs no evaluation of others are *atoms*; they need no frame either. The rules hold for Core as the
expander gives it and after each pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eshkol.base.errors import UnboundVariable
from eshkol.cek.environment import Activation, Environment
from eshkol.cek.frames import Frame
from eshkol.cek.procedures import make_procedure
from eshkol.core.nodes import (
    BoxRef,
    BoxSet,
    Call,
    Const,
    Continue,
    Define,
    GlobalRef,
    If,
    Lambda,
    Let,
    Letrec,
    LocalRef,
    Loop,
    MakeBox,
    Node,
    Sequence,
    SetGlobal,
    SetLocal,
    Variable,
)
from eshkol.datum.values import UNASSIGNED, UNSPECIFIED
from eshkol.runtime.draw_paths import Trips
from eshkol.runtime.truth import truth

if TYPE_CHECKING:
    from eshkol.cek.machine import Machine

# ---- atoms


def constant(machine: Machine, node: Const, environment: Environment) -> Any:
    """A constant is its value."""
    return node.value


def local_variable(machine: Machine, node: LocalRef, environment: Environment) -> Any:
    """A variable gives what its location holds."""
    value = environment.holder(node.variable)[node.variable]
    if value is UNASSIGNED:
        raise machine.wrong(node, environment, unassigned(node, node.variable))
    return value


def global_variable(machine: Machine, node: GlobalRef, environment: Environment) -> Any:
    """A top-level variable gives its value; if it has none, a primitive of this name."""
    namespace = environment.activation.namespace
    try:
        return namespace.get(node.name)
    except UnboundVariable:
        from eshkol.runtime.report import unbound

        error = unbound(node.name, namespace.variables, node.span)
        raise machine.wrong(node, environment, error) from None


def procedure(machine: Machine, node: Lambda, environment: Environment) -> Any:
    """A ``lambda`` gives a procedure that keeps the environment."""
    return make_procedure(node, environment)


def box_content(machine: Machine, node: BoxRef, environment: Environment) -> Any:
    """A box gives what it holds."""
    value = environment.holder(node.variable)[node.variable][0]
    if value is UNASSIGNED:
        raise machine.wrong(node, environment, unassigned(node, node.variable))
    return value


def unassigned(node: Node, variable: Variable) -> UnboundVariable:
    """The error for a variable of a ``letrec*`` that is read before its value is there."""
    return UnboundVariable(
        f"{variable.name} is used before it has a value",
        span=node.span,
        hint="in a body, a definition can use only those before it (except inside a procedure)",
    )


ATOMS: dict[type[Node], Callable[[Machine, Any, Environment], Any]] = {
    Const: constant,
    LocalRef: local_variable,
    GlobalRef: global_variable,
    Lambda: procedure,
    BoxRef: box_content,
}

# ---- parts

Finish = Callable[["Machine", Any, Environment, list[Any]], None]
"""What a rule does once all parts of its node have values."""


def gather(
    machine: Machine,
    node: Node,
    environment: Environment,
    parts: tuple[Node, ...],
    values: list[Any],
    finish: Finish,
) -> None:
    """Evaluate ``parts`` from left to right, of which the first have ``values``; then finish."""
    for part in parts[len(values) :]:
        atom = ATOMS.get(part.__class__)
        if atom is None:
            frame = Gather(machine.stack, node, environment, parts, tuple(values), finish)
            machine.push(frame, part, environment)
            return
        values.append(atom(machine, part, environment))
    finish(machine, node, environment, values)


@dataclass(slots=True, eq=False)
class Gather(Frame):
    """The parts of ``node`` are being evaluated; the first ones are ``done``."""

    node: Node
    environment: Environment
    parts: tuple[Node, ...]
    done: tuple[Any, ...]
    finish: Finish

    def resume(self, machine: Machine, value: Any) -> None:
        values = [*self.done, value]
        gather(machine, self.node, self.environment, self.parts, values, self.finish)

    @property
    def hole(self) -> tuple[Node, Activation]:
        return self.parts[len(self.done)], self.environment.activation


# ---- binding


def let(machine: Machine, node: Let, environment: Environment) -> None:
    """Evaluate the values, then the body with the variables in fresh locations."""
    gather(machine, node, environment, node.values, [], bind)


def bind(machine: Machine, node: Let, environment: Environment, values: list[Any]) -> None:
    """The body of a ``let``."""
    bound: dict[Any, Any] = dict(zip(node.variables, values, strict=True))
    machine.evaluate(node.body, environment.extended(bound))


def letrec(machine: Machine, node: Letrec, environment: Environment) -> None:
    """Make the locations, then evaluate the values in order and put each into its location."""
    inner = environment.extended(dict.fromkeys(node.variables, UNASSIGNED))
    initialize(machine, node, inner, 0)


def initialize(machine: Machine, node: Letrec, environment: Environment, index: int) -> None:
    """Give the variables from ``index`` on their values; then the body."""
    for position in range(index, len(node.variables)):
        value = node.values[position]
        atom = ATOMS.get(value.__class__)
        if atom is None:
            frame = Initialize(machine.stack, node, environment, position)
            machine.push(frame, value, environment)
            return
        environment.values[node.variables[position]] = atom(machine, value, environment)
    machine.evaluate(node.body, environment)


@dataclass(slots=True, eq=False)
class Initialize(Frame):
    """The value of the variable ``index`` of a ``letrec*`` is being evaluated."""

    node: Letrec
    environment: Environment
    index: int

    def resume(self, machine: Machine, value: Any) -> None:
        self.environment.values[self.node.variables[self.index]] = value
        initialize(machine, self.node, self.environment, self.index + 1)

    @property
    def hole(self) -> tuple[Node, Activation]:
        return self.node.values[self.index], self.environment.activation


# ---- control


def conditional(machine: Machine, node: If, environment: Environment) -> None:
    """Evaluate the test, then one of the branches."""
    gather(machine, node, environment, (node.test,), [], choose)


def choose(machine: Machine, node: If, environment: Environment, values: list[Any]) -> None:
    """Only ``#f``, and a rank-0 false, count as false."""
    machine.site = node.test, environment.activation
    machine.evaluate(node.then if truth(values[0]) else node.otherwise, environment)


def sequence(machine: Machine, node: Sequence, environment: Environment) -> None:
    """Evaluate the steps in order; the value is that of the last."""
    go_through(machine, node, environment, 0)


def go_through(machine: Machine, node: Sequence, environment: Environment, index: int) -> None:
    """Evaluate the steps from ``index`` on."""
    if index == len(node.steps) - 1:
        machine.evaluate(node.steps[index], environment)
        return
    frame = Steps(machine.stack, node, environment, index)
    machine.push(frame, node.steps[index], environment)


@dataclass(slots=True, eq=False)
class Steps(Frame):
    """The step ``index`` of a sequence is being evaluated; its value is not wanted."""

    node: Sequence
    environment: Environment
    index: int

    def resume(self, machine: Machine, value: Any) -> None:
        go_through(machine, self.node, self.environment, self.index + 1)

    @property
    def hole(self) -> tuple[Node, Activation]:
        return self.node.steps[self.index], self.environment.activation


def call(machine: Machine, node: Call, environment: Environment) -> None:
    """Evaluate the procedure, the arguments and the keyword arguments; then apply it."""
    parts = (node.procedure, *node.arguments)
    if node.keywords:
        parts += tuple(value for _, value in node.keywords)
    gather(machine, node, environment, parts, [], apply)


def apply(machine: Machine, node: Call, environment: Environment, values: list[Any]) -> None:
    """Apply a procedure. No frame is pushed: a call in tail position takes no room."""
    machine.site = node, environment.activation
    machine.operator = values[0]
    if not node.keywords:
        machine.apply(values[0], values[1:])
        return
    count = 1 + len(node.arguments)
    names = (name for name, _ in node.keywords)
    machine.apply(values[0], values[1:count], dict(zip(names, values[count:], strict=True)))


# ---- assignment


def assign_local(machine: Machine, node: SetLocal, environment: Environment) -> None:
    """Evaluate the value and put it into the location of the variable."""
    gather(machine, node, environment, (node.value,), [], put_local)


def put_local(
    machine: Machine, node: SetLocal, environment: Environment, values: list[Any]
) -> None:
    """The location gets the value."""
    environment.holder(node.variable)[node.variable] = values[0]
    machine.value = UNSPECIFIED


def assign_global(machine: Machine, node: SetGlobal | Define, environment: Environment) -> None:
    """Evaluate the value of a definition, or of an assignment to a top-level variable."""
    gather(machine, node, environment, (node.value,), [], put_global)


def put_global(
    machine: Machine, node: SetGlobal | Define, environment: Environment, values: list[Any]
) -> None:
    """Define or assign a top-level variable; to be assigned, it must be defined."""
    machine.site = node, environment.activation
    namespace = environment.activation.namespace
    put = namespace.define if isinstance(node, Define) else namespace.set
    put(node.name, values[0])
    machine.value = UNSPECIFIED


# ---- what the passes make: boxes and loops


def new_box(machine: Machine, node: MakeBox, environment: Environment) -> None:
    """Evaluate the content of a fresh box."""
    gather(machine, node, environment, (node.value,), [], make_box)


def make_box(machine: Machine, node: MakeBox, environment: Environment, values: list[Any]) -> None:
    """A box is a list of one value."""
    machine.value = values


def assign_box(machine: Machine, node: BoxSet, environment: Environment) -> None:
    """Evaluate the value and put it into the box that the variable holds."""
    gather(machine, node, environment, (node.value,), [], put_box)


def put_box(machine: Machine, node: BoxSet, environment: Environment, values: list[Any]) -> None:
    """The box gets the value."""
    environment.holder(node.variable)[node.variable][0] = values[0]
    machine.value = UNSPECIFIED


def loop(machine: Machine, node: Loop, environment: Environment) -> None:
    """Evaluate the values of the first trip."""
    gather(machine, node, environment, node.values, [], start_loop)


def start_loop(machine: Machine, node: Loop, environment: Environment, values: list[Any]) -> None:
    """The first trip. The label's location holds the loop and the environment around it."""
    trips = (*environment.activation.trips, (object(), 0))
    take_trip(machine, node, environment, values, trips)


def go_on(machine: Machine, node: Continue, environment: Environment) -> None:
    """Evaluate the values of the next trip."""
    gather(machine, node, environment, node.arguments, [], next_trip)


def next_trip(
    machine: Machine, node: Continue, environment: Environment, values: list[Any]
) -> None:
    """The next trip. It stands in the loop's tail, so what is left to do is the same."""
    looping, around = environment.holder(node.label)[node.label]
    outer = around.activation.trips
    run, number = environment.activation.trips[len(outer)]
    take_trip(machine, looping, around, values, (*outer, (run, number + 1)))


def take_trip(
    machine: Machine, node: Loop, environment: Environment, values: list[Any], trips: Trips
) -> None:
    """Evaluate the body with the variables in fresh locations."""
    bound: dict[Any, Any] = dict(zip(node.variables, values, strict=True))
    bound[node.label] = node, environment
    activation = environment.activation.in_loop(trips)
    machine.evaluate(node.body, Environment(bound, environment, activation))


RULES: dict[type[Node], Callable[[Machine, Any, Environment], None]] = {
    Let: let,
    Letrec: letrec,
    If: conditional,
    Sequence: sequence,
    Call: call,
    SetLocal: assign_local,
    SetGlobal: assign_global,
    Define: assign_global,
    MakeBox: new_box,
    BoxSet: assign_box,
    Loop: loop,
    Continue: go_on,
}


def _atomic(atom: Callable[[Machine, Any, Environment], Any]) -> Any:
    def rule(machine: Machine, node: Node, environment: Environment) -> None:
        machine.value = atom(machine, node, environment)

    return rule


STEPS = {**RULES, **{kind: _atomic(atom) for kind, atom in ATOMS.items()}}
"""The rules of all nodes."""
