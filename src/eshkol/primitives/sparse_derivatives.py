"""Jacobians and Hessians of which only the entries that can be other than zero are computed."""

from __future__ import annotations

from eshkol.primitives.declare import load, primitive
from eshkol.primitives.points import check_procedure, curried, point_of

_XLA = "eshkol.xla.sparse_derivatives:"


@primitive("sparse-jacobian")
def sparse_jacobian(function, *points, sparsity=None):
    """The entries of a Jacobian that can be other than zero, for the price of few products.

    Which these are is found in the program; columns, or rows, that don't meet are computed
    together. A banded Jacobian takes as many products as its band is wide, however many rows it
    has.

    Args:
        function: as for ``jacobian``; its value and the point are taken as vectors of their
            numbers, in order.
        points: as for ``jacobian``.
        sparsity: a list of the rows and the columns of the entries, where they are known before;
            a former result will do. Entries that are left out are wrong, and spoil others.

    Returns:
        A list of the rows and columns (int32), the values, in the order of rows, and the shape.
        ``sparse->dense`` makes a tensor of it, ``scipy.sparse.coo_array`` a sparse matrix.

    Raises:
        WrongType: as for ``jacobian``; ``sparsity`` is no pattern.
        OutOfRange: ``sparsity`` has rows or columns that there are not.

    Source: A. R. Curtis, M. J. D. Powell and J. K. Reid, "On the estimation of sparse Jacobian
    matrices", 1974.

    Example: ``(sparse-jacobian (lambda (v) (* v v)) (tensor 1.0 2.0))`` ⇒
        ``(#(0 1) #(0 1) #(2.0 4.0) (2 2))``.
    """
    return _sparse("sparse-jacobian", sparse_jacobian, function, points, sparsity)


@primitive("sparse-hessian")
def sparse_hessian(function, *points, sparsity=None):
    """The entries of a Hessian that can be other than zero, for the price of few products.

    Args:
        function: gives one number.
        points: as for ``sparse-jacobian``.
        sparsity: likewise.

    Returns:
        As ``sparse-jacobian``; both halves of the symmetric matrix.

    Example: ``(sparse-hessian (lambda (v) (tensor-sum (expt v 3))) (tensor 1.0 2.0))`` ⇒
        ``(#(0 1) #(0 1) #(6.0 12.0) (2 2))``.
    """
    return _sparse("sparse-hessian", sparse_hessian, function, points, sparsity)


def _sparse(who, operator, function, points, sparsity):
    check_procedure(who, function)
    if not points:
        return curried(operator, function, {"sparsity": sparsity})
    point = point_of(who, function, points)
    return load(_XLA + who.replace("-", "_"))(who, point.function, point.value, sparsity)


@primitive("sparse->dense")
def sparse_to_dense(matrix):
    """A sparse matrix, as a list of rows, columns, values and the shape, as a tensor.

    Example: ``(sparse->dense (list #(0 1) #(1 0) (tensor 2.0 3.0) '(2 2)))`` ⇒
        ``#((0.0 2.0) (3.0 0.0))``.
    """
    return load(_XLA + "sparse_to_dense")(matrix)
