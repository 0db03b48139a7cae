"""``gradient``, ``derivative`` and ``vmap`` of procedures on tensors and structures of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from eshkol.autodiff.plain import to_float
from eshkol.base.config import CONFIG
from eshkol.base.errors import ShapeError, StagingError, WrongType
from eshkol.datum.pairs import Pair
from eshkol.datum.values import Vector
from eshkol.datum.variables import TensorVariable, value_of
from eshkol.datum.write import short_string
from eshkol.primitives.calling import callee
from eshkol.primitives.declare import load
from eshkol.primitives.points import split_aux
from eshkol.runtime.dialects import staged
from eshkol.runtime.tracebacks import Shortened
from eshkol.xla import key_stream
from eshkol.xla.control import attempt
from eshkol.xla.dtypes import BOOL, COMPLEX128, FLOAT64, INT64, default_dtype, wide
from eshkol.xla.effects import completed, failures
from eshkol.xla.graphs import UNION
from eshkol.xla.host_arrays import on_device
from eshkol.xla.keys import Source, drawing_from
from eshkol.xla.lasting import Lanes, Lasting
from eshkol.xla.mapped_axes import argument_axes, leaf_axes, moved
from eshkol.xla.notes import note
from eshkol.xla.outlived import open_traces, settled
from eshkol.xla.seeds import fold
from eshkol.xla.tensors import as_tensor, describe
from eshkol.xla.trees import (
    BUFFER,
    COMPLEX,
    EXACT,
    REAL,
    TENSOR,
    Structure,
    flatten,
    flatten_with_variables,
    unflatten,
)
from eshkol.xla.unions import Union, dispatch, of_lanes
from eshkol.xla.variables import update, write_back
from eshkol.xla.witness import tracer_of


def is_inexact(leaf: Any) -> bool:
    """Whether a leaf is a tensor of real or complex numbers."""
    return hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jnp.inexact)


def differentiable(structure: Structure, leaves: Sequence[Any]) -> list[int]:
    """The indices of the leaves of a point that are differentiated.

    Inexact tensors are, unless they are buffers; numbers only outside of closures, where they are
    the point itself.
    """
    found: list[int] = []
    _visit(structure, leaves, iter(range(len(leaves))), False, found)
    return found


def _visit(
    structure: Structure, leaves: Sequence[Any], indices: Any, in_closure: bool, found: list[int]
) -> None:
    if structure.__class__ is str:
        index = next(indices)
        if _is_wanted(structure, leaves[index], in_closure):
            found.append(index)
        return
    if structure == BUFFER:
        next(indices)
        return
    inside = in_closure or structure[0] == "closure"
    for child in structure[2]:
        _visit(child, leaves, indices, inside, found)


def _is_wanted(kind: str, leaf: Any, in_closure: bool) -> bool:
    if in_closure:
        return is_inexact(leaf) and not _is_real(leaf)
    return is_inexact(leaf) or kind in (REAL, COMPLEX, EXACT)


def _is_real(leaf: Any) -> bool:
    """Whether an array is a Scheme real that a compiled program has computed."""
    return leaf.shape == () and leaf.dtype == FLOAT64 and default_dtype() != FLOAT64


class Point:
    """The part of the arguments that is differentiated, taken apart."""

    def __init__(self, who: str, value: Any) -> None:
        self.who = who
        self.value = value
        whole, self.structure, self.variables = flatten_with_variables(value)
        if not self.variables:
            whole, self.structure = rationals_as_leaves(whole, self.structure)
        self.leaves = [value_of(leaf) for leaf in whole] if self.variables else whole
        self.copies: list[TensorVariable] = []
        self.indices = differentiable(self.structure, self.leaves)
        if not self.indices:
            raise WrongType(
                f"{who}: nothing to differentiate in {short_string(value)}",
                hint="the point is a number, a tensor, or a structure or closure that holds "
                "inexact tensors",
            )

    def arrays(self) -> list[Any]:
        """The differentiated leaves as arrays; numbers are doubles."""
        return [jnp.asarray(inexact_array(self.leaves[index])) for index in self.indices]

    def rebuilt(self, arrays: Sequence[Any]) -> Any:
        """The point with these arrays as its differentiated leaves; variables are copies."""
        self.copies = []
        return unflatten(self.structure, self._filled(arrays), variables=self.copies)

    def _filled(self, arrays: Sequence[Any]) -> list[Any]:
        leaves = list(self.leaves)
        for index, array in zip(self.indices, arrays, strict=True):
            leaves[index] = array
        return leaves

    @contextmanager
    def given(self, arrays: Sequence[Any]) -> Iterator[Any]:
        """The point as a procedure is given it; what it writes into variables, these hold."""
        value = self.rebuilt(arrays)
        copies = self.copies
        held = [copy.tensor for copy in copies]
        yield value
        write_back(self.who, self.variables, copies, held)

    def filled(self, parts: Sequence[Any]) -> Any:
        """What the point is, with anything in place of its differentiated leaves."""
        return without_variables(self.structure, self._filled(parts))

    def updated(self, arrays: Sequence[Any]) -> Any:
        """The point with these arrays, which its variables hold from now on."""
        leaves = self._filled(arrays)
        value = unflatten(self.structure, leaves)
        if not self.variables:
            return value
        update(self.who, self.value, value)
        return unflatten(self.structure, leaves, kept=self.variables)

    def gradient(self, arrays: Sequence[Any]) -> Any:
        """The gradient: the shape of the point, numbers where the point has numbers."""
        shown = [
            number_if_rank_0(array) if not hasattr(self.leaves[index], "dtype") else array
            for index, array in zip(self.indices, arrays, strict=True)
        ]
        return self.filled(shown)


def without_variables(structure: Structure, leaves: Sequence[Any]) -> Any:
    """The value with these leaves, in which what variables hold stands in their place.

    In a closure they stay variables, since its code updates them.
    """
    return unflatten(outside_of_closures(structure), leaves)


def rationals_as_leaves(leaves: Sequence[Any], structure: Structure) -> tuple[list[Any], Structure]:
    """The same with leaves for the rationals and long integers that are not captured."""
    given, found = iter(leaves), []

    def visit(part: Structure, in_closure: bool) -> Structure:
        if part.__class__ is str:
            found.append(next(given))
            return part
        tag, details, children = part
        if tag == "static" and details.is_exact and not in_closure:
            found.append(to_float(details.value))
            return REAL
        inside = in_closure or tag == "closure"
        return (tag, details, tuple([visit(child, inside) for child in children]))

    return found, visit(structure, False)


def outside_of_closures(structure: Structure) -> Structure:
    """The structure with tensors for the variables that are not captured."""
    if structure.__class__ is str or structure[0] == "closure":
        return structure
    if structure[0] == "variable":
        return structure[2][0]
    return (structure[0], structure[1], tuple(map(outside_of_closures, structure[2])))


def number_if_rank_0(array: Any) -> Any:
    """An array of rank 0 as the number it holds, if that is known; any other as it is."""
    return array if array.shape or isinstance(array, jax.core.Tracer) else array.item()


def value_and_gradient(
    who: str, function: Callable[..., Any], arguments: Sequence[Any], wrt: int, has_aux: bool
) -> tuple[Any, Any]:
    """The value of ``function`` and its gradient with respect to argument ``wrt``.

    Args:
        who: the primitive, for messages.
        function: the procedure; its value is one number, or with ``has_aux`` a list or tuple of
            that number and anything else.
        arguments: all arguments.
        wrt: the index of the argument to differentiate.
        has_aux: whether the value has a second part that is not differentiated.
    """
    note("gradient", who=who)
    with wide(), completed():
        point = Point(who, arguments[wrt])
        found: dict[str, Any] = {}
        traces = open_traces()

        def scalar(arrays: Sequence[Any]) -> tuple[Any, list[Any]]:
            changed = list(arguments)
            lasting = Lasting(who, traces, not found)
            with point.given(arrays) as changed[wrt], Shortened(), lasting:
                value = callee(function)(*changed)
            main, aux = split_aux(who, value) if has_aux else (value, None)
            leaves, found["structure"] = flatten(aux)
            found["is_array"] = [hasattr(tracer_of(leaf), "dtype") for leaf in leaves]
            found["leaves"] = leaves
            traced = [tracer_of(x) for x in leaves if hasattr(tracer_of(x), "dtype")]
            main = scalar_result(who, main)
            return main, [main, *traced]

        arrays = point.arrays()
        (value, *traced), gradients = _differentiate(who, scalar, arrays)
        if CONFIG.checked:
            load("eshkol.xla.checks:check_numbers")(who, gradients, [value, arrays])
        if not has_aux:
            return value, point.gradient(gradients)
        results = iter(traced)
        leaves = [
            next(results) if is_array else leaf
            for is_array, leaf in zip(found["is_array"], found["leaves"], strict=True)
        ]
        return (value, unflatten(found["structure"], leaves)), point.gradient(gradients)


FORWARD_SIZE = 64
"""Up to so many numbers are differentiated by forward mode where reverse mode can't be."""

