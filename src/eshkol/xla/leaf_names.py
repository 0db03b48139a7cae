"""Names for the leaves of a value: for files of weights, for messages and for JAX's key paths."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from eshkol.runtime.procedures import procedure_of
from eshkol.xla.reach import closures_of
from eshkol.xla.trees import Structure, flatten


def leaf_names(value: Any) -> list[str]:
    """A name for each leaf: the names of the variables that lead to it, joined by dots.

    A leaf captured by a closure is named after the captured variable, an element of a list or
    vector after its index, an entry of a table after its key. Names are made distinct.

    Example:
        >>> leaf_names((1.0, [2.0, 3.0]))
        ['0', '1.0', '1.1']
    """
    return structure_names(flatten(value)[1])


def structure_names(structure: Structure) -> list[str]:
    """A name for each leaf of a structure (see :func:`leaf_names`)."""
    names: list[str] = []
    counts: dict[str, int] = {}
    for path in _paths(structure, ()):
        name = ".".join(path) or "value"
        counts[name] = number = counts.get(name, 0) + 1
        names.append(name if number == 1 else f"{name}.{number}")
    return names


def _paths(structure: Structure, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if structure.__class__ is str:
        yield path
        return
    tag, details, children = structure
    if tag in ("box", "buffer", "variable"):
        words: Any = [None] * len(children)
    elif tag == "closure":
        words = details[0].captures
    elif tag == "table":
        words = [str(key) for key in details.keys]
    elif tag == "dict":
        words = [str(key) for key in details]
    elif tag == "named-tuple":
        words = details._fields
    elif tag == "record":
        words = details.__scheme_fields__
    else:
        words = [str(index) for index in range(len(children))]
    for word, child in zip(words, children, strict=True):
        yield from _paths(child, path if word is None else (*path, word))


# ---- what a program takes


def reach_names(reach: Structure) -> Iterator[str]:
    """Names of the leaves of top-level variables."""
    for (_, variable), structure in zip(reach[1], reach[2], strict=True):
        yield from leaves_under(variable, structure)


def parameter_names(procedure: Structure, arguments: Structure) -> Iterator[str]:
    """Names of a call's positional arguments, after the parameters of the procedure."""
    parameters = _positional_parameters(procedure)
    for index in range(len(arguments[2][0][2])):
        yield parameters[index] if index < len(parameters) else f"argument {index}"


def _positional_parameters(procedure: Structure) -> list[str]:
    if procedure[0] == "static" and callable(procedure[1].value):
        return _python_parameters(procedure[1].value)
    function = next(closures_of(procedure), None)
    known = None if function is None else procedure_of(function)
    return [p.variable.name for p in known.node.parameters if not p.keyword] if known else []


def _python_parameters(function: Any) -> list[str]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [parameter.name for parameter in parameters if parameter.kind in kinds]


def argument_names(procedure: Structure, arguments: Structure) -> Iterator[str]:
    """Names of the leaves of a call's arguments, after the parameters of the procedure."""
    positional, options = arguments[2]
    names = parameter_names(procedure, arguments)
    for name, structure in zip(names, positional[2], strict=True):
        yield from leaves_under(name, structure)
    for option, structure in zip(options[1], options[2], strict=True):
        yield from leaves_under(option, structure)


def leaves_under(base: str, structure: Structure) -> Iterator[str]:
    """Names of the leaves of a variable's value."""
    if structure.__class__ is str:
        yield base
    else:
        yield from (f"{base}.{name}" for name in structure_names(structure))
