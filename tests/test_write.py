"""``display``, ``write`` and the short form that error messages show."""

from __future__ import annotations

import math
import os
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eshkol.base.errors import WrongType
from eshkol.datum.number_text import number_text
from eshkol.datum.pairs import NIL, cons, scheme_list
from eshkol.datum.symbols import intern
from eshkol.datum.values import EOF, UNSPECIFIED, Char, HashTable, Vector
from eshkol.datum.write import (
    Text,
    display_string,
    is_cyclic,
    shared_string,
    short_string,
    write_string,
)
from eshkol.syntax.objects import Keyword, Syntax

RANDOM = settings(deadline=None)
A, B = intern("a"), intern("b")
QUOTE, UNQUOTE = intern("quote"), intern("unquote")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0"),
        (-17, "-17"),
        (10**25, "1" + "0" * 25),
        (Fraction(1, 2), "1/2"),
        (Fraction(-22, 7), "-22/7"),
        (1.0, "1.0"),
        (0.1, "0.1"),
        (-0.0, "-0.0"),
        (100.0, "100.0"),
        (123456789.123, "123456789.123"),
        (1e15, "1000000000000000.0"),
        (1e21, "1e21"),
        (1.5e300, "1.5e300"),
        (1e-7, "1e-7"),
        (5e-324, "5e-324"),
        (math.inf, "+inf.0"),
        (-math.inf, "-inf.0"),
        (math.nan, "+nan.0"),
        (3 + 4j, "3+4i"),
        (1j, "+i"),
        (complex(0, -1), "-i"),
        (complex(2, -1), "2-i"),
        (complex(0, 2), "+2i"),
        (complex(1, -2.5), "1.0-2.5i"),
        (complex(0, 2.5), "+2.5i"),
        (complex(1, 0), "1.0+0.0i"),
        (complex(0, 0), "0.0+0.0i"),
        (complex(-0.0, 1), "-0.0+1.0i"),
        (complex(1, -0.0), "1.0-0.0i"),
        (complex(math.inf, math.nan), "+inf.0+nan.0i"),
        (complex(0, -math.inf), "-inf.0i"),
        (complex(1e20, 1), "1e20+1.0i"),
    ],
)
def test_numbers(value, expected):
    assert display_string(value) == write_string(value) == expected


def test_integers_have_no_limit_of_digits():
    assert write_string(10**10_000) == "1" + "0" * 10_000
    assert write_string(Fraction(1, -(10**5_000))) == "-1/1" + "0" * 5_000
    assert short_string(10**10_000) == "1" + "0" * 58 + "…"


@pytest.mark.parametrize("radix", [2, 3, 8, 16, 36])
@pytest.mark.parametrize("value", [0, 1, -1, 255, -46655, 10**40])
def test_integers_in_any_radix(value, radix):
    assert int(number_text(value, radix), radix) == value


def test_rationals_in_radix_16():
    assert number_text(Fraction(-255, 16), 16) == "-ff/10"


@RANDOM
@given(st.floats())
def test_floats_have_the_shortest_digits(value):
    text = display_string(value)
    python = text.replace(".0", "") if text[1:4] in ("inf", "nan") else text
    assert float(python) == value or math.isnan(value)
    assert len(text) <= len(repr(value)) + 3


