"""``syntax-rules`` (R7RS 4.3.2): macros by patterns and templates.

Nested ellipses, a custom ellipsis, ``(... ...)``, literals, vector and dotted patterns. Hygiene
comes from the expander, which marks what a macro introduces with a fresh scope.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from eshkol.base.errors import ExpandError
from eshkol.expand.grammar import match_form
from eshkol.expand.scopes import LocalBinding, resolve, same_binding
from eshkol.syntax.objects import Dotted, Syntax, Trail, VectorForm

Matches = dict[str, Any]


@dataclass(frozen=True)
class Rules:
    """What all rules of one ``syntax-rules`` form share."""

    name: str
    ellipsis: Syntax | None
    literals: tuple[Syntax, ...]

    def is_ellipsis(self, part: Syntax) -> bool:
        """Whether ``part`` is the ellipsis (a literal or variable of the same name is not)."""
        if not part.is_identifier or self.is_literal(part):
            return False
        if self.ellipsis is None:
            return part.name == "..." and not isinstance(resolve(part), LocalBinding)
        return part.name == self.ellipsis.name and part.scopes == self.ellipsis.scopes

    def is_literal(self, part: Syntax) -> bool:
        """Whether the pattern identifier ``part`` is among the literals."""
        return any(
            part.name == literal.name and part.scopes == literal.scopes for literal in self.literals
        )


@dataclass(frozen=True)
class Repeated:
    """The matches of a pattern under an ellipsis, one for each repetition."""

    items: list[Matches]


def make_transformer(form: Syntax, name: str) -> Callable[[Syntax, Any], Syntax]:
    """The transformer that a ``syntax-rules`` form denotes."""
    parts = form.parts[1:]
    ellipsis = None
    if parts and parts[0].is_identifier:
        ellipsis, parts = parts[0], parts[1:]
    usage = "(syntax-rules (literal:id ...) (pattern template) ...)"
    plain = Syntax((form.parts[0], *parts), form.span, trail=form.trail)
    captures = match_form(usage, plain)
    rules = Rules(name, ellipsis, tuple(captures["literal"]))
    clauses = []
    for pattern, template in zip(captures["pattern"], captures["template"], strict=True):
        variables = _check_pattern(pattern, rules)
        _check_template(template, variables, rules)
        clauses.append((pattern, template, variables))

    def transform(use: Syntax, expander: Any) -> Syntax:
        for pattern, template, variables in clauses:
            matches = _match_use(pattern, use, rules)
            if matches is not None:
                return instantiate(rules, variables, use, template, matches)
        raise _no_rule(name, use, [pattern for pattern, _, _ in clauses])

    return transform


def _no_rule(name: str, use: Syntax, patterns: list[Syntax]) -> ExpandError:
    from eshkol.datum.write import write_string
    from eshkol.syntax.objects import to_datum

    shown = "\n".join(f"  {write_string(to_datum(pattern))}" for pattern in patterns)
    return ExpandError(
        f"{name}: this use fits none of its patterns",
        span=use.span,
        hint=f"the patterns are:\n{shown}",
        trail=use.trail,
    )


# ---- patterns


def _check_pattern(pattern: Syntax, rules: Rules) -> dict[str, int]:
    """The variables of a pattern with their ellipsis depths."""
    variables: dict[str, int] = {}
    if not pattern.content or pattern.is_identifier:
        raise ExpandError(f"{rules.name}: a pattern is a list", span=pattern.span)
    items, tail = _sequence_parts(pattern)
    _collect(items[1:], tail, 0, variables, rules)
    return variables


def _sequence_parts(form: Syntax) -> tuple[tuple[Syntax, ...], Syntax | None]:
    content = form.content
    if isinstance(content, Dotted):
        return content.items, content.tail
    if isinstance(content, VectorForm):
        return content.items, None
    return content, None


def _is_compound(form: Syntax) -> bool:
    return form.is_list or isinstance(form.datum, Dotted | VectorForm)


def _collect(
    items: tuple[Syntax, ...],
    tail: Syntax | None,
    depth: int,
    variables: dict[str, int],
    rules: Rules,
) -> None:
    ellipses = [item for item in items if rules.is_ellipsis(item)]
    if len(ellipses) > 1 or (items and rules.is_ellipsis(items[0])):
        at = ellipses[-1]
        raise ExpandError(f"{rules.name}: misplaced ellipsis in a pattern", span=at.span)
    for index, item in enumerate(items):
        if rules.is_ellipsis(item):
            continue
        repeated = index + 1 < len(items) and rules.is_ellipsis(items[index + 1])
        _collect_one(item, depth + repeated, variables, rules)
    if tail is not None:
        _collect_one(tail, depth, variables, rules)


def _collect_one(item: Syntax, depth: int, variables: dict[str, int], rules: Rules) -> None:
    if item.is_identifier:
        if item.name == "_" or rules.is_literal(item):
            return
        if _key(item) in variables:
            raise ExpandError(
                f"{rules.name}: the pattern variable {item.name} occurs twice", span=item.span
            )
        variables[_key(item)] = depth
    elif _is_compound(item):
        inner, tail = _sequence_parts(item)
        _collect(inner, tail, depth, variables, rules)


def _key(identifier: Syntax) -> Any:
    return identifier.name, identifier.scopes


def _match_use(pattern: Syntax, use: Syntax, rules: Rules) -> Matches | None:
    """Match a macro use, whose keyword position is ignored."""
    items, tail = _sequence_parts(pattern)
    parts, rest = _sequence_parts(use)
    matches: Matches = {}
    if _match_items(items[1:], tail, parts[1:], rest, matches, rules, use):
        return matches
    return None


def _match(pattern: Syntax, form: Syntax, matches: Matches, rules: Rules) -> bool:
    if pattern.is_identifier:
        if rules.is_literal(pattern):
            return form.is_identifier and same_binding(pattern, form)
        if pattern.name != "_":
            matches[_key(pattern)] = form
        return True
    if _is_compound(pattern):
        if isinstance(pattern.datum, VectorForm) != isinstance(form.datum, VectorForm):
            return False
        items, tail = _sequence_parts(pattern)
        if not _is_compound(form):
            return not items and tail is not None and _match(tail, form, matches, rules)
        parts, rest = _sequence_parts(form)
        return _match_items(items, tail, parts, rest, matches, rules, form)
    from eshkol.datum.equality import is_equal

    return not _is_compound(form) and is_equal(pattern.datum, form.datum)


def _match_items(
    items: tuple[Syntax, ...],
    tail: Syntax | None,
    parts: tuple[Syntax, ...],
    rest: Syntax | None,
    matches: Matches,
    rules: Rules,
    form: Syntax,
) -> bool:
    ellipsis_at = next((i for i, item in enumerate(items) if rules.is_ellipsis(item)), None)
    if ellipsis_at is None:
        before, repeated, after = items, None, items[:0]
    else:
        before = items[: ellipsis_at - 1]
        repeated = items[ellipsis_at - 1]
        after = items[ellipsis_at + 1 :]
    if len(parts) < len(before) + len(after):
        return False
    count = len(parts) - len(before) - len(after)
    if not all(_match(p, f, matches, rules) for p, f in zip(before, parts, strict=False)):
        return False
    if repeated is not None:
        taken = parts[len(before) : len(before) + count]
        found: list[Matches] = [{} for _ in taken]
        if not all(_match(repeated, f, m, rules) for f, m in zip(taken, found, strict=True)):
            return False
        names: dict[Any, int] = {}
        _collect_one(repeated, 0, names, rules)
        for name in names:
            matches[name] = Repeated([m[name] for m in found])
        last = parts[len(before) + count :]
        if not all(_match(p, f, matches, rules) for p, f in zip(after, last, strict=True)):
            return False
        remaining: tuple[Syntax, ...] = ()
    else:
        remaining = parts[len(before) :]
    return _match_tail(tail, remaining, rest, matches, rules, form)


def _match_tail(
    tail: Syntax | None,
    remaining: tuple[Syntax, ...],
    rest: Syntax | None,
    matches: Matches,
    rules: Rules,
    form: Syntax,
) -> bool:
    if tail is None:
        return not remaining and rest is None
    if not remaining and rest is not None:
        return _match(tail, rest, matches, rules)
    content: Any = remaining if rest is None else Dotted(remaining, rest)
    return _match(tail, Syntax(content, form.span, trail=form.trail), matches, rules)


# ---- templates


def _check_template(template: Syntax, variables: dict[str, int], rules: Rules) -> None:
    """Every variable stands under at least as many ellipses as in the pattern."""
    _check_depth(template, 0, variables, rules, escaped=False)


def _check_depth(
    template: Syntax, depth: int, variables: dict[str, int], rules: Rules, escaped: bool
) -> None:
    if template.is_identifier:
        wanted = variables.get(_key(template), 0)
        if wanted > depth:
            raise ExpandError(
                f"{rules.name}: {template.name} must be followed by an ellipsis, "
                "as it is in the pattern",
                span=template.span,
            )
        return
    if not _is_compound(template):
        return
    items, tail = _sequence_parts(template)
    if _is_escape(items, rules) and not escaped:
        _check_depth(items[1], depth, variables, rules, escaped=True)
        return
    for item, ellipses in _with_ellipses(items, rules, escaped):
        _check_depth(item, depth + ellipses, variables, rules, escaped)
        if ellipses and not any(_variables_in(item, variables, rules)):
            raise ExpandError(
                f"{rules.name}: no pattern variable stands before this ellipsis",
                span=item.span,
            )
    if tail is not None:
        _check_depth(tail, depth, variables, rules, escaped)


def _is_escape(items: tuple[Syntax, ...], rules: Rules) -> bool:
    return len(items) == 2 and rules.is_ellipsis(items[0])


def _with_ellipses(
    items: tuple[Syntax, ...], rules: Rules, escaped: bool
) -> Iterator[tuple[Syntax, int]]:
    """Each item of a template with the number of ellipses that follow it."""
    index = 0
    while index < len(items):
        item = items[index]
        index += 1
        count = 0
        while not escaped and index < len(items) and rules.is_ellipsis(items[index]):
            count += 1
            index += 1
        yield item, count


def _variables_in(template: Syntax, variables: dict[str, int], rules: Rules) -> Iterator[Any]:
    if template.is_identifier:
        if variables.get(_key(template), 0) > 0:
            yield _key(template)
    elif _is_compound(template):
        items, tail = _sequence_parts(template)
        for item in items if tail is None else (*items, tail):
            yield from _variables_in(item, variables, rules)


def expansion_trail(name: str, use: Syntax) -> Trail:
    """The trail of what the macro ``name`` introduces; a use of itself at one place counts once."""
    step = (name, use.span)
    return use.trail if step in use.trail[:1] else (step, *use.trail)


LARGEST = 200_000
"""How many forms one ellipsis of a template may stand for."""


def instantiate(
    rules: Rules, variables: dict[Any, int], use: Syntax, template: Syntax, matches: Matches
) -> Syntax:
    """``template`` with its variables, given with their depths, replaced by what they matched."""
    return _Instance(rules, variables, use).instantiate(template, matches)


class _Instance:
    """One instantiation of a template."""

    def __init__(self, rules: Rules, variables: dict[str, int], use: Syntax) -> None:
        self.rules = rules
        self.variables = variables
        self.use = use
        self.trail = expansion_trail(rules.name, use)

    def instantiate(self, template: Syntax, matches: Matches, escaped: bool = False) -> Syntax:
        """``template`` with its variables replaced by what they matched.

        Syntax that the template introduces takes the span of the macro use, so that an error in
        it points at what the user wrote, and tells by its trail where it comes from.
        """
        if template.is_identifier:
            found = matches.get(_key(template))
            if found is not None:
                return found
            return Syntax(template.datum, self.use.span, template.scopes, self.trail)
        if not _is_compound(template):
            return Syntax(template.datum, self.use.span, trail=self.trail)
        items, tail = _sequence_parts(template)
        if not escaped and _is_escape(items, self.rules):
            return self.instantiate(items[1], matches, escaped=True)
        parts: list[Syntax] = []
        for item, ellipses in _with_ellipses(items, self.rules, escaped):
            parts += self._repeat(item, ellipses, matches, escaped)
        rest = None if tail is None else self.instantiate(tail, matches, escaped)
        content = self._content(template, tuple(parts), rest)
        return Syntax(content, self.use.span, trail=self.trail)

    def _content(self, template: Syntax, parts: tuple[Syntax, ...], rest: Syntax | None) -> Any:
        if isinstance(template.datum, VectorForm):
            return VectorForm(parts)
        if rest is None:
            return parts
        if rest.is_list:
            return (*parts, *rest.parts)
        if isinstance(rest.datum, Dotted):
            inner = rest.content
            return Dotted((*parts, *inner.items), inner.tail)
        return Dotted(parts, rest) if parts else rest.content

    def _repeat(self, item: Syntax, ellipses: int, matches: Matches, escaped: bool) -> list[Syntax]:
        if ellipses == 0:
            return [self.instantiate(item, matches, escaped)]
        names = [
            name
            for name in _variables_in(item, self.variables, self.rules)
            if isinstance(matches.get(name), Repeated)
        ]
        lengths = {len(matches[name].items) for name in names}
        if len(lengths) > 1:
            raise ExpandError(
                f"{self.rules.name}: pattern variables under one ellipsis matched "
                f"{' and '.join(map(str, sorted(lengths)))} forms",
                span=self.use.span,
                trail=self.use.trail,
            )
        results: list[Syntax] = []
        for index in range(lengths.pop() if lengths else 0):
            inner = dict(matches)
            inner.update({name: matches[name].items[index] for name in names})
            results += self._repeat(item, ellipses - 1, inner, escaped)
            if len(results) > LARGEST:
                raise ExpandError(
                    f"{self.rules.name}: this macro use becomes larger and larger",
                    span=self.use.span,
                    trail=self.use.trail,
                )
        return results
