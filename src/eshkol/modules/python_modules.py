"""Python modules as libraries: what ``(import (python numpy as np))`` names.

A library's name is made of words. Those of Python modules are ``("python", module)``, which holds
the module under its first word as Python's ``import a.b`` does, ``("python", module, "as", name)``,
which holds it under a name, and ``("python", module, "*")``, which holds its attributes.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from functools import cache
from types import ModuleType
from typing import Any

from eshkol.datum.spelling import python_name
from eshkol.runtime.namespace import Namespace


class ModuleProblem(Exception):
    """A Python module can't be imported.

    Args:
        message: what is wrong.
        hint: how to mend it.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ModuleNamespace(Namespace):
    """The attributes of a Python module as variables."""

    def __init__(self, module: ModuleType) -> None:
        super().__init__(f"the Python module {module.__name__}", {})
        self.module = module

    def get(self, name: str) -> Any:
        return getattr(self.module, name)

    def is_bound(self, name: str) -> bool:
        return hasattr(self.module, name)

    is_defined = is_bound


class PythonLibrary:
    """A Python module as something that can be imported.

    Attributes:
        title: what messages call it.
        namespace: its variables.
        exports: what it exports; names that begin with ``_`` are not listed.
        content: tells one version of it from another.
    """

    imports: tuple[()] = ()

    def __init__(self, module: ModuleType, alias: str | None) -> None:
        self.title = f"the Python module {module.__name__}"
        self.content = f"{module.__name__} {getattr(module, '__version__', '')}".encode()
        if alias is None:
            self.namespace: Namespace = ModuleNamespace(module)
            names = getattr(module, "__all__", dir(module))
            listed = [name for name in names if not name.startswith("_")]
            self.exports = {name: name for name in listed}
        else:
            self.namespace = Namespace(self.title, {})
            self.namespace.define(alias, module)
            self.exports = {alias: alias}

    def own_name(self, name: str) -> str | None:
        """The attribute that ``name`` means, which may be its Scheme spelling; None if none."""
        spellings = (name, python_name(name))
        return next(filter(self.namespace.is_bound, spellings), None)

    def syntax(self, name: str) -> None:
        """It exports variables alone."""

    def reachable(self, route: tuple[int, ...]) -> tuple[()]:
        """No library of Eshkol is under it."""
        return ()


@cache
def _library(module: ModuleType, alias: str | None) -> PythonLibrary:
    return PythonLibrary(module, alias)


def python_library(name: tuple[str, ...], directory: str = "") -> PythonLibrary:
    """The library of a Python module, which is imported.

    Args:
        name: as described above.
        directory: of the importing program; modules are found there too.

    Raises:
        ModuleProblem: if there is no such module, or it fails.

    Example:
        >>> python_library(("python", "math", "*")).namespace.get("pi")
        3.141592653589793
    """
    found, module = import_module(name[1], directory)
    if name[2:] == ("*",):
        return _library(module, None)
    if len(name) > 2:
        return _library(module, name[3])
    top = found.partition(".")[0]
    return _library(sys.modules[top], top)


def import_module(name: str, directory: str = "") -> tuple[str, ModuleType]:
    """Import a Python module by its name, or by the Scheme spelling of it (``my-module``).

    Returns:
        The name that Python knows, and the module.
    """
    found = name if _is_there(name, directory) else name.replace("-", "_")
    try:
        if found != name:
            _is_there(found, directory)
        return found, importlib.import_module(found)
    except ImportError as error:
        missing = getattr(error, "name", None)
        if isinstance(error, ModuleNotFoundError) and missing:
            raise missing_module(found, missing) from None
        raise ModuleProblem(f"the Python module {found} can't be imported: {error}", "") from error
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise ModuleProblem(f"the Python module {found} failed with {what}", "") from error


def _is_there(name: str, directory: str) -> bool:
    """Whether Python finds a module; those beside the program are from now on found as well."""
    top = name.partition(".")[0]
    if top in sys.modules or _has_spec(top):
        return True
    place = os.path.abspath(directory)
    if place in sys.path or not _is_beside(place, top):
        return False
    sys.path.insert(0, place)
    importlib.invalidate_caches()
    return _has_spec(top)


def _has_spec(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _is_beside(place: str, name: str) -> bool:
    files = (f"{name}.py", f"{name}.esk", name)
    return any(os.path.exists(os.path.join(place, file)) for file in files)


def missing_module(wanted: str, missing: str) -> ModuleProblem:
    """The problem that a module which is wanted, or needed by that one, isn't there."""
    if missing != wanted and not wanted.startswith(f"{missing}."):
        message = f"the Python module {wanted} needs {missing}, which is not installed"
    else:
        message = f"there is no Python module {wanted}"
    top = missing.partition(".")[0]
    if "." in missing and _has_spec(top):
        return ModuleProblem(message, f"{top} is there, but has no module of this name")
    extra = _extra_with(top)
    package = top if extra is None else f"'eshkol[{extra}]'"
    return ModuleProblem(message, f"if it is a package: pip install {package}")


def _extra_with(package: str) -> str | None:
    """The optional part of Eshkol that installs a package, if one does."""
    from importlib.metadata import PackageNotFoundError, requires

    try:
        requirements = requires("eshkol") or []
    except PackageNotFoundError:
        return None
    wanted = package.replace("_", "-").lower()
    for requirement in requirements:
        name, _, condition = requirement.partition(";")
        plain = name.strip().partition("[")[0]
        for sign in "<>=!~ ":
            plain = plain.partition(sign)[0]
        if plain.replace("_", "-").lower() == wanted and "extra ==" in condition:
            return condition.split("extra ==")[1].strip().strip("'\"")
    return None
