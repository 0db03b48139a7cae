"""Batches, metrics and the progress bar."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eshkol.base.errors import (
    BadValue,
    EshkolError,
    OutOfRange,
    ShapeError,
    StagingError,
    WrongType,
)
from eshkol.datum.pairs import NIL, cons, is_list, scheme_list
from eshkol.datum.symbols import intern
from eshkol.datum.values import HashTable, Vector
from eshkol.primitives import training as _declarations  # noqa: F401
from eshkol.primitives.declare import PRIMITIVES
from eshkol.train import progress
from eshkol.train.batches import shuffled_batches
from eshkol.train.metrics import accuracy, confusion_matrix, confusion_matrix_text
from eshkol.train.progress import ProgressBar, progress_bar, update_progress

QUICK = settings(max_examples=100, deadline=None)


# Batches


@QUICK
@given(st.integers(0, 200), st.integers(1, 50), st.integers(0, 2**70), st.booleans())
def test_batches_partition_the_indices(count, size, seed, drop_last):
    batches = shuffled_batches(count, size, seed, drop_last=drop_last)
    lengths = [len(batch) for batch in batches]
    if drop_last:
        assert lengths == [size] * (count // size)
    else:
        assert lengths == [size] * (count // size) + [count % size] * (count % size > 0)
    indices = np.concatenate([*batches, np.zeros(0, np.int32)])
    assert indices.dtype == np.int32
    assert len(set(indices.tolist())) == len(indices)
    assert set(indices.tolist()) <= set(range(count))


def test_the_order_is_the_same_everywhere():
    assert shuffled_batches(8, 4, 42)[0].tolist() == [4, 1, 3, 6]
    assert [b.tolist() for b in shuffled_batches(100, 9, 5)] == [
        b.tolist() for b in shuffled_batches(100, 9, 5)
    ]


def test_another_seed_gives_another_order():
    orders = {tuple(shuffled_batches(50, 50, seed)[0].tolist()) for seed in range(100)}
    assert len(orders) == 100


def test_every_position_is_equally_likely():
    firsts = [shuffled_batches(10, 10, seed)[0][0] for seed in range(5000)]
    counts = np.bincount(firsts, minlength=10)
    chi_squared = ((counts - 500) ** 2 / 500).sum()
    assert chi_squared < 27.9  # 99.9 % of true shuffles stay below, with 9 degrees of freedom


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((1.5, 2), WrongType, "a number of examples"),
        ((True, 2), WrongType, "a number of examples"),
        ((10, "a"), WrongType, "a batch size"),
        ((10, 2, 0.5), WrongType, "a seed"),
        ((-1, 2), BadValue, "a number of examples of at least 0, got -1"),
        ((10, 0), BadValue, "a batch size of at least 1, got 0"),
        ((10, 2, -1), BadValue, "a seed of at least 0, got -1"),
    ],
)
def test_wrong_arguments_of_batches(arguments, error, message):
    with pytest.raises(error, match=message):
        shuffled_batches(*arguments)


def test_scheme_batches():
    batches = PRIMITIVES["shuffled-batches"].function(10, 4, 7, drop_last=False)
    assert is_list(batches)
    assert [len(batch) for batch in batches] == [4, 4, 2]


# Metrics

CLASSES = st.integers(1, 6).flatmap(
    lambda size: st.tuples(
        st.just(size),
        st.lists(
            st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)), min_size=1, max_size=40
        ),
    )
)


@QUICK
@given(CLASSES)
def test_metrics_against_counting(case):
    size, pairs = case
    predictions, targets = zip(*pairs, strict=True)
    counted = [[pairs.count((p, t)) for p in range(size)] for t in range(size)]
    right = sum(p == t for p, t in pairs)
    matrix = confusion_matrix(np.array(predictions), np.array(targets), size)
    assert matrix.tolist() == counted
    assert matrix.dtype == np.int32
    assert accuracy(np.array(predictions), np.array(targets)) == pytest.approx(right / len(pairs))
    assert np.trace(matrix) == right


SAME = {
    "list": scheme_list([2, 0, 1]),
    "vector": Vector([2, 0, 1]),
    "numpy": np.array([2, 0, 1]),
    "bytes": np.array([2, 0, 1], np.uint8),
    "reals": np.array([2.0, 0.0, 1.0]),
    "scores": np.array([[0.1, 0.2, 0.9], [3.0, 1.0, -1.0], [0.0, 1.0, 0.0]]),
    "nested list": scheme_list([scheme_list([0, 0, 1]), scheme_list([1, 0, 0]), Vector([0, 1, 0])]),
}


@pytest.mark.parametrize("predictions", SAME.values(), ids=SAME)
@pytest.mark.parametrize("targets", SAME.values(), ids=SAME)
def test_every_kind_of_classes_means_the_same(predictions, targets):
    assert accuracy(predictions, targets) == 1.0
    assert confusion_matrix(predictions, targets).tolist() == np.eye(3, dtype=int).tolist()


def test_scikit_learn_convention():
    # The example in the documentation of sklearn.metrics.confusion_matrix.
    matrix = confusion_matrix([0, 0, 2, 2, 0, 2], [2, 0, 2, 2, 0, 1])
    assert matrix.tolist() == [[2, 0, 0], [0, 0, 1], [1, 0, 2]]


def test_metrics_can_be_staged():
    import jax
    import jax.numpy as jnp

    predictions, targets = jnp.array([[0.0, 1.0], [2.0, 1.0], [0.0, 3.0]]), jnp.array([1, 0, 0])
    staged = jax.jit(lambda p, t: (accuracy(p, t), confusion_matrix(p, t, 2)))
    share, matrix = staged(predictions, targets)
    assert share.dtype == jnp.float32
    assert float(share) == pytest.approx(accuracy(predictions, targets))
    assert matrix.dtype == jnp.int32
    assert matrix.tolist() == confusion_matrix(predictions, targets, 2).tolist()
    mixed = jax.jit(lambda p: confusion_matrix(p, [1, 0, 0], 2))(predictions)
    assert mixed.tolist() == matrix.tolist()
    with pytest.raises(StagingError, match="number of classes is not known"):
        jax.jit(confusion_matrix)(predictions, targets)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: accuracy([1], [1, 2]), ShapeError, "as many predictions as targets.*got 1 and 2"),
        (lambda: accuracy([], []), ShapeError, "at least one, got 0 and 0"),
        (lambda: accuracy(np.zeros((2, 2, 2)), [1, 2]), ShapeError, r"shape \(2, 2, 2\)"),
        (lambda: accuracy("abc", [1]), WrongType, "accuracy: expected a tensor"),
        (lambda: accuracy([0.5], [1]), BadValue, "whole numbers as classes, got 0.5"),
        (lambda: confusion_matrix([0, 3], [0, 1], 3), OutOfRange, "from 0 to 2, got 3"),
        (lambda: confusion_matrix([0, -1], [0, 1]), OutOfRange, "got -1"),
        (lambda: confusion_matrix([0], [0], 2.0), WrongType, "a number of classes, got 2.0"),
        (lambda: confusion_matrix_text([[1, 2]]), ShapeError, r"square matrix.*\(1, 2\)"),
        (lambda: confusion_matrix_text([[1]], ["a", "b"]), BadValue, "expected 1 names, got 2"),
    ],
)
def test_wrong_arguments_of_metrics(call, error, message):
    with pytest.raises(error, match=message) as caught:
        call()
    assert isinstance(caught.value, EshkolError)


def test_the_table_of_a_confusion_matrix():
    text = confusion_matrix_text(
        [[90, 10, 0], [0, 5, 0], [0, 0, 0]], scheme_list(["cat", "dog", intern("x")])
    )
    assert text == (
        "true \\ predicted  cat  dog  x  recall\n"
        "             cat   90   10  0   90.0%\n"
        "             dog    0    5  0  100.0%\n"
        "               x    0    0  0       -\n"
    )


# The progress bar


@pytest.fixture(autouse=True)
def _no_open_bar():
    progress.close_active()
    yield
    progress.close_active()


def test_plain_lines_where_there_is_no_terminal(capsys):
    with ProgressBar(4, "epoch 1") as bar:
        for step in range(4):
            bar.update(loss=1.0 / (step + 1), accuracy=np.float32(0.5))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert re.fullmatch(r"epoch 1  4/4 \(100%\)  loss 0\.25  accuracy 0\.5  \d+\.\d s", lines[0])


def test_plain_lines_come_now_and_then(capsys, monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    bar = ProgressBar(20)
    for _ in range(20):
        bar.update()
    shown = [line.split()[0] for line in capsys.readouterr().err.splitlines()]
    # The clock is read once by each update and once more by each line: five seconds between lines.
    assert shown == ["5/20", "9/20", "13/20", "17/20", "20/20"]


class Watched:
    """A metric that tells how often it was read."""

    shape = ()
    dtype = "float32"
    reads = 0

    def item(self):
        self.reads += 1
        return 0.125


def test_metrics_are_read_only_when_they_are_shown(capsys):
    metric = Watched()
    bar = ProgressBar(100)
    for _ in range(99):
        bar.update(loss=metric)
    assert metric.reads == 0
    bar.update()
    assert metric.reads == 1
    assert "loss 0.125" in capsys.readouterr().err


def table_of(**entries):
    table = HashTable()
    for name, value in entries.items():
        table[intern(name)] = value
    return table


@pytest.mark.parametrize(
    ("arguments", "options", "text"),
    [
        ([], {}, ""),
        ([scheme_list([cons(intern("loss"), 0.5)])], {}, "loss 0.5"),
        ([scheme_list([scheme_list(["loss", 0.5]), cons("n", 3)])], {}, "loss 0.5  n 3"),
        ([NIL], {}, ""),
        ([table_of(loss=0.123456, kind=intern("fast"))], {}, "loss 0.1235  kind fast"),
        ([], {"loss": 0.5}, "loss 0.5"),
        ([1, scheme_list([cons("loss", 0.5)])], {}, "loss 0.5"),
        ([np.int32(1)], {"current": 2}, "current 2"),
    ],
)
def test_every_way_to_give_metrics(arguments, options, text):
    bar = progress_bar(10, "x")
    update_progress(bar, *arguments, **options)
    assert bar.current == 1
    assert bar.metrics_text() == text
    bar.close()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: progress_bar("x"), WrongType, "progress-bar: expected a number of steps"),
        (lambda: progress_bar(-1), BadValue, "a number of steps from 0, got -1"),
        (lambda: update_progress(5), WrongType, "expected a progress bar, got 5"),
        (lambda: update_progress(progress_bar(2), 0.5), WrongType, "expected metrics, got 0.5"),
        (
            lambda: update_progress(progress_bar(2), scheme_list([1, 2])),
            WrongType,
            "expected metrics",
        ),
    ],
)
def test_wrong_arguments_of_the_progress_bar(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_metric_that_is_being_staged():
    import jax

    bar = progress_bar(10)
    with pytest.raises(StagingError, match="not known while staging"):
        jax.jit(lambda x: update_progress(bar, loss=x) and x)(1.0)


def test_a_new_bar_closes_the_one_before(capsys):
    first = ProgressBar(10, "first")
    ProgressBar(10, "second").close()
    first.update(10)
    shown = [line.split()[0] for line in capsys.readouterr().err.splitlines()]
    assert shown == ["first", "second"]


def test_no_steps_at_all(capsys):
    ProgressBar(0, "empty")
    assert "empty  0/0 (100%)" in capsys.readouterr().err


def on_a_terminal(code: str) -> str:
    """What a program writes to standard error when that is a terminal."""
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"}
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stderr=slave, env=environment
    )
    os.close(slave)
    chunks = []
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:
            break
        if not chunk:
            break
        chunks.append(chunk)
    assert process.wait(30) in (0, 1)
    os.close(master)
    return b"".join(chunks).decode()


def test_a_terminal_shows_a_bar():
    text = on_a_terminal("""
        import time
        from eshkol.train.progress import ProgressBar
        with ProgressBar(30, "epoch [1]") as bar:
            for step in range(30):
                time.sleep(0.02)
                bar.update(loss=0.25)
    """)
    assert "epoch [1]" in text
    assert "30/30" in text
    assert "loss 0.25" in text
    assert text.count("\r") > 3
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")  # the cursor is back


def test_an_error_in_the_loop_gives_the_terminal_back():
    text = on_a_terminal("""
        from eshkol.train.progress import ProgressBar
        bar = ProgressBar(30, "epoch")
        bar.update()
        raise ValueError("in the loop")
    """)
    assert "in the loop" in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")


def test_the_scheme_procedures(capsys):
    bar = PRIMITIVES["progress-bar"].function(2, "x")
    PRIMITIVES["update-progress"].function(bar, 1, loss=0.5)
    assert repr(bar) == "#<progress-bar 1/2>"
    bar.close()
    predictions, labels = scheme_list([0, 1]), scheme_list([0, 0])
    assert PRIMITIVES["accuracy"].function(predictions, labels) == 0.5
    matrix = PRIMITIVES["confusion-matrix"].function(predictions, labels, 2)
    assert matrix.tolist() == [[1, 1], [0, 0]]
    PRIMITIVES["display-confusion-matrix"].function(matrix)
    assert capsys.readouterr().out == confusion_matrix_text(matrix)
