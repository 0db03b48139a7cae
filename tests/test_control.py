"""Conditions, escapes, ``dynamic-wind``, parameters, promises and multiple values (R7RS)."""

from __future__ import annotations

import threading

import pytest

from eshkol.base.errors import ArityError, BadValue, EshkolError, Raised, SchemeError, WrongType
from eshkol.datum.symbols import intern
from eshkol.primitives.dynamic import STATE
from eshkol.primitives.parameters import bound, new_parameter
from eshkol.session import Session
from programs import shown, table


@pytest.fixture(autouse=True)
def state_is_left_clean():
    """Whatever a program does, it leaves the dynamic state as it was."""
    before = STATE.context()
    yield
    assert STATE.context() == before
    assert STATE.uncaught is None


class TestConditions:
    @table("""
(guard (e ((symbol? e) (list 'caught e))) (raise 'boom))
⇒ (caught boom)

(guard (e ((assq 'a e) => cdr) ((assq 'b e))) (raise (list (cons 'a 42))))
⇒ 42

(guard (e ((assq 'a e) => cdr) ((assq 'b e))) (raise (list (cons 'b 23))))
⇒ (b . 23)

(guard (e (else (list 'else e))) (raise 1))
⇒ (else 1)

(guard (e ((string? e) 1)) 'no-condition)
⇒ no-condition

(guard (e (#t (define x (* 2 e)) (+ x 1))) (raise 5))
⇒ 11

(guard (e (#f 'never)) (values 1 2) 3)
⇒ 3

(call-with-values (lambda () (guard (e (#f 0)) (values 1 2))) list)
⇒ (1 2)

(call-with-values (lambda () (guard (e (#t (values 1 2))) (raise 'x))) list)
⇒ (1 2)

(guard (e (#t (list 'outer e))) (guard (e ((string? e) 'inner)) (raise 'x)))
⇒ (outer x)

(guard (e (#t (list 'outer e))) (guard (e (#t (raise (list 'again e)))) (raise 'x)))
⇒ (outer (again x))

(guard (e ((number? e) (* 2 e))) (+ 1 (guard (e ((string? e) 'inner)) (raise 5))))
⇒ 10

(guard (=> (#t 'shadowed)) (raise 1))
⇒ shadowed

(let ((else #f)) (guard (e (else 'inner) ((symbol? e) 'symbol)) (raise 'x)))
⇒ symbol

(with-exception-handler (lambda (e) 10) (lambda () (+ 1 (raise-continuable 'c))))
⇒ 11

(with-exception-handler
  (lambda (con) (cond ((string? con) (string-length con)) (else 0)))
  (lambda () (+ (raise-continuable "should be a number") 23)))
⇒ 41

(with-exception-handler (lambda (e) 42)
  (lambda () (+ 1 (guard (e (#f 'no)) (raise-continuable 'oops)))))
⇒ 43

(with-exception-handler (lambda (e) (list 'outer e))
  (lambda ()
    (with-exception-handler (lambda (e) (raise-continuable (list 'inner e)))
      (lambda () (raise-continuable 'x)))))
⇒ (outer (inner x))

(call/cc (lambda (k)
  (with-exception-handler (lambda (e) (k (list 'escaped e))) (lambda () (+ 1 (raise 'x))))))
⇒ (escaped x)

(call/cc (lambda (k)
  (with-exception-handler (lambda (e) (k (error-object-message e))) (lambda () (car 5)))))
⇒ "car: expected a pair, got 5"

(guard (e ((symbol? e) (list 'outer e)))
  (with-exception-handler (lambda (e) (raise 'from-handler)) (lambda () (raise 'first))))
⇒ (outer from-handler)

(guard (e ((error-object? e) (error-object-irritants e)))
  (with-exception-handler (lambda (e) 'ignored) (lambda () (raise 'x))))
⇒ (x)

(guard (e ((error-object? e) (error-object-message e)))
  (with-exception-handler (lambda (e) 'ignored) (lambda () (error "first"))))
⇒ "a handler returned"

(let ((seen '()))
  (guard (e (#t (reverse seen)))
    (with-exception-handler (lambda (e) (set! seen (cons (list 'outer e) seen)))
      (lambda ()
        (with-exception-handler (lambda (e) (set! seen (cons (list 'inner e) seen)) (raise 'two))
          (lambda () (raise 'one)))))))
⇒ ((inner one) (outer two))

(let ((seen '()))
  (guard (e (#t (list e (length seen))))
    (with-exception-handler (lambda (e) (set! seen (cons e seen)) (car seen) (raise e))
      (lambda () (vector-ref (vector 1 2) 5)))))
⇒ (#<error vector-ref: index 5 is out of range for a vector of length 2> 1)

(with-exception-handler (lambda (e) 1)
  (lambda () (+ (raise-continuable 'a) (with-exception-handler (lambda (e) 10)
                                         (lambda () (raise-continuable 'b))))))
⇒ 11

(let ((k (lambda () (raise-continuable 'x))))
  (with-exception-handler (lambda (e) (list e)) (lambda () (map (lambda (i) (k)) '(1 2)))))
⇒ ((x) (x))

(let loop ((i 0)) (guard (e ((< i 20000) (loop (+ i 1))) (else i)) (raise 'again)))
⇒ 20000
""")
    def test_raising_and_handling(self, program: str, expected: str) -> None:
        assert shown(program) == expected

    @table("""
(guard (e (#t (error-object? e))) (error "msg" 1 2))
⇒ #t

(guard (e (#t (error-object-message e))) (error "msg" 1 2))
⇒ "msg"

(guard (e (#t (error-object-irritants e))) (error "msg" 1 "two"))
⇒ (1 "two")

(guard (e (#t (condition/report-string e))) (error "msg:" 1 "two"))
⇒ "msg: 1 \\"two\\""

(guard (e (#t (error-object? e))) (raise 'boom))
⇒ #f

(guard (e (#t (error-object-message e))) (vector-ref #(1 2) 9))
⇒ "vector-ref: index 9 is out of range for a vector of length 2"

(guard (e (#t (error-object-message e))) (nothing-of-this-name))
⇒ "nothing-of-this-name is not defined"

(guard (e (#t (error-object-message e))) ((lambda (x) x) 1 2))
⇒ "this procedure takes 1 argument, got 2"

(guard (e (#t (error-object-message e))) (5 6))
⇒ "expected a procedure to call, got 5"

(guard (e (#t (error-object-irritants e))) (car 5))
⇒ ()

(guard (e (#t (list (read-error? e) (file-error? e)))) (error "x"))
⇒ (#f #f)

(guard (e (#t (list (read-error? e) (file-error? e)))) (open-input-file "no such file"))
⇒ (#f #t)

(guard (e (#t (list (read-error? e) (file-error? e)))) (read (open-input-string "(1 . ")))
⇒ (#t #f)

(list (read-error? 5) (file-error? 'x) (error-object? "text"))
⇒ (#f #f #f)

(guard (e (#t (display e) 'shown)) (error "no such word:" 'xyzzy))
⇒ shown
""")
    def test_what_conditions_tell(self, program: str, expected: str, capsys) -> None:
        assert shown(program) == expected

    def test_tests_of_clauses_run_outside_of_what_was_left(self) -> None:
        program = """
            (define trace '())
            (define (note x) (set! trace (cons x trace)))
            (define (run handled)
              (set! trace '())
              (with-exception-handler (lambda (e) (note 'handler) 'value)
                (lambda ()
                  (guard (e ((begin (note 'test) (eq? e handled)) (note 'clause)))
                    (dynamic-wind (lambda () (note 'in))
                                  (lambda () (note (raise-continuable 'a)))
                                  (lambda () (note 'out))))))
              (reverse trace))"""
        assert shown(program, "(run 'a)") == "(in out test clause)"
        assert shown(program, "(run 'b)") == "(in out test in handler value out)"

    def test_a_primitives_error_meets_the_handlers_inside_out(self) -> None:
        program = """
            (define trace '())
            (define (note . x) (set! trace (cons x trace)))
            (define (message e) (if (error-object? e) (error-object-message e) e))
            (define p (make-parameter 'outside))
            (guard (e (#t (note 'guard (message e) (p))))
              (with-exception-handler
                (lambda (e) (note 'outer (message e) (p)) (raise 'second))
                (lambda ()
                  (parameterize ((p 'inside))
                    (dynamic-wind (lambda () (note 'in)) (lambda () (car 'x))
                                  (lambda () (note 'out)))))))
            (reverse trace)"""
        assert shown(program) == (
            '((in) (outer "car: expected a pair, got x" inside) (out) (guard second outside))'
        )

    def test_what_nobody_takes_is_a_python_exception(self) -> None:
        with pytest.raises(Raised, match="uncaught: 'boom") as caught:
            Session().evaluate("(define (f) (raise 'boom))\n(+ 1 (f))")
        assert caught.value.payload is intern("boom")
        assert (caught.value.span.line, caught.value.span.column) == (1, 12)
        with pytest.raises(SchemeError, match="uncaught: 42"):
            Session().evaluate("(raise 42)")
        with pytest.raises(Raised, match=r"uncaught: '\(1 \"a\"\)"):
            Session().evaluate('(guard (e ((symbol? e) 1)) (raise \'(1 "a")))')

    def test_an_error_that_no_clause_takes_stays_at_its_place(self) -> None:
        program = (
            "(guard (e ((symbol? e) 1))\n  (dynamic-wind values\n    (lambda () (car 5)) values))"
        )
        with pytest.raises(WrongType) as caught:
            Session().evaluate(program)
        assert caught.value.span.line == 3

    def test_a_handler_that_returns_is_reported_at_the_error(self) -> None:
        program = "(with-exception-handler\n  (lambda (e) 0)\n  (lambda () (+ 1 (car 5))))"
        with pytest.raises(SchemeError, match='the handler of "car: expected') as caught:
            Session().evaluate(program)
        assert caught.value.span.line == 3
        assert "raise-continuable" in caught.value.hint

    def test_exceptions_cross_between_python_and_scheme(self) -> None:
        session = Session()

        def fail(kind: type[Exception]) -> None:
            raise kind("from Python")

        session.define("fail", fail)
        session.define("ValueError", ValueError)
        session.define("OSError", OSError)
        caught = "(guard (e ((error-object? e) (list (error-object-message e) (file-error? e))))"
        assert repr(session.evaluate(f"{caught} (fail ValueError))")) == '("from Python" #f)'
        assert repr(session.evaluate(f"{caught} (fail OSError))")) == '("from Python" #t)'
        with pytest.raises(ValueError, match="from Python"):
            session.evaluate("(guard (e ((symbol? e) 1)) (fail ValueError))")
        error = session.evaluate("(guard (e (#t e)) (fail ValueError))")
        assert type(error) is ValueError
        with pytest.raises(ValueError, match="from Python"):
            session.evaluate("(lambda (e) (raise e))")(error)

    def test_python_catches_what_scheme_raises(self) -> None:
        session = Session()

        def attempt(thunk):
            try:
                return thunk()
            except SchemeError as error:
                return error.irritants[0]

        session.define("attempt", attempt)
        assert session.evaluate('(attempt (lambda () (error "x" 5)))') == 5
        assert session.evaluate("(attempt (lambda () (raise 7)))") == 7

    def test_too_deep_a_recursion_is_a_condition(self) -> None:
        program = "(guard (e (#t (error-object-message e))) (let down ((n 0)) (+ 1 (down n))))"
        assert "too deep" in Session(engine="python").evaluate(program)

    def test_interruptions_are_no_conditions(self) -> None:
        session = Session()

        def interrupt() -> None:
            raise KeyboardInterrupt

        session.define("interrupt", interrupt)
        session.evaluate("(define out 0)")
        with pytest.raises(KeyboardInterrupt):
            session.evaluate(
                "(guard (e (#t 'caught)) (with-exception-handler (lambda (e) 'handled)"
                " (lambda () (dynamic-wind values interrupt (lambda () (set! out 1))))))"
            )
        assert session.evaluate("out") == 1


