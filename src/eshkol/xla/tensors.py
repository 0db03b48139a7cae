"""Tensors: what counts as one, how values become arrays, and operands of one dtype.

Everything in this room starts here. A tensor is a JAX array or tracer; NumPy arrays, numeric
vectors and nested lists are taken as tensors wherever one is expected.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from eshkol.autodiff import Differentiable, NeedsTensors, settled
from eshkol.autodiff.plain import PLAIN, to_float, to_inexact
from eshkol.base.errors import OutOfRange, ShapeError, WrongType
from eshkol.datum.pairs import NIL, Pair
from eshkol.datum.write import short_string
from eshkol.primitives.arguments import list_argument
from eshkol.primitives.declare import ARRAYS, load
from eshkol.xla._compat import ArrayImpl, enable_x64
from eshkol.xla.dtypes import (
    BOOL,
    COMPLEX128,
    FLOAT64,
    WIDE,
    default_dtype,
    join,
    parse_dtype,
    result_dtype,
    short_name,
    wide,
)
from eshkol.xla.host_arrays import copied, on_device

__all__ = [
    "Tracer",
    "as_tensor",
    "as_tensors",
    "at_dtype",
    "cast",
    "compiled",
    "default_dtype",
    "describe",
    "dimensions",
    "join",
    "needs_wide",
    "parse_dtype",
    "promote",
    "result_dtype",
    "wide",
]

Array = jax.Array
Tracer = jax.core.Tracer
ARRAYS.add(ArrayImpl)

_NARROW_SCALARS = frozenset({np.float32, np.float16, np.int32, np.bool_, jnp.bfloat16.dtype.type})

_NUMBERS = (int, float, Fraction, complex)
_WHOLE = frozenset({int, bool})
_NESTS = (Pair, list, tuple)


def describe(value: Any) -> str:
    """How messages show a value: a tensor by dtype and shape, ``f32[64,785]``.

    Example:
        >>> describe(np.zeros((2, 3), "float32"))
        'f32[2,3]'
    """
    if isinstance(value, Array | np.ndarray):
        return f"{short_name(value.dtype)}[{dimensions(value.shape)}]"
    return short_string(value)


def dimensions(shape: Sequence[int]) -> str:
    """The sizes of a shape with commas between: ``64,785``."""
    return ",".join(map(str, shape))


def needs_wide(*values: Any) -> bool:
    """Whether one of ``values`` is an array of a 64-bit dtype."""
    return any(getattr(value, "dtype", None) in WIDE for value in values)


def as_tensor(value: Any, who: str, dtype: np.dtype | None = None) -> Array:
    """``value`` as an array; ``who`` is the primitive that the error names.

    Arrays and tracers stay as they are. NumPy's float64 and nests of numbers get the default float
    dtype, other NumPy dtypes are kept. A Python number becomes a scalar-born array of rank 0:
    float64 or int64. A traced exact integer or boolean gives its tracer.

    Args:
        value: an array, a number or boolean, or a (nested) vector or list of those.
        who: the Scheme name of the primitive.
        dtype: cast to this dtype.

    Raises:
        WrongType: it is something else, or holds a number that the dtype has no place for.
        ShapeError: the nest is ragged.
        OutOfRange: it is a number, or holds one, that is beyond a dtype of integers.
        NeedsTensors: it holds a host derivative number, which no array can carry.
    """
    if value.__class__ is ArrayImpl and dtype is None:
        return value
    if isinstance(value, Array):
        return value if dtype is None or value.dtype == dtype else cast(value, dtype)
    if dtype is not None and value.__class__ in PLAIN:
        check_fits(who, value, dtype)
    array = _convert(value, who, dtype)
    return array if dtype is None else cast(array, dtype)


def check_fits(who: str, value: Any, dtype: np.dtype, hint: str = "") -> None:
    """Complain of a number, known now, that a dtype can't hold.

    Raises:
        OutOfRange: a dtype of integers doesn't reach that far.
        WrongType: it is not whole, for a dtype of integers, or not real, for one of floats.
    """
    is_complex = isinstance(value, complex)
    if dtype.kind not in "iu":
        if is_complex and dtype.kind in "fV":
            raise unfit(who, value, dtype)
        return
    limits = np.iinfo(dtype)
    if is_complex or value != value:
        raise unfit(who, value, dtype)
    if not limits.min <= value <= limits.max:
        message = f"{who}: {describe(value)} does not fit in a tensor of {dtype.name}"
        raise OutOfRange(message, hint=hint or f"{dtype.name} has {limits.min} to {limits.max}")
    if value.__class__ is not int and value % 1:
        raise unfit(who, value, dtype)


def unfit(who: str, value: Any, dtype: np.dtype) -> WrongType:
    """The error for a number, or a tensor, of a kind that a dtype has no place for."""
    if isinstance(value, complex) or getattr(value, "dtype", dtype).kind == "c":
        hint = "take the real part, or a tensor of complex numbers: (tensor-cast t 'complex64)"
    elif getattr(value, "shape", ()):
        hint = f"convert it: (tensor-cast value '{dtype.name})"
    else:
        hint = "take an integer, (exact (round x)), or a tensor of floats: (tensor-cast t 'float32)"
    message = f"{who}: {describe(value)} does not fit in a tensor of {dtype.name}"
    return WrongType(message, hint=hint)


def fitted(value: Any, who: str, dtype: np.dtype) -> Array:
    """``value`` as an array of ``dtype``, to stand in a tensor of that dtype.

    Raises:
        WrongType: the dtype has no place for it: see ``check_holds``.
        OutOfRange: a number in it is beyond a dtype of integers.
    """
    if not isinstance(value, Array | np.ndarray):
        return as_tensor(value, who, dtype)
    array = as_tensor(value, who)
    check_holds(who, array, dtype)
    return cast(array, dtype)


def check_holds(who: str, array: Array, dtype: np.dtype) -> None:
    """Complain of an array that would lose what it holds in a tensor of ``dtype``.

    A tensor of floats fits in none of integers, nor one of complex numbers among reals. Numbers, of
    rank 0, are told by their values, and so are integers of other dtypes, as far as they are known.
    """
    own = array.dtype
    is_complex, is_float = own.kind == "c", own.kind in "fV"
    if own in (dtype, BOOL) or dtype.kind in "bc":
        return
    if is_complex or (is_float and array.shape and dtype.kind in "iu"):
        raise unfit(who, array, dtype)
    if dtype.kind not in "iu" or isinstance(array, Tracer):
        return
    if is_float:
        check_fits(who, array.item(), dtype)
    elif array.size and not np.can_cast(own, dtype):
        known = np.asarray(array)
        for extreme in (known.min(), known.max()):
            check_fits(who, int(extreme), dtype)


def _convert(value: Any, who: str, dtype: np.dtype | None) -> Array:
    if isinstance(value, np.ndarray | np.generic):
        return _from_numpy(value, who, dtype)
    if isinstance(value, _NUMBERS):
        return _scalar_array(value)
    if isinstance(value, _NESTS) or value is NIL:
        return _from_nest(value, who, dtype)
    traced = getattr(value, "__eshkol_traced__", None)
    if traced is not None:
        return traced
    if isinstance(value, Differentiable):
        plain = settled(value)
        if isinstance(plain, Differentiable):
            raise NeedsTensors
        return _scalar_array(plain)
    converted = getattr(value, "__jax_array__", None)
    if converted is not None:
        return converted()
    raise WrongType(f"{who}: expected a tensor or a number, got {describe(value)}")


def _from_numpy(value: Any, who: str, dtype: np.dtype | None) -> Array:
    check_numeric(who, value.dtype)
    if not value.dtype.isnative:
        value = value.astype(value.dtype.newbyteorder("="))
    if value.dtype == FLOAT64 and dtype is None:
        # A NumPy scalar is a number, and numbers are doubles; an array is a tensor.
        dtype = FLOAT64 if value.shape == () else default_dtype()
    if dtype is not None and _JUMPS.find(value.dtype.kind) > _JUMPS.find(dtype.kind):
        # What NumPy makes of floats beyond the integers is left open: ``cast`` does it.
        dtype = None
    return copied(value, dtype)


_JUMPS = "iufc"


def check_numeric(who: str, dtype: np.dtype) -> None:
    """Complain of NumPy's dtypes that no tensor has."""
    if dtype.kind in "fc" and dtype.itemsize > _LARGEST[dtype.kind]:
        kind = "float64" if dtype.kind == "f" else "complex128"
        raise WrongType(
            f"{who}: a tensor has no numbers of NumPy's dtype {dtype}",
            hint=f"convert the array in Python: array.astype('{kind}')",
        )
    is_number = dtype.kind in "biufc" or (dtype.kind == "V" and jnp.issubdtype(dtype, np.number))
    if not is_number:
        raise WrongType(
            f"{who}: expected a tensor of numbers, got dtype {dtype}",
            hint="texts and objects go in lists, as array.tolist() makes them"
            * (dtype.kind in "OUS"),
        )


