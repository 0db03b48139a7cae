"""The IDX format: the array files that MNIST comes in.

A file is two zero bytes, a byte that tells the type of the elements, a byte that tells the number
of dimensions, each dimension as a big-endian unsigned 32-bit integer, and the elements in row-major
order, big-endian; often all of it compressed with gzip. Source: LeCun, Cortes and Burges, "The
MNIST database of handwritten digits", section "The IDX file format".
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eshkol.base.errors import FileProblem, WrongType
from eshkol.datum.values import UNSPECIFIED
from eshkol.io.atomic import write_bytes
from eshkol.io.files import host_array, path_argument, read_bytes

if TYPE_CHECKING:
    import numpy as np

ELEMENT_TYPES = {
    0x08: "uint8",
    0x09: "int8",
    0x0B: "int16",
    0x0C: "int32",
    0x0D: "float32",
    0x0E: "float64",
}
"""The NumPy name of each element type, by its code in the file."""

_GZIP_MAGIC = b"\x1f\x8b"
_MOST_DIMENSIONS = 32
_WHAT = "an IDX file"


def read_idx(path: str | Path) -> np.ndarray:
    """The array in the IDX file at ``path``, plain or compressed with gzip.

    The content decides whether it is compressed, but a file whose name ends in ``.gz`` must be.

    Args:
        path: the file.

    Returns:
        A NumPy array in host memory, of the type that the file tells (``uint8 int8 int16 int32
        float32 float64``), in the machine's byte order.

    Raises:
        FileProblem: the file is missing, not compressed though its name says so, damaged, or no
            IDX file; the message names the path, what was expected and what was found.

    Example:
        >>> from eshkol.datasets.mnist import INCLUDED
        >>> read_idx(INCLUDED / "t10k-labels-idx1-ubyte.gz").shape
        (1500,)
    """
    path = path_argument("read-idx", path)
    return _decode(path, _uncompressed(path, read_bytes("read-idx", path, _WHAT)))


def write_idx(path: str | Path, array: Any) -> Any:
    """Write ``array`` to ``path`` as an IDX file, whole or not at all.

    A name that ends in ``.gz`` is compressed; the same array always gives the same bytes.

    Args:
        path: the file to create or replace.
        array: a tensor of one of the types that :func:`read_idx` returns.

    Raises:
        WrongType: IDX has no such element type.
        FileProblem: the file can't be written.
    """
    path = path_argument("write-idx", path)
    array = host_array("write-idx", array)
    codes = [code for code, name in ELEMENT_TYPES.items() if name == array.dtype.name]
    if not codes or array.ndim > _MOST_DIMENSIONS:
        raise WrongType(
            f"write-idx: expected a tensor of {', '.join(ELEMENT_TYPES.values())}, "
            f"got one of {array.dtype.name} and shape {array.shape}",
            hint="tensor-cast changes the type of a tensor's elements",
        )
    header = struct.pack(f">HBB{array.ndim}I", 0, codes[0], array.ndim, *array.shape)
    content = header + array.astype(array.dtype.newbyteorder(">")).tobytes()
    write_bytes("write-idx", path, _compressed(content) if path.suffix == ".gz" else content)
    return UNSPECIFIED


def _compressed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def _uncompressed(path: Path, content: bytes) -> bytes:
    if not content.startswith(_GZIP_MAGIC):
        if path.suffix == ".gz":
            raise _problem(path, f"{_WHAT} compressed with gzip", _beginning(content))
        return content
    try:
        return gzip.decompress(content)
    except EOFError:
        found = f"compressed data that stops too early ({len(content)} bytes)"
    except (OSError, zlib.error, struct.error) as error:
        found = f"damaged compressed data ({error})"
    raise _problem(path, f"{_WHAT} compressed with gzip", found)


def _decode(path: Path, content: bytes) -> np.ndarray:
    import numpy as np

    if len(content) < 4 or content[:2] != b"\0\0":
        raise _problem(path, f"{_WHAT} (it begins with two zero bytes)", _beginning(content))
    if content[2] not in ELEMENT_TYPES:
        codes = " ".join(f"{code:02x}" for code in ELEMENT_TYPES)
        raise _problem(path, f"an element type of {codes}", f"{content[2]:02x}")
    shape = _shape(path, content)
    dtype = np.dtype(ELEMENT_TYPES[content[2]]).newbyteorder(">")
    start = 4 + 4 * len(shape)
    expected = math.prod(shape) * dtype.itemsize
    if len(content) - start != expected:
        described = " x ".join(map(str, shape)) or "one element"
        raise _problem(
            path,
            f"{expected} bytes of elements ({described}, {ELEMENT_TYPES[content[2]]})",
            f"{len(content) - start}",
        )
    try:
        elements = np.frombuffer(content, dtype, offset=start) if expected else np.zeros(0, dtype)
        return elements.reshape(shape).astype(dtype.newbyteorder("="))
    except ValueError as error:
        raise _problem(path, "dimensions that an array can have", str(error)) from None


def _shape(path: Path, content: bytes) -> tuple[int, ...]:
    rank = content[3]
    if rank > _MOST_DIMENSIONS:
        raise _problem(path, f"at most {_MOST_DIMENSIONS} dimensions", f"{rank}")
    if len(content) < 4 + 4 * rank:
        raise _problem(path, f"{rank} dimensions", "a file that stops within them")
    return struct.unpack_from(f">{rank}I", content, 4)


def _beginning(content: bytes) -> str:
    return f"a file that begins with {content[:4].hex(' ')}" if content else "an empty file"


def _problem(path: Path, expected: str, found: str) -> FileProblem:
    return FileProblem(
        f"read-idx: expected {expected} at {path}, found {found}",
        hint="the file is damaged or of another kind: fetch or write it again",
    )
