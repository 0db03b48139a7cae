"""A session: a namespace, its expander, and the way from text to values.

This is the only place that ties the rooms together and owns what changes. The front end (reader,
expander, code generator) is imported when a text has to be compiled: a program that is found
compiled runs without it.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from eshkol.base import sources
from eshkol.base.config import CONFIG
from eshkol.base.errors import ExpandError
from eshkol.base.spans import Span
from eshkol.modules import finding
from eshkol.modules.cache import Entry, read_entry, source_hash, write_entry
from eshkol.modules.module import MODULE, SESSION, SchemeModule
from eshkol.modules.native import is_native_module
from eshkol.modules.python_modules import ModuleProblem, python_library
from eshkol.modules.registry import LIBRARIES, ImportCycle
from eshkol.modules.standard import STANDARD_LIBRARIES, shared_builtins, standard_library
from eshkol.modules.stored import StoredUnit, load_constants, pack, renamed, store_constants
from eshkol.modules.surroundings import Fact, Surroundings, is_python_module, still_hold
from eshkol.modules.texts import decode, documentation_of, read_bytes
from eshkol.runtime.boundary import bounded
from eshkol.runtime.interrupts import KeepingWidth
from eshkol.runtime.namespace import Namespace
from eshkol.runtime.procedures import BORDER, SITES, finish_code
from eshkol.runtime.process import allow_deep_recursion

if TYPE_CHECKING:
    from eshkol.expand.expander import Expander
    from eshkol.syntax.objects import Syntax

_inputs = itertools.count(1)

Route = tuple[int, ...]
"""The way from a session to a library: which of its imports, which of that one's, and so on."""


