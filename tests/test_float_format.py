"""How numbers are shown: in every radix, and as programs in C++ show them."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eshkol.base.errors import BadValue
from eshkol.base.spans import Span
from eshkol.core.identity import identity
from eshkol.core.nodes import Const
from eshkol.datum.number_text import FLOAT_FORMAT, native_text, number_text
from eshkol.datum.write import display_string, readable_string, write_string
from eshkol.reader.numbers import parse_number
from eshkol.session import Session
from programs import shown

NATIVE = [
    ("1.0", "1"),
    ("2.5", "2.5"),
    ("-0.0", "-0.0"),
    ("0.0", "0"),
    ("1e21", "1e+21"),
    ("1e-7", "1e-07"),
    ("(/ 1.0 3)", "0.3333333333333333"),
    ("1e10", "1e+10"),
    ("100000000.5", "100000000.5"),
    ("0.001", "0.001"),
    ("0.0001", "1e-04"),
    ("1e16", "1e+16"),
    ("-1e100", "-1e+100"),
    ("123.0", "123"),
    ("(exact->inexact 12345678901234567890)", "12345678901234567000"),
    ("+inf.0", "+inf.0"),
    ("-inf.0", "-inf.0"),
    ("+nan.0", "+nan.0"),
    ("(sqrt -1)", "+i"),
    ("(make-rectangular 3 4)", "3+4i"),
    ("(make-rectangular 0.5 2.0)", "0.5+2i"),
    ("(list 1 2.0 1/2 #t)", "(1 2 1/2 #t)"),
    ("(vector 1.0 2.5)", "#(1 2.5)"),
    ("(expt 2.0 3)", "8"),
]


@pytest.fixture
def native():
    FLOAT_FORMAT.name = "native"
    yield
    FLOAT_FORMAT.name = "scheme"


@pytest.mark.parametrize(("program", "expected"), NATIVE)
def test_native(native, program, expected):
    assert display_string(Session().evaluate(program)) == expected


def test_programs_choose_the_format(native):
    session = Session()
    session.evaluate("(set-float-format! 'scheme)")
    assert shown("(list 1.0 (number->string 1.0))") == '(1.0 "1.0")'
    session.evaluate("(set-float-format! 'native)")
    assert shown("(list 1.0 (number->string 1.0))") == '(1 "1")'
    with pytest.raises(BadValue, match="expected scheme or native, got other"):
        session.evaluate("(set-float-format! 'other)")


def test_tensors_are_shown_in_the_format(native):
    assert display_string(np.array([[1.0, 2.5], [3.0, 1e10]])) == "#((1 2.5) (3 1e+10))"


def test_constants_stay_apart_in_every_format(native):
    span = Span("test", 1, 0, 1, 1)
    assert write_string(1.0) == write_string(1)
    assert readable_string([1.0]) != readable_string([1])
    assert identity(Const(span, 1.0)) != identity(Const(span, 1))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_native_text_reads_back(number):
    text = native_text(repr(number))
    assert float(text) == number
    assert len(text) <= len(repr(number)) + 2


@given(
    st.integers() | st.floats(allow_nan=False) | st.fractions(),
    st.sampled_from([2, 3, 8, 10, 16, 36]),
)
def test_numbers_read_back_in_every_radix(number, radix):
    value = number.numerator if getattr(number, "denominator", 2) == 1 else number
    back = parse_number(number_text(value, radix), radix)
    assert back == value and back.__class__ is value.__class__
    assert math.copysign(1.0, back) == math.copysign(1.0, value)


@given(st.complex_numbers(allow_nan=False, allow_infinity=False), st.sampled_from([2, 8, 10, 16]))
def test_complex_numbers_read_back(number, radix):
    back = parse_number(number_text(number, radix), radix)
    assert complex(back) == number


def test_the_command_line_chooses_the_format(tmp_path):
    path = tmp_path / "a.esk"
    path.write_text("(display (list 1.0 0.5 1e21))")
    command = [sys.executable, "-m", "eshkol"]
    for words in (["run", "--native-floats", path], ["--native-floats", "run", path]):
        assert subprocess.check_output([*command, *words], text=True) == "(1 0.5 1e+21)"
    assert subprocess.check_output([*command, "run", path], text=True) == "(1.0 0.5 1e21)"
