"""Random procedures over exact integers that always end."""

from __future__ import annotations

import re

from hypothesis import strategies as st


@st.composite
def expressions(draw, bound: tuple[int, ...], counter: list[int], depth: int) -> str:
    """A terminating expression over the variables ``bound``, which are numbers: ``<1>``."""

    def again(*more: int) -> str:
        return draw(expressions((*bound, *more), counter, depth - 1))

    def fresh() -> int:
        counter[0] += 1
        return counter[0]

    kinds = "sum if let lambda set letrec do macro body".split()
    kind = draw(st.sampled_from(["leaf", *kinds] if depth else ["leaf"]))
    if kind == "leaf":
        return draw(st.integers(-9, 9).map(str) | st.sampled_from([f"<{v}>" for v in bound]))
    if kind == "sum":
        return f"({draw(st.sampled_from('+-*'))} {again()} {again()})"
    if kind == "if":
        return f"(if (< {again()} {again()}) {again()} {again()})"
    new, other = fresh(), fresh()
    return {
        "let": lambda: f"(let ((<{new}> {again()})) {again(new)})",
        "lambda": lambda: f"((lambda (<{new}>) {again(new)}) {again()})",
        "set": lambda: (f"(let ((<{new}> {again()})) (set! <{new}> {again(new)}) {again(new)})"),
        "letrec": lambda: f"(letrec ((<{new}> (lambda () {again()}))) (+ (<{new}>) (<{new}>)))",
        "macro": lambda: f"(plus-hidden <{new}> {again()} {again(new)})",
        "do": lambda: (
            f"(do ((<{new}> 0 (+ <{new}> 1)) (<{other}> {again()} {again(new, other)}))"
            f" ((= <{new}> 2) {again(other)}))"
        ),
        "body": lambda: (
            f"(let () (define <{new}> {again()}) (define (<{other}>) {again(new)})"
            f" (+ 1 (<{other}>)))"
        ),
    }[kind]()


@st.composite
def procedures(draw, depth: int = 3) -> tuple[str, int]:
    """A random procedure definition, and how many variables it names."""
    counter = [1]
    body = draw(expressions((1,), counter, depth))
    return f"(define (f <1>) {body})", counter[0]


MACRO = """(define-syntax plus-hidden
  (syntax-rules () ((_ x e body) (let ((hidden 1)) (let ((x e)) (+ hidden body))))))"""


def spelled(template: str, names: list[str]) -> str:
    """The program in which the variables have these names."""
    text = re.sub(r"<(\d+)>", lambda match: names[int(match[1]) - 1], template)
    return f"{MACRO} {text}"
