"""Code generation: order, closures, loops, names, positions, redefinition, and fast numbers."""

from __future__ import annotations

import inspect
import math
import operator
import re
import sys
import traceback
import types
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eshkol.base import sources
from eshkol.base.errors import (
    ArityError,
    DivideByZero,
    EshkolError,
    InternalError,
    TooDeep,
    WrongType,
)
from eshkol.codegen.names import python_name
from eshkol.codegen.unit import eager_code, staged_code
from eshkol.core.free import free_variables
from eshkol.core.nodes import Define
from eshkol.datum.write import write_string
from eshkol.primitives.declare import load
from eshkol.reader import read_all
from eshkol.runtime.dialects import staged
from eshkol.runtime.procedures import Procedure, procedure_of, procedure_of_code
from eshkol.session import Session
from eshkol.syntax.objects import Dotted, Keyword, VectorForm
from programs import core, evaluated, shown, table, value
from random_loops import looping_procedures

RANDOM = settings(deadline=None, max_examples=80, suppress_health_check=list(HealthCheck))


def staged_call(function: Any, *arguments: Any) -> Any:
    """What the staged body of a procedure gives for known values."""
    return load("eshkol.xla.control:staging")(staged(function), *arguments)


# ---- order of evaluation

NOTES = "(define said '()) (define (say x) (set! said (cons x said)) x)"


@table("""
(list (say 1) (say 2) (say 3)) ⇒ (1 2 3)

((begin (say 0) list) (say 1) (say 2)) ⇒ (0 1 2)

(list (say 1) (let ((x (say 2))) (say 3) x) (say 4)) ⇒ (1 2 3 4)

(list (say 1) (if (say 2) (begin (say 3) 0) (say 9)) (say 4)) ⇒ (1 2 3 4)

(list (say 1) (do ((i 2 (+ i 1))) ((= i 4)) (say i)) (say 4)) ⇒ (1 2 3 4)

(list (say 1) (list (say 2) (begin (say 3) 0)) (say 4)) ⇒ (1 2 3 4)

(let ((a (say 1)) (b (say 2))) (say 3)) ⇒ (1 2 3)

(let* ((a (say 1)) (b (say 2))) (say 3)) ⇒ (1 2 3)

(letrec* ((a (say 1)) (b (say 2))) (say 3)) ⇒ (1 2 3)

(let loop ((a (say 1)) (b (say 2))) (if (< a 3) (loop (say 3) (say 4)) 0)) ⇒ (1 2 3 4)

(+ (say 1) (begin (say 2) 0)) ⇒ (1 2)

(- (begin (say 1) 0) (say 2)) ⇒ (1 2)

(if (< (say 1) (say 2)) (say 3) (say 9)) ⇒ (1 2 3)

(and (say 1) (say #f) (say 9)) ⇒ (1 #f)

(or (say #f) (say 2) (say 9)) ⇒ (#f 2)

(if (and (say 1) (not (begin (say 2) #f))) (say 3)) ⇒ (1 2 3)

(case (say 1) ((1) (say 2)) (else (say 9))) ⇒ (1 2)

(cond ((say #f) 0) ((say 1) => (lambda (x) (say 2)))) ⇒ (#f 1 2)

`(,(say 1) ,@(list (say 2)) . ,(say 3)) ⇒ (1 2 3)

(define (f (a (say 1)) (b (say 2))) (say 3)) (f) ⇒ (1 2 3)

(define (f a (b (say 9))) 0) (f (say 1) (say 2)) ⇒ (1 2)
""")
def test_order_of_evaluation(program, expected):
    assert shown(f"{NOTES} {program} (reverse said)") == expected


@table("""
(define x 1) (list x (begin (set! x 2) x) x) ⇒ (1 2 2)

(define (f x) (list x (begin (set! x 2) x) x)) (f 1) ⇒ (1 2 2)

(define (f x) (+ x (begin (set! x 10) 1))) (f 1) ⇒ 2

(define (f x) (- (begin (set! x 10) x) x)) (f 1) ⇒ 0

(define (f x) (if (< x (begin (set! x 10) 5)) x 'no)) (f 1) ⇒ 10

(define (f x) (let loop ((i x) (j 0)) (if (= j 3) (list i j) (loop j (+ i 1))))) (f 5) ⇒ (8 3)

(define (f x) (let loop ((a 1) (b 2) (n x)) (if (= n 0) (list a b) (loop b a (- n 1))))) (f 3)
⇒ (2 1)
""")
def test_values_are_taken_when_it_is_their_turn(program, expected):
    assert shown(program) == expected