_NO_REVERSE = "Reverse-mode differentiation does not work for lax.while_loop"


def check_has_forward_mode(who: str, error: ValueError, arrays: Sequence[Any]) -> None:
    """Raise, unless ``lax.while_loop``, which has no reverse mode, is to blame and few numbers are
    differentiated, so that forward mode is cheap."""
    if _NO_REVERSE not in str(error):
        raise error
    if sum(array.size for array in arrays) > FORWARD_SIZE:
        raise StagingError(
            f"{who}: Python code that the procedure calls runs lax.while_loop, whose gradient "
            "can't be taken backwards",
            hint="write the loop in Scheme, where every loop has one, or as lax.fori_loop with a "
            "known number of trips",
        ) from None


def _differentiate(
    who: str, scalar: Callable[..., tuple[Any, list[Any]]], arrays: list[Any]
) -> tuple[list[Any], list[Any]]:
    """The second result of ``scalar`` and the gradient of the first, by reverse mode.

    Python code may run ``lax.while_loop``, which has no reverse mode, unlike loops of programs;
    few numbers are then differentiated forward.
    """
    try:
        value, pull, results = jax.vjp(scalar, arrays, has_aux=True)
        gradients = pulled_back(value, pull)
    except ValueError as error:
        check_has_forward_mode(who, error, arrays)
        gradients, results = jax.jacfwd(scalar, has_aux=True)(arrays)
    return results, gradients


