"""Record types (R7RS 5.5), also in compiled programs."""

from __future__ import annotations

import jax
import pytest

from eshkol.base.errors import ArityError, ExpandError, WrongType
from eshkol.datum.records import Record, slot_names
from eshkol.session import Session
from programs import shown, table

POINT = "(define-record-type point (make-point x y) point? (x point-x set-point-x!) (y point-y))"
PARE = "(define-record-type <pare> (kons x y) pare? (x kar set-kar!) (y kdr))"


class TestDefinitions:
    @table(f"""
{PARE} (list (pare? (kons 1 2)) (pare? (cons 1 2)) (kar (kons 1 2)) (kdr (kons 1 2)))
⇒ (#t #f 1 2)

{PARE} (let ((k (kons 1 2))) (set-kar! k 3) (kar k))
⇒ 3

{POINT} (make-point 1 2)
⇒ #(point 1 2)

{PARE} (kons 1 "two")
⇒ #(pare 1 "two")

{POINT} (list make-point point? point-x set-point-x!)
⇒ (#<procedure make-point> #<procedure point?> #<procedure point-x> #<procedure set-point-x!>)

{POINT} {PARE} (let ((p (make-point 1 2))) (list (point? p) (pare? p) (record? p) (record? 5)))
⇒ (#t #f #t #f)

{POINT} (list (vector? (make-point 1 2)) (pair? (make-point 1 2)) (procedure? (make-point 1 2)))
⇒ (#f #f #f)

{POINT} (let ((p (make-point 1 2))) (list (eqv? p p) (equal? p (make-point 1 2))))
⇒ (#t #f)

(define-record-type node (make-node value) node? (value node-value) (next node-next set-node-next!))
(let ((n (make-node 5))) (set-node-next! n n) (eq? n (node-next (node-next n))))
⇒ #t

(define-record-type node (make-node value) node? (value node-value) (next node-next set-node-next!))
(let ((n (make-node 5))) (set-node-next! n n) n)
⇒ #0=#(node 5 #0#)

(define-record-type swapped (make-swapped y x) swapped? (x x-of) (y y-of))
(let ((s (make-swapped 1 2))) (list (x-of s) (y-of s)))
⇒ (2 1)

(define-record-type empty (make-empty) empty?) (list (make-empty) (empty? (make-empty)))
⇒ (#(empty) #t)

(define-record-type all make-all all? (a a-of) (b b-of)) (make-all 1 2)
⇒ #(all 1 2)

(define-record-type <all> #t all? a (b)) (make-all 1 2)
⇒ #(all 1 2)

(define-record-type flag #f flag? (on flag-on)) (flag? 1)
⇒ #f

(define-record-type quiet (make-quiet a) #f (a quiet-a)) (quiet-a (make-quiet 1))
⇒ 1

(define-record-type odd (make-odd class first-name record kind !?) odd?
  (class odd-class) (first-name odd-first) (record odd-record) (kind odd-kind) (!? odd-mark))
(let ((o (make-odd 1 2 3 4 5))) (list (odd-class o) (odd-first o) (odd-record o) (odd-kind o)
  (odd-mark o)))
⇒ (1 2 3 4 5)

(define (f) (define-record-type local (make-local a) local? (a local-a set-local-a!)) (define l
  (make-local 1))
  (set-local-a! l 5) (local-a l)) (f)
⇒ 5

(define-syntax define-pair-type (syntax-rules () ((_ name make a-of)
  (define-record-type name (make a b) name? (a a-of) (b b-of)))))
(define-pair-type two make-two two-a) (two-a (make-two 1 2))
⇒ 1

{POINT} (map point-x (list (make-point 1 2) (make-point 3 4)))
⇒ (1 3)

{POINT} (define point? 5) (point-x (make-point point? 2))
⇒ 5
""")
    def test_records(self, program: str, expected: str) -> None:
        assert shown(program) == expected

    @pytest.mark.parametrize(
        ("call", "kind", "message", "hint"),
        [
            ("(point-x 5)", WrongType, "point-x: expected a point, got 5", "the field x"),
            ("(point-y 'p)", WrongType, "point-y: expected a point, got p", "the field y"),
            (
                "(point-x (kons 1 2))",
                WrongType,
                r"expected a point, got #\(pare 1 2\)",
                "type point",
            ),
            (
                "(set-point-x! '() 5)",
                WrongType,
                r"set-point-x!: expected a point, got \(\)",
                "field x",
            ),
            (
                "(make-point 1)",
                ArityError,
                "make-point takes 2 arguments, got 1",
                "(make-point x y)",
            ),
            ("(point-x)", ArityError, "point-x takes 1 argument, got 0", "(point-x record)"),
        ],
    )
    def test_misuse_names_field_and_type(self, call, kind, message, hint) -> None:
        with pytest.raises(kind, match=message) as caught:
            Session().evaluate(f"{POINT} {PARE}\n{call}")
        assert caught.value.span.line == 2
        assert hint in caught.value.hint

    def test_an_equal_definition_is_the_same_type(self) -> None:
        session = Session()
        session.evaluate(f"{POINT} (define p (make-point 1 2)) (define old point-x)")
        session.evaluate(POINT)
        kept = session.evaluate("(list (point? p) (point-x p) (eq? old point-x))")
        assert repr(kept) == "(#t 1 #t)"

    def test_types_of_bodies_are_their_own(self) -> None:
        program = f"""
            (define (types) {POINT} (cons make-point point?))
            (define a (types)) (define b (types))
            (list ((cdr a) ((car a) 1 2)) ((cdr b) ((car a) 1 2)))"""
        assert shown(program) == "(#t #f)"

    def test_types_that_a_macro_names_are_their_own(self) -> None:
        program = """
            (define-syntax define-wrapper (syntax-rules ()
              ((_ wrap wrapped?) (define-record-type wrapper (wrap a) wrapped? (a unwrap)))))
            (define-wrapper wrap1 wrapped1?) (define-wrapper wrap2 wrapped2?)
            (list (wrapped1? (wrap1 1)) (wrapped1? (wrap2 1)) (wrapped2? (wrap2 1)))"""
        assert shown(program) == "(#t #f #t)"

    def test_a_record_of_the_type_before(self) -> None:
        session = Session()
        session.evaluate(f"{POINT} (define p (make-point 1 2))")
        session.evaluate(POINT.replace("(x point-x", "(z point-z) (x point-x"))
        with pytest.raises(WrongType, match="expected a point") as caught:
            session.evaluate("(point-x p)")
        assert "defined again" in caught.value.hint

    @pytest.mark.parametrize(
        ("form", "message"),
        [
            ("(define-record-type 5 (make) p?)", "expected a name for the type, got 5"),
            ("(define-record-type p 5 p?)", r"expected \(constructor field …\), got 5"),
            ("(define-record-type p (make z) p? (x p-x))", "z is not a field of p"),
            ("(define-record-type p (make) 5)", "expected a name for the predicate, got 5"),
            ("(define-record-type p (make) p? (x 1))", "expected .field accessor modifier., got"),
            ("(define-record-type p (make) p? (x a b c))", "expected .field accessor modifier."),
            ("(define-record-type p (make) p? (x a) (x b))", "the name x is bound twice"),
            ("(define-record-type p (make))", "predicate is missing"),
        ],
    )
    def test_malformed_definitions(self, form: str, message: str) -> None:
        with pytest.raises(ExpandError, match=message):
            Session().evaluate(form)

    def test_slots(self) -> None:
        assert slot_names(("x", "first-name", "def", "x", "__class__")) == (
            "x",
            "first_name",
            "field_2",
            "field_3",
            "field_4",
        )


