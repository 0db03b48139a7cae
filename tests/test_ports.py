"""Ports, reading and writing (R7RS 6.13), files and the process (6.14)."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eshkol.base.errors import BadValue, FileProblem, ReadError, WrongType
from eshkol.datum.equality import is_equal
from eshkol.datum.pairs import NIL, cons, scheme_list
from eshkol.datum.ports import InputPort
from eshkol.datum.symbols import intern
from eshkol.datum.values import EOF, Char, Vector
from eshkol.datum.write import write_string
from eshkol.primitives.catalogue import builtin_namespace
from eshkol.session import Session
from programs import shown, table, value


def call(name, *arguments):
    return builtin_namespace()[name](*arguments)


@table(r"""
(map port? (list (open-input-string "a") (open-output-string) (current-output-port) "a" car))
⇒ (#t #t #t #f #f)

(map input-port? (list (open-input-string "a") (open-output-string) (current-input-port) 5))
⇒ (#t #f #t #f)

(map output-port? (list (open-input-string "a") (open-output-string) (current-error-port)))
⇒ (#f #t #t)

(map textual-port? (list (open-input-string "a") (open-output-bytevector) (current-output-port)))
⇒ (#t #f #t)

(map binary-port? (list (open-input-bytevector #u8()) (open-output-string))) ⇒ (#t #f)

(let ((p (open-input-string "abc"))) (close-input-port p) (input-port-open? p)) ⇒ #f

(let ((p (open-output-string))) (close-output-port p) (output-port-open? p)) ⇒ #f

(let ((p (open-input-string "abc"))) (let ((open? (input-port-open? p))) (close-port p) open?)) ⇒ #t

(eof-object? (eof-object)) ⇒ #t

(map eof-object? (list (read-char (open-input-string "")) #f '())) ⇒ (#t #f #f)

(char-ready? (open-input-string "42")) ⇒ #t

(let* ((p (open-input-string "ab")) (a (peek-char p)) (b (read-char p)) (c (read-char p)))
  (list a b c (eof-object? (peek-char p)) (eof-object? (read-char p))))
⇒ (#\a #\a #\b #t #t)

(let ((p (open-input-string "abc\ndef\n"))) (list (read-line p) (read-line p) (read-line p)))
⇒ ("abc" "def" #<eof>)

(let ((p (open-input-string "a\r\nb\rc"))) (list (read-line p) (read-line p) (read-line p)))
⇒ ("a" "b" "c")

(let ((p (open-input-string "abcd"))) (list (read-string 3 p) (read-string 3 p) (read-string 3 p)))
⇒ ("abc" "d" #<eof>)

(read-string 0 (open-input-string "")) ⇒ ""

(let* ((p (open-input-string "one two\nthree")) (a (read-string 3 p)) (b (read-line p)))
  (list a b (port->string p)))
⇒ ("one" " two" "three")

(read-lines (open-input-string "a\n\nb")) ⇒ ("a" "" "b")

(let ((p (open-input-bytevector #u8(1 2))))
  (let* ((a (peek-u8 p)) (b (read-u8 p)) (c (read-u8 p))) (list a b c (eof-object? (read-u8 p)))))
⇒ (1 1 2 #t)

(u8-ready? (open-input-bytevector #u8(1))) ⇒ #t

(let ((p (open-input-bytevector #u8(1 2 3)))) (list (read-bytevector 2 p) (read-bytevector 2 p)
  (read-bytevector 2 p)))
⇒ (#u8(1 2) #u8(3) #<eof>)

(let ((b (bytevector 1 2 3 4 5)))
  (list (read-bytevector! b (open-input-bytevector #u8(6 7 8 9 10)) 1 3) b))
⇒ (2 #u8(1 6 7 4 5))

(let ((b (bytevector 1 2))) (eof-object? (read-bytevector! b (open-input-bytevector #u8())))) ⇒ #t

(let ((p (open-output-string))) (write 'abc p) (display "d\"" p) (write "e\"" p)
  (get-output-string p))
⇒ "abcd\"\"e\\\"\""

(let ((p (open-output-string))) (write-char #\x p) (newline p) (write-string "abc def" p 2 5)
  (get-output-string p))
⇒ "x\nc d"

(let ((p (open-output-string))) (write-string "abc def" p 4) (flush-output-port p)
  (get-output-string p))
⇒ "def"

(let ((p (open-output-bytevector))) (write-u8 1 p) (write-bytevector #u8(1 2 3 4 5) p 2 4)
  (get-output-bytevector p))
⇒ #u8(1 3 4)

(call-with-port (open-input-string "xyz") read-line) ⇒ "xyz"

(let ((p (open-input-string "x"))) (call-with-port p read-char) (input-port-open? p)) ⇒ #f

(call-with-output-string (lambda (p) (write '(1 "a" #\b) p))) ⇒ "(1 \"a\" #\\b)"

(with-output-to-string (lambda () (display "a") (write "b"))) ⇒ "a\"b\""

(with-output-to-string (lambda () (display (with-output-to-string (lambda () (display 1)))))) ⇒ "1"

(with-input-from-string "(a b) c" (lambda () (let* ((x (read)) (y (read))) (list x y (read)))))
⇒ ((a b) c #<eof>)

(call-with-input-string "12 x" read) ⇒ 12
""")
def test_ports(program, expected):
    assert shown(program) == expected


@table(r"""
(let ((x (list 1))) (set-cdr! x x) (call-with-output-string (lambda (p) (write x p))))
⇒ "#0=(1 . #0#)"

(let ((x (list 1 2))) (call-with-output-string (lambda (p) (write (list x x) p))))
⇒ "((1 2) (1 2))"

(let ((x (list 1 2))) (call-with-output-string (lambda (p) (write-shared (list x x) p))))
⇒ "(#0=(1 2) #0#)"

(let ((x (list 1 2))) (call-with-output-string (lambda (p) (write-simple (list x x) p))))
⇒ "((1 2) (1 2))"

(let ((x (list 1 2))) (call-with-output-string (lambda (p) (display (list x x) p))))
⇒ "((1 2) (1 2))"

(let ((v (vector 1 2))) (vector-set! v 1 v) (call-with-output-string (lambda (p) (display v p))))
⇒ "#0=#(1 #0#)"

(let ((x (read (open-input-string "#0=(a . #0#)")))) (list (car x) (eq? x (cdr x)))) ⇒ (a #t)

(let ((x (read (open-input-string "(#0=(1 2) #0# #0#)")))) (eq? (car x) (caddr x))) ⇒ #t

(let ((x (read (open-input-string "#1=#(0 #1#)")))) (eq? x (vector-ref x 1))) ⇒ #t

(cadr (read (open-input-string "#0=(1 . #0#)"))) ⇒ 1
""")
def test_labels(program, expected):
    assert shown(program) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "#<eof>"),
        ("  ; nothing\n", "#<eof>"),
        ("(1 . (2 3 . (4)))", "(1 2 3 4)"),
        ("'(1 ,@2)", "'(1 ,@2)"),
        ("#;(a b) c", "c"),
        ("#| x #| y |# |# def", "def"),
        ("#!fold-case ABC", "abc"),
        ("|H\\x65;llo|", "Hello"),
        ("#u8(0 1)", "#u8(0 1)"),
        ('"line 1\\\n   continued"', '"line 1continued"'),
        ("\r\n(a\r\nb)", "(a b)"),
        ("[a b]", "(a b)"),
        ("#true", "#t"),
        ("-1e3", "-1000.0"),
    ],
)
def test_read_gives_a_datum(text, expected):
    assert write_string(call("read", call("open-input-string", text))) == expected


@given(
    st.lists(
        st.recursive(
            st.integers()
            | st.text(max_size=5)
            | st.sampled_from([intern("a"), Char("x"), True, NIL]),
            lambda inner: st.lists(inner, max_size=4).map(scheme_list)
            | st.lists(inner, max_size=3).map(Vector)
            | st.tuples(inner, inner).map(lambda pair: cons(*pair)),
            max_leaves=12,
        ),
        max_size=5,
    ),
    st.integers(1, 40),
)
def test_what_is_written_is_read_again_from_any_stream(data, chunk):
    text = "\n".join(map(write_string, data))

    class Slow:
        """Gives a few characters at a time, as a pipe may."""

        position = 0

        def readline(self):
            self.position += chunk
            return text[self.position - chunk : self.position]

    for port in (InputPort(None, "string", content=text), InputPort(Slow(), "slow")):
        assert all(is_equal(call("read", port), datum) for datum in data)
        assert call("read", port) is EOF


def test_long_data_is_read():
    text = "(" + "abc " * 5000 + ") tail"
    port = InputPort(None, "string", content=text)
    assert len(call("read", port)) == 5000
    assert call("read-char", port) == Char(" ")
    assert call("read", port) is intern("tail")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (")", "read: unexpected `\\)`"),
        ("(1 2", "read: this `\\(` is never closed"),
        ('"abc', "read: this string is never closed"),
        ("(1 . )", "read: "),
        ("#foo", "read: `#foo` is not known"),
    ],
)
def test_read_errors(text, message):
    with pytest.raises(ReadError, match=message):
        value(f"(read (open-input-string {write_string(text)}))")


@pytest.mark.parametrize(
    ("program", "kind", "message"),
    [
        ("(read-char 5)", WrongType, "read-char: expected an input port, got 5"),
        ("(read-char (open-output-string))", WrongType, "expected an input port"),
        ("(read-char (open-input-bytevector #u8(1)))", WrongType, "expected a textual port"),
        ('(read-u8 (open-input-string "a"))', WrongType, "read-u8: expected a binary port"),
        ("(write-u8 1 (open-output-string))", WrongType, "write-u8: expected a binary port"),
        ("(display 1 (open-output-bytevector))", WrongType, "display: expected a textual port"),
        ('(display 1 (open-input-string "a"))', WrongType, "display: expected an output port"),
        ("(display 1 'port)", WrongType, "display: expected an output port, got port"),
        (
            '(let ((p (open-input-string "a"))) (close-port p) (read-char p))',
            BadValue,
            "read-char: the port is closed: #<input-port string>",
        ),
        (
            "(let ((p (open-output-string))) (close-port p) (write 1 p))",
            BadValue,
            "write: the port is closed",
        ),
        ("(close-port 1)", WrongType, "close-port: expected a port, got 1"),
        ("(get-output-string (open-output-bytevector))", WrongType, "a port of open-output-string"),
        ('(open-input-file "no such file")', FileProblem, "open-input-file: no such file"),
        ('(delete-file "no such file")', FileProblem, 'delete-file: no such file .*"no such file"'),
        ('(open-output-file "no/such/directory/f")', FileProblem, "open-output-file: no such file"),
        ("(read-string -1)", IndexError, "read-string: expected an exact non-negative integer"),
        ("(write-u8 256)", IndexError, "expected a byte from 0 to 255, got 256"),
    ],
)
def test_errors(program, kind, message):
    with pytest.raises(kind, match=message):
        value(program)


def test_get_output_string_after_closing():
    program = "(let ((p (open-output-string))) (write 1 p) (close-port p) (get-output-string p))"
    assert value(program) == "1"


def test_streams_of_python_are_ports(tmp_path):
    session = Session()
    session.define("in", io.StringIO("ab\n(c d)"))
    session.define("out", io.StringIO())
    session.define("bytes", io.BytesIO(b"\x01\x02"))
    assert session.evaluate("(list (input-port? in) (output-port? out) (binary-port? bytes))")
    assert session.evaluate("(read-line in)") == "ab"
    assert write_string(session.evaluate("(read in)")) == "(c d)"
    session.evaluate("(write '(1 2) out)")
    assert session.get("out").getvalue() == "(1 2)"
    assert session.evaluate("(peek-u8 bytes)") == 1
    assert session.evaluate("(read-u8 bytes)") == 1


def test_standard_input(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("first\n42 (a)\n"))
    assert value("(read-line)") == "first"
    assert value("(read)") == 42
    assert shown("(read)") == "(a)"
    assert value("(eof-object? (read-line))") is False
    assert value("(eof-object? (read-line))") is True


def test_text_files(tmp_path):
    session = Session()
    session.define("path", str(tmp_path / "a.txt"))
    session.evaluate('(call-with-output-file path (lambda (p) (write "λ" p) (newline p)))')
    assert (tmp_path / "a.txt").read_bytes() == '"λ"\n'.encode()
    assert session.evaluate("(call-with-input-file path read)") == "λ"
    session.evaluate("(with-output-to-file path (lambda () (display 'one) (newline) (display 2)))")
    assert shown_in(session, "(with-input-from-file path (lambda () (list (read) (read))))") in (
        "(one 2)",
        "(2 one)",
    )
    session.evaluate('(let ((p (open-append-file path))) (write-string "!" p) (close-port p))')
    assert session.evaluate("(read-file path)") == "one\n2!"
    assert shown_in(session, "(read-file-lines path)") == '("one" "2!")'
    assert session.evaluate("(file-exists? path)") is True
    session.evaluate("(delete-file path)")
    assert session.evaluate("(file-exists? path)") is False


def shown_in(session, text):
    return write_string(session.evaluate(text))


def test_binary_files(tmp_path):
    session = Session()
    session.define("path", str(tmp_path / "a.bin"))
    session.evaluate(
        "(let ((p (open-binary-output-file path)))"
        " (write-bytevector #u8(0 255 10) p) (close-port p))"
    )
    assert (tmp_path / "a.bin").read_bytes() == b"\x00\xff\n"
    assert (
        shown_in(
            session,
            "(call-with-port (open-binary-input-file path)"
            " (lambda (p) (read-u8 p) (read-bytevector 9 p)))",
        )
        == "#u8(255 10)"
    )
    assert shown_in(session, "(read-file-bytes path)") == "#u8(0 255 10)"


def test_files_that_are_no_text(tmp_path):
    (tmp_path / "a").write_bytes(b"\xff\xfe")
    session = Session()
    session.define("path", str(tmp_path / "a"))
    for program in ("(read-file path)", "(read-line (open-input-file path))"):
        with pytest.raises((FileProblem, BadValue)):
            session.evaluate(program)


def test_output_that_fails_leaves_the_port_as_it_was(capsys):
    session = Session()
    with pytest.raises(Exception, match="pair"):
        session.evaluate("(with-output-to-string (lambda () (display 1) (car '())))")
    session.evaluate("(display 2)")
    assert capsys.readouterr().out == "2"


# ---- the file system


def test_directories(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    session = Session()
    session.evaluate(
        '(make-directory "a/b") (write-file "a/x.txt" "hi") (write-file "a/y" #u8(1 2))'
    )
    assert shown_in(session, '(directory-list "a")') == '("b" "x.txt" "y")'
    assert session.evaluate('(file-size "a/x.txt")') == 2
    session.evaluate(
        '(append-file "a/x.txt" "!") (copy-file "a/x.txt" "a/z") (rename-file "a/z" "w")'
    )
    assert session.evaluate('(read-file "w")') == "hi!"
    assert shown_in(session, '(map directory-exists? \'("a" "w" "no"))') == "(#t #f #f)"
    assert shown_in(session, '(map file-regular? \'("a" "w" "no"))') == "(#f #t #f)"
    session.evaluate('(delete-directory "a/b")')
    assert session.evaluate('(file-exists? "a/b")') is False
    assert session.evaluate("(current-directory)") == os.getcwd()
    session.evaluate('(write-file-lines "l" \'("one" "two"))')
    assert (tmp_path / "l").read_text() == "one\ntwo\n"
    with pytest.raises(FileProblem, match="delete-directory"):
        session.evaluate('(delete-directory "a")')


@table(r"""
(path-join "a" "b" "c.txt") ⇒ "a/b/c.txt"

(path-join "a" "/b") ⇒ "/b"

(map path-directory '("a/b.txt" "b.txt" "/a")) ⇒ ("a" "." "/")

(map path-filename '("a/b.txt" "b.txt" "a/")) ⇒ ("b.txt" "b.txt" "")

(map path-extension '("a/b.txt" "a.b/c" ".x" "a.tar.gz")) ⇒ (".txt" "" "" ".gz")

(map path-stem '("a/b.txt" "c")) ⇒ ("b" "c")

(path-normalize "a/./b/../c") ⇒ "a/c"

(map path-absolute? '("/a" "a")) ⇒ (#t #f)
""")
def test_paths(program, expected):
    assert shown(program) == expected


# ---- the process


def test_environment(monkeypatch):
    monkeypatch.setenv("ESHKOL_TEST", "yes")
    assert value('(get-environment-variable "ESHKOL_TEST")') == "yes"
    assert value('(get-environment-variable "ESHKOL_NO_SUCH")') is False
    assert value('(cdr (assoc "ESHKOL_TEST" (get-environment-variables)))') == "yes"
    value('(setenv "ESHKOL_TEST" "no")')
    assert os.environ["ESHKOL_TEST"] == "no"
    value('(setenv "ESHKOL_TEST" #f)')
    assert "ESHKOL_TEST" not in os.environ


def test_time():
    assert shown("(list (inexact? (current-second)) (exact? (current-jiffy)))") == "(#t #t)"
    assert value("(let ((a (current-jiffy))) (<= a (current-jiffy)))") is True
    assert value("(jiffies-per-second)") == 10**9
    assert abs(value("(current-second)") - value("(current-seconds)")) < 2


@pytest.mark.parametrize(("code", "status"), [("", 0), ("#t", 0), ("#f", 1), ("7", 7)])
def test_emergency_exit(code, status, tmp_path):
    path = tmp_path / "a.esk"
    path.write_text(f"(emergency-exit {code})")
    assert subprocess.run([sys.executable, "-m", "eshkol", "run", path]).returncode == status
