"""The libraries that come with the language: what they export, and what it means."""

from __future__ import annotations

import pytest

from eshkol.base.errors import ExpandError
from eshkol.expand.scopes import CoreForm, Macro
from eshkol.modules.report import EXPORTS
from eshkol.modules.standard import STANDARD_LIBRARIES, standard_library
from eshkol.session import Session
from programs import shown, table

BINDINGS = [(library, name) for library in EXPORTS for name in EXPORTS[library]]
SIZES = {
    "base": 237,
    "case-lambda": 1,
    "char": 22,
    "complex": 6,
    "cxr": 24,
    "eval": 2,
    "file": 10,
    "inexact": 12,
    "lazy": 5,
    "load": 1,
    "process-context": 5,
    "read": 1,
    "repl": 1,
    "time": 3,
    "write": 4,
    "r5rs": 219,
}


def test_the_report_is_whole():
    assert {library[1]: len(names) for library, names in EXPORTS.items()} == SIZES
    assert all(len(set(names)) == len(names) for names in EXPORTS.values())


@pytest.mark.parametrize("library", sorted(EXPORTS))
def test_every_name_of_the_report_is_bound(library):
    found = standard_library(library)
    assert sorted(found.exports) == sorted(EXPORTS[library])
    unbound = [
        name
        for name in found.exports
        if not isinstance(found.syntax(name), CoreForm | Macro)
        and not callable(found.namespace.builtins.get(name))
    ]
    assert unbound == []


@pytest.mark.parametrize("library", [name for name in STANDARD_LIBRARIES if name[0] == "srfi"])
def test_every_name_of_a_srfi_is_bound(library):
    found = standard_library(library)
    for name in found.exports:
        is_syntax = isinstance(found.syntax(name), CoreForm | Macro)
        assert is_syntax or callable(found.namespace.get(name))


@pytest.mark.parametrize("library", sorted(STANDARD_LIBRARIES))
def test_every_library_can_be_imported(library):
    session = Session()
    session.evaluate(f"(import (prefix ({' '.join(library)}) my-))")
    session.evaluate(f"(import ({' '.join(library)}))")
    assert session.evaluate("(+ 1 1)") == 2


@table(r"""
(import (scheme base) (scheme write)) (define x 1) (if x 'yes 'no) ⇒ yes

(import (prefix (scheme base) b:)) (b:define x (b:car '(1))) (b:if (b:= x 1) 'one 'other) ⇒ one

(import (only (scheme base) let + quote)) (let ((x 1)) (+ x 1)) ⇒ 2

(import (rename (scheme base) (lambda fun) (if when?))) ((fun (x) (when? x 1 2)) #f) ⇒ 2

(import (except (scheme base) car)) (cdr '(1 2)) ⇒ (2)

(import (scheme base)) (define (f _) _) (f 5) ⇒ 5

(import (scheme base))
(define-syntax my-or (syntax-rules () ((_) #f) ((_ e) e) ((_ e f ...) (let ((t e)) (if t t
  (my-or f ...))))))
(my-or #f 3 4)
⇒ 3

(import (scheme r5rs)) (exact->inexact 1/2) ⇒ 0.5

(import (srfi 1)) (fold cons '() '(1 2 3)) ⇒ (3 2 1)

(import (srfi 1)) (fold cons* '() '(a b c) '(1 2 3)) ⇒ (c 3 b 2 a 1)

(import (srfi 1)) (reduce - 0 '(10 2 3)) ⇒ 11

(import (srfi 1)) (fold-right cons '() '(1 2 3)) ⇒ (1 2 3)

(import (srfi 1)) (call-with-values (lambda () (partition symbol? '(one 2 3 four))) list)
⇒ ((one four) (2 3))

(import (only (srfi 1) fold)) (list (fold cons '() '(1)) (reduce - '(10 2 3))) ⇒ ((1) 5)

(import (prefix (srfi 1) l:)) (list (fold cons '() '(1 2)) (l:fold cons '() '(1 2)) (l:car '(1)))
⇒ (((() . 1) . 2) (2 1) 1)

(import (srfi 8)) (receive (a . rest) (values 1 2 3) (list a rest)) ⇒ (1 (2 3))

(import (srfi 9)) (define-record-type point (make-point x) point? (x point-x)) (point-x
  (make-point 1))
⇒ 1

(import (srfi 26)) (map (cut + 1 <>) '(1 2)) ⇒ (2 3)

(import (srfi 26)) ((cut list 1 <> 3 <> 5) 2 4) ⇒ (1 2 3 4 5)

(import (srfi 26)) ((cut list 1 <> 3 <...>) 2 4 5) ⇒ (1 2 3 4 5)

(import (srfi 26)) (map (cut <> 4) (list square -)) ⇒ (16 -4)

(import (srfi 26)) ((cut list)) ⇒ ()

(import (srfi 26)) ((cut list <...>) 1 2) ⇒ (1 2)

(import (srfi 26)) (let ((x 1)) (let ((f (cut list x <>)) (g (cute list x <>))) (set! x 2) (list
  (f 0) (g 0))))
⇒ ((2 0) (1 0))

(import (srfi 26)) (define n 0) (define f (cute + (begin (set! n (+ n 1)) n) <>)) (list (f 10)
  (f 20) n)
⇒ (11 21 1)

(import (srfi 26)) (let ((slot 5)) ((cut list slot <>) 6)) ⇒ (5 6)

(import (srfi 87)) (case 5 ((1) 'a) (else => (lambda (x) (* x 2)))) ⇒ 10

(import (srfi 28)) (format "~a ~s~%" "x" "y") ⇒ "x \"y\"\n"

(import (srfi 69)) (hash-table->alist (alist->hash-table '((a . 1) (b . 2)))) ⇒ ((a . 1) (b . 2))
""")
def test_imports(program, expected):
    assert shown(program) == expected


