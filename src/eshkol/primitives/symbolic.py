"""Symbolic derivatives: of expressions as data, and of procedures through their source.

``diff`` and ``differentiate`` are forms (see ``expand``) short for ``symbolic-derivative``.
"""

from __future__ import annotations

from typing import Any

from eshkol.base.errors import BadValue, EshkolError
from eshkol.datum.pairs import Pair, scheme_list
from eshkol.datum.symbols import Symbol, intern
from eshkol.datum.write import short_string
from eshkol.primitives import computer_algebra
from eshkol.primitives.arguments import list_argument, size_argument, symbol_argument
from eshkol.primitives.declare import load, primitive
from eshkol.primitives.expansions import simplest
from eshkol.primitives.expression_data import (
    Expression,
    datum_of,
    executed_source_of,
    expression_of,
    meant,
    source_of,
)
from eshkol.primitives.latex import formula
from eshkol.primitives.simplification import simplified
from eshkol.primitives.symbolic_rules import WHO, checked, derivative_of


@primitive("symbolic-derivative")
def symbolic_derivative(expression, *variables):
    """The derivative of an expression, as a simplified expression.

    Args:
        expression: a number, a symbol, a list such as ``'(* x (sin x))``; or a procedure, whose
            source is differentiated. What is no expression there (a loop, recursion, assignments,
            lists) is run with symbols in place of numbers, unless it asks for their values.
        variables: symbols; one may be followed by how often to differentiate. Left out, the
            parameter of the procedure, or the only variable of the expression.

    Raises:
        BadValue: there is no rule for something in it.

    Example:
        ``(symbolic-derivative '(* x (sin x)) 'x)`` ⇒ ``(+ (sin x) (* x (cos x)))``;
        ``(symbolic-derivative (lambda (t) (exp (* 2 t))))`` ⇒ ``(* (exp (* 2 t)) 2)``;
        ``(symbolic-derivative (lambda (x) (apply * (list x x 3))))`` ⇒ ``(* 6 x)``;
        ``(symbolic-derivative '(expt x 5) 'x 3)`` ⇒ ``(* 60 (expt x 2))``.
    """
    given = _orders(variables)
    if not callable(expression):
        return _derivative(checked(WHO, expression_of(WHO, expression)), [], variables)
    name = given[0] if given else None
    source = source_of(WHO, expression, name)
    try:
        return _derivative(*source, variables)
    except BadValue:
        executed = executed_source_of(expression, name)
        if executed is None:
            raise
        return _derivative(*executed, variables)


def _derivative(
    expression: Expression, parameters: list[Symbol], variables: tuple[Any, ...]
) -> Any:
    given = _orders(variables) if variables else [_only_variable(expression, parameters)]
    for x in given:
        expression = simplified(derivative_of(expression, x))
    return formula(datum_of(expression if given else simplified(expression)))


def _orders(variables: tuple[Any, ...]) -> list[Symbol]:
    """Each variable as often as to differentiate with respect to it."""
    found: list[Symbol] = []
    for part in variables:
        if isinstance(part, Symbol) or not found:
            found.append(symbol_argument(WHO, part))
        else:
            times = size_argument(WHO, part)
            found[-1:] = [found[-1]] * times
    return found


def _only_variable(expression: Expression, parameters: list[Symbol]) -> Symbol:
    names = parameters or sorted(_variables(expression), key=lambda symbol: symbol.name)
    if len(names) != 1:
        shown = " ".join(symbol.name for symbol in names) or "no variables"
        raise BadValue(
            f"{WHO}: with respect to which variable? the expression has {shown}",
            hint=f"use: ({WHO} expression variable)",
        )
    return names[0]


def _variables(expression: Expression) -> set[Symbol]:
    if isinstance(expression, tuple):
        return set().union(*map(_variables, expression))
    return {expression} if isinstance(expression, Symbol) else set()


@primitive("differentiand")
def differentiand(get, name):
    """What ``(diff name x)`` differentiates: the expression or procedure that a variable holds.

    Also what ``(diff (make a) x)`` does, where a call gives a procedure. What holds or gives
    something else, or is not defined, is a symbol or call of the expression.

    Args:
        get: a procedure without parameters that gives the value of the variable or call.
        name: the symbol or call.

    Example: ``(differentiand (lambda () 5) 'a)`` ⇒ ``a``.
    """
    try:
        value = get()
    except (EshkolError, NameError, TypeError):
        return name
    return value if value.__class__ is Pair or callable(value) else name


@primitive("simplify")
def simplify(expression, *, engine="eshkol"):
    """An equal expression that is simpler: like terms and factors are collected.

    Numbers are computed exactly. Where it makes the expression shorter, products of sums are
    multiplied out.

    Args:
        expression: as for ``symbolic-derivative``.
        engine: ``'sympy`` for SymPy's ``simplify``, which knows far more and takes far longer
            (install ``eshkol[symbolic]``); variables are real numbers to it.

    Example:
        ``(simplify '(+ x (* 2 x) (expt (sin y) 2) (expt (cos y) 2)))`` ⇒ ``(+ (* 3 x) 1)``;
        ``(simplify '(- (* (+ x 1) (+ x 1)) (* x x)))`` ⇒ ``(+ (* 2 x) 1)``;
        ``(simplify '(/ (- (expt x 2) 1) (- x 1)) #:engine 'sympy)`` ⇒ ``(+ x 1)``.
    """
    expression = checked("simplify", meant("simplify", expression))
    name = getattr(engine, "name", engine)
    if name == "sympy":
        return formula(datum_of(computer_algebra.simplify("simplify", expression)))
    if name != "eshkol":
        raise BadValue(
            f"simplify: expected 'eshkol or 'sympy as #:engine, got {short_string(engine)}"
        )
    return formula(datum_of(simplest(expression)))


@primitive("symbolic->procedure")
def symbolic_to_procedure(expression, variables):
    """The procedure that computes an expression.

    Args:
        expression: as a datum; its other variables are those of the program.
        variables: the list of symbols that are the parameters.

    Example:
        ``((symbolic->procedure '(* x (+ x y)) '(x y)) 2 3)`` ⇒ ``10``.
    """
    who = "symbolic->procedure"
    names = [symbol_argument(who, name) for name in list_argument(who, variables)]
    datum = datum_of(expression_of(who, expression))
    lambda_form = scheme_list([intern("lambda"), scheme_list(names), datum])
    return load("eshkol.api.environments:program_of")(lambda_form)()
