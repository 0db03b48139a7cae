"""The examples, the README's programs and the notebooks run as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rows import one_in

ROOT = Path(__file__).resolve().parent.parent
ESHKOL = [sys.executable, "-m", "eshkol"]


def run(*command: str, cwd: Path, timeout: int = 300) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=timeout
    )


def accuracy(output: str) -> float:
    """The test accuracy that a program printed, in percent."""
    found = re.search(r"test accuracy: ([\d.]+) %", output)
    assert found, output
    return float(found.group(1))


def test_the_perceptron_separates_its_points(tmp_path):
    result = run(*ESHKOL, "run", str(ROOT / "examples/perceptron.esk"), cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "right: 12 of 12" in result.stdout


def test_the_perceptron_needs_no_jax(tmp_path):
    program = f"""
import sys
from eshkol.session import Session
Session().load({str(ROOT / "examples/perceptron.esk")!r})
assert not {{"jax", "numpy", "numba"}} & set(sys.modules)
"""
    result = run(sys.executable, "-c", program, cwd=tmp_path)
    assert result.returncode == 0, result.stderr


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> tuple[Path, str]:
    """A folder with weights of two epochs, and what the training printed."""
    folder = tmp_path_factory.mktemp("mnist")
    mnist = str(ROOT / "examples/mnist.esk")
    result = run(*ESHKOL, "run", mnist, "--epochs", "2", "--save", "w.safetensors", cwd=folder)
    assert result.returncode == 0, result.stderr
    assert os.listdir(folder) == ["w.safetensors"]
    return folder, result.stdout


def test_mnist_learns(trained):
    assert accuracy(trained[1]) > 94
    assert "recall" in trained[1]


def test_saved_weights_evaluate_to_the_same(trained):
    folder, output = trained
    mnist = str(ROOT / "examples/mnist.esk")
    result = run(*ESHKOL, "run", mnist, "--load", "w.safetensors", cwd=folder)
    assert result.returncode == 0, result.stderr
    assert accuracy(result.stdout) == accuracy(output)


def test_weights_are_named_by_their_variables(trained):
    from safetensors.numpy import load_file

    assert sorted(load_file(trained[0] / "w.safetensors")) == [
        f"{layer}.{tensor}"
        for layer in ("conv1", "conv2", "dense1", "dense2")
        for tensor in ("bias", "weight")
    ]


BAD_RUNS = [
    (["--load", "absent.safetensors"], r"absent\.safetensors.*no such file"),
    (["--load", "other.safetensors"], r"other\.safetensors"),
    (["--load", "broken.safetensors"], r"broken\.safetensors"),
    (["--data", "nowhere"], r"nowhere"),
    (["--data", "damaged"], r"damaged"),
    (["--epochs", "0", "--save", "absent/w.safetensors"], r"absent/w\.safetensors"),
    (["--epochs", "many"], r"--epochs needs a whole number, got many"),
    (["--save"], r"--save needs a value"),
]


@pytest.mark.parametrize(("arguments", "message"), one_in(2, BAD_RUNS))
def test_bad_files_and_options_are_told_clearly(tmp_path, arguments, message):
    import numpy as np
    from safetensors.numpy import save_file

    save_file({"w": np.zeros(3, np.float32)}, tmp_path / "other.safetensors")
    (tmp_path / "broken.safetensors").write_bytes(b"not weights at all")
    (tmp_path / "damaged").mkdir()
    for name in ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"):
        (tmp_path / "damaged" / name).write_bytes(b"\x1f\x8b damaged")
    before = sorted(tmp_path.rglob("*"))
    result = run(*ESHKOL, "run", str(ROOT / "examples/mnist.esk"), *arguments, cwd=tmp_path)
    assert result.returncode == 1
    assert re.search(message, result.stderr), result.stderr
    assert "Traceback" not in result.stderr
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.slow
def test_mnist_from_python_learns(tmp_path):
    script = str(ROOT / "examples/mnist_from_python.py")
    result = run(sys.executable, script, "--epochs", "1", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert accuracy(result.stdout) > 90


def readme_blocks(language: str) -> list[str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_the_scheme_of_the_readme_learns(tmp_path):
    (block,) = readme_blocks("scheme")
    (tmp_path / "readme.esk").write_text(block, encoding="utf-8")
    result = run(*ESHKOL, "run", "readme.esk", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    before, after = map(float, re.findall(r"loss \w+:\s+([\d.]+)", result.stdout))
    assert after < before / 10


def test_the_python_of_the_readme_says_what_it_gives(tmp_path):
    (block,) = readme_blocks("python")
    checked = re.sub(r"^(.+\S) +# ([\d.]+).*$", r"assert abs((\1) - \2) < 1e-12", block, flags=re.M)
    assert checked.count("assert") == 2
    (tmp_path / "readme.py").write_text(checked, encoding="utf-8")
    result = run(sys.executable, "readme.py", cwd=tmp_path)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda p: p.name)
def test_notebooks_run(path, tmp_path):
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
