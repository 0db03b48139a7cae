"""What a procedure that is differentiated writes outside of it.

Values that outlive a derivative count as plain values (``outlived``). Compiled code knows what was
written and makes plain values of it when the procedure ends (:class:`Lasting`). Eager code does
not: there a tensor primitive that JAX refuses to give a value of a derivative that is over takes
the plain value instead (:func:`again`). The lanes of a ``vmap`` have no one value to write
(:class:`Lanes`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from eshkol.base.errors import StagingError, WrongType
from eshkol.datum.pairs import Pair, scheme_list, spine
from eshkol.datum.values import Vector
from eshkol.datum.variables import TensorVariable
from eshkol.xla import journal
from eshkol.xla.outlived import is_of, open_traces, settled
from eshkol.xla.tensors import Tracer
from eshkol.xla.trees import flatten, flatten_with_containers, unflatten


class Lasting(journal.Frame):
    """The writes of a procedure that is differentiated; when it ends they are plain values.

    Args:
        who: the operator, for messages.
        traces: that are open outside of it.
        is_first: whether what it writes stays; it is undone of a procedure that is run again.
    """

    def __init__(self, who: str, traces: Sequence[Any], is_first: bool = True) -> None:
        super().__init__()
        self.who = who
        self.traces = traces
        self.is_first = is_first

    def __exit__(self, *problem: object) -> None:
        if not self.is_first:
            super().__exit__(*problem)
            return
        self.leave()
        places = self.written()
        for place, held in zip(places, journal.contents(places), strict=True):
            if _holds_tracers(held):
                self._settle(place, held)

    def _settle(self, place: Any, held: Any) -> None:
        try:
            leaves, structure = flatten(held)
        except WrongType:  # it contains itself; so it was made inside, for all that is known
            return
        plain = [settled(leaf, self.traces) for leaf in leaves]
        if any(isinstance(leaf, Tracer) and not is_of(leaf, self.traces) for leaf in plain):
            if place.__class__ not in (list, TensorVariable):
                return  # it was made inside, for all that is known of containers
            raise StagingError(
                f"{self.who}: its procedure assigns {journal.shown(place)} a value that there is "
                f"only while {self.who} runs",
                hint="let the procedure give the value back",
            )
        if any(new is not old for new, old in zip(plain, leaves, strict=True)):
            journal.put(place, unflatten(structure, plain))


class Lanes(journal.Frame):
    """The writes of a procedure that is mapped, which can't be to what is outside of it.

    Args:
        function: the procedure.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function
        self._outside: set[int] | None = None

    def __exit__(self, *problem: object) -> None:
        self.leave()

    def note(self, place: Any) -> None:
        if id(place) in self.made or id(place) in self.before:
            return
        if place.__class__ in (list, TensorVariable) or id(place) in self.outside:
            raise StagingError(
                f"vmap: {journal.shown(place)} is outside of the procedure that is mapped, and "
                "can't be changed in it",
                hint="its lanes run at the same time: let the procedure give the value back, which "
                "is then a row\nfor each lane, or use map, which takes one after the other",
            )
        super().note(place)

    @property
    def outside(self) -> set[int]:
        """The containers that the procedure captured, by identity."""
        if self._outside is None:
            self._outside = set(map(id, flatten_with_containers(self.function)[2]))
        return self._outside


def _holds_tracers(held: Any) -> bool:
    """Whether the contents of a place may hold what a derivative computed."""
    return not all(part.__class__ in (int, float, bool, str) for part in held)


def again(rule: Callable[..., Any], arguments: Sequence[Any], options: dict[str, Any]) -> Any:
    """Call a tensor rule that was refused a value once more, with plain values.

    To be called where JAX's refusal is being handled, which is raised again if nothing changes.
    """
    traces = open_traces()
    plain = [_settled_nest(argument, traces) for argument in arguments]
    chosen = {name: _settled_nest(option, traces) for name, option in options.items()}
    given = [*arguments, *options.values()]
    if all(new is old for new, old in zip([*plain, *chosen.values()], given, strict=True)):
        raise
    return rule(*plain, **chosen)


def _settled_nest(value: Any, traces: Sequence[Any]) -> Any:
    """A value, or a vector or list, with plain values."""
    if value.__class__ is Vector:
        items = [_settled_nest(item, traces) for item in value]
        return Vector(items) if any(map(_differ, items, value)) else value
    if value.__class__ is Pair:
        parts, tail = spine(value)
        items = [_settled_nest(item, traces) for item in parts]
        return scheme_list(items, tail) if any(map(_differ, items, parts)) else value
    return settled(value, traces)


def _differ(new: Any, old: Any) -> bool:
    return new is not old
