"""A namespace as a Python module: its variables are the module's attributes.

A Scheme name that Python can't write is found under its Python spelling too: ``train-epoch`` as
``train_epoch``, ``tensor?`` as ``is_tensor``, ``set-x!`` as ``set_x``.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import Any

SESSION = " session"
"""The hidden variable that holds the session of a library."""

MODULE = " module"
"""The hidden variable that holds the module itself."""

SPELLINGS = " spellings"
"""The hidden variable that holds the Python spellings of the variables, and their number then."""


class SchemeModule(ModuleType):
    """A module whose variables are those of a Scheme namespace.

    Assigning an attribute defines the variable, so that compiled procedures see the new value.
    """

    def __getattr__(self, name: str) -> Any:
        if name == "__all__":
            return sorted(_exported_spellings(self))
        own_name = None if name.startswith("__") else _own_name(self, name)
        if own_name is None:
            raise AttributeError(
                f"module {self.__name__!r} has no attribute {name!r}", name=name, obj=self
            )
        return self.__dict__[own_name]

    def __setattr__(self, name: str, value: Any) -> None:
        namespace = self.__dict__.get(" namespace")
        if namespace is None or name.startswith("__") or isinstance(value, ModuleType):
            super().__setattr__(name, value)
        else:
            namespace.define(_own_name(self, name) or name, value)

    def __delattr__(self, name: str) -> None:
        namespace = self.__dict__.get(" namespace")
        own_name = _own_name(self, name)
        if namespace is None or name.startswith("__") or own_name is None:
            super().__delattr__(name)
        else:
            namespace.remove(own_name)

    def __dir__(self) -> list[str]:
        hidden = [name for name in self.__dict__ if name.startswith("__")]
        return sorted([*_exported_spellings(self), *hidden])


def _exported_spellings(module: SchemeModule) -> dict[str, str]:
    """The module's names for the variables it exports, by the Python spelling of the exported."""
    session = module.__dict__.get(SESSION)
    if session is None:
        return {}
    exports = {name: own for name, own in session.exports.items() if own in module.__dict__}
    return {spelling: exports[name] for spelling, name in _spellings(exports).items()}


def _spellings(names: Iterable[str]) -> dict[str, str]:
    """Names by their Python spelling; of two with one spelling, the one that has it."""
    from eshkol.codegen.names import python_name

    found: dict[str, str] = {}
    for name in names:
        spelling = python_name(name)
        if spelling == name or spelling not in found:
            found[spelling] = name
    return found


def _own_name(module: SchemeModule, name: str) -> str | None:
    """The variable that Python calls ``name``; None if there is none."""
    variables = module.__dict__
    if name in variables:
        return name
    count, spellings = variables.get(SPELLINGS, (0, {}))
    if count != len(variables):  # a name can only be added or removed, which changes the number
        names = [own for own in variables if not own.startswith((" ", "__"))]
        spellings = _spellings(names) | _exported_spellings(module)
        variables[SPELLINGS] = (0, spellings)
        variables[SPELLINGS] = (len(variables), spellings)
    return spellings.get(name)
