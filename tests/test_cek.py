"""The plain evaluator: what its continuations, tail calls, handlers and errors do."""

from __future__ import annotations

import contextlib
import gc
import threading
from pathlib import Path

import pytest

from eshkol.base import sources
from eshkol.base.errors import (
    ArityError,
    BadValue,
    EshkolError,
    SchemeError,
    StagingError,
    WrongType,
)
from eshkol.cek.prelude import FILE as PRELUDE
from eshkol.cek.prelude import runs_here
from eshkol.datum.write import display_string, write_string
from eshkol.expand.grammar import parts_with_tail
from eshkol.reader import read_all
from eshkol.runtime.report import report
from eshkol.session import Session
from programs import table
from rows import one_in


def cek() -> Session:
    return Session(engine="cek")


def shown(program: str, session: Session | None = None) -> str:
    return write_string((session or cek()).evaluate(program))


# ---- continuations


@table("""
(+ 1 (call/cc (lambda (k) (* 10 (k 1))))) ⇒ 2

(call-with-current-continuation (lambda (exit)
  (for-each (lambda (x) (if (negative? x) (exit x))) '(54 0 37 -3 245 19))
  #t)) ⇒ -3

(define (list-length obj)
  (call-with-current-continuation
    (lambda (return)
      (letrec ((r (lambda (obj) (cond ((null? obj) 0)
                                      ((pair? obj) (+ (r (cdr obj)) 1))
                                      (else (return #f))))))
        (r obj)))))
(list (list-length '(1 2 3 4)) (list-length '(a b . c))) ⇒ (4 #f)

(let ((path '()) (c #f))
  (let ((add (lambda (s) (set! path (cons s path)))))
    (dynamic-wind
      (lambda () (add 'connect))
      (lambda () (add (call-with-current-continuation (lambda (c0) (set! c c0) 'talk1))))
      (lambda () (add 'disconnect)))
    (if (< (length path) 4) (c 'talk2) (reverse path))))
⇒ (connect talk1 disconnect connect talk2 disconnect)

(let ((n 0) (path '()))
  (let ((k (call/cc (lambda (c) c))))
    (dynamic-wind
      (lambda () (set! path (cons 'in path)))
      (lambda () (set! n (+ n 1)) (if (< n 3) (k k)))
      (lambda () (set! path (cons 'out path)))))
  (list n (reverse path))) ⇒ (3 (in out in out in out))

(let ((x '()) (y 0))
  (call/cc (lambda (escape)
    (let* ((yin ((lambda (foo) (set! x (cons y x)) (if (= y 10) (escape x) (begin (set! y 0) foo)))
                 (call/cc (lambda (bar) bar))))
           (yang ((lambda (foo) (set! y (+ y 1)) foo)
                  (call/cc (lambda (baz) baz)))))
      (yin yang))))) ⇒ (10 9 8 7 6 5 4 3 2 1 0)

(let ((r '()))
  (let ((a (call/cc (lambda (k) (k 1)))) (b 2))
    (set! r (list a b)))
  r) ⇒ (1 2)

(call/cc (lambda (k) (dynamic-wind (lambda () #f) (lambda () (k 'left)) (lambda () #f)))) ⇒ left

(call-with-values (lambda () (call/cc (lambda (k) (k 1 2 3)))) list) ⇒ (1 2 3)

(procedure? (call/cc (lambda (k) k))) ⇒ #t

(let ((count 0) (k #f))
  (let ((v (vector-map (lambda (x) (call/cc (lambda (c) (if (= x 2) (set! k c)) x))) #(1 2 3))))
    (set! count (+ count 1))
    (if (< count 3) (k (* count 10)) (list count v)))) ⇒ (3 #(1 20 3))

(let ((p (make-parameter 1)) (k #f) (n 0))
  (let ((seen (parameterize ((p 2)) (call/cc (lambda (c) (set! k c))) (p))))
    (set! n (+ n 1))
    (if (< n 3) (k #f) (list seen (p))))) ⇒ (2 1)

(let ((k #f) (n 0))
  (guard (e (#t (set! n (+ n 1)) (if (< n 3) (k n) (list 'caught e n))))
    (raise (call/cc (lambda (c) (set! k c) 'first))))) ⇒ (caught 2 3)

(let ((k #f) (n 0))
  (define (f (x (call/cc (lambda (c) (set! k c) 0))) (y (* x 10))) (lambda () (list x y)))
  (let ((g (f)))
    (set! n (+ n 1))
    (if (< n 3) (k n) (g)))) ⇒ (2 20)
""")
def test_continuations(program, expected):
    assert shown(program) == expected


