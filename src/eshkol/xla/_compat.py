"""The names of JAX's inside that can't be avoided: all of them, and only here.

They are the same in jax 0.10.2 and 0.12, or this module makes them so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jax._src.dispatch import apply_primitive
from jax._src.effects import JaxprInputEffect, control_flow_allowed_effects
from jax._src.interpreters.ad import jvp_jaxpr
from jax._src.interpreters.batching import batch_jaxpr
from jax._src.interpreters.partial_eval import convert_constvars_jaxpr, dce_jaxpr
from jax._src.util import weakref_lru_cache
from jax.extend.core import ClosedJaxpr

__all__ = [
    "JaxprInputEffect",
    "apply_primitive",
    "batch_jaxpr",
    "control_flow_allowed_effects",
    "detach_constants",
    "eliminate",
    "jvp_jaxpr",
    "weakref_lru_cache",
]


def detach_constants(jaxpr: ClosedJaxpr) -> tuple[ClosedJaxpr, list[Any]]:
    """The jaxpr with its constants as its first arguments, and the constants."""
    constants = list(jaxpr.consts)
    if hasattr(jaxpr, "with_consts"):
        return jaxpr.with_consts(()), constants
    return ClosedJaxpr(convert_constvars_jaxpr(jaxpr.jaxpr), ()), constants


def eliminate(
    jaxpr: ClosedJaxpr, used: Sequence[bool], keep: Sequence[bool]
) -> tuple[ClosedJaxpr, list[bool]]:
    """The jaxpr without what only unused results need, and which arguments it still has.

    Args:
        jaxpr: any.
        used: for each result whether it is used.
        keep: for each argument whether it stays in any case.
    """
    smaller: Any
    smaller, reads = dce_jaxpr(jaxpr.jaxpr, list(used), list(keep))
    is_closed = hasattr(smaller, "with_consts")
    return smaller if is_closed else ClosedJaxpr(smaller, jaxpr.consts), list(reads)
