"""What programs take from each other: import sets, exports, macros, and libraries in a text."""

from __future__ import annotations

import sys

import pytest

import eshkol as ek
from eshkol.datum.write import write_string
from eshkol.modules import cache
from eshkol.modules.registry import Registry
from eshkol.session import Session

SHAPES = """(provide area (rename perimeter around) shape-count with-unit)
(define shape-count 0)
(define (count!) (set! shape-count (+ shape-count 1)))
(define (area w h) (count!) (* w h))
(define (perimeter w h) (* 2 (+ w h)))
(define-syntax with-unit (syntax-rules () ((_ form) (list form (unit-of 'form)))))
(define (unit-of form) 'cm)
(define hidden 1)
"""

FILES = {
    "shapes.esk": SHAPES,
    "all.esk": "(define a 1) (define (b) 2) (define-syntax c (syntax-rules () ((_) 3)))",
    "deep/er/lib.esk": "(define here 'deep)",
    "pack/main.esk": "(import (pack part)) (provide (all-from (pack part)) own) (define own 1)",
    "pack/part.esk": "(define part-a 'a) (define (part-b) (list part-a)) "
    "(define-syntax part-c (syntax-rules () ((_ x) (list x (part-b)))))",
    "relative/main.esk": '(import "side.esk" (prefix "../all.esk" up:)) '
    "(define x (list side up:a))",
    "relative/side.esk": "(define side 'side)",
    "numbered/1.esk": "(define one 1)",
    "redefines.esk": "(define (car x) 'my-car) (define-syntax head (syntax-rules () "
    "((_ x) (car x))))",
    "macros.esk": "(define-syntax first (syntax-rules () ((_ x) (car x)))) "
    "(define-syntax swap! (syntax-rules () ((_ a b) (let ((t a)) (set! a b) (set! b t))))) "
    "(define-syntax define-two (syntax-rules () ((_ a b v) (begin (define a v) (define b v))))) "
    "(define-syntax counted (syntax-rules () ((_ e) (begin (bump!) e)))) "
    "(define n 0) (define (bump!) (set! n (+ n 1)))",
    "one/same.esk": "(define (helper) 'one) (provide m1 f1) (define (f1) (helper)) "
    "(define-syntax m1 (syntax-rules () ((_) (helper))))",
    "two/same.esk": "(define (helper) 'two) (provide m2 f2) (define (f2) (helper)) "
    "(define-syntax m2 (syntax-rules () ((_) (helper))))",
    "r7rs/stack.esk": "(define-library (r7rs stack) (export make (rename put! push!) top) "
    "(import (scheme base)) (begin (define (make) (list)) (define secret 1)) "
    "(begin (define-syntax put! (syntax-rules () ((_ s x) (set! s (cons x s))))) "
    "(define (top s) (car s))))",
    "r7rs/both.esk": "(define-library (r7rs inner) (export i) (begin (define i 'inner))) "
    "(define-library (r7rs both) (export j) (import (r7rs inner)) (begin (define j (list i))))",
}


