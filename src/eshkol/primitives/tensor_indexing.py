"""Elements and parts of tensors.

Indices count from 0 and may be traced. One that is known must lie in the tensor; a traced one is
clamped into it when it reads, and an update out of range is dropped.
"""

from __future__ import annotations

from typing import Any

from eshkol.base.errors import OutOfRange
from eshkol.datum.pairs import NIL, Pair
from eshkol.datum.values import Vector
from eshkol.datum.write import short_string
from eshkol.primitives.arguments import index_argument, is_tracer
from eshkol.primitives.declare import primitive, tensor_primitive
from eshkol.primitives.tensors import Nest, Sizes, Tensor

_AT = "eshkol.xla.indexing:"


def _is_nest(value: Any) -> bool:
    return value.__class__ is Pair or isinstance(value, list) or value is NIL


def _places(indices: tuple[Any, ...]) -> list[Any]:
    """Indices given one by one or as one list."""
    return list(indices[0]) if len(indices) == 1 and _is_nest(indices[0]) else list(indices)


def _within(who: str, nest: Nest, indices: list[Any]) -> Any:
    """What stands at the indices of nested vectors and lists; NotImplemented of anything else."""
    value: Any = nest
    for index in indices:
        if not _is_nest(value):
            return NotImplemented
        items = value if isinstance(value, list) else list(value)
        place = index_argument(who, index)
        if not 0 <= place < len(items):
            raise OutOfRange(f"{who}: index {place} is out of range for {short_string(value)}")
        value = items[place]
    return value


def _leaves(value: Any) -> list[Any]:
    return [leaf for item in value for leaf in _leaves(item)] if _is_nest(value) else [value]


@primitive("tensor-get", tensor=_AT + "sub_tensor")
def tensor_get(tensor: Tensor, *indices: Any) -> Any:
    """The element at the indices, or with fewer indices than axes the sub-tensor.

    Of vectors and lists, such as the shape of a tensor, the element is what they hold.

    Raises:
        OutOfRange: there is no such element.

    Example: ``(tensor-get (eye 2) 0)`` ⇒ ``#(1.0 0.0)``; ``(tensor-get '(2 3) 1)`` ⇒ ``3``.
    """
    if not _is_nest(tensor) or any(map(is_tracer, indices)):
        return NotImplemented
    return _within("tensor-get", tensor, _places(indices))


@primitive("tensor-ref", "vref", tensor=_AT + "reference")
def tensor_ref(tensor: Tensor, *indices: Any) -> Any:
    """The element at the indices, one by one or as a list; one index counts in row order.

    Example: ``(tensor-ref #(#(1 2) #(3 4)) 3)`` ⇒ ``4``; ``(tensor-ref (eye 2) 0 0)`` ⇒ ``1.0``.
    """
    if not _is_nest(tensor) or any(map(is_tracer, indices)):
        return NotImplemented
    places = _places(indices)
    flat = len(indices) == 1 and not _is_nest(indices[0])
    return _within("tensor-ref", Vector(_leaves(tensor)) if flat else tensor, places)


@tensor_primitive("tensor-set", "tensor-update", at=_AT + "update")
def tensor_set(tensor: Tensor, *indices_and_value: Any) -> Tensor:
    """A new tensor in which the element, or the sub-tensor, at the indices is the last argument.

    A single index into several axes counts elements in row order if the value is a number. A list
    of slices in place of the indices, as ``tensor-slice`` takes it, gives a part to replace; the
    value is broadcast to its shape. In a list, negative indices count from the end.

    Example: ``(tensor-set (zeros 2 2) 0 1 9.5)`` ⇒ ``#((0.0 9.5) (0.0 0.0))``;
    ``(tensor-set (zeros 2 2) '(-1) 1)`` ⇒ ``#((0.0 0.0) (1.0 1.0))``;
    ``(tensor-set (zeros 2 3) '(: 1:) #(1 2))`` ⇒ ``#((0.0 1.0 2.0) (0.0 1.0 2.0))``.
    """


@tensor_primitive("tensor-slice", "slice", at="eshkol.xla.slicing:part")
def tensor_slice(tensor: Tensor, start: Any, end: Any = None, *, axis: int = 0) -> Tensor:
    """The part from ``start`` to before ``end`` along an axis, or a part by slices per axis.

    A list in place of ``start`` gives for each axis ``a:b``, ``a:b:step``, ``:`` or an index, which
    drops the axis. Negative bounds count from the end, and a negative step goes backwards. Python
    programs give its slices, one or a list of them, and ``...`` for the axes between.

    Raises:
        OutOfRange: the bounds do not lie in the tensor.

    Example: ``(tensor-slice #(1 2 3) 1 3)`` ⇒ ``#(2.0 3.0)``;
    ``(tensor-slice #(1 2 3 4) '(::-2))`` ⇒ ``#(4.0 2.0)``; ``(tensor-slice t '(0:10 : 0:5))``.
    """