def test_a_closure_keeps_the_default_it_was_made_with():
    program = """
    (define k #f) (define made '())
    (define (f (x (call/cc (lambda (c) (set! k c) 0)))) (lambda () x))
    (set! made (cons (f) made))
    (if (< (length made) 3) (k (length made)))
    (map (lambda (g) (g)) made)"""
    assert shown(program) == "(2 1 0)"


@table("""
(define saved #f) (define n 0)
(define result (list (call/cc (lambda (k) (set! saved k) 1)) n))
(set! n (+ n 1))
(if (< n 3) (saved (* 10 n)))
(list result n) ⇒ ((20 2) 3)

(define r '())
(define k #f)
(define n 0)
(define out (map (lambda (x) (call/cc (lambda (c) (if (= x 2) (set! k c)) x))) '(1 2 3)))
(set! r (cons out r))
(set! n (+ n 1))
(if (< n 3) (k (* n 10)))
r ⇒ ((1 20 3) (1 10 3) (1 2 3))
""")
def test_a_program_goes_on_after_the_form_that_is_entered_again(program, expected):
    assert shown(program) == expected


GENERATOR = """
(define (make-generator walk)
  (define return #f)
  (define (resume ignored)
    (walk (lambda (x) (call/cc (lambda (next) (set! resume next) (return x)))))
    (return 'done))
  (lambda () (call/cc (lambda (k) (set! return k) (resume #f)))))
"""

WALKERS = {
    "for-each": "(for-each yield '(1 2 3))",
    "for-each of two lists": "(for-each (lambda (a b) (yield (+ a b))) '(0 1 2) '(1 1 1))",
    "map": "(map yield '(1 2 3))",
    "vector-for-each": "(vector-for-each yield #(1 2 3))",
    "vector-map": "(vector-map yield #(1 2 3))",
    "vector-fold": "(vector-fold (lambda (a x) (yield x)) 0 #(1 2 3))",
    "string-for-each": '(string-for-each (lambda (c) (yield (digit-value c))) "123")',
    "string-map": '(string-map (lambda (c) (yield (digit-value c)) c) "123")',
    "fold": "(fold (lambda (a x) (yield x)) 0 '(1 2 3))",
    "fold-right": "(fold-right (lambda (x a) (yield x)) 0 '(3 2 1))",
    "reduce": "(reduce (lambda (a x) (yield x)) 0 '(0 1 2 3))",
    "filter": "(filter (lambda (x) (yield x)) '(1 2 3))",
    "any": "(any (lambda (x) (yield x) #f) '(1 2 3))",
    "assoc": "(assoc 9 '((1) (2) (3)) (lambda (a b) (yield b) #f))",
    "member": "(member 9 '(1 2 3) (lambda (a b) (yield b) #f))",
    "list-tabulate": "(list-tabulate 3 (lambda (k) (yield (+ k 1))))",
    "unfold": "(unfold (lambda (k) (> k 3)) (lambda (k) (yield k)) (lambda (k) (+ k 1)) 1)",
    "hash-for-each": """(let ((table (make-hash-table)))
        (for-each (lambda (k) (hash-set! table k k)) '(1 2 3))
        (hash-for-each table (lambda (key value) (yield value))))""",
    "apply": "(apply for-each (list yield '(1 2 3)))",
    "call-with-values": "(call-with-values (lambda () (yield 1) (values 2 3))"
    " (lambda (a b) (yield a) (yield b)))",
    "dynamic-wind": "(dynamic-wind void (lambda () (for-each yield '(1 2 3))) void)",
    "with-exception-handler": "(with-exception-handler (lambda (e) (yield e))"
    " (lambda () (for-each raise-continuable '(1 2 3))))",
    "guard": "(guard (e (#t (yield e) (yield 3))) (yield 1) (raise 2))",
    "force": "(for-each force (list (delay (yield 1)) (delay (yield 2)) (delay (yield 3))))",
    "parameterize": "(parameterize (((make-parameter 0) 1)) (for-each yield '(1 2 3)))",
    "compose": "(for-each (compose yield (lambda (x) x)) '(1 2 3))",
    "hash-update!": """(let ((table (make-hash-table)))
        (for-each (lambda (k) (hash-update! table 'a (lambda (x) (yield k)) 0)) '(1 2 3)))""",
    "call-with-output-string": """(call-with-output-string
        (lambda (port) (for-each yield '(1 2 3))))""",
    "call-with-port": """(call-with-port (open-input-string "x")
        (lambda (port) (for-each yield '(1 2 3))))""",
}


