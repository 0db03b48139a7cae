"""Random programs of procedures that call each other and draw random numbers in between."""

from __future__ import annotations

import random

HELPERS = """
(define (draw) (random))
(define (held) (let ((z (random))) (+ z (draw))))
(define (passed f x) (f x))
(define (kept f x) (let ((r (f x))) (+ (* 0.9 r) (random))))
(define-syntax twice (syntax-rules () ((_ e) (let ((t e)) (+ (* 0.5 t) e)))))
(define-syntax unless-small (syntax-rules () ((_ n e) (if (not (< n 1)) e (draw)))))
"""

NAMES = ["p", "q", "s", "u"]


class Writer:
    """Writes one program.

    Args:
        seed: decides everything.
        depth: how deep expressions nest.
        jits: whether procedures also call what ``(compiled f)`` makes of one another.
    """

    def __init__(self, seed: int, depth: int = 3, jits: bool = False) -> None:
        self.random = random.Random(seed)
        self.jits = jits
        self.depth = depth
        self.procedures = [f"f{i}" for i in range(self.random.randint(1, 4))]
        self.local = 0
        self.calls = 0

    def program(self) -> str:
        """Definitions; ``(f0 x)`` is to be called with a real number."""
        aliases = "".join(f"(define j{f} (compiled {f}))" for f in self.procedures if self.jits)
        return HELPERS + "\n".join(map(self._definition, self.procedures)) + aliases

    def _definition(self, name: str) -> str:
        self.calls = self.random.randint(1, 3)
        return f"(define ({name} n) (if (< n 1) {self._end()} {self._expression(self.depth)}))"

    def _end(self) -> str:
        return self.random.choice(["(random)", "0.25", "n", "(draw)", "(let ((e (draw))) e)"])

    def _expression(self, depth: int, is_called: bool = True) -> str:
        kinds = ["draw", "call", "sum", "let", "call", "let"]
        if depth > 0:
            kinds += ["sum", "let", "loop", "exit", "begin", "local", "if"]
            kinds += ["map", "for-each", "passed", "macro", "mutual", "keyed"]
            kinds += ["loop", "while", "chance", "walk", "closures"]
        if depth == 0 or not is_called:
            kinds = ["draw", "call"] if is_called else ["draw"]
        return getattr(self, f"_{self.random.choice(kinds).replace('-', '_')}")(depth - 1)

    def _draw(self, depth: int) -> str:
        return self.random.choice(["(random)", "(draw)", "(held)", "(* n (random))"])

    def _call(self, depth: int) -> str:
        if self.calls == 0:
            return self._draw(depth)
        self.calls -= 1
        callee = self.random.choice(self.procedures)
        if self.jits and self.random.random() < 0.5:
            callee = f"j{callee}"
        if self.random.random() < 0.15:
            return f"({self.random.choice(['passed', 'kept'])} {callee} (- n 1))"
        return f"({callee} (- n 1))"

    def _sum(self, depth: int) -> str:
        return f"(+ (* 0.6 {self._expression(depth)}) {self._expression(depth)})"

    def _let(self, depth: int) -> str:
        name, value = self.random.choice(NAMES), self._expression(depth)
        return f"(let (({name} {value})) (+ (* 0.7 {name}) {self._expression(depth)}))"

    def _begin(self, depth: int) -> str:
        name = self.random.choice(NAMES)
        return f"(let (({name} {self._expression(depth)})) (random) {self._expression(depth)})"

    def _if(self, depth: int) -> str:
        return f"(if (< n 2.5) {self._expression(depth)} {self._expression(depth)})"

    def _loop(self, depth: int) -> str:
        step = self._expression(depth)
        return (
            f"(let loop ((i 0) (a 0.1)) (if (< i 2) (loop (+ i 1) (+ (* 0.8 a) {step})) "
            f"(+ a {self._expression(depth)})))"
        )

    def _exit(self, depth: int) -> str:
        return f"(let loop ((i 0)) (if (< i 2) (loop (+ i 1)) {self._expression(depth)}))"

    def _while(self, depth: int) -> str:
        """A loop whose end is traced, and which may have a second exit."""
        step, end = self._expression(depth), self._expression(depth, is_called=False)
        trip = f"(loop (+ i 1.0) (+ (* 0.8 a) {step}))"
        if self.random.random() < 0.3:
            trip = f"(if (< 0.8 (random)) (* a {self._draw(0)}) {trip})"
        return f"(let loop ((i 0.5) (a 0.1)) (if (< i n) {trip} (+ a {end})))"

    def _chance(self, depth: int) -> str:
        return f"(if (< (random) 0.5) {self._expression(depth)} {self._draw(0)})"

    def _walk(self, depth: int) -> str:
        """A procedure that goes on with itself."""
        self.local += 1
        step = self._expression(depth, is_called=False)
        return (
            f"(let () (define (w{self.local} m a) (if (< m 1) (+ a {self._draw(0)}) "
            f"(w{self.local} (- m 1) (+ (* 0.7 a) {step})))) (w{self.local} n 0.2))"
        )

    def _closures(self, depth: int) -> str:
        """A loop each of whose trips has variables of its own."""
        step = self._expression(depth, is_called=False)
        return (
            f"(let loop ((i 0) (a 0.1)) (if (< i 3) (let ((f (lambda () (+ i {step})))) "
            f"(loop (+ i 1) (+ (* 0.8 a) (* 0.1 (f)) (kept (lambda (n) (f)) n)))) a))"
        )

    def _local(self, depth: int) -> str:
        self.local += 1
        name = f"g{self.local}"
        inner, outer = self._expression(depth), self._expression(depth)
        call = self.random.choice(
            [f"({name} (- n 1))", f"(+ ({name} n) (* 0.4 ({name} (- n 1))))", f"(kept {name} n)"]
        )
        body = self.random.choice(
            [inner, f"(if (< n 1) (draw) (let ((k ({name} (- n 1)))) (+ k {inner})))"]
        )
        return f"(let () (define ({name} n) {body}) (let ((b {call})) (+ (* 0.3 b) {outer})))"

    def _mutual(self, depth: int) -> str:
        self.local += 1
        one, two = f"o{self.local}", f"e{self.local}"
        return (
            f"(letrec (({one} (lambda (n) (if (< n 1) (draw) (let ((x ({two} (- n 1)))) "
            f"(+ x (draw)))))) ({two} (lambda (n) (if (< n 1) {self._expression(depth)} "
            f"({one} (- n 1)))))) (+ ({self.random.choice([one, two])} n) "
            f"{self._expression(depth)}))"
        )

    def _map(self, depth: int) -> str:
        return f"(apply + (map (lambda (i) (* i {self._expression(depth)})) '(1 2)))"

    def _for_each(self, depth: int) -> str:
        return (
            f"(let ((m 0.5)) (for-each (lambda (i) (set! m (+ (* 0.5 m) "
            f"{self._expression(depth)}))) '(1 2)) m)"
        )

    def _passed(self, depth: int) -> str:
        how = self.random.choice(["passed", "kept"])
        return f"({how} (lambda (n) {self._expression(depth)}) n)"

    def _keyed(self, depth: int) -> str:
        return f"(with-rng 7 {self._expression(depth)})"

    def _macro(self, depth: int) -> str:
        if self.random.random() < 0.5:
            return f"(twice {self._draw(depth)})"
        return f"(unless-small n {self._expression(depth)})"