@pytest.fixture
def folder(tmp_path):
    """A folder with the libraries of FILES."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def run(folder, text, session=None):
    """The value of a program that stands in the folder, as ``write`` shows it."""
    session = session or Session()
    return write_string(session.evaluate(text, file=str(folder / "program.esk")))


IMPORTS = {
    "all that is provided": ("(import (shapes)) (list (area 2 3) (around 2 3))", "(6 10)"),
    "all that is defined": ("(import (all)) (list a (b) (c))", "(1 2 3)"),
    "several sets": ("(import (all) (shapes)) (area a (c))", "3"),
    "a file": ('(import "all.esk") a', "1"),
    "a file below": ('(import "deep/er/lib.esk") here', "deep"),
    "words for folders": ("(import (deep er lib)) here", "deep"),
    "numbers in names": ("(import (numbered 1)) one", "1"),
    "only": ("(import (only (shapes) area)) (define around 5) (list (area 1 1) around)", "(1 5)"),
    "only nothing": ("(import (only (shapes))) (define area 5) area", "5"),
    "only of a file": ('(import (only "all.esk" a)) a', "1"),
    "except": ("(import (except (all) a)) (define a 9) (list a (b))", "(9 2)"),
    "prefix": ("(import (prefix (shapes) s:)) (s:area 2 s:shape-count)", "0"),
    "prefix of a macro": ("(import (prefix (shapes) s:)) (s:with-unit 5)", "(5 cm)"),
    "rename": ("(import (rename (shapes) (area size) (around rim))) (size 1 (rim 1 1))", "4"),
    "rename to each other": (
        "(import (rename (only (all) a b) (a b) (b a))) (list (a) b)",
        "(2 1)",
    ),
    "rename keeps the others": ("(import (rename (all) (a z))) (list z (b) (c))", "(1 2 3)"),
    "rename a macro": ("(import (rename (all) (c three))) (three)", "3"),
    "sets in sets": (
        "(import (prefix (rename (only (shapes) area around) (area size)) s-)) (s-size 3 4)",
        "12",
    ),
    "only of renamed": ("(import (only (rename (all) (a z)) z)) z", "1"),
    "except of prefixed": ("(import (except (prefix (all) p-) p-b)) (define p-b 0) p-a", "1"),
    "from the same folder": ('(import "relative/main.esk") x', "(side 1)"),
    "a package": ("(import (pack)) (list own part-a (part-b) (part-c 1))", "(1 a (a) (1 (a)))"),
    "the standard library": ("(import (scheme base) (only (scheme write) display)) (+ 1 1)", "2"),
    "prefixed primitives": ("(import (prefix (scheme base) b:)) (b:+ 1 (b:car '(2)))", "3"),
    "renamed primitives": ("(import (rename (scheme base) (car first))) (first '(1 2))", "1"),
    "require": ("(require shapes) (area 1 2)", "2"),
    "require with dots": ("(require deep.er.lib all) (list here a)", "(deep 1)"),
    "require a file or a set": ('(require "all.esk" (only (shapes) area)) (area a a)', "1"),
    "imports later": ("(define x 1) (import (all)) (+ x a)", "2"),
    "an import twice": ("(import (all)) (import (all) (only (all) a)) a", "1"),
    "an import in begin": ("(begin (import (all))) a", "1"),
    "a later import wins": ("(import (all)) (import (rename (shapes) (shape-count a))) a", "0"),
    "a definition wins": ("(import (all)) (define a 7) (list a (b))", "(7 2)"),
    "a definition used before": ("(import (all)) (define (f) a) (define a 7) (f)", "7"),
    "an imported variable is assigned": ("(import (all)) (set! a 5) a", "5"),
    "a variable that its library changes": (
        "(import (shapes)) (area 1 1) (area 1 1) shape-count",
        "2",
    ),
    "a renamed variable that its library changes": (
        "(import (rename (only (shapes) area shape-count) (shape-count n))) (area 1 1) n",
        "1",
    ),
    "local variables shadow": ("(import (all)) (let ((a 10)) a)", "10"),
    "an imported procedure in a loop": (
        "(import (shapes)) (let loop ((i 0) (s 0)) (if (= i 3) s (loop (+ i 1) (+ s (area i 2)))))",
        "6",
    ),
    "a library of R7RS": (
        "(import (r7rs stack)) (define s (make)) (push! s 1) (push! s 2) (list (top s) s)",
        "(2 (2 1))",
    ),
    "several libraries in a file": ("(import (r7rs both)) j", "(inner)"),
}


@pytest.mark.parametrize("title", IMPORTS)
def test_imports(folder, title):
    text, value = IMPORTS[title]
    assert run(folder, text) == value


MACROS = {
    "a macro's helper is not imported": ("(import (shapes)) (with-unit (area 1 2))", "(2 cm)"),
    "a macro's helper is not captured": (
        "(import (shapes)) (define (unit-of x) 'mine) (with-unit 1)",
        "(1 cm)",
    ),
    "a macro's helper is not captured locally": (
        "(import (shapes)) (let ((unit-of car) (list vector)) (with-unit 1))",
        "(1 cm)",
    ),
    "a primitive that the program defines": (
        "(import (macros)) (define (car x) 'mine) (list (first '(1 2)) (car '(1 2)))",
        "(1 mine)",
    ),
    "a primitive that is defined after the use": (
        "(import (macros)) (define (f x) (first x)) (define (car x) 'mine) (f '(1 2))",
        "1",
    ),
    "a primitive that the library defines": (
        "(import (redefines)) (list (head '(1 2)) (car 1))",
        "(my-car my-car)",
    ),
    "a primitive that the library defines and keeps": (
        "(import (only (redefines) head)) (list (head '(1 2)) (car '(1 2)))",
        "(my-car 1)",
    ),
    "introduced variables": (
        "(import (macros)) (define t 1) (define u 2) (swap! t u) (list t u)",
        "(2 1)",
    ),
    "defines what it is told": ("(import (macros)) (define-two x y 5) (list x y)", "(5 5)"),
    "changes its library": ("(import (macros)) (counted 1) (counted 2) n", "2"),
    "two libraries of one name": (
        '(import "one/same.esk" "two/same.esk") (list (m1) (m2) (f1) (f2))',
        "(one two one two)",
    ),
    "through another library": ("(import (only (pack) part-c)) (part-c 2)", "(2 (a))"),
}


@pytest.mark.parametrize("title", MACROS)
def test_macros(folder, title):
    text, value = MACROS[title]
    assert run(folder, text) == value


PROGRAMS = IMPORTS | MACROS


@pytest.mark.parametrize("title", PROGRAMS)
def test_a_kept_program_imports_the_same(folder, title, monkeypatch):
    """A file that is loaded from its compiled form gives what it gave when it was compiled."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    text, value = PROGRAMS[title]
    program = folder / "program.esk"
    program.write_text(text, encoding="utf-8")
    for _ in range(2):
        monkeypatch.setattr("eshkol.session.LIBRARIES", Registry())
        assert write_string(Session().load(program)) == value
    entry = cache.read_entry(str(program), program.read_bytes())
    assert entry is not None
    assert entry.imports


