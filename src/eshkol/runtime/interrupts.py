"""What an interrupt would leave behind."""

from __future__ import annotations

import sys
from typing import Any, Literal

from eshkol.primitives.declare import load

_ENGINE = "eshkol.xla._compat"


class KeepingWidth:
    """An interrupt leaves a ``with KeepingWidth():`` block with JAX's 64-bit mode as it was.

    JAX's own context manager sets the mode before Python enters the block at whose end it is set
    back: an interrupt in between would leave this thread in it.
    """

    __slots__ = ("_width",)

    def __enter__(self) -> KeepingWidth:
        config = getattr(sys.modules.get("jax"), "config", None)
        self._width: bool | None = getattr(config, "jax_enable_x64", None)
        return self

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> Literal[False]:
        if isinstance(error, KeyboardInterrupt) and _ENGINE in sys.modules:
            load(f"{_ENGINE}:set_thread_width")(self._width)
        return False
