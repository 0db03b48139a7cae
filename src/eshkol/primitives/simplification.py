"""Simplifying expressions.

Products are collected as powers of their factors, sums as multiples of their terms, in the order in
which these first occur.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from eshkol.autodiff import plain
from eshkol.autodiff.plain import EXACT, PLAIN
from eshkol.primitives.expression_data import Expression, is_number, key_of

HALF = Fraction(1, 2)


def simplified(expression: Expression) -> Expression:
    """An equal expression, simpler where possible.

    Example:
        >>> simplified(("+", ("*", 2, "x"), ("*", "x", 3)))
        ('*', 5, 'x')
    """
    if not isinstance(expression, tuple):
        return expression
    head, *arguments = expression
    arguments = [simplified(argument) for argument in arguments]
    rule = _RULES.get(head) if isinstance(head, str) else None
    found = None if rule is None else rule(arguments)
    return (head, *arguments) if found is None else found


# ---- products


class Product:
    """A coefficient and powers of factors.

    Attributes:
        coefficient: a number.
        position: how many factors stand before it.
        powers: by the key of the base, the base and its exponent.
    """

    def __init__(self) -> None:
        self.coefficient: Any = 1
        self.position: int | None = None
        self.powers: dict[str, tuple[Expression, Expression]] = {}

    def multiply(self, factor: Expression, exponent: Expression = 1) -> None:
        """Multiply by a power of a factor."""
        is_whole = exponent.__class__ is int
        if is_number(factor) and is_whole and not (factor == 0 and exponent < 0):
            self._scale(plain.power(factor, exponent))
            return
        head, *arguments = factor if isinstance(factor, tuple) else (None,)
        if head == "*" and is_whole:
            for part in arguments:
                self.multiply(part, exponent)
        elif head == "/" and is_whole and arguments:
            numerator, *divisors = arguments if len(arguments) > 1 else (1, *arguments)
            self.multiply(numerator, exponent)
            for divisor in divisors:
                self.multiply(divisor, -exponent)
        elif head == "-" and len(arguments) == 1 and is_whole:
            self._scale(-1 if exponent % 2 else 1)
            self.multiply(arguments[0], exponent)
        elif head == "sqrt" and len(arguments) == 1:
            self._raise(arguments[0], _times(HALF, exponent))
        elif head == "expt" and is_whole and len(arguments) == 2:
            self._raise(arguments[0], _times(exponent, arguments[1]))
        else:
            self._raise(factor, exponent)

    def _scale(self, number: Any) -> None:
        self.coefficient = plain.multiply(self.coefficient, number)
        if self.position is None and number != 1:
            self.position = len(self.powers)

    def _raise(self, base: Expression, exponent: Expression) -> None:
        key = key_of(base)
        if key in self.powers:
            exponent = _sum([self.powers[key][1], exponent])
        self.powers[key] = (base, exponent)
        is_number_that_divides = is_number(base) and base != 0
        if is_number(exponent, 0):
            del self.powers[key]
        elif exponent.__class__ is int and (is_number_that_divides or _is_product(base)):
            del self.powers[key]
            self.multiply(base, exponent)

    def key(self) -> str:
        """The same for products that differ only by their coefficients."""
        return " ".join(sorted(f"{key}^{key_of(power)}" for key, (_, power) in self.powers.items()))

    def expression(self) -> Expression:
        """The product as an expression."""
        if not self.powers or (self.coefficient == 0 and not self.divides_by_zero()):
            return self.coefficient
        above: list[Expression] = []
        below: list[Expression] = []
        for base, exponent in self.powers.values():
            if exponent.__class__ in PLAIN - {complex} and exponent < 0:
                below.append(_power(base, plain.negate(exponent)))
            else:
                above.append(_power(base, exponent))
        return self._written(above, below)

    def divides_by_zero(self) -> bool:
        """Whether a number that is zero is a divisor."""
        return any(is_number(base) and base == 0 for base, _ in self.powers.values())

    def _written(self, above: list[Expression], below: list[Expression]) -> Expression:
        number = self.coefficient
        is_negated = is_number(number, -1) and (above or below)
        if is_negated:
            number = 1
        if below and number.__class__ is Fraction:
            below.insert(0, number.denominator)
            number = number.numerator
        if not is_number(number, 1):
            above.insert(min(self.position or 0, len(above)), number)
        numerator = _joined("*", above, 1)
        result = ("/", numerator, _joined("*", below, 1)) if below else numerator
        return ("-", result) if is_negated else result


def _is_product(expression: Expression) -> bool:
    if not isinstance(expression, tuple):
        return False
    return expression[0] in ("*", "/", "expt", "sqrt") or (
        expression[0] == "-" and len(expression) == 2
    )


def _joined(operator: str, parts: list[Expression], empty: Any) -> Expression:
    if len(parts) > 1:
        return (operator, *parts)
    return parts[0] if parts else empty


def _times(x: Expression, y: Expression) -> Expression:
    return _product([x, y])


def _power(base: Expression, exponent: Expression) -> Expression:
    if is_number(exponent, 1):
        return base
    if is_number(exponent, HALF):
        return ("sqrt", base)
    return ("expt", base, exponent)


def _product(arguments: Sequence[Expression]) -> Expression:
    product = Product()
    for argument in arguments:
        product.multiply(argument)
    return product.expression()


def _quotient(arguments: Sequence[Expression]) -> Expression:
    return _product([("/", *arguments)]) if arguments else None


def _expt(arguments: Sequence[Expression]) -> Expression | None:
    if len(arguments) != 2:
        return None
    base, exponent = arguments
    if is_number(base) and is_number(exponent):
        is_whole = exponent.__class__ is int and not (base == 0 and exponent < 0)
        inexact = base.__class__ not in EXACT or exponent.__class__ not in EXACT
        return plain.power(base, exponent) if is_whole or inexact else None
    if is_number(base, 1):
        return 1
    product = Product()
    if exponent.__class__ is int:
        product.multiply(base, exponent)
    else:
        product.multiply(("expt", base, exponent))
    return product.expression()


def _square_root(arguments: Sequence[Expression]) -> Expression | None:
    if len(arguments) != 1:
        return None
    (x,) = arguments
    if is_number(x):
        root = plain.sqrt(x)
        return root if root.__class__ in EXACT or x.__class__ not in EXACT else None
    return ("sqrt", x)


# ---- sums


class Sum:
    """Multiples of terms, and a constant among them."""

    def __init__(self) -> None:
        self.terms: dict[str, tuple[Any, Expression]] = {}

    def add(self, term: Expression, sign: int = 1) -> None:
        """Add a term, or with ``sign`` -1 subtract it."""
        head, *arguments = term if isinstance(term, tuple) else (None,)
        if head == "+":
            for part in arguments:
                self.add(part, sign)
        elif head == "-" and arguments:
            self.add(arguments[0], sign if len(arguments) > 1 else -sign)
            for part in arguments[1:]:
                self.add(part, -sign)
        else:
            product = Product()
            product.multiply(term)
            self._collect(product, sign)

    def _collect(self, product: Product, sign: int) -> None:
        coefficient, key = plain.multiply(sign, product.coefficient), product.key()
        if key in self.terms:
            number, base = self.terms[key]
            self.terms[key] = (plain.add(number, coefficient), base)
            return
        product.coefficient = plain.multiply(product.coefficient, sign)
        self.terms[key] = (coefficient, product)

    def expression(self) -> Expression:
        """The sum as an expression: what is subtracted comes last."""
        self._combine_squares()
        positive: list[Expression] = []
        negative: list[Expression] = []
        for coefficient, product in self.terms.values():
            if coefficient == 0 and not product.divides_by_zero():
                continue
            is_negative = coefficient.__class__ is not complex and coefficient < 0
            if product.coefficient != coefficient:
                product.position = 0
            product.coefficient = plain.negate(coefficient) if is_negative else coefficient
            (negative if is_negative else positive).append(product.expression())
        if not negative:
            return _joined("+", positive, 0)
        if not positive and len(negative) == 1:
            return _product([-1, negative[0]])
        if not positive:
            return ("-", ("+", *negative))
        return ("-", _joined("+", positive, 0), *negative)

    def _combine_squares(self) -> None:
        """``sin² u + cos² u = 1``."""
        for key, (coefficient, product) in list(self.terms.items()):
            if not key.startswith("(sin ") or not key.endswith("^2") or len(product.powers) != 1:
                continue
            other = f"(cos {key[5:]}"
            if other in self.terms and self.terms[other][0] == coefficient:
                del self.terms[other]
                self.terms[key] = (0, product)
                constant = Product()
                constant.coefficient = coefficient
                self._collect(constant, 1)


def _sum(arguments: Sequence[Expression]) -> Expression:
    total = Sum()
    for argument in arguments:
        total.add(argument)
    return total.expression()


def _difference(arguments: Sequence[Expression]) -> Expression | None:
    if not arguments:
        return None
    return _product([-1, *arguments]) if len(arguments) == 1 else _sum([("-", *arguments)])


# ---- functions

_AT_EXACT = {
    ("sin", 0): 0,
    ("cos", 0): 1,
    ("tan", 0): 0,
    ("asin", 0): 0,
    ("atan", 0): 0,
    ("sinh", 0): 0,
    ("cosh", 0): 1,
    ("tanh", 0): 0,
    ("asinh", 0): 0,
    ("atanh", 0): 0,
    ("exp", 0): 1,
    ("expm1", 0): 0,
    ("log", 1): 0,
    ("log1p", 0): 0,
    ("erf", 0): 0,
}
"""Values of functions that are exact."""

_ODD = frozenset(["sin", "tan", "asin", "atan", "sinh", "tanh", "asinh", "atanh", "erf"])
_EVEN = frozenset(["cos", "cosh", "abs"])
_INVERSE = {"exp": "log", "log": "exp"}


def _function(name: str) -> Callable[[Sequence[Expression]], Expression | None]:
    value_of = getattr(plain, name, None)

    def rule(arguments: Sequence[Expression]) -> Expression | None:
        if len(arguments) != 1:
            return None
        (x,) = arguments
        if is_number(x):
            if x.__class__ not in EXACT:
                return None if value_of is None else value_of(x)
            return _AT_EXACT.get((name, x))
        if isinstance(x, tuple) and len(x) == 2:
            if x[0] == _INVERSE.get(name):
                return x[1]
            if x[0] == "-" and name in _ODD:
                return _product([-1, (name, x[1])])
            if x[0] == "-" and name in _EVEN:
                return (name, x[1])
        return None

    return rule


def _absolute(arguments: Sequence[Expression]) -> Expression | None:
    if len(arguments) == 1 and is_number(arguments[0]):
        return abs(arguments[0])
    return _function("abs")(arguments)


def _if(arguments: Sequence[Expression]) -> Expression | None:
    if len(arguments) == 3 and key_of(arguments[1]) == key_of(arguments[2]):
        return arguments[1]
    return None


_RULES: dict[str, Callable[[Sequence[Expression]], Expression | None]] = {
    "+": _sum,
    "-": _difference,
    "*": _product,
    "/": _quotient,
    "expt": _expt,
    "pow": _expt,
    "sqrt": _square_root,
    "square": lambda arguments: _expt([*arguments, 2]),
    "cube": lambda arguments: _expt([*arguments, 3]),
    "abs": _absolute,
    "if": _if,
    **{name: _function(name) for name in {name for name, _ in _AT_EXACT} | {"acos", "acosh"}},
}
