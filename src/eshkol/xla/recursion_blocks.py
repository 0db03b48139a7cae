"""Programs with calls as blocks: pieces that run without a call, and what each goes on with.

A procedure's jaxpr is cut at its calls. What a block computes and a later one reads is a name; the
names that are read after a call are what the call has to save. Calls in tail position save
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from eshkol.xla._compat import ClosedJaxpr, JaxprEqn, Literal, eliminate
from eshkol.xla.loop_lanes import is_loop
from eshkol.xla.recursion_calls import Callee, call_p, calls_in, has_calls
from eshkol.xla.silence import inner_jaxprs


class Name:
    """A value of the running program; its type is that of a jaxpr's variable."""

    __slots__ = ("aval",)

    def __init__(self, aval: Any) -> None:
        self.aval = aval


@dataclass(frozen=True, eq=False)
class Fixed:
    """A value that is the same in the whole run."""

    value: Any
    aval: Any


class Running:
    """Whether the block that reads it is really run: under ``vmap`` others are computed too."""


RUNNING = Running()

Atom = Name | Fixed | Running


@dataclass(frozen=True, eq=False)
class Step:
    """An equation without calls."""

    equation: JaxprEqn
    inputs: list[Atom]
    outputs: list[Name]


@dataclass(frozen=True, eq=False)
class Return:
    """End the procedure ``callee`` with these results."""

    callee: Callee
    values: list[Atom]


@dataclass(frozen=True, eq=False)
class Jump:
    """Go on with a block of the same procedure, giving values to its inputs."""

    block: Block
    values: list[Atom]


@dataclass(frozen=True, eq=False)
class Call:
    """Call a procedure, and go on with a block, whose results those of the procedure are."""

    callee: Callee
    values: list[Atom]
    block: Block


@dataclass(frozen=True, eq=False)
class TailCall:
    """End the procedure with what another one gives."""

    callee: Callee
    values: list[Atom]


@dataclass(frozen=True, eq=False)
class Choice:
    """Go on with one of several codes."""

    index: Atom
    codes: list[Code]


End = Return | Jump | Call | TailCall | Choice


@dataclass(frozen=True, eq=False)
class Code:
    """Steps and what comes after them."""

    steps: list[Step]
    end: End


@dataclass(eq=False)
class Block:
    """A place where a run can go on.

    Attributes:
        code: what happens from there on.
        inputs: names that who comes here gives values.
        callee: the procedure after whose call the block goes on, if it does.
        results: names of the results of that call.
        reads: names that it reads, without the results.
        live: those of them that are no inputs.
    """

    code: Code
    inputs: list[Name] = field(default_factory=list)
    callee: Callee | None = None
    results: list[Name] = field(default_factory=list)

    def __post_init__(self) -> None:
        results, inputs = set(self.results), set(self.inputs)
        self.reads = [name for name in free_names(self.code) if name not in results]
        self.live = [name for name in self.reads if name not in inputs]


def free_names(code: Code) -> dict[Name, None]:
    """The names that ``code`` reads and does not make, in the order of their first use."""
    made: set[Name] = set()
    found: dict[Name, None] = {}

    def read(atoms: Sequence[Atom]) -> None:
        found.update((a, None) for a in atoms if isinstance(a, Name) and a not in made)

    for step in code.steps:
        read(step.inputs)
        made.update(step.outputs)
    read(_read_by(code.end))
    return found


def _read_by(end: End) -> list[Atom]:
    match end:
        case Return(_, values) | TailCall(_, values):
            return values
        case Jump(block, values) | Call(_, values, block):
            return [*values, *block.live]
        case Choice(index, codes):
            return [index, *(name for code in codes for name in free_names(code))]


@dataclass(frozen=True, eq=False)
class Procedure:
    """A procedure in blocks: its parameters, and the block it begins with."""

    parameters: list[Name]
    entry: Block


@dataclass(frozen=True, eq=False)
class Program:
    """All procedures that a run may call, and all their blocks."""

    procedures: dict[Callee, Procedure]
    blocks: list[Block]
    fixed: list[Any]


def program_of(root: Callee) -> Program:
    """The program that ``root`` begins."""
    callees = _reachable(root)
    inherited = _inherited(root, callees)
    blocks: list[Block] = []
    actives = {id(callee.active) for callee in callees}
    procedures = {
        callee: _Cutting(callee, root.body.consts, actives, inherited, blocks).procedure()
        for callee in callees
    }
    return Program(procedures, blocks, list(root.body.consts))


