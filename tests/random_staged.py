"""Random procedures of a double that always end, with everything that is hard to compile.

Conditions, ends of loops, escapes and depths of recursion depend on the argument; closures are
made, passed, called and returned; and what closures captured is assigned in branches and loops.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st


@dataclass(frozen=True)
class Scope:
    """What is bound where an expression stands.

    Attributes:
        numbers: variables that hold numbers.
        assigned: those of them that may be assigned.
        closures: variables that hold procedures of one number.
        escapes: continuations that may be called.
    """

    numbers: tuple[str, ...] = ("x",)
    assigned: tuple[str, ...] = ()
    closures: tuple[str, ...] = ()
    escapes: tuple[str, ...] = ()

    def number(self, *names: str, assigned: bool = False) -> Scope:
        more = names if assigned else ()
        return replace(self, numbers=self.numbers + names, assigned=self.assigned + more)

    def closure(self, name: str) -> Scope:
        return replace(self, closures=(*self.closures, name))

    def escape(self, name: str) -> Scope:
        return replace(self, escapes=(*self.escapes, name))


@dataclass
class Generator:
    """Draws expressions; ``draw`` is Hypothesis'."""

    draw: Callable
    counter: list[int] = field(default_factory=lambda: [0])

    def fresh(self, kind: str) -> str:
        self.counter[0] += 1
        return f"{kind}{self.counter[0]}"

    def leaf(self, scope: Scope) -> str:
        constants = ["0.5", "-1.25", "2.0", "0.3"]
        return self.draw(st.sampled_from([*scope.numbers, *scope.numbers, *constants]))

    def number(self, scope: Scope, depth: int) -> str:
        """An expression whose value is a number of moderate size."""
        if depth == 0:
            return self.leaf(scope)
        kinds = ["sum", "wave", "choice", "let", "assigned", "counted", "until", "closure", "made"]
        kinds += ["passed", "escape", "recursion", "called"]
        kinds += ["assignment"] * 3 if scope.assigned else []
        kinds += ["leave"] if scope.escapes else []
        return getattr(self, self.draw(st.sampled_from(kinds)))(scope, depth - 1)

    def test(self, scope: Scope, depth: int) -> str:
        simple = f"(< {self.leaf(scope)} {self.number(scope, min(depth, 1))})"
        kind = self.draw(st.sampled_from(["plain", "plain", "and", "not"]))
        if kind == "plain":
            return simple
        return f"(not {simple})" if kind == "not" else f"(and {simple} (> {self.leaf(scope)} -0.7))"

    def sum(self, scope: Scope, depth: int) -> str:
        operator = self.draw(st.sampled_from("+-"))
        return f"({operator} {self.number(scope, depth)} {self.number(scope, depth)})"

    def wave(self, scope: Scope, depth: int) -> str:
        return f"(sin (* {self.leaf(scope)} {self.number(scope, depth)}))"

    def choice(self, scope: Scope, depth: int) -> str:
        test = self.test(scope, depth)
        return f"(if {test} {self.number(scope, depth)} {self.number(scope, depth)})"

    def let(self, scope: Scope, depth: int) -> str:
        name = self.fresh("v")
        return (
            f"(let (({name} {self.number(scope, depth)})) {self.number(scope.number(name), depth)})"
        )

    def assigned(self, scope: Scope, depth: int) -> str:
        """A variable that its body, and closures made there, may assign."""
        name = self.fresh("s")
        inner = scope.number(name, assigned=True)
        body = self.assignment(inner, depth)
        return f"(let (({name} {self.leaf(scope)})) {body})"

    def assignment(self, scope: Scope, depth: int) -> str:
        target = self.draw(st.sampled_from(scope.assigned or scope.numbers))
        if not scope.assigned:
            return self.number(scope, depth)
        change = f"(set! {target} (sin {self.number(scope, depth)}))"
        kind = self.draw(st.sampled_from(["plain", "when", "loop"]))
        if kind == "when":
            change = f"(when {self.test(scope, depth)} {change})"
        if kind == "loop":
            counter = self.fresh("i")
            count = self.draw(st.sampled_from([2, 12]))
            change = f"(do (({counter} 0 (+ {counter} 1))) ((= {counter} {count})) {change})"
        return f"(begin {change} (+ {target} {self.number(scope, depth)}))"

    def counted(self, scope: Scope, depth: int) -> str:
        counter, value = self.fresh("i"), self.fresh("y")
        count = self.draw(st.sampled_from([3, 11]))
        step = self.number(scope.number(value), depth)
        start = self.number(scope, depth)
        return (
            f"(do (({counter} 0 (+ {counter} 1)) ({value} {start} (sin {step})))"
            f" ((= {counter} {count}) {value}))"
        )

    def until(self, scope: Scope, depth: int) -> str:
        """A loop that a traced test ends, or its fuel."""
        loop, fuel, value = self.fresh("loop"), self.fresh("n"), self.fresh("y")
        inner = scope.number(value)
        return (
            f"(let {loop} (({fuel} 0) ({value} {self.number(scope, depth)}))"
            f" (cond ((> {fuel} 6) {value}) ({self.test(inner, depth)} {self.number(inner, depth)})"
            f" (else ({loop} (+ {fuel} 1) (sin {self.number(inner, depth)})))))"
        )

    def procedure(self, scope: Scope, depth: int) -> str:
        name = self.fresh("p")
        return f"(lambda ({name}) {self.number(scope.number(name), depth)})"

    def closure(self, scope: Scope, depth: int) -> str:
        """A closure, made and then called."""
        name = self.fresh("g")
        body = self.number(scope.closure(name), depth)
        given = f"({name} {self.leaf(scope)})"
        return f"(let (({name} {self.procedure(scope, depth)})) (+ {given} {body}))"

    def made(self, scope: Scope, depth: int) -> str:
        """A closure that a procedure returns, in a branch.

        It assigns no variable from outside of the branch: that is refused.
        """
        maker, given = self.fresh("m"), self.fresh("p")
        body = self.procedure(replace(scope.number(given), assigned=()), depth)
        one, other = (f"({maker} {self.leaf(scope)})" for _ in range(2))
        call = f"((if {self.test(scope, depth)} {one} {other}) {self.leaf(scope)})"
        return f"(let (({maker} (lambda ({given}) {body}))) {call})"

    def passed(self, scope: Scope, depth: int) -> str:
        """A closure that is passed to a procedure, which calls it twice."""
        taken, value = self.fresh("h"), self.fresh("p")
        body = f"(+ ({taken} {value}) ({taken} {self.leaf(scope.number(value))}))"
        return (
            f"((lambda ({taken} {value}) {body}) {self.procedure(scope, depth)} {self.leaf(scope)})"
        )

    def called(self, scope: Scope, depth: int) -> str:
        if not scope.closures:
            return self.number(scope, depth)
        return f"({self.draw(st.sampled_from(scope.closures))} {self.leaf(scope)})"

    def escape(self, scope: Scope, depth: int) -> str:
        name = self.fresh("k")
        return f"(call/ec (lambda ({name}) {self.leave(scope.escape(name), depth)}))"

    def leave(self, scope: Scope, depth: int) -> str:
        escape = self.draw(st.sampled_from(scope.escapes))
        jump = f"(when {self.test(scope, depth)} ({escape} {self.number(scope, depth)}))"
        return f"(begin {jump} {self.number(scope, depth)})"

    def recursion(self, scope: Scope, depth: int) -> str:
        """A recursion whose depth depends on the argument, by one or two calls."""
        name, fuel, value = self.fresh("go"), self.fresh("d"), self.fresh("y")
        inner = scope.number(value)
        again = f"({name} (- {fuel} 1.0) (sin {self.number(inner, depth)}))"
        if self.draw(st.booleans()):
            again = f"(+ {again} ({name} (- {fuel} 1.5) {self.leaf(inner)}))"
        body = f"(if (< {fuel} 0.5) {self.number(inner, depth)} {again})"
        start = f"(+ 1.7 (sin {self.leaf(scope)}))"
        call = f"({name} {start} {self.leaf(scope)})"
        return f"(letrec (({name} (lambda ({fuel} {value}) {body}))) {call})"


@st.composite
def staged_procedures(draw, depth: int = 3) -> str:
    """A definition of ``f``."""
    return f"(define (f x) {Generator(draw).number(Scope(), depth)})"


def random(examples: int) -> settings:
    """The same programs each time, so that a failure is everybody's."""
    checks = [HealthCheck.too_slow, HealthCheck.large_base_example, HealthCheck.data_too_large]
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=checks,
    )
