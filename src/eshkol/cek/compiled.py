"""The compiled form of a closure, for tracing: the machine itself can't follow a traced condition.

Where a closure is staged, or taken apart as a structure that holds tensors, its compiled form takes
its place: the same ``lambda``, compiled, with the captured values in Python's cells.
"""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any

from eshkol.codegen.unit import compile_program
from eshkol.core.free import free_variables
from eshkol.core.nodes import Lambda, Parameter, Variable
from eshkol.datum.values import UNASSIGNED
from eshkol.runtime.procedures import finish_code

if TYPE_CHECKING:
    from eshkol.cek.environment import Activation, Environment


def compile_closure(node: Lambda, environment: Environment) -> Any:
    """The compiled procedure of a ``lambda`` in ``environment``.

    None if it captures a variable that is assigned somewhere: that needs a location shared with the
    machine, which compiled code doesn't have.
    """
    captured = list(free_variables(node))
    values = [environment.holder(variable)[variable] for variable in captured]
    is_shared = any(environment.is_assigned(variable) for variable in captured)
    if is_shared or any(value is UNASSIGNED for value in values):
        return None
    return _maker(node, captured, environment.activation)(*values)


def _maker(node: Lambda, captured: list[Variable], activation: Activation) -> Any:
    """The compiled procedure that takes the captured values and gives the procedure."""
    namespace, forms = activation.namespace, activation.forms
    parameters = tuple(Parameter(variable) for variable in captured)
    outer = Lambda(node.span, "captured", parameters, None, node)
    defined = namespace.variables
    primitives = [name for name in namespace.builtins if name not in defined]
    code, unit = compile_program([outer], node.span, primitives, forms.sites)
    defined.update(unit.hidden_globals())
    namespace.units.add(unit)
    return FunctionType(finish_code(code, unit), defined)()