_LARGEST = {"f": 8, "c": 16}
"""The bytes of the largest numbers that XLA has."""


def _scalar_array(value: Any) -> Array:
    if value.__class__ is bool:
        return on_device(np.asarray(value, BOOL))
    kind = result_dtype((value,))
    if isinstance(value, Fraction):
        value = to_float(value)
    try:
        return on_device(np.asarray(value, kind))
    except OverflowError:
        # Beyond 64 bits only the double nearby is left, and beyond doubles infinity.
        return on_device(np.asarray(to_float(value), FLOAT64))


def _from_nest(value: Any, who: str, dtype: np.dtype | None) -> Array:
    leaves: list[Any] = []
    shape = _flatten(value, leaves, who)
    if any(isinstance(leaf, Array) for leaf in leaves):
        return _stacked(leaves, shape, dtype, who)
    truths = sum(leaf.__class__ is bool for leaf in leaves)
    if truths not in (0, len(leaves)):
        raise WrongType(f"{who}: expected numbers or booleans, got both in {describe(value)}")
    kind = dtype or (BOOL if truths else default_dtype())
    if dtype is None and any(isinstance(x, complex) for x in leaves):
        kind = result_dtype((np.zeros(1, kind), 1j))
    return on_device(_numpy(leaves, kind, who).reshape(shape))


