"""Programs of our own that eager code runs, such as drawing random numbers: stored like any.

What draws a tensor of random numbers takes JAX longer to trace and lower than many a program takes
to run, once in each process for each shape.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import Any

import jax

from eshkol.base.config import CONFIG
from eshkol.xla._compat import trace_state_clean

MOST_KERNELS = 1024
"""So many kernels are kept, counting those for other static arguments."""


class Kernel:
    """A function of arrays that gives one array, with the face of a program (see ``stored``).

    Args:
        function: of arrays and the static arguments.
        words: which tell it, and the static arguments, from all others.
    """

    kinds: tuple[str, ...] = ()
    baked: tuple[Any, ...] = ()
    may_fail = False
    device = None

    def __init__(self, function: Callable[..., Any], words: tuple[str, ...]) -> None:
        from eshkol.xla.stored import StoredFunction, named

        def traced(*arrays: Any) -> Any:
            return function(*arrays)

        self.name = traced.__name__ = traced.__qualname__ = words[0]
        self.jitted = jax.jit(traced)
        self.call = StoredFunction(self, named(words), self.jitted).call

    def replace(self, function: Callable[..., Any], other: Callable[..., Any]) -> None:
        """Call ``other`` from now on."""
        self.call = other

    def check_prepared(self) -> None:
        """It has no exact inputs whose values might be unknown."""

    def used(self) -> tuple[int, ...]:
        """Nothing of what it takes is static."""
        return ()

    def values_of(self, indices: Any) -> list[Any]:
        """Nothing of what it takes is static."""
        return []

    def learn(self, sites: Any) -> bool:
        """It draws from the key that it is given."""
        return not sites

    def note_load(self, indices: Any) -> None:
        """It is no program that anybody counts."""


@lru_cache(MOST_KERNELS)
def _kernel(name: str, make: Callable[..., Any], static: tuple[Hashable, ...]) -> Kernel:
    function = make(*static)
    words = name, make.__module__, make.__qualname__, *(f"{type(s)} {s}" for s in static)
    return Kernel(function, words)


def call_kernel(
    name: str, make: Callable[..., Any], static: tuple[Hashable, ...], *arrays: Any
) -> Any:
    """What the function ``make(*static)`` gives for these arrays.

    Args:
        name: of the function.
        make: a function of one of our modules.
        static: texts, numbers, dtypes, and tuples of them.
        arrays: what it takes; where they are traced, the function is simply called.
    """
    if not trace_state_clean():
        return make(*static)(*arrays)
    kernel = _kernel(name, make, static)
    call = kernel.call if CONFIG.store else kernel.jitted
    return call(*arrays)
