"""Effects of staged programs: output happens when the compiled program runs, in order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from eshkol.datum.values import UNSPECIFIED
from eshkol.xla.trees import flatten, unflatten
from eshkol.xla.witness import tracer_of


def output(primitive: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Call an output primitive when the compiled program runs, with the values it then has."""
    leaves, structure = flatten((arguments, options))
    traced = [tracer_of(leaf) for leaf in leaves]
    indices = [i for i, leaf in enumerate(traced) if isinstance(leaf, jax.core.Tracer)]

    def show(*values: Any) -> None:
        shown = list(traced)
        for index, value in zip(indices, values, strict=True):
            shown[index] = value
        final, keywords = unflatten(structure, shown)
        primitive(*final, **keywords)

    jax.debug.callback(show, *[traced[i] for i in indices], ordered=True)
    return UNSPECIFIED