# ---- libraries in a text

DEFINED = {
    "exported": (
        "(define-library (a) (export x) (begin (define x 1) (define y 2))) (import (a)) x",
        "1",
    ),
    "exported under another name": (
        "(define-library (a) (export (rename x z)) (begin (define x 1))) (import (a)) z",
        "1",
    ),
    "in any order": (
        "(define-library (a b) (begin (define (f) (g))) (begin (define (g) 1)) (export f))"
        "(import (prefix (a b) my-)) (my-f)",
        "1",
    ),
    "with the text that imports it first": (
        "(import (a)) (define-library (a) (export x) (begin (define x 1))) x",
        "1",
    ),
    "one from another": (
        "(define-library (a) (export x) (begin (define x 1)))"
        "(define-library (b) (export y) (import (a)) (begin (define y (+ x 1))))"
        "(import (b)) y",
        "2",
    ),
    "exports what it imports": (
        "(define-library (a) (export b) (import (all))) (import (a)) (b)",
        "2",
    ),
    "a macro": (
        "(define-library (a) (export m) (begin (define (g x) (* 2 x))"
        " (define-syntax m (syntax-rules () ((_ x) (g x))))))"
        "(import (a)) (define (g x) 0) (m 4)",
        "8",
    ),
    "has variables of its own": (
        "(define x 1) (define-library (a) (export get) (begin (define x 2) (define (get) x)))"
        "(import (a)) (list x (get))",
        "(1 2)",
    ),
    "before a file of its name": (
        "(define-library (all) (export a) (begin (define a 'mine))) (import (all)) a",
        "mine",
    ),
    "no declarations": ("(define-library (a)) (import (a)) 1", "1"),
}


@pytest.mark.parametrize("title", DEFINED)
def test_libraries_in_a_text(folder, title):
    text, value = DEFINED[title]
    assert run(folder, text) == value
    program = folder / "program.esk"
    program.write_text(text, encoding="utf-8")
    assert [write_string(Session().load(program)) for _ in range(2)] == [value, value]


def test_a_library_in_a_text_stays_in_its_session(folder):
    session = Session()
    run(folder, "(define-library (a) (export x) (begin (define x 1)))", session)
    assert run(folder, "(import (a)) x", session) == "1"
    run(folder, "(define-library (a) (export x) (begin (define x 2)))", session)
    assert run(folder, "(import (a)) x", session) == "2"
    with pytest.raises(ek.ExpandError, match="there is no library"):
        run(folder, "(import (a)) x")


# ---- what is wrong

