"""Values as trees: leaves that are traced, and a structure that is compared and hashed.

Procedures are plain Python functions and JAX knows nothing of them. Where a value crosses a
boundary (``jit``, ``gradient``, ``vmap``, branches, loops, an optimizer, a file), :func:`flatten`
takes it apart, closures included: a closure is its code's key and its captured values.

Leaves have kinds: ``TENSOR`` (arrays, tracers), ``REAL`` (Python floats), ``EXACT`` (exact
integers, witnesses) and, outside of closures, ``TRUTH`` (booleans). Everything else is part of the
structure. One variable captured twice is one leaf.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import jax
import numpy as np

from eshkol.autodiff import Differentiable, NeedsTensors, settled
from eshkol.datum.pairs import NIL, Pair, scheme_list, spine
from eshkol.datum.records import Record, field_values, make_record
from eshkol.datum.values import (
    Char,
    HashTable,
    KeyedTable,
    MultipleValues,
    MutableString,
    Vector,
)
from eshkol.runtime.procedures import procedure_of
from eshkol.xla._compat import ArrayImpl as ArrayImpl
from eshkol.xla.code_keys import PythonCodeKey, Static, TableKeys, code_key
from eshkol.xla.outlived import open_traces
from eshkol.xla.outlived import settled as settled_tensor
from eshkol.xla.witness import Witness

PART = "part"
"""Marks the transparent function of a part of a staged procedure, as ``eshkol_transparent``."""

TENSOR, REAL, EXACT, TRUTH = "tensor", "real", "exact", "truth"
KINDS = frozenset([TENSOR, REAL, EXACT, TRUTH])

BUFFER = ("buffer", None, (TENSOR,))
"""The structure of a tensor that is not trained (``buffers``)."""

BUFFERS: dict[int, Any] = {}
"""Weak references to all such tensors, by their identities."""

Structure = Any
"""A leaf kind, or a tuple ``(tag, details, child structures)``."""


# ---- flattening


class _Flattening:
    """One pass over a value.

    Attributes:
        leaves: those found so far.
        seen: the numbers of cells and closures by identity.
        open: the closures that are being taken apart.
        containers: what can be changed, in the order in which it is rebuilt, if that is asked for.
        boxes: gives the details of the boxes of assigned variables, if they have any.
    """

    __slots__ = ("boxes", "containers", "leaves", "open", "seen")

    def __init__(self, boxes: Callable[[list[Any]], Any] | None = None) -> None:
        self.boxes = boxes
        self.leaves: list[Any] = []
        self.containers: list[Any] | None = None
        self.seen: dict[int, int] = {}
        self.open: list[int] = []

    def visit(self, value: Any) -> Structure:
        kind = value.__class__
        if kind is ArrayImpl:
            self.leaves.append(value)
            return BUFFER if id(value) in BUFFERS else TENSOR
        visitor = _VISITORS.get(kind)
        if visitor is not None:
            return visitor(self, value)
        return _visit_other(self, value)

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
        details = None if pass_.boxes is None else pass_.boxes(contents)
        structure = ("box", details, (pass_.visit(contents[0]),))
        if pass_.containers is not None:
            pass_.containers.append(contents)
        return structure
    return pass_.visit(contents)


def _visit_pair(pass_: _Flattening, value: Any) -> Structure:
    items, tail = spine(value)
    children = [pass_.visit(item) for item in items]
    if tail is not NIL:
        return ("dotted", len(items), (*children, pass_.visit(tail)))
    return ("list", len(items), tuple(children))


def _visit_vector(pass_: _Flattening, value: Any) -> Structure:
    return ("vector", len(value), tuple([pass_.visit(item) for item in value]))


def _visit_table(pass_: _Flattening, value: HashTable) -> Structure:
    keys = tuple(value.entries)
    children = tuple(pass_.visit(item) for _, item in value.items())
    return ("table", TableKeys(keys, [key for key, _ in value.items()]), children)


def _visit_tuple(pass_: _Flattening, value: Any) -> Structure:
    return ("tuple", None, tuple([pass_.visit(item) for item in value]))


def _visit_values(pass_: _Flattening, value: Any) -> Structure:
    return ("values", None, tuple([pass_.visit(item) for item in value]))


def _visit_record(pass_: _Flattening, value: Record) -> Structure:
    children = tuple([pass_.visit(item) for item in field_values(value)])
    return ("record", value.__class__, children)


def _visit_method(pass_: _Flattening, value: Any) -> Structure:
    """A bound method is its function and the object: a module's weights are seen through it."""
    return ("method", None, (pass_.visit(value.__func__), pass_.visit(value.__self__)))