# ---- closures and boxes


@table("""
(map (lambda (f) (f)) (do ((i 0 (+ i 1)) (l '() (cons (lambda () i) l))) ((= i 3) l))) ⇒ (2 1 0)

(let loop ((i 0) (l '()))
  (if (= i 3) (map (lambda (f) (f)) l) (loop (+ i 1) (cons (lambda () i) l)))) ⇒ (2 1 0)

(let loop ((i 0) (l '()))
  (if (= i 3)
      (map (lambda (f) (f)) l)
      (let ((j (* i i))) (loop (+ i 1) (cons (lambda () (set! j (+ j 1)) j) l))))) ⇒ (5 2 1)

(define (f n l) (if (= n 0) (map (lambda (g) (g)) l) (f (- n 1) (cons (lambda () n) l))))
(f 3 '()) ⇒ (1 2 3)

(let out ((i 0) (l '()))
  (if (= i 3)
      (map (lambda (f) (f)) l)
      (let in ((j 0) (l l))
        (if (= j 2) (out (+ i 1) l) (in (+ j 1) (cons (lambda () (list i j)) l))))))
⇒ ((2 1) (2 0) (1 1) (1 0) (0 1) (0 0))

(define (counter) (let ((n 0)) (lambda () (set! n (+ n 1)) n)))
(define a (counter)) (define b (counter)) (a) (a) (list (a) (b)) ⇒ (3 1)

(define (pair-of x) (list (lambda () x) (lambda (v) (set! x v))))
(let ((p (pair-of 1))) ((cadr p) 2) ((car p))) ⇒ 2

(define (f . rest) (set! rest (cons 0 rest)) (lambda () rest)) ((f 1 2)) ⇒ (0 1 2)

(define (f x (y x)) (set! x 9) (list x y)) (list (f 1) (f 1 2)) ⇒ ((9 1) (9 2))

(define (f x (g (lambda () x))) (set! x 9) (g)) (f 1) ⇒ 9

(define (f x (y (begin (set! x (+ x 1)) x)) . r) (list x y r)) (list (f 1) (f 1 5 6))
⇒ ((2 2 ()) (1 5 (6)))

(define (f) (define (g) (h)) (define (h) 'h) (g)) (f) ⇒ h

(define (f) (define x 1) (define (g) (set! x (+ x 1)) x) (g) (g)) (f) ⇒ 3

(letrec ((f (lambda () g)) (g 5)) (f)) ⇒ 5

(let ((x 1)) (let ((f (lambda () x)) (x 2)) (f))) ⇒ 1
""")
def test_closures_have_bindings_of_their_own(program, expected):
    assert shown(program) == expected


def test_quoted_data_is_one_object():
    assert value("(define (f) '(1 2)) (eq? (f) (f))") is True
    session = Session()
    first = session.evaluate("(define (f) '(a)) f", "one.esk")
    second = session.evaluate("(define (g) '(b)) g", "one.esk")
    assert (write_string(first()), write_string(second())) == ("(a)", "(b)")


# ---- loops and recursion


def deepest(program: str) -> int:
    """By how many Python frames ``program`` goes deeper between calls of ``here``."""
    depths: list[int] = []

    def here() -> int:
        frame, count = sys._getframe(), 0
        while frame.f_back is not None:
            frame, count = frame.f_back, count + 1
        depths.append(count)
        return 0

    session = Session()
    session.define("here", here)
    session.evaluate(program)
    return max(depths) - min(depths)


@pytest.mark.parametrize(
    "program",
    [
        "(let loop ((i 0)) (if (< i 1000000) (loop (+ i 1)) i))",
        "(do ((i 0 (+ i 1))) ((= i 1000000) i))",
        "(define (f i) (if (= i 1000000) i (f (+ i 1)))) (f 0)",
        "(define (f i) (cond ((= i 1000000) i) ((< i 0) 0) (else (f (+ i 1))))) (f 0)",
        "(letrec ((f (lambda (i) (if (= i 1000000) i (f (+ i 1)))))) (f 0))",
        "(let () (define (f i a) (if (= i 1000000) a (let ((b (+ a 1))) (f (+ i 1) b)))) (f 0 0))",
        "(let out ((i 0) (n 0)) (if (= i 1000) n (let in ((j 0) (n n))"
        " (if (= j 1000) (out (+ i 1) n) (in (+ j 1) (+ n 1))))))",
    ],
)
def test_a_million_trips(program):
    assert value(program) == 1000000


