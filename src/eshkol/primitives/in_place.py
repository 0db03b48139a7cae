"""Updates in place: of a vector, whose elements change, or of a variable that holds a tensor.

Tensors don't change. Where the argument that is updated is a variable, the expander makes the call
assign it (``expand/in_place.py``): ``(tensor-set! x i v)`` gives x a new tensor, and nobody else
who holds the old one sees it. A tensor that stands in a list, or that a procedure got as a
parameter, can't be updated that way, and is an error rather than an update that is lost. A vector
is changed itself, wherever it stands. All give the new value.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from eshkol.base.errors import OutOfRange, ShapeError, WrongType
from eshkol.datum.pairs import NIL, Pair
from eshkol.datum.values import Vector
from eshkol.datum.variables import TensorVariable, value_of
from eshkol.datum.write import short_string
from eshkol.expand.places import PLACES
from eshkol.primitives.arguments import index_argument, is_tracer
from eshkol.primitives.calling import callee
from eshkol.primitives.declare import PRIMITIVES, Function, Primitive, arity_error, call_rule, load
from eshkol.primitives.tensors import Tensor

_RULES = "eshkol.xla.in_place:"


class Update(NamedTuple):
    """What is known of a primitive that updates its arguments.

    Attributes:
        name: its Scheme name.
        rule: ``"module:attribute"`` of the function that gives its value (None: the first of the
            new values) and the new values of the arguments that it updates.
        gives: whether the new value is what it is called for, so that nothing is lost where it
            can't be stored.
        declaration: gives the signature.
        host: does all on Scheme data, or answers ``NotImplemented``.
    """

    name: str
    rule: str
    gives: bool
    declaration: Function
    host: Callable[..., Any] | None


_UPDATES: dict[Any, Update] = {}

_signature = functools.cache(inspect.signature)


def update_in_place(
    *names: str, at: str, gives: bool = False, host: Callable[..., Any] | None = None
) -> Callable[[Function], Function]:
    """Declare a primitive that updates its arguments at the places of the expander's table."""

    def declare(declaration: Function) -> Function:
        update = Update(names[0], at, gives, declaration, host)

        def function(*arguments: Any, **options: Any) -> Any:
            return _updated(update, 0, arguments, options)[0]

        functools.update_wrapper(function, declaration)
        function.__name__ = function.__qualname__ = names[0]
        _UPDATES[function] = update
        for name in names:
            PRIMITIVES[name] = Primitive(name, function, at)
        return function

    return declare


def update_variables(procedure: Any, mask: int, *arguments: Any, **options: Any) -> Any:
    """Call a primitive that updates its arguments, some of which are variables.

    Args:
        procedure: it, or what the program has put in its place.
        mask: the places of the variables, as bits.

    Returns:
        A tuple of its value and what to assign to the variables, in order.
    """
    update = _UPDATES.get(procedure)
    if update is not None:
        return _updated(update, mask, arguments, options)
    value = callee(procedure)(*arguments, **options)
    return value, *(x for place, x in enumerate(arguments) if mask >> place & 1)


def _updated(update: Update, mask: int, arguments: Sequence[Any], options: Any) -> tuple[Any, ...]:
    """The value of a call, and the new values of the variables among the arguments."""
    try:
        _signature(update.declaration).bind(*arguments, **options)
    except TypeError:
        raise arity_error(update.name, update.declaration, tuple(arguments), options) from None
    if update.host is not None and update.host(*arguments, **options) is not NotImplemented:
        return (arguments[0], arguments[0])
    plain = [value_of(argument) for argument in arguments]
    settings = {name: value_of(option) for name, option in options.items()}
    value, news = call_rule(load(update.rule), *plain, **settings)
    places = [place for place in PLACES[update.name] if place < len(arguments)]
    stored = [
        _stored(update, place, arguments[place], new, mask)
        for place, new in zip(places, news, strict=True)
    ]
    assigned = [x for place, x in zip(places, stored, strict=True) if mask >> place & 1]
    return (value_of(stored[0]) if value is None else value, *assigned)


def _stored(update: Update, place: int, old: Any, new: Any, mask: int) -> Any:
    """What stands for ``new`` from now on: the vector ``old`` with other elements, or ``new``."""
    if isinstance(old, Vector):
        overwrite(update.name, old, new)
        return old
    if old.__class__ is TensorVariable:
        load("eshkol.xla.variables:store")(update.name, old, new)
        return old
    is_whole = isinstance(old, Pair) and load("eshkol.xla.variables:update")(update.name, old, new)
    if is_whole or mask >> place & 1 or (update.gives and place == 0):
        return new
    raise WrongType(
        f"{update.name}: {short_string(old)} is no variable or vector, so its update would be lost",
        hint="a parameter of a procedure, or an element of a list, can't get a new tensor: bind it "
        "to a name with let\nand return that, or share a place: (variable tensor)",
    )