class TestContinuations:
    @table("""
(call/cc (lambda (k) (+ 1 (k 42))))
⇒ 42

(call-with-current-continuation
  (lambda (exit) (for-each (lambda (x) (if (negative? x) (exit x))) '(54 0 37 -3 245 19)) #t))
⇒ -3

(call/cc (lambda (k) 5))
⇒ 5

(call/cc procedure?)
⇒ #t

(call-with-values (lambda () (call/cc (lambda (k) (k 1 2)))) list)
⇒ (1 2)

(call-with-values (lambda () (call/cc (lambda (k) (k)))) list)
⇒ ()

(+ 1 (let/cc k (* 10 (k 3))))
⇒ 4

(+ 1 (let/ec k (* 10 (call/ec (lambda (inner) (k 3))))))
⇒ 4

(let ((list-length (lambda (obj)
        (call/cc (lambda (return)
          (letrec ((r (lambda (obj) (cond ((null? obj) 0) ((pair? obj) (+ (r (cdr obj)) 1))
                                          (else (return #f))))))
            (r obj)))))))
  (list (list-length '(1 2 3 4)) (list-length '(a b . c))))
⇒ (4 #f)

(let ((path '()))
  (define (note x) (set! path (cons x path)))
  (call/cc (lambda (k)
    (dynamic-wind (lambda () (note 'a)) (lambda () (k 1)) (lambda () (note 'b)))))
  (reverse path))
⇒ (a b)

(let ((path '()))
  (define (note x) (set! path (cons x path)))
  (call/cc (lambda (k)
    (dynamic-wind (lambda () (note 'in1))
      (lambda ()
        (dynamic-wind (lambda () (note 'in2)) (lambda () (k 1)) (lambda () (note 'out2))))
      (lambda () (note 'out1)))))
  (reverse path))
⇒ (in1 in2 out2 out1)

(let ((path '()))
  (define (note x) (set! path (cons x path)))
  (dynamic-wind (lambda () (note 'in1))
    (lambda ()
      (call/cc (lambda (k)
        (dynamic-wind (lambda () (note 'in2)) (lambda () (k 1)) (lambda () (note 'out2)))))
      (note 'between))
    (lambda () (note 'out1)))
  (reverse path))
⇒ (in1 in2 out2 between out1)

(call/cc (lambda (k) (dynamic-wind (lambda () #f) (lambda () (k 'body)) (lambda () (k 'after)))))
⇒ after

(dynamic-wind (lambda () 1) (lambda () (values 2)) (lambda () 3))
⇒ 2

(let ((p (make-parameter 1)))
  (list (call/cc (lambda (k) (parameterize ((p 2)) (k (p))))) (p)))
⇒ (2 1)

(with-exception-handler (lambda (e) 'outer)
  (lambda ()
    (call/cc (lambda (k) (with-exception-handler (lambda (e) 'inner) (lambda () (k 1)))))
    (raise-continuable 'x)))
⇒ outer

(let ((p (make-parameter 'outside)) (seen #f))
  (call/cc (lambda (k)
    (dynamic-wind (lambda () #f)
                  (lambda () (parameterize ((p 'inside)) (k 1)))
                  (lambda () (set! seen (p))))))
  seen)
⇒ outside

(let loop ((i 0) (s 0)) (if (= i 1000) s (loop (+ i 1) (+ s (call/cc (lambda (k) (k i)))))))
⇒ 499500

(call/cc (lambda (k) (sort '(3 1 2) (lambda (a b) (k 'left)))))
⇒ left

(let down ((n 5000)) (if (= n 0) 0 (+ 1 (let/cc k (k (down (- n 1)))))))
⇒ 5000
""")
    def test_escapes(self, program: str, expected: str) -> None:
        assert shown(program) == expected

    def test_a_continuation_that_has_ended_says_so(self) -> None:
        session = Session(engine="python")
        session.evaluate("(define kept #f) (call/cc (lambda (k) (set! kept k)))")
        with pytest.raises(BadValue, match="can't be called any more") as caught:
            session.evaluate("(+ 1\n   (kept 2))")
        assert caught.value.span.line == 2
        assert "cek" in caught.value.hint

    def test_a_continuation_belongs_to_its_thread(self) -> None:
        session = Session(engine="python")
        problems = []

        def elsewhere(thunk) -> None:
            def run() -> None:
                try:
                    thunk()
                except BadValue as error:
                    problems.append(error.message)

            thread = threading.Thread(target=run)
            thread.start()
            thread.join()

        session.define("elsewhere", elsewhere)
        assert session.evaluate("(call/cc (lambda (k) (elsewhere (lambda () (k 1))) 2))") == 2
        assert problems == ["a continuation can be called only in the thread that made it"]

    def test_errors_run_the_after_procedures(self) -> None:
        session = Session()
        session.evaluate("(define out '())")
        with pytest.raises(EshkolError):
            session.evaluate(
                "(dynamic-wind values (lambda () (dynamic-wind values (lambda () (car 5)) "
                "(lambda () (set! out (cons 1 out))))) (lambda () (set! out (cons 2 out))))"
            )
        assert repr(session.evaluate("out")) == "(2 1)"

    @pytest.mark.parametrize(
        ("form", "status"),
        [("(exit)", 0), ("(exit #t)", 0), ("(exit #f)", 1), ("(exit 7)", 7), ("(exit 256)", 0)],
    )
    def test_exit_runs_the_after_procedures(self, form: str, status: int) -> None:
        session = Session()
        session.evaluate("(define out '())")
        with pytest.raises(SystemExit) as ended:
            session.evaluate(
                f"(dynamic-wind values (lambda () (guard (e (#t 1)) {form}))"
                " (lambda () (set! out (cons 1 out))))"
            )
        assert ended.value.code == status
        assert repr(session.evaluate("out")) == "(1)"

    def test_exit_wants_a_status(self) -> None:
        with pytest.raises(WrongType, match="exit: expected a boolean or an exact integer"):
            Session().evaluate("(exit 'now)")


