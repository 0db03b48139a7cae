"""Talking to a session: through a pipe, on a plain terminal, and with line editing."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pexpect
import pytest

import eshkol
from eshkol.base.errors import EshkolError
from eshkol.cli import main
from eshkol.reader import read_all
from eshkol.repl.commands import COMMANDS
from eshkol.repl.completion import completions
from eshkol.repl.sources import is_complete
from eshkol.repl.terminal import state_directory

ESHKOL = [sys.executable, "-m", "eshkol"]


def piped(text, *words):
    return subprocess.run(
        [*ESHKOL, *words], input=text, capture_output=True, text=True, encoding="utf-8", timeout=60
    )


# Through a pipe

CONVERSATIONS = {
    "nothing": ("", "", ""),
    "a value": ("(+ 1 2)\n", "3\n", ""),
    "values are written": ('"a\\n"\n#\\a\n\'sym\n', '"a\\n"\n#\\a\nsym\n', ""),
    "several forms on a line": ("1 2 3\n", "1\n2\n3\n", ""),
    "nothing for the unspecified value": ("(if #f #f)\n(define x 5)\nx\n", "5\n", ""),
    "a form on several lines": ("(define (f x)\n  (* x\n     x))\n(f 4)\n", "16\n", ""),
    "a string on several lines": ('(string-length "a\nb")\n', "3\n", ""),
    "blank lines and comments": ("\n; no\n\n5 ; yes\n#| a\nb |#\n", "5\n", ""),
    "no newline at the end": ("(+ 1 2)", "3\n", ""),
    "an error goes on": ("(car 5)\n7\n", "7\n", "car: "),
    "an error leaves out the rest of its input": ("1 (car 5) 2\n3\n", "1\n3\n", "car: "),
    "a form that is wrong": ("(if)\n7\n", "7\n", "if: "),
    "a parenthesis too many": (")\n7\n", "7\n", "<input 1>:1:1"),
    "an end too early": ("7\n(car", "7\n", "<input 2>:1"),
    "macros stay": (
        "(define-syntax twice (syntax-rules () ((_ e) (begin e e))))\n(twice (display 1))\n",
        "11",
        "",
    ),
    "redefinition": ("(define (f) 1)\n(define (g) (f))\n(define (f) 2)\n(g)\n", "2\n", ""),
    "quit": (",quit\n5\n", "", ""),
    "a command that isn't": (",frob\n5\n", "5\n", "There is no command ,frob; ,help lists them."),
    "a command without its argument": (
        ",time\n5\n",
        "5\n",
        "use: ,time FORM\nfor example: ,time (f 1)",
    ),
    "a command with too much": (",quit now\n5\n", "5\n", "use: ,quit"),
    "doc of a variable": ("(define x '(1 2))\n,doc x\n", "x is (1 2)\n", ""),
    "doc of a procedure": (
        '(define (f x)\n  "Doubles."\n  (* 2 x))\n,doc f\n',
        "(f x)\nDoubles.\n",
        "",
    ),
    "doc of a form": (
        ",doc the\n",
        "(the type value)\nA value, with its type for readers: nothing is checked.\n\n"
        "Example: ``(the real 5)`` ⇒ ``5``.\n",
        "",
    ),
    "doc of nothing": (",doc frob\n5\n", "5\n", "to look for names that contain it: ,apropos frob"),
    "doc of a name that is spelled wrong": (",doc carr\n", "", "did you mean car?"),
    "doc of a macro": (
        "(define-syntax m (syntax-rules () ((_ e) e)))\n,doc m\n",
        "m is a macro.\n",
        "",
    ),
    "a command in short": (",q\n5\n", "", ""),
    "a command in short that isn't clear": (",\n", "", "There is no command ,;"),
    "a command that is spelled wrong": (",quti\n5\n", "5\n", "Did you mean ,quit?"),
    "help about a command": (
        ",help ,time\n",
        ",time FORM\nShow the value of a form and the time it took.\nFor example: ,time (f 1)\n",
        "",
    ),
    "help about nothing": (",help frob\n5\n", "5\n", "There is no command ,frob."),
    "apropos": (
        "(define my-own-thing 5)\n,apropos own-th\n",
        "  my-own-thing  5\n",
        "",
    ),
    "apropos nothing": (",apropos wxyz\n", "No name contains wxyz.\n", ""),
    "expand": (
        "(define-syntax twice (syntax-rules () ((_ e) (begin e e))))\n,expand (list (twice 1))\n",
        "(list (begin 1 1))\n",
        "",
    ),
    "expand what is wrong": (",expand (if)\n5\n", "5\n", "if: test is missing"),
    "expand over several lines": (",expand (when 1\n  2)\n", "(if 1 2 (if #f #f))\n", ""),
    "step": (
        "(define-syntax m (syntax-rules () ((_ e) (n e))))\n"
        "(define-syntax n (syntax-rules () ((_ e) (list e))))\n,step (m 1)\n",
        "m: (m 1)\n  → (n 1)\nn: (n 1)\n  → (list 1)\n",
        "",
    ),
    "step without a macro": (",step (list 1)\n", "; no macro is used here\n", ""),
    "step into an error": (
        "(define-syntax m (syntax-rules () ((_ e) (if))))\n,step (m 1)\n5\n",
        "m: (m 1)\n  → (if)\n5\n",
        "if: test is missing",
    ),
    "core": (
        ",core (let loop ((i 0)) (if (< i 3) (loop (+ i 1)) i))\n",
        "(loop loop.2 ((i 0)) (if (< i 3) (continue loop.2 (+ i 1)) i))\n",
        "",
    ),
    "reload nothing": (",reload\n5\n", "5\n", "to load a file: ,load FILE"),
    "load nothing": (",load nowhere.esk\n5\n", "5\n", "nowhere.esk: there is no such file"),
    "jaxpr of no call": (",jaxpr (5 6)\n7\n", "7\n", "expected a procedure to call, got 5"),
}


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_conversations(name, monkeypatch, capsys):
    text, output, errors = CONVERSATIONS[name]
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    assert main([]) == 0
    result = capsys.readouterr()
    assert result.out == output
    assert errors in result.err if errors else result.err == ""
    assert "Traceback" not in result.err


@pytest.mark.parametrize("words", [(), ("repl",)], ids=["alone", "repl"])
def test_the_command(words):
    result = piped("(+ 1 2)\n(car 5)\n", *words)
    assert (result.stdout, result.returncode) == ("3\n", 0)
    assert "<input 2>:1:1: car: " in result.stderr


def test_an_error_shows_the_line_of_its_input():
    lines = piped("(define x 5)\n(list 1\n  (car x))\n").stderr.splitlines()
    assert lines[0].startswith("<input 2>:2:3: car: ")
    assert lines[1:3] == ["  2 |   (car x))", "    |   ^^^^^^^"]


def test_an_error_comes_below_an_open_progress_bar():
    text = '(define bar (progress-bar 10 "epoch"))\n(begin (update-progress bar) (car 5))\n'
    lines = piped(text).stderr.splitlines()
    assert lines[0].startswith("epoch  1/10")
    assert ": car: " in lines[1]


def test_exit_sets_the_status():
    result = piped("(display 1)\n(exit 3)\n(display 2)\n")
    assert (result.stdout, result.returncode) == ("1", 3)


def test_help_lists_the_commands():
    output = piped(",help\n").stdout
    commands = "help doc apropos expand step core python jaxpr time load reload quit".split()
    assert re.findall(r"^  ,(\w+) ", output, re.MULTILINE) == commands


def test_the_commands_are_documented():
    text = (Path(eshkol.__file__).parents[2] / "docs" / "tools.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `,(\w+)", text, re.MULTILINE) == list(COMMANDS)


def test_time_shows_a_value_and_a_duration():
    output = piped(",time (+ 1\n 2)\n").stdout
    assert re.fullmatch(r"3\n; \d+\.\d\d (µs|ms|s)\n", output)


def test_doc_of_a_primitive():
    lines = piped(",doc shuffled-batches\n").stdout.splitlines()
    assert lines[0] == "(shuffled-batches count batch-size (seed 0) #:drop-last #t)"
    assert lines[1].startswith("The indices 0 to")


def test_the_python_of_a_form():
    output = piped(",python (define (f x) (string-append x x))\n").stdout
    assert "def f.0(x):" in output
    assert "string-append(x, x)" in output


def test_the_python_and_the_core_of_a_procedure():
    output = piped("(define (f x) (string-append x x))\n,python f\n,core f\n").stdout
    assert "def f.0(x):" in output
    assert "(lambda (x) (string-append x x))" in output


def test_the_jaxpr_of_a_procedure_is_asked_by_a_call():
    result = piped("(define (f x) x)\n,jaxpr f\n")
    assert "expected a call, got #<procedure f>" in result.stdout + result.stderr
    assert ",jaxpr (f …)" in result.stdout + result.stderr


def test_several_values_are_shown_one_in_a_line():
    assert piped("(values 1 'a)\n(values)\n(floor/ 7 2)\n").stdout == "1\na\n3\n1\n"


def test_the_jaxpr_of_a_call():
    output = piped(
        "(define (f x) (sin (* x x)))\n,jaxpr (f 2.0)\n,jaxpr (if #t (cos 1.0) 2)\n"
    ).stdout
    lines = output.splitlines()
    assert lines[0].startswith("{ lambda ; ")
    assert re.search(r"mul \w \w", output)
    assert re.search(r"sin \w", output)
    assert sum(line.startswith("{ lambda ; ") for line in lines) == 2


def test_loading_and_reloading(tmp_path):
    path = tmp_path / "program.esk"
    path.write_text("(define answer 42)")
    text = (
        f',load {path}\nanswer\n(call-with-output-file "{path}"'
        " (lambda (port) (write '(define answer 43) port)))\n,reload\nanswer\n"
        f',load "{tmp_path}/program"\n'
    )
    result = piped(text)
    loaded = f"; loaded {path}\n"
    assert (result.stdout, result.stderr) == (f"{loaded}42\n{loaded}43\n{loaded}", "")


def test_an_error_in_a_loaded_file(tmp_path):
    (tmp_path / "program.esk").write_text("(define x 1)\n(car x)")
    result = piped(f",load {tmp_path}/program.esk\nx\n")
    assert result.stdout == "1\n"
    assert "program.esk:2:1: car: " in result.stderr


def test_quiet_says_nothing_by_itself():
    assert piped("(+ 1 2)\n", "repl", "--quiet").stdout == "3\n"


def test_a_pipe_loads_no_line_editor():
    code = (
        "import sys; from eshkol.cli import main; main(['repl'])\n"
        "print('prompt_toolkit' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], input="", capture_output=True, text=True, timeout=60
    )
    assert result.stdout == "False\n"


# When input is complete, and where its next line begins


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("", True),
        ("5", True),
        ("(f", False),
        ("(f)", True),
        ("(f) (g", False),
        ("[1", False),
        ('"a', False),
        ('"a"', True),
        ("'", False),
        ("#(1 2", False),
        ("#| a", False),
        ("#;", False),
        ("|a b", False),
        (")", True),
        ("(f))", True),
        ("(f . )", True),
        ("; (", True),
        (",help", True),
        (",time (f", False),
        (",time (f)", True),
        (",expand (f\n(g", False),
        (",doc (f", True),
        (",load it's.esk", True),
    ],
)
def test_completeness(text, complete):
    assert is_complete(text) is complete


def test_what_a_completed_input_reads_as():
    with pytest.raises(EshkolError):
        read_all("(f", "<test>")


# Completion


@pytest.mark.parametrize(
    ("before", "after", "start", "found"),
    [
        ("(ca", "", 1, ["cadr", "car"]),
        ("(car", "", 1, []),
        ("(list cd", ")", 6, ["cdr"]),
        ("(xyz", "", 1, []),
        ("(", "", 1, []),
        ("", "", 0, []),
        (",", "", 0, [",load", ",quit"]),
        (",q", "", 0, [",quit"]),
        ("(f ,ca", "", 4, ["cadr", "car"]),
        ("(define (f counter) (* coun", "", 23, ["counter"]),
        ("(let ((a-long-name 1)) a-l", ") (f a-long-name)", 23, ["a-long-name"]),
    ],
)
def test_completions(before, after, start, found):
    names = [",quit", ",load", "car", "cdr", "cadr"]
    assert completions(before, before + after, lambda: names) == (start, found)


def test_completion_of_files(tmp_path, monkeypatch):
    (tmp_path / "model.esk").write_text("")
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / ".hidden.esk").write_text("")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "deep.esk").write_text("")
    monkeypatch.chdir(tmp_path)

    def found(before):
        return completions(before, before, list)

    assert found(",load mo") == (6, ["model.esk", "more/"])
    assert found(",load more/d") == (11, ["deep.esk"])
    assert found(f",load {tmp_path}/mod") == (len(f",load {tmp_path}/"), ["model.esk"])
    assert found(',load "mod') == (7, ["model.esk"])
    assert found('(import "mod') == (9, ["model.esk"])
    assert found(",load nowhere/x") == (6, [])


# On terminals


@pytest.fixture
def terminal(tmp_path):
    """Starts a session on a terminal; ``TERM`` and the history are the test's own."""
    started = []

    def start(term="xterm"):
        process = pexpect.spawn(
            ESHKOL[0],
            ESHKOL[1:],
            # What runs in the background of a shell ignores SIGINT, and so would this.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            env={
                **os.environ,
                "TERM": term,
                "XDG_STATE_HOME": str(tmp_path / "state"),
                "PROMPT_TOOLKIT_NO_CPR": "1",
            },
            encoding="utf-8",
            timeout=20,
            dimensions=(24, 100),
        )
        started.append(process)
        process.expect(">")
        return process

    yield start
    for process in started:
        process.close(force=True)


