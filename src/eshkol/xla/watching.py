"""``watched``: values of a derivative, whose computation tells when the program runs if it failed.

It is linear in the values and passes them on, so it may stand in what is transposed, where no
callback of JAX may: that part of it is left out there, and what is computed backwards is watched by
itself.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.interpreters import ad, batching, mlir

from eshkol.xla._compat import apply_primitive, own_primitive
from eshkol.xla.dtypes import wide

Report = Callable[[Any], None]
"""What is called when the program runs, with the largest error; it ends with an error."""

watched_p = own_primitive("watched")


def watched(report: Report, wanted: Any, error: Any, values: Sequence[Any]) -> list[Any]:
    """``values``, whose computation has failed if ``error`` is greater than zero.

    Args:
        report: is called if one has failed that is wanted.
        wanted: whether the values are; of the shape of the errors, or one for all.
        error: of each lane.
        values: any.
    """
    wanted = jnp.broadcast_to(wanted if error.shape else jnp.any(wanted), error.shape)
    return watched_p.bind(wanted, error, *values, report=report)


def _run(wanted: Any, error: Any, *values: Any, report: Report) -> list[Any]:
    with wide():
        worst = jnp.max(jnp.where(wanted, error, 0), initial=0)
        _call(report, worst)
        return list(values)


def _call(report: Report, worst: Any) -> None:
    lax.cond(worst > 0, lambda: jax.debug.callback(report, worst, ordered=True), lambda: None)


@functools.cache
def _effects() -> frozenset[Any]:
    return frozenset(jax.make_jaxpr(lambda error: _call(print, error))(0.0).effects)


@watched_p.def_effectful_abstract_eval
def _types(wanted: Any, error: Any, *values: Any, report: Report) -> tuple[list[Any], Any]:
    return list(values), _effects()


def _jvp(primals: Sequence[Any], tangents: Sequence[Any], report: Report) -> tuple[Any, Any]:
    return watched_p.bind(*primals, report=report), list(tangents[2:])


def _transpose(cotangents: Sequence[Any], *_: Any, report: Report) -> list[Any]:
    return [None, None, *cotangents]


def _batch(operands: Sequence[Any], dims: Sequence[Any], report: Report) -> tuple[Any, Any]:
    (size,) = {x.shape[dim] for x, dim in zip(operands, dims, strict=True) if dim is not None}

    def in_front(value: Any, dim: int | None) -> Any:
        if dim is None:
            return jnp.broadcast_to(value, (size, *value.shape))
        return jnp.moveaxis(value, dim, 0)

    told = list(map(in_front, operands[:2], dims[:2]))
    return watched_p.bind(*told, *operands[2:], report=report), list(dims[2:])


watched_p.def_impl(functools.partial(apply_primitive, watched_p))
mlir.register_lowering(watched_p, mlir.lower_fun(_run, multiple_results=True))
ad.primitive_jvps[watched_p] = _jvp
ad.primitive_transposes[watched_p] = _transpose
batching.primitive_batchers[watched_p] = _batch
