"""Values that are one of several of different kinds, by a traced tag.

Where the branches of a traced condition give values of different kinds, procedures, symbols,
records of two types or lists of two lengths, say, or one of them ``#f``, what they give is a
:class:`Union`. Calling it calls the procedure that it is; a predicate of it is a predicate of its
tag; in a branch that such a predicate decides it is what it can be there.
"""

from __future__ import annotations

import functools
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import jax
import numpy as np
from jax import lax

from eshkol.base.errors import EshkolError, SchemeError, StagingError
from eshkol.datum.equality import Undecided
from eshkol.datum.pairs import Pair, scheme_list, spine
from eshkol.datum.values import Vector
from eshkol.datum.write import short_string
from eshkol.xla.code_keys import Static
from eshkol.xla.conditions import CONDITIONS
from eshkol.xla.dtypes import BOOL, wide
from eshkol.xla.trees import flatten, register
from eshkol.xla.witness import Witness, tracer_of

Tags = tuple[int, ...]
"""Of some alternatives of a union."""

DECIDE = "decide by a condition in the program: (if (eq? x 'this) … …)"


class TooManyKinds(StagingError):
    """A program tells apart ever more kinds of values."""


TooManyKinds.__name__ = TooManyKinds.__qualname__ = StagingError.__name__


class Open(StagingError):
    """Something was asked of a union that depends on its tag.

    Attributes:
        union: that was asked.
    """

    def __init__(self, union: Union) -> None:
        super().__init__(
            f"which value this is, is known only when the program runs: {union!r}",
            hint=DECIDE,
        )
        self.union = union


class Union(Undecided):
    """One of ``alternatives``.

    Attributes:
        tag: the index of the alternative that it is, traced.
        alternatives: those that it isn't have leaves of no meaning.
    """

    __slots__ = ("__weakref__", "alternatives", "tag")

    def __init__(self, tag: Any, alternatives: Sequence[Any]) -> None:
        self.tag = tag
        self.alternatives = tuple(alternatives)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        from eshkol.runtime.dialects import staged

        return dispatch(self, lambda procedure: staged(procedure)(*arguments, **options))

    def decided(self) -> Any:
        """The alternative that it is, where that is known.

        Raises:
            Open: it isn't.
        """
        tags = self.possible
        if len(tags) > 1:
            raise Open(self)
        return self.alternatives[tags[0]]

    def __repr__(self) -> str:
        return f"#<either {' or '.join(short_string(item) for item in self.alternatives)}>"

    @property
    def possible(self) -> tuple[int, ...]:
        """The tags that it can have where it is asked."""
        return KNOWN.tags.get(id(self), tuple(range(len(self.alternatives))))

    def is_one_of(self, tags: Sequence[int]) -> Any:
        """Whether its tag is one of ``tags``, a traced boolean."""
        tag = tracer_of(self.tag)
        result: Any = np.bool_(False)
        with wide():
            for number in tags:
                result = lax.bitwise_or(result, lax.eq(tag, np.int64(number)))
        return result


def _rebuilt(_: None, children: list[Any]) -> Any:
    tag, *alternatives = children
    plain = tracer_of(tag)
    is_open = isinstance(plain, jax.core.Tracer) or not hasattr(plain, "dtype")
    return Union(tag, alternatives) if is_open else alternatives[int(plain)]


def _parts(union: Union) -> tuple[None, tuple[Any, ...]]:
    # One that is #f is no leaf.
    alternatives = [Static(False) if item is False else item for item in union.alternatives]
    return None, (union.tag, *alternatives)


register(Union, _parts, _rebuilt)


# ---- results that can't be unions


def of_lanes() -> StagingError:
    """The error of a ``vmap`` whose results are unions."""
    return StagingError(
        "vmap: lanes give values of different kinds, such as a number and #f, or two symbols",
        hint="let all lanes give values of one kind and shape: each if needs a value of the kind "
        "in both branches,\nas in (or result 0.0) for a number or #f",
    )


def _refuse(union: Any, *_: Any) -> Any:
    raise StagingError(
        f"JAX can't take a value that is one of several kinds: {union!r}",
        hint="compile with ek.jit, whose results may be of several kinds; or let both branches of "
        "each if\ngive values of one kind and shape",
    )


# What it flattens it has to build again with as many leaves, of which the one it is has fewer.
jax.tree_util.register_pytree_node(Union, _refuse, _refuse)


def is_undecided(value: Any) -> bool:
    """Whether a value is, or holds, a union that eager code would take for something else.

    One of procedures can be called anywhere. Nothing is found in what contains itself.
    """
    if value.__class__ is Union:
        return not all(map(callable, value.alternatives))
    try:
        return _has_union(flatten(value)[1])
    except EshkolError:
        return False


