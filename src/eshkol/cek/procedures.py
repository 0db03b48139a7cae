"""Procedures: a closure of the machine is a plain Python function.

The machine applies the closure that the function carries. Called from Python or from compiled code,
the function runs a fresh machine.
"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

from eshkol.base.errors import ArityError, StagingError
from eshkol.cek.calls import misfit_of
from eshkol.cek.environment import Activation, Environment
from eshkol.cek.frames import Frame
from eshkol.codegen.names import python_name
from eshkol.core.nodes import Const, Lambda, Node, Parameter, Variable
from eshkol.datum.pairs import scheme_list
from eshkol.primitives.declare import load
from eshkol.runtime.boundary import Boundary
from eshkol.runtime.dialects import NeedsStaging, staged

if TYPE_CHECKING:
    from eshkol.cek.machine import Machine


def make_procedure(node: Lambda, environment: Environment, closure: Closure | None = None) -> Any:
    """The procedure that evaluates a ``lambda`` in ``environment``.

    Attributes:
        eshkol_cek: its closure, a rule of the machine.
        eshkol_staged: what is called instead while a program is traced.
    """

    def procedure(*arguments: Any, **keywords: Any) -> Any:
        try:
            return call_from_python(rule, list(arguments), keywords)
        except NeedsStaging:
            return load("eshkol.xla.control:staging")(rule.staged, *arguments, **keywords)

    procedure.__name__ = procedure.__qualname__ = node.name or "lambda"
    procedure.__doc__ = node.documentation or None
    procedure.__module__ = environment.activation.namespace.name
    procedure.__signature__ = signature_of(node)  # type: ignore[attr-defined]
    rule = closure or Closure(node, environment)
    procedure.eshkol_staged = rule.staged  # type: ignore[attr-defined]
    procedure.eshkol_cek = rule  # type: ignore[attr-defined]
    return procedure


def call_from_python(rule: Any, arguments: list[Any], keywords: dict[str, Any]) -> Any:
    """The value of a fresh machine that begins by applying ``rule``."""
    from eshkol.cek.machine import RUNNING, run

    def start(machine: Machine) -> None:
        rule(machine, arguments, keywords)

    if RUNNING.machines:
        return run(start)
    with Boundary(), Boundary():
        return run(start)


class Closure:
    """A ``lambda`` and the environment that it keeps."""

    __slots__ = ("_compiled", "environment", "node")

    def __init__(self, node: Lambda, environment: Environment) -> None:
        self.node = node
        self.environment = environment
        self._compiled: Any = None

    def compiled(self) -> Any:
        """The compiled procedure that does the same; None if there is none."""
        if self._compiled is None:
            from eshkol.cek.compiled import compile_closure

            self._compiled = compile_closure(self.node, self.environment)
        return self._compiled

    def staged(self, *arguments: Any, **keywords: Any) -> Any:
        """Call the staged body of the compiled procedure."""
        compiled = self.compiled()
        if compiled is None:
            raise StagingError(
                f"{self.node.name or 'lambda'} can't be compiled: it belongs to a program that "
                "keeps continuations, and shares a variable that is assigned",
                span=self.node.span,
                hint="hand the value over as an argument, or define what is to be compiled in a "
                "file of its own, without call/cc",
            )
        return staged(compiled)(*arguments, **keywords)

    def __call__(self, machine: Machine, arguments: list[Any], keywords: dict[str, Any]) -> None:
        """Bind the parameters to the arguments and evaluate the body."""
        node = self.node
        values = self._bind(machine, arguments, keywords)
        environment = Environment(values, self.environment, self._activation(machine))
        if len(values) < len(node.parameters) + (node.rest is not None):
            fill_in(machine, node, environment, 0)
        else:
            machine.evaluate(node.body, environment)

    def _activation(self, machine: Machine) -> Activation:
        outer = self.environment.activation
        node, caller = machine.site
        if outer.site is None:
            around = caller.trips if caller is not None and caller.forms is outer.forms else ()
            trips = outer.forms.sites.trips_begun(around, node, self.node)
            return Activation(self.node.name, outer.namespace, outer.forms, None, trips)
        site = outer.site if caller is None else caller.site or (node, caller)
        return Activation(self.node.name, outer.namespace, outer.forms, site)

    def _bind(
        self, machine: Machine, arguments: list[Any], keywords: dict[str, Any]
    ) -> dict[Any, Any]:
        """The values of the parameters that are given, and of the rest parameter."""
        node, count = self.node, len(arguments)
        positional = [p for p in node.parameters if not p.keyword]
        pairs = zip(positional, arguments, strict=False)
        values: dict[Any, Any] = {p.variable: value for p, value in pairs}
        is_all = count == len(values) == len(node.parameters)
        if is_all and not keywords and node.rest is None:
            return values
        is_fit = count <= len(positional) or node.rest is not None
        named = {python_name(name): value for name, value in keywords.items()}
        for parameter in node.parameters:
            if parameter.variable in values:
                continue
            name = python_name(parameter.keyword or parameter.variable.name)
            if name in named:
                values[parameter.variable] = named.pop(name)
            elif parameter.default is None:
                is_fit = False
        if named or not is_fit:
            raise self._misfit(machine, arguments, keywords)
        if node.rest is not None:
            values[node.rest] = scheme_list(arguments[len(positional) :])
        return values

    def _misfit(self, machine: Machine, arguments: list[Any], keywords: dict[str, Any]) -> Any:
        options = {python_name(name): value for name, value in keywords.items()}
        procedure = make_procedure(self.node, self.environment, self)
        error = misfit_of(machine, procedure, arguments, options)
        return error or ArityError(f"{self.node.name} can't be called with these arguments")


def fill_in(machine: Machine, node: Lambda, environment: Environment, index: int) -> None:
    """Evaluate the defaults of the parameters from ``index`` on that got no argument."""
    for position in range(index, len(node.parameters)):
        parameter = node.parameters[position]
        if parameter.variable in environment.values:
            continue
        assert parameter.default is not None
        frame = Default(machine.stack, node, environment, position)
        machine.push(frame, parameter.default, environment)
        return
    machine.evaluate(node.body, environment)


class Default(Frame):
    """The default of the parameter ``index`` is being evaluated."""

    __slots__ = ("environment", "index", "node")

    def __init__(
        self, outer: Frame | None, node: Lambda, environment: Environment, index: int
    ) -> None:
        self.outer = outer
        self.node = node
        self.environment = environment
        self.index = index

    def resume(self, machine: Machine, value: Any) -> None:
        variable = self.node.parameters[self.index].variable
        values = {**self.environment.values, variable: value}
        around = self.environment
        environment = Environment(values, around.outer, around.activation)
        fill_in(machine, self.node, environment, self.index + 1)

    @property
    def hole(self) -> tuple[Node, Activation] | None:
        default = self.node.parameters[self.index].default
        return None if default is None else (default, self.environment.activation)


# ---- signatures


@functools.lru_cache(maxsize=4096)
def signature_of(node: Lambda) -> inspect.Signature:
    """The parameters of a procedure as Python shows them."""
    shown: list[inspect.Parameter] = []
    for parameter in node.parameters:
        name, default = _unlike(parameter.variable, shown), _default(parameter)
        is_named = bool(parameter.keyword)
        kind = (
            inspect.Parameter.KEYWORD_ONLY if is_named else inspect.Parameter.POSITIONAL_OR_KEYWORD
        )
        shown.append(inspect.Parameter(name, kind, default=default))
    if node.rest is not None:
        place = sum(parameter.kind is not inspect.Parameter.KEYWORD_ONLY for parameter in shown)
        rest = inspect.Parameter(_unlike(node.rest, shown), inspect.Parameter.VAR_POSITIONAL)
        shown.insert(place, rest)
    return inspect.Signature(shown)


def _default(parameter: Parameter) -> Any:
    """What Python shows as the default: None for one that is computed at each call."""
    if parameter.default is None:
        return inspect.Parameter.empty
    return parameter.default.value if isinstance(parameter.default, Const) else None


def _unlike(variable: Variable, parameters: list[inspect.Parameter]) -> str:
    """The Python name of a variable, made to differ from those of ``parameters``."""
    name = python_name(variable.name)
    while any(parameter.name == name for parameter in parameters):
        name += "_"
    return name
