"""Expressions as LaTeX."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from eshkol.autodiff.plain import PLAIN
from eshkol.datum.mathematics import mean_mathematics
from eshkol.datum.number_text import number_text
from eshkol.datum.pairs import Pair
from eshkol.datum.symbols import Symbol, intern
from eshkol.primitives.declare import primitive
from eshkol.primitives.expression_data import Expression, expression_of, meant, without_lets

OR, AND, RELATION, SUM, NEGATION, PRODUCT, POWER, ATOM = range(8)
"""How tightly what an expression is written as holds together."""

Written = tuple[str, int]

_GREEK = frozenset(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega "
    "hbar ell nabla".split()
)

_FUNCTIONS = {
    **{name: rf"\{name}" for name in "sin cos tan sinh cosh tanh exp max min arg".split()},
    **{name: rf"\arc{name[1:]}" for name in "asin acos atan".split()},
    **{name: rf"\operatorname{{ar{name[1:]}}}" for name in "asinh acosh atanh".split()},
    **{name: rf"\operatorname{{{name}}}" for name in "erf erfc expm1 log1p relu softplus".split()},
    "log": r"\log",
    "sign": r"\operatorname{sgn}",
    "sigmoid": r"\sigma",
    "atan2": r"\operatorname{atan2}",
    "modulo": r"\operatorname{mod}",
    "maximum": r"\max",
    "minimum": r"\min",
    "real-part": r"\operatorname{Re}",
    "imag-part": r"\operatorname{Im}",
    "angle": r"\arg",
    "gamma": r"\Gamma",
    "log-gamma": r"\log\Gamma",
    "digamma": r"\psi",
    "log2": r"\log_2",
    "log10": r"\log_{10}",
}

_RAISED = frozenset("sin cos tan sinh cosh tanh asin acos atan log".split())
"""Functions whose powers are written at their names."""

_RELATIONS = {"=": "=", "<": "<", ">": ">", "<=": r"\le", ">=": r"\ge"}
_ENCLOSED = {
    "abs": (r"\left|", r"\right|"),
    "magnitude": (r"\left|", r"\right|"),
    "floor": (r"\left\lfloor ", r"\right\rfloor"),
    "ceiling": (r"\left\lceil ", r"\right\rceil"),
    "norm": (r"\left\|", r"\right\|"),
}
_ITSELF = frozenset("exact->inexact inexact->exact exact inexact identity".split())


class Latex(str):
    """LaTeX source; a notebook shows the formula."""

    __slots__ = ()

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self}$"


@primitive("latex", "->latex")
def latex(expression):
    """The LaTeX of an expression; a notebook shows it as a formula.

    Args:
        expression: a number, a symbol, a list such as ``'(/ x 2)``; or a procedure, for what it
            computes.

    Returns:
        A string, without dollar signs.

    Raises:
        WrongType: for what is no expression.

    Example: ``(latex '(/ x 2))`` ⇒ ``\\frac{x}{2}``; ``(latex (diff (sin (* 2 x)) x))`` ⇒
        ``2 \\cos\\left(2 x\\right)``.
    """
    return Latex(latex_of(meant("latex", expression)))


def latex_of_datum(datum: Any) -> str:
    """The LaTeX of an expression as a datum."""
    return latex_of(expression_of("latex", datum))


def latex_of(expression: Expression) -> str:
    """The LaTeX of an expression.

    Example:
        >>> print(latex_of(("expt", ("sin", ("/", 1, 2)), 2)))
        \\sin^{2}\\left(\\frac{1}{2}\\right)
    """
    return _written(expression)[0]


def _written(expression: Expression) -> Written:
    if isinstance(expression, Symbol):
        return _symbol(expression.name), ATOM
    if expression.__class__ in PLAIN:
        return _number(expression)
    if not isinstance(expression, tuple):
        return rf"\mathrm{{{'true' if expression else 'false'}}}", ATOM
    head, *arguments = expression
    writer = _WRITERS.get(head) if isinstance(head, str) else None
    found = writer(arguments) if writer is not None else None
    return found if found is not None else (_call(head, arguments), ATOM)


def _at_least(expression: Expression, strength: int) -> str:
    """An expression, in parentheses if it holds together less tightly."""
    text, own = _written(expression)
    return text if own >= strength else _in_parentheses(text)


def _in_parentheses(text: str) -> str:
    return rf"\left({text}\right)"


# ---- numbers and names


def _number(number: Any) -> Written:
    if number.__class__ is complex:
        return _complex(number)
    if number < 0 or (number == 0 and math.copysign(1, number) < 0):
        return f"-{_number(-number)[0]}", NEGATION
    if number.__class__ is Fraction:
        return rf"\frac{{{number.numerator}}}{{{number.denominator}}}", POWER
    if number.__class__ is int:
        return str(number), ATOM
    if not math.isfinite(number):
        return (r"\infty" if number == math.inf else r"\mathrm{NaN}"), ATOM
    mantissa, mark, exponent = number_text(number).partition("e")
    if not mark:
        return mantissa, ATOM
    mantissa = mantissa.removesuffix(".0")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}", PRODUCT


def _complex(number: complex) -> Written:
    imaginary, strength = _product([number.imag, intern("i")]) if number.imag != 1 else ("i", ATOM)
    if number.real == 0:
        return imaginary, strength
    sign = "" if imaginary.startswith("-") else "+ "
    shown = imaginary.replace("-", "- ", 1) if imaginary.startswith("-") else imaginary
    return f"{_number(number.real)[0]} {sign}{shown}", SUM


def _symbol(name: str) -> str:
    """A name: letters are variables, words are upright; what follows ``_``, or digits, is low."""
    base, _, index = name.partition("_")
    if not index:
        base = name.rstrip("0123456789") or name
        index = name[len(base) :]
    text = _word(base)
    return rf"{text}_{{{_word(index) if not index.isdigit() else index}}}" if index else text


def _word(word: str) -> str:
    if word in _GREEK:
        return f"\\{word}"
    if len(word) == 1:
        return word if word not in "#$%&_{}" else f"\\{word}"
    safe = word.replace("\\", r"\backslash ").replace("^", r"\hat{\ }").replace("~", r"\sim ")
    for sign in "#$%&_{}":
        if sign not in "{}":
            safe = safe.replace(sign, f"\\{sign}")
    return rf"\mathrm{{{safe}}}"


# ---- arithmetic


def _sum(arguments: Sequence[Expression]) -> Written | None:
    if len(arguments) < 2:
        return _written(arguments[0]) if arguments else ("0", ATOM)
    return _signed([(1, argument) for argument in arguments])


def _difference(arguments: Sequence[Expression]) -> Written | None:
    if not arguments:
        return None
    if len(arguments) == 1:
        return f"-{_at_least(arguments[0], PRODUCT)}", NEGATION
    first, *others = arguments
    return _signed([(1, first), *((-1, other) for other in others)])


def _signed(terms: list[tuple[int, Expression]]) -> Written:
    """A sum; a term that begins with a minus is subtracted."""
    text = ""
    for sign, term in terms:
        shown, strength = _written(term)
        if strength < SUM or (sign < 0 and strength in (SUM, NEGATION)):
            shown = _in_parentheses(shown)
        if not text:
            text = shown
        elif sign < 0:
            text += f" - {shown}"
        elif shown.startswith("-"):
            text += f" - {shown[1:]}"
        else:
            text += f" + {shown}"
    return text, SUM


def _product(arguments: Sequence[Expression]) -> Written:
    if len(arguments) < 2:
        return _written(arguments[0]) if arguments else ("1", ATOM)
    numbers = [part for part in arguments if part.__class__ in PLAIN]
    if len(numbers) == 1 and numbers[0] is not arguments[0]:
        # A number stands in front of the letters that it multiplies.
        arguments = [*numbers, *(part for part in arguments if part is not numbers[0])]
    first, *others = arguments
    if first.__class__ is int and first == -1:
        rest = _product(others)[0] if len(others) > 1 else _at_least(others[0], PRODUCT)
        return f"-{rest}", NEGATION
    if _written(first)[1] == NEGATION and first.__class__ in PLAIN:
        return f"-{_product([-first, *others])[0]}", NEGATION
    text = _at_least(first, PRODUCT)
    for part in others:
        factor = _at_least(part, PRODUCT if part.__class__ not in PLAIN else POWER)
        text += rf" \cdot {factor}" if factor[0].isdigit() or text[-1:] == "|" else f" {factor}"
    return text, PRODUCT


def _quotient(arguments: Sequence[Expression]) -> Written | None:
    if not arguments:
        return None
    above, *below = arguments if len(arguments) > 1 else (1, *arguments)
    text, strength = _written(above)
    sign = ""
    if strength == NEGATION:
        sign, text = "-", text[1:]
    under = latex_of(below[0]) if len(below) == 1 else _product(below)[0]
    return rf"{sign}\frac{{{text}}}{{{under}}}", NEGATION if sign else POWER


def _expt(arguments: Sequence[Expression]) -> Written | None:
    if len(arguments) != 2:
        return None
    base, exponent = arguments
    if exponent == Fraction(1, 2) and exponent.__class__ is Fraction:
        return _root([base])
    raised = latex_of(exponent)
    is_call = isinstance(base, tuple) and len(base) == 2
    if is_call and base[0] in _RAISED and exponent.__class__ is int and exponent > 1:
        inner = _in_parentheses(latex_of(base[1]))
        return rf"{_FUNCTIONS[base[0]]}^{{{raised}}}{inner}", ATOM
    return rf"{_at_least(base, ATOM)}^{{{raised}}}", POWER


def _root(arguments: Sequence[Expression]) -> Written | None:
    return (rf"\sqrt{{{latex_of(arguments[0])}}}", ATOM) if len(arguments) == 1 else None


def _exponential(arguments: Sequence[Expression]) -> Written | None:
    return (rf"e^{{{latex_of(arguments[0])}}}", POWER) if len(arguments) == 1 else None


# ---- functions, relations, cases


def _call(head: Expression, arguments: Sequence[Expression]) -> str:
    if head == "log" and len(arguments) == 2:
        name, arguments = rf"\log_{{{latex_of(arguments[1])}}}", arguments[:1]
    else:
        name = _function_name(head)
    return name + _in_parentheses(", ".join(map(latex_of, arguments)))


def _function_name(head: Expression) -> str:
    if isinstance(head, str):
        return _FUNCTIONS.get(head) or _symbol(head)
    marks = ""
    while isinstance(head, tuple) and head[0] == "derivative" and len(head) == 2:
        head, marks = head[1], marks + "'"
    if isinstance(head, Symbol):
        return _FUNCTIONS.get(head.name, _symbol(head.name)) + marks
    return _in_parentheses(latex_of(head)) + marks


def _relation(name: str) -> Callable[[Sequence[Expression]], Written]:
    def writer(arguments: Sequence[Expression]) -> Written:
        sides = [_at_least(argument, SUM) for argument in arguments]
        return f" {_RELATIONS[name]} ".join(sides), RELATION

    return writer


def _enclosed(name: str) -> Callable[[Sequence[Expression]], Written | None]:
    left, right = _ENCLOSED[name]

    def writer(arguments: Sequence[Expression]) -> Written | None:
        return (left + latex_of(arguments[0]) + right, ATOM) if len(arguments) == 1 else None

    return writer


def _logical(sign: str, strength: int) -> Callable[[Sequence[Expression]], Written | None]:
    def writer(arguments: Sequence[Expression]) -> Written | None:
        if len(arguments) < 2:
            return _written(arguments[0]) if arguments else None
        return f" {sign} ".join(_at_least(argument, strength) for argument in arguments), strength

    return writer


def _let(name: str) -> Callable[[Sequence[Expression]], Written | None]:
    def writer(arguments: Sequence[Expression]) -> Written | None:
        found = without_lets((name, *arguments))
        is_let = isinstance(found, tuple) and found[0] == name
        return None if is_let else _written(found)

    return writer


def _not(arguments: Sequence[Expression]) -> Written | None:
    return (rf"\lnot {_at_least(arguments[0], ATOM)}", NEGATION) if len(arguments) == 1 else None


def _cases(arguments: Sequence[Expression]) -> Written | None:
    if len(arguments) != 3:
        return None
    rows = []
    expression: Expression = ("if", *arguments)
    while isinstance(expression, tuple) and expression[0] == "if" and len(expression) == 4:
        _, test, then, expression = expression
        rows.append(rf"{latex_of(then)} & \text{{if }} {latex_of(test)}")
    rows.append(rf"{latex_of(expression)} & \text{{otherwise}}")
    return r"\begin{cases} " + r" \\ ".join(rows) + r" \end{cases}", ATOM


_WRITERS: dict[str, Callable[[Sequence[Expression]], Written | None]] = {
    "+": _sum,
    "-": _difference,
    "*": _product,
    "/": _quotient,
    "expt": _expt,
    "pow": _expt,
    "sqrt": _root,
    "exp": _exponential,
    "square": lambda arguments: _expt([*arguments, 2]),
    "cube": lambda arguments: _expt([*arguments, 3]),
    "reciprocal": lambda arguments: _quotient(arguments[:1]),
    "negative": lambda arguments: _difference(arguments[:1]),
    "rsqrt": lambda arguments: _quotient([("sqrt", *arguments)]),
    "1+": lambda arguments: _sum([*arguments, 1]),
    "add1": lambda arguments: _sum([*arguments, 1]),
    "-1+": lambda arguments: _difference([*arguments, 1]),
    "sub1": lambda arguments: _difference([*arguments, 1]),
    "if": _cases,
    "where": _cases,
    "and": _logical(r"\land", AND),
    "or": _logical(r"\lor", OR),
    "let": _let("let"),
    "let*": _let("let*"),
    "not": _not,
    **{name: _relation(name) for name in _RELATIONS},
    **{name: _enclosed(name) for name in _ENCLOSED},
    **{name: lambda arguments: _written(arguments[0]) for name in _ITSELF},
}


def formula(datum: Any) -> Any:
    """``datum``, which a notebook shows as a formula if it is a list."""
    if datum.__class__ is not Pair:
        return datum
    return mean_mathematics(datum, latex_of_datum)
