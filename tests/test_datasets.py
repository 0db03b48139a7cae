"""IDX files and MNIST: round trips, the included digits, and every way a file can be wrong."""

from __future__ import annotations

import gzip
import os
import shutil
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from eshkol.base.errors import ArityError, FileProblem, WrongType
from eshkol.datasets.idx import ELEMENT_TYPES, read_idx, write_idx
from eshkol.datasets.mnist import INCLUDED, load_mnist
from eshkol.datum.pairs import spine
from eshkol.datum.values import UNSPECIFIED, Vector
from eshkol.primitives import files as _declarations  # noqa: F401
from eshkol.primitives.declare import PRIMITIVES

FUZZ = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

NAMES = sorted(path.name for path in INCLUDED.glob("*.gz"))


# The format


@pytest.mark.parametrize("name", ["x", "x.gz"])
@FUZZ
@given(data=st.data())
def test_writing_and_reading_gives_the_same_array(tmp_path, name, data):
    dtype = np.dtype(data.draw(st.sampled_from(sorted(ELEMENT_TYPES.values()))))
    shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)
    array = data.draw(hnp.arrays(dtype, shapes))
    assert write_idx(tmp_path / name, array) is UNSPECIFIED
    back = read_idx(tmp_path / name)
    assert back.dtype == dtype
    assert back.shape == array.shape
    assert back.tobytes() == array.tobytes()


def test_the_bytes_are_those_of_the_format(tmp_path):
    write_idx(tmp_path / "x", np.array([[1, 2, -3]], np.int16))
    assert (tmp_path / "x").read_bytes() == bytes.fromhex(
        "0000 0b 02 00000001 00000003 0001 0002 fffd"
    )


def test_compressed_files_are_reproducible_and_plain_gzip(tmp_path):
    array = np.arange(1000, dtype=np.uint8)
    write_idx(tmp_path / "1.gz", array)
    write_idx(tmp_path / "2.gz", array)
    assert (tmp_path / "1.gz").read_bytes() == (tmp_path / "2.gz").read_bytes()
    assert gzip.decompress((tmp_path / "1.gz").read_bytes())[-1000:] == array.tobytes()


def test_compressed_content_without_the_ending(tmp_path):
    shutil.copy(INCLUDED / "t10k-labels-idx1-ubyte.gz", tmp_path / "labels")
    assert read_idx(tmp_path / "labels").shape == (1500,)


def test_arrays_of_other_libraries_and_other_layouts(tmp_path):
    import jax.numpy as jnp

    for array in (
        jnp.ones((2, 3)),
        np.arange(6, dtype="f4").reshape(2, 3).T,
        np.arange(3, dtype=">i4"),
    ):
        write_idx(tmp_path / "x", array)
        assert np.array_equal(read_idx(tmp_path / "x"), np.asarray(array))


def test_what_is_read_can_be_written_to(tmp_path):
    labels = read_idx(INCLUDED / NAMES[1])
    labels[0] = 7
    assert labels[0] == 7


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.zeros(3, np.int64), "got one of int64"),
        (np.zeros(3, bool), "got one of bool"),
        (np.zeros(3, np.complex64), "got one of complex64"),
        ("text", "expected a tensor"),
        (Vector([1, "a"]), "expected a tensor"),
        (np.zeros([1] * 33, np.uint8), "got one of uint8"),
    ],
)
def test_what_the_format_can_not_hold(tmp_path, value, message):
    with pytest.raises(WrongType, match=message):
        write_idx(tmp_path / "x", value)
    assert os.listdir(tmp_path) == []


# Files that are not what they should be


def idx(code=0x08, dims=(2, 3), data=bytes(6), magic=b"\0\0", rank=None):
    rank = len(dims) if rank is None else rank
    return magic + bytes([code, rank]) + struct.pack(f">{len(dims)}I", *dims) + data


WHOLE = gzip.compress(idx())