@pytest.mark.parametrize(
    ("value", "displayed", "written"),
    [
        (True, "#t", "#t"),
        (False, "#f", "#f"),
        (NIL, "()", "()"),
        (UNSPECIFIED, "#<unspecified>", "#<unspecified>"),
        (EOF, "#<eof>", "#<eof>"),
        (b"\x00\xff", "#u8(0 255)", "#u8(0 255)"),
        (bytearray(), "#u8()", "#u8()"),
        ("plain", "plain", '"plain"'),
        ("", "", '""'),
        ('say "hi"', 'say "hi"', r'"say \"hi\""'),
        ("a\\b|c", "a\\b|c", r'"a\\b|c"'),
        ("a\nb\tc\rd\ae\bf", "a\nb\tc\rd\ae\bf", r'"a\nb\tc\rd\ae\bf"'),
        ("\0\x7f\u200b", "\0\x7f\u200b", r'"\x0;\x7f;\x200b;"'),
        ("λ→é", "λ→é", '"λ→é"'),
        (Char("a"), "a", r"#\a"),
        (Char("("), "(", r"#\("),
        (Char("x"), "x", r"#\x"),
        (Char(" "), " ", r"#\space"),
        (Char("\n"), "\n", r"#\newline"),
        (Char("\t"), "\t", r"#\tab"),
        (Char("\r"), "\r", r"#\return"),
        (Char("\0"), "\0", r"#\null"),
        (Char("\a"), "\a", r"#\alarm"),
        (Char("\b"), "\b", r"#\backspace"),
        (Char("\x7f"), "\x7f", r"#\delete"),
        (Char("\x1b"), "\x1b", r"#\escape"),
        (Char("\x01"), "\x01", r"#\x1"),
        (Char("λ"), "λ", r"#\λ"),
        (intern("set-car!"), "set-car!", "set-car!"),
        (intern("0:10"), "0:10", "0:10"),
        (intern("1+"), "1+", "1+"),
        (intern("..."), "...", "..."),
        (intern("->x"), "->x", "->x"),
        (intern("-"), "-", "-"),
        (intern("two words"), "two words", "|two words|"),
        (intern(""), "", "||"),
        (intern("."), ".", "|.|"),
        (intern("12"), "12", "|12|"),
        (intern("+i"), "+i", "|+i|"),
        (intern("-INF.0"), "-INF.0", "|-INF.0|"),
        (intern("1/0"), "1/0", "|1/0|"),
        (intern("#f"), "#f", "|#f|"),
        (intern("a|b"), "a|b", r"|a\|b|"),
        (intern('a"b'), 'a"b', '|a"b|'),
        (intern("a\\"), "a\\", r"|a\\|"),
        (intern("a\n"), "a\n", r"|a\n|"),
        (intern("a\u200b"), "a\u200b", r"|a\x200b;|"),
        (Keyword("axis"), "#:axis", "#:axis"),
    ],
)
def test_atoms(value, displayed, written):
    assert display_string(value) == displayed
    assert write_string(value) == written


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (scheme_list([1, 2, 3]), "(1 2 3)"),
        (scheme_list([1, 2], 3), "(1 2 . 3)"),
        (cons(NIL, NIL), "(())"),
        (scheme_list([scheme_list([1]), Vector([2, scheme_list(["x"])])]), '((1) #(2 ("x")))'),
        (Vector([]), "#()"),
        ([1, [2]], "#(1 #(2))"),
        (scheme_list([QUOTE, A]), "'a"),
        (scheme_list([intern("quasiquote"), scheme_list([UNQUOTE, A])]), "`,a"),
        (scheme_list([intern("unquote-splicing"), scheme_list([A])]), ",@(a)"),
        (scheme_list([UNQUOTE, intern("@a")]), ", @a"),
        (scheme_list([1, QUOTE, A]), "(1 quote a)"),
        (scheme_list([QUOTE]), "(quote)"),
        (scheme_list([QUOTE, A, B]), "(quote a b)"),
        (scheme_list([QUOTE], A), "(quote . a)"),
        (scheme_list([QUOTE, A], B), "(quote a . b)"),
    ],
)
def test_structures(value, expected):
    assert write_string(value) == expected
    assert repr(value) == expected or value.__class__ is list


def test_display_shows_strings_and_chars_inside_lists_as_they_are():
    value = scheme_list(["a b", Char("c"), Vector(["d"]), intern("e f")])
    assert display_string(value) == "(a b c #(d) e f)"
    assert write_string(value) == r'("a b" #\c #("d") |e f|)'


def test_a_hash_table_shows_its_entries():
    table = HashTable()
    assert write_string(table) == "#<hash-table>"
    table[A] = 1
    table["b"] = scheme_list([2])
    assert write_string(table) == '#<hash-table (a 1) ("b" (2))>'
    assert display_string(table) == "#<hash-table (a 1) (b (2))>"


def named():
    """A procedure with a name."""


class Broken:
    def __repr__(self):
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (named, "#<procedure named>"),
        (lambda: 1, "#<procedure>"),
        (len, "#<procedure len>"),
        ([].append, "#<procedure append>"),
        ({"a": 1}, "#<python {'a': 1}>"),
        ((1, 2), "#<python (1, 2)>"),
        (range(3), "#<python range(0, 3)>"),
        (int, "#<class 'int'>"),
        (np.float32, "#<class 'numpy.float32'>"),
        (math, "#<module"),
        (os.environ, "#<python environ({"),
        (WrongType("car: expected a pair, got 5"), "#<error car: expected a pair, got 5>"),
        (ValueError("bad\nvalue"), r"#<python ValueError('bad\nvalue')>"),
        (Broken(), "#<Broken object>"),
        (Syntax((Syntax(A), Syntax(1))), "#<syntax (a 1)>"),
    ],
)
def test_other_values(value, expected):
    assert write_string(value).startswith(expected)
    assert write_string(value).endswith(">")
    assert "\n" not in write_string(value)


