"""What this implementation tells programs about itself."""

from __future__ import annotations

from typing import Any

from eshkol.base.features import FEATURES
from eshkol.datum.pairs import scheme_list
from eshkol.datum.symbols import intern
from eshkol.primitives.declare import primitive


@primitive("features")
def features() -> Any:
    """The list of the features that ``cond-expand`` knows.

    Example: ``(memq 'full-unicode (list 'full-unicode))`` ⇒ ``(full-unicode)``.
    """
    return scheme_list([intern(name) for name in FEATURES])
