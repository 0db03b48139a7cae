"""Values as trees: leaves that are traced, and a structure that is compared and hashed.

Procedures are plain Python functions and JAX knows nothing of them. Where a value crosses a
boundary (``jit``, ``gradient``, ``vmap``, branches, loops, an optimizer, a file), :func:`flatten`
takes it apart, closures included: a closure is its code's key and its captured values.

Leaves have kinds: ``TENSOR`` (arrays, tracers), ``REAL`` (Python floats), ``COMPLEX``, ``EXACT``
(exact integers, witnesses) and, outside of closures, ``TRUTH`` (booleans). Everything else is part
of the structure. One variable captured twice is one leaf.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Container, Iterator, Sequence
from typing import Any

import jax
import numpy as np

from eshkol.autodiff import Differentiable, NeedsTensors, settled
from eshkol.datum.pairs import NIL, Pair, spine
from eshkol.datum.records import Promise, Record, field_values
from eshkol.datum.values import Char, HashTable, KeyedTable, MultipleValues, MutableString, Vector
from eshkol.datum.variables import TensorVariable
from eshkol.datum.write import refuse_cycles
from eshkol.runtime.procedures import procedure_of
from eshkol.xla._compat import ArrayImpl as ArrayImpl
from eshkol.xla.code_keys import PythonCodeKey, Static, TableKeys, code_key, is_short
from eshkol.xla.held import HELD
from eshkol.xla.outlived import open_traces
from eshkol.xla.outlived import settled as settled_tensor
from eshkol.xla.rebuilding import BUILDERS as BUILDERS
from eshkol.xla.rebuilding import MUTABLE, OuterBox, Structure, parts_of
from eshkol.xla.rebuilding import WRAPPERS as WRAPPERS
from eshkol.xla.rebuilding import unflatten as unflatten
from eshkol.xla.tensors import as_tensor, check_numeric
from eshkol.xla.witness import Witness

DEEP = 1_000
"""Where so many containers stand in one another it is asked whether one contains itself."""

PART = "part"
"""Marks the transparent function of a part of a staged procedure, as ``eshkol_transparent``."""

TENSOR, REAL, COMPLEX, EXACT, TRUTH = "tensor", "real", "complex", "exact", "truth"
KINDS = frozenset([TENSOR, REAL, COMPLEX, EXACT, TRUTH])

BUFFER = ("buffer", None, (TENSOR,))
"""The structure of a tensor that is not trained (``buffers``)."""

BUFFERS: dict[int, Any] = {}
"""Weak references to all such tensors, by their identities."""

# ---- flattening


class _Flattening:
    """One pass over a value.

    Attributes:
        leaves: those found so far.
        seen: the numbers of cells and closures by identity.
        open: the closures that are being taken apart.
        depth: how many containers are.
        containers: what can be changed, in the order in which it is rebuilt, if that is asked for.
        boxes: gives the details of places that can be assigned, if they have any.
        places: the boxes met so far that are known by their numbers.
        variables: the places of tensors met so far.
        whole: the identities of those that are leaves themselves, rather than what they hold.
    """

    __slots__ = tuple("boxes containers depth leaves open places seen variables whole".split())

    def __init__(self, boxes: Callable[[Any], Any] | None = None) -> None:
        self.boxes = boxes
        self.places: list[Any] = []
        self.variables: list[TensorVariable] = []
        self.whole: Container[int] = ()
        self.leaves: list[Any] = []
        self.containers: list[Any] | None = None
        self.seen: dict[int, int] = {}
        self.open: list[int] = []
        self.depth = 0

    def visit(self, value: Any) -> Structure:
        kind = value.__class__
        if kind is ArrayImpl:
            self.leaves.append(value)
            return BUFFER if id(value) in BUFFERS else TENSOR
        if HELD.containers and id(value) in HELD.containers:
            return ("static", Static(value), ())
        visitor = _VISITORS.get(kind)
        if visitor is not None:
            return visitor(self, value)
        return _visit_other(self, value)

    def parts(self, items: Sequence[Any], container: Any) -> tuple[Structure, ...]:
        """The structures of what a container holds."""
        self.depth += 1
        if self.depth == DEEP:
            refuse_cycles(container)
        children = tuple([self.visit(item) for item in items])
        self.depth -= 1
        return children

    def shared(self, value: Any, tag: str) -> Structure | None:
        """A reference to a cell or closure met before; else it is numbered."""
        index = self.seen.get(id(value))
        if index is not None:
            return (tag, index, ())
        self.seen[id(value)] = len(self.seen)
        return None


def _leaf(kind: str) -> Callable[[_Flattening, Any], Structure]:
    def visit(pass_: _Flattening, value: Any) -> Structure:
        pass_.leaves.append(value)
        return kind

    return visit


def _visit_integer(pass_: _Flattening, value: int) -> Structure:
    """An exact integer; one that has more than 64 bits is a part of the structure."""
    if not is_short(value):
        return ("static", Static(value), ())
    pass_.leaves.append(value)
    return EXACT


def _visit_bool(pass_: _Flattening, value: Any) -> Structure:
    if pass_.open:
        return ("static", Static(value), ())
    pass_.leaves.append(value)
    return TRUTH


def _visit_function(pass_: _Flattening, value: Any) -> Structure:
    procedure = procedure_of(value)
    if procedure is None:
        compiled = _compiled_closure(value)
        if compiled is not None:
            return _visit_function(pass_, compiled)
        return _visit_python_function(pass_, value)
    shared = pass_.shared(value, "shared")
    if shared is not None:
        return shared
    pass_.open.append(id(value))
    children = tuple([_visit_cell(pass_, cell) for cell in value.__closure__ or ()])
    pass_.open.pop()
    key = (code_key(value, procedure), _defaults_key(value))
    return ("closure", key, children)


def _compiled_closure(value: Any) -> Any:
    """The compiled form of a closure that an evaluator has made; None for any other function."""
    compiled = getattr(getattr(value, "eshkol_cek", None), "compiled", None)
    return None if compiled is None else compiled()


def _visit_python_function(pass_: _Flattening, value: Any) -> Structure:
    """A Python closure that is transparent like a closure; any other function by identity."""
    wrapper = getattr(value, "eshkol_wrapper", None)
    if wrapper is not None:
        inner = value.__wrapped__
        if id(inner) in pass_.open:
            return ("static", Static(value), ())
        return ("wrapped", wrapper, (pass_.visit(inner),))
    transparent = getattr(value, "eshkol_transparent", False)
    if not transparent:
        return ("static", Static(value), ())
    shared = pass_.shared(value, "shared")
    if shared is not None:
        return shared
    visit_cell = _visit_cell if transparent == PART else _visit_python_cell
    pass_.open.append(id(value))
    children = tuple([visit_cell(pass_, cell) for cell in value.__closure__ or ()])
    pass_.open.pop()
    return ("closure", (PythonCodeKey(value), _defaults_key(value)), children)


def _visit_python_cell(pass_: _Flattening, cell: Any) -> Structure:
    return pass_.shared(cell, "shared-cell") or pass_.visit(cell.cell_contents)


def _defaults_key(function: types.FunctionType) -> Any:
    defaults = function.__defaults__
    positional = None if defaults is None else tuple(Static(item) for item in defaults)
    options = function.__kwdefaults__
    if not options:
        return positional
    return positional, tuple((name, Static(item)) for name, item in sorted(options.items()))


def _visit_cell(pass_: _Flattening, cell: Any) -> Structure:
    seen = pass_.seen
    count = len(seen)
    index = seen.setdefault(id(cell), count)
    if index != count:
        return ("shared-cell", index, ())
    try:
        contents = cell.cell_contents
    except ValueError:
        return ("empty", None, ())
    if contents.__class__ is ArrayImpl:
        pass_.leaves.append(contents)
        return BUFFER if id(contents) in BUFFERS else TENSOR
    if contents.__class__ in _BOXES and len(contents) == 1:
        structure = _visit_box(pass_, contents)
        if pass_.containers is not None:
            pass_.containers.append(contents)
        return structure
    return pass_.visit(contents)


def _visit_box(pass_: _Flattening, box: Any) -> Structure:
    """The box of an assigned variable; one that is made is known by its number."""
    if pass_.boxes is None:
        return ("box", None, (pass_.visit(box[0]),))
    details = pass_.boxes(box)
    if details.is_told:
        return ("box", details, (pass_.visit(box[0]),))
    for number, known in enumerate(pass_.places):
        if known is box:
            return ("shared-box", number, ())
    pass_.places.append(box)
    return ("box", details, (pass_.visit(box[0]), *_visit_ties(pass_, details, box)))


def _visit_ties(pass_: _Flattening, details: Any, place: Any) -> list[Structure]:
    """The conditions and places that one is tied to."""
    children = []
    for condition, other in details.ties(place):
        children += [pass_.visit(condition), _visit_tied(pass_, other)]
    return children


def _visit_tied(pass_: _Flattening, place: Any) -> Structure:
    if isinstance(place, _CONTAINERS):
        return pass_.visit(place)
    is_variable = place.__class__ is TensorVariable
    assert pass_.boxes is not None
    details = pass_.boxes(place)
    if details.is_told:
        return ("variable" if is_variable else "box", details, ())
    return pass_.visit(place) if is_variable else _visit_box(pass_, place)


def _visit_variable(pass_: _Flattening, value: TensorVariable) -> Structure:
    """What a variable holds; the variable itself where it is known and stays the one it is."""
    if id(value) in pass_.whole:
        pass_.leaves.append(value)
        return TENSOR
    details = None if pass_.boxes is None else pass_.boxes(value)
    if details is None or not details.is_told:
        for index, known in enumerate(pass_.variables):
            if known is value:
                return ("shared-variable", index, ())
        pass_.variables.append(value)
    pass_.visit(value.tensor)
    ties = () if details is None else _visit_ties(pass_, details, value)
    return ("variable", details, (BUFFER if value.is_buffer else TENSOR, *ties))


def _visit_pair(pass_: _Flattening, value: Any) -> Structure:
    items, tail = spine(value)
    if tail is NIL:
        return ("list", len(items), pass_.parts(items, value))
    return ("dotted", len(items), pass_.parts([*items, tail], value))


def _visit_vector(pass_: _Flattening, value: Any) -> Structure:
    return ("vector", len(value), pass_.parts(value, value))


def _visit_table(pass_: _Flattening, value: HashTable) -> Structure:
    keys = tuple(value.entries)
    names, items = zip(*value.items(), strict=True) if keys else ((), ())
    return ("table", TableKeys(keys, list(names)), pass_.parts(items, value))


def _visit_tuple(pass_: _Flattening, value: Any) -> Structure:
    return ("tuple", None, tuple([pass_.visit(item) for item in value]))


def _visit_promise(pass_: _Flattening, value: Promise) -> Structure:
    """What is promised, or the procedure that gives it, in which the promise may be again."""
    shared = pass_.shared(value.box, "shared")
    if shared is not None:
        return shared
    pass_.open.append(id(value.box))
    children = tuple([pass_.visit(item) for item in value.box])
    pass_.open.pop()
    return ("promise", None if pass_.boxes is None else pass_.boxes(value.box), children)


def _visit_record(pass_: _Flattening, value: Record) -> Structure:
    return ("record", value.__class__, pass_.parts(field_values(value), value))


def _visit_method(pass_: _Flattening, value: Any) -> Structure:
    """A bound method is its function and the object: a module's weights are seen through it."""
    return ("method", None, (pass_.visit(value.__func__), pass_.visit(value.__self__)))


