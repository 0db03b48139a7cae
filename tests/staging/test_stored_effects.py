"""Stored programs that print and fail: as the compiled ones do, at the forms of who runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eshkol.base import store as files
from eshkol.base.errors import EshkolError
from eshkol.base.store import HEADER_SIZE
from eshkol.datum.write import write_string
from eshkol.xla.stored import default_device


def told(session: Any, text: str, file: str = "call.esk") -> str:
    """The value of a program as text, or the whole text of its error."""
    try:
        return write_string(session.evaluate(text, file))
    except EshkolError as error:
        return str(error)


def moved(text: str, lines: int) -> str:
    """What is told of a program in ``p.esk`` that stands so many lines lower."""
    for line in range(9, 0, -1):
        text = text.replace(f"p.esk:{line}:", f"p.esk:{line + lines}:")
        text = text.replace(f"\n  {line} |", f"\n  {line + lines} |")
    return text


CHECKED = "(define t (tensor 1.0 2.0 3.0))\n(define f (jit (lambda (x) (with-checks {}))))"

FAILURES = {
    # a definition, a call that ends well, one that fails, and what is said then
    "assert": (
        '(define f (jit (lambda (x)\n  (assert (> x 0) "positive, got" x)\n  (* 2 x))))',
        "(f 4.0)", "(f -4.0)", "positive, got -4.0",
    ),
    "error": (
        "(define (g x y)\n"
        "  (if (< x y) (error 'root \"negative:\" x 'a \"b\" 1/2 #\\c (list y #t)) x))"
        "\n(define f (jit (lambda (x) (g x 0))))",
        "(f 4.0)", "(f -4.0)", "root: negative: -4.0 a \"b\" 1/2 #\\c (0 #t)",
    ),
    "raise": (
        "(define f (jit (lambda (x) (if (> x 5) (raise (list 'big x)) x))))",
        "(f 4.0)", "(f 7.0)", "uncaught: '(big 7.0)",
    ),
    "raise, handled": (
        "(define h (jit (lambda (x) (if (> x 5) (raise (cons 'big x)) x))))"
        "(define (f x) (guard (e ((pair? e) e)) (h x)))",
        "(f 4.0)", "(f 7.0)", "(big . 7.0)",
    ),
    "a loop": (
        "(define f (jit (lambda (x)\n  (let loop ((i 0) (s x))\n    (if (= i 20) s\n"
        '        (begin (when (> s 50) (error "large:" i s))\n'
        "               (loop (+ i 1) (+ s 1))))))))",
        "(f 4.0)", "(f 40.0)", "large: 11 51.0",
    ),
    "an index": (
        CHECKED.format("(tensor-ref t (exact x))"),
        "(f 2.0)", "(f 3.0)", "tensor-ref: index 3 is out of range for axis 0 of f32[3]",
    ),
    "a divisor": (
        CHECKED.format("(quotient 7 (exact x))"),
        "(f 2.0)", "(f 0.0)", "quotient: division by zero",
    ),
    "a number too large": (
        CHECKED.format("(* (exact x) (exact x))"),
        "(f 2.0)", "(f 4e9)", "*: the result does not fit in int64",
    ),
    "no number": (
        CHECKED.format("(log x)"),
        "(f 2.0)", "(f -1.0)", "log: the result is not a number (NaN)",
    ),
    "a recursion": (
        "(define (down n)\n  (if (< n 1) 0.0 (+ 1.0 (down (- n 1)))))"
        "\n(define f (jit (lambda (x) (down x)) #:max-depth 5))",
        "(f 3.0)", "(f 9.0)", "down: this recursion is deeper than the 5 calls",
    ),
    "a search": (
        "(define f (jit (lambda (x) (root (lambda (y) (- (* y y) x)) 1.0 #:max-steps 6))))",
        "(f 2.0)", "(f -2.0)", "root: expected a residual of zero after at most 6 steps",
    ),
    "a bracket": (
        "(define f (jit (lambda (x) (root (lambda (y) (- y x)) #:bracket '(0.0 1.0)))))",
        "(f 0.5)", "(f 2.0)", "root: expected a #:bracket where the sign changes",
    ),
    "lanes": (
        '(define (g x) (if (< x 0) (error "negative:" x) (* 2 x)))\n(define f (jit (vmap g)))',
        "(f (tensor '(1 2)))", "(f (tensor '(1 -2)))", "negative: -2.0",
    ),
    "a gradient": (
        "(define (g x) (assert (< x 9)) (* x x))\n(define f (jit (lambda (x) (gradient g x))))",
        "(f 3.0)", "(f 9.5)", "assertion failed",
    ),
    "the second of equal procedures": (
        "(define (a x) (assert (> x 0)) x)\n(define (b x) (assert (> x 0)) x)\n"
        "(define f (jit (lambda (x) (+ (a (+ x 5)) (b x)))))",
        "(f 1.0)", "(f -1.0)", "p.esk:2:15: assert: assertion failed",
    ),
    "a macro": (
        "(define-syntax sure (syntax-rules () ((_ c) (assert c))))\n"
        "(define f (jit (lambda (x) (sure (> x 0)) x)))",
        "(f 1.0)", "(f -1.0)", "in the expansion of sure",
    ),
    "a text that tells of unused names": (
        '(define f (jit (lambda (x) (let ((y (* 2 x))) (assert (> y 0) "x must be" y) y))))',
        "(f 1.0)", "(f -1.0)", "x must be -2.0",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "good", "bad", "message"), FAILURES.values(), ids=FAILURES)
def test_a_fresh_process_fails_as_the_first_did_at_its_own_lines(
    fresh, text: str, good: str, bad: str, message: str
) -> None:
    calls = [good, bad, good]
    first = fresh()
    first.session.evaluate(text, "p.esk")
    expected = [told(first.session, call) for call in calls]
    assert message in expected[1] and expected[0] == expected[2]
    assert first.counts == (1, 0) and first.reasons == {""}
    second = fresh()
    second.session.evaluate("\n" * 3 + text, "p.esk")
    assert [told(second.session, call) for call in calls] == [moved(e, 3) for e in expected]
    assert second.counts == (0, 1)


OUTPUT = {
    "display": "(display x) (newline) (* 2 x)",
    "data": '(displayln (list x \'a "b" #t 3)) (* 2 x)',
    "printf": '(printf "~a and ~s~%" x "q") (write "s") (* 2 x)',
    "debug-print": '(* 2 (debug-print "x is {:.3f} and {y}" x #:y 7))',
    "a branch": '(if (> x 2) (display "large") (display "small")) (* 2 x)',
    "a loop": "(do ((i 0 (+ i 1))) ((= i 20) (* 2 x)) (display i) (display (* i x)))",
    "before an error": '(display "before") (if (> x 2) (error "stop")) (display "after") (* 2 x)',
    "a gradient": "(gradient (lambda (y) (displayln y) (* y y)) x)",
}


@pytest.mark.parametrize("body", OUTPUT.values(), ids=OUTPUT)
def test_a_fresh_process_prints_what_the_first_did(fresh, capsys, body: str) -> None:
    shown = []
    for counts in ((1, 0), (0, 1)):
        process = fresh()
        process.session.evaluate(f"(define f (jit (lambda (x) {body})))", "p.esk")
        results = [told(process.session, f"(f {x})") for x in ("1.5", "2.5", "1.5")]
        shown.append((results, capsys.readouterr().out))
        assert process.counts == counts
    assert shown[0] == shown[1]
    assert shown[0][0][0] == "3.0" and shown[0][1]


def test_a_loaded_program_that_fails_is_traced_where_it_is_transformed(fresh) -> None:
    define = '(define f (jit (lambda (x) (if (< x 0) (error "negative:" x) (* x x)))))'
    fresh().value(f"{define} (f 2.0)")
    second = fresh()
    assert second.value(f"{define} (f 2.0)") == 4.0 and second.counts == (0, 1)
    assert second.value("(derivative f 2.0)") == 4.0
    assert second.value("((vmap f) (tensor '(1 2)))") == [1.0, 4.0]
    for bad in ("(f -1.0)", "((vmap f) (tensor '(1 -1)))", "((jit (lambda (x) (f x))) -1.0)"):
        assert "negative: -1.0" in told(second.session, bad)
    assert second.value("(f 3.0)") == 9.0


def test_names_that_an_error_tells_are_those_of_the_program_that_fails(fresh) -> None:
    text = """(define f (jit (lambda (x)
      (define (NAME n) (if (< n 1) 0.0 (+ 1.0 (NAME (- n OTHER)))))
      (let ((OTHER 1)) (NAME x))) #:max-depth 5))""".replace("(- n OTHER)", "(- n 1)")
    for name, other, counts in (
        ("down", "k", (1, 0)), ("down", "k", (0, 1)), ("down", "m", (0, 1)), ("fall", "k", (1, 0)),
    ):  # fmt: skip
        process = fresh()
        process.session.evaluate(text.replace("NAME", name).replace("OTHER", other))
        assert f"{name}: this recursion is deeper" in told(process.session, "(f 9.0)")
        assert process.counts == counts


def test_how_deep_a_recursion_may_be_has_entries_of_its_own(fresh) -> None:
    define = "(define (down n) (if (< n 1) 0.0 (+ 1.0 (down (- n 1)))))"
    for depth, result in ((5, "deeper than the 5 calls"), (20, "9.0"), (5, "deeper than the 5")):
        process = fresh()
        process.session.evaluate(define)
        assert result in told(process.session, f"((jit down #:max-depth {depth}) 9.0)")


def test_a_program_without_words_tells_what_is_wrong_with_it(fresh) -> None:
    text = "(import (python numpy as np)) ((jit (lambda (x) (* 2.0 (np.sin x)))) (ones 3))"
    assert "np.sin: a Python function asks for a value" in told(fresh().session, text)


def test_another_shape_of_a_program_that_fails(fresh) -> None:
    define = "(define f (jit (lambda (x) (assert (> (sum x) 0)) (* 2 x))))"
    for counts in ((2, 0), (0, 2)):
        process = fresh()
        process.session.evaluate(define)
        for _ in range(2):
            for n in (2, 3):
                assert process.value(f"(f (ones {n}))") == [2.0] * n
                assert "assertion failed" in told(process.session, f"(f (- (ones {n})))")
        assert process.counts == counts


# ---- entries that must not be used

TEXT = '(define f (jit (lambda (x) (assert (> x 0) "positive, got" x) (* x 1.40625))))'

HOSTILE: dict[str, Callable[[list[Any]], list[Any]]] = {
    "an unknown deed": lambda words: ["erase", *words[1:]],
    "a primitive that is none": lambda words: ["output", 1, "primitive", "os.abort", *words[8:]],
    "a host function that is none": lambda words: ["complain", 1, "host function", "os.abort", 0],
    "a form of nobody": lambda words: [99 if word == 0 else word for word in words],
    "a node of nobody": lambda words: _with_node(words, 10**6),
    "a node that is none": lambda words: _with_node(words, "x"),
    "words that end early": lambda words: words[:-1],
    "no words": lambda words: [],
}


def _with_node(words: list[Any], node: Any) -> list[Any]:
    at = words.index("given") - 2
    return [*words[:at], node, *words[at + 1 :]]


@pytest.mark.parametrize("spoil", HOSTILE.values(), ids=HOSTILE)
def test_callbacks_that_are_not_good_are_as_good_as_none(fresh, directory: Path, spoil) -> None:
    first = fresh()
    expected = told(first.session, f"{TEXT} (f -2.0)")
    (path,) = directory.iterdir()
    data = path.read_bytes()[HEADER_SIZE:]
    end = 8 + int.from_bytes(data[:8], "big")
    *rest, (may_fail, names, count, words) = json.loads(data[8:end])
    head = json.dumps([*rest, [may_fail, names, count, spoil(words)]]).encode()
    content = len(head).to_bytes(8, "big") + head + data[end:]
    key = bytes.fromhex(path.name.removesuffix(files.SUFFIX))
    path.write_bytes(files._header(key, content) + content)
    for counts in ((1, 0), (0, 1)):
        process = fresh()
        assert told(process.session, f"{TEXT} (f -2.0)") == expected
        assert process.counts == counts


# ---- devices

ON_DEVICES = """
from eshkol.session import Session
from eshkol.xla.programs import PROGRAMS
session = Session()
session.evaluate('''
(define (g x) (assert (> (sum x) 0)) (* 2 x))
(define f (jit g #:device 'cpu:1)) (define h (jit g #:device 'cpu))''')
for call in "(f (ones 3))", "(f (ones 3))", "(h (ones 3))", "((jit g) (ones 3))":
    print(sorted(device.id for device in session.evaluate(call).devices()), end=" ")
print(PROGRAMS.compilations, PROGRAMS.loads)
"""


@pytest.mark.slow
def test_programs_for_a_device_are_stored_for_that_device(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "ESHKOL_STORE": "on",
        "ESHKOL_STORE_DIR": str(tmp_path / "s"),
        "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
        "JAX_PLATFORMS": "cpu",
    }
    for counts in ("3 0", "0 3"):
        words = [sys.executable, "-c", ON_DEVICES]
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.split("\n")[0] == f"[1] [1] [0] [0] {counts}"


def test_a_program_for_the_default_device_is_stored(fresh) -> None:
    name = default_device().platform
    text = f"((jit (lambda (x) (* x 1.90625)) #:device '{name}) (ones 2))"
    for counts in ((1, 0), (0, 1)):
        process = fresh()
        assert process.value(text) == [1.90625] * 2
        assert process.counts == counts
