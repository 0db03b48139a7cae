"""The primitive of a call that the program being traced makes of itself.

While the body of a recursive part is traced, a call of it is one equation. Before the program can
run these equations are taken out again (``recursion_blocks``), so they have no other rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
from jax.interpreters import ad, batching

from eshkol.base.errors import StagingError
from eshkol.xla._compat import ClosedJaxpr, JaxprEqn, own_primitive
from eshkol.xla.silence import inner_jaxprs


class Callee:
    """A part of a program that can be called again while it runs.

    Attributes:
        name: for messages.
        active: while it is traced, the tracer of whether it really runs.
        jaxpr: of ``active`` and its arguments, once it is traced.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.active: Any = None
        self.jaxpr: ClosedJaxpr | None = None

    @property
    def body(self) -> ClosedJaxpr:
        """The jaxpr of what has been traced."""
        assert self.jaxpr is not None
        return self.jaxpr


call_p = own_primitive("recursive_call")


def call(
    callee: Callee, operands: Sequence[Any], types: Sequence[Any], is_entry: bool = False
) -> list[Any]:
    """The results of a call.

    Args:
        callee: what is called.
        operands: its arguments; of an entry also its constants.
        types: shapes and dtypes of the results.
        is_entry: whether the call comes from outside of what is called.
    """
    avals = tuple(jax.core.ShapedArray(kind.shape, kind.dtype) for kind in types)
    return call_p.bind(*operands, callee=callee, avals=avals, is_entry=is_entry)


@call_p.def_abstract_eval
def _types(*_: Any, avals: tuple[Any, ...], **__: Any) -> list[Any]:
    return list(avals)


def _has_no_rule(what: str) -> Any:
    def rule(*_: Any, callee: Callee, **__: Any) -> Any:
        raise StagingError(
            f"{callee.name}: this procedure calls itself inside {what} of its own, "
            "and whether it does depends on a traced value",
            hint=f"take {what} of the whole procedure from outside; inside of it, use a loop",
        )

    return rule


ad.primitive_jvps[call_p] = lambda *_, **options: _has_no_rule("a derivative")(**options)
batching.fancy_primitive_batchers[call_p] = lambda *_, **options: _has_no_rule("a vmap")(**options)


def calls_in(jaxpr: Any) -> list[JaxprEqn]:
    """The calls in a jaxpr and in those inside of it."""
    inner = getattr(jaxpr, "jaxpr", jaxpr)
    found: list[JaxprEqn] = []
    for equation in inner.eqns:
        if equation.primitive is call_p:
            found.append(equation)
        for part in inner_jaxprs(equation):
            found += calls_in(part)
    return found


def has_calls(equation: JaxprEqn) -> bool:
    """Whether an equation is a call or has one inside."""
    return equation.primitive is call_p or any(calls_in(part) for part in inner_jaxprs(equation))
