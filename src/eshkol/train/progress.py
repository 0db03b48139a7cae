"""A progress bar on standard error."""

from __future__ import annotations

import atexit
import sys
import time
from collections.abc import Iterable
from typing import Any, ClassVar

from eshkol.base.config import CONFIG
from eshkol.base.errors import BadValue, StagingError, WrongType
from eshkol.datum.equality import is_array, scalar
from eshkol.datum.pairs import EmptyList, Pair
from eshkol.datum.values import UNSPECIFIED, HashTable
from eshkol.datum.write import display_string, short_string
from eshkol.io.files import is_tracer

_REDRAW_SECONDS = 0.1
_LINE_SECONDS = 5.0


class ProgressBar:
    """Shows how far a loop is, how long it has to go, and the latest metrics.

    On a terminal it is one line that is redrawn ten times a second at most; elsewhere (a file, a
    pipe) it prints a plain line every few seconds and one at the end. A metric that is a tensor is
    only read when it is shown, so that an update waits for no device. ``eshkol run --quiet``
    shows none.

    Args:
        total: how many steps there are.
        description: shown in front.

    Example:
        >>> with ProgressBar(3, "epoch 1") as bar:
        ...     for step in range(3):
        ...         bar.update(loss=1.0 / (step + 1))
        >>> bar.current
        3
    """

    _active: ClassVar[ProgressBar | None] = None

    def __init__(self, total: int, description: str = "") -> None:
        if total.__class__ is not int:
            raise WrongType(f"progress-bar: expected a number of steps, got {short_string(total)}")
        if total < 0:
            raise BadValue(f"progress-bar: expected a number of steps from 0, got {total}")
        close_active()
        self.total = total
        self.description = display_string(description)
        self.current = 0
        self._metrics: dict[str, Any] = {}
        self._start = self._shown = time.monotonic()
        self._open = not CONFIG.quiet
        is_drawn = self._open and sys.stderr.isatty()
        self._display = _terminal_display(self) if is_drawn else None
        ProgressBar._active = self
        if total == 0:
            self.close()

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"#<progress-bar {self.current}/{self.total}>"

    def update(self, current: int | None = None, /, **metrics: Any) -> None:
        """Be at step ``current`` (left out: one further), with the latest ``metrics``.

        Reaching the total closes the bar.
        """
        self.current = self.current + 1 if current is None else current
        self._metrics.update(metrics)
        now = time.monotonic()
        if self._open and self.current >= self.total:
            self.close()
        elif self._open and now - self._shown >= self._interval():
            self._shown = now
            self._show()

    def close(self) -> None:
        """Show the bar a last time and leave it standing."""
        if not self._open:
            return
        self._open = False
        if ProgressBar._active is self:
            ProgressBar._active = None
        self._show()
        if self._display is not None:
            self._display.stop()

    def metrics_text(self) -> str:
        """The latest metrics, as they are shown: ``loss 0.1234  accuracy 0.98``."""
        return "  ".join(f"{name} {_shown(value)}" for name, value in self._metrics.items())

    def _interval(self) -> float:
        return _LINE_SECONDS if self._display is None else _REDRAW_SECONDS

    def _show(self) -> None:
        if self._display is not None:
            self._display.update(
                self._display.task_ids[0],
                completed=self.current,
                metrics=self.metrics_text(),
                refresh=True,
            )
            return
        elapsed = time.monotonic() - self._start
        percent = 100 * self.current // self.total if self.total else 100
        where = f"{self.current}/{self.total} ({percent}%)"
        parts = [self.description, where, self.metrics_text(), f"{elapsed:.1f} s"]
        print("  ".join(part for part in parts if part), file=sys.stderr, flush=True)


def _terminal_display(bar: ProgressBar) -> Any:
    """A rich display of ``bar``, without a thread of its own: updates redraw it."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    display = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[metrics]}", markup=False),
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
        console=Console(stderr=True),
        auto_refresh=False,
    )
    display.start()
    display.add_task(bar.description, total=bar.total, metrics="")
    return display


def close_active() -> None:
    """Close the bar that is open, if any, so that what is printed next stands below it."""
    if ProgressBar._active is not None:
        ProgressBar._active.close()


atexit.register(close_active)


def progress_bar(total: int, description: str = "") -> ProgressBar:
    """The Scheme procedure ``progress-bar``: a new :class:`ProgressBar`."""
    return ProgressBar(total, description)


def update_progress(bar: Any, *arguments: Any, **metrics: Any) -> Any:
    """The Scheme procedure ``update-progress``: ``(update-progress bar [current] [metrics])``.

    ``current`` is an exact integer; ``metrics`` an association list, a hash table or keyword
    arguments.
    """
    if not isinstance(bar, ProgressBar):
        raise WrongType(f"update-progress: expected a progress bar, got {short_string(bar)}")
    current = None
    rest = list(arguments)
    if rest and not is_tracer(rest[0]) and scalar(rest[0]).__class__ is int:
        current = scalar(rest.pop(0))
    for collection in rest:
        for name, value in _entries(collection):
            metrics[display_string(name)] = value
    if any(map(is_tracer, metrics.values())):
        raise StagingError(
            "update-progress: a metric's value is not known while staging",
            hint="call it outside of jit, with the metrics that the staged step returns",
        )
    bar.update(current, **metrics)
    return UNSPECIFIED


def _entries(metrics: Any) -> Iterable[tuple[Any, Any]]:
    """The names and values of an association list ``((name . value) …)`` or a hash table.

    An entry ``(name value)`` is taken too.
    """
    if isinstance(metrics, HashTable | dict):
        return metrics.items()
    if isinstance(metrics, EmptyList):
        return ()
    if isinstance(metrics, Pair) and all(isinstance(entry, Pair) for entry in metrics):
        return [(entry.car, _value(entry.cdr)) for entry in metrics]
    raise WrongType(
        f"update-progress: expected metrics, got {short_string(metrics)}",
        hint="as a list: (list (cons 'loss loss)); as keywords: #:loss loss; or a hash table",
    )


def _value(tail: Any) -> Any:
    return tail.car if isinstance(tail, Pair) else tail


def _shown(value: Any) -> str:
    if is_array(value) and value.shape == ():
        value = value.item()
    return f"{value:.4g}" if isinstance(value, float) else display_string(value)
