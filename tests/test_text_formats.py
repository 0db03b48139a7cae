"""JSON, CSV, dates, and ``format``."""

from __future__ import annotations

import csv
import io
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eshkol.base.errors import BadValue, EshkolError, FileProblem, ReadError, WrongType
from eshkol.datum.pairs import NIL, scheme_list
from eshkol.datum.values import HashTable, Vector
from eshkol.datum.write import write_string
from eshkol.primitives.catalogue import builtin_namespace
from eshkol.session import Session
from programs import shown, table, value


def call(name, *arguments, **options):
    return builtin_namespace()[name](*arguments, **options)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def plain(value):
    """A Scheme value as the Python value of the same JSON text."""
    if isinstance(value, HashTable):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, Vector):
        return [plain(item) for item in value]
    return None if value is NIL else value


@given(JSON)
def test_json_is_pythons(data):
    parsed = call("json-parse", json.dumps(data), vectors=True)
    assert plain(parsed) == data
    assert json.loads(call("json-stringify", parsed)) == data
    assert json.loads(call("json-stringify", parsed, indent=2)) == data


@table(r"""
(json-parse "{\"a\": [1, 2.5], \"b\": {\"c\": null}}")
⇒ #<hash-table ("a" (1 2.5)) ("b" #<hash-table ("c" ())>)>

(json-parse "[[], [1], null]" #:vectors #t) ⇒ #(#() #(1) ())

(json-parse "[[], [1], null]") ⇒ (() (1) ())

(hash-ref (json-parse "{\"a\": true}") "a") ⇒ #t

(json-parse "\"\\u03bb\"") ⇒ "λ"

(json-stringify '((a . 1) ("b" . "x\"y"))) ⇒ "{\"a\":1,\"b\":\"x\\\"y\"}"

(json-stringify '(1 2 (3 #t #f ()))) ⇒ "[1,2,[3,true,false,null]]"

(json-stringify (vector 1/2 #\a 'sym (string-copy "s") #())) ⇒ "[0.5,\"a\",\"sym\",\"s\",[]]"

(json-stringify '((a 1 2) (b . #()))) ⇒ "{\"a\":[1,2],\"b\":[]}"

(json-stringify (vector 1) #:indent 1) ⇒ "[\n 1\n]"

(let ((v (json-parse "{\"a\": [{\"b\": 7}]}")))
  (list (json-get-in v '("a" 0 "b")) (json-get-in v '("a" 3) 'no) (json-get v 'x 0)))
⇒ (7 no 0)

(json-array-ref (json-parse "[5, 6]") 1) ⇒ 6
""")
def test_json(program, expected):
    assert shown(program) == expected


def test_tensors_are_arrays():
    assert call("json-stringify", np.array([[1.0, 2.0], [3.0, 4.0]])) == "[[1.0,2.0],[3.0,4.0]]"


@pytest.mark.parametrize(
    ("program", "kind", "message"),
    [
        ('(json-parse "[1, 2")', ReadError, "json-parse: .* at line 1, column [67]"),
        ('(json-parse "{\\"a\\" 1}")', ReadError, "json-parse: expecting ':' delimiter at line 1"),
        ('(json-parse "NaN")', ReadError, "json-parse: NaN is no JSON number"),
        ('(json-parse "")', ReadError, "json-parse: expecting value"),
        ("(json-parse 5)", WrongType, "json-parse: expected a string, got 5"),
        ("(json-stringify car)", WrongType, "expected a value that JSON can hold"),
        ("(json-stringify '(1 . 2))", WrongType, "expected a value that JSON can hold"),
        ("(json-stringify +nan.0)", BadValue, "JSON has no number \\+nan.0"),
        ("(let ((v (vector 1))) (vector-set! v 0 v) (json-stringify v))", BadValue, "itself"),
        ("(let ((t (make-hash-table))) (hash-set! t 1 2) (json-stringify t))", WrongType, "keys"),
        ('(json-read-file "no-such-file")', FileProblem, "no such file"),
        ('(csv-parse "\\"a\\"b,c")', ReadError, "csv-parse: .*, on line 1"),
        ('(csv-parse "a" #:separator "--")', BadValue, "a separator of one character"),
        ("(csv-stringify '(1))", WrongType, "csv-stringify: expected a list, got 1"),
        ('(string->seconds "yesterday")', BadValue, "does not have the form"),
        ("(seconds->string 1e300)", BadValue, "beyond all dates"),
        ("(date->seconds 2024 13 1)", BadValue, "month must be in 1..12"),
    ],
)
def test_errors(program, kind, message):
    with pytest.raises(kind, match=message):
        value(program)


