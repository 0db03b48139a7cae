"""The module names that programs for native Eshkol require.

What these modules define is part of the language here, so that requiring one brings the standard
library; a file of the name, if there is one, comes first.
"""

from __future__ import annotations

from eshkol.modules.finding import SUFFIX, LibraryName

FAMILIES = frozenset(
    "stdlib core math ml tensor tensor-utils nn signal random stats data io list string json csv "
    "test parallel".split()
)
"""The first words of the names of native modules."""


def is_native_module(name: LibraryName) -> bool:
    """Whether native Eshkol has a module of this name, or of this family.

    Example:
        >>> is_native_module(("core", "list", "sort")), is_native_module("math.esk")
        (True, True)
        >>> is_native_module(("mine", "core"))
        False
    """
    words = name.removesuffix(SUFFIX).split(".") if isinstance(name, str) else name
    return words[0] in FAMILIES
