"""The decisions of staging in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from eshkol.xla.dtypes import short_name
from eshkol.xla.tensors import dimensions

MOST_CARRIED = 4
"""So many loop variables are named."""


def in_words(kind: str, facts: dict[str, Any]) -> str:
    """A decision of ``eshkol.xla.notes.KINDS`` in words.

    Example:
        >>> in_words("unrolled", {"site": ("loop", "i"), "trips": 3})
        'unrolled: 3 trips, one after the other'
    """
    return _WORDS[kind](facts)


def _followed(facts: dict[str, Any]) -> str:
    taken = facts["taken"]
    if taken == "each":
        return "the condition is known whenever it is traced"
    return f"the condition is known: {'then' if taken else 'else'}"


def _trips(count: int) -> str:
    return f"{count:,} trip{'s' * (count != 1)}"


def _unrolled(facts: dict[str, Any]) -> str:
    count = facts["trips"]
    if count < 2:
        return f"unrolled: {_trips(count) if count else 'no trip'}"
    return f"unrolled: {_trips(count)}, one after the other"


def _carried(facts: dict[str, Any]) -> str:
    types: Sequence[Any] = facts.get("carried", ())
    names: Sequence[str] = facts["site"][1:]
    if not types:
        return ""
    if len(names) == len(types):
        shown = [f"{name} {_type(x)}" for name, x in zip(names, types, strict=True)]
    else:
        shown = [_type(x) for x in types]
    more = ", …" if len(shown) > MOST_CARRIED else ""
    return f"; carries {', '.join(shown[:MOST_CARRIED])}{more}"


def _type(value: Any) -> str:
    return f"{short_name(value.dtype)}[{dimensions(value.shape)}]"


def _stack(facts: dict[str, Any]) -> str:
    depth = facts.get("depth")
    return "recursion on a stack" + (f", at most {depth:,} deep" if depth else "")


_WORDS: dict[str, Callable[[dict[str, Any]], str]] = {
    "followed": _followed,
    "cond": lambda _: "traced condition: both branches are compiled, one runs (cond)",
    "select": lambda _: "traced condition: a choice between two values (select)",
    "agreed": lambda _: "traced condition, but both branches give the same",
    "scan": lambda facts: (
        f"loop of {_trips(facts['trips'])}, compiled once (scan){_carried(facts)}"
    ),
    "unrolled": _unrolled,
    "counter": lambda facts: (
        f"needs the value of the counter, so the loop of {_trips(facts['trips'])} is unrolled"
    ),
    "loop": lambda facts: f"loop that ends by a traced test (while){_carried(facts)}",
    "stack": _stack,
    "vmap": lambda facts: f"mapped over {facts['lanes']:,} lanes at once (vmap)",
    "gradient": lambda facts: f"{facts['who']}: a forward and a backward pass",
}