@pytest.mark.parametrize("walk", WALKERS.values(), ids=WALKERS)
def test_what_calls_a_procedure_can_be_left_and_entered_again(walk):
    program = f"""{GENERATOR}
    (define next (make-generator (lambda (yield) {walk})))
    (let* ((a (next)) (b (next)) (c (next)) (d (next))) (list a b c d))"""
    assert shown(program) == "(1 2 3 done)"


def test_a_sort_can_be_left_and_entered_again():
    program = f"""{GENERATOR}
    (define sorted #f)
    (define next (make-generator
      (lambda (yield) (set! sorted (sort '(3 1 2) (lambda (a b) (yield (list a b)) (< a b)))))))
    (let loop ((steps 0)) (if (eq? (next) 'done) (list (> steps 1) sorted) (loop (+ steps 1))))"""
    assert shown(program) == "(#t (1 2 3))"


def test_amb_solves_a_puzzle():
    program = """
    (define fail #f)
    (define (amb choices)
      (let ((outer fail))
        (call/cc (lambda (return)
          (for-each (lambda (choice)
                      (call/cc (lambda (next) (set! fail (lambda () (next #f))) (return choice))))
                    choices)
          (set! fail outer)
          (outer)))))
    (define (require condition) (if (not condition) (fail)))
    (define (distinct? items)
      (or (null? items) (and (not (memv (car items) (cdr items))) (distinct? (cdr items)))))
    (set! fail (lambda () (error "no solution")))
    (let* ((baker (amb '(1 2 3 4 5))) (cooper (amb '(1 2 3 4 5))) (fletcher (amb '(1 2 3 4 5))))
      (require (not (= baker 5)))
      (require (not (= cooper 1)))
      (require (not (or (= fletcher 5) (= fletcher 1))))
      (require (not (= (abs (- fletcher cooper)) 1)))
      (let* ((miller (amb '(1 2 3 4 5))) (smith (amb '(1 2 3 4 5))))
        (require (distinct? (list baker cooper fletcher miller smith)))
        (require (> miller cooper))
        (require (not (= (abs (- smith fletcher)) 1)))
        (list baker cooper fletcher miller smith)))"""
    assert shown(program) == "(3 2 4 5 1)"


def test_trees_of_one_fringe():
    program = f"""{GENERATOR}
    (define (leaves tree)
      (make-generator (lambda (yield)
        (let walk ((tree tree))
          (cond ((null? tree) #f)
                ((pair? tree) (walk (car tree)) (walk (cdr tree)))
                (else (yield tree)))))))
    (define (same-fringe? a b)
      (let ((next-a (leaves a)) (next-b (leaves b)))
        (let loop ()
          (let ((x (next-a)) (y (next-b)))
            (cond ((not (eqv? x y)) #f) ((eq? x 'done) #t) (else (loop)))))))
    (list (same-fringe? '((1 2) (3 (4))) '(1 (2 3) 4)) (same-fringe? '(1 2 (3)) '(1 3 2)))"""
    assert shown(program) == "(#t #f)"


