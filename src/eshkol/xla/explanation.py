"""``explain``: how each form of a procedure is compiled, why, and what it costs.

The procedure is traced anew while a recorder listens (:mod:`eshkol.xla.staging_record`); costs are
those of the equations that each form became (:mod:`eshkol.xla.costs`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from eshkol.base import sources
from eshkol.base.errors import WrongType
from eshkol.base.spans import Span
from eshkol.core.nodes import If, Lambda
from eshkol.core.walk import everything
from eshkol.datum.pairs import scheme_list
from eshkol.datum.symbols import intern
from eshkol.datum.write import short_string
from eshkol.primitives.calling import check_eager
from eshkol.runtime.procedures import procedure_of
from eshkol.xla._compat import eliminate
from eshkol.xla.compilations import Compilation, causes, is_fixed, leaf_labels, words
from eshkol.xla.costs import Cost, cost_of
from eshkol.xla.equations import Positions, is_backward, shown_files
from eshkol.xla.explanation_text import html, text, wants_color
from eshkol.xla.jit import Entry, Jitted, held, main_procedure
from eshkol.xla.note_words import in_words
from eshkol.xla.reach import closures_of
from eshkol.xla.staging_record import Heard
from eshkol.xla.trees import Structure


@dataclass(frozen=True)
class Note:
    """Something that is told of a form.

    Attributes:
        span: where the form is.
        kind: ``static``, ``unused`` or one of ``eshkol.xla.notes.KINDS``.
        detail: in words.
        facts: what the words are made of, such as ``trips`` and ``lanes``.
    """

    span: Span
    kind: str
    detail: str
    facts: dict[str, Any] = field(default_factory=dict, compare=False)

    @property
    def source(self) -> str:
        """The text of the form."""
        return sources.text_of(self.span)

    @property
    def line(self) -> int:
        """The line on which the form begins."""
        return self.span.line


@dataclass
class Form:
    """A form of the source that was evaluated while the program was traced.

    Attributes:
        span: where it is.
        state: ``traced`` if it is computed by the compiled program, ``static`` if its value was
            known when the program was compiled.
        value: the types of what it gives, or the values where it is static.
        times: how often it was traced.
        flops: estimated operations of one run, both passes of derivatives.
        bytes: estimated memory traffic.
        backward_flops: of these, those of backward passes.
        is_open: whether it stands in a loop of an unknown number of trips, which counts once.
    """

    span: Span
    state: str = "traced"
    value: str = ""
    times: int = 0
    flops: float = 0.0
    bytes: float = 0.0
    backward_flops: float = 0.0
    is_open: bool = False

    @property
    def source(self) -> str:
        """The text of the form."""
        return sources.text_of(self.span)


@dataclass(frozen=True)
class Input:
    """A variable that the program takes.

    Attributes:
        label: ``argument x``, ``captured w``, ``top-level w``.
        type: what it is.
        state: ``traced``; ``static`` if its value is compiled in.
        because: the forms that need its value.
        remark: what was said in advance: ``#:static`` or ``#:donate``.
    """

    label: str
    type: str
    state: str
    because: tuple[Span, ...] = ()
    remark: str = ""


@dataclass(repr=False)
class Explanation:
    """How a call of a procedure is compiled. It prints as its annotated source.

    Attributes:
        name: of the procedure.
        inputs: what the program takes.
        notes: what is told of forms, in the order of the source.
        forms: the forms that were evaluated, in the order of the source.
        last_causes: what the last compilation was caused by; empty if there was none.
        is_loaded: whether the last one was taken from the store of compiled programs.
        not_stored: why the store has nothing of the program; empty if it has, or is switched off.
        would_compile: why this call would compile; empty if a compiled program is there.
        flops: estimated operations of one run.
        bytes: estimated memory traffic of one run.
        is_open: whether a loop of an unknown number of trips counts once.
        regions: the parts of the source that are shown.
        jaxpr: what was traced.
    """

    name: str
    inputs: list[Input]
    notes: list[Note]
    forms: list[Form]
    last_causes: list[str]
    is_loaded: bool
    not_stored: str
    would_compile: list[str]
    flops: float
    bytes: float
    is_open: bool
    regions: list[Span]
    jaxpr: Any = field(repr=False)

    def note_at(self, source: str) -> list[Note]:
        """The notes of the forms whose text begins so."""
        return [note for note in self.notes if note.source.startswith(source)]

    def form_at(self, source: str) -> Form:
        """The first form whose text begins so.

        Raises:
            KeyError: if there is none.
        """
        for form in self.forms:
            if form.source.startswith(source):
                return form
        raise KeyError(source)

    def __str__(self) -> str:
        return text(self)

    def __repr__(self) -> str:
        return text(self, wants_color())

    __scheme_report__ = __repr__

    def _repr_html_(self) -> str:
        return html(self)


def explain(function: Any, *arguments: Any, **options: Any) -> Explanation:
    """How a call of ``function`` with these arguments is compiled, or would be.

    Args:
        function: a jitted procedure, or one that is not.
        arguments: of the call.
        options: of the call.

    Raises:
        WrongType: if ``function`` can't be called.
        StagingError: while a program is compiled.
    """
    check_eager("explain")
    if not callable(function):
        raise WrongType(f"explain: expected a procedure, got {short_string(function)}")
    jitted = getattr(function, "eshkol_jit", None) or Jitted(function)
    entry, leaves = jitted.entry(arguments, options)
    main = main_procedure(jitted)
    positions = Positions(shown_files(main), explain.__code__)
    heard = Heard(positions)
    with heard.listening():
        jaxpr = entry.renewed().jaxpr([*jitted.front, *entry.lifted, *leaves])
    forms, total = _forms(heard, jaxpr, positions)
    nodes = list(_procedures(entry, positions.is_shown))
    program = entry.program
    labels = leaf_labels(program.procedure, program.reach, program.arguments)
    notes = sorted(_notes(heard, nodes, labels), key=lambda note: _order(note.span))
    inputs = [*held(jitted.leaves), *held(entry.reach.leaves), *leaves]
    known = jitted.compilations()
    last, now = _compilation_causes(known, entry, inputs, sorted(heard.uses))
    return Explanation(
        jitted.name,
        _inputs(entry, heard, inputs),
        notes,
        forms,
        last,
        bool(known) and known[-1].is_load,
        program.why_not_stored,
        now,
        total.flops,
        total.bytes,
        total.is_open,
        _regions(main, nodes, notes, forms),
        jaxpr,
    )


def notes_of(explanation: Any) -> Any:
    """The notes of an explanation as a Scheme list of ``(kind form line words)``."""
    if not isinstance(explanation, Explanation):
        shown = short_string(explanation)
        raise WrongType(
            f"explanation-notes: expected an explanation, got {shown}",
            hint="(explain procedure argument …) gives one",
        )
    return scheme_list(
        [
            scheme_list([intern(note.kind), note.source, note.line, note.detail])
            for note in explanation.notes
        ]
    )


def _order(span: Span) -> tuple[Any, ...]:
    return span.file, span.line, span.column, -span.end_line, -span.end_column


# ---- procedures


def _procedures(entry: Entry, is_shown: Callable[[str], bool]) -> Iterator[Lambda]:
    """The Core of the procedures that the program is made of, each once."""
    program, met = entry.program, set()
    structures: list[Structure] = [program.procedure, program.arguments, program.reach]
    for structure in structures:
        for function in closures_of(structure):
            known = procedure_of(function)
            if known is not None and known.node not in met and is_shown(known.node.span.file):
                met.add(known.node)
                yield known.node


def _regions(
    main: Lambda | None, nodes: Sequence[Lambda], notes: Sequence[Note], forms: Sequence[Form]
) -> list[Span]:
    """Whole procedures, the explained one first, and forms that stand in none of them."""
    spans = [] if main is None else [main.span]
    used = [*(note.span for note in notes), *(form.span for form in forms)]
    for node in sorted(nodes, key=lambda node: _order(node.span)):
        is_used = any(_holds(node.span, span) for span in used)
        if is_used and not any(_holds(span, node.span) for span in spans):
            spans.append(node.span)
    for span in used:
        if not any(_holds(region, span) for region in spans):
            spans.append(span)
    return [span for span in spans if not any(o != span and _holds(o, span) for o in spans)]


def _holds(outer: Span, inner: Span) -> bool:
    return (
        outer.file == inner.file
        and (outer.line, outer.column) <= (inner.line, inner.column)
        and (inner.end_line, inner.end_column) <= (outer.end_line, outer.end_column)
    )


# ---- notes


def _notes(heard: Heard, nodes: Sequence[Lambda], labels: Sequence[str]) -> Iterator[Note]:
    for span, decisions in heard.notes.items():
        for kind, facts in _joined(decisions):
            yield Note(span, kind, in_words(kind, facts), facts)
    for span, label in heard.needed(labels):
        yield Note(span, "static", f"needs the value of {label}, which is static")
    conditionals: dict[Span, If] = {}
    for node in nodes:
        conditionals |= {part.span: part for part in everything(node) if isinstance(part, If)}
    for span, decisions in heard.notes.items():
        taken = {facts["taken"] for kind, facts in decisions if kind == "followed"}
        others = [kind for kind, _ in decisions if kind != "followed"]
        node_of = conditionals.get(span)
        if node_of is not None and len(taken) == 1 and not others:
            left_out = node_of.otherwise if taken == {True} else node_of.then
            if sources.text_of(left_out.span) and left_out.span != span:
                detail = "left out: the condition is known"
                yield Note(left_out.span, "unused", detail)


def _joined(decisions: list[tuple[str, dict[str, Any]]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Decisions of one form; a condition that is known in every trip is told once."""
    taken = [facts["taken"] for kind, facts in decisions if kind == "followed"]
    if taken:
        yield "followed", {"taken": taken[0] if len(taken) == 1 else "each"}
    yield from ((kind, facts) for kind, facts in decisions if kind != "followed")


