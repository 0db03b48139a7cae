"""Text from a format: ``format`` with Scheme's ``~`` directives, ``printf`` with C's ``%``."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

from eshkol.autodiff.plain import to_float
from eshkol.base.errors import BadValue, WrongType
from eshkol.datum.number_text import FLOAT_FORMAT, number_text
from eshkol.datum.symbols import Symbol
from eshkol.datum.tensor_text import concrete
from eshkol.datum.values import UNSPECIFIED, Char, MutableString, Unspecified
from eshkol.datum.write import display_parts, short_string, write_parts
from eshkol.primitives.arguments import (
    is_tracer,
    is_witness,
    string_argument,
    symbol_argument,
)
from eshkol.primitives.declare import primitive
from eshkol.primitives.numbers import PLAIN, REAL, not_known_yet, shown_number
from eshkol.primitives.output import emit

_TILDE = re.compile(r"~(?P<width>-?[0-9]+)?(?:,(?P<digits>[0-9]+))?(?P<directive>.?)", re.DOTALL)
_PERCENT = re.compile(
    r"%(?P<flags>[-+ #0]*)(?P<width>\*|[0-9]+)?(?:\.(?P<digits>\*|[0-9]*))?"
    r"(?:hh|h|ll|l|L|q|j|z|t)?(?P<directive>.?)",
    re.DOTALL,
)

_TILDE_HINT = "directives: ~a ~s ~d ~x ~o ~b ~f ~,2f ~e ~c ~t ~% ~~"
_PERCENT_HINT = "directives: %d %i %u %x %X %o %f %e %g %s %c %%"


class _Arguments:
    """The arguments of a format, used one by one."""

    def __init__(self, who: str, values: tuple[Any, ...]) -> None:
        self.who = who
        self.values = values
        self.used = 0

    def next(self, directive: str) -> Any:
        """The next argument; ``directive`` asks for it."""
        if self.used == len(self.values):
            raise BadValue(f"{self.who}: no argument is left for the directive {directive}")
        self.used += 1
        return self.values[self.used - 1]

    def finish(self) -> None:
        """Raise an error unless all were used."""
        left = len(self.values) - self.used
        if left:
            s = "s" * (left != 1)
            raise BadValue(f"{self.who}: the format has no directive for {left} argument{s}")


def _number(who: str, directive: str, value: Any, kinds: frozenset[type], expected: str) -> Any:
    number = shown_number(who, value)
    if number.__class__ in kinds:
        return number
    raise WrongType(f"{who}: {directive} expects {expected}, got {short_string(value)}")


def _integer(who: str, directive: str, value: Any) -> int:
    number = _number(who, directive, value, REAL, "an integer")
    if number.__class__ is float and number.is_integer():
        return int(number)
    if number.__class__ is int:
        return number
    raise WrongType(
        f"{who}: {directive} expects an integer, got {short_string(value)}",
        hint=f"for other numbers use {directive[0]}f or {directive[0]}a".replace("%a", "%g"),
    )


def _tilde_text(match: re.Match[str], arguments: _Arguments) -> str:
    """The text of one ``~`` directive."""
    directive = match["directive"].lower()
    shown = match.group()
    constant = {"%": "\n", "n": "\n", "~": "~", "t": "\t", "_": " "}.get(directive)
    if constant is not None:
        return constant
    if directive not in _SCHEME_TEXT:
        raise BadValue(f"{arguments.who}: unknown directive {shown}", hint=_TILDE_HINT)
    value = arguments.next(shown)
    text = _SCHEME_TEXT[directive](arguments.who, shown, value, match["digits"])
    width = int(match["width"] or 0)
    return text.ljust(width) if directive in "as" else text.rjust(width)


def _shown(show: Callable[[Any, Callable[[Any], Any]], str]) -> Callable[..., str]:
    def text(who: str, directive: str, value: Any, digits: str | None) -> str:
        return show(value, functools.partial(_settled, who))

    return text


def _settled(who: str, part: Any) -> Any:
    """A part of a value to show; refused if only the compiled program will know it."""
    if is_witness(part):
        return shown_number(who, part)
    if is_tracer(part) and concrete(part) is None:
        raise not_known_yet(who, part)
    return part


def _in_radix(radix: int) -> Callable[..., str]:
    def text(who: str, directive: str, value: Any, digits: str | None) -> str:
        return number_text(_integer(who, directive, value), radix)

    return text


def _decimal(who: str, directive: str, value: Any, digits: str | None) -> str:
    return number_text(_number(who, directive, value, PLAIN, "a number"))


def _fixed(who: str, directive: str, value: Any, digits: str | None) -> str:
    number = to_float(_number(who, directive, value, REAL, "a real number"))
    return number_text(number) if digits is None else f"{number:.{digits}f}"


def _scientific(who: str, directive: str, value: Any, digits: str | None) -> str:
    return f"{to_float(_number(who, directive, value, REAL, 'a real number')):.{digits or 6}e}"


_SCHEME_TEXT: dict[str, Callable[..., str]] = {
    "a": _shown(display_parts),
    "c": _shown(display_parts),
    "s": _shown(write_parts),
    "w": _shown(write_parts),
    "d": _decimal,
    "x": _in_radix(16),
    "o": _in_radix(8),
    "b": _in_radix(2),
    "f": _fixed,
    "e": _scientific,
}


def _percent_text(match: re.Match[str], arguments: _Arguments) -> str:
    """The text of one ``%`` directive, as C has it."""
    directive, shown = match["directive"], match.group()
    if directive == "%":
        return "%"
    if directive not in "diuxXofFeEgGcs" or not directive:
        raise BadValue(f"{arguments.who}: unknown directive {shown}", hint=_PERCENT_HINT)
    width, digits = match["width"] or "", match["digits"]
    if width == "*":
        width = str(_integer(arguments.who, shown, arguments.next(shown)))
    if digits == "*":
        digits = str(_integer(arguments.who, shown, arguments.next(shown)))
    value = _c_value(arguments.who, shown, directive, arguments.next(shown))
    precision = "" if digits is None else f".{digits}"
    return f"%{match['flags']}{width}{precision}{directive}" % (value,)


def _c_value(who: str, shown: str, directive: str, value: Any) -> Any:
    """``value`` as Python's own ``%`` takes it."""
    if directive in "diuxXo":
        return _integer(who, shown, value)
    if directive == "s":
        return display_parts(value, functools.partial(_settled, who))
    if directive != "c":
        return to_float(_number(who, shown, value, REAL, "a real number"))
    if isinstance(value, Char):
        return value.value
    code = _integer(who, shown, value)
    if 0 <= code <= 0x10FFFF:
        return code
    raise BadValue(f"{who}: {shown} expects a char or its code, got {code}")


