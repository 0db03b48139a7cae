"""What of a compilation is kept in a file: its code, what its names mean, and its Core.

The code runs without the rest. The Core of its procedures, which compiles their staged bodies, is
read when it is first asked for.
"""

from __future__ import annotations

import threading
from types import CodeType
from typing import Any

from eshkol.runtime.procedures import constant_name

FILE = "file"
"""Stands in stored Core for the name of the source file, which may be called differently later."""


class StoredUnit:
    """A unit of ``codegen`` that was read from a file.

    Args:
        file: what the source file is called now.
        primitives: the global names in it that mean primitives.
        key: tells its hidden constants from those of other units.
        constants: data that Python constants can't hold.
        core: its Core and the names of its variables, as :func:`pack` made it.
    """

    def __init__(
        self, file: str, primitives: set[str], key: str, constants: list[Any], core: bytes
    ) -> None:
        self.file = file
        self.primitives = primitives
        self.key = key
        self.constants = constants
        self.core = core
        self._unpacked: tuple[dict[Any, str], list[Any], list[Any]] | None = None
        self._call_sites: Any = None
        self._lock = threading.Lock()

    @property
    def names(self) -> dict[Any, str]:
        """The Python name of each variable."""
        return self._contents()[0]

    @property
    def lambdas(self) -> list[Any]:
        """The Core of its procedures by number."""
        return self._contents()[1]

    @property
    def call_sites(self) -> Any:
        """What is around the calls in it."""
        if self._call_sites is None:
            from eshkol.runtime.draw_paths import CallSites

            self._call_sites = CallSites(lambda: self._contents()[2])
        return self._call_sites

    def _contents(self) -> tuple[dict[Any, str], list[Any], list[Any]]:
        with self._lock:
            if self._unpacked is None:
                self._unpacked = unpack(self.core, self.file, self.constants)
                self.core = b""
            return self._unpacked

    def for_staging(self) -> Any:
        """A unit for staged bodies, with these names and constants."""
        from eshkol.codegen.emitter import Unit

        unit = Unit(self.names, self.primitives, self.key, self.call_sites)
        unit.constants = self.constants
        return unit

    def hidden_globals(self) -> dict[str, Any]:
        """The constants by their hidden global names."""
        return {constant_name(self.key, i): value for i, value in enumerate(self.constants)}


UNPICKLABLE = (AttributeError, TypeError, ValueError, RecursionError)
"""What ``pickle`` raises, beside its own errors, for what it can't write."""


def store_constants(constants: list[Any]) -> bytes | None:
    """Constants as bytes, none as no bytes; None if one of them can't be written."""
    import pickle

    try:
        return pickle.dumps(constants, protocol=5) if constants else b""
    except (pickle.PicklingError, *UNPICKLABLE):
        return None


def load_constants(data: bytes) -> list[Any]:
    """The constants that :func:`store_constants` made bytes of."""
    if not data:
        return []
    import pickle

    return pickle.loads(data)


def pack(unit: Any, file: str) -> bytes | None:
    """The Core and names of a unit as bytes; constants and the file's name stay references.

    Args:
        unit: as ``codegen`` made it.
        file: the very string that the spans of the program hold.

    Returns:
        The bytes; None if the program nests too deep for ``pickle``.
    """
    import copyreg
    import io
    import pickle

    from eshkol.core import nodes

    constants = {id(value): index for index, value in enumerate(unit.constants)}

    class Packer(pickle.Pickler):
        dispatch_table = copyreg.dispatch_table | dict.fromkeys(_node_classes(nodes), _take_apart)

        def persistent_id(self, value: Any) -> Any:
            return FILE if value is file else constants.get(id(value))

    stream = io.BytesIO()
    try:
        Packer(stream, protocol=5).dump((unit.names, unit.lambdas, [*unit.call_sites.forms()]))
    except (pickle.PicklingError, *UNPICKLABLE):
        return None
    return stream.getvalue()


def unpack(
    data: bytes, file: str, constants: list[Any]
) -> tuple[dict[Any, str], list[Any], list[Any]]:
    """The names, the Core of procedures and of the top-level forms that :func:`pack` packed."""
    import io
    import pickle

    class Unpacker(pickle.Unpickler):
        def persistent_load(self, reference: Any) -> Any:
            return file if reference == FILE else constants[reference]

    return Unpacker(io.BytesIO(data)).load()


def _node_classes(nodes: Any) -> list[type]:
    found = [nodes.Parameter]
    stack = [nodes.Node]
    while stack:
        kind = stack.pop()
        found.append(kind)
        stack += kind.__subclasses__()
    return found


def _take_apart(node: Any) -> tuple[Any, tuple[Any, ...]]:
    """A node as its class and the values of its fields, which is what makes it again."""
    kind = node.__class__
    return kind, tuple([getattr(node, name) for name in kind.__dataclass_fields__])


def renamed(code: CodeType, old: str, new: str) -> CodeType:
    """``code`` as if what was compiled from the file ``old`` came from ``new``."""
    constants = tuple(
        renamed(constant, old, new) if isinstance(constant, CodeType) else constant
        for constant in code.co_consts
    )
    file = new if code.co_filename == old else code.co_filename
    return code.replace(co_filename=file, co_consts=constants)