def test_none():
    assert write_string(None) == display_string(None) == "None"


# Cycles and depth


def ring(*items):
    last = cons(items[-1], NIL)
    last.cdr = scheme_list(items[:-1], last)
    return last.cdr


def crossed():
    outer = Vector([1])
    inner = Vector([outer])
    outer += [inner, inner]
    return outer


def table_in_itself():
    table = HashTable()
    table["me"] = scheme_list([table])
    return table


def quoted_ring():
    """A list whose tail, and not it, begins the cycle: ``(quote . #0=(a . #0#))``."""
    return cons(QUOTE, ring(A))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (ring(1), "#0=(1 . #0#)"),
        (ring(1, 2), "#0=(1 2 . #0#)"),
        (cons(0, ring(1)), "(0 . #0=(1 . #0#))"),
        (scheme_list([ring(1), ring(2)]), "(#0=(1 . #0#) #1=(2 . #1#))"),
        (ring(ring("x")), '#0=(#1=("x" . #1#) . #0#)'),
        (crossed(), "#0=#(1 #(#0#) #(#0#))"),
        (table_in_itself(), '#0=#<hash-table ("me" (#0#))>'),
        (quoted_ring(), "(quote . #0=(a . #0#))"),
    ],
)
def test_cycles_have_labels(value, expected):
    assert write_string(value) == expected
    assert display_string(value) == expected.replace('"', "")
    assert short_string(value) == expected
    assert is_cyclic(value)


def test_what_is_shared_without_a_cycle_has_labels_in_shared_writing_only():
    part = scheme_list([1])
    value = scheme_list([part, Vector([part])], part)
    assert write_string(value) == "((1) #((1)) 1)"
    assert shared_string(value) == "(#0=(1) #(#0#) . #0#)"
    assert shared_string(ring(1)) == "#0=(1 . #0#)"
    assert not is_cyclic(value)
    assert not is_cyclic(1)


class Point:
    """A class whose values have parts, as records have."""

    def __init__(self, x):
        self.x = x

    def __scheme_parts__(self):
        return [Text("#<point "), self.x, Text(">")]


def test_classes_may_say_what_their_values_consist_of():
    assert write_string(Point("a")) == '#<point "a">'
    assert display_string(scheme_list([Point(Point("a"))])) == "(#<point #<point a>>)"
    point = Point(None)
    point.x = scheme_list([point])
    assert write_string(point) == "#0=#<point (#0#)>"


@pytest.mark.parametrize("write", [write_string, display_string, shared_string, repr])
def test_depth_and_length_do_no_harm(write):
    deep = NIL
    for _ in range(50_000):
        deep = cons(deep, NIL)
    assert write(deep) == "(" * 50_001 + ")" * 50_001
    vectors = Vector()
    for _ in range(20_000):
        vectors = Vector([vectors])
    assert write(vectors) == "#(" * 20_001 + ")" * 20_001
    assert len(write(scheme_list([1] * 100_000))) == 200_001


# Tensors


@pytest.mark.parametrize("module", [np, jnp])
@pytest.mark.parametrize(
    ("elements", "dtype", "expected", "short"),
    [
        ([1.0, 2.5], "float32", "#(1.0 2.5)", "f32[2]"),
        ([0.1], "float32", "#(0.1)", "f32[1]"),
        ([0.1, 1e-7, 1e20], "float32", "#(0.1 1e-7 1e20)", "f32[3]"),
        ([math.inf, -math.inf, math.nan], "float32", "#(+inf.0 -inf.0 +nan.0)", "f32[3]"),
        ([1, 0.5], "bfloat16", "#(1.0 0.5)", "bf16[2]"),
        ([0.5], "float16", "#(0.5)", "f16[1]"),
        ([1, -2], "int32", "#(1 -2)", "i32[2]"),
        ([1, 255], "uint8", "#(1 255)", "u8[2]"),
        ([True, False], "bool", "#(#t #f)", "bool[2]"),
        ([1 + 2.5j, 3 + 4j], "complex64", "#(1.0+2.5i 3+4i)", "c64[2]"),
        ([[1.0, 2.0], [3.0, 4.0]], "float32", "#((1.0 2.0) (3.0 4.0))", "f32[2,2]"),
        ([[[1], [2]]], "int32", "#(((1) (2)))", "i32[1,2,1]"),
        ([], "float32", "#()", "f32[0]"),
        ([[], []], "float32", "#(() ())", "f32[2,0]"),
        (0.1, "float32", "0.1", "0.1"),
        (3, "int32", "3", "3"),
        (2.0, "bfloat16", "2.0", "2.0"),
        (True, "bool", "#t", "#t"),
    ],
)
def test_tensors(module, elements, dtype, expected, short):
    tensor = module.asarray(elements, jnp.dtype(dtype))
    assert write_string(tensor) == display_string(tensor) == expected
    assert short_string(tensor) == short
    assert write_string(scheme_list([tensor, 1])) == f"({expected} 1)"
    assert short_string(scheme_list([tensor, 1])) == f"({short} 1)"


