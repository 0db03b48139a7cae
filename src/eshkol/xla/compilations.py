"""What was compiled when, and what one compilation differs from another in: its cause.

A program notes each of its compilations, which happens at compile time only. The differences are
found when somebody asks, in the user's own names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from eshkol.datum.write import short_string
from eshkol.xla.code_keys import CodeKey
from eshkol.xla.dtypes import short_name
from eshkol.xla.leaf_names import (
    argument_names,
    leaves_under,
    parameter_names,
    reach_names,
    structure_names,
)
from eshkol.xla.tensors import dimensions
from eshkol.xla.trees import COMPLEX, EXACT, REAL, TRUTH, Structure, leaf_kinds

REMEMBERED = 32
"""A program remembers so many of its compilations."""

Part = tuple[Structure, list[str]]
"""A structure and the types of its leaves."""


@dataclass(frozen=True)
class Compilation:
    """A program as it was compiled once.

    Attributes:
        number: it was the so many-th compilation of this process.
        procedure: the structure of the procedure.
        arguments: the structure of ``(arguments, options)``.
        reach: names and structures of the top-level variables that it reads.
        types: shapes and dtypes of all leaves.
        known: the values of exact leaves, by their indices.
        program: gives the program, while it is there.
        general: the indices of exact leaves that were compiled for all values.
        is_load: whether it was taken from the store instead of being compiled.
    """

    number: int
    procedure: Structure
    arguments: Structure
    reach: Structure
    types: tuple[tuple[tuple[int, ...], Any], ...]
    known: dict[int, Any]
    program: Callable[[], Any]
    general: frozenset[int] = frozenset()
    is_load: bool = False

    @property
    def statics(self) -> Sequence[int]:
        """The indices of the leaves whose values are part of what was compiled."""
        program = self.program()
        return sorted(self.known) if program is None else program.statics

    def labels(self) -> list[str]:
        """What people call each leaf: ``argument x``, ``top-level w``."""
        return leaf_labels(self.procedure, self.reach, self.arguments)

    def parts(self) -> dict[str, Part]:
        """The variables that the program takes, by what people call them."""
        kinds = [*leaf_kinds(self.procedure), *leaf_kinds(self.reach), *leaf_kinds(self.arguments)]
        types = iter([leaf_words(*pair) for pair in zip(kinds, self.types, strict=False)])
        parts = {}
        for label, structure in _variables(self.procedure, self.reach, self.arguments):
            parts[label] = structure, [next(types) for _ in leaf_kinds(structure)]
        return parts


def leaf_labels(procedure: Structure, reach: Structure, arguments: Structure) -> list[str]:
    """What people call each leaf of what a program takes."""
    return [
        *(f"captured {name}" for name in structure_names(procedure)),
        *(f"top-level {name}" for name in reach_names(reach)),
        *map(_argument_label, argument_names(procedure, arguments)),
    ]


def _argument_label(name: str) -> str:
    return name if name.startswith("argument ") else f"argument {name}"


def _variables(
    procedure: Structure, reach: Structure, arguments: Structure
) -> Iterator[tuple[str, Structure]]:
    """The variables that a program takes in the order of their leaves, and their structures."""
    code = _code(procedure)
    if code is not None:
        for name, structure in zip(code.captures, procedure[2], strict=True):
            yield f"captured {name}", structure
    else:
        yield "procedure", procedure
    for (_, name), structure in zip(reach[1], reach[2], strict=True):
        yield f"top-level {name}", structure
    positional, options = arguments[2]
    for name, structure in zip(parameter_names(procedure, arguments), positional[2], strict=True):
        yield _argument_label(name), structure
    for name, structure in zip(options[1], options[2], strict=True):
        yield f"argument #:{name.replace('_', '-')}", structure


_NUMBER_WORDS = {
    EXACT: "an exact integer",
    REAL: "a real",
    COMPLEX: "a complex number",
    TRUTH: "a boolean",
}


def leaf_words(kind: str, array: tuple[tuple[int, ...], Any]) -> str:
    """How people are told what a leaf is: ``f32[3]``."""
    return _NUMBER_WORDS.get(kind) or f"{short_name(array[1])}[{dimensions(array[0])}]"


# ---- causes


def causes(
    before: Compilation | None, now: Compilation, statics: Sequence[int] | None = None
) -> list[str]:
    """Why a program was compiled, each reason in words.

    Args:
        before: the compilation before, of the same procedure.
        now: the one to tell the cause of.
        statics: the indices of the leaves whose values were compiled in, if that is known better.
    """
    if before is None:
        return ["first call"]
    return (
        list(_differences(before.parts(), now.parts()))
        or list(_made_general(before, now))
        or list(_other_values(before, now, now.statics if statics is None else statics))
        or ["a setting changed (precision, device, a parameter), or it was forgotten meanwhile"]
    )


def _differences(before: dict[str, Part], now: dict[str, Part]) -> Iterator[str]:
    """What is another, or of another type, in two compilations."""
    changed = [label for label in now if label in before and before[label] != now[label]]
    for label in changed:
        yield from _difference(label, before[label], now[label])
    if changed:
        return
    for label in [label for label in now if label not in before]:
        yield f"{label}: not there before, {words(*now[label])} now"
    for label in [label for label in before if label not in now]:
        yield f"{label}: {words(*before[label])} before, not there now"


def _difference(label: str, before: Part, now: Part) -> Iterator[str]:
    codes = _code(before[0]), _code(now[0])
    if codes[0] != codes[1] and None not in codes:
        kind, _, name = label.partition(" ")
        yield f"definition of {name} changed" if kind == "top-level" else f"{label}: another code"
    elif is_fixed(before[0]) and is_fixed(now[0]):
        name = label.removeprefix("argument ")
        yield f"static {name}: {words(*before)} before, {words(*now)} now"
    elif before[0] == now[0]:
        base = label.partition(" ")[2]
        kind = label.removesuffix(base)
        names = list(leaves_under(base, now[0]))
        for name, first, second in zip(names, before[1], now[1], strict=True):
            if first != second:
                yield f"{kind}{name}: {first} before, {second} now"
    else:
        yield f"{label}: {words(*before)} before, {words(*now)} now"


FIXED = "Fixed"
"""The tag of an argument that is static because ``#:static`` says so."""