SRFI_1 = """
(xcons 1 2) ⇒ (2 . 1)

(take (circular-list 1 2) 5) ⇒ (1 2 1 2 1)

(map circular-list? (list (circular-list 1 2) '(1 2) '(1 . 2) 5)) ⇒ (#t #f #f #f)

(map dotted-list? (list (circular-list 1 2) '(1 2) '(1 . 2) 5)) ⇒ (#f #f #t #t)

(map proper-list? (list (circular-list 1 2) '(1 2) '(1 . 2) 5)) ⇒ (#f #t #f #f)

(map not-pair? '(() (1) 2)) ⇒ (#t #f #t)

(list (null-list? '()) (null-list? '(1))) ⇒ (#t #f)

(list (list= eq? '(a b) '(a b) '(a b)) (list= = '(1 2) '(1)) (list= eq?)) ⇒ (#t #f #t)

(map (lambda (f) (f '(1 2 3 4 5 6 7 8 9 10))) (list first fifth sixth tenth)) ⇒ (1 5 6 10)

(call-with-values (lambda () (car+cdr '(1 . 2))) list) ⇒ (1 2)

(list (take '(a b c d e) 2) (drop '(a b c d e) 2)) ⇒ ((a b) (c d e))

(list (take-right '(a b c d e) 2) (drop-right '(a b c d e) 2)) ⇒ ((d e) (a b c))

(list (take-right '(1 2 3 . d) 2) (take-right '(1 2 3 . d) 0)) ⇒ ((2 3 . d) d)

(drop-right '(1 2 3 . d) 2) ⇒ (1)

(call-with-values (lambda () (split-at '(a b c d) 3)) list) ⇒ ((a b c) (d))

(list (last '(a b c)) (last-pair '(a b c)) (length+ '(1 2)) (length+ (circular-list 1)))
⇒ (c (c) 2 #f)

(list (concatenate '((1) (2 3))) (append-reverse '(3 2 1) '(4 5))) ⇒ ((1 2 3) (1 2 3 4 5))

(call-with-values (lambda () (unzip2 '((1 one) (2 two) (3 three)))) list)
⇒ ((1 2 3) (one two three))

(unzip1 '((1) (2))) ⇒ (1 2)

(zip '(one two) '(1 2) '(odd even)) ⇒ ((one 1 odd) (two 2 even))

(count < '(1 2 4 8) '(2 4 6 8 10 12 14 16)) ⇒ 3

(fold (lambda (x count) (if (symbol? x) (+ count 1) count)) 0 '(a 1 b)) ⇒ 2

(reduce max 0 '(3 1 4)) ⇒ 4

(reduce + 0 '()) ⇒ 0

(reduce-right append '() '((1) (2) (3))) ⇒ (1 2 3)

(pair-fold cons '() '(a b c)) ⇒ ((c) (b c) (a b c))

(pair-fold-right cons '() '(a b c)) ⇒ ((a b c) (b c) (c))

(pair-fold (lambda (pair tail) (set-cdr! pair tail) pair) '() (list 1 2 3)) ⇒ (3 2 1)

(let ((v '())) (pair-for-each (lambda (p) (set! v (cons p v))) '(a b)) v) ⇒ ((b) (a b))

(unfold (lambda (x) (> x 5)) (lambda (x) (* x x)) (lambda (x) (+ x 1)) 1) ⇒ (1 4 9 16 25)

(unfold-right zero? (lambda (x) (* x x)) (lambda (x) (- x 1)) 5) ⇒ (1 4 9 16 25)

(unfold null? car cdr '(1 2) (lambda (x) '(3))) ⇒ (1 2 3)

(append-map (lambda (x) (list x (- x))) '(1 3 8)) ⇒ (1 -1 3 -3 8 -8)

(filter-map (lambda (x) (and (number? x) (* x x))) '(a 1 b 3 c 7)) ⇒ (1 9 49)

(map + '(3 1 4 1) (circular-list 1 0)) ⇒ (4 1 5 1)

(call-with-values (lambda () (span even? '(2 18 3 10 22 9))) list) ⇒ ((2 18) (3 10 22 9))

(call-with-values (lambda () (break even? '(3 1 4 1 5 9))) list) ⇒ ((3 1) (4 1 5 9))

(list (take-while even? '(2 18 3 10)) (drop-while even? '(2 18 3 10))) ⇒ ((2 18) (3 10))

(list (find even? '(3 1 4 1 5 9)) (find-tail even? '(3 1 37 -8 -5 0 0))) ⇒ (4 (-8 -5 0 0))

(list-index even? '(3 1 4 1 5 9)) ⇒ 2

(list-index < '(3 1 4 1 5 9 2 5 6) '(2 7 1 8 2)) ⇒ 1

(list-index = '(3 1 4) '(2 7 1)) ⇒ #f

(any < '(3 1 4 1 5) '(2 7 1 8 2)) ⇒ #t

(every (lambda (x) (and (even? x) (* x 2))) '(2 4)) ⇒ 8

(delete-duplicates '(a b a c a b c z)) ⇒ (a b c z)

(delete-duplicates '((a . 3) (b . 7) (c . 1) (a . 9) (b . 11)) (lambda (x y) (eq? (car x) (car y))))
⇒ ((a . 3) (b . 7) (c . 1))

(delete 2 '(1 2 3 2) =) ⇒ (1 3)

(alist-cons 'a 1 '((b . 2))) ⇒ ((a . 1) (b . 2))

(alist-delete 'a '((a . 1) (b . 2) (a . 3))) ⇒ ((b . 2))

(let* ((a (list (cons 'x 1))) (b (alist-copy a))) (set-cdr! (car b) 2) (list a b))
⇒ (((x . 1)) ((x . 2)))

(list (lset<= eq? '(a) '(a b a) '(a b c c)) (lset<= eq?) (lset<= eq? '(a) '(b))) ⇒ (#t #t #f)

(lset= eq? '(b e a) '(a e b) '(e e b a)) ⇒ #t

(lset-adjoin eq? '(a b c d c e) 'd 'i 'o 'u) ⇒ (u o i a b c d c e)

(list (lset-union eq? '(a b c d e) '(a e i o u)) (lset-union eq? '(a a c) '(x a x))
  (lset-union eq?))
⇒ ((u o i a b c d e) (x a a c) ())

(lset-intersection eq? '(a b c d e) '(a e i o u)) ⇒ (a e)

(lset-intersection eq? '(a x y a) '(x a x z)) ⇒ (a x a)

(lset-difference eq? '(a b c d e) '(a e i o u)) ⇒ (b c d)

(let ((x (lset-xor eq? '(a b c d e) '(a e i o u)))) (lset= eq? x '(d c b i o u))) ⇒ #t

(call-with-values (lambda () (lset-diff+intersection eq? '(a b c) '(a) '(c))) list) ⇒ ((b) (a c))
"""


