"""Where libraries are: the file of ``(a b c)`` is ``a/b/c.esk``, or ``main.esk`` in ``a/b/c``.

An ``__init__.esk`` in that folder is found before either, as Python finds a package before a file.
It is looked for beside the importing file, beside the package that the importing library is part
of, in the current directory, in the directories of ``ESHKOL_PATH``, and in Eshkol itself; a name
that begins with ``eshkol`` only there.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator

SUFFIX = ".esk"
MAIN = "main" + SUFFIX
PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

LibraryName = str | tuple[str, ...]
"""The words of a library's name, or the name of a file."""


def search_path(directory: str, root: str | None = None) -> Iterator[str]:
    """The directories in which a program in ``directory`` finds libraries, in order.

    Args:
        directory: of the program.
        root: of the package that the program is part of.
    """
    yield directory
    if root is not None:
        yield root
    yield ""
    yield from filter(None, os.environ.get("ESHKOL_PATH", "").split(os.pathsep))
    yield os.path.join(PACKAGE, "lib")
    yield PACKAGE


def candidates(name: LibraryName, directory: str, root: str | None = None) -> Iterator[str]:
    """The files that may be the library ``name``, best first, whether they exist or not."""
    if isinstance(name, str):
        for place in search_path(directory, root):
            yield os.path.join(place, name)
        return
    if name[0] == "eshkol":
        yield from _files(os.path.join(PACKAGE, *name[1:]))
        return
    for place in search_path(directory, root):
        yield from _files(os.path.join(place, *name))


def _files(base: str) -> Iterator[str]:
    yield os.path.join(base, "__init__" + SUFFIX)
    yield base + SUFFIX
    yield os.path.join(base, MAIN)


def find(name: LibraryName, directory: str, root: str | None = None) -> str | None:
    """The file of the library ``name``, imported by a program in ``directory``.

    Args:
        name: words, or a file name.
        directory: where the importing file is; "" is the current directory.
        root: where the package is that the importing file is part of.

    Returns:
        The path, absolute or relative to the current directory; None if there is no such file.

    Example:
        >>> find(("no", "such", "library"), "") is None
        True
    """
    if not isinstance(name, str) and any(os.sep in word or word in ("", "..") for word in name):
        return None
    return next(filter(os.path.isfile, candidates(name, directory, root)), None)


def shown(name: LibraryName) -> str:
    """A library's name as a program writes it.

    Example:
        >>> shown(("eshkol", "nn")), shown("a.esk")
        ('(eshkol nn)', '"a.esk"')
    """
    return f'"{name}"' if isinstance(name, str) else f"({' '.join(name)})"


def hint(name: LibraryName, directory: str, root: str | None = None) -> str:
    """What to say of a library that is in none of the directories."""
    places = dict.fromkeys(search_path(directory, root))
    looked_in = f"looked in {', '.join(place or '.' for place in places)}"
    if isinstance(name, str) or not _is_of_python(name):
        return looked_in
    return f"a module of Python is imported by (import (python {' '.join(name)}))\n{looked_in}"


def _is_of_python(name: tuple[str, ...]) -> bool:
    is_simple = name[0].isidentifier() and name[1:2] in ((), ("as",))
    return is_simple and importlib.util.find_spec(name[0]) is not None


def module_name(name: LibraryName) -> str:
    """What Python would call the module.

    Example:
        >>> module_name(("a", "b")), module_name("lib/c.esk")
        ('a.b', 'c')
    """
    if isinstance(name, str):
        return os.path.basename(name).removesuffix(SUFFIX)
    return ".".join(name)


def root_of(name: str, path: str) -> str | None:
    """The directory in which the file ``path`` is the module ``name``; None if it isn't there.

    Example:
        >>> root_of("a.b", "/lib/a/b.esk"), root_of("a", "/lib/a/main.esk")
        ('/lib', '/lib')
    """
    folder, file = os.path.split(path)
    base = path.removesuffix(SUFFIX)
    if file in (MAIN, "__init__" + SUFFIX) and os.path.basename(folder) == name.split(".")[-1]:
        base = folder
    for word in reversed(name.split(".")):
        base, last = os.path.split(base)
        if last != word:
            return None
    return base