def _reachable(root: Callee) -> list[Callee]:
    found = [root]
    for callee in found:
        for equation in calls_in(callee.body):
            if equation.params["callee"] not in found:
                found.append(equation.params["callee"])
    return found


def _inherited(root: Callee, callees: list[Callee]) -> dict[Callee, list[Any]]:
    """The values that a procedure gets from those around it, beside its arguments.

    Constants of the root are the same in the whole run. Those of a procedure inside of it may be
    values of one that called it; whoever calls it again passes its own on.
    """
    same = {id(value) for value in root.body.consts}
    same |= {id(callee.active) for callee in callees}
    result: dict[Callee, dict[int, Any]] = {
        callee: {id(v): v for v in callee.body.consts if id(v) not in same} for callee in callees
    }
    result[root] = {}
    while True:
        before = sum(map(len, result.values()))
        for callee in callees:
            if callee is not root:
                for equation in calls_in(callee.body):
                    result[callee].update(_to_pass_on(equation, result))
        if sum(map(len, result.values())) == before:
            return {callee: list(values.values()) for callee, values in result.items()}


def _to_pass_on(equation: JaxprEqn, inherited: dict[Callee, dict[int, Any]]) -> dict[int, Any]:
    """What the caller must have for a call, since it doesn't stand in the call."""
    callee = equation.params["callee"]
    if not equation.params["is_entry"]:
        return inherited[callee]
    given = {id(value) for value in callee.body.consts}
    return {key: value for key, value in inherited[callee].items() if key not in given}


class _Cutting:
    """Cuts one procedure into blocks."""

    def __init__(
        self,
        callee: Callee,
        fixed: Sequence[Any],
        actives: set[int],
        inherited: dict[Callee, list[Any]],
        blocks: list[Block],
    ) -> None:
        self.callee = callee
        self.fixed = {id(value) for value in fixed}
        self.actives = actives
        self.inherited = inherited
        self.blocks = blocks
        self.passed_on: dict[int, Atom] = {}

    def procedure(self) -> Procedure:
        body = self.callee.body
        jaxpr = body.jaxpr
        variables: dict[Any, Atom] = {jaxpr.invars[0]: RUNNING}
        parameters = [Name(variable.aval) for variable in jaxpr.invars[1:]]
        variables.update(zip(jaxpr.invars[1:], parameters, strict=True))
        of_constants = dict(zip(map(id, body.consts), jaxpr.constvars, strict=True))
        for value in self.inherited[self.callee]:
            variable = of_constants.get(id(value))
            name = Name(variable.aval if variable is not None else _type_of(value))
            self.passed_on[id(value)] = name
            parameters.append(name)
        for value, variable in zip(body.consts, jaxpr.constvars, strict=True):
            variables[variable] = self._constant(value, variable)
        outputs = jaxpr.outvars

        def finish(inside: dict[Any, Atom]) -> Code:
            return Code([], Return(self.callee, [_read(inside, atom) for atom in outputs]))

        entry = self._block(Block(self._code(jaxpr.eqns, variables, finish), parameters))
        return Procedure(parameters, entry)

    def _constant(self, value: Any, variable: Any) -> Atom:
        if id(value) in self.actives:
            return RUNNING
        if id(value) in self.fixed:
            return Fixed(value, variable.aval)
        return self.passed_on[id(value)]

    def _block(self, block: Block) -> Block:
        self.blocks.append(block)
        return block

    def _code(
        self,
        equations: Sequence[JaxprEqn],
        variables: dict[Any, Atom],
        finish: Callable[[dict[Any, Atom]], Code],
    ) -> Code:
        """The code of ``equations``, which ``finish`` goes on with."""
        steps: list[Step] = []
        for number, equation in enumerate(equations):
            if has_calls(equation):
                rest = partial(self._code, equations[number + 1 :], finish=finish)
                code = self._cut(equation, variables, rest)
                return Code(steps + code.steps, code.end)
            inputs = [_read(variables, atom) for atom in equation.invars]
            outputs = _bind(variables, equation.outvars)
            steps.append(Step(equation, inputs, outputs))
        code = finish(variables)
        return Code(steps + code.steps, code.end)

    def _cut(
        self,
        equation: JaxprEqn,
        variables: dict[Any, Atom],
        go_on: Callable[[dict[Any, Atom]], Code],
    ) -> Code:
        """The code of an equation with a call in it, and of what comes after."""
        inputs = [_read(variables, atom) for atom in equation.invars]
        if equation.primitive is call_p:
            return self._call(equation, inputs, variables, go_on)
        if equation.primitive.name == "cond":
            return self._choice(equation, inputs, variables, go_on)
        [inner] = inner_jaxprs(equation)
        return self._inline(inner, inputs, equation.outvars, variables, go_on)

    def _call(
        self,
        equation: JaxprEqn,
        inputs: list[Atom],
        variables: dict[Any, Atom],
        go_on: Callable[[dict[Any, Atom]], Code],
    ) -> Code:
        callee = equation.params["callee"]
        count = len(callee.body.jaxpr.invars) - 1
        given = dict(zip(map(id, callee.body.consts), inputs[count:], strict=False))
        passed = [
            given[id(value)] if id(value) in given else self._own(value)
            for value in self.inherited[callee]
        ]
        values = inputs[:count] + passed
        results = _bind(variables, equation.outvars)
        code = go_on(variables)
        if not code.steps and isinstance(code.end, Return) and code.end.values == results:
            return Code([], TailCall(callee, values))
        block = self._block(Block(code, callee=callee, results=results))
        return Code([], Call(callee, values, block))

    def _own(self, value: Any) -> Atom:
        return self.passed_on[id(value)]

    def _choice(
        self,
        equation: JaxprEqn,
        inputs: list[Atom],
        variables: dict[Any, Atom],
        go_on: Callable[[dict[Any, Atom]], Code],
    ) -> Code:
        results = _bind(variables, equation.outvars)
        after = go_on(variables)
        ends = isinstance(after.end, Return) and not after.steps
        join = None if ends else self._block(Block(after, inputs=results))

        def finish(values: list[Atom]) -> Code:
            if join is not None:
                return Code([], Jump(join, values))
            assert isinstance(after.end, Return)
            own = dict(zip(results, values, strict=True))
            returned = [own.get(a, a) if isinstance(a, Name) else a for a in after.end.values]
            return Code([], Return(self.callee, returned))

        codes = [self._branch(branch, inputs[1:], finish) for branch in equation.params["branches"]]
        return Code([], Choice(inputs[0], codes))

    def _branch(
        self, branch: ClosedJaxpr, inputs: list[Atom], finish: Callable[[list[Atom]], Code]
    ) -> Code:
        smaller, _ = eliminate(branch, [True] * len(branch.out_avals), [True] * len(inputs))
        jaxpr = smaller.jaxpr
        return self._code(
            jaxpr.eqns,
            _opened(smaller, inputs),
            lambda inside: finish([_read(inside, atom) for atom in jaxpr.outvars]),
        )

    def _inline(
        self,
        inner: Any,
        inputs: list[Atom],
        outputs: Sequence[Any],
        variables: dict[Any, Atom],
        go_on: Callable[[dict[Any, Atom]], Code],
    ) -> Code:
        closed = inner if isinstance(inner, ClosedJaxpr) else ClosedJaxpr(inner, ())

        def finish(inside: dict[Any, Atom]) -> Code:
            values = [_read(inside, atom) for atom in closed.jaxpr.outvars]
            return go_on({**variables, **dict(zip(outputs, values, strict=True))})

        return self._code(closed.jaxpr.eqns, _opened(closed, inputs), finish)


