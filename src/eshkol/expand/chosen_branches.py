"""Calls of ``where`` whose branches are written in them.

``(where test (log x) 0)`` computes the logarithm of every element, also where another value is
chosen; its derivative there may be infinite, and zero times that is NaN. The engine can keep it out
of gradients if it gets the branch as a procedure rather than its value.
"""

from __future__ import annotations

from typing import Any

from eshkol.core.nodes import Call, Const, GlobalRef, Lambda, LocalRef, Node

NAMES = frozenset({"where", "tensor-where"})

SIMPLE = (Const, LocalRef, GlobalRef, Lambda)
"""Branches of these kinds compute nothing."""


def with_procedures(expander: Any, call: Call) -> Node:
    """The call; of ``where``, with procedures in place of the branches that compute something."""
    procedure = call.procedure
    if not isinstance(procedure, GlobalRef) or procedure.name not in NAMES:
        return call
    if len(call.arguments) != 3 or call.keywords or not expander.is_primitive(procedure.name):
        return call
    condition, *branches = call.arguments
    computed = [not isinstance(branch, SIMPLE) for branch in branches]
    if not any(computed):
        return call
    wrapped = [
        Lambda(branch.span, "", (), None, branch) if is_computed else branch
        for branch, is_computed in zip(branches, computed, strict=True)
    ]
    mask = Const(call.span, computed[0] + 2 * computed[1])
    return Call(call.span, GlobalRef(call.span, " where"), (mask, condition, *wrapped), ())
