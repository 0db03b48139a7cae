"""What trains and keeps a model: optimizers and weights files.

Their rules are in the rooms ``xla`` and ``io``, which are imported when one is first called.
"""

from __future__ import annotations

from typing import Any

from eshkol.base.errors import ArityError
from eshkol.primitives.declare import primitive, tensor_primitive
from eshkol.primitives.minimization import minimize_by_adam

_OPTIMIZERS = "eshkol.xla.optimizers:"


@tensor_primitive("sgd", at=_OPTIMIZERS + "sgd")
def _sgd(learning_rate: Any, momentum: Any = 0.0, *, nesterov: Any = False) -> Any:
    """Stochastic gradient descent: ``v = momentum * v + g``, ``p = p - learning-rate * v``.

    Args:
        learning_rate: a real, or a procedure of the number of steps done.
        momentum: of the heavy ball (Polyak 1964); default none.
        nesterov: whether the momentum looks ahead (Nesterov 1983).

    Example: ``(let* ((optimizer (sgd 0.1)) (x (tensor 1.0)) (state (optimizer-init optimizer x)))
    (car (optimizer-update optimizer x (tensor 2.0) state)))`` ⇒ ``#(0.8)``.
    """


@primitive("adam", tensor=_OPTIMIZERS + "adam")
def _adam(
    learning_rate: Any, *numbers: Any, beta1: Any = None, beta2: Any = None, epsilon: Any = None
) -> Any:
    """Adam (Kingma and Ba 2015): an optimizer, or a minimum.

    ``(adam rate [beta1 [beta2 [epsilon]]])`` is an optimizer. ``(adam f start [rate [beta1
    [beta2]]])`` gives the point where at most 1,000 steps lead that minimize the procedure ``f``
    from ``start``, a number, vector, tensor or other structure.

    Args:
        learning_rate: a real, or alone a procedure of the number of steps done: the other numbers
            then have keywords.
        numbers: the others.
        beta1: decay of the mean of gradients; default 0.9.
        beta2: decay of the mean of squared gradients; default 0.999.
        epsilon: added to the root in the denominator; default 1e-8.

    Example: ``(let* ((optimizer (adam 0.1)) (x (tensor 1.0)) (state (optimizer-init optimizer
    x))) (car (optimizer-update optimizer x (tensor 2.0) state)))`` ⇒ ``#(0.9000007)``;
    ``(adam (lambda (x) (* (- x 1) (- x 1))) 0.0 0.1)`` ⇒
    ``0.9999999967157331``.
    """
    is_minimum = callable(learning_rate) and bool(numbers)
    if len(numbers) > (4 if is_minimum else 3):
        raise ArityError(
            f"adam takes at most {5 if is_minimum else 4} arguments, got {len(numbers) + 1}",
            hint="use: (adam rate beta1 beta2 epsilon), or (adam f start rate beta1 beta2)",
        )
    if not is_minimum:
        return NotImplemented
    decays = [*numbers, None, None, None, None][:4]
    for place, keyword in ((2, beta1), (3, beta2)):
        decays[place] = decays[place] if keyword is None else keyword
    return minimize_by_adam(learning_rate, *decays)


