"""Scheme programs that use Python, and Python programs that use Scheme procedures."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import math
import pydoc
import re
import subprocess
import sys
import threading
import traceback
from collections import OrderedDict, deque
from pathlib import Path

import numpy as np
import pytest

import eshkol as ek
from eshkol.datum.write import write_string
from eshkol.modules.python_modules import missing_module, python_library
from eshkol.runtime.report import report
from eshkol.session import Session

PACKAGE = str(Path(ek.__file__).parent)


@dataclasses.dataclass
class Point:
    x: float
    learning_rate: float = 0.5

    def moved(self, by=1.0, *more, scale=1.0):
        """The point elsewhere."""
        return Point((self.x + by + sum(more)) * scale)

    def failing(self):
        raise ValueError("a failing method")

    @property
    def broken(self):
        return self.no_such_thing

    def __getitem__(self, key):
        return ("item", key)


class Recorder:
    """A context manager that tells what happens to it."""

    def __init__(self, swallows=()):
        self.events = []
        self.swallows = swallows

    def __enter__(self):
        self.events.append("enter")
        return self

    def __exit__(self, kind, error, tb):
        self.events.append("exit" if kind is None else kind.__name__)
        return kind is not None and issubclass(kind, self.swallows)


def new_session(engine=None, **names):
    session = Session(engine=engine)
    values = {
        "p": Point(1.0),
        "Point": Point,
        "ValueError": ValueError,
        "ZeroDivisionError": ZeroDivisionError,
        "int": int,
        "sorted": sorted,
        "recorder": Recorder(),
        "forgiving": Recorder(ValueError),
        "counted": iter(range(10)),
        "matrix": np.arange(6.0).reshape(2, 3),
        **names,
    }
    for name, value in values.items():
        session.define(name, value)
    return session


PROGRAMS = r"""
; modules
(import (python math)) (math.sqrt 16) ⇒ 4.0
(import (python math as m)) (list (m.gcd 12 18) m.pi) ⇒ (6 3.141592653589793)
(import (python math) (python cmath)) (list (math.floor 1.5) (cmath.sqrt -1)) ⇒ (1 +i)
(import (only (python math) hypot gcd)) (list (hypot 3 4) (gcd 4 6)) ⇒ (5.0 2)
(import (prefix (only (python math) gcd) m:)) (m:gcd 4 6) ⇒ 2
(import (prefix (python math) m:)) (m:hypot 3 4) ⇒ 5.0
(import (rename (python math) (hypot distance))) (distance 3 4) ⇒ 5.0
(import (except (python math) sin)) (list (hypot 3 4) (procedure? sin)) ⇒ (5.0 #t)
(import (python math *)) (fsum '(0.5 0.25)) ⇒ 0.75
(import (python os.path)) (os.path.basename "a/b") ⇒ "b"
(import (python os.path as path)) (path.basename "a/b") ⇒ "b"
(import (python os path as path)) (path.basename "a/b") ⇒ "b"
(import (only (python os.path) basename)) (basename "a/b") ⇒ "b"
(import (python numpy as np)) (np.linalg.norm (py-list 3.0 4.0)) ⇒ 5.0
(define-library (uses python) (export h) (import (only (python math) hypot)) (begin (define
  (h a b) (hypot a b)))) (import (uses python)) (h 3 4)
  ⇒ 5.0
(import (python functools)) ((functools.partial + 1) 2) ⇒ 3
; lists of Python
(length (py-tuple 1 2)) ⇒ 2
(length (py-dict #:a 1)) ⇒ 1
(list-ref (py-tuple 'a 'b) 1) ⇒ b
(list-ref (py-list 'a 'b) 1) ⇒ b
(import (python itertools)) (list-ref (itertools.count 5) 2) ⇒ 7
(import (python itertools)) (take (itertools.count 5) 2) ⇒ (5 6)
(list (first (py-tuple 1 2 3)) (second (py-tuple 1 2 3)) (last (py-tuple 1 2 3))) ⇒ (1 2 3)
(list-tail (py-tuple 1 2 3) 1) ⇒ (2 3)
(drop (py-tuple 1 2 3) 2) ⇒ (3)
(sort (py-tuple 3 1 2) <) ⇒ (1 2 3)
(sort (py-iter '(3 1 2)) >) ⇒ (3 2 1)
(list-copy (py-tuple 1 2)) ⇒ (1 2)
(member 2 (py-tuple 1 2 3)) ⇒ (2 3)
(memv 9 (py-tuple 1 2 3)) ⇒ #f
(assv 2 (py-tuple '(1 . a) '(2 . b))) ⇒ (2 . b)
(find even? (py-tuple 1 2 3)) ⇒ 2
(drop-while odd? (py-tuple 1 2 3)) ⇒ (2 3)
; attributes and methods
(begin (set! p.x 5.0) p.x) ⇒ 5.0
(begin (set! p.learning-rate 0.25) (.-learning_rate p)) ⇒ 0.25
(let ((q p)) (set! q.x 2.0) (set! q.x (+ q.x 1)) p.x) ⇒ 3.0
(define p.x 1) (set! p.x 2) p.x ⇒ 2
(define (f p) (set! p.x 9.0) p.x) (f p) ⇒ 9.0
p.x ⇒ 1.0
(.-x p) ⇒ 1.0
(attribute p 'x) ⇒ 1.0
(attribute p "x") ⇒ 1.0
(.-learning-rate p) ⇒ 0.5
p.learning-rate ⇒ 0.5
(attribute p 'nope 'none) ⇒ none
(set-attribute! p 'x 7) p.x ⇒ 7
(set-attribute! p 'learning-rate 7) p.learning_rate ⇒ 7
(set-attribute! p 'fresh 7) p.fresh ⇒ 7
(.-x (.moved p)) ⇒ 2.0
(.-x (.moved p 2.0 3.0 #:scale 10.0)) ⇒ 60.0
(.-x (p.moved 2.0 3.0 #:scale 10.0)) ⇒ 60.0
(.-__class__.__name__ p) ⇒ "Point"
(.upper "abc") ⇒ "ABC"
(.upper (string #\a #\b)) ⇒ "AB"
(.split "a b c" #:maxsplit 1) ⇒ #("a" "b c")
(map .upper '("a" "b")) ⇒ ("A" "B")
(map .-x (list p p)) ⇒ (1.0 1.0)
(let ((q p)) (define (f) q.x) (f)) ⇒ 1.0
(define (f point) (point.x 1)) (define (point.x y) (list 'mine y)) (f p) ⇒ (mine 1)
(let ((p.x 5)) p.x) ⇒ 5
(define (g v) (define (p.x w) (* 2 w)) (p.x v)) (g 4) ⇒ 8
(define-syntax x-of (syntax-rules () ((_ e) (let ((t e)) (.-x t))))) (x-of p) ⇒ 1.0
(define-syntax my-p (syntax-rules () ((_) p.x))) (let ((p 5)) (my-p)) ⇒ 1.0
(let ((.5x 1)) (list .5 .5x '.a '...)) ⇒ (0.5 1 .a ...)
(let ((.f (lambda (x) (* 2 x)))) (.f 4)) ⇒ 8
(define (.g x) (* 3 x)) (.g 4) ⇒ 12
; items
(ref '(a b c) 1) ⇒ b
(ref #(a b c) -1) ⇒ c
(ref "abc" 0) ⇒ #\a
(ref "abc" (py-slice 1 #f)) ⇒ "bc"
(ref '(a b c d) (py-slice 1 3)) ⇒ (b c)
(ref #(a b c d) (py-slice #f #f 2)) ⇒ #(a c)
(ref '(a b c d) (py-slice 2)) ⇒ (a b)
(ref (py-list 1 2 3) -1) ⇒ 3
(ref (py-tuple 1 2 3) 0) ⇒ 1
(ref (py-dict #:a 1) "a") ⇒ 1
(ref (py-dict #:a 1) (string #\a)) ⇒ 1
(ref (py-dict #:a 1) "b" #:default 0) ⇒ 0
(ref '(1) 4 #:default 'none) ⇒ none
(let ((t (make-hash-table))) (hash-set! t 'k 1) (ref t 'k)) ⇒ 1
(ref matrix 1 2) ⇒ 5.0
(ref matrix -1 0) ⇒ 3.0
(py->list (ref matrix (py-slice #f #f) 1)) ⇒ (1.0 4.0)
(let ((d (py-dict))) (set-ref! d 'k 1) (set-ref! d 'k 2) (ref d 'k)) ⇒ 2
(let ((v (vector 1 2))) (set-ref! v 0 'x) v) ⇒ #(x 2)
(let ((l (list 1 2))) (set-ref! l 1 'x) l) ⇒ (1 x)
(let ((t (make-hash-table))) (set-ref! t 'k 1) (hash-ref t 'k)) ⇒ 1
(begin (set-ref! matrix 0 0 9.0) (ref matrix 0 0)) ⇒ 9.0
(let ((l (py-list 1 2 3))) (delete-ref! l 0) l) ⇒ #(2 3)
(list (py-contains? (py-list 1 2) 2) (py-contains? (py-dict #:a 1) "b")) ⇒ (#t #f)
(map py-length (list (py-list 1) '(1 2) (py-dict) "abc")) ⇒ (1 2 0 3)
(dict-ref (py-dict #:a 1) "a") ⇒ 1
(dict-ref (py-dict #:a 1) "b" 'none) ⇒ none
(let ((d (py-dict))) (dict-set! d 1 'one) (dict->alist d)) ⇒ ((1 . one))
(list (dict? (py-dict)) (dict? '())) ⇒ (#t #f)
; iteration
(map - (py-list 1 2)) ⇒ (-1 -2)
(map + (py-tuple 1 2) '(10 20 30)) ⇒ (11 22)
(map + '(1 2 3) counted) ⇒ (1 3 5)
(let ((n 0)) (for-each (lambda (x) (set! n (+ n x))) counted) n) ⇒ 45
(call/ec (lambda (k) (for-each (lambda (x) (if (= x 3) (k (py-next counted)))) counted))) ⇒ 4
(fold + 0 (py-set 1 2 3)) ⇒ 6
(filter odd? (py-list 1 2 3)) ⇒ (1 3)
(apply + (py-list 1 2)) ⇒ 3
(list->vector (py-tuple 1 2)) ⇒ #(1 2)
(py->list (py-dict #:a 1)) ⇒ ("a")
(py->list '(1 2)) ⇒ (1 2)
(let* ((it (py-iter '(1 2))) (a (py-next it)) (b (py-next it))) (list a b (py-next it 'end)))
  ⇒ (1 2 end)
(eof-object? (py-next (py-iter '()))) ⇒ #t
; data
None ⇒ None
(list None (none? None) (none? #f) (if None 1 2)) ⇒ (None #t #f 1)
(.get (py-dict) "k") ⇒ None
(py-instance? p Point) ⇒ #t
(py-instance? 1 Point int) ⇒ #t
(eq? (py-type p) Point) ⇒ #t
(python->scheme (py-list 1 (py-tuple 2 3) "s" None)) ⇒ (1 (2 3) "s" None)
(hash-ref (python->scheme (py-dict #:a (py-list 1))) "a") ⇒ (1)
; exceptions
(guard (e ((python-error? e "ValueError") (error-object-message e))) (.failing p))
  ⇒ "a failing method"
(guard (e ((python-error? e ValueError) 'caught)) (.failing p)) ⇒ caught
(guard (e ((python-error? e 'ValueError) 'caught)) (.failing p)) ⇒ caught
(guard (e ((python-error? e "builtins.ValueError") 'caught)) (.failing p)) ⇒ caught
(guard (e ((python-error? e "KeyError" "ValueError") 'caught)) (.failing p)) ⇒ caught
(guard (e ((python-error? e "KeyError") 'wrong) ((error-object? e) 'caught)) (.failing p))
  ⇒ caught
(guard (e ((python-error? e ZeroDivisionError) 'zero)) (quotient 1 0)) ⇒ zero
(guard (e ((python-error? e "AttributeError") 'none)) (.-nope p)) ⇒ none
(guard (e ((python-error? e "KeyError") 'none)) (ref (py-dict) 1)) ⇒ none
(guard (e ((python-error? e) 'python) (#t (list 'not e))) (raise 'symbol)) ⇒ (not symbol)
(guard (e ((python-error? e ValueError) (error-object-message e))) (raise (ValueError "v"))) ⇒ "v"
(import (python json)) (guard (e ((python-error? e "json.JSONDecodeError") e.pos))
  (json.loads "[1,"))
  ⇒ 3
(with-exception-handler (lambda (e) 10) (lambda () (+ 1 (raise-continuable (ValueError))))) ⇒ 11
; context managers
(with-context (r recorder) (eq? r recorder)) ⇒ #t
(with-context (r recorder) 1) (->python recorder.events) ⇒ #("enter" "exit")
(guard (e (#t (->python recorder.events))) (with-context (r recorder) (.failing p)))
  ⇒ #("enter" "ValueError")
(guard (e (#t (->python recorder.events))) (with-context (r recorder) (car 5)))
  ⇒ #("enter" "WrongType")
(guard (e (#t (->python recorder.events))) (with-context (r recorder) (raise 'boom)))
  ⇒ #("enter" "Raised")
(call/ec (lambda (k) (with-context (r recorder) (k 1)))) recorder.events ⇒ #("enter" "exit")
(with-context (r forgiving) (.failing p)) forgiving.events ⇒ #("enter" "ValueError")
(guard (e (#t 'guarded)) (with-context (r forgiving) (raise (ValueError "v"))) 'swallowed)
  ⇒ swallowed
(with-exception-handler (lambda (e) 5) (lambda () (with-context (r recorder) (+ 1
  (raise-continuable 'c)))))
  ⇒ 6
; numbers
(import (python numpy as np)) (+ 1 (np.float64 2.5)) ⇒ 3.5
(import (python numpy as np)) (list (* 2 (np.int64 21)) (sqrt (np.float32 4))) ⇒ (42 2.0)
(import (python numpy as np)) (vector-ref #(a b c) (np.int64 2)) ⇒ c
(import (python numpy as np)) (if (np.bool_ #f) 1 2) ⇒ 2
(import (python numpy as np)) (map (lambda (x) (* 10 x)) (py->list (np.arange 3))) ⇒ (0 10 20)
(import (python fractions)) (+ 1/2 (fractions.Fraction 1 2)) ⇒ 1
; callbacks
(python->scheme (sorted '(3 1 2) #:key -)) ⇒ (3 2 1)
(python->scheme (sorted '("bb" "a") #:key (lambda (s) (string-length s)))) ⇒ ("a" "bb")
(import (python functools)) (functools.reduce + (py-list 1 2 3)) ⇒ 6
(let ((n 0)) (py->list (py-iterator (lambda () (set! n (+ n 1)) (if (< n 3) n (eof-object))))))
  ⇒ (1 2)
"""
"""Programs and what they give, as ``write`` shows it; ``;`` begins a title."""


def rows(text):
    """Pairs of a program and a value; an indented line belongs to the one before it."""
    joined = re.sub(r"\n +", " ", text)
    lines = [line for line in joined.strip().splitlines() if not line.startswith(";")]
    return dict(line.split(" ⇒ ") for line in lines)


VALUES = rows(PROGRAMS)

PYTHON_VALUES = {
    "(import (python xml dom minidom)) "
    '(.-tagName (.-documentElement (xml.dom.minidom.parseString "<a/>")))': "a",
    "((py-method 'moved) p)": Point(2.0),
    "(.__class__.mro p)": [Point, object],
    "(ref p 3)": ("item", 3),
    '(py-dict \'("x" . 1) #:learning-rate 2)': {"x": 1, "learning_rate": 2},
}


@pytest.mark.parametrize("engine", [None, "cek"])
@pytest.mark.parametrize("program", VALUES)
def test_a_program(program, engine):
    assert write_string(new_session(engine).evaluate(program)) == VALUES[program]


@pytest.mark.parametrize("program", PYTHON_VALUES)
def test_a_program_that_gives_a_python_value(program):
    assert new_session().evaluate(program) == PYTHON_VALUES[program]


def test_python_containers():
    session = new_session(q=deque([1, 2]), d=OrderedDict(a=1), s=frozenset([1]))
    assert write_string(session.evaluate("(python->scheme q)")) == "(1 2)"
    assert write_string(session.evaluate("(python->scheme s)")) == "(1)"
    assert write_string(session.evaluate('(hash-ref (python->scheme d) "a")')) == "1"
    assert write_string(session.evaluate("(map - q)")) == "(-1 -2)"


def test_conversion_to_python():
    program = r"""(define t (make-hash-table)) (hash-set! t 'k '(1 #(2)))
        (->python (list 1 1/2 'a #\b "s" (string #\c) #(1 2) '(1 . 2) t (if #f #f) '() #t))"""
    value = new_session().evaluate(program)
    half = ek.eval("1/2")
    assert value == [1, half, "a", "b", "s", "c", [1, 2], (1, 2), {"k": [1, [2]]}, None, [], True]
    assert type(value[5]) is str and type(value[6]) is list
    circular = "(define l (list 1 2)) (set-cdr! (cdr l) l) (->python l)"
    with pytest.raises(ek.WrongType, match="circular"):
        new_session().evaluate(circular)


# ---- Scheme procedures in Python


def procedure(text):
    return Session().evaluate(text)


SIGNATURES = {
    "(lambda (x y) x)": "(x, y)",
    "(lambda (learning-rate (steps 2)) steps)": "(learning_rate, steps=2)",
    "(lambda (x #:scale (scale 1.0)) x)": "(x, *, scale=1.0)",
    "(lambda (x #:keep-dims keep) x)": "(x, *, keep_dims)",
    "(lambda (x . rest) x)": "(x, *rest)",
    "(lambda args args)": "(*args)",
    '(lambda (x (mode "fast")) x)': "(x, mode='fast')",
    "(lambda (tensor? (n (+ 1 2))) n)": "(is_tensor, n=…)",
}


@pytest.mark.parametrize("text", SIGNATURES)
def test_signatures(text):
    assert str(inspect.signature(procedure(text))) == SIGNATURES[text]


def test_help_shows_docstring_and_signature():
    area = procedure('(define (area w (h 2)) "The area of a rectangle." (* w h)) area')
    text = pydoc.plain(pydoc.render_doc(area))
    assert "area(w, h=2)" in text and "The area of a rectangle." in text
    assert area.__name__ == area.__qualname__ == "area"
    assert inspect.getdoc(area) == "The area of a rectangle."


def test_keyword_arguments_from_python():
    scaled = procedure("(define (scaled x (by 2) #:shift-by (s 0)) (+ (* x by) s)) scaled")
    assert (scaled(3), scaled(3, by=3), scaled(3, shift_by=1), scaled(x=1)) == (6, 9, 7, 2)


def test_callbacks():
    negate = procedure("(lambda (x) (- x))")
    assert sorted([3, 1, 2], key=negate) == [3, 2, 1]
    assert list(map(negate, [1, 2])) == [-1, -2]
    assert functools.reduce(procedure("(lambda (a b) (+ a b))"), [1, 2, 3]) == 6
    assert list(filter(procedure("odd?"), range(5))) == [1, 3]


def test_python_iterates_over_scheme_values():
    assert list(procedure("'(1 2 3)")) == [1, 2, 3]
    assert [*procedure("#(1 2)")] == [1, 2]
    countdown = """(let ((n 3))
        (py-iterator (lambda () (set! n (- n 1)) (if (negative? n) (eof-object) n))))"""
    assert list(procedure(countdown)) == [2, 1, 0]


def test_procedures_run_in_threads():
    count_to = procedure(
        """(define (count-to n) (let loop ((i 0)) (if (< i n) (loop (+ i 1)) i)))
        (lambda (n) (guard (e (#t e)) (raise (count-to n))))"""
    )
    results = {}

    def count(n):
        results[n] = count_to(n)

    threads = [threading.Thread(target=count, args=(n,)) for n in range(500, 504)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {n: n for n in range(500, 504)}


# ---- errors


RAISED = {
    "(car 5)": TypeError,
    "(vector-ref #(1) 7)": IndexError,
    "(/ 1 0)": ZeroDivisionError,
    "nope": NameError,
    '(error "bad" 1)': RuntimeError,
    "(raise (ValueError 1))": ValueError,
    '(int "x")': ValueError,
    "(.failing p)": ValueError,
    "(.-nope p)": AttributeError,
    "(set-attribute! 5 'x 1)": AttributeError,
    "(.-broken p)": AttributeError,
    "(ref (py-dict) 1)": KeyError,
    "(dict-ref (py-dict) 1)": KeyError,
    "(delete-ref! (py-dict) 1)": KeyError,
    "(ref (py-list) 1)": IndexError,
    "(ref matrix 7)": IndexError,
    "(ref 5 0)": TypeError,
    '(ref (py-list) "a")': TypeError,
    "(set-ref! (py-tuple 1) 0 1)": TypeError,
    "(with-context (x 5) x)": TypeError,
}


@pytest.mark.parametrize("program", RAISED)
def test_python_catches_the_classes_it_expects(program):
    with pytest.raises(RAISED[program]) as caught:
        new_session().evaluate(program)
    shown = "".join(traceback.format_exception(caught.value))
    assert f'File "{PACKAGE}' not in shown


@pytest.mark.parametrize("program", RAISED)
def test_scheme_catches_the_classes_that_python_expects(program):
    kind = RAISED[program]
    test = f'(and (python-error? e "{kind.__name__}") (python-error? e C))'
    assert new_session(C=kind).evaluate(f"(guard (e ({test} 'caught)) {program})").name == "caught"


MESSAGES = {
    "(import (python nonsuch))": ["there is no Python module nonsuch", "pip install nonsuch"],
    "(import (python numpy.nonsuch))": ["no Python module numpy.nonsuch", "has no module of this"],
    "(import (python))": ["expected the name of a Python module"],
    "(import (only (python math as m) sin))": ["as m names the module"],
    "(import (only (python math) sinn))": ["the Python module math exports no sinn", "mean sin?"],
    "(import (python math)) (math.sine 1)": ["math has no attribute sine", "did you mean sin?"],
    "(import (python wsgiref)) wsgiref.headers": ["a module of its own: (import (python wsgiref."],
    "(.moveed p)": ["has no attribute moveed", "did you mean moved?"],
    "(.-learning-rat p)": ["has no attribute learning-rat", "did you mean learning_rate?"],
    "(.-broken p)": ["no_such_thing"],
    "(.moved)": ["the value that has it is missing", "use: (.moved value argument …)"],
    "(.-x p 1)": ["this part is too many", "(.x value argument …)"],
    '(ref (py-dict #:alpha 1) "alpa")': ['no key "alpa"', 'did you mean "alpha"?'],
    "(ref '(1 2) 2)": ["index 2 is out of range for 2 elements"],
    "(ref matrix 2 0)": ["index 2 is out of range for f64[2,3]"],
    "(set-attribute! 5 'x 1)": ["set-attribute!: x of 5 can't be set"],
    "(py-next 5)": ["expected an iterator, got 5", "py-iter"],
    "(py->list 5)": ["expected something to iterate over, got 5"],
    "(py-length 5)": ["expected a collection, got 5"],
    "(py-contains? 5 1)": ["expected a collection, got 5"],
    "(py-dict 5)": ["py-dict: expected a pair (key . value), got 5"],
    "(set-ref! (py-list 1))": ["set-ref!: expected a key and an item"],
    "(dict-ref (make-hash-table) 1)": ["expected a Python dictionary", "hash-ref"],
    "(py-instance? 1 'int)": ["expected a Python class, got int"],
    "(with-context (x 5) x)": ["with-context: expected a Python context manager, got 5"],
    "(with-context x 5)": ["with-context: expected a list like (name manager), got x"],
    "(import (python math)) (math.gcd 'a 'b)": ["'Symbol' object cannot be interpreted"],
    "(import (python math)) (math.sin 1 2)": ["math.sin takes 1 argument, got 2"],
    "(map car 5)": ["map: expected a list, got 5"],
    "(car (py-tuple 1 2))": ["car: expected a pair, got", "(ref items 0)", "(py->list items)"],
    "(vector-ref (py-tuple 1 2) 0)": ["vector-ref: expected a vector, got", "(ref items 0)"],
    "(list-set! (py-list 1 2) 0 3)": ["list-set!: expected a list, got", "(ref items 0)"],
    "(length (py-iter '(1 2)))": ["length: expected a list, got", "(py->list items)"],
    '(hash-ref (py-dict #:a 1) "a")': ["hash-ref: expected a hash table, got", "dict-ref"],
    "(set! nothing.x 5)": ["set!: nothing.x is not defined"],
    "(define t (py-tuple)) (set! t.x 5)": ["set-attribute!: x of #<python ()> can't be set"],
    "(define p (py-tuple)) (set! p.x.y 5)": ["#<python ()> has no attribute x"],
}


@pytest.mark.parametrize("program", MESSAGES)
def test_messages(program):
    with pytest.raises(Exception) as caught:
        new_session().evaluate(program, "bad.esk")
    text = report(caught.value)
    assert text.startswith("bad.esk:1:")
    assert [part for part in MESSAGES[program] if part not in text] == []


def test_an_error_in_a_callback_points_at_its_form():
    session = new_session()
    session.evaluate("(define (key x)\n  (car x))", "bad.esk")
    with pytest.raises(TypeError) as caught:
        sorted([1, 2], key=session.get("key"))
    assert str(caught.value).startswith("bad.esk:2:3: car: expected a pair, got 1")


def test_an_exception_crosses_scheme_unchanged():
    error = KeyError("own")

    def failing():
        raise error

    session = new_session(failing=failing)
    with pytest.raises(KeyError) as caught:
        session.evaluate("(define (outer) (+ 1 (failing))) (outer)")
    assert caught.value is error
    names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
    assert names[-2:] == ["outer", "failing"]


def test_modules_that_can_not_be_imported(tmp_path, monkeypatch):
    (tmp_path / "needs_other.py").write_text("import other_thing_nowhere\n")
    (tmp_path / "needs_name.py").write_text("from math import nothing_like_it\n")
    (tmp_path / "fails_at_once.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    problems = {
        "needs-other": "needs_other needs other_thing_nowhere, which is not installed",
        "needs-name": "needs_name can't be imported: cannot import name 'nothing_like_it'",
        "fails-at-once": "fails_at_once failed with ZeroDivisionError: division by zero",
    }
    for name, problem in problems.items():
        with pytest.raises(ek.ExpandError, match=problem):
            Session().evaluate(f"(import (python {name}))")


def test_the_extra_that_installs_a_module():
    assert missing_module("needy", "jupyterlab").hint.endswith("pip install 'eshkol[notebook]'")
    assert missing_module("nowhere", "nowhere").hint.endswith("pip install nowhere")


# ---- programs in files


def test_a_module_beside_the_program(tmp_path):
    (tmp_path / "beside_me.py").write_text("def triple(x):\n    return 3 * x\n")
    program = tmp_path / "program.esk"
    program.write_text(
        "(import (python beside-me) (only (python beside-me) triple) (python math as m))\n"
        "(display (list (beside_me.triple 2) (triple 3) (m.sqrt 4)))\n"
    )
    command = [sys.executable, "-m", "eshkol", "run", str(program)]
    for _ in range(2):  # the second time from its compiled form
        result = subprocess.run(command, capture_output=True, text=True, cwd="/", timeout=60)
        assert (result.stderr, result.stdout) == ("", "(6 9 2.0)")
    (tmp_path / "beside_me.py").unlink()
    result = subprocess.run(command, capture_output=True, text=True, cwd="/", timeout=60)
    assert result.returncode == 1
    assert "there is no Python module beside_me" in result.stderr
    assert "program.esk:1:9:" in result.stderr


def test_imports_are_shared_with_libraries(tmp_path):
    (tmp_path / "shapes.esk").write_text("(import (python math)) (define (area r) (* math.pi r r))")
    (tmp_path / "main.esk").write_text('(import "shapes.esk") (area 1.0)')
    for _ in range(2):
        assert Session().load(tmp_path / "main.esk") == math.pi


LIGHT = {
    "(import (python math)) (math.sqrt 4.0)": "2.0 []",
    "(import (python numpy as np)) (+ 1 (np.mean (py-list 1.0 2.0)))": "2.5 ['numpy']",
}


@pytest.mark.parametrize("program", LIGHT)
def test_what_an_import_loads(program):
    code = (
        f"import sys; import eshkol as ek; value = ek.eval({program!r});"
        "print(value, [name for name in ('numpy', 'jax') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.stdout == f"{LIGHT[program]}\n"


def test_a_library_of_a_module():
    assert python_library(("python", "os.path", "as", "path")).exports == {"path": "path"}
    assert python_library(("python", "math", "*")).own_name("is-finite") is None
    assert python_library(("python", "itertools", "*")).own_name("zip-longest") == "zip_longest"


# ---- compiled programs


def test_python_functions_run_while_a_program_is_traced():
    calls = []

    def noted(x):
        calls.append(1)
        return x * 2

    session = new_session(noted=noted)
    session.evaluate("(import (python jax.numpy as jnp))")
    twice = session.evaluate("(jit (lambda (x) (jnp.sin (noted x))))")
    assert float(twice(1.0)) == float(twice(1.0)) == pytest.approx(math.sin(2.0))
    assert len(calls) == 1
    slope = session.evaluate("(gradient (lambda (x) (jnp.sin (noted x))) 1.0)")
    assert float(slope) == pytest.approx(2 * math.cos(2.0))


def test_attributes_and_methods_in_compiled_programs():
    session = new_session()
    program = '((jit (lambda (x) (.sum (.astype (.-T x) "float32")))) (ones 2 3))'
    assert float(session.evaluate(program)) == 6.0
    assert float(session.evaluate("((jit (lambda (x) (* p.x x))) 3.0)")) == 3.0


def test_contexts_in_compiled_programs():
    recorder = Recorder()
    session = new_session(recorder=recorder)
    session.evaluate("(define f (jit (lambda (x) (with-context (r recorder) (* 2 x)))))")
    assert [float(session.evaluate("(f 2.0)")) for _ in range(2)] == [4.0, 4.0]
    assert recorder.events == ["enter", "exit"]


ASKING = {
    "((jit (lambda (x) (math.sin x))) 1.0)": "math.sin",
    "((jit (lambda (x) (np.sin x))) 1.0)": "np.sin",
    "(gradient (lambda (x) (* 2 (np.sin x))) 1.0)": "np.sin",
    "((jit (lambda (x) (test x))) 1.0)": "test",
    "((jit (lambda (x) (.item x))) 1.0)": ".item",
    "(gradient (lambda (x) (tensor-sum (np.sin x))) (tensor 1.0 2.0))": "np.sin",
}


@pytest.mark.parametrize("program", ASKING)
def test_python_functions_that_ask_for_a_traced_value(program):
    session = new_session(test=lambda x: 1 if x > 0 else 2)
    with pytest.raises(ek.StagingError) as caught:
        session.evaluate(f"(import (python math) (python numpy as np)) {program}")
    who = ASKING[program]
    assert f" {who}: a Python function asks for a value that is traced: " in str(caught.value)
    assert f'File "{PACKAGE}' not in "".join(traceback.format_exception(caught.value))
