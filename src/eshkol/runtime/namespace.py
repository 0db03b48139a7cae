"""Top-level variables.

A namespace's variables live in a plain dictionary, which is the ``__globals__`` of its compiled
functions, so that reading one costs what a Python global costs. Primitives are the functions'
``__builtins__``: a definition shadows them. Definitions and assignments go through the namespace,
which tells whoever watches a variable. Code that was compiled when a name still meant a primitive
is compiled again where it relies on that.

An imported variable is a *link*: the importing namespace holds the value under a name of its own
and follows every definition and assignment of the variable in its home.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any

from eshkol.datum.variables import TensorVariable
from eshkol.primitives.declare import load
from eshkol.runtime.procedures import is_on_ints


class Namespace:
    """The top-level variables of a session or a module.

    Args:
        name: what Python calls the module (``__name__``).
        builtins: primitives and the hidden names of the runtime.
        variables: the dictionary that holds the variables, such as that of a Python module; a
            fresh one if left out.

    Attributes:
        session: what evaluates programs in it, if anything does.
        groups: of its procedures that call each other, once somebody asks (``recursive_groups``).
    """

    def __init__(
        self, name: str, builtins: dict[str, Any], variables: dict[str, Any] | None = None
    ) -> None:
        self.name = name
        self.builtins = builtins
        self.variables: dict[str, Any] = {} if variables is None else variables
        self.variables.update({"__name__": name, "__builtins__": builtins, " namespace": self})
        self.watchers: dict[str, list[Callable[[], None]]] = {}
        self.links: dict[str, tuple[Namespace, str]] = {}
        self.followers: dict[str, list[tuple[weakref.ref[Namespace], str]]] = {}
        self.units: weakref.WeakSet[Any] = weakref.WeakSet()
        self.session: Any = None
        self.groups: Any = None

    def define(self, name: str, value: Any) -> None:
        """Define or redefine a variable; an imported one becomes the namespace's own."""
        self.links.pop(name, None)
        self._assign(name, value)

    def _assign(self, name: str, value: Any) -> None:
        hides_primitive = name in self.builtins and name not in self.variables
        previous = self.variables.get(name)
        if previous is value and value.__class__ is TensorVariable:
            return
        self.variables[name] = value
        if is_on_ints(previous) and previous is not value:
            load("eshkol.codegen.redefinition:forget_ints")(previous)
        if hides_primitive:
            self._forget_primitive(name)
        if name in self.watchers:
            self._tell(name)
        for reference, alias in self.followers.get(name, ()):
            follower = reference()
            if follower is not None and follower.links.get(alias) == (self, name):
                follower._assign(alias, value)

    def _forget_primitive(self, name: str) -> None:
        units = [unit for unit in list(self.units) if name in unit.primitives]
        if units:
            load("eshkol.codegen.redefinition:forget_primitive")(name, units, self.variables)

    def set(self, name: str, value: Any) -> None:
        """Assign a variable that exists; an imported one is assigned in its home.

        Raises:
            UnboundVariable: if it doesn't.
        """
        if name in self.links:
            home, own_name = self.links[name]
            home.set(own_name, value)
            return
        if name not in self.variables and name not in self.builtins:
            from eshkol.runtime.report import unbound

            raise unbound(name, self.variables, who="set!: ")
        self._assign(name, value)

    def link(self, alias: str, home: Namespace, name: str) -> None:
        """Make ``alias`` the variable ``name`` of the namespace ``home``, now and from now on."""
        if home is self and alias == name:
            return
        self.links[alias] = (home, name)
        followers = home.followers.setdefault(name, [])
        follower = (weakref.ref(self), alias)
        if follower not in followers:
            followers.append(follower)
        if home.is_bound(name):
            self._assign(alias, home.get(name))
        else:
            self.variables.pop(alias, None)

    def origin(self, name: str) -> tuple[Namespace, str]:
        """The namespace that defines a variable seen here as ``name``, and its name there."""
        home: Namespace = self
        while name in home.links:
            home, name = home.links[name]
        return home, name

    def remove(self, name: str) -> None:
        """Take a variable away; a primitive of this name is visible again."""
        self.links.pop(name, None)
        previous = self.variables.pop(name)
        if is_on_ints(previous):
            load("eshkol.codegen.redefinition:forget_ints")(previous)
        if name in self.watchers:
            self._tell(name)

    def watch(self, name: str, changed: Callable[[], None]) -> None:
        """Call ``changed`` once, after the next definition or assignment of ``name``."""
        self.watchers.setdefault(name, []).append(changed)

    def _tell(self, name: str) -> None:
        for changed in self.watchers.pop(name, ()):
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
        from eshkol.runtime.report import unbound

        raise unbound(name, self.variables)

    def is_defined(self, name: str) -> bool:
        """Whether the program itself has defined ``name``."""
        return name in self.variables

    def is_bound(self, name: str) -> bool:
        """Whether ``name`` has a value here, as a variable or a primitive."""
        return name in self.variables or name in self.builtins

    def names(self) -> Iterator[str]:
        """The names of all variables and primitives a program can see."""
        for table in (self.variables, self.builtins):
            for name in table:
                if not name.startswith((" ", "__")) and not self._is_alias(name):
                    yield name

    def _is_alias(self, name: str) -> bool:
        """Whether ``name`` is what only expanded macros of other modules call a variable."""
        return " of " in name and name in self.links
