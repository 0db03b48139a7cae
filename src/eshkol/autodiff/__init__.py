"""Derivatives of programs on Python numbers; neither JAX nor NumPy is needed.

Reading order: ``plain`` (elementary functions with Scheme's meaning), ``perturbations`` (why
nested derivatives do not mix), ``series`` (recurrences for power series), ``rules`` (the smooth
operations and their derivatives), ``operations`` (all operations by name), ``numbers`` (what all
numbers that carry derivatives share), ``taylor`` (forward mode, any order), ``tape`` (reverse
mode), ``operators`` (``derivative``, ``gradient`` and friends), ``attempts`` (what a call that has
to be made again has drawn).
"""

from eshkol.autodiff.attempts import attempt as attempt
from eshkol.autodiff.attempts import attempted as attempted
from eshkol.autodiff.numbers import Differentiable as Differentiable
from eshkol.autodiff.operations import apply as apply
from eshkol.autodiff.operators import derivative as derivative
from eshkol.autodiff.operators import derivatives as derivatives
from eshkol.autodiff.operators import gradient as gradient
from eshkol.autodiff.operators import taylor_coefficients as taylor_coefficients
from eshkol.autodiff.operators import value_and_gradient as value_and_gradient
from eshkol.autodiff.operators import value_aux_and_gradient as value_aux_and_gradient
from eshkol.autodiff.perturbations import NeedsTensors as NeedsTensors
from eshkol.autodiff.perturbations import contains_differentiable as contains_differentiable
from eshkol.autodiff.perturbations import foreign as foreign
from eshkol.autodiff.perturbations import primal as primal
from eshkol.autodiff.perturbations import settled as settled
