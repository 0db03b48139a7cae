"""Putting values together again of leaves and a structure, as ``trees`` takes them apart."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from eshkol.datum.pairs import NIL, Pair, scheme_list
from eshkol.datum.records import Promise, PromiseBox, make_record, set_fields
from eshkol.datum.values import HashTable, MultipleValues, Vector
from eshkol.datum.variables import TensorVariable

Structure = Any
"""A leaf kind, or a tuple ``(tag, details, child structures)``."""


def parts_of(container: Any) -> Iterator[Any]:
    """A container; of a list all its pairs."""
    yield container
    while container.__class__ is Pair and container.cdr.__class__ is Pair:
        container = container.cdr
        yield container


def unflatten(
    structure: Structure,
    leaves: Any,
    containers: list[Any] | None = None,
    box: type[list] | None = None,
    variables: list[TensorVariable] | None = None,
    kept: Sequence[TensorVariable] = (),
) -> Any:
    """The value with this structure and these leaves.

    Args:
        structure: as ``flatten`` gives it.
        leaves: in the same order.
        containers: is extended by the pairs, vectors and hash tables that are made.
        box: what boxes are made of variables that closures capture, which then count as
            containers; without it they can't be assigned.
        variables: the places of tensors that were made before; is extended by those that are made.
        kept: the places that the value was taken apart with, to be used instead of new ones.
    """
    pass_ = _Rebuilding(iter(leaves), containers, box)
    if variables is not None:
        pass_.variables = variables
    pass_.kept = kept
    return pass_.build(structure)


class _Rebuilding:
    """One rebuilding: shared cells and closures are made once.

    Attributes:
        made: the closures, cells and promises so far, in order of their numbers.
        early: by their numbers cells that a closure around captures as well.
    """

    __slots__ = (
        "box",
        "boxes",
        "containers",
        "early",
        "kept",
        "leaves",
        "made",
        "places",
        "variables",
    )

    def __init__(
        self, leaves: Iterator[Any], containers: list[Any] | None, box: type[list] | None
    ) -> None:
        self.leaves = leaves
        self.containers = containers
        self.box = box
        self.made: list[Any] = []
        self.boxes: list[list[Any]] = []
        self.places: list[Any] = []
        self.variables: list[TensorVariable] = []
        self.kept: Sequence[TensorVariable] = ()
        self.early: dict[int, types.CellType] = {}

    def build(self, structure: Structure) -> Any:
        if structure.__class__ is str:
            return next(self.leaves)
        value = BUILDERS[structure[0]](self, structure)
        if self.containers is not None and structure[0] in MUTABLE:
            self._note(value)
        return value

    def _note(self, value: Any) -> None:
        assert self.containers is not None
        self.containers.extend(parts_of(value))

    def children(self, structure: Structure) -> list[Any]:
        return [self.build(child) for child in structure[2]]

    def cells(self, captured: Sequence[Structure]) -> list[types.CellType]:
        """The cells of what a closure captures; new ones are empty."""
        cells: list[types.CellType] = []
        number = first = len(self.made)
        is_asked = bool(self.early)
        for structure in captured:
            if structure[0] == "shared-cell":
                index = structure[1]
                is_made = index < first
                cell = self.made[index] if is_made else self.early.setdefault(index, _Cell())
            elif is_asked:
                cell = self.early.pop(number, None) or _Cell()
                number += 1 + _numbered(structure)
            else:
                cell = _Cell()
            cells.append(cell)
        return cells

    def fill(self, cell: types.CellType, structure: Structure) -> None:
        """Give a new cell its contents."""
        tag = structure[0]
        self.made.append(cell)
        if tag == "box" and structure[1] is None:
            cell.cell_contents = (self.box or OuterBox)([self.build(structure[2][0])])
            if self.box is not None and self.containers is not None:
                self.containers.append(cell.cell_contents)
        elif tag != "empty":
            cell.cell_contents = self.build(structure)


_Cell = types.CellType


def _numbered(structure: Structure) -> int:
    """How many closures, cells and promises have a number of their own in a structure."""
    if structure.__class__ is str:
        return 0
    tag, _, children = structure
    if tag != "closure":
        return (tag == "promise") + sum(map(_numbered, children))
    return 1 + sum(1 + _numbered(child) for child in children if child[0] != "shared-cell")


def _build_closure(pass_: _Rebuilding, structure: Structure) -> Any:
    """A closure: before what it captures, in which it may be."""
    prototype = structure[1][0].prototype
    index = len(pass_.made)
    pass_.made.append(None)
    cells = pass_.cells(structure[2])
    function = pass_.made[index] = types.FunctionType(
        prototype.__code__,
        prototype.__globals__,
        prototype.__name__,
        prototype.__defaults__,
        tuple(cells),
    )
    function.__kwdefaults__ = prototype.__kwdefaults__
    function.__dict__.update(prototype.__dict__)
    for cell, child in zip(cells, structure[2], strict=True):
        if child[0] != "shared-cell":
            pass_.fill(cell, child)
    return function


def _build_promise(pass_: _Rebuilding, structure: Structure) -> Promise:
    """A promise: before what gives its value, in which it may be."""
    from eshkol.xla.journal import note_made

    details = structure[1]
    promise = Promise.__new__(Promise)
    pass_.made.append(promise)
    if details is not None and details.is_told:
        promise.box = details.place
        pass_.children(structure)
    else:
        promise.box = note_made(PromiseBox())
        promise.box[:] = pass_.children(structure)
    return promise


WRAPPERS: dict[Any, Callable[..., Any]] = {}
"""How a procedure that was wrapped (``jit``) is wrapped again, given its name and options."""


class OuterBox(list):
    """The box of an assigned variable that was captured outside of a compiled program."""

    __slots__ = ()


class PlaceDetails(Protocol):
    """What becomes of a place that can be assigned, where the value that holds it is rebuilt.

    Attributes:
        is_told: whether this alone tells which place it is; then it has it as ``place``.
        present: of a container: the one that it is, if that is there beside the part.
    """

    is_told: bool
    present: Any

    def ties(self, place: Any) -> list[tuple[Any, Any]]:
        """Conditions, and the other places that a place is where they hold."""

    def box(self) -> list[Any]:
        """A new box."""

    def variable(self, tensor: Any, is_buffer: bool) -> TensorVariable:
        """A new variable for a tensor."""

    def tie(self, place: Any, condition: Any, other: Any) -> None:
        """Tie a new place to another one."""


def _build_box(pass_: _Rebuilding, structure: Structure) -> list[Any]:
    """The box of a variable, where more is known of it than its contents."""
    details = structure[1]
    if details.is_told:
        pass_.children(structure)
        return details.place
    box = details.box()
    pass_.boxes.append(box)
    box[0], *ties = pass_.children(structure)
    _tie(details, box, ties)
    return box


def _build_place(pass_: _Rebuilding, structure: Structure) -> Any:
    """A container of which it is known where it comes from."""
    _, details, children = structure
    number = len(pass_.places)
    pass_.places.append(None)
    known = details.present
    if known is not None:
        pass_.children(structure)
        pass_.places[number] = known
        return known
    value = pass_.places[number] = _build_container(pass_, number, children[0])
    _tie(details, value, [pass_.build(child) for child in children[1:]])
    return value


def _build_container(pass_: _Rebuilding, number: int, structure: Structure) -> Any:
    """A container with a number: before its contents, in which it may be."""
    tag, details, _ = structure
    if tag not in _BLANK:
        return pass_.build(structure)
    container = pass_.places[number] = _BLANK[tag](details)
    parts = pass_.children(structure)
    if tag == "vector":
        container[:] = parts
    elif tag == "table":
        for key, part in zip(details.keys, parts, strict=True):
            container[key] = part
    elif tag == "record":
        set_fields(container, tuple(parts))
    else:
        tail = parts.pop() if tag == "dotted" else NIL
        container.car, container.cdr = parts[0], scheme_list(parts[1:], tail)
    if pass_.containers is not None:
        pass_._note(container)
    return container


_BLANK: dict[str, Callable[[Any], Any]] = {
    "vector": lambda _: Vector(),
    "table": lambda _: HashTable(),
    "record": lambda kind: kind.__new__(kind),
    "list": lambda _: Pair(),
    "dotted": lambda _: Pair(),
}


def _tie(details: Any, place: Any, ties: list[Any]) -> None:
    for condition, other in zip(ties[::2], ties[1::2], strict=True):
        details.tie(place, condition, other)


def _build_variable(pass_: _Rebuilding, structure: Structure) -> TensorVariable:
    _, details, children = structure
    if details is not None and details.is_told:
        pass_.children(structure)
        return details.place
    kind, *others = children
    tensor = pass_.build(kind)
    is_buffer = kind.__class__ is not str
    index = len(pass_.variables)
    if index < len(pass_.kept):
        place = pass_.kept[index]
    elif details is None:
        place = TensorVariable(tensor, is_buffer)
    else:
        place = details.variable(tensor, is_buffer)
    pass_.variables.append(place)
    _tie(details, place, [pass_.build(child) for child in others])
    return place


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


MUTABLE = frozenset("list dotted vector table record MutableString bytearray variable".split())

BUILDERS: dict[str, Callable[[_Rebuilding, Structure], Any]] = {
    "static": lambda pass_, s: s[1].value,
    "closure": _build_closure,
    "shared": lambda pass_, s: pass_.made[s[1]],
    "box": _build_box,
    "shared-box": lambda pass_, s: pass_.boxes[s[1]],
    "place": _build_place,
    "shared-place": lambda pass_, s: pass_.places[s[1]],
    "variable": _build_variable,
    "shared-variable": lambda pass_, s: pass_.variables[s[1]],
    "wrapped": lambda pass_, s: WRAPPERS[s[1][0]](*pass_.children(s), *s[1][1:]),
    "list": lambda pass_, s: scheme_list(pass_.children(s)),
    "dotted": _build_dotted,
    "vector": lambda pass_, s: Vector(pass_.children(s)),
    "table": _build_table,
    "record": lambda pass_, s: make_record(s[1], pass_.children(s)),
    "promise": _build_promise,
    "tuple": lambda pass_, s: tuple(pass_.children(s)),
    "values": lambda pass_, s: MultipleValues(pass_.children(s)),
    "python-list": lambda pass_, s: pass_.children(s),
    "named-tuple": lambda pass_, s: s[1](*pass_.children(s)),
    "dict": lambda pass_, s: dict(zip(s[1], pass_.children(s), strict=True)),
    "method": lambda pass_, s: types.MethodType(*pass_.children(s)),
    "partial": _build_partial,
    "registered": lambda pass_, s: s[1].unflatten(pass_.children(s)),
}
