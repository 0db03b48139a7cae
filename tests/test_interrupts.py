"""Ctrl-C ends what a program is doing, and leaves a session that can be used."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

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
    "a program that is traced": "((jit (lambda (x) (let loop ((y x) (n 0.0)) "
    "(if (< n 1e12) (loop (sin (+ y n)) (+ n 1.0)) y)))) 1.0)",
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
