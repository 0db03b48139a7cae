"""A Python name for each variable.

A name differs from every name visible where the variable is bound, from all other names of the
same Python function, and from every global name the unit mentions (a global keeps its Scheme
name). Both dialects of a procedure use the same names, so their closures fit each other.
"""

from __future__ import annotations

import keyword
import re

from eshkol.core.nodes import Lambda, Node, Variable
from eshkol.core.walk import bound_variables, children

Names = dict[Variable, str]


def python_name(name: str) -> str:
    """The Python spelling of a Scheme name: ``train-epoch`` is ``train_epoch``.

    Example:
        >>> python_name("tensor?"), python_name("set-x!"), python_name("a->b")
        ('is_tensor', 'set_x', 'a_to_b')
    """
    text = name.replace("->", "-to-").rstrip("!")
    if text.endswith("?"):
        text = "is-" + text[:-1]
    text = re.sub(r"\W", "_", text.replace("-", "_"))
    if not text or text[0].isdigit():
        text = "_" + text
    return text + "_" if keyword.iskeyword(text) else text


def assign_names(node: Node, reserved: set[str]) -> Names:
    """A name for each variable bound in ``node``; ``reserved`` holds the global names."""
    names: Names = {}
    _visit(node, names, frozenset(reserved), set())
    return names


def _visit(node: Node, names: Names, visible: frozenset[str], used: set[str]) -> None:
    if isinstance(node, Lambda):
        visible, used = visible | used, set()
    for variable in bound_variables(node):
        names[variable] = name = _fresh(python_name(variable.name), visible, used)
        used.add(name)
    for child in children(node):
        _visit(child, names, visible, used)


def _fresh(base: str, visible: frozenset[str], used: set[str]) -> str:
    name, number = base, 1
    while name in visible or name in used:
        number += 1
        name = f"{base}_{number}"
    return name
