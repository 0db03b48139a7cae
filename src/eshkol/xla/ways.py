"""Short ways into compiled programs, for calls like one that was made before.

A way is a function written for arguments of one structure: it checks that they have it, takes them
apart, and calls the compiled program with what goes in front of them. It answers ``MISS`` for other
arguments, inside of a program that is being traced, and where the program has come to depend on
values that the way does not look at.
"""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from eshkol.xla import key_stream
from eshkol.xla._compat import enable_x64
from eshkol.xla.call_options import Donation, distinct
from eshkol.xla.globals import LIFTED
from eshkol.xla.keys import MoreSites
from eshkol.xla.programs import PYTHON_NUMBERS, Program, Results
from eshkol.xla.straight_line import MISS, NoCode, Taking
from eshkol.xla.traced_programs import Unprepared
from eshkol.xla.trees import EXACT, TRUTH, ArrayImpl

Way = Callable[..., Any]

_EXACT = frozenset([EXACT, TRUTH])

_PLAIN_CALL = """
    result = {call}
"""
_WIDE_CALL = """
    saved = enter_wide(True)
    try:
        result = {call}
    except (Unprepared, MoreSites):
        return MISS
    finally:
        leave_wide(saved)
"""
_WAY = """
def function({parameters}):
    if LIFTED.baked is not None or program.statics is not statics: return MISS
    try:
{taking}
    except (AttributeError, LookupError, TypeError, ValueError):
        return MISS
{call}
    if result.__class__ is not Results:
        return result
    return result.value([*inputs, {leaves}])
"""


def is_plain(program: Program) -> bool:
    """Whether nothing but arrays and reals goes into a program, and it draws no numbers."""
    return not program.wants_key and not program.donated and _EXACT.isdisjoint(program.kinds)


def way(
    program: Program,
    front: Sequence[Any],
    inputs: Sequence[Any],
    leaves: Sequence[Any],
) -> Way | None:
    """A way into a program that has just run; None if there is none for such arguments.

    Args:
        program: the program.
        front: what goes in front of the leaves of the arguments.
        inputs: the same, as it was before it was made arrays.
        leaves: of the arguments that the program has run with.
    """
    taking = Taking("return MISS")
    positional, keywords = program.arguments[2]
    names = [f"a{number}" for number in range(len(positional[2]))]
    if not all(map(_is_name, keywords[1])):
        return None
    try:
        for name, structure in zip(names, positional[2], strict=True):
            taking.part(name, structure)
        for name, structure in zip(keywords[1], keywords[2], strict=True):
            taking.part(_PREFIX + name, structure)
    except NoCode:
        return None
    taking.require_distinct()
    for number, value in _known_values(program, leaves).items():
        taking.require(f"{taking.leaves[number]} == {value!r}")
    lines = taking.writer.lines or ["    pass"]
    # As in ``Program``: where 64-bit numbers exist or not, JAX takes for two programs.
    has_python = any(leaf.__class__ in PYTHON_NUMBERS for leaf in (*front, *leaves))
    is_wide = program.wants_key or has_python
    shown = "".join(f"{leaf}, " for leaf in taking.leaves)
    call = _WIDE_CALL if is_wide else _PLAIN_CALL
    if keywords[1]:
        lines = [*(f"    {_PREFIX}{name} = {name}" for name in keywords[1]), *lines]
        names = [*names, "*", *keywords[1]]
    text = _WAY.format(
        parameters=", ".join(names),
        taking="\n".join(f"    {line}" for line in lines),
        call=call.format(call=_call(program, front, shown)),
        leaves=shown,
    )
    target = program.variant([*front, *leaves])
    if target is None:
        return None
    scope = {**taking.writer.constants, **_scope(program, front, inputs, target)}
    exec(compile(text, __file__, "exec"), scope)
    return _counted(scope["function"]) if program.wants_key else scope["function"]


def _counted(function: Way) -> Way:
    """``function``, which draws random numbers, while no other thread draws."""

    def counted(*arguments: Any) -> Any:
        with key_stream.counting():
            return function(*arguments)

    return counted


_PREFIX = "option_"
"""Keyword arguments get other names in a way than those that it uses itself."""


def _is_name(name: str) -> bool:
    """Whether Python can have a parameter of this name, and the text of a way does not use it."""
    is_plain = name.isidentifier() and not keyword.iskeyword(name)
    return is_plain and name not in _USED and not re.fullmatch(r"[afkv]\d+|option_.*", name)


_USED = frozenset(re.findall(r"\w+", _WAY + _PLAIN_CALL + _WIDE_CALL)) | {
    "AttributeError", "Cell", "Function", "NIL", "Pair", "Vector", "scheme_list",
    "Array", "donating", "position", "target", "id", "len",
}  # fmt: skip


def _call(program: Program, front: Sequence[Any], leaves: str) -> str:
    """The call of the compiled function as text."""
    given = "".join(f"f{number}, " for number in range(len(front))) + leaves
    if program.wants_key:
        given += "*position(), "
    return f"donating([{given}])" if program.donated else f"target({given})"


def _scope(
    program: Program, front: Sequence[Any], inputs: Sequence[Any], target: Callable[..., Any]
) -> Mapping[str, Any]:
    """What the text of a way reads."""

    def donating(given: list[Any]) -> Any:
        with Donation(given, program.donated):
            return target(*distinct(given, program.donated))

    def position() -> tuple[Any, Any]:
        return program.sites.keys(sys._getframe(1))

    return {
        **{f"f{number}": leaf for number, leaf in enumerate(front)},
        "program": program,
        "statics": program.statics,
        "inputs": inputs,
        "target": target,
        "donating": donating,
        "position": position,
        "enter_wide": enable_x64.swap_local,
        "leave_wide": enable_x64.set_local,
        "LIFTED": LIFTED,
        "Results": Results,
        "MoreSites": MoreSites,
        "Unprepared": Unprepared,
        "Array": ArrayImpl,
        "MISS": MISS,
    }


def _known_values(program: Program, leaves: Sequence[Any]) -> dict[int, Any]:
    """The values of exact leaves of the arguments that the program was compiled for."""
    first = program.ends[1]
    return {index - first: leaves[index - first] for index in program.statics if index >= first}
