"""Systems of equations on Python numbers: their linear algebra, and how roots move.

A root is looked for on plain numbers. If the equations carry derivatives, of what the procedure
captured, Newton's method goes on from the root with numbers that carry them: each step doubles the
order up to which the derivatives of the root are right, whatever kinds of derivatives these are
(the implicit function theorem in the algebra of truncated series).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from eshkol.autodiff import multivariate
from eshkol.autodiff.perturbations import TAGGED, primal, settled
from eshkol.autodiff.plain import divide, multiply, subtract, to_inexact
from eshkol.autodiff.taylor import Taylor
from eshkol.primitives.root_finding import State

Row = list[Any]
Matrix = list[Row]
Residuals = Callable[..., Row]
"""From the unknowns to as many residuals."""

ROUNDING = 1e-15


class HostEquations:
    """Equations on lists of Python numbers (see ``root_finding``)."""

    def __init__(self, who: str, residuals: Residuals) -> None:
        self.who = who
        self.residuals = residuals

    def residual(self, x: Row) -> Row:
        return plain(self.residuals(*x))

    def jacobian(self, x: Row) -> Matrix:
        """The matrix of derivatives."""
        rows = multivariate.Linearization(self.who, self.residuals, x).rows()
        return [plain(row) for row in rows]

    def newton_step(self, x: Row, residual: Row) -> Row:
        opposite = [-r for r in residual]
        return plain(solve(self.jacobian(x), opposite))

    def inverse_jacobian(self, x: Row) -> Matrix:
        return inverse(self.jacobian(x))

    def apply(self, matrix: Matrix, x: Row) -> Row:
        return [_dot(row, x) for row in matrix]

    def updated(self, inverse: Matrix, move: Row, change: Row) -> Matrix:
        expected = self.apply(inverse, change)
        left = [_dot(column, move) for column in zip(*inverse, strict=True)]
        scale = _dot(left, change)
        if not abs(scale) > 0.0:
            return inverse
        return [
            [h + (m - e) * v / scale for h, v in zip(row, left, strict=True)]
            for row, m, e in zip(inverse, move, expected, strict=True)
        ]

    def no_history(self, count: int, x: Row) -> Any:
        return count, ()

    def remember(self, history: Any, move: Row, difference: Row) -> Any:
        count, pairs = history
        return count, ((move, difference), *pairs[: count - 1])

    def mixed(self, history: Any, change: Row) -> Row:
        pairs = history[1]
        result: Row = [0.0] * len(change)
        if not pairs:
            return result
        gram = [[_dot(u, v) for _, v in pairs] for _, u in pairs]
        ridge = 10 * ROUNDING * sum(gram[k][k] for k in range(len(pairs)))
        for k in range(len(pairs)):
            gram[k][k] += ridge
        factors = solve(gram, [_dot(difference, change) for _, difference in pairs])
        for factor, (move, difference) in zip(factors, pairs, strict=True):
            if abs(factor) < math.inf:
                result = [
                    y + factor * (m + d) for y, m, d in zip(result, move, difference, strict=True)
                ]
        return result

    def each(self, function: Callable[..., Any], *points: Row) -> Row:
        return [function(*elements) for elements in zip(*points, strict=True)]

    def norm(self, x: Row) -> float:
        return math.hypot(*map(abs, x))

    def sign(self, x: Row) -> float:
        (r,) = x
        return r if r != r or r == 0 else math.copysign(1.0, r)

    def choose(self, condition: Any, x: Any, y: Any) -> Any:
        return x if condition else y

    def repeat(self, test: Callable[..., Any], step: Callable[..., State], state: State) -> State:
        while test(*state):
            state = step(*state)
        return state


def plain(numbers: Sequence[Any]) -> Row:
    """The numbers as doubles or complex ones, without the derivatives they carry."""
    return [to_inexact(primal(x)) for x in numbers]


def _dot(x: Sequence[Any], y: Sequence[Any]) -> Any:
    return sum(u * v for u, v in zip(x, y, strict=True))


# ---- linear equations


def solve(matrix: Matrix, right: Row) -> Row:
    """The solution of linear equations by elimination with pivoting; NaN if there is none.

    The numbers may carry derivatives.

    Example:
        >>> solve([[0.0, 2.0], [1.0, 1.0]], [4.0, 5.0])
        [3.0, 2.0]
    """
    return [row[0] for row in _eliminate(matrix, [[r] for r in right])]


def inverse(matrix: Matrix) -> Matrix:
    """The inverse matrix; of NaN if there is none."""
    size = len(matrix)
    return _eliminate(matrix, [[float(i == j) for j in range(size)] for i in range(size)])


def _eliminate(matrix: Matrix, right: Matrix) -> Matrix:
    rows = [[*row, *others] for row, others in zip(matrix, right, strict=True)]
    size = len(rows)
    for k in range(size):
        best = max(range(k, size), key=lambda i: _size(rows[i][k]))
        rows[k], rows[best] = rows[best], rows[k]
        pivot = rows[k][k]
        if not 0.0 < _size(pivot) < math.inf:
            return [[math.nan] * len(right[0]) for _ in rows]
        for i in range(size):
            factor = divide(rows[i][k], pivot) if i > k else 0
            if factor.__class__ in TAGGED or factor != 0:
                rows[i] = rows[i][: k + 1] + [
                    subtract(x, multiply(factor, y))
                    for x, y in zip(rows[i][k + 1 :], rows[k][k + 1 :], strict=True)
                ]
    return _back_substituted(rows, size)


def _back_substituted(rows: Matrix, size: int) -> Matrix:
    found: Matrix = [[] for _ in rows]
    for k in range(size - 1, -1, -1):
        row = rows[k]
        found[k] = []
        for column in range(size, len(row)):
            total = row[column]
            for j in range(k + 1, size):
                total = subtract(total, multiply(row[j], found[j][column - size]))
            found[k].append(divide(total, row[k]))
    return found


def _size(x: Any) -> float:
    return abs(primal(x))


# ---- how roots move


def moving_root(who: str, residuals: Residuals, x: Row) -> Row:
    """The root ``x`` of plain numbers, with the derivatives that the residuals give it.

    Args:
        who: the primitive, for errors.
        residuals: of the unknowns; what it captured may carry derivatives.
        x: a root.
    """
    order = total_order(residuals(*x))
    point, right = list(x), 0
    while right < order:
        found = multivariate.Linearization(who, residuals, point)
        rows = found.rows()
        if right == 0:
            rows = [plain(row) for row in rows]
        move = solve(rows, found.values)
        point = [subtract(u, v) for u, v in zip(point, move, strict=True)]
        right = 2 * right + 1
    return point


def total_order(numbers: Sequence[Any]) -> int:
    """The highest total order of the derivatives that some numbers carry."""
    orders: dict[int, int] = {}
    pending = list(numbers)
    while pending:
        number = settled(pending.pop())
        if number.__class__ not in TAGGED:
            continue
        if isinstance(number, Taylor):
            orders[number.tag] = max(number.order, orders.get(number.tag, 0))
            pending.extend(number.coefficients)
        else:
            orders[number.tag] = 1
            pending.append(number.value)
    return sum(orders.values())
