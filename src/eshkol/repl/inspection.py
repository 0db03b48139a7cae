"""What becomes of a form on its way: without macros, as Core, as Python, as a jaxpr."""

from __future__ import annotations

import ast
import re
from typing import Any

from eshkol.base.errors import WrongType
from eshkol.core.printer import print_core
from eshkol.datum.symbols import intern
from eshkol.datum.write import short_string
from eshkol.expand.expander import CORE_SCOPES
from eshkol.formatter.expanded import program_text
from eshkol.primitives.declare import load
from eshkol.runtime.procedures import MARK, Procedure, procedure_of
from eshkol.session import Session
from eshkol.syntax.objects import Keyword, Syntax, to_datum


def expanded(session: Session, form: Syntax) -> str:
    """A form without macros, as a program that means the same."""
    nodes = session.expand_forms([form], form.span.file)[0]
    return "\n".join(program_text(node) for node in nodes)


def steps(session: Session, forms: list[Syntax]) -> tuple[list[str], Exception | None]:
    """Each macro use on the way, and the error that the way ends with, if it does."""
    from eshkol.expand.stepper import expand_in_steps

    found, _, error = expand_in_steps(session.expander, forms)
    return [str(step) for step in found], error


def core(session: Session, form: Syntax) -> str:
    """The Core of a form, or of the procedure it names, after all passes: with boxes and loops."""
    from eshkol.codegen.unit import prepare

    procedure = _named_procedure(session, form)
    if procedure is not None:
        return print_core(procedure.node)
    nodes = session.expand_forms([form], form.span.file)[0]
    return "\n".join(print_core(prepare(node)) for node in nodes)


def python(session: Session, form: Syntax) -> str:
    """The Python that a form, or the procedure it names, is compiled to.

    Names that begin with ``_`` are the runtime's own.
    """
    from eshkol.codegen.unit import procedure_syntax, program_syntax

    procedure = _named_procedure(session, form)
    if procedure is not None:
        return _unparsed(procedure_syntax(procedure))
    nodes, span = session.expand_forms([form], form.span.file)
    defined = session.namespace.variables
    primitives = [name for name in session.namespace.builtins if name not in defined]
    function, _ = program_syntax(nodes, span, primitives)
    return _unparsed(function)


def _named_procedure(session: Session, form: Syntax) -> Procedure | None:
    """The procedure of a program that a form names."""
    if not form.is_identifier or _is_form(session, form):
        return None
    return procedure_of(session.namespace.variables.get(form.name))


def _unparsed(function: ast.stmt) -> str:
    for part in ast.walk(function):
        for field in ("id", "name", "arg"):
            name = getattr(part, field, None)
            if isinstance(name, str):
                setattr(part, field, re.sub("^ ", "_", name.replace(MARK, ".")))
    return ast.unparse(ast.fix_missing_locations(function))


def jaxpr(session: Session, form: Syntax) -> str:
    """The jaxpr of a call of a compiled procedure, or of a form as a procedure of no arguments.

    Raises:
        WrongType: if what is called is no procedure.
    """
    if not form.is_list and callable(called := _value(session, form)):
        raise WrongType(
            f"expected a call, got {short_string(called)}",
            span=form.span,
            hint=f"with arguments of the kind it is for: ,jaxpr ({to_datum(form)} …)",
        )
    parts = form.parts if form.is_list else ()
    is_call = bool(parts) and not _is_form(session, parts[0])
    if not is_call:
        name = Syntax(intern("lambda"), form.span, CORE_SCOPES)
        parts = (Syntax((name, Syntax((), form.span), form), form.span),)
    values = [_value(session, part) for part in parts if not isinstance(part.datum, Keyword)]
    procedure, arguments, options = values[0], [], {}
    items = iter(values[1:])
    keyword = None
    for part in parts[1:]:
        if isinstance(part.datum, Keyword):
            keyword = part.datum.name.replace("-", "_")
        elif keyword is None:
            arguments.append(next(items))
        else:
            options[keyword], keyword = next(items), None
    if not callable(procedure):
        raise WrongType(
            f"expected a procedure to call, got {short_string(procedure)}", span=parts[0].span
        )
    compiled = getattr(procedure, "eshkol_jit", None) or load("eshkol.xla.jit:Jitted")(procedure)
    return str(compiled.jaxpr(tuple(arguments), options))


def _is_form(session: Session, head: Syntax) -> bool:
    """Whether a form that begins with ``head`` is no call."""
    return head.is_identifier and session.expander.syntax(head.name) is not None


def _value(session: Session, form: Syntax) -> Any:
    return session.evaluate_forms([form], form.span.file)
