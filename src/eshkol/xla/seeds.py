"""Making keys of keys: by numbers, by names, of seeds; and counting modulo 2**32."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from eshkol.xla.dtypes import INT64
from eshkol.xla.kernels import call_kernel
from eshkol.xla.tensors import Tracer, cast

MASK = 0xFFFFFFFF

THREEFRY = "threefry2x32"


def key_of_seed(seed: int) -> Any:
    """The threefry key of an exact integer: ``jax.random.key(seed)``, without regard to x64."""
    words: Any = np.array([(seed >> 32) & MASK, seed & MASK], np.uint32)
    return jax.random.wrap_key_data(words, impl=THREEFRY)


def fold(key: Any, number: Any) -> Any:
    """A key for each number, from a key."""
    if isinstance(key, Tracer) or isinstance(number, Tracer):
        return jax.random.fold_in(key, number)
    return call_kernel("fold", _folding, (), key, number)


_fold_kernel = jax.jit(jax.random.fold_in)


def _folding() -> Any:
    return _fold_kernel


def fold_twice(key: Any, one: int, other: int) -> Any:
    """A known key folded with two numbers."""
    return call_kernel("fold-twice", _folding_twice, (), key, np.uint32(one), np.uint32(other))


_fold_twice_kernel = jax.jit(lambda key, one, other: fold_all(key, (one, other))[-1])


def _folding_twice() -> Any:
    return _fold_twice_kernel


def key_of_names(key: Any, path: Sequence[str]) -> Any:
    """The key of the draws whose path has these names."""
    for name in path:
        digest = hashlib.blake2b(name.encode(errors="surrogatepass"), digest_size=4).digest()
        key = fold(key, np.uint32(int.from_bytes(digest, "big")))
    return key


def fold_all(key: Any, numbers: Sequence[Any]) -> list[Any]:
    """The keys that a traced key becomes as it is folded with one number after the other.

    On the CPU, JAX's own ``fold_in`` becomes a loop of its own, which takes several times as long.
    """
    words = [as_word(number) for number in numbers]
    if jax.random.key_impl(key) != THREEFRY or key.shape:
        return list(accumulate(words, jax.random.fold_in, initial=key))[1:]
    found = _fold_words(jax.random.key_data(key), jnp.stack(words))
    return [jax.random.wrap_key_data(found[i], impl=THREEFRY) for i in range(len(words))]


@jax.jit
def _fold_words(words: Any, numbers: Any) -> Any:
    """The words of a key after each of some numbers that it is folded with."""

    def step(words: Any, number: Any) -> Any:
        after = jnp.stack(_rounds(words[0], words[1], number))
        return after, after

    return lax.scan(step, words, numbers)[1]


def _rounds(first: Any, second: Any, number: Any) -> tuple[Any, Any]:
    """The words of a key folded with a number: see ``folded_words``."""
    schedule = (first, second, lax.bitwise_xor(lax.bitwise_xor(first, second), _PARITY))
    second = lax.add(second, number)
    for step in range(5):
        for rotation in _ROTATIONS[step % 2]:
            first = lax.add(first, second)
            left = lax.shift_left(second, np.uint32(rotation))
            right = lax.shift_right_logical(second, np.uint32(32 - rotation))
            second = lax.bitwise_xor(lax.bitwise_or(left, right), first)
        first = lax.add(first, schedule[(step + 1) % 3])
        second = lax.add(lax.add(second, schedule[(step + 2) % 3]), np.uint32(step + 1))
    return first, second


def folded_words(words: tuple[int, int], number: int) -> tuple[int, int]:
    """The words of ``fold`` of the threefry key with these words, computed by Python.

    Threefry with 20 rounds of two words, as of Salmon, Moraes, Dror and Shaw, "Parallel random
    numbers: as easy as 1, 2, 3" (2011). It takes a few microseconds; JAX takes many times as long
    to begin.
    """
    schedule = (*words, words[0] ^ words[1] ^ int(_PARITY))
    first, second = schedule[0], (number + schedule[1]) & MASK
    for step in range(5):
        for rotation in _ROTATIONS[step % 2]:
            first = (first + second) & MASK
            second = ((second << rotation | second >> (32 - rotation)) & MASK) ^ first
        first = (first + schedule[(step + 1) % 3]) & MASK
        second = (second + schedule[(step + 2) % 3] + step + 1) & MASK
    return first, second


_PARITY = np.uint32(0x1BD11BDA)

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))


def sum_of_counts(a: Any, b: Any) -> Any:
    """The sum of two counts modulo 2**32, a NumPy number if both are known."""
    if a.__class__ is int and b.__class__ is int:
        return np.uint32((a + b) & MASK)
    return lax.add(as_word(a), as_word(b))


def as_long(count: Any) -> Any:
    """A count as an array of 64 bits."""
    return cast(count, INT64) if hasattr(count, "dtype") else np.int64(count)


def as_word(count: Any) -> Any:
    """A count as 32 bits."""
    if hasattr(count, "dtype"):
        return lax.convert_element_type(count, np.uint32)
    return np.uint32(count & MASK)
