"""What primitives say about arguments that do not fit."""

from __future__ import annotations

import inspect
import re

import pytest
from scheme_calls import call, run

from eshkol.base.errors import (
    BadValue,
    DivideByZero,
    EshkolError,
    MissingKey,
    OutOfRange,
    SchemeError,
    WrongType,
)
from eshkol.datum.pairs import NIL, cons
from eshkol.primitives.catalogue import builtin_namespace
from eshkol.primitives.declare import PRIMITIVES

ERRORS = [
    ('(+ 1 "a")', WrongType, r'\+: expected a number, got "a"\n.*string-append'),
    ("(+ 1 #t)", WrongType, r"\+: expected a number, got #t\n.*\(if flag 1 0\)"),
    ("(- 'a)", WrongType, "-: expected a number, got a"),
    ("(* 2 '())", WrongType, r"\*: expected a number, got \(\)\n.*not zero"),
    ("(+ car 1)", WrongType, r"\+: expected a number, got #<procedure car>\n.*parentheses"),
    ("(+ #\\a 1)", WrongType, r"\+: expected a number, got #\\a\n.*char->integer"),
    ("(+ (void) 1)", WrongType, r"\+: expected a number, .*\n.*returns nothing"),
    ('(+ "a")', WrongType, r'\+: expected a number, got "a"'),
    ("(/ 1 0)", DivideByZero, "/: exact 1 divided by exact zero"),
    ("(/ 0)", DivideByZero, "/: exact 1 divided by exact zero"),
    ("(quotient 1 0)", DivideByZero, "quotient: division of 1 by zero"),
    ("(modulo 1 0)", DivideByZero, "modulo: division of 1 by zero"),
    ("(expt 0 -1)", DivideByZero, "exact zero to the negative power"),
    ("(modulo 'a 2)", WrongType, "modulo: expected a real number, got a"),
    ("(gcd 1.5 2)", WrongType, "gcd: expected an integer, got 1.5"),
    ("(even? 1.5)", WrongType, r"even\?: expected an integer, got 1.5"),
    ("(odd? 'a)", WrongType, r"odd\?: expected an integer, got a"),
    ("(< 1 'a)", WrongType, "<: expected a number, got a"),
    ("(< 1 1+2i)", WrongType, r"<: expected a real number, got 1\+2i"),
    ("(= 'a 1)", WrongType, r"=: expected a number, got a\n.*equal\?"),
    ("(< 3 2 'a)", WrongType, "<: expected a number, got a"),
    ("(max 1 'a)", WrongType, "max: expected a real number, got a"),
    ("(min 1+2i 1)", WrongType, "min: expected a real number"),
    ('(sin "x")', WrongType, 'sin: expected a number, got "x"'),
    ("(floor 1+2i)", WrongType, "floor: expected a real number"),
    ("(atan 'a 2)", WrongType, "atan: expected a real number, got a"),
    ("(exact +inf.0)", BadValue, r"exact: \+inf.0 has no exact value"),
    ("(exact 1+2i)", WrongType, "exact: expected a real number"),
    ("(inexact 'a)", WrongType, "inexact: expected a number, got a"),
    ("(exact? 'a)", WrongType, r"exact\?: expected a number, got a"),
    ("(inexact? 'a)", WrongType, r"inexact\?: expected a number, got a"),
    ("(nan? 'a)", WrongType, r"nan\?: expected a number, got a"),
    ("(zero? 'a)", WrongType, r"zero\?: expected a number, got a"),
    ("(numerator +nan.0)", WrongType, "numerator: expected a rational number"),
    ("(exact-integer-sqrt -1)", BadValue, "expected a non-negative integer, got -1"),
    ("(exact-integer-sqrt 4.0)", WrongType, "expected an exact integer, got 4.0"),
    ("(number->string 'a)", WrongType, "number->string: expected a number, got a"),
    ("(number->string 1 99)", OutOfRange, "expected a radix from 2 to 36, got 99"),
    ("(string->number 5)", WrongType, "string->number: expected a string, got 5"),
    ("(car 5)", WrongType, "car: expected a pair, got 5"),
    ("(car '())", WrongType, r"car: expected a pair, got \(\)\n.*null\?"),
    ("(cdr '())", WrongType, r"cdr: expected a pair, got \(\)"),
    ("(cadr '(1))", WrongType, r"cadr: expected a pair as the cdr of \(1\), got \(\)"),
    ("(caddr '(1 2))", WrongType, r"caddr: expected a pair as the cddr of \(1 2\), got \(\)"),
    ("(caar '(1))", WrongType, r"caar: expected a pair as the car of \(1\), got 1"),
    ("(cadr 5)", WrongType, "cadr: expected a pair, got 5"),
    ("(set-car! '() 1)", WrongType, "set-car!: expected a pair"),
    ("(set-cdr! 5 1)", WrongType, "set-cdr!: expected a pair, got 5"),
    ("(length 5)", WrongType, "length: expected a list, got 5"),
    ("(length #(1 2))", WrongType, r"length: expected a list, got #\(1 2\)\n.*vector->list"),
    ('(length "ab")', WrongType, "string->list"),
    ("(length '(1 . 2))", WrongType, r"length: expected a proper list, got \(1 \. 2\)"),
    ("(append '(1 . 2) '())", WrongType, "append: expected a proper list"),
    ("(reverse 'a)", WrongType, "reverse: expected a list, got a"),
    ("(cons*)", WrongType, r"cons\*: expected at least one argument"),
    ("(list-ref '(1 2) 2)", OutOfRange, "list-ref: index 2 is out of range for a list of length 2"),
    ("(list-ref '(1 2) -1)", OutOfRange, "list-ref: expected an exact non-negative integer"),
    ("(list-ref '(1 2) 1.0)", WrongType, r"list-ref: .* got 1.0\n.*\(exact 1.0\)"),
    ("(list-ref '(1 2) #t)", WrongType, "list-ref: expected an exact .*integer, got #t"),
    ("(list-ref 5 0)", WrongType, "list-ref: expected a list, got 5"),
    ("(list-tail '(1 2) 3)", OutOfRange, "list-tail: index 3 is out of range"),
    ("(take '(1 2) 3)", OutOfRange, "take: index 3 is out of range for a list of length 2"),
    ("(third '(1 2))", OutOfRange, "third: index 2 is out of range for a list of length 2"),
    ("(last '())", WrongType, "last: expected a list with elements"),
    ("(last-pair '())", WrongType, "last-pair: expected a list with elements"),
    ("(range 1 5 0)", OutOfRange, "range: the step must not be zero"),
    ("(iota 'a)", WrongType, "iota: expected an exact non-negative integer, got a"),
    ("(iota 3 'a)", WrongType, r"\+: expected a number, got a"),
    ("(assq 'a '(1 2))", WrongType, "assq: expected a list of pairs"),
    ("(assoc 'a 5)", WrongType, "assoc: expected a list, got 5"),
    ("(member 1 '(2 . 3))", WrongType, "member: expected a proper list"),
    ("(filter 5 '(1))", WrongType, "filter: expected a procedure, got 5"),
    ("(filter odd? 5)", WrongType, "filter: expected a list, got 5"),
    ("(find odd? '(2 . 3))", WrongType, "find: expected a proper list"),
    ("(drop-while odd? 5)", WrongType, "drop-while: expected a list, got 5"),
    ("(map car 5)", WrongType, "map: expected a list, got 5"),
    ("(map 5 '())", WrongType, "map: expected a procedure, got 5"),
    ("(map + '(1) #(2))", WrongType, "map: expected a list"),
    ("(for-each car #(1))", WrongType, r"for-each: expected a list, got #\(1\)"),
    ("(fold 1 2 3)", WrongType, "fold: expected a procedure, got 1"),
    ("(reduce + '())", BadValue, "reduce: the list is empty"),
    ("(append-map list 5)", WrongType, "append-map: expected a list, got 5"),
    ("(apply + 1)", WrongType, "apply: expected a list, got 1"),
    ("(apply 5 '())", WrongType, "apply: expected a procedure, got 5"),
    ("(sort 5 <)", WrongType, r"sort: expected a list or a vector, got 5\n.*\(sort items <\)"),
    ("(sort '(1 2) 5)", WrongType, "sort: expected a procedure, got 5"),
    ("(sort '(1 a) <)", WrongType, "<: expected a number, got a"),
    ("(vector-sort! '(1 2) <)", WrongType, "vector-sort!: expected a vector"),
    ("(vector-ref #(1 2 3) 7)", OutOfRange, "index 7 is out of range for a vector of length 3"),
    ("(vector-ref #(1 2 3) -1)", OutOfRange, "index -1 is out of range for a vector of length 3"),
    ("(vector-ref '(1) 0)", WrongType, r"vector-ref: expected a vector, got \(1\)\n.*list->vector"),
    ("(vector-ref #(1) 0.0)", WrongType, "vector-ref: expected an exact integer, got 0.0"),
    ("(vector-set! (vector 1) 1 2)", OutOfRange, "vector-set!: index 1 is out of range"),
    ("(vector-length 5)", WrongType, "vector-length: expected a vector, got 5"),
    ("(make-vector -1)", OutOfRange, "make-vector: expected an exact non-negative integer"),
    ("(vector-copy #(1 2) 3)", OutOfRange, "start 3 is out of range for a vector of length 2"),
    ("(vector-copy #(1 2) 2 1)", OutOfRange, "vector-copy: end 1 lies before start 2"),
    ("(vector-copy #(1 2) 0 5)", OutOfRange, "end 5 is out of range for a vector of length 2"),
    ("(vector-copy! (vector 1) 1 #(2))", OutOfRange, "1 elements at 1 do not fit"),
    ("(vector-map car 5)", WrongType, "vector-map: expected a vector, got 5"),
    ("(string-length 5)", WrongType, "string-length: expected a string, got 5"),
    ('(string-ref "abc" 3)', OutOfRange, "index 3 is out of range for a string of length 3"),
    ('(substring "hello" 7)', OutOfRange, "start 7 is out of range for a string of length 5"),
    ('(string-append "a" 1)', WrongType, r"string-append: expected a string, got 1\n.*number->str"),
    ('(string-append "a" #\\b)', WrongType, r"got #\\b\n.*\(string c\)"),
    ("(string-append 'a)", WrongType, r"got a\n.*symbol->string"),
    ("(string 5)", WrongType, "string: expected a char, got 5"),
    ("(list->string '(1))", WrongType, "list->string: expected a char, got 1"),
    ('(string=? "a" 5)', WrongType, r"string=\?: expected a string, got 5"),
    ('(string-split "a" "")', BadValue, "string-split: the separator is empty"),
    ('(string-replace "a" "" "b")', BadValue, "string-replace: the string to replace is empty"),
    ('(string-index "a" 5)', WrongType, "expected a char or a predicate on chars, got 5"),
    ("(string-join '(1))", WrongType, "string-join: expected a string, got 1"),
    ('(string-map (lambda (c) 1) "a")', WrongType, "string-map: expected a char, got 1"),
    ("(char-upcase 5)", WrongType, "char-upcase: expected a char, got 5"),
    ("(char<? #\\a 5)", WrongType, r"char<\?: expected a char, got 5"),
    ("(integer->char 1114112)", OutOfRange, "1114112 is not a Unicode code point"),
    ("(symbol->string 5)", WrongType, "symbol->string: expected a symbol, got 5"),
    ("(gensym 5)", WrongType, "gensym: expected a string or a symbol, got 5"),
    ("(boolean=? 1 #t)", WrongType, r"boolean=\?: expected a boolean, got 1"),
    ("(hash-ref 5 1)", WrongType, r"hash-ref: expected a hash table, got 5\n.*make-hash-table"),
    ("(hash-table-ref (make-hash-table) 'k)", MissingKey, "hash-table-ref: the table has no key k"),
    ("(hash-update! (make-hash-table) 'k 1+)", MissingKey, "hash-update!: the table has no key k"),
    ("(hash-table-update! (make-hash-table) 'k 1+)", MissingKey, "the table has no key k"),
    ("(alist->hash-table '(1))", WrongType, "alist->hash-table: expected a list of pairs"),
    ("(display 1 2)", WrongType, "display: expected an output port, got 2"),
    ("(flush-output 2)", WrongType, "flush-output: expected an output port, got 2"),
    ("(with-output-to-string 5)", WrongType, "with-output-to-string: expected a procedure, got 5"),
    ("(write-char 5)", WrongType, "write-char: expected a char, got 5"),
    ('(format "~a")', BadValue, "format: no argument is left for the directive ~a"),
    ('(format "~a" 1 2)', BadValue, "format: the format has no directive for 1 argument"),
    ('(format "~q" 1)', BadValue, r"format: unknown directive ~q\n.*~a"),
    ('(format "~x" 1.5)', WrongType, r"format: ~x expects an integer, got 1.5"),
    ('(format "~d" \'a)', WrongType, "format: ~d expects a number, got a"),
    ("(format 5)", WrongType, "format: expected a string, got 5"),
    ("(format #t)", WrongType, "format: expected a string, got #t"),
    ('(printf "%d")', BadValue, "printf: no argument is left for the directive %d"),
    ('(printf "%d" 1.5)', WrongType, r"printf: %d expects an integer, got 1.5\n.*%f"),
    ('(printf "%f" \'a)', WrongType, "printf: %f expects a real number, got a"),
    ('(printf "%y" 1)', BadValue, r"printf: unknown directive %y\n.*%d"),
    ('(printf "50%")', BadValue, r"printf: unknown directive %\n"),
    ('(printf "%c" -1)', BadValue, "printf: %c expects a char or its code, got -1"),
    ("(printf 5)", WrongType, "printf: expected a string, got 5"),
    ("(exit 'a)", WrongType, "exit: expected a boolean or an exact integer, got a"),
    ('(error "no such word:" \'xyzzy "s")', SchemeError, 'error: no such word: xyzzy "s"'),
    ('(error \'look-up "no such word:" 5)', SchemeError, "error: look-up: no such word: 5"),
    ("(assert #f)", SchemeError, "assert: assertion failed"),
    ('(assert #f "n must be positive, is" 0)', SchemeError, "assert: n must be positive, is 0"),
    ("(compose 5)", WrongType, "compose: expected a procedure, got 5"),
    ("(flip 5)", WrongType, "flip: expected a procedure, got 5"),
]


