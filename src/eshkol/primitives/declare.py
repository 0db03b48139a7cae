"""Declaring primitives: a name, its docstring and the rules that give it meaning, together.

A primitive is a plain Python function bound to a Scheme name. Its *host* rule works on Python
numbers and Scheme data. Its *tensor* rule is named by text (``"module:attribute"``), so that
declaring it imports nothing heavy; it is loaded when a tensor first comes.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from eshkol.base.errors import ArityError

Function = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Primitive:
    """A declared primitive.

    Attributes:
        name: its Scheme name.
        function: what the name is bound to.
        signature: its parameters; what ``help`` shows and arity messages quote.
        tensor: the tensor rule as ``"module:attribute"``, if it has one.
    """

    name: str
    function: Function
    signature: inspect.Signature
    tensor: str | None = None

    @property
    def documentation(self) -> str:
        """The docstring of the declaration."""
        return inspect.getdoc(self.function) or ""


PRIMITIVES: dict[str, Primitive] = {}
"""Every declared primitive by Scheme name."""


def primitive(*names: str, tensor: str | None = None) -> Callable[[Function], Function]:
    """Declare the decorated function as the primitive ``names[0]`` (the rest are aliases).

    Without ``tensor`` the function is the whole primitive. With it, the function is the host rule:
    where it returns ``NotImplemented``, the tensor rule is called with the same arguments.
    """

    def declare(host: Function) -> Function:
        host.__name__ = host.__qualname__ = names[0]
        function = host if tensor is None else _with_tensor_rule(host, tensor)
        _register(names, function, inspect.signature(host), tensor)
        return function

    return declare


def tensor_primitive(*names: str, at: str) -> Callable[[Function], Function]:
    """Declare a primitive that has only a tensor rule, at ``"module:attribute"``.

    The decorated function gives the signature and the docstring; its body is never run.
    """

    def declare(declaration: Function) -> Function:
        function = _lazy(declaration, at, names[0])
        _register(names, function, inspect.signature(declaration), at)
        return function

    return declare


def _register(
    names: tuple[str, ...], function: Function, signature: inspect.Signature, tensor: str | None
) -> None:
    for name in names:
        PRIMITIVES[name] = Primitive(name, function, signature, tensor)


@functools.cache
def load(path: str) -> Any:
    """The object that ``"module:attribute"`` names, imported on first use."""
    module, _, attribute = path.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _with_tensor_rule(host: Function, path: str) -> Function:
    parameters = inspect.signature(host).parameters.values()
    simple = all(p.kind is p.POSITIONAL_OR_KEYWORD and p.default is p.empty for p in parameters)
    count = len(parameters) if simple else -1

    if count == 1:

        def function(x):  # type: ignore[misc]
            result = host(x)
            return load(path)(x) if result is NotImplemented else result

    elif count == 2:

        def function(x, y):  # type: ignore[misc]
            result = host(x, y)
            return load(path)(x, y) if result is NotImplemented else result

    else:

        def function(*arguments, **options):
            result = host(*arguments, **options)
            return load(path)(*arguments, **options) if result is NotImplemented else result

    functools.update_wrapper(function, host)
    return function


def _lazy(declaration: Function, path: str, name: str) -> Function:
    def function(*arguments, **options):
        rule = load(path)
        try:
            return rule(*arguments, **options)
        except TypeError as error:
            traceback = error.__traceback__
            if traceback is not None and traceback.tb_next is None:
                raise arity_error(name, declaration, arguments, options) from None
            raise

    functools.update_wrapper(function, declaration)
    function.__name__ = function.__qualname__ = name
    return function


def arity_error(
    name: str, function: Function, arguments: tuple[Any, ...], options: dict[str, Any]
) -> ArityError:
    """The error for a call of ``function`` that does not fit its signature."""
    usage = usage_text(name, inspect.signature(function))
    unknown = [key for key in options if key not in inspect.signature(function).parameters]
    if unknown:
        return ArityError(f"{name} has no keyword argument #:{unknown[0]}", hint=f"use: {usage}")
    expected = count_text(inspect.signature(function))
    return ArityError(f"{name} takes {expected}, got {len(arguments)}", hint=f"use: {usage}")


def count_text(signature: inspect.Signature) -> str:
    """How many positional arguments a signature takes, in words."""
    positional = [
        p
        for p in signature.parameters.values()
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    least = sum(p.default is p.empty for p in positional)
    most = len(positional)
    if any(p.kind is p.VAR_POSITIONAL for p in signature.parameters.values()):
        return f"at least {least} argument{'s' * (least != 1)}"
    if least != most:
        return f"{least} to {most} arguments"
    return f"{most} argument{'s' * (most != 1)}"


def usage_text(name: str, signature: inspect.Signature) -> str:
    """A call of the procedure as Scheme text: ``(name x (option 1) rest …)``."""
    words = [name]
    for p in signature.parameters.values():
        shown = p.name.replace("_", "-")
        if p.kind is p.VAR_POSITIONAL:
            words.append(f"{shown} …")
        elif p.kind is p.KEYWORD_ONLY:
            words.append(f"#:{shown} {p.default!r}")
        elif p.default is not p.empty:
            words.append(f"({shown} {p.default!r})")
        elif p.kind is not p.VAR_KEYWORD:
            words.append(shown)
    return f"({' '.join(words)})"
