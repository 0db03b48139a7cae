"""The store of compiled programs: what a fresh process finds there, and what it never takes."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from eshkol.base import store as files
from eshkol.base.config import CONFIG
from eshkol.base.store import HEADER_SIZE, Store, key_of
from eshkol.xla import store_keys, stored
from eshkol.xla.loop_states import KEPT

HERE = Path(__file__).parent


# ---- programs that are found again

RANDOM = "(rng-seed 7) (define f (jit (lambda (x) (+ x (randn 3))))) (define a (f 1.0))"
RECORD = """(define-record-type point (make-point x y) point? (x point-x set-point-x!) (y point-y))
(define f (jit (lambda (p) (make-point (* 2 (point-y p)) (point-x p)))))"""
MODEL = """(define (layer m n) (let ((w (* 0.1 (ones m n))) (b (zeros n)))
                          (lambda (x) (+ (matmul x w) b))))
(define model (let ((one (layer 3 4)) (two (layer 4 2))) (lambda (x) (two (tanh (one x))))))
(define (loss model x) (mean (square (model x))))"""
ADAM = f"""{MODEL} (define rule (adam 0.01))
(define step (jit (lambda (model state x)
  (optimizer-update rule model (gradient loss model x) state))))"""
FACTORIAL = "(define (factorial n) (if (= n 0) 1.0 (* n (factorial (- n 1)))))"

FOUND = {
    "a number": "((jit (lambda (x) (+ 1 (* x x)))) 3.0)",
    "a tensor": "((jit (lambda (x) (tensor-sum (* x x)))) (tensor '(1 2 3)))",
    "a double": "((jit (lambda (x) (/ x 3))) 1.0)",
    "several results": '((jit (lambda (x) (list x (* 2 x) \'a "b" 1/2 #\\c #t))) 3.0)',
    "values": "(call-with-values (lambda () ((jit (lambda (x) (values x (* 2 x)))) 3.0)) list)",
    "nested data": "((jit (lambda (v) (vector (vector-ref v 0) (cons 1.5 (vector-ref v 1))))) "
    "#(1.0 2.0))",
    "a captured tensor": "(((lambda (w) (jit (lambda (x) (* x w)))) (ones 3)) 2.0)",
    "a top-level tensor": "(define w (ones 2)) ((jit (lambda (x) (* x w))) 3.0)",
    "a procedure it calls": "(define (g x) (* x x)) (define (f x) (g (g x))) ((jit f) 3.0)",
    "a procedure as argument": "((jit (lambda (f x) (f x))) (lambda (x) (* x 3)) 2.0)",
    "a primitive as argument": "((jit (lambda (f x) (f x))) sin 2.0)",
    "optional parameters": "((jit (lambda (x (y 2.5) #:z (z 1.5)) (+ x y z))) 1.0 #:z 2.0)",
    "a static size": "((jit (lambda (n) (tensor-sum (ones n)))) 5)",
    "a traced integer": "((jit (lambda (n x) (* n x))) 5 2.0)",
    "two integers, one static": "((jit (lambda (n k) (* k (tensor-sum (ones n))))) 5 7)",
    "a truth value": "((jit (lambda (b x) (if b (* 2 x) x))) #t 2.0)",
    "an unrolled recursion": f"{FACTORIAL} ((jit (lambda (n x) (* x (factorial n)))) 5 1.0)",
    "a loop": "((jit (lambda (x) (let loop ((i 0) (s x)) (if (= i 100) s (loop (+ i 1) (* s 1.01)))"
    "))) 1.0)",
    "a loop of unknown length": "((jit (lambda (x) (do ((s x (* s 1.5))) ((> s 100) s)))) 1.0)",
    "a branch": "((jit (lambda (x) (cond ((> x 5) (* 2 x)) ((> x 1) x) (else 0)))) 3.0)",
    "a derivative": "((jit (lambda (x) (derivative (lambda (y) (* y y y)) x))) 2.0)",
    "a gradient of a loop": "((jit (lambda (x) (derivative (lambda (y) (do ((s y (* s y))) "
    "((> s 100) s))) x))) 1.5)",
    "a model": f"{MODEL} (map cdr (model-parameters ((jit (lambda (m x) "
    "(gradient loss m x))) model (ones 2 3))))",
    "a step of training": f"{ADAM} (let ((new (step model (optimizer-init rule model) (ones 2 3))))"
    "(list (loss (car new) (ones 2 3)) (loss (car (step (car new) (cadr new) (ones 2 3))) "
    "(ones 2 3))))",
    "random numbers": f"{RANDOM} (list a (f 1.0) (randn 2))",
    "a record": f"{RECORD} (let ((p (f (make-point 1.0 2.0)))) (list (point-x p) (point-y p)))",
    "a hash table": "(define h (make-hash-table)) (hash-set! h 'a 2.0) "
    "(hash-ref ((jit (lambda (h) (let ((c (hash-copy h))) (hash-set! c 'a (* 3 (hash-ref h 'a))) "
    "c))) h) 'a)",
    "lapack": "((jit (lambda (a) (solve a (ones 3)))) (+ (eye 3) (ones 3 3)))",
    "a static string": '((jit (lambda (how x) (if (equal? how "up") (+ x 1) (- x 1)))) "up" 2.0)',
    "a jitted procedure in another": "(define g (jit (lambda (x) (* x x)))) "
    "((jit (lambda (x) (+ 1 (g x)))) 3.0)",
    "a captured box": "(define (counter n) (list (jit (lambda (x) (* x n))) "
    "(lambda (m) (set! n m)))) (define c (counter 2.0)) ((cadr c) 5.0) ((car c) 2.0)",
    "bfloat16": "(tensor-cast ((jit (lambda (x) (* x x))) (tensor '(1 2) #:dtype 'bfloat16)) "
    "'float32)",
    "an empty result": "((jit (lambda (x) '())) 1.0)",
    "a donated argument": "(define f (jit (lambda (w x) (* w x)) #:donate 'w)) (f (ones 3) 2.5)",
    "a static argument": "((jit (lambda (x n) (* x (ones n))) #:static 'n) 2.5 3)",
    "a composed procedure": "((jit (compose (lambda (x) (* x 2.5)) sin)) 1.0)",
    "an imported macro": "(import (eshkol nn)) (define l (linear 2 3)) "
    "(tensor-shape ((jit (lambda (l x) (l x))) l (ones 1 2)))",
}


def plain(result: Any) -> Any:
    """A value as text that two processes can compare."""
    from eshkol.datum.write import write_string

    return write_string(result)


@pytest.mark.parametrize("text", FOUND.values(), ids=FOUND)
def test_a_fresh_process_traces_nothing(fresh, text: str, monkeypatch) -> None:
    monkeypatch.setattr(stored, "LARGE", 0)
    first = fresh()
    expected = plain(first.session.evaluate(f"(rng-seed 1) {text}"))
    compiled, loaded = first.counts
    assert compiled > 0 and loaded == 0
    assert first.reasons == {""}
    second = fresh()
    assert plain(second.session.evaluate(f"(rng-seed 1) {text}")) == expected
    assert second.counts[0] == 0 and second.counts[1] > 0


# ---- programs that are not stored

NOT_STORED = {
    "output to a port": (
        "((jit (lambda (x) (display x (open-output-string)) (* 2 x))) 3.0)",
        "which only this process knows",
    ),
    "an error with a procedure made in the program": (
        '((jit (lambda (x) (if (> x 5) (error "large" (lambda () x)) (* 2 x)))) 3.0)',
        "what it shows holds a procedure",
    ),
    "a Python function": (
        "(import (python math)) ((jit (lambda (x) (* x (math.sqrt 4.0)))) 3.0)",
        "which only this process knows",
    ),
    "the environment": (
        '((jit (lambda (x) (if (getenv "ESHKOL_NO_SUCH") 0.0 (* x 2)))) 3.0)',
        "getenv, whose result depends on more than its arguments",
    ),
    "a primitive as a value": (
        '((jit (lambda (f x) (if (f "ESHKOL_NO_SUCH") 0.0 (* x 2)))) getenv 3.0)',
        "getenv, whose result depends on more than its arguments",
    ),
    "a parameter": (
        "(define p (make-parameter 2.0)) ((jit (lambda (x) (* (p) x))) 3.0)",
        "which only this process knows",
    ),
    "a new procedure": (
        "(((jit (lambda (x) (lambda (y) (* x y)))) 2.0) 3.0)",
        "its result holds a procedure",
    ),
}


@pytest.mark.parametrize(("text", "reason"), NOT_STORED.values(), ids=NOT_STORED)
def test_what_is_not_stored_tells_why(fresh, directory: Path, text: str, reason: str) -> None:
    for _ in range(2):
        process = fresh()
        assert process.value(text) == 6.0
        assert process.counts == (1, 0)
        (told,) = process.reasons
        assert reason in told
    assert not list(Store(str(directory), 1 << 30).entries())


def test_explain_tells_why_something_is_not_stored(fresh) -> None:
    process = fresh()
    process.value("(import (python math)) (define f (jit (lambda (x) (* x (math.sqrt 4.0)))))")
    process.value("(f 3.0)")
    told = plain(process.session.evaluate("(explain f 3.0)"))
    assert "not kept for later processes: it depends on" in told
    assert "which only this process knows" in told
    process.value("(define g (jit (lambda (x) (* 2.40625 x)))) (g 3.0)")
    assert "not kept" not in plain(process.session.evaluate("(explain g 3.0)"))


def test_it_is_off_with_one_switch(fresh, directory: Path, monkeypatch) -> None:
    monkeypatch.setattr(CONFIG, "store", False)
    for _ in range(2):
        process = fresh()
        assert process.value("((jit (lambda (x) (* x 1.75))) 2.0)") == 3.5
        assert process.counts == (1, 0)
    assert not directory.exists()


# ---- what decides whether something is found

SETTINGS: dict[str, Callable[[pytest.MonkeyPatch], Any]] = {
    "the dtype of tensors": lambda patch: patch.setattr(CONFIG, "_tensor_dtype", "float64"),
    "the source of eshkol": lambda patch: patch.setattr(store_keys, "_versions", lambda: ("x",)),
    "the machine": lambda patch: patch.setattr(store_keys, "_machine", lambda device: ("x",)),
    "the precision of products": lambda _: jax.default_matmul_precision("highest"),
    "64 bits": lambda _: jax.enable_x64(True),
    "what loops keep": lambda _: KEPT(("all", None)),
}


@pytest.mark.parametrize("change", SETTINGS.values(), ids=SETTINGS)
def test_another_setting_finds_nothing(fresh, monkeypatch, change) -> None:
    text = "((jit (lambda (a) (matmul a a))) (tensor '((1 2) (3 4)) #:dtype 'float32))"
    first = fresh()
    expected = first.value(text)
    with change(monkeypatch) or nullcontext():
        second = fresh()
        assert second.value(text) == expected
        assert second.counts == (1, 0)


CONTENTS = [
    ("(define (f x) (* x 1.1875))", "(define (f x) (* x 1.3125))"),
    ("(define (g x) (+ x 1)) (define (f x) (g x))", "(define (g x) (- x 1)) (define (f x) (g x))"),
    ('(define how "a") (define (f x) (if (equal? how "a") x 0))', '(define how "b")'),
    ("(define k 2) (define (f x) (* x (tensor-sum (ones k))))", "(define k 3)"),
    ("(define v 1/2) (define (f x) (* x v))", "(define v 1/4)"),
    ("(define (abs x) (* 3 x)) (define (f x) (abs x))", "(define (f x) (abs x))"),
    ("(define g sin) (define (f x) (g x))", "(define g cos) (define (f x) (g x))"),
    ("(define c 'a) (define (f x) (if (eq? c 'a) x 0))", '(define c "a")'),
    ("(define v #t) (define (f x) (if v x 0))", "(define v #f)"),
]


@pytest.mark.parametrize(("one", "other"), CONTENTS)
def test_another_meaning_is_never_found(fresh, one: str, other: str) -> None:
    definition = one[one.index("(define (f ") :]
    programs_ = [one, other if "(define (f " in other else f"{other} {definition}"]
    call = "((jit f) 3.0)"
    CONFIG.store = False
    expected = [fresh().value(f"{text} {call}") for text in programs_]
    CONFIG.store = True
    assert expected[0] != expected[1]
    for text, wanted in zip(programs_ * 2, expected * 2, strict=True):
        assert fresh().value(f"{text} {call}") == wanted


def test_static_values_have_entries_of_their_own(fresh) -> None:
    define = "(define f (jit (lambda (n k) (* k (tensor-sum (ones n))))))"
    first = fresh()
    first.value(define)
    assert [first.value(f"(f {n} {k})") for n, k in ((2, 3), (4, 3), (2, 5))] == [6, 12, 10]
    assert first.counts == (2, 0)
    second = fresh()
    second.value(define)
    assert [second.value(f"(f {n} {k})") for n, k in ((4, 7), (2, 7), (3, 7))] == [28, 14, 21]
    assert second.counts == (1, 2)


def test_another_shape_and_dtype_is_compiled_and_stored_too(fresh) -> None:
    calls = ["(f (ones 2))", "(f (ones 3))", "(f (ones 2 #:dtype 'float64))", "(f 2.0)", "(f 2)"]
    define = "(define f (jit (lambda (x) (* x 1.84375))))"
    first, second = fresh(), None
    first.value(define)
    expected = [plain(first.session.evaluate(call)) for call in calls]
    second = fresh()
    second.value(define)
    assert [plain(second.session.evaluate(call)) for call in calls * 2] == expected * 2
    assert second.counts == (0, first.counts[0])


def test_a_loaded_program_is_traced_where_it_is_transformed(fresh) -> None:
    define = "(define f (jit (lambda (x) (* x x 1.03125))))"
    assert fresh().value(f"{define} (f 2.0)") == 4.125
    second = fresh()
    assert second.value(f"{define} (f 2.0)") == 4.125
    assert second.counts == (0, 1)
    assert second.value("(derivative f 2.0)") == 4.125
    assert second.value("((vmap f) (tensor '(1 2)))") == pytest.approx([1.03125, 4.125])
    assert second.value("((jit (lambda (x) (+ (f x) 1))) 2.0)") == 5.125
    assert second.value("(f 4.0)") == 16.5


def test_steps_with_random_numbers_go_on_as_if_compiled(fresh) -> None:
    text = """(rng-seed 3)
    (define f (jit (lambda (x) (+ x (randn 2) (* 0 (tensor-sum (dropout (ones 4) 0.5)))))))
    (list (f 1.0) (f 1.0) (randn 1) (f 1.0))"""
    first = plain(fresh().session.evaluate(text))
    second = fresh()
    assert plain(second.session.evaluate(text)) == first
    assert second.counts == (0, 1)


def test_drawing_random_tensors_is_stored_too(fresh, monkeypatch) -> None:
    from eshkol.xla import kernels

    text = "(rng-seed 11) (list (randn 3 5) (he-normal 4 6) (rand 2 #:dtype 'float64) (random))"
    kernels._kernel.cache_clear()
    expected = plain(fresh().session.evaluate(text))
    kernels._kernel.cache_clear()
    for name in ("normal", "uniform", "truncated_normal"):
        monkeypatch.setattr(jax.random, name, None)
    assert plain(fresh().session.evaluate(text)) == expected
    kernels._kernel.cache_clear()


# ---- entries that must not be used

TEXT = "((jit (lambda (x) (list x (* x 1.46875)))) 2.0)"


class Bomb:
    """What would be executed if anything unpickled it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.abort, ()


