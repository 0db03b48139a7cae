"""``eval``, ``load`` and environments: sessions as values of programs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any

from eshkol.base import sources
from eshkol.base.errors import BadValue
from eshkol.base.spans import Span
from eshkol.datum.pairs import scheme_list
from eshkol.datum.symbols import intern
from eshkol.datum.values import UNSPECIFIED
from eshkol.datum.write import write_string
from eshkol.modules import finding
from eshkol.primitives.arguments import index_argument, string_argument, wrong_type
from eshkol.session import Session, default_session

if TYPE_CHECKING:
    from eshkol.syntax.objects import Syntax

_FILE = "<eval>"
_VERSIONS = (5, 7)
_R5RS = scheme_list([intern("scheme"), intern("r5rs")])


class Environment:
    """A place where programs are evaluated, as a value: a session."""

    __slots__ = ("session",)

    def __init__(self, session: Session) -> None:
        self.session = session

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Environment) and other.session is self.session

    def __hash__(self) -> int:
        return hash(id(self.session))

    def __repr__(self) -> str:
        return f"#<environment {self.session.title}>"


def expanded(expression: Any, environment: Any = None) -> tuple[Session, list[Any], Span]:
    """A datum as a program: where it is evaluated, its Core, and where it stands."""
    session = session_of("eval", environment)
    return session, *session.expand_forms([syntax_of(expression)], _FILE)


def program_of(expression: Any, environment: Any = None) -> Callable[[], Any]:
    """A function that evaluates a datum as a program."""
    session, nodes, span = expanded(expression, environment)
    return session.program(nodes, span)


def syntax_of(datum: Any) -> Syntax:
    """A datum as syntax that comes from a text of its own."""
    from eshkol.syntax.objects import Syntax, to_syntax

    text = " ".join(write_string(datum).split("\n"))
    sources.register(_FILE, text)
    return to_syntax(datum, Syntax(None, Span(_FILE, 1, 0, 1, len(text))))


def environment(*sets: Any) -> Environment:
    """A new environment with these import sets."""
    session = Session("environment")
    for each in sets:
        session.evaluate(f"(import {write_string(each)})")
    return Environment(session)


def interaction_environment() -> Environment:
    """The environment of the running program."""
    return Environment(_running(sys._getframe())[0])


def report_environment(version: Any) -> Environment:
    """A new environment with the names of the report."""
    number = index_argument("scheme-report-environment", version)
    if number not in _VERSIONS:
        raise BadValue(f"scheme-report-environment: expected version 5 or 7, got {number}")
    return environment() if number == 7 else environment(_R5RS)


def load(path: Any, environment: Any = None) -> Any:
    """Evaluate a file."""
    name = os.fspath(path) if hasattr(path, "__fspath__") else string_argument("load", path)
    running, file = _running(sys._getframe())
    session = running if environment is None else session_of("load", environment)
    directory = "" if file.startswith("<") else os.path.dirname(file)
    session.load(finding.find(name, directory, session.root) or name)
    return UNSPECIFIED


def session_of(who: str, environment: Any) -> Session:
    """The session that an environment stands for; that of the running program for none."""
    if environment is None:
        return _running(sys._getframe())[0]
    if isinstance(environment, Environment):
        return environment.session
    if isinstance(environment, Session):
        return environment
    raise wrong_type(
        who, "an environment", environment, "make one with (environment '(scheme base))"
    )


def _running(frame: FrameType | None) -> tuple[Session, str]:
    """The session whose program is running, and the file of the program."""
    while frame is not None:
        namespace = frame.f_globals.get(" namespace")
        if namespace is not None and namespace.session is not None:
            return namespace.session, frame.f_code.co_filename
        session = frame.f_locals.get("self")
        if isinstance(session, Session):  # it runs a program on the machine of room cek
            return session, getattr(frame.f_locals.get("span"), "file", _FILE)
        frame = frame.f_back
    return default_session(), _FILE