def pulled_back(value: Any, pull: Callable[[Any], Any]) -> list[Any]:
    """The gradient of a number, which is complex where the number is."""
    (gradients,) = pull(jnp.ones_like(value))
    if value.dtype.kind != "c":
        return gradients
    (turned,) = pull(jnp.full_like(value, -1j))
    return [
        real if real.dtype.kind == "c" else lax.complex(real, imaginary)
        for real, imaginary in zip(gradients, turned, strict=True)
    ]


def scalar_result(who: str, value: Any) -> Any:
    """The value of a differentiated procedure as a rank-0 inexact array."""
    if value.__class__ is Union:
        return dispatch(value, partial(scalar_result, who))
    value = settled(tracer_of(value_of(value)), open_traces())
    if value.__class__ in (int, float, Fraction):
        return jnp.asarray(to_float(value), FLOAT64)
    if value.__class__ is complex:
        return jnp.asarray(value, COMPLEX128)
    if not hasattr(value, "dtype") or value.shape != () or value.dtype == BOOL:
        raise WrongType(
            f"{who} is defined for procedures that give one number, got {describe(value)}",
            hint="reduce it to a number, as in (tensor-sum …), or use jacobian",
        )
    return jnp.asarray(value) if is_inexact(value) else jnp.asarray(value, FLOAT64)


def inexact_array(leaf: Any) -> Any:
    """A leaf of what a procedure gave as an inexact array; a number is a double."""
    leaf = tracer_of(leaf)
    if is_inexact(leaf):
        return leaf
    if hasattr(leaf, "dtype"):
        return jnp.asarray(leaf, FLOAT64)
    return on_device(np.asarray(leaf, COMPLEX128 if leaf.__class__ is complex else FLOAT64))


# ---- vmap


def vmap(
    function: Callable[..., Any],
    arguments: Sequence[Any],
    in_axes: Any,
    out_axes: Any,
    options: Mapping[str, Any] | None = None,
) -> Any:
    """Map ``function`` over an axis of its arguments, and over the first axis of its options."""
    axes = argument_axes(arguments, in_axes)
    if options:
        count, called = len(arguments), function
        axes += [0] * len(options)
        arguments = [*arguments, *options.values()]

        def function(*parts: Any) -> Any:
            named = dict(zip(options, parts[count:], strict=True))
            return callee(called)(*parts[:count], **named)

    taken = [
        flatten(_as_mapped(argument) if axis.__class__ is int else argument)
        for argument, axis in zip(arguments, axes, strict=True)
    ]
    mapped: list[int | None] = []
    arrays: list[Any] = []
    for (leaves, structure), own in zip(taken, axes, strict=True):
        for leaf, axis in zip(leaves, leaf_axes(own, structure), strict=True):
            # A tensor of rank 0 is a number, and a number is the same for every call.
            mapped.append(None if getattr(leaf, "shape", ()) == () else axis)
            arrays.append(leaf)
    _check_sizes(arrays, mapped)
    return _run_mapped(function, taken, arrays, mapped, out_axes)