@pytest.mark.parametrize(
    "program",
    [
        "(let loop ((i 0)) (here) (if (< i 100) (loop (+ i 1)) i))",
        "(define (f i) (here) (if (< i 100) (f (+ i 1)) i)) (f 0)",
        "(do ((i 0 (+ i 1))) ((= i 100)) (here))",
        "(define (f i) (when (< i 100) (here) (let ((j (+ i 1))) (or #f (f j))))) (f 0)",
        "(let loop ((i 0) (l '())) (here) (if (< i 100) (loop (+ i 1) (cons (lambda () i) l)) l))",
        "(let out ((i 0)) (when (< i 9) (let in ((j 0)) (here)"
        " (if (< j 9) (in (+ j 1)) (out (+ i 1))))))",
    ],
)
def test_tail_calls_of_itself_take_no_room(program):
    assert deepest(program) == 0


def test_recursion_within_python():
    assert value("(define (f n) (if (= n 0) 0 (+ 1 (f (- n 1))))) (f 5000)") == 5000
    mutual = (
        "(define (ev? n) (or (= n 0) (od? (- n 1)))) (define (od? n) (and (> n 0) (ev? (- n 1))))"
    )
    assert shown(f"{mutual} (list (ev? 4000) (od? 4000))") == "(#t #f)"


def test_endless_recursion_is_told():
    with pytest.raises(TooDeep, match="recursion is too deep"):
        value("(define (f n) (+ 1 (f n))) (f 1)")


@RANDOM
@given(looping_procedures())
def test_loops_in_loops_do_what_their_core_says(program):
    node = core(program)[-1]
    assert isinstance(node, Define)
    expected = evaluated(node.value)(3)
    function = value(f"{program} f")
    assert function(3) == expected
    assert staged_call(function, 3) == expected


# ---- names

