"""Declares all core forms: importing this module makes them known to every expander."""

from __future__ import annotations

from eshkol.expand import (
    binding_forms,
    calculus_forms,
    case_lambda,
    conditional_forms,
    control_forms,
    core_forms,
    cut_forms,
    derived_forms,
    inclusion,
    jit_forms,
    libraries,
    library_definitions,
    match_forms,
    procedural,
    python_forms,
    quotation,
    record_forms,
    values_forms,
)
from eshkol.expand.expander import CORE_SCOPE

FAMILIES = (
    core_forms,
    binding_forms,
    conditional_forms,
    quotation,
    libraries,
    derived_forms,
    cut_forms,
    match_forms,
    python_forms,
    inclusion,
    library_definitions,
    procedural,
    values_forms,
    case_lambda,
    control_forms,
    record_forms,
    calculus_forms,
    jit_forms,
)

CORE_FORMS = tuple(sorted(CORE_SCOPE.bindings))
"""The names of all core forms."""