def test_json_that_nests_deep_ends_well():
    with pytest.raises(EshkolError, match="nests too deep"):
        call("json-parse", "[" * 200_000)


# ---- CSV


@given(
    st.lists(
        st.lists(
            st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"])), min_size=2
        ),
        min_size=1,
    )
)
def test_csv_is_pythons(records):
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(records)
    text = stream.getvalue()
    parsed = call("csv-parse", text)
    assert [list(record) for record in parsed] == records
    assert call("csv-stringify", parsed) == text.removesuffix("\n")


@table(r"""
(csv-parse "name,age\nAda,36\n") ⇒ (("name" "age") ("Ada" "36"))

(csv-parse "x,1,2.5,1e3\r\n" #:numbers #t) ⇒ (("x" 1 2.5 1000.0))

(csv-parse "a;\"b;\"\"c\"\"\"\n" #:separator #\;) ⇒ (("a" "b;\"c\""))

(csv-parse "a\n\nb") ⇒ (("a") ("b"))

(csv-stringify (list '(a "b,c" 1.5) (vector "d\"e" 1 #\x))) ⇒ "a,\"b,c\",1.5\n\"d\"\"e\",1,x"

(list (csv-parse-line "a,,b") (csv-stringify-row '(a () 1)) (csv-parse ""))
⇒ (("a" "" "b") "a,,1" ())
""")
def test_csv(program, expected):
    assert shown(program) == expected


def test_files(tmp_path):
    session = Session()
    session.define("path", str(tmp_path / "file"))
    session.evaluate("(json-write-file path '((a 1 2)))")
    assert json.loads((tmp_path / "file").read_text()) == {"a": [1, 2]}
    assert write_string(session.evaluate('(hash-ref (json-read-file path) "a")')) == "(1 2)"
    session.evaluate("(csv-write-file path '((a 1) (b 2)))")
    assert (tmp_path / "file").read_text() == "a,1\nb,2\n"
    parsed = session.evaluate("(csv-parse-file path #:numbers #t)")
    assert write_string(parsed) == '(("a" 1) ("b" 2))'


# ---- dates


@table("""
(seconds->string 0) ⇒ "1970-01-01T00:00:00Z"

(seconds->string 1e9 "%Y-%m-%d") ⇒ "2001-09-09"

(string->seconds "2001-09-09T01:46:40Z") ⇒ 1000000000

(string->seconds "29.02.2024" "%d.%m.%Y") ⇒ 1709164800

(date->seconds 2001 9 9 1 46 40) ⇒ 1000000000

(map cdr (seconds->date 1000000000)) ⇒ (2001 9 9 1 46 40 6 252)

(string-length (seconds->string)) ⇒ 20
""")
def test_dates(program, expected):
    assert shown(program) == expected


# ---- format


@table(r"""
(format "~a and ~s" "x" "y") ⇒ "x and \"y\""

(format #f "~a" '(1 "a")) ⇒ "(1 a)"

(format "~d ~x ~o ~b" 255 255 8 5) ⇒ "255 ff 10 101"

(format "~5d|~5a|" 42 'ab) ⇒ "   42|ab   |"

(format "~,2f ~8,3f ~f" 3.14159 2.5 1/3) ⇒ "3.14    2.500 0.3333333333333333"

(format "~~ ~c~%" #\x) ⇒ "~ x\n"

(with-output-to-string (lambda () (format #t "~a" 1))) ⇒ "1"

(call-with-output-string (lambda (p) (format p "~s" "a"))) ⇒ "\"a\""

(with-output-to-string (lambda () (printf "%d %5.2f %s|%-4d|%x" 1 3.14159 'a 5 255)))
⇒ "1  3.14 a|5   |ff"

(with-output-to-string (lambda () (printf "~a~%" 1))) ⇒ "1\n"
""")
def test_format(program, expected):
    assert shown(program) == expected


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 8))
def test_fixed_point_is_pythons(number, digits):
    assert call("format", f"~,{digits}f", number) == f"{number:.{digits}f}"


def test_lists_of_pythons_are_arrays():
    assert call("json-stringify", scheme_list([[1, 2], math.pi])) == "[[1,2],3.141592653589793]"
