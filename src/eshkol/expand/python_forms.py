"""Forms for Python objects. How their attributes are written is in ``dotted``."""

from __future__ import annotations

from eshkol.expand.templates import template_form

template_form(
    "(with-context (name:id manager) body ...+)",
    "(call-with-context manager (lambda (name) body ...))",
)