# ---- forms


def _forms(heard: Heard, jaxpr: Any, positions: Positions) -> tuple[list[Form], Cost]:
    forms: dict[Span, Form] = {}
    for span, seen in heard.seen.items():
        is_traced = bool(seen.traced)
        value = ", ".join(seen.traced if is_traced else list(seen.known)[:MOST_VALUES])
        more = not is_traced and len(seen.known) > MOST_VALUES
        state = "traced" if is_traced else "static"
        forms[span] = Form(span, state, value + ", …" * more, seen.times)

    def tell(equation: Any, cost: Cost) -> None:
        span = positions.of_equation(equation)
        if span is None:
            return
        form = forms.setdefault(span, Form(span))
        form.flops += cost.flops
        form.bytes += cost.bytes
        form.is_open = form.is_open or cost.is_open
        if is_backward(equation):
            form.backward_flops += cost.flops

    used, _ = eliminate(jaxpr, [True] * len(jaxpr.out_avals), [True] * len(jaxpr.in_avals))
    total = cost_of(used.jaxpr, tell)
    return sorted(forms.values(), key=lambda form: _order(form.span)), total


MOST_VALUES = 3
"""So many values of a form are shown."""


# ---- inputs and causes


def _inputs(entry: Entry, heard: Heard, leaves: Sequence[Any]) -> list[Input]:
    program = entry.program
    now = _as_compiled(entry, leaves)
    labels = leaf_labels(program.procedure, program.reach, program.arguments)
    uses = {labels[index]: spans for index, spans in heard.uses.items()}
    values = {labels[index]: value for index, value in now.known.items()}
    donated = {labels[index] for index in program.donated or () if index < len(labels)}
    found = []
    for label, (structure, types) in now.parts().items():
        names = [name for name in uses if name == label or name.startswith(label + ".")]
        spans = tuple(span for name in names for span in uses[name] if span is not None)
        given = [name for name in donated if name == label or name.startswith(label + ".")]
        remark = "#:static" if is_fixed(structure) else "#:donate" if given else ""
        if structure.__class__ is str:
            shown = short_string(values[label]) if label in values else types[0]
            found.append(Input(label, shown, "static" if names else "traced", spans, remark))
        else:
            found.append(Input(label, _summary(structure, types), _state(types), spans, remark))
    return found


def _state(types: Sequence[str]) -> str:
    return "traced" if types else "static"


def _summary(structure: Structure, types: Sequence[str]) -> str:
    """A structure in a few words."""

    if structure[0] != "closure":
        return words(structure, types)
    inside = f" that captures {', '.join(types[:4])}{', …' * (len(types) > 4)}" if types else ""
    return f"a procedure{inside}"


def _as_compiled(entry: Entry, leaves: Sequence[Any]) -> Compilation:
    """What a compilation for these leaves would note."""
    return entry.program.compilation(leaves, leaves)


def _compilation_causes(
    known: Sequence[Compilation], entry: Entry, leaves: Sequence[Any], statics: Sequence[int]
) -> tuple[list[str], list[str]]:
    """The causes of the last compilation, and of the one that a call would make."""
    now = _as_compiled(entry, leaves)
    last: list[str] = []
    if known:
        before = known[-2] if len(known) > 1 else None
        last = causes(before, known[-1])
    parts = now.parts()
    for each in known:
        is_same = each.parts() == parts
        if is_same and all(each.known.get(i) == now.known.get(i) for i in statics):
            return last, []
    return last, causes(known[-1] if known else None, now, statics)
