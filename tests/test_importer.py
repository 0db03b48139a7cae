"""``import`` finds Scheme files: their names, their errors, and how they are kept compiled."""

from __future__ import annotations

import importlib
import importlib.resources
import inspect
import itertools
import marshal
import os
import pickle
import pydoc
import shutil
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path

import pytest

import eshkol as ek
from eshkol.base.version import VERSION
from eshkol.modules import cache
from eshkol.session import Session

PACKAGE = str(Path(ek.__file__).parent)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder from which modules can be imported, and are kept compiled; forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    importlib.invalidate_caches()
    return path


_numbers = itertools.count()


def module_of(folder, text):
    """The module with this text, imported under a name of its own."""
    name = f"module_{next(_numbers)}"
    write(folder / f"{name}.esk", text)
    return importlib.import_module(name)


def python(code, *words, cwd, **environment):
    """Run Python code in a process of its own, which keeps what it compiles."""
    environment = {**os.environ, **environment}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=cwd,
        env=environment,
        timeout=120,
    )


# ---- names

NAMES = {
    "plain": "plain",
    "train-epoch": "train_epoch",
    "tensor?": "is_tensor",
    "in-place?": "is_in_place",
    "set-x!": "set_x",
    "vector->tensor": "vector_to_tensor",
    "lambda1": "lambda1",
    "from": "from_",
    "a.b": "a_b",
    "2d-pool": "_2d_pool",
    "λ": "λ",
    "list": "list",
}


@pytest.mark.parametrize("scheme, spelling", NAMES.items())
def test_names(folder, scheme, spelling):
    module = module_of(folder, f"(define ({scheme} x) (+ x 1))")
    assert module.__dict__[scheme](2) == 3
    assert getattr(module, spelling) is module.__dict__[scheme]
    assert getattr(module, scheme) is module.__dict__[scheme]
    assert spelling in dir(module)
    assert module.__all__ == [spelling]
    namespace = {}
    exec(f"from {module.__name__} import {spelling}", namespace)
    assert namespace[spelling] is module.__dict__[scheme]


def test_two_names_with_one_spelling(folder):
    module = module_of(folder, "(define x? 1) (define is_x 2) (define a-b 3) (define a_b 4)")
    assert (module.is_x, module.a_b) == (2, 4)
    assert module.__all__ == ["a_b", "is_x"]
    assert (module.__dict__["x?"], module.__dict__["a-b"]) == (1, 3)


def test_names_that_are_not_there(folder):
    module = module_of(folder, "(define a-b 1)")
    with pytest.raises(AttributeError, match="has no attribute 'b_a'"):
        _ = module.b_a
    with pytest.raises(ImportError, match="cannot import name 'b_a'"):
        exec(f"from {module.__name__} import b_a")
    assert not hasattr(module, "__path__")


def test_a_module_says_what_it_holds(folder):
    module = module_of(
        folder,
        '"About training."\n'
        "(define learning-rate 0.1)\n"
        '(define (train-epoch model (steps 10) . rest) "Train for one epoch." (* model steps))\n'
        "(define-syntax swap! (syntax-rules () ((_ a b) (list b a))))",
    )
    assert module.__doc__ == "About training."
    assert module.train_epoch.__doc__ == "Train for one epoch."
    assert str(inspect.signature(module.train_epoch)) == "(model, steps=10, *rest)"
    assert module.__all__ == ["learning_rate", "train_epoch"]
    text = pydoc.plain(pydoc.render_doc(module))
    for part in ["About training.", "train_epoch", "Train for one epoch.", "learning_rate = 0.1"]:
        assert part in text
    assert inspect.getsource(module) == Path(module.__file__).read_text()
    assert inspect.getfile(module.train_epoch) == module.__file__


def test_a_star_import_takes_what_is_provided(folder):
    module = module_of(folder, "(provide f? (rename g a-g)) (define (f? x) 1) (define (g) 2) 3")
    namespace = {}
    exec(f"from {module.__name__} import *", namespace)
    assert sorted(namespace.keys() - {"__builtins__"}) == ["a_g", "is_f"]
    assert namespace["a_g"] is module.g is module.a_g
    assert module.g() == 2


