"""What a program may ask of its process: how deep it recurses, how often garbage is looked for.

A call of a procedure takes none of the machine's stack, only Python's own; a call through a
primitive written in C takes some of both. So the limit is set to what the machine's stack bears if
every second call were such a one, and the stack is allowed to grow first.
"""

from __future__ import annotations

import gc
import sys

STACK_BYTES = 120 << 20
"""How large the stack of the main thread may grow; no address space is taken until it does."""

MOST_CALLS = 200_000
"""How deep calls may nest where the stack may grow so far."""

BYTES_OF_CALL = STACK_BYTES // MOST_CALLS


def allow_deep_recursion() -> None:
    """Let calls nest as deep as the machine allows, never less deep than before."""
    limit = min(MOST_CALLS, _stack_bytes() // BYTES_OF_CALL)
    sys.setrecursionlimit(max(sys.getrecursionlimit(), limit))


def _stack_bytes() -> int:
    """How large the stack may grow, after asking for more."""
    try:
        import resource
    except ImportError:
        return 1 << 20
    soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
    infinite = resource.RLIM_INFINITY
    wanted = STACK_BYTES if hard == infinite else min(STACK_BYTES, hard)
    if soft == infinite or soft >= wanted:
        return STACK_BYTES if soft == infinite else soft
    try:
        resource.setrlimit(resource.RLIMIT_STACK, (wanted, hard))
    except (OSError, ValueError):
        return soft
    return wanted


NEW_OBJECTS = 50_000
"""Garbage in cycles is looked for when there are so many more objects; Python's own is 700."""


def collect_seldom() -> None:
    """Look for garbage in cycles seldom, as befits a process that is all a Scheme program's.

    Programs make pairs by the thousand, of which hardly any stand in cycles; reference counts free
    the others at once.
    """
    gc.set_threshold(NEW_OBJECTS, 20, 20)
