"""Looking at compiled programs (``trace``), and procedures fused into one (``fuse-ops``)."""

from __future__ import annotations

from typing import Any

from eshkol.base.errors import ArityError, UnboundVariable
from eshkol.datum.pairs import NIL, Pair
from eshkol.datum.symbols import Symbol
from eshkol.primitives.arguments import list_argument, wrong_type
from eshkol.primitives.calling import callee, transparent
from eshkol.primitives.declare import PRIMITIVES, load, primitive, tensor_primitive

_AT = "eshkol.xla.program_texts:"


@primitive("trace")
def trace(subject, *arguments, **options):
    """The sum of the diagonal of a matrix; or what a call of a procedure is compiled to.

    Of a matrix, or a tensor whose last two axes are matrices, it is the sum of the diagonal. Of a
    procedure and arguments it is the program that the call is compiled to, which prints as its
    inputs, outputs, number of equations and jaxpr; nothing is run.

    Args:
        subject: a matrix, or a procedure (jitted or not).
        arguments: of the procedure.
        options: keyword arguments of the procedure.

    Returns:
        A number for a matrix; for a procedure an object of which ``trace-jaxpr``,
        ``trace-stablehlo``, ``trace-hlo`` and ``trace-cost`` tell more.

    Raises:
        ShapeError: of a tensor of rank below 2.
        StagingError: of a procedure while a program is compiled.

    Example: ``(trace (eye 3))`` ⇒ ``3.0``

    Example: ``(trace-outputs (trace (lambda (x y) (matmul x y)) (ones 2 3) (ones 3 5)))`` ⇒
    ``("f32[2,5]")``
    """
    if callable(subject) and not hasattr(subject, "shape"):
        return load(_AT + "trace")(subject, *arguments, **options)
    if arguments or options:
        count = 1 + len(arguments) + len(options)
        raise ArityError(
            f"trace takes one matrix, or a procedure and its arguments; got {count} arguments, "
            "of which the first is no procedure",
            hint="use: (trace matrix) or (trace procedure argument …)",
        )
    return load("eshkol.xla.linear_algebra:trace")(subject)


@tensor_primitive("trace-jaxpr", at=_AT + "trace_jaxpr")
def trace_jaxpr(traced: Any) -> str:
    """The jaxpr of what ``trace`` gives, as text.

    Example: ``(string? (trace-jaxpr (trace sin 1.0)))`` ⇒ ``#t``
    """


@tensor_primitive("trace-stablehlo", at=_AT + "trace_stablehlo")
def trace_stablehlo(traced: Any) -> str:
    """The program that the compiler is given, as text (StableHLO).

    Example: ``(string? (trace-stablehlo (trace sin 1.0)))`` ⇒ ``#t``
    """


@tensor_primitive("trace-hlo", at=_AT + "trace_hlo")
def trace_hlo(traced: Any) -> str:
    """The program that the compiler has made of it, as text (optimized HLO). It compiles.

    Example: ``(string? (trace-hlo (trace sin 1.0)))`` ⇒ ``#t``
    """


@tensor_primitive("trace-cost", at=_AT + "trace_cost")
def trace_cost(traced: Any) -> Any:
    """What a run costs, as the compiler counts it, as an association list of exact integers.

    The keys are ``flops`` and ``transcendentals`` (operations), ``bytes`` (read and written), and
    in bytes ``arguments``, ``results``, ``temporary`` and ``peak`` memory. The body of a loop
    counts once, however many trips it makes. It compiles.

    Example: ``(cdr (assq 'results (trace-cost (trace (lambda (x) (* 2 x)) (ones 3 5)))))`` ⇒ ``60``
    """


@tensor_primitive("trace-equations", at=_AT + "trace_equations")
def trace_equations(traced: Any) -> int:
    """How many equations the jaxpr has, those inside of loops and branches included.

    Example: ``(trace-equations (trace (lambda (x) (* 2 (sin x))) (ones 3)))`` ⇒ ``2``
    """


@tensor_primitive("trace-inputs", at=_AT + "trace_inputs")
def trace_inputs(traced: Any) -> Any:
    """What goes in: captured variables, top-level variables, arguments, as ``(name type)``.

    Example: ``(trace-inputs (trace (lambda (x k) (* k x)) (ones 3) 2.0))`` ⇒
    ``(("x" "f32[3]") ("k" "f64[]"))``
    """


@tensor_primitive("trace-outputs", at=_AT + "trace_outputs")
def trace_outputs(traced: Any) -> Any:
    """What comes out, as a list of types.

    Example: ``(trace-outputs (trace (lambda (x) (list x (tensor-sum x))) (ones 3)))`` ⇒
    ``("f32[3]" "f32[]")``
    """


@primitive("fuse-ops")
def fuse_ops(operations, *more, static=None, donate=None, device=None, backend=None):
    """The procedure that applies operations one after another, compiled as one program.

    Element by element operations then run as one loop over the elements, without tensors between
    them. The first operation may take several arguments, the others take the value of the one
    before.

    Args:
        operations: a list of procedures, or of names of primitives; several in place of a list.
        more: further operations.
        static: as for ``jit``, of the arguments of the first operation; so are the others.
        donate: as for ``jit``.
        device: as for ``jit``.
        backend: as for ``jit``.

    Raises:
        WrongType: if something is no operation.
        UnboundVariable: if there is no primitive of a name.

    Example: ``((fuse-ops (list * (lambda (x) (+ x 1)) relu)) 2.0 -3.0)`` ⇒ ``0.0``

    Example: ``((fuse-ops '(square tensor-sum)) #(1.0 2.0))`` ⇒ ``5.0``
    """
    is_list = operations is NIL or isinstance(operations, Pair | list | tuple)
    given = list_argument("fuse-ops", operations) if is_list else [operations]
    steps = [_operation(item) for item in [*given, *more]]
    if not steps:
        raise wrong_type("fuse-ops", "a list of operations", operations)
    first, *others = steps

    def fused(*arguments, **options):
        value = callee(first)(*arguments, **options)
        for step in others:
            value = callee(step)(value)
        return value

    fused.__name__ = fused.__qualname__ = "fused"
    fused.__signature__ = _signature(first)  # type: ignore[attr-defined]
    return load("eshkol.xla.jit:jit")(transparent(fused), static, donate, device, backend)


def _operation(item: Any) -> Any:
    if isinstance(item, Symbol):
        known = PRIMITIVES.get(item.name)
        if known is None:
            raise UnboundVariable(
                f"fuse-ops: there is no primitive {item.name}",
                hint="name primitives, or give the procedures: (fuse-ops (list f g))",
            )
        return known.function
    if not callable(item):
        raise wrong_type("fuse-ops", "a procedure or the name of a primitive", item)
    return item


def _signature(function: Any) -> Any:
    import inspect

    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        return inspect.signature(lambda *arguments: None)
