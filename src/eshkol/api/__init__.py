"""The functions of ``import eshkol as ek``: evaluate, compile, differentiate and map from Python.

Wherever one of them takes a procedure, it takes a Scheme procedure, Scheme text that gives one, a
Python function whose docstring is its Scheme body, or any Python function that JAX can trace.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from typing import Any

from eshkol.api.programs import evaluate_with, procedure_of_docstring, procedure_of_text
from eshkol.base.errors import BadValue, WrongType
from eshkol.datum.write import short_string
from eshkol.primitives.calling import callee, transparent
from eshkol.primitives.declare import PRIMITIVES, arity_error
from eshkol.primitives.declare import load as rule
from eshkol.primitives.points import value_and_partials
from eshkol.runtime.boundary import bounded
from eshkol.runtime.procedures import procedure_of
from eshkol.session import Session, default_session

Function = Callable[..., Any]


@bounded
def eval(source: str, /, *, session: Session | None = None, **names: Any) -> Any:
    """The value of the last form of a Scheme program.

    Args:
        source: the program.
        session: where it is evaluated and what it defines stays; the default session if left out.
        names: Python values by the names under which the program sees them (``learning_rate``
            also as ``learning-rate``). Definitions of such a program are its own: they do not
            stay.

    Raises:
        EshkolError: of the class that fits, pointing at the form at fault.

    Example:
        >>> import eshkol as ek
        >>> ek.eval("(define (square x) (* x x)) (square 7)")
        49
        >>> ek.eval("(square (+ x 1/2))", x=1)
        Fraction(9, 4)
    """
    session = session or default_session()
    if not isinstance(source, str):
        raise WrongType(
            f"eval: expected a program as a string, got {short_string(source)}",
            hint="values are passed by name: ek.eval('(f x)', x=value)",
        )
    return evaluate_with(session, source, names) if names else session.evaluate(source)


@bounded
def load(path: str | os.PathLike[str], /, *, session: Session | None = None) -> Any:
    """Evaluate a Scheme file; the value of its last form.

    Args:
        path: the file.
        session: where it is evaluated and what it defines stays; the default session if left out.

    Raises:
        FileProblem: if the file is missing or no UTF-8 text.
        EshkolError: for an error in the program.

    Example:
        >>> import eshkol as ek, pathlib, tempfile
        >>> file = pathlib.Path(tempfile.mkdtemp(), "area.esk")
        >>> _ = file.write_text("(define (area r) (* pi r r)) (area 1.0)")
        >>> ek.load(file)
        3.141592653589793
    """
    return (session or default_session()).load(path)


_OTHER_OPTIONS = {
    "static_argnums": "static",
    "static_argnames": "static",
    "donate_argnums": "donate",
    "donate_argnames": "donate",
}
"""What options of ``jax.jit`` are called here."""


@bounded
def jit(
    function: Any = None,
    /,
    *,
    static: Any = None,
    donate: Any = None,
    device: Any = None,
    backend: str | None = None,
    max_depth: int | None = None,
    session: Session | None = None,
    **names: Any,
) -> Any:
    """Compile a procedure with XLA.

    Args:
        function: one of

            * Scheme text: a ``lambda``, or several forms, of which the last definition counts;
            * a Python function whose body is a docstring: the Scheme body of a procedure with the
              function's parameters and defaults (``learning_rate`` is also ``learning-rate``);
            * a Scheme procedure;
            * any Python function that JAX can trace.

            Left out, the result is a decorator with the other arguments.
        static: arguments that are part of what is compiled, by their content: an index from 0, a
            name, or several. Left out, an integer is static where its value decides a shape, an
            axis or a number of trips.
        donate: arguments whose arrays the results may be stored in, given like ``static``. They
            are gone after a call.
        device: where it runs: ``"cpu"``, ``"cuda:1"``, or a JAX device; left out: where its
            arrays are.
        backend: the platform that ``device``, by default its first one, is on.
        max_depth: for how many calls that wait for others a recursion on traced values has room;
            left out: as many as fit into 32 MiB, but from 64 to 10,000.
        session: where free names of Scheme text are looked up; the default session if left out.
        names: Python values for free names of Scheme text. Tensors and reals among them are
            inputs of the compiled program.

    Returns:
        A Python function. It is compiled when it is first called with arguments of a new
        structure, shape or dtype.

    Raises:
        EshkolError: for an error in the text, an argument or a device that there is not.
        WrongType: if ``function`` is no procedure.

    Example:
        >>> import eshkol as ek
        >>> square = ek.jit("(lambda (x) (* x x))")
        >>> square(3.0)
        Array(9., dtype=float64)
        >>> @ek.jit
        ... def weighted(x, w=2.0):
        ...     '''(* w x)'''
        >>> weighted(3.0)
        Array(6., dtype=float64)
        >>> ek.jit("(lambda (x) (+ x offset))", offset=1.0)(2.0)
        Array(3., dtype=float64)
        >>> ek.jit("(lambda (n x) (* x (ones n)))", static="n")(2, 3.0)
        Array([3., 3.], dtype=float32)
    """
    options = {
        "static": static,
        "donate": donate,
        "device": device,
        "backend": backend,
        "max_depth": max_depth,
    }
    for name in names:
        if name in _OTHER_OPTIONS:
            raise BadValue(
                f"jit: there is no option {name}",
                hint=f"say {_OTHER_OPTIONS[name]}=…, with an index, a name, or several of them",
            )
    if function is None:
        return functools.partial(jit, session=session, **options, **names)
    procedure = _procedure("jit", function, session, names)
    if hasattr(procedure, "eshkol_jit"):
        if all(option is None for option in options.values()):
            return procedure
        procedure = procedure.__wrapped__
    compiled = rule("eshkol.xla.jit:jit")(procedure, **options)
    if procedure is not function and callable(function):
        del compiled.__signature__
        functools.update_wrapper(compiled, function)
    return compiled


@bounded
def grad(
    function: Any,
    /,
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    *,
    session: Session | None = None,
) -> Function:
    """The function that computes the gradient of a procedure that gives one number.

    Args:
        function: a procedure, or Scheme text that gives one.
        argnums: which arguments are differentiated: one index, or several.
        has_aux: whether the procedure gives a pair or list of the number and something else.
        session: where Scheme text is evaluated; the default session if left out.

    Returns:
        A function of the same arguments. It gives, for each differentiated argument, what that
        argument is: a number for a number, an array for an array, a closure for a closure, a
        pytree for a pytree; a tuple of them if ``argnums`` is a sequence. With ``has_aux`` it
        gives ``(gradient, aux)``. At Python numbers a Scheme procedure is differentiated without
        JAX.

    Raises:
        WrongType: if there is nothing to differentiate in an argument, or if the procedure does
            not give one number.

    Example:
        >>> import eshkol as ek
        >>> ek.grad("(lambda (x y) (* x x y))")(3.0, 2.0)
        12.0
        >>> ek.grad("(lambda (x y) (* x x y))", argnums=(0, 1))(3.0, 2.0)
        (12.0, 9.0)
    """
    procedure = _procedure("grad", function, session, {})
    positions = _positions("grad", argnums)

    @bounded
    def gradient(*arguments: Any, **options: Any) -> Any:
        value, partials = _differentiate("grad", procedure, arguments, options, positions, has_aux)
        shown = partials if isinstance(argnums, Sequence) else partials[0]
        return (shown, value[1]) if has_aux else shown

    return _named(gradient, function, f"The gradient of {_name(procedure)}.")


@bounded
def value_and_grad(
    function: Any,
    /,
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    *,
    session: Session | None = None,
) -> Function:
    """The function that computes the value of a procedure and its gradient.

    Args:
        function: as for :func:`grad`.
        argnums: as for :func:`grad`.
        has_aux: as for :func:`grad`.
        session: as for :func:`grad`.

    Returns:
        A function of the same arguments that gives ``(value, gradient)``; with ``has_aux``
        ``((value, aux), gradient)``.

    Example:
        >>> import eshkol as ek
        >>> ek.value_and_grad("(lambda (x) (* x x))")(3.0)
        (9.0, 6.0)
    """
    procedure = _procedure("value_and_grad", function, session, {})
    positions = _positions("value_and_grad", argnums)

    @bounded
    def value_and_gradient(*arguments: Any, **options: Any) -> Any:
        value, partials = _differentiate(
            "value_and_grad", procedure, arguments, options, positions, has_aux
        )
        return value, partials if isinstance(argnums, Sequence) else partials[0]

    words = f"The value of {_name(procedure)} and its gradient."
    return _named(value_and_gradient, function, words)


@bounded
def vmap(
    function: Any,
    /,
    in_axes: Any = 0,
    out_axes: Any = 0,
    *,
    session: Session | None = None,
) -> Function:
    """The function that maps a procedure over an axis of its arguments, all calls at once.

    Args:
        function: a procedure of one example, or Scheme text that gives one.
        in_axes: the axis of the arrays of each argument, or one axis for all; None for an
            argument that is the same in every call. In place of an axis a structure like that
            of the argument, or of its upper part, has one for each part. Keyword arguments are
            mapped over axis 0.
        out_axes: where the mapped axis is in the results: an axis, or a structure of axes.
        session: where Scheme text is evaluated; the default session if left out.

    Raises:
        ShapeError: if the mapped axes have different sizes, or an array lacks its axis.
        WrongType: if no argument has an axis to map over.

    Example:
        >>> import eshkol as ek, numpy as np
        >>> ek.vmap("(lambda (x) (tensor-sum x))")(np.ones((2, 3), np.float32))
        Array([3., 3.], dtype=float32)
    """
    procedure = _procedure("vmap", function, session, {})
    axes = _axes(in_axes)

    @bounded
    def mapped(*arguments: Any, **options: Any) -> Any:
        count = len(arguments)
        each = list(axes) if isinstance(axes, tuple) else [axes] * count

        def one(*parts: Any) -> Any:
            named = dict(zip(options, parts[count:], strict=True))
            return _call(procedure, parts[:count], named)

        each += [0] * len(options)
        called = transparent(one) if _is_scheme(procedure) else one
        run = rule("eshkol.xla.repeated_lanes:mapped")
        return run(called, [*arguments, *options.values()], each, out_axes)

    return _named(mapped, function, f"{_name(procedure)}, mapped over an axis.")


@bounded
def tree(value: Any, /) -> Any:
    """A closure, or any value, as a JAX pytree.

    The leaves are the inexact tensors that a closure captures, or a structure holds, named by
    their variables. Captured numbers, strings and exact tensors are part of the structure: they
    are neither differentiated nor updated.

    Args:
        value: a Scheme procedure, or any structure of values.

    Returns:
        A node that optax, ``jax.tree`` and ``jax.jit`` understand. Its ``value`` is the closure
        again, with the leaves it then has, and to call it is to call that.

    Example:
        >>> import eshkol as ek, jax
        >>> layer = ek.eval("(let ((w (tensor 1.0 2.0))) (lambda (x) (* w x)))")
        >>> doubled = jax.tree.map(lambda leaf: 2 * leaf, ek.tree(layer))
        >>> doubled.value(10.0)
        Array([20., 40.], dtype=float32)
    """
    return rule("eshkol.xla.pytrees:tree")(value)


# ---- procedures


def _procedure(who: str, function: Any, session: Session | None, names: dict[str, Any]) -> Any:
    """The procedure that a public function was given in one of its forms."""
    session = session or default_session()
    if isinstance(function, str):
        return procedure_of_text(session, function, names)
    if not callable(function):
        raise WrongType(f"{who}: expected a procedure or Scheme text, got {short_string(function)}")
    body = procedure_of_docstring(session, function, names)
    if body is not None:
        return body
    if names:
        given = ", ".join(names)
        raise BadValue(f"{who}: {given} given by name, but only Scheme text has free names")
    return function


def _call(function: Function, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
    """The value of a procedure, called in the dialect that is running."""
    try:
        return callee(function)(*arguments, **options)
    except TypeError as error:
        traceback = error.__traceback__
        if traceback is not None and traceback.tb_next is None and _is_scheme(function):
            raise arity_error(_name(function), function, tuple(arguments), options) from None
        raise


def _name(function: Any) -> str:
    return getattr(function, "__name__", "procedure")


def _named(result: Any, function: Any, documentation: str) -> Function:
    """``result`` under the name of ``function``."""
    if callable(function):
        functools.update_wrapper(result, function)
    result.__doc__ = documentation
    return result


# ---- derivatives


def _positions(who: str, argnums: Any) -> tuple[int, ...]:
    """The indices in ``argnums``."""
    positions = tuple(argnums) if isinstance(argnums, Sequence) else (argnums,)
    if not positions or not all(position.__class__ is int for position in positions):
        raise BadValue(f"{who}: expected an index or several as argnums, got {argnums!r}")
    return positions


def _differentiate(
    who: str,
    function: Function,
    arguments: tuple[Any, ...],
    options: dict[str, Any],
    positions: tuple[int, ...],
    has_aux: bool,
) -> tuple[Any, tuple[Any, ...]]:
    """The value of a procedure and its gradient with respect to some arguments."""
    count = len(arguments)
    for position in positions:
        if not -count <= position < count:
            raise BadValue(f"{who}: argnums has {position}, there are {count} arguments")

    def of_points(*points: Any) -> Any:
        changed = list(arguments)
        for position, point in zip(positions, points, strict=True):
            changed[position] = point
        return _call(function, changed, options)

    points = [arguments[position] for position in positions]
    if _is_scheme(function) and all(map(_is_number, points)):
        from eshkol import autodiff

        called = autodiff.foreign(of_points)
        try:
            with autodiff.attempt():
                value, partials = value_and_partials(who, called, points, has_aux)
                return value, tuple(partials)
        except autodiff.NeedsTensors:
            pass
    run = rule("eshkol.xla.transforms:value_and_gradient")
    if len(points) == 1:
        value, partial = run(who, of_points, points, 0, has_aux)
        return value, (partial,)
    for point in points:
        rule("eshkol.xla.transforms:Point")(who, point)
    value, partials = run(who, lambda all_: of_points(*all_), [tuple(points)], 0, has_aux)
    return value, tuple(partials)


def _is_scheme(function: Any) -> bool:
    """Whether a function is a procedure of a Scheme program, or a primitive."""
    function = getattr(function, "__wrapped__", function)
    if procedure_of(function) is not None:
        return True
    known = PRIMITIVES.get(_name(function))
    return known is not None and known.function is function


def _is_number(value: Any) -> bool:
    from fractions import Fraction

    return value.__class__ is not bool and isinstance(value, int | float | Fraction)


def _axes(in_axes: Any) -> int | tuple[Any, ...]:
    """``in_axes`` as one axis, or what is given for each argument."""
    if in_axes.__class__ is int:
        return in_axes
    if isinstance(in_axes, str) or not isinstance(in_axes, Sequence):
        raise BadValue(
            f"vmap: expected an axis, or one for each argument, as in_axes, got {in_axes!r}"
        )
    return tuple(in_axes)