def _filled(
    who: str,
    pattern: re.Pattern[str],
    text_of: Callable[[re.Match[str], _Arguments], str],
    template: str,
    values: tuple[Any, ...],
) -> str:
    """``template`` with its directives replaced by what they make of ``values``."""
    arguments = _Arguments(who, values)
    text = pattern.sub(lambda match: text_of(match, arguments), template)
    arguments.finish()
    return text


@primitive("format")
def format_text(template: Any, *values: Any) -> Any:
    """A string made from a format, whose directives stand for the values.

    ``~a`` display, ``~s`` write, ``~d`` a number, ``~x ~o ~b`` an integer in radix 16, 8, 2, ``~f``
    a real (``~8,2f``: 8 wide, 2 decimals), ``~e`` scientific, ``~c`` a char, ``~%`` a new line,
    ``~t`` a tab, ``~~`` a tilde. A number after the ``~`` is the least width.

    Args:
        template: the format; ``#f`` before it changes nothing; with ``#t`` or a port before it the
            text is shown there instead of returned.

    Raises:
        BadValue: an unknown directive, or not one argument per directive.

    Example: ``(format "~a and ~s" "x" "y")`` ⇒ ``"x and \\"y\\""``.
    """
    if isinstance(template, str | MutableString):
        return _filled("format", _TILDE, _tilde_text, str(template), values)
    text_template = string_argument("format", values[0] if values else template)
    text = _filled("format", _TILDE, _tilde_text, text_template, values[1:])
    return text if template is False else emit("format", text, template)


@primitive("printf")
def print_formatted(template: str, *values: Any) -> Unspecified:
    """Show a text made from a format as C's ``printf`` does.

    ``%d %i %u %x %X %o`` take integers, ``%f %e %g`` reals, ``%c`` a char, ``%s`` anything (as
    ``display`` shows it); flags, width and precision are C's. A format without ``%`` whose
    directives start with ``~`` is one of ``format``.

    Example: ``(with-output-to-string (lambda () (printf "%5.2f %s" 3.14159 "pi")))`` ⇒
    ``" 3.14 pi"``.
    """
    text = string_argument("printf", template)
    if "%" in text.replace("~%", "") or "~" not in text:
        return emit("printf", _filled("printf", _PERCENT, _percent_text, text, values))
    return emit("printf", _filled("printf", _TILDE, _tilde_text, text, values))


@primitive("set-float-format!")
def set_float_format(form: Symbol) -> Unspecified:
    """Choose how inexact numbers are shown from now on.

    Args:
        form: ``'scheme``, as they are read (``1.0``, ``1e21``), which is how they are shown at
            first; or ``'native``, as Eshkol programs in C++ show them (``1``, ``1e+21``).

    Example: ``(set-float-format! 'native) (let ((text (number->string 1.0)))
    (set-float-format! 'scheme) text)`` ⇒ ``"1"``.
    """
    name = symbol_argument("set-float-format!", form).name
    if name not in ("scheme", "native"):
        raise BadValue(f"set-float-format!: expected scheme or native, got {name}")
    FLOAT_FORMAT.name = name
    return UNSPECIFIED