def _opened(closed: ClosedJaxpr, inputs: list[Atom]) -> dict[Any, Atom]:
    jaxpr = closed.jaxpr
    variables: dict[Any, Atom] = dict(zip(jaxpr.invars, inputs, strict=True))
    for variable, value in zip(jaxpr.constvars, closed.consts, strict=True):
        variables[variable] = Fixed(value, variable.aval)
    return variables


def _read(variables: dict[Any, Atom], atom: Any) -> Atom:
    return Fixed(atom.val, atom.aval) if isinstance(atom, Literal) else variables[atom]


def _bind(variables: dict[Any, Atom], outputs: Sequence[Any]) -> list[Name]:
    names = [Name(variable.aval) for variable in outputs]
    variables.update(zip(outputs, names, strict=True))
    return names


def _type_of(value: Any) -> Any:
    return getattr(value, "aval", value)


def codes_in(code: Code) -> Iterator[Code]:
    """A code and all that it chooses from."""
    yield code
    if isinstance(code.end, Choice):
        for inner in code.end.codes:
            yield from codes_in(inner)


def has_loops(code: Code) -> bool:
    """Whether a code, or what it chooses from, has loops that end by what they compute."""
    return any(is_loop(step.equation) for inner in codes_in(code) for step in inner.steps)


def fixed_in(code: Code) -> list[Any]:
    """The values read by a code, or by what it chooses from, that are the same in the whole run."""
    atoms = [atom for inner in codes_in(code) for step in inner.steps for atom in step.inputs]
    return [atom.value for atom in atoms if isinstance(atom, Fixed)]
