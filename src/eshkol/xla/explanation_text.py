"""Explanations as annotated source: text for terminals, HTML for notebooks."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, ClassVar

from eshkol.base import sources
from eshkol.base.spans import Span
from eshkol.xla.costs import amount

if TYPE_CHECKING:
    from eshkol.xla.explanation import Explanation, Form, Input, Note

STATIC, LEFT_OUT, PLAIN = "·", "×", " "
"""What stands in the margin: a line whose forms are all known, one that is not compiled."""

BAR = "█████"


def wants_color() -> bool:
    """Whether standard output is a terminal that shows colours."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


# ---- lines


class Line:
    """A line of the source with what is told of it."""

    def __init__(self, explanation: Explanation, file: str, number: int) -> None:
        self.number = number
        self.content = sources.line(file, number)
        self.notes = [
            note
            for note in explanation.notes
            if note.span.file == file and note.span.line == number and note.kind != "unused"
        ]
        self.forms = [
            form
            for form in explanation.forms
            if form.span.file == file and form.span.line == number
        ]
        self.is_left_out = _is_left_out(explanation, file, number, self.content)
        self.flops = sum(form.flops for form in self.forms)

    @property
    def mark(self) -> str:
        """What stands in the margin."""
        if self.is_left_out:
            return LEFT_OUT
        is_static = self.forms and all(form.state == "static" for form in self.forms)
        return STATIC if is_static else PLAIN


def _is_left_out(explanation: Explanation, file: str, number: int, content: str) -> bool:
    """Whether the forms of a line are compiled in no case."""
    start, end = len(content) - len(content.lstrip()), len(content.rstrip())
    for note in explanation.notes:
        span = note.span
        if note.kind == "unused" and span.file == file:
            begins = (span.line, span.column) <= (number, start)
            closing = content[span.end_column :].strip(" )]\t") if span.end_line == number else ""
            ends = span.end_line > number or (span.end_line == number and not closing)
            if begins and ends and end > start:
                return True
    return False


def lines_of(explanation: Explanation, region: Span) -> Iterator[Line]:
    """The lines of a region."""
    for number in range(region.line, region.end_line + 1):
        yield Line(explanation, region.file, number)


# ---- text


def text(explanation: Explanation, color: bool = False) -> str:
    """An explanation as text for a terminal."""
    paint = _Paint(color)
    lines = [paint(f"{explanation.name}: {_cost(explanation)}", "bold"), *_summary(explanation)]
    file = ""
    for region in explanation.regions:
        if sources.text_of(region):
            title = region.file if region.file != file else ""
            lines.append("" if not file or title else f"{'':{GUTTER}}{'':>5} ┆")
            lines += [paint(f"{'':{GUTTER}}{title}", "dim")] * bool(title)
            file = region.file
            for line in lines_of(explanation, region):
                lines += _line(explanation, line, paint)
    return "\n".join([*lines, "", _legend(explanation)])


GUTTER = 12
"""How wide the margin before the number of a line is."""


def _line(explanation: Explanation, line: Line, paint: _Paint) -> Iterator[str]:
    share = line.flops / explanation.flops if explanation.flops else 0.0
    percent = f"{share:4.0%}" if share >= 0.005 else ""
    heat = f"{percent:>4} {BAR[: round(share * len(BAR))]:<{len(BAR)}}"
    style = "dim" if line.mark != PLAIN else ""
    margin = f"{paint(heat, 'red')} {line.mark}"
    yield f"{margin}{line.number:>5} │ {paint(line.content, style)}".rstrip()
    for note in line.notes:
        told = paint(f"└ {note.detail}", "cyan")
        yield f"{'':{GUTTER}}{'':>5} │ {' ' * note.span.column}{told}"