ERRORS = {
    "no such library": ("(import (none such))", "1:9: import: there is no library (none such)"),
    "no such file": ('(import "none.esk")', '1:9: import: there is no library "none.esk"'),
    "no such required library": ("(require none.such)", "1:10: import: there is no library (none"),
    "a misspelled name": (
        "(import (only (shapes) aera))",
        "1:24: import: shapes exports no aera\n  1 | (import (only (shapes) aera))\n"
        "    |                        ^^^^\n  did you mean area?",
    ),
    "a name that is not provided": (
        "(import (only (shapes) hidden))",
        "import: shapes exports no hidden",
    ),
    "what is there instead": (
        "(import (except (all) zzz))",
        "it exports: a, b, c",
    ),
    "a name to rename": ("(import (rename (all) (q r)))", "1:24: import: all exports no q"),
    "a malformed rename": ("(import (rename (all) a b))", "import: rename takes a set and pairs"),
    "a malformed prefix": ("(import (prefix (all)))", "import: prefix takes a set and a prefix"),
    "no name in only": ("(import (only (all) (a)))", "1:21: import: expected a name"),
    "no set": ("(import 5)", "import: expected the name of a library, in parentheses, or of a"),
    "a bare word": ("(import shapes)", "import: expected the name of a library, in parentheses"),
    "an empty name": ("(import ())", "1:9: import: expected the name of a library"),
    "a strange name": ('(import (a "b"))', "1:12: import: a library's name is made of words"),
    "a way out": ("(import (.. shapes))", "there is no library (.. shapes)"),
    "a slash": ("(import (deep/er lib))", "there is no library (deep/er lib)"),
    "nothing": ("(import)", "1:1: import: set is missing"),
    "inside a body": ("(define (f) (import (all)) a)", "1:13: import stands only at top level"),
    "require inside": ("(let () (require all) a)", "1:9: require stands only at top level"),
    "provide inside": ("(let () (provide a) 1)", "1:9: provide stands only at top level"),
    "a strange export": ("(provide 5)", "1:10: provide: expected a name"),
    "a strange export from": ("(provide (all-of (all)))", "1:10: provide: expected a name"),
    "a library without a name": ("(define-library)", "1:1: define-library: library is missing"),
    "a library with a bare name": ("(define-library a)", "1:17: define-library: expected the name"),
    "a strange declaration": (
        "(define-library (a) (define x 1))",
        "1:21: define-library: expected a declaration, such as export, import or begin",
    ),
    "a library that lacks an export": (
        "(define-library (a) (export b c) (begin (define b 1)))",
        "1:31: provide: c is neither defined nor imported here",
    ),
    "a library inside a body": (
        "(let () (define-library (a)) 1)",
        "1:9: define-library stands only at top level",
    ),
    "a library inside begin": (
        "(begin (define-library (a)))",
        "1:8: define-library can't stand inside another form",
    ),
    "a library that imports itself": (
        "(define-library (a) (import (a)))",
        "import: there is no library (a)",
    ),
    "the imported library is wrong": ('(import "wrong.esk")', "wrong.esk:2:11: car: expected a"),
    "the imported library does not end": ('(import "open.esk")', "open.esk:1:1: this `(` is never"),
    "the imported library provides what it lacks": (
        '(import "lacks.esk")',
        "lacks.esk:2:12: provide: y is neither defined nor imported here",
    ),
    "a macro that is not imported": ("(import (only (shapes) area)) (with-unit 1)", "with-unit is"),
    "a macro as a variable": ("(import (all)) c", "1:16: c is a macro: it must be used as (c …)"),
}
WRONG_FILES = {
    "wrong.esk": "(define x 1)\n(define y (car x))",
    "open.esk": "(define x 1",
    "lacks.esk": "(define x 1)\n(provide x y)",
}


@pytest.mark.parametrize("title", ERRORS)
def test_errors(folder, title):
    for name, text in WRONG_FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    text, message = ERRORS[title]
    for _ in range(2):
        with pytest.raises(ek.EshkolError) as caught:
            run(folder, text)
        assert message in str(caught.value)


def test_the_places_that_were_searched(folder, monkeypatch):
    monkeypatch.setenv("ESHKOL_PATH", f"{folder}/one:{folder}/two")
    monkeypatch.chdir(folder)
    with pytest.raises(ek.ExpandError) as caught:
        run(folder, "(import (none))")
    assert f"looked in {folder}, ., {folder}/one, {folder}/two, " in caught.value.hint
    assert run(folder, "(import (same)) (f1)") == "one"
    with pytest.raises(ek.ExpandError) as caught:
        run(folder, "(import (shutil as s))")
    hint = "a module of Python is imported by (import (python shutil as s))\nlooked in "
    assert caught.value.hint.startswith(hint)


