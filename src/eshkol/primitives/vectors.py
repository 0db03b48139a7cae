"""Scheme vectors. What only reads a vector takes a tensor too, whose elements are its rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eshkol.base.errors import EshkolError, OutOfRange, WrongType
from eshkol.datum.equality import is_array
from eshkol.datum.pairs import scheme_list
from eshkol.datum.values import UNSPECIFIED, Unspecified, Vector
from eshkol.primitives.arguments import (
    index_argument,
    is_tracer,
    list_argument,
    no_such_position,
    position_argument,
    procedure_argument,
    range_arguments,
    size_argument,
    vector_argument,
)
from eshkol.primitives.calling import callee
from eshkol.primitives.declare import apply_rule, load, primitive
from eshkol.primitives.list_procedures import staged_traversal
from eshkol.primitives.lists import List

VectorOrTensor = Any
"""A Scheme vector, or a tensor of rank 1 or more."""

_REF = "eshkol.xla.indexing:vector_ref"
_ELEMENT = "eshkol.xla.chosen_elements:element"
_SET_ELEMENT = "eshkol.xla.chosen_elements:set_element"


def elements(who: str, vector: VectorOrTensor) -> Sequence[Any]:
    """The elements of a vector, or the rows of a tensor."""
    if is_array(vector) and vector.shape != ():
        return [apply_rule(_REF, who, vector, k) for k in range(vector.shape[0])]
    return vector_argument(who, vector)


def _part(who: str, vector: VectorOrTensor, start: Any, end: Any) -> Vector:
    """A new vector of the elements from ``start`` to before ``end``."""
    items = elements(who, vector)
    first, last = range_arguments(who, start, end, len(items), "vector")
    return Vector(items[first:last])


def mutable(who: str, vector: Any) -> list[Any]:
    """``vector`` if its elements can be replaced: a Scheme vector."""
    if is_array(vector):
        raise WrongType(
            f"{who}: expected a vector, got a tensor, whose elements can't be replaced",
            hint="(tensor-set! t i … value) gives the variable t a new tensor",
        )
    return vector_argument(who, vector)


@primitive("vector")
def make_vector_of(*items: Any) -> Vector:
    """A new vector of the arguments. Example: ``(vector 1 'a)`` ⇒ ``#(1 a)``."""
    return Vector(items)


@primitive("make-vector")
def make_vector(length: int, fill: Any = 0) -> Vector:
    """A new vector of ``length`` times the same value.

    Example: ``(make-vector 3 'a)`` ⇒ ``#(a a a)``.
    """
    return Vector([fill] * size_argument("make-vector", length))


@primitive("vector?")
def is_vector(value: Any) -> bool:
    """Whether the value is a vector; tensors of rank 1 or more count as vectors.

    Example: ``(vector? #(1 2))`` ⇒ ``#t``; ``(vector? '(1 2))`` ⇒ ``#f``.
    """
    return isinstance(value, list) or (is_array(value) and value.shape != ())


@primitive("vector-length")
def vector_length(vector: VectorOrTensor) -> int:
    """The number of elements of a vector, or of rows of a tensor.

    Example: ``(vector-length #(1 2 3))`` ⇒ ``3``.
    """
    if vector.__class__ is Vector:
        return len(vector)
    if is_array(vector) and vector.shape != ():
        return vector.shape[0]
    return len(vector_argument("vector-length", vector))


@primitive("vector-ref")
def vector_ref(vector: VectorOrTensor, k: int) -> Any:
    """Element ``k`` of a vector, from 0; of a tensor, row ``k``.

    Raises:
        OutOfRange: there is no such element. WrongType: ``k`` is not an exact integer.

    Example: ``(vector-ref #(a b c) 2)`` ⇒ ``c``.
    """
    if vector.__class__ is Vector and k.__class__ is int and k >= 0:
        try:
            return vector[k]
        except IndexError:
            raise _out_of_range("vector-ref", vector, k) from None
    if is_array(vector):
        return apply_rule(_REF, "vector-ref", vector, k)
    if isinstance(vector, list) and is_tracer(k):
        return load(_ELEMENT)("vector-ref", vector, k)
    items = vector_argument("vector-ref", vector)
    return items[position_argument("vector-ref", k, len(items), "vector")]


def _out_of_range(who: str, vector: list[Any], k: int) -> EshkolError:
    return no_such_position(who, k, len(vector), "vector")


@primitive("vector-set!")
def vector_set(vector: Vector, k: int, value: Any) -> Unspecified:
    """Replace element ``k`` of a vector.

    Raises:
        WrongType: the first argument is a tensor, whose elements can't be replaced.

    Example: ``(let ((v (vector 1 2))) (vector-set! v 0 'x) v)`` ⇒ ``#(x 2)``.
    """
    if vector.__class__ is Vector and k.__class__ is int and 0 <= k < len(vector):
        vector[k] = value
        return UNSPECIFIED
    items = mutable("vector-set!", vector)
    if is_tracer(k):
        items[:] = load(_SET_ELEMENT)("vector-set!", items, k, value)
        return UNSPECIFIED
    items[position_argument("vector-set!", k, len(items), "vector")] = value
    return UNSPECIFIED


@primitive("vector-fill!")
def vector_fill(vector: Vector, value: Any, start: int = 0, end: Any = None) -> Unspecified:
    """Replace all elements from ``start`` to before ``end`` by one value.

    Example: ``(let ((v (vector 1 2 3))) (vector-fill! v 0 1) v)`` ⇒ ``#(1 0 0)``.
    """
    items = mutable("vector-fill!", vector)
    first, last = range_arguments("vector-fill!", start, end, len(items), "vector")
    items[first:last] = [value] * (last - first)
    return UNSPECIFIED


@primitive("vector->list")
def vector_to_list(vector: VectorOrTensor, start: int = 0, end: Any = None) -> List:
    """The list of the elements from ``start`` to before ``end``.

    Example: ``(vector->list #(1 2 3) 1)`` ⇒ ``(2 3)``.
    """
    return scheme_list(_part("vector->list", vector, start, end))


@primitive("list->vector")
def list_to_vector(items: List) -> Vector:
    """The vector of the elements of a list. Example: ``(list->vector '(1 2))`` ⇒ ``#(1 2)``."""
    return Vector(list_argument("list->vector", items))


@primitive("vector-copy", "subvector")
def vector_copy(vector: VectorOrTensor, start: int = 0, end: Any = None) -> Vector:
    """A new vector of the elements from ``start`` to before ``end``.

    Example: ``(vector-copy #(1 2 3) 1)`` ⇒ ``#(2 3)``.
    """
    return _part("vector-copy", vector, start, end)


@primitive("vector-head")
def vector_head(vector: VectorOrTensor, end: int) -> Vector:
    """A new vector of the first ``end`` elements.

    Example: ``(vector-head #(1 2 3) 2)`` ⇒ ``#(1 2)``.
    """
    return _part("vector-head", vector, 0, end)


@primitive("vector-tail")
def vector_tail(vector: VectorOrTensor, start: int) -> Vector:
    """A new vector of the elements from ``start`` on.

    Example: ``(vector-tail #(1 2 3) 2)`` ⇒ ``#(3)``.
    """
    return _part("vector-tail", vector, start, None)


@primitive("vector-copy!")
def vector_copy_into(
    target: Vector, at: int, source: VectorOrTensor, start: int = 0, end: Any = None
) -> Unspecified:
    """Copy the elements of ``source`` from ``start`` to before ``end`` into ``target`` at ``at``.

    The vectors may be the same one.

    Raises:
        OutOfRange: they do not fit.

    Example: ``(let ((v (vector 1 2 3))) (vector-copy! v 1 #(8 9)) v)`` ⇒ ``#(1 8 9)``.
    """
    items = mutable("vector-copy!", target)
    part = _part("vector-copy!", source, start, end)
    position = index_argument("vector-copy!", at)
    if not 0 <= position <= len(items) - len(part):
        raise OutOfRange(
            f"vector-copy!: {len(part)} elements at {position} do not fit in a vector of length "
            f"{len(items)}"
        )
    items[position : position + len(part)] = part
    return UNSPECIFIED


@primitive("vector-append")
def vector_append(*vectors: VectorOrTensor) -> Vector:
    """A new vector of all elements. Example: ``(vector-append #(1) #(2 3))`` ⇒ ``#(1 2 3)``."""
    result = Vector()
    for vector in vectors:
        result.extend(elements("vector-append", vector))
    return result


@primitive("vector-map")
def vector_map(procedure: Any, vector: VectorOrTensor, *vectors: VectorOrTensor) -> Vector:
    """The vector of what the procedure gives for each element, in order.

    With several vectors it is called with one element of each, up to the end of the shortest. In
    staged code the procedure is traced once for all rows of long tensors.

    Example: ``(vector-map + #(1 2) #(10 20))`` ⇒ ``#(11 22)``.
    """
    staged = staged_traversal("map_rows", "vector-map", procedure, (vector, *vectors))
    results = None if staged is None else staged((vector, *vectors))
    if results is not None:
        return Vector(results)
    call = callee(procedure_argument("vector-map", procedure))
    columns = [elements("vector-map", each) for each in (vector, *vectors)]
    return Vector([call(*row) for row in zip(*columns, strict=False)])


@primitive("vector-for-each")
def vector_for_each(
    procedure: Any, vector: VectorOrTensor, *vectors: VectorOrTensor
) -> Unspecified:
    """Call the procedure on each element, or on corresponding elements of several vectors.

    Example: ``(let ((sum 0)) (vector-for-each (lambda (x) (set! sum (+ sum x))) #(1 2 3)) sum)``
    ⇒ ``6``.
    """
    staged = staged_traversal("for_each_row", "vector-for-each", procedure, (vector, *vectors))
    if staged is not None:
        staged((vector, *vectors))
        return UNSPECIFIED
    call = callee(procedure_argument("vector-for-each", procedure))
    columns = [elements("vector-for-each", each) for each in (vector, *vectors)]
    for row in zip(*columns, strict=False):
        call(*row)
    return UNSPECIFIED


@primitive("vector-fold")
def vector_fold(procedure: Any, initial: Any, vector: VectorOrTensor) -> Any:
    """Combine the elements from the left with ``(f accumulator element)``.

    Example: ``(vector-fold + 0 #(1 2 3))`` ⇒ ``6``.
    """
    call = callee(procedure_argument("vector-fold", procedure))
    for item in elements("vector-fold", vector):
        initial = call(initial, item)
    return initial
