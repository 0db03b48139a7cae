"""A Python name for each variable.

A name differs from those of all other variables that its Python function and the functions inside
it mention, and from the global names they mention (a global keeps its Scheme name).

Callers write the names of parameters before keyword arguments, so those are given: the *signature*
of a procedure follows from the procedure alone. A variable that a procedure captures is named
otherwise than the procedure's parameters; where it is itself a parameter of the same name, its
procedure copies it to a variable of another name first. A global whose name is a parameter's is
read another way. Both dialects of a procedure use the same names, so their closures fit each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from eshkol.core.nodes import (
    BoxRef,
    BoxSet,
    GlobalRef,
    Lambda,
    Let,
    Letrec,
    LocalRef,
    Loop,
    Node,
    Variable,
)
from eshkol.core.walk import bound_variables, children, everything
from eshkol.datum.spelling import is_reserved as is_reserved
from eshkol.datum.spelling import python_name as python_name

Names = dict[Variable, str]

Mentions = set[Variable | str]
"""Local variables, and the names of global ones."""

Taken = dict[str, int]
"""Names that are taken, with the last number tried to tell others of the name from each."""


def signature(node: Lambda) -> list[str]:
    """The Python names of a procedure's parameters, that of the rest last."""
    own: Taken = {}
    # Keywords first: their names have to be those that callers write.
    keywords = [_fresh(python_name(p.variable.name), own) for p in node.parameters if p.keyword]
    places = [_fresh(python_name(p.variable.name), own) for p in node.parameters if not p.keyword]
    rest = [] if node.rest is None else [_fresh(python_name(node.rest.name), own)]
    return places + keywords + rest


def assign_names(node: Node, reserved: Collection[str]) -> Names:
    """A name for each variable bound in ``node``; ``reserved`` holds the global names."""
    names: Names = {}
    mentions: dict[Lambda, Mentions] = {}
    _note_mentions(node, set(), mentions)
    avoided: dict[Variable, set[str]] = {}
    for procedure, mentioned in mentions.items():
        _note_avoided(procedure, mentioned, avoided)
    _visit(node, names, dict.fromkeys(reserved, 1), mentions, avoided)
    return names


def _note_mentions(node: Node, found: Mentions, mentions: dict[Lambda, Mentions]) -> None:
    """Add what ``node`` mentions to ``found``; note it for each procedure in it."""
    if isinstance(node, Lambda):
        outer, found = found, set()
        mentions[node] = found
    if isinstance(node, LocalRef | BoxRef | BoxSet):
        found.add(node.variable)
    elif isinstance(node, GlobalRef):
        found.add(node.name)
    for child in children(node):
        _note_mentions(child, found, mentions)
    if isinstance(node, Lambda):
        outer |= found


def _note_avoided(
    procedure: Lambda, mentioned: Mentions, avoided: dict[Variable, set[str]]
) -> None:
    """Let what a procedure mentions avoid the names of its parameters."""
    parameters = signature(procedure)
    for variable in mentioned.difference(bound_variables(procedure)) if parameters else ():
        if isinstance(variable, Variable):
            avoided.setdefault(variable, set()).update(parameters)


def _visit(
    node: Node,
    names: Names,
    taken: Taken,
    mentions: dict[Lambda, Mentions],
    avoided: dict[Variable, set[str]],
) -> None:
    if isinstance(node, Lambda):
        taken = _name_parameters(node, names, mentions[node], avoided)
    else:
        for variable in bound_variables(node):
            if variable in names:
                continue
            names[variable] = _fresh(python_name(variable.name), taken, avoided.get(variable, ()))
    if isinstance(node, Lambda | Let | Letrec) and isinstance(node.body, Loop):
        _share_names(node, node.body, names, avoided)
    for child in children(node):
        _visit(child, names, taken, mentions, avoided)


def _share_names(
    node: Lambda | Let | Letrec, loop: Loop, names: Names, avoided: dict[Variable, set[str]]
) -> None:
    """Let variables of a loop take over those that serve as their first values and nothing else."""
    counts = Counter(part.variable for part in everything(node.body) if isinstance(part, LocalRef))
    for variable, value in zip(loop.variables, loop.values, strict=True):
        if not isinstance(value, LocalRef) or counts[value.variable] != 1:
            continue
        is_own = value.variable in bound_variables(node)
        if is_own and names[value.variable] not in avoided.get(variable, ()):
            names[variable] = names[value.variable]


def _name_parameters(
    node: Lambda, names: Names, mentioned: Mentions, avoided: dict[Variable, set[str]]
) -> Taken:
    """Name the parameters of a procedure; what is taken in its body."""
    own = signature(node)
    taken = dict.fromkeys(
        (names[v] for v in mentioned if isinstance(v, Variable) and v in names), 1
    )
    taken.update(dict.fromkeys(own, 1))
    for variable, name in zip(bound_variables(node), own, strict=True):
        avoid = avoided.get(variable, ())
        names[variable] = _fresh(name, taken, avoid) if name in avoid else name
    taken.update((name, 1) for name in mentioned if isinstance(name, str))
    return taken


def _fresh(base: str, taken: Taken, avoid: Collection[str] = ()) -> str:
    """A name that is not taken yet, and is now; ``base`` if possible."""
    name, number = base, taken.get(base, 0)
    while name in taken or name in avoid:
        number += 1
        name = f"{base}_{number}" if number > 1 else base
    taken[base] = max(number, 1)
    taken[name] = 1
    return name
