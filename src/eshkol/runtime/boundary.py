"""Where errors leave Eshkol. What explains them is imported when there is one."""

from __future__ import annotations

from typing import Any, Literal


class Boundary:
    """Errors leave a ``with Boundary():`` block explained and without our frames."""

    __slots__ = ()

    def __enter__(self) -> Boundary:
        return self

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> Literal[False]:
        if isinstance(error, Exception):
            from eshkol.runtime.report import raise_explained

            raise_explained(error, traceback)
        return False