def test_a_dumb_terminal(terminal):
    process = terminal("dumb")
    process.sendline("(+ 20 22)")
    process.expect("42\r\n> ")
    process.sendline("(list 1")
    process.sendline("2)")
    process.expect(r"\(1 2\)\r\n> ")
    process.sendintr()
    process.sendline("(* 6 7)")
    process.expect("42\r\n> ")
    process.sendeof()
    process.expect(pexpect.EOF)
    assert "\x1b" not in process.before


def shows(process, line):
    """Wait for a line of output; the editor's last escape sequence may stand before it."""
    process.expect(r"(?:\n|\x1b\[\?2004l)" + line + "\r\n")


def test_line_editing(terminal):
    process = terminal()
    process.send('(string-length "abc"\r')
    process.send(")\r")
    shows(process, "3")
    process.send("(* 6 8\x7f7)\r")  # backspace
    shows(process, "42")
    process.send("(car '(1\x03")  # Ctrl-C cancels the line
    process.send("(* 6 9)\r")
    shows(process, "54")
    process.send("\x1b[A\r")  # arrow up: the last input again
    shows(process, "54")
    process.send("(string-len\t")  # completes the name
    process.expect("string-length")
    process.send(' "abcd")\r')
    shows(process, "4")
    process.send("\x04")
    process.expect(pexpect.EOF)
    process.wait()
    assert process.exitstatus == 0


