"""Straight-line code on the path of a call: it checks what it expects and does nothing else.

A training step is called again and again with values of one structure. The general passes of
``trees`` find out what a value is; code that knows what to expect only checks it, several times
faster. What has no such code (a structure with boxes, hash tables, cycles) goes the general way.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from eshkol.datum.pairs import NIL, Pair, scheme_list
from eshkol.datum.symbols import Symbol
from eshkol.datum.values import Vector
from eshkol.runtime.boundary import Boundary
from eshkol.xla.code_keys import CodeKey
from eshkol.xla.effects import failures
from eshkol.xla.trees import (
    BUFFERS,
    COMPLEX,
    EXACT,
    REAL,
    TENSOR,
    TRUTH,
    ArrayImpl,
    Structure,
)

Taker = Callable[[Any], "list[Any] | None"]
Maker = Callable[[Sequence[Any], Sequence[Any]], Any]

_NAMES = {
    "Cell": types.CellType,
    "Function": types.FunctionType,
    "NIL": NIL,
    "Pair": Pair,
    "Vector": Vector,
    "scheme_list": scheme_list,
}
_FIXED_CLASSES = frozenset([int, bool, str, Symbol])
_LEAF_CLASSES = {TENSOR: ArrayImpl, REAL: float, COMPLEX: complex, EXACT: int, TRUTH: bool}


class NoCode(Exception):
    """A part of a structure has no straight-line code."""


class _Writer:
    """The text of a function being written, and the constants that it uses."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.constants: dict[str, Any] = dict(_NAMES)
        self.count = 0
        self.made: list[str] = []
        """The variables of closures and cells, in the order in which ``trees`` numbers them."""
        self.innermost: list[str] = []
        """Those of them that hold no others."""
        self.has_shared = False
        """Whether one of them stands in several places."""

    def fresh(self) -> str:
        self.count += 1
        return f"v{self.count}"

    def constant(self, value: Any) -> str:
        name = f"k{len(self.constants)}"
        self.constants[name] = value
        return name

    def add(self, line: str) -> None:
        self.lines.append(f"    {line}")

    def function(self, parameters: str) -> Any:
        """The function with these lines as its body."""
        text = "\n".join([f"def function({parameters}):", *self.lines])
        exec(compile(text, __file__, "exec"), self.constants)
        return self.constants["function"]


# ---- taking apart


def taker(structure: Structure) -> Taker | None:
    """A function that gives the leaves of a value of this structure, and None for any other.

    Example:
        >>> take = taker(("tuple", None, (REAL, EXACT)))
        >>> take((1.5, 2)), take((1.5, "a"))
        ([1.5, 2], None)
    """
    taking = Taking()
    try:
        taking.part("value", structure)
    except NoCode:
        return None
    taking.require_distinct()
    taking.writer.add(f"return [{', '.join(taking.leaves)}]")
    run = taking.writer.function("value")

    def take(value: Any) -> list[Any] | None:
        try:
            return run(value)
        except (AttributeError, LookupError, TypeError, ValueError):
            return None

    return take


