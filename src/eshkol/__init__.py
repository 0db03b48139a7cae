"""Eshkol: a Scheme for machine learning inside Python.

Importing the package lets Python import ``.esk`` files, and loads nothing else: every name below
is imported when it is first used.

Example:
    >>> import eshkol as ek
    >>> ek.eval("(map (lambda (x) (* x x)) '(1 2 3))")
    (1 4 9)
    >>> cube = ek.eval("(lambda (x) (* x x x))")
    >>> ek.grad(cube)(2.0)
    12.0

Every built-in procedure is here too, under its Python name: ``train-epoch`` is ``train_epoch``,
``tensor?`` is ``is_tensor``, ``set-x!`` is ``set_x``.

Example:
    >>> ek.string_to_number("1/3"), ek.is_tensor(5), ek.derivative(cube, 5)
    (Fraction(1, 3), False, 75)
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from eshkol.base.version import VERSION as __version__
from eshkol.importer import install as _install

if TYPE_CHECKING:
    from eshkol.api import eval as eval
    from eshkol.api import grad as grad
    from eshkol.api import jit as jit
    from eshkol.api import load as load
    from eshkol.api import tree as tree
    from eshkol.api import value_and_grad as value_and_grad
    from eshkol.api import vmap as vmap
    from eshkol.api.derivatives import checkpoint_name as checkpoint_name
    from eshkol.api.derivatives import custom_gradient as custom_gradient
    from eshkol.api.derivatives import custom_jvp as custom_jvp
    from eshkol.api.derivatives import custom_vjp as custom_vjp
    from eshkol.api.derivatives import remat as remat
    from eshkol.api.derivatives import sparse_hessian as sparse_hessian
    from eshkol.api.derivatives import sparse_jacobian as sparse_jacobian
    from eshkol.api.derivatives import stop_gradient as stop_gradient
    from eshkol.api.diagnosis import blame as blame
    from eshkol.api.diagnosis import debug_print as debug_print
    from eshkol.api.diagnosis import explain as explain
    from eshkol.api.diagnosis import trace as trace
    from eshkol.api.solutions import argmin as argmin
    from eshkol.api.solutions import fixed_point as fixed_point
    from eshkol.api.solutions import integrate as integrate
    from eshkol.api.solutions import odeint as odeint
    from eshkol.api.solutions import root as root
    from eshkol.api.symbolic import diff as diff
    from eshkol.api.symbolic import latex as latex
    from eshkol.api.symbolic import simplify as simplify
    from eshkol.api.symbolic import symbolic_derivative as symbolic_derivative
    from eshkol.api.symbolic import symbolic_expand as symbolic_expand
    from eshkol.api.symbolic import symbolic_factor as symbolic_factor
    from eshkol.api.symbolic import symbolic_integral as symbolic_integral
    from eshkol.api.symbolic import symbolic_solve as symbolic_solve
    from eshkol.api.symbolic import symbolic_to_procedure as symbolic_to_procedure
    from eshkol.api.validated import interval as interval
    from eshkol.api.validated import taylor_model as taylor_model
    from eshkol.base.config import config as config
    from eshkol.base.errors import ArityError as ArityError
    from eshkol.base.errors import BadValue as BadValue
    from eshkol.base.errors import DivideByZero as DivideByZero
    from eshkol.base.errors import Donated as Donated
    from eshkol.base.errors import EshkolError as EshkolError
    from eshkol.base.errors import ExpandError as ExpandError
    from eshkol.base.errors import FileProblem as FileProblem
    from eshkol.base.errors import IncompleteInput as IncompleteInput
    from eshkol.base.errors import InternalError as InternalError
    from eshkol.base.errors import MissingKey as MissingKey
    from eshkol.base.errors import NotAProcedure as NotAProcedure
    from eshkol.base.errors import OutOfRange as OutOfRange
    from eshkol.base.errors import ReadError as ReadError
    from eshkol.base.errors import SchemeError as SchemeError
    from eshkol.base.errors import ShapeError as ShapeError
    from eshkol.base.errors import StagingError as StagingError
    from eshkol.base.errors import TooDeep as TooDeep
    from eshkol.base.errors import UnboundVariable as UnboundVariable
    from eshkol.base.errors import WrongType as WrongType
    from eshkol.session import Session as Session

_install()

_ERRORS = (
    "ArityError BadValue DivideByZero Donated EshkolError ExpandError FileProblem "
    "IncompleteInput InternalError MissingKey NotAProcedure OutOfRange ReadError SchemeError "
    "ShapeError StagingError TooDeep UnboundVariable WrongType"
).split()

_HOMES = {
    **dict.fromkeys("eval grad jit load tree value_and_grad vmap".split(), "eshkol.api"),
    **dict.fromkeys("blame debug_print explain trace".split(), "eshkol.api.diagnosis"),
    **dict.fromkeys(
        "checkpoint_name custom_gradient custom_jvp custom_vjp remat sparse_hessian "
        "sparse_jacobian stop_gradient".split(),
        "eshkol.api.derivatives",
    ),
    **dict.fromkeys("argmin fixed_point integrate odeint root".split(), "eshkol.api.solutions"),
    **dict.fromkeys(
        "diff latex simplify symbolic_derivative symbolic_expand symbolic_factor "
        "symbolic_integral symbolic_solve symbolic_to_procedure".split(),
        "eshkol.api.symbolic",
    ),
    **dict.fromkeys("interval taylor_model".split(), "eshkol.api.validated"),
    **dict.fromkeys(_ERRORS, "eshkol.base.errors"),
    "Session": "eshkol.session",
    "config": "eshkol.base.config",
}
"""The public names and the modules that define them."""

# Without ``eval``: a star import shall not take away Python's own.
__all__ = ["__version__", *(name for name in _HOMES if name != "eval")]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _HOMES:
        value = globals()[name] = getattr(import_module(_HOMES[name]), name)
        return value
    if name == "nn":
        return import_module("eshkol.nn")
    if not name.startswith("_") and not _is_part(name):
        names = import_module("eshkol.api.names")
        if name in names.builtin_spellings():
            value = globals()[name] = names.builtin(name)
            return value
    here = sys.modules[__name__]
    raise AttributeError(f"module 'eshkol' has no attribute {name!r}", name=name, obj=here)


def _is_part(name: str) -> bool:
    """Whether a module of the package has this name: ``from eshkol import name`` imports that."""
    from importlib.machinery import PathFinder

    return PathFinder.find_spec(f"{__name__}.{name}", __path__) is not None


def __dir__() -> list[str]:
    from eshkol.api.names import builtin_spellings

    return sorted({*globals(), *_HOMES, *builtin_spellings(), "nn"})