def test_doubles_and_long_integers_keep_their_digits():
    assert write_string(np.asarray([0.1, 1 / 3])) == "#(0.1 0.3333333333333333)"
    assert short_string(np.zeros((2, 3))) == "f64[2,3]"
    assert short_string(np.zeros(2, np.int64)) == "i64[2]"
    assert write_string(np.float64(0.5)) == "0.5"
    assert write_string(np.asarray("text")) == "text"


@RANDOM
@given(st.floats(width=32, allow_nan=False))
def test_float32_has_the_shortest_digits_of_its_own_precision(value):
    text = write_string(np.float32(value))
    if math.isinf(value):
        assert text == ("+inf.0" if value > 0 else "-inf.0")
    else:
        assert np.float32(text) == np.float32(value)
        assert len(text.lstrip("-").partition("e")[0].replace(".", "").strip("0")) <= 9


def test_long_tensors_show_their_ends():
    assert write_string(np.arange(1000)).count(" ") == 999
    assert write_string(np.arange(1001)) == "#(0 1 2 ... 998 999 1000)"
    wide = np.arange(2002).reshape(2, 1001)
    expected = "#((0 1 2 ... 998 999 1000) (1001 1002 1003 ... 1999 2000 2001))"
    assert write_string(wide) == expected
    cube = write_string(np.zeros((20, 20, 20)))
    assert cube.count("0.0") == 6**3
    assert cube.count("...") == 6 * 6 + 6 + 1


def test_abstract_values_show_their_type():
    seen = []

    def look(x):
        seen.extend([write_string(x), short_string(x), write_string(x[0]), short_string(x[0])])
        return x.sum()

    abstract = ["#<traced f32[3]>", "f32[3]", "#<traced f32[]>", "f32[]"]
    jax.jit(look)(jnp.ones(3))
    assert seen == abstract
    seen.clear()
    jax.vmap(look)(jnp.ones((2, 3)))
    assert seen == abstract
    assert write_string(jax.ShapeDtypeStruct((2,), jnp.int32)) == "#<traced i32[2]>"


def test_tracers_that_carry_values_show_them():
    seen = []

    def look(x):
        seen.extend([write_string(x), short_string(x), write_string(x[0])])
        return x.sum()

    jax.grad(look)(jnp.ones(3))
    assert seen == ["#(1.0 1.0 1.0)", "f32[3]", "1.0"]


def test_tensors_without_readable_elements():
    key = jax.random.key(0)
    assert write_string(key) == "#<tensor key<fry>[]>"
    assert short_string(key) == "key<fry>[]"
    gone = jnp.ones(3) + 1
    gone.delete()
    assert write_string(gone) == "#<donated tensor f32[3]>"
    assert short_string(gone) == "f32[3]"


# The short form


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, "5"),
        ("text", '"text"'),
        ("line\nbreak", r'"line\nbreak"'),
        ("x" * 100, '"' + "x" * 58 + "…"),
        (scheme_list(range(100)), "(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22…"),
        (10**100, "1" + "0" * 58 + "…"),
        (scheme_list(["x" * 50, "y" * 50]), '("' + "x" * 50 + '" "yyyy…'),
    ],
)
def test_short_strings_are_written_and_cut(value, expected):
    assert short_string(value) == expected
    assert len(short_string(value)) <= 60


def test_the_limit_of_a_short_string():
    assert short_string("abcdef", limit=8) == '"abcdef"'
    assert short_string("abcdefg", limit=8) == '"abcdef…'


def test_a_short_string_looks_no_further_than_it_shows():
    touched = []

    class Counted:
        def __scheme_parts__(self):
            touched.append(self)
            return [Text("x")]

    short_string(scheme_list([Counted() for _ in range(100_000)]))
    assert len(touched) < 500


@pytest.mark.parametrize("module", [np, jnp, math], ids=lambda module: module.__name__)
def test_a_module_with_the_names_of_a_tensor_is_none(module):
    for show in (display_string, write_string, short_string):
        assert show(module).startswith(f"#<module '{module.__name__}'")