class TestValues:
    @table("""
(call-with-values (lambda () (values 4 5)) (lambda (a b) b))
⇒ 5

(call-with-values * -)
⇒ -1

(let-values (((root rem) (exact-integer-sqrt 32))) (* root rem))
⇒ 35

(let-values (((a b) (values 1 2)) ((c . d) (values 3 4 5)) (e (values 6 7)) ((f) 8))
  (list a b c d e f))
⇒ (1 2 3 (4 5) (6 7) 8)

(let ((a 'a) (b 'b) (x 'x) (y 'y)) (let*-values (((a b) (values x y)) ((x y) (values a b)))
  (list a b x y)))
⇒ (x y x y)

(let ((a 'a) (b 'b) (x 'x) (y 'y)) (let-values (((a b) (values x y)) ((x y) (values a b)))
  (list a b x y)))
⇒ (x y a b)

(let-values () 5)
⇒ 5

(let*-values () (define x 5) x)
⇒ 5

(let-values ((() (values))) 'none)
⇒ none

(let-values (((a b) (values 1 2))) (define c (+ a b)) (set! a 10) (list a b c))
⇒ (10 2 3)

(receive (a b . rest) (values 1 2 3 4) (list a b rest))
⇒ (1 2 (3 4))

(receive all (values 1 2) all)
⇒ (1 2)

(define-values (x y) (exact-integer-sqrt 17)) (list x y)
⇒ (4 1)

(define-values (x . rest) (values 1 2 3)) (define-values all (values)) (list x rest all)
⇒ (1 (2 3) ())

(define-values (a b) (values 1 2)) (define-values (a b) (values b a)) (list a b)
⇒ (2 1)

(let () (define-values (x y) (values 1 2)) (+ x y))
⇒ 3

(let () (define-values (a b) (values 1 2)) (define (f) (+ a b c)) (define-values (c d)
  (values 3 4)) (f))
⇒ 6

(define-syntax two (syntax-rules () ((_ a b) (define-values (a b) (values 1 2))))) (two p q)
  (list p q)
⇒ (1 2)

(let loop ((i 0) (sum 0))
  (if (= i 100000) sum (let-values (((q r) (floor/ i 7))) (loop (+ i 1) (+ sum r)))))
⇒ 299995
""")
    def test_binding_values(self, program: str, expected: str) -> None:
        assert shown(program) == expected

    @table("""
(define (loop i) (if (= i 50000) 'ok (call-with-values (lambda () (values i 1))
  (lambda (a b) (loop (+ a b)))))) (loop 0)
⇒ ok

(define (mixed n) (if (= n 0) 'ok (apply (lambda (x) (call-with-values (lambda () (- x 1)) mixed))
  (list n)))) (mixed 50000)
⇒ ok

(define (count n acc) (if (= n 0) acc (count* (- n 1) (+ acc 1))))
(define (count* n acc) (if (= n 0) acc (count (- n 1) (+ acc 1))))
(define (f k) (call-with-values (lambda () (count 30000 0)) (lambda (x) (+ x k))))
(+ (f 1) (f 2))
⇒ 60003
""")
    def test_the_consumer_is_a_tail_call_and_the_producer_is_none(self, program, expected) -> None:
        assert shown(program) == expected

    @pytest.mark.parametrize(
        ("program", "message"),
        [
            ("(let-values (((a b) (values 1 2 3))) a)", "let-values: expected 2 values, got 3"),
            ("(let-values (((a b) 1)) a)", "let-values: expected 2 values, got 1"),
            ("(let-values (((a) (values))) a)", "let-values: expected 1 value, got 0"),
            ("(receive (a . b) (values) a)", "expected at least 1 value, got 0"),
            ("(define-values (a b) 1)", "define-values: expected 2 values, got 1"),
        ],
    )
    def test_numbers_of_values(self, program: str, message: str) -> None:
        with pytest.raises(ArityError, match=message):
            Session().evaluate(program)


