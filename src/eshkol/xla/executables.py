"""What XLA writes of a program that it compiled for the processor, without what nobody reads again.

Beside machine code and the list of its calls there stands the program that the code was made of,
with the body of every fused loop. XLA fuses by repeating: the loops of a deep network's backward
pass each hold all of what came before them, hundreds of thousands of operations that take seconds
and gigabytes to read. Where a loop is machine code, its body has no use any more: it is replaced by
one operation that stands for it.

The bodies are in XLA's ``HloModuleProto``, whose fields keep their numbers; where that stands in
the whole is XLA's own matter. So the whole is taken apart only if it looks as we know it, and who
keeps the result lets XLA read it first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

MODULE = (1, 1, 1)
"""The fields that lead to the module, after the part that has a length of its own."""

# Fields of HloModuleProto, HloComputationProto, ProgramShapeProto and HloInstructionProto.
_COMPUTATIONS = 3
_INSTRUCTIONS, _PROGRAM_SHAPE, _COMPUTATION_ID, _ROOT_ID = 2, 4, 5, 6
_RESULT = 2
_NAME, _OPCODE, _SHAPE, _FUSION_KIND, _TARGET, _ID, _CALLED = 1, 2, 3, 11, 28, 35, 38

_COMPILED_KINDS = (b"kLoop", b"kInput", b"kOutput")
"""The kinds of fusions that are machine code; a library reads the bodies of others."""

STANDS_FOR = b"compiled"
"""What the operation calls that stands for a body."""


class Unknown(Exception):
    """The bytes are not of the form that is known here."""


def without_bodies(data: bytes) -> bytes:
    """The bytes of an executable for the processor, without the bodies of compiled loops.

    Args:
        data: as XLA serialized it.

    Raises:
        Unknown: it has another form.
    """
    length, start = _varint(data, 0)
    end = start + length
    try:
        return data[:end] + _replaced(data[end:], MODULE, _module)
    except (KeyError, TypeError) as problem:
        raise Unknown from problem


def _module(module: bytes) -> bytes:
    fields = list(_fields(module))
    compiled = {
        called
        for number, value, _ in fields
        if number == _COMPUTATIONS and _FUSION in value
        for called in _compiled_bodies(value)
    }
    return b"".join(
        _bytes_field(number, _computation(value, compiled)) if number == _COMPUTATIONS else whole
        for number, value, whole in fields
    )


def _compiled_bodies(computation: bytes) -> Iterator[int]:
    """The numbers of the bodies of the computation's loops that are machine code."""
    for number, instruction, _ in _fields(computation):
        if number == _INSTRUCTIONS and _FUSION in instruction:
            parts = {number: value for number, value, _ in _fields(instruction)}
            if parts[_OPCODE] == b"fusion" and parts.get(_FUSION_KIND) in _COMPILED_KINDS:
                yield _varint(parts[_CALLED], 0)[0]


def _computation(computation: bytes, compiled: set[int]) -> bytes:
    """The computation; one operation without arguments if it is one of those compiled."""
    fields = list(_fields(computation))
    parts = {number: value for number, value, _ in fields}
    if parts[_COMPUTATION_ID] not in compiled or any(name in computation for name in _IN_PLACE):
        return computation
    instructions = [value for number, value, _ in fields if number == _INSTRUCTIONS]
    kept = [whole for number, _, whole in fields if number not in (_INSTRUCTIONS, _PROGRAM_SHAPE)]
    root = _bytes_field(_INSTRUCTIONS, _stand_in(_with_id(instructions, parts[_ROOT_ID])))
    shape = _bytes_field(_PROGRAM_SHAPE, _only(parts[_PROGRAM_SHAPE], (_RESULT,)))
    return b"".join([root, shape, *kept])


def _with_id(instructions: list[bytes], wanted: int) -> bytes:
    for instruction in reversed(instructions):
        if any(number == _ID and value == wanted for number, value, _ in _fields(instruction)):
            return instruction
    raise Unknown


def _stand_in(instruction: bytes) -> bytes:
    """An operation with the name and the results of another."""
    same = _only(instruction, (_NAME, _SHAPE, _ID))
    return same + _bytes_field(_OPCODE, b"custom-call") + _bytes_field(_TARGET, STANDS_FOR)


# ---- the encoding of protocol buffers


def _fields(message: bytes) -> Iterator[tuple[int, Any, bytes]]:
    """The number of each field, its value, an integer or bytes, and the bytes of both."""
    position, end = 0, len(message)
    while position < end:
        start = position
        tag, position = _varint(message, position)
        kind = tag & 7
        value: Any
        if kind == 0:
            value, position = _varint(message, position)
        else:
            if kind == 2:
                size, position = _varint(message, position)
            elif kind in _FIXED_SIZES:
                size = _FIXED_SIZES[kind]
            else:
                raise Unknown
            value = message[position : position + size]
            position += size
        if position > end:
            raise Unknown
        yield tag >> 3, value, message[start:position]


_FIXED_SIZES = {1: 8, 5: 4}


def _varint(message: bytes, position: int) -> tuple[int, int]:
    """The number at a position, and where it ends."""
    number = shift = 0
    while position < len(message):
        byte = message[position]
        position += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, position
        shift += 7
    raise Unknown


def _bytes_field(number: int, value: bytes) -> bytes:
    return _of_varint(number << 3 | 2) + _of_varint(len(value)) + value


def _of_varint(number: int) -> bytes:
    written = bytearray()
    while number > 127:
        written.append(number & 127 | 128)
        number >>= 7
    written.append(number)
    return bytes(written)


def _only(message: bytes, wanted: tuple[int, ...]) -> bytes:
    return b"".join(whole for number, _, whole in _fields(message) if number in wanted)


def _replaced(message: bytes, path: tuple[int, ...], change: Callable[[bytes], bytes]) -> bytes:
    """The message with what is changed at the end of a path of fields that occur once."""
    if not path:
        return change(message)
    fields = list(_fields(message))
    if sum(number == path[0] for number, _, _ in fields) != 1:
        raise Unknown
    return b"".join(
        _bytes_field(number, _replaced(value, path[1:], change)) if number == path[0] else whole
        for number, value, whole in fields
    )


_FUSION = _bytes_field(_OPCODE, b"fusion")
_IN_PLACE = [
    _bytes_field(_OPCODE, name) for name in (b"dynamic-update-slice", b"scatter", b"custom-call")
]
"""Operations in a body that say where its results lie."""
