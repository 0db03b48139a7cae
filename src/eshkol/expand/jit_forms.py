"""``define-jit`` and ``with-xla-jit``: procedures and bodies that are compiled by XLA."""

from __future__ import annotations

from eshkol.base.errors import ExpandError
from eshkol.expand.derived_forms import introduced, name_and_formals
from eshkol.expand.expander import Expander, derived_form
from eshkol.expand.grammar import match_form, misfit, parts_with_tail
from eshkol.expand.templates import fill
from eshkol.syntax.objects import Keyword, Syntax

OPTIONS = ("static", "donate", "device", "backend", "max-depth")

_DEFINE_USAGE = "(define-jit (name parameter ...) body ...+) or (define-jit name procedure)"
_BODY_USAGE = "(with-xla-jit body ...+)"


@derived_form("(define-jit target body ...+)")
def rewrite_define_jit(expander: Expander, form: Syntax, usage: str) -> Syntax:
    """A definition of a compiled procedure; before the body may stand the options of ``jit``.

    ``(define-jit (f x) (* 2 x))`` defines what ``(define f (jit (lambda (x) (* 2 x))))`` does.
    Inside the body the name means the procedure itself, so it may call itself. After ``#:static``
    and ``#:donate`` the names of parameters need no quotes: ``#:static n``, ``#:donate (w state)``.
    """
    captures = match_form("(define-jit target part ...)", form, _DEFINE_USAGE)
    target, parts = captures["target"], list(captures["part"])
    items, _ = ((), None) if target.is_identifier else parts_with_tail(target)
    if not target.is_identifier and not (items and items[0].is_identifier):
        raise misfit(_DEFINE_USAGE, form, "expected a name, or (name parameter …)", target)
    options, body = _split(form, parts, target.is_identifier)
    if not body:
        raise misfit(_DEFINE_USAGE, form, "expected a body", form)
    if target.is_identifier:
        if len(body) > 1:
            raise misfit(_DEFINE_USAGE, form, "expected one procedure", body[1])
        words = {"name": target, "value": body[0], "option": options}
        return fill("(define name (jit value option ...))", form, words)
    name, formals = items[0], _formals(target)
    names = {part.name for part in _parameters(formals)}
    words = {
        "name": name,
        "formals": formals,
        "body": body,
        "option": [_quoted(part, names) for part in options],
    }
    return fill(
        "(define name (jit (letrec ((name (lambda formals body ...))) name) option ...))",
        form,
        words,
    )


@derived_form("(with-xla-jit body ...+)")
def rewrite_with_xla_jit(expander: Expander, form: Syntax, usage: str) -> Syntax:
    """The value of a body that is compiled as one program; definitions in it are its own.

    The variables that it reads are inputs of the program, which is found again by its content. A
    body of nothing but definitions of procedures defines them, each compiled. The options of
    ``jit`` that are not about arguments may stand before the body.
    """
    parts = list(match_form("(with-xla-jit part ...)", form, _BODY_USAGE)["part"])
    options, body = _split(form, parts, anywhere=False)
    if not body:
        raise misfit(_BODY_USAGE, form, "expected a body", form)
    for option in options[::2]:
        if option.datum.name in ("static", "donate"):
            raise ExpandError(
                f"with-xla-jit: #:{option.datum.name} is about arguments, a body has none",
                span=option.span,
                hint="options of a body: #:device, #:backend and #:max-depth",
                trail=form.trail,
            )
    words = {"body": body, "option": options}
    if all(map(_defines_procedure, body)):
        definitions = [
            fill(
                "(define-jit target option ... step ...)",
                form,
                {"target": part.parts[1], "option": options, "step": list(part.parts[2:])},
            )
            for part in body
        ]
        return fill("(begin definition ...)", form, {"definition": definitions})
    return fill("((jit (lambda () body ...) option ...))", form, words)


def _split(form: Syntax, parts: list[Syntax], anywhere: bool) -> tuple[list[Syntax], list[Syntax]]:
    """The options before a body (``anywhere``: also behind it), and the body."""
    options: list[Syntax] = []
    body: list[Syntax] = []
    while parts:
        part = parts.pop(0)
        if not isinstance(part.datum, Keyword) or (body and not anywhere):
            body.append(part)
            continue
        name = part.datum.name
        if name not in OPTIONS:
            raise ExpandError(
                f"{form.parts[0].name}: there is no option #:{name}",
                span=part.span,
                hint=f"the options are {', '.join(f'#:{option}' for option in OPTIONS)}",
                trail=form.trail,
            )
        if not parts:
            raise ExpandError(
                f"{form.parts[0].name}: expected a value after #:{name}",
                span=part.span,
                trail=form.trail,
            )
        options += [part, parts.pop(0)]
    return options, body


def _formals(target: Syntax) -> Syntax:
    """The parameters of ``(name parameter …)``, which may end in a rest."""
    return name_and_formals(target, _DEFINE_USAGE)[1]


def _parameters(formals: Syntax) -> list[Syntax]:
    """The names of parameters, without their types and defaults."""
    if formals.is_identifier:
        return [formals]
    items, tail = parts_with_tail(formals)
    names = [] if tail is None else [tail]
    for item in items:
        part = item.parts[0] if item.is_list and item.parts else item
        if part.is_identifier:
            names.append(part)
    return names


def _quoted(part: Syntax, names: set[str]) -> Syntax:
    """What names parameters, quoted; anything else as it is."""
    items = part.parts if part.is_list else (part,)
    if items and all(item.is_identifier and item.name in names for item in items):
        return Syntax((introduced("quote", part), part), part.span, trail=part.trail)
    return part


def _defines_procedure(part: Syntax) -> bool:
    """Whether a form is ``(define (name parameter …) body …)``."""
    if not part.is_list or len(part.parts) < 3 or not part.parts[0].is_identifier:
        return False
    target = part.parts[1]
    if part.parts[0].name != "define" or target.is_identifier:
        return False
    items, _ = parts_with_tail(target)
    return bool(items) and items[0].is_identifier