class TestCaseLambda:
    @table("""
(define range* (case-lambda
  ((e) (range* 0 e))
  ((b e) (do ((r '() (cons e r)) (e (- e 1) (- e 1))) ((< e b) r)))))
(list (range* 3) (range* 3 5))
⇒ ((0 1 2) (3 4))

(define f (case-lambda ((x . r) (list x r)) (all (list 'all all)))) (list (f) (f 1) (f 1 2))
⇒ ((all ()) (1 ()) (1 (2)))

(define f (case-lambda ((a b . r) (list a b r)) ((a) (list 'one a)))) (list (f 1) (f 1 2) (f 1 2 3))
⇒ ((one 1) (1 2 ()) (1 2 (3)))

(define f (case-lambda ((a b) (list 2 a b)) ((a b c d) (list 4 a b c d)) ((a . r) (list 'r a r))))
(list (f 1) (f 1 2) (f 1 2 3) (f 1 2 3 4) (f 1 2 3 4 5))
⇒ ((r 1 ()) (2 1 2) (r 1 (2 3)) (4 1 2 3 4) (r 1 (2 3 4 5)))

(define f (case-lambda (() 0) ((a) (set! a (+ a 1)) a) (r (length r)))) (list (f) (f 5) (f 1 2 3))
⇒ (0 6 3)

(define f (case-lambda (r 'first) ((a) 'never))) (list (f) (f 1) (f 1 2))
⇒ (first first first)

((case-lambda ((a) (list 'only a))) 1)
⇒ (only 1)

(define f (case-lambda ((a) (lambda () a)) ((a b) (lambda () (set! b (+ b 1)) (+ a b))))) ((f 1 2))
⇒ 4

(define sum (case-lambda ((l) (sum l 0)) ((l acc) (if (null? l) acc (sum (cdr l) (+ acc
  (car l)))))))
(sum (iota 100000))
⇒ 4999950000

(apply (case-lambda ((a) 1) ((a b) 2)) '(1 2))
⇒ 2

(procedure? (case-lambda ((a) 1) ((a b) 2)))
⇒ #t

(define f (case-lambda ((a) 1) ((a b) 2))) f
⇒ #<procedure f>
""")
    def test_clauses(self, program: str, expected: str) -> None:
        assert shown(program) == expected

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            ("(f)", "f takes 1 to 3 arguments, got 0"),
            ("(f 1 2 3 4)", "f takes 1 to 3 arguments, got 4"),
            ("(f 1 2)", "no clause of this case-lambda takes 2 arguments"),
        ],
    )
    def test_wrong_counts(self, call: str, message: str) -> None:
        with pytest.raises(ArityError, match=message):
            Session().evaluate(f"(define f (case-lambda ((a) 1) ((a b c) 3))) {call}")