@tensor_primitive("adamw", at=_OPTIMIZERS + "adamw")
def _adamw(
    learning_rate: Any,
    beta1: Any = 0.9,
    beta2: Any = 0.999,
    epsilon: Any = 1e-8,
    weight_decay: Any = 0.01,
) -> Any:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019).

    Args:
        learning_rate: a real, or a procedure of the number of steps done.
        beta1: decay of the mean of gradients.
        beta2: decay of the mean of squared gradients.
        epsilon: added to the root in the denominator.
        weight_decay: how much of each parameter is taken off, times the learning rate.

    Example: ``(let* ((optimizer (adamw 0.1)) (x (tensor 1.0)) (state (optimizer-init optimizer
    x))) (car (optimizer-update optimizer x (tensor 2.0) state)))`` ⇒ ``#(0.89900064)``.
    """


@tensor_primitive("rmsprop", at=_OPTIMIZERS + "rmsprop")
def _rmsprop(learning_rate: Any, decay: Any = 0.9, epsilon: Any = 1e-8) -> Any:
    """RMSProp (Hinton 2012): gradients divided by the root of their decaying mean square.

    Args:
        learning_rate: a real, or a procedure of the number of steps done.
        decay: of the mean of squared gradients.
        epsilon: added inside the root.

    Example: ``(let* ((optimizer (rmsprop 0.1)) (x (tensor 1.0)) (state (optimizer-init optimizer
    x))) (car (optimizer-update optimizer x (tensor 2.0) state)))`` ⇒ ``#(0.6837722)``.
    """


@tensor_primitive("optimizer-init", at=_OPTIMIZERS + "optimizer_init")
def _optimizer_init(optimizer: Any, model: Any) -> Any:
    """The state of an optimizer before the first step of training a model.

    Args:
        optimizer: made by ``adam``, ``sgd`` …
        model: a closure, or any structure that holds inexact tensors.

    Example: ``(let* ((optimizer (adam 0.1)) (w (tensor 1.0)) (state (optimizer-init optimizer
    w))) (car (optimizer-update optimizer w (tensor 2.0) state)))`` ⇒ ``#(0.9000007)``.
    """


@tensor_primitive("optimizer-update", at=_OPTIMIZERS + "optimizer_update", takes_variables=True)
def _optimizer_update(optimizer: Any, model: Any, gradients: Any, state: Any) -> Any:
    """One step of training, as a pure procedure.

    Args:
        optimizer: made by ``adam``, ``sgd`` …
        model: the model before the step.
        gradients: what ``gradient`` gives for the model.
        state: what ``optimizer-init`` or the step before gave.

    Returns:
        The list ``(model state)`` after the step. Variables in the model hold its new tensors from
        now on, and are the variables of the new one.

    Example: ``(let* ((w (tensor 1.0)) (model (lambda (x) (* w x))) (optimizer (sgd 0.5)) (state
    (optimizer-init optimizer model)) (gradients (gradient (lambda (model x) (tensor-sum (model
    x))) model 3.0))) ((car (optimizer-update optimizer model gradients state)) 1.0))`` ⇒
    ``#(-0.5)``.
    """


@tensor_primitive("parameter", at="eshkol.xla.buffers:parameter")
def _parameter(value: Any) -> Any:
    """A number or tensor that is trained wherever a model captures or holds it.

    Inexact tensors are trained in any case; a captured number is a setting, which is not, unless
    it is made a parameter: a tensor of rank 0, which is a number too.

    Args:
        value: a number, or a tensor, vector or list of numbers.

    Returns:
        An inexact tensor, of the dtype of tensors unless the value has one.

    Raises:
        WrongType: for what holds no numbers.

    Example:
        ``(let ((k (parameter 2))) ((gradient (lambda (m) (m 3.0)) (lambda (x) (* k x x))) 1.0))``
        ⇒ ``9.0``.
    """


@tensor_primitive("buffer", at="eshkol.xla.buffers:buffer")
def _buffer(value: Any) -> Any:
    """A tensor that belongs to a model and is not trained: a running mean, a mask, a table.

    It goes with the model through compiled programs, optimizers and files, and a gradient of the
    model leaves it as it is.

    Args:
        value: a tensor, or what makes one: a number, a vector or list of numbers.

    Returns:
        A tensor like it. What is computed with it is no buffer any more: a new running mean is
        ``(buffer (+ mean change))``.

    Example:
        ``(let* ((w (tensor 2.0)) (s (buffer (tensor 5.0))) (model (lambda (x) (* w s x)))
        (slope (gradient (lambda (m) (tensor-sum (m 1.0))) model))) (tensor-sum (slope 1.0)))``
        ⇒ ``25.0``.
    """


@tensor_primitive("model-parameters", at="eshkol.io.models:model_parameters")
def _model_parameters(model: Any) -> Any:
    """The inexact tensors of a model, and its buffers, as an association list by their names.

    A name is made of the variables that lead to the tensor, as in ``conv1.weight``.

    Example: ``(let ((w (ones 2)) (b (zeros 1))) (model-parameters (lambda (x) (+ (* w x) b))))``
    ⇒ ``(("b" . #(0.0)) ("w" . #(1.0 1.0)))``.
    """


@tensor_primitive("save-weights", at="eshkol.io.models:save_weights")
def _save_weights(path: Any, model: Any) -> Any:
    """Write the tensors of a model to a safetensors file, whole or not at all.

    Args:
        path: a string; the arguments may stand in either order.
        model: a closure, or any structure that holds inexact tensors.

    Raises:
        FileProblem: naming the path, if it can't be written.

    Example: ``(let ((w (ones 2))) (save-weights "model.safetensors" (lambda (x) (* w x)))
    (file-exists? "model.safetensors"))`` ⇒ ``#t``.
    """


@tensor_primitive("load-weights", at="eshkol.io.models:load_weights")
def _load_weights(path: Any, model: Any) -> Any:
    """A model like ``model`` with the tensors of a safetensors file.

    Args:
        path: a string; the arguments may stand in either order.
        model: gives the structure; names, shapes and dtypes in the file must be its own.

    Raises:
        FileProblem: naming the path, if the file is missing, damaged, or of another model.

    Example: ``(let* ((make (lambda (w) (lambda (x) (* w x)))) (path "model.safetensors"))
    (save-weights path (make (tensor 5.0))) ((load-weights path (make (tensor 0.0))) 2.0))`` ⇒
    ``#(10.0)``.
    """
