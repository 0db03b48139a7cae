"""What is wrong with a call: Python's complaints about it, in the language's words.

Python says of a call that it can't make what is called, or how many arguments it takes, in a
``TypeError``. The form is read again from the source to find what was called.
"""

from __future__ import annotations

import dis
import inspect
import re
from collections.abc import Callable, Iterator
from types import CodeType, FrameType
from typing import Any, NamedTuple

from eshkol.base import sources
from eshkol.base.errors import ArityError, EshkolError, NotAProcedure
from eshkol.base.spans import Span
from eshkol.core.nodes import Const, Lambda, Parameter
from eshkol.datum.signatures import usage_text
from eshkol.datum.write import short_string
from eshkol.primitives.declare import PRIMITIVES, argument_count, count_text
from eshkol.reader.parser import read_all
from eshkol.runtime.hints import called
from eshkol.runtime.procedures import operator_name, procedure_of, procedure_of_code
from eshkol.syntax.objects import Keyword, Syntax, to_datum

KINDS = {
    "bool": "a truth value",
    "int": "an exact integer",
    "Fraction": "an exact rational",
    "float": "a real number",
    "complex": "a complex number",
    "str": "a string",
    "Symbol": "a symbol",
    "Char": "a char",
    "Pair": "a pair",
    "EmptyList": "the empty list",
    "Vector": "a vector",
    "HashTable": "a hash table",
    "ArrayImpl": "a tensor",
    "ndarray": "a tensor",
    "Unspecified": "the unspecified value",
}
"""What messages call a value of which only its Python class is known."""


class Site(NamedTuple):
    """A call in a source text.

    Attributes:
        frame: the running frame.
        span: the call.
        head: its operator; None in an expansion, whose source text is a macro use.
        given: how many arguments it has that are not named.
    """

    frame: FrameType
    span: Span
    head: Syntax | None
    given: int

    @property
    def operator(self) -> str:
        """The name that the operator is; empty if it is none."""
        return self.head.name if self.head is not None and self.head.is_identifier else ""


def site_of(frame: FrameType, span: Span) -> Site:
    """The call at ``span``, read again from the source."""
    forms = [] if sources.macro_at(span) else _read(sources.text_of(span))
    if len(forms) != 1 or not forms[0].is_list or not forms[0].datum:
        return Site(frame, span, None, 0)
    head, *rest = forms[0].parts
    named = sum(isinstance(part.datum, Keyword) for part in rest)
    return Site(frame, span, head, len(rest) - 2 * named)


def _read(text: str) -> list[Syntax]:
    try:
        return read_all(text, "<form>")
    except EshkolError:
        return []


def explain_call(error: Exception, frame: FrameType, span: Span) -> EshkolError | None:
    """The error for a call at ``span`` that Python could not make."""
    text = str(error)
    site = site_of(frame, span)
    found = re.match(r"'(.+)' object is not callable", text)
    if found:
        return _not_a_procedure(site, found.group(1).rpartition(".")[2])
    name = _complaint(text)
    if not name:
        return None
    for value in _values(site, name):
        if callable(value) and _is_named(value, name):
            return _arity(text, site.operator or _public(name), value, span)
    node = _lambda_at(site)
    if node is not None:
        return _arity(text, _public(name), node, span)
    return ArityError(f"{_public(name)} {_without_signature(text, site)}", span=span)


def explain_callback(
    error: Exception, frames: list[FrameType], frame: FrameType, span: Span
) -> EshkolError | None:
    """The error for a procedure that was given to a primitive and takes other arguments.

    Args:
        error: the ``TypeError``.
        frames: our own that run, innermost first.
        frame: the program's, which called them.
        span: the form that it called them at.
    """
    text = str(error)
    name = _complaint(text)
    found = _procedure_in(frames, name, text) if name else None
    if found is None:
        return None
    site = site_of(frame, span)
    for value in _values(site, site.operator):
        if _is_same(value, found):
            return _arity(text, site.operator or _public(name), found, span)
        if callable(value) and _is_primitive(value):
            return _unfit(text, site.operator, found, span)
    return _arity(text, _public(name), found, span)


# ---- what was called


def _complaint(text: str) -> str:
    """The name of the function that Python says was called with wrong arguments."""
    found = re.match(r"(\S+)\(\) (missing|takes|got an unexpected|got multiple)", text)
    return found.group(1) if found else ""


def _public(name: str) -> str:
    """A procedure's name for a message."""
    return "this procedure" if name in ("lambda", "<lambda>") else name


