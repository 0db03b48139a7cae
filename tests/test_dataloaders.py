"""Datasets and loaders, splits and scaling, and tensors in files."""

from __future__ import annotations

import json
import pickle

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from eshkol.base.errors import (
    BadValue,
    EshkolError,
    FileProblem,
    OutOfRange,
    ShapeError,
    StagingError,
    WrongType,
)
from eshkol.datum.pairs import NIL, cons, scheme_list
from eshkol.datum.symbols import intern
from eshkol.datum.values import Vector
from eshkol.datum.write import write_string
from eshkol.primitives.catalogue import builtin_namespace
from eshkol.session import Session

SCHEME = builtin_namespace()


def batches(loader):
    found = []
    while SCHEME["dataloader-has-next"](loader):
        found.append(SCHEME["dataloader-next"](loader))
    assert SCHEME["dataloader-next"](loader) is NIL
    return found


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 30), st.integers(1, 12), st.booleans(), st.booleans())
def test_batches_partition_the_rows(rows, size, shuffle, drop_last):
    data = np.arange(rows * 2, dtype="float32").reshape(rows, 2)
    loader = SCHEME["make-dataloader"](data, size, shuffle, drop_last=drop_last)
    found = batches(loader)
    assert len(found) == SCHEME["dataloader-length"](loader)
    sizes = [size] * (rows // size) + [rows % size] * (rows % size > 0 and not drop_last)
    assert [len(batch) for batch in found] == sizes
    seen = np.concatenate([*found, np.zeros((0, 2))])
    assert len({tuple(row) for row in seen.tolist()}) == len(seen)
    assert {tuple(row) for row in seen.tolist()} <= {tuple(row) for row in data.tolist()}
    if not shuffle:
        np.testing.assert_array_equal(seen, data[: len(seen)])
    SCHEME["dataloader-reset!"](loader)
    assert sum(len(batch) for batch in batches(loader)) == len(seen)


def test_shuffling_follows_the_seed():
    def orders(seed):
        SCHEME["rng-seed"](seed)
        loader = SCHEME["make-dataloader"](np.arange(20.0), 20, True)
        first = batches(loader)[0].tolist()
        SCHEME["dataloader-reset"](loader)
        return first, batches(loader)[0].tolist()

    assert orders(1) == orders(1)
    assert orders(1)[0] != orders(2)[0]
    assert orders(1)[0] != orders(1)[1]


def test_batches_of_datasets_and_of_other_values():
    dataset = SCHEME["make-dataset"](np.eye(3, dtype="float32"), scheme_list([5, 6, 7]))
    loader = SCHEME["make-dataloader"](dataset, 2)
    first, second = batches(loader)
    assert first.car.tolist() == [[1, 0, 0], [0, 1, 0]]
    assert (first.cdr.tolist(), first.cdr.dtype) == ([5, 6], "int32")
    assert second.cdr.tolist() == [7]
    words = SCHEME["make-dataloader"](scheme_list(["a", "b", "c"]), 2)
    assert batches(words) == [Vector(["a", "b"]), Vector(["c"])]
    whole = SCHEME["make-dataloader"](np.arange(3, dtype="int32"), 2)
    assert batches(whole)[0].dtype == "int32"


def test_datasets():
    dataset = SCHEME["make-dataset"](np.arange(6.0, dtype="float32").reshape(3, 2), [0.5, 1.5, 2.5])
    assert SCHEME["dataset-size"](dataset) == 3
    item = SCHEME["dataset-get-item"](dataset, 1)
    assert (item.car.tolist(), item.cdr) == ([2, 3], 1.5)
    part = SCHEME["dataset-slice"](dataset, 1, 3)
    assert SCHEME["dataset-get-item"](part, 0).cdr == 1.5
    assert repr(part) == "#<dataset of 2 examples>"


@pytest.mark.parametrize(
    ("rows", "ratio", "count"), [(10, 0.7, 7), (100, 0.29, 29), (5, 0.8, 4), (3, 0, 0), (3, 1, 3)]
)
def test_splits(rows, ratio, count):
    data = np.arange(rows, dtype="float32")
    train, test = SCHEME["train-test-split"](data, ratio)
    assert (train.tolist(), test.tolist()) == (data[:count].tolist(), data[count:].tolist())
    SCHEME["rng-seed"](7)
    train, test = SCHEME["train-test-split"](data, ratio, True)
    assert sorted(train.tolist() + test.tolist()) == data.tolist()
    assert len(train) == count


def test_scaling():
    x = np.random.default_rng(0).normal(3, 2, (6, 3)).astype("float32")
    x[:, 2] = 4
    scaled = np.asarray(SCHEME["standardize"](x))
    np.testing.assert_allclose(scaled[:, :2].mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(scaled[:, :2].std(0), 1, rtol=1e-5)
    assert (scaled[:, 2] == 0).all()
    np.testing.assert_allclose(SCHEME["normalize"](x, 3, 2), (x - 3) / 2, rtol=1e-6)
    np.testing.assert_allclose(SCHEME["normalize"](x[0]), x[0] / np.linalg.norm(x[0]), rtol=1e-6)


def test_a_loader_in_a_program():
    program = """
        (define loader (make-data-loader (make-dataset #(#(1.0) #(2.0) #(3.0)) #(2 4 6)) 2))
        (define total 0)
        (for-each (lambda (batch) (set! total (+ total (tensor-sum (car batch))))) loader)
        (list total (dataloader-has-next? loader))
    """
    assert write_string(Session().evaluate(program)) == "(6.0 #f)"


# ---- files

DTYPES = "bool int8 uint8 int16 int32 uint32 float16 bfloat16 float32 complex64".split()


@pytest.mark.parametrize("suffix", [".safetensors", ".bin", ".npy", ".npz", ""])
@pytest.mark.parametrize("shape", [(), (3,), (2, 0), (2, 3, 4)])
def test_a_tensor_comes_back(tmp_path, suffix, shape):
    tensor = jnp.asarray(np.random.default_rng(0).normal(size=shape), "float32")
    path = str(tmp_path / f"tensor{suffix}")
    assert SCHEME["tensor-save"](path, tensor) is True
    np.testing.assert_array_equal(SCHEME["tensor-load"](path), tensor)
    assert SCHEME["tensor-save"](tensor, path) is True
    assert SCHEME["tensor-load"](path).shape == shape


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_come_back(tmp_path, dtype):
    tensor = jnp.asarray([0, 1, 1], dtype)
    path = str(tmp_path / "tensor")
    SCHEME["tensor-save"](path, tensor)
    loaded = SCHEME["tensor-load"](path)
    assert (loaded.dtype, loaded.tolist()) == (tensor.dtype, tensor.tolist())


@pytest.mark.parametrize("suffix", ["", ".npz", ".em"])
def test_models_come_back_in_order(tmp_path, suffix):
    path = str(tmp_path / f"model{suffix}")
    entries = [cons("w", Vector([1, 2])), cons(intern("b"), jnp.ones((2, 1))), cons("a", 3.5)]
    SCHEME["model-save"](path, scheme_list(entries))
    loaded = list(SCHEME["model-load"](path))
    assert [pair.car for pair in loaded] == ["w", "b", "a"]
    assert [pair.cdr.shape for pair in loaded] == [(2,), (2, 1), ()]


def test_the_files_are_those_of_others(tmp_path):
    path = str(tmp_path / "model")
    SCHEME["model-save"](path, scheme_list([cons("w", jnp.ones(2))]))
    assert load_file(path)["w"].tolist() == [1, 1]
    for order in ("[1]", "x", json.dumps(["v"]), "7"):
        save_file({"w": np.ones(2, "float32")}, path, {"order": order})
        assert [pair.car for pair in SCHEME["model-load"](path)] == ["w"]


def test_a_closure_is_saved_by_its_variables(tmp_path):
    path = str(tmp_path / "model")
    program = (
        f'(define model (let ((w (ones 2))) (lambda (x) (* w x)))) (model-save "{path}" model)'
    )
    assert Session().evaluate(program) is True
    assert [pair.car for pair in SCHEME["model-load"](path)] == ["w"]


def test_pickles_are_not_read(tmp_path):
    path = tmp_path / "objects"
    for content in (pickle.dumps([1]), b"PK\x03\x04rest", b"\x93NUMPYrest", b""):
        path.write_bytes(content)
        with pytest.raises(FileProblem, match=str(path)):
            SCHEME["tensor-load"](str(path))
    np.save(tmp_path / "objects.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(FileProblem, match="or one of objects"):
        SCHEME["tensor-load"](str(tmp_path / "objects.npy"))


DATASET = SCHEME["make-dataset"](np.ones((2, 1)), [0, 1])


@pytest.mark.parametrize(
    ("name", "arguments", "error", "message"),
    [
        ("make-dataset", ([1, 2], [1]), ShapeError, "make-dataset: 2 examples and 1 labels"),
        ("make-dataset", (1, [1]), ShapeError, "make-dataset: expected a tensor, a vector or a"),
        ("dataset-size", (5,), WrongType, "dataset-size: expected a dataset, got 5"),
        ("dataset-get-item", (DATASET, 2), OutOfRange, "an index of 0 to 1 is expected, got 2"),
        ("dataset-get-item", (DATASET, 0.5), WrongType, "expected an exact integer as an index"),
        ("dataset-slice", (DATASET, 2, 1), OutOfRange, "a start of 0 to 1 is expected, got 2"),
        ("make-dataloader", ([1], 0), BadValue, "expected batches of at least 1, got 0"),
        ("make-dataloader", (jnp.ones(()), 1), ShapeError, "expected a tensor, a vector or a list"),
        ("dataloader-next", (5,), WrongType, "dataloader-next: expected a data loader, got 5"),
        ("dataloader-reset", (5,), WrongType, "dataloader-reset: expected a data loader, got 5"),
        ("train-test-split", ([1], 1.5), BadValue, "expected a ratio from 0 to 1, got 1.5"),
        ("train-test-split", ([1], "a"), BadValue, 'expected a ratio from 0 to 1, got "a"'),
        ("normalize", ([1], 2), BadValue, "got the mean alone"),
        ("tensor-save", (5, 6), WrongType, r"tensor-save: expected a path \(a string\), got 5"),
        ("tensor-save", ("/nowhere/at/all", [1]), FileProblem, "can't write /nowhere/at/all"),
        ("tensor-load", ("/nowhere",), FileProblem, "expected a file of tensors at /nowhere"),
        ("model-save", ("m", scheme_list([cons(1, 2)])), WrongType, "expected a string or symbol"),
        ("model-save", ("m", 5), WrongType, "model-save: 5 holds no tensors"),
        (
            "model-save",
            ("m", scheme_list([cons("a", 1), cons("a", 2)])),
            BadValue,
            "a name occurs twice",
        ),
        (
            "model-save",
            ("m.npy", scheme_list([cons("a", 1), cons("b", 2)])),
            BadValue,
            "a .npy file holds one tensor, got 2",
        ),
        ("tensor-save", ("m.npy", jnp.ones(1, "bfloat16")), WrongType, "can't hold bfloat16"),
    ],
)
def test_bad_arguments(name, arguments, error, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EshkolError, match=message) as caught:
        SCHEME[name](*arguments)
    assert type(caught.value) is error
    assert not list(tmp_path.iterdir())


def test_many_tensors_are_not_one(tmp_path):
    path = str(tmp_path / "model")
    SCHEME["model-save"](path, scheme_list([cons("a", 1), cons("b", 2)]))
    with pytest.raises(FileProblem, match=r"expected one tensor at .*, found 2"):
        SCHEME["tensor-load"](path)


@pytest.mark.parametrize("call", ["(make-dataloader x 1)", '(tensor-save "m" x)'])
def test_not_in_compiled_code(call):
    with pytest.raises(StagingError):
        Session().evaluate(f"((jit (lambda (x) {call} x)) (ones 2))")
