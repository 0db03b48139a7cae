"""How much of a loop is kept for its gradient: ``keep-states`` and ``#:checkpoint``."""

from __future__ import annotations

import sys
from typing import Any

from eshkol.base.errors import BadValue
from eshkol.datum.symbols import Symbol
from eshkol.datum.write import short_string
from eshkol.primitives.arguments import index_argument
from eshkol.primitives.calling import callee
from eshkol.primitives.declare import load, primitive
from eshkol.primitives.points import Procedure, check_procedure, name_of, named


@primitive("keep-states")
def keep_states(function, *, checkpoint=None, max_trips=None):
    """A procedure whose compiled loops keep as much for their gradients as asked for.

    The gradient of a loop goes back through its trips, and needs the state before each of them.
    What is not kept is computed again. This matters only to loops that are compiled and whose
    number of trips is not known before they run; it changes no result.

    Args:
        function: the procedure.
        checkpoint: ``'log``: up to 32 states, or a mebibyte of them, whatever the number of
            trips; 15,000 trips are run at most 4 times more, a million 7 times. An exact integer:
            so many states. ``'all``: every state, which takes the least time.
        max_trips: for how many trips ``'all`` has room, which compiled code has to know; a loop
            that makes more keeps few states. With it and no ``checkpoint`` all states are kept;
            without either, the default is ``'log``.

    Returns:
        The procedure, which computes what ``function`` does.

    Example:
        ``(gradient (keep-states (lambda (x) (do ((y x (* x y))) ((> y 9) y))) #:max-trips 100)
        2.0)`` ⇒ ``32.0``.
    """
    return keeping("keep-states", function, checkpoint, max_trips)


def keeping(who: str, function: Procedure, checkpoint: Any, max_trips: Any) -> Procedure:
    """``function`` with these options of ``who`` for its loops; as it is if there are none."""
    check_procedure(who, function)
    if checkpoint is None and max_trips is None:
        return function
    bound = None if max_trips is None else index_argument(who, max_trips)
    if bound is not None and bound < 1:
        raise BadValue(f"{who}: #:max-trips is a positive exact integer, got {bound}")
    # As texts they are a part of what is compiled, not of its input.
    what = str(_checkpoint(who, "all" if checkpoint is None else checkpoint))
    trips = "" if bound is None else str(bound)

    def kept(*arguments: Any, **options: Any) -> Any:
        run = callee(function)
        if "eshkol.xla" not in sys.modules:
            # Nothing is compiled where the tensor engine is not loaded.
            return run(*arguments, **options)
        return load("eshkol.xla.loop_states:kept")(run, what, trips, *arguments, **options)

    kept.eshkol_operand = function  # type: ignore[attr-defined]
    return named(kept, name_of(function))


def _checkpoint(who: str, value: Any) -> str | int:
    if isinstance(value, Symbol | str) and str(value) in ("all", "log"):
        return str(value)
    if value.__class__ is int and value > 0:
        return value
    raise BadValue(
        f"{who}: #:checkpoint is 'log, 'all or how many states to keep, got {short_string(value)}"
    )
