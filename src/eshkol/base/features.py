"""What this implementation tells programs about itself (R7RS 6.14 and appendix B)."""

from __future__ import annotations

import os
import sys

from eshkol.base.version import VERSION


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
