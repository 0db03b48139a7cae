"""``trace``: what a call of a procedure is compiled to, as an object to look at.

It holds the jaxpr, the program that the compiler is given (StableHLO) and, compiled when it is
first asked for, what the compiler made of it and what that costs.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import jax

from eshkol.base.errors import WrongType
from eshkol.datum.pairs import cons, scheme_list
from eshkol.datum.symbols import intern
from eshkol.datum.tensor_text import type_text
from eshkol.datum.write import short_string
from eshkol.primitives.calling import check_eager
from eshkol.xla.jit import Entry, Jitted
from eshkol.xla.leaf_names import argument_names, reach_names, structure_names
from eshkol.xla.silence import inner_jaxprs

MOST_LINES = 24
"""So many lines of the jaxpr are shown; the rest is in ``jaxpr``."""

COSTS = {
    "flops": "flops",
    "transcendentals": "transcendentals",
    "bytes": "bytes accessed",
}
"""What the compiler counts, by our names for it."""


class Trace:
    """A procedure as it is compiled for one call.

    Attributes:
        name: of the procedure.
        inputs: what goes in: ``(name, "f32[64,3]")`` of captured and top-level variables, and of
            the arguments.
        outputs: what comes out: ``"f32[64]"`` …
        jaxpr: the program as JAX has it.
    """

    def __init__(self, name: str, entry: Entry, inputs: list[Any]) -> None:
        program = entry.renewed()
        traced, self._lowered = program.staged(inputs)
        self.name = name
        self.jaxpr = traced.jaxpr
        names = [*structure_names(program.procedure), *reach_names(program.reach)]
        names += argument_names(program.procedure, program.arguments)
        names += ["(key of random numbers)", "(random numbers drawn)"]
        arrays = self.jaxpr.in_avals
        self.inputs = [(n, type_text(array)) for n, array in zip(names, arrays, strict=False)]
        self.outputs = [type_text(array) for array in self.jaxpr.out_avals]

    @property
    def equations(self) -> int:
        """How many equations the jaxpr has, those inside of loops and branches included."""
        return sum(1 for _ in _equations(self.jaxpr.jaxpr))

    @cached_property
    def stablehlo(self) -> str:
        """The program that the compiler is given."""
        return self._lowered.as_text()

    @cached_property
    def _compiled(self) -> jax.stages.Compiled:
        return self._lowered.compile()

    @cached_property
    def hlo(self) -> str:
        """The program that the compiler has made of it: what runs."""
        return self._compiled.as_text() or ""

    @cached_property
    def cost(self) -> dict[str, int]:
        """What a run costs, as the compiler counts: ``flops``, ``transcendentals``, ``bytes``
        read and written, and in bytes the ``arguments``, the ``results``, what is ``temporary``,
        and the ``peak`` memory. The body of a loop counts once, however many trips it makes."""
        counted: Any = self._compiled.cost_analysis() or {}
        counted = counted[0] if isinstance(counted, list) else counted
        found = {name: int(counted.get(key, 0)) for name, key in COSTS.items()}
        memory: Any = self._compiled.memory_analysis()
        sizes = {
            "arguments": getattr(memory, "argument_size_in_bytes", 0),
            "results": getattr(memory, "output_size_in_bytes", 0),
            "temporary": getattr(memory, "temp_size_in_bytes", 0),
        }
        shared = getattr(memory, "alias_size_in_bytes", 0)
        peak = getattr(memory, "peak_memory_in_bytes", 0) or sum(sizes.values()) - shared
        return {**found, **sizes, "peak": peak}

    def __str__(self) -> str:
        return f"{self._headline()}\n{_shortened(str(self.jaxpr))}"

    __repr__ = __str__

    __scheme_report__ = __str__

    def _headline(self) -> str:
        outer, every = len(self.jaxpr.jaxpr.eqns), self.equations
        inside = f" ({every} with those inside of others)" if every > outer else ""
        arguments = ", ".join(f"{name} {shape}" for name, shape in self.inputs)
        results = ", ".join(self.outputs) or "nothing"
        count = f"{outer} equation{'s' * (outer != 1)}"
        return f"trace of {self.name}: {arguments or 'nothing'} → {results}; {count}{inside}"

    def _repr_html_(self) -> str:
        """For notebooks: the headline, and the texts to be unfolded."""
        texts = {"jaxpr": str(self.jaxpr), "StableHLO": self.stablehlo}
        parts = [
            f"<details><summary>{title}</summary><pre>{html.escape(text)}</pre></details>"
            for title, text in texts.items()
        ]
        return f"<p><code>{html.escape(self._headline())}</code></p>" + "".join(parts)


def _equations(jaxpr: Any) -> Iterator[Any]:
    for equation in jaxpr.eqns:
        yield equation
        for inner in inner_jaxprs(equation):
            yield from _equations(getattr(inner, "jaxpr", inner))


def _shortened(text: str) -> str:
    lines = text.splitlines()
    if len(lines) <= MOST_LINES:
        return text
    half = MOST_LINES // 2
    left_out = f"    … {len(lines) - 2 * half} more lines …"
    return "\n".join([*lines[:half], left_out, *lines[-half:]])


# ---- what programs call


def trace(function: Any, *arguments: Any, **options: Any) -> Trace:
    """What a call of ``function`` is compiled to; nothing is run.

    Raises:
        StagingError: while a program is compiled; any error of the procedure.
    """
    check_eager("trace")
    jitted = getattr(function, "eshkol_jit", None) or Jitted(function)
    entry, leaves = jitted.entry(arguments, options)
    return Trace(jitted.name, entry, [*jitted.front, *entry.lifted, *leaves])


def _checked(who: str, value: Any) -> Trace:
    if isinstance(value, Trace):
        return value
    raise WrongType(
        f"{who}: expected what trace gives, got {short_string(value)}",
        hint="make one with (trace procedure argument …)",
    )


def trace_jaxpr(traced: Any) -> str:
    """The jaxpr as text."""
    return str(_checked("trace-jaxpr", traced).jaxpr)


def trace_stablehlo(traced: Any) -> str:
    """The program that the compiler is given, as text."""
    return _checked("trace-stablehlo", traced).stablehlo


def trace_hlo(traced: Any) -> str:
    """The program that the compiler has made of it, as text."""
    return _checked("trace-hlo", traced).hlo


def trace_cost(traced: Any) -> Any:
    """What a run costs, as an association list."""
    cost = _checked("trace-cost", traced).cost
    return scheme_list([cons(intern(name), value) for name, value in cost.items()])


def trace_equations(traced: Any) -> int:
    """How many equations the jaxpr has."""
    return _checked("trace-equations", traced).equations


def trace_inputs(traced: Any) -> Any:
    """What goes in, as a list of ``(name type)``."""
    inputs = _checked("trace-inputs", traced).inputs
    return scheme_list([scheme_list(list(pair)) for pair in inputs])


def trace_outputs(traced: Any) -> Any:
    """What comes out, as a list of types."""
    return scheme_list(list(_checked("trace-outputs", traced).outputs))
