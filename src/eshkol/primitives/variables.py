"""Variables that hold tensors: places that procedures share and update.

A tensor itself never changes, so what updates one gives a name, a vector or a variable another one
(``in_place``). Every primitive takes a variable where it takes a tensor.
"""

from __future__ import annotations

from typing import Any

from eshkol.datum.variables import TensorVariable
from eshkol.primitives.declare import primitive, tensor_primitive
from eshkol.primitives.tensors import Dtype, Tensor

_AT = "eshkol.xla.variables:"


@tensor_primitive("variable", at=_AT + "variable", takes_variables=True)
def variable(value: Tensor, *, dtype: Dtype = None) -> TensorVariable:
    """A place that holds a tensor, shared by all who have it.

    What updates a tensor in place (``tensor-add!``, ``adam-step``, ``optimizer-update`` …) updates
    the variable wherever it stands: in a name, a list, a parameter, a closure. In compiled code it
    is state: its new value leaves the program and is there afterwards. As a part of a model it is
    trained, saved and named like a tensor; one made of a ``buffer`` is not trained.

    Args:
        value: a tensor, or what makes one: a number, a vector or list of numbers.
        dtype: of the tensor; that of the value if left out, for exact numbers that of tensors.

    Raises:
        WrongType: it is none of these.

    Example: ``(let* ((w (variable #(1 2))) (add (lambda (v) (tensor-add! v 10)))) (add w)
    (* 2 w))`` ⇒ ``#(22.0 24.0)``.
    """


@primitive("variable?")
def is_variable(value: Any) -> bool:
    """Whether the value is a variable, a place that holds a tensor.

    Example: ``(variable? (variable 1.0))`` ⇒ ``#t``; ``(variable? (zeros 3))`` ⇒ ``#f``.
    """
    return value.__class__ is TensorVariable


@tensor_primitive("variable-value", at=_AT + "value")
def variable_value(variable: TensorVariable) -> Tensor:
    """The tensor that a variable holds now; a tensor is its own.

    Example: ``(let* ((v (variable 1.0)) (before (variable-value v))) (variable-set! v 2.0)
    (list before (variable-value v)))`` ⇒ ``(1.0 2.0)``.
    """


@tensor_primitive("variable-set!", at=_AT + "set_variable", takes_variables=True)
def variable_set(variable: TensorVariable, value: Tensor) -> Tensor:
    """Let a variable hold another tensor, of the same shape, in the dtype that it has; gives it.

    Raises:
        ShapeError: the shape is another one. WrongType: it is no variable, or the numbers don't
            fit in its dtype. StagingError: in a ``vmap``, whose lanes run at the same time.

    Example: ``(let ((v (variable #(1 2)))) (variable-set! v #(3 4)) v)`` ⇒
    ``#<variable #(3.0 4.0)>``.
    """
