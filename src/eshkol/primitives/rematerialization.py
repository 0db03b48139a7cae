"""Computing again what a derivative needs, instead of keeping it: ``remat`` and its kin."""

from __future__ import annotations

import sys
from typing import Any

from eshkol.autodiff.perturbations import TAGGED
from eshkol.base.errors import BadValue, WrongType
from eshkol.datum.pairs import NIL, Pair
from eshkol.datum.symbols import Symbol
from eshkol.datum.values import Vector
from eshkol.datum.write import short_string
from eshkol.primitives.arguments import list_argument
from eshkol.primitives.calling import callee
from eshkol.primitives.declare import load, primitive
from eshkol.primitives.points import Procedure, check_procedure, name_of, named

POLICIES = ("nothing", "everything", "dots", "dots-with-no-batch-dims")
XLA = "eshkol.xla.custom_derivatives:"


@primitive("remat")
def remat(function, *, policy="nothing"):
    """A procedure whose derivative computes again what it needs of the way forwards.

    A gradient keeps what the procedure has computed; with ``remat`` it keeps the arguments alone,
    and runs the procedure a second time on its way back: less memory for more time. It changes no
    result. It matters to tensors and compiled code; derivatives of numbers keep what they keep.

    Args:
        function: the procedure, which may be a closure over weights, a layer, a model.
        policy: what is kept nevertheless: ``'nothing``, ``'everything``, the results of matrix
            products (``'dots``, or of those ``'dots-with-no-batch-dims``), or the values that
            ``checkpoint-name`` gives one of some names, as in ``'(names hidden scores)``.

    Returns:
        The procedure, which computes what ``function`` does. Source: Chen et al., "Training deep
        nets with sublinear memory cost", 2016.

    Raises:
        BadValue: for another policy.

    Example:
        ``(gradient (remat (lambda (x) (tensor-sum (sin (* x x)))) #:policy 'dots) (zeros 2))``
        ⇒ ``#(0.0 0.0)``.
    """
    check_procedure("remat", function)
    # As text it is a part of what is compiled, not of its input.
    kept = " ".join(_names_of(policy))

    def rematerialized(*arguments: Any, **options: Any) -> Any:
        if "eshkol.xla" not in sys.modules:
            return callee(function)(*arguments, **options)
        names = kept.split()
        what = names[0] if names[0] in POLICIES else tuple(names[1:])
        return load(XLA + "remat")(function, what, arguments, options)

    rematerialized.eshkol_operand = function  # type: ignore[attr-defined]
    return named(rematerialized, name_of(function))


def _names_of(policy: Any) -> list[str]:
    """The words of a policy."""
    if isinstance(policy, Symbol | str) and str(policy) in POLICIES:
        return [str(policy)]
    parts = list(policy) if isinstance(policy, Pair | list | tuple) else []
    if parts and str(parts[0]) == "names" and all(isinstance(x, Symbol | str) for x in parts):
        return [str(part) for part in parts]
    raise BadValue(
        f"remat: unknown policy {short_string(policy)}",
        hint=f"the policies are {' '.join(POLICIES)} and (names name …), "
        "as checkpoint-name gives them",
    )


@primitive("checkpoint-name")
def checkpoint_name(value, name):
    """The value itself, which ``remat`` keeps if its policy has the name.

    Args:
        value: a tensor, or any structure of tensors.
        name: a symbol or string.

    Example:
        ``(gradient (remat (lambda (x) (exp (checkpoint-name (sin x) 'sine)))
        #:policy '(names sine)) 0.0)`` ⇒ ``1.0``.
    """
    if not isinstance(name, Symbol | str):
        raise WrongType(f"checkpoint-name: expected a symbol as name, got {short_string(name)}")
    if "eshkol.xla" not in sys.modules or value.__class__ in TAGGED:
        return value
    return load(XLA + "checkpoint_name")(value, str(name))


@primitive("checkpoint-segment")
def checkpoint_segment(thunk):
    """Call a procedure of no arguments; its derivative computes again what it needs of the call.

    Args:
        thunk: what to compute; its derivative is taken with respect to what it captures.

    Example:
        ``(gradient (lambda (x) (checkpoint-segment (lambda () (sin (* x x))))) 0.0)`` ⇒ ``0.0``.
    """
    check_procedure("checkpoint-segment", thunk)
    return remat(thunk)()


@primitive("checkpoint-sequential")
def checkpoint_sequential(layers, *inputs):
    """Apply layers one after the other, each rematerialised (see ``remat``).

    Args:
        layers: a list or vector of procedures of one argument.
        inputs: what the first one is given. Without it, the result is the procedure that applies
            the layers.

    Example:
        ``(checkpoint-sequential (list (lambda (x) (* x x)) (lambda (x) (+ x 1))) 3)`` ⇒ ``10``;
        ``((checkpoint-sequential (list sin)) 0.0)`` ⇒ ``0.0``.
    """
    who = "checkpoint-sequential"
    if not isinstance(layers, Pair | Vector | list | tuple) and layers is not NIL:
        raise WrongType(f"{who}: expected a list of procedures, got {short_string(layers)}")
    parts = list_argument(who, layers) if isinstance(layers, Pair) else list(layers)
    for part in parts:
        check_procedure(who, part)
    steps = [remat(part) for part in parts]

    def apply_all(value: Any) -> Any:
        for step in steps:
            value = step(value)
        return value

    procedure: Procedure = named(apply_all, who)
    return procedure(*inputs) if inputs else procedure
