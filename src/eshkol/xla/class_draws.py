"""Random classes, by weights, and how often each comes."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from eshkol.base.errors import BadValue, ShapeError, WrongType
from eshkol.datum.pairs import Pair
from eshkol.datum.values import Vector
from eshkol.primitives.numbers import is_host_number
from eshkol.xla.arguments import is_sequence, static_flag, static_int, static_shape
from eshkol.xla.chosen_elements import element
from eshkol.xla.draw_limits import WEIGHTS, Parameter, hold
from eshkol.xla.dtypes import INT32, inexact_dtype, wide
from eshkol.xla.key_stream import next_key
from eshkol.xla.random import check_fits
from eshkol.xla.roundings import hidden
from eshkol.xla.samplers import checked, float_kind
from eshkol.xla.tensors import Tracer, as_tensor, cast, describe

_RANDOM = jax.random


def _weights(who: str, value: Any) -> Any:
    """Weights of classes along the last axis, not negative and not all 0."""
    weights = as_tensor(value, who)
    weights = cast(weights, inexact_dtype(weights.dtype, 1))
    if not weights.shape or not weights.shape[-1]:
        raise ShapeError(f"{who}: expected weights of at least one class, got {describe(value)}")
    hold(who, WEIGHTS, (value, weights))
    return weights


def categorical(weights: Any, *sizes: Any) -> Any:
    """The number of a class, chosen by the weights along the last axis."""
    who = "categorical"
    w = _weights(who, weights)
    batch = w.shape[:-1]
    shape = static_shape(sizes, who) if sizes else batch
    check_fits(who, "rows of weights", batch, shape)
    with wide():
        chosen = _categorical(next_key(), w, shape)
    if shape or isinstance(chosen, Tracer):
        return chosen
    return int(chosen)


def _draw_class(key: Any, weights: Any, shape: tuple[int, ...]) -> Any:
    """As ``jax.random.categorical``, whose indices have 64 bits where there are such numbers."""
    noise = _RANDOM.gumbel(key, (*shape, weights.shape[-1]), weights.dtype)
    # The logarithm of 0 is -inf, which is never chosen.
    return lax.argmax(noise + jnp.log(*hidden(key, weights)), len(shape), INT32)


_categorical = jax.jit(_draw_class, static_argnums=2)


def choice(values: Any, *sizes: Any, weights: Any = None, replace: Any = True) -> Any:
    """Elements of a list, vector or tensor at random."""
    who = "random-choice"
    rows = values if is_sequence(values) else np.arange(static_int(values, who, "a count"))
    count = len(list(rows)) if isinstance(rows, Pair) else len(rows)
    shape = static_shape(sizes, who)
    if hasattr(replace, "dtype"):
        replace = static_flag(replace, who, "replace")
    if replace.__class__ is not bool:
        raise WrongType(f"{who}: expected #t or #f as replace, got {describe(replace)}")
    if not count or (not replace and math.prod(shape) > count):
        raise BadValue(f"{who}: {math.prod(shape)} of {count} elements can't be chosen")
    p = None if weights is None else _weights(who, weights)
    if p is not None and p.shape != (count,):
        raise ShapeError(f"{who}: {count} elements and weights {describe(p)}")
    if p is not None and not replace and not isinstance(p, Tracer):
        possible = int((np.asarray(p) > 0).sum())
        if math.prod(shape) > possible:
            raise BadValue(
                f"{who}: {math.prod(shape)} of {possible} elements with a weight can't be chosen"
            )
    with wide():
        if p is None:
            # Of whole numbers alone, which need no program of their own for each count.
            places = _RANDOM.choice(next_key(), count, shape, replace)
        else:
            places = _places(next_key(), p, count, shape, replace)
        if isinstance(rows, Pair | list) and isinstance(places, Tracer):
            items = list(rows)
            if not shape or not all(map(_is_numeric, items)):
                return _chosen(who, items, places)
        if not isinstance(rows, Pair | list) or isinstance(places, Tracer):
            return jnp.asarray(as_tensor(rows, who))[places.astype(INT32)]
    return _at(list(rows), np.asarray(places).tolist())


def _is_numeric(item: Any) -> bool:
    return is_host_number(item) or is_sequence(item) or hasattr(item, "dtype")


def _chosen(who: str, items: list[Any], places: Any) -> Any:
    """The items at places that only the running program knows: values of one of several kinds."""
    if not places.shape:
        return element(who, items, places)
    return Vector(_chosen(who, items, place) for place in places)


def _draw_places(key: Any, weights: Any, count: int, shape: tuple[int, ...], replace: bool) -> Any:
    (w,) = hidden(key, weights)
    return _RANDOM.choice(key, count, shape, replace, w / w.sum())


_places = jax.jit(_draw_places, static_argnums=(2, 3, 4))


def _at(items: list[Any], places: Any) -> Any:
    """The items at places, which stand in lists of lists."""
    if places.__class__ is int:
        return items[places]
    return Vector(_at(items, place) for place in places)


def dirichlet(concentration: Any, *sizes: Any, dtype: Any = None) -> Any:
    """Probabilities of classes along the last axis."""
    who = "random-dirichlet"
    alpha = checked(who, Parameter("concentration", "positive"), concentration)
    if not alpha.shape:
        raise ShapeError(f"{who}: expected a tensor of rank 1 or more, got {describe(alpha)}")
    if not alpha.shape[-1]:
        raise ShapeError(f"{who}: expected at least one class, got {describe(alpha)}")
    kind = float_kind(who, dtype, alpha)
    shape = (*static_shape(sizes, who), *alpha.shape[:-1])
    with wide():
        return _dirichlet(next_key(), cast(alpha, kind), shape, kind)


def _draw_probabilities(key: Any, alpha: Any, shape: tuple[int, ...], kind: Any) -> Any:
    (a,) = hidden(key, alpha)
    return _RANDOM.dirichlet(key, a, shape, kind)


_dirichlet = jax.jit(_draw_probabilities, static_argnums=(2, 3))


def multinomial(trials: Any, weights: Any, *sizes: Any) -> Any:
    """How many of the trials give each class, along the last axis; int32."""
    who = "random-multinomial"
    count = checked(who, Parameter("number of trials", "whole"), trials)
    if count.shape:
        raise ShapeError(f"{who}: expected one number of trials, got {describe(count)}")
    w = _weights(who, weights)
    shape = static_shape(sizes, who) if sizes else w.shape[:-1]
    check_fits(who, "rows of weights", w.shape[:-1], shape)
    with wide():
        p = cast(w / w.sum(-1, keepdims=True), np.dtype("float32"))
        p = jnp.broadcast_to(p, (*shape, w.shape[-1]))
        return _multinomial(next_key(), cast(count, p.dtype), p)


@jax.jit
def _multinomial(key: Any, trials: Any, p: Any) -> Any:
    # The sizes are those of p: what JAX means by a shape has changed.
    return _RANDOM.multinomial(key, *hidden(key, trials, p)).astype(INT32)
