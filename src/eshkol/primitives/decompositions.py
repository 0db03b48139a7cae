"""Linear algebra beyond products: equations, factorizations, eigenvalues.

All take one matrix or a stack of them, whose last two axes are rows and columns, and are
differentiable where mathematics says so. Eager code raises BadValue for a matrix that has no
answer; a compiled program gives infinities or not-a-number there.
"""

from __future__ import annotations

from typing import Any

from eshkol.datum.pairs import Pair
from eshkol.primitives.declare import tensor_primitive
from eshkol.primitives.tensors import Tensor

_AT = "eshkol.xla.decompositions:"
_METHODS = "eshkol.xla.matrix_methods:"


@tensor_primitive("tensor-det", "det", at=_AT + "determinant")
def tensor_det(matrix: Tensor) -> Tensor:
    """The determinant. Example: ``(tensor-det #(#(4 3) #(6 3)))`` ⇒ ``-6.0``."""


@tensor_primitive("slogdet", at=_AT + "sign_and_log_determinant")
def slogdet(matrix: Tensor) -> Pair:
    """The list of the sign of the determinant and the logarithm of its magnitude.

    For determinants that are too large or small for a float.

    Example: ``(slogdet #(#(0 1) #(1 0)))`` ⇒ ``(-1.0 0.0)``.
    """


@tensor_primitive("tensor-inverse", "inverse", "inv", at=_AT + "inverse")
def tensor_inverse(matrix: Tensor) -> Tensor:
    """The inverse of a square matrix.

    Raises:
        ShapeError: it is not square. BadValue: it is singular.

    Example: ``(tensor-inverse #(#(2 0) #(0 4)))`` ⇒ ``#((0.5 0.0) (0.0 0.25))``.
    """


@tensor_primitive("tensor-solve", "linear-solve", "solve", at=_AT + "solve")
def tensor_solve(a: Tensor, b: Tensor) -> Tensor:
    """The solution x of ``a x = b``.

    Args:
        a: a square matrix [n, n].
        b: a vector [n], or a matrix [n, k] of k right sides.

    Raises:
        ShapeError: the sizes differ. BadValue: the matrix is singular.

    Example: ``(tensor-solve #(#(2 0) #(0 4)) #(2 8))`` ⇒ ``#(1.0 2.0)``.
    """


@tensor_primitive("solve-triangular", at=_AT + "solve_triangular")
def solve_triangular(
    a: Tensor,
    b: Tensor,
    *,
    lower: bool = False,
    transpose: bool = False,
    unit_diagonal: bool = False,
) -> Tensor:
    """The x for which ``a x = b``, where ``a`` is a triangle.

    Args:
        a: a matrix [n, n], of which one triangle is read.
        b: a vector [n], or a matrix [n, k] of k right sides.
        lower: whether it is the lower triangle, not the upper one.
        transpose: whether ``aᵀ x = b`` is solved.
        unit_diagonal: whether the diagonal counts as ones, whatever it holds.

    Raises:
        ShapeError: ``a`` is not square, or ``b`` doesn't fit it. BadValue: the diagonal has a zero.

    Example: ``(solve-triangular #(#(2 0) #(1 4)) #(2 9) #:lower #t)`` ⇒ ``#(1.0 2.0)``.
    """


@tensor_primitive("cholesky-solve", at=_AT + "cholesky_solve")
def cholesky_solve(factor: Tensor, b: Tensor) -> Tensor:
    """The x for which ``A x = b``, where ``factor`` is what ``cholesky`` gives of ``A``.

    Args:
        factor: a lower triangle [n, n].
        b: a vector [n], or a matrix [n, k] of k right sides.

    Raises:
        ShapeError: the factor is not square, or ``b`` doesn't fit it.
        BadValue: its diagonal has a zero.

    Example: ``(cholesky-solve (cholesky #(#(4 2) #(2 10))) #(8 22))`` ⇒ ``#(1.0 2.0)``.
    """


@tensor_primitive("tensor-lstsq", "lstsq", at=_AT + "least_squares")
def tensor_lstsq(a: Tensor, b: Tensor) -> Tensor:
    """The x for which ``‖a x - b‖`` is smallest; of several, the shortest.

    Args:
        a: a matrix [n, m], of any rank.
        b: a vector [n], or a matrix [n, k] of k right sides.

    Example: ``(tensor-lstsq #(#(1 0) #(1 1) #(1 2)) #(1 3 5))`` ⇒ ``#(1.0 2.0)``.
    """


@tensor_primitive("pinv", "tensor-pinv", at=_AT + "pseudo_inverse")
def pinv(matrix: Tensor) -> Tensor:
    """The inverse of Moore and Penrose, of a matrix of any shape and rank.

    Singular values below 10 · max(n, m) · ε of the largest count as 0.

    Example: ``(pinv #(#(2 0) #(0 0)))`` ⇒ ``#((0.5 0.0) (0.0 0.0))``.
    """


@tensor_primitive("tensor-cholesky", "cholesky", at=_AT + "cholesky")
def tensor_cholesky(matrix: Tensor) -> Tensor:
    """The lower triangular L for which ``L Lᵀ`` is a symmetric positive-definite matrix.

    Of another matrix its symmetric part, ``(A + Aᵀ)/2``, is taken.

    Raises:
        ShapeError: it is not square. BadValue: it is not positive-definite.

    Example: ``(tensor-cholesky #(#(4 2) #(2 10)))`` ⇒ ``#((2.0 0.0) (1.0 3.0))``.
    """


