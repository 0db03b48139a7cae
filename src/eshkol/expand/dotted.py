"""Attributes of Python objects: ``np.linalg.norm``, ``(.method object …)`` and ``(.-name object)``.

A name with dots that nothing binds means an attribute if what stands before a dot is bound. A name
that begins with a dot means a method, or with ``.-`` an attribute, of the first argument.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eshkol.base.errors import ExpandError
from eshkol.base.spans import Span
from eshkol.core.nodes import Call, Const, GlobalRef, LocalRef, Node
from eshkol.datum.symbols import intern
from eshkol.expand.scopes import Binding, GlobalBinding, LocalBinding, home_of, resolve
from eshkol.syntax.objects import Keyword, Syntax

if TYPE_CHECKING:
    from eshkol.expand.expander import Expander
    from eshkol.expand.modules import Module

ATTRIBUTE, SET_ATTRIBUTE, METHOD = " attribute", " set-attribute!", " py-method"
"""The primitives that these forms call, whatever the program defines."""


def attribute_reference(module: Module, identifier: Syntax, binding: Binding | None) -> Call | None:
    """What a name with dots, or one that begins with a dot, means; None if it is a variable."""
    name = identifier.name
    if binding is not None or "." not in name or _is_defined(module, identifier):
        return None
    if _is_method(name):
        path = Const(identifier.span, name)
        return Call(identifier.span, GlobalRef(identifier.span, METHOD), (path,))
    words = name.split(".")
    if not all(words):
        return None
    for count in range(len(words) - 1, 0, -1):
        node = _variable(module, identifier, ".".join(words[:count]))
        if node is None:
            continue
        for index in range(count, len(words)):
            span = _beginning(identifier, ".".join(words[: index + 1]))
            node = _attribute(node, words[index], span)
        assert isinstance(node, Call)
        module.note_dotted(identifier, node)
        return node
    return None


def attribute_assignment(
    module: Module, identifier: Syntax, binding: Binding | None, value: Node, span: Span
) -> Node | None:
    """What ``(set! object.name value)`` means; None if the name is that of a variable."""
    reference = attribute_reference(module, identifier, binding)
    if reference is None or len(reference.arguments) == 1:  # a method
        return None
    return Call(span, GlobalRef(span, SET_ATTRIBUTE), (*reference.arguments, value))


def method_call(module: Expander, form: Syntax) -> tuple[Node, tuple[Syntax, ...]] | None:
    """For ``(.name object argument …)`` the procedure to call and what is left as arguments.

    None for any other call.

    Raises:
        ExpandError: if there is no object.
    """
    head = form.parts[0]
    if not (head.is_identifier and _is_method(head.name)) or resolve(head) is not None:
        return None
    if _is_defined(module, head):
        return None
    arguments = form.parts[1:]
    is_field = head.name.startswith(".-")
    if not arguments or isinstance(arguments[0].datum, Keyword):
        usage = f"({head.name} value)" if is_field else f"({head.name} value argument …)"
        problem = f"{head.name}: the value that has it is missing"
        raise ExpandError(problem, span=form.span, hint=f"use: {usage}", trail=form.trail)
    if is_field:
        if len(arguments) > 1:
            raise ExpandError(
                f"{head.name}: this part is too many",
                span=arguments[1].span,
                hint=f"use: ({head.name} value); to call a method: "
                f"(.{head.name[2:]} value argument …)",
                trail=form.trail,
            )
        return None
    node: Node = module.expand(arguments[0])
    for word in head.name[1:].split("."):
        node = _attribute(node, word, head.span)
    return node, arguments[1:]


def _attribute(node: Node, name: str, span: Span) -> Call:
    return Call(span, GlobalRef(span, ATTRIBUTE), (node, Const(span, name)))


def _is_method(name: str) -> bool:
    """Whether a name has the form ``.name`` or ``.-name``, with dots between more names."""
    if not name.startswith("."):
        return False
    words = name[1:].removeprefix("-").split(".")
    return all(word[:1].isalpha() or word[:1] == "_" for word in words)


def _is_defined(module: Module, identifier: Syntax) -> bool:
    """Whether the module in whose text an identifier stands has a variable of its name."""
    home = home_of(identifier) or module
    name = identifier.name
    return name in home.defined or home.variables.is_defined(name) or home.is_primitive(name)


def _variable(module: Module, identifier: Syntax, name: str) -> Node | None:
    """A reference to the variable that the beginning of an identifier names, if it is one."""
    span = _beginning(identifier, name)
    head = Syntax(intern(name), span, identifier.scopes, identifier.trail)
    binding = resolve(head)
    if isinstance(binding, LocalBinding):
        return LocalRef(span, binding.variable)
    if isinstance(binding, GlobalBinding) or (binding is None and _is_variable(module, head)):
        return module.global_reference(head, binding)
    return None


def _is_variable(module: Module, identifier: Syntax) -> bool:
    home = home_of(identifier) or module
    return identifier.name in home.defined or home.variables.is_defined(identifier.name)


def _beginning(identifier: Syntax, text: str) -> Span:
    """The span of the beginning of an identifier's text."""
    span = identifier.span
    if span.end_line != span.line or span.end_column - span.column != len(identifier.name):
        return span
    return Span(span.file, span.line, span.column, span.line, span.column + len(text))
