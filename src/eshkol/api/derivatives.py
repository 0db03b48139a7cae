"""Derivatives from Python: rules of one's own, ``remat``, sparse Jacobians and Hessians.

The functions are those of Scheme programs; wherever one takes a procedure, it also takes Scheme
text that gives one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eshkol.primitives import custom_derivatives as _rules
from eshkol.primitives import rematerialization as _remat
from eshkol.primitives import sparse_derivatives as _sparse
from eshkol.runtime.boundary import bounded
from eshkol.session import default_session

Function = Callable[..., Any]


def procedure(function: Any) -> Any:
    """A procedure as it is; Scheme text as the procedure that it gives."""
    from eshkol.api.programs import procedure_of_text

    if isinstance(function, str):
        return procedure_of_text(default_session(), function, {})
    return function


@bounded
def stop_gradient(value: Any, /) -> Any:
    """The value itself, which counts as a constant for derivatives of all kinds and orders.

    Args:
        value: a number, an array, or any structure or closure that holds some.

    Example:
        >>> import eshkol as ek
        >>> ek.grad(lambda x: x * ek.stop_gradient(x))(3.0)
        3.0
    """
    return _rules.stop_gradient(value)


@bounded
def custom_gradient(function: Any, backward: Any, /) -> Function:
    """A function whose derivative with respect to its arguments a rule gives, backwards.

    Args:
        function: computes the value.
        backward: called with the factor of the value, the value and the arguments; gives the
            derivative with respect to the argument, or a list of them for several.

    Raises:
        WrongType: where the rule gives something else than the arguments are.

    Example:
        >>> import eshkol as ek
        >>> f = ek.custom_gradient("(lambda (x) (* x x))", "(lambda (g y x) (* 10 g))")
        >>> ek.grad(f)(3.0)
        10.0
    """
    return _rules.custom_gradient(procedure(function), procedure(backward))


@bounded
def custom_vjp(forward: Any, backward: Any, /) -> Function:
    """A function whose derivative a rule gives, backwards, from what the way forwards kept.

    Args:
        forward: gives a pair of the value and the residuals.
        backward: called with the residuals and the factor of the value; gives what the rule of
            :func:`custom_gradient` does.

    Raises:
        WrongType: where the functions give something else.

    Example:
        >>> import eshkol as ek, math
        >>> sine = ek.custom_vjp(lambda x: (math.sin(x), math.cos(x)), lambda slope, g: g * slope)
        >>> sine(0.0)
        0.0
    """
    return _rules.custom_vjp(procedure(forward), procedure(backward))


@bounded
def custom_jvp(function: Any, tangent: Any, /) -> Function:
    """A function whose derivative with respect to its arguments a rule gives, forwards.

    Args:
        function: computes the value.
        tangent: called with the arguments and then their directions; gives the direction of the
            value, and is linear in those of the arguments.

    Raises:
        WrongType: where the rule gives something else than the value is.

    Example:
        >>> import eshkol as ek
        >>> f = ek.custom_jvp("(lambda (x) (* x x))", "(lambda (x dx) (* 10 dx))")
        >>> ek.grad(f)(3.0)
        10.0
    """
    return _rules.custom_jvp(procedure(function), procedure(tangent))


@bounded
def remat(function: Any, /, policy: Any = "nothing") -> Function:
    """A function whose derivative computes again what it needs of the way forwards.

    Args:
        function: any, also a closure over weights.
        policy: what is kept nevertheless: ``"nothing"``, ``"everything"``, ``"dots"``,
            ``"dots-with-no-batch-dims"``, or ``("names", name, …)``.

    Raises:
        BadValue: for another policy.

    Example:
        >>> import eshkol as ek
        >>> ek.grad(ek.remat("(lambda (x) (* x x x))"))(2.0)
        12.0
    """
    return _remat.remat(procedure(function), policy=policy)


@bounded
def checkpoint_name(value: Any, name: str, /) -> Any:
    """The value itself, which :func:`remat` keeps if its policy has the name.

    Args:
        value: an array, or any structure of arrays.
        name: a text.

    Example:
        >>> import eshkol as ek
        >>> ek.checkpoint_name(2.0, "hidden")
        2.0
    """
    return _remat.checkpoint_name(value, name)


@bounded
def sparse_jacobian(function: Any, /, *points: Any, sparsity: Any = None) -> Any:
    """The entries of a Jacobian that can be other than zero, for the price of few products.

    Args:
        function: a procedure, or Scheme text that gives one.
        points: an array, or several numbers. Left out, the result is the function of the point.
        sparsity: the result at another point, or a list of rows and columns; found in the program
            if left out.

    Returns:
        The list of rows, columns, values and the shape.

    Example:
        >>> import eshkol as ek, numpy as np, scipy.sparse
        >>> rows, columns, values, shape = ek.sparse_jacobian("(lambda (v) (* v v))", np.ones(3))
        >>> scipy.sparse.coo_array((values, (rows, columns)), tuple(shape)).nnz
        3
    """
    return _sparse.sparse_jacobian(procedure(function), *points, sparsity=sparsity)


@bounded
def sparse_hessian(function: Any, /, *points: Any, sparsity: Any = None) -> Any:
    """The entries of a Hessian that can be other than zero, for the price of few products.

    Args:
        function: a procedure that gives one number, or Scheme text that gives one.
        points: as for :func:`sparse_jacobian`.
        sparsity: likewise.

    Example:
        >>> import eshkol as ek, numpy as np
        >>> ek.sparse_hessian("(lambda (v) (tensor-sum (expt v 3)))", np.float32([1, 2]))
        (#(0 1) #(0 1) #(6.0 12.0) (2 2))
    """
    return _sparse.sparse_hessian(procedure(function), *points, sparsity=sparsity)