class TestParameters:
    @table("""
(define p (make-parameter 10)) (list (p) (parameterize ((p 20)) (p)) (p))
⇒ (10 20 10)

(define radix (make-parameter 10 (lambda (x) (if (and (exact-integer? x) (<= 2 x 16)) x
  (error "invalid radix")))))
(define (f n) (number->string n (radix)))
(list (f 12) (parameterize ((radix 2)) (f 12)))
⇒ ("12" "1100")

(define p (make-parameter 1 (lambda (x) (* 2 x)))) (list (p) (parameterize ((p 5)) (p)))
⇒ (2 10)

(define p (make-parameter 1)) (define q (make-parameter 2))
(parameterize ((p (q)) (q (p))) (list (p) (q)))
⇒ (2 1)

(define p (make-parameter 1)) (define (f) (p)) (parameterize ((p 2)) (parameterize ((p 3)) (f)))
⇒ 3

(define p (make-parameter 1)) (p 5) (list (p) (parameterize ((p 6)) (p 7) (p)) (p))
⇒ (5 7 5)

(define p (make-parameter 1))
(list (guard (e (#t (p))) (parameterize ((p 2)) (raise 'x))) (p))
⇒ (1 1)

(parameterize () (define x 1) x)
⇒ 1
""")
    def test_binding(self, program: str, expected: str) -> None:
        assert shown(program) == expected

    def test_a_failing_converter_binds_nothing(self) -> None:
        program = """
            (define p (make-parameter 1))
            (define q (make-parameter 1 (lambda (x) (if (number? x) x (error "no number:" x)))))
            (guard (e (#t (list (error-object-message e) (p) (q))))
              (parameterize ((p 2) (q 'x)) 'never))"""
        assert shown(program) == '("no number:" 1 1)'

    def test_threads_start_with_the_values_outside(self) -> None:
        session = Session()
        seen = []

        def elsewhere(thunk) -> None:
            thread = threading.Thread(target=lambda: seen.append(thunk()))
            thread.start()
            thread.join()

        session.define("elsewhere", elsewhere)
        session.evaluate("(define p (make-parameter 1)) (parameterize ((p 2)) (elsewhere p))")
        assert seen == [1]

    def test_from_python(self) -> None:
        width = new_parameter(80, name="width")
        session = Session()
        session.define("width", width)
        assert session.evaluate("(parameterize ((width 40)) (width))") == 40
        with bound(width, 20):
            assert session.evaluate("(width)") == 20
        assert shown("1") == "1"
        assert width() == 80


