"""What holds for all tests, and for the processes that they start."""

from __future__ import annotations

import os

# The user's own store of compiled programs is no part of a test.
os.environ["ESHKOL_STORE"] = "off"