def _visit_partial(pass_: _Flattening, value: Any) -> Structure:
    """What ``functools.partial`` makes; numbers in it are settings, part of the structure."""
    names = tuple(value.keywords)
    given = (*value.args, *value.keywords.values())
    parts = [pass_.visit(value.func)]
    for part in given:
        is_number = part.__class__ in (int, float, complex, bool)
        parts.append(("static", Static(part), ()) if is_number else pass_.visit(part))
    return ("partial", names, tuple(parts))


def _visit_dict(pass_: _Flattening, value: Any) -> Structure:
    keys = sorted(value, key=lambda key: (str(type(key)), str(key)))
    return ("dict", tuple(keys), tuple([pass_.visit(value[key]) for key in keys]))


def _visit_static(pass_: _Flattening, value: Any) -> Structure:
    return ("static", Static(value), ())


def _visit_other(pass_: _Flattening, value: Any) -> Structure:
    """Arrays and tracers of any class, named tuples, registered pytrees; else static."""
    kind = value.__class__
    if isinstance(value, jax.core.Tracer) and hasattr(value, "primal"):
        visitor: Any = _visit_derivative
    elif isinstance(value, np.ndarray | np.generic):
        visitor = _visit_numpy
    elif isinstance(value, jax.Array):
        visitor = _visit_array
    elif isinstance(value, Record):
        visitor = _visit_record
    elif isinstance(value, Differentiable):
        visitor = _visit_differentiable
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        visitor = _visit_named_tuple
    elif isinstance(value, tuple):
        visitor = _visit_tuple
    elif callable(value) and not isinstance(value, type) and _one_level(value) is None:
        visitor = _visit_static
    elif _one_level(value) is not None:
        visitor = _visit_registered
    else:
        visitor = _visit_static
    if not issubclass(kind, types.FunctionType):
        _VISITORS[kind] = visitor
    return visitor(pass_, value)