class Taking:
    """The writing of a taker, which gives up with ``refusal``."""

    def __init__(self, refusal: str = "return None") -> None:
        self.writer = _Writer()
        self.leaves: list[str] = []
        self.refusal = refusal

    def require(self, condition: str) -> None:
        self.writer.add(f"if not ({condition}): {self.refusal}")

    def require_distinct(self) -> None:
        """What closures and cells are is not the same object twice.

        Where none is expected twice, two that are the same hold the same, down to the innermost.
        """
        writer = self.writer
        names = writer.made if writer.has_shared else writer.innermost
        if len(names) > 1:
            identities = ", ".join(f"id({name})" for name in names)
            self.require(f"len({{{identities}}}) == {len(names)}")

    def require_class(self, name: str, kind: type) -> None:
        self.require(f"{name}.__class__ is {self.writer.constant(kind)}")

    def part(self, name: str, structure: Structure) -> None:
        """Take apart what the variable ``name`` holds."""
        if structure.__class__ is str:
            self.require_class(name, _LEAF_CLASSES[structure])
            if structure == TENSOR and BUFFERS:
                self.require(f"id({name}) not in {self.writer.constant(BUFFERS)}")
            if structure == EXACT:
                self.require(f"{-(1 << 63)} <= {name} < {1 << 63}")
            self.leaves.append(name)
            return
        write = _TAKERS.get(structure[0])
        if write is None:
            raise NoCode
        write(self, name, structure)

    def unpack(self, name: str, count: int) -> list[str]:
        """Variables for the items of a sequence."""
        items = [self.writer.fresh() for _ in range(count)]
        self.writer.add(f"[{', '.join(items)}] = {name}")
        return items

    def sequence(self, name: str, structure: Structure, kind: type) -> None:
        self.require_class(name, kind)
        for item, child in zip(self.unpack(name, len(structure[2])), structure[2], strict=True):
            self.part(item, child)

    def list(self, name: str, structure: Structure) -> None:
        pair = name
        for child in structure[2]:
            self.require(f"{pair}.__class__ is Pair")
            item, rest = self.writer.fresh(), self.writer.fresh()
            self.writer.add(f"{item} = {pair}.car; {rest} = {pair}.cdr")
            self.part(item, child)
            pair = rest
        self.require(f"{pair} is NIL")

    def dict(self, name: str, structure: Structure) -> None:
        self.require_class(name, dict)
        self.require(f"len({name}) == {len(structure[1])}")
        for key, child in zip(structure[1], structure[2], strict=True):
            if key.__class__ is not str:
                raise NoCode
            item = self.writer.fresh()
            self.writer.add(f"{item} = {name}[{self.writer.constant(key)}]")
            self.part(item, child)

    def static(self, name: str, structure: Structure) -> None:
        self.require(f"{name} is {self.writer.constant(structure[1].value)}")

    def fixed(self, name: str, structure: Structure) -> None:
        value = structure[1].value()
        if value.__class__ not in _FIXED_CLASSES:
            raise NoCode
        self.require_class(name, value.__class__)
        self.require(f"{name} == {self.writer.constant(value)}")

    def shared(self, name: str, structure: Structure) -> None:
        if structure[1] >= len(self.writer.made):
            raise NoCode
        self.writer.has_shared = True
        self.require(f"{name} is {self.writer.made[structure[1]]}")

    def closure(self, name: str, structure: Structure) -> None:
        prototype = _prototype(structure)
        self.require_class(name, types.FunctionType)
        writer = self.writer
        self.require(
            f"{name}.__code__ is {writer.constant(prototype.__code__)} "
            f"and {name}.__globals__ is {writer.constant(prototype.__globals__)} "
            f"and {name}.__defaults__ is None and {name}.__kwdefaults__ is None"
        )
        writer.made.append(name)
        if not structure[2]:
            writer.innermost.append(name)
            return
        for cell, child in zip(
            self.unpack(f"{name}.__closure__", len(structure[2])), structure[2], strict=True
        ):
            if child[0] == "shared-cell":
                self.shared(cell, child)
                continue
            writer.made.append(cell)
            count = len(writer.made)
            contents = writer.fresh()
            writer.add(f"{contents} = {cell}.cell_contents")
            self.part(contents, child)
            if len(writer.made) == count:
                writer.innermost.append(cell)


def _prototype(structure: Structure) -> types.FunctionType:
    key, defaults = structure[1]
    if key.__class__ is not CodeKey or defaults is not None:
        raise NoCode
    return key.prototype


_TAKERS: dict[str, Callable[[Taking, str, Structure], None]] = {
    "tuple": lambda taking, name, s: taking.sequence(name, s, tuple),
    "python-list": lambda taking, name, s: taking.sequence(name, s, list),
    "vector": lambda taking, name, s: taking.sequence(name, s, Vector),
    "named-tuple": lambda taking, name, s: taking.sequence(name, s, s[1]),
    "list": Taking.list,
    "dict": Taking.dict,
    "static": Taking.static,
    "Fixed": Taking.fixed,
    "shared": Taking.shared,
    "closure": Taking.closure,
}


# ---- putting together


def maker(structure: Structure, leaves: Sequence[Any]) -> Maker | None:
    """A function of computed arrays and of inputs that gives a value of this structure.

    Args:
        structure: of the value.
        leaves: of each leaf where it comes from: the index of an input, a constant that
            :class:`Constant` holds, or None for the next computed array.
    """
    making = _Making(iter(leaves))
    try:
        value = making.part(structure)
    except NoCode:
        return None
    writer = making.writer
    arrays = ", ".join(f"a{number}" for number in range(making.computed))
    writer.lines.insert(0, f"    [{arrays}] = arrays")
    writer.add(f"return {value}")
    return writer.function("arrays, inputs")