def _header(path: Path, content: bytes) -> bytes:
    """An entry for ``path`` with a good checksum."""
    return files._header(bytes.fromhex(path.name.removesuffix(files.SUFFIX)), content)


def _sealed(path: Path, content: bytes) -> bytes:
    return _header(path, content) + content


def _with_head(data: bytes, change: Callable[[Any], Any]) -> bytes:
    """The content of an entry, of which the description is another."""
    end = 8 + int.from_bytes(data[:8], "big")
    head = json.dumps(change(json.loads(data[8:end]))).encode()
    return len(head).to_bytes(8, "big") + head + data[end:]


def _flipped(data: bytes, index: int) -> bytes:
    changed = bytearray(data)
    changed[index] ^= 4
    return bytes(changed)


HOSTILE: dict[str, Callable[[Path, bytes], bytes]] = {
    "empty": lambda path, data: b"",
    "cut in the header": lambda path, data: data[: HEADER_SIZE - 1],
    "cut after the header": lambda path, data: data[:HEADER_SIZE],
    "cut in the middle": lambda path, data: data[: len(data) // 2],
    "one byte short": lambda path, data: data[:-1],
    "one byte long": lambda path, data: data + b"x",
    "a bit of the mark": lambda path, data: _flipped(data, 0),
    "a bit of the key": lambda path, data: _flipped(data, 20),
    "a bit of the checksum": lambda path, data: _flipped(data, 50),
    "a bit of the description": lambda path, data: _flipped(data, HEADER_SIZE + 12),
    "a bit of the program": lambda path, data: _flipped(data, len(data) - 100),
    "another format": lambda path, data: data.replace(b"eshkol store 1", b"eshkol store 9"),
    "a pickle": lambda path, data: pickle.dumps(Bomb()),
    "a pickle with a good checksum": lambda path, data: _sealed(path, pickle.dumps(Bomb())),
    "a pickle in place of the program": lambda path, data: _sealed(
        path, _with_head(data[HEADER_SIZE:], lambda head: head)[:-4000] + pickle.dumps(Bomb())
    ),
    "no program": lambda path, data: _sealed(
        path, data[HEADER_SIZE : HEADER_SIZE + 8 + int.from_bytes(data[HEADER_SIZE:][:8], "big")]
    ),
    "a length beyond the end": lambda path, data: _sealed(path, b"\xff" * 8 + data[HEADER_SIZE:]),
    "no description": lambda path, data: _sealed(path, bytes(8) + data[HEADER_SIZE:]),
    "no list": lambda path, data: _sealed(path, _with_head(data[HEADER_SIZE:], lambda head: 5)),
    "an unknown dtype": lambda path, data: _sealed(
        path, _with_head(data[HEADER_SIZE:], lambda h: [h[0], [["sixbit", [], False]], *h[2:]])
    ),
    "an argument that is none": lambda path, data: _sealed(
        path, _with_head(data[HEADER_SIZE:], lambda head: [[9], *head[1:]])
    ),
    "an unknown part of the plan": lambda path, data: _sealed(
        path,
        _with_head(data[HEADER_SIZE:], lambda h: [*h[:4], [0, 1, "computed", "posix", 0], *h[5:]]),
    ),
    "a plan that ends early": lambda path, data: _sealed(
        path, _with_head(data[HEADER_SIZE:], lambda head: [*head[:4], head[4][:-2], *head[5:]])
    ),
    "code that nobody has": lambda path, data: _sealed(
        path, _with_head(data[HEADER_SIZE:], lambda h: [*h[:4], [0, 0, "closure", 0, 7], *h[5:]])
    ),
}


@pytest.mark.parametrize("spoil", HOSTILE.values(), ids=HOSTILE)
def test_an_entry_that_is_not_good_is_as_good_as_none(fresh, directory: Path, spoil) -> None:
    expected = fresh().value(TEXT)
    (path,) = directory.iterdir()
    good = path.read_bytes()
    path.write_bytes(spoil(path, good))
    second = fresh()
    assert second.value(TEXT) == expected
    assert second.counts == (1, 0)
    third = fresh()
    assert third.value(TEXT) == expected
    assert third.counts == (0, 1)


def test_an_entry_under_another_key_is_not_used(fresh, directory: Path) -> None:
    fresh().value("((jit (lambda (x) (* x 9.46875))) 2.0)")
    (other,) = directory.iterdir()
    content = other.read_bytes()
    fresh().value("((jit (lambda (x) (* x 8.46875))) 2.0)")
    (path,) = set(directory.iterdir()) - {other}
    path.write_bytes(content)
    process = fresh()
    assert process.value("((jit (lambda (x) (* x 8.46875))) 2.0)") == 16.9375
    assert process.counts == (1, 0)


def test_what_others_may_write_is_not_read(fresh, directory: Path) -> None:
    fresh().value(TEXT)
    (path,) = directory.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600 and directory.stat().st_mode & 0o777 == 0o700
    path.chmod(0o666)
    process = fresh()
    process.value(TEXT)
    assert process.counts == (1, 0)


def test_a_link_to_elsewhere_is_not_followed(fresh, directory: Path, tmp_path: Path) -> None:
    fresh().value(TEXT)
    (path,) = directory.iterdir()
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    process = fresh()
    process.value(TEXT)
    assert process.counts == (1, 0)


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_file_is_as_good_as_none(fresh, directory: Path, make) -> None:
    fresh().value(TEXT)
    (path,) = directory.iterdir()
    path.unlink()
    make(path)
    process = fresh()
    process.value(TEXT)
    assert process.counts == (1, 0)


def test_a_directory_that_may_only_be_read_serves(fresh, directory: Path, monkeypatch) -> None:
    fresh().value(TEXT)

    def refused(path: str) -> None:
        raise OSError("read-only file system")

    monkeypatch.setattr(os, "utime", refused)
    process = fresh()
    process.value(TEXT)
    assert process.counts == (0, 1)


def test_a_directory_that_cannot_be_written_is_no_error(fresh, directory: Path) -> None:
    directory.write_text("a file stands here")
    assert fresh().value("((jit (lambda (x) (* x 7.46875))) 2.0)") == 14.9375


def test_sets_of_static_arguments_that_are_not_good_are_as_good_as_none(fresh, directory) -> None:
    text = "((jit (lambda (n) (tensor-sum (* 1.40625 (ones n))))) 4)"
    for spoiled in (b"[[99]]", b"nonsense", b"[5]", b'[["0"]]', b"{}"):
        fresh().value(text)
        for path in directory.iterdir():
            if path.stat().st_size < 200:
                path.write_bytes(_sealed(path, spoiled))
        process = fresh()
        assert process.value(text) == 5.625
        assert process.counts == (1, 0)


# ---- room, and other processes


def test_what_was_not_read_for_longest_goes_first(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "s"), 4 * (HEADER_SIZE + 100))
    keys = [key_of(bytes([number])) for number in range(6)]
    for number, key in enumerate(keys[:4]):
        assert store.write(key, bytes(100))
        os.utime(store.path(key), (1000 + number, 1000 + number))
    assert store.read(keys[0]) == bytes(100)
    store.write(keys[4], bytes(100))
    store.write(keys[5], bytes(100))
    kept = [store.read(key) is not None for key in keys]
    assert kept == [True, False, False, True, True, True]
    assert sum(entry.size for entry in store.entries()) <= store.limit


