"""Where a program being compiled draws random numbers, and the keys that it is given for that.

What the sites are is known once the program was traced. So a new function of it is traced ahead of
its first call, without regard to keys; should a later trace find more of them, the call is made
again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

from eshkol.runtime.draw_paths import Path
from eshkol.xla import key_stream
from eshkol.xla.keys import LoopsDraw, MoreSites, ProgramSource, Source

ROOM = 64
"""A program takes the keys of so many sites, and four times as many when these are not enough."""


class DrawSites:
    """The sites of one program.

    Attributes:
        paths: from a call of the program to each, as far as they are known.
        room: the program takes the keys of so many.
        is_ahead: whether it is being traced ahead of a call.
        prefix: the path to its calls, if some sites are the same with it.
        in_loops: whether loops draw, whose trips are numbered then.
    """

    __slots__ = ("in_loops", "is_ahead", "paths", "prefix", "room")

    def __init__(self) -> None:
        self.paths: list[Path] = []
        self.room = ROOM
        self.is_ahead = False
        self.prefix: Path = ()
        self.in_loops = False

    def keys(self, caller: FrameType) -> tuple[Any, Any]:
        """What the program takes, called from a frame: the words of its keys, and counts.

        Raises:
            SitesCoincide: what was compiled takes two draws for different ones that are the same.
        """
        while self.room < len(self.paths):
            self.room *= 4
        return key_stream.start(caller, self.paths, self.room)

    def called(self, function: Callable[..., Any], arrays: list[Any], traceable: Any) -> Any:
        """The result of a function of the program.

        Args:
            function: of arrays.
            arrays: for it; the last two are keys and counts.
            traceable: what traces a new function of the program; None for others.
        """
        if traceable is not None:
            self.traced(traceable, arrays)
        while True:
            try:
                return function(*arrays)
            except MoreSites as found:
                self._learn(found)
                arrays[-2:] = self.keys(sys._getframe())

    def _learn(self, found: MoreSites) -> None:
        """Know what a trace found out that has to begin again."""
        self.in_loops |= isinstance(found, LoopsDraw)

    def traced(self, traceable: Any, arrays: list[Any]) -> Any:
        """What ``traceable.trace`` gives; then ``arrays`` have the keys that it turned out to take.

        A program without draws has none.
        """
        saved, self.is_ahead = self.is_ahead, True
        known = len(self.paths)
        try:
            while True:
                try:
                    result = traceable.trace(*arrays)
                    break
                except MoreSites as found:
                    self._learn(found)
                    arrays[-2:] = self.keys(sys._getframe())
        finally:
            self.is_ahead = saved
        if len(self.paths) > known:
            arrays[-2:] = self.keys(sys._getframe())
        return result

    def source(self, arrays: Sequence[Any]) -> Source:
        """Where a trace takes its keys from: from these arrays; none are foreseen if none are."""
        if not arrays:
            return Source(None, is_numbering=False)
        words, counts = arrays
        return ProgramSource(words, counts, self.paths, self.prefix, self.in_loops)

    def check(self, source: Source) -> None:
        """See that a trace that ends was given the keys of all its draws.

        Raises:
            MoreSites: it was not.
        """
        if isinstance(source, ProgramSource) and source.has_grown and not self.is_ahead:
            raise MoreSites

    def learn(self, paths: Sequence[Path]) -> bool:
        """Know where a function from the store draws; whether its numbers fit those known.

        Raises:
            MoreSites: it is called already, without their keys.
        """
        count = min(len(paths), len(self.paths))
        if list(paths[:count]) != self.paths[:count]:
            return False
        self.paths += paths[count:]
        if len(paths) > count and not self.is_ahead:
            raise MoreSites
        return True