def test_coroutines_take_turns():
    program = """
    (define queue '())
    (define (enqueue thread) (set! queue (append queue (list thread))))
    (define (dequeue) (let ((first (car queue))) (set! queue (cdr queue)) first))
    (define out '())
    (define (say x) (set! out (cons x out)))
    (define (yield) (call/cc (lambda (k) (enqueue (lambda () (k #f))) ((dequeue)))))
    (define (spawn name count)
      (enqueue (lambda ()
        (do ((i 0 (+ i 1))) ((= i count)) (say (list name i)) (yield))
        (done))))
    (define done #f)
    (spawn 'a 2) (spawn 'b 3) (spawn 'c 1)
    (call/cc (lambda (end)
      (set! done (lambda () (if (null? queue) (end #f) ((dequeue)))))
      (done)))
    (reverse out)"""
    assert shown(program) == "((a 0) (b 0) (c 0) (a 1) (b 1) (b 2))"


# ---- space

COUNTS = {
    "itself": ("(define (f n) (if (= n 0) 'end (f (- n 1))))", 300_000),
    "each other": (
        "(define (f n) (if (= n 0) 'end (g (- n 1)))) (define (g n) (if (= n 0) 'end (f (- n 1))))",
        100_000,
    ),
    "cond, and, or, when, case": (
        """(define (f n) (cond ((= n 0) 'end) ((odd? n) (and #t (or #f (f (- n 1)))))
             (else (case 1 ((1) (when #t (let* ((m (- n 1))) (letrec () (begin (f m))))))))))""",
        50_000,
    ),
    "apply": ("(define (f n) (if (= n 0) 'end (apply f (list (- n 1)))))", 50_000),
    "call/cc": ("(define (f n) (if (= n 0) 'end (call/cc (lambda (k) (f (- n 1))))))", 50_000),
    "a continuation": ("(define (f n) (if (= n 0) 'end (f (call/cc (lambda (k) (k (- n 1)))))))",
                       50_000),
    "call-with-values": (
        "(define (f n) (if (= n 0) 'end (call-with-values (lambda () (- n 1)) f)))", 50_000),
    "guard's clause": ("(define (f n) (if (= n 0) 'end (guard (e (#t (f (- n 1)))) (raise n))))",
                       10_000),
    "delay-force": ("(define (p n) (if (= n 0) (delay 'end) (delay-force (p (- n 1)))))"
                    " (define (f n) (force (p n)))", 50_000),
}  # fmt: skip


@pytest.mark.parametrize(("definition", "count"), one_in(3, COUNTS.values(), COUNTS))
def test_calls_in_tail_position_take_no_room(definition, count):
    session = cek()
    session.evaluate(definition)
    assert shown(f"(f {count})", session) == "end"


def test_a_loop_leaves_no_frames():
    session = cek()
    session.evaluate("(define (f n probe) (if (= n 0) (probe) (f (- n 1) probe)))")
    frames = []
    session.define("probe", lambda: frames.append(_frames()))
    session.evaluate("(begin (f 1 probe) (f 5000 probe))")
    assert frames[0] == frames[1]


def _frames() -> int:
    from eshkol.cek.machine import RUNNING

    frame, count = RUNNING.machines[-1].stack, 0
    while frame is not None:
        frame, count = frame.outer, count + 1
    return count


@pytest.mark.parametrize(
    "definition",
    one_in(
        3,
        [
            "(define (f n) (if (= n 0) 0 (+ 1 (f (- n 1)))))",
            "(define (f n) (if (= n 0) 0 (+ 1 (apply f (list (- n 1))))))",
            "(define (f n) (let ((m (if (= n 0) -1 (f (- n 1))))) (+ m 1)))",
        ],
    ),
)
def test_recursion_nests_100_000_deep(definition):
    session = cek()
    session.evaluate(definition)
    assert session.evaluate("(f 100000)") == 100_000


def test_recursion_through_map_is_deep_too():
    program = "(define (f n) (if (= n 0) 0 (+ 1 (car (map f (list (- n 1))))))) (f 10000)"
    assert cek().evaluate(program) == 10_000


# ---- between Python, compiled code and the evaluator