def _visit_partial(pass_: _Flattening, value: Any) -> Structure:
    """What ``functools.partial`` makes; numbers in it are settings, part of the structure."""
    names = tuple(value.keywords)
    given = (*value.args, *value.keywords.values())
    parts = [pass_.visit(value.func)]
    for part in given:
        is_number = part.__class__ in (int, float, bool)
        parts.append(("static", Static(part), ()) if is_number else pass_.visit(part))
    return ("partial", names, tuple(parts))


def _visit_python_list(pass_: _Flattening, value: Any) -> Structure:
    return ("python-list", len(value), tuple([pass_.visit(item) for item in value]))


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
    elif isinstance(value, jax.Array | np.ndarray | np.generic):
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


_VISITORS: dict[type, Callable[[_Flattening, Any], Structure]] = {
    float: _leaf(REAL),
    int: _leaf(EXACT),
    Witness: _leaf(EXACT),
    bool: _visit_bool,
    types.FunctionType: _visit_function,
    Pair: _visit_pair,
    Vector: _visit_vector,
    HashTable: _visit_table,
    KeyedTable: _visit_table,
    tuple: _visit_tuple,
    MultipleValues: _visit_values,
    list: _visit_python_list,
    dict: _visit_dict,
    str: _visit_static,
    Static: lambda _, value: ("static", value, ()),
    Char: _visit_static,
    type(None): _visit_static,
    type(NIL): _visit_static,
    types.BuiltinFunctionType: _visit_static,
    types.MethodType: _visit_method,
    functools.partial: _visit_partial,
    type: _visit_static,
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
    value: Any, boxes: Callable[[list[Any]], Any] | None = None
) -> tuple[list[Any], Structure]:
    """The leaves of a value and its structure.

    Args:
        value: any.
        boxes: gives for the box of a variable that a closure captured what to do with it where
            the closure is rebuilt, a :class:`BoxDetails`; without it, or for None, it is copied.

    Example:
        >>> flatten((1.5, "a"))
        ([1.5], ('tuple', None, ('real', ('static', 'a', ()))))
    """
    pass_ = _Flattening(boxes)
    structure = pass_.visit(value)
    return pass_.leaves, structure