@tensor_primitive("tensor-qr", "qr", at=_AT + "qr")
def tensor_qr(matrix: Tensor) -> Pair:
    """The list ``(Q R)``: orthonormal columns and an upper triangle, whose product is the matrix.

    Of a matrix [n, m], Q is [n, k] and R is [k, m], k the smaller size. Signs are LAPACK's.

    Example: ``(tensor-qr (eye 2))`` ⇒ ``(#((1.0 0.0) (0.0 1.0)) #((1.0 0.0) (0.0 1.0)))``.
    """


@tensor_primitive("tensor-svd", "svd", at=_AT + "svd")
def tensor_svd(matrix: Tensor) -> Pair:
    """The list ``(U S V)``: orthonormal columns and falling values; the matrix is U diag(S) Vᵀ.

    Of a matrix [n, m], U is [n, k], S is [k] and V is [m, k], k the smaller size.

    Example: ``(cadr (tensor-svd #(#(3 0) #(0 2))))`` ⇒ ``#(3.0 2.0)``.
    """


@tensor_primitive("tensor-lu", "lu", at=_AT + "lu")
def tensor_lu(matrix: Tensor) -> Pair:
    """The list ``(LU pivots sign)`` of Gauss' elimination with row exchanges.

    LU holds U on and above its diagonal and L, whose diagonal is 1, below. Row i was exchanged
    with row ``pivots[i]`` at step i; the sign is -1 after an odd number of exchanges.

    Example: ``(tensor-lu #(#(2 1) #(1 3)))`` ⇒ ``(#((2.0 1.0) (0.5 2.5)) #(0 1) 1)``.
    """


@tensor_primitive("tensor-eig", "eig", at=_AT + "eigenvalues")
def tensor_eig(matrix: Tensor) -> Pair:
    """The list of the eigenvalues of a square matrix and the matrix whose columns are its
    eigenvectors, both complex and in no particular order. It runs on the CPU.

    Example: ``(tensor-shape (cadr (tensor-eig (eye 3))))`` ⇒ ``(3 3)``.
    """


@tensor_primitive("tensor-eigh", "eigh", at=_AT + "symmetric_eigenvalues")
def tensor_eigh(matrix: Tensor) -> Pair:
    """The list of the rising eigenvalues of a symmetric matrix and of the matrix whose columns
    are its orthonormal eigenvectors. Of another matrix its symmetric part is taken.

    Example: ``(car (tensor-eigh #(#(2 1) #(1 2))))`` ⇒ ``#(1.0 3.0)``.
    """


@tensor_primitive("matrix-rank", at=_AT + "rank")
def matrix_rank(matrix: Tensor) -> Tensor:
    """How many rows are independent. Example: ``(matrix-rank #(#(1 2) #(2 4)))`` ⇒ ``1``."""


@tensor_primitive("condition-number", at=_AT + "condition")
def condition_number(matrix: Tensor) -> Tensor:
    """The largest singular value over the smallest: how much equations magnify errors.

    Example: ``(condition-number #(#(4 0) #(0 2)))`` ⇒ ``2.0``.
    """


@tensor_primitive("matrix-power", at=_AT + "power")
def matrix_power(matrix: Tensor, exponent: int) -> Tensor:
    """A square matrix multiplied by itself; a negative exponent takes the inverse.

    Example: ``(matrix-power #(#(1 1) #(0 1)) 5)`` ⇒ ``#((1.0 5.0) (0.0 1.0))``.
    """


@tensor_primitive("expm", "matrix-exp", at=_AT + "exponential")
def expm(matrix: Tensor) -> Tensor:
    """The exponential of a square matrix, ``I + A + A²/2 + …`` (Al-Mohy and Higham 2009).

    Example: ``(expm #(#(0 1) #(0 0)))`` ⇒ ``#((1.0 1.0) (0.0 1.0))``.
    """


@tensor_primitive("kron", at=_METHODS + "kronecker")
def kron(a: Tensor, b: Tensor) -> Tensor:
    """The Kronecker product: each element of ``a`` times all of ``b``.

    Example: ``(kron #(1 10) #(1 2))`` ⇒ ``#(1.0 2.0 10.0 20.0)``.
    """


@tensor_primitive("cross", "cross-product", at=_METHODS + "cross")
def cross(a: Tensor, b: Tensor) -> Tensor:
    """The cross product of vectors of three, along the last axis; axes before it broadcast.

    Example: ``(cross #(1 0 0) #(0 1 0))`` ⇒ ``#(0.0 0.0 1.0)``.
    """


@tensor_primitive("power-iteration", at=_METHODS + "power_iteration")
def power_iteration(matrix: Tensor, iterations: int = 100) -> Any:
    """The list of the eigenvalue of largest magnitude and its eigenvector of length 1.

    It converges if no other eigenvalue is as large, by the ratio of the two in each iteration.

    Example: ``(car (power-iteration #(#(2 0) #(0 1))))`` ⇒ ``2.0``.
    """


@tensor_primitive("conjugate-gradient-solve", at=_METHODS + "conjugate_gradients")
def conjugate_gradient_solve(
    a: Any, b: Tensor, tolerance: Any = 1e-5, iterations: Any = None, start: Any = None
) -> Tensor:
    """The solution of ``a x = b`` by conjugate gradients (Hestenes and Stiefel 1952).

    Args:
        a: a symmetric positive-definite matrix, or a procedure that multiplies by one.
        b: the right side, of any shape if ``a`` is a procedure.
        tolerance: it ends where ``‖a x - b‖`` is at most that times ``‖b‖``.
        iterations: how many at most; ten times the number of unknowns if left out.
        start: where it begins; at zeros if left out.

    Example: ``(conjugate-gradient-solve (lambda (x) (* #(2 4) x)) #(2 8))`` ⇒ ``#(1.0 2.0)``.
    """
