"""What this implementation tells programs about itself (R7RS 6.14 and appendix B)."""

from __future__ import annotations

import os
import sys
from typing import Any

from eshkol.base.version import VERSION
from eshkol.datum.pairs import scheme_list
from eshkol.datum.symbols import intern
from eshkol.primitives.declare import primitive


def _platform() -> list[str]:
    system = {"linux": "linux", "darwin": "darwin", "win32": "windows"}.get(sys.platform)
    family = ["posix", "unix"] if os.name == "posix" else []
    return [*family, *([system] if system else [])]


FEATURES: tuple[str, ...] = (
    "r7rs",
    "exact-closed",
    "ieee-float",
    "full-unicode",
    "ratios",
    "eshkol",
    f"eshkol-{VERSION}",
    "python",
    *_platform(),
)
"""The features that ``cond-expand`` knows."""


@primitive("features")
def features() -> Any:
    """The list of the features that ``cond-expand`` knows.

    Example: ``(memq 'full-unicode (list 'full-unicode))`` ⇒ ``(full-unicode)``.
    """
    return scheme_list([intern(name) for name in FEATURES])