@pytest.mark.parametrize(("expression", "kind", "message"), ERRORS)
def test_error(expression: str, kind: type[EshkolError], message: str) -> None:
    with pytest.raises(kind) as caught:
        run(expression)
    assert re.search(message, str(caught.value)), str(caught.value)


def test_a_circular_list_has_no_length() -> None:
    circle = cons(1, NIL)
    circle.cdr = circle
    for name in ("length", "reverse"):
        with pytest.raises(WrongType, match=f"{name}: expected a list that ends"):
            call(name, circle)


def test_an_error_keeps_message_and_irritants() -> None:
    with pytest.raises(SchemeError) as caught:
        run('(error "msg" 1 "two")')
    assert caught.value.condition_message == "msg"
    assert caught.value.irritants == (1, "two")


STATUSES = [((), 0), ((True,), 0), ((False,), 1), ((0,), 0), ((7,), 7), ((256 + 3,), 3)]


@pytest.mark.parametrize(("arguments", "status"), STATUSES)
def test_exit_status(arguments: tuple[object, ...], status: int) -> None:
    with pytest.raises(SystemExit) as caught:
        call("exit", *arguments)
    assert caught.value.code == status


ODD = [5, -1, 1.5, "text", True, NIL, cons(1, 2), None, object(), lambda *arguments: 1]
HOST_FAMILIES = """
arithmetic comparison integers rounding elementary complex_numbers equality number_predicates pairs
lists list_search list_procedures vectors sorting chars strings string_search symbols hash_tables
output formatting combinators control
"""


