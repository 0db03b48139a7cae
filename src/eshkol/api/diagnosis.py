"""Looking into programs from Python: ``explain``, ``trace``, ``blame`` …"""

from __future__ import annotations

from typing import Any

from eshkol.api import _procedure as as_procedure
from eshkol.primitives.debugging import debug_print as _debug_print
from eshkol.primitives.declare import load
from eshkol.runtime.boundary import bounded


@bounded
def explain(function: Any, /, *arguments: Any, **options: Any) -> Any:
    """How a call of a procedure is compiled: its source with notes in the margin.

    Args:
        function: a compiled procedure (:func:`eshkol.jit`), or anything that could be compiled:
            a procedure, Scheme text that gives one, a Python function with a Scheme docstring,
            or one that JAX can trace.
        arguments: of the call.
        options: keyword arguments of the call.

    Returns:
        An ``Explanation``. It prints as text, and is shown as coloured source in a notebook. Its
        ``notes`` (each with ``span``, ``kind``, ``detail`` and ``source``), ``forms``, ``inputs``,
        ``last_causes``, ``would_compile``, ``flops`` and ``bytes`` are for programs.

    Raises:
        WrongType: if ``function`` is no procedure.
        EshkolError: any error of the procedure.

    Example:
        >>> import eshkol as ek
        >>> loop = "(lambda (x) (do ((i 0 (+ i 1)) (y x (* x y))) ((= i 20) y)))"
        >>> [(note.kind, note.detail) for note in ek.explain(loop, 2.0).notes]
        [('scan', 'loop of 20 trips, compiled once (scan); carries y f64[]')]
    """
    procedure = as_procedure("explain", function, None, {})
    return load("eshkol.xla.explanation:explain")(procedure, *arguments, **options)


@bounded
def blame(function: Any, /, *arguments: Any, **options: Any) -> Any:
    """The form that made the first NaN or infinity in the value of a call.

    The call is computed as compiled code would, with a look at every result. A number that is not
    finite counts if it reaches the value of the call. To look at the backward pass, blame the
    gradient: ``ek.blame(ek.grad(loss), model)``.

    Args:
        function: a compiled procedure (:func:`eshkol.jit`), or anything that could be compiled.
        arguments: of the call.
        options: keyword arguments of the call.

    Returns:
        A ``Blame``, which prints as text. It has ``found``, ``kind`` (``NaN`` or ``Inf``),
        ``span``, ``source``, ``phase`` (``forward``, ``backward`` or ``derivative``), ``trips``,
        ``operands`` and ``results``.

    Raises:
        WrongType: if ``function`` is no procedure.
        EshkolError: any error of the procedure.

    Example:
        >>> import eshkol as ek
        >>> found = ek.blame(ek.grad("(lambda (x) (sqrt (* x x)))"), 0.0)
        >>> found.source, found.kind, found.phase
        ('(sqrt (* x x))', 'Inf', 'backward')
    """
    procedure = as_procedure("blame", function, None, {})
    return load("eshkol.xla.blame:blame")(procedure, *arguments, **options)


@bounded
def trace(function: Any, /, *arguments: Any, **options: Any) -> Any:
    """What a call of a procedure is compiled to; nothing is run.

    Args:
        function: anything that :func:`eshkol.jit` takes, or what that gives.
        arguments: of the call; in place of an array ``jax.ShapeDtypeStruct`` says what it is like.
        options: keyword arguments of the call.

    Returns:
        A ``Trace``. It prints as its inputs, outputs, number of equations and jaxpr. Its ``name``,
        ``inputs``, ``outputs``, ``equations``, ``jaxpr``, ``stablehlo``, ``hlo`` (what the compiler
        has made of it) and ``cost`` (operations and bytes, as the compiler counts them) are for
        programs; the last two compile it.

    Raises:
        WrongType: if ``function`` is no procedure.
        EshkolError: any error of the procedure.

    Example:
        >>> import eshkol as ek, numpy as np
        >>> traced = ek.trace("(lambda (x k) (* k x))", np.ones(3, np.float32), 2.0)
        >>> traced.inputs, traced.outputs
        ([('x', 'f32[3]'), ('k', 'f64[]')], ['f32[3]'])
        >>> traced.cost["results"]
        12
    """
    procedure = as_procedure("trace", function, None, {})
    return load("eshkol.xla.program_texts:trace")(procedure, *arguments, **options)


@bounded
def debug_print(label: Any, /, *values: Any, **named: Any) -> Any:
    """Show a line with values, also from a function that is compiled, when the program runs.

    Args:
        label: a text. Its ``{}``, ``{0}``, ``{name}`` are filled with the values, numbers also by
            Python's format: ``{:.3f}``. A text without braces, or any other value, comes before
            the values.
        values: anything.
        named: values of ``{name}``.

    Returns:
        The last of the values, so that an expression can be wrapped where it stands.

    Raises:
        BadValue: if the braces and the values don't fit.

    Example:
        >>> import eshkol as ek
        >>> 1 + ek.debug_print("x is {:.2f}", 2.0)
        x is 2.00
        3.0
    """
    value = _debug_print(label, *values, **named)
    return value if values else None