ODD_NAMES = (
    "list? set-x! a->b a-b a_b a.b class def None True False is_x is-x __debug__ __name__ "
    "self print int float λ été x² 1+ - ... <=? |a b| || |1| t1 lambda-1 _ __ %x $y &z ~ ^ int_ "
    "|x\\x0;y| 日本"
)
NAMES = re.findall(r"\|[^|]*\||\S+", ODD_NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_variable_may_have_any_name(name):
    assert shown(f"(define {name} 1) (set! {name} 2) {name}") == "2"
    assert shown(f"(define (f {name}) (lambda () {name})) ((f 2))") == "2"
    assert shown(f"(define (f {name}) (set! {name} 2) {name}) (f 1)") == "2"
    assert shown(f"(define (f . {name}) {name}) (f 2)") == "(2)"
    assert shown(f"(let {name} ((i 0)) (if (= i 2) i ({name} 2)))") == "2"
    assert shown(f"(do (({name} 0 (+ {name} 1))) ((= {name} 2) {name}))") == "2"
    assert shown(f"(define (f) (define ({name}) 2) ({name})) (f)") == "2"
    assert shown(f"(define ({name}) 2) ({name})") == "2"


@pytest.mark.parametrize("name", [n for n in NAMES if "|" not in n and n not in ("...", "1+")])
def test_an_optional_parameter_of_any_name_is_given_by_its_name(name):
    assert shown(f"(define (f ({name} 1)) {name}) (list (f) (f #:{name} 2))") == "(1 2)"


def test_names_that_python_spells_alike_stay_apart():
    names = "a-b a_b a!b a?b a.b".split()
    program = f"(define (f {' '.join(names)}) (lambda () (list {' '.join(names)})))"
    assert shown(f"{program} ((f 1 2 3 4 5))") == "(1 2 3 4 5)"
    globals_ = " ".join(f"(define {name} {i})" for i, name in enumerate(names))
    assert shown(f"{globals_} (let ((a_b 'local)) (list a_b {' '.join(names[2:])}))") == (
        "(local 2 3 4)"
    )


@table("""
(define scale 3) (define (f x (scale 1)) (* x scale)) (list (f 2) (f 2 #:scale 7) scale)
⇒ (2 14 3)

(define scale 3) (define (f x (scale scale)) (* x scale)) (list (f 2) (f 2 #:scale 7)) ⇒ (6 14)

(define scale 3) (define (f (scale (lambda () scale))) (list (scale))) (f) ⇒ (3)

(define (f x) (define (g (x 1)) (* 2 x)) (list (g) (g #:x x))) (f 4) ⇒ (2 8)

(define (f car) (define-syntax first (syntax-rules () ((_ l) (cdr l)))) (list car (first '(1 2))))
(f 5) ⇒ (5 (2))

(define-syntax first (syntax-rules () ((_ l) (car l)))) (define (f car) (list car (first '(1 2))))
(f 5) ⇒ (5 1)

(define-syntax get (syntax-rules () ((_) v))) (define v 1)
(define (f v) (let ((w v)) (lambda () (list v w (get))))) ((f 2)) ⇒ (2 2 1)

(define-syntax get (syntax-rules () ((_) v))) (define v 1)
(define (f v) (let loop ((v v)) (if (= v 4) (list v (get)) (loop (+ v (get)))))) (f 2) ⇒ (4 1)

(define-syntax put (syntax-rules () ((_ x) (set! v x)))) (define v 1)
(define (f v) (put 5) v) (list (f 2) v) ⇒ (2 5)
""")
def test_parameters_keep_their_names_beside_globals(program, expected):
    assert shown(program) == expected


def test_parameters_and_globals_of_one_name_in_the_staged_dialect():
    program = "(define scale 3) (define (f x (scale scale)) (* x scale)) f"
    function = value(program)
    assert [staged_call(function, 2), staged_call(function, 2, 7)] == [6, 14]


@pytest.mark.parametrize(
    ("name", "spelling"),
    [("train-epoch", "train_epoch"), ("tensor?", "is_tensor"), ("set-x!", "set_x"),
     ("a->b", "a_to_b"), ("class", "class_"), ("None", "None_"), ("1+", "_1_"), ("", "_"),
     ("__debug__", "__debug___"), ("λ", "λ")],
)  # fmt: skip
def test_python_spelling(name, spelling):
    assert python_name(name) == spelling


# ---- what Python sees


def test_procedures_are_python_functions_that_describe_themselves():
    function = value('(define (leaky-relu x (alpha 0.01) . more)\n  "Leaks."\n  x) leaky-relu')
    assert isinstance(function, types.FunctionType)
    assert (function.__name__, function.__qualname__) == ("leaky-relu", "leaky-relu")
    assert inspect.getdoc(function) == "Leaks."
    assert str(inspect.signature(function)) == "(x, alpha=0.01, *more)"
    assert function.__module__ == "__main__"
    assert function.__defaults__ == (0.01,)


@table("""
(lambda (x) x) ⇒ lambda

(let ((f (lambda (x) x))) f) ⇒ f

(define (outer) (define (inner) 1) inner) (outer) ⇒ inner

(define (outer) (lambda () 1)) (outer) ⇒ lambda

(define g (lambda () 1)) g ⇒ g

(letrec ((f? (lambda () 1))) f?) ⇒ f?
""")
def test_procedures_are_named_by_their_definition(program, expected):
    assert value(program).__name__ == expected


def test_a_string_alone_is_the_value_and_no_docstring():
    function = value('(define (f) "text") f')
    assert (function(), function.__doc__) == ("text", None)


# ---- positions

PROGRAM = """(define (norm xs)
  "The sum of squares, été."
  (let loop ((xs xs) (total 0))
    (if (null? xs)
        total
        (loop (cdr xs) (+ total (square (car xs)))))))
(define (été λ (k (+ 1 2)))
  (define (helper b) (if (and (> b 0) (not (= b 7))) (list 'é b λ) (vector b)))
  (set! λ (cond ((assv λ '((1 2))) => cadr) (else 'é)))
  (do ((i 0 (+ i 1)) (fs '() (cons (lambda () (helper i)) fs))) ((= i k) (map (lambda (f) (f)) fs))
    (display "é") (vector-ref #(1 2 3) i)))
"""


def codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes(constant)


def text_at(lines: list[str], position: tuple[Any, ...]) -> str:
    """The source text of a position, whose columns count UTF-8 bytes."""
    line, end_line, column, end_column = position
    part = [text.encode() for text in lines[line - 1 : end_line]]
    part[-1] = part[-1][:end_column]
    part[0] = part[0][column:]
    return b"\n".join(part).decode()


def positions(code: types.CodeType) -> set[tuple[Any, ...]]:
    found = {position for part in codes(code) for position in part.co_positions()}
    return {position for position in found if None not in position}


def forms(text: str) -> set[str]:
    """The text of every form in ``text``."""
    found: set[str] = set()
    pending = list(read_all(text, "<forms>"))
    sources.register("<forms>", text)
    while pending:
        syntax = pending.pop()
        found.add(sources.text_of(syntax.span))
        content = syntax.content
        if isinstance(content, Dotted | VectorForm):
            pending += content.items
        elif isinstance(content, tuple) and not isinstance(content, Keyword):
            pending += content
    return found


@pytest.mark.parametrize("dialect", [eager_code, staged_code])
@pytest.mark.parametrize("name", ["norm", "été"])
def test_every_instruction_stands_at_a_form_of_the_source(dialect, name):
    session = Session()
    function = session.evaluate(f"{PROGRAM} {name}", "positions.esk")
    lines = PROGRAM.splitlines()
    texts = {text_at(lines, position) for position in positions(dialect(procedure(function)))}
    assert texts - {""} <= forms(PROGRAM)
    wanted = {
        "norm": {"(null? xs)", "(square (car xs))", "(+ total (square (car xs)))", "(car xs)"},
        "été": {"(assv λ '((1 2)))", "(vector-ref #(1 2 3) i)", "(+ 1 2)", "(helper i)",
                "(list 'é b λ)", '(display "é")', "(> b 0)", "(f)"},
    }[name]  # fmt: skip
    assert wanted <= texts


def procedure(function: Any) -> Procedure:
    known = procedure_of(function)
    assert known is not None
    return known


def test_python_tracebacks_show_scheme_lines():
    text = """(define (inner x)
  (let ((é 1))
    (list é (car x))))
(define (outer x)
  (+ 1 (inner x)))
"""
    session = Session()
    outer = session.evaluate(f"{text}outer", "trace.esk")
    with pytest.raises(WrongType) as caught:
        outer(5)
    frames = [
        frame
        for frame in traceback.extract_tb(caught.value.__traceback__)
        if frame.filename == "trace.esk"
    ]
    assert [(frame.name, frame.lineno, frame.line) for frame in frames] == [
        ("outer", 5, "(+ 1 (inner x)))"),
        ("inner", 3, "(list é (car x))))"),
    ]
    last = frames[-1]
    assert last.colno is not None
    assert last.end_colno is not None
    assert text.splitlines()[2].encode()[last.colno : last.end_colno] == b"(car x)"
    assert "trace.esk:3:13: car: expected a pair, got 5" in str(caught.value)


def test_the_error_of_a_macro_use_stands_at_the_use():
    text = "(define-syntax first-of\n  (syntax-rules () ((_ l) (car l))))\n(first-of 5)"
    with pytest.raises(WrongType, match=r"use\.esk:3:1: car"):
        Session().evaluate(text, "use.esk")


# ---- the two dialects

CLOSURES = [
    "(define (f a b) (lambda (x) (+ a x b))) (f 1 2)",
    "(define (f z a m) (lambda () (list m z a (lambda () (list a m))))) (f 1 2 3)",
    "(define (f n) (letrec ((g (lambda (k) (if (= k 0) n (g (- k 1)))))) g)) (f 1)",
    "(define (f a) (define (g) (set! a (+ a 1)) (h)) (define (h) a) g) (f 1)",
    "(let loop ((i 0) (l '())) (if (= i 2) (car l) (loop (+ i 1) (cons (lambda () i) l))))",
    "(define (f x_ x-) (lambda ((x 1)) (if x (list x_ x-) x))) (f 1 2)",
    "(define (f x) (lambda () (lambda () (lambda () x)))) (f 1)",
    "(define (f x . r) (lambda ((y x)) (let loop ((i y)) (if i r (loop (null? r)))))) (f 1)",
]


@pytest.mark.parametrize("program", CLOSURES)
def test_both_bodies_of_a_procedure_capture_the_same_variables(program):
    for function in inner_procedures(value(program)):
        staged_body, eager_body = staged_code(function), function.code
        assert staged_body.co_freevars == eager_body.co_freevars
        assert (
            staged_body.co_varnames[: staged_body.co_argcount]
            == (eager_body.co_varnames[: eager_body.co_argcount])
        )
        assert eager_code(function).co_freevars == eager_body.co_freevars
        names = {function.unit.names[variable] for variable in free_variables(function.node)}
        assert names == set(eager_body.co_freevars)


def inner_procedures(function: Any) -> Iterator[Procedure]:
    for code in codes(function.__code__):
        known = procedure_of_code(code)
        if known is not None:
            yield known


def test_a_body_that_would_not_fit_a_closure_is_refused():
    function = value("(define (f a) (lambda () a)) (f 1)")
    other = value("(define (f a b) (lambda () (list a b))) (f 1 2)")
    mixed = Procedure(other.__code__, procedure(function).unit, procedure(function).number)
    with pytest.raises(InternalError, match="captures"):
        staged_code(mixed)


# ---- primitives that are defined otherwise

REDEFINED = [
    ("+", "(+ 5 3)", "8"), ("-", "(- 5 3)", "2"), ("*", "(* 5 3)", "15"), ("/", "(/ 6 3)", "2"),
    ("=", "(= 5 3)", "#f"), ("<", "(< 5 3)", "#f"), (">", "(> 5 3)", "#t"),
    ("<=", "(<= 5 3)", "#f"), (">=", "(>= 5 3)", "#t"), ("car", "(car '(1))", "1"),
    ("null?", "(null? '())", "#t"), ("pair?", "(pair? 1)", "#f"), ("not", "(not 1)", "#f"),
    ("list", "(list 1)", "(1)"), ("square", "(square 3)", "9"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "use", "usual"), REDEFINED)
def test_a_definition_hides_a_primitive(name, use, usual):
    own = f"(define ({name} . arguments) 'own)"
    assert shown(use) == usual
    assert shown(f"{own} {use}") == "own"
    assert shown(f"(define (f) {use}) {own} (f)") == "own"
    assert shown(f"(define (f) {use}) (set! {name} (lambda a 'own)) (f)") == "own"
    assert shown(f"(let (({name} (lambda a 'own))) {use})") == "own"
    assert shown(f"(define (f {name}) {use}) (f (lambda a 'own))") == "own"
    assert shown(f"(define (f) (define ({name} . a) 'own) {use}) (f)") == "own"


@pytest.mark.parametrize(("name", "use", "usual"), REDEFINED)
@pytest.mark.parametrize("change", ["(define ({} . arguments) #f)", "(set! {} (lambda a #f))"])
def test_a_definition_reaches_what_was_compiled_before(name, use, usual, change):
    session = Session()
    before = f"""
      (define (f) {use})
      (define (test) (if {use} 'true 'false))
      (define (make x) (lambda () (cons x {use})))
      (define made (make 1))"""
    session.evaluate(before)
    function, made = session.get("f"), session.get("made")
    assert write_string(function()) == usual
    assert write_string(staged_call(function)) == usual
    session.evaluate(change.format(name))
    assert (function(), session.evaluate("(f)"), session.evaluate("(test)").name) == (
        False,
        False,
        "false",
    )
    assert [write_string(closure()) for closure in (made, session.evaluate("(make 1)"))] == (
        ["(1 . #f)"] * 2
    )
    assert staged_call(function) is False
    assert shown(use) == usual
    assert function.__name__ == "f"


def test_a_definition_in_one_session_leaves_the_others_alone():
    one, other = Session(), Session()
    for session in (one, other):
        session.evaluate("(define (f a b) (+ a b))", "same.esk")
    one.evaluate("(define (+ a b) 'own)")
    assert write_string(one.evaluate("(f 1 2)")) == "own"
    assert other.evaluate("(f 1 2)") == 3


def test_a_definition_is_seen_by_a_compiled_procedure():
    session = Session()
    session.evaluate("(define (f x) (relu (+ x x))) (define g (jit f))")
    assert float(session.evaluate("(g 3.0)")) == 6.0
    session.evaluate("(define (relu x) (* 10 x))")
    assert float(session.evaluate("(g 3.0)")) == 60.0
    session.evaluate("(define (+ x y) 1.0)")
    assert float(session.evaluate("(g 3.0)")) == 10.0


# ---- numbers

ARITHMETIC = """
(+ 1 2) ⇒ 3
(+ 1 2.0) ⇒ 3.0
(+ 1/2 1/2) ⇒ 1
(- 1 1/2) ⇒ 1/2
(* 2 0.5) ⇒ 1.0
(* 99999999999 99999999999) ⇒ 9999999999800000000001
(/ 1 2) ⇒ 1/2
(/ 6 3) ⇒ 2
(/ 1.0 0.0) ⇒ +inf.0
(/ -1.0 0.0) ⇒ -inf.0
(/ 1 0.0) ⇒ +inf.0
(/ 0.0 0.0) ⇒ +nan.0
(- 0.0) ⇒ -0.0
(- 5) ⇒ -5
(+ 1 +i) ⇒ 1+i
(= 1 1.0) ⇒ #t
(= 1/2 0.5) ⇒ #t
(= 9007199254740993 9007199254740992.0) ⇒ #f
(< 1 2.5) ⇒ #t
(< 1 1/2) ⇒ #f
(> 2 1) ⇒ #t
(<= 1 1.0) ⇒ #t
(>= 1 3/2) ⇒ #f
(= +nan.0 +nan.0) ⇒ #f
(+ (expt 10 400) 1.0) ⇒ +inf.0
(quotient 7 2) ⇒ 3
(quotient -7 2) ⇒ -3
(quotient 7 -2) ⇒ -3
(quotient 7.0 2) ⇒ 3.0
(remainder 7 2) ⇒ 1
(remainder -7 2) ⇒ -1
(remainder 7 -2) ⇒ 1
(modulo 7 2) ⇒ 1
(modulo -7 2) ⇒ 1
(modulo 7 -2) ⇒ -1
(modulo -7.0 2) ⇒ 1.0
(max 1 2) ⇒ 2
(max 1 2.0) ⇒ 2.0
(max 2 1.0) ⇒ 2.0
(min 1 2) ⇒ 1
(min 1/2 1) ⇒ 1/2
(max 1.0 +nan.0) ⇒ +nan.0
(abs -5) ⇒ 5
(abs -5.5) ⇒ 5.5
(abs -1/2) ⇒ 1/2
(abs -0.0) ⇒ 0.0
(zero? 0) ⇒ #t
(zero? -0.0) ⇒ #t
(zero? 1/2) ⇒ #f
(positive? 1/2) ⇒ #t
(negative? -0.0) ⇒ #f
(negative? -1) ⇒ #t
(even? 4) ⇒ #t
(odd? 4) ⇒ #f
(odd? -3) ⇒ #t
(even? 4.0) ⇒ #t
(/ 1.0 4) ⇒ 0.25
(/ 4.0 -0.0) ⇒ -inf.0
(/ 4.0 3.0) ⇒ 1.3333333333333333
(- (expt 10 400) 1.0) ⇒ +inf.0
(* -1.0 (expt 10 400)) ⇒ -inf.0
(< 1e308 (expt 10 400)) ⇒ #t
(+ #(1 2) #(3 4)) ⇒ #(4 6)
""".strip().splitlines()

MISTAKES = [
    ("(+ 1 #t)", WrongType), ("(+ #t #t)", WrongType), ('(+ "a" "b")', WrongType),
    ('(* "a" 2)', WrongType), ("(- 'a 1)", WrongType), ("(< 1 #t)", WrongType),
    ('(= "a" "a")', WrongType), ("(> 1 'b)", WrongType), ("(/ 1 0)", DivideByZero),
    ("(/ 1/2 0)", DivideByZero), ("(/ #t 2)", WrongType), ("(+ 1 +)", WrongType),
    ("(<= 1+i 2)", WrongType),
]  # fmt: skip

PLACES = {
    "literal": "{op_call}",
    "variables": "(define (f a b) ({op} a b)) (f {a} {b})",
    "one constant": "(define (f a) ({op} a {b})) (f {a})",
    "other constant": "(define (f b) ({op} {a} b)) (f {b})",
    "called hot": "(define (f a b) ({op} a b)) "
    "(do ((i 0 (+ i 1))) ((= i 500)) (f i 2)) (f {a} {b})",
    "in a loop": "(let loop ((i 0) (r #f)) (if (= i 3) r (loop (+ i 1) ({op} {a} {b}))))",
    "in a loop's variables": "(let loop ((i 0) (a {a}) (b {b}))"
    " (if (= i 0) (loop 1 a b) ({op} a b)))",
    "through apply": "(apply {op} (list {a} {b}))",
    "as a value": "(let ((f {op})) (f {a} {b}))",
    "boxed": "(define (f a b) (set! a {a}) (set! b {b}) ({op} a b)) (f 1 1)",
    "in statements": "({op} (let ((x {a})) (cons 1 2) x) {b})",
}


def placed(place: str, expression: str) -> str | None:
    """A call of two arguments at another place of a program."""
    syntax = read_all(expression, "<call>")[0]
    sources.register("<call>", expression)
    op, *operands = (sources.text_of(part.span) for part in syntax.parts)
    if place == "literal":
        return expression
    if len(operands) != 2:
        return None
    return PLACES[place].format(op=op, a=operands[0], b=operands[1])


@pytest.mark.parametrize("place", PLACES)
def test_arithmetic_is_the_same_everywhere(place):
    for row in ARITHMETIC:
        expression, _, expected = row.partition(" ⇒ ")
        program = placed(place, expression)
        if program is not None:
            assert shown(program) == expected, program


@pytest.mark.parametrize("place", PLACES)
def test_mistakes_are_told_everywhere(place):
    for expression, error in MISTAKES:
        program = placed(place, expression)
        assert program is not None
        with pytest.raises(error) as caught:
            value(program)
        assert isinstance(caught.value, EshkolError)


@pytest.mark.parametrize("place", ["variables", "in a loop", "one constant"])
@pytest.mark.parametrize("comparison", ["<", "=", ">="])
def test_comparisons_as_conditions(place, comparison):
    for a, b in [(1, 2), (2, 2), (3, 2.0), (0.5, Fraction(1, 2)), (math.nan, 1), (10**400, 1.0)]:
        test = placed(place, f"({comparison} {write_string(a)} {write_string(b)})")
        function = {"<": operator.lt, "=": operator.eq, ">=": operator.ge}[comparison]
        assert shown(f"(define (t) {test}) (list (if (t) 1 2) (if (not (t)) 1 2))") == (
            "(1 2)" if function(a, b) else "(2 1)"
        )


# Random arithmetic against Python's numbers

Number = int | float | Fraction


def as_float(x: Number) -> float:
    try:
        return float(x)
    except OverflowError:
        return math.inf if x > 0 else -math.inf


def reference(op: str, a: Any, b: Any) -> Any:
    """``(op a b)`` by R7RS 6.2: exact of exact numbers, else of the nearest doubles."""
    if op in ("<", "=", ">"):
        return {"<": operator.lt, "=": operator.eq, ">": operator.gt}[op](a, b)
    if isinstance(a, float) or isinstance(b, float):
        x, y = as_float(a), as_float(b)
        if op != "/":
            return {"+": operator.add, "-": operator.sub, "*": operator.mul}[op](x, y)
        if y != 0:
            return x / y
        if x == 0 or x != x:
            return math.nan
        return math.copysign(math.inf, x) * math.copysign(1.0, y)
    if op == "/" and b == 0:
        raise ZeroDivisionError
    exact = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}[op](
        Fraction(a), Fraction(b)
    )
    return int(exact) if exact.denominator == 1 else exact