BROKEN = {
    "empty": ("x", b"", "begins with two zero bytes", "an empty file"),
    "empty gz": ("x.gz", b"", "compressed with gzip", "an empty file"),
    "text": ("x", b"hello", "two zero bytes", "begins with 68 65 6c 6c"),
    "one byte": ("x", b"\0", "two zero bytes", "begins with 00"),
    "wrong magic": ("x", idx(magic=b"\0\1"), "two zero bytes", "begins with 00 01 08 02"),
    "little-endian magic": ("x", idx()[3::-1] + idx()[4:], "two zero bytes", "02 08 00 00"),
    "unknown type": ("x", idx(code=0x0A), "element type of 08 09 0b 0c 0d 0e", "found 0a"),
    "dimensions cut off": ("x", idx()[:9], "2 dimensions", "stops within them"),
    "too many dimensions": ("x", idx(dims=[1] * 33, data=b"x"), "at most 32", "found 33"),
    "elements cut off": ("x", idx()[:-1], "6 bytes of elements (2 x 3, uint8)", "found 5"),
    "no elements": ("x", idx(data=b""), "6 bytes of elements", "found 0"),
    "too many elements": ("x", idx() + b"!", "6 bytes of elements", "found 7"),
    "enormous": ("x", idx(dims=[2**32 - 1] * 4), "bytes of elements", "found 6"),
    "enormous but empty": ("x", idx(dims=[2**32 - 1] * 4 + [0], data=b""), "an array can have", ""),
    "wider elements": ("x", idx(code=0x0E), "48 bytes of elements (2 x 3, float64)", "found 6"),
    "not compressed": ("x.gz", idx(), "compressed with gzip", "begins with 00 00 08 02"),
    "gzip cut off": ("x.gz", WHOLE[:-9], "compressed with gzip", "stops too early"),
    "gzip header alone": ("x.gz", WHOLE[:5], "compressed with gzip", "stops too early"),
    "gzip checksum": ("x.gz", WHOLE[:-8] + bytes(8), "compressed with gzip", "CRC check failed"),
    "gzip damaged": ("x.gz", WHOLE[:10] + b"\xff" * 9 + WHOLE[19:], "with gzip", "damaged"),
    "gzip followed by other data": ("x.gz", WHOLE + b"more", "with gzip", "damaged"),
    "compressed twice": ("x.gz", gzip.compress(WHOLE), "two zero bytes", "begins with 1f 8b"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_files(tmp_path, kind):
    name, content, expected, found = BROKEN[kind]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FileProblem) as caught:
        read_idx(path)
    first, second = caught.value.message.split(", found ")
    assert first.startswith("read-idx: expected ")
    assert first.endswith(f" at {path}")
    assert expected in first
    assert found in f"found {second}"
    assert caught.value.hint


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("none", "no such file or directory"),
        (".", "a directory"),
        ("w/x", "a file where the path needs a directory"),
    ],
)
def test_files_that_can_not_be_read(tmp_path, name, found):
    (tmp_path / "w").write_bytes(b"")
    with pytest.raises(FileProblem) as caught:
        read_idx(tmp_path / name)
    message = f"read-idx: expected an IDX file at {tmp_path / name}, found {found}"
    assert caught.value.message == message


