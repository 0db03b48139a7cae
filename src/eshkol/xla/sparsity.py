"""Which numbers a program's results depend on: the sparsity of its derivatives.

The jaxpr is followed with a set of inputs for each element of each array, a set being an integer
whose bit k stands for input k. What only moves elements is run on their numbers instead; what is
not known here is taken to depend on everything it is given, so that the pattern found is never too
small. What has no derivative (comparisons, rounding, integers) depends on nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from eshkol.xla._compat import ClosedJaxpr, Literal, scan_counts

Sets = Any
"""An array of Python integers, of dtype object."""


class Known(NamedTuple):
    """What is known of an array.

    Attributes:
        shape: its shape.
        sets: the inputs that each element depends on; None for none.
        value: the array itself where it does not depend on what is traced, else None.
    """

    shape: tuple[int, ...]
    sets: Sets | None = None
    value: Any = None


def _known(shape: tuple[int, ...], sets: Any) -> Known:
    """What depends on these sets; NumPy makes bare objects of arrays of rank 0."""
    return Known(tuple(shape), np.asarray(sets, dtype=object).reshape(shape))


def rows_of(function: Callable[[Any], Any], point: Any) -> list[int]:
    """For each number that a function of a vector gives, the set of inputs it depends on."""
    closed = jax.make_jaxpr(function)(point)
    inputs = np.array([1 << index for index in range(point.size)], dtype=object)
    (result,) = _followed(closed, [Known(point.shape, inputs)], False)
    if result.sets is None:
        return [0] * int(np.prod(result.shape))
    return list(result.sets.reshape(-1))


def _followed(closed: Any, arguments: Sequence[Known], by_value: bool) -> list[Known]:
    """What is known of the results of a jaxpr; ``by_value``: of values rather than derivatives."""
    jaxpr = closed.jaxpr
    environment: dict[Any, Known] = {}

    def read(atom: Any) -> Known:
        if isinstance(atom, Literal):
            return _constant(atom.val)
        return environment[atom]

    environment.update(zip(jaxpr.constvars, map(_constant, closed.consts), strict=True))
    environment.update(zip(jaxpr.invars, arguments, strict=True))
    for equation in jaxpr.eqns:
        found = _results(equation, list(map(read, equation.invars)), by_value)
        environment.update(zip(equation.outvars, found, strict=True))
    return list(map(read, jaxpr.outvars))


def _constant(value: Any) -> Known:
    known = None if isinstance(value, jax.core.Tracer) else value
    return Known(tuple(np.shape(value)), None, known)


def _results(equation: Any, operands: list[Known], by_value: bool) -> list[Known]:
    name = equation.primitive.name
    shapes = [tuple(getattr(out.aval, "shape", ())) for out in equation.outvars]
    if all(operand.sets is None for operand in operands):
        return _of_constants(equation, operands, shapes)
    if not by_value and (name in _FLAT or not _has_derivative(equation)):
        return [Known(shape) for shape in shapes]
    rule = _RULES.get(name)
    found = rule(equation, operands, by_value) if rule is not None else None
    return found if found is not None else _everything(operands, shapes)


_FLAT = frozenset("floor ceil round sign stop_gradient is_finite".split())


def _has_derivative(equation: Any) -> bool:
    return any(jnp.issubdtype(out.aval.dtype, jnp.inexact) for out in equation.outvars)


_INNER = ("jaxpr", "call_jaxpr", "fun_jaxpr")


def _of_constants(equation: Any, operands: list[Known], shapes: list[Any]) -> list[Known]:
    """Results that depend on no input; their values, where those are known and cheap."""
    is_small = all(np.prod(shape, dtype=float) <= _LARGEST for shape in shapes)
    if not is_small or any(operand.value is None for operand in operands) or equation.effects:
        return [Known(shape) for shape in shapes]
    with jax.ensure_compile_time_eval():
        try:
            found = equation.primitive.bind(
                *(operand.value for operand in operands), **equation.params
            )
        except Exception:  # a primitive that takes its parameters in another way than it is bound
            return [Known(shape) for shape in shapes]
    values = found if equation.primitive.multiple_results else [found]
    return [Known(shape, None, value) for shape, value in zip(shapes, values, strict=True)]


_LARGEST = 1e7
"""Constants with more elements are not computed."""


def _everything(operands: Sequence[Known], shapes: Sequence[Any]) -> list[Known]:
    """Results each of whose elements may depend on all that the operands do."""
    total = 0
    for operand in operands:
        if operand.sets is not None:
            total |= _union(operand.sets)
    return [Known(shape, _filled(shape, total)) for shape in shapes]


def _union(sets: Sets) -> int:
    return int(np.bitwise_or.reduce(sets.reshape(-1))) if sets.size else 0


def _filled(shape: tuple[int, ...], content: int) -> Sets:
    sets = np.empty(shape, dtype=object)
    sets.fill(content)
    return sets


def _sets_of(operand: Known) -> Sets:
    return _filled(operand.shape, 0) if operand.sets is None else operand.sets


# ---- element by element


def _elementwise(equation: Any, operands: list[Known], by_value: bool) -> list[Known]:
    shape = equation.outvars[0].aval.shape
    total = _filled(shape, 0)
    for operand in operands:
        if operand.sets is not None:
            total = total | operand.sets
    if equation.primitive.name == "mul" and not by_value:
        for operand in operands:
            if operand.value is not None:
                total = np.where(np.asarray(operand.value) != 0, total, 0)
    return [_known(shape, total)]


def _selected(equation: Any, operands: list[Known], by_value: bool) -> list[Known]:
    which, *cases = operands
    shape = equation.outvars[0].aval.shape
    if which.value is not None:
        chosen = np.broadcast_to(np.asarray(which.value).astype(int), shape)
        return [_known(shape, np.choose(chosen, [_sets_of(case) for case in cases]))]
    return _elementwise(equation, operands, by_value)


# ---- elements that are moved


def _rearranged(equation: Any, operands: list[Known], by_value: bool) -> list[Known]:
    """What moves elements to places that do not depend on any value."""
    shape = equation.outvars[0].aval.shape
    sets = _REARRANGED[equation.primitive.name](
        equation.params, shape, [_sets_of(operand) for operand in operands]
    )
    return [_known(shape, sets)]


def _broadcast(params: Any, shape: Any, sets: list[Sets]) -> Sets:
    sizes = [1] * len(shape)
    for axis, place in enumerate(params["broadcast_dimensions"]):
        sizes[place] = sets[0].shape[axis]
    return np.broadcast_to(sets[0].reshape(sizes), shape)


def _sliced(params: Any, shape: Any, sets: list[Sets]) -> Sets:
    strides = params["strides"] or [1] * len(shape)
    bounds = zip(params["start_indices"], params["limit_indices"], strides, strict=True)
    return sets[0][tuple(slice(*bound) for bound in bounds)]


def _padded(params: Any, shape: Any, sets: list[Sets]) -> Sets:
    total = _filled(shape, sets[1].item())
    sources, targets = [], []
    config = zip(sets[0].shape, shape, params["padding_config"], strict=True)
    for count, size, (low, _, interior) in config:
        places = low + np.arange(count) * (interior + 1)
        inside = (places >= 0) & (places < size)
        sources.append(np.flatnonzero(inside))
        targets.append(places[inside])
    total[np.ix_(*targets)] = sets[0][np.ix_(*sources)]
    return total


_REARRANGED: dict[str, Callable[[Any, Any, list[Sets]], Sets]] = {
    "broadcast_in_dim": _broadcast,
    "concatenate": lambda params, shape, sets: np.concatenate(sets, axis=params["dimension"]),
    "expand_dims": lambda params, shape, sets: sets[0].reshape(shape),
    "pad": _padded,
    "reshape": lambda params, shape, sets: sets[0].reshape(shape),
    "rev": lambda params, shape, sets: np.flip(sets[0], params["dimensions"]),
    "slice": _sliced,
    "squeeze": lambda params, shape, sets: sets[0].reshape(shape),
    "transpose": lambda params, shape, sets: sets[0].transpose(params["permutation"]),
}


def _moved(equation: Any, operands: list[Known], by_value: bool) -> list[Known] | None:
    """What moves elements, run on their numbers in a pool; number 0 is what depends on nothing."""
    count = 1
    pool: list[Any] = [np.zeros(1, dtype=object)]
    arguments = []
    for position, operand in enumerate(operands):
        is_data = position < _DATA.get(equation.primitive.name, len(operands))
        if not is_data:
            if operand.value is None:
                return None
            arguments.append(operand.value)
            continue
        if operand.sets is None:
            arguments.append(np.zeros(operand.shape, np.int32))
            continue
        size = operand.sets.size
        arguments.append(np.arange(count, count + size, dtype=np.int32).reshape(operand.shape))
        pool.append(operand.sets.reshape(-1))
        count += size
    with jax.ensure_compile_time_eval():
        found = equation.primitive.bind(*map(jnp.asarray, arguments), **_with_filling(equation))
    numbers = found if equation.primitive.multiple_results else [found]
    every = np.concatenate(pool)
    return [_known(n.shape, every[np.maximum(np.asarray(n), 0)]) for n in numbers]


_DATA = {"gather": 1, "dynamic_slice": 1, "dynamic_update_slice": 2}
"""How many operands are data, of operations whose others are indices."""


def _with_filling(equation: Any) -> dict[str, Any]:
    params = dict(equation.params)
    if "fill_value" in params:
        params["fill_value"] = 0
    return params


def _scattered(equation: Any, operands: list[Known], by_value: bool) -> list[Known] | None:
    """A scatter: each element of the updates joins the element it lands on."""
    operand, indices, updates = operands
    if indices.value is None:
        return None
    targets = _targets(equation, operand.shape, indices.value, updates.shape)
    total = _sets_of(operand).reshape(-1).copy()
    for target, content in zip(targets, _sets_of(updates).reshape(-1), strict=True):
        if target >= 0:
            total[target] |= content
    return [Known(operand.shape, total.reshape(operand.shape))]


def _targets(equation: Any, shape: Any, indices: Any, updates: Any) -> Any:
    """For each element of the updates, the number of the element it lands on; -1 for none."""
    scatter = equation.params["dimension_numbers"]
    fixed = {*scatter.inserted_window_dims, *scatter.operand_batching_dims}
    windows = iter(scatter.update_window_dims)
    sizes = [1 if axis in fixed else updates[next(windows)] for axis in range(len(shape))]
    gather = lax.GatherDimensionNumbers(
        offset_dims=scatter.update_window_dims,
        collapsed_slice_dims=scatter.inserted_window_dims,
        start_index_map=scatter.scatter_dims_to_operand_dims,
        operand_batching_dims=scatter.operand_batching_dims,
        start_indices_batching_dims=scatter.scatter_indices_batching_dims,
    )
    numbers = np.arange(int(np.prod(shape)), dtype=np.int32).reshape(shape)
    with jax.ensure_compile_time_eval():
        found = lax.gather(
            jnp.asarray(numbers),
            jnp.asarray(indices),
            gather,
            tuple(sizes),
            mode=lax.GatherScatterMode.FILL_OR_DROP,
            fill_value=-1,
        )
    return np.asarray(found).reshape(-1)


# ---- elements that are put together


def _reduced(equation: Any, operands: list[Known], by_value: bool) -> list[Known]:
    sets = _sets_of(operands[0])
    for axis in sorted(equation.params["axes"], reverse=True):
        sets = np.bitwise_or.reduce(sets, axis=axis)
    shape = equation.outvars[0].aval.shape
    return [_known(shape, sets)]


def _accumulated(equation: Any, operands: list[Known], by_value: bool) -> list[Known]:
    axis, sets = equation.params["axis"], _sets_of(operands[0])
    sets = np.flip(sets, axis) if equation.params["reverse"] else sets
    sets = np.bitwise_or.accumulate(sets, axis=axis)
    return [Known(sets.shape, np.flip(sets, axis) if equation.params["reverse"] else sets)]


def _sorted(equation: Any, operands: list[Known], by_value: bool) -> list[Known]:
    axis, shape = equation.params["dimension"], operands[0].shape
    total = _filled(shape, 0)
    for operand in operands:
        total = total | _sets_of(operand)
    joined = np.bitwise_or.reduce(total, axis=axis, keepdims=True)
    return [Known(shape, np.broadcast_to(joined, shape).copy()) for _ in operands]


def _product(equation: Any, operands: list[Known], by_value: bool) -> list[Known]:
    """A product of matrices; zeros of a constant factor depend on nothing."""
    (contracted, batched) = equation.params["dimension_numbers"]
    shape = equation.outvars[0].aval.shape
    sides = []
    for side in (0, 1):
        operand, (along, batch) = operands[side], (contracted[side], batched[side])
        free = [a for a in range(len(operand.shape)) if a not in (*along, *batch)]
        order = [*batch, *free, *along]
        batches = int(np.prod([operand.shape[a] for a in batch], dtype=int))
        inner = int(np.prod([operand.shape[a] for a in along], dtype=int))
        sets = _sets_of(operand).transpose(order).reshape(batches, -1, inner)
        value = operand.value if operand.sets is None else None
        mask = None
        if value is not None:
            mask = (np.asarray(value) != 0).transpose(order).reshape(batches, -1, inner)
        sides.append((sets, mask))
    (left, left_mask), (right, right_mask) = sides
    total = _spread(left, right_mask, right.shape[1])
    total = total | _spread(right, left_mask, left.shape[1]).transpose(0, 2, 1)
    return [Known(shape, total.reshape(shape))]


def _spread(sets: Sets, mask: Any, count: int) -> Sets:
    """For each row of ``sets`` and each of ``count`` rows of the other factor, the union."""
    batches, rows, inner = sets.shape
    if inner == 0:
        return _filled((batches, rows, count), 0)
    if mask is None or mask.all():
        union = np.bitwise_or.reduce(sets, axis=2)
        return np.repeat(union[:, :, None], count, axis=2)
    total = _filled((batches, rows, count), 0)
    for batch in range(batches):
        for row in range(count):
            chosen = sets[batch][:, mask[batch, row]]
            if chosen.size:
                total[batch, :, row] = np.bitwise_or.reduce(chosen, axis=1)
    return total


# ---- programs inside


def _inner(equation: Any) -> Any:
    for name in _INNER:
        if name in equation.params:
            found = equation.params[name]
            return found if hasattr(found, "consts") else ClosedJaxpr(found, ())
    return None


def _called(equation: Any, operands: list[Known], by_value: bool) -> list[Known] | None:
    closed = _inner(equation)
    return None if closed is None else _followed(closed, operands, by_value)


def _custom(equation: Any, operands: list[Known], by_value: bool) -> list[Known] | None:
    """A function with a rule of its own, whose derivative may be more than that of its value."""
    closed = _inner(equation)
    return None if closed is None else _followed(closed, operands, True)


def _branched(equation: Any, operands: list[Known], by_value: bool) -> list[Known]:
    _, *arguments = operands
    branches = [_followed(branch, arguments, by_value) for branch in equation.params["branches"]]
    return [_joined(found) for found in zip(*branches, strict=True)]


def _joined(several: Sequence[Known]) -> Known:
    total = _filled(several[0].shape, 0)
    for each in several:
        total = total | _sets_of(each)
    return _known(several[0].shape, total)


_MOST_TRIPS = 2048


def _scanned(equation: Any, operands: list[Known], by_value: bool) -> list[Known] | None:
    params = equation.params
    length = params["length"]
    if length > _MOST_TRIPS:
        return None
    constants, carried = scan_counts(equation)
    fixed, carry = operands[:constants], operands[constants : constants + carried]
    series = operands[constants + carried :]
    rows: list[list[Known]] = []
    order = range(length - 1, -1, -1) if params["reverse"] else range(length)
    for trip in order:
        found = _followed(
            params["jaxpr"], [*fixed, *carry, *(_row(each, trip) for each in series)], by_value
        )
        carry = found[:carried]
        rows.append(found[carried:])
    if params["reverse"]:
        rows.reverse()
    outs = equation.outvars[carried:]
    stacked = []
    for place, out in enumerate(outs):
        sets = _filled(out.aval.shape, 0)
        for trip, row in enumerate(rows):
            sets[trip] = _sets_of(row[place])
        stacked.append(Known(out.aval.shape, sets))
    return [*carry, *stacked]


def _row(series: Known, trip: int) -> Known:
    sets = None if series.sets is None else np.asarray(series.sets[trip], dtype=object)
    value = None if series.value is None else np.asarray(series.value)[trip]
    return Known(series.shape[1:], sets, value)


def _looped(equation: Any, operands: list[Known], by_value: bool) -> list[Known]:
    """A loop of any number of trips: until no trip adds anything."""
    params = equation.params
    start = params["cond_nconsts"]
    fixed = operands[start : start + params["body_nconsts"]]
    carry = [Known(o.shape, _sets_of(o)) for o in operands[start + params["body_nconsts"] :]]
    while True:
        found = _followed(params["body_jaxpr"], [*fixed, *carry], by_value)
        joined = [_joined(pair) for pair in zip(carry, found, strict=True)]
        pairs = zip(joined, carry, strict=True)
        if all(bool(np.all(_sets_of(a) == _sets_of(b))) for a, b in pairs):
            return joined
        carry = joined


_ELEMENTWISE = """abs acos acosh add add_any and asin asinh atan atan2 atanh cbrt ceil clamp complex
conj convert_element_type copy copy_p cos cosh digamma div erf erf_inv erfc exp exp2 expm1 floor
igamma igammac imag integer_pow is_finite lgamma log log1p logistic max min mul neg nextafter or
optimization_barrier polygamma pow pvary real reduce_precision regularized_incomplete_beta rem round
rsqrt sign sin sinh sqrt square stop_gradient sub tan tanh xor zeta eq ne lt le gt ge not
shift_left shift_right_logical shift_right_arithmetic""".split()

_MOVING = "dynamic_slice dynamic_update_slice gather split".split()

Rule = Callable[[Any, list[Known], bool], list[Known] | None]

_RULES: dict[str, Rule] = {
    **dict.fromkeys(_ELEMENTWISE, _elementwise),
    **dict.fromkeys(_REARRANGED, _rearranged),
    **dict.fromkeys(_MOVING, _moved),
    **dict.fromkeys("reduce_sum reduce_prod reduce_max reduce_min".split(), _reduced),
    **dict.fromkeys("cumsum cumprod cummax cummin cumlogsumexp".split(), _accumulated),
    **dict.fromkeys("scatter scatter-add scatter_add scatter-mul scatter_mul".split(), _scattered),
    **dict.fromkeys("pjit jit closed_call core_call checkpoint remat remat2".split(), _called),
    **dict.fromkeys(
        "custom_jvp_call custom_vjp_call custom_vjp_call_jaxpr custom_lin".split(), _custom
    ),
    "select_n": _selected,
    "sort": _sorted,
    "dot_general": _product,
    "cond": _branched,
    "scan": _scanned,
    "while": _looped,
}
