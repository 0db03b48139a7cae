"""Settings of the process: dtypes, checks, what is shown, where compiled programs are kept."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from eshkol.base.errors import BadValue

TENSOR_DTYPES = ("float32", "float64", "bfloat16", "float16")
NARROW_PRODUCTS = ("bfloat16", "float16")

OFF = ("off", "0", "no", "false")
"""What switches something off in a variable of the environment."""

SETTINGS = "tensor_dtype checked interpolate quiet store store_directory store_limit".split()
"""What users may set."""

_OWN = ("owns_process", "followers", "may_wrap")

Mode = tuple[str, str, bool]
"""What compiled code depends on: the tensor dtype, that of products, whether it is checked."""


class Config:
    """The settings of this process, with overrides for one thread and a dynamic extent.

    Attributes:
        tensor_dtype: the name of the dtype of tensors that do not ask for one; ``"float32"`` at
            first. Assigning it holds for every thread.
        checked: whether what tensors and compiled code compute is checked (see ``with-checks``);
            False at first. Assigning it holds for every thread.
        interpolate: whether ``~{expression}`` in a string of a program stands for the value; False
            at first. A text says so for itself by ``#!interpolate``.
        quiet: whether progress bars stay invisible; False at first.
        store: whether compiled programs are kept for later processes; True at first, unless the
            environment's ``ESHKOL_STORE`` is ``off``.
        store_directory: where; ``ESHKOL_STORE_DIR`` at first. Empty stands for ``eshkol/programs``
            in the user's directory for caches.
        owns_process: whether the process is one of the command ``eshkol``, in which JAX's settings
            are ours; False at first.
        store_limit: how many bytes they may take; 2 GiB at first, or ``ESHKOL_STORE_SIZE``, such as
            ``500M``.
        followers: called when a setting that compiled code depends on has changed for all threads.
        may_wrap: whether ``checked`` was ever True or there was a variable; while it was not so,
            primitives need not ask.

    Example:
        >>> CONFIG.tensor_dtype
        'float32'
    """

    def __init__(self) -> None:
        self.quiet = False
        self.interpolate = False
        self.owns_process = False
        self.store = os.environ.get("ESHKOL_STORE", "").lower() not in OFF
        self.store_directory = os.environ.get("ESHKOL_STORE_DIR", "")
        self.store_limit = _size(os.environ.get("ESHKOL_STORE_SIZE", ""), 2 << 30)
        self.followers: list[Callable[[], None]] = []
        self.may_wrap = False
        self._tensor_dtype = "float32"
        self._checked = False
        self._override = threading.local()

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and name not in (*SETTINGS, *_OWN):
            raise AttributeError(f"there is no setting {name}: they are {', '.join(SETTINGS)}")
        super().__setattr__(name, value)

    def _setting(self, name: str, default: Any) -> Any:
        value = getattr(self._override, name, None)
        return default if value is None else value

    @property
    def tensor_dtype(self) -> str:
        return self._setting("tensor_dtype", self._tensor_dtype)

    @tensor_dtype.setter
    def tensor_dtype(self, name: str) -> None:
        self._tensor_dtype = _checked(name)
        self._tell()

    @property
    def checked(self) -> bool:
        return self._setting("checked", self._checked)

    @checked.setter
    def checked(self, flag: bool) -> None:
        self._checked = bool(flag)
        self.may_wrap = self.may_wrap or self._checked
        self._tell()

    @property
    def products(self) -> str:
        """The narrow dtype in which products of matrices are computed; empty: that of tensors."""
        return self._setting("products", "")

    @property
    def mode(self) -> Mode:
        """All settings that compiled code depends on."""
        return self.tensor_dtype, self.products, self.checked

    def _tell(self) -> None:
        for follower in self.followers:
            follower()

    @contextmanager
    def override(self, **settings: Any) -> Iterator[None]:
        """Within the ``with`` block, in this thread, settings are others.

        Args:
            settings: of ``tensor_dtype``, ``products`` and ``checked``.

        Example:
            >>> with CONFIG.override(checked=True):
            ...     CONFIG.checked
            True
        """
        outer = {name: getattr(self._override, name, None) for name in settings}
        self.may_wrap = self.may_wrap or bool(settings.get("checked"))
        self._override.__dict__.update(settings)
        try:
            yield
        finally:
            self._override.__dict__.update(outer)

    @contextmanager
    def precision(self, name: str) -> Iterator[None]:
        """Within the ``with`` block, in this thread, ``name`` is the tensor dtype.

        Example:
            >>> with CONFIG.precision("float64"):
            ...     CONFIG.tensor_dtype
            'float64'
        """
        with self.override(tensor_dtype=_checked(name)):
            yield


def _checked(name: str) -> str:
    if name not in TENSOR_DTYPES:
        raise BadValue(
            f"tensor-dtype: expected one of {', '.join(TENSOR_DTYPES)}, got {name!r}",
            hint="tensors are of floating point by default; ask for integers with #:dtype",
        )
    return name


def _size(text: str, default: int) -> int:
    """The bytes that ``500M`` stands for; ``default`` for what is no size."""
    found = re.fullmatch(r"(\d+)([KMGT]?)I?B?", text.strip().upper())
    return int(found[1]) << 10 * " KMGT".index(found[2] or " ") if found else default


CONFIG = config = Config()