@pytest.mark.parametrize("name", ["x", "x.gz"])
@FUZZ
@given(data=st.data())
def test_a_damaged_file_raises_nothing_but_a_file_problem(tmp_path, name, data):
    content = bytearray(idx() if name == "x" else WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    (tmp_path / name).write_bytes(content[:cut] if data.draw(st.booleans()) else content)
    try:
        array = read_idx(tmp_path / name)
    except FileProblem as problem:
        assert str(tmp_path / name) in problem.message
    else:
        assert array.dtype.name in ELEMENT_TYPES.values()


# MNIST


def test_the_included_digits():
    digits = load_mnist()
    assert digits.train_images.shape == (8500, 28, 28)
    assert digits.test_images.shape == (1500, 28, 28)
    assert {array.dtype.name for array in digits} == {"uint8"}
    counts = np.bincount(np.concatenate([digits.train_labels, digits.test_labels]))
    # How often each digit occurs among the first 10,000 training images of MNIST.
    assert counts.tolist() == [1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]


def test_digits_look_like_digits():
    digits = load_mnist()
    ink = digits.train_images.astype(float)
    assert ink[:, 10:18, 10:18].mean() > 5 * ink[:, :3].mean()
    means = np.stack([ink[digits.train_labels == d].mean(axis=0) for d in range(10)])
    test = digits.test_images.astype(float)
    distances = ((test[:, None] - means) ** 2).sum(axis=(2, 3))
    assert (distances.argmin(axis=1) == digits.test_labels).mean() > 0.75


@pytest.fixture
def folder(tmp_path):
    for name in NAMES:
        shutil.copy(INCLUDED / name, tmp_path)
    return tmp_path


def test_a_directory_of_plain_files(folder):
    for name in NAMES:
        content = gzip.decompress((folder / name).read_bytes())
        (folder / name.removesuffix(".gz")).write_bytes(content)
        (folder / name).unlink()
    for ours, theirs in zip(load_mnist(folder), load_mnist(), strict=True):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(FileProblem, match=f"{name}, found no such file"):
        load_mnist(folder)


@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_file_is_named(folder, name):
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(FileProblem, match=f"{name}, found compressed data that stops too early"):
        load_mnist(folder)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("train-labels-idx1-ubyte", np.zeros(7, np.uint8), "expected 8500 labels at .*found 7"),
        ("t10k-labels-idx1-ubyte", np.zeros(1501, np.uint8), "expected 1500 labels.*found 1501"),
        (
            "train-labels-idx1-ubyte",
            np.full(8500, 10, np.uint8),
            "labels from 0 to 9 at .*found 10",
        ),
        ("train-images-idx3-ubyte", np.zeros((5, 784), np.uint8), r"uint8 images .*\(5, 784\)"),
        ("t10k-images-idx3-ubyte", np.zeros((1500, 28, 28), np.float32), "found float32 of shape"),
        ("t10k-images-idx3-ubyte", np.zeros((1500, 14, 14), np.uint8), "images of one size in"),
        ("train-labels-idx1-ubyte", np.zeros((8500, 10), np.uint8), "uint8 labels .*found uint8"),
    ],
)
def test_files_that_do_not_belong_together(folder, name, array, message):
    write_idx(folder / name, array)
    with pytest.raises(FileProblem, match=message) as caught:
        load_mnist(folder)
    assert str(folder) in caught.value.message


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_the_directory_is_one(tmp_path, kind):
    path = tmp_path / kind
    if kind == "file":
        path.write_bytes(b"")
    with pytest.raises(FileProblem) as caught:
        load_mnist(path)
    assert f"at {path}, found {'a file' if kind == 'file' else 'nothing'}" in caught.value.message
    assert "(load-mnist)" in caught.value.hint


# From Scheme


def test_the_scheme_procedures(tmp_path):
    images, labels, test_images, test_labels = spine(PRIMITIVES["load-mnist"].function())[0]
    assert images.shape[0] == labels.shape[0] == 8500
    assert test_images.shape[0] == test_labels.shape[0] == 1500
    path = str(tmp_path / "labels.idx.gz")
    assert PRIMITIVES["write-idx"].function(path, labels) is UNSPECIFIED
    assert np.array_equal(PRIMITIVES["read-idx"].function(path), labels)
    with pytest.raises(ArityError, match="read-idx takes 1 argument, got 0"):
        PRIMITIVES["read-idx"].function()
    with pytest.raises(WrongType, match=r"read-idx: expected a path \(a string\), got 5"):
        PRIMITIVES["read-idx"].function(5)
