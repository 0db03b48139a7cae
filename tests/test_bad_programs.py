"""What people are told about bad programs: the class, the message, the place and the remarks.

The programs stand in ``bad_programs*.txt``: after a line ``# name`` comes a program in which
« and » enclose what the carets point at, then ``! Class: message`` and a line ``| remark`` for each
line below the carets (one ``| …`` stands for any). One law holds for all of them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import eshkol
from eshkol.base import errors
from eshkol.base.errors import EshkolError
from eshkol.primitives.calling import DIALECT
from eshkol.runtime.report import explain, report
from eshkol.runtime.support import builtins
from eshkol.session import Session
from eshkol.xla.carries import ChangingVariable
from rows import one_in

PACKAGE = str(Path(eshkol.__file__).parent)

BUILTINS = {
    "ReadError": SyntaxError,
    "IncompleteInput": SyntaxError,
    "ExpandError": SyntaxError,
    "UnboundVariable": NameError,
    "ArityError": TypeError,
    "NotAProcedure": TypeError,
    "WrongType": TypeError,
    "EmptyList": TypeError,
    "OutOfRange": IndexError,
    "BadValue": ValueError,
    "ShapeError": ValueError,
    "ChangingVariable": ValueError,
    "Donated": RuntimeError,
    "FileProblem": OSError,
    "MissingAttribute": AttributeError,
    "MissingKey": KeyError,
    "DivideByZero": ZeroDivisionError,
    "TooDeep": RecursionError,
    "OutOfMemory": MemoryError,
    "StagingError": TypeError,
    "SchemeError": RuntimeError,
    "Raised": RuntimeError,
}
"""The exception that a Python program would catch, by the class of the error."""


class Row(NamedTuple):
    """A bad program and what is said about it."""

    program: str
    kind: str
    message: str
    remarks: list[str]
    start: int
    end: int

    @property
    def place(self) -> tuple[int, int]:
        """The line (from 1) and the column (from 0) where the marked part starts."""
        before = self.program[: self.start]
        return before.count("\n") + 1, len(before) - before.rfind("\n") - 1

    @property
    def carets(self) -> int:
        """How many carets: as many as the first line of the marked part has characters."""
        return len(self.program[self.start : self.end].partition("\n")[0])


def parse(block: str) -> tuple[str, Row]:
    name, *lines = block.strip("\n").splitlines()
    verdict = next(i for i, line in enumerate(lines) if line.startswith("! "))
    marked = "\n".join(lines[:verdict])
    start, end = marked.index("«"), marked.index("»") - 1
    kind, _, message = lines[verdict][2:].partition(": ")
    remarks = [line[2:] for line in lines[verdict + 1 :]]
    program = marked.replace("«", "").replace("»", "")
    return name[2:], Row(program, kind, message, remarks, start, end)


FILES = sorted(Path(__file__).parent.glob("bad_programs*.txt"))
TEXT = "\n\n".join(path.read_text(encoding="utf-8").strip("\n") for path in FILES)
BLOCKS = [block for block in re.split(r"\n\n+", TEXT) if not block.startswith("##")]
ROWS = dict(map(parse, BLOCKS))


def call_back(function, *arguments):
    """Calls a procedure from Python."""
    return function(*arguments)


def failure(run, *arguments):
    """The error that ``run`` raises."""
    with pytest.raises(Exception) as caught:
        run(*arguments)
    return caught.value


def new_session(engine: str | None = None) -> Session:
    session = Session(engine=engine)
    session.define("call-back", call_back)
    return session


CALLER = re.compile(r"  called from ([^\s,]+, )?\S+:\d+:\d+|  … \d+ more calls …")


def check_text(text: str, row: Row, file: str) -> None:
    """The law of a report: where, what, the source line, the carets, remarks, callers."""
    head, source, carets, *below = text.split("\n")
    line, column = row.place
    assert head == f"{file}:{line}:{column + 1}: {row.message}".replace("bad.esk", file)
    assert source == f"  {line} | {row.program.splitlines()[line - 1]}"
    assert carets == f"  {' ' * len(str(line))} | {' ' * column}{'^' * row.carets}"
    remarks = [text for text in below if not CALLER.fullmatch(text)]
    if row.remarks == ["…"]:
        assert remarks
    else:
        assert remarks == [f"  {remark}".replace("bad.esk", file) for remark in row.remarks]
    assert below[len(remarks) :] == [text for text in below if CALLER.fullmatch(text)]
    check_language(text)


LEAKS = re.compile(
    r"Traceback|\.py\b|\bjax\b|\bjit\(|Tracer|ArrayImpl|\bNone\b|\bTrue\b|\bFalse\b|\bself\b"
    r"|positional|__\w+__|<function|<class|(?<!-)\bobject\b| at 0x|\0|\bdict\b|\btuple\b|NoneType"
)
HIDDEN = [repr(name) for name in builtins() if name.startswith(" ")]


def check_language(text: str) -> None:
    """Nothing of Python, JAX or the insides of the implementation is in a report."""
    assert not LEAKS.search(text)
    assert not any(name in text for name in HIDDEN)


def check_traceback(error: BaseException) -> None:
    """What Python shows of the error has no frame of ours, and no error behind the error."""
    shown = "".join(traceback.format_exception(error))
    assert f'File "{PACKAGE}' not in shown
    assert "site-packages/jax" not in shown
    assert "During handling" not in shown and "direct cause" not in shown


def check_usable(session: Session, staged: bool) -> None:
    """An error leaves nothing behind: the session, and compiling, go on."""
    assert DIALECT.resolve is None
    assert session.evaluate("(define (twice x) (* 2 x)) (twice 21)") == 42
    assert session.evaluate("(let loop ((i 0)) (if (< i 5) (loop (+ i 1)) i))") == 5
    if staged:
        assert float(session.evaluate("((jit twice) 1.5)")) == 3.0
        assert session.evaluate("(gradient (lambda (x) (* x x)) 3.0)") == 6.0


def _on_engines() -> list[Any]:
    """Each program on each engine; one in five that are compiled is on the evaluator as well.

    An endless recursion takes the evaluator half a minute: it ends where memory does.
    """
    compiled = [name for name in ROWS if name.startswith("staged: ")]
    slow = {name for number, name in enumerate(compiled) if number % 5} | {"endless recursion"}
    return [
        pytest.param(
            name,
            engine,
            id=f"{engine}-{name}",
            marks=pytest.mark.slow if engine == "cek" and name in slow else (),
        )
        for engine in (None, "cek")
        for name in ROWS
    ]


@pytest.mark.parametrize(("name", "engine"), _on_engines())
def test_a_bad_program(name, engine):
    row, session = ROWS[name], new_session(engine)
    error = explain(failure(session.evaluate, row.program, "bad.esk"))
    assert type(error).__name__ == row.kind
    assert isinstance(error, EshkolError)
    assert isinstance(error, BUILTINS[row.kind])
    check_text(report(error), row, "bad.esk")
    check_traceback(error)
    check_usable(session, staged=bool(re.search("jit|gradient|vmap", row.program)))


def test_every_class_of_errors_is_met():
    classes = {
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, EshkolError)
    }
    names = {kind.__name__ for kind in classes} - {"EshkolError"}
    assert issubclass(ChangingVariable, errors.ShapeError)
    assert names | {"ChangingVariable"} == set(BUILTINS) == {row.kind for row in ROWS.values()}


def test_names_are_unique():
    assert len(ROWS) == len(BLOCKS) >= 150


# Programs in files


KEPT = [name for name, row in ROWS.items() if not issubclass(BUILTINS[row.kind], SyntaxError)]


@pytest.mark.parametrize("name", one_in(7, KEPT, KEPT))
def test_a_program_kept_compiled_fails_as_it_did_before(tmp_path, name):
    row = ROWS[name]
    path = tmp_path / "program.esk"
    path.write_text(row.program, encoding="utf-8")
    for _ in range(2):
        error = failure(new_session().load, path)
        check_text(report(error), row, str(path))


COMMANDS = [
    "a parenthesis never closed",
    "let with a name alone",
    "a primitive in a template",
    "an unbound procedure",
    "too few arguments",
    "car in a called procedure",
    "a sum in a loop",
    "error in a branch",
    "endless recursion",
    "matmul in a compiled model",
]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_bad_program_run_by_the_command(tmp_path, name):
    row = ROWS[name]
    (tmp_path / "bad.esk").write_text(row.program, encoding="utf-8")
    command = [sys.executable, "-m", "eshkol", "run", "bad.esk"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (result.returncode, result.stdout) == (1, "")
    check_text(result.stderr.removesuffix("\n"), row, "bad.esk")


def test_columns_count_characters_not_bytes():
    row = parse('# λ\n(list "λ→😀" «(car \'é)»)\n! WrongType: car: expected a pair, got é')[1]
    check_text(report(failure(Session().evaluate, row.program, "bad.esk")), row, "bad.esk")


def test_procedures_called_by_python_alone():
    row = parse("# key\n(define (key x)\n  «(car x)»)\n! WrongType: car: expected a pair, got 1")[1]
    session = Session()
    session.evaluate(row.program, "bad.esk")
    error = failure(lambda: sorted([1, 2], key=session.get("key")))
    check_text(report(error), row, "bad.esk")
    assert str(error).startswith("bad.esk:2:3: car: expected a pair")


# ---- files


MODEL = "(define model (let ((w (ones 2 3)) (b (zeros 3))) (lambda (x) (+ (matmul x w) b))))\n"
OTHER = MODEL.replace("(w (ones 2 3)) (b", "(w (ones 2 4)) (bias").replace(" b)", " bias)")
WIDE = MODEL.replace("(ones 2 3)", "(ones 2 3 #:dtype 'float64)")
IDX = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3]) + bytes(6)

LOAD = MODEL + '(load-weights "{}" model)'
SAVE = MODEL + '(save-weights "{}" model)'
READ = '(read-idx "{}")'
WRITE = '(write-idx "{}" (zeros 2 3))'

NO_IDX = "read-idx: expected an IDX file"
NO_WEIGHTS = "load-weights: expected a safetensors file"
OTHER_MODEL = "load-weights: expected this model's 2 tensors"
ANOTHER = "found a weights file of another model:"
SPELLING = "check the spelling of the path, and that its directory exists"
DAMAGED = "the file is damaged or of another kind"
A_FILE_ABOVE = "a part of the path that should be a directory is a file"

FILES = {
    "read, missing": (READ, "none", f"{NO_IDX} at none, found no such file or directory", SPELLING),
    "read, a directory": (READ, "dir", f"{NO_IDX} at dir, found a directory", "name a file"),
    "read, below a file": (
        READ,
        "text/x",
        f"{NO_IDX} at text/x, found a file where the path needs a directory",
        A_FILE_ABOVE,
    ),
    "read, no path": (READ, "", 'read-idx: expected the path of a file, got ""', ""),
    "read, empty": (
        READ,
        "empty",
        f"{NO_IDX} (it begins with two zero bytes) at empty, found an empty file",
        DAMAGED,
    ),
    "read, wrong magic": (
        READ,
        "text",
        f"{NO_IDX} (it begins with two zero bytes) at text, "
        "found a file that begins with 68 65 6c 6c",
        DAMAGED,
    ),
    "read, wrong type": (
        READ,
        "type.idx",
        "read-idx: expected an element type of 08 09 0b 0c 0d 0e at type.idx, found 07",
        DAMAGED,
    ),
    "read, header cut off": (
        READ,
        "head.idx",
        "read-idx: expected 2 dimensions at head.idx, found a file that stops within them",
        DAMAGED,
    ),
    "read, truncated": (
        READ,
        "short.idx",
        "read-idx: expected 6 bytes of elements (2 x 3, uint8) at short.idx, found 4",
        DAMAGED,
    ),
    "read, wrong count": (
        READ,
        "long.idx",
        "read-idx: expected 6 bytes of elements (2 x 3, uint8) at long.idx, found 7",
        DAMAGED,
    ),
    "read, not compressed": (
        READ,
        "plain.gz",
        f"{NO_IDX} compressed with gzip at plain.gz, found a file that begins with 00 00 08 02",
        DAMAGED,
    ),
    "digits, no directory": (
        '(load-mnist "{}")',
        "none",
        "load-mnist: expected a directory with MNIST's four files at none, found nothing",
        "(load-mnist) without a directory loads the 10,000 digits that are included",
    ),
    "digits, an empty directory": (
        '(load-mnist "{}")',
        "dir",
        f"{NO_IDX} at dir/train-images-idx3-ubyte.gz, found no such file or directory",
        SPELLING,
    ),
    "write, a directory": (WRITE, "dir", "write-idx: can't write dir: it is a directory", "name"),
    "write, no directory": (
        WRITE,
        "none/x",
        "write-idx: can't write none/x: no such file or directory",
        SPELLING,
    ),
    "load, missing": (
        LOAD,
        "none",
        f"{NO_WEIGHTS} at none, found no such file or directory",
        SPELLING,
    ),
    "load, a directory": (LOAD, "dir", f"{NO_WEIGHTS} at dir, found a directory", "name a file"),
    "load, empty": (LOAD, "empty", f"{NO_WEIGHTS} at empty, found an empty file", DAMAGED),
    "load, no weights": (
        LOAD,
        "text",
        f"{NO_WEIGHTS} at text, found a damaged or foreign one of 5 bytes",
        DAMAGED,
    ),
    "load, truncated": (
        LOAD,
        "short.st",
        f"{NO_WEIGHTS} at short.st, found a damaged or foreign one of 209 bytes instead of 212",
        DAMAGED,
    ),
    "load, header cut off": (
        LOAD,
        "head.st",
        f"{NO_WEIGHTS} at head.st, found a damaged or foreign one of 20 bytes",
        DAMAGED,
    ),
    "load, another model": (
        LOAD,
        "other.st",
        f"{OTHER_MODEL} at other.st, {ANOTHER} 1 missing, 1 unknown, 1 of another shape or type",
        "missing in the file: b, f32[3]\n  unknown to the model: bias, f32[3]\n"
        "  w is f32[2,4] in the file, f32[2,3] in the model",
    ),
    "load, another dtype": (
        LOAD,
        "wide.st",
        f"{OTHER_MODEL} at wide.st, {ANOTHER} 1 of another shape or type",
        "w is f64[2,3] in the file, f32[2,3] in the model",
    ),
    "save, a directory": (
        SAVE,
        "dir",
        "save-weights: can't write dir: it is a directory",
        "name a file, new or to be replaced",
    ),
    "save, no directory": (
        SAVE,
        "none/x",
        "save-weights: can't write none/x: no such file or directory",
        SPELLING,
    ),
    "save, below a file": (
        SAVE,
        "text/x",
        "save-weights: can't write text/x: not a directory",
        A_FILE_ABOVE,
    ),
    "save, a device": (
        SAVE,
        "/dev/null",
        "save-weights: can't write /dev/null: it is a device or pipe",
        "name a file, new or to be replaced",
    ),
    "save, a name too long": (
        SAVE,
        "n" * 300,
        f"save-weights: can't write {'n' * 300}: file name too long",
        "choose a shorter name",
    ),
}
"""The program, the path put into it, the message, and how the remark begins."""


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """The bytes of weights files, by the program that makes the model."""
    path = tmp_path_factory.mktemp("weights") / "w"
    found = {}
    for program in (MODEL, OTHER, WIDE):
        Session().evaluate(program + f'(save-weights "{path}" model)')
        found[program] = path.read_bytes()
    return found


@pytest.fixture
def folder(tmp_path, monkeypatch, weights):
    """The current directory, with files of every bad kind."""
    good = weights[MODEL]
    contents = {
        "text": b"hello",
        "empty": b"",
        "type.idx": IDX[:2] + b"\x07" + IDX[3:],
        "head.idx": IDX[:6],
        "short.idx": IDX[:-2],
        "long.idx": IDX + b"!",
        "plain.gz": IDX,
        "good.st": good,
        "short.st": good[:-3],
        "head.st": good[:20],
        "other.st": weights[OTHER],
        "wide.st": weights[WIDE],
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "dir").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def listing(folder: Path) -> dict[str, bytes | None]:
    """Everything in a directory, with the content of files."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize("name", FILES)