def _has_union(structure: Any) -> bool:
    if structure.__class__ is str:
        return False
    return structure[0] == Union.__name__ or any(map(_has_union, structure[2]))


def refuse_for_python(value: Any) -> NoReturn:
    """Raise the error for a value of several kinds that Python code would go on with."""
    raise StagingError(
        f"Python and JAX can't take a value that is one of several kinds: {short_string(value)}",
        hint="compile with ek.jit the Scheme procedure that makes it and decides by it; or let "
        "both branches of\neach if give values of one kind and shape",
    )


# ---- what is known of unions


class Known(threading.local):
    """What the branches being traced in this thread know.

    Attributes:
        tags: those that a union can have, by its identity.
        tests: traced booleans that tell of a union, by their identity: the boolean, a reference to
            the union, and the tags for which it can hold, and for which it can fail.
        depth: how many calls of primitives look into what holds unions, one inside the other.
        level: how many unions are being told apart, one inside the other.
        tried: how often something was done with an alternative, since the outermost condition.
        outermost: a reference to that condition.
    """

    def __init__(self) -> None:
        self.tags: dict[int, tuple[int, ...]] = {}
        self.tests: dict[int, tuple[Any, weakref.ref[Union], Tags, Tags]] = {}
        self.depth = 0
        self.level = 0
        self.tried = 0
        self.outermost: Any = None


KNOWN = Known()
MOST_TESTS = 1_000
"""So many tests are remembered; what a forgotten one told is not known in its branches."""

MOST_DEPTH = 4
"""A primitive that asks about more unions, or about such as it makes, is refused."""

MOST_TRIED = 1_000
"""A program that does something with more alternatives inside of one condition is refused."""

MOST_HELD = 64
"""But so many may be elements of its lists and vectors, or tails of a list, each of the next."""


@contextmanager
def told(test: Any, holds: bool) -> Iterator[None]:
    """In this block what a test tells of a union is known, where it holds or where it doesn't."""
    found = KNOWN.tests.get(id(test))
    if found is None:
        yield
        return
    _, reference, where_it_holds, where_it_fails = found
    union = reference()
    if union is None:
        yield
        return
    tags = where_it_holds if holds else where_it_fails
    possible = tuple(tag for tag in union.possible if tag in tags)
    saved = KNOWN.tags
    KNOWN.tags = {**saved, id(union): possible}
    try:
        yield
    finally:
        KNOWN.tags = saved


# ---- what is done with unions


def narrowed(value: Any) -> Any:
    """A union of which it is known here what it is, as that."""
    if value.__class__ is Union and len(value.possible) == 1:
        return narrowed(value.decided())
    return value


def truth_of(union: Union) -> Any:
    """Whether a union is true, known or traced."""
    return _told(union, [truth(item) for item in union.alternatives])


def truth(item: Any) -> Any:
    """Whether an alternative is true: a traced boolean is so itself."""
    if item.__class__ is Witness:
        return tracer_of(item) if item.known.__class__ is bool else True
    return item if getattr(item, "dtype", None) == BOOL and not item.shape else item is not False


def _told(union: Union, holds: Sequence[Any]) -> Any:
    """A truth value that the tag tells, or the traced boolean of a tag."""
    possible = union.possible
    sure = tuple(tag for tag in possible if holds[tag] is True)
    never = tuple(tag for tag in possible if holds[tag] is False)
    if len(possible) in (len(sure), len(never)):
        return bool(sure)
    result = union.is_one_of(sure)
    traced = tuple(tag for tag in possible if tag not in sure + never)
    for tag in traced:
        here = lax.bitwise_and(union.is_one_of([tag]), holds[tag])
        result = lax.bitwise_or(result, here)
    if len(KNOWN.tests) >= MOST_TESTS:
        KNOWN.tests.clear()
    KNOWN.tests[id(result)] = result, weakref.ref(union), sure + traced, never + traced
    return result


def dispatch(union: Union, function: Callable[[Any], Any]) -> Any:
    """What ``function`` gives for the alternative that the union is."""
    tags = union.possible
    if len(tags) == 1:
        return function(union.alternatives[tags[0]])
    if KNOWN.level == 0:
        _count_anew()
    KNOWN.level += 1
    try:
        return _dispatch(union, tags, function)
    finally:
        KNOWN.level -= 1


def _count_anew() -> None:
    """Forget what was tried before the outermost condition."""
    outermost = CONDITIONS.active[0] if CONDITIONS.active else None
    known = KNOWN.outermost and KNOWN.outermost()
    if outermost is None or outermost is not known:
        KNOWN.tried = 0
        KNOWN.outermost = outermost and weakref.ref(outermost)