class _Paint:
    """Colours words, if colours are wanted."""

    codes: ClassVar[dict[str, str]] = {"bold": "1", "dim": "2", "red": "31", "cyan": "36"}

    def __init__(self, is_wanted: bool) -> None:
        self.is_wanted = is_wanted

    def __call__(self, words: str, style: str) -> str:
        if not self.is_wanted or not style or not words.strip():
            return words
        return f"\033[{self.codes[style]}m{words}\033[0m"


def _cost(explanation: Explanation) -> str:
    at_least = "at least " if explanation.is_open else ""
    operations = amount(explanation.flops, "FLOP")
    return f"{at_least}{operations}, {amount(explanation.bytes, 'B')} moved (estimate)"


def _summary(explanation: Explanation) -> Iterator[str]:
    """What is compiled when, and what goes in."""
    yield from (f"  {sentence}" for sentence in _compilations(explanation))
    shown = [each for each in explanation.inputs if not _is_code(each)]
    width = max((len(each.label) for each in shown), default=0)
    types = max((len(each.type) for each in shown), default=0)
    for each in shown:
        because = _because(each)
        state = f"{each.state}: {because}" if because else each.state
        yield f"  {each.label:<{width}}  {each.type:<{types}}  {state}"


def _compilations(explanation: Explanation) -> Iterator[str]:
    if explanation.last_causes:
        what = "taken from the store" if explanation.is_loaded else "compiled"
        yield f"{what} last because: {'; '.join(explanation.last_causes)}"
    if explanation.not_stored:
        yield f"not kept for later processes: {explanation.not_stored}"
    if explanation.would_compile:
        yield f"this call would compile: {'; '.join(explanation.would_compile)}"


_REMARKS = {"#:static": "#:static says so", "#:donate": "#:donate gives it away"}


def _because(each: Input) -> str:
    """What made an input static, or what else was said of it."""
    words = [f"{_short(span)} needs it" for span in each.because]
    return ", ".join([*words, *([_REMARKS[each.remark]] if each.remark else [])])


def _is_code(each: Input) -> bool:
    """Whether an input is a procedure of the program that captures nothing."""
    is_plain = each.label.startswith("top-level ") and each.type == "a procedure"
    return is_plain or each.label == "procedure"


def _short(span: Span) -> str:
    words = " ".join(sources.text_of(span).split())
    return f"{words if len(words) <= 30 else words[:29] + '…'} in line {span.line}"


def _legend(explanation: Explanation) -> str:
    words = [f"{STATIC} known when compiled", f"{LEFT_OUT} left out", "% of the operations"]
    if explanation.is_open:
        words.append("loops of unknown length count one trip")
    return f"{'':{GUTTER}}{'   '.join(words)}"


# ---- HTML

_STYLE = """\
.eshkol-explanation{font-family:sans-serif;font-size:13px;line-height:1.45}
.eshkol-explanation table{border-collapse:collapse;margin:.4em 0}
.eshkol-explanation td{padding:0 .8em 0 0;text-align:left;vertical-align:top;border:0}
.eshkol-explanation .source td{white-space:pre;font-family:monospace}
.eshkol-explanation .number{opacity:.5;text-align:right}
.eshkol-explanation .static{background:rgba(80,140,255,.18)}
.eshkol-explanation .loop{border-bottom:2px solid rgba(255,150,0,.8)}
.eshkol-explanation .cond{border-bottom:2px solid rgba(160,80,255,.8)}
.eshkol-explanation .unused{opacity:.4;text-decoration:line-through}
.eshkol-explanation .note{opacity:.75;font-style:italic}
.eshkol-explanation span[title]:hover{outline:1px solid rgba(128,128,128,.6)}"""

_LOOPS = frozenset("scan loop unrolled stack vmap gradient".split())
_CHOICES = frozenset("cond select".split())


