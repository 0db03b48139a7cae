"""``match`` and its relatives, compiled to tests and ``let``\\s.

A clause becomes ``(if test (let (names …) body …) rest)``: no procedure is made for a pattern, and
the parts of the value that a clause names are looked up when the whole clause fits. The test of a
value whose structure is known is decided while a program is staged, whatever its leaves are.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from eshkol.base.errors import ExpandError
from eshkol.datum.pairs import NIL, Pair
from eshkol.datum.symbols import intern
from eshkol.expand import patterns as p
from eshkol.expand.conditional_forms import is_keyword
from eshkol.expand.expander import CORE_SCOPES, Expander, derived_form
from eshkol.expand.grammar import match_form, shown
from eshkol.expand.templates import fill
from eshkol.syntax.objects import Keyword, Syntax, to_syntax

CLAUSE = "(pattern expression …), (pattern #:when test expression …) or (else expression …)"

Binding = tuple[Syntax, Syntax]
"""An identifier and the expression of its value."""


@derived_form("(match value clause ...+)")
def rewrite_match(expander: Expander, form: Syntax, usage: str) -> Syntax:
    captures = match_form(usage, form, f"(match value clause …), a clause being\n{CLAUSE}")
    return Compiler(expander, form).match(captures["value"], captures["clause"])


@derived_form("(match-lambda clause ...+)")
def rewrite_match_lambda(expander: Expander, form: Syntax, usage: str) -> Syntax:
    return fill("(lambda (value) (match value clause ...))", form, match_form(usage, form))


@derived_form("(match-lambda* clause ...+)")
def rewrite_match_lambda_star(expander: Expander, form: Syntax, usage: str) -> Syntax:
    return fill("(lambda values (match values clause ...))", form, match_form(usage, form))


@derived_form("(match-let ((pattern value) ...) body ...+)")
def rewrite_match_let(expander: Expander, form: Syntax, usage: str) -> Syntax:
    return _match_let(form, usage)


@derived_form("(let-match ((pattern value) ...) body ...+)")
def rewrite_let_match(expander: Expander, form: Syntax, usage: str) -> Syntax:
    return _match_let(form, usage)


def _match_let(form: Syntax, usage: str) -> Syntax:
    """All values are computed before the first is matched."""
    captures = match_form(usage, form)
    captures["name"] = [
        Syntax(intern(f"value.{index}"), form.span, CORE_SCOPES, form.trail)
        for index, _ in enumerate(captures["value"])
    ]
    return fill(
        "(let ((name value) ...) (match-let* ((pattern name) ...) body ...))", form, captures
    )


@derived_form("(match-let* ((pattern value) ...) body ...+)")
def rewrite_match_let_star(expander: Expander, form: Syntax, usage: str) -> Syntax:
    """Each pattern sees the names of those before it."""
    captures = match_form(usage, form)
    inner = fill("(let () body ...)", form, {"body": captures["body"]})
    pairs = list(zip(captures["pattern"], captures["value"], strict=True))
    for pattern, value in reversed(pairs):
        inner = fill(
            "(match value (pattern inner))",
            form,
            {"value": value, "pattern": pattern, "inner": inner},
        )
    return inner


class Compiler:
    """Compiles one ``match`` form.

    Args:
        expander: knows what identifiers mean.
        form: the form, whose place the result takes.
    """

    def __init__(self, expander: Expander, form: Syntax) -> None:
        self.form = form
        self.reader = p.PatternReader(expander.is_record_type)
        self.numbers = itertools.count(1)

    # ---- syntax

    def word(self, name: str) -> Syntax:
        """An identifier of the language."""
        return Syntax(intern(name), self.form.span, CORE_SCOPES, self.form.trail)

    def temporary(self) -> Syntax:
        """An identifier that nothing else has."""
        return self.word(f"part.{next(self.numbers)}")

    def call(self, name: str, *parts: Syntax) -> Syntax:
        """``(name part …)``."""
        return self.list_of(self.word(name), *parts)

    def list_of(self, *parts: Syntax) -> Syntax:
        return Syntax(tuple(parts), self.form.span, trail=self.form.trail)

    def constant(self, datum: Any) -> Syntax:
        """A constant that needs no quote."""
        return Syntax(datum, self.form.span, trail=self.form.trail)

    @property
    def yes(self) -> Syntax:
        return self.constant(True)

    @property
    def no(self) -> Syntax:
        return self.constant(False)

    def both(self, test: Syntax, then: Syntax) -> Syntax:
        """``(if test then #f)``; just the test where ``then`` is ``#t``."""
        return test if then.datum is True else self.call("if", test, then, self.no)

    def let(self, bindings: Sequence[Binding], body: Syntax) -> Syntax:
        """``(let* (binding …) body)``."""
        if not bindings:
            return body
        return self.call("let*", self.list_of(*(self.list_of(*b) for b in bindings)), body)

    # ---- clauses

    def match(self, value: Syntax, clauses: Sequence[Syntax]) -> Syntax:
        name = self.temporary()
        places = ", ".join(str(clause.span) for clause in clauses)
        hint = f"the clauses are at {places}" if len(clauses) > 1 else f"the clause is at {places}"
        rest = self.call(" no_clause_fits", name, self.constant(hint))
        for index in range(len(clauses) - 1, -1, -1):
            rest = self.clause(name, clauses[index], rest, index == len(clauses) - 1)
        return self.call("let", self.list_of(self.list_of(name, value)), rest)

    def clause(self, value: Syntax, clause: Syntax, rest: Syntax, is_last: bool) -> Syntax:
        """What to do with ``value``: a clause if it fits, else ``rest``."""
        parts = clause.parts if clause.is_list else ()
        if len(parts) < 2:
            raise ExpandError(
                f"match: expected a clause, got {shown(clause)}",
                span=clause.span,
                hint=f"use: {CLAUSE}",
                trail=self.form.trail,
            )
        head, *body = parts
        if is_keyword(head, "else"):
            if not is_last:
                raise ExpandError("match: else must be the last clause", span=clause.span)
            return self.list_of(self.word("let"), self.list_of(), *body)
        pattern = self.reader.read(head)
        guard, body = self._guard(clause, body)
        leave, body = self._leave(clause, body)
        if leave is not None:
            again = self.temporary()
            chosen = self.clause_body(
                value, pattern, guard, leave, again, body, self.list_of(again)
            )
            procedure = self.call("lambda", self.list_of(), rest)
            return self.call("let", self.list_of(self.list_of(again, procedure)), chosen)
        return self.clause_body(value, pattern, guard, None, None, body, rest)

    def clause_body(
        self,
        value: Syntax,
        pattern: p.Pattern,
        guard: Syntax | None,
        leave: Syntax | None,
        again: Syntax | None,
        body: Sequence[Syntax],
        rest: Syntax,
    ) -> Syntax:
        """A clause whose parts are known; ``leave`` names what goes on with the next clause."""
        then = self.yes if guard is None else self.named(value, pattern, [guard])
        test = self.test(pattern, value, then)
        extra = [] if leave is None or again is None else [(leave, again)]
        chosen = self.named(value, pattern, body, extra)
        return chosen if test.datum is True else self.call("if", test, chosen, rest)

    def _guard(self, clause: Syntax, body: list[Syntax]) -> tuple[Syntax | None, list[Syntax]]:
        """The condition behind ``#:when``, if there is one, and the rest of a clause."""
        if not isinstance(body[0].datum, Keyword):
            return None, body
        if body[0].datum.name != "when" or len(body) < 3:
            raise ExpandError(
                "match: expected #:when, a condition and a body"
                if body[0].datum.name == "when"
                else f"match: expected #:when, got {body[0].datum!r}",
                span=body[0].span,
                hint="use: (pattern #:when test expression …)",
                trail=self.form.trail,
            )
        return body[1], body[2:]

    def _leave(self, clause: Syntax, body: list[Syntax]) -> tuple[Syntax | None, list[Syntax]]:
        """The name in ``(=> name)``, if that stands before the body."""
        first = body[0]
        is_arrow = first.is_list and len(first.parts) == 2 and is_keyword(first.parts[0], "=>")
        if not is_arrow:
            return None, body
        if len(body) < 2 or not first.parts[1].is_identifier:
            raise ExpandError(
                "match: expected a name behind =>, and a body",
                span=first.span,
                hint="use: (pattern (=> fail) expression …), where (fail) tries the next clause",
                trail=self.form.trail,
            )
        return first.parts[1], body[1:]

    def named(
        self,
        value: Syntax,
        pattern: p.Pattern,
        body: Sequence[Syntax],
        extra: Sequence[Binding] = (),
    ) -> Syntax:
        """A body in which the names of a pattern that fits stand for parts of the value."""
        temporaries, names = self.parts(pattern, value)
        bound = self.list_of(*(self.list_of(*binding) for binding in [*names, *extra]))
        return self.let(temporaries, self.list_of(self.word("let"), bound, *body))

    # ---- tests

    def test(self, pattern: p.Pattern, value: Syntax, then: Syntax) -> Syntax:
        """Whether ``value`` fits ``pattern``, and ``then`` holds."""
        match pattern:
            case p.Datum():
                return self.both(self._equal(value, pattern.datum), then)
            case p.Pairs(parts=(first, rest)):
                then = self.test_part(rest, self.call("cdr", value), then)
                then = self.test_part(first, self.call("car", value), then)
                return self.both(self.call("pair?", value), then)
            case p.Items():
                count = self.constant(len(pattern.parts))
                then = self._test_places(pattern.parts, value, "vector-ref", then)
                return self.both(self.call(" is_vector_of", value, count), then)
            case p.Fields():
                count = self.constant(len(pattern.parts))
                then = self._test_places(pattern.parts, value, " record_field", then)
                return self.both(self.call(" is_record_of", value, pattern.kind, count), then)
            case p.Repeat():
                return self._test_repeat(pattern, value, then)
            case p.Test():
                then = self.test(p.All(pattern.parts), value, then)
                return self.both(self.list_of(pattern.predicate, value), then)
            case p.All():
                for part in reversed(pattern.parts):
                    then = self.test(part, value, then)
                return then
            case p.Some():
                tests = [self.test(part, value, self.yes) for part in pattern.parts]
                return self.both(self.call("or", *tests), then)
            case p.Not(parts=(part,)):
                return self.call("if", self.test(part, value, self.yes), self.no, then)
        return then

    def test_part(self, pattern: p.Pattern, value: Syntax, then: Syntax) -> Syntax:
        """``test`` of an expression, which is evaluated once."""
        if isinstance(pattern, p.Anything | p.Named):
            return then
        if isinstance(pattern, p.Datum):
            return self.test(pattern, value, then)
        name = self.temporary()
        return self.let([(name, value)], self.test(pattern, name, then))

    def _equal(self, value: Syntax, datum: Any) -> Syntax:
        if datum is NIL:
            return self.call("null?", value)
        quoted = self.call("quote", to_syntax(datum, self.form))
        is_compound = isinstance(datum, str | bytes | list | Pair)
        return self.call("equal?" if is_compound else " eqv?", value, quoted)

    def _test_places(
        self, parts: Sequence[p.Pattern], value: Syntax, access: str, then: Syntax
    ) -> Syntax:
        for index in range(len(parts) - 1, -1, -1):
            place = self.call(access, value, self.constant(index))
            then = self.test_part(parts[index], place, then)
        return then

    def _test_repeat(self, pattern: p.Repeat, value: Syntax, then: Syntax) -> Syntax:
        """The items before the last few all fit; so do the last ones."""
        repeated, last = pattern.parts
        count = self.constant(pattern.count)
        items = self.temporary()
        if pattern.count:
            then = self.test_part(last, self.call(" items_from", value, count), then)
        then = self.both(self._all_fit(repeated, items), then)
        found = self.call(" items_before", value, count)
        then = self.let([(items, found)], self.both(items, then))
        return self.both(self.call("vector?", value), then) if pattern.is_vector else then

    def _all_fit(self, pattern: p.Pattern, items: Syntax) -> Syntax:
        """Whether all of ``items`` fit: a loop over the list.

        It goes on to the end, so that the number of its trips is known where the list is.
        """
        if isinstance(pattern, p.Anything | p.Named):
            return self.yes
        loop, rest, fits = self.temporary(), self.temporary(), self.temporary()
        one = self.test_part(pattern, self.call("car", rest), self.yes)
        more = self.list_of(loop, self.call("cdr", rest), self.call("if", fits, one, self.no))
        body = self.call("if", self.call("null?", rest), fits, more)
        start = self.list_of(self.list_of(rest, items), self.list_of(fits, self.yes))
        return self.call("let", loop, start, body)

    # ---- parts

    def parts(self, pattern: p.Pattern, value: Syntax) -> tuple[list[Binding], list[Binding]]:
        """Where the names of a pattern that fits ``value`` get their values from.

        Returns:
            Bindings of temporaries, in order, and of the names, whose values mention those.
        """
        names: list[Binding] = []
        temporaries: list[Binding] = []
        self._parts(pattern, value, temporaries, names)
        return temporaries, names

    def _parts(
        self,
        pattern: p.Pattern,
        value: Syntax,
        temporaries: list[Binding],
        names: list[Binding],
    ) -> None:
        if isinstance(pattern, p.Named):
            names.append((pattern.name, value))
            return
        if next(p.names_of(pattern), None) is None:
            return
        if not value.is_identifier:
            name = self.temporary()
            temporaries.append((name, value))
            value = name
        match pattern:
            case p.Pairs(parts=(first, rest)):
                self._parts(first, self.call("car", value), temporaries, names)
                self._parts(rest, self.call("cdr", value), temporaries, names)
            case p.Items() | p.Fields():
                access = "vector-ref" if isinstance(pattern, p.Items) else " record_field"
                for index, part in enumerate(pattern.parts):
                    place = self.call(access, value, self.constant(index))
                    self._parts(part, place, temporaries, names)
            case p.Repeat(parts=(repeated, last)):
                count = self.constant(pattern.count)
                items = self.call(" items_before", value, count)
                self._repeated_parts(repeated, items, temporaries, names)
                self._parts(last, self.call(" items_from", value, count), temporaries, names)
            case p.Some():
                self._parts_of_alternatives(pattern, value, temporaries, names)
            case _:
                for part in pattern.parts:
                    self._parts(part, value, temporaries, names)

    def _repeated_parts(
        self,
        pattern: p.Pattern,
        items: Syntax,
        temporaries: list[Binding],
        names: list[Binding],
    ) -> None:
        """Each name of a repeated pattern stands for the list of what it fits."""
        if isinstance(pattern, p.Named):
            names.append((pattern.name, items))
            return
        kept = self.temporary()
        temporaries.append((kept, items))
        for name in p.names_of(pattern):
            item = self.temporary()
            value = self._part_named(name, pattern, item)
            names.append(
                (name, self.call("map", self.call("lambda", self.list_of(item), value), kept))
            )

    def _part_named(self, name: Syntax, pattern: p.Pattern, value: Syntax) -> Syntax:
        """The expression of what one name of a pattern stands for."""
        temporaries, names = self.parts(pattern, value)
        found = next(part for other, part in names if p.same_name(other, name))
        return self.let(temporaries, found)

    def _parts_of_alternatives(
        self,
        pattern: p.Some,
        value: Syntax,
        temporaries: list[Binding],
        names: list[Binding],
    ) -> None:
        """Which alternative fits is found out once more, and kept for all names."""
        which = self.temporary()
        *others, last = pattern.parts
        number = self.constant(len(others))
        for index in range(len(others) - 1, -1, -1):
            fits = self.test(others[index], value, self.yes)
            number = self.call("if", fits, self.constant(index), number)
        temporaries.append((which, number))
        for name in p.names_of(pattern):
            chosen = self._part_named(name, last, value)
            for index in range(len(others) - 1, -1, -1):
                is_it = self.call(" eqv?", which, self.constant(index))
                chosen = self.call(
                    "if", is_it, self._part_named(name, others[index], value), chosen
                )
            names.append((name, chosen))