def _dispatch(union: Union, tags: Sequence[int], function: Callable[[Any], Any]) -> Any:
    from eshkol.xla.control import choose

    if len(tags) == 1:
        return _attempted(function, union.alternatives[tags[0]])
    half = len(tags) // 2
    first, second = tags[:half], tags[half:]
    return choose(
        _told(union, [tag in first for tag in range(len(union.alternatives))]),
        lambda: _dispatch(union, first, function),
        lambda: _dispatch(union, second, function),
    )


def _attempted(function: Callable[[Any], Any], item: Any) -> Any:
    """The value for an alternative, whose errors happen only if it is the one."""
    KNOWN.tried += 1
    if KNOWN.tried > MOST_TRIED:
        raise TooManyKinds(
            f"this program tells apart more than {MOST_TRIED} combinations of kinds of values",
            hint="values of one kind and shape, such as a tensor and a mask of it, are not told "
            "apart",
        )
    try:
        return function(item)
    except (SchemeError, StagingError):
        raise
    except EshkolError as error:
        failure = SchemeError(error.message)
        failure.hint = error.hint
        raise failure from None


def call_primitive(name: str, primitive: Callable[..., Any], *arguments: Any) -> Any:
    """Call a primitive, on each alternative of an argument that is a union."""
    if name in _KEYED:
        from eshkol.xla.chosen_keys import with_known_key

        arguments = tuple(with_known_key(name, arguments))
    for index, argument in enumerate(arguments):
        if argument.__class__ is Union and name not in _KEEPING:
            return _call_with(name, primitive, arguments, index)
    try:
        return primitive(*arguments)
    except Open as problem:
        union = problem.union
    # It looked into a list or vector that holds a union, or into a list that ends in one.
    is_held = not name.endswith("!") and any(_holds(value, union) for value in arguments)
    if KNOWN.depth >= (MOST_HELD if is_held else MOST_DEPTH):
        raise StagingError(
            f"{name}: must know which value this is, and that is known only when the program "
            f"runs: {union!r}",
            hint=DECIDE,
        )

    def call(item: Any) -> Any:
        given = [_with(value, union, item) for value in arguments] if is_held else arguments
        return call_primitive(name, primitive, *given)

    KNOWN.depth += 1
    try:
        return dispatch(union, call)
    finally:
        KNOWN.depth -= 1


def _holds(value: Any, union: Union) -> bool:
    """Whether a union is an element of a list or vector, or the tail of a list."""
    if value.__class__ is Pair:
        elements, tail = spine(value)
        return tail is union or any(element is union for element in elements)
    return value.__class__ is Vector and any(element is union for element in value)


def _with(value: Any, union: Union, item: Any) -> Any:
    """A list or vector with what a union is in place of it; any other value as it is."""
    if value.__class__ is Pair:
        elements, tail = spine(value)
        return scheme_list(_replaced(elements, union, item), item if tail is union else tail)
    return Vector(_replaced(value, union, item)) if value.__class__ is Vector else value


def _replaced(elements: Sequence[Any], union: Union, item: Any) -> list[Any]:
    return [item if element is union else element for element in elements]


@functools.cache
def as_value(primitive: Callable[..., Any]) -> Callable[..., Any]:
    """What calls a primitive that is passed around, as its name in a program does."""
    name = primitive.__name__

    def call(*arguments: Any, **options: Any) -> Any:
        if options:
            return primitive(*arguments, **options)
        return call_primitive(name, primitive, *arguments)

    call.__name__ = name
    return call


_KEYED = frozenset(
    "hash-ref hash-table-ref hash-table-ref/default hash-has-key? hash-table-contains? "
    "hash-table-exists? assq assv assoc memq memv member".split()
)
"""Primitives that search for a key."""

_KEEPING = frozenset("cons list vector values cons* list* make-vector void".split())
"""Primitives that put their arguments into something, whatever they are."""


def _call_with(
    name: str, primitive: Callable[..., Any], arguments: Sequence[Any], index: int
) -> Any:
    union: Union = arguments[index]

    def call(item: Any) -> Any:
        return call_primitive(name, primitive, *arguments[:index], item, *arguments[index + 1 :])

    if name.endswith("?") or name in _SEARCHES:
        results = {tag: _known_result(call, union.alternatives[tag]) for tag in union.possible}
        if None not in results.values():
            found = [results.get(tag, False) for tag in range(len(union.alternatives))]
            if name in _SEARCHES:
                return Union(union.tag, found)
            return _told(union, [result is not False for result in found])
    return dispatch(union, call)


_SEARCHES = frozenset("memq memv member assq assv assoc".split())
"""Primitives that give a part of what they are given, or ``#f``."""


def _known_result(call: Callable[[Any], Any], item: Any) -> Any:
    """What a primitive gives for an alternative; None if it is traced, or an error."""
    try:
        result = call(item)
    except EshkolError:
        return None
    return None if result.__class__ is Union or hasattr(result, "dtype") else result
