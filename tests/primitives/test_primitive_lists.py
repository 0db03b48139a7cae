"""Lists, vectors, sorting, equality, symbols."""

from __future__ import annotations

import functools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scheme_calls import call, rows, run, shown

from eshkol.datum.pairs import NIL, Pair, cons, scheme_list
from eshkol.datum.values import UNSPECIFIED, Vector

ITEMS = st.lists(st.integers(-5, 5), max_size=12)

ROWS = """
(cons 1 '(2 3)) ⇒ (1 2 3)
(cons 1 2) ⇒ (1 . 2)
(car '(1 2)) ⇒ 1
(cdr '(1 2)) ⇒ (2)
(cadr '(1 2 3)) ⇒ 2
(cddr '(1 2 3)) ⇒ (3)
(caar '((1) 2)) ⇒ 1
(cdar '((1 2) 3)) ⇒ (2)
(caddr '(1 2 3)) ⇒ 3
(cdddr '(1 2 3 4)) ⇒ (4)
(cadddr '(1 2 3 4)) ⇒ 4
(cddddr '(1 2 3 4 5)) ⇒ (5)
(cadadr '(1 (2 3))) ⇒ 3
(pair? '()) ⇒ #f
(pair? '(1 . 2)) ⇒ #t
(null? '()) ⇒ #t
(null? '(1)) ⇒ #f
(list) ⇒ ()
(list 1 'a "b") ⇒ (1 a "b")
(list? '(1 2)) ⇒ #t
(list? '(1 . 2)) ⇒ #f
(cons* 1 2 '(3 4)) ⇒ (1 2 3 4)
(cons* 1) ⇒ 1
(make-list 2 'a) ⇒ (a a)
(length '(a b c)) ⇒ 3
(length '()) ⇒ 0
(append) ⇒ ()
(append '(1) '() '(2 3)) ⇒ (1 2 3)
(append '(1 2) '(3) 4) ⇒ (1 2 3 . 4)
(append '() 5) ⇒ 5
(reverse '(1 2 3)) ⇒ (3 2 1)
(list-tail '(a b c) 1) ⇒ (b c)
(list-tail '(a b c) 3) ⇒ ()
(list-ref '(a b c) 2) ⇒ c
(list-copy '(1 2 . 3)) ⇒ (1 2 . 3)
(first '(a b c d e)) ⇒ a
(second '(a b c d e)) ⇒ b
(third '(a b c d e)) ⇒ c
(fourth '(a b c d e)) ⇒ d
(fifth '(a b c d e)) ⇒ e
(last '(1 2 3)) ⇒ 3
(last-pair '(1 2 3)) ⇒ (3)
(last-pair '(1 . 2)) ⇒ (1 . 2)
(take '(a b c) 2) ⇒ (a b)
(drop '(a b c) 2) ⇒ (c)
(list-head '(a b c) 0) ⇒ ()
(sublist '(a b c d) 1 3) ⇒ (b c)
(iota 3) ⇒ (0 1 2)
(iota 5 1) ⇒ (1 2 3 4 5)
(iota 3 1 1/2) ⇒ (1 3/2 2)
(iota 3 0 0.1) ⇒ (0.0 0.1 0.2)
(range 2 5) ⇒ (2 3 4)
(range 3) ⇒ (0 1 2)
(range 5 0 -2) ⇒ (5 3 1)
(range 0 1 1/4) ⇒ (0 1/4 1/2 3/4)
(range 3 1) ⇒ ()
(zip '(1 2) '(a b c)) ⇒ ((1 a) (2 b))
(zip '(1 2)) ⇒ ((1) (2))
(memq 'c '(a b c d)) ⇒ (c d)
(memq 'x '(a b)) ⇒ #f
(memv 2 '(1 2 3)) ⇒ (2 3)
(memv 2.0 '(1 2 3)) ⇒ #f
(member "b" '("a" "b")) ⇒ ("b")
(member 2.0 '(1 2 3) =) ⇒ (2 3)
(assq 'b '((a 1) (b 2))) ⇒ (b 2)
(assq 'x '((a 1))) ⇒ #f
(assv 2 '((1 . a) (2 . b))) ⇒ (2 . b)
(assoc "b" '(("a" . 1) ("b" . 2))) ⇒ ("b" . 2)
(assoc 2.0 '((1 a) (2 b)) =) ⇒ (2 b)
(alist-ref '((a . 1) (b . 2)) 'b) ⇒ 2
(alist-ref '((a . 1)) 'z) ⇒ #f
(alist-ref '((a . 1)) 'z 'none) ⇒ none
(filter odd? '(1 2 3)) ⇒ (1 3)
(remove odd? '(1 2 3)) ⇒ (2)
(partition odd? '(1 2 3)) ⇒ ((1 3) (2))
(delete 1 '(1 2 1)) ⇒ (2)
(delete 3 '(1 2 5) <) ⇒ (1 2)
(delete-duplicates '(a b a c)) ⇒ (a b c)
(delete-duplicates '(1 2.0 2 1.0) =) ⇒ (1 2.0)
(find even? '(1 2 3 4)) ⇒ 2
(find even? '(1 3)) ⇒ #f
(find-tail even? '(1 2 3)) ⇒ (2 3)
(list-index even? '(1 3 4)) ⇒ 2
(list-index even? '(1 3)) ⇒ #f
(take-while odd? '(1 3 4 5)) ⇒ (1 3)
(drop-while odd? '(1 3 4 5)) ⇒ (4 5)
(drop-while odd? '(1 3)) ⇒ ()
(map square '(1 2 3)) ⇒ (1 4 9)
(map + '(1 2) '(10 20 30)) ⇒ (11 22)
(map (lambda (x) (* 2 x)) '()) ⇒ ()
(append-map (lambda (x) (list x x)) '(1 2)) ⇒ (1 1 2 2)
(filter-map (lambda (x) (if (odd? x) (* x x) #f)) '(1 2 3)) ⇒ (1 9)
(fold + 0 '(1 2 3)) ⇒ 6
(fold - 0 '(1 2 3)) ⇒ -6
(fold cons '() '(1 2 3)) ⇒ (((() . 1) . 2) . 3)
(fold-left list '() '(1 2 3)) ⇒ (((() 1) 2) 3)
(foldl - 0 '(1 2)) ⇒ -3
(fold (lambda (total x y) (+ total (* x y))) 0 '(1 2) '(3 4)) ⇒ 11
(fold-right cons '() '(1 2 3)) ⇒ (1 2 3)
(fold-right - 0 '(1 2 3)) ⇒ 2
(foldr list 'z '(1 2)) ⇒ (1 (2 z))
(fold-right (lambda (x y rest) (cons (+ x y) rest)) '() '(1 2) '(10 20)) ⇒ (11 22)
(reduce + 0 '(1 2 3)) ⇒ 6
(reduce max 0 '(-3 -1)) ⇒ -1
(reduce + 0 '()) ⇒ 0
(reduce - '(10 2 3)) ⇒ 5
(reduce-right - 0 '(1 2 3 4)) ⇒ -2
(any even? '(1 2 3)) ⇒ #t
(any even? '(1 3)) ⇒ #f
(any < '(3 1) '(2 5)) ⇒ #t
(any (lambda (x) (assv x '((2 . b)))) '(1 2)) ⇒ (2 . b)
(every even? '(2 4)) ⇒ #t
(every even? '(2 3)) ⇒ #f
(every even? '()) ⇒ #t
(every square '(1 2)) ⇒ 4
(count odd? '(1 2 3)) ⇒ 2
(unfold (lambda (x) (> x 3)) square 1+ 1) ⇒ (1 4 9)
(unfold (lambda (x) (> x 2)) square 1+ 1 list) ⇒ (1 4 3)
(list-tabulate 3 square) ⇒ (0 1 4)
(apply + 1 2 '(3 4)) ⇒ 10
(apply list '()) ⇒ ()
(list->vector '(1 2)) ⇒ #(1 2)
(vector->list #(1 2 3)) ⇒ (1 2 3)
(vector->list #(1 2 3) 1) ⇒ (2 3)
(vector->list #(1 2 3) 1 2) ⇒ (2)
(sort '(3 1 2) <) ⇒ (1 2 3)
(sort '(3 1 2) >) ⇒ (3 2 1)
(sort < '(3 1 2)) ⇒ (1 2 3)
(sort #(3 1 2) <) ⇒ #(1 2 3)
(sort '("b" "a") string<?) ⇒ ("a" "b")
(sort '(2 1/2 1.5) <) ⇒ (1/2 1.5 2)
(list-sort < '(2 1)) ⇒ (1 2)
(vector-sort #(3 1 2) <) ⇒ #(1 2 3)
(sorted? '(1 2 2) <) ⇒ #t
(sorted? #(2 1) <) ⇒ #f
(compose) ⇒ #<procedure identity>
((compose 1+ square) 3) ⇒ 10
((flip -) 1 10) ⇒ 9
(((curry2 +) 1) 2) ⇒ 3
((partial + 1 2) 3) ⇒ 6
((constantly 5) 1 2) ⇒ 5
((complement odd?) 2) ⇒ #t
(identity 'a) ⇒ a
(vector) ⇒ #()
(vector 1 'a) ⇒ #(1 a)
(make-vector 3 'a) ⇒ #(a a a)
(vector? #(1 2)) ⇒ #t
(vector? '(1 2)) ⇒ #f
(vector-length #(1 2 3)) ⇒ 3
(vector-ref #(a b c) 2) ⇒ c
(vector-copy #(1 2 3) 1) ⇒ #(2 3)
(subvector #(1 2 3 4) 1 3) ⇒ #(2 3)
(vector-head #(1 2 3) 2) ⇒ #(1 2)
(vector-tail #(1 2 3) 2) ⇒ #(3)
(vector-append #(1) #() #(2 3)) ⇒ #(1 2 3)
(vector-map square #(1 2 3)) ⇒ #(1 4 9)
(vector-map + #(1 2) #(10 20 30)) ⇒ #(11 22)
(vector-fold + 0 #(1 2 3)) ⇒ 6
(eq? 'a 'a) ⇒ #t
(eq? '() '()) ⇒ #t
(eq? 100000000000 100000000000) ⇒ #t
(eqv? 2 2.0) ⇒ #f
(eqv? 0.0 -0.0) ⇒ #f
(eqv? "" "") ⇒ #t
(equal? '(1 #(2 "x")) (list 1 (vector 2 "x"))) ⇒ #t
(equal? 2 2.0) ⇒ #f
(not #f) ⇒ #t
(not 0) ⇒ #f
(not '()) ⇒ #f
(boolean? #f) ⇒ #t
(boolean? 0) ⇒ #f
(boolean=? #t #t #t) ⇒ #t
(boolean=? #t #f) ⇒ #f
(procedure? car) ⇒ #t
(procedure? (lambda (x) x)) ⇒ #t
(procedure? 'car) ⇒ #f
(call-with-values (lambda () (values 1 2)) cons) ⇒ (1 . 2)
(call-with-values (lambda () (values 1)) list) ⇒ (1)
(call-with-values (lambda () (values)) list) ⇒ ()
(values 5) ⇒ 5
(symbol? 'a) ⇒ #t
(symbol? "a") ⇒ #f
(symbol->string 'abc) ⇒ "abc"
(string->symbol "abc") ⇒ abc
(symbol-append 'a 'b) ⇒ ab
(symbol=? 'a 'a 'a) ⇒ #t
(symbol=? 'a 'b) ⇒ #f
(symbol<? 'a 'b 'c) ⇒ #t
"""