class _Noting(_Flattening):
    """A pass that also notes the containers of the value."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__()
        self.containers = []

    def visit(self, value: Any) -> Structure:
        structure = super().visit(value)
        if structure.__class__ is not str and structure[0] in _MUTABLE:
            assert self.containers is not None
            self.containers.extend(_parts_of(value))
        return structure


def _parts_of(container: Any) -> Iterator[Any]:
    """A container; of a list all its pairs."""
    yield container
    while container.__class__ is Pair and container.cdr.__class__ is Pair:
        container = container.cdr
        yield container


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


# ---- rebuilding


def unflatten(
    structure: Structure,
    leaves: Any,
    containers: list[Any] | None = None,
    box: type[list] | None = None,
) -> Any:
    """The value with this structure and these leaves.

    Args:
        structure: as ``flatten`` gives it.
        leaves: in the same order.
        containers: is extended by the pairs, vectors and hash tables that are made.
        box: what boxes are made of variables that closures capture, which then count as
            containers; without it they can't be assigned.
    """
    pass_ = _Rebuilding(iter(leaves), containers, box)
    value = pass_.build(structure)
    for cell, index in pass_.pending:
        cell.cell_contents = pass_.made[index]
    return value


class _Rebuilding:
    """One rebuilding: shared cells and closures are made once, cycles closed at the end."""

    __slots__ = ("box", "containers", "leaves", "made", "pending")

    def __init__(
        self, leaves: Iterator[Any], containers: list[Any] | None, box: type[list] | None
    ) -> None:
        self.leaves = leaves
        self.containers = containers
        self.box = box
        self.made: list[Any] = []
        self.pending: list[tuple[types.CellType, int]] = []

    def build(self, structure: Structure) -> Any:
        if structure.__class__ is str:
            return next(self.leaves)
        value = BUILDERS[structure[0]](self, structure)
        if self.containers is not None and structure[0] in _MUTABLE:
            self._note(value)
        return value

    def _note(self, value: Any) -> None:
        assert self.containers is not None
        self.containers.extend(_parts_of(value))

    def children(self, structure: Structure) -> list[Any]:
        return [self.build(child) for child in structure[2]]

    def cell(self, structure: Structure) -> types.CellType:
        """The cell of a captured variable with these contents."""
        tag = structure[0]
        if tag == "shared-cell":
            return self.made[structure[1]]
        cell = types.CellType()
        self.made.append(cell)
        if tag == "shared" and self.made[structure[1]] is None:
            self.pending.append((cell, structure[1]))
        elif tag == "box" and structure[1] is not None:
            cell.cell_contents = structure[1].rebuilt(self.build(structure[2][0]))
        elif tag == "box":
            cell.cell_contents = (self.box or OuterBox)([self.build(structure[2][0])])
            if self.box is not None and self.containers is not None:
                self.containers.append(cell.cell_contents)
        elif tag != "empty":
            cell.cell_contents = self.build(structure)
        return cell


def _build_closure(pass_: _Rebuilding, structure: Structure) -> Any:
    prototype = structure[1][0].prototype
    index = len(pass_.made)
    pass_.made.append(None)
    function = types.FunctionType(
        prototype.__code__,
        prototype.__globals__,
        prototype.__name__,
        prototype.__defaults__,
        tuple([pass_.cell(child) for child in structure[2]]),
    )
    function.__kwdefaults__ = prototype.__kwdefaults__
    function.__dict__.update(prototype.__dict__)
    pass_.made[index] = function
    return function


WRAPPERS: dict[Any, Callable[..., Any]] = {}
"""How a procedure that was wrapped (``jit``) is wrapped again, given its name and options."""


class OuterBox(list):
    """The box of an assigned variable that was captured outside of a compiled program."""

    __slots__ = ()


class CopiedBox(OuterBox):
    """The box that stands for one of several, which is known only when the program runs."""

    __slots__ = ()


_BOXES = frozenset([list, OuterBox, CopiedBox])


class BoxDetails(Protocol):
    """What becomes of the box of an assigned variable where its closure is rebuilt."""

    def rebuilt(self, value: Any) -> list[Any]:
        """The box, which holds ``value``."""


def _build_partial(pass_: _Rebuilding, structure: Structure) -> Any:
    function, *given = pass_.children(structure)
    count = len(given) - len(structure[1])
    return functools.partial(
        function, *given[:count], **dict(zip(structure[1], given[count:], strict=True))
    )


def _build_dotted(pass_: _Rebuilding, structure: Structure) -> Any:
    *items, tail = pass_.children(structure)
    return scheme_list(items, tail)


def _build_table(pass_: _Rebuilding, structure: Structure) -> Any:
    table = HashTable()
    for key, value in zip(structure[1].keys, pass_.children(structure), strict=True):
        table[key] = value
    return table


_MUTABLE = frozenset(["list", "dotted", "vector", "table", "record", "MutableString", "bytearray"])

BUILDERS: dict[str, Callable[[_Rebuilding, Structure], Any]] = {
    "static": lambda pass_, s: s[1].value,
    "closure": _build_closure,
    "shared": lambda pass_, s: pass_.made[s[1]],
    "wrapped": lambda pass_, s: WRAPPERS[s[1][0]](*pass_.children(s), *s[1][1:]),
    "list": lambda pass_, s: scheme_list(pass_.children(s)),
    "dotted": _build_dotted,
    "vector": lambda pass_, s: Vector(pass_.children(s)),
    "table": _build_table,
    "record": lambda pass_, s: make_record(s[1], pass_.children(s)),
    "tuple": lambda pass_, s: tuple(pass_.children(s)),
    "values": lambda pass_, s: MultipleValues(pass_.children(s)),
    "python-list": lambda pass_, s: pass_.children(s),
    "named-tuple": lambda pass_, s: s[1](*pass_.children(s)),
    "dict": lambda pass_, s: dict(zip(s[1], pass_.children(s), strict=True)),
    "method": lambda pass_, s: types.MethodType(*pass_.children(s)),
    "partial": _build_partial,
    "registered": lambda pass_, s: s[1].unflatten(pass_.children(s)),
}

# Text and bytes that can be changed are known by what they hold.
register(MutableString, lambda string: (str(string), ()), lambda text, _: MutableString(text))
register(bytearray, lambda data: (bytes(data), ()), lambda data, _: bytearray(data))
