"""The expander: derived forms (R7RS 4.1 to 4.3), hygiene, ``syntax-rules``, and renaming."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eshkol.base.errors import ExpandError
from eshkol.core.identity import identity
from eshkol.core.nodes import Define, Node
from eshkol.core.printer import print_core
from eshkol.core.walk import bound_variables, everything
from programs import core, shown, table, value
from random_programs import procedures, spelled

RANDOM = settings(deadline=None, max_examples=60)


# ---- the forms of R7RS, with the values that it gives


@table("""
(define x 28) x ⇒ 28

(quote a) ⇒ a

(quote #(a b c)) ⇒ #(a b c)

(quote (+ 1 2)) ⇒ (+ 1 2)

'a ⇒ a

'#(a b c) ⇒ #(a b c)

'() ⇒ ()

'(+ 1 2) ⇒ (+ 1 2)

'(quote a) ⇒ 'a

''a ⇒ 'a

'145932 ⇒ 145932

'"abc" ⇒ "abc"

'#\\a ⇒ #\\a

'#t ⇒ #t

#(1 2 3) ⇒ #(1 2 3)

(+ 3 4) ⇒ 7

((if #f + *) 3 4) ⇒ 12

((lambda (x) (+ x x)) 4) ⇒ 8

(define reverse-subtract (lambda (x y) (- y x))) (reverse-subtract 7 10) ⇒ 3

(define add4 (let ((x 4)) (lambda (y) (+ x y)))) (add4 6) ⇒ 10

((lambda x x) 3 4 5 6) ⇒ (3 4 5 6)

((lambda (x y . z) z) 3 4 5 6) ⇒ (5 6)

(if (> 3 2) 'yes 'no) ⇒ yes

(if (> 2 3) 'yes 'no) ⇒ no

(if (> 3 2) (- 3 2) (+ 3 2)) ⇒ 1

(define x 2) (set! x 4) (+ x 1) ⇒ 5
""")
def test_primitive_expressions(program, expected):
    assert shown(program) == expected


@table("""
(cond ((> 3 2) 'greater) ((< 3 2) 'less)) ⇒ greater

(cond ((> 3 3) 'greater) ((< 3 3) 'less) (else 'equal)) ⇒ equal

(cond ((assv 'b '((a 1) (b 2))) => cadr) (else #f)) ⇒ 2

(cond (#f 1) (5)) ⇒ 5

(cond (#f) (6) (else 7)) ⇒ 6

(cond (#t 1 2 3)) ⇒ 3

(cond ((memv 9 '(1 2)) => car) (else 'none)) ⇒ none

(case (* 2 3) ((2 3 5 7) 'prime) ((1 4 6 8 9) 'composite)) ⇒ composite

(case (car '(c d)) ((a e i o u) 'vowel) ((w y) 'semivowel) (else => (lambda (x) x))) ⇒ c

(case (car '(e d)) ((a e i o u) 'vowel) ((w y) 'semivowel) (else => (lambda (x) x))) ⇒ vowel

(case 'x ((x) => (lambda (v) (list v v))) (else 0)) ⇒ (x x)

(case 2.0 ((2) 'exact) ((2.0) 'inexact)) ⇒ inexact

(case #\\b ((#\\a #\\b) 'letter) (else 'other)) ⇒ letter

(case '() ((()) 'empty) (else 'other)) ⇒ empty

(case 1 (() 'nothing) (else 'else)) ⇒ else

(define n 0) (case (begin (set! n (+ n 1)) n) ((0) 'a) ((1) (list 'once n))) ⇒ (once 1)

(and (= 2 2) (> 2 1)) ⇒ #t

(and (= 2 2) (< 2 1)) ⇒ #f

(and 1 2 'c '(f g)) ⇒ (f g)

(and) ⇒ #t

(and #f (car '())) ⇒ #f

(or (= 2 2) (> 2 1)) ⇒ #t

(or (= 2 2) (< 2 1)) ⇒ #t

(or #f #f #f) ⇒ #f

(or (memq 'b '(a b c)) (/ 3 0)) ⇒ (b c)

(or) ⇒ #f

(define n 0) (list (or (begin (set! n (+ n 1)) n) 5) n) ⇒ (1 1)

(list (if '() 1 2) (if 0 1 2) (if "" 1 2) (if #f 1 2)) ⇒ (1 1 1 2)

(when (> 2 1) 'a 'b) ⇒ b

(unless (> 1 2) 'a 'b) ⇒ b

(define n 0) (when #f (set! n 1)) (unless #t (set! n 1)) n ⇒ 0
""")
def test_conditionals(program, expected):
    assert shown(program) == expected


@pytest.mark.parametrize(
    "program", ["(if #f #f)", "(cond (#f 1))", "(case 1 ((2) 3))", "(when #f 1)", "(do () (#t))"]
)
def test_forms_without_a_value_are_unspecified(program):
    assert shown(program) == "#<unspecified>"


@table("""
(let ((x 2) (y 3)) (* x y)) ⇒ 6

(let ((x 2) (y 3)) (let ((x 7) (z (+ x y))) (* z x))) ⇒ 35

(let ((x 2) (y 3)) (let* ((x 7) (z (+ x y))) (* z x))) ⇒ 70

(let () 5) ⇒ 5

(let* () 5) ⇒ 5

(let* ((x 1) (x (+ x 1)) (x (* x 10))) x) ⇒ 20

(letrec ((even? (lambda (n) (if (zero? n) #t (odd? (- n 1)))))
         (odd? (lambda (n) (if (zero? n) #f (even? (- n 1))))))
  (even? 88)) ⇒ #t

(letrec* ((p (lambda (x) (+ 1 (q (- x 1)))))
          (q (lambda (y) (if (zero? y) 0 (+ 1 (p (- y 1))))))
          (x (p 5))
          (y x))
  y) ⇒ 5

(letrec () 1) ⇒ 1

(do ((vec (make-vector 5)) (i 0 (+ i 1))) ((= i 5) vec) (vector-set! vec i i)) ⇒ #(0 1 2 3 4)

(let ((x '(1 3 5 7 9))) (do ((x x (cdr x)) (sum 0 (+ sum (car x)))) ((null? x) sum))) ⇒ 25

(do ((i 0 (+ i 1)) (fixed 'f)) ((= i 3) 'a (list i fixed))) ⇒ (3 f)

(let loop ((numbers '(3 -2 1 6 -5)) (nonneg '()) (neg '()))
  (cond ((null? numbers) (list nonneg neg))
        ((>= (car numbers) 0) (loop (cdr numbers) (cons (car numbers) nonneg) neg))
        ((< (car numbers) 0) (loop (cdr numbers) nonneg (cons (car numbers) neg)))))
⇒ ((6 1 3) (-5 -2))

(let loop () 5) ⇒ 5

(let ((f 1)) (let f ((x f)) (if (< x 3) (f (+ x 1)) x))) ⇒ 3

(define x 0) (and (= x 0) (begin (set! x 5) (+ x 1))) ⇒ 6

(begin (define a 1) (define b (+ a 1))) (list a b) ⇒ (1 2)

(let ((x 1)) (begin) x) ⇒ 1
""")
def test_binding_and_iteration(program, expected):
    assert shown(program) == expected


@table("""
(define (f x) (+ x 1)) (f 1) ⇒ 2

(define (f . args) args) (list (f) (f 1 2)) ⇒ (() (1 2))

(define (f a . rest) (list a rest)) (list (f 1) (f 1 2 3)) ⇒ ((1 ()) (1 (2 3)))

(define ((adder n) x) (+ n x)) ((adder 2) 3) ⇒ 5

(define (f a (b 2) (c (+ a b))) (list a b c)) (list (f 1) (f 1 5) (f 1 5 9))
⇒ ((1 2 3) (1 5 6) (1 5 9))

(define (f a (b 2) (c (+ a b))) (list a b c)) (list (f 1 #:c 0) (f #:c 1 #:b 7 3))
⇒ ((1 2 0) (3 7 1))

(define (f a (b 2) . r) (list a b r)) (list (f 1) (f 1 5) (f 1 5 9 8))
⇒ ((1 2 ()) (1 5 ()) (1 5 (9 8)))

(define (f (x (list 1))) x) (eq? (f) (f)) ⇒ #f

(define n 0) (define (f (x (begin (set! n (+ n 1)) n))) x) (list (f) (f) (f 9) n) ⇒ (1 2 9 2)

(define (f x) "text") (f 1) ⇒ "text"

(let ((x 5))
  (define foo (lambda (y) (bar x y)))
  (define bar (lambda (a b) (+ (* a b) a)))
  (foo (+ x 3))) ⇒ 45

(define (f) (define a 1) (set! a (+ a 1)) (define b (* a 10)) (list a b)) (f) ⇒ (2 20)

(define (f n) (define (up k) (if (= k n) '() (cons k (down (+ k 1)))))
              (define (down k) (if (= k n) '() (cons (- k) (up (+ k 1)))))
              (up 1))
(f 5) ⇒ (1 -2 3 -4)

(let () (begin (define a 1) (define b 2)) (+ a b)) ⇒ 3

(let ((a 1)) (define a 2) a) ⇒ 2

(let ((x 'outer)) (define (get) x) (let ((x 'inner)) (get))) ⇒ outer

(define (f x) (define x 5) x) (f 1) ⇒ 5
""")
def test_definitions_and_bodies(program, expected):
    assert shown(program) == expected


@table("""
`(list ,(+ 1 2) 4) ⇒ (list 3 4)

(let ((name 'a)) `(list ,name ',name)) ⇒ (list a 'a)

`(a ,(+ 1 2) ,@(map abs '(4 -5 6)) b) ⇒ (a 3 4 5 6 b)

`((foo ,(- 10 3)) ,@(cdr '(c)) . ,(car '(cons))) ⇒ ((foo 7) . cons)

`#(10 5 ,(* 2 2) ,@(map abs '(-16 9)) 8) ⇒ #(10 5 4 16 9 8)

(let ((foo '(foo bar)) (@baz 'baz)) `(list ,@foo , @baz)) ⇒ (list foo bar baz)

`(a `(b ,(foo ,(+ 1 3) d) e) f) ⇒ (a `(b ,(foo 4 d) e) f)

(let ((name1 'x) (name2 'y)) `(a `(b ,,name1 ,',name2 d) e)) ⇒ (a `(b ,x ,'y d) e)

(let ((a 3)) `((1 2) ,a ,4 ,'five 6)) ⇒ ((1 2) 3 4 five 6)

(quasiquote (list (unquote (+ 1 2)) 4)) ⇒ (list 3 4)

'(quasiquote (list (unquote (+ 1 2)) 4)) ⇒ `(list ,(+ 1 2) 4)

`5 ⇒ 5

`,(+ 1 2) ⇒ 3

`(1 . ,(+ 1 1)) ⇒ (1 . 2)

`(1 unquote (+ 1 1)) ⇒ (1 . 2)

`(,@'() . x) ⇒ x

`(,@'(1 2) . ,(list 3)) ⇒ (1 2 3)

`((,@'(1 2)) ,@'()) ⇒ ((1 2))

`(1 `,@(2 ,@(list 3 4))) ⇒ (1 `,@(2 3 4))

`(1 ```,,@,,@(list (+ 1 2)) 4) ⇒ (1 ```,,@,3 4)

`(a `,,2) ⇒ (a `,2)

`(a `(b ,@(c ,@(list 1 2)))) ⇒ (a `(b ,@(c 1 2)))

`#(1 ,2) ⇒ #(1 2)

`#(a #(,(+ 1 1))) ⇒ #(a #(2))

`(a `#(,,(+ 1 1))) ⇒ (a `#(,2))

`(1 . #(2 ,(+ 1 2))) ⇒ (1 . #(2 3))

`#() ⇒ #()

(let ((unquote 1)) `(a ,b)) ⇒ (a ,b)
""")
def test_quasiquote(program, expected):
    assert shown(program) == expected


# ---- hygiene


@table("""
(define-syntax my-or
  (syntax-rules () ((_) #f) ((_ e) e) ((_ e r ...) (let ((t e)) (if t t (my-or r ...))))))
(let ((t 5)) (my-or #f t)) ⇒ 5

(define-syntax swap!
  (syntax-rules () ((_ a b) (let ((tmp a)) (set! a b) (set! b tmp)))))
(let ((tmp 1) (other 2)) (swap! tmp other) (list tmp other)) ⇒ (2 1)

(define-syntax bind-it (syntax-rules () ((_ e) (let ((it 1)) e))))
(define it 5) (bind-it it) ⇒ 5

(define-syntax bind-it (syntax-rules () ((_ v e) (let ((v 1)) e))))
(let ((z 5)) (bind-it z z)) ⇒ 1

(define-syntax while
  (syntax-rules () ((_ c b ...) (let lp () (when c b ... (lp))))))
(let ((lp 0)) (while (< lp 3) (set! lp (+ lp 1))) lp) ⇒ 3

(define-syntax m (syntax-rules () ((_ e) (do ((i 0 (+ i 1)) (a '() (cons e a))) ((= i 2) a)))))
(let ((i 'mine)) (m i)) ⇒ (mine mine)

(define-syntax m (syntax-rules () ((_ arg) (lambda (x arg) (list x arg)))))
((m x) 1 2) ⇒ (1 2)

(define-syntax m (syntax-rules () ((_ arg d) (lambda (arg (opt d)) (list arg opt)))))
(let ((opt 5)) ((m a opt) 1)) ⇒ (1 5)

(define-syntax m (syntax-rules () ((_ v) (let () (define x 1) (define v 2) (list x v)))))
(m x) ⇒ (1 2)

(define-syntax m (syntax-rules () ((_ u) (let ((t 1)) (let ((u 2)) (list t u))))))
(m t) ⇒ (1 2)

(define-syntax m (syntax-rules () ((_ u) (let* ((t 1) (u 2)) (list t u)))))
(m t) ⇒ (1 2)

(define-syntax m (syntax-rules () ((_ n) (let lp ((n 0)) (if (< n 3) (lp (+ n 1)) n)))))
(m lp) ⇒ 3

(define-syntax m (syntax-rules () ((_ x) (let ((y 1))
  (define-syntax k (syntax-rules () ((_) (list x y)))) (k)))))
(let ((y 2)) (m y)) ⇒ (2 1)
""")
def test_what_a_template_binds_does_not_capture_what_the_use_mentions(program, expected):
    assert shown(program) == expected


@table("""
(define x 1) (define-syntax get (syntax-rules () ((_) x))) (let ((x 2)) (get)) ⇒ 1

(define x 1) (define-syntax get (syntax-rules () ((_) x))) (set! x 9) (let ((x 2)) (get)) ⇒ 9

(define-syntax get (syntax-rules () ((_) later))) (define later 3) (let ((later 4)) (get)) ⇒ 3

(define (f x) (define-syntax get (syntax-rules () ((_) x))) (let ((x 2)) (get))) (f 1) ⇒ 1

(define t 1) (define-syntax m (syntax-rules () ((_ u) (let ((u 2)) t)))) (m t) ⇒ 1

(let ((t 1)) (define-syntax m (syntax-rules () ((_ u) (let ((u 2)) t)))) (m t)) ⇒ 1

(let ((t 1)) (define-syntax m (syntax-rules () ((_ u) (let ((u 2)) t)))) (let () (m t))) ⇒ 1

(define x 1) (define-syntax m (syntax-rules () ((_ body) (let () body x))))
(m (define x 2)) ⇒ 1

(define-syntax inc!
  (syntax-rules () ((_ x) (inc! x 1)) ((_ x n) (set! x (+ x n)))))
(let ((+ -) (x 1)) (inc! x 5) x) ⇒ 6

(define hidden 1) (define-syntax set-hidden (syntax-rules () ((_ v) (set! hidden v))))
(let ((hidden 2)) (set-hidden 9)) hidden ⇒ 9

(define-syntax my-if (syntax-rules () ((_ c t e) (cond (c t) (else e)))))
(let ((else #f)) (my-if #f 1 2)) ⇒ 2

(define-syntax my-or
  (syntax-rules () ((_) #f) ((_ e r ...) (let ((t e)) (if t t (my-or r ...))))))
(let ((if list) (let 5)) (my-or #f let)) ⇒ 5

(define-syntax m (syntax-rules () ((_ x) (cond (x => (lambda (v) (list v)))))))
(let ((=> #f)) (m 1)) ⇒ (1)

(define-syntax m (syntax-rules () ((_ a) (quote a)))) (let ((quote list)) (m x)) ⇒ x

(define-syntax a (syntax-rules () ((_) (b)))) (define-syntax b (syntax-rules () ((_) 'macro)))
(let ((b (lambda () 'variable))) (a)) ⇒ macro

(define-syntax a (syntax-rules () ((_) (b)))) (define (b) 'procedure) (a) ⇒ procedure
""")
def test_what_a_template_mentions_means_what_it_meant_there(program, expected):
    assert shown(program) == expected


@table("""
(let ((if list)) (if 1 2 3)) ⇒ (1 2 3)

(let ((else #f)) (cond (else 1) (#t 2))) ⇒ 2

(let ((=> #f)) (cond (#t => 'ok))) ⇒ ok

(let ((lambda list)) (lambda 1 2)) ⇒ (1 2)

(let ((define list)) (define 1 2)) ⇒ (1 2)

(define (f define) (define 1)) (f list) ⇒ (1)

(let ((begin list)) (begin 1 2)) ⇒ (1 2)

(let ((set! list) (x 1)) (set! x 2)) ⇒ (1 2)

(let ((quote -)) '5) ⇒ -5

(define if list) (if 1 2 3) ⇒ (1 2 3)

(define (f) (define if list) (if 1 2 3)) (f) ⇒ (1 2 3)

(define-syntax when (syntax-rules () ((_ c e ...) (if c (begin e ...) #f)))) (when #f 1) ⇒ #f

(define-syntax cond
  (syntax-rules (else) ((_ (else e)) e) ((_ (c e) r ...) (if c e (cond r ...)))))
(cond (#f 1) (else 2)) ⇒ 2

(define-syntax m (syntax-rules () ((_) 'macro))) (let ((m (lambda () 'local))) (m)) ⇒ local

(define-syntax m (syntax-rules () ((_) 'macro))) (define (m) 'procedure) (m) ⇒ procedure

(define (m) 'procedure) (define-syntax m (syntax-rules () ((_) 'macro))) (m) ⇒ macro
""")
def test_keywords_can_be_shadowed(program, expected):
    assert shown(program) == expected


@table("""
(define-syntax def (syntax-rules () ((_ n v) (define n v)))) (def a 5) a ⇒ 5

(define-syntax def (syntax-rules () ((_ v) (define hidden v))))
(define hidden 1) (def 5) hidden ⇒ 1

(define-syntax defget
  (syntax-rules () ((_ g v) (begin (define hidden v) (define (g) hidden)))))
(defget a 1) (defget b 2) (list (a) (b)) ⇒ (1 2)

(define-syntax defcount
  (syntax-rules () ((_ a) (begin (define n 1) (define (a) (set! n (+ n 1)) n)))))
(defcount f) (defcount g) (f) (f) (list (f) (g)) ⇒ (4 2)

(define-syntax m
  (syntax-rules () ((_ n) (begin (define (n) (helper)) (define (helper) 'helped)))))
(m go) (go) ⇒ helped

(define (f)
  (define-syntax defget
    (syntax-rules () ((_ g v) (begin (define hidden v) (define (g) hidden)))))
  (defget a 1) (defget b 2) (list (a) (b)))
(f) ⇒ (1 2)

(define (f) (define-syntax def (syntax-rules () ((_ n v) (define n v))))
  (def x 1) (def y (+ x 1)) (list x y))
(f) ⇒ (1 2)

(let ()
  (define-syntax m (syntax-rules () ((_ v) (begin (define x 1) (define v x)))))
  (define x 5) (m y) (list x y)) ⇒ (5 1)

(define-syntax my-define
  (syntax-rules () ((_ (n . args) . body) (define n (lambda args . body)))))
(my-define (f a . r) (list a r)) (f 1 2 3) ⇒ (1 (2 3))

(define-syntax m (syntax-rules () ((_ body ...) (let () body ...)))) (m (define x 2) x) ⇒ 2
""")
def test_macros_that_expand_to_definitions(program, expected):
    assert shown(program) == expected


@table("""
(define-syntax be-like-begin
  (syntax-rules () ((_ name) (define-syntax name
    (syntax-rules () ((_ expr (... ...)) (begin expr (... ...))))))))
(be-like-begin sequence) (sequence 1 2 3 4) ⇒ 4

(define-syntax make (syntax-rules () ((_ name val)
  (define-syntax name (syntax-rules () ((_) val))))))
(define x 1) (make get x) (let ((x 2)) (get)) ⇒ 1

(let ((x 1))
  (define-syntax make (syntax-rules () ((_ name)
    (define-syntax name (syntax-rules () ((_ e) (let ((x 10)) (+ x e))))))))
  (make add) (add x)) ⇒ 11

(define-syntax my-let*
  (syntax-rules ()
    ((_ () b ...) (let () b ...))
    ((_ ((n v) r ...) b ...) (let ((n v)) (my-let* (r ...) b ...)))))
(my-let* ((a 1) (b (+ a 1)) (a (* b 10))) (list a b)) ⇒ (20 2)

(define-syntax my-let
  (syntax-rules ()
    ((_ ((n v) ...) . b) ((lambda (n ...) . b) v ...))
    ((_ tag ((n v) ...) . b) ((letrec ((tag (lambda (n ...) . b))) tag) v ...))))
(list (my-let ((a 1)) a) (my-let loop ((i 0)) (if (< i 5) (loop (+ i 1)) i))) ⇒ (1 5)

(define-syntax ev? (syntax-rules () ((_) #t) ((_ x . r) (od? . r))))
(define-syntax od? (syntax-rules () ((_) #f) ((_ x . r) (ev? . r))))
(list (ev? 1 2) (ev? 1 2 3)) ⇒ (#t #f)

(define-syntax count (syntax-rules () ((_) 0) ((_ x r ...) (+ 1 (count r ...)))))
(count a b c d) ⇒ 4

(define-syntax for
  (syntax-rules (in) ((_ x in l b ...) (for-each (lambda (x) b ...) l))))
(define s 0) (for y in '(1 2 3) (set! s (+ s y))) s ⇒ 6
""")
def test_macros_that_use_and_define_macros(program, expected):
    assert shown(program) == expected


@table("""
(let-syntax ((given-that (syntax-rules ()
               ((_ test stmt1 stmt2 ...) (if test (begin stmt1 stmt2 ...))))))
  (let ((if #t)) (given-that if (set! if 'now)) if)) ⇒ now

(let ((x 'outer))
  (let-syntax ((m (syntax-rules () ((m) x))))
    (let ((x 'inner)) (m)))) ⇒ outer

(letrec-syntax
    ((my-or (syntax-rules ()
       ((my-or) #f)
       ((my-or e) e)
       ((my-or e1 e2 ...) (let ((temp e1)) (if temp temp (my-or e2 ...)))))))
  (let ((x #f) (y 7) (temp 8) (let odd?) (if even?))
    (my-or x (let temp) (if y) y))) ⇒ 7

(letrec-syntax ((ev? (syntax-rules () ((_) #t) ((_ x . r) (od? . r))))
                (od? (syntax-rules () ((_) #f) ((_ x . r) (ev? . r)))))
  (list (ev? 1 2) (ev? 1 2 3))) ⇒ (#t #f)

(define-syntax m (syntax-rules () ((_) 'outer)))
(let-syntax ((m (syntax-rules () ((_) (m)))))  'fine) ⇒ fine

(define-syntax m (syntax-rules () ((_) 'outer)))
(let-syntax ((n (syntax-rules () ((_) (m)))) (m (syntax-rules () ((_) 'inner)))) (list (n) (m)))
⇒ (outer inner)

(let-syntax () (define x 1) (+ x 1)) ⇒ 2
""")
def test_local_macros(program, expected):
    assert shown(program) == expected


# ---- patterns and templates of syntax-rules


@table("""
((_ (a b ...) ...) '(a ... (b ... ...))) | (m (1 2 3) (4) (5 6)) ⇒ (1 4 5 (2 3 6))

((_ (a ...) ...) '(a ... ...)) | (m (1 2) () (3)) ⇒ (1 2 3)

((_ (a b) ...) '((b a) ...)) | (m (1 2) (3 4)) ⇒ ((2 1) (4 3))

((_ x (a ...) ...) '((x a ...) ...)) | (m 0 (1 2) (3)) ⇒ ((0 1 2) (0 3))

((_ (((a ...) ...) ...)) '(((a ... end) ...) ...)) | (m (((1) (2 3)) ())) ⇒ (((1 end) (2 3 end)) ())

((_ a ...) '(a ...)) | (m) ⇒ ()

((_ a ... y z) '((a ...) y z)) | (m 1 2 3 4) ⇒ ((1 2) 3 4)

((_ a b ... c) '(a (b ...) c)) | (list (m 1 2) (m 1 2 3 4)) ⇒ ((1 () 2) (1 (2 3) 4))

((_ (a b ... c) ...) '((c b ... a) ...)) | (m (1 2) (3 4 5)) ⇒ ((2 1) (5 4 3))

((_ (a ... y . z)) '((a ...) y z)) | (m (1 2 3 . 4)) ⇒ ((1 2) 3 4)

((_ (a b ... . c) ...) '((a (b ...) c) ...)) | (m (1 2 . 3) (4)) ⇒ ((1 (2) 3) (4 () ()))

((_ a . b) '(a b)) | (list (m 1) (m 1 2 3)) ⇒ ((1 ()) (1 (2 3)))

((_ (a . b)) '(b . a)) | (list (m (1 . 2)) (m (1 2))) ⇒ ((2 . 1) ((2) . 1))

((_ . r) 'r) | (list (m) (m 1 2)) ⇒ (() (1 2))

((_ #(a b ...)) '(a (b ...))) | (m #(1 2 3)) ⇒ (1 (2 3))

((_ #(a b ... c)) '(a (b ...) c)) | (m #(1 2 3 4)) ⇒ (1 (2 3) 4)

((_ #(a ...) ...) '(#(a ... end) ...)) | (m #(1 2) #()) ⇒ (#(1 2 end) #(end))

((_ #(a)) 'vector) ((_ (a)) 'list) | (list (m #(1)) (m (1))) ⇒ (vector list)

((_ a ...) #(a ... end)) | (m 1 2) ⇒ #(1 2 end)

((_ _ x _) 'x) | (m 1 2 3) ⇒ 2

((_ _ ...) 'any) | (m 1 2 3) ⇒ any

((ignored _) '_) | (m 1) ⇒ _

((_ "s" x) 's) ((_ 1 x) 'one) ((_ #\\a x) 'a) ((_ #t x) 't) ((_ () x) 'nil) ((_ 2.5 x) 'real)
| (list (m "s" 0) (m 1 0) (m #\\a 0) (m #t 0) (m () 0) (m 2.5 0)) ⇒ (s one a t nil real)

((_ 1) 'exact) ((_ 1.0) 'inexact) | (list (m 1) (m 1.0)) ⇒ (exact inexact)

((_ a) '(a (... ...))) | (m 1) ⇒ (1 ...)

((_ a ...) '((... (a ...)) ...)) | (m 1 2) ⇒ ((1 ...) (2 ...))

((_ a) '(a . (a a))) | (m 1) ⇒ (1 1 1)

((_ x) `(x ,x (,@(list x x)))) | (let ((y 3)) (m y)) ⇒ (y 3 (3 3))

((_ f x) (f #:c x 1 2)) | (let ((f (lambda (a b (c 0)) (list a b c)))) (m f 9)) ⇒ (1 2 9)
""")
def test_patterns_and_templates(program, expected):
    rules, _, use = program.partition("| ")
    assert shown(f"(define-syntax m (syntax-rules () {rules})) {use}") == expected


@table("""
::: () ((_ a :::) '(a ::: ...)) | (m 1 2) ⇒ (1 2 ...)

ooo (x) ((_ x y ooo) '(x y ooo)) | (m x 1 2) ⇒ (x 1 2)

(a) ((_ a) 'literal) ((_ x) 'other) | (list (m a) (m b)) ⇒ (literal other)

(a) ((_ a) 'literal) ((_ x) 'other) | (let ((a 1)) (m a)) ⇒ other

(a) ((_ a) 'literal) ((_ x) 'other) | (define a 1) (m a) ⇒ literal

(=>) ((_ a => b) '(a b)) ((_ a b c) 'no) | (list (m 1 => 2) (let ((=> 1)) (m 1 => 2))) ⇒ ((1 2) no)

(else) ((_ else) 'literal) ((_ x) 'other)
| (list (m else) (let ((else 1)) (m else))) ⇒ (literal other)

(...) ((_ ...) 'dots) ((_ x) 'other) | (list (m ...) (m 1)) ⇒ (dots other)

(_) ((m _) 'under) ((m x) 'other) | (list (m _) (m 1)) ⇒ (under other)
""")
def test_ellipsis_and_literals(program, expected):
    rules, _, use = program.partition("| ")
    assert shown(f"(define-syntax m (syntax-rules {rules})) {use}") == expected


def test_a_literal_is_matched_by_what_it_meant_at_the_definition():
    program = """(let ((a 1))
      (define-syntax m (syntax-rules (a) ((_ a) 'literal) ((_ x) 'other)))
      (list (m a) (let ((a 2)) (m a))))"""
    assert shown(program) == "(literal other)"


def test_a_variable_named_like_the_ellipsis_is_a_variable():
    program = """(let ((... 2))
      (define-syntax s (syntax-rules () ((_ x ...) 'three) ((_ . r) 'other)))
      (list (s a b c) (s a b)))"""
    assert shown(program) == "(other three)"


# ---- errors


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("(define-syntax m (syntax-rules () ((_ a ... b ...) 1)))", "misplaced ellipsis"),
        ("(define-syntax m (syntax-rules () ((_ ... a) 1)))", "misplaced ellipsis"),
        ("(define-syntax m (syntax-rules () ((_ a a) 1)))", "occurs twice"),
        ("(define-syntax m (syntax-rules () ((_ a ...) 'a)))", "followed by an ellipsis"),
        ("(define-syntax m (syntax-rules () ((_ a) '(a ...))))", "no pattern variable"),
        ("(define-syntax m (syntax-rules () (x 1)))", "a pattern is a list"),
        ("(define-syntax m 5)", "expected a syntax transformer"),
        ("(define-syntax m (syntax-rules () ((_ 1) 1))) (m 2)", "fits none"),
        ("(define-syntax m (syntax-rules () ((_ (a ...) (b ...)) '((a b) ...)))) (m (1 2) (3))",
         "matched 1 and 2 forms"),
        ("(define-syntax m (syntax-rules () ((_) 1))) m", "is a macro"),
        ("(define-syntax m (syntax-rules () ((_) 1))) (set! m 2)", "is syntax"),
        ("(define-syntax m (syntax-rules () ((_) (m)))) (m)", "never stops"),
        ("(let ((x 1) (x 2)) x)", "bound twice"),
        ("(lambda (x x) x)", "bound twice"),
        ("(let () (define x 1) (define x 2) x)", "defined twice"),
        ("(let () (define x 1))", "no expression"),
        ("(+ 1 (define x 2))", "stands only at top level"),
        ("(else)", "else"),
        ("`,@(list 1)", "inside a list"),
        (",x", "inside a quasiquote"),
        ("if", "is syntax"),
        ("(1 . 2)", "dotted tail"),
        ("()", "not an expression"),
        ("(lambda ((a 1) b) a)", "needs a default"),
        ("(define | add| 5)", "start with a space"),
    ],
)  # fmt: skip
def test_misuse_is_told(program, message):
    with pytest.raises(ExpandError, match=message):
        value(program)


# ---- renaming


def test_identity_does_not_depend_on_names_and_places():
    one = "(define (f x) (let loop ((i 0) (acc x)) (if (= i 9) acc (loop (+ i 1) (* acc x)))))"
    other = """(define (f base)
      ;; the same, otherwise written
      (let again ((count 0) (product base))
        (if (= count 9)
            product
            (again (+ count 1) (* product base)))))"""
    assert identity(core(one)[0].value) == identity(core(other)[0].value)


def procedure(program: str) -> Node:
    """The Core of the procedure that ``program`` defines last."""
    node = core(program)[-1]
    assert isinstance(node, Define)
    return node.value


@RANDOM
@given(procedures(), st.data())
def test_renaming_bound_variables_changes_nothing(drawn, data):
    template, count = drawn
    names = [f"v{number}" for number in range(count)]
    renamed = list(data.draw(st.permutations(names)))
    renamed[0] = data.draw(st.sampled_from(["hidden", "x", "e", "body", "class", "a b", "…"]))
    renamed[0] = f"|{renamed[0]}|"
    one, other = spelled(template, names), spelled(template, renamed)
    assert identity(procedure(one)) == identity(procedure(other))
    assert value(f"{one} (f 3)") == value(f"{other} (f 3)")


def without_names(node: Node) -> str:
    """``node`` as text, its variables told apart by number alone."""
    for part in everything(node):
        for variable in bound_variables(part):
            variable.name = "v"
    return print_core(node)


@RANDOM
@given(procedures(depth=1), procedures(depth=1))
def test_procedures_have_one_identity_if_and_only_if_they_differ_in_names_alone(one, other):
    first, second = (
        procedure(spelled(template, [f"v{number}" for number in range(count)]))
        for template, count in (one, other)
    )
    have_one_identity = identity(first) == identity(second)
    assert have_one_identity == (without_names(first) == without_names(second))