NUMBERS = (
    st.integers(-20, 20)
    | st.integers(-(10**30), 10**30)
    | st.just(10**400)
    | st.fractions(-5, 5, max_denominator=9).filter(lambda x: x.denominator > 1)
    | st.floats(-1e6, 1e6)
    | st.sampled_from([0.0, -0.0, math.inf, -math.inf, math.nan, 1e308])
)


@st.composite
def arithmetic(draw, scope: dict[str, Any], depth: int = 4) -> tuple[str, Any]:
    """An expression over the variables of ``scope``, and its value."""
    kind = draw(
        st.sampled_from(
            "number variable call call call let if".split() if depth else ["number", "variable"]
        )
    )
    if kind == "number" or (kind == "variable" and not scope):
        number = draw(NUMBERS)
        return write_string(number), number
    if kind == "variable":
        name = draw(st.sampled_from(sorted(scope)))
        return name, scope[name]
    left, a = draw(arithmetic(scope, depth - 1))
    if kind == "let":
        name = draw(st.sampled_from("xyz"))
        body, result = draw(arithmetic({**scope, name: a}, depth - 1))
        return f"(let (({name} {left})) {body})", result
    right, b = draw(arithmetic(scope, depth - 1))
    if kind == "if":
        op = draw(st.sampled_from("<=>"))
        then, c = draw(arithmetic(scope, depth - 1))
        return f"(if ({op} {left} {right}) {then} {left})", c if reference(op, a, b) else a
    op = draw(st.sampled_from("+-*/"))
    try:
        return f"({op} {left} {right})", reference(op, a, b)
    except ZeroDivisionError:
        return f"(+ {left} {right})", reference("+", a, b)