def _numpy(numbers: list[Any], dtype: np.dtype, who: str) -> np.ndarray:
    """An array of rank 1; what floats can't reach is infinite."""
    kinds = set(map(type, numbers))
    if (dtype.kind in "iu" and not kinds <= _WHOLE) or (dtype.kind in "fV" and complex in kinds):
        for number in numbers:
            check_fits(who, number, dtype)
    plain = [to_float(x) if isinstance(x, Fraction) else x for x in numbers]
    with np.errstate(over="ignore"):
        try:
            return np.asarray(plain, dtype)
        except OverflowError:
            for number in numbers:
                check_fits(who, number, dtype)
            return np.asarray([to_inexact(x) for x in plain], dtype)


def known_numbers(value: Any, who: str) -> np.ndarray | None:
    """The numbers of a value as an array of NumPy's; None where they are not known.

    What a program writes down is known also while it is traced, although its tensor is a tracer.
    """
    if isinstance(value, Array | np.ndarray):
        return None if isinstance(value, Tracer) else np.asarray(value)
    if isinstance(value, _NUMBERS):
        return np.asarray(to_inexact(value))
    if not isinstance(value, _NESTS) and value is not NIL:
        return None
    leaves: list[Any] = []
    shape = _flatten(value, leaves, who)
    if any(isinstance(leaf, Tracer) for leaf in leaves):
        return None
    numbers = [leaf.item() if isinstance(leaf, Array) else leaf for leaf in leaves]
    kind = COMPLEX128 if any(isinstance(x, complex) for x in numbers) else FLOAT64
    return _numpy(numbers, kind, who).reshape(shape)


def _flatten(value: Any, leaves: list[Any], who: str) -> tuple[int, ...]:
    """Append the leaves of a nest to ``leaves`` and answer its shape."""
    if isinstance(value, _NESTS) or value is NIL:
        items = _items(value, who)
        shapes = [_flatten(item, leaves, who) for item in items]
        if any(shape != shapes[0] for shape in shapes):
            raise _ragged(value, shapes, who)
        return (len(items), *(shapes[0] if shapes else ()))
    if isinstance(value, _NUMBERS):
        leaves.append(value)
        return ()
    return _flatten_array(value, leaves, who)


