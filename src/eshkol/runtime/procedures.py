"""What is known of a procedure beyond its Python function: its Core and its staged body.

Procedures are plain Python functions; this table finds the rest by their code object.
"""

from __future__ import annotations

import types
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from eshkol.base.spans import Span
    from eshkol.core.nodes import Lambda

MARK = "\0"


def constant_name(key: str, index: int) -> str:
    """The hidden global name of a constant of the unit with this key."""
    return f" constant {key}.{index}"


def operator_name(span: Span) -> str:
    """The hidden variable with what is called at ``span``, where that has no name."""
    return f" operator {span.line}:{span.column}"


ON_INTS = " on ints "


def ints_name(name: str, key: str) -> str:
    """The hidden global name of the function that does for ints what a procedure does."""
    return f"{ON_INTS}{name} {key}"


def is_on_ints(function: Any) -> bool:
    """Whether ``function`` is a procedure that hands over to another function if it gets ints."""
    return function.__class__ is types.FunctionType and any(functions_on_ints(function))


def functions_on_ints(function: types.FunctionType) -> Iterator[str]:
    """The hidden names of the functions on ints that ``function`` calls."""
    return (name for name in function.__code__.co_names if name.startswith(ON_INTS))


class CompiledUnit(Protocol):
    """The compilation that a procedure belongs to (see ``codegen``)."""

    names: dict[Any, str]
    lambdas: list[Lambda]
    primitives: set[str]
    call_sites: Any

    def for_staging(self) -> Any:
        """A unit in which staged bodies of this unit's procedures are compiled."""

    def hidden_globals(self) -> dict[str, Any]:
        """The constants by their hidden global names."""


class Procedure:
    """A procedure's code, its place in a unit, and its staged bodies once they are compiled.

    Attributes:
        staged: the body for programs that don't draw random numbers in loops.
        numbering: the one whose loops number their trips.
    """

    __slots__ = ("_code", "facts", "number", "numbering", "staged", "unit")

    def __init__(self, code: types.CodeType, unit: Any, number: int) -> None:
        self._code = weakref.ref(code)
        self.unit = unit
        self.number = number
        self.staged: types.CodeType | None = None
        self.numbering: types.CodeType | None = None
        self.facts: dict[str, Any] = {}

    @property
    def code(self) -> types.CodeType:
        """The eager code."""
        code = self._code()
        assert code is not None
        return code

    @property
    def node(self) -> Lambda:
        """The Core of the procedure."""
        return self.unit.lambdas[self.number]


_procedures: dict[int, Procedure] = {}


def procedure_of(function: Any) -> Procedure | None:
    """What is known of ``function``; None if it is no procedure that came from Scheme."""
    code = getattr(function, "__code__", None)
    return None if code is None else _procedures.get(id(code))


def procedure_of_code(code: types.CodeType) -> Procedure | None:
    """What is known of the procedure with this eager code."""
    return _procedures.get(id(code))


def procedures_of_units(units: list[Any]) -> list[Procedure]:
    """The procedures of these units and of the staged bodies compiled in them."""
    primitives = {id(unit.primitives) for unit in units}
    return [p for p in list(_procedures.values()) if id(p.unit.primitives) in primitives]


_units: dict[int, Any] = {}

SITES: dict[int, Any] = {}
"""By the ``id`` of code: what is known of the calls in it (see ``draw_paths``)."""


class PartSites(dict[int, Any]):
    """What is known of the calls in code that is a part of a procedure, run where it stands there.

    The procedure waits for it, and calls nothing itself meanwhile.
    """

    __slots__ = ()


BORDER = object()
"""Stands in ``SITES`` for code that runs programs of their own: paths to draws begin there."""


def unit_of_code(code: types.CodeType) -> Any:
    """The unit that code belongs to, be it a procedure or a part of one."""
    return _units[id(code)]


def _register(code: types.CodeType, unit: Any, parts: list[int], number: int | None) -> None:
    """Know finished code, and the parts of it that are no procedures, as long as there is it."""
    own = [id(code), *parts]
    if number is not None:
        _procedures[own[0]] = Procedure(code, unit, number)
    for key in own:
        _units[key] = unit
        SITES[key] = {} if key == own[0] else PartSites()
    finalizer: Any = weakref.finalize(code, _forget, own)
    finalizer.atexit = False


def _forget(codes: list[int]) -> None:
    _procedures.pop(codes[0], None)
    for key in codes:
        _units.pop(key, None)
        SITES.pop(key, None)


def finish_code(code: types.CodeType, unit: Any, name: str = "") -> types.CodeType:
    """``code`` with the names that people see, its procedures registered.

    An emitted procedure is named ``name MARK number``; functions that are only parts of one take
    the name of the procedure they belong to.
    """
    parts: list[int] = []
    finished = _finish(code, unit, name, parts)
    if MARK not in code.co_name:
        _register(finished, unit, parts[:-1], None)
    return finished


def _finish(code: types.CodeType, unit: Any, name: str, around: list[int]) -> types.CodeType:
    """Code that is finished; if it is no procedure, ``around`` gets its parts, and it as last."""
    own, mark, number = code.co_name.rpartition(MARK)
    if not mark:
        own = name if code.co_name.startswith((" ", "<lambda>")) else code.co_name
    parts: list[int] = [] if mark else around
    constants = tuple(
        _finish(constant, unit, own, parts) if isinstance(constant, types.CodeType) else constant
        for constant in code.co_consts
    )
    finished = code.replace(co_name=own, co_qualname=own, co_consts=constants)
    if mark:
        _register(finished, unit, parts, int(number))
    else:
        parts.append(id(finished))
    return finished
