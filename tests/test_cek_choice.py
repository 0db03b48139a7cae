"""Which programs run on the plain evaluator: those whose continuations may outlive their extent."""

from __future__ import annotations

import pytest

from eshkol.reader import read_all
from eshkol.session import Session

ESCAPING = r"""
(+ 1 2)

(call/cc (lambda (k) (k 1)))

(call/cc (lambda (k) (+ 1 (k 1))))

(call-with-current-continuation (lambda (k) (for-each (lambda (x) (if (< x 0) (k x))) '(1 -2))
  #f))

(define (f) (call/cc (lambda (return) (let loop ((i 0)) (if (> i 3) (return i) (loop (+ i
  1))))))) (f)

(define (f) (call/cc (lambda (return) (let loop ((i 0)) (if (> i 3) (return i)) (+ 1 (loop (+ i
  1))))))) (f)

(define (walk tree k) (cond ((null? tree) #f) ((pair? tree) (walk (car tree) k) (walk (cdr tree)
  k)) (else (k tree)))) (call/cc (lambda (k) (walk '(() (1)) k)))

(define (r k) (k 1)) (call/cc r)

(let ((r (lambda (k) (k 1)))) (call/cc r))

(call/cc (lambda (k) (with-exception-handler (lambda (e) (k e)) (lambda () (raise 'x)))))

(call/cc (lambda (k) (with-exception-handler k (lambda () (raise 'x)))))

(call/cc (lambda (k) (dynamic-wind void (lambda () (k 1)) void)))

(call/cc (lambda (k) (guard (e (#t (k e))) (raise 'x))))

(call/cc (lambda (k) (guard (e ((symbol? e) => (lambda (s) (k s)))) (k 1))))

(let/cc k (k 1))

(call/cc (lambda (k) (define (stop x) (k x)) (stop 1)))

(call/cc (lambda (k) (define (stop x) (k x)) (define (go) (stop 2)) (for-each (lambda (x) (go))
  '(1))))

(call/cc (lambda (k) (let ((j k)) (j 1))))

(call/cc (lambda (k) (if k (k 1) 2)))

(call/cc (lambda (k) (procedure? k)))

(call/cc (lambda (k) (apply k '(1))))

(call/cc (lambda (k) (call-with-values (lambda () (values 1 2)) k)))

(call/cc (lambda (k) (parameterize () (k 1))))

(define p (make-parameter 1)) (call/cc (lambda (k) (parameterize ((p 2)) (k 1))))

(define (call/cc f) (f 1)) (call/cc (lambda (k) k))

(call/ec (lambda (k) k))

(call/cc (lambda (k) ((lambda (j) (j 1)) k)))

(call/cc (lambda (k) (call/cc (lambda (j) (k 1) (j 2)))))

(call/cc (lambda (k) (do ((i 0 (+ i 1))) ((= i 5) #f) (if (= i 3) (k i)))))

(call/cc (lambda (k) (sort '(1 2) (lambda (a b) (k a)))))

(define (even k n) (if (= n 0) (k #t) (odd k (- n 1)))) (define (odd k n) (if (= n 0) (k #f)
  (even k (- n 1)))) (call/cc (lambda (k) (even k 5)))

(call/cc (lambda (k) (case 1 ((1) (k 1)) (else (when #t (k 2))))))

(call/cc (lambda (k) (let-values (((a b) (values 1 2))) (k a))))

(call/cc (lambda (k) (match '(1 2) ((list a b) (k a)))))
"""
"""Programs that run as compiled code: their continuations are only called meanwhile."""

