"""Conditions: raising them, handling them, and what they tell (R7RS 6.11).

A condition is a Python exception, or any object that ``raise`` was given. ``raise`` calls the
innermost handler where it is called. An error that a primitive or Python raises has unwound the
stack to the innermost dynamic construct (``with-exception-handler``, ``guard``, ``dynamic-wind``,
``parameterize``) when it is noticed; the construct shows it to the handlers (:func:`show`) before
it leaves the dynamic state in which the error was raised.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from eshkol.autodiff import NeedsTensors
from eshkol.base.errors import (
    EshkolError,
    FileProblem,
    InternalError,
    Raised,
    ReadError,
    SchemeError,
    StagingError,
)
from eshkol.datum.equality import Undecided
from eshkol.datum.pairs import NIL, Pair, scheme_list
from eshkol.datum.symbols import Symbol
from eshkol.datum.values import UNSPECIFIED, Unspecified
from eshkol.datum.write import display_string, short_string, write_string
from eshkol.primitives.arguments import is_true, procedure_argument, wrong_type
from eshkol.primitives.calling import DIALECT, callee, is_traced
from eshkol.primitives.declare import load, primitive
from eshkol.primitives.dynamic import (
    STATE,
    Context,
    Escape,
    Handler,
    Procedure,
    traced_depth,
    travel,
)
from eshkol.primitives.lists import List

HOW_TO_HANDLE = (
    "a handler of an error must not return: leave it by guard or by a continuation;\n"
    "only raise-continuable takes the value that a handler returns"
)

# ---- exceptions and conditions


def is_condition(error: BaseException) -> bool:
    """Whether handlers see an exception: not if it is a bug of ours or steers the compiler."""
    if isinstance(error, InternalError | NeedsTensors):
        return False
    return not isinstance(error, StagingError) or (DIALECT.resolve is None and not is_traced())


def condition_of(error: Exception) -> Any:
    """What handlers see of an exception: the object that was raised, or the exception itself.

    Python's complaints about compiled code are put in the language's words.
    """
    if isinstance(error, Raised):
        return error.payload
    if isinstance(error, EshkolError):
        return error
    return load("eshkol.runtime.report:explain")(error)


def error_of(condition: Any) -> Exception:
    """The exception that stands for a condition."""
    return condition if isinstance(condition, Exception) else raised_object(condition)


def raised_object(condition: Any) -> Raised:
    """The exception that stands for an object that is none."""
    return Raised(condition, _quoted(condition))


def _quoted(value: Any) -> str:
    """A value as an expression that gives it."""
    is_quoted = isinstance(value, Symbol | Pair) or value is NIL
    return f"'{short_string(value)}" if is_quoted else short_string(value)


# ---- signalling


def signal(condition: Any, error: Exception) -> Any:
    """What the innermost handler returns for a condition.

    Args:
        condition: what handlers see.
        error: is raised if there is no handler.

    Raises:
        Escape: to the ``guard`` whose clause fits.
    """
    entry = STATE.handlers
    if entry is None or _is_across_the_border(entry):
        raise error
    if entry.is_guard:
        return _consult_guard(entry, condition, error)
    return under_handlers(entry.outer, callee(entry.procedure), condition)


def _is_across_the_border(entry: Handler) -> bool:
    """Whether a handler stands in eager code and the condition is raised in staged code.

    What is traced now will run often: the error has to leave it as an exception.

    Raises:
        StagingError: if both are staged, and it is not known whether the error will happen.
    """
    if DIALECT.resolve is None:
        return False
    if entry.is_eager and not DIALECT.is_restarted:
        return True
    if traced_depth() > entry.depth and entry.is_guard and entry.leave is None:
        raise _out_of_reach()
    return False


def _out_of_reach() -> StagingError:
    return StagingError(
        "raise: whether this happens is known only when the compiled program runs, and a guard "
        "outside of what is differentiated or mapped there waits for it",
        hint="choose the value with if instead, put the guard into the procedure that is "
        "differentiated or mapped,\nor around the call of the compiled procedure",
    )


def _consult_guard(entry: Handler, condition: Any, error: Exception) -> Any:
    """Leave for the guard whose clause fits; else ask the handlers around it (R7RS 4.2.7)."""
    here = STATE.context()
    travel(entry.context._replace(handlers=here.handlers))
    clause = under_handlers(entry.outer, callee(entry.procedure), condition)
    if clause is not False and (traced_depth() > entry.depth or isinstance(clause, Undecided)):
        return _leave_part(entry, clause, here, condition, error)
    if clause is not False:
        STATE.install(entry.context)
        raise Escape(entry, clause) from error
    travel(here)
    return under_handlers(entry.outer, signal, condition, error)


def _leave_part(
    entry: Handler, clause: Any, here: Context, condition: Any, error: Exception
) -> Any:
    """Leave a traced part of a program for the guard around it, with the value of its clause.

    Which clause fits, if one does, may be traced too.
    """
    assert entry.leave is not None
    leave = entry.leave

    def run() -> Any:
        STATE.install(entry.context)
        value = callee(clause)()
        try:
            return leave(value)
        except StagingError:
            raise _out_of_reach() from None

    def go_on() -> Any:
        travel(here)
        return under_handlers(entry.outer, signal, condition, error)

    return load("eshkol.xla.control:choose_where")(clause, run, go_on)


def raise_error(error: Exception) -> NoReturn:
    """Raise an exception in the way of ``raise``: handlers see it first, and must not return."""
    condition = condition_of(error)
    signal(condition, error)
    entry = STATE.handlers
    assert entry is not None
    under_handlers(entry.outer, complain, condition, error)
    raise InternalError("an error was not raised")


def complain(condition: Any, error: Exception) -> NoReturn:
    """Raise the error that a handler of ``raise`` has returned."""
    if isinstance(error, Raised) and error.is_continuable:
        raise StagingError(
            f"raise-continuable: the handler of {_quoted(condition)} stands outside of the "
            "compiled program, which can't go on with the value that it returns",
            span=error.span,
            hint="put with-exception-handler into the procedure that is compiled",
        )
    is_error = isinstance(condition, EshkolError)
    shown = f'"{condition.message}"' if is_error else _quoted(condition)
    problem = SchemeError(
        "a handler returned", (condition,), f"raise: the handler of {shown} returned"
    )
    problem.hint = HOW_TO_HANDLE
    problem._span = condition.span if is_error else None
    raise problem


def show(error: Exception) -> None:
    """Show an error on its way out to the handlers in force, unless they have seen it.

    Returns:
        If it goes on its way.

    Raises:
        Escape: to the ``guard`` whose clause fits.
        Exception: another one that takes its place.
    """
    entry = STATE.handlers
    if entry is None or has_seen(entry, error) or not is_condition(error):
        return
    try:
        raise_error(error)
    except Exception as final:
        if final is not error:
            raise


def has_seen(entry: Handler, error: Exception) -> bool:
    """Whether an error on its way out has been shown to a handler already."""
    return error is STATE.uncaught and entry.level > STATE.unseen


def _unseen_level(handlers: Handler | None) -> int:
    """The level up to which handlers have not seen an error that was shown to these."""
    if DIALECT.resolve is not None:
        while handlers is not None and not handlers.is_eager:
            handlers = handlers.outer
        if handlers is not None:
            return handlers.level
    return 0


def under_handlers(handlers: Handler | None, procedure: Callable[..., Any], *arguments: Any) -> Any:
    """Call a procedure with these handlers; they are shown the errors that it lets out."""
    saved = STATE.handlers
    STATE.handlers = handlers
    try:
        return procedure(*arguments)
    except Exception as error:
        show(error)
        if saved is not None:
            STATE.uncaught, STATE.unseen = error, _unseen_level(handlers)
        raise
    finally:
        STATE.handlers = saved
        if saved is None:
            STATE.uncaught = None


# ---- raising


@primitive("raise")
def raise_object(condition: Any) -> NoReturn:
    """Raise any object: the innermost handler is called with it, and must not return.

    Raises:
        Raised: if no handler takes it; an exception is raised as it is.

    Example: ``(guard (e ((symbol? e) (list 'caught e))) (raise 'boom))`` ⇒ ``(caught boom)``.
    """
    raise_error(error_of(condition))


@primitive("raise-continuable")
def raise_continuable(condition: Any) -> Any:
    """Call the innermost handler with an object; the value that it returns is the result.

    Example:
        ``(with-exception-handler (lambda (e) 10) (lambda () (+ 1 (raise-continuable 'c))))``
        ⇒ ``11``.
    """
    entry = STATE.handlers
    if entry is not None and not entry.is_guard and _is_staged(entry):
        # A call like any other, also in a branch that may not be taken.
        return under_handlers(entry.outer, callee(entry.procedure), condition)
    error = error_of(condition)
    if isinstance(error, Raised):
        error.is_continuable = DIALECT.resolve is not None
    return signal(condition, error)


def _is_staged(entry: Handler) -> bool:
    """Whether a handler belongs to the program that is being staged."""
    return DIALECT.resolve is not None and not entry.is_eager


@primitive("error")
def error(message: Any, *irritants: Any) -> NoReturn:
    """Raise an error with a message and the values that it is about.

    Args:
        message: a string; or a symbol that names the complaining procedure, with the message as
            the first irritant.

    Raises:
        SchemeError: always; it shows the message as ``display`` and the irritants as ``write``.

    Example: ``(guard (e (#t (list (error-object-message e) (error-object-irritants e)))) (error
    "no such word:" 'xyzzy))`` ⇒ ``("no such word:" (xyzzy))``.
    """
    shown = display_string(message)
    rest = irritants
    if isinstance(message, Symbol) and rest and isinstance(rest[0], str):
        shown, rest = f"{shown}: {rest[0]}", rest[1:]
    words = " ".join([shown, *map(write_string, rest)])
    raise_error(SchemeError(_text(message), irritants, shown=f"error: {words}"))


def _text(message: Any) -> str:
    return message if isinstance(message, str) else display_string(message)


@primitive("assert")
def assert_true(test: Any, message: Any = None, *irritants: Any) -> Unspecified:
    """Raise an error if the value is ``#f``.

    Raises:
        SchemeError: with the message, if one is given.

    Example: ``(guard (e (#t (error-object-message e))) (let ((n -1)) (assert (> n 0)
    "n must be positive, is" n)))`` ⇒ ``"n must be positive, is"``.
    """
    if is_true(test):
        return UNSPECIFIED
    text = "assertion failed" if message is None else display_string(message)
    words = " ".join([text, *map(write_string, irritants)])
    raise_error(SchemeError(text, irritants, shown=f"assert: {words}"))


# ---- handling


@primitive("with-exception-handler")
def with_exception_handler(handler: Any, thunk: Any) -> Any:
    """Call ``thunk``; a condition that is raised meanwhile is given to ``handler``.

    The handler is called where the condition is raised, with the handlers around this form in
    force. What it returns is the value of ``raise-continuable``; if it returns from ``raise``,
    ``error`` or a primitive's error, that is an error for the handlers around.

    Example:
        ``(call/cc (lambda (k) (with-exception-handler (lambda (e) (k (list 'no e)))
        (lambda () (raise 'way)))))`` ⇒ ``(no way)``.
    """
    procedure_argument("with-exception-handler", handler)
    call = callee(procedure_argument("with-exception-handler", thunk))
    return under_handlers(Handler(handler, STATE.context()), call)


def guard(body: Any, select: Any) -> Any:
    """What the form ``guard`` does.

    Args:
        body: a procedure of no arguments.
        select: takes a condition; gives a procedure that runs the clause that fits, else ``#f``.

    Returns:
        A procedure that gives the value of the form: calling it is the form's tail call.
    """
    if DIALECT.resolve is None:
        return _guarded(body, select, None)
    value = load("eshkol.xla.extents:call_with_escape")(
        lambda leave: callee(_guarded(body, select, leave))(),
        "guard: a clause gives {}, and its body {}",
    )
    return lambda: value


def _guarded(body: Any, select: Any, leave: Procedure | None) -> Any:
    """What ``guard`` gives; ``leave`` is its continuation for parts that are traced apart."""
    context = STATE.context()
    entry = Handler(select, context, is_guard=True)
    entry.leave = leave
    STATE.handlers = entry
    try:
        value = callee(body)()
        return lambda: value
    except Escape as escape:
        if escape.target is not entry:
            raise
        STATE.install(context)
        return escape.value
    except Exception as error:
        if has_seen(entry, error) or not is_condition(error):
            raise
        STATE.install(context)
        clause = callee(select)(condition_of(error))
        if clause is False:
            raise
        return _chosen_clause(clause, error) if isinstance(clause, Undecided) else clause
    finally:
        STATE.handlers = context.handlers
        if context.handlers is None:
            STATE.uncaught = None


def _chosen_clause(clause: Undecided, error: Exception) -> Procedure:
    """What runs the clause that fits, or raises the error: that is known when the program runs."""
    choose = load("eshkol.xla.control:choose_where")
    return lambda: choose(clause, callee(clause), lambda: raise_error(error))


# ---- what conditions tell


@primitive("error-object?", "condition?", "error?")
def is_error_object(value: Any) -> bool:
    """Whether the value is an error: raised by ``error``, by a primitive or by Python.

    Example: ``(guard (e (#t (error-object? e))) (car 5))`` ⇒ ``#t``.
    """
    return isinstance(value, BaseException)


@primitive("error-object-message")
def error_object_message(condition: Any) -> str:
    """The message of an error.

    Example: ``(guard (e (#t (error-object-message e))) (error "msg" 1 2))`` ⇒ ``"msg"``.
    """
    if isinstance(condition, SchemeError):
        return condition.condition_message
    if isinstance(condition, EshkolError):
        return condition.message
    return str(_error_argument("error-object-message", condition))


@primitive("condition/report-string")
def condition_report_string(condition: Any) -> str:
    """The message of an error and the values that it is about, as one text.

    Example:
        ``(guard (e (#t (condition/report-string e))) (error "no such word:" 'xyzzy "s"))``
        ⇒ ``"no such word: xyzzy \\"s\\""``.
    """
    message = error_object_message(condition)
    return " ".join([message, *map(write_string, getattr(condition, "irritants", ()))])


@primitive("error-object-irritants")
def error_object_irritants(condition: Any) -> List:
    """The list of the values that an error is about; empty for one that ``error`` did not raise.

    Example:
        ``(guard (e (#t (error-object-irritants e))) (error "msg" 1 "two"))`` ⇒ ``(1 "two")``.
    """
    _error_argument("error-object-irritants", condition)
    return scheme_list(list(getattr(condition, "irritants", ())))


@primitive("read-error?")
def is_read_error(value: Any) -> bool:
    """Whether the value is the error that a text is not well-formed.

    Example: ``(guard (e ((read-error? e) 'unreadable)) (read (open-input-string "(1 2")))`` ⇒
    ``unreadable``.
    """
    return isinstance(value, ReadError)


@primitive("file-error?")
def is_file_error(value: Any) -> bool:
    """Whether the value is the error that a file is missing, unreadable or the like.

    Example: ``(guard (e ((file-error? e) 'missing)) (read-file "no-such-file"))`` ⇒ ``missing``.
    """
    return isinstance(value, FileProblem | OSError)


def _error_argument(who: str, value: Any) -> BaseException:
    if isinstance(value, BaseException):
        return value
    raise wrong_type(
        who,
        "an error",
        value,
        "raise can be given any value; error-object? tells the errors among them",
    )
