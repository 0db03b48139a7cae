"""Signatures of Python functions as Scheme text, for messages."""

from __future__ import annotations

import inspect
from typing import Any

from eshkol.datum.write import short_string


def usage_text(name: str, signature: inspect.Signature) -> str:
    """A call of the procedure as Scheme text: ``(name x (option 1) rest …)``."""
    words = [name]
    for p in signature.parameters.values():
        shown = p.name.replace("_", "-")
        if p.kind is p.VAR_POSITIONAL:
            words.append(f"{shown} …")
        elif p.kind is p.KEYWORD_ONLY:
            value = shown if p.default is p.empty else _default_text(p.default)
            words.append(f"#:{shown} {value}")
        elif p.default is not p.empty:
            words.append(f"({shown} {_default_text(p.default)})")
        elif p.kind is not p.VAR_KEYWORD:
            words.append(shown)
    return f"({' '.join(words)})"


def _default_text(default: Any) -> str:
    """A default as Scheme text; None, and a mark for what was left out, are worked out."""
    return "…" if default is None or default.__class__ is object else short_string(default)