@pytest.mark.parametrize(("expression", "expected"), rows(ROWS))
def test_value(expression: str, expected: str) -> None:
    assert shown(expression) == expected


def test_every_composition_of_car_and_cdr_follows_its_name() -> None:
    tree = functools.reduce(lambda t, _: cons(t, t), range(4), 0)
    for length in (2, 3, 4):
        for number in range(2**length):
            path = format(number, f"0{length}b").replace("0", "a").replace("1", "d")
            leaves = {"a": "left", "d": "right"}
            value = leaf = cons("left", "right")
            for step in path[1:]:
                value = cons(value, None) if step == "a" else cons(None, value)
            assert call(f"c{path}r", _reordered(path, leaf)) == leaves[path[0]]
    assert call("cddddr", tree) == 0


def _reordered(path: str, leaf: Pair) -> Pair:
    """A structure in which following ``path`` (its last letter first) reaches into ``leaf``."""
    value = leaf
    for step in path[1:]:
        value = cons(value, None) if step == "a" else cons(None, value)
    return value


@given(ITEMS, st.integers(0, 12))
def test_take_and_drop_split_a_list(items: list[int], k: int) -> None:
    k = min(k, len(items))
    values = scheme_list(items)
    assert list(call("take", values, k)) == items[:k]
    assert list(call("drop", values, k)) == items[k:]


