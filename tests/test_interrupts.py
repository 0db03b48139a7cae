"""Ctrl-C ends what a program is doing, and leaves a session that can be used."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

SCRIPT = """
from eshkol.session import Session
session = Session()
session.evaluate("((jit (lambda (x) (* 3 x))) 1.5)")
print("ready", flush=True)
try:
    value = session.evaluate({program!r}, "endless.esk")
    print("ended", float(value))
except KeyboardInterrupt:
    print("interrupted")
print(float(session.evaluate("((jit (lambda (x) (if (> x 0.0) (* 2 x) x))) 1.5)")))
print(session.evaluate("(let loop ((i 0)) (if (< i 5) (loop (+ i 1)) i))"))
"""
ENDLESS = {
    "an eager loop": "(let loop ((i 0)) (loop (+ i 1)))",
    "an eager loop over tensors": "(let loop ((t (ones 3))) (loop (* t 1.0)))",
    "a compiled loop": "((jit (lambda (x) (let loop ((y x) (n 0.0)) "
    "(if (< n 1e12) (loop (sin (+ y n)) (+ n 1.0)) y)))) 1.0)",
}


@pytest.mark.parametrize("name", ENDLESS)
def test_an_interrupt_ends_it_and_the_session_goes_on(name: str) -> None:
    endless = SCRIPT.format(program=ENDLESS[name])
    ending = endless if name != "a compiled loop" else endless + "import os; os._exit(0)\n"
    ending = ending.replace("import os; os._exit", "import os, sys; sys.stdout.flush(); os._exit")
    process = subprocess.Popen(
        [sys.executable, "-c", ending],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # What runs in the background of a shell ignores SIGINT, and so would this.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    timer = threading.Timer(1.0, lambda: os.kill(process.pid, signal.SIGINT))
    timer.start()
    try:
        output, errors = process.communicate(timeout=60)
    finally:
        timer.cancel()
        process.kill()
    assert output.split() == ["interrupted", "3.0", "5"], errors
