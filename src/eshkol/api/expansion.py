"""``macroexpand``: what macros make of a form, as data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eshkol.api.environments import session_of, syntax_of


def macroexpand(form: Any, environment: Any = None) -> Any:
    """The form until no macro stands at its head."""
    from eshkol.expand.stepper import expand_fully

    return _expanded("macroexpand", form, environment, expand_fully)


def macroexpand_1(form: Any, environment: Any = None) -> Any:
    """The form after one use of the macro at its head."""
    from eshkol.expand.stepper import expand_once

    return _expanded("macroexpand-1", form, environment, expand_once)


def _expanded(who: str, form: Any, environment: Any, expand: Callable[[Any, Any], Any]) -> Any:
    from eshkol.syntax.objects import to_datum

    expander = session_of(who, environment).expander
    return to_datum(expand(expander, expander.scoped(syntax_of(form))))
