"""Forms that are short for others: threading, ``rec``, ``fluid-let``, regions, declared types."""

from __future__ import annotations

from eshkol.base.errors import ExpandError
from eshkol.datum.symbols import intern
from eshkol.expand.expander import CORE_SCOPES, Expander, derived_form
from eshkol.expand.grammar import match_form, misfit, parts_with_tail, shown
from eshkol.expand.templates import fill, template_form
from eshkol.syntax.objects import Dotted, Syntax


def introduced(name: str, form: Syntax) -> Syntax:
    """An identifier of the language, at the place of ``form``."""
    return Syntax(intern(name), form.span, CORE_SCOPES, form.trail)


# ---- naming values


@derived_form("(fluid-let ((name:id value) ...) body ...+)")
def rewrite_fluid_let(expander: Expander, form: Syntax, usage: str) -> Syntax:
    """Variables that have other values while a body runs, however it is left."""
    captures = match_form(usage, form)
    captures["other"] = [introduced(f"{name.name}.other", form) for name in captures["name"]]
    return fill(
        """(let ((other value) ...)
             (define (swap!) (let ((now name)) (set! name other) (set! other now)) ... #t)
             (dynamic-wind swap! (lambda () body ...) swap!))""",
        form,
        captures,
    )


@derived_form("(rec name value)")
def rewrite_rec(expander: Expander, form: Syntax, usage: str) -> Syntax:
    """SRFI 31: a value that knows its own name; ``(rec (name parameter …) body …)`` a procedure."""
    if len(form.parts) > 1 and not form.parts[1].is_identifier:
        grammar = "(rec (name parameter ...) body ...+)"
        captures = match_form("(rec target body ...+)", form, grammar)
        captures["name"], captures["formals"] = name_and_formals(captures.pop("target"), grammar)
        return fill("(letrec ((name (lambda formals body ...))) name)", form, captures)
    captures = match_form("(rec name:id value)", form)
    return fill("(letrec ((name value)) name)", form, captures)


@derived_form("(named-lambda (name parameter ...) body ...+)")
def rewrite_named_lambda(expander: Expander, form: Syntax, usage: str) -> Syntax:
    """A procedure with a name for messages, which its body does not see."""
    captures = match_form("(named-lambda target body ...+)", form, usage)
    captures["name"], captures["formals"] = name_and_formals(captures.pop("target"), usage)
    return fill("(let ((name (lambda formals body ...))) name)", form, captures)


def name_and_formals(target: Syntax, usage: str) -> tuple[Syntax, Syntax]:
    """The name and the parameters of ``(name parameter …)``, which may end in a rest."""
    items, tail = parts_with_tail(target)
    if not items or not items[0].is_identifier:
        keyword = usage.strip("(").split()[0]
        raise ExpandError(
            f"{keyword}: expected (name parameter …), got {shown(target)}",
            span=target.span,
            hint=f"use: {usage}",
        )
    name, parameters = items[0], items[1:]
    if tail is None:
        return name, Syntax(parameters, target.span)
    return name, Syntax(Dotted(parameters, tail), target.span) if parameters else tail


@derived_form("(syntax-error message form ...)")
def rewrite_syntax_error(expander: Expander, form: Syntax, usage: str) -> Syntax:
    """An error that a macro tells of its use (R7RS 4.3.3)."""
    captures = match_form(usage, form)
    message = captures["message"].datum
    if not isinstance(message, str):
        raise misfit(usage, form, "expected a string as message", captures["message"])
    words = " ".join([message, *map(shown, captures["form"])])
    raise ExpandError(words, span=form.span, trail=form.trail)


@derived_form("(string~{} part ...)")
def rewrite_interpolated_string(expander: Expander, form: Syntax, usage: str) -> Syntax:
    """What the reader makes of ``"x=~{x}"``: texts and values, as ``display`` shows them."""
    return fill("(| interpolate| part ...)", form, match_form(usage, form))


# ---- threading


@derived_form("(-> value step ...)")
def rewrite_thread_first(expander: Expander, form: Syntax, usage: str) -> Syntax:
    """``(-> x (f a) g)`` is ``(g (f x a))``: each value is the first argument of the next step."""
    return _threaded(form, usage, 1)


@derived_form("(->> value step ...)")
def rewrite_thread_last(expander: Expander, form: Syntax, usage: str) -> Syntax:
    """``(->> x (f a) g)`` is ``(g (f a x))``: each value is the last argument of the next step."""
    return _threaded(form, usage, None)


def _threaded(form: Syntax, usage: str, position: int | None) -> Syntax:
    captures = match_form(usage, form)
    value = captures["value"]
    for step in captures["step"]:
        if not (step.is_identifier or (step.is_list and step.parts)):
            raise ExpandError(
                f"{form.parts[0].name}: expected a step f or (f argument …), got {shown(step)}",
                span=step.span,
                hint=f"use: {usage}",
                trail=form.trail,
            )
        parts = list(step.parts) if step.is_list else [step]
        parts.insert(len(parts) if position is None else position, value)
        value = Syntax(tuple(parts), step.span, trail=step.trail)
    return value


# ---- what is checked later, or means nothing here


template_form("(the type value)", "value")


template_form("(future expression)", "(| make_future| (lambda () expression))")


@derived_form("(: name type ...+)")
def rewrite_declared_type(expander: Expander, form: Syntax, usage: str) -> Syntax:
    """The type of a variable, which is not checked yet."""
    match_form("(: name:id type ...+)", form)
    return fill("(begin)", form, {})


@derived_form("(define-type name definition ...)")
def rewrite_define_type(expander: Expander, form: Syntax, usage: str) -> Syntax:
    """A name for a type: types are not checked yet."""
    match_form(usage, form)
    return fill("(begin)", form, {})


@derived_form("(with-region name? body ...+)")
def rewrite_with_region(expander: Expander, form: Syntax, usage: str) -> Syntax:
    """A hint where data may be kept, with ``'name`` or ``('name size)`` first: just the body."""
    parts = match_form("(with-region part ...+)", form, "(with-region 'name body …)")["part"]
    if len(parts) > 1 and (_is_quoted(parts[0]) or _is_sized_region(parts[0])):
        parts = parts[1:]
    return fill("(let () part ...)", form, {"part": parts})


def _is_quoted(part: Syntax) -> bool:
    is_form = part.is_list and len(part.parts) == 2 and part.parts[0].is_identifier
    return is_form and part.parts[0].name == "quote"


def _is_sized_region(part: Syntax) -> bool:
    return part.is_list and len(part.parts) == 2 and _is_quoted(part.parts[0])
