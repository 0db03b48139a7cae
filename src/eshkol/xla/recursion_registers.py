"""Where the machine that runs programs with calls keeps values between its trips."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

from eshkol.xla.recursion_blocks import Call, Name, Program, codes_in
from eshkol.xla.recursion_calls import Callee

Type = tuple[tuple[int, ...], Any]
"""Shape and dtype."""


def type_of(aval: Any) -> Type:
    """The shape and dtype of a value."""
    return tuple(aval.shape), aval.dtype


class Registers:
    """The registers of the names that blocks read. Names share one if no block reads both.

    Attributes:
        of: the number of a name's register.
        types: of all registers.
        saved: the numbers of those that calls save.
    """

    def __init__(self, program: Program) -> None:
        kept = {
            name
            for block in program.blocks
            for code in codes_in(block.code)
            if isinstance(code.end, Call)
            for name in code.end.block.live
        }
        self.of: dict[Name, int] = {}
        self.types: list[Type] = []
        self.saved: list[int] = []
        conflicts: dict[Name, set[Name]] = defaultdict(set)
        for block in program.blocks:
            for name in block.reads:
                conflicts[name].update(block.reads)
        pools: dict[tuple[Type, bool], list[int]] = defaultdict(list)
        for name, others in conflicts.items():
            pool = pools[type_of(name.aval), name in kept]
            taken = {self.of[other] for other in others if other in self.of}
            number = next((number for number in pool if number not in taken), None)
            if number is None:
                number = self._new(type_of(name.aval), name in kept)
                pool.append(number)
            self.of[name] = number

    def _new(self, kind: Type, is_saved: bool) -> int:
        self.types.append(kind)
        number = len(self.types) - 1
        if is_saved:
            self.saved.append(number)
        return number

    @property
    def row_size(self) -> int:
        """How many bytes a call saves."""
        kinds = (self.types[number] for number in self.saved)
        return sum(int(np.prod(shape)) * dtype.itemsize for shape, dtype in kinds)


class Results:
    """Where procedures leave their results: slots by type, shared by all procedures.

    Attributes:
        types: of all slots.
        of: the slots of a procedure's results.
    """

    def __init__(self, program: Program) -> None:
        self.types: list[Type] = []
        self.of: dict[Callee, list[int]] = {}
        slots: dict[Type, list[int]] = defaultdict(list)
        for callee in program.procedures:
            used: dict[Type, int] = defaultdict(int)
            self.of[callee] = []
            for aval in callee.body.out_avals:
                kind = type_of(aval)
                if used[kind] == len(slots[kind]):
                    self.types.append(kind)
                    slots[kind].append(len(self.types) - 1)
                self.of[callee].append(slots[kind][used[kind]])
                used[kind] += 1