def test_a_bad_file(folder, name):
    template, path, message, remark = FILES[name]
    program = template.format(path)
    session, before = Session(), listing(folder)
    error = failure(session.evaluate, program, "bad.esk")
    assert isinstance(error, errors.FileProblem) and isinstance(error, OSError)
    lines = program.splitlines()
    head, source, carets, *below = report(error).split("\n")
    assert head == f"bad.esk:{len(lines)}:1: {message}"
    most = errors.LONGEST_LINE
    shown = lines[-1] if len(lines[-1]) <= most else f"{lines[-1][:most]} …"
    assert source == f"  {len(lines)} | {shown}"
    assert carets == f"    | {'^' * min(len(lines[-1]), most)}"
    assert "\n".join(below).startswith(f"  {remark}" if remark else "")
    check_language(report(error))
    check_traceback(error)
    assert listing(folder) == before
    assert session.evaluate("(+ 1 2)") == 3


def run_command(folder: Path, program: str, *before: str):
    """What ``eshkol run`` does with a program outside of ``folder``, which is where it runs."""
    path = folder.parent / f"{folder.name}.esk"
    path.write_text(program)
    command = [*before, sys.executable, "-m", "eshkol", "run", str(path)]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    result = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env=environment, timeout=120
    )
    return result, str(path)


@pytest.mark.parametrize(
    "name", ["read, truncated", "load, missing", "load, another model", "save, no directory"]
)
def test_a_bad_file_met_by_the_command(folder, name):
    template, path, message, _ = FILES[name]
    program = template.format(path)
    before = listing(folder)
    result, file = run_command(folder, program)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"{file}:{len(program.splitlines())}:1: {message}\n")
    check_language(result.stderr)
    assert listing(folder) == before


def test_a_disk_that_is_full_leaves_the_old_file(folder):
    before = listing(folder)
    limited = ("sh", "-c", 'ulimit -f 0 && exec "$@"', "sh")
    result, file = run_command(folder, SAVE.format("good.st"), *limited)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(
        f"{file}:2:1: save-weights: can't write good.st: file too large"
    )
    assert listing(folder) == before
