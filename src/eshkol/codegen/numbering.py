"""Which trip a loop is in: hidden variables, for the keys of random draws (``runtime/draw_paths``).

Loops that can't draw have none. In eager code they are Python variables: one holds an object of the
run's own, the other counts. Staged code that draws in loops has them as variables of the loops.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import replace

from eshkol.base.spans import Span
from eshkol.codegen import python as py
from eshkol.codegen.names import Names
from eshkol.core.nodes import (
    Call,
    Const,
    Continue,
    GlobalRef,
    Label,
    Lambda,
    LocalRef,
    Loop,
    Node,
    Variable,
)
from eshkol.core.surroundings import trip_names
from eshkol.core.walk import everything, rebuild

IsPrimitive = Callable[[Node], bool]

_OF_CASE = " eqv?"
"""What ``case`` compares with."""

QUIET = frozenset(
    """
    + - * / = < > <= >= abs min max quotient remainder modulo floor ceiling round truncate
    floor/ floor-quotient floor-remainder truncate/ truncate-quotient truncate-remainder gcd lcm
    square sqrt exp log sin cos tan asin acos atan sinh cosh tanh expt 1+ -1+ add1 sub1 exact
    inexact exact->inexact inexact->exact exact-integer-sqrt numerator denominator
    bitwise-and bitwise-or bitwise-xor bitwise-not arithmetic-shift
    zero? positive? negative? even? odd? integer? rational? real? number? exact? inexact? nan?
    not eq? eqv? equal? boolean? symbol? string? char? procedure? vector? pair? null? list?
    cons car cdr caar cadr cdar cddr caddr cdddr set-car! set-cdr! list length append reverse
    list-ref list-tail memq memv assq assv
    vector make-vector vector-ref vector-set! vector-length vector-fill! vector->list list->vector
    string string-length string-ref substring string-append string=? string<? string->symbol
    symbol->string number->string string->number string-copy string->list list->string
    char=? char<? char->integer integer->char char-upcase char-downcase char-alphabetic?
    char-numeric? char-whitespace?
    make-hash-table hash-set! hash-count hash-has-key? hash-remove!
    tensor-ref tensor-set! tensor-length tensor-get tensor-add tensor-sub tensor-mul tensor-div
    tensor-sum tensor-mean tensor-max tensor-min tensor-dot tensor-shape dot matmul transpose
    reshape display newline write write-string write-char
    """.split()
)
"""Primitives that neither draw nor call procedures."""


def may_lead_to_draw(loop: Loop, is_primitive: IsPrimitive) -> bool:
    """Whether something may be drawn in a loop, or in what it calls."""
    calls = (part.procedure for part in everything(loop.body) if isinstance(part, Call))
    return not all(
        isinstance(callee, GlobalRef)
        and (callee.name == _OF_CASE or (callee.name in QUIET and is_primitive(callee)))
        for callee in calls
    )


# ---- eager loops


def begin_run(span: Span, names: tuple[str, str]) -> list[ast.stmt]:
    """The statements with which a run begins."""
    run, trip = names
    own = py.at(span, ast.List([], py.LOAD))
    return [py.assign(span, run, own), py.assign(span, trip, py.constant(span, 0))]


def count_trip(span: Span, names: tuple[str, str]) -> ast.stmt:
    """The statement that counts a trip."""
    return py.at(span, ast.AugAssign(py.store(span, names[1]), ast.Add(), py.constant(span, 1)))


def load_hidden(span: Span, names: Iterable[str]) -> list[ast.stmt]:
    """Statements that make a Python function know these hidden variables of loops around it."""
    return [py.at(span, ast.Expr(py.load(span, name))) for name in names]


# ---- staged loops


class TripVariable(Variable):
    """A hidden variable of a loop."""

    __slots__ = ()


def hidden_variables(variables: tuple[Variable, ...]) -> tuple[Variable, ...]:
    """The hidden ones of the variables of a loop."""
    return tuple([variable for variable in variables if isinstance(variable, TripVariable)])


def numbered(node: Lambda, owner: str, names: Names, is_primitive: IsPrimitive) -> Lambda:
    """A procedure whose loops carry their run and trip.

    Args:
        node: the procedure.
        owner: what the hidden variables tell it by.
        names: gets the Python names of the hidden variables.
        is_primitive: whether a node is the name of a primitive.
    """
    numbering = _Numbering(owner, names, is_primitive)
    result = rebuild(node, lambda part: numbering.change(part, 0))
    assert isinstance(result, Lambda)
    return result


class _Numbering:
    """Adds hidden variables to the loops of a procedure."""

    def __init__(self, owner: str, names: Names, is_primitive: IsPrimitive) -> None:
        self._owner = owner
        self._names = names
        self._is_primitive = is_primitive
        self._hidden: dict[Label, tuple[Variable, Variable]] = {}

    def change(self, node: Node, depth: int) -> Node:
        """A part that stands in so many loops."""
        if isinstance(node, Lambda):
            return node
        if isinstance(node, Loop):
            return self._loop(node, depth + 1)
        changed = rebuild(node, lambda part: self.change(part, depth))
        if isinstance(changed, Continue) and changed.label in self._hidden:
            run, trip = (LocalRef(node.span, hidden) for hidden in self._hidden[changed.label])
            following = Call(node.span, GlobalRef(node.span, " next_trip"), (trip,))
            return replace(changed, arguments=(*changed.arguments, run, following))
        return changed

    def _loop(self, loop: Loop, depth: int) -> Loop:
        values = tuple([self.change(value, depth - 1) for value in loop.values])
        if not may_lead_to_draw(loop, self._is_primitive):
            return replace(loop, values=values, body=self.change(loop.body, depth))
        words = trip_names(self._owner, depth)
        run, trip = TripVariable(words[0]), TripVariable(words[1])
        self._names[run], self._names[trip] = words
        self._hidden[loop.label] = run, trip
        begins = Call(loop.span, GlobalRef(loop.span, " new_run"), ())
        return replace(
            loop,
            variables=(*loop.variables, run, trip),
            values=(*values, begins, Const(loop.span, 0)),
            body=self.change(loop.body, depth),
        )
