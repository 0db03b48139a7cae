"""Core: its checker, its printer, its passes, and walks over it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings

from eshkol.base.errors import InternalError
from eshkol.base.spans import NOWHERE
from eshkol.core.assignment import UNASSIGNED, convert_assignments
from eshkol.core.check import check
from eshkol.core.free import assigned_variables, contains_lambda, free_variables, global_names
from eshkol.core.identity import identity
from eshkol.core.loops import recognize_loops
from eshkol.core.nodes import (
    BoxRef,
    BoxSet,
    Call,
    Const,
    Continue,
    Define,
    GlobalRef,
    If,
    Label,
    Lambda,
    Let,
    Letrec,
    LocalRef,
    Loop,
    MakeBox,
    Node,
    Parameter,
    Sequence,
    SetGlobal,
    SetLocal,
    Variable,
)
from eshkol.core.printer import print_core
from eshkol.core.walk import bound_variables, children, everything, rebuild
from eshkol.datum.pairs import scheme_list
from eshkol.datum.symbols import intern
from eshkol.datum.values import UNSPECIFIED, Char, Vector
from programs import core, evaluated, table, value
from random_programs import procedures, spelled

RANDOM = settings(deadline=None, max_examples=60)

X, Y, Z = Variable("x"), Variable("y"), Variable("z")
L, M = Label("l"), Label("m")
ONE = Const(NOWHERE, 1)


def ref(variable: Variable) -> LocalRef:
    return LocalRef(NOWHERE, variable)


def let(variable: Variable, body: Node, bound: Node = ONE) -> Let:
    return Let(NOWHERE, (variable,), (bound,), body)


def function(body: Node, *parameters: Parameter, rest: Variable | None = None) -> Lambda:
    return Lambda(NOWHERE, "f", parameters, rest, body)


def loop(label: Label, body: Node, *variables: Variable) -> Loop:
    return Loop(NOWHERE, label, variables, (ONE,) * len(variables), body)


def again(label: Label, *arguments: Node) -> Continue:
    return Continue(NOWHERE, label, arguments)


def seq(*steps: Node) -> Sequence:
    return Sequence(NOWHERE, steps)


def call(*parts: Node) -> Call:
    return Call(NOWHERE, parts[0], parts[1:])


def choice(test: Node, then: Node, otherwise: Node) -> If:
    return If(NOWHERE, test, then, otherwise)


# ---- the checker

BOTH = (False, True)

MALFORMED: list[tuple[str, Node, tuple[bool, ...], str]] = [
    ("a variable that nothing binds", ref(X), BOTH, "unbound local x"),
    ("a variable outside of its let", seq(let(X, ref(X)), ref(X)), BOTH, "unbound local"),
    ("a let's value sees its variable", let(X, ONE, ref(X)), BOTH, "unbound local"),
    ("a loop's start sees its variable", Loop(NOWHERE, L, (X,), (ref(X),), ONE), BOTH, "unbound"),
    (
        "a default sees a later parameter",
        function(ONE, Parameter(X, ref(Y)), Parameter(Y, ONE)),
        BOTH,
        "unbound local y",
    ),
    ("an assignment to no variable", SetLocal(NOWHERE, X, ONE), (False,), "unbound local"),
    ("a box that nothing binds", BoxRef(NOWHERE, X), (True,), "unbound local"),
    ("a box set that nothing binds", BoxSet(NOWHERE, X, ONE), (True,), "unbound local"),
    ("a let with too few values", Let(NOWHERE, (X, Y), (ONE,), ONE), BOTH, "values do not match"),
    ("a letrec without values", Letrec(NOWHERE, (X,), (), ONE), BOTH, "values do not match"),
    ("a loop without values", Loop(NOWHERE, L, (X,), (), ONE), BOTH, "values do not match"),
    ("a let that binds twice", Let(NOWHERE, (X, X), (ONE, ONE), ONE), BOTH, "bound twice"),
    ("a parameter twice", function(ONE, Parameter(X), Parameter(X)), BOTH, "bound twice"),
    ("a rest that is a parameter", function(ONE, Parameter(X), rest=X), BOTH, "bound twice"),
    ("an outer variable as parameter", let(X, function(ONE, Parameter(X))), BOTH, "bound twice"),
    ("an empty sequence", seq(), BOTH, "empty sequence"),
    ("continue without a loop", again(L), BOTH, "outside of its loop's tail"),
    ("continue of another loop", loop(L, again(M)), BOTH, "outside of its loop's tail"),
    ("continue as an operand", loop(L, call(again(L))), BOTH, "outside of its loop's tail"),
    ("continue as a test", loop(L, choice(again(L), ONE, ONE)), BOTH, "outside"),
    ("continue before the last step", loop(L, seq(again(L), ONE)), BOTH, "outside"),
    ("continue as a let's value", loop(L, let(X, ONE, again(L))), BOTH, "outside"),
    ("continue inside a procedure", loop(L, function(again(L))), BOTH, "outside"),
    (
        "continue in a default",
        loop(L, function(ONE, Parameter(X, again(L)))),
        BOTH,
        "outside",
    ),
    ("continue of an outer loop in a start", loop(L, Loop(NOWHERE, M, (X,), (again(L),), ONE)),
     BOTH, "outside"),
    ("continue with too few values", loop(L, again(L), X), BOTH, "another count"),
    ("continue with too many values", loop(L, again(L, ONE)), BOTH, "another count"),
    ("a definition inside", let(X, Define(NOWHERE, "d", ONE)), BOTH, "not an expression"),
    ("a definition as a value", Define(NOWHERE, "d", Define(NOWHERE, "e", ONE)), BOTH, "not an"),
    ("assignment after conversion", let(X, SetLocal(NOWHERE, X, ONE)), (True,), "assignment left"),
    ("a new box before conversion", MakeBox(NOWHERE, ONE), (False,), "box before conversion"),
    ("a box read before conversion", let(X, BoxRef(NOWHERE, X)), (False,), "box before"),
    ("a box set before conversion", let(X, BoxSet(NOWHERE, X, ONE)), (False,), "box before"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("node", "boxes", "rule"),
    [
        pytest.param(node, boxes, rule, id=f"{name}, {'boxes' if boxes else 'no boxes'}")
        for name, node, when, rule in MALFORMED
        for boxes in when
    ],
)
def test_malformed_core_is_refused(node, boxes, rule):
    with pytest.raises(InternalError, match=rule):
        check(node, boxes=boxes)


WELL_FORMED: list[tuple[str, Node, tuple[bool, ...]]] = [
    ("letrec values see all variables", Letrec(NOWHERE, (X, Y), (ref(Y), ref(X)), ref(X)), BOTH),
    ("a default sees earlier parameters", function(ONE, Parameter(X), Parameter(Y, ref(X))), BOTH),
    ("definitions in a top-level sequence", seq(Define(NOWHERE, "d", ONE), ONE), BOTH),
    ("continue in each tail", loop(L, choice(ONE, again(L), seq(ONE, let(X, again(L))))), BOTH),
    ("continue of the outer loop", loop(L, loop(M, choice(ONE, again(L), again(M)))), BOTH),
    ("continue with all values", loop(L, again(L, ref(X), ONE), X, Y), BOTH),
    ("assignment before conversion", let(X, SetLocal(NOWHERE, X, ref(X))), (False,)),
    ("boxes", let(X, seq(BoxSet(NOWHERE, X, ONE), BoxRef(NOWHERE, X)), MakeBox(NOWHERE, ONE)),
     (True,)),
    ("siblings that bind one variable", seq(let(X, ref(X)), let(X, ref(X))), BOTH),
    ("a call with keywords", Call(NOWHERE, ONE, (ONE,), (("a", ONE),)), BOTH),
    ("assigning a global", SetGlobal(NOWHERE, "g", ONE), BOTH),
]  # fmt: skip


@pytest.mark.parametrize(
    ("node", "boxes"),
    [pytest.param(node, b, id=f"{name}, {b}") for name, node, when in WELL_FORMED for b in when],
)
def test_well_formed_core_is_given_back(node, boxes):
    assert check(node, boxes=boxes) is node


# ---- the printer


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (ONE, "1"),
        (Const(NOWHERE, intern("a")), "'a"),
        (Const(NOWHERE, scheme_list([1, 2])), "'(1 2)"),
        (Const(NOWHERE, Vector([1])), "'#(1)"),
        (Const(NOWHERE, True), "#t"),
        (Const(NOWHERE, "a b"), '"a b"'),
        (let(X, ref(X)), "(let ((x 1)) x)"),
        (let(X, let(Variable("x"), ref(X))), "(let ((x 1)) (let ((x.2 1)) x))"),
        (let(X, GlobalRef(NOWHERE, "x")), "(let ((x.2 1)) x)"),
        (let(Variable("if"), ONE), "(let ((if.2 1)) 1)"),
        (let(Variable("a b"), GlobalRef(NOWHERE, "c d")), "(let ((|a b| 1)) |c d|)"),
        (Letrec(NOWHERE, (X,), (ref(X),), ONE), "(letrec* ((x x)) 1)"),
        (function(ref(X), Parameter(X), Parameter(Y, ONE), rest=Z), "(lambda (x (y 1) . z) x)"),
        (function(ref(X), rest=X), "(lambda x x)"),
        (function(ONE), "(lambda () 1)"),
        (choice(ONE, ONE, ONE), "(if 1 1 1)"),
        (seq(ONE, ONE), "(begin 1 1)"),
        (Call(NOWHERE, ONE, (ONE,), (("key", ONE),)), "(1 1 #:key 1)"),
        (loop(L, again(L, ref(X)), X), "(loop l ((x 1)) (continue l x))"),
        (let(X, SetLocal(NOWHERE, X, ONE)), "(let ((x 1)) (set! x 1))"),
        (SetGlobal(NOWHERE, "g", ONE), "(set! g 1)"),
        (Define(NOWHERE, "g", ONE), "(define g 1)"),
        (let(X, BoxRef(NOWHERE, X), MakeBox(NOWHERE, ONE)), "(let ((x (box 1))) (unbox x))"),
        (let(X, BoxSet(NOWHERE, X, ONE)), "(let ((x 1)) (set-box! x 1))"),
    ],
)
def test_every_node_prints(node, text):
    assert print_core(node) == text


def test_long_core_is_laid_out_on_lines():
    (node,) = core("""
        (define (f a)
          (let ((b (+ a 1)))
            (if (< a b) (list a b 'left) (list b a 'right (quotient a b) (remainder a b)))))""")
    assert print_core(node) == (
        "(define f\n"
        "  (lambda (a)\n"
        "    (let ((b (+ a 1)))\n"
        "      (if (< a b) (list a b 'left) (list b a 'right (quotient a b) (remainder a b))))))"
    )


@RANDOM
@given(procedures())
def test_printed_core_reads_as_the_same_core(drawn):
    template, count = drawn
    names = ["x", "if", "a b", "list", "x.2", "hidden"]
    plain = [names[n] if n < len(names) else f"v{n}" for n in range(count)]
    node = core(spelled(template, [f"v{n}" for n in range(count)]))[-1]
    for part in everything(node):
        for variable, name in zip(bound_variables(part), plain, strict=False):
            variable.name = name
    (again,) = core(print_core(node))
    assert identity(again) == identity(node)
    assert print_core(again) == print_core(core(print_core(again))[0])


# ---- walks


EVERY_NODE = [node for _, whole, _ in WELL_FORMED for node in everything(whole)]


@pytest.mark.parametrize("node", EVERY_NODE, ids=lambda node: type(node).__name__)
def test_rebuilding_changes_exactly_the_children(node):
    seen: list[Node] = []

    def note(part: Node) -> Node:
        seen.append(part)
        return part

    same = rebuild(node, note)
    assert seen == list(children(node))
    assert print_core(same) == print_core(node)
    assert bound_variables(same) == bound_variables(node)
    replaced = list(children(rebuild(node, lambda part: Const(NOWHERE, 7))))
    assert [part.value for part in replaced if isinstance(part, Const)] == [7] * len(seen)


def test_everything_is_outermost_first_and_left_to_right():
    text = "(define (f x) (if (g x) (begin 1 2) (let ((y 3)) y)))"
    kinds = [type(part).__name__ for part in everything(core(text)[0])]
    assert kinds == (
        "Define Lambda If Call GlobalRef LocalRef Sequence Const Const Let Const LocalRef".split()
    )


def test_free_variables_come_in_the_order_of_their_first_use():
    body = call(ref(Z), ref(X), let(Y, call(ref(Y), ref(Z)), ref(Y)), SetLocal(NOWHERE, X, ONE))
    assert list(free_variables(body)) == [Z, X, Y]
    assert list(free_variables(function(body, Parameter(X)))) == [Z, Y]
    assert list(free_variables(function(body, Parameter(Z), rest=X))) == [Y]
    assert list(free_variables(Letrec(NOWHERE, (X,), (ref(X),), ref(Z)))) == [Z]
    assert list(free_variables(function(ONE, Parameter(X, ref(Y))))) == [Y]
    boxes = seq(BoxSet(NOWHERE, X, ref(Y)), BoxRef(NOWHERE, Z))
    assert list(free_variables(boxes)) == [X, Y, Z]


def test_global_names_and_lambdas_are_found():
    node = core("(define (f x) (set! g (h x)) (lambda () (k g)))")[0]
    assert list(global_names(node)) == ["f", "g", "h", "k"]
    assert contains_lambda(node)
    assert not contains_lambda(core("(if (f 1) 2 3)")[0])


# ---- assignment conversion


@table("""
(lambda (x) x) ⇒ (lambda (x) x)