def test_python_defines_a_variable(folder):
    module = module_of(folder, "(define step-size 2) (define (step x) (* step-size x))")
    jitted = ek.jit(module.step)
    assert (module.step(3), float(jitted(3.0))) == (6, 6.0)
    module.step_size = 5
    assert (module.step(3), float(jitted(3.0))) == (15, 15.0)
    assert module.__dict__["step-size"] == 5
    assert "step_size" not in module.__dict__
    del module.step_size
    assert not hasattr(module, "step_size")
    with pytest.raises(ek.UnboundVariable, match="step-size is not defined"):
        ek.eval("(step 3)", step=module.step)


def test_procedures_are_pickled_by_name(folder):
    module = module_of(folder, "(define (tensor? x) x)")
    assert pickle.loads(pickle.dumps(module.is_tensor)) is module.is_tensor


# ---- where files are found

PLACES = {
    "a file": ({"a1.esk": "(define x 1)"}, "a1", 1),
    "a package": ({"a2/__init__.esk": "(define x 2)"}, "a2", 2),
    "a package with a main file": ({"a3/main.esk": "(define x 3)"}, "a3", 3),
    "a file in a package": (
        {"a4/__init__.esk": "(define x 0)", "a4/b.esk": "(define x 4)"},
        "a4.b",
        4,
    ),
    "a file beside a main file": (
        {"a5/main.esk": "(define x 0)", "a5/b.esk": "(define x 5)"},
        "a5.b",
        5,
    ),
    "a file in a plain folder": ({"a6/b/c.esk": "(define x 6)"}, "a6.b.c", 6),
    "a file in a Python package": ({"a7/__init__.py": "", "a7/b.esk": "(define x 7)"}, "a7.b", 7),
    "a Python file in a Scheme package": (
        {"a8/main.esk": "(define x 0)", "a8/b.py": "x = 8"},
        "a8.b",
        8,
    ),
    "a Python file first": ({"a9.esk": "(define x 0)", "a9.py": "x = 9"}, "a9", 9),
    "a Python package first": (
        {"a10/__init__.esk": "(define x 0)", "a10/main.esk": "", "a10/__init__.py": "x = 10"},
        "a10",
        10,
    ),
    "an __init__ first": (
        {"a11/main.esk": "(define x 0)", "a11/__init__.esk": "(define x 11)"},
        "a11",
        11,
    ),
    "a file before a main file": (
        {"a12.esk": "(define x 12)", "a12/main.esk": "(define x 0)"},
        "a12",
        12,
    ),
    "an __init__ before a file": (
        {"a13.esk": "(define x 0)", "a13/__init__.esk": "(define x 13)"},
        "a13",
        13,
    ),
}


@pytest.mark.parametrize("title", PLACES)
def test_places(folder, title):
    files, name, value = PLACES[title]
    for path, text in files.items():
        write(folder / path, text)
    module = importlib.import_module(name)
    assert module.x == value
    assert module.__name__ == module.__spec__.name == name
    assert module.__package__ == (name if hasattr(module, "__path__") else name.rpartition(".")[0])
    parent, _, child = name.rpartition(".")
    if parent:
        assert getattr(sys.modules[parent], child) is module
    assert importlib.import_module(name) is module
    if module.__file__.endswith(".esk"):
        session = Session()
        session.evaluate(f"(import ({name.replace('.', ' ')}))", file=str(folder / "user.esk"))
        assert session.imports[0][1].module is module


def test_a_folder_without_a_main_file_is_a_plain_one(folder):
    write(folder / "plain_folder" / "a.txt", "text")
    module = importlib.import_module("plain_folder")
    assert module.__file__ is None
    assert list(module.__path__) == [str(folder / "plain_folder")]


def test_there_is_no_such_module(folder):
    with pytest.raises(ModuleNotFoundError, match="No module named 'no_such_module'"):
        importlib.import_module("no_such_module")
    write(folder / "half" / "main.esk", "(define x 1)")
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'half\.none'"):
        importlib.import_module("half.none")


def test_files_beside_a_module(folder):
    write(folder / "with_data" / "main.esk", "(define x 1)")
    write(folder / "with_data" / "words.txt", "some words")
    importlib.import_module("with_data")
    assert importlib.resources.files("with_data").joinpath("words.txt").read_text() == "some words"


def test_installing_twice_changes_nothing():
    from eshkol.importer import install

    before = list(sys.path_hooks)
    install()
    assert sys.path_hooks == before