@given(ITEMS)
def test_searching_against_python(items: list[int]) -> None:
    values = scheme_list(items)

    def is_even(x: int) -> bool:
        return x % 2 == 0

    assert list(call("filter", is_even, values)) == [x for x in items if is_even(x)]
    assert call("count", is_even, values) == sum(map(is_even, items))
    assert list(call("delete-duplicates", values)) == list(dict.fromkeys(items))
    assert call("list-index", is_even, values) == next(
        (k for k, x in enumerate(items) if is_even(x)), False
    )
    assert list(call("reverse", values)) == items[::-1]
    chosen, others = call("partition", is_even, values)
    assert sorted([*chosen, *others]) == sorted(items)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers()), max_size=20))
def test_sorting_is_stable(entries: list[tuple[int, int]]) -> None:
    def before(a: tuple[int, int], b: tuple[int, int]) -> bool:
        return a[0] < b[0]

    expected = sorted(entries, key=lambda entry: entry[0])
    assert list(call("sort", scheme_list(entries), before)) == expected
    assert call("sort", Vector(entries), before) == expected


@given(st.lists(st.one_of(st.integers(), st.floats(allow_nan=False)), max_size=20))
def test_sorting_numbers_both_ways(items: list[float]) -> None:
    values = scheme_list(items)
    increasing = list(call("sort", values, run("<")))
    assert increasing == sorted(items)
    assert list(call("sort", values, run(">"))) == sorted(items, reverse=True)
    by_procedure = list(call("sort", values, lambda a, b: call("<", a, b)))
    assert list(map(repr, by_procedure)) == list(map(repr, increasing))