(lambda (x) (set! x 1) x) ⇒ (lambda (x) (let ((x.2 (box x))) (begin (set-box! x.2 1) (unbox x.2))))

(lambda (x y) (set! y x)) ⇒ (lambda (x y) (let ((y.2 (box y))) (set-box! y.2 x)))

(lambda x (set! x 1)) ⇒ (lambda x (let ((x.2 (box x))) (set-box! x.2 1)))

(lambda (x (y 1) (z y)) (set! x 1)) ⇒
(lambda (x (y 1) (z y)) (let ((x.2 (box x))) (set-box! x.2 1)))

(lambda (x (y x)) (set! x 1)) ⇒
(lambda (x (y | missing|))
  (let ((x.2 (box x)))
    (let ((y.2 (if (| eqv?| y | missing|) (unbox x.2) y))) (set-box! x.2 1))))

(let ((x 1) (y 2)) (set! x y) (g x)) ⇒
(let ((x (box 1)) (y 2)) (begin (set-box! x y) (g (unbox x))))

(letrec ((x 1) (f (lambda () x))) (set! x 2) (f)) ⇒
(let ((x (box '#<unassigned>)))
  (letrec* ((set-x (set-box! x 1)) (f (lambda () (unbox x))))
    (begin (set-box! x 2) (f))))

(set! g 1) ⇒ (set! g 1)
""")
def test_assigned_variables_hold_boxes(program, expected):
    (node,) = core(program)
    assert print_core(convert_assignments(node)) == expected


def test_a_program_without_assignments_is_left_alone():
    (node,) = core("(define (f x) (let loop ((i x)) (if (= i 0) g (loop (- i 1)))))")
    assert convert_assignments(node) is node


@RANDOM
@given(procedures())
def test_conversion_leaves_no_assignment(drawn):
    template, count = drawn
    node = core(spelled(template, [f"v{n}" for n in range(count)]))[-1]
    converted = check(convert_assignments(node), boxes=True)
    assert assigned_variables(converted) == set()
    boxes = sum(isinstance(part, MakeBox) for part in everything(converted))
    assert boxes == len(assigned_variables(node))
    assert list(global_names(converted)) == list(global_names(node))


# ---- loops


def loops(node: Node) -> int:
    return sum(isinstance(part, Loop) for part in everything(node))


def procedures_left(node: Node) -> int:
    return sum(isinstance(part, Lambda) for part in everything(node))


@pytest.mark.parametrize(
    ("program", "count", "lambdas"),
    [
        ("(let loop ((i 0)) (if (= i 9) i (loop (+ i 1))))", 1, 0),
        ("(do ((i 0 (+ i 1))) ((= i 9) i) (display i))", 1, 0),
        ("(letrec ((f (lambda (i) (if (= i 9) i (f (+ i 1)))))) (f 0))", 1, 0),
        ("(let () (define (f i) (if (= i 9) i (f (+ i 1)))) (f 0))", 1, 0),
        ("(+ 1 (let loop ((i 0)) (if (= i 9) i (loop (+ i 1)))))", 1, 0),
        ("(letrec ((f (lambda (i) (if (= i 9) i (f (+ i 1)))))) (+ 1 (f 0)))", 1, 0),
        ("(let loop ((i 0)) (cond ((= i 9) i) ((g i) (loop 1)) (else (h i) (loop 2))))", 1, 0),
        ("(let loop ((i 0)) (let ((j i)) (if (= j 9) i (loop (+ j 1)))))", 1, 0),
        ("(let loop ((i 0)) (and (< i 9) (or (g i) (loop (+ i 1)))))", 1, 0),
        ("(let out ((i 0)) (let in ((j 0)) (if (= j i) (out (+ i 1)) (in (+ j 1)))))", 2, 0),
        ("(let out ((i 0)) (if (g i) (let in ((j 0)) (if (h j) j (in (+ j 1)))) (out (+ i 1))))",
         2, 0),
        ("(let loop () (if (g) 1 (loop)))", 1, 0),
        # A procedure that calls itself in tail position, entered from several places.
        ("(define (f i) (if (= i 9) i (f (+ i 1))))", 1, 1),
        ("(letrec ((f (lambda (i) (if (= i 9) i (f (+ i 1)))))) (+ (f 0) (f 1)))", 1, 1),
        ("(letrec ((f (lambda (i) (if (= i 9) i (f (+ i 1)))))) f)", 1, 1),
        ("(letrec ((f (lambda (i) (if (= i 9) i (f (+ i 1)))))) (lambda () (f 0)))", 1, 2),
        ("(define (f i) (if (= i 9) (g (f 0)) (f (+ i 1))))", 1, 1),
        ("(define (f i a) (let ((j i)) (begin (g) (if (= j 9) a (f j a)))))", 1, 1),
        ("(letrec ((f (lambda (i) (if (= i 9) i (f (+ i 1))))) (g 1)) (f g))", 1, 1),
        # What is no loop.
        ("(define (f i) (if (= i 9) i (+ 1 (f (- i 1)))))", 0, 1),
        ("(let loop ((i 0)) (if (= i 9) i (+ 1 (loop (+ i 1)))))", 0, 1),
        ("(let loop ((i 0)) (if (= i 9) i (lambda () (loop (+ i 1)))))", 0, 2),
        ("(let loop ((i 0)) (if (= i 9) i (g loop)))", 0, 1),
        ("(let loop ((i 0)) (if (= i 9) i (loop 1 2)))", 0, 1),
        ("(let loop ((i 0)) (if (= i 9) i (loop #:i 2)))", 0, 1),
        ("(let loop ((i 0)) (if (loop 1) 2 3))", 0, 1),
        ("(let loop ((i 0)) (set! loop g) (loop i))", 0, 1),
        ("(define (f . i) (f 1))", 0, 1),
        ("(define (f (i 1)) (f 1))", 0, 1),
        ("(define (f i) (set! f g) (f i))", 0, 1),
        ("(define (f i) (g i))", 0, 1),
        ("(letrec ((ev (lambda (n) (od n))) (od (lambda (n) (ev n)))) (ev 0))", 0, 2),
    ],
)  # fmt: skip
def test_what_is_a_loop_and_what_is_not(program, count, lambdas):
    (node,) = core(program)
    recognized = check(recognize_loops(convert_assignments(node)), boxes=True)
    assert (loops(recognized), procedures_left(recognized)) == (count, lambdas)


def test_a_loop_keeps_a_procedure_that_is_documented():
    (node,) = core("""(let () (define (f i) "Counts." (if (= i 9) i (f (+ i 1)))) (f 0))""")
    recognized = recognize_loops(node)
    assert (loops(recognized), procedures_left(recognized)) == (1, 1)


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (
            "(let count ((i 0) (acc '())) (if (= i 3) acc (count (+ i 1) (cons i acc))))",
            "(loop count ((i 0) (acc '())) (if (= i 3) acc (continue count (+ i 1) (cons i acc))))",
        ),
        (
            "(let count ((i (car x)) (j 1)) (if (= i j) i (count (+ i 1) j)))",
            "(let ((i (car x))) (loop count ((i.2 i) (j 1))"
            " (if (= i.2 j) i.2 (continue count (+ i.2 1) j))))",
        ),
    ],
)
def test_a_loop_looks_like_one(program, expected):
    (node,) = core(program)
    assert " ".join(print_core(recognize_loops(node)).split()) == expected


# ---- identity

CONSTANTS = [0, 1, -1, True, False, 0.0, -0.0, 1.0, 1j, "1", "a", "", Char("a"), b"a", 10**30]
CONSTANTS += [intern("a"), intern("1"), scheme_list([]), scheme_list([1]), scheme_list([1.0])]
CONSTANTS += [Vector([1]), Vector([]), scheme_list([1], 2), float("inf"), float("-inf")]
CONSTANTS += [float("nan"), UNSPECIFIED, UNASSIGNED]


def test_the_identity_of_constants_is_what_they_are():
    hashes = [identity(Const(NOWHERE, constant)) for constant in CONSTANTS]
    assert len(set(hashes)) == len(CONSTANTS)
    assert hashes == [identity(Const(NOWHERE, constant)) for constant in CONSTANTS]


DIFFERENT = """
(lambda (x) x)
(lambda x x)
(lambda (x y) x)
(lambda (x y) y)
(lambda (x (y 1)) x)
(lambda (x (z 1)) x)
(lambda (x (y 2)) x)
(lambda (x . y) x)
(lambda (x) (lambda (y) x))
(lambda (x) (lambda (y) y))
(lambda (x) a)
(lambda (x) b)
(lambda (x) (a))
(lambda (x) (a x))
(lambda (x) (a #:x x))
(lambda (x) (a #:y x))
(lambda (x) (let ((y x)) y))
(lambda (x) (letrec ((y x)) y))
(lambda (x) (let ((y x) (z x)) y))
(lambda (x) (let ((y x)) (let ((z x)) y)))
(lambda (x) (if x x x))
(lambda (x) (begin x x))
(lambda (x) (begin x x x))
(lambda (x) (if x (begin x x x) x))
(lambda (x) (if x (begin (begin x x) x) x))
(lambda (x) (set! x x))
(lambda (x) (set! y x))
(lambda (x) 'x)
(lambda (x) "x")
(lambda (x) (let loop ((i 0)) (if i (loop i) x)))
(lambda (x) (let loop ((i 0)) (if i x (loop i))))
""".strip().splitlines()


def test_procedures_that_mean_different_things_differ():
    nodes = [core(text)[0] for text in DIFFERENT]
    assert len({identity(node) for node in nodes}) == len(DIFFERENT)
    passed = [recognize_loops(convert_assignments(node)) for node in nodes]
    assert len({identity(node) for node in passed}) == len(DIFFERENT)


def test_captured_variables_count_by_their_order():
    inner = function(call(ref(X), ref(Y)))
    assert identity(inner) == identity(inner, [X, Y])
    assert identity(inner, [X, Y]) != identity(inner, [Y, X])
    swapped = function(call(ref(Y), ref(X)))
    assert identity(swapped, [X, Y]) != identity(inner, [X, Y])
    assert identity(swapped, [Y, X]) == identity(inner, [X, Y])


# ---- what the passes keep


def stages(node: Node) -> Iterator[Node]:
    """``node`` as the expander gives it, and after each pass."""
    yield check(node, boxes=False)
    yield check(recognize_loops(node), boxes=False)
    converted = convert_assignments(node)
    yield check(converted, boxes=True)
    yield check(recognize_loops(converted), boxes=True)


@RANDOM
@given(procedures())
def test_passes_and_compiled_code_keep_the_value(drawn):
    template, count = drawn
    program = spelled(template, [f"v{n}" for n in range(count)])
    node = core(program)[-1]
    assert isinstance(node, Define)
    results = [evaluated(stage)(3) for stage in stages(node.value)]
    assert results == [results[0]] * 4
    assert value(f"{program} (f 3)") == results[0]
