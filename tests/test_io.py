"""Atomic writing and safetensors files: round trips, and a clear error for everything else."""

from __future__ import annotations

import errno
import json
import os
import struct
import subprocess
import sys
import textwrap
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import torch as safetensors_torch

from eshkol.base.errors import BadValue, FileProblem, StagingError, WrongType
from eshkol.datum.pairs import scheme_list
from eshkol.io.atomic import replacing, write_bytes
from eshkol.io.files import path_argument
from eshkol.io.weights import DTYPES, load_tensors, match_tensors, save_tensors

FUZZ = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


# Atomic writing


def test_writes_and_replaces(tmp_path):
    path = tmp_path / "file"
    for content in (b"first", b"", b"second" * 1000):
        write_bytes("test", path, content)
        assert path.read_bytes() == content
        assert os.listdir(tmp_path) == ["file"]


def test_new_files_get_the_usual_mode_and_old_ones_keep_theirs(tmp_path):
    plain, written = tmp_path / "plain", tmp_path / "written"
    plain.write_bytes(b"")
    write_bytes("test", written, b"")
    assert written.stat().st_mode == plain.stat().st_mode
    written.chmod(0o640)
    write_bytes("test", written, b"again")
    assert written.stat().st_mode & 0o777 == 0o640


def test_a_symbolic_link_stays_one(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    link.symlink_to(target)
    write_bytes("test", link, b"through")
    assert link.is_symlink()
    assert target.read_bytes() == b"through"


def test_a_reader_never_sees_half_a_file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with replacing("test", path) as file:
        file.write(b"ne")
        file.flush()
        assert path.read_bytes() == b"old"
        file.write(b"w")
    assert path.read_bytes() == b"new"


class Interrupted(BaseException):
    """Stands for Ctrl-C and the like."""


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, Interrupted])
def test_an_error_while_writing_leaves_the_old_file(tmp_path, error):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(error), replacing("test", path) as file:
        file.write(b"half")
        raise error
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("step", ["tempfile.mkstemp", "os.fchmod", "os.fsync", "os.replace"])
@pytest.mark.parametrize("code", ["ENOSPC", "EACCES", "EROFS", "EIO", "EDQUOT", "ENAMETOOLONG"])
def test_each_failing_step_is_told_and_leaves_nothing(tmp_path, monkeypatch, step, code):
    number = getattr(errno, code)

    def fail(*arguments, **options):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(step, fail)
    path = tmp_path / "file"
    with pytest.raises(FileProblem) as caught:
        write_bytes("save", path, b"content")
    assert caught.value.message == f"save: can't write {path}: {os.strerror(number).lower()}"
    assert caught.value.hint or code == "EIO"
    assert os.listdir(tmp_path) == []


