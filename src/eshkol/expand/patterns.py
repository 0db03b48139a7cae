"""The patterns of ``match``: their grammar, and the classes that they are read into."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from eshkol.base.errors import ExpandError
from eshkol.datum.pairs import NIL
from eshkol.datum.symbols import intern
from eshkol.syntax.objects import Dotted, Keyword, Syntax, VectorForm, to_datum


class Pattern:
    """What a value is compared with, part by part."""

    parts: tuple[Pattern, ...]


class Leaf(Pattern):
    """A pattern without parts."""

    parts = ()


@dataclass(frozen=True)
class Anything(Leaf):
    """``_``: fits everything."""


@dataclass(frozen=True)
class Named(Leaf):
    """``x``: fits everything and names it."""

    name: Syntax


@dataclass(frozen=True)
class Datum(Leaf):
    """``5``, ``'a``, ``()``: fits what is equal."""

    datum: Any


@dataclass(frozen=True)
class Pairs(Pattern):
    """``(cons p q)``, ``(p . q)``; lists are made of it."""

    parts: tuple[Pattern, ...]


@dataclass(frozen=True)
class Repeat(Pattern):
    """``(p ... q …)`` and ``#(p ... q …)``: the items before the last ``count``, and those."""

    parts: tuple[Pattern, ...]
    count: int
    is_vector: bool


@dataclass(frozen=True)
class Items(Pattern):
    """``#(p …)``: a vector with as many items."""

    parts: tuple[Pattern, ...]


@dataclass(frozen=True)
class Fields(Pattern):
    """``($ type p …)``: a record with as many fields."""

    kind: Syntax
    parts: tuple[Pattern, ...]


@dataclass(frozen=True)
class Test(Pattern):
    """``(? predicate p …)``."""

    predicate: Syntax
    parts: tuple[Pattern, ...]


@dataclass(frozen=True)
class All(Pattern):
    """``(and p …)``."""

    parts: tuple[Pattern, ...]


@dataclass(frozen=True)
class Some(Pattern):
    """``(or p …)``; all alternatives name the same things."""

    parts: tuple[Pattern, ...]


@dataclass(frozen=True)
class Not(Pattern):
    """``(not p)``: names nothing."""

    parts: tuple[Pattern, ...]


NIL_PATTERN = Datum(NIL)

USAGE = (
    'patterns are _ name 5 "text" \'datum (p …) (p … . rest) (p ...) #(p …) (cons p q)\n'
    "(? predicate p …) (and p …) (or p …) (not p) ($ record-type p …) and `(a ,p)"
)


def names_of(pattern: Pattern) -> Iterator[Syntax]:
    """The identifiers that a pattern binds, in order."""
    if isinstance(pattern, Named):
        yield pattern.name
    elif isinstance(pattern, Some):
        yield from names_of(pattern.parts[0])
    elif not isinstance(pattern, Not):
        for part in pattern.parts:
            yield from names_of(part)


def fail(problem: str, at: Syntax) -> ExpandError:
    """The error that a pattern is malformed."""
    return ExpandError(f"match: {problem}", span=at.span, hint=USAGE, trail=at.trail)


def same_name(a: Syntax, b: Syntax) -> bool:
    """Whether two identifiers of patterns are the same."""
    return a.name == b.name and a.scopes == b.scopes


def _is_ellipsis(part: Syntax) -> bool:
    return part.is_identifier and part.name == "..."


