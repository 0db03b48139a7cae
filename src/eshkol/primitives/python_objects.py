"""Python objects in Scheme programs: attributes, methods, classes, exceptions, context managers."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from eshkol.base.errors import MissingAttribute
from eshkol.datum.spelling import python_name
from eshkol.datum.symbols import Symbol
from eshkol.datum.values import UNSPECIFIED, MutableString, Unspecified
from eshkol.datum.write import short_string
from eshkol.primitives.arguments import (
    host_scalar,
    procedure_argument,
    string_argument,
    wrong_type,
)
from eshkol.primitives.calling import callee
from eshkol.primitives.declare import primitive
from eshkol.primitives.dynamic import STATE, Escape, travel
from eshkol.primitives.python_data import is_from_python_code

_ABSENT: Any = object()

Text = str | Symbol

# ---- attributes


@primitive("attribute", "py-attribute")
def attribute(value: Any, name: Text, default: Any = _ABSENT) -> Any:
    """An attribute of a Python object; ``(.-name object)`` and ``object.name`` are short for it.

    Args:
        value: any object.
        name: a symbol or a string; ``learning-rate`` also finds ``learning_rate``.
        default: what is given where there is no such attribute.

    Raises:
        MissingAttribute: there is none, and no default.

    Example: ``(attribute 3+4i 'imag)`` ⇒ ``4.0``.
    """
    spelled = name if isinstance(name, str) else _name("attribute", name)
    owner = str(value) if value.__class__ is MutableString else value
    try:
        return host_scalar(getattr(owner, spelled))
    except AttributeError:
        found = getattr(owner, python_name(spelled), default)
        if found is not _ABSENT:
            return host_scalar(found)
        if hasattr(type(owner), spelled):
            raise  # there is one, which fails by itself
        raise _no_attribute(owner, spelled) from None


def _name(who: str, name: Any) -> str:
    return name.name if isinstance(name, Symbol) else string_argument(who, name)


def _no_attribute(owner: Any, name: str) -> MissingAttribute:
    is_module = isinstance(owner, ModuleType)
    shown = f"the Python module {owner.__name__}" if is_module else short_string(owner)
    known = [word for word in dir(owner) if not word.startswith("_")]
    import difflib

    close = difflib.get_close_matches(python_name(name), known, n=1)
    hint = f"did you mean {close[0]}?" if close else ""
    if is_module and not close and _is_submodule(owner, name):
        hint = f"it is a module of its own: (import (python {owner.__name__}.{name}))"
    return MissingAttribute(f"{shown} has no attribute {name}", hint=hint)


def _is_submodule(module: ModuleType, name: str) -> bool:
    from importlib.util import find_spec

    try:
        return find_spec(f"{module.__name__}.{name}") is not None
    except (ImportError, ValueError):
        return False


@primitive("has-attribute?", "py-has-attribute?")
def has_attribute(value: Any, name: Text) -> bool:
    """Whether a Python object has an attribute.

    Example: ``(has-attribute? "text" 'upper)`` ⇒ ``#t``.
    """
    return attribute(value, name, None) is not None or hasattr(value, _name("has-attribute?", name))


@primitive("set-attribute!", "py-set-attribute!")
def set_attribute(value: Any, name: Text, content: Any) -> Unspecified:
    """Set an attribute of a Python object.

    Args:
        value: the object.
        name: a symbol or a string; ``learning-rate`` is ``learning_rate``.
        content: the attribute's new value.

    Raises:
        MissingAttribute: the object has no place for it.

    Example: ``(import (python types)) (let ((o (types.SimpleNamespace))) (set-attribute! o
    'x 5) (attribute o 'x))`` ⇒ ``5``.
    """
    spelled = _name("set-attribute!", name)
    spelled = spelled if hasattr(value, spelled) else python_name(spelled)
    try:
        setattr(value, spelled, content)
    except (AttributeError, TypeError) as error:
        if is_from_python_code(error):
            raise
        raise MissingAttribute(
            f"set-attribute!: {spelled} of {short_string(value)} can't be set"
        ) from None
    return UNSPECIFIED


@primitive("py-method")
def method(name: Text) -> Callable[..., Any]:
    """The procedure that calls a method of its first argument with the others.

    ``.name`` alone is short for it; ``.-name`` alone gives the attribute of its argument.

    Example: ``(map .upper '("a" "b"))`` ⇒ ``("A" "B")``.
    """
    path = _name("py-method", name).removeprefix(".")
    is_field = path.startswith("-")
    words = path.removeprefix("-").split(".")

    def call(value: Any, /, *arguments: Any, **options: Any) -> Any:
        for word in words:
            value = attribute(value, word)
        return value if is_field and not arguments else value(*arguments, **options)

    call.__name__ = call.__qualname__ = f".{path}"
    return call


# ---- errors and context managers


@primitive("python-error?")
def is_python_error(value: Any, *classes: Any) -> bool:
    """Whether a condition is a Python exception of one of these classes, or of any.

    Args:
        value: what ``guard`` or a handler got.
        classes: classes, or their names such as ``"ValueError"`` or ``"json.JSONDecodeError"``. An
            error of Eshkol is also of the Python class that fits it.

    Example:
        ``(guard (e ((python-error? e "TypeError") 'type)) (car 5))`` ⇒ ``type``.
    """
    if not isinstance(value, BaseException):
        return False
    return not classes or any(_is_of_class(value, kind) for kind in classes)


def _is_of_class(error: BaseException, kind: Any) -> bool:
    if isinstance(kind, type):
        return isinstance(error, kind)
    module, _, name = _name("python-error?", kind).rpartition(".")
    return any(
        name == known.__name__ and f"{known.__module__}.".startswith(f"{module}." if module else "")
        for known in type(error).__mro__
    )


@primitive("call-with-context")
def call_with_context(manager: Any, procedure: Any) -> Any:
    """Call a procedure with what a Python context manager gives, and leave the context after it.

    ``(with-context (name manager) body …)`` is the form for it. The manager is told of the
    exception that leaves the body, also of one that a ``guard`` around it will take; it may
    swallow the exception, and then the value is unspecified.

    Raises:
        WrongType: ``manager`` is no context manager.

    Example: ``(import (python contextlib)) (call-with-context (contextlib.nullcontext 5)
    (lambda (value) (* 2 value)))`` ⇒ ``10``.
    """
    kind = type(manager)
    if not (hasattr(kind, "__enter__") and hasattr(kind, "__exit__")):
        raise wrong_type("with-context", "a Python context manager", manager)
    call = callee(procedure_argument("call-with-context", procedure))
    context = STATE.context()
    value = kind.__enter__(manager)
    try:
        result = call(value)
    except BaseException as error:
        cause = _cause(error)
        if cause is None:
            kind.__exit__(manager, None, None, None)
            raise
        if not kind.__exit__(manager, type(cause), cause, cause.__traceback__):
            raise
        travel(context)
        return UNSPECIFIED
    kind.__exit__(manager, None, None, None)
    return result


def _cause(error: BaseException) -> BaseException | None:
    """What a context manager is told that ends its body; None for an escape to a continuation,
    which ends it as Python's ``return`` does."""
    return error.__cause__ if isinstance(error, Escape) else error
