"""Calls that leave the machine, and what is wrong with calls."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from eshkol.base.errors import ArityError, EshkolError
from eshkol.codegen.names import python_name
from eshkol.core.nodes import Call, GlobalRef, LocalRef, Node
from eshkol.datum.write import short_string
from eshkol.primitives.declare import argument_count, arity_error, count_text, usage_text
from eshkol.runtime.dialects import not_a_procedure

if TYPE_CHECKING:
    from eshkol.cek.machine import Machine


def call_python(
    machine: Machine, procedure: Any, arguments: list[Any], keywords: dict[str, Any]
) -> Any:
    """The value of a Python callable: a primitive, a compiled procedure, any other."""
    if not callable(procedure):
        raise _no_procedure(machine, procedure)
    options = {python_name(name): value for name, value in keywords.items()}
    try:
        return procedure(*arguments, **options)
    except TypeError as error:
        refused = misfit_of(machine, procedure, arguments, options) if is_refused(error) else None
        if refused is None:
            raise
        raise refused from None


def is_refused(error: TypeError) -> bool:
    """Whether Python could not make the call; it then ran nothing of what was called."""
    traceback = error.__traceback__
    return traceback is not None and traceback.tb_next is None


def misfit_of(
    machine: Machine,
    procedure: Any,
    arguments: list[Any],
    options: dict[str, Any],
    signature: inspect.Signature | None = None,
) -> EshkolError | None:
    """The error for arguments that don't fit the signature of ``procedure``; None if they do."""
    try:
        signature = signature or inspect.signature(procedure)
    except (TypeError, ValueError):
        return None
    try:
        signature.bind(*arguments, **options)
    except TypeError as complaint:
        return _misfit(machine, procedure, signature, arguments, options, str(complaint))
    return None


def _misfit(
    machine: Machine,
    procedure: Any,
    signature: inspect.Signature,
    arguments: list[Any],
    options: dict[str, Any],
    complaint: str,
) -> EshkolError:
    node, activation = machine.site
    name = _operator_name(node) or _name_of(procedure)
    is_in_prelude = activation is not None and activation.site is not None
    if is_in_prelude or not _is_operator(machine, procedure):
        who = _operator_name(activation.site[0] if is_in_prelude else node)
        own_name = _name_of(procedure)
        hint = "" if own_name == "this procedure" else f"use: {usage_text(own_name, signature)}"
        given = argument_count(len(arguments), len(arguments))
        return ArityError(
            f"{who}: expected a procedure that takes {given}, "
            f"got {short_string(procedure)}, which takes {count_text(signature)}",
            hint=hint,
        )
    if "multiple values" in complaint:
        key = complaint.split("'")[1].replace("_", "-")
        hint = f"use: {usage_text(name, signature)}"
        return ArityError(f"{name}: the argument #:{key} is given twice", hint=hint)
    error = arity_error(name, procedure, tuple(arguments), options)
    if name == "this procedure":
        error.hint = ""
    return error


def _is_operator(machine: Machine, procedure: Any) -> bool:
    """Whether ``procedure`` is what is called at the form that was begun last."""
    operator = machine.operator
    if operator is procedure or machine.site[1] is None:
        return True
    closure = getattr(procedure, "eshkol_cek", None)
    return closure is not None and closure is getattr(operator, "eshkol_cek", None)


def _operator_name(node: Node) -> str:
    """The name of the variable that is called at ``node``; empty if it is no such call."""
    operator = node.procedure if isinstance(node, Call) else None
    if isinstance(operator, LocalRef):
        return operator.variable.name
    return operator.name if isinstance(operator, GlobalRef) else ""


def _name_of(procedure: Any) -> str:
    name = getattr(procedure, "__name__", "lambda")
    return "this procedure" if name in ("lambda", "<lambda>") else name


def _no_procedure(machine: Machine, value: Any) -> EshkolError:
    """The error for calling what is no procedure; it points at the operator."""
    error = not_a_procedure(value)
    node, activation = machine.site
    if isinstance(node, Call) and activation is not None:
        machine.site = node.procedure, activation
    return error