def _values(site: Site, name: str) -> Iterator[Any]:
    """What the operator of a call may have meant: its value, a local, a global, a primitive."""
    known = operator_name(site.span)
    if known in site.frame.f_locals:
        yield site.frame.f_locals[known]
    wanted = site.operator or name
    key = _letters(wanted)
    for local, value in site.frame.f_locals.items():
        if _letters(re.sub(r"_\d+$", "", local)) == key or _letters(local) == key:
            yield value
    if wanted in site.frame.f_globals:
        yield site.frame.f_globals[wanted]
    head, _, path = wanted.partition(".")
    if head and path and head in site.frame.f_globals:
        found = site.frame.f_globals[head]
        for word in path.split("."):
            found = getattr(found, word, None)
        yield found
    if wanted in PRIMITIVES:
        yield PRIMITIVES[wanted].function


def _letters(name: str) -> str:
    return re.sub(r"\W|_", "", name)


def _is_named(function: Any, name: str) -> bool:
    """Whether Python calls it so; it says of some functions which module they are from."""
    return name.rpartition(".")[2] in (
        getattr(function, "__qualname__", ""),
        getattr(function, "__name__", ""),
    )


def _is_primitive(function: Any) -> bool:
    known = PRIMITIVES.get(getattr(function, "__name__", ""))
    return known is not None and _plain(known.function) is _plain(function)


def _plain(function: Any) -> Any:
    return inspect.unwrap(function) if callable(function) else function


def _is_same(value: Any, found: Any) -> bool:
    """Whether ``found`` is what ``value`` calls: itself, or the staged body of it."""
    plain = _plain(value)
    known = procedure_of(plain)
    return plain is _plain(found) or (known is not None and known is procedure_of(found))


def _procedure_in(frames: list[FrameType], name: str, text: str) -> Any:
    """The program's procedure, or primitive, called ``name`` that our own frames hold.

    Of several, the first that Python's complaint ``text`` can be about.
    """
    found = [
        value
        for frame in frames
        for value in frame.f_locals.values()
        if callable(value)
        and _is_named(value, name)
        and (procedure_of(_plain(value)) is not None or _is_primitive(value))
    ]
    return next((value for value in found if _is_about(text, value)), found[0] if found else None)


def _is_about(text: str, function: Any) -> bool:
    """Whether the parameters that a complaint tells of are those of ``function``."""
    code = getattr(_plain(function), "__code__", None)
    stated = re.search(r"takes (?:from \d+ to )?(\d+)", text)
    if code is None or stated is None:
        return code is None or set(re.findall(r"'(.+?)'", text)) <= set(code.co_varnames)
    return code.co_argcount == int(stated.group(1))


def _lambda_at(site: Site) -> Lambda | None:
    """The Core of the ``lambda`` form that is the operator of a call."""
    if site.head is None:
        return None
    span = _absolute(site.head.span, site.span)
    for constant in site.frame.f_code.co_consts:
        procedure = procedure_of_code(constant) if isinstance(constant, CodeType) else None
        if procedure is not None and procedure.node.span == span:
            return procedure.node
    return None


def _absolute(part: Span, whole: Span) -> Span:
    """The span in the file of a part that was read from the text of ``whole``."""
    first = whole.line - 1
    start = part.column + (whole.column if part.line == 1 else 0)
    end = part.end_column + (whole.column if part.end_line == 1 else 0)
    return Span(whole.file, part.line + first, start, part.end_line + first, end)


# ---- what is wrong with it


def _not_a_procedure(site: Site, kind: str) -> EshkolError:
    span = site.span if site.head is None else _absolute(site.head.span, site.span)
    shown = _shown_operator(site, kind)
    return NotAProcedure(
        f"expected a procedure to call, got {shown}",
        span=span,
        hint=called(kind, shown),
    )


def _shown_operator(site: Site, kind: str) -> str:
    """The value that was called if it is known, else what Python's class of it means."""
    head = site.head
    if head is not None and not head.is_identifier:
        datum = to_datum(head)
        if not head.is_list:
            return short_string(datum)
        if head.parts[0].is_identifier and head.parts[0].name == "quote" and len(head.parts) == 2:
            return short_string(datum.cdr.car)
    for value in (*_loaded(site), *_values(site, site.operator)):
        if type(value).__name__ == kind and not callable(value):
            return short_string(value)
    return "a tensor" if kind.endswith("Tracer") else KINDS.get(kind, f"a value of class {kind}")


def _loaded(site: Site) -> Iterator[Any]:
    """The local variables, whatever Python calls them, that are read at the place of the operator.

    A procedure that is written out where it is called has no variables of its own names.
    """
    if site.head is None or not site.head.is_identifier:
        return
    span, code = _absolute(site.head.span, site.span), site.frame.f_code
    variables = site.frame.f_locals
    for instruction in dis.get_instructions(code):
        is_load = instruction.opname.startswith("LOAD_FAST")
        if is_load and sources.span_at(code, instruction.offset) == span:
            yield variables.get(instruction.argval)


