"""Procedures of ints: recursive ones that compute with ints as long as they are given ints.

``fib`` and ``tak`` are such: their bodies call nothing but arithmetic and themselves. For them
there is a second Python function, without a single test of a class, that calls itself directly; the
procedure hands over to it if its arguments are ints. Nothing that such a function calls could
define its name anew; a definition from outside makes it an ordinary one (see ``redefinition``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from eshkol.codegen.kinds import CLOSED, COMPARED, INT, INTEGER_RESULT, INTS_KEPT, Kinds
from eshkol.core.nodes import (
    Call,
    Const,
    Continue,
    Define,
    GlobalRef,
    If,
    Lambda,
    Let,
    LocalRef,
    Loop,
    Node,
    Sequence,
    SetGlobal,
)
from eshkol.core.walk import children, everything

IsPrimitive = Callable[[Node], bool]

Group = dict[str, Lambda]
"""Procedures that call one another and nothing else, by name."""

ARITHMETIC = (
    CLOSED
    | COMPARED
    | INTEGER_RESULT
    | INTS_KEPT
    | frozenset("zero? positive? negative? even? odd? not error".split())
)
"""Primitives that such procedures may call."""

PARTS = (Const, LocalRef, GlobalRef, If, Let, Sequence, Loop, Continue, Call)
"""What such procedures consist of."""


def groups_of_ints(
    nodes: Iterable[Node], is_primitive: IsPrimitive
) -> Iterator[tuple[Group, dict[str, str | None]]]:
    """The groups among top-level forms, and the kind of what each procedure gives for ints."""
    nodes = list(nodes)
    changes = Counter(
        part.name
        for node in nodes
        for part in everything(node)
        if isinstance(part, Define | SetGlobal)
    )
    found = {
        node.name: node.value
        for node in nodes
        if isinstance(node, Define) and isinstance(node.value, Lambda) and changes[node.name] == 1
    }
    calls = {name: _calls(node, found, is_primitive) for name, node in found.items()}
    grouped: set[str] = set()
    for name in found:
        members = _group(name, calls)
        if members and name not in grouped:
            grouped |= members
            group = {member: found[member] for member in found if member in members}
            results = _results(group, is_primitive)
            if results is not None:
                yield group, results


def _calls(node: Lambda, found: Group, is_primitive: IsPrimitive) -> set[str] | None:
    """The procedures that ``node`` calls; None if it does anything that a group doesn't."""
    if node.rest is not None or not node.parameters:
        return None
    if any(p.default is not None or p.keyword for p in node.parameters):
        return None
    called = set()
    stack = [node.body]
    while stack:
        part = stack.pop()
        if not isinstance(part, PARTS) or isinstance(part, GlobalRef):
            return None
        stack.extend(children(part))
        if not isinstance(part, Call):
            continue
        if not isinstance(part.procedure, GlobalRef) or part.keywords:
            return None
        stack.remove(part.procedure)
        name = part.procedure.name
        if is_primitive(part.procedure):
            if name not in ARITHMETIC:
                return None
        elif name not in found or len(part.arguments) != len(found[name].parameters):
            return None
        else:
            called.add(name)
    return called


def _group(name: str, calls: dict[str, set[str] | None]) -> set[str] | None:
    """The procedures that ``name`` can get to, itself included, if all of them get back to it."""
    reached = _reached(name, calls)
    if reached is None or name not in reached:
        return None
    return reached if all(name in (_reached(other, calls) or ()) for other in reached) else None


def _reached(name: str, calls: dict[str, set[str] | None]) -> set[str] | None:
    reached: set[str] = set()
    stack = [name]
    while stack:
        called = calls[stack.pop()]
        if called is None:
            return None
        stack += called - reached
        reached |= called
    return reached


def _results(group: Group, is_primitive: IsPrimitive) -> dict[str, str | None] | None:
    """The kinds of results for ints; None if some call in the group is given something else."""
    results: dict[str, str | None] = dict.fromkeys(group, INT)
    settled = False
    while not settled:
        settled = True
        for name, node in group.items():
            kinds = Kinds(is_primitive)
            kinds.results = results
            kinds.known = {p.variable: INT for p in node.parameters}
            kinds.note_inner(node.body)
            if not all(
                kinds.of(argument) == INT
                for part in everything(node.body)
                if isinstance(part, Call)
                and isinstance(part.procedure, GlobalRef)
                and part.procedure.name in group
                for argument in part.arguments
            ):
                return None
            if results[name] and any(kinds.of(end) != INT for end in _ends(node.body)):
                results[name], settled = None, False
    return results


def _ends(node: Node) -> Iterator[Node]:
    """The expressions whose values ``node`` may have, those that raise errors left out."""
    match node:
        case If():
            yield from _ends(node.then)
            yield from _ends(node.otherwise)
        case Let() | Loop():
            yield from _ends(node.body)
        case Sequence():
            yield from _ends(node.steps[-1])
        case Continue() | Call(procedure=GlobalRef(name="error")):
            return
        case _:
            yield node