def test_python_and_scheme_share_a_module(folder):
    write(
        folder / "shared_b.esk", "(define count 0) (define (add!) (set! count (+ count 1)) count)"
    )
    write(folder / "shared_a.esk", "(import (shared_b)) (define (twice) (add!) (add!))")
    a, b = importlib.import_module("shared_a"), importlib.import_module("shared_b")
    assert (a.twice(), b.add(), b.count) == (2, 3, 3)
    assert a.__dict__["add!"] is b.add


def test_a_module_that_scheme_loaded_first(folder):
    path = write(folder / "first.esk", "(define x (cons 1 2))")
    session = Session()
    session.evaluate('(import "first.esk")', file=str(folder / "main.esk"))
    module = importlib.import_module("first")
    assert module.x is session.get("x")
    assert module.__file__ == str(path)
    assert module.__spec__.origin == str(path)


# ---- loading again


def test_reloading(folder):
    module = module_of(folder, "(define x 1) (define (f) (list x 'one))")
    write(folder / "follower.esk", f"(import ({module.__name__})) (define (g) (f))")
    follower = importlib.import_module("follower")
    assert str(follower.g()) == "(1 one)"
    write(Path(module.__file__), "(define x 20) (define (f) (list x 'two))")
    assert importlib.reload(module) is module
    assert (str(module.f()), str(follower.g())) == ("(20 two)", "(20 two)")
    assert importlib.reload(module) is module
    assert str(module.f()) == "(20 two)"


def test_reloading_what_has_an_error(folder):
    module = module_of(folder, "(define x 1)")
    write(Path(module.__file__), "(define x 2")
    with pytest.raises(ek.IncompleteInput):
        importlib.reload(module)
    assert module.x == 1
    write(Path(module.__file__), "(define x 2) (define y x)")
    assert importlib.reload(module).y == 2


def test_importing_again_what_python_let_go(folder):
    module = module_of(folder, "(define x 1)")
    write(Path(module.__file__), "(define x 2)")
    del sys.modules[module.__name__]
    assert importlib.import_module(module.__name__).x == 2


def test_importing_again_after_an_error_is_mended(folder):
    path = write(folder / "mended.esk", "(define x (car 1))")
    with pytest.raises(ek.WrongType):
        importlib.import_module("mended")
    assert "mended" not in sys.modules
    write(path, "(define x 3)")
    assert importlib.import_module("mended").x == 3


