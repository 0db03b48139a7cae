"""Derivatives, batching and compilation as primitives: ``gradient``, ``vmap``, ``jit`` …

Where no tensor takes part, derivatives are the host's (room ``autodiff``) and load no JAX; when a
tensor turns up while the procedure runs, it is run again under JAX.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from eshkol import autodiff
from eshkol.autodiff.structures import unflatten
from eshkol.base.errors import BadValue
from eshkol.datum.equality import is_array
from eshkol.datum.pairs import Pair, scheme_list
from eshkol.datum.values import Vector
from eshkol.datum.variables import value_of
from eshkol.datum.write import short_string
from eshkol.primitives.arguments import index_argument, wrong_type
from eshkol.primitives.calling import callee
from eshkol.primitives.declare import load, primitive
from eshkol.primitives.loop_states import keeping
from eshkol.primitives.points import (
    Point,
    check_numbers,
    check_procedure,
    curried,
    is_number,
    is_scalar,
    name_of,
    named,
    not_one_number,
    point_of,
    value_and_partials,
)

Procedure = Callable[..., Any]


@primitive("derivative", "D")
def derivative(function, x=None):
    """The derivative of a procedure of one number.

    Args:
        function: a procedure of one number that gives a number, or a vector or list of numbers.
        x: where. Exact at an exact point if the procedure is. Without it, the result is the
            procedure that computes the derivative.

    Returns:
        A number, or the structure that the procedure gives with the derivative of each number.

    Example: ``(derivative (lambda (x) (* x x)) 3)`` ⇒ ``6``; ``((derivative sin) 0.0)`` ⇒
    ``1.0``.
    """
    check_procedure("derivative", function)
    if x is None:
        return curried(derivative, function, {})
    x = value_of(x)
    if is_number(x):
        try:
            called = autodiff.foreign(callee(function))
            return autodiff.attempted(autodiff.derivative, called, x)
        except autodiff.NeedsTensors:
            pass
    elif not is_array(x):
        raise not_one_number("derivative", x)
    return load("eshkol.xla.calculus:derivative")(callee(function), x)


@primitive("gradient")
def gradient(function, *points, wrt=None, checkpoint=None, max_trips=None):
    """The gradient of a procedure that gives one number.

    Args:
        function: the procedure.
        points: its arguments. One point: a number, a tensor, a vector or list of numbers, or any
            structure or closure that holds inexact tensors. A vector of numbers is spread over
            the parameters of a procedure that takes several, and so are a list of anything and a
            tensor of rank 1 if it needs as many. Several numbers: all are differentiated.
            Otherwise the first is differentiated and the rest are data. Without points, the
            result is the procedure that computes the gradient; it takes keyword arguments of
            ``function`` too.
        wrt: the index of the argument to differentiate, where the rest are data; or a list of
            indices. Default: all, if there are several numbers, else the first.
        checkpoint: what compiled loops keep, ``'log``, ``'all`` or a number: see ``keep-states``.
        max_trips: how many trips of compiled loops to keep: see ``keep-states``.

    Returns:
        What the point is, with the partial derivative in place of each number or inexact tensor;
        for several numbers, a vector of partial derivatives; for a list of indices, a list.

    Example: ``(gradient (lambda (x y) (* x y)) 3.0 4.0)`` ⇒ ``#(4.0 3.0)``;
    ``(gradient (lambda (w x b) (+ (dot w x) b)) (ones 2) (ones 2) 1.0 #:wrt '(0 2))`` ⇒
    ``(#(1.0 1.0) 1.0)``.
    """
    function = keeping("gradient", function, checkpoint, max_trips)
    if not points:
        return curried(gradient, function, {"wrt": wrt})
    return _value_and_gradient("gradient", function, points, wrt, False)[1]


@primitive("value-and-gradient")
def value_and_gradient(function, *points, wrt=None, has_aux=False, checkpoint=None, max_trips=None):
    """The value of a procedure and its gradient, as a list of two.

    Args:
        function: the procedure; with ``has_aux`` it gives a list ``(value aux)``.
        points: as for ``gradient``.
        wrt: as for ``gradient``.
        has_aux: whether the procedure gives something beside its value.
        checkpoint: as for ``gradient``.
        max_trips: as for ``gradient``.

    Returns:
        ``(value gradient)``; with ``has_aux``, ``((value aux) gradient)``.

    Example: ``(value-and-gradient (lambda (x) (* x x)) 3.0)`` ⇒ ``(9.0 6.0)``.
    """
    function = keeping("value-and-gradient", function, checkpoint, max_trips)
    if not points:
        return curried(value_and_gradient, function, {"wrt": wrt, "has_aux": has_aux})
    has_aux = has_aux is not False
    value, partials = _value_and_gradient("value-and-gradient", function, points, wrt, has_aux)
    return scheme_list([scheme_list(value) if has_aux else value, partials])


def _value_and_gradient(
    who: str, function: Procedure, points: Sequence[Any], wrt: Any, has_aux: bool
) -> tuple[Any, Any]:
    if isinstance(wrt, Pair | Vector | list | tuple):
        point = _chosen_point(who, function, points, wrt)
    else:
        index = 0 if wrt is None else _index(who, wrt, points)
        are_numbers = all(map(is_scalar, points))
        if len(points) > 1 and not are_numbers:
            run = load("eshkol.xla.transforms:value_and_gradient")
            return run(who, function, list(points), index, has_aux)
        if len(points) == 1 or wrt is None:
            point = point_of(who, function, points)
        else:
            point = Point(points[index], _of_chosen(function, points, [index], is_one=True))
    try:
        return autodiff.attempted(_on_host, who, point, has_aux)
    except autodiff.NeedsTensors:
        pass
    run = load("eshkol.xla.transforms:value_and_gradient")
    return run(who, point.function, [point.value], 0, has_aux)


def _index(who: str, wrt: Any, points: Sequence[Any]) -> int:
    """The index of an argument that is differentiated."""
    index = index_argument(who, wrt, "an index, or a list of them, as #:wrt")
    if not 0 <= index < len(points):
        raise BadValue(f"{who}: #:wrt is {index}, there are {len(points)} arguments")
    return index


def _chosen_point(who: str, function: Procedure, points: Sequence[Any], wrt: Any) -> Point:
    """The arguments at some indices as one point, the rest being data."""
    indices = [_index(who, each, points) for each in wrt]
    if len(set(indices)) < len(indices):
        raise BadValue(f"{who}: #:wrt has an index twice, got {short_string(wrt)}")
    chosen = [points[index] for index in indices]
    of_chosen = _of_chosen(function, points, indices)
    return Point(tuple(chosen) if wrt.__class__ is tuple else scheme_list(chosen), of_chosen)


def _of_chosen(
    function: Procedure, points: Sequence[Any], indices: Sequence[int], is_one: bool = False
) -> Procedure:
    """The procedure of a list of the arguments at some indices, or of the one at the only index."""
    called = callee(function)

    def of_chosen(parts: Any) -> Any:
        arguments = list(points)
        for index, part in zip(indices, [parts] if is_one else parts, strict=True):
            arguments[index] = part
        return called(*arguments)

    return of_chosen


def _on_host(who: str, point: Point, has_aux: bool) -> tuple[Any, Any]:
    function, numbers, structure = point.taken_apart()
    check_numbers(who, point.value, numbers)
    value, partials = value_and_partials(who, function, numbers, has_aux)
    return value, unflatten(structure, partials)


@primitive("vmap")
def vmap(function, in_axes=None, out_axes=0):
    """The procedure that maps ``function`` over an axis of its arguments, all calls at once.

    Args:
        function: a procedure of one example.
        in_axes: the axis of each argument: one exact integer for all, or a list with ``#f`` for
            an argument that is the same for every call. In place of an axis a structure like
            that of the argument, or of its upper part, has one for each part. Default: the first
            axis of all. Keyword arguments are mapped over their first axis.
        out_axes: where the mapped axis goes in the results, one axis or a structure of them;
            default 0.

    Example: ``((vmap (lambda (x) (tensor-sum (* x x)))) (ones 3 4))`` ⇒ ``#(4.0 4.0 4.0)``;
    ``((vmap (lambda (p) (* (car p) (cadr p))) '((0 #f))) (list (ones 2) 3.0))`` ⇒ ``#(3.0 3.0)``.
    """
    check_procedure("vmap", function)
    _check_axes(in_axes)

    def mapped(*arguments, **options):
        run = load("eshkol.xla.repeated_lanes:mapped")
        return run(function, arguments, in_axes, out_axes, options)

    return named(mapped, f"vmap of {name_of(function)}")


def _check_axes(axes: Any) -> None:
    """Refuse data in the place of axes: ``vmap`` is not the call, it gives the procedure."""
    parts = axes if isinstance(axes, Pair | list | tuple) else [axes]
    if any(part.__class__ is float or getattr(part, "shape", ()) for part in parts):
        raise wrong_type(
            "vmap", "an axis, or a list of axes", axes, "call what it gives: ((vmap f) tensor)"
        )


@primitive("jit", "jit-compile")
def jit(function, static=None, donate=None, device=None, backend=None, max_depth=None):
    """The procedure that computes what ``function`` computes, compiled by XLA.

    Tensors and reals, in arguments, in captured variables and in top-level variables, are inputs
    of the compiled program: new values compile nothing, nor does an equal procedure made again.
    An exact integer is an input too, unless its value decides a shape, an axis or a number of
    trips; then each new value is compiled once, but 16 numbers of trips are followed by one
    program for all. Nothing has to be said in advance; the options say what is better known early.

    Args:
        function: a procedure or Python callable.
        static: arguments that are part of what is compiled, by their content (exact and inexact
            numbers, strings, symbols, lists of them): an index from 0, a name, or a list of those;
            the name of a parameter for further arguments means all of these.
        donate: arguments whose tensors the results may be stored in. They are gone after a call:
            who reads a variable that still holds one gets an error that names it.
        device: where it runs: ``'cpu``, ``'gpu``, ``"cuda:1"``; default: where its tensors are.
        backend: the platform that ``device``, by default its first one, is on.
        max_depth: for how many calls that wait for others a recursion on traced values has room;
            default: as many as fit into 32 MiB, but from 64 to 10,000.

    Raises:
        EshkolError: for an argument or a device that there is not.

    Example: ``(define f (jit (lambda (x) (* x x)))) (f 3.0)`` ⇒ ``9.0``

    Example: ``((jit (lambda (n x) (* x (ones n))) #:static 'n) 2 3.0)`` ⇒ ``#(3.0 3.0)``

    Example: ``(define step (jit (lambda (w g) (- w g)) #:donate 'w)) (step (ones 2) 0.5)`` ⇒
    ``#(0.5 0.5)``
    """
    check_procedure("jit", function)
    return load("eshkol.xla.jit:jit")(function, static, donate, device, backend, max_depth)