def overwrite(who: str, vector: Vector, new: Any) -> None:
    """Give a vector, possibly of vectors, the elements of a vector or tensor of its shape."""
    from_tensor = not isinstance(new, list)
    rows = load("eshkol.xla.creation:to_vector")(new) if from_tensor else new
    if not isinstance(rows, list) or len(rows) != len(vector):
        raise ShapeError(f"{who}: {short_string(new)} does not fit into {short_string(vector)}")
    for place, row in enumerate(rows):
        if isinstance(vector[place], Vector):
            overwrite(who, vector[place], row)
        else:
            write_element(who, vector, place, row)


def write_element(who: str, vector: Vector, place: int, value: Any) -> None:
    """``vector-set!``, also while a program is staged."""
    journal = sys.modules.get("eshkol.xla.journal")
    if journal is None:
        vector[place] = value
        return
    journal.note_change(who, vector, vector)
    before = journal.contents([vector])
    vector[place] = value
    if journal.FRAMES.ties:
        load("eshkol.xla.ties:change_tied")(who, [vector], before)


def _set_in_vector(vector: Any, *indices_and_value: Any) -> Any:
    """Replace an element of a vector of vectors; NotImplemented of anything else."""
    *given, value = indices_and_value or (None,)
    indices = list(given[0]) if len(given) == 1 and _is_listed(given[0]) else given
    if not isinstance(vector, Vector) or not given or any(map(is_tracer, indices)):
        return NotImplemented
    who = "tensor-set!"
    places = [index_argument(who, index) for index in indices]
    is_number = not isinstance(value, Vector | Pair) and not getattr(value, "shape", ())
    if is_number and len(places) == 1 and given == indices:
        places = _unraveled(who, vector, places[0])
    target: Any = vector
    for place in places[:-1]:
        target = _row(who, target, place)
    old = _row(who, target, places[-1])
    if isinstance(old, Vector):
        overwrite(who, old, Vector(value) if isinstance(value, Pair) else value)
    else:
        write_element(who, target, places[-1], value)
    return vector


def _is_listed(value: Any) -> bool:
    return isinstance(value, Pair | list) or value is NIL


def _row(who: str, vector: Any, place: int) -> Any:
    if not isinstance(vector, Vector):
        raise ShapeError(f"{who}: more indices than axes of {short_string(vector)}")
    if not 0 <= place < len(vector):
        raise OutOfRange(f"{who}: index {place} is out of range for {short_string(vector)}")
    return vector[place]


def _unraveled(who: str, vector: Vector, index: int) -> list[int]:
    """The indices of the element with a number in row order."""
    sizes, part = [], vector
    while isinstance(part, Vector) and part:
        sizes.append(len(part))
        part = part[0]
    places: list[int] = []
    rest = index
    for size in reversed(sizes):
        rest, place = divmod(rest, size)
        places.insert(0, place)
    if index < 0 or rest:
        raise OutOfRange(f"{who}: index {index} is out of range for {short_string(vector)}")
    return places


@update_in_place("tensor-set!", at=_RULES + "set_element", host=_set_in_vector)
def tensor_set(tensor: Tensor, *indices_and_value: Any) -> Any:
    """Replace the element, or the sub-tensor, at the indices by the last argument.

    A single index into several axes counts elements in row order if the value is a number; without
    indices all elements are replaced. A list of slices in place of the indices, as
    ``tensor-slice`` takes it, gives a part to replace. In a list, negative indices count from the
    end.

    Raises:
        OutOfRange: there is no such element. WrongType: the update would be lost.

    Example: ``(let ((t (zeros 2 2))) (tensor-set! t 0 1 9.5) t)`` ⇒ ``#((0.0 9.5) (0.0 0.0))``;
    ``(let ((t (zeros 2 2))) (tensor-set! t '(: 0) 1.0) t)`` ⇒ ``#((1.0 0.0) (1.0 0.0))``.
    """


@update_in_place("tensor-scatter!", at=_RULES + "scatter_in")
def tensor_scatter(tensor: Tensor, indices: Tensor, values: Tensor, axis: int = 0) -> Any:
    """Replace the slices at the indices along an axis, as ``scatter`` does.

    Example: ``(let ((t (zeros 3))) (tensor-scatter! t '(2 0) #(7 8) 0) t)`` ⇒ ``#(8.0 0.0 7.0)``.
    """


@update_in_place("tensor-add!", "add!", at=_RULES + "add_to")
def tensor_add(tensor: Tensor, other: Tensor) -> Any:
    """Add to a tensor, element by element; ``other`` broadcasts to its shape.

    Example: ``(let ((t (ones 2))) (tensor-add! t #(1 2)) t)`` ⇒ ``#(2.0 3.0)``.
    """