def test_threads_evaluate_a_module_once(folder):
    evaluated = []
    write(folder / "counted.esk", "(define x (cons 1 2)) (evaluated!)")
    write(folder / "users" / "main.esk", "")
    for number in range(8):
        write(folder / "users" / f"u{number}.esk", '(import "../counted.esk") (define y x)')
    from eshkol.modules.standard import shared_builtins

    shared_builtins()["evaluated!"] = lambda: evaluated.append(time.sleep(0.05))
    found, start = [], threading.Barrier(8)

    def load(number):
        start.wait()
        name = "counted" if number % 2 else f"users.u{number}"
        module = importlib.import_module(name)
        found.append(module.x)

    try:
        threads = [threading.Thread(target=load, args=[number]) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        del shared_builtins()["evaluated!"]
    assert len(found) == 8
    assert len(evaluated) == 1
    assert all(x is found[0] for x in found)


# ---- errors

ERRORS = {
    "a form that does not fit": (
        "(define x 1)\n(if)\n",
        ek.ExpandError,
        "line 2\n    (if)\n    ^^^^\n",
        "if: test is missing\n  use: (if test then else?)\n",
    ),
    "a parenthesis that is never closed": (
        "(define x\n  (+ 1",
        ek.IncompleteInput,
        "line 2\n    (+ 1\n    ^\n",
        "this `(` is never closed\n",
    ),
    "a parenthesis too many": (
        "(define x 1))",
        ek.ReadError,
        "line 1\n    (define x 1))\n                ^\n",
        "",
    ),
    "an unbound variable": (
        "(define x 1)\n(define (f y) (+ y z))\n(f 1)",
        ek.UnboundVariable,
        "in f\n    (define (f y) (+ y z))\n                       ^\n",
        "z is not defined\n",
    ),
    "a wrong argument": (
        "(define (f x)\n  (car x))\n(f 5)",
        ek.WrongType,
        "in f\n    (car x))\n    ^^^^^^^\n",
        "car: expected a pair, got 5\n",
    ),
    "a wrong number of arguments": (
        "(define (f x) x)\n(f)",
        ek.ArityError,
        "in <top level>\n    (f)\n",
        "f takes 1 argument, got 0\n",
    ),
    "an error in a macro's expansion": (
        "(define-syntax m (syntax-rules () ((_ x) (let ((x)) 1))))\n(define y (m z))",
        ek.ExpandError,
        "line 2\n    (define y (m z))\n              ^^^^^\n",
        "in the expansion of m, used at ",
    ),
    "a library that is not there": (
        "(define x 1)\n(import (no such))",
        ek.ExpandError,
        "line 2\n    (import (no such))\n            ^^^^^^^^^\n",
        "import: there is no library (no such)\n",
    ),
    "an error that the program raises": (
        '(error "too bad:" 1 2)',
        ek.SchemeError,
        "in <top level>\n",
        "too bad: 1 2\n",
    ),
}


@pytest.mark.parametrize("title", ERRORS)
def test_errors(folder, title):
    text, kind, place, message = ERRORS[title]
    name = f"wrong_{next(_numbers)}"
    path = write(folder / f"{name}.esk", text)
    with pytest.raises(kind) as caught:
        exec(f"import {name}")
    shown = "".join(traceback.format_exception(caught.value))
    assert f'File "{path}", ' in shown
    assert place in shown
    assert message in shown
    files = [frame.filename for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert not [file for file in files if file.startswith((PACKAGE, "<frozen importlib"))]
    assert f"{path}:" in str(caught.value)
    assert name not in sys.modules
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_what_a_script_shows(folder):
    write(folder / "bad.esk", "(define (f x)\n  (let ((y)) x))\n")
    write(folder / "script.py", "import eshkol\nimport bad\n")
    result = python("import runpy; runpy.run_path('script.py')", cwd=folder)
    assert result.returncode == 1
    shown = result.stderr
    assert '/bad.esk", line 2\n    (let ((y)) x))\n          ^' in shown
    assert "\neshkol.base.errors.ExpandError: let: value is missing\n  use: (let (" in shown
    assert PACKAGE not in shown
    assert "frozen importlib" not in shown


def test_an_error_shows_all_frames_when_asked(folder, monkeypatch):
    monkeypatch.setenv("ESHKOL_TRACEBACK", "full")
    write(folder / "full.esk", "(car 1)")
    with pytest.raises(ek.WrongType) as caught:
        importlib.import_module("full")
    files = [frame.filename for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert [file for file in files if file.startswith(PACKAGE)]


def test_a_file_that_is_no_text(folder):
    (folder / "no_text.esk").write_bytes(b'(define x "\xff")')
    with pytest.raises(ek.FileProblem, match=r"no_text\.esk: expected UTF-8 text, byte 11 is"):
        importlib.import_module("no_text")


# ---- kept compiled

PROGRAM = """"A program."
(define-syntax twice (syntax-rules () ((_ x) (let ((t x)) (+ t t)))))
(define table '#(1 2 "three" (four . 5) #\\a 1/2))
(define (f x (n 3)) "Doubled and raised." (twice (expt x n)))
(define (sum-to n) (let loop ((i 0) (s 0)) (if (> i n) s (loop (+ i 1) (+ s i)))))
(define (clamp x) (if (> x 1) 1.0 x))
(define (make-counter) (let ((n 0)) (lambda () (set! n (+ n 1)) n)))
(define (fail x) (vector-ref table x))
"""


@pytest.fixture
def compilations(monkeypatch):
    """Counts what is compiled."""
    done = []
    compile_nodes = Session.compile_nodes

    def counted(self, nodes, span):
        done.append(span)
        return compile_nodes(self, nodes, span)

    monkeypatch.setattr(Session, "compile_nodes", counted)
    return done


def observe(path):
    """What can be seen of PROGRAM when it is loaded."""
    session = Session()
    session.load(path)
    get = session.get
    counter = get("make-counter")()
    with pytest.raises(ek.OutOfRange) as caught:
        get("fail")(10)
    return [
        str(get("table")),
        get("f")(2),
        get("f").__doc__,
        str(inspect.signature(get("f"))),
        get("sum-to")(10),
        [counter(), counter()],
        float(ek.jit(get("clamp"))(3.0)),
        ek.grad(get("f"))(2.0),
        session.evaluate("(twice 21)"),
        str(caught.value),
        session.namespace.variables["__doc__"],
        session.exports,
    ]


def kept(path):
    """The file in which a program is kept compiled."""
    tag = sys.implementation.cache_tag
    return path.parent / "__pycache__" / f"{path.stem}.eshkol-{VERSION}-{tag}.pyc"


def test_a_kept_program_is_the_same_program(folder, compilations):
    path = write(folder / "program.esk", PROGRAM)
    first = observe(path)
    assert os.listdir(folder / "__pycache__") == [kept(path).name]
    count = len(compilations)
    del compilations[:]
    assert observe(path) == first
    assert len(compilations) == count - 1, "the program itself was compiled again"


def test_a_kept_module_needs_no_front_end(folder):
    write(folder / "light.esk", PROGRAM)
    code = (
        "import sys, eshkol, light\n"
        "print(light.sum_to(4), light.__doc__)\n"
        "heavy = ['reader.parser', 'expand.expander', 'codegen.emitter', 'xla']\n"
        "print([name for name in heavy if 'eshkol.' + name in sys.modules])"
    )
    outputs = [python(code, cwd=folder).stdout.splitlines() for _ in range(2)]
    assert outputs[0][0] == outputs[1][0] == "10 A program."
    assert outputs[1][1] == "[]"
    assert outputs[0][1] != "[]"


def test_nothing_is_kept_where_python_keeps_nothing(folder, monkeypatch):
    path = write(folder / "program.esk", PROGRAM)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    observe(path)
    assert os.listdir(folder) == ["program.esk"]


def test_a_folder_for_all_that_is_compiled(folder, monkeypatch, compilations):
    path = write(folder / "src" / "program.esk", "(define x 1)")
    monkeypatch.setattr(sys, "pycache_prefix", str(folder / "prefix"))
    for _ in range(2):
        Session().load(path)
    assert os.listdir(folder / "src") == ["program.esk"]
    assert [file.name for file in (folder / "prefix").rglob("*.pyc")] == [kept(path).name]
    assert len(compilations) == 1


def test_an_edit_is_seen(folder, compilations):
    path = write(folder / "program.esk", "(define x 1) x")
    stamp = path.stat().st_mtime_ns
    assert Session().load(path) == 1
    path.write_text("(define x 2) x")
    os.utime(path, ns=(stamp, stamp))
    assert [Session().load(path), Session().load(path)] == [2, 2]
    assert len(compilations) == 2


def test_a_moved_program_is_found_and_shows_where_it_is_now(folder, compilations):
    old = write(folder / "old" / "program.esk", PROGRAM)
    observe(old)
    os.rename(folder / "old", folder / "new")
    new = folder / "new" / "program.esk"
    del compilations[:]
    moved = observe(new)
    assert len(compilations) == 1
    assert f"{new}:8:18: vector-ref" in moved[9]
    assert str(old) not in str(moved)


def other_compiler(data):
    return bytes([data[0] ^ 1]) + data[1:]


def other_source(data):
    return data[:8] + bytes([data[8] ^ 1]) + data[9:]


DAMAGES = {
    "empty": lambda data: b"",
    "a part of the header": lambda data: data[:10],
    "the header alone": lambda data: data[: cache.HEADER_SIZE],
    "cut in half": lambda data: data[: len(data) // 2],
    "a byte is missing": lambda data: data[:-1],
    "a byte too many": lambda data: data + b"\0",
    "a bit is wrong": lambda data: data[:-40] + bytes([data[-40] ^ 4]) + data[-39:],
    "zeros": lambda data: bytes(len(data)),
    "of another compiler": other_compiler,
    "of another text": other_source,
    "of Python": lambda data: importlib.util.MAGIC_NUMBER + bytes(12) + b"N",
}


def content(data):
    """What an entry holds; its bytes also tell which of equal parts were one object."""
    return data[: cache.HASH_SIZE], marshal.loads(data[cache.HEADER_SIZE :])


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_as_good_as_none(folder, compilations, damage):
    path = write(folder / "program.esk", PROGRAM)
    first = observe(path)
    good = kept(path).read_bytes()
    kept(path).write_bytes(DAMAGES[damage](good))
    del compilations[:]
    assert observe(path) == first
    assert len(compilations) == 2, "it was not compiled again"
    assert content(kept(path).read_bytes()) == content(good)
    assert os.listdir(folder / "__pycache__") == [kept(path).name]


def as_folder(path):
    kept(path).mkdir(parents=True)
    (kept(path) / "file").write_text("")


def as_file_for_folder(path):
    (path.parent / "__pycache__").write_text("")


def as_dead_link(path):
    (path.parent / "__pycache__").symlink_to(path.parent / "none" / "at" / "all")


UNWRITABLE = {f.__name__: f for f in (as_folder, as_file_for_folder, as_dead_link)}


@pytest.mark.parametrize("block", UNWRITABLE)
def test_a_place_that_cannot_be_written_is_no_error(folder, block):
    path = write(folder / "program.esk", "(define x 1) (+ x 1)")
    UNWRITABLE[block](path)
    before = sorted(map(str, folder.rglob("*")))
    assert [Session().load(path), Session().load(path)] == [2, 2]
    assert sorted(map(str, folder.rglob("*"))) == before


def test_a_full_disk_leaves_nothing_behind(folder):
    write(folder / "program.esk", PROGRAM)
    code = (
        "import resource, signal, eshkol\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))\n"
        "import program\n"
        "print(program.sum_to(4))"
    )
    result = python(code, cwd=folder)
    assert (result.stdout, result.stderr) == ("10\n", "")
    assert os.listdir(folder / "__pycache__") == []


def test_a_rename_that_fails_leaves_nothing_behind(folder, monkeypatch):
    path = write(folder / "program.esk", "(define x 1) (+ x 1)")

    def refuse(source, target):
        raise PermissionError(13, "no")

    monkeypatch.setattr(os, "replace", refuse)
    assert Session().load(path) == 2
    assert os.listdir(folder / "__pycache__") == []


def test_processes_at_once(folder):
    path = write(folder / "program.esk", PROGRAM * 20)
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    code = "import eshkol, program; print(program.sum_to(10))"
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", code], cwd=folder, env=environment, stdout=subprocess.PIPE
        )
        for _ in range(3)
    ]
    assert [run.communicate(timeout=120)[0] for run in runs] == [b"55\n"] * 3
    assert os.listdir(folder / "__pycache__") == [kept(path).name]
    assert cache.read_entry(str(path), path.read_bytes()) is not None


def test_the_second_program_of_a_session_is_not_kept(folder):
    session = Session()
    session.evaluate("(define-syntax m (syntax-rules () ((_) 1)))")
    assert session.load(write(folder / "second.esk", "(m)")) == 1
    assert not (folder / "__pycache__").exists()


def test_a_program_that_runs_where_primitives_are_redefined(folder, compilations):
    path = write(folder / "program.esk", "(define (f x) (square x)) (f 3)")
    assert Session().load(path) == 9
    session = Session()
    session.define("square", lambda x: "mine")
    assert session.load(path) == "mine"
    assert Session().load(path) == 9
    assert len(compilations) == 2


def test_deep_data_is_compiled_but_not_kept(folder):
    deep = "(" * 3000 + ")" * 3000
    path = write(folder / "deep.esk", f"(define deep '{deep}) (pair? deep)")
    assert [Session().load(path), Session().load(path)] == [True, True]


def test_import_time(folder, capsys):
    """Prints how long it takes to import a long module that is kept compiled."""
    function = (
        '(define (f{0} x (y {0}))\n  "Number {0}."\n  (if (< x y)\n      y\n      (+ x y)))\n'
    )
    path = write(folder / "long_module.esk", "".join(function.format(i) for i in range(200)))
    importlib.import_module("long_module")
    shutil.copy(path, folder / "other.esk")
    shutil.copy(kept(path), kept(folder / "other.esk"))
    importlib.invalidate_caches()
    start = time.perf_counter()
    other = importlib.import_module("other")
    took = time.perf_counter() - start
    with capsys.disabled():
        print(f"\n1,000 lines imported in {took * 1e3:.1f} ms")
    assert other.f150(200) == 350
