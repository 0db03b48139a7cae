"""What eager code knows of values before it runs: which variables hold ints, which floats.

A variable never changes after assignment conversion, so what it is bound to says what it holds;
loop variables hold ints if they start as ints and every trip gives ints. Where the variables that
a body computes with are unknown, it is worth asking once whether they are ints, and to have the
body twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from eshkol.core.nodes import (
    Call,
    Const,
    Continue,
    GlobalRef,
    If,
    Label,
    Lambda,
    Let,
    Letrec,
    LocalRef,
    Loop,
    Node,
    Sequence,
    Variable,
)
from eshkol.core.walk import bound_variables, children, everything
from eshkol.datum.symbols import Symbol

INT, FLOAT = " int", " float"
STRING, SYMBOL, PAIR = " str", " Symbol", " Pair"
TABLE, VECTOR = " HashTable", " Vector"
"""Kinds are the hidden names of the Python classes."""

NUMBERS = (INT, FLOAT)

RESULTS = {
    "string-append": STRING,
    "number->string": STRING,
    "string-join": STRING,
    "substring": STRING,
    "symbol->string": STRING,
    "string-length": INT,
    "vector-length": INT,
    "length": INT,
    "char->integer": INT,
    "make-hash-table": TABLE,
    "make-vector": VECTOR,
    "vector": VECTOR,
    "list->vector": VECTOR,
}
"""What calls of these primitives give, if nothing else."""

CLOSED = frozenset("+ - *".split())
"""Operations that give an int for ints and a float for floats."""

TESTED = {"pair?": PAIR, "symbol?": SYMBOL}
"""Predicates that hold of one kind and no other value."""

PARTS_OF_PAIRS = frozenset("car cdr caar cadr cdar cddr caddr cdddr cadddr".split())
"""Procedures that take a pair and nothing else."""

COMPARED = frozenset("= < > <= >=".split())

INTS_KEPT = frozenset("abs max min".split())
"""Operations that give an int for ints."""

INTEGER_RESULT = frozenset("quotient remainder modulo".split())

DIVIDED = INTEGER_RESULT | {"/"}

KEYED = frozenset("hash-ref hash-table-ref/default hash-set! hash-table-set!".split())
"""Operations on a table and a key."""

EXPECTED = (INT, FLOAT, STRING)
"""Kinds that variables are expected to be of."""

EXACT_IN_FLOATS = 2**53

ROUNDS = 4
"""How often what is expected of some variables may tell what to expect of others."""

MOST_LEVELS = 10
"""It is asked of every expression what is known of it, so not the whole of it is looked at."""

MOST_LOOPS = 3
"""Each loop is gone over more than once to know it, and with it the loops inside."""

MOST_NODES = 150
"""A body of more nodes is not had twice."""


class Kinds:
    """What is known of variables while one Python function is emitted.

    Attributes:
        known: the kinds of variables.
        counters: variables that hold small ints, or start so in a loop and change by small steps:
            no program runs so long that one leaves the range in which every int is a float.
        results: what calls of these procedures give.
    """

    def __init__(self, is_primitive: Callable[[Node], bool]) -> None:
        self.known: dict[Variable, str] = {}
        self.counters: set[Variable] = set()
        self.results: dict[str, str | None] = {}
        self._is_primitive = is_primitive

    def of(self, node: Node, within: int = MOST_LEVELS) -> str | None:
        """The kind of the value of ``node``; None if it is not known.

        Args:
            node: an expression.
            within: how many expressions inside one another are looked at.
        """
        if not within:
            return None
        match node:
            case Const():
                return kind_of_constant(node)
            case LocalRef():
                return self.known.get(node.variable)
            case If():
                then = self.of(node.then, within - 1)
                same = then is not None and then == self.of(node.otherwise, within - 1)
                return then if same else None
            case Let() | Letrec():
                return self.of(node.body, within - 1)
            case Sequence():
                return self.of(node.steps[-1], within - 1)
            case Call(procedure=GlobalRef(name=name)) if self._is_primitive(node.procedure):
                if name in RESULTS:
                    is_keyed = name == "make-hash-table" and node.arguments
                    return None if is_keyed else RESULTS[name]
                if name in INTS_KEPT:
                    kinds = {self.of(argument, within - 1) for argument in node.arguments}
                    return INT if kinds == {INT} else None
                if len(node.arguments) == 2:
                    return self._of_operation(name, *node.arguments, within - 1)
            case Call(procedure=GlobalRef(name=name)):
                return self.results.get(name)
        return None

    def number(self, node: Node) -> str | None:
        """The kind of the value of ``node`` if it is known to be an int or a float."""
        kind = self.of(node)
        return kind if kind in NUMBERS else None

    def is_moderate(self, node: Node, within: int = MOST_LEVELS) -> bool:
        """Whether ``node`` gives an int that floats can be computed with."""
        match node:
            case Const():
                return is_small_constant(node)
            case LocalRef():
                return node.variable in self.counters
            case Call(procedure=GlobalRef(name="+" | "-"), arguments=(left, right)):
                for one, other in ((left, right), (right, left)):
                    if within and _is_step(other) and self._is_primitive(node.procedure):
                        return self.is_moderate(one, within - 1)
        return False

    def _of_operation(self, name: str, left: Node, right: Node, within: int) -> str | None:
        if name not in CLOSED and name not in DIVIDED:
            return None
        kinds = {self.of(left, within), self.of(right, within)}
        if kinds == {INT}:
            return None if name == "/" else INT
        if name not in INTEGER_RESULT and FLOAT in kinds and kinds <= set(NUMBERS):
            return FLOAT
        return None

    def bind(self, variable: Variable, value: Node) -> None:
        """Note what a variable is bound to."""
        self.note(variable, self.of(value))
        if self.is_moderate(value):
            self.counters.add(variable)

    def note(self, variable: Variable, kind: str | None) -> None:
        """Note what a variable holds; None if that is not known."""
        if kind is None:
            self.known.pop(variable, None)
        else:
            self.known[variable] = kind

    def tested(self, test: Node) -> dict[Variable, str]:
        """What is known of variables where ``test`` holds."""
        match test:
            case Call(procedure=GlobalRef(name=name), arguments=(LocalRef() as value,)):
                if name in TESTED and self._is_primitive(test.procedure):
                    return {value.variable: TESTED[name]}
            case If(otherwise=Const(value=False)):
                return self.tested(test.test) | self.tested(test.then)
        return {}

    def learn(self, value: Node) -> None:
        """Note what is known of variables after ``value`` was computed without an error."""
        match value:
            case Call(procedure=GlobalRef(name=name), arguments=(LocalRef() as pair,)):
                if name in PARTS_OF_PAIRS and self._is_primitive(value.procedure):
                    self.known[pair.variable] = PAIR

    def enter(self, loop: Loop, within: int = MOST_LOOPS) -> None:
        """Find out what the variables of a loop hold in every trip.

        Args:
            loop: a loop.
            within: how many loops inside one another are looked at.
        """
        kinds = {
            variable: self.of(value)
            for variable, value in zip(loop.variables, loop.values, strict=True)
        }
        settled = False
        while not settled:
            for variable, kind in kinds.items():
                self.note(variable, kind)
            self.note_inner(loop.body, within - 1)
            settled = True
            for trip in trips(loop):
                for variable, value in zip(loop.variables, trip.arguments, strict=True):
                    if kinds[variable] is not None and self.of(value) != kinds[variable]:
                        kinds[variable] = None
                        settled = False
        self._note_counters(loop)

    def _note_counters(self, loop: Loop) -> None:
        for index, variable in enumerate(loop.variables):
            values = [trip.arguments[index] for trip in trips(loop)]
            if self.is_moderate(loop.values[index]) and all(
                _is_stepped(value, variable, self._is_primitive) for value in values
            ):
                self.counters.add(variable)

    def note_inner(self, node: Node, within: int = MOST_LOOPS) -> None:
        """Note what the variables bound in ``node`` hold, those of its procedures left out."""
        match node:
            case Lambda():
                return
            case Let() | Letrec():
                for variable, value in zip(node.variables, node.values, strict=True):
                    self.note_inner(value, within)
                    self.bind(variable, value)
                self.note_inner(node.body, within)
            case Loop():
                for value in node.values:
                    self.note_inner(value, within)
                if within:
                    self.enter(node, within)
            case _:
                for child in children(node):
                    self.note_inner(child, within)

    def worth_asking(self, body: Node) -> dict[Variable, str]:
        """The variables of which it pays to ask what they hold before ``body``, and what.

        A variable that meets an int is expected to hold one, likewise a float; variables that
        meet are expected to hold the same.
        """
        if not _is_small(body):
            return {}
        saved = dict(self.known)
        bound = {v for part in everything(body) for v in bound_variables(part)}
        operations = list(self._computed(body))
        expected: dict[Variable, str] = {}
        rejected: set[Variable] = set()
        for _ in range(ROUNDS):
            self.note_inner(body)
            for pair in operations:
                for node, other in (pair, pair[::-1]):
                    kind = self.of(other)
                    if (
                        kind not in EXPECTED
                        or not isinstance(node, LocalRef)
                        or node.variable in bound
                    ):
                        continue
                    if node.variable in saved or (
                        is_small_constant(other) and node.variable in expected
                    ):
                        continue
                    if expected.setdefault(node.variable, kind) != kind:
                        rejected.add(node.variable)
                    else:
                        self.known[node.variable] = kind
        self.known = saved
        asked = {v: kind for v, kind in expected.items() if v not in rejected}
        return asked if len(asked) < len(operations) else {}

    def _computed(self, body: Node) -> Iterator[tuple[Node, Node]]:
        """Expressions in ``body`` that are expected to be of one kind.

        They are the operands of arithmetic and comparisons; a key of a hash table comes with a
        string, which is what most keys are.
        """
        stack = [body]
        while stack:
            node = stack.pop()
            match node:
                case Call(procedure=GlobalRef(name=name), arguments=(left, right)):
                    is_computed = name in CLOSED or name in COMPARED or name in DIVIDED
                    if is_computed and self._is_primitive(node.procedure):
                        yield left, right
                case Call(procedure=GlobalRef(name=name), arguments=(_, key, _)):
                    if name in KEYED and self._is_primitive(node.procedure):
                        yield key, Const(key.span, "")
            stack.extend(children(node))


def kind_of_constant(node: Const) -> str | None:
    """The kind of a constant."""
    return _CONSTANTS.get(node.value.__class__)


_CONSTANTS: dict[type, str] = {int: INT, float: FLOAT, str: STRING, Symbol: SYMBOL}


def is_small_constant(node: Node) -> bool:
    """Whether ``node`` is an exact constant that can be added to every int and every float."""
    return (
        isinstance(node, Const)
        and node.value.__class__ is int
        and abs(node.value) < EXACT_IN_FLOATS
    )


LARGEST_STEP = 16
"""A counter that changes by more in a trip might get anywhere."""


def _is_step(node: Node) -> bool:
    return is_small_constant(node) and abs(node.value) <= LARGEST_STEP  # type: ignore[attr-defined]


def _is_stepped(value: Node, variable: Variable, is_primitive: Callable[[Node], bool]) -> bool:
    """Whether ``value`` is ``variable`` or ``variable`` and a step."""
    if isinstance(value, LocalRef):
        return value.variable is variable
    match value:
        case Call(procedure=GlobalRef(name="+" | "-" as name), arguments=(left, right)):
            if not is_primitive(value.procedure):
                return False
            if name == "+" and _is_step(left):
                left, right = right, left
            return isinstance(left, LocalRef) and left.variable is variable and _is_step(right)
    return False


def trips(loop: Loop) -> list[Continue]:
    """Where the loop goes on."""
    return continues(loop.body, loop.label)


def continues(node: Node, label: Label) -> list[Continue]:
    """Where ``node`` goes on with the loop of this label."""
    return [part for part in everything(node) if isinstance(part, Continue) and part.label is label]


def _is_small(body: Node) -> bool:
    """Whether ``body`` may be had twice: it makes no procedures, has no loops, and is short."""
    count = 0
    stack = [body]
    while stack:
        node = stack.pop()
        count += 1
        if isinstance(node, Lambda | Loop) or count > MOST_NODES:
            return False
        stack.extend(children(node))
    return True
