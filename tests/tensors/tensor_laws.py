"""Laws that every operation on tensors keeps, checked for a row of a table: a name, arguments and
what they give by another implementation.

The value is the reference's, in float32 and in float64; staged and batched programs give what
eager ones do; slopes are finite differences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jax.test_util
import numpy as np

from eshkol.datum.pairs import NIL, Pair, scheme_list
from eshkol.datum.symbols import Symbol
from eshkol.primitives.catalogue import builtin_namespace
from eshkol.xla.dtypes import wide

SCHEME = builtin_namespace()

TOLERANCE = {"float32": 2e-4, "float64": 1e-9}


class Case(NamedTuple):
    """A call and what it gives."""

    name: str
    arguments: tuple[Any, ...]
    expected: Any
    options: Mapping[str, Any] = MappingProxyType({})

    @property
    def title(self) -> str:
        shapes = [str(np.shape(x)).replace(" ", "") for x in self.arguments if is_tensor(x)]
        rest = [str(x) for x in self.arguments if isinstance(x, int | float | str | Symbol)]
        return "-".join([self.name, *shapes, *rest, *map(str, self.options.values())])


def largest_of_each(cases: list[Case]) -> list[Case]:
    """For each operation its case of the highest rank, without empty tensors."""
    chosen: dict[str, Case] = {}
    for case in cases:
        sizes = [x.size for x in tensors_in(case.arguments, is_floating)]
        if sizes and all(sizes):
            chosen[case.name] = max(chosen.get(case.name, case), case, key=_rank)
    return list(chosen.values())


def _rank(case: Case) -> int:
    return sum(x.ndim for x in tensors_in(case.arguments, is_tensor))


def ids(cases: list[Case]) -> list[str]:
    return [f"{number}-{case.title}" for number, case in enumerate(cases)]


def is_tensor(value: Any) -> bool:
    return isinstance(value, np.ndarray)


def is_floating(value: Any) -> bool:
    return is_tensor(value) and value.dtype.kind == "f"


def replaced(value: Any, change: Callable[[Any], Any], kind: Callable[[Any], bool]) -> Any:
    """``value`` with what is of a kind in it, and in its lists, changed."""
    if isinstance(value, Pair):
        return scheme_list([replaced(item, change, kind) for item in value])
    return change(value) if kind(value) else value


def tensors_in(value: Any, kind: Callable[[Any], bool]) -> Iterator[Any]:
    if isinstance(value, Pair | tuple):
        for item in value:
            yield from tensors_in(item, kind)
    elif kind(value):
        yield value


def leaves(value: Any) -> list[Any]:
    """The arrays and numbers of a result, in order."""
    if value is NIL:
        return []
    if isinstance(value, Pair):
        return leaves(value.car) + leaves(value.cdr)
    if isinstance(value, list | tuple):
        return [leaf for item in value for leaf in leaves(item)]
    return [value]


def program(case: Case, kind: Callable[[Any], bool]) -> Callable[..., tuple[Any, ...]]:
    """The call as a procedure of its tensors."""

    def run(*tensors: Any) -> tuple[Any, ...]:
        rest = iter(tensors)
        arguments = [replaced(x, lambda _: next(rest), kind) for x in case.arguments]
        return tuple(leaves(SCHEME[case.name](*arguments, **case.options)))

    return run


def at(case: Case, dtype: str) -> list[Any]:
    """The tensors of a case, the floating ones of a dtype."""
    with wide():
        return [
            jnp.asarray(x, dtype) if is_floating(x) else jnp.asarray(x)
            for x in tensors_in(case.arguments, is_tensor)
        ]


def assert_close(found: Any, wanted: Any, tolerance: float) -> None:
    assert len(found) == len(wanted)
    for result, reference in zip(found, wanted, strict=True):
        assert np.shape(result) == np.shape(reference)
        np.testing.assert_allclose(
            np.asarray(result), np.asarray(reference), rtol=tolerance, atol=tolerance
        )


def check_value(case: Case, dtype: str) -> None:
    """The value is the reference's, and floats have the dtype of the arguments."""
    results = program(case, is_tensor)(*at(case, dtype))
    expected = case.expected() if callable(case.expected) else case.expected
    assert_close(results, leaves(expected), TOLERANCE[dtype])
    if any(is_floating(x) for x in tensors_in(case.arguments, is_tensor)):
        for result in results:
            if getattr(result, "dtype", None) is not None and result.dtype.kind == "f":
                assert result.dtype == dtype


def check_staged(case: Case) -> None:
    """A staged program gives what the eager one does."""
    run, tensors = program(case, is_tensor), at(case, "float32")
    eager = run(*tensors)
    with wide():
        staged = jax.jit(run)(*tensors)
    assert_close(staged, eager, 2e-5)
    assert [r.dtype for r in staged] == [np.asarray(e).dtype for e in eager]


def check_batched(case: Case) -> None:
    """A batch gives what its examples do."""
    run, tensors = program(case, is_floating), tensors_in(case.arguments, is_floating)
    pairs = [np.stack([x, 0.9 * x]) for x in (np.float32(t) for t in tensors)]
    batched = jax.vmap(run)(*pairs)
    for place in range(2):
        single = run(*[jnp.asarray(pair[place]) for pair in pairs])
        assert_close([leaf[place] for leaf in batched], single, 2e-4)


def check_slopes(case: Case) -> None:
    """Slopes in both modes are finite differences."""
    run = program(case, is_floating)

    def floats(*tensors: Any) -> list[Any]:
        # The differences come as NumPy arrays, which would be taken as float32.
        results = run(*map(jnp.asarray, tensors))
        return [leaf for leaf in results if jnp.result_type(leaf).kind == "f"]

    with wide():
        tensors = [jnp.asarray(x, "float64") for x in tensors_in(case.arguments, is_floating)]
        jax.test_util.check_grads(jax.jit(floats), tensors, order=1, rtol=1e-4, atol=1e-5)
