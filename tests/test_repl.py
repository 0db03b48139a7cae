"""Talking to a session: through a pipe, on a plain terminal, and with line editing."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pexpect
import pytest

from eshkol.base.errors import EshkolError
from eshkol.reader import read_all
from eshkol.repl.sources import is_complete
from eshkol.repl.terminal import indentation, state_directory

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
    "a command without its argument": (",time\n5\n", "5\n", "use: ,time EXPR"),
    "a command with too much": (",quit now\n5\n", "5\n", "use: ,quit"),
    "doc of a variable": ("(define x '(1 2))\n,doc x\n", "x is (1 2)\n", ""),
    "doc of a procedure": ('(define (f x)\n  "Doubles."\n  (* 2 x))\n,doc f\n', "Doubles.\n", ""),
    "doc of a form": (",doc if\n", "(if test then else?)\nA form of the language.\n", ""),
    "doc of nothing": (",doc frob\n5\n", "5\n", "frob is not defined"),
}


@pytest.mark.parametrize("name", CONVERSATIONS)
@pytest.mark.parametrize("words", [(), ("repl",)], ids=["alone", "repl"])
def test_conversations(name, words):
    text, output, errors = CONVERSATIONS[name]
    result = piped(text, *words)
    assert result.stdout == output
    assert errors in result.stderr if errors else result.stderr == ""
    assert "Traceback" not in result.stderr
    assert result.returncode == 0


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
    for usage in (",help", ",quit", ",time EXPR", ",doc NAME"):
        assert f"  {usage} " in output


def test_time_shows_a_value_and_a_duration():
    output = piped(",time (+ 1\n 2)\n").stdout
    assert re.fullmatch(r"3\n; \d+\.\d\d (µs|ms|s)\n", output)


def test_doc_of_a_primitive():
    lines = piped(",doc shuffled-batches\n").stdout.splitlines()
    assert lines[0] == "(shuffled-batches count batch-size (seed 0) #:drop-last #t)"
    assert lines[1].startswith("The indices 0 to")


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
    ],
)
def test_completeness(text, complete):
    assert is_complete(text) is complete


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("", 0),
        ("5", 0),
        ("(f", 2),
        ("(f)", 0),
        ("(define (f x)", 2),
        ("(define (f x)\n  (if x", 4),
        ("(define (f x)\n  (if x)", 2),
        ('(f "(" ; (\n   (g', 5),
        ("(f #\\(", 2),
        ("(f))", 0),
        ("(let ([x", 8),
        ('(f "open (', 2),
    ],
)
def test_indentation(text, column):
    assert indentation(text) == column


def test_what_a_completed_input_reads_as():
    with pytest.raises(EshkolError):
        read_all("(f", "<test>")


# On terminals


@pytest.fixture
def terminal(tmp_path):
    """Starts a session on a terminal; ``TERM`` and the history are the test's own."""
    started = []

    def start(term="xterm"):
        process = pexpect.spawn(
            ESHKOL[0],
            ESHKOL[1:],
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


def test_ctrl_c_stops_an_evaluation_and_stays(terminal):
    process = terminal()
    process.send("(begin (display 'running) (newline) (let loop () (loop)))\r")
    shows(process, "running")
    process.sendintr()
    process.expect("interrupted")
    process.send("(* 6 7)\r")
    shows(process, "42")


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
