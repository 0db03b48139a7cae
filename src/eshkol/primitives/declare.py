"""Declaring primitives: a name, its docstring and the rules that give it meaning, together.

A primitive is a plain Python function bound to a Scheme name. Its *host* rule works on Python
numbers and Scheme data. Its *tensor* rule is named by text (``"module:attribute"``), so that
declaring it imports nothing heavy; it is loaded when a tensor first comes.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from eshkol.base.config import CONFIG
from eshkol.base.errors import ArityError, EshkolError
from eshkol.datum.signatures import usage_text
from eshkol.datum.variables import TensorVariable, value_of

Function = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Primitive:
    """A declared primitive.

    Attributes:
        name: its Scheme name.
        function: what the name is bound to.
        tensor: the tensor rule as ``"module:attribute"``, if it has one.
    """

    name: str
    function: Function
    tensor: str | None = None

    @property
    def signature(self) -> inspect.Signature:
        """Its parameters; what ``help`` shows and arity messages quote."""
        return inspect.signature(self.function)

    @property
    def documentation(self) -> str:
        """The docstring of the declaration."""
        return inspect.getdoc(self.function) or ""


PRIMITIVES: dict[str, Primitive] = {}
"""Every declared primitive by Scheme name."""

ARRAYS: set[type] = set()
"""The classes of tensors, once there are any: values of them need no host rule of an operation."""


def primitive(*names: str, tensor: str | None = None) -> Callable[[Function], Function]:
    """Declare the decorated function as the primitive ``names[0]`` (the rest are aliases).

    Without ``tensor`` the function is the whole primitive. With it, the function is the host rule:
    where it returns ``NotImplemented``, the tensor rule is called with the same arguments.
    """

    def declare(host: Function) -> Function:
        host.__name__ = host.__qualname__ = names[0]
        function = host if tensor is None else _with_tensor_rule(host, tensor)
        _register(names, function, tensor)
        return function

    return declare


def tensor_primitive(
    *names: str, at: str, takes_variables: bool = False
) -> Callable[[Function], Function]:
    """Declare a primitive that has only a tensor rule, at ``"module:attribute"``.

    The decorated function gives the signature and the docstring; its body is never run. The rule
    is given what variables hold, unless it ``takes_variables``.
    """

    def declare(declaration: Function) -> Function:
        function = _lazy(declaration, at, names[0], takes_variables)
        _register(names, function, at)
        return function

    return declare


def _register(names: tuple[str, ...], function: Function, tensor: str | None) -> None:
    for name in names:
        PRIMITIVES[name] = Primitive(name, function, tensor)


@functools.cache
def load(path: str) -> Any:
    """The object that ``"module:attribute"`` names, imported on first use."""
    module, _, attribute = path.partition(":")
    return getattr(importlib.import_module(module), attribute)


def tensor_rule(path: str, who: str) -> Function:
    """The tensor rule at ``"module:attribute"`` of the primitive ``who``; checked if asked for."""
    rule = load(path)
    if CONFIG.may_wrap and CONFIG.checked:
        return load("eshkol.xla.checks:checked")(path, rule, who)
    return rule


def apply_rule(path: str, who: str, /, *arguments: Any, **options: Any) -> Any:
    """What the tensor rule at ``"module:attribute"`` of the primitive ``who`` gives."""
    if CONFIG.may_wrap:
        arguments, options = _values_of(arguments, options)
    return _applied(tensor_rule(path, who), path, who, arguments, options)


def _applied(
    rule: Function, path: str, who: str, arguments: tuple[Any, ...], options: dict[str, Any]
) -> Any:
    """What a tensor rule gives; its errors are those of the primitive ``who``."""
    try:
        return call_rule(rule, *arguments, **options)
    except EshkolError as error:
        _rename_in_rule(error, path, who)
        raise
    except (TypeError, ValueError) as error:
        _refuse(who, error, [*arguments, *options.values()])
        raise


def _refuse(who: str, error: Exception, values: list[Any]) -> None:
    """Raise what an error of JAX about dtypes means for the primitive, if it is one."""
    if "jax" in sys.modules:
        load("eshkol.xla.refusals:refuse")(who, error, values)


_ALONE = tuple(
    f"eshkol.xla.{module}:"
    for module in (
        "elementwise special_functions complex_parts creation matrices selection reductions "
        "shapes joining indexing statistics decompositions linear_algebra selected fourier filters "
        "slicing index_tuples"
    ).split()
)
"""The modules whose rules call no procedure of the program: what they raise is about them."""


def _rename_in_rule(error: EshkolError, path: str, who: str) -> None:
    """Give the error of a rule that several primitives have the name of the one called."""
    if path.startswith(_ALONE):
        _rename(error, who)


def called_as(who: str, function: Function, *arguments: Any) -> Any:
    """The value of ``function``, which does the work of the primitive ``who``; so do its errors."""
    try:
        return function(*arguments)
    except EshkolError as error:
        _rename(error, who)
        raise


def _rename(error: EshkolError, who: str) -> None:
    """Make the error of the primitive that does the work that of ``who``, which was called."""
    named, colon, rest = error.message.partition(": ")
    if colon and " " not in named and not _are_aliases(named, who):
        error.message = f"{who}: {rest}"
        error.args = (error.message,)


def _are_aliases(one: str, other: str) -> bool:
    first, second = PRIMITIVES.get(one), PRIMITIVES.get(other)
    return one == other or bool(first and second and first.function is second.function)


def call_rule(rule: Function, /, *arguments: Any, **options: Any) -> Any:
    """What a tensor rule gives; values of derivatives that are over count as plain values."""
    try:
        return rule(*arguments, **options)
    except outlived():
        return load(_AGAIN)(rule, arguments, options)


def _values_of(
    arguments: tuple[Any, ...], options: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Arguments with what variables hold in place of these."""
    if options:
        options = {name: value_of(option) for name, option in options.items()}
    return tuple([value_of(argument) for argument in arguments]), options