def _as_mapped(value: Any) -> Any:
    """A vector or list of numbers is mapped over as a tensor."""
    if isinstance(value, Vector | Pair) and all(map(_is_number, value)):
        return as_tensor(value, "vmap")
    return value


def _is_number(value: Any) -> bool:
    return value.__class__ in (int, float, complex) or getattr(value, "shape", None) == ()


def _check_sizes(arrays: Sequence[Any], axes: Sequence[int | None]) -> None:
    sizes = []
    for array, axis in zip(arrays, axes, strict=True):
        if axis is None:
            continue
        if not -len(array.shape) <= axis < len(array.shape):
            raise ShapeError(
                f"vmap: {describe(array)} has no axis {axis} to map over",
                hint="#:in-axes says for each argument which axis is mapped, or #f: it is the same "
                "for every call",
            )
        sizes.append(array.shape[axis])
    if not sizes:
        raise WrongType(
            "vmap: no argument has an axis to map over",
            hint="pass tensors; a number is the same for every call",
        )
    if len(set(sizes)) > 1:
        shown = ", ".join(map(str, sizes))
        raise ShapeError(
            f"vmap: the mapped axes have different sizes: {shown}",
            hint="each argument has one element per call along its mapped axis; #:in-axes says "
            "which axis that is,\nand #f there that an argument is the same for every call",
        )


def _run_mapped(
    function: Callable[..., Any],
    taken: Sequence[tuple[list[Any], Structure]],
    arrays: Sequence[Any],
    axes: Sequence[int | None],
    out_axes: Any,
) -> Any:
    found: dict[str, Any] = {}
    mapped = [i for i, axis in enumerate(axes) if axis is not None]
    drawing = key_stream.Upcoming(sys._getframe(1))
    is_numbering = drawing.source is None or drawing.source.is_numbering

    def one(lane: Any, *lanes: Any) -> list[Any]:
        leaves = list(arrays)
        for index, leaf in zip(mapped, lanes, strict=True):
            leaves[index] = leaf
        arguments, start = [], 0
        for own, structure in taken:
            arguments.append(unflatten(structure, leaves[start : start + len(own)]))
            start += len(own)
        with Lanes(function):
            source = Source(lambda: fold(drawing.key(), lane), is_numbering=is_numbering)
            value = drawing_from(source, lambda: attempt(staged(function), arguments, {}))
            results, found["structure"] = rationals_as_leaves(*flatten(value))
        found["has_drawn"] = source.has_drawn
        return [_result_array(leaf) for leaf in results]

    with wide():
        in_axes = (0, *(axes[index] for index in mapped))
        operands = [jnp.asarray(arrays[i]) for i in mapped]
        lanes = _lane_numbers(operands[0], axes[mapped[0]] or 0)
        note("vmap", lanes=lanes.shape[0])
        with failures():
            results = jax.vmap(one, in_axes)(lanes, *operands)
        results = moved(results, found["structure"], out_axes)
    if found["has_drawn"]:
        drawing.count()
    structure = _as_tensors(found["structure"])
    return unflatten(structure, results)


def _lane_numbers(operand: Any, axis: int) -> Any:
    """The numbers of the lanes, on the devices of the axis of ``operand`` that is mapped.

    JAX wants all that is mapped to have the same sharding where shardings are part of types.
    """
    numbers = np.arange(operand.shape[axis], dtype=np.uint32)
    if jax.typeof(operand).sharding.spec[axis] is None:
        return numbers
    differs = lax.ne(operand, operand)
    nowhere = lax.bitwise_and(differs, lax.bitwise_not(differs))
    others = [index for index in range(operand.ndim) if index != axis % operand.ndim]
    return jnp.any(nowhere, others).astype(np.uint32) + numbers


def _as_tensors(structure: Structure) -> Structure:
    if structure.__class__ is str or structure[0] == "variable":
        return TENSOR
    if structure[0] == UNION:
        raise of_lanes()
    if structure[0] == "static" and structure[1].value.__class__ is bool:
        raise StagingError("vmap: the result holds a boolean that is no tensor")
    return (structure[0], structure[1], tuple(map(_as_tensors, structure[2])))


def _result_array(leaf: Any) -> Any:
    leaf = tracer_of(leaf)
    if hasattr(leaf, "dtype"):
        return jnp.asarray(leaf)
    dtypes = {bool: BOOL, int: INT64, complex: COMPLEX128}
    return jnp.asarray(np.asarray(leaf), dtypes.get(leaf.__class__, FLOAT64))
