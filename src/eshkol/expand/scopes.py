"""Bindings, and what an identifier refers to.

An identifier is a symbol with a set of scopes. A binding is stored under a name and a scope set;
an identifier refers to the binding with the largest scope set that is a subset of its own. Each
binding is kept by the newest of its scopes, so that bindings live as long as their scopes do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from eshkol.base.errors import ExpandError
from eshkol.core.nodes import Node, Variable
from eshkol.syntax.objects import Syntax
from eshkol.syntax.scopes import Scope as Scope
from eshkol.syntax.scopes import ScopeSet


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


_times_bound: dict[str, int] = {}
"""How often each name was bound: what was found out about it before may not hold any more."""


def bind(identifier: Syntax, binding: Binding) -> None:
    """Bind ``identifier`` (its name under its scope set) to ``binding``."""
    name, scopes = identifier.name, identifier.scopes
    entries = scopes.newest.bindings.setdefault(name, [])
    entries[:] = [entry for entry in entries if entry[0] is not scopes]
    entries.append((scopes, binding))
    _times_bound[name] = _times_bound.get(name, 0) + 1


def defined_name(identifier: Syntax, body: Scope) -> Syntax:
    """``identifier`` as a definition in ``body`` binds it: for all of it, wherever it came from."""
    scopes = identifier.scopes
    for scope in identifier.scopes:
        if scope.age < body.age:
            break
        if isinstance(scope, UseSiteScope) and scope.body is body:
            scopes = scopes.changed(scope, is_flip=True)
    if scopes is identifier.scopes:
        return identifier
    return Syntax(identifier.datum, identifier.span, scopes, identifier.trail)


def home_of(identifier: Syntax) -> Any:
    """The module in whose text ``identifier`` stands; None if it comes from none."""
    return identifier.scopes.module


def resolve(identifier: Syntax) -> Binding | None:
    """What ``identifier`` refers to; None if nothing binds it.

    Raises:
        ExpandError: if two bindings fit and neither is more specific.
    """
    name = identifier.name
    found = identifier.scopes.found
    now = _times_bound.get(name, 0)
    known = found.get(name)
    if known is None or known[0] != now:
        known = found[name] = (now, _resolved(identifier, now))
    return known[1]


def _resolved(identifier: Syntax, now: int) -> Binding | None:
    name, scopes = identifier.name, identifier.scopes
    candidates: list[tuple[ScopeSet, Binding]] = []
    while scopes.newest is not None:
        for entry in scopes.newest.bindings.get(name, ()):
            if entry[0] is scopes:
                return _best([*candidates, entry], identifier)  # it contains all that is to come
            if entry[0] <= scopes:
                candidates.append(entry)
        scopes = scopes.rest
        if not candidates and name in scopes.found and scopes.found[name][0] == now:
            return scopes.found[name][1]
    return _best(candidates, identifier) if candidates else None


def _best(candidates: list[tuple[ScopeSet, Binding]], identifier: Syntax) -> Binding:
    best = max(candidates, key=lambda entry: entry[0].count)
    if not all(entry[0] <= best[0] for entry in candidates):
        raise ExpandError(
            f"{identifier.name} is ambiguous: several bindings fit it", span=identifier.span
        )
    return best[1]


def same_binding(a: Syntax, b: Syntax) -> bool:
    """Whether two identifiers mean the same: one binding, or none and one name."""
    binding = resolve(a)
    other = resolve(b)
    if binding is None and other is None:
        return a.name == b.name
    return binding is other or (isinstance(binding, GlobalBinding) and binding == other)
