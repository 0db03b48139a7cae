"""The expander: what each syntax object means, as Core.

One dispatch of a few cases: an identifier is a variable reference; a list whose head names a core
form or a macro is that form or the macro's result; any other list is a call; the rest is data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from eshkol.base.errors import ExpandError
from eshkol.base.sources import note_expansion
from eshkol.core.nodes import (
    Call,
    Const,
    Define,
    Lambda,
    Letrec,
    LocalRef,
    Node,
    Sequence,
    Variable,
)
from eshkol.datum.symbols import intern
from eshkol.datum.values import UNSPECIFIED
from eshkol.expand.called_values import with_values_bound
from eshkol.expand.chosen_branches import with_procedures
from eshkol.expand.dotted import attribute_reference, method_call
from eshkol.expand.grammar import match_form, misfit, parts_with_tail, shown
from eshkol.expand.in_place import in_place
from eshkol.expand.modules import Finder, Module, Surroundings, Variables
from eshkol.expand.parameters import check_not_given, without_type
from eshkol.expand.scopes import (
    Binding,
    CoreForm,
    GlobalBinding,
    LocalBinding,
    Macro,
    Scope,
    UseSiteScope,
    bind,
    defined_name,
    resolve,
)
from eshkol.expand.syntax_rules import make_transformer
from eshkol.syntax.objects import Dotted, Keyword, Syntax, VectorForm, to_datum
from eshkol.syntax.scopes import ScopeSet

CORE_SCOPE = Scope()
"""Binds the core forms; every program's syntax carries it."""

CORE_SCOPES = ScopeSet.of([CORE_SCOPE])
"""The scopes of what only the language means."""

DEFINE_USAGE = "(define name value) or (define (name parameter …) body …)"

MAX_EXPANSIONS = 5_000
"""Macro uses, each the result of the last, before the expander says that a macro never ends."""

MAX_PARTS = 250_000
"""How many parts such uses may have together: one that grows shall not take hours to never end."""


DEEPEST = 10_000
"""How many expressions may stand inside one another, if Python's stack has room for so many."""


Expansion = Callable[[Any, Syntax, Any], Node]


def _bind_form(name: str, form: CoreForm | Macro) -> None:
    bind(Syntax(intern(name), scopes=CORE_SCOPES), form)


def core_form(usage: str) -> Callable[[Expansion], Expansion]:
    """Declare the decorated function as the expander of the core form with this grammar."""

    def declare(expand: Expansion) -> Expansion:
        name = usage.strip("(").split()[0].rstrip(")")
        _bind_form(name, CoreForm(name, usage, expand))
        return expand

    return declare


Rewriting = Callable[[Any, Syntax, Any], Syntax]


def derived_form(usage: str) -> Callable[[Rewriting], Rewriting]:
    """Declare the decorated function to rewrite the form with this grammar as other forms.

    Such a form can stand wherever those can that it becomes, definitions included.
    """

    def declare(rewrite: Rewriting) -> Rewriting:
        name = usage.strip("(").split()[0].rstrip(")")

        def transform(form: Syntax, expander: Any) -> Syntax:
            if isinstance(form.datum, Dotted):
                raise _dotted(form, name)
            return rewrite(expander, form, usage)

        _bind_form(name, Macro(name, transform, CORE_SCOPE, usage))
        return rewrite

    return declare


TOP_LEVEL_FORMS: dict[str, Callable[[Any, Syntax], None]] = {}
"""Forms that stand only at top level and leave no code, beside ``define-syntax``, by name."""