class TestPromises:
    @table("""
(force (delay (+ 1 2)))
⇒ 3

(let ((p (delay (+ 1 2)))) (list (force p) (force p)))
⇒ (3 3)

(define integers (letrec ((next (lambda (n) (delay (cons n (next (+ n 1))))))) (next 0)))
(define (head stream) (car (force stream))) (define (tail stream) (cdr (force stream)))
(head (tail (tail integers)))
⇒ 2

(define count 0)
(define p (delay (begin (set! count (+ count 1)) (if (> count x) count (force p)))))
(define x 5)
(list (promise? p) (force p) (begin (set! x 10) (force p)))
⇒ (#t 6 6)

(define (loop n) (if (= n 0) (delay 'done) (delay-force (loop (- n 1))))) (force (loop 100000))
⇒ done

(define (stream-filter p? s)
  (delay-force
    (if (null? (force s)) (delay '())
        (let ((h (car (force s))) (t (cdr (force s))))
          (if (p? h) (delay (cons h (stream-filter p? t))) (stream-filter p? t))))))
(define (from n) (delay (cons n (from (+ n 1)))))
(car (force (stream-filter (lambda (x) (> x 30000)) (from 0))))
⇒ 30001

(let ((p (make-promise 5))) (list (force p) (promise? p) (eq? p (make-promise p))))
⇒ (5 #t #t)

(list (force 5) (promise? 5))
⇒ (5 #f)

(define r (delay (begin (display "hi") 1))) (define s (delay-force r)) (define t (delay-force s))
(list (force t) (force r))
⇒ (1 1)

(define q
  (let ((count 5))
    (define (get-count) count)
    (define p (delay (if (<= count 0) count
                         (begin (set! count (- count 1)) (force p) (set! count
  (+ count 2)) count))))
    (list get-count p)))
(list ((car q)) (force (cadr q)) ((car q)))
⇒ (5 0 10)

(define tries 0)
(define p (delay (begin (set! tries (+ tries 1)) (if (= tries 1) (raise 'first) tries))))
(list (guard (e (#t e)) (force p)) (force p) (force p))
⇒ (first 2 2)

(delay 1)
⇒ #<promise>

(define (from n) (cons-stream n (from (+ n 1))))
(let ((s (from 1))) (list (stream-head s 3) (stream-car (stream-cdr s)) (stream-ref s 10)
  (stream-pair? s)))
⇒ ((1 2 3) 2 11 #t)

(define s (cons-stream 1 (cons-stream 2 '())))
(list (stream->list s) (stream->list s 1) (stream-null? (stream-tail s 2)) (stream-pair? '(1)))
⇒ ((1 2) (1) #t #f)
""")
    def test_forcing(self, program: str, expected: str, capsys) -> None:
        assert shown(program) == expected

    def test_a_chain_shows_once(self, capsys) -> None:
        shown(
            '(define r (delay (begin (display "hi") 1))) (define s (delay-force r))'
            " (define t (delay-force s)) (list (force t) (force r) (force s))"
        )
        assert capsys.readouterr().out == "hi"