class Session:
    """Evaluates programs in a namespace of its own.

    Args:
        name: the name of the namespace, as Python modules have one.
        variables: the dictionary that holds its variables; a fresh one if left out.
        interpolate: whether ``~{expression}`` in strings of its programs stands for the value; the
            setting of the process if left out.
        engine: what runs its programs: ``"python"`` (compiled code) or ``"cek"`` (a plain
            evaluator whose continuations can be entered again). Left out, the environment variable
            ``ESHKOL_ENGINE`` says, or else each program runs on the one that it needs.

    Attributes:
        namespace: its top-level variables.
        imports: the libraries that its programs import, with the names they use for them.
        libraries: those that its programs define, by name.
        root: where the package is that it is part of as a library, if it is.
        outer: the session in whose program this library is defined, if it has no file of its own.

    Example:
        >>> Session().evaluate("(define (square x) (* x x)) (square 7)")
        49
    """

    def __init__(
        self,
        name: str = "__main__",
        variables: dict[str, Any] | None = None,
        engine: str | None = None,
        interpolate: bool | None = None,
    ) -> None:
        allow_deep_recursion()
        self.engine = _known_engine(engine or os.environ.get("ESHKOL_ENGINE") or None)
        self.interpolate = interpolate
        self.namespace = Namespace(name, shared_builtins(), variables)
        self.namespace.session = self
        self.imports: list[tuple[finding.LibraryName, Any]] = []
        self.libraries: dict[finding.LibraryName, Session] = {}
        self.root: str | None = None
        self.outer: Session | None = None
        self.content = b""
        self.surroundings = Surroundings(self._is_library, self._evaluate_early)
        self._expander: Expander | None = None
        self._is_fresh = True
        self._stored: tuple[Entry, str, str] | None = None

    # ---- evaluating

    @bounded
    def evaluate(self, text: str, file: str | None = None) -> Any:
        """The value of the last form of ``text``.

        Args:
            text: a program.
            file: what errors call the text; a fresh name if left out.

        Raises:
            EshkolError: of the class that fits, pointing at the form at fault.
            IncompleteInput: if the text stops too early.
        """
        from eshkol.reader.parser import read_all

        name = file or f"<input {next(_inputs)}>"
        return self.evaluate_forms(read_all(text, name, interpolate=self.interpolate), name)

    def evaluate_forms(self, forms: Iterable[Syntax], file: str) -> Any:
        """The value of the last of ``forms``, which come from the reader."""
        with KeepingWidth():
            return self.program(*self.expand_forms(list(forms), file))()

    def expand_forms(self, forms: list[Syntax], file: str) -> tuple[list[Any], Span]:
        """The Core of forms, and where they stand; macros they define stay known to the session.

        Libraries that they define are loaded.
        """
        nodes = self.expander.expand_program(self._define_libraries(forms))
        own = [form.span for form in forms if form.span.file == file]
        return nodes, own[0].to(own[-1]) if own else Span(file, 1, 0, 1, 0)

    def needs_machine(self, nodes: list[Any]) -> bool:
        """Whether a program runs on the machine of room ``cek``."""
        if self.engine is not None:
            return self.engine == "cek"
        from eshkol.cek.choice import keeper, mentions_machine

        return (
            mentions_machine(nodes, self.namespace.variables)
            or keeper(nodes, self._is_primitive) is not None
        )

    def _is_primitive(self, name: str) -> bool:
        return name in self.namespace.builtins and name not in self.namespace.variables

    def program(self, nodes: list[Any], span: Span) -> Callable[[], Any]:
        """A function that evaluates expanded top-level forms; the value of the last."""
        if self.needs_machine(nodes):
            return lambda: self._run_on_machine(nodes, span)
        return self.loaded(*self.compile_nodes(nodes, span))

    def _run_on_machine(self, nodes: list[Any], span: Span) -> Any:
        from eshkol.cek.program import run_program

        return run_program(nodes, span, self.namespace)

    def compile_nodes(self, nodes: list[Any], span: Any) -> tuple[Any, Any]:
        """Compile expanded top-level forms."""
        from eshkol.codegen.unit import compile_program

        defined = self.namespace.variables
        primitives = [name for name in self.namespace.builtins if name not in defined]
        return compile_program(nodes, span, primitives)

    def run(self, code: Any, unit: Any) -> Any:
        """Run a compiled program in this session's namespace."""
        return self.loaded(code, unit)()

    def loaded(self, code: Any, unit: Any) -> Callable[[], Any]:
        """A compiled program as a function that runs it in this session's namespace."""
        from types import FunctionType

        variables = self.namespace.variables
        variables.update(unit.hidden_globals())
        self.namespace.units.add(unit)
        return FunctionType(finish_code(code, unit), variables)

    @property
    def expander(self) -> Expander:
        """The session's expander, which knows the macros that its programs defined."""
        if self._expander is None:
            from eshkol.expand import forms
            from eshkol.expand.expander import Expander

            assert forms.CORE_FORMS
            self._expander = Expander(self.namespace, self.find_library, self.surroundings)
            self._is_fresh = False
        if self._stored is not None:
            (_, text, file), self._stored = self._stored, None
            self._learn_syntax(self._expander, text, file)
        return self._expander

    def _learn_syntax(self, expander: Expander, text: str, file: str) -> None:
        """Expand a program that has run from its compiled form, for the macros that it defines."""
        from eshkol.reader.parser import read_all

        expander.is_linking = False
        try:
            expander.expand_program(read_all(text, file, interpolate=self.interpolate))
        finally:
            expander.is_linking = True

    def _evaluate_early(self, node: Any) -> Any:
        """The value of a form that macros need, which is run while the program is expanded."""
        return self.run(*self.compile_nodes([node], node.span))

    # ---- files

    @bounded
    def load(self, path: str | os.PathLike[str]) -> Any:
        """Evaluate a file; the value of its last form.

        The first program of a session is kept compiled in ``__pycache__``, as Python keeps its
        own, and found there the next time.

        Raises:
            FileProblem: if the file is missing or no UTF-8 text.
            EshkolError: for an error in the program.
        """
        file = os.fspath(path) or "."
        source = read_bytes(file)
        is_fresh = self._is_fresh and self.engine != "cek" and self._shadows_nothing()
        entry = read_entry(file, self._read_as(source)) if is_fresh else None
        with KeepingWidth():
            if entry and self._sees_the_same(entry, file) and self._import_all(entry, file):
                return self._run_entry(entry, file, source)
            return self._compile_and_run(file, source, is_fresh)

    def _read_as(self, source: bytes) -> bytes:
        """A program's text together with what the session has set for reading it."""
        interpolate = CONFIG.interpolate if self.interpolate is None else self.interpolate
        return b"#!interpolate\n" + source if interpolate else source

    def _shadows_nothing(self) -> bool:
        """Whether every primitive is visible under its name."""
        return self.namespace.builtins.keys().isdisjoint(self.namespace.variables)

    def _compile_and_run(self, file: str, source: bytes, is_fresh: bool) -> Any:
        from eshkol.reader.parser import read_all

        self.imports.clear()
        self.surroundings.facts.clear()
        forms = read_all(decode(file, source), file, interpolate=self.interpolate)
        documentation = documentation_of(forms)
        nodes, span = self.expand_forms(_library_forms(forms, self.surroundings), file)
        self.namespace.variables["__doc__"] = documentation
        self._note_content(source)
        if self.needs_machine(nodes):
            return self._run_on_machine(nodes, span)
        code, unit = self.compile_nodes(nodes, span)
        if is_fresh and self.engine is None and not self.libraries:
            self._keep(file, source, documentation, code, unit)
        return self.run(code, unit)

    def _note_content(self, source: bytes) -> None:
        contents = [library.content for _, library in self.imports]
        contents += [fact.value for fact in self.surroundings.facts if fact.kind == "file"]
        self.content = source_hash(source + b"".join(contents))

    # ---- compiled programs

    def _keep(
        self, file: str, source: bytes, documentation: str | None, code: Any, unit: Any
    ) -> None:
        """Write a compiled program to ``__pycache__``, unless it holds what can't be written."""
        constants, core = store_constants(unit.constants), pack(unit, code.co_filename)
        if constants is None or core is None:
            return
        expander = self.expander
        exports = expander.exports()
        routes = {id(home): route for route, home in self.reachable()}
        entry = Entry(
            file=file,
            documentation=documentation,
            code=code,
            key=unit.key,
            primitives=tuple(unit.primitives),
            constants=constants,
            core=core,
            imports=tuple((name, library.content) for name, library in self.imports),
            links=tuple(
                (alias, routes[id(home)], name) for alias, home, name in expander.links.values()
            ),
            exports=exports,
            syntaxes=tuple(name for name in exports.values() if expander.syntax(name) is not None),
            included=sources.inclusions_in(file),
            expansions=tuple(
                (macro, tuple(span))
                for name in (file, *sources.inclusions_in(file))
                for span, macro in sources.expansions_in(name).items()
            ),
            facts=tuple(map(tuple, self.surroundings.facts)),
        )
        write_entry(file, self._read_as(source), entry)

    def reachable(self, route: Route = ()) -> Iterable[tuple[Route, Namespace]]:
        """All libraries under this session, with the routes to them."""
        for index, (_, library) in enumerate(self.imports):
            yield (*route, index), library.namespace
            yield from library.reachable((*route, index))

    def _sees_the_same(self, entry: Entry, file: str) -> bool:
        """Whether a compiled program would see the files and libraries that it saw then."""
        return still_hold(entry.facts, self._is_library) and sources.restore_inclusions(
            file, entry.included
        )

    def _import_all(self, entry: Entry, file: str) -> bool:
        """Import what a compiled program imports; False if something is not what it was then."""
        self.imports.clear()
        for name, content in entry.imports:
            try:
                library = self._library(name, os.path.dirname(file))
            except (ImportCycle, ModuleProblem):
                return False  # compiling again will tell where
            if library is None or library.content != content:
                return False
            self.imports.append((name, library))
        return True

    def _run_entry(self, entry: Entry, file: str, source: bytes) -> Any:
        self._is_fresh = False
        self.surroundings.facts[:] = [Fact(*fact) for fact in entry.facts]
        self._stored = (entry, decode(file, source), file)
        self._note_content(source)
        sources.register_file(file)
        for macro, (place, *numbers) in entry.expansions:
            sources.note_expansion(Span(file if place == entry.file else place, *numbers), macro)
        for alias, route, name in entry.links:
            home: Session = self
            for index in route:
                home = home.imports[index][1]
            self.namespace.link(alias, home.namespace, name)
        self.namespace.variables["__doc__"] = entry.documentation
        constants = load_constants(entry.constants)
        unit = StoredUnit(file, set(entry.primitives), entry.key, constants, entry.core)
        code = entry.code if entry.file == file else renamed(entry.code, entry.file, file)
        return self.run(code, unit)

    # ---- libraries

    @property
    def module(self) -> SchemeModule | None:
        """The Python module whose variables these are; None if they are a session's alone."""
        return self.namespace.variables.get(MODULE)

    @property
    def title(self) -> str:
        """What messages call this session as a library."""
        return self.namespace.name

    @property
    def exports(self) -> dict[str, str]:
        """The names that a program which imports this library sees, and what it calls them."""
        return self.expander.exports() if self._stored is None else self._stored[0].exports

    def syntax(self, name: str) -> Any:
        """The macro or core form that the library calls ``name``; None for a variable."""
        if self._stored is not None and name not in self._stored[0].syntaxes:
            return None
        return self.expander.syntax(name)

    def find_library(self, name: finding.LibraryName, syntax: Syntax) -> Any:
        """The library that a program of this session imports as ``name``.

        Raises:
            ExpandError: if there is none, or if it imports the importing one.
        """
        file = syntax.span.file
        directory = "" if file.startswith("<") else os.path.dirname(file)
        try:
            library = self._library(name, directory)
        except ImportCycle as cycle:
            raise ExpandError(
                f"import: these libraries import each other: {cycle}",
                span=syntax.span,
                hint="move what both need to a library of its own",
            ) from None
        except ModuleProblem as problem:
            raise ExpandError(
                f"import: {problem.message}", span=syntax.span, hint=problem.hint
            ) from None
        if library is None:
            raise ExpandError(
                f"import: there is no library {finding.shown(name)}",
                span=syntax.span,
                hint=finding.hint(name, directory, self.root),
            )
        if (name, library) not in self.imports:
            self.imports.append((name, library))
        return library

    def _library(self, name: finding.LibraryName, directory: str) -> Any:
        around: Session | None = self
        while around is not None:
            if name in around.libraries:
                return around.libraries[name]
            around = around.outer
        if isinstance(name, tuple) and name[0] == "python":
            return python_library(name, directory)
        if name in STANDARD_LIBRARIES:
            return standard_library(name)
        path = finding.find(name, directory, self.root)
        if path is None:
            return standard_library(("stdlib",)) if is_native_module(name) else None
        library = library_at(path, finding.module_name(name))
        return library.libraries.get(name, library)

    def _is_library(self, name: finding.LibraryName, directory: str) -> bool:
        """Whether there is a library of this name, which is not loaded for that."""
        around: Session | None = self
        while around is not None:
            if name in around.libraries:
                return True
            around = around.outer
        if name[0] == "python":
            return is_python_module(tuple(name[1:]))
        if name in STANDARD_LIBRARIES or is_native_module(name):
            return True
        return finding.find(name, directory, self.root) is not None

    def _define_libraries(self, forms: list[Syntax]) -> list[Syntax]:
        """Load the libraries that ``forms`` define; the other forms."""
        from eshkol.expand.library_definitions import library_definition

        others: list[Syntax] = []
        for form in forms:
            definition = library_definition(form, self.surroundings)
            if definition is None:
                others.append(form)
                continue
            name, body = definition
            library = Session(finding.module_name(name), engine=self.engine)
            library.outer, library.root = self, self.root
            library.evaluate_forms(body, form.span.file)
            library._note_content(sources.text_of(form.span).encode())
            library.exports  # noqa: B018 - a name that is exported and isn't there is an error now
            self.libraries[name] = library
        return others

    def reload(self, path: str) -> Session:
        """Load a library's file again; who imports it sees the new definitions."""
        self._expander = self._stored = None
        self._is_fresh = True
        self.load(path)
        self.exports  # noqa: B018 - a name that is provided and isn't there is an error now
        return self

    # ---- variables

    def get(self, name: str) -> Any:
        """The value of a variable or primitive."""
        return self.namespace.get(name)

    def define(self, name: str, value: Any) -> None:
        """Define a variable from Python."""
        self.namespace.define(name, value)


