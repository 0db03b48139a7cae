"""``display`` and ``write``: any value as text.

Nothing here recurses, so lists may be as long and as deep as memory allows. A value that contains
itself is shown with datum labels: ``#0=(1 . #0#)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import Any

from eshkol.base.errors import EshkolError, WrongType
from eshkol.datum import tensor_text
from eshkol.datum.equality import is_array
from eshkol.datum.number_text import integer_text, number_text, readable_text
from eshkol.datum.pairs import NIL, EmptyList, Pair
from eshkol.datum.spelling import PREFIXES, character_text, string_text, symbol_text
from eshkol.datum.strings import MutableString
from eshkol.datum.symbols import Symbol, intern
from eshkol.datum.values import Char, HashTable

_SHORT = {intern(name): prefix for prefix, name in PREFIXES.items()}


class Text(str):
    """Text of the output itself, among the values that a compound value consists of.

    A class whose values have parts (a record) gives both, in the order of the output, from a method
    ``__scheme_parts__``; so cycles through it are found and its depth does no harm.
    """

    __slots__ = ()


_OPEN, _CLOSE, _SPACE, _DOT = Text("("), Text(")"), Text(" "), Text(" . ")


def display_string(value: Any) -> str:
    """The text that ``display`` shows: strings and chars as they are.

    Example:
        >>> from eshkol.datum.pairs import scheme_list
        >>> display_string(scheme_list(["a", 1.0, True]))
        '(a 1.0 #t)'
    """
    return _render(value, _displayed)


def write_string(value: Any) -> str:
    """The text that ``write`` shows: strings, chars and symbols so that they read back.

    Example:
        >>> from eshkol.datum.pairs import scheme_list
        >>> print(write_string(scheme_list(["a", 1.0, True])))
        ("a" 1.0 #t)
    """
    return _render(value, _written)


def display_parts(value: Any, settled: Callable[[Any], Any]) -> str:
    """What ``display`` shows, with what ``settled`` makes of each part in its place."""
    return _render(value, lambda part: _displayed(settled(part)))


def write_parts(value: Any, settled: Callable[[Any], Any]) -> str:
    """What ``write`` shows, with what ``settled`` makes of each part in its place."""
    return _render(value, lambda part: _written(settled(part)))


def shared_string(value: Any) -> str:
    """The text that ``write-shared`` shows: labels on all that occurs twice, not only on cycles.

    Example:
        >>> from eshkol.datum.pairs import scheme_list
        >>> part = scheme_list([1])
        >>> print(shared_string(scheme_list([part, part])))
        (#0=(1) #0#)
    """
    return _render(value, _written, shared=True)


def readable_string(value: Any) -> str:
    """The text that ``write`` shows, whatever the float format: it tells 1.0 from 1.

    Example:
        >>> readable_string(1.0)
        '1.0'
    """
    return _render(value, _readable)


def rounded_string(number: Any, digits: int) -> str:
    """A real number with so many digits, as messages show what was measured.

    Example:
        >>> rounded_string(5.20045e-5, 3), rounded_string(float("inf"), 3)
        ('5.2e-5', '+inf.0')
    """
    return write_string(float(f"{float(number):.{digits}g}"))


def short_string(value: Any, limit: int = 60) -> str:
    """The text of ``value`` for an error message: at most ``limit`` characters on one line.

    It is what ``write`` shows, cut where it gets too long; a tensor shows its dtype and shape.

    Example:
        >>> short_string("x" * 100, limit=12)
        '"xxxxxxxxxx…'
    """
    text = _render(value, _shortened, limit)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def is_cyclic(value: Any) -> bool:
    """Whether ``value`` contains itself."""
    return _is_compound(value) and bool(_nodes_to_label(value, None, False))


def _render(
    value: Any,
    atom: Callable[[Any], str | None],
    limit: int | None = None,
    shared: bool = False,
) -> str:
    """The text of ``value``, whose atoms ``atom`` spells; it may stop once over ``limit``."""
    text = atom(value)
    if text is not None:
        return text
    labels: dict[int, int | None] = dict.fromkeys(_nodes_to_label(value, limit, shared))
    output: list[str] = []
    numbered = size = 0
    stack: list[Iterator[Any]] = [iter((value,))]
    while stack:
        for item in stack[-1]:
            if item.__class__ is Text:
                text = item
            elif id(item) in labels and labels[id(item)] is not None:
                text = f"#{labels[id(item)]}#"
            elif (text := atom(item)) is None:
                if id(item) in labels:
                    labels[id(item)] = numbered
                    output.append(f"#{numbered}=")
                    numbered += 1
                stack.append(_parts(item, labels))
                break
            output.append(text)
            size += len(text)
            if limit is not None and size > limit:
                return "".join(output)
        else:
            stack.pop()
    return "".join(output)


def refuse_cycles(value: Any) -> None:
    """Refuse a structure that is to be taken apart if it contains itself.

    Raises:
        WrongType: it does.
    """
    if _nodes_to_label(value, None, shared=False):
        raise WrongType(
            f"a structure that contains itself can't be taken apart: {short_string(value)}",
            hint="keep the parts in a vector, and let each hold the numbers of others",
        )


def _nodes_to_label(root: Any, limit: int | None, shared: bool) -> list[int]:
    """The ids of the values that contain themselves and are met first on their cycle; with
    ``shared``, of those that occur twice anywhere.

    A depth-first walk; an ``int`` on its stack marks where a value has been left. With ``limit``
    it looks no further than a text of that length can reach.
    """
    path: set[int] = set()
    done: set[int] = set()
    found: list[int] = []
    kept: list[Any] = []  # parts made on the way must live on, lest their ids be used again
    stack = [root]
    while stack and (limit is None or len(done) + len(path) <= limit):
        node = stack.pop()
        if node.__class__ is int:
            path.discard(node)
            done.add(node)
            continue
        key = id(node)
        if key in path or (shared and key in done):
            found.append(key)
        elif key not in done:
            path.add(key)
            stack.append(key)
            children = _children(node)
            kept.append(children)
            stack += children
    return found


def _children(node: Any) -> list[Any]:
    """The compound values directly inside ``node``, the last one first."""
    parts = (node.car, node.cdr) if node.__class__ is Pair else _parts(node, {})
    children = [part for part in parts if _is_compound(part)]
    children.reverse()
    return children


def _is_compound(value: Any) -> bool:
    kind = value.__class__
    return kind not in _WRITTEN and (
        kind is Pair or isinstance(value, list | HashTable) or hasattr(kind, "__scheme_parts__")
    )


def _parts(value: Any, labels: dict[int, Any]) -> Iterator[Any]:
    """The texts and values that make up the text of a compound value, in order."""
    if value.__class__ is Pair:
        return _pair_parts(value, labels)
    if isinstance(value, list):
        return _vector_parts(value)
    return _table_parts(value) if isinstance(value, HashTable) else iter(value.__scheme_parts__())


def _pair_parts(pair: Pair, labels: dict[int, Any]) -> Iterator[Any]:
    rest = pair.cdr
    if (
        pair.car.__class__ is Symbol
        and pair.car in _SHORT
        and rest.__class__ is Pair
        and rest.cdr is NIL
        and id(rest) not in labels
    ):
        yield Text(_prefix(_SHORT[pair.car], rest.car))
        yield rest.car
        return
    yield _OPEN
    yield pair.car
    while rest.__class__ is Pair and id(rest) not in labels:
        yield _SPACE
        yield rest.car
        rest = rest.cdr
    if rest is not NIL:
        yield _DOT
        yield rest
    yield _CLOSE


def _prefix(prefix: str, quoted: Any) -> str:
    """The abbreviation; `` , @x`` keeps its space, since ``,@`` is another one."""
    splices = prefix == "," and quoted.__class__ is Symbol and quoted.name.startswith("@")
    return ", " if splices else prefix


def _vector_parts(vector: list[Any]) -> Iterator[Any]:
    yield Text("#(")
    yield from _spaced(vector)
    yield _CLOSE


def _spaced(values: Iterable[Any]) -> Iterator[Any]:
    for index, value in enumerate(values):
        if index:
            yield _SPACE
        yield value


def _table_parts(table: HashTable) -> Iterator[Any]:
    yield Text("#<hash-table")
    for key, value in list(table.items()):
        yield Text(" (")
        yield key
        yield _SPACE
        yield value
        yield _CLOSE
    yield Text(">")


def _boolean_text(value: bool) -> str:
    return "#t" if value else "#f"


def _bytes_text(value: bytes) -> str:
    return f"#u8({' '.join(map(str, value))})"


_COMMON: dict[type, Callable[[Any], str]] = {
    int: integer_text,
    float: number_text,
    Fraction: number_text,
    complex: number_text,
    bool: _boolean_text,
    bytes: _bytes_text,
    bytearray: _bytes_text,
    EmptyList: lambda _: "()",
    type(None): lambda _: "None",
}

_DISPLAYED: dict[type, Callable[[Any], str]] = {
    **_COMMON,
    str: str,
    MutableString: str,
    Symbol: lambda symbol: symbol.name,
    Char: lambda char: char.value,
}

_WRITTEN: dict[type, Callable[[Any], str]] = {
    **_COMMON,
    str: string_text,
    MutableString: lambda string: string_text(str(string)),
    Symbol: lambda symbol: symbol_text(symbol.name),
    Char: lambda char: character_text(char.value),
}


_READABLE: dict[type, Callable[[Any], str]] = {
    **_WRITTEN,
    float: readable_text,
    complex: readable_text,
}


def _readable(value: Any) -> str | None:
    """The text of an atom that tells it from all others; None for a compound value."""
    spell = _READABLE.get(value.__class__)
    return _other_text(value, tensor_text.full_text) if spell is None else spell(value)


def _displayed(value: Any) -> str | None:
    """The text of an atom for ``display``; None for a compound value."""
    spell = _DISPLAYED.get(value.__class__)
    return _other_text(value, tensor_text.full_text) if spell is None else spell(value)


def _written(value: Any) -> str | None:
    """The text of an atom for ``write``; None for a compound value."""
    spell = _WRITTEN.get(value.__class__)
    return _other_text(value, tensor_text.full_text) if spell is None else spell(value)


def _shortened(value: Any) -> str | None:
    """The text of an atom for an error message; None for a compound value."""
    spell = _WRITTEN.get(value.__class__)
    return _other_text(value, tensor_text.short_text) if spell is None else spell(value)


def _other_text(value: Any, tensor: Callable[[Any], str]) -> str | None:
    if _is_compound(value):
        return None
    if is_array(value) and not isinstance(value, type):
        return tensor(value)
    if isinstance(value, EshkolError):
        return f"#<error {value.message}>"
    if isinstance(value, str):
        return str(value)
    if callable(value) and not isinstance(value, type) and hasattr(value, "__name__"):
        name = value.__name__
        return "#<procedure>" if name == "<lambda>" else f"#<procedure {name}>"
    report = getattr(value.__class__, REPORT, None)
    if report is not None:
        is_whole = tensor is tensor_text.full_text
        return report(value) if is_whole else f"#<{value.__class__.__name__.lower()}>"
    return _python_text(value)


REPORT = "__scheme_report__"
"""The method of a class whose instances are reports for people: gives the text, of many lines."""


def _python_text(value: Any) -> str:
    """What Python shows of a value that is none of Scheme's, on one line."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a broken __repr__ must not hide the error that it should be part of
        text = f"<{value.__class__.__name__} object>"
    if text.startswith(("#<", "#:")):
        return text
    return f"#{text}" if text.startswith("<") and text.endswith(">") else f"#<python {text}>"
