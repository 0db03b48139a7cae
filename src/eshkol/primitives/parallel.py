"""Procedures that run in threads beside the program, and give what they would give in order.

While a program is staged they run one after another: the compiled program is parallel anyway.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Sequence
from typing import Any

from eshkol.datum.pairs import scheme_list
from eshkol.datum.records import Promise
from eshkol.datum.values import UNSPECIFIED, Unspecified
from eshkol.primitives.arguments import is_true, procedure_argument, wrong_type
from eshkol.primitives.calling import DIALECT, callee
from eshkol.primitives.declare import primitive
from eshkol.primitives.dynamic import STATE, traced_depth
from eshkol.primitives.list_procedures import elements_argument, rows
from eshkol.primitives.lists import List
from eshkol.primitives.promises import VALUE

MOST_THREADS = 32


def _must_follow() -> bool:
    """Whether the program is being staged or traced, which belongs to one thread."""
    return DIALECT.resolve is not None or bool(traced_depth())


def _in_this_context(call: Callable[..., Any]) -> Callable[..., Any]:
    """``call`` for another thread, with the parameters that are bound here."""
    parameters = STATE.parameters

    def run(*arguments: Any) -> Any:
        STATE.parameters = parameters
        return call(*arguments)

    return run


def _all(call: Callable[..., Any], rows: Sequence[Sequence[Any]]) -> list[Any]:
    """What ``call`` gives for each row of arguments, or the first error in this order."""
    if len(rows) < 2 or _must_follow():
        return [call(*row) for row in rows]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(len(rows), MOST_THREADS)) as executor:
        running = [executor.submit(_in_this_context(call), *row) for row in rows]
        try:
            return [each.result() for each in running]
        finally:
            executor.shutdown(cancel_futures=True)


def _rows(who: str, items: Any, lists: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    if lists:
        return [tuple(row) for row in rows(who, (items, *lists))]
    return [(item,) for item in elements_argument(who, items)]


@primitive("parallel-map")
def parallel_map(procedure: Any, items: List, *lists: List) -> List:
    """As ``map``, the calls running side by side in threads.

    Example: ``(parallel-map (lambda (x) (* x x)) '(1 2 3))`` ⇒ ``(1 4 9)``.
    """
    call = callee(procedure_argument("parallel-map", procedure))
    return scheme_list(_all(call, _rows("parallel-map", items, lists)))


@primitive("parallel-for-each")
def parallel_for_each(procedure: Any, items: List, *lists: List) -> Unspecified:
    """As ``for-each``, the calls running side by side in threads, in any order.

    Example: ``(let ((v (make-vector 3 0))) (parallel-for-each (lambda (k) (vector-set! v k (* k
    k))) '(0 1 2)) v)`` ⇒ ``#(0 1 4)``.
    """
    call = callee(procedure_argument("parallel-for-each", procedure))
    _all(call, _rows("parallel-for-each", items, lists))
    return UNSPECIFIED


@primitive("parallel-filter")
def parallel_filter(predicate: Any, items: List) -> List:
    """As ``filter``, the calls of the predicate running side by side in threads.

    Example: ``(parallel-filter odd? '(1 2 3))`` ⇒ ``(1 3)``.
    """
    call = callee(procedure_argument("parallel-filter", predicate))
    given = elements_argument("parallel-filter", items)
    kept = _all(call, [(item,) for item in given])
    return scheme_list(
        [item for item, is_kept in zip(given, kept, strict=True) if is_true(is_kept)]
    )


@primitive("parallel-fold")
def parallel_fold(procedure: Any, initial: Any, items: List) -> Any:
    """As ``fold`` with ``(procedure accumulator element)``, in order: each call needs the last.

    Example: ``(parallel-fold + 0 '(1 2 3))`` ⇒ ``6``.
    """
    call = callee(procedure_argument("parallel-fold", procedure))
    for item in elements_argument("parallel-fold", items):
        initial = call(initial, item)
    return initial


@primitive("parallel-execute")
def parallel_execute(*thunks: Any) -> List:
    """The list of what procedures of no arguments give, which run side by side in threads.

    Example: ``(parallel-execute (lambda () 1) (lambda () 2))`` ⇒ ``(1 2)``.
    """
    calls = [callee(procedure_argument("parallel-execute", thunk)) for thunk in thunks]
    return scheme_list(_all(lambda call: call(), [(call,) for call in calls]))


class Task:
    """What a future waits for: a call that runs in a thread of its own."""

    __slots__ = ("error", "is_done", "value")

    def __init__(self, call: Callable[[], Any]) -> None:
        self.error: BaseException | None = None
        self.value: Any = None
        self.is_done = threading.Event()
        run = _in_this_context(call)

        def work() -> None:
            try:
                self.value = run()
            except BaseException as error:  # it is raised where the value is asked for
                self.error = error
            finally:
                self.is_done.set()

        threading.Thread(target=work, name="future", daemon=True).start()

    def wait(self) -> Any:
        """The value, or the error, when it is there."""
        self.is_done.wait()
        if self.error is not None:
            raise self.error
        return self.value


def make_future(thunk: Any) -> Promise:
    """What the form ``future`` makes: a promise of what ``thunk`` gives, called in a thread.

    If that is a procedure that takes no arguments, it is called too.
    """
    call = callee(thunk)

    def work() -> Any:
        value = call()
        return value() if _takes_nothing(value) else value

    if _must_follow():
        return Promise(VALUE, work())
    return Promise(Promise.DELAYED, Task(work).wait)


def _takes_nothing(value: Any) -> bool:
    """Whether ``value`` is a procedure without parameters, on whatever engine."""
    return hasattr(value, "__code__") and not inspect.signature(value).parameters


@primitive("future-ready?")
def is_future_ready(future: Any) -> bool:
    """Whether ``force`` of a future would not wait.

    Example: ``(let ((f (future (* 6 7)))) (force f) (future-ready? f))`` ⇒ ``#t``.
    """
    if future.__class__ is not Promise:
        raise wrong_type("future-ready?", "a future", future)
    state, _, thunk = future.box
    task = getattr(thunk, "__self__", None)
    return state is VALUE or (isinstance(task, Task) and task.is_done.is_set())
