"""Scopes and bindings.

An identifier is a symbol with a set of scopes. A binding is stored under a name and a scope set;
an identifier refers to the binding with the largest scope set that is a subset of its own. Each
binding is kept by the newest of its scopes, so that bindings live as long as their scopes do.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from eshkol.base.errors import ExpandError
from eshkol.core.nodes import Node, Variable
from eshkol.syntax.objects import Scopes, Syntax

_ages = itertools.count()


class Scope:
    """A region of the program in which bindings are visible."""

    __slots__ = ("age", "bindings")

    def __init__(self) -> None:
        self.age = next(_ages)
        self.bindings: dict[str, list[tuple[Scopes, Binding]]] = {}


class ModuleScope(Scope):
    """The scope of all that is read for one module; it tells whose an identifier is."""

    __slots__ = ("module",)

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = module


class UseSiteScope(Scope):
    """The scope of what is given to a macro in the body that defines the macro.

    There the template and the use stand in the same scopes: without this one, a variable that the
    use names and the template binds would capture those that the template mentions.
    """

    __slots__ = ("body",)

    def __init__(self, body: Scope) -> None:
        super().__init__()
        self.body = body


@dataclass(frozen=True, slots=True)
class LocalBinding:
    """A local variable."""

    variable: Variable


@dataclass(frozen=True, slots=True)
class GlobalBinding:
    """A top-level variable: the namespace that defines it, and its name there."""

    module: Any
    name: str


@dataclass(frozen=True, slots=True)
class CoreForm:
    """A form that the expander itself knows; ``usage`` is its grammar as shown to people."""

    name: str
    usage: str
    expand: Callable[[Any, Syntax, Any], Node]


@dataclass(frozen=True, slots=True)
class Macro:
    """A syntax transformer.

    ``body`` is the scope of the body or module that defines it; ``usage`` is the grammar of a form
    of the language that is made of other forms.
    """

    name: str
    transform: Callable[[Syntax, Any], Syntax]
    body: Scope
    usage: str = ""


Binding = LocalBinding | GlobalBinding | CoreForm | Macro


def bind(identifier: Syntax, binding: Binding) -> None:
    """Bind ``identifier`` (its name under its scope set) to ``binding``."""
    newest = max(identifier.scopes, key=lambda scope: scope.age)
    entries = newest.bindings.setdefault(identifier.name, [])
    entries[:] = [entry for entry in entries if entry[0] != identifier.scopes]
    entries.append((identifier.scopes, binding))


def defined_name(identifier: Syntax, body: Scope) -> Syntax:
    """``identifier`` as a definition in ``body`` binds it: for all of it, wherever it came from."""
    site = {s for s in identifier.scopes if isinstance(s, UseSiteScope) and s.body is body}
    if not site:
        return identifier
    return Syntax(identifier.datum, identifier.span, identifier.scopes - site, identifier.trail)


def home_of(identifier: Syntax) -> Any:
    """The module in whose text ``identifier`` stands; None if it comes from none."""
    for scope in identifier.scopes:
        if scope.__class__ is ModuleScope:
            return scope.module
    return None


def resolve(identifier: Syntax) -> Binding | None:
    """What ``identifier`` refers to; None if nothing binds it.

    Raises:
        ExpandError: if two bindings fit and neither is more specific.
    """
    scopes = identifier.scopes
    name = identifier.name
    best: tuple[Scopes, Binding] | None = None
    candidates = []
    for scope in scopes:
        for entry in scope.bindings.get(name, ()):
            if entry[0] <= scopes:
                candidates.append(entry)
                if best is None or len(entry[0]) > len(best[0]):
                    best = entry
    if best is None:
        return None
    if not all(entry[0] <= best[0] for entry in candidates):
        raise ExpandError(f"{name} is ambiguous: several bindings fit it", span=identifier.span)
    return best[1]


def same_binding(a: Syntax, b: Syntax) -> bool:
    """Whether two identifiers mean the same: one binding, or none and one name."""
    binding = resolve(a)
    other = resolve(b)
    if binding is None and other is None:
        return a.name == b.name
    return binding is other or (isinstance(binding, GlobalBinding) and binding == other)