def same_number(a: Any, b: Any) -> bool:
    return type(a) is type(b) and (a == b or (a != a and b != b)) and str(a) == str(b)


@RANDOM
@given(st.data())
def test_random_arithmetic_is_that_of_python(data):
    scope = {name: data.draw(NUMBERS) for name in "ab"}
    text, expected = data.draw(arithmetic(scope))
    arguments = " ".join(write_string(scope[name]) for name in "ab")
    assert same_number(value(f"(define (f a b) {text}) (f {arguments})"), expected)
    assert same_number(
        value(
            f"(define a {write_string(scope['a'])}) (define b {write_string(scope['b'])}) {text}"
        ),
        expected,
    )
    looped = f"(let loop ((i 0) (r 0)) (if (= i 2) r (loop (+ i 1) {text})))"
    assert same_number(value(f"(define (f a b) {looped}) (f {arguments})"), expected)


# ---- arity


@pytest.mark.parametrize(
    "call", ["(f)", "(f 1)", "(f 1 2 3 4)", "(f 1 2 #:d 3)", "(f 1 2 3 #:c 4)", "(apply f '(1))"]
)
def test_a_wrong_number_of_arguments_is_told(call):
    with pytest.raises(ArityError, match="f"):
        value(f"(define (f a b (c 1)) a) {call}")
