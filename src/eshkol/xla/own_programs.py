"""What eager code computes with tensors as a program of its own.

A primitive that runs a compiled loop over a procedure would compile it at each call. As a program
of which the procedure is an argument it is found again where the same procedure comes with other
values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eshkol.base.errors import EshkolError
from eshkol.primitives.calling import DIALECT, is_traced
from eshkol.runtime.procedures import procedure_of
from eshkol.xla.control import staging
from eshkol.xla.directions import shown
from eshkol.xla.forms import point_at_call
from eshkol.xla.jit import Jitted
from eshkol.xla.trees import flatten, unflatten

PROGRAMS: dict[Callable[..., Any], Jitted] = {}
"""By the rule that they compute; each has one for every procedure that it was called with."""


def in_program(rule: Callable[..., Any], function: Any, *others: Any) -> Any:
    """What ``rule`` computes: as a part of the program that is compiled, or as one of its own.

    Args:
        rule: of the other arguments.
        function: the procedure that it computes with.
        others: any.
    """
    arguments = (function, *others)
    if DIALECT.resolve is not None:
        return rule(*arguments)
    if procedure_of(function) is None and is_traced():
        # What a Python function captured may be traced, and is not seen.
        return staging(rule, *arguments)
    if rule not in PROGRAMS:
        PROGRAMS[rule] = Jitted(rule)
    jitted = PROGRAMS[rule]
    try:
        result = jitted.call(arguments, {})
    except EshkolError as error:
        point_at_call(error, jitted.structures(arguments, {}))
        raise
    leaves, structure = flatten(result)
    # The program has been waited for, since it can fail: numbers are there.
    return unflatten(structure, [shown(leaf) for leaf in leaves])