class TestPython:
    def test_fields_are_attributes(self) -> None:
        session = Session()
        session.evaluate(
            "(define-record-type person (make-person first-name age) person?)".replace(
                "person?)", "person? (first-name name-of) (age age-of set-age!))"
            )
        )
        person = session.evaluate('(make-person "Ada" 36)')
        assert (person.first_name, person.age) == ("Ada", 36)
        person.age = 37
        session.define("ada", person)
        assert session.evaluate("(age-of ada)") == 37
        assert isinstance(person, Record)
        assert repr(person) == '#(person "Ada" 37)'
        match person:
            case Record(first_name=name):
                assert name == "Ada"

    def test_they_are_pytrees(self) -> None:
        session = Session()
        session.evaluate(f"{POINT} (zeros 1)")
        point = session.evaluate("(make-point 1.5 (list 2.5 3.5))")
        doubled = jax.tree.map(lambda x: 2 * x, point)
        assert repr(doubled) == "#(point 3.0 (5.0 7.0))"
        session.evaluate("(define-record-type later (make-later a) later? (a later-a))")
        assert jax.tree.leaves(session.evaluate("(make-later 7.0)")) == [7.0]


class TestStaged:
    @table(f"""
{POINT} ((jit (lambda (p) (+ (point-x p) (point-y p)))) (make-point 1.0 2.0))
⇒ 3.0

{POINT} ((jit (lambda (x) (make-point x (* 2 x)))) 1.5)
⇒ #(point 1.5 3.0)

{POINT} ((jit (lambda (x) (let ((p (make-point x 0.0))) (if (> x 1) (set-point-x! p 10.0))
  (point-x p)))) 1.5)
⇒ 10.0

{POINT} ((jit (lambda (x) (let ((p (make-point x 0.0))) (if (> x 1) (set-point-x! p 10.0))
  (point-x p)))) 0.5)
⇒ 0.5

{POINT} ((jit (lambda (x) (let ((p (if (> x 0) (make-point x 0.0) (make-point 1.0 x)))) (+
  (point-x p) (point-y p))))) -1.5)
⇒ -0.5

{POINT} ((jit (lambda (x) (let loop ((i 0) (p (make-point x x)))
  (if (= i 20) p (loop (+ i 1) (make-point (+ 1 (point-x p)) (point-y p))))))) 1.5)
⇒ #(point 21.5 1.5)

{POINT} ((jit (lambda (x) (point? (if (> x 0) (make-point x x) (make-point 1.0 1.0))))) 1.0)
⇒ #t

{POINT} (gradient (lambda (p) (+ (* (point-x p) (point-x p)) (* 3 (point-y p))))
  (make-point 2.0 5.0))
⇒ #(point 4.0 3.0)

{POINT} (gradient (lambda (p) (tensor-sum (* (point-x p) (point-y p)))) (make-point
  (tensor 2.0 5.0) (tensor 1.0 3.0)))
⇒ #(point #(1.0 3.0) #(2.0 5.0))

{POINT} ((vmap (lambda (p) (* (point-x p) (point-y p)))) (make-point (tensor 2.0 5.0)
  (tensor 1.0 3.0)))
⇒ #(2.0 15.0)

{POINT} ((jit (lambda (x) (let-values (((a b) (if (> x 0) (values x 1.0) (values 2.0 x))))
  (+ a b)))) 3.0)
⇒ 4.0
""")
    def test_records_are_structures(self, program: str, expected: str) -> None:
        assert shown(program) == expected

    def test_a_captured_record_may_change(self) -> None:
        program = f"""{POINT} (define p (make-point 2.0 0.0)) (define f (jit (lambda (x) (* x
  (point-x p)))))
            (define before (f 3.0)) (set-point-x! p 5.0) (list before (f 3.0))"""
        assert shown(program) == "(6.0 15.0)"

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ("(set-point-x! p 1.0)", "was given to the compiled procedure"),
            ("(if (> (point-x p) 0) (zeros 2) (zeros 3))", r"f32\[2\] and f32\[3\]"),
        ],
    )
    def test_what_is_refused(self, body: str, message: str) -> None:
        with pytest.raises(TypeError, match=message):
            Session().evaluate(f"{POINT} ((jit (lambda (p) {body})) (make-point 1.0 2.0))")
