"""The callbacks of stored programs, in words that another process makes them of again.

The form that an error is reported at is told by two numbers: of the procedure, among those that the
program was described with, and of the node in its Core. Equal meaning is equal Core, so the reading
process finds the form where it stands there. Errors may tell the names of procedures and variables,
which are no part of the meaning: a program that does so is good only where they are the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from eshkol.xla.descriptions import Reader, Undescribable, Writer
from eshkol.xla.forms import Forms
from eshkol.xla.host_calls import DEEDS, Deed, Given, HostCall

_GIVEN, _KNOWN, _NOWHERE = "given", "known", "nowhere"


def calls_in_words(calls: Sequence[HostCall], known: Writer) -> list[Any]:
    """Callbacks, and the names that they tell.

    Args:
        calls: the callbacks.
        known: what the program was described with.

    Raises:
        Undescribable: one of them can't be told.
    """
    writer, forms = known.continued("what it shows"), Forms(known.procedures)
    for call in calls:
        _write(call, writer, forms)
    told = {word for text in writer.words if text.__class__ is str for word in _words(str(text))}
    return [[list(name) for name in forms.names() if name[2] in told], len(calls), writer.words]


def calls_of(described: list[Any], known: Writer) -> list[HostCall]:
    """The callbacks that words tell.

    Raises:
        LookupError, ValueError, TypeError, StopIteration: they tell none, or of other names.
    """
    names, count, words = described
    reader, forms = Reader(words, known), Forms(known.procedures)
    if names:
        present = {(number, index): name for number, index, name in forms.names()}
        if any(present[number, index] != name for number, index, name in names):
            raise ValueError
    return [_read(reader, forms) for _ in range(count)]


def _words(text: str) -> list[str]:
    return [word.rstrip(":.,;?!") for word in re.split(r"[\s()'\"`\[\]{}<>#]+", text)] + [text]


def _write(call: HostCall, writer: Writer, forms: Forms) -> None:
    deed = call.deed
    if deed is None:
        raise Undescribable("the prompt of a breakpoint")
    writer.add(deed.kind, int(call.has_condition))
    writer.value(deed.details)
    if deed.span is None:
        writer.add(_NOWHERE)
    else:
        place = forms.number(deed.span)
        if place is None:
            raise Undescribable("where the form stands that it reports, which is outside of it")
        writer.add(*place)
    writer.add(len(call.leaves))
    for leaf in call.leaves:
        if leaf.__class__ is Given:
            writer.add(_GIVEN, leaf.number)
        else:
            writer.add(_KNOWN)
            writer.value(leaf)
    writer.structure(call.structure)


def _read(reader: Reader, forms: Forms) -> HostCall:
    kind, has_condition = reader.word(), bool(reader.word())
    if kind not in DEEDS:
        raise ValueError
    details, place = reader.value(), reader.word()
    span = None if place == _NOWHERE else forms.spans(place)[reader.word()]
    leaves = [_read_leaf(reader) for _ in range(reader.word())]
    return HostCall(Deed(kind, details, span), reader.structure(), leaves, has_condition)


def _read_leaf(reader: Reader) -> Any:
    return Given(reader.word()) if reader.word() == _GIVEN else reader.value()