def _host_names() -> list[str]:
    """The names of the primitives on Scheme data, but for ``exit``, which ends the program."""
    names = {name for name in builtin_namespace() if name in PRIMITIVES} - {"exit"}
    family = {name: PRIMITIVES[name].function.__module__.rpartition(".")[2] for name in names}
    return sorted(name for name in names if family[name] in HOST_FAMILIES.split())


@pytest.mark.parametrize("name", _host_names())
def test_no_raw_error_leaks(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the arguments, a primitive gives a value or one of the user's errors."""
    function = PRIMITIVES[name].function
    count = _required(PRIMITIVES[name].signature)
    for value in ODD:
        for other in ODD:
            arguments = [value, *[other] * (count - 1)] if count else [value]
            if count == 0 and not _is_variadic(PRIMITIVES[name].signature):
                arguments = []
            try:
                function(*arguments)
            except EshkolError as error:
                assert str(error)


def _required(signature: inspect.Signature) -> int:
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in positional and p.default is p.empty for p in signature.parameters.values())


def _is_variadic(signature: inspect.Signature) -> bool:
    return any(p.kind is p.VAR_POSITIONAL for p in signature.parameters.values())


def test_every_primitive_is_documented() -> None:
    builtin_namespace()
    missing = [name for name, primitive in PRIMITIVES.items() if not primitive.documentation]
    assert not missing
