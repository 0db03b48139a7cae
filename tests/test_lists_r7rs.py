"""Lists, vectors, symbols and equivalence by the sections of R7RS (6.1, 6.4, 6.5, 6.8, 6.10)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eshkol.base.errors import EshkolError
from eshkol.datum.pairs import scheme_list
from eshkol.datum.values import Vector
from eshkol.primitives.catalogue import builtin_namespace
from programs import shown, table, value


def call(name, *arguments):
    return builtin_namespace()[name](*arguments)


@table(r"""
(append) ⇒ ()

(append '() 'a) ⇒ a

(append '(a b) '(c . d)) ⇒ (a b c . d)

(append '(a) '(b) 'c) ⇒ (a b . c)

(let* ((a (list 1 2)) (b (list 3)) (c (append a b))) (eq? (cddr c) b)) ⇒ #t

(list-copy '(1 2 . 3)) ⇒ (1 2 . 3)

(list-copy 5) ⇒ 5

(let* ((a (list 1 2 3)) (b (list-copy a))) (set-car! b 9) (list a b)) ⇒ ((1 2 3) (9 2 3))

(let ((l (list 0 '(2 2) "Anna"))) (list-set! l 1 'x) l) ⇒ (0 x "Anna")

(list (length '(a (b) (c d e))) (length '())) ⇒ (3 0)

(let ((x (list 'a))) (set-cdr! x x) (list? x)) ⇒ #f

(map list? '((a b) () (a . b) 5)) ⇒ (#t #t #f #f)

(list (list-tail '(a b c d e) 3) (list-tail '(1 . 2) 1) (list-ref '(a b c) 2)) ⇒ ((d e) 2 c)

(list (memq 'c '(a b c d)) (memq 'e '(a b)) (memv 101 '(100 101 102)) (member (list 'a) '(b (a)
  c)))
⇒ ((c d) #f (101 102) ((a) c))

(member "B" '("a" "b" "c") string-ci=?) ⇒ ("b" "c")

(member 2.0 '(1 2 3) =) ⇒ (2 3)

(list (assq 'b '((a 1) (b 2))) (assv 5 '((2 3) (5 7))) (assoc (list 'a) '(((a)) ((b)))))
⇒ ((b 2) (5 7) ((a)))

(assoc 2.0 '((1 1) (2 4) (3 9)) =) ⇒ (2 4)

(make-list 2 3) ⇒ (3 3)

(length (make-list 4)) ⇒ 4

(reverse '(a (b c) d)) ⇒ (d (b c) a)

(cadddr '(1 2 3 4 5)) ⇒ 4

(list (caaar '(((1)))) (cdddr '(1 2 3 4)) (caddar '((1 2 3))) (cdaadr '(1 ((2 3))))) ⇒ (1 (4) 3 (3))

(map (lambda (n) (expt n n)) '(1 2 3 4 5)) ⇒ (1 4 27 256 3125)

(map + '(1 2 3) '(4 5 6 7)) ⇒ (5 7 9)

(let ((a (list 10 100))) (set-cdr! (cdr a) a) (map * a '(1 2 3 4 5))) ⇒ (10 200 30 400 50)

(let ((v (make-vector 5))) (for-each (lambda (i) (vector-set! v i (* i i))) '(0 1 2 3 4)) v)
⇒ #(0 1 4 9 16)

(let ((n 0)) (for-each (lambda (x y) (set! n (+ n (* x y)))) '(1 2 3) '(10 20)) n) ⇒ 50

(apply + 1 2 '(3 4)) ⇒ 10

(vector-map + '#(1 2 3) '#(4 5 6 7)) ⇒ #(5 7 9)

(vector-map cadr '#((a b) (d e) (g h))) ⇒ #(b e h)

(let ((l '())) (vector-for-each (lambda (x y) (set! l (cons (+ x y) l))) #(1 2) #(10 20 30)) l)
⇒ (22 11)

(vector-ref '#(1 1 2 3 5 8 13 21) 5) ⇒ 8

(let ((v (vector 0 '(2 2 2 2) "Anna"))) (vector-set! v 1 '("Sue" "Sue")) v)
⇒ #(0 ("Sue" "Sue") "Anna")

(list (vector->list '#(dah dah didah)) (vector->list '#(dah dah didah) 1) (vector->list '#(dah
  dah didah) 1 2))
⇒ ((dah dah didah) (dah didah) (dah))

(list->vector '(dididit dah)) ⇒ #(dididit dah)

(list (vector-copy #(a b c)) (vector-copy #(a b c) 1) (vector-copy #(a b c) 1 2) (subvector #(a
  b c d) 1 3))
⇒ (#(a b c) #(b c) #(b) #(b c))

(let* ((a #(1 2)) (b (vector-copy a))) (vector-set! b 0 9) (list a b)) ⇒ (#(1 2) #(9 2))

(vector-append #(a b c) #(d e) #() #(f)) ⇒ #(a b c d e f)

(let ((v (vector 1 2 3 4 5))) (vector-fill! v 'x 2 4) v) ⇒ #(1 2 x x 5)

(let ((v (vector 1 2 3 4 5))) (vector-fill! v 'x 2) v) ⇒ #(1 2 x x x)

(let ((v (vector 1 2 3 4 5))) (vector-copy! v 1 #(a b c d e) 0 2) v) ⇒ #(1 a b 4 5)

(let ((v (vector 1 2 3 4 5))) (vector-copy! v 2 #(a b c d e) 2) v) ⇒ #(1 2 c d e)

(let ((v (vector 1 2 3 4 5))) (vector-copy! v 1 v 0 3) v) ⇒ #(1 1 2 3 5)

(let ((v (vector 1 2 3 4 5))) (vector-copy! v 0 v 2) v) ⇒ #(3 4 5 4 5)

(list (vector) (make-vector 2 'a) (vector-length (make-vector 3))) ⇒ (#() #(a a) 3)

(equal? (make-vector 5 'a) (make-vector 5 'a)) ⇒ #t

(list (eq? '() '()) (eq? 'a 'a) (eqv? "" "x") (equal? '#(1 (2)) (vector 1 (list 2))))
⇒ (#t #t #f #t)

(let ((a (list 1 2)) (b (list 1 2))) (set-cdr! (cdr a) a) (set-cdr! (cdr b) b) (equal? a b)) ⇒ #t

(let ((a (vector 1 2)) (b (vector 1 2))) (vector-set! a 1 a) (vector-set! b 1 b) (equal? a b)) ⇒ #t

(symbol->string 'flying-fish) ⇒ "flying-fish"

(map symbol? (list 'foo (car '(a b)) "bar" 'nil '() #f)) ⇒ (#t #t #f #t #f #f)

(list (string->symbol "mISSISSIppi") (string->symbol "a b") (symbol->string (string->symbol
  "K. Harper")))
⇒ (mISSISSIppi |a b| "K. Harper")

(list (fold-left list '() '(1 2 3)) (fold-right list '() '(1 2 3)) (fold cons '() '(1 2 3)))
⇒ ((((() 1) 2) 3) (1 (2 (3 ()))) (((() . 1) . 2) . 3))

(list (reduce + 0 '(1 2 3)) (reduce + '(1 2 3)) (filter odd? '(1 2 3)) (partition odd? '(1 2
  3)) (take '(1 2 3) 2) (drop '(1 2 3) 2))
⇒ (6 6 (1 3) ((1 3) (2)) (1 2) (3))

(list (range 2 5) (iota 3) (iota 3 1) (iota 3 0 2) (zip '(1 2) '(a b)))
⇒ ((2 3 4) (0 1 2) (1 2 3) (0 2 4) ((1 a) (2 b)))

(list (any even? '(1 2)) (every even? '(2 3)) (alist-ref '((a . 1)) 'a) (list-index even? '(1 2)))
⇒ (#t #f 1 1)

(list (string-split "a,b,c" ",") (string-split "a b" #\space) (string-join '("a" "b") "-")
  (string-contains "hello" "ll"))
⇒ (("a" "b" "c") ("a" "b") "a-b" #t)

(sort '("b" "a") string<?) ⇒ ("a" "b")

(let ((v (vector 3 1 2))) (vector-sort! v <) v) ⇒ #(1 2 3)

(let ((v (vector 3 1 2))) (sort! v <) v) ⇒ #(1 2 3)

(list ((partial - 10) 3) ((flip -) 1 10) (((curry2 +) 1) 2) ((constantly 5) 1 2) (identity 3))
⇒ (7 9 3 5 3)

(list (take-right '(a b c) 2) (drop-right '(a b c) 2) (unzip '((a 1) (b 2))))
⇒ ((b c) (a) ((a b) (1 2)))

(list (count-if odd? '(1 2 3)) (member? 3 '(1 2)) (alist-ref-or '((a . 1)) 'b 0)) ⇒ (2 #f 0)

(list (alist-set '((a . 1) (b . 2)) 'b 9) (alist-set '((a . 1)) 'c 3) (alist-set '() 'a 1))
⇒ (((a . 1) (b . 9)) ((a . 1) (c . 3)) ((a . 1)))

(list (map1 - '(1)) (map2 + '(1 2) '(10 20)) (map3 list '(1) '(2) '(3))) ⇒ ((-1) (11 22) ((1 2 3)))

(list (iota-from 3 1) (iota-step 3 0 2)) ⇒ ((1 2 3) (0 2 4))
""")
def test_data(program, expected):
    assert shown(program) == expected


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("(append '(1 . 2) '(3))", "append: expected a proper list, got (1 . 2)"),
        ("(append 5 '(3))", "append: expected a list, got 5"),
        ("(length '(1 . 2))", "length: expected a proper list, got (1 . 2)"),
        ("(length 5)", "length: expected a list, got 5"),
        ("(list-ref '(1 2) 2)", "list-ref: index 2 is out of range for a list of length 2"),
        ("(list-tail '(1 2) 3)", "list-tail: index 3 is out of range for a list of length 2"),
        ("(list-set! '() 0 1)", "list-set!: index 0 is out of range for a list of length 0"),
        ("(reverse '(1 . 2))", "reverse: expected a proper list, got (1 . 2)"),
        ("(caddr '(1 2))", "caddr: expected a pair as the cddr of (1 2), got ()"),
        ("(vector-ref #(1 2) 2)", "vector-ref: index 2 is out of range for a vector of length 2"),
        ("(vector-ref #(1 2) 1.0)", "vector-ref: expected an exact integer, got 1.0"),
        ("(vector-fill! (vector 1 2) 0 1 3)", "vector-fill!: end 3 is out of range"),
        ("(vector-copy #(1 2) 2 1)", "vector-copy: end 1 lies before start 2"),
        ("(vector-copy! (vector 1) 0 #(1 2))", "vector-copy!: 2 elements at 0 do not fit"),
        ("(make-vector -1)", "make-vector: expected an exact non-negative integer, got -1"),
        ("(vector-append #(1) '(2))", "vector-append: expected a vector, got (2)"),
        ("(list->vector #(1))", "list->vector: expected a list, got #(1)"),
        ("(map car 5)", "map: expected a list, got 5"),
        ("(for-each 5 '(1))", "for-each: expected a procedure, got 5"),
        ("(assoc 1 '(1))", "assoc: expected a list of pairs, got (1)"),
        ("(apply + 1)", "apply: expected a list, got 1"),
        ('(symbol->string "a")', "symbol->string: expected a symbol"),
        ("(let ((x (list 1))) (set-cdr! x x) (length x))", "a list that ends, got a circular list"),
    ],
)
def test_errors(program, message):
    with pytest.raises(EshkolError) as caught:
        value(program)
    assert message in caught.value.message


items = st.lists(st.integers(), max_size=8)


@given(items, items, st.integers())
def test_lists_are_pythons(a, b, x):
    first, second = scheme_list(a), scheme_list(b)
    assert list(call("append", first, second)) == a + b
    assert list(call("reverse", first)) == a[::-1]
    assert call("length", first) == len(a)
    tail = call("member", x, first)
    assert (list(tail) if tail is not False else None) == (a[a.index(x) :] if x in a else None)
    assert list(call("delete-duplicates", first)) == list(dict.fromkeys(a))
    assert list(call("list-copy", first)) == a


@given(items, st.data())
def test_ranges_are_pythons_slices(a, data):
    end = data.draw(st.integers(0, len(a)))
    start = data.draw(st.integers(0, end))
    vector = Vector(a)
    assert call("vector-copy", vector, start, end) == a[start:end]
    assert list(call("vector->list", vector, start, end)) == a[start:end]
    call("vector-fill!", vector, 7, start, end)
    assert vector == a[:start] + [7] * (end - start) + a[end:]
    source = Vector(a)
    at = data.draw(st.integers(0, len(a) - (end - start)))
    call("vector-copy!", source, at, source, start, end)
    assert source == a[:at] + a[start:end] + a[at + end - start :]
