"""Promises and streams (R7RS 4.2.5).

A chain of promises made by ``delay-force`` is followed by a loop and shares one box, so that it
takes constant space however long it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eshkol.base.errors import BadValue
from eshkol.datum.pairs import NIL, Pair, cons, scheme_list
from eshkol.datum.records import Promise
from eshkol.datum.values import ABSENT, UNSPECIFIED, Unspecified
from eshkol.primitives.arguments import procedure_argument, size_argument, wrong_type
from eshkol.primitives.calling import DIALECT, callee
from eshkol.primitives.declare import load, primitive
from eshkol.primitives.list_search import predicate_argument
from eshkol.primitives.lists import List

VALUE, DELAYED, CHAINED = Promise.VALUE, Promise.DELAYED, Promise.CHAINED


def delay(thunk: Any) -> Promise:
    """What the form ``delay`` makes: a promise of what ``thunk`` gives."""
    return _made(Promise(DELAYED, thunk))


def delay_force(thunk: Any) -> Promise:
    """What the form ``delay-force`` makes: a promise of what the promise that ``thunk`` gives is
    of."""
    return _made(Promise(CHAINED, thunk))


def _made(promise: Promise) -> Promise:
    """A new promise; a program that is staged follows what becomes of it."""
    if DIALECT.resolve is not None:
        load("eshkol.xla.journal:note_made")(promise.box)
    return promise


@primitive("make-promise")
def make_promise(value: Any) -> Promise:
    """A promise of a value; a promise is itself. Example: ``(force (make-promise 5))`` ⇒ ``5``."""
    return value if value.__class__ is Promise else Promise(VALUE, value)


@primitive("promise?")
def is_promise(value: Any) -> bool:
    """Whether the value is a promise. Example: ``(promise? (delay (car '())))`` ⇒ ``#t``."""
    return value.__class__ is Promise


@primitive("force")
def force(promise: Any) -> Any:
    """The value of a promise, computed when it is first asked for; another value is given back.

    Example: ``(let ((p (delay (+ 1 2)))) (list (force p) (force p) (force 'x)))`` ⇒ ``(3 3 x)``.
    """
    if DIALECT.resolve is not None:
        return load("eshkol.xla.promises:force")(promise)
    if promise.__class__ is not Promise:
        return promise
    while True:
        state, value, thunk = promise.box
        if state is VALUE:
            return value
        result = callee(thunk)()
        box = promise.box
        if box[0] is VALUE:  # it was forced by what it waited for
            return box[1]
        if state is DELAYED:
            box[:] = VALUE, result, ABSENT
            return result
        inner = promise_argument(result)
        box[:] = inner.box
        inner.box = box


def promise_argument(value: Any) -> Promise:
    """What a procedure that ``delay-force`` was given gave: a promise."""
    if value.__class__ is Promise:
        return value
    raise wrong_type("delay-force", "a promise", value, "use delay for any other value")


# ---- streams


@primitive("stream-pair?")
def is_stream_pair(value: Any) -> bool:
    """Whether the value is a pair whose rest is a promise, as ``cons-stream`` makes them.

    Example: ``(stream-pair? (cons-stream 1 '()))`` ⇒ ``#t``.
    """
    return value.__class__ is Pair and value.cdr.__class__ is Promise


@primitive("stream-car", "stream-first")
def stream_car(stream: Any) -> Any:
    """The first element of a stream. Example: ``(stream-car (cons-stream 1 '()))`` ⇒ ``1``."""
    return _stream_argument("stream-car", stream).car


@primitive("stream-cdr", "stream-rest")
def stream_cdr(stream: Any) -> Any:
    """The rest of a stream, computed when it is first asked for.

    Example: ``(stream-car (stream-cdr (cons-stream 1 (cons-stream 2 '()))))`` ⇒ ``2``.
    """
    return force(_stream_argument("stream-cdr", stream).cdr)


@primitive("stream-null?", "empty-stream?")
def is_empty_stream(value: Any) -> bool:
    """Whether the value is the empty stream, which is the empty list.

    Example: ``(stream-null? '())`` ⇒ ``#t``.
    """
    return value is NIL


@primitive("stream-head")
def stream_head(stream: Any, count: int) -> List:
    """The list of the first elements of a stream.

    Example:
        ``(letrec ((from (lambda (n) (cons-stream n (from (+ n 1)))))) (stream-head (from 1) 3))``
        ⇒ ``(1 2 3)``.
    """
    items = []
    for _ in range(size_argument("stream-head", count)):
        items.append(_stream_argument("stream-head", stream).car)
        stream = force(stream.cdr)
    return scheme_list(items)


@primitive("stream-tail")
def stream_tail(stream: Any, count: int) -> Any:
    """A stream without its first elements.

    Example: ``(define (from n) (cons-stream n (from (+ n 1)))) (stream-car (stream-tail
    (from 0) 5))`` ⇒ ``5``.
    """
    for _ in range(size_argument("stream-tail", count)):
        stream = force(_stream_argument("stream-tail", stream).cdr)
    return stream


@primitive("stream-ref")
def stream_ref(stream: Any, index: int) -> Any:
    """An element of a stream by its position from 0.

    Example: ``(define (from n) (cons-stream n (from (+ n 1)))) (stream-ref (from 0) 5)``
    ⇒ ``5``.
    """
    return _stream_argument("stream-ref", stream_tail(stream, index)).car


@primitive("stream->list")
def stream_to_list(stream: Any, count: Any = None) -> List:
    """The list of the elements of a stream that ends, or of at most so many.

    Example: ``(stream->list (cons-stream 1 (cons-stream 2 '())))`` ⇒ ``(1 2)``.
    """
    most = None if count is None else size_argument("stream->list", count)
    items: list[Any] = []
    while stream is not NIL and len(items) != most:
        items.append(_stream_argument("stream->list", stream).car)
        stream = force(stream.cdr)
    return scheme_list(items)


@primitive("stream-map")
def stream_map(procedure: Any, stream: Any, *streams: Any) -> Any:
    """The stream of what a procedure gives for the elements, computed when they are asked for.

    With several streams the procedure takes an element of each; the shortest one decides.

    Example: ``(define (from n) (cons-stream n (from (+ n 1)))) (stream-head (stream-map square
    (from 1)) 3)`` ⇒ ``(1 4 9)``.
    """
    call = callee(procedure_argument("stream-map", procedure))
    return _mapped(call, (stream, *streams))


def _mapped(call: Any, streams: tuple[Any, ...]) -> Any:
    if any(stream is NIL for stream in streams):
        return NIL
    pairs = [_stream_argument("stream-map", stream) for stream in streams]
    first = call(*(pair.car for pair in pairs))
    return cons(first, delay(lambda: _mapped(call, tuple(force(pair.cdr) for pair in pairs))))


@primitive("stream-filter")
def stream_filter(predicate: Any, stream: Any) -> Any:
    """The stream of the elements for which the predicate holds; it looks for them when asked.

    Example: ``(define (from n) (cons-stream n (from (+ n 1)))) (stream-head (stream-filter even?
    (from 1)) 3)`` ⇒ ``(2 4 6)``.
    """
    return _filtered(predicate_argument("stream-filter", predicate), stream)


def _filtered(is_wanted: Callable[[Any], bool], stream: Any) -> Any:
    while stream is not NIL:
        pair = _stream_argument("stream-filter", stream)
        if is_wanted(pair.car):
            return cons(pair.car, _later_filtered(is_wanted, pair.cdr))
        stream = force(pair.cdr)
    return NIL


def _later_filtered(is_wanted: Callable[[Any], bool], rest: Any) -> Promise:
    return delay(lambda: _filtered(is_wanted, force(rest)))


@primitive("stream-for-each")
def stream_for_each(procedure: Any, stream: Any) -> Unspecified:
    """Call a procedure with each element of a stream that ends, in order.

    Example: ``(with-output-to-string (lambda () (stream-for-each display (cons-stream 1
    (cons-stream 2 '())))))`` ⇒ ``"12"``.
    """
    call = callee(procedure_argument("stream-for-each", procedure))
    while stream is not NIL:
        call(_stream_argument("stream-for-each", stream).car)
        stream = force(stream.cdr)
    return UNSPECIFIED


def _stream_argument(who: str, value: Any) -> Pair:
    if is_stream_pair(value):
        return value
    if value is NIL:
        raise BadValue(f"{who}: the stream has ended")
    raise wrong_type(who, "a stream", value, "a stream is made by (cons-stream first rest)")
