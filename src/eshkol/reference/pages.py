"""Which families of primitives make a page of the reference; a new family is added to one here."""

from __future__ import annotations

from typing import NamedTuple


class Page(NamedTuple):
    """A page of primitives.

    Attributes:
        file: its name, without ``.md``.
        title: its heading.
        summary: what the index says of it.
        families: the modules of ``eshkol.primitives`` whose primitives it shows, in order.
    """

    file: str
    title: str
    summary: str
    families: tuple[str, ...]


def _page(file: str, title: str, summary: str, families: str) -> Page:
    return Page(file, title, summary, tuple(families.split()))


PAGES = (
    _page(
        "numbers",
        "Numbers",
        "arithmetic, comparisons, rounding, elementary functions",
        "arithmetic comparison number_predicates integers bits rounding elementary complex_numbers",
    ),
    _page(
        "lists",
        "Pairs and lists",
        "making, searching, mapping and sorting lists",
        "pairs lists list_procedures list_search list_helpers sorting",
    ),
    _page("vectors", "Vectors and bytevectors", "sequences by index", "vectors bytevectors"),
    _page(
        "text",
        "Strings, characters and symbols",
        "text, its parts, its changes, formats",
        "strings string_search string_changes formatting chars symbols",
    ),
    _page("hash-tables", "Hash tables", "values by key", "hash_tables"),
    _page(
        "procedures",
        "Procedures and control",
        "booleans, equality, combinators, promises, parameters, records, evaluation, threads",
        "equality control combinators multiple_values promises parameters records evaluation "
        "parallel features",
    ),
    _page(
        "conditions",
        "Conditions and continuations",
        "raising and handling errors, leaving a program's parts",
        "conditions continuations",
    ),
    _page(
        "ports",
        "Input and output",
        "ports, reading, writing",
        "ports input output file_ports",
    ),
    _page(
        "system",
        "Files, processes and dates",
        "the file system, JSON, CSV, the process, the time",
        "file_system json_text csv_text process dates",
    ),
    _page(
        "python",
        "Python from Scheme",
        "Python's objects, methods, dictionaries, iterators",
        "python_objects python_data",
    ),
    _page(
        "tensors",
        "Tensors",
        "what they are, making them, their shapes and elements",
        "tensors tensor_creation matrices tensor_shapes tensor_indexing selected in_place "
        "variables",
    ),
    _page(
        "tensor-operations",
        "Operations on tensors",
        "element by element, reductions, statistics, mapping",
        "tensor_elementwise special_functions tensor_reductions statistics tensor_mapping",
    ),
    _page(
        "linear-algebra",
        "Linear algebra",
        "products, equations, factorizations, eigenvalues",
        "linear_algebra decompositions",
    ),
    _page(
        "signals",
        "Signals",
        "Fourier transforms, windows, convolution, filters",
        "signals",
    ),
    _page(
        "random",
        "Random numbers",
        "seeds, keys, every distribution, initial weights, augmentation",
        "random distributions initializers augmentation",
    ),
    _page(
        "calculus",
        "Derivatives",
        "gradients, Jacobians, higher derivatives, vector calculus, rules of one's own",
        "transforms calculus directions higher_derivatives sparse_derivatives custom_derivatives "
        "rematerialization loop_states",
    ),
    _page(
        "solving",
        "Minima, roots and integrals",
        "minimizers, roots and fixed points, integrals, differential equations",
        "minimization implicit integration differential_equations",
    ),
    _page(
        "validated",
        "Intervals and Taylor models",
        "arithmetic that encloses the true values",
        "intervals taylor_models",
    ),
    _page(
        "symbolic",
        "Expressions",
        "symbolic derivatives, simplification, computer algebra",
        "symbolic computer_algebra latex",
    ),
    _page(
        "neural",
        "Operations of neural networks",
        "activations, convolution, normalization, attention",
        "activations neural windows normalization attention",
    ),
    _page("losses", "Losses", "what training makes small", "losses metric_losses"),
    _page(
        "training",
        "Training",
        "optimizers, schedules, batches, metrics, data files, weights in files",
        "models optimizer_steps schedules dataloaders training files tensor_files",
    ),
    _page(
        "compilation",
        "Looking into programs",
        "what is compiled and why, what computes NaN, breakpoints",
        "compilation debugging recursion_depth",
    ),
)
