"""Calls that leave the machine, and what is wrong with calls."""

from __future__ import annotations

import inspect
import re
from functools import partial
from typing import TYPE_CHECKING, Any

from eshkol.base.errors import ArityError, EshkolError
from eshkol.base.sources import macro_at, text_of
from eshkol.codegen.names import python_name
from eshkol.core.nodes import Call, GlobalRef, LocalRef, Node
from eshkol.datum.signatures import usage_text
from eshkol.datum.write import short_string
from eshkol.primitives.declare import (
    PRIMITIVES,
    argument_count,
    arity_error,
    count_text,
)
from eshkol.runtime.calls import usage_of, use_of
from eshkol.runtime.dialects import not_a_procedure
from eshkol.runtime.procedures import procedure_of

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
        refused = (
            misfit_of(machine, procedure, arguments, options)
            if is_refused(error, procedure)
            else None
        )
        if refused is None:
            raise
        raise refused from None


def is_refused(error: TypeError, procedure: Any) -> bool:
    """Whether the call could not be made if the arguments don't fit the signature.

    Python then ran nothing of what was called, so the traceback ends where it was called. A
    compiled procedure takes any arguments and refuses them later, with an error whose traceback
    may have been cut; its signature is always true.
    """
    traceback = error.__traceback__
    is_compiled = hasattr(procedure, "eshkol_jit")
    return is_compiled or (traceback is not None and traceback.tb_next is None)


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
    if activation is not None and activation.site is not None:
        return _unfit(activation.site[0], procedure, signature, arguments)
    is_direct = _is_operator(machine, procedure)
    if not is_direct and getattr(machine.operator, "__name__", "") in PRIMITIVES:
        return _unfit(node, procedure, signature, arguments)
    name = (is_direct and _operator_name(node)) or _name_of(procedure)
    error: EshkolError = arity_error(name, procedure, tuple(arguments), options)
    if "multiple values" in complaint:
        key = complaint.split("'")[1].replace("_", "-")
        error = ArityError(f"{name}: the argument #:{key} is given twice")
    error.hint = _hint(name, procedure, signature)
    return error


def _unfit(
    node: Node, procedure: Any, signature: inspect.Signature, arguments: list[Any]
) -> EshkolError:
    """The error for a procedure that what is called at ``node`` was given and can't call."""
    given = argument_count(len(arguments), len(arguments))
    return ArityError(
        f"{_operator_name(node)}: expected a procedure that takes {given}, "
        f"got {short_string(procedure)}, which takes {count_text(signature)}",
        hint=_hint(_name_of(procedure), procedure, signature),
    )


def _hint(name: str, procedure: Any, signature: inspect.Signature) -> str:
    """How a procedure is used."""
    node = getattr(getattr(procedure, "eshkol_cek", None), "node", None)
    known = procedure_of(procedure)
    if known is not None:
        node = known.node
    if node is None:
        return use_of(name, partial(usage_text, signature=signature))
    return use_of(name, partial(usage_of, node=node))


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
    if isinstance(operator, GlobalRef):
        return operator.name
    written = text_of(operator.span) if operator else ""  # such as np.sum
    return written if re.fullmatch(r"[^\s()]+", written) else ""


def _name_of(procedure: Any) -> str:
    name = getattr(procedure, "__name__", "lambda")
    return "this procedure" if name in ("lambda", "<lambda>") else name


def _no_procedure(machine: Machine, value: Any) -> EshkolError:
    """The error for calling what is no procedure; it points at the operator."""
    error = not_a_procedure(value)
    node, activation = machine.site
    if isinstance(node, Call) and activation is not None and not macro_at(node.span):
        machine.site = node.procedure, activation
    return error
