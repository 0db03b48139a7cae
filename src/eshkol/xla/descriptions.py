"""Structures in words that another process understands.

A structure (see ``trees``) holds things of this process: code, namespaces, record types,
primitives. :class:`Writer` says it in a flat list of texts and numbers instead. Code is told by its
hash; namespaces and types are numbered as they are met. What is only known by its identity, such as
a Python function, has no words: :class:`Undescribable`. :class:`Reader` reads a structure that is
made of what a writer has met before: nothing is ever looked up by a name that stands in a file, but
for primitives.

Two structures with the same words mean the same, so the words are also what a key is made of.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache
from typing import Any

import eshkol
from eshkol.base.store import key_of
from eshkol.core.nodes import Const
from eshkol.core.walk import everything
from eshkol.datum.equality import hash_key
from eshkol.datum.pairs import NIL, Pair, spine
from eshkol.datum.records import Record
from eshkol.datum.symbols import Symbol, intern
from eshkol.datum.values import EOF, UNSPECIFIED, Char, MutableString, Vector
from eshkol.datum.write import short_string
from eshkol.primitives.catalogue import builtin_namespace
from eshkol.primitives.declare import PRIMITIVES
from eshkol.runtime.procedures import procedure_of
from eshkol.xla.code_keys import CodeKey, PythonCodeKey, Static, TableKeys
from eshkol.xla.host_calls import HostFunction
from eshkol.xla.reach import global_names_of
from eshkol.xla.trees import KINDS, Structure

Word = str | int | None
PACKAGE = os.path.dirname(os.path.abspath(eshkol.__file__))


class Undescribable(Exception):
    """Something has no words; the text says what."""


_CONSTANTS = {"unspecified": UNSPECIFIED, "eof": EOF, "nil": NIL, "none": None}
_CONSTANT_NAMES = {id(value): name for name, value in _CONSTANTS.items()}

OUTSIDE = frozenset(
    "dataloaders dates evaluation file_ports file_system files input parallel process "
    "python_data python_objects tensor_files".split()
)
"""The families of primitives whose results depend on more than their arguments."""

OUTSIDE_NAMES = frozenset(
    "json-read-file json-parse-file csv-read-file csv-parse-file load-weights shuffled-batches "
    "gensym generate-uninterned-symbol string->uninterned-symbol".split()
)
"""Such primitives of other families."""


@cache
def _primitive_names() -> dict[int, str]:
    """The names of the primitives by the identities of their functions."""
    known = builtin_namespace()
    return {id(value): name for name, value in known.items() if name in PRIMITIVES}


def _is_outside(name: str, function: Any) -> bool:
    family = getattr(function, "__module__", "").rpartition(".")[2]
    return family in OUTSIDE or name in OUTSIDE_NAMES


class Writer:
    """Writes structures; what it has met keeps its number.

    Attributes:
        words: those written so far.
        codes: the keys of closures' code with their defaults, in the order met.
        procedures: one function of each closure, also of those whose code was met before.
        types: classes of records and of named tuples.
        namespaces: of the code.
    """

    def __init__(self) -> None:
        self.words: list[Word] = []
        self.codes: dict[Any, int] = {}
        self.procedures: list[Any] = []
        self.types: dict[type, int] = {Char: 0}
        self.namespaces: dict[int, int] = {}
        self.closed_for = ""

    def continued(self, what: str) -> Writer:
        """A writer that has written nothing and may write only what this one has met.

        Args:
            what: is written.
        """
        result = Writer()
        result.codes, result.types = self.codes, self.types
        result.procedures = self.procedures
        result.closed_for = what
        return result

    def add(self, *words: Word) -> None:
        """Write words as they are."""
        self.words += words

    def structure(self, structure: Structure) -> None:
        """Write a structure.

        Raises:
            Undescribable: something in it has no words.
        """
        if structure.__class__ is str:
            self.add(structure)
            return
        tag, details, children = structure
        self.add(tag, len(children))
        self._details(tag, details)
        for child in children:
            self.structure(child)

    def _details(self, tag: str, details: Any) -> None:
        if tag == "closure":
            self._code(details)
        elif tag in ("record", "named-tuple"):
            self._type(details)
        elif tag == "globals":
            for namespace, name in details:
                self.add(self._namespace(namespace), name)
        elif tag == "table":
            self.value(tuple(details.keys))
        elif tag == "Fixed":
            self._content(details)
        elif tag == "registered":
            raise Undescribable(f"a pytree that another library has defined, {details}")
        elif details.__class__ is Static:
            self.value(details.value)
        else:
            self.value(details)

    def _content(self, content: Any) -> None:
        """Write what a static argument is."""
        self.structure(content.structure)
        for leaf in content.leaves:
            self.value(leaf)

    def _number(self, table: dict[Any, int], key: Any, what: Callable[[], str]) -> bool:
        """Write the number of ``key``; whether it is new."""
        number = table.get(key)
        if number is None:
            if self.closed_for:
                raise Undescribable(f"{self.closed_for} holds {what()}, which no argument has")
            number = table[key] = len(table)
            self.add(number)
            return True
        self.add(number)
        return False

    def _namespace(self, identity: int) -> int:
        return self.namespaces.setdefault(identity, len(self.namespaces))

    def _code(self, details: Any) -> None:
        key, defaults = details
        if not self.closed_for:
            self.procedures.append(key.prototype)
        if not self._number(self.codes, details, lambda: f"a procedure {key!r}"):
            return
        if key.__class__ is PythonCodeKey:
            self._python_code(key.prototype)
        else:
            self._scheme_code(key)
        self._defaults(defaults)

    def _scheme_code(self, key: CodeKey) -> None:
        function = key.prototype
        namespace = function.__globals__.get(" namespace")
        check_code(function)
        if namespace is None:
            raise Undescribable(f"a procedure {key!r} outside of all namespaces")
        self.add(key.digest, self._namespace(id(namespace)))

    def _python_code(self, function: Any) -> None:
        code = function.__code__
        file = os.path.abspath(code.co_filename)
        if not file.startswith(PACKAGE + os.sep) or not file.endswith(".py"):
            raise Undescribable(f"a Python function, {function.__qualname__}")
        # The sources are part of the key; where the code stands in them tells it from all other.
        place = repr(list(code.co_positions())).encode()
        self.add(file[len(PACKAGE) :], function.__qualname__, key_of(place, code.co_code).hex())

    def _defaults(self, defaults: Any) -> None:
        """What stands for the values of optional parameters: nested tuples of names and values."""
        if defaults.__class__ is tuple:
            self.add("(", len(defaults))
            for item in defaults:
                self._defaults(item)
        else:
            self.value(defaults.value if defaults.__class__ is Static else defaults)

    def _type(self, kind: type) -> None:
        if not self._number(self.types, kind, lambda: f"a {kind.__name__}"):
            return
        if issubclass(kind, Record):
            self.add("record", kind.__scheme_name__, len(kind.__scheme_fields__))
            self.add(*kind.__scheme_fields__)
        else:
            fields: Any = kind._fields  # type: ignore[attr-defined]
            self.add("named", kind.__module__, kind.__qualname__, len(fields), *fields)

    def value(self, value: Any) -> None:
        """Write a part of a structure that is compared by what it is."""
        write = _WRITERS.get(value.__class__)
        if write is not None:
            write(self, value)
        elif id(value) in _CONSTANT_NAMES:
            self.add("constant", _CONSTANT_NAMES[id(value)])
        elif isinstance(value, type) and issubclass(value, Record):
            self.add("type")
            self._type(value)
        else:
            self._function(value)

    def _function(self, value: Any) -> None:
        name = _primitive_names().get(id(value))
        if name is not None:
            if _is_outside(name, value):
                raise Undescribable(f"{name}, whose result depends on more than its arguments")
            self.add("primitive", name)
            return
        kind = getattr(value, "__globals__", {}).get("kind")
        if isinstance(kind, type) and issubclass(kind, Record):
            for (own_name, source), function in kind.__scheme_procedures__.items():
                if function is value:
                    self.add("record-procedure", own_name, source)
                    self._type(kind)
                    return
        raise Undescribable(f"{short_string(value)}, which only this process knows")

    def symbol(self, value: Symbol) -> None:
        """Write a symbol; one that is the only one of its name has no words."""
        if intern(value.name) is not value:
            raise Undescribable(f"the uninterned symbol {value.name}")
        self.add("symbol", value.name)

    def host_function(self, function: HostFunction) -> None:
        """Write a function that compiled programs call in the host."""
        self.add("host function", function.name)
        self.value(function.known)

    def items(self, tag: str, items: Any) -> None:
        """Write a tuple of values."""
        self.add(tag, len(items))
        for item in items:
            self.value(item)


_WRITERS: dict[type, Callable[[Writer, Any], None]] = {
    str: lambda writer, v: writer.add("string", v),
    bool: lambda writer, v: writer.add("truth", int(v)),
    int: lambda writer, v: writer.add("integer", str(v)),
    float: lambda writer, v: writer.add("real", v.hex()),
    complex: lambda writer, v: writer.add("complex", v.real.hex(), v.imag.hex()),
    Fraction: lambda writer, v: writer.add("ratio", str(v.numerator), str(v.denominator)),
    bytes: lambda writer, v: writer.add("bytes", v.hex()),
    Char: lambda writer, v: writer.add("char", v.value),
    Symbol: Writer.symbol,
    HostFunction: Writer.host_function,
    tuple: lambda writer, v: writer.items("items", v),
}


# ---- code


def check_code(function: Any) -> None:
    """See that the hash of a procedure's code tells all that its program depends on.

    Raises:
        Undescribable: a constant in it has no text of its own, or it calls a primitive whose result
            depends on more than its arguments.
    """
    procedure = procedure_of(function)
    assert procedure is not None
    problem = procedure.facts.get("undescribable", False)
    if problem is False:
        problem = procedure.facts["undescribable"] = next(_problems(function, procedure), None)
    if problem is not None:
        raise Undescribable(problem)


def _problems(function: Any, procedure: Any) -> Iterator[str]:
    builtins = builtin_namespace()
    for name in global_names_of(function):
        if name in builtins and _is_outside(name, builtins[name]):
            yield f"{name}, whose result depends on more than its arguments"
    for node in everything(procedure.node):
        if isinstance(node, Const) and not _has_text(node.value):
            yield f"the constant {short_string(node.value)}"


_PLAIN = frozenset(
    [str, bool, int, float, complex, Fraction, Char, bytes, bytearray, MutableString, type(None)]
)


def _has_text(value: Any) -> bool:
    """Whether what ``write`` shows of a constant tells it from all others."""
    kind = value.__class__
    if kind in _PLAIN or value is NIL or value is UNSPECIFIED or value is EOF:
        return True
    if kind is Symbol:
        return intern(value.name) is value
    if kind is Pair:
        items, tail = spine(value)
        return all(map(_has_text, items)) and _has_text(tail)
    return kind is Vector and all(map(_has_text, value))


# ---- reading


class Reader:
    """Reads what a writer has written after it was closed, in a process that knows the same.

    Args:
        words: to read.
        known: a writer that has met here what the other one had met there.
    """

    def __init__(self, words: list[Any], known: Writer) -> None:
        self._words = iter(words)
        self._codes = list(known.codes)
        self._types = list(known.types)

    def word(self) -> Any:
        """The next word."""
        return next(self._words)

    def structure(self) -> Structure:
        """The structure that the next words tell.

        Raises:
            LookupError, ValueError, TypeError, StopIteration: they tell none.
        """
        tag = self.word()
        if tag in KINDS:
            return tag
        count = self.word()
        details = self._details(tag)
        return (tag, details, tuple([self.structure() for _ in range(count)]))

    def _details(self, tag: str) -> Any:
        if tag == "closure":
            return self._codes[self.word()]
        if tag in ("record", "named-tuple"):
            return self._types[self.word()]
        if tag == "table":
            keys = self.value()
            return TableKeys(tuple(map(hash_key, keys)), list(keys))
        value = self.value()
        return Static(value) if tag == "static" else value

    def value(self) -> Any:
        """The value that the next words tell."""
        tag = self.word()
        if tag == "type":
            return self._types[self.word()]
        if tag == "record-procedure":
            name, source = self.word(), self.word()
            kind: Any = self._types[self.word()]
            return kind.__scheme_procedures__[name, source]
        return _READERS[tag](self)


_READERS: dict[str, Callable[[Reader], Any]] = {
    "string": Reader.word,
    "truth": lambda reader: bool(reader.word()),
    "integer": lambda reader: int(reader.word()),
    "real": lambda reader: float.fromhex(reader.word()),
    "complex": lambda r: complex(float.fromhex(r.word()), float.fromhex(r.word())),
    "ratio": lambda reader: Fraction(int(reader.word()), int(reader.word())),
    "bytes": lambda reader: bytes.fromhex(reader.word()),
    "char": lambda reader: Char(reader.word()),
    "symbol": lambda reader: intern(reader.word()),
    "constant": lambda reader: _CONSTANTS[reader.word()],
    "primitive": lambda reader: builtin_namespace()[reader.word()],
    "host function": lambda reader: HostFunction(reader.word(), *reader.value()),
    "items": lambda reader: tuple([reader.value() for _ in range(reader.word())]),
}