@given(ITEMS)
def test_folds_against_functools(items: list[int]) -> None:
    values = scheme_list(items)

    def combine(a: object, b: object) -> object:
        return (a, b)

    assert call("fold", combine, 0, values) == functools.reduce(combine, items, 0)
    assert call("fold-right", combine, 0, values) == functools.reduce(
        lambda rest, item: (item, rest), reversed(items), 0
    )


def test_mutation_of_pairs_and_vectors() -> None:
    items = run("(list 1 2 3)")
    assert call("set-car!", items, 9) is UNSPECIFIED
    call("list-set!", items, 1, "two")
    call("set-cdr!", items.cdr, NIL)
    assert shown("x", x=items) == '(9 "two")'
    vector = run("(vector 1 2 3 4 5)")
    call("vector-set!", vector, 0, "a")
    call("vector-fill!", vector, 0, 3)
    assert vector == ["a", 2, 3, 0, 0]
    call("vector-copy!", vector, 1, vector, 0, 3)
    assert vector == ["a", "a", 2, 3, 0]
    numbers = Vector([3, 1, 2])
    call("vector-sort!", numbers, run("<"))
    assert numbers == [1, 2, 3]
    call("sort!", numbers, run(">"))
    assert numbers == [3, 2, 1]


def test_for_each_calls_in_order_up_to_the_shortest_list() -> None:
    seen: list[object] = []
    call("for-each", lambda *row: seen.append(row), run("'(1 2 3)"), run("'(a b)"))
    call("for-each", seen.append, run("'(1 2)"))
    call("vector-for-each", seen.append, Vector([7]))
    assert seen == [(1, run("'a")), (2, run("'b")), 1, 2, 7]


def test_a_circular_list_goes_with_one_that_ends() -> None:
    circle = cons(10, NIL)
    circle.cdr = circle
    assert shown("(map + '(1 2 3) c)", c=circle) == "(11 12 13)"
    assert call("list?", circle) is False


def test_symbols_from_gensym_are_new() -> None:
    a, b = call("gensym"), call("gensym", "g")
    assert a is not b and a.name != b.name
    uninterned = call("string->uninterned-symbol", "x")
    assert uninterned.name == "x" and uninterned is not run("'x")
    assert call("gensym", run("'tmp")).name.startswith("tmp")


def test_long_lists() -> None:
    items = call("iota", 200_000)
    assert call("length", items) == 200_000
    assert call("fold", run("+"), 0, call("map", run("1+"), items)) == 200_000 * 200_001 // 2
    assert call("last", call("append", items, items)) == 199_999
