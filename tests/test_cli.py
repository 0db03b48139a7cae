"""The command line, as a person meets it: a process, its output and its exit status."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import pytest

ESHKOL = [sys.executable, "-m", "eshkol"]


def eshkol(*words, stdin="", cwd=None, **environment):
    """Run the command and wait for it."""
    return subprocess.run(
        [*ESHKOL, *map(str, words)],
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=cwd,
        env={**os.environ, **environment},
        timeout=120,
    )


@pytest.fixture
def program(tmp_path):
    """Writes a program and gives its path."""

    def write(text, name="program.esk"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


# What is printed, and the exit status

PROGRAMS = {
    "nothing": ("", "", 0),
    "values are not printed": ("1 2 (+ 1 2)", "", 0),
    "display": ('(display "λ") (newline)', "λ\n", 0),
    "definitions": ("(define (f x) (* x x)) (display (f 12))", "144", 0),
    "exit": ("(display 1) (exit 3) (display 2)", "1", 3),
    "exit without a status": ("(exit)", "", 0),
    "exit with #t": ("(exit #t)", "", 0),
    "exit with #f": ("(exit #f)", "", 1),
    "main": ("(define (main) (display 1) 4) (display 0)", "01", 4),
    "main without a status": ("(define (main) (display 1))", "1", 0),
    "main that gives a real": ("(define (main) 1.5)", "", 0),
    "main that gives #t": ("(define (main) #t)", "", 0),
    "main with optional arguments": ("(define (main (n 7)) n)", "", 7),
    "main that wants arguments": ("(define (main x) 4)", "", 0),
    "main that is no procedure": ("(define main 4)", "", 0),
    "a byte order mark": ("\ufeff(display 5)", "5", 0),
    "a first line for the system": ("#!/usr/bin/env eshkol\n(display 5)", "5", 0),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_running_a_program(program, name):
    text, output, status = PROGRAMS[name]
    result = eshkol("run", program(text))
    assert (result.stdout, result.stderr, result.returncode) == (output, "", status)


def test_arguments_of_the_program(program):
    path = program("(write (command-line))")
    result = eshkol("run", path, "--load", "a b", "-x", "--x64", "--help")
    assert result.stdout == f'("{path}" "--load" "a b" "-x" "--x64" "--help")'
    assert eshkol("run", path).stdout == f'("{path}")'


def test_a_program_from_standard_input():
    result = eshkol("run", "-", "a", stdin="(display (cadr (command-line)))")
    assert (result.stdout, result.returncode) == ("a", 0)


@pytest.mark.parametrize(
    ("expressions", "output"),
    [
        (["(+ 1 2)"], "3\n"),
        (["(define x 5)", "(* x x)", "(/ 1 3)"], "25\n1/3\n"),
        (['"a"', "'(a . b)", "#t"], '"a"\n(a . b)\n#t\n'),
        (["(if #f #f)", "(newline)"], "\n"),
        (["1 2"], "2\n"),
        (["(values 1 2)", "(values)"], "1\n2\n"),
        ([""], ""),
    ],
)
def test_evaluating_expressions(expressions, output):
    result = eshkol("eval", *expressions)
    assert (result.stdout, result.stderr, result.returncode) == (output, "", 0)


@pytest.mark.parametrize(
    ("words", "environment", "dtype"),
    [
        (["eval"], {}, "float32"),
        (["--x64", "eval"], {}, "float64"),
        (["eval", "--x64"], {}, "float64"),
        (["eval"], {"ESHKOL_X64": "1"}, "float64"),
        (["eval"], {"ESHKOL_X64": "0"}, "float32"),
    ],
)
def test_the_default_dtype_of_tensors(words, environment, dtype):
    result = eshkol(*words, "(tensor-dtype (zeros 3))", **environment)
    assert (result.stdout.strip(), result.stderr) == (dtype, "")


def test_the_default_dtype_of_a_program(program):
    path = program("(display (tensor-dtype (zeros 3)))")
    assert eshkol("run", "--x64", path).stdout == "float64"


def test_expressions_from_standard_input():
    result = eshkol("eval", "(define x 5)", "-", "(+ x 1)", stdin="(define y 2)\n(* x y)")
    assert (result.stdout, result.returncode) == ("10\n6\n", 0)


def test_quiet(program):
    assert eshkol("eval", "--quiet", "(display 1)", "2").stdout == "1"
    path = program('(define bar (progress-bar 3 "epoch")) (update-progress bar) (display 1)')
    result = eshkol("run", "-q", path)
    assert (result.stdout, result.stderr, result.returncode) == ("1", "", 0)


@pytest.mark.parametrize("words", [["run", "-I", "lib"], ["-I", "lib", "run"]])
def test_libraries_in_other_places(program, tmp_path, words):
    (tmp_path / "lib").mkdir()
    program("(define answer 42)", "lib/tool.esk")
    path = program("(import (tool)) (display answer)")
    assert eshkol(*words, path, cwd=tmp_path).stdout == "42"
    assert "there is no library (tool)" in eshkol("run", path, cwd=tmp_path).stderr


# Expanding and formatting


def test_expanding_a_program(program):
    path = program(
        "(define-syntax twice (syntax-rules () ((_ e) (begin e e))))\n"
        "(twice (display 1)) (when (f) 'x)"
    )
    result = eshkol("expand", path)
    expected = "(display 1)\n(display 1)\n(if (f) 'x (if #f #f))\n"
    assert (result.stdout, result.stderr, result.returncode) == (expected, "", 0)


def test_what_is_expanded_can_be_run(program):
    text = "(define (f n) (let loop ((i 0) (s 0)) (if (= i n) s (loop (+ i 1) (+ s i)))))"
    expanded = eshkol("expand", "-", stdin=f"{text} (display (f 10))").stdout
    assert eshkol("run", program(expanded)).stdout == "45"


def test_expanding_step_by_step(program):
    path = program(
        "(define-syntax m (syntax-rules () ((_ e) (n e))))\n"
        "(define-syntax n (syntax-rules () ((_ e) (list e))))\n(m 1)"
    )
    result = eshkol("expand", "--steps", path)
    assert result.stdout == (
        f"{path}:3:1: m: (m 1)\n  → (n 1)\n{path}:3:1: n: (n 1)\n  → (list 1)\n"
    )
    assert (result.stderr, result.returncode) == ("", 0)


def test_a_program_without_macros_has_no_steps(program):
    assert eshkol("expand", "--steps", program("(+ 1 2)")).stdout == "; no macro is used here\n"


def test_an_error_in_an_expansion(program):
    result = eshkol("expand", program("(display 1)\n(if)"))
    assert (result.stdout, result.returncode) == ("", 1)
    assert "program.esk:2:1: if: " in result.stderr


def test_formatting_files(program, tmp_path):
    path = program("(define (f)\n1)")
    other = program("(g)\n", "other.esk")
    result = eshkol("fmt", tmp_path)
    assert (result.stdout, result.stderr, result.returncode) == (f"formatted {path}\n", "", 0)
    assert path.read_text() == "(define (f)\n  1)\n"
    assert other.read_text() == "(g)\n"
    assert eshkol("fmt", tmp_path).stdout == ""


def test_checking_the_format(program):
    path = program("(define (f)\n1)")
    result = eshkol("fmt", "--check", path)
    assert (result.stderr, result.returncode) == (f"{path}: not formatted\n", 1)
    assert path.read_text() == "(define (f)\n1)"
    assert eshkol("fmt", "--check", program("(f)\n", "good.esk")).returncode == 0


def test_the_difference_that_formatting_makes(program):
    path = program("(define (f)\n1)\n")
    result = eshkol("fmt", "--diff", path)
    assert result.stdout == (
        f"--- {path}\n+++ {path} (formatted)\n@@ -1,2 +1,2 @@\n (define (f)\n-1)\n+  1)\n"
    )
    assert (result.returncode, path.read_text()) == (0, "(define (f)\n1)\n")


def test_formatting_standard_input():
    result = eshkol("fmt", "-", stdin="(define (f)\n1)")
    assert (result.stdout, result.returncode) == ("(define (f)\n  1)\n", 0)


def test_formatting_keeps_line_ends(program):
    path = program("(define (f)\r\n1)\r\n")
    eshkol("fmt", path)
    assert path.read_bytes() == b"(define (f)\r\n  1)\r\n"


def test_a_file_that_can_not_be_formatted_does_not_stop_the_others(program):
    bad, good = program("(f"), program("(define (f)\n1)", "zzz.esk")
    result = eshkol("fmt", bad, good, "missing.esk")
    assert result.returncode == 1
    assert f"{bad}:1:1: this `(` is never closed" in result.stderr
    assert "missing.esk: there is no such file" in result.stderr
    assert (bad.read_text(), good.read_text()) == ("(f", "(define (f)\n  1)\n")


# Errors


def test_an_error_points_at_the_form(program):
    path = program("(define (f x)\n  (car x))\n(display 1)\n(f 5)\n")
    result = eshkol("run", path)
    assert (result.stdout, result.returncode) == ("1", 1)
    lines = result.stderr.splitlines()
    assert lines[0].startswith(f"{path}:2:3: car: ")
    assert lines[1:3] == ["  2 |   (car x))", "    |   ^^^^^^^"]
    assert f"{path}:4:1" in result.stderr
    assert "Traceback" not in result.stderr
    assert ".py" not in result.stderr


def test_an_error_in_main_points_at_the_form(program):
    path = program("(define (main)\n  (vector-ref (vector 1) 5))")
    result = eshkol("run", path)
    assert result.returncode == 1
    assert result.stderr.startswith(f"{path}:2:3: ")
    assert "Traceback" not in result.stderr


def test_the_full_traceback_on_request(program):
    result = eshkol("run", program("(car 5)"), ESHKOL_TRACEBACK="full")
    assert result.returncode == 1
    assert "Traceback (most recent call last)" in result.stderr
    assert "car" in result.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("(display 1", r"program\.esk:1:\d+: "),
        (")", r"program\.esk:1:1: "),
        ("(frob)", r"program\.esk:1:2: frob is not defined"),
        (b"(display \xff)", r"program\.esk: expected UTF-8 text, byte 9 is not UTF-8"),
        ('(error "it broke:" 42)', "it broke: 42"),
    ],
)
def test_programs_that_fail(program, content, message):
    result = eshkol("run", program(content))
    assert (result.stdout, result.returncode) == ("", 1)
    assert re.search(message, result.stderr)
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none.esk", "none.esk: there is no such file"),
        (".", ".: expected a Scheme file, it is a directory"),
        ("file/x.esk", "file/x.esk: can't be read: Not a directory"),
        ("", "expected"),
    ],
)
def test_files_that_can_not_be_read(tmp_path, name, message):
    (tmp_path / "file").write_text("")
    result = eshkol("run", name, cwd=tmp_path)
    assert (result.stdout, result.returncode) == ("", 1)
    assert message in result.stderr
    assert len(result.stderr.splitlines()) <= 2


def test_an_error_comes_below_an_open_progress_bar(program):
    path = program('(define bar (progress-bar 10 "epoch")) (update-progress bar) (car 5)')
    lines = eshkol("run", path).stderr.splitlines()
    assert lines[0].startswith("epoch  1/10")
    assert ": car: " in lines[1]


# The command line itself


@pytest.mark.parametrize(
    "words",
    [
        *("frob", "run", "eval", "--frob", "repl x", "check", "fmt", "expand"),
        *("check --format xml x.esk", "run --engine steam x.esk"),
    ],
)
def test_wrong_command_lines(words):
    result = eshkol(*words.split())
    assert (result.stdout, result.returncode) == ("", 2)
    assert "usage: eshkol" in result.stderr


def test_a_file_where_a_command_belongs(program):
    result = eshkol(program("(display 1)"))
    assert (result.stdout, result.returncode) == ("", 2)
    assert "to run the file: eshkol run " in result.stderr


def test_problems_of_standard_input_are_told_under_its_name():
    command = [*ESHKOL, "check", "-"]
    result = subprocess.run(command, input=b"\xff", capture_output=True, timeout=120, check=False)
    assert result.stdout == b"<stdin>:1:1: error: expected UTF-8 text, byte 0 is not UTF-8\n"
    assert result.returncode == 1


def test_an_engine_that_is_not_there():
    result = eshkol("eval", "1", ESHKOL_ENGINE="steam")
    assert (result.stdout, result.returncode) == ("", 2)
    assert "ESHKOL_ENGINE is 'steam' (choose from python, cek)" in result.stderr


@pytest.mark.parametrize("command", ["", "run", "eval", "repl", "expand", "check", "fmt"])
def test_help(command):
    result = eshkol(*command.split(), "--help")
    assert (result.stderr, result.returncode) == ("", 0)
    assert "usage: eshkol" in result.stdout
    assert f"examples:\n  eshkol {command}" in result.stdout


def test_the_version():
    result = eshkol("--version")
    assert re.fullmatch(r"eshkol \d+\.\d+\.\d+ \(jax \S+, Python \S+\)\n", result.stdout)
    assert result.returncode == 0


def test_the_installed_command(program):
    command = os.path.join(os.path.dirname(sys.executable), "eshkol")
    result = subprocess.run([command, "eval", "(+ 1 2)"], capture_output=True, text=True)
    assert (result.stdout, result.returncode) == ("3\n", 0)


# Signals and pipes


def heed_interrupts():
    """What runs in the background of a shell ignores SIGINT, and so does what it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c(program):
    path = program('(display "ready") (newline) (flush-output) (let loop () (loop))')
    with subprocess.Popen(
        [*ESHKOL, "run", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_interrupts,
    ) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
        assert (output, errors, process.returncode) == ("", "interrupted\n", 130)


LOOP = "(let loop ((i m)) (if (< i n) (begin (display i) (newline) (loop (+ i 1)))))"


@pytest.mark.parametrize("call", ["(shown 0 100000)", "((jit shown) 0.0 1e5)"])
def test_a_reader_that_leaves(program, call):
    path = program(f"(define (shown m n) {LOOP}) {call}")
    process = subprocess.Popen(
        [*ESHKOL, "run", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() in ("0\n", "0.0\n")
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(60) == 141


# Start-up


def modules_loaded_by(*words):
    code = (
        "import sys; from eshkol.cli import main\n"
        f"assert main({list(map(str, words))!r}) == 0\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    return {name.partition(".")[0] for name in result.stderr.split()}


def test_a_program_without_tensors_loads_nothing_heavy(program):
    path = program("(define (f n) (if (= n 0) 1 (* n (f (- n 1))))) (display (f 20)) (newline)")
    loaded = modules_loaded_by("run", path)
    assert "eshkol" in loaded
    heavy = {"jax", "jaxlib", "numba", "numpy", "optax", "rich", "prompt_toolkit", "safetensors"}
    assert not loaded & heavy


def test_hello_loads_little(program):
    """What a process loads decides how quickly it starts: `benchmarks/dispatch.py` tells."""
    path = program('(display "hello") (newline)')
    code = "import sys; from eshkol.cli import main; sys.argv[1:] = ['run', sys.argv[1]]\n"
    code += "try: main()\nfinally: print(*sys.modules)"
    command = [sys.executable, "-c", code, str(path)]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    for is_kept in (False, True):
        run = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
        greeting, loaded = run.stdout.splitlines()
        assert greeting == "hello"
        assert not {"numpy", "jax", "numba", "asyncio", "prompt_toolkit"} & set(loaded.split())
        assert len(loaded.split()) < 400
        # What is kept compiled is not compiled again, so nothing of the compiler is needed.
        assert ("eshkol.core.nodes" in loaded.split()) is not is_kept