def test_a_procedure_is_a_python_function():
    session = cek()
    f = session.evaluate('(define (f x (y (* 2 x)) . rest) "Doubles." (list x y rest)) f')
    assert (f.__name__, f.__doc__) == ("f", "Doubles.")
    assert write_string(f(1)) == "(1 2 ())"
    assert write_string(f(1, y=5)) == "(1 5 ())"
    assert write_string(f(1, 2, 3)) == "(1 2 (3))"
    with pytest.raises(ArityError, match="f takes at least 1 argument, got 0"):
        f()


def test_python_may_call_a_continuation_that_leads_out_of_its_caller():
    session = cek()
    session.define("call-back", lambda f: f(1) + 1)
    program = "(+ 100 (call/cc (lambda (k) (call-back (lambda (x) (k (* x 7)))))))"
    assert session.evaluate(program) == 107


def test_extents_are_left_on_the_way_out_of_python():
    session = cek()
    session.define("call-back", lambda f: f())
    program = """
    (define path '())
    (define (note x) (set! path (cons x path)))
    (call/cc (lambda (k)
      (dynamic-wind
        (lambda () (note 'in))
        (lambda () (call-back (lambda ()
          (dynamic-wind (lambda () (note 'inner)) (lambda () (k 1)) (lambda () (note 'left))))))
        (lambda () (note 'out)))))
    (reverse path)"""
    assert shown(program, session) == "(in inner left out)"


def test_a_continuation_into_a_call_from_python_that_is_over_is_an_error():
    session = cek()
    session.define("call-back", lambda f: f())
    program = """
    (define k #f)
    (call-back (lambda () (call/cc (lambda (c) (set! k c))) 1))
    (k 2)"""
    with pytest.raises(BadValue, match="leads into a call from Python that has returned") as caught:
        session.evaluate(program)
    assert caught.value.span.line == 4


def test_a_continuation_of_an_earlier_program_goes_on_there():
    session = cek()
    session.evaluate("(define k #f) (define n 0)")
    assert session.evaluate("(+ 100 (call/cc (lambda (c) (set! k c) 1)))") == 101
    assert session.evaluate("(* 2 (k 5))") == 105
    assert session.get("k")(7) == 107


def test_generators_may_be_used_by_compiled_code():
    session = Session()
    session.evaluate(GENERATOR + "(define next (make-generator (lambda (y) (for-each y '(1 2)))))")
    assert runs_here(session.get("next"))
    session.evaluate("(define (twice f) (let* ((a (f)) (b (f))) (list a b)))")
    assert not runs_here(session.get("twice"))
    assert shown("(twice next)", session) == "(1 2)"
    assert shown("(next)", session) == "done"