def _flatten_array(value: Any, leaves: list[Any], who: str) -> tuple[int, ...]:
    array = _convert(value, who, None) if not isinstance(value, Array) else value
    if array.shape == ():
        leaves.append(array)
        return ()
    leaves.extend(array.reshape(-1))
    return array.shape


def _items(value: Any, who: str) -> list[Any]:
    return list_argument(who, value) if value.__class__ is Pair else list(value)


def _ragged(value: Any, shapes: list[tuple[int, ...]], who: str) -> ShapeError:
    other = next(i for i, shape in enumerate(shapes) if shape != shapes[0])
    return ShapeError(
        f"{who}: rows of unequal shapes in {describe(value)}: "
        f"row 0 is [{dimensions(shapes[0])}] and row {other} is [{dimensions(shapes[other])}]",
        hint="every row of a tensor has the same shape",
    )


def _stacked(leaves: list[Any], shape: tuple[int, ...], dtype: np.dtype | None, who: str) -> Array:
    kind = dtype or default_dtype()
    if dtype is None and any(_is_complex(leaf) for leaf in leaves):
        kind = result_dtype((np.zeros(1, kind), 1j))
    with wide():
        return jnp.stack([fitted(leaf, who, kind) for leaf in leaves]).reshape(shape)


def _is_complex(leaf: Any) -> bool:
    return isinstance(leaf, complex) or getattr(leaf, "dtype", BOOL).kind == "c"


def cast(array: Array, dtype: np.dtype) -> Array:
    """``array`` with elements of ``dtype``; the array itself if they are that already."""
    if array.dtype == dtype:
        return array
    convert = _convert_elements if isinstance(array, Tracer) else _convert_kernel
    if array.dtype in WIDE or dtype in WIDE:
        with wide():
            return convert(array, dtype)
    return convert(array, dtype)


def _convert_elements(array: Array, dtype: np.dtype) -> Array:
    if array.dtype.kind == "c" and dtype.kind != "c":
        if dtype == BOOL:
            return jax.lax.ne(array, jax.lax.full_like(array, 0))
        array = jax.lax.real(array)
    return jax.lax.convert_element_type(array, dtype)


_convert_kernel = jax.jit(_convert_elements, static_argnums=1)


def as_tensors(who: str, *values: Any) -> list[Any]:
    """``values`` as arrays, except that Python's real and complex numbers stay what they are.

    Those take part in ``result_dtype`` as scalars, and XLA takes them as literals.
    """
    return [_operand(who, value) for value in values]


def _operand(who: str, value: Any) -> Any:
    if isinstance(value, Array):
        return value
    kind = value.__class__
    if kind is float or kind is int or kind is complex:
        return value
    if kind is Fraction:
        return float(value)
    if kind is bool:
        raise WrongType(f"{who}: expected a number or a tensor, got {short_string(value)}")
    if isinstance(value, Differentiable):
        plain = settled(value)
        return as_tensor(value, who) if plain.__class__ is value.__class__ else _operand(who, plain)
    return as_tensor(value, who)


def promote(who: str, *values: Any) -> list[Any]:
    """``values`` as arrays of one dtype, by the rule of ``result_dtype``.

    Python numbers become NumPy scalars, which XLA takes as literals.
    """
    operands = as_tensors(who, *values)
    return at_dtype(who, result_dtype(operands), operands)


def at_dtype(who: str, dtype: np.dtype, operands: Sequence[Any]) -> list[Any]:
    """Arrays and Python numbers as arrays and NumPy scalars of ``dtype``."""
    try:
        return [cast(x, dtype) if isinstance(x, Array) else dtype.type(x) for x in operands]
    except OverflowError:
        for number in operands:
            if not isinstance(number, Array):
                check_fits(who, number, dtype)
        nearest = [x if isinstance(x, Array) else to_inexact(x) for x in operands]
        return at_dtype(who, dtype, nearest)


