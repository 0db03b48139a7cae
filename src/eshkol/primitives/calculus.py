"""Jacobians, Hessians and what vector fields have: Laplacian, divergence, curl.

What their points are is told in ``points``. Where no tensor takes part the derivatives are the
host's, exact at exact points; when a tensor turns up, the procedure is run again under JAX.
"""

from __future__ import annotations

from typing import Any

from eshkol.autodiff import multivariate
from eshkol.autodiff.plain import add, subtract
from eshkol.autodiff.structures import unflatten
from eshkol.base.errors import ShapeError
from eshkol.primitives.declare import primitive
from eshkol.primitives.points import (
    Procedure,
    check_procedure,
    curried,
    field_error,
    on_host_or_not,
    point_of,
)


@primitive("jacobian")
def jacobian(function, *points):
    """The Jacobian: the derivatives of each number that a procedure gives.

    Args:
        function: gives a number, or a tensor, vector, list or other structure of numbers.
        points: a number, tensor or structure; or several numbers, which are a vector. Without
            points, the result is the procedure that computes the Jacobian.

    Returns:
        What the procedure gives, with the structure of the point in place of each number: a
        vector of rows for vectors. If tensors take part, a tensor of rank m + n for a value of
        rank m and a point of rank n.

    Example:
        ``(jacobian (lambda (v) (vector (* (vref v 0) (vref v 0)) (* (vref v 0) (vref v 1))))
        #(2 3))`` ⇒ ``#(#(4 0) #(3 2))``; ``(jacobian (lambda (x y) (list (* x y))) 2 3)`` ⇒
        ``(#(3 2))``.
    """
    check_procedure("jacobian", function)
    if not points:
        return curried(jacobian, function, {})

    def host(function, numbers, structure):
        found = multivariate.Linearization("jacobian", function, numbers)
        rows = [unflatten(structure, row) for row in found.rows()]
        return unflatten(found.structure, rows)

    return on_host_or_not("jacobian", point_of("jacobian", function, points), host)


@primitive("hessian")
def hessian(function, *points):
    """The Hessian: the second derivatives of a procedure that gives one number.

    Args:
        function: gives one number.
        points: as for ``jacobian``.

    Returns:
        The structure of the point with that structure in place of each number; a number for a
        number, a vector of rows for a vector, a tensor of rank 2 n for a tensor of rank n.

    Example:
        ``(hessian (lambda (x y) (* x x y)) 2 3)`` ⇒ ``#(#(6 4) #(4 0))``;
        ``(hessian (lambda (x) (* x x x)) 2.0)`` ⇒ ``12.0``.
    """
    check_procedure("hessian", function)
    if not points:
        return curried(hessian, function, {})

    def host(function, numbers, structure):
        rows = multivariate.hessian("hessian", function, numbers)
        return unflatten(structure, [unflatten(structure, row) for row in rows])

    return on_host_or_not("hessian", point_of("hessian", function, points), host)


@primitive("laplacian")
def laplacian(function, *points):
    """The Laplacian: the sum of the second derivatives along the axes.

    Args:
        function: gives one number.
        points: as for ``jacobian``.

    Example: ``(laplacian (lambda (x y) (+ (* x x x) (* y y))) 2 5)`` ⇒ ``14``.
    """
    check_procedure("laplacian", function)
    if not points:
        return curried(laplacian, function, {})

    def host(function, numbers, structure):
        return multivariate.laplacian("laplacian", function, numbers)

    return on_host_or_not("laplacian", point_of("laplacian", function, points), host)


@primitive("divergence")
def divergence(field, *points):
    """The divergence of a vector field: each component's derivative along its axis, summed.

    Args:
        field: gives as many numbers as the point has.
        points: as for ``jacobian``.

    Example: ``(divergence (lambda (x y) (vector (* x x) y)) 3 4)`` ⇒ ``7``.
    """
    check_procedure("divergence", field)
    if not points:
        return curried(divergence, field, {})

    def host(function, numbers, structure):
        rows = _field_rows("divergence", function, numbers)
        total = 0
        for index, row in enumerate(rows):
            total = add(total, row[index])
        return total

    return on_host_or_not("divergence", point_of("divergence", field, points), host)


@primitive("curl")
def curl(field, *points):
    """The curl of a vector field in three dimensions.

    Args:
        field: gives three numbers.
        points: three numbers, as for ``jacobian``.

    Returns:
        Three numbers in the structure of the point.

    Example: ``(curl (lambda (x y z) (vector (- y) x 0)) 1 2 3)`` ⇒ ``#(0 0 2)``.
    """
    check_procedure("curl", field)
    if not points:
        return curried(curl, field, {})

    def host(function, numbers, structure):
        if len(numbers) != 3:
            raise ShapeError(f"curl: expected a point of 3 dimensions, got one of {len(numbers)}")
        (_, fy, fz), (gx, _, gz), (hx, hy, _) = _field_rows("curl", function, numbers)
        parts = [subtract(hy, gz), subtract(fz, hx), subtract(gx, fy)]
        return unflatten(structure, parts)

    return on_host_or_not("curl", point_of("curl", field, points), host)


def _field_rows(who: str, function: Procedure, numbers: list[Any]) -> list[list[Any]]:
    """The Jacobian of a vector field."""
    found = multivariate.Linearization(who, function, numbers)
    if len(found.values) != len(numbers):
        raise field_error(who, len(found.values), len(numbers))
    return found.rows()
