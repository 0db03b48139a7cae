"""Names without a value, and values that nobody uses."""

from __future__ import annotations

from collections.abc import Iterator

from eshkol.base.spans import Span
from eshkol.checker.expansion import CheckedProgram
from eshkol.checker.problems import ERROR, WARNING, Problem
from eshkol.core.nodes import (
    Define,
    GlobalRef,
    Lambda,
    Let,
    Letrec,
    LocalRef,
    Node,
    SetGlobal,
    SetLocal,
    Variable,
)
from eshkol.core.walk import children, everything
from eshkol.runtime.report import unbound
from eshkol.syntax.objects import Syntax

_LOADERS = {"load", "eval"}


# ---- names without a value


def unbound_names(program: CheckedProgram) -> Iterator[Problem]:
    """The top-level variables that are used and defined nowhere.

    They are warnings in a program that loads files or evaluates data, which may define them, and
    nothing is said of them where an import failed.
    """
    if program.lacks_import:
        return
    known = {*program.lost, *program.definitions()}
    nodes = [part for node in program.nodes for part in everything(node)]
    loads = any(isinstance(n, GlobalRef) and n.name in _LOADERS for n in nodes)
    severity = WARNING if loads else ERROR
    variables = {
        **dict.fromkeys([*known, *program.namespace.variables]),
        "__builtins__": program.namespace.builtins,
    }
    for node in nodes:
        if isinstance(node, GlobalRef | SetGlobal) and not _is_bound(program, node.name, known):
            who = "set!: " if isinstance(node, SetGlobal) else ""
            error = unbound(node.name, variables, node.span, who)
            notes = tuple(error.hint.splitlines())
            yield Problem(node.span, severity, "unbound", error.message, notes)


def _is_bound(program: CheckedProgram, name: str, known: set[str]) -> bool:
    namespace = program.namespace
    return (
        name in known
        or name.startswith((" ", "__"))
        or namespace.is_bound(name)
        or name in namespace.links
    )


def early_uses(program: CheckedProgram) -> Iterator[Problem]:
    """The variables that a form at top level reads before they are defined."""
    later = {name: nodes[0].span for name, nodes in program.definitions().items()}
    for node in program.nodes:
        for part in _evaluated_at_once(node):
            if (
                isinstance(part, GlobalRef)
                and part.name in later
                and not _is_primitive(program, part)
            ):
                line = later[part.name].line
                message = f"{part.name} is used before it is defined, in line {line}"
                yield Problem(part.span, WARNING, "order", message)
        if isinstance(node, Define):
            later.pop(node.name, None)


def _is_primitive(program: CheckedProgram, node: GlobalRef) -> bool:
    return node.name in program.namespace.builtins


def _evaluated_at_once(node: Node) -> Iterator[Node]:
    """``node`` and all below it, without the bodies of procedures."""
    stack = [node]
    while stack:
        top = stack.pop()
        yield top
        if not isinstance(top, Lambda):
            stack.extend(reversed(list(children(top))))


# ---- values without a use


def unused_variables(program: CheckedProgram, forms: list[Syntax]) -> Iterator[Problem]:
    """The local variables that the program's own text binds and never uses.

    Parameters don't count: a procedure may have to take what it does not need. Neither do names
    that begin with ``_``.
    """
    bindings = _Bindings(forms)
    used, assigned = _uses(program.nodes)
    for node in (part for top in program.nodes for part in everything(top)):
        if not isinstance(node, Let | Letrec):
            continue
        for variable in node.variables:
            place = bindings.place(node.span, variable)
            if place is None or variable in used or variable.name.startswith("_"):
                continue
            what = "set but never used" if variable in assigned else "never used"
            message = f"{variable.name} is {what}"
            yield Problem(place, WARNING, "unused", message)


def _uses(nodes: list[Node]) -> tuple[set[Variable], set[Variable]]:
    """The local variables that are read, and those that are assigned."""
    used, assigned = set(), set()
    for node in nodes:
        for part in everything(node):
            if isinstance(part, LocalRef):
                used.add(part.variable)
            elif isinstance(part, SetLocal):
                assigned.add(part.variable)
    return used, assigned


class _Bindings:
    """Finds where the text of a form binds a name; what macros bind has no place."""

    def __init__(self, forms: list[Syntax]) -> None:
        self._forms: dict[Span, Syntax] = {}
        self._places: dict[tuple[Span, str], list[Span]] = {}
        stack = list(forms)
        while stack:
            form = stack.pop()
            if form.is_list:
                self._forms[form.span] = form
                stack += form.parts

    def place(self, span: Span, variable: Variable) -> Span | None:
        """The place of the next variable of this name that the form at ``span`` binds."""
        form = self._forms.get(span)
        if form is None:
            return None
        key = span, variable.name
        if key not in self._places:
            found = (name.span for name in _bound_names(form) if name.name == variable.name)
            self._places[key] = list(found)
        places = self._places[key]
        return places.pop(0) if places else None


def _bound_names(form: Syntax) -> Iterator[Syntax]:
    """The identifiers that a form of the ``let`` family, or a body in it, binds."""
    parts = form.parts
    head = parts[0].name if parts and parts[0].is_identifier else ""
    if head.startswith("let") and len(parts) > 1 and parts[1].is_list:
        for binding in parts[1].parts:
            if binding.is_list and binding.parts and binding.parts[0].is_identifier:
                yield binding.parts[0]
    for part in parts[1:]:
        words = part.parts if part.is_list else ()
        if len(words) > 1 and words[0].is_identifier and words[0].name == "define":
            target = words[1]
            while target.is_list and target.parts:
                target = target.parts[0]
            if target.is_identifier:
                yield target