def compiled(*static: str, inline: bool = True) -> Callable[[Callable], Callable]:
    """Run a function of arrays as one compiled kernel in eager code.

    Args:
        static: names of the parameters that are no arrays.
        inline: whether it is spelled out under a trace. A function of many equations had better
            not be: as a call of one jitted function it is traced, differentiated and lowered once
            and for all, and XLA inlines it.
    """

    def wrap(function: Callable) -> Callable:
        kernel = jax.jit(function, static_argnames=static)

        @functools.wraps(function)
        def call(*arguments: Any, **options: Any) -> Any:
            is_traced = inline and any(isinstance(argument, Tracer) for argument in arguments)
            run = function if is_traced else kernel
            if needs_wide(*arguments):
                run = for_doubles(run, arguments, function, static)
                with wide():
                    return run(*arguments, **options)
            return run(*arguments, **options)

        return _with_short_way(function, static, call)

    return wrap


def for_doubles(
    run: Callable, arguments: Sequence[Any], function: Callable, static: tuple[str, ...] = ()
) -> Callable:
    """``run``, or another kernel of ``function`` where JAX differentiates what has no doubles.

    That is where Python hands a procedure to ``jax.grad`` while JAX's 64-bit flag is off.
    """
    if enable_x64.value or not any(isinstance(argument, Tracer) for argument in arguments):
        return run
    apart: Callable = load("eshkol.xla.single_trip:kernel_apart")(function, static)
    return apart


def _with_short_way(function: Callable, static: tuple[str, ...], call: Callable) -> Callable:
    """``call``, but quicker where arrays come first and what follows them is static.

    To find a kernel by static arguments is cheaper in a cache of our own, which holds a kernel for
    each, than in the one that ``jax.jit`` has for all calls of a function.
    """
    parameters = list(inspect.signature(function).parameters.values())
    count = len(parameters) - len(static)
    are_listed = all(p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters)
    if static and not (are_listed and count and {p.name for p in parameters[count:]} == {*static}):
        return call

    kernel_of = kernels_of(function)
    plain = call if static else kernel_of()

    def short_of_array(x: Any) -> Any:
        if x.__class__ is ArrayImpl and x.aval.dtype not in WIDE:
            return plain(x)
        return call(x)

    def short_of_two(x: Any, y: Any) -> Any:
        are_arrays = x.__class__ is ArrayImpl and y.__class__ is ArrayImpl
        if are_arrays and x.aval.dtype not in WIDE and y.aval.dtype not in WIDE:
            return plain(x, y)
        return call(x, y)

    def short_of_one(x: Any, *rest: Any, **options: Any) -> Any:
        if x.__class__ is ArrayImpl and x.aval.dtype not in WIDE and not options:
            return kernel_of(*rest)(x)
        return call(x, *rest, **options)

    def short_of_some(*arguments: Any, **options: Any) -> Any:
        arrays = arguments[:count]
        if _are_narrow(arrays) and not options:
            return kernel_of(*arguments[count:])(*arrays)
        return call(*arguments, **options)

    def short_of_arrays(*arrays: Any, **options: Any) -> Any:
        if _are_narrow(arrays) and not options:
            return plain(*arrays)
        return call(*arrays, **options)

    by_count: dict[int, Callable] = {1: short_of_array, 2: short_of_two} if are_listed else {}
    short = by_count.get(count, short_of_arrays)
    if static:
        short = short_of_one if count == 1 else short_of_some
    return functools.update_wrapper(short, function)


def kernels_of(function: Callable) -> Callable[..., Callable]:
    """Kernels of a function of arrays: one for all that is given after these, which is static."""

    @functools.lru_cache(4096, typed=True)
    def kernel_of(*rest: Any) -> Callable:
        def kernel(*arrays: Any) -> Any:
            return function(*arrays, *rest)

        kernel.__name__ = function.__name__
        return jax.jit(kernel)

    return kernel_of


def _are_narrow(arrays: tuple[Any, ...]) -> bool:
    """Whether all are arrays, or numbers, that need neither a trace nor ``wide()``."""
    for array in arrays:
        kind = array.__class__
        if kind is ArrayImpl:
            if array.aval.dtype in WIDE:
                return False
        elif kind is not int and kind not in _NARROW_SCALARS:
            return False
    return True