def _visit_array(pass_: _Flattening, value: Any) -> Structure:
    pass_.leaves.append(value)
    return BUFFER if id(value) in BUFFERS else TENSOR


def _visit_numpy(pass_: _Flattening, value: Any) -> Structure:
    """A NumPy scalar is the number that it is, an array the tensor that operations make of it."""
    check_numeric("array", value.dtype)
    if isinstance(value, np.generic):
        return pass_.visit(value.item())
    is_numeric = value.dtype.kind in "biufc"
    return _visit_array(pass_, as_tensor(value, "array") if is_numeric else value)


def _visit_derivative(pass_: _Flattening, value: Any) -> Structure:
    """A tensor that carries a derivative, unless that has been taken."""
    pass_.leaves.append(settled_tensor(value, open_traces()))
    return BUFFER if id(value) in BUFFERS else TENSOR


def _visit_differentiable(pass_: _Flattening, value: Any) -> Structure:
    """A number kept from a derivative that has been taken; under one, tensors are needed."""
    plain = settled(value)
    if isinstance(plain, Differentiable):
        raise NeedsTensors
    return pass_.visit(plain)


def _visit_named_tuple(pass_: _Flattening, value: Any) -> Structure:
    return ("named-tuple", value.__class__, tuple([pass_.visit(item) for item in value]))


