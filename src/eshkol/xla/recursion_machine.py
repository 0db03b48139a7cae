"""The machine that runs programs with calls: one loop, whose trips are blocks.

Its state is the number of the block to run next, registers with what blocks read, the results of
the procedure that ended last, and a stack: for each register that a call must save an array with a
row for every call that waits. Each trip writes one row above the top of the stack and reads the row
at the top, whatever it does; a call makes the row it wrote the top, a return goes back to what it
read. So no array is copied, and as a loop it has lanes and every derivative.

Radul, Patton, Maclaurin, Hoffman, Saurous (2020), "Automatically batching control-intensive
programs for modern accelerators", MLSys.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from eshkol.xla._compat import evaluate
from eshkol.xla.effects import is_reached
from eshkol.xla.loop_states import run_loop
from eshkol.xla.recursion_blocks import (
    Atom,
    Block,
    Call,
    Choice,
    Code,
    Fixed,
    Jump,
    Name,
    Return,
    Running,
    TailCall,
    codes_in,
    fixed_in,
    free_names,
    has_loops,
    program_of,
)
from eshkol.xla.recursion_calls import Callee
from eshkol.xla.recursion_lanes import guard
from eshkol.xla.recursion_registers import Registers, Results

Key = tuple[str, int]
"""A part of the state of a trip: ``("register", 3)``, ``("result", 0)``, ``("row", 3)``."""

State = dict[Key, Any]

NEXT, PUSHES, POPS, BACK = ("next", 0), ("pushes", 0), ("pops", 0), ("back", 0)
"""The block to run next, whether the stack grows or shrinks, where the row pushed goes back to."""

STACK_BYTES = 2**25
"""The stack of a program that says nothing else takes so much memory, …"""

MOST_DEPTH = 10_000
"""… but has room for so many calls at most …"""

LEAST_DEPTH = 64
"""… and for so many at least."""


@dataclass(frozen=True)
class Outcome:
    """What a run gives.

    Attributes:
        results: of the procedure.
        is_too_deep: whether the stack was too small; None if there is no stack.
        depth: for how many calls it has room.
    """

    results: list[Any]
    is_too_deep: Any
    depth: int


def run(root: Callee, arguments: Sequence[Any], max_depth: int | None) -> Outcome:
    """Run a procedure until it ends.

    Args:
        root: the procedure.
        arguments: arrays of the types of its parameters.
        max_depth: how many calls may wait for others; None for as many as fit into 32 MiB.
    """
    return _Machine(root, max_depth).run(arguments)


class _Machine:
    def __init__(self, root: Callee, max_depth: int | None) -> None:
        self.root = root
        self.program = program_of(root)
        self.blocks = self.program.blocks
        self.numbers = {id(block): number for number, block in enumerate(self.blocks)}
        self.registers = Registers(self.program)
        self.results = Results(self.program)
        codes = [code for block in self.blocks for code in codes_in(block.code)]
        self.has_stack = any(isinstance(code.end, Call) for code in codes)
        self.depth = max_depth or _default_depth(self.registers.row_size)
        self.ended = jnp.int32(len(self.blocks))
        self.too_deep = jnp.int32(len(self.blocks) + 1)

    # ---- the loop

    def run(self, arguments: Sequence[Any]) -> Outcome:
        start = self._start(arguments)
        # Behind the end no block is active, and a row that is written is never read.
        end = run_loop(lambda state: state["next"] < self.ended, self._trip, start, idles=True)
        results = [end["results"][slot] for slot in self.results.of[self.root]]
        is_too_deep = end["next"] == self.too_deep if self.has_stack else None
        return Outcome(results, is_too_deep, self.depth)

    def _start(self, arguments: Sequence[Any]) -> dict[str, Any]:
        registers = [jnp.zeros(*kind) for kind in self.registers.types]
        procedure = self.program.procedures[self.root]
        for name, value in zip(procedure.parameters, arguments, strict=True):
            if name in self.registers.of:
                registers[self.registers.of[name]] = value
        state: dict[str, Any] = {
            "next": jnp.where(is_reached(), self._number(procedure.entry), self.ended),
            "registers": registers,
            "results": [jnp.zeros(*kind) for kind in self.results.types],
        }
        if self.has_stack:
            # The lowest row belongs to who called the root; the highest one is never read.
            rows = self.depth + 2
            kinds = [self.registers.types[number] for number in self.registers.saved]
            state["height"] = jnp.int32(1)
            state["stack"] = [jnp.zeros((rows, *shape), dtype) for shape, dtype in kinds]
            state["backs"] = jnp.full(rows, self.ended, jnp.int32)
        return state

    def _number(self, block: Block) -> Any:
        return jnp.int32(self.numbers[id(block)])

    def _trip(self, state: dict[str, Any]) -> dict[str, Any]:
        current: State = {("register", i): x for i, x in enumerate(state["registers"])}
        current |= {("result", i): x for i, x in enumerate(state["results"])}
        current[NEXT] = state["next"]
        below = self._below(state)
        if self.has_stack:
            current |= {("row", i): current["register", i] for i in self.registers.saved}
            current |= {PUSHES: jnp.bool_(False), POPS: jnp.bool_(False), BACK: self.ended}
        for block in self.blocks:
            self._run_block(block, state["next"] == self._number(block), current, below)
        following: dict[str, Any] = {
            "next": current[NEXT],
            "registers": [current["register", i] for i in range(len(state["registers"]))],
            "results": [current["result", i] for i in range(len(state["results"]))],
        }
        return following | self._after(state, current) if self.has_stack else following

    def _below(self, state: dict[str, Any]) -> State:
        """What a return goes back to: the row at the top of the stack."""
        if not self.has_stack:
            return {NEXT: self.ended}
        top = state["height"] - 1
        below = {NEXT: _row(state["backs"], top)}
        for number, rows in zip(self.registers.saved, state["stack"], strict=True):
            below["register", number] = _row(rows, top)
        return below

    def _after(self, state: dict[str, Any], current: State) -> dict[str, Any]:
        """The stack after a trip, and the block to run next."""
        height = state["height"]
        change = current[PUSHES].astype(jnp.int32) - current[POPS].astype(jnp.int32)
        is_too_deep = current[PUSHES] & (height > self.depth)
        return {
            "next": lax.select(is_too_deep, self.too_deep, current[NEXT]),
            "height": height + change,
            "stack": [
                lax.dynamic_update_index_in_dim(rows, current["row", number], height, 0)
                for number, rows in zip(self.registers.saved, state["stack"], strict=True)
            ],
            "backs": lax.dynamic_update_index_in_dim(state["backs"], current[BACK], height, 0),
        }

    # ---- blocks

    def _run_block(self, block: Block, active: Any, current: State, below: State) -> None:
        """Change ``current`` to what ``block`` makes of it, if it is active."""
        places: dict[Name, Key] = {name: self._register(name) for name in block.reads}
        if block.callee is not None:
            slots = self.results.of[block.callee]
            places |= {n: ("result", s) for n, s in zip(block.results, slots, strict=True)}
        given = _Values({name: current[place] for name, place in places.items()}, active)
        is_any, values = given.guarded(block.code, active)
        keys = sorted(self._written(block.code))

        def change() -> list[Any]:
            changes = self._changes(block.code, values, current, below)
            return [_choose(active, changes[key], current[key]) for key in keys]

        changed = lax.cond(is_any, change, lambda: [current[key] for key in keys])
        current.update(zip(keys, changed, strict=True))

    def _register(self, name: Name) -> Key:
        return "register", self.registers.of[name]

    def _written(self, code: Code) -> set[Key]:
        """What of the state a code changes."""
        match code.end:
            case Choice(_, codes):
                return set[Key]().union(*map(self._written, codes))
            case Return(callee, _):
                keys: set[Key] = {("result", slot) for slot in self.results.of[callee]} | {NEXT}
                if self.has_stack:
                    keys |= {POPS, *(("register", number) for number in self.registers.saved)}
                return keys
            case Call(callee, _, block):
                rows = {("row", self.registers.of[name]) for name in block.live}
                return {NEXT, PUSHES, BACK} | rows | self._given(callee).keys()
            case TailCall(callee, _):
                return {NEXT} | self._given(callee).keys()
            case Jump(block, _):
                return {NEXT, *map(self._register, block.reads)}

    def _given(self, callee: Callee) -> dict[Key, int]:
        """The registers of the parameters that a procedure reads, and which parameters."""
        parameters = self.program.procedures[callee].parameters
        return {
            self._register(name): index
            for index, name in enumerate(parameters)
            if name in self.registers.of
        }

    def _changes(self, code: Code, values: _Values, current: State, below: State) -> State:
        """What a code puts into the state."""
        values = values.after(code)
        match code.end:
            case Choice(index, codes):
                return self._chosen(index, codes, values, current, below)
            case Return(callee, results):
                slots = self.results.of[callee]
                own: State = {("result", s): values[r] for s, r in zip(slots, results, strict=True)}
                return own | below | ({POPS: jnp.bool_(True)} if self.has_stack else {})
            case Call(callee, arguments, block):
                rows = {("row", self.registers.of[name]): values[name] for name in block.live}
                back = {PUSHES: jnp.bool_(True), BACK: self._number(block)}
                return self._entered(callee, arguments, values) | rows | back
            case TailCall(callee, arguments):
                return self._entered(callee, arguments, values)
            case Jump(block, inputs):
                given = dict(zip(block.inputs, inputs, strict=True))
                moves = {self._register(n): values[given.get(n, n)] for n in block.reads}
                return moves | {NEXT: self._number(block)}

    def _chosen(
        self, index: Atom, codes: Sequence[Code], values: _Values, current: State, below: State
    ) -> State:
        keys = sorted(set[Key]().union(*map(self._written, codes)))
        chosen = values[index].astype(jnp.int32)

        def run(code: Code, values: _Values) -> list[Any]:
            changes = self._changes(code, values, current, below)
            return [_as(changes.get(key, current[key]), current[key]) for key in keys]

        def branch(number: int) -> list[Any]:
            code = codes[number]
            if not has_loops(code):
                return run(code, values)
            # Where a lane goes elsewhere the loop might not end.
            is_any, inside = values.guarded(code, values.active & (chosen == number))
            return lax.cond(is_any, lambda: run(code, inside), lambda: [current[k] for k in keys])

        changed = lax.switch(chosen, [partial(branch, number) for number in range(len(codes))])
        return dict(zip(keys, changed, strict=True))

    def _entered(self, callee: Callee, arguments: Sequence[Atom], values: _Values) -> State:
        """The state in which a procedure begins."""
        given = self._given(callee).items()
        own: State = {key: values[arguments[index]] for key, index in given}
        return own | {NEXT: self._number(self.program.procedures[callee].entry)}


class _Values:
    """The values of names in one run of a code.

    Attributes:
        known: those that it was given or has computed, and by their identity values that are the
            same in the whole run, where a lane borrows them.
        active: whether the code is really run.
    """

    def __init__(self, known: dict[Name | int, Any], active: Any) -> None:
        self.known = known
        self.active = active

    def __getitem__(self, atom: Atom) -> Any:
        if isinstance(atom, Running):
            return self.active
        value = self.raw(atom)
        return jnp.asarray(value, atom.aval.dtype) if isinstance(atom, Fixed) else value

    def raw(self, atom: Atom) -> Any:
        """A value as an equation takes it, whose constants may be Python's."""
        if isinstance(atom, Name):
            return self.known[atom]
        if isinstance(atom, Fixed):
            return self.known.get(id(atom.value), atom.value)
        return self.active

    def guarded(self, code: Code, active: Any) -> tuple[Any, _Values]:
        """Whether any lane runs a code, if ``active`` does, and what all lanes run it with."""
        given: dict[Name | int, Any] = {name: self.known[name] for name in free_names(code)}
        if has_loops(code):
            # A loop might not end that goes from what was borrowed to the lane's own constant.
            fixed = [value for value in fixed_in(code) if isinstance(value, jax.core.Tracer)]
            given |= {id(value): self.known.get(id(value), value) for value in fixed}
        is_any, lent = guard(active, list(given.values()))
        return is_any, _Values(self.known | dict(zip(given, lent, strict=True)), active)

    def after(self, code: Code) -> _Values:
        """The values after the steps of ``code``."""
        known = dict(self.known)
        values = _Values(known, self.active)
        for step in code.steps:
            results = evaluate(step.equation, [values.raw(atom) for atom in step.inputs])
            known.update(zip(step.outputs, results, strict=True))
        return values


def _row(rows: Any, index: Any) -> Any:
    return lax.dynamic_index_in_dim(rows, index, 0, keepdims=False)


def _choose(active: Any, new: Any, old: Any) -> Any:
    return lax.select(active, _as(new, old), old)


def _as(value: Any, like: Any) -> Any:
    """The value without its weak type, if it has one."""
    return lax.convert_element_type(value, like.dtype)


def _default_depth(row_size: int) -> int:
    return max(LEAST_DEPTH, min(MOST_DEPTH, STACK_BYTES // (row_size + 4)))
