"""Threads that define, compile, draw and fail in one session at the same time."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import jax.numpy as jnp
import pytest
from staged_sessions import assert_at_rest

from eshkol.base.errors import ShapeError
from eshkol.session import Session


@pytest.fixture(autouse=True)
def often() -> Iterator[None]:
    """Threads take turns as often as Python lets them."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def together(work: list[Callable[[], Any]]) -> list[Any]:
    """The results of procedures that run at the same time; an error in one is raised here."""
    results: list[Any] = [None] * len(work)
    errors: list[BaseException] = []
    start = threading.Barrier(len(work))

    def run(index: int) -> None:
        start.wait()
        try:
            results[index] = work[index]()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(work))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


def test_definitions_of_several_threads_are_all_made() -> None:
    session = Session()

    def define(k: int) -> Any:
        for i in range(20):
            session.evaluate(f"(define (g{k} x) (+ x {i}))")
        return session.evaluate(f"(g{k} {k})")

    assert together([lambda k=k: define(k) for k in range(5)]) == [19 + k for k in range(5)]


def test_no_draw_of_a_compiled_procedure_is_made_twice() -> None:
    session = Session()
    session.evaluate("(rng-seed 7) (define draw (jit (lambda (x) (+ x (random)))))")
    draw = session.get("draw")
    draw(0.0)
    drawn = together([lambda: [float(draw(0.0)) for _ in range(20)] for _ in range(5)])
    numbers = [number for part in drawn for number in part]
    assert len(set(numbers)) == 100
    session.evaluate("(rng-seed 7) (random)")
    alone = [float(session.evaluate("(random)")) for _ in range(100)]
    assert sorted(numbers) == pytest.approx(sorted(alone))


def test_a_definition_made_while_others_call_is_seen_from_then_on() -> None:
    session = Session()
    session.evaluate("(define (p x) (* 2.0 x)) (define j (jit (lambda (x) (p x))))")
    jitted, one = session.get("j"), jnp.float32(1.0)
    jitted(one)
    done = threading.Event()

    def define() -> float:
        for i in range(12):
            session.evaluate(f"(define (p x) (* {float(i % 5)} x))")
        done.set()
        return float(jitted(one))

    def call() -> float:
        while not done.is_set():
            assert float(jitted(one)) in (0.0, 1.0, 2.0, 3.0, 4.0)
        return 1.0

    assert together([define, call, call, call]) == [1.0, 1.0, 1.0, 1.0]
    assert_at_rest()


def test_each_thread_gets_the_error_of_its_own_program() -> None:
    session = Session()

    def fail(k: int) -> str:
        with pytest.raises(ShapeError) as caught:
            session.evaluate(f"((jit (lambda (x) (matmul x (ones {k} 2)))) (ones 2 2))", f"{k}.esk")
        return str(caught.value).split("\n")[0]

    expected = [
        f"{k}.esk:1:19: matmul: inner sizes differ, a is f32[2,2] and b is f32[{k},2]"
        for k in range(3, 8)
    ]
    assert together([lambda k=k: fail(k) for k in range(3, 8)]) == expected
    assert_at_rest()


def test_each_thread_takes_what_it_shows_itself() -> None:
    session, standard = Session(), sys.stdout
    session.evaluate("(define show (jit (lambda (x) (display x) x)))")
    session.define("say", lambda text: print(text, end=""))

    def take(k: int) -> list[str]:
        text = f'(with-output-to-string (lambda () (show {k}.5) (display " ") (say "{k}")))'
        return [str(session.evaluate(text)) for _ in range(10)]

    assert together([lambda k=k: take(k) for k in range(5)]) == [
        [f"{k}.5 {k}"] * 10 for k in range(5)
    ]
    assert sys.stdout is standard
