"""All families of primitives, and the names that a program finds without importing anything."""

from __future__ import annotations

import functools
import importlib
import math
from typing import Any

from eshkol.primitives.declare import PRIMITIVES

FAMILIES = (
    "arithmetic",
    "comparison",
    "integers",
    "bits",
    "rounding",
    "elementary",
    "complex_numbers",
    "equality",
    "number_predicates",
    "pairs",
    "lists",
    "list_search",
    "list_procedures",
    "list_helpers",
    "vectors",
    "sorting",
    "chars",
    "strings",
    "string_changes",
    "string_search",
    "bytevectors",
    "symbols",
    "hash_tables",
    "ports",
    "input",
    "output",
    "file_ports",
    "file_system",
    "process",
    "dates",
    "json_text",
    "csv_text",
    "evaluation",
    "formatting",
    "debugging",
    "compilation",
    "combinators",
    "control",
    "features",
    "multiple_values",
    "conditions",
    "continuations",
    "parameters",
    "promises",
    "parallel",
    "records",
    "recursion_depth",
    "files",
    "training",
    "tensors",
    "tensor_creation",
    "tensor_elementwise",
    "special_functions",
    "tensor_reductions",
    "statistics",
    "tensor_mapping",
    "selected",
    "matrices",
    "tensor_shapes",
    "tensor_indexing",
    "linear_algebra",
    "decompositions",
    "activations",
    "neural",
    "windows",
    "normalization",
    "attention",
    "losses",
    "metric_losses",
    "schedules",
    "random",
    "distributions",
    "augmentation",
    "signals",
    "initializers",
    "in_place",
    "variables",
    "optimizer_steps",
    "transforms",
    "loop_states",
    "custom_derivatives",
    "rematerialization",
    "calculus",
    "directions",
    "sparse_derivatives",
    "higher_derivatives",
    "symbolic",
    "latex",
    "computer_algebra",
    "intervals",
    "taylor_models",
    "minimization",
    "implicit",
    "integration",
    "differential_equations",
    "models",
    "dataloaders",
    "tensor_files",
    "python_data",
    "python_objects",
)
"""The modules of this room that declare primitives."""

CONSTANTS = {"pi": math.pi, "None": None}


@functools.cache
def builtin_namespace() -> dict[str, Any]:
    """Every primitive and constant by its Scheme name; the caller must not change it.

    Example:
        >>> builtin_namespace()["+"](1, 2)
        3
    """
    for family in FAMILIES:
        importlib.import_module(f"eshkol.primitives.{family}")
    procedures = {name: primitive.function for name, primitive in PRIMITIVES.items()}
    return {**procedures, **CONSTANTS}