def is_fixed(structure: Structure) -> bool:
    """Whether an argument is static because ``#:static`` says so."""
    return structure.__class__ is not str and structure[0] == FIXED


def _code(structure: Structure) -> CodeKey | None:
    """The code of a closure."""
    if structure.__class__ is str or structure[0] != "closure":
        return None
    key = structure[1][0]
    return key if isinstance(key, CodeKey) else None


def _made_general(before: Compilation, now: Compilation) -> Iterator[str]:
    labels = now.labels()
    for index in sorted(now.general - before.general):
        name = labels[index].removeprefix("argument ")
        yield f"{name} told how often loops go round, and had many values: compiled for all of them"


def _other_values(before: Compilation, now: Compilation, statics: Sequence[int]) -> Iterator[str]:
    labels = now.labels()
    for index in statics:
        first, second = before.known.get(index), now.known.get(index)
        if first != second:
            name = labels[index].removeprefix("argument ")
            yield f"static {name}: {short_string(first)} before, {short_string(second)} now"


LONGEST = 60
"""So many characters of a value are shown."""


def words(structure: Structure, types: Sequence[str]) -> str:
    """A value of this structure in a few words."""
    text = _spelled(structure, iter(types))
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _spelled(structure: Structure, types: Iterator[str]) -> str:
    if structure.__class__ is str:
        return next(types)
    tag, details, children = structure
    inner = [_spelled(child, types) for child in children]
    if tag == "static":
        return short_string(details.value)
    if tag == FIXED:
        return short_string(details.value())
    if tag == "closure":
        return f"a procedure {details[0]}"
    if tag in ("list", "vector"):
        return f"{'#' * (tag == 'vector')}({' '.join(inner)})"
    if tag == "record":
        return f"a record of type {details.__scheme_name__}"
    names = {"table": "a hash table", "dict": "a dict", "values": f"{len(inner)} values"}
    return names.get(tag, f"({' '.join(inner)})")