def test_handlers_of_the_evaluator_see_errors_of_compiled_code_and_python():
    session = cek()
    compiled = Session(engine="python").evaluate("(lambda (x) (car x))")
    session.define("compiled", compiled)
    session.define("divide", lambda a, b: a // b)
    assert shown("(guard (e ((error-object? e) 'caught)) (compiled 5))", session) == "caught"
    assert shown("(guard (e (#t (error-object-message e))) (divide 1 0))", session) == (
        '"integer division or modulo by zero"'
    )


def test_handlers_of_compiled_code_see_errors_of_the_evaluator():
    f = cek().evaluate("(lambda (x) (raise x))")
    session = Session(engine="python")
    session.define("f", f)
    assert shown("(guard (e (#t (list 'caught e))) (f 5))", session) == "(caught 5)"
    assert (
        shown(
            "(with-exception-handler (lambda (e) 1) (lambda () (+ 1 (g 5))))",
            _with(session, "g", cek().evaluate("(lambda (x) (raise-continuable x))")),
        )
        == "2"
    )


def _with(session: Session, name: str, value: object) -> Session:
    session.define(name, value)
    return session


def test_guards_of_the_evaluator_take_what_compiled_code_raises_inside_of_it():
    session = cek()
    session.define("raiser", Session(engine="python").evaluate("(lambda () (raise 'inner))"))
    program = """
    (define path '())
    (guard (e (#t (list e path)))
      (dynamic-wind void raiser (lambda () (set! path (cons 'after path)))))"""
    assert shown(program, session) == "(inner (after))"


def test_threads_have_machines_of_their_own():
    session = cek()
    session.evaluate("(define (f n) (if (= n 0) 0 (+ 1 (f (- n 1)))))")
    f, results = session.get("f"), []
    threads = [threading.Thread(target=lambda n=n: results.append(f(n))) for n in (50, 70, 90)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [50, 70, 90]


def test_no_machine_is_left_running():
    from eshkol.cek.machine import RUNNING
    from eshkol.primitives.dynamic import STATE

    session = cek()
    session.define("call-back", lambda f: f())
    for program in ("(car 5)", "(call-back (lambda () (raise 'x)))", "(call/cc (lambda (k) (k 1)))",
                    "(dynamic-wind void (lambda () (error \"x\")) void)"):  # fmt: skip
        with contextlib.suppress(EshkolError):
            session.evaluate(program)
        assert RUNNING.machines == []
        assert STATE.context() == (None, None, {})
        assert STATE.uncaught is None


def test_procedures_that_are_not_used_are_collected():
    session = cek()
    session.evaluate("(define (make) (lambda () 1))")
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        session.evaluate("(do ((i 0 (+ i 1))) ((= i 2000)) (make))")
        assert len(gc.get_objects()) - before < 1000
    finally:
        gc.enable()


# ---- errors


ERRORS = {
    "in a procedure that was called": "(define (f x)\n  (+ 1 (car x)))\n(list (f 5))",
    "under a procedure that map calls": "(define (f x) (+ 1 (g x)))\n(define (g x) (car x))\n"
    "(list (map f '(1 2)))",
    "an unbound variable": "(define (f x) (list (foo x)))\n(list (f 1))",
    "a wrong number of arguments": "(define (f x y) x)\n(define (g) (list (f 1)))\n(list (g))",
    "arguments that an operator lambda does not take": "(list ((lambda (x) x) 1 2))",
    "an argument by an unknown name": "(define (f x (y 1)) x)\n(list (f 1 #:z 2))",
    "an argument given twice": "(define (f x (y 1)) x)\n(list (f 1 #:x 2))",
    "a wrong number of arguments for a primitive": "(list (car 1 2))",
    "a wrong number of arguments for map": "(list (map car))",
    "no list for map": "(list (map (lambda (x) x) 5))",
    "a procedure that map can't call": "(define (f x y) x)\n(list (map f '(1 2)))",
    "no procedure": "(define x 5)\n(list (x 1))",
    "a call of a literal": "(list (5 1))",
    "a tensor as a condition": "(define (f x) (if x 1 2))\n(list (f (zeros 3)))",
    "a variable that has no value yet": "(define (f)\n  (define a b)\n  (define b 1)\n  a)\n(f)",
    "an assignment to nothing": "(define (f) (set! nothing 1))\n(list (f))",
    "an index out of range": "(list (vector-ref (vector 1 2) 9))",
    "error": '(define (f x) (error "bad thing:" x))\n(list (f \'(1 "a")))',
    "raise of a symbol": "(define (f x) (raise 'boom))\n(list (f 1))",
    "raise of a string": '(list (raise "boom"))',
    "assert": '(define (f x) (assert (> x 0) "positive"))\n(list (f -1))',
    "an error that no guard takes": "(define (f) (+ 1 (guard (e ((string? e) 1)) (car 5))))\n"
    "(list (f))",
    "an error in dynamic-wind": "(define (f) (dynamic-wind void (lambda () (list (car 5))) void))\n"
    "(list (f))",
    "an error in a default": "(define (f (x (car 5))) x)\n(list (f))",
    "apply without a list": "(list (apply + 1 2))",
    "deep down": "(define (f n) (if (= n 0) (car n) (+ 1 (f (- n 1)))))\n(list (f 300))",
    "in a sort": "(list (sort '(3 1 2) (lambda (a b) (< a 'b))))",
    "apply with too many arguments": "(list (apply (lambda (x) x) '(1 2)))",
    "a handler without a parameter": "(list (with-exception-handler (lambda () 1)"
    " (lambda () (raise 'x))))",
    "a receiver without a parameter": "(list (call/cc (lambda () 1)))",
}


def told(program: str, engine: str) -> list[str]:
    try:
        Session(engine=engine).evaluate(program, "<program>")
    except Exception as error:
        return report(error).split("\n")
    raise AssertionError("no error")


@pytest.mark.parametrize("program", ERRORS.values(), ids=ERRORS)
def test_errors_tell_the_same_as_those_of_compiled_code(program):
    assert told(program, "cek") == told(program, "python")


def test_the_traceback_shows_the_calls_of_the_program_and_nothing_else():
    session = cek()
    with pytest.raises(WrongType) as caught:
        session.evaluate(
            "(define (f x) (+ 1 (car x)))\n(define (g) (* 2 (f 5)))\n(list (g))", "<p>"
        )
    entries = []
    traceback = caught.tb.tb_next
    while traceback is not None:
        entries.append((traceback.tb_frame.f_code.co_name, traceback.tb_lineno))
        traceback = traceback.tb_next
    assert entries == [("<top level>", 3), ("g", 2), ("f", 1)]


def test_an_error_that_python_catches_has_run_the_afters():
    session = cek()
    program = """
    (define left #f)
    (define (f) (dynamic-wind void (lambda () (error "inside")) (lambda () (set! left #t))))"""
    session.evaluate(program)
    with pytest.raises(SchemeError):
        session.get("f")()
    assert session.get("left") is True


def test_exit_runs_the_afters():
    session = cek()
    with pytest.raises(SystemExit) as caught:
        session.evaluate("""
          (define left #f)
          (dynamic-wind void (lambda () (exit 3)) (lambda () (set! left #t)))""")
    assert caught.value.code == 3
    assert session.get("left") is True


# ---- the prelude


def test_the_prelude_defines_what_the_machine_runs_itself():
    forms = read_all(Path(PRELUDE).read_text(encoding="utf-8"), PRELUDE)
    definitions = [form for form in forms if form.parts[0].name == "define-for-machine"]
    names = [parts_with_tail(form.parts[1])[0][0].name for form in definitions]
    assert len(names) == len(set(names)) > 50
    session = cek()
    for name in names:
        assert runs_here(session.get(name)), name


def test_an_unknown_engine_is_refused():
    with pytest.raises(ValueError, match="there is no engine 'forth'"):
        Session(engine="forth")


# ---- where programs are traced


@table("""
((jit (lambda (x) (if (> x 0) (* 2 x) 0))) 3.0) ⇒ 6.0

(define (f x) (if (> x 0) (* 2 x) 0)) ((jit f) 3.0) ⇒ 6.0

(define (scale w) (lambda (x) (* w x)))
((gradient (lambda (model) (tensor-sum (model 3.0))) (scale (tensor 2.0))) 1.0) ⇒ #(3.0)

(define (count x) (let loop ((x x) (n 0)) (if (> x 100.0) n (loop (* 2 x) (+ n 1)))))
((jit count) 1.0) ⇒ 7
""")
def test_what_is_traced_is_compiled(program, expected):
    result = cek().evaluate(program)
    assert display_string(result) == expected


def test_jax_may_trace_a_procedure_itself():
    import jax

    f = cek().evaluate("(lambda (x) (if (> x 0) (* 2 x) x))")
    assert float(jax.jit(f)(3.0)) == 6.0
    assert float(jax.vmap(f)(jax.numpy.arange(3.0))[2]) == 4.0


def test_what_shares_an_assigned_variable_is_not_traced():
    program = "(let ((n 1.0)) (define (f x) (set! n x) (if (> x 0) n x)) ((jit f) 2.0))"
    with pytest.raises(StagingError, match="f can't be compiled"):
        cek().evaluate(program)


def test_a_compiled_procedure_refuses_where_it_is_called_whatever_calls_the_program(monkeypatch):
    monkeypatch.setitem(sources._texts, __file__, "")  # as if this file were a program's
    session = Session(engine="cek")
    session.evaluate("(define (f x y) x) (define g (jit f))")
    for text in ("(g (ones 3))", "(map g (list 1 2))"):
        with pytest.raises(ArityError) as caught:
            session.evaluate(text, "called.esk")
        assert str(caught.value).startswith("called.esk:1:1: ")