CYCLES = {
    "itself": ({"a.esk": "(import (a))"}, "a.esk → a.esk"),
    "two": ({"a.esk": "(import (b))", "b.esk": '(import "a.esk")'}, "a.esk → b.esk → a.esk"),
    "three, not from the first": (
        {"a.esk": "(import (b))", "b.esk": "(import (c))", "c.esk": "(import (b))"},
        "b.esk → c.esk → b.esk",
    ),
}


@pytest.mark.parametrize("title", CYCLES)
def test_cycles(folder, title):
    files, cycle = CYCLES[title]
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    for _ in range(2):
        with pytest.raises(ek.ExpandError) as caught:
            run(folder, "(import (a))")
        message = str(caught.value).replace(f"{folder}/", "")
        assert f"import: these libraries import each other: {cycle}" in message
        assert "move what both need to a library of its own" in message


def test_a_library_that_failed_is_loaded_again(folder):
    path = folder / "mended.esk"
    path.write_text("(define x (car 1))")
    with pytest.raises(ek.WrongType):
        run(folder, "(import (mended)) x")
    path.write_text("(define x 1)")
    assert run(folder, "(import (mended)) x") == "1"


# ---- exports

EXPORTS = {
    "all that is defined": (
        "(define a 1) (define-syntax b (syntax-rules ()))",
        {"a": "a", "b": "b"},
    ),
    "not what is imported": ("(import (all)) (define d 1)", {"d": "d"}),
    "what is provided": ("(define a 1) (define d 1) (provide d)", {"d": "d"}),
    "provided in parts": (
        "(provide a) (define a 1) (define d 1) (provide d)",
        {"a": "a", "d": "d"},
    ),
    "under another name": ("(define a 1) (provide (rename a z))", {"z": "a"}),
    "what is imported": ("(import (all)) (provide b)", {"b": "b"}),
    "all from an imported library": (
        "(import (all)) (provide (all-from (all)))",
        {"a": "a", "b": "b", "c": "c"},
    ),
    "all from a set": (
        "(import (prefix (all) p-)) (provide (all-from (prefix (only (all) a) p-)))",
        {"p-a": "p-a"},
    ),
    "a primitive": ("(provide car)", {"car": "car"}),
    "nothing": ("(define a 1) (provide)", {}),
}


@pytest.mark.parametrize("title", EXPORTS)
def test_exports(folder, title, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    text, exports = EXPORTS[title]
    path = folder / "exporting.esk"
    path.write_text(text, encoding="utf-8")
    for _ in range(2):
        monkeypatch.setattr("eshkol.session.LIBRARIES", Registry())
        session = Session()
        run(folder, "(import (exporting))", session)
        assert session.imports[-1][1].exports == exports


# ---- when libraries change


def test_a_changed_library_is_compiled_in_again(folder, monkeypatch):
    """What was compiled with a macro of a library is compiled again when the library changes."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    macro = "(define-syntax m (syntax-rules () ((_ x) (list {} x))))"
    (folder / "bottom.esk").write_text(macro.format(1))
    (folder / "middle.esk").write_text("(import (bottom)) (provide (all-from (bottom)))")
    program = folder / "program.esk"
    program.write_text("(import (middle)) (m 'x)")
    for number in (1, 1, 2, 2):
        (folder / "bottom.esk").write_text(macro.format(number))
        monkeypatch.setattr("eshkol.session.LIBRARIES", Registry())
        assert write_string(Session().load(program)) == f"({number} x)"


def test_a_library_is_evaluated_once(folder):
    (folder / "once.esk").write_text("(define token (list 1))")
    (folder / "user.esk").write_text("(import (once)) (define mine token)")
    first, second = Session(), Session()
    run(folder, "(import (once) (user))", first)
    run(folder, '(import "once.esk") (import "./user.esk")', second)
    assert first.get("token") is second.get("token") is first.get("mine") is second.get("mine")


def test_staged_code_follows_an_imported_variable(folder):
    (folder / "rate.esk").write_text("(define rate 2.0) (define (set-rate! r) (set! rate r))")
    session = Session()
    text = "(import (rate)) (define f (jit (lambda (x) (* rate x)))) (list (f 3.0) "
    assert run(folder, text + "(begin (set-rate! 5.0) (f 3.0)))", session) == "(6.0 15.0)"