def _known_engine(engine: str | None) -> str | None:
    if engine in (None, "cek", "python"):
        return engine
    raise ValueError(f"there is no engine {engine!r}: known are 'python' and 'cek'")


def _library_forms(forms: list[Syntax], surroundings: Surroundings) -> list[Syntax]:
    """The forms of a file; those of the library, if it is all that the file defines."""
    from eshkol.expand.library_definitions import library_definition

    definition = library_definition(forms[0], surroundings) if len(forms) == 1 else None
    return forms if definition is None else definition[1]


def library_at(path: str, name: str) -> Session:
    """The session of a library's file, which is loaded if it isn't yet.

    Args:
        path: its file.
        name: what Python calls the module, if this is the first to load it.
    """
    return LIBRARIES.load(path, lambda: new_library(SchemeModule(name), path))


def new_library(module: SchemeModule, path: str) -> Session:
    """Load a file into a module that has no variables yet."""
    session = Session(module.__name__, module.__dict__)
    module.__dict__.update({SESSION: session, MODULE: module})
    module.__dict__.setdefault("__file__", os.path.abspath(path))
    session.root = finding.root_of(module.__name__, path)
    return session.reload(path)


SITES[id(Session.evaluate_forms.__code__)] = BORDER


@cache
def default_session() -> Session:
    """The session behind ``ek.eval`` and ``ek.load``."""
    return Session()