def _one_level(value: Any) -> Any:
    """The structure of one level of a registered pytree; None for a value that is a leaf."""
    definition: Any = jax.tree_util.tree_structure(value, is_leaf=lambda part: part is not value)
    return None if definition == _LEAF else definition


_LEAF = jax.tree_util.tree_structure(0)


def _visit_registered(pass_: _Flattening, value: Any) -> Structure:
    definition = _one_level(value)
    children = tuple(pass_.visit(part) for part in definition.flatten_up_to(value))
    return ("registered", definition, children)


_BOXES = frozenset([list, OuterBox])

_VISITORS: dict[type, Callable[[_Flattening, Any], Structure]] = {
    float: _leaf(REAL),
    complex: _leaf(COMPLEX),
    int: _visit_integer,
    Witness: _leaf(EXACT),
    jax.ShapeDtypeStruct: _leaf(TENSOR),
    bool: _visit_bool,
    types.FunctionType: _visit_function,
    Pair: _visit_pair,
    Vector: _visit_vector,
    TensorVariable: _visit_variable,
    Promise: _visit_promise,
    HashTable: _visit_table,
    KeyedTable: _visit_table,
    tuple: _visit_tuple,
    MultipleValues: lambda pass_, value: ("values", None, pass_.parts(value, value)),
    list: lambda pass_, value: ("python-list", len(value), pass_.parts(value, value)),
    dict: _visit_dict,
    Static: lambda _, value: ("static", value, ()),
    types.MethodType: _visit_method,
    functools.partial: _visit_partial,
    **dict.fromkeys((str, Char, type(None), type(NIL), type), _visit_static),
    types.BuiltinFunctionType: _visit_static,
}


def register(
    kind: type,
    take_apart: Callable[[Any], tuple[Any, tuple[Any, ...]]],
    rebuild: Callable[[Any, list[Any]], Any],
) -> None:
    """Make a class a container.

    Args:
        kind: the class.
        take_apart: gives hashable details and the children of an instance.
        rebuild: makes an instance of details and children.
    """
    tag = kind.__name__

    def visit(pass_: _Flattening, value: Any) -> Structure:
        details, children = take_apart(value)
        return (tag, details, tuple([pass_.visit(child) for child in children]))

    _VISITORS[kind] = visit
    BUILDERS[tag] = lambda pass_, s: rebuild(s[1], pass_.children(s))