class PatternReader:
    """Reads patterns.

    Args:
        is_record_type: tells whether an identifier at the head of a pattern names a record type.
    """

    def __init__(self, is_record_type: Callable[[Syntax], bool]) -> None:
        self.is_record_type = is_record_type

    def read(self, form: Syntax) -> Pattern:
        """The pattern that ``form`` writes.

        Raises:
            ExpandError: if it is malformed, or names something twice.
        """
        pattern = self._pattern(form)
        seen: list[Syntax] = []
        for name in names_of(pattern):
            if any(same_name(name, other) for other in seen):
                raise fail(f"the pattern names {name.name} twice", name)
            seen.append(name)
        return pattern

    def _pattern(self, form: Syntax) -> Pattern:
        if form.is_identifier:
            if form.name == "...":
                raise fail("`...` stands only behind a pattern, in a list or vector", form)
            return Anything() if form.name == "_" else Named(form)
        content = form.content
        if isinstance(content, VectorForm):
            return self._items(content.items, form)
        if isinstance(content, Dotted):
            return self._sequence(content.items, self._pattern(content.tail), form)
        if isinstance(content, Keyword):
            raise fail(f"{content!r} is no pattern", form)
        if not form.is_list:
            return Datum(content)
        return self._list(form)

    def _list(self, form: Syntax) -> Pattern:
        if not form.parts:
            return NIL_PATTERN
        head, *rest = form.parts
        if head.is_identifier:
            special = _SPECIAL.get(head.name)
            if special is not None:
                return special(self, form, rest)
            if self.is_record_type(head):
                return Fields(head, self._all(rest))
        return self._sequence(form.parts, NIL_PATTERN, form)

    def _all(self, forms: Iterable[Syntax]) -> tuple[Pattern, ...]:
        return tuple(self._pattern(form) for form in forms)

    def _sequence(self, items: Iterable[Syntax], tail: Pattern, form: Syntax) -> Pattern:
        """The pattern of a list of ``items`` that ends in ``tail``."""
        items = tuple(items)
        at = next((i for i, item in enumerate(items) if _is_ellipsis(item)), None)
        if at is not None:
            if tail is not NIL_PATTERN:
                raise fail("a pattern with `...` can't end in a dotted tail", form)
            *before, repeat = self._with_repeat(items, at, is_vector=False)
            items, tail = items[: at - 1], repeat
            return _pairs(before, tail)
        return _pairs(self._all(items), tail)

    def _with_repeat(self, items: tuple[Syntax, ...], at: int, is_vector: bool) -> list[Pattern]:
        if at == 0:
            raise fail("`...` needs a pattern before it", items[0])
        after = items[at + 1 :]
        for item in after:
            if _is_ellipsis(item):
                raise fail("a list or vector has one `...` at most", item)
        last = _pairs(self._all(after), NIL_PATTERN)
        repeated = self._pattern(items[at - 1])
        repeat = Repeat((repeated, last), len(after), is_vector)
        return [*self._all(items[: at - 1]), repeat]

    def _items(self, items: tuple[Syntax, ...], form: Syntax) -> Pattern:
        at = next((i for i, item in enumerate(items) if _is_ellipsis(item)), None)
        if at is None:
            return Items(self._all(items))
        if at > 1:
            raise fail("in a vector, `...` stands behind the first pattern", items[at])
        return self._with_repeat(items, at, is_vector=True)[0]

    # ---- patterns with a keyword

    def list_of(self, form: Syntax, rest: list[Syntax]) -> Pattern:
        return self._sequence(rest, NIL_PATTERN, form)

    def cons_of(self, form: Syntax, rest: list[Syntax]) -> Pattern:
        if len(rest) < 2:
            raise fail("use (cons p q)", form)
        *before, tail = rest
        return _pairs(self._all(before), self._pattern(tail))

    def vector_of(self, form: Syntax, rest: list[Syntax]) -> Pattern:
        return self._items(tuple(rest), form)

    def test(self, form: Syntax, rest: list[Syntax]) -> Pattern:
        if not rest:
            raise fail("use (? predicate p …)", form)
        return Test(rest[0], self._all(rest[1:]))

    def all_of(self, form: Syntax, rest: list[Syntax]) -> Pattern:
        return All(self._all(rest))

    def some_of(self, form: Syntax, rest: list[Syntax]) -> Pattern:
        if not rest:
            return Not((Anything(),))
        parts = self._all(rest)
        names = list(names_of(parts[0]))
        for part, syntax in zip(parts[1:], rest[1:], strict=True):
            others = list(names_of(part))
            if len(others) != len(names) or not all(
                any(same_name(name, other) for other in others) for name in names
            ):
                raise fail("the alternatives of `or` must name the same things", syntax)
        return Some(parts)

    def not_of(self, form: Syntax, rest: list[Syntax]) -> Pattern:
        if len(rest) != 1:
            raise fail("use (not p)", form)
        pattern = self._pattern(rest[0])
        named = next(names_of(pattern), None)
        if named is not None:
            raise fail(f"`not` can't name {named.name}: it fits where its pattern does not", named)
        return Not((pattern,))

    def fields(self, form: Syntax, rest: list[Syntax]) -> Pattern:
        if not rest or not rest[0].is_identifier:
            raise fail("use ($ record-type p …)", form)
        return Fields(rest[0], self._all(rest[1:]))

    def quoted(self, form: Syntax, rest: list[Syntax]) -> Pattern:
        if len(rest) != 1:
            raise fail("use (quote datum)", form)
        return Datum(to_datum(rest[0]))

    def quasi(self, form: Syntax, rest: list[Syntax]) -> Pattern:
        if len(rest) != 1:
            raise fail("use (quasiquote template)", form)
        return self._template(rest[0])

    def misplaced_unquote(self, form: Syntax, rest: list[Syntax]) -> Pattern:
        raise fail("unquote stands only inside a quasi-pattern", form)

    def _template(self, form: Syntax) -> Pattern:
        """A quasi-pattern: data, and patterns behind commas."""
        content = form.content
        if isinstance(content, VectorForm):
            return Items(tuple(self._template(item) for item in content.items))
        if isinstance(content, Dotted):
            return self._template_list(content.items, self._template(content.tail))
        if not form.is_list:
            return Datum(to_datum(form))
        unquoted = _unquoted(form, "unquote")
        if unquoted is not None:
            return self._pattern(unquoted)
        return self._template_list(form.parts, NIL_PATTERN)

    def _template_list(self, items: tuple[Syntax, ...], tail: Pattern) -> Pattern:
        if len(items) > 2 and _is_word(items[-2], "unquote"):  # `(a . ,p)
            items, tail = items[:-2], self._pattern(items[-1])
        patterns: list[Pattern] = []
        for index, item in enumerate(items):
            spliced = _unquoted(item, "unquote-splicing")
            if spliced is None:
                patterns.append(self._template(item))
            elif index == len(items) - 1 and tail is NIL_PATTERN:
                tail = self._pattern(spliced)
            else:
                raise fail("unquote-splicing stands only last in a quasi-pattern", item)
        return _pairs(patterns, tail)


def _is_word(part: Syntax, word: str) -> bool:
    return part.is_identifier and part.datum is intern(word)


def _unquoted(form: Syntax, keyword: str) -> Syntax | None:
    if form.is_list and len(form.parts) == 2 and _is_word(form.parts[0], keyword):
        return form.parts[1]
    return None


def _pairs(items: Iterable[Pattern], tail: Pattern) -> Pattern:
    for item in reversed(tuple(items)):
        tail = Pairs((item, tail))
    return tail


_SPECIAL: dict[str, Callable[[PatternReader, Syntax, list[Syntax]], Pattern]] = {
    "list": PatternReader.list_of,
    "cons": PatternReader.cons_of,
    "vector": PatternReader.vector_of,
    "?": PatternReader.test,
    "and": PatternReader.all_of,
    "or": PatternReader.some_of,
    "not": PatternReader.not_of,
    "$": PatternReader.fields,
    "quote": PatternReader.quoted,
    "quasiquote": PatternReader.quasi,
    "unquote": PatternReader.misplaced_unquote,
    "unquote-splicing": PatternReader.misplaced_unquote,
}
"""How a pattern with this word at its head is read."""
