"""What is shown taken as a string: ``sys.stdout`` for each thread apart."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Callable
from typing import Any

from eshkol.primitives.parameters import new_parameter, parameterize
from eshkol.primitives.ports import current_output_port

_taking = new_parameter(None)
"""The stream that takes what the running code shows; None if none does."""

_LOCK = threading.Lock()


class Redirection:
    """Stands for ``sys.stdout`` while what some threads show is taken.

    Args:
        standard: what other threads show things on.

    Attributes:
        streams: those that take what is shown, the newest last.
    """

    def __init__(self, standard: Any) -> None:
        self.standard = standard
        self.streams: list[io.StringIO] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream(), name)

    def _stream(self) -> Any:
        own = _taking()
        if own is not None:
            return own
        # A device calls back in a thread of its own.
        is_foreign = isinstance(threading.current_thread(), threading._DummyThread)
        return self.streams[-1] if is_foreign and self.streams else self.standard


def shown_by(call: Callable[[], Any]) -> str:
    """What ``call`` shows on the current output port, and on Python's ``sys.stdout``."""
    stream = io.StringIO()
    with _LOCK:
        here = sys.stdout
        if not isinstance(here, Redirection):
            sys.stdout = here = Redirection(here)
        here.streams.append(stream)
    try:
        parameterize(call, current_output_port, stream, _taking, stream)
    finally:
        with _LOCK:
            here.streams.remove(stream)
            if not here.streams and sys.stdout is here:
                sys.stdout = here.standard
    return stream.getvalue()
