"""What both dialects share: emitting Core as Python statements and expressions.

An :class:`Emitter` emits the body of one Python function. ``expression`` gives a Python expression
and appends the statements it needs to the current block; ``tail`` emits a node whose value goes to
a :class:`Destination`. Arguments are evaluated left to right: where a later one needs statements,
the earlier ones are kept in temporaries.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from collections.abc import Sequence as Items
from dataclasses import dataclass
from typing import Any, TypeGuard

from eshkol.base.errors import ExpandError, InternalError
from eshkol.base.spans import Span
from eshkol.codegen import python as py
from eshkol.codegen.names import Names, is_reserved, python_name, signature
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
from eshkol.core.walk import bound_variables
from eshkol.datum.values import UNSPECIFIED
from eshkol.runtime.draw_paths import CallSites
from eshkol.runtime.procedures import MARK, constant_name, operator_name


class Destination:
    """Where the value of a node in tail position goes."""


@dataclass(frozen=True)
class Return(Destination):
    """It is returned from the Python function."""


@dataclass(frozen=True)
class Assign(Destination):
    """It is assigned to a Python variable."""

    name: str


@dataclass(frozen=True)
class Effect(Destination):
    """It is not wanted."""


RETURN = Return()
EFFECT = Effect()


CalleeOf = Callable[[Call, ast.expr], ast.expr]
"""Gives the Python callable for the procedure of a call."""


MOST_PROCEDURES = 1_000
"""How many procedures may stand inside one another."""


class Unit:
    """What the functions of one compilation share.

    Attributes:
        names: the Python name of each variable.
        primitives: the global names that are known to be primitives here; one that the namespace
            defines is taken away.
        key: tells the hidden constants of this unit from those of others.
        lambdas: the procedures emitted so far; a function's number is its index.
        constants: data that Python constants can't hold.
        call_sites: what is around the calls in its forms.
        on_ints: procedures that have a second function for ints, and its hidden global name.
        results: the kinds of what these functions give.
        whole: the procedure of which the others are parts, if there is one.
    """

    def __init__(self, names: Names, primitives: set[str], key: str, call_sites: CallSites) -> None:
        self.names = names
        self.primitives = primitives
        self.key = key
        self.call_sites = call_sites
        self.lambdas: list[Lambda] = []
        self.constants: list[Any] = []
        self.on_ints: dict[str, tuple[Lambda, str]] = {}
        self.results: dict[str, str | None] = {}
        self.whole: Lambda | None = None

    def number(self, node: Lambda) -> int:
        """Register a procedure; its number."""
        self.lambdas.append(node)
        return len(self.lambdas) - 1

    def for_staging(self) -> Unit:
        """A unit for staged bodies: other functions, the same names and constants."""
        unit = Unit(self.names, self.primitives, self.key, self.call_sites)
        unit.constants = self.constants
        return unit

    def constant_name(self, value: Any) -> str:
        """The hidden global name of a constant."""
        for index, known in enumerate(self.constants):
            if known is value:
                return self.name_of_constant(index)
        self.constants.append(value)
        return self.name_of_constant(len(self.constants) - 1)

    def name_of_constant(self, index: int) -> str:
        """The hidden global name of the constant with this index."""
        return constant_name(self.key, index)

    def hidden_globals(self) -> dict[str, Any]:
        """The constants by their hidden global names."""
        return {self.name_of_constant(i): value for i, value in enumerate(self.constants)}


def function_name(unit: Unit, node: Lambda) -> str:
    """What an eager function is called until ``finish_code`` registers it as a procedure."""
    return f"{node.name or 'lambda'}{MARK}{unit.number(node)}"


class Emitter:
    """Emits one Python function; subclasses are the dialects.

    Attributes:
        block: the statements so far.
        hidden: the Python names of the parameters around, under which no global can be read.
        level: how many procedures stand around.
    """

    def __init__(self, unit: Unit, counter: list[int] | None = None) -> None:
        self.unit = unit
        self.block: list[ast.stmt] = []
        self.counter = counter if counter is not None else [0]
        self.hidden: frozenset[str] = frozenset()
        self.level = 0

    # ---- small things

    def add(self, statement: ast.stmt) -> None:
        """Append a statement to the current block."""
        self.block.append(statement)

    def temporary(self) -> str:
        """A fresh hidden local name."""
        self.counter[0] += 1
        return f" t{self.counter[0]}"

    def name(self, variable: Any) -> str:
        """The Python name of a variable."""
        return self.unit.names[variable]

    def in_block(self, emit: Any) -> tuple[list[ast.stmt], Any]:
        """Run ``emit`` with a fresh current block; the block and its result."""
        saved, self.block = self.block, []
        try:
            result = emit()
            return self.block, result
        finally:
            self.block = saved

    def load_global(self, node: GlobalRef) -> ast.expr:
        """Read a global variable, in another way if its name means something else to Python."""
        if node.name not in self.hidden and not is_reserved(node.name):
            return py.load(node.span, node.name)
        namespace = py.load(node.span, " namespace")
        get = py.at(node.span, ast.Attribute(namespace, "get", py.LOAD))
        return py.call(node.span, get, py.constant(node.span, node.name))

    def is_primitive(self, node: Node, name: str | None = None) -> bool:
        """Whether ``node`` is a reference to a primitive (to ``name``, if given)."""
        return (
            isinstance(node, GlobalRef)
            and node.name in self.unit.primitives
            and (name is None or node.name == name)
        )

    # ---- expressions

    def expression(self, node: Node) -> ast.expr:
        """A Python expression for the value of ``node``."""
        match node:
            case Const():
                return self.constant(node)
            case LocalRef():
                return py.load(node.span, self.name(node.variable))
            case GlobalRef():
                return self.global_reference(node)
            case BoxRef():
                return py.item(node.span, py.load(node.span, self.name(node.variable)), 0)
            case MakeBox():
                return self.make_box(node)
            case Call():
                return self.call(node)
            case If():
                return self.conditional(node)
            case Lambda():
                return self.procedure(node, self.function_name(node))
            case Define() | SetGlobal() | BoxSet():
                self.effect(node)
                return self.unspecified(node.span)
            case Let() | Letrec() | Sequence() | Loop():
                return self._through_temporary(node)
        raise InternalError(f"{node.span}: no expression for {type(node).__name__}")

    def _through_temporary(self, node: Node) -> ast.expr:
        match node:
            case Sequence():
                for step in node.steps[:-1]:
                    self.effect(step)
                return self.expression(node.steps[-1])
            case Let() | Letrec():
                self.bind(node)
                return self.expression(node.body)
        target = self.temporary()
        self.tail(node, Assign(target))
        return py.load(node.span, target)

    def expressions(self, nodes: Items[Node]) -> list[ast.expr]:
        """Python expressions for ``nodes``, to be evaluated in this order."""
        pieces = [self.in_block(lambda node=node: self.expression(node)) for node in nodes]
        last = max((i for i, (block, _) in enumerate(pieces) if block), default=-1)
        results = []
        for index, (block, value) in enumerate(pieces):
            self.block += block
            if index < last and not _is_stable(nodes[index]):
                value = self.keep(nodes[index].span, value)
            results.append(value)
        return results

    def keep(self, span: Span, value: ast.expr) -> ast.expr:
        """``value``, computed now and kept in a temporary."""
        name = self.temporary()
        self.add(py.assign(span, name, value))
        return py.load(span, name)

    def constant(self, node: Const) -> ast.expr:
        """A constant; data that Python has no literal for are hidden globals."""
        value = node.value
        if isinstance(value, bool | int | float | complex | str | bytes):
            return py.constant(node.span, value)
        if value is UNSPECIFIED:
            return self.unspecified(node.span)
        return py.load(node.span, self.unit.constant_name(value))

    def unspecified(self, span: Span) -> ast.expr:
        """The unspecified value."""
        return py.load(span, " unspecified")

    def call(self, node: Call) -> ast.expr:
        """A call, in the way of the dialect."""
        return self.plain_call(node, self.callee)

    def plain_call(self, node: Call, callee_of: CalleeOf) -> ast.expr:
        """A call: procedure first, then arguments, then keyword arguments."""
        values = [value for _, value in node.keywords]
        procedure, *arguments = self.expressions([node.procedure, *node.arguments, *values])
        if not isinstance(node.procedure, LocalRef | GlobalRef | BoxRef | Lambda):
            kept = py.store(node.span, operator_name(node.span))  # for the error if it is none
            procedure = py.at(node.span, ast.NamedExpr(kept, procedure))
        count = len(node.arguments)
        keywords = [
            py.at(node.span, ast.keyword(python_name(name), value))
            for (name, _), value in zip(node.keywords, arguments[count:], strict=True)
        ]
        callee = callee_of(node, procedure)
        return py.at(node.span, ast.Call(callee, arguments[:count], keywords))

    def callee(self, node: Call, procedure: ast.expr) -> ast.expr:
        """The Python callable for the procedure of a call."""
        return procedure

    # ---- statements

    def effect(self, node: Node) -> None:
        """Evaluate ``node`` for its effect."""
        match node:
            case Const():
                return
            case LocalRef() | Lambda():
                # Nobody wants the value, but all bodies of a procedure capture the same variables.
                for variable in free_variables(node):
                    name = py.load(node.span, self.name(variable))
                    self.add(py.at(node.span, ast.Expr(name)))
            case Define() | SetGlobal():
                result = self.set_global(node, self.expression(node.value))
                self.add(py.at(node.span, ast.Expr(result)))
            case BoxSet():
                self.set_box(node)
            case If() | Let() | Letrec() | Sequence() | Loop():
                self.tail(node, EFFECT)
            case _:
                value = self.expression(node)
                if not (isinstance(value, ast.Name) and value.id.startswith(" ")):
                    self.add(py.at(node.span, ast.Expr(value)))

    def set_global(self, node: Define | SetGlobal, value: ast.expr) -> ast.expr:
        """Define or assign a top-level variable."""
        function = " define" if isinstance(node, Define) else " set_global"
        namespace = py.load(node.span, " namespace")
        return py.call(node.span, function, namespace, py.constant(node.span, node.name), value)

    def make_box(self, node: MakeBox) -> ast.expr:
        """A fresh box: a list of one element."""
        return py.at(node.span, ast.List([self.expression(node.value)], py.LOAD))

    def set_box(self, node: BoxSet) -> None:
        """``box[0] = value``."""
        value = self.expression(node.value)
        box = py.load(node.span, self.name(node.variable))
        target = py.item(node.span, box, 0, py.STORE)
        self.add(py.at(node.span, ast.Assign([target], value)))

    def tail(self, node: Node, destination: Destination) -> None:
        """Emit ``node``, its value going to ``destination``."""
        match node:
            case If():
                self.conditional_tail(node, destination)
            case Let() | Letrec():
                self.bind(node)
                self.tail(node.body, destination)
            case Sequence():
                for step in node.steps[:-1]:
                    self.effect(step)
                self.tail(node.steps[-1], destination)
            case Loop():
                self.loop(node, destination)
            case Continue():
                self.go_on(node)
            case _:
                self.deliver(node, destination)

    def deliver(self, node: Node, destination: Destination) -> None:
        """Give the value of a node that is no control structure to ``destination``."""
        if isinstance(destination, Effect):
            self.effect(node)
        elif isinstance(destination, Assign):
            self.add(py.assign(node.span, destination.name, self.expression(node)))
        else:
            self.add(py.returns(node.span, self.expression(node)))

    def bind(self, node: Let | Letrec) -> None:
        """Bind the variables of a ``let`` or ``letrec*`` as Python variables."""
        for variable, value in zip(node.variables, node.values, strict=True):
            self.bind_variable(variable, value)

    def bind_variable(self, variable: Variable, value: Node) -> None:
        """Bind one variable."""
        name = self.name(variable)
        if isinstance(value, Lambda):
            self.procedure(value, name)
        else:
            self.tail(value, Assign(name))

    # ---- procedures

    def function_name(self, node: Lambda) -> str:
        """A hidden Python variable for a procedure that no variable names."""
        return self.temporary()

    def procedure(self, node: Lambda, variable: str) -> ast.expr:
        """Define the eager function of ``node`` as the Python variable ``variable``."""
        inner = self.inner_emitter()
        inner.hidden = self.hidden
        inner.level = self.level + 1
        if inner.level > MOST_PROCEDURES:
            raise ExpandError(
                f"more than {MOST_PROCEDURES} procedures stand inside one another here",
                span=node.span,
                hint="CPython's compiler takes time that grows with the square of their number; "
                "name some of the inner ones by define, at top level",
            )
        definition = inner.function(node, function_name(self.unit, node))
        self.add(definition)
        self.add(py.assign(node.span, variable, py.load(node.span, definition.name)))
        return py.load(node.span, variable)

    def inner_emitter(self) -> Any:
        """The emitter of the eager function of a procedure made here."""
        from eshkol.codegen.eager import EagerEmitter

        return EagerEmitter(self.unit)

    def parameter_list(self, node: Lambda) -> ast.arguments:
        """The Python parameters of a procedure."""
        own = signature(node)
        names: list[str] = []
        defaults: list[ast.expr] = []
        keywords: list[tuple[str, ast.expr | None]] = []
        for name, parameter in zip(own, node.parameters, strict=False):
            default = None if parameter.default is None else self._default(parameter.default)
            if parameter.keyword:
                keywords.append((name, default))
            else:
                names.append(name)
                defaults += [] if default is None else [default]
        rest = None if node.rest is None else own[-1]
        return py.arguments(node.span, names, defaults, rest, keywords)

    def _default(self, default: Node) -> ast.expr:
        """What Python passes for an argument that is not given."""
        return self.constant(default) if _is_plain(default) else py.load(default.span, " missing")

    def prologue(self, node: Lambda) -> None:
        """Fill in defaults that are computed at each call, and make the rest list."""
        own = signature(node)
        self.hidden = self.hidden.union(own, map(self.name, bound_variables(node)))
        for name, parameter in zip(own, node.parameters, strict=False):
            if parameter.default is not None and not _is_plain(parameter.default):
                self._fill_in(name, parameter.default)
            self._copy(name, parameter.variable, node.span)
        if node.rest is not None:
            name, span = own[-1], node.span
            self.add(py.assign(span, name, py.call(span, " rest_list", py.load(span, name))))
            self._copy(name, node.rest, span)

    def _fill_in(self, name: str, default: Node) -> None:
        """Compute the default of a parameter if no argument is given for it."""
        span = default.span
        block, _ = self.in_block(lambda: self.tail(default, Assign(name)))
        is_missing = py.is_identical(span, py.load(span, name), py.load(span, " missing"))
        self.add(py.at(span, ast.If(is_missing, block, [])))

    def _copy(self, parameter: str, variable: Variable, span: Span) -> None:
        """Let the body find an argument under the name that it has for it."""
        name = self.name(variable)
        if name != parameter:
            self.add(py.assign(span, name, py.load(span, parameter)))

    # ---- what the dialects define

    def global_reference(self, node: GlobalRef) -> ast.expr:
        """Read a global variable."""
        raise NotImplementedError

    def conditional(self, node: If) -> ast.expr:
        """An ``if`` as an expression."""
        raise NotImplementedError

    def conditional_tail(self, node: If, destination: Destination) -> None:
        """An ``if`` in tail position."""
        raise NotImplementedError

    def loop(self, node: Loop, destination: Destination) -> None:
        """A loop."""
        raise NotImplementedError

    def go_on(self, node: Continue) -> None:
        """The next trip of a loop."""
        raise NotImplementedError


def _is_plain(node: Node | None) -> TypeGuard[Const]:
    """Whether a default can be a Python default: an immutable constant."""
    return isinstance(node, Const) and isinstance(node.value, bool | int | float | complex | str)


def _is_stable(node: Node) -> bool:
    """Whether evaluating ``node`` later gives the same value and has no effect."""
    return isinstance(node, Const | LocalRef | Lambda)