def _arity(text: str, name: str, called: Any, span: Span) -> EshkolError:
    """The error for a direct call of ``called`` (a function, or the Core of a procedure)."""
    count, least, usage = _arguments(called)
    hint = use_of(name, usage)
    needed = re.search(r"missing \d+ required keyword-only arguments?: '(.+?)'", text)
    if needed:
        shown = "#:" + needed.group(1).replace("_", "-")
        return ArityError(f"{name} needs the argument {shown}", span=span, hint=hint)
    keyword = re.search(r"(unexpected keyword argument|values for argument) '(.+?)'", text)
    if keyword is None:
        return ArityError(f"{name} takes {count}, got {_given(text, least)}", span=span, hint=hint)
    shown = "#:" + keyword.group(2).replace("_", "-")
    if keyword.group(1).startswith("unexpected"):
        return ArityError(f"{name} has no keyword argument {shown}", span=span, hint=hint)
    return ArityError(f"{name}: the argument {shown} is given twice", span=span, hint=hint)


def _unfit(text: str, who: str, found: Any, span: Span) -> EshkolError:
    """The error for a procedure that ``who`` was given and could not call."""
    _, least, _ = _arguments(found)
    return unfit(_given(text, least), who, found, span)


def unfit(given: int, who: str, found: Any, span: Span | None = None) -> EshkolError:
    """The error for a procedure that ``who`` was given and called with ``given`` arguments."""
    count, _, usage = _arguments(found)
    name = getattr(found, "__name__", "lambda")
    return ArityError(
        f"{who}: expected a procedure that takes {argument_count(given, given)}, "
        f"got {short_string(found)}, which takes {count}",
        span=span,
        hint=use_of(name, usage),
    )


NAMELESS = ("this procedure", "lambda")
"""How messages call procedures that have no name."""


def use_of(name: str, usage: Callable[[str], str]) -> str:
    """A hint that shows a call; of what has no name, its parameters."""
    if name not in NAMELESS:
        return f"use: {usage(name)}"
    parameters = usage("").removeprefix("(").strip()
    return f"its parameters are ({parameters}"


def _given(text: str, least: int) -> int:
    """How many arguments Python says came; ``least`` are needed."""
    found = re.search(r"but (\d+)|\((\d+) given\)", text)
    if found:
        return int(found.group(1) or found.group(2))
    missing = re.search(r"missing (\d+)", text)
    return least - int(missing.group(1)) if missing else least


def _without_signature(text: str, site: Site) -> str:
    """What Python says about a call of something that is not at hand."""
    found = re.search(r"takes (?:from )?(\d+)(?: to (\d+))?", text)
    if found:
        least = int(found.group(1))
        takes = argument_count(least, int(found.group(2) or least))
        return f"takes {takes}, got {_given(text, least)}"
    stated = re.search(r"takes (exactly|at least|at most)? ?(one|no|\d+) .*\((\d+) given\)", text)
    if stated:
        bound, number, given = stated.groups()
        most = {"one": 1, "no": 0}.get(number) if number in ("one", "no") else int(number)
        words = f"{bound} " if bound in ("at least", "at most") else ""
        return f"takes {words}{argument_count(most or 0, most)}, got {given}"
    missing = re.search(r"missing (\d+)", text)
    if missing and site.head is not None:
        needed = site.given + int(missing.group(1))
        return f"needs {argument_count(needed, needed)}, got {site.given}"
    return "can't be called with these arguments"


def _arguments(called: Any) -> tuple[str, int, Callable[[str], str]]:
    """How many arguments something takes in words, the least number, and a call of it as text."""
    procedure = None if isinstance(called, Lambda) else procedure_of(_plain(called))
    node = called if procedure is None else procedure.node
    if isinstance(node, Lambda):
        positional = [parameter for parameter in node.parameters if not parameter.keyword]
        least = sum(parameter.default is None for parameter in positional)
        most = None if node.rest is not None else len(positional)
        return argument_count(least, most), least, lambda name: usage_of(name, node)
    signature = inspect.signature(called)
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    least = sum(p.default is p.empty and p.kind in kinds for p in signature.parameters.values())
    return count_text(signature), least, lambda name: usage_text(name, signature)


def usage_of(name: str, node: Lambda) -> str:
    """A call of a procedure as text, with the names of its parameters."""
    words = [name, *(_parameter(p) for p in node.parameters if not p.keyword)]
    if node.rest is not None:
        words.append(f"{node.rest.name} …")
    for parameter in node.parameters:
        if parameter.keyword:
            words += [f"#:{parameter.keyword}", _parameter(parameter)]
    return f"({' '.join(words)})"


def _parameter(parameter: Parameter) -> str:
    if parameter.default is None:
        return parameter.variable.name
    default = parameter.default
    shown = short_string(default.value) if isinstance(default, Const) else "…"
    return f"({parameter.variable.name} {shown})"