def test_lines_are_indented(terminal):
    process = terminal()
    process.send("(define (f x)\r")
    process.send("(list x\r")
    process.send("'(1\r2)))\r")
    process.send("(f 0)\r")
    shows(process, r"\(0 \(1 2\)\)")
    process.send("\x04")
    process.expect(pexpect.EOF)


def test_the_history_holds_indented_lines(terminal, tmp_path):
    process = terminal()
    process.send("(define (f x)\r(list x\r2))\r")
    process.send("(f 0)\r")
    shows(process, r"\(0 2\)")
    process.send("\x04")
    process.expect(pexpect.EOF)
    history = (tmp_path / "state" / "eshkol" / "history").read_text()
    assert "+(define (f x)\n+  (list x\n+        2))\n" in history


def test_completing_a_file_to_load(terminal, tmp_path):
    (tmp_path / "a-model.esk").write_text("(display 'loaded)")
    process = terminal()
    process.send(f",load {tmp_path}/a-mo\t")
    process.expect("del.esk")
    process.send("\r")
    process.expect("loaded")


def test_a_terminal_without_prompt_toolkit(tmp_path):
    code = (
        "import sys; sys.modules['prompt_toolkit'] = None\n"
        "from eshkol.cli import main; sys.exit(main(['repl']))"
    )
    environment = {**os.environ, "TERM": "xterm"}
    process = pexpect.spawn(sys.executable, ["-c", code], env=environment, encoding="utf-8")
    process.expect("> ")
    process.sendline("(* 6 7)")
    process.expect("42\r\n> ")
    process.sendeof()
    process.expect(pexpect.EOF)


