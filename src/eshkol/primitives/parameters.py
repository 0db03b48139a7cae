"""Parameters: values that ``parameterize`` binds for a while (R7RS 4.2.6).

A parameter is a plain function that gives its value; its attribute ``eshkol_parameter`` is its key
in the dynamic state.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from eshkol.datum.values import UNSPECIFIED
from eshkol.primitives.arguments import procedure_argument, wrong_type
from eshkol.primitives.calling import DIALECT, callee
from eshkol.primitives.conditions import show
from eshkol.primitives.declare import load, primitive
from eshkol.primitives.dynamic import STATE, Procedure


class Key:
    """A parameter in the dynamic state.

    Attributes:
        cell: its value where no ``parameterize`` binds it, as a list of one.
        converter: what each value goes through first, if anything.
    """

    __slots__ = ("cell", "converter")

    def __init__(self, value: Any, converter: Procedure | None) -> None:
        self.cell: list[Any] = _new_cell(value)
        self.converter = converter

    def bound(self) -> list[Any]:
        """The cell of its value now."""
        return STATE.parameters.get(self, self.cell)

    def converted(self, value: Any) -> Any:
        """A new value as the parameter holds it."""
        return value if self.converter is None else callee(self.converter)(value)


class StagedCell(list):
    """The cell of a binding that the program being traced has made itself."""

    __slots__ = ()


def _new_cell(value: Any) -> list[Any]:
    return [value] if DIALECT.resolve is None else StagedCell([value])


def new_parameter(value: Any, converter: Procedure | None = None, name: str = "") -> Procedure:
    """A parameter with this value, which is not converted.

    Example:
        >>> width = new_parameter(80)
        >>> with bound(width, 40):
        ...     width()
        40
    """
    key = Key(value, converter)

    def parameter(*new: Any) -> Any:
        if not new:
            return key.bound()[0]
        (value,) = new
        key.bound()[0] = key.converted(value)
        return UNSPECIFIED

    def staged_parameter(*new: Any) -> Any:
        return _staged_value(key, new)

    function: Any = parameter
    function.__name__ = function.__qualname__ = name or "parameter"
    function.eshkol_parameter = key
    function.eshkol_staged = staged_parameter
    return function


@contextmanager
def bound(parameter: Procedure, value: Any) -> Iterator[None]:
    """In this block, of Python code, a parameter has a value, which is not converted."""
    saved = STATE.parameters
    key = parameter.eshkol_parameter  # type: ignore[attr-defined]
    STATE.parameters = {**saved, key: [value]}
    try:
        yield
    finally:
        STATE.parameters = saved


@primitive("make-parameter")
def make_parameter(value: Any, converter: Any = None) -> Procedure:
    """A parameter: a procedure that gives its value, which ``parameterize`` binds for a while.

    Args:
        value: its value where it is not bound.
        converter: a procedure that every value goes through first.

    Example:
        ``(let ((p (make-parameter 10))) (list (p) (parameterize ((p 20)) (p)) (p)))``
        ⇒ ``(10 20 10)``.
    """
    if converter is None:
        return new_parameter(value)
    procedure_argument("make-parameter", converter)
    return new_parameter(callee(converter)(value), converter)


def parameterize(body: Any, *bindings: Any) -> Any:
    """What the form ``parameterize`` does.

    Args:
        body: a procedure of no arguments.
        bindings: parameters, each followed by its value.
    """
    keys = [_key_of(parameter) for parameter in bindings[::2]]
    values = [key.converted(value) for key, value in zip(keys, bindings[1::2], strict=True)]
    saved = STATE.parameters
    STATE.parameters = saved | {
        key: _new_cell(value) for key, value in zip(keys, values, strict=True)
    }
    try:
        return callee(body)()
    except Exception as error:
        show(error)
        raise
    finally:
        STATE.parameters = saved


def _key_of(parameter: Any) -> Key:
    key = getattr(parameter, "eshkol_parameter", None)
    if key is None:
        raise wrong_type(
            "parameterize", "a parameter", parameter, "a parameter is made by make-parameter"
        )
    return key


# ---- staging


class _Bound:
    """The values of parameters by their keys, for whoever remembers what it has compiled in."""

    name = "parameters"

    class variables:
        @staticmethod
        def get(key: Key) -> Any:
            """The value of a parameter now."""
            return key.bound()[0]


def _staged_value(key: Key, new: tuple[Any, ...]) -> Any:
    """The value of a parameter in a program that is being traced.

    One that was bound outside is compiled in; with another value the program is compiled again.
    """
    cell = key.bound()
    if new:
        raise wrong_type("parameterize", "a parameter that is only read in compiled code", new[0])
    if cell.__class__ is not StagedCell:
        baked = load("eshkol.xla.globals:LIFTED").baked
        if baked is not None:
            baked.append((_Bound, key, cell[0]))
    return cell[0]
