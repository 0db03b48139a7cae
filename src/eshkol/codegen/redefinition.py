"""What happens to compiled code when a program defines the name of a primitive that it uses."""

from __future__ import annotations

import gc
from types import CodeType, FunctionType
from typing import Any

from eshkol.codegen.inlining import INLINED
from eshkol.codegen.unit import eager_code
from eshkol.core.free import global_names
from eshkol.runtime.procedures import (
    Procedure,
    functions_on_ints,
    procedure_of,
    procedures_of_units,
)


def forget_primitive(name: str, units: list[Any], variables: dict[str, Any]) -> None:
    """Let code mean the variable ``name`` where it meant the primitive.

    Most code finds out by itself, since a variable hides a primitive. Staged bodies, and eager
    ones into which the primitive was inlined, are compiled again; functions that exist already get
    the new code.

    Args:
        name: what is defined now.
        units: the compilations of the namespace that rely on the primitive.
        variables: the namespace's.
    """
    procedures = [p for p in procedures_of_units(units) if name in global_names(p.node)]
    for unit in units:
        unit.primitives.discard(name)
    for procedure in procedures:
        procedure.staged = procedure.numbering = None
    if name in INLINED:
        _renew(procedures, variables)


def forget_ints(function: FunctionType) -> None:
    """Make ordinary functions of those that ``function``, a procedure of ints, hands over to.

    They call the variables of their group's names again, of which one has another value now.
    Those that a file which is loaded again has defined under the same names stay.
    """
    own = procedure_of(function)
    assert own is not None
    variables = function.__globals__
    group: dict[str, Procedure] = {}
    stack = [function]
    while stack:
        for name in set(functions_on_ints(stack.pop())) - group.keys():
            procedure = procedure_of(variables[name])
            if procedure is not None and procedure.unit is own.unit:
                group[name] = procedure
                stack.append(variables[name])
    for name, procedure in group.items():
        variables[name].__code__ = eager_code(procedure)


def _renew(procedures: list[Procedure], variables: dict[str, Any]) -> None:
    """Give the functions of ``procedures`` newly compiled code."""
    codes = [procedure.code for procedure in procedures]
    renewed: dict[int, CodeType] = {}
    for function in gc.get_referrers(*codes):
        if function.__class__ is not FunctionType or function.__globals__ is not variables:
            continue
        key = id(function.__code__)
        if key not in renewed:
            procedure = procedure_of(function)
            assert procedure is not None
            renewed[key] = eager_code(procedure)
        function.__code__ = renewed[key]
