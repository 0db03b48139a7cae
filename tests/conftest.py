"""What holds for all tests, and for the processes that they start."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from hypothesis import HealthCheck, settings

# The user's own store of compiled programs is no part of a test.
os.environ["ESHKOL_STORE"] = "off"

# How long an example takes tells about the machine, and what it compiles for the first time.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("here")

# There are no builds of torch for the newest Pythons; what is compared with it is tested on others.
HAS_TORCH = importlib.util.find_spec("torch") is not None
collect_ignore = [
    str(path)
    for path in ([] if HAS_TORCH else Path(__file__).parent.rglob("test_*.py"))
    if "\nimport torch" in path.read_text(encoding="utf-8")
]
