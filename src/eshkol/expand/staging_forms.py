"""Forms that say how what is inside of them is compiled."""

from __future__ import annotations

from eshkol.expand.templates import template_form

template_form(
    "(with-max-depth calls body ...+)",
    "(call-with-max-depth calls (lambda () body ...))",
)
