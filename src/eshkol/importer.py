"""Scheme files as Python modules: ``import mymodel`` finds ``mymodel.esk``.

A ``.esk`` file is found where Python would find a ``.py`` file, after it; a folder with an
``__init__.esk`` or a ``main.esk`` is a package. What a module needs is imported when the first one
is found.
"""

from __future__ import annotations

import os
import sys
from importlib import _bootstrap
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    ModuleSpec,
    SourceFileLoader,
    SourcelessFileLoader,
)
from importlib.util import spec_from_file_location
from types import ModuleType
from typing import Any

from eshkol.runtime.boundary import bounded

SUFFIX = ".esk"
MAIN = "main.esk"

LOADED = "loaded"
"""The state of a loader that has nothing to do: a Scheme program has loaded the file."""


class SchemeLoader:
    """Loads one ``.esk`` file as a module.

    The module is the library that Scheme programs import from this file, whoever loads it first.

    Args:
        name: the full name of the module.
        path: its file.
    """

    def __init__(self, name: str, path: str) -> None:
        self.name = name
        self.path = path

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module: that of the library, if its file has been loaded."""
        from eshkol.modules.module import SchemeModule
        from eshkol.modules.registry import LIBRARIES

        library = LIBRARIES.get(self.path)
        if library is None:
            return SchemeModule(spec.name)
        earlier = getattr(library.module, "__spec__", None)
        was_imported = earlier is not None and earlier.name == spec.name
        # Python had it and has let it go: who imports it now wants it evaluated again.
        spec.loader_state = None if was_imported else LOADED
        return library.module

    @bounded
    def exec_module(self, module: ModuleType) -> None:
        """Evaluate the file in the module; again, if the module is being reloaded.

        Raises:
            ImportError: if the module is being loaded, by itself.
            EshkolError: for an error in the program.
        """
        # Python's ``import`` drops its own frames from the traceback of what comes from here.
        _bootstrap._call_with_frames_removed(self._execute, module)  # type: ignore[attr-defined]

    def _execute(self, module: Any) -> None:
        from eshkol.modules.registry import LIBRARIES, ImportCycle
        from eshkol.session import new_library

        spec = module.__spec__
        if spec.loader_state is LOADED:
            spec.loader_state = None
            return
        library = LIBRARIES.get(self.path)
        try:
            if library is not None and library.module is module:
                reload = library.reload
                LIBRARIES.load(self.path, lambda: reload(self.path), again=True)
            else:
                library = LIBRARIES.load(self.path, lambda: new_library(module, self.path))
                sys.modules[self.name] = library.module
        except ImportCycle as cycle:
            raise ImportError(
                f"these libraries import each other: {cycle}", name=self.name, path=self.path
            ) from None

    def get_filename(self, name: str) -> str:
        """The path of the module's file."""
        return self.path

    def get_source(self, name: str) -> str:
        """The text of the module."""
        from eshkol.modules.texts import decode, read_bytes

        return decode(self.path, read_bytes(self.path))

    def get_resource_reader(self, name: str) -> Any:
        """What ``importlib.resources`` asks for the files beside the module."""
        from importlib.readers import FileReader

        loader: Any = self
        return FileReader(loader)

    def get_data(self, path: str) -> bytes:
        """The contents of a file beside the module."""
        with open(path, "rb") as file:
            return file.read()


class DirectoryFinder(FileFinder):
    """Python's finder for a directory; a folder with a ``main.esk`` is a package too."""

    def find_spec(self, fullname: str, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = super().find_spec(fullname, target)
        if spec is None or spec.loader is not None or not spec.submodule_search_locations:
            return spec
        folder = next(iter(spec.submodule_search_locations))
        path = os.path.join(folder, MAIN)
        if not os.path.isfile(path):
            return spec
        loader: Any = SchemeLoader(fullname, path)
        return spec_from_file_location(
            fullname, path, loader=loader, submodule_search_locations=[folder]
        )


LOADERS: tuple[Any, ...] = (
    (ExtensionFileLoader, EXTENSION_SUFFIXES),
    (SourceFileLoader, SOURCE_SUFFIXES),
    (SourcelessFileLoader, BYTECODE_SUFFIXES),
    (SchemeLoader, [SUFFIX]),
)


path_hook = DirectoryFinder.path_hook(*LOADERS)
"""Gives the finder for a directory; raises ``ImportError`` for a path that is none."""


def install() -> None:
    """Let Python's ``import`` find Scheme files. To do it twice changes nothing."""
    if path_hook in sys.path_hooks:
        return
    # After the finders for what is no directory, before Python's own for directories.
    places = [i for i, hook in enumerate(sys.path_hooks) if "FileFinder" in hook.__qualname__]
    sys.path_hooks.insert(places[0] if places else len(sys.path_hooks), path_hook)
    for path, finder in list(sys.path_importer_cache.items()):
        if finder.__class__ is FileFinder:
            del sys.path_importer_cache[path]
