"""Variables and their locations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from eshkol.core.assignment import convert_assignments
from eshkol.core.loops import recognize_loops
from eshkol.core.nodes import Label, Variable
from eshkol.core.surroundings import loops_of
from eshkol.runtime.draw_paths import CallSites, Trips

if TYPE_CHECKING:
    from eshkol.core.nodes import Node
    from eshkol.runtime.namespace import Namespace


class Forms:
    """Top-level forms that are evaluated together.

    Attributes:
        sites: the calls in them, as they lead to random draws.
    """

    __slots__ = ("__weakref__", "sites")

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.sites = CallSites(lambda: nodes, lambda: loops_of(nodes, map(_compiled, nodes)))


def _compiled(node: Node) -> Node:
    """A form as compiled code knows it."""
    return recognize_loops(convert_assignments(node))


class Activation:
    """One call of a procedure: what its body and a trail of calls need to know of it.

    Attributes:
        name: the procedure's.
        namespace: where it was defined, in which it looks up top-level variables.
        site: of a procedure of the prelude, the call in the program that led to it and where that
            stands; errors in it are shown there. None for procedures of the program.
        forms: the top-level forms that it stands in.
        trips: of the loops in it that are going on.
    """

    __slots__ = ("forms", "name", "namespace", "site", "trips")

    def __init__(
        self,
        name: str,
        namespace: Namespace,
        forms: Forms,
        site: tuple[Node, Activation] | None = None,
        trips: Trips = (),
    ) -> None:
        self.trips = trips
        self.name = name
        self.namespace = namespace
        self.forms = forms
        self.site = site

    def in_loop(self, trips: Trips) -> Activation:
        """The same where these trips of loops are going on."""
        return Activation(self.name, self.namespace, self.forms, self.site, trips)


class Environment:
    """The locations of the variables in scope: some of its own, then those of ``outer``.

    A location holds the variable's value, or that of a loop's label (see ``evaluate``). A closure
    and a continuation keep the environment, so they share its locations.
    """

    __slots__ = ("activation", "outer", "values")

    def __init__(
        self,
        values: dict[Variable | Label, Any],
        outer: Environment | None,
        activation: Activation,
    ) -> None:
        self.values = values
        self.outer = outer
        self.activation = activation

    def extended(self, values: dict[Variable | Label, Any]) -> Environment:
        """This environment and fresh locations inside it."""
        return Environment(values, self, self.activation)

    def holder(self, variable: Variable | Label) -> dict[Variable | Label, Any]:
        """The table in which the location of ``variable`` is; the checker saw that there is one."""
        environment = self
        while variable not in environment.values:
            assert environment.outer is not None
            environment = environment.outer
        return environment.values

    def is_assigned(self, variable: Variable) -> bool:
        """Whether the program assigns ``variable`` somewhere."""
        environment = self
        while environment.outer is not None:
            environment = environment.outer
        return isinstance(environment, TopLevel) and variable in environment.assigned


class TopLevel(Environment):
    """The environment of the top-level forms of a program, which has no variables of its own.

    Attributes:
        assigned: the local variables that the program assigns.
    """

    __slots__ = ("assigned",)

    def __init__(self, activation: Activation, assigned: set[Variable]) -> None:
        super().__init__({}, None, activation)
        self.assigned = assigned
