"""``case-lambda`` (R7RS 4.2.9): one procedure with optional parameters that tells which are given.

The clauses become branches of one body, chosen by which parameters are missing, so that a call
costs what one of any procedure costs, and clauses that call it in tail position loop.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from eshkol.base.errors import ExpandError
from eshkol.core.nodes import (
    Call,
    Const,
    GlobalRef,
    If,
    Lambda,
    Let,
    LocalRef,
    Node,
    Parameter,
    Variable,
)
from eshkol.expand.expander import Expander, core_form
from eshkol.expand.grammar import match_form, parts_with_tail, shown
from eshkol.expand.parameters import bind_variable, check_distinct
from eshkol.expand.scopes import Scope
from eshkol.syntax.objects import Syntax


class Clause(NamedTuple):
    """A clause, expanded."""

    syntax: Syntax
    variables: tuple[Variable, ...]
    rest: Variable | None
    body: Node

    def takes(self, count: int) -> bool:
        """Whether it takes so many arguments."""
        least = len(self.variables)
        return count == least or (self.rest is not None and count > least)


@core_form("(case-lambda (parameters body ...+) ...+)")
def expand_case_lambda(expander: Expander, form: Syntax, usage: str) -> Node:
    captures = match_form(usage, form)
    pairs = zip(form.parts[1:], captures["parameters"], captures["body"], strict=True)
    clauses = [_clause(expander, form, *parts) for parts in pairs]
    if len(clauses) == 1:
        (only,) = clauses
        parameters = tuple(Parameter(variable) for variable in only.variables)
        return Lambda(form.span, "", parameters, only.rest, only.body)
    return _Cases(form, clauses).procedure()


def _clause(
    expander: Expander, form: Syntax, clause: Syntax, shape: Syntax, body: list[Syntax]
) -> Clause:
    scope = Scope()
    items, tail = parts_with_tail(shape.add_scope(scope))
    names = [*items, *([] if tail is None else [tail])]
    for name in names:
        if not name.is_identifier:
            raise ExpandError(
                f"case-lambda: expected a name as parameter, got {shown(name)}",
                span=name.span,
                hint="a clause is ((name …) body …), ((name … . rest) body …) or (rest body …)",
                trail=form.trail,
            )
    check_distinct(names, form)
    variables = tuple(bind_variable(name) for name in items)
    rest = None if tail is None else bind_variable(tail)
    node = expander.expand_body([part.add_scope(scope) for part in body], clause)
    return Clause(clause, variables, rest, node)


class _Cases:
    """The procedure of several clauses.

    Attributes:
        least: the fewest arguments that a clause takes.
        most: the most that a clause takes one by one.
        chosen: the clause for each count from ``least`` on; the last is for more than ``most``.
        shared: the local procedures of clauses that are chosen for several counts.
    """

    def __init__(self, form: Syntax, clauses: list[Clause]) -> None:
        self.form = form
        self.clauses = clauses
        counts = [len(clause.variables) for clause in clauses]
        self.least, self.most = min(counts), max(counts)
        self.parameters = [Variable(self._name(index)) for index in range(self.most)]
        takes_rest = any(clause.rest is not None for clause in clauses)
        self.rest = Variable("rest") if takes_rest else None
        last = self.most + 1 if takes_rest else self.most
        self.chosen = [self._choice(count) for count in range(self.least, last + 1)]
        uses = Counter(id(clause) for clause in self.chosen if clause is not None)
        self.shared = {id(clause): Variable("clause") for clause in clauses if uses[id(clause)] > 1}

    def _name(self, index: int) -> str:
        """What a parameter is called: as in the first clause that has one here."""
        return next(c.variables[index].name for c in self.clauses if len(c.variables) > index)

    def _choice(self, count: int) -> Clause | None:
        return next((clause for clause in self.clauses if clause.takes(count)), None)

    def procedure(self) -> Node:
        """The Core of the procedure."""
        span = self.form.span
        missing = GlobalRef(span, " missing")
        parameters = tuple(
            Parameter(variable, missing if index >= self.least else None)
            for index, variable in enumerate(self.parameters)
        )
        body = self._branch(self.least)
        shared = [clause for clause in self.clauses if id(clause) in self.shared]
        if shared:
            names = tuple(self.shared[id(clause)] for clause in shared)
            body = Let(span, names, tuple(map(_procedure, shared)), body)
        return Lambda(span, "", parameters, self.rest, body)

    def _branch(self, count: int) -> Node:
        """The body where at least ``count`` arguments are known to be given."""
        this = self._run(count)
        if count - self.least == len(self.chosen) - 1:
            return this
        span = self.form.span
        if count < self.most:
            given = LocalRef(span, self.parameters[count])
            test = Call(span, GlobalRef(span, " is_missing"), (given,))
        else:
            assert self.rest is not None
            if self.chosen[-1] is self.chosen[-2]:
                return self._branch(count + 1)
            test = Call(span, GlobalRef(span, " is_empty"), (LocalRef(span, self.rest),))
        return If(span, test, this, self._branch(count + 1))

    def _run(self, count: int) -> Node:
        """The clause for ``count`` arguments; ``most + 1`` stands for more than ``most``."""
        clause, span = self.chosen[count - self.least], self.form.span
        if clause is None:
            return Call(span, GlobalRef(span, " no_clause"), (Const(span, count),))
        given = [LocalRef(span, variable) for variable in self.parameters[:count]]
        values: list[Node] = [*given[: len(clause.variables)]]
        variables = [*clause.variables]
        if clause.rest is not None:
            variables.append(clause.rest)
            values.append(self._rest_list(given[len(clause.variables) :], count))
        if id(clause) in self.shared:
            procedure = LocalRef(span, self.shared[id(clause)])
            return Call(clause.syntax.span, procedure, tuple(values))
        if not variables:
            return clause.body
        return Let(span, tuple(variables), tuple(values), clause.body)

    def _rest_list(self, items: list[LocalRef], count: int) -> Node:
        span = self.form.span
        if count <= self.most:
            return Call(span, GlobalRef(span, " list"), tuple(items))
        assert self.rest is not None
        result: Node = LocalRef(span, self.rest)
        for item in reversed(items):
            result = Call(span, GlobalRef(span, " cons"), (item, result))
        return result


def _procedure(clause: Clause) -> Lambda:
    """A clause as a procedure that takes the list of the rest as its last argument."""
    variables = clause.variables if clause.rest is None else (*clause.variables, clause.rest)
    parameters = tuple(Parameter(variable) for variable in variables)
    return Lambda(clause.syntax.span, "clause", parameters, None, clause.body)