def test_a_disk_that_fills_up_leaves_nothing(tmp_path):
    code = f"""
        import resource
        from pathlib import Path
        from eshkol.base.errors import FileProblem
        from eshkol.io.atomic import write_bytes
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            write_bytes("save", Path({str(tmp_path / "file")!r}), bytes(100_000))
        except FileProblem as problem:
            print(problem.message)
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True
    )
    assert result.stdout == f"save: can't write {tmp_path / 'file'}: file too large\n"
    assert os.listdir(tmp_path) == []


def a_directory(tmp_path):
    return tmp_path, "it is a directory"


def a_missing_directory(tmp_path):
    return tmp_path / "none" / "file", "no such file or directory"


def a_file_as_directory(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    return tmp_path / "file" / "x", "not a directory"


def a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe", "a device or pipe"


def a_device(tmp_path):
    return Path("/dev/null"), "a device or pipe"


def a_long_name(tmp_path):
    return tmp_path / ("x" * 300), "file name too long"


def a_directory_that_takes_no_files(tmp_path):
    return Path("/proc/self/x"), "no such file or directory"


def a_circular_link(tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    return tmp_path / "loop", "too many levels of symbolic links"


UNWRITABLE = [
    a_directory,
    a_missing_directory,
    a_file_as_directory,
    a_pipe,
    a_device,
    a_long_name,
    a_directory_that_takes_no_files,
    a_circular_link,
]


@pytest.mark.parametrize("situation", UNWRITABLE, ids=lambda f: f.__name__)
def test_unwritable_paths(tmp_path, situation):
    path, found = situation(tmp_path)
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(FileProblem) as caught:
        save_tensors(path, {"w": np.zeros(3)})
    assert caught.value.message.startswith(f"save-weights: can't write {path}: ")
    assert found in caught.value.message
    assert sorted(os.listdir(tmp_path)) == before


def test_a_read_only_file_is_not_replaced(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"precious")
    monkeypatch.setattr("os.access", lambda *arguments: False)
    with pytest.raises(FileProblem, match="permission denied"):
        write_bytes("save", path, b"new")
    assert path.read_bytes() == b"precious"


@pytest.mark.parametrize("value", [5, None, ["a"], 1.5])
def test_a_path_is_a_string(value):
    with pytest.raises(WrongType, match=r"load: expected a path \(a string\), got"):
        path_argument("load", value)


@pytest.mark.parametrize("value", ["", "a\0b"])
def test_strings_that_are_no_path(value):
    with pytest.raises(FileProblem, match="expected the path of a file"):
        path_argument("load", value)


# Named tensors


def dtype_named(name):
    return np.dtype(getattr(ml_dtypes, name, None) or name)


@pytest.mark.parametrize("name", sorted(DTYPES.values()))
@pytest.mark.parametrize("shape", [(), (1,), (0,), (3, 0, 2), (2, 3, 4)])
def test_every_type_and_shape_round_trips(tmp_path, name, shape):
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype_named(name))
    save_tensors(tmp_path / "w", {"x": array})
    loaded = load_tensors(tmp_path / "w")[0]["x"]
    assert loaded.dtype == array.dtype
    assert loaded.shape == shape
    assert np.array_equal(loaded, array)


def test_names_and_metadata_round_trip(tmp_path):
    tensors = {"conv1.w": np.ones(2), "λ (2)": np.zeros(1), "": np.zeros(0)}
    metadata = {"program": "mnist.esk", "naïve": '"quoted"\n'}
    save_tensors(tmp_path / "w", tensors, metadata)
    loaded, kept = load_tensors(tmp_path / "w")
    assert loaded.keys() == tensors.keys()
    assert kept == metadata


def test_no_tensors_at_all(tmp_path):
    save_tensors(tmp_path / "w", {})
    assert load_tensors(tmp_path / "w") == ({}, {})


def test_equal_tensors_give_equal_files(tmp_path):
    tensors = {"b": np.ones(2), "a": np.zeros(3, np.float32)}
    save_tensors(tmp_path / "1", tensors, {"k": "v"})
    save_tensors(tmp_path / "2", dict(reversed(tensors.items())), {"k": "v"})
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12.0).reshape(3, 4).T,
        np.arange(12.0)[::-2],
        np.arange(6, dtype=">i4"),
        np.broadcast_to(np.float32(3.0), (2, 2)),
    ],
    ids=["transposed", "strided", "big-endian", "broadcast"],
)
def test_any_memory_layout_is_saved_by_value(tmp_path, array):
    save_tensors(tmp_path / "w", {"x": array})
    assert np.array_equal(load_tensors(tmp_path / "w")[0]["x"], array)


def test_loaded_tensors_can_be_written_to(tmp_path):
    save_tensors(tmp_path / "w", {"x": np.zeros(2)})
    loaded = load_tensors(tmp_path / "w")[0]["x"]
    loaded[0] = 1.0
    assert loaded[0] == 1.0


def test_jax_arrays_and_scheme_data_are_tensors(tmp_path):
    import jax.numpy as jnp

    nested = scheme_list([scheme_list([1.0, 2.0]), scheme_list([3.0, 4.0])])
    save_tensors(tmp_path / "w", {"jax": jnp.ones(3, jnp.bfloat16), "list": nested})
    loaded, _ = load_tensors(tmp_path / "w")
    assert loaded["jax"].dtype == ml_dtypes.bfloat16
    assert loaded["list"].tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_other_libraries_read_and_write_the_same_files(tmp_path):
    save_tensors(tmp_path / "ours", {"x": np.arange(6.0).reshape(2, 3)}, {"k": "v"})
    assert np.array_equal(
        safetensors.numpy.load_file(tmp_path / "ours")["x"], [[0, 1, 2], [3, 4, 5]]
    )
    theirs = {"y": torch.tensor([1.5, -2.0], dtype=torch.bfloat16)}
    safetensors_torch.save_file(theirs, tmp_path / "theirs", {"from": "torch"})
    loaded, metadata = load_tensors(tmp_path / "theirs")
    assert loaded["y"].astype(float).tolist() == [1.5, -2.0]
    assert metadata == {"from": "torch"}


@pytest.mark.parametrize(
    ("tensors", "metadata", "error", "message"),
    [
        ({"x": "abc"}, None, WrongType, "expected a tensor"),
        ({"x": None}, None, WrongType, "expected a tensor"),
        ({"x": [[1.0], [1.0, 2.0]]}, None, WrongType, "expected a tensor"),
        ({"x": np.array(["a"])}, None, WrongType, "expected a tensor"),
        ({"x": np.zeros(2, np.complex128)}, None, WrongType, "x has elements of type complex128"),
        ({"__metadata__": np.zeros(2)}, None, BadValue, "other than __metadata__"),
        ({1: np.zeros(2)}, None, BadValue, "expected a string"),
        ({"x": np.zeros(2)}, {"epoch": 3}, BadValue, "expected metadata of strings"),
    ],
)
def test_what_can_not_be_saved(tmp_path, tensors, metadata, error, message):
    with pytest.raises(error, match=message):
        save_tensors(tmp_path / "w", tensors, metadata)
    assert os.listdir(tmp_path) == []


def test_saving_while_staging_says_what_to_do(tmp_path):
    import jax

    def step(x):
        save_tensors(tmp_path / "w", {"x": x})
        return x

    with pytest.raises(StagingError) as caught:
        jax.jit(step)(1.0)
    assert "outside of jit" in caught.value.hint


# Files that are not what they should be


def header(entries, data=b"", length=None):
    text = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


ONE = {"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}

FOREIGN = {
    "empty": (b"", "an empty file"),
    "text": (b"(define x 5)\n", "damaged or foreign"),
    "zip": (b"PK\x03\x04" + bytes(40), "zip archive"),
    "numpy": (b"\x93NUMPY\x01\x00" + bytes(80), "NumPy array"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(80), "HDF5"),
    "gzip": (b"\x1f\x8b\x08" + bytes(40), "gzip file"),
    "pickle": (b"\x80\x04\x95" + bytes(40), "pickle"),
    "short": (b"\x01\x02", "damaged or foreign"),
    "zeros": (bytes(100), "damaged or foreign"),
    "header too long": (header(ONE, bytes(4), length=10_000), "damaged or foreign"),
    "header enormous": (header(ONE, bytes(4), length=2**63), "damaged or foreign"),
    "header no JSON": (header(b"{nonsense}"), "damaged or foreign"),
    "header no table": (header(b"[1, 2]"), "damaged or foreign"),
    "data missing": (header(ONE), "damaged or foreign"),
    "data too short": (header(ONE, bytes(3)), "damaged or foreign"),
    "data too long": (header(ONE, bytes(5)), "damaged or foreign"),
    "unknown type": (
        header({"x": {"dtype": "F3", "shape": [1], "data_offsets": [0, 4]}}, bytes(4)),
        "damaged or foreign",
    ),
    "shape of another size": (
        header({"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, bytes(4)),
        "damaged or foreign",
    ),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_foreign_and_damaged_files(tmp_path, kind):
    content, found = FOREIGN[kind]
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    with pytest.raises(FileProblem) as caught:
        load_tensors(path)
    assert caught.value.message.startswith(
        f"load-weights: expected a safetensors file at {path}, found "
    )
    assert found in caught.value.message
    assert "\n" not in caught.value.message


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
        load_tensors(tmp_path / name)
    message = f"load-weights: expected a safetensors file at {tmp_path / name}, found {found}"
    assert caught.value.message == message
    assert caught.value.hint


@FUZZ
@given(data=st.data())
def test_a_damaged_file_raises_nothing_but_a_file_problem(tmp_path, data):
    tensors = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.ones(4, np.int8)}
    content = bytearray(safetensors.numpy.save(tensors, {"k": "v"}))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    path = tmp_path / "w"
    path.write_bytes(content[:cut] if data.draw(st.booleans()) else content)
    try:
        loaded, metadata = load_tensors(path)
    except FileProblem as problem:
        assert str(path) in problem.message
    else:
        assert all(array.size for array in loaded.values())
        assert isinstance(metadata, dict)


# Weights of another model

MODEL = {"w": ((2, 3), "float32"), "b": ((3,), "float32")}


def test_element_types_match_by_name():
    tensors = {"w": np.ones(2, ml_dtypes.bfloat16)}
    match_tensors("w", tensors, {"w": ((2,), "bfloat16")})
    match_tensors("w", tensors, {"w": ((2,), np.dtype(ml_dtypes.bfloat16))})
    with pytest.raises(FileProblem, match="1 of another shape or type"):
        match_tensors("w", tensors, {"w": ((2,), np.dtype("float16"))})


def test_weights_of_the_same_model():
    match_tensors("w", {"w": np.zeros((2, 3), "f4"), "b": np.zeros(3, "f4")}, MODEL)


@pytest.mark.parametrize(
    ("loaded", "summary", "line"),
    [
        ({"w": ((2, 3), "f4")}, "1 missing", "missing in the file: b, f32[3]"),
        ({}, "2 missing", "missing in the file: w, f32[2,3]"),
        (
            {"w": ((2, 3), "f4"), "b": ((3,), "f4"), "c": ((), "i4")},
            "1 unknown",
            "unknown to the model: c, i32[]",
        ),
        (
            {"w": ((3, 2), "f4"), "b": ((3,), "f4")},
            "1 of another shape or type",
            "w is f32[3,2] in the file, f32[2,3] in the model",
        ),
        (
            {"w": ((2, 3), "f8"), "b": ((3,), "f4")},
            "1 of another shape or type",
            "w is f64[2,3] in the file, f32[2,3] in the model",
        ),
        (
            {"w": ((2,), "f4"), "v": ((3,), "f4")},
            "1 missing, 1 unknown, 1 of another shape or type",
            "unknown to the model: v, f32[3]",
        ),
    ],
)
def test_weights_of_another_model(loaded, summary, line):
    arrays = {name: np.zeros(shape, dtype) for name, (shape, dtype) in loaded.items()}
    with pytest.raises(FileProblem) as caught:
        match_tensors("m.safetensors", arrays, MODEL)
    assert caught.value.message == (
        "load-weights: expected this model's 2 tensors at m.safetensors, "
        f"found a weights file of another model: {summary}"
    )
    assert line in caught.value.hint.splitlines()


def test_a_long_list_of_differences_is_cut():
    expected = {f"w{i}": ((1,), "float32") for i in range(30)}
    with pytest.raises(FileProblem) as caught:
        match_tensors("m", {}, expected)
    assert caught.value.hint.splitlines()[-1] == "and 22 more"
    assert "30 missing" in caught.value.message
