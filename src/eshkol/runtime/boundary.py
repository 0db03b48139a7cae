"""Where errors leave Eshkol. What explains them is imported when there is one."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Literal, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


class Boundary:
    """Errors leave a ``with Boundary():`` block explained and without our frames.

    Where an error is replaced by another, the frames that raise the other are still in its
    traceback; a second boundary around drops them.
    """

    __slots__ = ()

    def __enter__(self) -> Boundary:
        return self

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> Literal[False]:
        if isinstance(error, Exception):
            from eshkol.runtime.report import raise_explained

            raise_explained(error, traceback)
        return False


def bounded(function: Function) -> Function:
    """``function`` as Python programs call it: errors leave it explained and without our frames.

    Example:
        >>> bounded(abs)(-1)
        1
    """

    @functools.wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        with Boundary(), Boundary():
            return function(*arguments, **options)

    bounded_function: Any = call
    return bounded_function
