"""Jaxprs that are recorded, copied into others, and chosen from, by JAX's own recorder.

What JAX offers for it in public begins anew each time: it inspects a function, keeps it in caches,
and binds every primitive again. A program with conditionals inside of conditionals would be
traced twice for each level, and most of the time go into beginning and ending.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from jax import lax
from jax._src import source_info_util
from jax._src.api_util import debug_info
from jax._src.core import ShapedArray, eval_jaxpr, set_current_trace, trace_ctx
from jax._src.dtypes import canonicalize_value as canonical
from jax._src.effects import JaxprInputEffect
from jax._src.interpreters.partial_eval import DynamicJaxprTrace, TracebackScope

from eshkol.xla._compat import ClosedJaxpr, Literal, detach_constants, with_results


def is_recording(trace: Any) -> bool:
    """Whether a trace makes a jaxpr of what is computed."""
    return trace.__class__ is DynamicJaxprTrace


def inline(jaxpr: ClosedJaxpr, arguments: Sequence[Any]) -> list[Any]:
    """The results of a jaxpr, computed here.

    Where what is computed becomes a jaxpr too, the equations are copied into it, which takes a
    fraction of the time that binding their primitives again would take.
    """
    recorder = trace_ctx.trace
    is_recorded = recorder.__class__ is DynamicJaxprTrace and not recorder.requires_low
    if not is_recorded or any(isinstance(e, JaxprInputEffect) for e in jaxpr.effects):
        return list(eval_jaxpr(jaxpr.jaxpr, jaxpr.consts, *arguments))
    recorder.frame.is_high |= jaxpr.jaxpr.is_high
    source = source_info_util.current()
    values: dict[Any, Any] = {}

    def tracer(atom: Any) -> Any:
        if isinstance(atom, Literal):
            return recorder.to_jaxpr_tracer(atom.val, source)
        return values[atom]

    for variables, given in (
        (jaxpr.jaxpr.constvars, jaxpr.consts),
        (jaxpr.jaxpr.invars, arguments),
    ):
        for variable, value in zip(variables, given, strict=True):
            values[variable] = recorder.to_jaxpr_tracer(canonical(value), source)
    for equation in jaxpr.jaxpr.eqns:
        info = equation.source_info
        stack = source.name_stack + info.name_stack
        results = recorder.emit_eqn(
            [tracer(atom) for atom in equation.invars],
            [variable.aval for variable in equation.outvars],
            equation.primitive,
            equation.params,
            equation.effects,
            info.replace(name_stack=stack),
            equation.ctx,
        )
        values.update(zip(equation.outvars, results, strict=True))
    return [tracer(atom) for atom in jaxpr.jaxpr.outvars]


def choose(test: Any, branches: Sequence[ClosedJaxpr], operands: Sequence[Any]) -> list[Any]:
    """``lax.cond`` of branches that have been traced.

    Args:
        test: a boolean.
        branches: where it is false, and where it is true; of ``operands``, without constants or
            effects.
        operands: arrays.
    """
    rows = list(zip(*(branch.jaxpr.outvars for branch in branches), strict=True))
    places = {id(v): i for branch in branches for i, v in enumerate(branch.jaxpr.invars)}
    passed = [_common(places, row) for row in rows]
    wanted = [index for index, place in enumerate(passed) if place is None]
    if wanted:
        smaller = [
            ClosedJaxpr(with_results(b.jaxpr, [b.jaxpr.outvars[i] for i in wanted]), ())
            for b in branches
        ]
        index = lax.convert_element_type_p.bind(
            test, new_dtype=np.dtype("int32"), weak_type=False, sharding=None
        )
        chosen = iter(lax.cond_p.bind(index, *operands, branches=tuple(smaller)))
    return [next(chosen) if place is None else operands[place] for place in passed]


def with_operands(
    jaxprs: Sequence[ClosedJaxpr], operands: Mapping[int, Any], results: Sequence[Sequence[int]]
) -> list[ClosedJaxpr]:
    """The jaxprs with all of ``operands`` as arguments, instead of constants.

    Args:
        jaxprs: without arguments, whose constants are among the operands.
        operands: by their identities.
        results: for each jaxpr the numbers of the results that it gives.
    """
    opened = [(jaxpr.consts, detach_constants(jaxpr)[0].jaxpr) for jaxpr in jaxprs]
    variables = [
        {id(constant): variable for constant, variable in zip(constants, inner.invars, strict=True)}
        for constants, inner in opened
    ]
    # What a branch doesn't take is an argument of it all the same, by the name in another.
    anywhere = {key: variable for own in variables for key, variable in own.items()}
    made = []
    for (_, inner), own, wanted in zip(opened, variables, results, strict=True):
        arguments = [own.get(key, anywhere[key]) for key in operands]
        info = inner.debug_info._replace(arg_names=("",) * len(arguments))
        whole = inner.replace(invars=arguments, debug_info=info)
        made.append(ClosedJaxpr(with_results(whole, [inner.outvars[i] for i in wanted]), ()))
    return made


def _common(places: dict[int, int], row: Sequence[Any]) -> int | None:
    """Which operand all branches give back as they got it, if they do."""
    first, *others = (places.get(id(variable)) for variable in row)
    return first if all(other == first for other in others) else None


def trace(function: Callable[..., Sequence[Any]], shapes: Sequence[Any]) -> ClosedJaxpr:
    """The jaxpr of a function of arrays that gives a sequence of arrays.

    Like ``jax.make_jaxpr``, which takes several times as long to begin and to end.

    Args:
        function: may use tracers from outside, which become constants.
        shapes: of its arguments, with dtypes; or their types.
    """
    recorded = OpenTrace()
    with source_info_util.reset_name_stack(), TracebackScope():
        try:
            results = function(*map(recorded.argument, shapes))
        except BaseException:
            recorded.abandon()
            raise
        return recorded.close(results)


def current_trace() -> Any:
    """The trace that records what is computed now."""
    return trace_ctx.trace


def trace_of(tracer: Any) -> Any:
    """The trace that a tracer belongs to."""
    return tracer._trace


def is_of_this_trace(value: Any) -> bool:
    """Whether a value is a tracer of what is being traced now."""
    return getattr(value, "_trace", None) is trace_ctx.trace


def is_usable(value: Any) -> bool:
    """Whether a value is no tracer, or one of what is being traced now or of what is around it."""
    own = getattr(value, "_trace", None)
    trace = trace_ctx.trace
    while own is not None and trace is not None:
        if trace is own:
            return True
        trace = getattr(trace, "parent_trace", None)
    return own is None


class OpenTrace:
    """Records what is computed from now on as a jaxpr, until it is closed or abandoned.

    Unlike a function to trace, it need not end where the Python function that opened it does.
    """

    def __init__(self) -> None:
        self.trace = DynamicJaxprTrace(_A_PART, parent_trace=trace_ctx.trace)
        self._entered = set_current_trace(self.trace)
        self._entered.__enter__()

    def argument(self, shape: Any) -> Any:
        """A tracer for one more argument of the jaxpr."""
        is_type = isinstance(shape, ShapedArray)
        aval = shape if is_type else ShapedArray(shape.shape, shape.dtype)
        return self.trace.new_arg(aval, source_info=source_info_util.current())

    def close(self, results: Sequence[Any]) -> ClosedJaxpr:
        """The jaxpr that gives ``results``, arrays; what was outside of it are its constants."""
        source = source_info_util.current()
        try:
            tracers = [self.trace.to_jaxpr_tracer(canonical(x), source) for x in results]
        finally:
            self._entered.__exit__(None, None, None)
        names = ("",) * len(self.trace.frame.invars), ("",) * len(tracers)
        info = _A_PART._replace(arg_names=names[0], result_paths=names[1])
        jaxpr, constants = self.trace.frame.to_jaxpr(self.trace, tracers, info, source)
        self.trace.invalidate()
        return ClosedJaxpr(jaxpr, constants)

    def abandon(self) -> None:
        """Forget what was recorded."""
        self._entered.__exit__(None, None, None)
        self.trace.invalidate()


_A_PART = debug_info("a part of the program", OpenTrace, (), {})
