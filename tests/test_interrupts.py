"""Ctrl-C ends what a program is doing, and leaves a session and a process that can be used."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import pytest

import eshkol as ek
from eshkol.session import Session

SCRIPT = """
import os
from eshkol.session import Session
session = Session()
session.evaluate("((jit (lambda (x) (* 3 x))) 1.5)")
print("ready", flush=True)
try:
    value = session.evaluate({program!r}, "endless.esk")
    print("ended", float(value))
except KeyboardInterrupt:
    print("interrupted", flush=True)
print(float(session.evaluate("((jit (lambda (x) (if (> x 0.0) (* 2 x) x))) 1.5)")))
print(session.evaluate("(let loop ((i 0)) (if (< i 5) (loop (+ i 1)) i))"), flush=True)
os._exit(0)
"""
ENDLESS = {
    "an eager loop": "(let loop ((i 0)) (loop (+ i 1)))",
    "an eager loop over tensors": "(let loop ((t (ones 3))) (loop (* t 1.0)))",
    "a program that is traced": "((jit (lambda (x) (let loop ((l '()) (n 0)) "
    "(if (< n 900000) (loop (cons (sin (+ x n)) l) (+ n 1)) (car l))))) 1.0)",
    "a compiled loop that shows something": '(call-with-output-file "/dev/null" (lambda (port) '
    "((jit (lambda (x) (let loop ((y x)) (if (< y 1e12) (begin (display y port) "
    "(loop (+ y 1e-3))) y)))) 1.0)))",
}


@pytest.mark.parametrize("name", ENDLESS)
def test_an_interrupt_ends_it_and_the_session_goes_on(name: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(program=ENDLESS[name])],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # What runs in the background of a shell ignores SIGINT, and so would this.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    ended = threading.Event()
    presses = threading.Thread(target=_press_until, args=(ended, process.pid))
    watchdog = threading.Timer(90, process.kill)
    presses.start()
    watchdog.start()
    try:
        first = process.stdout.readline()
        ended.set()
        output, errors = process.communicate()
    finally:
        ended.set()
        watchdog.cancel()
        process.kill()
    assert (first + output).split() == ["interrupted", "3.0", "5"], errors


def _press_until(ended: threading.Event, process: int) -> None:
    """Press Ctrl-C as a person does: once, and again if nothing happens.

    Python drops an interrupt that comes while a callback of the garbage collector runs, and
    JAX has one.
    """
    time.sleep(1.0)
    while not ended.is_set():
        os.kill(process, signal.SIGINT)
        ended.wait(5.0)


# ---- between JAX's setting of a mode and the block that the mode is for

EAGER = "(linspace 0 1 5)"
COMPILED = "((jit (lambda (x) (* x (ones 3)))) 1.5)"


def _load(path: Path) -> None:
    path.write_text(COMPILED)
    Session().load(path)


PROGRAMS = {
    "an eager program": lambda _: Session().evaluate(EAGER),
    "a program that is traced": lambda _: Session().evaluate(COMPILED),
    "a file": lambda directory: _load(directory / "program.esk"),
    "a compiled function that Python calls": lambda _: ek.jit("(lambda (x) (* x (ones 3)))")(1.5),
}


def _interrupts_after(entries: int) -> Callable[[Any], None]:
    """The ``__enter__`` of JAX's modes, interrupted at its end after so many entries."""
    enter = type(jax.enable_x64(True)).__enter__
    left = itertools.count(entries, -1)

    def interrupted(self: Any) -> None:
        enter(self)
        if self.state is jax.enable_x64 and next(left) == 0:
            raise KeyboardInterrupt

    return interrupted


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("width", [False, True])
def test_an_interrupt_leaves_the_64_bit_mode_as_it_was(
    name: str, width: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = type(jax.enable_x64(True))
    with jax.enable_x64(width):
        for entries in itertools.count():
            with monkeypatch.context() as patch:
                patch.setattr(manager, "__enter__", _interrupts_after(entries))
                try:
                    PROGRAMS[name](tmp_path)
                    break
                except KeyboardInterrupt:
                    assert jax.enable_x64.value is width, entries
    assert entries > 0


def test_an_interrupt_of_the_first_program_leaves_the_process_wide_mode() -> None:
    program = (
        "from eshkol.session import Session\n"
        "def interrupt():\n"
        "    import jax\n"
        "    jax.enable_x64(True).__enter__()\n"
        "    raise KeyboardInterrupt\n"
        "session = Session()\n"
        "session.define('interrupt', interrupt)\n"
        "try: session.evaluate('(begin (ones 3) (interrupt))')\n"
        "except KeyboardInterrupt: import jax; print(jax.enable_x64.value)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout == "False\n", run.stderr
