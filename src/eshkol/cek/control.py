"""The primitives that the machine runs itself: those that have to do with what is left to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from eshkol.cek import conditions, continuations
from eshkol.cek.calls import is_refused, misfit_of
from eshkol.cek.machine import PRIMITIVE_RULES, Rule
from eshkol.cek.program import evaluate_here
from eshkol.datum.records import Promise
from eshkol.datum.values import ABSENT, MultipleValues
from eshkol.primitives import parameters
from eshkol.primitives.arguments import list_argument, procedure_argument, wrong_type
from eshkol.primitives.conditions import guard
from eshkol.primitives.declare import PRIMITIVES, load
from eshkol.primitives.dynamic import STATE

if TYPE_CHECKING:
    from eshkol.cek.machine import Machine


def apply(machine: Machine, procedure: Any, *arguments: Any, **options: Any) -> None:
    """``(apply procedure argument … list)``."""
    procedure_argument("apply", procedure)
    *first, last = arguments or ((),)
    rest = list_argument("apply", last) if arguments else []
    machine.apply(procedure, [*first, *rest], options)


def call_with_values(machine: Machine, producer: Any, consumer: Any) -> None:
    """``(call-with-values producer consumer)``."""
    procedure_argument("call-with-values", producer)

    def consume(machine: Machine, value: Any) -> None:
        procedure_argument("call-with-values", consumer)
        values = value if value.__class__ is MultipleValues else [value]
        machine.apply(consumer, list(values))

    machine.then(consume)
    machine.apply(producer, [])


def evaluate(machine: Machine, expression: Any, environment: Any = None) -> None:
    """``(eval expression environment)``."""
    session, nodes, span = load("eshkol.api.environments:expanded")(expression, environment)
    if nodes and session.needs_machine(nodes):
        evaluate_here(machine, nodes, session.namespace)
    else:
        machine.value = session.program(nodes, span)()


def force(machine: Machine, promise: Any) -> None:
    """``(force promise)``: a chain of promises is followed without a frame for each."""
    if promise.__class__ is not Promise:
        machine.value = promise
        return
    state, value, thunk = promise.box
    if state is Promise.VALUE:
        machine.value = value
        return

    def settle(machine: Machine, result: Any) -> None:
        box = promise.box
        if box[0] is Promise.VALUE:  # it was forced by what it waited for
            machine.value = box[1]
        elif state is Promise.DELAYED:
            box[:] = Promise.VALUE, result, ABSENT
            machine.value = result
        elif result.__class__ is Promise:
            box[:] = result.box
            result.box = box
            force(machine, promise)
        else:
            raise wrong_type("delay-force", "a promise", result, "use delay for any other value")

    machine.then(settle)
    machine.apply(thunk, [])


def bind_parameters(machine: Machine, body: Any, *bindings: Any) -> None:
    """What the form ``parameterize`` does: the bindings belong to what is left to do."""
    keys = [parameters._key_of(parameter) for parameter in bindings[::2]]
    values = [key.converted(value) for key, value in zip(keys, bindings[1::2], strict=True)]
    cells = {key: [value] for key, value in zip(keys, values, strict=True)}
    continuations.within(machine, STATE.context())
    STATE.parameters = STATE.parameters | cells
    machine.apply(body, [])


CONTROL: dict[str, Callable[..., None]] = {
    "apply": apply,
    "call-with-values": call_with_values,
    "call/cc": continuations.call_cc,
    "call/ec": continuations.call_cc,
    "eval": evaluate,
    "dynamic-wind": continuations.dynamic_wind,
    "force": force,
    "raise": conditions.raise_object,
    "raise-continuable": conditions.raise_continuable,
    "with-exception-handler": conditions.with_exception_handler,
}
"""What the machine does for primitives, by their names: ``(machine, argument …)``."""

RAISING = ("error", "assert")


def rule_of(primitive: Any, function: Callable[..., None]) -> Rule:
    """The rule for a primitive that the machine runs as ``function``."""

    def rule(machine: Machine, arguments: list[Any], keywords: dict[str, Any]) -> None:
        try:
            function(machine, *arguments, **keywords)
        except TypeError as error:
            misfit = is_refused(error, function) and misfit_of(
                machine, primitive, arguments, keywords
            )
            if not misfit:
                raise
            raise misfit from None

    return rule


def install() -> None:
    """Fill the table of the machine."""
    for name, function in CONTROL.items():
        primitive = PRIMITIVES[name].function
        PRIMITIVE_RULES[id(primitive)] = rule_of(primitive, function)
    for name in RAISING:
        primitive = PRIMITIVES[name].function
        PRIMITIVE_RULES[id(primitive)] = conditions.raising(primitive)
    PRIMITIVE_RULES[id(guard)] = rule_of(guard, conditions.guard)
    PRIMITIVE_RULES[id(parameters.parameterize)] = rule_of(parameters.parameterize, bind_parameters)
