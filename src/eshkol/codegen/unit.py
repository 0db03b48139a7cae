"""Compiling: top-level forms to a code object, and a procedure's staged body on demand."""

from __future__ import annotations

import ast
import hashlib
import types
import warnings
from collections.abc import Collection, Iterable, Iterator

from eshkol.base import sources
from eshkol.base.errors import ExpandError, InternalError
from eshkol.base.spans import Span
from eshkol.codegen import python as py
from eshkol.codegen.eager import EagerEmitter
from eshkol.codegen.emitter import RETURN, Unit, function_name
from eshkol.codegen.included import set_apart, settled
from eshkol.codegen.int_procedures import groups_of_ints
from eshkol.codegen.names import assign_names
from eshkol.codegen.numbering import numbered
from eshkol.codegen.staged import StagedEmitter
from eshkol.core.assignment import convert_assignments
from eshkol.core.check import check
from eshkol.core.free import free_variables, global_names
from eshkol.core.loops import recognize_loops
from eshkol.core.nodes import Define, Node, Sequence, SetGlobal
from eshkol.core.surroundings import owner_of
from eshkol.core.walk import everything
from eshkol.runtime.draw_paths import CallSites
from eshkol.runtime.procedures import Procedure, finish_code, ints_name

ENTRY = "<top level>"


def prepare(node: Node) -> Node:
    """Run the passes over one expanded top-level form, checking before and after."""
    check(node, boxes=False)
    node = recognize_loops(convert_assignments(node))
    return check(node, boxes=True)


def compile_program(
    nodes: Iterable[Node],
    span: Span,
    primitives: Collection[str],
    call_sites: CallSites | None = None,
) -> tuple[types.CodeType, Unit]:
    """Compile expanded top-level forms into the code of one Python function of no arguments.

    Args:
        nodes: the forms, in order.
        span: the whole text they come from.
        primitives: the global names that are bound to primitives and nothing else.
        call_sites: what is around the calls in them, if that is known already.

    Returns:
        The code, whose call evaluates the forms and gives the value of the last, and the unit
        with which it must be loaded (see :func:`load_program`).
    """
    function, unit = program_syntax(nodes, span, primitives)
    if call_sites is not None:
        unit.call_sites = call_sites
    return _compile(function, span.file), unit


def program_syntax(
    nodes: Iterable[Node], span: Span, primitives: Collection[str]
) -> tuple[ast.stmt, Unit]:
    """The Python that expanded top-level forms become, a function's definition, and its unit."""
    prepared = [prepare(node) for node in nodes]
    body = Sequence(span, tuple(prepared)) if prepared else None
    mentioned = frozenset(name for node in prepared for name in global_names(node))
    defined = {name for node in prepared for name in _changed_names(node)}
    names = {} if body is None else assign_names(body, mentioned)
    known = set(mentioned.intersection(primitives) - defined)
    unit = Unit(names, known, _key(span, prepared), CallSites(lambda: prepared))
    emitter = EagerEmitter(unit)
    for group, results in groups_of_ints(prepared, emitter.is_primitive):
        for name, node in group.items():
            unit.on_ints[name] = node, ints_name(name, unit.key)
        unit.results.update(results)
    if body is None:
        emitter.add(py.returns(span, emitter.unspecified(span)))
    else:
        emitter.tail(body, RETURN)
    return py.define(span, ENTRY, py.arguments(span, []), emitter.block), unit


def _key(span: Span, nodes: list[Node]) -> str:
    """Tells units of one file or session apart: hidden constants are named after it."""
    places = (f"{node.span}{node.span.end_line}:{node.span.end_column}" for node in nodes)
    words = "\0".join([span.file, sources.text_of(span), *places])
    return hashlib.blake2b(words.encode(errors="surrogatepass"), digest_size=6).hexdigest()


def _changed_names(node: Node) -> Iterator[str]:
    """The global names that ``node`` defines or assigns."""
    for part in everything(node):
        if isinstance(part, Define | SetGlobal):
            yield part.name


def _compile(function: ast.stmt, file: str) -> types.CodeType:
    """The code object of the one function that a module defines."""
    module = ast.Module([function], [])
    if sources.has_inclusions():
        set_apart(module, file)
    with warnings.catch_warnings():
        # Python warns of what it takes for mistakes in Python, such as calling a number.
        warnings.simplefilter("ignore", SyntaxWarning)
        try:
            code = compile(module, file, "exec", dont_inherit=True)
        except SyntaxError as error:
            raise _refused(error, file) from None
        except RecursionError:
            raise ExpandError(
                "this nests deeper than CPython's compiler follows",
                span=Span(file, function.lineno, 0, function.lineno, 0),
                hint="name some of the inner expressions by define",
            ) from None
    if sources.inclusions_in(file):
        code = settled(code)
    return next(constant for constant in code.co_consts if isinstance(constant, types.CodeType))


def _refused(error: SyntaxError, file: str) -> ExpandError:
    """What it means to the program that Python refuses the code made of it."""
    if "nested blocks" not in error.msg:
        raise InternalError(f"Python refuses the code of {file}: {error}") from error
    line, column = error.lineno or 1, (error.offset or 1) - 1
    end = error.end_lineno or line, (error.end_offset or column + 2) - 1
    return ExpandError(
        f"more than {MOST_BLOCKS} loops stand inside one another here, which is what CPython's "
        "compiler takes",
        span=Span(file, line, column, *end),
        hint="make a procedure of some of the inner ones",
    )


MOST_BLOCKS = 20
"""CPython's ``CO_MAXBLOCKS``."""


def staged_code(procedure: Procedure, is_numbering: bool = False) -> types.CodeType:
    """The staged body of a procedure; its loops may number their trips."""
    code = _compile_procedure(procedure, is_staged=True, is_numbering=is_numbering)
    if is_numbering:
        procedure.numbering = code
    else:
        procedure.staged = code
    return code


def eager_code(procedure: Procedure) -> types.CodeType:
    """The eager body of a procedure, compiled once more."""
    return _compile_procedure(procedure, is_staged=False)


def procedure_syntax(procedure: Procedure) -> ast.stmt:
    """The Python that the eager body of a procedure becomes."""
    node, unit = procedure.node, procedure.unit.for_staging()
    return EagerEmitter(unit).function(node, function_name(unit, node))


def _compile_procedure(
    procedure: Procedure, is_staged: bool, is_numbering: bool = False
) -> types.CodeType:
    """One body of a procedure.

    Its free variables are those of the eager body in the same order, so that a closure of the one
    fits the other.
    """
    node, unit = procedure.node, procedure.unit.for_staging()
    unit.whole = node
    span = node.span
    if is_staged:
        # A hidden name: under its own, the function would hide the top-level variable from itself.
        emitter = StagedEmitter(unit)
        if is_numbering:
            node = numbered(node, owner_of(node), unit.names, emitter.is_primitive)
        definition = emitter.function(node, " staged body")
    else:
        definition = EagerEmitter(unit).function(node, function_name(unit, node))
    captured = [unit.names[variable] for variable in free_variables(node)]
    outer = py.define(span, "captured", py.arguments(span, captured), [definition])
    code = _compile(outer, span.file)
    inner = next(c for c in code.co_consts if isinstance(c, types.CodeType))
    if inner.co_freevars != procedure.code.co_freevars:
        raise InternalError(
            f"{span}: a body of {node.name} captures {inner.co_freevars}, "
            f"the first one {procedure.code.co_freevars}"
        )
    return finish_code(inner, unit, node.name or "lambda")