@update_in_place("tensor-sub!", "sub!", at=_RULES + "subtract_from")
def tensor_sub(tensor: Tensor, other: Tensor) -> Any:
    """Subtract from a tensor, element by element.

    Example: ``(let ((t (ones 2))) (tensor-sub! t #(1 2)) t)`` ⇒ ``#(0.0 -1.0)``.
    """


@update_in_place("tensor-mul!", "mul!", "tensor-scale!", "scale!", at=_RULES + "multiply_by")
def tensor_mul(tensor: Tensor, other: Tensor) -> Any:
    """Multiply a tensor by a number, or element by element.

    A number multiplies all tensors of a list, or of another structure, such as a gradient.

    Example: ``(let ((t (ones 2))) (tensor-scale! t 3) t)`` ⇒ ``#(3.0 3.0)``.
    """


@update_in_place("tensor-div!", "div!", at=_RULES + "divide_by")
def tensor_div(tensor: Tensor, other: Tensor) -> Any:
    """Divide a tensor by a number, or element by element; all tensors of a structure by a number.

    Example: ``(let ((v #(1.0 2.0))) (tensor-div! v 2) v)`` ⇒ ``#(0.5 1.0)``.
    """


@update_in_place("tensor-axpy!", "axpy!", at=_RULES + "add_scaled")
def tensor_axpy(y: Tensor, a: Any, x: Tensor) -> Any:
    """``y = a x + y``, for a number a.

    Example: ``(let ((y (ones 2))) (tensor-axpy! y 2 #(1 2)) y)`` ⇒ ``#(3.0 5.0)``.
    """


@update_in_place("zero-grad!", at=_RULES + "zero")
def zero_grad(gradient: Tensor) -> Any:
    """Set all elements to 0. Example: ``(let ((g #(1.0 2.0))) (zero-grad! g) g)`` ⇒ ``#(0.0 0.0)``.

    A list of tensors, or a structure of such, gets zeros of the same shapes.
    """


@update_in_place("clip-grad-norm!", at=_RULES + "clip_norm")
def clip_grad_norm(gradients: Any, limit: Any) -> Any:
    """Scale gradients down so that their Euclidean norm is at most ``limit``; the norm before.

    Args:
        gradients: a tensor or vector, or a list or other structure of tensors, which are taken
            together (Pascanu et al. 2013).
        limit: greater than 0.

    Example: ``(let ((g #(3.0 4.0))) (list (clip-grad-norm! g 1.0) g))`` ⇒ ``(5.0 #(0.6 0.8))``.
    """


@update_in_place("xavier-uniform!", at=_RULES + "xavier_uniform")
def xavier_uniform(tensor: Tensor, fan_in: Any, fan_out: Any) -> Any:
    """Draw all elements evenly from ±√(6 / (fan-in + fan-out)) (Glorot and Bengio 2010).

    Example: ``(let ((w (zeros 2 3))) (xavier-uniform! w 2 3) (tensor-shape w))`` ⇒ ``(2 3)``.
    """


@update_in_place("xavier-normal!", at=_RULES + "xavier_normal")
def xavier_normal(tensor: Tensor, fan_in: Any, fan_out: Any) -> Any:
    """Draw all elements from a normal distribution of variance 2 / (fan-in + fan-out).

    Example: ``(let ((w (zeros 784 128))) (xavier-normal! w 784 128) (< 0.04 (tensor-std w)
    0.06))`` ⇒ ``#t``.
    """


@update_in_place("kaiming-uniform!", at=_RULES + "kaiming_uniform")
def kaiming_uniform(tensor: Tensor, fan_in: Any) -> Any:
    """Draw all elements evenly from ±√(6 / fan-in) (He et al. 2015).

    Example: ``(let ((w (zeros 784 128))) (kaiming-uniform! w 784) (<= (tensor-max (abs w)) (sqrt
    (/ 6 784))))`` ⇒ ``#t``.
    """


@update_in_place("kaiming-normal!", at=_RULES + "kaiming_normal")
def kaiming_normal(tensor: Tensor, fan_in: Any) -> Any:
    """Draw all elements from a normal distribution of variance 2 / fan-in (He et al. 2015).

    Example: ``(let ((w (zeros 784 128))) (kaiming-normal! w 784) (< 0.045 (tensor-std w)
    0.055))`` ⇒ ``#t``.
    """


@update_in_place("lecun-normal!", at=_RULES + "lecun_normal")
def lecun_normal(tensor: Tensor, fan_in: Any) -> Any:
    """Draw all elements from a normal distribution of variance 1 / fan-in (LeCun et al. 1998).

    Example: ``(let ((w (zeros 784 128))) (lecun-normal! w 784) (< 0.03 (tensor-std w) 0.04))`` ⇒
    ``#t``.
    """