def html(explanation: Explanation) -> str:
    """An explanation as coloured source for a notebook: hovering over a form tells its type."""
    parts = [
        f"<div class='eshkol-explanation'><style>{_STYLE}</style>",
        f"<b>{escape(explanation.name)}</b>: {escape(_cost(explanation))}",
    ]
    parts += [f"<br>{escape(sentence)}" for sentence in _compilations(explanation)]
    parts.append("<table>")
    for each in (each for each in explanation.inputs if not _is_code(each)):
        cells = [each.label, each.type, each.state, _because(each)]
        parts.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
    parts.append("</table>")
    for region in explanation.regions:
        if sources.text_of(region):
            parts.append(_html_region(explanation, region))
    legend = "blue: known when compiled; orange: loops; purple: traced conditions; hover for types"
    parts.append(f"<span class='note'>{legend}</span></div>")
    return "\n".join(parts)


def _html_region(explanation: Explanation, region: Span) -> str:
    rows = [f"<table class='source'><tr><td></td><td></td><td>{escape(region.file)}</td></tr>"]
    colored = _colored_lines(explanation, region)
    for line, content in zip(lines_of(explanation, region), colored, strict=True):
        share = line.flops / explanation.flops if explanation.flops else 0.0
        heat = f"style='background:rgba(255,80,0,{share:.2f})'" if share >= 0.005 else ""
        percent = f"{share:.0%}" if share >= 0.005 else ""
        notes = "; ".join(note.detail for note in line.notes)
        rows.append(
            f"<tr><td class='number' {heat}>{percent}</td><td class='number'>{line.number}</td>"
            f"<td>{content}</td><td class='note'>{escape(notes)}</td></tr>"
        )
    return "".join([*rows, "</table>"])


def _colored_lines(explanation: Explanation, region: Span) -> Iterator[str]:
    """The lines of a region with a ``span`` for each form, closed and opened again at line ends."""
    marked = _marked(explanation, region)
    for number in range(region.line, region.end_line + 1):
        content = sources.line(region.file, number)
        edges: dict[int, list[str]] = {}
        open_now = [(span, tag) for span, tag in marked if span.line <= number <= span.end_line]
        for span, tag in open_now:
            start = span.column if span.line == number else 0
            edges.setdefault(start, []).append(tag)
        for span, _ in reversed(open_now):
            end = span.end_column if span.end_line == number else len(content)
            edges.setdefault(end, []).insert(0, "</span>")
        places = sorted({0, len(content), *edges})
        pieces = []
        for place, following in zip(places, [*places[1:], len(content)], strict=True):
            pieces += edges.get(place, [])
            pieces.append(escape(content[place:following]))
        yield "".join(pieces)


def _marked(explanation: Explanation, region: Span) -> list[tuple[Span, str]]:
    """The forms of a region, outer ones first, and the tags that they begin with."""
    found: dict[Span, tuple[Form | None, list[Note]]] = {}
    for form in explanation.forms:
        found[form.span] = form, []
    for note in explanation.notes:
        found.setdefault(note.span, (None, []))[1].append(note)
    spans = [span for span in found if span.file == region.file and span.line >= region.line]
    spans = [span for span in spans if span.end_line <= region.end_line]
    spans.sort(key=lambda span: (span.line, span.column, -span.end_line, -span.end_column))
    return [(span, _tag(*found[span])) for span in spans]


def _tag(form: Form | None, notes: Sequence[Note]) -> str:
    kinds = {note.kind for note in notes}
    classes = []
    if form is not None and form.state == "static":
        classes.append("static")
    if kinds & _LOOPS:
        classes.append("loop")
    elif kinds & _CHOICES:
        classes.append("cond")
    if "unused" in kinds:
        classes.append("unused")
    words = [note.detail for note in notes]
    if form is not None:
        words.insert(0, f"{form.state}: {form.value}" if form.value else form.state)
        if form.flops:
            words.append(amount(form.flops, "FLOP") + " in a trip" * form.is_open)
        if form.backward_flops:
            words.append(f"of these backwards {amount(form.backward_flops, 'FLOP')}")
    title = escape("\n".join(words), quote=True)
    return f"<span class='{' '.join(classes)}' title='{title}'>"