def test_what_is_larger_than_the_store_is_not_stored(tmp_path: Path) -> None:
    store = Store(str(tmp_path), 1000)
    assert not store.write(key_of(b"a"), bytes(1000))
    assert not list(tmp_path.iterdir())


def test_drafts_that_nobody_finishes_are_removed(tmp_path: Path) -> None:
    store = Store(str(tmp_path), 1 << 20)
    old, young, foreign = (tmp_path / name for name in ("a" * 64, "b" * 64, "notes.txt"))
    old = old.with_name(old.name + ".program.12.34.part")
    young = young.with_name(young.name + ".program.12.34.part")
    for path in (old, young, foreign):
        path.write_text("x")
    os.utime(old, (1000, 1000))
    os.utime(foreign, (1000, 1000))
    store.write(key_of(b"a"), b"content")
    assert not old.exists() and young.exists() and foreign.exists()
    assert store.clear() == 2
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("text", "size"), [("", 2 << 30), ("500M", 500 << 20), ("3 GiB", 2 << 30), ("12", 12)]
)
def test_sizes(text: str, size: int) -> None:
    from eshkol.base.config import _size

    assert _size(text, 2 << 30) == size


MANY = """
import json, sys
from eshkol.session import Session
from eshkol.datum.write import write_string
from eshkol.xla.programs import PROGRAMS
values = []
for text in json.loads(sys.argv[1]):
    values.append(write_string(Session().evaluate("(rng-seed 1) " + text)))
print(json.dumps([values, PROGRAMS.compilations, PROGRAMS.loads]))
"""


