"""Values that outlive the derivative they were computed in.

A procedure that is differentiated may keep what it computes: in a variable, a vector, a table.
When its derivative has been taken, that counts as the plain value that it has, as numbers do that
carry host derivatives (``autodiff.perturbations``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eshkol.xla._compat_traces import current_trace, trace_of


def open_traces() -> list[Any]:
    """What JAX is tracing now, innermost first; values of these can be used."""
    traces = []
    trace = current_trace()
    while trace is not None:
        traces.append(trace)
        trace = getattr(trace, "parent_trace", None)
    return traces


def settled(value: Any, traces: Sequence[Any]) -> Any:
    """``value`` without the derivatives of all but these traces; other values as they are."""
    while hasattr(value, "primal") and not is_of(value, traces):
        value = value.primal
    return value


def is_of(value: Any, traces: Sequence[Any]) -> bool:
    """Whether a tracer belongs to one of these traces."""
    own = trace_of(value)
    tag = getattr(own, "tag", None)
    return any(
        own is trace or (tag is not None and tag is getattr(trace, "tag", None)) for trace in traces
    )
