"""Random procedures made of loops in loops, with jumps to any loop around and closures."""

from __future__ import annotations

from hypothesis import strategies as st

Names = tuple[str, ...]


@st.composite
def values(draw, bound: Names, depth: int = 1) -> str:
    """An expression without loops over the variables ``bound``."""
    if depth == 0 or draw(st.booleans()):
        return draw(st.integers(-3, 5).map(str) | st.sampled_from(bound))
    left, right = draw(values(bound, depth - 1)), draw(values(bound, depth - 1))
    return f"({draw(st.sampled_from('+-*'))} {left} {right})"


@st.composite
def loops(draw, bound: Names, around: Names, counter: list[int], depth: int) -> str:
    """A loop; it ends because each jump, to whichever loop, lowers what the loop still may do."""
    counter[0] += 1
    number = counter[0]
    label, fuel, value = f"loop{number}", f"n{number}", f"a{number}"
    last = next((name for name in reversed(bound) if name.startswith("n")), None)
    start = "7" if last is None else f"(- {last} 1)"
    given = draw(values(bound))
    inner = (*bound, fuel, value)
    tail = draw(tails(inner, (*around, label), counter, depth))
    return f"(let {label} (({fuel} {start}) ({value} {given})) (if (< {fuel} 1) {value} {tail}))"


@st.composite
def tails(draw, bound: Names, around: Names, counter: list[int], depth: int) -> str:
    """An expression in tail position of the loops ``around``."""

    def value() -> str:
        return draw(values(bound))

    def tail(*more: str) -> str:
        return draw(tails((*bound, *more), around, counter, depth - 1))

    fuel = next(name for name in reversed(bound) if name.startswith("n"))
    jump = f"({draw(st.sampled_from(around))} (- {fuel} 1) {{}})"
    kinds = "jump if loop let set closure kept sum".split() if depth else ["value", "jump"]
    kind = draw(st.sampled_from(kinds))
    if kind == "value":
        return value()
    if kind == "jump":
        return jump.format(value())
    if kind == "if":
        return f"(if (< {value()} {value()}) {tail()} {tail()})"
    if kind == "loop":
        return draw(loops(bound, around, counter, depth - 1))
    if kind == "sum":
        return f"(+ {value()} {draw(loops(bound, (), counter, depth - 1))})"
    counter[0] += 1
    new = f"v{counter[0]}"
    if kind == "let":
        return f"(let (({new} {value()})) {tail(new)})"
    if kind == "set":
        return f"(let (({new} {value()})) (set! {new} (+ {new} {value()})) {tail(new)})"
    if kind == "closure":
        return f"(let (({new} (lambda () {value()}))) {jump.format(f'({new})')})"
    keep = f"(set! kept (let ((k kept)) (lambda () (+ (k) ({new})))))"
    return f"(let (({new} (lambda () {value()}))) {keep} {tail()})"


@st.composite
def looping_procedures(draw) -> str:
    """A definition of ``f``, which adds what all closures that it made say at the end."""
    loop = draw(loops(("x",), (), [0], 3))
    return f"(define (f x) (let ((kept (lambda () 0))) (let ((result {loop})) (+ result (kept)))))"
