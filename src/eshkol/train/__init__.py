"""Training: ``progress`` (a progress bar), ``metrics`` (accuracy, confusion matrix), ``batches``
(shuffled mini-batches).
"""

from __future__ import annotations

import sys


def close_progress() -> None:
    """Leave an open progress bar standing, so that a message comes below it; loads nothing."""
    progress = sys.modules.get("eshkol.train.progress")
    if progress is not None:
        progress.close_active()
