"""Modules as the expander sees them: whose variable an identifier of which module's text means.

A macro of one module may expand in another; the identifiers that it introduces carry the scope of
the module they were written in. A top-level variable of a module of its own is known by its name;
one of another module becomes an *alias*, ``name of other-module``, which the importing namespace
links to the variable. Primitives have the same name everywhere, unless a module defines the name.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, Protocol, TypeGuard

from eshkol.base.errors import ExpandError
from eshkol.core.nodes import Call, GlobalRef, Node
from eshkol.core.walk import rebuild
from eshkol.datum.symbols import intern
from eshkol.expand.scopes import (
    Binding,
    GlobalBinding,
    LocalBinding,
    Scope,
    bind,
    home_of,
    resolve,
)
from eshkol.syntax.objects import Syntax
from eshkol.syntax.scopes import ScopeSet


class Variables(Protocol):
    """What the expander needs of the namespace that programs run in."""

    name: str
    builtins: dict[str, Any]

    def is_defined(self, name: str) -> bool:
        """Whether there is a variable ``name``, primitives aside."""

    def link(self, alias: str, home: Any, name: str) -> None:
        """Make ``alias`` the variable ``name`` of another namespace."""

    def origin(self, name: str) -> tuple[Any, str]:
        """The namespace that defines a variable, and its name there."""


def visible_name(identifier: Syntax) -> str:
    """The name of a top-level variable.

    Raises:
        ExpandError: for one that is like the hidden names of the runtime.
    """
    if identifier.name.startswith(" "):
        raise ExpandError(
            "the name of a top-level variable can't start with a space", span=identifier.span
        )
    return identifier.name


def hidden_name(primitive: str) -> str:
    """The name by which a primitive is known whatever a program defines (see ``support``)."""
    return f" {primitive}"


class Library(Protocol):
    """What the expander needs of a library that a program imports.

    Attributes:
        title: what messages call it.
        namespace: its variables.
        exports: the names it exports, and what it calls them itself.
    """

    @property
    def title(self) -> str: ...

    @property
    def namespace(self) -> Any: ...

    @property
    def exports(self) -> dict[str, str]: ...

    def syntax(self, name: str) -> Binding | None:
        """The macro or core form that the library calls ``name``; None for a variable."""


class Surroundings(Protocol):
    """What the expander needs of whoever runs the programs that it expands."""

    def has_library(self, name: tuple[str, ...], syntax: Syntax) -> bool:
        """Whether there is a library of this name, as the program at ``syntax`` sees it."""

    def read_included(self, name: Syntax, fold_case: bool) -> list[Syntax]:
        """The forms of the file that the string ``name`` names, as they come from the reader."""

    def evaluate_early(self, node: Node) -> Any:
        """The value of an expression or definition, which runs before the program does."""


Finder = Callable[[str | tuple[str, ...], Syntax], Library]
"""Gives the library with a name (a string is a file name); errors point at the syntax object."""


class Module:
    """The top level of a module that is being expanded: its scope, its variables, its exports.

    Args:
        variables: the namespace in which the module runs.
        find_library: finds what ``import`` names.
        outer: the scope that the module stands in.

    Attributes:
        scopes: the scopes of the identifiers of its text.
        links: ``(alias, namespace, name)`` of the variables of other namespaces that were
            imported or are mentioned by expansions of imported macros.
        is_linking: whether links are made; not while a text is expanded for its macros alone.
        defined: the names defined at top level, macros included.
        provided: what ``provide`` forms export: ``(syntax, exported name, own name)``; None if
            there are none.
    """

    def __init__(self, variables: Variables, find_library: Finder, outer: Scope) -> None:
        self.variables = variables
        self.find_library = find_library
        self.outer = outer
        self.scope = Scope(self)
        self.scopes = ScopeSet.of([outer, self.scope])
        self.links: dict[tuple[str, str, str], tuple[str, Any, str]] = {}
        self.is_linking = True
        self.defined: dict[str, None] = {}
        self.provided: list[tuple[Syntax, str, str]] | None = None
        self.renamed: dict[str, int] = {}
        self.borrowed: dict[str, list[tuple[GlobalRef, Module | None]]] = {}
        self.dotted: dict[str, list[Call]] = {}

    def scoped(self, form: Syntax) -> Syntax:
        """``form`` as it comes from the reader, as part of this module."""
        return form.add_scope(self.outer).add_scope(self.scope)

    def identifier(self, name: str) -> Syntax:
        """``name`` as an identifier of the module's text."""
        return Syntax(intern(name), scopes=self.scopes)

    # ---- definitions

    def define_global(self, identifier: Syntax) -> str:
        """Bind a top-level variable; one that a macro introduced gets a name of its own."""
        name = visible_name(identifier)
        if identifier.scopes != self.scopes:
            existing = resolve(identifier)
            if self._is_own(existing) and existing.name.startswith(f"{name}."):
                return existing.name
            self.renamed[name] = self.renamed.get(name, 0) + 1
            name = f"{name}.{self.renamed[name]}"
        self.note_definition(identifier)
        bind(identifier, GlobalBinding(self.variables, name))
        return name

    def note_definition(self, identifier: Syntax) -> None:
        """Remember a definition, unless a macro introduced its name."""
        if identifier.scopes == self.scopes:
            self.defined[identifier.name] = None

    def _is_own(self, binding: Binding | None) -> TypeGuard[GlobalBinding]:
        return isinstance(binding, GlobalBinding) and binding.module is self.variables

    # ---- references

    def global_reference(self, identifier: Syntax, binding: Binding | None) -> GlobalRef:
        """A reference to a top-level variable, of this or another module, or to a primitive."""
        if binding is None and home_of(identifier) is None:
            return self._primitive_reference(identifier)
        home = self._home(identifier, binding)
        name = home.own_name(identifier, binding)
        if home is self:
            return GlobalRef(identifier.span, name)
        if home.is_primitive(name) and self.is_primitive(name):
            node = GlobalRef(identifier.span, name)
            self.borrowed.setdefault(name, []).append((node, home))
            return node
        return GlobalRef(identifier.span, self.alias(home, name))

    def _primitive_reference(self, identifier: Syntax) -> GlobalRef:
        """What a form of the language itself mentions: a primitive, whatever the program defines.

        The hidden names of the runtime, which begin with a space, may be mentioned too.
        """
        name = identifier.name
        if name.startswith(" "):
            return GlobalRef(identifier.span, name)
        if not self.is_primitive(name):
            return GlobalRef(identifier.span, hidden_name(name))
        node = GlobalRef(identifier.span, name)
        self.borrowed.setdefault(name, []).append((node, None))
        return node

    def name_to_set(self, identifier: Syntax, binding: Binding | None) -> str:
        """The name under which a top-level variable is assigned here."""
        home = self._home(identifier, binding)
        name = home.own_name(identifier, binding)
        return name if home is self else self.alias(home, name)

    def _home(self, identifier: Syntax, binding: Binding | None) -> Module:
        return self if self._is_own(binding) else home_of(identifier) or self

    def own_name(self, identifier: Syntax, binding: Binding | None) -> str:
        """What this module calls the variable that an identifier of its text means."""
        return binding.name if self._is_own(binding) else visible_name(identifier)

    def is_primitive(self, name: str) -> bool:
        """Whether ``name`` means a primitive in this module, as far as it is expanded."""
        is_own = name in self.defined or self.variables.is_defined(name)
        return name in self.variables.builtins and not is_own

    def note_dotted(self, identifier: Syntax, node: Call) -> None:
        """Remember what a name with dots was taken for: the program may define it later on."""
        if (home_of(identifier) or self) is self:
            self.dotted.setdefault(identifier.name, []).append(node)

    def return_borrowed(self, nodes: list[Node]) -> list[Node]:
        """Where macros of other modules, or of the language, mean primitives whose names this
        program has defined since they were expanded, make them mean those primitives again."""
        changed: dict[int, Node] = {
            id(node): GlobalRef(
                node.span, self.alias(home, name) if home is not None else hidden_name(name)
            )
            for name, uses in self.borrowed.items()
            if name in self.defined
            for node, home in uses
        }
        for name in self.dotted.keys() & self.defined.keys():
            changed.update((id(node), GlobalRef(node.span, name)) for node in self.dotted[name])
        self.borrowed.clear()
        self.dotted.clear()
        if not changed:
            return nodes

        def change(node: Node) -> Node:
            return changed.get(id(node)) or rebuild(node, change)

        return [change(node) for node in nodes]

    # ---- links

    def alias(self, home: Module, name: str) -> str:
        """What this module calls a variable of another; no program can write such a name."""
        origin = home.variables.origin(name)
        for number in itertools.count(1):
            # Two modules may have one name, and each a variable of this name.
            alias = f"{name} of {home.variables.name}" + (f" {number}" if number > 1 else "")
            taken = self.variables.origin(alias)
            if taken in (origin, (self.variables, alias)):
                break
        self.link(alias, home.variables, name)
        return alias

    def link(self, alias: str, variables: Any, name: str) -> None:
        """Make ``alias`` a variable of another namespace."""
        key = (alias, variables.name, name)
        if self.is_linking and key not in self.links:
            self.links[key] = (alias, variables, name)
            self.variables.link(alias, variables, name)

    def take(self, alias: str, library: Library, name: str) -> None:
        """Import what ``library`` calls ``name`` as ``alias``."""
        binding = library.syntax(name)
        if binding is None and alias == name and self._is_same_primitive(library, name):
            return
        if binding is not None and binding is resolve(self.identifier(alias)):
            return
        if binding is None:
            binding = GlobalBinding(*library.namespace.origin(name))
            self.links.pop((alias, library.namespace.name, name), None)
            self.link(alias, library.namespace, name)
        bind(self.identifier(alias), binding)

    def _is_same_primitive(self, library: Library, name: str) -> bool:
        return self.is_primitive(name) and not library.namespace.is_defined(name)

    # ---- exports

    def exports(self) -> dict[str, str]:
        """The exported names and what the module calls them: all definitions, or those provided.

        Raises:
            ExpandError: if something is provided that isn't there.
        """
        if self.provided is None:
            return {name: name for name in self.defined}
        for syntax, _, name in self.provided:
            is_bound = self.variables.is_defined(name) or name in self.variables.builtins
            if not is_bound and resolve(self.identifier(name)) is None:
                raise ExpandError(
                    f"provide: {name} is neither defined nor imported here", span=syntax.span
                )
        return {exported: name for _, exported, name in self.provided}

    def syntax(self, name: str) -> Binding | None:
        """The macro or core form that the module calls ``name``; None for a variable."""
        binding = resolve(self.identifier(name))
        return None if isinstance(binding, GlobalBinding | LocalBinding) else binding
