"""Core as S-expressions that people can read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from eshkol.core import nodes
from eshkol.core.free import global_names
from eshkol.datum.symbols import intern
from eshkol.datum.write import readable_string, write_string

WIDTH = 88


def print_core(node: nodes.Node) -> str:
    """The text of ``node``; variables of the same name are told apart by a number.

    Example:
        >>> from eshkol.base.spans import NOWHERE
        >>> print_core(nodes.Const(NOWHERE, 5))
        '5'
    """
    return _layout(_shape(node, _Names(global_names(node))), 0)


KEYWORDS = (
    "define lambda let letrec* loop continue if begin set! box unbox set-box! quote"
).split()


class _Names:
    """Gives every variable and label a name of its own, which no keyword and no global has."""

    def __init__(self, taken: Iterable[str]) -> None:
        self.given: dict[Any, str] = {}
        self.taken = {*KEYWORDS, *taken}

    def __call__(self, thing: Any) -> str:
        if thing not in self.given:
            name, number = thing.name, 1
            while name in self.taken:
                number += 1
                name = f"{thing.name}.{number}"
            self.taken.add(name)
            self.given[thing] = _symbol(name)
        return self.given[thing]


def _symbol(name: str) -> str:
    return write_string(intern(name))


def _shape(node: nodes.Node, names: _Names) -> Any:
    """``node`` as nested lists of words."""

    def shape(part: nodes.Node) -> Any:
        return _shape(part, names)

    def bindings(node: Any) -> list[Any]:
        return [[names(v), shape(x)] for v, x in zip(node.variables, node.values, strict=True)]

    match node:
        case nodes.Const():
            text = readable_string(node.value)
            is_data = text[:1] in "(#'" or node.value.__class__.__name__ == "Symbol"
            return f"'{text}" if is_data and text not in ("#t", "#f") else text
        case nodes.LocalRef():
            return names(node.variable)
        case nodes.GlobalRef():
            return _symbol(node.name)
        case nodes.Lambda():
            return ["lambda", _parameters(node, names), shape(node.body)]
        case nodes.Let():
            return ["let", bindings(node), shape(node.body)]
        case nodes.Letrec():
            return ["letrec*", bindings(node), shape(node.body)]
        case nodes.Loop():
            return ["loop", names(node.label), bindings(node), shape(node.body)]
        case nodes.If():
            return ["if", shape(node.test), shape(node.then), shape(node.otherwise)]
        case nodes.Sequence():
            return ["begin", *map(shape, node.steps)]
        case nodes.Call():
            keywords = [word for k, v in node.keywords for word in (f"#:{k}", shape(v))]
            return [shape(node.procedure), *map(shape, node.arguments), *keywords]
        case nodes.Continue():
            return ["continue", names(node.label), *map(shape, node.arguments)]
        case nodes.SetLocal():
            return ["set!", names(node.variable), shape(node.value)]
        case nodes.SetGlobal():
            return ["set!", _symbol(node.name), shape(node.value)]
        case nodes.Define():
            return ["define", _symbol(node.name), shape(node.value)]
        case nodes.MakeBox():
            return ["box", shape(node.value)]
        case nodes.BoxRef():
            return ["unbox", names(node.variable)]
        case nodes.BoxSet():
            return ["set-box!", names(node.variable), shape(node.value)]
    raise TypeError(f"not a Core node: {node!r}")


def _parameters(node: nodes.Lambda, names: _Names) -> Any:
    shown: list[Any] = []
    for p in node.parameters:
        shown += [f"#:{_symbol(p.keyword)}"] if p.keyword else []
        name = names(p.variable)
        shown.append(name if p.default is None else [name, _shape(p.default, names)])
    if node.rest is not None:
        return [*shown, ".", names(node.rest)] if shown else names(node.rest)
    return shown


def _flat(shape: Any) -> str:
    return shape if isinstance(shape, str) else f"({' '.join(map(_flat, shape))})"


ON_FIRST_LINE = {"lambda": 2, "let": 2, "letrec*": 2, "loop": 3}
"""How many parts of a form begin it where it takes several lines; a name after the first also."""


def _layout(shape: Any, indent: int) -> str:
    """``shape`` on one line where it fits, else its parts below each other."""
    flat = _flat(shape)
    if isinstance(shape, str) or indent + len(flat) <= WIDTH or len(shape) < 2:
        return flat
    if not isinstance(shape[0], str):
        return f"({_lines(shape, indent + 1)})"
    keep = ON_FIRST_LINE.get(shape[0], 1 + isinstance(shape[1], str))
    head = " ".join(map(_flat, shape[:keep]))
    if indent + len(head) >= WIDTH:
        keep, head = 1, shape[0]
    inner = indent + 2
    return f"({head}\n{' ' * inner}{_lines(shape[keep:], inner)})"


def _lines(shapes: Any, indent: int) -> str:
    """``shapes`` below each other, the first where the text stands already."""
    return ("\n" + " " * indent).join(_layout(part, indent) for part in shapes)
