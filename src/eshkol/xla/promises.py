"""Promises in staged programs: what is forced in a branch or a trip is known after it."""

from __future__ import annotations

from typing import Any

from eshkol.datum.records import Promise, PromiseBox
from eshkol.datum.values import ABSENT
from eshkol.primitives.calling import callee
from eshkol.primitives.promises import promise_argument
from eshkol.xla import journal
from eshkol.xla.unions import Union, dispatch


def force(promise: Any) -> Any:
    """The value of a promise, or of one of several; any other value is given back."""
    if promise.__class__ is Union:
        return dispatch(promise, force)
    if promise.__class__ is not Promise:
        return promise
    box, state = promise.box, promise.box[0]
    if state.__class__ is Union:
        return dispatch(state, lambda known: _forced(box, known))
    return _forced(box, state)


def _forced(box: PromiseBox, state: str) -> Any:
    """The value of the promise with this box, whose state is known here."""
    if state == Promise.VALUE:
        return box[1]
    result = callee(box[2])()
    if state == Promise.CHAINED:
        result = _inner_value(result)
    if box[0] == Promise.VALUE:  # it was forced by what it waited for
        return box[1]
    journal.note(box)
    box[:] = Promise.VALUE, result, ABSENT
    return result


def _inner_value(promise: Any) -> Any:
    """The value of the promise that a procedure which ``delay-force`` was given gave."""
    if promise.__class__ is Union:
        return dispatch(promise, _inner_value)
    return force(promise_argument(promise))