def flatten(
    value: Any, boxes: Callable[[Any], Any] | None = None, whole: Container[int] = ()
) -> tuple[list[Any], Structure]:
    """The leaves of a value and its structure.

    Args:
        value: any.
        boxes: gives for the box of a variable that a closure captured what to do with it where
            the closure is rebuilt, a :class:`PlaceDetails`; without it, it is copied. The same of
            places of tensors.
        whole: the identities of places of tensors that are leaves themselves.

    Example:
        >>> flatten((1.5, "a"))
        ([1.5], ('tuple', None, ('real', ('static', 'a', ()))))
    """
    pass_ = _Flattening(boxes)
    pass_.whole = whole
    structure = pass_.visit(value)
    return pass_.leaves, structure


class _Leaving(_Flattening):
    """A pass that tells of containers which they are."""

    __slots__ = ("numbers",)

    def __init__(self, boxes: Callable[[Any], Any]) -> None:
        super().__init__(boxes)
        self.numbers: dict[int, int] = {}

    def visit(self, value: Any) -> Structure:
        if not isinstance(value, _CONTAINERS):
            return super().visit(value)
        number = self.numbers.get(id(value))
        if number is not None:
            return ("shared-place", number, ())
        self.numbers[id(value)] = len(self.numbers)
        assert self.boxes is not None
        inner = super().visit(value)
        details = self.boxes(value)
        return ("place", details, (inner, *_visit_ties(self, details, value)))


_CONTAINERS = (Pair, Vector, HashTable, Record)


def flatten_with_places(value: Any, details: Callable[[Any], Any]) -> tuple[list[Any], Structure]:
    """The leaves of a value, and its structure with what ``details`` tells of places.

    Args:
        value: any.
        details: gives for a box, a variable for a tensor, or a container a :class:`PlaceDetails`.
    """
    pass_ = _Leaving(details)
    structure = pass_.visit(value)
    return pass_.leaves, structure


class _Naming(_Flattening):
    """A pass whose leaves are the places of tensors, where there are any, not what they hold."""

    __slots__ = ()

    def visit(self, value: Any) -> Structure:
        count = len(self.variables)
        structure = super().visit(value)
        if value.__class__ is TensorVariable and len(self.variables) > count:
            self.leaves[-1] = value
        return structure


def flatten_with_variables(
    value: Any, known: Sequence[TensorVariable] = ()
) -> tuple[list[Any], Structure, list[TensorVariable]]:
    """The leaves of a value, with the places of tensors as leaves, its structure, and the places.

    Args:
        value: any.
        known: places that were met before, by whose numbers they are told.

    Returns:
        Leaves, structure, and ``known`` with the places that were found.
    """
    pass_ = _Naming()
    pass_.variables = list(known)
    structure = pass_.visit(value)
    return pass_.leaves, structure, pass_.variables


class _Noting(_Flattening):
    """A pass that also notes the containers of the value."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__()
        self.containers = []

    def visit(self, value: Any) -> Structure:
        structure = super().visit(value)
        if structure.__class__ is not str and structure[0] in MUTABLE:
            assert self.containers is not None
            self.containers.extend(parts_of(value))
        return structure


def flatten_with_containers(value: Any) -> tuple[list[Any], Structure, list[Any]]:
    """The leaves of a value, its structure, and what in it can be changed.

    The containers come in the order in which ``unflatten`` makes them: boxes of variables, pairs,
    vectors, hash tables, records, changeable text.
    """
    pass_ = _Noting()
    structure = pass_.visit(value)
    assert pass_.containers is not None
    return pass_.leaves, structure, pass_.containers


def leaf_kinds(structure: Structure) -> Iterator[str]:
    """The kinds of the leaves of a structure, in order."""
    if structure.__class__ is str:
        yield structure
    else:
        for child in structure[2]:
            yield from leaf_kinds(child)


# Text and bytes that can be changed are known by what they hold.
register(MutableString, lambda string: (str(string), ()), lambda text, _: MutableString(text))
register(bytearray, lambda data: (bytes(data), ()), lambda data, _: bytearray(data))