class TestStaged:
    @table("""
((jit (lambda (x) (guard (e ((symbol? e) (* 2 x))) (raise 'a)))) 3.0)
⇒ 6.0

((jit (lambda (x) (guard (e (#t (* 2 x))) (car x)))) 3.0)
⇒ 6.0

((jit (lambda (x) (guard (e (#t 0.0)) (if (> x 0) (raise 'a) x)))) 3.0)
⇒ 0.0

((jit (lambda (x) (guard (e (#t (error-object-message e))) (error "a") x))) 3.0)
⇒ "a"

((jit (lambda (n) (guard (e (#t -1)) (if (> n 2) (raise 'big) n)))) 3)
⇒ -1

(guard (e ((symbol? e) (list 'caught e))) ((jit (lambda (x) (if (> x 0) (raise 'a) x))) 3.0))
⇒ (caught a)

(guard (e (#t (error-object-irritants e))) ((jit (lambda (x) (if (> x 0) (error "bad" x) x))) 3.0))
⇒ (3.0)

(guard (e ((symbol? e) (list 'caught e))) ((vmap (lambda (x) (if (> x 0) (raise 'a) x)))
  (tensor 1.0)))
⇒ (caught a)

((jit (lambda (x)
   (with-exception-handler (lambda (e) (* 10 x)) (lambda () (+ 1 (raise-continuable 'c))))))
 3.0)
⇒ 31.0

((jit (lambda (x) (call/ec (lambda (k) (+ 1 (k x)))))) 3.0)
⇒ 3.0

(call/cc (lambda (k) ((jit (lambda (x) (k 'left))) 3.0)))
⇒ left

((jit (lambda (x) (dynamic-wind (lambda () 1) (lambda () (* 2 x)) (lambda () 3)))) 3.0)
⇒ 6.0

(define p (make-parameter 2.0)) (define f (jit (lambda (x) (* x (p)))))
(list (f 3.0) (parameterize ((p 5.0)) (f 3.0)) (f 3.0))
⇒ (6.0 15.0 6.0)

(define p (make-parameter 2.0)) (define f (jit (lambda (x) (parameterize ((p (* 2 x))) (* x (p))))))
(list (f 3.0) (f 4.0))
⇒ (18.0 32.0)

((jit (lambda (x) (let ((p (delay (* 2 x)))) (+ (if (> x 0) (force p) 1.0) (force p))))) 3.0)
⇒ 12.0

((jit (lambda (x) (force (delay-force (delay (* 2 x)))))) 3.0)
⇒ 6.0

(gradient (lambda (x) (guard (e (#t (* x x))) (raise 'a))) 3.0)
⇒ 6.0

(derivative (lambda (x) (call/cc (lambda (k) (if (> x 0) (k (* x x x)) 0)))) 2.0)
⇒ 12.0

((jit (lambda (x) (call/cc (lambda (k) (if (> x 0) (k (* x x x)) x))))) 2.0)
⇒ 8.0
""")
    def test_what_is_not_traced_is_followed(self, program: str, expected: str) -> None:
        assert shown(program) == expected

    @pytest.mark.parametrize(
        ("program", "message"),
        [
            ("(guard (e ((string? e) 0.0)) (if (> x 0) (raise 'a) x))", "uncaught: 'a"),
            ("(guard (e (#t (zeros 2))) (if (> x 0) (raise 'a) x))", "a clause gives f32"),
            (
                "(guard (e (#t 0.0)) (derivative (lambda (y) (if (> y 0) (raise 'a) y)) x))",
                "a guard outside of what is differentiated",
            ),
            (
                "(call/ec (lambda (k) (derivative (lambda (y) (if (> y 0) (k y) y)) x)))",
                "whether this continuation",
            ),
        ],
    )
    def test_what_is_traced_is_refused_at_its_form(self, program: str, message: str) -> None:
        with pytest.raises(EshkolError, match=message) as caught:
            Session().evaluate(f"((jit (lambda (x)\n{program})) 3.0)")
        assert caught.value.span.line == 2
        assert shown("((jit (lambda (x) (* x x))) 3.0)") == "9.0"

    def test_handlers_outside_are_not_called_while_tracing(self) -> None:
        program = """
            (define f (jit (lambda (x) (+ x (if (> x 0) (raise-continuable 'c) 0.0)))))
            (define (attempt value) (guard (e (#t value)) (f 1.0)))
            (list (attempt 1) (attempt 2) (f -1.0))"""
        assert shown(program) == "(1 2 -1.0)"