def _process(directory: Path, seed: int) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "ESHKOL_STORE": "on",
        "ESHKOL_STORE_DIR": str(directory),
        "PYTHONHASHSEED": str(seed),
    }
    chosen = [text for text in FOUND.values() if "import" not in text][::2]
    return subprocess.Popen(
        [sys.executable, "-c", MANY, json.dumps(chosen)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_processes_at_once_and_later(tmp_path: Path) -> None:
    both = [_process(tmp_path / "s", seed) for seed in (1, 2)]
    outputs = [json.loads(process.communicate(timeout=300)[0]) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert outputs[0][0] == outputs[1][0]
    later = _process(tmp_path / "s", 3)
    values, compilations, loads = json.loads(later.communicate(timeout=300)[0])
    assert values == outputs[0][0]
    assert compilations == 0 and loads >= len(values)
    assert not list((tmp_path / "s").glob("*.part"))


# ---- the command


def test_the_command_tells_and_clears(directory: Path, fresh, capsys) -> None:
    from eshkol.cli import main

    fresh().value(TEXT)
    assert main(["store"]) == 0
    told = capsys.readouterr().out
    assert str(directory) in told and "1 entry" in told and "2.0 GiB" in told
    assert main(["store", "clear"]) == 0
    assert "removed 1 entry" in capsys.readouterr().out
    assert not list(directory.iterdir())
    assert main(["store"]) == 0
    assert "0 entries" in capsys.readouterr().out


RUN = "(define w (* 0.5 (randn 3))) (display ((jit (lambda (x) (* x w))) (ones 3)))"


def test_the_command_keeps_single_operations_too(tmp_path: Path) -> None:
    program = tmp_path / "p.esk"
    program.write_text(RUN)
    environment = {**os.environ, "ESHKOL_STORE": "on", "ESHKOL_STORE_DIR": str(tmp_path / "s")}

    def run(*options: str) -> str:
        words = [sys.executable, "-m", "eshkol", *options, "run", str(program)]
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
        assert not done.stderr
        return done.stdout

    first = run()
    stored = sorted((tmp_path / "s").iterdir())
    assert len(stored) > 3
    assert run() == first
    assert sorted((tmp_path / "s").iterdir()) == stored
    for path in stored:
        path.write_bytes(_flipped(path.read_bytes(), -9))
    assert run() == first
    assert run("--no-store") == first


def test_a_process_of_others_keeps_the_settings_of_jax(tmp_path: Path) -> None:
    environment = {**os.environ, "ESHKOL_STORE": "on", "ESHKOL_STORE_DIR": str(tmp_path / "s")}
    code = """
import jax
before = dict(jax.config.values)
import eshkol as ek
print(ek.jit("(lambda (x) (* x 2.71875))")(2.0), dict(jax.config.values) == before)
"""
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["5.4375", "True"]
    assert len(list((tmp_path / "s").iterdir())) == 1


def test_results_are_those_of_the_compiled_program_to_the_bit(fresh) -> None:
    text = "((jit (lambda (x) (softmax (* x (sin x))))) (randn 64))"
    a = fresh().session.evaluate(f"(rng-seed 5) {text}")
    second = fresh()
    b = second.session.evaluate(f"(rng-seed 5) {text}")
    assert second.counts == (0, 1)
    assert np.asarray(a).tobytes() == np.asarray(b).tobytes()
    assert (a.dtype, a.weak_type, a.committed) == (b.dtype, b.weak_type, b.committed)


def test_large_executables_are_stored_without_what_nobody_reads(
    fresh, directory: Path, monkeypatch
) -> None:
    text = """(define (f y) (sum (sin (* y (exp (sin y))))))
    ((jit (lambda (x) (gradient f x))) (ones 64))"""
    sizes, results = [], []
    for change in ((), ("LARGE", 0), ("LARGE", 0, "without_bodies", None)):
        Store(str(directory), 1 << 30).clear()
        for name, replacement in zip(change[::2], change[1::2], strict=True):
            monkeypatch.setattr(stored, name, replacement)
        fresh().session.evaluate(text)
        largest = max(entry.size for entry in Store(str(directory), 1 << 30).entries())
        later = fresh()
        results.append(np.asarray(later.session.evaluate(text)).tobytes())
        assert later.counts == (0, 1)
        sizes.append(largest)
    assert sizes[1] < sizes[0] == sizes[2]
    assert results[0] == results[1] == results[2]
