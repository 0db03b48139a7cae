"""The examples in docstrings and documents give what they say."""

from __future__ import annotations

import ast
import contextlib
import doctest
import importlib
import importlib.util
import io
import re
from pathlib import Path

import numpy as np
import pytest

import eshkol
from eshkol.datum.write import write_string
from eshkol.primitives.catalogue import builtin_namespace
from eshkol.primitives.declare import PRIMITIVES
from eshkol.reader.parser import read_all
from eshkol.reference.markdown import EXAMPLE
from eshkol.session import Session

PACKAGE = Path(eshkol.__file__).parent
ROOT = PACKAGE.parents[1]

# ---- Python


def documented(path):
    """The docstrings with examples in a Python file, by the names of what they document."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            text = ast.get_docstring(node)
            if text and ">>>" in text:
                body = node.body[0]
                yield getattr(node, "name", "module"), text, body.lineno


def module_name(path):
    words = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(words[:-1] if words[-1] == "__init__" else words)


PYTHON = {
    f"{path.relative_to(PACKAGE)}:{name}": (path, name, text, line)
    for path in sorted(PACKAGE.rglob("*.py"))
    for name, text, line in documented(path)
}


@pytest.mark.parametrize("title", PYTHON)
def test_python_examples(title):
    path, name, text, line = PYTHON[title]
    module = importlib.import_module(module_name(path))
    example = doctest.DocTestParser().get_doctest(
        text, dict(vars(module)), name, str(path), line - 1
    )
    output = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    result = runner.run(example, out=output.write)
    assert result.attempted > 0
    assert result.failed == 0, output.getvalue()


def test_public_functions_have_examples():
    names = [name for name in eshkol.__all__ if callable(getattr(eshkol, name))]
    functions = [getattr(eshkol, name) for name in [*names, "eval"]]
    plain = [f for f in functions if not isinstance(f, type)]
    assert len(plain) > 10
    assert [f.__name__ for f in plain if ">>>" not in f.__doc__] == []


# ---- Scheme


def examples(path):
    """The Scheme examples in the strings and comments of a file: ``(program, value)``."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        strings = [
            node.value
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
    else:
        strings = [text]
    for string in strings:
        yield from EXAMPLE.findall(string)


SCHEME = {
    f"{path.relative_to(PACKAGE)}: {program}": (path, program, value)
    for path in sorted([*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.esk")])
    for program, value in examples(path)
}
# Docstrings that are put together from parts stand in no file.
SHOWN = {(program, value) for _, program, value in SCHEME.values()}
SCHEME |= {
    f"{name}: {program}": (PACKAGE / "primitives", program, value)
    for name in builtin_namespace()
    if name in PRIMITIVES
    for program, value in EXAMPLE.findall(PRIMITIVES[name].documentation)
    if (program, value) not in SHOWN
}


def is_close(value, expected):
    """Whether two values are equal, numbers as far as they are written."""
    text, wanted = write_string(value), write_string(expected).replace("…", "")
    number = r"[-+]?\d+\.?\d*(?:e[-+]?\d+)?"
    if re.sub(number, "#", text) != re.sub(number, "#", wanted):
        return False
    found = [float(x) for x in re.findall(number, text)]
    return np.allclose(found, [float(x) for x in re.findall(number, wanted)], rtol=1e-6, atol=1e-3)


@pytest.mark.parametrize("title", SCHEME)
def test_scheme_examples(title, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path, program, value = SCHEME[title]
    session = Session()
    if "nn" in path.parts:
        session.evaluate("(import (eshkol nn))")
    result = session.evaluate(program)
    if write_string(result) == value:
        return
    assert is_close(result, session.evaluate(f"'{value}")), write_string(result)


def test_there_are_examples():
    assert len(PYTHON) > 50
    assert len(SCHEME) > 200


# ---- documents

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS = [
    pytest.param(language, text, id=f"{path.name}:{number}")
    for path in DOCUMENTS
    for number, (language, text) in enumerate(
        re.findall(r"^```(\w+)\n(.*?)^```", path.read_text(encoding="utf-8"), re.M | re.S)
    )
]
EXPECTED = re.compile(r"#\s*([-+\d./e]+)")
GIVEN = re.compile(r";\s+⇒ (.+)")


def check_values(text):
    """Each form of a program gives what the comment behind it says, if there is one."""
    session, lines, shown = Session(), text.splitlines(), 0
    for form in read_all(text, "<block>"):
        value = session.evaluate_forms([form], "<block>")
        comment = GIVEN.search(lines[form.span.end_line - 1])
        if comment:
            assert write_string(value) == comment.group(1)
            shown += 1
    assert shown == len(GIVEN.findall(text))


@pytest.mark.parametrize("language, text", BLOCKS)
def test_blocks_of_documents(language, text, tmp_path, monkeypatch):
    assert language in ("scheme", "python")
    if language == "scheme" and GIVEN.search(text):
        check_values(text)
        return
    if language == "scheme":
        path = tmp_path / "block.esk"
        path.write_text(text, encoding="utf-8")
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            Session().load(path)
        before, after = re.findall(r"loss \w+: +([\d.]+)", output.getvalue())
        assert float(after) < float(before) / 10
        return
    path = tmp_path / "block.py"
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("block", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    shown = 0
    for statement in ast.parse(text).body:
        comment = EXPECTED.search(text.splitlines()[statement.end_lineno - 1])
        if isinstance(statement, ast.Expr) and comment:
            value = eval(ast.unparse(statement), vars(module))
            assert float(value) == pytest.approx(float(comment.group(1)), rel=1e-12)
            shown += 1
    assert shown >= 2


def test_there_are_blocks():
    assert {block.values[0] for block in BLOCKS} == {"scheme", "python"}