KEEPING = r"""
(call/cc (lambda (k) k))

(define k2 #f) (+ 1 (call/cc (lambda (k) (set! k2 k) 1)))

(call/cc (lambda (k) (let ((k2 #f)) (set! k2 k) 1)))

(call/cc (lambda (k) (cons k 1)))

(call/cc (lambda (k) (k k)))

(call/cc (lambda (k) (lambda () (k 1))))

(call/cc (lambda (k) (k (lambda () (k 1)))))

(define saved '()) (define (keep k) (set! saved (cons k saved))) (call/cc (lambda (k) (keep k)))

(call/cc (lambda (k) (unknown k)))

(define (f g) (call/cc (lambda (k) (g k))))

(define (f g) (call/cc g))

(map call/cc (list (lambda (k) 1)))

(let/cc k k)

(call/cc (lambda (k) (define (stop x) (k x)) stop))

(call/cc (lambda (k) (define (stop x) (k x)) (define (go) (stop 2)) (list go)))

(call/cc (lambda (k) (let ((j k)) j)))

(define p (make-parameter 1)) (call/cc (lambda (k) (parameterize ((p k)) 1)))

(call/cc (lambda (k) (delay (k 1))))

(call/cc (lambda (k) (vector-set! v 0 k)))

(call/cc (lambda ks (car ks)))

(call/cc (lambda (k) ((lambda (j) j) k)))

(call/cc (lambda (k) (call/cc (lambda (j) (k j)))))

(define (gen) (call/cc (lambda (return) (for-each (lambda (x) (call/cc (lambda (next) (set! gen
  (lambda () (next #f))) (return x)))) '(1 2 3)) (return 'done))))

(call/cc (lambda (k) (raise k)))

(call/cc (lambda (k) (jit (lambda (x) (k x)))))

(define (f x (k #f)) (k x)) (call/cc (lambda (k) (f 1 #:k k)))
"""
"""Programs that run on the plain evaluator."""

TABLE = [("python", ESCAPING), ("cek", KEEPING)]


def engine_of(program: str, session: Session) -> str:
    nodes, _ = session.expand_forms(read_all(program, "<program>"), "<program>")
    return "cek" if session.needs_machine(nodes) else "python"


@pytest.mark.parametrize(
    ("program", "engine"),
    [
        pytest.param(program, engine, id=" ".join(program.split())[:70])
        for engine, programs in TABLE
        for program in programs.strip().split("\n\n")
    ],
)
def test_each_program_runs_on_the_engine_that_it_needs(program, engine, monkeypatch):
    monkeypatch.delenv("ESHKOL_ENGINE", raising=False)
    assert engine_of(program, Session()) == engine


@pytest.mark.parametrize("engine", ["python", "cek"])
def test_the_engine_can_be_said(engine, monkeypatch):
    for program in ("(+ 1 2)", "(call/cc (lambda (k) k))"):
        assert engine_of(program, Session(engine=engine)) == engine
        monkeypatch.setenv("ESHKOL_ENGINE", engine)
        assert engine_of(program, Session()) == engine
        monkeypatch.delenv("ESHKOL_ENGINE")


def test_call_cc_that_the_program_defined_before_is_its_own():
    session = Session()
    session.evaluate("(define (call/cc f) (f 1))")
    assert engine_of("(call/cc (lambda (k) k))", session) == "python"


def test_a_file_that_needs_the_evaluator_runs_on_it_every_time(tmp_path):
    file = tmp_path / "again.esk"
    file.write_text("""
      (define k #f)
      (define n 0)
      (define r (call/cc (lambda (c) (set! k c) 0)))
      (set! n (+ n 1))
      (if (< n 3) (k n))
      (list n r)""")
    for _ in range(2):
        session = Session()
        assert repr(session.load(file)) == "(3 2)"
    assert not list(tmp_path.glob("__pycache__/*"))


GENERATORS = """
  (define (make-generator body)
    (define return #f)
    (define (yield value)
      (call/cc (lambda (rest) (set! resume (lambda () (rest #f))) (return value))))
    (define (resume) (body yield) (set! resume (lambda () (return 'done))) (resume))
    (lambda () (call/cc (lambda (k) (set! return k) (resume)))))"""

USES = """
  (define next (make-generator (lambda (yield) (for-each yield '(1 2 3)))))
  (define (collect) (let ((x (next))) (if (eq? x 'done) '() (cons x (collect)))))
  (collect)"""


@pytest.mark.parametrize(
    "before",
    [GENERATORS, f"(define-library (gen) (export make-generator) (begin {GENERATORS}))"],
    ids=["in a session", "in a library"],
)
def test_what_uses_procedures_of_the_evaluator_runs_on_it(before):
    session = Session()
    session.evaluate(before)
    program = USES if before is GENERATORS else f"(import (gen)) {USES}"
    assert repr(session.evaluate(program)) == "(1 2 3)"
    assert engine_of("(collect)", session) == "cek"
    assert engine_of("(map car '((1)))", session) == "python"


def test_files_that_use_such_a_library(tmp_path):
    (tmp_path / "gen.esk").write_text(f"(provide make-generator) {GENERATORS}")
    file = tmp_path / "use.esk"
    file.write_text(f"(import (gen)) {USES}")
    for _ in range(2):
        assert repr(Session().load(file)) == "(1 2 3)"
