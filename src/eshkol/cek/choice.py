"""Which programs need the machine: those whose continuations may outlive their extent.

In compiled code a continuation is an escape, which ends with its ``call/cc``. That is enough where
the continuation is only called, by the receiver or by procedures that are only called meanwhile.
The analysis follows it through the program: through local procedures that capture it, procedures it
is passed to, and primitives that call what they are given. Where it may get anywhere else (a
result, a variable that is assigned, data, an unknown procedure), the program runs on the machine.
So does one that uses procedures of such a program, as those of a library of generators: their
continuations include what calls them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any

from eshkol.core.free import free_variables
from eshkol.core.nodes import (
    Call,
    Define,
    GlobalRef,
    If,
    Lambda,
    Let,
    Letrec,
    LocalRef,
    Node,
    Sequence,
    SetGlobal,
    SetLocal,
    Variable,
)
from eshkol.core.walk import children, everything

CAPTURING = frozenset({"call/cc", "call-with-current-continuation", "within-continuation"})
"""The names of the primitive whose continuations are followed. Those of ``call/ec`` are escapes."""

CALLING = frozenset(
    """
    call/cc call-with-current-continuation call/ec call-with-escape-continuation
    dynamic-wind with-exception-handler call-with-values apply map for-each append-map filter-map
    fold fold-left foldl fold-right foldr reduce reduce-left reduce-right any every count unfold
    list-tabulate build-list filter remove partition delete delete-duplicates remove-duplicates find
    find-tail memp member assoc list-index take-while drop-while sort list-sort vector-sort sort!
    vector-sort! sorted? vector-map vector-for-each vector-fold string-map string-for-each
    string-count string-index string-rindex hash-for-each hash-table-walk hash-table-for-each
    hash-map hash-table-fold hash-fold hash-table-ref hash-update! hash-table-update!/default
    hash-table-update! call-with-port call-with-output-string with-output-to-string
    call-with-input-file call-with-output-file with-input-from-file with-output-to-file
    stream-for-each
    """.split()
)
"""Primitives that call the procedures they are given and keep none."""

HARMLESS = frozenset({"procedure?", "eq?", "eqv?", "equal?", "not", "null?", "pair?", "display"})
"""Primitives that only look at an argument."""

GUARD, PARAMETERIZE = "guard", "parameterize"
"""What these forms call: they have the names of the forms, which no primitive has."""


class Use(Enum):
    """What becomes of the value of an expression."""

    IGNORED = 1
    CALLED = 2
    KEPT = 3


Tracked = frozenset[Variable]
"""The variables that hold the continuation, or a procedure that captures one that does."""


def keeper(nodes: Iterable[Node], is_primitive: Callable[[str], bool]) -> Node | None:
    """The first ``call/cc`` whose continuation may outlive its extent; None if there is none.

    Args:
        nodes: the top-level forms of a program, as the expander gives them.
        is_primitive: whether a top-level name means the primitive in the program.
    """
    forms = list(nodes)
    if not any(_mentions_capture(part) for form in forms for part in everything(form)):
        return None
    analysis = _Analysis(forms, is_primitive)
    return next((node for form in forms if (node := analysis.keeper(form)) is not None), None)


def mentions_machine(nodes: Iterable[Node], variables: Mapping[str, Any]) -> bool:
    """Whether a program uses a procedure of the machine.

    Args:
        nodes: its top-level forms.
        variables: the values of the top-level variables that it sees.
    """
    return any(
        isinstance(part, GlobalRef) and hasattr(variables.get(part.name), "eshkol_cek")
        for node in nodes
        for part in everything(node)
    )


def _mentions_capture(node: Node) -> bool:
    return isinstance(node, GlobalRef) and node.name.strip() in CAPTURING


class _Analysis:
    def __init__(self, forms: list[Node], is_primitive: Callable[[str], bool]) -> None:
        self.is_primitive = is_primitive
        self.globals: dict[str, Lambda] = {}
        self.locals: dict[Variable, Lambda] = {}
        self.asked: set[Variable] = set()
        self.defined: set[str] = set()
        for form in forms:
            self._note_procedures(form)

    def _note_procedures(self, form: Node) -> None:
        """The procedures that a variable means wherever it is mentioned."""
        changed: set[object] = set()
        for part in everything(form):
            if isinstance(part, Define | SetGlobal):
                self.defined.add(part.name)
            if isinstance(part, Define):
                if part.name in self.globals:
                    changed.add(part.name)
                elif isinstance(part.value, Lambda):
                    self.globals[part.name] = part.value
            elif isinstance(part, Let | Letrec):
                pairs = zip(part.variables, part.values, strict=True)
                self.locals.update((v, value) for v, value in pairs if isinstance(value, Lambda))
            elif isinstance(part, SetGlobal):
                changed.add(part.name)
            elif isinstance(part, SetLocal):
                changed.add(part.variable)
        for name in changed:
            self.globals.pop(name, None)  # type: ignore[call-overload]
            self.locals.pop(name, None)  # type: ignore[call-overload]

    # ---- where continuations are captured

    def keeper(self, node: Node) -> Node | None:
        """The first ``call/cc`` in ``node`` that may keep its continuation."""
        if self._is_capturing(node):
            return node
        if isinstance(node, Call) and self._is_capturing(node.procedure):
            if len(node.arguments) != 1 or self._receiver_keeps(node.arguments[0]):
                return node
            return self.keeper(node.arguments[0])
        return next((k for part in children(node) if (k := self.keeper(part)) is not None), None)

    def _is_capturing(self, node: Node) -> bool:
        return self._primitive(node) in CAPTURING

    def _receiver_keeps(self, receiver: Node) -> bool:
        procedure = self._procedure(receiver)
        return procedure is None or self._parameter_keeps(procedure, 0)

    def _primitive(self, node: Node) -> str:
        """The name of the primitive that ``node`` refers to, or nothing."""
        if not isinstance(node, GlobalRef):
            return ""
        if node.name.startswith(" "):  # what the forms of the language mention
            return node.name[1:]
        is_own = node.name in self.defined or not self.is_primitive(node.name)
        return "" if is_own else node.name

    def _procedure(self, node: Node) -> Lambda | None:
        """The procedure that ``node`` is known to give."""
        if isinstance(node, Lambda):
            return node
        if isinstance(node, LocalRef):
            return self.locals.get(node.variable)
        return self.globals.get(node.name) if isinstance(node, GlobalRef) else None

    def _parameter_keeps(self, procedure: Lambda, index: int) -> bool:
        """Whether a procedure keeps its argument ``index``.

        Each is asked about once: if one is kept, that is the answer to everything.
        """
        positional = [p for p in procedure.parameters if not p.keyword]
        if index >= len(positional):
            return True
        variable = positional[index].variable
        if variable in self.asked:
            return False
        self.asked.add(variable)
        return self.keeps(procedure.body, frozenset([variable]), Use.KEPT)

    # ---- where they go

    def keeps(self, node: Node, tracked: Tracked, use: Use) -> bool:
        """Whether ``node`` may let something tracked outlive it, by its value or otherwise."""
        match node:
            case LocalRef():
                return use is Use.KEPT and node.variable in tracked
            case Lambda():
                return self._lambda_keeps(node, tracked, use)
            case Let() | Letrec():
                return self._binding_keeps(node, tracked, use)
            case If():
                return (
                    self.keeps(node.test, tracked, Use.IGNORED)
                    or self.keeps(node.then, tracked, use)
                    or self.keeps(node.otherwise, tracked, use)
                )
            case Sequence():
                before = any(self.keeps(step, tracked, Use.IGNORED) for step in node.steps[:-1])
                return before or self.keeps(node.steps[-1], tracked, use)
            case Call():
                return self._call_keeps(node, tracked, use)
        return any(self.keeps(part, tracked, Use.KEPT) for part in children(node))

    def _lambda_keeps(self, node: Lambda, tracked: Tracked, use: Use) -> bool:
        if use is Use.IGNORED or tracked.isdisjoint(free_variables(node)):
            return False
        return use is Use.KEPT or self._body_keeps(node, tracked)

    def _body_keeps(self, node: Lambda, tracked: Tracked, use: Use = Use.KEPT) -> bool:
        """Whether a call of a procedure keeps what it captured."""
        defaults = (p.default for p in node.parameters if p.default is not None)
        return any(self.keeps(default, tracked, Use.KEPT) for default in defaults) or self.keeps(
            node.body, tracked, use
        )

    def _binding_keeps(self, node: Let | Letrec, tracked: Tracked, use: Use) -> bool:
        """Variables that hold what is tracked, or procedures that capture it, are tracked too."""
        pairs = list(zip(node.variables, node.values, strict=True))
        inside = tracked
        while True:
            carriers = {v for v, value in pairs if v not in inside and self._carries(value, inside)}
            if not carriers:
                break
            inside = inside | carriers
        for variable, value in pairs:
            if variable in inside and isinstance(value, Lambda):
                if variable not in self.locals or self._body_keeps(value, inside):
                    return True
            elif variable not in inside and self.keeps(value, inside, Use.KEPT):
                return True
        return self.keeps(node.body, inside, use)

    def _carries(self, value: Node, tracked: Tracked) -> bool:
        """Whether ``value`` is something tracked itself, or a procedure that captures it."""
        if isinstance(value, Lambda):
            return not tracked.isdisjoint(free_variables(value))
        return isinstance(value, LocalRef) and value.variable in tracked

    def _call_keeps(self, node: Call, tracked: Tracked, use: Use) -> bool:
        if self._operator_keeps(node, tracked, use):
            return True
        if any(self.keeps(value, tracked, Use.KEPT) for _, value in node.keywords):
            return True
        name = self._primitive(node.procedure)
        procedure = None if name else self._procedure(node.procedure)
        return any(
            self._argument_keeps(name, procedure, index, argument, tracked)
            for index, argument in enumerate(node.arguments)
        )

    def _operator_keeps(self, node: Call, tracked: Tracked, use: Use) -> bool:
        operator = node.procedure
        if isinstance(operator, Lambda):
            return self._body_keeps(operator, tracked, use)
        return self.keeps(operator, tracked, Use.CALLED)

    def _argument_keeps(
        self, name: str, procedure: Lambda | None, index: int, argument: Node, tracked: Tracked
    ) -> bool:
        """Whether a call of a primitive or a known procedure keeps an argument."""
        if name in HARMLESS:
            return self.keeps(argument, tracked, Use.IGNORED)
        if name in CALLING or (name == PARAMETERIZE and index == 0):
            return self.keeps(argument, tracked, Use.CALLED)
        if name == GUARD and isinstance(argument, Lambda):
            # The first gives a value; the second gives a procedure, which is called at once.
            return self._body_keeps(argument, tracked, Use.CALLED if index else Use.KEPT)
        if procedure is not None and self._carries(argument, tracked):
            is_kept = isinstance(argument, Lambda) and self._body_keeps(argument, tracked)
            return is_kept or self._parameter_keeps(procedure, index)
        return self.keeps(argument, tracked, Use.KEPT)
