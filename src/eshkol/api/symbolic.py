"""Symbolic computation from Python: ``diff``, ``simplify``, ``latex``, ``symbolic_solve`` …

An expression is Scheme text (``"(* x x)"``), a datum (the list that a Scheme program gave), or a
procedure, whose source is meant. Results are data again; a notebook shows them as formulas.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from eshkol.base.errors import BadValue
from eshkol.datum.spelling import python_name
from eshkol.datum.symbols import intern
from eshkol.primitives import computer_algebra as _computer_algebra
from eshkol.primitives import latex as _latex
from eshkol.primitives import symbolic as _symbolic
from eshkol.reader.parser import read_all
from eshkol.runtime.boundary import bounded
from eshkol.syntax.objects import to_datum


def _expression(who: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    forms = read_all(value, f"<{who}>")
    if len(forms) != 1:
        raise BadValue(f"{who}: expected the text of one expression, got {len(forms)} of them")
    return to_datum(forms[0])


@bounded
def diff(expression: Any, /, *variables: str | int) -> Any:
    """The derivative of an expression, as a simplified expression.

    Args:
        expression: text, a datum or a procedure.
        variables: names; one may be followed by how often to differentiate. Left out, the only
            variable of the expression.

    Raises:
        BadValue: there is no rule for something in it.

    Example:
        >>> import eshkol as ek
        >>> ek.diff("(* x (sin x))", "x")
        (+ (sin x) (* x (cos x)))
        >>> ek.diff(ek.eval("(lambda (t) (exp (* 2 t)))"))
        (* (exp (* 2 t)) 2)
    """
    given = [intern(name) if isinstance(name, str) else name for name in variables]
    return _symbolic.symbolic_derivative(_expression("diff", expression), *given)


@bounded
def simplify(expression: Any, /, *, engine: str = "eshkol") -> Any:
    """An equal expression that is simpler.

    Args:
        expression: text, a datum or a procedure.
        engine: ``"sympy"`` for SymPy's ``simplify`` (``pip install 'eshkol[symbolic]'``).

    Example:
        >>> import eshkol as ek
        >>> ek.simplify("(+ x (* 2 x))")
        (* 3 x)
    """
    return _symbolic.simplify(_expression("simplify", expression), engine=engine)


@bounded
def latex(expression: Any, /) -> str:
    """The LaTeX of an expression, without dollar signs; a notebook shows it as a formula.

    Args:
        expression: text, a datum or a procedure.

    Example:
        >>> import eshkol as ek
        >>> print(ek.latex("(/ (sqrt x) 2)"))
        \\frac{\\sqrt{x}}{2}
    """
    return _latex.latex(_expression("latex", expression))


def _of_text(form: Callable[..., Any], call: str, result: str) -> Callable[..., Any]:
    """A form of symbolic computation that takes text for its expression, and names for symbols.

    Args:
        form: the form.
        call: an example in Python: what follows its name there.
        result: what that gives.
    """
    who = form.__name__

    @functools.wraps(form)
    def called(expression: Any, /, *rest: Any, **options: Any) -> Any:
        return form(_expression(who, expression), *map(_symbols, rest), **options)

    called.__doc__ = f"""{form.__doc__}
    From Python an expression may be text, and a symbol its name:

        >>> import eshkol as ek
        >>> ek.{python_name(who)}{call}
        {result}
    """
    return bounded(called)


def _symbols(value: Any) -> Any:
    """A name as a symbol, and a list of them as one of symbols."""
    if isinstance(value, list | tuple):
        return [_symbols(each) for each in value]
    return intern(value) if isinstance(value, str) else value


symbolic_derivative = _of_text(_symbolic.symbolic_derivative, '("(* x x)", "x")', "(* 2 x)")
symbolic_expand = _of_text(
    _computer_algebra.symbolic_expand,
    '("(* (+ x 1) (- x 2))")',
    "(- (expt x 2) x 2)",
)
symbolic_factor = _of_text(
    _computer_algebra.symbolic_factor,
    '("(- (expt x 2) 1)")',
    "(* (- x 1) (+ x 1))",
)
symbolic_integral = _of_text(
    _computer_algebra.symbolic_integral,
    '("(* 2 x)", "x")',
    "(expt x 2)",
)
symbolic_solve = _of_text(
    _computer_algebra.symbolic_solve,
    '("(- (* x x) 4)", "x")',
    "(-2 2)",
)
symbolic_to_procedure = _of_text(
    _symbolic.symbolic_to_procedure,
    '("(* x (+ x y))", ["x", "y"])(2, 3)',
    "10",
)
