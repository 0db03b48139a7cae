"""Random procedures of a double whose values are of many kinds, by conditions on the argument.

Numbers, symbols, strings, truth values, lists of several lengths and procedures are chosen,
assigned, carried by loops, kept and searched for in lists, and asked for what they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import strategies as st

FORMS = {
    "value": """
        (if {test} {value} {value})
        (and {test} {value})
        (or {value} {value})
        (cond ({value} => (lambda (a) {value a})) (else {value}))
        (let ((a {value})) {value a})
        (case {value} ((one two) {value}) ((three #f) {value}) (else {value}))
        (let ((a {list})) (if (pair? a) (car a) {value}))
        (let ((a {value})) (if {test a} (set! a {value a})) {value a})
        (let a ((b 0.0) (c {value}))
          (if (or (> b 3.0) {test b c}) c (a (+ b 1.0 (abs x)) {value b c})))
        (find (lambda (a) {test a}) {list})
        (find-tail (lambda (a) {test a}) {list})
        (any (lambda (a) {value a}) {list})
        (every (lambda (a) {value a}) {list})
        (member {value} (list 'one 2.0 'two #f))
        (assq {value} (list (cons 'one {value}) (cons 'two {value})))
        (let ((a (make-hash-table)))
          (hash-set! a 'one {value})
          (hash-set! a 'two {value})
          (hash-ref a (if {test} 'one 'two) #f))
        (fold-left (lambda (a b) {value a b}) {value} {list})
        ((if {test} (lambda (a) {value a}) (lambda (a) {value a})) {value})
        (vector-ref (vector {value} {value}) (if {test} 0 1))
        (call/ec (lambda (a) (if {test} (a {value})) {value}))
        (guard (a (#t {value a})) (if {test} (raise {value})) {value})
        (call/ec (lambda (a)
          (do ((b 0.0 (+ b 1.0 (abs x)))) ((> b 3.0) {value b}) (if {test b} (a {value b})))))
        (guard (a (#t {value a}))
          (let b ((c 0.0))
            (cond ((> c 3.0) {value c})
                  ({test c} (raise {value c}))
                  (else (b (+ c 1.0 (abs x)))))))
        (let ((a {value}))
          (do ((b 0.0 (+ b 1.0 (abs x)))) ((> b 3.0) {value a}) (if {test a} (set! a {value b}))))
        (let ((a '()))
          (do ((b 0.0 (+ b 1.0 (abs x)))) ((> b 3.0) (if (null? a) {value} (car a)))
            (if {test b} (set! a (list {value b} b)))))
        {list}
        {number}
    """,
    "list": """
        (list {value} {value})
        (list {value} {value} {value})
        (filter (lambda (a) {test a}) {list})
        (remove (lambda (a) {test a}) {list})
        (filter-map (lambda (a) {value a}) {list})
        (take-while (lambda (a) {test a}) {list})
        (drop-while (lambda (a) {test a}) {list})
        (map (lambda (a) {value a}) {list})
        (cons {value} {list})
        (append {list} {list})
        (reverse {list})
        (if {test} {list} {list})
        (let ((a {list})) (if (pair? a) (cdr a) '()))
        (let a ((b {list}))
          (cond ((null? b) '()) ({test b} (cons (car b) (a (cdr b)))) (else (a (cdr b)))))
    """,
    "number": """
        (+ {number} {number})
        (* {number} (sin {number}))
        (if {test} {number} {number})
        (let ((a {value})) (if (number? a) a {number a}))
        (length {list})
        (count (lambda (a) {test a}) {list})
    """,
    "test": """
        (< {number} {number})
        (> {number} {leaf})
        (and {test} {test})
        (or {test} {test})
        (not {value})
        (number? {value})
        (symbol? {value})
        (pair? {value})
        (null? {value})
        (boolean? {value})
        (eq? {value} 'one)
        (equal? {value} 2.0)
        {value}
    """,
}
"""Forms by what they give. ``{test a}`` is a test in the scope of ``a``, for which as for ``b`` and
``c`` there is a new name in each form."""

LEAVES = {
    "value": ["'one", "'two", "'three", "#f", "#t", "'()", '"one"', "x", "2.0"],
    "list": ["'()", "(list 'one x)", "(list x 2.0 #f)"],
    "number": ["x", "x", "0.5", "-1.25", "3"],
    "test": ["(< x 0.5)", "(> x 2.0)", "(< -1.25 x)"],
}

_FORMS = {
    kind: [" ".join(form.split()) for form in re.split(r"\n {8}(?! )", text.strip())]
    for kind, text in FORMS.items()
}


@dataclass
class Generator:
    """Draws expressions; ``draw`` is Hypothesis'."""

    draw: Callable
    counter: list[int] = field(default_factory=lambda: [0])

    def expression(self, kind: str, scope: tuple[str, ...], depth: int) -> str:
        if depth == 0 or kind == "leaf":
            leaves = LEAVES.get(kind, LEAVES["number"])
            return self.draw(st.sampled_from([*leaves, *(scope * 2 if kind == "value" else ())]))
        form = self.draw(st.sampled_from(_FORMS[kind]))
        names = {name: f"{name}{self.counter[0]}" for name in "abc"}
        self.counter[0] += 1
        form = re.sub(r"\b[abc]\b", lambda found: names[found[0]], form)

        def part(found: re.Match) -> str:
            inner, *bound = found[1].split()
            return self.expression(inner, (*scope, *bound), depth - 1)

        return re.sub(r"\{([^}]*)\}", part, form)


@st.composite
def procedures_of_kinds(draw, depth: int = 4) -> str:
    """A definition of ``f``."""
    return f"(define (f x) {Generator(draw).expression('value', (), depth)})"
