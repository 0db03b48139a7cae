"""What a trip of a loop with several exits ends with."""

from __future__ import annotations

from typing import Any

import jax

from eshkol.base.errors import StagingError
from eshkol.xla.merging import ABSENT
from eshkol.xla.trees import Structure
from eshkol.xla.unions import narrowed


class Step:
    """What a trip of a loop ends with: the next values, or the loop's value."""

    __slots__ = ("goes_on", "value", "values")

    def __init__(self, goes_on: Any, values: Any, value: Any) -> None:
        self.goes_on = goes_on
        self.values = values
        self.value = value


jax.tree_util.register_pytree_node(
    Step,
    lambda step: ((step.goes_on, step.values, step.value), None),
    lambda _, parts: Step(*parts),
)


def done(value: Any) -> Step:
    """A trip that ends the loop with ``value``, as what it is known to be where the trip ends."""
    return Step(False, ABSENT, narrowed(value))


def is_step(structure: Structure) -> bool:
    """Whether something of this structure ends a trip."""
    return structure[0] == "registered" and structure[1].node_data()[0] is Step


class Parting(StagingError):
    """Branches of a trip end it in ways that no program can treat as one.

    Attributes:
        is_final: whether the loop was parted already, to no avail.
    """

    __qualname__, __module__ = StagingError.__qualname__, StagingError.__module__  # as it is shown

    is_final = False
