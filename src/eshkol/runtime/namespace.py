"""Top-level variables.

A namespace's variables live in a plain dictionary, which is the ``__globals__`` of its compiled
functions, so that reading one costs what a Python global costs. Primitives are the functions'
``__builtins__``: a definition shadows them. Definitions and assignments go through the namespace,
which tells whoever watches a variable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from eshkol.base.errors import UnboundVariable


class Namespace:
    """The top-level variables of a session or a module.

    Args:
        name: what Python calls the module (``__name__``).
        builtins: primitives and the hidden names of the runtime.
    """

    def __init__(self, name: str, builtins: dict[str, Any]) -> None:
        self.name = name
        self.builtins = builtins
        self.variables: dict[str, Any] = {
            "__name__": name,
            "__builtins__": builtins,
            " namespace": self,
        }
        self.watchers: dict[str, list[Callable[[], None]]] = {}

    def define(self, name: str, value: Any) -> None:
        """Define or redefine a variable."""
        self.variables[name] = value
        if name in self.watchers:
            self._tell(name)

    def set(self, name: str, value: Any) -> None:
        """Assign a variable that exists.

        Raises:
            UnboundVariable: if it doesn't.
        """
        if name not in self.variables and name not in self.builtins:
            raise UnboundVariable(
                f"set!: {name} is not defined", hint=f"to define it: (define {name} …)"
            )
        self.define(name, value)

    def watch(self, name: str, changed: Callable[[], None]) -> None:
        """Call ``changed`` once, after the next definition or assignment of ``name``."""
        self.watchers.setdefault(name, []).append(changed)

    def _tell(self, name: str) -> None:
        for changed in self.watchers.pop(name):
            changed()

    def get(self, name: str) -> Any:
        """The value of a variable or primitive.

        Raises:
            UnboundVariable: if there is none.
        """
        if name in self.variables:
            return self.variables[name]
        if name in self.builtins:
            return self.builtins[name]
        raise UnboundVariable(f"{name} is not defined")

    def is_defined(self, name: str) -> bool:
        """Whether the program itself has defined ``name``."""
        return name in self.variables

    def names(self) -> Iterator[str]:
        """The names of all variables and primitives a program can see."""
        for table in (self.variables, self.builtins):
            for name in table:
                if not name.startswith((" ", "__")):
                    yield name