@tensor_primitive("dynamic-slice", at=_AT + "dynamic_slice")
def dynamic_slice(tensor: Tensor, starts: Any, sizes: Sizes) -> Tensor:
    """The part of the given sizes that begins at ``starts``, which may be traced.

    A part that would reach beyond the tensor is moved inside it.

    Example: ``(dynamic-slice #(1 2 3) '(1) '(2))`` ⇒ ``#(2.0 3.0)``.
    """


@tensor_primitive("gather", "tensor-gather", "tensor-take", at=_AT + "gather")
def gather(
    tensor: Tensor, indices: Tensor, axis: int = 0, *, mode: Any = None, fill: Any = None
) -> Tensor:
    """The slices at the indices along an axis; the axes of the indices stand in its place.

    Args:
        indices: integers of any shape, traced or not; negative ones count from the end.
        mode: what is taken for an index that does not lie in 0 to the size of the axis: with
            ``'clip`` the nearest slice, with ``'wrap`` the one modulo the size, with ``'fill`` the
            number ``fill`` (not-a-number, or 0 among integers, if left out).

    Example: ``(gather #(10 20 30) '(2 0) 0)`` ⇒ ``#(30.0 10.0)``;
    ``(gather #(10 20 30) '(2 3) 0 #:mode 'fill #:fill 0)`` ⇒ ``#(30.0 0.0)``.
    """


@tensor_primitive("take-along-axis", at=_AT + "take_along_axis")
def take_along_axis(tensor: Tensor, indices: Tensor, axis: int = -1) -> Tensor:
    """For each place in ``indices``, of the tensor's rank, the element at that index of the axis.

    Example: ``(take-along-axis #(#(1 2) #(3 4)) '((1) (0)) 1)`` ⇒ ``#((2.0) (3.0))``.
    """


@tensor_primitive("scatter", "tensor-scatter", at=_AT + "scatter")
def scatter(
    tensor: Tensor, indices: Tensor, values: Tensor, axis: int = 0, *, mode: Any = "set"
) -> Tensor:
    """A new tensor whose slices at the indices along an axis are those of ``values``.

    Args:
        mode: ``set``, where of the values for one index one wins; or ``add``, ``multiply``,
            ``min`` and ``max``, which combine all of them with what stands there.

    Example: ``(scatter (zeros 3) '(2 0) #(7 8) 0)`` ⇒ ``#(8.0 0.0 7.0)``;
    ``(scatter (zeros 2) '(1 1) #(7 8) 0 #:mode 'add)`` ⇒ ``#(0.0 15.0)``.
    """


@tensor_primitive("gather-nd", at="eshkol.xla.index_tuples:gather")
def gather_nd(tensor: Tensor, indices: Tensor) -> Tensor:
    """What stands at tuples of indices into the first axes: elements, or sub-tensors.

    Args:
        indices: integers [.., k]: along the last axis, an index for each of the first k axes.

    Raises:
        OutOfRange: there is nothing at indices that are known.

    Example: ``(gather-nd #(#(1 2) #(3 4)) '((0 1) (1 0)))`` ⇒ ``#(2.0 3.0)``.
    """


@tensor_primitive("scatter-nd", at="eshkol.xla.index_tuples:scatter")
def scatter_nd(tensor: Tensor, indices: Tensor, values: Tensor, *, mode: Any = "set") -> Tensor:
    """A new tensor with other values at tuples of indices; modes as for ``scatter``.

    Example: ``(scatter-nd (zeros 2 2) '((0 1) (1 0)) #(7 8))`` ⇒ ``#((0.0 7.0) (8.0 0.0))``.
    """


@tensor_primitive("topk", "tensor-topk", at=_AT + "topk")
def topk(tensor: Tensor, count: int, axis: int = -1) -> Pair:
    """A list of the ``count`` largest elements along an axis, largest first, and of their indices.

    Example: ``(topk #(1 5 3) 2)`` ⇒ ``(#(5.0 3.0) #(1 2))``.
    """


@tensor_primitive("tensor-sort", at=_AT + "sort")
def tensor_sort(tensor: Tensor, axis: int = -1, *, descending: bool = False) -> Tensor:
    """The elements in order along an axis. Example: ``(tensor-sort #(3 1))`` ⇒ ``#(1.0 3.0)``."""


@tensor_primitive("argsort", "tensor-argsort", at=_AT + "argsort")
def argsort(tensor: Tensor, axis: int = -1, *, descending: bool = False) -> Tensor:
    """The indices (int32) that put the elements in order along an axis; equal ones keep theirs.

    Example: ``(argsort #(3 1 2))`` ⇒ ``#(1 2 0)``.
    """