def top_level_form(usage: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Declare the decorated function to do what a form at top level asks for."""
    name = usage.strip("(").split()[0]

    def misplaced(expander: Expander, form: Syntax, usage: str) -> Node:
        raise ExpandError(f"{name} stands only at top level", span=form.span, trail=form.trail)

    def declare(function: Callable[..., None]) -> Callable[..., None]:
        core_form(usage)(misplaced)
        TOP_LEVEL_FORMS[name] = function
        return function

    return declare


class Later:
    """A part of a top-level form, whose Core is made when it is wanted, and once.

    Args:
        expand: makes it.
        name: of the variable that it defines, if it does.
    """

    def __init__(self, expand: Callable[[], Node], name: str | None = None) -> None:
        self._expand = expand
        self._node: Node | None = None
        self.name = name

    def node(self) -> Node:
        """The Core."""
        if self._node is None:
            self._node = self._expand()
        return self._node


class Expander(Module):
    """Expands the forms of one namespace. It lives as long as the namespace does.

    Args:
        variables: the namespace.
        find_library: finds what ``import`` names.
        surroundings: reads included files, and runs what macros need while programs are expanded.

    Attributes:
        body: the scope of the body or module that is being expanded.
        record_types: the variables that record types are defined as: local ones, and the
            namespaces and names of top-level ones.
        depth: how many expressions stand around the one that is being expanded.
        note_step: told of each use of a macro: its name, the use, and what it gave.
        pending: the Core of the top-level forms of the program before the one being expanded.
        waiting: the parts of that one so far, and of those that are expanded in it.
    """

    def __init__(
        self, variables: Variables, find_library: Finder, surroundings: Surroundings
    ) -> None:
        super().__init__(variables, find_library, CORE_SCOPE)
        self.surroundings = surroundings
        self.body: Scope = self.scope
        self.record_types: set[Any] = set()
        self.depth = 0
        self.pending: list[Node] = []
        self.waiting: list[list[Later]] = []
        self.note_step: Callable[[str, Syntax, Syntax], None] | None = None

    # ---- top level

    def expand_program(self, forms: Iterable[Syntax]) -> list[Node]:
        """The Core of top-level ``forms`` as they come from the reader, in order."""
        nodes: list[Node] = []
        self.pending = nodes
        scoped = [self.scoped(form) for form in forms]
        for form in scoped:
            self._hide_form(form)
        for form in scoped:
            self.expand_top(form, nodes)
        self.pending = []
        return self.return_borrowed(nodes)

    def _hide_form(self, form: Syntax) -> None:
        """Bind the variable that a definition gives the name of a form of the language.

        So procedures before it that call what it defines don't take the name for that form.
        """
        parts = form.parts if form.is_list else ()
        if len(parts) < 3 or not parts[0].is_identifier or parts[0].name != "define":
            return
        binding = resolve(parts[0])
        target = parts[1]
        while isinstance(binding, CoreForm) and not target.is_identifier:
            items, _ = parts_with_tail(target)
            if not items:
                return
            target = items[0]
        if not isinstance(binding, CoreForm) or target.name == parts[0].name:
            return
        if target.name in CORE_SCOPE.bindings:
            self.define_global(target)

    def expand_top(self, form: Syntax, nodes: list[Node]) -> None:
        """Expand one top-level form and append its Core to ``nodes``.

        What a form defines, if it is a ``begin``, is bound before the values are expanded.
        """
        parts: list[Later] = []
        self.waiting.append(parts)
        try:
            self._take_apart(form, parts)
            nodes += [part.node() for part in parts]
        finally:
            self.waiting.pop()

    def _take_apart(self, form: Syntax, parts: list[Later]) -> None:
        form, binding = self.expand_head(form)
        name = binding.name if isinstance(binding, CoreForm) and form.is_list else None
        if name == "begin":
            for part in form.parts[1:]:
                self._take_apart(part, parts)
        elif name == "define":
            parts.append(self._definition(form))
        elif name == "define-syntax":
            self.note_definition(self.define_syntax(form))
        elif name in TOP_LEVEL_FORMS:
            TOP_LEVEL_FORMS[name](self, form)
        else:
            parts.append(Later(partial(self.expand, form)))

    def _definition(self, form: Syntax) -> Later:
        """What gives the Core of a top-level definition, whose variable is bound now."""
        target, value = self.split_definition(form)
        name = self.define_global(defined_name(target, self.body))
        if _makes_record_type(value):
            self.record_types.add((self.variables, name))

        def expand() -> Node:
            return Define(form.span, name, self.definition_value(value, target))

        return Later(expand, name)

    def define_syntax(self, form: Syntax) -> Syntax:
        """``(define-syntax name transformer)``; the name."""
        captures = match_form("(define-syntax name:id transformer)", form)
        name = defined_name(captures["name"], self.body)
        bind(name, self.transformer(captures["transformer"], name.name))
        return name

    # ---- dispatch

    def expand(self, form: Syntax) -> Node:
        """The Core of an expression.

        Raises:
            ExpandError: if it is malformed, or stands too deep inside others.
        """
        if self.depth > DEEPEST:
            raise _too_deep(self.depth - 1, form)
        self.depth += 1
        try:
            return self._expand(form)
        except RecursionError:
            raise _too_deep(self.depth - 1, form) from None
        finally:
            self.depth -= 1

    def _expand(self, form: Syntax) -> Node:
        form, binding = self.expand_head(form)
        if isinstance(binding, CoreForm):
            return self._expand_core(form, binding)
        if form.is_identifier:
            return self._reference(form, binding)
        if form.is_list:
            return self._call(form)
        return self._literal(form)

    def expand_head(self, form: Syntax) -> tuple[Syntax, Binding | None]:
        """``form`` with macro uses at its head expanded, and what its head is bound to."""
        parts = 0
        for _ in range(MAX_EXPANSIONS):
            head = _head(form)
            binding = resolve(head) if head.is_identifier else None
            if not isinstance(binding, Macro):
                return form, None if isinstance(form.datum, Dotted) else binding
            if head is form:
                raise _no_variable(form, binding)
            form = self.apply_macro(binding, form)
            parts += len(form.datum) if form.is_list else 1
            if parts > MAX_PARTS:
                break
        raise ExpandError("this macro use never stops expanding", span=form.span)

    def apply_macro(self, macro: Macro, form: Syntax) -> Syntax:
        """What a macro gives for its use ``form``."""
        introduced = Scope()
        if macro.body is self.body:
            form = form.add_scope(UseSiteScope(self.body))
        result = macro.transform(form.flip_scope(introduced), self).flip_scope(introduced)
        if not form.trail and not macro.usage:
            note_expansion(form.span, macro.name)
        if self.note_step is not None:
            self.note_step(macro.name, form, result)
        return result

    def _expand_core(self, form: Syntax, binding: CoreForm) -> Node:
        if form.is_identifier:
            raise _no_variable(form, binding)
        return binding.expand(self, form, binding.usage)

    def _reference(self, identifier: Syntax, binding: Binding | None) -> Node:
        if isinstance(binding, LocalBinding):
            return LocalRef(identifier.span, binding.variable)
        attribute = attribute_reference(self, identifier, binding)
        return attribute or self.global_reference(identifier, binding)

    def _literal(self, form: Syntax) -> Node:
        datum = form.datum
        if isinstance(datum, Dotted):
            head = _head(form)
            binding = resolve(head) if head.is_identifier else None
            if isinstance(binding, CoreForm):
                raise _dotted(form, binding.name)
            raise ExpandError(
                "a call can't have a dotted tail",
                span=form.span,
                hint="to call with a list of arguments: (apply procedure list)",
                trail=form.trail,
            )
        if isinstance(datum, Keyword):
            raise ExpandError(
                f"{datum!r} names an argument; it stands only inside a call, before a value",
                span=form.span,
            )
        if isinstance(datum, VectorForm):
            return Const(form.span, to_datum(form))
        return Const(form.span, datum)

    def _call(self, form: Syntax) -> Node:
        if not form.parts:
            raise ExpandError(
                "() is not an expression",
                span=form.span,
                hint="the empty list is written '()",
                trail=form.trail,
            )
        procedure, rest = method_call(self, form) or (self.expand(form.parts[0]), form.parts[1:])
        arguments: list[Node] = []
        keywords: list[tuple[str, Node]] = []
        items = iter(rest)
        for item in items:
            if isinstance(item.datum, Keyword):
                value = next(items, None)
                if value is None:
                    raise ExpandError(f"{item.datum!r} has no value", span=item.span)
                check_not_given(item, [name for name, _ in keywords])
                keywords.append((item.datum.name, self.expand(value)))
            else:
                arguments.append(self.expand(item))
        call = Call(form.span, procedure, tuple(arguments), tuple(keywords))
        for rewrite in (with_procedures, with_values_bound):
            rewritten = rewrite(self, call)
            if rewritten is not call:
                return rewritten
        return in_place(self, call)

    # ---- definitions and bodies

    def is_record_type(self, identifier: Syntax) -> bool:
        """Whether ``identifier`` means a record type, of this program or of a library."""
        binding = resolve(identifier)
        if isinstance(binding, LocalBinding):
            return binding.variable in self.record_types
        if not isinstance(binding, GlobalBinding):
            return False
        if (binding.module, binding.name) in self.record_types:
            return True
        is_bound = binding.module.is_defined(binding.name)
        return is_bound and hasattr(binding.module.get(binding.name), "__scheme_fields__")

    def split_definition(self, form: Syntax) -> tuple[Syntax, Syntax]:
        """The identifier that a ``define`` form defines and the syntax of its value."""
        captures = match_form("(define name body ...)", form, DEFINE_USAGE)
        target, body = captures["name"], captures["body"]
        if not body:
            missing = "value" if target.is_identifier else "body"
            raise misfit(DEFINE_USAGE, form, f"{missing} is missing", form)
        if target.is_identifier:
            value = without_type(body)
            if len(value) > 1:
                match_form("(define name:id value)", form, DEFINE_USAGE)
            return target, value[0]
        items, tail = parts_with_tail(target)
        if not items:
            raise ExpandError(
                f"define: expected a name or (name parameter …), got {shown(target)}",
                span=target.span,
                trail=form.trail,
            )
        name, parameters = items[0], items[1:]
        shape: Any = parameters if tail is None else Dotted(parameters, tail)
        formals = tail if tail and not parameters else Syntax(shape, target.span)
        keyword = Syntax(intern("lambda"), form.parts[0].span, CORE_SCOPES)
        procedure = Syntax((keyword, formals, *body), form.span, trail=form.trail)
        if name.is_identifier:
            return name, procedure
        curried = Syntax((form.parts[0], name, procedure), form.span, trail=form.trail)
        return self.split_definition(curried)

    def definition_value(self, value: Syntax, target: Syntax) -> Node:
        """The Core of a defined value; a procedure takes the name it is defined under."""
        return named(self.expand(value), target.name)

    def transformer(self, form: Syntax, name: str) -> Macro:
        """The macro that a transformer expression denotes."""
        head, binding = self.expand_head(form)
        kind = binding.name if isinstance(binding, CoreForm) and head.is_list else ""
        if kind in ("data-transformer", "er-macro-transformer"):
            from eshkol.expand.procedural import procedural_macro

            return procedural_macro(self, head, name, kind)
        if kind != "syntax-rules":
            raise ExpandError(
                f"{name}: expected a syntax transformer",
                span=form.span,
                hint="use: (syntax-rules (literal ...) (pattern template) ...)",
                trail=form.trail,
            )
        return Macro(name, make_transformer(head, name), self.body)

    def expand_body(self, forms: Iterable[Syntax], owner: Syntax) -> Node:
        """A body: definitions and expressions, with the scope of a ``letrec*``."""
        around, self.body = self.body, Scope()
        try:
            return self._expand_body([form.add_scope(self.body) for form in forms], owner)
        finally:
            self.body = around

    def _expand_body(self, pending: list[Syntax], owner: Syntax) -> Node:
        defined: dict[Syntax, Variable] = {}
        values: list[tuple[Syntax, Syntax] | Syntax] = []
        while pending:
            form, binding = self.expand_head(pending.pop(0))
            name = binding.name if isinstance(binding, CoreForm) else None
            if name == "begin" and form.is_list:
                pending[:0] = form.parts[1:]
            elif name == "define" and form.is_list:
                target, value = self.split_definition(form)
                target = defined_name(target, self.body)
                defined[target] = self._bind_local_definition(target, defined)
                if _makes_record_type(value):
                    self.record_types.add(defined[target])
                values.append((value, target))
            elif name == "define-syntax" and form.is_list:
                self.define_syntax(form)
            else:
                values.append(form)
        return self._body_node(list(defined.values()), values, owner)

    def _bind_local_definition(self, target: Syntax, defined: Iterable[Syntax]) -> Variable:
        if any(target.name == d.name and target.scopes == d.scopes for d in defined):
            raise ExpandError(
                f"{target.name} is defined twice in this body",
                span=target.span,
                hint=f"to change it: (set! {target.name} …)",
            )
        variable = Variable(target.name)
        bind(target, LocalBinding(variable))
        return variable

    def _body_node(
        self,
        variables: list[Variable],
        values: list[Any],
        owner: Syntax,
    ) -> Node:
        """A body from its variables and its parts: ``(value, target)`` where it defines one."""
        if not values or not isinstance(values[-1], Syntax):
            raise ExpandError(
                "this body has no expression" + (" after its definitions" if values else ""),
                span=owner.span,
                trail=owner.trail,
            )
        if not variables:
            return sequence([self.expand(form) for form in values], owner)
        last_definition = max(i for i, value in enumerate(values) if not isinstance(value, Syntax))
        names = iter(variables)
        bound: list[Variable] = []
        nodes: list[Node] = []
        for value in values[: last_definition + 1]:
            if isinstance(value, Syntax):
                bound.append(Variable("ignored"))
                nodes.append(self.expand(value))
            else:
                bound.append(next(names))
                nodes.append(self.definition_value(*value))
        rest = [self.expand(form) for form in values[last_definition + 1 :]]
        return Letrec(owner.span, tuple(bound), tuple(nodes), sequence(rest, owner))


def _head(form: Syntax) -> Syntax:
    """What tells which form ``form`` is: its first part, or itself. A macro use may be dotted."""
    if form.is_list and form.datum:
        return form.parts[0]
    return form.content.items[0] if isinstance(form.datum, Dotted) else form


def _dotted(form: Syntax, name: str) -> ExpandError:
    """The error for a form of the language that ends in a dot and a tail."""
    return ExpandError(
        f"{name}: a dotted tail does not belong here", span=form.span, trail=form.trail
    )


def _too_deep(depth: int, form: Syntax) -> ExpandError:
    return ExpandError(
        f"more than {depth:,} expressions stand inside one another here",
        span=form.span,
        hint="name some of the inner ones by define; data may nest as deep as you like",
        trail=form.trail,
    )


def _no_variable(form: Syntax, binding: CoreForm | Macro) -> ExpandError:
    """The error for the name of a form or macro where a variable should stand."""
    usage = binding.usage.replace(":id", "")
    if isinstance(binding, Macro) and not usage:
        message = f"{form.name} is a macro: it must be used as ({form.name} …)"
    else:
        message = f"{binding.name} is syntax, not a variable"
    hint = f"use: {usage}" if " " in usage else ""
    return ExpandError(message, span=form.span, hint=hint, trail=form.trail)


def _makes_record_type(value: Syntax) -> bool:
    """Whether a definition's value is what ``define-record-type`` writes for the type."""
    head = value.parts[0] if value.is_list and value.parts else value
    return head.is_identifier and head.name == " record_type"


def named(node: Node, name: str) -> Node:
    """``node``, with ``name`` given to it if it is a procedure without a name."""
    if isinstance(node, Lambda) and not node.name:
        return replace(node, name=name)
    return node


def sequence(nodes: list[Node], owner: Syntax) -> Node:
    """The nodes one after another."""
    return nodes[0] if len(nodes) == 1 else Sequence(owner.span, tuple(nodes))


def unspecified(form: Syntax) -> Const:
    """The value of a form that has none."""
    return Const(form.span, UNSPECIFIED)