_AGAIN = "eshkol.xla.lasting:again"
"""Calls a tensor rule once more, with plain values for those of derivatives that are over."""


def outlived() -> tuple[type[Exception], ...]:
    """The errors of JAX about values of a derivative that is over.

    Asked for when an error is handled, so there are none where JAX isn't loaded.
    """
    jax = sys.modules.get("jax")
    return () if jax is None else (jax.errors.UnexpectedTracerError,)


def _with_tensor_rule(host: Function, path: str) -> Function:
    return functools.update_wrapper(_dispatcher(host, path), host)


def _dispatcher(host: Function, path: str) -> Function:
    """``host``, then the tensor rule where it declines; quicker for one and two arguments."""
    rule: Function | None = None
    """As last found; to be found anew only where something may wrap it."""

    def unary(x: Any) -> Any:
        nonlocal rule
        try:
            if x.__class__ in ARRAYS:
                known = rule
                if known is None or CONFIG.may_wrap:
                    known = rule = tensor_rule(path, host.__name__)
                return known(x)
            if x.__class__ is TensorVariable:
                return unary(x.tensor)
            result = host(x)
        except EshkolError as error:
            _rename_in_rule(error, path, host.__name__)
            raise
        return apply_rule(path, host.__name__, x) if result is NotImplemented else result

    def binary(x: Any, y: Any) -> Any:
        nonlocal rule
        try:
            if x.__class__ in ARRAYS and y.__class__ in ARRAYS:
                known = rule
                if known is None or CONFIG.may_wrap:
                    known = rule = tensor_rule(path, host.__name__)
                return known(x, y)
            if x.__class__ is TensorVariable or y.__class__ is TensorVariable:
                return binary(value_of(x), value_of(y))
            result = host(x, y)
        except EshkolError as error:
            _rename_in_rule(error, path, host.__name__)
            raise
        return apply_rule(path, host.__name__, x, y) if result is NotImplemented else result

    least = host.__code__.co_argcount - len(host.__defaults__ or ())
    most = host.__code__.co_argcount

    def variadic(*arguments: Any, **options: Any) -> Any:
        nonlocal rule
        if CONFIG.may_wrap:
            arguments, options = _values_of(arguments, options)
        fits = least <= len(arguments) <= most and not options
        if fits and most and arguments[0].__class__ in ARRAYS:
            known = rule
            if known is None or CONFIG.may_wrap:
                known = rule = tensor_rule(path, host.__name__)
            return _applied(known, path, host.__name__, arguments, options)
        result = host(*arguments, **options)
        if result is not NotImplemented:
            return result
        return apply_rule(path, host.__name__, *arguments, **options)

    by_count: dict[int, Function] = {1: unary, 2: binary}
    return by_count.get(_required_count(host), variadic)


def _required_count(function: Function) -> int:
    """How many arguments a function takes if it takes only required ones, else -1.

    The code object is asked, not ``inspect.signature``: start-up declares hundreds of primitives.
    """
    code = function.__code__
    options = code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS)
    if options or code.co_kwonlyargcount or function.__defaults__:
        return -1
    return code.co_argcount


def _lazy(declaration: Function, path: str, name: str, takes_variables: bool) -> Function:
    rule: Function | None = None
    """As last found; to be found anew only where something may wrap it."""

    def function(*arguments: Any, **options: Any) -> Any:
        nonlocal rule
        known = rule
        if known is None or CONFIG.may_wrap:
            known = rule = tensor_rule(path, name)
            if not takes_variables:
                arguments, options = _values_of(arguments, options)
        try:
            return known(*arguments, **options)
        except outlived():
            return load(_AGAIN)(known, arguments, options)
        except EshkolError as error:
            _rename_in_rule(error, path, name)
            raise
        except (TypeError, ValueError) as error:
            traceback = error.__traceback__
            is_call = traceback is not None and traceback.tb_next is None
            if is_call and isinstance(error, TypeError):
                raise arity_error(name, declaration, arguments, options) from None
            _refuse(name, error, [*arguments, *options.values()])
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
        shown = unknown[0].replace("_", "-")
        return ArityError(f"{name} has no keyword argument #:{shown}", hint=f"use: {usage}")
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
    takes_rest = any(p.kind is p.VAR_POSITIONAL for p in signature.parameters.values())
    return argument_count(least, None if takes_rest else most)


def argument_count(least: int, most: int | None) -> str:
    """``least`` to ``most`` (None: any number of) arguments, in words."""
    if most is None:
        return f"at least {least} argument{'s' * (least != 1)}"
    if least != most:
        return f"{least} to {most} arguments"
    return f"{most} argument{'s' * (most != 1)}"