@table(SRFI_1)
def test_srfi_1(program, expected):
    assert shown("(import (srfi 1)) " + program) == expected


@table(r"""
(let ((t (make-hash-table eq?))) (hash-table-set! t "a" 1) (hash-table-ref/default t
  (string #\a) 0))
⇒ 0

(let ((t (make-hash-table equal?))) (hash-table-set! t "a" 1) (hash-table-ref/default t
  (string #\a) 0))
⇒ 1

(let ((t (make-hash-table eqv?)) (k (list 1))) (hash-table-set! t k 1) (hash-table-set! t
  (list 1) 2)
  (list (hash-table-size t) (hash-table-ref/default t k 0) (hash-table-ref/default t '(1) 0)))
⇒ (2 1 0)

(let ((t (make-hash-table eqv?))) (hash-table-set! t 2 'exact) (hash-table-set! t 2.0 'inexact)
  (hash-table-set! t #\a 'char) (map (lambda (k) (hash-table-ref/default t k #f)) '(2 2.0 #\a b)))
⇒ (exact inexact char #f)

(let ((t (make-hash-table =))) (hash-table-set! t 2 'two) (hash-table-ref/default t 2.0 #f)) ⇒ two

(let ((t (make-hash-table string-ci=? string-ci-hash)))
  (hash-table-set! t "Key" 1) (hash-table-update! t "KEY" (lambda (x) (+ x 1)))
  (hash-table-ref t "key"))
⇒ 2

(hash-table-ref (make-hash-table) 'a (lambda () 'none)) ⇒ none

(let ((t (make-hash-table))) (hash-table-update! t 'a (lambda (x) (+ x 1)) (lambda () 0))
  (hash-table-update!/default t 'a (lambda (x) (+ x 1)) 0) (hash-table->alist t))
⇒ ((a . 2))

(let ((t (alist->hash-table '((a . 1) (b . 2)) eq?)))
  (hash-table-delete! t 'a) (list (hash-table-exists? t 'a) (hash-table-keys t)
  (hash-table-values t)))
⇒ (#f (b) (2))

(let ((t (alist->hash-table '((a . 1) (b . 2)))))
  (list (hash-table-fold t (lambda (k v n) (+ v n)) 0) (hash-table-size (hash-table-copy t))))
⇒ (3 2)

(let ((a (alist->hash-table '((a . 1)))) (b (alist->hash-table '((a . 9) (b . 2)))))
  (hash-table->alist (hash-table-merge! a b)))
⇒ ((a . 1) (b . 2))

(let ((t (hash-table-copy (make-hash-table eq?)))) (eq? (hash-table-equivalence-function t) eq?))
⇒ #t

(list (= (hash "ab") (hash (string #\a #\b))) (< -1 (hash '(1 2) 10) 10)) ⇒ (#t #t)

(list (= (string-ci-hash "AB" 100) (string-ci-hash "ab" 100)) (= (string-hash "a")
  (string-hash "a")))
⇒ (#t #t)
""")
def test_srfi_69(program, expected):
    assert shown("(import (srfi 69)) " + program) == expected


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("(import (only (scheme base) sin))", "exports no sin"),
        ("(import (scheme bass))", "there is no library"),
        ("(import (srfi 9999))", "there is no library"),
        ("(cut list <...> 1)", "cut: <...> stands only at the end"),
        ("(import (except (srfi 1) no-such))", "exports no no-such"),
    ],
)
def test_errors(program, message):
    with pytest.raises(ExpandError, match=message):
        Session().evaluate(program)