def test_ctrl_c_stops_an_evaluation_and_stays(terminal):
    process = terminal()
    process.send("(begin (display 'running) (newline) (let loop () (loop)))\r")
    shows(process, "running")
    process.sendintr()
    process.expect("interrupted")
    process.send("(* 6 7)\r")
    shows(process, "42")


def test_ctrl_c_stops_a_program_that_is_traced_and_stays(terminal):
    process = terminal("dumb")
    process.sendline("((jit (lambda (x) (* 3 x))) 1.5)")
    process.expect(r"4\.5\r\n> ", timeout=60)
    process.sendline(
        "((jit (lambda (x) (let loop ((l '()) (n 0)) "
        "(if (< n 900000) (loop (cons (sin (+ x n)) l) (+ n 1)) (car l))))) 1.0)"
    )
    time.sleep(1.0)
    interrupt(process)
    process.sendline("(list (* 6 7) ((jit (lambda (x) (* 2 x))) 4.0))")
    process.expect(r"\(42 8\.0\)\r\n> ", timeout=60)


def interrupt(process):
    """Press Ctrl-C as a person does: again if nothing happens.

    Python drops an interrupt that comes while a callback of the garbage collector runs.
    """
    for _ in range(5):
        process.sendintr()
        if process.expect(["interrupted", pexpect.TIMEOUT], timeout=5) == 0:
            return
    raise AssertionError("Ctrl-C does not end it")


def test_the_history_is_kept(terminal, tmp_path):
    first = terminal()
    first.send("(* 11 11)\r")
    shows(first, "121")
    first.send("\x04")
    first.expect(pexpect.EOF)
    assert "(* 11 11)" in (tmp_path / "state" / "eshkol" / "history").read_text()
    second = terminal()
    second.send("\x1b[A\r")
    shows(second, "121")


def test_an_unwritable_history_does_no_harm(terminal, tmp_path):
    (tmp_path / "state").write_text("not a directory")
    process = terminal()
    process.send("(* 11 11)\r")
    shows(process, "121")


def test_the_state_directory(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert state_directory() == tmp_path / "eshkol"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert state_directory() == tmp_path / ".local" / "state" / "eshkol"
