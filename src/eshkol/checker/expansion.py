"""Expanding a program that is not run: on after an error, and with the libraries it imports.

Files that are imported are expanded too, for their macros and the names that they export, but not
run. Python modules and what macros need while they expand are the exceptions.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from eshkol.base.errors import EshkolError, ExpandError
from eshkol.checker.problems import Problem, of_error
from eshkol.checker.recovery import read_forms
from eshkol.core.nodes import Define, Lambda, Node
from eshkol.datum.values import UNSPECIFIED
from eshkol.expand.library_definitions import library_definition
from eshkol.modules import finding
from eshkol.modules.registry import Registry
from eshkol.modules.standard import STANDARD_LIBRARIES
from eshkol.modules.texts import decode, read_bytes
from eshkol.runtime.report import explain
from eshkol.session import Session
from eshkol.syntax.objects import Syntax


class CheckedProgram(Session):
    """A program, or a library, that is expanded and not run.

    Args:
        name: the name of the namespace.
        known: the libraries seen so far, by path.

    Attributes:
        nodes: the Core of the forms that could be expanded.
        problems: what is wrong with the others.
        lost: names that those would have defined.
        lacks_import: whether a library could not be imported, whose names then are unknown.
        procedures: the Core of the procedures that are defined once at top level, by name.
    """

    def __init__(self, name: str, known: Registry[CheckedProgram]) -> None:
        super().__init__(name)
        self._known = known
        self.nodes: list[Node] = []
        self.problems: list[Problem] = []
        self.lost: set[str] = set()
        self.lacks_import = False
        self.parts: list[CheckedProgram] = []

    def add(self, text: str, file: str) -> list[Syntax]:
        """Read and expand a text; the forms that it has."""
        reading = read_forms(text, file)
        self.problems += reading.problems
        self.lost |= reading.lost
        self.add_forms(reading.forms)
        return reading.forms

    def add_forms(self, forms: list[Syntax]) -> None:
        """Expand forms, each as if the others were right."""
        nodes: list[Node] = []
        for form in forms:
            try:
                if not self._add_library(form):
                    self.expander.expand_top(self.expander.scoped(form), nodes)
            except Exception as error:
                self._note(error, form)
        self.nodes += self.expander.return_borrowed(nodes)
        for name in self.expander.defined:
            if not self.namespace.is_defined(name) and self.expander.syntax(name) is None:
                self.namespace.define(name, UNSPECIFIED)
        try:
            self.expander.exports()
        except EshkolError as error:
            self._note(error, forms[0])

    def _note(self, error: Exception, form: Syntax) -> None:
        error = explain(error)
        if not isinstance(error, EshkolError):
            error = ExpandError(f"{type(error).__name__}: {error}", span=form.span)
        self.problems.append(of_error(error, "expand", form.span))
        self.lost.update(_defined_names(form))
        head = form.parts[0] if form.is_list and form.parts else form
        if head.is_identifier and head.name in ("import", "require", "include"):
            self.lacks_import = True

    # ---- libraries

    def _add_library(self, form: Syntax) -> bool:
        """Check the library that a form defines; False if it defines none."""
        definition = library_definition(form, self.surroundings)
        if definition is None:
            return False
        name, body = definition
        part = CheckedProgram(finding.module_name(name), self._known)
        part.outer, part.root = self, self.root
        self.libraries[name] = part
        self.parts.append(part)
        part.add_forms(body)
        return True

    def _library(self, name: finding.LibraryName, directory: str) -> Any:
        if self._is_known(name):
            return super()._library(name, directory)
        path = finding.find(name, directory, self.root)
        if path is None:
            return None
        module = finding.module_name(name)
        library = self._known.load(path, lambda: self._expanded(module, path))
        return library.libraries.get(name, library)

    def _is_known(self, name: finding.LibraryName) -> bool:
        """Whether a library needs no file: defined here, standard, or in Python."""
        around: Session | None = self
        while around is not None:
            if name in around.libraries:
                return True
            around = around.outer
        return name[0] == "python" or name in STANDARD_LIBRARIES

    def _expanded(self, module: str, path: str) -> CheckedProgram:
        library = CheckedProgram(module, self._known)
        library.root = finding.root_of(module, path)
        file = os.fspath(path)
        forms = library.add(decode(file, read_bytes(file)), file)
        definition = library_definition(forms[0], self.surroundings) if len(forms) == 1 else None
        if definition is not None:
            return library.libraries.get(definition[0], library)  # type: ignore[return-value]
        return library

    # ---- what is known of top-level variables

    def definitions(self) -> dict[str, list[Define]]:
        """The definitions of each variable that is defined."""
        found: dict[str, list[Define]] = {}
        for node in self.nodes:
            if isinstance(node, Define):
                found.setdefault(node.name, []).append(node)
        return found

    def procedure(self, name: str) -> Lambda | None:
        """The Core of a procedure that is defined here or imported; None if it isn't known."""
        home, own_name = self.namespace.origin(name)
        program = getattr(home, "session", None)
        if not isinstance(program, CheckedProgram):
            return None
        definitions = program.definitions().get(own_name, [])
        value = definitions[0].value if len(definitions) == 1 else None
        return value if isinstance(value, Lambda) else None


def _defined_names(form: Syntax) -> Iterator[str]:
    """The names that a definition seems to define, though it is malformed."""
    parts = form.parts if form.is_list else ()
    if len(parts) < 2 or not parts[0].is_identifier or not parts[0].name.startswith("define"):
        return
    several = parts[0].name in ("define-values", "define-record-type")
    stack = list(parts[1:] if several else parts[1:2])
    while stack:
        target = stack.pop()
        if target.is_identifier:
            yield target.name
        elif target.is_list:
            stack += target.parts if several else target.parts[:1]
