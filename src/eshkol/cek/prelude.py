"""The procedures of ``prelude.esk``, which stand for primitives that call procedures."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

from eshkol.base.spans import NOWHERE
from eshkol.cek.calls import call_python, misfit_of
from eshkol.cek.environment import Activation, Environment, Forms
from eshkol.cek.machine import PRIMITIVE_RULES, run
from eshkol.core.nodes import Const, Sequence
from eshkol.datum.values import UNSPECIFIED
from eshkol.runtime.namespace import Namespace
from eshkol.runtime.support import builtins

if TYPE_CHECKING:
    from eshkol.cek.machine import Machine

FILE = str(Path(__file__).with_name("prelude.esk"))


def load_prelude() -> None:
    """Evaluate the prelude, which fills the table of the machine."""
    from eshkol.expand import forms
    from eshkol.expand.expander import Expander
    from eshkol.reader.parser import read_all

    assert forms.CORE_FORMS
    namespace = Namespace("eshkol.cek.prelude", builtins())
    namespace.variables.update({"on-machine!": on_machine, "runs-here?": runs_here})
    nothing: Any = None  # the prelude neither imports nor includes
    expander = Expander(namespace, nothing, nothing)
    text = Path(FILE).read_text(encoding="utf-8")
    nodes = expander.expand_program(read_all(text, FILE))
    nowhere = Activation("<prelude>", namespace, Forms(nodes))
    nowhere.site = Const(NOWHERE, None), nowhere
    environment = Environment({}, None, nowhere)
    program = Sequence(nodes[0].span, tuple(nodes))
    run(lambda machine: machine.evaluate(program, environment))


def runs_here(value: Any) -> bool:
    """Whether the machine applies a procedure itself: only then can it keep what is left to do."""
    if id(value) in PRIMITIVE_RULES:
        return True
    return value.__class__ is FunctionType and hasattr(value, "eshkol_cek")


def on_machine(primitive: Any, fits: Any, body: Any) -> Any:
    """Let the machine run ``body`` for ``primitive`` where ``fits`` is true of the arguments."""
    signature = inspect.signature(primitive)

    def rule(machine: Machine, arguments: list[Any], keywords: dict[str, Any]) -> None:
        misfit = misfit_of(machine, primitive, arguments, keywords, signature)
        if misfit is not None:
            raise misfit
        site = machine.site

        def go_on(machine: Machine, is_fit: Any) -> None:
            machine.site = site
            if is_fit is False or keywords:
                machine.value = call_python(machine, primitive, arguments, keywords)
            else:
                machine.apply(body, arguments)

        machine.then(go_on)
        machine.apply(fits, arguments)

    PRIMITIVE_RULES[id(primitive)] = rule
    return UNSPECIFIED
