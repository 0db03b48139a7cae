"""Multiplying out: the other way to write an expression, which may be shorter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eshkol.primitives.expression_data import Expression, size_of
from eshkol.primitives.simplification import Product, Sum, simplified

MOST_TERMS = 200
"""An expression whose expansion has more terms is not expanded."""


def simplest(expression: Expression) -> Expression:
    """The shortest of the ways to write an expression that are known: as it is, or expanded."""
    candidates = [simplified(expression)]
    expanded = expansion(candidates[0])
    if expanded is not None:
        candidates.append(simplified(expanded))
    return min(candidates, key=size_of)


def expansion(expression: Expression) -> Expression | None:
    """An expression with products of sums multiplied out; None if that makes it too long."""
    terms = _terms(expression)
    return None if terms is None else ("+", *terms)


def _terms(expression: Expression) -> list[Expression] | None:
    if not isinstance(expression, tuple):
        return [expression]
    head, *arguments = expression
    if head == "+":
        return _chained(map(_terms, arguments))
    if head == "-":
        signs = [-1] if len(arguments) == 1 else [1, *[-1] * (len(arguments) - 1)]
        return _multiplied_each(signs, arguments)
    if head == "*":
        return _multiplied_out(arguments)
    if head == "expt" and arguments[1].__class__ is int and 1 < arguments[1] <= 20:
        return _multiplied_out([arguments[0]] * arguments[1])
    if head == "/" and len(arguments) == 2:
        numerators = _terms(arguments[0])
        return numerators and [("/", numerator, arguments[1]) for numerator in numerators]
    return [expression]


def _chained(lists: Any) -> list[Expression] | None:
    found: list[Expression] = []
    for terms in lists:
        if terms is None or len(found) + len(terms) > MOST_TERMS:
            return None
        found.extend(terms)
    return found


def _multiplied_each(signs: list[int], parts: list[Expression]) -> list[Expression] | None:
    return _chained(_multiplied_out([sign, part]) for sign, part in zip(signs, parts, strict=True))


def _multiplied_out(factors: Sequence[Expression]) -> list[Expression] | None:
    products: list[Expression] = [1]
    for factor in factors:
        terms = _terms(factor)
        if terms is None or len(terms) * len(products) > MOST_TERMS:
            return None
        total = Sum()
        for product in products:
            for term in terms:
                total.add(("*", product, term))
        products = [
            each.expression() for coefficient, each in _with_coefficients(total) if coefficient != 0
        ]
    return products


def _with_coefficients(total: Sum) -> list[tuple[Any, Product]]:
    found = []
    for coefficient, product in total.terms.values():
        product.coefficient = coefficient
        found.append((coefficient, product))
    return found