class Constant:
    """A leaf whose value is known."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class _Making:
    """The writing of a maker."""

    def __init__(self, leaves: Iterator[Any]) -> None:
        self.writer = _Writer()
        self.leaves = leaves
        self.computed = 0

    def part(self, structure: Structure) -> str:
        """An expression for a value of this structure."""
        if structure.__class__ is str:
            return self.leaf()
        write = _MAKERS.get(structure[0])
        if write is None:
            raise NoCode
        return write(self, structure)

    def leaf(self) -> str:
        leaf = next(self.leaves)
        if leaf is None:
            self.computed += 1
            return f"a{self.computed - 1}"
        if leaf.__class__ is Constant:
            return self.writer.constant(leaf.value)
        return f"inputs[{leaf}]"

    def named(self, expression: str) -> str:
        """A variable that holds the value of an expression."""
        name = self.writer.fresh()
        self.writer.add(f"{name} = {expression}")
        return name

    def children(self, structure: Structure) -> str:
        return ", ".join([self.part(child) for child in structure[2]])

    def list(self, structure: Structure) -> str:
        return f"scheme_list([{self.children(structure)}])"

    def named_tuple(self, structure: Structure) -> str:
        return f"{self.writer.constant(structure[1])}({self.children(structure)})"

    def dict(self, structure: Structure) -> str:
        keys = [self.writer.constant(key) for key in structure[1]]
        items = [self.part(child) for child in structure[2]]
        return "{" + ", ".join(map("{}: {}".format, keys, items)) + "}"

    def static(self, structure: Structure) -> str:
        return self.writer.constant(structure[1].value)

    def shared(self, structure: Structure) -> str:
        made = self.writer.made
        if structure[1] >= len(made) or not made[structure[1]]:
            raise NoCode
        return made[structure[1]]

    def closure(self, structure: Structure) -> str:
        prototype, writer = _prototype(structure), self.writer
        index = len(writer.made)
        writer.made.append("")
        cells = [self.cell(child) for child in structure[2]]
        code, scope, label = map(
            writer.constant, (prototype.__code__, prototype.__globals__, prototype.__name__)
        )
        closure = f"({', '.join(cells)},)" if cells else "None"
        name = self.named(f"Function({code}, {scope}, {label}, None, {closure})")
        if prototype.__kwdefaults__:
            writer.add(f"{name}.__kwdefaults__ = {writer.constant(prototype.__kwdefaults__)}")
        if prototype.__dict__:
            writer.add(f"{name}.__dict__.update({writer.constant(prototype.__dict__)})")
        writer.made[index] = name
        return name

    def cell(self, structure: Structure) -> str:
        if structure[0] == "shared-cell":
            return self.shared(structure)
        index = len(self.writer.made)
        self.writer.made.append("")
        name = self.writer.made[index] = self.named(f"Cell({self.part(structure)})")
        return name


_MAKERS: dict[str, Callable[[_Making, Structure], str]] = {
    "tuple": lambda making, s: f"({making.children(s)},)" if s[2] else "()",
    "python-list": lambda making, s: f"[{making.children(s)}]",
    "vector": lambda making, s: f"Vector([{making.children(s)}])",
    "named-tuple": _Making.named_tuple,
    "list": _Making.list,
    "dict": _Making.dict,
    "static": _Making.static,
    "shared": _Making.shared,
    "closure": _Making.closure,
}


# ---- entrances

MISS = object()
"""What a short way answers that is for other arguments."""

_ENTRANCE = """
def function({parameters}, /, *more, **options):
    try:
        if {are_arrays} and fast and not more and not options:
            return fast[{count}]({names})
        if direct and not more and not options:
            for way in direct:
                result = way({names})
                if result is not MISS:
                    return result
    except Exception as error:
        fail(error)
    with boundary:
        return general((*(a for a in ({names},) if a is not ABSENT), *more), options)
"""


def entrance(
    count: int,
    fast: Mapping[int, Callable[..., Any]],
    direct: Sequence[Callable[..., Any]],
    general: Callable[[tuple[Any, ...], dict[str, Any]], Any],
) -> Callable[..., Any]:
    """A function that expects ``count`` arrays, and takes anything.

    Args:
        count: of positional arguments, at least one.
        fast: what computes the result of arrays by their number; only ``count`` may be in it.
        direct: ways that take arguments of one structure, or answer ``MISS``.
        general: takes all other arguments, and options.
    """
    names = [f"a{number}" for number in range(count)]
    text = _ENTRANCE.format(
        count=count,
        names=", ".join(names),
        parameters=", ".join(f"{name}=ABSENT" for name in names),
        are_arrays=" and ".join(f"{name}.__class__ is Array" for name in names),
    )
    scope: dict[str, Any] = {
        "fast": fast,
        "direct": direct,
        "general": general,
        "fail": fail,
        "Array": ArrayImpl,
        "ABSENT": object(),
        "MISS": MISS,
        "boundary": Boundary(),
    }
    exec(compile(text, __file__, "exec"), scope)
    return scope["function"]


def fail(error: Exception) -> None:
    """Raise what an error is to the user."""
    with Boundary(), Boundary(), failures():
        raise error
